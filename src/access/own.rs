//! Permission checks for the user's own account. A token that was given to a program must not give access to the
//! whole account.

use super::{Actor, Identity, Limit, Own, Right as _, tokens};
use crate::error::{Error, Result};
use crate::types::Id;

/// A permission check that passed: this user may manage their own tokens and sessions.
#[derive(Debug, Clone)]
#[must_use = "an unused grant is a permission check without effect"]
pub struct Holder {
    user: Id,
    name: String,
    session: Option<Id>,
}

impl Holder {
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
pub struct Seat {
    holder: Holder,
    session: Id,
}

impl Seat {
    /// Returns the user, with all permissions of a [`Holder`].
    pub fn holder(&self) -> &Holder {
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
    pub fn holder(&self) -> Result<Holder> {
        let (user, name) = self.account()?;
        let unlimited = match &self.limit {
            Limit::Nothing => true,
            Limit::Token(scopes) => tokens::open_everywhere(scopes).has(Own::RIGHTS),
            Limit::App(_) | Limit::Claims(_) => false,
        };
        if !unlimited {
            return Err(Error::forbidden("sign in with a browser, or use a token with the scope `own`"));
        }
        Ok(Holder { user, name: name.to_owned(), session: self.session })
    }

    /// Checks that the actor is signed in with a browser.
    ///
    /// # Errors
    /// As for [`Actor::account`]; forbidden for tokens.
    pub fn seat(&self) -> Result<Seat> {
        let holder = self.holder()?;
        match holder.session {
            Some(session) => Ok(Seat { holder, session }),
            None => Err(Error::forbidden("sign in with a browser: tokens are not accepted here")),
        }
    }
}
