//! Managed files: extends a commit so that `.gitattributes`, `.lfsconfig` and pointer files match the files that a
//! manifest describes and the LFS files of the dataset.

use std::collections::{HashMap, HashSet};

use bytes::Bytes;
use lfs::{Oid, Pointer};

use super::{Changeset, Content, Edit, EditError, TreeBuilder};
use crate::{ATTRIBUTES, EntryKind, Error, FilePath, ObjectId, Reader, Result, Side, attributes::lfs_keeps};

mod attributes;
mod config;

pub(crate) use attributes::merge as merge_attributes;

/// File name of the Git LFS configuration, which contains the URL of the LFS server.
pub const LFS_CONFIG: &str = ".lfsconfig";

/// Maximum number of pointer files that one commit may add.
const POINTERS: usize = 500_000;

/// A file that describes others, which are stored in Git LFS: the `datapackage.json`.
#[derive(Debug)]
pub struct Manifest {
    /// Its name, in the root folder.
    pub name: &'static str,
    /// Compares its previous content, if there is any, with the new one. [`Error::Invalid`] if the new one is not valid.
    pub plan: fn(Option<&[u8]>, &[u8]) -> Result<ManagedFiles>,
    /// Merges two versions of it; see [`MergeManifest`].
    pub merge: MergeManifest,
}

/// Merges a manifest: from its common ancestor, if there is one, our version, their version, and the merge of their
/// lines, if that is possible. Returns the merged text, or the places that both changed differently; `None` to merge it
/// like any other file.
pub type MergeManifest =
    fn(Option<&[u8]>, &[u8], &[u8], Option<&[u8]>) -> Option<std::result::Result<Vec<u8>, Vec<String>>>;

/// The files that a new manifest describes, compared with those of the previous one. A file of 0 bytes is stored as the
/// empty file, which Git LFS leaves as it is; any other as a pointer file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ManagedFiles {
    /// Files that are new or changed.
    pub puts: Vec<(FilePath, Pointer)>,
    /// Unchanged files. They should exist already, unless a push replaced them.
    pub kept: Vec<(FilePath, Pointer)>,
    /// Files of the previous manifest that the new one does not have.
    pub stale: Vec<(FilePath, Pointer)>,
}

/// The additional edits that a changeset requires.
#[derive(Debug, Default)]
pub struct ManagedEdits {
    /// Edits to apply after those of the changeset.
    pub edits: Vec<Edit>,
    /// Index of the edit that causes them, if it is a single one: the last edit that changes the manifest.
    pub cause: Option<usize>,
}

impl ManagedFiles {
    /// Returns the edits of the files themselves, in the order in which they must be applied: deletes stale files, then
    /// writes changed ones.
    fn edits(&self) -> Vec<Edit> {
        let content = |pointer: &Pointer| match pointer.size {
            0 => Content::Bytes(Bytes::new()),
            _ => Content::Pointer(pointer.clone()),
        };
        let stale = self.stale.iter().map(|(path, _)| Edit::Delete { path: path.clone() });
        stale.chain(self.puts.iter().map(|(path, pointer)| put(path, content(pointer)))).collect()
    }
}

impl Reader {
    /// Returns the additional edits that `changes` requires:
    /// - for a new manifest, its pointer files, and `.lfsconfig` if `lfs_url`, the URL of the LFS server, is given;
    /// - the `.gitattributes` lines for pointer files that are added or removed.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] if an edit adds a manifest that is not valid, or that contradicts the files which the same
    /// changeset adds or deletes. Otherwise the errors of [`Reader::commit_edits`].
    pub fn follow(
        &self,
        changes: &Changeset,
        manifest: &Manifest,
        lfs_url: Option<&str>,
    ) -> Result<ManagedEdits, EditError> {
        let [place, lines, config]: [FilePath; 3] = [manifest.name.parse()?, ATTRIBUTES.parse()?, LFS_CONFIG.parse()?];
        let head = self.state().find(&changes.branch).map(|branch| branch.target);
        let touched = Touched::of(&changes.edits);
        let cause = changes.edits.iter().rposition(|edit| edit.paths().any(|path| *path == place));
        let stored = match head.map(|head| self.stored(head, &lines)) {
            // git ignores an attributes file of this size as well.
            None | Some(Err(Error::TooLarge(_))) => None,
            Some(stored) => stored?,
        };
        let listed = attributes::listed(&stored.unwrap_or_default());
        let unlisted: Vec<FilePath> = listed.iter().filter(|path| touched.has(path)).cloned().collect();
        let brought: Vec<&FilePath> = changes
            .edits
            .iter()
            .filter(|edit| may_bring_pointers(edit))
            .filter_map(|edit| edit.paths().last())
            .collect();
        if cause.is_none() && unlisted.is_empty() && brought.is_empty() {
            return Ok(ManagedEdits::default());
        }
        let tree = head.map(|head| Ok::<_, Error>(self.commit(head)?.tree)).transpose()?;
        let mut draft = TreeBuilder::of(self, tree, &changes.edits)?;
        let blame = |error| EditError { edit: cause, error };
        let files = match cause {
            Some(_) => self.plan(&mut draft, head, manifest, &place, &touched).map_err(blame)?,
            None => ManagedFiles::default(),
        };
        // Without such files, no LFS URL is needed.
        let lfs_url = lfs_url.filter(|_| !files.puts.is_empty() || !files.kept.is_empty());
        let mut no_lfs = Vec::new();
        for path in unlisted {
            let side = draft.side(&path)?;
            let is_kept = side.map_or(Ok(false), |side| draft.is_kept(side))?;
            if !is_kept {
                no_lfs.push(path);
            }
        }
        let new_lines = unlisted_pointers(&mut draft, &brought, &lines, &files)?;
        let mut edits = files.edits();
        let tracked = files.puts.iter().chain(&files.kept).map(|(path, _)| path).chain(&new_lines);
        let dropped = files.stale.iter().map(|(path, _)| path).chain(&no_lfs);
        edits.extend(attributes::edit(&lines, draft.file(&lines)?, tracked, dropped).map_err(blame)?);
        if let Some(url) = lfs_url
            && let Some(bytes) = config::with_url(draft.file(&config)?.as_deref(), url).map_err(blame)?
        {
            edits.push(put(&config, Content::Bytes(bytes.into())));
        }
        Ok(ManagedEdits { edits, cause })
    }

    /// Computes what a new manifest requires, given the files of the draft.
    fn plan(
        &self,
        draft: &mut TreeBuilder<'_>,
        head: Option<ObjectId>,
        manifest: &Manifest,
        place: &FilePath,
        touched: &Touched<'_>,
    ) -> Result<ManagedFiles> {
        let name = manifest.name;
        let text = match draft.side(place)? {
            None => return Ok(ManagedFiles::default()),
            Some(Side { kind: EntryKind::File | EntryKind::Executable, .. }) => draft.file(place)?.unwrap_or_default(),
            Some(_) => return Err(Error::Invalid(format!("{name} must be a file"))),
        };
        let before = head.map_or(Ok(None), |head| self.stored(head, place))?;
        if before.as_ref() == Some(&text) {
            return Ok(ManagedFiles::default());
        }
        let planned = (manifest.plan)(before.as_deref(), &text)?;
        let contradiction =
            |path, what| Error::Invalid(format!("{name} describes {path}, but {what}; update the resource as well"));
        let is_reserved = |path: &FilePath| [name, ATTRIBUTES, LFS_CONFIG].contains(&path.as_str());
        let mut files = ManagedFiles::default();
        let kept = planned.kept.into_iter().map(|file| (file, false));
        for ((path, pointer), is_new) in kept.chain(planned.puts.into_iter().map(|file| (file, true))) {
            if is_reserved(&path) {
                return Err(Error::Invalid(format!("{name} describes {path}, but this name is reserved")));
            }
            match draft.compare(&path, &pointer)? {
                Found::Same => files.kept.push((path, pointer)),
                // The file itself is in git, with the same content.
                Found::SameBytes => {}
                Found::Other if touched.has(&path) => {
                    return Err(contradiction(path, "this commit writes different content"));
                }
                Found::Nothing if touched.has(&path) => return Err(contradiction(path, "this commit deletes it")),
                // The file was changed by a push that did not update the manifest. Leave it as it is.
                Found::Other if !is_new => {}
                Found::Other | Found::Nothing => files.puts.push((path, pointer)),
            }
        }
        for (path, pointer) in planned.stale {
            // What a push replaced or deleted is not ours any more.
            let is_ours = !touched.has(&path) && !is_reserved(&path);
            if is_ours && matches!(draft.compare(&path, &pointer)?, Found::Same) {
                files.stale.push((path, pointer));
            }
        }
        Ok(files)
    }

    /// Returns the content of a file of a revision; `None` if there is no file.
    fn stored(&self, revision: ObjectId, path: &FilePath) -> Result<Option<Bytes>> {
        match self.look_up(revision, path)? {
            Some((mode, id)) if mode.is_blob() => self.blob(id, super::tree::TEXT_LIMIT).map(Some),
            Some(_) | None => Ok(None),
        }
    }
}

/// The state of a path for which the manifest requires a file.
enum Found {
    Same,
    SameBytes,
    Other,
    Nothing,
}

impl TreeBuilder<'_> {
    fn compare(&mut self, path: &FilePath, wanted: &Pointer) -> Result<Found> {
        let Some(side) = self.side(path)? else { return Ok(Found::Nothing) };
        let (bytes, pointer) = self.content(side)?;
        Ok(match pointer {
            None if wanted.size == 0 && bytes == 0 && side.kind != EntryKind::Folder => Found::Same,
            _ if wanted.size == 0 => Found::Other,
            Some(pointer) if *wanted == pointer => Found::Same,
            None if wanted.size == bytes && self.has(side, wanted)? => Found::SameBytes,
            _ => Found::Other,
        })
    }

    /// Returns true if a file holds the content that a pointer refers to.
    fn has(&self, side: Side, pointer: &Pointer) -> Result<bool> {
        match self.text(side) {
            Ok(text) => Ok(Oid::of(&text) == pointer.oid),
            Err(Error::TooLarge(_)) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Returns true if the file is tracked by Git LFS: a pointer file, or the empty file, which Git LFS
    /// leaves as it is.
    fn is_kept(&self, side: Side) -> Result<bool> {
        let (bytes, pointer) = self.content(side)?;
        Ok(pointer.is_some() || bytes == 0 && matches!(side.kind, EntryKind::File | EntryKind::Executable))
    }
}

/// Returns the pointer files at or below these paths that no line of `.gitattributes` covers.
fn unlisted_pointers(
    draft: &mut TreeBuilder<'_>,
    brought: &[&FilePath],
    lines: &FilePath,
    files: &ManagedFiles,
) -> Result<Vec<FilePath>> {
    let text = draft.file(lines)?.unwrap_or_default();
    let listed: HashSet<FilePath> = attributes::listed(&text).into_iter().collect();
    let planned: HashSet<&FilePath> = files.kept.iter().chain(&files.puts).map(|(path, _)| path).collect();
    let (mut seen, mut pointers) = (0, HashSet::new());
    for path in brought {
        draft.pointers(path, &mut |path| {
            seen += 1;
            if seen > POINTERS {
                return Err(Error::TooLarge(format!("one commit can add at most {POINTERS} LFS files")));
            }
            if !listed.contains(&path) && !planned.contains(&path) {
                pointers.insert(path);
            }
            Ok(())
        })?;
    }
    let mut pointers: Vec<FilePath> = pointers.into_iter().collect();
    pointers.sort();
    // Each line of ours matches exactly one path, and none of these.
    let others = Bytes::from(attributes::of_others(&text));
    let mut read: HashMap<FilePath, Option<Bytes>> = HashMap::from([(lines.clone(), Some(others))]);
    let covered = lfs_keeps(&pointers, |place| match read.remove(place) {
        Some(text) => Ok(text),
        None => draft.file(place),
    })?;
    let unlisted = pointers.into_iter().zip(covered).filter(|(_, covered)| !covered).map(|(path, _)| path);
    Ok(unlisted.collect())
}

/// The paths that a changeset edits.
struct Touched<'e>(HashSet<&'e str>);

impl<'e> Touched<'e> {
    fn of(edits: &'e [Edit]) -> Self {
        Self(edits.iter().flat_map(Edit::paths).map(FilePath::as_str).collect())
    }

    /// Returns true if an edit is about this path or one of its parent folders.
    fn has(&self, path: &FilePath) -> bool {
        let path = path.as_str();
        self.0.contains(path) || path.match_indices('/').any(|(end, _)| self.0.contains(&path[..end]))
    }
}

/// Returns true if the edit may add pointer files, at its last path, that are not listed in `.gitattributes` yet.
fn may_bring_pointers(edit: &Edit) -> bool {
    match edit {
        Edit::Put { content: Content::Bytes(bytes), .. } => Pointer::parse(bytes).is_ok(),
        Edit::Put { .. } | Edit::Restore { .. } | Edit::Move { .. } | Edit::Copy { .. } | Edit::Graft { .. } => true,
        Edit::Delete { .. } | Edit::Merge { .. } => false,
    }
}

fn put(path: &FilePath, content: Content) -> Edit {
    Edit::Put { path: path.clone(), content, executable: false }
}
