//! Revert and restore: computes the edits that undo changes or bring back an earlier version, without
//! rewriting history.

use std::collections::HashSet;

use gix::ObjectId;
use serde_json::{Map, Value};

use crate::{
    Edit, Error, FilePath, Reader, Result, Side,
    package::{PACKAGE, resources},
};

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

    /// Returns the edits that restore one resource of the data package, and its files, to their state in
    /// `revision`. If the branch no longer has this resource, it is appended to the list.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] if the resource did not exist in `revision`, or the branch has no data package;
    /// [`Error::Invalid`] if a data package cannot be read.
    pub fn bring_back_resource(&self, head: ObjectId, revision: ObjectId, name: &str) -> Result<Vec<Edit>> {
        let then = Value::Object(self.package(revision)?.unwrap_or_default());
        let now = self.package(head)?.map(Value::Object);
        let is_it = |resource: &Value| resource["name"] == name;
        let resource = resources(&then).iter().find(|resource| is_it(resource));
        let resource = resource.ok_or_else(|| Error::NotFound(format!("the revision has no resource {name:?}")))?;
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
fn edits(steps: Vec<(FilePath, Option<Side>)>) -> Vec<Edit> {
    let (gone, back): (Vec<_>, Vec<_>) = steps.into_iter().partition(|(_, side)| side.is_none());
    let gone = gone.into_iter().map(|(path, _)| Edit::Delete { path });
    let back = back.into_iter().filter_map(|(path, side)| Some(Edit::Restore { path, side: side? }));
    gone.chain(back).collect()
}
