//! Git attributes and ignore rules: evaluates the `.gitattributes` and `.gitignore` files of a revision for
//! given paths (gitattributes(5), gitignore(5)).

use std::{collections::BTreeSet, path::Path};

use bytes::Bytes;
use gix::{
    ObjectId, attrs,
    bstr::BStr,
    glob::pattern::Case,
    ignore::{self, search::Ignore},
};

use crate::{FilePath, Reader, Result};

/// Maximum size in bytes of an attributes or ignore file; larger ones are skipped. (git's own
/// `ATTR_MAX_FILE_SIZE` is 100 MB.)
const MAX_ATTRIBUTES_BYTES: u64 = 1 << 20;

/// File name of the git attributes, which select the files tracked by Git LFS.
pub const ATTRIBUTES: &str = ".gitattributes";
const IGNORE: &str = ".gitignore";

impl Reader {
    /// Returns for each path, in order, whether it is tracked by Git LFS (`filter=lfs`).
    pub fn lfs_keeps(&self, revision: Option<ObjectId>, paths: &[FilePath]) -> Result<Vec<bool>> {
        lfs_keeps(paths, |place| revision.map_or(Ok(None), |revision| self.small_file(revision, place)))
    }

    /// Returns for each path, in order, whether git would ignore it. `root`, if given, replaces the
    /// `.gitignore` of the root folder.
    pub fn ignores(&self, revision: Option<ObjectId>, root: Option<&Bytes>, paths: &[FilePath]) -> Result<Vec<bool>> {
        let mut search = ignore::Search::default();
        let read = |place: &FilePath| match (root, revision) {
            (Some(root), _) if place.as_str() == IGNORE => Ok(Some(root.clone())),
            (_, Some(revision)) => self.small_file(revision, place),
            (_, None) => Ok(None),
        };
        for (source, text) in beside(IGNORE, paths, read)? {
            search.add_patterns_buffer(&text, source, Some(Path::new("")), Ignore::default())?;
        }
        let is_ignored = |path: &str, is_folder| {
            let found = search.pattern_matching_relative_path(path.into(), Some(is_folder), Case::Sensitive);
            found.is_some_and(|found| !found.pattern.is_negative())
        };
        let folders = |path: &str| path.match_indices('/').map(|(end, _)| end).collect::<Vec<_>>();
        Ok(paths
            .iter()
            .map(FilePath::as_str)
            // As in git, a negated pattern cannot re-include a file whose parent folder is excluded.
            .map(|path| folders(path).into_iter().any(|end| is_ignored(&path[..end], true)) || is_ignored(path, false))
            .collect())
    }

    fn small_file(&self, revision: ObjectId, place: &FilePath) -> Result<Option<Bytes>> {
        let Some((mode, id)) = self.look_up(revision, place)? else { return Ok(None) };
        if !mode.is_blob() {
            return Ok(None);
        }
        match self.blob(id, MAX_ATTRIBUTES_BYTES) {
            Err(crate::Error::TooLarge(_)) => Ok(None),
            read => read.map(Some),
        }
    }
}

/// Returns for each path, in order, whether it is tracked by Git LFS according to the `.gitattributes` files
/// that `read` returns. Files for which it returns `None` are skipped.
pub(crate) fn lfs_keeps(paths: &[FilePath], read: impl FnMut(&FilePath) -> Result<Option<Bytes>>) -> Result<Vec<bool>> {
    let mut known = attrs::search::MetadataCollection::default();
    let mut search = attrs::Search::default();
    for (source, text) in beside(ATTRIBUTES, paths, read)? {
        let is_root = source == ATTRIBUTES;
        search.add_patterns_buffer(&text, source.into(), Some(Path::new("")), &mut known, is_root)?;
    }
    let mut outcome = attrs::search::Outcome::default();
    outcome.initialize_with_selection(&known, ["filter"]);
    let lfs = attrs::StateRef::from_bytes(b"lfs");
    Ok(paths
        .iter()
        .map(|path| {
            outcome.reset();
            search.pattern_matching_relative_path(text(path), Case::Sensitive, Some(false), &mut outcome);
            outcome.iter_selected().any(|found| found.assignment.state == lfs)
        })
        .collect())
}

/// Reads the files called `name` in all parent folders of these paths, outermost first.
fn beside(
    name: &str,
    paths: &[FilePath],
    mut read: impl FnMut(&FilePath) -> Result<Option<Bytes>>,
) -> Result<Vec<(String, Bytes)>> {
    let mut places = BTreeSet::from([(0, name.to_owned())]);
    for path in paths.iter().map(FilePath::as_str) {
        let folders = path.match_indices('/').enumerate();
        places.extend(folders.map(|(depth, (end, _))| (depth + 1, format!("{}/{name}", &path[..end]))));
    }
    let mut found = Vec::new();
    for (_, place) in places {
        // The longest allowed paths leave no room for another file name beside them.
        let Ok(path) = place.parse::<FilePath>() else { continue };
        found.extend(read(&path)?.map(|text| (place, text)));
    }
    Ok(found)
}

fn text(path: &FilePath) -> &BStr {
    path.as_str().into()
}
