//! What git holds that nothing reaches any more, and what all of its history names.

use std::sync::Arc;

use futures::TryStreamExt as _;
use lfs::Oid;
use metastore::{Garbage, Keep, ObjectId, PackId, Snapshot};

use super::{Drive, land, object_id, repo_key};
use crate::db::unsigned;
use crate::error::{Error, Result};
use crate::types::{Id, Millis};

/// Every object that a revision of a dataset names, as of one generation.
pub(crate) struct Reached {
    /// Of the repository.
    pub(crate) generation: u64,
    oids: Vec<Oid>,
}

impl Reached {
    /// Whether a revision names it.
    pub(crate) fn has(&self, oid: &Oid) -> bool {
        self.oids.binary_search(oid).is_ok()
    }
}

impl Drive {
    /// Walks all history: of the refs, and of what they pointed to until they were changed after
    /// `since`.
    pub(crate) async fn reached(&self, id: Id, since: Millis) -> Result<Reached> {
        let snapshot = self.snapshot_of(id).await?;
        let roots = self.former_targets(id, since).await?;
        let mut oids: Vec<Oid> = Vec::new();
        let mut batches = snapshot.reachable_pointers(roots);
        while let Some(batch) = batches.try_next().await? {
            oids.extend(batch.into_iter().map(|(oid, _)| oid));
        }
        oids.sort_unstable();
        oids.dedup();
        Ok(Reached { generation: snapshot.state().generation, oids })
    }

    /// Drops what nothing reaches from the packs, or only counts it. Packs that are younger than
    /// `before`, and what refs pointed to until after that, are kept whole.
    ///
    /// # Errors
    /// Busy if the repository changed too much meanwhile.
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
        // Writers of this process wait for the rest; those of others make it begin again.
        let _turn = self.engine.writer(&key).await;
        let newer: Arc<Snapshot> = self.snapshot_of(id).await?;
        let roots = self.former_targets(id, before).await?;
        if newer.state().generation != repacked.generation
            && !self.engine.still_garbage(&repacked, &newer, &roots).await?
        {
            return Err(Error::busy("the repository is being changed"));
        }
        let now = self.clock.now();
        let mut tx = self.db.write().await?;
        let repo = tx.lock_repo(id).await?;
        if unsigned(repo.generation) != newer.state().generation || unsigned(repo.gc_epoch) != repacked.epoch {
            return Err(Error::busy("the repository is being changed"));
        }
        let made = repacked.pack.as_ref().map(|pack| pack.id);
        for pack in repacked.garbage.packs.iter().filter(|pack| Some(**pack) != made) {
            if !tx.retire_pack(id, &pack.to_string(), now).await? {
                return Err(Error::busy("the repository is being changed"));
            }
        }
        if let Some(pack) = &repacked.pack {
            land::insert_pack(&mut tx, id, pack, now).await?;
        }
        tx.raise_epoch(id).await?;
        tx.commit().await?;
        if let Some(pack) = &repacked.pack
            && let Err(error) = self.engine.adopt(&key, pack).await
        {
            // The next reader downloads it instead.
            tracing::warn!(%error, "a pack without garbage could not be kept in the cache");
        }
        Ok(repacked.garbage)
    }

    async fn former_targets(&self, id: Id, since: Millis) -> Result<Vec<ObjectId>> {
        self.db.read().await?.former_targets(id, since).await?.iter().map(|target| object_id(target)).collect()
    }

    async fn young_packs(&self, id: Id, before: Millis) -> Result<Vec<PackId>> {
        let packs = self.db.read().await?.packs_since(id, before).await?;
        packs.iter().map(|pack| pack.parse().map_err(Error::from)).collect()
    }
}
