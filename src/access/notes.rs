//! What requests leave behind to be written down soon, off their path.

use std::collections::HashMap;
use std::time::Duration;

use tokio::sync::mpsc;

use super::{Access, Actor};
use crate::error::{Error, Kind, Result};
use crate::types::{Id, Millis, RepoPath};

/// How many refusals of one actor are written down in a minute: enough to see what somebody tries,
/// too few to fill the disk.
const REFUSALS: u32 = 30;
const MINUTE: u64 = 60;

/// Something to be written down soon, off the path of the request.
pub enum Note {
    /// A token was used.
    Used(Id),
    /// A session was used.
    Seen(Id),
    /// Somebody was let in by a share.
    Shared(Id),
    /// Somebody who opened a link without a maximum downloaded something.
    Downloaded {
        /// The hash of what opens it.
        opening: String,
        /// The link.
        share: Id,
        /// What: the hash of the paths.
        subject: String,
    },
    /// Somebody known was refused.
    Refused {
        /// Who.
        actor: String,
        /// What.
        right: &'static str,
        /// On what.
        path: String,
        /// In which request.
        request: String,
    },
}

/// Counts the refusals of each actor in a minute.
#[derive(Default)]
pub struct RefusalQuota {
    minute: u64,
    counts: HashMap<String, u32>,
}

impl RefusalQuota {
    /// Whether this refusal is to be written down.
    pub fn admits(&mut self, actor: &str, now: Millis) -> bool {
        let minute = now.seconds() / MINUTE;
        if self.minute != minute {
            self.minute = minute;
            self.counts.clear();
        }
        let count = self.counts.entry(actor.to_owned()).or_default();
        *count += 1;
        if *count == REFUSALS + 1 {
            tracing::warn!(actor, "more refusals than are written down in a minute");
        }
        *count <= REFUSALS
    }
}

/// Takes notes. A full queue loses the note, never the request.
#[derive(Clone)]
pub(super) struct Notes(pub(super) mpsc::Sender<Note>);

impl Notes {
    pub(super) fn used(&self, token: Id) {
        let _ = self.0.try_send(Note::Used(token));
    }

    pub(super) fn seen(&self, session: Id) {
        let _ = self.0.try_send(Note::Seen(session));
    }

    pub(super) fn shared(&self, share: Id) {
        let _ = self.0.try_send(Note::Shared(share));
    }

    pub(super) fn downloaded(&self, opening: String, share: Id, subject: String) {
        let _ = self.0.try_send(Note::Downloaded { opening, share, subject });
    }

    /// Gives the refusal back. Nobody in particular is not worth a note:
    /// anybody could fill the disk.
    pub(super) fn refused(&self, actor: &Actor, right: &'static str, path: &RepoPath, refusal: Error) -> Error {
        self.refused_what(actor, right, path, refusal)
    }

    /// Likewise, where it is not about a dataset.
    pub(super) fn refused_what(
        &self,
        actor: &Actor,
        right: &'static str,
        what: &(impl ToString + ?Sized),
        refusal: Error,
    ) -> Error {
        if matches!(refusal.kind(), Kind::Forbidden | Kind::NotFound) && !actor.is_anonymous() {
            let (actor, path, request) = (actor.key(), what.to_string(), crate::request::id());
            let _ = self.0.try_send(Note::Refused { actor, right, path, request });
        }
        refusal
    }
}

impl Access {
    /// Removes refusals of longer ago than this from the audit trail.
    pub async fn forget_refusals(&self, age: Duration) -> Result<()> {
        let before = self.clock.now().minus(age);
        let mut tx = self.db.write_long().await?;
        tx.forget_refusals(before).await?;
        tx.commit().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_actor_cannot_fill_the_disk_and_does_not_hide_another() {
        let mut quota = RefusalQuota::default();
        let now = Millis(600_000);
        let admitted = (0..1000).filter(|_| quota.admits("user:a", now)).count();
        assert_eq!(admitted, 30);
        assert!(quota.admits("user:b", now));
        assert!(!quota.admits("user:a", Millis(659_999)));
        assert!(quota.admits("user:a", Millis(660_000)), "a new minute");
    }
}
