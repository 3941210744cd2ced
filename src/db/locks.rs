//! Locks of paths (Git LFS locking API).

use sqlx_macros::FromRow;

use super::query::query;
use super::{Tx, taken};
use crate::error::Result;
use crate::types::{Id, Millis};

/// A lock.
#[derive(Debug, Clone, FromRow)]
pub struct LockRow {
    /// Stable id, ordered by time.
    pub id: String,
    /// Normalized path, relative to the repository.
    pub path: String,
    /// The ref that it applies to; empty for all.
    pub ref_name: String,
    /// Stable key of the actor who holds it.
    pub owner: String,
    /// Display name of the holder.
    pub owner_name: String,
    /// Creation time.
    pub locked_at: Millis,
}

impl Tx {
    /// Creates a lock. Conflict if the path is locked.
    pub async fn insert_lock(&mut self, repo: Id, lock: &LockRow) -> Result<()> {
        let sql = "INSERT INTO lfs_lock (id, repo_id, path, ref_name, owner, owner_name, locked_at)
                   VALUES ($1, $2, $3, $4, $5, $6, $7)";
        query(sql)
            .bind(&lock.id)
            .bind(repo)
            .bind(&lock.path)
            .bind(&lock.ref_name)
            .bind(&lock.owner)
            .bind(&lock.owner_name)
            .bind(lock.locked_at)
            .execute(self)
            .await
            .map_err(|error| taken(error, || format!("`{}` is already locked", lock.path)))?;
        Ok(())
    }

    /// Returns the lock of a path.
    pub async fn lock_of(&mut self, repo: Id, path: &str) -> Result<Option<LockRow>> {
        let sql = "SELECT id, path, ref_name, owner, owner_name, locked_at FROM lfs_lock
                   WHERE repo_id = $1 AND path = $2";
        Ok(query(sql).bind(repo).bind(path).fetch_optional(self).await?)
    }

    /// Returns a lock by its id.
    pub async fn lock(&mut self, repo: Id, id: &str) -> Result<Option<LockRow>> {
        let sql = "SELECT id, path, ref_name, owner, owner_name, locked_at FROM lfs_lock
                   WHERE repo_id = $1 AND id = $2";
        Ok(query(sql).bind(repo).bind(id).fetch_optional(self).await?)
    }

    /// Returns locks, newest first, after the cursor (the id of a lock, exclusive). An empty path, id or cursor
    /// does not filter.
    pub async fn locks(&mut self, repo: Id, path: &str, id: &str, cursor: &str, limit: i64) -> Result<Vec<LockRow>> {
        let sql = "SELECT id, path, ref_name, owner, owner_name, locked_at FROM lfs_lock
                   WHERE repo_id = $1 AND ($2 = '' OR path = $2) AND ($3 = '' OR id = $3)
                     AND ($4 = '' OR id < $4)
                   ORDER BY id DESC LIMIT $5";
        Ok(query(sql).bind(repo).bind(path).bind(id).bind(cursor).bind(limit).fetch_all(self).await?)
    }

    /// Returns the locks that others hold.
    pub async fn foreign_locks(&mut self, repo: Id, owner: &str) -> Result<Vec<LockRow>> {
        let sql = "SELECT id, path, ref_name, owner, owner_name, locked_at FROM lfs_lock
                   WHERE repo_id = $1 AND owner <> $2 ORDER BY path";
        Ok(query(sql).bind(repo).bind(owner).fetch_all(self).await?)
    }

    /// Releases a lock; returns false if it does not exist.
    pub async fn delete_lock(&mut self, repo: Id, id: &str) -> Result<bool> {
        let sql = "DELETE FROM lfs_lock WHERE repo_id = $1 AND id = $2";
        Ok(query(sql).bind(repo).bind(id).execute(self).await? > 0)
    }
}
