//! `/api/v1/drive`: files and folders as people have them in the browser: the newest state of one dataset, every change
//! a revision. Who may see or change a folder alone finds that here, and nothing else.

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
use serde_json::value::RawValue;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::routes;

use super::super::Routes;
use super::super::content::media_of;
use super::super::extract::{Caller, Visitor};
use super::{Here, Items, Page, Parameters, Segments, moment, object_id};
use crate::access::{Access, Actor, Fetch, Grant, Part, Read, Right, Spot, Target, Write};
use crate::app::App;
use crate::config::DEFAULT_STORE;
use crate::drive::browse::{Found, Listing};
use crate::drive::place::Message;
use crate::error::{Error, Kind, Result};
use crate::files::rows::{self, Work};
use crate::files::{Files, Usage};
use crate::types::{Level, RepoPath, Visibility};

pub(super) fn routes(routes: Routes) -> Routes {
    let routes = routes.document(routes!(own)).document(routes!(list)).document(routes!(entry));
    let routes = routes.document(routes!(search)).document(routes!(usage)).document(routes!(table));
    let routes = files::routes(routes);
    let routes = folders::routes(routes);
    let routes = uploads::routes(routes);
    let routes = downloads::routes(routes);
    let routes = versions::routes(routes);
    trash::routes(routes)
}

/// What an entry of a drive is.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum DriveType {
    File,
    Folder,
}

/// A file or a folder of a drive.
#[derive(Serialize, ToSchema)]
struct DriveEntry {
    /// Where it is.
    path: String,
    /// The last part of its path.
    name: String,
    /// What it is.
    r#type: DriveType,
    /// Bytes of its content; null for folders.
    size: Option<u64>,
    /// SHA-256 of its content, if Git LFS keeps it.
    #[serde(skip_serializing_if = "Option::is_none")]
    oid: Option<String>,
    /// What git calls it.
    id: String,
    /// What its name says that it is; null for folders.
    media_type: Option<&'static str>,
    /// When it changed last (RFC 3339); null if that is more than 10,000 revisions ago.
    #[schema(format = DateTime)]
    modified: Option<String>,
    /// Who changed it last.
    modified_by: Option<String>,
    /// The revision that changed it last.
    revision: Option<String>,
    /// What you may do with it.
    right: Level,
    /// Whether somebody shared it with you, or you with others.
    shared: bool,
}

impl DriveEntry {
    fn of<R: Right>(part: &Part<R>, found: &Found, shared: &HashSet<String>) -> Self {
        let entry = &found.entry;
        let name = entry.path.rsplit('/').next().unwrap_or(&entry.path).to_owned();
        let is_folder = entry.kind == EntryKind::Folder;
        let path: Option<FilePath> = entry.path.parse().ok();
        Self {
            right: path.as_ref().and_then(|path| part.right_at(Some(path))).unwrap_or(Level::View),
            shared: !part.is_whole() || shared.contains(&entry.path),
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

/// A change of one file or folder.
#[derive(Serialize, ToSchema)]
struct Changed {
    /// The revision that has it.
    revision: String,
    /// What is there now.
    entry: DriveEntry,
}

impl Changed {
    async fn at(app: &App, spot: &Spot<Write>, revision: ObjectId) -> Result<Self> {
        let found = app.drive.find_at(&spot.narrow()).await?;
        let shared = app.drive.shared_paths(spot.part()).await?;
        Ok(Self { revision: revision.to_string(), entry: DriveEntry::of(spot.part(), &found, &shared) })
    }
}

/// A drive.
#[derive(Serialize, ToSchema)]
struct OwnDrive {
    /// The dataset that it is, `owner/name`.
    dataset: String,
    #[serde(flatten)]
    usage: DriveUsage,
    /// What lies in its trash.
    trash: u64,
}

/// How much a drive has.
#[derive(Serialize, ToSchema)]
struct DriveUsage {
    /// Bytes of its objects and of its packs of git, of all revisions.
    bytes: u64,
    /// Its objects.
    objects: u64,
    /// Bytes that it may have, or all datasets of its owner together: whichever leaves less room. Null if that is not
    /// bounded. Who is not an owner is told what the drive alone may have.
    quota_bytes: Option<u64>,
    /// Bytes that count for that quota: those of the drive, or of all datasets of its owner.
    used_bytes: u64,
    /// Its files, at the newest revision.
    files: u64,
}

impl From<Usage> for DriveUsage {
    fn from(usage: Usage) -> Self {
        let Usage { bytes, objects, quota_bytes, used_bytes, files, .. } = usage;
        Self { bytes, objects, quota_bytes, used_bytes, files }
    }
}

/// Shows your own drive, the dataset `{user}/drive`; it is made when it is asked for first.
#[utoipa::path(get, path = "/api/v1/drive", tag = "drive",
    responses((status = 200, description = "Your drive.", body = OwnDrive)))]
async fn own(State(app): State<App>, caller: Caller) -> Result<Json<OwnDrive>> {
    let path = Files::own_drive(&caller.actor)?;
    let grant = match app.access.authorize_or_create(&caller.actor, &path).await? {
        Target::Existing(grant) => grant,
        Target::New(creation) => {
            match app.drive.create(&creation, Visibility::Private, DEFAULT_STORE).await {
                // Another request of the same person made it.
                Err(error) if error.kind() != Kind::Conflict => return Err(error),
                Ok(_) | Err(_) => app.access.authorize::<Read>(&caller.actor, &path).await?,
            }
        }
    };
    let usage = app.files.usage(&grant).await?;
    Ok(Json(OwnDrive { dataset: grant.path(), trash: usage.trash, usage: usage.into() }))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Asked {
    /// The folder; the root unless said.
    path: Option<String>,
    /// With all that is below it, each folder before what it holds.
    recursive: Option<bool>,
}

/// Lists a folder of a drive, in git's order: what you may see of it.
///
/// Files that are for tools, `.keep`, `.gitattributes` and `.lfsconfig`, are left out, so that a page may have fewer
/// items than its limit.
#[utoipa::path(get, path = "/api/v1/drive/{owner}/{dataset}/list", tag = "drive", params(Asked, Page),
    responses((status = 200, description = "What is there.", body = Items<DriveEntry>)))]
async fn list(
    State(app): State<App>,
    visitor: Visitor,
    Parameters(asked): Parameters<Asked>,
    Parameters(page): Parameters<Page>,
    here: Here,
) -> Result<Response> {
    let folder = asked.path.unwrap_or_default();
    let spot: Spot<Read> = match visitor.spot(&app, &folder).await {
        Ok(spot) => spot,
        Err(refusal) => {
            let items = islands(&app, &visitor.actor, &visitor.path, &folder, refusal).await?;
            return Ok(here.page(items, None));
        }
    };
    // The cursor is the revision that the list began with, for the branch may have moved on, and the last entry.
    let (revision, after) = match page.cursor() {
        None => (None, None),
        Some(cursor) => {
            let (revision, after) = cursor.split_once('.').ok_or_else(Page::bad_cursor)?;
            let revision = object_id(revision).ok_or_else(Page::bad_cursor)?;
            (Some(revision), Some(BASE64.decode(after).map_err(|_| Page::bad_cursor())?))
        }
    };
    let recursive = asked.recursive.unwrap_or_default();
    let listing = Listing { path: None, recursive, after, limit: page.limit()?, last: true };
    let Some(listed) = app.drive.list_at(&spot, revision, listing).await? else {
        return Ok(here.page(Vec::<DriveEntry>::new(), None));
    };
    visitor.charge(listed.entries.len() / 10);
    let shared = app.drive.shared_paths(spot.part()).await?;
    let items = listed.entries.iter().map(|found| DriveEntry::of(spot.part(), found, &shared)).collect();
    let next = listed.next.map(|key| format!("{}.{}", listed.revision, BASE64.encode(key)));
    Ok(here.page(items, next))
}

/// The parts of a folder that somebody may see who may not see the folder.
async fn islands(app: &App, actor: &Actor, path: &RepoPath, folder: &str, refusal: Error) -> Result<Vec<DriveEntry>> {
    if !matches!(refusal.kind(), Kind::NotFound | Kind::Forbidden | Kind::Unauthenticated) {
        return Err(refusal);
    }
    let folder = folder.trim_end_matches('/');
    let folder: Option<FilePath> = if folder.is_empty() { None } else { folder.parse().ok() };
    let Ok(parts) = app.access.authorize_parts::<Read>(actor, path).await else { return Err(refusal) };
    let mut items = Vec::new();
    for part in parts {
        let is_inside = part.root().is_some_and(|root| folder.as_ref().is_none_or(|folder| root.is_inside(folder)));
        if !is_inside {
            continue;
        }
        match app.drive.find_at(&part.top()).await {
            Ok(found) => items.push(DriveEntry::of(&part, &found, &HashSet::new())),
            // It was shared, and moved or deleted since.
            Err(error) if error.kind() == Kind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    if items.is_empty() { Err(refusal) } else { Ok(items) }
}

/// Shows a file or a folder of a drive.
#[utoipa::path(get, path = "/api/v1/drive/{owner}/{dataset}/entry/{path}", tag = "drive",
    params(("path" = String, Path, description = "Where it is; may hold `/`.")),
    responses((status = 200, description = "What is there.", body = DriveEntry)))]
async fn entry(State(app): State<App>, spot: Spot<Read>) -> Result<Json<DriveEntry>> {
    let found = app.drive.find_at(&spot).await?;
    let shared = app.drive.shared_paths(spot.part()).await?;
    Ok(Json(DriveEntry::of(spot.part(), &found, &shared)))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Sought {
    /// Words; a name must have all of them, whatever their case and accents.
    q: String,
    /// The folder to look below; the root unless said.
    path: Option<String>,
    /// At most so many.
    #[param(minimum = 1, maximum = 1000, default = 100)]
    limit: Option<usize>,
}

/// Finds files and folders of a drive by their names, those that are higher up first.
#[utoipa::path(get, path = "/api/v1/drive/{owner}/{dataset}/search", tag = "drive", params(Sought),
    responses((status = 200, description = "What was found.", body = Items<DriveEntry>)))]
async fn search(
    State(app): State<App>,
    visitor: Visitor,
    Parameters(sought): Parameters<Sought>,
    here: Here,
) -> Result<Response> {
    let folder = sought.path.unwrap_or_default();
    let limit = Page::checked(sought.limit, Page::MOST)?;
    let parts = match visitor.spot::<Read>(&app, &folder).await {
        Ok(spot) => vec![spot],
        Err(refusal) if folder.is_empty() => {
            let Ok(parts) = app.access.authorize_parts::<Read>(&visitor.actor, &visitor.path).await else {
                return Err(refusal);
            };
            parts.iter().map(Part::top).collect()
        }
        Err(refusal) => return Err(refusal),
    };
    let mut items = Vec::new();
    for spot in parts {
        let found = match app.drive.names_at(&spot, &sought.q, limit - items.len()).await {
            // It may be a file, or be gone.
            Err(error) if error.kind() == Kind::NotFound && spot.is_top() => continue,
            found => found?,
        };
        let shared = app.drive.shared_paths(spot.part()).await?;
        items.extend(found.iter().map(|found| DriveEntry::of(spot.part(), found, &shared)));
        if items.len() == limit {
            break;
        }
    }
    visitor.charge(10);
    Ok(here.page(items, None))
}

/// Tells how much a drive has: for who may see all of it.
#[utoipa::path(get, path = "/api/v1/drive/{owner}/{dataset}/usage", tag = "drive",
    responses((status = 200, description = "How much it has.", body = DriveUsage)))]
async fn usage(State(app): State<App>, grant: Grant<Read>) -> Result<Json<DriveUsage>> {
    Ok(Json(app.files.usage(&grant).await?.into()))
}

/// Points for each MiB of a table that is read, and rows that are told apart for one.
const MIB_PRICE: u64 = 100;
const ROWS_FOR_ONE: u64 = 1000;

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Section {
    /// The first row, counted from 0.
    #[serde(default)]
    #[param(default = 0, minimum = 0, maximum = 9_007_199_254_740_991_u64)]
    offset: u64,
    /// At most so many rows.
    #[param(minimum = 1, maximum = 1000, default = 100)]
    limit: Option<usize>,
    /// Which revision; the newest unless said.
    revision: Option<String>,
}

impl Section {
    /// The largest integer that is exact in every JSON parser.
    const FURTHEST: u64 = (1 << 53) - 1;

    fn checked(&self) -> Result<rows::Section> {
        let Self { offset, limit, .. } = *self;
        if offset > Self::FURTHEST {
            return Err(Error::invalid(format!("`offset` is at most {}", Self::FURTHEST)));
        }
        Ok(rows::Section { offset, limit: Page::checked(limit, rows::MOST)? })
    }
}

/// A column.
#[derive(Serialize, ToSchema)]
struct Column {
    /// Its name.
    name: String,
    /// Its type (Table Schema).
    r#type: String,
}

/// Rows of a table.
#[derive(Serialize, ToSchema)]
struct TableRows {
    /// The columns, told from the beginning of the table.
    fields: Vec<Column>,
    /// For each row a value for each column; what is not of the column's type is a string.
    #[schema(value_type = Vec<Vec<Value>>)]
    rows: Box<RawValue>,
    /// The first of these rows, counted from 0.
    offset: u64,
    /// Whether there are more behind them.
    more: bool,
}

/// Reads rows of a table: of a file that ends in `csv`, `tsv`, `jsonl` or `ndjson`.
///
/// What is read of the file is what the page needs. Other files, Parquet among them, are 415. There are fewer rows than
/// `limit`, and `more` is true, where they take more than 8 MiB of the file, or 4 MiB as JSON: go on behind them. A row
/// that is longer than 1 MiB cannot be read (422).
#[utoipa::path(get, path = "/api/v1/drive/{owner}/{dataset}/rows/{path}", tag = "drive",
    params(("path" = String, Path, description = "Where it is; may hold `/`."), Section),
    responses((status = 200, description = "The rows.", body = TableRows)))]
async fn table(
    State(app): State<App>,
    visitor: Visitor,
    segments: Segments,
    Parameters(section): Parameters<Section>,
) -> Result<Json<TableRows>> {
    let asked = section.checked()?;
    let spot: Spot<Fetch> = visitor.spot(&app, segments.get("path")).await?;
    let taken = app.access.take(std::slice::from_ref(&spot)).await?;
    let count = |Work { bytes, rows }: Work| {
        let points = ((bytes * MIB_PRICE) >> 20) + rows / ROWS_FOR_ONE;
        visitor.charge(usize::try_from(points).unwrap_or(usize::MAX));
    };
    let read = app.files.rows(&spot, section.revision.as_deref(), asked, &taken, &count).await?;
    let fields = read.fields.into_iter().map(|(name, r#type)| Column { name, r#type }).collect();
    Ok(Json(TableRows { fields, rows: read.rows, offset: asked.offset, more: read.more }))
}

/// What a change says of itself.
fn message(own: Option<String>, default: String) -> Message {
    Message { own: own.filter(|own| !own.trim().is_empty()), default }
}

/// All parts of a dataset for `R`, by the same refusal as for the dataset.
async fn parts<R: Right>(access: &Access, visitor: &Visitor) -> Result<Vec<Part<R>>> {
    access.authorize_parts(&visitor.actor, &visitor.path).await
}
