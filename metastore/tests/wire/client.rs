//! Real git clients in a clean environment.

use std::{
    ffi::OsStr,
    path::{Path, PathBuf},
    process::{Output, Stdio},
};

use tokio::{io::AsyncWriteExt, process::Command};

/// A temporary folder for the clones of one test.
pub(crate) struct Desk {
    folder: tempfile::TempDir,
}

impl Desk {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().expect("a folder") }
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Creates a repository with branch `main` and a remote `origin`.
    pub(crate) async fn init(&self, name: &str, url: &str) -> Clone {
        let clone = Clone { path: self.folder.path().join(name) };
        std::fs::create_dir(&clone.path).expect("a new folder");
        clone.git(["init", "-q", "-b", "main"]).await;
        clone.git(["remote", "add", "origin", url]).await;
        // Random data does not compress; skip the attempt.
        clone.git(["config", "core.compression", "0"]).await;
        clone
    }

    /// Runs `git clone` with additional arguments.
    pub(crate) async fn clone<const N: usize>(&self, name: &str, url: &str, arguments: [&str; N]) -> Clone {
        let clone = Clone { path: self.folder.path().join(name) };
        let mut command = git(self.path());
        command.args(arguments_with_config(&arguments, url)).arg(&clone.path);
        let output = command.output().await.expect("git");
        assert!(output.status.success(), "clone: {}", String::from_utf8_lossy(&output.stderr));
        clone
    }
}

/// Moves `-c` options before the subcommand.
fn arguments_with_config<'a>(arguments: &[&'a str], url: &'a str) -> Vec<&'a str> {
    let split = arguments.iter().position(|argument| !argument.contains('=') || argument.starts_with("--"));
    let (configuration, rest) = arguments.split_at(split.unwrap_or(arguments.len()));
    let mut all: Vec<&str> = configuration.iter().flat_map(|setting| ["-c", *setting]).collect();
    all.extend(["clone", "-q"]);
    all.extend(rest);
    all.push(url);
    all
}

/// A working copy.
pub(crate) struct Clone {
    pub(crate) path: PathBuf,
}

/// Creates a git command that ignores the configuration of the machine.
pub(crate) fn git(folder: &Path) -> Command {
    let mut command = Command::new("git");
    command
        .current_dir(folder)
        .env_remove("GIT_DIR")
        .env("HOME", "/nonexistent")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_TERMINAL_PROMPT", "0")
        .env("GIT_AUTHOR_NAME", "Ada")
        .env("GIT_AUTHOR_EMAIL", "ada@example.org")
        .env("GIT_COMMITTER_NAME", "Ada")
        .env("GIT_COMMITTER_EMAIL", "ada@example.org")
        .env("LC_ALL", "C")
        .stdin(Stdio::null())
        .kill_on_drop(true);
    command
}

impl Clone {
    pub(crate) async fn run<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> Output {
        git(&self.path).args(arguments).output().await.expect("git")
    }

    /// Runs git, which must succeed; returns its stdout, trimmed.
    pub(crate) async fn git<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> String {
        let output = self.run(arguments).await;
        assert!(output.status.success(), "git: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    /// Runs git, which must fail; returns its stdout (`--porcelain` reports there) and stderr.
    pub(crate) async fn fails<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> String {
        let output = self.run(arguments).await;
        let words = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success(), "git did not fail: {words}");
        words
    }

    /// Runs git with `input`; returns its stdout unchanged.
    pub(crate) async fn pipe<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>, input: &[u8]) -> Vec<u8> {
        let mut command = git(&self.path);
        command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("git");
        let mut stdin = child.stdin.take().expect("a pipe");
        let input = input.to_vec();
        let feed = tokio::spawn(async move {
            let _ = stdin.write_all(&input).await;
        });
        let output = child.wait_with_output().await.expect("git");
        feed.await.expect("fed");
        assert!(output.status.success(), "git: {}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    }

    pub(crate) fn write(&self, path: &str, content: impl AsRef<[u8]>) {
        let path = self.path.join(path);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        std::fs::write(path, content).expect("a file");
    }

    /// Writes one file and commits it; returns the commit.
    pub(crate) async fn commit(&self, path: &str, content: impl AsRef<[u8]>) -> String {
        self.write(path, content);
        self.git(["add", "--all"]).await;
        self.git(["commit", "-q", "-m", &format!("Change {path}")]).await;
        self.head().await
    }

    /// Creates `count` commits of one small file each with `git fast-import`.
    pub(crate) async fn many_commits(&self, branch: &str, count: usize) {
        use std::fmt::Write as _;
        let mut stream = String::new();
        let from = self.run(["rev-parse", "-q", "--verify", branch]).await;
        let mut parent = from.status.success().then(|| String::from_utf8_lossy(&from.stdout).trim().to_owned());
        for number in 0..count {
            let text = format!("{branch} {number}\n");
            let _ = write!(
                stream,
                "commit refs/heads/{branch}\ncommitter Ada <ada@example.org> {} +0000\ndata {}\n{text}",
                // Newer than those of `commit`, so that a client negotiates with these first.
                1_900_000_000 + number,
                text.len()
            );
            if let Some(parent) = parent.take() {
                let _ = writeln!(stream, "from {parent}");
            }
            let _ = write!(stream, "M 100644 inline many/{branch}-{}.txt\ndata {}\n{text}\n", number % 50, text.len());
        }
        self.pipe(["fast-import", "--quiet"], stream.as_bytes()).await;
    }

    pub(crate) async fn head(&self) -> String {
        self.git(["rev-parse", "HEAD"]).await
    }

    pub(crate) async fn fsck(&self) {
        self.git(["fsck", "--strict", "--full"]).await;
    }
}

/// Returns deterministic bytes that do not compress.
pub(crate) fn noise(length: usize, seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut bytes = Vec::with_capacity(length + 8);
    while bytes.len() < length {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(length);
    bytes
}

/// Returns a text with this many lines.
pub(crate) fn lines(count: usize, line: impl Fn(usize) -> String) -> String {
    let mut text = String::new();
    for number in 0..count {
        text.push_str(&line(number));
        text.push('\n');
    }
    text
}

/// Returns a table whose lines are all different.
pub(crate) fn table(rows: usize) -> String {
    lines(rows, |row| format!("{row},{}", row * 7919 % 100_003))
}
