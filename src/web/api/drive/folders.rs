//! Folder operations: create folders; move, copy and delete files and folders.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use metastore::FilePath;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::routes;

use super::super::Body;
use super::super::shapes;
use super::{Changed, message};
use crate::access::{Fetch, Grant, Read, Write};
use crate::app::App;
use crate::datasets::tree_api::{expect_inner, path_of};
use crate::error::{Error, Result};
use crate::types::RepoPath;
use crate::web::http::{DatasetRequest, Routes};

/// The maximum number of paths deleted as one revision.
const PATHS: usize = 1000;

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

/// A move or rename.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct MoveRequest {
    /// The current path.
    #[schema(value_type = shapes::FilePath)]
    from: String,
    /// The complete new path, which must not exist.
    #[schema(value_type = shapes::FilePath)]
    to: String,
    /// The commit message.
    message: Option<String>,
}

/// A copy, within the dataset or from another one.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct CopyRequest {
    /// The path to copy from.
    #[schema(value_type = shapes::FilePath)]
    from: String,
    /// The complete path of the copy, which must not exist.
    #[schema(value_type = shapes::FilePath)]
    to: String,
    /// The dataset to copy from, as `owner/name`. Default: this dataset.
    #[schema(value_type = Option<shapes::DatasetId>)]
    dataset: Option<String>,
    /// The commit message.
    message: Option<String>,
}

/// A deletion.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct DeleteRequest {
    /// The paths of the files and folders to delete.
    #[schema(value_type = Vec<shapes::FilePath>, min_items = 1, max_items = 1000)]
    paths: Vec<String>,
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

/// Moves or renames a file or a folder as a new revision. The old parent folder is kept even if it becomes empty.
#[utoipa::path(post, path = "/api/v1/drive/{owner}/{dataset}/move", tag = "drive", request_body = MoveRequest,
    responses((status = 200, description = "The entry at its new path.", body = Changed)))]
async fn rename(
    State(app): State<App>,
    visitor: DatasetRequest,
    Body(asked): Body<MoveRequest>,
) -> Result<Json<Changed>> {
    let from: Grant<Write> = visitor.grant(&app, &asked.from).await?;
    let to: Grant<Write> = visitor.grant(&app, &asked.to).await?;
    let default = format!("Move {} to {}", path_of(&from)?, path_of(&to)?);
    expect_inner(&from)?;
    let revision = app.datasets.move_entry(&from, &to, message(asked.message, &default)).await?;
    Ok(Json(Changed::at(&app, &to, revision).await?))
}

/// Copies a file or a folder as a new revision, without transferring its content. Copying from another dataset requires
/// download access to it, and both datasets must use the same store.
#[utoipa::path(post, path = "/api/v1/drive/{owner}/{dataset}/copy", tag = "drive", request_body = CopyRequest,
    responses((status = 200, description = "The copy.", body = Changed)))]
async fn copy(
    State(app): State<App>,
    visitor: DatasetRequest,
    Body(asked): Body<CopyRequest>,
) -> Result<Json<Changed>> {
    let to: Grant<Write> = visitor.grant(&app, &asked.to).await?;
    let path = path_of(&to)?;
    let revision = match asked.dataset {
        None => {
            // Write access to the copy's path implies that the caller could read the copy there.
            let from: Grant<Fetch> = visitor.grant(&app, &asked.from).await?;
            let default = format!("Copy {} to {path}", asked.from);
            app.datasets.copy_entry(&from.narrow::<Read>(), &to, message(asked.message, &default)).await?
        }
        Some(dataset) => {
            let nothing =
                || Error::not_found(format!("dataset {dataset:?} does not exist, or you do not have access to it"));
            let source: RepoPath = dataset.parse().map_err(|_| nothing())?;
            let at: FilePath = asked.from.trim_end_matches('/').parse()?;
            let part: Grant<Fetch> = app.access.authorize_path(to.actor(), &source, Some(&at)).await?;
            let default = format!("Copy {at} of {source} to {path}");
            app.files.copy_from(&part.at(&at)?, &to, message(asked.message, &default)).await?
        }
    };
    Ok(Json(Changed::at(&app, &to, revision).await?))
}

/// Deletes files and folders as one revision and moves them to the trash. The history keeps them. A parent folder that
/// becomes empty is kept.
#[utoipa::path(post, path = "/api/v1/drive/{owner}/{dataset}/delete", tag = "drive", request_body = DeleteRequest,
    responses((status = 200, description = "The items were moved to the trash.", body = Deleted)))]
async fn delete(
    State(app): State<App>,
    visitor: DatasetRequest,
    Body(asked): Body<DeleteRequest>,
) -> Result<Json<Deleted>> {
    let (mut grants, mut paths): (Vec<Grant<Write>>, _) = (Vec::new(), Vec::new());
    if asked.paths.len() > PATHS {
        return Err(Error::invalid(format!(
            "`paths` must have at most {PATHS} items; to delete more, delete their folder"
        )));
    }
    for path in &asked.paths {
        let grant: Grant<Write> = visitor.grant(&app, path).await?;
        paths.push(path_of(&grant)?);
        expect_inner(&grant)?;
        if !grants.iter().any(|other| other.root() == grant.root()) {
            grants.push(grant);
        }
    }
    let default = match paths.as_slice() {
        [] => {
            let _: Grant<Write> = visitor.grant(&app, "").await?;
            return Err(Error::invalid("`paths` must not be empty"));
        }
        [only] => format!("Delete {only}"),
        many => format!("Delete {} files and folders", many.len()),
    };
    visitor.charge(paths.len());
    let revision = app.datasets.move_to_trash(&grants, paths, message(asked.message, &default)).await?;
    Ok(Json(Deleted { revision: revision.to_string() }))
}
