//! A data folder, a database and a port, on which the
//! server can be started and killed repeatedly.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, SystemTime};

use lfs::Oid;
use rutter::clock::Clock;
use rutter::db::{Db, Tx};
use rutter::types::Secret;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::git::create_home;
use crate::{Engine, Tree, assert_success, environment, files_below, free_port};

/// The variable with the URL of the database.
pub const DATABASE: &str = "RUTTER_DATABASE_URL";

/// How long the server keeps what is retired, in seconds.
const GRACE: u64 = 3600;

/// The data of a server, and access for its users.
pub struct Installation {
    pub url: String,
    pub token: String,
    pub http: reqwest::Client,
    folder: TempDir,
    /// Variables for the program.
    environment: Vec<(String, String)>,
    /// The port for clients.
    pub port: u16,
}

/// Few retries: a test must fail quickly.
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

impl Installation {
    /// An empty installation with one user.
    pub async fn new(engine: Engine) -> Self {
        let database_url = engine.database_url().await;
        Self::with_environment(database_url.map(|url| (DATABASE.to_owned(), url)).into_iter().collect())
    }

    /// The same, with variables for the program.
    pub fn with_environment(environment: Vec<(String, String)>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        create_home(&folder.path().join("home"), GIT_CONFIG);
        let port = free_port();
        let mut installation = Self {
            url: format!("http://127.0.0.1:{port}"),
            token: String::new(),
            http: {
                lfs::store::install_tls_provider();
                reqwest::Client::builder().timeout(Duration::from_mins(1)).build().unwrap()
            },
            environment,
            folder,
            port,
        };
        installation.token = installation.person("ada");
        installation
    }

    /// Adds a user; returns a token for everything.
    pub fn person(&self, name: &str) -> String {
        assert_success(&self.rutter(&["user", "add", name, "--email", &format!("{name}@example.org")]), "user add");
        let token = self.rutter(&["token", "add", name]);
        assert_success(&token, "token add");
        String::from_utf8(token.stdout).unwrap().trim().to_owned()
    }

    pub fn data(&self) -> PathBuf {
        self.folder("data")
    }

    /// Runs a command of the program to its end.
    pub fn rutter(&self, arguments: &[&str]) -> Output {
        self.program(&self.data()).args(arguments).output().unwrap()
    }

    /// Starts a command, to be killed.
    pub fn spawn(&self, arguments: &[&str]) -> Child {
        let mut command = self.program(&self.data());
        command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    }

    /// Starts the server; it may not serve yet.
    pub fn start(&self) -> ServerProcess {
        self.start_at(self.port, &self.data(), &[])
    }

    /// Starts a server on this port with this folder and further variables; it may not serve yet.
    pub fn start_at(&self, port: u16, data: &Path, more: &[(&str, &str)]) -> ServerProcess {
        let log = std::fs::File::options().create(true).append(true).open(self.log()).unwrap();
        let mut command = self.program(data);
        command.args(["serve", "--listen", &format!("127.0.0.1:{port}")]).envs(more.iter().copied());
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        ServerProcess(command.spawn().unwrap())
    }

    /// Starts the server and waits until it serves.
    pub async fn serve(&self) -> ServerProcess {
        let mut running = self.start();
        self.wait_until_ready(&mut running).await;
        running
    }

    pub async fn wait_until_ready(&self, running: &mut ServerProcess) {
        self.wait_until_ready_at(&self.url, running).await;
    }

    pub async fn wait_until_ready_at(&self, url: &str, running: &mut ServerProcess) {
        for _ in 0..3000 {
            if let Some(status) = running.0.try_wait().unwrap() {
                panic!("the server ended, {status}:\n{}", self.log_tail());
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
        let mut command = Command::new(crate::program());
        command.env_clear().current_dir(self.folder.path());
        command.env("PATH", environment("PATH").unwrap()).env("HOME", self.folder.path().join("home"));
        command.env("RUTTER_TABLES__PROGRAM", crate::table_engine());
        command.env("RUTTER_LOG", "info").env("RUTTER_GC__GRACE", GRACE.to_string());
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command.args(["--data".as_ref(), data.as_os_str()]);
        command
    }

    /// A folder of the installation.
    pub fn folder(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn log(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    /// The log of all servers so far.
    pub fn said(&self) -> String {
        String::from_utf8_lossy(&std::fs::read(self.log()).unwrap_or_default()).into_owned()
    }

    pub fn log_tail(&self) -> String {
        let log = self.said();
        let lines: Vec<_> = log.lines().collect();
        lines[lines.len().saturating_sub(40)..].join("\n")
    }

    /// A repository's URL with credentials.
    pub fn remote(&self, dataset: &str) -> String {
        format!("http://ada:{}@127.0.0.1:{}/{dataset}.git", self.token, self.port)
    }

    /// A folder in which git runs with a configuration of its own.
    pub fn tree(&self, name: &str) -> Tree {
        let folder = self.folder.path().join("trees").join(name);
        std::fs::create_dir_all(&folder).unwrap();
        Tree { folder, home: self.folder.path().join("home") }
    }

    pub async fn database(&self) -> Database {
        let sqlite = || format!("sqlite://{}", self.data().join("rutter.db").display());
        let answer = self.environment.iter().find(|(name, _)| name == DATABASE).map(|(_, url)| url.clone());
        let url = answer.unwrap_or_else(sqlite);
        Database(Db::connect(&Secret::new(url)).await.unwrap())
    }

    /// Makes all data nine hours older while no server runs: leases of killed servers expire,
    /// retired packs are past their grace period, and incomplete uploads are old.
    pub async fn age_by_nine_hours(&self) {
        const NINE_HOURS: Duration = Duration::from_hours(9);
        let database = self.database().await;
        let night = NINE_HOURS.as_millis();
        for column in ["git_pack.added_at", "git_pack.retired_at", "git_upload.created_at", "object.created_at"] {
            let (table, column) = column.split_once('.').unwrap();
            database.execute(&[format!("UPDATE {table} SET {column} = {column} - {night}")]).await;
        }
        let jobs = format!("UPDATE job SET run_at = run_at - {night}, leased_until = leased_until - {night}");
        database.execute(&[jobs]).await;
        database.0.close().await;
        for file in files_below(&self.data().join("store")) {
            let age = |time: SystemTime| time - NINE_HOURS;
            let open = std::fs::File::options().write(true).open(&file).unwrap();
            open.set_modified(age(open.metadata().unwrap().modified().unwrap())).unwrap();
        }
    }
}

impl Installation {
    /// The objects of a batch's answer.
    pub async fn batch(&self, operation: &str, dataset: &str, objects: &[(Oid, u64)]) -> reqwest::Result<Vec<Value>> {
        let objects: Vec<_> = objects.iter().map(|(oid, size)| json!({"oid": oid, "size": size})).collect();
        let response = self
            .http
            .post(format!("{}/{dataset}.git/info/lfs/objects/batch", self.url))
            .basic_auth("ada", Some(&self.token))
            .header("content-type", "application/vnd.git-lfs+json")
            .header("accept", "application/vnd.git-lfs+json")
            .body(json!({"operation": operation, "objects": objects}).to_string())
            .send()
            .await?;
        let mut reply: Value = response.error_for_status()?.json().await?;
        Ok(reply["objects"].take().as_array().cloned().unwrap_or_default())
    }
}

/// A server process. Dropping it kills it.
pub struct ServerProcess(Child);

impl ServerProcess {
    /// `kill -9`: no handler runs, nothing is flushed, children are orphaned.
    pub fn kill(mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }

    /// The process id.
    pub fn id(&self) -> u32 {
        self.0.id()
    }
}

impl Drop for ServerProcess {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The same database that the server uses.
pub struct Database(pub Db);

impl Database {
    /// All of it in one transaction.
    pub async fn execute(&self, statements: &[String]) {
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
    pub async fn texts(&self, query: &str) -> Vec<String> {
        let sql = sqlx::AssertSqlSafe(query.to_owned());
        match self.0.read().await.unwrap() {
            Tx::Sqlite(mut tx) => sqlx::query_scalar(sql).fetch_all(&mut *tx).await.unwrap(),
            Tx::Postgres(mut tx) => sqlx::query_scalar(sql).fetch_all(&mut *tx).await.unwrap(),
        }
    }

    pub async fn count(&self, query: &str) -> i64 {
        let sql = sqlx::AssertSqlSafe(query.to_owned());
        match self.0.read().await.unwrap() {
            Tx::Sqlite(mut tx) => sqlx::query_scalar(sql).fetch_one(&mut *tx).await.unwrap(),
            Tx::Postgres(mut tx) => sqlx::query_scalar(sql).fetch_one(&mut *tx).await.unwrap(),
        }
    }

    pub fn new_id() -> String {
        Clock::default().id().to_string()
    }
}
