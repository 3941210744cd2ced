//! The git binary as a child process: a clean environment, killed when nobody waits for it any more.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    process::Stdio,
    sync::Arc,
};

use bytes::Bytes;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWriteExt},
    process::Command,
    sync::{OwnedSemaphorePermit, Semaphore},
    task::JoinHandle,
};

use crate::{Error, Result};

/// How much of a child's stderr is kept: its end, in bytes.
const TAIL: usize = 4096;

/// Where git and what git starts are looked for.
const SEARCH_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// How many long requests are in memory at once.
const LONG_REQUESTS: usize = 4;

/// Starts git, and bounds what runs at once.
#[derive(Debug, Clone)]
pub(crate) struct Git {
    binary: PathBuf,
    search_path: OsString,
    packing: Arc<Semaphore>,
    maintaining: Arc<Semaphore>,
    asking: Arc<Semaphore>,
}

/// A place that is free again when it is dropped.
pub(crate) type Place = OwnedSemaphorePermit;

impl Git {
    /// `binary` is a name to look up or a path; `max_packing` bounds [`Git::packing`].
    pub(crate) fn new(binary: &Path, max_packing: usize) -> Self {
        let mut search_path = OsString::new();
        if let Some(folder) = binary.parent().filter(|folder| folder.is_absolute()) {
            search_path.push(folder);
            search_path.push(":");
        }
        search_path.push(SEARCH_PATH);
        let places = |count| Arc::new(Semaphore::new(count));
        Self {
            binary: binary.to_owned(),
            search_path,
            packing: places(max_packing.max(1)),
            maintaining: places(1),
            asking: places(LONG_REQUESTS),
        }
    }

    /// Waits for a place among the children that build packs for clients; hold it as long as the child lives.
    pub(crate) async fn packing(&self) -> Result<Place> {
        place(&self.packing).await
    }

    /// Waits for the one place of maintenance, which no client can hold; hold it as long as the child lives.
    pub(crate) async fn maintaining(&self) -> Result<Place> {
        place(&self.maintaining).await
    }

    /// Waits for a place for a long request; hold it as long as the request is in memory.
    pub(crate) async fn asking(&self) -> Result<Place> {
        place(&self.asking).await
    }

    /// A git command on `git_dir`. Nothing of our own environment reaches it, no configuration but the
    /// repository's, no prompts and no replace refs. All three pipes are open; dropping the child kills it.
    pub(crate) fn command(&self, git_dir: &Path) -> Command {
        let mut command = Command::new(&self.binary);
        command
            .env_clear()
            .env("PATH", &self.search_path)
            .env("HOME", "/nonexistent")
            .env("LC_ALL", "C")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_NO_REPLACE_OBJECTS", "1")
            .env("GIT_TERMINAL_PROMPT", "0")
            .env("GIT_OPTIONAL_LOCKS", "0")
            .env("GIT_DIR", git_dir)
            .current_dir(git_dir)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        command
    }

    /// Runs `command` with `input` on its stdin and returns its stdout; a non-zero exit is [`Error::Git`].
    pub(crate) async fn output(command: &mut Command, input: Bytes) -> Result<Vec<u8>> {
        let finished = finish(command, input).await?;
        if finished.success { Ok(finished.stdout) } else { Err(Error::Git(finished.stderr)) }
    }
}

async fn place(places: &Arc<Semaphore>) -> Result<Place> {
    let place = Arc::clone(places).acquire_owned().await;
    place.map_err(|_| Error::Internal("the engine is closed".to_owned()))
}

/// A child that has ended.
pub(crate) struct Finished {
    pub(crate) success: bool,
    pub(crate) stdout: Vec<u8>,
    /// The end of its stderr, trimmed.
    pub(crate) stderr: String,
}

/// Runs `command` to its end, feeding `input` while draining both outputs.
pub(crate) async fn finish(command: &mut Command, input: Bytes) -> Result<Finished> {
    let mut child = command.spawn()?;
    let tail = Tail::follow(child.stderr.take());
    let mut stdin = child.stdin.take();
    let mut stdout = child.stdout.take();
    let feed = async {
        if let Some(mut stdin) = stdin.take() {
            // A child may rightly end before it has read everything; its exit status decides.
            let _ = stdin.write_all(&input).await;
            let _ = stdin.shutdown().await;
        }
    };
    let drain = async {
        let mut all = Vec::new();
        if let Some(stdout) = stdout.as_mut() {
            stdout.read_to_end(&mut all).await?;
        }
        Ok::<_, Error>(all)
    };
    let ((), stdout) = tokio::join!(feed, drain);
    let success = child.wait().await?.success();
    Ok(Finished { success, stdout: stdout?, stderr: tail.text().await })
}

/// The end of what a child says on stderr, collected in the background so that it never blocks on the pipe.
#[derive(Debug)]
pub(crate) struct Tail(JoinHandle<Vec<u8>>);

impl Tail {
    /// Starts to read; must be called inside the runtime.
    pub(crate) fn follow(stderr: Option<impl AsyncRead + Unpin + Send + 'static>) -> Self {
        Self(tokio::spawn(async move {
            let mut tail = Vec::new();
            let Some(mut stderr) = stderr else { return tail };
            let mut block = [0; 1024];
            while let Ok(count @ 1..) = stderr.read(&mut block).await {
                tail.extend_from_slice(&block[..count]);
                let excess = tail.len().saturating_sub(TAIL);
                tail.drain(..excess);
            }
            tail
        }))
    }

    /// Waits for the end of stderr (the child's end) and returns its last lines, trimmed.
    pub(crate) async fn text(self) -> String {
        let bytes = self.0.await.unwrap_or_default();
        String::from_utf8_lossy(&bytes).trim().to_owned()
    }
}

#[cfg(test)]
mod tests;
