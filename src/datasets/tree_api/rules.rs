//! File rules of the browser API: which files are visible, which names are reserved, and which changes are allowed.

use std::collections::BTreeMap;

use metastore::{Content, Edit, Entry, EntryKind, FilePath, ObjectId, Reader, Side};

use crate::access::{Grant, Write};
use crate::error::{Error, Result};

/// Placeholder file that keeps an empty folder, which git cannot store.
pub const KEEP: &str = ".keep";

/// Names of files for tools, which are hidden.
const TOOLS: &[&str] = &[KEEP, ".gitattributes", ".lfsconfig"];

/// Returns true if a file of this name is visible and can be written.
pub fn is_shown(name: &str) -> bool {
    !TOOLS.contains(&name)
}

/// Returns the path of a grant that can be renamed, deleted or replaced.
///
/// # Errors
/// Invalid for the root, and for a reserved name.
pub fn path_of(grant: &Grant<Write>) -> Result<FilePath> {
    let path = grant.path().cloned().ok_or_else(|| Error::invalid("the path of a file or folder is required"))?;
    expect_shown(&path)?;
    Ok(path)
}

/// Returns one grant of each right among these: what they allow together.
pub fn by_root<'a>(grants: impl IntoIterator<Item = &'a Grant<Write>>) -> Vec<Grant<Write>> {
    let mut found: Vec<Grant<Write>> = Vec::new();
    for grant in grants {
        if !found.iter().any(|other| other.id() == grant.id() && other.root() == grant.root()) {
            found.push(grant.clone());
        }
    }
    found
}

/// Returns a path that is inside another one, or the same, and that one.
pub(super) fn nested(paths: &[FilePath]) -> Option<(&FilePath, &FilePath)> {
    let mut sorted: Vec<&FilePath> = paths.iter().collect();
    // What is inside a path follows it, before anything else.
    sorted.sort_by(|one, other| one.as_str().split('/').cmp(other.as_str().split('/')));
    let inside = |pair: &&[&FilePath]| pair[1] == pair[0] || pair[1].is_inside(pair[0]);
    sorted.windows(2).find(inside).map(|pair| (pair[1], pair[0]))
}

/// # Errors
/// Forbidden at the path that was shared, for actors without access to its folder.
pub fn expect_inner(grant: &Grant<Write>) -> Result<()> {
    if grant.is_root() {
        return Err(Error::forbidden("you can edit this shared item, but not move or delete it; ask its owner"));
    }
    Ok(())
}

/// # Errors
/// Invalid for a reserved file name.
pub(crate) fn expect_shown(path: &FilePath) -> Result<()> {
    if is_shown(path.name()) {
        return Ok(());
    }
    Err(Error::invalid(format!("`{}` is a reserved name; change such files with git", path.name())))
}

/// Returns true if the file browser shows the entry.
pub fn is_listed(entry: &Entry) -> bool {
    entry.kind != EntryKind::Submodule && is_shown(entry.path.rsplit('/').next().unwrap_or(&entry.path))
}

/// Returns the edit that writes the placeholder file of a folder.
pub(super) fn keep(folder: &FilePath) -> metastore::Result<Edit> {
    let path = format!("{folder}/{KEEP}").parse()?;
    Ok(Edit::Put { path, content: Content::Bytes(bytes::Bytes::new()), executable: false })
}

/// Returns these paths, each once, without those inside of other ones.
pub(in crate::datasets) fn outermost(mut paths: Vec<FilePath>) -> Vec<FilePath> {
    paths.sort_by(|one, other| one.as_str().split('/').cmp(other.as_str().split('/')));
    paths.dedup_by(|next, kept| next == kept || next.is_inside(kept));
    paths
}

/// Returns the folders above a path, the nearest one first.
pub(in crate::datasets) fn folders_above(path: &FilePath) -> impl Iterator<Item = &str> {
    path.as_str().rmatch_indices('/').map(|(end, _)| &path.as_str()[..end])
}

/// Returns the edits that keep folders from which everything is removed. `gone` names each path once.
pub(in crate::datasets) fn keep_folders(
    reader: &Reader,
    head: ObjectId,
    gone: &[FilePath],
) -> metastore::Result<Vec<Edit>> {
    let mut removed: BTreeMap<&str, usize> = BTreeMap::new();
    for folder in gone.iter().filter_map(|path| folders_above(path).next()) {
        *removed.entry(folder).or_default() += 1;
    }
    let folders: Vec<FilePath> = removed.keys().map(|folder| folder.parse()).collect::<metastore::Result<_>>()?;
    let mut edits = Vec::new();
    for ((folder, side), removed) in folders.iter().zip(reader.sides(head, &folders)?).zip(removed.values()) {
        if let Some(Side { kind: EntryKind::Folder, id }) = side
            && reader.count_entries(id)? == *removed
        {
            edits.push(keep(folder)?);
        }
    }
    Ok(edits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_inside_of_another_path_goes_with_it() {
        let paths = |paths: &[&str]| paths.iter().map(|path| path.parse().unwrap()).collect::<Vec<FilePath>>();
        let found = outermost(paths(&["a/b", "a.b", "a", "c/d", "a-b/c", "a/b/c", "c/d", "c/e"]));
        assert_eq!(found, paths(&["a", "a-b/c", "a.b", "c/d", "c/e"]));
        let deep = "a/b/c".parse().unwrap();
        assert_eq!(folders_above(&deep).collect::<Vec<_>>(), ["a/b", "a"]);
    }
}
