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

use super::server::Activity;

/// Slower than this, in bytes a second over the whole of our patience, is as
/// good as silent. A modem is faster.
pub(super) const SLOWEST: u64 = 256;

/// How often that doubles, each time after as much waiting as our patience is long: who holds a place for minutes has
/// to move 4 KiB a second, which is what eight transfers at one time have of the slowest lines.
const DOUBLINGS: u64 = 4;

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// How long somebody lets us wait. Time in which we are busy ourselves does
/// not count. Costs nothing while bytes flow: the clock is read when there is
/// nothing to do, and a timer is set at most once per `limit`.
struct Patience {
    limit: Duration,
    moved: u64,
    /// Since it was renewed.
    waited: Duration,
    /// Before that.
    earlier: Duration,
    since: Option<Instant>,
    alarm: Option<Pin<Box<Sleep>>>,
    /// Whom the alarm wakes: to tell it the same at each block would cost more than all of this.
    told: Option<Waker>,
}

impl Patience {
    fn new(limit: Duration) -> Self {
        let (waited, earlier) = (Duration::ZERO, Duration::ZERO);
        Self { limit, moved: 0, waited, earlier, since: None, alarm: None, told: None }
    }

    /// Bytes that renew it.
    fn enough(&self) -> u64 {
        let seconds = self.limit.as_secs().max(1);
        let doublings = (self.earlier.as_secs() / seconds).min(DOUBLINGS);
        (SLOWEST << doublings).saturating_mul(self.limit.as_secs()).max(1)
    }

    /// What is left of it.
    fn left(&self) -> Duration {
        let waiting = self.since.map_or(Duration::ZERO, |since| since.elapsed());
        self.limit.saturating_sub(self.waited + waiting)
    }

    /// To be asked whenever the other end lets us wait; ready when it is over.
    fn poll_over(&mut self, context: &mut Context<'_>) -> Poll<()> {
        self.since.get_or_insert_with(Instant::now);
        let is_set = self.alarm.as_ref().is_some_and(|alarm| !alarm.is_elapsed());
        if is_set && self.told.as_ref().is_some_and(|told| told.will_wake(context.waker())) {
            return Poll::Pending;
        }
        self.told = Some(context.waker().clone());
        loop {
            let now = Instant::now();
            let left = self.left();
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
        if self.moved >= self.enough() {
            self.earlier += self.waited;
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
    activity: Arc<Activity>,
    lingering: Option<Pin<Box<Sleep>>>,
}

/// How long what still comes is read, and thrown away, after our last word.
const LINGER: Duration = Duration::from_secs(2);

impl<T: Unpin> PatientStream<T> {
    pub(super) fn new(stream: T, limit: Duration, activity: Arc<Activity>) -> Self {
        Self { stream, patience: Patience::new(limit), activity, lingering: None }
    }

    fn judge(
        &mut self,
        context: &mut Context<'_>,
        write: impl FnOnce(Pin<&mut T>, &mut Context<'_>) -> Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        match write(Pin::new(&mut self.stream), context) {
            Poll::Ready(Ok(written)) => {
                self.patience.moved(written);
                self.activity.wrote(written);
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

/// Bytes of one frame of HTTP/2: what was handed over waits in memory until the client makes room for all of it.
const FRAME: usize = 16 << 10;

/// The body of an answer over HTTP/2. There a client can leave one stream
/// without window while the connection lives; hyper then does not ask the body
/// for more, so that it takes a task to notice, which drops what the body holds.
pub(super) fn watched(body: Body, limit: Duration) -> Body {
    if body.size_hint().exact().is_some_and(|size| size <= FRAME as u64) {
        // It is one frame, and holds nothing that others wait for.
        return body;
    }
    let mut patience = Patience::new(limit);
    patience.since = Some(Instant::now());
    let body = Arc::new(Mutex::new(Watch { body: Some(body), rest: Bytes::new(), patience }));
    let watched = body.clone();
    let watch = tokio::spawn(async move {
        loop {
            let left = {
                let mut watch = look(&watched);
                match watch.patience.since {
                    // It is us that it waits for.
                    None => limit,
                    Some(_) if watch.patience.left().is_zero() => {
                        (watch.body, watch.rest) = (None, Bytes::new());
                        return;
                    }
                    Some(_) => watch.patience.left(),
                }
            };
            tokio::time::sleep(left).await;
        }
    });
    Body::new(Watched { body, _watch: AbortOnDropHandle::new(watch) })
}

struct Watch {
    body: Option<Body>,
    /// Of the block that the body gave last.
    rest: Bytes,
    /// Waits from when the client was given something to when it makes room for more.
    patience: Patience,
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
        let Watch { body: Some(body), rest, patience } = &mut *watch else {
            return Poll::Ready(Some(Err("the client did not read what it asked for".into())));
        };
        patience.moved(0);
        if rest.is_empty() {
            match ready!(Pin::new(body).poll_frame(context)) {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(block) => *rest = block,
                    Err(trailers) => return Poll::Ready(Some(Ok(trailers))),
                },
                other => return Poll::Ready(other.map(|frame| frame.map_err(Into::into))),
            }
        }
        let block = rest.split_to(rest.len().min(FRAME));
        patience.moved(block.len());
        patience.since = Some(Instant::now());
        Poll::Ready(Some(Ok(Frame::data(block))))
    }

    fn is_end_stream(&self) -> bool {
        let watch = look(&self.body);
        watch.rest.is_empty() && watch.body.as_ref().is_some_and(HttpBody::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        let watch = look(&self.body);
        let rest = watch.rest.len() as u64;
        let of_body = watch.body.as_ref().map(HttpBody::size_hint).unwrap_or_default();
        let mut hint = SizeHint::new();
        hint.set_lower(of_body.lower() + rest);
        of_body.upper().inspect(|upper| hint.set_upper(upper + rest));
        hint
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt as _;

    use super::*;

    /// For how many seconds somebody is waited for who moves so many bytes in each, up to an hour.
    async fn borne(bytes: usize) -> u64 {
        let mut patience = Patience::new(Duration::from_mins(1));
        for second in 1..=3600 {
            patience.since = Some(Instant::now());
            tokio::time::sleep(Duration::from_secs(1)).await;
            patience.moved(bytes);
            if patience.left().is_zero() {
                return second;
            }
        }
        3600
    }

    #[tokio::test]
    async fn whoever_is_waited_for_long_has_to_move_more() {
        tokio::time::pause();
        assert_eq!(borne(0).await, 60);
        assert_eq!(borne(200).await, 60);
        assert!((150..200).contains(&borne(300).await), "at first that is enough");
        assert!((200..600).contains(&borne(2000).await));
        assert_eq!(borne(5000).await, 3600);
    }

    #[tokio::test]
    async fn what_goes_over_http2_is_handed_over_in_small_pieces() {
        let bytes: Vec<u8> = (0..40_000_u32).map(|number| number.to_le_bytes()[0]).collect();
        let mut body = watched(Body::from(bytes.clone()), Duration::from_secs(60));
        assert_eq!(body.size_hint().exact(), Some(40_000));
        let mut read = Vec::new();
        while let Some(frame) = body.frame().await {
            let block = frame.unwrap().into_data().unwrap();
            assert!(
                block.len() <= FRAME && body.size_hint().exact() == Some(40_000 - (read.len() + block.len()) as u64)
            );
            read.extend_from_slice(&block);
        }
        assert!(body.is_end_stream() && read == bytes);
    }

    #[tokio::test]
    async fn an_answer_that_nobody_takes_is_dropped() {
        tokio::time::pause();
        let mut body = watched(Body::from(vec![7; 100_000]), Duration::from_secs(60));
        assert!(body.frame().await.unwrap().is_ok());
        tokio::time::sleep(Duration::from_secs(59)).await;
        assert!(body.frame().await.unwrap().is_ok());
        tokio::time::sleep(Duration::from_secs(61)).await;
        assert!(body.frame().await.unwrap().is_err());
    }
}
