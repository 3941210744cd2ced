//! What was deleted in the browser, and can be brought back.

use sqlx::FromRow;

use super::{Tx, exec, run};
use crate::error::Result;
use crate::types::{Id, Millis};

/// A file or a folder that was deleted.
#[derive(Debug, Clone, FromRow)]
pub struct TrashRow {
    /// Ordered by the time of its deletion.
    pub id: String,
    /// Where it stood.
    pub path: String,
    /// `file` or `folder`.
    pub kind: String,
    /// Bytes of a file.
    pub size: Option<i64>,
    /// The last revision that has it.
    pub revision: String,
    /// When it was deleted.
    pub deleted_at: Millis,
    /// Who did it, by a name for people.
    pub deleted_by: String,
}

impl Tx {
    /// Puts something into the trash.
    pub async fn insert_trash(&mut self, repo: Id, row: &TrashRow) -> Result<()> {
        let query = "INSERT INTO trash (id, repo_id, path, kind, size, revision, deleted_at, deleted_by)
                     VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
        exec!(
            self,
            sqlx::query(query)
                .bind(&row.id)
                .bind(repo.to_string())
                .bind(&row.path)
                .bind(&row.kind)
                .bind(row.size)
                .bind(&row.revision)
                .bind(row.deleted_at)
                .bind(&row.deleted_by)
        )?;
        Ok(())
    }

    /// What lies in the trash, the newest first, from the cursor (an id, exclusive) on; an empty one does not narrow.
    pub async fn trash(&mut self, repo: Id, cursor: &str, limit: i64) -> Result<Vec<TrashRow>> {
        let query = "SELECT id, path, kind, size, revision, deleted_at, deleted_by FROM trash
                     WHERE repo_id = $1 AND ($2 = '' OR id < $2) ORDER BY id DESC LIMIT $3";
        Ok(run!(self, on => sqlx::query_as(query).bind(repo.to_string()).bind(cursor).bind(limit).fetch_all(on))?)
    }

    /// Something in the trash.
    pub async fn trash_row(&mut self, repo: Id, id: &str) -> Result<Option<TrashRow>> {
        let query = "SELECT id, path, kind, size, revision, deleted_at, deleted_by FROM trash
                     WHERE repo_id = $1 AND id = $2";
        Ok(run!(self, on => sqlx::query_as(query).bind(repo.to_string()).bind(id).fetch_optional(on))?)
    }

    /// How much lies in the trash.
    pub async fn trash_count(&mut self, repo: Id) -> Result<i64> {
        let query = "SELECT COUNT(*) FROM trash WHERE repo_id = $1";
        Ok(run!(self, on => sqlx::query_scalar(query).bind(repo.to_string()).fetch_one(on))?)
    }

    /// Forgets something in the trash. Gives whether it was there.
    pub async fn delete_trash(&mut self, repo: Id, id: &str) -> Result<bool> {
        let query = "DELETE FROM trash WHERE repo_id = $1 AND id = $2";
        Ok(exec!(self, sqlx::query(query).bind(repo.to_string()).bind(id))? > 0)
    }
}
