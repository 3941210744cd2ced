//! Applications (OAuth clients), what users allowed them, and their logins.

use sqlx_macros::FromRow;

use super::Tx;
use super::query::{query, query_scalar};
use crate::error::Result;
use crate::types::{Id, Millis};

/// An application.
#[derive(Debug, Clone, FromRow)]
pub struct ClientRow {
    /// Stable id.
    pub id: Id,
    /// The user or organisation that owns it.
    pub owner_id: Id,
    /// Name of the owner.
    pub owner: String,
    /// Name, for people; not unique.
    pub name: String,
    /// URL of its home page; empty if there is none.
    pub home: String,
    /// Hash of its secret; `None` for a public client.
    pub secret: Option<String>,
    /// Hash of the secret before.
    pub previous_secret: Option<String>,
    /// Until when the secret before is valid.
    pub previous_until: Option<Millis>,
    /// Redirect URLs, as JSON.
    pub redirects: String,
    /// The scopes that it may ask for, separated by spaces.
    pub scopes: String,
    /// Creation time.
    pub created_at: Millis,
    /// When it was disabled.
    pub disabled_at: Option<Millis>,
}

/// What a user allowed an application.
#[derive(Debug, Clone, FromRow)]
pub struct ConsentRow {
    /// Stable id.
    pub id: Id,
    /// The application.
    pub client_id: Id,
    /// Name of the application.
    pub client: String,
    /// Name of the application's owner.
    pub owner: String,
    /// The scopes, separated by spaces; empty if they were revoked.
    pub scopes: String,
    /// When they were changed last.
    pub changed_at: Millis,
}

/// A login of a user at an application, with everything that its tokens depend on.
#[derive(Debug, Clone, FromRow)]
pub struct AppLoginRow {
    /// Stable id.
    pub id: Id,
    /// The application.
    pub client_id: Id,
    /// When the application was disabled.
    pub disabled_at: Option<Millis>,
    /// The user.
    pub user_id: Id,
    /// Name of the user.
    pub user_name: String,
    /// When the user was suspended.
    pub suspended_at: Option<Millis>,
    /// When the account was closed.
    pub closed_at: Option<Millis>,
    /// The scopes of the login.
    pub scopes: String,
    /// The scopes that the user allows the application now.
    pub consented: String,
    /// The browser session that the login ends with; `None` if it outlives it.
    pub session_id: Option<Id>,
    /// Expiry of that session; `None` if it has ended.
    pub session_expires_at: Option<Millis>,
    /// Last use of that session.
    pub session_used_at: Option<Millis>,
    /// When the user signed in.
    pub auth_at: Millis,
    /// How the user signed in (RFC 8176), separated by spaces.
    pub amr: String,
    /// Generation of the valid refresh token.
    pub generation: i64,
    /// When that refresh token was issued.
    pub rotated_at: Millis,
    /// Creation time.
    pub created_at: Millis,
    /// Expiry without a refresh.
    pub expires_at: Millis,
    /// When it was ended.
    pub ended_at: Option<Millis>,
}

macro_rules! client {
    ($condition:literal) => {
        concat!(
            "SELECT c.id, c.owner_id, o.name AS owner, c.name, c.home, c.secret, c.previous_secret, c.previous_until,
                    c.redirects, c.scopes, c.created_at, c.disabled_at
             FROM oauth_client c JOIN owner o ON o.id = c.owner_id WHERE ",
            $condition
        )
    };
}

impl Tx {
    /// Adds an application.
    pub async fn insert_client(&mut self, client: &ClientRow) -> Result<()> {
        let sql = "INSERT INTO oauth_client (id, owner_id, name, home, secret, redirects, scopes, created_at)
                   VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
        query(sql)
            .bind(client.id)
            .bind(client.owner_id)
            .bind(&client.name)
            .bind(&client.home)
            .bind(&client.secret)
            .bind(&client.redirects)
            .bind(&client.scopes)
            .bind(client.created_at)
            .execute(self)
            .await?;
        Ok(())
    }

    /// Returns an application.
    pub async fn client(&mut self, id: Id) -> Result<Option<ClientRow>> {
        Ok(query(client!("c.id = $1")).bind(id).fetch_optional(self).await?)
    }

    /// Returns the applications of an owner, newest first.
    pub async fn clients(&mut self, owner: Id) -> Result<Vec<ClientRow>> {
        Ok(query(client!("c.owner_id = $1 ORDER BY c.id DESC")).bind(owner).fetch_all(self).await?)
    }

    /// Changes an application; not its secret.
    pub async fn update_client(&mut self, client: &ClientRow) -> Result<()> {
        let sql = "UPDATE oauth_client SET name = $2, home = $3, redirects = $4, scopes = $5, disabled_at = $6
                   WHERE id = $1";
        query(sql)
            .bind(client.id)
            .bind(&client.name)
            .bind(&client.home)
            .bind(&client.redirects)
            .bind(&client.scopes)
            .bind(client.disabled_at)
            .execute(self)
            .await?;
        Ok(())
    }

    /// Replaces the secret of a confidential application; the one before stays valid until the given time. Returns
    /// false for a public client.
    pub async fn replace_client_secret(&mut self, id: Id, hash: &str, until: Millis) -> Result<bool> {
        let sql = "UPDATE oauth_client SET previous_secret = secret, previous_until = $3, secret = $2
                   WHERE id = $1 AND secret IS NOT NULL";
        Ok(query(sql).bind(id).bind(hash).bind(until).execute(self).await? > 0)
    }

    /// Deletes an application with its consents and logins.
    pub async fn delete_client(&mut self, id: Id) -> Result<()> {
        query("DELETE FROM oauth_client WHERE id = $1").bind(id).execute(self).await?;
        Ok(())
    }

    /// Returns the scopes that a user allows an application; `None` if they were never asked.
    pub async fn consent(&mut self, user: Id, client: Id) -> Result<Option<String>> {
        let sql = "SELECT scopes FROM consent WHERE user_id = $1 AND client_id = $2";
        Ok(query_scalar(sql).bind(user).bind(client).fetch_optional(self).await?)
    }

    /// Returns what a user allows applications, by their names.
    pub async fn consents(&mut self, user: Id) -> Result<Vec<ConsentRow>> {
        let sql = "SELECT s.id, s.client_id, c.name AS client, o.name AS owner, s.scopes, s.changed_at
                   FROM consent s JOIN oauth_client c ON c.id = s.client_id JOIN owner o ON o.id = c.owner_id
                   WHERE s.user_id = $1 AND s.scopes <> '' ORDER BY c.name, c.id";
        Ok(query(sql).bind(user).fetch_all(self).await?)
    }

    /// Sets the scopes that a user allows an application.
    pub async fn put_consent(&mut self, id: Id, user: Id, client: Id, scopes: &str, now: Millis) -> Result<()> {
        let sql = "INSERT INTO consent (id, user_id, client_id, scopes, given_at, changed_at)
                   VALUES ($1, $2, $3, $4, $5, $5)
                   ON CONFLICT (user_id, client_id) DO UPDATE SET scopes = $4, changed_at = $5";
        query(sql).bind(id).bind(user).bind(client).bind(scopes).bind(now).execute(self).await?;
        Ok(())
    }

    /// Revokes what a user allows an application, and ends its logins. Returns false if it was allowed nothing.
    pub async fn end_consent(&mut self, user: Id, client: Id, now: Millis) -> Result<bool> {
        let sql = "UPDATE consent SET scopes = '', changed_at = $3
                   WHERE user_id = $1 AND client_id = $2 AND scopes <> ''";
        let ended = query(sql).bind(user).bind(client).bind(now).execute(self).await? > 0;
        let sql = "UPDATE oauth_login SET ended_at = $3 WHERE user_id = $1 AND client_id = $2 AND ended_at IS NULL";
        query(sql).bind(user).bind(client).bind(now).execute(self).await?;
        Ok(ended)
    }

    /// Adds a login, with the first generation of its refresh token.
    #[expect(clippy::too_many_arguments, reason = "one argument per column")]
    pub async fn insert_app_login(
        &mut self,
        id: Id,
        client: Id,
        user: Id,
        session: Option<Id>,
        scopes: &str,
        (auth_at, amr): (Millis, &str),
        now: Millis,
        expires_at: Millis,
    ) -> Result<()> {
        let sql =
            "INSERT INTO oauth_login (id, client_id, user_id, session_id, scopes, auth_at, amr, generation, rotated_at,
                                      created_at, expires_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, 0, $8, $8, $9)";
        query(sql)
            .bind(id)
            .bind(client)
            .bind(user)
            .bind(session)
            .bind(scopes)
            .bind(auth_at)
            .bind(amr)
            .bind(now)
            .bind(expires_at)
            .execute(self)
            .await?;
        Ok(())
    }

    /// Returns a login, valid or not.
    pub async fn app_login(&mut self, id: Id) -> Result<Option<AppLoginRow>> {
        let sql = "SELECT l.id, l.client_id, c.disabled_at, l.user_id, o.name AS user_name, a.suspended_at,
                          a.closed_at, l.scopes, COALESCE(s.scopes, '') AS consented, l.session_id,
                          b.expires_at AS session_expires_at, b.last_used_at AS session_used_at, l.auth_at, l.amr,
                          l.generation, l.rotated_at, l.created_at, l.expires_at, l.ended_at
                   FROM oauth_login l JOIN oauth_client c ON c.id = l.client_id JOIN owner o ON o.id = l.user_id
                        JOIN account a ON a.owner_id = l.user_id
                        LEFT JOIN consent s ON s.user_id = l.user_id AND s.client_id = l.client_id
                        LEFT JOIN session b ON b.id = l.session_id AND b.user_id = l.user_id
                   WHERE l.id = $1";
        Ok(query(sql).bind(id).fetch_optional(self).await?)
    }

    /// Replaces the refresh token of a login by the next generation. Only one of two concurrent calls succeeds.
    pub async fn rotate_app_login(&mut self, id: Id, from: i64, now: Millis, expires_at: Millis) -> Result<bool> {
        let sql = "UPDATE oauth_login SET generation = generation + 1, rotated_at = $3, expires_at = $4
                   WHERE id = $1 AND generation = $2 AND ended_at IS NULL";
        Ok(query(sql).bind(id).bind(from).bind(now).bind(expires_at).execute(self).await? > 0)
    }

    /// Ends a login; returns false if it had ended.
    pub async fn end_app_login(&mut self, id: Id, now: Millis) -> Result<bool> {
        let sql = "UPDATE oauth_login SET ended_at = $2 WHERE id = $1 AND ended_at IS NULL";
        Ok(query(sql).bind(id).bind(now).execute(self).await? > 0)
    }

    /// Ends all logins of a user at applications.
    pub async fn end_app_logins(&mut self, user: Id, now: Millis) -> Result<()> {
        let sql = "UPDATE oauth_login SET ended_at = $2 WHERE user_id = $1 AND ended_at IS NULL";
        query(sql).bind(user).bind(now).execute(self).await?;
        Ok(())
    }

    /// Deletes logins that expired before the given time. Returns their number.
    pub async fn forget_app_logins(&mut self, before: Millis) -> Result<u64> {
        Ok(query("DELETE FROM oauth_login WHERE expires_at < $1").bind(before).execute(self).await?)
    }

    /// Returns when a session of a user began, and how the user signed in.
    pub async fn session_began(&mut self, user: Id, session: Id) -> Result<Option<(Millis, String)>> {
        let sql = "SELECT created_at, amr FROM session WHERE user_id = $1 AND id = $2";
        Ok(query(sql).bind(user).bind(session).fetch_optional(self).await?)
    }

    /// Returns the id of a one-time token that was used before.
    pub async fn used_ticket(&mut self, kind: &str, hash: &str) -> Result<Option<Id>> {
        let sql = "SELECT id FROM one_time_token WHERE kind = $1 AND hash = $2 AND used_at IS NOT NULL";
        Ok(query_scalar(sql).bind(kind).bind(hash).fetch_optional(self).await?)
    }
}
