//! Second factors: TOTP secrets and recovery codes.

use sqlx_macros::FromRow;

use super::Tx;
use super::one_time_tokens::OneTimeTokenRow;
use super::query::{query, query_scalar};
use crate::error::Result;
use crate::types::{Id, Millis};

/// The TOTP secret of a user, with the recovery codes.
#[derive(FromRow)]
pub struct TotpRow {
    /// The secret, sealed with the server secret.
    pub secret: String,
    /// When the first code was entered; `None` if the secret is not in use yet.
    pub confirmed_at: Option<Millis>,
    /// JSON list of the hashes of unused recovery codes.
    pub codes: String,
}

impl Tx {
    /// Returns the TOTP secret of a user, confirmed or not.
    pub async fn totp(&mut self, user: Id) -> Result<Option<TotpRow>> {
        let sql = "SELECT secret, confirmed_at, codes FROM totp WHERE user_id = $1";
        Ok(query(sql).bind(user).fetch_optional(self).await?)
    }

    /// Returns true if the user has a confirmed second factor.
    pub async fn has_second_factor(&mut self, user: Id) -> Result<bool> {
        let sql = "SELECT COUNT(*) FROM totp WHERE user_id = $1 AND confirmed_at IS NOT NULL";
        let found: i64 = query_scalar(sql).bind(user).fetch_one(self).await?;
        Ok(found > 0)
    }

    /// Stores a new secret that is to be confirmed. Returns false if the user has a confirmed one, which is kept.
    pub async fn put_totp(&mut self, user: Id, secret: &str) -> Result<bool> {
        let sql = "INSERT INTO totp (user_id, secret, last_step, codes) VALUES ($1, $2, 0, '[]')
                   ON CONFLICT (user_id) DO UPDATE SET secret = excluded.secret WHERE totp.confirmed_at IS NULL";
        Ok(query(sql).bind(user).bind(secret).execute(self).await? > 0)
    }

    /// Confirms the secret of a user by a code of this time step. Returns false if there is no secret to confirm.
    pub async fn confirm_totp(&mut self, user: Id, step: i64, codes: &str, now: Millis) -> Result<bool> {
        let sql = "UPDATE totp SET confirmed_at = $4, last_step = $2, codes = $3
                   WHERE user_id = $1 AND confirmed_at IS NULL";
        Ok(query(sql).bind(user).bind(step).bind(codes).bind(now).execute(self).await? > 0)
    }

    /// Records that the code of a time step was used. Only one of two concurrent calls succeeds, and none with an
    /// earlier step.
    pub async fn use_totp_step(&mut self, user: Id, step: i64) -> Result<bool> {
        let sql = "UPDATE totp SET last_step = $2
                   WHERE user_id = $1 AND confirmed_at IS NOT NULL AND last_step < $2";
        Ok(query(sql).bind(user).bind(step).execute(self).await? > 0)
    }

    /// Replaces the recovery codes of a user, unless they have changed since `before`.
    pub async fn set_recovery_codes(&mut self, user: Id, before: &str, after: &str) -> Result<bool> {
        let sql = "UPDATE totp SET codes = $3 WHERE user_id = $1 AND codes = $2 AND confirmed_at IS NOT NULL";
        Ok(query(sql).bind(user).bind(before).bind(after).execute(self).await? > 0)
    }

    /// Removes the second factor of a user. Returns false if there is none.
    pub async fn delete_totp(&mut self, user: Id) -> Result<bool> {
        Ok(query("DELETE FROM totp WHERE user_id = $1").bind(user).execute(self).await? > 0)
    }

    /// Records a further method by which the user of a session has signed in.
    pub async fn add_session_amr(&mut self, session: Id, method: &str) -> Result<()> {
        let sql = "UPDATE session SET amr = amr || ' ' || $2 WHERE id = $1";
        query(sql).bind(session).bind(method).execute(self).await?;
        Ok(())
    }

    /// Counts an attempt with a one-time token that is still valid. Returns `None` if it is not, or if there were `most`
    /// attempts already.
    pub async fn try_ticket(
        &mut self,
        kind: &str,
        hash: &str,
        now: Millis,
        most: i64,
    ) -> Result<Option<OneTimeTokenRow>> {
        let sql = "UPDATE one_time_token SET attempts = attempts + 1
                   WHERE hash = $1 AND kind = $2 AND used_at IS NULL AND expires_at > $3 AND attempts < $4
                   RETURNING id, subject, expires_at";
        Ok(query(sql).bind(hash).bind(kind).bind(now).bind(most).fetch_optional(self).await?)
    }
}
