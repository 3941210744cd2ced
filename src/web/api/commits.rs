//! Commits through the API (`…/commits`): several file changes as one revision.

use std::slice::from_ref;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue};
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use lfs::{Oid, Pointer};
use metastore::{Content, Edit, FilePath};
use serde::Deserialize;
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};
use utoipa::ToSchema;

use super::batch::{Batch, MAX_ITEMS};
use super::common::{CommitAuthor, Revision, created, json_text};
use super::datasets::if_match;
use super::revisions::wording;
use super::shapes;
use crate::access::{DatasetGrant, Fetch, Grant, Write};
use crate::app::App;
use crate::datasets::commits::{CommitError, patch};
use crate::datasets::copies::CopyBudget;
use crate::datasets::idempotency::IdempotencyKey;
use crate::error::{Error, Result};
use crate::types::RepoPath;
use crate::web::http::json::parse;
use crate::web::http::{DatasetRequest, Routes, routes, segment};

/// The maximum length of an `Idempotency-Key` in bytes.
const KEY: usize = 255;

pub(super) fn routes(routes: Routes) -> Routes {
    routes.document(routes!(commit))
}

/// A commit.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewCommit {
    /// The branch to commit to. Default: the default branch.
    #[schema(value_type = Option<shapes::BranchName>)]
    branch: Option<String>,
    /// The revision that the branch must be at; otherwise the request fails with 412. `If-Match` does the same.
    parent: Option<String>,
    /// The author of the change. Default: the caller.
    author: Option<CommitAuthor>,
    /// The commit message.
    #[schema(min_length = 1)]
    message: String,
    /// The operations, applied in order and atomically. Each operation sees the result of the previous ones.
    #[schema(value_type = Vec<Operation>, min_items = 1, max_items = 50_000)]
    operations: Batch<Operation>,
}

/// A file operation.
#[derive(Deserialize, ToSchema)]
#[serde(tag = "operation", rename_all = "lowercase", deny_unknown_fields)]
enum Operation {
    /// Creates or replaces a file with text, with bytes, or with a Git LFS object that the dataset holds.
    Put {
        /// The path of the file.
        #[schema(value_type = shapes::FilePath)]
        path: String,
        /// The content, as text.
        content: Option<String>,
        /// The content, in base64 (RFC 4648 §4).
        content_base64: Option<String>,
        /// The Git LFS object to reference: the SHA-256 of the content, in hex.
        #[schema(value_type = Option<shapes::Sha256>)]
        oid: Option<String>,
        /// The size of the Git LFS object in bytes.
        size: Option<u64>,
        /// True to mark the file as executable.
        #[serde(default)]
        executable: bool,
    },
    /// Deletes a file, or a folder with everything in it.
    Delete {
        /// The path of the file or folder.
        #[schema(value_type = shapes::FilePath)]
        path: String,
    },
    /// Renames a file or a folder. The new path must not exist.
    Move {
        /// The current path.
        #[schema(value_type = shapes::FilePath)]
        from: String,
        /// The new path.
        #[schema(value_type = shapes::FilePath)]
        to: String,
    },
    /// Copies a file or a folder. The new path must not exist.
    Copy {
        /// The path to copy from.
        #[schema(value_type = shapes::FilePath)]
        from: String,
        /// The path to copy to.
        #[schema(value_type = shapes::FilePath)]
        to: String,
        /// The dataset to copy from, as `owner/name`. Default: this dataset.
        #[schema(value_type = Option<shapes::DatasetId>)]
        dataset: Option<String>,
        /// The revision to copy from. Default: the current state of the branch or, for another dataset, its newest
        /// revision.
        revision: Option<String>,
    },
    /// Sets fields in `datapackage.json`; other fields stay as they are.
    Patch {
        /// The fields to set.
        #[schema(value_type = Object)]
        package: Map<String, Value>,
    },
}

/// Commits a list of file changes as one revision, all or nothing.
#[utoipa::path(post, path = "/api/v1/datasets/{owner}/{dataset}/commits", tag = "revisions", request_body = NewCommit,
    params(
        ("If-Match" = Option<shapes::RevisionTag>, Header,
          description = "The revision that the branch must be at, in quotes; otherwise 412."),
        ("Idempotency-Key" = Option<shapes::RequestKey>, Header,
         description = "A unique key of this request. Repeating it within a day does not create another revision."),
    ),
    responses((status = 201, description = "The new revision.", body = Revision)))]
async fn commit(
    State(app): State<App>,
    visitor: DatasetRequest,
    headers: HeaderMap,
    request: Request,
) -> Result<Response> {
    let grant: DatasetGrant<Write> = app.access.authorize(&visitor.actor, &visitor.path).await?;
    let url = request.uri().path().to_owned();
    let body = json_text(&app, request, app.config.limits.commit_bytes).await?;
    let once = once(&headers, &url, &body)?;
    let asked: NewCommit = parse(&body)?;
    drop(body);
    let operations = asked.operations.items("operations")?;
    if asked.message.trim().is_empty() {
        return Err(Error::invalid("`message` must not be empty"));
    }
    visitor.charge(operations.len());
    let made = match &once {
        Some(once) => app.datasets.made_by(&grant, once).await?,
        None => None,
    };
    let revision = if let Some(revision) = made {
        revision
    } else {
        let parent = match asked.parent {
            Some(parent) => Some(parent),
            None => if_match(&headers)?,
        };
        let wording = wording(&app, &grant, asked.branch, parent, asked.author, Some(asked.message)).await?;
        let edits = CommitContext::new(&app, &grant).edits(operations).await?;
        app.datasets.commit_operations(&grant, edits, wording, once.as_ref()).await.map_err(describe)?.made()?
    };
    let (_, commit) = app.datasets.revision(&grant.narrow(), &revision.to_string()).await?;
    let RepoPath { owner, name } = &visitor.path;
    let folder = format!("/api/v1/datasets/{}/{}", segment(owner.as_str()), segment(name.as_str()));
    Ok(created(&format!("{folder}/revisions/{revision}"), Revision::from(&commit)))
}

/// Converts an error of an operation so that it names the field of the request.
fn describe(CommitError { operation, error }: CommitError) -> Error {
    match operation {
        Some(index) => error.of_part(&place(index)),
        None => error,
    }
}

/// Returns the idempotency key of the request, if it has one: a string of structured fields (RFC 9651 §3.3.3), or the
/// bare key.
fn once(headers: &HeaderMap, url: &str, body: &[u8]) -> Result<Option<IdempotencyKey>> {
    let mut keys = headers.get_all("idempotency-key").iter();
    let Some(value) = keys.next() else { return Ok(None) };
    let text = value.to_str().unwrap_or_default().trim();
    let key = text.strip_prefix('"').map_or(Some(text), |rest| rest.strip_suffix('"')).unwrap_or_default();
    let is_plain = key.bytes().all(|byte| byte.is_ascii_graphic() && !b"\"\\".contains(&byte));
    if key.is_empty() || key.len() > KEY || !is_plain || keys.next().is_some() {
        return Err(Error::malformed(format!(
            "`Idempotency-Key` must be one string of at most {KEY} visible ASCII characters, such as a UUID in quotes"
        )));
    }
    let expected = headers.get("if-match").map(HeaderValue::as_bytes).unwrap_or_default();
    let mut digest = Sha256::new();
    for part in [url.as_bytes(), expected, body] {
        digest.update((part.len() as u64).to_be_bytes());
        digest.update(part);
    }
    Ok(Some(IdempotencyKey { key: key.to_owned(), digest: hex::encode(digest.finalize()) }))
}

/// Converts the operations of the request to edits.
struct CommitContext<'a> {
    app: &'a App,
    grant: &'a DatasetGrant<Write>,
    room: CopyBudget,
}

impl<'a> CommitContext<'a> {
    fn new(app: &'a App, grant: &'a DatasetGrant<Write>) -> Self {
        Self { app, grant, room: CopyBudget::new(MAX_ITEMS, app.config.limits.commit_bytes as u64) }
    }

    async fn edits(mut self, operations: Vec<Operation>) -> Result<Vec<Edit>> {
        let mut edits = Vec::with_capacity(operations.len());
        // Copies from one revision that follow each other are read at once.
        let mut copies: Option<(String, Vec<(FilePath, FilePath)>)> = None;
        for (index, operation) in operations.into_iter().enumerate() {
            let place = place(index);
            if let Operation::Copy { from, to, dataset: None, revision: Some(revision) } = operation {
                let way = (file(&place, "from", &from)?, file(&place, "to", &to)?);
                match &mut copies {
                    Some((same, ways)) if *same == revision => ways.push(way),
                    other => {
                        self.copy_within(&mut edits, other.replace((revision, vec![way]))).await?;
                    }
                }
            } else {
                self.copy_within(&mut edits, copies.take()).await?;
                edits.push(self.edit(&place, operation).await?);
            }
        }
        self.copy_within(&mut edits, copies).await?;
        Ok(edits)
    }

    /// Adds the edits that copy paths of a revision of this dataset.
    async fn copy_within(
        &mut self,
        edits: &mut Vec<Edit>,
        copies: Option<(String, Vec<(FilePath, FilePath)>)>,
    ) -> Result<()> {
        let Some((revision, ways)) = copies else { return Ok(()) };
        let made = self.app.datasets.copy_within(&self.grant.narrow(), &revision, ways, &mut self.room).await;
        edits.extend(made.map_err(|CommitError { operation, error }| {
            error.of_part(&place(edits.len() + operation.unwrap_or_default()))
        })?);
        Ok(())
    }

    async fn edit(&mut self, place: &str, operation: Operation) -> Result<Edit> {
        let file = |field: &str, text: &str| file(place, field, text);
        Ok(match operation {
            Operation::Put { path, content, content_base64, oid, size, executable } => {
                let path = file("path", &path)?;
                let content = match (content, content_base64, oid, size) {
                    (Some(text), None, None, None) => self.plain(place, text.into_bytes())?,
                    (None, Some(text), None, None) => {
                        let bytes = BASE64
                            .decode(&text)
                            .map_err(|error| Error::invalid(format!("{place}.content_base64: not base64: {error}")))?;
                        self.plain(place, bytes)?
                    }
                    (None, None, Some(oid), Some(size)) => {
                        let oid: Oid =
                            oid.parse().map_err(|_| Error::invalid(format!("{place}.oid: not a SHA-256 in hex")))?;
                        Content::Pointer(Pointer::new(oid, size))
                    }
                    _ => {
                        return Err(Error::invalid(format!(
                            "{place}: give `content`, or `content_base64`, or `oid` and `size`"
                        )));
                    }
                };
                Edit::Put { path, content, executable }
            }
            Operation::Delete { path } => Edit::Delete { path: file("path", &path)? },
            Operation::Move { from, to } => Edit::Move { from: file("from", &from)?, to: file("to", &to)? },
            Operation::Copy { from, to, dataset, revision } => {
                let (from, to) = (file("from", &from)?, file("to", &to)?);
                match (dataset, revision) {
                    (None, None) => Edit::Copy { from, to },
                    (None, Some(_)) => return Err(Error::internal("copies of a revision are read together")),
                    (Some(dataset), revision) => {
                        let copied = self.copy(&dataset, revision.as_deref(), from, to).await;
                        copied.map_err(|error| error.of_part(place))?
                    }
                }
            }
            Operation::Patch { package } => patch(package),
        })
    }

    /// Checks that content to be stored in git itself is not too large.
    fn plain(&self, place: &str, bytes: Vec<u8>) -> Result<Content> {
        let most = self.app.config.limits.commit_file_bytes;
        if bytes.len() > most {
            return Err(Error::too_large(format!(
                "{place}: the file has {} bytes, but git takes at most {most} here; upload it as a Git LFS object \
                 (POST /{}.git/info/lfs/objects/batch) and put its `oid` and `size`",
                bytes.len(),
                self.grant.full_name()
            )));
        }
        Ok(Content::Bytes(bytes.into()))
    }

    /// Copies from another dataset, if the caller can download from it. From then on, this dataset holds the objects
    /// too.
    async fn copy(&mut self, dataset: &str, revision: Option<&str>, from: FilePath, to: FilePath) -> Result<Edit> {
        // A syntactically invalid dataset name is answered as not found.
        let path: RepoPath =
            dataset.parse().map_err(|_| Error::not_found(format!("there is no dataset {dataset:?}")))?;
        let source: Grant<Fetch> = self.app.access.authorize_path(self.grant.actor(), &path, Some(&from)).await?;
        let copied = self.app.datasets.copy_files(from_ref(&source), revision, vec![to], &mut self.room).await;
        let copied = copied.map_err(|refusal| refusal.error)?.pop();
        let copied = copied.ok_or_else(|| Error::internal("a copy of one path is one edit"))?;
        self.app.storage.reuse_objects(&source, &self.grant.narrow(), &copied.pointers).await?;
        Ok(copied.edit)
    }
}

/// Returns the name of an operation of the request in errors.
fn place(index: usize) -> String {
    format!("operations[{index}]")
}

/// Parses the path in a field of an operation.
fn file(place: &str, field: &str, text: &str) -> Result<FilePath> {
    text.parse::<FilePath>().map_err(|error| Error::from(error).of_part(&format!("{place}.{field}")))
}
