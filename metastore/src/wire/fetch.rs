//! Fetch (upload-pack): runs `git upload-pack --stateless-rpc` in the folder of a snapshot.

use std::{io, sync::Arc, time::Duration};

use bytes::{Bytes, BytesMut};
use futures::Stream;
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWriteExt},
    process::{Child, ChildStdin},
    sync::{mpsc, oneshot},
};

use super::{
    Protocol,
    advertise::ListRefs,
    pktline::{Packet, PacketReader, WritePackets},
};
use crate::{
    Error, Result, Snapshot,
    cache::Spool,
    git::{Place, Tail},
    spool,
};

/// How long a request waits for a slot before it is rejected.
const QUEUE_TIMEOUT: Duration = Duration::from_secs(30);

/// Maximum size in bytes of a request that needs no slot to be read.
const SHORT: usize = 64 * 1024;

/// Maximum size of a request in bytes after decompression, about 300,000 `want` and `have` lines.
const REQUEST_LIMIT: usize = 16 << 20;

/// Maximum size in bytes of the first packet of a protocol v2 request, which only contains the command.
const COMMAND_LIMIT: usize = 1024;

/// Answers `POST …/git-upload-pack`; `body` is the request, already decompressed.
///
/// `ls-refs` is answered from the state; everything else runs a git process. The number of these processes,
/// and of long requests in memory, is limited. `share` waits for the client's own share of processes and
/// returns `None` if that is used up; it is held until the process ends. A slow client occupies neither: data
/// it has not received yet is spooled to disk. Resolves with the first bytes of the response, so that an
/// early error is not reported as a truncated response. Dropping the stream kills the process and its
/// children.
///
/// # Errors
///
/// [`Error::Busy`] if no slot becomes free in time.
pub async fn upload_pack<B, S, F>(
    snapshot: &Arc<Snapshot>,
    protocol: Protocol,
    mut body: B,
    share: F,
) -> Result<impl Stream<Item = io::Result<Bytes>> + Send + use<B, S, F>>
where
    B: AsyncRead + Send + Unpin + 'static,
    F: Future<Output = Option<S>>,
    S: Send + Sync + 'static,
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
    let answer = if listing {
        let list = ListRefs::read(&mut body).await?;
        Answer { first: Some(list.answer(snapshot.state())), rest: None }
    } else {
        // Before taking a slot: a client that sends slowly must not occupy one.
        let request = Request::read(opening, body, snapshot).await?;
        let share = share.await.ok_or_else(|| {
            Error::Busy("too many concurrent fetches from your address; try again in a moment".to_owned())
        })?;
        let (request, share) = (Arc::new(request), Arc::new(share));
        snapshot.whole(|| Answer::start(snapshot, protocol, Arc::clone(&request), Arc::clone(&share))).await?
    };
    Ok(futures::stream::unfold(answer, Answer::next))
}

/// The rest of a response.
struct Answer {
    first: Option<Bytes>,
    rest: Option<Rest>,
}

struct Rest {
    blocks: mpsc::Receiver<Bytes>,
    /// The result, available after the last block. If the sender is gone, the response is truncated.
    ending: oneshot::Receiver<Result<()>>,
}

impl Answer {
    /// Starts a process and waits for its first block.
    async fn start(
        snapshot: &Arc<Snapshot>,
        protocol: Protocol,
        request: Arc<Request>,
        share: Arc<impl Send + Sync + 'static>,
    ) -> Result<Self> {
        let place = turn(snapshot.git().packing()).await?;
        let session = Session::start(snapshot, protocol)?;
        let (sender, blocks) = spool::way();
        let (end, ending) = oneshot::channel();
        let lease = Arc::clone(snapshot);
        tokio::spawn(async move {
            let answered = session.run(request, &sender, &lease).await;
            drop((place, share, lease));
            let ended = match answered {
                Ok(rest) => spool::send_rest(rest, &sender).await,
                Err(error) => Err(error),
            };
            drop(sender);
            // The receiver is gone if the client closed the connection.
            let _ = end.send(ended);
        });
        let mut rest = Rest { blocks, ending };
        match rest.blocks.recv().await {
            Some(first) => Ok(Self { first: Some(first), rest: Some(rest) }),
            None => rest.end().await.map(|()| Self { first: None, rest: None }),
        }
    }

    async fn next(mut self) -> Option<(io::Result<Bytes>, Self)> {
        if let Some(first) = self.first.take() {
            return Some((Ok(first), self));
        }
        let mut rest = self.rest.take()?;
        if let Some(block) = rest.blocks.recv().await {
            return Some((Ok(block), Self { first: None, rest: Some(rest) }));
        }
        let error = rest.end().await.err()?;
        Some((Err(io::Error::other(error)), self))
    }
}

impl Rest {
    async fn end(self) -> Result<()> {
        self.ending.await.unwrap_or_else(|_| Err(Error::Internal("a fetch panicked".to_owned())))
    }
}

/// A running `git upload-pack`.
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
            // In its own process group: it starts `git pack-objects`, which must not outlive it.
            .in_own_group()
            .spawn()?;
        let stderr = Tail::follow(child.stderr.take());
        Ok(Self { family: Family(child), stderr })
    }

    /// Writes the request, forwards the response, and returns the result with the data that the client has
    /// not received yet. The process group is killed on every early return.
    async fn run(
        mut self,
        request: Arc<Request>,
        blocks: &mpsc::Sender<Bytes>,
        snapshot: &Snapshot,
    ) -> Result<Option<Spool>> {
        let stdin = self.family.0.stdin.take();
        let stdout = self.family.0.stdout.take();
        let mut stdout = stdout.ok_or_else(|| Error::Internal("no stdout".to_owned()))?;
        let cache = snapshot.shared_cache();
        let exchange = async {
            let question = feed(request, stdin);
            let answer = spool::pass(&mut stdout, blocks, &cache);
            tokio::pin!(question, answer);
            // The process may answer before it has read the whole request, and may exit without reading it all.
            tokio::select! {
                () = &mut question => answer.await,
                answered = &mut answer => answered,
            }
        };
        let (sent, rest) = tokio::select! {
            answered = exchange => answered?,
            () = blocks.closed() => return Err(io::Error::from(io::ErrorKind::BrokenPipe).into()),
        };
        let status = self.family.0.wait().await?;
        if status.success() {
            return Ok(rest);
        }
        let stderr = self.stderr.text().await;
        tracing::warn!(%status, %stderr, sent, "git upload-pack failed");
        match status.code() {
            // The response already ends with an error packet from git, which is the better message.
            Some(_) if sent > 0 => Ok(rest),
            Some(_) => Err(blame(stderr)),
            None => Err(Error::Git(format!("upload-pack was killed: {status}"))),
        }
    }
}

/// Converts a failure before the first byte of a response: the request is malformed, or the folder unreadable.
fn blame(stderr: String) -> Error {
    let misunderstood = ["protocol error", "unknown", "unexpected", "expected", "invalid", "bad line length"];
    if misunderstood.iter().any(|word| stderr.contains(word)) {
        Error::Invalid(format!("malformed request: {stderr}"))
    } else {
        Error::Git(stderr)
    }
}

/// Waits for a slot, with a timeout.
async fn turn(place: impl Future<Output = Result<Place>>) -> Result<Place> {
    let place = tokio::time::timeout(QUEUE_TIMEOUT, place).await;
    place.map_err(|_| Error::Busy("too many concurrent fetches; try again in a moment".to_owned()))?
}

/// A complete request in memory, with a slot if it is long.
struct Request {
    bytes: Bytes,
    /// The slot of a long request.
    _place: Option<Place>,
}

impl Request {
    /// Reads `body`; `bytes` were already read from it.
    async fn read(
        mut bytes: BytesMut,
        body: impl AsyncRead + Send + Unpin + 'static,
        snapshot: &Snapshot,
    ) -> Result<Self> {
        let mut body = spool::ahead(&snapshot.shared_cache(), body, REQUEST_LIMIT as u64).await?;
        let mut place = None;
        while body.read_buf(&mut bytes).await? > 0 {
            if bytes.len() > REQUEST_LIMIT {
                return Err(Error::TooLarge(format!("the request is larger than {REQUEST_LIMIT} bytes")));
            }
            if bytes.len() > SHORT && place.is_none() {
                place = Some(turn(snapshot.git().asking()).await?);
            }
        }
        Ok(Self { bytes: bytes.freeze(), _place: place })
    }
}

/// Writes the request to the process, then frees it together with its slot.
async fn feed(request: Arc<Request>, stdin: Option<ChildStdin>) {
    if let Some(mut stdin) = stdin {
        // If the process exits without reading everything, its exit status tells why.
        let _ = stdin.write_all(&request.bytes).await;
    }
}

/// A process that leads a process group; dropping it kills the whole group.
struct Family(Child);

impl Drop for Family {
    fn drop(&mut self) {
        // Without an ID the process was already reaped, and its number may belong to another process.
        let leader = self.0.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        if let Some(leader) = leader {
            // Already gone is fine.
            let _ = kill_process_group(leader, Signal::KILL);
        }
    }
}
