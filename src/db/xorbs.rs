//! Xorbs: packed chunks of files that were uploaded by Xet, by which datasets have them.

use std::collections::HashMap;

use lfs::Oid;

use super::objects::{NewObject, XorbRow};
use super::query::{query, query_scalar};
use super::{Tx, dataset_deleted, listed};
use crate::error::Result;
use crate::types::{Id, Millis};

/// A file and where its chunks are, for later uploads.
pub struct XorbFile<'a> {
    /// The file.
    pub oid: Oid,
    /// Hashes of its xorbs, in the order of their first use.
    pub xorbs: &'a [String],
    /// Hashes of chunks that can be queried, with the number of the xorb of each.
    pub chunks: &'a [(String, i64)],
}

impl Tx {
    /// Records a verified xorb. It replaces a quarantined one.
    ///
    /// # Errors
    /// Not found if the dataset was deleted in the meantime.
    pub async fn hold_xorb(&mut self, arrival: &NewObject, hash: &str, now: Millis) -> Result<()> {
        self.insert_object(arrival, now).await?;
        let sql = "INSERT INTO xorb (repo_id, hash, store, oid, used_at) VALUES ($1, $2, $3, $4, $5)
                   ON CONFLICT (repo_id, hash) DO UPDATE
                   SET store = excluded.store, oid = excluded.oid, used_at = excluded.used_at, expired_at = NULL";
        let held =
            query(sql).bind(arrival.repo).bind(hash).bind(&arrival.store).bind(arrival.oid).bind(now).execute(self);
        held.await.map_err(dataset_deleted)?;
        Ok(())
    }

    /// Returns those of these xorbs that a dataset has and that are intact, by hash, also expired ones: the client may
    /// have learned of them before.
    pub async fn xorbs(&mut self, repo: Id, hashes: &[String]) -> Result<HashMap<String, XorbRow>> {
        let sql = listed!(
            self,
            "SELECT x.hash, x.store, x.oid, o.size, o.place FROM xorb x
             JOIN object o ON o.store = x.store AND o.oid = x.oid
             WHERE x.repo_id = $1 AND o.state = 'ready' AND x.hash",
            "$2",
            ""
        );
        let rows: Vec<XorbRow> = query(sql).bind(repo).bind(hashes).fetch_all(self).await?;
        Ok(rows.into_iter().map(|row| (row.hash.clone(), row)).collect())
    }

    /// Records where the chunks of a file are, and that its xorbs were used.
    ///
    /// # Errors
    /// Not found if the dataset was deleted in the meantime.
    pub async fn put_xorb_file(&mut self, repo: Id, file: &XorbFile<'_>, now: Millis) -> Result<()> {
        let sql = "DELETE FROM xorb_file WHERE repo_id = $1 AND oid = $2";
        query(sql).bind(repo).bind(file.oid).execute(self).await?;
        for (number, xorb) in (0_i64..).zip(file.xorbs) {
            let sql = "INSERT INTO xorb_file (repo_id, oid, number, xorb) VALUES ($1, $2, $3, $4)";
            let added = query(sql).bind(repo).bind(file.oid).bind(number).bind(xorb).execute(self).await;
            added.map_err(dataset_deleted)?;
        }
        for (chunk, number) in file.chunks {
            let sql = "INSERT INTO xorb_chunk (repo_id, chunk, oid, number) VALUES ($1, $2, $3, $4)
                       ON CONFLICT (repo_id, chunk) DO UPDATE SET oid = excluded.oid, number = excluded.number";
            query(sql).bind(repo).bind(chunk).bind(file.oid).bind(*number).execute(self).await?;
        }
        let sql = listed!(self, "UPDATE xorb SET used_at = $3 WHERE repo_id = $1 AND hash", "$2", "");
        query(sql).bind(repo).bind(file.xorbs).bind(now).execute(self).await?;
        Ok(())
    }

    /// Returns the xorbs of a file with this chunk, from the one with the chunk on; empty if the chunk is unknown.
    pub async fn xorbs_of_chunk(&mut self, repo: Id, chunk: &str, limit: i64) -> Result<Vec<XorbRow>> {
        let sql = "SELECT x.hash, x.store, x.oid, o.size, o.place FROM xorb_chunk c
                   JOIN xorb_file f ON f.repo_id = c.repo_id AND f.oid = c.oid AND f.number >= c.number
                   JOIN xorb x ON x.repo_id = f.repo_id AND x.hash = f.xorb AND x.expired_at IS NULL
                   JOIN object o ON o.store = x.store AND o.oid = x.oid AND o.state = 'ready'
                   WHERE c.repo_id = $1 AND c.chunk = $2 ORDER BY f.number LIMIT $3";
        Ok(query(sql).bind(repo).bind(chunk).bind(limit).fetch_all(self).await?)
    }

    /// Returns the number that changes when clients must forget the xorbs of a dataset.
    pub async fn xorb_epoch(&mut self, repo: Id) -> Result<i64> {
        let sql = "SELECT xorb_epoch FROM dataset WHERE id = $1";
        Ok(query_scalar(sql).bind(repo).fetch_optional(self).await?.unwrap_or_default())
    }

    /// Makes clients forget the xorbs of a dataset at their next upload.
    pub async fn raise_xorb_epoch(&mut self, repo: Id) -> Result<()> {
        let sql = "UPDATE dataset SET xorb_epoch = xorb_epoch + 1 WHERE id = $1";
        query(sql).bind(repo).execute(self).await?;
        Ok(())
    }

    /// Returns the total size in bytes of the xorbs of all datasets of an owner that no packed object needs.
    pub async fn xorb_bytes(&mut self, owner: Id) -> Result<i64> {
        let sql = "SELECT CAST(COALESCE(SUM(o.size), 0) AS BIGINT) FROM xorb x JOIN dataset d ON d.id = x.repo_id
                   JOIN object o ON o.store = x.store AND o.oid = x.oid
                   WHERE d.owner_id = $1 AND x.expired_at IS NULL AND NOT EXISTS (
                       SELECT 1 FROM reconstruction_xorb r WHERE r.store = x.store AND r.xorb = x.oid)";
        Ok(query_scalar(sql).bind(owner).fetch_one(self).await?)
    }

    /// Expires xorbs that were last used before the given time, of one owner or of all, and makes clients forget them.
    /// Returns their number.
    pub async fn expire_xorbs(&mut self, owner: Option<Id>, before: Millis, now: Millis, limit: i64) -> Result<usize> {
        let sql = "UPDATE xorb SET expired_at = $3 WHERE (repo_id, hash) IN (
                       SELECT x.repo_id, x.hash FROM xorb x JOIN dataset d ON d.id = x.repo_id
                       WHERE x.used_at <= $2 AND x.expired_at IS NULL AND ($1 = '' OR d.owner_id = $1)
                       ORDER BY x.used_at LIMIT $4)
                   RETURNING repo_id";
        let owner = owner.map(|owner| owner.to_string()).unwrap_or_default();
        let mut repos: Vec<String> =
            query_scalar(sql).bind(&owner).bind(before).bind(now).bind(limit).fetch_all(self).await?;
        let expired = repos.len();
        repos.sort_unstable();
        repos.dedup();
        for repo in repos {
            self.raise_xorb_epoch(repo.parse()?).await?;
        }
        Ok(expired)
    }

    /// Deletes some xorbs that expired before the given time, and what refers to them. Returns their number.
    pub async fn delete_expired_xorbs(&mut self, before: Millis, limit: i64) -> Result<usize> {
        let sql = "DELETE FROM xorb WHERE (repo_id, hash) IN (
                       SELECT repo_id, hash FROM xorb WHERE expired_at <= $1 LIMIT $2) RETURNING repo_id, hash";
        let gone: Vec<(String, String)> = query(sql).bind(before).bind(limit).fetch_all(self).await?;
        for (repo, hash) in &gone {
            let sql = "DELETE FROM xorb_chunk WHERE repo_id = $1 AND oid IN (
                           SELECT oid FROM xorb_file WHERE repo_id = $1 AND xorb = $2)";
            query(sql).bind(repo).bind(hash).execute(self).await?;
            let sql = "DELETE FROM xorb_file WHERE repo_id = $1 AND oid IN (
                           SELECT oid FROM xorb_file WHERE repo_id = $1 AND xorb = $2)";
            query(sql).bind(repo).bind(hash).execute(self).await?;
        }
        Ok(gone.len())
    }
}
