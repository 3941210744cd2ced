//! Commit history walks.

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, HashMap, HashSet, hash_map::Entry},
};

use gix::ObjectId;

use crate::{CommitInfo, Error, FilePath, Reader, Result, read::Held};

mod last;
mod since;

pub use last::LastCommits;

/// Maximum total size in bytes of the messages returned at once.
const MESSAGES: usize = 32 << 20;

/// The parts of a commit that a walk needs.
#[derive(Debug, Clone)]
struct Step {
    id: ObjectId,
    tree: ObjectId,
    seconds: i64,
    parents: Vec<ObjectId>,
}

/// Queue of commits to visit: newest first, and commits of the same time in the order they were found, as
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

/// Looks up one path in many trees. Neighbouring commits share most of their folders, so look-ups are cached.
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

/// The commits of a history as far as it was walked. It never changes, so it can be cached.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct History {
    /// The commit IDs, newest first.
    pub ids: Vec<ObjectId>,
    /// True if there are no older commits.
    pub is_whole: bool,
}

impl History {
    /// Returns up to `limit` commits, those after `after` if given; `None` if the history was not walked far enough.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] if `after` is not in this history.
    pub fn page(&self, after: Option<ObjectId>, limit: usize) -> Result<Option<&[ObjectId]>> {
        let begin = match after.filter(|_| limit > 0) {
            None => 0,
            Some(after) => match self.ids.iter().position(|id| *id == after) {
                Some(at) => at + 1,
                None if self.is_whole => return Err(Error::NotFound(format!("{after} is not part of this history"))),
                None => return Ok(None),
            },
        };
        let rest = &self.ids[begin..];
        Ok((self.is_whole || rest.len() >= limit).then(|| &rest[..rest.len().min(limit)]))
    }
}

impl Reader {
    fn step(&self, id: ObjectId) -> Result<Step> {
        let commit = self.load_commit(id)?;
        Ok(Step {
            id,
            tree: commit.tree_id()?.detach(),
            // git treats an unreadable date as time 0.
            seconds: commit.time().map_or(0, |time| time.seconds),
            parents: commit.parent_ids().map(gix::Id::detach).collect(),
        })
    }

    /// Returns up to `limit` commits reachable from `from`, newest first, in the order of `git log`. With
    /// `path`, only those that changed it, simplified as by `git log -- path`: a merge that took the path
    /// unchanged from one parent is followed to that parent alone.
    ///
    /// `after` is the pagination cursor: the walk starts after that commit, which must be part of the walk.
    pub fn log(
        &self,
        from: ObjectId,
        limit: usize,
        path: Option<&FilePath>,
        after: Option<ObjectId>,
    ) -> Result<Vec<CommitInfo>> {
        let history = self.history(from, path, after, limit)?;
        self.commits(history.page(after, limit)?.unwrap_or_default())
    }

    /// Returns these commits.
    ///
    /// # Errors
    ///
    /// [`Error::TooLarge`] if their messages have more than 32 MiB in total; one message may have 1 MiB.
    pub fn commits(&self, ids: &[ObjectId]) -> Result<Vec<CommitInfo>> {
        let mut left = MESSAGES;
        let mut commits = Vec::with_capacity(ids.len());
        for id in ids {
            let commit = self.commit(*id)?;
            let people = [&commit.author, &commit.committer];
            let bytes: usize = people.iter().map(|person| person.name.len() + person.email.len()).sum();
            left = left.checked_sub(bytes + commit.message.len()).ok_or_else(|| {
                Error::TooLarge(format!(
                    "the messages of these {} revisions have more than {MESSAGES} bytes; use a smaller page",
                    ids.len()
                ))
            })?;
            commits.push(commit);
        }
        Ok(commits)
    }

    /// Returns the history that [`Reader::log`] pages through, from its start until `limit` commits after
    /// `after` are known.
    pub fn history(
        &self,
        from: ObjectId,
        path: Option<&FilePath>,
        after: Option<ObjectId>,
        limit: usize,
    ) -> Result<History> {
        let mut frontier = Frontier::default();
        let mut place = path.map(Place::new);
        frontier.push(self, self.commit(from)?.id)?;
        let mut is_behind = after.is_none();
        let mut left = limit;
        let mut history = History::default();
        while left > 0 {
            let Some(step) = frontier.pop() else {
                history.is_whole = true;
                break;
            };
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
            if shown {
                history.ids.push(step.id);
                left -= usize::from(is_behind);
                is_behind |= after == Some(step.id);
            }
            // Parents are read only if needed: they may be too large.
            for &parent in step.parents.iter().filter(|_| left > 0) {
                frontier.push(self, parent)?;
            }
        }
        Ok(history)
    }
}
