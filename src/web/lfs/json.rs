//! Requests and responses in the media type of the Git LFS API.

use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use lfs::batch::{BatchError, BatchErrorKind};
use lfs::media;
use serde::de::DeserializeOwned;

use crate::app::App;
use crate::error::{Error, Result};
use crate::web::http::read_body;

/// The media type of the Git LFS API.
pub(super) const LFS_JSON: &str = "application/vnd.git-lfs+json";

/// Returns a JSON body in the Git LFS media type with this status.
pub(super) fn lfs_json(status: StatusCode, body: impl Into<Body>) -> Response {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    // Reserve space for the headers of every response: growing the map costs more than filling it.
    response.headers_mut().reserve(8);
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(LFS_JSON));
    response
}

/// Reads a JSON body within the size limit, from a client that accepts our media type.
pub(super) async fn json_body(app: &App, request: Request) -> Result<bytes::Bytes> {
    expect_json(request.headers())?;
    let body = read_body(app, request).await?;
    // A list would be accepted as the fields of an object, in order.
    if !body.is_empty() && !body.trim_ascii_start().starts_with(b"{") {
        return Err(Error::malformed("the request must be a JSON object"));
    }
    Ok(body)
}

/// Checks `Accept`: the API has one media type for its responses (Git LFS API, "Headers").
pub(super) fn expect_accept(headers: &HeaderMap) -> Result<()> {
    let lines = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let accept = lines.collect::<Vec<_>>().join(",");
    if media::accepts_json(Some(accept.as_str()).filter(|accept| !accept.is_empty())) {
        return Ok(());
    }
    Err(Error::not_acceptable("this API only returns application/vnd.git-lfs+json"))
}

fn expect_json(headers: &HeaderMap) -> Result<()> {
    expect_accept(headers)?;
    // This also keeps browsers from posting HTML forms here.
    if !media::is_json(headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok())) {
        return Err(Error::unsupported_media("Content-Type must be application/vnd.git-lfs+json or application/json"));
    }
    Ok(())
}

/// Parses a JSON body; an empty one means all defaults.
pub(super) async fn json<T: DeserializeOwned>(app: &App, request: Request) -> Result<T> {
    let body = json_body(app, request).await?;
    let text: &[u8] = if body.is_empty() { b"{}" } else { &body };
    serde_json::from_slice(text).map_err(|error| Error::malformed(format!("invalid JSON in the request: {error}")))
}

pub(super) fn from_batch(error: BatchError) -> Error {
    match error.kind {
        BatchErrorKind::Malformed => Error::malformed(error.message),
        BatchErrorKind::Unprocessable => Error::invalid(error.message),
        BatchErrorKind::HashAlgo => Error::conflict(error.message),
        BatchErrorKind::TooMany => Error::too_large(error.message),
    }
}
