//! Runs `git index-pack` in the quarantine, and translates its error messages.

use std::path::Path;

use bytes::BytesMut;
use gix::ObjectId;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWriteExt},
    process::{ChildStderr, ChildStdin},
};

use super::ReceiveLimits;
use crate::{
    Error, PackId, Result,
    git::Git,
    spool::{DRAIN, drain},
    wire::Progress,
};

/// Block size in bytes between the network and the process, the capacity of a pipe.
const BLOCK: usize = 64 * 1024;

/// Number of bytes kept of the error output; the first messages matter.
const COMPLAINTS: usize = 16 * 1024;

/// Runs `git index-pack` on the pack in `body`, in the repository at `git_dir`. Returns `None` for an empty pack.
pub(super) async fn index_pack(
    git: &Git,
    git_dir: &Path,
    body: &mut (impl AsyncRead + Unpin),
    limits: ReceiveLimits,
    progress: &Progress,
) -> Result<Option<PackId>> {
    let started = git
        .command(git_dir)
        // Memory: large blobs are streamed, deltas are resolved by one thread with a small cache.
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
    // If stdout cannot be read, the body must still be read to its end.
    let ends = async { Ok(tokio::join!(listen(stderr, progress), answer)) };
    // Reaped concurrently, or the process would stay a zombie while the client is still sending. If the body
    // ends early, everything stops: dropping the process kills it.
    let ended = async { Ok(child.wait().await?) };
    let ((), (complaints, answer), status) = tokio::try_join!(feed, ends, ended)?;
    if !status.success() {
        tracing::info!(complaints, "rejected a pack");
        return Err(explain(&complaints, limits, git.object_bytes()));
    }
    let answer = answer?;
    let id = answer.trim().strip_prefix("pack\t").and_then(|hex| ObjectId::from_hex(hex.as_bytes()).ok());
    let id = id.ok_or_else(|| Error::Git(format!("unexpected output of index-pack: {answer:?}")))?;
    Ok(Some(PackId::from(id)))
}

/// Returns `result`; if it is an error, after [draining](drain) the body.
pub(super) async fn or_drain<T, E>(result: Result<T, E>, body: &mut (impl AsyncRead + Unpin)) -> Result<T, E> {
    if result.is_err() {
        drain(body).await;
    }
    result
}

/// Writes the body to the process, and reads it to its end even if the process stops reading.
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
            // The process has exited; its exit status and stderr tell why.
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

/// Reads stderr to its end: forwards progress to the client and returns the rest.
async fn listen(stderr: Option<ChildStderr>, progress: &Progress) -> String {
    let Some(mut stderr) = stderr else {
        return String::new();
    };
    let mut complaints = Vec::new();
    let mut pending = BytesMut::new();
    // A read error means that the process is gone; its exit status tells more.
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

/// Translates error messages of index-pack into a reason for the pusher. Only known messages about the pack
/// are passed on; anything else is a failure of the server.
fn explain(complaints: &str, limits: ReceiveLimits, object_bytes: u64) -> Error {
    let complaints = complaints.trim();
    let detail = |label: &str| complaints.lines().find_map(|line| line.split_once(label)).map(|(_, rest)| rest.trim());
    if complaints.contains("exceeds maximum allowed size") {
        let limit = limits.max_pack_bytes;
        return Error::TooLarge(format!(
            "the pack is larger than {limit} bytes; push fewer commits at a time and track large files with Git LFS"
        ));
    }
    // Caused by `GIT_ALLOC_LIMIT`.
    if complaints.contains("attempting to allocate") {
        return Error::TooLarge(format!(
            "the pack has an object that needs more than {object_bytes} bytes to unpack, or too many objects; \
             track large files with Git LFS, and push fewer commits at a time"
        ));
    }
    if complaints.contains("No space left") || complaints.contains("Disk quota exceeded") {
        return Error::Io(std::io::ErrorKind::StorageFull.into());
    }
    if let Some(finding) = detail("error: object ").or_else(|| detail("error in object ")) {
        return Error::Invalid(format!("object {finding}; run git fsck --strict to find such objects"));
    }
    if let Some(object) = detail("did not receive expected object ") {
        return Error::Invalid(format!("object {object} is missing; push from a complete clone"));
    }
    let known = [
        ("early EOF", "the pack is truncated; push again"),
        ("pack signature mismatch", "the data is not a pack"),
        ("pack version", "the pack version is not supported"),
        ("unresolved delta", "the pack has deltas whose delta base is missing; push from a complete clone"),
        ("SHA1 mismatch", "the pack is corrupt: its checksum does not match; push again"),
        ("SHA1 COLLISION", "the pack contains an object that differs from the stored one with the same ID"),
        ("pack has bad object", "the pack is corrupt: it contains a bad object"),
        ("inflate", "the pack is corrupt: an object cannot be decompressed"),
        ("failed to apply delta", "the pack is corrupt: it contains a bad delta"),
        ("delta base o", "the pack is corrupt: it has a delta without a delta base"),
        ("confusion beyond insanity", "the pack is corrupt"),
        ("unknown object type", "the pack is corrupt: it contains an object of unknown type"),
        ("object type mismatch", "the pack contains an object of the wrong type"),
        ("invalid ", "the pack contains an object that cannot be parsed"),
        ("fsck error", "the pack contains an object that git fsck rejects"),
        (
            "Not all child objects",
            "the pack contains objects that refer to missing objects; push from a complete clone",
        ),
    ];
    match known.iter().find(|(words, _)| complaints.contains(words)) {
        Some((_, reason)) => Error::Invalid((*reason).to_owned()),
        None => Error::Git(complaints.to_owned()),
    }
}

#[cfg(test)]
mod tests;
