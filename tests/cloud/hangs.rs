//! A database server that accepts connections and does not answer, and a network that drops packets without an error:
//! servers must notice by timeouts.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use lfs::Oid;
use reqwest::Response;
use rutter_testing::{Random, eventually, free_port, noise};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::bucket::Bucket;
use crate::client::{Action, Client};
use crate::cluster::{Cloud, Cluster, Database, Store, story};
use crate::outages::{assert_retry_later, pushed_tree, refs, wait_until_ready};
use crate::workload::Workload;

/// What a server may wait for one answer here, in seconds.
const DATABASE_TIMEOUT: (&str, &str) = ("RUTTER_LIMITS__DATABASE_SECONDS", "6");

/// That, with a connection to wait for before, and a machine that is busy with much else.
const DATABASE_DEADLINE: Duration = Duration::from_secs(6 + 5 + 19);

/// Requests of all kinds to one server at once, and how long the longest took.
async fn all_kinds_of_requests(client: &Client, verify: &Action, object: &[u8]) -> (Vec<Response>, Duration) {
    let begun = Instant::now();
    let (oid, size) = (Oid::of(object), object.len());
    let body = |operation: &str| json!({"operation": operation, "objects": [{"oid": oid, "size": size}]});
    let (reading, writing) = (body("download"), body("upload"));
    let locks = format!("{}/ada/shared.git/info/lfs/locks", client.url);
    let (batches, references, verified, locked) = tokio::join!(
        futures::future::join_all([&reading, &writing].map(|body| client.ask("ada/shared", body))),
        futures::future::join_all(["git-upload-pack", "git-receive-pack"].map(|service| refs(
            client,
            "ada/shared",
            service
        ))),
        client.verify(verify, oid, size),
        client.http.get(locks).basic_auth(&client.name, Some(&client.token)).send(),
    );
    let mut all: Vec<Response> = batches.into_iter().map(Result::unwrap).collect();
    all.extend(references);
    all.extend([verified.unwrap(), locked.unwrap()]);
    (all, begun.elapsed())
}

/// Programs that ask for the same again and again, without a pause.
struct Load {
    end: Arc<AtomicBool>,
    programs: Vec<JoinHandle<Vec<(u16, Duration)>>>,
}

impl Load {
    fn begin(client: &Client, body: &Value) -> Self {
        let end = Arc::new(AtomicBool::new(false));
        let program = |_| {
            let (client, body, end) = (client.clone(), body.clone(), Arc::clone(&end));
            tokio::spawn(async move {
                let mut answers = Vec::new();
                while !end.load(Ordering::Relaxed) {
                    let begun = Instant::now();
                    let status = client.ask("ada/shared", &body).await.unwrap().status().as_u16();
                    answers.push((status, begun.elapsed()));
                }
                answers
            })
        };
        Self { programs: (0..20).map(program).collect(), end }
    }

    /// All of them were answered, in time. Gives how many were not 200, and how long the slowest took.
    async fn end(self) -> (usize, Duration) {
        self.end.store(true, Ordering::Relaxed);
        let mut answers = Vec::new();
        for program in self.programs {
            answers.extend(program.await.unwrap());
        }
        assert!(answers.iter().all(|(status, _)| matches!(status, 200 | 503)), "{answers:?}");
        let slowest = answers.iter().map(|(_, elapsed)| *elapsed).max().unwrap();
        assert!(slowest < DATABASE_DEADLINE, "{slowest:?}");
        (answers.iter().filter(|(status, _)| *status != 200).count(), slowest)
    }
}

async fn status(cluster: &Cluster, place: usize, path: &str) -> u16 {
    cluster.installation.http.get(format!("{}/{path}", cluster.url(place))).send().await.unwrap().status().as_u16()
}

story! {
    async fn a_frozen_database_is_reported_in_time_and_nothing_is_lost() {
        let cloud = Cloud::with_own_database().await;
        let Database::Own(database, _) = &cloud.database else { unreachable!() };
        let cluster = cloud.cluster(2, &[DATABASE_TIMEOUT]).await;
        let mut random = Random(7);
        let mut workload = Workload::begin(&cluster, &mut random);
        let (ada, object) = (cluster.ada(), noise(3, 20_000));
        let (upload, verify) = ada.offer("ada/shared", &object).await;
        assert_eq!(ada.put(&upload, &object).await.unwrap(), 200);
        let body = json!({"operation": "upload", "objects": [{"oid": Oid::of(b"new"), "size": 3}]});
        let freezing = async {
            tokio::time::sleep(Duration::from_secs(1)).await;
            workload.signal.disturb();
            // Some of these are caught in the middle of a transaction.
            let loads = [0, 1].map(|place| Load::begin(&ada.at(cluster.url(place)), &body));
            tokio::time::sleep(Duration::from_millis(300)).await;
            let frozen = Instant::now();
            database.signal_all("STOP");
            // The first requests use connections that worked a moment ago, the next ones get no connection.
            for _ in 0..2 {
                let asked = [0, 1].map(async |place| all_kinds_of_requests(&ada.at(cluster.url(place)), &verify, &object).await);
                for (answers, longest) in futures::future::join_all(asked).await {
                    answers.iter().for_each(assert_retry_later);
                    assert!(longest < DATABASE_DEADLINE, "{longest:?}");
                }
            }
            for place in 0..2 {
                assert_eq!((status(&cluster, place, "healthz").await, status(&cluster, place, "readyz").await), (200, 503));
            }
            // Answers until now did not come from the database.
            tokio::time::sleep_until((frozen + DATABASE_DEADLINE).into()).await;
            database.signal_all("CONT");
            wait_until_ready(&cluster).await;
            for load in loads {
                let (refused, slowest) = load.end().await;
                assert!(refused > 0);
                println!("{refused} requests were answered with 503, the slowest after {slowest:?}");
            }
            workload.signal.disturb();
            let pushes = || workload.ledger.entries().counts["pushes acknowledged"];
            let before = pushes();
            eventually("they go on", async || pushes() > before).await;
        };
        workload.while_they_work(freezing).await;
        workload.end().await;
        workload.audit(&cluster, &mut random).await;
        assert_eq!(ada.verify(&verify, Oid::of(&object), object.len()).await.unwrap().status(), 200);
        assert!(ada.download("ada/shared", Oid::of(&object), object.len()).await.unwrap() == object);
    }
}

story! {
    async fn lost_database_connections_are_replaced() {
        let url = rutter_testing::postgres().unwrap();
        let network = Network::start(url.rsplit_once('@').unwrap().1.split_once('/').unwrap().0.to_owned()).await;
        let mut cloud = Cloud::shared().await;
        cloud.database = Database::Shared(network.url(&url));
        let cluster = cloud.cluster(1, &[DATABASE_TIMEOUT]).await;
        let (ada, object) = (cluster.ada(), noise(3, 20_000));
        assert!(ada.upload("ada/shared", &object).await.unwrap());
        let body = json!({"operation": "download", "objects": [{"oid": Oid::of(&object), "size": object.len()}]});
        let burst = async || {
            let begun = Instant::now();
            let all = futures::future::join_all((0..100).map(|_| ada.ask("ada/shared", &body))).await;
            let all: Vec<u16> = all.into_iter().map(|answer| answer.unwrap().status().as_u16()).collect();
            assert!(begun.elapsed() < DATABASE_DEADLINE, "{:?}", begun.elapsed());
            (all.iter().filter(|status| **status == 200).count(), all)
        };
        assert_eq!(burst().await.0, 100);

        // All connections at once while idle, as behind a firewall that was restarted.
        tokio::time::sleep(Duration::from_millis(500)).await;
        network.drop_connections();
        let (good, all) = burst().await;
        assert!(all.iter().all(|status| matches!(status, 200 | 503)), "{all:?}");
        let next = burst().await;
        assert_eq!(next.0, 100, "{good} were good before: {next:?}");

        // And under load: requests that wait for an answer fail, others continue soon.
        let load = Load::begin(&ada, &body);
        tokio::time::sleep(Duration::from_millis(500)).await;
        network.drop_connections();
        tokio::time::sleep(DATABASE_DEADLINE).await;
        let (refused, slowest) = load.end().await;
        println!("{refused} requests were answered with 503, the slowest after {slowest:?}");
        let (good, all) = burst().await;
        assert_eq!(good, 100, "{all:?}");
        assert!(network.lost() > 0, "connections were lost");
    }
}

/// How long a silent store is waited for, with a machine that is very busy with much else.
const STORE_DEADLINE: Duration = Duration::from_secs(15 + 45);

story! {
    async fn a_store_that_does_not_answer_is_reported_in_time() {
        let mut cloud = Cloud::shared().await;
        let bucket = cloud.bucket();
        let network = Network::start(bucket.endpoint.replace("http://", "")).await;
        let endpoint = format!("http://127.0.0.1:{}", network.port);
        let behind = std::mem::replace(&mut cloud.store, Store::Shared(Bucket { endpoint, ..bucket }));
        let mut cluster = cloud.cluster(2, &[]).await;
        let (ada, work) = (cluster.ada(), pushed_tree(&cluster, "ada/data"));
        let waiting = noise(4, 20_000);
        let (upload, verify) = ada.offer("ada/data", &waiting).await;
        assert_eq!(ada.put(&upload, &waiting).await.unwrap(), 200);
        cluster.kill(1);
        cluster.wipe(1);
        cluster.start(1).await;

        network.freeze(true);
        let (oid, size) = (Oid::of(&waiting), waiting.len());
        for _ in 0..2 {
            let begun = Instant::now();
            assert_retry_later(&ada.verify(&verify, oid, size).await.unwrap());
            println!("an upload was confirmed in vain for {:?}", begun.elapsed());
            assert!(begun.elapsed() < STORE_DEADLINE, "{:?}", begun.elapsed());
        }
        for length in [100_000, 20_000_000] {
            work.write("table.csv", noise(length as u64, length));
            work.commit("While the store is silent");
            let begun = Instant::now();
            // Without the hook of git-lfs, which asks for the refs before.
            let said = work.git_fails(&["push", "-q", "--no-verify"]);
            println!("a push of {length} bytes failed after {:?}: {said}", begun.elapsed());
            assert!(begun.elapsed() < STORE_DEADLINE, "{:?}", begun.elapsed());
        }
        // A job may have fetched what is needed before; and may be writing there still.
        let cache = cluster.folder(1).join("cache");
        eventually("the cache is gone", async || std::fs::remove_dir_all(&cache).is_ok()).await;
        let begun = Instant::now();
        let remote = format!("http://ada:{}@{}/ada/data.git", ada.token, cluster.url(1).replace("http://", ""));
        let cold = cluster.installation.tree("cold").try_git(&["clone", "-q", &remote, "."]);
        assert!(!cold.status.success());
        println!("a clone failed after {:?}: {}", begun.elapsed(), rutter_testing::text(&cold));
        assert!(begun.elapsed() < STORE_DEADLINE, "{:?}", begun.elapsed());

        network.freeze(false);
        wait_until_ready(&cluster).await;
        assert_eq!(ada.verify(&verify, oid, size).await.unwrap().status(), 200);
        work.git(&["push", "-q"]);
        cluster.installation.tree("after").git(&["clone", "-q", &remote, "."]);
        drop(behind);
    }
}

/// A proxy that can drop all its connections, or hold back all data, without closing
/// anything.
struct Network {
    port: u16,
    /// Changed when they are forgotten.
    forgotten: watch::Sender<()>,
    frozen: watch::Sender<bool>,
    lost: Arc<AtomicUsize>,
}

impl Network {
    async fn start(target: String) -> Self {
        let port = free_port();
        let listener = TcpListener::bind(("127.0.0.1", port)).await.unwrap();
        let (forgotten, _) = watch::channel(());
        let (frozen, _) = watch::channel(false);
        let lost = Arc::new(AtomicUsize::new(0));
        let (sender, thaw, counter) = (forgotten.clone(), frozen.clone(), Arc::clone(&lost));
        tokio::spawn(async move {
            loop {
                let (client, _) = listener.accept().await.unwrap();
                let Ok(server) = TcpStream::connect(&target).await else { continue };
                let ((client_in, client_out), (server_in, server_out)) = (client.into_split(), server.into_split());
                for (from, to) in [(client_in, server_out), (server_in, client_out)] {
                    tokio::spawn(pass(from, to, sender.subscribe(), thaw.subscribe(), Arc::clone(&counter)));
                }
            }
        });
        Self { port, forgotten, frozen, lost }
    }

    /// The URL of the database through this proxy.
    fn url(&self, url: &str) -> String {
        let (head, rest) = url.rsplit_once('@').unwrap();
        let (_, path) = rest.split_once('/').unwrap();
        format!("{head}@127.0.0.1:{}/{path}", self.port)
    }

    fn drop_connections(&self) {
        self.forgotten.send_replace(());
    }

    fn freeze(&self, frozen: bool) {
        self.frozen.send_replace(frozen);
    }

    fn lost(&self) -> usize {
        self.lost.load(Ordering::Relaxed)
    }
}

/// One direction of one connection.
async fn pass(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mut forgotten: watch::Receiver<()>,
    mut frozen: watch::Receiver<bool>,
    lost: Arc<AtomicUsize>,
) -> std::io::Result<()> {
    let mut block = vec![0; 16 << 10];
    loop {
        let length = tokio::select! {
            biased;
            _ = forgotten.changed() => {
                lost.fetch_add(1, Ordering::Relaxed);
                // Still open, to both sides.
                std::future::pending::<()>().await;
                return Ok(());
            }
            length = from.read(&mut block) => length?,
        };
        let _ = frozen.wait_for(|frozen| !frozen).await;
        if length == 0 {
            return to.shutdown().await;
        }
        to.write_all(&block[..length]).await?;
    }
}
