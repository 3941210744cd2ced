//! Dry run of a changeset.

use gix::{ObjectId, objs::Write as _};

use super::{Changeset, Edit, EditError, TreeBuilder, tree::Objects};
use crate::{Error, Reader, Result};

impl Reader {
    /// Builds the tree that `changes` would produce, and a reader for it that also sees the new objects,
    /// which are kept in memory. Returns `None` if the tree stays the same.
    ///
    /// # Errors
    ///
    /// Those of [`Reader::commit_edits`] that concern the branch and the edits.
    pub fn dry_run(&self, changes: &Changeset) -> Result<Option<(Self, ObjectId)>, EditError> {
        let (_, tree, objects) = match self.build_tree(changes) {
            Err(EditError { error: Error::Unchanged, .. }) => return Ok(None),
            built => built?,
        };
        Ok(Some((self.seeing(tree, objects)?, tree)))
    }

    /// Builds the tree of a commit or tree with these edits, and a reader for it, as [`Reader::dry_run`] does.
    pub(crate) fn with_edits(&self, revision: ObjectId, edits: &[Edit]) -> Result<(Self, ObjectId)> {
        let builder = TreeBuilder::of(self, Some(self.tree_of(revision)?), edits).map_err(|flaw| flaw.error)?;
        let (tree, objects) = builder.end()?;
        Ok((self.seeing(tree, objects)?, tree))
    }

    /// Returns a reader that also sees the objects that were made for a tree.
    fn seeing(&self, tree: ObjectId, objects: Objects<'_>) -> Result<Self> {
        let mut repository = self.repository.clone().with_object_memory();
        // The object cache is shared with other readers, which must not see objects that are never written.
        repository.objects.unset_object_cache();
        for object in objects.into_reachable(tree)? {
            repository
                .objects
                .write_buf(object.kind, &object.data)
                .map_err(|error| Error::Internal(error.to_string()))?;
        }
        Ok(Self::new(repository, self.state_shared()).watched(self.meter.watch()))
    }
}
