//! Requests of the OAuth provider, and about applications.

use reqwest::RequestBuilder;
use serde_json::{Value, json};

use super::{Sample, World};

/// Method, route, variant.
pub(super) const SAMPLES: &[Sample] = &[
    ("GET", "/.well-known/openid-configuration", ""),
    ("GET", "/.well-known/oauth-authorization-server", ""),
    ("GET", "/oauth/authorize", "of an unknown application"),
    ("POST", "/oauth/authorize", ""),
    ("POST", "/oauth/token", "of an unknown application"),
    ("POST", "/oauth/revoke", "of an unknown application"),
    ("POST", "/oauth/introspect", "of an unknown application"),
    ("POST", "/oauth/device_authorization", "of an unknown application"),
    ("POST", "/oauth/register", ""),
    ("GET", "/oauth/logout", ""),
    ("POST", "/oauth/logout", ""),
    ("GET", "/oauth/userinfo", ""),
    ("POST", "/oauth/userinfo", ""),
    ("GET", "/oauth/openid-connect/userinfo", ""),
    ("GET", "/oauth/basic/{client}", "of an unknown application"),
    ("GET", CLIENTS, ""),
    ("POST", CLIENTS, ""),
    ("GET", CLIENT, "of another user"),
    ("PATCH", CLIENT, "of another user"),
    ("DELETE", CLIENT, "of another user"),
    ("POST", "/api/v1/clients/{client}/secret", "of another user"),
    ("GET", "/api/v1/clients/{client}/config", "of another user"),
    ("GET", REQUEST, "forged link"),
    ("POST", REQUEST, "forged link"),
    ("GET", "/api/v1/user/consents", ""),
    ("PUT", "/api/v1/user/consents/{client}", "that is not connected"),
    ("DELETE", "/api/v1/user/consents/{client}", "that is not connected"),
    ("GET", DEVICE, "forged link"),
    ("POST", DEVICE, "forged link"),
    ("GET", "/api/v1/oauth/paths", ""),
];

const CLIENTS: &str = "/api/v1/clients";
const CLIENT: &str = "/api/v1/clients/{client}";
const DEVICE: &str = "/api/v1/oauth/devices/{code}";
const REQUEST: &str = "/api/v1/oauth/requests/{ticket}";

/// Whether it is one of these routes.
pub(super) fn has(route: &str) -> bool {
    SAMPLES.iter().any(|(_, known, _)| *known == route)
}

impl World {
    /// The request itself.
    pub(super) fn of_oauth(&self, token: Option<&str>, (method, route, _): Sample, name: &str) -> RequestBuilder {
        let url = route
            .replace("{client}", "018f0000-0000-7000-8000-000000000000")
            .replace("{ticket}", "ror_forged")
            .replace("{code}", "BCDF-BCDF");
        let request = self.server.request(method, &url, token);
        if method == "POST" && route.starts_with("/oauth/") {
            return request.header("content-type", "application/x-www-form-urlencoded").body("grant_type=x&token=x");
        }
        let body = match (method, route) {
            ("POST", CLIENTS) => {
                json!({"name": name, "redirects": ["https://app.example.org/"], "scopes": ["openid"]})
            }
            ("PATCH", CLIENT) => json!({"name": name}),
            ("PUT", _) => json!({"scopes": ["openid"]}),
            ("POST", REQUEST | DEVICE) => json!({"allow": true}),
            _ => Value::Null,
        };
        if body.is_null() { request } else { request.header("content-type", "application/json").body(body.to_string()) }
    }
}
