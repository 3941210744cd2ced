//! Clients that fall silent. One that takes nothing, or sends next to nothing,
//! must not hold a place, a file or a connection for ever.

use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use axum::body::{Body, BodyDataStream};
use axum::extract::Request;
use bytes::Bytes;
use futures::{Stream, StreamExt as _};
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};
use tokio_util::task::AbortOnDropHandle;

/// Slower than this, in bytes a second over the whole of our patience, is as
/// good as silent. A modem is faster.
const SLOWEST: u64 = 256;

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// How long somebody lets us wait. Time in which we are busy ourselves does
/// not count. Costs nothing while bytes flow: the clock is read when there is
/// nothing to do, and a timer is set at most once per `limit`.
struct Patience {
    limit: Duration,
    /// Bytes that renew it.
    enough: u64,
    moved: u64,
    waited: Duration,
    since: Option<Instant>,
    alarm: Option<Pin<Box<Sleep>>>,
    /// Whom the alarm wakes: to tell it the same at each block would cost more than all of this.
    told: Option<Waker>,
}

impl Patience {
    fn new(limit: Duration) -> Self {
        let enough = SLOWEST.saturating_mul(limit.as_secs()).max(1);
        Self { limit, enough, moved: 0, waited: Duration::ZERO, since: None, alarm: None, told: None }
    }

    /// To be asked whenever the other end lets us wait; ready when it is over.
    fn poll_over(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let since = *self.since.get_or_insert_with(Instant::now);
        let is_set = self.alarm.as_ref().is_some_and(|alarm| !alarm.is_elapsed());
        if is_set && self.told.as_ref().is_some_and(|told| told.will_wake(context.waker())) {
            return Poll::Pending;
        }
        self.told = Some(context.waker().clone());
        loop {
            let now = Instant::now();
            let left = self.limit.saturating_sub(self.waited + (now - since));
            if left.is_zero() {
                return Poll::Ready(());
            }
            let alarm = self.alarm.get_or_insert_with(|| Box::pin(sleep_until(now + left)));
            if alarm.is_elapsed() {
                // It was set when an earlier wait began, of which only a part was waiting.
                alarm.as_mut().reset(now + left);
            }
            ready!(alarm.as_mut().poll(context));
        }
    }

    /// To be told whenever something came through.
    fn moved(&mut self, bytes: usize) {
        if let Some(since) = self.since.take() {
            self.waited += since.elapsed();
        }
        self.moved = self.moved.saturating_add(bytes as u64);
        if self.moved >= self.enough {
            (self.moved, self.waited) = (0, Duration::ZERO);
        }
    }
}

/// The bytes of a request. An error when they do not come.
pub(super) struct PatientBody {
    body: BodyDataStream,
    patience: Patience,
}

impl PatientBody {
    pub(super) fn new(body: Body, limit: Duration) -> Self {
        Self { body: body.into_data_stream(), patience: Patience::new(limit) }
    }
}

impl Stream for PatientBody {
    type Item = Result<Bytes, BoxError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        match this.body.poll_next_unpin(context) {
            Poll::Ready(Some(Ok(block))) => {
                this.patience.moved(block.len());
                Poll::Ready(Some(Ok(block)))
            }
            Poll::Ready(Some(Err(error))) => Poll::Ready(Some(Err(error.into()))),
            Poll::Ready(None) => Poll::Ready(None),
            Poll::Pending => {
                ready!(this.patience.poll_over(context));
                Poll::Ready(Some(Err("the client sent nothing for too long, or too slowly".into())))
            }
        }
    }
}

/// What of a request's body is still to come.
pub(super) struct Unread(Option<Arc<AtomicBool>>);

impl Unread {
    /// Whether so much may be left that it is not worth reading.
    pub(super) fn is_much(&self) -> bool {
        self.0.as_ref().is_some_and(|ended| !ended.load(Ordering::Relaxed))
    }
}

/// Bodies of this size, in bytes, and less are worth reading when nobody wants them.
const LITTLE: u64 = 64 << 10;

/// Bodies of this size, in bytes, and less are not followed: they have come with the head, most often.
const SHORT: u64 = 8 << 10;

/// Reads a body that is little, and throws it away.
pub(super) async fn read_little(body: Body, limit: Duration) {
    if body.size_hint().upper().is_some_and(|size| size <= LITTLE) {
        let mut body = PatientBody::new(body, limit);
        while let Some(Ok(_)) = body.next().await {}
    }
}

/// Follows how far the body of a request is read.
pub(super) fn followed(request: Request) -> (Request, Unread) {
    // Those clients that are written in Python send it after the head.
    let path = request.uri().path();
    let short = if super::hub::is_below(path) || super::ckan::action(path).is_some() { 0 } else { SHORT };
    if request.body().size_hint().upper().is_some_and(|size| size <= short) {
        return (request, Unread(None));
    }
    let ended = Arc::new(AtomicBool::new(false));
    let unread = Unread(Some(ended.clone()));
    (request.map(|body| Body::new(Followed { body, ended })), unread)
}

struct Followed {
    body: Body,
    ended: Arc<AtomicBool>,
}

impl HttpBody for Followed {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(context));
        if frame.is_none() || self.body.is_end_stream() {
            self.ended.store(true, Ordering::Relaxed);
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

/// A connection that breaks when its client takes nothing of what we write.
/// Reading is not watched here: between two requests silence is fine.
///
/// It also lingers: a client whose upload is refused early is still sending,
/// and would lose our answer if the connection ended with bytes unread.
pub(super) struct PatientStream<T> {
    stream: T,
    patience: Patience,
    lingering: Option<Pin<Box<Sleep>>>,
}

/// How long what still comes is read, and thrown away, after our last word.
const LINGER: Duration = Duration::from_secs(2);

impl<T: Unpin> PatientStream<T> {
    pub(super) fn new(stream: T, limit: Duration) -> Self {
        Self { stream, patience: Patience::new(limit), lingering: None }
    }

    fn judge(
        &mut self,
        context: &mut Context<'_>,
        write: impl FnOnce(Pin<&mut T>, &mut Context<'_>) -> Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        match write(Pin::new(&mut self.stream), context) {
            Poll::Ready(Ok(written)) => {
                self.patience.moved(written);
                Poll::Ready(Ok(written))
            }
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Pending => {
                ready!(self.patience.poll_over(context));
                Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the client does not read what it asked for")))
            }
        }
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for PatientStream<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<T: AsyncRead + AsyncWrite + Unpin> AsyncWrite for PatientStream<T> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.judge(context, |stream, context| stream.poll_write(context, bytes))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.judge(context, |stream, context| stream.poll_write_vectored(context, slices))
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if this.lingering.is_none() {
            ready!(Pin::new(&mut this.stream).poll_shutdown(context))?;
        }
        let end = this.lingering.get_or_insert_with(|| Box::pin(tokio::time::sleep(LINGER)));
        let mut thrown_away = [0; 8192];
        while end.as_mut().poll(context).is_pending() {
            let mut buffer = ReadBuf::new(&mut thrown_away);
            match ready!(Pin::new(&mut this.stream).poll_read(context, &mut buffer)) {
                Ok(()) if !buffer.filled().is_empty() => {}
                Ok(()) | Err(_) => break,
            }
        }
        Poll::Ready(Ok(()))
    }
}

/// The body of an answer over HTTP/2. There a client can leave one stream
/// without window while the connection lives; hyper then does not ask the body
/// for more, so that it takes a task to notice, which drops what the body holds.
pub(super) fn watched(body: Body, limit: Duration) -> Body {
    if body.size_hint().exact().is_some() {
        // All of it is in memory: it holds nothing that others wait for.
        return body;
    }
    let body = Arc::new(Mutex::new(Watch { body: Some(body), asked: Instant::now(), ours: false }));
    let watched = body.clone();
    let watch = tokio::spawn(async move {
        loop {
            let until = look(&watched).asked + limit;
            tokio::time::sleep_until(until).await;
            let mut watch = look(&watched);
            if watch.ours {
                watch.asked = Instant::now();
            } else if watch.asked.elapsed() >= limit {
                watch.body = None;
                return;
            }
        }
    });
    Body::new(Watched { body, _watch: AbortOnDropHandle::new(watch) })
}

struct Watch {
    body: Option<Body>,
    /// When the client last made room for more.
    asked: Instant,
    /// Whether it is us that it waits for.
    ours: bool,
}

fn look(watch: &Mutex<Watch>) -> MutexGuard<'_, Watch> {
    watch.lock().unwrap_or_else(PoisonError::into_inner)
}

struct Watched {
    body: Arc<Mutex<Watch>>,
    _watch: AbortOnDropHandle<()>,
}

impl HttpBody for Watched {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        let mut watch = look(&self.body);
        let Some(body) = &mut watch.body else {
            return Poll::Ready(Some(Err("the client did not read what it asked for".into())));
        };
        let frame = Pin::new(body).poll_frame(context);
        (watch.asked, watch.ours) = (Instant::now(), frame.is_pending());
        frame.map_err(Into::into)
    }

    fn is_end_stream(&self) -> bool {
        look(&self.body).body.as_ref().is_some_and(HttpBody::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        look(&self.body).body.as_ref().map(HttpBody::size_hint).unwrap_or_default()
    }
}
