//! A server in the process of its test, and its users.

mod accounts;
mod emails;
mod garbage;
mod integrity;
mod json;
mod lfs;
mod sharing;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rutter::access::Actor;
use rutter::access::tokens::TokenScope;
use rutter::app::App;
use rutter::apps::backend::Backend;
use rutter::clock::Clock;
use rutter::config::Config;
use rutter::types::{Role, Visibility};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub use self::accounts::PASSWORD;
pub use self::emails::ReceivedEmail;
use crate::git::{GIT_CONFIG, assert_success, create_home, folder_of, git_command};
use crate::{Engine, Tree};

/// A server of this process on a free port, with a folder and a database of its own.
pub struct Server {
    pub app: App,
    pub clock: Clock,
    pub url: String,
    pub folder: TempDir,
    pub http: reqwest::Client,
    stop: CancellationToken,
}

/// The table engine, which `scripts/tables.sh` builds beside the profile of the tests.
pub fn table_engine() -> PathBuf {
    // target/debug/deps/it-0123
    let profile = std::env::current_exe().unwrap();
    let target = profile.ancestors().nth(3).unwrap();
    target.join("tables/rutter-tables")
}

/// A user with a token for everything.
#[derive(Clone)]
pub struct Person {
    pub name: String,
    pub token: String,
}

impl Server {
    pub async fn start(engine: Engine) -> Self {
        Self::start_with(engine, |_| {}).await
    }

    /// Starts with a configuration that differs from the default.
    pub async fn start_with(engine: Engine, change: impl FnOnce(&mut Config)) -> Self {
        let server = Self::start_without_workers(engine, change).await;
        server.app.start(&TaskTracker::new(), &server.stop);
        server
    }

    /// Starts with its own URL as `public_url`.
    pub async fn start_public(engine: Engine) -> Self {
        Self::start_public_with(engine, |_| {}).await
    }

    /// Starts with its own URL as `public_url`, and a configuration that differs from the default.
    pub async fn start_public_with(engine: Engine, change: impl FnOnce(&mut Config)) -> Self {
        let server = Self::start_bound(engine, None, |config, url| {
            config.public_url = Some(url.to_owned());
            change(config);
        });
        let server = server.await;
        server.app.start(&TaskTracker::new(), &server.stop);
        server
    }

    /// Starts without background work, for tests that count what it would change: jobs wait for [`Worker::run_due`].
    ///
    /// [`Worker::run_due`]: rutter::jobs::Worker::run_due
    pub async fn start_without_workers(engine: Engine, change: impl FnOnce(&mut Config)) -> Self {
        Self::start_bound(engine, None, |config, _| change(config)).await
    }

    /// Starts with apps, each on a host of its own below `apps.localhost`, and a container engine that the test provides;
    /// without, that of the configuration.
    /// Jobs wait for [`Worker::run_due`], unless `works`.
    ///
    /// [`Worker::run_due`]: rutter::jobs::Worker::run_due
    pub async fn start_apps(
        engine: Engine,
        containers: Option<Arc<dyn Backend>>,
        works: bool,
        change: impl FnOnce(&mut Config),
    ) -> Self {
        let server = Self::start_bound(engine, containers, |config, url| {
            let port = url.rsplit_once(':').map_or("", |(_, port)| port);
            config.public_url = Some(url.to_owned());
            config.apps.url = Some(format!("http://apps.localhost:{port}"));
            config.apps.wildcard = true;
            change(config);
        });
        let server = server.await;
        if works {
            server.app.start(&TaskTracker::new(), &server.stop);
        }
        server
    }

    async fn start_bound(
        engine: Engine,
        containers: Option<Arc<dyn Backend>>,
        change: impl FnOnce(&mut Config, &str),
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        create_home(&folder.path().join("home"), GIT_CONFIG);
        let mut config = Config { data: folder.path().join("data"), ..Config::default() };
        config.tables.program = Some(table_engine());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        change(&mut config, &url);
        crate::template::copy(engine, &mut config).await;
        let clock = Clock::default();
        let app = match containers {
            Some(containers) => App::open_with(config, clock.clone(), Some(containers)).await.unwrap(),
            None => App::open_at(config, clock.clone()).await.unwrap(),
        };
        let stop = CancellationToken::new();
        tokio::spawn(rutter::web::serve(app.clone(), vec![listener], stop.clone()));
        let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        Self { app, clock, url, folder, http, stop }
    }

    /// Adds a user with a token that may do everything the user may.
    pub async fn person(&self, name: &str) -> Person {
        let email = format!("{}@example.org", name.replace('/', "-")).parse().unwrap();
        self.app.accounts.add_user(&name.parse().unwrap(), &email, None, false).await.unwrap();
        Person { name: name.to_owned(), token: self.token(name, &[]).await }
    }

    /// Adds an administrator.
    pub async fn administrator(&self, name: &str) -> Person {
        let email = format!("{name}@example.org").parse().unwrap();
        self.app.accounts.add_user(&name.parse().unwrap(), &email, None, true).await.unwrap();
        Person { name: name.to_owned(), token: self.token(name, &[]).await }
    }

    /// Creates a token that expires.
    pub async fn token_for(&self, name: &str, lifetime: Duration) -> String {
        let all = [TokenScope::ALL];
        let token = self
            .app
            .accounts
            .add_token(&name.parse().unwrap(), &"test".parse().unwrap(), &all, Some(lifetime))
            .await
            .unwrap();
        token.expose().to_owned()
    }

    /// Creates a further token for a user.
    pub async fn token(&self, name: &str, scopes: &[&str]) -> String {
        let scopes: Vec<TokenScope> = scopes.iter().map(|scope| scope.parse().unwrap()).collect();
        let token =
            self.app.accounts.add_token(&name.parse().unwrap(), &"test".parse().unwrap(), &scopes, None).await.unwrap();
        token.expose().to_owned()
    }

    /// Adds an organisation with members.
    pub async fn organisation(&self, name: &str, members: &[(&Person, Role)]) {
        self.app.accounts.add_organisation(&name.parse().unwrap()).await.unwrap();
        for (person, role) in members {
            let (organisation, user) = (name.parse().unwrap(), person.name.parse().unwrap());
            self.app.accounts.set_member(&organisation, &user, Some(*role)).await.unwrap();
        }
    }

    /// Creates an empty dataset.
    pub async fn dataset(&self, path: &str, visibility: Visibility) {
        let creation = self.app.access.creation(&Actor::operator(), &path.parse().unwrap()).await.unwrap();
        self.app.datasets.create(&creation, visibility, "default").await.unwrap();
    }

    /// Sets the quota of an owner or a dataset, as the operator.
    pub async fn quota(&self, subject: &str, quota: &str) {
        let operator = self.app.access.authorize_administrator(&Actor::operator()).unwrap();
        self.app.storage.set_quota(&operator, &subject.parse().unwrap(), quota.parse().unwrap()).await.unwrap();
    }

    /// The URL of a dataset's repository, with credentials for git.
    pub fn remote(&self, person: &Person, path: &str) -> String {
        let host = self.url.strip_prefix("http://").unwrap();
        format!("http://{}:{}@{host}/{path}.git", person.name.replace('/', "_"), person.token)
    }

    /// A new empty working tree, with git-lfs enabled.
    pub fn tree(&self, name: &str) -> Tree {
        let tree = Tree { folder: self.folder.path().join("trees").join(name), home: self.home() };
        std::fs::create_dir_all(&tree.folder).unwrap();
        tree.git(&["init", "-q", "-b", "main"]);
        tree
    }

    /// A clone with all LFS content.
    pub fn clone(&self, person: &Person, path: &str, name: &str) -> Tree {
        self.clone_with(person, path, name, &[])
    }

    /// A clone with further arguments for `git clone`.
    pub fn clone_with(&self, person: &Person, path: &str, name: &str, arguments: &[&str]) -> Tree {
        let folder = self.folder.path().join("trees").join(name);
        std::fs::create_dir_all(folder.parent().unwrap()).unwrap();
        let tree = Tree { folder, home: self.home() };
        let remote = self.remote(person, path);
        let mut command = git_command(&tree.home, folder_of(&tree.folder));
        let output = command.arg("clone").arg("-q").args(arguments).arg(remote).arg(&tree.folder).output().unwrap();
        assert_success(&output, "git clone");
        tree
    }

    /// The home folder of all working trees.
    fn home(&self) -> PathBuf {
        self.folder.path().join("home")
    }

    /// A request with a token, with a cookie, or anonymous.
    pub fn request(&self, method: &str, path: &str, token: Option<&str>) -> reqwest::RequestBuilder {
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
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}
