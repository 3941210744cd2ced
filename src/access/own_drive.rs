//! Drives: the dataset `{user}/drive` of each user, which exists from the first time that its owner needs it.

use super::{Access, Actor, Write};
use crate::config::DEFAULT_STORE;
use crate::error::{Error, Kind, Result};
use crate::types::{OWN_DRIVE, OwnerName, RepoPath, Slug, Visibility};

impl Actor {
    /// Returns the path of the actor's own drive.
    ///
    /// # Errors
    /// Unauthenticated for anonymous callers; forbidden for actors without an account.
    pub fn own_drive(&self) -> Result<RepoPath> {
        if self.is_anonymous() {
            return Err(Error::unauthenticated("sign in to use your drive"));
        }
        if self.user().is_none() {
            return Err(Error::forbidden("you need an account on this server to have a drive"));
        }
        Ok(RepoPath { owner: self.name().parse::<OwnerName>()?, name: OWN_DRIVE.parse::<Slug>()? })
    }
}

impl Access {
    /// Creates the dataset at `path`, which does not exist, if it is the actor's own drive and the credential allows
    /// writing to it; never for an app. Returns true if it may exist afterwards.
    ///
    /// It is not indexed for the search, which has no drives.
    pub(super) async fn create_own_drive(&self, actor: &Actor, path: &RepoPath) -> Result<bool> {
        if actor.app().is_some() || !actor.own_drive().is_ok_and(|own| own == *path) {
            return Ok(false);
        }
        // Without the permission, or if a concurrent request has created it since.
        let Some(creation) = self.creatable::<Write>(actor, path).await? else { return Ok(true) };
        let mut tx = self.db.write().await?;
        match creation.insert(&mut tx, &self.clock, Visibility::Private, DEFAULT_STORE).await {
            Ok(_) => tx.commit().await?,
            // A concurrent request has created it in the meantime.
            Err(error) if error.kind() == Kind::Conflict => {}
            Err(error) => return Err(error),
        }
        Ok(true)
    }
}
