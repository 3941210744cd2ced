//! Two servers on one PostgreSQL and one engine. They are killed while apps are installed, started, paused, stopped and
//! uninstalled; then everything must become what was asked for, with nothing twice, left over or lost.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use bollard::query_parameters::RemoveImageOptions;
use reqwest::Method;
use rutter_testing::{Database, Engine, Random, Reply, environment, postgres};
use serde_json::{Value, json};

use crate::containers::{push, random};
use crate::processes::Servers;
use crate::story;

/// Takes some minutes.
const CRASHES: u64 = 20;

/// The number of apps.
const APPS: usize = 4;

/// How long it may take until everything is as it was asked for: more than the lease of a job of a server that was
/// killed, and the interval of the comparison.
const WAIT_TIMEOUT: Duration = Duration::from_secs(120);

/// Rounds that take longer have waited for the comparison, which removes what a server has left: every 30 seconds.
const COMPARED: Duration = Duration::from_secs(10);

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Change {
    Install,
    Want(&'static str),
    Uninstall { keep: bool },
}

/// What the test knows of an app.
#[derive(Default)]
struct App {
    name: String,
    is_installed: bool,
    /// What stands in its volume.
    note: Option<String>,
}

/// An install, as the database has it: id, name, wanted, state.
type Row = [String; 4];

struct Crashes {
    servers: Servers,
    database: Database,
    random: Random,
    image: String,
    digest: String,
    apps: Vec<App>,
    counts: BTreeMap<String, usize>,
}

impl Crashes {
    /// Returns a change that makes sense.
    fn next_change(&mut self, at: usize) -> Change {
        if !self.apps[at].is_installed {
            return Change::Install;
        }
        match self.random.below(8) {
            0..3 => Change::Want("running"),
            3..5 => Change::Want("stopped"),
            5 => Change::Want("paused"),
            6 => Change::Uninstall { keep: true },
            _ => Change::Uninstall { keep: false },
        }
    }

    /// Asks for a change. Returns the status; `None` if the server died meanwhile.
    async fn ask(&self, server: usize, at: usize, change: Change) -> Option<u16> {
        let name = &self.apps[at].name;
        let path = format!("/api/v1/apps/ada/{name}");
        let request = match change {
            Change::Install => self.servers.install(server, name, &self.digest),
            Change::Want(wanted) => {
                self.servers.send(server, Method::PUT, &format!("{path}/wanted"), &json!({ "wanted": wanted }))
            }
            Change::Uninstall { keep } => {
                let volume = if keep { "keep" } else { "remove" };
                self.servers.request(server, Method::DELETE, &format!("{path}?volume={volume}"))
            }
        };
        Some(request.send().await.ok()?.status().as_u16())
    }

    /// Removes the image from the engine, unless an app uses it: then it is downloaded again.
    async fn remove_image(&self) {
        let name = self.image.strip_suffix(":1").unwrap();
        for image in [self.image.clone(), format!("{name}@{}", self.digest)] {
            _ = self.servers.site.api.remove_image(&image, None::<RemoveImageOptions>, None).await;
        }
    }

    /// One round: changes of all apps, at servers of which one or both are killed at some moment.
    async fn round(&mut self, number: u64) {
        if self.random.one_in(3) {
            self.remove_image().await;
        }
        let changes: Vec<_> = (0..APPS).map(|at| self.next_change(at)).collect();
        let moments: Vec<_> = changes.iter().map(|_| Duration::from_millis(self.random.below(1000))).collect();
        let asked: Vec<_> = changes.iter().map(|_| usize::from(self.random.one_in(2))).collect();
        let kill = Duration::from_millis(self.random.below(2500));
        let victims = match self.random.below(4) {
            0 => vec![0, 1],
            1 => vec![1],
            _ => vec![0],
        };
        let processes: Vec<_> = victims.iter().map(|at| self.servers.running[*at].take().unwrap()).collect();
        let killing = async {
            tokio::time::sleep(kill).await;
            processes.into_iter().for_each(rutter_testing::ServerProcess::kill);
        };
        let this = &*self;
        let asking = futures::future::join_all((0..APPS).map(async |at| {
            tokio::time::sleep(moments[at]).await;
            this.ask(asked[at], at, changes[at]).await
        }));
        let (answers, ()) = futures::join!(asking, killing);
        for at in &victims {
            self.servers.start_one(*at);
        }
        self.servers.until_ready().await;
        // Most rounds do not wait for the leases of the server that was killed. So its jobs may also run twice at the
        // other one, as if that had been slow.
        if !number.is_multiple_of(10) {
            self.end_leases().await;
        }
        let story = format!("round {number}: {changes:?} at {asked:?}, {victims:?} killed after {kill:?}: {answers:?}");
        let rows = self.settle(&story).await;
        for (at, (change, answer)) in changes.into_iter().zip(answers).enumerate() {
            let name = self.apps[at].name.clone();
            let row = rows.iter().find(|[_, other, ..]| *other == name);
            self.learn(&story, at, change, answer, row);
            let what = format!("{change:?} {}", answer.map_or("cut off".to_owned(), |status| status.to_string()));
            *self.counts.entry(what).or_default() += 1;
        }
        self.check_volumes(&story, &rows).await;
    }

    async fn end_leases(&self) {
        let statements = [
            "UPDATE job SET leased_until = 1 WHERE leased_until IS NOT NULL AND kind IN ('install', 'apps')",
            "UPDATE job SET run_at = 1 WHERE leased_until IS NULL AND kind = 'apps'",
        ];
        self.database.execute(&statements.map(str::to_owned)).await;
    }

    async fn rows(&self) -> Vec<Row> {
        let query = "SELECT id || ' ' || name || ' ' || wanted || ' ' || state FROM app_install ORDER BY name";
        let rows = self.database.texts(query).await;
        rows.iter().map(|row| std::array::from_fn(|at| row.split(' ').nth(at).unwrap().to_owned())).collect()
    }

    /// Waits until all installs are what was asked for, and the engine has what they need and nothing more.
    async fn settle(&self, story: &str) -> Vec<Row> {
        let (begun, mut last) = (Instant::now(), None);
        loop {
            let rows = self.rows().await;
            match (self.difference(&rows).await, last) {
                (None, Some(difference)) if begun.elapsed() > COMPARED => {
                    println!("{story}: until {:?}: {difference}", begun.elapsed());
                    return rows;
                }
                (None, _) => return rows,
                (Some(difference), _) if begun.elapsed() > WAIT_TIMEOUT => {
                    panic!("{story}: {difference}\n{rows:?}\n{}", self.servers.installation.log_tail())
                }
                (difference, _) => last = difference,
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Returns what is not as it should be.
    async fn difference(&self, rows: &[Row]) -> Option<String> {
        let mut expected = BTreeMap::new();
        for [id, name, wanted, state] in rows {
            // An app that ended before it was paused is stopped.
            let is_so = wanted == state || wanted == "paused" && state == "stopped";
            if !is_so {
                return Some(format!("{name} should be {wanted}, but is {state}"));
            }
            if state != "stopped" {
                expected.insert(id.clone(), vec![state.clone()]);
            }
        }
        let mut found = BTreeMap::<_, Vec<_>>::new();
        for container in self.servers.site.containers().await {
            let labels = container.labels.unwrap();
            let state = container.state.map_or(String::new(), |state| state.to_string());
            let state = if labels.contains_key("rutter.run") { state } else { "owner of a volume".to_owned() };
            found.entry(labels["rutter.install"].clone()).or_default().push(state);
        }
        if found != expected {
            return Some(format!("there are the containers {found:?}, not {expected:?}"));
        }
        let networks = self.servers.site.networks().await;
        let one_each: BTreeMap<_, _> = expected.into_keys().map(|id| (id, 1)).collect();
        if networks != one_each {
            return Some(format!("there are the networks {networks:?}"));
        }
        let known: BTreeSet<_> = self.database.texts("SELECT name FROM app_volume").await.into_iter().collect();
        let orphans: Vec<_> =
            self.servers.site.volumes().await.into_iter().filter(|name| !known.contains(name)).collect();
        if !orphans.is_empty() {
            return Some(format!("there are volumes of no app: {orphans:?}"));
        }
        None
    }

    /// Compares what was answered with what has become of it.
    fn learn(&mut self, story: &str, at: usize, change: Change, answer: Option<u16>, row: Option<&Row>) {
        let app = &mut self.apps[at];
        let is_done = answer.is_some_and(|status| status < 300);
        // An answer of a server whose database connection was cut, and 409 for what does not make sense now.
        let is_known = answer.is_none_or(|status| [200, 202, 409].contains(&status));
        assert!(is_known, "{story}: {change:?} of {}", app.name);
        if is_done {
            match change {
                Change::Install => assert!(row.is_some(), "{story}: {} is lost", app.name),
                Change::Want(wanted) => assert_eq!(row.unwrap()[2], wanted, "{story}: {}", app.name),
                Change::Uninstall { .. } => assert!(row.is_none(), "{story}: {} is still there", app.name),
            }
        } else if answer.is_some() {
            assert_eq!(row.is_some(), app.is_installed, "{story}: {}", app.name);
        }
        app.is_installed = row.is_some();
        if change == (Change::Uninstall { keep: false }) && !app.is_installed {
            app.note = None;
        }
    }

    /// Every volume has what its app has written.
    async fn check_volumes(&mut self, story: &str, rows: &[Row]) {
        let volumes = self.servers.site.volumes().await;
        for at in 0..APPS {
            let name = self.apps[at].name.clone();
            if self.apps[at].note.is_some() {
                let query = format!("SELECT name FROM app_volume WHERE install = '{name}'");
                let volume = self.database.texts(&query).await;
                assert!(volume.len() == 1 && volumes.contains(&volume[0]), "{story}: the volume of {name} is lost");
            }
            let state = rows.iter().find(|[_, other, ..]| *other == name).map(|[.., state]| state.as_str());
            if state != Some("running") {
                continue;
            }
            let server = usize::from(self.random.one_in(2));
            let read = self.servers.to_app(server, &name, Method::GET, "/read?path=/storage/note");
            let read = Reply::of(read).await;
            if let Some(note) = &self.apps[at].note {
                assert_eq!((read.status, &read.text()), (200, note), "{story}: {name}");
            } else {
                assert!(read.status == 502 && read.text().contains("No such file"), "{story}: {name}: {}", read.text());
                let note = format!("note-{}", self.random.next_u64());
                let path = format!("/write?path=/storage/note&data={note}");
                let written = Reply::of(self.servers.to_app(server, &name, Method::GET, &path)).await;
                assert_eq!(written.text(), "written\n", "{story}: {name}");
                self.apps[at].note = Some(note);
            }
        }
    }

    /// Uninstalls everything, with its volumes.
    async fn remove_all(&self) {
        for app in self.apps.iter().filter(|app| app.is_installed) {
            let path = format!("/api/v1/apps/ada/{}?volume=remove", app.name);
            let removed = self.servers.request(0, Method::DELETE, &path).send().await.unwrap();
            assert_eq!(removed.status(), 202);
        }
        let kept = Reply::of(self.servers.request(0, Method::GET, "/api/v1/volumes")).await.json();
        for volume in kept["items"].as_array().unwrap() {
            let path = format!("/api/v1/volumes/{}", volume["id"].as_str().unwrap());
            let removed = self.servers.send(0, Method::DELETE, &path, &Value::Null).send().await.unwrap();
            assert_eq!(removed.status(), 204);
        }
        let rows = self.settle("at the end").await;
        assert!(rows.is_empty(), "{rows:?}");
        assert_eq!(self.servers.site.volumes().await, Vec::<String>::new());
    }
}

story! {
    /// Rules 39 to 41.
    async fn servers_that_are_killed_lose_no_app_and_leave_nothing_behind() {
        assert!(postgres().is_some(), "RUTTER_TEST_POSTGRES is not set: run this in scripts/postgres.sh");
        let number = |name: &str| environment(name).and_then(|text| text.parse().ok());
        let crashes = number("RUTTER_TEST_APP_CRASHES").unwrap_or(CRASHES);
        let seed = number("RUTTER_TEST_SEED").unwrap_or_else(|| u64::from_le_bytes(rutter::clock::random()));
        println!("{crashes} crashes, RUTTER_TEST_SEED={seed}");
        // An image of its own, which is removed in between.
        let image = push(&format!("crashes-{}", random()), "CRASHES=1").await;
        let servers = Servers::start(Engine::Postgres, 2, &image, &[("RUTTER_APPS__RUNNING_USER", "20")]).await;
        let (database, digest) = (servers.installation.database().await, servers.digest().await);
        let apps = (0..APPS).map(|at| App { name: format!("app-{at}"), ..App::default() }).collect();
        let (random, counts) = (Random(seed), BTreeMap::new());
        let mut world = Crashes { servers, database, random, image, digest, apps, counts };
        let mut times = Vec::new();
        for crash in 1..=crashes {
            let begun = Instant::now();
            world.round(crash).await;
            times.push(begun.elapsed());
        }
        world.remove_all().await;
        for (what, count) in &world.counts {
            println!("{count:6} {what}");
        }
        times.sort();
        let mean = times.iter().sum::<Duration>() / u32::try_from(times.len().max(1)).unwrap();
        println!("a round took {mean:?}, at most {:?}", times.last());
    }
}
