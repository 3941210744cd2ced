//! Whether one branch can be merged into another (`…/merge`).

use axum::Json;
use axum::extract::State;
use metastore::{ConflictKind, MergeConflict, ObjectId};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::access::{DatasetGrant, Read};
use crate::app::App;
use crate::datasets::merge::{MergeWay, Mergeability};
use crate::error::Result;
use crate::web::http::{Parameters, Routes, routes};

pub(super) fn routes(routes: Routes) -> Routes {
    routes.document(routes!(check))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct MergeQuery {
    /// The branch to merge, or any other revision.
    from: String,
    /// The branch to merge into, or any other revision. Default: the default branch.
    into: Option<String>,
}

/// How two branches can be merged.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum MergeStatus {
    /// The target branch has all revisions of the source branch.
    UpToDate,
    /// The target branch can move forward to the source branch.
    FastForward,
    /// A merge revision can be made.
    Clean,
    /// Both branches changed the same files in different ways.
    Conflicts,
    /// The histories have no revision in common, or cross each other.
    Unrelated,
}

/// Whether one branch can be merged into another.
#[derive(Serialize, ToSchema)]
pub(super) struct MergeResult {
    /// How they can be merged.
    status: MergeStatus,
    /// The id of the revision to merge.
    from: String,
    /// The id of the revision to merge into.
    into: String,
    /// The id of their common ancestor; null if there is none, or several.
    base: Option<String>,
    /// The files in conflict, ordered by path; at most 100.
    conflicts: Vec<FileConflict>,
    /// The number of files in conflict.
    conflict_count: usize,
    /// Why the histories cannot be merged.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

/// A file that cannot be merged.
#[derive(Serialize, ToSchema)]
struct FileConflict {
    /// The path of the file.
    path: String,
    /// Why it cannot be merged.
    conflict: ConflictType,
    /// For `datapackage.json`, the properties that both branches changed: JSON pointers (RFC 6901).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    properties: Vec<String>,
}

/// Why a file cannot be merged.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum ConflictType {
    /// Both branches changed the same part of the file, or a file that is not text.
    BothChanged,
    /// Both branches added the file with different content.
    BothAdded,
    /// The target branch deleted the file, and the source branch changed it.
    DeletedInTarget,
    /// The target branch changed the file, and the source branch deleted it.
    DeletedInSource,
    /// One branch has a file where the other has a folder.
    FileAndFolder,
    /// One branch has a file where the other has a symbolic link or a submodule.
    OtherType,
}

impl From<&MergeConflict> for FileConflict {
    fn from(found: &MergeConflict) -> Self {
        let conflict = match found.kind {
            ConflictKind::BothChanged => ConflictType::BothChanged,
            ConflictKind::BothAdded => ConflictType::BothAdded,
            ConflictKind::DeletedByUs => ConflictType::DeletedInTarget,
            ConflictKind::DeletedByThem => ConflictType::DeletedInSource,
            ConflictKind::FileAndFolder => ConflictType::FileAndFolder,
            ConflictKind::OtherType => ConflictType::OtherType,
        };
        Self { path: found.path.clone(), conflict, properties: found.places.clone() }
    }
}

impl From<&Mergeability> for MergeResult {
    fn from(found: &Mergeability) -> Self {
        let (mut conflicts, mut conflict_count, mut reason) = (Vec::new(), 0, None);
        let status = match &found.way {
            MergeWay::UpToDate => MergeStatus::UpToDate,
            MergeWay::FastForward => MergeStatus::FastForward,
            MergeWay::Clean => MergeStatus::Clean,
            MergeWay::Conflicts(files, count) => {
                conflicts = files.iter().map(FileConflict::from).collect();
                conflict_count = *count;
                MergeStatus::Conflicts
            }
            MergeWay::Unrelated(why) => {
                reason = Some(why.clone());
                MergeStatus::Unrelated
            }
        };
        let (from, into) = (found.from.to_string(), found.into.to_string());
        let base = found.base.as_ref().map(ObjectId::to_string);
        Self { status, from, into, base, conflicts, conflict_count, reason }
    }
}

/// Returns whether one branch can be merged into another, and which files are in conflict. Text files are merged by line,
/// `datapackage.json` by resource and property. Files are compared by path: a file that one branch renamed and the other
/// changed is in conflict. To merge, open a proposal.
#[utoipa::path(get, path = "/api/v1/datasets/{owner}/{dataset}/merge", tag = "branches", params(MergeQuery),
    responses((status = 200, description = "How they can be merged.", body = MergeResult)))]
async fn check(
    State(app): State<App>,
    grant: DatasetGrant<Read>,
    Parameters(asked): Parameters<MergeQuery>,
) -> Result<Json<MergeResult>> {
    let into = asked.into.as_deref().unwrap_or("HEAD");
    let found = app.datasets.mergeability(&grant, &asked.from, into).await?;
    Ok(Json(MergeResult::from(&*found)))
}
