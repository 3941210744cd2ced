//! `/api/v1/invitations`: invitation links: showing and accepting them.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::accounts::OneTimeToken;
use super::browser::BrowserClient;
use super::common::Body;
use super::shapes;
use crate::app::App;
use crate::error::{Error, Result};
use crate::types::{DisplayName, OwnerName, Role, Secret};
use crate::web::http::{AuthedActor, Routes, routes};

pub(super) fn routes(routes: Routes) -> Routes {
    routes.document(routes!(show)).document(routes!(accept))
}

/// An invitation.
#[derive(Serialize, ToSchema)]
struct Shown {
    /// The organisation; absent for an invitation to the site only.
    #[serde(skip_serializing_if = "Option::is_none")]
    organisation: Option<String>,
    /// The role in the organisation.
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<Role>,
    /// The e-mail address that was invited.
    email: String,
    /// True if the address has an account. If so, accept while signed in to it; otherwise accept with a name and a
    /// password.
    account: bool,
    /// A valid user name, suggested from the address.
    #[serde(skip_serializing_if = "Option::is_none")]
    suggested_name: Option<String>,
}

/// The acceptance of an invitation.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct AcceptInvitation {
    /// The token from the link: the part after `#`.
    #[schema(value_type = String)]
    token: Secret,
    /// The user name of the new account, if the address has no account.
    #[schema(value_type = Option<shapes::OwnerName>)]
    name: Option<String>,
    /// The display name of the new account, in any script; at most 100 characters.
    #[serde(default)]
    #[schema(max_length = 100)]
    display_name: String,
    /// The password of the new account; at least 8 characters.
    #[schema(value_type = Option<String>, min_length = 8)]
    password: Option<Secret>,
}

/// The result of accepting an invitation.
#[derive(Serialize, ToSchema)]
struct Accepted {
    /// The user name.
    user: String,
    /// The organisation that the user is now a member of; absent for an invitation to the site only.
    #[serde(skip_serializing_if = "Option::is_none")]
    organisation: Option<String>,
}

/// Returns the invitation of a link.
///
/// The link proves access to the mailbox, so the response reveals whether the address has an account.
#[utoipa::path(post, path = "/api/v1/invitations/show", tag = "organisations", operation_id = "show_invitation", request_body = OneTimeToken,
    responses((status = 200, description = "The invitation.", body = Shown)))]
async fn show(State(app): State<App>, _visitor: BrowserClient, Body(link): Body<OneTimeToken>) -> Result<Json<Shown>> {
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

/// Accepts an invitation, either signed in to the account of the address or by creating an account.
#[utoipa::path(post, path = "/api/v1/invitations/accept", tag = "organisations", request_body = AcceptInvitation,
    responses((status = 200, description = "The invitation was accepted.", body = Accepted),
        (status = 201, description = "The account was created and signed in.", body = Accepted)))]
async fn accept(
    State(app): State<App>,
    caller: AuthedActor,
    visitor: BrowserClient,
    Body(asked): Body<AcceptInvitation>,
) -> Result<Response> {
    let (invitation, has_account) = app.accounts.invitation(&asked.token).await?;
    if has_account {
        let joining = app.access.authorize_joining(&caller.actor, &invitation.email).await?;
        let accepted = app.accounts.accept(&asked.token, &joining).await?;
        return Ok(Json(describe(&accepted)).into_response());
    }
    let (Some(name), Some(password)) = (asked.name, asked.password) else {
        return Err(Error::invalid("`name` and `password` are required: the address has no account yet"));
    };
    let name: OwnerName = name.parse()?;
    let name = (&name, asked.display_name.parse::<DisplayName>()?);
    let made = app.accounts.accept_as_new(&asked.token, name, password, &visitor.visit).await?;
    let (accepted, signed_in) = made;
    let mut response = (StatusCode::CREATED, Json(describe(&accepted))).into_response();
    visitor.give_cookies(response.headers_mut(), &signed_in);
    Ok(response)
}

fn describe(accepted: &crate::accounts::invitations::Accepted) -> Accepted {
    Accepted { user: accepted.name.to_string(), organisation: accepted.organisation.as_ref().map(ToString::to_string) }
}
