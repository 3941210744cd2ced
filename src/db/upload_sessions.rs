//! File uploads in parts through the server.

use sqlx::FromRow;

use super::{Tx, exec, run};
use crate::error::Result;
use crate::types::{Id, Millis};

/// An upload of a file.
#[derive(Debug, Clone, FromRow)]
pub struct UploadSessionRow {
    /// Id: 16 bytes, hexadecimal.
    pub id: String,
    /// The dataset.
    #[sqlx(try_from = "String")]
    pub repo_id: Id,
    /// The uploader, as [`Actor::key`](crate::access::Actor::key).
    pub actor: String,
    /// Path that the file will have.
    pub path: String,
    /// Size in bytes.
    pub size: i64,
    /// Oid of the object, if the client sent it or it was computed.
    pub oid: Option<String>,
    /// Name of the store that receives the bytes.
    pub store: String,
    /// Id of the multipart upload in the bucket; empty in a local store.
    pub remote: String,
    /// Size in bytes of each part but the last.
    pub part_bytes: i64,
    /// Expiry of the upload.
    pub expires_at: Millis,
    /// When the content was stored as an object.
    pub kept_at: Option<Millis>,
    /// Revision that contains the file.
    pub revision: Option<String>,
}

impl Tx {
    /// Returns the upload with this id to a dataset.
    pub async fn upload_session(&mut self, repo: Id, id: &str) -> Result<Option<UploadSessionRow>> {
        let query = "SELECT * FROM intake WHERE id = $1 AND repo_id = $2";
        Ok(run!(self, on => sqlx::query_as(query).bind(id).bind(repo.to_string()).fetch_optional(on))?)
    }

    /// Adds an upload.
    pub async fn insert_upload_session(&mut self, row: &UploadSessionRow) -> Result<()> {
        let query = "INSERT INTO intake (id, repo_id, actor, path, size, oid, store, remote, part_bytes, expires_at,
                                         reserved)
                     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $5)";
        exec!(
            self,
            sqlx::query(query)
                .bind(&row.id)
                .bind(row.repo_id.to_string())
                .bind(&row.actor)
                .bind(&row.path)
                .bind(row.size)
                .bind(&row.oid)
                .bind(&row.store)
                .bind(&row.remote)
                .bind(row.part_bytes)
                .bind(row.expires_at)
        )?;
        Ok(())
    }

    /// Counts the unfinished uploads of an actor to a dataset.
    pub async fn upload_sessions_of(&mut self, repo: Id, actor: &str) -> Result<i64> {
        let query = "SELECT COUNT(*) FROM intake WHERE repo_id = $1 AND actor = $2 AND kept_at IS NULL";
        Ok(run!(self, on => sqlx::query_scalar(query).bind(repo.to_string()).bind(actor).fetch_one(on))?)
    }

    /// Extends an upload until the given time.
    pub async fn extend_upload_session(&mut self, id: &str, expires_at: Millis) -> Result<()> {
        exec!(self, sqlx::query("UPDATE intake SET expires_at = $2 WHERE id = $1").bind(id).bind(expires_at))?;
        Ok(())
    }

    /// Sets the oid of an upload, once it is known.
    pub async fn set_upload_session_oid(&mut self, id: &str, oid: &str) -> Result<()> {
        exec!(self, sqlx::query("UPDATE intake SET oid = $2 WHERE id = $1").bind(id).bind(oid))?;
        Ok(())
    }

    /// Records that the content was stored as an object.
    pub async fn finish_upload_session(&mut self, id: &str, now: Millis) -> Result<()> {
        exec!(self, sqlx::query("UPDATE intake SET kept_at = $2, reserved = 0 WHERE id = $1").bind(id).bind(now))?;
        Ok(())
    }

    /// Records the revision that contains the file. The row is kept for a while, for clients that repeat the
    /// request.
    pub async fn end_upload_session(&mut self, id: &str, revision: &str) -> Result<()> {
        exec!(self, sqlx::query("UPDATE intake SET revision = $2 WHERE id = $1").bind(id).bind(revision))?;
        Ok(())
    }

    /// Deletes an upload.
    pub async fn delete_upload_session(&mut self, id: &str) -> Result<()> {
        exec!(self, sqlx::query("DELETE FROM intake WHERE id = $1").bind(id))?;
        Ok(())
    }

    /// Returns unfinished uploads to an owner's datasets that expire before the given time, the least recently
    /// active first, and those of this actor to this path of a dataset, whenever they expire.
    pub async fn idle_upload_sessions(
        &mut self,
        owner: Id,
        before: Millis,
        (repo, actor, path): (Id, &str, &str),
        limit: i64,
    ) -> Result<Vec<UploadSessionRow>> {
        let query = "SELECT i.* FROM dataset d JOIN intake i ON i.repo_id = d.id
                     WHERE d.owner_id = $1 AND i.kept_at IS NULL
                     AND (i.expires_at <= $2 OR (i.repo_id = $3 AND i.actor = $4 AND i.path = $5))
                     ORDER BY i.expires_at LIMIT $6";
        Ok(run!(self, on => sqlx::query_as(query)
            .bind(owner.to_string())
            .bind(before)
            .bind(repo.to_string())
            .bind(actor)
            .bind(path)
            .bind(limit)
            .fetch_all(on))?)
    }

    /// Deletes an upload, unless it was finished or continued after the given time; returns true if it was
    /// deleted.
    pub async fn remove_idle_upload_session(&mut self, id: &str, before: Millis) -> Result<bool> {
        let query = "DELETE FROM intake WHERE id = $1 AND expires_at <= $2 AND kept_at IS NULL";
        Ok(exec!(self, sqlx::query(query).bind(id).bind(before))? > 0)
    }

    /// Returns expired uploads.
    pub async fn expired_upload_sessions(&mut self, now: Millis, limit: i64) -> Result<Vec<UploadSessionRow>> {
        let query = "SELECT * FROM intake WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2";
        Ok(run!(self, on => sqlx::query_as(query).bind(now).bind(limit).fetch_all(on))?)
    }
}
