//! `/api/upc`: the service router of E-mission's User Private Clouds. Its clients send the same requests with credentials
//! in the address: `https://ada:TOKEN@host/api/upc`.

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::http::{AuthedActor, RouteGroup, Routes};
use crate::access::{AccountGrant, AdminGrant, InstallGrant};
use crate::app::App;
use crate::apps::installs::Source;
use crate::error::{Error, Kind, Result};
use crate::types::{Slug, WantedState};

/// Maximum size of a request body, in bytes.
const MAX_BYTES: usize = 8 << 10;

pub(super) fn routes(routes: Routes) -> Routes {
    // One of these may look up an image in its registry.
    routes
        .group(RouteGroup { cost: 50, ..RouteGroup::DEFAULT })
        .add(Method::POST, "/api/upc/service_request", service_request)
        .add(Method::POST, "/api/upc/pause", pause)
        .add(Method::POST, "/api/upc/unpause", unpause)
        .add(Method::POST, "/api/upc/kill", kill)
        .add(Method::POST, "/api/upc/clear_containers", clear_containers)
        .add(Method::POST, "/api/upc/setup_networks", setup_networks)
}

#[derive(Deserialize)]
struct ServiceRequest {
    /// An app of the catalogue.
    service: String,
}

#[derive(Deserialize)]
struct AtAddress {
    /// The URL that `service_request` returned.
    address: String,
}

/// The scripts send JSON, not always with its media type.
fn parse<T: serde::de::DeserializeOwned>(body: &Bytes) -> Result<T> {
    if body.len() > MAX_BYTES {
        return Err(Error::too_large("the request is too large"));
    }
    serde_json::from_slice(body).map_err(|error| Error::invalid(error.to_string()))
}

/// Installs an app for the caller, or starts the one that is installed.
async fn service_request(State(app): State<App>, caller: AuthedActor, body: Bytes) -> Result<Json<Value>> {
    let holder = caller.actor.holder()?;
    let ServiceRequest { service } = parse(&body)?;
    let (owner, name): (_, Slug) = (holder.name().parse()?, service.parse()?);
    let row = match app.access.authorize_install(&caller.actor, &owner, name.as_str()).await {
        Ok(grant) => app.apps.want(&grant, WantedState::Running).await?,
        Err(error) if error.kind() == Kind::NotFound => {
            let grant = app.access.authorize_developer(&caller.actor, None).await?;
            let entry = app.apps.catalogue_entry(&service).await?;
            let digest = match entry.manifest.image.as_deref() {
                Some(image) => Some(app.apps.resolve(&image.parse()?).await?),
                None => None,
            };
            app.apps.install(&grant, &Source::App(service), &name, digest.as_deref()).await?
        }
        Err(error) => return Err(error),
    };
    let install = format!("{}/{}", row.owner, row.name);
    let digest = row.image.as_deref().and_then(|image| image.split_once('@')).map(|(_, digest)| digest);
    Ok(Json(json!({ "address": app.apps.url(&row), "install": install, "image": digest })))
}

/// Returns the permission to manage the app at an address.
async fn at(app: &App, caller: &AuthedActor, body: &Bytes) -> Result<InstallGrant> {
    let _ = caller.actor.holder()?;
    let AtAddress { address } = parse(body)?;
    let install = app.apps.place(&address).await?.install;
    app.access.authorize_install(&caller.actor, &install.owner.parse()?, &install.name).await
}

async fn want(app: &App, caller: &AuthedActor, body: &Bytes, wanted: WantedState) -> Result<Json<Value>> {
    let row = app.apps.want(&at(app, caller, body).await?, wanted).await?;
    Ok(Json(json!({ "address": app.apps.url(&row), "wanted": row.wanted })))
}

async fn pause(State(app): State<App>, caller: AuthedActor, body: Bytes) -> Result<Json<Value>> {
    want(&app, &caller, &body, WantedState::Paused).await
}

async fn unpause(State(app): State<App>, caller: AuthedActor, body: Bytes) -> Result<Json<Value>> {
    want(&app, &caller, &body, WantedState::Running).await
}

/// Uninstalls an app. Its volume is kept: the next request for the service uses it again.
async fn kill(State(app): State<App>, caller: AuthedActor, body: Bytes) -> Result<Json<Value>> {
    app.apps.uninstall(&at(&app, &caller, &body).await?, true).await?;
    Ok(Json(json!({})))
}

/// Stops all apps of the site.
async fn clear_containers(State(app): State<App>, grant: AdminGrant) -> Result<Json<Value>> {
    Ok(Json(json!({ "stopped": app.apps.stop_all(&grant).await? })))
}

/// Does nothing: each app has a network of its own.
async fn setup_networks(_: AccountGrant) -> Json<Value> {
    Json(json!({}))
}
