//! Look-ups of many paths at once: each folder is read once, however many of the paths are in it.

use std::collections::HashMap;

use gix::{ObjectId, objs::TreeRefIter};

use crate::{EntryKind, FilePath, Reader, Result, Side};

/// Paths below a folder: the index of each, and what is left of it.
type Below<'p> = Vec<(usize, &'p str)>;

impl Reader {
    /// Returns the kind and object at each of these paths in a commit or tree, in the same order; `None` where nothing is.
    pub fn sides(&self, revision: ObjectId, paths: &[FilePath]) -> Result<Vec<Option<Side>>> {
        let mut found = vec![None; paths.len()];
        let all: Below<'_> = paths.iter().map(FilePath::as_str).enumerate().collect();
        let mut folders = vec![(self.tree_of(revision)?, all)];
        while let Some((tree, wanted)) = folders.pop() {
            let mut by_name: HashMap<&str, Below<'_>> = HashMap::with_capacity(wanted.len());
            for (index, path) in wanted {
                let (name, rest) = path.split_once('/').unwrap_or((path, ""));
                by_name.entry(name).or_default().push((index, rest));
            }
            let object = self.load_tree(tree)?;
            for entry in TreeRefIter::from_bytes(&object.data, gix::hash::Kind::Sha1) {
                let entry = entry?;
                let Ok(name) = std::str::from_utf8(entry.filename) else { continue };
                let Some(wanted) = by_name.remove(name) else { continue };
                let (ends, below): (Below<'_>, Below<'_>) = wanted.into_iter().partition(|(_, rest)| rest.is_empty());
                let side = Side { kind: EntryKind::of(entry.mode), id: entry.oid.to_owned() };
                for (index, _) in ends {
                    found[index] = Some(side);
                }
                if side.kind == EntryKind::Folder && !below.is_empty() {
                    folders.push((side.id, below));
                }
                if by_name.is_empty() {
                    break;
                }
            }
        }
        Ok(found)
    }

    /// Returns the number of entries directly in a commit or tree.
    pub fn count_entries(&self, revision: ObjectId) -> Result<usize> {
        let object = self.load_tree(self.tree_of(revision)?)?;
        let mut entries = 0;
        for entry in TreeRefIter::from_bytes(&object.data, gix::hash::Kind::Sha1) {
            entry?;
            entries += 1;
        }
        Ok(entries)
    }
}
