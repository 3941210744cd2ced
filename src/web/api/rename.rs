//! Renaming and transferring datasets (`…/move`).

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use utoipa::ToSchema;

use super::common::Body;
use super::datasets::{Dataset, dataset};
use super::shapes;
use crate::access::{DatasetGrant, Own, Read};
use crate::app::App;
use crate::error::Result;
use crate::types::RepoPath;
use crate::web::http::{DatasetRequest, Routes, routes};

pub(super) fn routes(routes: Routes) -> Routes {
    routes.document(routes!(rename))
}

/// The new name of a dataset.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct RenameRequest {
    /// `owner/name`: a new name, a new owner, or both. The caller must be allowed to create datasets there.
    #[schema(value_type = shapes::DatasetId, example = "aviary/birds")]
    to: String,
}

/// Renames a dataset or transfers it to another owner.
///
/// Git, Git LFS and this API use the new name immediately, with the whole history. The old name becomes available. The
/// URL in `.lfsconfig` is updated on all branches by a new revision.
#[utoipa::path(post, path = "/api/v1/datasets/{owner}/{dataset}/move", tag = "datasets", request_body = RenameRequest,
    responses((status = 200, description = "The dataset with its new name.", body = Dataset)))]
async fn rename(
    State(app): State<App>,
    visitor: DatasetRequest,
    Body(asked): Body<RenameRequest>,
) -> Result<Json<Dataset>> {
    let grant: DatasetGrant<Own> = app.access.authorize(&visitor.actor, &visitor.path).await?;
    let to: RepoPath = asked.to.parse()?;
    let creation = app.access.creation(&visitor.actor, &to).await?;
    app.datasets.rename(&grant, &creation).await?;
    let grant = app.access.authorize::<Read>(&visitor.actor, &to).await?;
    let note = app.datasets.note(&grant, None).await?;
    Ok(Json(dataset(&app, &grant, note).await?))
}
