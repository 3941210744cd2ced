//! Working trees, and git and git-lfs with a configuration of their own.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::environment;

pub(crate) const GIT_CONFIG: &str = "\
[user]
    name = Test Person
    email = test@example.org
[init]
    defaultBranch = main
[advice]
    detachedHead = false
[credential]
    helper =
[filter \"lfs\"]
    clean = git-lfs clean -- %f
    smudge = git-lfs smudge -- %f
    process = git-lfs filter-process
    required = true
[lfs]
    locksverify = true
";

/// A working tree.
pub struct Tree {
    pub folder: PathBuf,
    pub home: PathBuf,
}

impl Tree {
    /// Runs git here; returns its standard output, trimmed. Fails the test if git fails.
    pub fn git(&self, arguments: &[&str]) -> String {
        let output = self.try_git(arguments);
        assert_success(&output, &format!("git {}", arguments.join(" ")));
        String::from_utf8_lossy(&output.stdout).trim_end().to_owned()
    }

    /// Runs git here, and expects it to fail; returns its output.
    pub fn git_fails(&self, arguments: &[&str]) -> String {
        let output = self.try_git(arguments);
        assert!(!output.status.success(), "git {} should have failed", arguments.join(" "));
        text(&output)
    }

    /// Runs git here, and returns its output, also of a failure.
    pub fn try_git(&self, arguments: &[&str]) -> Output {
        git_command(&self.home, &self.folder).args(arguments).output().unwrap()
    }

    /// Runs a shell script here; fails the test if it fails.
    pub fn sh(&self, script: &str) -> String {
        let mut command = git_command(&self.home, &self.folder);
        let output = as_program(&mut command, "sh").args(["-euc", script]).output().unwrap();
        assert_success(&output, script);
        String::from_utf8_lossy(&output.stdout).trim_end().to_owned()
    }

    /// Writes a file.
    pub fn write(&self, path: &str, content: impl AsRef<[u8]>) {
        let path = self.folder.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    /// Reads a file.
    pub fn read(&self, path: &str) -> Vec<u8> {
        fs::read(self.folder.join(path)).unwrap()
    }

    /// Copies it to a folder beside it.
    #[must_use]
    pub fn copy(&self, name: &str) -> Self {
        let copy = Self { folder: self.folder.with_file_name(name), home: self.home.clone() };
        let output = Command::new("cp").arg("-a").args([&self.folder, &copy.folder]).output().unwrap();
        assert_success(&output, "cp");
        copy
    }

    /// Commits all changes; returns the commit.
    pub fn commit(&self, message: &str) -> String {
        self.git(&["add", "-A"]);
        self.git(&["commit", "-q", "-m", message]);
        self.git(&["rev-parse", "HEAD"])
    }

    /// Tracks `*.bin` with LFS, installs the hook that uploads objects, and sets the remote. `git lfs install` and `git
    /// lfs track` take ten times as long, and install three hooks more, for lockable files, that slow down each commit.
    pub fn with_lfs(&self, remote: &str) {
        self.write(".gitattributes", "*.bin filter=lfs diff=lfs merge=lfs -text\n");
        self.git(&["config", "core.hooksPath", self.home.join(HOOKS).to_str().unwrap()]);
        self.git(&["remote", "add", "origin", remote]);
    }
}

/// The folder with the hook of git-lfs in a home folder.
const HOOKS: &str = "hooks";

/// Creates a home folder with a git configuration that no real user shares.
pub(crate) fn create_home(home: &Path, config: &str) {
    fs::create_dir_all(home.join(HOOKS)).unwrap();
    fs::write(home.join(".gitconfig"), config).unwrap();
    // Before any other thread starts a program: it would keep the file open for writing, and git could not run it.
    let hook = home.join(HOOKS).join("pre-push");
    fs::write(&hook, "#!/bin/sh\nexec git lfs pre-push \"$@\"\n").unwrap();
    fs::set_permissions(&hook, fs::Permissions::from_mode(0o755)).unwrap();
}

/// git with nothing of the environment but what it needs.
pub fn git_command(home: &Path, folder: &Path) -> Command {
    let mut command = Command::new("git");
    clean(&mut command, home, folder);
    command
}

fn clean(command: &mut Command, home: &Path, folder: &Path) {
    command.env_clear();
    command.env("PATH", environment("PATH").unwrap_or_default());
    command.env("HOME", home).env("GIT_CONFIG_NOSYSTEM", "1").env("GIT_TERMINAL_PROMPT", "0").env("LC_ALL", "C");
    command.current_dir(folder);
}

fn as_program<'a>(command: &'a mut Command, program: &str) -> &'a mut Command {
    let (folder, home) = (command.get_current_dir().unwrap().to_owned(), home_of(command));
    *command = Command::new(program);
    clean(command, &home, &folder);
    command
}

fn home_of(command: &Command) -> PathBuf {
    let home = command.get_envs().find(|(name, _)| *name == "HOME").and_then(|(_, value)| value).unwrap();
    PathBuf::from(home)
}

pub(crate) fn folder_of(tree: &Path) -> &Path {
    tree.parent().unwrap()
}

/// Both outputs of a program.
pub fn text(output: &Output) -> String {
    let mut said = String::from_utf8_lossy(&output.stdout).into_owned();
    said.push_str(&String::from_utf8_lossy(&output.stderr));
    said
}

pub fn assert_success(output: &Output, what: &str) {
    assert!(output.status.success(), "{what} failed:\n{}", text(output));
}
