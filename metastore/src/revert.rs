//! Revert and restore: computes the edits that undo changes or bring back an earlier version, without
//! rewriting history.

use std::collections::HashSet;

use gix::ObjectId;

use crate::{Edit, Error, FilePath, Reader, Result, Side};

/// Maximum number of paths named in a conflict message.
const NAMED: usize = 10;

impl Reader {
    /// Returns the edits that undo, on `head`, the changes from `old` (`None`: the empty tree) to `new`, file
    /// by file. Changes that are already undone are skipped.
    ///
    /// # Errors
    ///
    /// [`Error::Conflict`] with the paths of files that changed again after `new`; [`Error::TooLarge`] as for
    /// [`Reader::diff`].
    pub fn undo(&self, head: ObjectId, old: Option<ObjectId>, new: ObjectId) -> Result<Vec<Edit>> {
        let mut steps = Vec::new();
        let mut changed_again = Vec::new();
        for change in self.diff(old, new, false)? {
            let path: FilePath = change.path.parse()?;
            let now = self.side(head, &path)?;
            if now == change.new {
                steps.push((path, change.old));
            } else if now != change.old {
                changed_again.push(change.path);
            }
        }
        if changed_again.is_empty() {
            return Ok(edits(steps));
        }
        let more = changed_again.len().saturating_sub(NAMED);
        changed_again.truncate(NAMED);
        let named = changed_again.join(", ");
        let named = if more == 0 { named } else { format!("{named} and {more} more") };
        Err(Error::Conflict(format!("changed again since then: {named}; restore these files individually instead")))
    }

    /// Returns the edits that restore `head`, or the file or folder at `path`, to its state in `revision`.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] if `path` exists in neither of them.
    pub fn bring_back(&self, head: ObjectId, revision: ObjectId, path: Option<&FilePath>) -> Result<Vec<Edit>> {
        if let Some(path) = path
            && self.look_up(head, path)?.is_none()
            && self.look_up(revision, path)?.is_none()
        {
            return Err(Error::NotFound(format!("{path} exists in neither of the two revisions")));
        }
        self.bring_back_those(head, revision, |changed, _| {
            path.is_none_or(|path| changed == path || changed.is_inside(path))
        })
    }

    /// Returns the edits that restore these files of `revision`, as far as they are different in `head`.
    pub fn bring_back_files(&self, head: ObjectId, revision: ObjectId, files: &HashSet<FilePath>) -> Result<Vec<Edit>> {
        self.bring_back_those(head, revision, |changed, then| then.is_some() && files.contains(changed))
    }

    /// Returns the edits that restore the changed files for which the predicate, called with the path and the
    /// earlier side, returns true.
    fn bring_back_those(
        &self,
        head: ObjectId,
        revision: ObjectId,
        those: impl Fn(&FilePath, Option<Side>) -> bool,
    ) -> Result<Vec<Edit>> {
        let mut steps = Vec::new();
        for change in self.diff(Some(head), revision, false)? {
            let changed: FilePath = change.path.parse()?;
            if those(&changed, change.new) {
                steps.push((changed, change.new));
            }
        }
        Ok(edits(steps))
    }

    /// Returns the file, symbolic link or submodule at `path`; `None` for a folder.
    fn side(&self, revision: ObjectId, path: &FilePath) -> Result<Option<Side>> {
        let found = self.look_up(revision, path)?.filter(|(mode, _)| !mode.is_tree());
        Ok(found.map(|(mode, id)| Side { kind: crate::EntryKind::of(mode), id }))
    }
}

/// Deletions come first, since a deleted folder may make room for a file.
pub(crate) fn edits(steps: Vec<(FilePath, Option<Side>)>) -> Vec<Edit> {
    let (gone, back): (Vec<_>, Vec<_>) = steps.into_iter().partition(|(_, side)| side.is_none());
    let gone = gone.into_iter().map(|(path, _)| Edit::Delete { path });
    let back = back.into_iter().filter_map(|(path, side)| Some(Edit::Restore { path, side: side? }));
    gone.chain(back).collect()
}
