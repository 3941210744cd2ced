//! Directory listings of a revision: `…/tree` and `…/files`.

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use metastore::{CommitInfo, EntryKind, FilePath};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::common::{CommitAuthor, FolderOrder, Items, Page, PageUrl, moment, object_id};
use crate::access::{DatasetGrant, Read};
use crate::app::App;
use crate::datasets::browse::Listing;
use crate::error::{Error, Result};
use crate::web::http::{DatasetRequest, Parameters, Routes, Segments, routes};

pub(super) fn routes(routes: Routes) -> Routes {
    routes.document(routes!(list)).document(routes!(show))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct TreeQuery {
    /// The path of the folder. Default: the root.
    path: Option<String>,
    /// List the folder recursively; each folder comes before its content.
    recursive: Option<bool>,
    /// Include the revision that last changed each entry.
    commits: Option<bool>,
    /// The order of the entries: `name`, `size` or `modified`, descending with a minus. Folders come first. Not for
    /// `recursive`, and only for folders of at most 100,000 entries by name, 20,000 otherwise. Default: git's order.
    #[param(inline)]
    sort: Option<FolderOrder>,
}

/// The type of an entry.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum EntryType {
    File,
    Folder,
    /// A symbolic link; its content is the target path.
    Link,
    /// A submodule: a commit of another repository.
    Submodule,
}

/// An entry of a revision.
#[derive(Serialize, ToSchema)]
pub(super) struct Entry {
    /// The path of the entry.
    path: String,
    /// The type of the entry.
    r#type: EntryType,
    /// The size of the content in bytes; null for folders and submodules.
    size: Option<u64>,
    /// The SHA-256 of the content in hex; only for files in Git LFS.
    oid: Option<String>,
    /// The git object id: of the blob (for Git LFS, the pointer's blob), tree or commit.
    id: String,
    /// True if the file is executable.
    executable: bool,
    /// The revision that last changed the entry; absent if not requested, or if it is more than 10,000 revisions back.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_revision: Option<LastRevision>,
}

/// The revision that last changed an entry.
#[derive(Serialize, ToSchema)]
pub(super) struct LastRevision {
    /// The id of the revision.
    revision: String,
    /// The commit time (RFC 3339).
    #[schema(format = DateTime)]
    created: String,
    /// The author of the change.
    author: CommitAuthor,
    /// The commit message.
    description: String,
}

impl From<&metastore::Entry> for Entry {
    fn from(entry: &metastore::Entry) -> Self {
        let pointer = entry.pointer.as_ref();
        Self {
            path: entry.path.clone(),
            r#type: match entry.kind {
                EntryKind::File | EntryKind::Executable => EntryType::File,
                EntryKind::Folder => EntryType::Folder,
                EntryKind::Link => EntryType::Link,
                EntryKind::Submodule => EntryType::Submodule,
            },
            size: pointer.map(|pointer| pointer.size).or(entry.size),
            oid: pointer.map(|pointer| pointer.oid.to_string()),
            id: entry.id.to_string(),
            executable: entry.kind == EntryKind::Executable,
            last_revision: None,
        }
    }
}

impl From<&CommitInfo> for LastRevision {
    fn from(commit: &CommitInfo) -> Self {
        Self {
            revision: commit.id.to_string(),
            created: moment(&commit.committer),
            author: (&commit.author).into(),
            description: commit.message.trim_end().to_owned(),
        }
    }
}

/// Parses a path in a URL. An invalid path is answered as not found.
pub(super) fn file_path(text: &str) -> Result<FilePath> {
    text.parse().map_err(|_| Error::not_found(format!("there is no {text:?}")))
}

/// Lists a folder of a revision.
#[utoipa::path(get, path = "/api/v1/datasets/{owner}/{dataset}/tree/{revision}", tag = "files",
    params(("revision" = String, Path, description = "A branch, a tag or a commit id, optionally with `~n` or `^n`."),
        TreeQuery, Page),
    responses((status = 200, description = "The entries of the folder.", body = Items<Entry>)))]
async fn list(
    State(app): State<App>,
    visitor: DatasetRequest,
    segments: Segments,
    Parameters(asked): Parameters<TreeQuery>,
    Parameters(page): Parameters<Page>,
    here: PageUrl,
) -> Result<Response> {
    let grant: DatasetGrant<Read> = app.access.authorize(&visitor.actor, &visitor.path).await?;
    // The cursor holds the revision at which the listing started, because the branch can move, and the last entry.
    let (revision, after) = match page.cursor() {
        None => (segments.get("revision").to_owned(), None),
        Some(cursor) => {
            let (revision, after) = cursor.split_once('.').ok_or_else(Page::bad_cursor)?;
            object_id(revision).ok_or_else(Page::bad_cursor)?;
            (revision.to_owned(), Some(BASE64.decode(after).map_err(|_| Page::bad_cursor())?))
        }
    };
    let path = asked.path.as_deref().map(|path| path.strip_suffix('/').unwrap_or(path));
    let with_last = asked.commits.unwrap_or_default();
    let folder = path.filter(|path| !path.is_empty()).map(file_path).transpose()?;
    let recursive = asked.recursive.unwrap_or_default();
    let sort = FolderOrder::of(asked.sort, recursive)?;
    let listing = Listing { recursive, sort, after, limit: page.limit()?, last: with_last };
    let found = app.datasets.list(&grant.at(folder), Some(&revision), listing).await?;
    let folder = found.ok_or_else(|| Error::not_found("the dataset has no revisions yet"))?;
    visitor.charge(folder.entries.len() / 10);
    let items = folder.entries.iter().map(|found| Entry {
        last_revision: found.last.as_deref().map(LastRevision::from),
        ..Entry::from(&found.entry)
    });
    let next = folder.next.map(|key| format!("{}.{}", folder.revision, BASE64.encode(key)));
    Ok(here.page(items.collect(), next))
}

/// Returns the entry at a path, with the revision that last changed it.
#[utoipa::path(get, path = "/api/v1/datasets/{owner}/{dataset}/files/{revision}/{path}", tag = "files",
    params(("revision" = String, Path, description = "A branch, a tag or a commit id, optionally with `~n` or `^n`."),
        ("path" = String, Path, description = "The path of the entry; may contain `/`.")),
    responses((status = 200, description = "The entry.", body = Entry)))]
async fn show(State(app): State<App>, grant: DatasetGrant<Read>, segments: Segments) -> Result<Json<Entry>> {
    let located =
        app.datasets.locate(&grant.at(file_path(segments.get("path"))?), Some(segments.get("revision"))).await?;
    let last = app.datasets.last_change(&located).await?;
    Ok(Json(Entry { last_revision: last.as_ref().map(LastRevision::from), ..Entry::from(&located.entry) }))
}
