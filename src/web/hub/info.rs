//! What a dataset is, with its files.

use axum::Json;
use axum::extract::{RawQuery, State};
use axum::http::Method;
use axum::response::IntoResponse as _;
use metastore::Entry;
use serde_json::{Value, json};

use super::super::Routes;
use super::super::api::Segments;
use super::tree::lfs;
use super::{Answer, Failure, REVISION_NOT_FOUND, hub_time, is_default, is_on, moment, pairs, value};
use crate::access::{Grant, Read};
use crate::app::App;
use crate::types::Visibility;

pub(super) fn routes(routes: Routes) -> Routes {
    routes.add(Method::GET, "/api/datasets/{owner}/{dataset}", show).add(
        Method::GET,
        "/api/datasets/{owner}/{dataset}/revision/{revision}",
        show,
    )
}

async fn show(State(app): State<App>, grant: Grant<Read>, segments: Segments, RawQuery(query): RawQuery) -> Answer {
    let query = pairs(query.unwrap_or_default().as_bytes());
    let row = grant.dataset();
    let snapshot = app.drive.snapshot(&grant).await?;
    let asked = match segments.get("revision") {
        "" => None,
        revision if is_default(&snapshot, revision) => None,
        revision => Some(revision),
    };
    let revision = match asked {
        Some(revision) => {
            let found = app.drive.resolve(grant.id(), &snapshot, revision).await;
            Some(found.map_err(Failure::missing(REVISION_NOT_FOUND))?)
        }
        None => snapshot.state().find(&snapshot.state().head).map(|head| head.target),
    };
    let read = match revision {
        Some(id) => Some(snapshot.read(move |reader| Ok((reader.commit(id)?, reader.tree(id, None, true)?))).await?),
        None => None,
    };
    let with_blobs = is_on(value(&query, "blobs"));
    let (commit, entries) = read.map_or((None, Vec::new()), |(commit, entries)| (Some(commit), entries));
    let siblings: Vec<Value> = entries.iter().map(|entry| sibling(entry, with_blobs)).collect();
    let created = hub_time(row.created_at);
    Ok(Json(json!({
        "_id": row.id.to_string(),
        "id": grant.path(),
        "author": row.owner_name,
        "sha": commit.as_ref().map(|commit| commit.id.to_string()),
        "lastModified": commit.as_ref().map_or_else(|| created.clone(), |commit| moment(&commit.committer)),
        "createdAt": created,
        "private": row.visibility != Visibility::Public,
        "gated": false,
        "disabled": false,
        "downloads": 0,
        "likes": 0,
        "tags": [],
        "siblings": siblings,
    }))
    .into_response())
}

fn sibling(entry: &Entry, with_blobs: bool) -> Value {
    let mut told = json!({ "rfilename": entry.path });
    if with_blobs {
        told["blobId"] = entry.id.to_string().into();
        told["size"] = entry.pointer.as_ref().map(|pointer| pointer.size).or(entry.size).into();
        if let Some(pointer) = &entry.pointer {
            told["lfs"] = lfs(pointer, entry.size, "sha256");
        }
    }
    told
}
