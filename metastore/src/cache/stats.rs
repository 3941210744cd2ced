//! Cache statistics.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Cache statistics of one engine: counters since it was opened, and the current size.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CacheStats {
    /// Number of snapshot requests served by an open snapshot.
    pub snapshot_hits: u64,
    /// Number of snapshots that had to be built.
    pub snapshot_misses: u64,
    /// Number of snapshots that were rebuilt because their folder was deleted while in use.
    pub rebuilds: u64,
    /// Number of packs found in the cache when a snapshot was built.
    pub pack_hits: u64,
    /// Number of packs that had to be loaded from the store or the database.
    pub pack_misses: u64,
    /// Bytes of packs and indexes downloaded from the store.
    pub downloaded_bytes: u64,
    /// Size of the cache folder in bytes, for all engines that share it: as of the last count, plus what this
    /// engine has added since.
    pub bytes: u64,
    /// Number of files evicted to stay within the limit.
    pub evictions: u64,
    /// Number of bytes evicted to stay within the limit.
    pub evicted_bytes: u64,
}

#[derive(Debug, Default)]
pub(super) struct Counters {
    snapshot_hits: AtomicU64,
    snapshot_misses: AtomicU64,
    rebuilds: AtomicU64,
    pack_hits: AtomicU64,
    pack_misses: AtomicU64,
    downloaded_bytes: AtomicU64,
    evictions: AtomicU64,
    evicted_bytes: AtomicU64,
}

impl Counters {
    pub(super) fn snapshot(&self, at_hand: bool) {
        let counter = if at_hand { &self.snapshot_hits } else { &self.snapshot_misses };
        counter.fetch_add(1, Relaxed);
    }

    pub(super) fn rebuilt(&self) {
        self.rebuilds.fetch_add(1, Relaxed);
    }

    pub(super) fn packs(&self, hits: usize, misses: usize) {
        self.pack_hits.fetch_add(hits as u64, Relaxed);
        self.pack_misses.fetch_add(misses as u64, Relaxed);
    }

    pub(super) fn downloaded(&self, bytes: u64) {
        self.downloaded_bytes.fetch_add(bytes, Relaxed);
    }

    pub(super) fn evicted(&self, files: u64, bytes: u64) {
        self.evictions.fetch_add(files, Relaxed);
        self.evicted_bytes.fetch_add(bytes, Relaxed);
    }

    pub(super) fn read(&self, bytes: u64) -> CacheStats {
        let read = |counter: &AtomicU64| counter.load(Relaxed);
        CacheStats {
            snapshot_hits: read(&self.snapshot_hits),
            snapshot_misses: read(&self.snapshot_misses),
            rebuilds: read(&self.rebuilds),
            pack_hits: read(&self.pack_hits),
            pack_misses: read(&self.pack_misses),
            downloaded_bytes: read(&self.downloaded_bytes),
            bytes,
            evictions: read(&self.evictions),
            evicted_bytes: read(&self.evicted_bytes),
        }
    }
}
