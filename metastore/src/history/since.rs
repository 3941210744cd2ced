//! Descendants of a commit.

use std::collections::{HashMap, HashSet};

use gix::ObjectId;
use gix::object::Kind;

use crate::{Error, Reader, Result};

impl Reader {
    /// Returns `since` and all commits between it and `upto` that descend from it, including `upto`: the
    /// result of `git log --ancestry-path since..upto`. Empty if `upto` does not descend from `since`.
    ///
    /// # Errors
    ///
    /// [`Error::TooLarge`] if more than `most` commits of `upto` are not in the history of `since`.
    pub fn descendants(&self, since: ObjectId, upto: ObjectId, most: usize) -> Result<HashSet<ObjectId>> {
        if since == upto {
            return Ok(HashSet::from([since]));
        }
        match self.object_of_kind(since, Kind::Commit) {
            Ok(_) => {}
            // The commit is gone because the history was rewritten.
            Err(Error::NotFound(_)) => return Ok(HashSet::new()),
            Err(error) => return Err(error),
        }
        let mut children: HashMap<ObjectId, Vec<ObjectId>> = HashMap::new();
        let walk = self.repository.rev_walk([upto]).with_hidden([since]).all()?;
        for (count, commit) in walk.enumerate() {
            if count >= most {
                return Err(Error::TooLarge(format!("there are more than {most} revisions after {since}")));
            }
            let commit = commit?;
            for parent in commit.parent_ids() {
                children.entry(parent.detach()).or_default().push(commit.id);
            }
        }
        let (mut found, mut open) = (HashSet::new(), vec![since]);
        while let Some(commit) = open.pop() {
            for child in children.get(&commit).into_iter().flatten() {
                if found.insert(*child) {
                    open.push(*child);
                }
            }
        }
        if !found.is_empty() {
            found.insert(since);
        }
        Ok(found)
    }
}
