//! What people change of their accounts, and how these end.

use super::{Tx, exec, run, taken};
use crate::error::Result;
use crate::types::{Email, Id, Millis, OwnerKind, Role};

impl Tx {
    /// Whether anybody may administer the site.
    pub async fn has_administrator(&mut self) -> Result<bool> {
        let query = "SELECT COUNT(*) FROM (SELECT 1 AS one FROM account
                     WHERE admin AND suspended_at IS NULL AND closed_at IS NULL LIMIT 1) AS found";
        let found: i64 = run!(self, on => sqlx::query_scalar(query).fetch_one(on))?;
        Ok(found > 0)
    }

    /// Changes what people know a user as.
    pub async fn set_display_name(&mut self, user: Id, name: &str) -> Result<()> {
        let query = "UPDATE account SET display_name = $2 WHERE owner_id = $1";
        exec!(self, sqlx::query(query).bind(user.to_string()).bind(name))?;
        Ok(())
    }

    /// Changes a user's address. Conflict if it is in use.
    pub async fn set_email(&mut self, user: Id, email: &Email) -> Result<()> {
        let query = "UPDATE account SET email = $2 WHERE owner_id = $1";
        exec!(self, sqlx::query(query).bind(user.to_string()).bind(email.as_str()))
            .map_err(|error| taken(error, || format!("the address `{email}` has an account already")))?;
        Ok(())
    }

    /// Closes an account, or opens it again: when it was closed, and when it goes.
    pub async fn set_closed(&mut self, user: Id, closed: Option<(Millis, Millis)>) -> Result<()> {
        let query = "UPDATE account SET closed_at = $2, removal_at = $3 WHERE owner_id = $1";
        let (closed_at, removal_at) = closed.unzip();
        exec!(self, sqlx::query(query).bind(user.to_string()).bind(closed_at).bind(removal_at))?;
        Ok(())
    }

    /// The names of the organisations that would have no owner without this user.
    pub async fn organisations_only_of(&mut self, user: Id) -> Result<Vec<String>> {
        let query = "SELECT o.name FROM member m JOIN owner o ON o.id = m.organisation_id
                     WHERE m.user_id = $1 AND m.role = $2 AND NOT EXISTS (
                         SELECT 1 FROM member n JOIN account a ON a.owner_id = n.user_id
                         WHERE n.organisation_id = m.organisation_id AND n.user_id <> $1 AND n.role = $2
                         AND a.closed_at IS NULL)
                     ORDER BY o.name";
        let (user, role) = (user.to_string(), Role::Owner.as_str());
        Ok(run!(self, on => sqlx::query_scalar(query).bind(&user).bind(role).fetch_all(on))?)
    }

    /// The names of all datasets of an owner, without it.
    pub async fn dataset_names_of(&mut self, owner: Id) -> Result<Vec<String>> {
        let query = "SELECT name FROM dataset WHERE owner_id = $1 ORDER BY name";
        Ok(run!(self, on => sqlx::query_scalar(query).bind(owner.to_string()).fetch_all(on))?)
    }

    /// Removes a user who was closed, with tokens, sessions, memberships and the links that the user made. Datasets must
    /// be gone before.
    pub async fn delete_user(&mut self, user: Id) -> Result<()> {
        self.end_links_of(user).await?;
        let query = "DELETE FROM owner WHERE id = $1 AND kind = $2";
        exec!(self, sqlx::query(query).bind(user.to_string()).bind(OwnerKind::User.as_str()))?;
        Ok(())
    }

    /// Revokes a token of a user; false if there is none, or it is revoked already.
    pub async fn revoke_token_of(&mut self, user: Id, id: Id, now: Millis) -> Result<bool> {
        let query = "UPDATE token SET revoked_at = $3 WHERE id = $2 AND user_id = $1 AND revoked_at IS NULL";
        Ok(exec!(self, sqlx::query(query).bind(user.to_string()).bind(id.to_string()).bind(now))? > 0)
    }
}
