//! `/api/v1/accounts`: sign-up, e-mail verification, password reset and first-time setup. The one-time tokens of
//! e-mailed links are in the URL fragment (after `#`) and are sent to the API in a request body, so they never appear
//! in server logs.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;
use utoipa::ToSchema;

use super::browser::BrowserClient;
use super::common::Body;
use super::session::{Welcome, welcome};
use super::shapes;
use crate::app::App;
use crate::error::Result;
use crate::types::{DisplayName, Email, OwnerName, Secret};
use crate::web::http::{Routes, routes};

pub(super) fn routes(routes: Routes) -> Routes {
    routes
        .document(routes!(sign_up))
        .document(routes!(verify))
        .document(routes!(forgot))
        .document(routes!(reset))
        .document(routes!(set_up))
        .document(routes!(confirm_email))
}

/// A sign-up request.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewAccount {
    /// The user name, as it appears in URLs.
    #[schema(value_type = shapes::OwnerName, example = "ada")]
    name: String,
    /// The e-mail address. The link that completes the sign-up is sent to it.
    #[schema(value_type = shapes::EmailAddress, example = "ada@example.org")]
    email: String,
    /// The display name, in any script; at most 100 characters.
    #[serde(default)]
    #[schema(example = "Ada Lovelace", max_length = 100)]
    display_name: String,
}

/// A password reset token and the new password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewPassword {
    /// The token from the link: the part after `#`.
    #[schema(value_type = String)]
    token: Secret,
    /// The password; at least 8 characters.
    #[schema(value_type = String, min_length = 8)]
    password: Secret,
}

/// A request for a password reset.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct PasswordResetRequest {
    /// The e-mail address of the account.
    #[schema(value_type = shapes::EmailAddress)]
    email: String,
}

/// The first administrator account.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct FirstAccount {
    /// The token from the setup link that the server printed: the part after `#`.
    #[schema(value_type = String)]
    token: Secret,
    /// The user name, as it appears in URLs.
    #[schema(value_type = shapes::OwnerName)]
    name: String,
    /// The e-mail address.
    #[schema(value_type = shapes::EmailAddress)]
    email: String,
    /// The display name, in any script; at most 100 characters.
    #[serde(default)]
    #[schema(max_length = 100)]
    display_name: String,
    /// The password; at least 8 characters.
    #[schema(value_type = String, min_length = 8)]
    password: Secret,
}

/// A one-time token from an e-mailed link.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct OneTimeToken {
    /// The token from the link: the part after `#`.
    #[schema(value_type = String)]
    pub(super) token: Secret,
}

/// Signs up for an account. An e-mail with a confirmation link is sent to the address. The response does not reveal if
/// the address already has an account.
#[utoipa::path(post, path = "/api/v1/accounts", tag = "accounts", request_body = NewAccount,
    responses((status = 202, description = "The e-mail has been queued.")))]
async fn sign_up(State(app): State<App>, visitor: BrowserClient, Body(new): Body<NewAccount>) -> Result<StatusCode> {
    let (name, email): (OwnerName, Email) = (new.name.parse()?, new.email.parse()?);
    let display_name: DisplayName = new.display_name.parse()?;
    visitor.request_email(&email)?;
    app.accounts.sign_up(&name, &email, &display_name).await?;
    Ok(StatusCode::ACCEPTED)
}

/// Confirms a sign-up with the token from the e-mail. Creates the account and signs in.
#[utoipa::path(post, path = "/api/v1/accounts/verify", tag = "accounts", request_body = NewPassword,
    responses((status = 201, description = "The new account, signed in.", body = Welcome)))]
async fn verify(State(app): State<App>, visitor: BrowserClient, Body(new): Body<NewPassword>) -> Result<Response> {
    let signed_in = app.accounts.verify(&new.token, new.password, &visitor.visit).await?;
    Ok(welcome(StatusCode::CREATED, &visitor, signed_in))
}

/// Requests a password reset e-mail. The response does not reveal if the address has an account.
#[utoipa::path(post, path = "/api/v1/accounts/reset", tag = "accounts", request_body = PasswordResetRequest,
    responses((status = 202, description = "An e-mail has been queued if the address has an account.")))]
async fn forgot(
    State(app): State<App>,
    visitor: BrowserClient,
    Body(of): Body<PasswordResetRequest>,
) -> Result<StatusCode> {
    let email: Email = of.email.parse()?;
    visitor.request_email(&email)?;
    app.accounts.forgot(&email).await?;
    Ok(StatusCode::ACCEPTED)
}

/// Sets a new password with a password reset token. This ends all sessions of the account.
#[utoipa::path(post, path = "/api/v1/accounts/reset/confirm", tag = "accounts", request_body = NewPassword,
    responses((status = 204, description = "The password was changed.")))]
async fn reset(State(app): State<App>, _visitor: BrowserClient, Body(new): Body<NewPassword>) -> Result<StatusCode> {
    app.accounts.reset(&new.token, new.password).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Creates the first administrator account with the token from the setup link that the server prints at startup, and
/// signs in.
#[utoipa::path(post, path = "/api/v1/accounts/setup", tag = "accounts", request_body = FirstAccount,
    responses((status = 201, description = "The administrator account, signed in.", body = Welcome)))]
async fn set_up(State(app): State<App>, visitor: BrowserClient, Body(new): Body<FirstAccount>) -> Result<Response> {
    let (name, email): (OwnerName, Email) = (new.name.parse()?, new.email.parse()?);
    let name = (&name, new.display_name.parse::<DisplayName>()?);
    let done = app.accounts.set_up(&new.token, name, &email, new.password, &visitor.visit);
    Ok(welcome(StatusCode::CREATED, &visitor, done.await?))
}

/// Confirms a new e-mail address with the token that was sent to it.
#[utoipa::path(post, path = "/api/v1/accounts/email/confirm", tag = "accounts", request_body = OneTimeToken,
    responses((status = 204, description = "The e-mail address of the account was changed.")))]
async fn confirm_email(
    State(app): State<App>,
    _visitor: BrowserClient,
    Body(link): Body<OneTimeToken>,
) -> Result<StatusCode> {
    app.accounts.confirm_email(&link.token).await?;
    Ok(StatusCode::NO_CONTENT)
}
