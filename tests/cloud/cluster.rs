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
use rutter_testing::{DATABASE, Installation, ServerProcess, StopSignal, free_port};

use crate::bucket::{self, Bucket};
use crate::client::Client;
use crate::proxy::Proxy;
use crate::s3_stub::S3Stub;
use crate::service::Service;

/// More than the grace period, which is a week for servers of this process.
pub(crate) const AFTER_GRACE_PERIOD: Duration = Duration::from_hours(8 * 24);

/// A PostgreSQL and an S3 server.
pub(crate) struct Cloud {
    pub(crate) database: Database,
    pub(crate) store: Store,
}

/// The PostgreSQL server.
pub(crate) enum Database {
    /// Shared by the test run.
    Shared(String),
    /// One that can be stopped.
    Own(Service, String),
}

/// The object store.
pub(crate) enum Store {
    /// Shared by the test run.
    Shared(Bucket),
    /// One that can be stopped.
    Own(Service, Bucket),
    /// One within this process, that can be stopped.
    Stub(S3Stub),
}

/// Whether there is a PostgreSQL, which all tests here need.
pub(crate) fn has_postgres() -> bool {
    let possible = rutter_testing::postgres().is_some();
    assert!(
        possible || rutter_testing::environment("CI").is_none(),
        "CI must test on PostgreSQL: set RUTTER_TEST_POSTGRES"
    );
    if !possible {
        eprintln!("skipped: RUTTER_TEST_POSTGRES is not set");
    }
    possible
}

/// Declares a test of the cloud, which is skipped where its servers are missing: some need `real` stores, because
/// they take long, or because the S3 stub cannot list parts; some run on `each`
/// real cloud.
macro_rules! story {
    (each async fn $name:ident($cloud:ident: Cloud) $body:block) => {
        async fn $name($cloud: $crate::cluster::Cloud) $body

        mod $name {
            $crate::cluster::story! {
                real async fn s3() {
                    super::$name($crate::cluster::Cloud::shared().await).await;
                }
            }

            #[test]
            fn azure() {
                rutter_testing::run(async {
                    match $crate::cluster::Cloud::azure() {
                        None => eprintln!("skipped: RUTTER_TEST_AZURE is not set"),
                        Some(cloud) => if $crate::cluster::has_postgres() { super::$name(cloud).await },
                    }
                });
            }
        }
    };
    (async fn $name:ident() $body:block) => {
        #[test]
        fn $name() {
            if $crate::cluster::has_postgres() {
                rutter_testing::run(async $body);
            }
        }
    };
    (real async fn $name:ident() $body:block) => {
        #[test]
        fn $name() {
            if !$crate::cluster::has_real_store() {
                eprintln!("skipped: RUTTER_TEST_S3 is not set");
            } else if $crate::cluster::has_postgres() {
                rutter_testing::run(async $body);
            }
        }
    };
}
pub(crate) use story;

impl Cloud {
    /// The servers of the test run.
    pub(crate) async fn shared() -> Self {
        let store = match garage() {
            Some(bucket) => Store::Shared(bucket),
            None => Store::Stub(S3Stub::start().await),
        };
        Self { database: Database::Shared(rutter_testing::postgres().unwrap()), store }
    }

    /// The same with a store of Azure, if the test run has one.
    pub(crate) fn azure() -> Option<Self> {
        let store = Store::Shared(azure(&rutter_testing::environment("RUTTER_TEST_AZURE")?));
        Some(Self { database: Database::Shared(rutter_testing::postgres()?), store })
    }

    /// With a store of its own, which can be stopped.
    pub(crate) async fn with_own_store() -> Self {
        let mut cloud = Self::shared().await;
        if garage().is_some() {
            let (service, url) = Service::start("garage.sh", "RUTTER_TEST_S3");
            cloud.store = Store::Own(service, bucket(&url));
        }
        cloud
    }

    /// With a database server of its own, which can be stopped.
    pub(crate) async fn with_own_database() -> Self {
        let (service, url) = Service::start("postgres.sh", "RUTTER_TEST_POSTGRES");
        Self { database: Database::Own(service, url), ..Self::shared().await }
    }

    pub(crate) fn bucket(&self) -> Bucket {
        match &self.store {
            Store::Shared(bucket) | Store::Own(_, bucket) => bucket.clone(),
            Store::Stub(stub) => stub.bucket(),
        }
    }

    /// Servers with one secret on an empty database and an empty folder of the bucket, with further variables.
    pub(crate) async fn cluster(&self, servers: usize, more: &[(&str, &str)]) -> Cluster {
        let mut cluster = self.stopped_cluster(servers, more).await;
        for place in 0..servers {
            cluster.start(place).await;
        }
        cluster
    }

    /// The same, before any server has started.
    pub(crate) async fn stopped_cluster(&self, servers: usize, more: &[(&str, &str)]) -> Cluster {
        let url = match &self.database {
            Database::Shared(url) | Database::Own(_, url) => url,
        };
        // Here a server may end at any moment, and what it acknowledged must be there.
        let database_url =
            format!("{}?options[synchronous_commit]=on", rutter_testing::new_postgres_database(url).await);
        let bucket = self.bucket().fresh();
        let mut environment = bucket.environment();
        environment.push((DATABASE.to_owned(), database_url.clone()));
        let secret = hex::encode(rutter::clock::random::<32>());
        environment.push(("RUTTER_SECRET".to_owned(), secret.clone()));
        environment.extend(more.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let installation = Arc::new(Installation::with_environment(environment));
        let ports: Vec<_> = (0..servers).map(|_| free_port()).collect();
        let proxy = Proxy::start(installation.port, ports.clone()).await;
        let servers = ports.into_iter().map(|port| Server { port, running: None }).collect();
        let mut config = Config { data: installation.folder("here"), ..Config::default() };
        config.gc.enabled = false;
        (config.database_url, config.secret) = (Some(Secret::new(database_url)), Some(Secret::new(secret)));
        bucket.configure(&mut config);
        Cluster { installation, bucket, proxy, servers, config }
    }

    /// Kills the process of the store.
    pub(crate) async fn stop_store(&mut self) {
        match &mut self.store {
            Store::Shared(_) => panic!("others use this store too"),
            Store::Own(service, _) => service.end("KILL"),
            Store::Stub(stub) => stub.stop_serving().await,
        }
    }

    pub(crate) async fn start_store(&mut self) {
        match &mut self.store {
            Store::Shared(_) => panic!("others use this store too"),
            Store::Own(service, _) => service.restart(),
            Store::Stub(stub) => stub.resume_serving().await,
        }
    }

    fn database_service(&mut self) -> &mut Service {
        match &mut self.database {
            Database::Shared(_) => panic!("others use this database server too"),
            Database::Own(service, _) => service,
        }
    }

    /// Stops the database server, with all running transactions.
    pub(crate) fn stop_database(&mut self) {
        self.database_service().end("QUIT");
    }

    pub(crate) fn start_database(&mut self) {
        self.database_service().restart();
    }
}

/// The bucket of Garage that the test run has.
fn garage() -> Option<Bucket> {
    rutter_testing::environment("RUTTER_TEST_S3").map(|url| bucket(&url))
}

/// Whether a real store is here, and time for long stories.
pub(crate) fn has_real_store() -> bool {
    garage().is_some()
}

/// `http://KEY:SECRET@127.0.0.1:PORT/BUCKET?region=REGION`
fn bucket(url: &str) -> Bucket {
    let url: reqwest::Url = url.parse().unwrap();
    let region = url.query_pairs().find(|(name, _)| name == "region").map(|(_, value)| value.into_owned());
    Bucket {
        provider: bucket::Provider::S3 { region: region.unwrap() },
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
        provider: bucket::Provider::Azure,
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
pub(crate) struct Cluster {
    pub(crate) installation: Arc<Installation>,
    pub(crate) bucket: Bucket,
    pub(crate) proxy: Proxy,
    servers: Vec<Server>,
    config: Config,
}

struct Server {
    port: u16,
    running: Option<ServerProcess>,
}

impl Cluster {
    /// Starts a server and waits until it serves.
    pub(crate) async fn start(&mut self, place: usize) {
        let mut running = self.begin(place, &[]);
        self.installation.wait_until_ready_at(&self.url(place), &mut running).await;
        self.servers[place].running = Some(running);
    }

    /// Starts a server, which need not be ready: that is asked of what is behind it, too.
    pub(crate) async fn start_alive(&mut self, place: usize) {
        self.servers[place].running = Some(self.begin(place, &[]));
        let address = format!("{}/healthz", self.url(place));
        rutter_testing::eventually("the server is alive", async || {
            self.installation.http.get(&address).send().await.is_ok_and(|response| response.status() == 200)
        })
        .await;
    }

    /// Starts a server, which may not serve yet.
    pub(crate) fn begin(&self, place: usize, more: &[(&str, &str)]) -> ServerProcess {
        self.installation.start_at(self.servers[place].port, &self.folder(place), more)
    }

    /// `kill -9`
    pub(crate) fn kill(&mut self, place: usize) {
        self.servers[place].running.take().unwrap().kill();
    }

    /// The same during a workload: announces a disturbance until no connection to the server is left.
    pub(crate) async fn kill_disturbing(&mut self, place: usize, signal: &StopSignal) {
        signal.disturb();
        self.kill(place);
        rutter_testing::eventually("the proxy has no connection to the server", async || self.proxy.is_idle(place))
            .await;
        // A client that keeps its connections learns a little later that one is closed.
        tokio::time::sleep(Duration::from_millis(100)).await;
        signal.disturb();
    }

    /// Deletes the disk of a stopped server.
    pub(crate) fn wipe(&self, place: usize) {
        let folder = self.folder(place);
        if folder.exists() {
            std::fs::remove_dir_all(folder).unwrap();
        }
    }

    pub(crate) fn folder(&self, place: usize) -> PathBuf {
        self.installation.folder(&format!("server-{place}"))
    }

    /// One server, past the proxy.
    pub(crate) fn url(&self, place: usize) -> String {
        format!("http://127.0.0.1:{}", self.servers[place].port)
    }

    /// The configuration of a server of this process that joins the cluster. It collects garbage only on request, not
    /// automatically.
    pub(crate) fn config(&self) -> Config {
        self.config.clone()
    }

    /// The same installation for one whose clock is ahead: what lies there is as old for them as if all others had
    /// rested since then. No other server may be running.
    pub(crate) async fn after(&self, span: Duration) -> App {
        let clock = Clock::default();
        clock.advance(span);
        App::open_at(self.config(), clock).await.unwrap()
    }

    /// The user of the installation, at the proxy.
    pub(crate) fn ada(&self) -> Client {
        self.client("ada", self.installation.token.clone())
    }

    /// A new user.
    pub(crate) fn person(&self, name: &str) -> Client {
        self.client(name, self.installation.person(name))
    }

    fn client(&self, name: &str, token: String) -> Client {
        Client {
            url: self.installation.url.clone(),
            name: name.to_owned(),
            token,
            http: self.installation.http.clone(),
        }
    }

    /// A metric of a server.
    pub(crate) async fn metric(&self, place: usize, name: &str) -> u64 {
        let text =
            self.installation.http.get(format!("{}/metrics", self.url(place))).send().await.unwrap().text().await;
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

    /// Collects garbage with a clock that is ahead by `span`.
    pub(crate) async fn collect(&self, span: Duration) {
        let later = self.after(span).await;
        later.storage.reap().await.unwrap();
        collect(&later).await;
    }

    /// After the grace period only unreferenced keys are gone from the bucket.
    pub(crate) async fn expect_clean_after_grace_period(&self) {
        self.collect(AFTER_GRACE_PERIOD).await;
        self.expect_only_referenced_keys().await;
    }

    /// As below, and there is nothing else: no object without a row, no staged upload.
    pub(crate) async fn expect_only_referenced_keys(&self) {
        self.compare_bucket_and_rows().await;
        let database = self.installation.database().await;
        let rows = database.texts("SELECT oid || '.' || place FROM object WHERE form <> 'packed'").await;
        database.0.close().await;
        let keys = self.bucket.keys().await.into_keys().filter(|key| !key.starts_with("packs/"));
        let lying: BTreeSet<String> = keys.map(|key| key.get(6..).unwrap_or_default().to_owned()).collect();
        assert_eq!(lying, rows.into_iter().collect());
    }

    /// Every row has its object in the bucket, and each object in the bucket has the bytes of its name.
    pub(crate) async fn compare_bucket_and_rows(&self) {
        let database = self.installation.database().await;
        assert_eq!(database.count("SELECT COUNT(*) FROM object WHERE state <> 'ready'").await, 0, "nothing is damaged");
        let rows = database.texts("SELECT oid || '.' || place || ' ' || size FROM object WHERE form <> 'packed'").await;
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
