//! Recursive listing of names: reads trees only.

use gix::{ObjectId, bstr::ByteSlice as _, objs::TreeRefIter};

use super::Budget;
use crate::{EntryKind, FilePath, Reader, Result};

impl Reader {
    /// Calls `tell` for everything below the folder at `path` (the root if `None`) in a commit or tree, each
    /// folder before its content, until it returns `false`.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`](crate::Error::NotFound) if there is no such folder,
    /// [`Error::TooLarge`](crate::Error::TooLarge) beyond 500,000 entries, or if the paths of the pending
    /// folders have more than 64 MiB.
    pub fn visit(
        &self,
        revision: ObjectId,
        path: Option<&FilePath>,
        tell: &mut dyn FnMut(&str, EntryKind, ObjectId) -> bool,
    ) -> Result<()> {
        let root = self.folder(revision, path)?;
        let prefix = path.map(|path| format!("{path}/")).unwrap_or_default();
        let mut budget = Budget::default();
        budget.hold(prefix.len())?;
        let mut folders = vec![(prefix, root)];
        while let Some((mut path, tree)) = folders.pop() {
            budget.release(path.len());
            let object = self.load_tree(tree)?;
            let mut below = Vec::new();
            let prefix = path.len();
            for entry in TreeRefIter::from_bytes(&object.data, gix::hash::Kind::Sha1) {
                let entry = entry?;
                budget.take(0)?;
                path.truncate(prefix);
                path.push_str(&entry.filename.to_str_lossy());
                if !tell(&path, EntryKind::of(entry.mode), entry.oid.to_owned()) {
                    return Ok(());
                }
                if entry.mode.is_tree() {
                    budget.hold(path.len() + 1)?;
                    below.push((format!("{path}/"), entry.oid.to_owned()));
                }
            }
            below.reverse();
            folders.append(&mut below);
        }
        Ok(())
    }

    /// Returns the paths of the first `most` files and symbolic links of a commit or tree, with their kinds
    /// and objects, in git's order.
    ///
    /// # Errors
    ///
    /// [`Error::TooLarge`](crate::Error::TooLarge) if their paths, or those of all folders on the way, have
    /// more than `bytes` bytes, or if a folder has more than 500,000 entries.
    pub fn paths(&self, revision: ObjectId, most: usize, bytes: usize) -> Result<Vec<(String, EntryKind, ObjectId)>> {
        let mut found = Vec::new();
        let mut budget = Budget::new(most, bytes);
        self.walk(self.tree_of(revision)?, "", true, &mut Budget::default(), &mut |path, mode, id| {
            if found.len() == most {
                return Ok(false);
            }
            budget.take(path.len())?;
            found.push((path, EntryKind::of(mode), id));
            Ok(true)
        })?;
        Ok(found)
    }
}
