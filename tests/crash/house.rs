//! What a crash leaves behind: a data folder, a database, a port. And the
//! program that comes up on it again and again.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, SystemTime};

use rutter::clock::Clock;
use rutter::db::{Db, Tx};
use rutter::types::Secret;
use tempfile::TempDir;

use crate::harness::{Engine, Tree, assert_success};

/// Where the programs are told of their database.
pub(crate) const DATABASE: &str = "RUTTER_DATABASE_URL";

/// How long the server keeps what is retired, in seconds.
const GRACE: u64 = 3600;

/// The data of a server, and what its users need.
pub(crate) struct House {
    pub(crate) url: String,
    pub(crate) token: String,
    pub(crate) http: reqwest::Client,
    folder: TempDir,
    /// What the programs are told.
    environment: Vec<(String, String)>,
    /// Where clients come to.
    pub(crate) port: u16,
}

/// Retries are for people; a test wants to know at once.
const GIT_CONFIG: &str = "\
[user]
    name = Test Person
    email = test@example.org
[init]
    defaultBranch = main
[credential]
    helper =
[gc]
    auto = 0
[filter \"lfs\"]
    clean = git-lfs clean -- %f
    smudge = git-lfs smudge -- %f
    process = git-lfs filter-process
    required = true
[lfs]
    locksverify = false
[lfs \"transfer\"]
    maxretries = 1
    maxretrydelay = 1
";

impl House {
    /// An empty installation with one user.
    pub(crate) async fn new(engine: Engine) -> Self {
        let database_url = engine.database_url().await;
        Self::told(database_url.map(|url| (DATABASE.to_owned(), url)).into_iter().collect())
    }

    /// The same, whose programs are told all this.
    pub(crate) fn told(environment: Vec<(String, String)>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(folder.path().join("home")).unwrap();
        std::fs::write(folder.path().join("home/.gitconfig"), GIT_CONFIG).unwrap();
        let port = quiet_port();
        let mut house = Self {
            url: format!("http://127.0.0.1:{port}"),
            token: String::new(),
            http: {
                let _ = rustls::crypto::ring::default_provider().install_default();
                reqwest::Client::builder().timeout(Duration::from_mins(1)).build().unwrap()
            },
            environment,
            folder,
            port,
        };
        house.token = house.person("ada");
        house
    }

    /// Adds a user; gives a token for everything.
    pub(crate) fn person(&self, name: &str) -> String {
        assert_success(&self.rutter(&["user", "add", name, "--email", &format!("{name}@example.org")]), "user add");
        let token = self.rutter(&["token", "add", name]);
        assert_success(&token, "token add");
        String::from_utf8(token.stdout).unwrap().trim().to_owned()
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.folder("data")
    }

    /// Runs a command of the program to its end.
    pub(crate) fn rutter(&self, arguments: &[&str]) -> Output {
        self.program(&self.data()).args(arguments).output().unwrap()
    }

    /// Starts the server; it may not serve yet.
    pub(crate) fn start(&self) -> Running {
        self.start_at(self.port, &self.data(), &[])
    }

    /// Starts a server on this port with this folder, told a little more; it may not serve yet.
    pub(crate) fn start_at(&self, port: u16, data: &Path, more: &[(&str, &str)]) -> Running {
        let log = std::fs::File::options().create(true).append(true).open(self.log()).unwrap();
        let mut command = self.program(data);
        command.args(["serve", "--listen", &format!("127.0.0.1:{port}")]).envs(more.iter().copied());
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        Running(command.spawn().unwrap())
    }

    /// Starts the server and waits until it serves.
    pub(crate) async fn serve(&self) -> Running {
        let mut running = self.start();
        self.await_ready(&mut running).await;
        running
    }

    pub(crate) async fn await_ready(&self, running: &mut Running) {
        self.await_ready_at(&self.url, running).await;
    }

    pub(crate) async fn await_ready_at(&self, url: &str, running: &mut Running) {
        for _ in 0..3000 {
            if let Some(status) = running.0.try_wait().unwrap() {
                panic!("the server ended by itself, {status}:\n{}", self.log_tail());
            }
            let ready = self.http.get(format!("{url}/readyz")).send().await;
            if ready.is_ok_and(|response| response.status() == 200) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("the server does not become ready:\n{}", self.log_tail());
    }

    fn program(&self, data: &Path) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_rutter"));
        command.env_clear().current_dir(self.folder.path());
        command.env("PATH", environment("PATH").unwrap()).env("HOME", self.folder.path().join("home"));
        command.env("RUTTER_LOG", "info").env("RUTTER_GC__GRACE", GRACE.to_string());
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command.args(["--data".as_ref(), data.as_os_str()]);
        command
    }

    /// A folder of the installation.
    pub(crate) fn folder(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn log(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    /// All that the servers said so far.
    pub(crate) fn said(&self) -> String {
        String::from_utf8_lossy(&std::fs::read(self.log()).unwrap_or_default()).into_owned()
    }

    pub(crate) fn log_tail(&self) -> String {
        let log = self.said();
        let lines: Vec<_> = log.lines().collect();
        lines[lines.len().saturating_sub(40)..].join("\n")
    }

    /// A repository's URL with credentials.
    pub(crate) fn remote(&self, dataset: &str) -> String {
        format!("http://ada:{}@127.0.0.1:{}/{dataset}.git", self.token, self.port)
    }

    /// A folder in which git runs with a configuration of its own.
    pub(crate) fn tree(&self, name: &str) -> Tree {
        let folder = self.folder.path().join("trees").join(name);
        std::fs::create_dir_all(&folder).unwrap();
        Tree { folder, home: self.folder.path().join("home") }
    }

    pub(crate) async fn database(&self) -> Database {
        let sqlite = || format!("sqlite://{}", self.data().join("rutter.db").display());
        let told = self.environment.iter().find(|(name, _)| name == DATABASE).map(|(_, url)| url.clone());
        let url = told.unwrap_or_else(sqlite);
        Database(Db::connect(&Secret::new(url)).await.unwrap())
    }

    /// Nine hours go by while nobody serves: jobs of the dead are free again,
    /// what was retired is over its grace, what was half uploaded is old.
    pub(crate) async fn let_a_night_pass(&self) {
        const NIGHT: Duration = Duration::from_hours(9);
        let database = self.database().await;
        let night = NIGHT.as_millis();
        for column in ["git_pack.added_at", "git_pack.retired_at", "git_upload.created_at", "object.created_at"] {
            let (table, column) = column.split_once('.').unwrap();
            database.execute(&[format!("UPDATE {table} SET {column} = {column} - {night}")]).await;
        }
        let jobs = format!("UPDATE job SET run_at = run_at - {night}, leased_until = leased_until - {night}");
        database.execute(&[jobs]).await;
        database.0.close().await;
        for file in files_below(&self.data().join("store")) {
            let age = |time: SystemTime| time - NIGHT;
            let open = std::fs::File::options().write(true).open(&file).unwrap();
            open.set_modified(age(open.metadata().unwrap().modified().unwrap())).unwrap();
        }
    }
}

/// A server process. Dropping it kills it.
pub(crate) struct Running(Child);

impl Running {
    /// `kill -9`: no handler runs, nothing is flushed, children are orphaned.
    pub(crate) fn kill(mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }

    /// Which process it is.
    pub(crate) fn id(&self) -> u32 {
        self.0.id()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The same database that the server uses.
pub(crate) struct Database(pub Db);

impl Database {
    /// All of it in one transaction.
    pub(crate) async fn execute(&self, statements: &[String]) {
        let mut tx = self.0.write().await.unwrap();
        for statement in statements {
            let sql = sqlx::AssertSqlSafe(statement.clone());
            let done = match &mut tx {
                Tx::Sqlite(tx) => sqlx::query(sql).execute(&mut **tx).await.map(drop),
                Tx::Postgres(tx) => sqlx::query(sql).execute(&mut **tx).await.map(drop),
            };
            done.unwrap_or_else(|error| panic!("{statement}: {error}"));
        }
        tx.commit().await.unwrap();
    }

    /// One column of text.
    pub(crate) async fn texts(&self, query: &str) -> Vec<String> {
        let sql = sqlx::AssertSqlSafe(query.to_owned());
        match self.0.read().await.unwrap() {
            Tx::Sqlite(mut tx) => sqlx::query_scalar(sql).fetch_all(&mut *tx).await.unwrap(),
            Tx::Postgres(mut tx) => sqlx::query_scalar(sql).fetch_all(&mut *tx).await.unwrap(),
        }
    }

    pub(crate) async fn count(&self, query: &str) -> i64 {
        let sql = sqlx::AssertSqlSafe(query.to_owned());
        match self.0.read().await.unwrap() {
            Tx::Sqlite(mut tx) => sqlx::query_scalar(sql).fetch_one(&mut *tx).await.unwrap(),
            Tx::Postgres(mut tx) => sqlx::query_scalar(sql).fetch_one(&mut *tx).await.unwrap(),
        }
    }

    pub(crate) fn new_id() -> String {
        Clock::default().id().to_string()
    }
}

/// What the test run was told.
#[expect(clippy::disallowed_methods, reason = "a test run is configured by its environment")]
pub(crate) fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// All files below a folder, however deep.
pub(crate) fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let Ok(entries) = std::fs::read_dir(folder) else { return files };
    for entry in entries {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(files_below(&path));
        } else {
            files.push(path);
        }
    }
    files.sort();
    files
}

/// A port that stays free while no server listens on it: below those that
/// the system gives to outgoing connections.
pub(crate) fn quiet_port() -> u16 {
    loop {
        let [high, low] = rutter::clock::random::<2>();
        let port = 15_000 + u16::from_be_bytes([high, low]) % 5_000;
        if std::net::TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}
