//! `/api/v1/invitations`: what the link of a letter invites to, and accepting it.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::routes;

use super::super::Routes;
use super::super::browser::Visitor;
use super::super::extract::Caller;
use super::Body;
use super::accounts::Ticket;
use super::shapes;
use crate::accounts::sessions::SignedIn;
use crate::app::App;
use crate::error::{Error, Result};
use crate::types::{DisplayName, OwnerName, Role, Secret};

pub(super) fn routes(routes: Routes) -> Routes {
    routes.document(routes!(show)).document(routes!(accept))
}

/// What a link invites to.
#[derive(Serialize, ToSchema)]
struct Shown {
    /// The organisation; absent for an invitation to the site alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    organisation: Option<String>,
    /// As what, in the organisation.
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<Role>,
    /// Where the letter went.
    email: String,
    /// Whether that address has an account: then it accepts signed in, else with a name and a password.
    account: bool,
    /// A name that the address suggests and that could be one.
    #[serde(skip_serializing_if = "Option::is_none")]
    suggested_name: Option<String>,
}

/// An answer to an invitation.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Acceptance {
    /// What comes behind `#` in the link.
    #[schema(value_type = String)]
    token: Secret,
    /// The name of the new account, where the address has none.
    #[schema(value_type = Option<shapes::OwnerName>)]
    name: Option<String>,
    /// What people know its user as, in any letters; at most 100 characters.
    #[serde(default)]
    #[schema(max_length = 100)]
    display_name: String,
    /// Its password; at least 8 characters.
    #[schema(value_type = Option<String>, min_length = 8)]
    password: Option<Secret>,
}

/// What became of it.
#[derive(Serialize, ToSchema)]
struct Accepted {
    /// Name of the user.
    user: String,
    /// What the user belongs to now; absent for an invitation to the site alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    organisation: Option<String>,
}

/// Shows what a link invites to.
///
/// Who has the link has got the letter: it is told whether the address has an account.
#[utoipa::path(post, path = "/api/v1/invitations/show", tag = "organisations", operation_id = "show_invitation", request_body = Ticket,
    responses((status = 200, description = "What it invites to.", body = Shown)))]
async fn show(State(app): State<App>, _visitor: Visitor, Body(link): Body<Ticket>) -> Result<Json<Shown>> {
    let (invitation, account) = app.accounts.invitation(&link.token).await?;
    let local = invitation.email.as_str().split('@').next().unwrap_or_default();
    let suggested = if account { None } else { local.parse::<OwnerName>().ok() };
    Ok(Json(Shown {
        organisation: invitation.organisation.map(|name| name.to_string()),
        role: invitation.role,
        email: invitation.email.to_string(),
        account,
        suggested_name: suggested.map(|name| name.to_string()).filter(|name| !name.contains('/')),
    }))
}

/// Accepts an invitation: signed in with the account of the address, or by making one.
#[utoipa::path(post, path = "/api/v1/invitations/accept", tag = "organisations", request_body = Acceptance,
    responses((status = 200, description = "The user belongs to it.", body = Accepted),
        (status = 201, description = "The account is made, and signed in.", body = Accepted)))]
async fn accept(
    State(app): State<App>,
    caller: Caller,
    visitor: Visitor,
    Body(asked): Body<Acceptance>,
) -> Result<Response> {
    let (invitation, has_account) = app.accounts.invitation(&asked.token).await?;
    if has_account {
        let joining = app.access.authorize_joining(&caller.actor, &invitation.email).await?;
        let accepted = app.accounts.accept(&asked.token, &joining).await?;
        return Ok(Json(told(&accepted)).into_response());
    }
    let (Some(name), Some(password)) = (asked.name, asked.password) else {
        return Err(Error::invalid("choose a `name` and a `password`: the address has no account yet"));
    };
    let name: OwnerName = name.parse()?;
    let name = (&name, asked.display_name.parse::<DisplayName>()?);
    let made = app.accounts.accept_as_new(&asked.token, name, password, &visitor.visit).await?;
    let (accepted, SignedIn { cookie, seconds, .. }) = made;
    let mut response = (StatusCode::CREATED, Json(told(&accepted))).into_response();
    visitor.give_cookie(response.headers_mut(), &cookie, seconds);
    Ok(response)
}

fn told(accepted: &crate::accounts::invitations::Accepted) -> Accepted {
    Accepted { user: accepted.name.to_string(), organisation: accepted.organisation.as_ref().map(ToString::to_string) }
}
