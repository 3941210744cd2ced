//! File rules of the browser API: which files are visible, which names are reserved, and which changes are allowed.

use metastore::{Content, Edit, Entry, EntryKind, FilePath, ObjectId, Reader};

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

/// Returns the edits that keep folders from which everything is removed.
pub(in crate::datasets) fn keep_folders(
    reader: &Reader,
    head: ObjectId,
    gone: &[FilePath],
) -> metastore::Result<Vec<Edit>> {
    let mut folders: Vec<FilePath> = Vec::new();
    for path in gone {
        if let Some((folder, _)) = path.as_str().rsplit_once('/') {
            let folder: FilePath = folder.parse()?;
            if !folders.contains(&folder) {
                folders.push(folder);
            }
        }
    }
    let mut edits = Vec::new();
    for folder in folders {
        let inside = gone.iter().filter(|path| path.is_inside(&folder)).count();
        let page = reader.tree_page(head, Some(&folder), false, None, inside + 1)?;
        let is_gone = |entry: &Entry| gone.iter().any(|path| path.as_str() == entry.path);
        if page.next.is_none() && page.entries.iter().all(is_gone) {
            edits.push(keep(&folder)?);
        }
    }
    Ok(edits)
}
