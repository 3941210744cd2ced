//! Hugging Face Hub API, for datasets: what `huggingface_hub`, `datasets` and pandas request when `HF_ENDPOINT` is this
//! server. Names, formats and headers are Hugging Face's; the semantics are those of this server.

mod account;
mod commit;
mod info;
mod list;
mod objects;
mod refs;
mod resolve;
mod tree;
mod upload;

use std::sync::Arc;

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use metastore::{CommitInfo, ObjectId, RefName, Signature, Snapshot};
use serde_json::{Value, json};

use super::Routes;
use crate::access::{DatasetGrant, Read};
use crate::app::App;
use crate::error::{Error, ErrorDetails, Kind};
use crate::types::Millis;

/// The name that clients use for the default branch, whatever its actual name.
const MAIN: &str = "main";

const REPO_NOT_FOUND: &str = "RepoNotFound";
const REVISION_NOT_FOUND: &str = "RevisionNotFound";
const ENTRY_NOT_FOUND: &str = "EntryNotFound";

const ERROR_CODE: HeaderName = HeaderName::from_static("x-error-code");
const ERROR_MESSAGE: HeaderName = HeaderName::from_static("x-error-message");
const REPO_COMMIT: HeaderName = HeaderName::from_static("x-repo-commit");

pub(super) fn routes(routes: Routes) -> Routes {
    let routes = account::routes(routes);
    let routes = list::routes(routes);
    let routes = info::routes(routes);
    let routes = refs::routes(routes);
    let routes = objects::routes(routes);
    let routes = upload::routes(routes);
    let routes = commit::routes(routes);
    let routes = tree::routes(routes);
    resolve::routes(routes)
}

/// Returns true if the URL is one of the Hub API.
pub(super) fn is_below(path: &str) -> bool {
    if let Some(rest) = path.strip_prefix("/datasets/") {
        // Git's URLs are below it too, but not at this position.
        return rest.split('/').nth(2) == Some("resolve");
    }
    let Some(rest) = path.strip_prefix("/api/") else { return false };
    let first = rest.split('/').next().unwrap_or_default();
    ["datasets", "repos", "whoami-v2", "validate-yaml"].contains(&first)
}

/// Returns true if the URL is that of a single dataset.
pub(super) fn is_of_dataset(path: &str) -> bool {
    path.starts_with("/datasets/") || path.starts_with("/api/datasets/")
}

/// Adds the error to the headers that the clients read. They treat a dataset without access like one that does not
/// exist, so both get the same code.
pub(super) fn render_error(dataset: bool, details: &ErrorDetails, headers: &mut HeaderMap) {
    if dataset && matches!(details.kind, Kind::NotFound | Kind::Unauthenticated) {
        headers.entry(ERROR_CODE).or_insert(HeaderValue::from_static(REPO_NOT_FOUND));
    }
    let plain: String = details.detail.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    if let Ok(text) = HeaderValue::from_bytes(plain.as_bytes()) {
        headers.insert(ERROR_MESSAGE, text);
    }
}

/// An error and the code that clients distinguish it by.
struct Failure {
    error: Error,
    code: Option<&'static str>,
    revision: Option<ObjectId>,
}

/// The result of a handler.
type Answer<T = Response> = Result<T, Failure>;

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self { error, code: None, revision: None }
    }
}

impl From<metastore::Error> for Failure {
    fn from(error: metastore::Error) -> Self {
        Error::from(error).into()
    }
}

impl Failure {
    /// Sets the code of a not-found error, by the kind of thing that is missing.
    fn missing(code: &'static str) -> impl Fn(Error) -> Self {
        move |error| Self { code: (error.kind() == Kind::NotFound).then_some(code), error, revision: None }
    }

    /// A file or folder that does not exist in this revision.
    fn entry(revision: ObjectId) -> impl Fn(Error) -> Self {
        move |error| Self { revision: Some(revision), ..Self::missing(ENTRY_NOT_FOUND)(error) }
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let mut response = self.error.into_response();
        if let Some(code) = self.code {
            response.headers_mut().insert(ERROR_CODE, HeaderValue::from_static(code));
        }
        if let Some(revision) = self.revision {
            response.headers_mut().insert(REPO_COMMIT, commit_header(revision));
        }
        response
    }
}

fn commit_header(revision: ObjectId) -> HeaderValue {
    HeaderValue::from_str(&revision.to_string()).expect("an id is plain ASCII")
}

/// Returns the snapshot of a dataset and the revision that a client requested.
async fn find(app: &App, grant: &DatasetGrant<Read>, revision: &str) -> Answer<(Arc<Snapshot>, ObjectId)> {
    let snapshot = app.datasets.snapshot(grant).await?;
    let name = if is_default(&snapshot, revision) { "HEAD" } else { revision };
    let found = app.datasets.resolve(grant.id(), &snapshot, name).await;
    Ok((snapshot.clone(), found.map_err(Failure::missing(REVISION_NOT_FOUND))?))
}

/// Returns true if this name means the default branch.
fn is_default(snapshot: &Snapshot, revision: &str) -> bool {
    let state = snapshot.state();
    let exists = |name: metastore::Result<RefName>| name.is_ok_and(|name| state.find(&name).is_some());
    revision == state.head.short()
        || (revision == MAIN && !exists(RefName::branch(MAIN)) && !exists(format!("refs/tags/{MAIN}").parse()))
}

/// Formats a timestamp as the clients expect it.
fn moment(person: &Signature) -> String {
    hub_time(Millis(person.seconds.saturating_mul(1000)))
}

fn hub_time(moment: Millis) -> String {
    moment.rfc3339().replace('Z', ".000Z")
}

/// Splits a commit message into its first line and the rest.
fn title(message: &str) -> (&str, &str) {
    let (title, rest) = message.trim_end().split_once('\n').unwrap_or((message.trim_end(), ""));
    (title, rest.trim())
}

/// Returns a revision in the format of an entry's last commit.
fn last_commit(commit: &CommitInfo) -> Value {
    json!({ "id": commit.id.to_string(), "title": title(&commit.message).0, "date": moment(&commit.committer) })
}

/// Returns a page of a list, with a link to the next one.
fn page(items: Vec<Value>, revision: ObjectId, next: Option<String>) -> Response {
    let mut response = axum::Json(items).into_response();
    response.headers_mut().insert(REPO_COMMIT, commit_header(revision));
    let link = next.and_then(|url| HeaderValue::from_str(&format!("<{url}>; rel=\"next\"")).ok());
    if let Some(link) = link {
        response.headers_mut().insert(header::LINK, link);
    }
    response
}

/// Parses a boolean in a query or form: clients write it as in JSON or as in Python.
fn is_on(value: Option<&str>) -> bool {
    value.is_some_and(|value| value.eq_ignore_ascii_case("true") || value == "1")
}

/// Parses the pairs of a query or form (`application/x-www-form-urlencoded`).
fn pairs(text: &[u8]) -> Vec<(String, String)> {
    form_urlencoded::parse(text).into_owned().collect()
}

fn value<'a>(pairs: &'a [(String, String)], name: &str) -> Option<&'a str> {
    pairs.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_stay_one_header() {
        let mut headers = HeaderMap::new();
        let details =
            ErrorDetails { kind: Kind::NotFound, detail: "no \"ü\"\r\nX-Other: 1".into(), ends_session: false };
        render_error(true, &details, &mut headers);
        assert_eq!(headers[ERROR_CODE], REPO_NOT_FOUND);
        assert_eq!(headers[ERROR_MESSAGE].as_bytes(), "no \"ü\"  X-Other: 1".as_bytes());
    }

    #[test]
    fn titles_are_first_lines() {
        assert_eq!(title("one\n\ntwo\nthree\n"), ("one", "two\nthree"));
        assert_eq!(title("one\n"), ("one", ""));
    }
}
