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
    /// How much it holds: objects, and packs of git.
    pub bytes: i64,
    /// How much of that are packs.
    pub git_bytes: i64,
    /// How many objects.
    pub objects: i64,
}

/// What a dataset holds, and all datasets of an owner, in bytes of objects and packs.
#[derive(Debug, Clone, Copy, FromRow)]
pub struct CountsRow {
    /// The dataset.
    pub held: i64,
    /// Of that, packs that came although there was no room.
    pub above: i64,
    /// All datasets of the owner.
    pub all_held: i64,
    /// Likewise.
    pub all_above: i64,
}

/// What uploads under way are going to add, in bytes.
#[derive(Debug, Clone, Copy, FromRow)]
pub struct ReservedRow {
    /// To the dataset.
    pub reserved: i64,
    /// To all datasets of the owner.
    pub all_reserved: i64,
}

/// Where the bytes of an object were reserved while it was on its way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reservation {
    /// By the upload in parts of this id.
    Upload(String),
    /// By the file of this id that came through the server.
    Intake(String),
    /// By an upload straight to a bucket, to a place of this kind.
    Direct(&'static str),
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

    /// Counts bytes of packs that a dataset has more, or less.
    pub async fn add_git_bytes(&mut self, repo: Id, bytes: i64) -> Result<()> {
        let query = "INSERT INTO usage (repo_id, bytes, objects, git_bytes) VALUES ($1, 0, 0, $2)
                     ON CONFLICT (repo_id) DO UPDATE SET git_bytes = usage.git_bytes + excluded.git_bytes";
        exec!(self, sqlx::query(query).bind(repo.to_string()).bind(bytes))?;
        Ok(())
    }

    /// Notes how many bytes of a dataset's packs came although there was no room.
    pub async fn set_above_bytes(&mut self, repo: Id, bytes: i64) -> Result<()> {
        let query = "UPDATE usage SET above_bytes = $2 WHERE repo_id = $1";
        exec!(self, sqlx::query(query).bind(repo.to_string()).bind(bytes))?;
        Ok(())
    }

    /// What a dataset holds, and all datasets of an owner, if one is asked for.
    pub async fn used(&mut self, repo: Id, owner: Option<Id>) -> Result<CountsRow> {
        let query =
            "SELECT CAST(COALESCE(SUM(CASE WHEN d.id = $1 THEN u.bytes + u.git_bytes END), 0) AS BIGINT) AS held,
                    CAST(COALESCE(SUM(CASE WHEN d.id = $1 THEN u.above_bytes END), 0) AS BIGINT) AS above,
                    CAST(COALESCE(SUM(u.bytes + u.git_bytes), 0) AS BIGINT) AS all_held,
                    CAST(COALESCE(SUM(u.above_bytes), 0) AS BIGINT) AS all_above
             FROM (SELECT CAST($1 AS TEXT) AS id UNION SELECT id FROM dataset WHERE owner_id = $2) d
             JOIN usage u ON u.repo_id = d.id";
        let owner = owner.map(|owner| owner.to_string()).unwrap_or_default();
        Ok(run!(self, on => sqlx::query_as(query).bind(repo.to_string()).bind(owner).fetch_one(on))?)
    }

    /// What uploads under way are going to add to a dataset, and to all datasets of an owner, if one is asked for.
    pub async fn reserved(&mut self, repo: Id, owner: Option<Id>) -> Result<ReservedRow> {
        let query = "WITH d AS (SELECT CAST($1 AS TEXT) AS id UNION SELECT id FROM dataset WHERE owner_id = $2),
                     r AS (SELECT u.repo_id, u.reserved FROM d JOIN upload u ON u.repo_id = d.id
                           UNION ALL
                           SELECT i.repo_id, i.reserved FROM d JOIN intake i ON i.repo_id = d.id
                           UNION ALL
                           SELECT s.repo_id, s.size FROM d JOIN direct_upload s ON s.repo_id = d.id)
                     SELECT CAST(COALESCE(SUM(CASE WHEN repo_id = $1 THEN reserved END), 0) AS BIGINT) AS reserved,
                            CAST(COALESCE(SUM(reserved), 0) AS BIGINT) AS all_reserved
                     FROM r";
        let owner = owner.map(|owner| owner.to_string()).unwrap_or_default();
        Ok(run!(self, on => sqlx::query_as(query).bind(repo.to_string()).bind(owner).fetch_one(on))?)
    }

    /// How many bytes are reserved for these objects of a dataset, of which each can be on its way once.
    pub async fn reserved_for(&mut self, repo: Id, oids: &[Oid]) -> Result<i64> {
        macro_rules! query {
            ($wanted:literal) => {
                concat!(
                    "SELECT CAST(COALESCE((SELECT SUM(reserved) FROM upload WHERE repo_id = $1 AND oid IN (",
                    $wanted,
                    ")), 0) + COALESCE((SELECT SUM(size) FROM direct_upload WHERE repo_id = $1 AND oid IN (",
                    $wanted,
                    ")), 0) AS BIGINT)"
                )
            };
        }
        let query = match self {
            Self::Sqlite(_) => query!("SELECT value FROM json_each($2)"),
            Self::Postgres(_) => query!("SELECT json_array_elements_text($2::json)"),
        };
        let names: Vec<String> = oids.iter().map(ToString::to_string).collect();
        let names = serde_json::to_string(&names).map_err(Error::internal)?;
        Ok(run!(self, on => sqlx::query_scalar(query).bind(repo.to_string()).bind(names).fetch_one(on))?)
    }

    /// Ends a reservation: what it was made for is counted from here on.
    pub async fn end_reservation(&mut self, repo: Id, oid: &Oid, reservation: &Reservation) -> Result<()> {
        match reservation {
            Reservation::Upload(id) => {
                exec!(self, sqlx::query("UPDATE upload SET reserved = 0 WHERE id = $1").bind(id))?;
            }
            Reservation::Intake(id) => {
                exec!(self, sqlx::query("UPDATE intake SET reserved = 0 WHERE id = $1").bind(id))?;
            }
            Reservation::Direct(kind) => {
                let query = "DELETE FROM direct_upload WHERE repo_id = $1 AND oid = $2 AND kind = $3";
                exec!(self, sqlx::query(query).bind(repo.to_string()).bind(oid.to_string()).bind(*kind))?;
            }
        }
        Ok(())
    }

    /// How many uploads in parts to an owner's datasets are under way.
    pub async fn open_uploads(&mut self, owner: Id) -> Result<i64> {
        let query = "SELECT (SELECT COUNT(*) FROM dataset d JOIN upload u ON u.repo_id = d.id
                             WHERE d.owner_id = $1 AND u.finished_at IS NULL)
                          + (SELECT COUNT(*) FROM dataset d JOIN intake i ON i.repo_id = d.id
                             WHERE d.owner_id = $1 AND i.kept_at IS NULL)";
        Ok(run!(self, on => sqlx::query_scalar(query).bind(owner.to_string()).fetch_one(on))?)
    }

    /// What a dataset holds: bytes of objects and packs, and how many objects.
    pub async fn usage_of(&mut self, repo: Id) -> Result<(i64, i64)> {
        let query = "SELECT bytes + git_bytes, objects FROM usage WHERE repo_id = $1";
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

    /// Counts what a dataset holds anew. Gives by how many bytes of objects, bytes of packs, and objects the count was
    /// wrong.
    pub async fn recount(&mut self, repo: Id) -> Result<(i64, i64, i64)> {
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
        let query = "SELECT CAST(COALESCE((SELECT SUM(p.pack_bytes) FROM git_pack p
                                           WHERE p.repo_id = $1 AND p.retired_at IS NULL), 0) - u.git_bytes AS BIGINT)
                     FROM usage u WHERE u.repo_id = $1";
        let git_bytes: i64 = run!(self, on => sqlx::query_scalar(query).bind(repo.to_string()).fetch_one(on))?;
        if git_bytes != 0 {
            self.add_git_bytes(repo, git_bytes).await?;
        }
        Ok((bytes, git_bytes, objects))
    }

    /// How much all datasets hold, by path; or those of one owner.
    pub async fn usage(&mut self, owner: Option<Id>) -> Result<Vec<UsageRow>> {
        let query = "SELECT o.name AS owner_name, o.kind AS owner_kind, o.quota_bytes AS owner_quota_bytes, d.id,
                            d.name, d.quota_bytes, COALESCE(u.bytes + u.git_bytes, 0) AS bytes,
                            COALESCE(u.git_bytes, 0) AS git_bytes, COALESCE(u.objects, 0) AS objects
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
