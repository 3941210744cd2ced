//! What the handlers of the Hub API share: errors with the codes of the Hub, revisions by name, and formats.

use std::sync::Arc;

use axum::http::{HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use metastore::{CommitInfo, ObjectId, RefName, Signature, Snapshot};
use serde_json::{Value, json};

use crate::access::{DatasetGrant, Read};
use crate::app::App;
use crate::error::{Error, Kind};
use crate::types::Millis;

/// The name that clients use for the default branch, whatever its actual name.
pub(super) const MAIN: &str = "main";

pub(super) const REPO_NOT_FOUND: &str = "RepoNotFound";
pub(super) const REVISION_NOT_FOUND: &str = "RevisionNotFound";
pub(super) const ENTRY_NOT_FOUND: &str = "EntryNotFound";

pub(super) const ERROR_CODE: HeaderName = HeaderName::from_static("x-error-code");
pub(super) const ERROR_MESSAGE: HeaderName = HeaderName::from_static("x-error-message");
pub(super) const REPO_COMMIT: HeaderName = HeaderName::from_static("x-repo-commit");

/// An error and the code that clients distinguish it by.
pub(super) struct Failure {
    error: Error,
    code: Option<&'static str>,
    revision: Option<ObjectId>,
}

/// The result of a handler.
pub(super) type Answer<T = Response> = Result<T, Failure>;

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
    pub(super) fn missing(code: &'static str) -> impl Fn(Error) -> Self {
        move |error| Self { code: (error.kind() == Kind::NotFound).then_some(code), error, revision: None }
    }

    /// A file or folder that does not exist in this revision.
    pub(super) fn entry(revision: ObjectId) -> impl Fn(Error) -> Self {
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

pub(super) fn commit_header(revision: ObjectId) -> HeaderValue {
    HeaderValue::from_str(&revision.to_string()).expect("an id is plain ASCII")
}

/// Returns the snapshot of a dataset and the revision that a client requested.
pub(super) async fn find(app: &App, grant: &DatasetGrant<Read>, revision: &str) -> Answer<(Arc<Snapshot>, ObjectId)> {
    let snapshot = app.datasets.snapshot(grant).await?;
    let name = if is_default(&snapshot, revision) { "HEAD" } else { revision };
    let found = app.datasets.resolve(grant.id(), &snapshot, name).await;
    Ok((snapshot.clone(), found.map_err(Failure::missing(REVISION_NOT_FOUND))?))
}

/// Returns true if this name means the default branch.
pub(super) fn is_default(snapshot: &Snapshot, revision: &str) -> bool {
    let state = snapshot.state();
    let exists = |name: metastore::Result<RefName>| name.is_ok_and(|name| state.find(&name).is_some());
    revision == state.head.short()
        || (revision == MAIN && !exists(RefName::branch(MAIN)) && !exists(format!("refs/tags/{MAIN}").parse()))
}

/// Formats a timestamp as the clients expect it.
pub(super) fn moment(person: &Signature) -> String {
    hub_time(Millis(person.seconds.saturating_mul(1000)))
}

pub(super) fn hub_time(moment: Millis) -> String {
    moment.rfc3339().replace('Z', ".000Z")
}

/// Splits a commit message into its first line and the rest.
pub(super) fn title(message: &str) -> (&str, &str) {
    let (title, rest) = message.trim_end().split_once('\n').unwrap_or((message.trim_end(), ""));
    (title, rest.trim())
}

/// Returns a revision in the format of an entry's last commit.
pub(super) fn last_commit(commit: &CommitInfo) -> Value {
    json!({ "id": commit.id.to_string(), "title": title(&commit.message).0, "date": moment(&commit.committer) })
}

/// Returns a page of a list, with a link to the next one.
pub(super) fn page(items: Vec<Value>, revision: ObjectId, next: Option<String>) -> Response {
    let mut response = axum::Json(items).into_response();
    response.headers_mut().insert(REPO_COMMIT, commit_header(revision));
    let link = next.and_then(|url| HeaderValue::from_str(&format!("<{url}>; rel=\"next\"")).ok());
    if let Some(link) = link {
        response.headers_mut().insert(header::LINK, link);
    }
    response
}

/// Parses a boolean in a query or form: clients write it as in JSON or as in Python.
pub(super) fn is_on(value: Option<&str>) -> bool {
    value.is_some_and(|value| value.eq_ignore_ascii_case("true") || value == "1")
}

/// Parses the pairs of a query or form (`application/x-www-form-urlencoded`).
pub(super) fn pairs(text: &[u8]) -> Vec<(String, String)> {
    form_urlencoded::parse(text).into_owned().collect()
}

pub(super) fn value<'a>(pairs: &'a [(String, String)], name: &str) -> Option<&'a str> {
    pairs.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_are_first_lines() {
        assert_eq!(title("one\n\ntwo\nthree\n"), ("one", "two\nthree"));
        assert_eq!(title("one\n"), ("one", ""));
    }
}
