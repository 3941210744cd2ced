//! Cache of results, and of what engines found out about files, on the local disk. Keys cover the content and the request, and
//! never names, so nothing becomes stale. Any file may be deleted at any time.

use std::fs::File;
use std::ops::Range;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use futures::{StreamExt as _, stream};
use metastore::TempDir;
use sha2::{Digest as _, Sha256};
use tables_wire::Done;
use tokio::io::AsyncWriteExt as _;
use tokio::sync::mpsc;

use super::part::Part;
use crate::clock::Clock;
use crate::error::{Error, Result};
use crate::storage::read_range::Blocks;

/// Maximum length of the end of a result, in bytes.
const MAX_DONE: u64 = 16 << 20;

/// The cache. Cheap to clone.
#[derive(Clone)]
pub(super) struct ResultCache(Arc<Inner>);

struct Inner {
    folder: PathBuf,
    /// Where entries are written before they are complete.
    unfinished: TempDir,
    /// Maximum size of all results, and of one, in bytes.
    limit: u64,
    result_limit: u64,
    clock: Clock,
    /// Bytes that may be added before the folder is measured again.
    headroom: AtomicU64,
}

/// The name of a result: a hash of everything that it depends on.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Key(String);

impl Key {
    /// Creates the key of these parts.
    pub(super) fn of(parts: &[&[u8]]) -> Self {
        let mut hash = Sha256::new();
        for part in parts {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part);
        }
        Self(hex::encode(hash.finalize()))
    }

    /// Returns the hash, in hexadecimal digits.
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

impl ResultCache {
    /// Opens the cache in `folder`; `limit` is the maximum size of all results, and `result_limit` of one, in bytes.
    pub(super) fn new(folder: PathBuf, unfinished: TempDir, limit: u64, result_limit: u64, clock: Clock) -> Self {
        let (headroom, result_limit) = (AtomicU64::new(0), result_limit.min(limit / 2));
        Self(Arc::new(Inner { folder, unfinished, limit, result_limit, clock, headroom }))
    }

    fn path(&self, key: &Key) -> PathBuf {
        self.0.folder.join(&key.0[..2]).join(&key.0)
    }

    /// Returns a small entry.
    pub(super) async fn get(&self, key: &Key) -> Option<Bytes> {
        let bytes = tokio::fs::read(self.path(key)).await.ok()?;
        self.touch(key).await;
        Some(bytes.into())
    }

    /// Adds a small entry.
    pub(super) async fn put(&self, key: &Key, bytes: &[u8]) {
        let Ok(mut writer) = self.create(key, self.0.result_limit).await else { return };
        if writer.add(bytes).await.is_ok() {
            writer.publish().await;
        }
    }

    /// Returns the parts of a result, which are read as they are taken.
    pub(super) async fn result(&self, key: &Key) -> Option<mpsc::Receiver<Result<Part>>> {
        let CachedResult { file, size, done, .. } = self.open(key).await?;
        let (sender, receiver) = mpsc::channel(1);
        tokio::spawn(async move {
            let mut blocks = read_blocks(file, 0..size);
            while let Some(block) = blocks.next().await {
                if sender.send(block.map(Part::Chunk)).await.is_err() {
                    return;
                }
            }
            let _ = sender.send(Ok(Part::Done(done))).await;
        });
        Some(receiver)
    }

    /// Opens a result, which can then be read even if the cache deletes it.
    pub(super) async fn open(&self, key: &Key) -> Option<CachedResult> {
        let path = self.path(key);
        let opened = crate::blocking(move || open(&path)).await.ok()??;
        self.touch(key).await;
        let (file, size, done) = opened;
        Some(CachedResult { file: Arc::new(file), size, done, tag: key.0.clone() })
    }

    /// Returns the writer of a result of at most `limit` bytes; `None` if it cannot be cached.
    pub(super) async fn writer(&self, key: &Key, limit: u64) -> Option<CacheWriter> {
        match self.create(key, limit).await {
            Ok(writer) => Some(writer),
            Err(error) => {
                tracing::warn!(%error, "cannot write to the cache of tables");
                None
            }
        }
    }

    /// Returns the maximum size of results in general, in bytes.
    pub(super) fn result_limit(&self) -> u64 {
        self.0.result_limit
    }

    /// Returns the maximum size of results that must be in the cache to be of use, in bytes.
    pub(super) fn file_limit(&self) -> u64 {
        self.0.limit / 2
    }

    async fn create(&self, key: &Key, limit: u64) -> std::io::Result<CacheWriter> {
        let (target, folder) = (self.path(key), self.0.unfinished.path());
        let temporary = folder.join(self.0.clock.id().to_string());
        tokio::fs::create_dir_all(folder).await?;
        let file = tokio::fs::File::options().write(true).create_new(true).open(&temporary).await?;
        Ok(CacheWriter { cache: self.clone(), file, temporary, target, limit, written: 0, is_published: false })
    }

    /// Records that an entry was used.
    async fn touch(&self, key: &Key) {
        let (path, now) = (self.path(key), self.now());
        let touch = move || std::fs::File::options().append(true).open(path).and_then(|file| file.set_modified(now));
        // An entry that was deleted meanwhile needs none.
        let _ = crate::blocking(touch).await;
    }

    fn now(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_millis(u64::try_from(self.0.clock.now().0).unwrap_or_default())
    }

    /// Counts an added entry, and deletes the entries that were not used for longest if there are too many.
    async fn added(&self, bytes: u64) {
        let left =
            self.0.headroom.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| Some(left.saturating_sub(bytes)));
        if left.is_ok_and(|left| left > bytes) {
            return;
        }
        let inner = Arc::clone(&self.0);
        let _ = crate::blocking(move || inner.trim()).await;
    }
}

impl Inner {
    fn trim(&self) {
        let mut entries = Vec::new();
        let mut total = 0;
        let folders = std::fs::read_dir(&self.folder).into_iter().flatten().flatten().map(|entry| entry.path());
        for entry in folders.filter_map(|folder| std::fs::read_dir(folder).ok()).flatten().flatten() {
            if let Ok(metadata) = entry.metadata() {
                total += metadata.len();
                entries.push((metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH), metadata.len(), entry.path()));
            }
        }
        if total > self.limit {
            entries.sort_unstable();
            for (_, bytes, path) in entries {
                if total <= self.limit / 10 * 9 {
                    break;
                }
                if std::fs::remove_file(path).is_ok() {
                    total -= bytes;
                }
            }
        }
        // Other servers may share the folder.
        self.headroom.store(self.limit.saturating_sub(total).min(self.limit / 10).max(1), Ordering::Relaxed);
    }
}

/// A result in the cache.
#[derive(Clone)]
pub(super) struct CachedResult {
    file: Arc<File>,
    /// Size in bytes, without the end.
    pub(super) size: u64,
    /// Its end.
    pub(super) done: Done,
    /// Different results have different tags.
    pub(super) tag: String,
}

impl CachedResult {
    /// Streams a range of the result.
    pub(super) fn read(&self, range: Range<u64>) -> Blocks {
        read_blocks(Arc::clone(&self.file), range)
    }
}

/// Opens an entry; `None` if there is none, or if it is damaged. Returns its size without the end, and the end.
fn open(path: &Path) -> Option<(File, u64, Done)> {
    let file = File::open(path).ok()?;
    // The last part comes first, because it says where it begins.
    let trailer = file.metadata().ok()?.len().checked_sub(4)?;
    let mut length = [0; 4];
    file.read_exact_at(&mut length, trailer).ok()?;
    let length = u64::from(u32::from_be_bytes(length));
    let size = trailer.checked_sub(length).filter(|_| length <= MAX_DONE)?;
    let mut done = vec![0; usize::try_from(length).ok()?];
    file.read_exact_at(&mut done, size).ok()?;
    Some((file, size, serde_json::from_slice(&done).ok()?))
}

fn read_blocks(file: Arc<File>, range: Range<u64>) -> Blocks {
    let next = async move |(file, range): (Arc<File>, Range<u64>)| {
        if range.is_empty() {
            return Ok(None);
        }
        let end = range.end.min(range.start + tables_wire::BLOCK as u64);
        let (from, start) = (Arc::clone(&file), range.start);
        let block = crate::blocking(move || {
            let mut block = vec![0; usize::try_from(end - start).unwrap_or_default()];
            from.read_exact_at(&mut block, start).map(|()| block)
        });
        let block = block.await?.map_err(Error::internal)?;
        Ok(Some((Bytes::from(block), (file, end..range.end))))
    };
    stream::try_unfold((file, range), next).boxed()
}

/// Writes an entry, which becomes visible when it is complete, and is deleted if it does not.
pub(super) struct CacheWriter {
    cache: ResultCache,
    file: tokio::fs::File,
    temporary: PathBuf,
    target: PathBuf,
    /// Maximum size in bytes.
    limit: u64,
    written: u64,
    is_published: bool,
}

impl CacheWriter {
    /// Adds bytes.
    ///
    /// # Errors
    /// If the entry becomes too large to be cached, or cannot be written.
    pub(super) async fn add(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.written += bytes.len() as u64;
        if self.written > self.limit {
            return Err(std::io::ErrorKind::FileTooLarge.into());
        }
        self.file.write_all(bytes).await
    }

    /// Completes a result.
    pub(super) async fn finish(mut self, done: &Done) {
        let Ok(trailer) = serde_json::to_vec(done) else { return };
        let Ok(length) = u32::try_from(trailer.len()) else { return };
        if self.add(&trailer).await.is_ok() && self.add(&length.to_be_bytes()).await.is_ok() {
            self.publish().await;
        }
    }

    async fn publish(mut self) {
        let folder = self.target.parent().map(PathBuf::from).unwrap_or_default();
        let publish = async {
            self.file.flush().await?;
            tokio::fs::create_dir_all(folder).await?;
            tokio::fs::rename(&self.temporary, &self.target).await
        };
        match publish.await {
            Ok(()) => {
                self.is_published = true;
                self.cache.added(self.written).await;
            }
            Err(error) => tracing::warn!(%error, "cannot write to the cache of tables"),
        }
    }
}

impl Drop for CacheWriter {
    fn drop(&mut self) {
        if !self.is_published {
            // What cannot be deleted goes with its folder.
            let _ = std::fs::remove_file(&self.temporary);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn all(mut parts: mpsc::Receiver<Result<Part>>) -> (Vec<u8>, Option<Done>) {
        let mut body = Vec::new();
        while let Some(part) = parts.recv().await {
            match part.unwrap() {
                Part::Chunk(chunk) => body.extend_from_slice(&chunk),
                Part::Done(done) => return (body, Some(done)),
            }
        }
        (body, None)
    }

    fn done(rows: u64) -> Done {
        Done { rows, total: Some(rows), ..Done::default() }
    }

    #[tokio::test]
    async fn results_are_returned_as_they_were_written() {
        let folder = tempfile::tempdir().unwrap();
        let unfinished = TempDir::create(folder.path(), "new-").unwrap();
        let cache = ResultCache::new(folder.path().join("tables"), unfinished, 16 << 20, 4 << 20, Clock::default());
        for size in [0, 1, tables_wire::BLOCK, 3 * tables_wire::BLOCK + 5] {
            let key = Key::of(&[b"x", &size.to_le_bytes()]);
            assert!(cache.result(&key).await.is_none());
            let mut writer = cache.writer(&key, cache.result_limit()).await.unwrap();
            let body: Vec<u8> = (0..size).map(|byte| u8::try_from(byte % 251).unwrap()).collect();
            for piece in body.chunks(700_001) {
                writer.add(piece).await.unwrap();
            }
            writer.finish(&done(7)).await;
            assert_eq!(all(cache.result(&key).await.unwrap()).await, (body, Some(done(7))), "{size}");
            // A damaged entry is ignored.
            std::fs::write(cache.path(&key), b"\0\0\xff\xff").unwrap();
            assert!(cache.result(&key).await.is_none());
        }
        let too_large = cache.writer(&Key::of(&[b"y"]), 4 << 20).await.unwrap().add(&vec![0; 5 << 20]).await;
        assert!(too_large.is_err());
        assert_eq!(std::fs::read_dir(cache.0.unfinished.path()).unwrap().count(), 0, "unfinished entries are deleted");
    }

    #[tokio::test]
    async fn entries_that_were_not_used_for_longest_are_deleted() {
        let folder = tempfile::tempdir().unwrap();
        let unfinished = TempDir::create(folder.path(), "new-").unwrap();
        let clock = Clock::default();
        let cache = ResultCache::new(folder.path().join("tables"), unfinished, 1 << 20, 1 << 20, clock.clone());
        let key = |index: u32| Key::of(&[&index.to_le_bytes()]);
        for index in 0..30 {
            clock.advance(Duration::from_secs(1));
            cache.put(&key(index), &vec![0; 100_000]).await;
            clock.advance(Duration::from_secs(1));
            assert!(cache.get(&key(0)).await.is_some(), "{index}: it was used just now");
        }
        let mut kept = 0;
        for index in 0..30 {
            kept += usize::from(cache.get(&key(index)).await.is_some());
        }
        assert!((5..=11).contains(&kept), "{kept}");
        assert!(cache.get(&key(29)).await.is_some());
    }
}
