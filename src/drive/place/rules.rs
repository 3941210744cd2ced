//! Which files a drive shows, keeps for itself, and lets somebody change.

use metastore::{Content, Edit, Entry, EntryKind, FilePath, ObjectId, Reader};

use crate::access::{Part, Spot, Write};
use crate::error::{Error, Result};

/// What keeps an empty folder, of which git knows nothing.
pub const KEEP: &str = ".keep";

/// Names of files that are for tools, and not shown.
const TOOLS: &[&str] = &[KEEP, ".gitattributes", ".lfsconfig"];

/// Whether a file of this name is shown, and may be written.
pub fn is_shown(name: &str) -> bool {
    !TOOLS.contains(&name)
}

/// A spot that may be renamed, deleted or replaced: the root of a part is not for those who have only that.
///
/// # Errors
/// Forbidden.
pub fn path_of(spot: &Spot<Write>) -> Result<FilePath> {
    let path = spot.path().cloned().ok_or_else(|| Error::invalid("this is about a file or a folder; name it"))?;
    expect_shown(&path)?;
    Ok(path)
}

/// # Errors
/// Forbidden where a part begins, for who has no more than the part.
pub fn expect_inner(spot: &Spot<Write>) -> Result<()> {
    if spot.is_top() {
        return Err(Error::forbidden("what was shared with you can be changed by you, but not moved or deleted"));
    }
    Ok(())
}

/// # Errors
/// Invalid for a file that is for tools.
pub(crate) fn expect_shown(path: &FilePath) -> Result<()> {
    if is_shown(path.name()) {
        return Ok(());
    }
    Err(Error::invalid(format!(
        "`{}` is a name that the drive keeps for itself; change such files with git",
        path.name()
    )))
}

pub(super) fn is_listed(entry: &Entry) -> bool {
    entry.kind != EntryKind::Submodule && is_shown(entry.path.rsplit('/').next().unwrap_or(&entry.path))
}

/// Who has a part alone writes to nothing else. What the package of a dataset says reaches further than its file.
pub(super) fn expect_within(parts: &[Part<Write>], edits: &[Edit]) -> Result<()> {
    if parts.iter().any(Part::is_whole) {
        return Ok(());
    }
    let package = crate::drive::package::place();
    for path in edits.iter().flat_map(Edit::paths) {
        if !parts.iter().any(|part| part.contains(path)) {
            return Err(Error::forbidden(format!("`{path}` is not in what was shared with you")));
        }
        if *path == package {
            return Err(Error::forbidden(format!(
                "`{path}` says what the dataset is; only who may write to all of it changes that"
            )));
        }
    }
    Ok(())
}

/// The file that keeps a folder.
pub(super) fn keep(folder: &FilePath) -> metastore::Result<Edit> {
    let path = format!("{folder}/{KEEP}").parse()?;
    Ok(Edit::Put { path, content: Content::Bytes(bytes::Bytes::new()), executable: false })
}

/// The edits that keep the folders of which all is taken away.
pub(in crate::drive) fn keep_folders(
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
