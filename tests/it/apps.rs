//! Installed apps: the proxy and the life of an app. Each test names the security rule that it checks. The container
//! engine is one in memory; `tests/apps` has the stories with Docker.

mod engine;
mod installs;
mod proxy;
mod uploads;
mod upstream;

use std::sync::Arc;
use std::time::Duration;

use reqwest::RequestBuilder;
use rutter::config::Config;
use rutter_testing::{Engine, Person, Reply, Server};
use serde_json::{Value, json};

use self::engine::MemoryEngine;

const MANIFEST: &str = r#"
name = "notes"
title = "Notes"
image = "registry.example/notes:1"
volume = "/storage"
scopes = "openid profile files"
opens = [".csv"]
widest = "public"
identity = true
redirects = ["/oauth/callback"]
"#;

/// A server with apps, and an administrator.
struct World {
    server: Server,
    engine: MemoryEngine,
    admin: Person,
}

impl World {
    async fn start(engine: Engine, works: bool, change: impl FnOnce(&mut Config)) -> Self {
        let containers = MemoryEngine::with_image("registry.example/notes:1", 'a');
        let server = Server::start_apps(engine, Some(Arc::new(containers.clone())), works, change).await;
        let admin = server.administrator("adam").await;
        let world = Self { server, engine: containers, admin };
        world.add(MANIFEST).await;
        world
    }

    /// Adds an app to the catalogue.
    async fn add(&self, manifest: &str) {
        let name = manifest.split('"').nth(1).unwrap();
        let url = format!("/api/v1/admin/catalogue/{name}");
        let reply = self.server.call(Some(&self.admin.token), "PUT", &url, json!({ "manifest": manifest })).await;
        assert_eq!(reply.status, 200, "{}", reply.text());
    }

    async fn digest(&self) -> String {
        let url = "/api/v1/catalogue/notes?resolve=true";
        let reply = self.server.call(Some(&self.admin.token), "GET", url, Value::Null).await;
        reply.json()["digest"].as_str().unwrap().to_owned()
    }

    /// Installs the app for an owner, under a name.
    async fn install(&self, by: &Person, owner: &str, name: &str) -> Reply {
        let body = json!({ "app": "notes", "name": name, "digest": self.digest().await });
        self.server.call(Some(&by.token), "POST", &format!("/api/v1/apps/{owner}"), body).await
    }

    async fn show(&self, by: &Person, name: &str) -> Value {
        let url = format!("/api/v1/apps/{}/{name}", by.name);
        self.server.call(Some(&by.token), "GET", &url, Value::Null).await.json()
    }

    async fn want(&self, by: &Person, name: &str, wanted: &str) -> Reply {
        let url = format!("/api/v1/apps/{}/{name}/wanted", by.name);
        self.server.call(Some(&by.token), "PUT", &url, json!({ "wanted": wanted })).await
    }

    /// Runs jobs until an app has a state.
    async fn until(&self, by: &Person, name: &str, state: &str) -> Value {
        for _ in 0..300 {
            self.server.app.worker.run_due().await.unwrap();
            let shown = self.show(by, name).await;
            if shown["state"] == state && (shown["wanted"] == state || state == "failed") {
                return shown;
            }
            self.server.clock.advance(Duration::from_millis(500));
        }
        panic!("{name} does not become {state}: {}", self.show(by, name).await);
    }

    fn port(&self) -> &str {
        self.server.url.rsplit_once(':').unwrap().1
    }

    /// A request to a host of apps, as a browser sends it.
    fn at(&self, host: &str, path: &str) -> RequestBuilder {
        self.server.http.get(format!("{}{path}", self.server.url)).header("host", format!("{host}:{}", self.port()))
    }

    /// Opens an app with a browser that is signed in. Returns the cookie of the app, as it is sent.
    async fn enter(&self, session: &str, host: &str, path: &str) -> Result<String, Reply> {
        let opened = Reply::of(self.at(host, path).header("accept", "text/html")).await;
        assert_eq!(opened.status, 303, "{}", opened.text());
        let state = cookie_of(&opened);
        let url = opened.header("location").strip_prefix(&self.server.url).unwrap().to_owned();
        let ours = Reply::of(self.server.request("GET", &url, Some(session))).await;
        if ours.status != 303 {
            return Err(ours);
        }
        let entry = ours.header("location").to_owned();
        let path = entry.split_once(&format!("{host}:{}", self.port())).unwrap().1;
        let entered = Reply::of(self.at(host, path).header("cookie", state)).await;
        if entered.status == 303 { Ok(cookie_of(&entered)) } else { Err(entered) }
    }
}

/// The first cookie that a response sets, as it is sent back.
fn cookie_of(reply: &Reply) -> String {
    reply.header("set-cookie").split(';').next().unwrap().to_owned()
}
