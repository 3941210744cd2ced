//! `/api/v1/datasets`: files and folders as the web interface shows them: the newest state of one dataset, where every
//! change creates a revision. A caller with access to a single folder sees that folder and nothing else.

mod downloads;
mod files;
mod folders;
mod trash;
mod uploads;
mod versions;

use std::collections::HashSet;

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use metastore::{EntryKind, FilePath, ObjectId};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use self::files::RevisionQuery;
use super::common::{FolderOrder, Items, Page, PageUrl, moment, object_id};
use crate::access::{Access, Actor, DatasetGrant, Grant, Read, Right, Write};
use crate::app::App;
use crate::datasets::browse::{ListedEntry, Listing};
use crate::datasets::revisions::CommitMeta;
use crate::datasets::tree_api::is_listed;
use crate::error::{Error, Kind, Result};
use crate::files::Usage;
use crate::types::{Level, RepoPath};
use crate::web::http::{AuthedActor, DatasetRequest, Parameters, Routes, media_of, routes};

pub(super) fn routes(routes: Routes) -> Routes {
    let routes = routes.document(routes!(own)).document(routes!(list)).document(routes!(entry));
    let routes = routes.document(routes!(search)).document(routes!(usage));
    let routes = files::routes(routes);
    let routes = folders::routes(routes);
    let routes = uploads::routes(routes);
    let routes = downloads::routes(routes);
    let routes = versions::routes(routes);
    trash::routes(routes)
}

/// The type of a drive entry.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum DriveType {
    File,
    Folder,
}

/// A file or a folder of a drive.
#[derive(Serialize, ToSchema)]
struct DriveEntry {
    /// The path of the entry.
    path: String,
    /// The last part of the path.
    name: String,
    /// The type of the entry.
    r#type: DriveType,
    /// The size of the content in bytes; null for folders.
    size: Option<u64>,
    /// The SHA-256 of the content in hex; only for files in Git LFS.
    #[serde(skip_serializing_if = "Option::is_none")]
    oid: Option<String>,
    /// The git object id of the entry.
    id: String,
    /// The media type, derived from the file name; null for folders.
    media_type: Option<&'static str>,
    /// When the entry was last changed (RFC 3339); null if that is more than 10,000 revisions ago.
    #[schema(format = DateTime)]
    modified: Option<String>,
    /// The name of the author of the last change.
    modified_by: Option<String>,
    /// The revision of the last change.
    revision: Option<String>,
    /// The caller's permission on the entry.
    right: Level,
    /// True if the entry is shared with the caller, or by the caller with others.
    shared: bool,
}

impl DriveEntry {
    fn of<R: Right>(grant: &Grant<R>, found: &ListedEntry, shared: &HashSet<String>) -> Self {
        let entry = &found.entry;
        let name = entry.path.rsplit('/').next().unwrap_or(&entry.path).to_owned();
        let is_folder = entry.kind == EntryKind::Folder;
        let path: Option<FilePath> = entry.path.parse().ok();
        Self {
            right: path.as_ref().and_then(|path| grant.level_at(Some(path))).unwrap_or(Level::View),
            shared: !grant.allows_all() || shared.contains(&entry.path),
            path: entry.path.clone(),
            media_type: (!is_folder).then(|| media_of(&name)),
            name,
            r#type: if is_folder { DriveType::Folder } else { DriveType::File },
            size: entry.pointer.as_ref().map(|pointer| pointer.size).or(entry.size),
            oid: entry.pointer.as_ref().map(|pointer| pointer.oid.to_string()),
            id: entry.id.to_string(),
            modified: found.last.as_ref().map(|last| moment(&last.committer)),
            modified_by: found.last.as_ref().map(|last| last.author.name.clone()),
            revision: found.last.as_ref().map(|last| last.id.to_string()),
        }
    }
}

/// The result of a change to a file or folder.
#[derive(Serialize, ToSchema)]
struct Changed {
    /// The revision with the change.
    revision: String,
    /// The entry after the change.
    entry: DriveEntry,
}

impl Changed {
    async fn at(app: &App, grant: &Grant<Write>, revision: ObjectId) -> Result<Self> {
        let found = app.datasets.entry(&grant.narrow(), None).await?;
        let shared = app.datasets.shared_paths(grant).await?;
        Ok(Self { revision: revision.to_string(), entry: DriveEntry::of(grant, &found, &shared) })
    }
}

/// The caller's own drive.
#[derive(Serialize, ToSchema)]
struct OwnDrive {
    /// The dataset of the drive, as `owner/name`.
    dataset: String,
    #[serde(flatten)]
    usage: DriveUsage,
    /// The number of items in the trash.
    trash: u64,
}

/// The usage of a drive.
#[derive(Serialize, ToSchema)]
struct DriveUsage {
    /// Storage used by all revisions in bytes, Git LFS objects and git packs together.
    bytes: u64,
    /// The number of Git LFS objects.
    objects: u64,
    /// The quota of the drive, or of all datasets of its owner, in bytes: whichever leaves less free space. Null if
    /// unlimited. Callers who do not own the drive only see the quota of the drive itself.
    quota_bytes: Option<u64>,
    /// The bytes that count against this quota: those of the drive, or of all datasets of its owner.
    used_bytes: u64,
    /// The number of files in the newest revision.
    files: u64,
}

/// The usage of a drive, and what it takes.
#[derive(Serialize, ToSchema)]
struct StoredUsage {
    #[serde(flatten)]
    usage: DriveUsage,
    /// The bytes that the Git LFS objects take in the store: versions that are packed count with their difference, and
    /// recent uploads by Xet count twice for some weeks.
    stored_bytes: u64,
}

impl From<Usage> for DriveUsage {
    fn from(usage: Usage) -> Self {
        let Usage { bytes, objects, quota_bytes, used_bytes, files, .. } = usage;
        Self { bytes, objects, quota_bytes, used_bytes, files }
    }
}

/// Returns your own drive, the dataset `{user}/drive`. It is created, empty, when you first use it.
#[utoipa::path(get, path = "/api/v1/drive", tag = "drive",
    responses((status = 200, description = "Your drive.", body = OwnDrive)))]
async fn own(State(app): State<App>, caller: AuthedActor) -> Result<Json<OwnDrive>> {
    let path = caller.actor.own_drive()?;
    let usage = app.files.usage(&app.access.authorize(&caller.actor, &path).await?).await?;
    Ok(Json(OwnDrive { dataset: path.to_string(), trash: usage.trash, usage: usage.into() }))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct ListQuery {
    /// The path of the folder. Default: the root.
    path: Option<String>,
    /// List the folder recursively; each folder comes before its content.
    recursive: Option<bool>,
    /// The revision to list. Default: the newest one.
    revision: Option<String>,
    /// The order of the entries: `name`, `size` or `modified`, descending with a minus. Folders come first. Not for
    /// `recursive`, and only for folders of at most 100,000 entries by name, 20,000 otherwise. Default: git's order.
    #[param(inline)]
    sort: Option<FolderOrder>,
}

/// Lists the entries of a folder that the caller may see.
///
/// The tool files `.keep`, `.gitattributes` and `.lfsconfig` are left out, so a page can have fewer items than its
/// limit.
#[utoipa::path(get, path = "/api/v1/drive/{owner}/{dataset}/list", tag = "drive", params(ListQuery, Page),
    responses((status = 200, description = "The entries of the folder.", body = Items<DriveEntry>)))]
async fn list(
    State(app): State<App>,
    visitor: DatasetRequest,
    Parameters(asked): Parameters<ListQuery>,
    Parameters(page): Parameters<Page>,
    here: PageUrl,
) -> Result<Response> {
    let folder = asked.path.unwrap_or_default();
    let grant: Grant<Read> = match visitor.grant(&app, &folder).await {
        Ok(grant) => grant,
        Err(refusal) => {
            let items = visible_children(&app, &visitor.actor, &visitor.path, &folder, refusal).await?;
            return Ok(here.page(items, None));
        }
    };
    // The cursor holds the revision at which the listing started, because the branch can move, and the last entry.
    let (revision, after) = match page.cursor() {
        None => (asked.revision.as_deref(), None),
        Some(cursor) => {
            let (revision, after) = cursor.split_once('.').ok_or_else(Page::bad_cursor)?;
            object_id(revision).ok_or_else(Page::bad_cursor)?;
            (Some(revision), Some(BASE64.decode(after).map_err(|_| Page::bad_cursor())?))
        }
    };
    let recursive = asked.recursive.unwrap_or_default();
    let sort = FolderOrder::of(asked.sort, recursive)?;
    let listing = Listing { recursive, sort, after, limit: page.limit()?, last: true };
    let Some(listed) = app.datasets.list(&grant, revision, listing).await? else {
        return Ok(here.page(Vec::<DriveEntry>::new(), None));
    };
    visitor.charge(listed.entries.len() / 10);
    let shared = app.datasets.shared_paths(&grant).await?;
    let shown = listed.entries.iter().filter(|found| is_listed(&found.entry));
    let items = shown.map(|found| DriveEntry::of(&grant, found, &shared)).collect();
    let next = listed.next.map(|key| format!("{}.{}", listed.revision, BASE64.encode(key)));
    Ok(here.page(items, next))
}

/// Returns what is below a folder that the caller may see although the folder itself is not visible to the caller.
async fn visible_children(
    app: &App,
    actor: &Actor,
    path: &RepoPath,
    folder: &str,
    refusal: Error,
) -> Result<Vec<DriveEntry>> {
    if !matches!(refusal.kind(), Kind::NotFound | Kind::Forbidden | Kind::Unauthenticated) {
        return Err(refusal);
    }
    let folder = folder.trim_end_matches('/');
    let folder: Option<FilePath> = if folder.is_empty() { None } else { folder.parse().ok() };
    let Ok(grants) = app.access.authorize_paths::<Read>(actor, path).await else { return Err(refusal) };
    let mut items = Vec::new();
    for grant in grants {
        let is_inside = grant.root().is_some_and(|root| folder.as_ref().is_none_or(|folder| root.is_inside(folder)));
        if !is_inside {
            continue;
        }
        match app.datasets.entry(&grant, None).await {
            Ok(found) => items.push(DriveEntry::of(&grant, &found, &HashSet::new())),
            // It was shared, but has been moved or deleted since.
            Err(error) if error.kind() == Kind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    if items.is_empty() { Err(refusal) } else { Ok(items) }
}

/// Returns a file or a folder of a drive.
#[utoipa::path(get, path = "/api/v1/drive/{owner}/{dataset}/entry/{path}", tag = "drive",
    params(("path" = String, Path, description = "The path of the entry; may contain `/`."), RevisionQuery),
    responses((status = 200, description = "The entry.", body = DriveEntry)))]
async fn entry(
    State(app): State<App>,
    grant: Grant<Read>,
    Parameters(at): Parameters<RevisionQuery>,
) -> Result<Json<DriveEntry>> {
    let found = app.datasets.entry(&grant, at.revision.as_deref()).await?;
    let shared = app.datasets.shared_paths(&grant).await?;
    Ok(Json(DriveEntry::of(&grant, &found, &shared)))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct SearchQuery {
    /// The search text. All of its words must occur in the name. Case and accents are ignored.
    q: String,
    /// The folder to search, with its subfolders. Default: the root.
    path: Option<String>,
    /// The maximum number of results.
    #[param(minimum = 1, maximum = 1000, default = 100)]
    limit: Option<usize>,
}

/// Searches for files and folders of a drive by name. Entries nearer to the root come first.
#[utoipa::path(get, path = "/api/v1/drive/{owner}/{dataset}/search", tag = "drive", params(SearchQuery),
    responses((status = 200, description = "The matching entries.", body = Items<DriveEntry>)))]
async fn search(
    State(app): State<App>,
    visitor: DatasetRequest,
    Parameters(sought): Parameters<SearchQuery>,
    here: PageUrl,
) -> Result<Response> {
    let folder = sought.path.unwrap_or_default();
    let limit = Page::checked(sought.limit, Page::MAX)?;
    let grants = match visitor.grant::<Read>(&app, &folder).await {
        Ok(grant) => vec![grant],
        Err(refusal) if folder.is_empty() => {
            app.access.authorize_paths::<Read>(&visitor.actor, &visitor.path).await.map_err(|_| refusal)?
        }
        Err(refusal) => return Err(refusal),
    };
    let mut items = Vec::new();
    for grant in grants {
        let found = match app.datasets.find_names(&grant, &sought.q, limit - items.len()).await {
            // It can be a file, or have been deleted.
            Err(error) if error.kind() == Kind::NotFound && grant.is_root() => continue,
            found => found?,
        };
        let shared = app.datasets.shared_paths(&grant).await?;
        items.extend(found.iter().map(|found| DriveEntry::of(&grant, found, &shared)));
        if items.len() == limit {
            break;
        }
    }
    visitor.charge(10);
    Ok(here.page(items, None))
}

/// Returns the usage of a drive. Requires access to the whole dataset.
#[utoipa::path(get, path = "/api/v1/drive/{owner}/{dataset}/usage", tag = "drive",
    responses((status = 200, description = "The usage of the drive.", body = StoredUsage)))]
async fn usage(
    State(app): State<App>,
    visitor: DatasetRequest,
    grant: DatasetGrant<Read>,
) -> Result<Json<StoredUsage>> {
    let usage: DriveUsage = app.files.usage(&grant).await?.into();
    // Their sizes are added up.
    visitor.charge(usize::try_from(usage.objects / OBJECTS_FOR_ONE).unwrap_or(usize::MAX));
    let stored_bytes = app.storage.stored_bytes(&grant).await?;
    Ok(Json(StoredUsage { usage, stored_bytes }))
}

/// The number of objects that are added up for one point.
const OBJECTS_FOR_ONE: u64 = 1000;

/// Returns the commit message: the caller's, or a default.
fn message(own: Option<String>, default: &str) -> CommitMeta {
    CommitMeta { message: own, ..CommitMeta::default() }.or_message(default)
}

/// Returns grants for all paths of a dataset on which the caller has the right `R`. Fails with the same error as for the
/// whole dataset.
async fn grants<R: Right>(access: &Access, visitor: &DatasetRequest) -> Result<Vec<Grant<R>>> {
    access.authorize_paths(&visitor.actor, &visitor.path).await
}
