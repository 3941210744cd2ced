//! `/api/v1/oauth/requests` and `/api/v1/user/consents`: what users allow applications.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::routes;

use super::common::{Body, Items, known_id};
use crate::access::{AccountGrant, SessionGrant};
use crate::app::App;
use crate::error::Result;
use crate::oauth::consent::ConsentRow;
use crate::types::Secret;
use crate::web::http::{Routes, Segments};

pub(super) fn routes(routes: Routes) -> Routes {
    routes
        .document(routes!(show_oauth_request, answer_oauth_request))
        .document(routes!(list_consents))
        .document(routes!(revoke_consent))
}

/// What an application asks of the user.
#[derive(Serialize, ToSchema)]
struct OAuthRequest {
    /// The name of the application.
    name: String,
    /// The user or organisation that registered it.
    owner: String,
    /// The URL of its home page, if set.
    home: Option<String>,
    /// The scopes that it asks for.
    scopes: Vec<String>,
    /// The URL that the browser returns to.
    returns_to: String,
    /// The user that is asked.
    user: String,
}

/// The answer of the user.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct OAuthDecision {
    /// True to allow everything that is asked; false to refuse.
    allow: bool,
}

/// Where the browser goes next.
#[derive(Serialize, ToSchema)]
struct OAuthReturn {
    /// The URL of the application.
    location: String,
}

/// An application that is connected to the account.
#[derive(Serialize, ToSchema)]
struct ConnectedApp {
    /// The client id.
    client: String,
    /// The name of the application.
    name: String,
    /// The user or organisation that registered it.
    owner: String,
    /// The scopes that the user allowed.
    scopes: Vec<String>,
    /// When the user allowed them last (RFC 3339).
    #[schema(format = DateTime)]
    changed: String,
}

impl From<ConsentRow> for ConnectedApp {
    fn from(row: ConsentRow) -> Self {
        Self {
            client: row.client_id.to_string(),
            name: row.client,
            owner: row.owner,
            scopes: row.scopes.split_ascii_whitespace().map(str::to_owned).collect(),
            changed: row.changed_at.rfc3339(),
        }
    }
}

/// Returns what an application asks. Requires the browser session that began the request.
#[utoipa::path(get, path = "/api/v1/oauth/requests/{ticket}", tag = "applications",
    params(("ticket" = String, Path, description = "The ticket in the URL of the consent page.")),
    responses((status = 200, description = "What is asked.", body = OAuthRequest)))]
async fn show_oauth_request(
    State(app): State<App>,
    seat: SessionGrant,
    segments: Segments,
) -> Result<Json<OAuthRequest>> {
    let asked = app.oauth.asked(&seat, &Secret::new(segments.get("ticket").to_owned())).await?;
    Ok(Json(OAuthRequest {
        name: asked.client.name,
        owner: asked.client.owner,
        home: Some(asked.client.home).filter(|home| !home.is_empty()),
        scopes: asked.scopes.names().into_iter().map(str::to_owned).collect(),
        returns_to: asked.returns_to,
        user: seat.holder().name().to_owned(),
    }))
}

/// Answers an application. Requires the browser session that began the request.
#[utoipa::path(post, path = "/api/v1/oauth/requests/{ticket}", tag = "applications", request_body = OAuthDecision,
    params(("ticket" = String, Path, description = "The ticket in the URL of the consent page.")),
    responses((status = 200, description = "Where the browser goes next.", body = OAuthReturn)))]
async fn answer_oauth_request(
    State(app): State<App>,
    seat: SessionGrant,
    segments: Segments,
    Body(decision): Body<OAuthDecision>,
) -> Result<Json<OAuthReturn>> {
    let ticket = Secret::new(segments.get("ticket").to_owned());
    Ok(Json(OAuthReturn { location: app.oauth.answer(&seat, &ticket, decision.allow).await? }))
}

/// Lists the applications that are connected to the caller's account.
#[utoipa::path(get, path = "/api/v1/user/consents", tag = "applications",
    responses((status = 200, description = "The applications.", body = Items<ConnectedApp>)))]
async fn list_consents(State(app): State<App>, holder: AccountGrant) -> Result<Json<Items<ConnectedApp>>> {
    let items = app.oauth.consents(&holder).await?.into_iter().map(ConnectedApp::from).collect();
    Ok(Json(Items { items, next_cursor: None }))
}

/// Disconnects an application from the caller's account. All of its tokens for this user end.
#[utoipa::path(delete, path = "/api/v1/user/consents/{client}", tag = "applications",
    params(("client" = String, Path, description = "The client id.")),
    responses((status = 204, description = "The application was disconnected.")))]
async fn revoke_consent(State(app): State<App>, holder: AccountGrant, segments: Segments) -> Result<StatusCode> {
    app.oauth.revoke_consent(&holder, known_id(segments.get("client"))?).await?;
    Ok(StatusCode::NO_CONTENT)
}
