//! Organisations: their members with roles, and their groups. Each function takes the permission that it requires.

use super::Accounts;
use super::signup::expect_unretired;
use crate::access::{CreateOrgGrant, OrgAdminGrant, OrgMemberGrant, RemoveMemberGrant, SelfGrant};
use crate::db::Tx;
use crate::db::accounts::UserRow;
pub use crate::db::groups::{GroupRow, MemberRow};
use crate::error::{Error, Result};
use crate::types::{GroupName, Id, Millis, OwnerKind, OwnerName, Role};

/// An organisation in the list of a user's memberships.
#[derive(Debug, Clone)]
pub struct Membership {
    /// Its name.
    pub name: String,
    /// Role of the user.
    pub role: Role,
    /// Number of members.
    pub members: u64,
}

impl Accounts {
    /// Returns the organisations of a user, by name.
    pub async fn belongings(&self, oneself: &SelfGrant) -> Result<Vec<Membership>> {
        let found = self.db.read().await?.organisations_with_members(oneself.user()).await?;
        let memberships = found.into_iter().map(|(name, role, members)| {
            Ok(Membership { name, role: role.parse()?, members: crate::db::unsigned(members) })
        });
        memberships.collect()
    }

    /// Creates an organisation, with its creator as the first owner.
    ///
    /// # Errors
    /// Conflict for a name in use, by an owner or by a dataset of the parent organisation.
    pub async fn found(&self, founding: &CreateOrgGrant) -> Result<()> {
        let name = founding.name();
        let id = self.clock.id();
        let mut tx = self.db.write().await?;
        self.insert_organisation(&mut tx, id, name, Some(founding.founder())).await?;
        tx.put_member(id, founding.founder(), Role::Owner).await?;
        self.note(&mut tx, founding.actor(), "organisation.add", name.as_str(), "").await?;
        tx.commit().await
    }

    /// Reserves the name of an organisation, and adds it.
    pub(super) async fn insert_organisation(
        &self,
        tx: &mut Tx,
        id: Id,
        name: &OwnerName,
        founder: Option<Id>,
    ) -> Result<()> {
        tx.lock_name(name.as_str()).await?;
        expect_unretired(tx, name, founder).await?;
        if let Ok(path) = name.as_str().parse()
            && tx.dataset(&path).await?.is_some()
        {
            return Err(Error::conflict(format!("there is a dataset `{name}`")));
        }
        tx.insert_owner(id, name, OwnerKind::Organisation, self.clock.now()).await
    }

    /// Returns the time at which an organisation was created.
    ///
    /// # Errors
    /// Not found if it was deleted meanwhile.
    pub async fn founded(&self, member: &OrgMemberGrant) -> Result<Millis> {
        let found = self.db.read().await?.owner_created(member.organisation()).await?;
        found.ok_or_else(|| gone(member))
    }

    /// Deletes an organisation, with its groups.
    ///
    /// # Errors
    /// Conflict while it has datasets or nested organisations.
    pub async fn delete(&self, steward: &OrgAdminGrant) -> Result<()> {
        let member = steward.member();
        let name = member.name();
        let mut tx = self.db.write().await?;
        tx.lock_name(name.as_str()).await?;
        let (datasets, within) = tx.belongings(member.organisation(), name).await?;
        if datasets > 0 {
            return Err(Error::conflict(format!("`{name}` has {datasets} datasets: move or delete them first")));
        }
        if within > 0 {
            return Err(Error::conflict(format!("`{name}` has {within} nested organisations: delete those first")));
        }
        // A dataset that was created meanwhile references its owner, so the deletion fails.
        tx.delete_owner(member.organisation()).await.map_err(|error| {
            Error::conflict(format!("`{name}` cannot be deleted now; check that it has no datasets, and try again"))
                .because(error)
        })?;
        // For a nested organisation, the owners of its parent decide who reuses the name.
        if !name.as_str().contains('/') {
            tx.retire_name(name.as_str(), member.actor().user(), self.clock.now()).await?;
        }
        self.note(&mut tx, member.actor(), "organisation.delete", name.as_str(), "").await?;
        tx.commit().await
    }

    /// Returns the members of an organisation, by name.
    pub async fn people(&self, member: &OrgMemberGrant) -> Result<Vec<MemberRow>> {
        self.db.read().await?.member_rows(member.organisation()).await
    }

    /// Adds a member or changes their role.
    ///
    /// # Errors
    /// Not found for an unknown user; conflict if the organisation would lose its last owner.
    pub async fn set_role(&self, steward: &OrgAdminGrant, user: &OwnerName, role: Role) -> Result<()> {
        let member = steward.member();
        let mut tx = self.db.write().await?;
        let user = self.known(&mut tx, user).await?;
        if role != Role::Owner {
            expect_other_owner(&mut tx, (member.organisation(), member.name()), &user).await?;
        }
        tx.put_member(member.organisation(), user.id, role).await?;
        self.note_member(&mut tx, member, &user.name, role.as_str()).await?;
        tx.commit().await
    }

    /// Removes a member from the organisation and all its groups.
    ///
    /// # Errors
    /// Not found for a user who is not a member; conflict for the last owner.
    pub async fn remove_member(&self, departure: &RemoveMemberGrant) -> Result<()> {
        let (member, name) = (departure.member(), departure.user());
        let stranger = || Error::not_found(format!("`{name}` is not a member of `{}`", member.name()));
        let mut tx = self.db.write().await?;
        let user = tx.user(name).await?.ok_or_else(stranger)?;
        expect_other_owner(&mut tx, (member.organisation(), member.name()), &user).await?;
        if !tx.delete_member(member.organisation(), user.id).await? {
            return Err(stranger());
        }
        self.note_member(&mut tx, member, &user.name, "removed").await?;
        tx.commit().await
    }

    /// Returns the groups of an organisation, by name.
    pub async fn groups(&self, member: &OrgMemberGrant) -> Result<Vec<GroupRow>> {
        self.db.read().await?.groups(member.organisation()).await
    }

    /// Adds a group.
    ///
    /// # Errors
    /// Conflict for a name in use.
    pub async fn add_group(&self, steward: &OrgAdminGrant, group: &GroupName) -> Result<()> {
        let member = steward.member();
        let mut tx = self.db.write().await?;
        tx.insert_group(self.clock.id(), member.organisation(), group, self.clock.now()).await?;
        self.note_group(&mut tx, member, group, "added").await?;
        tx.commit().await
    }

    /// Removes a group. Shares with the group end.
    ///
    /// # Errors
    /// Not found if there is no such group.
    pub async fn remove_group(&self, steward: &OrgAdminGrant, group: &GroupName) -> Result<()> {
        let member = steward.member();
        let mut tx = self.db.write().await?;
        if !tx.delete_group(member.organisation(), group).await? {
            return Err(no_group(member, group));
        }
        self.note_group(&mut tx, member, group, "removed").await?;
        tx.commit().await
    }

    /// Returns the members of a group, by name.
    ///
    /// # Errors
    /// Not found for an unknown group.
    pub async fn group_people(&self, member: &OrgMemberGrant, group: &GroupName) -> Result<Vec<MemberRow>> {
        let mut tx = self.db.read().await?;
        let id = tx.group(member.organisation(), group).await?.ok_or_else(|| no_group(member, group))?;
        tx.group_members(id).await
    }

    /// Adds a member of the organisation to a group.
    ///
    /// # Errors
    /// Not found for an unknown group or user; conflict for a user who is not a member of the organisation.
    pub async fn add_to_group(&self, steward: &OrgAdminGrant, group: &GroupName, user: &OwnerName) -> Result<()> {
        let member = steward.member();
        let mut tx = self.db.write().await?;
        let id = tx.group(member.organisation(), group).await?.ok_or_else(|| no_group(member, group))?;
        let user = self.known(&mut tx, user).await?;
        // Prevents that the user leaves the organisation meanwhile.
        tx.lock_name(member.name().as_str()).await?;
        if tx.member_role(member.organisation(), user.id).await?.is_none() {
            return Err(Error::conflict(format!(
                "`{}` is not a member of `{}`: only members can be added to its groups",
                user.name,
                member.name()
            )));
        }
        tx.put_group_member(id, user.id).await?;
        self.note_group(&mut tx, member, group, &format!("with {}", user.name)).await?;
        tx.commit().await
    }

    /// Removes a user from a group.
    ///
    /// # Errors
    /// Not found for an unknown group, and for a user who is not in it.
    pub async fn remove_from_group(&self, steward: &OrgAdminGrant, group: &GroupName, user: &OwnerName) -> Result<()> {
        let member = steward.member();
        let stranger = || Error::not_found(format!("`{user}` is not in the group `{group}`"));
        let mut tx = self.db.write().await?;
        let id = tx.group(member.organisation(), group).await?.ok_or_else(|| no_group(member, group))?;
        let known = tx.user(user).await?.ok_or_else(stranger)?;
        if !tx.delete_group_member(id, known.id).await? {
            return Err(stranger());
        }
        self.note_group(&mut tx, member, group, &format!("without {user}")).await?;
        tx.commit().await
    }

    async fn note_member(&self, tx: &mut Tx, member: &OrgMemberGrant, user: &str, change: &str) -> Result<()> {
        let detail = format!("{user} {change}");
        self.note(tx, member.actor(), "organisation.member", member.name().as_str(), &detail).await
    }

    async fn note_group(&self, tx: &mut Tx, member: &OrgMemberGrant, group: &GroupName, change: &str) -> Result<()> {
        let detail = format!("{group} {change}");
        self.note(tx, member.actor(), "organisation.group", member.name().as_str(), &detail).await
    }
}

/// Locks the memberships of the organisation until the transaction ends, before this user may stop being an owner.
///
/// # Errors
/// Conflict for the only owner who can still act: see [`Tx::count_other_owners`].
pub(super) async fn expect_other_owner(
    tx: &mut Tx,
    (organisation, name): (Id, &OwnerName),
    user: &UserRow,
) -> Result<()> {
    tx.lock_name(name.as_str()).await?;
    if tx.member_role(organisation, user.id).await? == Some(Role::Owner)
        && tx.count_other_owners(organisation, user.id).await? == 0
    {
        return Err(Error::conflict(format!(
            "`{}` is the only active owner of `{name}`: make another member an owner first",
            user.name
        )));
    }
    Ok(())
}

fn gone(member: &OrgMemberGrant) -> Error {
    Error::not_found(format!("the organisation `{}` was deleted meanwhile", member.name()))
}

fn no_group(member: &OrgMemberGrant, group: &GroupName) -> Error {
    Error::not_found(format!("`{}` has no group `{group}`", member.name()))
}
