//! `git rev-list --objects` from what a push names back to what the refs already have: a child per
//! push, never per ref.

use std::collections::HashSet;

use gix::ObjectId;
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    process::{Child, ChildStdout},
};

use crate::{
    Error, Result,
    git::{Git, Tail},
    scratch::Scratch,
};

/// More new objects than this are not taken in one push, as their ids are all in memory at once.
const MAX_OBJECTS: usize = 20_000_000;

/// The length of an id in hexadecimal.
const HEX: usize = 40;

/// Every object behind `tips` that no ref had before, in the quarantine at `folder`; `None` if one
/// of them is missing.
///
/// This is more than what the pack brought, where a push makes forgotten objects reachable again, and
/// may be less, where it brought what nobody asked for. [`Error::TooLarge`] beyond 20 million.
pub(super) async fn new_objects(
    git: &Git,
    folder: &Scratch,
    tips: impl Iterator<Item = &ObjectId>,
) -> Result<Option<Vec<ObjectId>>> {
    let Some(mut walk) = Walk::start(git, folder, tips, &["--no-object-names"])? else {
        return Ok(Some(Vec::new()));
    };
    let mut objects = Vec::new();
    while let Some((id, _)) = walk.next().await? {
        if objects.len() == MAX_OBJECTS {
            return Err(Error::TooLarge(format!("more than {MAX_OBJECTS} new objects; push them in steps")));
        }
        objects.push(id);
    }
    Ok(walk.succeeded().await?.then_some(objects))
}

/// One path of each of `blobs` behind `tips`, where they are new; the walk ends with the last one found.
pub(super) async fn paths_of(
    git: &Git,
    folder: &Scratch,
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

/// A running walk; dropping it ends it.
struct Walk {
    child: Child,
    lines: BufReader<ChildStdout>,
    line: Vec<u8>,
    stderr: Tail,
}

impl Walk {
    /// `None` where there is nothing to start from.
    fn start<'tips>(
        git: &Git,
        folder: &Scratch,
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
        let (mut stdin, stdout) = pipes.ok_or_else(|| Error::Internal("a child without pipes".to_owned()))?;
        tokio::spawn(async move {
            // A child that ends early says why by its status.
            let _ = stdin.write_all(&input).await;
        });
        Ok(Some(Self { child, lines: BufReader::with_capacity(64 * 1024, stdout), line: Vec::new(), stderr }))
    }

    /// The next object, with its path where the walk gives names.
    async fn next(&mut self) -> Result<Option<(ObjectId, String)>> {
        self.line.clear();
        if self.lines.read_until(b'\n', &mut self.line).await? == 0 {
            return Ok(None);
        }
        let line = self.line.strip_suffix(b"\n").unwrap_or(&self.line);
        let split = line.split_at_checked(HEX).and_then(|(hex, path)| Some((ObjectId::from_hex(hex).ok()?, path)));
        let (id, path) = split.ok_or_else(|| Error::Git(format!("rev-list said `{}`", line.escape_ascii())))?;
        let path = path.strip_prefix(b" ").unwrap_or(path);
        Ok(Some((id, String::from_utf8_lossy(path).into_owned())))
    }

    /// Whether the walk found everything; call it at its end.
    async fn succeeded(mut self) -> Result<bool> {
        let succeeded = self.child.wait().await?.success();
        if !succeeded {
            let stderr = self.stderr.text().await;
            tracing::info!(stderr, "a push is incomplete");
        }
        Ok(succeeded)
    }
}
