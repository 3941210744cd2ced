//! `/api/v1/oauth/requests` and `/api/v1/user/consents`: what users allow applications.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::common::{Body, Items, known_id};
use crate::access::{AccountGrant, SessionGrant};
use crate::app::App;
use crate::error::Result;
use crate::oauth::consent::{ChosenPath, ConsentResourceRow, ConsentRow, NamedConsentPathRow, Resource};
use crate::types::{Secret, ShareRight};
use crate::web::http::{AuthedActor, Routes, Segments, routes};

pub(super) fn routes(routes: Routes) -> Routes {
    routes
        .document(routes!(show_oauth_request, answer_oauth_request))
        .document(routes!(list_consents))
        .document(routes!(change_consent, revoke_consent))
        .document(routes!(list_given_paths))
}

/// What an application asks of the user.
#[derive(Serialize, ToSchema)]
struct OAuthRequest {
    /// The name of the application.
    name: String,
    /// The user or organisation that registered it.
    owner: String,
    /// The URL of its home page, if set.
    home: Option<String>,
    /// The scopes that it asks for.
    scopes: Vec<String>,
    /// The server that its access tokens are for; null for this one.
    resource: Option<OAuthResource>,
    /// The URL that the browser returns to.
    returns_to: String,
    /// The user that is asked.
    user: String,
    /// The files, folders and datasets that the user gave it before (scope `files`).
    paths: Vec<AppPath>,
}

/// Another server that an application asks an access token for.
#[derive(Serialize, ToSchema)]
struct OAuthResource {
    /// Its audience.
    audience: String,
    /// Its name.
    name: String,
}

/// A file, folder or dataset that a user gives to an application (scope `files`).
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct AppPath {
    /// The dataset: `OWNER/NAME`.
    #[schema(example = "ada/drive")]
    dataset: String,
    /// A file or folder in the dataset; empty for the whole dataset.
    #[serde(default)]
    #[schema(example = "plots/2026")]
    path: String,
    /// What the application may do with it: `view` or `edit`.
    #[schema(example = "view")]
    right: AppRight,
}

/// What an application may do with a file or a folder.
#[derive(Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum AppRight {
    /// View and download.
    View,
    /// Also edit.
    Edit,
}

impl From<AppRight> for ShareRight {
    fn from(right: AppRight) -> Self {
        match right {
            AppRight::View => Self::View,
            AppRight::Edit => Self::Edit,
        }
    }
}

impl From<NamedConsentPathRow> for AppPath {
    fn from(row: NamedConsentPathRow) -> Self {
        let dataset = format!("{}/{}", row.owner, row.dataset);
        let right = if row.right == ShareRight::Edit { AppRight::Edit } else { AppRight::View };
        Self { dataset, path: row.path, right }
    }
}

impl AppPath {
    fn chosen(&self) -> Result<ChosenPath> {
        let path = if self.path.is_empty() { None } else { Some(self.path.parse()?) };
        Ok(ChosenPath { dataset: self.dataset.parse()?, path, right: self.right.into() })
    }
}

/// The answer of the user.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct OAuthDecision {
    /// True to allow everything that is asked; false to refuse.
    pub(super) allow: bool,
    /// The files, folders and datasets that the application gets, if it asks for the scope `files`.
    #[serde(default)]
    #[schema(max_items = 100)]
    pub(super) paths: Vec<AppPath>,
}

/// Changes to what an application is allowed. Omitted values stay.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ConsentUpdate {
    /// The scopes; at most those that the application may ask for.
    #[schema(min_items = 1)]
    scopes: Option<Vec<String>>,
    /// The files, folders and datasets that the application has (scope `files`). They replace those before.
    #[schema(max_items = 100)]
    paths: Option<Vec<AppPath>>,
}

/// Where the browser goes next.
#[derive(Serialize, ToSchema)]
struct OAuthReturn {
    /// The URL of the application.
    location: String,
}

/// An application that is connected to the account.
#[derive(Serialize, ToSchema)]
struct ConnectedApp {
    /// The client id.
    client: String,
    /// The name of the application.
    name: String,
    /// The user or organisation that registered it.
    owner: String,
    /// The scopes that the user allowed.
    scopes: Vec<String>,
    /// The files, folders and datasets that the user gave it (scope `files`).
    paths: Vec<AppPath>,
    /// The audiences of other servers that it may get access tokens for.
    resources: Vec<String>,
    /// When the user changed this last (RFC 3339).
    #[schema(format = DateTime)]
    changed: String,
}

impl ConnectedApp {
    /// `paths` and `resources` are those of all applications of the user.
    fn of(row: ConsentRow, paths: &[NamedConsentPathRow], resources: &[ConsentResourceRow]) -> Self {
        let own = paths.iter().filter(|path| path.client_id == row.client_id);
        let resources = resources.iter().filter(|resource| resource.client_id == row.client_id);
        Self {
            resources: resources.filter_map(|resource| resource.audience.clone()).collect(),
            client: row.client_id.to_string(),
            name: row.client,
            owner: row.owner,
            scopes: row.scopes.split_ascii_whitespace().map(str::to_owned).collect(),
            paths: own.cloned().map(AppPath::from).collect(),
            changed: row.changed_at.rfc3339(),
        }
    }
}

/// Returns what an application asks. Requires the browser session that began the request.
#[utoipa::path(get, path = "/api/v1/oauth/requests/{ticket}", tag = "applications",
    params(("ticket" = String, Path, description = "The ticket in the URL of the consent page.")),
    responses((status = 200, description = "What is asked.", body = OAuthRequest)))]
async fn show_oauth_request(
    State(app): State<App>,
    seat: SessionGrant,
    segments: Segments,
) -> Result<Json<OAuthRequest>> {
    let asked = app.oauth.asked(&seat, &Secret::new(segments.get("ticket").to_owned())).await?;
    Ok(Json(OAuthRequest {
        name: asked.client.name,
        owner: asked.client.owner,
        home: Some(asked.client.home).filter(|home| !home.is_empty()),
        scopes: asked.scopes.names().into_iter().map(str::to_owned).collect(),
        resource: asked.resource.map(|Resource { audience, name }| OAuthResource { audience, name }),
        returns_to: asked.returns_to,
        user: seat.holder().name().to_owned(),
        paths: asked.paths.into_iter().map(AppPath::from).collect(),
    }))
}

/// Answers an application. Requires the browser session that began the request.
#[utoipa::path(post, path = "/api/v1/oauth/requests/{ticket}", tag = "applications", request_body = OAuthDecision,
    params(("ticket" = String, Path, description = "The ticket in the URL of the consent page.")),
    responses((status = 200, description = "Where the browser goes next.", body = OAuthReturn)))]
async fn answer_oauth_request(
    State(app): State<App>,
    caller: AuthedActor,
    seat: SessionGrant,
    segments: Segments,
    Body(decision): Body<OAuthDecision>,
) -> Result<Json<OAuthReturn>> {
    let ticket = Secret::new(segments.get("ticket").to_owned());
    let location = if decision.allow {
        let paths = chosen(&decision.paths)?;
        app.oauth.allow(&caller.actor, &seat, &ticket, &paths).await?
    } else {
        app.oauth.refuse(&seat, &ticket).await?
    };
    Ok(Json(OAuthReturn { location }))
}

pub(super) fn chosen(paths: &[AppPath]) -> Result<Vec<ChosenPath>> {
    paths.iter().map(AppPath::chosen).collect()
}

/// Lists the applications that are connected to the caller's account.
#[utoipa::path(get, path = "/api/v1/user/consents", tag = "applications",
    responses((status = 200, description = "The applications.", body = Items<ConnectedApp>)))]
async fn list_consents(State(app): State<App>, holder: AccountGrant) -> Result<Json<Items<ConnectedApp>>> {
    let paths = app.oauth.paths(holder.user(), None).await?;
    let resources = app.oauth.resources_of(holder.user(), None).await?;
    let consents = app.oauth.consents(&holder).await?.into_iter();
    let items = consents.map(|row| ConnectedApp::of(row, &paths, &resources)).collect();
    Ok(Json(Items { items, next_cursor: None }))
}

/// Changes what a connected application is allowed. It holds from its next request on.
#[utoipa::path(put, path = "/api/v1/user/consents/{client}", tag = "applications", request_body = ConsentUpdate,
    params(("client" = String, Path, description = "The client id.")),
    responses((status = 200, description = "The application.", body = ConnectedApp)))]
async fn change_consent(
    State(app): State<App>,
    caller: AuthedActor,
    holder: AccountGrant,
    segments: Segments,
    Body(update): Body<ConsentUpdate>,
) -> Result<Json<ConnectedApp>> {
    let client = known_id(segments.get("client"))?;
    let scopes = update.scopes.map(|scopes| scopes.join(" ").parse()).transpose()?;
    let paths = update.paths.as_deref().map(chosen).transpose()?;
    let row = app.oauth.change_consent(&caller.actor, &holder, client, scopes, paths.as_deref()).await?;
    let paths = app.oauth.paths(holder.user(), Some(client)).await?;
    Ok(Json(ConnectedApp::of(row, &paths, &app.oauth.resources_of(holder.user(), Some(client)).await?)))
}

/// Lists the files, folders and datasets that the user gave to the calling application (scope `files`).
#[utoipa::path(get, path = "/api/v1/oauth/paths", tag = "applications",
    responses((status = 200, description = "What it was given.", body = Items<AppPath>)))]
async fn list_given_paths(State(app): State<App>, caller: AuthedActor) -> Result<Json<Items<AppPath>>> {
    let (user, client) = caller.actor.application()?;
    let items = app.oauth.paths(user, Some(client)).await?.into_iter().map(AppPath::from).collect();
    Ok(Json(Items { items, next_cursor: None }))
}

/// Disconnects an application from the caller's account. All of its tokens for this user end.
#[utoipa::path(delete, path = "/api/v1/user/consents/{client}", tag = "applications",
    params(("client" = String, Path, description = "The client id.")),
    responses((status = 204, description = "The application was disconnected.")))]
async fn revoke_consent(State(app): State<App>, holder: AccountGrant, segments: Segments) -> Result<StatusCode> {
    app.oauth.revoke_consent(&holder, known_id(segments.get("client"))?).await?;
    Ok(StatusCode::NO_CONTENT)
}
