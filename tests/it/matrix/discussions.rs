//! Requests about discussions and proposals, of both APIs: the same table, kept apart for its length.

use reqwest::RequestBuilder;
use rutter_testing::Reply;
use serde_json::{Value, json};

use super::{Sample, World};

/// Method, route, variant.
pub(super) const SAMPLES: &[Sample] = &[
    ("GET", "/api/v1/datasets/{owner}/{dataset}/merge", ""),
    ("GET", DISCUSSIONS, ""),
    ("POST", DISCUSSIONS, "a discussion"),
    ("POST", DISCUSSIONS, "a proposal"),
    ("GET", DISCUSSION, ""),
    ("PATCH", DISCUSSION, "of a writer"),
    ("GET", "/api/v1/datasets/{owner}/{dataset}/discussions/{number}/events", ""),
    ("POST", "/api/v1/datasets/{owner}/{dataset}/discussions/{number}/comments", ""),
    ("PATCH", COMMENT, "of a writer"),
    ("DELETE", COMMENT, "of a writer"),
    ("GET", "/api/v1/datasets/{owner}/{dataset}/discussions/{number}/checks", ""),
    ("POST", MERGE, ""),
    ("GET", "/api/v1/datasets/{owner}/{dataset}/follow", ""),
    ("PUT", "/api/v1/datasets/{owner}/{dataset}/follow", ""),
    ("DELETE", "/api/v1/datasets/{owner}/{dataset}/follow", ""),
    ("GET", "/api/v1/datasets/{owner}/{dataset}/events", ""),
    ("GET", "/api/v1/events", ""),
    ("GET", "/api/v1/user/notifications", ""),
    ("POST", "/api/v1/user/notifications/read", ""),
    ("GET", "/api/v1/user/notification-settings", ""),
    ("PUT", "/api/v1/user/notification-settings", ""),
    ("GET", HUB, ""),
    ("POST", HUB, "a discussion"),
    ("POST", HUB, "a pull request"),
    ("GET", "/api/datasets/{owner}/{dataset}/discussions/{number}", ""),
    ("POST", "/api/datasets/{owner}/{dataset}/discussions/{number}/comment", ""),
    ("POST", "/api/datasets/{owner}/{dataset}/discussions/{number}/comment/{id}/edit", "of a writer"),
    ("POST", "/api/datasets/{owner}/{dataset}/discussions/{number}/comment/{id}/hide", "of a writer"),
    ("POST", "/api/datasets/{owner}/{dataset}/discussions/{number}/title", "of a writer"),
    ("POST", "/api/datasets/{owner}/{dataset}/discussions/{number}/status", "of a writer"),
    ("POST", HUB_MERGE, ""),
];

const DISCUSSIONS: &str = "/api/v1/datasets/{owner}/{dataset}/discussions";
const DISCUSSION: &str = "/api/v1/datasets/{owner}/{dataset}/discussions/{number}";
const COMMENT: &str = "/api/v1/datasets/{owner}/{dataset}/discussions/{number}/comments/{comment}";
const MERGE: &str = "/api/v1/datasets/{owner}/{dataset}/discussions/{number}/merge";
const HUB: &str = "/api/datasets/{owner}/{dataset}/discussions";
const HUB_MERGE: &str = "/api/datasets/{owner}/{dataset}/discussions/{number}/merge";

/// Whether it is one of these routes.
pub(super) fn has(route: &str) -> bool {
    SAMPLES.iter().any(|(_, own, _)| *own == route)
}

/// A discussion to ask about: its number, and the id of a comment in it.
pub(super) struct Subject(String, String);

impl Subject {
    /// One that may not exist.
    pub(super) fn any() -> Self {
        Self("1".to_owned(), "missing".to_owned())
    }
}

impl World {
    /// What such a request needs before it: by the keeper, so that everybody meets the same.
    pub(super) async fn prepare_discussion(&self, path: &str, (method, route, variant): Sample, name: &str) -> Subject {
        let api = format!("/api/v1/datasets/{path}");
        let is_merge = method == "POST" && route.ends_with("/merge");
        if is_merge || variant == "a proposal" {
            self.as_keeper("POST", &format!("{api}/branches"), &json!({"name": name})).await;
            let put = json!({"operation": "put", "path": format!("merged/{name}"), "content": name});
            let commit = json!({"branch": name, "message": name, "operations": [put]});
            self.as_keeper("POST", &format!("{api}/commits"), &commit).await;
        }
        let mut number = "1".to_owned();
        if is_merge {
            let new = json!({"title": name, "source": name});
            number = self.as_keeper("POST", &format!("{api}/discussions"), &new).await["number"].to_string();
        }
        let events = self.as_keeper("GET", &format!("{api}/discussions/1/events"), &Value::Null).await;
        Subject(number, events["items"][0]["id"].as_str().unwrap().to_owned())
    }

    /// The request itself; `name` is unique.
    pub(super) fn of_discussions(
        &self,
        token: Option<&str>,
        path: &str,
        (method, route, variant): Sample,
        (Subject(number, comment), name): (&Subject, &str),
    ) -> RequestBuilder {
        let url = route.replace("{owner}/{dataset}", path).replace("{number}", number);
        let url = url.replace("{comment}", comment).replace("{id}", comment);
        let body = match (method, route.rsplit('/').next().unwrap(), variant) {
            ("GET", "merge", _) => return self.server.request(method, &format!("{url}?from=seed"), token),
            ("GET" | "DELETE", ..) | ("PUT", "follow", _) => return self.server.request(method, &url, token),
            ("PUT", "notification-settings", _) => json!({"settings": []}),
            ("POST", "discussions", "a proposal") => json!({"title": name, "source": name}),
            ("POST", "discussions", "a pull request") => json!({"title": name, "pullRequest": true}),
            ("POST", "comments", _) | ("PATCH", "{comment}", _) => json!({"body": name}),
            ("POST", "comment", _) => json!({"comment": name}),
            ("POST", "edit", _) => json!({"content": name}),
            ("POST", "status", _) => json!({"status": "open"}),
            ("POST", "discussions" | "title", _) | ("PATCH", ..) => json!({"title": name}),
            _ => json!({}),
        };
        self.server.request(method, &url, token).header("content-type", "application/json").body(body.to_string())
    }

    /// A proposal with a comment in each dataset.
    pub(super) async fn seed_discussions(&self, path: &str) {
        let new = json!({"title": "Seed", "body": "A comment", "source": "seed"});
        let made = self.as_keeper("POST", &format!("/api/v1/datasets/{path}/discussions"), &new).await;
        assert_eq!(made["number"], 1);
    }

    /// The answer to a request of the keeper.
    async fn as_keeper(&self, method: &str, url: &str, body: &Value) -> Value {
        let request = self.server.request(method, url, Some(&self.keeper.token));
        let reply = Reply::of(match body {
            Value::Null => request,
            body => request.header("content-type", "application/json").body(body.to_string()),
        })
        .await;
        assert!(reply.status < 300, "{method} {url}: {}", reply.text());
        reply.json()
    }
}
