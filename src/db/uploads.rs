//! Multipart and direct uploads of objects.

use sqlx::FromRow;

use super::{Tx, exec, run};
use crate::error::Result;
use crate::types::{Id, Millis};

/// A multipart upload.
#[derive(Debug, Clone, FromRow)]
pub struct UploadRow {
    /// Id: 16 bytes, hexadecimal.
    pub id: String,
    /// The dataset.
    #[sqlx(try_from = "String")]
    pub repo_id: Id,
    /// Oid of the object.
    pub oid: String,
    /// Size in bytes.
    pub size: i64,
    /// Name of the store.
    pub store: String,
    /// Its place in a bucket.
    pub place: String,
    /// Id of the multipart upload in the bucket; empty in a local store.
    pub remote: String,
    /// Size in bytes of each part but the last.
    pub part_bytes: i64,
    /// Expiry of the upload.
    pub expires_at: Millis,
    /// When it was completed.
    pub finished_at: Option<Millis>,
}

/// A direct upload to a bucket: an object that a client may send in one request.
#[derive(Debug, Clone, FromRow)]
pub struct DirectUploadRow {
    /// The dataset.
    #[sqlx(try_from = "String")]
    pub repo_id: Id,
    /// Oid of the object.
    pub oid: String,
    /// Kind of target: `place`, `staged` or `part`.
    pub kind: String,
    /// Id of the target, hexadecimal.
    #[sqlx(rename = "berth")]
    pub target: String,
    /// Announced size in bytes.
    pub size: i64,
    /// Name of the store.
    pub store: String,
    /// When all URLs have expired and it can no longer be confirmed.
    pub expires_at: Millis,
}

impl Tx {
    /// Returns the upload with this id.
    pub async fn upload(&mut self, id: &str) -> Result<Option<UploadRow>> {
        let query = "SELECT * FROM upload WHERE id = $1";
        Ok(run!(self, on => sqlx::query_as(query).bind(id).fetch_optional(on))?)
    }

    /// Returns the unfinished upload of this object to this dataset, and extends it until `expires_at`.
    pub async fn resume_upload(&mut self, repo: Id, oid: &str, expires_at: Millis) -> Result<Option<UploadRow>> {
        let query = "UPDATE upload SET expires_at = $3
                     WHERE repo_id = $1 AND oid = $2 AND finished_at IS NULL RETURNING *";
        Ok(run!(self, on => sqlx::query_as(query).bind(repo.to_string()).bind(oid).bind(expires_at)
            .fetch_optional(on))?)
    }

    /// Adds an upload and returns true, unless there is an unfinished one of the same object to the same dataset.
    /// A finished one is replaced.
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

    /// Records that an upload was completed. The row is kept for a while, for clients that repeat the request.
    pub async fn finish_upload(&mut self, id: &str, now: Millis) -> Result<()> {
        exec!(self, sqlx::query("UPDATE upload SET finished_at = $2, reserved = 0 WHERE id = $1").bind(id).bind(now))?;
        Ok(())
    }

    /// Deletes an upload.
    pub async fn remove_upload(&mut self, id: &str) -> Result<()> {
        exec!(self, sqlx::query("DELETE FROM upload WHERE id = $1").bind(id))?;
        Ok(())
    }

    /// Returns unfinished multipart uploads to an owner's datasets that expire before the given time, the least
    /// recently active first.
    pub async fn idle_uploads(&mut self, owner: Id, before: Millis, limit: i64) -> Result<Vec<UploadRow>> {
        let query = "SELECT u.* FROM dataset d JOIN upload u ON u.repo_id = d.id
                     WHERE d.owner_id = $1 AND u.finished_at IS NULL AND u.expires_at <= $2
                     ORDER BY u.expires_at LIMIT $3";
        Ok(run!(self, on => sqlx::query_as(query).bind(owner.to_string()).bind(before).bind(limit).fetch_all(on))?)
    }

    /// Deletes an upload, unless it was finished or continued; returns true if it was deleted.
    pub async fn remove_idle_upload(&mut self, id: &str, before: Millis) -> Result<bool> {
        let query = "DELETE FROM upload WHERE id = $1 AND expires_at <= $2 AND finished_at IS NULL";
        Ok(exec!(self, sqlx::query(query).bind(id).bind(before))? > 0)
    }

    /// Records that a client may upload an object directly to a bucket, and returns its target. An existing
    /// record keeps its target and is extended.
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
            .bind(&row.target)
            .bind(row.size)
            .bind(&row.store)
            .bind(row.expires_at)
            .fetch_one(on))?)
    }

    /// Returns direct uploads whose URLs have expired.
    pub async fn expired_direct_uploads(&mut self, now: Millis, limit: i64) -> Result<Vec<DirectUploadRow>> {
        let query = "SELECT * FROM direct_upload WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2";
        Ok(run!(self, on => sqlx::query_as(query).bind(now).bind(limit).fetch_all(on))?)
    }

    /// Deletes a direct upload, unless it was extended; returns true if it was deleted.
    pub async fn remove_direct_upload(&mut self, row: &DirectUploadRow, now: Millis) -> Result<bool> {
        let query = "DELETE FROM direct_upload WHERE repo_id = $1 AND oid = $2 AND kind = $3 AND expires_at <= $4";
        let removed =
            exec!(self, sqlx::query(query).bind(row.repo_id.to_string()).bind(&row.oid).bind(&row.kind).bind(now))?;
        Ok(removed > 0)
    }

    /// Returns expired uploads.
    pub async fn expired_uploads(&mut self, now: Millis, limit: i64) -> Result<Vec<UploadRow>> {
        let query = "SELECT * FROM upload WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2";
        Ok(run!(self, on => sqlx::query_as(query).bind(now).bind(limit).fetch_all(on))?)
    }
}
