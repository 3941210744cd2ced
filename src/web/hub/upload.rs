//! Upload preflight (`preupload`): which files go to git and which to Git LFS.

use std::collections::HashMap;

use axum::Json;
use axum::extract::State;
use axum::http::Method;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use metastore::{Entry, FilePath, ObjectId, RefName, Snapshot};
use serde::Deserialize;
use serde_json::{Value, json};

use super::common::{Answer, Failure, REVISION_NOT_FOUND, is_default};
use super::discussions;
use crate::access::{DatasetGrant, Read, Write};
use crate::app::App;
use crate::error::Error;
use crate::web::http::json::Body;
use crate::web::http::{Routes, Segments};

pub(super) fn routes(routes: Routes) -> Routes {
    routes.add(Method::POST, "/api/datasets/{owner}/{dataset}/preupload/{revision}", modes)
}

/// The maximum number of files in one request.
const FILES: usize = 1000;

#[derive(Deserialize)]
struct Files {
    files: Vec<File>,
    #[serde(rename = "gitIgnore")]
    ignore: Option<String>,
}

#[derive(Deserialize)]
struct File {
    path: String,
    size: u64,
    #[serde(default)]
    sample: String,
}

async fn modes(
    State(app): State<App>,
    grant: DatasetGrant<Write>,
    segments: Segments,
    Body(asked): Body<Files>,
) -> Answer<Json<Value>> {
    if asked.files.len() > FILES {
        return Err(Error::too_large(format!("at most {FILES} files are allowed per request")).into());
    }
    let snapshot = app.datasets.snapshot(&grant.narrow()).await?;
    let head = branch(&app, &grant.narrow(), &snapshot, segments.get("revision")).await?.1;
    let paths: Vec<FilePath> =
        asked.files.iter().map(|file| file.path.parse::<FilePath>()).collect::<std::result::Result<_, _>>()?;
    let ignore = asked.ignore.map(Bytes::from);
    let read = snapshot.read(move |reader| {
        let kept = reader.lfs_keeps(head, &paths)?;
        let ignored = reader.ignores(head, ignore.as_ref(), &paths)?;
        let mut known = HashMap::new();
        for path in &paths {
            match head.map(|head| reader.entry(head, path)) {
                Some(Ok(entry)) => _ = known.insert(path.as_str().to_owned(), entry),
                None | Some(Err(metastore::Error::NotFound(_))) => {}
                Some(Err(error)) => return Err(error),
            }
        }
        Ok((kept, ignored, known))
    });
    let (kept, ignored, known) = read.await?;
    let regular = app.config.limits.commit_file_bytes as u64;
    let modes = asked.files.iter().zip(kept.iter().zip(&ignored)).map(|(file, (kept, ignored))| {
        let is_lfs = file.size > 0 && (*kept || file.size > regular || is_binary(&file.sample));
        let mode = if is_lfs { "lfs" } else { "regular" };
        let oid = known.get(&file.path).and_then(|entry| comparable(entry, is_lfs));
        json!({ "path": file.path, "uploadMode": mode, "shouldIgnore": ignored, "oid": oid })
    });
    Ok(Json(json!({ "files": modes.collect::<Vec<_>>() })))
}

/// Returns the hash that the client compares its file with.
fn comparable(entry: &Entry, is_lfs: bool) -> Option<String> {
    match &entry.pointer {
        Some(pointer) => is_lfs.then(|| pointer.oid.to_string()),
        None => (!is_lfs && entry.size.is_some()).then(|| entry.id.to_string()),
    }
}

/// Returns true if the beginning of a file, in base64, is binary: by git's rule, or if it is not UTF-8.
fn is_binary(sample: &str) -> bool {
    let Ok(sample) = BASE64.decode(sample) else { return true };
    let cut = |error: std::str::Utf8Error| error.error_len().is_some();
    sample.contains(&0) || std::str::from_utf8(&sample).is_err_and(cut)
}

/// Returns the branch to change and its current revision; an empty dataset has none until its first commit.
pub(super) async fn branch(
    app: &App,
    grant: &DatasetGrant<Read>,
    snapshot: &Snapshot,
    revision: &str,
) -> Answer<(RefName, Option<ObjectId>)> {
    let requested = discussions::branch_name(app, grant.id(), revision).await?;
    let revision = requested.as_deref().unwrap_or(revision);
    let state = snapshot.state();
    if is_default(snapshot, revision) {
        let head = state.find(&state.head).map(|head| head.target);
        if head.is_some() || !state.refs.iter().any(|each| each.name.is_branch()) {
            return Ok((state.head.clone(), head));
        }
    }
    let short = revision.strip_prefix("refs/heads/").unwrap_or(revision);
    let found = RefName::branch(short).ok().and_then(|name| state.find(&name));
    let missing = || Failure::missing(REVISION_NOT_FOUND)(Error::not_found(format!("there is no branch `{revision}`")));
    found.map(|found| (found.name.clone(), Some(found.target))).ok_or_else(missing)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_detected_at_any_cut() {
        assert!(!is_binary(&BASE64.encode("a,b\nü")));
        assert!(!is_binary(&BASE64.encode(&"ü".as_bytes()[..1])));
        assert!(is_binary(&BASE64.encode(b"\xff\xfea")));
        assert!(is_binary(&BASE64.encode(b"a\0b")));
        assert!(is_binary("no base64!"));
    }
}
