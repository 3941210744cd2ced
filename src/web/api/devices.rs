//! `/api/v1/oauth/devices`: what programs without a browser ask of users.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

use super::common::{Body, RequestClient};
use super::consents::{OAuthDecision, chosen};
use crate::access::SessionGrant;
use crate::app::App;
use crate::error::{Kind, Result};
use crate::oauth::device::DeviceAsked;
use crate::web::http::{AuthedActor, Routes, Segments, routes};

pub(super) fn routes(routes: Routes) -> Routes {
    routes.document(routes!(show_device_request, answer_device_request))
}

/// What a program on another device asks of the user.
#[derive(Serialize, ToSchema)]
struct DeviceRequest {
    /// The name of the application.
    name: String,
    /// The user or organisation that registered it; null for one of this server.
    owner: Option<String>,
    /// The URL of its home page, if set.
    home: Option<String>,
    /// The scopes that it asks for.
    scopes: Vec<String>,
    /// The user agent of the program that asks.
    agent: String,
    /// The IP address of the program that asks.
    address: String,
    /// The user that is asked.
    user: String,
}

/// Returns the request with this code. Wrong codes are counted, and limited.
async fn find(app: &App, client: RequestClient, code: &str) -> Result<DeviceAsked> {
    let guess = client.0.map(|client| client.guess_from_here("device codes")).transpose()?;
    let found = app.oauth.device_asked(code).await;
    match (guess, &found) {
        (Some(guess), Ok(_)) => guess.forget(),
        (Some(guess), Err(error)) if error.kind() != Kind::NotFound => guess.forget(),
        (_, Ok(_) | Err(_)) => {}
    }
    found
}

/// Returns what the program that shows this code asks.
#[utoipa::path(get, path = "/api/v1/oauth/devices/{code}", tag = "applications",
    params(("code" = String, Path, description = "The code that the program shows.")),
    responses((status = 200, description = "What is asked.", body = DeviceRequest)))]
async fn show_device_request(
    State(app): State<App>,
    client: RequestClient,
    seat: SessionGrant,
    segments: Segments,
) -> Result<Json<DeviceRequest>> {
    let asked = find(&app, client, segments.get("code")).await?;
    Ok(Json(DeviceRequest {
        name: asked.client.name,
        owner: Some(asked.client.owner).filter(|owner| !owner.is_empty()),
        home: Some(asked.client.home).filter(|home| !home.is_empty()),
        scopes: asked.scopes.names().into_iter().map(str::to_owned).collect(),
        agent: asked.agent,
        address: asked.address,
        user: seat.holder().name().to_owned(),
    }))
}

/// Allows or refuses the program that shows this code.
#[utoipa::path(post, path = "/api/v1/oauth/devices/{code}", tag = "applications", request_body = OAuthDecision,
    params(("code" = String, Path, description = "The code that the program shows.")),
    responses((status = 204, description = "The program gets the answer.")))]
async fn answer_device_request(
    State(app): State<App>,
    client: RequestClient,
    caller: AuthedActor,
    seat: SessionGrant,
    segments: Segments,
    Body(decision): Body<OAuthDecision>,
) -> Result<StatusCode> {
    let code = segments.get("code");
    find(&app, client, code).await?;
    let paths = decision.allow.then(|| chosen(&decision.paths)).transpose()?;
    app.oauth.answer_device(&caller.actor, &seat, code, paths.as_deref()).await?;
    Ok(StatusCode::NO_CONTENT)
}
