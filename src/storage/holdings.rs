//! What a dataset holds, listed, and let go of at once.

use lfs::Oid;

use super::Storage;
use crate::access::{Grant, Own, Read, Write};
use crate::db::{oid, unsigned};
use crate::error::Result;
use crate::types::Millis;

/// In milliseconds.
const DAY: i64 = 86_400_000;

/// An object that a dataset holds.
#[derive(Debug, Clone, Copy)]
pub struct Holding {
    /// The object.
    pub oid: Oid,
    /// In bytes.
    pub size: u64,
    /// Since when the dataset holds it.
    pub since: Millis,
}

impl Storage {
    /// Up to `limit` of the objects that a dataset holds, by oid, behind the given one. Some of them may be in no
    /// revision: whoever may write sees what was uploaded.
    pub async fn holdings(&self, grant: &Grant<Write>, after: Option<Oid>, limit: usize) -> Result<Vec<Holding>> {
        let after = after.map(|oid| oid.to_string()).unwrap_or_default();
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let rows = self.0.db.read().await?.holdings_after(grant.id(), &after, limit).await?;
        rows.iter()
            .map(|row| Ok(Holding { oid: oid(&row.oid)?, size: unsigned(row.size), since: row.created_at }))
            .collect()
    }

    /// How much a dataset held at the end of each day on which something came that it holds today: midnight in UTC at
    /// which the day began, and bytes.
    pub async fn growth(&self, grant: &Grant<Read>) -> Result<Vec<(Millis, u64)>> {
        let gains = self.0.db.read().await?.gains(grant.id()).await?;
        let mut bytes = 0;
        let days = gains.into_iter().map(|(day, gain)| {
            bytes += unsigned(gain);
            (Millis(day * DAY), bytes)
        });
        Ok(days.collect())
    }

    /// Takes objects away from a dataset, without the wait of a collection, if its repository still is at this
    /// generation; those that it does not hold are passed over. Their bytes go like those of everything that is
    /// released, and until then the operator can undo it.
    ///
    /// Gives `false` if it is at another one: then somebody may have begun to name them.
    pub async fn let_go(&self, grant: &Grant<Own>, generation: u64, oids: &[Oid]) -> Result<bool> {
        let (repo, now) = (grant.id(), self.0.clock.now());
        let mut tx = self.0.db.write().await?;
        // From here on nobody comes to name them: who has looked already is refused by the epoch.
        if unsigned(tx.lock_repo(repo).await?.generation) != generation {
            return Ok(false);
        }
        tx.set_unused(repo, oids, Some(now)).await?;
        let (objects, bytes) = tx.release(repo, oids, now, now).await?;
        if objects > 0 {
            tx.add_usage(repo, -bytes, -objects).await?;
            tx.raise_epoch(repo).await?;
            let (id, actor, request) = (self.0.clock.id(), grant.actor().key(), crate::request::id());
            let detail = format!("{objects} objects, {bytes} bytes");
            tx.insert_audit(id, now, &actor, "dataset.release", &grant.path(), &detail, &request).await?;
            tx.commit().await?;
        }
        Ok(true)
    }
}
