//! Xet API (`/_xet`): transfers of files as chunks, by which the next version of a file costs only its difference. Clients
//! get the URL and a token from the Hub API. Source: `openapi/cas.openapi.yaml` of `xet-core`.

use std::ops::Range;
use std::time::Duration;

use axum::Json;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use futures::{Stream, stream};
use metastore::wire::read_ahead;
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::sync::watch;
use tokio_util::task::AbortOnDropHandle;
use xet::Hash;
use xet::format::MAX_SHARD_LEN;
use xet::shard::Shard;

use super::http::{
    BaseUrl, DatasetRequest, RouteGroup, Routes, Segments, body_reader, content_length, with_idle_timeout,
};
use crate::access::{DatasetGrant, Fetch, Upload};
use crate::app::App;
use crate::error::{Error, Kind, Result};
use crate::storage::XetRange;
use crate::storage::xet::{MAX_XORB_BODY, ShardPlan};

/// Requests that look something up. The prefix in URLs makes no difference: clients and specification have different ones.
const XET: RouteGroup = RouteGroup { is_below, is_open: true, cost: 20, ..RouteGroup::DEFAULT };

/// Requests that transfer or read whole files.
const TRANSFER: RouteGroup = RouteGroup { is_transfer: true, sends_body_later: true, ..XET };

/// Interval of the lines that tell a client that work goes on: it waits for one minute.
const HEARTBEAT: Duration = Duration::from_secs(15);

pub(super) fn routes(routes: Routes) -> Routes {
    let routes = routes
        .group(TRANSFER)
        .add(Method::POST, "/_xet/{owner}/{dataset}/{cache}/v1/xorbs/{prefix}/{hash}", put_xorb)
        .add(Method::POST, "/_xet/{owner}/{dataset}/{cache}/v1/shards", put_shard)
        .add(Method::POST, "/_xet/{owner}/{dataset}/{cache}/v2/shards", put_shard_with_progress);
    routes
        .group(XET)
        .add(Method::GET, "/_xet/{owner}/{dataset}/{cache}/v1/chunks/{prefix}/{hash}", find_chunk)
        .add(Method::GET, "/_xet/{owner}/{dataset}/{cache}/v1/reconstructions/{hash}", download)
        .add(Method::GET, "/_xet/{owner}/{dataset}/{cache}/v2/reconstructions/{hash}", download)
        .add(Method::POST, "/_xet/{owner}/{dataset}/{cache}/v1/telemetry", telemetry)
}

fn is_below(path: &str) -> bool {
    path.starts_with("/_xet/")
}

async fn put_xorb(
    State(app): State<App>,
    grant: DatasetGrant<Upload>,
    segments: Segments,
    request: Request,
) -> Result<Json<Value>> {
    let hash = hash(&segments)?;
    let length = length(&request, MAX_XORB_BODY)?;
    let body = Box::pin(with_idle_timeout(&app, request.into_body()));
    let is_new = app.storage.put_xorb(&grant, hash, length, body).await?;
    Ok(Json(json!({ "was_inserted": is_new })))
}

/// Receives the body of a shard: a slow client must not hold memory that others wait for.
async fn received(app: &App, request: Request) -> Result<impl AsyncRead + Send + Unpin + use<>> {
    let body = body_reader(app, request.into_body());
    read_ahead(app.datasets.engine(), body, MAX_SHARD_LEN as u64).await.map_err(|error| match error {
        metastore::Error::Io(error) => Error::malformed(format!("the request ended early: {error}; send it again")),
        error => error.into(),
    })
}

async fn put_shard(State(app): State<App>, grant: DatasetGrant<Upload>, request: Request) -> Result<Json<Value>> {
    let plan = plan(&app, &grant, request).await?;
    let is_new = app.storage.store_shard(&grant, plan, |_| ()).await?;
    Ok(Json(json!({ "result": u8::from(is_new) })))
}

/// Like [`put_shard`], with a line of JSON for each step.
async fn put_shard_with_progress(
    State(app): State<App>,
    grant: DatasetGrant<Upload>,
    request: Request,
) -> Result<Response> {
    let plan = plan(&app, &grant, request).await?;
    let total = plan.len();
    let (done, progress) = watch::channel(0);
    let work = async move { app.storage.store_shard(&grant, plan, |count| _ = done.send_replace(count)).await };
    // Ends with the response, if the client disconnects.
    let work = AbortOnDropHandle::new(tokio::spawn(crate::request::scope(crate::request::id(), work)));
    let body = Body::from_stream(events(work, progress, total));
    Ok((StatusCode::OK, [(header::CONTENT_TYPE, "application/x-ndjson")], body).into_response())
}

/// Returns a line for each step, the last one again while nothing happens, and finally the result.
fn events(
    work: AbortOnDropHandle<Result<bool>>,
    progress: watch::Receiver<usize>,
    total: usize,
) -> impl Stream<Item = Result<Bytes, std::convert::Infallible>> {
    stream::unfold(Some((work, progress)), move |state| async move {
        let (mut work, mut progress) = state?;
        let (event, is_last) = tokio::select! {
            biased;
            outcome = &mut work => (ended(outcome.map_err(Error::internal).and_then(|outcome| outcome)), true),
            Ok(()) = progress.changed() => (validating(&progress, total), false),
            () = tokio::time::sleep(HEARTBEAT) => (validating(&progress, total), false),
        };
        let line = Bytes::from(format!("{event}\n"));
        Some((Ok(line), (!is_last).then_some((work, progress))))
    })
}

fn validating(progress: &watch::Receiver<usize>, total: usize) -> Value {
    json!({ "type": "validating", "verified": *progress.borrow(), "total": total })
}

fn ended(outcome: Result<bool>) -> Value {
    match outcome {
        Ok(_) => json!({ "type": "result" }),
        Err(error) => {
            error.log();
            let is_retryable = matches!(error.kind(), Kind::Busy | Kind::Unavailable);
            json!({ "type": "error", "message": error.detail(), "retryable": is_retryable })
        }
    }
}

async fn plan(app: &App, grant: &DatasetGrant<Upload>, request: Request) -> Result<ShardPlan> {
    let length = length(&request, MAX_SHARD_LEN)?;
    let mut received = received(app, request).await?;
    let memory = app.storage.shard_memory(length).await?;
    let mut body = Vec::with_capacity(length);
    let read = (&mut received).take(length as u64).read_to_end(&mut body).await;
    read.map_err(|error| Error::malformed(format!("the request ended early: {error}; send it again")))?;
    let parse = move || Shard::parse(&body).map_err(|error| Error::malformed(format!("invalid shard: {error}")));
    let (shard, footer) = crate::blocking(parse).await??;
    if footer.is_some_and(|footer| footer.key.is_some()) {
        return Err(Error::malformed("invalid shard: the hashes of its chunks are replaced"));
    }
    app.storage.plan_shard(grant, shard, memory).await
}

async fn find_chunk(State(app): State<App>, grant: DatasetGrant<Upload>, segments: Segments) -> Result<Response> {
    let found = app.storage.find_chunk(&grant, hash(&segments)?).await?;
    let shard = found.ok_or_else(|| Error::not_found("no upload to this dataset has the chunk"))?;
    Ok(([(header::CONTENT_TYPE, "application/octet-stream")], shard).into_response())
}

/// Returns how to download a range of a packed file: its terms, and signed URLs of their chunks.
async fn download(
    State(app): State<App>,
    visitor: DatasetRequest,
    grant: DatasetGrant<Fetch>,
    base: BaseUrl,
    segments: Segments,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response> {
    let (range, is_ranged) = (requested(&headers)?, headers.contains_key(header::RANGE));
    let Some(found) = app.storage.xet_download(&grant, hash(&segments)?, range, &base.0).await? else {
        let error = Error::not_found("this dataset has no packed file of this hash; download it from its URL");
        if is_ranged {
            // Clients read a file in ranges until its end.
            return Ok((StatusCode::RANGE_NOT_SATISFIABLE, Json(json!({ "message": error.detail() }))).into_response());
        }
        return Err(error);
    };
    visitor.charge(found.terms.len() / 10);
    let range = |start: usize, end: usize| json!({ "start": start, "end": end });
    let terms = found.terms.iter().map(|term| {
        json!({ "hash": term.xorb, "unpacked_length": term.length, "range": range(term.chunks.start, term.chunks.end) })
    });
    let is_v2 = uri.path().contains("/v2/reconstructions/");
    let fetch = |fetch: &XetRange| {
        let (chunks, bytes) = (range(fetch.chunks.start, fetch.chunks.end), &fetch.bytes);
        // The last byte is included.
        let bytes = json!({ "start": bytes.start, "end": bytes.end - 1 });
        if is_v2 {
            json!({ "url": fetch.url, "ranges": [{ "chunks": chunks, "bytes": bytes }] })
        } else {
            json!({ "url": fetch.url, "range": chunks, "url_range": bytes })
        }
    };
    let xorbs = found.xorbs.iter().map(|(xorb, ranges)| (xorb.clone(), ranges.iter().map(fetch).collect()));
    let mut answer = json!({ "offset_into_first_range": found.offset, "terms": terms.collect::<Value>() });
    answer[if is_v2 { "xorbs" } else { "fetch_info" }] = Value::Object(xorbs.collect());
    Ok(Json(answer).into_response())
}

/// Returns the bytes in the header `Range`; all without one.
fn requested(headers: &HeaderMap) -> Result<Range<u64>> {
    let Some(value) = headers.get(header::RANGE) else { return Ok(0..u64::MAX) };
    let range = value.to_str().ok().and_then(|text| text.strip_prefix("bytes=")?.split_once('-'));
    let range = range.and_then(|(start, last)| {
        let end = if last.is_empty() { u64::MAX } else { last.parse::<u64>().ok()?.saturating_add(1) };
        Some(start.parse().ok()?..end)
    });
    range.ok_or_else(|| Error::malformed("the header Range must look like bytes=0-99"))
}

/// Accepts and drops the statistics that clients send.
async fn telemetry(_: DatasetGrant<Fetch>) -> StatusCode {
    StatusCode::OK
}

/// Returns the length of the body in bytes, which must be declared and within a limit.
fn length(request: &Request, limit: usize) -> Result<usize> {
    let length = content_length(request.headers());
    let length = length.ok_or_else(|| Error::malformed("the request has no Content-Length; send it with one"))?;
    usize::try_from(length)
        .ok()
        .filter(|length| *length <= limit)
        .ok_or_else(|| Error::too_large(format!("the request has {length} bytes; the limit is {limit} bytes")))
}

fn hash(segments: &Segments) -> Result<Hash> {
    segments.get("hash").parse().map_err(|error: xet::hash::InvalidHash| Error::malformed(error.to_string()))
}
