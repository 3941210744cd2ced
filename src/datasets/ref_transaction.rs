//! Ref transactions: every change of a repository is applied here. Pack bytes are stored first, then one database
//! transaction makes them visible.

use std::collections::HashSet;
use std::time::Duration;

use metastore::{FilePath, NewPack, ObjectId, Pack, Ref, RefEdit, RefName, RefTransaction, RepoKey, State};

use super::idempotency::{IDEMPOTENCY_KEY_TTL, IdempotencyKey};
use super::proposals::ProposalMerge;
use super::{Datasets, Outcome, git_ref, read_packs, read_refs, repo_key};
use crate::access::{self, Grant, Write};
use crate::db::commits::KeyRow;
use crate::db::locks::LockRow;
use crate::db::packs::{PackInsert, RepoRow};
use crate::db::trash::TrashRow;
use crate::db::{Tx, signed, unsigned};
use crate::error::{Error, Result};
use crate::jobs::{self, Kind};
use crate::quota::{EffectiveQuota, QuotaUsage};
use crate::types::{Id, Millis};

/// Up to this many refs are read one by one; for more, all refs are read at once.
const MAX_SINGLE_REF_READS: usize = 4;

/// Options of a ref transaction.
#[derive(Clone, Copy, Default)]
pub(crate) struct TransactionOptions<'a> {
    /// True to apply all edits or none; otherwise those that are still possible are applied.
    pub atomic: bool,
    /// The locks of other users that the changes were checked against.
    pub locks: &'a [LockRow],
    /// A branch rename (old, new): if the old branch is the default branch, the new one becomes it.
    pub renamed: Option<&'a (RefName, RefName)>,
    /// The idempotency key of the request, and the revision that it creates.
    pub once: Option<(&'a IdempotencyKey, ObjectId)>,
    /// Changes of the trash to apply in the same transaction.
    pub trash: Option<&'a TrashChange>,
    /// The proposal that this transaction merges.
    pub proposal: Option<&'a ProposalMerge>,
}

/// Changes of the trash in one revision, and the renames that shares follow.
#[derive(Debug, Clone, Default)]
pub(crate) struct TrashChange {
    pub added: Vec<TrashRow>,
    pub removed: Vec<String>,
    /// A rename (old path, new path).
    pub moved: Vec<(FilePath, FilePath)>,
}

/// A repository as a ref transaction finds it, locked until the database transaction ends.
struct Found {
    repo: RepoRow,
    /// All refs; if the edits only move branches, only those.
    refs: Vec<Ref>,
    is_all: bool,
}

impl Datasets {
    /// Stores the new pack and applies the ref edits. Bytes are stored first, then one transaction makes them visible;
    /// each step can be repeated. Returns an outcome for each edit, in order.
    ///
    /// # Errors
    /// Busy if a file was locked in the meantime, or if objects were collected; not found if the dataset is gone; full
    /// if a quota is exceeded.
    pub(crate) async fn apply_ref_transaction(
        &self,
        by: &Grant<Write>,
        transaction: RefTransaction,
        options: TransactionOptions<'_>,
    ) -> Result<Vec<Outcome>> {
        let RefTransaction { edits, pack, epoch, .. } = &transaction;
        let (id, key) = (by.id(), repo_key(by.id())?);
        let quota = EffectiveQuota::of(by.dataset(), &self.quotas);
        if let Some(pack) = pack.as_ref().filter(|pack| pack.inline().is_none()) {
            if let Some(quota) = &quota {
                QuotaUsage::read(&mut self.db.read().await?, &[quota])
                    .await?
                    .expect_room_in_git(quota, pack.pack_bytes)?;
            }
            self.store(id, &key, pack).await?;
        }
        let mut tx = self.db.write().await?;
        // Locked before any row of the dataset, in the same order as for uploads.
        let above = match (&quota, pack) {
            (Some(quota), Some(pack)) => {
                QuotaUsage::lock(&mut tx, &[quota]).await?.expect_room_in_git(quota, pack.pack_bytes)?
            }
            _ => None,
        };
        let found = find(&mut tx, by, edits, *epoch, options.locks).await?;
        let outcomes = judge(&found.refs, edits, options.atomic);
        let accepted: Vec<&RefEdit> =
            edits.iter().zip(&outcomes).filter(|(_, outcome)| outcome.is_ok()).map(|(edit, _)| edit).collect();
        if accepted.is_empty() {
            return Ok(outcomes);
        }
        if !keep_key(&mut tx, by, options.once, self.clock.now()).await? {
            return Ok(vec![Err("the same request was completed in the meantime".into()); edits.len()]);
        }
        if let Some(merge) = options.proposal
            && let Some(merged) = edits.first().and_then(|edit| edit.new)
            && !self.record_merge(&mut tx, by, merge, merged).await?
        {
            return Ok(vec![Err("the source branch was updated in the meantime".into()); edits.len()]);
        }
        self.follow_branches(&mut tx, by, &accepted, options.renamed).await?;
        let head = match options.renamed {
            Some((old, new)) if old.as_str() == found.repo.head => new.to_string(),
            Some(_) | None => head_after(&found.repo.head, &found.refs, &accepted),
        };
        let head: RefName = head.parse()?;
        if let Some(change) = options.trash {
            change.apply(&mut tx, id).await?;
        }
        let packs = self.apply(&mut tx, by, &found.repo, pack.as_ref(), &accepted, &head).await?;
        // A merged proposal is in the activity, and users are notified of it, already.
        if options.proposal.is_none() {
            self.record_versions(&mut tx, by, (&found.refs, &accepted), &head).await?;
        }
        if let Some(bytes) = above {
            tx.set_above_bytes(id, signed(bytes)).await?;
        }
        self.commit_and_index(tx, id).await?;
        self.update_cache(&key, found, pack.as_ref(), &accepted, head, packs).await;
        Ok(outcomes)
    }

    /// Writes the pack and the refs as the next generation. Returns the packs that the repository then has.
    async fn apply(
        &self,
        tx: &mut Tx,
        by: &Grant<Write>,
        repo: &RepoRow,
        pack: Option<&NewPack>,
        edits: &[&RefEdit],
        head: &RefName,
    ) -> Result<Vec<Pack>> {
        let (id, actor, now) = (by.id(), by.actor().key(), self.clock.now());
        let generation = repo.generation + 1;
        if let Some(pack) = pack {
            insert_pack(tx, id, pack, now).await?;
        }
        for edit in edits {
            let name = edit.name.as_str();
            let (old, new) = (edit.old.map(|id| id.to_string()), edit.new.map(|id| id.to_string()));
            match &new {
                Some(target) => tx.put_ref(id, name, target, edit.peeled.map(|id| id.to_string()).as_deref()).await?,
                None => tx.delete_ref(id, name).await?,
            }
            tx.log_ref(id, generation, name, old.as_deref(), new.as_deref(), &actor, now).await?;
        }
        tx.set_generation(id, generation, head.as_str()).await?;
        let packs = read_packs(tx, id).await?;
        if metastore::consolidation(&packs).is_some() {
            jobs::enqueue(tx, &self.clock, Kind::RepackPacks, &id.to_string(), Duration::ZERO).await?;
        }
        Ok(packs)
    }

    /// Adds a new pack to the cache, and builds the new snapshot, so that the next reader does not have to read all
    /// refs. Errors are logged: the next reader does what is missing.
    async fn update_cache(
        &self,
        key: &RepoKey,
        Found { repo, refs, is_all }: Found,
        pack: Option<&NewPack>,
        edits: &[&RefEdit],
        head: RefName,
        packs: Vec<Pack>,
    ) {
        let before = || Some(self.engine.cached(key, unsigned(repo.generation))?.state().refs.clone());
        let refs = if is_all { Some(refs) } else { before() }.map(|refs| refs_after(refs, edits));
        if let Some(pack) = pack
            && let Err(error) = self.engine.cache_pack(key, pack).await
        {
            tracing::warn!(%error, "cannot add a new pack to the cache; the next reader downloads it");
        }
        let (generation, epoch) = (unsigned(repo.generation + 1), unsigned(repo.gc_epoch));
        let state = refs.map(|refs| State { repo: key.clone(), generation, epoch, head, refs, packs });
        if let Some(state) = state
            && let Err(error) = self.engine.snapshot(state).await
        {
            tracing::debug!(%error, "cannot build the new snapshot; the next reader builds it");
        }
    }

    /// Stores a pack, unless it is stored inline in its row. Its key is recorded first, so that the sweep finds the
    /// file if the server crashes before the pack is recorded.
    pub(super) async fn store(&self, id: Id, key: &RepoKey, pack: &NewPack) -> Result<()> {
        if pack.inline().is_some() {
            return Ok(());
        }
        let mut tx = self.db.write().await?;
        tx.insert_upload(&pack.key, id, self.clock.now()).await?;
        tx.commit().await?;
        Ok(self.engine.store(key, pack).await?)
    }
}

impl TrashChange {
    /// # Errors
    /// Conflict if an item to be removed is no longer in the trash.
    async fn apply(&self, tx: &mut Tx, id: Id) -> Result<()> {
        tx.insert_trash(id, &self.added).await?;
        let deleted: Vec<&str> = self.added.iter().map(|row| row.path.as_str()).collect();
        access::keep_shares(tx, id, &deleted, &self.moved).await?;
        let removed: Vec<&str> = self.removed.iter().map(String::as_str).collect();
        if tx.delete_trash(id, &removed).await? < self.removed.len() as u64 {
            return Err(Error::conflict("this item is no longer in the trash; reload the trash"));
        }
        Ok(())
    }
}

/// Locks the repository, and checks that the edits were computed from what it still has.
///
/// # Errors
/// Busy if objects were collected since, or another user has locked a file since.
async fn find(tx: &mut Tx, by: &Grant<Write>, edits: &[RefEdit], epoch: u64, locks: &[LockRow]) -> Result<Found> {
    let repo = tx.lock_repo(by.id()).await?;
    if unsigned(repo.gc_epoch) != epoch {
        return Err(Error::busy("the repository was garbage-collected in the meantime; try again"));
    }
    let known: HashSet<&str> = locks.iter().map(|lock| lock.id.as_str()).collect();
    let taken = tx.foreign_locks(by.id(), &by.actor().key()).await?;
    if let Some(new) = taken.iter().find(|lock| !known.contains(lock.id.as_str())) {
        return Err(Error::busy(format!(
            "{} has just locked `{}`; ask them to unlock it, then try again",
            new.owner_name, new.path
        )));
    }
    Ok(match moved_branches(tx, by.id(), edits).await? {
        Some(refs) => Found { repo, refs, is_all: false },
        None => Found { repo, refs: read_refs(tx, by.id()).await?, is_all: true },
    })
}

/// Records the idempotency key of the request. Returns false if the same request was completed in the meantime.
async fn keep_key(
    tx: &mut Tx,
    by: &Grant<Write>,
    once: Option<(&IdempotencyKey, ObjectId)>,
    now: Millis,
) -> Result<bool> {
    let Some((once, revision)) = once else { return Ok(true) };
    let (actor, revision) = (by.actor().key(), revision.to_string());
    let row = KeyRow { repo: by.id(), actor: &actor, name: &once.key, digest: &once.digest, revision: &revision };
    tx.keep_idempotency_key(&row, now.minus(IDEMPOTENCY_KEY_TTL), now).await
}

/// Returns the current state of the branches to be updated if nothing else changes: then no other ref matters, however
/// many there are. `None` if the edits create or delete a ref.
async fn moved_branches(tx: &mut Tx, id: Id, edits: &[RefEdit]) -> Result<Option<Vec<Ref>>> {
    if edits.len() > MAX_SINGLE_REF_READS
        || !edits.iter().all(|edit| edit.name.is_branch() && edit.old.is_some() && edit.new.is_some())
    {
        return Ok(None);
    }
    let mut refs = Vec::with_capacity(edits.len());
    for edit in edits {
        let row = tx.find_ref(id, edit.name.as_str()).await?;
        refs.extend(row.as_ref().map(git_ref).transpose()?);
    }
    Ok(Some(refs))
}

/// Decides which edits are possible now. With `atomic`, one refusal refuses all of them.
fn judge(refs: &[Ref], edits: &[RefEdit], atomic: bool) -> Vec<Outcome> {
    let outcomes: Vec<Outcome> = metastore::judge_edits(refs, edits)
        .into_iter()
        .map(|verdict| verdict.map_err(|refusal| refusal.to_string()))
        .collect();
    match outcomes.iter().find(|outcome| outcome.is_err()).filter(|_| atomic) {
        Some(refusal) => vec![refusal.clone(); edits.len()],
        None => outcomes,
    }
}

/// Returns the refs after these edits, ordered by name.
fn refs_after(mut refs: Vec<Ref>, accepted: &[&RefEdit]) -> Vec<Ref> {
    refs.retain(|each| accepted.iter().all(|edit| edit.name != each.name));
    refs.extend(
        accepted
            .iter()
            .filter_map(|edit| Some(Ref { name: edit.name.clone(), target: edit.new?, peeled: edit.peeled })),
    );
    refs.sort_unstable_by(|one, other| one.name.as_str().cmp(other.name.as_str()));
    refs
}

/// Returns the new `HEAD`: it follows the first pushed branch if the default branch does not exist yet.
fn head_after(head: &str, refs: &[Ref], accepted: &[&RefEdit]) -> String {
    let created = |name: &str| accepted.iter().any(|edit| edit.name.as_str() == name && edit.new.is_some());
    if refs.iter().any(|each| each.name.as_str() == head || each.name.is_branch()) || created(head) {
        return head.to_owned();
    }
    let mut branches = accepted.iter().filter(|edit| edit.new.is_some() && edit.name.is_branch());
    let master = branches.clone().find(|edit| edit.name.short() == "master");
    master.or_else(|| branches.next()).map_or_else(|| head.to_owned(), |edit| edit.name.to_string())
}

pub(super) async fn insert_pack(tx: &mut Tx, id: Id, pack: &NewPack, now: Millis) -> Result<()> {
    let insert = PackInsert {
        pack_id: &pack.id.to_string(),
        object_key: &pack.key,
        pack_bytes: signed(pack.pack_bytes),
        idx_bytes: signed(pack.idx_bytes),
        objects: signed(pack.objects),
        inline: pack.inline().map(|bytes| (&bytes.pack[..], &bytes.idx[..])),
    };
    tx.insert_pack(id, &insert, now).await.map(drop)
}
