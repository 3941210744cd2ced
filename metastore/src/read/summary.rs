//! Folder sizes: number of files and total bytes, including subfolders.

use std::collections::HashMap;

use gix::{ObjectId, objs::tree::EntryMode};

use super::Budget;
use crate::{EntryKind, Error, FilePath, Reader, Result};

/// Total of a folder, including subfolders.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Weight {
    /// Number of files and symbolic links.
    pub files: u64,
    /// Their total size in bytes; for LFS files, the size of the LFS object.
    pub bytes: u64,
}

impl Weight {
    fn add(&mut self, other: Self) {
        self.files = self.files.saturating_add(other.files);
        self.bytes = self.bytes.saturating_add(other.bytes);
    }
}

/// Sizes of a folder and its subfolders.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Summary {
    /// The total of the folder.
    pub whole: Weight,
    /// The direct subfolders in git's order, each with its path and total.
    pub folders: Vec<(String, Weight)>,
}

/// A folder whose entries are being counted.
struct Open {
    id: ObjectId,
    rest: std::vec::IntoIter<(String, EntryMode, ObjectId)>,
    weight: Weight,
}

impl Reader {
    /// Computes the size of the folder at `path` (the root if `None`) in a commit or tree.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] if there is no such folder, [`Error::TooLarge`] beyond 500,000 entries of distinct
    /// folders or 64 MiB of their names. A folder that occurs many times is read once.
    pub fn summary(&self, revision: ObjectId, path: Option<&FilePath>) -> Result<Summary> {
        let root = self.folder(revision, path)?;
        let prefix = path.map(|path| format!("{path}/")).unwrap_or_default();
        let mut known = HashMap::new();
        let mut budget = Budget::default();
        let mut summary = Summary::default();
        for (path, mode, id) in self.raw_entries(root, &prefix, &mut budget)? {
            let weight = self.weigh(mode, id, &mut known, &mut budget)?;
            summary.whole.add(weight);
            if mode.is_tree() {
                summary.folders.push((path, weight));
            }
        }
        Ok(summary)
    }

    /// A stack instead of recursion: nested folders could overflow the call stack.
    fn weigh(
        &self,
        mode: EntryMode,
        id: ObjectId,
        known: &mut HashMap<ObjectId, Weight>,
        budget: &mut Budget,
    ) -> Result<Weight> {
        if !mode.is_tree() {
            return self.weigh_file(mode, id);
        }
        let mut open = |id| {
            let rest = self.raw_entries(id, "", budget)?.into_iter();
            Ok::<_, Error>(Open { id, rest, weight: Weight::default() })
        };
        if let Some(weight) = known.get(&id) {
            return Ok(*weight);
        }
        let mut stack = vec![open(id)?];
        loop {
            let Some(top) = stack.last_mut() else { return Ok(known.get(&id).copied().unwrap_or_default()) };
            match top.rest.next() {
                Some((_, mode, id)) if mode.is_tree() => match known.get(&id) {
                    Some(weight) => top.weight.add(*weight),
                    None => stack.push(open(id)?),
                },
                Some((_, mode, id)) => {
                    let weight = self.weigh_file(mode, id)?;
                    top.weight.add(weight);
                }
                None => {
                    let (id, weight) = (top.id, top.weight);
                    known.insert(id, weight);
                    stack.pop();
                    if let Some(above) = stack.last_mut() {
                        above.weight.add(weight);
                    }
                }
            }
        }
    }

    fn weigh_file(&self, mode: EntryMode, id: ObjectId) -> Result<Weight> {
        if EntryKind::of(mode) == EntryKind::Submodule {
            return Ok(Weight::default());
        }
        let pointer = if EntryKind::of(mode).is_file() { self.pointer(id)? } else { None };
        let bytes = if let Some(pointer) = pointer {
            pointer.size
        } else {
            self.meter.object()?;
            self.repository.find_header(id)?.size()
        };
        Ok(Weight { files: 1, bytes })
    }
}
