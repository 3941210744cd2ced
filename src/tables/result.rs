//! Results of tables: sent to the client while the engine computes them, and kept in the cache if they are small.

use std::time::{Duration, Instant};

use bytes::Bytes;
use futures::{Stream, StreamExt as _, stream};
use metastore::ObjectId;
use tables_wire::{Done, Progress};
use tokio::sync::{mpsc, watch};

use super::cache::CacheWriter;
use super::part::{Ended, Part};
use crate::error::{Error, Result};

/// Maximum size of a result that is returned as a whole, in bytes. A page of JSON has at most 8 MiB, statistics of very many
/// columns have more.
const MAX_WHOLE: usize = 64 << 20;

/// Maximum number of parts of a result that wait for the client.
const QUEUED_PARTS: usize = 2;

/// Minimum rate, in bytes per second, at which a client must read, after a grace period.
const MIN_RATE: u64 = 64 << 10;
const GRACE: Duration = Duration::from_secs(60);

/// A table that a result was computed from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableSource {
    /// `owner/name` of the dataset.
    pub dataset: String,
    /// The revision as it was asked for: a branch, a tag or a commit id.
    pub revision: String,
    /// The commit id of the revision.
    pub commit: ObjectId,
    /// The name of the table.
    pub table: String,
}

/// The result of a request, whose first part has been computed.
pub struct TableResult {
    /// The tables that it was computed from.
    pub sources: Vec<TableSource>,
    /// The parts that were waited for.
    begun: Vec<Part>,
    rest: mpsc::Receiver<Result<Part>>,
    /// Maximum number of rows, if it is an error that there are more.
    max_rows: Option<u64>,
}

impl TableResult {
    /// Waits for the first part of a result.
    ///
    /// # Errors
    /// That of the engine, if there is no result.
    pub(super) async fn new(sources: Vec<TableSource>, mut rest: mpsc::Receiver<Result<Part>>) -> Result<Self> {
        let begun = rest.recv().await.transpose()?.into_iter().collect();
        Ok(Self { sources, begun, rest, max_rows: None })
    }

    /// Requires that the result, which was limited to this number of rows, has no more of them.
    ///
    /// # Errors
    /// Invalid if it has, and is short; while it is streamed, if it is long.
    pub(super) async fn complete(mut self, max_rows: u64) -> Result<Self> {
        self.max_rows = Some(max_rows);
        if !matches!(self.begun.last(), None | Some(Part::Done(_))) {
            self.begun.extend(self.rest.recv().await.transpose()?);
        }
        match self.begun.last() {
            Some(Part::Done(done)) if done.more => Err(too_many_rows(max_rows)),
            _ => Ok(self),
        }
    }

    /// Returns the result as a whole, which must be small: rows as JSON, statistics, a schema.
    ///
    /// # Errors
    /// That of the engine.
    pub async fn gather(mut self) -> Result<(Vec<u8>, Done)> {
        let mut all = Vec::new();
        let mut begun = std::mem::take(&mut self.begun).into_iter();
        loop {
            let next = match begun.next() {
                None => self.rest.recv().await.transpose()?,
                part => part,
            };
            match next {
                Some(Part::Chunk(chunk)) if all.len() + chunk.len() > MAX_WHOLE => {
                    return Err(Error::internal(format!("a result has more than {MAX_WHOLE} bytes")));
                }
                Some(Part::Chunk(chunk)) => all.extend_from_slice(&chunk),
                Some(Part::Done(done)) => return Ok((all, done)),
                None => return Err(Error::internal("a result without end")),
            }
        }
    }

    /// Streams the result.
    pub fn stream(self) -> impl Stream<Item = Result<Bytes>> + Send + 'static {
        let Self { begun, rest, max_rows, .. } = self;
        let rest = stream::unfold(rest, async |mut rest| Some((rest.recv().await?, rest)));
        stream::iter(begun.into_iter().map(Ok)).chain(rest).filter_map(move |part| {
            std::future::ready(match part {
                Ok(Part::Chunk(chunk)) => Some(Ok(chunk)),
                Ok(Part::Done(done)) => max_rows.filter(|_| done.more).map(|max| Err(too_many_rows(max))),
                Err(error) => Some(Err(error)),
            })
        })
    }
}

fn too_many_rows(max: u64) -> Error {
    Error::invalid(format!(
        "the result has more than {max} rows, which is the maximum here (`tables.rows`); select fewer rows, or set a limit"
    ))
}

/// Returns the error for a request of more rows than one response may have.
pub(crate) fn limit_above(max: u64) -> Error {
    Error::invalid(format!("`limit` must be at most {max}, the maximum number of rows here (`tables.rows`)"))
}

/// Where the engine's results go.
pub(super) struct Sink {
    sender: mpsc::Sender<Result<Part>>,
    progress: watch::Sender<f64>,
    cache: Option<CacheWriter>,
    sent: u64,
    waited: Duration,
}

/// What comes from a [`Sink`].
pub(super) struct Receiver {
    /// The parts of the result. Dropping it ends the engine.
    pub(super) parts: mpsc::Receiver<Result<Part>>,
    /// The fraction of the work that is done, from 0 to 1.
    pub(super) progress: watch::Receiver<f64>,
}

impl Sink {
    pub(super) fn new(cache: Option<CacheWriter>) -> (Self, Receiver) {
        let (sender, parts) = mpsc::channel(QUEUED_PARTS);
        let (watched, progress) = watch::channel(0.0);
        (Self { sender, progress: watched, cache, sent: 0, waited: Duration::ZERO }, Receiver { parts, progress })
    }

    /// Takes how far the request is.
    pub(super) fn progress(&self, Progress { fraction }: Progress) {
        self.progress.send_replace(fraction.clamp(0.0, 1.0));
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
