//! Files and folders of a revision.

use std::collections::HashMap;
use std::collections::hash_map::Entry as Known;

use axum::extract::{RawQuery, Request, State};
use axum::http::{Method, header};
use axum::response::IntoResponse as _;
use lfs::{Oid, Pointer};
use metastore::{CommitInfo, Entry, EntryKind, FilePath, ObjectId, Reader};
use serde_json::{Value, json};

use super::common::{Answer, Failure, find, is_on, last_commit, page, pairs, value};
use crate::access::{DatasetGrant, Fetch, Read};
use crate::app::App;
use crate::datasets::browse::{DEPTH, Listing};
use crate::error::Error;
use crate::web::http::{BaseUrl, DatasetRequest, Routes, Segments, next_query, read_body, segment};

pub(super) fn routes(routes: Routes) -> Routes {
    routes
        .add(Method::GET, "/api/datasets/{owner}/{dataset}/tree/{revision}", list)
        .add(Method::GET, "/api/datasets/{owner}/{dataset}/tree/{revision}/{*path}", list)
        .add(Method::POST, "/api/datasets/{owner}/{dataset}/paths-info/{revision}", named)
}

/// The default number of entries on a page.
const PAGE: usize = 1000;

/// The maximum number of paths in one request.
const NAMED: usize = 10_000;

/// An entry, with the revision that last changed it, if requested.
type EntryJson = (Entry, Option<CommitInfo>);

async fn list(
    State(app): State<App>,
    grant: DatasetGrant<Read>,
    base: BaseUrl,
    segments: Segments,
    RawQuery(query): RawQuery,
) -> Answer {
    let query = query.unwrap_or_default();
    let asked = pairs(query.as_bytes());
    let limit = value(&asked, "limit").and_then(|limit| limit.parse().ok()).unwrap_or(PAGE).clamp(1, PAGE);
    let (recursive, expand) = (is_on(value(&asked, "recursive")), is_on(value(&asked, "expand")));
    let cursor = value(&asked, "cursor").map(hex::decode).transpose();
    let after = cursor.map_err(|_| Error::invalid("invalid `cursor`"))?;
    let (_, revision) = find(&app, &grant, segments.get("revision")).await?;
    let path = match segments.get("path").trim_end_matches('/') {
        "" => None,
        path => Some(path.parse::<FilePath>().map_err(|_| nothing(path)).map_err(Failure::entry(revision))?),
    };
    let listing = Listing { recursive, after, limit, last: expand, ..Listing::default() };
    let found = app.datasets.list(&grant.at(path.clone()), Some(&revision.to_string()), listing).await;
    let found = found.map_err(Failure::entry(revision))?.ok_or_else(|| nothing(""))?;
    let next = found.next.map(|next| {
        let (owner, name) = (segment(&grant.dataset().owner_name), segment(&grant.dataset().name));
        let query = next_query(&query, &hex::encode(next));
        let below = path.as_ref().map_or_else(String::new, |path| format!("/{}", segment(path.as_str())));
        // The link names the revision itself, because the branch can move between two pages.
        format!("{}/api/datasets/{owner}/{name}/tree/{revision}{below}?{query}", base.0)
    });
    let mut items: Vec<Value> =
        found.entries.iter().map(|found| describe(&found.entry, found.last.as_deref())).collect();
    if let Some(grant) = grant.also::<Fetch>() {
        add_xet_hashes(&app, &grant, found.entries.iter().map(|found| &found.entry).zip(&mut items)).await?;
    }
    Ok(page(items, revision, next))
}

/// Adds the revision that last changed each entry.
fn expanded(
    reader: &Reader,
    revision: ObjectId,
    entries: Vec<Entry>,
    expand: bool,
) -> metastore::Result<Vec<EntryJson>> {
    if !expand {
        return Ok(entries.into_iter().map(|entry| (entry, None)).collect());
    }
    let paths: Vec<String> = entries.iter().map(|entry| entry.path.clone()).collect();
    let last = reader.last_changes(revision, &paths, DEPTH)?;
    let mut commits: HashMap<ObjectId, CommitInfo> = HashMap::new();
    let mut item = Vec::with_capacity(entries.len());
    for (entry, last) in entries.into_iter().zip(last) {
        let commit = match last {
            Some(id) => {
                let commit = match commits.entry(id) {
                    Known::Occupied(known) => known.into_mut(),
                    Known::Vacant(unknown) => unknown.insert(reader.commit(id)?),
                };
                Some(commit.clone())
            }
            None => None,
        };
        item.push((entry, commit));
    }
    Ok(item)
}

/// Adds the hashes by which the caller can download files by Xet.
async fn add_xet_hashes<'a>(
    app: &App,
    grant: &DatasetGrant<Fetch>,
    entries: impl Iterator<Item = (&'a Entry, &'a mut Value)>,
) -> Result<(), Error> {
    let entries = entries.filter_map(|(entry, item)| Some((entry.pointer.as_ref()?.oid, item)));
    let entries: Vec<(Oid, &mut Value)> = entries.collect();
    let oids: Vec<Oid> = entries.iter().map(|(oid, _)| *oid).collect();
    if oids.is_empty() {
        return Ok(());
    }
    let hashes: HashMap<Oid, String> = app.storage.xet_hashes(grant, &oids).await?.into_iter().collect();
    if hashes.is_empty() || !app.git_service.offers_xet(grant).await? {
        return Ok(());
    }
    for (oid, item) in entries {
        if let Some(hash) = hashes.get(&oid) {
            item["xetHash"] = hash.as_str().into();
        }
    }
    Ok(())
}

fn describe(entry: &Entry, last: Option<&CommitInfo>) -> Value {
    let mut item = match entry.kind {
        EntryKind::Folder | EntryKind::Submodule => {
            json!({ "type": "directory", "path": entry.path, "oid": entry.id.to_string(), "size": 0 })
        }
        EntryKind::File | EntryKind::Executable | EntryKind::Link => {
            let size = entry.pointer.as_ref().map(|pointer| pointer.size).or(entry.size);
            json!({ "type": "file", "path": entry.path, "oid": entry.id.to_string(), "size": size })
        }
    };
    if let Some(pointer) = &entry.pointer {
        item["lfs"] = lfs(pointer, entry.size, "oid");
    }
    if let Some(commit) = last {
        item["lastCommit"] = last_commit(commit);
    }
    item
}

/// Returns the Git LFS fields of an object; two lists use different names for its oid.
pub(super) fn lfs(pointer: &Pointer, pointer_size: Option<u64>, name: &str) -> Value {
    let mut item = json!({ "size": pointer.size, "pointerSize": pointer_size });
    item[name] = pointer.oid.to_string().into();
    item
}

fn nothing(path: &str) -> Error {
    Error::not_found(format!("there is no {path:?} in this revision"))
}

/// Returns the entries for the paths in a form or in JSON, leaving out those that do not exist.
async fn named(State(app): State<App>, visitor: DatasetRequest, segments: Segments, request: Request) -> Answer {
    let grant = app.access.authorize::<Read>(&visitor.actor, &visitor.path).await?;
    let media = request.headers().get(header::CONTENT_TYPE).and_then(|media| media.to_str().ok()).unwrap_or_default();
    let is_form = media.starts_with("application/x-www-form-urlencoded");
    let body = read_body(&app, request).await?;
    let (paths, expand) = if is_form {
        let asked = pairs(&body);
        let expand = is_on(value(&asked, "expand"));
        (asked.into_iter().filter(|(key, _)| key == "paths").map(|(_, path)| path).collect(), expand)
    } else {
        from_json(&body)?
    };
    if paths.len() > NAMED {
        return Err(Error::too_large(format!("at most {NAMED} paths are allowed per request")).into());
    }
    visitor.charge(paths.len());
    let (snapshot, revision) = find(&app, &grant, segments.get("revision")).await?;
    let found = snapshot.read_long(move |reader| {
        let mut entries = Vec::new();
        for path in &paths {
            let Ok(path) = path.trim_matches('/').parse::<FilePath>() else { continue };
            match reader.entry(revision, &path) {
                Ok(entry) => entries.push(entry),
                Err(metastore::Error::NotFound(_)) => {}
                Err(error) => return Err(error),
            }
        }
        expanded(reader, revision, entries, expand)
    });
    let found = found.await?;
    Ok(axum::Json(found.iter().map(|(entry, last)| describe(entry, last.as_ref())).collect::<Vec<_>>()).into_response())
}

fn from_json(body: &[u8]) -> Result<(Vec<String>, bool), Error> {
    #[derive(serde::Deserialize)]
    struct TreeQuery {
        paths: Vec<String>,
        #[serde(default)]
        expand: bool,
    }
    let asked: TreeQuery = serde_json::from_slice(body)
        .map_err(|error| Error::malformed(format!("expected `paths` in a form or in JSON: {error}")))?;
    Ok((asked.paths, asked.expand))
}
