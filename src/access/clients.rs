//! Permission checks for applications (OAuth clients): they are managed by the user that owns them, or by the owners of
//! the organisation that owns them.

use super::organisations::OrgAdminGrant;
use super::{Access, Actor, Identity};
use crate::config::Makers;
use crate::db::accounts::UserRow;
use crate::db::oauth::ClientRow;
use crate::error::{Error, Result};
use crate::types::{Id, OwnerName};

/// A permission check that passed: this actor may manage the applications of this owner.
#[derive(Debug)]
#[must_use = "an unused grant is a permission check without effect"]
pub struct DeveloperGrant {
    owner: Id,
    name: String,
    is_organisation: bool,
    actor: Actor,
}

impl DeveloperGrant {
    /// Creates the grant for applications of any owner, for an administrator.
    pub(super) fn of_owner(owner: Id, name: String, is_organisation: bool, actor: Actor) -> Self {
        Self { owner, name, is_organisation, actor }
    }

    /// Returns the id of the owner.
    pub fn owner(&self) -> Id {
        self.owner
    }

    /// Returns the name of the owner.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns true if the actor is a site administrator.
    pub fn is_administrator(&self) -> bool {
        matches!(self.actor.identity, Identity::User { admin: true, .. })
    }

    /// Returns true if the owner is an organisation, which has platform roles.
    pub fn is_organisation(&self) -> bool {
        self.is_organisation
    }

    /// Returns the actor.
    pub fn actor(&self) -> &Actor {
        &self.actor
    }
}

/// A permission check that passed: this actor may manage this application.
#[derive(Debug)]
#[must_use = "an unused grant is a permission check without effect"]
pub struct ClientGrant {
    client: ClientRow,
    developer: DeveloperGrant,
}

impl ClientGrant {
    /// Returns the application.
    pub fn client(&self) -> &ClientRow {
        &self.client
    }

    /// Returns the included permission to manage the applications of its owner.
    pub fn developer(&self) -> &DeveloperGrant {
        &self.developer
    }

    /// Returns the actor.
    pub fn actor(&self) -> &Actor {
        &self.developer.actor
    }
}

/// A permission check that passed: an application may act as this account with client credentials.
#[derive(Debug)]
#[must_use = "an unused grant is a permission check without effect"]
pub struct ActingGrant {
    user: Id,
    name: String,
}

impl ActingGrant {
    /// Returns the id of the account.
    pub fn user(&self) -> Id {
        self.user
    }

    /// Returns the name of the account.
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl Access {
    /// Checks that the actor may let an application of `owner` act as an account.
    ///
    /// # Errors
    /// As for [`Actor::holder`]. Forbidden for the account of another user and for applications of organisations, whose
    /// other owners could get tokens for it, except for administrators.
    pub async fn authorize_acting(&self, actor: &Actor, owner: Option<Id>, account: &OwnerName) -> Result<ActingGrant> {
        let holder = actor.holder()?;
        if account.as_str() == holder.name() && owner == Some(holder.user()) {
            return Ok(ActingGrant { user: holder.user(), name: holder.name().to_owned() });
        }
        if !matches!(actor.identity, Identity::User { admin: true, .. }) {
            let why = "an application can act as the user that owns it; only administrators can choose another account";
            return Err(Error::forbidden(why));
        }
        let user = self.db.read().await?.user(account).await?.filter(UserRow::is_active);
        let user = user.ok_or_else(|| Error::not_found(format!("there is no active user `{account}`")))?;
        Ok(ActingGrant { user: user.id, name: user.name })
    }

    /// Checks that the actor may manage the applications of an owner; by default their own.
    ///
    /// # Errors
    /// As for [`Actor::holder`], and for an organisation as for [`Access::authorize_steward`].
    pub async fn authorize_developer(&self, actor: &Actor, owner: Option<&OwnerName>) -> Result<DeveloperGrant> {
        let holder = actor.holder()?;
        match owner.filter(|owner| owner.as_str() != holder.name()) {
            None => {
                let (owner, name) = (holder.user(), holder.name().to_owned());
                Ok(DeveloperGrant { owner, name, is_organisation: false, actor: actor.clone() })
            }
            Some(owner) => {
                let grant: OrgAdminGrant = self.authorize_steward(actor, owner.as_str()).await?;
                let (owner, name) = (grant.member().organisation(), owner.to_string());
                Ok(DeveloperGrant { owner, name, is_organisation: true, actor: actor.clone() })
            }
        }
    }

    /// Checks that the actor may register applications for an owner.
    ///
    /// # Errors
    /// As for [`Access::authorize_developer`]; forbidden where only administrators register applications.
    pub async fn authorize_registration(
        &self,
        actor: &Actor,
        owner: Option<&OwnerName>,
        developers: Makers,
    ) -> Result<DeveloperGrant> {
        let grant = self.authorize_developer(actor, owner).await?;
        if developers == Makers::Admins && !grant.is_administrator() {
            return Err(Error::forbidden("only administrators can register applications on this site"));
        }
        Ok(grant)
    }

    /// Checks that the actor may manage an application: administrators also those of other users.
    ///
    /// # Errors
    /// As for [`Actor::holder`]; not found for applications of others, whether they exist or not.
    pub async fn authorize_client(&self, actor: &Actor, id: Id) -> Result<ClientGrant> {
        let _ = actor.holder()?;
        let missing = || Error::not_found(format!("there is no application `{id}`, or it is not yours"));
        let client = self.db.read().await?.client(id).await?.ok_or_else(missing)?;
        // One of the server itself has no owner.
        let (Some(owner_id), Ok(owner)) = (client.owner_id, client.owner.parse()) else { return Err(missing()) };
        let is_admin = matches!(actor.identity, Identity::User { admin: true, .. });
        if is_admin && self.db.read().await?.user_by_id(owner_id).await?.is_some() {
            let (name, actor) = (client.owner.clone(), actor.clone());
            let developer = DeveloperGrant::of_owner(owner_id, name, false, actor);
            return Ok(ClientGrant { client, developer });
        }
        match self.authorize_developer(actor, Some(&owner)).await {
            Ok(developer) => Ok(ClientGrant { client, developer }),
            Err(error) if error.kind().status().is_server_error() => Err(error),
            Err(_) => Err(missing()),
        }
    }
}
