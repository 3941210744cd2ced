//! Closing accounts: a closed account can be reopened during a grace period, and is then removed with its datasets.
//! Datasets that others need can be moved to an organisation first.

use std::time::Duration;

use super::sessions::by;
use super::{Accounts, emails, signup};
use crate::access::{Access, Actor, CreateGrant, DatasetGrant, Own, SessionGrant};
use crate::datasets::Datasets;
use crate::db::Tx;
use crate::db::accounts::UserRow;
use crate::error::{Error, Kind as ErrorKind, Result};
use crate::jobs::{self, Kind};
use crate::mail;
use crate::types::{Id, Millis, OwnerKind, OwnerName, RepoPath, Role, Secret};

/// Closes and removes accounts. Cheap to clone.
#[derive(Clone)]
pub struct AccountCloser {
    accounts: Accounts,
    access: Access,
    drive: Datasets,
}

impl AccountCloser {
    /// Creates the service.
    pub fn new(accounts: Accounts, access: Access, drive: Datasets) -> Self {
        Self { accounts, access, drive }
    }

    /// Closes an account: its sessions end, its tokens are rejected, and it is removed at the returned time, after
    /// the grace period. With `transfer_to`, all datasets move to that organisation at once; if a name is taken
    /// there, the owner's name is put before it.
    ///
    /// # Errors
    /// Forbidden if the password is wrong, or if the user does not own the organisation; conflict if an organisation
    /// would be left without an owner, or the site without an administrator. If a conflict is only found at the end,
    /// datasets have moved already.
    pub async fn close(
        &self,
        actor: &Actor,
        seat: &SessionGrant,
        password: Option<Secret>,
        transfer_to: Option<&OwnerName>,
    ) -> Result<Millis> {
        let Accounts { db, clock, rules, base, .. } = &self.accounts;
        let checked = self.accounts.expect_password(seat, password).await?;
        let mut tx = db.read().await?;
        let user = self.accounts.myself(&mut tx, seat.holder()).await?;
        expect_dispensable(&mut tx, &user).await?;
        let datasets = tx.dataset_names_of(user.id).await?;
        if let Some(to) = transfer_to {
            let owner = tx.owner(to).await?.filter(|owner| owner.kind == OwnerKind::Organisation);
            let role = match &owner {
                Some(owner) => tx.member_role(owner.id, user.id).await?,
                None => None,
            };
            if role != Some(Role::Owner) {
                return Err(Error::forbidden(format!("you are not an owner of an organisation `{to}`")));
            }
        }
        drop(tx);
        if let Some(to) = transfer_to {
            for name in &datasets {
                let (grant, creation) = self.transfer(actor, &user.name, name, to).await?;
                self.drive.rename(&grant, &creation).await?;
            }
        }
        let now = clock.now();
        let removal = now.plus(rules.grace());
        let mut tx = db.write().await?;
        signup::lock_administrators(&mut tx).await?;
        let user = self.accounts.still_seated(&mut tx, seat, &checked).await?;
        // Another owner may be leaving at the same time.
        for organisation in tx.organisations_owned_by(user.id).await? {
            tx.lock_name(&organisation).await?;
        }
        expect_dispensable(&mut tx, &user).await?;
        tx.set_closed(user.id, Some((now, removal))).await?;
        tx.end_sessions(user.id, None).await?;
        tx.end_app_logins(user.id, now).await?;
        self.accounts.withdraw_links(&mut tx, user.id).await?;
        jobs::enqueue(&mut tx, clock, Kind::PurgeAccount, &user.id.to_string(), rules.grace()).await?;
        self.accounts.audit_by(&mut tx, &by(user.id), "user.close", &user.name).await?;
        mail::enqueue_email(&mut tx, clock, &emails::closed(base, &user.email.parse()?, &user.name, removal)).await?;
        tx.commit().await?;
        Ok(removal)
    }

    /// Returns the grant of a dataset, and the permission to create it in the organisation.
    async fn transfer(
        &self,
        actor: &Actor,
        owner: &str,
        name: &str,
        to: &OwnerName,
    ) -> Result<(DatasetGrant<Own>, CreateGrant)> {
        let grant = self.access.authorize::<Own>(actor, &RepoPath::from_segments(owner, name)?).await?;
        let same = RepoPath::from_segments(to.as_str(), name)?;
        let creation = match self.access.creation(actor, &same).await {
            Err(taken) if taken.kind() == ErrorKind::Conflict => {
                let named_after = RepoPath::from_segments(to.as_str(), &format!("{owner}-{name}"))?;
                self.access.creation(actor, &named_after).await?
            }
            creation => creation?,
        };
        Ok((grant, creation))
    }

    /// Removes an account with its datasets, if it is closed and the grace period is over.
    pub async fn remove(&self, user: Id) -> Result<()> {
        let Accounts { db, clock, base, .. } = &self.accounts;
        let mut tx = db.write().await?;
        let Some(row) = tx.login(user).await? else { return Ok(()) };
        // It was reopened.
        let Some(removal) = row.removal_at else { return Ok(()) };
        let now = clock.now();
        if removal > now {
            // Reopened and closed again.
            let wait = u64::try_from(removal.0 - now.0).unwrap_or_default();
            jobs::enqueue(&mut tx, clock, Kind::PurgeAccount, &user.to_string(), Duration::from_millis(wait)).await?;
            return tx.commit().await;
        }
        let datasets = tx.dataset_names_of(user).await?;
        drop(tx);
        let operator = Actor::operator();
        for name in datasets {
            let path = RepoPath::from_segments(&row.name, &name)?;
            let grant = self.access.authorize::<Own>(&operator, &path).await?;
            self.drive.delete(&grant).await?;
        }
        let mut tx = db.write().await?;
        tx.delete_user(user).await?;
        tx.retire_name(&row.name, None, now).await?;
        self.accounts.audit(&mut tx, "user.remove", &row.name).await?;
        mail::enqueue_email(&mut tx, clock, &emails::removed(base, &row.email.parse()?, &row.name)).await?;
        tx.commit().await
    }
}

/// # Errors
/// Conflict for the last owner of an organisation, and for the last administrator.
async fn expect_dispensable(tx: &mut Tx, user: &UserRow) -> Result<()> {
    let left = tx.organisations_only_of(user.id).await?;
    if !left.is_empty() {
        return Err(Error::conflict(format!(
            "you are the last owner of {}: make another member an owner first, or delete it",
            left.join(", ")
        )));
    }
    if user.admin && tx.other_admins(user.id).await? == 0 {
        return Err(Error::conflict("you are the last administrator: make another user an administrator first"));
    }
    Ok(())
}
