//! Xet API (`/_xet`): uploads of files as chunks, by which the next version of a file costs only its difference. Clients
//! get the URL and a token from the Hub API. Source: `openapi/cas.openapi.yaml` of `xet-core`.

use std::time::Duration;

use axum::Json;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{Method, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use futures::{Stream, stream};
use metastore::wire::read_ahead;
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::sync::watch;
use tokio_util::io::ReaderStream;
use tokio_util::task::AbortOnDropHandle;
use xet::Hash;
use xet::format::MAX_SHARD_LEN;
use xet::shard::Shard;

use super::http::{RouteGroup, Routes, Segments, body_reader, content_length};
use crate::access::{DatasetGrant, Upload};
use crate::app::App;
use crate::error::{Error, Kind, Result};
use crate::storage::xet::{MAX_XORB_BODY, ShardPlan};

/// Requests that look something up. The prefix in URLs makes no difference: clients and specification have different ones.
const XET: RouteGroup = RouteGroup { is_below, is_open: true, cost: 20, ..RouteGroup::DEFAULT };

/// Requests that transfer or read whole files.
const TRANSFER: RouteGroup = RouteGroup { is_transfer: true, sends_body_later: true, ..XET };

/// Bytes of a xorb that are read at a time.
const BLOCK: usize = 256 << 10;

/// Interval of the lines that tell a client that work goes on: it waits for one minute.
const HEARTBEAT: Duration = Duration::from_secs(15);

pub(super) fn routes(routes: Routes) -> Routes {
    let routes = routes
        .group(TRANSFER)
        .add(Method::POST, "/_xet/{owner}/{dataset}/{cache}/v1/xorbs/{prefix}/{hash}", put_xorb)
        .add(Method::POST, "/_xet/{owner}/{dataset}/{cache}/v1/shards", put_shard)
        .add(Method::POST, "/_xet/{owner}/{dataset}/{cache}/v2/shards", put_shard_with_progress);
    routes.group(XET).add(Method::GET, "/_xet/{owner}/{dataset}/{cache}/v1/chunks/{prefix}/{hash}", find_chunk).add(
        Method::POST,
        "/_xet/{owner}/{dataset}/{cache}/v1/telemetry",
        telemetry,
    )
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
    let body = ReaderStream::with_capacity(received(&app, request, MAX_XORB_BODY).await?, BLOCK);
    let is_new = app.storage.put_xorb(&grant, hash, length, body).await?;
    Ok(Json(json!({ "was_inserted": is_new })))
}

/// Receives a body of at most `most` bytes: a slow client must not hold memory that others wait for.
async fn received(app: &App, request: Request, most: usize) -> Result<impl AsyncRead + Send + Unpin + use<>> {
    let body = body_reader(app, request.into_body());
    read_ahead(app.datasets.engine(), body, most as u64).await.map_err(|error| match error {
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
    let mut received = received(app, request, MAX_SHARD_LEN).await?;
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

/// Accepts and drops the statistics that clients send.
async fn telemetry(_: DatasetGrant<Upload>) -> StatusCode {
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
