//! Users, organisations, members and tokens.

use sqlx_macros::FromRow;

use super::query::{query, query_scalar};
use super::{Tx, taken};
use crate::error::Result;
use crate::types::{Email, Id, Millis, OwnerKind, OwnerName, Role};

/// A user with an account.
#[derive(Debug, Clone, FromRow)]
pub struct UserRow {
    /// Owner id of the user.
    pub id: Id,
    /// Owner name of the user.
    pub name: String,
    /// Lower-cased e-mail address.
    pub email: String,
    /// True for site administrators.
    pub admin: bool,
    /// When the user was suspended.
    pub suspended_at: Option<Millis>,
    /// When the account was closed; it is removed later.
    pub closed_at: Option<Millis>,
    /// Display name; may be empty.
    pub display_name: String,
    /// Creation time.
    pub created_at: Millis,
    /// Digest of the avatar.
    pub avatar: Option<String>,
}

impl UserRow {
    /// Returns true if the user may sign in.
    pub fn is_active(&self) -> bool {
        self.suspended_at.is_none() && self.closed_at.is_none()
    }
}

/// A user or an organisation.
#[derive(Debug, Clone, FromRow)]
pub struct OwnerRow {
    /// Stable id.
    pub id: Id,
    /// User or organisation.
    pub kind: OwnerKind,
}

/// A personal access token, without its secret.
#[derive(Debug, Clone, FromRow)]
pub struct TokenRow {
    /// Stable id.
    pub id: Id,
    /// Name given by the user.
    pub name: String,
    /// Space-separated scopes.
    pub scopes: String,
    /// Creation time.
    pub created_at: Millis,
    /// Expiry, if any.
    pub expires_at: Option<Millis>,
    /// Last use, to the minute.
    pub last_used_at: Option<Millis>,
    /// When it was revoked.
    pub revoked_at: Option<Millis>,
}

/// A token together with its user.
#[derive(Debug, Clone, FromRow)]
pub struct TokenUserRow {
    /// Id of the token.
    pub token_id: Id,
    /// Space-separated scopes.
    pub scopes: String,
    /// Expiry, if any.
    pub expires_at: Option<Millis>,
    /// When it was revoked.
    pub revoked_at: Option<Millis>,
    /// Last use, to the minute.
    pub last_used_at: Option<Millis>,
    /// Id of the user.
    pub user_id: Id,
    /// Name of the user.
    pub user_name: String,
    /// True for site administrators.
    pub admin: bool,
    /// When the user was suspended.
    pub suspended_at: Option<Millis>,
    /// When the account was closed.
    pub closed_at: Option<Millis>,
}

impl Tx {
    /// Adds an owner. Conflict if the name is taken.
    pub async fn insert_owner(&mut self, id: Id, name: &OwnerName, kind: OwnerKind, now: Millis) -> Result<()> {
        let sql = "INSERT INTO owner (id, name, kind, created_at) VALUES ($1, $2, $3, $4)";
        query(sql)
            .bind(id)
            .bind(name.as_str())
            .bind(kind.as_str())
            .bind(now)
            .execute(self)
            .await
            .map_err(|error| taken(error, || format!("the name `{name}` is taken")))?;
        Ok(())
    }

    /// Adds the account of a user. Conflict if the e-mail address is in use.
    pub async fn insert_account(&mut self, id: Id, email: &Email, password: Option<&str>, admin: bool) -> Result<()> {
        let sql = "INSERT INTO account (owner_id, email, password, admin) VALUES ($1, $2, $3, $4)";
        query(sql)
            .bind(id)
            .bind(email.as_str())
            .bind(password)
            .bind(admin)
            .execute(self)
            .await
            .map_err(|error| taken(error, || format!("the address `{email}` already has an account")))?;
        Ok(())
    }

    /// Returns the owner with this name.
    pub async fn owner(&mut self, name: &OwnerName) -> Result<Option<OwnerRow>> {
        let sql = "SELECT id, kind FROM owner WHERE name = $1";
        Ok(query(sql).bind(name.as_str()).fetch_optional(self).await?)
    }

    /// Returns the e-mail address of a user.
    pub async fn email(&mut self, user: Id) -> Result<Option<String>> {
        let sql = "SELECT email FROM account WHERE owner_id = $1";
        Ok(query_scalar(sql).bind(user).fetch_optional(self).await?)
    }

    /// Returns the user with this name.
    pub async fn user(&mut self, name: &OwnerName) -> Result<Option<UserRow>> {
        let sql = "SELECT o.id, o.name, a.email, a.admin, a.suspended_at, a.closed_at, a.display_name, o.created_at,
                          v.digest AS avatar
                   FROM owner o JOIN account a ON a.owner_id = o.id LEFT JOIN avatar v ON v.owner_id = o.id WHERE o.name = $1";
        Ok(query(sql).bind(name.as_str()).fetch_optional(self).await?)
    }

    /// Returns the user with this e-mail address.
    pub async fn user_by_email(&mut self, email: &Email) -> Result<Option<UserRow>> {
        let sql = "SELECT o.id, o.name, a.email, a.admin, a.suspended_at, a.closed_at, a.display_name, o.created_at,
                          v.digest AS avatar
                   FROM owner o JOIN account a ON a.owner_id = o.id LEFT JOIN avatar v ON v.owner_id = o.id WHERE a.email = $1";
        Ok(query(sql).bind(email.as_str()).fetch_optional(self).await?)
    }

    /// Returns the user with this id.
    pub async fn user_by_id(&mut self, id: Id) -> Result<Option<UserRow>> {
        let sql = "SELECT o.id, o.name, a.email, a.admin, a.suspended_at, a.closed_at, a.display_name, o.created_at,
                          v.digest AS avatar
                   FROM owner o JOIN account a ON a.owner_id = o.id LEFT JOIN avatar v ON v.owner_id = o.id WHERE o.id = $1";
        Ok(query(sql).bind(id).fetch_optional(self).await?)
    }

    /// Returns all users by name.
    pub async fn users(&mut self) -> Result<Vec<UserRow>> {
        let sql = "SELECT o.id, o.name, a.email, a.admin, a.suspended_at, a.closed_at, a.display_name, o.created_at,
                          v.digest AS avatar
                   FROM owner o JOIN account a ON a.owner_id = o.id LEFT JOIN avatar v ON v.owner_id = o.id ORDER BY o.name";
        Ok(query(sql).fetch_all(self).await?)
    }

    /// Suspends a user since the given time, or lifts the suspension.
    pub async fn set_suspended(&mut self, user: Id, since: Option<Millis>) -> Result<()> {
        let sql = "UPDATE account SET suspended_at = $2 WHERE owner_id = $1";
        query(sql).bind(user).bind(since).execute(self).await?;
        Ok(())
    }

    /// Returns the names of all organisations, in order.
    pub async fn organisations(&mut self) -> Result<Vec<String>> {
        let sql = "SELECT name FROM owner WHERE kind = $1 ORDER BY name";
        Ok(query_scalar(sql).bind(OwnerKind::Organisation.as_str()).fetch_all(self).await?)
    }

    /// Adds a member, or changes the role of one.
    pub async fn put_member(&mut self, organisation: Id, user: Id, role: Role) -> Result<()> {
        let sql = "INSERT INTO member (organisation_id, user_id, role) VALUES ($1, $2, $3)
                   ON CONFLICT (organisation_id, user_id) DO UPDATE SET role = excluded.role";
        query(sql).bind(organisation).bind(user).bind(role.as_str()).execute(self).await?;
        Ok(())
    }

    /// Removes a member, also from groups; returns false if there was none.
    pub async fn delete_member(&mut self, organisation: Id, user: Id) -> Result<bool> {
        self.leave_groups(organisation, user).await?;
        let sql = "DELETE FROM member WHERE organisation_id = $1 AND user_id = $2";
        Ok(query(sql).bind(organisation).bind(user).execute(self).await? > 0)
    }

    /// Returns the members of an organisation with their roles, by name.
    pub async fn members(&mut self, organisation: Id) -> Result<Vec<(String, String)>> {
        let sql = "SELECT o.name, m.role FROM member m JOIN owner o ON o.id = m.user_id
                   WHERE m.organisation_id = $1 ORDER BY o.name";
        Ok(query(sql).bind(organisation).fetch_all(self).await?)
    }

    /// Returns the organisations of a user with the roles there, by name.
    pub async fn memberships(&mut self, user: Id) -> Result<Vec<(String, String)>> {
        let sql = "SELECT o.name, m.role FROM member m JOIN owner o ON o.id = m.organisation_id
                   WHERE m.user_id = $1 ORDER BY o.name";
        Ok(query(sql).bind(user).fetch_all(self).await?)
    }

    /// Returns the role of a user in an organisation.
    pub async fn member_role(&mut self, organisation: Id, user: Id) -> Result<Option<Role>> {
        let sql = "SELECT role FROM member WHERE organisation_id = $1 AND user_id = $2";
        let role: Option<String> = query_scalar(sql).bind(organisation).bind(user).fetch_optional(self).await?;
        role.map(|role| role.parse()).transpose()
    }

    /// Adds a token, identified by its hash.
    #[expect(clippy::too_many_arguments, reason = "one argument per column")]
    pub async fn insert_token(
        &mut self,
        id: Id,
        user: Id,
        name: &str,
        hash: &str,
        scopes: &str,
        now: Millis,
        expires_at: Option<Millis>,
    ) -> Result<()> {
        let sql = "INSERT INTO token (id, user_id, name, hash, scopes, created_at, expires_at)
                   VALUES ($1, $2, $3, $4, $5, $6, $7)";
        query(sql)
            .bind(id)
            .bind(user)
            .bind(name)
            .bind(hash)
            .bind(scopes)
            .bind(now)
            .bind(expires_at)
            .execute(self)
            .await?;
        Ok(())
    }

    /// Returns the token with this hash and its user, whether valid or not.
    pub async fn token_by_hash(&mut self, hash: &str) -> Result<Option<TokenUserRow>> {
        let sql = "SELECT t.id AS token_id, t.scopes, t.expires_at, t.revoked_at, t.last_used_at,
                          o.id AS user_id, o.name AS user_name, a.admin, a.suspended_at, a.closed_at
                   FROM token t JOIN owner o ON o.id = t.user_id JOIN account a ON a.owner_id = o.id
                   WHERE t.hash = $1";
        Ok(query(sql).bind(hash).fetch_optional(self).await?)
    }

    /// Returns a user's tokens, newest first.
    pub async fn tokens(&mut self, user: Id) -> Result<Vec<TokenRow>> {
        let sql = "SELECT id, name, scopes, created_at, expires_at, last_used_at, revoked_at
                   FROM token WHERE user_id = $1 ORDER BY id DESC";
        Ok(query(sql).bind(user).fetch_all(self).await?)
    }

    /// Revokes a token; returns false if it does not exist or was already revoked.
    pub async fn revoke_token(&mut self, id: Id, now: Millis) -> Result<bool> {
        let sql = "UPDATE token SET revoked_at = $2 WHERE id = $1 AND revoked_at IS NULL";
        Ok(query(sql).bind(id).bind(now).execute(self).await? > 0)
    }

    /// Updates the time a token was last used.
    pub async fn touch_token(&mut self, id: Id, now: Millis) -> Result<()> {
        let sql = "UPDATE token SET last_used_at = $2 WHERE id = $1";
        query(sql).bind(id).bind(now).execute(self).await?;
        Ok(())
    }
}
