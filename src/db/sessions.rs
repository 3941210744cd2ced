//! Browser sessions and passwords.

use sqlx_macros::FromRow;

use super::Tx;
use super::query::{query, query_scalar};
use crate::error::Result;
use crate::types::{Email, Id, Millis};

/// A session together with its user.
#[derive(Debug, Clone, FromRow)]
pub struct SessionUserRow {
    /// Id of the session.
    pub session_id: Id,
    /// Time of the sign-in.
    pub created_at: Millis,
    /// Last use, to the minute.
    pub last_used_at: Millis,
    /// Absolute expiry, independent of use.
    pub expires_at: Millis,
    /// Id of the user.
    pub user_id: Id,
    /// Name of the user.
    pub user_name: String,
    /// How the user signed in (RFC 8176, separated by spaces).
    pub amr: String,
    /// True for site administrators.
    pub admin: bool,
    /// When the user was suspended.
    pub suspended_at: Option<Millis>,
    /// When the account was closed.
    pub closed_at: Option<Millis>,
}

impl SessionUserRow {
    /// Returns true if the user may sign in.
    pub fn is_active(&self) -> bool {
        self.suspended_at.is_none() && self.closed_at.is_none()
    }
}

/// A session, as shown to its user.
#[derive(Debug, Clone, FromRow)]
pub struct SessionRow {
    /// Stable id.
    pub id: Id,
    /// Creation time.
    pub created_at: Millis,
    /// Last use, to the minute.
    pub last_used_at: Millis,
    /// Absolute expiry, independent of use.
    pub expires_at: Millis,
    /// User agent of the browser.
    pub agent: String,
    /// IP address of the sign-in.
    pub address: String,
    /// How the user signed in (RFC 8176, separated by spaces): `pwd`, or `fed` at an external provider, with `otp` for
    /// a code; or `pop mfa` with a passkey.
    pub amr: String,
}

/// An account to sign in to.
#[derive(FromRow)]
pub struct LoginRow {
    /// Id of the user.
    pub id: Id,
    /// Name of the user.
    pub name: String,
    /// Lower-cased e-mail address.
    pub email: String,
    /// Password hash (argon2id, as a PHC string); `None` if only tokens are allowed.
    pub password: Option<String>,
    /// When the user was suspended.
    pub suspended_at: Option<Millis>,
    /// When the account was closed.
    pub closed_at: Option<Millis>,
    /// When it will be removed.
    pub removal_at: Option<Millis>,
}

impl LoginRow {
    /// Returns true if the user may sign in, or reopen the account.
    pub fn is_open(&self, now: Millis) -> bool {
        self.suspended_at.is_none() && self.removal_at.is_none_or(|end| end > now)
    }
}

/// Selects an account to sign in to, by a condition.
macro_rules! login {
    ($condition:literal) => {
        concat!(
            "SELECT o.id, o.name, a.email, a.password, a.suspended_at, a.closed_at, a.removal_at
             FROM owner o JOIN account a ON a.owner_id = o.id WHERE ",
            $condition
        )
    };
}

impl Tx {
    /// Serializes changes to the credentials of a user, until the transaction ends. Must be taken before the rows are
    /// written, to avoid deadlocks. The name of the lock cannot be that of an owner: those contain no space.
    pub async fn lock_account(&mut self, user: Id) -> Result<()> {
        self.lock_name(&format!("account {user}")).await
    }

    /// Adds a session, identified by the hash of its cookie, or continues it with a new cookie.
    pub async fn put_session(&mut self, session: &SessionRow, user: Id, hash: &str) -> Result<()> {
        let sql = "INSERT INTO session (id, user_id, hash, created_at, last_used_at, expires_at, agent, address, amr)
                   VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
                   ON CONFLICT (id) DO UPDATE SET hash = $3, created_at = $4, last_used_at = $5, expires_at = $6,
                                                  agent = $7, address = $8, amr = $9";
        query(sql)
            .bind(session.id)
            .bind(user)
            .bind(hash)
            .bind(session.created_at)
            .bind(session.last_used_at)
            .bind(session.expires_at)
            .bind(&session.agent)
            .bind(&session.address)
            .bind(&session.amr)
            .execute(self)
            .await?;
        Ok(())
    }

    /// Returns the session of a cookie and its user, whether valid or not.
    pub async fn session_by_hash(&mut self, hash: &str) -> Result<Option<SessionUserRow>> {
        let sql = "SELECT s.id AS session_id, s.created_at, s.last_used_at, s.expires_at, s.amr, o.id AS user_id,
                          o.name AS user_name, a.admin, a.suspended_at, a.closed_at
                   FROM session s JOIN owner o ON o.id = s.user_id JOIN account a ON a.owner_id = o.id
                   WHERE s.hash = $1";
        Ok(query(sql).bind(hash).fetch_optional(self).await?)
    }

    /// Returns the valid sessions of a user, newest first. Those last used before `idle` have expired.
    pub async fn sessions(&mut self, user: Id, now: Millis, idle: Millis) -> Result<Vec<SessionRow>> {
        let sql = "SELECT id, created_at, last_used_at, expires_at, agent, address, amr FROM session
                   WHERE user_id = $1 AND expires_at > $2 AND last_used_at > $3 ORDER BY id DESC";
        Ok(query(sql).bind(user).bind(now).bind(idle).fetch_all(self).await?)
    }

    /// Returns true if this is a session of the user, expired or not.
    pub async fn has_session(&mut self, user: Id, id: Id) -> Result<bool> {
        let sql = "SELECT COUNT(*) FROM session WHERE user_id = $1 AND id = $2";
        let found: i64 = query_scalar(sql).bind(user).bind(id).fetch_one(self).await?;
        Ok(found > 0)
    }

    /// Updates the time a session was last used.
    pub async fn touch_session(&mut self, id: Id, now: Millis) -> Result<()> {
        let sql = "UPDATE session SET last_used_at = $2 WHERE id = $1";
        query(sql).bind(id).bind(now).execute(self).await?;
        Ok(())
    }

    /// Ends a session of a user; returns false if it does not exist.
    pub async fn end_session(&mut self, user: Id, id: Id) -> Result<bool> {
        let sql = "DELETE FROM session WHERE user_id = $1 AND id = $2";
        Ok(query(sql).bind(user).bind(id).execute(self).await? > 0)
    }

    /// Ends all sessions of a user except one.
    pub async fn end_sessions(&mut self, user: Id, but: Option<Id>) -> Result<u64> {
        let sql = "DELETE FROM session WHERE user_id = $1 AND id <> $2";
        let but = but.map(|id| id.to_string()).unwrap_or_default();
        Ok(query(sql).bind(user).bind(but).execute(self).await?)
    }

    /// Deletes expired sessions: by age, or last used before `idle`.
    pub async fn forget_sessions(&mut self, now: Millis, idle: Millis) -> Result<u64> {
        let sql = "DELETE FROM session WHERE expires_at <= $1 OR last_used_at <= $2";
        Ok(query(sql).bind(now).bind(idle).execute(self).await?)
    }

    /// Returns the account of the user with this name.
    pub async fn login_by_name(&mut self, name: &str) -> Result<Option<LoginRow>> {
        Ok(query(login!("o.name = $1")).bind(name).fetch_optional(self).await?)
    }

    /// Returns the account of the user with this e-mail address.
    pub async fn login_by_email(&mut self, email: &Email) -> Result<Option<LoginRow>> {
        Ok(query(login!("a.email = $1")).bind(email.as_str()).fetch_optional(self).await?)
    }

    /// Returns the account of a user.
    pub async fn login(&mut self, user: Id) -> Result<Option<LoginRow>> {
        Ok(query(login!("o.id = $1")).bind(user).fetch_optional(self).await?)
    }

    /// Sets the password hash of a user.
    pub async fn set_password(&mut self, user: Id, hash: &str) -> Result<()> {
        let sql = "UPDATE account SET password = $2 WHERE owner_id = $1";
        query(sql).bind(user).bind(hash).execute(self).await?;
        Ok(())
    }
}
