//! `/api/v1/user`: the caller's own account, with its sessions and personal access tokens.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::browser::{self, BrowserClient};
use super::common::{Body, Items, created};
use super::profiles::ProfileUpdate;
use super::session::Person;
use super::shapes;
use crate::access::tokens::{TokenName, TokenScope};
use crate::access::{AccountGrant, SessionGrant};
use crate::accounts::{SessionRow, TokenRow};
use crate::app::App;
use crate::error::{Error, Result};
use crate::types::{Email, Id, Millis, OwnerName, Secret};
use crate::web::http::{AuthedActor, Routes, Segments, routes};

pub(super) fn routes(routes: Routes) -> Routes {
    routes
        .document(routes!(show, update, close))
        .document(routes!(change_password))
        .document(routes!(change_email))
        .document(routes!(sessions, end_others))
        .document(routes!(end_session))
        .document(routes!(tokens, add_token))
        .document(routes!(revoke_token))
}

/// The caller's account.
#[derive(Serialize, ToSchema)]
struct OwnAccount {
    #[serde(flatten)]
    person: Person,
    /// When the account was created (RFC 3339).
    #[schema(format = DateTime)]
    created: String,
    /// Storage used by Git LFS objects in the user's own datasets in bytes.
    bytes: u64,
    /// The storage quota of these datasets in bytes; null if unlimited.
    quota_bytes: Option<u64>,
    /// The number of datasets that the user owns.
    datasets: usize,
}

/// A change of password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct PasswordChange {
    /// The current password; may be omitted by a user without one who signed in within the last 10 minutes.
    #[schema(value_type = Option<String>)]
    current: Option<Secret>,
    /// The new password; at least 8 characters.
    #[schema(value_type = String, min_length = 8)]
    new: Secret,
}

/// A change of e-mail address.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct EmailChange {
    /// The new address.
    #[schema(value_type = shapes::EmailAddress)]
    email: String,
    /// The password; may be omitted by a user without one who signed in within the last 10 minutes.
    #[schema(value_type = Option<String>)]
    password: Option<Secret>,
}

/// A request to close the account.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct CloseAccount {
    /// The password; may be omitted by a user without one who signed in within the last 10 minutes.
    #[schema(value_type = Option<String>)]
    password: Option<Secret>,
    /// An organisation of the caller to transfer all datasets to. If omitted, they are deleted with the account.
    #[schema(value_type = Option<shapes::OwnerName>)]
    transfer_to: Option<String>,
}

/// A closed account.
#[derive(Serialize, ToSchema)]
struct Closed {
    /// When the account will be deleted permanently (RFC 3339). Signing in before then reopens it.
    #[schema(format = DateTime)]
    ends: String,
}

/// A browser session.
#[derive(Serialize, ToSchema)]
struct OneSession {
    /// The id of the session.
    id: String,
    /// True if this is the current session.
    current: bool,
    /// When the session was created (RFC 3339).
    #[schema(format = DateTime)]
    created: String,
    /// When the session was last used (RFC 3339), to the minute.
    #[schema(format = DateTime)]
    last_used: String,
    /// The user agent of the browser.
    agent: String,
    /// The client address at sign-in.
    address: String,
    /// True if the user signed in with an external provider.
    external: bool,
    /// True if the user signed in with a second factor: a code, or a passkey.
    second_factor: bool,
}

impl OneSession {
    fn of(row: SessionRow, current: Option<Id>) -> Self {
        let has = |name: &str| row.amr.split_ascii_whitespace().any(|method| method == name);
        Self {
            id: row.id.to_string(),
            current: Some(row.id) == current,
            created: row.created_at.rfc3339(),
            last_used: row.last_used_at.rfc3339(),
            external: has("fed"),
            second_factor: has("otp") || has("mfa"),
            agent: row.agent,
            address: row.address,
        }
    }
}

/// A personal access token.
#[derive(Serialize, ToSchema)]
struct Token {
    /// The id of the token.
    id: String,
    /// The name of the token.
    name: String,
    /// The scopes: `read`, `write` or `own`, or for one dataset, as in `write:owner/name`.
    scopes: Vec<String>,
    /// When the token was created (RFC 3339).
    #[schema(format = DateTime)]
    created: String,
    /// When the token expires (RFC 3339); null for never.
    #[schema(format = DateTime)]
    expires: Option<String>,
    /// When the token was last used (RFC 3339); null for never.
    #[schema(format = DateTime)]
    last_used: Option<String>,
    /// When the token was revoked (RFC 3339); null if it was not.
    #[schema(format = DateTime)]
    revoked: Option<String>,
}

impl From<TokenRow> for Token {
    fn from(row: TokenRow) -> Self {
        Self {
            id: row.id.to_string(),
            name: row.name,
            scopes: row.scopes.split_ascii_whitespace().map(str::to_owned).collect(),
            created: row.created_at.rfc3339(),
            expires: row.expires_at.map(Millis::rfc3339),
            last_used: row.last_used_at.map(Millis::rfc3339),
            revoked: row.revoked_at.map(Millis::rfc3339),
        }
    }
}

/// A new personal access token.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewToken {
    /// The name of the token; at most 100 characters.
    #[schema(example = "laptop")]
    name: String,
    /// The scopes: `read`, `write` or `own`, or for one dataset, as in `write:owner/name`.
    #[schema(value_type = Vec<shapes::TokenScope>, example = json!(["write:ada/census"]))]
    scopes: Vec<String>,
    /// Days until the token expires. Default: it never expires.
    #[schema(minimum = 1, maximum = 3650)]
    expires_in_days: Option<u32>,
}

/// A created personal access token with its secret, which is shown only once.
#[derive(Serialize, ToSchema)]
struct MadeToken {
    #[serde(flatten)]
    known: Token,
    /// The token itself.
    token: String,
}

async fn own_account(app: &App, user: Id) -> Result<Json<OwnAccount>> {
    let row = app.accounts.profile(user).await?;
    let usage = app.storage.usage(Some(&row.name.parse()?)).await?.pop();
    Ok(Json(OwnAccount {
        created: row.created_at.rfc3339(),
        bytes: usage.as_ref().map_or(0, |usage| usage.bytes),
        quota_bytes: usage.as_ref().and_then(|usage| usage.quota_bytes),
        datasets: usage.map_or(0, |usage| usage.datasets.len()),
        person: row.into(),
    }))
}

/// Returns the caller's account. Not available to credentials limited to single datasets.
#[utoipa::path(get, path = "/api/v1/user", tag = "accounts", operation_id = "show_user",
    responses((status = 200, description = "The account.", body = OwnAccount)))]
async fn show(State(app): State<App>, caller: AuthedActor) -> Result<Json<OwnAccount>> {
    own_account(&app, app.access.authorize_oneself(&caller.actor)?.user()).await
}

/// Changes the caller's profile: full name, bio, web site and place. Everybody who can see the caller's page sees them.
#[utoipa::path(patch, path = "/api/v1/user", tag = "accounts", request_body = ProfileUpdate,
    responses((status = 200, description = "The account.", body = OwnAccount)))]
async fn update(
    State(app): State<App>,
    caller: AuthedActor,
    Body(update): Body<ProfileUpdate>,
) -> Result<Json<OwnAccount>> {
    let by = caller.actor.own_profile()?;
    app.accounts.change_profile(&by, &update.change()?).await?;
    own_account(&app, by.owner()).await
}

/// Closes the account. Requires a browser session. Sessions and tokens end immediately; the account is deleted later,
/// with its datasets unless they are transferred to an organisation.
#[utoipa::path(delete, path = "/api/v1/user", tag = "accounts", request_body = CloseAccount,
    responses((status = 202, description = "When the account will be deleted permanently.", body = Closed)))]
async fn close(
    State(app): State<App>,
    caller: AuthedActor,
    visitor: BrowserClient,
    Body(closing): Body<CloseAccount>,
) -> Result<(StatusCode, HeaderMap, Json<Closed>)> {
    let seat = caller.actor.seat()?;
    let to: Option<OwnerName> = closing.transfer_to.map(|name| name.parse()).transpose()?;
    let done = Box::pin(app.departures.close(&caller.actor, &seat, closing.password, to.as_ref()));
    let ends = visitor.confirm(&seat, done).await?;
    let mut headers = HeaderMap::new();
    browser::take_cookie(&mut headers);
    Ok((StatusCode::ACCEPTED, headers, Json(Closed { ends: ends.rfc3339() })))
}

/// Changes the password. Requires a browser session. All other sessions end.
#[utoipa::path(put, path = "/api/v1/user/password", tag = "accounts", request_body = PasswordChange,
    responses((status = 204, description = "The password was changed.")))]
async fn change_password(
    State(app): State<App>,
    seat: SessionGrant,
    visitor: BrowserClient,
    Body(change): Body<PasswordChange>,
) -> Result<StatusCode> {
    let done = app.accounts.change_password(&seat, change.current, change.new);
    visitor.confirm(&seat, done).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Requests a change of e-mail address. Requires a browser session. A confirmation link is sent to the new address, and
/// the old address is notified.
#[utoipa::path(put, path = "/api/v1/user/email", tag = "accounts", request_body = EmailChange,
    responses((status = 202, description = "The e-mail has been queued.")))]
async fn change_email(
    State(app): State<App>,
    seat: SessionGrant,
    visitor: BrowserClient,
    Body(change): Body<EmailChange>,
) -> Result<StatusCode> {
    let email: Email = change.email.parse()?;
    let done = app.accounts.change_email(&seat, &email, change.password);
    visitor.confirm(&seat, done).await?;
    Ok(StatusCode::ACCEPTED)
}

/// Lists the browser sessions of the caller, newest first.
#[utoipa::path(get, path = "/api/v1/user/sessions", tag = "accounts",
    responses((status = 200, description = "The sessions.", body = Items<OneSession>)))]
async fn sessions(State(app): State<App>, holder: AccountGrant) -> Result<Json<Items<OneSession>>> {
    let sessions = app.accounts.sessions(&holder).await?.into_iter();
    let items = sessions.map(|row| OneSession::of(row, holder.session())).collect();
    Ok(Json(Items { items, next_cursor: None }))
}

/// Ends a browser session.
#[utoipa::path(delete, path = "/api/v1/user/sessions/{session}", tag = "accounts",
    params(("session" = String, Path, description = "The id of the session.")),
    responses((status = 204, description = "The session was ended.")))]
async fn end_session(State(app): State<App>, holder: AccountGrant, segments: Segments) -> Result<StatusCode> {
    let id = segments.get("session").parse().map_err(|_| Error::not_found("session not found"))?;
    app.accounts.end_session(&holder, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Ends all browser sessions except the current one.
#[utoipa::path(delete, path = "/api/v1/user/sessions", tag = "accounts",
    responses((status = 204, description = "The sessions were ended.")))]
async fn end_others(State(app): State<App>, holder: AccountGrant) -> Result<StatusCode> {
    app.accounts.end_other_sessions(&holder).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Lists the caller's personal access tokens, newest first.
#[utoipa::path(get, path = "/api/v1/user/tokens", tag = "accounts",
    responses((status = 200, description = "The tokens.", body = Items<Token>)))]
async fn tokens(State(app): State<App>, holder: AccountGrant) -> Result<Json<Items<Token>>> {
    let items = app.accounts.own_tokens(&holder).await?.into_iter().map(Token::from).collect();
    Ok(Json(Items { items, next_cursor: None }))
}

/// Creates a personal access token. Its secret is shown only once.
#[utoipa::path(post, path = "/api/v1/user/tokens", tag = "accounts", request_body = NewToken,
    responses((status = 201, description = "The token with its secret.", body = MadeToken)))]
async fn add_token(State(app): State<App>, holder: AccountGrant, Body(new): Body<NewToken>) -> Result<Response> {
    let name: TokenName = new.name.parse()?;
    if new.scopes.is_empty() {
        return Err(Error::invalid(
            "`scopes` must have at least one of read, write and own, alone or as in write:OWNER/NAME",
        ));
    }
    let scopes: Vec<TokenScope> = new.scopes.iter().map(|scope| scope.parse()).collect::<Result<_>>()?;
    let lifetime = match new.expires_in_days {
        None => None,
        Some(days @ 1..=3650) => Some(Duration::from_secs(u64::from(days) * 86_400)),
        Some(_) => return Err(Error::invalid("`expires_in_days` must be between 1 and 3650")),
    };
    let (row, token) = app.accounts.add_own_token(&holder, &name, &scopes, lifetime).await?;
    let location = format!("/api/v1/user/tokens/{}", row.id);
    Ok(created(&location, MadeToken { known: row.into(), token: token.expose().to_owned() }))
}

/// Revokes a personal access token, immediately and permanently.
#[utoipa::path(delete, path = "/api/v1/user/tokens/{token}", tag = "accounts",
    params(("token" = String, Path, description = "The id of the token.")),
    responses((status = 204, description = "The token was revoked.")))]
async fn revoke_token(State(app): State<App>, holder: AccountGrant, segments: Segments) -> Result<StatusCode> {
    let id = segments.get("token").parse().map_err(|_| Error::not_found("token not found"))?;
    app.accounts.revoke_own_token(&holder, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
