//! `/api/v1/apps`: installed apps, for their owners.

use std::time::Duration;

use axum::Json;
use axum::body::Body as HttpBody;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use futures::StreamExt as _;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::catalogue::AppLimits;
use super::clients::ClientConfig;
use super::common::{Body, Items};
use super::consents::AppRight;
use super::shapes;
use crate::access::applications::application;
use crate::access::{AccountGrant, AdminGrant, InstallGrant, SessionGrant};
use crate::app::App;
use crate::apps::backend::{Egress, LogQuery};
use crate::apps::control::InstallChange;
use crate::apps::installs::{InstallRow, Source, manifest};
use crate::apps::manifest::Kind;
use crate::error::{Error, Result};
use crate::oauth::consent::ChosenPath;
use crate::types::{InstallState, Millis, Visibility, WantedState};
use crate::web::http::{AuthedActor, Parameters, Routes, Segments, routes};

/// The default number of lines of a log, and the most.
const LOG_LINES: (u32, u32) = (200, 10_000);
/// How long a log can be followed with one request.
const FOLLOW_TIMEOUT: Duration = Duration::from_mins(30);
/// Interval at which the right to follow it is checked.
const FOLLOW_CHECK: Duration = Duration::from_secs(5);

pub(super) fn routes(routes: Routes) -> Routes {
    routes
        .document(routes!(list_apps))
        .document(routes!(install_app))
        .document(routes!(show_app, change_app, uninstall_app))
        .document(routes!(want_app))
        .document(routes!(app_logs))
        .document(routes!(open_with_app))
        .document(routes!(app_config))
        .document(routes!(app_password))
        .document(routes!(list_all_apps))
        .document(routes!(stop_all_apps))
}

/// An installed app.
#[derive(Serialize, ToSchema)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
struct InstalledApp {
    /// The user or organisation that owns it.
    owner: String,
    /// The name of the install.
    name: String,
    /// The name in the catalogue; null for none.
    app: Option<String>,
    /// The name for people.
    title: String,
    /// What it does.
    summary: String,
    /// What runs it.
    kind: Kind,
    /// Its URL.
    url: String,
    /// The host name that its owner chose; null for none.
    host: Option<String>,
    /// Who can use it, beside the owner or the members of the owning organisation.
    visibility: Visibility,
    /// The widest visibility that its owner can choose.
    widest: Visibility,
    /// What it should be.
    wanted: WantedState,
    /// What it is.
    state: InstallState,
    /// Why, if there is something to say.
    reason: Option<String>,
    /// The image with its digest; null if it is not a container.
    image: Option<String>,
    /// What it can use at most.
    limits: AppLimits,
    /// True if it has storage that is kept.
    has_volume: bool,
    /// The file types that it opens.
    opens: Vec<String>,
    /// The OAuth scopes that it asks its users for.
    scopes: Vec<String>,
    /// What it can reach.
    egress: Egress,
    /// True if it gets the name of the user with each request.
    identity: bool,
    /// True if it can be paused; otherwise pausing stops it.
    can_pause: bool,
    /// True if its users sign in to it with a password from here.
    takes_password: bool,
    /// True if it is not paused or stopped while it is idle.
    keep_running: bool,
    /// The client id of its OAuth client; null for none.
    client: Option<String>,
    /// When its process was started (RFC 3339).
    #[schema(format = DateTime)]
    started: Option<String>,
    /// When it was last used, to the minute (RFC 3339).
    #[schema(format = DateTime)]
    last_used: String,
    /// When it was installed (RFC 3339).
    #[schema(format = DateTime)]
    created: String,
}

impl InstalledApp {
    fn of(app: &App, row: &InstallRow) -> Result<Self> {
        let manifest = manifest(row)?;
        let limits = manifest.run_limits(&app.config.apps);
        Ok(Self {
            owner: row.owner.clone(),
            name: row.name.clone(),
            app: Some(row.app.clone()).filter(|name| !name.is_empty()),
            url: app.apps.base_of(row, &manifest),
            host: row.host.clone(),
            visibility: row.visibility,
            widest: manifest.widest,
            wanted: row.wanted,
            state: row.state,
            reason: Some(row.reason.clone()).filter(|reason| !reason.is_empty()),
            image: row.image.clone(),
            limits: limits.into(),
            has_volume: row.volume_id.is_some(),
            egress: manifest.allowed_egress(&app.config.apps),
            identity: manifest.identity,
            can_pause: row.image.is_some() && app.apps.can_pause(),
            takes_password: row.client_id.is_some()
                && row.wanted != WantedState::Removed
                && application(&row.app).is_some_and(|entry| entry.passwords),
            keep_running: row.keep_running,
            client: row.client_id.map(|id| id.to_string()),
            started: row.started_at.map(Millis::rfc3339),
            last_used: row.last_used_at.rfc3339(),
            created: row.created_at.rfc3339(),
            title: manifest.title,
            summary: manifest.summary,
            kind: manifest.kind,
            opens: manifest.opens,
            scopes: manifest.scopes.split_ascii_whitespace().map(str::to_owned).collect(),
        })
    }
}

/// What to install: an app of the catalogue, or an image.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewInstall {
    /// The name in the catalogue.
    app: Option<String>,
    /// An image without an entry in the catalogue, if the site allows it.
    #[schema(max_length = 400)]
    image: Option<String>,
    /// The name of the install; by default that in the catalogue.
    #[schema(max_length = 96)]
    name: Option<String>,
    /// The digest of the image that was shown: nothing else is installed. Required for containers.
    digest: Option<String>,
}

/// Changes to an installed app. Omitted values stay.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct InstallUpdate {
    /// Who can use it.
    #[schema(value_type = Option<Visibility>)]
    visibility: Option<String>,
    /// A host name below that of all apps; empty for none.
    #[schema(max_length = 63)]
    host: Option<String>,
    /// True to keep it running while it is idle.
    keep_running: Option<bool>,
    /// The digest of another version of its image.
    digest: Option<String>,
}

/// What an app should be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Wanted {
    /// `running`, `paused` or `stopped`.
    #[schema(value_type = WantedState)]
    wanted: String,
}

/// What to open with an app.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct OpenWith {
    /// The dataset: `OWNER/NAME`.
    #[schema(example = "ada/drive")]
    dataset: String,
    /// A file or folder in the dataset; empty for the whole dataset.
    #[serde(default)]
    path: String,
    /// What the app may do with it: `view` or `edit`.
    right: AppRight,
    /// The revision that is shown; by default the newest.
    #[serde(default)]
    #[schema(max_length = 200)]
    revision: String,
}

/// Where the browser goes next.
#[derive(Serialize, ToSchema)]
struct AppLocation {
    /// A URL of the app.
    location: String,
}

/// A password for an application.
#[derive(Serialize, ToSchema)]
struct AppPassword {
    /// The user name.
    user: String,
    /// The password. It is not shown again.
    password: String,
    /// When it expires (RFC 3339).
    #[schema(format = DateTime)]
    expires: String,
}

/// The number of apps that are being stopped.
#[derive(Serialize, ToSchema)]
struct StoppedApps {
    /// Their number.
    stopped: usize,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Logs {
    /// The number of lines at the end; 200 by default, at most 10000.
    tail: Option<u32>,
    /// True to go on with new lines until the app stops.
    #[serde(default)]
    follow: bool,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Uninstalling {
    /// What happens to its volume: `keep` or `remove`. Required if it has one.
    volume: Option<String>,
}

async fn grant(app: &App, caller: &AuthedActor, segments: &Segments) -> Result<InstallGrant> {
    // Before the names are looked at: without permission, every name gets the same answer.
    let _ = caller.actor.holder()?;
    let missing = |_| Error::not_found("there is no such app, or you cannot use it");
    let owner = segments.get("owner").parse().map_err(missing)?;
    app.access.authorize_install(&caller.actor, &owner, segments.get("name")).await
}

fn listed(app: &App, rows: &[InstallRow]) -> Result<Json<Items<InstalledApp>>> {
    let items = rows.iter().map(|row| InstalledApp::of(app, row)).collect::<Result<_>>()?;
    Ok(Json(Items { items, next_cursor: None }))
}

/// Lists the apps of the caller and of the caller's organisations.
#[utoipa::path(get, path = "/api/v1/apps", tag = "apps",
    responses((status = 200, description = "The apps.", body = Items<InstalledApp>)))]
async fn list_apps(State(app): State<App>, holder: AccountGrant) -> Result<Json<Items<InstalledApp>>> {
    listed(&app, &app.apps.installs(&holder).await?)
}

/// Installs an app for a user or an organisation, and starts it.
#[utoipa::path(post, path = "/api/v1/apps/{owner}", tag = "apps", request_body = NewInstall,
    params(("owner" = shapes::OwnerName, Path, description = "The user or organisation.")),
    responses((status = 202, description = "The app, which is being installed.", body = InstalledApp),
        (status = 409, description = "The image is not the one that was shown, the name is taken, or there is no room.")))]
async fn install_app(
    State(app): State<App>,
    caller: AuthedActor,
    segments: Segments,
    Body(new): Body<NewInstall>,
) -> Result<Response> {
    let _ = caller.actor.holder()?;
    let owner = segments.get("owner").parse().map_err(|_| Error::not_found("there is no such owner"))?;
    let grant = app.access.authorize_developer(&caller.actor, Some(&owner)).await?;
    let (source, default) = match (new.app, new.image) {
        (Some(name), None) => (Source::App(name.clone()), Some(name)),
        (None, Some(image)) => (Source::Image(image.parse()?), None),
        _ => return Err(Error::invalid("send either `app` or `image`")),
    };
    let name = new.name.or(default).ok_or_else(|| Error::invalid("`name` is missing"))?.parse()?;
    let row = app.apps.install(&grant, &source, &name, new.digest.as_deref()).await?;
    Ok((StatusCode::ACCEPTED, Json(InstalledApp::of(&app, &row)?)).into_response())
}

/// Returns an installed app.
#[utoipa::path(get, path = "/api/v1/apps/{owner}/{name}", tag = "apps",
    params(("owner" = shapes::OwnerName, Path, description = "The user or organisation."),
        ("name" = String, Path, description = "The name of the install.")),
    responses((status = 200, description = "The app.", body = InstalledApp)))]
async fn show_app(State(app): State<App>, caller: AuthedActor, segments: Segments) -> Result<Json<InstalledApp>> {
    Ok(Json(InstalledApp::of(&app, grant(&app, &caller, &segments).await?.install())?))
}

/// Changes an installed app. With another digest, it is started anew.
#[utoipa::path(patch, path = "/api/v1/apps/{owner}/{name}", tag = "apps", request_body = InstallUpdate,
    params(("owner" = shapes::OwnerName, Path, description = "The user or organisation."),
        ("name" = String, Path, description = "The name of the install.")),
    responses((status = 200, description = "The app.", body = InstalledApp)))]
async fn change_app(
    State(app): State<App>,
    caller: AuthedActor,
    segments: Segments,
    Body(update): Body<InstallUpdate>,
) -> Result<Json<InstalledApp>> {
    let grant = grant(&app, &caller, &segments).await?;
    let change = InstallChange {
        visibility: update.visibility.map(|text| text.parse()).transpose()?,
        host: update.host.map(|host| Some(host).filter(|host| !host.is_empty())),
        keep_running: update.keep_running,
        digest: update.digest,
    };
    Ok(Json(InstalledApp::of(&app, &app.apps.change(&grant, change).await?)?))
}

/// Uninstalls an app.
#[utoipa::path(delete, path = "/api/v1/apps/{owner}/{name}", tag = "apps",
    params(("owner" = shapes::OwnerName, Path, description = "The user or organisation."),
        ("name" = String, Path, description = "The name of the install."), Uninstalling),
    responses((status = 202, description = "The app is being removed.")))]
async fn uninstall_app(
    State(app): State<App>,
    caller: AuthedActor,
    segments: Segments,
    Parameters(query): Parameters<Uninstalling>,
) -> Result<StatusCode> {
    let grant = grant(&app, &caller, &segments).await?;
    let keeps_volume = match query.volume.as_deref() {
        Some("keep") => true,
        Some("remove") => false,
        None if grant.install().volume_id.is_none() => true,
        _ => return Err(Error::invalid("the app has a volume: add `?volume=keep` or `?volume=remove`")),
    };
    app.apps.uninstall(&grant, keeps_volume).await?;
    Ok(StatusCode::ACCEPTED)
}

/// Starts, stops, pauses or unpauses an app. An app that cannot be paused is stopped.
#[utoipa::path(put, path = "/api/v1/apps/{owner}/{name}/wanted", tag = "apps", request_body = Wanted,
    params(("owner" = shapes::OwnerName, Path, description = "The user or organisation."),
        ("name" = String, Path, description = "The name of the install.")),
    responses((status = 202, description = "The app, as it is now.", body = InstalledApp)))]
async fn want_app(
    State(app): State<App>,
    caller: AuthedActor,
    segments: Segments,
    Body(wanted): Body<Wanted>,
) -> Result<Response> {
    let grant = grant(&app, &caller, &segments).await?;
    let row = app.apps.want(&grant, wanted.wanted.parse()?).await?;
    Ok((StatusCode::ACCEPTED, Json(InstalledApp::of(&app, &row)?)).into_response())
}

/// Returns the log of an app; that of the last run if it does not run.
#[utoipa::path(get, path = "/api/v1/apps/{owner}/{name}/logs", tag = "apps",
    params(("owner" = shapes::OwnerName, Path, description = "The user or organisation."),
        ("name" = String, Path, description = "The name of the install."), Logs),
    responses((status = 200, description = "The log.", content_type = "text/plain", body = String)))]
async fn app_logs(
    State(app): State<App>,
    caller: AuthedActor,
    segments: Segments,
    Parameters(query): Parameters<Logs>,
) -> Result<Response> {
    let grant = grant(&app, &caller, &segments).await?;
    let tail = query.tail.unwrap_or(LOG_LINES.0).min(LOG_LINES.1);
    let log = app.apps.logs(&grant, LogQuery { tail, follow: query.follow }).await?;
    let log = log.take_until(Box::pin(async move { until_refused(&app, &grant).await }));
    Ok(([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], HttpBody::from_stream(log)).into_response())
}

/// Waits until the caller of a log may no longer read it, or has followed it for long enough.
async fn until_refused(app: &App, grant: &InstallGrant) {
    let until = tokio::time::Instant::now() + FOLLOW_TIMEOUT;
    while tokio::time::Instant::now() < until {
        tokio::time::sleep(FOLLOW_CHECK).await;
        if !app.access.still_manages(grant).await.unwrap_or(false) {
            return;
        }
    }
}

/// Opens a file, a folder or a dataset with an app: gives the app access to it, as far as the caller has it.
#[utoipa::path(post, path = "/api/v1/apps/{owner}/{name}/open", tag = "apps", request_body = OpenWith,
    params(("owner" = shapes::OwnerName, Path, description = "The user or organisation."),
        ("name" = String, Path, description = "The name of the install.")),
    responses((status = 200, description = "Where the browser goes next.", body = AppLocation)))]
async fn open_with_app(
    State(app): State<App>,
    caller: AuthedActor,
    seat: SessionGrant,
    segments: Segments,
    Body(open): Body<OpenWith>,
) -> Result<Json<AppLocation>> {
    let missing = || Error::not_found("there is no such app, or you cannot use it");
    let install = app.apps.by_name(segments.get("owner"), segments.get("name")).await?.ok_or_else(missing)?;
    let grant = app.access.authorize_app_opening(&caller.actor, &install).await?;
    let path = if open.path.is_empty() { None } else { Some(open.path.parse()?) };
    let chosen = ChosenPath { dataset: open.dataset.parse()?, path, right: open.right.into() };
    if open.revision.len() > 200 {
        return Err(Error::invalid("`revision` is too long"));
    }
    let location = app.apps.open_with(&caller.actor, &seat, &grant, &chosen, &open.revision).await?;
    Ok(Json(AppLocation { location }))
}

/// Returns the configuration files of a data platform application that is installed as an external app. They have no
/// secrets: `POST /api/v1/clients/{client}/secret` returns one.
#[utoipa::path(get, path = "/api/v1/apps/{owner}/{name}/config", tag = "apps",
    params(("owner" = shapes::OwnerName, Path, description = "The user or organisation."),
        ("name" = String, Path, description = "The name of the install.")),
    responses((status = 200, description = "The files.", body = ClientConfig),
        (status = 409, description = "It is not such an application.")))]
async fn app_config(State(app): State<App>, caller: AuthedActor, segments: Segments) -> Result<Json<ClientConfig>> {
    let grant = grant(&app, &caller, &segments).await?;
    let client = grant.install().client_id.ok_or_else(|| Error::conflict("this app has no OAuth client"))?;
    let client = app.access.authorize_client(&caller.actor, client).await?;
    Ok(Json(app.oauth.platform_config(&client).await?.into()))
}

/// Returns a password with which the caller signs in to a data platform application, such as ClickHouse, for 12 hours.
#[utoipa::path(post, path = "/api/v1/apps/{owner}/{name}/password", tag = "apps",
    params(("owner" = shapes::OwnerName, Path, description = "The organisation."),
        ("name" = String, Path, description = "The name of the install.")),
    responses((status = 200, description = "The password.", body = AppPassword),
        (status = 403, description = "The caller's platform role does not allow signing in."),
        (status = 409, description = "It is not such an application.")))]
async fn app_password(State(app): State<App>, caller: AuthedActor, segments: Segments) -> Result<Json<AppPassword>> {
    let holder = caller.actor.holder()?;
    let install = app.apps.member_install(&holder, segments.get("owner"), segments.get("name")).await?;
    let client = match install.client_id {
        Some(client) => app.oauth.enabled_client(&client.to_string()).await?,
        None => None,
    };
    let client = client.ok_or_else(|| Error::conflict("this app has no OAuth client"))?;
    let (password, expires) = app.oauth.app_password(&holder, &client).await?;
    let user = holder.name().to_owned();
    Ok(Json(AppPassword { user, password: password.expose().to_owned(), expires: expires.rfc3339() }))
}

/// Lists all apps of the site.
#[utoipa::path(get, path = "/api/v1/admin/apps", tag = "admin",
    responses((status = 200, description = "The apps.", body = Items<InstalledApp>)))]
async fn list_all_apps(State(app): State<App>, grant: AdminGrant) -> Result<Json<Items<InstalledApp>>> {
    listed(&app, &app.apps.all_installs(&grant).await?)
}

/// Stops all apps of the site.
#[utoipa::path(post, path = "/api/v1/admin/apps/stop", tag = "admin",
    responses((status = 202, description = "The number of apps that are being stopped.", body = StoppedApps)))]
async fn stop_all_apps(State(app): State<App>, grant: AdminGrant) -> Result<Response> {
    let stopped = app.apps.stop_all(&grant).await?;
    Ok((StatusCode::ACCEPTED, Json(StoppedApps { stopped })).into_response())
}
