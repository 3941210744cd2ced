//! What changed between two revisions.

use std::ops::ControlFlow;

use gix::{
    ObjectId,
    bstr::{BStr, ByteSlice as _},
    diff::blob::pipeline::{Mode, WorktreeRoots},
    object::tree::diff::Change as TreeChange,
    objs::tree::EntryMode,
};

use crate::{EntryKind, Reader, Result, read::Budget};

/// Up to how many files, and bytes in them, similar ones are looked for among those added and removed.
const SIMILARITY_FILES: usize = 400;
const SIMILARITY_BYTES: u64 = 32 * 1024 * 1024;

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
    /// [`Error::TooLarge`](crate::Error::TooLarge) beyond 500,000 changed files and folders, or 64 MiB of their paths.
    pub fn diff(&self, old: Option<ObjectId>, new: ObjectId, renames: bool) -> Result<Vec<Change>> {
        let old = match old {
            Some(old) => self.load_tree(self.tree_of(old)?)?,
            None => self.repository.empty_tree(),
        };
        let new = self.load_tree(self.tree_of(new)?)?;
        let changes = self.compare(&old, &new, None)?;
        let has = |kind: &ChangeKind| changes.iter().any(|change| change.kind == *kind);
        if renames && has(&ChangeKind::Added) && has(&ChangeKind::Removed) {
            // Only now: the search for renames holds every change before it shows the first one, so
            // that it could not be stopped by their number.
            return self.compare(&old, &new, Some(self.search(&changes)?));
        }
        Ok(changes)
    }

    /// How to look for renames. The search for similar files holds them all in memory and compares
    /// every pair; beyond a bound, only files that moved unchanged are found, as with git's own limit.
    fn search(&self, changes: &[Change]) -> Result<gix::diff::Rewrites> {
        let mut bytes = 0;
        for change in changes {
            let side = match change.kind {
                ChangeKind::Added => change.new,
                ChangeKind::Removed => change.old,
                ChangeKind::Modified | ChangeKind::Renamed { .. } | ChangeKind::ModeChanged => None,
            };
            if let Some(side) = side.filter(|side| side.kind != EntryKind::Submodule) {
                bytes += self.repository.find_header(side.id)?.size();
            }
        }
        let percentage = (bytes <= SIMILARITY_BYTES).then_some(0.5);
        Ok(gix::diff::Rewrites { percentage, limit: SIMILARITY_FILES, ..Default::default() })
    }

    fn compare(
        &self,
        old: &gix::Tree<'_>,
        new: &gix::Tree<'_>,
        renames: Option<gix::diff::Rewrites>,
    ) -> Result<Vec<Change>> {
        let mut changes = Vec::new();
        // Folders count: a few kilobytes of trees can name billions of them and not one file.
        let mut budget = Budget::default();
        let mut stopped = None;
        let mut platform = old.changes()?;
        platform.options(|options| {
            options.track_path().track_rewrites(renames);
        });
        let mut cache = self.diff_cache()?;
        let walked = platform.for_each_to_obtain_tree_with_cache(new, &mut cache, |change| {
            self.meter.entries(1);
            let is_folder = change.entry_mode().is_tree();
            let goes_on = if is_folder { self.meter.object() } else { Ok(()) };
            if let Err(error) = goes_on.and_then(|()| budget.take(change.location().len())) {
                stopped = Some(error);
                return Ok(ControlFlow::Break(()));
            }
            changes.extend(describe(&change));
            Ok(ControlFlow::Continue(()))
        });
        if let Some(error) = stopped {
            return Err(error);
        }
        walked?;
        changes.sort_by(|left, right| left.path.cmp(&right.path));
        Ok(changes)
    }

    /// Where gix keeps the blobs it compares. Its own default expands the whole tree of `HEAD` into an
    /// index first, for the sake of attributes: slow for an honest repository, endless for a hostile one.
    fn diff_cache(&self) -> Result<gix::diff::blob::Platform> {
        let none = gix::index::State::new(gix::hash::Kind::Sha1);
        let source = gix::worktree::stack::state::attributes::Source::IdMapping;
        let attributes = self.repository.attributes_only(&none, source)?.detach();
        let mode = Mode::ToGit;
        let roots = WorktreeRoots::default();
        Ok(gix::diff::resource_cache(&self.repository, mode, attributes, roots)?)
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
