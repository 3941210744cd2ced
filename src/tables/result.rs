//! Results of tables: sent to the client while the engine computes them, and kept in the cache if they are small.

use std::time::{Duration, Instant};

use bytes::Bytes;
use futures::{Stream, StreamExt as _, stream};
use metastore::ObjectId;
use tables_wire::Done;
use tokio::sync::mpsc;

use super::cache::CacheWriter;
use super::part::{Ended, Part};
use crate::error::{Error, Result};

/// Maximum number of parts of a result that wait for the client.
const QUEUED_PARTS: usize = 2;

/// Minimum rate, in bytes per second, at which a client must read, after a grace period.
const MIN_RATE: u64 = 64 << 10;
const GRACE: Duration = Duration::from_secs(60);

/// The result of a request, whose first part has been computed.
pub struct TableResult {
    /// The revision that was read.
    pub commit: ObjectId,
    first: Option<Part>,
    rest: mpsc::Receiver<Result<Part>>,
}

impl TableResult {
    /// Waits for the first part of a result.
    ///
    /// # Errors
    /// That of the engine, if there is no result.
    pub(super) async fn new(commit: ObjectId, mut rest: mpsc::Receiver<Result<Part>>) -> Result<Self> {
        let first = rest.recv().await.transpose()?;
        Ok(Self { commit, first, rest })
    }

    /// Returns the result as a whole, which must be small: rows as JSON, statistics, a schema.
    ///
    /// # Errors
    /// That of the engine.
    pub async fn gather(mut self) -> Result<(Vec<u8>, Done)> {
        let mut all = Vec::new();
        let mut next = self.first.take();
        loop {
            match next {
                Some(Part::Chunk(chunk)) => all.extend_from_slice(&chunk),
                Some(Part::Done(done)) => return Ok((all, done)),
                None => return Err(Error::internal("a result without end")),
            }
            next = self.rest.recv().await.transpose()?;
        }
    }

    /// Streams the result.
    pub fn stream(self) -> impl Stream<Item = Result<Bytes>> + Send + 'static {
        let Self { first, rest, .. } = self;
        let rest = stream::unfold(rest, async |mut rest| Some((rest.recv().await?, rest)));
        stream::iter(first.map(Ok)).chain(rest).filter_map(async |part| match part {
            Ok(Part::Chunk(chunk)) => Some(Ok(chunk)),
            Ok(Part::Done(_)) => None,
            Err(error) => Some(Err(error)),
        })
    }
}

/// Where the engine's results go.
pub(super) struct Sink {
    sender: mpsc::Sender<Result<Part>>,
    cache: Option<CacheWriter>,
    sent: u64,
    waited: Duration,
}

impl Sink {
    pub(super) fn new(cache: Option<CacheWriter>) -> (Self, mpsc::Receiver<Result<Part>>) {
        let (sender, receiver) = mpsc::channel(QUEUED_PARTS);
        (Self { sender, cache, sent: 0, waited: Duration::ZERO }, receiver)
    }

    /// Sends a part of the result, when the client has read the ones before.
    ///
    /// # Errors
    /// Gone if the client is gone, or reads too slowly.
    pub(super) async fn send(&mut self, chunk: Bytes) -> Result<(), Ended> {
        if let Some(writer) = &mut self.cache
            && writer.add(&chunk).await.is_err()
        {
            self.cache = None;
        }
        self.sent += chunk.len() as u64;
        let allowance = GRACE + Duration::from_secs(self.sent / MIN_RATE);
        let begin = Instant::now();
        let sent =
            tokio::time::timeout(allowance.saturating_sub(self.waited), self.sender.send(Ok(Part::Chunk(chunk)))).await;
        self.waited += begin.elapsed();
        sent.map_err(|_| Ended::Gone)?.map_err(|_| Ended::Gone)
    }

    /// Waits until the client is gone.
    pub(super) async fn closed(&self) {
        self.sender.closed().await;
    }

    /// Ends the result.
    pub(super) async fn end(mut self, done: Result<Done>) {
        if let (Some(writer), Ok(done)) = (self.cache.take(), &done)
            && !done.is_volatile
        {
            writer.finish(done).await;
        }
        // The allowance of the last part is enough: a client that does not read is noticed by the connection.
        let _ = tokio::time::timeout(GRACE, self.sender.send(done.map(Part::Done))).await;
    }
}
