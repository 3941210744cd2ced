//! `…/revisions`: the history of a dataset, and going back in it.

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use metastore::FilePath;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::routes;

use super::super::Routes;
use super::diff::ChangedFile;
use super::shapes;
use super::{Body, Here, Items, Page, Parameters, Revision, Segments, Somebody, object_id};
use crate::access::{Grant, Read, Write};
use crate::app::App;
use crate::drive::package::Told;
use crate::drive::refs::branch_name;
use crate::drive::rehearse;
use crate::drive::revisions::{Part, Wording};
use crate::error::{Error, Result};

pub(super) fn routes(routes: Routes) -> Routes {
    routes.document(routes!(list)).document(routes!(show)).document(routes!(revert)).document(routes!(restore))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Walk {
    /// The revision to begin with; the newest of the default branch unless said.
    revision: Option<String>,
    /// Only those that changed this file or folder.
    #[param(value_type = Option<shapes::FilePath>)]
    path: Option<String>,
}

/// A revision with what it says of the dataset.
#[derive(Serialize, ToSchema)]
pub(super) struct WholeRevision {
    #[serde(flatten)]
    revision: Revision,
    /// What `datapackage.json` says there; null if there is none.
    #[schema(value_type = Option<Object>)]
    package: Option<Map<String, Value>>,
    /// Why `package` is null although there is a `datapackage.json`: it cannot be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    package_error: Option<String>,
}

/// What going back would change, where nothing was changed.
#[derive(Serialize, ToSchema)]
struct Rehearsal {
    /// Always true.
    dry_run: bool,
    /// What the branch holds, and will hold.
    from: String,
    /// How many files would differ.
    files: usize,
    /// Some of them, ordered by path; no more than 1,000.
    items: Vec<ChangedFile>,
    /// What would change in the metadata, as in a comparison of revisions.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<Object>>)]
    package: Option<Box<RawValue>>,
    /// What would change in the schemas of the resources, as in a comparison of revisions.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    schemas: Option<Box<RawValue>>,
}

/// What became of a way back.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
enum Outcome {
    /// The new revision.
    Made(Box<WholeRevision>),
    /// What it would change.
    Rehearsed(Rehearsal),
}

impl From<rehearse::Rehearsal> for Outcome {
    fn from(found: rehearse::Rehearsal) -> Self {
        let (package, schemas) = found.metadata.map(|metadata| (metadata.package, metadata.schemas)).unzip();
        Self::Rehearsed(Rehearsal {
            dry_run: true,
            from: found.from.to_string(),
            files: found.count,
            items: found.changes.iter().map(Into::into).collect(),
            package,
            schemas,
        })
    }
}

/// What to take back.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Reversal {
    /// The revision to take back, or the last one of several.
    revision: String,
    /// The revision after which to begin, if there are several.
    since: Option<String>,
    /// The branch to do it on; the default branch unless said.
    #[schema(value_type = Option<shapes::BranchName>)]
    branch: Option<String>,
    /// Who does it, if not the caller.
    author: Option<Somebody>,
    /// Why.
    message: Option<String>,
    /// The revision that the branch must be at (412).
    base_revision: Option<String>,
    /// Change nothing, and tell what would change.
    #[serde(default)]
    dry_run: bool,
}

/// What to bring back.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Restoration {
    /// The revision to go back to.
    revision: String,
    /// One file or folder; the whole dataset unless said.
    #[schema(value_type = Option<shapes::FilePath>)]
    path: Option<String>,
    /// One resource of the package, by its name: what the package says of it, and its files.
    resource: Option<String>,
    /// The branch to do it on; the default branch unless said.
    #[schema(value_type = Option<shapes::BranchName>)]
    branch: Option<String>,
    /// Who does it, if not the caller.
    author: Option<Somebody>,
    /// Why.
    message: Option<String>,
    /// The revision that the branch must be at (412).
    base_revision: Option<String>,
    /// Change nothing, and tell what would change.
    #[serde(default)]
    dry_run: bool,
}

/// Lists revisions, the newest first.
#[utoipa::path(get, path = "/api/v1/datasets/{owner}/{dataset}/revisions", tag = "revisions", params(Walk, Page),
    responses((status = 200, description = "Revisions.", body = Items<Revision>)))]
async fn list(
    State(app): State<App>,
    grant: Grant<Read>,
    Parameters(walk): Parameters<Walk>,
    Parameters(page): Parameters<Page>,
    here: Here,
) -> Result<Response> {
    let limit = page.limit()?;
    // The cursor is the last revision shown, and the one that the walk began with: the branch may have moved on.
    let (from, after) = match page.cursor() {
        None => (walk.revision, None),
        Some(cursor) => {
            let (from, after) = cursor.split_once('.').ok_or_else(Page::bad_cursor)?;
            (Some(from.to_owned()), Some(object_id(after).ok_or_else(Page::bad_cursor)?))
        }
    };
    let path = walk.path.map(|path| path.parse::<FilePath>()).transpose()?;
    let mut found = app.drive.revisions(&grant, from.as_deref(), path, after, limit + 1).await?;
    let next = if found.len() > limit {
        found.truncate(limit);
        let first = match &from {
            Some(from) if object_id(from).is_some() => from.clone(),
            Some(from) => app.drive.revision(&grant, from).await?.1.id.to_string(),
            None => found.first().map(|first| first.id.to_string()).unwrap_or_default(),
        };
        found.last().map(|last| format!("{first}.{}", last.id))
    } else {
        None
    };
    Ok(here.page(found.iter().map(Revision::from).collect(), next))
}

/// Shows a revision, with the package as it was.
#[utoipa::path(get, path = "/api/v1/datasets/{owner}/{dataset}/revisions/{revision}", tag = "revisions",
    params(("revision" = String, Path, description = "A branch, a tag or an id, each with `~n`, `^n`.")),
    responses((status = 200, description = "The revision.", body = WholeRevision)))]
async fn show(State(app): State<App>, grant: Grant<Read>, segments: Segments) -> Result<Json<WholeRevision>> {
    whole(&app, &grant, segments.get("revision")).await.map(Json)
}

async fn whole(app: &App, grant: &Grant<Read>, revision: &str) -> Result<WholeRevision> {
    let Told { versioned, problem } = app.drive.told(grant, Some(revision)).await?;
    let revision = versioned.revision.ok_or_else(|| Error::not_found("there is no such revision"))?;
    Ok(WholeRevision { revision: (&revision).into(), package: versioned.package, package_error: problem })
}

/// Takes back what one revision, or several, changed: as a new revision.
#[utoipa::path(post, path = "/api/v1/datasets/{owner}/{dataset}/revert", tag = "revisions", request_body = Reversal,
    responses((status = 200, description = "The new revision; with `dry_run`, what it would change.", body = Outcome)))]
async fn revert(State(app): State<App>, grant: Grant<Write>, Body(asked): Body<Reversal>) -> Result<Json<Outcome>> {
    let wording = wording(&app, &grant, asked.branch, asked.base_revision, asked.author, asked.message).await?;
    let since = asked.since.as_deref();
    if asked.dry_run {
        return Ok(Json(app.drive.rehearse_revert(&grant, since, &asked.revision, wording).await?.into()));
    }
    let made = app.drive.revert(&grant, since, &asked.revision, wording).await?;
    let made = whole(&app, &grant.narrow(), &made.to_string()).await?;
    Ok(Json(Outcome::Made(Box::new(made))))
}

/// Makes the dataset, or one file, folder or resource of it, what it was: as a new revision.
#[utoipa::path(post, path = "/api/v1/datasets/{owner}/{dataset}/restore", tag = "revisions",
    request_body = Restoration,
    responses((status = 200, description = "The new revision; with `dry_run`, what it would change.", body = Outcome)))]
async fn restore(State(app): State<App>, grant: Grant<Write>, Body(asked): Body<Restoration>) -> Result<Json<Outcome>> {
    let part = match (asked.path, asked.resource) {
        (None, None) => Part::Whole,
        (Some(path), None) => Part::Path(path.parse()?),
        (None, Some(resource)) => Part::Resource(resource),
        (Some(_), Some(_)) => return Err(Error::invalid("name a `path` or a `resource`, not both")),
    };
    let wording = wording(&app, &grant, asked.branch, asked.base_revision, asked.author, asked.message).await?;
    if asked.dry_run {
        return Ok(Json(app.drive.rehearse_restore(&grant, &asked.revision, part, wording).await?.into()));
    }
    let made = app.drive.restore(&grant, &asked.revision, part, wording).await?;
    let made = whole(&app, &grant.narrow(), &made.to_string()).await?;
    Ok(Json(Outcome::Made(Box::new(made))))
}

/// What a new revision says of itself; revisions are named as people name them.
pub(super) async fn wording(
    app: &App,
    grant: &Grant<Write>,
    branch: Option<String>,
    base: Option<String>,
    author: Option<Somebody>,
    message: Option<String>,
) -> Result<Wording> {
    let parent = match base {
        Some(base) => Some(app.drive.revision(&grant.narrow(), &base).await?.1.id),
        None => None,
    };
    Ok(Wording {
        branch: branch.map(|name| branch_name(&name)).transpose()?,
        parent,
        author: author.map(Into::into).unwrap_or_default(),
        message,
    })
}
