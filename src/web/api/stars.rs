//! Stars: users mark datasets to find them again. `GET /api/v1/datasets?starred=true` lists them.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use crate::access::{DatasetGrant, ParticipantGrant, Read};
use crate::app::App;
use crate::error::Result;
use crate::web::http::{Routes, routes};

pub(super) fn routes(routes: Routes) -> Routes {
    routes.document(routes!(stars, star, unstar))
}

/// The stars of a dataset.
#[derive(Serialize, ToSchema)]
struct Stars {
    /// The number of users who have starred the dataset.
    stars: u64,
    /// True if the caller has starred it.
    starred: bool,
}

async fn of(app: &App, grant: &DatasetGrant<Read>) -> Result<Json<Stars>> {
    let stars = app.datasets.stars(grant).await?;
    Ok(Json(Stars { stars: stars.count, starred: stars.is_own }))
}

/// Returns how many users have starred the dataset, and whether the caller has.
#[utoipa::path(get, path = "/api/v1/datasets/{owner}/{dataset}/star", tag = "datasets",
    responses((status = 200, description = "The stars.", body = Stars)))]
async fn stars(State(app): State<App>, grant: DatasetGrant<Read>) -> Result<Json<Stars>> {
    of(&app, &grant).await
}

/// Stars the dataset. Others see the number of users who have, but not which ones.
#[utoipa::path(put, path = "/api/v1/datasets/{owner}/{dataset}/star", tag = "datasets",
    responses((status = 200, description = "The caller has starred it.", body = Stars)))]
async fn star(State(app): State<App>, by: ParticipantGrant) -> Result<Json<Stars>> {
    app.datasets.set_star(&by, true).await?;
    of(&app, by.grant()).await
}

/// Removes the caller's star.
#[utoipa::path(delete, path = "/api/v1/datasets/{owner}/{dataset}/star", tag = "datasets",
    responses((status = 200, description = "The caller has not starred it.", body = Stars)))]
async fn unstar(State(app): State<App>, by: ParticipantGrant) -> Result<Json<Stars>> {
    app.datasets.set_star(&by, false).await?;
    of(&app, by.grant()).await
}
