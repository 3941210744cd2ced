//! Commits without git: many changes of files as one revision, made at most once for each request.

use std::sync::Arc;
use std::time::Duration;

use lfs::{Oid, Pointer};
use metastore::{
    Changeset, Content, Edit, Entry, EntryKind, FilePath, Flaw, Followed, Grafted, Landing, ObjectId, Reader, Snapshot,
};

use super::land::Terms;
use super::package::{Package, place};
use super::revisions::{Wording, head, moved};
use super::trash::Bin;
use super::{Drive, RETRIES, is_empty, repo_key};
use crate::access::{Fetch, Grant, Read, Spot, Write, Writer};
use crate::db::locks::LockRow;
use crate::error::{Error, Result};
use crate::types::Id;

/// For how long the key of a request is remembered.
pub const KEPT: Duration = Duration::from_hours(24);

/// A request that makes one revision, however often it comes (draft-ietf-httpapi-idempotency-key-header).
#[derive(Debug, Clone)]
pub struct Once {
    /// What the client calls it.
    pub key: String,
    /// Of all that it asks for: another request cannot have the same key.
    pub digest: String,
}

/// Why a commit was not made.
#[derive(Debug)]
pub struct Refusal {
    /// The operation that is wrong, by its place among all; `None` if it is none of them alone.
    pub operation: Option<usize>,
    /// What is wrong.
    pub error: Error,
}

impl<E: Into<Error>> From<E> for Refusal {
    fn from(error: E) -> Self {
        Self { operation: None, error: error.into() }
    }
}

/// What became of a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Done {
    /// This revision was made, now or by the same request before.
    Made(ObjectId),
    /// The branch has all of it already, and stays at what it holds.
    Unchanged(Option<ObjectId>),
}

impl Done {
    /// The new revision.
    ///
    /// # Errors
    /// Invalid if there is none, because nothing would change.
    pub fn made(self) -> Result<ObjectId> {
        match self {
            Self::Made(revision) => Ok(revision),
            Self::Unchanged(_) => Err(metastore::Error::Unchanged.into()),
        }
    }
}

/// A changeset with what follows from it.
pub(super) struct Whole {
    changes: Arc<Changeset>,
    /// How many of the edits were asked for.
    own: usize,
    /// Which of them the others follow from.
    cause: Option<usize>,
}

impl Whole {
    /// All of it.
    pub(super) fn changes(&self) -> Arc<Changeset> {
        self.changes.clone()
    }

    /// The operation that an edit stands for.
    fn operation(&self, edit: usize) -> Option<usize> {
        if edit < self.own { Some(edit) } else { self.cause }
    }

    fn refusal(&self, Flaw { edit, error }: Flaw) -> Refusal {
        Refusal { operation: edit.and_then(|edit| self.operation(edit)), error: error.into() }
    }
}

/// What a commit does besides its edits.
#[derive(Clone, Copy, Default)]
pub(super) struct Manner<'a> {
    /// The request that makes it, and may not make another.
    pub(super) once: Option<&'a Once>,
    /// Whether the tree is to be what the edits make of it, and nothing follows.
    pub(super) exact: bool,
    /// What comes into the trash with it, and what goes.
    pub(super) bin: Option<&'a Bin>,
}

/// How much one request may still bring from elsewhere.
#[derive(Debug, Clone, Copy)]
pub struct Room {
    /// Files.
    pub files: usize,
    /// Bytes that are copied into the repository.
    pub bytes: u64,
}

/// What was found at a path of another dataset.
#[derive(Debug)]
pub struct Lifted {
    /// Brings it to where it is wanted.
    pub edit: Edit,
    /// The objects that its files stand for.
    pub pointers: Vec<Pointer>,
}

/// The edit that changes fields of the dataset's package.
pub fn patch(fields: Package) -> Edit {
    Edit::Merge { path: place(), fields }
}

impl Drive {
    /// Makes a revision, with what follows from it: the pointer files of a new package, lines of `.gitattributes`
    /// ([`Reader::follow`]).
    ///
    /// # Errors
    /// Precondition if the changeset names an expected head and the branch is
    /// elsewhere; conflict if somebody else has locked what it changes; invalid if nothing would change, or for a
    /// package that cannot be one; busy if too many others write the same branch.
    pub async fn commit(&self, grant: &Grant<Write>, changes: Changeset) -> Result<ObjectId> {
        let done = self.commit_once(grant, changes, Manner::default()).await;
        done.map_err(|refusal| refusal.error)?.made()
    }

    /// Like [`Drive::commit`], but nothing follows: what is brought back from history is as it was.
    pub(super) async fn commit_exactly(&self, grant: &Grant<Write>, changes: Changeset) -> Result<ObjectId> {
        let done = self.commit_once(grant, changes, Manner { exact: true, ..Manner::default() }).await;
        done.map_err(|refusal| refusal.error)?.made()
    }

    /// Makes a revision of these operations, each of which sees what those before it did, with what follows from them.
    /// With `once`, the revision that the same request has made already, if it came before.
    ///
    /// # Errors
    /// As for [`Drive::commit`]; not found for a branch that there is not, except the default one of an empty dataset;
    /// conflict, not found or invalid for an operation that cannot be; invalid if another request had the same key.
    pub async fn commit_operations(
        &self,
        grant: &Grant<Write>,
        operations: Vec<Edit>,
        wording: Wording,
        once: Option<&Once>,
    ) -> Result<Done, Refusal> {
        let snapshot = self.snapshot(&grant.narrow()).await?;
        let state = snapshot.state();
        if let Some(branch) = wording.branch.as_ref().filter(|branch| **branch != state.head)
            && state.find(branch).is_none()
        {
            return Err(Error::not_found(format!("there is no branch `{}`", branch.short())).into());
        }
        let changes = self.changes(grant.actor(), &snapshot, wording, "Change files", operations).await?;
        drop(snapshot);
        self.commit_once(grant, changes, Manner { once, ..Manner::default() }).await
    }

    /// The revision that this request has made already.
    ///
    /// # Errors
    /// Invalid if another request of the same actor had the same key.
    pub async fn made_by(&self, by: &dyn Writer, once: &Once) -> Result<Option<ObjectId>> {
        let after = self.clock.now().minus(KEPT);
        let mut tx = self.db.read().await?;
        match tx.commit_key(by.id(), &by.actor().key(), &once.key, after).await? {
            None => Ok(None),
            Some((digest, revision)) if digest == once.digest => super::object_id(&revision).map(Some),
            Some(_) => Err(Error::invalid("the `Idempotency-Key` was used for another request; take a new one")),
        }
    }

    async fn commit_once(&self, by: &dyn Writer, changes: Changeset, manner: Manner<'_>) -> Result<Done, Refusal> {
        let done = self.try_commit(by, changes, manner).await;
        // What it is refused for may be what the same request has done meanwhile, on another replica.
        if let (Err(_) | Ok(Done::Unchanged(_)), Some(once)) = (&done, manner.once)
            && let Some(revision) = self.made_by(by, once).await?
        {
            return Ok(Done::Made(revision));
        }
        done
    }

    async fn try_commit(&self, by: &dyn Writer, changes: Changeset, manner: Manner<'_>) -> Result<Done, Refusal> {
        let key = repo_key(by.id())?;
        let expected = changes.parent.is_some();
        let changes = Arc::new(changes);
        for _ in 0..RETRIES {
            // Writers of one repository take turns here; the comparison in the transaction is the truth.
            let _turn = self.turn(&key).await?;
            if let Some(once) = manner.once
                && let Some(revision) = self.made_by(by, once).await?
            {
                return Ok(Done::Made(revision));
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
        Err(Error::busy("others keep changing this branch; try again in a moment").into())
    }

    /// Makes a revision on top of what the snapshot has; `None` if the branch is elsewhere by now. Who calls it has the
    /// turn, and has looked that the writer may do all of it.
    pub(super) async fn attempt(
        &self,
        by: &dyn Writer,
        snapshot: &Arc<Snapshot>,
        changes: &Arc<Changeset>,
        manner: Manner<'_>,
    ) -> Result<Option<Done>, Refusal> {
        let whole = self.whole(by, snapshot, changes, manner).await?;
        // After the snapshot: if they are taken away from here on, its epoch is old, and the change is refused.
        self.demand_objects(by.id(), snapshot, &whole).await?;
        let locks = self.respect_locks(by, &whole).await?;
        let attempt = whole.changes.clone();
        let made: Result<(ObjectId, Landing), Flaw> =
            snapshot.read(move |reader| Ok(reader.commit_edits(&attempt))).await?;
        let (revision, landing) = match made {
            Ok(made) => made,
            Err(Flaw { error: metastore::Error::Unchanged, .. }) => {
                let head = snapshot.state().find(&changes.branch).map(|branch| branch.target);
                return Ok(Some(Done::Unchanged(head)));
            }
            Err(flaw) => return Err(whole.refusal(flaw)),
        };
        let once = manner.once.map(|once| (once, revision));
        let terms = Terms { atomic: true, locks: &locks, renamed: None, once, bin: manner.bin };
        let outcomes = self.land(by, landing, terms).await?;
        Ok(outcomes.into_iter().all(|outcome| outcome.is_ok()).then_some(Done::Made(revision)))
    }

    /// The changes with what follows from them.
    pub(super) async fn whole(
        &self,
        by: &dyn Writer,
        snapshot: &Arc<Snapshot>,
        changes: &Arc<Changeset>,
        manner: Manner<'_>,
    ) -> Result<Whole, Refusal> {
        let own = changes.edits.len();
        if manner.exact {
            return Ok(Whole { changes: changes.clone(), own, cause: None });
        }
        let (asked, url) = (changes.clone(), self.lfs_url(&by.path()));
        let followed = snapshot.read(move |reader| Ok(reader.follow(&asked, url.as_deref()))).await?;
        let Followed { edits, cause } =
            followed.map_err(|Flaw { edit, error }| Refusal { operation: edit, error: error.into() })?;
        let mut changes = changes.clone();
        if !edits.is_empty() {
            Arc::make_mut(&mut changes).edits.extend(edits);
        }
        Ok(Whole { changes, own, cause })
    }

    /// Gives the locks of others, none of which the changes touch.
    pub(super) async fn respect_locks(&self, by: &dyn Writer, whole: &Whole) -> Result<Vec<LockRow>, Refusal> {
        let locks = self.db.read().await?.foreign_locks(by.id(), &by.actor().key()).await?;
        let touches = |edit: &Edit, lock: &LockRow| {
            edit.paths().any(|path| {
                lock.path.strip_prefix(path.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            })
        };
        let refusal = locks.iter().find_map(|lock| {
            let edit = whole.changes.edits.iter().position(|edit| touches(edit, lock))?;
            let error = Error::conflict(format!("`{}` is locked by {}", lock.path, lock.owner_name));
            Some(Refusal { operation: whole.operation(edit), error })
        });
        refusal.map_or(Ok(locks), Err)
    }

    /// A pointer may only name an object that the dataset holds: knowing an
    /// oid must not be enough to reach its bytes.
    pub(super) async fn demand_objects(&self, id: Id, snapshot: &Arc<Snapshot>, whole: &Whole) -> Result<(), Refusal> {
        let attempt = whole.changes.clone();
        let named = snapshot.read(move |reader| reader.pointers_in(&attempt)).await?;
        let oids: Vec<Oid> = named.iter().map(|(_, pointer)| pointer.oid).collect();
        let held = self.db.held(id, &oids).await?;
        let is_held = |pointer: &Pointer| held.get(&pointer.oid).map(|held| held.size) == Some(pointer.size);
        match named.iter().find(|(_, pointer)| !is_empty(pointer) && !is_held(pointer)) {
            None => Ok(()),
            Some((edit, Pointer { oid, size, .. })) => {
                let told = format!("the dataset does not hold the object {oid} of {size} bytes; upload it first");
                Err(Refusal { operation: whole.operation(*edit), error: Error::invalid(told) })
            }
        }
    }

    /// What stands at a path of this dataset in some revision, to be brought to another path. Nothing is copied.
    ///
    /// # Errors
    /// Not found for the revision or the path; too large where there is no room for it; invalid for what cannot be
    /// written here, such as a submodule.
    pub async fn bring(
        &self,
        grant: &Grant<Read>,
        revision: &str,
        from: FilePath,
        to: FilePath,
        room: &mut Room,
    ) -> Result<Edit> {
        self.lift_from(grant.id(), Some(revision), from, to, room, false).await.map(|lifted| lifted.edit)
    }

    /// What stands at a path of another dataset, to be brought to a path of this one. Its pointers lead to objects
    /// that this one has to hold before the edit can be made.
    ///
    /// # Errors
    /// As for [`Drive::bring`].
    pub async fn lift(
        &self,
        source: &Grant<Fetch>,
        revision: Option<&str>,
        from: FilePath,
        to: FilePath,
        room: &mut Room,
    ) -> Result<Lifted> {
        self.lift_from(source.id(), revision, from, to, room, true).await
    }

    /// Like [`Drive::lift`], of the newest revision, where the decision is about what is lifted alone.
    ///
    /// # Errors
    /// As for [`Drive::bring`].
    pub(crate) async fn lift_spot(&self, source: &Spot<Fetch>, to: FilePath, room: &mut Room) -> Result<Lifted> {
        let from = source.path().cloned().ok_or_else(|| Error::invalid("a whole dataset cannot be copied"))?;
        self.lift_from(source.id(), None, from, to, room, true).await
    }

    async fn lift_from(
        &self,
        dataset: Id,
        revision: Option<&str>,
        from: FilePath,
        to: FilePath,
        room: &mut Room,
        is_foreign: bool,
    ) -> Result<Lifted> {
        let snapshot = self.snapshot_of(dataset).await?;
        let revision = match revision {
            Some(revision) => self.resolve(dataset, &snapshot, revision).await?,
            None => head(&snapshot).ok_or_else(|| Error::not_found("the dataset has no revision yet"))?,
        };
        let before = *room;
        let (lifted, left) =
            snapshot.read_long(move |reader| gather(reader, revision, &from, &to, before, is_foreign)).await?;
        *room = left;
        Ok(lifted)
    }
}

/// All files at a path, as they are to stand elsewhere; and the room that is left.
fn gather(
    reader: &Reader,
    revision: ObjectId,
    from: &FilePath,
    to: &FilePath,
    mut room: Room,
    is_foreign: bool,
) -> metastore::Result<(Lifted, Room)> {
    let entry = reader.entry(revision, from)?;
    let entries = if entry.kind == EntryKind::Folder { reader.tree(revision, Some(from), true)? } else { vec![entry] };
    let too_many = || metastore::Error::TooLarge(format!("{from} has more files than one request may copy"));
    room.files = room.files.checked_sub(entries.len()).ok_or_else(too_many)?;
    let mut pointers = Vec::new();
    let mut files = Vec::with_capacity(entries.len());
    for Entry { path, kind, id, size, pointer } in entries {
        // The sign for bytes that are not UTF-8: such a name would become another one.
        let Some(size) = size.filter(|_| !path.contains('\u{fffd}')) else {
            return Err(metastore::Error::Invalid(format!("{path} can only be copied with git")));
        };
        let content = if is_foreign {
            let too_much = || metastore::Error::TooLarge(format!("{from} has more bytes than one request may copy"));
            room.bytes = room.bytes.checked_sub(size).ok_or_else(too_much)?;
            pointers.extend(pointer);
            Content::Bytes(reader.blob(id, size)?)
        } else {
            Content::Existing(id)
        };
        let rest = path.strip_prefix(from.as_str()).unwrap_or_default();
        files.push(Grafted { path: format!("{to}{rest}").parse()?, kind, content });
    }
    Ok((Lifted { edit: Edit::Graft { to: to.clone(), files }, pointers }, room))
}

/// The edit that brings what stood at a path of some revision to another path, which is free.
pub(super) fn graft(reader: &Reader, revision: ObjectId, from: &FilePath, to: &FilePath) -> metastore::Result<Edit> {
    let room = Room { files: usize::MAX, bytes: u64::MAX };
    gather(reader, revision, from, to, room, false).map(|(lifted, _)| lifted.edit)
}
