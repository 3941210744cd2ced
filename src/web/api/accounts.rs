//! `/api/v1/accounts`: how people come to have an account, and come back to it. What these links carry stands behind the
//! `#` of an URL, so it comes here in a body, and no log of any server has it.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::routes;

use super::super::Routes;
use super::super::browser::Visitor;
use super::Body;
use super::session::{Welcome, welcome};
use super::shapes;
use crate::app::App;
use crate::error::Result;
use crate::types::{DisplayName, Email, OwnerName, Secret};

pub(super) fn routes(routes: Routes) -> Routes {
    routes
        .document(routes!(sign_up))
        .document(routes!(verify))
        .document(routes!(forgot))
        .document(routes!(reset))
        .document(routes!(set_up))
        .document(routes!(confirm_email))
}

/// Who wants an account.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewAccount {
    /// The name in URLs.
    #[schema(value_type = shapes::OwnerName, example = "ada")]
    name: String,
    /// Where the link goes that makes the account.
    #[schema(value_type = shapes::EmailAddress, example = "ada@example.org")]
    email: String,
    /// What people know the user as, in any letters; at most 100 characters.
    #[serde(default)]
    #[schema(example = "Ada Lovelace", max_length = 100)]
    display_name: String,
}

/// A link from a letter, and the password that it lets choose.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewPassword {
    /// What stands behind the `#`.
    #[schema(value_type = String)]
    token: Secret,
    /// At least 8 characters.
    #[schema(value_type = String, min_length = 8)]
    password: Secret,
}

/// Who forgot a password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Forgotten {
    /// The address of the account.
    #[schema(value_type = shapes::EmailAddress)]
    email: String,
}

/// The first administrator.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct FirstAccount {
    /// What stands behind the `#` of the link that the server told.
    #[schema(value_type = String)]
    token: Secret,
    /// The name in URLs.
    #[schema(value_type = shapes::OwnerName)]
    name: String,
    /// Where letters go.
    #[schema(value_type = shapes::EmailAddress)]
    email: String,
    /// What people know the user as, in any letters; at most 100 characters.
    #[serde(default)]
    #[schema(max_length = 100)]
    display_name: String,
    /// At least 8 characters.
    #[schema(value_type = String, min_length = 8)]
    password: Secret,
}

/// A link from a letter.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Ticket {
    /// What stands behind the `#`.
    #[schema(value_type = String)]
    pub(super) token: Secret,
}

/// Asks for an account. A link goes to the address; nothing here tells whether it has an account already.
#[utoipa::path(post, path = "/api/v1/accounts", tag = "accounts", request_body = NewAccount,
    responses((status = 202, description = "A letter is on its way.")))]
async fn sign_up(State(app): State<App>, visitor: Visitor, Body(new): Body<NewAccount>) -> Result<StatusCode> {
    let (name, email): (OwnerName, Email) = (new.name.parse()?, new.email.parse()?);
    let display_name: DisplayName = new.display_name.parse()?;
    visitor.ask_for_letter(&email)?;
    app.accounts.sign_up(&name, &email, &display_name).await?;
    Ok(StatusCode::ACCEPTED)
}

/// Makes the account that a link is for, and signs in.
#[utoipa::path(post, path = "/api/v1/accounts/verify", tag = "accounts", request_body = NewPassword,
    responses((status = 201, description = "Who has signed in.", body = Welcome)))]
async fn verify(State(app): State<App>, visitor: Visitor, Body(new): Body<NewPassword>) -> Result<Response> {
    let signed_in = app.accounts.verify(&new.token, new.password, &visitor.visit).await?;
    Ok(welcome(StatusCode::CREATED, &visitor, signed_in))
}

/// Asks for a link to choose another password. Nothing here tells whether the address has an account.
#[utoipa::path(post, path = "/api/v1/accounts/reset", tag = "accounts", request_body = Forgotten,
    responses((status = 202, description = "A letter is on its way, if the address has an account.")))]
async fn forgot(State(app): State<App>, visitor: Visitor, Body(of): Body<Forgotten>) -> Result<StatusCode> {
    let email: Email = of.email.parse()?;
    visitor.ask_for_letter(&email)?;
    app.accounts.forgot(&email).await?;
    Ok(StatusCode::ACCEPTED)
}

/// Chooses another password with a link. All sessions end.
#[utoipa::path(post, path = "/api/v1/accounts/reset/confirm", tag = "accounts", request_body = NewPassword,
    responses((status = 204, description = "The password is another one.")))]
async fn reset(State(app): State<App>, _visitor: Visitor, Body(new): Body<NewPassword>) -> Result<StatusCode> {
    app.accounts.reset(&new.token, new.password).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Makes the first administrator, with the link that the server told when it started; and signs in.
#[utoipa::path(post, path = "/api/v1/accounts/setup", tag = "accounts", request_body = FirstAccount,
    responses((status = 201, description = "Who has signed in.", body = Welcome)))]
async fn set_up(State(app): State<App>, visitor: Visitor, Body(new): Body<FirstAccount>) -> Result<Response> {
    let (name, email): (OwnerName, Email) = (new.name.parse()?, new.email.parse()?);
    let name = (&name, new.display_name.parse::<DisplayName>()?);
    let done = app.accounts.set_up(&new.token, name, &email, new.password, &visitor.visit);
    Ok(welcome(StatusCode::CREATED, &visitor, done.await?))
}

/// Makes the address that a link was sent to that of its account.
#[utoipa::path(post, path = "/api/v1/accounts/email/confirm", tag = "accounts", request_body = Ticket,
    responses((status = 204, description = "Letters go there from now on.")))]
async fn confirm_email(State(app): State<App>, _visitor: Visitor, Body(link): Body<Ticket>) -> Result<StatusCode> {
    app.accounts.confirm_email(&link.token).await?;
    Ok(StatusCode::NO_CONTENT)
}
