//! Applications (OAuth clients) and their logins.

use sqlx_macros::FromRow;

use super::Tx;
use super::query::{query, query_scalar};
use crate::error::Result;
use crate::types::{Id, Millis, PlatformRole};

/// An application.
#[derive(Debug, Clone, FromRow)]
pub struct ClientRow {
    /// Stable id.
    pub id: Id,
    /// The user or organisation that owns it; `None` for one of the server itself.
    pub owner_id: Option<Id>,
    /// Name of the owner; empty without one.
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
    /// The grant types that it may use, separated by spaces.
    pub grants: String,
    /// The scopes that it may ask for, separated by spaces.
    pub scopes: String,
    /// The account that it acts as with client credentials.
    pub acts_as: Option<Id>,
    /// Name of that account.
    pub acts_as_name: Option<String>,
    /// Redirect URLs after a logout, as JSON.
    pub logout_redirects: String,
    /// URL to notify of logouts.
    pub logout_url: Option<String>,
    /// Which application of the catalogue it is.
    pub application: Option<String>,
    /// The platform roles that may sign in, as JSON; an empty list means all users.
    pub roles: String,
    /// Exceptions to the rules for applications, separated by spaces.
    pub traits: String,
    /// The URI by which other applications ask for tokens for it.
    pub audience: Option<String>,
    /// The installed app that it belongs to.
    pub install_id: Option<Id>,
    /// True if that is a container, which gets its secret when it starts.
    pub is_container: bool,
    /// Creation time.
    pub created_at: Millis,
    /// When it was disabled.
    pub disabled_at: Option<Millis>,
    /// True if its owner is suspended or has closed the account.
    pub is_owner_barred: bool,
}

impl ClientRow {
    /// Returns true if it may be used.
    pub fn is_enabled(&self) -> bool {
        self.disabled_at.is_none() && !self.is_owner_barred
    }
}

/// A login of a user at an application, with everything that its tokens depend on.
#[derive(Debug, Clone, FromRow)]
pub struct AppLoginRow {
    /// Stable id.
    pub id: Id,
    /// The application.
    pub client_id: Id,
    /// When the application was disabled, or its owner was suspended or closed the account.
    pub disabled_at: Option<Millis>,
    /// The owner of the application.
    pub owner_id: Option<Id>,
    /// Which application of the catalogue it is.
    pub application: Option<String>,
    /// The platform roles that may sign in, as JSON.
    pub roles: String,
    /// The platform role that the user has now in the organisation that owns the application.
    pub platform_role: Option<PlatformRole>,
    /// The user.
    pub user_id: Id,
    /// Name of the user.
    pub user_name: String,
    /// When the user was suspended.
    pub suspended_at: Option<Millis>,
    /// When the account was closed.
    pub closed_at: Option<Millis>,
    /// The grant type by which it began.
    pub grant_type: String,
    /// The scopes of the login.
    pub scopes: String,
    /// The server that its access tokens are for; `None` for this one.
    pub resource_id: Option<Id>,
    /// The URI of that server now.
    pub resource: Option<String>,
    /// False if there are no tokens for that server now: it is disabled, or the application may not ask for it.
    pub is_resource_open: bool,
    /// The scopes that the application may ask for now.
    pub client_scopes: String,
    /// The scopes that the user allows the application now at this server; with client credentials, those of the application.
    pub allowed: String,
    /// What the user allowed the application; `None` with client credentials.
    pub consent_id: Option<Id>,
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

/// A login that has ended, of which its application is notified.
#[derive(Debug, Clone, FromRow)]
pub struct LogoutRow {
    /// Stable id, which is the `sid` of its tokens.
    pub id: Id,
    /// The application.
    pub client_id: Id,
    /// The user.
    pub user_id: Id,
    /// When it ended.
    pub ended_at: Millis,
    /// The URL to notify.
    pub logout_url: String,
    /// True for applications of administrators.
    pub is_of_admin: bool,
    /// True for applications of organisations.
    pub is_of_organisation: bool,
}

/// A new login.
pub struct NewAppLogin<'a> {
    /// Stable id: that of the code, if there was one.
    pub id: Id,
    /// The application.
    pub client: Id,
    /// The user.
    pub user: Id,
    /// The grant type by which it begins.
    pub grant_type: &'a str,
    /// The browser session that it ends with.
    pub session: Option<Id>,
    /// The scopes, separated by spaces.
    pub scopes: &'a str,
    /// The server that its access tokens are for; `None` for this one.
    pub resource: Option<Id>,
    /// When the user signed in.
    pub auth_at: Millis,
    /// How the user signed in.
    pub amr: &'a str,
}

macro_rules! client {
    ($condition:literal) => {
        concat!(
            "SELECT c.id, c.owner_id, COALESCE(o.name, '') AS owner, c.name, c.home, c.secret, c.previous_secret,
                    c.previous_until, c.redirects, c.grants, c.scopes, c.acts_as, a.name AS acts_as_name,
                    c.logout_redirects, c.logout_url, c.application, c.roles, c.traits, c.audience,
                    c.install_id, i.image IS NOT NULL AS is_container, c.created_at, c.disabled_at,
                    (d.suspended_at IS NOT NULL OR d.closed_at IS NOT NULL) AS is_owner_barred
             FROM oauth_client c LEFT JOIN owner o ON o.id = c.owner_id LEFT JOIN owner a ON a.id = c.acts_as
                  LEFT JOIN account d ON d.owner_id = c.owner_id
                  LEFT JOIN app_install i ON i.id = c.install_id WHERE ",
            $condition
        )
    };
}

impl Tx {
    /// Adds an application.
    pub async fn insert_client(&mut self, client: &ClientRow) -> Result<()> {
        let sql = "INSERT INTO oauth_client (id, owner_id, name, home, secret, redirects, grants, scopes, acts_as,
                                             logout_redirects, logout_url, created_at, application, roles, traits,
                                             audience, install_id)
                   VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)";
        query(sql)
            .bind(client.id)
            .bind(client.owner_id)
            .bind(&client.name)
            .bind(&client.home)
            .bind(&client.secret)
            .bind(&client.redirects)
            .bind(&client.grants)
            .bind(&client.scopes)
            .bind(client.acts_as)
            .bind(&client.logout_redirects)
            .bind(&client.logout_url)
            .bind(client.created_at)
            .bind(&client.application)
            .bind(&client.roles)
            .bind(&client.traits)
            .bind(&client.audience)
            .bind(client.install_id)
            .execute(self)
            .await?;
        Ok(())
    }

    /// Returns an application.
    pub async fn client(&mut self, id: Id) -> Result<Option<ClientRow>> {
        Ok(query(client!("c.id = $1")).bind(id).fetch_optional(self).await?)
    }

    /// Returns the application with this audience.
    pub async fn client_by_audience(&mut self, audience: &str) -> Result<Option<ClientRow>> {
        Ok(query(client!("c.audience = $1")).bind(audience).fetch_optional(self).await?)
    }

    /// Returns the server with this audience, if the application may ask for it.
    pub async fn resource(&mut self, client: Id, audience: &str) -> Result<Option<ClientRow>> {
        let sql = client!(
            "c.audience = $1 AND EXISTS (SELECT 1 FROM oauth_resource x WHERE x.client_id = $2 AND x.server_id = c.id)"
        );
        Ok(query(sql).bind(audience).bind(client).fetch_optional(self).await?)
    }

    /// Returns the applications of an owner, newest first.
    pub async fn clients(&mut self, owner: Id) -> Result<Vec<ClientRow>> {
        Ok(query(client!("c.owner_id = $1 ORDER BY c.id DESC")).bind(owner).fetch_all(self).await?)
    }

    /// Changes an application; not its secret.
    pub async fn update_client(&mut self, client: &ClientRow) -> Result<()> {
        let sql =
            "UPDATE oauth_client SET name = $2, home = $3, redirects = $4, grants = $5, scopes = $6, acts_as = $7,
                                     logout_redirects = $8, logout_url = $9, disabled_at = $10, application = $11,
                                     roles = $12, traits = $13, audience = $14
                   WHERE id = $1";
        query(sql)
            .bind(client.id)
            .bind(&client.name)
            .bind(&client.home)
            .bind(&client.redirects)
            .bind(&client.grants)
            .bind(&client.scopes)
            .bind(client.acts_as)
            .bind(&client.logout_redirects)
            .bind(&client.logout_url)
            .bind(client.disabled_at)
            .bind(&client.application)
            .bind(&client.roles)
            .bind(&client.traits)
            .bind(&client.audience)
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

    /// Adds a login, with the first generation of its refresh token.
    pub async fn insert_app_login(&mut self, login: &NewAppLogin<'_>, now: Millis, expires_at: Millis) -> Result<()> {
        let sql = "INSERT INTO oauth_login (id, client_id, user_id, grant_type, session_id, scopes, auth_at, amr,
                                            generation, rotated_at, created_at, expires_at, resource_id)
                   VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 0, $9, $9, $10, $11)";
        query(sql)
            .bind(login.id)
            .bind(login.client)
            .bind(login.user)
            .bind(login.grant_type)
            .bind(login.session)
            .bind(login.scopes)
            .bind(login.auth_at)
            .bind(login.amr)
            .bind(now)
            .bind(expires_at)
            .bind(login.resource)
            .execute(self)
            .await?;
        Ok(())
    }

    /// Returns a login, valid or not.
    pub async fn app_login(&mut self, id: Id) -> Result<Option<AppLoginRow>> {
        let sql = "SELECT l.id, l.client_id, COALESCE(c.disabled_at, d.suspended_at, d.closed_at) AS disabled_at, c.owner_id, c.application, c.roles,
                          p.role AS platform_role, l.user_id, o.name AS user_name, a.suspended_at,
                          a.closed_at, l.grant_type, l.scopes, l.resource_id, r.audience AS resource,
                          (l.resource_id IS NULL OR (r.audience IS NOT NULL AND r.disabled_at IS NULL
                                                     AND x.client_id IS NOT NULL)) AS is_resource_open,
                          c.scopes AS client_scopes,
                          CASE WHEN l.grant_type = 'client_credentials'
                                   THEN CASE WHEN c.acts_as IS NULL OR c.acts_as <> l.user_id THEN ''
                                             WHEN c.install_id IS NULL THEN c.scopes
                                             ELSE COALESCE(s.scopes, '') END
                               WHEN l.resource_id IS NULL THEN COALESCE(s.scopes, '')
                               ELSE COALESCE(e.scopes, '') END AS allowed,
                          s.id AS consent_id, l.session_id,
                          b.expires_at AS session_expires_at, b.last_used_at AS session_used_at, l.auth_at, l.amr,
                          l.generation, l.rotated_at, l.created_at, l.expires_at, l.ended_at
                   FROM oauth_login l JOIN oauth_client c ON c.id = l.client_id JOIN owner o ON o.id = l.user_id
                        JOIN account a ON a.owner_id = l.user_id
                        LEFT JOIN consent s ON s.user_id = l.user_id AND s.client_id = l.client_id
                        LEFT JOIN account d ON d.owner_id = c.owner_id
                        LEFT JOIN oauth_client r ON r.id = l.resource_id
                        LEFT JOIN oauth_resource x ON x.client_id = l.client_id AND x.server_id = l.resource_id
                        LEFT JOIN consent_resource e ON e.consent_id = s.id AND e.server_id = l.resource_id
                        LEFT JOIN session b ON b.id = l.session_id AND b.user_id = l.user_id
                        LEFT JOIN platform_role p ON p.organisation_id = c.owner_id AND p.user_id = l.user_id
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

    /// Ends the logins of applications that are notified of logouts, if they can no longer be used: sessions last used before
    /// `idle` have expired.
    pub async fn end_unusable_app_logins(&mut self, now: Millis, idle: Millis) -> Result<u64> {
        let sql = "UPDATE oauth_login SET ended_at = $1
                   WHERE ended_at IS NULL
                     AND client_id IN (SELECT id FROM oauth_client WHERE logout_url IS NOT NULL)
                     AND (expires_at <= $1
                          OR user_id IN (SELECT owner_id FROM account
                                         WHERE suspended_at IS NOT NULL OR closed_at IS NOT NULL)
                          OR (session_id IS NOT NULL
                              AND NOT EXISTS (SELECT 1 FROM session b WHERE b.id = oauth_login.session_id
                                              AND b.expires_at > $1 AND b.last_used_at > $2)))";
        Ok(query(sql).bind(now).bind(idle).execute(self).await?)
    }

    /// Returns ended logins whose applications have not been notified yet, the oldest first.
    pub async fn unreported_logouts(&mut self, now: Millis, limit: i64) -> Result<Vec<LogoutRow>> {
        let sql = "SELECT l.id, l.client_id, l.user_id, l.ended_at, c.logout_url,
                          COALESCE(a.admin, FALSE) AS is_of_admin,
                          a.owner_id IS NULL AS is_of_organisation
                   FROM oauth_login l JOIN oauth_client c ON c.id = l.client_id
                        LEFT JOIN account a ON a.owner_id = c.owner_id
                   WHERE c.logout_url IS NOT NULL AND l.ended_at IS NOT NULL AND l.notified_at IS NULL
                         AND (l.retry_at IS NULL OR l.retry_at <= $1)
                   ORDER BY l.ended_at LIMIT $2";
        Ok(query(sql).bind(now).bind(limit).fetch_all(self).await?)
    }

    /// Records that an application was notified of a logout, or when to try again.
    pub async fn set_logout_notified(
        &mut self,
        id: Id,
        notified_at: Option<Millis>,
        retry_at: Option<Millis>,
    ) -> Result<()> {
        let sql = "UPDATE oauth_login SET notified_at = $2, retry_at = $3 WHERE id = $1";
        query(sql).bind(id).bind(notified_at).bind(retry_at).execute(self).await?;
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
