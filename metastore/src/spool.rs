//! Spooling to disk between git and slow clients, so that no git process and no shared memory is held for as
//! long as a slow client takes.

use std::{io, time::Duration};

use bytes::{Bytes, BytesMut};
use futures::Stream;
use tokio::{
    io::{AsyncRead, AsyncReadExt as _},
    sync::mpsc,
    time::{Instant, timeout},
};
use tokio_util::io::StreamReader;

use crate::{
    Engine, Result, Snapshot,
    cache::{BLOCK, PackCache, Spool},
};

/// Number of blocks buffered in memory for a slow client.
const BLOCKS_AHEAD: usize = 4;

/// Total time to wait for a client before its data goes to disk.
const SLOW_CLIENT_TIMEOUT: Duration = Duration::from_secs(2);

/// Idle timeout of a client.
const STALL_TIMEOUT: Duration = Duration::from_mins(2);

/// Maximum number of bytes of a request body that are read ahead into memory.
const SHORT: usize = 64 * 1024;

/// Maximum number of bytes read from a body after the push was rejected, so that the client sees the reason.
pub(crate) const DRAIN: u64 = 256 << 20;

/// Number of bytes written at once when reading ahead to disk.
const WRITE_BATCH: usize = 4 * BLOCK;

/// Minimum transfer rate of a client that others wait for.
#[derive(Default)]
struct Pace {
    waited: Duration,
    moved: u64,
}

impl Pace {
    /// The rate is not enforced for waits up to this total.
    const GRACE: Duration = Duration::from_mins(1);
    /// Minimum rate afterwards, in bytes per second of total waiting time.
    const LEAST: u64 = 64 << 10;

    fn left(&self) -> Duration {
        let earned = Duration::from_millis(self.moved.saturating_mul(1000) / Self::LEAST);
        (Self::GRACE + earned).saturating_sub(self.waited).min(STALL_TIMEOUT)
    }

    /// Waits for a client.
    async fn wait<T>(&mut self, client: impl Future<Output = T>) -> io::Result<T> {
        let began = Instant::now();
        let done = timeout(self.left(), client).await;
        self.waited += began.elapsed();
        done.map_err(|_| io::Error::new(io::ErrorKind::TimedOut, "the client is too slow"))
    }
}

fn gone<E>(_: E) -> io::Error {
    io::ErrorKind::BrokenPipe.into()
}

/// Blocks on their way to a client.
struct Outflow<'a> {
    blocks: &'a mpsc::Sender<Bytes>,
    cache: &'a PackCache,
    spool: Option<Spool>,
    waited: Duration,
    pace: Pace,
}

impl Outflow<'_> {
    fn is_behind(&self) -> bool {
        self.spool.as_ref().is_some_and(|spool| !spool.is_empty())
    }

    async fn take(&mut self, block: Bytes) -> Result<()> {
        if !self.is_behind() {
            if let Ok(permit) = self.blocks.try_reserve() {
                permit.send(block);
                return Ok(());
            }
            let began = Instant::now();
            let permit = timeout(SLOW_CLIENT_TIMEOUT.saturating_sub(self.waited), self.blocks.reserve()).await;
            self.waited += began.elapsed();
            if let Ok(permit) = permit {
                permit.map_err(gone)?.send(block);
                return Ok(());
            }
        }
        if self.spool.is_none() {
            self.spool =
                self.cache.spool().await.inspect_err(|error| tracing::warn!(%error, "cannot create a spool file")).ok();
        }
        if let Some(spool) = &mut self.spool {
            if spool.push(&block).await? {
                return Ok(());
            }
            while let Some(older) = spool.next().await? {
                self.pace.moved += older.len() as u64;
                self.pace.wait(self.blocks.send(older)).await?.map_err(gone)?;
            }
        }
        self.pace.moved += block.len() as u64;
        Ok(self.pace.wait(self.blocks.send(block)).await?.map_err(gone)?)
    }

    /// Sends the oldest block on disk.
    async fn catch_up(&mut self, permit: mpsc::Permit<'_, Bytes>) -> Result<()> {
        if let Some(spool) = &mut self.spool
            && let Some(block) = spool.next().await?
        {
            permit.send(block);
        }
        Ok(())
    }
}

/// Creates the channel of blocks to a client.
pub(crate) fn way() -> (mpsc::Sender<Bytes>, mpsc::Receiver<Bytes>) {
    mpsc::channel(BLOCKS_AHEAD)
}

/// Copies `source` to a client at the speed of the source: blocks that the client does not take in time are
/// spooled to disk, to be sent by [`send_rest`]. Only if the disk is full does this wait for the client, with a
/// minimum rate.
///
/// Returns the number of bytes of `source`.
pub(crate) async fn pass(
    source: &mut (impl AsyncRead + Unpin),
    blocks: &mpsc::Sender<Bytes>,
    cache: &PackCache,
) -> Result<(u64, Option<Spool>)> {
    let mut out = Outflow { blocks, cache, spool: None, waited: Duration::ZERO, pace: Pace::default() };
    let mut buffer = BytesMut::new();
    let mut count = 0;
    loop {
        if buffer.capacity() < BLOCK / 4 {
            buffer.reserve(BLOCK);
        }
        tokio::select! {
            read = source.read_buf(&mut buffer) => {
                let read = read?;
                if read == 0 {
                    return Ok((count, out.spool));
                }
                count += read as u64;
                out.take(buffer.split().freeze()).await?;
            }
            permit = blocks.reserve(), if out.is_behind() => out.catch_up(permit.map_err(gone)?).await?,
        }
    }
}

/// Sends the spooled data. The client may be slow, but must not exceed the idle timeout.
pub(crate) async fn send_rest(spool: Option<Spool>, blocks: &mpsc::Sender<Bytes>) -> Result<()> {
    let Some(mut spool) = spool else { return Ok(()) };
    while let Some(block) = spool.next().await? {
        let sent = timeout(STALL_TIMEOUT, blocks.send(block)).await;
        sent.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))?.map_err(gone)?;
    }
    Ok(())
}

impl Snapshot {
    /// Streams bytes that are in memory to a client. `held` is dropped once they are no longer in memory: a
    /// slow client is served from disk.
    pub fn send<H: Send + 'static>(
        &self,
        bytes: Bytes,
        held: H,
    ) -> impl Stream<Item = io::Result<Bytes>> + Send + 'static + use<H> {
        let (sender, blocks) = way();
        let cache = self.shared_cache();
        let sent = tokio::spawn(async move {
            let passed = pass(&mut io::Cursor::new(bytes), &sender, &cache).await;
            drop(held);
            send_rest(passed?.1, &sender).await
        });
        futures::stream::unfold((blocks, Some(sent)), async |(mut blocks, sent)| {
            if let Some(block) = blocks.recv().await {
                return Some((Ok(block), (blocks, sent)));
            }
            // A truncated response must end with an error.
            let error = match sent?.await {
                Ok(sent) => io::Error::other(sent.err()?),
                Err(died) => io::Error::other(died),
            };
            Some((Err(error), (blocks, None)))
        })
    }
}

/// A request body that is read ahead, before any shared resource is taken.
struct Ahead<B> {
    head: Bytes,
    spool: Option<Spool>,
    /// The rest of the body, if it did not fit on disk.
    rest: Option<B>,
    pace: Pace,
}

impl<B: AsyncRead + Unpin> Ahead<B> {
    async fn next(&mut self) -> io::Result<Option<Bytes>> {
        if !self.head.is_empty() {
            return Ok(Some(std::mem::take(&mut self.head)));
        }
        if let Some(spool) = &mut self.spool
            && let Some(block) = spool.next().await.map_err(io::Error::other)?
        {
            return Ok(Some(block));
        }
        let Some(rest) = &mut self.rest else { return Ok(None) };
        let mut block = BytesMut::with_capacity(BLOCK);
        let read = self.pace.wait(rest.read_buf(&mut block)).await??;
        self.pace.moved += read as u64;
        Ok(Some(block.freeze()).filter(|block| !block.is_empty()))
    }
}

/// Reads and discards the rest of `body`, up to 256 MiB; stops at an error.
///
/// For requests that are rejected before they are read: a client that is still sending does not read the response.
pub async fn drain(body: &mut (impl AsyncRead + Unpin)) {
    let _ = tokio::io::copy(&mut body.take(DRAIN), &mut tokio::io::sink()).await;
}

/// Reads `body` to its end before any shared resource is taken: into memory while it is short, then to disk,
/// up to `most` bytes; the rest is discarded except for a first piece. If the disk is full, the rest is read
/// on demand, with a minimum rate for the client.
pub async fn read_ahead<B>(engine: &Engine, body: B, most: u64) -> Result<impl AsyncRead + Send + Unpin + use<B>>
where
    B: AsyncRead + Send + Unpin + 'static,
{
    ahead(engine.packs(), body, most).await
}

/// [`read_ahead`] with the spools of this cache.
pub(crate) async fn ahead<B>(
    cache: &PackCache,
    mut body: B,
    most: u64,
) -> Result<impl AsyncRead + Send + Unpin + use<B>>
where
    B: AsyncRead + Send + Unpin + 'static,
{
    let mut head = BytesMut::new();
    let mut ended = false;
    while !ended && head.len() < SHORT {
        ended = body.read_buf(&mut head).await? == 0;
    }
    let mut ahead = Ahead { head: head.freeze(), spool: None, rest: None, pace: Pace::default() };
    if !ended {
        let mut spool = cache.spool().await?;
        let mut block = BytesMut::new();
        let is_over = |spool: &Spool| ahead.head.len() as u64 + spool.written > most;
        let fits = loop {
            block.reserve(BLOCK);
            ended = body.read_buf(&mut block).await? == 0;
            if (ended && !block.is_empty()) || block.len() >= WRITE_BATCH {
                let full = block.split().freeze();
                if !spool.push(&full).await? {
                    block = BytesMut::from(&full[..]);
                    break false;
                }
            }
            if ended || is_over(&spool) {
                break true;
            }
        };
        if !fits {
            ahead.rest = Some(io::Cursor::new(block.freeze()).chain(body));
        } else if !ended {
            drain(&mut body).await;
        }
        ahead.spool = Some(spool);
    }
    let blocks = futures::stream::try_unfold(ahead, async |mut ahead| {
        let next = ahead.next().await?;
        Ok::<_, io::Error>(next.map(|block| (block, ahead)))
    });
    Ok(StreamReader::new(Box::pin(blocks)))
}

#[cfg(test)]
mod tests;
