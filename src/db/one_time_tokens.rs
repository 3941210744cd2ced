//! One-time tokens of e-mail links.

use sqlx_macros::FromRow;

use super::Tx;
use super::query::{query, query_scalar};
use crate::error::Result;
use crate::types::{Id, Millis};

/// A one-time token.
#[derive(Debug, Clone, FromRow)]
pub struct OneTimeTokenRow {
    /// Stable id.
    pub id: Id,
    /// JSON, with a schema for each kind.
    pub subject: String,
    /// Expiry.
    pub expires_at: Millis,
}

impl Tx {
    /// Adds a token, identified by its hash. It is deleted with its user, if it has one.
    #[expect(clippy::too_many_arguments, reason = "one argument per column")]
    pub async fn insert_ticket(
        &mut self,
        id: Id,
        kind: &str,
        hash: &str,
        subject: &str,
        user: Option<Id>,
        now: Millis,
        expires_at: Millis,
    ) -> Result<()> {
        let sql = "INSERT INTO one_time_token (id, kind, hash, subject, user_id, created_at, expires_at)
                   VALUES ($1, $2, $3, $4, $5, $6, $7)";
        let user = user.map(|user| user.to_string());
        query(sql)
            .bind(id)
            .bind(kind)
            .bind(hash)
            .bind(subject)
            .bind(user)
            .bind(now)
            .bind(expires_at)
            .execute(self)
            .await?;
        Ok(())
    }

    /// Returns a token that is still valid.
    pub async fn ticket(&mut self, kind: &str, hash: &str, now: Millis) -> Result<Option<OneTimeTokenRow>> {
        let sql = "SELECT id, subject, expires_at FROM one_time_token
                   WHERE hash = $1 AND kind = $2 AND used_at IS NULL AND expires_at > $3";
        Ok(query(sql).bind(hash).bind(kind).bind(now).fetch_optional(self).await?)
    }

    /// Uses a token that is still valid. Only one of two concurrent calls succeeds.
    pub async fn use_ticket(&mut self, kind: &str, hash: &str, now: Millis) -> Result<Option<OneTimeTokenRow>> {
        let sql = "UPDATE one_time_token SET used_at = $3
                   WHERE hash = $1 AND kind = $2 AND used_at IS NULL AND expires_at > $3
                   RETURNING id, subject, expires_at";
        Ok(query(sql).bind(hash).bind(kind).bind(now).fetch_optional(self).await?)
    }

    /// Returns the subject of a token, whether it is valid or not.
    pub async fn ticket_subject(&mut self, id: Id) -> Result<Option<String>> {
        let sql = "SELECT subject FROM one_time_token WHERE id = $1";
        Ok(query_scalar(sql).bind(id).fetch_optional(self).await?)
    }

    /// Changes the subject of a token.
    pub async fn set_ticket_subject(&mut self, id: Id, subject: &str) -> Result<()> {
        query("UPDATE one_time_token SET subject = $2 WHERE id = $1").bind(id).bind(subject).execute(self).await?;
        Ok(())
    }

    /// Revokes an unused token; returns false if it does not exist.
    pub async fn withdraw_ticket(&mut self, id: Id) -> Result<bool> {
        let sql = "DELETE FROM one_time_token WHERE id = $1 AND used_at IS NULL";
        Ok(query(sql).bind(id).execute(self).await? > 0)
    }

    /// Revokes the tokens of a kind that were issued for a user.
    pub async fn withdraw_tickets_of(&mut self, kind: &str, user: Id) -> Result<()> {
        let sql = "DELETE FROM one_time_token WHERE kind = $1 AND user_id = $2";
        query(sql).bind(kind).bind(user).execute(self).await?;
        Ok(())
    }

    /// Revokes all tokens of a kind.
    pub async fn withdraw_tickets(&mut self, kind: &str) -> Result<()> {
        query("DELETE FROM one_time_token WHERE kind = $1").bind(kind).execute(self).await?;
        Ok(())
    }

    /// Deletes tokens that expired before the given time. Returns their number.
    pub async fn forget_tickets(&mut self, before: Millis) -> Result<u64> {
        Ok(query("DELETE FROM one_time_token WHERE expires_at < $1").bind(before).execute(self).await?)
    }

    /// Deletes tokens of a kind that expired before the given time.
    pub async fn forget_tickets_of(&mut self, kind: &str, before: Millis) -> Result<()> {
        let sql = "DELETE FROM one_time_token WHERE kind = $1 AND expires_at < $2";
        query(sql).bind(kind).bind(before).execute(self).await?;
        Ok(())
    }
}
