//! Folder sizes: number of files and total bytes, including subfolders.

use std::collections::{HashMap, HashSet};

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

/// A folder whose entries are being read.
struct Open {
    id: ObjectId,
    rest: std::vec::IntoIter<(String, EntryMode, ObjectId)>,
    read: Folder,
}

/// The files and folders directly in a folder.
#[derive(Default)]
struct Folder {
    files: Vec<(EntryMode, ObjectId)>,
    folders: Vec<ObjectId>,
}

impl Reader {
    /// Computes the size of the folder at `path` (the root if `None`) in a commit or tree, if it has at most `most` entries;
    /// `None` for 500,000.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`](crate::Error::NotFound) if there is no such folder,
    /// [`Error::TooLarge`](crate::Error::TooLarge) beyond that many entries of distinct folders or 64 MiB of their names,
    /// before any file is looked up. A folder that occurs many times is read once.
    pub fn summary(&self, revision: ObjectId, path: Option<&FilePath>, most: Option<usize>) -> Result<Summary> {
        let root = self.folder(revision, path)?;
        let prefix = path.map(|path| format!("{path}/")).unwrap_or_default();
        let mut budget = most.map_or_else(Budget::default, Budget::of);
        let entries = self.raw_entries(root, &prefix, &mut budget)?;
        let below =
            self.folders_below(entries.iter().filter(|(_, mode, _)| mode.is_tree()).map(|(.., id)| *id), &mut budget)?;
        let mut known: HashMap<ObjectId, Weight> = HashMap::with_capacity(below.len());
        for (id, Folder { files, folders }) in below {
            let mut weight = Weight::default();
            for (mode, id) in files {
                weight.add(self.weigh_file(mode, id)?);
            }
            folders.iter().filter_map(|id| known.get(id)).for_each(|below| weight.add(*below));
            known.insert(id, weight);
        }
        let mut summary = Summary::default();
        for (path, mode, id) in entries {
            if mode.is_tree() {
                let weight = known.get(&id).copied().unwrap_or_default();
                summary.whole.add(weight);
                summary.folders.push((path, weight));
            } else {
                summary.whole.add(self.weigh_file(mode, id)?);
            }
        }
        Ok(summary)
    }

    /// Reads these folders and all below them, each once; the folders in a folder come before it.
    fn folders_below(
        &self,
        roots: impl Iterator<Item = ObjectId>,
        budget: &mut Budget,
    ) -> Result<Vec<(ObjectId, Folder)>> {
        let mut open = |id| {
            let rest = self.raw_entries(id, "", budget)?.into_iter();
            Ok::<_, Error>(Open { id, rest, read: Folder::default() })
        };
        let (mut found, mut seen) = (Vec::new(), HashSet::new());
        for root in roots {
            if !seen.insert(root) {
                continue;
            }
            // A stack instead of recursion: nested folders could overflow the call stack.
            let mut stack = vec![open(root)?];
            while let Some(top) = stack.last_mut() {
                match top.rest.next() {
                    Some((_, mode, id)) if mode.is_tree() => {
                        top.read.folders.push(id);
                        if seen.insert(id) {
                            stack.push(open(id)?);
                        }
                    }
                    Some((_, mode, id)) => top.read.files.push((mode, id)),
                    None => found.extend(stack.pop().map(|Open { id, read, .. }| (id, read))),
                }
            }
        }
        Ok(found)
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
