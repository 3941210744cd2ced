//! Where packs live for good: a local folder or a bucket.
//!
//! Keys are `packs/<repo>/<key>.pack` and `.idx`. A key is chosen per attempt, written before any row
//! names it and never changed afterwards, so a retry is harmless and a reader never sees half a file.

use std::{
    path::Path,
    sync::Arc,
    time::{Duration, SystemTime},
};

use bytes::Bytes;
use futures::stream::BoxStream;
use object_store::ObjectStore;

use crate::{Pack, RepoKey, Result, blocking, snapshot::PackFile};

mod bucket;
mod folder;
mod whole;

use bucket::Bucket;
use folder::Folder;
pub(crate) use folder::link_or_copy;
use whole::compare;
pub(crate) use whole::{looks_whole, verify};

/// The permanent home of packs. Cheap to clone.
#[derive(Debug, Clone)]
pub struct PackStore(Home);

#[derive(Debug, Clone)]
enum Home {
    Local(Folder),
    Remote(Bucket),
}

/// One file that the store holds, as a listing tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredFile {
    /// The unique part of the key, without folder and extension.
    pub key: String,
    /// `pack` or `idx`.
    pub extension: String,
    /// The size in bytes.
    pub bytes: u64,
    /// When it was stored.
    pub stored: SystemTime,
}

/// The two halves of a stored pack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Half {
    Pack,
    Idx,
}

impl Half {
    pub(crate) fn extension(self) -> &'static str {
        match self {
            Self::Pack => "pack",
            Self::Idx => "idx",
        }
    }
}

impl PackStore {
    /// A folder on a local disk; made when missing. Hard links save copies where the cache lies on
    /// the same file system. A mark in it tells a folder that is there from the place where a disk
    /// should be mounted: without it, everything is [`Error::Unavailable`].
    pub fn local(root: &Path) -> Result<Self> {
        Ok(Self(Home::Local(Folder::create(root)?)))
    }

    /// A bucket, or anything else behind the `object_store` interface.
    pub fn remote(objects: Arc<dyn ObjectStore>) -> Self {
        Self(Home::Remote(Bucket::new(objects)))
    }

    /// How long a bucket may do nothing at all before a request fails as [`Error::Unavailable`]; 10
    /// seconds unless told. While it is known to be away, one tenth of it. A folder is not waited for.
    #[must_use]
    pub fn with_patience(self, patience: Duration) -> Self {
        match self.0 {
            Home::Local(folder) => Self(Home::Local(folder)),
            Home::Remote(bucket) => Self(Home::Remote(bucket.with_patience(patience))),
        }
    }

    /// Stores `bytes`; durable when this returns.
    pub(crate) async fn put_bytes(&self, repo: &RepoKey, key: &str, half: Half, bytes: Bytes) -> Result<()> {
        let name = name(repo, key, half);
        match &self.0 {
            Home::Local(folder) => {
                let folder = folder.clone();
                blocking::run(move || folder.place(&name, |file| std::fs::write(file, &bytes))).await
            }
            Home::Remote(bucket) => bucket.put(&name, bytes).await,
        }
    }

    /// Stores the file at `source` without holding it in memory; durable when this returns.
    pub(crate) async fn put_file(&self, repo: &RepoKey, key: &str, half: Half, source: &Path) -> Result<()> {
        let name = name(repo, key, half);
        match &self.0 {
            Home::Local(folder) => {
                let (folder, source) = (folder.clone(), source.to_owned());
                blocking::run(move || folder.place(&name, |file| link_or_copy(&source, file))).await
            }
            Home::Remote(bucket) => bucket.put_file(&name, source).await,
        }
    }

    /// Brings both files of a stored pack to `target`, where nothing must be yet, and makes sure that
    /// they are what the row says: sizes, checksums, and that the one belongs to the other.
    ///
    /// [`Error::Corrupt`] with the name of the file where the store has lost it or has something else;
    /// [`Error::Unavailable`] where the store does not answer.
    pub(crate) async fn fetch(&self, repo: &RepoKey, pack: &Pack, target: &PackFile) -> Result<()> {
        let names = [Half::Pack, Half::Idx].map(|half| name(repo, &pack.key, half));
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
                // Both at once; the bytes are hashed on their way.
                let (packed, indexed) = tokio::join!(
                    bucket.fetch(&names[0], pack.pack_bytes, &target.pack),
                    bucket.fetch(&names[1], pack.idx_bytes, &target.idx),
                );
                compare(pack, &packed?, &indexed?).map_err(|error| error.about(&names[0]))
            }
        }
    }

    /// Removes a pack: its index first, so that what is left of an interrupted removal is no pack to
    /// anybody. What is already gone is no error.
    pub(crate) async fn delete(&self, repo: &RepoKey, key: &str) -> Result<()> {
        for half in [Half::Idx, Half::Pack] {
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

    /// Every file stored for a repository, ordered by key and extension.
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

    /// Every file stored for any repository, in no order.
    pub(crate) fn list_all(&self) -> BoxStream<'static, Result<(RepoKey, StoredFile)>> {
        match &self.0 {
            Home::Local(folder) => folder.clone().list_all(),
            Home::Remote(bucket) => bucket.clone().list_all(),
        }
    }
}

/// The name of a file in the store.
fn name(repo: &RepoKey, key: &str, half: Half) -> String {
    format!("packs/{repo}/{key}.{}", half.extension())
}

fn stored_file(name: &str, bytes: u64, stored: SystemTime) -> Option<StoredFile> {
    let (key, extension) = name.rsplit_once('.')?;
    let ours = !key.is_empty() && matches!(extension, "pack" | "idx");
    ours.then(|| StoredFile { key: key.to_owned(), extension: extension.to_owned(), bytes, stored })
}

#[cfg(test)]
mod tests;
