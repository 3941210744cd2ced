//! `git index-pack` in the quarantine: fed from the network, and its complaints made readable.

use std::path::Path;

use bytes::BytesMut;
use gix::ObjectId;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWriteExt},
    process::{ChildStderr, ChildStdin},
};

use super::ReceiveLimits;
use crate::{Error, PackId, Result, git::Git, wire::Progress};

/// How much is moved at once from the network to the child, in bytes: as much as a pipe holds.
const BLOCK: usize = 64 * 1024;

/// How much of a body is still read after a push was refused, so that the client gets to hear why.
const DRAIN: u64 = 256 << 20;

/// How much of the child's complaints is kept, in bytes; the first ones matter.
const COMPLAINTS: usize = 16 * 1024;

/// Lets `git index-pack` take the pack in `body` into the repository at `git_dir`. `None`: the pack is empty.
pub(super) async fn index_pack(
    git: &Git,
    git_dir: &Path,
    body: &mut (impl AsyncRead + Unpin),
    limits: ReceiveLimits,
    progress: &Progress,
) -> Result<Option<PackId>> {
    let started = git
        .command(git_dir)
        // Memory: big blobs are streamed, deltas resolved by one thread with a small cache.
        .args(["-c", "core.bigFileThreshold=4m", "-c", "pack.threads=1", "-c", "core.deltaBaseCacheLimit=16m"])
        .args(["index-pack", "--stdin", "--fix-thin", "--strict", "--show-resolving-progress"])
        .arg(format!("--max-input-size={}", limits.max_pack_bytes))
        .spawn();
    let mut child = or_drain(started, body).await?;
    let (stdin, stderr) = (child.stdin.take(), child.stderr.take());
    let mut stdout = child.stdout.take().ok_or_else(|| Error::Internal("no stdout".to_owned()))?;
    let feed = async {
        let fed = feed(body, stdin).await;
        if fed.is_ok() {
            progress.begin();
        }
        fed
    };
    let answer = async {
        let mut answer = String::new();
        stdout.read_to_string(&mut answer).await.map(|_| answer)
    };
    // An answer that cannot be read is no reason to stop reading the body.
    let ends = async { Ok(tokio::join!(listen(stderr, progress), answer)) };
    // Waited for at once, or it would stay a zombie while its client still sends. A body that breaks off ends everything
    // at once: dropping the child kills it.
    let ended = async { Ok(child.wait().await?) };
    let ((), (complaints, answer), status) = tokio::try_join!(feed, ends, ended)?;
    if !status.success() {
        tracing::info!(complaints, "a pack is refused");
        return Err(explain(&complaints, limits, git.object_bytes()));
    }
    let answer = answer?;
    let id = answer.trim().strip_prefix("pack\t").and_then(|hex| ObjectId::from_hex(hex.as_bytes()).ok());
    let id = id.ok_or_else(|| Error::Git(format!("index-pack said {answer:?}")))?;
    Ok(Some(PackId::from(id)))
}

/// Reads what is left of `body` and throws it away, up to 256 MiB; errors end it as the end does.
///
/// For whoever refuses a request before it was read: a client that is still sending does not listen.
pub async fn drain(body: &mut (impl AsyncRead + Unpin)) {
    let _ = tokio::io::copy(&mut body.take(DRAIN), &mut tokio::io::sink()).await;
}

/// Passes `result` on, where it is an error after [`drain`].
pub(super) async fn or_drain<T, E>(result: Result<T, E>, body: &mut (impl AsyncRead + Unpin)) -> Result<T, E> {
    if result.is_err() {
        drain(body).await;
    }
    result
}

/// Moves the body into the child, to the end of the body even if the child does not want all of it.
async fn feed(body: &mut (impl AsyncRead + Unpin), stdin: Option<ChildStdin>) -> Result<()> {
    let mut stdin = stdin;
    let mut block = BytesMut::with_capacity(BLOCK);
    let mut unwanted = 0;
    loop {
        block.clear();
        if body.read_buf(&mut block).await? == 0 {
            return Ok(());
        }
        if let Some(open) = &mut stdin
            && open.write_all(&block).await.is_err()
        {
            // It has ended; its exit status and its words say why.
            stdin = None;
        }
        if stdin.is_none() {
            unwanted += block.len() as u64;
            if unwanted > DRAIN {
                return Ok(());
            }
        }
    }
}

/// Reads stderr to its end: progress goes on to the client, the rest is returned.
async fn listen(stderr: Option<ChildStderr>, progress: &Progress) -> String {
    let Some(mut stderr) = stderr else {
        return String::new();
    };
    let mut complaints = Vec::new();
    let mut pending = BytesMut::new();
    // A failed read is the end of the child; its status says more.
    while let Ok(1..) = stderr.read_buf(&mut pending).await {
        while let Some(end) = pending.iter().position(|byte| matches!(byte, b'\r' | b'\n')) {
            let line = pending.split_to(end + 1);
            if is_progress(&line) {
                progress.update(&String::from_utf8_lossy(&line));
            } else if complaints.len() < COMPLAINTS {
                complaints.extend_from_slice(&line);
            }
        }
        if pending.len() > COMPLAINTS {
            pending.clear();
        }
    }
    complaints.extend_from_slice(&pending);
    String::from_utf8_lossy(&complaints).into_owned()
}

fn is_progress(line: &[u8]) -> bool {
    [&b"Resolving deltas"[..], b"Receiving objects", b"Indexing objects", b"Checking"]
        .iter()
        .any(|start| line.starts_with(start))
}

/// Turns the child's last words into a reason for whoever pushed. Only words known to speak of the
/// pack are passed on; anything else is our trouble and not theirs.
fn explain(complaints: &str, limits: ReceiveLimits, object_bytes: u64) -> Error {
    let complaints = complaints.trim();
    let detail = |label: &str| complaints.lines().find_map(|line| line.split_once(label)).map(|(_, rest)| rest.trim());
    if complaints.contains("exceeds maximum allowed size") {
        let limit = limits.max_pack_bytes;
        return Error::TooLarge(format!(
            "the pack is larger than {limit} bytes; push fewer commits at a time and keep big files in Git LFS"
        ));
    }
    // See `GIT_ALLOC_LIMIT`.
    if complaints.contains("attempting to allocate") {
        return Error::TooLarge(format!(
            "the pack has an object that takes more than {object_bytes} bytes of memory to unpack, or very many objects; \
             keep big files in Git LFS, and push fewer commits at a time"
        ));
    }
    if complaints.contains("No space left") || complaints.contains("Disk quota exceeded") {
        return Error::Io(std::io::ErrorKind::StorageFull.into());
    }
    if let Some(finding) = detail("error: object ").or_else(|| detail("error in object ")) {
        return Error::Invalid(format!("object {finding}; git fsck --strict shows it too"));
    }
    if let Some(object) = detail("did not receive expected object ") {
        return Error::Invalid(format!("object {object} is missing; push from a complete clone"));
    }
    let known = [
        ("early EOF", "the pack ends early"),
        ("pack signature mismatch", "what was sent is not a pack"),
        ("pack version", "the version of the pack is not supported"),
        ("unresolved delta", "the pack has deltas against objects that are not here; push from a complete clone"),
        ("SHA1 mismatch", "the pack is corrupt: its checksum is wrong"),
        ("SHA1 COLLISION", "the pack holds an object that differs from the one here of the same name"),
        ("pack has bad object", "the pack is corrupt: it has a bad object"),
        ("inflate", "the pack is corrupt: an object cannot be inflated"),
        ("failed to apply delta", "the pack is corrupt: it has a bad delta"),
        ("delta base o", "the pack is corrupt: it has a delta against nothing"),
        ("confusion beyond insanity", "the pack is corrupt"),
        ("unknown object type", "the pack is corrupt: it has an object of unknown type"),
        ("object type mismatch", "the pack has an object of the wrong type"),
        ("invalid ", "the pack has an object that cannot be parsed"),
        ("fsck error", "the pack has an object that git fsck refuses"),
        ("Not all child objects", "the pack has objects whose links lead nowhere"),
    ];
    match known.iter().find(|(words, _)| complaints.contains(words)) {
        Some((_, reason)) => Error::Invalid((*reason).to_owned()),
        None => Error::Git(complaints.to_owned()),
    }
}

#[cfg(test)]
mod tests;
