//! Applications that act for a user. An app has the rights of its user, restricted to the scopes and the paths that the
//! user gave it. It never has the right to own, so it cannot share.

use super::path_rights::{PathRights, stored_root};
use super::tokens::TokenScope;
use super::{Actor, CredentialScope, Fetch, Identity, Right as _, Rights, Write, tokens};
use crate::db::consents::ConsentPathRow;
use crate::error::{Error, Result};
use crate::types::{Id, RepoPath};

/// The scopes and the paths that a user gave to an app.
#[derive(Debug, Clone)]
pub struct AppGrant {
    app: String,
    scopes: Vec<TokenScope>,
    paths: Vec<ConsentPathRow>,
}

impl AppGrant {
    /// Creates a grant for the app of this name, restricted to these scopes.
    pub fn new(app: String, scopes: Vec<TokenScope>) -> Self {
        Self { app, scopes, paths: Vec::new() }
    }

    /// Adds files, folders and datasets that the user chose.
    #[must_use]
    pub fn with_paths(self, paths: Vec<ConsentPathRow>) -> Self {
        Self { paths, ..self }
    }

    /// Returns the name of the app.
    pub fn app(&self) -> &str {
        &self.app
    }

    pub(super) fn scopes(&self) -> &[TokenScope] {
        &self.scopes
    }

    /// Returns the datasets that the user chose as a whole.
    pub(super) fn datasets(&self) -> impl Iterator<Item = Id> {
        self.paths.iter().filter(|path| path.path.is_empty()).map(|path| path.repo_id)
    }

    /// Returns the rights in a dataset that the scopes and the paths allow.
    pub(super) fn reach(&self, dataset: Id, path: &RepoPath) -> Vec<PathRights> {
        let mut reach = vec![PathRights { root: None, rights: self.open(path) }];
        for chosen in self.paths.iter().filter(|chosen| chosen.repo_id == dataset) {
            // Stored paths were validated when they were written; an invalid one gives no access.
            let Ok(root) = stored_root(&chosen.path) else { continue };
            reach.push(PathRights { root, rights: chosen.right.rights().and(MAX_RIGHTS) });
        }
        reach
    }

    /// Returns the rights on a dataset as a whole that the scopes allow.
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

    /// Returns the user and the application that acts for them.
    ///
    /// # Errors
    /// Unauthenticated without credentials; forbidden if the actor is not an application.
    pub fn application(&self) -> Result<(Id, Id)> {
        let (user, _) = self.account()?;
        let client = self.app().and_then(|app| app.parse().ok());
        let client = client.ok_or_else(|| Error::forbidden("use the access token of an application"))?;
        Ok((user, client))
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
            let reach = vec![PathRights { root: None, rights }];
            let reach = restrict(&actor, (Clock::default().id(), &path), reach, Rights::NONE);
            reach.into_iter().fold(Rights::NONE, |rights, part| rights.with(part.rights))
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
