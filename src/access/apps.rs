//! Applications that act for a user. An app has the rights of its user, restricted to the scopes that the user gave
//! it. It never has the right to own, so it cannot share.

use super::tokens::TokenScope;
use super::{Actor, CredentialScope, Fetch, Identity, Right as _, Rights, Write, tokens};
use crate::error::{Error, Result};
use crate::types::RepoPath;

/// The scopes that a user gave to an app.
#[derive(Debug, Clone)]
pub struct AppGrant {
    app: String,
    scopes: Vec<TokenScope>,
}

impl AppGrant {
    /// Creates a grant for the app of this name, restricted to these scopes.
    pub fn new(app: String, scopes: Vec<TokenScope>) -> Self {
        Self { app, scopes }
    }

    /// Returns the name of the app.
    pub fn app(&self) -> &str {
        &self.app
    }

    pub(super) fn scopes(&self) -> &[TokenScope] {
        &self.scopes
    }

    /// Returns the rights on a dataset that the scopes allow.
    pub(super) fn open(&self, path: &RepoPath) -> Rights {
        tokens::open(&self.scopes, path).and(MAX_RIGHTS)
    }

    /// Returns the rights on everything that the scopes allow.
    pub(super) fn open_everywhere(&self) -> Rights {
        tokens::open_everywhere(&self.scopes).and(MAX_RIGHTS)
    }
}

/// All rights except [`Own`](super::Own).
const MAX_RIGHTS: Rights = Write::RIGHTS.with(Fetch::RIGHTS);

impl Actor {
    /// Returns the same user with the restrictions of an app.
    ///
    /// # Errors
    /// Forbidden if the actor is not a user, or is already limited: a token or another app cannot authorize an app.
    pub fn through(&self, app: AppGrant) -> Result<Self> {
        match (&self.identity, &self.limit) {
            (Identity::User { .. }, CredentialScope::Nothing) => {
                Ok(Self { identity: self.identity.clone(), limit: CredentialScope::App(app), session: None })
            }
            _ => Err(Error::forbidden("only a signed-in user can authorize an app")),
        }
    }

    /// Returns the name of the app, if the actor is one.
    pub(super) fn app(&self) -> Option<&str> {
        match &self.limit {
            CredentialScope::App(grant) => Some(grant.app()),
            CredentialScope::Nothing
            | CredentialScope::Token(_)
            | CredentialScope::Claims(_)
            | CredentialScope::Enrolment => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::base_rights::restrict;
    use super::super::{Own, Read};
    use super::*;
    use crate::clock::Clock;

    fn grant(scopes: &[&str]) -> AppGrant {
        AppGrant::new("notes".into(), scopes.iter().map(|scope| scope.parse().unwrap()).collect())
    }

    fn user(limit: CredentialScope) -> Actor {
        let identity = Identity::User { id: Clock::default().id(), name: "ada".into(), admin: true };
        let mut actor = Actor::anonymous();
        (actor.identity, actor.limit) = (identity, limit);
        actor
    }

    #[test]
    fn an_app_has_only_granted_rights_of_its_user() {
        let (path, read) = ("ada/data".parse().unwrap(), Read::RIGHTS.with(Fetch::RIGHTS));
        let of = |scopes: &[&str], rights| {
            let actor = user(CredentialScope::Nothing).through(grant(scopes)).unwrap();
            assert_eq!(actor.app(), Some("notes"));
            assert!(!actor.may_share(), "an app cannot share, whatever its scopes");
            restrict(&actor, &path, rights, Rights::NONE)
        };
        assert_eq!(of(&["read"], Rights::ALL), read);
        assert_eq!(of(&["write"], Rights::ALL), MAX_RIGHTS);
        assert_eq!(of(&["own"], Rights::ALL).and(Own::RIGHTS), Write::RIGHTS, "an app never gets the right to own");
        assert_eq!(of(&["own"], read), read);
        assert_eq!(of(&["own:ada/other"], Rights::ALL), Rights::NONE);
        assert_eq!(of(&[], Rights::ALL), Rights::NONE);
    }

    #[test]
    fn only_a_user_without_limits_has_apps() {
        let whole = || vec![TokenScope::ALL];
        assert!(user(CredentialScope::Token(whole())).through(grant(&["read"])).is_err());
        assert!(user(CredentialScope::Claims(vec![])).through(grant(&["read"])).is_err());
        assert!(user(CredentialScope::App(grant(&["own"]))).through(grant(&["read"])).is_err());
        assert!(Actor::operator().through(grant(&["read"])).is_err());
        assert!(Actor::anonymous().through(grant(&["read"])).is_err());
        assert!(user(CredentialScope::Nothing).may_share() && user(CredentialScope::Token(whole())).may_share());
    }
}
