//! Account changes and removal, and retired names.

use sqlx_macros::FromRow;

use super::query::{query, query_scalar};
use super::{Tx, taken};
use crate::error::Result;
use crate::types::{DisplayName, Email, Id, Millis, OwnerKind, OwnerName, Role};

/// A user to suggest.
#[derive(Debug, Clone, FromRow)]
pub struct SuggestedRow {
    /// Name.
    pub name: String,
    /// Display name; may be empty.
    pub display_name: String,
}

impl Tx {
    /// Returns active users that a user knows, by name: members of the same organisations, and those with whom the user
    /// has shared something. Their name, or a word of their display name, begins with this text in lower case.
    pub async fn known_people(&mut self, user: Id, text: &str, limit: i64) -> Result<Vec<SuggestedRow>> {
        let sql = "SELECT o.name, a.display_name FROM (
                       SELECT n.user_id FROM member m JOIN member n ON n.organisation_id = m.organisation_id
                       WHERE m.user_id = $1
                       UNION SELECT s.user_id FROM share s WHERE s.creator_id = $1 AND s.user_id IS NOT NULL
                   ) AS known JOIN owner o ON o.id = known.user_id JOIN account a ON a.owner_id = o.id
                   WHERE o.id <> $1 AND a.suspended_at IS NULL AND a.closed_at IS NULL
                   AND (o.name LIKE $2 ESCAPE '!' OR lower(a.display_name) LIKE $2 ESCAPE '!'
                        OR lower(a.display_name) LIKE $3 ESCAPE '!')
                   ORDER BY o.name LIMIT $4";
        let escaped = text.replace('!', "!!").replace('%', "!%").replace('_', "!_");
        let (start, word) = (format!("{escaped}%"), format!("% {escaped}%"));
        Ok(query(sql).bind(user).bind(&start).bind(&word).bind(limit).fetch_all(self).await?)
    }

    /// Returns active users, except one, whose name begins with this text.
    pub async fn people_named(&mut self, except: Id, start: &str, limit: i64) -> Result<Vec<SuggestedRow>> {
        // The characters of names are below DEL. The operators of PostgreSQL compare bytes, whatever its collation is.
        let sql = match self {
            Self::Sqlite(_) => {
                "SELECT o.name, a.display_name FROM owner o JOIN account a ON a.owner_id = o.id
                 WHERE o.kind = $1 AND o.name >= $2 AND o.name < $3 AND o.id <> $4
                 AND a.suspended_at IS NULL AND a.closed_at IS NULL ORDER BY o.name LIMIT $5"
            }
            Self::Postgres(_) => {
                "SELECT o.name, a.display_name FROM owner o JOIN account a ON a.owner_id = o.id
                 WHERE o.kind = $1 AND o.name ~>=~ $2 AND o.name ~<~ $3 AND o.id <> $4
                 AND a.suspended_at IS NULL AND a.closed_at IS NULL ORDER BY o.name USING ~<~ LIMIT $5"
            }
        };
        let end = format!("{start}\u{7f}");
        let kind = OwnerKind::User.as_str();
        Ok(query(sql).bind(kind).bind(start).bind(&end).bind(except).bind(limit).fetch_all(self).await?)
    }

    /// Returns the active user with this e-mail address, if they are in an organisation of this user.
    pub async fn colleague_by_email(&mut self, user: Id, email: &Email) -> Result<Option<SuggestedRow>> {
        let sql = "SELECT o.name, a.display_name FROM account a JOIN owner o ON o.id = a.owner_id
                   WHERE a.email = $2 AND o.id <> $1 AND a.suspended_at IS NULL AND a.closed_at IS NULL
                   AND EXISTS (SELECT 1 FROM member m JOIN member n ON n.organisation_id = m.organisation_id
                               WHERE m.user_id = $1 AND n.user_id = o.id)";
        Ok(query(sql).bind(user).bind(email.as_str()).fetch_optional(self).await?)
    }

    /// Returns true if there is an administrator, even a suspended or closed one: a site that had one is not new,
    /// and its operator can reactivate them.
    pub async fn has_administrator(&mut self) -> Result<bool> {
        let sql = "SELECT COUNT(*) FROM (SELECT 1 AS one FROM account WHERE admin LIMIT 1) AS found";
        let found: i64 = query_scalar(sql).fetch_one(self).await?;
        Ok(found > 0)
    }

    /// Changes the display name of a user.
    pub async fn set_display_name(&mut self, user: Id, name: &DisplayName) -> Result<()> {
        let sql = "UPDATE account SET display_name = $2 WHERE owner_id = $1";
        query(sql).bind(user).bind(name.as_str()).execute(self).await?;
        Ok(())
    }

    /// Changes the e-mail address of a user. Conflict if it is in use.
    pub async fn set_email(&mut self, user: Id, email: &Email) -> Result<()> {
        let sql = "UPDATE account SET email = $2 WHERE owner_id = $1";
        query(sql)
            .bind(user)
            .bind(email.as_str())
            .execute(self)
            .await
            .map_err(|error| taken(error, || format!("the address `{email}` already has an account")))?;
        Ok(())
    }

    /// Closes an account, with the times of closing and removal, or reopens it.
    pub async fn set_closed(&mut self, user: Id, closed: Option<(Millis, Millis)>) -> Result<()> {
        let sql = "UPDATE account SET closed_at = $2, removal_at = $3 WHERE owner_id = $1";
        let (closed_at, removal_at) = closed.unzip();
        query(sql).bind(user).bind(closed_at).bind(removal_at).execute(self).await?;
        Ok(())
    }

    /// Returns the names of the organisations that a user is an owner of, in order.
    pub async fn organisations_owned_by(&mut self, user: Id) -> Result<Vec<String>> {
        let sql = "SELECT o.name FROM member m JOIN owner o ON o.id = m.organisation_id
                   WHERE m.user_id = $1 AND m.role = $2 ORDER BY o.name";
        let (user, role) = (user.to_string(), Role::Owner.as_str());
        Ok(query_scalar(sql).bind(&user).bind(role).fetch_all(self).await?)
    }

    /// Returns the names of the organisations that would have no active owner without this user: suspended and
    /// closed accounts do not count.
    pub async fn organisations_only_of(&mut self, user: Id) -> Result<Vec<String>> {
        let sql = "SELECT o.name FROM member m JOIN owner o ON o.id = m.organisation_id
                   WHERE m.user_id = $1 AND m.role = $2 AND NOT EXISTS (
                       SELECT 1 FROM member n JOIN account a ON a.owner_id = n.user_id
                       WHERE n.organisation_id = m.organisation_id AND n.user_id <> $1 AND n.role = $2
                       AND a.suspended_at IS NULL AND a.closed_at IS NULL)
                   ORDER BY o.name";
        let (user, role) = (user.to_string(), Role::Owner.as_str());
        Ok(query_scalar(sql).bind(&user).bind(role).fetch_all(self).await?)
    }

    /// Returns the names of all datasets of an owner, without the owner's name.
    pub async fn dataset_names_of(&mut self, owner: Id) -> Result<Vec<String>> {
        let sql = "SELECT name FROM dataset WHERE owner_id = $1 ORDER BY name";
        Ok(query_scalar(sql).bind(owner).fetch_all(self).await?)
    }

    /// Deletes a closed user, with tokens, sessions, memberships and the links that the user created. Datasets
    /// must have been deleted before.
    pub async fn delete_user(&mut self, user: Id) -> Result<()> {
        self.end_links_of(user).await?;
        self.delete_volumes_of(user).await?;
        let sql = "DELETE FROM owner WHERE id = $1 AND kind = $2";
        query(sql).bind(user).bind(OwnerKind::User.as_str()).execute(self).await?;
        Ok(())
    }

    /// Retires the name of a former owner, so that only `user` can use it again.
    pub async fn retire_name(&mut self, name: &str, user: Option<Id>, now: Millis) -> Result<()> {
        let sql = "INSERT INTO retired_name (name, user_id, retired_at) VALUES ($1, $2, $3)
                   ON CONFLICT (name) DO UPDATE SET user_id = excluded.user_id, retired_at = excluded.retired_at";
        let user = user.map(|user| user.to_string()).unwrap_or_default();
        query(sql).bind(name).bind(user).bind(now).execute(self).await?;
        Ok(())
    }

    /// Returns true if the name belonged to a former owner and `user` cannot use it.
    pub async fn is_retired(&mut self, name: &OwnerName, user: Option<Id>) -> Result<bool> {
        let sql = "SELECT COUNT(*) FROM retired_name WHERE name = $1 AND (user_id = '' OR user_id <> $2)";
        let user = user.map(|user| user.to_string()).unwrap_or_default();
        let found: i64 = query_scalar(sql).bind(name.as_str()).bind(&user).fetch_one(self).await?;
        Ok(found > 0)
    }

    /// Releases a retired name.
    pub async fn release_name(&mut self, name: &OwnerName) -> Result<()> {
        query("DELETE FROM retired_name WHERE name = $1").bind(name.as_str()).execute(self).await?;
        Ok(())
    }

    /// Revokes a token of a user; returns false if it does not exist or was already revoked.
    pub async fn revoke_token_of(&mut self, user: Id, id: Id, now: Millis) -> Result<bool> {
        let sql = "UPDATE token SET revoked_at = $3 WHERE id = $2 AND user_id = $1 AND revoked_at IS NULL";
        Ok(query(sql).bind(user).bind(id).bind(now).execute(self).await? > 0)
    }
}
