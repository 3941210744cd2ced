//! Versions of one file or folder.

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::routes;

use super::super::super::Routes;
use super::super::{Body, Here, Items, Page, Parameters, Somebody, moment, object_id};
use super::{Changed, message};
use crate::access::{Read, Spot, Write};
use crate::app::App;
use crate::drive::place::path_of;
use crate::error::Result;
use crate::files::made;

pub(super) fn routes(routes: Routes) -> Routes {
    routes.document(routes!(list, restore))
}

/// What a revision made of a file or folder.
#[derive(Serialize, ToSchema)]
struct Version {
    /// The revision.
    revision: String,
    /// When it was made (RFC 3339).
    #[schema(format = DateTime)]
    created: String,
    /// Who made the change.
    author: Somebody,
    /// Why, in the words of the author.
    description: String,
    /// Bytes of its content then; null for folders, and where it was deleted.
    size: Option<u64>,
    /// SHA-256 of its content then, if Git LFS kept it.
    oid: Option<String>,
    /// Whether this revision deleted it.
    deleted: bool,
}

/// What to go back to.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Reversion {
    /// The revision.
    revision: String,
    /// Why.
    message: Option<String>,
}

/// Lists the versions of a file or folder, the newest first. Who may read a part of the dataset alone sees those of the
/// default branch; who came by a link, those since the link was made, unless it shows the history, and no addresses.
#[utoipa::path(get, path = "/api/v1/drive/{owner}/{dataset}/versions/{path}", tag = "drive", operation_id = "list_versions",
    params(("path" = String, Path, description = "Where it is; may hold `/`."), Page),
    responses((status = 200, description = "Its versions.", body = Items<Version>)))]
async fn list(
    State(app): State<App>,
    spot: Spot<Read>,
    Parameters(page): Parameters<Page>,
    here: Here,
) -> Result<Response> {
    let limit = page.limit()?;
    let after = page.cursor().map(|cursor| object_id(cursor).ok_or_else(Page::bad_cursor)).transpose()?;
    let mut found = app.drive.versions_at(&spot, after, limit + 1).await?;
    let is_more = found.len() > limit;
    found.truncate(limit);
    let next = found.last().filter(|_| is_more).map(|(commit, _)| commit.id.to_string());
    let is_by_link = spot.actor().came_by_link();
    let items = found.iter().map(|(commit, entry)| {
        let entry = entry.as_ref();
        let pointer = entry.and_then(|entry| entry.pointer.as_ref());
        Version {
            revision: commit.id.to_string(),
            created: moment(&commit.committer),
            author: if is_by_link { Somebody::named(&commit.author) } else { (&commit.author).into() },
            description: commit.message.trim_end().to_owned(),
            size: pointer.map(|pointer| pointer.size).or(entry.and_then(|entry| entry.size)),
            oid: pointer.map(|pointer| pointer.oid.to_string()),
            deleted: entry.is_none(),
        }
    });
    Ok(here.page(items.collect(), next))
}

/// Makes a file or folder what it was in an earlier revision, as a new one.
#[utoipa::path(post, path = "/api/v1/drive/{owner}/{dataset}/versions/{path}", tag = "drive", operation_id = "restore_version", request_body = Reversion,
    params(("path" = String, Path, description = "Where it is; may hold `/`.")),
    responses((status = 200, description = "It is what it was.", body = Changed)))]
async fn restore(State(app): State<App>, spot: Spot<Write>, Body(asked): Body<Reversion>) -> Result<Json<Changed>> {
    let default = format!("Restore {} as of {}", path_of(&spot)?, asked.revision);
    let done = app.drive.restore_at(&spot, &asked.revision, message(asked.message, default)).await?;
    Ok(Json(Changed::at(&app, &spot, made(done)?).await?))
}
