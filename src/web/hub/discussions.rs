//! Discussions and pull requests. Our proposals are the Hub's pull requests; `refs/pr/N` means the source branch of
//! proposal N.

use axum::Json;
use axum::extract::{RawQuery, Request, State};
use axum::http::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::common::{Answer, Failure, REVISION_NOT_FOUND, hub_time, is_default, pairs, value};
use crate::access::{DatasetGrant, ParticipantGrant, Read};
use crate::app::App;
use crate::datasets::merge::MergeWay;
use crate::discussions::{DiscussionEventRow, DiscussionFilter, DiscussionRow, MergeOptions, NewDiscussion};
use crate::error::{Error, Kind, Result};
use crate::types::{CommentText, DiscussionEventKind, DiscussionKind, DiscussionState, Id};
use crate::web::http::json::Body;
use crate::web::http::{Routes, Segments, escape_html, read_body};

pub(super) fn routes(routes: Routes) -> Routes {
    routes
        .add(Method::GET, "/api/datasets/{owner}/{dataset}/discussions", list)
        .add(Method::POST, "/api/datasets/{owner}/{dataset}/discussions", create)
        .add(Method::GET, "/api/datasets/{owner}/{dataset}/discussions/{number}", show)
        .add(Method::POST, "/api/datasets/{owner}/{dataset}/discussions/{number}/comment", comment)
        .add(Method::POST, "/api/datasets/{owner}/{dataset}/discussions/{number}/comment/{id}/edit", edit_comment)
        .add(Method::POST, "/api/datasets/{owner}/{dataset}/discussions/{number}/comment/{id}/hide", hide_comment)
        .add(Method::POST, "/api/datasets/{owner}/{dataset}/discussions/{number}/title", rename)
        .add(Method::POST, "/api/datasets/{owner}/{dataset}/discussions/{number}/status", set_status)
        .add(Method::POST, "/api/datasets/{owner}/{dataset}/discussions/{number}/merge", merge)
}

/// The number of discussions on a page.
const PAGE: usize = 50;

/// The maximum total size of the comments of a discussion that are returned, in bytes. Later ones are left out.
const COMMENTS: usize = 4 << 20;

/// The number of events that are read at once.
const STEP: usize = 100;

async fn list(State(app): State<App>, grant: DatasetGrant<Read>, RawQuery(query): RawQuery) -> Answer<Json<Value>> {
    let asked = pairs(query.unwrap_or_default().as_bytes());
    let kind = match value(&asked, "type") {
        Some("discussion") => Some(DiscussionKind::Discussion),
        Some("pull_request") => Some(DiscussionKind::Proposal),
        _ => None,
    };
    let status = value(&asked, "status");
    let state = (status == Some("open")).then_some(DiscussionState::Open);
    let author = value(&asked, "author");
    let filter = DiscussionFilter { kind, state, ended: status == Some("closed"), author, title: None };
    let number: usize = value(&asked, "p").and_then(|page| page.parse().ok()).unwrap_or_default();
    let start = number.min(usize::from(u16::MAX)) * PAGE;
    let rows = app.discussions.list(&grant, &filter, None, start, PAGE).await?;
    let count = app.discussions.count(&grant, &filter).await?;
    let discussions: Vec<Value> = rows.iter().map(|row| describe(&grant, row)).collect();
    Ok(Json(json!({ "discussions": discussions, "count": count, "start": start })))
}

#[derive(Deserialize)]
struct NewHubDiscussion {
    title: String,
    description: Option<String>,
    #[serde(rename = "pullRequest", default)]
    pull_request: bool,
}

async fn create(
    State(app): State<App>,
    by: ParticipantGrant,
    Body(asked): Body<NewHubDiscussion>,
) -> Answer<Json<Value>> {
    let body = CommentText::optional(asked.description.as_deref())?;
    let new = NewDiscussion { title: asked.title.parse()?, body };
    let row = if asked.pull_request {
        let writer = by.writer()?;
        let target = app.datasets.snapshot(by.grant()).await?.state().head.clone();
        let (number, branch) = app.discussions.reserve_branch(&writer, "HEAD").await?;
        match app.discussions.propose_reserved(&by, &new, number, &target).await {
            Ok(row) => row,
            Err(error) => {
                app.discussions.drop_branch(&writer, &branch).await;
                return Err(error.into());
            }
        }
    } else {
        app.discussions.open(&by, &new).await?
    };
    Ok(Json(json!({ "num": row.number, "pullRequest": asked.pull_request })))
}

async fn show(State(app): State<App>, grant: DatasetGrant<Read>, segments: Segments) -> Answer<Json<Value>> {
    let number = number(&segments)?;
    let row = app.discussions.show(&grant, number).await?;
    let (mut events, mut after, mut size) = (Vec::new(), 0, 0);
    loop {
        let page = app.discussions.events(&grant, number, after, STEP).await?;
        size += page.iter().map(|event| event.body.len()).sum::<usize>();
        events.extend(page.iter().map(event));
        match page.last() {
            Some(last) if page.len() == STEP && size < COMMENTS => after = last.number,
            _ => break,
        }
    }
    let mut shown = describe(&grant, &row);
    shown["events"] = events.into();
    if row.kind == DiscussionKind::Proposal {
        let target = row.target.as_deref().unwrap_or_default();
        shown["changes"] = json!({ "base": target });
        if let Some(merged) = &row.merged {
            shown["changes"]["mergeCommitId"] = merged.as_str().into();
        }
        shown["filesWithConflicts"] = conflicts(&app, &grant, &row).await?;
    }
    Ok(Json(shown))
}

/// Returns the files in conflict, or true if the histories cannot be merged at all.
async fn conflicts(app: &App, grant: &DatasetGrant<Read>, row: &DiscussionRow) -> Result<Value> {
    let (DiscussionState::Open, Some(source), Some(target)) = (row.state, &row.source, &row.target) else {
        return Ok(json!([]));
    };
    Ok(match &app.datasets.mergeability(grant, source, target).await?.way {
        MergeWay::UpToDate | MergeWay::FastForward | MergeWay::Clean => json!([]),
        MergeWay::Conflicts(files, _) => files.iter().map(|file| file.path.as_str()).collect(),
        MergeWay::Unrelated(_) => true.into(),
    })
}

#[derive(Deserialize)]
struct NewComment {
    comment: String,
}

async fn comment(
    State(app): State<App>,
    by: ParticipantGrant,
    segments: Segments,
    Body(asked): Body<NewComment>,
) -> Answer<Json<Value>> {
    let made = app.discussions.comment(&by, number(&segments)?, &asked.comment.parse()?).await?;
    Ok(Json(json!({ "newMessage": event(&made) })))
}

#[derive(Deserialize)]
struct Edited {
    content: String,
}

async fn edit_comment(
    State(app): State<App>,
    by: ParticipantGrant,
    segments: Segments,
    Body(asked): Body<Edited>,
) -> Answer<Json<Value>> {
    let (number, id) = (number(&segments)?, id(&segments)?);
    let edited = app.discussions.edit_comment(&by, number, id, &asked.content.parse()?).await?;
    Ok(Json(json!({ "updatedComment": event(&edited) })))
}

async fn hide_comment(State(app): State<App>, by: ParticipantGrant, segments: Segments) -> Answer<Json<Value>> {
    let hidden = app.discussions.hide_comment(&by, number(&segments)?, id(&segments)?).await?;
    Ok(Json(json!({ "updatedComment": event(&hidden) })))
}

#[derive(Deserialize)]
struct Title {
    title: String,
}

async fn rename(
    State(app): State<App>,
    by: ParticipantGrant,
    segments: Segments,
    Body(asked): Body<Title>,
) -> Answer<Json<Value>> {
    let number = number(&segments)?;
    match app.discussions.rename(&by, number, &asked.title.parse()?).await? {
        Some(renamed) => Ok(Json(json!({ "newTitle": event(&renamed) }))),
        None => Err(Error::unchanged(format!("discussion {number} has this title already")).into()),
    }
}

#[derive(Deserialize)]
struct Status {
    status: String,
    comment: Option<String>,
}

async fn set_status(
    State(app): State<App>,
    by: ParticipantGrant,
    segments: Segments,
    Body(asked): Body<Status>,
) -> Answer<Json<Value>> {
    let number = number(&segments)?;
    let state = match asked.status.as_str() {
        "open" => DiscussionState::Open,
        "closed" => DiscussionState::Closed,
        other => return Err(Error::invalid(format!("`status` is `open` or `closed`, not {other:?}")).into()),
    };
    let comment = CommentText::optional(asked.comment.as_deref())?;
    let row = app.discussions.show(by.grant(), number).await?;
    let changed = app.discussions.set_state(&by, number, state, comment.as_ref()).await?;
    // The Hub opens pull requests as drafts, and clients then set them to `open`, which ours are from the beginning.
    let unchanged = || {
        json!({ "id": row.id.to_string(), "type": "status-change", "createdAt": hub_time(row.updated_at),
                "author": author(row.author_name.as_deref()), "data": { "status": row.state.as_str() } })
    };
    Ok(Json(json!({ "newStatus": changed.as_ref().map_or_else(unchanged, event) })))
}

#[derive(Deserialize, Default)]
struct MergeRequest {
    comment: Option<String>,
}

async fn merge(
    State(app): State<App>,
    by: ParticipantGrant,
    segments: Segments,
    request: Request,
) -> Answer<Json<Value>> {
    let body = read_body(&app, request).await?;
    // Without a comment, clients send no body.
    let asked: MergeRequest = match body.trim_ascii() {
        b"" | b"null" => MergeRequest::default(),
        text => serde_json::from_slice(text).map_err(|error| Error::malformed(format!("invalid body: {error}")))?,
    };
    let comment = CommentText::optional(asked.comment.as_deref())?;
    let options = MergeOptions { comment, ..MergeOptions::default() };
    let row = app.discussions.merge(&by, number(&segments)?, &options).await?;
    Ok(Json(json!({ "success": true, "mergeCommitId": row.merged })))
}

/// Returns the branch that a client names `refs/pr/N`; `None` for any other name.
pub(super) async fn branch_name(app: &App, dataset: Id, revision: &str) -> Answer<Option<String>> {
    let Some(number) = revision.strip_prefix("refs/pr/") else { return Ok(None) };
    let missing = || Error::not_found(format!("there is no pull request `{}`", number.escape_debug()));
    let found = match number.parse() {
        Ok(number) => app.datasets.proposal_branch(dataset, number).await?,
        Err(_) => None,
    };
    match found {
        Some(branch) => Ok(Some(branch.short().to_owned())),
        None => Err(Failure::missing(REVISION_NOT_FOUND)(missing())),
    }
}

/// Creates the branch of a pull request, at the default branch or at the revision that the client has seen. Returns its number,
/// and the full names of the branch and of the one to merge into.
///
/// # Errors
/// Invalid if the pull request is not for the default branch.
pub(super) async fn reserve(
    app: &App,
    by: &ParticipantGrant,
    revision: &str,
    parent: Option<&str>,
) -> Result<(i64, metastore::RefName, metastore::RefName)> {
    let snapshot = app.datasets.snapshot(by.grant()).await?;
    if !is_default(&snapshot, revision) {
        return Err(Error::invalid("pull requests are opened for the default branch; leave `revision` out"));
    }
    let target = snapshot.state().head.clone();
    if let Some(parent) = parent {
        let (id, into) = (by.grant().id(), target.to_string());
        let parent = app.datasets.resolve(id, &snapshot, parent).await?.to_string();
        let found = app.datasets.mergeability(by.grant(), &parent, &into).await?;
        if !matches!(found.way, MergeWay::UpToDate) {
            return Err(Error::precondition(format!("`{}` has no revision {parent}", target.short())));
        }
    }
    let (number, branch) = app.discussions.reserve_branch(&by.writer()?, parent.unwrap_or("HEAD")).await?;
    Ok((number, branch, target))
}

/// Returns all pull requests whose branch or merged revision is still there, as refs.
pub(super) async fn refs(app: &App, grant: &DatasetGrant<Read>) -> Result<Vec<Value>> {
    /// Maximum number of pull requests.
    const MOST: usize = 1000;
    let filter = DiscussionFilter { kind: Some(DiscussionKind::Proposal), ..DiscussionFilter::default() };
    let rows = app.discussions.list(grant, &filter, None, 0, MOST).await?;
    let snapshot = app.datasets.snapshot(grant).await?;
    let target = |row: &DiscussionRow| {
        let branch = row.source.as_deref().and_then(|source| source.parse().ok());
        let found = branch.and_then(|branch| snapshot.state().find(&branch)).map(|found| found.target.to_string());
        if row.state == DiscussionState::Merged { row.head.clone() } else { found }
    };
    let item = |row: &DiscussionRow| {
        let (number, target) = (row.number, target(row)?);
        Some(json!({ "name": format!("pr/{number}"), "ref": format!("refs/pr/{number}"), "targetCommit": target }))
    };
    Ok(rows.iter().filter_map(item).collect())
}

fn describe(grant: &DatasetGrant<Read>, row: &DiscussionRow) -> Value {
    let mut shown = json!({
        "num": row.number, "title": row.title, "status": row.state.as_str(), "createdAt": hub_time(row.created_at),
        "isPullRequest": row.kind == DiscussionKind::Proposal, "numComments": row.comments, "pinned": false,
        "repo": { "name": grant.full_name(), "type": "dataset" },
    });
    if row.author_name.is_some() {
        shown["author"] = author(row.author_name.as_deref());
    }
    shown
}

/// Clients take an author without a name for a deleted account.
fn author(name: Option<&str>) -> Value {
    name.map_or_else(|| json!({}), |name| json!({ "name": name, "type": "user", "fullname": name, "avatarUrl": "" }))
}

fn event(row: &DiscussionEventRow) -> Value {
    let (kind, data) = match row.kind {
        DiscussionEventKind::Comment => {
            let updated = hub_time(row.edited_at.unwrap_or(row.created_at));
            let html = format!("<p>{}</p>", escape_html(&row.body));
            let latest = json!({ "raw": row.body, "html": html, "updatedAt": updated,
                                 "author": author(row.author_name.as_deref()) });
            let (edited, hidden) = (row.edited_at.is_some(), row.hidden_at.is_some());
            ("comment", json!({ "edited": edited, "hidden": hidden, "latest": latest, "history": [] }))
        }
        DiscussionEventKind::Title => ("title-change", json!({ "from": row.before, "to": row.after })),
        DiscussionEventKind::State => ("status-change", json!({ "status": row.after })),
        DiscussionEventKind::Merge => ("status-change", json!({ "status": "merged", "oid": row.after })),
        DiscussionEventKind::Branch => ("branch-change", json!({ "from": row.before, "to": row.after })),
    };
    json!({ "id": row.id.to_string(), "type": kind, "createdAt": hub_time(row.created_at),
            "author": author(row.author_name.as_deref()), "data": data })
}

fn number(segments: &Segments) -> Result<i64> {
    let text = segments.get("number");
    let number = text.parse().ok().filter(|number| *number > 0);
    number.ok_or_else(|| Error::of_kind(Kind::NotFound, format!("there is no discussion `{}`", text.escape_debug())))
}

fn id(segments: &Segments) -> Result<Id> {
    let text = segments.get("id");
    text.parse().map_err(|_| Error::not_found(format!("there is no comment `{}`", text.escape_debug())))
}
