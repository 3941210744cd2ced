//! What is one's own: the account. A token that was lent to a program must not become the whole account.

use super::{Actor, Identity, Limit, Own, Right as _, tokens};
use crate::error::{Error, Result};
use crate::types::Id;

/// A decision: this user may manage tokens and sessions, their own.
#[derive(Debug, Clone)]
#[must_use = "a decision that nobody uses is a check that protects nothing"]
pub struct Holder {
    user: Id,
    name: String,
    session: Option<Id>,
}

impl Holder {
    /// The user.
    pub fn user(&self) -> Id {
        self.user
    }

    /// The user's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The session that asks, if it is one.
    pub fn session(&self) -> Option<Id> {
        self.session
    }
}

/// A decision: this user sits at a browser that is signed in, and may change what is asked for when one signs in.
#[derive(Debug, Clone)]
#[must_use = "a decision that nobody uses is a check that protects nothing"]
pub struct Seat {
    holder: Holder,
    session: Id,
}

impl Seat {
    /// The user, with all that a [`Holder`] may do.
    pub fn holder(&self) -> &Holder {
        &self.holder
    }

    /// The user.
    pub fn user(&self) -> Id {
        self.holder.user
    }

    /// The session that asks.
    pub fn session(&self) -> Id {
        self.session
    }
}

impl Actor {
    /// Of whoever has an account here: its id and name.
    ///
    /// # Errors
    /// Unauthenticated for the anonymous, forbidden for who has no account here.
    pub fn account(&self) -> Result<(Id, &str)> {
        match &self.identity {
            Identity::User { id, name, .. } => Ok((*id, name)),
            Identity::Anonymous => Err(Error::unauthenticated("sign in first")),
            Identity::Guest { .. } | Identity::Link(_) | Identity::Operator => {
                Err(Error::forbidden("you have no account here"))
            }
        }
    }

    /// May the actor manage their own account?
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
            return Err(Error::forbidden("this takes a browser that is signed in, or a token with the scope `own`"));
        }
        Ok(Holder { user, name: name.to_owned(), session: self.session })
    }

    /// Does the actor sit at a browser that is signed in?
    ///
    /// # Errors
    /// As for [`Actor::account`]; forbidden for tokens.
    pub fn seat(&self) -> Result<Seat> {
        let holder = self.holder()?;
        match holder.session {
            Some(session) => Ok(Seat { holder, session }),
            None => Err(Error::forbidden("this takes a browser that is signed in: no token will do")),
        }
    }
}
