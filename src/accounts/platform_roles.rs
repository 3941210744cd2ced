//! Roles of members on the data platform of their organisation. Each function takes the permission that it requires.

use std::collections::BTreeMap;

use super::Accounts;
use super::role_file::{MAX_ROLES, RoleFile, WrongLines};
use crate::access::{Actor, OrgAdminGrant, OrgMemberGrant};
use crate::db::Tx;
pub use crate::db::platform_roles::PlatformRoleRow;
use crate::error::{Error, Result};
use crate::types::{Id, OwnerName, PlatformRole, Role};

/// A change of one user's role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleChange {
    /// Name of the user.
    pub user: String,
    /// The platform role before.
    pub from: Option<PlatformRole>,
    /// The platform role afterwards.
    pub to: Option<PlatformRole>,
    /// The role in the organisation that the user gets with it, if that is a new one.
    pub membership: Option<Role>,
}

/// An organisation, and the actor that changes its platform roles.
struct Platform<'a> {
    id: Id,
    name: &'a OwnerName,
    actor: &'a Actor,
}

impl<'a> Platform<'a> {
    fn of(steward: &'a OrgAdminGrant) -> Self {
        let member = steward.member();
        Self { id: member.organisation(), name: member.name(), actor: member.actor() }
    }
}

impl Accounts {
    /// Returns the members of an organisation that have a platform role, by name.
    pub async fn platform_roles(&self, member: &OrgMemberGrant) -> Result<Vec<PlatformRoleRow>> {
        self.db.read().await?.platform_roles(member.organisation()).await
    }

    /// Sets the platform role of a user. The user becomes a member of the organisation, with the role there that the
    /// platform role needs at least.
    ///
    /// # Errors
    /// Not found for an unknown user; conflict if the organisation has too many roles.
    pub async fn set_platform_role(&self, steward: &OrgAdminGrant, user: &OwnerName, to: PlatformRole) -> Result<()> {
        let platform = Platform::of(steward);
        let mut tx = self.db.write().await?;
        let known = self.known(&mut tx, user).await?;
        tx.lock_name(platform.name.as_str()).await?;
        let from = tx.platform_role(platform.id, known.id).await?;
        if from.is_none() && tx.platform_roles(platform.id).await?.len() >= MAX_ROLES {
            return Err(Error::conflict(format!("an organisation can have at most {MAX_ROLES} platform roles")));
        }
        let membership = raised(tx.member_role(platform.id, known.id).await?, to);
        let change = RoleChange { user: known.name, from, to: Some(to), membership };
        self.apply_role_change(&mut tx, &platform, known.id, &change).await?;
        tx.commit().await
    }

    /// Removes the platform role of a user, who stays a member of the organisation.
    ///
    /// # Errors
    /// Not found for a user without a platform role.
    pub async fn remove_platform_role(&self, steward: &OrgAdminGrant, user: &OwnerName) -> Result<()> {
        let platform = Platform::of(steward);
        let without = || Error::not_found(format!("`{user}` has no platform role in `{}`", platform.name));
        let mut tx = self.db.write().await?;
        let known = tx.user(user).await?.ok_or_else(without)?;
        let from = tx.platform_role(platform.id, known.id).await?.ok_or_else(without)?;
        let change = RoleChange { user: known.name, from: Some(from), to: None, membership: None };
        self.apply_role_change(&mut tx, &platform, known.id, &change).await?;
        tx.commit().await
    }

    /// Replaces all platform roles of an organisation by those of a file: all or nothing. Returns the changes, by user
    /// name. With `dry_run`, they are not made.
    ///
    /// # Errors
    /// Invalid if a line names an unknown user.
    pub async fn replace_platform_roles(
        &self,
        steward: &OrgAdminGrant,
        file: &RoleFile,
        dry_run: bool,
    ) -> Result<Vec<RoleChange>> {
        self.replace_roles(&Platform::of(steward), file, dry_run).await
    }

    /// The same for the operator.
    ///
    /// # Errors
    /// As for [`Accounts::replace_platform_roles`]; not found for an unknown organisation.
    pub async fn import_platform_roles(
        &self,
        organisation: &OwnerName,
        file: &RoleFile,
        dry_run: bool,
    ) -> Result<Vec<RoleChange>> {
        let owner = self.organisation(&mut self.db.read().await?, organisation).await?;
        let platform = Platform { id: owner.id, name: organisation, actor: &Actor::operator() };
        self.replace_roles(&platform, file, dry_run).await
    }

    async fn replace_roles(&self, platform: &Platform<'_>, file: &RoleFile, dry_run: bool) -> Result<Vec<RoleChange>> {
        let mut tx = self.db.write().await?;
        tx.lock_name(platform.name.as_str()).await?;
        let rows = tx.platform_roles(platform.id).await?;
        let before: BTreeMap<&str, &PlatformRoleRow> = rows.iter().map(|row| (row.name.as_str(), row)).collect();
        let (mut changes, mut wrong) = (Vec::new(), WrongLines::default());
        for (name, (line, to)) in &file.lines {
            let row = before.get(name.as_str()).copied();
            if row.is_some_and(|row| row.role == *to) {
                continue;
            }
            let (user, membership) = if let Some(row) = row {
                (row.user_id, Some(row.membership))
            } else if let Some(known) = tx.user(name).await? {
                (known.id, tx.member_role(platform.id, known.id).await?)
            } else {
                wrong.add(*line, &format!("there is no user `{name}`"));
                continue;
            };
            let (from, membership) = (row.map(|row| row.role), raised(membership, *to));
            changes.push((user, RoleChange { user: name.to_string(), from, to: Some(*to), membership }));
        }
        wrong.into_result()?;
        let is_listed = |name: &str| name.parse().is_ok_and(|name: OwnerName| file.lines.contains_key(&name));
        for row in rows.iter().filter(|row| !is_listed(&row.name)) {
            let (user, from) = (row.name.clone(), Some(row.role));
            changes.push((row.user_id, RoleChange { user, from, to: None, membership: None }));
        }
        changes.sort_by(|(_, one), (_, other)| one.user.cmp(&other.user));
        if !dry_run {
            for (user, change) in &changes {
                self.apply_role_change(&mut tx, platform, *user, change).await?;
            }
            tx.commit().await?;
        }
        Ok(changes.into_iter().map(|(_, change)| change).collect())
    }

    async fn apply_role_change(
        &self,
        tx: &mut Tx,
        platform: &Platform<'_>,
        user: Id,
        change: &RoleChange,
    ) -> Result<()> {
        let (name, actor) = (platform.name.as_str(), platform.actor);
        if let Some(membership) = change.membership {
            tx.put_member(platform.id, user, membership).await?;
            let detail = format!("{} {membership}", change.user);
            self.note(tx, actor, "organisation.member", name, &detail).await?;
        }
        if let Some(to) = change.to {
            tx.put_platform_role(platform.id, user, to).await?;
            self.note(tx, actor, "role.set", name, &format!("{} {to}", change.user)).await
        } else {
            tx.delete_platform_role(platform.id, user).await?;
            self.note(tx, actor, "role.remove", name, &change.user).await
        }
    }
}

/// Returns the new role in the organisation of a user who gets a platform role; `None` if it stays.
fn raised(membership: Option<Role>, to: PlatformRole) -> Option<Role> {
    let least = to.membership();
    membership.is_none_or(|role| role < least).then_some(least)
}
