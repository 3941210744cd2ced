//! How much may be read at once: the sizes of objects that are read as a whole, and what one listing holds.

use gix::{ObjectId, objs::Kind};

use crate::{Error, Result};

/// Bytes of the largest commit or tag. Most have less than a thousand.
const MESSAGE_LIMIT: u64 = 1 << 20;

/// Bytes of the largest tree: of some 500,000 entries.
const TREE_LIMIT: u64 = 32 << 20;

/// The most entries that one listing holds. A tree of a few kilobytes can name a billion files by naming the same folder
/// again and again.
const ENTRIES: usize = 500_000;

/// Bytes of all paths in a listing. Each may be as long as the names of all folders around it.
const PATHS: usize = 64 << 20;

/// [`Error::TooLarge`] for a commit, tag or tree that is not to be read as a whole. Its header tells its size, whatever
/// small delta it is kept as.
pub(crate) fn check_size(id: ObjectId, kind: Kind, size: u64) -> Result<()> {
    let (limit, name) = match kind {
        Kind::Commit | Kind::Tag => (MESSAGE_LIMIT, "1 MiB"),
        Kind::Tree => (TREE_LIMIT, "32 MiB"),
        Kind::Blob => return Ok(()),
    };
    if size > limit {
        return Err(Error::TooLarge(format!("the {kind} {id} has {size} bytes, but at most {name} are read")));
    }
    Ok(())
}

/// What one listing may still hold.
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
    /// For so many entries, with so many bytes in their paths.
    pub(crate) fn new(entries: usize, paths: usize) -> Self {
        Self { entries, paths, most: entries, bytes: paths }
    }

    /// Makes room for an entry with a path of so many bytes, before it is kept. [`Error::TooLarge`] where there is none.
    pub(crate) fn take(&mut self, path: usize) -> Result<()> {
        let Some(entries) = self.entries.checked_sub(1) else {
            return Err(Error::TooLarge(format!("more than {} entries; ask for a part of them", self.most)));
        };
        self.entries = entries;
        self.hold(path)
    }

    /// Makes room for a path alone.
    pub(crate) fn hold(&mut self, path: usize) -> Result<()> {
        let Some(paths) = self.paths.checked_sub(path) else {
            let bytes = self.bytes;
            return Err(Error::TooLarge(format!(
                "paths with more than {bytes} bytes together; ask for a part of them"
            )));
        };
        self.paths = paths;
        Ok(())
    }

    /// The path is kept no more.
    pub(crate) fn release(&mut self, path: usize) {
        self.paths += path;
    }
}
