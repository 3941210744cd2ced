//! Pack store: the permanent home of packs, in a local folder or an object store (bucket).
//!
//! Keys are `packs/<repo>/<key>.pack` and `.idx`. A key is chosen per attempt, written before any database
//! row names it, and never changed afterwards, so a retry is harmless and a reader never sees a partial file.

use std::{
    path::Path,
    sync::Arc,
    time::{Duration, SystemTime},
};

use bytes::Bytes;
use futures::stream::BoxStream;
use object_store::ObjectStore;

use crate::{
    Pack, RepoKey, Result, blocking,
    pack::{PackFile, PackFileKind, link_or_copy},
};

mod bucket;
mod folder;
mod verify;

use bucket::Bucket;
use folder::Folder;
use verify::compare;
pub(crate) use verify::{looks_whole, verify};

/// The permanent store of packs. Cheap to clone.
#[derive(Debug, Clone)]
pub struct PackStore(Home);

#[derive(Debug, Clone)]
enum Home {
    Local(Folder),
    Remote(Bucket),
}

/// A file in a listing of the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredFile {
    /// The unique part of the key, without folder and extension.
    pub key: String,
    /// `pack` or `idx`.
    pub extension: String,
    /// The size in bytes.
    pub bytes: u64,
    /// The time when it was stored.
    pub stored: SystemTime,
}

impl PackStore {
    /// Opens a folder on a local disk, creating it if missing. Hard links save copies if the cache is on the
    /// same file system. A marker file distinguishes the store from an empty mount point: without it, every
    /// operation fails with [`Error::Unavailable`].
    pub fn local(root: &Path) -> Result<Self> {
        Ok(Self(Home::Local(Folder::create(root)?)))
    }

    /// Opens a bucket, or any other implementation of the `object_store` interface.
    pub fn remote(objects: Arc<dyn ObjectStore>) -> Self {
        Self(Home::Remote(Bucket::new(objects)))
    }

    /// Sets the timeout after which a bucket that does not respond fails a request with
    /// [`Error::Unavailable`]. Default 10 seconds. While the bucket is known to be unavailable, a tenth of it
    /// applies. Does not affect a folder.
    #[must_use]
    pub fn with_timeout(self, timeout: Duration) -> Self {
        match self.0 {
            Home::Local(folder) => Self(Home::Local(folder)),
            Home::Remote(bucket) => Self(Home::Remote(bucket.with_timeout(timeout))),
        }
    }

    /// Stores `bytes` durably.
    pub(crate) async fn put_bytes(&self, repo: &RepoKey, key: &str, half: PackFileKind, bytes: Bytes) -> Result<()> {
        let name = name(repo, key, half);
        match &self.0 {
            Home::Local(folder) => {
                let folder = folder.clone();
                blocking::run(move || folder.place(&name, |file| std::fs::write(file, &bytes))).await
            }
            Home::Remote(bucket) => bucket.put(&name, bytes).await,
        }
    }

    /// Stores the file at `source` durably, without holding it in memory.
    pub(crate) async fn put_file(&self, repo: &RepoKey, key: &str, half: PackFileKind, source: &Path) -> Result<()> {
        let name = name(repo, key, half);
        match &self.0 {
            Home::Local(folder) => {
                let (folder, source) = (folder.clone(), source.to_owned());
                blocking::run(move || folder.place(&name, |file| link_or_copy(&source, file))).await
            }
            Home::Remote(bucket) => bucket.put_file(&name, source).await,
        }
    }

    /// Fetches both files of a stored pack to `target`, where no files may exist yet, and verifies them
    /// against the row: sizes, checksums, and that pack and index belong together.
    ///
    /// # Errors
    ///
    /// [`Error::Corrupt`] with the file name if a file is missing or differs; [`Error::Unavailable`] if the
    /// store does not respond.
    pub(crate) async fn fetch(&self, repo: &RepoKey, pack: &Pack, target: &PackFile) -> Result<()> {
        let names = [PackFileKind::Pack, PackFileKind::Idx].map(|half| name(repo, &pack.key, half));
        match &self.0 {
            Home::Local(folder) => {
                let (folder, row, target) = (folder.clone(), pack.clone(), target.clone());
                blocking::run(move || {
                    folder.fetch(&names[0], &target.pack)?;
                    folder.fetch(&names[1], &target.idx)?;
                    verify(&target, &row).map_err(|error| error.about(&names[0]))
                })
                .await
            }
            Home::Remote(bucket) => {
                // Both concurrently; the bytes are hashed while they are received.
                let (packed, indexed) = tokio::join!(
                    bucket.fetch(&names[0], pack.pack_bytes, &target.pack),
                    bucket.fetch(&names[1], pack.idx_bytes, &target.idx),
                );
                compare(pack, &packed?, &indexed?).map_err(|error| error.about(&names[0]))
            }
        }
    }

    /// Deletes a pack, its index first, so that an interrupted deletion does not leave a valid pack. Missing
    /// files are ignored.
    pub(crate) async fn delete(&self, repo: &RepoKey, key: &str) -> Result<()> {
        for half in [PackFileKind::Idx, PackFileKind::Pack] {
            let name = name(repo, key, half);
            match &self.0 {
                Home::Local(folder) => {
                    let folder = folder.clone();
                    blocking::run(move || folder.delete(&name)).await?;
                }
                Home::Remote(bucket) => bucket.delete(&name).await?,
            }
        }
        Ok(())
    }

    /// Lists all files of a repository, ordered by key and extension.
    pub(crate) async fn list(&self, repo: &RepoKey) -> Result<Vec<StoredFile>> {
        let mut files = match &self.0 {
            Home::Local(folder) => {
                let (folder, repo) = (folder.clone(), repo.clone());
                blocking::run(move || folder.list(&repo)).await?
            }
            Home::Remote(bucket) => bucket.list(repo).await?,
        };
        files.sort_by(|left, right| (&left.key, &left.extension).cmp(&(&right.key, &right.extension)));
        Ok(files)
    }

    /// Lists all files of all repositories, unordered.
    pub(crate) fn list_all(&self) -> BoxStream<'static, Result<(RepoKey, StoredFile)>> {
        match &self.0 {
            Home::Local(folder) => folder.clone().list_all(),
            Home::Remote(bucket) => bucket.clone().list_all(),
        }
    }
}

/// Returns the name of a file in the store.
fn name(repo: &RepoKey, key: &str, half: PackFileKind) -> String {
    format!("packs/{repo}/{key}.{}", half.extension())
}

fn stored_file(name: &str, bytes: u64, stored: SystemTime) -> Option<StoredFile> {
    let (key, extension) = name.rsplit_once('.')?;
    let ours = !key.is_empty() && matches!(extension, "pack" | "idx");
    ours.then(|| StoredFile { key: key.to_owned(), extension: extension.to_owned(), bytes, stored })
}

#[cfg(test)]
mod tests;
