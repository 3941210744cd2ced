//! Requests to `/api/v1/drive`: the same table, kept apart for its length.

use reqwest::RequestBuilder;
use rutter_testing::Reply;
use serde_json::{Value, json};

use super::{Sample, World};

const OWN: &str = "/api/v1/drive";
const DRIVE: &str = "/api/v1/drive/{owner}/{dataset}";
const DOWNLOAD: &str = "/api/v1/downloads/{token}";

/// Method, route, variant.
pub(super) const SAMPLES: &[Sample] = &[
    ("GET", OWN, ""),
    ("GET", "/api/v1/drive/{owner}/{dataset}/list", ""),
    ("GET", "/api/v1/drive/{owner}/{dataset}/entry/{*path}", ""),
    ("GET", "/api/v1/drive/{owner}/{dataset}/search", ""),
    ("GET", "/api/v1/drive/{owner}/{dataset}/usage", ""),
    ("GET", "/api/v1/drive/{owner}/{dataset}/rows/{*path}", ""),
    ("GET", "/api/v1/drive/{owner}/{dataset}/statistics/{*path}", ""),
    ("PUT", "/api/v1/drive/{owner}/{dataset}/files/{*path}", ""),
    ("GET", "/api/v1/drive/{owner}/{dataset}/content/{*path}", ""),
    ("GET", "/api/v1/drive/{owner}/{dataset}/download/{*path}", ""),
    ("POST", "/api/v1/drive/{owner}/{dataset}/folders", ""),
    ("POST", "/api/v1/drive/{owner}/{dataset}/move", ""),
    ("POST", "/api/v1/drive/{owner}/{dataset}/copy", ""),
    ("POST", "/api/v1/drive/{owner}/{dataset}/delete", ""),
    ("POST", "/api/v1/drive/{owner}/{dataset}/uploads", ""),
    ("GET", "/api/v1/drive/{owner}/{dataset}/uploads/{id}", "unknown id"),
    ("DELETE", "/api/v1/drive/{owner}/{dataset}/uploads/{id}", "unknown id"),
    ("PUT", "/api/v1/drive/{owner}/{dataset}/uploads/{id}/{number}", "unknown id"),
    ("POST", "/api/v1/drive/{owner}/{dataset}/uploads/{id}/finish", "unknown id"),
    ("POST", "/api/v1/drive/{owner}/{dataset}/downloads", ""),
    ("POST", "/api/v1/drive/{owner}/{dataset}/downloads", "all of it"),
    ("GET", DOWNLOAD, "forged"),
    ("GET", "/api/v1/drive/{owner}/{dataset}/versions/{*path}", ""),
    ("POST", "/api/v1/drive/{owner}/{dataset}/versions/{*path}", ""),
    ("GET", "/api/v1/drive/{owner}/{dataset}/trash", ""),
    ("DELETE", "/api/v1/drive/{owner}/{dataset}/trash", ""),
    ("POST", "/api/v1/drive/{owner}/{dataset}/trash/restore", "of nothing"),
    ("DELETE", "/api/v1/drive/{owner}/{dataset}/trash/{id}", "of nothing"),
];

pub(super) fn has(route: &str) -> bool {
    route == OWN || route == DOWNLOAD || route.starts_with(DRIVE)
}

impl World {
    /// What a request needs before it: by the keeper, so that everybody meets the same.
    pub(super) async fn prepare_drive(&self, path: &str, (_, route, _): Sample, name: &str) {
        if route.ends_with("/move") || route.ends_with("/delete") {
            let put = self.server.request("PUT", &format!("{OWN}/{path}/files/{name}.csv"), Some(&self.keeper.token));
            assert_eq!(Reply::of(put.body("a\n1\n")).await.status, 201, "{route}");
        }
    }

    /// The request itself; `name` is unique.
    pub(super) fn of_drive(&self, token: Option<&str>, path: &str, sample: Sample, name: &str) -> RequestBuilder {
        let (method, route, variant) = sample;
        let shown = if route.contains("/files/") { format!("put/{name}.csv") } else { "seed/table.csv".to_owned() };
        let url = route.replace("{owner}/{dataset}", path).replace("{*path}", &shown).replace("{token}", "AAAA");
        let url = url.replace("{id}", "missing").replace("{number}", "1").replace("/search", "/search?q=table");
        let body = match route.strip_prefix(DRIVE).unwrap_or_default() {
            "/folders" => json!({"path": format!("folders/{name}")}),
            "/move" => json!({"from": format!("{name}.csv"), "to": format!("moved/{name}.csv")}),
            "/copy" => json!({"from": "seed/table.csv", "to": format!("copied/{name}.csv")}),
            "/delete" => json!({"paths": [format!("{name}.csv")]}),
            "/uploads" => json!({"path": format!("uploads/{name}.csv"), "size": 5}),
            "/uploads/{id}/finish" => json!({}),
            "/downloads" if variant == "all of it" => json!({"paths": [""]}),
            "/downloads" => json!({"paths": ["seed/table.csv"]}),
            "/versions/{*path}" if method == "POST" => json!({"revision": "HEAD"}),
            "/trash/restore" => json!({"ids": ["missing"]}),
            _ => Value::Null,
        };
        let request = self.server.request(method, &url, token);
        match body {
            Value::Null if method == "PUT" => request.body(format!("a\n{name}\n")),
            Value::Null => request,
            body => request.header("content-type", "application/json").body(body.to_string()),
        }
    }

    /// Something to show in each dataset.
    pub(super) async fn seed_drive(&self, path: &str) {
        let put = self.server.request("PUT", &format!("{OWN}/{path}/files/seed/table.csv"), Some(&self.keeper.token));
        assert_eq!(Reply::of(put.body("id\n1\n")).await.status, 201);
    }
}
