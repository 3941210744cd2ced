//! File requests: links by which others upload files to a folder.

use sqlx_macros::FromRow;

use super::Tx;
use super::query::query;
use crate::error::Result;
use crate::types::Id;

/// A file request.
#[derive(Debug, Clone, FromRow)]
pub struct FileRequestRow {
    /// Title.
    pub title: String,
    /// Message to those who upload; may be empty.
    pub message: String,
    /// Maximum of bytes in total.
    pub max_bytes: i64,
    /// Maximum number of files in total.
    pub max_files: i64,
    /// Bytes received so far.
    pub bytes: i64,
    /// Number of files received so far.
    pub files: i64,
    /// Name of the user who asks.
    pub creator: String,
    /// Id of that user, if it is a user.
    pub creator_id: Option<String>,
}

/// Files that were uploaded, or are being uploaded, and are in no revision yet.
#[derive(Debug, Clone, Copy, FromRow)]
pub struct PendingRow {
    /// Number of files.
    pub files: i64,
    /// Their bytes.
    pub bytes: i64,
}

impl Tx {
    /// Returns the file request of a share.
    pub async fn file_request(&mut self, share: Id) -> Result<Option<FileRequestRow>> {
        let sql = "SELECT r.title, r.message, r.max_bytes, r.max_files, r.bytes, r.files, s.creator, s.creator_id
                   FROM file_request r JOIN share s ON s.id = r.share_id WHERE r.share_id = $1";
        Ok(query(sql).bind(share).fetch_optional(self).await?)
    }

    /// Adds the file request of a share, or changes its terms.
    pub async fn put_file_request(
        &mut self,
        share: Id,
        (title, message): (&str, &str),
        (max_bytes, max_files): (i64, i64),
    ) -> Result<()> {
        let sql = "INSERT INTO file_request (share_id, title, message, max_bytes, max_files, bytes, files)
                   VALUES ($1, $2, $3, $4, $5, 0, 0)
                   ON CONFLICT (share_id) DO UPDATE SET title = excluded.title, message = excluded.message,
                       max_bytes = excluded.max_bytes, max_files = excluded.max_files";
        query(sql).bind(share).bind(title).bind(message).bind(max_bytes).bind(max_files).execute(self).await?;
        Ok(())
    }

    /// Returns what an actor has uploaded, or is uploading, to a dataset, and is in no revision yet.
    pub async fn pending_files(&mut self, repo: Id, actor: &str) -> Result<PendingRow> {
        let sql = "SELECT COUNT(*) AS files, CAST(COALESCE(SUM(size), 0) AS BIGINT) AS bytes FROM upload_session
                   WHERE repo_id = $1 AND kind = 'file' AND actor = $2 AND state <> 'aborted' AND revision IS NULL";
        Ok(query(sql).bind(repo).bind(actor).fetch_one(self).await?)
    }

    /// Counts files that a file request receives. Returns false, and counts nothing, if they are more than it accepts.
    pub async fn receive_files(&mut self, share: Id, files: i64, bytes: i64) -> Result<bool> {
        let sql = "UPDATE file_request SET files = files + $2, bytes = bytes + $3
                   WHERE share_id = $1 AND files + $2 <= max_files AND bytes + $3 <= max_bytes";
        Ok(query(sql).bind(share).bind(files).bind(bytes).execute(self).await? > 0)
    }

    /// Subtracts what was counted for files that could not be saved.
    pub async fn unreceive_files(&mut self, share: Id, files: i64, bytes: i64) -> Result<()> {
        let sql = "UPDATE file_request SET files = files - $2, bytes = bytes - $3 WHERE share_id = $1";
        query(sql).bind(share).bind(files).bind(bytes).execute(self).await?;
        Ok(())
    }
}
