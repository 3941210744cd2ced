//! Revision history (`…/revisions`), reverting and restoring.

use std::iter;

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use metastore::FilePath;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use utoipa::{IntoParams, ToSchema};

use super::common::{Body, CommitAuthor, Items, Page, PageUrl, Revision, object_id};
use super::diff::ChangedFile;
use super::shapes;
use crate::access::{DatasetGrant, Read, Write};
use crate::app::App;
use crate::datasets::dry_run;
use crate::datasets::package::CommitNote;
use crate::datasets::refs::branch_name;
use crate::datasets::revert::{Part, RevertPlan};
use crate::datasets::revision_stats;
use crate::datasets::revisions::CommitMeta;
use crate::error::{Error, Result};
use crate::web::http::{Parameters, Routes, Segments, routes};

pub(super) fn routes(routes: Routes) -> Routes {
    routes.document(routes!(list)).document(routes!(show)).document(routes!(revert)).document(routes!(restore))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct HistoryQuery {
    /// The revision to start from. Default: the newest revision of the default branch.
    revision: Option<String>,
    /// Only revisions that changed this file or folder.
    #[param(value_type = Option<shapes::FilePath>)]
    path: Option<String>,
    /// True to also count what each revision changed, with `path` only there, of at most 100 of them.
    #[serde(default)]
    stats: bool,
}

/// A revision in a list.
#[derive(Serialize, ToSchema)]
struct ListedRevision {
    #[serde(flatten)]
    revision: Revision,
    /// With `stats`: what it changed. Absent for revisions that changed too many files, and for the rest of a list that as a
    /// whole changed more than 20,000: a later request counts on.
    #[serde(skip_serializing_if = "Option::is_none")]
    stats: Option<RevisionStats>,
}

/// How many files a revision changed since its first parent.
#[derive(Serialize, ToSchema)]
struct RevisionStats {
    /// The number of added files.
    added: u64,
    /// The number of files with other content, another name or another mode.
    changed: u64,
    /// The number of removed files.
    removed: u64,
    /// The size of the added and changed files, in bytes.
    bytes_added: u64,
    /// The size that the removed and changed files had, in bytes.
    bytes_removed: u64,
}

impl From<revision_stats::RevisionStats> for RevisionStats {
    fn from(stats: revision_stats::RevisionStats) -> Self {
        let revision_stats::RevisionStats { added, changed, removed, bytes_added, bytes_removed } = stats;
        Self { added, changed, removed, bytes_added, bytes_removed }
    }
}

/// A revision with its package metadata.
#[derive(Serialize, ToSchema)]
pub(super) struct WholeRevision {
    #[serde(flatten)]
    revision: Revision,
    /// The content of `datapackage.json` in this revision; null if the file does not exist.
    #[schema(value_type = Option<Object>)]
    package: Option<Map<String, Value>>,
    /// Why `package` is null although there is a `datapackage.json`: the error when parsing it.
    #[serde(skip_serializing_if = "Option::is_none")]
    package_error: Option<String>,
}

/// The result of a dry run.
#[derive(Serialize, ToSchema)]
struct DryRunResult {
    /// Always true.
    dry_run: bool,
    /// The current revision of the branch.
    from: String,
    /// The number of files that would differ.
    files: usize,
    /// Files that would differ, ordered by path; at most 1,000.
    items: Vec<ChangedFile>,
    /// Metadata changes, as in a diff of revisions.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<Object>>)]
    package: Option<Box<RawValue>>,
    /// Changes of the resources' schemas, as in a diff of revisions.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    schemas: Option<Box<RawValue>>,
}

/// The result of a revert or restore.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
enum Outcome {
    /// The new revision.
    Made(Box<WholeRevision>),
    /// The changes of a dry run.
    DryRun(DryRunResult),
}

impl From<dry_run::DryRun> for Outcome {
    fn from(found: dry_run::DryRun) -> Self {
        let (package, schemas) = found.metadata.map(|metadata| (metadata.package, metadata.schemas)).unzip();
        Self::DryRun(DryRunResult {
            dry_run: true,
            from: found.from.to_string(),
            files: found.count,
            items: found.changes.iter().map(Into::into).collect(),
            package,
            schemas,
        })
    }
}

/// What to revert.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct RevertRequest {
    /// The revision to revert, or the last one of a range.
    revision: String,
    /// To revert a range: the revision before its first one.
    since: Option<String>,
    /// The branch. Default: the default branch.
    #[schema(value_type = Option<shapes::BranchName>)]
    branch: Option<String>,
    /// The author of the new revision. Default: the caller.
    author: Option<CommitAuthor>,
    /// The commit message.
    message: Option<String>,
    /// The revision that the branch must be at; otherwise the request fails with 412.
    base_revision: Option<String>,
    /// True to return the changes without making them.
    #[serde(default)]
    dry_run: bool,
}

/// What to restore.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct RestoreRequest {
    /// The revision to restore from.
    revision: String,
    /// The file or folder to restore. Default: the whole dataset.
    #[schema(value_type = Option<shapes::FilePath>)]
    path: Option<String>,
    /// The resource of the package to restore, by name: its metadata and its files.
    resource: Option<String>,
    /// The branch. Default: the default branch.
    #[schema(value_type = Option<shapes::BranchName>)]
    branch: Option<String>,
    /// The author of the new revision. Default: the caller.
    author: Option<CommitAuthor>,
    /// The commit message.
    message: Option<String>,
    /// The revision that the branch must be at; otherwise the request fails with 412.
    base_revision: Option<String>,
    /// True to return the changes without making them.
    #[serde(default)]
    dry_run: bool,
}

/// Lists revisions, newest first.
#[utoipa::path(get, path = "/api/v1/datasets/{owner}/{dataset}/revisions", tag = "revisions", params(HistoryQuery, Page),
    responses((status = 200, description = "The revisions.", body = Items<ListedRevision>)))]
async fn list(
    State(app): State<App>,
    grant: DatasetGrant<Read>,
    Parameters(walk): Parameters<HistoryQuery>,
    Parameters(page): Parameters<Page>,
    here: PageUrl,
) -> Result<Response> {
    let limit = if walk.stats { Page::checked(page.limit, Page::LIMIT)? } else { page.limit()? };
    // The cursor holds the last revision returned and the one the listing started from, because the branch can move.
    let (from, after) = match page.cursor() {
        None => (walk.revision, None),
        Some(cursor) => {
            let (from, after) = cursor.split_once('.').ok_or_else(Page::bad_cursor)?;
            (Some(from.to_owned()), Some(object_id(after).ok_or_else(Page::bad_cursor)?))
        }
    };
    let path = walk.path.map(|path| path.parse::<FilePath>()).transpose()?;
    let mut found = app.datasets.revisions(&grant, from.as_deref(), path.clone(), after, limit + 1).await?;
    let next = if found.len() > limit {
        found.truncate(limit);
        let first = match &from {
            Some(from) if object_id(from).is_some() => from.clone(),
            Some(from) => app.datasets.revision(&grant, from).await?.1.id.to_string(),
            None => found.first().map(|first| first.id.to_string()).unwrap_or_default(),
        };
        found.last().map(|last| format!("{first}.{}", last.id))
    } else {
        None
    };
    let stats = if walk.stats { app.datasets.revision_stats(&grant, &found, path.as_ref()).await? } else { Vec::new() };
    let stats = stats.into_iter().map(|stats| stats.map(RevisionStats::from)).chain(iter::repeat_with(|| None));
    let items = found.iter().zip(stats).map(|(revision, stats)| ListedRevision { revision: revision.into(), stats });
    Ok(here.page(items.collect(), next))
}

/// Returns a revision with its package metadata.
#[utoipa::path(get, path = "/api/v1/datasets/{owner}/{dataset}/revisions/{revision}", tag = "revisions",
    params(("revision" = String, Path, description = "A branch, a tag or a commit id, optionally with `~n` or `^n`.")),
    responses((status = 200, description = "The revision.", body = WholeRevision)))]
async fn show(State(app): State<App>, grant: DatasetGrant<Read>, segments: Segments) -> Result<Json<WholeRevision>> {
    whole(&app, &grant, segments.get("revision")).await.map(Json)
}

async fn whole(app: &App, grant: &DatasetGrant<Read>, revision: &str) -> Result<WholeRevision> {
    let CommitNote { versioned, problem } = app.datasets.note(grant, Some(revision)).await?;
    let revision = versioned.revision.ok_or_else(|| Error::not_found("revision not found"))?;
    Ok(WholeRevision { revision: (&revision).into(), package: versioned.package, package_error: problem })
}

/// Reverts the changes of a revision, or of a range of revisions, as a new revision.
#[utoipa::path(post, path = "/api/v1/datasets/{owner}/{dataset}/revert", tag = "revisions", request_body = RevertRequest,
    responses((status = 200, description = "The new revision; with `dry_run`, the changes.", body = Outcome)))]
async fn revert(
    State(app): State<App>,
    grant: DatasetGrant<Write>,
    Body(asked): Body<RevertRequest>,
) -> Result<Json<Outcome>> {
    let wording = wording(&app, &grant, asked.branch, asked.base_revision, asked.author, asked.message).await?;
    let plan = app.datasets.plan_revert(&grant, asked.since.as_deref(), &asked.revision).await?;
    carry_out(&app, &grant, plan, wording, asked.dry_run).await
}

async fn carry_out(
    app: &App,
    grant: &DatasetGrant<Write>,
    plan: RevertPlan,
    wording: CommitMeta,
    dry_run: bool,
) -> Result<Json<Outcome>> {
    if dry_run {
        return Ok(Json(app.datasets.dry_run(grant, plan, wording).await?.into()));
    }
    let made = app.datasets.carry_out(grant, plan, wording).await?;
    let made = whole(app, &grant.narrow(), &made.to_string()).await?;
    Ok(Json(Outcome::Made(Box::new(made))))
}

/// Restores the dataset, or a file, folder or resource of it, to an earlier revision, as a new revision.
#[utoipa::path(post, path = "/api/v1/datasets/{owner}/{dataset}/restore", tag = "revisions",
    request_body = RestoreRequest,
    responses((status = 200, description = "The new revision; with `dry_run`, the changes.", body = Outcome)))]
async fn restore(
    State(app): State<App>,
    grant: DatasetGrant<Write>,
    Body(asked): Body<RestoreRequest>,
) -> Result<Json<Outcome>> {
    let part = match (asked.path, asked.resource) {
        (None, None) => Part::Whole,
        (Some(path), None) => Part::Path(path.parse()?),
        (None, Some(resource)) => Part::Resource(resource),
        (Some(_), Some(_)) => return Err(Error::invalid("give either `path` or `resource`, not both")),
    };
    let wording = wording(&app, &grant, asked.branch, asked.base_revision, asked.author, asked.message).await?;
    let plan = app.datasets.plan_restore(&grant, &asked.revision, part).await?;
    carry_out(&app, &grant, plan, wording, asked.dry_run).await
}

/// Builds the commit message of a new revision. It names revisions as the user wrote them.
pub(super) async fn wording(
    app: &App,
    grant: &DatasetGrant<Write>,
    branch: Option<String>,
    base: Option<String>,
    author: Option<CommitAuthor>,
    message: Option<String>,
) -> Result<CommitMeta> {
    let parent = match base {
        Some(base) => Some(app.datasets.revision(&grant.narrow(), &base).await?.1.id),
        None => None,
    };
    Ok(CommitMeta {
        branch: branch.map(|name| branch_name(&name)).transpose()?,
        parent,
        author: author.map(Into::into).unwrap_or_default(),
        message,
    })
}
