//! Walking through commits.

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, HashMap, HashSet},
};

use gix::{
    ObjectId,
    objs::{TreeRefIter, tree::EntryMode},
};

use crate::{CommitInfo, Error, FilePath, Reader, Result};

/// A commit in a walk, with what the walk has to know about it.
struct Step {
    id: ObjectId,
    seconds: i64,
    parents: Vec<ObjectId>,
}

/// Commits to visit: the newest first, and among equally old ones in the order they were met, as `git log` does.
#[derive(Default)]
struct Frontier {
    queue: BinaryHeap<(i64, Reverse<usize>, ObjectId)>,
    waiting: HashMap<ObjectId, Step>,
    met: HashSet<ObjectId>,
}

impl Frontier {
    fn push(&mut self, reader: &Reader, id: ObjectId) -> Result<()> {
        if self.met.insert(id) {
            let step = reader.step(id)?;
            self.queue.push((step.seconds, Reverse(self.met.len()), id));
            self.waiting.insert(id, step);
        }
        Ok(())
    }

    fn pop(&mut self) -> Option<Step> {
        let (_, _, id) = self.queue.pop()?;
        self.waiting.remove(&id)
    }
}

impl Reader {
    fn step(&self, id: ObjectId) -> Result<Step> {
        let commit = self.repository.find_commit(id)?;
        Ok(Step {
            id,
            // An unreadable date sorts as git sorts it: first of all times.
            seconds: commit.time().map_or(0, |time| time.seconds),
            parents: commit.parent_ids().map(gix::Id::detach).collect(),
        })
    }

    /// Up to `limit` commits that can be reached from `from`, the newest first, in the order of
    /// `git log`; with `path`, only those that changed it, simplified as `git log -- path` does:
    /// a merge that took the path over from one parent is followed to that parent alone.
    ///
    /// `after` continues a page: the walk begins behind that commit, which must be part of the walk.
    pub fn log(
        &self,
        from: ObjectId,
        limit: usize,
        path: Option<&FilePath>,
        after: Option<ObjectId>,
    ) -> Result<Vec<CommitInfo>> {
        let mut frontier = Frontier::default();
        frontier.push(self, self.commit(from)?.id)?;
        let mut skipping = after;
        let mut found = Vec::new();
        while let Some(step) = frontier.pop().filter(|_| found.len() < limit) {
            let (shown, next) = match path {
                None => (true, step.parents),
                Some(path) => self.simplify(&step, path)?,
            };
            for parent in next {
                frontier.push(self, parent)?;
            }
            if shown && skipping.is_none() {
                found.push(self.commit(step.id)?);
            } else if skipping == Some(step.id) {
                skipping = None;
            }
        }
        match skipping {
            Some(id) => Err(Error::NotFound(format!("{id} is not part of this history"))),
            None => Ok(found),
        }
    }

    /// Whether a commit changed `path`, and which parents lead on.
    fn simplify(&self, step: &Step, path: &FilePath) -> Result<(bool, Vec<ObjectId>)> {
        let held = self.look_up(step.id, path)?;
        if step.parents.is_empty() {
            return Ok((held.is_some(), Vec::new()));
        }
        for &parent in &step.parents {
            if self.look_up(parent, path)? == held {
                return Ok((false, vec![parent]));
            }
        }
        Ok((true, step.parents.clone()))
    }

    /// For every entry of the folder `path` (the root if `None`), by name: the last commit that changed it, along first parents only, so that a merge counts as one change.
    /// `None` for those not found within `cap` commits.
    pub fn last_commits(
        &self,
        revision: ObjectId,
        path: Option<&FilePath>,
        cap: usize,
    ) -> Result<Vec<(String, Option<ObjectId>)>> {
        let mut commit = self.commit(revision)?;
        let mut folder = Some(self.folder(revision, path)?);
        let entries = self.names(folder)?;
        let mut order: Vec<_> = entries.keys().cloned().collect();
        let mut open = entries;
        let mut resolved = HashMap::new();
        for _ in 0..cap {
            let Some(&parent) = commit.parents.first() else {
                resolved.extend(open.drain().map(|(name, _)| (name, commit.id)));
                break;
            };
            let before = self.folder_if_any(parent, path)?;
            // Most commits leave a folder alone: comparing its id saves reading it.
            if before != folder {
                let names = self.names(before)?;
                open.retain(|name, held| {
                    let unchanged = names.get(name) == Some(held);
                    if !unchanged {
                        resolved.insert(name.clone(), commit.id);
                    }
                    unchanged
                });
                folder = before;
            }
            if open.is_empty() {
                break;
            }
            commit = self.commit(parent)?;
        }
        order.sort();
        Ok(order.into_iter().map(|name| { let last = resolved.get(&name).copied(); (name, last) }).collect())
    }

    fn folder_if_any(&self, commit: ObjectId, path: Option<&FilePath>) -> Result<Option<ObjectId>> {
        let Some(path) = path else { return self.tree_of(commit).map(Some) };
        Ok(self.look_up(commit, path)?.filter(|(mode, _)| mode.is_tree()).map(|(_, id)| id))
    }

    fn names(&self, folder: Option<ObjectId>) -> Result<HashMap<String, (EntryMode, ObjectId)>> {
        let Some(folder) = folder else { return Ok(HashMap::new()) };
        let tree = self.repository.find_tree(folder)?;
        TreeRefIter::from_bytes(&tree.data, gix::hash::Kind::Sha1)
            .map(|entry| {
                let entry = entry?;
                Ok((entry.filename.to_string(), (entry.mode, entry.oid.to_owned())))
            })
            .collect()
    }
}
