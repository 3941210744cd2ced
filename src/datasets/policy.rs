//! The rules for changes of a dataset, the same for pushes and for the API: protected branches and tags, files that other
//! users have locked, and objects that the dataset does not hold.

use std::collections::HashMap;

use lfs::Pointer;
use metastore::{Edit, RefName};

use super::{Datasets, is_empty};
use crate::access::{DatasetGrant, Grant, Own, Right, Write};
use crate::db::locks::LockRow;
use crate::error::{Error, Result};
use crate::types::Id;

mod protection;

pub(super) use self::protection::{Protection, full_pattern};

/// The rules for the branches and tags that a user changes.
pub(crate) struct RefPolicy {
    /// The default branch, which is always protected.
    default: RefName,
    protection: Protection,
    is_owner: bool,
}

/// A change of a ref, other than moving it forward.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RefChange {
    /// The ref gets another history, or another name.
    Rewrite,
    /// The ref is deleted.
    Delete,
}

impl RefPolicy {
    /// Reads the rules of a dataset with this default branch.
    pub(crate) fn of<R: Right>(grant: &DatasetGrant<R>, default: &RefName) -> Result<Self> {
        let is_owner = grant.also::<Own>().is_some();
        Ok(Self { default: default.clone(), protection: Protection::of(grant)?, is_owner })
    }

    /// Returns true for the default branch.
    pub(crate) fn is_default(&self, name: &RefName) -> bool {
        self.default == *name
    }

    /// Returns true if only owners can rewrite or delete the ref.
    pub(crate) fn is_protected(&self, name: &RefName) -> bool {
        self.is_default(name) || self.protection.covers(name)
    }

    /// Checks that the user can change the ref in this way.
    ///
    /// # Errors
    /// Conflict if the default branch would be deleted; forbidden if the ref is protected and the user is not an owner.
    pub(crate) fn check(&self, name: &RefName, change: RefChange) -> Result<()> {
        let short = name.short();
        if change == RefChange::Delete && self.is_default(name) {
            return Err(Error::conflict(format!(
                "`{short}` is the default branch and cannot be deleted; make another branch the default first"
            )));
        }
        if self.is_owner || !self.is_protected(name) {
            return Ok(());
        }
        Err(Error::forbidden(format!(
            "`{short}` is protected: its history cannot be rewritten, and it cannot be renamed or deleted; merge or \
             rebase onto it, or ask an owner"
        )))
    }
}

/// Returns the locks of changed files, each with the mark of the change; of several changes, the lowest mark. A change of a
/// folder changes all files in it.
pub(crate) fn locked<'a, 'b, T: Copy + Ord>(
    locks: &'a [LockRow],
    changed: impl IntoIterator<Item = (&'b str, T)>,
) -> Vec<(&'a LockRow, T)> {
    if locks.is_empty() {
        return Vec::new();
    }
    let mut marks: HashMap<&str, T> = HashMap::new();
    for (path, mark) in changed {
        marks.entry(path).and_modify(|known| *known = mark.min(*known)).or_insert(mark);
    }
    let with_folders = |lock: &'a LockRow| {
        let folders = lock.path.match_indices('/').map(|(at, _)| &lock.path[..at]);
        folders.chain([lock.path.as_str()])
    };
    let mark = |lock| with_folders(lock).filter_map(|path| marks.get(path).copied()).min();
    locks.iter().filter_map(|lock| Some((lock, mark(lock)?))).collect()
}

/// Checks that the grants allow the edits. A part of a dataset never includes the package, which affects more than its
/// own file.
///
/// # Errors
/// Forbidden for a path that none of the grants allows.
pub(super) fn expect_within(grants: &[Grant<Write>], edits: &[Edit]) -> Result<()> {
    if grants.iter().any(Grant::allows_all) {
        return Ok(());
    }
    let package = super::package::place();
    for path in edits.iter().flat_map(Edit::paths) {
        if !grants.iter().any(|grant| grant.allows(path)) {
            return Err(Error::forbidden(format!("`{path}` is outside of what is shared with you")));
        }
        if *path == package {
            return Err(Error::forbidden(format!(
                "`{path}` describes the whole dataset; changing it requires write access to the whole dataset"
            )));
        }
    }
    Ok(())
}

impl Datasets {
    /// Returns the locks of other users, for [`locked`].
    pub(crate) async fn foreign_locks(&self, by: &Grant<Write>) -> Result<Vec<LockRow>> {
        self.db.read().await?.foreign_locks(by.id(), &by.actor().key()).await
    }

    /// Returns those of the pointers whose object the dataset does not hold: knowing an oid must not be enough to read
    /// its bytes.
    pub(crate) async fn missing_objects<T>(&self, id: Id, pointers: Vec<(T, Pointer)>) -> Result<Vec<(T, Pointer)>> {
        let wanted: Vec<_> = pointers.iter().map(|(_, pointer)| (pointer.oid, pointer.size)).collect();
        let held = self.db.holds(id, &wanted).await?;
        let missing = pointers.into_iter().zip(held).filter(|((_, pointer), is_held)| !is_held && !is_empty(pointer));
        Ok(missing.map(|(pointer, _)| pointer).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::Millis;

    #[test]
    fn a_lock_holds_for_a_file_and_the_folders_above_it() {
        let lock = |path: &str| LockRow {
            id: path.to_owned(),
            path: path.to_owned(),
            ref_name: String::new(),
            owner: String::new(),
            owner_name: String::new(),
            locked_at: Millis(0),
        };
        let locks = ["a/b/c", "d"].map(lock);
        let found = |changed: &[&str]| {
            let changed = changed.iter().enumerate().map(|(index, path)| (*path, index));
            let found = locked(&locks, changed).into_iter().map(|(lock, index)| (lock.path.clone(), index));
            found.collect::<Vec<_>>()
        };
        assert_eq!(found(&["a/b/c/x", "a/b/cc", "d/e", "b"]), []);
        assert_eq!(found(&["x", "a/b/c"]), [("a/b/c".to_owned(), 1)]);
        assert_eq!(found(&["a/b/c", "a", "d", "d"]), [("a/b/c".to_owned(), 0), ("d".to_owned(), 2)]);
        assert_eq!(found(&["a/b"]), [("a/b/c".to_owned(), 0)]);
    }
}
