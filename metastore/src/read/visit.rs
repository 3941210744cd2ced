//! All that is below a folder, by name alone: nothing is looked at but the trees.

use gix::{ObjectId, bstr::ByteSlice as _, objs::TreeRefIter};

use super::LISTING_LIMIT;
use crate::{EntryKind, Error, FilePath, Reader, Result};

impl Reader {
    /// Tells of everything below the folder at `path` (the root if `None`) in a commit or tree, each folder before what
    /// it holds, until `tell` gives `false`.
    ///
    /// [`Error::NotFound`] if there is no such folder, [`Error::TooLarge`] beyond 500,000 entries.
    pub fn visit(
        &self,
        revision: ObjectId,
        path: Option<&FilePath>,
        tell: &mut dyn FnMut(&str, EntryKind, ObjectId) -> bool,
    ) -> Result<()> {
        let root = self.folder(revision, path)?;
        let mut folders = vec![(path.map(|path| format!("{path}/")).unwrap_or_default(), root)];
        let mut seen = 0;
        while let Some((prefix, tree)) = folders.pop() {
            let object = self.repository.find_tree(tree)?;
            let mut below = Vec::new();
            for entry in TreeRefIter::from_bytes(&object.data, gix::hash::Kind::Sha1) {
                let entry = entry?;
                seen += 1;
                if seen > LISTING_LIMIT {
                    return Err(Error::TooLarge(format!("more than {LISTING_LIMIT} entries")));
                }
                let path = format!("{prefix}{}", entry.filename.to_str_lossy());
                if !tell(&path, EntryKind::of(entry.mode), entry.oid.to_owned()) {
                    return Ok(());
                }
                if entry.mode.is_tree() {
                    below.push((format!("{path}/"), entry.oid.to_owned()));
                }
            }
            below.reverse();
            folders.append(&mut below);
        }
        Ok(())
    }
}
