//! What a dataset is, with its files.

use axum::Json;
use axum::extract::{RawQuery, State};
use axum::http::Method;
use axum::response::IntoResponse as _;
use metastore::{Entry, EntryKind, ObjectId, Reader};
use serde_json::{Map, Value, json};

use super::super::Routes;
use super::super::api::Segments;
use super::tree::lfs;
use super::{Answer, Failure, REVISION_NOT_FOUND, hub_time, is_default, is_on, moment, pairs, value};
use crate::access::{Grant, Read};
use crate::app::App;
use crate::drive::card;
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
        Some(id) => {
            let read =
                move |reader: &Reader| Ok((reader.commit(id)?, reader.tree(id, None, true)?, card_of(reader, id)?));
            Some(snapshot.read(read).await?)
        }
        None => None,
    };
    let with_blobs = is_on(value(&query, "blobs"));
    let (commit, entries, card) = match read {
        Some((commit, entries, card)) => (Some(commit), entries, card),
        None => (None, Vec::new(), None),
    };
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
        "tags": card.as_ref().map(card::tags).unwrap_or_default(),
        "cardData": card,
        "siblings": siblings,
    }))
    .into_response())
}

/// What the README of a revision says in its header; none where it says nothing that can be read.
fn card_of(reader: &Reader, revision: ObjectId) -> metastore::Result<Option<Map<String, Value>>> {
    let blob = match reader.entry(revision, &"README.md".parse()?) {
        Ok(entry) if matches!(entry.kind, EntryKind::File | EntryKind::Executable) => entry.id,
        Ok(_) | Err(metastore::Error::NotFound(_)) => return Ok(None),
        Err(error) => return Err(error),
    };
    match reader.blob(blob, card::LARGEST) {
        Ok(bytes) => Ok(str::from_utf8(&bytes).ok().and_then(|text| card::read(text).ok()).flatten()),
        Err(metastore::Error::TooLarge(_)) => Ok(None),
        Err(error) => Err(error),
    }
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
