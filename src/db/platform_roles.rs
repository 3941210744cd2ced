//! Roles on the data platform of an organisation, and the groups that applications know a user by.

use sqlx_macros::FromRow;

use super::Tx;
use super::query::{query, query_scalar};
use crate::error::Result;
use crate::types::{Id, OwnerKind, PlatformRole, Role};

/// A member of an organisation with a platform role.
#[derive(Debug, Clone, FromRow)]
pub struct PlatformRoleRow {
    /// Id of the user.
    pub user_id: Id,
    /// Name of the user.
    pub name: String,
    /// Display name; may be empty.
    pub display_name: String,
    /// Role on the platform.
    pub role: PlatformRole,
    /// Role in the organisation.
    pub membership: Role,
}

impl Tx {
    /// Returns the members of an organisation that have a platform role, by name.
    pub async fn platform_roles(&mut self, organisation: impl Into<Option<Id>>) -> Result<Vec<PlatformRoleRow>> {
        let sql = "SELECT p.user_id, o.name, a.display_name, p.role, m.role AS membership
                   FROM platform_role p JOIN owner o ON o.id = p.user_id JOIN account a ON a.owner_id = p.user_id
                        JOIN member m ON m.organisation_id = p.organisation_id AND m.user_id = p.user_id
                   WHERE p.organisation_id = $1 ORDER BY o.name";
        Ok(query(sql).bind(organisation.into()).fetch_all(self).await?)
    }

    /// Returns the platform role of a user in an organisation; `None` also if the owner is a user.
    pub async fn platform_role(
        &mut self,
        organisation: impl Into<Option<Id>>,
        user: Id,
    ) -> Result<Option<PlatformRole>> {
        let sql = "SELECT role FROM platform_role WHERE organisation_id = $1 AND user_id = $2";
        Ok(query_scalar(sql).bind(organisation.into()).bind(user).fetch_optional(self).await?)
    }

    /// Sets the platform role of a member of an organisation.
    pub async fn put_platform_role(&mut self, organisation: Id, user: Id, role: PlatformRole) -> Result<()> {
        let sql = "INSERT INTO platform_role (organisation_id, user_id, role) VALUES ($1, $2, $3)
                   ON CONFLICT (organisation_id, user_id) DO UPDATE SET role = excluded.role";
        query(sql).bind(organisation).bind(user).bind(role.as_str()).execute(self).await?;
        Ok(())
    }

    /// Deletes the platform role of a user; returns false if there was none.
    pub async fn delete_platform_role(&mut self, organisation: Id, user: Id) -> Result<bool> {
        let sql = "DELETE FROM platform_role WHERE organisation_id = $1 AND user_id = $2";
        Ok(query(sql).bind(organisation).bind(user).execute(self).await? > 0)
    }

    /// Returns whether an owner is a user or an organisation.
    pub async fn owner_kind(&mut self, owner: Option<Id>) -> Result<Option<OwnerKind>> {
        Ok(query_scalar("SELECT kind FROM owner WHERE id = $1").bind(owner).fetch_optional(self).await?)
    }

    /// Returns the organisations of a user, and the user's groups in them as `ORGANISATION:GROUP`: first all
    /// organisations, each by name. With `within`, only those of this organisation.
    pub async fn group_names(&mut self, user: Id, within: Option<Id>, limit: i64) -> Result<Vec<String>> {
        let sql = "SELECT name FROM (
                       SELECT 0 AS place, o.name, m.organisation_id
                       FROM member m JOIN owner o ON o.id = m.organisation_id WHERE m.user_id = $1
                       UNION ALL
                       SELECT 1 AS place, o.name || ':' || g.name AS name, g.organisation_id
                       FROM group_member gm JOIN member_group g ON g.id = gm.group_id
                            JOIN owner o ON o.id = g.organisation_id WHERE gm.user_id = $1
                   ) AS named
                   WHERE CAST($2 AS TEXT) IS NULL OR organisation_id = $2 ORDER BY place, name LIMIT $3";
        let within = within.map(|id| id.to_string());
        Ok(query_scalar(sql).bind(user).bind(within).bind(limit).fetch_all(self).await?)
    }
}
