//! Dataset information, with the list of files.

use axum::Json;
use axum::extract::{RawQuery, State};
use axum::http::Method;
use axum::response::IntoResponse as _;
use metastore::{EntryKind, ObjectId, Reader, Side};
use serde::Serialize;
use serde_json::{Value, json};

use super::common::{Answer, Failure, REVISION_NOT_FOUND, hub_time, is_default, is_on, moment, pairs, value};
use super::tree::lfs;
use crate::access::{DatasetGrant, Read};
use crate::app::App;
use crate::datasets::card;
use crate::datasets::package::front_matter;
use crate::types::Visibility;
use crate::web::http::{Routes, Segments};

/// The maximum number of files listed, and of bytes in their paths. If a client gets none or more than 50,000, it
/// assumes that the list is incomplete and requests the tree in pages.
const LISTED: usize = 50_001;
const LISTED_BYTES: usize = 16 << 20;

pub(super) fn routes(routes: Routes) -> Routes {
    routes.add(Method::GET, "/api/datasets/{owner}/{dataset}", show).add(
        Method::GET,
        "/api/datasets/{owner}/{dataset}/revision/{revision}",
        show,
    )
}

async fn show(
    State(app): State<App>,
    grant: DatasetGrant<Read>,
    segments: Segments,
    RawQuery(query): RawQuery,
) -> Answer {
    let query = pairs(query.unwrap_or_default().as_bytes());
    let row = grant.dataset();
    let snapshot = app.datasets.snapshot(&grant).await?;
    let asked = match segments.get("revision") {
        "" => None,
        revision if is_default(&snapshot, revision) => None,
        revision => Some(revision),
    };
    let revision = match asked {
        Some(revision) => {
            let found = app.datasets.resolve(grant.id(), &snapshot, revision).await;
            Some(found.map_err(Failure::missing(REVISION_NOT_FOUND))?)
        }
        None => snapshot.state().find(&snapshot.state().head).map(|head| head.target),
    };
    let with_blobs = is_on(value(&query, "blobs"));
    let read = match revision {
        Some(id) => {
            let read = move |reader: &Reader| {
                Ok((reader.commit(id)?, siblings(reader, id, with_blobs)?, front_matter(reader, id)?))
            };
            // Names alone are available immediately.
            Some(if with_blobs { snapshot.read_long(read).await? } else { snapshot.read(read).await? })
        }
        None => None,
    };
    let (commit, siblings, card) = match read {
        Some((commit, siblings, card)) => (Some(commit), siblings, card),
        None => (None, Vec::new(), None),
    };
    let created = hub_time(row.created_at);
    let about = json!({
        "_id": row.id.to_string(),
        "id": grant.full_name(),
        "author": row.owner_name,
        "sha": commit.as_ref().map(|commit| commit.id.to_string()),
        "lastModified": commit.as_ref().map_or_else(|| created.clone(), |commit| moment(&commit.committer)),
        "createdAt": created,
        "private": row.visibility != Visibility::Public,
        "gated": false,
        "disabled": false,
        "downloads": 0,
        "likes": app.datasets.stars(&grant).await?.count,
        "tags": card.as_ref().map(card::tags).unwrap_or_default(),
        "cardData": card,
    });
    Ok(Json(Info { about, siblings }).into_response())
}

/// Information about a dataset. The files are serialized directly, without building JSON values first.
#[derive(Serialize)]
struct Info {
    #[serde(flatten)]
    about: Value,
    siblings: Vec<Sibling>,
}

/// A file in the list of all files.
#[derive(Serialize)]
struct Sibling {
    #[serde(rename = "rfilename")]
    path: String,
    #[serde(flatten)]
    blob: Option<Blob>,
}

/// The content of a file.
#[derive(Serialize)]
struct Blob {
    #[serde(rename = "blobId")]
    id: String,
    size: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    lfs: Option<Value>,
}

/// Lists all files, up to the limit. If the paths are too long in total, returns an empty list, which the clients also
/// treat as incomplete.
fn siblings(reader: &Reader, revision: ObjectId, with_blobs: bool) -> metastore::Result<Vec<Sibling>> {
    let files = match reader.paths(revision, LISTED, LISTED_BYTES) {
        Ok(files) => files,
        Err(metastore::Error::TooLarge(_)) => Vec::new(),
        Err(error) => return Err(error),
    };
    let sibling = |(path, kind, id): (String, EntryKind, ObjectId)| {
        if !with_blobs {
            return Ok(Sibling { path, blob: None });
        }
        let entry = reader.entry_of(&path, Side { kind, id })?;
        let blob = Blob {
            id: id.to_string(),
            size: entry.pointer.as_ref().map(|pointer| pointer.size).or(entry.size),
            lfs: entry.pointer.as_ref().map(|pointer| lfs(pointer, entry.size, "sha256")),
        };
        Ok(Sibling { path, blob: Some(blob) })
    };
    files.into_iter().map(sibling).collect()
}
