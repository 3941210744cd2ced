//! What the `.gitattributes` and `.gitignore` files of a revision say of paths (gitattributes(5), gitignore(5)).

use std::{collections::BTreeSet, path::Path};

use bytes::Bytes;
use gix::{
    ObjectId, attrs,
    bstr::BStr,
    glob::pattern::Case,
    ignore::{self, search::Ignore},
};

use crate::{FilePath, Reader, Result};

/// git itself reads no larger ones (`ATTR_MAX_FILE_SIZE` is 100 MB; nobody writes a hundredth of that).
const LARGEST: u64 = 1 << 20;

const ATTRIBUTES: &str = ".gitattributes";
const IGNORE: &str = ".gitignore";

impl Reader {
    /// For each path, in order: whether Git LFS keeps what is put there (`filter=lfs`). `root` stands in for the
    /// `.gitattributes` of the root, which a change may be about to bring. Files that cannot be read say nothing.
    pub fn lfs_keeps(&self, revision: Option<ObjectId>, root: Option<&Bytes>, paths: &[FilePath]) -> Result<Vec<bool>> {
        let mut known = attrs::search::MetadataCollection::default();
        let mut search = attrs::Search::default();
        for (source, text) in self.files_beside(revision, ATTRIBUTES, root, paths)? {
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

    /// For each path, in order: whether git would pass it over. `root` stands in for the `.gitignore` of the root.
    pub fn ignores(&self, revision: Option<ObjectId>, root: Option<&Bytes>, paths: &[FilePath]) -> Result<Vec<bool>> {
        let mut search = ignore::Search::default();
        for (source, text) in self.files_beside(revision, IGNORE, root, paths)? {
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
            // What is in a folder that is passed over cannot be brought back.
            .map(|path| folders(path).into_iter().any(|end| is_ignored(&path[..end], true)) || is_ignored(path, false))
            .collect())
    }

    /// The files of that name in the folders of these paths, the outer ones first.
    fn files_beside(
        &self,
        revision: Option<ObjectId>,
        name: &str,
        root: Option<&Bytes>,
        paths: &[FilePath],
    ) -> Result<Vec<(String, Bytes)>> {
        let mut places = BTreeSet::from([(0, name.to_owned())]);
        for path in paths.iter().map(FilePath::as_str) {
            let folders = path.match_indices('/').enumerate();
            places.extend(folders.map(|(depth, (end, _))| (depth + 1, format!("{}/{name}", &path[..end]))));
        }
        let mut found = Vec::new();
        for (depth, place) in places {
            let stored = match (root, depth, revision) {
                (Some(root), 0, _) => Some(root.clone()),
                (_, _, None) => None,
                (_, _, Some(revision)) => self.small_file(revision, &place)?,
            };
            found.extend(stored.map(|text| (place, text)));
        }
        Ok(found)
    }

    fn small_file(&self, revision: ObjectId, place: &str) -> Result<Option<Bytes>> {
        let Ok(path) = place.parse::<FilePath>() else { return Ok(None) };
        let Some((mode, id)) = self.look_up(revision, &path)? else { return Ok(None) };
        if !mode.is_blob() {
            return Ok(None);
        }
        match self.blob(id, LARGEST) {
            Err(crate::Error::TooLarge(_)) => Ok(None),
            read => read.map(Some),
        }
    }
}

fn text(path: &FilePath) -> &BStr {
    path.as_str().into()
}
