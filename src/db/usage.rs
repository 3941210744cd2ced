//! Storage usage and quotas. The usage of a dataset is updated in the transaction that changes it.

use lfs::Oid;
use sqlx_macros::FromRow;

#[cfg(doc)]
use super::datasets::DatasetRow;
use super::objects::NewObject;
use super::query::{query, query_scalar};
use super::{Tx, listed, signed};
use crate::error::Result;
use crate::types::{Id, OwnerKind};

/// In quota columns: unlimited, whatever the configuration says.
pub const BOUNDLESS: i64 = -1;

/// Usage and quota of a dataset, or of an owner without datasets.
#[derive(Debug, Clone, FromRow)]
pub struct UsageRow {
    /// Name of the owner.
    pub owner_name: String,
    /// User or organisation.
    pub owner_kind: OwnerKind,
    /// Quota of the owner in bytes; as in [`DatasetRow`].
    pub owner_quota_bytes: Option<i64>,
    /// Id of the dataset.
    pub id: Option<String>,
    /// Name of the dataset.
    pub name: Option<String>,
    /// Quota of the dataset in bytes; as in [`DatasetRow`].
    pub quota_bytes: Option<i64>,
    /// Total size in bytes: objects and git packs.
    pub bytes: i64,
    /// Size of the packs in bytes.
    pub git_bytes: i64,
    /// Number of objects.
    pub objects: i64,
}

/// Usage of a dataset and of all datasets of an owner, in bytes of objects and packs.
#[derive(Debug, Clone, Copy, FromRow)]
pub struct CountsRow {
    /// Usage of the dataset.
    pub held: i64,
    /// Bytes of packs in the dataset that were accepted above the quota.
    pub above: i64,
    /// Usage of all datasets of the owner.
    pub all_held: i64,
    /// Bytes of packs in all datasets of the owner that were accepted above the quota.
    pub all_above: i64,
}

/// Bytes reserved for running uploads.
#[derive(Debug, Clone, Copy, FromRow)]
pub struct ReservedRow {
    /// Reserved in the dataset.
    pub reserved: i64,
    /// Reserved in all datasets of the owner.
    pub all_reserved: i64,
}

impl Tx {
    /// Adds to the usage of a dataset; negative values subtract.
    pub async fn add_usage(&mut self, repo: Id, bytes: i64, objects: i64) -> Result<()> {
        let sql = "INSERT INTO usage (repo_id, bytes, objects) VALUES ($1, $2, $3)
                   ON CONFLICT (repo_id) DO UPDATE
                   SET bytes = usage.bytes + excluded.bytes, objects = usage.objects + excluded.objects";
        query(sql).bind(repo).bind(bytes).bind(objects).execute(self).await?;
        Ok(())
    }

    /// Locks the usage of an owner's datasets until the transaction ends, so that others cannot add to it.
    ///
    /// Must be taken before any row of an object, and in the order of ids if there are several owners.
    pub async fn lock_usage(&mut self, owner: Id) -> Result<()> {
        // On SQLite there is only one writer.
        if matches!(self, Self::Postgres(_)) {
            // Not FOR UPDATE: that would also block new datasets.
            let sql = "SELECT 1 FROM owner WHERE id = $1 FOR NO KEY UPDATE";
            query(sql).bind(owner).execute(self).await?;
        }
        Ok(())
    }

    /// Adds to the bytes of a dataset's packs; negative values subtract.
    pub async fn add_git_bytes(&mut self, repo: Id, bytes: i64) -> Result<()> {
        let sql = "INSERT INTO usage (repo_id, bytes, objects, git_bytes) VALUES ($1, 0, 0, $2)
                   ON CONFLICT (repo_id) DO UPDATE SET git_bytes = usage.git_bytes + excluded.git_bytes";
        query(sql).bind(repo).bind(bytes).execute(self).await?;
        Ok(())
    }

    /// Sets how many bytes of a dataset's packs were accepted above the quota.
    pub async fn set_above_bytes(&mut self, repo: Id, bytes: i64) -> Result<()> {
        let sql = "UPDATE usage SET above_bytes = $2 WHERE repo_id = $1";
        query(sql).bind(repo).bind(bytes).execute(self).await?;
        Ok(())
    }

    /// Returns the usage of a dataset, and of all datasets of an owner, if one is given.
    pub async fn used(&mut self, repo: Id, owner: Option<Id>) -> Result<CountsRow> {
        let sql = "SELECT CAST(COALESCE(SUM(CASE WHEN d.id = $1 THEN u.bytes + u.git_bytes END), 0) AS BIGINT) AS held,
                    CAST(COALESCE(SUM(CASE WHEN d.id = $1 THEN u.above_bytes END), 0) AS BIGINT) AS above,
                    CAST(COALESCE(SUM(u.bytes + u.git_bytes), 0) AS BIGINT) AS all_held,
                    CAST(COALESCE(SUM(u.above_bytes), 0) AS BIGINT) AS all_above
             FROM (SELECT CAST($1 AS TEXT) AS id UNION SELECT id FROM dataset WHERE owner_id = $2) d
             JOIN usage u ON u.repo_id = d.id";
        let owner = owner.map(|owner| owner.to_string()).unwrap_or_default();
        Ok(query(sql).bind(repo).bind(owner).fetch_one(self).await?)
    }

    /// Returns the bytes reserved for uploads to a dataset, and to all datasets of an owner, if one is given.
    pub async fn reserved(&mut self, repo: Id, owner: Option<Id>) -> Result<ReservedRow> {
        let sql = "WITH d AS (SELECT CAST($1 AS TEXT) AS id UNION SELECT id FROM dataset WHERE owner_id = $2)
                   SELECT CAST(COALESCE(SUM(CASE WHEN s.repo_id = $1 THEN s.size END), 0) AS BIGINT) AS reserved,
                          CAST(COALESCE(SUM(s.size), 0) AS BIGINT) AS all_reserved
                   FROM d JOIN upload_session s ON s.repo_id = d.id WHERE s.state = 'open'";
        let owner = owner.map(|owner| owner.to_string()).unwrap_or_default();
        Ok(query(sql).bind(repo).bind(owner).fetch_one(self).await?)
    }

    /// Returns the bytes reserved for these objects of a dataset. Each object can have one upload of each kind. Files do
    /// not count: whatever was announced, their content is known only at the end.
    pub async fn reserved_for(&mut self, repo: Id, oids: &[Oid]) -> Result<i64> {
        let sql = listed!(
            self,
            "SELECT CAST(COALESCE(SUM(size), 0) AS BIGINT) FROM upload_session
             WHERE repo_id = $1 AND path = '' AND state = 'open' AND oid",
            "$2",
            ""
        );
        let names = oids;
        Ok(query_scalar(sql).bind(repo).bind(names).fetch_one(self).await?)
    }

    /// Returns the usage of a dataset: bytes of objects and packs, and number of objects.
    pub async fn usage_of(&mut self, repo: Id) -> Result<(i64, i64)> {
        let sql = "SELECT bytes + git_bytes, objects FROM usage WHERE repo_id = $1";
        let found = query(sql).bind(repo).fetch_optional(self).await?;
        Ok(found.unwrap_or_default())
    }

    /// Returns the bytes added to a dataset per day, of objects that it still has: (days since the epoch in UTC,
    /// bytes), in order.
    pub async fn gains(&mut self, repo: Id) -> Result<Vec<(i64, i64)>> {
        let sql = "SELECT h.created_at / 86400000 AS day, CAST(SUM(o.size) AS BIGINT)
                   FROM holding h JOIN object o ON o.store = h.store AND o.oid = h.oid
                   WHERE h.repo_id = $1 AND h.released_at IS NULL GROUP BY h.created_at / 86400000 ORDER BY 1";
        Ok(query(sql).bind(repo).fetch_all(self).await?)
    }

    /// Returns those of the objects that count towards the dataset's usage, in use or not, with their sizes in
    /// bytes.
    pub async fn counted(&mut self, repo: Id, oids: &[Oid]) -> Result<Vec<(String, i64)>> {
        let sql = listed!(
            self,
            "SELECT h.oid, o.size FROM holding h JOIN object o ON o.store = h.store AND o.oid = h.oid
             WHERE h.repo_id = $1 AND h.released_at IS NULL AND h.oid",
            "$2",
            ""
        );
        let names = oids;
        Ok(query(sql).bind(repo).bind(names).fetch_all(self).await?)
    }

    /// Updates the usage of all datasets that hold an object before its recorded size changes: only unverified
    /// objects can have had a wrong size.
    pub async fn resize(&mut self, arrival: &NewObject) -> Result<()> {
        let sql = "UPDATE usage SET bytes = bytes + $3 - COALESCE((
                       SELECT size FROM object
                       WHERE store = $1 AND oid = $2 AND (state <> 'ready' OR orphaned_at IS NOT NULL)), $3)
                   WHERE repo_id IN (
                       SELECT repo_id FROM holding WHERE store = $1 AND oid = $2 AND released_at IS NULL)";
        let size = signed(arrival.size);
        query(sql).bind(&arrival.store).bind(arrival.oid).bind(size).execute(self).await?;
        Ok(())
    }

    /// Recomputes the usage of a dataset. Returns the corrections: bytes of objects, bytes of packs, number of
    /// objects.
    pub async fn recount(&mut self, repo: Id) -> Result<(i64, i64, i64)> {
        // From here on, concurrent changes of the usage wait for this transaction.
        self.add_usage(repo, 0, 0).await?;
        let sql = "SELECT CAST(COALESCE(SUM(o.size), 0) - MAX(u.bytes) AS BIGINT), COUNT(o.oid) - MAX(u.objects)
                   FROM usage u
                   LEFT JOIN holding h ON h.repo_id = u.repo_id AND h.released_at IS NULL
                   LEFT JOIN object o ON o.store = h.store AND o.oid = h.oid
                   WHERE u.repo_id = $1";
        let (bytes, objects): (i64, i64) = query(sql).bind(repo).fetch_one(self).await?;
        if (bytes, objects) != (0, 0) {
            self.add_usage(repo, bytes, objects).await?;
        }
        let sql = "SELECT CAST(COALESCE((SELECT SUM(p.pack_bytes) FROM git_pack p
                                         WHERE p.repo_id = $1 AND p.retired_at IS NULL), 0) - u.git_bytes AS BIGINT)
                   FROM usage u WHERE u.repo_id = $1";
        let git_bytes: i64 = query_scalar(sql).bind(repo).fetch_one(self).await?;
        if git_bytes != 0 {
            self.add_git_bytes(repo, git_bytes).await?;
        }
        Ok((bytes, git_bytes, objects))
    }

    /// Returns the usage of all datasets, by path, or of those of one owner.
    pub async fn usage(&mut self, owner: Option<Id>) -> Result<Vec<UsageRow>> {
        let sql = "SELECT o.name AS owner_name, o.kind AS owner_kind, o.quota_bytes AS owner_quota_bytes, d.id,
                          d.name, d.quota_bytes, COALESCE(u.bytes + u.git_bytes, 0) AS bytes,
                          COALESCE(u.git_bytes, 0) AS git_bytes, COALESCE(u.objects, 0) AS objects
                   FROM owner o LEFT JOIN dataset d ON d.owner_id = o.id LEFT JOIN usage u ON u.repo_id = d.id
                   WHERE $1 = '' OR o.id = $1 ORDER BY o.name, d.name";
        let owner = owner.map(|owner| owner.to_string()).unwrap_or_default();
        Ok(query(sql).bind(owner).fetch_all(self).await?)
    }

    /// Sets the quota of a dataset in bytes; as in [`DatasetRow`].
    pub async fn set_quota(&mut self, dataset: Id, bytes: Option<i64>) -> Result<()> {
        let sql = "UPDATE dataset SET quota_bytes = $2 WHERE id = $1";
        query(sql).bind(dataset).bind(bytes).execute(self).await?;
        Ok(())
    }

    /// Sets the quota of all datasets of an owner together, in bytes; as in [`DatasetRow`].
    pub async fn set_owner_quota(&mut self, owner: Id, bytes: Option<i64>) -> Result<()> {
        let sql = "UPDATE owner SET quota_bytes = $2 WHERE id = $1";
        query(sql).bind(owner).bind(bytes).execute(self).await?;
        Ok(())
    }
}
