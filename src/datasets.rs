//! Datasets: creating, reading, changing and deleting them. Every change of a repository (push, API commit, browser
//! edit) is applied here in one transaction.

pub(crate) mod activity;
pub mod browse;
mod browse_weight;
pub mod card;
pub mod ckan;
pub mod commits;
pub mod compare;
pub mod copies;
pub mod dry_run;
mod garbage;
pub mod idempotency;
pub mod merge;
pub mod object_refs;
pub mod package;
pub(crate) mod package_edit;
pub(crate) mod policy;
pub(crate) mod proposals;
pub(crate) mod ref_transaction;
pub mod refs;
mod rename;
pub mod revert;
pub mod revision_stats;
pub mod revisions;
pub mod search;
pub mod sorted;
pub mod stars;
pub mod stats;
pub mod trash;
pub mod tree_api;
mod version;

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use lfs::{Oid, Pointer};
use metastore::{
    Engine, Entry, InlinePacks, ObjectId, Pack, PackBytes, PackId, Ref, RefName, RepoKey, Snapshot, State, Turn,
};
use tokio::sync::Notify;

use crate::access::{Actor, CreateGrant, DatasetGrant, Own, Read};
use crate::clock::Clock;
use crate::config::Quotas;
use crate::db::datasets::DatasetRow;
use crate::db::packs::{PackRow, RefRow};
use crate::db::{Db, Tx, unsigned};
use crate::error::{Error, Result};
use crate::types::{Id, Visibility};

/// The datasets of this server. Cheap to clone.
#[derive(Clone)]
pub struct Datasets {
    db: Db,
    engine: Engine,
    clock: Clock,
    /// The public base URL of this server, if one is configured.
    address: Option<String>,
    memory: Arc<browse::BrowseCache>,
    quotas: Quotas,
    /// Wakes the worker after a commit that queued a job.
    queued: Arc<Notify>,
}

/// The outcome of one ref edit; the error is the reason for the refusal.
pub type Outcome = std::result::Result<(), String>;

impl Datasets {
    /// Creates the service on this database and git engine.
    pub fn new(
        db: Db,
        engine: Engine,
        clock: Clock,
        address: Option<String>,
        quotas: Quotas,
        queued: Arc<Notify>,
    ) -> Self {
        Self { db, engine, clock, address, memory: Arc::default(), quotas, queued }
    }

    /// Returns the git engine, for the git wire protocol.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Creates an empty dataset.
    ///
    /// The dataset stays in `store` for its whole life.
    ///
    /// # Errors
    /// Conflict if the dataset was created concurrently, or if an organisation has that name.
    pub async fn create(&self, creation: &CreateGrant, visibility: Visibility, store: &str) -> Result<Id> {
        let mut tx = self.db.write().await?;
        let id = creation.insert(&mut tx, &self.clock, visibility, store).await?;
        self.commit_and_index(tx, id).await?;
        Ok(id)
    }

    /// Changes the visibility of a dataset.
    pub async fn set_visibility(&self, grant: &DatasetGrant<Own>, visibility: Visibility) -> Result<()> {
        let mut tx = self.db.write().await?;
        tx.set_visibility(grant.id(), visibility).await?;
        self.audit(&mut tx, grant.actor(), "dataset.visibility", &grant.full_name(), visibility.as_str()).await?;
        tx.commit().await
    }

    /// Deletes a dataset. Its packs are deleted after the grace period; its objects stay in the store until they are
    /// collected.
    pub async fn delete(&self, grant: &DatasetGrant<Own>) -> Result<()> {
        self.remove(grant.id(), grant.actor(), &grant.full_name()).await
    }

    async fn remove(&self, id: Id, actor: &Actor, path: &str) -> Result<()> {
        // Deletes everything that belongs to the dataset, which may be millions of rows.
        let mut tx = self.db.write_long().await?;
        tx.lock_repo(id).await?;
        tx.delete_dataset(id, self.clock.now()).await?;
        self.audit(&mut tx, actor, "dataset.delete", path, "").await?;
        tx.commit().await?;
        if let Err(error) = self.engine.forget(&repo_key(id)?).await {
            tracing::warn!(%error, "cannot delete the cache of a deleted dataset; it stays until the cache is trimmed");
        }
        Ok(())
    }

    /// Returns all datasets ordered by path; for the operator only.
    ///
    /// # Errors
    /// Forbidden for everyone else.
    pub async fn datasets(&self, actor: &Actor) -> Result<Vec<DatasetRow>> {
        if !actor.is_operator() {
            return Err(Error::forbidden("only the operator can list all datasets"));
        }
        self.db.read().await?.datasets().await
    }

    /// Returns a snapshot of the repository in its current state.
    pub async fn snapshot(&self, grant: &DatasetGrant<Read>) -> Result<Arc<Snapshot>> {
        self.snapshot_of(grant.id()).await
    }

    /// Returns the current refs and packs. Unlike a snapshot, it does not load anything into the cache.
    pub async fn state(&self, grant: &DatasetGrant<Read>) -> Result<State> {
        read_state(&mut self.db.read().await?, grant.id()).await
    }

    /// Like [`Datasets::state`], for background work without an actor.
    pub(crate) async fn state_of(&self, id: Id) -> Result<State> {
        read_state(&mut self.db.read().await?, id).await
    }

    /// Like [`Datasets::snapshot`], for background work without an actor.
    pub(crate) async fn snapshot_of(&self, id: Id) -> Result<Arc<Snapshot>> {
        let key = repo_key(id)?;
        let mut tx = self.db.read().await?;
        let head = tx.repo(id).await?.ok_or_else(|| Error::not_found("the dataset has been deleted"))?;
        if let Some(snapshot) = self.engine.cached(&key, unsigned(head.generation)) {
            return Ok(snapshot);
        }
        let state = read_state(&mut tx, id).await?;
        drop(tx);
        match self.engine.snapshot(state).await {
            Ok(snapshot) => Ok(snapshot),
            // The sweep may have deleted a pack between the read and the download: the newest state does not list it
            // any more.
            Err(first) => {
                tracing::debug!(error = %first, "building the snapshot failed; retrying with the newest state");
                let state = read_state(&mut self.db.read().await?, id).await?;
                Ok(self.engine.snapshot(state).await?)
            }
        }
    }

    /// Acquires the write lock of a repository within this process. If the holder finds that the database does not
    /// respond, the requests queued behind it fail with it instead of timing out one after the other.
    pub(crate) async fn write_lock(&self, key: &RepoKey) -> Result<Turn> {
        let asked = Instant::now();
        let turn = self.engine.writer(key).await;
        self.db.expect_answers_since(asked)?;
        Ok(turn)
    }

    /// Merges the many small packs of a repository into one. Drops no objects.
    pub async fn consolidate(&self, id: Id) -> Result<()> {
        let key = repo_key(id)?;
        let snapshot = match self.snapshot_of(id).await {
            Ok(snapshot) => snapshot,
            Err(error) if error.kind() == crate::error::Kind::NotFound => return Ok(()),
            Err(error) => return Err(error),
        };
        let Some(inputs) = metastore::consolidation(&snapshot.state().packs) else { return Ok(()) };
        let pack = self.engine.consolidate(&snapshot, &inputs).await?;
        self.store(id, &key, &pack).await?;
        let now = self.clock.now();
        let mut tx = self.db.write().await?;
        let repo = tx.lock_repo(id).await?;
        if unsigned(repo.gc_epoch) != snapshot.state().epoch {
            // The merged pack must not bring back objects that were collected in the meantime.
            return Err(Error::busy("the repository was garbage-collected in the meantime; try again"));
        }
        for input in inputs.iter().filter(|input| **input != pack.id) {
            if !tx.retire_pack(id, &input.to_string(), now).await? {
                // Another replica has already merged these packs, and its pack has every object of ours.
                return Ok(());
            }
        }
        ref_transaction::insert_pack(&mut tx, id, &pack, now).await?;
        tx.set_generation(id, repo.generation + 1, &repo.head).await?;
        tx.commit().await?;
        tracing::info!(dataset = %id, merged = inputs.len(), objects = pack.objects, "merged packs");
        if let Err(error) = self.engine.cache_pack(&key, &pack).await {
            // The next reader downloads it instead.
            tracing::warn!(%error, "cannot add a merged pack to the cache");
        }
        Ok(())
    }

    /// Deletes pack files that no row references: retired packs after the grace period, and packs of writers that
    /// crashed before they committed. Returns the number of deleted packs.
    pub async fn sweep(&self, grace: Duration) -> Result<usize> {
        let now = self.clock.now();
        let before = now.minus(grace);
        let mut tx = self.db.write_long().await?;
        tx.drop_retired_packs(before).await?;
        tx.mark_for_deletion(before, now).await?;
        tx.commit().await?;
        let (mut deleted, mut after) = (0, String::new());
        loop {
            let marked = self.db.read().await?.marked_uploads(&after, 1000).await?;
            let Some((last, _)) = marked.last() else { return Ok(deleted) };
            after.clone_from(last);
            for (key, repo) in &marked {
                // One file that cannot be deleted must not block the others.
                if let Err(error) = self.engine.delete_pack(&repo.parse().map_err(Error::from)?, key).await {
                    tracing::warn!(%error, repo, key, "cannot delete a pack; the next sweep retries it");
                    continue;
                }
                let mut tx = self.db.write().await?;
                tx.delete_upload(key).await?;
                tx.commit().await?;
                deleted += 1;
            }
        }
    }

    /// Runs `git fsck` on a repository and returns the problems; empty means clean.
    pub async fn check(&self, id: Id) -> Result<Vec<String>> {
        Ok(self.snapshot_of(id).await?.fsck().await?)
    }

    async fn audit(&self, tx: &mut Tx, actor: &Actor, action: &str, subject: &str, detail: &str) -> Result<()> {
        let request = crate::request::id();
        tx.insert_audit(self.clock.id(), self.clock.now(), &actor.key(), action, subject, detail, &request).await
    }
}

/// Returns the key by which the engine knows a dataset's repository.
pub(crate) fn repo_key(id: Id) -> Result<RepoKey> {
    id.to_string().parse().map_err(Error::from)
}

/// Returns true for the empty object: git-lfs never uploads it, and no dataset has to hold it.
pub(crate) fn is_empty(pointer: &Pointer) -> bool {
    pointer.size == 0 && pointer.oid == Oid::EMPTY
}

/// Returns the tag of a file's content: different content has a different tag.
pub(crate) fn content_tag(entry: &Entry) -> String {
    let pointer = entry.pointer.as_ref().filter(|pointer| !is_empty(pointer));
    pointer.map_or_else(|| entry.id.to_string(), |pointer| pointer.oid.to_string())
}

async fn read_state(tx: &mut Tx, id: Id) -> Result<State> {
    let repo = tx.repo(id).await?.ok_or_else(|| Error::not_found("the dataset has been deleted"))?;
    Ok(State {
        repo: repo_key(id)?,
        generation: unsigned(repo.generation),
        epoch: unsigned(repo.gc_epoch),
        head: repo.head.parse::<RefName>()?,
        refs: read_refs(tx, id).await?,
        packs: read_packs(tx, id).await?,
    })
}

async fn read_refs(tx: &mut Tx, id: Id) -> Result<Vec<Ref>> {
    tx.refs(id).await?.iter().map(git_ref).collect()
}

/// Converts a row into the engine's ref.
fn git_ref(row: &RefRow) -> Result<Ref> {
    Ok(Ref {
        name: row.name.parse()?,
        target: object_id(&row.target)?,
        peeled: row.peeled.as_deref().map(object_id).transpose()?,
    })
}

async fn read_packs(tx: &mut Tx, id: Id) -> Result<Vec<Pack>> {
    tx.packs(id).await?.into_iter().map(pack).collect()
}

/// Converts a row into the engine's pack.
pub(crate) fn pack(row: PackRow) -> Result<Pack> {
    Ok(Pack {
        id: row.pack_id.parse()?,
        key: row.object_key,
        pack_bytes: unsigned(row.pack_bytes),
        idx_bytes: unsigned(row.idx_bytes),
        objects: unsigned(row.objects),
        inline: row.inline,
    })
}

fn object_id(hex: &str) -> Result<ObjectId> {
    ObjectId::from_hex(hex.as_bytes())
        .map_err(|_| Error::internal(format!("`{hex}` in the database is not an object id")))
}

/// Loads the small packs that are stored inline in database rows, for the engine.
pub struct SqlInlinePacks(pub Db);

#[async_trait]
impl InlinePacks for SqlInlinePacks {
    async fn load(&self, repo: &RepoKey, ids: &[PackId]) -> metastore::Result<Vec<(PackId, PackBytes)>> {
        let failed = |error: Error| match error.kind() {
            crate::error::Kind::Unavailable => metastore::Error::Unavailable(Box::new(error)),
            _ => metastore::Error::Internal(error.to_string()),
        };
        let repo: Id = repo.as_str().parse().map_err(failed)?;
        let mut tx = self.0.read().await.map_err(failed)?;
        let mut found = Vec::with_capacity(ids.len());
        for id in ids {
            if let Some((pack, idx)) = tx.inline_pack(repo, &id.to_string()).await.map_err(failed)? {
                found.push((*id, PackBytes { pack: pack.into(), idx: idx.into() }));
            }
        }
        Ok(found)
    }
}
