//! Idle timeouts: a client that stops reading or sends too slowly must not hold a transfer slot, a file or a connection
//! forever.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use axum::body::{Body, BodyDataStream};
use bytes::Bytes;
use futures::{Stream, StreamExt as _};
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use tokio::time::{Instant, Sleep, sleep_until};
use tokio_util::task::AbortOnDropHandle;

/// The minimum rate in bytes per second, averaged over the timeout. Slower clients count as idle. A modem is faster.
pub(super) const SLOWEST: u64 = 256;

/// How often the minimum rate doubles, each time after another full timeout of waiting. A client that holds a slot for
/// minutes has to reach 4 KiB per second, which is what each of eight concurrent transfers gets on the slowest lines.
const DOUBLINGS: u64 = 4;

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// An idle timer for one client. It judges the rate, and not the time between two blocks as the timeouts of `tower-http`
/// do: those bear a byte now and then forever. Time in which the server itself is busy does not count. It costs nothing while bytes
/// flow: the clock is read only when there is nothing to do, and a timer is set at most once per `limit`.
pub(super) struct IdleTimeout {
    limit: Duration,
    moved: u64,
    /// Time spent waiting since the last reset.
    waited: Duration,
    /// Time spent waiting before the last reset.
    earlier: Duration,
    since: Option<Instant>,
    alarm: Option<Pin<Box<Sleep>>>,
    /// The waker registered with the alarm. Registering it again for each block would cost more than everything else
    /// here.
    waker: Option<Waker>,
}

impl IdleTimeout {
    pub(super) fn new(limit: Duration) -> Self {
        let (waited, earlier) = (Duration::ZERO, Duration::ZERO);
        Self { limit, moved: 0, waited, earlier, since: None, alarm: None, waker: None }
    }

    /// Returns the number of bytes that reset the timer.
    fn enough(&self) -> u64 {
        let seconds = self.limit.as_secs().max(1);
        let doublings = (self.earlier.as_secs() / seconds).min(DOUBLINGS);
        (SLOWEST << doublings).saturating_mul(self.limit.as_secs()).max(1)
    }

    /// Returns the time left before the timeout.
    fn left(&self) -> Duration {
        let waiting = self.since.map_or(Duration::ZERO, |since| since.elapsed());
        self.limit.saturating_sub(self.waited + waiting)
    }

    /// Polls the timeout while waiting for the client; ready when it has expired.
    pub(super) fn poll_over(&mut self, context: &mut Context<'_>) -> Poll<()> {
        self.since.get_or_insert_with(Instant::now);
        let is_set = self.alarm.as_ref().is_some_and(|alarm| !alarm.is_elapsed());
        if is_set && self.waker.as_ref().is_some_and(|waker| waker.will_wake(context.waker())) {
            return Poll::Pending;
        }
        self.waker = Some(context.waker().clone());
        loop {
            let now = Instant::now();
            let left = self.left();
            if left.is_zero() {
                return Poll::Ready(());
            }
            let alarm = self.alarm.get_or_insert_with(|| Box::pin(sleep_until(now + left)));
            if alarm.is_elapsed() {
                // The alarm was set for an earlier wait, and not all of the time since then was spent waiting.
                alarm.as_mut().reset(now + left);
            }
            ready!(alarm.as_mut().poll(context));
        }
    }

    /// Records bytes transferred, which may reset the timer.
    pub(super) fn moved(&mut self, bytes: usize) {
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

/// A request body with an idle timeout: fails if the client sends nothing, or too slowly.
pub(crate) struct IdleTimeoutBody {
    body: BodyDataStream,
    idle: IdleTimeout,
}

impl IdleTimeoutBody {
    pub(super) fn new(body: Body, limit: Duration) -> Self {
        Self { body: body.into_data_stream(), idle: IdleTimeout::new(limit) }
    }
}

impl Stream for IdleTimeoutBody {
    type Item = Result<Bytes, BoxError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        match this.body.poll_next_unpin(context) {
            Poll::Ready(Some(Ok(block))) => {
                this.idle.moved(block.len());
                Poll::Ready(Some(Ok(block)))
            }
            Poll::Ready(Some(Err(error))) => Poll::Ready(Some(Err(error.into()))),
            Poll::Ready(None) => Poll::Ready(None),
            Poll::Pending => {
                ready!(this.idle.poll_over(context));
                Poll::Ready(Some(Err("timed out: the client sent nothing, or too slowly".into())))
            }
        }
    }
}

/// The size of an HTTP/2 frame in bytes. A frame that was handed over stays in memory until the client's window allows
/// all of it.
const FRAME: usize = 16 << 10;

/// Adds an idle timeout to a response body over HTTP/2. There, a client can leave a stream without window while the
/// connection stays alive. hyper then stops polling the body, so a separate task has to notice, and drops what the body
/// holds.
pub(crate) fn watched(body: Body, limit: Duration) -> Body {
    if body.size_hint().exact().is_some_and(|size| size <= FRAME as u64) {
        // It fits into one frame and holds nothing that others wait for.
        return body;
    }
    let mut idle = IdleTimeout::new(limit);
    idle.since = Some(Instant::now());
    let body = Arc::new(Mutex::new(StreamWatchdog { body: Some(body), rest: Bytes::new(), idle }));
    let watched = body.clone();
    let watch = tokio::spawn(async move {
        loop {
            let left = {
                let mut watch = look(&watched);
                match watch.idle.since {
                    // The client is waiting for the server.
                    None => limit,
                    Some(_) if watch.idle.left().is_zero() => {
                        (watch.body, watch.rest) = (None, Bytes::new());
                        return;
                    }
                    Some(_) => watch.idle.left(),
                }
            };
            tokio::time::sleep(left).await;
        }
    });
    Body::new(WatchedBody { body, _watch: AbortOnDropHandle::new(watch) })
}

struct StreamWatchdog {
    body: Option<Body>,
    /// The rest of the last block that the body returned.
    rest: Bytes,
    /// Measures the time from handing a block to the client until it has window for more.
    idle: IdleTimeout,
}

fn look(watch: &Mutex<StreamWatchdog>) -> MutexGuard<'_, StreamWatchdog> {
    watch.lock().unwrap_or_else(PoisonError::into_inner)
}

struct WatchedBody {
    body: Arc<Mutex<StreamWatchdog>>,
    _watch: AbortOnDropHandle<()>,
}

impl HttpBody for WatchedBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        let mut watch = look(&self.body);
        let StreamWatchdog { body: Some(body), rest, idle } = &mut *watch else {
            return Poll::Ready(Some(Err("timed out: the client did not read the response".into())));
        };
        idle.moved(0);
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
        idle.moved(block.len());
        idle.since = Some(Instant::now());
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

    /// Returns for how many seconds a client that transfers `bytes` per second is tolerated, up to an hour.
    async fn borne(bytes: usize) -> u64 {
        let mut idle = IdleTimeout::new(Duration::from_mins(1));
        for second in 1..=3600 {
            idle.since = Some(Instant::now());
            tokio::time::sleep(Duration::from_secs(1)).await;
            idle.moved(bytes);
            if idle.left().is_zero() {
                return second;
            }
        }
        3600
    }

    #[tokio::test]
    async fn a_slow_client_must_make_more_progress_over_time() {
        tokio::time::pause();
        assert_eq!(borne(0).await, 60);
        assert_eq!(borne(200).await, 60);
        assert!((150..200).contains(&borne(300).await), "at first this rate is enough");
        assert!((200..600).contains(&borne(2000).await));
        assert_eq!(borne(5000).await, 3600);
    }

    #[tokio::test]
    async fn http2_bodies_are_sent_in_small_chunks() {
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
    async fn a_response_that_is_not_read_is_dropped() {
        tokio::time::pause();
        let mut body = watched(Body::from(vec![7; 100_000]), Duration::from_secs(60));
        assert!(body.frame().await.unwrap().is_ok());
        tokio::time::sleep(Duration::from_secs(59)).await;
        assert!(body.frame().await.unwrap().is_ok());
        tokio::time::sleep(Duration::from_secs(61)).await;
        assert!(body.frame().await.unwrap().is_err());
    }
}
