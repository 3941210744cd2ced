//! Links are opened.

use std::time::Duration;

use super::{ShareRow, Shares};
use crate::access::links;
use crate::db::links::LinkRow;
use crate::error::{Error, Result};
use crate::types::{Millis, Secret};

/// For how long an opened link is good, at most.
const OPEN: Duration = Duration::from_hours(1);

/// How often it is written down that a link is opened.
const NOTED: Duration = Duration::from_mins(1);

/// What somebody finds behind a link.
pub enum Door {
    /// The share, what opens it from now on, and until when.
    Open(Box<ShareRow>, Secret, Millis),
    /// It needs a password, or another one.
    Locked,
}

impl Shares {
    /// Opens a link. `guess` is asked before a password is checked, and counts that: only as many are counted at one
    /// time as are checked, so that many who know the password do not keep each other out.
    ///
    /// # Errors
    /// Not found for every link that leads nowhere, in one sentence; those of `guess`.
    pub async fn open(
        &self,
        link: &Secret,
        password: Option<Secret>,
        guess: impl FnOnce() -> Result<()>,
    ) -> Result<Door> {
        let now = self.clock.now();
        let is_good = |found: &LinkRow| {
            found.expires_at.is_none_or(|end| end > now)
                && found.downloads_most.is_none_or(|most| found.downloads < most)
        };
        let hash = links::hash(link);
        let found = self.db.read().await?.shared_link(&hash).await?.filter(is_good).ok_or_else(links::dead)?;
        if let Some(stored) = &found.password {
            let Some(password) = password else { return Ok(Door::Locked) };
            let _turn = self.checks.acquire().await.map_err(Error::internal)?;
            guess()?;
            if !links::fits(password, stored.clone()).await? {
                return Ok(Door::Locked);
            }
        }
        let mut tx = self.db.write().await?;
        // It may have changed while its password was checked.
        let again = tx.shared_link(&hash).await?.filter(is_good).filter(|again| again.password == found.password);
        let again = again.ok_or_else(links::dead)?;
        let share = tx.share_of_link(again.id).await?.ok_or_else(links::dead)?;
        let bearer = links::bearer();
        let most = now.plus(OPEN);
        let ends = share.expires_at.map_or(most, |end| end.min(most));
        tx.insert_opening(&links::hash(&bearer), share.id, now, ends).await?;
        if again.last_used_at.is_none_or(|last| last < now.minus(NOTED)) {
            tx.touch_share(share.id, now).await?;
        }
        tx.commit().await?;
        Ok(Door::Open(Box::new(share), bearer, ends))
    }
}
