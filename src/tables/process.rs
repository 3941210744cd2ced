//! A table engine: a process that reads tables, confined and without access to anything but the bytes it is sent.

use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures::stream::{self, BoxStream, FuturesUnordered};
use futures::{Stream, StreamExt as _};
use metastore::TempDir;
use tables_wire::{
    BLOCK, Done, Failure, FailureKind, Frame, Hello, Kind, PROTOCOL, Read, Work, read_frame, write_frame,
};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader, BufWriter};
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command};
use tokio::sync::mpsc;
use tracing::Instrument as _;

use super::part::Ended;
use super::result::Sink;
use super::source::Source;
use crate::config::TablesConfig;
use crate::error::{Error, Result};

/// How long an engine may take to start.
const START_TIMEOUT: Duration = Duration::from_secs(20);

/// Maximum number of unanswered reads of an engine, which itself keeps to half of it, and the length of each.
const MAX_READS: usize = 16;
const MAX_READ_BYTES: u64 = 16 << 20;

/// Maximum number of frames that wait to be written to an engine.
const QUEUED_FRAMES: usize = 4;

/// Maximum size of the standard error of one engine that is logged, in bytes.
const MAX_LOG_BYTES: usize = 64 << 10;
const MAX_LINE: u64 = 4 << 10;

/// What a request used.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Usage {
    /// Time, without that for which the client was waited for.
    pub(super) time: Duration,
    /// Bytes read from files.
    pub(super) bytes: u64,
}

/// A running engine. Ended when dropped.
pub(super) struct Process {
    child: Option<Child>,
    frames: BoxStream<'static, std::io::Result<Frame>>,
    input: mpsc::Sender<Frame>,
    scratch: Option<TempDir>,
}

impl Process {
    /// Starts an engine, and waits until it is confined.
    ///
    /// # Errors
    /// Unavailable if the program is missing or does not start; the message says what to do.
    pub(super) async fn start(program: &Path, scratch: TempDir, config: &TablesConfig) -> Result<Self> {
        let mut command = Command::new(program);
        command
            .arg("serve")
            .args(["--memory-bytes", &config.memory_bytes.to_string()])
            .args(["--scratch-bytes", &config.scratch_bytes.to_string()])
            .args(["--threads", &config.threads.to_string()])
            .env_clear()
            .current_dir(scratch.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        let failed = |error: std::io::Error| not_started(program).because(error);
        let mut child = command.spawn().map_err(failed)?;
        let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let (Some(stdin), Some(stdout), Some(stderr)) = (stdin, stdout, stderr) else {
            return Err(Error::internal("a child process without pipes"));
        };
        let id = child.id().unwrap_or_default();
        tokio::spawn(log(stderr).instrument(tracing::info_span!("table engine", id)));
        let (input, queued) = mpsc::channel(QUEUED_FRAMES);
        tokio::spawn(write(stdin, queued));
        let mut process = Self { child: Some(child), frames: frames(stdout).boxed(), input, scratch: Some(scratch) };
        let hello = tokio::time::timeout(START_TIMEOUT, process.frames.next()).await;
        let hello = hello.map_err(|_| not_started(program).because("it did not answer"))?;
        let hello = hello.unwrap_or_else(|| Err(std::io::Error::other("it ended; its messages are in the log")));
        let hello: Hello = hello.and_then(|frame| frame.parse()).map_err(failed)?;
        if hello.protocol != PROTOCOL {
            let detail =
                format!("{} is of another version; install the one that came with this server", program.display());
            return Err(Error::unavailable("the table engine is of another version; ask the operator").because(detail));
        }
        for weakness in hello.weaknesses {
            tracing::warn!(%weakness, "the table engine is less confined than it should be");
        }
        Ok(process)
    }

    /// Runs a request, and sends the result to `sink`. `indexes` are what earlier requests found out about the files.
    ///
    /// An engine that did not end with [`Ended::Failed`] is in an unknown state.
    pub(super) async fn run(
        &mut self,
        work: &Work,
        indexes: Vec<(u32, Bytes)>,
        source: &Source,
        sink: &mut Sink,
        timeout: Duration,
        usage: &mut Usage,
    ) -> Result<Done, Ended> {
        let begin = Instant::now();
        let mut waited = Duration::ZERO;
        let done = self.serve(work, indexes, source, sink, (timeout, &mut waited), &mut usage.bytes).await;
        usage.time = begin.elapsed().saturating_sub(waited);
        done
    }

    async fn serve(
        &mut self,
        work: &Work,
        indexes: Vec<(u32, Bytes)>,
        source: &Source,
        sink: &mut Sink,
        (timeout, waited): (Duration, &mut Duration),
        bytes: &mut u64,
    ) -> Result<Done, Ended> {
        let message = Frame::message(Kind::Work, 0, work).map_err(|error| Ended::Failed(Error::internal(error)))?;
        let indexes = indexes.into_iter().map(|(file, index)| Frame::data(Kind::Index, file, index));
        for frame in indexes.chain([message]) {
            self.input.send(frame).await.map_err(|_| Ended::Crashed("it ended".to_owned()))?;
        }
        let mut reads = FuturesUnordered::new();
        let mut read_error = None;
        let begin = Instant::now();
        loop {
            let left = (timeout + *waited).saturating_sub(begin.elapsed());
            tokio::select! {
                frame = self.frames.next() => {
                    let frame = frame.ok_or_else(|| Ended::Crashed("it ended".to_owned()))?;
                    let frame = frame.map_err(|error| Ended::Crashed(error.to_string()))?;
                    let parse = |error: std::io::Error| Ended::Crashed(format!("an unreadable message: {error}"));
                    match frame.kind {
                        Kind::Read => {
                            let read: Read = frame.parse().map_err(parse)?;
                            if reads.len() >= MAX_READS || read.length > MAX_READ_BYTES || !source.has(&read) {
                                return Err(Ended::Crashed("a read out of bounds".to_owned()));
                            }
                            *bytes += read.length;
                            reads.push(answer(source, read, frame.number, self.input.clone()));
                        }
                        Kind::Chunk => {
                            let begin = Instant::now();
                            sink.send(frame.payload).await?;
                            *waited += begin.elapsed();
                        }
                        Kind::Index => source.remember(frame.number, frame.payload),
                        Kind::Progress => sink.progress(frame.parse().map_err(parse)?),
                        Kind::Done => return frame.parse().map_err(parse),
                        Kind::Failed => {
                            let failure: Failure = frame.parse().map_err(parse)?;
                            return Err(failed(failure, read_error));
                        }
                        Kind::Work | Kind::Bytes | Kind::ReadFailed | Kind::Hello => {
                            return Err(Ended::Crashed("an unexpected message".to_owned()));
                        }
                    }
                }
                Some(error) = reads.next(), if !reads.is_empty() => {
                    read_error = read_error.or(error);
                }
                () = sink.closed() => return Err(Ended::Gone),
                () = tokio::time::sleep(left) => return Err(Ended::TimedOut),
            }
        }
    }

    /// Returns true if the process has not ended.
    pub(super) fn is_running(&mut self) -> bool {
        self.child.as_mut().is_some_and(|child| matches!(child.try_wait(), Ok(None)))
    }

    /// Returns how the process ended, if it has.
    pub(super) async fn exit(&mut self) -> Option<String> {
        let child = self.child.as_mut()?;
        let status = tokio::time::timeout(Duration::from_secs(1), child.wait()).await.ok()?.ok()?;
        Some(status.to_string())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let (child, scratch) = (self.child.take(), self.scratch.take());
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        runtime.spawn(async move {
            if let Some(mut child) = child {
                // An error means that it has ended.
                let _ = child.kill().await;
            }
            // Only now are no more files created in it.
            drop(scratch);
        });
    }
}

fn not_started(program: &Path) -> Error {
    tracing::error!(program = %program.display(), "the table engine does not start");
    Error::unavailable("the table engine does not start; ask the operator to look into the server's log")
}

/// Returns the error for the client.
fn failed(Failure { kind, message }: Failure, read_error: Option<Error>) -> Ended {
    Ended::Failed(match (kind, read_error) {
        (FailureKind::Read, Some(error)) => error,
        (FailureKind::Invalid | FailureKind::Limit, _) => Error::invalid(message),
        (FailureKind::Read | FailureKind::Internal, _) => Error::internal(message),
    })
}

/// Sends the bytes of a read to the engine. Returns the error if they cannot be read.
async fn answer(source: &Source, read: Read, number: u32, input: mpsc::Sender<Frame>) -> Option<Error> {
    let error = send(source, read, number, &input).await.err()?;
    // If the engine has ended, its end is noticed elsewhere.
    let _ = input.send(Frame::data(Kind::ReadFailed, number, Bytes::new())).await;
    Some(error)
}

async fn send(source: &Source, read: Read, number: u32, input: &mpsc::Sender<Frame>) -> Result<()> {
    let mut blocks = source.read(&read).await?;
    let mut left = read.length;
    while let Some(block) = blocks.next().await {
        let mut block = block?;
        while !block.is_empty() {
            let piece = block.split_to(block.len().min(BLOCK));
            left = left.checked_sub(piece.len() as u64).ok_or_else(|| Error::internal("a read returned too much"))?;
            if input.send(Frame::data(Kind::Bytes, number, piece)).await.is_err() {
                return Ok(());
            }
        }
    }
    if left > 0 {
        return Err(Error::internal("an object is shorter than its size"));
    }
    Ok(())
}

/// Returns the frames of an engine. Dropping the future of an item loses nothing.
fn frames(stdout: ChildStdout) -> impl Stream<Item = std::io::Result<Frame>> + Send {
    stream::unfold(BufReader::new(stdout), async |mut stdout| {
        let frame = read_frame(&mut stdout).await.transpose()?;
        Some((frame, stdout))
    })
}

/// Writes frames to an engine until it ends or is no longer used.
async fn write(stdin: ChildStdin, mut queued: mpsc::Receiver<Frame>) {
    let mut stdin = BufWriter::with_capacity(64 << 10, stdin);
    while let Some(frame) = queued.recv().await {
        let mut written = write_frame(&mut stdin, &frame).await;
        if written.is_ok() && queued.is_empty() {
            written = stdin.flush().await;
        }
        if written.is_err() {
            return;
        }
    }
}

/// Logs what an engine writes to its standard error, up to a limit. The pipe is read to its end, because the engine would
/// otherwise wait for it.
async fn log(stderr: ChildStderr) {
    let (mut stderr, mut line, mut logged) = (BufReader::new(stderr), Vec::new(), 0);
    while let Ok(1..) = (&mut stderr).take(MAX_LINE).read_until(b'\n', &mut line).await {
        if logged < MAX_LOG_BYTES {
            tracing::warn!(message = %String::from_utf8_lossy(&line).trim_end());
            logged += line.len();
        }
        line.clear();
    }
}
