//! `/api/v1/owners` and `/api/v1/stores`: the owners and stores available for a new dataset.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::common::Items;
use crate::app::App;
use crate::config::DEFAULT_STORE;
use crate::error::Result;
use crate::types::OwnerKind;
use crate::web::http::{AuthedActor, Routes, routes};

pub(super) fn routes(routes: Routes) -> Routes {
    routes.document(routes!(owners)).document(routes!(stores))
}

/// A possible owner of datasets.
#[derive(Serialize, ToSchema)]
struct Owner {
    /// The name of the owner, the first part of `owner/name`.
    name: String,
    /// The type of the owner: a user or an organisation.
    kind: OwnerKind,
}

/// A store for the objects of datasets.
#[derive(Serialize, ToSchema)]
struct StoreName {
    /// The name of the store.
    name: String,
    /// True for the default store.
    default: bool,
}

/// Lists the owners for which the caller may create datasets, the caller first.
#[utoipa::path(get, path = "/api/v1/owners", tag = "datasets",
    responses((status = 200, description = "The owners.", body = Items<Owner>)))]
async fn owners(State(app): State<App>, caller: AuthedActor) -> Result<Json<Items<Owner>>> {
    let found = app.access.owners(&caller.actor).await?;
    let items = found.into_iter().map(|(name, kind)| Owner { name: name.to_string(), kind });
    Ok(Json(Items { items: items.collect(), next_cursor: None }))
}

/// Lists the stores available for a new dataset.
#[utoipa::path(get, path = "/api/v1/stores", tag = "datasets",
    responses((status = 200, description = "The stores.", body = Items<StoreName>)))]
async fn stores(State(app): State<App>, caller: AuthedActor) -> Result<Json<Items<StoreName>>> {
    app.access.authorize_choice(&caller.actor)?;
    let items = app.storage.stores().into_iter();
    let items = items.map(|(name, _)| StoreName { default: name == DEFAULT_STORE, name });
    Ok(Json(Items { items: items.collect(), next_cursor: None }))
}
