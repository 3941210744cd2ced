//! Real server processes with Docker Engine.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use reqwest::{Method, RequestBuilder};
use rutter_testing::{DATABASE, Engine, Installation, PASSWORD, Reply, ServerProcess, assert_success, free_port};
use serde_json::{Value, json};

use crate::containers::{Site, variable};
use crate::world::{cookie_of, manifest};

/// Servers of one site, each with a port and a folder of its own.
pub(crate) struct Servers {
    pub(crate) installation: Installation,
    pub(crate) running: Vec<Option<ServerProcess>>,
    ports: Vec<u16>,
    /// Variables of all of them.
    environment: Vec<(String, String)>,
    // After the processes, which would start the containers again.
    pub(crate) site: Site,
}

impl Servers {
    /// Starts servers whose catalogue has the probe, from this image.
    pub(crate) async fn start(engine: Engine, number: usize, image: &str, more: &[(&str, &str)]) -> Self {
        let secret = hex::encode(rutter::clock::random::<32>());
        let site = Site::new(&secret).await;
        let ports: Vec<_> = (0..number).map(|_| free_port()).collect();
        let own = [
            ("RUTTER_SECRET", secret),
            ("RUTTER_PUBLIC_URL", format!("http://127.0.0.1:{}", ports[0])),
            ("RUTTER_APPS__URL", format!("http://apps.localhost:{}", ports[0])),
            ("RUTTER_APPS__WILDCARD", "true".to_owned()),
            ("RUTTER_APPS__BACKEND", "docker".to_owned()),
            ("RUTTER_APPS__DOCKER__SOCKET", variable("RUTTER_TEST_DOCKER")),
        ];
        let more = more.iter().map(|(name, value)| (*name, (*value).to_owned()));
        let database = engine.database_url().await.map(|url| (DATABASE, url));
        let environment = own.into_iter().chain(more).chain(database);
        let environment: Vec<_> = environment.map(|(name, value)| (name.to_owned(), value)).collect();
        let installation = Installation::with_environment(environment.clone());
        let file = installation.folder("manifest.toml");
        std::fs::write(&file, manifest("probe", image, "")).unwrap();
        assert_success(&installation.rutter(&["app", "add", file.to_str().unwrap()]), "app add");
        let running = (0..number).map(|_| None).collect();
        let mut servers = Self { installation, running, ports, environment, site };
        for at in 0..number {
            servers.start_one(at);
        }
        servers.until_ready().await;
        servers
    }

    fn data(&self, at: usize) -> PathBuf {
        if at == 0 { self.installation.data() } else { self.installation.folder(&format!("data-{at}")) }
    }

    pub(crate) fn url(&self, at: usize) -> String {
        format!("http://127.0.0.1:{}", self.ports[at])
    }

    /// Starts a server that does not run.
    pub(crate) fn start_one(&mut self, at: usize) {
        self.running[at] = Some(self.installation.start_at(self.ports[at], &self.data(at), &[]));
    }

    /// Waits until all that run serve.
    pub(crate) async fn until_ready(&mut self) {
        for at in 0..self.running.len() {
            let url = self.url(at);
            if let Some(process) = &mut self.running[at] {
                self.installation.wait_until_ready_at(&url, process).await;
            }
        }
    }

    /// Signs a user in at a server; returns the cookie.
    pub(crate) async fn sign_in(&self, at: usize, user: &str) -> String {
        let mut command = Command::new(rutter_testing::program());
        command.env_clear().envs(self.environment.iter().map(|(name, value)| (name, value)));
        command.args(["--data".as_ref(), self.data(0).as_os_str()]).args(["user", "set-password", user]);
        let mut child = command.stdin(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        writeln!(child.stdin.take().unwrap(), "{PASSWORD}").unwrap();
        assert!(child.wait().unwrap().success(), "user set-password");
        let request = self.installation.http.post(format!("{}/api/v1/session", self.url(at)));
        let request = request.header("content-type", "application/json").header("origin", self.url(0));
        let signed_in = Reply::of(request.body(json!({ "login": user, "password": PASSWORD }).to_string())).await;
        assert_eq!(signed_in.status, 200, "{}", signed_in.text());
        cookie_of(&signed_in)
    }

    /// A request of ada.
    pub(crate) fn request(&self, at: usize, method: Method, path: &str) -> RequestBuilder {
        let request = self.installation.http.request(method, format!("{}{path}", self.url(at)));
        request.basic_auth("ada", Some(&self.installation.token))
    }

    /// The digest of the probe.
    pub(crate) async fn digest(&self) -> String {
        let shown = Reply::of(self.request(0, Method::GET, "/api/v1/catalogue/probe?resolve=true")).await.json();
        shown["digest"].as_str().unwrap_or_else(|| panic!("{shown}")).to_owned()
    }

    /// Asks for an app of ada to be installed.
    pub(crate) fn install(&self, at: usize, name: &str, digest: &str) -> RequestBuilder {
        self.send(at, Method::POST, "/api/v1/apps/ada", &json!({ "app": "probe", "name": name, "digest": digest }))
    }

    /// A request of ada with JSON.
    pub(crate) fn send(&self, at: usize, method: Method, path: &str, body: &Value) -> RequestBuilder {
        self.request(at, method, path).header("content-type", "application/json").body(body.to_string())
    }

    /// Waits until an app runs.
    pub(crate) async fn until_running(&self, name: &str) {
        for _ in 0..600 {
            let shown = Reply::of(self.request(0, Method::GET, &format!("/api/v1/apps/ada/{name}"))).await.json();
            if shown["state"] == "running" {
                return;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("{name} does not start:\n{}", self.installation.log_tail());
    }

    /// The `Host` of an app of ada.
    pub(crate) fn host(&self, name: &str) -> String {
        format!("{name}--ada.apps.localhost:{}", self.ports[0])
    }

    /// A request of ada to an app.
    pub(crate) fn to_app(&self, at: usize, name: &str, method: Method, path: &str) -> RequestBuilder {
        let request = self.installation.http.request(method, format!("{}{path}", self.url(at)));
        request.header("host", self.host(name)).bearer_auth(&self.installation.token)
    }
}
