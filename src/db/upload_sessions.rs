//! Uploads in progress.

use sqlx_macros::FromRow;

use super::Tx;
use super::query::{query, query_scalar};
use crate::error::Result;
use crate::types::{Id, Millis, UploadKind, UploadState};

/// An upload in progress.
#[derive(Debug, Clone, FromRow)]
pub struct UploadSessionRow {
    /// Id: 16 bytes, hexadecimal.
    pub id: String,
    /// The dataset.
    pub repo_id: Id,
    /// What is uploaded, and how.
    pub kind: UploadKind,
    /// How far it is. The size of an open upload is reserved.
    pub state: UploadState,
    /// The uploader of a file, as [`Actor::key`](crate::access::Actor::key); otherwise empty.
    pub actor: String,
    /// Path that the file will have; otherwise empty.
    pub path: String,
    /// Oid of the object. That of a file is known if the client sent it or it was computed.
    pub oid: Option<String>,
    /// Size in bytes.
    pub size: i64,
    /// Name of the store.
    pub store: String,
    /// Place of the object in a bucket; empty if it is staged first.
    pub place: String,
    /// Id of the multipart upload in the bucket; otherwise empty.
    pub remote: String,
    /// Size in bytes of each part but the last.
    pub part_bytes: i64,
    /// Expiry of the upload.
    pub expires_at: Millis,
    /// Revision that contains the file.
    pub revision: Option<String>,
}

impl Tx {
    /// Returns the upload with this id, unless it was aborted.
    pub async fn upload_session(&mut self, id: &str) -> Result<Option<UploadSessionRow>> {
        let sql = "SELECT * FROM upload_session WHERE id = $1 AND state <> 'aborted'";
        Ok(query(sql).bind(id).fetch_optional(self).await?)
    }

    /// Returns the open upload in parts of this object to this dataset, and extends it until `expires_at`.
    pub async fn resume_upload(&mut self, repo: Id, oid: &str, expires_at: Millis) -> Result<Option<UploadSessionRow>> {
        let sql = "UPDATE upload_session SET expires_at = $3
                   WHERE repo_id = $1 AND oid = $2 AND kind = 'parts' AND path = '' AND state = 'open' RETURNING *";
        Ok(query(sql).bind(repo).bind(oid).bind(expires_at).fetch_optional(self).await?)
    }

    /// Adds an upload, and returns it. If there is an open one of this kind for the same object of the dataset, returns
    /// that one instead, extended. Of a direct upload the greater size is kept, since either may be sent.
    pub async fn add_upload_session(&mut self, row: &UploadSessionRow) -> Result<UploadSessionRow> {
        let sql = "INSERT INTO upload_session (id, repo_id, kind, state, actor, path, oid, size, store, place, remote,
                                               part_bytes, expires_at)
                   VALUES ($1, $2, $3, 'open', $4, $5, $6, $7, $8, $9, $10, $11, $12)
                   ON CONFLICT (repo_id, oid, kind) WHERE path = '' AND state = 'open'
                   DO UPDATE SET expires_at = excluded.expires_at,
                       size = CASE WHEN excluded.size > upload_session.size AND excluded.kind <> 'parts'
                                   THEN excluded.size ELSE upload_session.size END
                   RETURNING *";
        Ok(query(sql)
            .bind(&row.id)
            .bind(row.repo_id)
            .bind(row.kind.as_str())
            .bind(&row.actor)
            .bind(&row.path)
            .bind(&row.oid)
            .bind(row.size)
            .bind(&row.store)
            .bind(&row.place)
            .bind(&row.remote)
            .bind(row.part_bytes)
            .bind(row.expires_at)
            .fetch_one(self)
            .await?)
    }

    /// Counts the open uploads of files by an actor to a dataset.
    pub async fn open_files(&mut self, repo: Id, actor: &str) -> Result<i64> {
        let sql = "SELECT COUNT(*) FROM upload_session
                   WHERE repo_id = $1 AND kind = 'file' AND actor = $2 AND state = 'open'";
        Ok(query_scalar(sql).bind(repo).bind(actor).fetch_one(self).await?)
    }

    /// Counts the open uploads in parts to an owner's datasets.
    pub async fn open_uploads(&mut self, owner: Id) -> Result<i64> {
        let sql = "SELECT COUNT(*) FROM dataset d JOIN upload_session s ON s.repo_id = d.id
                   WHERE d.owner_id = $1 AND s.kind IN ('parts', 'file') AND s.state = 'open'";
        Ok(query_scalar(sql).bind(owner).fetch_one(self).await?)
    }

    /// Extends an upload until the given time, and returns it, unless it was aborted.
    pub async fn extend_upload_session(&mut self, id: &str, expires_at: Millis) -> Result<Option<UploadSessionRow>> {
        let sql = "UPDATE upload_session SET expires_at = $2 WHERE id = $1 AND state <> 'aborted' RETURNING *";
        Ok(query(sql).bind(id).bind(expires_at).fetch_optional(self).await?)
    }

    /// Sets the oid of the file of an upload, once it is known.
    pub async fn set_upload_session_oid(&mut self, id: &str, oid: &str) -> Result<()> {
        query("UPDATE upload_session SET oid = $2 WHERE id = $1").bind(id).bind(oid).execute(self).await?;
        Ok(())
    }

    /// Records that an upload has become this object, in the transaction that records the object. The row is kept until
    /// it expires, for clients that repeat the request. Returns false if the upload was aborted: its bytes are being
    /// deleted, and nothing may refer to them.
    pub async fn finish_upload_session(&mut self, id: &str, oid: &str) -> Result<bool> {
        let sql = "UPDATE upload_session SET state = 'finished', oid = $2 WHERE id = $1 AND state <> 'aborted'";
        Ok(query(sql).bind(id).bind(oid).execute(self).await? > 0)
    }

    /// Records the revision that contains the file.
    pub async fn set_upload_session_revision(&mut self, id: &str, revision: &str) -> Result<()> {
        query("UPDATE upload_session SET revision = $2 WHERE id = $1").bind(id).bind(revision).execute(self).await?;
        Ok(())
    }

    /// Marks an upload for deletion, unless it was extended beyond the given time; returns true if it is marked. From
    /// then on it only waits for its bytes to be deleted.
    pub async fn abort_upload_session(&mut self, id: &str, unless_after: Millis) -> Result<bool> {
        let sql = "UPDATE upload_session SET state = 'aborted', expires_at = 0 WHERE id = $1 AND expires_at <= $2";
        Ok(query(sql).bind(id).bind(unless_after).execute(self).await? > 0)
    }

    /// Deletes the row of an upload, once its bytes are deleted.
    pub async fn delete_upload_session(&mut self, id: &str) -> Result<()> {
        query("DELETE FROM upload_session WHERE id = $1").bind(id).execute(self).await?;
        Ok(())
    }

    /// Returns open uploads to an owner's datasets that are idle, the least recently active first: those in parts that
    /// expire before a given time, and direct ones that have expired; also those of this actor to this path of a
    /// dataset, whenever they expire.
    pub async fn idle_upload_sessions(
        &mut self,
        owner: Id,
        (before, now): (Millis, Millis),
        (repo, actor, path): (Id, &str, &str),
        limit: i64,
    ) -> Result<Vec<UploadSessionRow>> {
        let sql = "SELECT s.* FROM dataset d JOIN upload_session s ON s.repo_id = d.id
                   WHERE d.owner_id = $1 AND s.state = 'open'
                   AND (s.expires_at <= CASE WHEN s.kind IN ('parts', 'file') THEN $2 ELSE $3 END
                       OR (s.kind = 'file' AND s.repo_id = $4 AND s.actor = $5 AND s.path = $6))
                   ORDER BY s.expires_at LIMIT $7";
        Ok(query(sql)
            .bind(owner)
            .bind(before)
            .bind(now)
            .bind(repo)
            .bind(actor)
            .bind(path)
            .bind(limit)
            .fetch_all(self)
            .await?)
    }

    /// Returns uploads that have expired or are marked for deletion.
    pub async fn expired_upload_sessions(&mut self, now: Millis, limit: i64) -> Result<Vec<UploadSessionRow>> {
        let sql = "SELECT * FROM upload_session WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2";
        Ok(query(sql).bind(now).bind(limit).fetch_all(self).await?)
    }
}
