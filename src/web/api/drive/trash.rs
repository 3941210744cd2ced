//! What was deleted, and can be brought back.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use metastore::FilePath;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::routes;

use super::super::super::Routes;
use super::super::super::extract::Visitor;
use super::super::{Body, Here, Items, Page, Parameters, Segments};
use super::{message, parts};
use crate::access::{Part, Read, Spot, Write};
use crate::app::App;
use crate::error::{Error, Result};

/// The most things that are restored as one revision.
const MOST: usize = 1000;

pub(super) fn routes(routes: Routes) -> Routes {
    routes.document(routes!(list, empty)).document(routes!(restore)).document(routes!(forget))
}

/// Something in the trash.
#[derive(Serialize, ToSchema)]
struct Thrown {
    /// Names it.
    id: String,
    /// Where it stood.
    path: String,
    /// What it is.
    #[schema(value_type = super::DriveType)]
    r#type: String,
    /// Bytes of a file.
    size: Option<i64>,
    /// When it was deleted (RFC 3339).
    #[schema(format = DateTime)]
    deleted: String,
    /// Who deleted it.
    deleted_by: String,
    /// The last revision that has it.
    revision: String,
}

/// What to bring back.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Recovery {
    /// What of the trash.
    #[schema(min_items = 1, max_items = 1000)]
    ids: Vec<String>,
    /// The folder to bring it to, the root if it is empty; where it stood unless said.
    to: Option<String>,
    /// Why.
    message: Option<String>,
}

/// What was brought back.
#[derive(Serialize, ToSchema)]
struct Recovered {
    /// The revision that has it.
    revision: String,
    /// Each of them.
    restored: Vec<Way>,
}

/// From where to where.
#[derive(Serialize, ToSchema)]
struct Way {
    /// Where it stood.
    from: String,
    /// Where it stands now: under another name, if its own is taken.
    to: String,
}

/// Lists what lies in the trash, what was deleted last first.
#[utoipa::path(get, path = "/api/v1/drive/{owner}/{dataset}/trash", operation_id = "list_trash", tag = "drive", params(Page),
    responses((status = 200, description = "What lies there.", body = Items<Thrown>)))]
async fn list(
    State(app): State<App>,
    visitor: Visitor,
    Parameters(page): Parameters<Page>,
    here: Here,
) -> Result<Response> {
    let parts: Vec<Part<Read>> = parts(&app.access, &visitor).await?;
    let (rows, next) = app.drive.trash(&parts, page.cursor(), page.limit()?).await?;
    let items = rows.into_iter().map(|row| Thrown {
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

/// Brings things back from the trash, as one revision: all of them, or none.
#[utoipa::path(post, path = "/api/v1/drive/{owner}/{dataset}/trash/restore", tag = "drive", operation_id = "recover", request_body = Recovery,
    responses((status = 200, description = "They are back.", body = Recovered)))]
async fn restore(State(app): State<App>, visitor: Visitor, Body(asked): Body<Recovery>) -> Result<Json<Recovered>> {
    let parts: Vec<Part<Write>> = parts(&app.access, &visitor).await?;
    if asked.ids.is_empty() || asked.ids.len() > MOST {
        return Err(Error::invalid(format!("`ids`: name 1 to {MOST}")));
    }
    let to: Option<Option<FilePath>> = match &asked.to {
        None => None,
        Some(folder) => {
            let spot: Spot<Write> = visitor.spot(&app, folder).await?;
            Some(spot.path().cloned())
        }
    };
    visitor.charge(asked.ids.len());
    let default = match asked.ids.len() {
        1 => "Restore from the trash".to_owned(),
        many => format!("Restore {many} files and folders from the trash"),
    };
    let (revision, restored) = app.drive.take_out(&parts, &asked.ids, to, message(asked.message, default)).await?;
    let restored = restored.iter().map(|way| Way { from: way.from.to_string(), to: way.to.to_string() });
    Ok(Json(Recovered { revision: revision.to_string(), restored: restored.collect() }))
}

/// Empties the trash. What lay there is no longer listed, and cannot be restored from here; it stays in the history of
/// the dataset, from which it can be had as it was, and goes on to take space.
#[utoipa::path(delete, path = "/api/v1/drive/{owner}/{dataset}/trash", tag = "drive",
    responses((status = 204, description = "It is empty.")))]
async fn empty(State(app): State<App>, visitor: Visitor) -> Result<StatusCode> {
    let parts: Vec<Part<Write>> = parts(&app.access, &visitor).await?;
    app.drive.empty_trash(&parts, None).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Removes one thing from the trash. It stays in the history of the dataset.
#[utoipa::path(delete, path = "/api/v1/drive/{owner}/{dataset}/trash/{id}", tag = "drive",
    params(("id" = String, Path, description = "What of the trash.")),
    responses((status = 204, description = "It is no longer listed.")))]
async fn forget(State(app): State<App>, visitor: Visitor, segments: Segments) -> Result<StatusCode> {
    let parts: Vec<Part<Write>> = parts(&app.access, &visitor).await?;
    app.drive.empty_trash(&parts, Some(segments.get("id"))).await?;
    Ok(StatusCode::NO_CONTENT)
}
