//! Diffs between two revisions (tree diffs with rename detection).

use std::ops::ControlFlow;

use gix::{
    ObjectId,
    bstr::{BStr, ByteSlice as _},
    diff::blob::pipeline::{Mode, WorktreeRoots},
    object::tree::diff::Change as TreeChange,
    objs::tree::EntryMode,
};

use crate::{EntryKind, FilePath, Reader, Result, Side, read::Budget};

/// Rename detection by similarity runs only up to this many added and removed files, and this many bytes in them.
const SIMILARITY_FILES: usize = 400;
const SIMILARITY_BYTES: u64 = 32 * 1024 * 1024;

/// How a file changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChangeKind {
    /// The file was added.
    Added,
    /// The file was removed.
    Removed,
    /// The content or the type of the file changed.
    Modified,
    /// The file was renamed: the old path held the same content, or content that is at least 50 % similar.
    Renamed {
        /// The old path.
        from: String,
    },
    /// Only the executable bit changed.
    ModeChanged,
}

/// One changed file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The kind of the change.
    pub kind: ChangeKind,
    /// The new path, or the old path of a removed file. Bytes that are not valid UTF-8 are replaced.
    pub path: String,
    /// The old side; `None` if added.
    pub old: Option<Side>,
    /// The new side; `None` if removed.
    pub new: Option<Side>,
}

impl Reader {
    /// Returns the files that differ between two commits or trees, ordered by path. `old: None` means the
    /// empty tree. With `renames`, renames are detected as by `git diff -M`.
    ///
    /// # Errors
    ///
    /// [`Error::TooLarge`](crate::Error::TooLarge) beyond 500,000 changed files and folders, or 64 MiB of
    /// their paths.
    pub fn diff(&self, old: Option<ObjectId>, new: ObjectId, renames: bool) -> Result<Vec<Change>> {
        let old = match old {
            Some(old) => self.load_tree(self.tree_of(old)?)?,
            None => self.repository.empty_tree(),
        };
        let new = self.load_tree(self.tree_of(new)?)?;
        let changes = self.compare(&old, &new, None)?;
        let has = |kind: &ChangeKind| changes.iter().any(|change| change.kind == *kind);
        if renames && has(&ChangeKind::Added) && has(&ChangeKind::Removed) {
            // Only after the changes were counted: rename detection buffers every change before it emits the
            // first one, so the limit could not stop it.
            return self.compare(&old, &new, Some(self.search(&changes)?));
        }
        Ok(changes)
    }

    /// Like [`Reader::diff`] without renames, for what is at a path or below it.
    ///
    /// # Errors
    ///
    /// As for [`Reader::diff`].
    pub fn diff_at(&self, old: Option<ObjectId>, new: ObjectId, path: &FilePath) -> Result<Vec<Change>> {
        let (old, new) = (old.map_or(Ok(None), |old| self.look_up(old, path))?, self.look_up(new, path)?);
        let side = |(mode, id): (EntryMode, ObjectId)| Side { kind: EntryKind::of(mode), id };
        let (old, new) = (old.map(side), new.map(side));
        if old == new {
            return Ok(Vec::new());
        }
        let is_folder = |side: &Side| side.kind == EntryKind::Folder;
        let mut changes = match (old.filter(is_folder), new.filter(is_folder)) {
            (Some(old), Some(new)) => self.diff(Some(old.id), new.id, false)?,
            (None, Some(new)) => self.diff(None, new.id, false)?,
            (Some(old), None) => {
                let files = self.diff(None, old.id, false)?.into_iter();
                files.map(|file| Change { kind: ChangeKind::Removed, old: file.new, new: None, ..file }).collect()
            }
            (None, None) => Vec::new(),
        };
        for change in &mut changes {
            change.path = format!("{path}/{}", change.path);
        }
        let is_file = |side: &Side| side.kind != EntryKind::Folder;
        let (old, new) = (old.filter(is_file), new.filter(is_file));
        let kind = match (old, new) {
            (None, None) => return Ok(changes),
            (None, Some(_)) => ChangeKind::Added,
            (Some(_), None) => ChangeKind::Removed,
            (Some(old), Some(new)) if old.id == new.id => ChangeKind::ModeChanged,
            (Some(_), Some(_)) => ChangeKind::Modified,
        };
        changes.insert(0, Change { kind, path: path.to_string(), old, new });
        Ok(changes)
    }

    /// Returns the rename detection settings. The similarity search holds all candidate files in memory and
    /// compares every pair; above the limits, only exact renames are detected, as with git's own
    /// `diff.renameLimit`.
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
        // Folders count too: a few kilobytes of tree objects can name billions of folders without a single file.
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

    /// Returns the blob cache of the diff. The default of gix first expands the whole tree of `HEAD` into an
    /// index to look up attributes: slow for a normal repository, endless for a malicious one.
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

/// Converts a change of a file. Returns `None` for folders, since git lists files only.
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
