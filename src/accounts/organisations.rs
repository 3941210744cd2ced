//! Organisations: who belongs to them and as what, and their groups. Each function takes the decision that it needs.

use super::Accounts;
use super::joining::expect_unretired;
use crate::access::{Departure, Founding, Member, Oneself, Steward};
use crate::db::Tx;
use crate::db::accounts::UserRow;
pub use crate::db::groups::{GroupRow, MemberRow};
use crate::error::{Error, Result};
use crate::types::{GroupName, Id, Millis, OwnerKind, OwnerName, Role};

/// An organisation, as one of its members sees it among others.
#[derive(Debug, Clone)]
pub struct Belonging {
    /// Its name.
    pub name: String,
    /// What the user is there.
    pub role: Role,
    /// How many belong to it.
    pub members: u64,
}

impl Accounts {
    /// The organisations of a user, by name.
    pub async fn belongings(&self, oneself: &Oneself) -> Result<Vec<Belonging>> {
        let found = self.db.read().await?.organisations_with_members(oneself.user()).await?;
        let told = found.into_iter().map(|(name, role, members)| {
            Ok(Belonging { name, role: role.parse()?, members: crate::db::unsigned(members) })
        });
        told.collect()
    }

    /// Makes an organisation, with its founder as its first owner.
    ///
    /// # Errors
    /// Conflict for a name in use, by an owner or by a dataset of the organisation above.
    pub async fn found(&self, founding: &Founding) -> Result<()> {
        let name = founding.name();
        let id = self.clock.id();
        let mut tx = self.db.write().await?;
        self.insert_organisation(&mut tx, id, name, Some(founding.founder())).await?;
        tx.put_member(id, founding.founder(), Role::Owner).await?;
        self.note(&mut tx, founding.actor(), "organisation.add", name.as_str(), "").await?;
        tx.commit().await
    }

    /// Keeps the name for an organisation, and adds it.
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

    /// When an organisation was made.
    ///
    /// # Errors
    /// Not found if it was removed meanwhile.
    pub async fn founded(&self, member: &Member) -> Result<Millis> {
        let found = self.db.read().await?.owner_created(member.organisation()).await?;
        found.ok_or_else(|| gone(member))
    }

    /// Removes an organisation, with its groups.
    ///
    /// # Errors
    /// Conflict while it has datasets, or organisations within it.
    pub async fn dissolve(&self, steward: &Steward) -> Result<()> {
        let member = steward.member();
        let name = member.name();
        let mut tx = self.db.write().await?;
        tx.lock_name(name.as_str()).await?;
        let (datasets, within) = tx.belongings(member.organisation(), name).await?;
        if datasets > 0 {
            return Err(Error::conflict(format!(
                "`{name}` has {datasets} datasets: move them elsewhere, or delete them, before the organisation"
            )));
        }
        if within > 0 {
            return Err(Error::conflict(format!(
                "there are {within} organisations within `{name}`: delete those first"
            )));
        }
        // A dataset that comes meanwhile holds on to its owner.
        tx.delete_owner(member.organisation()).await.map_err(|error| {
            Error::conflict(format!("`{name}` cannot be deleted now; look at its datasets, and try again"))
                .because(error)
        })?;
        // Within another one, that one's owners decide who uses the name.
        if !name.as_str().contains('/') {
            tx.retire_name(name.as_str(), member.actor().user(), self.clock.now()).await?;
        }
        self.note(&mut tx, member.actor(), "organisation.delete", name.as_str(), "").await?;
        tx.commit().await
    }

    /// Who belongs to an organisation, by name.
    pub async fn people(&self, member: &Member) -> Result<Vec<MemberRow>> {
        self.db.read().await?.member_rows(member.organisation()).await
    }

    /// Makes a user a member, or changes the role.
    ///
    /// # Errors
    /// Not found for an unknown user; conflict for the last owner, who has to stay one.
    pub async fn appoint(&self, steward: &Steward, user: &OwnerName, role: Role) -> Result<()> {
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

    /// Ends a membership, also in all groups.
    ///
    /// # Errors
    /// Not found for who does not belong to it; conflict for the last owner.
    pub async fn part(&self, departure: &Departure) -> Result<()> {
        let (member, name) = (departure.member(), departure.user());
        let stranger = || Error::not_found(format!("`{name}` does not belong to `{}`", member.name()));
        let mut tx = self.db.write().await?;
        let user = tx.user(name).await?.ok_or_else(stranger)?;
        expect_other_owner(&mut tx, (member.organisation(), member.name()), &user).await?;
        if !tx.delete_member(member.organisation(), user.id).await? {
            return Err(stranger());
        }
        self.note_member(&mut tx, member, &user.name, "removed").await?;
        tx.commit().await
    }

    /// The groups of an organisation, by name.
    pub async fn groups(&self, member: &Member) -> Result<Vec<GroupRow>> {
        self.db.read().await?.groups(member.organisation()).await
    }

    /// Adds a group.
    ///
    /// # Errors
    /// Conflict for a name in use.
    pub async fn add_group(&self, steward: &Steward, group: &GroupName) -> Result<()> {
        let member = steward.member();
        let mut tx = self.db.write().await?;
        tx.insert_group(self.clock.id(), member.organisation(), group, self.clock.now()).await?;
        self.note_group(&mut tx, member, group, "added").await?;
        tx.commit().await
    }

    /// Removes a group. What was shared with it is not, from then on.
    ///
    /// # Errors
    /// Not found.
    pub async fn remove_group(&self, steward: &Steward, group: &GroupName) -> Result<()> {
        let member = steward.member();
        let mut tx = self.db.write().await?;
        if !tx.delete_group(member.organisation(), group).await? {
            return Err(no_group(member, group));
        }
        self.note_group(&mut tx, member, group, "removed").await?;
        tx.commit().await
    }

    /// Who belongs to a group, by name.
    ///
    /// # Errors
    /// Not found for the group.
    pub async fn group_people(&self, member: &Member, group: &GroupName) -> Result<Vec<MemberRow>> {
        let mut tx = self.db.read().await?;
        let id = tx.group(member.organisation(), group).await?.ok_or_else(|| no_group(member, group))?;
        tx.group_members(id).await
    }

    /// Adds a member of the organisation to a group.
    ///
    /// # Errors
    /// Not found for the group, and for an unknown user; conflict for who does not belong to the organisation.
    pub async fn add_to_group(&self, steward: &Steward, group: &GroupName, user: &OwnerName) -> Result<()> {
        let member = steward.member();
        let mut tx = self.db.write().await?;
        let id = tx.group(member.organisation(), group).await?.ok_or_else(|| no_group(member, group))?;
        let user = self.known(&mut tx, user).await?;
        // Nobody leaves the organisation meanwhile.
        tx.lock_name(member.name().as_str()).await?;
        if tx.member_role(member.organisation(), user.id).await?.is_none() {
            return Err(Error::conflict(format!(
                "`{}` does not belong to `{}`: groups are of its members",
                user.name,
                member.name()
            )));
        }
        tx.put_group_member(id, user.id).await?;
        self.note_group(&mut tx, member, group, &format!("with {}", user.name)).await?;
        tx.commit().await
    }

    /// Takes somebody out of a group.
    ///
    /// # Errors
    /// Not found for the group, and for who is not in it.
    pub async fn remove_from_group(&self, steward: &Steward, group: &GroupName, user: &OwnerName) -> Result<()> {
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

    async fn note_member(&self, tx: &mut Tx, member: &Member, user: &str, change: &str) -> Result<()> {
        let detail = format!("{user} {change}");
        self.note(tx, member.actor(), "organisation.member", member.name().as_str(), &detail).await
    }

    async fn note_group(&self, tx: &mut Tx, member: &Member, group: &GroupName, change: &str) -> Result<()> {
        let detail = format!("{group} {change}");
        self.note(tx, member.actor(), "organisation.group", member.name().as_str(), &detail).await
    }
}

/// Keeps the memberships of the organisation as they are until the transaction ends, in which this one may stop being
/// an owner.
///
/// # Errors
/// Conflict for the only one who can act: see [`Tx::count_other_owners`].
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
            "`{}` is the only owner of `{name}` who is neither suspended nor gone: make somebody else an owner first",
            user.name
        )));
    }
    Ok(())
}

fn gone(member: &Member) -> Error {
    Error::not_found(format!("the organisation `{}` was deleted meanwhile", member.name()))
}

fn no_group(member: &Member, group: &GroupName) -> Error {
    Error::not_found(format!("`{}` has no group `{group}`", member.name()))
}
