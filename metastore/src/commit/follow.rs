//! What a commit has to change besides what it is asked to, so that git and Git LFS see what the dataset's package and
//! its pointer files say.

use std::collections::{HashMap, HashSet};

use bytes::Bytes;
use lfs::{Oid, Pointer};
use serde_json::Value;

use super::{Changeset, Content, Draft, Edit, Flaw};
use crate::{
    EntryKind, Error, FilePath, ObjectId, Reader, Result, Side,
    attributes::lfs_keeps,
    package::{self, ATTRIBUTES, Beside, CONFIG, PACKAGE, Plan, Standing, attributes},
};

/// The most pointer files of one commit that are looked at.
const POINTERS: usize = 500_000;

/// What follows from a changeset.
#[derive(Debug, Default)]
pub struct Followed {
    /// The edits to make after its own.
    pub edits: Vec<Edit>,
    /// Which of its own they follow from, if it is one alone: the last one that changes the package.
    pub cause: Option<usize>,
}

impl Reader {
    /// What has to change besides:
    /// - for a new package, its pointer files, and `.lfsconfig` where `lfs_url` is given ([`package::plan`]);
    /// - the lines of `.gitattributes` for pointer files that come, and of those that go.
    ///
    /// A package that the changeset brings, by whatever edit, must be valid, and must not contradict the files that the
    /// same changeset puts or takes away: else [`Error::Invalid`]. Other errors are those of [`Reader::commit_edits`].
    pub fn follow(&self, changes: &Changeset, lfs_url: Option<&str>) -> Result<Followed, Flaw> {
        let (package, lines, config) = (own(PACKAGE)?, own(ATTRIBUTES)?, own(CONFIG)?);
        let head = self.state().find(&changes.branch).map(|branch| branch.target);
        let touched = Touched::of(&changes.edits);
        let cause = changes.edits.iter().rposition(|edit| edit.paths().any(|path| *path == package));
        let stored = match head.map(|head| self.stored(head, &lines)) {
            // git reads no such one either.
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
            return Ok(Followed::default());
        }
        let tree = head.map(|head| Ok::<_, Error>(self.commit(head)?.tree)).transpose()?;
        let mut draft = Draft::of(self, tree, &changes.edits)?;
        let blame = |error| Flaw { edit: cause, error };
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
        let beside = Beside { attributes: attributes.as_deref(), config: config.as_deref(), lfs_url };
        let edits = plan.edits(&beside).map_err(|problem| blame(Error::Invalid(problem.message)))?;
        Ok(Followed { edits, cause })
    }

    /// What a new package means for the files that the draft has.
    fn plan(
        &self,
        draft: &mut Draft<'_>,
        head: Option<ObjectId>,
        place: &FilePath,
        touched: &Touched<'_>,
    ) -> Result<Plan> {
        let text = match draft.side(place)? {
            None => return Ok(Plan::default()),
            Some(Side { kind: EntryKind::File | EntryKind::Executable, .. }) => draft.file(place)?.unwrap_or_default(),
            Some(_) => return Err(Error::Invalid(format!("{PACKAGE} can only be a file"))),
        };
        let before = head.map_or(Ok(None), |head| self.stored(head, place))?;
        if before.as_ref() == Some(&text) {
            return Ok(Plan::default());
        }
        let package = package::parse(&text).map_err(|problem| problem.message).and_then(|package| match package {
            Value::Object(_) => Ok(package),
            _ => Err("it is another value".to_owned()),
        });
        let package = package.map_err(|why| Error::Invalid(format!("{PACKAGE} is not a JSON object: {why}")))?;
        let problems = package::check(&package);
        if !problems.is_empty() {
            return Err(Error::Invalid(package::complaint(&problems)));
        }
        let before = before.and_then(|before| package::parse(&before).ok());
        let planned = package::plan(before.as_ref(), &package);
        let mut plan = planned.map_err(|problems| Error::Invalid(package::complaint(&problems)))?;
        let before = plan.kept.drain(..).map(|(path, standing)| (path, standing, false)).collect::<Vec<_>>();
        let new = plan.puts.drain(..).map(|(path, standing)| (path, standing, true));
        for (path, standing, is_new) in before.into_iter().chain(new.collect::<Vec<_>>()) {
            match draft.compare(&path, &standing)? {
                Found::Same => plan.kept.push((path, standing)),
                // A file that git keeps itself is as good.
                Found::SameBytes => {}
                Found::Other if touched.has(&path) => {
                    return Err(contradiction(&path, "this commit puts something else there"));
                }
                Found::Nothing if touched.has(&path) => return Err(contradiction(&path, "this commit takes it away")),
                // Somebody has pushed other data, and nobody has told the package yet.
                Found::Other if !is_new => {}
                Found::Other | Found::Nothing => plan.puts.push((path, standing)),
            }
        }
        let mut stale = Vec::new();
        for (path, standing) in plan.stale.drain(..) {
            if matches!(draft.compare(&path, &standing)?, Found::Same) && !touched.has(&path) {
                stale.push((path, standing));
            }
        }
        plan.stale = stale;
        Ok(plan)
    }

    /// The bytes of a file of a revision; none if there is no file.
    fn stored(&self, revision: ObjectId, path: &FilePath) -> Result<Option<Bytes>> {
        match self.look_up(revision, path)? {
            Some((mode, id)) if mode.is_blob() => self.blob(id, super::tree::TEXT_LIMIT).map(Some),
            Some(_) | None => Ok(None),
        }
    }
}

/// What stands where a package wants something.
enum Found {
    Same,
    SameBytes,
    Other,
    Nothing,
}

impl Draft<'_> {
    fn compare(&mut self, path: &FilePath, standing: &Standing) -> Result<Found> {
        let Some(side) = self.side(path)? else { return Ok(Found::Nothing) };
        let (bytes, pointer) = self.content(side)?;
        Ok(match (standing, pointer) {
            (Standing::Pointer(wanted), Some(pointer)) if *wanted == pointer => Found::Same,
            (Standing::Pointer(wanted), None) if wanted.size == bytes && self.has(side, wanted)? => Found::SameBytes,
            (Standing::Empty, None) if bytes == 0 && side.kind != EntryKind::Folder => Found::Same,
            _ => Found::Other,
        })
    }

    /// Whether a file holds the very bytes that a pointer stands for.
    fn has(&self, side: Side, pointer: &Pointer) -> Result<bool> {
        match self.text(side) {
            Ok(text) => Ok(Oid::of(&text) == pointer.oid),
            Err(Error::TooLarge(_)) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Whether it is something that Git LFS keeps: a pointer, or the empty file, which it passes through.
    fn is_kept(&self, side: Side) -> Result<bool> {
        let (bytes, pointer) = self.content(side)?;
        Ok(pointer.is_some() || bytes == 0 && matches!(side.kind, EntryKind::File | EntryKind::Executable))
    }
}

/// Of the pointer files at or below these paths, those that no line of `.gitattributes` covers.
fn unlisted_pointers(
    draft: &mut Draft<'_>,
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
                return Err(Error::TooLarge(format!("one commit brings at most {POINTERS} files that Git LFS keeps")));
            }
            if !listed.contains(&path) && !planned.contains(&path) {
                pointers.insert(path);
            }
            Ok(())
        })?;
    }
    let mut pointers: Vec<FilePath> = pointers.into_iter().collect();
    pointers.sort();
    // Our own lines are each about one path, and none of these.
    let others = Bytes::from(attributes::of_others(&text));
    let mut files: HashMap<FilePath, Option<Bytes>> = HashMap::from([(lines.clone(), Some(others))]);
    let covered = lfs_keeps(&pointers, |place| match files.remove(place) {
        Some(text) => Ok(text),
        None => draft.file(place),
    })?;
    let unlisted = pointers.into_iter().zip(covered).filter(|(_, covered)| !covered).map(|(path, _)| path);
    Ok(unlisted.collect())
}

/// The paths that edits are about.
struct Touched<'e>(HashSet<&'e str>);

impl<'e> Touched<'e> {
    fn of(edits: &'e [Edit]) -> Self {
        Self(edits.iter().flat_map(Edit::paths).map(FilePath::as_str).collect())
    }

    /// Whether one of them is this path, or a folder that it is in.
    fn has(&self, path: &FilePath) -> bool {
        let path = path.as_str();
        self.0.contains(path) || path.match_indices('/').any(|(end, _)| self.0.contains(&path[..end]))
    }
}

/// Whether pointer files may stand at the last path of an edit for which no line was there before.
fn may_bring_pointers(edit: &Edit) -> bool {
    match edit {
        Edit::Put { content: Content::Bytes(bytes), .. } => Pointer::parse(bytes).is_ok(),
        Edit::Put { .. } | Edit::Restore { .. } | Edit::Move { .. } | Edit::Copy { .. } | Edit::Graft { .. } => true,
        Edit::Delete { .. } | Edit::Merge { .. } => false,
    }
}

fn contradiction(path: &FilePath, what: &str) -> Error {
    Error::Invalid(format!("{PACKAGE} says what {path} holds, and {what}; change the resource too"))
}

fn own(name: &str) -> Result<FilePath> {
    name.parse()
}
