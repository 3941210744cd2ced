//! Runs git as a child process: with a clean environment, limits on memory and concurrency, and killed on drop.

use std::{
    ffi::{OsStr, OsString},
    path::{Path, PathBuf},
    process::Stdio,
    sync::Arc,
};

use bytes::Bytes;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWriteExt},
    process::{Child, Command},
    sync::{OwnedSemaphorePermit, Semaphore},
    task::JoinHandle,
};

use crate::{Error, Result};

/// Number of bytes kept from the end of a child's stderr.
const TAIL: usize = 4096;

/// `PATH` for git and the programs it starts.
const SEARCH_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Maximum number of long requests held in memory at once.
const LONG_REQUESTS: usize = 4;

/// Maximum number of concurrent reads of whole trees or histories.
const LONG_READINGS: usize = 4;

/// Memory in bytes that a git process needs apart from objects: the program, its libraries, thread stacks and
/// arenas, and the pack windows.
#[cfg(target_os = "linux")]
const BASE_MEMORY: u64 = 1536 << 20;

/// Multiple of `object_bytes` in the memory limit: applying a delta holds the delta base, the delta and the
/// result at once.
#[cfg(target_os = "linux")]
const OBJECTS_AT_ONCE: u64 = 3;

/// Bytes of memory per byte of the pack indexes: some hundred bytes for each object, which takes 32 bytes in
/// an index.
const LISTS: u64 = 4;

/// Starts git processes and limits their number.
#[derive(Debug, Clone)]
pub(crate) struct Git {
    binary: PathBuf,
    search_path: OsString,
    packing: Arc<Semaphore>,
    maintaining: Arc<Semaphore>,
    asking: Arc<Semaphore>,
    reading: Arc<Semaphore>,
    object_bytes: u64,
}

/// A concurrency slot, released on drop.
pub(crate) type Place = OwnedSemaphorePermit;

impl Git {
    /// Creates a runner. `binary` is a name to look up or a path, `max_packing` limits [`Git::packing`], and
    /// `object_bytes` is the maximum size of one object in a git process.
    pub(crate) fn new(binary: &Path, max_packing: usize, object_bytes: u64) -> Self {
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
            reading: places(LONG_READINGS),
            object_bytes,
        }
    }

    /// Waits for a slot for building a pack for a client; hold it while the process runs.
    pub(crate) async fn packing(&self) -> Result<Place> {
        place(&self.packing).await
    }

    /// Waits for the single maintenance slot, which is separate from those of clients; hold it while the
    /// process runs.
    pub(crate) async fn maintaining(&self) -> Result<Place> {
        place(&self.maintaining).await
    }

    /// Waits for a slot for a long request; hold it while the request is in memory.
    pub(crate) async fn asking(&self) -> Result<Place> {
        place(&self.asking).await
    }

    /// Waits for a slot for reading whole trees and histories; hold it while reading.
    pub(crate) async fn reading(&self) -> Result<Place> {
        place(&self.reading).await
    }

    /// Returns the maximum size in bytes of an object that a git process holds in memory.
    pub(crate) fn object_bytes(&self) -> u64 {
        self.object_bytes
    }

    /// Creates a git command on `git_dir`. It inherits no environment, reads no configuration except the
    /// repository's, never prompts and ignores replace refs. All three pipes are open; dropping the child
    /// kills it. Its memory is limited, since a few kilobytes of input can unpack to any size.
    pub(crate) fn command(&self, git_dir: &Path) -> Limited {
        let mut command = Command::new(&self.binary);
        let index_bytes = index_bytes(git_dir);
        let alloc_limit = self.object_bytes.max(index_bytes.saturating_mul(LISTS));
        command
            .env_clear()
            .env("GIT_ALLOC_LIMIT", alloc_limit.to_string())
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
        Limited { command, alloc_limit, index_bytes }
    }

    /// Runs `command` with `input` on its stdin and returns its stdout; a non-zero exit status is [`Error::Git`].
    pub(crate) async fn output(command: &mut Limited, input: Bytes) -> Result<Vec<u8>> {
        let finished = finish(command, input).await?;
        if finished.success { Ok(finished.stdout) } else { Err(Error::Git(finished.stderr)) }
    }
}

/// A command whose process gets a memory limit.
pub(crate) struct Limited {
    command: Command,
    alloc_limit: u64,
    index_bytes: u64,
}

impl Limited {
    pub(crate) fn arg(&mut self, argument: impl AsRef<OsStr>) -> &mut Self {
        self.command.arg(argument);
        self
    }

    pub(crate) fn args<S: AsRef<OsStr>>(&mut self, arguments: impl IntoIterator<Item = S>) -> &mut Self {
        self.command.args(arguments);
        self
    }

    pub(crate) fn env(&mut self, name: &str, value: impl AsRef<OsStr>) -> &mut Self {
        self.command.env(name, value);
        self
    }

    pub(crate) fn stdin(&mut self, stdin: impl Into<Stdio>) -> &mut Self {
        self.command.stdin(stdin);
        self
    }

    /// Runs it as the leader of a new process group.
    pub(crate) fn in_own_group(&mut self) -> &mut Self {
        self.command.process_group(0);
        self
    }

    /// Spawns the process. The limit is set before it can read any input.
    pub(crate) fn spawn(&mut self) -> std::io::Result<Child> {
        let child = self.command.spawn()?;
        self.limit(&child);
        Ok(child)
    }

    /// Sets `RLIMIT_AS` to limit the total memory of the process; `GIT_ALLOC_LIMIT` limits each single
    /// allocation. The limit counts mapped files too, so it includes the pack indexes and pack windows.
    #[cfg(target_os = "linux")]
    fn limit(&self, child: &Child) {
        use rustix::process::{Pid, Resource, Rlimit, prlimit};
        let bytes = BASE_MEMORY
            .saturating_add(self.alloc_limit.saturating_mul(OBJECTS_AT_ONCE))
            .saturating_add(self.index_bytes.saturating_mul(2));
        let limit = Rlimit { current: Some(bytes), maximum: Some(bytes) };
        let id = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        if let Some(Err(error)) = id.map(|id| prlimit(Some(id), Resource::As, limit)) {
            // Some sandboxes do not permit it; `GIT_ALLOC_LIMIT` still applies.
            tracing::debug!(%error, "cannot limit the memory of a git process");
        }
    }

    #[cfg(not(target_os = "linux"))]
    fn limit(&self, _: &Child) {}
}

/// Returns the total size in bytes of all pack indexes of a repository.
fn index_bytes(git_dir: &Path) -> u64 {
    let Ok(files) = std::fs::read_dir(git_dir.join("objects/pack")) else { return 0 };
    let indices = files.flatten().filter(|file| file.path().extension().is_some_and(|end| end == "idx"));
    indices.filter_map(|file| Some(file.metadata().ok()?.len())).sum()
}

async fn place(places: &Arc<Semaphore>) -> Result<Place> {
    let place = Arc::clone(places).acquire_owned().await;
    place.map_err(|_| Error::Internal("the engine is shutting down".to_owned()))
}

/// The result of a finished process.
pub(crate) struct Finished {
    pub(crate) success: bool,
    pub(crate) stdout: Vec<u8>,
    /// The end of its stderr, trimmed.
    pub(crate) stderr: String,
}

/// Runs `command` to completion, writing `input` while draining stdout and stderr.
pub(crate) async fn finish(command: &mut Limited, input: Bytes) -> Result<Finished> {
    let mut child = command.spawn()?;
    let tail = Tail::follow(child.stderr.take());
    let mut stdin = child.stdin.take();
    let mut stdout = child.stdout.take();
    let feed = async {
        if let Some(mut stdin) = stdin.take() {
            // A process may exit before it has read all input; its exit status decides.
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

/// The end of the stderr of a process, collected in the background so that the process never blocks on the pipe.
#[derive(Debug)]
pub(crate) struct Tail(JoinHandle<Vec<u8>>);

impl Tail {
    /// Starts reading; must be called inside a runtime.
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

    /// Waits for stderr to close (the process to end) and returns its last lines, trimmed.
    pub(crate) async fn text(self) -> String {
        let bytes = self.0.await.unwrap_or_default();
        String::from_utf8_lossy(&bytes).trim().to_owned()
    }
}

#[cfg(test)]
mod tests;
