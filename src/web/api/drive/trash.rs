//! Trash: deleted files and folders, which can be restored.

use axum::Json;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use metastore::FilePath;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::super::batch::{self, Batch};
use super::super::common::{Items, Page, PageUrl};
use super::{grants, message};
use crate::access::{Grant, Read, Write};
use crate::app::App;
use crate::error::Result;
use crate::web::http::{DatasetRequest, Parameters, Routes, Segments, routes};

pub(super) fn routes(routes: Routes) -> Routes {
    routes.document(routes!(list, empty)).document(routes!(restore)).document(routes!(forget))
}

/// An item in the trash.
#[derive(Serialize, ToSchema)]
struct TrashItem {
    /// The id of the item.
    id: String,
    /// The path it was deleted from.
    path: String,
    /// The type of the item.
    #[schema(value_type = super::DriveType)]
    r#type: String,
    /// The size of a file in bytes.
    size: Option<i64>,
    /// When the item was deleted (RFC 3339).
    #[schema(format = DateTime)]
    deleted: String,
    /// The user who deleted the item.
    deleted_by: String,
    /// The last revision that contains the item.
    revision: String,
}

/// A request to restore items.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct RestoreFromTrash {
    /// The ids of the items to restore.
    #[schema(value_type = Vec<String>, min_items = 1, max_items = 50_000)]
    ids: Batch<String>,
    /// The folder to restore to; empty for the root. Default: the original location of each item.
    to: Option<String>,
    /// The commit message.
    message: Option<String>,
}

/// The result of a restore.
#[derive(Serialize, ToSchema)]
struct RestoredFromTrash {
    /// The revision with the restored items.
    revision: String,
    /// The restored items.
    restored: Vec<Way>,
}

/// The original and the new path of a restored item.
#[derive(Serialize, ToSchema)]
struct Way {
    /// The original path.
    from: String,
    /// The new path. If the name was taken, it has another name.
    to: String,
}

/// Lists the items in the trash, most recently deleted first.
#[utoipa::path(get, path = "/api/v1/drive/{owner}/{dataset}/trash", operation_id = "list_trash", tag = "drive", params(Page),
    responses((status = 200, description = "The items in the trash.", body = Items<TrashItem>)))]
async fn list(
    State(app): State<App>,
    visitor: DatasetRequest,
    Parameters(page): Parameters<Page>,
    here: PageUrl,
) -> Result<Response> {
    let grants: Vec<Grant<Read>> = grants(&app.access, &visitor).await?;
    let (rows, next) = app.datasets.trash(&grants, page.cursor(), page.limit()?).await?;
    let items = rows.into_iter().map(|row| TrashItem {
        id: row.id,
        path: row.path,
        r#type: row.kind,
        size: row.size,
        deleted: row.deleted_at.rfc3339(),
        deleted_by: row.deleted_by,
        revision: row.revision,
    });
    Ok(here.page(items.collect(), next))
}

/// Restores items from the trash as one revision, all or nothing: at most 50,000, with together at most 500,000 files and
/// 64 MiB of paths.
#[utoipa::path(post, path = "/api/v1/drive/{owner}/{dataset}/trash/restore", tag = "drive", operation_id = "recover", request_body = RestoreFromTrash,
    responses((status = 200, description = "The items were restored.", body = RestoredFromTrash)))]
async fn restore(State(app): State<App>, visitor: DatasetRequest, request: Request) -> Result<Json<RestoredFromTrash>> {
    let (grants, asked) = batch::read::<Write, RestoreFromTrash>(&app, &visitor, request).await?;
    let ids = asked.ids.items("ids")?;
    let to: Option<Option<FilePath>> = match &asked.to {
        None => None,
        Some(folder) => {
            let grant: Grant<Write> = visitor.grant(&app, folder).await?;
            Some(grant.path().cloned())
        }
    };
    visitor.charge(ids.len());
    let default = match ids.len() {
        1 => "Restore from the trash".to_owned(),
        many => format!("Restore {many} files and folders from the trash"),
    };
    let (revision, restored) =
        app.datasets.restore_from_trash(&grants, &ids, to, message(asked.message, &default)).await?;
    let restored = restored.iter().map(|way| Way { from: way.from.to_string(), to: way.to.to_string() });
    Ok(Json(RestoredFromTrash { revision: revision.to_string(), restored: restored.collect() }))
}

/// Empties the trash. The items are no longer listed and cannot be restored from the trash. They remain in the history
/// of the dataset, where they can still be read, and still use storage.
#[utoipa::path(delete, path = "/api/v1/drive/{owner}/{dataset}/trash", tag = "drive",
    responses((status = 204, description = "The trash is empty.")))]
async fn empty(State(app): State<App>, visitor: DatasetRequest) -> Result<StatusCode> {
    let grants: Vec<Grant<Write>> = grants(&app.access, &visitor).await?;
    app.datasets.empty_trash(&grants, None).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Removes an item from the trash. It remains in the history of the dataset.
#[utoipa::path(delete, path = "/api/v1/drive/{owner}/{dataset}/trash/{id}", tag = "drive",
    params(("id" = String, Path, description = "The id of the item.")),
    responses((status = 204, description = "The item was removed from the trash.")))]
async fn forget(State(app): State<App>, visitor: DatasetRequest, segments: Segments) -> Result<StatusCode> {
    let grants: Vec<Grant<Write>> = grants(&app.access, &visitor).await?;
    app.datasets.empty_trash(&grants, Some(segments.get("id"))).await?;
    Ok(StatusCode::NO_CONTENT)
}
