//! Packed objects: how they are put together from chunks of xorbs.

use lfs::Oid;
use sqlx_macros::FromRow;

use super::objects::{ReconstructionRow, XorbRow};
use super::query::{query, query_scalar};
use super::{Tx, listed};
use crate::error::{Error, Result};
use crate::types::{Id, Millis};

/// An object that can be packed.
#[derive(Debug, Clone, FromRow)]
pub struct PackableRow {
    /// The object.
    pub oid: String,
    /// Size in bytes.
    pub size: i64,
    /// Its place in a bucket; empty in a local store.
    pub place: String,
    /// How often packing it would have saved too little.
    pub pack_attempts: i64,
}

/// An object whose own file is not needed any more.
#[derive(Debug, Clone, FromRow)]
pub struct WholeCopyRow {
    /// The object.
    pub oid: String,
    /// Its place in a bucket; empty in a local store.
    pub place: String,
}

impl Tx {
    /// Returns how a packed object is put together; `None` if it is not packed.
    pub async fn reconstruction(&mut self, store: &str, oid: &Oid) -> Result<Option<ReconstructionRow>> {
        let sql = "SELECT r.hash, r.terms FROM reconstruction r
                   JOIN object o ON o.store = r.store AND o.oid = r.oid AND o.form = 'packed'
                   WHERE r.store = $1 AND r.oid = $2";
        let found: Option<ReconstructionRow> = query(sql).bind(store).bind(oid).fetch_optional(self).await?;
        let Some(mut row) = found else { return Ok(None) };
        let sql = "SELECT r.hash, r.store, r.xorb AS oid, o.size, o.place FROM reconstruction_xorb r
                   JOIN object o ON o.store = r.store AND o.oid = r.xorb
                   WHERE r.store = $1 AND r.oid = $2 ORDER BY r.number";
        row.xorbs = query(sql).bind(store).bind(oid).fetch_all(self).await?;
        Ok(Some(row))
    }

    /// Returns the objects of this Xet hash that a dataset holds packed.
    pub async fn packed_by_hash(&mut self, repo: Id, hash: &str) -> Result<Option<(String, String)>> {
        let sql = "SELECT r.store, r.oid FROM reconstruction r
                   JOIN object o ON o.store = r.store AND o.oid = r.oid AND o.form = 'packed' AND o.state = 'ready'
                   JOIN holding h ON h.store = r.store AND h.oid = r.oid
                   WHERE r.hash = $2 AND h.repo_id = $1 AND h.released_at IS NULL LIMIT 1";
        Ok(query(sql).bind(repo).bind(hash).fetch_optional(self).await?)
    }

    /// Returns the Xet hashes of those of these objects that are packed in a store.
    pub async fn packed_hashes(&mut self, store: &str, oids: &[Oid]) -> Result<Vec<(String, String)>> {
        let sql = listed!(
            self,
            "SELECT r.oid, r.hash FROM reconstruction r
             JOIN object o ON o.store = r.store AND o.oid = r.oid AND o.form = 'packed' AND o.state = 'ready'
             WHERE r.store = $1 AND r.oid",
            "$2",
            ""
        );
        Ok(query(sql).bind(store).bind(oids).fetch_all(self).await?)
    }

    /// Records how an object is put together, instead of how it was.
    ///
    /// # Errors
    /// Conflict if one of the xorbs was deleted or quarantined in the meantime.
    pub(super) async fn put_reconstruction(
        &mut self,
        store: &str,
        oid: &Oid,
        row: &ReconstructionRow,
        whole_until: Option<Millis>,
    ) -> Result<()> {
        let sql = "DELETE FROM reconstruction WHERE store = $1 AND oid = $2";
        query(sql).bind(store).bind(oid).execute(self).await?;
        let sql = "INSERT INTO reconstruction (store, oid, hash, terms, whole_until) VALUES ($1, $2, $3, $4, $5)";
        query(sql).bind(store).bind(oid).bind(&row.hash).bind(&row.terms[..]).bind(whole_until).execute(self).await?;
        let sql = "INSERT INTO reconstruction_xorb (store, oid, number, xorb, hash)
                   SELECT $1, $2, $3, o.oid, $5 FROM object o
                   WHERE o.store = $1 AND o.oid = $4 AND o.state = 'ready'";
        for (number, xorb) in (0_i64..).zip(&row.xorbs) {
            let done = query(sql).bind(store).bind(oid).bind(number).bind(&xorb.oid).bind(&xorb.hash).execute(self);
            if done.await? == 0 {
                return Err(Error::conflict("a xorb was deleted at the same time; try again"));
            }
        }
        Ok(())
    }

    /// Makes an object packed. Its own file is kept until `whole_until`. Returns false if it has been replaced, or is
    /// packed already.
    ///
    /// # Errors
    /// Conflict if one of the xorbs was deleted or quarantined in the meantime.
    pub async fn pack_object(
        &mut self,
        store: &str,
        oid: &Oid,
        place: &str,
        row: &ReconstructionRow,
        whole_until: Millis,
    ) -> Result<bool> {
        let sql = "UPDATE object SET form = 'packed'
                   WHERE store = $1 AND oid = $2 AND place = $3 AND form = 'whole' AND state = 'ready'";
        if query(sql).bind(store).bind(oid).bind(place).execute(self).await? == 0 {
            return Ok(false);
        }
        self.put_reconstruction(store, oid, row, Some(whole_until)).await?;
        Ok(true)
    }

    /// Returns objects of a dataset that could be packed, in the order in which the dataset got them. Without `shared`, only
    /// those that no other dataset holds.
    pub async fn packable(
        &mut self,
        repo: Id,
        store: &str,
        at_least: i64,
        shared: bool,
        attempts: i64,
    ) -> Result<Vec<PackableRow>> {
        let sql = "SELECT o.oid, o.size, o.place, o.pack_attempts FROM holding h
                   JOIN object o ON o.store = h.store AND o.oid = h.oid
                   WHERE h.repo_id = $1 AND h.store = $2 AND h.released_at IS NULL AND h.unused_since IS NULL
                   AND o.form = 'whole' AND o.state = 'ready' AND o.size >= $3 AND o.pack_attempts < $5
                   AND ($4 OR NOT EXISTS (
                       SELECT 1 FROM holding h2 WHERE h2.store = o.store AND h2.oid = o.oid AND h2.repo_id <> $1))
                   ORDER BY h.created_at, h.oid";
        Ok(query(sql).bind(repo).bind(store).bind(at_least).bind(shared).bind(attempts).fetch_all(self).await?)
    }

    /// Records that packing these objects would save too little.
    pub async fn add_pack_attempt(&mut self, store: &str, oids: &[Oid]) -> Result<()> {
        let sql =
            listed!(self, "UPDATE object SET pack_attempts = pack_attempts + 1 WHERE store = $1 AND oid", "$2", "");
        query(sql).bind(store).bind(oids).execute(self).await?;
        Ok(())
    }

    /// Returns the xorbs of a dataset that were used last: those of its packed objects, and those of recent uploads.
    pub async fn recent_xorbs(&mut self, repo: Id, store: &str, limit: i64) -> Result<Vec<XorbRow>> {
        let sql = "SELECT u.hash, o.store, o.oid, o.size, o.place FROM (
                       SELECT r.xorb, r.hash FROM holding h
                       JOIN reconstruction_xorb r ON r.store = h.store AND r.oid = h.oid
                       WHERE h.repo_id = $1 AND h.store = $2
                       UNION SELECT x.oid, x.hash FROM xorb x
                       WHERE x.repo_id = $1 AND x.store = $2 AND x.expired_at IS NULL) u
                   JOIN object o ON o.store = $2 AND o.oid = u.xorb AND o.state = 'ready'
                   ORDER BY o.created_at DESC, o.oid LIMIT $3";
        Ok(query(sql).bind(repo).bind(store).bind(limit).fetch_all(self).await?)
    }

    /// Returns true if a xorb of a packed object is missing or quarantined, or if it is not known how it is put together.
    pub async fn is_incomplete(&mut self, store: &str, oid: &Oid) -> Result<bool> {
        let sql = "SELECT NOT EXISTS (SELECT 1 FROM reconstruction WHERE store = $1 AND oid = $2)
                   OR EXISTS (
                       SELECT 1 FROM reconstruction_xorb r
                       LEFT JOIN object o ON o.store = r.store AND o.oid = r.xorb AND o.state <> 'quarantined'
                       WHERE r.store = $1 AND r.oid = $2 AND o.oid IS NULL)";
        Ok(query_scalar(sql).bind(store).bind(oid).fetch_one(self).await?)
    }

    /// Quarantines the packed objects that need this xorb. Returns them.
    pub async fn quarantine_packed(&mut self, store: &str, xorb: &Oid) -> Result<Vec<String>> {
        let sql = "UPDATE object SET state = 'quarantined'
                   WHERE store = $1 AND form = 'packed' AND state <> 'quarantined' AND oid IN (
                       SELECT oid FROM reconstruction_xorb WHERE store = $1 AND xorb = $2)
                   RETURNING oid";
        Ok(query_scalar(sql).bind(store).bind(xorb).fetch_all(self).await?)
    }

    /// Quarantines a packed object, or marks it as verified. Returns true if anything was changed.
    pub async fn set_packed_in_use(&mut self, store: &str, oid: &Oid, ready: bool) -> Result<bool> {
        let state = if ready { "ready" } else { "quarantined" };
        let sql = "UPDATE object SET state = $3 WHERE store = $1 AND oid = $2 AND form = 'packed' AND state <> $3";
        Ok(query(sql).bind(store).bind(oid).bind(state).execute(self).await? > 0)
    }

    /// Takes some packed objects of a store whose own files are not needed any more: those files can be deleted.
    pub async fn take_whole_copies(&mut self, store: &str, now: Millis, limit: i64) -> Result<Vec<WholeCopyRow>> {
        let sql = "UPDATE reconstruction SET whole_until = NULL WHERE (store, oid) IN (
                       SELECT r.store, r.oid FROM reconstruction r
                       JOIN object o ON o.store = r.store AND o.oid = r.oid AND o.form = 'packed' AND o.state = 'ready'
                       WHERE r.store = $1 AND r.whole_until <= $2 ORDER BY r.oid LIMIT $3)
                   RETURNING oid, (
                       SELECT o.place FROM object o
                       WHERE o.store = reconstruction.store AND o.oid = reconstruction.oid) AS place";
        Ok(query(sql).bind(store).bind(now).bind(limit).fetch_all(self).await?)
    }

    /// Deletes what is recorded about packed objects that were uploaded again as a whole.
    pub async fn forget_reconstructions(&mut self) -> Result<u64> {
        let sql = "DELETE FROM reconstruction WHERE EXISTS (
                       SELECT 1 FROM object o
                       WHERE o.store = reconstruction.store AND o.oid = reconstruction.oid AND o.form <> 'packed')";
        Ok(query(sql).execute(self).await?)
    }

    /// Returns the datasets in these stores that changed since their old versions were packed.
    pub async fn unpacked_datasets(&mut self, stores: &[String]) -> Result<Vec<String>> {
        let sql = listed!(
            self,
            "SELECT id FROM dataset WHERE packed_generation <> generation AND store",
            "$1",
            "ORDER BY id"
        );
        Ok(query_scalar(sql).bind(stores).fetch_all(self).await?)
    }

    /// Records the generation of a repository of which the old versions were packed.
    pub async fn set_packed_generation(&mut self, repo: Id, generation: i64) -> Result<()> {
        let sql = "UPDATE dataset SET packed_generation = $2 WHERE id = $1";
        query(sql).bind(repo).bind(generation).execute(self).await?;
        Ok(())
    }

    /// Returns the bytes that the objects of datasets take in the stores, xorbs included, by path: of one dataset, or of all.
    /// What several datasets share counts for each of them.
    pub async fn stored_bytes(&mut self, repo: Option<Id>) -> Result<Vec<(String, i64)>> {
        let sql = "SELECT w.name || '/' || d.name, CAST(SUM(o.size) AS BIGINT) FROM (
                       SELECT h.repo_id, h.store, h.oid FROM holding h
                       JOIN object o ON o.store = h.store AND o.oid = h.oid AND o.form <> 'packed'
                       WHERE h.released_at IS NULL AND ($1 = '' OR h.repo_id = $1)
                       UNION SELECT h.repo_id, r.store, r.xorb FROM holding h
                       JOIN reconstruction_xorb r ON r.store = h.store AND r.oid = h.oid
                       WHERE h.released_at IS NULL AND ($1 = '' OR h.repo_id = $1)
                       UNION SELECT x.repo_id, x.store, x.oid FROM xorb x WHERE $1 = '' OR x.repo_id = $1) u
                   JOIN object o ON o.store = u.store AND o.oid = u.oid
                   JOIN dataset d ON d.id = u.repo_id JOIN owner w ON w.id = d.owner_id GROUP BY w.name, d.name";
        let repo = repo.map(|repo| repo.to_string()).unwrap_or_default();
        Ok(query(sql).bind(repo).fetch_all(self).await?)
    }
}
