//! Going back without rewriting history: the edits that undo what happened, or bring back what was.

use std::collections::HashSet;

use gix::ObjectId;
use serde_json::{Map, Value};

use crate::{
    Edit, Error, FilePath, Reader, Result, Side,
    package::{PACKAGE, resources},
};

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
        self.bring_back_those(head, revision, |changed, _| {
            path.is_none_or(|path| changed == path || changed.is_inside(path))
        })
    }

    /// The edits that make one resource of the package, and its files, what they were in `revision`. Where the branch
    /// has no such resource, it comes behind the others.
    ///
    /// [`Error::NotFound`] if there was no resource of this name, or there is no package now; [`Error::Invalid`] for a
    /// package that cannot be read.
    pub fn bring_back_resource(&self, head: ObjectId, revision: ObjectId, name: &str) -> Result<Vec<Edit>> {
        let then = Value::Object(self.package(revision)?.unwrap_or_default());
        let now = self.package(head)?.map(Value::Object);
        let is_it = |resource: &Value| resource["name"] == name;
        let resource = resources(&then).iter().find(|resource| is_it(resource));
        let resource = resource.ok_or_else(|| Error::NotFound(format!("there was no resource {name:?} then")))?;
        let now = now.ok_or_else(|| Error::NotFound(format!("the branch has no {PACKAGE}; restore that first")))?;
        let path = &resource["path"];
        let paths = path.as_array().into_iter().flatten().chain([path]).filter_map(Value::as_str);
        let files: HashSet<FilePath> = paths.filter_map(|path| path.parse().ok()).collect();
        let mut edits =
            self.bring_back_those(head, revision, |changed, then| then.is_some() && files.contains(changed))?;
        let mut listed = resources(&now).to_vec();
        match listed.iter_mut().find(|resource| is_it(resource)) {
            Some(place) => place.clone_from(resource),
            None => listed.push(resource.clone()),
        }
        if listed != resources(&now) {
            let fields = Map::from_iter([("resources".to_owned(), listed.into())]);
            edits.push(Edit::Merge { path: PACKAGE.parse()?, fields });
        }
        Ok(edits)
    }

    /// The edits that bring back those files which differ and are such ones, by their path and what they were.
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
