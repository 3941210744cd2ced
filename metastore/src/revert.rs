//! Going back without rewriting history: the edits that undo what happened, or bring back what was.

use gix::ObjectId;

use crate::{Edit, Error, FilePath, Reader, Result, Side};

/// How many paths a conflict names.
const NAMED: usize = 10;

impl Reader {
    /// The edits that undo on `head` what changed from `old` (`None`: nothing at all) to `new`, file by file. What
    /// somebody has undone already is left alone.
    ///
    /// [`Error::Conflict`] with the paths if a file changed again after `new`; [`Error::TooLarge`] as for
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
        Err(Error::Conflict(format!("changed again since then: {named}; restore them one by one instead")))
    }

    /// The edits that make `head`, or the file or folder at `path`, what it was in `revision`.
    ///
    /// [`Error::NotFound`] if `path` is in neither.
    pub fn bring_back(&self, head: ObjectId, revision: ObjectId, path: Option<&FilePath>) -> Result<Vec<Edit>> {
        if let Some(path) = path
            && self.look_up(head, path)?.is_none()
            && self.look_up(revision, path)?.is_none()
        {
            return Err(Error::NotFound(format!("there is no {path}, neither now nor then")));
        }
        let mut steps = Vec::new();
        for change in self.diff(Some(head), revision, false)? {
            let changed: FilePath = change.path.parse()?;
            if path.is_none_or(|path| changed == *path || changed.is_inside(path)) {
                steps.push((changed, change.new));
            }
        }
        Ok(edits(steps))
    }

    /// The file, link or submodule at `path`; a folder is none.
    fn side(&self, revision: ObjectId, path: &FilePath) -> Result<Option<Side>> {
        let found = self.look_up(revision, path)?.filter(|(mode, _)| !mode.is_tree());
        Ok(found.map(|(mode, id)| Side { kind: crate::EntryKind::of(mode), id }))
    }
}

/// First what goes, then what comes: a folder may make room for a file.
fn edits(steps: Vec<(FilePath, Option<Side>)>) -> Vec<Edit> {
    let (gone, back): (Vec<_>, Vec<_>) = steps.into_iter().partition(|(_, side)| side.is_none());
    let gone = gone.into_iter().map(|(path, _)| Edit::Delete { path });
    let back = back.into_iter().filter_map(|(path, side)| Some(Edit::Restore { path, side: side? }));
    gone.chain(back).collect()
}
