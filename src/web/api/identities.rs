//! `/api/v1/user/identities`: accounts at external identity providers that the caller signs in with; and
//! `/api/v1/accounts/external`, where new users of such a provider choose a name. Linking and unlinking require a browser
//! session that was begun within the last 10 minutes.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::browser::BrowserClient;
use super::common::Body;
use super::passkeys::OnePasskey;
use super::session::{Welcome, welcome};
use super::shapes;
use crate::access::{FactorGrant, IdentityChangeGrant};
use crate::accounts::identities::IdentityRow;
use crate::app::App;
use crate::error::{Error, Result};
use crate::types::{DisplayName, Millis, OwnerName, Secret};
use crate::web::http::{Routes, Segments, routes};

pub(super) fn routes(routes: Routes) -> Routes {
    routes.document(routes!(ways)).document(routes!(link, unlink)).document(routes!(pending, create))
}

/// An account at a provider.
#[derive(Serialize, ToSchema)]
struct LinkedIdentity {
    /// The provider.
    provider: String,
    /// The address or name there when it was linked.
    label: String,
    /// When it was linked (RFC 3339).
    #[schema(format = DateTime)]
    linked: String,
    /// When the user last signed in with it (RFC 3339); null for never.
    #[schema(format = DateTime)]
    last_used: Option<String>,
}

impl From<IdentityRow> for LinkedIdentity {
    fn from(row: IdentityRow) -> Self {
        Self {
            provider: row.provider,
            label: row.label,
            linked: row.created_at.rfc3339(),
            last_used: row.last_used_at.map(Millis::rfc3339),
        }
    }
}

/// How the caller can sign in.
#[derive(Serialize, ToSchema)]
struct Ways {
    /// True if the caller has a password, and the site accepts passwords.
    password: bool,
    /// Linked accounts at providers.
    identities: Vec<LinkedIdentity>,
    /// Passkeys.
    passkeys: Vec<OnePasskey>,
    /// True if the caller signed in within the last 10 minutes, and can change these.
    fresh: bool,
    /// True if only one way is left, which cannot be removed.
    last: bool,
}

/// Where to go next.
#[derive(Serialize, ToSchema)]
struct LinkStart {
    /// The URL at the provider, to be opened in this browser.
    location: String,
}

/// A new user of a provider, who has to choose a name.
#[derive(Serialize, ToSchema)]
struct NewExternalUser {
    /// The provider.
    provider: String,
    /// The address, verified by the provider.
    email: String,
    /// A valid user name, suggested from the name there.
    suggested_name: Option<String>,
    /// The display name there; empty if there is none.
    display_name: String,
}

/// The account of a new user of a provider.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ExternalAccount {
    /// The user name, as it appears in URLs.
    #[schema(value_type = shapes::OwnerName, example = "ada")]
    name: String,
    /// The display name, in any script; at most 100 characters.
    #[serde(default)]
    #[schema(example = "Ada Lovelace", max_length = 100)]
    display_name: String,
}

/// Returns how the caller can sign in. Requires a browser session.
#[utoipa::path(get, path = "/api/v1/user/identities", tag = "accounts", operation_id = "list_identities",
    responses((status = 200, description = "The ways to sign in.", body = Ways)))]
async fn ways(State(app): State<App>, grant: FactorGrant) -> Result<Json<Ways>> {
    let ways = app.accounts.sign_in_ways(&grant).await?;
    Ok(Json(Ways {
        password: ways.password,
        last: ways.count() <= 1,
        identities: ways.identities.into_iter().map(LinkedIdentity::from).collect(),
        passkeys: ways.passkeys.into_iter().map(OnePasskey::from).collect(),
        fresh: grant.is_recent(),
    }))
}

/// Begins to link an account at a provider. Requires a browser session begun within the last 10 minutes; the browser
/// must open the returned URL.
#[utoipa::path(post, path = "/api/v1/user/identities/{provider}", tag = "accounts", operation_id = "link_identity",
    params(("provider" = String, Path, description = "The provider.")),
    responses((status = 200, description = "Where to go next.", body = LinkStart),
        (status = 409, description = "An account there is linked already.")))]
async fn link(
    State(app): State<App>,
    grant: IdentityChangeGrant,
    visitor: BrowserClient,
    segments: Segments,
) -> Result<Response> {
    let request = app.accounts.begin_link(&grant, segments.get("provider")).await?;
    let mut response = Json(LinkStart { location: request.location }).into_response();
    visitor.give_state(response.headers_mut(), &request.state);
    Ok(response)
}

/// Unlinks the account at a provider. Requires a browser session begun within the last 10 minutes.
#[utoipa::path(delete, path = "/api/v1/user/identities/{provider}", tag = "accounts", operation_id = "unlink_identity",
    params(("provider" = String, Path, description = "The provider.")),
    responses((status = 204, description = "The account was unlinked."),
        (status = 409, description = "It is the last way to sign in.")))]
async fn unlink(State(app): State<App>, grant: IdentityChangeGrant, segments: Segments) -> Result<StatusCode> {
    app.accounts.unlink(&grant, segments.get("provider")).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn token(visitor: &BrowserClient) -> Result<&Secret> {
    visitor.sign_up_token().ok_or_else(|| Error::not_found("sign in with the provider first, in this browser"))
}

/// Returns the new user who has come back from a provider with this browser.
#[utoipa::path(get, path = "/api/v1/accounts/external", tag = "accounts", operation_id = "show_external_user",
    responses((status = 200, description = "The new user.", body = NewExternalUser)))]
async fn pending(State(app): State<App>, visitor: BrowserClient) -> Result<Json<NewExternalUser>> {
    let user = app.accounts.new_external_user(token(&visitor)?).await?;
    let local = user.email.split('@').next().unwrap_or_default();
    let usable = |name: &str| {
        let name: OwnerName = name.to_lowercase().parse().ok()?;
        Some(name.to_string()).filter(|name| !name.contains('/'))
    };
    Ok(Json(NewExternalUser {
        suggested_name: usable(&user.login).or_else(|| usable(local)),
        provider: user.provider,
        email: user.email,
        display_name: user.name.parse::<DisplayName>().map(|name| name.to_string()).unwrap_or_default(),
    }))
}

/// Creates the account of a new user who has come back from a provider with this browser, and signs in.
#[utoipa::path(post, path = "/api/v1/accounts/external", tag = "accounts", operation_id = "create_external_account",
    request_body = ExternalAccount,
    responses((status = 201, description = "The new account, signed in.", body = Welcome),
        (status = 409, description = "The name or the address is taken.")))]
async fn create(State(app): State<App>, visitor: BrowserClient, Body(new): Body<ExternalAccount>) -> Result<Response> {
    let (name, display_name): (OwnerName, DisplayName) = (new.name.parse()?, new.display_name.parse()?);
    let signed_in = app.accounts.create_external(token(&visitor)?, &name, display_name, &visitor.visit).await?;
    let mut response = welcome(StatusCode::CREATED, &visitor, signed_in);
    visitor.take_sign_up_token(response.headers_mut());
    Ok(response)
}
