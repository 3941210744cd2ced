//! Which datasets an actor can read, for lists of what is in many of them.

use std::collections::HashMap;

use crate::access::{Access, Actor};
use crate::error::Result;
use crate::types::RepoPath;

/// The datasets of one list, each of which is checked once.
pub(super) struct Readable<'a> {
    access: &'a Access,
    actor: &'a Actor,
    known: HashMap<(String, String), bool>,
}

impl<'a> Readable<'a> {
    pub(super) fn new(access: &'a Access, actor: &'a Actor) -> Self {
        Self { access, actor, known: HashMap::new() }
    }

    /// Returns true if the actor can read the dataset now.
    pub(super) async fn has(&mut self, owner: &str, name: &str) -> Result<bool> {
        let key = (owner.to_owned(), name.to_owned());
        if let Some(readable) = self.known.get(&key) {
            return Ok(*readable);
        }
        let readable = self.access.can_read(self.actor, &RepoPath::from_segments(owner, name)?).await?;
        self.known.insert(key, readable);
        Ok(readable)
    }
}
