//! A server with Docker Engine, users, and the browsers and containers that they see it from.

use std::time::{Duration, Instant};

use reqwest::RequestBuilder;
use rutter::config::{AppBackend, Config};
use rutter::types::Secret;
use rutter_testing::{Engine, Person, Reply, Server};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::containers::{Site, image, variable};

/// How long an app may take to become what is wanted.
const WAIT_TIMEOUT: Duration = Duration::from_secs(60);

/// A server with apps in containers, which work on their own.
pub(crate) struct World {
    pub(crate) server: Server,
    pub(crate) admin: Person,
    /// The port of `apps.listen`.
    pub(crate) port: u16,
    pub(crate) secret: String,
    stop: CancellationToken,
    // After the server, which would start them again.
    pub(crate) site: Site,
}

/// A user, and a browser in which the user has opened an app.
pub(crate) struct Visit {
    pub(crate) person: Person,
    /// The session of the browser at rutter.
    pub(crate) session: String,
    /// The cookie of the app, as it is sent.
    pub(crate) cookie: String,
    /// `label.apps.localhost`
    pub(crate) host: String,
    /// `owner/name` of the app.
    pub(crate) path: String,
    /// The URL of the app.
    pub(crate) url: String,
}

/// The manifest of the probe, with further lines.
pub(crate) fn manifest(name: &str, image: &str, lines: &str) -> String {
    format!(
        "name = \"{name}\"\ntitle = \"{name}\"\nimage = \"{image}\"\nhealth = \"/healthz\"\nidentity = true\n\
         widest = \"public\"\nvolume = \"/storage\"\nlimits = {{ memory_mb = 64, cpus = 0.5, pids = 32 }}\n{lines}"
    )
}

impl World {
    /// A server with the probe in its catalogue.
    pub(crate) async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    /// The same, with a configuration that differs.
    pub(crate) async fn start_with(change: impl FnOnce(&mut Config)) -> Self {
        // Its own secret, because the objects of the engine bear a label that follows from it.
        let secret = hex::encode(rutter::clock::random::<32>());
        let site = Site::new(&secret).await;
        // On all addresses, because the networks of apps come and go.
        let listener = TcpListener::bind("0.0.0.0:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = Server::start_apps(Engine::Sqlite, None, true, |config| {
            config.secret = Some(Secret::new(secret.clone()));
            config.apps.backend = AppBackend::Docker;
            config.apps.docker.socket = Some(variable("RUTTER_TEST_DOCKER").into());
            config.apps.listen = Some(([0, 0, 0, 0], port).into());
            change(config);
        });
        let server = server.await;
        let stop = CancellationToken::new();
        tokio::spawn(rutter::web::serve(server.app.clone(), vec![listener], stop.clone()));
        let admin = server.administrator("adam").await;
        let world = Self { server, admin, port, secret, stop, site };
        world.add("probe", &image("probe:1"), "").await;
        world
    }

    /// Adds an app to the catalogue.
    pub(crate) async fn add(&self, name: &str, image: &str, lines: &str) {
        let body = json!({ "manifest": manifest(name, image, lines) });
        self.server.ok(&self.admin, "PUT", &format!("/api/v1/admin/catalogue/{name}"), body).await;
    }

    /// The digest that the catalogue shows.
    pub(crate) async fn digest(&self, app: &str) -> String {
        let shown = self.server.get(&self.admin, &format!("/api/v1/catalogue/{app}?resolve=true")).await;
        shown["digest"].as_str().unwrap().to_owned()
    }

    /// Installs an app for a user, with the digest that is shown now.
    pub(crate) async fn install(&self, by: &Person, app: &str, name: &str) -> Value {
        let body = json!({ "app": app, "name": name, "digest": self.digest(app).await });
        self.server.ok(by, "POST", &format!("/api/v1/apps/{}", by.name), body).await
    }

    pub(crate) async fn show(&self, by: &Person, path: &str) -> Value {
        self.server.get(by, &format!("/api/v1/apps/{path}")).await
    }

    /// Waits until an app is in this state, and nothing else is wanted.
    pub(crate) async fn until(&self, by: &Person, path: &str, state: &str) -> Value {
        let begun = Instant::now();
        loop {
            let shown = self.show(by, path).await;
            if shown["state"] == state && (state == "failed" || shown["wanted"] == state) {
                return shown;
            }
            assert!(begun.elapsed() < WAIT_TIMEOUT, "{path} does not become {state}: {shown}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Asks for a state of an app, and waits until it is in it.
    pub(crate) async fn want(&self, by: &Person, path: &str, wanted: &str) -> Value {
        let url = format!("/api/v1/apps/{path}/wanted");
        self.server.ok(by, "PUT", &url, json!({ "wanted": wanted })).await;
        self.until(by, path, wanted).await
    }

    /// Uninstalls an app; says what happens to its volume.
    pub(crate) async fn uninstall(&self, by: &Person, path: &str, volume: &str) {
        let url = format!("/api/v1/apps/{path}?volume={volume}");
        assert_eq!(self.server.status(by, "DELETE", &url, Value::Null).await, 202);
    }

    /// The log of an app.
    pub(crate) async fn log(&self, by: &Person, path: &str) -> String {
        self.server.call(Some(&by.token), "GET", &format!("/api/v1/apps/{path}/logs"), Value::Null).await.text()
    }

    fn public_port(&self) -> &str {
        self.server.url.rsplit_once(':').unwrap().1
    }

    /// A request to a host of apps, as a browser sends it.
    pub(crate) fn at(&self, host: &str, path: &str) -> RequestBuilder {
        self.server
            .http
            .get(format!("{}{path}", self.server.url))
            .header("host", format!("{host}:{}", self.public_port()))
    }

    /// Installs an app for a new user, who opens it when it runs.
    pub(crate) async fn visit(&self, user: &str, app: &str) -> Visit {
        let person = self.server.person(user).await;
        let session = self.server.cookie(user).await;
        self.install(&person, app, app).await;
        let path = format!("{user}/{app}");
        let url = self.until(&person, &path, "running").await["url"].as_str().unwrap().to_owned();
        let host = url.strip_prefix("http://").unwrap().rsplit_once(':').unwrap().0.to_owned();
        let cookie = self.enter(&session, &host).await.unwrap();
        Visit { person, session, cookie, host, path, url }
    }

    /// Opens an app with a browser that is signed in. Returns the cookie of the app; or where it ends instead.
    pub(crate) async fn enter(&self, session: &str, host: &str) -> Result<String, Reply> {
        let opened = Reply::of(self.at(host, "/").header("accept", "text/html")).await;
        assert_eq!(opened.status, 303, "{}", opened.text());
        let url = opened.header("location").strip_prefix(&self.server.url).unwrap().to_owned();
        let ours = Reply::of(self.server.request("GET", &url, Some(session))).await;
        if ours.status != 303 {
            return Err(ours);
        }
        let path = ours.header("location").split_once(&format!("{host}:{}", self.public_port())).unwrap().1;
        let entered = Reply::of(self.at(host, path).header("cookie", cookie_of(&opened))).await;
        if entered.status == 303 { Ok(cookie_of(&entered)) } else { Err(entered) }
    }

    /// What the app answers to its visitor.
    pub(crate) async fn get(&self, visit: &Visit, path: &str) -> Reply {
        Reply::of(self.at(&visit.host, path).header("cookie", &visit.cookie)).await
    }

    /// The environment of an app.
    pub(crate) async fn environment(&self, visit: &Visit) -> Value {
        self.get(visit, "/env").await.json()
    }

    /// Sends a request from inside of the container to rutter, as `http://rutter:PORT`. Returns status and response.
    pub(crate) async fn call_inside(
        &self,
        visit: &Visit,
        method: &str,
        path: &str,
        headers: &[&str],
        body: &str,
    ) -> (u16, String) {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.append_pair("url", &format!("http://rutter:{}{path}", self.port));
        query.append_pair("method", method).append_pair("body", body);
        for header in headers {
            query.append_pair("header", header);
        }
        let reply = self.get(visit, &format!("/fetch?{}", query.finish())).await;
        assert_eq!(reply.status, 200, "{}", reply.text());
        let text = reply.text();
        (text.split(' ').nth(1).unwrap().parse().unwrap(), text)
    }

    /// Asks for a token of an app from inside of a container, with client credentials.
    pub(crate) async fn token_from_inside(&self, visit: &Visit, id: &str, secret: &str) -> (u16, Value) {
        use base64::Engine as _;
        let credentials = base64::engine::general_purpose::STANDARD.encode(format!("{id}:{secret}"));
        let headers =
            [&*format!("Authorization: Basic {credentials}"), "Content-Type: application/x-www-form-urlencoded"];
        let body = "grant_type=client_credentials";
        let (status, text) = self.call_inside(visit, "POST", "/oauth/token", &headers, body).await;
        (status, serde_json::from_str(text.split_once("\r\n\r\n").unwrap().1).unwrap())
    }

    /// A token of the app's own client.
    pub(crate) async fn own_token(&self, visit: &Visit) -> (u16, Value) {
        let environment = self.environment(visit).await;
        let variable = |name: &str| environment[name].as_str().unwrap().to_owned();
        self.token_from_inside(visit, &variable("RUTTER_CLIENT_ID"), &variable("RUTTER_CLIENT_SECRET")).await
    }

    /// Opens a file or folder of a dataset with an app, as its owner.
    pub(crate) async fn open_with(&self, visit: &Visit, dataset: &str, path: &str, right: &str) -> Reply {
        let body = json!({ "dataset": dataset, "path": path, "right": right });
        let url = format!("/api/v1/apps/{}/open", visit.path);
        self.server.call(Some(&visit.session), "POST", &url, body).await
    }

    /// True if the app can connect.
    pub(crate) async fn reaches(&self, visit: &Visit, host: &str, port: u16) -> bool {
        self.get(visit, &format!("/connect?host={host}&port={port}")).await.text() == "open\n"
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// The first cookie that a response sets, as it is sent back.
pub(crate) fn cookie_of(reply: &Reply) -> String {
    reply.header("set-cookie").split(';').next().unwrap().to_owned()
}
