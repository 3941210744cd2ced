//! `/links`: whoever has a link opens it.

use axum::Json;
use axum::extract::{FromRequestParts, State};
use axum::http::request::Parts;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse as _, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::routes;

use super::super::Routes;
use super::super::limits::Client;
use super::Body;
use crate::app::App;
use crate::error::{Error, Result};
use crate::share::Door;
use crate::types::{Millis, Secret, ShareKind, ShareRight};

pub(super) fn routes(routes: Routes) -> Routes {
    routes.document(routes!(open))
}

/// A link that somebody has.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Key {
    /// What stands behind the `#` of its URL.
    #[schema(value_type = String, example = "rsl_…")]
    token: Secret,
    /// Its password, if it has one.
    #[schema(value_type = Option<String>)]
    password: Option<Secret>,
}

/// What a link leads to.
#[derive(Serialize, ToSchema)]
struct Opened {
    /// `owner/name` of the dataset.
    dataset: String,
    /// Who owns it.
    owner: String,
    /// The file or folder; empty for the dataset.
    path: String,
    /// What it is.
    r#type: ShareKind,
    /// What it is called: the last part of its path, or the dataset's own name.
    name: String,
    /// What it allows.
    right: ShareRight,
    /// When the link ends (RFC 3339).
    #[schema(format = DateTime)]
    #[serde(skip_serializing_if = "Option::is_none")]
    expires: Option<String>,
    /// To be sent as `Authorization: Bearer` to the drive, for what is behind the link.
    #[schema(example = "rla_…")]
    token: String,
    /// When the token ends (RFC 3339): then the link is opened again.
    #[schema(format = DateTime)]
    token_expires: String,
}

/// A link that is locked.
#[derive(Serialize, ToSchema)]
struct Locked {
    /// Always `true`.
    password_required: bool,
    /// For people.
    detail: String,
}

/// Opens a link.
#[utoipa::path(post, path = "/api/v1/links/open", tag = "shares", request_body = Key,
    responses((status = 200, description = "What it leads to.", body = Opened),
              (status = 401, description = "It needs a password, or another one.", body = Locked,
               content_type = "application/problem+json")))]
async fn open(State(app): State<App>, guesser: Guesser, Body(key): Body<Key>) -> Result<Response> {
    let (client, is_try) = (guesser.0, key.password.is_some());
    let mut guess = None;
    let try_it = || -> Result<()> {
        guess = client.as_ref().map(|client| client.guess_from_here(key.token.expose())).transpose()?;
        Ok(())
    };
    match app.shares.open(&key.token, key.password, try_it).await? {
        Door::Open(share, bearer, ends) => {
            if let Some(guess) = guess {
                guess.forget();
            }
            let name = share.path.rsplit('/').next().filter(|name| !name.is_empty());
            let mut response = Json(Opened {
                dataset: format!("{}/{}", share.owner_name, share.dataset_name),
                name: name.unwrap_or(&share.dataset_name).to_owned(),
                owner: share.owner_name,
                r#type: share.kind,
                right: share.right,
                expires: share.expires_at.map(Millis::rfc3339),
                path: share.path.clone(),
                token: bearer.expose().to_owned(),
                token_expires: ends.rfc3339(),
            })
            .into_response();
            response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
            Ok(response)
        }
        Door::Locked => {
            Ok(locked(if is_try { "this is not the password of the link" } else { "this link has a password" }))
        }
    }
}

/// 401 with a word for programs. Not the challenge of other answers: a browser would ask for a name.
fn locked(detail: &str) -> Response {
    let (mut head, _) = Error::unauthenticated(detail).into_response().into_parts();
    head.headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"rutter\""));
    let body = serde_json::json!({
        "type": "about:blank",
        "title": "Unauthorized",
        "status": 401,
        "code": "unauthenticated",
        "detail": detail,
        "request_id": crate::request::id(),
        "password_required": true,
    });
    Response::from_parts(head, body.to_string().into())
}

/// Where a guess comes from, if that is known.
struct Guesser(Option<Client>);

impl FromRequestParts<App> for Guesser {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self> {
        Ok(Self(parts.extensions.get::<Client>().cloned()))
    }
}
