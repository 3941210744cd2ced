//! Dynamic client registration (RFC 7591): programs register applications with the metadata of the protocol. Off by
//! default; the caller needs a token with all rights of the user that will own the application.

use axum::Json;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;
use serde_json::{Value, json};

use super::failed;
use crate::app::App;
use crate::config::Registration;
use crate::error::{Error, Kind, Result};
use crate::oauth::clients::{ClientRow, ClientSettings, GRANTS, UncheckedSettings, urls};
use crate::oauth::redirect;
use crate::oauth::{CLIENT_CREDENTIALS, Failure};
use crate::types::Secret;
use crate::web::http::{AuthedActor, read_body};

/// Client metadata (RFC 7591 §2). What is not known here is ignored, as the standard requires.
#[derive(Deserialize)]
struct Metadata {
    #[serde(default)]
    redirect_uris: Vec<String>,
    #[serde(default = "basic")]
    token_endpoint_auth_method: String,
    #[serde(default = "code_grant")]
    grant_types: Vec<String>,
    response_types: Option<Vec<String>>,
    client_name: Option<String>,
    client_uri: Option<String>,
    scope: Option<String>,
    #[serde(default)]
    post_logout_redirect_uris: Vec<String>,
    backchannel_logout_uri: Option<String>,
}

fn basic() -> String {
    "client_secret_basic".to_owned()
}

fn code_grant() -> Vec<String> {
    vec!["authorization_code".to_owned()]
}

/// Scopes of an application that names none: those that every application may have.
const DEFAULT_SCOPES: &str = "openid profile email";

impl Metadata {
    fn settings(self) -> Result<(ClientSettings, bool), Failure> {
        let refuse = |why: String| Failure::new("invalid_client_metadata", why);
        let is_public = match self.token_endpoint_auth_method.as_str() {
            "none" => true,
            "client_secret_basic" | "client_secret_post" => false,
            _ => return Err(refuse("token_endpoint_auth_method must be client_secret_basic, _post or none".into())),
        };
        if self.response_types.is_some_and(|types| types.iter().any(|it| it != "code")) {
            return Err(refuse("response_types must be code".into()));
        }
        if self.grant_types.iter().any(|grant| grant == CLIENT_CREDENTIALS) {
            return Err(refuse(format!("applications with {CLIENT_CREDENTIALS} are registered at /api/v1/clients")));
        }
        let wrong = |urls: &[String]| urls.iter().map(|url| redirect::check(url)).find_map(Result::err);
        if let Some(error) = wrong(&self.redirect_uris) {
            return Err(Failure::new("invalid_redirect_uri", error.detail()));
        }
        // A program that registers itself may have no better name.
        let host = self.redirect_uris.first().and_then(|url| url.split('/').nth(2)).unwrap_or_default().to_owned();
        let scopes = self.scope.as_deref().unwrap_or(DEFAULT_SCOPES);
        let settings = ClientSettings::new(UncheckedSettings {
            name: self.client_name.filter(|name| !name.is_empty()).unwrap_or(host),
            home: self.client_uri.unwrap_or_default(),
            redirects: self.redirect_uris,
            // Those that are not supported are left out of the response, too (RFC 7591 §3.2.1).
            grants: self.grant_types.into_iter().filter(|grant| GRANTS.contains(&grant.as_str())).collect(),
            scopes: scopes.split_ascii_whitespace().map(str::to_owned).collect(),
            logout_redirects: self.post_logout_redirect_uris,
            logout_url: self.backchannel_logout_uri.unwrap_or_default(),
            ..UncheckedSettings::default()
        });
        Ok((settings.map_err(in_protocol)?, is_public))
    }
}

/// Returns an error about metadata in the words of the protocol.
fn in_protocol(error: Error) -> Failure {
    match error.kind() {
        Kind::Invalid => Failure::new("invalid_client_metadata", error.detail()),
        _ => Failure::Server(error),
    }
}

/// Registers an application of the caller.
pub(super) async fn register(State(app): State<App>, caller: AuthedActor, request: Request) -> Result<Response> {
    if app.config.oauth.registration == Registration::Off {
        return Err(Error::forbidden(
            "dynamic registration is off: register the application in the account, or ask the operator to set \
             oauth.registration = \"token\"",
        ));
    }
    let developers = app.config.oauth.developers;
    let grant = app.access.authorize_registration(&caller.actor, None, developers).await?;
    let body = read_body(&app, request).await?;
    let read = serde_json::from_slice::<Metadata>(&body)
        .map_err(|error| Failure::new("invalid_client_metadata", error.to_string()));
    let (settings, is_public) = match read.and_then(Metadata::settings) {
        Ok(checked) => checked,
        Err(failure) => return Ok(failed(failure, false)),
    };
    let (row, secret) = match app.oauth.register(&grant, settings, None, is_public).await {
        Ok(made) => made,
        Err(error) => return Ok(failed(in_protocol(error), false)),
    };
    Ok((StatusCode::CREATED, Json(described(&row, secret.as_ref())?)).into_response())
}

/// Returns the response of RFC 7591 §3.2.1.
fn described(row: &ClientRow, secret: Option<&Secret>) -> Result<Value> {
    let mut described = json!({
        "client_id": row.id.to_string(),
        "client_id_issued_at": row.created_at.seconds(),
        "client_name": row.name,
        "redirect_uris": urls(&row.redirects)?,
        "grant_types": row.grants.split_ascii_whitespace().collect::<Vec<_>>(),
        "response_types": ["code"],
        "scope": row.scopes,
        "post_logout_redirect_uris": urls(&row.logout_redirects)?,
        "token_endpoint_auth_method": if secret.is_some() { "client_secret_basic" } else { "none" },
    });
    if let Some(secret) = secret {
        described["client_secret"] = json!(secret.expose());
        // Never.
        described["client_secret_expires_at"] = json!(0);
    }
    if !row.home.is_empty() {
        described["client_uri"] = json!(row.home);
    }
    if let Some(url) = &row.logout_url {
        described["backchannel_logout_uri"] = json!(url);
    }
    Ok(described)
}
