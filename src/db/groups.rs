//! Groups of members of an organisation.

use sqlx_macros::FromRow;

use super::query::{query, query_scalar};
use super::{Tx, taken};
use crate::error::Result;
use crate::types::{GroupName, Id, Millis, OwnerName, Role};

/// A group.
#[derive(Debug, Clone, FromRow)]
pub struct GroupRow {
    /// Its name within the organisation.
    pub name: String,
    /// Number of members.
    pub members: i64,
}

/// A member of an organisation.
#[derive(Debug, Clone, FromRow)]
pub struct MemberRow {
    /// Name of the user.
    pub name: String,
    /// Display name; may be empty.
    pub display_name: String,
    /// Digest of the avatar.
    pub avatar: Option<String>,
    /// Role in the organisation.
    pub role: Role,
}

impl Tx {
    /// Adds a group. Conflict if the organisation already has one with this name.
    pub async fn insert_group(&mut self, id: Id, organisation: Id, name: &GroupName, now: Millis) -> Result<()> {
        let sql = "INSERT INTO member_group (id, organisation_id, name, created_at) VALUES ($1, $2, $3, $4)";
        let (id, organisation) = (id.to_string(), organisation.to_string());
        query(sql)
            .bind(&id)
            .bind(&organisation)
            .bind(name.as_str())
            .bind(now)
            .execute(self)
            .await
            .map_err(|error| taken(error, || format!("the group `{name}` already exists")))?;
        Ok(())
    }

    /// Deletes a group; returns false if there was none.
    pub async fn delete_group(&mut self, organisation: Id, name: &GroupName) -> Result<bool> {
        let sql = "DELETE FROM member_group WHERE organisation_id = $1 AND name = $2";
        Ok(query(sql).bind(organisation).bind(name.as_str()).execute(self).await? > 0)
    }

    /// Returns the id of a group.
    pub async fn group(&mut self, organisation: Id, name: &GroupName) -> Result<Option<Id>> {
        let sql = "SELECT id FROM member_group WHERE organisation_id = $1 AND name = $2";
        Ok(query_scalar(sql).bind(organisation).bind(name.as_str()).fetch_optional(self).await?)
    }

    /// Returns the groups of an organisation, by name.
    pub async fn groups(&mut self, organisation: Id) -> Result<Vec<GroupRow>> {
        let sql = "SELECT t.name, (SELECT COUNT(*) FROM group_member m WHERE m.group_id = t.id) AS members
                   FROM member_group t WHERE t.organisation_id = $1 ORDER BY t.name";
        Ok(query(sql).bind(organisation).fetch_all(self).await?)
    }

    /// Returns the ids of the groups of a user.
    pub async fn groups_of(&mut self, user: Id) -> Result<Vec<Id>> {
        let sql = "SELECT group_id FROM group_member WHERE user_id = $1 ORDER BY group_id";
        Ok(query_scalar(sql).bind(user).fetch_all(self).await?)
    }

    /// Returns the members of a group, by name.
    pub async fn group_members(&mut self, group: Id) -> Result<Vec<MemberRow>> {
        let sql = "SELECT o.name, a.display_name, v.digest AS avatar, m.role FROM group_member tm
                   JOIN member_group t ON t.id = tm.group_id JOIN owner o ON o.id = tm.user_id
                   JOIN account a ON a.owner_id = o.id LEFT JOIN avatar v ON v.owner_id = o.id
                   JOIN member m ON m.organisation_id = t.organisation_id AND m.user_id = tm.user_id
                   WHERE tm.group_id = $1 ORDER BY o.name";
        Ok(query(sql).bind(group).fetch_all(self).await?)
    }

    /// Adds a user to a group. No-op for a member.
    pub async fn put_group_member(&mut self, group: Id, user: Id) -> Result<()> {
        let sql = "INSERT INTO group_member (group_id, user_id) VALUES ($1, $2)
                   ON CONFLICT (group_id, user_id) DO NOTHING";
        query(sql).bind(group).bind(user).execute(self).await?;
        Ok(())
    }

    /// Removes a user from a group; returns false if they were not a member.
    pub async fn delete_group_member(&mut self, group: Id, user: Id) -> Result<bool> {
        let sql = "DELETE FROM group_member WHERE group_id = $1 AND user_id = $2";
        Ok(query(sql).bind(group).bind(user).execute(self).await? > 0)
    }

    /// Removes a user from all groups of an organisation.
    pub async fn leave_groups(&mut self, organisation: Id, user: Id) -> Result<()> {
        let sql = "DELETE FROM group_member WHERE user_id = $2
                   AND group_id IN (SELECT id FROM member_group WHERE organisation_id = $1)";
        query(sql).bind(organisation).bind(user).execute(self).await?;
        Ok(())
    }

    /// Returns the members of an organisation, by name.
    pub async fn member_rows(&mut self, organisation: Id) -> Result<Vec<MemberRow>> {
        let sql = "SELECT o.name, a.display_name, v.digest AS avatar, m.role FROM member m JOIN owner o ON o.id = m.user_id
                   JOIN account a ON a.owner_id = o.id LEFT JOIN avatar v ON v.owner_id = o.id WHERE m.organisation_id = $1 ORDER BY o.name";
        Ok(query(sql).bind(organisation).fetch_all(self).await?)
    }

    /// Counts the owners of an organisation except this user. Suspended and closed accounts do not count, because
    /// they cannot act.
    pub async fn count_other_owners(&mut self, organisation: Id, user: Id) -> Result<i64> {
        let sql = "SELECT COUNT(*) FROM member m JOIN account a ON a.owner_id = m.user_id
                   WHERE m.organisation_id = $1 AND m.user_id <> $2 AND m.role = $3
                   AND a.suspended_at IS NULL AND a.closed_at IS NULL";
        let (organisation, user, owner) = (organisation.to_string(), user.to_string(), Role::Owner.as_str());
        Ok(query_scalar(sql).bind(&organisation).bind(&user).bind(owner).fetch_one(self).await?)
    }

    /// Returns the organisations of a user, by name: name, role of the user, number of members.
    pub async fn organisations_with_members(&mut self, user: Id) -> Result<Vec<(String, String, i64)>> {
        let sql = "SELECT o.name, m.role,
                          (SELECT COUNT(*) FROM member n WHERE n.organisation_id = m.organisation_id)
                   FROM member m JOIN owner o ON o.id = m.organisation_id WHERE m.user_id = $1 ORDER BY o.name";
        Ok(query(sql).bind(user).fetch_all(self).await?)
    }

    /// Returns the number of datasets of an owner, and of organisations nested in it.
    pub async fn belongings(&mut self, owner: Id, name: &OwnerName) -> Result<(i64, i64)> {
        let sql = "SELECT (SELECT COUNT(*) FROM dataset WHERE owner_id = $1),
                          (SELECT COUNT(*) FROM owner WHERE substr(name, 1, $3) = $2)";
        let within = format!("{name}/");
        let length = i32::try_from(within.len()).unwrap_or(i32::MAX);
        Ok(query(sql).bind(owner).bind(&within).bind(length).fetch_one(self).await?)
    }

    /// Deletes an owner without datasets, together with members, groups and invitations.
    pub async fn delete_owner(&mut self, owner: Id) -> Result<()> {
        self.delete_volumes_of(owner).await?;
        query("DELETE FROM owner WHERE id = $1").bind(owner).execute(self).await?;
        Ok(())
    }

    /// Returns the creation time of an owner.
    pub async fn owner_created(&mut self, owner: Id) -> Result<Option<Millis>> {
        let sql = "SELECT created_at FROM owner WHERE id = $1";
        Ok(query_scalar(sql).bind(owner).fetch_optional(self).await?)
    }
}
