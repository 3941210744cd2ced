//! `/api/v1/clients`: applications that act for users (OAuth clients), for their developers.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::common::{Body, Items, created, known_id};
use super::shapes;
use crate::access::{ActingGrant, ClientGrant};
use crate::app::App;
use crate::error::Result;
use crate::oauth::clients::{ClientRow, ClientSettings, GRANTS, UncheckedSettings, urls};
use crate::oauth::platform_config::PlatformConfig;
use crate::oauth::resources::ResourceRow;
use crate::oauth::roles::roles_of;
use crate::types::{Id, OwnerName, PlatformRole};
use crate::web::http::{AuthedActor, Parameters, Routes, Segments, routes};

pub(super) fn routes(routes: Routes) -> Routes {
    routes
        .document(routes!(list_clients, add_client))
        .document(routes!(show_client, change_client, delete_client))
        .document(routes!(replace_client_secret))
        .document(routes!(client_config))
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
    /// The grant types that it may use.
    grants: Vec<String>,
    /// The scopes that it may ask for.
    scopes: Vec<String>,
    /// The account that it acts as with client credentials, if set.
    acts_as: Option<String>,
    /// The redirect URLs after a logout.
    logout_redirects: Vec<String>,
    /// The URL to notify when a login ends (OpenID Connect Back-Channel Logout), if set.
    logout_url: Option<String>,
    /// Which data platform application it is; null if none of the catalogue.
    application: Option<String>,
    /// The platform roles that may sign in; empty for all users that the application admits.
    roles: Vec<PlatformRole>,
    /// The exceptions to the rules for applications; see `POST`.
    traits: Vec<String>,
    /// The URI by which other applications ask for access tokens for it, if it is a server of its own.
    audience: Option<String>,
    /// The audiences of other applications that it may ask access tokens for.
    resources: Vec<String>,
    /// True if it has no secret, as a program on the user's machine or in a page.
    public: bool,
    /// True if none of its tokens works.
    disabled: bool,
    /// When it was registered (RFC 3339).
    #[schema(format = DateTime)]
    created: String,
}

impl OAuthClient {
    /// `resources` are those of all applications of the owner.
    fn of(row: ClientRow, resources: &[ResourceRow]) -> Result<Self> {
        let own = resources.iter().filter(|resource| resource.client_id == row.id);
        Ok(Self {
            redirects: urls(&row.redirects)?,
            logout_redirects: urls(&row.logout_redirects)?,
            roles: roles_of(&row)?,
            resources: own.filter_map(|resource| resource.audience.clone()).collect(),
            traits: row.traits.split_ascii_whitespace().map(str::to_owned).collect(),
            audience: row.audience,
            logout_url: row.logout_url,
            grants: row.grants.split_ascii_whitespace().map(str::to_owned).collect(),
            acts_as: row.acts_as_name,
            application: row.application,
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
    #[schema(
        max_length = 100,
        pattern = r"^[^\u0000-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]*[^\s][^\u0000-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]*$"
    )]
    name: String,
    /// The user or organisation that owns it; by default the caller.
    #[schema(value_type = Option<shapes::OwnerName>)]
    owner: Option<String>,
    /// The URL of its home page.
    #[schema(max_length = 2048)]
    home: Option<String>,
    /// The redirect URLs: `https`, or `http` on a loopback address. A URL on `127.0.0.1` or `[::1]` matches with any port.
    #[serde(default)]
    #[schema(max_items = 20)]
    redirects: Vec<String>,
    /// The grant types that it may use: `authorization_code`, `refresh_token`, `client_credentials`,
    /// `urn:ietf:params:oauth:grant-type:device_code`. By default the first two. Empty for a server that only has an
    /// `audience`.
    grants: Option<Vec<String>>,
    /// The scopes that it may ask for: `openid`, `profile`, `email`, `groups`, `offline_access`, `read`, `write`,
    /// `files`. Empty for a server that only has an `audience`.
    scopes: Vec<String>,
    /// The account that it acts as with client credentials: the caller's own, for an application of the caller.
    /// Administrators can choose another one.
    #[schema(value_type = Option<shapes::OwnerName>)]
    acts_as: Option<String>,
    /// The redirect URLs after a logout.
    #[serde(default)]
    #[schema(max_items = 20)]
    logout_redirects: Vec<String>,
    /// The URL to notify when a login ends (OpenID Connect Back-Channel Logout).
    #[schema(max_length = 2048)]
    logout_url: Option<String>,
    /// Which data platform application it is: `airflow`, `clickhouse`, `jupyterhub` or `superset`. Only users whose
    /// platform role has a role there can sign in. For applications of an organisation.
    application: Option<String>,
    /// The platform roles that may sign in; empty for all. For applications of an organisation.
    #[serde(default)]
    roles: Vec<PlatformRole>,
    /// Exceptions: `trusted` (users are not asked; only administrators can set it), `no-pkce` (it does not use PKCE; not
    /// for public applications), `free-query` (redirect URLs are compared without their query).
    #[serde(default)]
    #[schema(max_items = 3)]
    traits: Vec<String>,
    /// If it is a server of its own: the URI by which other applications ask for access tokens for it (RFC 8707).
    #[schema(max_length = 255)]
    audience: Option<String>,
    /// The audiences of other applications of the same owner that it may ask access tokens for. Administrators can name
    /// those of other owners.
    #[serde(default)]
    #[schema(max_items = 20)]
    resources: Vec<String>,
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
    #[schema(max_items = 20)]
    redirects: Option<Vec<String>>,
    /// The grant types that it may use.
    grants: Option<Vec<String>>,
    /// The scopes that it may ask for.
    scopes: Option<Vec<String>>,
    /// The account that it acts as with client credentials; empty for none.
    acts_as: Option<String>,
    /// The redirect URLs after a logout.
    #[schema(max_items = 20)]
    logout_redirects: Option<Vec<String>>,
    /// The URL to notify when a login ends; empty for none.
    #[schema(max_length = 2048)]
    logout_url: Option<String>,
    /// Which data platform application it is; empty for none.
    application: Option<String>,
    /// The platform roles that may sign in; empty for all.
    roles: Option<Vec<PlatformRole>>,
    /// The exceptions: `trusted`, `no-pkce`, `free-query`.
    #[schema(max_items = 3)]
    traits: Option<Vec<String>>,
    /// The URI by which other applications ask for access tokens for it; empty for none.
    #[schema(max_length = 255)]
    audience: Option<String>,
    /// The audiences of other applications that it may ask access tokens for.
    #[schema(max_items = 20)]
    resources: Option<Vec<String>>,
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

/// A configuration file.
#[derive(Serialize, ToSchema)]
struct ConfigFile {
    /// The name of the file.
    name: String,
    /// The text.
    text: String,
}

/// The configuration of a data platform application that signs its users in here.
#[derive(Serialize, ToSchema)]
pub(super) struct ClientConfig {
    /// Which application it is.
    application: String,
    /// The files.
    files: Vec<ConfigFile>,
    /// The environment variables with secrets that the files read.
    environment: Vec<String>,
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
    let resources = app.oauth.resources(&grant).await?;
    let rows = app.oauth.clients(&grant).await?.into_iter();
    let items = rows.map(|row| OAuthClient::of(row, &resources)).collect::<Result<_>>()?;
    Ok(Json(Items { items, next_cursor: None }))
}

/// Registers an application. Its secret is shown only once.
#[utoipa::path(post, path = "/api/v1/clients", tag = "applications", request_body = NewClient,
    responses((status = 201, description = "The application with its secret.", body = RegisteredClient)))]
async fn add_client(State(app): State<App>, caller: AuthedActor, Body(new): Body<NewClient>) -> Result<Response> {
    let owner = owner_name(new.owner)?;
    let developers = app.config.oauth.developers;
    let grant = app.access.authorize_registration(&caller.actor, owner.as_ref(), developers).await?;
    let settings = ClientSettings::new(UncheckedSettings {
        name: new.name,
        home: new.home.unwrap_or_default(),
        redirects: new.redirects,
        grants: new.grants.unwrap_or_else(|| GRANTS[..2].iter().map(|&grant| grant.to_owned()).collect()),
        scopes: new.scopes,
        logout_redirects: new.logout_redirects,
        logout_url: new.logout_url.unwrap_or_default(),
        traits: new.traits,
        audience: new.audience.unwrap_or_default(),
        resources: Some(new.resources),
    })?;
    let settings = settings.with_platform(&grant, new.application, new.roles)?;
    let acts_as = acting(&app, &caller, Some(grant.owner()), new.acts_as).await?.flatten();
    let (row, secret) = app.oauth.register(&grant, settings, acts_as.as_ref(), new.public).await?;
    let location = format!("/api/v1/clients/{}", row.id);
    let secret = secret.map(|secret| secret.expose().to_owned());
    let client = OAuthClient::of(row, &app.oauth.resources(&grant).await?)?;
    Ok(created(&location, RegisteredClient { client, secret }))
}

/// Returns an application.
#[utoipa::path(get, path = "/api/v1/clients/{client}", tag = "applications",
    params(("client" = String, Path, description = "The client id.")),
    responses((status = 200, description = "The application.", body = OAuthClient)))]
async fn show_client(State(app): State<App>, caller: AuthedActor, segments: Segments) -> Result<Json<OAuthClient>> {
    let grant = grant(&app, &caller, &segments).await?;
    let resources = app.oauth.resources(grant.developer()).await?;
    Ok(Json(OAuthClient::of(grant.client().clone(), &resources)?))
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
    let acts_as = acting(&app, &caller, grant.client().owner_id, update.acts_as.clone()).await?;
    let (developer, is_disabled) = (grant.developer(), update.disabled);
    let settings = |row: ClientRow| {
        let (settings, application, roles) = update.settings(row)?;
        settings.with_platform(developer, application, roles)
    };
    let row = app.oauth.change_client(&grant, settings, acts_as, is_disabled).await?;
    Ok(Json(OAuthClient::of(row, &app.oauth.resources(grant.developer()).await?)?))
}

impl ClientUpdate {
    /// Returns the settings of an application with these changes, which application of the catalogue it is, and its
    /// platform roles.
    fn settings(self, row: ClientRow) -> Result<(ClientSettings, Option<String>, Vec<PlatformRole>)> {
        let words = |text: &str| text.split_ascii_whitespace().map(str::to_owned).collect();
        let urls = |sent: Option<Vec<String>>, stored: &str| sent.map_or_else(|| urls(stored), Ok);
        let roles = self.roles.map_or_else(|| roles_of(&row), Ok)?;
        let application = self.application.or(row.application).filter(|name| !name.is_empty());
        let settings = ClientSettings::new(UncheckedSettings {
            name: self.name.unwrap_or(row.name),
            home: self.home.unwrap_or(row.home),
            redirects: urls(self.redirects, &row.redirects)?,
            grants: self.grants.unwrap_or_else(|| words(&row.grants)),
            scopes: self.scopes.unwrap_or_else(|| words(&row.scopes)),
            logout_redirects: urls(self.logout_redirects, &row.logout_redirects)?,
            logout_url: self.logout_url.or(row.logout_url).unwrap_or_default(),
            traits: self.traits.unwrap_or_else(|| words(&row.traits)),
            audience: self.audience.or(row.audience).unwrap_or_default(),
            resources: self.resources,
        })?;
        Ok((settings, application, roles))
    }
}

/// Checks the account that an application of `owner` is to act as; an empty name stands for none.
async fn acting(
    app: &App,
    caller: &AuthedActor,
    owner: Option<Id>,
    account: Option<String>,
) -> Result<Option<Option<ActingGrant>>> {
    Ok(match account {
        None => None,
        Some(account) if account.is_empty() => Some(None),
        Some(account) => Some(Some(app.access.authorize_acting(&caller.actor, owner, &account.parse()?).await?)),
    })
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

/// Returns the configuration files of a data platform application. They have no secrets.
#[utoipa::path(get, path = "/api/v1/clients/{client}/config", tag = "applications",
    params(("client" = String, Path, description = "The client id.")),
    responses((status = 200, description = "The files.", body = ClientConfig),
        (status = 409, description = "The application is not one of the catalogue, or lacks a scope or a secret.")))]
async fn client_config(State(app): State<App>, caller: AuthedActor, segments: Segments) -> Result<Json<ClientConfig>> {
    let made = app.oauth.platform_config(&grant(&app, &caller, &segments).await?).await?;
    caller.charge(made.files.len());
    Ok(Json(made.into()))
}

impl From<PlatformConfig> for ClientConfig {
    fn from(made: PlatformConfig) -> Self {
        let files = made.files.into_iter().map(|file| ConfigFile { name: file.name.to_owned(), text: file.text });
        Self {
            application: made.application.to_owned(),
            files: files.collect(),
            environment: made.environment.into_iter().map(str::to_owned).collect(),
        }
    }
}
