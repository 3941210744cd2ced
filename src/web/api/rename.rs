//! `…/move`: a dataset gets another name.

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::routes;

use super::super::Routes;
use super::super::extract::Visitor;
use super::Body;
use super::datasets::{Dataset, dataset};
use super::shapes;
use crate::access::{Grant, Own, Read};
use crate::app::App;
use crate::error::Result;
use crate::types::RepoPath;

pub(super) fn routes(routes: Routes) -> Routes {
    routes.document(routes!(rename))
}

/// Where a dataset is to be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Renaming {
    /// `owner/name`: another name, another owner, or both. The caller must be allowed to make a dataset there.
    #[schema(value_type = shapes::DatasetId, example = "aviary/birds")]
    to: String,
}

/// Gives a dataset another name.
///
/// git, Git LFS and this API know it by the new one at once, with its whole history; the old one is free. The address
/// in `.lfsconfig` follows on all branches, by a new revision.
#[utoipa::path(post, path = "/api/v1/datasets/{owner}/{dataset}/move", tag = "datasets", request_body = Renaming,
    responses((status = 200, description = "The dataset, under its new name.", body = Dataset)))]
async fn rename(State(app): State<App>, visitor: Visitor, Body(asked): Body<Renaming>) -> Result<Json<Dataset>> {
    let grant: Grant<Own> = app.access.authorize(&visitor.actor, &visitor.path).await?;
    let to: RepoPath = asked.to.parse()?;
    let creation = app.access.creation(&visitor.actor, &to).await?;
    app.hosting.rename(&grant, &creation).await?;
    let grant = app.access.authorize::<Read>(&visitor.actor, &to).await?;
    let told = app.drive.told(&grant, None).await?;
    Ok(Json(dataset(&app, &grant, told).await?))
}
