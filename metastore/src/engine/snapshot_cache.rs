//! Cache of open snapshots.

use std::{
    collections::HashMap,
    sync::{Arc, Weak},
};

use crate::{RepoKey, Snapshot, State};

/// Keeps the newest snapshot of the most recently used repositories open, and finds older ones while they are
/// still held.
pub(super) struct SnapshotCache {
    newest: HashMap<RepoKey, SnapshotEntry>,
    leased: HashMap<RepoKey, Vec<Weak<Snapshot>>>,
    limit: usize,
    uses: u64,
}

struct SnapshotEntry {
    snapshot: Arc<Snapshot>,
    last_use: u64,
}

impl SnapshotCache {
    pub(super) fn new(limit: usize) -> Self {
        Self { newest: HashMap::new(), leased: HashMap::new(), limit: limit.max(1), uses: 0 }
    }

    pub(super) fn find(&mut self, repo: &RepoKey, generation: u64) -> Option<Arc<Snapshot>> {
        self.find_by(repo, |state| state.generation == generation)
    }

    /// Like [`find`](Self::find), but compares the whole state. So it is not fooled by a database that was
    /// restored from a backup and reuses generation numbers.
    pub(super) fn find_exact(&mut self, wanted: &State) -> Option<Arc<Snapshot>> {
        self.find_by(&wanted.repo, |state| state == wanted)
    }

    /// Skips snapshots whose folder was deleted: the cache is disposable.
    fn find_by(&mut self, repo: &RepoKey, fits: impl Fn(&State) -> bool) -> Option<Arc<Snapshot>> {
        let fits = |snapshot: &Snapshot| fits(snapshot.state()) && snapshot.is_on_disk();
        self.uses += 1;
        if let Some(kept) = self.newest.get_mut(repo).filter(|kept| fits(&kept.snapshot)) {
            kept.last_use = self.uses;
            return Some(Arc::clone(&kept.snapshot));
        }
        self.leased.get(repo)?.iter().filter_map(Weak::upgrade).find(|snapshot| fits(snapshot))
    }

    /// Adds a snapshot that was just built. One that is older than the newest is only kept track of while it is held.
    pub(super) fn put(&mut self, snapshot: &Arc<Snapshot>) {
        self.uses += 1;
        let state = snapshot.state();
        let current = self.newest.get(&state.repo).map(|kept| kept.snapshot.state().generation);
        if current.is_some_and(|current| current > state.generation) {
            self.remember(&state.repo, snapshot);
            return;
        }
        let kept = SnapshotEntry { snapshot: Arc::clone(snapshot), last_use: self.uses };
        if let Some(previous) = self.newest.insert(state.repo.clone(), kept) {
            self.remember(&state.repo, &previous.snapshot);
        }
        if self.newest.len() > self.limit {
            let idlest = self.newest.iter().min_by_key(|(_, kept)| kept.last_use).map(|(repo, _)| repo.clone());
            if let Some((repo, kept)) = idlest.and_then(|repo| self.newest.remove_entry(&repo)) {
                self.remember(&repo, &kept.snapshot);
            }
        }
    }

    /// Removes snapshots without holders, least recently used first, until their packs free the given number
    /// of bytes.
    pub(super) fn take_idle(&mut self, bytes: u64) -> Vec<Arc<Snapshot>> {
        let idle = self.newest.iter().filter(|(_, kept)| Arc::strong_count(&kept.snapshot) == 1);
        let mut idle: Vec<_> = idle.map(|(repo, kept)| (kept.last_use, repo.clone())).collect();
        idle.sort_unstable_by_key(|(last_use, _)| *last_use);
        let (mut taken, mut sum) = (Vec::new(), 0);
        for (_, repo) in idle {
            if sum >= bytes {
                break;
            }
            if let Some(kept) = self.newest.remove(&repo) {
                sum += kept.snapshot.state().packs.iter().map(|pack| pack.pack_bytes + pack.idx_bytes).sum::<u64>();
                taken.push(kept.snapshot);
            }
        }
        taken
    }

    pub(super) fn forget(&mut self, repo: &RepoKey) {
        self.newest.remove(repo);
        self.leased.remove(repo);
    }

    fn remember(&mut self, repo: &RepoKey, snapshot: &Arc<Snapshot>) {
        self.leased.retain(|_, leases| {
            leases.retain(|lease| lease.strong_count() > 0);
            !leases.is_empty()
        });
        self.leased.entry(repo.clone()).or_default().push(Arc::downgrade(snapshot));
    }
}
