//! Stars: users mark datasets to find them again. Everyone who can read a dataset sees how many users have starred it.

use super::Datasets;
use crate::access::{DatasetGrant, ParticipantGrant, Read};
use crate::db::unsigned;
use crate::error::{Error, Result};
use crate::types::{OWN_DRIVE, OwnerKind};

/// Maximum number of datasets that a user can star.
const STARRED: i64 = 10_000;

/// The stars of a dataset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stars {
    /// Number of users who have starred it.
    pub count: u64,
    /// True if the actor has starred it.
    pub is_own: bool,
}

impl Datasets {
    /// Stars the dataset, or removes the star.
    ///
    /// # Errors
    /// Invalid for a drive; conflict for too many starred datasets.
    pub async fn set_star(&self, by: &ParticipantGrant, is_starred: bool) -> Result<()> {
        let (user, dataset) = (by.user(), by.grant().dataset());
        if is_starred && dataset.owner_kind == OwnerKind::User && dataset.name == OWN_DRIVE {
            return Err(Error::invalid("a drive cannot be starred; star a dataset"));
        }
        let mut tx = self.db.write().await?;
        if is_starred && tx.starred_count(user).await? >= STARRED {
            return Err(Error::conflict(format!("you can star at most {STARRED} datasets; remove other stars first")));
        }
        tx.set_star(user, dataset.id, is_starred, self.clock.now()).await?;
        tx.commit().await
    }

    /// Returns the stars of a dataset.
    pub async fn stars(&self, grant: &DatasetGrant<Read>) -> Result<Stars> {
        let (count, is_own) = self.db.read().await?.stars(grant.id(), grant.actor().user()).await?;
        Ok(Stars { count: unsigned(count), is_own })
    }
}
