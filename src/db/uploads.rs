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
        let query = "INSERT INTO upload (id, repo_id, oid, size, store, place, remote, part_bytes, expires_at)
                     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (repo_id, oid) DO NOTHING";
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
        exec!(self, sqlx::query("UPDATE upload SET finished_at = $2 WHERE id = $1").bind(id).bind(now))?;
        Ok(())
    }

    /// Forgets an upload.
    pub async fn remove_upload(&mut self, id: &str) -> Result<()> {
        exec!(self, sqlx::query("DELETE FROM upload WHERE id = $1").bind(id))?;
        Ok(())
    }

    /// Uploads whose time is over.
    pub async fn expired_uploads(&mut self, now: Millis, limit: i64) -> Result<Vec<UploadRow>> {
        let query = "SELECT * FROM upload WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2";
        Ok(run!(self, on => sqlx::query_as(query).bind(now).bind(limit).fetch_all(on))?)
    }
}
