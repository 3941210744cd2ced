//! The API with JSON in both directions.

use serde_json::{Value, json};

use crate::{Person, Reply, Server};

impl Server {
    /// Sends a request, with JSON unless the body is null.
    pub async fn call(&self, token: Option<&str>, method: &str, url: &str, body: Value) -> Reply {
        let request = self.request(method, url, token);
        Reply::of(match body {
            Value::Null => request,
            body => request.header("content-type", "application/json").body(body.to_string()),
        })
        .await
    }

    /// Returns status and body; null for an empty one.
    pub async fn json(&self, token: Option<&str>, method: &str, url: &str, body: Value) -> (u16, Value) {
        let reply = self.call(token, method, url, body).await;
        let body = if reply.body.is_empty() { Value::Null } else { reply.json() };
        (reply.status, body)
    }

    /// Returns the body of a request that must succeed.
    pub async fn ok(&self, person: &Person, method: &str, url: &str, body: Value) -> Value {
        let (status, reply) = self.json(Some(&person.token), method, url, body).await;
        assert!(status < 300, "{method} {url}: {status} {reply}");
        reply
    }

    /// Returns the body of a GET that must succeed.
    pub async fn get(&self, person: &Person, url: &str) -> Value {
        self.ok(person, "GET", url, Value::Null).await
    }

    /// Commits operations to the default branch, without a working tree; returns the revision.
    pub async fn commit(&self, person: &Person, path: &str, operations: &[Value]) -> String {
        let body = json!({"message": "Change", "operations": operations});
        let reply = self.ok(person, "POST", &format!("/api/v1/datasets/{path}/commits"), body).await;
        reply["revision"].as_str().unwrap().to_owned()
    }

    /// Returns the status of a request that may fail.
    pub async fn status(&self, person: &Person, method: &str, url: &str, body: Value) -> u16 {
        self.json(Some(&person.token), method, url, body).await.0
    }
}
