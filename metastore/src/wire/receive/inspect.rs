//! In-process inspection of pushed objects: sizes, path lengths, LFS pointers, changed paths.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    ops::ControlFlow,
    sync::{LazyLock, Mutex, MutexGuard, PoisonError},
};

use crate::{
    Error, Reader, Result,
    path::{DEPTH_LIMIT, LIMIT},
    read::{Budget, check_size},
};
use gix::{
    ObjectId,
    bstr::BStr,
    diff::tree::{Recorder, Visit, visit},
    objs::{Kind, TreeRefIter},
};

/// Maximum number of changed paths that are listed: a few trees that contain each other many times can name
/// billions of paths.
const MAX_CHANGED: usize = 200_000;

/// Maximum total size of these paths in bytes, for one comparison and for all of them.
const MAX_CHANGED_BYTES: usize = 32 << 20;

/// Maximum number of new pointers that are collected, since all are held in memory.
pub(super) const MAX_POINTERS: usize = 1_000_000;

/// Maximum number of new commits that are compared one by one.
const MAX_COMMITS: usize = 50_000;

/// The new object of a command.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tip {
    pub(super) kind: Kind,
    /// For a tag object, the object it peels to.
    pub(super) peeled: Option<ObjectId>,
}

/// Looks up the objects in `wanted`; missing ones are left out.
pub(super) fn tips(reader: &Reader, wanted: &HashSet<ObjectId>) -> Result<HashMap<ObjectId, Tip>> {
    let mut tips = HashMap::with_capacity(wanted.len());
    for &id in wanted {
        if let Some(header) = reader.repository.try_find_header(id)? {
            let kind = header.kind();
            let peeled = if kind == Kind::Tag { peel(reader, id)? } else { None };
            tips.insert(id, Tip { kind, peeled });
        }
    }
    Ok(tips)
}

/// Peels any number of tag objects; `None` if the final object is missing, which the connectivity check reports.
fn peel(reader: &Reader, mut id: ObjectId) -> Result<Option<ObjectId>> {
    loop {
        match reader.kind(id)? {
            None => return Ok(None),
            Some(Kind::Tag) => id = reader.annotation(id)?.target,
            Some(Kind::Commit | Kind::Tree | Kind::Blob) => return Ok(Some(id)),
        }
    }
}

/// What the checks need to know of an object before they read it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Class {
    /// A tree whose size was checked.
    Tree,
    /// A blob that may be an LFS pointer.
    SmallBlob,
    Other,
}

/// The received objects, in the order of their IDs. Looking up the header of an object costs as much as reading a small
/// one, so it is done once.
#[derive(Debug, Default)]
pub(super) struct Received(Vec<(ObjectId, Class)>);

impl Received {
    /// Checks the sizes of the received objects before any of them is read. All of them count, including
    /// unreachable ones, which may be delta bases of others.
    pub(super) fn check(reader: &Reader, sorted: impl Iterator<Item = ObjectId>) -> Result<Self> {
        let classify = |id| {
            let header = reader.repository.find_header(id)?;
            check_size(id, header.kind(), header.size()).map_err(invalid)?;
            Ok((id, Class::of(&header)))
        };
        sorted.map(classify).collect::<Result<_>>().map(Self)
    }

    fn known(&self, id: ObjectId) -> Option<Class> {
        self.0.binary_search_by_key(&id, |(id, _)| *id).ok().map(|index| self.0[index].1)
    }

    fn class(&self, reader: &Reader, id: ObjectId) -> Result<Class> {
        match self.known(id) {
            Some(class) => Ok(class),
            None => Ok(Class::of(&reader.repository.find_header(id)?)),
        }
    }
}

impl Class {
    fn of(header: &gix::odb::find::Header) -> Self {
        match header.kind() {
            Kind::Tree => Self::Tree,
            Kind::Blob if header.size() < lfs::Pointer::MAX_LEN as u64 => Self::SmallBlob,
            Kind::Blob | Kind::Commit | Kind::Tag => Self::Other,
        }
    }
}

/// Extent of a folder: the largest number of bytes and the largest number of components in a path below it.
#[derive(Clone, Copy, Debug, Default)]
struct Extent {
    bytes: usize,
    components: usize,
}

/// A tree whose entries are being examined.
struct Open {
    id: ObjectId,
    /// Its remaining subfolders, with the lengths of their names.
    rest: Vec<(usize, ObjectId)>,
    extent: Extent,
}

/// Maximum number of trees in the extent cache, about 15 MB.
const MAX_REMEMBERED: usize = 200_000;

/// Maximum number of pending folders, in all nested trees together, about 60 MB.
const MAX_WAITING: usize = 2_000_000;

/// Checks that no path is longer or deeper than a [`FilePath`](crate::FilePath) may be. Each tree is read
/// once, however often it occurs.
pub(super) fn extents(reader: &Reader, received: &Received, objects: &[ObjectId]) -> Result<()> {
    let mut known: HashMap<ObjectId, Extent> = HashMap::new();
    for &id in objects {
        if received.class(reader, id)? == Class::Tree {
            extent(reader, received, id, &mut known)?;
        }
    }
    remember(known);
    Ok(())
}

/// A stack instead of recursion: nested folders could overflow the call stack.
fn extent(reader: &Reader, received: &Received, tree: ObjectId, known: &mut HashMap<ObjectId, Extent>) -> Result<()> {
    let too_long = |id: ObjectId| {
        Error::Invalid(format!(
            "the tree {id} contains a path with more than {LIMIT} bytes or {DEPTH_LIMIT} levels; use \
             shorter names or fewer nested folders"
        ))
    };
    if find(known, tree).is_some() {
        return Ok(());
    }
    let mut stack = vec![open(reader, received, tree)?];
    let mut waiting = stack[0].rest.len();
    while let Some(top) = stack.last_mut() {
        let Some(&(name, folder)) = top.rest.last() else {
            let Open { id, extent, .. } = *top;
            if extent.bytes > LIMIT || extent.components > DEPTH_LIMIT {
                return Err(too_long(id));
            }
            known.insert(id, extent);
            stack.pop();
            continue;
        };
        if let Some(below) = find(known, folder) {
            top.extent = top.extent.with(name, below);
            top.rest.pop();
            waiting -= 1;
        } else if stack.len() == DEPTH_LIMIT {
            return Err(too_long(tree));
        } else {
            let below = open(reader, received, folder)?;
            waiting += below.rest.len();
            if waiting > MAX_WAITING {
                return Err(Error::Invalid(format!("the tree {tree} contains too many folders")));
            }
            stack.push(below);
        }
    }
    Ok(())
}

/// Cache of tree extents, so that a push does not read unchanged trees again.
static REMEMBERED: LazyLock<Mutex<HashMap<ObjectId, Extent>>> = LazyLock::new(Mutex::default);

fn remembered() -> MutexGuard<'static, HashMap<ObjectId, Extent>> {
    REMEMBERED.lock().unwrap_or_else(PoisonError::into_inner)
}

fn remember(known: HashMap<ObjectId, Extent>) {
    let mut remembered = remembered();
    if remembered.len() + known.len() > MAX_REMEMBERED {
        remembered.clear();
    }
    remembered.extend(known.into_iter().take(MAX_REMEMBERED));
}

fn find(known: &HashMap<ObjectId, Extent>, tree: ObjectId) -> Option<Extent> {
    known.get(&tree).copied().or_else(|| remembered().get(&tree).copied())
}

impl Extent {
    /// Returns the extent including what is below a folder with a name of this length.
    fn with(self, name: usize, below: Self) -> Self {
        Self { bytes: self.bytes.max(name + 1 + below.bytes), components: self.components.max(1 + below.components) }
    }
}

fn open(reader: &Reader, received: &Received, id: ObjectId) -> Result<Open> {
    let is_checked = received.known(id) == Some(Class::Tree);
    let tree = if is_checked { reader.load_checked_tree(id)? } else { reader.load_tree(id)? };
    let mut open = Open { id, rest: Vec::new(), extent: Extent::default() };
    for entry in TreeRefIter::from_bytes(&tree.data, gix::hash::Kind::Sha1) {
        let entry = entry?;
        if entry.mode.is_tree() {
            open.rest.push((entry.filename.len(), entry.oid.to_owned()));
        } else {
            let Extent { bytes, components } = open.extent;
            open.extent = Extent { bytes: bytes.max(entry.filename.len()), components: components.max(1) };
        }
    }
    Ok(open)
}

/// Converts a size limit error into an invalid push.
fn invalid(error: Error) -> Error {
    match error {
        Error::TooLarge(why) => Error::Invalid(why),
        other => other,
    }
}

/// Returns the pointers among `objects`.
///
/// # Errors
///
/// [`Error::TooLarge`] if there are more than `limit`.
pub(super) fn pointers(
    reader: &Reader,
    received: &Received,
    objects: &[ObjectId],
    limit: usize,
) -> Result<Vec<(ObjectId, lfs::Pointer)>> {
    let mut found = Vec::new();
    for &id in objects {
        if received.class(reader, id)? == Class::SmallBlob {
            let blob = reader.repository.find_object(id)?;
            if let Ok(pointer) = lfs::Pointer::parse(&blob.data) {
                if found.len() == limit {
                    return Err(Error::TooLarge(format!("more than {limit} new LFS files; push fewer at a time")));
                }
                found.push((id, pointer));
            }
        }
    }
    Ok(found)
}

/// Returns true if the update from `old` to `new` is not a fast-forward.
pub(super) fn rewrites(reader: &Reader, old: ObjectId, new: ObjectId) -> Result<bool> {
    if old == new {
        return Ok(false);
    }
    let is_commit = |id| -> Result<bool> {
        Ok(reader.repository.try_find_header(id)?.is_some_and(|header| header.kind() == Kind::Commit))
    };
    if !is_commit(old)? || !is_commit(new)? {
        return Ok(true);
    }
    Ok(reader.repository.merge_base(old, new)?.is_none_or(|base| base != old))
}

/// Returns the paths of files that differ between two commits (or tags of commits).
pub(super) fn paths_between(reader: &Reader, old: ObjectId, new: ObjectId) -> Result<BTreeSet<String>> {
    differences(reader, tree_of(reader, old)?, tree_of(reader, new)?, MAX_CHANGED)
}

/// Returns the paths of files changed by the commits reachable from `new` that were on no branch before; tags
/// do not count, since they may point to abandoned commits. A merge changes what differs from all of its
/// parents, as in `git log -c`.
pub(super) fn paths_of_new_commits(reader: &Reader, new: ObjectId) -> Result<BTreeSet<String>> {
    let repository = &reader.repository;
    let Some(new) = peel(reader, new)? else {
        return Ok(BTreeSet::new());
    };
    if repository.find_header(new)?.kind() != Kind::Commit {
        return Ok(BTreeSet::new());
    }
    let mut known = HashSet::new();
    for each in reader.state().refs.iter().filter(|each| each.name.is_branch()) {
        let id = each.target;
        if repository.find_header(id)?.kind() == Kind::Commit {
            known.insert(id);
        }
    }
    let mut changed = BTreeSet::new();
    let mut bytes = 0;
    for (count, commit) in repository.rev_walk([new]).with_hidden(known).all()?.enumerate() {
        if count >= MAX_COMMITS {
            return Err(Error::TooLarge(format!("more than {MAX_COMMITS} new commits; push fewer at a time")));
        }
        let commit = commit?;
        let tree = tree_of(reader, commit.id)?;
        let mut touched: Option<BTreeSet<String>> = None;
        for parent in commit.parent_ids() {
            let from = tree_of(reader, parent.detach())?;
            let differing = differences(reader, from, tree, MAX_CHANGED)?;
            touched = Some(match touched {
                Some(touched) => touched.intersection(&differing).cloned().collect(),
                None => differing,
            });
        }
        let touched = match touched {
            Some(touched) => touched,
            None => differences(reader, None, tree, MAX_CHANGED)?,
        };
        for path in touched {
            let length = path.len();
            bytes += if changed.insert(path) { length } else { 0 };
        }
        if changed.len() > MAX_CHANGED || bytes > MAX_CHANGED_BYTES {
            return Err(too_many());
        }
    }
    Ok(changed)
}

fn too_many() -> Error {
    let mebibytes = MAX_CHANGED_BYTES >> 20;
    Error::TooLarge(format!("more than {MAX_CHANGED} changed paths, or {mebibytes} MiB of paths; push fewer at a time"))
}

/// Returns the tree of a commit or of a tag of a commit; `None` for anything else.
fn tree_of(reader: &Reader, id: ObjectId) -> Result<Option<ObjectId>> {
    match reader.tree_of(id) {
        Ok(tree) => Ok(Some(tree)),
        Err(Error::NotFound(_)) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Returns the paths of files that differ; a missing tree counts as empty.
fn differences(
    reader: &Reader,
    old: Option<ObjectId>,
    new: Option<ObjectId>,
    limit: usize,
) -> Result<BTreeSet<String>> {
    if old == new {
        return Ok(BTreeSet::new());
    }
    let load = |id: Option<ObjectId>| -> Result<Vec<u8>> {
        Ok(match id {
            Some(id) => reader.load_tree(id)?.detach().data,
            None => Vec::new(),
        })
    };
    let (old, new) = (load(old)?, load(new)?);
    let budget = Budget::new(limit, MAX_CHANGED_BYTES);
    let mut paths = Paths { reader, place: Recorder::default(), budget, found: BTreeSet::new(), stopped: None };
    let compared = gix::diff::tree(
        TreeRefIter::from_bytes(&old, gix::hash::Kind::Sha1),
        TreeRefIter::from_bytes(&new, gix::hash::Kind::Sha1),
        gix::diff::tree::State::default(),
        &reader.repository.objects,
        &mut paths,
    );
    match (compared, paths.stopped) {
        (Ok(()), _) => Ok(paths.found),
        (Err(_), Some(Error::TooLarge(_))) | (Err(gix::diff::tree::Error::Cancelled), None) => Err(too_many()),
        (Err(_), Some(error)) => Err(error),
        (Err(gix::diff::tree::Error::Failure(error)), None) => Err(error.into()),
    }
}

/// Collects paths of files; the recorder tracks the current path.
struct Paths<'r> {
    reader: &'r Reader,
    place: Recorder,
    budget: Budget,
    found: BTreeSet<String>,
    /// The error that stopped the collection.
    stopped: Option<Error>,
}

impl Visit for Paths<'_> {
    fn pop_front_tracked_path_and_set_current(&mut self) {
        self.place.pop_front_tracked_path_and_set_current();
    }

    fn push_back_tracked_path_component(&mut self, component: &BStr) {
        self.place.push_back_tracked_path_component(component);
    }

    fn push_path_component(&mut self, component: &BStr) {
        self.place.push_path_component(component);
    }

    fn pop_path_component(&mut self) {
        self.place.pop_path_component();
    }

    fn visit(&mut self, change: visit::Change) -> visit::Action {
        self.reader.meter.entries(1);
        let taken = self.budget.take(self.place.path().len()).and_then(|()| self.reader.meter.check());
        if let Err(error) = taken {
            self.stopped = Some(error);
            return ControlFlow::Break(());
        }
        let is_file = match &change {
            visit::Change::Modification { previous_entry_mode, entry_mode, .. } => {
                !previous_entry_mode.is_tree() || !entry_mode.is_tree()
            }
            visit::Change::Addition { entry_mode, .. } | visit::Change::Deletion { entry_mode, .. } => {
                !entry_mode.is_tree()
            }
        };
        if is_file {
            self.found.insert(self.place.path().to_string());
        }
        ControlFlow::Continue(())
    }
}

#[cfg(test)]
mod tests;
