//! A database, a bucket, servers, and a proxy before them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use lfs::Oid;
use rutter::app::App;
use rutter::clock::Clock;
use rutter::collect::Summary;
use rutter::config::Config;
use rutter::types::Secret;

use crate::bucket::{self, Bucket};
use crate::client::Client;
use crate::harness;
use crate::house::{DATABASE, House, Running, quiet_port};
use crate::light::Light;
use crate::people::Doom;
use crate::proxy::Proxy;
use crate::service::Service;

/// More than the grace period, which is a week for servers of this process.
pub(crate) const LATER: Duration = Duration::from_hours(8 * 24);

/// A PostgreSQL and an S3 server.
pub(crate) struct Cloud {
    pub(crate) database: Database,
    pub(crate) store: Store,
}

/// Where the databases are.
pub(crate) enum Database {
    /// Everybody's in this test run.
    Shared(String),
    /// One that can be stopped.
    Own(Service, String),
}

/// Where the buckets are.
pub(crate) enum Store {
    /// Everybody's in this test run.
    Shared(Bucket),
    /// One that can be stopped.
    Own(Service, Bucket),
    /// One within this process, that can be stopped.
    Light(Light),
}

/// Whether a story can be told here: it needs PostgreSQL.
pub(crate) fn is_possible() -> bool {
    let possible = harness::postgres().is_some();
    assert!(possible || harness::environment("CI").is_none(), "CI must test on PostgreSQL: set RUTTER_TEST_POSTGRES");
    if !possible {
        eprintln!("skipped: RUTTER_TEST_POSTGRES is not set");
    }
    possible
}

/// Declares a story of the cloud, a test that is skipped where it cannot be told: some are of `real` stores only, for
/// they take long, or the small server within the test cannot list parts; some are told of `each`
/// real cloud.
macro_rules! story {
    (each async fn $name:ident($cloud:ident: Cloud) $body:block) => {
        async fn $name($cloud: $crate::scene::Cloud) $body

        mod $name {
            $crate::scene::story! {
                real async fn s3() {
                    super::$name($crate::scene::Cloud::shared().await).await;
                }
            }

            #[tokio::test(flavor = "multi_thread")]
            async fn azure() {
                match $crate::scene::Cloud::azure() {
                    None => eprintln!("skipped: RUTTER_TEST_AZURE is not set"),
                    Some(cloud) => if $crate::scene::is_possible() { super::$name(cloud).await },
                }
            }
        }
    };
    (async fn $name:ident() $body:block) => {
        #[tokio::test(flavor = "multi_thread")]
        async fn $name() {
            if $crate::scene::is_possible() $body
        }
    };
    (real async fn $name:ident() $body:block) => {
        #[tokio::test(flavor = "multi_thread")]
        async fn $name() {
            if !$crate::scene::is_real() {
                eprintln!("skipped: RUTTER_TEST_S3 is not set");
            } else if $crate::scene::is_possible() $body
        }
    };
}
pub(crate) use story;

impl Cloud {
    /// What the test run has.
    pub(crate) async fn shared() -> Self {
        let store = match garage() {
            Some(bucket) => Store::Shared(bucket),
            None => Store::Light(Light::start().await),
        };
        Self { database: Database::Shared(harness::postgres().unwrap()), store }
    }

    /// The same with a store of Azure, if the test run has one.
    pub(crate) fn azure() -> Option<Self> {
        let store = Store::Shared(azure(&told("RUTTER_TEST_AZURE")?));
        Some(Self { database: Database::Shared(harness::postgres()?), store })
    }

    /// A store of its own, which may go away.
    pub(crate) async fn with_own_store() -> Self {
        let mut cloud = Self::shared().await;
        if garage().is_some() {
            let (service, url) = Service::start("garage.sh", "RUTTER_TEST_S3");
            cloud.store = Store::Own(service, bucket(&url));
        }
        cloud
    }

    /// A database server of its own, which may go away.
    pub(crate) async fn with_own_database() -> Self {
        let (service, url) = Service::start("postgres.sh", "RUTTER_TEST_POSTGRES");
        Self { database: Database::Own(service, url), ..Self::shared().await }
    }

    pub(crate) fn bucket(&self) -> Bucket {
        match &self.store {
            Store::Shared(bucket) | Store::Own(_, bucket) => bucket.clone(),
            Store::Light(light) => light.bucket(),
        }
    }

    /// Servers with one secret on an empty database and an empty folder of the bucket, told a little more.
    pub(crate) async fn scene(&self, servers: usize, more: &[(&str, &str)]) -> Scene {
        let mut scene = self.empty_scene(servers, more).await;
        for place in 0..servers {
            scene.start(place).await;
        }
        scene
    }

    /// The same, while nobody serves.
    pub(crate) async fn empty_scene(&self, servers: usize, more: &[(&str, &str)]) -> Scene {
        let url = match &self.database {
            Database::Shared(url) | Database::Own(_, url) => url,
        };
        // Here a server may end at any moment, and what it acknowledged must be there.
        let database_url = format!("{}?options[synchronous_commit]=on", harness::fresh_postgres(url).await);
        let bucket = self.bucket().fresh();
        let mut environment = bucket.environment();
        environment.push((DATABASE.to_owned(), database_url.clone()));
        let secret = hex::encode(rutter::clock::random::<32>());
        environment.push(("RUTTER_SECRET".to_owned(), secret.clone()));
        environment.extend(more.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let house = Arc::new(House::told(environment));
        let ports: Vec<_> = (0..servers).map(|_| quiet_port()).collect();
        let proxy = Proxy::start(house.port, ports.clone()).await;
        let servers = ports.into_iter().map(|port| Server { port, running: None }).collect();
        let mut config = Config { data: house.folder("here"), ..Config::default() };
        config.gc.enabled = false;
        (config.database_url, config.secret) = (Some(Secret::new(database_url)), Some(Secret::new(secret)));
        bucket.configure(&mut config);
        Scene { house, bucket, proxy, servers, config }
    }

    /// The store goes away: its process is killed.
    pub(crate) async fn stop_store(&mut self) {
        match &mut self.store {
            Store::Shared(_) => panic!("others use this store too"),
            Store::Own(service, _) => service.end("KILL"),
            Store::Light(light) => light.go_away().await,
        }
    }

    pub(crate) async fn start_store(&mut self) {
        match &mut self.store {
            Store::Shared(_) => panic!("others use this store too"),
            Store::Own(service, _) => service.start_again(),
            Store::Light(light) => light.come_back().await,
        }
    }

    fn database_service(&mut self) -> &mut Service {
        match &mut self.database {
            Database::Shared(_) => panic!("others use this database server too"),
            Database::Own(service, _) => service,
        }
    }

    /// The database server goes away, with all that was under way.
    pub(crate) fn stop_database(&mut self) {
        self.database_service().end("QUIT");
    }

    pub(crate) fn start_database(&mut self) {
        self.database_service().start_again();
    }
}

/// What the test run was told, if anything.
fn told(variable: &str) -> Option<String> {
    harness::environment(variable)?.into_string().ok().filter(|url| !url.is_empty())
}

/// The bucket of Garage that the test run has.
fn garage() -> Option<Bucket> {
    told("RUTTER_TEST_S3").map(|url| bucket(&url))
}

/// Whether a real store is here, and time for long stories.
pub(crate) fn is_real() -> bool {
    garage().is_some()
}

/// `http://KEY:SECRET@127.0.0.1:PORT/BUCKET?region=REGION`
fn bucket(url: &str) -> Bucket {
    let url: reqwest::Url = url.parse().unwrap();
    let region = url.query_pairs().find(|(name, _)| name == "region").map(|(_, value)| value.into_owned());
    Bucket {
        cloud: bucket::Cloud::S3 { region: region.unwrap() },
        endpoint: format!("http://{}:{}", url.host_str().unwrap(), url.port().unwrap()),
        name: url.path().trim_start_matches('/').to_owned(),
        prefix: String::new(),
        key_id: url.username().to_owned(),
        secret: url.password().unwrap().to_owned(),
    }
}

/// `http://ACCOUNT:KEY@127.0.0.1:PORT/ACCOUNT/CONTAINER`, with the key percent-encoded.
fn azure(url: &str) -> Bucket {
    let url: reqwest::Url = url.parse().unwrap();
    let (account, container) = url.path()[1..].split_once('/').unwrap();
    let decoded: reqwest::Url = format!("http://x/?{}", url.password().unwrap()).parse().unwrap();
    Bucket {
        cloud: bucket::Cloud::Azure,
        endpoint: format!("http://{}:{}/{account}", url.host_str().unwrap(), url.port().unwrap()),
        name: container.to_owned(),
        prefix: String::new(),
        key_id: url.username().to_owned(),
        secret: decoded.query_pairs().next().unwrap().0.into_owned(),
    }
}

pub(crate) async fn collect(app: &App) -> Summary {
    let summary = app.collector.run(None, false, |_| {}).await.unwrap();
    assert_eq!(summary.problems, Vec::<String>::new());
    summary
}

/// Servers on one database and one bucket.
pub(crate) struct Scene {
    pub(crate) house: Arc<House>,
    pub(crate) bucket: Bucket,
    pub(crate) proxy: Proxy,
    servers: Vec<Server>,
    config: Config,
}

struct Server {
    port: u16,
    running: Option<Running>,
}

impl Scene {
    /// Starts a server and waits until it serves.
    pub(crate) async fn start(&mut self, place: usize) {
        let mut running = self.begin(place, &[]);
        self.house.await_ready_at(&self.url(place), &mut running).await;
        self.servers[place].running = Some(running);
    }

    /// Starts a server, which need not be ready: that is asked of what is behind it, too.
    pub(crate) async fn start_alive(&mut self, place: usize) {
        self.servers[place].running = Some(self.begin(place, &[]));
        let address = format!("{}/healthz", self.url(place));
        harness::eventually("the server is alive", async || {
            self.house.http.get(&address).send().await.is_ok_and(|response| response.status() == 200)
        })
        .await;
    }

    /// Starts a server, which may not serve yet.
    pub(crate) fn begin(&self, place: usize, more: &[(&str, &str)]) -> Running {
        self.house.start_at(self.servers[place].port, &self.folder(place), more)
    }

    /// `kill -9`
    pub(crate) fn kill(&mut self, place: usize) {
        self.servers[place].running.take().unwrap().kill();
    }

    /// The same while people work: a disturbance for them until no connection to the server is left.
    pub(crate) async fn kill_disturbing(&mut self, place: usize, doom: &Doom) {
        doom.disturb();
        self.kill(place);
        harness::eventually("the proxy has no connection to the server", async || self.proxy.is_idle(place)).await;
        // A client that keeps its connections learns a little later that one is closed.
        tokio::time::sleep(Duration::from_millis(100)).await;
        doom.disturb();
    }

    /// All that a server that is down had on its disk is gone.
    pub(crate) fn wipe(&self, place: usize) {
        let folder = self.folder(place);
        if folder.exists() {
            std::fs::remove_dir_all(folder).unwrap();
        }
    }

    pub(crate) fn folder(&self, place: usize) -> PathBuf {
        self.house.folder(&format!("server-{place}"))
    }

    /// One server, past the proxy.
    pub(crate) fn url(&self, place: usize) -> String {
        format!("http://127.0.0.1:{}", self.servers[place].port)
    }

    /// What a server of this process has to be told to be one of them. It collects when it is told to, and not by
    /// itself.
    pub(crate) fn config(&self) -> Config {
        self.config.clone()
    }

    /// The same installation for one whose clock is ahead: what lies there is as old for them as if all others had
    /// rested since then. Nobody else must be at work.
    pub(crate) async fn after(&self, span: Duration) -> App {
        let clock = Clock::default();
        clock.advance(span);
        App::open_at(self.config(), clock).await.unwrap()
    }

    /// The user of the house, at the proxy.
    pub(crate) fn ada(&self) -> Client {
        self.client("ada", self.house.token.clone())
    }

    /// Somebody new.
    pub(crate) fn person(&self, name: &str) -> Client {
        self.client(name, self.house.person(name))
    }

    fn client(&self, name: &str, token: String) -> Client {
        Client { url: self.house.url.clone(), name: name.to_owned(), token, http: self.house.http.clone() }
    }

    /// What a server has counted.
    pub(crate) async fn metric(&self, place: usize, name: &str) -> u64 {
        let text = self.house.http.get(format!("{}/metrics", self.url(place))).send().await.unwrap().text().await;
        let text = text.unwrap();
        let values = text.lines().filter(|line| line.split([' ', '{']).next() == Some(name));
        values.map(|line| line.rsplit(' ').next().unwrap().parse::<u64>().unwrap()).sum()
    }

    /// The most memory that a server ever had, in MiB.
    pub(crate) fn peak_memory(&self, place: usize) -> u64 {
        let process = self.servers[place].running.as_ref().unwrap().id();
        let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() / 1024
    }

    /// Collects garbage after all have rested for so long.
    pub(crate) async fn collect(&self, span: Duration) {
        let later = self.after(span).await;
        later.storage.reap().await.unwrap();
        collect(&later).await;
    }

    /// Long after, what nobody holds is gone from the bucket, and only that.
    pub(crate) async fn expect_clean_later(&self) {
        self.collect(LATER).await;
        self.expect_nothing_else_in_the_bucket().await;
    }

    /// As below, and nothing else lies there: no object without a row, nothing that was staged.
    pub(crate) async fn expect_nothing_else_in_the_bucket(&self) {
        self.compare_bucket_and_rows().await;
        let database = self.house.database().await;
        let rows = database.texts("SELECT oid || '.' || place FROM object").await;
        database.0.close().await;
        let keys = self.bucket.keys().await.into_keys().filter(|key| !key.starts_with("packs/"));
        let lying: BTreeSet<String> = keys.map(|key| key.get(6..).unwrap_or_default().to_owned()).collect();
        assert_eq!(lying, rows.into_iter().collect());
    }

    /// Every row has its object in the bucket, and what lies there under the name of an object is that object.
    pub(crate) async fn compare_bucket_and_rows(&self) {
        let database = self.house.database().await;
        assert_eq!(database.count("SELECT COUNT(*) FROM object WHERE state <> 'ready'").await, 0, "nothing is damaged");
        let rows = database.texts("SELECT oid || '.' || place || ' ' || size FROM object").await;
        let packs = database.texts("SELECT repo_id || '/' || object_key FROM git_pack WHERE inline_pack IS NULL").await;
        database.0.close().await;
        let keys = self.bucket.keys().await;
        let lying: BTreeMap<_, _> = keys.iter().filter_map(|(key, size)| Some((key.get(6..)?, size))).collect();
        for row in rows {
            let (name, size) = row.split_once(' ').unwrap();
            assert_eq!(lying.get(name).map(ToString::to_string).as_deref(), Some(size), "{name}");
        }
        for (oid, places) in self.bucket.objects().await {
            for key in places {
                assert_eq!(Oid::of(&self.bucket.read(&key).await).to_string(), oid, "{key}");
            }
        }
        for pack in packs {
            for ending in ["pack", "idx"] {
                assert!(keys.contains_key(&format!("packs/{pack}.{ending}")), "{pack}.{ending} is missing");
            }
        }
    }
}
