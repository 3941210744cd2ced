//! The body of a request on its way to an app: whether it moves, whether its client breaks it off, and whether the app wants
//! it (`Expect: 100-continue`).

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderMap, StatusCode, header};
use bytes::Bytes;
use futures::task::AtomicWaker;
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use tokio::time::Sleep;

/// How long a body waits for an app that does not know `Expect`.
const TIMEOUT: Duration = Duration::from_secs(1);

/// The body is sent.
const SENT: u8 = 0;
/// It waits until the app asks for it.
const WAITS: u8 = 1;
/// The app has refused it.
const UNWANTED: u8 = 2;

/// What happens to a body.
#[derive(Default)]
pub(super) struct Progress {
    parts: AtomicUsize,
    has_failed: AtomicBool,
    state: AtomicU8,
    waker: AtomicWaker,
}

impl Progress {
    /// Returns how many parts were sent.
    pub(super) fn parts(&self) -> usize {
        self.parts.load(Ordering::Relaxed)
    }

    /// Returns true if the client has broken off the body, its framing is wrong, or it came too slowly.
    pub(super) fn has_failed(&self) -> bool {
        self.has_failed.load(Ordering::Relaxed)
    }

    /// Sends a body that waits.
    pub(super) fn send(&self) {
        if self.leave(SENT) {
            self.waker.wake();
        }
    }

    /// Notes the final status of the response. A body that still waits is sent after a success, because the app may read it
    /// while it answers, and otherwise not.
    pub(super) fn answered(&self, status: StatusCode) {
        if status.is_success() {
            self.send();
        } else {
            self.leave(UNWANTED);
        }
    }

    /// Returns true if the app has refused the body before it was sent.
    pub(super) fn is_unwanted(&self) -> bool {
        self.state.load(Ordering::Acquire) == UNWANTED
    }

    fn leave(&self, next: u8) -> bool {
        self.state.compare_exchange(WAITS, next, Ordering::AcqRel, Ordering::Acquire).is_ok()
    }
}

/// A body whose progress is recorded.
struct RequestBody {
    body: Body,
    progress: Arc<Progress>,
    waits: bool,
    /// When a body that waits is sent anyway.
    timeout: Option<Pin<Box<Sleep>>>,
}

/// Records the progress of the body of a request with these headers.
pub(super) fn recorded(headers: &HeaderMap, body: Body) -> (Body, Arc<Progress>) {
    let waits = headers.get(header::EXPECT).is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"100-continue"));
    let state = AtomicU8::new(if waits { WAITS } else { SENT });
    let progress = Arc::new(Progress { state, ..Progress::default() });
    (Body::new(RequestBody { body, progress: progress.clone(), waits, timeout: None }), progress)
}

impl RequestBody {
    /// Waits until the body is to be sent.
    fn poll_wanted(&mut self, context: &mut Context<'_>) -> Poll<()> {
        if !self.waits {
            return Poll::Ready(());
        }
        self.progress.waker.register(context.waker());
        let timeout = self.timeout.get_or_insert_with(|| Box::pin(tokio::time::sleep(TIMEOUT)));
        if timeout.as_mut().poll(context).is_ready() {
            self.progress.leave(SENT);
        }
        if self.progress.state.load(Ordering::Acquire) != SENT {
            return Poll::Pending;
        }
        (self.waits, self.timeout) = (false, None);
        Poll::Ready(())
    }
}

impl HttpBody for RequestBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        // hyper tells the client to continue when the body is polled for the first time.
        ready!(self.poll_wanted(context));
        let frame = ready!(Pin::new(&mut self.body).poll_frame(context));
        match &frame {
            Some(Err(_)) => self.progress.has_failed.store(true, Ordering::Relaxed),
            Some(Ok(_)) | None => _ = self.progress.parts.fetch_add(1, Ordering::Relaxed),
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
