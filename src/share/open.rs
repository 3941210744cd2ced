//! Opens share links.

use std::time::Duration;

use super::{ShareRow, Shares};
use crate::access::{Actor, share_links};
use crate::db::links::LinkRow;
use crate::error::{Error, Result};
use crate::types::{Millis, Secret, ShareRight};

/// Maximum lifetime of the bearer token of an opened link.
const OPENED_LINK_TTL: Duration = Duration::from_hours(1);

/// Minimum interval between updates of a link's last use.
const NOTED: Duration = Duration::from_mins(1);

/// The result of opening a link.
pub enum LinkOpened {
    /// The share, the bearer token for it, and its expiry time.
    Open(Box<ShareRow>, Secret, Millis),
    /// The password is missing or wrong.
    Locked,
}

impl Shares {
    /// Opens a link. `guess` is called before each password check, to count it against the rate limit. Checks have
    /// limited concurrency, and only those that run are counted, so that users who know the password do not block
    /// each other.
    ///
    /// The creator is notified if they wish so, unless `by` is the creator or the owner, or has it open already.
    ///
    /// # Errors
    /// Not found for every link that is not valid, with the same message; the errors of `guess`.
    pub async fn open(
        &self,
        by: &Actor,
        link: &Secret,
        password: Option<Secret>,
        guess: impl FnOnce() -> Result<()>,
    ) -> Result<LinkOpened> {
        let now = self.clock.now();
        let is_good = |found: &LinkRow| {
            found.expires_at.is_none_or(|end| end > now)
                && found.max_downloads.is_none_or(|most| found.downloads < most)
        };
        let hash = share_links::hash(link);
        let found =
            self.db.read().await?.shared_link(&hash).await?.filter(is_good).ok_or_else(share_links::link_not_found)?;
        if let Some(stored) = &found.password {
            let Some(password) = password else { return Ok(LinkOpened::Locked) };
            let _turn = self.checks.acquire().await.map_err(Error::internal)?;
            guess()?;
            if !share_links::verify_password(password, stored.clone()).await? {
                return Ok(LinkOpened::Locked);
            }
        }
        let mut tx = self.db.write().await?;
        // The link may have changed while its password was checked.
        let again = tx.shared_link(&hash).await?.filter(is_good).filter(|again| again.password == found.password);
        let again = again.ok_or_else(share_links::link_not_found)?;
        let share = tx.share_of_link(again.id).await?.ok_or_else(share_links::link_not_found)?;
        let bearer = share_links::bearer();
        let most = now.plus(OPENED_LINK_TTL);
        let ends = share.expires_at.map_or(most, |end| end.min(most));
        tx.insert_opening(&share_links::hash(&bearer), share.id, now, ends).await?;
        if share.right != ShareRight::Upload && !is_known(by, &share) {
            self.note_uses(&mut tx, share.id, share.right, 1).await?;
        }
        if again.last_used_at.is_none_or(|last| last < now.minus(NOTED)) {
            tx.touch_share(share.id, now).await?;
        }
        tx.commit().await?;
        Ok(LinkOpened::Open(Box::new(share), bearer, ends))
    }
}

/// Returns true if the actor is the creator of the link or the owner of the dataset, or has opened the link before and
/// renews its bearer token.
fn is_known(by: &Actor, share: &ShareRow) -> bool {
    let is_creator = by.user().is_some_and(|user| share.creator_id.as_ref() == Some(&user.to_string()));
    is_creator || by.has_open(share.id) || by.account().is_ok_and(|(_, name)| name == share.owner_name)
}
