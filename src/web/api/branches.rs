//! Branches and branch protection: `…/branches` and `…/protection`.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::common::{Body, Items, Page, PageUrl, created, name_of};
use super::shapes;
use crate::access::{DatasetGrant, Own, Read, Write};
use crate::app::App;
use crate::datasets::refs;
use crate::error::{Error, Result};
use crate::web::http::{Parameters, Routes, Segments, routes, segment};

pub(super) fn routes(routes: Routes) -> Routes {
    routes
        .document(routes!(list, create))
        .document(routes!(show, update, delete))
        .document(routes!(protection, protect))
}

/// A branch.
#[derive(Serialize, ToSchema)]
struct Branch {
    /// The name of the branch.
    name: String,
    /// The id of the newest revision of the branch.
    revision: String,
    /// True if this is the default branch.
    default: bool,
    /// True if the branch is protected: force pushes are rejected, and only owners may rename or delete it.
    protected: bool,
}

impl From<refs::Branch> for Branch {
    fn from(branch: refs::Branch) -> Self {
        Self {
            name: branch.name,
            revision: branch.revision.to_string(),
            default: branch.default,
            protected: branch.protected,
        }
    }
}

/// A new branch.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewBranch {
    /// The name of the branch, in the syntax of git-check-ref-format(1).
    #[schema(value_type = shapes::BranchName, example = "spring-cleaning")]
    name: String,
    /// The revision to start from. Default: the newest revision of the default branch.
    revision: Option<String>,
}

/// Changes to a branch.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct BranchUpdate {
    /// The new name.
    #[schema(value_type = Option<shapes::BranchName>)]
    name: Option<String>,
    /// `true` makes it the default branch. Requires owner rights.
    default: Option<bool>,
}

/// Protection rules for branches and tags.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Protection {
    /// Patterns of branch names or full ref names. `*` matches any characters except `/`, `**` matches any characters.
    #[schema(value_type = Vec<shapes::RefPattern>, max_items = 100, example = json!(["release/*", "refs/tags/v*"]))]
    patterns: Vec<String>,
}

/// Lists branches, the default branch first.
#[utoipa::path(get, path = "/api/v1/datasets/{owner}/{dataset}/branches", tag = "branches", params(Page),
    responses((status = 200, description = "The branches.", body = Items<Branch>)))]
async fn list(
    State(app): State<App>,
    grant: DatasetGrant<Read>,
    Parameters(page): Parameters<Page>,
    here: PageUrl,
) -> Result<Response> {
    let limit = page.limit()?;
    let mut branches = app.datasets.branches(&grant).await?;
    if let Some(after) = page.cursor() {
        let after = if after == "-" { String::new() } else { name_of(after)? };
        // The default branch is always first, whatever its name, so it never comes after a cursor.
        branches.retain(|branch| !branch.default && branch.name > after);
    }
    let next = branches.get(limit).is_some().then(|| match &branches[limit - 1] {
        last if last.default => "-".to_owned(),
        last => hex::encode(&last.name),
    });
    branches.truncate(limit);
    Ok(here.page(branches.into_iter().map(Branch::from).collect(), next))
}

/// Creates a branch.
#[utoipa::path(post, path = "/api/v1/datasets/{owner}/{dataset}/branches", tag = "branches",
    request_body = NewBranch, responses((status = 201, description = "The branch.", body = Branch)))]
async fn create(State(app): State<App>, grant: DatasetGrant<Write>, Body(new): Body<NewBranch>) -> Result<Response> {
    let branch = app.datasets.create_branch(&grant, &new.name, new.revision.as_deref()).await?;
    let row = grant.dataset();
    let (owner, name) = (segment(&row.owner_name), segment(&row.name));
    let location = format!("/api/v1/datasets/{owner}/{name}/branches/{}", segment(&branch.name));
    Ok(created(&location, Branch::from(branch)))
}

/// Returns a branch.
#[utoipa::path(get, path = "/api/v1/datasets/{owner}/{dataset}/branches/{branch}", tag = "branches",
    params(("branch" = shapes::BranchName, Path, description = "The name of the branch.")),
    responses((status = 200, description = "The branch.", body = Branch)))]
async fn show(State(app): State<App>, grant: DatasetGrant<Read>, segments: Segments) -> Result<Json<Branch>> {
    Ok(Json(app.datasets.branch(&grant, segments.get("branch")).await?.into()))
}

/// Renames a branch, or makes it the default branch.
#[utoipa::path(patch, path = "/api/v1/datasets/{owner}/{dataset}/branches/{branch}", tag = "branches",
    params(("branch" = shapes::BranchName, Path, description = "The name of the branch.")), request_body = BranchUpdate,
    responses((status = 200, description = "The branch.", body = Branch)))]
async fn update(
    State(app): State<App>,
    grant: DatasetGrant<Write>,
    segments: Segments,
    Body(update): Body<BranchUpdate>,
) -> Result<Json<Branch>> {
    let old = segments.get("branch");
    let owner = match update.default {
        None => None,
        Some(true) => {
            let owner = grant.also::<Own>();
            Some(owner.ok_or_else(|| Error::forbidden("only owners can change the default branch"))?)
        }
        Some(false) => return Err(Error::invalid("`default` can only be `true`; set it on the new default branch")),
    };
    let name = match &update.name {
        Some(new) if new != old => app.datasets.rename_branch(&grant, old, new).await?.name,
        None if owner.is_none() => return Err(Error::invalid("nothing to change: give `name`, `default`, or both")),
        Some(_) | None => old.to_owned(),
    };
    if let Some(owner) = owner {
        app.datasets.set_default_branch(&owner, &name).await?;
    }
    Ok(Json(app.datasets.branch(&grant.narrow(), &name).await?.into()))
}

/// Deletes a branch. Its revisions are kept as long as another branch or a tag reaches them.
#[utoipa::path(delete, path = "/api/v1/datasets/{owner}/{dataset}/branches/{branch}", tag = "branches",
    params(("branch" = shapes::BranchName, Path, description = "The name of the branch.")),
    responses((status = 204, description = "The branch was deleted.")))]
async fn delete(State(app): State<App>, grant: DatasetGrant<Write>, segments: Segments) -> Result<StatusCode> {
    app.datasets.delete_branch(&grant, segments.get("branch")).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Returns the protection rules for branches and tags. The default branch is always protected.
#[utoipa::path(get, path = "/api/v1/datasets/{owner}/{dataset}/protection", tag = "branches",
    responses((status = 200, description = "The protection rules.", body = Protection)))]
async fn protection(State(app): State<App>, grant: DatasetGrant<Read>) -> Result<Json<Protection>> {
    Ok(Json(Protection { patterns: app.datasets.protection(&grant)? }))
}

/// Replaces the protection rules for branches and tags.
#[utoipa::path(put, path = "/api/v1/datasets/{owner}/{dataset}/protection", tag = "branches",
    request_body = Protection,
    responses((status = 200, description = "The protection rules, as patterns of full ref names.", body = Protection)))]
async fn protect(
    State(app): State<App>,
    grant: DatasetGrant<Own>,
    Body(asked): Body<Protection>,
) -> Result<Json<Protection>> {
    Ok(Json(Protection { patterns: app.datasets.protect(&grant, asked.patterns).await? }))
}
