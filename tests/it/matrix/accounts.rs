//! Requests about a user's own account.

use reqwest::RequestBuilder;
use serde_json::{Value, json};

use super::{Sample, World};

/// Method, route, variant.
pub(super) const SAMPLES: &[Sample] = &[
    ("GET", SESSION, ""),
    ("POST", SESSION, "with a wrong password"),
    ("DELETE", SESSION, ""),
    ("POST", "/api/v1/accounts", "by invitation only"),
    ("POST", "/api/v1/accounts/verify", "forged link"),
    ("POST", "/api/v1/accounts/reset", ""),
    ("POST", "/api/v1/accounts/reset/confirm", "forged link"),
    ("POST", "/api/v1/accounts/setup", "forged link"),
    ("POST", "/api/v1/accounts/email/confirm", "forged link"),
    ("GET", USER, ""),
    ("PATCH", USER, ""),
    ("DELETE", USER, "with a wrong password"),
    ("PUT", README, ""),
    ("PUT", AVATAR, "that is no image"),
    ("DELETE", AVATAR, ""),
    ("PUT", "/api/v1/user/password", "with a wrong password"),
    ("PUT", "/api/v1/user/email", "with a wrong password"),
    ("GET", USERS, ""),
    ("GET", "/api/v1/user/sessions", ""),
    ("DELETE", "/api/v1/user/sessions", ""),
    ("DELETE", "/api/v1/user/sessions/{session}", "of another user"),
    ("GET", "/api/v1/user/tokens", ""),
    ("POST", "/api/v1/user/tokens", ""),
    ("DELETE", "/api/v1/user/tokens/{token}", "of another user"),
    ("POST", SESSION, "with a forged ticket"),
    ("GET", FACTORS, ""),
    ("POST", "/api/v1/user/factors/totp", ""),
    ("PUT", "/api/v1/user/factors/totp", "with a wrong code"),
    ("DELETE", "/api/v1/user/factors/totp", "while it is off"),
    ("POST", "/api/v1/user/factors/codes", "while it is off"),
    ("POST", "/api/v1/session/challenge", ""),
    ("POST", "/api/v1/user/factors/passkeys/challenge", ""),
    ("POST", "/api/v1/user/factors/passkeys", "with a forged ticket"),
    ("PATCH", PASSKEY, "of another user"),
    ("DELETE", PASSKEY, "of another user"),
    ("GET", "/login/{provider}", "of an unknown provider"),
    ("GET", "/login/{provider}/callback", "of an unknown provider"),
    ("GET", "/api/v1/accounts/external", "without a sign-in"),
    ("POST", "/api/v1/accounts/external", "without a sign-in"),
    ("GET", "/api/v1/user/identities", ""),
    ("POST", IDENTITY, "of an unknown provider"),
    ("DELETE", IDENTITY, "that is not linked"),
];

const SESSION: &str = "/api/v1/session";
const USER: &str = "/api/v1/user";
const README: &str = "/api/v1/user/readme";
const AVATAR: &str = "/api/v1/user/avatar";
const USERS: &str = "/api/v1/users";
const PASSKEY: &str = "/api/v1/user/factors/passkeys/{passkey}";
const IDENTITY: &str = "/api/v1/user/identities/{provider}";
const FACTORS: &str = "/api/v1/user/factors";

/// Whether it is one of these routes.
pub(super) fn has(route: &str) -> bool {
    SAMPLES.iter().any(|(_, known, _)| *known == route)
}

impl World {
    /// A request about one's own account; `name` is unique.
    pub(super) fn of_account(
        &self,
        token: Option<&str>,
        (method, route, variant): Sample,
        name: &str,
    ) -> RequestBuilder {
        let email = format!("{name}@example.org");
        let (link, password) = ("ruk_forged", "correct horse");
        let body = match (method, route) {
            ("POST", SESSION) if variant == "with a forged ticket" => json!({"ticket": link, "code": "123456"}),
            ("PUT", "/api/v1/user/factors/totp") => json!({"code": "wrong"}),
            (
                "POST",
                "/api/v1/user/factors/totp"
                | "/api/v1/user/factors/codes"
                | "/api/v1/session/challenge"
                | "/api/v1/user/factors/passkeys/challenge"
                | IDENTITY,
            ) => Value::Null,
            ("POST", "/api/v1/accounts/external") | ("PATCH", PASSKEY) => json!({"name": name}),
            ("POST", "/api/v1/user/factors/passkeys") => json!({"ticket": link, "name": name, "credential": {}}),
            ("POST", SESSION) => json!({"login": name, "password": password}),
            ("POST", "/api/v1/accounts") => json!({"name": name, "email": email}),
            ("POST", "/api/v1/accounts/reset") => json!({"email": email}),
            ("POST", "/api/v1/accounts/setup") => {
                json!({"token": link, "name": name, "email": email, "password": password})
            }
            ("POST", "/api/v1/accounts/email/confirm") => json!({"token": link}),
            ("POST", "/api/v1/user/tokens") => json!({"name": name, "scopes": ["read"]}),
            ("POST", _) => json!({"token": link, "password": password}),
            ("PATCH", USER) => json!({"display_name": name}),
            ("DELETE", USER) => json!({"password": "wrong"}),
            ("PUT", "/api/v1/user/password") => json!({"current": "wrong", "new": password}),
            ("PUT", README) => json!({"text": name}),
            ("PUT", AVATAR) => Value::Null,
            ("PUT", _) => json!({"email": email, "password": "wrong"}),
            _ => Value::Null,
        };
        let url = route
            .replace("{provider}", "unknown")
            .replace("{passkey}", "018f0000-0000-7000-8000-000000000000")
            .replace("{session}", &self.elsewhere.0)
            .replace("{token}", &self.elsewhere.1);
        let url = if route == USERS { format!("{url}?q=wanda") } else { url };
        let request = self.server.request(method, &url, token);
        if body.is_null() {
            return request;
        }
        request.header("content-type", "application/json").body(body.to_string())
    }

    /// The token of an actor; for a browser, which would be signed out, another session.
    pub(super) async fn sitting(&self, token: Option<&str>, (method, route, _): Sample) -> Option<String> {
        match token {
            Some(token) if (method, route) == ("DELETE", SESSION) && token.starts_with("rus_") => {
                Some(self.server.cookie("bea").await)
            }
            token => token.map(str::to_owned),
        }
    }
}
