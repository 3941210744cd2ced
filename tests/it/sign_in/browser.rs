//! A browser: keeps cookies, and does not follow redirects automatically.

use std::collections::BTreeMap;

use rutter_testing::{Reply, Server};
use serde_json::Value;

pub(super) struct Browser<'a> {
    pub(super) server: &'a Server,
    pub(super) cookies: BTreeMap<String, String>,
    pub(super) agent: &'static str,
}

impl<'a> Browser<'a> {
    pub(super) fn new(server: &'a Server) -> Self {
        Self { server, cookies: BTreeMap::new(), agent: "" }
    }

    /// A browser of a user who signed in with the password.
    pub(super) async fn of(server: &'a Server, name: &str) -> Self {
        let cookie = server.cookie(name).await;
        Self { server, cookies: [("rutter".to_owned(), cookie)].into(), agent: "" }
    }

    pub(super) async fn send(&mut self, method: &str, url: &str, body: Value) -> Reply {
        let path = url.strip_prefix(&self.server.url).unwrap_or(url);
        let mut request = self.server.http.request(method.parse().unwrap(), format!("{}{path}", self.server.url));
        if !self.agent.is_empty() {
            request = request.header("user-agent", self.agent);
        }
        let cookies: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        if !cookies.is_empty() {
            request = request.header("cookie", cookies.join("; "));
        }
        if method != "GET" {
            request = request.header("origin", &self.server.url);
        }
        if !body.is_null() {
            request = request.header("content-type", "application/json").body(body.to_string());
        }
        let reply = Reply::of(request).await;
        for line in reply.headers.get_all("set-cookie") {
            let line = line.to_str().unwrap();
            assert!(line.contains("HttpOnly") && line.contains("SameSite=Lax") && line.contains("Path=/;"), "{line}");
            let (pair, attributes) = line.split_once(';').unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            if attributes.contains("Max-Age=0;") {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        reply
    }

    pub(super) async fn get(&mut self, url: &str) -> Reply {
        self.send("GET", url, Value::Null).await
    }

    /// Where a page leads.
    pub(super) async fn follow(&mut self, url: &str) -> String {
        let reply = self.get(url).await;
        assert_eq!((reply.status, reply.header("cache-control")), (303, "no-store"), "{url}: {}", reply.text());
        reply.header("location").to_owned()
    }

    /// The signed-in user; null for none.
    pub(super) async fn user(&mut self) -> Value {
        self.get("/api/v1/session").await.json()["user"]["name"].clone()
    }
}
