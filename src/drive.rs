//! Datasets as people see them: made, read, written, deleted. Every change of
//! a repository, from whatever door, lands here in one transaction.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use lfs::{Oid, Pointer};
use metastore::{
    Changeset, Content, Edit, Engine, InlinePacks, Landing, ObjectId, Pack, PackBytes, PackId, Ref, RefEdit, RefName,
    RepoKey, Snapshot, State,
};

use crate::access::{Actor, Creation, Grant, Own, Read, Write};
use crate::clock::Clock;
use crate::db::datasets::DatasetRow;
use crate::db::packs::PackInsert;
use crate::db::{Db, Tx, signed, unsigned};
use crate::error::{Error, Result};
use crate::jobs::{self, Kind};
use crate::types::{Id, Visibility};

/// How often a commit that names no expected head is tried again when
/// somebody else was faster.
const RETRIES: usize = 20;

/// The datasets of this installation. Cheap to clone.
#[derive(Clone)]
pub struct Drive {
    db: Db,
    engine: Engine,
    clock: Clock,
}

/// What became of one edit of a ref.
pub type Outcome = std::result::Result<(), String>;

impl Drive {
    /// Works on this database, through this engine.
    pub fn new(db: Db, engine: Engine, clock: Clock) -> Self {
        Self { db, engine, clock }
    }

    /// The git engine, for what comes in over its wire.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Makes an empty dataset.
    ///
    /// # Errors
    /// Conflict if it was made meanwhile, or an organisation has that name.
    pub async fn create(&self, creation: &Creation, visibility: Visibility) -> Result<Id> {
        let path = creation.path();
        let id = self.clock.id();
        let mut tx = self.db.write().await?;
        if let Ok(name) = path.to_string().parse()
            && tx.owner(&name).await?.is_some()
        {
            return Err(Error::conflict(format!("there is an organisation `{path}`")));
        }
        tx.insert_dataset(id, creation.owner(), path, visibility, self.clock.now()).await?;
        self.audit(&mut tx, creation.actor(), "dataset.create", &path.to_string(), visibility.as_str()).await?;
        tx.commit().await?;
        Ok(id)
    }

    /// Changes who sees a dataset.
    pub async fn set_visibility(&self, grant: &Grant<Own>, visibility: Visibility) -> Result<()> {
        let mut tx = self.db.write().await?;
        tx.set_visibility(grant.id(), visibility).await?;
        self.audit(&mut tx, grant.actor(), "dataset.visibility", &grant.path(), visibility.as_str()).await?;
        tx.commit().await
    }

    /// Removes a dataset. Its packs and objects follow after the grace period.
    pub async fn delete(&self, grant: &Grant<Own>) -> Result<()> {
        let mut tx = self.db.write().await?;
        tx.lock_repo(grant.id()).await?;
        tx.delete_dataset(grant.id(), self.clock.now()).await?;
        self.audit(&mut tx, grant.actor(), "dataset.delete", &grant.path(), "").await?;
        tx.commit().await?;
        self.engine.forget(&repo_key(grant.id())?).await.map_err(Error::from)
    }

    /// All datasets by path: for the operator only.
    ///
    /// # Errors
    /// Forbidden to everybody else.
    pub async fn datasets(&self, actor: &Actor) -> Result<Vec<DatasetRow>> {
        if !actor.is_operator() {
            return Err(Error::forbidden("only the operator lists all datasets"));
        }
        self.db.read().await?.datasets().await
    }

    /// The repository as it is now.
    pub async fn snapshot(&self, grant: &Grant<Read>) -> Result<Arc<Snapshot>> {
        self.snapshot_of(grant.id()).await
    }

    /// Like [`Drive::snapshot`], for work that no person asked for.
    pub(crate) async fn snapshot_of(&self, id: Id) -> Result<Arc<Snapshot>> {
        let key = repo_key(id)?;
        let mut tx = self.db.read().await?;
        let head = tx.repo(id).await?.ok_or_else(|| Error::not_found("the dataset was deleted meanwhile"))?;
        if let Some(snapshot) = self.engine.cached(&key, unsigned(head.generation)) {
            return Ok(snapshot);
        }
        let state = read_state(&mut tx, id).await?;
        drop(tx);
        match self.engine.snapshot(state).await {
            Ok(snapshot) => Ok(snapshot),
            // A pack may have been swept between the read and the download: the newest state has no such pack.
            Err(first) => {
                tracing::debug!(error = %first, "a snapshot is built again from the newest state");
                let state = read_state(&mut self.db.read().await?, id).await?;
                Ok(self.engine.snapshot(state).await?)
            }
        }
    }

    /// Makes a revision.
    ///
    /// # Errors
    /// Precondition if the changeset names an expected head and the branch is
    /// elsewhere; busy if too many others write the same branch.
    pub async fn commit(&self, grant: &Grant<Write>, changes: Changeset) -> Result<ObjectId> {
        let key = repo_key(grant.id())?;
        self.demand_objects(grant.id(), &changes).await?;
        let expected = changes.parent.is_some();
        let changes = Arc::new(changes);
        for _ in 0..RETRIES {
            // Writers of one repository take turns here; the comparison in the transaction is the truth.
            let _turn = self.engine.writer(&key).await;
            let snapshot = self.snapshot_of(grant.id()).await?;
            let attempt = changes.clone();
            let (revision, landing) = snapshot.read(move |reader| reader.commit_changes(&attempt)).await?;
            let outcomes = self.land(grant, landing, true).await?;
            match outcomes.into_iter().find_map(Result::err) {
                None => return Ok(revision),
                Some(moved) if expected => return Err(Error::precondition(moved)),
                Some(_) => {}
            }
        }
        Err(Error::busy("others keep changing this branch; try again in a moment"))
    }

    /// A pointer may only name an object that the dataset holds: knowing an
    /// oid must not be enough to reach its bytes.
    async fn demand_objects(&self, id: Id, changes: &Changeset) -> Result<()> {
        let named: Vec<Pointer> = changes
            .edits
            .iter()
            .filter_map(|edit| match edit {
                Edit::Put { content: Content::Pointer(pointer), .. } => Some(pointer.clone()),
                Edit::Put { content: Content::Bytes(bytes), .. } => Pointer::parse(bytes).ok(),
                Edit::Put { .. } | Edit::Delete { .. } | Edit::Move { .. } | Edit::Copy { .. } => None,
            })
            .collect();
        let oids: Vec<Oid> = named.iter().map(|pointer| pointer.oid).collect();
        let held = self.db.held(id, &oids).await?;
        match named.iter().find(|pointer| !is_empty(pointer) && held.get(&pointer.oid) != Some(&pointer.size)) {
            None => Ok(()),
            Some(pointer) => {
                Err(Error::invalid(format!("the dataset does not hold the object {}; upload it first", pointer.oid)))
            }
        }
    }

    /// Stores what a landing brings and makes it true, all of it or, unless
    /// `atomic`, the edits that are still possible. Bytes first, then one
    /// transaction; each step may be repeated.
    ///
    /// Gives an outcome for each edit, in order.
    pub async fn land(&self, grant: &Grant<Write>, landing: Landing, atomic: bool) -> Result<Vec<Outcome>> {
        self.land_as(grant.id(), grant.actor(), landing, atomic).await
    }

    async fn land_as(&self, id: Id, actor: &Actor, landing: Landing, atomic: bool) -> Result<Vec<Outcome>> {
        let key = repo_key(id)?;
        if let Some(pack) = &landing.pack
            && pack.inline().is_none()
        {
            let mut tx = self.db.write().await?;
            tx.insert_upload(&pack.key, id, self.clock.now()).await?;
            tx.commit().await?;
            self.engine.store(&key, pack).await?;
        }
        let now = self.clock.now();
        let mut tx = self.db.write().await?;
        let repo = tx.lock_repo(id).await?;
        if unsigned(repo.gc_epoch) != landing.epoch {
            return Err(Error::busy("the repository was cleaned up meanwhile; try again"));
        }
        let refs = read_refs(&mut tx, id).await?;
        let outcomes = judge(&refs, &landing.edits, atomic);
        let accepted: Vec<&RefEdit> =
            landing.edits.iter().zip(&outcomes).filter(|(_, outcome)| outcome.is_ok()).map(|(edit, _)| edit).collect();
        if accepted.is_empty() {
            return Ok(outcomes);
        }
        let generation = repo.generation + 1;
        if let Some(pack) = &landing.pack {
            let row = pack.row();
            let insert = PackInsert {
                pack_id: &row.id.to_string(),
                object_key: &row.key,
                pack_bytes: signed(row.pack_bytes),
                idx_bytes: signed(row.idx_bytes),
                objects: signed(row.objects),
                inline: pack.inline().map(|bytes| (&bytes.pack[..], &bytes.idx[..])),
            };
            tx.insert_pack(id, &insert, now).await?;
        }
        for edit in &accepted {
            let name = edit.name.as_str();
            let (old, new) = (edit.old.map(|id| id.to_string()), edit.new.map(|id| id.to_string()));
            match &new {
                Some(target) => tx.put_ref(id, name, target, edit.peeled.map(|id| id.to_string()).as_deref()).await?,
                None => tx.delete_ref(id, name).await?,
            }
            tx.log_ref(id, generation, name, old.as_deref(), new.as_deref(), &actor.key(), now).await?;
        }
        let head = head_after(&repo.head, &refs, &accepted);
        tx.set_generation(id, generation, &head).await?;
        let packs = read_packs(&mut tx, id).await?;
        if metastore::consolidation(&packs).is_some() {
            jobs::enqueue(&mut tx, &self.clock, Kind::Consolidate, &id.to_string(), Duration::ZERO).await?;
        }
        tx.commit().await?;
        if let Some(pack) = &landing.pack
            && let Err(error) = self.engine.adopt(&key, pack).await
        {
            // The next reader downloads it instead.
            tracing::warn!(%error, "a new pack could not be kept in the cache");
        }
        Ok(outcomes)
    }

    /// Merges the many small packs of a repository into one. Drops nothing.
    pub async fn consolidate(&self, id: Id) -> Result<()> {
        let key = repo_key(id)?;
        let snapshot = match self.snapshot_of(id).await {
            Ok(snapshot) => snapshot,
            Err(error) if error.kind() == crate::error::Kind::NotFound => return Ok(()),
            Err(error) => return Err(error),
        };
        let Some(inputs) = metastore::consolidation(&snapshot.state().packs) else { return Ok(()) };
        let pack = self.engine.consolidate(&snapshot, &inputs).await?;
        if pack.inline().is_none() {
            let mut tx = self.db.write().await?;
            tx.insert_upload(&pack.key, id, self.clock.now()).await?;
            tx.commit().await?;
            self.engine.store(&key, &pack).await?;
        }
        let now = self.clock.now();
        let mut tx = self.db.write().await?;
        let repo = tx.lock_repo(id).await?;
        for input in inputs.iter().filter(|input| **input != pack.id) {
            if !tx.retire_pack(id, &input.to_string(), now).await? {
                // Another replica was faster, and its pack has all that ours has.
                return Ok(());
            }
        }
        let row = pack.row();
        let insert = PackInsert {
            pack_id: &row.id.to_string(),
            object_key: &row.key,
            pack_bytes: signed(row.pack_bytes),
            idx_bytes: signed(row.idx_bytes),
            objects: signed(row.objects),
            inline: pack.inline().map(|bytes| (&bytes.pack[..], &bytes.idx[..])),
        };
        tx.insert_pack(id, &insert, now).await?;
        tx.set_generation(id, repo.generation + 1, &repo.head).await?;
        tx.commit().await?;
        tracing::info!(dataset = %id, merged = inputs.len(), objects = row.objects, "packs were merged");
        Ok(self.engine.adopt(&key, &pack).await?)
    }

    /// Deletes pack files that no row needs: retired ones after the grace
    /// period, and what crashed before it could land.
    pub async fn sweep(&self, grace: Duration) -> Result<usize> {
        let before = self.clock.now().minus(grace);
        let mut tx = self.db.write().await?;
        tx.drop_retired_packs(before).await?;
        tx.commit().await?;
        let stale = self.db.read().await?.stale_uploads(before, 1000).await?;
        for (key, repo) in &stale {
            self.engine.delete_pack(&repo.parse().map_err(Error::from)?, key).await?;
            let mut tx = self.db.write().await?;
            tx.delete_upload(key).await?;
            tx.commit().await?;
        }
        Ok(stale.len())
    }

    /// What git's own check finds wrong in a repository; empty means clean.
    pub async fn check(&self, id: Id) -> Result<Vec<String>> {
        Ok(self.snapshot_of(id).await?.fsck().await?)
    }

    async fn audit(&self, tx: &mut Tx, actor: &Actor, action: &str, subject: &str, detail: &str) -> Result<()> {
        let request = crate::request::id();
        tx.insert_audit(self.clock.id(), self.clock.now(), &actor.key(), action, subject, detail, &request).await
    }
}

/// The engine's name of a dataset's repository.
pub(crate) fn repo_key(id: Id) -> Result<RepoKey> {
    id.to_string().parse().map_err(Error::from)
}

/// Whether this is the object without bytes: git-lfs never uploads it, and nobody needs to hold it.
pub(crate) fn is_empty(pointer: &Pointer) -> bool {
    pointer.size == 0 && pointer.oid == Oid::EMPTY
}

/// Which edits are possible now. With `atomic`, one refusal refuses all.
fn judge(refs: &[Ref], edits: &[RefEdit], atomic: bool) -> Vec<Outcome> {
    let Err(all) = metastore::check_edits(refs, edits) else { return vec![Ok(()); edits.len()] };
    if atomic {
        return vec![Err(all.to_string()); edits.len()];
    }
    let mut accepted: Vec<RefEdit> = Vec::new();
    edits
        .iter()
        .map(|edit| {
            accepted.push(edit.clone());
            metastore::check_edits(refs, &accepted).map_err(|refusal| {
                accepted.pop();
                refusal.to_string()
            })
        })
        .collect()
}

/// `HEAD` follows the first branch of a repository whose default branch was
/// never pushed.
fn head_after(head: &str, refs: &[Ref], accepted: &[&RefEdit]) -> String {
    let created = |name: &str| accepted.iter().any(|edit| edit.name.as_str() == name && edit.new.is_some());
    if refs.iter().any(|each| each.name.as_str() == head || each.name.is_branch()) || created(head) {
        return head.to_owned();
    }
    let mut branches = accepted.iter().filter(|edit| edit.new.is_some() && edit.name.is_branch());
    let master = branches.clone().find(|edit| edit.name.short() == "master");
    master.or_else(|| branches.next()).map_or_else(|| head.to_owned(), |edit| edit.name.to_string())
}

async fn read_state(tx: &mut Tx, id: Id) -> Result<State> {
    let repo = tx.repo(id).await?.ok_or_else(|| Error::not_found("the dataset was deleted meanwhile"))?;
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
    let rows = tx.refs(id).await?;
    rows.into_iter()
        .map(|row| {
            Ok(Ref {
                name: row.name.parse()?,
                target: object_id(&row.target)?,
                peeled: row.peeled.as_deref().map(object_id).transpose()?,
            })
        })
        .collect()
}

async fn read_packs(tx: &mut Tx, id: Id) -> Result<Vec<Pack>> {
    let rows = tx.packs(id).await?;
    rows.into_iter()
        .map(|row| {
            Ok(Pack {
                id: row.pack_id.parse()?,
                key: row.object_key,
                pack_bytes: unsigned(row.pack_bytes),
                idx_bytes: unsigned(row.idx_bytes),
                objects: unsigned(row.objects),
                inline: row.inline,
            })
        })
        .collect()
}

fn object_id(hex: &str) -> Result<ObjectId> {
    ObjectId::from_hex(hex.as_bytes())
        .map_err(|_| Error::internal(format!("`{hex}` in the database is not an object id")))
}

/// Small packs live in their rows; this is how the engine reads them.
pub struct Rows(pub Db);

#[async_trait]
impl InlinePacks for Rows {
    async fn load(&self, repo: &RepoKey, ids: &[PackId]) -> metastore::Result<Vec<(PackId, PackBytes)>> {
        let failed = |error: Error| metastore::Error::Internal(error.to_string());
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
