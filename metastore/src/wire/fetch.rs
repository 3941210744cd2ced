//! Serving a fetch: `git upload-pack --stateless-rpc` on the folder of a snapshot.

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
    git::{Place, Tail},
    spool::{self, Spool},
};

/// How long a request waits for its turn before it is told to come back.
const TURN: Duration = Duration::from_secs(30);

/// A request up to this length, in bytes, needs no place to be read.
const SHORT: usize = 64 * 1024;

/// The longest request, in bytes after inflation: some 300,000 lines of `want` and `have`.
const REQUEST_LIMIT: usize = 16 << 20;

/// The longest first packet of a protocol v2 request, which only names the command.
const COMMAND_LIMIT: usize = 1024;

/// Answers `POST …/git-upload-pack`; `body` is the request, already inflated where it was compressed.
///
/// The listing of refs comes from the state; for everything else a child runs, of which only so many
/// run at once, and only a few long requests are in memory: [`Error::Busy`] where there are too many for
/// too long. `share` is what the client needs of its own before a child runs for it, and is dropped with the
/// child; none if there is nothing left for it. A client that is slow holds neither: what it has not taken goes
/// to the disk. Resolves with the first bytes of the answer, so that an error is still an error and not a
/// broken answer. Dropping the stream kills the child and everything that it started.
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
        // A client that sends slowly must not keep others from a place.
        let request = Request::read(opening, body, snapshot).await?;
        let share = share.await.ok_or_else(|| {
            Error::Busy("too many fetches at one time from your address; try again in a moment".to_owned())
        })?;
        let (request, share) = (Arc::new(request), Arc::new(share));
        snapshot.whole(|| Answer::start(snapshot, protocol, Arc::clone(&request), Arc::clone(&share))).await?
    };
    Ok(futures::stream::unfold(answer, Answer::next))
}

/// What is still to be sent.
struct Answer {
    first: Option<Bytes>,
    rest: Option<Rest>,
}

struct Rest {
    blocks: mpsc::Receiver<Bytes>,
    /// How it ended, known when there is no block left. A sender that vanished broke off.
    ending: oneshot::Receiver<Result<()>>,
}

impl Answer {
    /// Starts a child and waits for its first block.
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
                Ok(rest) => spool::drain(rest, &sender).await,
                Err(error) => Err(error),
            };
            drop(sender);
            // Nobody wants to know where the client has left.
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
        self.ending.await.unwrap_or_else(|_| Err(Error::Internal("a fetch died".to_owned())))
    }
}

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
            .in_own_group()
            .spawn()?;
        let stderr = Tail::follow(child.stderr.take());
        Ok(Self { family: Family(child), stderr })
    }

    /// Feeds the request, passes the answer on, and says at the end how it went, and what the client has
    /// still to take. The family is killed on every early way out.
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
            // The child may answer before it has read everything, and end without doing so.
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
            // What it sent ends with its own error packet, which is the better message.
            Some(_) if sent > 0 => Ok(rest),
            Some(_) => Err(blame(stderr)),
            None => Err(Error::Git(format!("upload-pack was killed: {status}"))),
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

/// Waits for a place, but not for ever.
async fn turn(place: impl Future<Output = Result<Place>>) -> Result<Place> {
    let place = tokio::time::timeout(TURN, place).await;
    place.map_err(|_| Error::Busy("too many fetches at one time; try again in a moment".to_owned()))?
}

/// A whole request in memory, where it may be as long as only a few may be at once.
struct Request {
    bytes: Bytes,
    /// For a long one.
    _place: Option<Place>,
}

impl Request {
    /// Reads `body`, of which `bytes` were read already.
    async fn read(
        mut bytes: BytesMut,
        body: impl AsyncRead + Send + Unpin + 'static,
        snapshot: &Snapshot,
    ) -> Result<Self> {
        let mut body = spool::ahead(&snapshot.shared_cache(), body, REQUEST_LIMIT as u64).await?;
        let mut place = None;
        while body.read_buf(&mut bytes).await? > 0 {
            if bytes.len() > REQUEST_LIMIT {
                return Err(Error::TooLarge(format!("the request is longer than {REQUEST_LIMIT} bytes")));
            }
            if bytes.len() > SHORT && place.is_none() {
                place = Some(turn(snapshot.git().asking()).await?);
            }
        }
        Ok(Self { bytes: bytes.freeze(), _place: place })
    }
}

/// The request is forgotten, and its place free, as soon as the child has it and begins to answer.
async fn feed(request: Arc<Request>, stdin: Option<ChildStdin>) {
    if let Some(mut stdin) = stdin {
        // A child that ended without reading on says why in its exit status.
        let _ = stdin.write_all(&request.bytes).await;
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
