//! Derivations: files that the server computes from others.

use sqlx_macros::FromRow;

use super::query::{query, query_scalar};
use super::{Tx, dataset_deleted};
use crate::error::Result;
use crate::types::{DerivationState, Id, Millis};

/// A derivation.
#[derive(Debug, Clone, FromRow)]
pub struct DerivationRow {
    /// Id, ordered by time.
    pub id: Id,
    /// What is done: `convert`.
    pub kind: String,
    /// The dataset.
    pub repo_id: Id,
    /// The revision that is read.
    pub revision: String,
    /// The name of the table.
    pub source: String,
    /// The branch that gets the file.
    pub branch: String,
    /// The path of the file.
    pub target: String,
    /// True if the file may exist already.
    pub overwrite: bool,
    /// Digest of everything that the result depends on.
    pub digest: String,
    /// The user with whose rights it is made.
    pub user_id: Id,
    /// The name of that user.
    pub user_name: String,
    /// How far it is.
    pub state: DerivationState,
    /// The part of the work that is done, in thousandths.
    pub progress: i64,
    /// How often it was begun.
    pub attempts: i64,
    /// Number of rows.
    pub rows: Option<i64>,
    /// Size of the file in bytes.
    pub bytes: Option<i64>,
    /// Why it failed, or has to be tried again.
    pub error: String,
    /// The revision that has the file.
    pub result: Option<String>,
    /// When it was asked for.
    pub created_at: Millis,
    /// When it was done or failed.
    pub finished_at: Option<Millis>,
}

/// How a derivation ended.
#[derive(Debug, Clone)]
pub struct DerivationEnd {
    /// Done or failed.
    pub state: DerivationState,
    /// Number of rows.
    pub rows: Option<i64>,
    /// Size of the file in bytes.
    pub bytes: Option<i64>,
    /// Why it failed.
    pub error: String,
    /// The revision that has the file.
    pub result: Option<String>,
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT v.id, v.kind, v.repo_id, v.revision, v.source, v.branch, v.target, v.overwrite, v.digest, v.user_id,
                    o.name AS user_name, v.state, v.progress, v.attempts, v.rows, v.bytes, v.error, v.result,
                    v.created_at, v.finished_at
             FROM derivation v JOIN owner o ON o.id = v.user_id ",
            $rest
        )
    };
}

impl Tx {
    /// Adds a derivation, unless one with the same digest is not finished. Returns true if it was added.
    ///
    /// # Errors
    /// Not found if the dataset was deleted.
    pub async fn insert_derivation(&mut self, row: &DerivationRow) -> Result<bool> {
        let sql =
            "INSERT INTO derivation (id, kind, repo_id, revision, source, branch, target, overwrite, digest, user_id,
                                           state, progress, attempts, error, created_at)
                   VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 0, 0, '', $12)
                   ON CONFLICT (repo_id, digest) WHERE finished_at IS NULL DO NOTHING";
        let added = query(sql)
            .bind(row.id)
            .bind(&row.kind)
            .bind(row.repo_id)
            .bind(&row.revision)
            .bind(&row.source)
            .bind(&row.branch)
            .bind(&row.target)
            .bind(row.overwrite)
            .bind(&row.digest)
            .bind(row.user_id)
            .bind(row.state.as_str())
            .bind(row.created_at)
            .execute(self)
            .await
            .map_err(dataset_deleted)?;
        Ok(added > 0)
    }

    /// Returns a derivation.
    pub async fn derivation(&mut self, id: Id) -> Result<Option<DerivationRow>> {
        Ok(query(select!("WHERE v.id = $1")).bind(id).fetch_optional(self).await?)
    }

    /// Returns the newest derivation of a dataset with this digest.
    pub async fn derivation_by_digest(&mut self, repo: Id, digest: &str) -> Result<Option<DerivationRow>> {
        let sql = select!("WHERE v.repo_id = $1 AND v.digest = $2 ORDER BY v.id DESC LIMIT 1");
        Ok(query(sql).bind(repo).bind(digest).fetch_optional(self).await?)
    }

    /// Returns the derivations of a dataset, newest first, after the cursor (an id, exclusive); an empty one starts at the
    /// newest.
    pub async fn derivations(&mut self, repo: Id, cursor: &str, limit: i64) -> Result<Vec<DerivationRow>> {
        let sql = select!("WHERE v.repo_id = $1 AND ($2 = '' OR v.id < $2) ORDER BY v.id DESC LIMIT $3");
        Ok(query(sql).bind(repo).bind(cursor).bind(limit).fetch_all(self).await?)
    }

    /// Counts the derivations of a user that are not finished.
    pub async fn open_derivations(&mut self, user: Id) -> Result<i64> {
        let sql = "SELECT COUNT(*) FROM derivation WHERE user_id = $1 AND finished_at IS NULL";
        Ok(query_scalar(sql).bind(user).fetch_one(self).await?)
    }

    /// Records that a derivation is begun, unless it is finished. Returns how often it was.
    pub async fn begin_derivation(&mut self, id: Id) -> Result<Option<i64>> {
        let sql = "UPDATE derivation SET state = 'running', progress = 0, attempts = attempts + 1
                   WHERE id = $1 AND finished_at IS NULL RETURNING attempts";
        Ok(query_scalar(sql).bind(id).fetch_optional(self).await?)
    }

    /// Records how far a derivation is, in thousandths. Returns true if it is still to be made.
    pub async fn set_derivation_progress(&mut self, id: Id, progress: i64) -> Result<bool> {
        let sql = "UPDATE derivation SET progress = $2 WHERE id = $1 AND finished_at IS NULL";
        Ok(query(sql).bind(id).bind(progress).execute(self).await? > 0)
    }

    /// Records that a derivation has to be tried again.
    pub async fn postpone_derivation(&mut self, id: Id, error: &str) -> Result<()> {
        let sql = "UPDATE derivation SET state = 'waiting', progress = 0, error = $2
                   WHERE id = $1 AND finished_at IS NULL";
        query(sql).bind(id).bind(error).execute(self).await?;
        Ok(())
    }

    /// Ends a derivation, unless it is finished.
    pub async fn finish_derivation(&mut self, id: Id, end: &DerivationEnd, now: Millis) -> Result<()> {
        let sql = "UPDATE derivation SET state = $2, rows = $3, bytes = $4, error = $5, result = $6, finished_at = $7,
                          progress = CASE WHEN $2 = 'done' THEN 1000 ELSE progress END
                   WHERE id = $1 AND finished_at IS NULL";
        query(sql)
            .bind(id)
            .bind(end.state.as_str())
            .bind(end.rows)
            .bind(end.bytes)
            .bind(&end.error)
            .bind(end.result.as_deref())
            .bind(now)
            .execute(self)
            .await?;
        Ok(())
    }

    /// Deletes the finished derivations of a dataset but the newest ones.
    pub async fn trim_derivations(&mut self, repo: Id, keep: i64) -> Result<()> {
        let sql = "DELETE FROM derivation WHERE repo_id = $1 AND finished_at IS NOT NULL AND id NOT IN (
                       SELECT id FROM derivation WHERE repo_id = $1 ORDER BY id DESC LIMIT $2)";
        query(sql).bind(repo).bind(keep).execute(self).await?;
        Ok(())
    }

    /// Deletes derivations that were finished before a time.
    pub async fn forget_derivations(&mut self, before: Millis) -> Result<u64> {
        Ok(query("DELETE FROM derivation WHERE finished_at < $1").bind(before).execute(self).await?)
    }
}
