//! Connectivity check of a push: one `git rev-list --objects` process per push, from the new targets back to
//! the existing refs.

use std::collections::HashSet;

use gix::ObjectId;
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    process::{Child, ChildStdout},
};

use crate::{
    Error, Result,
    git::{Git, Tail},
    temp_dir::TempDir,
};

/// Maximum number of new objects in one push, since all their IDs are held in memory.
const MAX_OBJECTS: usize = 20_000_000;

/// Length of an object ID in hexadecimal.
const HEX: usize = 40;

/// Returns every object reachable from `tips` but from no existing ref, in the quarantine at `folder`; `None`
/// if one of them is missing.
///
/// This is more than the content of the pack if a push makes unreachable objects reachable again, and may be
/// less if the pack contains objects that nothing references.
///
/// # Errors
///
/// [`Error::TooLarge`] beyond 20 million objects.
pub(super) async fn new_objects(
    git: &Git,
    folder: &TempDir,
    tips: impl Iterator<Item = &ObjectId>,
) -> Result<Option<Vec<ObjectId>>> {
    let Some(mut walk) = Walk::start(git, folder, tips, &["--no-object-names"])? else {
        return Ok(Some(Vec::new()));
    };
    let mut objects = Vec::new();
    while let Some((id, _)) = walk.next().await? {
        if objects.len() == MAX_OBJECTS {
            return Err(Error::TooLarge(format!("more than {MAX_OBJECTS} new objects; push fewer at a time")));
        }
        objects.push(id);
    }
    Ok(walk.succeeded().await?.then_some(objects))
}

/// Returns one path for each of `blobs` that is newly reachable from `tips`; stops when all are found.
pub(super) async fn paths_of(
    git: &Git,
    folder: &TempDir,
    tips: impl Iterator<Item = &ObjectId>,
    blobs: &[ObjectId],
) -> Result<Vec<(ObjectId, String)>> {
    let mut wanted: HashSet<_> = blobs.iter().copied().collect();
    let mut found = Vec::with_capacity(wanted.len());
    let Some(mut walk) = Walk::start(git, folder, tips, &[])? else { return Ok(found) };
    while !wanted.is_empty()
        && let Some((id, path)) = walk.next().await?
    {
        if wanted.remove(&id) {
            found.push((id, path));
        }
    }
    Ok(found)
}

/// A running walk; dropping it kills the process.
struct Walk {
    child: Child,
    lines: BufReader<ChildStdout>,
    line: Vec<u8>,
    stderr: Tail,
}

impl Walk {
    /// Starts a walk; returns `None` if there are no starting points.
    fn start<'tips>(
        git: &Git,
        folder: &TempDir,
        tips: impl Iterator<Item = &'tips ObjectId>,
        options: &[&str],
    ) -> Result<Option<Self>> {
        let mut input = Vec::new();
        for tip in tips {
            input.extend_from_slice(tip.to_string().as_bytes());
            input.push(b'\n');
        }
        if input.is_empty() {
            return Ok(None);
        }
        let mut command = git.command(folder.path());
        let mut child =
            command.args(["rev-list", "--objects"]).args(options).args(["--stdin", "--not", "--all"]).spawn()?;
        let stderr = Tail::follow(child.stderr.take());
        let pipes = child.stdin.take().zip(child.stdout.take());
        let (mut stdin, stdout) = pipes.ok_or_else(|| Error::Internal("a git process without pipes".to_owned()))?;
        tokio::spawn(async move {
            // If the process exits early, its exit status tells why.
            let _ = stdin.write_all(&input).await;
        });
        Ok(Some(Self { child, lines: BufReader::with_capacity(64 * 1024, stdout), line: Vec::new(), stderr }))
    }

    /// Returns the next object, with its path if the walk reports names.
    async fn next(&mut self) -> Result<Option<(ObjectId, String)>> {
        self.line.clear();
        if self.lines.read_until(b'\n', &mut self.line).await? == 0 {
            return Ok(None);
        }
        let line = self.line.strip_suffix(b"\n").unwrap_or(&self.line);
        let split = line.split_at_checked(HEX).and_then(|(hex, path)| Some((ObjectId::from_hex(hex).ok()?, path)));
        let (id, path) =
            split.ok_or_else(|| Error::Git(format!("unexpected output of rev-list: `{}`", line.escape_ascii())))?;
        let path = path.strip_prefix(b" ").unwrap_or(path);
        Ok(Some((id, String::from_utf8_lossy(path).into_owned())))
    }

    /// Returns true if the walk found all objects; to be called at its end.
    async fn succeeded(mut self) -> Result<bool> {
        let succeeded = self.child.wait().await?.success();
        if !succeeded {
            let stderr = self.stderr.text().await;
            tracing::info!(stderr, "rejected a push with missing objects");
        }
        Ok(succeeded)
    }
}
