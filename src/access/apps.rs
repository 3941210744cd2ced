//! Programs that act for a user. What one may do is what its user may, cut by what the user gave it; it never owns
//! anything, so it cannot share.

use super::{Actor, Fetch, Identity, Limit, Right as _, Rights, Write, tokens};
use crate::access::tokens::TokenScope;
use crate::error::{Error, Result};
use crate::types::RepoPath;

/// What a user gave an app.
#[derive(Debug, Clone)]
pub struct AppGrant {
    app: String,
    scopes: Vec<TokenScope>,
}

impl AppGrant {
    /// To an app of this name, of all that its user may do, what these scopes say.
    pub fn new(app: String, scopes: Vec<TokenScope>) -> Self {
        Self { app, scopes }
    }

    /// The name of the app.
    pub fn app(&self) -> &str {
        &self.app
    }

    pub(super) fn scopes(&self) -> &[TokenScope] {
        &self.scopes
    }

    /// What is left of the rights on a dataset.
    pub(super) fn open(&self, path: &RepoPath) -> Rights {
        tokens::open(&self.scopes, path).and(MOST)
    }

    /// What is left of rights on whatever there is.
    pub(super) fn open_everywhere(&self) -> Rights {
        tokens::open_everywhere(&self.scopes).and(MOST)
    }
}

/// All but to own.
const MOST: Rights = Write::RIGHTS.with(Fetch::RIGHTS);

impl Actor {
    /// The same user, as an app acts for them.
    ///
    /// # Errors
    /// Forbidden for who is no user, or is limited already: an app gets nothing from a token or from another app.
    pub fn through(&self, app: AppGrant) -> Result<Self> {
        match (&self.identity, &self.limit) {
            (Identity::User { .. }, Limit::Nothing) => {
                Ok(Self { identity: self.identity.clone(), limit: Limit::App(app) })
            }
            _ => Err(Error::forbidden("only a user who has signed in lets an app act for them")),
        }
    }

    /// The app that acts, if one does.
    pub(super) fn app(&self) -> Option<&str> {
        match &self.limit {
            Limit::App(grant) => Some(grant.app()),
            Limit::Nothing | Limit::Token(_) | Limit::Claims(_) => None,
        }
    }
}
