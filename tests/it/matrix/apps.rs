//! Requests about apps: the same table, kept apart for its length. This server has no apps, so the answer to those who may
//! ask is 404 or 409.

use reqwest::RequestBuilder;
use serde_json::json;

use super::{Sample, World};

pub(super) const SAMPLES: &[Sample] = &[
    ("GET", "/apps/open", ""),
    ("GET", "/api/v1/catalogue", ""),
    ("GET", "/api/v1/catalogue/{app}", "unknown"),
    ("GET", "/api/v1/images/digest", ""),
    ("PUT", "/api/v1/admin/catalogue/{app}", ""),
    ("DELETE", "/api/v1/admin/catalogue/{app}", "unknown"),
    ("GET", "/api/v1/apps", ""),
    ("POST", "/api/v1/apps/{owner}", "for the organisation"),
    ("GET", APP, "unknown"),
    ("PATCH", APP, "unknown"),
    ("DELETE", APP, "unknown"),
    ("PUT", "/api/v1/apps/{owner}/{name}/wanted", "unknown"),
    ("GET", "/api/v1/apps/{owner}/{name}/logs", "unknown"),
    ("POST", "/api/v1/apps/{owner}/{name}/open", "unknown"),
    ("GET", "/api/v1/apps/{owner}/{name}/config", "unknown"),
    ("POST", "/api/v1/apps/{owner}/{name}/password", "unknown"),
    ("GET", "/api/v1/volumes", ""),
    ("DELETE", "/api/v1/volumes/{id}", "unknown"),
    ("GET", "/api/v1/admin/apps", ""),
    ("POST", "/api/v1/admin/apps/stop", ""),
    ("POST", "/api/upc/service_request", ""),
    ("POST", "/api/upc/pause", ""),
    ("POST", "/api/upc/unpause", ""),
    ("POST", "/api/upc/kill", ""),
    ("POST", "/api/upc/clear_containers", ""),
    ("POST", "/api/upc/setup_networks", ""),
];

const APP: &str = "/api/v1/apps/{owner}/{name}";

pub(super) fn has(route: &str) -> bool {
    SAMPLES.iter().any(|(_, known, _)| *known == route)
}

impl World {
    pub(super) fn of_apps(&self, token: Option<&str>, (method, route, _): Sample, unique: &str) -> RequestBuilder {
        let url = route
            .replace("{owner}", "org")
            .replace("{name}", "nothing")
            .replace("{app}", &format!("app-{unique}"))
            .replace("{id}", "01900000-0000-7000-8000-000000000000");
        let body = match (method, route) {
            ("PUT", "/api/v1/admin/catalogue/{app}") => {
                let manifest = format!("name = \"app-{unique}\"\ntitle = \"An app\"\nimage = \"notes:1\"");
                Some(json!({ "manifest": manifest }))
            }
            ("POST", "/api/v1/apps/{owner}") => Some(json!({ "app": "unknown" })),
            ("PATCH", _) => Some(json!({ "keep_running": true })),
            ("PUT", _) => Some(json!({ "wanted": "running" })),
            ("POST", "/api/v1/apps/{owner}/{name}/open") => {
                Some(json!({ "dataset": "org/public", "path": "", "right": "view" }))
            }
            ("POST", "/api/upc/service_request") => Some(json!({ "service": "unknown" })),
            ("POST", url) if url.starts_with("/api/upc/") => Some(json!({ "address": "http://nothing.localhost" })),
            _ => None,
        };
        let url = match route {
            "/apps/open" => format!("{url}?to=http%3A%2F%2Fnothing.localhost"),
            "/api/v1/images/digest" => format!("{url}?image=notes%3A1"),
            _ => url,
        };
        let request = self.server.request(method, &url, token);
        match body {
            Some(body) => request.header("content-type", "application/json").body(body.to_string()),
            None => request,
        }
    }
}
