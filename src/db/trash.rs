//! The trash: deleted files and folders that can be restored.

use sqlx_macros::FromRow;

use super::Tx;
use super::query::{query, query_scalar};
use crate::error::Result;
use crate::types::{Id, Millis};

/// A deleted file or folder.
#[derive(Debug, Clone, FromRow)]
pub struct TrashRow {
    /// Id, ordered by time of deletion.
    pub id: String,
    /// Former path.
    pub path: String,
    /// `file` or `folder`.
    pub kind: String,
    /// Size of a file in bytes.
    pub size: Option<i64>,
    /// The last revision that contains it.
    pub revision: String,
    /// Time of deletion.
    pub deleted_at: Millis,
    /// Display name of the user who deleted it.
    pub deleted_by: String,
}

impl Tx {
    /// Adds an item to the trash.
    pub async fn insert_trash(&mut self, repo: Id, row: &TrashRow) -> Result<()> {
        let sql = "INSERT INTO trash (id, repo_id, path, kind, size, revision, deleted_at, deleted_by)
                   VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
        query(sql)
            .bind(&row.id)
            .bind(repo)
            .bind(&row.path)
            .bind(&row.kind)
            .bind(row.size)
            .bind(&row.revision)
            .bind(row.deleted_at)
            .bind(&row.deleted_by)
            .execute(self)
            .await?;
        Ok(())
    }

    /// Returns the items in the trash, newest first, after the cursor (an id, exclusive); an empty one starts at
    /// the newest.
    pub async fn trash(&mut self, repo: Id, cursor: &str, limit: i64) -> Result<Vec<TrashRow>> {
        let sql = "SELECT id, path, kind, size, revision, deleted_at, deleted_by FROM trash
                   WHERE repo_id = $1 AND ($2 = '' OR id < $2) ORDER BY id DESC LIMIT $3";
        Ok(query(sql).bind(repo).bind(cursor).bind(limit).fetch_all(self).await?)
    }

    /// Returns an item in the trash.
    pub async fn trash_row(&mut self, repo: Id, id: &str) -> Result<Option<TrashRow>> {
        let sql = "SELECT id, path, kind, size, revision, deleted_at, deleted_by FROM trash
                   WHERE repo_id = $1 AND id = $2";
        Ok(query(sql).bind(repo).bind(id).fetch_optional(self).await?)
    }

    /// Counts the items in the trash.
    pub async fn trash_count(&mut self, repo: Id) -> Result<i64> {
        let sql = "SELECT COUNT(*) FROM trash WHERE repo_id = $1";
        Ok(query_scalar(sql).bind(repo).fetch_one(self).await?)
    }

    /// Removes an item from the trash; returns true if it was there.
    pub async fn delete_trash(&mut self, repo: Id, id: &str) -> Result<bool> {
        let sql = "DELETE FROM trash WHERE repo_id = $1 AND id = $2";
        Ok(query(sql).bind(repo).bind(id).execute(self).await? > 0)
    }
}
