//! Receiving a push: the pack goes into a quarantine that is invisible to everybody else, is checked there,
//! and leaves it only as part of a [`RefTransaction`].

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use gix::ObjectId;
use tokio::io::AsyncRead;

use super::{Command, Outcome, Progress, Push};
use crate::{
    NewPack, PackId, Reader, RefEdit, RefName, RefTransaction, Result, Snapshot, State, blocking, effort::Watch,
    pack::PackFolder, repository, state, temp_dir::TempDir,
};

mod inspect;
mod unpack;
mod walk;

use inspect::{Received, Tip};

/// Time limit of the in-process checks of a push.
const INSPECT_TIMEOUT: Duration = Duration::from_mins(10);

/// Limits of a push.
#[derive(Clone, Copy, Debug)]
pub struct ReceiveLimits {
    /// Maximum size of the pack in bytes.
    pub max_pack_bytes: u64,
}

/// Quarantine: the objects of one push on top of a snapshot, invisible to everybody else. The folder is
/// removed on drop, except for the pack that [`into_transaction`](Self::into_landing) moves out.
pub struct Quarantine {
    base: Arc<Snapshot>,
    commands: Vec<Command>,
    folder: Arc<TempDir>,
    repository: gix::ThreadSafeRepository,
    state: Arc<State>,
    pack: Option<NewPack>,
    tips: HashMap<ObjectId, Tip>,
    /// All newly reachable objects; `None` if some of them are missing.
    objects: Option<Arc<[ObjectId]>>,
    received: Arc<Received>,
}

/// Reads the rest of `body`, the pack of `push`, into a quarantine on top of `snapshot`.
///
/// Runs `git index-pack`, which resolves deltas and checks every object as `git fsck --strict` does, then
/// checks that everything the commands reference is connected, and that no message, folder or path is too
/// long for readers. On failure too, `body` is read to its end (up to a limit), because a client that is
/// still sending does not read the response. Dropping the future kills the process.
///
/// # Errors
///
/// [`Error::Invalid`](crate::Error::Invalid) or [`Error::TooLarge`](crate::Error::TooLarge) if the pack is
/// rejected, with a message for [`Report::unpack_failed`](super::Report::unpack_failed);
/// [`Error::Io`](crate::Error::Io) if the body ended early; other variants for failures of the server.
pub async fn receive(
    snapshot: &Arc<Snapshot>,
    push: &Push,
    body: &mut (impl AsyncRead + Unpin),
    limits: ReceiveLimits,
    progress: &Progress,
) -> Result<Quarantine> {
    let folder = Arc::new(unpack::or_drain(snapshot.quarantine().await, body).await?);
    let pack = if push.has_pack() {
        unpack::index_pack(snapshot.git(), folder.path(), body, limits, progress).await?
    } else {
        None
    };
    progress.begin();

    let wanted: HashSet<_> = push.commands.iter().filter_map(|command| command.new).collect();
    let (place, state) = (Arc::clone(&folder), snapshot.shared_state());
    let live = snapshot.state().packs.iter().any(|row| Some(row.id) == pack);
    let watch = Watch::new(Some(INSPECT_TIMEOUT));
    let _waiting = watch.waiting();
    let later = watch.clone();
    let came = pack;
    let (repository, pack, tips, received) = blocking::run(move || {
        let repository = repository::open(place.path())?;
        let pack = match came {
            // If the same pack is already live, there is nothing to store.
            Some(id) if !live => new_pack(id, &place)?,
            _ => None,
        };
        let reader = Reader::new(repository.to_thread_local(), Arc::clone(&state)).watched(watch);
        let received = match came.filter(|_| !live) {
            Some(id) => {
                let file = PackFolder(place.path().join("objects/pack")).file(id);
                let index = gix::odb::pack::index::File::at(&file.idx, gix::hash::Kind::Sha1)?;
                Received::check(&reader, (0..index.num_objects()).map(|at| index.oid_at_index(at).to_owned()))?
            }
            None => Received::default(),
        };
        let tips = inspect::tips(&reader, &wanted)?;
        Ok((repository, pack, tips, Arc::new(received)))
    })
    .await?;
    let objects: Option<Arc<[ObjectId]>> =
        walk::new_objects(snapshot.git(), &folder, tips.keys()).await?.map(Arc::from);
    if let Some(objects) = objects.clone() {
        let (repository, state, lease) = (repository.clone(), snapshot.shared_state(), Arc::clone(&folder));
        let received = Arc::clone(&received);
        let look = move || {
            let reader = Reader::new(repository.to_thread_local(), state).watched(later).with_delta_base_cache();
            let looked = inspect::extents(&reader, &received, &objects);
            drop(lease);
            looked
        };
        blocking::run(look).await?;
    }
    Ok(Quarantine {
        base: Arc::clone(snapshot),
        commands: push.commands.clone(),
        folder,
        repository,
        state: snapshot.shared_state(),
        pack,
        tips,
        objects,
        received,
    })
}

/// Returns the pack of the quarantine, unless it is empty: git sends an empty pack with a push that only
/// creates refs to existing objects.
fn new_pack(id: PackId, folder: &Arc<TempDir>) -> Result<Option<NewPack>> {
    let file = PackFolder(folder.path().join("objects/pack")).file(id);
    let index = gix::odb::pack::index::File::at(&file.idx, gix::hash::Kind::Sha1)?;
    let objects = u64::from(index.num_objects());
    if objects == 0 {
        return Ok(None);
    }
    NewPack::from_files(id, objects, Arc::clone(folder), file.pack, file.idx).map(Some)
}

impl Quarantine {
    /// Checks each command and returns the outcomes in order; the caller adds its own rules, then calls
    /// [`Push::settle`].
    ///
    /// Rejects invalid ref names, refs that belong to the engine, a ref that occurs twice, a ref that was
    /// updated since the client read it, missing objects, branches that do not point to a commit, and
    /// directory/file conflicts between ref names.
    pub fn check_ref_edits(&self) -> Vec<Outcome> {
        let current: HashMap<_, _> = self.state.refs.iter().map(|each| (each.name.as_str(), each.target)).collect();
        let mut seen = HashSet::new();
        let judged: Vec<Result<RefName, String>> = self
            .commands
            .iter()
            .map(|command| {
                let name = self.check_ref_edit(command, &current)?;
                if seen.insert(name.clone()) { Ok(name) } else { Err("the push contains this ref twice".to_owned()) }
            })
            .collect();

        // Deletions apply first: a push may delete `a` and create `a/b`.
        let mut names: BTreeSet<&str> = current.keys().copied().collect();
        for (command, name) in self.commands.iter().zip(&judged) {
            if let (None, Ok(name)) = (command.new, name) {
                names.remove(name.as_str());
            }
        }
        let mut verdicts = Vec::with_capacity(judged.len());
        for (command, name) in self.commands.iter().zip(&judged) {
            verdicts.push(match name {
                Err(reason) => Err(reason.clone()),
                Ok(_) if command.new.is_none() => Ok(()),
                Ok(name) => {
                    if let Some(other) = state::conflict_in(&names, name.as_str()) {
                        Err(format!("conflicts with {other}; use another name"))
                    } else {
                        names.insert(name.as_str());
                        Ok(())
                    }
                }
            });
        }
        verdicts
    }

    /// Checks everything about a command that does not depend on the others.
    fn check_ref_edit(&self, command: &Command, current: &HashMap<&str, ObjectId>) -> Result<RefName, String> {
        let name = command.ref_name().map_err(|_| "not a valid ref name".to_owned())?;
        if name.is_hidden() {
            return Err("refs/internal is reserved for the server".to_owned());
        }
        if name.is_reserved() && command.new.is_some() {
            return Err("this branch name is reserved".to_owned());
        }
        let held = current.get(name.as_str()).copied();
        match (command.old, command.new) {
            (None, None) if held.is_none() => return Err("no such ref".to_owned()),
            (old, _) if old == held => {}
            (None, _) => return Err("already exists; fetch first".to_owned()),
            (Some(_), _) if held.is_none() => {
                return Err("was deleted in the meantime; fetch first".to_owned());
            }
            (Some(_), _) => return Err("was updated in the meantime; fetch first".to_owned()),
        }
        if let Some(new) = command.new {
            let Some(tip) = self.tips.get(&new) else {
                return Err(format!("object {new} is missing from both the repository and the push"));
            };
            if name.is_branch() && tip.kind != gix::objs::Kind::Commit {
                return Err(format!("a branch must point to a commit, but {new} is a {}", tip.kind));
            }
            if self.objects.is_none() {
                return Err("missing necessary objects; push from a complete clone".to_owned());
            }
        }
        Ok(name)
    }

    /// Runs `work` with a reader of the snapshot plus the pushed objects; its refs are those before the push.
    pub async fn read<T, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Reader) -> Result<T> + Send + 'static,
    {
        let (repository, state) = (self.repository.clone(), Arc::clone(&self.state));
        let lease = Arc::clone(&self.folder);
        let watch = Watch::new(Some(INSPECT_TIMEOUT));
        let _waiting = watch.waiting();
        blocking::run(move || {
            let reader = Reader::new(repository.to_thread_local(), state).watched(watch).with_delta_base_cache();
            let done = work(&reader);
            drop(lease);
            done
        })
        .await
    }

    /// Returns the LFS pointers among the newly reachable blobs: those that were not reachable from any ref
    /// before, whether they came with this push or were already stored.
    ///
    /// # Errors
    ///
    /// [`Error::TooLarge`](crate::Error::TooLarge) beyond a million pointers.
    pub async fn pointers(&self) -> Result<Vec<(ObjectId, lfs::Pointer)>> {
        let Some(objects) = self.objects.clone() else { return Ok(Vec::new()) };
        let received = Arc::clone(&self.received);
        self.read(move |reader| inspect::pointers(reader, &received, &objects, inspect::MAX_POINTERS)).await
    }

    /// Returns one path for each of these blobs in the new commits of the push. Walks everything that is new,
    /// so it is meant for error messages, not for every push.
    pub async fn paths_of(&self, blobs: &[ObjectId]) -> Result<Vec<(ObjectId, String)>> {
        walk::paths_of(self.base.git(), &self.folder, self.tips.keys(), blobs).await
    }

    /// Returns the paths that a command changes in commits that were on no branch before, so merging the work
    /// of others changes nothing. With `compared`, also the paths that differ between the old and the new
    /// target. Empty if the ref is deleted.
    pub async fn changed_paths(&self, command: &Command, compared: bool) -> Result<BTreeSet<String>> {
        let Some(new) = command.new else {
            return Ok(BTreeSet::new());
        };
        let old = command.old.filter(|_| compared);
        self.read(move |reader| {
            let mut paths = inspect::paths_of_new_commits(reader, new)?;
            if let Some(old) = old {
                paths.append(&mut inspect::paths_between(reader, old, new)?);
            }
            Ok(paths)
        })
        .await
    }

    /// Returns for each command whether it is a non-fast-forward update. Deletions do not count.
    pub async fn rewrites(&self) -> Result<Vec<bool>> {
        let moves: Vec<_> = self.commands.iter().map(|command| command.old.zip(command.new)).collect();
        self.read(move |reader| {
            moves
                .iter()
                .map(|moved| moved.map_or(Ok(false), |(old, new)| inspect::rewrites(reader, old, new)))
                .collect()
        })
        .await
    }

    /// Creates the landing of the commands whose outcome is `Ok`; `outcomes` are in the order of the
    /// commands. If no accepted command needs new objects, the pack is dropped.
    pub fn into_transaction(self, outcomes: &[Outcome]) -> Result<RefTransaction> {
        let mut edits = Vec::new();
        for (command, _) in self.commands.iter().zip(outcomes).filter(|(_, outcome)| outcome.is_ok()) {
            let peeled = command.new.and_then(|new| self.tips.get(&new)).and_then(|tip| tip.peeled);
            edits.push(RefEdit { name: command.ref_name()?, old: command.old, new: command.new, peeled });
        }
        let pack = self.pack.filter(|_| edits.iter().any(|edit| edit.new.is_some()));
        let state = &self.state;
        Ok(RefTransaction { generation: state.generation, epoch: state.epoch, pack, edits })
    }
}
