//! Commits through the Hub API: one line of JSON per file.

use std::collections::{BTreeSet, HashMap};

use axum::Json;
use axum::extract::{RawQuery, Request, State};
use axum::http::Method;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use lfs::{Oid, Pointer};
use metastore::{Content, Edit, EntryKind, FilePath, ObjectId, Reader};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader};

use super::common::{Answer, ENTRY_NOT_FOUND, Failure, is_on, pairs, value};
use super::discussions;
use super::upload::branch;
use crate::access::{DatasetGrant, Write};
use crate::app::App;
use crate::datasets::commits::CommitOutcome;
use crate::datasets::revisions::CommitMeta;
use crate::discussions::NewDiscussion;
use crate::error::{Error, Result};
use crate::types::{CommentText, DiscussionTitle};
use crate::web::http::{BaseUrl, DatasetRequest, Routes, Segments, body_reader, segment};

pub(super) fn routes(routes: Routes) -> Routes {
    routes.add(Method::POST, "/api/datasets/{owner}/{dataset}/commit/{revision}", commit)
}

/// The maximum size of a line in bytes, besides the content of the file.
const LINE: u64 = 64 << 10;

/// The maximum number of lines in one commit.
const LINES: usize = 100_000;

/// The maximum number of other datasets that one commit can reuse objects from.
const SOURCES: usize = 100;

#[derive(Deserialize)]
#[serde(tag = "key", content = "value", rename_all = "camelCase")]
enum NdjsonLine {
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

/// The change that one line describes.
enum Operation {
    Put(FilePath, Bytes),
    Keep(FilePath, Oid, Option<u64>),
    DeleteFile(FilePath),
    DeleteFolder(FilePath),
}

/// A commit as the client sent it.
#[derive(Default)]
struct CommitBody {
    header: Option<Header>,
    steps: Vec<Operation>,
}

async fn commit(
    State(app): State<App>,
    visitor: DatasetRequest,
    base: BaseUrl,
    segments: Segments,
    RawQuery(query): RawQuery,
    request: Request,
) -> Answer<Json<Value>> {
    let grant: DatasetGrant<Write> = app.access.authorize(&visitor.actor, &visitor.path).await?;
    let asked = pairs(query.unwrap_or_default().as_bytes());
    let by = if is_on(value(&asked, "create_pr")) {
        Some(app.access.authorize_participant(&visitor.actor, &visitor.path).await?)
    } else {
        None
    };
    let CommitBody { header, steps } = read(&app, request).await?;
    let header = header.ok_or_else(|| Error::invalid("the commit has no header line"))?;
    let steps = sized(&app, &grant, steps).await?;
    let Some(by) = by else {
        let made = make(&app, &grant, segments.get("revision"), &header, steps).await?;
        return Ok(Json(described(&base, &grant, made)));
    };
    let (title, body) = (header.summary.parse::<DiscussionTitle>()?, CommentText::optional(Some(&header.description))?);
    let new = NewDiscussion { title, body };
    let parent = header.parent.as_deref();
    let (number, branch, target) = discussions::reserve(&app, &by, segments.get("revision"), parent).await?;
    let opened = async {
        let made = make(&app, &grant, branch.as_str(), &header, steps).await?;
        app.discussions.propose_reserved(&by, &new, number, &target).await?;
        Ok::<_, Failure>(made)
    };
    match opened.await {
        Ok(made) => {
            let mut shown = described(&base, &grant, made);
            let (owner, name) = (segment(&grant.dataset().owner_name), segment(&grant.dataset().name));
            let url = format!("{}/datasets/{owner}/{name}/discussions/{number}", base.0);
            shown["pullRequestUrl"] = url.into();
            Ok(Json(shown))
        }
        Err(error) => {
            app.discussions.drop_branch(&grant, &branch).await;
            Err(error)
        }
    }
}

/// Commits to a branch. Returns the new revision, or the current one if nothing would change.
async fn make(
    app: &App,
    grant: &DatasetGrant<Write>,
    revision: &str,
    header: &Header,
    steps: Vec<Operation>,
) -> Answer<ObjectId> {
    let message = match header.description.trim() {
        "" => header.summary.clone(),
        description => format!("{}\n\n{description}", header.summary),
    };
    let snapshot = app.datasets.snapshot(&grant.narrow()).await?;
    let (branch, head) = branch(app, &grant.narrow(), &snapshot, revision).await?;
    let parent = match &header.parent {
        Some(parent) => {
            let stale =
                || Error::precondition(format!("`{}` is no longer at {parent}; fetch it again", branch.short()));
            Some(app.datasets.resolve(grant.id(), &snapshot, parent).await.map_err(|_| stale())?)
        }
        None => None,
    };
    let operations = snapshot.read(move |reader| steps.iter().map(|step| step.edit(reader, head)).collect()).await;
    let operations: Vec<Edit> = operations.map_err(Error::from).map_err(Failure::missing(ENTRY_NOT_FOUND))?;
    drop(snapshot);
    let wording = CommitMeta { branch: Some(branch), parent, message: Some(message), ..CommitMeta::default() };
    match app.datasets.commit_operations(grant, operations, wording, None).await {
        Ok(CommitOutcome::Made(revision)) => Ok(revision),
        // Nothing to do: the content is already there, for example after a retry whose first response was lost.
        Ok(CommitOutcome::Unchanged(Some(head))) => Ok(head),
        Ok(unchanged @ CommitOutcome::Unchanged(None)) => Ok(unchanged.made()?),
        Err(refusal) => Err(Failure::missing(ENTRY_NOT_FOUND)(refusal.error)),
    }
}

fn described(base: &BaseUrl, grant: &DatasetGrant<Write>, made: ObjectId) -> Value {
    let (owner, name) = (segment(&grant.dataset().owner_name), segment(&grant.dataset().name));
    json!({
        "success": true,
        "commitOid": made.to_string(),
        "commitUrl": format!("{}/datasets/{owner}/{name}/commit/{made}", base.0),
    })
}

/// Reads the lines as they arrive.
async fn read(app: &App, request: Request) -> Result<CommitBody> {
    let mut reader = BufReader::with_capacity(64 << 10, body_reader(app, request.into_body()));
    let mut sent = CommitBody::default();
    let limits = &app.config.limits;
    // A file in base64, and its path.
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
                "a line of the commit is longer than {longest} bytes; upload larger files through Git LFS"
            )));
        }
        if line.trim_ascii().is_empty() {
            continue;
        }
        let place = sent.steps.len() + 1;
        let read: NdjsonLine = serde_json::from_slice(&line)
            .map_err(|error| Error::malformed(format!("line {place} of the commit is invalid: {error}")))?;
        if let NdjsonLine::Header(header) = read {
            sent.header = Some(header);
            continue;
        }
        let step = step(read)?;
        if let Operation::Put(_, bytes) = &step {
            inline += bytes.len();
        }
        if inline > limits.commit_bytes || sent.steps.len() >= LINES {
            return Err(Error::too_large(format!(
                "a commit can have at most {LINES} lines, and {} bytes of files outside Git LFS",
                limits.commit_bytes
            )));
        }
        sent.steps.push(step);
    }
}

fn step(line: NdjsonLine) -> Result<Operation> {
    match line {
        NdjsonLine::Header(_) => Err(Error::malformed("unexpected second header line")),
        NdjsonLine::File { path, content, encoding } => {
            let bytes = match encoding.as_deref() {
                Some("base64") => {
                    let decoded = BASE64.decode(content);
                    decoded
                        .map_err(|error| Error::invalid(format!("the content of {path:?} is not base64: {error}")))?
                }
                None | Some("utf-8") => content.into_bytes(),
                Some(other) => return Err(Error::invalid(format!("{path:?} has an unknown encoding {other:?}"))),
            };
            Ok(Operation::Put(path.parse()?, bytes.into()))
        }
        NdjsonLine::LfsFile { algo: Some(algo), .. } if algo != "sha256" => {
            Err(Error::invalid(format!("unsupported hash algorithm {algo:?}; use sha256")))
        }
        NdjsonLine::LfsFile { path, oid, size, .. } => {
            let named = oid.parse().map_err(|_| Error::invalid(format!("{oid:?} is not a valid object id")))?;
            Ok(Operation::Keep(path.parse()?, named, size))
        }
        NdjsonLine::DeletedFile { path } => Ok(Operation::DeleteFile(path.parse()?)),
        NdjsonLine::DeletedFolder { path } => Ok(Operation::DeleteFolder(path.trim_end_matches('/').parse()?)),
    }
}

/// Looks up the sizes of objects that the client did not give. An object that the dataset does not hold is reused from
/// another dataset if the caller can download it there. Otherwise the response reveals nothing about it: knowing a hash
/// must not be enough to read other people's data.
async fn sized(app: &App, grant: &DatasetGrant<Write>, mut steps: Vec<Operation>) -> Result<Vec<Operation>> {
    let mut sources = SOURCES;
    for page in steps.chunks_mut(1000) {
        let oids: Vec<Oid> = page
            .iter()
            .filter_map(|step| if let Operation::Keep(_, oid, _) = step { Some(*oid) } else { None })
            .collect();
        let held = app.storage.held(grant.id(), &oids).await?.into_iter();
        let mut held: HashMap<Oid, u64> = held.map(|(oid, held)| (oid, held.size)).collect();
        let missing: BTreeSet<Oid> =
            oids.into_iter().filter(|oid| *oid != Oid::EMPTY && !held.contains_key(oid)).collect();
        held.extend(lend(app, grant, missing, &mut sources).await?);
        for step in page {
            let Operation::Keep(path, oid, size) = step else { continue };
            if *oid == Oid::EMPTY {
                *step = Operation::Put(path.clone(), Bytes::new());
                continue;
            }
            let found = held.get(oid).copied().filter(|held| size.is_none_or(|size| size == *held));
            let missing =
                || Error::invalid(format!("the dataset does not hold the object {oid} for {path}; upload it first"));
            *size = Some(found.ok_or_else(missing)?);
        }
    }
    Ok(steps)
}

/// Adds to the dataset objects of other datasets that the caller can download. Returns the objects added.
async fn lend(
    app: &App,
    grant: &DatasetGrant<Write>,
    mut missing: BTreeSet<Oid>,
    sources: &mut usize,
) -> Result<HashMap<Oid, u64>> {
    let mut lent = HashMap::new();
    while let Some(oid) = missing.first().copied() {
        let found = app.access.find_source(grant.actor(), &grant.dataset().store, &oid).await?;
        let Some(source) = found.filter(|_| *sources > 0) else { break };
        *sources -= 1;
        // Usually one dataset has several of them.
        let oids: Vec<Oid> = missing.iter().copied().collect();
        let held = app.storage.reusable_objects(&source, &oids).await?;
        let pointers: Vec<Pointer> = held.iter().map(|(oid, size)| Pointer::new(*oid, *size)).collect();
        app.storage.reuse_objects(&source, &grant.narrow(), &pointers).await?;
        missing.retain(|oid| !held.contains_key(oid));
        if missing.contains(&oid) {
            break;
        }
        lent.extend(held);
    }
    Ok(lent)
}

impl Operation {
    /// Converts the step to an edit of the tree. A file keeps its executable bit.
    fn edit(&self, reader: &Reader, head: Option<ObjectId>) -> metastore::Result<Edit> {
        let kind = |path: &FilePath| match head.map(|head| reader.entry(head, path)) {
            Some(Ok(entry)) => Ok(Some(entry.kind)),
            None | Some(Err(metastore::Error::NotFound(_))) => Ok(None),
            Some(Err(error)) => Err(error),
        };
        let put = |path: &FilePath, content| {
            let executable = kind(path)? == Some(EntryKind::Executable);
            Ok(Edit::Put { path: path.clone(), content, executable })
        };
        match self {
            Self::Put(path, bytes) => put(path, Content::Bytes(bytes.clone())),
            Self::Keep(path, oid, size) => put(path, Content::Pointer(Pointer::new(*oid, size.unwrap_or_default()))),
            // The Hub deletes a folder that is named as a file, too.
            Self::DeleteFile(path) | Self::DeleteFolder(path) => Ok(Edit::Delete { path: path.clone() }),
        }
    }
}
