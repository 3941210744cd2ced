//! Commits through the API, without a git client: many file changes as one revision, with idempotency keys.

use std::sync::Arc;
use std::time::Duration;

use lfs::{Oid, Pointer};
use metastore::{
    Changeset, Content, CopiedTree, Edit, EditError, Entry, EntryKind, FilePath, ManagedEdits, ObjectId, Reader,
    RefTransaction, Snapshot,
};

use super::package::{MANIFEST, Package, place};
use super::ref_transaction::TransactionOptions;
use super::revisions::{CommitMeta, head, moved};
use super::trash::TrashChange;
use super::{Datasets, RETRIES, is_empty, repo_key};
use crate::access::{Fetch, Grant, PathTarget, Read, Write, Writer};
use crate::db::locks::LockRow;
use crate::error::{Error, Result};
use crate::types::Id;

/// How long an idempotency key is remembered.
pub const IDEMPOTENCY_KEY_TTL: Duration = Duration::from_hours(24);

/// An idempotency key: repeating the request does not create a second revision
/// (draft-ietf-httpapi-idempotency-key-header).
#[derive(Debug, Clone)]
pub struct IdempotencyKey {
    /// The key chosen by the client.
    pub key: String,
    /// Digest of the whole request: a different request cannot reuse the key.
    pub digest: String,
}

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
}

/// A changeset together with the edits derived from it.
pub(super) struct ExpandedCommit {
    changes: Arc<Changeset>,
    /// The number of edits that were requested; those after them are derived.
    own: usize,
    /// Index of the requested edit that the derived edits follow from.
    cause: Option<usize>,
}

impl ExpandedCommit {
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
}

/// Options of a commit.
#[derive(Clone, Copy, Default)]
pub(super) struct CommitOptions<'a> {
    /// Idempotency key of the request that creates the revision.
    pub(super) once: Option<&'a IdempotencyKey>,
    /// True to apply exactly these edits, without derived ones.
    pub(super) exact: bool,
    /// Changes of the trash made in the same transaction.
    pub(super) bin: Option<&'a TrashChange>,
}

/// The remaining copy budget of a request.
#[derive(Debug, Clone, Copy)]
pub struct CopyBudget {
    /// Number of files.
    pub files: usize,
    /// Bytes copied into the repository.
    pub bytes: u64,
}

/// Files read from a path of another dataset.
#[derive(Debug)]
pub struct CopiedFiles {
    /// The edit that writes them to the target path.
    pub edit: Edit,
    /// The LFS objects that the files point to.
    pub pointers: Vec<Pointer>,
}

/// Returns the edit that merges fields into the dataset's package.
pub fn patch(fields: Package) -> Edit {
    Edit::Merge { path: place(), fields }
}

impl Datasets {
    /// Creates a revision, including the derived edits: pointer files of a new package, lines of `.gitattributes`
    /// ([`Reader::follow`]).
    ///
    /// # Errors
    /// Precondition failed if the changeset names an expected head and the branch is at another revision; conflict if
    /// another user has locked a changed file; invalid if nothing would change, or for an invalid package; busy if too
    /// many others write to the same branch.
    pub async fn commit(&self, grant: &Grant<Write>, changes: Changeset) -> Result<ObjectId> {
        let done = self.commit_once(grant, changes, CommitOptions::default()).await;
        done.map_err(|refusal| refusal.error)?.made()
    }

    /// Like [`Datasets::commit`], but without derived edits: what is restored from history stays as it was.
    pub(super) async fn commit_exactly(&self, grant: &Grant<Write>, changes: Changeset) -> Result<ObjectId> {
        let done = self.commit_once(grant, changes, CommitOptions { exact: true, ..CommitOptions::default() }).await;
        done.map_err(|refusal| refusal.error)?.made()
    }

    /// Creates a revision from these operations, each of which sees the result of those before it, including derived
    /// edits. With `once`, returns the existing revision if the same request was made before.
    ///
    /// # Errors
    /// As for [`Datasets::commit`]; not found for a branch that does not exist, except the default branch of an empty
    /// dataset; conflict, not found or invalid for an operation that cannot be applied; invalid if the key was used for
    /// a different request.
    pub async fn commit_operations(
        &self,
        grant: &Grant<Write>,
        operations: Vec<Edit>,
        wording: CommitMeta,
        once: Option<&IdempotencyKey>,
    ) -> Result<CommitOutcome, CommitError> {
        let snapshot = self.snapshot(&grant.narrow()).await?;
        let state = snapshot.state();
        if let Some(branch) = wording.branch.as_ref().filter(|branch| **branch != state.head)
            && state.find(branch).is_none()
        {
            return Err(Error::not_found(format!("branch `{}` not found", branch.short())).into());
        }
        let changes = self.changes(grant.actor(), &snapshot, wording, "Change files", operations).await?;
        drop(snapshot);
        self.commit_once(grant, changes, CommitOptions { once, ..CommitOptions::default() }).await
    }

    /// Returns the revision that this request has already created.
    ///
    /// # Errors
    /// Invalid if the same actor used the key for a different request.
    pub async fn made_by(&self, by: &dyn Writer, once: &IdempotencyKey) -> Result<Option<ObjectId>> {
        let after = self.clock.now().minus(IDEMPOTENCY_KEY_TTL);
        let mut tx = self.db.read().await?;
        match tx.commit_key(by.id(), &by.actor().key(), &once.key, after).await? {
            None => Ok(None),
            Some((digest, revision)) if digest == once.digest => super::object_id(&revision).map(Some),
            Some(_) => {
                Err(Error::invalid("the `Idempotency-Key` was already used for a different request; use a new key"))
            }
        }
    }

    async fn commit_once(
        &self,
        by: &dyn Writer,
        changes: Changeset,
        manner: CommitOptions<'_>,
    ) -> Result<CommitOutcome, CommitError> {
        let done = self.try_commit(by, changes, manner).await;
        // The reason for the refusal may be the same request, completed on another replica in the meantime.
        if let (Err(_) | Ok(CommitOutcome::Unchanged(_)), Some(once)) = (&done, manner.once)
            && let Some(revision) = self.made_by(by, once).await?
        {
            return Ok(CommitOutcome::Made(revision));
        }
        done
    }

    async fn try_commit(
        &self,
        by: &dyn Writer,
        changes: Changeset,
        manner: CommitOptions<'_>,
    ) -> Result<CommitOutcome, CommitError> {
        let key = repo_key(by.id())?;
        let expected = changes.parent.is_some();
        let changes = Arc::new(changes);
        for _ in 0..RETRIES {
            // The lock serialises writers within this process; the comparison in the transaction is authoritative.
            let _turn = self.write_lock(&key).await?;
            if let Some(once) = manner.once
                && let Some(revision) = self.made_by(by, once).await?
            {
                return Ok(CommitOutcome::Made(revision));
            }
            let snapshot = self.snapshot_of(by.id()).await?;
            let head = snapshot.state().find(&changes.branch).map(|branch| branch.target);
            if changes.parent.is_some_and(|expected| expected != head) {
                return Err(moved(&changes.branch).into());
            }
            match self.attempt(by, &snapshot, &changes, manner).await? {
                Some(done) => return Ok(done),
                None if expected => return Err(moved(&changes.branch).into()),
                None => {}
            }
        }
        Err(Error::busy("too many concurrent changes to this branch; try again in a moment").into())
    }

    /// Creates a revision on top of the snapshot; `None` if the branch has moved in the meantime. The caller holds the
    /// write lock and has checked that the writer may make all of the changes.
    pub(super) async fn attempt(
        &self,
        by: &dyn Writer,
        snapshot: &Arc<Snapshot>,
        changes: &Arc<Changeset>,
        manner: CommitOptions<'_>,
    ) -> Result<Option<CommitOutcome>, CommitError> {
        let whole = self.whole(by, snapshot, changes, manner).await?;
        // After the snapshot: if objects are collected from here on, the snapshot's epoch is outdated and the change is
        // refused.
        self.check_objects(by.id(), snapshot, &whole).await?;
        let locks = self.check_locks(by, &whole).await?;
        let attempt = whole.changes.clone();
        let made: Result<(ObjectId, RefTransaction), EditError> =
            snapshot.read(move |reader| Ok(reader.commit_edits(&attempt))).await?;
        let (revision, transaction) = match made {
            Ok(made) => made,
            Err(EditError { error: metastore::Error::Unchanged, .. }) => {
                let head = snapshot.state().find(&changes.branch).map(|branch| branch.target);
                return Ok(Some(CommitOutcome::Unchanged(head)));
            }
            Err(flaw) => return Err(whole.refusal(flaw)),
        };
        let once = manner.once.map(|once| (once, revision));
        let terms = TransactionOptions { atomic: true, locks: &locks, renamed: None, once, bin: manner.bin };
        let outcomes = self.apply_ref_transaction(by, transaction, terms).await?;
        Ok(outcomes.into_iter().all(|outcome| outcome.is_ok()).then_some(CommitOutcome::Made(revision)))
    }

    /// Returns the changes together with the derived edits.
    pub(super) async fn whole(
        &self,
        by: &dyn Writer,
        snapshot: &Arc<Snapshot>,
        changes: &Arc<Changeset>,
        manner: CommitOptions<'_>,
    ) -> Result<ExpandedCommit, CommitError> {
        let own = changes.edits.len();
        if manner.exact {
            return Ok(ExpandedCommit { changes: changes.clone(), own, cause: None });
        }
        let (asked, url) = (changes.clone(), self.lfs_url(&by.path()));
        let followed = snapshot.read(move |reader| Ok(reader.follow(&asked, &MANIFEST, url.as_deref()))).await?;
        let ManagedEdits { edits, cause } =
            followed.map_err(|EditError { edit, error }| CommitError { operation: edit, error: error.into() })?;
        let mut changes = changes.clone();
        if !edits.is_empty() {
            Arc::make_mut(&mut changes).edits.extend(edits);
        }
        Ok(ExpandedCommit { changes, own, cause })
    }

    /// Checks that the changes touch no file locked by another user. Returns the locks of others that were checked.
    pub(super) async fn check_locks(
        &self,
        by: &dyn Writer,
        whole: &ExpandedCommit,
    ) -> Result<Vec<LockRow>, CommitError> {
        let locks = self.db.read().await?.foreign_locks(by.id(), &by.actor().key()).await?;
        let touches = |edit: &Edit, lock: &LockRow| {
            edit.paths().any(|path| {
                lock.path.strip_prefix(path.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            })
        };
        let refusal = locks.iter().find_map(|lock| {
            let edit = whole.changes.edits.iter().position(|edit| touches(edit, lock))?;
            let error =
                Error::conflict(format!("`{}` is locked by {}; ask them to unlock it", lock.path, lock.owner_name));
            Some(CommitError { operation: whole.operation(edit), error })
        });
        refusal.map_or(Ok(locks), Err)
    }

    /// Checks that the dataset holds every object that the changes point to: knowing an oid must not be enough to read
    /// its bytes.
    pub(super) async fn check_objects(
        &self,
        id: Id,
        snapshot: &Arc<Snapshot>,
        whole: &ExpandedCommit,
    ) -> Result<(), CommitError> {
        let attempt = whole.changes.clone();
        let named = snapshot.read(move |reader| reader.pointers_in(&attempt)).await?;
        let oids: Vec<Oid> = named.iter().map(|(_, pointer)| pointer.oid).collect();
        let held = self.db.held(id, &oids).await?;
        let is_held = |pointer: &Pointer| held.get(&pointer.oid).map(|held| held.size) == Some(pointer.size);
        match named.iter().find(|(_, pointer)| !is_empty(pointer) && !is_held(pointer)) {
            None => Ok(()),
            Some((edit, Pointer { oid, size, .. })) => {
                let message = format!("the dataset does not hold the object {oid} of {size} bytes; upload it first");
                Err(CommitError { operation: whole.operation(*edit), error: Error::invalid(message) })
            }
        }
    }

    /// Creates the edit that copies a path of some revision of this dataset to another path. Copies no bytes.
    ///
    /// # Errors
    /// Not found if the revision or the path does not exist; too large if it exceeds the copy budget; invalid for an
    /// entry that cannot be written here, such as a submodule.
    pub async fn copy_objects(
        &self,
        grant: &Grant<Read>,
        revision: &str,
        from: FilePath,
        to: FilePath,
        room: &mut CopyBudget,
    ) -> Result<Edit> {
        self.copy_from_revision(grant.id(), Some(revision), from, to, room, false).await.map(|lifted| lifted.edit)
    }

    /// Reads a path of another dataset, to be copied to a path of this one. Its pointers refer to objects that this
    /// dataset has to hold before the edit can be committed.
    ///
    /// # Errors
    /// As for [`Datasets::copy_objects`].
    pub async fn copy_files(
        &self,
        source: &Grant<Fetch>,
        revision: Option<&str>,
        from: FilePath,
        to: FilePath,
        room: &mut CopyBudget,
    ) -> Result<CopiedFiles> {
        self.copy_from_revision(source.id(), revision, from, to, room, true).await
    }

    /// Like [`Datasets::copy_files`], at the newest revision, with a permission that covers only the copied path.
    ///
    /// # Errors
    /// As for [`Datasets::copy_objects`].
    pub(crate) async fn copy_target(
        &self,
        source: &PathTarget<Fetch>,
        to: FilePath,
        room: &mut CopyBudget,
    ) -> Result<CopiedFiles> {
        let from = source
            .path()
            .cloned()
            .ok_or_else(|| Error::invalid("a whole dataset cannot be copied; choose a file or folder in it"))?;
        self.copy_from_revision(source.id(), None, from, to, room, true).await
    }

    async fn copy_from_revision(
        &self,
        dataset: Id,
        revision: Option<&str>,
        from: FilePath,
        to: FilePath,
        room: &mut CopyBudget,
        is_foreign: bool,
    ) -> Result<CopiedFiles> {
        let snapshot = self.snapshot_of(dataset).await?;
        let revision = match revision {
            Some(revision) => self.resolve(dataset, &snapshot, revision).await?,
            None => head(&snapshot).ok_or_else(|| Error::not_found("the dataset has no revisions yet"))?,
        };
        let before = *room;
        let (lifted, left) =
            snapshot.read_long(move |reader| collect_copied(reader, revision, &from, &to, before, is_foreign)).await?;
        *room = left;
        Ok(lifted)
    }
}

/// Collects all files at a path under their new paths, and returns the remaining copy budget.
fn collect_copied(
    reader: &Reader,
    revision: ObjectId,
    from: &FilePath,
    to: &FilePath,
    mut room: CopyBudget,
    is_foreign: bool,
) -> metastore::Result<(CopiedFiles, CopyBudget)> {
    let entry = reader.entry(revision, from)?;
    let entries = if entry.kind == EntryKind::Folder { reader.tree(revision, Some(from), true)? } else { vec![entry] };
    let too_many = || {
        metastore::Error::TooLarge(format!(
            "{from} has more files than one request can copy; copy its folders one by one"
        ))
    };
    room.files = room.files.checked_sub(entries.len()).ok_or_else(too_many)?;
    let mut pointers = Vec::new();
    let mut files = Vec::with_capacity(entries.len());
    for Entry { path, kind, id, size, pointer } in entries {
        // The replacement character stands for bytes that are not valid UTF-8: the copy would have another name.
        let Some(size) = size.filter(|_| !path.contains('\u{fffd}')) else {
            return Err(metastore::Error::Invalid(format!("{path} cannot be copied here; copy it with git")));
        };
        let content = if is_foreign {
            let too_much = || {
                metastore::Error::TooLarge(format!(
                    "{from} has more bytes than one request can copy; copy its folders one by one"
                ))
            };
            room.bytes = room.bytes.checked_sub(size).ok_or_else(too_much)?;
            pointers.extend(pointer);
            Content::Bytes(reader.blob(id, size)?)
        } else {
            Content::Existing(id)
        };
        let rest = path.strip_prefix(from.as_str()).unwrap_or_default();
        files.push(CopiedTree { path: format!("{to}{rest}").parse()?, kind, content });
    }
    Ok((CopiedFiles { edit: Edit::Graft { to: to.clone(), files }, pointers }, room))
}

/// Returns the edit that copies a path of some revision to another path, which must be free.
pub(super) fn copy_tree(
    reader: &Reader,
    revision: ObjectId,
    from: &FilePath,
    to: &FilePath,
) -> metastore::Result<Edit> {
    let room = CopyBudget { files: usize::MAX, bytes: u64::MAX };
    collect_copied(reader, revision, from, to, room, false).map(|(lifted, _)| lifted.edit)
}
