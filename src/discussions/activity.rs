//! What happened in datasets: new versions and releases, and what users did in discussions; of one dataset, or of those that
//! concern a user.

use super::readable::Readable;
use super::{Discussions, count};
use crate::access::{Actor, DatasetGrant, Read};
pub use crate::db::activity::ActivityRow;
use crate::db::discussions::EventInsert;
use crate::error::Result;
use crate::types::{ActivityKind, DiscussionEventKind, DiscussionState, Id};

/// Maximum number of times that rows are read for one page, if the actor can read few of the datasets.
const ROUNDS: usize = 4;

impl Discussions {
    /// Returns what happened in the dataset, newest first, before the cursor, and the next cursor.
    pub async fn activity(
        &self,
        grant: &DatasetGrant<Read>,
        before: Option<Id>,
        limit: usize,
    ) -> Result<(Vec<ActivityRow>, Option<Id>)> {
        let mut rows = self.db.read().await?.activity(grant.id(), before, count(limit + 1)).await?;
        let next = rows.get(limit).is_some().then(|| rows[limit - 1].id);
        rows.truncate(limit);
        Ok((rows, next))
    }

    /// Returns what happened in the datasets that the actor owns, is a member of, follows or has starred, newest first, before
    /// the cursor, and the next cursor. Those that the actor cannot read now are left out, so that there may be fewer than
    /// `limit`.
    pub async fn activity_for(
        &self,
        actor: &Actor,
        before: Option<Id>,
        limit: usize,
    ) -> Result<(Vec<ActivityRow>, Option<Id>)> {
        let (user, _) = actor.account()?;
        let mut before = before;
        let mut readable = Readable::new(&self.access, actor);
        let mut seen = Vec::with_capacity(limit);
        for _ in 0..ROUNDS {
            let rows = self.db.read().await?.activity_for(user, before, count(limit)).await?;
            let is_last = rows.len() < limit;
            for row in rows {
                if seen.len() == limit {
                    return Ok((seen, before));
                }
                before = Some(row.id);
                if readable.has(&row.owner_name, &row.dataset_name).await? {
                    seen.push(row);
                }
            }
            if is_last {
                return Ok((seen, None));
            }
        }
        Ok((seen, before))
    }
}

/// Returns what an event in a discussion is in the activity of the dataset; `None` for what is not shown there.
pub(super) fn kind_of(event: &EventInsert<'_>) -> Option<ActivityKind> {
    match event.kind {
        DiscussionEventKind::Comment => Some(ActivityKind::Commented),
        DiscussionEventKind::State if event.after == Some(DiscussionState::Open.as_str()) => {
            Some(ActivityKind::Reopened)
        }
        DiscussionEventKind::State => Some(ActivityKind::Closed),
        DiscussionEventKind::Merge => Some(ActivityKind::Merged),
        DiscussionEventKind::Title | DiscussionEventKind::Branch => None,
    }
}
