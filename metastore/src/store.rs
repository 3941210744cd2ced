//! Where packs live for good: a local folder or a bucket.
//!
//! Keys are `packs/<repo>/<key>.pack` and `.idx`. A key is chosen per attempt, written before any row
//! names it and never changed afterwards, so a retry is harmless and a reader never sees half a file.

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
    time::SystemTime,
};

use bytes::Bytes;
use futures::TryStreamExt;
use object_store::{ObjectStore, ObjectStoreExt, PutPayload, WriteMultipart, path::Path as ObjectPath};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::{Error, RepoKey, Result, blocking};

/// Bytes per part of a multipart upload; two parts are in flight, so this bounds memory.
const PART: usize = 8 * 1024 * 1024;

/// The permanent home of packs. Cheap to clone.
#[derive(Debug, Clone)]
pub struct PackStore(Home);

#[derive(Debug, Clone)]
enum Home {
    /// A folder. Not `object_store`'s local store: that one never syncs, and a pack whose row is
    /// committed must survive a power cut.
    Local(Arc<Path>),
    Remote(Arc<dyn ObjectStore>),
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
#[derive(Debug, Clone, Copy)]
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
    /// the same file system.
    pub fn local(root: &Path) -> Result<Self> {
        std::fs::create_dir_all(root)?;
        let root = std::path::absolute(root)?;
        root.parent().map(sync).transpose()?;
        Ok(Self(Home::Local(root.into())))
    }

    /// A bucket, or anything else behind the `object_store` interface.
    pub fn remote(objects: Arc<dyn ObjectStore>) -> Self {
        Self(Home::Remote(objects))
    }

    /// Stores `bytes`; durable when this returns.
    pub(crate) async fn put_bytes(&self, repo: &RepoKey, key: &str, half: Half, bytes: Bytes) -> Result<()> {
        match &self.0 {
            Home::Local(root) => {
                let target = local_path(root, repo, key, half);
                blocking::run(move || place(&target, |file| std::fs::write(file, &bytes))).await
            }
            Home::Remote(objects) => {
                objects.put(&remote_path(repo, key, half), PutPayload::from_bytes(bytes)).await?;
                Ok(())
            }
        }
    }

    /// Stores the file at `source` without holding it in memory; durable when this returns.
    pub(crate) async fn put_file(&self, repo: &RepoKey, key: &str, half: Half, source: &Path) -> Result<()> {
        match &self.0 {
            Home::Local(root) => {
                let (target, source) = (local_path(root, repo, key, half), source.to_owned());
                blocking::run(move || place(&target, |file| link_or_copy(&source, file))).await
            }
            Home::Remote(objects) => upload(objects.as_ref(), &remote_path(repo, key, half), source).await,
        }
    }

    /// Brings a stored file to `target`, which must not exist.
    pub(crate) async fn fetch(&self, repo: &RepoKey, key: &str, half: Half, target: &Path) -> Result<()> {
        match &self.0 {
            Home::Local(root) => {
                let (source, target) = (local_path(root, repo, key, half), target.to_owned());
                blocking::run(move || {
                    link_or_copy(&source, &target).map_err(|error| match error.kind() {
                        io::ErrorKind::NotFound => missing(&source.display()),
                        _ => error.into(),
                    })
                })
                .await
            }
            Home::Remote(objects) => {
                let source = remote_path(repo, key, half);
                let answer = objects.get(&source).await.map_err(|error| match error {
                    object_store::Error::NotFound { .. } => missing(&source),
                    other => other.into(),
                })?;
                let mut blocks = answer.into_stream();
                let mut file = tokio::fs::File::create_new(target).await?;
                while let Some(block) = blocks.try_next().await? {
                    file.write_all(&block).await?;
                }
                file.flush().await?;
                Ok(())
            }
        }
    }

    /// Removes a pack: its index first, so that what is left of an interrupted removal is no pack to
    /// anybody. What is already gone is no error.
    pub(crate) async fn delete(&self, repo: &RepoKey, key: &str) -> Result<()> {
        for half in [Half::Idx, Half::Pack] {
            match &self.0 {
                Home::Local(root) => {
                    let target = local_path(root, repo, key, half);
                    blocking::run(move || Ok(remove_if_there(&target)?)).await?;
                }
                Home::Remote(objects) => match objects.delete(&remote_path(repo, key, half)).await {
                    Ok(()) | Err(object_store::Error::NotFound { .. }) => {}
                    Err(error) => return Err(error.into()),
                },
            }
        }
        Ok(())
    }

    /// Every file stored for a repository, ordered by key and extension.
    pub(crate) async fn list(&self, repo: &RepoKey) -> Result<Vec<StoredFile>> {
        let mut files = match &self.0 {
            Home::Local(root) => {
                let folder = root.join("packs").join(repo.as_str());
                blocking::run(move || list_local(&folder)).await?
            }
            Home::Remote(objects) => {
                let prefix = ObjectPath::from(format!("packs/{repo}"));
                objects
                    .list(Some(&prefix))
                    .map_ok(|meta| stored_file(meta.location.filename()?, meta.size, meta.last_modified.into()))
                    .try_filter_map(|file| std::future::ready(Ok(file)))
                    .try_collect()
                    .await?
            }
        };
        files.sort_by(|left, right| (&left.key, &left.extension).cmp(&(&right.key, &right.extension)));
        Ok(files)
    }
}

fn missing(name: &dyn std::fmt::Display) -> Error {
    Error::NotFound(format!("the store has no {name}"))
}

fn local_path(root: &Path, repo: &RepoKey, key: &str, half: Half) -> PathBuf {
    root.join("packs").join(repo.as_str()).join(format!("{key}.{}", half.extension()))
}

fn remote_path(repo: &RepoKey, key: &str, half: Half) -> ObjectPath {
    ObjectPath::from(format!("packs/{repo}/{key}.{}", half.extension()))
}

fn stored_file(name: &str, bytes: u64, stored: SystemTime) -> Option<StoredFile> {
    let (key, extension) = name.rsplit_once('.')?;
    let ours = !key.is_empty() && matches!(extension, "pack" | "idx");
    ours.then(|| StoredFile { key: key.to_owned(), extension: extension.to_owned(), bytes, stored })
}

fn list_local(folder: &Path) -> Result<Vec<StoredFile>> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error.into()),
    };
    let mut files = Vec::new();
    for entry in entries {
        let entry = entry?;
        let metadata = match entry.metadata() {
            Ok(metadata) => metadata,
            // Deleted since the listing began.
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(error.into()),
        };
        if let Some(name) = entry.file_name().to_str().filter(|_| metadata.is_file()) {
            files.extend(stored_file(name, metadata.len(), metadata.modified()?));
        }
    }
    Ok(files)
}

/// Makes `target` with `fill` and syncs file and folders. In place: a key is new, and nobody looks for
/// it before its row is committed, so a crash half way leaves what any unused upload leaves.
fn place(target: &Path, fill: impl FnOnce(&Path) -> io::Result<()>) -> Result<()> {
    let folder = target.parent().ok_or_else(|| Error::Internal("a pack path without a folder".to_owned()))?;
    std::fs::create_dir_all(folder)?;
    // Each time: whoever made the folder may not have come as far as this.
    folder.ancestors().skip(1).take(2).try_for_each(sync)?;
    // A retry begins anew; writing into what is there could write through a hard link.
    remove_if_there(target)?;
    fill(target)?;
    sync(target)?;
    Ok(sync(folder)?)
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

/// Hard links where both lie on one file system, copies otherwise.
pub(crate) fn link_or_copy(source: &Path, target: &Path) -> io::Result<()> {
    match std::fs::hard_link(source, target) {
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::AlreadyExists) => Err(error),
        Err(_) => std::fs::copy(source, target).map(drop),
        Ok(()) => Ok(()),
    }
}

async fn upload(objects: &dyn ObjectStore, target: &ObjectPath, source: &Path) -> Result<()> {
    let mut file = tokio::fs::File::open(source).await?;
    let bytes = file.metadata().await?.len();
    if bytes <= PART as u64 {
        let mut all = Vec::new();
        file.read_to_end(&mut all).await?;
        objects.put(target, all.into()).await?;
        return Ok(());
    }
    let mut upload = WriteMultipart::new_with_chunk_size(objects.put_multipart(target).await?, PART);
    let sent: Result<()> = async {
        loop {
            let mut part = Vec::with_capacity(PART);
            if (&mut file).take(PART as u64).read_to_end(&mut part).await? == 0 {
                return Ok(());
            }
            upload.wait_for_capacity(2).await?;
            upload.put(part.into());
        }
    }
    .await;
    match sent {
        Ok(()) => {
            upload.finish().await?;
            Ok(())
        }
        Err(error) => {
            // Best effort: buckets expire unfinished uploads by a lifecycle rule.
            let _ = upload.abort().await;
            Err(error)
        }
    }
}

#[cfg(test)]
mod tests;
