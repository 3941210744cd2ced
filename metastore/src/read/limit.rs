//! Read limits: sizes of objects that are read into memory, and sizes of listings.

use gix::{ObjectId, objs::Kind};

use crate::{Error, Result};

/// Maximum size in bytes of a commit or tag. Most have less than a thousand.
const MESSAGE_LIMIT: u64 = 1 << 20;

/// Maximum size in bytes of a tree, about 500,000 entries.
const TREE_LIMIT: u64 = 32 << 20;

/// Maximum number of entries in a listing. A tree of a few kilobytes can name a billion files by naming the
/// same folder again and again.
const ENTRIES: usize = 500_000;

/// Maximum total size in bytes of the paths in a listing. Each path repeats the names of all its parent folders.
const PATHS: usize = 64 << 20;

/// Checks the size of a commit, tag or tree before it is read. The size is known from the object header, even
/// if the object is stored as a small delta.
///
/// # Errors
///
/// [`Error::TooLarge`] if it is above the limit.
pub(crate) fn check_size(id: ObjectId, kind: Kind, size: u64) -> Result<()> {
    let (limit, name) = match kind {
        Kind::Commit | Kind::Tag => (MESSAGE_LIMIT, "1 MiB"),
        Kind::Tree => (TREE_LIMIT, "32 MiB"),
        Kind::Blob => return Ok(()),
    };
    if size > limit {
        return Err(Error::TooLarge(format!("the {kind} {id} has {size} bytes; the limit is {name}")));
    }
    Ok(())
}

/// The remaining capacity of one listing.
#[derive(Debug)]
pub(crate) struct Budget {
    entries: usize,
    paths: usize,
    most: usize,
    bytes: usize,
}

impl Default for Budget {
    fn default() -> Self {
        Self::new(ENTRIES, PATHS)
    }
}

impl Budget {
    /// Creates a budget for this many entries, with this many bytes in their paths.
    pub(crate) fn new(entries: usize, paths: usize) -> Self {
        Self { entries, paths, most: entries, bytes: paths }
    }

    /// Creates a budget for this many entries, with paths of the usual total size.
    pub(crate) fn of(entries: usize) -> Self {
        Self::new(entries, PATHS)
    }

    /// Reserves capacity for an entry with a path of `path` bytes.
    ///
    /// # Errors
    ///
    /// [`Error::TooLarge`] if the budget is exhausted.
    pub(crate) fn take(&mut self, path: usize) -> Result<()> {
        let Some(entries) = self.entries.checked_sub(1) else {
            return Err(Error::TooLarge(format!("more than {} entries; request a subfolder or a page", self.most)));
        };
        self.entries = entries;
        self.hold(path)
    }

    /// Reserves capacity for a path alone.
    pub(crate) fn hold(&mut self, path: usize) -> Result<()> {
        let Some(paths) = self.paths.checked_sub(path) else {
            let bytes = self.bytes;
            return Err(Error::TooLarge(format!(
                "the paths have more than {bytes} bytes in total; request a subfolder or a page"
            )));
        };
        self.paths = paths;
        Ok(())
    }

    /// Releases the capacity of a path that is no longer held.
    pub(crate) fn release(&mut self, path: usize) {
        self.paths += path;
    }
}
