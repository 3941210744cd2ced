//! `/api/v1/catalogue`: the apps that can be installed by name.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::common::{Body, Items};
use crate::access::{AccountGrant, AdminGrant};
use crate::app::App;
use crate::apps::backend::{Egress, RunLimits};
use crate::apps::catalogue::CatalogueEntry;
use crate::apps::manifest::Kind;
use crate::error::Result;
use crate::types::Visibility;
use crate::web::http::{Parameters, Routes, Segments, routes};

pub(super) fn routes(routes: Routes) -> Routes {
    routes
        .document(routes!(list_catalogue))
        .document(routes!(show_catalogue_app))
        .document(routes!(resolve_image))
        .document(routes!(put_catalogue_app, delete_catalogue_app))
}

/// An app that can be installed.
#[derive(Serialize, ToSchema)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub(super) struct CatalogueApp {
    /// Its name.
    name: String,
    /// Its name for people.
    title: String,
    /// What it does.
    summary: String,
    /// What runs it.
    kind: Kind,
    /// The image of a container.
    image: Option<String>,
    /// The digest that an install would pin, if it was asked for with `resolve`.
    digest: Option<String>,
    /// The OAuth scopes that it asks its users for.
    scopes: Vec<String>,
    /// The file types that it opens: extensions such as `.csv`, or media types.
    opens: Vec<String>,
    /// What it can reach.
    egress: Egress,
    /// True if it gets the name of the user with each request.
    identity: bool,
    /// What it can use at most on this site.
    limits: AppLimits,
    /// True if it has storage that is kept.
    has_volume: bool,
    /// The widest visibility that an owner can choose.
    widest: Visibility,
    /// True if it can be installed.
    enabled: bool,
    /// True if it is installed for each new account.
    preinstalled: bool,
    /// Why it cannot be installed on this server; null if it can.
    unavailable: Option<String>,
    /// The manifest (TOML), for administrators.
    manifest: Option<String>,
}

/// What an app can use.
#[derive(Serialize, ToSchema)]
pub(super) struct AppLimits {
    /// Memory, in megabytes.
    memory_mb: u32,
    /// CPU time, in cores.
    cpus: f64,
    /// Processes and threads.
    pids: u32,
}

impl From<RunLimits> for AppLimits {
    fn from(limits: RunLimits) -> Self {
        let RunLimits { memory_mb, cpu_millis, pids } = limits;
        Self { memory_mb, cpus: f64::from(cpu_millis) / 1000.0, pids }
    }
}

/// An app for the catalogue.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewCatalogueApp {
    /// The manifest (TOML).
    #[schema(max_length = 32768)]
    manifest: String,
    /// False to forbid new installs.
    #[serde(default = "yes")]
    enabled: bool,
    /// True to install it for each new account.
    #[serde(default)]
    preinstalled: bool,
}

fn yes() -> bool {
    true
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Resolving {
    /// True to look the image up in its registry.
    #[serde(default)]
    resolve: bool,
}

fn shown(app: &App, entry: CatalogueEntry, digest: Option<String>, is_admin: bool) -> CatalogueApp {
    let CatalogueEntry { manifest, source, enabled, preinstalled } = entry;
    let limits = manifest.run_limits(&app.config.apps);
    let unavailable = match (&app.config.apps.url, manifest.kind) {
        (None, _) => Some("this server has no apps: set `apps.url` (see docs/apps.md)"),
        (Some(_), Kind::Container) => app.apps.missing_engine(),
        (Some(_), Kind::Service | Kind::External) => None,
    };
    CatalogueApp {
        egress: manifest.allowed_egress(&app.config.apps),
        identity: manifest.identity,
        limits: limits.into(),
        name: manifest.name,
        title: manifest.title,
        summary: manifest.summary,
        kind: manifest.kind,
        image: manifest.image,
        digest,
        scopes: manifest.scopes.split_ascii_whitespace().map(str::to_owned).collect(),
        opens: manifest.opens,
        has_volume: manifest.volume.is_some(),
        widest: manifest.widest,
        enabled,
        preinstalled,
        unavailable: unavailable.map(str::to_owned),
        manifest: is_admin.then_some(source),
    }
}

/// Lists the apps of the catalogue.
#[utoipa::path(get, path = "/api/v1/catalogue", tag = "apps",
    responses((status = 200, description = "The apps.", body = Items<CatalogueApp>)))]
async fn list_catalogue(State(app): State<App>, holder: AccountGrant) -> Result<Json<Items<CatalogueApp>>> {
    let is_admin = app.access.is_site_administrator(&holder).await?;
    let entries = app.apps.catalogue().await?.into_iter();
    let entries = entries.filter(|entry| entry.enabled || is_admin);
    let items = entries.map(|entry| shown(&app, entry, None, is_admin)).collect();
    Ok(Json(Items { items, next_cursor: None }))
}

/// Returns an app of the catalogue. With `resolve`, also the digest of its image now, which an install must name.
#[utoipa::path(get, path = "/api/v1/catalogue/{app}", tag = "apps",
    params(("app" = String, Path, description = "The name of the app."), Resolving),
    responses((status = 200, description = "The app.", body = CatalogueApp)))]
async fn show_catalogue_app(
    State(app): State<App>,
    holder: AccountGrant,
    Parameters(query): Parameters<Resolving>,
    segments: Segments,
) -> Result<Json<CatalogueApp>> {
    let is_admin = app.access.is_site_administrator(&holder).await?;
    let entry = app.apps.catalogue_entry(segments.get("app")).await?;
    let digest = match entry.manifest.image.as_deref().filter(|_| query.resolve) {
        Some(image) => Some(app.apps.resolve(&image.parse()?).await?),
        None => None,
    };
    Ok(Json(shown(&app, entry, digest, is_admin)))
}

/// An image in its registry.
#[derive(Serialize, ToSchema)]
struct ResolvedImage {
    /// The image.
    image: String,
    /// Its digest now.
    digest: String,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct ResolvingImage {
    /// The image, such as `registry.example.org/notes:1.4`.
    image: String,
}

/// Returns the digest of an image now, which an install must name. Only for images that the site allows without an entry
/// in the catalogue.
#[utoipa::path(get, path = "/api/v1/images/digest", tag = "apps", params(ResolvingImage),
    responses((status = 200, description = "The digest.", body = ResolvedImage)))]
async fn resolve_image(
    State(app): State<App>,
    _: AccountGrant,
    Parameters(query): Parameters<ResolvingImage>,
) -> Result<Json<ResolvedImage>> {
    let image = query.image.parse()?;
    app.apps.expect_allowed(&image)?;
    let digest = app.apps.resolve(&image).await?;
    Ok(Json(ResolvedImage { image: image.to_string(), digest }))
}

/// Adds an app to the catalogue, or changes it. Installs keep the manifest that they were installed with.
#[utoipa::path(put, path = "/api/v1/admin/catalogue/{app}", tag = "admin", request_body = NewCatalogueApp,
    params(("app" = String, Path, description = "The name of the app.")),
    responses((status = 200, description = "The app.", body = CatalogueApp)))]
async fn put_catalogue_app(
    State(app): State<App>,
    grant: AdminGrant,
    segments: Segments,
    Body(new): Body<NewCatalogueApp>,
) -> Result<Json<CatalogueApp>> {
    let name = segments.get("app");
    let entry = app.apps.put_catalogue_entry(&grant, name, &new.manifest, new.enabled, new.preinstalled).await?;
    Ok(Json(shown(&app, entry, None, true)))
}

/// Removes an app from the catalogue. Installs of it stay.
#[utoipa::path(delete, path = "/api/v1/admin/catalogue/{app}", tag = "admin",
    params(("app" = String, Path, description = "The name of the app.")),
    responses((status = 204, description = "The app was removed.")))]
async fn delete_catalogue_app(State(app): State<App>, grant: AdminGrant, segments: Segments) -> Result<StatusCode> {
    app.apps.delete_catalogue_entry(&grant, segments.get("app")).await?;
    Ok(StatusCode::NO_CONTENT)
}
