//! Size accounting and LRU eviction of the pack cache.

use std::{
    collections::HashMap,
    ffi::OsStr,
    io,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering::Relaxed},
};

use super::{PACKS, process_dir};
use crate::Result;

/// Without a limit, the cache is counted again after this many bytes were added, to keep the statistics accurate.
const UNLIMITED_HEADROOM: u64 = 1 << 30;

/// The size of one cache folder, shared or not, against a limit.
#[derive(Debug)]
pub(super) struct CacheBudget {
    cache: PathBuf,
    limit: Option<u64>,
    /// Bytes at the last count plus those added since.
    bytes: AtomicU64,
    /// Number of bytes that may be added before the next count.
    headroom: AtomicU64,
}

/// The result of a trim.
#[derive(Debug, Default)]
pub(super) struct Trimmed {
    pub(super) evictions: u64,
    pub(super) evicted_bytes: u64,
    /// Number of bytes above the limit that are still in use by snapshots.
    pub(super) excess: u64,
}

impl CacheBudget {
    /// Opens the cache folder and counts its size. Blocks.
    pub(super) fn open(cache: PathBuf, limit: Option<u64>) -> Result<Self> {
        let room = Self { cache, limit, bytes: AtomicU64::new(0), headroom: AtomicU64::new(0) };
        room.settle(CacheUsage::take(&room.cache)?.bytes());
        Ok(room)
    }

    pub(super) fn bytes(&self) -> u64 {
        self.bytes.load(Relaxed)
    }

    pub(super) fn spend(&self, bytes: u64) {
        self.bytes.fetch_add(bytes, Relaxed);
        let _ = self.headroom.fetch_update(Relaxed, Relaxed, |left| Some(left.saturating_sub(bytes)));
    }

    pub(super) fn is_spent(&self) -> bool {
        self.headroom.load(Relaxed) == 0
    }

    fn settle(&self, bytes: u64) {
        self.bytes.store(bytes, Relaxed);
        // Recount after at most a tenth of the limit was added: other processes fill the same folder.
        let headroom = match self.limit {
            Some(limit) => limit.saturating_sub(bytes).clamp(1, limit / 10 + 1),
            None => UNLIMITED_HEADROOM,
        };
        self.headroom.store(headroom, Relaxed);
    }

    /// Removes packs that have no other hard link, least recently used first, until the cache is within its limit.
    pub(super) fn trim(&self) -> Result<Trimmed> {
        let census = CacheUsage::take(&self.cache)?;
        let limit = self.limit.unwrap_or(u64::MAX);
        let mut total = census.bytes();
        let mut trimmed = Trimmed::default();
        for idle in census.idle() {
            if total <= limit {
                break;
            }
            if std::fs::remove_file(&idle.path).is_ok() {
                total -= idle.bytes;
                trimmed.evictions += 1;
                trimmed.evicted_bytes += idle.bytes;
            }
        }
        self.settle(total);
        trimmed.excess = total.saturating_sub(limit);
        Ok(trimmed)
    }
}

/// Returns true if a folder of the cache belongs to the engine.
fn is_ours(name: &OsStr) -> bool {
    name == PACKS || name.to_str().is_some_and(|name| name.starts_with(process_dir::PREFIX))
}

/// Every file of a cache, each counted once regardless of its number of hard links. Other folders beside ours are not
/// counted: they have limits of their own.
struct CacheUsage {
    files: HashMap<(u64, u64), Counted>,
}

struct Counted {
    bytes: u64,
    links: u64,
    /// Number of hard links inside the cache folder.
    names: u64,
    /// Its path among the cached packs, if it has one there.
    pack: Option<PathBuf>,
    /// The change time. Creating or removing a hard link updates it, so the file system tracks the last use.
    last_use: (i64, i64),
}

struct Idle {
    path: PathBuf,
    bytes: u64,
    last_use: (i64, i64),
}

impl CacheUsage {
    fn take(cache: &Path) -> Result<Self> {
        let mut census = Self { files: HashMap::new() };
        let packs = cache.join(PACKS);
        let mut folders = vec![cache.to_owned()];
        while let Some(folder) = folders.pop() {
            let entries = match std::fs::read_dir(&folder) {
                Ok(entries) => entries,
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(error.into()),
            };
            let is_packs = folder.starts_with(&packs);
            for entry in entries {
                // Entries deleted during the walk take no space.
                let Ok(entry) = entry else { continue };
                let Ok(metadata) = entry.metadata() else { continue };
                if metadata.is_dir() {
                    if folder != cache || is_ours(&entry.file_name()) {
                        folders.push(entry.path());
                    }
                    continue;
                }
                let counted = census.files.entry((metadata.dev(), metadata.ino())).or_insert_with(|| Counted {
                    bytes: metadata.len(),
                    links: metadata.nlink(),
                    names: 0,
                    pack: None,
                    last_use: (metadata.ctime(), metadata.ctime_nsec()),
                });
                counted.names += 1;
                if is_packs {
                    counted.pack = Some(entry.path());
                }
            }
        }
        Ok(census)
    }

    /// Returns the files that belong to the cache alone. A file that also has a hard link elsewhere, such as
    /// in a local store, takes no additional space here.
    fn own(&self) -> impl Iterator<Item = &Counted> {
        self.files.values().filter(|file| file.links <= file.names)
    }

    fn bytes(&self) -> u64 {
        self.own().map(|file| file.bytes).sum()
    }

    /// Returns the packs that no snapshot links to, least recently used first.
    fn idle(&self) -> Vec<Idle> {
        let idle = self
            .own()
            .filter(|file| file.names == 1)
            .filter_map(|file| Some(Idle { path: file.pack.clone()?, bytes: file.bytes, last_use: file.last_use }));
        let mut idle: Vec<_> = idle.collect();
        idle.sort_unstable_by_key(|file| file.last_use);
        idle
    }
}
