//! `/api/v1/clients`: applications that act for users (OAuth clients), for their developers.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::routes;

use super::common::{Body, Items, created, known_id};
use super::shapes;
use crate::access::ClientGrant;
use crate::app::App;
use crate::error::Result;
use crate::oauth::clients::{ClientRow, ClientSettings, redirects};
use crate::types::OwnerName;
use crate::web::http::{AuthedActor, Parameters, Routes, Segments};

pub(super) fn routes(routes: Routes) -> Routes {
    routes
        .document(routes!(list_clients, add_client))
        .document(routes!(show_client, change_client, delete_client))
        .document(routes!(replace_client_secret))
}

/// An application.
#[derive(Serialize, ToSchema)]
struct OAuthClient {
    /// The client id.
    id: String,
    /// The user or organisation that owns it.
    owner: String,
    /// The name, as shown to users.
    name: String,
    /// The URL of its home page, if set.
    home: Option<String>,
    /// The redirect URLs.
    redirects: Vec<String>,
    /// The scopes that it may ask for.
    scopes: Vec<String>,
    /// True if it has no secret, as a program on the user's machine or in a page.
    public: bool,
    /// True if none of its tokens works.
    disabled: bool,
    /// When it was registered (RFC 3339).
    #[schema(format = DateTime)]
    created: String,
}

impl OAuthClient {
    fn of(row: ClientRow) -> Result<Self> {
        Ok(Self {
            redirects: redirects(&row)?,
            id: row.id.to_string(),
            owner: row.owner,
            name: row.name,
            home: Some(row.home).filter(|home| !home.is_empty()),
            scopes: row.scopes.split_ascii_whitespace().map(str::to_owned).collect(),
            public: row.secret.is_none(),
            disabled: row.disabled_at.is_some(),
            created: row.created_at.rfc3339(),
        })
    }
}

/// A new application.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewClient {
    /// The name, as shown to users.
    #[schema(max_length = 100, pattern = r"^[^\u0000-\u001f\u007f-\u009f]*[^\s][^\u0000-\u001f\u007f-\u009f]*$")]
    name: String,
    /// The user or organisation that owns it; by default the caller.
    #[schema(value_type = Option<shapes::OwnerName>)]
    owner: Option<String>,
    /// The URL of its home page.
    #[schema(max_length = 2048)]
    home: Option<String>,
    /// The redirect URLs: `https`, or `http` on a loopback address. A URL on `127.0.0.1` or `[::1]` matches with any port.
    #[schema(min_items = 1, max_items = 20)]
    redirects: Vec<String>,
    /// The scopes that it may ask for: `openid`, `profile`, `email`, `offline_access`, `read`, `write`.
    #[schema(min_items = 1)]
    scopes: Vec<String>,
    /// True for a program that cannot keep a secret.
    #[serde(default)]
    public: bool,
}

/// A registered application with its secret.
#[derive(Serialize, ToSchema)]
struct RegisteredClient {
    #[serde(flatten)]
    client: OAuthClient,
    /// The secret; null for a public client. It is not shown again.
    secret: Option<String>,
}

/// Changes to an application. Omitted values stay.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ClientUpdate {
    /// The name, as shown to users.
    #[schema(max_length = 100)]
    name: Option<String>,
    /// The URL of its home page; empty for none.
    #[schema(max_length = 2048)]
    home: Option<String>,
    /// The redirect URLs.
    #[schema(min_items = 1, max_items = 20)]
    redirects: Option<Vec<String>>,
    /// The scopes that it may ask for.
    #[schema(min_items = 1)]
    scopes: Option<Vec<String>>,
    /// True to refuse all of its tokens, until it is false again.
    disabled: Option<bool>,
}

/// The new secret of an application.
#[derive(Serialize, ToSchema)]
struct ClientSecret {
    /// The secret. It is not shown again.
    secret: String,
    /// Until when the secret before stays valid (RFC 3339).
    #[schema(format = DateTime)]
    previous_until: String,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct OfOwner {
    /// The user or organisation that owns the applications; by default the caller.
    owner: Option<String>,
}

fn owner_name(owner: Option<String>) -> Result<Option<OwnerName>> {
    owner.map(|owner| owner.parse()).transpose()
}

async fn grant(app: &App, caller: &AuthedActor, segments: &Segments) -> Result<ClientGrant> {
    // Before the id is looked at: without permission, every id gets the same answer.
    let _ = caller.actor.holder()?;
    app.access.authorize_client(&caller.actor, known_id(segments.get("client"))?).await
}

/// Lists applications, newest first.
#[utoipa::path(get, path = "/api/v1/clients", tag = "applications", params(OfOwner),
    responses((status = 200, description = "The applications.", body = Items<OAuthClient>)))]
async fn list_clients(
    State(app): State<App>,
    caller: AuthedActor,
    Parameters(of): Parameters<OfOwner>,
) -> Result<Json<Items<OAuthClient>>> {
    let grant = app.access.authorize_developer(&caller.actor, owner_name(of.owner)?.as_ref()).await?;
    let items = app.oauth.clients(&grant).await?.into_iter().map(OAuthClient::of).collect::<Result<_>>()?;
    Ok(Json(Items { items, next_cursor: None }))
}

/// Registers an application. Its secret is shown only once.
#[utoipa::path(post, path = "/api/v1/clients", tag = "applications", request_body = NewClient,
    responses((status = 201, description = "The application with its secret.", body = RegisteredClient)))]
async fn add_client(State(app): State<App>, caller: AuthedActor, Body(new): Body<NewClient>) -> Result<Response> {
    let owner = owner_name(new.owner)?;
    let developers = app.config.oauth.developers;
    let grant = app.access.authorize_registration(&caller.actor, owner.as_ref(), developers).await?;
    let settings = ClientSettings::new(&new.name, new.home.as_deref().unwrap_or_default(), new.redirects, &new.scopes)?;
    let (row, secret) = app.oauth.register(&grant, settings, new.public).await?;
    let location = format!("/api/v1/clients/{}", row.id);
    let secret = secret.map(|secret| secret.expose().to_owned());
    Ok(created(&location, RegisteredClient { client: OAuthClient::of(row)?, secret }))
}

/// Returns an application.
#[utoipa::path(get, path = "/api/v1/clients/{client}", tag = "applications",
    params(("client" = String, Path, description = "The client id.")),
    responses((status = 200, description = "The application.", body = OAuthClient)))]
async fn show_client(State(app): State<App>, caller: AuthedActor, segments: Segments) -> Result<Json<OAuthClient>> {
    Ok(Json(OAuthClient::of(grant(&app, &caller, &segments).await?.client().clone())?))
}

/// Changes an application.
#[utoipa::path(patch, path = "/api/v1/clients/{client}", tag = "applications", request_body = ClientUpdate,
    params(("client" = String, Path, description = "The client id.")),
    responses((status = 200, description = "The application.", body = OAuthClient)))]
async fn change_client(
    State(app): State<App>,
    caller: AuthedActor,
    segments: Segments,
    Body(update): Body<ClientUpdate>,
) -> Result<Json<OAuthClient>> {
    let grant = grant(&app, &caller, &segments).await?;
    let row = grant.client().clone();
    let is_disabled = update.disabled.unwrap_or(row.disabled_at.is_some());
    let scopes = update.scopes.unwrap_or_else(|| row.scopes.split(' ').map(str::to_owned).collect());
    let urls = match update.redirects {
        Some(urls) => urls,
        None => redirects(&row)?,
    };
    let (name, home) = (update.name.unwrap_or(row.name), update.home.unwrap_or(row.home));
    let settings = ClientSettings::new(&name, &home, urls, &scopes)?;
    Ok(Json(OAuthClient::of(app.oauth.change_client(&grant, settings, is_disabled).await?)?))
}

/// Deletes an application. All of its tokens end.
#[utoipa::path(delete, path = "/api/v1/clients/{client}", tag = "applications",
    params(("client" = String, Path, description = "The client id.")),
    responses((status = 204, description = "The application was deleted.")))]
async fn delete_client(State(app): State<App>, caller: AuthedActor, segments: Segments) -> Result<StatusCode> {
    app.oauth.delete_client(&grant(&app, &caller, &segments).await?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Replaces the secret of an application. The secret before stays valid for `oauth.overlap_hours`.
#[utoipa::path(post, path = "/api/v1/clients/{client}/secret", tag = "applications",
    params(("client" = String, Path, description = "The client id.")),
    responses((status = 200, description = "The new secret.", body = ClientSecret)))]
async fn replace_client_secret(
    State(app): State<App>,
    caller: AuthedActor,
    segments: Segments,
) -> Result<Json<ClientSecret>> {
    let (secret, until) = app.oauth.replace_secret(&grant(&app, &caller, &segments).await?).await?;
    Ok(Json(ClientSecret { secret: secret.expose().to_owned(), previous_until: until.rfc3339() }))
}
