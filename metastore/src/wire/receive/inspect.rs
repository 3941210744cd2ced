//! What is in a push, read in process.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    ops::ControlFlow,
};

use crate::{Error, Reader, Result};
use gix::{
    ObjectId,
    bstr::BStr,
    diff::tree::{Recorder, Visit, visit},
    objs::{Kind, TreeRefIter},
};

/// More changed paths than this are not listed: a few trees that hold each other many times can name
/// billions of paths.
const MAX_CHANGED: usize = 200_000;

/// More new pointers than this are not collected, as they are all in memory at once.
pub(super) const MAX_POINTERS: usize = 1_000_000;

/// More new commits than this are not compared one by one.
const MAX_COMMITS: usize = 50_000;

/// What a command's new object is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tip {
    pub(super) kind: Kind,
    /// For a tag object: what it leads to in the end.
    pub(super) peeled: Option<ObjectId>,
}

/// Looks at `wanted`; those that do not exist are left out.
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

/// What `id` leads to through any number of tag objects; `None` where the end is missing, which the
/// check for completeness reports.
fn peel(reader: &Reader, mut id: ObjectId) -> Result<Option<ObjectId>> {
    loop {
        let Some(object) = reader.repository.try_find_object(id)? else {
            return Ok(None);
        };
        if object.kind != Kind::Tag {
            return Ok(Some(id));
        }
        id = object.try_into_tag()?.target_id()?.detach();
    }
}

/// The pointers among `objects`; [`Error::TooLarge`] where there are more than `limit`.
pub(super) fn pointers(reader: &Reader, objects: &[ObjectId], limit: usize) -> Result<Vec<(ObjectId, lfs::Pointer)>> {
    let mut found = Vec::new();
    for &id in objects {
        let header = reader.repository.find_header(id)?;
        if header.kind() == Kind::Blob && header.size() < lfs::Pointer::MAX_LEN as u64 {
            let blob = reader.repository.find_object(id)?;
            if let Ok(pointer) = lfs::Pointer::parse(&blob.data) {
                if found.len() == limit {
                    return Err(Error::TooLarge(format!("more than {limit} new LFS files; push them in steps")));
                }
                found.push((id, pointer));
            }
        }
    }
    Ok(found)
}

/// Whether moving a ref from `old` to `new` loses `old`.
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

/// The paths of files that differ between two commits (or tags of commits).
pub(super) fn paths_between(reader: &Reader, old: ObjectId, new: ObjectId) -> Result<BTreeSet<String>> {
    differences(reader, tree_of(reader, old)?, tree_of(reader, new)?, MAX_CHANGED)
}

/// The paths of files that the commits behind `new` touch which no branch had before; tags may point
/// to what nobody works on. A merge touches what differs from all of its parents, as `git log -c` has it.
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
    for (count, commit) in repository.rev_walk([new]).with_hidden(known).all()?.enumerate() {
        if count >= MAX_COMMITS {
            return Err(Error::TooLarge(format!("more than {MAX_COMMITS} new commits; push them in steps")));
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
        changed.extend(match touched {
            Some(touched) => touched,
            None => differences(reader, None, tree, MAX_CHANGED)?,
        });
        if changed.len() > MAX_CHANGED {
            return Err(too_many());
        }
    }
    Ok(changed)
}

fn too_many() -> Error {
    Error::TooLarge(format!("more than {MAX_CHANGED} changed paths; push them in steps"))
}

/// The tree behind a commit or tag; `None` for anything that has none.
fn tree_of(reader: &Reader, id: ObjectId) -> Result<Option<ObjectId>> {
    let Some(id) = peel(reader, id)? else {
        return Ok(None);
    };
    let object = reader.repository.find_object(id)?;
    Ok(match object.kind {
        Kind::Commit => Some(object.try_into_commit()?.tree_id()?.detach()),
        Kind::Tree => Some(id),
        Kind::Blob | Kind::Tag => None,
    })
}

/// The paths of files that differ; a missing tree is an empty one.
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
            Some(id) => reader.repository.find_object(id)?.detach().data,
            None => Vec::new(),
        })
    };
    let (old, new) = (load(old)?, load(new)?);
    let mut paths = Paths { place: Recorder::default(), left: limit, found: BTreeSet::new() };
    let compared = gix::diff::tree(
        TreeRefIter::from_bytes(&old, gix::hash::Kind::Sha1),
        TreeRefIter::from_bytes(&new, gix::hash::Kind::Sha1),
        gix::diff::tree::State::default(),
        &reader.repository.objects,
        &mut paths,
    );
    match compared {
        Ok(()) => Ok(paths.found),
        Err(gix::diff::tree::Error::Cancelled) => Err(too_many()),
        Err(gix::diff::tree::Error::Failure(error)) => Err(error.into()),
    }
}

/// Collects paths of files; the recorder only keeps track of where we are.
struct Paths {
    place: Recorder,
    left: usize,
    found: BTreeSet<String>,
}

impl Visit for Paths {
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
        let Some(left) = self.left.checked_sub(1) else {
            return ControlFlow::Break(());
        };
        self.left = left;
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
