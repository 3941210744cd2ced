//! Reading a snapshot: revisions, commits, trees and blobs.

use std::sync::Arc;

use gix::ObjectId;

use crate::{Result, State};

/// A reader of one snapshot (or of one quarantine), for one blocking task.
pub struct Reader {
    pub(crate) repository: gix::Repository,
    pub(crate) state: Arc<State>,
}

impl Reader {
    pub(crate) fn new(repository: &gix::ThreadSafeRepository, state: Arc<State>) -> Self {
        let mut repository = repository.to_thread_local();
        // The folder never changes, so a missing object stays missing: never scan for new packs.
        repository.objects.refresh_never();
        Self { repository, state }
    }

    /// The refs and packs behind this reader.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// Whether the object is there.
    pub fn contains(&self, id: ObjectId) -> Result<bool> {
        Ok(self.repository.try_find_header(id)?.is_some())
    }
}
