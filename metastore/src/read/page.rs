//! Folders in pages: however much there is, a page costs what it shows.

use gix::{
    ObjectId,
    bstr::ByteSlice as _,
    objs::{TreeRefIter, tree::EntryMode},
};

use super::Budget;
use crate::{Entry, FilePath, Reader, Result, Side, path::LIMIT};

/// Bytes of all paths of a page, however many entries it may have.
const PAGE: usize = 64 << 20;

/// A part of a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TreePage {
    /// What is there, in git's order: by the bytes of the names, those of folders with a `/` at the end.
    pub entries: Vec<Entry>,
    /// Where the next page begins; `None` behind the last one.
    pub next: Option<Vec<u8>>,
}

/// What is still to be shown: its key, which is the path below the listed folder, with a `/` for folders.
struct Pending {
    key: Vec<u8>,
    mode: EntryMode,
    id: ObjectId,
    is_shown: bool,
}

impl Reader {
    /// At most `limit` entries of the folder at `path` (the root if `None`) in a commit or tree; with `recursive`,
    /// everything below it, each folder before what it holds. `after` is [`TreePage::next`] of the page before. There are
    /// fewer entries where their paths are longer, on average, than a path may be.
    ///
    /// [`Error::NotFound`](crate::Error::NotFound) if there is no such folder, [`Error::TooLarge`](crate::Error::TooLarge)
    /// where so many folders with such long paths nest that what comes next does not fit into memory.
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

    /// The first entries of a tree that come behind `after` or hold what does, the last one first: so many, and one more
    /// than there is room for their paths.
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
        // One more: the first may be a folder that only holds what comes next.
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

    /// One side of a change, in full.
    pub fn entry_of(&self, path: &str, side: Side) -> Result<Entry> {
        self.describe(path.to_owned(), side.kind.mode(), side.id)
    }
}
