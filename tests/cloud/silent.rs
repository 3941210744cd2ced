//! A database server that takes connections and says nothing, and a network that swallows what is sent: nobody is told,
//! so nothing breaks by itself.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use lfs::Oid;
use reqwest::Response;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::away::{come_again, published, ready_again, refs};
use crate::bucket::Bucket;
use crate::client::{Action, Client};
use crate::crew::Crew;
use crate::harness::{self, eventually, noise};
use crate::house::quiet_port;
use crate::people::Dice;
use crate::scene::{Cloud, Database, Scene, Store, story};

/// What a server may wait for one answer here, in seconds.
const PATIENCE: (&str, &str) = ("RUTTER_LIMITS__DATABASE_SECONDS", "6");

/// That, with a connection to wait for before, and a machine that is busy with much else.
const SOON: Duration = Duration::from_secs(6 + 5 + 19);

/// Requests of all kinds to one server at once, and how long the longest took.
async fn everything(client: &Client, verify: &Action, object: &[u8]) -> (Vec<Response>, Duration) {
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
        assert!(slowest < SOON, "{slowest:?}");
        (answers.iter().filter(|(status, _)| *status != 200).count(), slowest)
    }
}

async fn status(scene: &Scene, place: usize, path: &str) -> u16 {
    scene.house.http.get(format!("{}/{path}", scene.url(place))).send().await.unwrap().status().as_u16()
}

story! {
    async fn a_frozen_database_is_told_in_time_and_nothing_is_lost() {
        let cloud = Cloud::with_own_database().await;
        let Database::Own(database, _) = &cloud.database else { unreachable!() };
        let scene = cloud.scene(2, &[PATIENCE]).await;
        let mut dice = Dice(7);
        let mut crew = Crew::begin(&scene, &mut dice);
        let (ada, object) = (scene.ada(), noise(3, 20_000));
        let (upload, verify) = ada.offer("ada/shared", &object).await;
        assert_eq!(ada.put(&upload, &object).await.unwrap(), 200);
        let body = json!({"operation": "upload", "objects": [{"oid": Oid::of(b"new"), "size": 3}]});
        let freezing = async {
            tokio::time::sleep(Duration::from_secs(1)).await;
            crew.doom.disturb();
            // Some of these are caught in the middle of a transaction.
            let loads = [0, 1].map(|place| Load::begin(&ada.at(scene.url(place)), &body));
            tokio::time::sleep(Duration::from_millis(300)).await;
            let frozen = Instant::now();
            database.signal_all("STOP");
            // The first meet connections that were good a moment ago, the next none.
            for _ in 0..2 {
                let asked = [0, 1].map(async |place| everything(&ada.at(scene.url(place)), &verify, &object).await);
                for (answers, longest) in futures::future::join_all(asked).await {
                    answers.iter().for_each(come_again);
                    assert!(longest < SOON, "{longest:?}");
                }
            }
            for place in 0..2 {
                assert_eq!((status(&scene, place, "healthz").await, status(&scene, place, "readyz").await), (200, 503));
            }
            // Whoever was told until now was not told by the database.
            tokio::time::sleep_until((frozen + SOON).into()).await;
            database.signal_all("CONT");
            ready_again(&scene).await;
            for load in loads {
                let (refused, slowest) = load.end().await;
                assert!(refused > 0);
                println!("{refused} requests were told to come again, the slowest after {slowest:?}");
            }
            crew.doom.disturb();
            let pushes = || crew.ledger.book().tally["pushes acknowledged"];
            let before = pushes();
            eventually("they go on", async || pushes() > before).await;
        };
        crew.while_they_work(freezing).await;
        crew.end().await;
        crew.audit(&scene, &mut dice).await;
        assert_eq!(ada.verify(&verify, Oid::of(&object), object.len()).await.unwrap().status(), 200);
        assert!(ada.download("ada/shared", Oid::of(&object), object.len()).await.unwrap() == object);
    }
}

story! {
    async fn connections_that_the_network_has_lost_are_replaced() {
        let url = harness::postgres().unwrap();
        let network = Network::start(url.rsplit_once('@').unwrap().1.split_once('/').unwrap().0.to_owned()).await;
        let mut cloud = Cloud::shared().await;
        cloud.database = Database::Shared(network.url(&url));
        let scene = cloud.scene(1, &[PATIENCE]).await;
        let (ada, object) = (scene.ada(), noise(3, 20_000));
        assert!(ada.upload("ada/shared", &object).await.unwrap());
        let body = json!({"operation": "download", "objects": [{"oid": Oid::of(&object), "size": object.len()}]});
        let burst = async || {
            let begun = Instant::now();
            let all = futures::future::join_all((0..100).map(|_| ada.ask("ada/shared", &body))).await;
            let all: Vec<u16> = all.into_iter().map(|answer| answer.unwrap().status().as_u16()).collect();
            assert!(begun.elapsed() < SOON, "{:?}", begun.elapsed());
            (all.iter().filter(|status| **status == 200).count(), all)
        };
        assert_eq!(burst().await.0, 100);

        // All of them at once, while nobody uses them: as behind a firewall that was started again.
        tokio::time::sleep(Duration::from_millis(500)).await;
        network.swallow();
        let (good, all) = burst().await;
        assert!(all.iter().all(|status| matches!(status, 200 | 503)), "{all:?}");
        let next = burst().await;
        assert_eq!(next.0, 100, "{good} were good before: {next:?}");

        // And in the middle of work: who waits for an answer is told, nobody else notices for long.
        let load = Load::begin(&ada, &body);
        tokio::time::sleep(Duration::from_millis(500)).await;
        network.swallow();
        tokio::time::sleep(SOON).await;
        let (refused, slowest) = load.end().await;
        println!("{refused} requests were told to come again, the slowest after {slowest:?}");
        let (good, all) = burst().await;
        assert_eq!(good, 100, "{all:?}");
        assert!(network.lost() > 0, "connections were lost");
    }
}

/// How long a silent store is waited for, with a machine that is very busy with much else.
const STORE_SOON: Duration = Duration::from_secs(15 + 45);

story! {
    async fn a_silent_store_is_told_in_time() {
        let mut cloud = Cloud::shared().await;
        let bucket = cloud.bucket();
        let network = Network::start(bucket.endpoint.replace("http://", "")).await;
        let endpoint = format!("http://127.0.0.1:{}", network.port);
        let behind = std::mem::replace(&mut cloud.store, Store::Shared(Bucket { endpoint, ..bucket }));
        let mut scene = cloud.scene(2, &[]).await;
        let (ada, work) = (scene.ada(), published(&scene, "ada/data"));
        let waiting = noise(4, 20_000);
        let (upload, verify) = ada.offer("ada/data", &waiting).await;
        assert_eq!(ada.put(&upload, &waiting).await.unwrap(), 200);
        scene.kill(1);
        scene.wipe(1);
        scene.start(1).await;

        network.freeze(true);
        let (oid, size) = (Oid::of(&waiting), waiting.len());
        for _ in 0..2 {
            let begun = Instant::now();
            come_again(&ada.verify(&verify, oid, size).await.unwrap());
            println!("an upload was confirmed in vain for {:?}", begun.elapsed());
            assert!(begun.elapsed() < STORE_SOON, "{:?}", begun.elapsed());
        }
        for length in [100_000, 20_000_000] {
            work.write("table.csv", noise(length as u64, length));
            work.commit("While the store is silent");
            let begun = Instant::now();
            // Without the hook of git-lfs, which asks for the refs before.
            let said = work.git_fails(&["push", "-q", "--no-verify"]);
            println!("a push of {length} bytes failed after {:?}: {said}", begun.elapsed());
            assert!(begun.elapsed() < STORE_SOON, "{:?}", begun.elapsed());
        }
        // A job may have fetched what is needed before; and may be writing there still.
        let cache = scene.folder(1).join("cache");
        eventually("the cache is gone", async || std::fs::remove_dir_all(&cache).is_ok()).await;
        let begun = Instant::now();
        let remote = format!("http://ada:{}@{}/ada/data.git", ada.token, scene.url(1).replace("http://", ""));
        let cold = scene.house.tree("cold").try_git(&["clone", "-q", &remote, "."]);
        assert!(!cold.status.success());
        println!("a clone failed after {:?}: {}", begun.elapsed(), harness::text(&cold));
        assert!(begun.elapsed() < STORE_SOON, "{:?}", begun.elapsed());

        network.freeze(false);
        ready_again(&scene).await;
        assert_eq!(ada.verify(&verify, oid, size).await.unwrap().status(), 200);
        work.git(&["push", "-q"]);
        scene.house.tree("after").git(&["clone", "-q", &remote, "."]);
        drop(behind);
    }
}

/// A way to a server, which now and then forgets all connections that go through it, or lets nothing through, and tells
/// nobody.
struct Network {
    port: u16,
    /// Changed when they are forgotten.
    forgotten: watch::Sender<()>,
    frozen: watch::Sender<bool>,
    lost: Arc<AtomicUsize>,
}

impl Network {
    async fn start(target: String) -> Self {
        let port = quiet_port();
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

    /// The address of the database, by this way.
    fn url(&self, url: &str) -> String {
        let (head, rest) = url.rsplit_once('@').unwrap();
        let (_, path) = rest.split_once('/').unwrap();
        format!("{head}@127.0.0.1:{}/{path}", self.port)
    }

    fn swallow(&self) {
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
