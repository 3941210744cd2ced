//! Revisions as the clients send them: a line of JSON for each file.

use std::collections::BTreeSet;
use std::io;
use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::{RawQuery, Request, State};
use axum::http::Method;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use futures::TryStreamExt as _;
use lfs::{Oid, Pointer};
use metastore::package::ATTRIBUTES;
use metastore::{Content, Edit, EntryKind, FilePath, ObjectId, Reader};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader};
use tokio_util::io::StreamReader;

use super::super::Routes;
use super::super::api::{Segments, segment};
use super::super::extract::Base;
use super::super::git::patient;
use super::upload::{branch, no_request};
use super::{Answer, ENTRY_NOT_FOUND, Failure};
use crate::access::{Grant, Write};
use crate::app::App;
use crate::drive::revisions::Wording;
use crate::error::{Error, Kind, Result};

pub(super) fn routes(routes: Routes) -> Routes {
    routes.add(Method::POST, "/api/datasets/{owner}/{dataset}/commit/{revision}", commit)
}

/// What a line has besides the content of a file, in bytes at most.
const LINE: u64 = 64 << 10;

/// What is read of `.gitattributes`, in bytes at most: more is none that git would read.
const ATTRIBUTES_BYTES: u64 = 10 << 20;

/// Lines in one revision.
const LINES: usize = 100_000;

/// How often a change is worked out anew because others were faster.
const ATTEMPTS: usize = 20;

#[derive(Deserialize)]
#[serde(tag = "key", content = "value", rename_all = "camelCase")]
enum Line {
    Header(Header),
    File { path: String, content: String, encoding: Option<String> },
    LfsFile { path: String, oid: String, algo: Option<String>, size: Option<u64> },
    DeletedFile { path: String },
    DeletedFolder { path: String },
}

#[derive(Deserialize, Default)]
struct Header {
    summary: String,
    #[serde(default)]
    description: String,
    #[serde(rename = "parentCommit")]
    parent: Option<String>,
}

/// What one line changes.
#[derive(Clone)]
enum Step {
    Put(FilePath, Bytes),
    Keep(FilePath, Oid, Option<u64>),
    DeleteFile(FilePath),
    DeleteFolder(FilePath),
}

/// A revision as it was sent.
#[derive(Default)]
struct Sent {
    header: Option<Header>,
    steps: Vec<Step>,
}

async fn commit(
    State(app): State<App>,
    grant: Grant<Write>,
    base: Base,
    segments: Segments,
    RawQuery(query): RawQuery,
    request: Request,
) -> Answer<Json<Value>> {
    no_request(query.as_deref())?;
    let Sent { header, steps } = read(&app, request).await?;
    let header = header.ok_or_else(|| Error::invalid("a commit has a line with its header"))?;
    let steps = Arc::new(sized(&app, &grant, steps).await?);
    let message = match header.description.trim() {
        "" => header.summary.clone(),
        description => format!("{}\n\n{description}", header.summary),
    };
    for _ in 0..ATTEMPTS {
        let snapshot = app.drive.snapshot(&grant.narrow()).await?;
        let (branch, head) = branch(&snapshot, segments.get("revision"))?;
        if let Some(parent) = &header.parent {
            let named = app.drive.resolve(grant.id(), &snapshot, parent).await.ok();
            if named.is_none() || named != head {
                let stale = format!("`{}` has moved on from {parent}; read it again, and try again", branch.short());
                return Err(Error::precondition(stale).into());
            }
        }
        let work = Arc::clone(&steps);
        let edits = snapshot.read(move |reader| edits(reader, head, &work)).await;
        let edits = edits.map_err(Error::from).map_err(Failure::missing(ENTRY_NOT_FOUND))?;
        let wording = Wording { branch: Some(branch), message: Some(message.clone()), ..Wording::default() };
        let mut changes = app.drive.changes(grant.actor(), &snapshot, wording, "Change files", edits).await?;
        // What was worked out is true of this head only.
        changes.parent = Some(head);
        let made = match app.drive.commit(&grant, changes).await {
            Ok(made) => made,
            Err(error) if error.kind() == Kind::Precondition && header.parent.is_none() => continue,
            Err(error) => match head {
                // All is there already, as after a try of which the answer was lost.
                Some(head) if error.detail() == metastore::Error::Unchanged.to_string() => head,
                _ => return Err(Failure::missing(ENTRY_NOT_FOUND)(error)),
            },
        };
        let (owner, name) = (segment(&grant.dataset().owner_name), segment(&grant.dataset().name));
        return Ok(Json(json!({
            "success": true,
            "commitOid": made.to_string(),
            "commitUrl": format!("{}/datasets/{owner}/{name}/commit/{made}", base.0),
        })));
    }
    Err(Error::busy("others keep changing this branch; try again in a moment").into())
}

/// Reads the lines as they come.
async fn read(app: &App, request: Request) -> Result<Sent> {
    let body = Body::from_stream(patient(app, request.into_body())).into_data_stream();
    let stream = body.map_err(|error| io::Error::new(io::ErrorKind::ConnectionAborted, error));
    let mut reader = BufReader::with_capacity(64 << 10, StreamReader::new(Box::pin(stream)));
    let mut sent = Sent::default();
    let limits = &app.config.limits;
    // One file in base64, and its path.
    let longest = (limits.commit_file_bytes as u64).div_ceil(3) * 4 + LINE;
    let (mut line, mut inline) = (Vec::new(), 0);
    loop {
        line.clear();
        let ended = |error| Error::malformed(format!("the request ended early: {error}"));
        let length = (&mut reader).take(longest).read_until(b'\n', &mut line).await.map_err(ended)?;
        if length == 0 {
            return Ok(sent);
        }
        if length as u64 == longest {
            return Err(Error::too_large(format!(
                "a line of the commit is longer than {longest} bytes; upload larger files by LFS"
            )));
        }
        if line.trim_ascii().is_empty() {
            continue;
        }
        let place = sent.steps.len() + 1;
        let read: Line = serde_json::from_slice(&line)
            .map_err(|error| Error::malformed(format!("line {place} of the commit cannot be read: {error}")))?;
        if let Line::Header(header) = read {
            sent.header = Some(header);
            continue;
        }
        let step = step(read)?;
        if let Step::Put(_, bytes) = &step {
            inline += bytes.len();
        }
        if inline > limits.commit_bytes || sent.steps.len() >= LINES {
            return Err(Error::too_large(format!(
                "one commit has at most {LINES} lines and {} bytes of files that are not kept by LFS",
                limits.commit_bytes
            )));
        }
        sent.steps.push(step);
    }
}

fn step(line: Line) -> Result<Step> {
    match line {
        Line::Header(_) => Err(Error::malformed("a header is no change")),
        Line::File { path, content, encoding } => {
            let bytes = match encoding.as_deref() {
                Some("base64") => {
                    let decoded = BASE64.decode(content);
                    decoded.map_err(|error| Error::invalid(format!("the content of {path:?} is no base64: {error}")))?
                }
                None | Some("utf-8") => content.into_bytes(),
                Some(other) => return Err(Error::invalid(format!("{path:?} has an unknown encoding {other:?}"))),
            };
            Ok(Step::Put(path.parse()?, bytes.into()))
        }
        Line::LfsFile { algo: Some(algo), .. } if algo != "sha256" => {
            Err(Error::invalid(format!("objects are named by sha256, not {algo:?}")))
        }
        Line::LfsFile { path, oid, size, .. } => {
            let named = oid.parse().map_err(|_| Error::invalid(format!("{oid:?} names no object")))?;
            Ok(Step::Keep(path.parse()?, named, size))
        }
        Line::DeletedFile { path } => Ok(Step::DeleteFile(path.parse()?)),
        Line::DeletedFolder { path } => Ok(Step::DeleteFolder(path.trim_end_matches('/').parse()?)),
    }
}

/// Finds the sizes of objects where they are not told. Whoever names an object of which the dataset holds no bytes
/// learns nothing of it: knowing a hash must not be enough to read what others have.
async fn sized(app: &App, grant: &Grant<Write>, mut steps: Vec<Step>) -> Result<Vec<Step>> {
    for page in steps.chunks_mut(1000) {
        let oids: Vec<Oid> =
            page.iter().filter_map(|step| if let Step::Keep(_, oid, _) = step { Some(*oid) } else { None }).collect();
        let held = app.storage.held(grant.id(), &oids).await?;
        for step in page {
            let Step::Keep(path, oid, size) = step else { continue };
            if *oid == Oid::EMPTY {
                *step = Step::Put(path.clone(), Bytes::new());
                continue;
            }
            let found = held.get(oid).map(|held| held.size).filter(|held| size.is_none_or(|size| size == *held));
            let missing =
                || Error::invalid(format!("the dataset does not hold the object {oid} for {path}; upload it first"));
            *size = Some(found.ok_or_else(missing)?);
        }
    }
    Ok(steps)
}

/// The changes to the tree. Plain git must see what the clients see: each file that Git LFS keeps is said to be one in
/// `.gitattributes`.
fn edits(reader: &Reader, head: Option<ObjectId>, steps: &[Step]) -> metastore::Result<Vec<Edit>> {
    let mut edits = Vec::with_capacity(steps.len() + 1);
    let mut kept = BTreeSet::new();
    let mut attributes: Option<Bytes> = None;
    for step in steps {
        match step {
            Step::Put(path, bytes) => {
                kept.remove(path);
                if path.as_str() == ATTRIBUTES {
                    attributes = Some(bytes.clone());
                }
                edits.push(put(reader, head, path, Content::Bytes(bytes.clone()))?);
            }
            Step::Keep(path, oid, size) => {
                kept.insert(path.clone());
                let pointer = Pointer::new(*oid, size.unwrap_or_default());
                edits.push(put(reader, head, path, Content::Pointer(pointer))?);
            }
            Step::DeleteFile(path) => {
                if head.is_some_and(|head| reader.entry(head, path).is_ok_and(|entry| entry.kind == EntryKind::Folder))
                {
                    return Err(metastore::Error::NotFound(format!("{path} is a folder, not a file")));
                }
                if path.as_str() == ATTRIBUTES {
                    attributes = Some(Bytes::new());
                }
                kept.remove(path);
                edits.push(Edit::Delete { path: path.clone() });
            }
            Step::DeleteFolder(path) => {
                kept.retain(|kept: &FilePath| !kept.is_inside(path));
                edits.push(Edit::Delete { path: path.clone() });
            }
        }
    }
    let kept: Vec<FilePath> = kept.into_iter().collect();
    let said = reader.lfs_keeps(head, attributes.as_ref(), &kept)?;
    let unsaid: Vec<&FilePath> = kept.iter().zip(said).filter(|(_, said)| !said).map(|(path, _)| path).collect();
    if !unsaid.is_empty() {
        let place: FilePath = ATTRIBUTES.parse()?;
        let before = match (attributes, head) {
            (Some(text), _) => text,
            (None, None) => Bytes::new(),
            (None, Some(head)) => match reader.entry(head, &place) {
                Ok(entry) => reader.blob(entry.id, ATTRIBUTES_BYTES)?,
                Err(metastore::Error::NotFound(_)) => Bytes::new(),
                Err(error) => return Err(error),
            },
        };
        let mut text = before.to_vec();
        if text.last().is_some_and(|last| *last != b'\n') {
            text.push(b'\n');
        }
        for path in unsaid {
            text.extend_from_slice(metastore::package::lfs_line(path).as_bytes());
            text.push(b'\n');
        }
        edits.push(Edit::Put { path: place, content: Content::Bytes(text.into()), executable: false });
    }
    Ok(edits)
}

/// A file keeps the bit that makes it a program.
fn put(reader: &Reader, head: Option<ObjectId>, path: &FilePath, content: Content) -> metastore::Result<Edit> {
    let executable = match head.map(|head| reader.entry(head, path)) {
        Some(Ok(entry)) => entry.kind == EntryKind::Executable,
        None | Some(Err(metastore::Error::NotFound(_))) => false,
        Some(Err(error)) => return Err(error),
    };
    Ok(Edit::Put { path: path.clone(), content, executable })
}
