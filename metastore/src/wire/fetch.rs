//! Serving a fetch: `git upload-pack --stateless-rpc` on the folder of a snapshot.

use std::{io, sync::Arc, time::Duration};

use bytes::{Bytes, BytesMut};
use futures::Stream;
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWriteExt},
    process::{Child, ChildStdout},
    sync::mpsc,
};

use super::{
    Protocol,
    advertise::ListRefs,
    pktline::{Packet, PacketReader, WritePackets},
};
use crate::{Error, Result, Snapshot, git::Tail};

/// How much is moved at once between a child and the network, in bytes: as much as a pipe holds.
const BLOCK: usize = 64 * 1024;

/// How many blocks wait for a client that reads slowly.
const BLOCKS_AHEAD: usize = 4;

/// A client that takes nothing for this long gives its place to the next one.
const STALLED: Duration = Duration::from_mins(2);

/// The longest first packet of a protocol v2 request, which only names the command.
const COMMAND_LIMIT: usize = 1024;

/// Answers `POST …/git-upload-pack`; `body` is the request, already inflated where it was compressed.
///
/// The listing of refs comes from the state; for everything else a child runs, of which only so many
/// run at once. Resolves with the first bytes of the answer, so that an error is still an error and
/// not a broken answer. Dropping the stream kills the child and everything that it started.
pub async fn upload_pack<B>(
    snapshot: &Arc<Snapshot>,
    protocol: Protocol,
    mut body: B,
) -> Result<impl Stream<Item = io::Result<Bytes>> + Send + use<B>>
where
    B: AsyncRead + Send + Unpin + 'static,
{
    let mut opening = BytesMut::new();
    let listing = if protocol == Protocol::V2 {
        let command = PacketReader::new(&mut body, COMMAND_LIMIT).require().await?;
        match &command {
            Packet::Data(line) if command.line() != Some(b"command=ls-refs") => opening.packet(line),
            Packet::Data(_) => {}
            Packet::Flush => opening.flush(),
            Packet::Delimiter | Packet::ResponseEnd => {
                return Err(Error::Invalid("malformed request: no command".to_owned()));
            }
        }
        opening.is_empty()
    } else {
        false
    };
    let (sender, mut blocks) = mpsc::channel(BLOCKS_AHEAD);
    let first = if listing {
        let list = ListRefs::read(&mut body).await?;
        Some(Ok(list.answer(snapshot.state())))
    } else {
        let place = snapshot.git().packing().await?;
        let service = Session::start(snapshot, protocol)?;
        let lease = Arc::clone(snapshot);
        tokio::spawn(async move {
            service.run(opening.freeze(), body, sender).await;
            drop((place, lease));
        });
        match blocks.recv().await {
            Some(Err(failure)) => return Err(failure),
            first => first,
        }
    };
    let mut first = first;
    Ok(futures::stream::poll_fn(move |context| {
        let next = match first.take() {
            Some(block) => std::task::Poll::Ready(Some(block)),
            None => blocks.poll_recv(context),
        };
        next.map(|block| block.map(|block| block.map_err(io::Error::other)))
    }))
}

type Blocks = mpsc::Sender<Result<Bytes>>;

/// One running `git upload-pack`.
struct Session {
    family: Family,
    stderr: Tail,
}

impl Session {
    fn start(snapshot: &Snapshot, protocol: Protocol) -> Result<Self> {
        let mut child = snapshot
            .git()
            .command(snapshot.git_dir())
            .args(["upload-pack", "--strict", "--stateless-rpc", "."])
            .env("GIT_PROTOCOL", protocol.environment())
            // A group of its own: it starts `git pack-objects`, which must not outlive it.
            .process_group(0)
            .spawn()?;
        let stderr = Tail::follow(child.stderr.take());
        Ok(Self { family: Family(child), stderr })
    }

    /// Feeds the request, passes the answer on, and says at the end how it went. The family is killed
    /// on every early way out.
    async fn run(mut self, opening: Bytes, body: impl AsyncRead + Unpin, blocks: Blocks) {
        let stdin = self.family.0.stdin.take();
        let stdout = self.family.0.stdout.take();
        let exchange = async {
            let request = feed(opening, body, stdin);
            let answer = serve(stdout, &blocks);
            tokio::pin!(request, answer);
            // The child may answer before it has read everything, and end without doing so.
            tokio::select! {
                read = &mut request => { read?; answer.await }
                answered = &mut answer => answered,
            }
        };
        let outcome = tokio::select! {
            outcome = exchange => outcome,
            () = blocks.closed() => return,
        };
        let failure = match outcome {
            Err(Stop::ClientLeft) => return,
            Err(Stop::Failed(error)) => Some(error),
            Ok(sent) => match self.family.0.wait().await {
                Ok(status) if status.success() => None,
                Ok(status) => {
                    let stderr = self.stderr.text().await;
                    tracing::warn!(%status, %stderr, sent, "git upload-pack failed");
                    // Once something was sent, its own error packet is the better message.
                    (sent == 0).then(|| blame(stderr))
                }
                Err(error) => Some(error.into()),
            },
        };
        if let Some(error) = failure {
            let _ = blocks.send(Err(error)).await;
        }
    }
}

/// Without a byte of answer, the child did not understand the request, or could not read the folder.
fn blame(stderr: String) -> Error {
    let misunderstood = ["protocol error", "unknown", "unexpected", "expected", "invalid", "bad line length"];
    if misunderstood.iter().any(|word| stderr.contains(word)) {
        Error::Invalid(format!("malformed request: {stderr}"))
    } else {
        Error::Git(stderr)
    }
}

enum Stop {
    ClientLeft,
    Failed(Error),
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        Self::Failed(error.into())
    }
}

async fn feed(
    opening: Bytes,
    mut body: impl AsyncRead + Unpin,
    stdin: Option<tokio::process::ChildStdin>,
) -> Result<(), Stop> {
    let Some(mut stdin) = stdin else {
        return Ok(());
    };
    let mut block = BytesMut::from(opening);
    loop {
        if stdin.write_all(&block).await.is_err() {
            // The child has ended without reading on; its exit status decides.
            return Ok(());
        }
        block.clear();
        block.reserve(BLOCK);
        if body.read_buf(&mut block).await? == 0 {
            return Ok(());
        }
    }
}

/// Returns how many bytes were passed on.
async fn serve(stdout: Option<ChildStdout>, blocks: &Blocks) -> Result<u64, Stop> {
    let Some(mut stdout) = stdout else {
        return Ok(0);
    };
    let mut buffer = BytesMut::new();
    let mut sent = 0;
    loop {
        if buffer.capacity() < BLOCK / 4 {
            buffer.reserve(BLOCK);
        }
        let read = stdout.read_buf(&mut buffer).await?;
        if read == 0 {
            return Ok(sent);
        }
        sent += read as u64;
        match tokio::time::timeout(STALLED, blocks.send(Ok(buffer.split().freeze()))).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) => return Err(Stop::ClientLeft),
            Err(_) => {
                tracing::info!(sent, "a fetch stopped because its client takes nothing");
                return Err(Stop::ClientLeft);
            }
        }
    }
}

/// A child that leads a process group; dropping it kills the whole group.
struct Family(Child);

impl Drop for Family {
    fn drop(&mut self) {
        // No id any more means that the child was waited for, and its number may be another's.
        let leader = self.0.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        if let Some(leader) = leader {
            // Gone already is what we want.
            let _ = kill_process_group(leader, Signal::KILL);
        }
    }
}
