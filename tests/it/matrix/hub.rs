//! Requests of Hugging Face's clients: the same table, kept apart for its length.

use reqwest::RequestBuilder;
use rutter_testing::Reply;
use rutter_testing::xet::{XetClient, describe, pack, shard};
use serde_json::{Value, json};
use xet::Hash;
use xet::shard::Shard;

use super::{SEED, Sample, World};

/// Method, route, variant.
pub(super) const SAMPLES: &[Sample] = &[
    ("GET", "/api/whoami-v2", ""),
    ("GET", "/api/datasets", ""),
    ("GET", "/api/users/{user}/likes", "of another user"),
    ("POST", "/api/repos/create", "in an organisation"),
    ("DELETE", "/api/repos/delete", ""),
    ("POST", MOVE, ""),
    ("POST", "/api/validate-yaml", ""),
    ("PUT", "/api/datasets/{owner}/{dataset}/settings", ""),
    ("GET", "/api/datasets/{owner}/{dataset}/auth-check", ""),
    ("GET", "/api/datasets/{owner}/{dataset}/auth-check/write", ""),
    ("POST", LIKE, ""),
    ("DELETE", LIKE, ""),
    ("GET", "/api/datasets/{owner}/{dataset}", ""),
    ("GET", "/api/datasets/{owner}/{dataset}/revision/{revision}", ""),
    ("GET", "/api/datasets/{owner}/{dataset}/refs", ""),
    ("GET", "/api/datasets/{owner}/{dataset}/commits/{revision}", ""),
    ("POST", TAG, ""),
    ("DELETE", TAG, ""),
    ("POST", BRANCH, ""),
    ("DELETE", BRANCH, ""),
    ("POST", "/api/datasets/{owner}/{dataset}/preupload/{revision}", ""),
    ("POST", COMMIT, ""),
    ("GET", "/api/datasets/{owner}/{dataset}/tree/{revision}", ""),
    ("GET", "/api/datasets/{owner}/{dataset}/tree/{revision}/{*path}", ""),
    ("POST", PATHS, ""),
    ("GET", "/datasets/{owner}/{dataset}/resolve/{revision}/{*path}", ""),
    ("GET", "/api/datasets/{owner}/{dataset}/lfs-files", ""),
    ("POST", OBJECTS, ""),
    ("POST", SQUASH, ""),
    ("GET", "/api/datasets/{owner}/{dataset}/xet-read-token/{revision}", ""),
    ("GET", "/api/datasets/{owner}/{dataset}/xet-write-token/{revision}", ""),
    ("POST", XORB, ""),
    ("POST", "/_xet/{owner}/{dataset}/{cache}/v1/shards", ""),
    ("POST", "/_xet/{owner}/{dataset}/{cache}/v2/shards", ""),
    ("GET", "/_xet/{owner}/{dataset}/{cache}/v1/chunks/{prefix}/{hash}", ""),
    ("GET", "/_xet/{owner}/{dataset}/{cache}/v1/reconstructions/{hash}", ""),
    ("GET", "/_xet/{owner}/{dataset}/{cache}/v2/reconstructions/{hash}", ""),
    ("POST", "/_xet/{owner}/{dataset}/{cache}/v1/telemetry", ""),
    ("GET", "/viewer/is-valid", ""),
    ("GET", "/viewer/splits", ""),
    ("GET", "/viewer/first-rows", ""),
    ("GET", "/viewer/rows", ""),
    ("GET", "/viewer/search", ""),
    ("GET", "/viewer/filter", ""),
    ("GET", "/viewer/statistics", ""),
    ("GET", "/viewer/size", ""),
    ("GET", "/viewer/parquet", ""),
    ("GET", "/viewer/info", ""),
];

const MOVE: &str = "/api/repos/move";
const OBJECTS: &str = "/api/datasets/{owner}/{dataset}/lfs-files/batch";
const SQUASH: &str = "/api/datasets/{owner}/{dataset}/super-squash/{revision}";
const XORB: &str = "/_xet/{owner}/{dataset}/{cache}/v1/xorbs/{prefix}/{hash}";
const LIKE: &str = "/api/datasets/{owner}/{dataset}/like";
const TAG: &str = "/api/datasets/{owner}/{dataset}/tag/{name}";
const BRANCH: &str = "/api/datasets/{owner}/{dataset}/branch/{name}";
const COMMIT: &str = "/api/datasets/{owner}/{dataset}/commit/{revision}";
const PATHS: &str = "/api/datasets/{owner}/{dataset}/paths-info/{revision}";

/// Whether it is one of these routes.
pub(super) fn has(route: &str) -> bool {
    SAMPLES.iter().any(|(_, own, _)| *own == route)
}

impl World {
    /// What such a request needs before it: by the keeper, so that everybody meets the same. Gives the dataset to ask.
    pub(super) async fn prepare_hub(&self, path: &str, (method, route, _): Sample, name: &str) -> String {
        let keeper = Some(self.keeper.token.as_str());
        let made = match (method, route) {
            ("DELETE", "/api/repos/delete") | ("POST", MOVE) => {
                let visibility = path.split_once('/').unwrap().1;
                let body = json!({"organization": "org", "name": name, "type": "dataset", "visibility": visibility});
                let made = self.send("POST", "/api/repos/create", keeper, &body);
                assert_eq!(Reply::of(made).await.status, 200);
                return format!("org/{name}");
            }
            ("DELETE", TAG) => {
                self.send("POST", &format!("/api/datasets/{path}/tag/main"), keeper, &json!({"tag": name}))
            }
            ("DELETE", BRANCH) => self.send("POST", &format!("/api/datasets/{path}/branch/{name}"), keeper, &json!({})),
            _ => return path.to_owned(),
        };
        assert_eq!(Reply::of(made).await.status, 200, "{method} {route}");
        path.to_owned()
    }

    /// The request itself; `name` is unique.
    pub(super) fn of_hub(&self, token: Option<&str>, path: &str, sample: Sample, name: &str) -> RequestBuilder {
        let (method, route, _) = sample;
        let (owner, dataset) = path.split_once('/').unwrap();
        let shown = if (method, route) == ("POST", TAG) { "main" } else { name };
        let url = route.replace("{owner}/{dataset}", path).replace("{name}", shown);
        let url = url.replace("{revision}", "main").replace("{user}", "keeper");
        let folder = if route.starts_with("/datasets/") { "datapackage.json" } else { "folder" };
        let url = url.replace("{*path}", folder).replace("{cache}", "any").replace("{prefix}", "default");
        let body = match (method, route) {
            ("GET", _) if route.starts_with("/viewer/") => {
                let url = format!("{route}?dataset={path}&config=seed/table.csv&split=train&query=a");
                return self.server.request(method, &url, token);
            }
            ("POST", XORB) => {
                let (bytes, xorb) = pack(&[name.as_bytes().to_vec()]);
                let url = url.replace("{hash}", &xorb.hash().to_string());
                return self.server.request(method, &url, token).body(bytes);
            }
            ("GET", _) if route.ends_with("{hash}") => {
                // Of the seed, which everybody who may upload finds.
                return self.server.request(method, &url.replace("{hash}", &Hash::of_chunk(SEED).to_string()), token);
            }
            ("POST", _) if route.starts_with("/_xet/") => {
                return self.server.request(method, &url, token).body(Shard::default().write(None).unwrap());
            }
            ("GET", _) | (_, LIKE) | ("DELETE", TAG | BRANCH) => return self.server.request(method, &url, token),
            ("POST", COMMIT) => {
                let head = json!({"key": "header", "value": {"summary": name}});
                let file = json!({"path": format!("folder/{name}"), "content": "", "encoding": "base64"});
                let text = format!("{head}\n{}\n", json!({"key": "file", "value": file}));
                return self
                    .server
                    .request(method, &url, token)
                    .header("content-type", "application/x-ndjson")
                    .body(text);
            }
            ("POST", PATHS) => {
                let request = self.server.request(method, &url, token);
                return request.header("content-type", "application/x-www-form-urlencoded").body("paths=folder");
            }
            ("POST", "/api/repos/create") => {
                json!({"organization": owner, "name": format!("hub-{name}"), "type": "dataset"})
            }
            ("DELETE", _) => json!({"organization": owner, "name": dataset, "type": "dataset"}),
            ("POST", "/api/validate-yaml") => json!({"content": "# Title\n", "repoType": "dataset"}),
            ("PUT", _) => json!({"gated": false}),
            ("POST", MOVE) => {
                json!({"fromRepo": path, "toRepo": format!("{owner}/hub-moved-{name}"), "type": "dataset"})
            }
            ("POST", OBJECTS) => json!({"deletions": {"sha": ["a".repeat(64)], "rewriteHistory": true}}),
            ("POST", SQUASH) => json!({"message": name}),
            ("POST", TAG) => json!({"tag": name}),
            ("POST", BRANCH) => json!({}),
            _ => json!({"files": [{"path": "a.csv", "size": 1, "sample": "YQ=="}]}),
        };
        self.send(method, &url, token, &body)
    }

    /// A folder in each dataset.
    pub(super) async fn seed_hub(&self, path: &str) {
        let keeper = Some(self.keeper.token.as_str());
        let sample = ("POST", COMMIT, "");
        assert_eq!(Reply::of(self.of_hub(keeper, path, sample, "seed")).await.status, 200);
        let (bytes, xorb) = pack(&[SEED.to_vec()]);
        let url = format!("{}/_xet/{path}/any", self.server.url);
        let client = XetClient::new(&self.server.http, &url, &self.keeper.token);
        assert_eq!(client.put_xorb(xorb.hash(), bytes).await.status, 200);
        assert_eq!(client.post("v1/shards", shard(describe(&xorb, SEED))).await.status, 200);
    }

    fn send(&self, method: &str, url: &str, token: Option<&str>, body: &Value) -> RequestBuilder {
        self.server.request(method, url, token).header("content-type", "application/json").body(body.to_string())
    }
}
