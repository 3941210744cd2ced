//! `/api/v1/user/factors`: two-factor authentication of the caller's own account. Changes require a browser session that
//! was begun within the last 10 minutes.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::common::Body;
use crate::access::{FactorChangeGrant, FactorGrant};
use crate::app::App;
use crate::error::Result;
use crate::types::{Millis, Secret};
use crate::web::http::{Routes, routes};

pub(super) fn routes(routes: Routes) -> Routes {
    routes.document(routes!(factors)).document(routes!(begin_totp, confirm_totp, remove_totp)).document(routes!(codes))
}

/// Two-factor authentication of the caller.
#[derive(Serialize, ToSchema)]
struct Factors {
    /// When two-factor authentication was turned on (RFC 3339); null if it is off.
    #[schema(format = DateTime)]
    totp: Option<String>,
    /// The number of unused recovery codes.
    recovery_codes: usize,
    /// True if the site requires two-factor authentication and it is off: the session can do nothing else.
    must_enrol: bool,
    /// True if the caller signed in within the last 10 minutes, and can change these settings.
    fresh: bool,
}

/// A new secret for an authenticator app.
#[derive(Serialize, ToSchema)]
struct NewTotp {
    /// The secret (base32), to type into an app.
    secret: String,
    /// The `otpauth:` URL, to show as a QR code.
    url: String,
}

/// A code.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct FirstCode {
    /// The code that the app shows.
    #[schema(value_type = String, example = "123456")]
    code: Secret,
}

/// New recovery codes, which are shown only once.
#[derive(Serialize, ToSchema)]
struct RecoveryCodes {
    /// The codes; each works once.
    codes: Vec<String>,
}

impl From<Vec<Secret>> for RecoveryCodes {
    fn from(codes: Vec<Secret>) -> Self {
        Self { codes: codes.iter().map(|code| code.expose().to_owned()).collect() }
    }
}

/// Returns the state of two-factor authentication. Requires a browser session.
#[utoipa::path(get, path = "/api/v1/user/factors", tag = "accounts",
    responses((status = 200, description = "The state.", body = Factors)))]
async fn factors(State(app): State<App>, grant: FactorGrant) -> Result<Json<Factors>> {
    let state = app.accounts.factors(&grant).await?;
    Ok(Json(Factors {
        totp: state.since.map(Millis::rfc3339),
        recovery_codes: state.recovery_codes,
        must_enrol: grant.is_required(),
        fresh: grant.is_recent(),
    }))
}

/// Creates a secret for an authenticator app. It is not used until it is confirmed with a code. Requires a browser
/// session begun within the last 10 minutes.
#[utoipa::path(post, path = "/api/v1/user/factors/totp", tag = "accounts",
    responses((status = 201, description = "The secret.", body = NewTotp),
        (status = 409, description = "Two-factor authentication is on already.")))]
async fn begin_totp(State(app): State<App>, grant: FactorChangeGrant) -> Result<(StatusCode, Json<NewTotp>)> {
    let made = app.accounts.begin_totp(&grant).await?;
    let [secret, url] = [made.secret, made.url].map(|secret| secret.expose().to_owned());
    Ok((StatusCode::CREATED, Json(NewTotp { secret, url })))
}

/// Turns two-factor authentication on with the first code of the app. All other sessions end. Returns recovery codes,
/// which are shown only once. Requires a browser session begun within the last 10 minutes.
#[utoipa::path(put, path = "/api/v1/user/factors/totp", tag = "accounts", request_body = FirstCode,
    responses((status = 200, description = "The recovery codes.", body = RecoveryCodes),
        (status = 409, description = "There is no secret to confirm.")))]
async fn confirm_totp(
    State(app): State<App>,
    grant: FactorChangeGrant,
    Body(first): Body<FirstCode>,
) -> Result<Json<RecoveryCodes>> {
    Ok(Json(app.accounts.confirm_totp(&grant, &first.code).await?.into()))
}

/// Turns two-factor authentication off. Requires a browser session begun within the last 10 minutes.
#[utoipa::path(delete, path = "/api/v1/user/factors/totp", tag = "accounts",
    responses((status = 204, description = "Two-factor authentication is off.")))]
async fn remove_totp(State(app): State<App>, grant: FactorChangeGrant) -> Result<StatusCode> {
    app.accounts.remove_totp(&grant).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Replaces the recovery codes. The new ones are shown only once. Requires a browser session begun within the last 10
/// minutes.
#[utoipa::path(post, path = "/api/v1/user/factors/codes", tag = "accounts",
    responses((status = 200, description = "The recovery codes.", body = RecoveryCodes),
        (status = 409, description = "Two-factor authentication is off.")))]
async fn codes(State(app): State<App>, grant: FactorChangeGrant) -> Result<Json<RecoveryCodes>> {
    Ok(Json(app.accounts.renew_recovery_codes(&grant).await?.into()))
}
