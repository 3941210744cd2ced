//! File downloads by name.

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use lfs::range::{self, Answer as Wanted, Conditions};
use metastore::{Entry, FilePath, ObjectId};

use super::super::Routes;
use super::super::api::Segments;
use super::super::extract::BaseUrl;
use super::{Answer, Failure, REPO_COMMIT, commit_header, find};
use crate::access::{DatasetGrant, Fetch};
use crate::app::App;
use crate::datasets::is_empty;
use crate::error::Error;

pub(super) fn routes(routes: Routes) -> Routes {
    routes.add(Method::GET, "/datasets/{owner}/{dataset}/resolve/{revision}/{*path}", resolve)
}

async fn resolve(
    State(app): State<App>,
    grant: DatasetGrant<Fetch>,
    base: BaseUrl,
    segments: Segments,
    method: Method,
    headers: HeaderMap,
) -> Answer {
    let (_, revision) = find(&app, &grant.narrow(), segments.get("revision")).await?;
    let text = segments.get("path");
    let nothing = || Failure::entry(revision)(Error::not_found(format!("there is no {text:?} in this revision")));
    let path: FilePath = text.parse().map_err(|_| nothing())?;
    let located = app.datasets.locate(&grant.narrow().at(path.clone()), Some(&revision.to_string())).await;
    let located = located.map_err(Failure::entry(revision))?;
    let entry = &located.entry;
    let Some(size) = entry.size else { return Err(nothing()) };
    let name = text.rsplit('/').next().unwrap_or(text);
    // The empty object is never uploaded: the result is an empty file.
    let size = if entry.pointer.as_ref().is_some_and(is_empty) { 0 } else { size };
    if let Some(pointer) = entry.pointer.as_ref().filter(|pointer| !is_empty(pointer)) {
        let url = app
            .storage
            .download_url(&grant, pointer.oid, name, false, &base.0)
            .await
            .map_err(Failure::entry(revision))?;
        // Clients read these headers from the first response, before they follow a redirect to another host. They would
        // follow a redirect on this host.
        let is_head = method == Method::HEAD && url.starts_with(&base.0);
        let mut response = if is_head { StatusCode::OK } else { StatusCode::FOUND }.into_response();
        let response_headers = response.headers_mut();
        response_headers.insert(REPO_COMMIT, commit_header(revision));
        response_headers.insert("x-linked-size", pointer.size.into());
        let tag = HeaderValue::from_str(&range::etag(&pointer.oid)).map_err(Error::internal)?;
        response_headers.insert("x-linked-etag", tag.clone());
        if is_head {
            response_headers.insert(header::ETAG, tag);
            response_headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
            response_headers.insert(header::CONTENT_LENGTH, pointer.size.into());
        } else {
            response_headers.insert(header::LOCATION, HeaderValue::from_str(&url).map_err(Error::internal)?);
        }
        return Ok(response);
    }
    let mut response = part(entry, revision, size, name, &method, &headers)?;
    if let (Some(wanted), true) = (response.extensions_mut().remove::<std::ops::Range<u64>>(), method == Method::GET) {
        *response.body_mut() = Body::from_stream(app.datasets.open(&located).await?.stream(wanted));
    }
    Ok(response)
}

/// Returns the response head for a file in git. The range of bytes to send is in its extensions.
fn part(
    entry: &Entry,
    revision: ObjectId,
    size: u64,
    name: &str,
    method: &Method,
    headers: &HeaderMap,
) -> Result<Response, Error> {
    let tag = entry.id.to_string();
    let text = |name: header::HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let conditions = Conditions {
        // Defined only for GET (RFC 9110 §14.2).
        range: text(header::RANGE).filter(|_| *method == Method::GET),
        if_range: text(header::IF_RANGE),
        if_none_match: text(header::IF_NONE_MATCH),
    };
    let (status, wanted) = match range::evaluate(&tag, size, &conditions) {
        Wanted::Full => (StatusCode::OK, Some(0..size)),
        Wanted::Partial(range) => (StatusCode::PARTIAL_CONTENT, Some(range)),
        Wanted::NotModified => (StatusCode::NOT_MODIFIED, None),
        Wanted::Unsatisfiable => (StatusCode::RANGE_NOT_SATISFIABLE, None),
    };
    let mut response = Response::builder()
        .status(status)
        .header(REPO_COMMIT, commit_header(revision))
        .header(header::ETAG, format!("\"{tag}\""))
        .header(header::ACCEPT_RANGES, "bytes");
    if status == StatusCode::RANGE_NOT_SATISFIABLE {
        response = response.header(header::CONTENT_RANGE, format!("bytes */{size}"));
    }
    if let Some(wanted) = wanted {
        if status == StatusCode::PARTIAL_CONTENT {
            let shown = format!("bytes {}-{}/{size}", wanted.start, wanted.end - 1);
            response = response.header(header::CONTENT_RANGE, shown);
        }
        // Stored content must never execute as a page of this server.
        response = response
            .header(header::CONTENT_TYPE, "application/octet-stream")
            .header(header::CONTENT_SECURITY_POLICY, "sandbox; default-src 'none'")
            .header(header::CONTENT_DISPOSITION, range::content_disposition(name, true))
            .header(header::CONTENT_LENGTH, wanted.end - wanted.start)
            .extension(wanted);
    }
    response.body(Body::empty()).map_err(Error::internal)
}
