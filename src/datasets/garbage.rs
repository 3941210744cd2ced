//! Git garbage collection: unreachable git objects, and the LFS objects that the history refers to.

use std::collections::HashSet;

use futures::TryStreamExt as _;
use lfs::Oid;
use metastore::{Garbage, Keep, ObjectId, PackId, Repacked, RepoKey};

use super::{Datasets, object_id, ref_transaction, repo_key};
use crate::db::unsigned;
use crate::error::{Error, Result};
use crate::retry::retry_on_conflict;
use crate::types::{Id, Millis};

/// How many times applying a collection is attempted. An attempt is cheap compared with the collection.
const MAX_ATTEMPTS: u32 = 5;

/// LFS objects that revisions of a dataset refer to, as of one generation.
pub(crate) struct LiveObjects {
    /// Generation of the repository.
    pub(crate) generation: u64,
    oids: Vec<Oid>,
}

impl LiveObjects {
    /// Returns true if the object is one of them.
    pub(crate) fn has(&self, oid: &Oid) -> bool {
        self.oids.binary_search(oid).is_ok()
    }
}

impl Datasets {
    /// Collects the LFS objects in the history of all refs, including the targets that refs had until they were changed
    /// after `since`.
    pub(crate) async fn reached(&self, id: Id, since: Millis) -> Result<LiveObjects> {
        let snapshot = self.snapshot_of(id).await?;
        let roots = self.former_targets(id, since).await?;
        let mut oids: Vec<Oid> = Vec::new();
        let mut batches = snapshot.reachable_pointers(roots);
        while let Some(batch) = batches.try_next().await? {
            oids.extend(batch.into_iter().map(|(oid, _)| oid));
        }
        oids.sort_unstable();
        oids.dedup();
        Ok(LiveObjects { generation: snapshot.state().generation, oids })
    }

    /// Returns the LFS objects of a dataset that are in its history, but in no branch any more.
    pub(crate) async fn superseded(&self, id: Id) -> Result<LiveObjects> {
        let snapshot = self.snapshot_of(id).await?;
        let (mut current, mut old) = (HashSet::new(), Vec::new());
        let mut batches = snapshot.branch_pointers();
        while let Some(batch) = batches.try_next().await? {
            current.extend(batch.into_iter().map(|(oid, _)| oid));
        }
        let mut batches = snapshot.reachable_pointers(Vec::new());
        while let Some(batch) = batches.try_next().await? {
            old.extend(batch.into_iter().map(|(oid, _)| oid).filter(|oid| !current.contains(oid)));
        }
        old.sort_unstable();
        old.dedup();
        Ok(LiveObjects { generation: snapshot.state().generation, oids: old })
    }

    /// Removes unreachable objects from the packs, or only counts them with `dry_run`. Packs newer than `before`, and
    /// whatever refs pointed to until after `before`, are kept.
    ///
    /// # Errors
    /// Busy if concurrent changes made the collection obsolete, or kept it from being applied.
    pub(crate) async fn collect_garbage(&self, id: Id, before: Millis, dry_run: bool) -> Result<Garbage> {
        let key = repo_key(id)?;
        let snapshot = self.snapshot_of(id).await?;
        let keep = Keep { roots: self.former_targets(id, before).await?, packs: self.young_packs(id, before).await? };
        if dry_run {
            return Ok(self.engine.find_garbage(&snapshot, &keep).await?);
        }
        let Some(repacked) = self.engine.collect_garbage(&snapshot, &keep).await? else {
            return Ok(Garbage::default());
        };
        if let Some(pack) = &repacked.pack {
            self.store(id, &key, pack).await?;
        }
        retry_on_conflict(MAX_ATTEMPTS, || self.apply_collection(id, &key, &repacked, before)).await?;
        Ok(repacked.garbage)
    }

    /// Applies a collection; `None` if the repository changed in the meantime.
    async fn apply_collection(&self, id: Id, key: &RepoKey, repacked: &Repacked, before: Millis) -> Result<Option<()>> {
        // This excludes writers of this process, but not of other replicas.
        let _turn = self.write_lock(key).await?;
        let newer = self.snapshot_of(id).await?;
        let roots = self.former_targets(id, before).await?;
        if newer.state().generation != repacked.generation
            && !self.engine.still_garbage(repacked, &newer, &roots).await?
        {
            return Err(changing());
        }
        let now = self.clock.now();
        let mut tx = self.db.write().await?;
        let repo = tx.lock_repo(id).await?;
        if unsigned(repo.gc_epoch) != repacked.epoch {
            return Err(changing());
        }
        if unsigned(repo.generation) != newer.state().generation {
            return Ok(None);
        }
        let made = repacked.pack.as_ref().map(|pack| pack.id);
        for pack in repacked.garbage.packs.iter().filter(|pack| Some(**pack) != made) {
            if !tx.retire_pack(id, &pack.to_string(), now).await? {
                return Err(changing());
            }
        }
        if let Some(pack) = &repacked.pack {
            ref_transaction::insert_pack(&mut tx, id, pack, now).await?;
        }
        tx.raise_epoch(id).await?;
        tx.commit().await?;
        if let Some(pack) = &repacked.pack
            && let Err(error) = self.engine.cache_pack(key, pack).await
        {
            // The next reader downloads it instead.
            tracing::warn!(%error, "cannot add a repacked pack to the cache");
        }
        Ok(Some(()))
    }

    async fn former_targets(&self, id: Id, since: Millis) -> Result<Vec<ObjectId>> {
        self.db.read().await?.former_targets(id, since).await?.iter().map(|target| object_id(target)).collect()
    }

    async fn young_packs(&self, id: Id, before: Millis) -> Result<Vec<PackId>> {
        let packs = self.db.read().await?.packs_since(id, before).await?;
        packs.iter().map(|pack| pack.parse().map_err(Error::from)).collect()
    }
}

fn changing() -> Error {
    Error::busy("the repository has changed during its garbage collection; try again later")
}
