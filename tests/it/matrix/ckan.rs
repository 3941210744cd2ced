//! Requests of CKAN's clients: the same table, kept apart for its length.

use reqwest::RequestBuilder;
use rutter_testing::Reply;
use serde_json::{Value, json};

use super::{Sample, World};

/// Method, route, variant.
pub(super) const SAMPLES: &[Sample] = &[
    ("GET", "/api/3/action/help_show", ""),
    ("POST", "/api/3/action/authz_authorize", ""),
    ("GET", "/api/3/action/authz_verify", ""),
    ("POST", "/api/3/action/authz_verify", ""),
    ("GET", "/api/3/action/authz_public_key", ""),
    ("POST", "/api/3/action/authz_public_key", ""),
    ("GET", "/authz/public_key", ""),
    ("GET", "/api/3/action/package_show", ""),
    ("POST", "/api/3/action/package_show", ""),
    ("POST", "/api/3/action/package_create", "in an organisation"),
    ("POST", "/api/3/action/package_update", ""),
    ("POST", "/api/3/action/dataset_revert", ""),
    ("GET", "/api/3/action/resource_show", ""),
    ("POST", "/api/3/action/resource_show", ""),
    ("POST", "/api/3/action/resource_create", ""),
    ("POST", "/api/3/action/resource_update", ""),
    ("POST", "/api/3/action/resource_delete", ""),
    ("GET", "/api/3/action/get_resource_download_spec", ""),
    ("POST", "/api/3/action/get_resource_download_spec", ""),
    ("POST", "/api/3/action/dataset_release_create", ""),
    ("POST", "/api/3/action/dataset_release_update", ""),
    ("GET", "/api/3/action/dataset_release_list", ""),
    ("POST", "/api/3/action/dataset_release_list", ""),
    ("GET", "/api/3/action/dataset_release_show", ""),
    ("POST", "/api/3/action/dataset_release_show", ""),
    ("POST", "/api/3/action/dataset_release_delete", ""),
    ("GET", "/api/3/action/dataset_release_diff", ""),
    ("POST", "/api/3/action/dataset_release_diff", ""),
    ("GET", "/dataset/{package}/resource/{resource}/download", ""),
    ("GET", "/dataset/{package}/resource/{resource}/download/{filename}", ""),
];

/// Whether it is one of these routes.
pub(super) fn has(route: &str) -> bool {
    SAMPLES.iter().any(|(_, own, _)| *own == route)
}

/// The id of a resource of this dataset.
fn seed(path: &str) -> String {
    path.replace('/', "-")
}

impl World {
    /// What such a request needs before it: by the keeper, so that everybody meets the same.
    pub(super) async fn prepare_ckan(&self, path: &str, (method, route, _): Sample, name: &str) {
        let action = route.rsplit('/').next().unwrap();
        let made = match action {
            "dataset_release_update" | "dataset_release_delete" => {
                self.act(Some(&self.keeper.token), "dataset_release_create", &json!({"dataset": path, "name": name}))
            }
            "resource_update" | "resource_delete" => self.new_resource(path, name),
            _ if method == "GET" || matches!(action, "resource_show" | "get_resource_download_spec") => {
                return self.seed_ckan(path).await;
            }
            _ => return,
        };
        assert_eq!(Reply::of(made).await.status, 200, "{route}");
    }

    /// A resource in each dataset, which others may have taken away.
    pub(super) async fn seed_ckan(&self, path: &str) {
        let reply = Reply::of(self.new_resource(path, &seed(path))).await;
        assert!(matches!(reply.status, 200 | 409), "{}", reply.text());
    }

    fn new_resource(&self, path: &str, id: &str) -> RequestBuilder {
        let body = json!({"package_id": path, "id": id, "name": id, "url": "https://example.org"});
        self.act(Some(&self.keeper.token), "resource_create", &body)
    }

    /// The request itself; `name` is unique.
    pub(super) fn of_ckan(&self, token: Option<&str>, path: &str, sample: Sample, name: &str) -> RequestBuilder {
        let (method, route, _) = sample;
        if !route.starts_with("/api/") {
            let url = route.replace("{package}", &path.replace('/', "%2F"));
            let url = url.replace("{resource}", &seed(path)).replace("{filename}", "file.csv");
            return self.server.request(method, &url, token);
        }
        let action = route.rsplit('/').next().unwrap();
        let body = match action {
            "help_show" => json!({"name": "help_show"}),
            "authz_authorize" => json!({"scopes": format!("obj:{path}/*:read,write")}),
            "authz_verify" => json!({"token": "none"}),
            "authz_public_key" => json!({}),
            "package_show" => json!({"id": path}),
            "package_create" => json!({"name": format!("ckan-{name}"), "owner_org": "org"}),
            "package_update" => json!({"id": path, "title": name}),
            "dataset_revert" => json!({"dataset": path, "revision_ref": "HEAD"}),
            "resource_create" => json!({"package_id": path, "name": name, "url": "https://example.org"}),
            "resource_update" => json!({"id": name, "name": name, "url": "https://example.org/2"}),
            "resource_delete" => json!({"id": name}),
            "resource_show" | "get_resource_download_spec" => json!({"id": seed(path)}),
            "dataset_release_create" => json!({"dataset": path, "name": name}),
            "dataset_release_update" => json!({"dataset": path, "release": name, "name": format!("{name}-2")}),
            "dataset_release_delete" => json!({"dataset": path, "release": name}),
            "dataset_release_list" => json!({"dataset": path}),
            "dataset_release_show" => json!({"dataset": path, "release": "seed"}),
            "dataset_release_diff" => json!({"id": path, "revision_ref_1": "seed", "revision_ref_2": "current"}),
            unknown => panic!("{unknown:?} has no sample request: add one"),
        };
        if method == "POST" {
            return self.act(token, action, &body);
        }
        let fields = body.as_object().unwrap().iter().map(|(key, value)| (key, value.as_str().unwrap()));
        let query = fields.map(|(key, value)| format!("{key}={}", value.replace('/', "%2F"))).collect::<Vec<_>>();
        self.server.request(method, &format!("{route}?{}", query.join("&")), token)
    }

    fn act(&self, token: Option<&str>, action: &str, body: &Value) -> RequestBuilder {
        let request = self.server.request("POST", &format!("/api/3/action/{action}"), token);
        request.header("content-type", "application/json").body(body.to_string())
    }
}
