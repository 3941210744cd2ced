//! Checks and merges of proposals: `…/discussions/{number}/checks` and `…/merge`.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::common::{Body, object_id};
use super::discussions::{Discussion, number, whole};
use super::merge::MergeResult;
use super::shapes;
use crate::access::{DatasetGrant, ParticipantGrant, Read};
use crate::app::App;
use crate::datasets::merge::MergeChecks;
use crate::discussions::MergeOptions;
use crate::error::{Error, Result};
use crate::types::CommentText;
use crate::web::http::{Routes, Segments, routes};

pub(super) fn routes(routes: Routes) -> Routes {
    routes.document(routes!(checks)).document(routes!(merge))
}

/// What to merge.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct MergeProposal {
    /// The id of the revision that the source branch must be at: the one that was reviewed. Otherwise the request fails with
    /// 412.
    #[schema(value_type = Option<shapes::RevisionId>)]
    head: Option<String>,
    /// The message of the merge revision. Default: number and title of the proposal.
    message: Option<String>,
    /// A comment to add, in Markdown.
    comment: Option<String>,
}

/// What merging a proposal would give.
#[derive(Serialize, ToSchema)]
struct ProposalChecks {
    /// True if it can be merged now.
    passed: bool,
    /// How the branches can be merged.
    merge: MergeResult,
    /// The number of files that would change.
    files: usize,
    /// The merged `datapackage.json`.
    package: PackageCheck,
    /// Files that would change whose Git LFS objects are missing.
    objects: ObjectCheck,
    /// Files that would change and that other users have locked; at most 100.
    locked: Vec<LockedFile>,
}

/// The check of the merged `datapackage.json`.
#[derive(Serialize, ToSchema)]
struct PackageCheck {
    /// True if the merge would change it.
    changed: bool,
    /// Why it is not valid, if it is not.
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<String>,
}

/// Files whose Git LFS objects are missing.
#[derive(Serialize, ToSchema)]
struct ObjectCheck {
    /// The number of files.
    missing: usize,
    /// Their paths; at most 100.
    paths: Vec<String>,
}

/// A file that another user has locked.
#[derive(Serialize, ToSchema)]
struct LockedFile {
    /// The path of the file.
    path: String,
    /// The user who has locked it.
    owner: String,
}

impl From<MergeChecks> for ProposalChecks {
    fn from(found: MergeChecks) -> Self {
        let (paths, missing) = found.missing;
        Self {
            passed: found.merge.is_possible() && found.package.is_none() && missing == 0 && found.locked.is_empty(),
            merge: (&found.merge).into(),
            files: found.files,
            package: PackageCheck { changed: found.changes_package, problem: found.package },
            objects: ObjectCheck { missing, paths },
            locked: found.locked.into_iter().map(|(path, owner)| LockedFile { path, owner }).collect(),
        }
    }
}

/// Returns whether an open proposal can be merged now: conflicts, the merged `datapackage.json`, Git LFS objects and locks.
#[utoipa::path(get, path = "/api/v1/datasets/{owner}/{dataset}/discussions/{number}/checks", tag = "discussions",
    params(("number" = i64, Path, description = "The number of the proposal.")),
    responses((status = 200, description = "The checks.", body = ProposalChecks)))]
async fn checks(State(app): State<App>, grant: DatasetGrant<Read>, segments: Segments) -> Result<Json<ProposalChecks>> {
    Ok(Json(app.discussions.checks(&grant, number(&segments)?).await?.into()))
}

/// Merges a proposal: the target branch moves forward to the source branch, or gets a merge revision. Requires write access.
/// If the target branch has all revisions of the source branch already, for example after a push, the proposal is recorded
/// as merged.
#[utoipa::path(post, path = "/api/v1/datasets/{owner}/{dataset}/discussions/{number}/merge", tag = "discussions",
    params(("number" = i64, Path, description = "The number of the proposal.")), request_body = MergeProposal,
    responses((status = 200, description = "The merged proposal.", body = Discussion)))]
async fn merge(
    State(app): State<App>,
    by: ParticipantGrant,
    segments: Segments,
    Body(asked): Body<MergeProposal>,
) -> Result<Json<Discussion>> {
    let revision =
        |id: &String| object_id(id).ok_or_else(|| Error::invalid("`head` must be the full id of a revision"));
    let options = MergeOptions {
        expected: asked.head.as_ref().map(revision).transpose()?,
        message: CommentText::optional(asked.message.as_deref())?,
        comment: CommentText::optional(asked.comment.as_deref())?,
    };
    let row = app.discussions.merge(&by, number(&segments)?, &options).await?;
    Ok(Json(whole(&app, by.grant(), row).await?))
}
