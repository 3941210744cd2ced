//! Request and response bodies: reading them within limits, and following how far they are read.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, header};
use bytes::Bytes;
use futures::{Stream as _, StreamExt as _, TryStreamExt as _};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use tokio::io::AsyncBufRead;
use tokio_util::io::StreamReader;

use super::timeouts::IdleTimeoutBody;
use crate::app::App;
use crate::error::{Error, Result};

/// Wraps a body so that it fails if nothing is received for too long.
pub(crate) fn with_idle_timeout(app: &App, body: Body) -> IdleTimeoutBody {
    IdleTimeoutBody::new(body, Duration::from_secs(app.config.limits.idle_timeout))
}

/// Like [`with_idle_timeout`], as a body of the same size.
pub(crate) fn timed(app: &App, body: Body) -> Body {
    let size = body.size_hint();
    Body::new(SizedBody { body: with_idle_timeout(app, body), size })
}

/// A body whose declared size is kept.
struct SizedBody {
    body: IdleTimeoutBody,
    size: SizeHint,
}

impl HttpBody for SizedBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let next = ready!(Pin::new(&mut self.body).poll_next(context));
        Poll::Ready(next.map(|bytes| bytes.map(Frame::data).map_err(io::Error::other)))
    }

    fn size_hint(&self) -> SizeHint {
        self.size
    }
}

/// Reads a body as bytes, like [`with_idle_timeout`]. The caller limits how much it reads.
pub(crate) fn reader(app: &App, body: Body) -> impl AsyncBufRead + Send + Unpin + use<> {
    let failed = |error| io::Error::new(io::ErrorKind::ConnectionAborted, error);
    StreamReader::new(Box::pin(with_idle_timeout(app, body).map_err(failed)))
}

/// Returns the length of the body in bytes, if the request declares it.
pub(crate) fn content_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// Reads a body within the size limit of JSON bodies.
pub(crate) async fn read(app: &App, request: Request) -> Result<Bytes> {
    read_up_to(app, request, app.config.limits.json_bytes).await
}

/// Reads a body of at most `limit` bytes.
pub(crate) async fn read_up_to(app: &App, request: Request, limit: usize) -> Result<Bytes> {
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

/// Tracks how much of a request body has not been read yet.
pub(super) struct UnreadBody(Option<Arc<AtomicBool>>);

impl UnreadBody {
    /// Returns true if so much may be left that reading it is not worthwhile.
    pub(super) fn is_much(&self) -> bool {
        self.0.as_ref().is_some_and(|ended| !ended.load(Ordering::Relaxed))
    }
}

/// Bodies up to this size in bytes are read and discarded if no handler reads them.
const LITTLE: u64 = 64 << 10;

/// Bodies up to this size in bytes are not tracked: they usually arrive together with the head.
const SHORT: u64 = 8 << 10;

/// Reads a small body and discards it. Returns false for a larger one, and for one that does not arrive.
pub(crate) async fn read_little(body: Body, limit: Duration) -> bool {
    if body.size_hint().upper().is_none_or(|size| size > LITTLE) {
        return false;
    }
    IdleTimeoutBody::new(body, limit).all(async |part| part.is_ok()).await
}

/// Tracks how far the body of a request is read. `comes_later` is true if even a short one arrives after the head.
pub(super) fn followed(request: Request, comes_later: bool) -> (Request, UnreadBody) {
    let short = if comes_later { 0 } else { SHORT };
    if request.body().size_hint().upper().is_some_and(|size| size <= short) {
        return (request, UnreadBody(None));
    }
    let ended = Arc::new(AtomicBool::new(false));
    let unread = UnreadBody(Some(ended.clone()));
    (request.map(|body| on_end(body, move || ended.store(true, Ordering::Relaxed))), unread)
}

/// Keeps a value until the body was sent or dropped.
pub(crate) fn hold(body: Body, value: impl Send + Unpin + 'static) -> Body {
    on_end(body, move || {
        let _held = &value;
    })
}

/// Calls a function when the body has ended, and drops it with the body.
fn on_end(body: Body, mut end: impl FnMut() + Send + Unpin + 'static) -> Body {
    on_frame(body, move |is_last| {
        if is_last {
            end();
        }
    })
}

/// Calls a function for each part of a body, and at its end, with true for the last part. Drops it with the body.
fn on_frame(body: Body, each: impl FnMut(bool) + Send + Unpin + 'static) -> Body {
    Body::new(FollowedBody { body, each })
}

/// A body that is followed. `http-body-util` has none that keeps the size of the body.
struct FollowedBody<F> {
    body: Body,
    each: F,
}

impl<F: FnMut(bool) + Unpin> HttpBody for FollowedBody<F> {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(context));
        let is_last = frame.is_none() || self.body.is_end_stream();
        (self.each)(is_last);
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
