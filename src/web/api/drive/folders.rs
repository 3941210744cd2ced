//! Folders, and where things stand: made, moved, copied, deleted.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use metastore::FilePath;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::routes;

use super::super::super::Routes;
use super::super::super::extract::Visitor;
use super::super::Body;
use super::super::shapes;
use super::{Changed, message};
use crate::access::{Fetch, Part, Read, Spot, Write};
use crate::app::App;
use crate::drive::place::{expect_inner, path_of};
use crate::error::{Error, Result};
use crate::types::RepoPath;

/// The most paths that are deleted as one revision.
const PATHS: usize = 1000;

pub(super) fn routes(routes: Routes) -> Routes {
    routes.document(routes!(add)).document(routes!(rename)).document(routes!(copy)).document(routes!(delete))
}

/// A new folder.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewFolder {
    /// Where; folders above it are made with it.
    #[schema(value_type = shapes::FilePath)]
    path: String,
    /// Why.
    message: Option<String>,
}

/// From where to where.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Relocation {
    /// From where.
    #[schema(value_type = shapes::FilePath)]
    from: String,
    /// To where: the whole new path, which must be free.
    #[schema(value_type = shapes::FilePath)]
    to: String,
    /// Why.
    message: Option<String>,
}

/// From where to where, perhaps from another dataset.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Duplication {
    /// From where.
    #[schema(value_type = shapes::FilePath)]
    from: String,
    /// To where: the whole new path, which must be free.
    #[schema(value_type = shapes::FilePath)]
    to: String,
    /// The dataset to copy from, as `owner/name`, if it is another one.
    #[schema(value_type = Option<shapes::DatasetId>)]
    dataset: Option<String>,
    /// Why.
    message: Option<String>,
}

/// What to delete.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Deletion {
    /// Files and folders.
    #[schema(value_type = Vec<shapes::FilePath>, min_items = 1, max_items = 1000)]
    paths: Vec<String>,
    /// Why.
    message: Option<String>,
}

/// What was deleted.
#[derive(Serialize, ToSchema)]
struct Deleted {
    /// The revision that has it no more.
    revision: String,
}

/// Makes a folder, as a revision. Git has no empty folders: a file `.keep` keeps it, which is not listed.
#[utoipa::path(post, path = "/api/v1/drive/{owner}/{dataset}/folders", tag = "drive", request_body = NewFolder,
    responses((status = 201, description = "The folder.", body = Changed)))]
async fn add(State(app): State<App>, visitor: Visitor, Body(new): Body<NewFolder>) -> Result<Response> {
    let spot: Spot<Write> = visitor.spot(&app, &new.path).await?;
    let path = path_of(&spot)?;
    let revision = app.drive.add_folder(&spot, message(new.message, format!("Add the folder {path}"))).await?;
    Ok((StatusCode::CREATED, Json(Changed::at(&app, &spot, revision).await?)).into_response())
}

/// Moves or renames a file or a folder, as a revision. A folder that this leaves empty stays.
#[utoipa::path(post, path = "/api/v1/drive/{owner}/{dataset}/move", tag = "drive", request_body = Relocation,
    responses((status = 200, description = "What was moved, at its new path.", body = Changed)))]
async fn rename(State(app): State<App>, visitor: Visitor, Body(asked): Body<Relocation>) -> Result<Json<Changed>> {
    let from: Spot<Write> = visitor.spot(&app, &asked.from).await?;
    let to: Spot<Write> = visitor.spot(&app, &asked.to).await?;
    let default = format!("Move {} to {}", path_of(&from)?, path_of(&to)?);
    expect_inner(&from)?;
    let revision = app.drive.move_at(&from, &to, message(asked.message, default)).await?;
    Ok(Json(Changed::at(&app, &to, revision).await?))
}

/// Copies a file or a folder, as a revision. No bytes are copied, also from another dataset: that must be one of which
/// you may download it, and have the same store.
#[utoipa::path(post, path = "/api/v1/drive/{owner}/{dataset}/copy", tag = "drive", request_body = Duplication,
    responses((status = 200, description = "The copy.", body = Changed)))]
async fn copy(State(app): State<App>, visitor: Visitor, Body(asked): Body<Duplication>) -> Result<Json<Changed>> {
    let to: Spot<Write> = visitor.spot(&app, &asked.to).await?;
    let path = path_of(&to)?;
    let revision = match asked.dataset {
        None => {
            // Whoever writes a copy could read it there.
            let from: Spot<Fetch> = visitor.spot(&app, &asked.from).await?;
            let default = format!("Copy {} to {path}", asked.from);
            app.drive.copy_at(&from.narrow::<Read>(), &to, message(asked.message, default)).await?
        }
        Some(dataset) => {
            let nothing = || Error::not_found(format!("there is no dataset {dataset:?}, or you may not see it"));
            let source: RepoPath = dataset.parse().map_err(|_| nothing())?;
            let at: FilePath = asked.from.trim_end_matches('/').parse()?;
            let part: Part<Fetch> = app.access.authorize_part(to.actor(), &source, Some(&at)).await?;
            let default = format!("Copy {at} of {source} to {path}");
            app.files.copy_from(&part.at(&at)?, &to, message(asked.message, default)).await?
        }
    };
    Ok(Json(Changed::at(&app, &to, revision).await?))
}

/// Deletes files and folders, as one revision, and puts them into the trash. The history keeps them. A folder that this
/// leaves empty stays.
#[utoipa::path(post, path = "/api/v1/drive/{owner}/{dataset}/delete", tag = "drive", request_body = Deletion,
    responses((status = 200, description = "They are in the trash.", body = Deleted)))]
async fn delete(State(app): State<App>, visitor: Visitor, Body(asked): Body<Deletion>) -> Result<Json<Deleted>> {
    let (mut parts, mut paths): (Vec<Part<Write>>, _) = (Vec::new(), Vec::new());
    if asked.paths.len() > PATHS {
        return Err(Error::invalid(format!("`paths`: name at most {PATHS}, or the folder that they are in")));
    }
    for path in &asked.paths {
        let spot: Spot<Write> = visitor.spot(&app, path).await?;
        paths.push(path_of(&spot)?);
        expect_inner(&spot)?;
        if !parts.iter().any(|part| part.root() == spot.part().root()) {
            parts.push(spot.part().clone());
        }
    }
    let default = match paths.as_slice() {
        [] => {
            let _: Part<Write> = visitor.part(&app, "").await?;
            return Err(Error::invalid("`paths`: name at least one file or folder"));
        }
        [only] => format!("Delete {only}"),
        many => format!("Delete {} files and folders", many.len()),
    };
    visitor.charge(paths.len());
    let revision = app.drive.throw_away(&parts, paths, message(asked.message, default)).await?;
    Ok(Json(Deleted { revision: revision.to_string() }))
}
