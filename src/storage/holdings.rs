//! Listing and deleting the objects that a dataset holds.

use lfs::Oid;

use super::Storage;
use crate::access::{DatasetGrant, Own, Read, Write};
use crate::db::{oid, unsigned};
use crate::error::Result;
use crate::types::Millis;

/// One day in milliseconds.
const DAY: i64 = 86_400_000;

/// An object that a dataset holds.
#[derive(Debug, Clone, Copy)]
pub struct Holding {
    /// Its oid.
    pub oid: Oid,
    /// Size in bytes.
    pub size: u64,
    /// Time at which the dataset received it.
    pub since: Millis,
}

impl Storage {
    /// Returns up to `limit` of the objects that a dataset holds, ordered by oid, after the given one. Some may be in
    /// no revision, so write access is required.
    pub async fn holdings(
        &self,
        grant: &DatasetGrant<Write>,
        after: Option<Oid>,
        limit: usize,
    ) -> Result<Vec<Holding>> {
        let after = after.map(|oid| oid.to_string()).unwrap_or_default();
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let rows = self.0.db.read().await?.holdings_after(grant.id(), &after, limit).await?;
        rows.iter()
            .map(|row| Ok(Holding { oid: oid(&row.oid)?, size: unsigned(row.size), since: row.created_at }))
            .collect()
    }

    /// Returns how the storage of a dataset grew, counting the objects that it holds today: for each day with new
    /// objects, midnight (UTC) at its beginning and the total bytes at its end.
    pub async fn growth(&self, grant: &DatasetGrant<Read>) -> Result<Vec<(Millis, u64)>> {
        let gains = self.0.db.read().await?.gains(grant.id()).await?;
        let mut bytes = 0;
        let days = gains.into_iter().map(|(day, gain)| {
            bytes += unsigned(gain);
            (Millis(day * DAY), bytes)
        });
        Ok(days.collect())
    }

    /// Deletes objects from a dataset without the grace period of garbage collection, if its repository is still at
    /// this generation; objects that it does not hold are ignored. Their bytes are deleted like those of any released
    /// object; until then the operator can undo it.
    ///
    /// Returns `false` if the repository has changed: then a new revision may refer to them.
    pub async fn delete_unreferenced(&self, grant: &DatasetGrant<Own>, generation: u64, oids: &[Oid]) -> Result<bool> {
        let (repo, now) = (grant.id(), self.0.clock.now());
        let mut tx = self.0.db.write().await?;
        // From here on no push can start to refer to them; one that has checked them already is refused because of the
        // epoch.
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
            tx.insert_audit(id, now, &actor, "dataset.release", &grant.full_name(), &detail, &request).await?;
            tx.commit().await?;
        }
        Ok(true)
    }
}
