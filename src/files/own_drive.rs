//! Personal drives: the dataset `{user}/drive` of each user. It is created by its first change; until then, reading it
//! is empty.

use super::Files;
use crate::access::{Access, Actor, Target};
use crate::config::DEFAULT_STORE;
use crate::error::{Error, Kind, Result};
use crate::types::{OWN_DRIVE, OwnerName, RepoPath, Slug, Visibility};

impl Files {
    /// Returns the path of the actor's personal drive.
    ///
    /// # Errors
    /// Unauthenticated for anonymous callers; forbidden for actors without an account.
    pub fn own_drive(actor: &Actor) -> Result<RepoPath> {
        if actor.is_anonymous() {
            return Err(Error::unauthenticated("sign in to use your drive"));
        }
        if actor.user().is_none() {
            return Err(Error::forbidden("you need an account on this server to have a drive"));
        }
        Ok(RepoPath { owner: actor.name().parse::<OwnerName>()?, name: OWN_DRIVE.parse::<Slug>()? })
    }

    /// Returns true if this is the actor's personal drive, which does not exist yet and which the actor may create.
    pub async fn is_new_drive(access: &Access, actor: &Actor, path: &RepoPath) -> bool {
        is_own(actor, path) && matches!(access.authorize_or_create(actor, path).await, Ok(Target::New(_)))
    }

    /// Creates the actor's personal drive, before its first change. Does nothing for other datasets, and for actors who
    /// may not create it.
    pub async fn begin_drive(&self, access: &Access, actor: &Actor, path: &RepoPath) -> Result<()> {
        if !is_own(actor, path) {
            return Ok(());
        }
        let Ok(Target::New(creation)) = access.authorize_or_create(actor, path).await else { return Ok(()) };
        match self.0.drive.create(&creation, Visibility::Private, DEFAULT_STORE).await {
            // A concurrent request of the same user created it.
            Err(error) if error.kind() != Kind::Conflict => Err(error),
            Ok(_) | Err(_) => Ok(()),
        }
    }
}

fn is_own(actor: &Actor, path: &RepoPath) -> bool {
    path.name.as_str() == OWN_DRIVE && Files::own_drive(actor).is_ok_and(|own| own == *path)
}
