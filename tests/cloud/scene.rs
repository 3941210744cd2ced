//! A database, a bucket, servers, and a proxy before them.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use lfs::Oid;

use crate::bucket::Bucket;
use crate::client::Client;
use crate::harness;
use crate::house::{DATABASE, House, Running, quiet_port};
use crate::light::Light;
use crate::proxy::Proxy;
use crate::service::Service;

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
/// they take long, or the small server within the test cannot list parts.
macro_rules! story {
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
        environment.push((DATABASE.to_owned(), database_url));
        environment.push(("RUTTER_SECRET".to_owned(), hex::encode(rutter::clock::random::<32>())));
        environment.extend(more.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let house = Arc::new(House::told(environment));
        let ports: Vec<_> = (0..servers).map(|_| quiet_port()).collect();
        let proxy = Proxy::start(house.port, ports.clone()).await;
        let servers = ports.into_iter().map(|port| Server { port, running: None }).collect();
        Scene { house, bucket, proxy, servers }
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

/// The bucket of Garage that the test run has.
fn garage() -> Option<Bucket> {
    let url = harness::environment("RUTTER_TEST_S3")?.into_string().unwrap();
    (!url.is_empty()).then(|| bucket(&url))
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
        endpoint: format!("http://{}:{}", url.host_str().unwrap(), url.port().unwrap()),
        region: region.unwrap(),
        name: url.path().trim_start_matches('/').to_owned(),
        prefix: String::new(),
        key_id: url.username().to_owned(),
        secret: url.password().unwrap().to_owned(),
    }
}

/// Servers on one database and one bucket.
pub(crate) struct Scene {
    pub(crate) house: Arc<House>,
    pub(crate) bucket: Bucket,
    pub(crate) proxy: Proxy,
    servers: Vec<Server>,
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

    /// Starts a server, which may not serve yet.
    pub(crate) fn begin(&self, place: usize, more: &[(&str, &str)]) -> Running {
        self.house.start_at(self.servers[place].port, &self.folder(place), more)
    }

    /// `kill -9`
    pub(crate) fn kill(&mut self, place: usize) {
        self.servers[place].running.take().unwrap().kill();
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
