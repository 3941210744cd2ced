//! Three-way merge of two commits: computes the edits that bring the changes of one branch into another.
//!
//! Files are merged by path, and text files that both sides changed by line. Renames are not followed: a file that one
//! side renamed and the other changed is a conflict.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use gix::ObjectId;

use crate::{
    Change, Content, Edit, EntryKind, Error, FilePath, Manifest, Reader, Result, Side,
    commit::{TreeBuilder, merge_attributes},
};

mod text;

use text::{is_binary, merge_added_lines, merge_lines};

/// Maximum size in bytes of a file that is merged line by line.
const FILE_BYTES: u64 = 4 << 20;

/// Maximum total size in bytes of the versions of all files that one merge reads.
const TOTAL_BYTES: u64 = 128 << 20;

/// Maximum number of merges of merge bases.
const BASES_DEPTH: usize = 8;

/// What it takes to merge one commit into another.
#[derive(Debug, Clone)]
pub enum Merge {
    /// The commit is already part of the branch.
    UpToDate,
    /// The branch can move to the commit. The edits say what that changes.
    FastForward(Vec<Edit>),
    /// A merge commit with these edits of the branch.
    Clean(Vec<Edit>),
    /// Both sides changed these files in ways that contradict each other; ordered by path.
    Conflicts(Vec<MergeConflict>),
    /// There is no single state that both sides began with. The text says why.
    Unrelated(String),
}

/// A file that cannot be merged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MergeConflict {
    /// The path of the file.
    pub path: String,
    /// Why it cannot be merged.
    pub kind: ConflictKind,
    /// Where in the file, if that is known: JSON pointers of the properties that both sides changed.
    pub places: Vec<String>,
}

/// Why a file cannot be merged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ConflictKind {
    /// Both sides changed the same part of the file.
    BothChanged,
    /// Both sides added a file with this path, with different content.
    BothAdded,
    /// The branch deleted the file, and the commit to merge changed it.
    DeletedByUs,
    /// The branch changed the file, and the commit to merge deleted it.
    DeletedByThem,
    /// One side has a file where the other has a folder.
    FileAndFolder,
    /// One side has a file where the other has a symbolic link or a submodule.
    OtherType,
}

/// The result of merging one file.
type File = Result<Content, Vec<String>>;

impl Reader {
    /// Returns the best common ancestors of two commits: none if their histories are unrelated, several if they cross.
    pub fn merge_bases(&self, one: ObjectId, other: ObjectId) -> Result<Vec<ObjectId>> {
        if one == other {
            return Ok(vec![one]);
        }
        self.commit(one)?;
        self.commit(other)?;
        let mut bases: Vec<_> =
            self.repository.merge_bases_many(one, &[other])?.into_iter().map(gix::Id::detach).collect();
        bases.sort_unstable();
        Ok(bases)
    }

    /// Computes the merge of the commit `theirs` into a branch at `ours`. `manifest` is merged by its own rules. Returns the
    /// common ancestor, unless there is none, or several; and the merge.
    ///
    /// If the histories cross, so that there are two best common ancestors, these are merged first, as git does.
    ///
    /// # Errors
    ///
    /// [`Error::TooLarge`] as for [`Reader::diff`]; [`Error::Invalid`] for changed paths that only git can write.
    pub fn merge(&self, ours: ObjectId, theirs: ObjectId, manifest: &Manifest) -> Result<(Option<ObjectId>, Merge)> {
        let bases = self.merge_bases(ours, theirs)?;
        let merge = if bases.contains(&theirs) {
            Merge::UpToDate
        } else if bases.contains(&ours) {
            Merge::FastForward(self.replay(ours, theirs)?)
        } else {
            match self.common(&bases, manifest, BASES_DEPTH)? {
                Common::Tree(base) => self.merge_trees(base, ours, theirs, manifest)?,
                Common::Virtual(reader, base) => reader.merge_trees(base, ours, theirs, manifest)?,
                Common::Unknown(why) => Merge::Unrelated(why.to_owned()),
            }
        };
        Ok((bases.first().copied().filter(|_| bases.len() == 1), merge))
    }

    /// Returns the state that both sides began with.
    fn common(&self, bases: &[ObjectId], manifest: &Manifest, depth: usize) -> Result<Common> {
        const CROSSED: &str = "the two histories cross each other in a way that only git can resolve; merge the target \
                               branch into the source branch with git, and push it";
        let (one, other) = match *bases {
            [] => return Ok(Common::Unknown("the two branches have no revision in common")),
            [base] => return Ok(Common::Tree(self.tree_of(base)?)),
            [one, other] if depth > 0 => (one, other),
            _ => return Ok(Common::Unknown(CROSSED)),
        };
        let merged = match self.common(&self.merge_bases(one, other)?, manifest, depth - 1)? {
            Common::Tree(base) => self.merge_trees(base, one, other, manifest)?,
            Common::Virtual(reader, base) => reader.merge_trees(base, one, other, manifest)?,
            unknown @ Common::Unknown(_) => return Ok(unknown),
        };
        let Merge::Clean(edits) = merged else { return Ok(Common::Unknown(CROSSED)) };
        let (reader, tree) = self.with_edits(one, &edits)?;
        Ok(Common::Virtual(Box::new(reader), tree))
    }

    /// Returns edits for all changes from one commit to another, to check them. Paths that only git can write are left
    /// out.
    fn replay(&self, from: ObjectId, to: ObjectId) -> Result<Vec<Edit>> {
        let changes = self.diff(Some(from), to, false)?;
        let steps = changes.into_iter().filter_map(|change| Some((path_of(&change)?, change.new)));
        Ok(crate::revert::edits(steps.collect()))
    }

    /// Merges the changes from `base` to `theirs` into `ours`. All three are commits or trees.
    fn merge_trees(&self, base: ObjectId, ours: ObjectId, theirs: ObjectId, manifest: &Manifest) -> Result<Merge> {
        let mine = self.diff(Some(base), ours, false)?;
        let mine: BTreeMap<&str, &Change> = mine.iter().map(|change| (change.path.as_str(), change)).collect();
        let mut merger = Merger { reader: self, manifest, left: TOTAL_BYTES, steps: Vec::new(), conflicts: Vec::new() };
        for theirs in &self.diff(Some(base), theirs, false)? {
            self.meter.check()?;
            merger.step(mine.get(theirs.path.as_str()).copied(), theirs)?;
        }
        let Merger { steps, mut conflicts, .. } = merger;
        let edits = in_order(steps);
        let clashes = self.clashes(ours, &edits)?;
        conflicts.extend(clashes.into_iter().map(|path| MergeConflict::new(path, ConflictKind::FileAndFolder)));
        if conflicts.is_empty() {
            return Ok(Merge::Clean(edits));
        }
        conflicts.sort_by(|one, other| one.path.cmp(&other.path));
        conflicts.dedup_by(|one, other| one.path == other.path);
        Ok(Merge::Conflicts(conflicts))
    }

    /// Returns the paths at which the edits would replace a folder with a file, or need a folder where there is a file.
    fn clashes(&self, ours: ObjectId, edits: &[Edit]) -> Result<BTreeSet<String>> {
        let (deletions, rest): (Vec<Edit>, Vec<Edit>) =
            edits.iter().cloned().partition(|edit| matches!(edit, Edit::Delete { .. }));
        let draft = TreeBuilder::of(self, Some(self.tree_of(ours)?), &deletions);
        let mut draft = draft.map_err(|flaw| flaw.error)?;
        let mut found = BTreeSet::new();
        for path in rest.iter().flat_map(Edit::paths) {
            if draft.side(path)?.is_some_and(|side| side.kind == EntryKind::Folder) {
                found.insert(path.as_str().to_owned());
            }
            for (end, _) in path.as_str().match_indices('/') {
                let above: FilePath = path.as_str()[..end].parse()?;
                match draft.side(&above)? {
                    None => break,
                    Some(side) if side.kind == EntryKind::Folder => {}
                    Some(_) => _ = found.insert(above.to_string()),
                }
            }
        }
        Ok(found)
    }
}

/// The state that two branches began with.
enum Common {
    /// A tree of the repository.
    Tree(ObjectId),
    /// A tree merged from two, and a reader that sees it.
    Virtual(Box<Reader>, ObjectId),
    /// No such state, for this reason.
    Unknown(&'static str),
}

/// A merge under way.
struct Merger<'r> {
    reader: &'r Reader,
    manifest: &'r Manifest,
    /// The bytes that may still be read.
    left: u64,
    steps: Vec<Step>,
    conflicts: Vec<MergeConflict>,
}

/// A change of `ours`.
enum Step {
    Delete(FilePath),
    Restore(FilePath, Side),
    Put(FilePath, Content, bool),
}

/// Deletions come first, since a deleted folder may make room for a file.
fn in_order(steps: Vec<Step>) -> Vec<Edit> {
    let (gone, rest): (Vec<_>, Vec<_>) = steps.into_iter().partition(|step| matches!(step, Step::Delete(_)));
    let edit = |step| match step {
        Step::Delete(path) => Edit::Delete { path },
        Step::Restore(path, side) => Edit::Restore { path, side },
        Step::Put(path, content, executable) => Edit::Put { path, content, executable },
    };
    gone.into_iter().chain(rest).map(edit).collect()
}

impl MergeConflict {
    fn new(path: impl Into<String>, kind: ConflictKind) -> Self {
        Self { path: path.into(), kind, places: Vec::new() }
    }
}

impl Merger<'_> {
    /// Merges a change of theirs, with our change of the same path if there is one.
    fn step(&mut self, mine: Option<&Change>, theirs: &Change) -> Result<()> {
        let path = path_of(theirs).ok_or_else(|| {
            Error::Invalid(format!("the path {:?} can only be merged with git; push the merge", theirs.path))
        })?;
        let Some(mine) = mine else {
            self.steps.push(match theirs.new {
                None => Step::Delete(path),
                Some(side) => Step::Restore(path, side),
            });
            return Ok(());
        };
        if mine.new == theirs.new {
            return Ok(());
        }
        let kind = match (mine.new, theirs.new) {
            (None, _) => ConflictKind::DeletedByUs,
            (_, None) => ConflictKind::DeletedByThem,
            (Some(ours), Some(new)) => match self.both(&path, theirs.old, ours, new)? {
                Ok(step) => {
                    self.steps.extend(step);
                    return Ok(());
                }
                Err(conflict) => {
                    self.conflicts.push(conflict);
                    return Ok(());
                }
            },
        };
        self.conflicts.push(MergeConflict::new(theirs.path.as_str(), kind));
        Ok(())
    }

    /// Merges a path that both sides changed to something different.
    fn both(
        &mut self,
        path: &FilePath,
        base: Option<Side>,
        ours: Side,
        theirs: Side,
    ) -> Result<Result<Option<Step>, MergeConflict>> {
        let conflict = |kind| Ok(Err(MergeConflict::new(path.as_str(), kind)));
        let added = if base.is_none() { ConflictKind::BothAdded } else { ConflictKind::BothChanged };
        // An entry of another type than before is a new one.
        let base = base.filter(|base| is_file(*base));
        if !is_file(ours) || !is_file(theirs) {
            let same = ours.kind == theirs.kind;
            return conflict(if same { added } else { ConflictKind::OtherType });
        }
        // Of two possible values, both sides cannot have changed to different ones.
        let kind = match base {
            Some(base) if base.kind == ours.kind => theirs.kind,
            Some(_) => ours.kind,
            None if ours.kind == theirs.kind => ours.kind,
            None => return conflict(added),
        };
        let id = match base {
            _ if ours.id == theirs.id => ours.id,
            Some(base) if base.id == ours.id => theirs.id,
            Some(base) if base.id == theirs.id => ours.id,
            _ => {
                let content = match self.content(path, base.map(|base| base.id), ours.id, theirs.id)? {
                    Ok(content) => content,
                    Err(places) => {
                        return Ok(Err(MergeConflict { places, ..MergeConflict::new(path.as_str(), added) }));
                    }
                };
                return Ok(Ok(Some(Step::Put(path.clone(), content, kind == EntryKind::Executable))));
            }
        };
        let side = Side { kind, id };
        Ok(Ok((side != ours).then(|| Step::Restore(path.clone(), side))))
    }

    /// Merges two contents of a file; if they contradict each other, returns where.
    fn content(&mut self, path: &FilePath, base: Option<ObjectId>, ours: ObjectId, theirs: ObjectId) -> Result<File> {
        let conflict = || Ok(Err(Vec::new()));
        // The content of a pointer file is a hash: a merge of its lines would be the hash of nothing.
        for id in [ours, theirs] {
            if self.reader.pointer(id)?.is_some() {
                return conflict();
            }
        }
        let (Some(ours), Some(theirs)) = (self.read(ours)?, self.read(theirs)?) else { return conflict() };
        let before = match base {
            None => None,
            Some(base) if self.reader.pointer(base)?.is_some() => return conflict(),
            Some(base) => match self.read(base)? {
                Some(base) => Some(base),
                None => return conflict(),
            },
        };
        if [Some(&ours), Some(&theirs), before.as_ref()].into_iter().flatten().any(|content| is_binary(content)) {
            return conflict();
        }
        // As git does, files that both sides added are merged with an empty one.
        let lines = merge_lines(before.as_deref().unwrap_or_default(), &ours, &theirs);
        let put = |text: Vec<u8>| Ok(Ok(Content::Bytes(text.into())));
        if path.as_str() == self.manifest.name {
            return match (self.manifest.merge)(before.as_deref(), &ours, &theirs, lines.as_deref()) {
                Some(Ok(text)) => put(text),
                Some(Err(places)) => Ok(Err(places)),
                None => lines.map_or_else(conflict, put),
            };
        }
        if lines.is_none() && path.name() == crate::ATTRIBUTES {
            let before = before.unwrap_or_default();
            let merge = |base: &[u8], ours: &[u8], theirs: &[u8]| {
                merge_lines(base, ours, theirs).or_else(|| merge_added_lines(base, ours, theirs))
            };
            return merge_attributes([&before, &ours, &theirs], merge).map_or_else(conflict, put);
        }
        lines.map_or_else(conflict, put)
    }

    /// Reads a version of a file; `None` if it is too large to be merged.
    fn read(&mut self, id: ObjectId) -> Result<Option<Bytes>> {
        let content = match self.reader.blob(id, FILE_BYTES.min(self.left)) {
            Err(Error::TooLarge(_)) => return Ok(None),
            content => content?,
        };
        self.left -= content.len() as u64;
        Ok(Some(content))
    }
}

fn is_file(side: Side) -> bool {
    matches!(side.kind, EntryKind::File | EntryKind::Executable)
}

/// Returns the path of a change; `None` for one that only git can write, such as one that is not valid UTF-8.
fn path_of(change: &Change) -> Option<FilePath> {
    change.path.parse().ok().filter(|_| !change.path.contains('\u{fffd}'))
}
