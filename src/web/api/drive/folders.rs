//! Folder operations: create folders; move, copy and delete files and folders.

use axum::Json;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use metastore::{FilePath, ObjectId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::super::batch::{self, Batch};
use super::super::common::Body;
use super::super::shapes;
use super::{Changed, DriveEntry, message};
use crate::access::{Fetch, Grant, Read, Write};
use crate::app::App;
use crate::datasets::tree_api::{MovedEntry, by_root, expect_inner, path_of};
use crate::error::{Error, Result};
use crate::types::RepoPath;
use crate::web::http::{DatasetRequest, Routes, routes};

pub(super) fn routes(routes: Routes) -> Routes {
    routes.document(routes!(add)).document(routes!(rename)).document(routes!(copy)).document(routes!(delete))
}

/// A new folder.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewFolder {
    /// The path of the folder. Missing parent folders are created.
    #[schema(value_type = shapes::FilePath)]
    path: String,
    /// The commit message.
    message: Option<String>,
}

/// A file or folder to move or copy.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct MoveItem {
    /// The current path.
    #[schema(value_type = shapes::FilePath)]
    from: String,
    /// The complete new path, which must not exist.
    #[schema(value_type = shapes::FilePath)]
    to: String,
    /// True to replace the file or folder at the new path, if there is one; the history keeps it.
    #[serde(default)]
    replace: bool,
}

/// A move or rename: `from` and `to`, or `items`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct MoveRequest {
    /// The current path.
    #[schema(value_type = Option<shapes::FilePath>)]
    from: Option<String>,
    /// The complete new path, which must not exist.
    #[schema(value_type = Option<shapes::FilePath>)]
    to: Option<String>,
    /// Files and folders to move as one revision, all or nothing. They are moved in this order.
    #[schema(value_type = Option<Vec<MoveItem>>, min_items = 1, max_items = 50_000)]
    items: Option<Batch<MoveItem>>,
    /// The commit message.
    message: Option<String>,
}

/// A copy, within the dataset or from another one: `from` and `to`, or `items`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct CopyRequest {
    /// The path to copy from.
    #[schema(value_type = Option<shapes::FilePath>)]
    from: Option<String>,
    /// The complete path of the copy, which must not exist.
    #[schema(value_type = Option<shapes::FilePath>)]
    to: Option<String>,
    /// Files and folders to copy as one revision, all or nothing.
    #[schema(value_type = Option<Vec<MoveItem>>, min_items = 1, max_items = 50_000)]
    items: Option<Batch<MoveItem>>,
    /// The dataset to copy from, as `owner/name`. Default: this dataset.
    #[schema(value_type = Option<shapes::DatasetId>)]
    dataset: Option<String>,
    /// The commit message.
    message: Option<String>,
}

/// The result of a move or a copy.
#[derive(Serialize, ToSchema)]
struct Moved {
    /// The revision with the change.
    revision: String,
    /// The entry at its new path; absent for a request with `items`.
    #[serde(skip_serializing_if = "Option::is_none")]
    entry: Option<DriveEntry>,
}

/// What a move or a copy is about.
enum Ways {
    One(MoveItem),
    Many(Vec<MoveItem>),
}

impl Ways {
    fn of(from: Option<String>, to: Option<String>, items: Option<Batch<MoveItem>>) -> Result<Self> {
        match (from, to, items) {
            (Some(from), Some(to), None) => Ok(Self::One(MoveItem { from, to, replace: false })),
            (None, None, Some(items)) => Ok(Self::Many(items.items("items")?)),
            _ => Err(Error::invalid("give either `from` and `to`, or `items`")),
        }
    }

    fn items(&self) -> &[MoveItem] {
        match self {
            Self::One(item) => std::slice::from_ref(item),
            Self::Many(items) => items,
        }
    }

    fn from(&self) -> impl Iterator<Item = &str> {
        self.items().iter().map(|item| item.from.as_str())
    }

    fn to(&self) -> impl Iterator<Item = &str> {
        self.items().iter().map(|item| item.to.as_str())
    }

    /// Checks that what is replaced is not itself the item, or around it, and that the caller may remove it.
    fn check_replaced(&self, to: &[Grant<Write>]) -> Result<()> {
        for (MoveItem { from, replace, .. }, target) in self.items().iter().zip(to) {
            let path = path_of(target)?;
            if !replace {
                continue;
            }
            expect_inner(target)?;
            let from: FilePath = from.trim_end_matches('/').parse()?;
            if from == path || from.is_inside(&path) {
                return Err(Error::invalid(format!("`{path}` cannot be replaced by the same path or one inside it")));
            }
        }
        Ok(())
    }

    /// Returns whether each item may replace what is at its new path.
    fn replaces(&self) -> impl Iterator<Item = bool> {
        self.items().iter().map(|item| item.replace)
    }

    /// Returns the default commit message: what is done, with one item or with many.
    fn message(&self, verb: &str, one: impl FnOnce() -> Result<String>) -> Result<String> {
        match self.items() {
            [_] => one(),
            many => Ok(format!("{verb} {} files and folders", many.len())),
        }
    }

    async fn done(&self, app: &App, to: Option<&Grant<Write>>, revision: ObjectId) -> Result<Json<Moved>> {
        let entry = match (self, to) {
            (Self::One(_), Some(to)) => Some(Changed::at(app, to, revision).await?.entry),
            _ => None,
        };
        Ok(Json(Moved { revision: revision.to_string(), entry }))
    }
}

/// A deletion.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct DeleteRequest {
    /// The paths of the files and folders to delete.
    #[schema(value_type = Vec<shapes::FilePath>, min_items = 1, max_items = 50_000)]
    paths: Batch<String>,
    /// The commit message.
    message: Option<String>,
}

/// The result of a deletion.
#[derive(Serialize, ToSchema)]
struct Deleted {
    /// The revision with the deletion.
    revision: String,
}

/// Creates a folder as a new revision. Git has no empty folders, so the folder gets a `.keep` file, which listings
/// hide.
#[utoipa::path(post, path = "/api/v1/drive/{owner}/{dataset}/folders", tag = "drive", request_body = NewFolder,
    responses((status = 201, description = "The folder.", body = Changed)))]
async fn add(State(app): State<App>, visitor: DatasetRequest, Body(new): Body<NewFolder>) -> Result<Response> {
    let grant: Grant<Write> = visitor.grant(&app, &new.path).await?;
    let path = path_of(&grant)?;
    let revision = app.datasets.add_folder(&grant, message(new.message, &format!("Add the folder {path}"))).await?;
    Ok((StatusCode::CREATED, Json(Changed::at(&app, &grant, revision).await?)).into_response())
}

/// Moves or renames files and folders as a new revision. Their old parent folders are kept even if they become empty.
///
/// A request has at most 50,000 items and 8 MiB; send several for more, or name the folders that contain the files.
#[utoipa::path(post, path = "/api/v1/drive/{owner}/{dataset}/move", tag = "drive", request_body = MoveRequest,
    responses((status = 200, description = "The items were moved.", body = Moved)))]
async fn rename(State(app): State<App>, visitor: DatasetRequest, request: Request) -> Result<Json<Moved>> {
    let (_, asked) = batch::read::<Write, MoveRequest>(&app, &visitor, request).await?;
    let ways = Ways::of(asked.from, asked.to, asked.items)?;
    visitor.charge(ways.items().len());
    let from: Vec<Grant<Write>> = visitor.grant_each(&app, ways.from()).await?;
    let to: Vec<Grant<Write>> = visitor.grant_each(&app, ways.to()).await?;
    for (from, to) in from.iter().zip(&to) {
        // Before the right to move it: a path that cannot be moved is the client's mistake.
        path_of(from)?;
        path_of(to)?;
        expect_inner(from)?;
    }
    ways.check_replaced(&to)?;
    let moves = from.into_iter().zip(to).zip(ways.replaces());
    let moves: Vec<MovedEntry<Write>> = moves.map(|((from, to), replace)| MovedEntry { from, to, replace }).collect();
    let default =
        ways.message("Move", || Ok(format!("Move {} to {}", path_of(&moves[0].from)?, path_of(&moves[0].to)?)))?;
    let revision = app.datasets.move_entries(&moves, message(asked.message, &default)).await?;
    ways.done(&app, moves.first().map(|moved| &moved.to), revision).await
}

/// Copies files and folders as a new revision, without transferring their content. Copying from another dataset requires
/// download access to it, and both datasets must use the same store.
///
/// A request has at most 50,000 items and 8 MiB; send several for more, or name the folders that contain the files.
/// Together, the copies are at most 500,000 files, with 64 MiB of paths; from another dataset, at most 50,000 files.
#[utoipa::path(post, path = "/api/v1/drive/{owner}/{dataset}/copy", tag = "drive", request_body = CopyRequest,
    responses((status = 200, description = "The copies.", body = Moved)))]
async fn copy(State(app): State<App>, visitor: DatasetRequest, request: Request) -> Result<Json<Moved>> {
    let (_, asked) = batch::read::<Write, CopyRequest>(&app, &visitor, request).await?;
    let ways = Ways::of(asked.from, asked.to, asked.items)?;
    visitor.charge(ways.items().len());
    let targets: Vec<Grant<Write>> = visitor.grant_each(&app, ways.to()).await?;
    ways.check_replaced(&targets)?;
    let (first, path) = (&ways.items()[0], path_of(&targets[0])?);
    let revision = match asked.dataset {
        None => {
            // Write access to the copy's path implies that the caller could read the copy there.
            let sources: Vec<Grant<Fetch>> = visitor.grant_each(&app, ways.from()).await?;
            let default = ways.message("Copy", || Ok(format!("Copy {} to {path}", first.from)))?;
            let copies = sources.iter().map(Grant::narrow::<Read>).zip(targets.iter().cloned()).zip(ways.replaces());
            let copies: Vec<MovedEntry<Read>> =
                copies.map(|((from, to), replace)| MovedEntry { from, to, replace }).collect();
            app.datasets.copy_entries(&copies, message(asked.message, &default)).await?
        }
        Some(_) if ways.replaces().any(|replace| replace) => {
            return Err(Error::invalid("`replace` is only for copies within the dataset; delete the old item first"));
        }
        Some(dataset) => {
            let nothing =
                || Error::not_found(format!("dataset {dataset:?} does not exist, or you do not have access to it"));
            let source: RepoPath = dataset.parse().map_err(|_| nothing())?;
            let paths = ways.from().map(|path| Ok(Some(path.trim_end_matches('/').parse()?)));
            let paths: Vec<Option<FilePath>> = paths.collect::<Result<_>>()?;
            let sources: Vec<Grant<Fetch>> = app.access.authorize_each(&visitor.actor, &source, &paths).await?;
            let from = first.from.trim_end_matches('/');
            let default = ways.message("Copy", || Ok(format!("Copy {from} of {source} to {path}")))?;
            let items: Vec<_> = sources.into_iter().zip(targets.iter().cloned()).collect();
            app.files.copy_from(&items, message(asked.message, &default)).await?
        }
    };
    ways.done(&app, targets.first(), revision).await
}

/// Deletes files and folders as one revision and moves them to the trash. The history keeps them. A parent folder that
/// becomes empty is kept.
///
/// A request has at most 50,000 items and 8 MiB; send several for more, or name the folders that contain the files.
#[utoipa::path(post, path = "/api/v1/drive/{owner}/{dataset}/delete", tag = "drive", request_body = DeleteRequest,
    responses((status = 200, description = "The items were moved to the trash.", body = Deleted)))]
async fn delete(State(app): State<App>, visitor: DatasetRequest, request: Request) -> Result<Json<Deleted>> {
    let (_, asked) = batch::read::<Write, DeleteRequest>(&app, &visitor, request).await?;
    let paths = asked.paths.items("paths")?;
    visitor.charge(paths.len());
    let grants: Vec<Grant<Write>> = visitor.grant_each(&app, paths.iter().map(String::as_str)).await?;
    let mut paths = Vec::with_capacity(grants.len());
    for grant in &grants {
        paths.push(path_of(grant)?);
        expect_inner(grant)?;
    }
    let default = match paths.as_slice() {
        [only] => format!("Delete {only}"),
        many => format!("Delete {} files and folders", many.len()),
    };
    let revision = app.datasets.move_to_trash(&by_root(&grants), paths, message(asked.message, &default)).await?;
    Ok(Json(Deleted { revision: revision.to_string() }))
}
