//! Uploads in parts.

use sqlx::FromRow;

use super::{Tx, exec, run};
use crate::error::Result;
use crate::types::{Id, Millis};

/// An upload in parts.
#[derive(Debug, Clone, FromRow)]
pub struct UploadRow {
    /// 16 bytes, hex.
    pub id: String,
    /// The dataset.
    #[sqlx(try_from = "String")]
    pub repo_id: Id,
    /// The object.
    pub oid: String,
    /// Its bytes.
    pub size: i64,
    /// Where it goes.
    pub store: String,
    /// Its place in a bucket.
    pub place: String,
    /// What the bucket calls the upload; empty in a folder.
    pub remote: String,
    /// Bytes of each part but the last.
    pub part_bytes: i64,
    /// When it is given up.
    pub expires_at: Millis,
    /// When it became the object.
    pub finished_at: Option<Millis>,
}

/// An object that a client may send straight to a bucket, with one request.
#[derive(Debug, Clone, FromRow)]
pub struct DirectUploadRow {
    /// The dataset.
    #[sqlx(try_from = "String")]
    pub repo_id: Id,
    /// The object.
    pub oid: String,
    /// Where it goes: `place`, `staged` or `part`.
    pub kind: String,
    /// Which one, hex.
    pub berth: String,
    /// Its bytes, as they were announced.
    pub size: i64,
    /// Its store.
    pub store: String,
    /// When no URL leads there any more, and nobody can confirm it.
    pub expires_at: Millis,
}

impl Tx {
    /// The upload of this id.
    pub async fn upload(&mut self, id: &str) -> Result<Option<UploadRow>> {
        let query = "SELECT * FROM upload WHERE id = $1";
        Ok(run!(self, on => sqlx::query_as(query).bind(id).fetch_optional(on))?)
    }

    /// The upload of this object to this dataset that goes on; it goes on until `expires_at` now.
    pub async fn resume_upload(&mut self, repo: Id, oid: &str, expires_at: Millis) -> Result<Option<UploadRow>> {
        let query = "UPDATE upload SET expires_at = $3
                     WHERE repo_id = $1 AND oid = $2 AND finished_at IS NULL RETURNING *";
        Ok(run!(self, on => sqlx::query_as(query).bind(repo.to_string()).bind(oid).bind(expires_at)
            .fetch_optional(on))?)
    }

    /// Adds an upload, unless one of the same object to the same dataset goes on already. One that has
    /// ended makes room.
    pub async fn add_upload(&mut self, row: &UploadRow) -> Result<bool> {
        let query = "DELETE FROM upload WHERE repo_id = $1 AND oid = $2 AND finished_at IS NOT NULL";
        exec!(self, sqlx::query(query).bind(row.repo_id.to_string()).bind(&row.oid))?;
        let query =
            "INSERT INTO upload (id, repo_id, oid, size, store, place, remote, part_bytes, expires_at, reserved)
                     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $4) ON CONFLICT (repo_id, oid) DO NOTHING";
        let inserted = exec!(
            self,
            sqlx::query(query)
                .bind(&row.id)
                .bind(row.repo_id.to_string())
                .bind(&row.oid)
                .bind(row.size)
                .bind(&row.store)
                .bind(&row.place)
                .bind(&row.remote)
                .bind(row.part_bytes)
                .bind(row.expires_at)
        )?;
        Ok(inserted > 0)
    }

    /// An upload became the object. Its row stays for a while, for those who ask again.
    pub async fn finish_upload(&mut self, id: &str, now: Millis) -> Result<()> {
        exec!(self, sqlx::query("UPDATE upload SET finished_at = $2, reserved = 0 WHERE id = $1").bind(id).bind(now))?;
        Ok(())
    }

    /// Forgets an upload.
    pub async fn remove_upload(&mut self, id: &str) -> Result<()> {
        exec!(self, sqlx::query("DELETE FROM upload WHERE id = $1").bind(id))?;
        Ok(())
    }

    /// Uploads in parts to an owner's datasets that would expire before this, those first that nobody has gone on with for
    /// longest.
    pub async fn idle_uploads(&mut self, owner: Id, before: Millis, limit: i64) -> Result<Vec<UploadRow>> {
        let query = "SELECT u.* FROM dataset d JOIN upload u ON u.repo_id = d.id
                     WHERE d.owner_id = $1 AND u.finished_at IS NULL AND u.expires_at <= $2
                     ORDER BY u.expires_at LIMIT $3";
        Ok(run!(self, on => sqlx::query_as(query).bind(owner.to_string()).bind(before).bind(limit).fetch_all(on))?)
    }

    /// Forgets an upload, unless it was finished, or somebody went on with it; gives whether it did.
    pub async fn remove_idle_upload(&mut self, id: &str, before: Millis) -> Result<bool> {
        let query = "DELETE FROM upload WHERE id = $1 AND expires_at <= $2 AND finished_at IS NULL";
        Ok(exec!(self, sqlx::query(query).bind(id).bind(before))? > 0)
    }

    /// Notes that a client may send an object straight to a bucket. One that may already is told the same place, and gets
    /// more time. Gives where it goes.
    pub async fn add_direct_upload(&mut self, row: &DirectUploadRow) -> Result<String> {
        let query = "INSERT INTO direct_upload (repo_id, oid, kind, berth, size, store, expires_at)
                     VALUES ($1, $2, $3, $4, $5, $6, $7)
                     ON CONFLICT (repo_id, oid, kind) DO UPDATE SET expires_at = excluded.expires_at,
                         size = CASE WHEN excluded.size > direct_upload.size THEN excluded.size
                                     ELSE direct_upload.size END
                     RETURNING berth";
        Ok(run!(self, on => sqlx::query_scalar(query)
            .bind(row.repo_id.to_string())
            .bind(&row.oid)
            .bind(&row.kind)
            .bind(&row.berth)
            .bind(row.size)
            .bind(&row.store)
            .bind(row.expires_at)
            .fetch_one(on))?)
    }

    /// Objects on the way to a bucket whose URLs have expired.
    pub async fn expired_direct_uploads(&mut self, now: Millis, limit: i64) -> Result<Vec<DirectUploadRow>> {
        let query = "SELECT * FROM direct_upload WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2";
        Ok(run!(self, on => sqlx::query_as(query).bind(now).bind(limit).fetch_all(on))?)
    }

    /// Forgets one of them, unless it got more time; gives whether it did.
    pub async fn remove_direct_upload(&mut self, row: &DirectUploadRow, now: Millis) -> Result<bool> {
        let query = "DELETE FROM direct_upload WHERE repo_id = $1 AND oid = $2 AND kind = $3 AND expires_at <= $4";
        let removed =
            exec!(self, sqlx::query(query).bind(row.repo_id.to_string()).bind(&row.oid).bind(&row.kind).bind(now))?;
        Ok(removed > 0)
    }

    /// Uploads whose time is over.
    pub async fn expired_uploads(&mut self, now: Millis, limit: i64) -> Result<Vec<UploadRow>> {
        let query = "SELECT * FROM upload WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2";
        Ok(run!(self, on => sqlx::query_as(query).bind(now).bind(limit).fetch_all(on))?)
    }
}
