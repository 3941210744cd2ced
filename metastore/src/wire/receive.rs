//! Receiving a push: its pack goes into a quarantine that nobody else can see, is proved complete
//! there, and leaves it only as part of a [`Landing`].

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use gix::ObjectId;
use tokio::io::AsyncRead;

use super::{Command, Outcome, Progress, Push};
use crate::{
    Landing, NewPack, PackId, Reader, RefEdit, RefName, Result, Snapshot, State, blocking, effort::Watch,
    scratch::Scratch, snapshot, state,
};

mod inspect;
mod unpack;
mod walk;

use inspect::Tip;
pub use unpack::drain;

/// How long a push may be looked at in process.
const LONGEST: Duration = Duration::from_mins(10);

/// What a push may bring.
#[derive(Clone, Copy, Debug)]
pub struct ReceiveLimits {
    /// The longest pack accepted, in bytes as sent.
    pub max_pack_bytes: u64,
}

/// The objects of one push beside those of a snapshot, visible to nobody else. Its folder vanishes
/// with the value, except for the pack that [`into_landing`](Self::into_landing) carries out.
pub struct Quarantine {
    base: Arc<Snapshot>,
    commands: Vec<Command>,
    folder: Arc<Scratch>,
    repository: gix::ThreadSafeRepository,
    state: Arc<State>,
    pack: Option<NewPack>,
    tips: HashMap<ObjectId, Tip>,
    /// Everything that becomes reachable; `None` if something of it is missing.
    objects: Option<Arc<[ObjectId]>>,
}

/// Takes the rest of `body`, the pack of `push`, into a quarantine on top of `snapshot`.
///
/// The pack is parsed, its deltas resolved, every object checked as `git fsck --strict` would, and
/// everything the commands name proved to be complete, and to hold no message, folder or path that is
/// too long for those who read it. `body` is read to its end also where this fails
/// (up to a bound), because a client that is still sending does not listen.
///
/// Fails with [`Error::Invalid`](crate::Error::Invalid) or [`Error::TooLarge`](crate::Error::TooLarge)
/// where the pack is at fault, with a text for [`Report::unpack_failed`](super::Report::unpack_failed);
/// with [`Error::Io`](crate::Error::Io) where the body broke off; with other kinds where we are at
/// fault. Dropping the future kills the child.
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
    let watch = Watch::new(Some(LONGEST));
    let _waiting = watch.waiting();
    let later = watch.clone();
    let came = pack;
    let (repository, pack, tips) = blocking::run(move || {
        let repository = snapshot::open(place.path())?;
        let pack = match came {
            // The very same pack has landed before: nothing to store again.
            Some(id) if !live => new_pack(id, &place)?,
            _ => None,
        };
        let reader = Reader::new(repository.to_thread_local(), Arc::clone(&state)).watched(watch);
        if let Some(id) = came.filter(|_| !live) {
            let file = snapshot::PackFolder(place.path().join("objects/pack")).file(id);
            let index = gix::odb::pack::index::File::at(&file.idx, gix::hash::Kind::Sha1)?;
            inspect::sizes(&reader, (0..index.num_objects()).map(|at| index.oid_at_index(at).to_owned()))?;
        }
        let tips = inspect::tips(&reader, &wanted)?;
        Ok((repository, pack, tips))
    })
    .await?;
    let objects: Option<Arc<[ObjectId]>> =
        walk::new_objects(snapshot.git(), &folder, tips.keys()).await?.map(Arc::from);
    if let Some(objects) = objects.clone() {
        let (repository, state, lease) = (repository.clone(), snapshot.shared_state(), Arc::clone(&folder));
        let look = move || {
            let reader = Reader::new(repository.to_thread_local(), state).watched(later);
            let looked = inspect::extents(&reader, &objects);
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
    })
}

/// The pack of the quarantine, unless it is empty: git sends an empty one with a push that only gives
/// new names to old objects.
fn new_pack(id: PackId, folder: &Arc<Scratch>) -> Result<Option<NewPack>> {
    let file = snapshot::PackFolder(folder.path().join("objects/pack")).file(id);
    let index = gix::odb::pack::index::File::at(&file.idx, gix::hash::Kind::Sha1)?;
    let objects = u64::from(index.num_objects());
    if objects == 0 {
        return Ok(None);
    }
    NewPack::from_files(id, objects, Arc::clone(folder), file.pack, file.idx).map(Some)
}

impl Quarantine {
    /// What the engine says to each command, in their order; the caller adds its own rules, then
    /// applies [`Push::settle`].
    ///
    /// Refused are names that no ref may have, the engine's own refs, a ref named twice, a ref that
    /// has moved since the client looked, objects that did not come, a branch that is not a commit,
    /// and a name that would be the folder of another.
    pub fn verdicts(&self) -> Vec<Outcome> {
        let current: HashMap<_, _> = self.state.refs.iter().map(|each| (each.name.as_str(), each.target)).collect();
        let mut seen = HashSet::new();
        let judged: Vec<Result<RefName, String>> = self
            .commands
            .iter()
            .map(|command| {
                let name = self.judge(command, &current)?;
                if seen.insert(name.clone()) { Ok(name) } else { Err("the push names this ref twice".to_owned()) }
            })
            .collect();

        // Deletions count first: `a` may go and `a/b` come in one push.
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
                        Err(format!("cannot exist beside {other}"))
                    } else {
                        names.insert(name.as_str());
                        Ok(())
                    }
                }
            });
        }
        verdicts
    }

    /// Everything about one command that does not depend on the others.
    fn judge(&self, command: &Command, current: &HashMap<&str, ObjectId>) -> Result<RefName, String> {
        let name = command.ref_name().map_err(|_| "not a valid ref name".to_owned())?;
        if name.is_hidden() {
            return Err("refs/internal belongs to the server".to_owned());
        }
        if name.is_reserved() && command.new.is_some() {
            return Err("a branch cannot have this name".to_owned());
        }
        let held = current.get(name.as_str()).copied();
        match (command.old, command.new) {
            (None, None) if held.is_none() => return Err("no such ref".to_owned()),
            (old, _) if old == held => {}
            (None, _) => return Err("already exists; fetch first".to_owned()),
            (Some(_), _) if held.is_none() => {
                return Err("has been deleted meanwhile; fetch first".to_owned());
            }
            (Some(_), _) => return Err("was updated in the meantime; fetch first".to_owned()),
        }
        if let Some(new) = command.new {
            let Some(tip) = self.tips.get(&new) else {
                return Err(format!("object {new} is neither here nor in the push"));
            };
            if name.is_branch() && tip.kind != gix::objs::Kind::Commit {
                return Err(format!("a branch must be a commit, but {new} is a {}", tip.kind));
            }
            if self.objects.is_none() {
                return Err("missing necessary objects; push from a complete clone".to_owned());
            }
        }
        Ok(name)
    }

    /// Runs `work` with a reader that sees the pushed objects beside those of the snapshot; its refs
    /// are those of before the push.
    pub async fn read<T, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Reader) -> Result<T> + Send + 'static,
    {
        let (repository, state) = (self.repository.clone(), Arc::clone(&self.state));
        let lease = Arc::clone(&self.folder);
        let watch = Watch::new(Some(LONGEST));
        let _waiting = watch.waiting();
        blocking::run(move || {
            let done = work(&Reader::new(repository.to_thread_local(), state).watched(watch));
            drop(lease);
            done
        })
        .await
    }

    /// The LFS pointers among the blobs that the push makes reachable: those that no ref had before,
    /// whether they came with this push or were left behind by another.
    /// [`Error::TooLarge`](crate::Error::TooLarge) beyond a million.
    pub async fn pointers(&self) -> Result<Vec<(ObjectId, lfs::Pointer)>> {
        let Some(objects) = self.objects.clone() else { return Ok(Vec::new()) };
        self.read(move |reader| inspect::pointers(reader, &objects, inspect::MAX_POINTERS)).await
    }

    /// Where the new commits of the push have these blobs: for each one path, of which there may be
    /// more. Walks everything that is new, so it is for messages, not for the way of success.
    pub async fn paths_of(&self, blobs: &[ObjectId]) -> Result<Vec<(ObjectId, String)>> {
        walk::paths_of(self.base.git(), &self.folder, self.tips.keys(), blobs).await
    }

    /// The paths that a command changes in the commits that no branch had before, so that merging
    /// what others have pushed changes nothing. With `compared`, also those that differ between where
    /// the ref was and where it goes. None where a ref is deleted.
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

    /// For each command, whether it takes history away: a ref that moves to where its old commit is
    /// not an ancestor. Deletions are not counted.
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

    /// The landing of the commands whose outcome is `Ok`; `outcomes` are in the order of the commands.
    /// Without a command that needs new objects, the pack is left behind.
    pub fn into_landing(self, outcomes: &[Outcome]) -> Result<Landing> {
        let mut edits = Vec::new();
        for (command, _) in self.commands.iter().zip(outcomes).filter(|(_, outcome)| outcome.is_ok()) {
            let peeled = command.new.and_then(|new| self.tips.get(&new)).and_then(|tip| tip.peeled);
            edits.push(RefEdit { name: command.ref_name()?, old: command.old, new: command.new, peeled });
        }
        let pack = self.pack.filter(|_| edits.iter().any(|edit| edit.new.is_some()));
        let state = &self.state;
        Ok(Landing { generation: state.generation, epoch: state.epoch, pack, edits })
    }
}
