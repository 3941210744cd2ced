//! Consistency checks: comparing rows with what is stored, and the progress of scrubbing.

use sqlx_macros::FromRow;

use super::Tx;
use super::objects::ObjectRow;
use super::packs::PackRow;
use super::query::{query, query_scalar};
use crate::error::Result;
use crate::types::{Id, Millis};

/// The progress of scrubbing one part of the data.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct ScrubRow {
    /// When this round started.
    pub started_at: Millis,
    /// The last name that was read in this round; empty at the start.
    pub last: String,
}

/// A live pack of any dataset.
#[derive(Debug, Clone, FromRow)]
pub struct DatasetPackRow {
    /// The dataset.
    pub repo_id: Id,
    /// The pack.
    #[sqlx(flatten)]
    pub pack: PackRow,
}

impl Tx {
    /// Returns the objects of one dataset in any state, in order, after the given oid.
    pub async fn dataset_objects_after(&mut self, repo: Id, after: &str, limit: i64) -> Result<Vec<ObjectRow>> {
        let sql = "SELECT o.oid, o.size, o.state <> 'quarantined' AS ready, o.place,
                          o.form = 'packed' AS is_packed FROM holding h
                   JOIN object o ON o.store = h.store AND o.oid = h.oid
                   WHERE h.repo_id = $1 AND h.oid > $2 AND h.released_at IS NULL ORDER BY h.oid LIMIT $3";
        Ok(query(sql).bind(repo).bind(after).bind(limit).fetch_all(self).await?)
    }

    /// Returns the paths of the datasets that have an object.
    pub async fn holders(&mut self, store: &str, oid: &str) -> Result<Vec<String>> {
        let sql = "SELECT o.name || '/' || d.name FROM holding h
                   JOIN dataset d ON d.id = h.repo_id JOIN owner o ON o.id = d.owner_id
                   WHERE h.store = $1 AND h.oid = $2 AND h.released_at IS NULL ORDER BY 1";
        Ok(query_scalar(sql).bind(store).bind(oid).fetch_all(self).await?)
    }

    /// Returns the names of the stores that should have objects.
    pub async fn object_stores(&mut self) -> Result<Vec<String>> {
        let sql = "SELECT DISTINCT store FROM object ORDER BY store";
        Ok(query_scalar(sql).fetch_all(self).await?)
    }

    /// Returns the keys in the pack store that are known to a row: those of live and retired packs and of pending
    /// uploads.
    pub async fn known_packs(&mut self, keys: &[String]) -> Result<Vec<String>> {
        let sql = match self {
            Self::Sqlite(_) => {
                "SELECT object_key FROM git_pack WHERE object_key IN (SELECT value FROM json_each($1))
                 UNION SELECT object_key FROM git_upload WHERE object_key IN (SELECT value FROM json_each($1))"
            }
            Self::Postgres(_) => {
                "SELECT object_key FROM git_pack WHERE object_key = ANY($1)
                 UNION SELECT object_key FROM git_upload
                 WHERE object_key = ANY($1)"
            }
        };
        Ok(query_scalar(sql).bind(keys).fetch_all(self).await?)
    }

    /// Returns true if any live pack should be in the pack store.
    pub async fn has_stored_packs(&mut self) -> Result<bool> {
        let sql = "SELECT COUNT(*) FROM (SELECT 1 AS one FROM git_pack
                   WHERE inline_pack IS NULL AND retired_at IS NULL LIMIT 1) AS stored";
        let stored: i64 = query_scalar(sql).fetch_one(self).await?;
        Ok(stored > 0)
    }

    /// Returns the live packs of all datasets in the order of their names, after this one.
    pub async fn packs_after(&mut self, pack: &str, repo: &str, limit: i64) -> Result<Vec<DatasetPackRow>> {
        let sql = "SELECT repo_id, pack_id, object_key, pack_bytes, idx_bytes, objects,
                   inline_pack IS NOT NULL AS inline FROM git_pack
                   WHERE pack_id >= $1 AND (pack_id > $1 OR repo_id > $2) AND retired_at IS NULL
                   ORDER BY pack_id, repo_id LIMIT $3";
        Ok(query(sql).bind(pack).bind(repo).bind(limit).fetch_all(self).await?)
    }

    /// Returns the progress of scrubbing a part; `None` if it has not started.
    pub async fn scrub(&mut self, part: &str) -> Result<Option<ScrubRow>> {
        let sql = "SELECT started_at, last FROM scrub WHERE part = $1";
        Ok(query(sql).bind(part).fetch_optional(self).await?)
    }

    /// Saves the progress of scrubbing a part.
    pub async fn set_scrub(&mut self, part: &str, row: &ScrubRow) -> Result<()> {
        let sql = "INSERT INTO scrub (part, started_at, last) VALUES ($1, $2, $3)
                   ON CONFLICT (part) DO UPDATE SET started_at = excluded.started_at, last = excluded.last";
        query(sql).bind(part).bind(row.started_at).bind(&row.last).execute(self).await?;
        Ok(())
    }
}
