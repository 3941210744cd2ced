//! Commits through the API, without a git client: many file changes as one revision, with idempotency keys.

use std::sync::Arc;

use lfs::Pointer;
use metastore::{
    Changeset, Content, CopiedTree, Edit, EditError, Entry, EntryKind, FilePath, ManagedEdits, ObjectId, Reader,
    RefTransaction, Snapshot,
};

use super::idempotency::IdempotencyKey;
use super::package::{Package, place};
use super::policy::locked;
use super::ref_transaction::{TransactionOptions, TrashChange};
use super::revisions::{CommitMeta, head, moved};
use super::{Datasets, repo_key};
use crate::access::{DatasetGrant, Fetch, Grant, Read, Write};
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
    pub async fn commit(&self, grant: &DatasetGrant<Write>, changes: Changeset) -> Result<ObjectId> {
        let done = self.commit_once(grant, changes, CommitOptions::default()).await;
        done.map_err(|refusal| refusal.error)?.made()
    }

    /// Like [`Datasets::commit`], but without derived edits: what is restored from history stays as it was.
    pub(super) async fn commit_exactly(&self, grant: &DatasetGrant<Write>, changes: Changeset) -> Result<ObjectId> {
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
        grant: &DatasetGrant<Write>,
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

    async fn commit_once(
        &self,
        by: &Grant<Write>,
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
        by: &Grant<Write>,
        changes: Changeset,
        manner: CommitOptions<'_>,
    ) -> Result<CommitOutcome, CommitError> {
        let key = repo_key(by.id())?;
        let expected = changes.parent.is_some();
        let changes = Arc::new(changes);
        retry_on_conflict(ATTEMPTS, || async {
            // The lock serialises writers within this process; the comparison in the transaction is authoritative.
            let _turn = self.write_lock(&key).await?;
            if let Some(once) = manner.once
                && let Some(revision) = self.made_by(by, once).await?
            {
                return Ok(Some(CommitOutcome::Made(revision)));
            }
            let snapshot = self.snapshot_of(by.id()).await?;
            let head = snapshot.state().find(&changes.branch).map(|branch| branch.target);
            if changes.parent.is_some_and(|expected| expected != head) {
                return Err(moved(&changes.branch).into());
            }
            match self.attempt(by, &snapshot, &changes, manner).await? {
                None if expected => Err(moved(&changes.branch).into()),
                done => Ok(done),
            }
        })
        .await
    }

    /// Creates a revision on top of the snapshot; `None` if the branch has moved in the meantime. The caller holds the
    /// write lock and has checked that the writer may make all of the changes.
    pub(super) async fn attempt(
        &self,
        by: &Grant<Write>,
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
        by: &Grant<Write>,
        snapshot: &Arc<Snapshot>,
        changes: &Arc<Changeset>,
        manner: CommitOptions<'_>,
    ) -> Result<ExpandedCommit, CommitError> {
        let own = changes.edits.len();
        if manner.exact {
            return Ok(ExpandedCommit { changes: changes.clone(), own, cause: None });
        }
        let (asked, url) = (changes.clone(), self.lfs_url(&by.full_name()));
        let followed = snapshot.read(move |reader| Ok(reader.follow(&asked, url.as_deref()))).await?;
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
        by: &Grant<Write>,
        whole: &ExpandedCommit,
    ) -> Result<Vec<LockRow>, CommitError> {
        let locks = self.foreign_locks(by).await?;
        let edits = whole.changes.edits.iter().enumerate();
        let changed = edits.flat_map(|(index, edit)| edit.paths().map(move |path| (path.as_str(), index)));
        match locked(&locks, changed).first() {
            None => {}
            Some((LockRow { path, owner_name, .. }, edit)) => {
                let error = Error::conflict(format!("`{path}` is locked by {owner_name}; ask them to unlock it"));
                return Err(CommitError { operation: whole.operation(*edit), error });
            }
        }
        Ok(locks)
    }

    /// Checks that the dataset holds every object that the changes point to.
    pub(super) async fn check_objects(
        &self,
        id: Id,
        snapshot: &Arc<Snapshot>,
        whole: &ExpandedCommit,
    ) -> Result<(), CommitError> {
        let attempt = whole.changes.clone();
        let named = snapshot.read(move |reader| reader.pointers_in(&attempt)).await?;
        match self.missing_objects(id, named).await?.first() {
            None => Ok(()),
            Some((edit, Pointer { oid, size, .. })) => {
                let message = format!("the dataset does not hold the object {oid} of {size} bytes; upload it first");
                Err(CommitError { operation: whole.operation(*edit), error: Error::invalid(message) })
            }
        }
    }

    /// Creates the edit that copies the path of `from`, in some revision of this dataset, to another path. Copies no
    /// bytes.
    ///
    /// # Errors
    /// Not found if the revision or the path does not exist; too large if it exceeds the copy budget; invalid for an
    /// entry that cannot be written here, such as a submodule.
    pub async fn copy_within(
        &self,
        from: &Grant<Read>,
        revision: &str,
        to: FilePath,
        room: &mut CopyBudget,
    ) -> Result<Edit> {
        self.copy_from_revision(from, Some(revision), to, room, false).await.map(|lifted| lifted.edit)
    }

    /// Reads the path of `from` in another dataset, to be copied to a path of this one. Its pointers refer to objects
    /// that this dataset has to hold before the edit can be committed. Without `revision`, reads the newest one.
    ///
    /// # Errors
    /// As for [`Datasets::copy_within`].
    pub async fn copy_files(
        &self,
        from: &Grant<Fetch>,
        revision: Option<&str>,
        to: FilePath,
        room: &mut CopyBudget,
    ) -> Result<CopiedFiles> {
        self.copy_from_revision(&from.narrow(), revision, to, room, true).await
    }

    async fn copy_from_revision(
        &self,
        source: &Grant<Read>,
        revision: Option<&str>,
        to: FilePath,
        room: &mut CopyBudget,
        is_foreign: bool,
    ) -> Result<CopiedFiles> {
        let from = source.path().cloned();
        let from =
            from.ok_or_else(|| Error::invalid("a whole dataset cannot be copied; choose a file or folder in it"))?;
        let snapshot = self.snapshot_of(source.id()).await?;
        let revision = match revision {
            Some(revision) => self.resolve_visible(source, &snapshot, revision).await?,
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

/// Returns true if a revision has an entry at a path.
pub(super) fn exists(reader: &Reader, revision: ObjectId, path: &FilePath) -> metastore::Result<bool> {
    match reader.entry(revision, path) {
        Ok(_) => Ok(true),
        Err(metastore::Error::NotFound(_)) => Ok(false),
        Err(error) => Err(error),
    }
}
