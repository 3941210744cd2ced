//! Permission to take part in a dataset that one can read: to comment, star and follow it.

use super::{Access, Actor, CredentialScope, DatasetGrant, Identity, Own, Read, Right as _, Write, tokens};
use crate::error::{Error, Result};
use crate::types::{Id, RepoPath};

/// A permission check that passed: this user can read the dataset, and may comment in its discussions, star it and follow it.
#[derive(Debug)]
#[must_use = "an unused grant is a permission check without effect"]
pub struct ParticipantGrant {
    grant: DatasetGrant<Read>,
    user: Id,
}

impl ParticipantGrant {
    /// Returns the grant of the dataset.
    pub fn grant(&self) -> &DatasetGrant<Read> {
        &self.grant
    }

    /// Returns the id of the user.
    pub fn user(&self) -> Id {
        self.user
    }

    /// Returns true if the user can also change the dataset.
    pub fn is_writer(&self) -> bool {
        self.grant.also::<Write>().is_some()
    }

    /// Returns true if the user can also administer the dataset.
    pub fn is_owner(&self) -> bool {
        self.grant.also::<Own>().is_some()
    }

    /// Returns the grant to change the dataset.
    ///
    /// # Errors
    /// Forbidden if the user does not have it.
    pub fn writer(&self) -> Result<DatasetGrant<Write>> {
        self.grant.also().ok_or_else(|| {
            Error::forbidden(format!(
                "you cannot write to `{}`; proposals are branches of the dataset itself",
                self.grant.full_name()
            ))
        })
    }
}

impl Access {
    /// Returns true if the actor can read the whole dataset.
    pub async fn can_read(&self, actor: &Actor, dataset: &RepoPath) -> Result<bool> {
        Ok(self.authorize_silently::<Read>(actor, dataset).await?.is_some())
    }

    /// Returns true if a user can read the whole dataset, apart from what site administrators can read.
    pub(crate) async fn user_can_read(&self, id: Id, name: &str, dataset: &RepoPath) -> Result<bool> {
        let identity = Identity::User { id, name: name.to_owned(), admin: false };
        self.can_read(&Actor { identity, limit: CredentialScope::Nothing, session: None }, dataset).await
    }

    /// Checks that the actor can read the whole dataset, has an account, and uses a credential with which it may write.
    ///
    /// # Errors
    /// As for [`Access::authorize`]; unauthenticated without credentials; forbidden for actors without an account, tokens
    /// that may only read, and applications.
    pub async fn authorize_participant(&self, actor: &Actor, dataset: &RepoPath) -> Result<ParticipantGrant> {
        let grant = self.authorize::<Read>(actor, dataset).await?;
        let user = match &actor.identity {
            Identity::User { id, .. } => *id,
            Identity::Anonymous => {
                return Err(Error::unauthenticated(
                    "sign in to take part in discussions, and to follow or star datasets",
                ));
            }
            Identity::Guest { .. } | Identity::Link(_) | Identity::Operator => {
                return Err(Error::forbidden(
                    "only users of this server can take part in discussions, and follow or star datasets",
                ));
            }
        };
        let allowed = match &actor.limit {
            CredentialScope::Nothing => true,
            CredentialScope::Token(scopes) => tokens::open(scopes, dataset).has(Write::RIGHTS),
            CredentialScope::App(_) | CredentialScope::Claims(_) | CredentialScope::Enrolment => false,
        };
        if !allowed {
            return Err(Error::forbidden(
                "sign in with a browser, or use a personal token with the scope `write`, to take part in discussions, and to \
                 follow or star datasets",
            ));
        }
        Ok(ParticipantGrant { grant, user })
    }
}
