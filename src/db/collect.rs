//! Garbage collection: holdings that no ref reaches are marked, then released; objects that no dataset holds
//! become orphans and are then deleted.

use std::collections::BTreeMap;

use lfs::Oid;
use sqlx_macros::FromRow;

use super::query::{query, query_scalar};
use super::{Tx, listed};
use crate::error::Result;
use crate::types::{Id, Millis};

/// An object that a dataset holds.
#[derive(Debug, Clone, FromRow)]
pub struct HoldingRow {
    /// The object.
    pub oid: String,
    /// Size in bytes.
    pub size: i64,
    /// When it was first found unreachable from any ref.
    pub unused_since: Option<Millis>,
    /// When the dataset got the object.
    pub created_at: Millis,
}

/// An object that no dataset holds.
#[derive(Debug, Clone, FromRow)]
pub struct OrphanRow {
    /// The object.
    pub oid: String,
    /// Size in bytes.
    pub size: i64,
    /// Its place in a bucket; empty in a local store.
    pub place: String,
}

impl Tx {
    /// Returns the objects that a dataset holds, in order, after the given oid.
    pub async fn holdings_after(&mut self, repo: Id, after: &str, limit: i64) -> Result<Vec<HoldingRow>> {
        let sql = "SELECT h.oid, o.size, h.unused_since, h.created_at FROM holding h
                   JOIN object o ON o.store = h.store AND o.oid = h.oid
                   WHERE h.repo_id = $1 AND h.oid > $2 AND h.released_at IS NULL ORDER BY h.oid LIMIT $3";
        Ok(query(sql).bind(repo).bind(after).bind(limit).fetch_all(self).await?)
    }

    /// Sets since when these objects are unreachable; `None` for reachable ones.
    pub async fn set_unused(&mut self, repo: Id, oids: &[Oid], since: Option<Millis>) -> Result<()> {
        if oids.is_empty() {
            return Ok(());
        }
        let sql = listed!(self, "UPDATE holding SET unused_since = $3 WHERE repo_id = $1 AND oid", "$2", "");
        query(sql).bind(repo).bind(oids).bind(since).execute(self).await?;
        Ok(())
    }

    /// Releases objects that have been unreachable since `before`. Returns their number and total size in bytes.
    pub async fn release(&mut self, repo: Id, oids: &[Oid], before: Millis, now: Millis) -> Result<(i64, i64)> {
        let sql = listed!(
            self,
            "UPDATE holding SET released_at = $4
             WHERE repo_id = $1 AND released_at IS NULL AND unused_since <= $3 AND oid",
            "$2",
            "RETURNING (SELECT o.size FROM object o WHERE o.store = holding.store AND o.oid = holding.oid)"
        );
        let sizes: Vec<i64> = query_scalar(sql).bind(repo).bind(oids).bind(before).bind(now).fetch_all(self).await?;
        Ok((i64::try_from(sizes.len()).unwrap_or(i64::MAX), sizes.iter().sum()))
    }

    /// Restores some released objects, of one dataset or of all; returns (dataset, bytes) for each.
    pub async fn restore(&mut self, repo: Option<Id>, limit: i64) -> Result<Vec<(String, i64)>> {
        let sql = "UPDATE holding SET released_at = NULL, unused_since = NULL WHERE (repo_id, oid) IN (
                       SELECT repo_id, oid FROM holding
                       WHERE released_at IS NOT NULL AND ($1 = '' OR repo_id = $1) LIMIT $2)
                   RETURNING repo_id,
                       (SELECT o.size FROM object o WHERE o.store = holding.store AND o.oid = holding.oid)";
        let repo = repo.map(|repo| repo.to_string()).unwrap_or_default();
        Ok(query(sql).bind(repo).bind(limit).fetch_all(self).await?)
    }

    /// Deletes some holdings that were released before the given time, permanently, and returns their number.
    /// Objects without other holdings may be deleted at once: their grace period has passed.
    pub async fn forget_released(&mut self, before: Millis, limit: i64) -> Result<usize> {
        let sql = "DELETE FROM holding WHERE (repo_id, oid) IN (
                       SELECT repo_id, oid FROM holding WHERE released_at <= $1 LIMIT $2) RETURNING store, oid";
        let gone: Vec<(String, String)> = query(sql).bind(before).bind(limit).fetch_all(self).await?;
        let mut stores: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (store, oid) in &gone {
            stores.entry(store).or_default().push(oid);
        }
        let sql = listed!(
            self,
            "UPDATE object SET orphaned_at = 0 WHERE store = $1 AND orphaned_at IS NULL
             AND NOT EXISTS (SELECT 1 FROM holding h WHERE h.store = object.store AND h.oid = object.oid)
             AND NOT EXISTS (SELECT 1 FROM xorb x WHERE x.store = object.store AND x.oid = object.oid)
                   AND NOT EXISTS (SELECT 1 FROM reconstruction_xorb r WHERE r.store = object.store AND r.xorb = object.oid) AND oid",
            "$2",
            ""
        );
        for (store, oids) in stores {
            query(sql).bind(store).bind(&oids[..]).execute(self).await?;
        }
        Ok(gone.len())
    }

    /// Marks the objects that no dataset holds. Returns the number of new ones.
    pub async fn mark_orphans(&mut self, now: Millis) -> Result<u64> {
        let sql = "UPDATE object SET orphaned_at = $1 WHERE orphaned_at IS NULL
                   AND NOT EXISTS (SELECT 1 FROM holding h WHERE h.store = object.store AND h.oid = object.oid)
                   AND NOT EXISTS (SELECT 1 FROM xorb x WHERE x.store = object.store AND x.oid = object.oid)
                   AND NOT EXISTS (SELECT 1 FROM reconstruction_xorb r WHERE r.store = object.store AND r.xorb = object.oid)";
        Ok(query(sql).bind(now).execute(self).await?)
    }

    /// Returns objects of a store orphaned since `before`, in order, after the given oid.
    pub async fn orphans_after(
        &mut self,
        store: &str,
        before: Millis,
        after: &str,
        limit: i64,
    ) -> Result<Vec<OrphanRow>> {
        let sql = "SELECT oid, size, place FROM object o
                   WHERE store = $1 AND oid > $3 AND orphaned_at <= $2
                   AND NOT EXISTS (SELECT 1 FROM holding h WHERE h.store = o.store AND h.oid = o.oid)
                   AND NOT EXISTS (SELECT 1 FROM xorb x WHERE x.store = o.store AND x.oid = o.oid)
                   AND NOT EXISTS (SELECT 1 FROM reconstruction_xorb r WHERE r.store = o.store AND r.xorb = o.oid)
                   ORDER BY oid LIMIT $4";
        Ok(query(sql).bind(store).bind(before).bind(after).bind(limit).fetch_all(self).await?)
    }

    /// Returns objects that all their datasets released before the given time, and that become orphans when those
    /// holdings are deleted; in order, after the given oid.
    pub async fn released_after(
        &mut self,
        store: &str,
        before: Millis,
        after: &str,
        limit: i64,
    ) -> Result<Vec<OrphanRow>> {
        let sql = "SELECT oid, size, place FROM object o
                   WHERE store = $1 AND oid > $3
                   AND EXISTS (SELECT 1 FROM holding h WHERE h.store = o.store AND h.oid = o.oid)
                   AND NOT EXISTS (SELECT 1 FROM holding h WHERE h.store = o.store AND h.oid = o.oid
                       AND (h.released_at IS NULL OR h.released_at > $2))
                   AND NOT EXISTS (SELECT 1 FROM xorb x WHERE x.store = o.store AND x.oid = o.oid)
                   AND NOT EXISTS (SELECT 1 FROM reconstruction_xorb r WHERE r.store = o.store AND r.xorb = o.oid)
                   ORDER BY oid LIMIT $4";
        Ok(query(sql).bind(store).bind(before).bind(after).bind(limit).fetch_all(self).await?)
    }

    /// Deletes the rows of those objects that are still orphans, and returns them.
    pub async fn delete_orphans(&mut self, store: &str, before: Millis, oids: &[Oid]) -> Result<Vec<OrphanRow>> {
        let sql = listed!(
            self,
            "DELETE FROM object WHERE store = $1 AND orphaned_at <= $2
             AND NOT EXISTS (SELECT 1 FROM holding h WHERE h.store = object.store AND h.oid = object.oid)
             AND NOT EXISTS (SELECT 1 FROM xorb x WHERE x.store = object.store AND x.oid = object.oid)
                   AND NOT EXISTS (SELECT 1 FROM reconstruction_xorb r WHERE r.store = object.store AND r.xorb = object.oid) AND oid",
            "$3",
            "RETURNING oid, size, place"
        );
        Ok(query(sql).bind(store).bind(before).bind(oids).fetch_all(self).await?)
    }

    /// Makes transactions that add objects wait until this one ends.
    pub async fn lock_objects(&mut self) -> Result<()> {
        // On SQLite there is only one writer.
        if matches!(self, Self::Postgres(_)) {
            query("LOCK TABLE object IN SHARE ROW EXCLUSIVE MODE").execute(self).await?;
        }
        Ok(())
    }

    /// Returns those of the objects that should have a file of their own, with their places.
    pub async fn places(&mut self, store: &str, oids: &[Oid]) -> Result<Vec<(String, String)>> {
        let sql = listed!(
            self,
            "SELECT oid, place FROM object o WHERE store = $1 AND (form <> 'packed' OR EXISTS (
                 SELECT 1 FROM reconstruction r
                 WHERE r.store = o.store AND r.oid = o.oid AND r.whole_until IS NOT NULL)) AND oid",
            "$2",
            ""
        );
        Ok(query(sql).bind(store).bind(oids).fetch_all(self).await?)
    }

    /// Returns those of the objects that have an upload with a final key, open or finished, with the places of the
    /// uploads.
    pub async fn upload_places(&mut self, store: &str, oids: &[Oid]) -> Result<Vec<(String, String)>> {
        let sql = listed!(
            self,
            "SELECT oid, place FROM upload_session WHERE store = $1 AND place <> '' AND state <> 'aborted' AND oid",
            "$2",
            ""
        );
        Ok(query(sql).bind(store).bind(oids).fetch_all(self).await?)
    }

    /// Returns the targets that refs were changed from since the given time.
    pub async fn former_targets(&mut self, repo: Id, since: Millis) -> Result<Vec<String>> {
        let sql = "SELECT DISTINCT old_target FROM git_ref_log
                   WHERE repo_id = $1 AND at >= $2 AND old_target IS NOT NULL";
        Ok(query_scalar(sql).bind(repo).bind(since).fetch_all(self).await?)
    }

    /// Records that objects may have been dropped: a change prepared before must start again with a snapshot of
    /// the next generation, because older snapshots are cached by that number.
    pub async fn raise_epoch(&mut self, repo: Id) -> Result<()> {
        let sql = "UPDATE dataset SET gc_epoch = gc_epoch + 1, generation = generation + 1 WHERE id = $1";
        query(sql).bind(repo).execute(self).await?;
        Ok(())
    }

    /// Deletes tokens that expired or were revoked before the given time. Returns their number.
    pub async fn forget_tokens(&mut self, before: Millis) -> Result<u64> {
        let sql = "DELETE FROM token WHERE revoked_at <= $1 OR expires_at <= $1";
        Ok(query(sql).bind(before).execute(self).await?)
    }
}
