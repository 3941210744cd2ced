//! Permission checks for the user's own account. A token that was given to a program must not give access to the
//! whole account.

use super::{Actor, CredentialScope, Identity, Own, Right as _, tokens};
use crate::error::{Error, Result};
use crate::types::{Id, Millis};

/// A permission check that passed: this user may manage their own tokens and sessions.
#[derive(Debug, Clone)]
#[must_use = "an unused grant is a permission check without effect"]
pub struct AccountGrant {
    user: Id,
    name: String,
    session: Option<Id>,
}

impl AccountGrant {
    /// Returns the id of the user.
    pub fn user(&self) -> Id {
        self.user
    }

    /// Returns the name of the user.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the session of the request, if it came from a browser.
    pub fn session(&self) -> Option<Id> {
        self.session
    }
}

/// A permission check that passed: this user is signed in with a browser, and may change their password and e-mail
/// address.
#[derive(Debug, Clone)]
#[must_use = "an unused grant is a permission check without effect"]
pub struct SessionGrant {
    holder: AccountGrant,
    session: Id,
    since: Millis,
}

impl SessionGrant {
    /// Returns the user, with all permissions of a [`AccountGrant`].
    pub fn holder(&self) -> &AccountGrant {
        &self.holder
    }

    /// Returns the id of the user.
    pub fn user(&self) -> Id {
        self.holder.user
    }

    /// Returns the session of the request.
    pub fn session(&self) -> Id {
        self.session
    }

    /// Returns the time of the sign-in.
    pub fn since(&self) -> Millis {
        self.since
    }
}

impl Actor {
    /// Returns the id and name of the actor's account.
    ///
    /// # Errors
    /// Unauthenticated without credentials, forbidden if the actor has no account on this server.
    pub fn account(&self) -> Result<(Id, &str)> {
        match &self.identity {
            Identity::User { id, name, .. } => Ok((*id, name)),
            Identity::Anonymous => Err(Error::unauthenticated("sign in first")),
            Identity::Guest { .. } | Identity::Link(_) | Identity::Operator => {
                Err(Error::forbidden("you have no account on this server"))
            }
        }
    }

    /// Checks that the actor may manage their own account.
    ///
    /// # Errors
    /// As for [`Actor::account`]; forbidden for a token that is limited in any way.
    pub fn holder(&self) -> Result<AccountGrant> {
        let (user, name) = self.account()?;
        let unlimited = match &self.limit {
            CredentialScope::Nothing => true,
            CredentialScope::Token(scopes) => tokens::open_everywhere(scopes).has(Own::RIGHTS),
            CredentialScope::App(_) | CredentialScope::Claims(_) | CredentialScope::Enrolment => false,
        };
        if !unlimited {
            return Err(Error::forbidden("sign in with a browser, or use a token with the scope `own`"));
        }
        Ok(AccountGrant { user, name: name.to_owned(), session: self.session.map(|session| session.id) })
    }

    /// Checks that the actor is signed in with a browser.
    ///
    /// # Errors
    /// As for [`Actor::account`]; forbidden for tokens.
    pub fn seat(&self) -> Result<SessionGrant> {
        let holder = self.holder()?;
        match self.session {
            Some(session) => Ok(SessionGrant { holder, session: session.id, since: session.since }),
            None => Err(Error::forbidden("sign in with a browser: tokens are not accepted here")),
        }
    }
}
