//! The connection with the server: frames over standard input and output.
//!
//! [`Frames`] are moved by a task that runs in a thread of its own, so that neither the end of the input nor an answer has
//! to wait for busy workers. A read that was dropped keeps its place among the concurrent ones until it is answered.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::{Bytes, BytesMut};
use futures::future::try_join_all;
use serde::Serialize;
use tables_wire::{BLOCK, Done, Failure, Frame, Hello, Kind, Progress, Read, Work, read_frame, write_frame};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};

use crate::error::{Error, Result};

/// Maximum number of unanswered reads.
const CONCURRENT_READS: usize = 8;

/// Maximum length of a read, in bytes. Longer ones are split.
const MAX_READ: u64 = 8 << 20;

/// Ranges of a file with fewer bytes than this between them are read at once. Others are read at the same time, so a longer gap
/// would only cost bytes.
const MAX_GAP: u64 = 128 << 10;

/// Number of frames that wait to be written.
const WAITING_FRAMES: usize = 16;

/// Where frames go, and reads come from.
#[derive(Clone)]
pub(crate) struct Connection {
    shared: Arc<Shared>,
    /// The number of the file that is called 0 here.
    first: u32,
    /// Number of bytes that were read with it.
    bytes_read: Arc<AtomicU64>,
}

struct Shared {
    frames: mpsc::Sender<Frame>,
    state: Mutex<State>,
    turns: Arc<Semaphore>,
}

#[derive(Default)]
struct State {
    /// True while there is work: only then the server expects reads.
    is_open: bool,
    unanswered: HashMap<u32, Unanswered>,
    last_number: u32,
}

/// A read that the server has not answered completely.
struct Unanswered {
    bytes: BytesMut,
    length: usize,
    answer: oneshot::Sender<Result<Bytes>>,
    _turn: OwnedSemaphorePermit,
}

/// A request, with what the engine learned of its files at earlier ones.
pub(crate) struct Request {
    pub(crate) work: Work,
    pub(crate) indexes: HashMap<u32, Bytes>,
}

/// The frames between the server and a [`Connection`].
pub(crate) struct Frames {
    connection: Connection,
    requests: mpsc::Sender<Request>,
    waiting: mpsc::Receiver<Frame>,
}

/// Creates a connection, its frames, and the requests that arrive.
pub(crate) fn connect() -> (Connection, Frames, mpsc::Receiver<Request>) {
    let (sender, frames) = mpsc::channel(WAITING_FRAMES);
    let (requests, receiver) = mpsc::channel(1);
    let turns = Arc::new(Semaphore::new(CONCURRENT_READS));
    let shared = Arc::new(Shared { frames: sender, state: Mutex::default(), turns });
    let connection = Connection { shared, first: 0, bytes_read: Arc::default() };
    (connection.clone(), Frames { connection, requests, waiting: frames }, receiver)
}

impl Frames {
    /// Moves frames until the server closes the input.
    ///
    /// # Errors
    /// Those of the streams; invalid data if the server breaks the protocol.
    pub(crate) async fn run(
        self,
        mut input: impl AsyncRead + Unpin,
        mut output: impl AsyncWrite + Unpin,
    ) -> std::io::Result<()> {
        let Self { connection, requests, waiting: mut frames } = self;
        let reading = async {
            let mut indexes = HashMap::new();
            while let Some(frame) = read_frame(&mut input).await? {
                match frame.kind {
                    Kind::Bytes => connection.answer(frame.number, frame.payload),
                    Kind::ReadFailed => connection.fail(frame.number),
                    Kind::Index => {
                        indexes.insert(frame.number, frame.payload);
                    }
                    Kind::Work => {
                        let request = Request { work: frame.parse()?, indexes: std::mem::take(&mut indexes) };
                        if requests.send(request).await.is_err() {
                            break;
                        }
                    }
                    Kind::Hello | Kind::Read | Kind::Chunk | Kind::Done | Kind::Failed | Kind::Progress => {
                        return Err(std::io::Error::new(std::io::ErrorKind::InvalidData, "unexpected kind of frame"));
                    }
                }
            }
            Ok(())
        };
        let writing = async {
            while let Some(frame) = frames.recv().await {
                write_frame(&mut output, &frame).await?;
                if frames.is_empty() {
                    output.flush().await?;
                }
            }
            Ok(())
        };
        tokio::select! {
            ended = reading => ended,
            ended = writing => ended,
        }
    }
}

impl Connection {
    /// Begins a request. Answers to reads of earlier ones are ignored.
    pub(crate) fn begin(&self) {
        let mut state = self.state();
        state.is_open = true;
        state.unanswered.clear();
    }

    /// Returns the connection for a table whose files are numbered from `first` on, for which they begin at 0.
    #[must_use]
    pub(crate) fn for_files(&self, first: u32) -> Self {
        Self { shared: Arc::clone(&self.shared), first, bytes_read: Arc::default() }
    }

    /// Returns how many bytes were read of the files of this table.
    pub(crate) fn bytes_read(&self) -> u64 {
        self.bytes_read.load(Ordering::Relaxed)
    }

    /// Reads a range of a file.
    ///
    /// # Errors
    /// [`Error::read`] if the server cannot read it.
    pub(crate) async fn read(&self, file: u32, range: Range<u64>) -> Result<Bytes> {
        if range.end.saturating_sub(range.start) <= MAX_READ {
            return self.read_once(file, range).await;
        }
        let mut parts = Vec::new();
        let mut start = range.start;
        while start < range.end {
            let end = range.end.min(start + MAX_READ);
            parts.push(self.read_once(file, start..end));
            start = end;
        }
        let parts = try_join_all(parts).await?;
        let mut bytes = BytesMut::with_capacity(parts.iter().map(Bytes::len).sum());
        for part in parts {
            bytes.extend_from_slice(&part);
        }
        Ok(bytes.freeze())
    }

    /// Reads several ranges of a file, those that are close to each other at once.
    pub(crate) async fn read_ranges(&self, file: u32, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        let mut merged: Vec<Range<u64>> = Vec::new();
        let mut sorted = ranges.to_vec();
        sorted.sort_unstable_by_key(|range| (range.start, range.end));
        for range in sorted.into_iter().filter(|range| range.start < range.end) {
            match merged.last_mut() {
                Some(last) if range.start < last.end.saturating_add(MAX_GAP) => last.end = last.end.max(range.end),
                _ => merged.push(range),
            }
        }
        let blocks = try_join_all(merged.iter().map(|range| self.read(file, range.clone()))).await?;
        let slice = |range: &Range<u64>| {
            if range.start >= range.end {
                return Ok(Bytes::new());
            }
            let place = merged.partition_point(|block| block.start <= range.start) - 1;
            let at = |offset: u64| usize::try_from(offset - merged[place].start).map_err(Error::internal);
            Ok(blocks[place].slice(at(range.start)?..at(range.end)?))
        };
        ranges.iter().map(slice).collect()
    }

    async fn read_once(&self, file: u32, range: Range<u64>) -> Result<Bytes> {
        if range.start >= range.end {
            return Ok(Bytes::new());
        }
        let length = range.end - range.start;
        let turn = Arc::clone(&self.shared.turns).acquire_owned().await.map_err(Error::internal)?;
        let place = self.shared.frames.reserve().await.map_err(|_| closed())?;
        let (answer, answered) = oneshot::channel();
        {
            let mut state = self.state();
            if !state.is_open {
                return Err(closed());
            }
            state.last_number = state.last_number.wrapping_add(1);
            let number = state.last_number;
            let read = Read { file: self.first + file, offset: range.start, length };
            let frame = Frame::message(Kind::Read, number, &read).map_err(Error::internal)?;
            let length = usize::try_from(length).map_err(Error::internal)?;
            state.unanswered.insert(number, Unanswered { bytes: BytesMut::new(), length, answer, _turn: turn });
            // Within the lock, so that no read follows the end of the request.
            place.send(frame);
        }
        let bytes = answered.await.map_err(|_| closed())??;
        self.bytes_read.fetch_add(length, Ordering::Relaxed);
        Ok(bytes)
    }

    fn answer(&self, number: u32, payload: Bytes) {
        let mut state = self.state();
        let Some(read) = state.unanswered.get_mut(&number) else { return };
        let mut whole = payload;
        // Most reads are answered by a single frame, whose bytes need no copy.
        if !read.bytes.is_empty() || whole.len() < read.length {
            let missing = read.length.saturating_sub(read.bytes.len());
            read.bytes.reserve(missing.max(whole.len()));
            read.bytes.extend_from_slice(&whole);
            if read.bytes.len() < read.length && !whole.is_empty() {
                return;
            }
            whole = std::mem::take(&mut read.bytes).freeze();
        }
        if let Some(read) = state.unanswered.remove(&number) {
            let is_whole = whole.len() == read.length;
            let _ = read.answer.send(if is_whole { Ok(whole) } else { Err(Error::read()) });
        }
    }

    fn fail(&self, number: u32) {
        if let Some(read) = self.state().unanswered.remove(&number) {
            let _ = read.answer.send(Err(Error::read()));
        }
    }

    /// Sends the first message.
    pub(crate) async fn hello(&self, hello: &Hello) -> Result<()> {
        self.message(Kind::Hello, hello).await
    }

    /// Sends a part of the result.
    pub(crate) async fn chunk(&self, mut bytes: Bytes) -> Result<()> {
        while !bytes.is_empty() {
            let part = bytes.split_to(bytes.len().min(BLOCK));
            self.frame(Frame::data(Kind::Chunk, 0, part)).await?;
        }
        Ok(())
    }

    /// Sends what the engine wants to know of a file at the next request.
    pub(crate) async fn index(&self, file: u32, payload: Bytes) -> Result<()> {
        self.frame(Frame::data(Kind::Index, self.first + file, payload)).await
    }

    /// Tells how far the request is: the fraction of its work, from 0 to 1.
    pub(crate) async fn progress(&self, fraction: f64) -> Result<()> {
        self.message(Kind::Progress, &Progress { fraction }).await
    }

    /// Ends the request.
    pub(crate) async fn done(&self, done: &Done) -> Result<()> {
        self.end();
        self.message(Kind::Done, done).await
    }

    /// Ends the request with an error.
    pub(crate) async fn failed(&self, failure: &Failure) -> Result<()> {
        self.end();
        self.message(Kind::Failed, failure).await
    }

    /// Ends the reads of this request.
    pub(crate) fn end(&self) {
        self.state().is_open = false;
    }

    async fn message(&self, kind: Kind, message: &impl Serialize) -> Result<()> {
        self.frame(Frame::message(kind, 0, message).map_err(Error::internal)?).await
    }

    async fn frame(&self, frame: Frame) -> Result<()> {
        self.shared.frames.send(frame).await.map_err(|_| closed())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.shared.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn closed() -> Error {
    Error::internal("the connection was closed")
}

#[cfg(test)]
pub(crate) mod tests;
