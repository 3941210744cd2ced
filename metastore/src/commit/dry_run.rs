//! Dry run of a changeset.

use gix::{ObjectId, objs::Write as _};

use super::{Changeset, EditError, tree_builder::TreeBuilder};
use crate::{Error, Reader, Result};

impl Reader {
    /// Builds the tree that `changes` would produce, and a reader for it that also sees the new objects,
    /// which are kept in memory. Returns `None` if the tree stays the same.
    ///
    /// # Errors
    ///
    /// Those of [`Reader::commit_edits`] that concern the branch and the edits.
    pub fn dry_run(&self, changes: &Changeset) -> Result<Option<(Self, ObjectId)>, EditError> {
        let head = self.state().find(&changes.branch).map(|branch| branch.target);
        if changes.parent.is_some_and(|expected| expected != head) {
            return Err(Error::Conflict(format!(
                "{} was updated in the meantime; fetch first",
                changes.branch.short()
            ))
            .into());
        }
        let before = head.map(|head| Ok::<_, Error>(self.commit(head)?.tree)).transpose()?;
        let (tree, objects) = TreeBuilder::of(self, before, &changes.edits)?.end()?;
        if before.unwrap_or_else(|| ObjectId::empty_tree(gix::hash::Kind::Sha1)) == tree {
            return Ok(None);
        }
        let mut repository = self.repository.clone().with_object_memory();
        // The object cache is shared with other readers, which must not see objects that are never written.
        repository.objects.unset_object_cache();
        for object in objects.into_reachable(tree)? {
            repository
                .objects
                .write_buf(object.kind, &object.data)
                .map_err(|error| Error::Internal(error.to_string()))?;
        }
        Ok(Some((Self::new(repository, self.state_shared()).watched(self.meter.watch()), tree)))
    }
}
