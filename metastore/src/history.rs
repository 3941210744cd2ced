//! Walking through commits.

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, HashMap, HashSet, hash_map::Entry},
};

use gix::ObjectId;

use crate::{CommitInfo, Error, FilePath, Reader, Result, read::Held};

mod last;
mod since;

pub use last::LastCommits;

/// A commit, as far as a walk has to know it.
#[derive(Debug, Clone)]
struct Step {
    id: ObjectId,
    tree: ObjectId,
    seconds: i64,
    parents: Vec<ObjectId>,
}

/// Commits to visit: the newest first, and among equally old ones in the order they were met, as
/// `git log` does. Each commit is read once.
#[derive(Default)]
struct Frontier {
    queue: BinaryHeap<(i64, Reverse<usize>, ObjectId)>,
    met: HashSet<ObjectId>,
    steps: HashMap<ObjectId, Step>,
}

impl Frontier {
    fn step(&mut self, reader: &Reader, id: ObjectId) -> Result<&Step> {
        match self.steps.entry(id) {
            Entry::Occupied(known) => Ok(known.into_mut()),
            Entry::Vacant(unknown) => Ok(unknown.insert(reader.step(id)?)),
        }
    }

    fn push(&mut self, reader: &Reader, id: ObjectId) -> Result<()> {
        if self.met.insert(id) {
            let seconds = self.step(reader, id)?.seconds;
            self.queue.push((seconds, Reverse(self.met.len()), id));
        }
        Ok(())
    }

    fn pop(&mut self) -> Option<Step> {
        let (_, _, id) = self.queue.pop()?;
        self.steps.remove(&id)
    }
}

/// What stands at one path in many trees. Neighbours in a history share most of their folders.
struct Place<'a> {
    components: Vec<&'a str>,
    known: HashMap<(ObjectId, usize), Held>,
}

impl<'a> Place<'a> {
    fn new(path: &'a FilePath) -> Self {
        Self { components: path.components().collect(), known: HashMap::new() }
    }

    fn held_in(&mut self, reader: &Reader, root: ObjectId) -> Result<Held> {
        let mut tree = root;
        for depth in 0..self.components.len() {
            let held = if let Some(held) = self.known.get(&(tree, depth)) {
                *held
            } else {
                let held = reader.child(tree, self.components[depth])?;
                self.known.insert((tree, depth), held);
                held
            };
            match held {
                held if depth + 1 == self.components.len() => return Ok(held),
                Some((mode, id)) if mode.is_tree() => tree = id,
                Some(_) | None => return Ok(None),
            }
        }
        Ok(None)
    }
}

impl Reader {
    fn step(&self, id: ObjectId) -> Result<Step> {
        let commit = self.repository.find_commit(id)?;
        Ok(Step {
            id,
            tree: commit.tree_id()?.detach(),
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
        let mut place = path.map(Place::new);
        frontier.push(self, self.commit(from)?.id)?;
        let mut skipping = after;
        let mut found = Vec::new();
        while found.len() < limit {
            let Some(step) = frontier.pop() else { break };
            let shown = match &mut place {
                None => true,
                Some(place) => {
                    let held = place.held_in(self, step.tree)?;
                    let mut same = None;
                    for &parent in &step.parents {
                        let tree = frontier.step(self, parent)?.tree;
                        if place.held_in(self, tree)? == held {
                            same = Some(parent);
                            break;
                        }
                    }
                    if let Some(parent) = same {
                        frontier.push(self, parent)?;
                        continue;
                    }
                    !step.parents.is_empty() || held.is_some()
                }
            };
            for &parent in &step.parents {
                frontier.push(self, parent)?;
            }
            if shown && skipping.is_none() {
                found.push(self.commit(step.id)?);
            } else if skipping == Some(step.id) {
                skipping = None;
            }
        }
        match skipping.filter(|_| limit > 0) {
            Some(id) => Err(Error::NotFound(format!("{id} is not part of this history"))),
            None => Ok(found),
        }
    }
}
