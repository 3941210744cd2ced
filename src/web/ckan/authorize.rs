//! Authorization tokens for storage servers, as in ckanext-authz-service.

use axum::extract::State;
use axum::http::{Method, header};
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use serde_json::{Value, json};

use super::action::{ActionRequest, Answer, Failure, done};
use crate::access::scopes::{Granted, Scope};
use crate::access::{DatasetGrant, Read};
use crate::app::App;
use crate::datasets::ckan::resource_ids;
use crate::error::{Error, Kind, Result};
use crate::web::http::{AuthedActor, Routes, SIGNATURE_COST};

/// The maximum number of scopes in one token.
const MAX_SCOPES: usize = 100;

pub(super) fn routes(routes: Routes) -> Routes {
    routes
        .add(Method::POST, "/api/3/action/authz_authorize", authorize)
        .add(Method::GET, "/api/3/action/authz_verify", verify)
        .add(Method::POST, "/api/3/action/authz_verify", verify)
        .add(Method::GET, "/api/3/action/authz_public_key", public_key)
        .add(Method::POST, "/api/3/action/authz_public_key", public_key)
}

pub(super) fn key_route(routes: Routes) -> Routes {
    routes.add(Method::GET, "/authz/public_key", pem)
}

async fn authorize(State(app): State<App>, caller: AuthedActor, asked: ActionRequest) -> Answer {
    let requested = scopes(&asked).map_err(Failure::of("scopes"))?;
    let longest = app.config.ttl.jwt;
    let lifetime = lifetime(&asked, longest).map_err(Failure::of("lifetime"))?;
    caller.charge(requested.len());
    let mut granted = Vec::new();
    for scope in &requested {
        match app.access.grant_scope(&caller.actor, scope).await? {
            Granted::Nothing => {}
            Granted::Scope(scope) => granted.push(scope),
            Granted::Resource(scope, grant, resource, revision) => {
                granted.extend(of_resource(&app, scope, &grant, &resource, revision.as_deref()).await?);
            }
        }
    }
    let nothing = granted.is_empty() && caller.actor.is_anonymous();
    let (token, ends) = if nothing {
        // No token for anonymous callers: it would not identify anyone, and strangers could make the server sign
        // without limit.
        (None, None)
    } else {
        caller.charge(SIGNATURE_COST);
        let (token, ends) = app.access.issue_to(&caller.actor, &granted, lifetime).await?;
        (Some(token), Some(ends.rfc3339().replace('Z', "+00:00")))
    };
    let said = |scopes: &[Scope]| scopes.iter().map(ToString::to_string).collect::<Vec<_>>();
    let user = caller.actor.user().map(|_| caller.actor.name());
    let result = json!({
        "user_id": user, "token": token, "expires_at": ends,
        "requested_scopes": said(&requested), "granted_scopes": said(&granted),
    });
    Ok(done("authz_authorize", result))
}

fn scopes(asked: &ActionRequest) -> Result<Vec<Scope>> {
    let texts: Vec<&str> = match asked.0.get("scopes") {
        Some(Value::String(text)) => text.split_whitespace().collect(),
        Some(Value::Array(list)) => {
            let texts: Option<Vec<&str>> = list.iter().map(Value::as_str).collect();
            texts.ok_or_else(|| Error::invalid("`scopes` must be a list of strings"))?
        }
        None | Some(Value::Null) => return Err(Error::invalid("Missing value: `scopes`")),
        Some(_) => return Err(Error::invalid("`scopes` must be a list of strings, or one string with spaces")),
    };
    if texts.len() > MAX_SCOPES {
        return Err(Error::invalid(format!("at most {MAX_SCOPES} scopes are allowed per request")));
    }
    texts.into_iter().map(str::parse).collect()
}

/// Returns the requested lifetime, capped at the maximum.
fn lifetime(asked: &ActionRequest, longest: u64) -> Result<u64> {
    let text = match asked.0.get("lifetime") {
        None | Some(Value::Null) => return Ok(longest),
        Some(Value::String(text)) => text.trim().to_owned(),
        Some(other) => other.to_string(),
    };
    let seconds: i128 = text.parse().map_err(|_| Error::invalid("`lifetime` must be a whole number of seconds"))?;
    Ok(u64::try_from(seconds.max(1)).unwrap_or(longest).min(longest))
}

/// Returns the scope of the object behind a resource, or of an object that is named directly. Returns `None` if the
/// resource does not exist.
async fn of_resource(
    app: &App,
    scope: Scope,
    grant: &DatasetGrant<Read>,
    part: &str,
    revision: Option<&str>,
) -> Result<Option<Scope>> {
    if scope.is_object() && revision.is_none() && part.parse::<lfs::Oid>().is_ok() {
        return Ok(Some(scope));
    }
    let versioned = match app.datasets.package(grant, revision).await {
        Ok(versioned) => versioned,
        Err(error) if matches!(error.kind(), Kind::NotFound | Kind::Invalid) => return Ok(None),
        Err(error) => return Err(error),
    };
    let package = versioned.package.unwrap_or_default();
    let ids = resource_ids(grant.id(), &package);
    let resources = package.get("resources").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let named = |resource: &Value| resource.get("name").and_then(Value::as_str) == Some(part);
    let place = ids.iter().position(|id| id == part).or_else(|| resources.iter().position(named));
    let Some(resource) = place.and_then(|place| resources.get(place)) else { return Ok(None) };
    if !scope.is_object() {
        return Ok(Some(scope));
    }
    let oid = resource.get("sha256").and_then(Value::as_str).map(str::to_ascii_lowercase);
    let oid = oid.filter(|oid| oid.parse::<lfs::Oid>().is_ok());
    Ok(oid.map(|oid| scope.of_object(&grant.full_name(), &oid)))
}

async fn verify(State(app): State<App>, asked: ActionRequest) -> Answer {
    let token = asked.required("token")?;
    let strict = asked.switch("strict")?.unwrap_or(true);
    let mut result = match app.access.examine(token).await? {
        Ok(()) => json!({ "verified": true, "payload": payload(token) }),
        Err(message) => json!({ "verified": false, "message": message }),
    };
    if !strict && let Some(payload) = payload(token) {
        result["payload"] = payload;
    }
    Ok(done("authz_verify", result))
}

/// Returns the claims of a token without verifying it (RFC 7519 §3).
fn payload(token: &str) -> Option<Value> {
    let claims = BASE64.decode(token.split('.').nth(1)?).ok()?;
    serde_json::from_slice(&claims).ok()
}

async fn public_key(State(app): State<App>, _asked: ActionRequest) -> Answer {
    Ok(done("authz_public_key", json!({ "public_key": app.access.keys().ours().public_pem()? })))
}

async fn pem(State(app): State<App>) -> Result<Response> {
    let headers = [(header::CONTENT_TYPE, "application/x-pem-file"), (header::CACHE_CONTROL, "public, max-age=300")];
    Ok((headers, app.access.keys().ours().public_pem()?).into_response())
}
