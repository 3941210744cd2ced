//! Pack store in a local folder.
//!
//! Does not use `object_store`'s local store, which never syncs: a pack whose row is committed must survive a
//! power failure.

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use futures::{StreamExt as _, TryStreamExt as _, stream, stream::BoxStream};

use super::{StoredFile, stored_file};
use crate::{Error, RepoKey, Result, blocking, pack::link_or_copy};

/// Marker file that distinguishes the store from an empty mount point.
const MARK: &str = "packs/.rutter-packs";

#[derive(Debug, Clone)]
pub(super) struct Folder(Arc<Path>);

impl Folder {
    pub(super) fn create(root: &Path) -> Result<Self> {
        std::fs::create_dir_all(root.join("packs"))?;
        let root = std::path::absolute(root)?;
        std::fs::write(
            root.join(MARK),
            "Pack store of rutter. Do not delete: without this file, the store is unavailable.\n",
        )?;
        sync(&root.join("packs"))?;
        sync(&root)?;
        root.parent().map(sync).transpose()?;
        Ok(Self(root.into()))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    fn expect_mark(&self) -> Result<()> {
        match self.path(MARK).try_exists() {
            Ok(true) => Ok(()),
            Ok(false) => Err(Error::Unavailable(
                format!("no pack store in {}; check that its disk is mounted", self.0.display()).into(),
            )),
            Err(error) => Err(Error::Unavailable(error.into())),
        }
    }

    /// Creates a file with `fill` and syncs it and its parent folders. Written in place: the key is new, and
    /// it is not read before its row is committed, so a crash leaves nothing worse than an unused upload.
    pub(super) fn place(&self, name: &str, fill: impl FnOnce(&Path) -> io::Result<()>) -> Result<()> {
        self.expect_mark()?;
        let target = self.path(name);
        let folder = target.parent().ok_or_else(|| Error::Internal("the pack path has no parent folder".to_owned()))?;
        std::fs::create_dir_all(folder)?;
        // Every time: an earlier process may have created the folder without syncing it.
        folder.ancestors().skip(1).take(2).try_for_each(sync)?;
        // A retry starts from scratch; writing to an existing file could write through a hard link.
        remove_if_there(&target)?;
        fill(&target)?;
        sync(&target)?;
        Ok(sync(folder)?)
    }

    pub(super) fn fetch(&self, name: &str, target: &Path) -> Result<()> {
        match link_or_copy(&self.path(name), target) {
            Err(error) if error.kind() == io::ErrorKind::NotFound && target.parent().is_some_and(Path::exists) => {
                self.expect_mark()?;
                Err(Error::Corrupt(format!("{name} is missing from the store")))
            }
            Err(error) if is_away(&error) => Err(Error::Unavailable(error.into())),
            other => Ok(other?),
        }
    }

    pub(super) fn delete(&self, name: &str) -> Result<()> {
        // A missing file on an unmounted disk does not count as deleted.
        self.expect_mark()?;
        Ok(remove_if_there(&self.path(name))?)
    }

    pub(super) fn list(&self, repo: &RepoKey) -> Result<Vec<StoredFile>> {
        self.expect_mark()?;
        let entries = match std::fs::read_dir(self.path("packs").join(repo.as_str())) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error.into()),
        };
        let mut files = Vec::new();
        for entry in entries {
            let entry = entry?;
            let metadata = match entry.metadata() {
                Ok(metadata) => metadata,
                // Deleted since the listing started.
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(error.into()),
            };
            if let Some(name) = entry.file_name().to_str().filter(|_| metadata.is_file()) {
                files.extend(stored_file(name, metadata.len(), metadata.modified()?));
            }
        }
        Ok(files)
    }

    pub(super) fn list_all(self) -> BoxStream<'static, Result<(RepoKey, StoredFile)>> {
        let folder = self.clone();
        let repos = blocking::run(move || folder.repos());
        let repos = stream::once(repos).map_ok(|repos| stream::iter(repos.into_iter().map(Ok))).try_flatten();
        let files = repos.and_then(move |repo: RepoKey| {
            let folder = self.clone();
            blocking::run(move || {
                let files = folder.list(&repo)?;
                Ok(stream::iter(files.into_iter().map(move |file| Ok((repo.clone(), file)))))
            })
        });
        files.try_flatten().boxed()
    }

    fn repos(&self) -> Result<Vec<RepoKey>> {
        self.expect_mark()?;
        let mut repos = Vec::new();
        for entry in std::fs::read_dir(self.path("packs"))? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                repos.extend(entry.file_name().to_str().and_then(|name| name.parse::<RepoKey>().ok()));
            }
        }
        Ok(repos)
    }
}

/// Returns true if the disk is at fault, not the file.
fn is_away(error: &io::Error) -> bool {
    use io::ErrorKind::{
        HostUnreachable, NetworkDown, NetworkUnreachable, NotConnected, StaleNetworkFileHandle, TimedOut,
    };
    matches!(
        error.kind(),
        HostUnreachable | NetworkDown | NetworkUnreachable | NotConnected | StaleNetworkFileHandle | TimedOut
    )
}

fn remove_if_there(path: &Path) -> io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn sync(path: &Path) -> io::Result<()> {
    std::fs::File::open(path)?.sync_all()
}
