//! A server for one test, and people who use it.
#![allow(dead_code, reason = "each test binary uses its part")]

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use rutter::access::Actor;
use rutter::access::tokens::TokenScope;
use rutter::app::App;
use rutter::clock::Clock;
use rutter::config::Config;
use rutter::types::{Role, Visibility};
use sqlx::{Connection as _, Executor as _};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Which database a story runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Engine {
    Sqlite,
    Postgres,
}

impl Engine {
    /// The URL of an empty database; none where the default will do.
    pub(crate) async fn database_url(self) -> Option<String> {
        match self {
            Self::Sqlite => None,
            Self::Postgres => Some(fresh_postgres(&postgres().expect("RUTTER_TEST_POSTGRES")).await),
        }
    }
}

/// Where the tests may make databases, if anywhere.
pub(crate) fn postgres() -> Option<String> {
    environment("RUTTER_TEST_POSTGRES").and_then(|url| url.into_string().ok()).filter(|url| !url.is_empty())
}

/// What the test run was told.
#[expect(clippy::disallowed_methods, reason = "tests are told by the environment, and nothing else is read here")]
pub(crate) fn environment(name: &str) -> Option<std::ffi::OsString> {
    std::env::var_os(name)
}

/// Declares a story that runs on both engines, each as a test of its own: with
/// a server of the default configuration, or, where it asks for the engine,
/// with what it starts itself. Without a PostgreSQL server the second one says
/// so and passes, except under `CI`, where it fails.
///
/// `on(sqlite)` stands before one that is not about what the database does. On
/// PostgreSQL it runs where even ignored tests are asked for:
/// `scripts/test.sh --run-ignored all`.
macro_rules! story {
    ($(#[$meta:meta])* $(on($only:ident))? async fn $name:ident($server:ident: Server) $body:block) => {
        $crate::harness::story! {
            $(#[$meta])*
            $(on($only))? async fn $name(engine: Engine) {
                let $server = $crate::harness::Server::start(engine).await;
                $body
            }
        }
    };
    ($(#[$meta:meta])* on(sqlite) async fn $name:ident($engine:ident: Engine) $body:block) => {
        $crate::harness::story! {
            @ [$(#[$meta])*] [#[ignore = "on SQLite alone: the story is not about the database"]]
            $name $engine $body
        }
    };
    ($(#[$meta:meta])* async fn $name:ident($engine:ident: Engine) $body:block) => {
        $crate::harness::story! { @ [$(#[$meta])*] [] $name $engine $body }
    };
    (@ [$($meta:tt)*] [$($also:tt)*] $name:ident $engine:ident $body:block) => {
        async fn $name($engine: $crate::harness::Engine) $body

        mod $name {
            $($meta)*
            #[tokio::test(flavor = "multi_thread")]
            async fn sqlite() {
                super::$name($crate::harness::Engine::Sqlite).await;
            }

            $($meta)*
            $($also)*
            #[tokio::test(flavor = "multi_thread")]
            async fn postgres() {
                if $crate::harness::postgres().is_none() {
                    assert!($crate::harness::environment("CI").is_none(), "CI must test on PostgreSQL: set RUTTER_TEST_POSTGRES");
                    eprintln!("skipped: RUTTER_TEST_POSTGRES is not set");
                    return;
                }
                super::$name($crate::harness::Engine::Postgres).await;
            }
        }
    };
}
pub(crate) use story;

/// A server of this process on a free port, with a folder and a database of its own.
pub(crate) struct Server {
    pub(crate) app: App,
    pub(crate) clock: Clock,
    pub(crate) url: String,
    pub(crate) folder: TempDir,
    pub(crate) http: reqwest::Client,
    stop: CancellationToken,
}

/// Somebody with an account and a token for everything.
#[derive(Clone)]
pub(crate) struct Person {
    pub(crate) name: String,
    pub(crate) token: String,
}

impl Server {
    pub(crate) async fn start(engine: Engine) -> Self {
        Self::start_with(engine, |_| {}).await
    }

    /// Starts with a configuration that differs from the default.
    pub(crate) async fn start_with(engine: Engine, change: impl FnOnce(&mut Config)) -> Self {
        let server = Self::start_without_workers(engine, change).await;
        server.app.start(&TaskTracker::new(), &server.stop);
        server
    }

    /// Starts without background work, for stories that count what it would change: jobs wait for [`Worker::run_due`].
    ///
    /// [`Worker::run_due`]: rutter::jobs::Worker::run_due
    pub(crate) async fn start_without_workers(engine: Engine, change: impl FnOnce(&mut Config)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut config = Config { data: folder.path().join("data"), ..Config::default() };
        change(&mut config);
        template::copy(engine, &mut config).await;
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let clock = Clock::default();
        let app = App::open_at(config, clock.clone()).await.unwrap();
        let stop = CancellationToken::new();
        tokio::spawn(rutter::web::serve(app.clone(), listener, stop.clone()));
        let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        Self { app, clock, url, folder, http, stop }
    }

    /// Adds a user with a token that may do everything the user may.
    pub(crate) async fn person(&self, name: &str) -> Person {
        let email = format!("{}@example.org", name.replace('/', "-")).parse().unwrap();
        self.app.accounts.add_user(&name.parse().unwrap(), &email, None, false).await.unwrap();
        Person { name: name.to_owned(), token: self.token(name, &[]).await }
    }

    /// Makes a further token for somebody.
    pub(crate) async fn token(&self, name: &str, scopes: &[&str]) -> String {
        let scopes: Vec<TokenScope> = scopes.iter().map(|scope| scope.parse().unwrap()).collect();
        let token =
            self.app.accounts.add_token(&name.parse().unwrap(), &"test".parse().unwrap(), &scopes, None).await.unwrap();
        token.expose().to_owned()
    }

    /// Adds an organisation with members.
    pub(crate) async fn organisation(&self, name: &str, members: &[(&Person, Role)]) {
        self.app.accounts.add_organisation(&name.parse().unwrap()).await.unwrap();
        for (person, role) in members {
            let (organisation, user) = (name.parse().unwrap(), person.name.parse().unwrap());
            self.app.accounts.set_member(&organisation, &user, Some(*role)).await.unwrap();
        }
    }

    /// Makes an empty dataset.
    pub(crate) async fn dataset(&self, path: &str, visibility: Visibility) {
        let creation = self.app.access.creation(&Actor::operator(), &path.parse().unwrap()).await.unwrap();
        self.app.datasets.create(&creation, visibility, "default").await.unwrap();
    }

    /// Says, as the operator, how much an owner or a dataset may hold.
    pub(crate) async fn quota(&self, subject: &str, quota: &str) {
        let operator = self.app.access.authorize_administrator(&Actor::operator()).unwrap();
        self.app.storage.set_quota(&operator, &subject.parse().unwrap(), quota.parse().unwrap()).await.unwrap();
    }

    /// The URL of a dataset's repository, with credentials for git.
    pub(crate) fn remote(&self, person: &Person, path: &str) -> String {
        let host = self.url.strip_prefix("http://").unwrap();
        format!("http://{}:{}@{host}/{path}.git", person.name.replace('/', "_"), person.token)
    }

    /// A new empty working tree of somebody, with git-lfs switched on.
    pub(crate) fn tree(&self, name: &str) -> Tree {
        let tree = Tree { folder: self.folder.path().join("trees").join(name), home: self.home() };
        std::fs::create_dir_all(&tree.folder).unwrap();
        tree.git(&["init", "-q", "-b", "main"]);
        tree
    }

    /// A clone with all LFS content.
    pub(crate) fn clone(&self, person: &Person, path: &str, name: &str) -> Tree {
        self.clone_with(person, path, name, &[])
    }

    /// A clone with further arguments for `git clone`.
    pub(crate) fn clone_with(&self, person: &Person, path: &str, name: &str, arguments: &[&str]) -> Tree {
        let folder = self.folder.path().join("trees").join(name);
        std::fs::create_dir_all(folder.parent().unwrap()).unwrap();
        let tree = Tree { folder, home: self.home() };
        let remote = self.remote(person, path);
        let mut command = git_command(&tree.home, folder_of(&tree.folder));
        let output = command.arg("clone").arg("-q").args(arguments).arg(remote).arg(&tree.folder).output().unwrap();
        assert_success(&output, "git clone");
        tree
    }

    /// A home folder with a git configuration that no real user shares.
    fn home(&self) -> PathBuf {
        let home = self.folder.path().join("home");
        if !home.exists() {
            std::fs::create_dir_all(&home).unwrap();
            std::fs::write(home.join(".gitconfig"), GIT_CONFIG).unwrap();
        }
        home
    }

    /// A request with somebody's token or cookie, or without.
    pub(crate) fn request(&self, method: &str, path: &str, token: Option<&str>) -> reqwest::RequestBuilder {
        let request = self.http.request(method.parse().unwrap(), format!("{}{path}", self.url));
        match token {
            // As a browser sends it from a page of ours.
            Some(cookie) if cookie.starts_with("rus_") => {
                request.header("cookie", format!("rutter={cookie}")).header("origin", &self.url)
            }
            Some(token) => request.basic_auth("x", Some(token)),
            None => request,
        }
    }

    /// An LFS batch; gives status and body.
    pub(crate) async fn batch(
        &self,
        token: Option<&str>,
        path: &str,
        body: &serde_json::Value,
    ) -> (u16, serde_json::Value) {
        let response = self
            .request("POST", &format!("/{path}.git/info/lfs/objects/batch"), token)
            .header("content-type", "application/vnd.git-lfs+json")
            .header("accept", "application/vnd.git-lfs+json")
            .body(body.to_string())
            .send()
            .await
            .unwrap();
        let status = response.status().as_u16();
        (status, response.json().await.unwrap_or(serde_json::Value::Null))
    }

    /// Uploads bytes through the batch API; gives their oid.
    pub(crate) async fn upload(&self, token: &str, path: &str, bytes: &[u8]) -> String {
        let oid = lfs::Oid::of(bytes).to_string();
        let body = serde_json::json!({"operation": "upload", "objects": [{"oid": oid, "size": bytes.len()}]});
        let (status, reply) = self.batch(Some(token), path, &body).await;
        assert_eq!(status, 200, "{reply}");
        if let Some(href) = reply["objects"][0]["actions"]["upload"]["href"].as_str() {
            let response = self.http.put(href).body(bytes.to_vec()).send().await.unwrap();
            assert_eq!(response.status(), 200);
        }
        oid
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

const GIT_CONFIG: &str = "\
[user]
    name = Test Person
    email = test@example.org
[init]
    defaultBranch = main
[advice]
    detachedHead = false
[credential]
    helper =
[filter \"lfs\"]
    clean = git-lfs clean -- %f
    smudge = git-lfs smudge -- %f
    process = git-lfs filter-process
    required = true
[lfs]
    locksverify = true
";

/// A working tree of somebody.
pub(crate) struct Tree {
    pub(crate) folder: PathBuf,
    pub(crate) home: PathBuf,
}

impl Tree {
    /// Runs git here; gives its standard output, trimmed. Fails the test if git fails.
    pub(crate) fn git(&self, arguments: &[&str]) -> String {
        let output = self.try_git(arguments);
        assert_success(&output, &format!("git {}", arguments.join(" ")));
        String::from_utf8_lossy(&output.stdout).trim_end().to_owned()
    }

    /// Runs git here, and expects it to fail; gives what it said.
    pub(crate) fn git_fails(&self, arguments: &[&str]) -> String {
        let output = self.try_git(arguments);
        assert!(!output.status.success(), "git {} should have failed", arguments.join(" "));
        text(&output)
    }

    /// Runs git here, whatever becomes of it.
    pub(crate) fn try_git(&self, arguments: &[&str]) -> Output {
        git_command(&self.home, &self.folder).args(arguments).output().unwrap()
    }

    /// Runs a shell script here; fails the test if it fails.
    pub(crate) fn sh(&self, script: &str) -> String {
        let mut command = git_command(&self.home, &self.folder);
        let output = as_program(&mut command, "sh").args(["-euc", script]).output().unwrap();
        assert_success(&output, script);
        String::from_utf8_lossy(&output.stdout).trim_end().to_owned()
    }

    /// Writes a file.
    pub(crate) fn write(&self, path: &str, content: impl AsRef<[u8]>) {
        let path = self.folder.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }

    /// Reads a file.
    pub(crate) fn read(&self, path: &str) -> Vec<u8> {
        std::fs::read(self.folder.join(path)).unwrap()
    }

    /// Commits everything that changed; gives the commit.
    pub(crate) fn commit(&self, message: &str) -> String {
        self.git(&["add", "-A"]);
        self.git(&["commit", "-q", "-m", message]);
        self.git(&["rev-parse", "HEAD"])
    }

    /// Tracks `*.bin` with LFS, installs the hooks and sets the remote.
    pub(crate) fn with_lfs(&self, remote: &str) {
        self.git(&["lfs", "install", "--local"]);
        self.git(&["lfs", "track", "*.bin"]);
        self.git(&["remote", "add", "origin", remote]);
    }
}

/// git with nothing of the environment but what it needs.
pub(crate) fn git_command(home: &Path, folder: &Path) -> Command {
    let mut command = Command::new("git");
    clean(&mut command, home, folder);
    command
}

fn clean(command: &mut Command, home: &Path, folder: &Path) {
    command.env_clear();
    command.env("PATH", environment("PATH").unwrap_or_default());
    command.env("HOME", home).env("GIT_CONFIG_NOSYSTEM", "1").env("GIT_TERMINAL_PROMPT", "0").env("LC_ALL", "C");
    command.current_dir(folder);
}

fn as_program<'a>(command: &'a mut Command, program: &str) -> &'a mut Command {
    let (folder, home) = (command.get_current_dir().unwrap().to_owned(), home_of(command));
    *command = Command::new(program);
    clean(command, &home, &folder);
    command
}

fn home_of(command: &Command) -> PathBuf {
    let home = command.get_envs().find(|(name, _)| *name == "HOME").and_then(|(_, value)| value).unwrap();
    PathBuf::from(home)
}

fn folder_of(tree: &Path) -> &Path {
    tree.parent().unwrap()
}

/// Everything that a program said.
pub(crate) fn text(output: &Output) -> String {
    let mut said = String::from_utf8_lossy(&output.stdout).into_owned();
    said.push_str(&String::from_utf8_lossy(&output.stderr));
    said
}

pub(crate) fn assert_success(output: &Output, what: &str) {
    assert!(output.status.success(), "{what} failed:\n{}", text(output));
}

/// Bytes that look random and are the same each time.
pub(crate) fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut bytes = Vec::with_capacity(length + 8);
    while bytes.len() < length {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(length);
    bytes
}

/// A Parquet file with two rows of a required number and a time without a value.
pub(crate) fn parquet_file() -> Vec<u8> {
    use parquet::data_type::Int64Type;
    let schema = "message m { REQUIRED INT64 id; OPTIONAL INT64 seen (TIMESTAMP(MICROS, true)); }";
    let schema = std::sync::Arc::new(parquet::schema::parser::parse_message_type(schema).unwrap());
    let mut bytes = Vec::new();
    let properties = std::sync::Arc::default();
    let mut writer = parquet::file::writer::SerializedFileWriter::new(&mut bytes, schema, properties).unwrap();
    let mut group = writer.next_row_group().unwrap();
    for (values, levels) in [(&[1, 2][..], None), (&[][..], Some(&[0, 0][..]))] {
        let mut column = group.next_column().unwrap().unwrap();
        column.typed::<Int64Type>().write_batch(values, levels, None).unwrap();
        column.close().unwrap();
    }
    group.close().unwrap();
    writer.close().unwrap();
    bytes
}

/// An empty database on this PostgreSQL server.
pub(crate) async fn fresh_postgres(url: &str) -> String {
    let mut connection = sqlx::PgConnection::connect(url).await.unwrap();
    make_room(&mut connection).await;
    let name = fresh_name();
    run(&mut connection, format!("CREATE DATABASE {name}")).await.unwrap();
    with_database(url, &name)
}

/// So many databases of tests that have ended may be left: a thousand would fill a small disk, and to drop each at once
/// takes longer than the start of a server.
const LEFT: usize = 100;

async fn make_room(connection: &mut sqlx::PgConnection) {
    let databases: Vec<String> =
        sqlx::query_scalar("SELECT datname::text FROM pg_database").fetch_all(&mut *connection).await.unwrap();
    let is_left = |database: &String| {
        let owner = database.strip_prefix("rutter_").and_then(|rest| rest.split('_').next());
        owner.is_some_and(|process| process.parse::<u32>().is_ok() && !Path::new("/proc").join(process).exists())
    };
    let left: Vec<_> = databases.into_iter().filter(is_left).collect();
    if left.len() > LEFT {
        for database in left {
            // Another test may be doing the same.
            let _ = run(connection, format!("DROP DATABASE IF EXISTS {database} WITH (FORCE)")).await;
        }
    }
}

fn fresh_name() -> String {
    let mut name = format!("rutter_{}_", std::process::id());
    for byte in rutter::clock::random::<8>() {
        write!(name, "{byte:02x}").unwrap();
    }
    name
}

async fn run(connection: &mut sqlx::PgConnection, statement: String) -> sqlx::Result<()> {
    connection.execute(sqlx::AssertSqlSafe(statement)).await.map(|_| ())
}

/// The address of another database of the same server.
fn with_database(url: &str, name: &str) -> String {
    let (head, query) = url.split_once('?').map_or((url, None), |(head, query)| (head, Some(query)));
    let (base, _) = head.rsplit_once('/').unwrap();
    query.map_or_else(|| format!("{base}/{name}"), |query| format!("{base}/{name}?{query}"))
}

/// Waits for something that happens in the background.
pub(crate) async fn eventually(what: &str, mut happened: impl AsyncFnMut() -> bool) {
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_mins(1) {
        if happened().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("{what}: it never happened");
}

/// Databases that have all tables and a signing key, made by the first test that wants one and copied by all others: to
/// make them takes longer than all else of a start.
mod template {
    use std::fs;
    use std::path::{Path, PathBuf};
    use std::sync::Arc;

    use rutter::access::jwt::Keys;
    use rutter::access::secret::ServerSecret;
    use rutter::clock::Clock;
    use rutter::config::Config;
    use rutter::db::Db;
    use rutter::types::Secret;
    use sha2::{Digest as _, Sha256};
    use sqlx::Connection as _;
    use tempfile::TempDir;

    use super::{Engine, fresh_name, make_room, postgres, run, with_database};

    /// Gives a server that is about to start for the first time its database, and the secret that goes with it; unless
    /// it was told of a database or a secret of its own, or starts again.
    pub(super) async fn copy(engine: Engine, config: &mut Config) {
        let own = config.secret.is_some() || config.secret_file().exists() || config.database_url.is_some();
        if own {
            if engine == Engine::Postgres && config.database_url.is_none() {
                config.database_url = engine.database_url().await.map(Secret::new);
            }
            return;
        }
        rutter::config::private_folder(&config.data).unwrap();
        let folder = folder().await;
        fs::copy(folder.join("secret"), config.secret_file()).unwrap();
        match engine {
            Engine::Sqlite => drop(fs::copy(folder.join("rutter.db"), config.data.join("rutter.db")).unwrap()),
            Engine::Postgres => config.database_url = Some(Secret::new(database(&folder).await)),
        }
    }

    /// Another one for other migrations.
    fn version() -> String {
        let home = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations");
        let mut files = Vec::new();
        for folder in [home.clone(), home.join("sqlite"), home.join("postgres")] {
            let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
            files.extend(entries.filter(|path| path.is_file()));
        }
        files.sort();
        let mut hash = Sha256::new();
        for file in files {
            hash.update(fs::read(file).unwrap());
        }
        hex::encode(&hash.finalize()[..8])
    }

    /// The data folder of a server that was started once.
    async fn folder() -> PathBuf {
        let home = Path::new(env!("CARGO_TARGET_TMPDIR"));
        let name = format!("template-{}", version());
        let made = home.join(&name);
        if !made.exists() {
            let _alone = lock(&home.join(format!("{name}.lock")));
            if !made.exists() {
                let new = TempDir::new_in(home).unwrap();
                make(new.path()).await;
                // All at once: what is there is whole.
                fs::rename(new.keep(), &made).unwrap();
            }
        }
        made
    }

    /// Waits until no other test is at it.
    fn lock(path: &Path) -> fs::File {
        let file = fs::File::create(path).unwrap();
        file.lock().unwrap();
        file
    }

    /// A secret, all tables and a signing key, which stands in a file of its own too: its id, sealed with the secret, and
    /// its public part.
    async fn make(folder: &Path) {
        let config = Config { data: folder.to_owned(), ..Config::default() };
        let secret = Arc::new(ServerSecret::load(&config).unwrap());
        let db = Db::connect(&config.database_url()).await.unwrap();
        Keys::load(&config, &db, &secret, &Clock::default()).await.unwrap();
        let keys = db.read().await.unwrap().signing_keys().await.unwrap();
        fs::write(folder.join("keys.json"), serde_json::to_vec(&keys).unwrap()).unwrap();
        // What is still beside the file goes into it.
        db.close().await;
    }

    /// A new database of the test run's PostgreSQL.
    async fn database(folder: &Path) -> String {
        let url = postgres().expect("RUTTER_TEST_POSTGRES");
        let mut connection = sqlx::PgConnection::connect(&url).await.unwrap();
        make_room(&mut connection).await;
        let (template, name) = (format!("template_{}", version()), fresh_name());
        let copy = format!("CREATE DATABASE {name} TEMPLATE {template}");
        if let Err(error) = run(&mut connection, copy.clone()).await {
            let missing = "3D000";
            assert_eq!(
                error.as_database_error().and_then(sqlx::error::DatabaseError::code).as_deref(),
                Some(missing),
                "{error}"
            );
            make_database(&mut connection, &url, &template, folder).await;
            run(&mut connection, copy).await.unwrap();
        }
        with_database(&url, &name)
    }

    async fn make_database(connection: &mut sqlx::PgConnection, url: &str, template: &str, folder: &Path) {
        let _alone = lock(&folder.join("postgres.lock"));
        let made = "SELECT COUNT(*) FROM pg_database WHERE datname = $1";
        if sqlx::query_scalar::<_, i64>(made).bind(template).fetch_one(&mut *connection).await.unwrap() > 0 {
            return;
        }
        let new = fresh_name();
        run(connection, format!("CREATE DATABASE {new}")).await.unwrap();
        let keys: Vec<(String, String, String)> =
            serde_json::from_slice(&fs::read(folder.join("keys.json")).unwrap()).unwrap();
        let db = Db::connect(&Secret::new(with_database(url, &new))).await.unwrap();
        let mut tx = db.write().await.unwrap();
        for (kid, sealed, public) in keys {
            tx.insert_signing_key(&kid, &sealed, &public, Clock::default().now()).await.unwrap();
        }
        tx.commit().await.unwrap();
        db.close().await;
        run(connection, format!("ALTER DATABASE {new} RENAME TO {template}")).await.unwrap();
    }
}
