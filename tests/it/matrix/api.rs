//! Requests to `/api`: the same table, kept apart for its length.

use reqwest::RequestBuilder;
use rutter_testing::Reply;
use serde_json::{Value, json};

use super::{Sample, World};

/// Method, route, variant.
pub(super) const SAMPLES: &[Sample] = &[
    ("GET", "/api/openapi.json", ""),
    ("GET", "/api/docs", ""),
    ("GET", DATASETS, ""),
    ("GET", DATASETS, "starred"),
    ("GET", "/api/v1/search", ""),
    ("GET", STAR, ""),
    ("PUT", STAR, ""),
    ("DELETE", STAR, ""),
    ("POST", DATASETS, "in an organisation"),
    ("GET", DATASET, ""),
    ("PUT", DATASET, ""),
    ("PATCH", DATASET, ""),
    ("DELETE", DATASET, ""),
    ("POST", MOVE, ""),
    ("PATCH", VISIBILITY, ""),
    ("GET", "/api/v1/datasets/{owner}/{dataset}/summary/{revision}", ""),
    ("GET", "/api/v1/datasets/{owner}/{dataset}/activity", ""),
    ("GET", "/api/v1/datasets/{owner}/{dataset}/growth", ""),
    ("GET", "/api/v1/owners", ""),
    ("GET", "/api/v1/stores", ""),
    ("GET", "/api/v1/datasets/{owner}/{dataset}/revisions", ""),
    ("GET", "/api/v1/datasets/{owner}/{dataset}/revisions/{revision}", ""),
    ("GET", "/api/v1/datasets/{owner}/{dataset}/tree/{revision}", ""),
    ("GET", "/api/v1/datasets/{owner}/{dataset}/files/{revision}/{*path}", ""),
    ("GET", "/api/v1/datasets/{owner}/{dataset}/raw/{revision}/{*path}", ""),
    ("GET", "/api/v1/datasets/{owner}/{dataset}/thumbnail/{revision}/{*path}", ""),
    ("POST", "/api/v1/datasets/{owner}/{dataset}/infer", ""),
    ("GET", "/api/v1/datasets/{owner}/{dataset}/tables/{revision}", ""),
    ("GET", "/api/v1/datasets/{owner}/{dataset}/rows/{revision}/{*path}", ""),
    ("GET", "/api/v1/datasets/{owner}/{dataset}/statistics/{revision}/{*path}", ""),
    ("GET", "/api/v1/datasets/{owner}/{dataset}/diff", ""),
    ("GET", "/api/v1/datasets/{owner}/{dataset}/diff/rows", ""),
    ("POST", "/api/v1/datasets/{owner}/{dataset}/describe", ""),
    ("POST", "/api/v1/datasets/{owner}/{dataset}/describe", "dry run"),
    ("POST", "/api/v1/datasets/{owner}/{dataset}/convert", ""),
    ("GET", "/api/v1/datasets/{owner}/{dataset}/derivations", ""),
    ("GET", "/api/v1/datasets/{owner}/{dataset}/derivations/{derivation}", ""),
    ("POST", "/api/v1/sql", ""),
    ("POST", "/api/v1/datasets/{owner}/{dataset}/commits", ""),
    ("POST", "/api/v1/datasets/{owner}/{dataset}/revert", ""),
    ("POST", "/api/v1/datasets/{owner}/{dataset}/revert", "dry run"),
    ("POST", "/api/v1/datasets/{owner}/{dataset}/restore", ""),
    ("GET", "/api/v1/datasets/{owner}/{dataset}/tags", ""),
    ("POST", "/api/v1/datasets/{owner}/{dataset}/tags", ""),
    ("GET", TAG, ""),
    ("PATCH", TAG, ""),
    ("DELETE", TAG, ""),
    ("GET", "/api/v1/datasets/{owner}/{dataset}/branches", ""),
    ("POST", "/api/v1/datasets/{owner}/{dataset}/branches", ""),
    ("GET", BRANCH, ""),
    ("PATCH", BRANCH, "renamed"),
    ("PATCH", BRANCH, "made the default"),
    ("DELETE", BRANCH, ""),
    ("GET", "/api/v1/datasets/{owner}/{dataset}/protection", ""),
    ("PUT", "/api/v1/datasets/{owner}/{dataset}/protection", ""),
];

const DATASETS: &str = "/api/v1/datasets";
const DATASET: &str = "/api/v1/datasets/{owner}/{dataset}";
const VISIBILITY: &str = "/api/v1/datasets/{owner}/{dataset}/visibility";
const STAR: &str = "/api/v1/datasets/{owner}/{dataset}/star";
const MOVE: &str = "/api/v1/datasets/{owner}/{dataset}/move";
const TAG: &str = "/api/v1/datasets/{owner}/{dataset}/tags/{tag}";
const BRANCH: &str = "/api/v1/datasets/{owner}/{dataset}/branches/{branch}";

impl World {
    /// What an API request needs before it: by the keeper, so that everybody meets the same. Gives the dataset to ask.
    pub(super) async fn prepare(&self, path: &str, (method, route, _): Sample, name: &str) -> String {
        let keeper = Some(self.keeper.token.as_str());
        let url = format!("{DATASETS}/{path}");
        let made = match (method, route) {
            ("DELETE", DATASET) | ("POST", MOVE) => {
                let (_, visibility) = path.split_once('/').unwrap();
                let dataset = format!("org/{name}");
                let body = json!({"id": dataset, "package": {}, "visibility": visibility});
                assert_eq!(Reply::of(self.json("POST", DATASETS, keeper, &body)).await.status, 201);
                return dataset;
            }
            ("PATCH" | "DELETE", TAG) => self.json("POST", &format!("{url}/tags"), keeper, &json!({"name": name})),
            ("PATCH" | "DELETE", BRANCH) => {
                self.json("POST", &format!("{url}/branches"), keeper, &json!({"name": name}))
            }
            _ => return path.to_owned(),
        };
        assert_eq!(Reply::of(made).await.status, 201, "{method} {route}");
        path.to_owned()
    }

    /// The request itself; `name` is unique.
    pub(super) fn of_api(&self, token: Option<&str>, path: &str, sample: Sample, name: &str) -> RequestBuilder {
        let (method, route, variant) = sample;
        let url = route.replace("{owner}/{dataset}", path);
        let body = match (method, route, variant) {
            ("POST", DATASETS, _) => json!({"id": format!("org/new-{name}")}),
            ("POST", MOVE, _) => json!({"to": format!("org/moved-{name}")}),
            // To what it is, for the others meet it too.
            ("PATCH", VISIBILITY, _) => json!({"visibility": path.split_once('/').unwrap().1}),
            ("PUT" | "PATCH", DATASET, _) => json!({"package": {"title": name}}),
            ("POST", route, _) if route.ends_with("/commits") => {
                json!({"message": name, "operations": [{"operation": "put", "path": name, "content": ""}]})
            }
            ("POST", route, _) if route.ends_with("/infer") => json!({"path": "datapackage.json", "format": "csv"}),
            ("POST", route, "dry run") if route.ends_with("/describe") => json!({"dry_run": true}),
            // Nothing that changes what the others meet.
            ("POST", route, _) if route.ends_with("/describe") => json!({"tables": ["no-such.csv"]}),
            ("POST", route, _) if route.ends_with("/convert") => {
                json!({"path": "seed/table.csv", "to": "seed/table.csv/file.parquet"})
            }
            ("POST", "/api/v1/sql", _) => json!({"query": "SELECT * FROM \"seed/table.csv\"", "default": path}),
            ("POST", route, "dry run") if route.ends_with("/revert") => json!({"revision": "HEAD", "dry_run": true}),
            ("POST", route, _) if route.ends_with("/revert") => json!({"revision": "HEAD"}),
            // Missing items are not found by callers that may see the dataset.
            ("POST", route, _) if route.ends_with("/restore") => json!({"revision": "no-such"}),
            ("POST", _, _) => json!({"name": format!("new-{name}")}),
            ("PATCH", TAG, _) => json!({"description": "described"}),
            ("PATCH", BRANCH, "renamed") => json!({"name": format!("{name}-renamed")}),
            ("PATCH", BRANCH, _) => json!({"default": true}),
            ("PUT", STAR, _) => Value::Null,
            ("PUT", _, _) => json!({"patterns": []}),
            _ => Value::Null,
        };
        let shown = if method == "GET" { "seed" } else { name };
        let url = url.replace("{revision}", "HEAD").replace("{tag}", shown).replace("{branch}", shown);
        let url = url.replace("{derivation}", "01920000-0000-7000-8000-000000000000");
        let is_table = route.contains("/rows/") || route.contains("/statistics/");
        let url = url.replace("{*path}", if is_table { "seed/table.csv" } else { "datapackage.json" });
        let url = if route.ends_with("/diff/rows") { url + "?table=seed/table.csv&from=HEAD" } else { url };
        let url = if route.ends_with("/search") { url + "?q=seed" } else { url };
        let url = if variant == "starred" { url + "?starred=true" } else { url };
        if body.is_null() { self.server.request(method, &url, token) } else { self.json(method, &url, token, &body) }
    }

    /// Something to show in each dataset.
    pub(super) async fn seed(&self, path: &str) {
        let keeper = Some(self.keeper.token.as_str());
        let url = format!("{DATASETS}/{path}");
        for body in [json!({"package": {"name": "seed"}}), json!({"package": {"name": "seed", "title": "Seed"}})] {
            assert_eq!(Reply::of(self.json("PUT", &url, keeper, &body)).await.status, 200);
        }
        for folder in ["tags", "branches"] {
            let made = self.json("POST", &format!("{url}/{folder}"), keeper, &json!({"name": "seed"}));
            assert_eq!(Reply::of(made).await.status, 201);
        }
    }

    fn json(&self, method: &str, url: &str, token: Option<&str>, body: &Value) -> RequestBuilder {
        self.server.request(method, url, token).header("content-type", "application/json").body(body.to_string())
    }
}
