//! Managed files: extends a commit so that `.gitattributes`, `.lfsconfig` and pointer files match the data
//! package and the LFS files of the dataset.

use std::collections::{HashMap, HashSet};

use bytes::Bytes;
use lfs::{Oid, Pointer};
use serde_json::Value;

use super::{Changeset, Content, Edit, EditError, TreeBuilder};
use crate::{
    EntryKind, Error, FilePath, ObjectId, Reader, Result, Side,
    attributes::lfs_keeps,
    package::{self, ATTRIBUTES, CONFIG, ManagedContent, ManagedState, PACKAGE, Plan, attributes},
};

/// Maximum number of pointer files that one commit may add.
const POINTERS: usize = 500_000;

/// The additional edits that a changeset requires.
#[derive(Debug, Default)]
pub struct ManagedEdits {
    /// Edits to apply after those of the changeset.
    pub edits: Vec<Edit>,
    /// Index of the edit that causes them, if it is a single one: the last edit that changes the data package.
    pub cause: Option<usize>,
}

impl Reader {
    /// Returns the additional edits that `changes` requires:
    /// - for a new data package, its pointer files, and `.lfsconfig` if `lfs_url` is given ([`package::plan`]);
    /// - the `.gitattributes` lines for pointer files that are added or removed.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] if an edit adds a data package that is not valid, or that contradicts the files
    /// which the same changeset adds or deletes. Otherwise the errors of [`Reader::commit_edits`].
    pub fn follow(&self, changes: &Changeset, lfs_url: Option<&str>) -> Result<ManagedEdits, EditError> {
        let (package, lines, config) = (own(PACKAGE)?, own(ATTRIBUTES)?, own(CONFIG)?);
        let head = self.state().find(&changes.branch).map(|branch| branch.target);
        let touched = Touched::of(&changes.edits);
        let cause = changes.edits.iter().rposition(|edit| edit.paths().any(|path| *path == package));
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
        let mut plan = match cause {
            Some(_) => self.plan(&mut draft, head, &package, &touched).map_err(blame)?,
            None => Plan::default(),
        };
        for path in unlisted {
            let side = draft.side(&path)?;
            let is_kept = side.map_or(Ok(false), |side| draft.is_kept(side))?;
            if !is_kept {
                plan.unlisted.push(path);
            }
        }
        plan.listed = unlisted_pointers(&mut draft, &brought, &lines, &plan)?;
        let (attributes, config) = (draft.file(&lines)?, draft.file(&config)?);
        let beside = ManagedState { attributes: attributes.as_deref(), config: config.as_deref(), lfs_url };
        let edits = plan.edits(&beside).map_err(|problem| blame(Error::Invalid(problem.message)))?;
        Ok(ManagedEdits { edits, cause })
    }

    /// Computes what a new data package requires, given the files of the draft.
    fn plan(
        &self,
        draft: &mut TreeBuilder<'_>,
        head: Option<ObjectId>,
        place: &FilePath,
        touched: &Touched<'_>,
    ) -> Result<Plan> {
        let text = match draft.side(place)? {
            None => return Ok(Plan::default()),
            Some(Side { kind: EntryKind::File | EntryKind::Executable, .. }) => draft.file(place)?.unwrap_or_default(),
            Some(_) => return Err(Error::Invalid(format!("{PACKAGE} must be a file"))),
        };
        let before = head.map_or(Ok(None), |head| self.stored(head, place))?;
        if before.as_ref() == Some(&text) {
            return Ok(Plan::default());
        }
        let package = package::parse(&text).map_err(|problem| problem.message).and_then(|package| match package {
            Value::Object(_) => Ok(package),
            _ => Err("the top-level value is not an object".to_owned()),
        });
        let package = package.map_err(|why| Error::Invalid(format!("{PACKAGE} is not a JSON object: {why}")))?;
        let problems = package::check(&package);
        if !problems.is_empty() {
            return Err(Error::Invalid(package::complaint(&problems)));
        }
        let before = before.and_then(|before| package::parse(&before).ok());
        let planned = package::plan(before.as_ref(), &package);
        let mut plan = planned.map_err(|problems| Error::Invalid(package::complaint(&problems)))?;
        let before = plan.kept.drain(..).map(|(path, content)| (path, content, false)).collect::<Vec<_>>();
        let new = plan.puts.drain(..).map(|(path, content)| (path, content, true));
        for (path, content, is_new) in before.into_iter().chain(new.collect::<Vec<_>>()) {
            match draft.compare(&path, &content)? {
                Found::Same => plan.kept.push((path, content)),
                // The file itself is in git, with the same content.
                Found::SameBytes => {}
                Found::Other if touched.has(&path) => {
                    return Err(contradiction(&path, "this commit writes different content"));
                }
                Found::Nothing if touched.has(&path) => return Err(contradiction(&path, "this commit deletes it")),
                // The file was changed by a push that did not update the package. Leave it as it is.
                Found::Other if !is_new => {}
                Found::Other | Found::Nothing => plan.puts.push((path, content)),
            }
        }
        let mut stale = Vec::new();
        for (path, content) in plan.stale.drain(..) {
            if matches!(draft.compare(&path, &content)?, Found::Same) && !touched.has(&path) {
                stale.push((path, content));
            }
        }
        plan.stale = stale;
        Ok(plan)
    }

    /// Returns the content of a file of a revision; `None` if there is no file.
    fn stored(&self, revision: ObjectId, path: &FilePath) -> Result<Option<Bytes>> {
        match self.look_up(revision, path)? {
            Some((mode, id)) if mode.is_blob() => self.blob(id, super::tree::TEXT_LIMIT).map(Some),
            Some(_) | None => Ok(None),
        }
    }
}

/// The state of a path for which the package requires a pointer file.
enum Found {
    Same,
    SameBytes,
    Other,
    Nothing,
}

impl TreeBuilder<'_> {
    fn compare(&mut self, path: &FilePath, content: &ManagedContent) -> Result<Found> {
        let Some(side) = self.side(path)? else { return Ok(Found::Nothing) };
        let (bytes, pointer) = self.content(side)?;
        Ok(match (content, pointer) {
            (ManagedContent::Pointer(wanted), Some(pointer)) if *wanted == pointer => Found::Same,
            (ManagedContent::Pointer(wanted), None) if wanted.size == bytes && self.has(side, wanted)? => {
                Found::SameBytes
            }
            (ManagedContent::Empty, None) if bytes == 0 && side.kind != EntryKind::Folder => Found::Same,
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
    plan: &Plan,
) -> Result<Vec<FilePath>> {
    let text = draft.file(lines)?.unwrap_or_default();
    let listed: HashSet<FilePath> = attributes::listed(&text).into_iter().collect();
    let planned: HashSet<&FilePath> = plan.kept.iter().chain(&plan.puts).map(|(path, _)| path).collect();
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
    let mut files: HashMap<FilePath, Option<Bytes>> = HashMap::from([(lines.clone(), Some(others))]);
    let covered = lfs_keeps(&pointers, |place| match files.remove(place) {
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

fn contradiction(path: &FilePath, what: &str) -> Error {
    Error::Invalid(format!("{PACKAGE} describes {path}, but {what}; update the resource as well"))
}

fn own(name: &str) -> Result<FilePath> {
    name.parse()
}
