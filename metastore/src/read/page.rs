//! Paginated folder listings: the cost of a page depends on its size, not on the size of the folder.

use gix::{
    ObjectId,
    bstr::ByteSlice as _,
    objs::{TreeRefIter, tree::EntryMode},
};

use super::Budget;
use crate::{Entry, FilePath, Reader, Result, Side, path::LIMIT};

/// Maximum total size in bytes of the paths of a page.
const PAGE: usize = 64 << 20;

/// A page of a folder listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TreePage {
    /// The entries in git's order: by the bytes of their names, with a `/` appended to those of folders.
    pub entries: Vec<Entry>,
    /// Cursor of the next page; `None` after the last one.
    pub next: Option<Vec<u8>>,
}

/// An entry still to be listed. Its key is the path below the listed folder, with a `/` appended for folders.
struct Pending {
    key: Vec<u8>,
    mode: EntryMode,
    id: ObjectId,
    is_shown: bool,
}

impl Reader {
    /// Returns at most `limit` entries of the folder at `path` (the root if `None`) in a commit or tree; with
    /// `recursive`, everything below it, each folder before its content. `after` is the [`TreePage::next`] of
    /// the previous page. The page is shorter if the paths are very long.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`](crate::Error::NotFound) if there is no such folder,
    /// [`Error::TooLarge`](crate::Error::TooLarge) if the pending entries of deeply nested folders with long
    /// paths exceed the memory limit.
    pub fn tree_page(
        &self,
        revision: ObjectId,
        path: Option<&FilePath>,
        recursive: bool,
        after: Option<&[u8]>,
        limit: usize,
    ) -> Result<TreePage> {
        let folder = self.folder(revision, path)?;
        let prefix = path.map(|path| format!("{path}/")).unwrap_or_default();
        let mut room = limit.saturating_mul(LIMIT).min(PAGE);
        let mut budget = Budget::new(usize::MAX, PAGE);
        let mut stack = self.behind(folder, b"", recursive, after, (limit + 1, room), &mut budget)?;
        let mut entries = Vec::new();
        let mut last = Vec::new();
        while let Some(Pending { key, mode, id, is_shown }) = stack.pop() {
            budget.release(key.len());
            if is_shown {
                let left = room.checked_sub(prefix.len() + key.len());
                if entries.len() == limit || (left.is_none() && !entries.is_empty()) {
                    return Ok(TreePage { entries, next: Some(last) });
                }
                room = left.unwrap_or_default();
                let name = key.strip_suffix(b"/").filter(|_| mode.is_tree()).unwrap_or(&key);
                entries.push(self.describe(format!("{prefix}{}", name.to_str_lossy()), mode, id)?);
                last.clone_from(&key);
            }
            if recursive && mode.is_tree() {
                let left = (limit + 1 - entries.len(), room);
                stack.append(&mut self.behind(id, &key, recursive, after, left, &mut budget)?);
            }
        }
        Ok(TreePage { entries, next: None })
    }

    /// Returns the first entries of a tree that sort after `after` or contain entries that do, in reverse
    /// order: at most `limit`, and at most one more than the path budget allows.
    fn behind(
        &self,
        tree: ObjectId,
        prefix: &[u8],
        recursive: bool,
        after: Option<&[u8]>,
        (limit, room): (usize, usize),
        budget: &mut Budget,
    ) -> Result<Vec<Pending>> {
        let object = self.load_tree(tree)?;
        let mut found = Vec::new();
        // One more, since the first may be a folder that contains `after`.
        let limit = limit + 1;
        let mut shown = 0;
        let mut bytes = 0;
        for entry in TreeRefIter::from_bytes(&object.data, gix::hash::Kind::Sha1) {
            let entry = entry?;
            let key = [prefix, entry.filename, if entry.mode.is_tree() { &b"/"[..] } else { b"" }].concat();
            let is_shown = after.is_none_or(|after| key.as_slice() > after);
            let is_open = recursive && entry.mode.is_tree() && after.is_some_and(|after| after.starts_with(&key));
            if is_shown || is_open {
                if bytes > room && shown > 1 {
                    break;
                }
                if is_shown {
                    shown += 1;
                    bytes += key.len();
                }
                budget.take(key.len())?;
                found.push(Pending { key, mode: entry.mode, id: entry.oid.to_owned(), is_shown });
                if found.len() == limit {
                    break;
                }
            }
        }
        found.reverse();
        Ok(found)
    }

    /// Returns the complete entry for one side of a change.
    pub fn entry_of(&self, path: &str, side: Side) -> Result<Entry> {
        self.describe(path.to_owned(), side.kind.mode(), side.id)
    }
}
