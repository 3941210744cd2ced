//! What changed between two revisions.

use std::ops::ControlFlow;

use gix::{
    ObjectId,
    bstr::{BStr, ByteSlice as _},
    objs::tree::EntryMode,
    object::tree::diff::Change as TreeChange,
};

use crate::{EntryKind, Error, Reader, Result};

/// The most changes that one comparison returns; see the limit on listings.
const CHANGE_LIMIT: usize = 500_000;

/// One side of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Side {
    /// What stands there.
    pub kind: EntryKind,
    /// The blob, or the commit of a submodule.
    pub id: ObjectId,
}

/// How a file changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChangeKind {
    /// It is new.
    Added,
    /// It is gone.
    Removed,
    /// It holds something else, or is something else.
    Modified,
    /// It came from another path, the same or similar (half of it at least).
    Renamed {
        /// The path it had.
        from: String,
    },
    /// It holds the same but became, or ceased to be, executable.
    ModeChanged,
}

/// One changed file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// How.
    pub kind: ChangeKind,
    /// The path it has now, or had if it is removed; bytes that are not UTF-8 are replaced.
    pub path: String,
    /// Before; `None` if added.
    pub old: Option<Side>,
    /// After; `None` if removed.
    pub new: Option<Side>,
}

impl Reader {
    /// The files that differ between two commits or trees, ordered by path; `old: None` stands for
    /// nothing at all. With `renames` as `git diff -M` would show them.
    ///
    /// [`Error::TooLarge`] beyond 500,000 changes.
    pub fn diff(&self, old: Option<ObjectId>, new: ObjectId, renames: bool) -> Result<Vec<Change>> {
        let old = match old {
            Some(old) => self.repository.find_tree(self.tree_of(old)?)?,
            None => self.repository.empty_tree(),
        };
        let new = self.repository.find_tree(self.tree_of(new)?)?;
        let mut changes = Vec::new();
        let mut overflow = false;
        let mut platform = old.changes()?;
        platform.options(|options| {
            options.track_path().track_rewrites(renames.then(gix::diff::Rewrites::default));
        });
        let walked = platform.for_each_to_obtain_tree(&new, |change| {
            changes.extend(describe(&change));
            overflow = changes.len() > CHANGE_LIMIT;
            Ok(if overflow { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
        });
        if overflow {
            return Err(Error::TooLarge(format!("more than {CHANGE_LIMIT} changes")));
        }
        walked?;
        changes.sort_by(|left, right| left.path.cmp(&right.path));
        Ok(changes)
    }
}

fn text(path: &BStr) -> String {
    path.to_str_lossy().into_owned()
}

fn side(mode: EntryMode, id: gix::Id<'_>) -> Side {
    Side { kind: EntryKind::of(mode), id: id.detach() }
}

/// Folders are no changes of their own: git shows files only.
fn describe(change: &TreeChange<'_, '_, '_>) -> Option<Change> {
    let described = match *change {
        TreeChange::Addition { location, entry_mode, id, .. } => {
            Change { kind: ChangeKind::Added, path: text(location), old: None, new: Some(side(entry_mode, id)) }
        }
        TreeChange::Deletion { location, entry_mode, id, .. } => {
            Change { kind: ChangeKind::Removed, path: text(location), old: Some(side(entry_mode, id)), new: None }
        }
        TreeChange::Modification { location, previous_entry_mode, previous_id, entry_mode, id } => {
            let (old, new) = (side(previous_entry_mode, previous_id), side(entry_mode, id));
            let kind = if old.id == new.id { ChangeKind::ModeChanged } else { ChangeKind::Modified };
            Change { kind, path: text(location), old: Some(old), new: Some(new) }
        }
        TreeChange::Rewrite { source_location, source_entry_mode, source_id, entry_mode, location, id, .. } => Change {
            kind: ChangeKind::Renamed { from: text(source_location) },
            path: text(location),
            old: Some(side(source_entry_mode, source_id)),
            new: Some(side(entry_mode, id)),
        },
    };
    let is_folder = |side: Option<Side>| side.is_some_and(|side| side.kind == EntryKind::Folder);
    (!is_folder(described.old) && !is_folder(described.new)).then_some(described)
}
