//! Version history of a file or folder.

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::super::common::{Body, CommitAuthor, Items, Page, PageUrl, moment, object_id};
use super::{Changed, message};
use crate::access::{Grant, Read, Write};
use crate::app::App;
use crate::datasets::tree_api::path_of;
use crate::error::Result;
use crate::web::http::{Parameters, Routes, routes};

pub(super) fn routes(routes: Routes) -> Routes {
    routes.document(routes!(list, restore))
}

/// A version of a file or folder.
#[derive(Serialize, ToSchema)]
struct Version {
    /// The revision that created this version.
    revision: String,
    /// The commit time (RFC 3339).
    #[schema(format = DateTime)]
    created: String,
    /// The author of the change.
    author: CommitAuthor,
    /// The commit message.
    description: String,
    /// The size of this version in bytes; null for folders and deletions.
    size: Option<u64>,
    /// The SHA-256 of this version in hex; only for files in Git LFS.
    oid: Option<String>,
    /// True if this revision deleted the file or folder.
    deleted: bool,
}

/// A version to restore.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct RestoreVersion {
    /// The revision to restore from.
    revision: String,
    /// The commit message.
    message: Option<String>,
}

/// Lists the versions of a file or folder, newest first. With access to only a part of the dataset, only versions on
/// the default branch are listed. Through a share link, e-mail addresses are left out and, unless the link includes the
/// history, so are versions older than the link.
#[utoipa::path(get, path = "/api/v1/drive/{owner}/{dataset}/versions/{path}", tag = "drive", operation_id = "list_versions",
    params(("path" = String, Path, description = "The path of the entry; may contain `/`."), Page),
    responses((status = 200, description = "The versions.", body = Items<Version>)))]
async fn list(
    State(app): State<App>,
    grant: Grant<Read>,
    Parameters(page): Parameters<Page>,
    here: PageUrl,
) -> Result<Response> {
    let limit = page.limit()?;
    let after = page.cursor().map(|cursor| object_id(cursor).ok_or_else(Page::bad_cursor)).transpose()?;
    let mut found = app.datasets.versions(&grant, after, limit + 1).await?;
    let is_more = found.len() > limit;
    found.truncate(limit);
    let next = found.last().filter(|_| is_more).map(|(commit, _)| commit.id.to_string());
    let is_by_link = grant.actor().came_by_link();
    let items = found.iter().map(|(commit, entry)| {
        let entry = entry.as_ref();
        let pointer = entry.and_then(|entry| entry.pointer.as_ref());
        Version {
            revision: commit.id.to_string(),
            created: moment(&commit.committer),
            author: if is_by_link { CommitAuthor::named(&commit.author) } else { (&commit.author).into() },
            description: commit.message.trim_end().to_owned(),
            size: pointer.map(|pointer| pointer.size).or(entry.and_then(|entry| entry.size)),
            oid: pointer.map(|pointer| pointer.oid.to_string()),
            deleted: entry.is_none(),
        }
    });
    Ok(here.page(items.collect(), next))
}

/// Restores an earlier version of a file or folder as a new revision.
#[utoipa::path(post, path = "/api/v1/drive/{owner}/{dataset}/versions/{path}", tag = "drive", operation_id = "restore_version", request_body = RestoreVersion,
    params(("path" = String, Path, description = "The path of the entry; may contain `/`.")),
    responses((status = 200, description = "The version was restored.", body = Changed)))]
async fn restore(
    State(app): State<App>,
    grant: Grant<Write>,
    Body(asked): Body<RestoreVersion>,
) -> Result<Json<Changed>> {
    let default = format!("Restore {} as of {}", path_of(&grant)?, asked.revision);
    let done = app.datasets.restore_path(&grant, &asked.revision, message(asked.message, &default)).await?;
    Ok(Json(Changed::at(&app, &grant, done.newest()?).await?))
}
