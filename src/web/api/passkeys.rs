//! `/api/v1/user/factors/passkeys`: passkeys (WebAuthn) of the caller's own account; and `/api/v1/session/challenge`, where
//! signing in with one begins. Changes require a browser session that was begun within the last 10 minutes.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::browser::BrowserClient;
use super::common::{Body, created};
use crate::access::FactorChangeGrant;
use crate::accounts::passkeys::{Challenge, PasskeyRow};
use crate::app::App;
use crate::error::{Error, Result};
use crate::types::{Id, Millis, Secret};
use crate::web::http::{Routes, Segments, routes};

pub(super) fn routes(routes: Routes) -> Routes {
    routes.document(routes!(sign_in)).document(routes!(begin)).document(routes!(add)).document(routes!(rename, remove))
}

/// A challenge for a passkey. It is used once, and expires after 10 minutes.
#[derive(Serialize, ToSchema)]
struct PasskeyChallenge {
    /// A one-time token, to be sent with the answer.
    ticket: String,
    /// Options for `navigator.credentials.get()` or `.create()` of the browser, with bytes in base64url (WebAuthn).
    #[schema(value_type = Object)]
    options: Value,
}

impl From<Challenge> for PasskeyChallenge {
    fn from(challenge: Challenge) -> Self {
        Self { ticket: challenge.ticket.expose().to_owned(), options: challenge.options }
    }
}

/// A passkey.
#[derive(Serialize, ToSchema)]
pub(super) struct OnePasskey {
    /// The id of the passkey.
    id: String,
    /// Its name.
    name: String,
    /// When it was registered (RFC 3339).
    #[schema(format = DateTime)]
    created: String,
    /// When the user last signed in with it (RFC 3339); null for never.
    #[schema(format = DateTime)]
    last_used: Option<String>,
}

impl From<PasskeyRow> for OnePasskey {
    fn from(row: PasskeyRow) -> Self {
        Self {
            id: row.id.to_string(),
            name: row.name,
            created: row.created_at.rfc3339(),
            last_used: row.last_used_at.map(Millis::rfc3339),
        }
    }
}

/// A new passkey.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewPasskey {
    /// The token of the challenge.
    #[schema(value_type = String)]
    ticket: Secret,
    /// A name for the passkey; at most 100 characters.
    #[schema(max_length = 100, min_length = 1, example = "laptop")]
    name: String,
    /// The browser's answer, with bytes in base64url.
    #[schema(value_type = Object)]
    credential: Value,
}

/// A new name of a passkey.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct PasskeyName {
    /// The name; at most 100 characters.
    #[schema(max_length = 100, min_length = 1)]
    name: String,
}

/// Begins a sign-in with a passkey, of whichever user. The answer is sent to `POST /api/v1/session`.
#[utoipa::path(post, path = "/api/v1/session/challenge", tag = "accounts", operation_id = "begin_passkey_sign_in",
    responses((status = 200, description = "The challenge.", body = PasskeyChallenge)))]
async fn sign_in(State(app): State<App>, _visitor: BrowserClient) -> Result<Json<PasskeyChallenge>> {
    Ok(Json(app.accounts.begin_passkey_sign_in().await?.into()))
}

/// Begins the registration of a passkey. Requires a browser session begun within the last 10 minutes.
#[utoipa::path(post, path = "/api/v1/user/factors/passkeys/challenge", tag = "accounts", operation_id = "begin_passkey",
    responses((status = 200, description = "The challenge.", body = PasskeyChallenge)))]
async fn begin(State(app): State<App>, grant: FactorChangeGrant) -> Result<Json<PasskeyChallenge>> {
    Ok(Json(app.accounts.begin_passkey(&grant).await?.into()))
}

/// Registers a passkey. Requires a browser session begun within the last 10 minutes.
#[utoipa::path(post, path = "/api/v1/user/factors/passkeys", tag = "accounts", operation_id = "add_passkey",
    request_body = NewPasskey, responses((status = 201, description = "The passkey.", body = OnePasskey)))]
async fn add(State(app): State<App>, grant: FactorChangeGrant, Body(new): Body<NewPasskey>) -> Result<Response> {
    let row = app.accounts.finish_passkey(&grant, &new.ticket, &new.name, new.credential).await?;
    Ok(created(&format!("/api/v1/user/factors/passkeys/{}", row.id), OnePasskey::from(row)))
}

fn id(segments: &Segments) -> Result<Id> {
    segments.get("passkey").parse().map_err(|_| Error::not_found("passkey not found"))
}

/// Renames a passkey. Requires a browser session begun within the last 10 minutes.
#[utoipa::path(patch, path = "/api/v1/user/factors/passkeys/{passkey}", tag = "accounts", operation_id = "rename_passkey",
    params(("passkey" = String, Path, description = "The id of the passkey.")), request_body = PasskeyName,
    responses((status = 204, description = "The passkey was renamed.")))]
async fn rename(
    State(app): State<App>,
    grant: FactorChangeGrant,
    segments: Segments,
    Body(new): Body<PasskeyName>,
) -> Result<StatusCode> {
    app.accounts.rename_passkey(&grant, id(&segments)?, &new.name).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Removes a passkey. Requires a browser session begun within the last 10 minutes.
#[utoipa::path(delete, path = "/api/v1/user/factors/passkeys/{passkey}", tag = "accounts", operation_id = "remove_passkey",
    params(("passkey" = String, Path, description = "The id of the passkey.")),
    responses((status = 204, description = "The passkey was removed."),
        (status = 409, description = "It is the last way to sign in.")))]
async fn remove(State(app): State<App>, grant: FactorChangeGrant, segments: Segments) -> Result<StatusCode> {
    app.accounts.remove_passkey(&grant, id(&segments)?).await?;
    Ok(StatusCode::NO_CONTENT)
}
