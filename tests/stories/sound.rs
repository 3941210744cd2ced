//! What stories need beside the harness, above all the proof at their end
//! that everything is in order.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use rutter::access::{Actor, DatasetGrant, Read};

use crate::harness::{Person, Server, Tree};

impl Server {
    /// What the operator may read; for looking at what the server has.
    pub(crate) async fn inspect(&self, path: &str) -> DatasetGrant<Read> {
        self.app.access.authorize(&Actor::operator(), &path.parse().unwrap()).await.unwrap()
    }

    /// The end of every story that changes a repository: a fresh clone is
    /// sound and has all LFS content, and so are repository and store.
    /// Gives the clone.
    pub(crate) async fn sound(&self, person: &Person, path: &str) -> Tree {
        static CLONES: AtomicUsize = AtomicUsize::new(0);
        let name = format!("sound-{}", CLONES.fetch_add(1, Ordering::Relaxed));
        let clone = self.clone(person, path, &name);
        clone.git(&["fsck", "--strict", "--no-dangling"]);
        clone.git(&["lfs", "fsck"]);
        self.sound_inside(path).await;
        clone
    }

    /// The part of it that looks from inside.
    pub(crate) async fn sound_inside(&self, path: &str) {
        let id = self.inspect(path).await.id();
        assert_eq!(self.app.datasets.check(id).await.unwrap(), Vec::<String>::new());
        assert_eq!(self.app.storage.check(true).await.unwrap(), Vec::<String>::new());
    }

    /// The URL of a dataset's repository, without credentials.
    pub(crate) fn bare_remote(&self, path: &str) -> String {
        format!("{}/{path}.git", self.url)
    }

    /// The URL of a dataset's repository with this token as the password.
    pub(crate) fn remote_with(&self, token: &str, path: &str) -> String {
        self.remote(&Person { name: "x".to_owned(), token: token.to_owned() }, path)
    }

    /// An empty folder in which to clone or to try.
    pub(crate) fn nowhere(&self, name: &str) -> Tree {
        let tree = self.tree(name);
        std::fs::remove_dir_all(tree.folder.join(".git")).unwrap();
        tree
    }

    /// A clone from any URL.
    pub(crate) fn clone_url(&self, url: &str, name: &str, arguments: &[&str]) -> Tree {
        let tree = self.nowhere(name);
        tree.git(&[&["clone", "-q"], arguments, &[url, "."]].concat());
        tree
    }

    /// A clone that has hooks too, for somebody who is going to push from it.
    pub(crate) fn workplace(&self, person: &Person, path: &str, name: &str) -> Tree {
        let clone = self.clone(person, path, name);
        clone.git(&["lfs", "install", "--local"]);
        clone
    }

    /// Somebody's tree with one commit of a text and an LFS object, pushed.
    pub(crate) fn published(&self, person: &Person, path: &str, name: &str) -> Tree {
        let tree = self.tree(name);
        tree.with_lfs(&self.remote(person, path));
        tree.write("README.md", "# Data\n");
        tree.write("scans/one.bin", crate::harness::noise(1, 100_000));
        tree.commit("Published");
        tree.git(&["push", "-q", "-u", "origin", "main"]);
        tree
    }
}

impl Tree {
    /// Every file of the working tree.
    pub(crate) fn files(&self) -> BTreeMap<String, Vec<u8>> {
        let mut files = files(&self.folder);
        files.retain(|path, _| !path.starts_with(".git/"));
        files
    }

    /// The refs of the remote, as `NAME TARGET`.
    pub(crate) fn remote_refs(&self) -> BTreeMap<String, String> {
        let listed = self.git(&["ls-remote", "origin"]);
        let pair = |line: &str| line.split_once('\t').map(|(target, name)| (name.to_owned(), target.to_owned()));
        listed.lines().map(|line| pair(line).unwrap()).collect()
    }

    /// What a name means here.
    pub(crate) fn revision(&self, name: &str) -> String {
        self.git(&["rev-parse", "--verify", name])
    }

    /// The number of commits behind a name.
    pub(crate) fn count(&self, name: &str) -> usize {
        self.git(&["rev-list", "--count", name]).parse().unwrap()
    }
}

/// Every file below a folder, by its path from there.
pub(crate) fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut waiting = vec![folder.to_owned()];
    while let Some(next) = waiting.pop() {
        for entry in std::fs::read_dir(&next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                waiting.push(path);
            } else {
                let name = path.strip_prefix(folder).unwrap().to_str().unwrap().to_owned();
                found.insert(name, std::fs::read(&path).unwrap());
            }
        }
    }
    found
}

/// Names of everything below a folder; what vanishes meanwhile does not count.
pub(crate) fn names(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut waiting = vec![folder.to_owned()];
    while let Some(next) = waiting.pop() {
        for entry in std::fs::read_dir(&next).into_iter().flatten().flatten() {
            if entry.path().is_dir() {
                waiting.push(entry.path());
            }
            found.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    found
}
