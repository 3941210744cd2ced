//! How much datasets hold, and how much they may. What a dataset holds is counted by the transaction that
//! changes it.

use lfs::Oid;
use sqlx::FromRow;

#[cfg(doc)]
use super::datasets::DatasetRow;
use super::objects::Arrival;
use super::{Tx, exec, run, signed};
use crate::error::{Error, Result};
use crate::types::{Id, OwnerKind};

/// In the columns of quotas: no bound, whatever the configuration says.
pub const BOUNDLESS: i64 = -1;

/// A dataset, or an owner without any, and how much it holds and may hold.
#[derive(Debug, Clone, FromRow)]
pub struct UsageRow {
    /// Its owner.
    pub owner_name: String,
    /// User or organisation.
    #[sqlx(try_from = "String")]
    pub owner_kind: OwnerKind,
    /// As in [`DatasetRow`].
    pub owner_quota_bytes: Option<i64>,
    /// Of the dataset.
    pub id: Option<String>,
    /// Likewise.
    pub name: Option<String>,
    /// As in [`DatasetRow`].
    pub quota_bytes: Option<i64>,
    /// How much it holds.
    pub bytes: i64,
    /// How many objects.
    pub objects: i64,
}

impl Tx {
    /// Counts what a dataset holds more, or less.
    pub async fn add_usage(&mut self, repo: Id, bytes: i64, objects: i64) -> Result<()> {
        let query = "INSERT INTO usage (repo_id, bytes, objects) VALUES ($1, $2, $3)
                     ON CONFLICT (repo_id) DO UPDATE
                     SET bytes = usage.bytes + excluded.bytes, objects = usage.objects + excluded.objects";
        exec!(self, sqlx::query(query).bind(repo.to_string()).bind(bytes).bind(objects))?;
        Ok(())
    }

    /// Holds off others who would add to what an owner's datasets hold, until the transaction ends.
    ///
    /// Taken before any row of an object, and in the order of ids where there are several.
    pub async fn lock_usage(&mut self, owner: Id) -> Result<()> {
        // A SQLite writer is alone already.
        if matches!(self, Self::Postgres(_)) {
            // Not FOR UPDATE: that would also hold off new datasets.
            let query = "SELECT 1 FROM owner WHERE id = $1 FOR NO KEY UPDATE";
            exec!(self, sqlx::query(query).bind(owner.to_string()))?;
        }
        Ok(())
    }

    /// How many bytes a dataset holds, and how many all datasets of an owner, if one is asked for.
    pub async fn used(&mut self, repo: Id, owner: Option<Id>) -> Result<(i64, i64)> {
        let query = "SELECT CAST(COALESCE((SELECT bytes FROM usage WHERE repo_id = $1), 0) AS BIGINT),
                            CAST(COALESCE((SELECT SUM(u.bytes) FROM dataset d JOIN usage u ON u.repo_id = d.id
                                           WHERE d.owner_id = $2), 0) AS BIGINT)";
        let owner = owner.map(|owner| owner.to_string()).unwrap_or_default();
        Ok(run!(self, on => sqlx::query_as(query).bind(repo.to_string()).bind(owner).fetch_one(on))?)
    }

    /// What a dataset holds: bytes and objects.
    pub async fn usage_of(&mut self, repo: Id) -> Result<(i64, i64)> {
        let query = "SELECT bytes, objects FROM usage WHERE repo_id = $1";
        let found = run!(self, on => sqlx::query_as(query).bind(repo.to_string()).fetch_optional(on))?;
        Ok(found.unwrap_or_default())
    }

    /// How many bytes came to a dataset on each day, of those that it holds now: days since the epoch in UTC, in order.
    pub async fn gains(&mut self, repo: Id) -> Result<Vec<(i64, i64)>> {
        let query = "SELECT h.created_at / 86400000 AS day, CAST(SUM(o.size) AS BIGINT)
                     FROM holding h JOIN object o ON o.store = h.store AND o.oid = h.oid
                     WHERE h.repo_id = $1 AND h.released_at IS NULL GROUP BY h.created_at / 86400000 ORDER BY 1";
        Ok(run!(self, on => sqlx::query_as(query).bind(repo.to_string()).fetch_all(on))?)
    }

    /// Of these objects, those that are counted as the dataset's, in use or not, each with its bytes.
    pub async fn counted(&mut self, repo: Id, oids: &[Oid]) -> Result<Vec<(String, i64)>> {
        let query = match self {
            Self::Sqlite(_) => {
                "SELECT h.oid, o.size FROM holding h JOIN object o ON o.store = h.store AND o.oid = h.oid
                 WHERE h.repo_id = $1 AND h.oid IN (SELECT value FROM json_each($2)) AND h.released_at IS NULL"
            }
            Self::Postgres(_) => {
                "SELECT h.oid, o.size FROM holding h JOIN object o ON o.store = h.store AND o.oid = h.oid
                 WHERE h.repo_id = $1 AND h.oid IN (SELECT json_array_elements_text($2::json))
                 AND h.released_at IS NULL"
            }
        };
        let names: Vec<String> = oids.iter().map(ToString::to_string).collect();
        let names = serde_json::to_string(&names).map_err(Error::internal)?;
        Ok(run!(self, on => sqlx::query_as(query).bind(repo.to_string()).bind(names).fetch_all(on))?)
    }

    /// Counts an object anew for all who hold it, before it gets another size than was believed: only
    /// bytes that nobody has proven can have had a wrong one.
    pub async fn resize(&mut self, arrival: &Arrival) -> Result<()> {
        let query = "UPDATE usage SET bytes = bytes + $3 - COALESCE((
                         SELECT size FROM object
                         WHERE store = $1 AND oid = $2 AND (state <> 'ready' OR orphaned_at IS NOT NULL)), $3)
                     WHERE repo_id IN (
                         SELECT repo_id FROM holding WHERE store = $1 AND oid = $2 AND released_at IS NULL)";
        let size = signed(arrival.size);
        exec!(self, sqlx::query(query).bind(&arrival.store).bind(arrival.oid.to_string()).bind(size))?;
        Ok(())
    }

    /// Counts what a dataset holds anew. Gives by how many bytes and objects the count was wrong.
    pub async fn recount(&mut self, repo: Id) -> Result<(i64, i64)> {
        // From here on, who changes what the dataset holds waits to count it.
        self.add_usage(repo, 0, 0).await?;
        let query = "SELECT CAST(COALESCE(SUM(o.size), 0) - MAX(u.bytes) AS BIGINT), COUNT(o.oid) - MAX(u.objects)
                     FROM usage u
                     LEFT JOIN holding h ON h.repo_id = u.repo_id AND h.released_at IS NULL
                     LEFT JOIN object o ON o.store = h.store AND o.oid = h.oid
                     WHERE u.repo_id = $1";
        let (bytes, objects): (i64, i64) =
            run!(self, on => sqlx::query_as(query).bind(repo.to_string()).fetch_one(on))?;
        if (bytes, objects) != (0, 0) {
            self.add_usage(repo, bytes, objects).await?;
        }
        Ok((bytes, objects))
    }

    /// How much all datasets hold, by path; or those of one owner.
    pub async fn usage(&mut self, owner: Option<Id>) -> Result<Vec<UsageRow>> {
        let query = "SELECT o.name AS owner_name, o.kind AS owner_kind, o.quota_bytes AS owner_quota_bytes, d.id,
                            d.name, d.quota_bytes, COALESCE(u.bytes, 0) AS bytes, COALESCE(u.objects, 0) AS objects
                     FROM owner o LEFT JOIN dataset d ON d.owner_id = o.id LEFT JOIN usage u ON u.repo_id = d.id
                     WHERE $1 = '' OR o.id = $1 ORDER BY o.name, d.name";
        let owner = owner.map(|owner| owner.to_string()).unwrap_or_default();
        Ok(run!(self, on => sqlx::query_as(query).bind(owner).fetch_all(on))?)
    }

    /// Sets how many bytes a dataset may hold; as in [`DatasetRow`].
    pub async fn set_quota(&mut self, dataset: Id, bytes: Option<i64>) -> Result<()> {
        let query = "UPDATE dataset SET quota_bytes = $2 WHERE id = $1";
        exec!(self, sqlx::query(query).bind(dataset.to_string()).bind(bytes))?;
        Ok(())
    }

    /// Sets how many bytes all datasets of an owner may hold together; as in [`DatasetRow`].
    pub async fn set_owner_quota(&mut self, owner: Id, bytes: Option<i64>) -> Result<()> {
        let query = "UPDATE owner SET quota_bytes = $2 WHERE id = $1";
        exec!(self, sqlx::query(query).bind(owner.to_string()).bind(bytes))?;
        Ok(())
    }
}
