//! An identity provider of which tests decide every answer: OpenID Connect, and GitHub. Its ID tokens are signed by a
//! rutter, like those of any provider.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::Body;
use axum::extract::{RawForm, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use rutter::config::{ProviderKind, SignInProvider};
use rutter_testing::Server;
use serde_json::{Value, json};

pub(super) const CLIENT: &str = "drive";
pub(super) const SECRET: &str = "a secret of the provider";

/// How the provider answers.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer {
    Normal,
    /// Without an end, slowly.
    Huge,
    /// After the timeout of the caller.
    Late,
    /// With a redirect to another URL of the provider.
    Redirect,
    Failure,
}

pub(super) struct Script {
    /// The endpoint that does not answer normally, and how.
    pub(super) answer: (&'static str, Answer),
    /// Claims of the next ID token; null for a token that is not sent.
    pub(super) claims: Value,
    /// An ID token to send as it is.
    pub(super) token: Option<String>,
    /// The response of the `UserInfo` endpoint.
    pub(super) user_info: Value,
    /// The GitHub user and the addresses.
    pub(super) github: (Value, Value),
    /// Forms that were posted to the token endpoint.
    pub(super) posted: Vec<Vec<(String, String)>>,
    /// URLs that were requested, in order.
    pub(super) requested: Vec<String>,
}

#[derive(Clone)]
pub(super) struct Provider {
    pub(super) url: String,
    pub(super) script: Arc<Mutex<Script>>,
    /// Signs ID tokens, and publishes the keys.
    signer: Arc<Server>,
    folder: Arc<tempfile::TempDir>,
}

impl Provider {
    pub(super) async fn start(signer: Arc<Server>) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let script = Script {
            answer: ("", Answer::Normal),
            claims: json!({}),
            token: None,
            user_info: Value::Null,
            github: (Value::Null, Value::Null),
            posted: Vec::new(),
            requested: Vec::new(),
        };
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("secret"), format!("{SECRET}\n")).unwrap();
        let provider = Self {
            url: format!("http://{}", listener.local_addr().unwrap()),
            script: Arc::new(Mutex::new(script)),
            signer,
            folder: Arc::new(folder),
        };
        let router = Router::new()
            .route("/.well-known/openid-configuration", get(discovery))
            .route("/keys", get(keys))
            .route("/token", post(token))
            .route("/userinfo", get(user_info))
            .route("/login/oauth/access_token", post(github_token))
            .route("/api/v3/user", get(github_user))
            .route("/api/v3/user/emails", get(github_emails))
            .with_state(provider.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        provider
    }

    /// The configuration of this provider.
    pub(super) fn config(&self, name: &str, kind: ProviderKind) -> SignInProvider {
        SignInProvider {
            name: name.to_owned(),
            label: Some("Example".into()),
            kind,
            issuer: Some(self.url.clone()),
            client_id: CLIENT.to_owned(),
            client_secret_file: Some(self.folder.path().join("secret")),
            scopes: Vec::new(),
            allowed_domains: vec!["example.com".into()],
            create: true,
        }
    }

    pub(super) fn script<T>(&self, change: impl FnOnce(&mut Script) -> T) -> T {
        change(&mut self.script.lock().unwrap())
    }

    /// Claims that a client accepts, for a user with this address.
    pub(super) fn claims(&self, subject: &str, email: &str, nonce: &str) -> Value {
        let now = self.signer.clock.now().seconds();
        json!({
            "iss": self.url, "sub": subject, "aud": CLIENT, "iat": now, "exp": now + 86_400, "nonce": nonce,
            "email": email, "email_verified": true, "preferred_username": subject, "name": "A Name",
        })
    }

    /// Signs claims.
    pub(super) async fn sign(&self, claims: Value) -> String {
        self.signer.app.access.sign_claims("JWT", claims).await.unwrap()
    }

    /// Answers a request as the script says.
    async fn answer(&self, url: &'static str, body: Value) -> Response {
        let (at, how) = self.script(|script| {
            script.requested.push(url.to_owned());
            script.answer
        });
        match how {
            _ if at != url => Json(body).into_response(),
            Answer::Normal => Json(body).into_response(),
            Answer::Huge => {
                let chunks = futures::stream::repeat_with(|| Ok::<_, std::io::Error>(vec![b' '; 64 << 10]));
                ([("content-type", "application/json")], Body::from_stream(chunks)).into_response()
            }
            Answer::Late => {
                tokio::time::sleep(Duration::from_secs(20)).await;
                Json(body).into_response()
            }
            Answer::Redirect => {
                (StatusCode::TEMPORARY_REDIRECT, [("location", format!("{}/elsewhere", self.url))]).into_response()
            }
            Answer::Failure => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        }
    }
}

async fn discovery(State(provider): State<Provider>) -> Response {
    let at = |path: &str| format!("{}{path}", provider.url);
    let mut body = json!({
        "issuer": provider.url,
        "authorization_endpoint": at("/authorize"),
        "token_endpoint": at("/token"),
        "userinfo_endpoint": at("/userinfo"),
        "jwks_uri": at("/keys"),
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        // What a careless provider might say.
        "id_token_signing_alg_values_supported": ["RS256", "HS256", "none"],
    });
    if provider.script(|script| script.user_info.is_null()) {
        body.as_object_mut().unwrap().remove("userinfo_endpoint");
    }
    provider.answer("/.well-known/openid-configuration", body).await
}

async fn keys(State(provider): State<Provider>) -> Response {
    let keys = provider.signer.json(None, "GET", "/.well-known/jwks.json", Value::Null).await.1;
    provider.answer("/keys", keys).await
}

fn posted(provider: &Provider, form: &[u8]) {
    let form = form_urlencoded::parse(form).into_owned().collect();
    provider.script(|script| script.posted.push(form));
}

async fn token(State(provider): State<Provider>, RawForm(form): RawForm) -> Response {
    posted(&provider, &form);
    let (claims, token) = provider.script(|script| (script.claims.clone(), script.token.clone()));
    let mut body = json!({"access_token": "access", "token_type": "Bearer", "expires_in": 300});
    if let Some(token) = token {
        body["id_token"] = token.into();
    } else if !claims.is_null() {
        body["id_token"] = provider.sign(claims).await.into();
    }
    provider.answer("/token", body).await
}

async fn user_info(State(provider): State<Provider>, headers: HeaderMap) -> Response {
    if headers.get("authorization").is_none_or(|value| value != "Bearer access") {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let body = provider.script(|script| script.user_info.clone());
    provider.answer("/userinfo", body).await
}

async fn github_token(State(provider): State<Provider>, RawForm(form): RawForm) -> Response {
    posted(&provider, &form);
    let body = json!({"access_token": "gho_access", "token_type": "bearer", "scope": "read:user,user:email"});
    provider.answer("/login/oauth/access_token", body).await
}

/// What GitHub's API requires of a request.
fn is_github_request(headers: &HeaderMap) -> bool {
    headers.contains_key("user-agent") && headers.get("authorization").is_some_and(|value| value == "Bearer gho_access")
}

async fn github_user(State(provider): State<Provider>, headers: HeaderMap) -> Response {
    if !is_github_request(&headers) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let body = provider.script(|script| script.github.0.clone());
    provider.answer("/api/v3/user", body).await
}

async fn github_emails(State(provider): State<Provider>, headers: HeaderMap) -> Response {
    if !is_github_request(&headers) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let body = provider.script(|script| script.github.1.clone());
    provider.answer("/api/v3/user/emails", body).await
}
