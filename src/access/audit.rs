//! Audit events and usage records that requests queue, to be written in the background.

use std::collections::HashMap;
use std::time::Duration;

use tokio::sync::mpsc;

use super::{Access, Actor};
use crate::error::{Error, Kind, Result};
use crate::types::{Id, Millis, RepoPath};

/// Maximum number of denied requests per actor and minute that are audited: enough to see an attack, too few to fill
/// the disk.
const REFUSALS: u32 = 30;
const MINUTE: u64 = 60;

/// An event to be written in the background.
pub enum AuditEvent {
    /// A token was used.
    Used(Id),
    /// A session was used.
    Seen(Id),
    /// An installed app was used.
    AppUsed(Id),
    /// A share gave access.
    Shared(Id),
    /// A download through a link without a download limit.
    Downloaded {
        /// Hash of the bearer token.
        opening: String,
        /// Id of the share.
        share: Id,
        /// Hash of the downloaded paths.
        subject: String,
    },
    /// An authenticated actor was denied access.
    Refused {
        /// Key of the actor.
        actor: String,
        /// Right that was requested.
        right: &'static str,
        /// Path of the dataset, or what else was requested.
        path: String,
        /// Id of the request.
        request: String,
    },
}

/// Rate limit of audited denials: counts them per actor and minute.
#[derive(Default)]
pub struct AuditRateLimit {
    minute: u64,
    counts: HashMap<String, u32>,
}

impl AuditRateLimit {
    /// Returns true if this denial should be audited.
    pub fn admits(&mut self, actor: &str, now: Millis) -> bool {
        let minute = now.seconds() / MINUTE;
        if self.minute != minute {
            self.minute = minute;
            self.counts.clear();
        }
        let count = self.counts.entry(actor.to_owned()).or_default();
        *count += 1;
        if *count == REFUSALS + 1 {
            tracing::warn!(actor, "too many denied requests from one actor; the rest of this minute is not audited");
        }
        *count <= REFUSALS
    }
}

/// Queues events. If the queue is full the event is dropped; the request is never delayed.
#[derive(Clone)]
pub(super) struct AuditSender(pub(super) mpsc::Sender<AuditEvent>);

impl AuditSender {
    pub(super) fn used(&self, token: Id) {
        let _ = self.0.try_send(AuditEvent::Used(token));
    }

    pub(super) fn seen(&self, session: Id) {
        let _ = self.0.try_send(AuditEvent::Seen(session));
    }

    pub(super) fn app_used(&self, install: Id) {
        let _ = self.0.try_send(AuditEvent::AppUsed(install));
    }

    pub(super) fn shared(&self, share: Id) {
        let _ = self.0.try_send(AuditEvent::Shared(share));
    }

    pub(super) fn downloaded(&self, opening: String, share: Id, subject: String) {
        let _ = self.0.try_send(AuditEvent::Downloaded { opening, share, subject });
    }

    /// Queues a denial for the audit trail, and returns the error. Anonymous denials are not recorded: anyone could
    /// fill the disk with them.
    pub(super) fn refused(&self, actor: &Actor, right: &'static str, path: &RepoPath, refusal: Error) -> Error {
        self.refused_what(actor, right, path, refusal)
    }

    /// Like `refused`, for something other than a dataset.
    pub(super) fn refused_what(
        &self,
        actor: &Actor,
        right: &'static str,
        what: &(impl ToString + ?Sized),
        refusal: Error,
    ) -> Error {
        if matches!(refusal.kind(), Kind::Forbidden | Kind::NotFound) && !actor.is_anonymous() {
            let (actor, path, request) = (actor.key(), what.to_string(), crate::request::id());
            let _ = self.0.try_send(AuditEvent::Refused { actor, right, path, request });
        }
        refusal
    }
}

impl Access {
    /// Deletes denials older than this from the audit trail.
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
    fn audit_entries_are_limited_per_actor() {
        let mut quota = AuditRateLimit::default();
        let now = Millis(600_000);
        let admitted = (0..1000).filter(|_| quota.admits("user:a", now)).count();
        assert_eq!(admitted, 30);
        assert!(quota.admits("user:b", now));
        assert!(!quota.admits("user:a", Millis(659_999)));
        assert!(quota.admits("user:a", Millis(660_000)), "a new minute");
    }
}
