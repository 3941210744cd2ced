//! Idempotency keys of commits: repeating a request makes no second commit.

use super::Tx;
use super::query::query;
use crate::error::Result;
use crate::types::{Id, Millis};

/// The result of a request with an idempotency key.
pub struct KeyRow<'a> {
    /// The dataset.
    pub repo: Id,
    /// Owner of the key, as [`Actor::key`](crate::access::Actor::key).
    pub actor: &'a str,
    /// The key.
    pub name: &'a str,
    /// Digest of the request.
    pub digest: &'a str,
    /// Revision that the request created.
    pub revision: &'a str,
}

impl Tx {
    /// Returns digest and revision of the request with this key since `after`.
    pub async fn idempotency_key(
        &mut self,
        repo: Id,
        actor: &str,
        name: &str,
        after: Millis,
    ) -> Result<Option<(String, String)>> {
        let sql = "SELECT digest, revision FROM idempotency_key
                   WHERE repo_id = $1 AND actor = $2 AND name = $3 AND created_at > $4";
        Ok(query(sql).bind(repo).bind(actor).bind(name).bind(after).fetch_optional(self).await?)
    }

    /// Stores the result of a request. Returns true if the key was free: never used, or not since `after`.
    pub async fn keep_idempotency_key(&mut self, row: &KeyRow<'_>, after: Millis, now: Millis) -> Result<bool> {
        let sql = "INSERT INTO idempotency_key (repo_id, actor, name, digest, revision, created_at)
                   VALUES ($1, $2, $3, $4, $5, $6)
                   ON CONFLICT (repo_id, actor, name) DO UPDATE
                   SET digest = excluded.digest, revision = excluded.revision, created_at = excluded.created_at
                   WHERE idempotency_key.created_at <= $7";
        let kept = query(sql)
            .bind(row.repo)
            .bind(row.actor)
            .bind(row.name)
            .bind(row.digest)
            .bind(row.revision)
            .bind(now)
            .bind(after)
            .execute(self)
            .await?;
        Ok(kept > 0)
    }

    /// Deletes keys that were used before the given time. Returns their number.
    pub async fn forget_idempotency_keys(&mut self, before: Millis) -> Result<u64> {
        Ok(query("DELETE FROM idempotency_key WHERE created_at <= $1").bind(before).execute(self).await?)
    }
}
