//! Rights that begin at a path of a dataset, and how they combine.

use metastore::FilePath;

use super::Rights;
use crate::error::Result;

/// A path from which rights apply downwards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PathRights {
    /// A file or a folder; `None` for the whole dataset.
    pub(super) root: Option<FilePath>,
    pub(super) rights: Rights,
}

/// Returns the root that a row of the database names: `None` for an empty path, which is the whole dataset.
pub(super) fn stored_root(path: &str) -> Result<Option<FilePath>> {
    if path.is_empty() { Ok(None) } else { Ok(Some(path.parse()?)) }
}

/// Returns true if `path` is `root` or below it. `None` is the root of the dataset.
pub(super) fn covers(root: Option<&FilePath>, path: Option<&FilePath>) -> bool {
    match (root, path) {
        (None, _) => true,
        (Some(_), None) => false,
        (Some(root), Some(path)) => path == root || path.is_inside(root),
    }
}

/// Returns the union of the rights at a path.
pub(super) fn rights_at(reach: &[PathRights], path: Option<&FilePath>) -> Rights {
    let covering = reach.iter().filter(|reach| covers(reach.root.as_ref(), path));
    covering.fold(Rights::NONE, |rights, reach| rights.with(reach.rights))
}

/// Returns the rights that both have: for each two roots of which one is at or below the other, what they have in common
/// there.
pub(super) fn meet(one: &[PathRights], other: &[PathRights]) -> Vec<PathRights> {
    let mut both: Vec<PathRights> = Vec::new();
    for (a, b) in one.iter().flat_map(|a| other.iter().map(move |b| (a, b))) {
        let deeper = match (covers(a.root.as_ref(), b.root.as_ref()), covers(b.root.as_ref(), a.root.as_ref())) {
            (true, _) => &b.root,
            (_, true) => &a.root,
            (false, false) => continue,
        };
        let rights = a.rights.and(b.rights);
        match both.iter_mut().find(|found| found.root == *deeper) {
            Some(found) => found.rights = found.rights.with(rights),
            None => both.push(PathRights { root: deeper.clone(), rights }),
        }
    }
    both
}

/// Returns the highest root at or above a path that has the `wanted` rights.
pub(super) fn widest<'a>(reach: &'a [PathRights], path: Option<&FilePath>, wanted: Rights) -> Option<&'a PathRights> {
    let above = reach.iter().filter(|reach| covers(reach.root.as_ref(), path));
    let allowing = above.filter(|found| rights_at(reach, found.root.as_ref()).has(wanted));
    allowing.min_by_key(|found| found.root.as_ref().map_or(0, |root| root.as_str().len()))
}

#[cfg(test)]
mod tests;
