//! Git LFS batch API (`…/info/lfs/objects/batch`), and the signed URLs that it returns.

use std::borrow::Cow;

use axum::body::Body;
use axum::extract::{Path, RawQuery, Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use hyper::body::Body as _;
use lfs::batch::{self, BatchError, BatchErrorKind, BatchRequest, Operation};
use lfs::sign::Verb;
use lfs::{Oid, media};
use serde::de::DeserializeOwned;

use super::Routes;
use super::content::{self, Content, bare};
use super::error_format::lfs_json;
use super::extract::{BaseUrl, DatasetRequest};
use super::git::with_idle_timeout;
use crate::access::{DatasetGrant, Fetch, Upload};
use crate::app::App;
use crate::error::{Error, Result};

pub(super) fn routes(routes: Routes) -> Routes {
    routes
        .add(Method::POST, "/{owner}/{dataset}/info/lfs/objects/batch", objects_batch)
        // The root of Giftless, which its own client and ckan-client-js use.
        .add(Method::POST, "/{owner}/{dataset}/objects/batch", objects_batch)
        .add(Method::GET, "/_lfs/{token}", download)
        .add(Method::PUT, "/_lfs/{token}", upload)
        .add(Method::POST, "/_lfs/{token}", verify)
}

/// The required right depends on the operation in the body, and a credential may be limited to single objects, so
/// access is checked here.
async fn objects_batch(
    State(app): State<App>,
    visitor: DatasetRequest,
    base: BaseUrl,
    request: Request,
) -> Result<Response> {
    // The Hugging Face client sends requests without credentials to the URLs that it gets.
    let agent = request.headers().get(header::USER_AGENT).and_then(|agent| agent.to_str().ok()).unwrap_or_default();
    let is_bare = agent.contains("hf_hub/");
    if visitor.actor.is_anonymous() {
        // Check anonymous access before reading the body.
        let _: DatasetGrant<Fetch> = app.access.authorize(&visitor.actor, &visitor.path).await?;
    }
    let body = json_body(&app, request).await?;
    let batch = BatchRequest::parse(&body, app.config.limits.batch_objects).map_err(from_batch)?;
    let oids: Vec<Oid> =
        batch.objects.iter().filter_map(|object| object.wanted.as_ref().ok()).map(|wanted| wanted.0).collect();
    visitor.charge(batch.objects.len());
    let reply = match batch.operation {
        Operation::Download => {
            let grant = app.access.authorize_objects::<Fetch>(&visitor.actor, &visitor.path, &oids).await?;
            app.git_service.batch_download(&grant, &batch, &base.0).await?
        }
        Operation::Upload => {
            let target = app.access.authorize_target::<Upload>(&visitor.actor, &visitor.path, &oids).await?;
            app.git_service.batch_upload(target, &batch, &base.0, is_bare).await?
        }
    };
    Ok(lfs_json(StatusCode::OK, reply))
}

async fn upload(
    State(app): State<App>,
    Path(token): Path<String>,
    RawQuery(query): RawQuery,
    request: Request,
) -> Result<Response> {
    let query = query.unwrap_or_default();
    let transfer = app.storage.admit(&token, &query, Verb::Upload)?;
    let length = request.headers().get(header::CONTENT_LENGTH);
    let length = length.and_then(|length| length.to_str().ok()).and_then(|length| length.parse().ok());
    let body = Box::pin(with_idle_timeout(&app, request.into_body()));
    app.storage.receive(transfer, &query, length, body).await?;
    Ok(StatusCode::OK.into_response())
}

/// Also handles HEAD: the server drops the body.
async fn download(
    State(app): State<App>,
    Path(token): Path<String>,
    RawQuery(query): RawQuery,
    method: Method,
    headers: HeaderMap,
) -> Result<Response> {
    let query = query.unwrap_or_default();
    let transfer = app.storage.admit(&token, &query, Verb::Download)?;
    let object = app.storage.send(&transfer, &query).await?;
    let (oid, size) = (transfer.ticket.oid, object.size());
    let content = Content {
        tag: &oid.to_string(),
        size,
        media: "application/octet-stream",
        disposition: disposition(&query),
        cache: "private, max-age=31536000, immutable",
    };
    let (response, wanted) = content.answer(&method, &headers);
    let Some(wanted) = wanted else { return bare(response) };
    let body = Body::from_stream(transfer.guard(object.stream(wanted)));
    response.body(body).map_err(Error::internal)
}

/// Returns the header for the file name in the signed query.
fn disposition(query: &str) -> Option<HeaderValue> {
    let value = |name: &str| query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('=')).map(decode);
    let filename = value("filename");
    let inline = value("disposition").is_some_and(|text| text == "inline");
    if filename.is_none() && !inline {
        return None;
    }
    content::disposition(&filename.unwrap_or_default(), inline)
}

/// Percent-decodes (RFC 3986 §2.1) what this server encoded.
fn decode(text: &str) -> Cow<'_, str> {
    if !text.contains('%') {
        return Cow::Borrowed(text);
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        rest = after;
        let pair = after.get(..2).and_then(|pair| std::str::from_utf8(pair).ok());
        match pair.and_then(|pair| u8::from_str_radix(pair, 16).ok()) {
            Some(byte) if first == b'%' => {
                bytes.push(byte);
                rest = &after[2..];
            }
            _ => bytes.push(first),
        }
    }
    Cow::Owned(String::from_utf8_lossy(&bytes).into_owned())
}

async fn verify(
    State(app): State<App>,
    Path(token): Path<String>,
    RawQuery(query): RawQuery,
    request: Request,
) -> Result<Response> {
    let query = query.unwrap_or_default();
    let ticket = app.storage.ticket(&token, &query, Verb::Verify)?;
    let body = json_body(&app, request).await?;
    let (oid, size) = batch::parse_verify(&body).map_err(from_batch)?;
    app.storage.verify(&ticket, &query, oid, size).await?;
    Ok(lfs_json(StatusCode::OK, "{}"))
}

/// Reads a JSON body within the size limit, from a client that accepts our media type.
pub(super) async fn json_body(app: &App, request: Request) -> Result<bytes::Bytes> {
    expect_json(request.headers())?;
    let body = body_within(app, request).await?;
    // A list would be accepted as the fields of an object, in order.
    if !body.is_empty() && !body.trim_ascii_start().starts_with(b"{") {
        return Err(Error::malformed("the request must be a JSON object"));
    }
    Ok(body)
}

/// Reads a body within the size limit of JSON bodies.
pub(super) async fn body_within(app: &App, request: Request) -> Result<bytes::Bytes> {
    body_up_to(app, request, app.config.limits.json_bytes).await
}

/// Reads a body of at most `limit` bytes.
pub(super) async fn body_up_to(app: &App, request: Request, limit: usize) -> Result<bytes::Bytes> {
    let too_large =
        || Error::too_large(format!("the request is larger than {limit} bytes; send fewer objects at once"));
    // Reject it before it is sent, if the client declares its length.
    if request.body().size_hint().lower() > u64::try_from(limit).unwrap_or(u64::MAX) {
        return Err(too_large());
    }
    let body = Body::from_stream(with_idle_timeout(app, request.into_body()));
    match Limited::new(body, limit).collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(too_large()),
        Err(error) => Err(Error::malformed(format!("the request ended early: {error}"))),
    }
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
