//! Proof that a dataset and the store are intact, and clones of all kinds.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use rutter::access::{Actor, DatasetGrant, Read};

use crate::{Person, Server, Tree, files};

impl Server {
    /// Read access of the operator.
    pub async fn read_grant(&self, path: &str) -> DatasetGrant<Read> {
        self.app.access.authorize(&Actor::operator(), &path.parse().unwrap()).await.unwrap()
    }

    /// For the end of each test that changes a repository: a new clone is
    /// intact and has all LFS content, and so are repository and store.
    /// Returns the clone.
    pub async fn assert_intact(&self, person: &Person, path: &str) -> Tree {
        static CLONES: AtomicUsize = AtomicUsize::new(0);
        let name = format!("sound-{}", CLONES.fetch_add(1, Ordering::Relaxed));
        let clone = self.clone(person, path, &name);
        clone.git(&["fsck", "--strict", "--no-dangling"]);
        clone.git(&["lfs", "fsck"]);
        self.assert_store_intact(path).await;
        clone
    }

    /// The part of it that checks the server's data.
    pub async fn assert_store_intact(&self, path: &str) {
        let id = self.read_grant(path).await.id();
        assert_eq!(self.app.datasets.check(id).await.unwrap(), Vec::<String>::new());
        assert_eq!(self.app.storage.check(true).await.unwrap(), Vec::<String>::new());
    }

    /// The URL of a dataset's repository, without credentials.
    pub fn remote_without_credentials(&self, path: &str) -> String {
        format!("{}/{path}.git", self.url)
    }

    /// The URL of a dataset's repository with this token as the password.
    pub fn remote_with_token(&self, token: &str, path: &str) -> String {
        self.remote(&Person { name: "x".to_owned(), token: token.to_owned() }, path)
    }

    /// An empty folder in which to clone or to try.
    pub fn empty_folder(&self, name: &str) -> Tree {
        let tree = self.tree(name);
        std::fs::remove_dir_all(tree.folder.join(".git")).unwrap();
        tree
    }

    /// A clone from any URL.
    pub fn clone_url(&self, url: &str, name: &str, arguments: &[&str]) -> Tree {
        let tree = self.empty_folder(name);
        tree.git(&[&["clone", "-q"], arguments, &[url, "."]].concat());
        tree
    }

    /// A clone with hooks, for pushing.
    pub fn clone_with_hooks(&self, person: &Person, path: &str, name: &str) -> Tree {
        let clone = self.clone(person, path, name);
        clone.git(&["lfs", "install", "--local"]);
        clone
    }

    /// A tree with one commit of a text and an LFS object, pushed.
    pub fn published_dataset(&self, person: &Person, path: &str, name: &str) -> Tree {
        let tree = self.tree(name);
        tree.with_lfs(&self.remote(person, path));
        tree.write("README.md", "# Data\n");
        tree.write("scans/one.bin", crate::noise(1, 100_000));
        tree.commit("Published");
        tree.git(&["push", "-q", "-u", "origin", "main"]);
        tree
    }
}

impl Tree {
    /// Every file of the working tree.
    pub fn files(&self) -> BTreeMap<String, Vec<u8>> {
        let mut files = files(&self.folder);
        files.retain(|path, _| !path.starts_with(".git/"));
        files
    }

    /// The refs of the remote, as `NAME TARGET`.
    pub fn remote_refs(&self) -> BTreeMap<String, String> {
        let listed = self.git(&["ls-remote", "origin"]);
        let pair = |line: &str| line.split_once('\t').map(|(target, name)| (name.to_owned(), target.to_owned()));
        listed.lines().map(|line| pair(line).unwrap()).collect()
    }

    /// The commit of a revision.
    pub fn revision(&self, name: &str) -> String {
        self.git(&["rev-parse", "--verify", name])
    }

    /// The number of commits behind a name.
    pub fn count(&self, name: &str) -> usize {
        self.git(&["rev-list", "--count", name]).parse().unwrap()
    }
}
