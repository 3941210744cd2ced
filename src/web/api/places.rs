//! `/api/v1/owners` and `/api/v1/stores`: where a new dataset can be.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::routes;

use super::super::Routes;
use super::super::extract::Caller;
use super::Items;
use crate::app::App;
use crate::config::DEFAULT_STORE;
use crate::error::Result;
use crate::types::OwnerKind;

pub(super) fn routes(routes: Routes) -> Routes {
    routes.document(routes!(owners)).document(routes!(stores))
}

/// Somebody who can have datasets.
#[derive(Serialize, ToSchema)]
struct Owner {
    /// The first part of `owner/name`.
    name: String,
    /// A person or an organisation.
    kind: OwnerKind,
}

/// A place for the objects of a dataset.
#[derive(Serialize, ToSchema)]
struct StoreName {
    /// What it is called.
    name: String,
    /// Whether it is taken where nobody says otherwise.
    default: bool,
}

/// Lists the owners that the caller may make datasets for, the caller first.
#[utoipa::path(get, path = "/api/v1/owners", tag = "datasets",
    responses((status = 200, description = "The owners.", body = Items<Owner>)))]
async fn owners(State(app): State<App>, caller: Caller) -> Result<Json<Items<Owner>>> {
    let found = app.access.owners(&caller.actor).await?;
    let items = found.into_iter().map(|(name, kind)| Owner { name: name.to_string(), kind });
    Ok(Json(Items { items: items.collect(), next_cursor: None }))
}

/// Lists the stores that a new dataset can belong to.
#[utoipa::path(get, path = "/api/v1/stores", tag = "datasets",
    responses((status = 200, description = "The stores.", body = Items<StoreName>)))]
async fn stores(State(app): State<App>, caller: Caller) -> Result<Json<Items<StoreName>>> {
    app.access.authorize_choice(&caller.actor)?;
    let items = app.storage.stores().into_iter();
    let items = items.map(|(name, _)| StoreName { default: name == DEFAULT_STORE, name });
    Ok(Json(Items { items: items.collect(), next_cursor: None }))
}
