//! Branches, tags and commit history.

use axum::Json;
use axum::extract::{RawQuery, State};
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse as _, Response};
use metastore::ObjectId;
use serde::Deserialize;
use serde_json::{Value, json};

use super::common::{Answer, Failure, REVISION_NOT_FOUND, find, is_on, moment, page, pairs, title, value};
use super::discussions;
use super::upload::branch;
use crate::access::{DatasetGrant, Read, Write};
use crate::app::App;
use crate::datasets::refs::NewTag;
use crate::datasets::revisions::Author;
use crate::error::{Error, Kind};
use crate::web::http::json::Body;
use crate::web::http::{BaseUrl, Routes, Segments, escape_html, next_query, segment};

pub(super) fn routes(routes: Routes) -> Routes {
    routes
        .add(Method::GET, "/api/datasets/{owner}/{dataset}/refs", list)
        .add(Method::GET, "/api/datasets/{owner}/{dataset}/commits/{revision}", commits)
        // To create a tag, the revision; to delete one, the name of the tag.
        .add(Method::POST, "/api/datasets/{owner}/{dataset}/tag/{name}", create_tag)
        .add(Method::DELETE, "/api/datasets/{owner}/{dataset}/tag/{name}", delete_tag)
        .add(Method::POST, "/api/datasets/{owner}/{dataset}/branch/{name}", create_branch)
        .add(Method::DELETE, "/api/datasets/{owner}/{dataset}/branch/{name}", delete_branch)
        .add(Method::POST, "/api/datasets/{owner}/{dataset}/super-squash/{revision}", squash)
}

async fn list(State(app): State<App>, grant: DatasetGrant<Read>, RawQuery(query): RawQuery) -> Answer<Json<Value>> {
    let item = |name: &str, folder: &str, target: ObjectId| json!({ "name": name, "ref": format!("refs/{folder}/{name}"), "targetCommit": target.to_string() });
    let branches = app.datasets.branches(&grant).await?;
    let branches: Vec<Value> = branches.iter().map(|branch| item(&branch.name, "heads", branch.revision)).collect();
    let tags = app.datasets.tags(&grant).await?;
    let tags: Vec<Value> = tags.iter().map(|tag| item(&tag.name, "tags", tag.revision.id)).collect();
    let asked = pairs(query.unwrap_or_default().as_bytes());
    let requests =
        if is_on(value(&asked, "include_prs")) { discussions::refs(&app, &grant).await? } else { Vec::new() };
    Ok(Json(json!({ "branches": branches, "converts": [], "tags": tags, "pullRequests": requests })))
}

/// The default number of revisions on a page.
const PAGE: usize = 100;
const LARGEST_PAGE: usize = 1000;

async fn commits(
    State(app): State<App>,
    grant: DatasetGrant<Read>,
    base: BaseUrl,
    segments: Segments,
    RawQuery(query): RawQuery,
) -> Answer {
    let query = query.unwrap_or_default();
    let asked = pairs(query.as_bytes());
    let limit = value(&asked, "limit").and_then(|limit| limit.parse().ok()).unwrap_or(PAGE).clamp(1, LARGEST_PAGE);
    let formatted = asked.iter().any(|(key, value)| key.starts_with("expand") && value == "formatted");
    let after = match value(&asked, "cursor") {
        Some(cursor) => Some(ObjectId::from_hex(cursor.as_bytes()).map_err(|_| Error::invalid("invalid `cursor`"))?),
        None => None,
    };
    let (snapshot, from) = find(&app, &grant, segments.get("revision")).await?;
    let mut found = app.datasets.history(grant.id(), &snapshot, from, None, after, limit + 1).await?;
    let next = (found.len() > limit).then(|| {
        found.truncate(limit);
        // The link names the revision itself, because the branch can move between two pages.
        let last = found.last().map(|last| last.id.to_string()).unwrap_or_default();
        let (owner, name) = (segment(&grant.dataset().owner_name), segment(&grant.dataset().name));
        format!("{}/api/datasets/{owner}/{name}/commits/{from}?{}", base.0, next_query(&query, &last))
    });
    let items = found.iter().map(|commit| {
        let (title, message) = title(&commit.message);
        let mut item = json!({
            "id": commit.id.to_string(), "title": title, "message": message, "date": moment(&commit.committer),
            "authors": [{ "user": commit.author.name }], "parents": commit.parents.iter().map(ObjectId::to_string).collect::<Vec<_>>(),
        });
        if formatted {
            item["formatted"] = json!({ "title": escape_html(title), "message": escape_html(message) });
        }
        item
    });
    Ok(page(items.collect(), from, next))
}

#[derive(Deserialize)]
struct CreateTag {
    tag: String,
    message: Option<String>,
}

async fn create_tag(
    State(app): State<App>,
    grant: DatasetGrant<Write>,
    segments: Segments,
    Body(asked): Body<CreateTag>,
) -> Answer {
    let (_, revision) = find(&app, &grant.narrow(), segments.get("name")).await?;
    let author = Author::default();
    let tag = NewTag { name: asked.tag, revision: Some(revision.to_string()), description: asked.message, author };
    app.datasets.create_tag(&grant, tag).await?;
    Ok(done())
}

async fn delete_tag(State(app): State<App>, grant: DatasetGrant<Write>, segments: Segments) -> Answer {
    app.datasets.delete_tag(&grant, segments.get("name")).await.map_err(Failure::missing(REVISION_NOT_FOUND))?;
    Ok(done())
}

#[derive(Deserialize)]
struct CreateBranch {
    #[serde(rename = "startingPoint")]
    from: Option<String>,
}

async fn create_branch(
    State(app): State<App>,
    grant: DatasetGrant<Write>,
    segments: Segments,
    Body(asked): Body<CreateBranch>,
) -> Answer {
    let from = find(&app, &grant.narrow(), asked.from.as_deref().unwrap_or("HEAD")).await?.1.to_string();
    app.datasets.create_branch(&grant, segments.get("name"), Some(&from)).await?;
    Ok(done())
}

async fn delete_branch(State(app): State<App>, grant: DatasetGrant<Write>, segments: Segments) -> Answer {
    match app.datasets.delete_branch(&grant, segments.get("name")).await {
        // Deleting the default branch. Clients expect this to be forbidden.
        Err(error) if error.kind() == Kind::Conflict => Err(Error::forbidden(error.detail()).into()),
        other => other.map(|()| done()).map_err(Failure::missing(REVISION_NOT_FOUND)),
    }
}

#[derive(Deserialize)]
struct SquashRequest {
    message: Option<String>,
}

/// Squashes the history of a branch into a single revision.
async fn squash(
    State(app): State<App>,
    grant: DatasetGrant<Write>,
    segments: Segments,
    Body(asked): Body<SquashRequest>,
) -> Answer<Json<Value>> {
    let snapshot = app.datasets.snapshot(&grant.narrow()).await?;
    let (branch, head) = branch(&app, &grant.narrow(), &snapshot, segments.get("revision")).await?;
    if head.is_none() {
        return Err(Failure::missing(REVISION_NOT_FOUND)(Error::not_found("the dataset has no revisions yet")));
    }
    let message = asked.message.filter(|text| !text.trim().is_empty());
    let message = message.unwrap_or_else(|| format!("Super-squash branch '{}'", branch.short()));
    let made = app.datasets.squash_branch(&grant, &branch, &message).await?;
    Ok(Json(json!({ "commitOid": made.to_string() })))
}

fn done() -> Response {
    (StatusCode::OK, Json(json!({}))).into_response()
}
