//! New revisions through the API, without a git client: many file changes as one revision, with idempotency keys.
//! [`Datasets::revise`] is the one way to make one; everything else says only what it edits.

use std::future::ready;
use std::slice::from_ref;
use std::sync::Arc;

use futures::future::BoxFuture;
use lfs::Pointer;
use metastore::{
    Changeset, Edit, EditError, FilePath, ManagedEdits, ObjectId, Reader, RefEdit, RefTransaction, Snapshot,
};

use super::idempotency::IdempotencyKey;
use super::package::{MANIFEST, Package, place};
use super::policy::{expect_within, locked};
use super::proposals::ProposalMerge;
use super::ref_transaction::{TransactionOptions, TrashChange};
use super::revisions::{Change, CommitMeta, moved};
use super::{Datasets, repo_key};
use crate::access::{DatasetGrant, Grant, Write};
use crate::db::locks::LockRow;
use crate::error::{Error, Result};
use crate::retry::{ATTEMPTS, retry_on_conflict};
use crate::types::Id;

/// Why a commit was refused.
#[derive(Debug)]
pub struct CommitError {
    /// Index of the operation that caused the error; `None` if no single operation did.
    pub operation: Option<usize>,
    /// The error.
    pub error: Error,
}

impl<E: Into<Error>> From<E> for CommitError {
    fn from(error: E) -> Self {
        Self { operation: None, error: error.into() }
    }
}

/// The outcome of a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CommitOutcome {
    /// This revision was created, now or by an earlier attempt of the same request.
    Made(ObjectId),
    /// The branch already contains all changes and stays at this revision.
    Unchanged(Option<ObjectId>),
}

impl CommitOutcome {
    /// Returns the new revision.
    ///
    /// # Errors
    /// Invalid if no revision was created because nothing would change.
    pub fn made(self) -> Result<ObjectId> {
        match self {
            Self::Made(revision) => Ok(revision),
            Self::Unchanged(_) => Err(metastore::Error::Unchanged.into()),
        }
    }

    /// Returns the new revision, or the current one if nothing changed.
    ///
    /// # Errors
    /// Invalid if there is neither.
    pub fn newest(self) -> Result<ObjectId> {
        match self {
            Self::Unchanged(Some(revision)) => Ok(revision),
            done => done.made(),
        }
    }
}

/// A changeset that was checked, with the edits derived from it.
pub(super) struct CheckedCommit {
    changes: Arc<Changeset>,
    /// The number of edits that were requested; those after them are derived.
    own: usize,
    /// Index of the requested edit that the derived edits follow from.
    cause: Option<usize>,
    /// The locks of others that were checked.
    locks: Vec<LockRow>,
    trash: TrashChange,
    /// True if the branch moves to the merged revision.
    forward: bool,
    proposal: Option<ProposalMerge>,
}

impl CheckedCommit {
    /// Returns the whole changeset.
    pub(super) fn changes(&self) -> Arc<Changeset> {
        self.changes.clone()
    }

    /// Returns the index of the requested operation that an edit belongs to.
    fn operation(&self, edit: usize) -> Option<usize> {
        if edit < self.own { Some(edit) } else { self.cause }
    }

    fn refusal(&self, EditError { edit, error }: EditError) -> CommitError {
        CommitError { operation: edit.and_then(|edit| self.operation(edit)), error: error.into() }
    }

    /// Checks that the changes touch no file locked by another user.
    fn check_locks(&self) -> Result<(), CommitError> {
        let edits = self.changes.edits.iter().enumerate();
        let changed = edits.flat_map(|(index, edit)| edit.paths().map(move |path| (path.as_str(), index)));
        let Some((LockRow { path, owner_name, .. }, edit)) = locked(&self.locks, changed).into_iter().next() else {
            return Ok(());
        };
        let error = Error::conflict(format!("`{path}` is locked by {owner_name}; ask them to unlock it"));
        Err(CommitError { operation: self.operation(edit), error })
    }
}

/// A change computed from the head of a branch.
pub(super) struct Planned {
    pub(super) snapshot: Arc<Snapshot>,
    pub(super) head: Option<ObjectId>,
    /// `None` if nothing would change.
    pub(super) commit: Option<CheckedCommit>,
}

/// Makes a change for [`Datasets::revise`] from one that only reads the repository at the head of the branch.
pub(super) fn reading<W>(
    work: W,
) -> impl Fn(Arc<Snapshot>, Option<ObjectId>) -> BoxFuture<'static, Result<Change>> + Send + Sync
where
    W: Fn(&Reader, Option<ObjectId>) -> metastore::Result<Change> + Clone + Send + Sync + 'static,
{
    move |snapshot, head| {
        let work = work.clone();
        Box::pin(async move { Ok(snapshot.read(move |reader| work(reader, head)).await?) })
    }
}

/// Returns the edit that merges fields into the dataset's package.
pub fn patch(fields: Package) -> Edit {
    Edit::Merge { path: place(), fields }
}

impl Datasets {
    /// Creates a revision from these operations, each of which sees the result of those before it, including derived
    /// edits: pointer files of a new package, lines of `.gitattributes` ([`Reader::follow`]). Shares follow moves. With
    /// `once`, returns the existing revision if the same request was made before.
    ///
    /// # Errors
    /// Precondition failed if the branch is not at the expected revision; not found for a branch that does not exist,
    /// except the default branch of an empty dataset; conflict if another user has locked a changed file; conflict, not
    /// found or invalid for an operation that cannot be applied; invalid for an invalid package, or if the key was used
    /// for a different request; busy if too many others write to the same branch.
    pub async fn commit_operations(
        &self,
        grant: &DatasetGrant<Write>,
        operations: Vec<Edit>,
        wording: CommitMeta,
        once: Option<&IdempotencyKey>,
    ) -> Result<CommitOutcome, CommitError> {
        let moves = operations.iter().filter_map(|edit| match edit {
            Edit::Move { from, to } => Some((from.clone(), to.clone())),
            _ => None,
        });
        let moves: Vec<(FilePath, FilePath)> = moves.collect();
        let branch = wording.branch.clone();
        let work = |snapshot: Arc<Snapshot>, _| {
            // Shares are of the default branch.
            let is_default = branch.as_ref().is_none_or(|branch| *branch == snapshot.state().head);
            let trash =
                TrashChange { moved: if is_default { moves.clone() } else { Vec::new() }, ..TrashChange::default() };
            ready(Ok(Change { edits: operations.clone(), trash, ..Change::default() }))
        };
        self.revise(from_ref(grant), wording.or_message("Change files"), once, work).await
    }

    /// Creates a revision from what is read at the head of the branch: see [`Datasets::revise`].
    pub(super) async fn edit<W>(&self, grants: &[Grant<Write>], meta: CommitMeta, work: W) -> Result<CommitOutcome>
    where
        W: Fn(&Reader, Option<ObjectId>) -> metastore::Result<Change> + Clone + Send + Sync + 'static,
    {
        self.revise(grants, meta, None, reading(work)).await.map_err(|refusal| refusal.error)
    }

    /// Creates a revision with the change that `work` computes from the head of the branch, within what these grants of
    /// one dataset allow. It is computed again after a lost race with another writer. With `once`, returns the existing
    /// revision if the same request was made before.
    ///
    /// # Errors
    /// As for [`Datasets::commit_operations`]; those of `work`; forbidden for paths that no grant allows; invalid for
    /// grants of several datasets.
    pub(super) async fn revise<F>(
        &self,
        grants: &[Grant<Write>],
        meta: CommitMeta,
        once: Option<&IdempotencyKey>,
        work: impl Fn(Arc<Snapshot>, Option<ObjectId>) -> F + Sync,
    ) -> Result<CommitOutcome, CommitError>
    where
        F: Future<Output = Result<Change>> + Send,
    {
        let by = writer(grants)?;
        let key = repo_key(by.id())?;
        let done = retry_on_conflict(ATTEMPTS, || async {
            // The lock serialises writers within this process; the comparison in the transaction is authoritative.
            let _turn = self.write_lock(&key).await?;
            if let Some(once) = once
                && let Some(revision) = self.made_by(by, once).await?
            {
                return Ok(Some(CommitOutcome::Made(revision)));
            }
            let Planned { snapshot, head, commit } = self.plan(grants, &meta, &work).await?;
            match commit {
                None => Ok(Some(CommitOutcome::Unchanged(head))),
                Some(commit) => self.land(by, &snapshot, commit, once).await,
            }
        })
        .await;
        // The reason for the refusal may be the same request, completed on another replica in the meantime.
        if let (Err(_) | Ok(CommitOutcome::Unchanged(_)), Some(once)) = (&done, once)
            && let Some(revision) = self.made_by(by, once).await?
        {
            return Ok(CommitOutcome::Made(revision));
        }
        done
    }

    /// Computes a change from the head of the branch, and checks it.
    ///
    /// # Errors
    /// As for [`Datasets::revise`].
    pub(super) async fn plan<F>(
        &self,
        grants: &[Grant<Write>],
        meta: &CommitMeta,
        work: &(impl Fn(Arc<Snapshot>, Option<ObjectId>) -> F + Sync),
    ) -> Result<Planned, CommitError>
    where
        F: Future<Output = Result<Change>> + Send,
    {
        let by = writer(grants)?;
        let snapshot = self.snapshot_of(by.id()).await?;
        let branch = meta.branch.clone().unwrap_or_else(|| snapshot.state().head.clone());
        let head = snapshot.state().find(&branch).map(|found| found.target);
        if head.is_none() && branch != snapshot.state().head {
            return Err(Error::not_found(format!("branch `{}` not found", branch.short())).into());
        }
        if meta.parent.is_some_and(|parent| Some(parent) != head) {
            return Err(moved(&branch).into());
        }
        let Change { edits, exact, trash, joined, proposal } = work(snapshot.clone(), head).await?;
        if edits.is_empty() && joined.is_none() {
            return Ok(Planned { snapshot, head, commit: None });
        }
        expect_within(grants, &edits)?;
        let own = edits.len();
        let mut changes =
            Arc::new(self.changes(by.actor(), branch, meta, edits, joined.map(|(merged, _)| merged)).await?);
        let mut cause = None;
        if !exact {
            let (asked, url) = (changes.clone(), self.lfs_url(&by.full_name()));
            let derived = snapshot.read(move |reader| Ok(reader.follow(&asked, &MANIFEST, url.as_deref()))).await?;
            let ManagedEdits { edits, cause: edit } =
                derived.map_err(|EditError { edit, error }| CommitError { operation: edit, error: error.into() })?;
            if !edits.is_empty() {
                Arc::make_mut(&mut changes).edits.extend(edits);
            }
            cause = edit;
        }
        let forward = joined.is_some_and(|(_, forward)| forward);
        let mut commit = CheckedCommit { changes, own, cause, locks: Vec::new(), trash, forward, proposal };
        // After the snapshot: if objects are collected from here on, the snapshot's epoch is outdated and the change is
        // refused.
        self.check_objects(by.id(), &snapshot, &commit).await?;
        commit.locks = self.foreign_locks(by).await?;
        commit.check_locks()?;
        Ok(Planned { snapshot, head, commit: Some(commit) })
    }

    /// Creates the revision of a checked commit; `None` if the branch has moved in the meantime. The caller holds the
    /// write lock.
    async fn land(
        &self,
        by: &Grant<Write>,
        snapshot: &Arc<Snapshot>,
        commit: CheckedCommit,
        once: Option<&IdempotencyKey>,
    ) -> Result<Option<CommitOutcome>, CommitError> {
        let (changes, forward) = (commit.changes(), commit.forward);
        let made: Result<(ObjectId, RefTransaction), EditError> = snapshot
            .read(move |reader| {
                Ok(if forward { move_forward(reader, &changes) } else { reader.commit_edits(&changes) })
            })
            .await?;
        let (revision, transaction) = match made {
            Ok(made) => made,
            Err(EditError { error: metastore::Error::Unchanged, .. }) => {
                let head = snapshot.state().find(&commit.changes.branch).map(|branch| branch.target);
                return Ok(Some(CommitOutcome::Unchanged(head)));
            }
            Err(flaw) => return Err(commit.refusal(flaw)),
        };
        let once = once.map(|once| (once, revision));
        let CheckedCommit { locks, trash, proposal, .. } = &commit;
        let proposal = proposal.as_ref();
        let terms = TransactionOptions { atomic: true, locks, renamed: None, once, trash: Some(trash), proposal };
        let outcomes = self.apply_ref_transaction(by, transaction, terms).await?;
        Ok(outcomes.into_iter().all(|outcome| outcome.is_ok()).then_some(CommitOutcome::Made(revision)))
    }

    /// Checks that the dataset holds every object that the changes point to.
    async fn check_objects(&self, id: Id, snapshot: &Arc<Snapshot>, commit: &CheckedCommit) -> Result<(), CommitError> {
        let changes = commit.changes();
        let named = snapshot.read(move |reader| reader.pointers_in(&changes)).await?;
        match self.missing_objects(id, named).await?.first() {
            None => Ok(()),
            Some((edit, Pointer { oid, size, .. })) => {
                let message = format!("the dataset does not hold the object {oid} of {size} bytes; upload it first");
                Err(CommitError { operation: commit.operation(*edit), error: Error::invalid(message) })
            }
        }
    }
}

/// Moves a branch to the revision that is merged.
fn move_forward(reader: &Reader, changes: &Changeset) -> Result<(ObjectId, RefTransaction), EditError> {
    let unmerged = || metastore::Error::Internal("a branch moves forward to nothing".to_owned());
    let new = changes.merged.ok_or_else(unmerged)?;
    let old = reader.state().find(&changes.branch).map(|branch| branch.target);
    let edit = RefEdit { name: changes.branch.clone(), old, new: Some(new), peeled: None };
    Ok((new, reader.move_refs(vec![edit])?))
}

/// Returns the grant in whose name a change is made, which the others must agree with.
fn writer(grants: &[Grant<Write>]) -> Result<&Grant<Write>> {
    let by = grants.first().ok_or_else(|| Error::invalid("nothing to change; name at least one file or folder"))?;
    if grants.iter().any(|grant| grant.id() != by.id()) {
        return Err(Error::invalid("one request can only change one dataset; send a request for each dataset"));
    }
    Ok(by)
}

/// Returns the error for a path where nothing is.
pub(super) fn nothing_at(path: &FilePath) -> metastore::Error {
    metastore::Error::NotFound(format!("there is no {path}"))
}

/// Returns true if a revision has an entry at a path.
pub(super) fn exists(reader: &Reader, revision: ObjectId, path: &FilePath) -> metastore::Result<bool> {
    match reader.entry(revision, path) {
        Ok(_) => Ok(true),
        Err(metastore::Error::NotFound(_)) => Ok(false),
        Err(error) => Err(error),
    }
}
