//! The trash: deleted files and folders that can be restored.

use sqlx_macros::FromRow;

use super::Tx;
use super::query::{query, query_scalar};
use crate::error::Result;
use crate::types::{Id, Millis};

/// Number of rows that one statement reads or writes.
const AT_ONCE: usize = 1000;

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

impl TrashRow {
    fn json(&self) -> String {
        let Self { id, path, kind, size, revision, deleted_at, deleted_by } = self;
        let row = serde_json::json!({
            "id": id, "path": path, "kind": kind, "size": size, "revision": revision, "deleted_at": deleted_at.0,
            "deleted_by": deleted_by,
        });
        row.to_string()
    }
}

impl Tx {
    /// Adds items to the trash, with one statement for many.
    pub async fn insert_trash(&mut self, repo: Id, rows: &[TrashRow]) -> Result<()> {
        let sql = match self {
            Self::Sqlite(_) => {
                "INSERT INTO trash (id, repo_id, path, kind, size, revision, deleted_at, deleted_by)
                 SELECT value ->> 'id', $1, value ->> 'path', value ->> 'kind', value ->> 'size', value ->> 'revision',
                 value ->> 'deleted_at', value ->> 'deleted_by' FROM json_each($2)"
            }
            Self::Postgres(_) => {
                "INSERT INTO trash (id, repo_id, path, kind, size, revision, deleted_at, deleted_by)
                 SELECT value ->> 'id', $1, value ->> 'path', value ->> 'kind', (value ->> 'size')::bigint,
                 value ->> 'revision', (value ->> 'deleted_at')::bigint, value ->> 'deleted_by'
                 FROM (SELECT item::json AS value FROM unnest($2) item) items"
            }
        };
        for rows in rows.chunks(AT_ONCE) {
            let items: Vec<String> = rows.iter().map(TrashRow::json).collect();
            query(sql).bind(repo).bind(&items[..]).execute(self).await?;
        }
        Ok(())
    }

    /// Returns the items in the trash, newest first, after the cursor (an id, exclusive); an empty one starts at
    /// the newest.
    pub async fn trash(&mut self, repo: Id, cursor: &str, limit: i64) -> Result<Vec<TrashRow>> {
        let sql = "SELECT id, path, kind, size, revision, deleted_at, deleted_by FROM trash
                   WHERE repo_id = $1 AND ($2 = '' OR id < $2) ORDER BY id DESC LIMIT $3";
        Ok(query(sql).bind(repo).bind(cursor).bind(limit).fetch_all(self).await?)
    }

    /// Returns those of these items that are in the trash, in no particular order.
    pub async fn trash_rows(&mut self, repo: Id, ids: &[&str]) -> Result<Vec<TrashRow>> {
        let sql = match self {
            Self::Sqlite(_) => {
                "SELECT id, path, kind, size, revision, deleted_at, deleted_by FROM trash
                 WHERE repo_id = $1 AND id IN (SELECT value FROM json_each($2))"
            }
            Self::Postgres(_) => {
                "SELECT id, path, kind, size, revision, deleted_at, deleted_by FROM trash
                 WHERE repo_id = $1 AND id = ANY($2)"
            }
        };
        let mut found = Vec::with_capacity(ids.len());
        for ids in ids.chunks(AT_ONCE) {
            found.extend(query(sql).bind(repo).bind(ids).fetch_all::<TrashRow>(self).await?);
        }
        Ok(found)
    }

    /// Counts the items in the trash.
    pub async fn trash_count(&mut self, repo: Id) -> Result<i64> {
        let sql = "SELECT COUNT(*) FROM trash WHERE repo_id = $1";
        Ok(query_scalar(sql).bind(repo).fetch_one(self).await?)
    }

    /// Removes items from the trash; returns how many of them were there.
    pub async fn delete_trash(&mut self, repo: Id, ids: &[&str]) -> Result<u64> {
        let sql = match self {
            Self::Sqlite(_) => "DELETE FROM trash WHERE repo_id = $1 AND id IN (SELECT value FROM json_each($2))",
            Self::Postgres(_) => "DELETE FROM trash WHERE repo_id = $1 AND id = ANY($2)",
        };
        let mut deleted = 0;
        for ids in ids.chunks(AT_ONCE) {
            deleted += query(sql).bind(repo).bind(ids).execute(self).await?;
        }
        Ok(deleted)
    }
}
