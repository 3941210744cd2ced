//! Second factors: where one is required, and permission to change one's own.
//!
//! ```compile_fail,E0308
//! use rutter::access::{FactorChangeGrant, FactorGrant};
//! // The permission to see the second factor is not enough to change it: that takes a recent sign-in.
//! fn change(see: FactorGrant) -> FactorChangeGrant {
//!     see
//! }
//! ```
//! ```compile_fail,E0308
//! use rutter::access::{FactorChangeGrant, IdentityChangeGrant};
//! // Users who must set up a second factor cannot link an account before that.
//! fn link(set_up: FactorChangeGrant) -> IdentityChangeGrant {
//!     set_up
//! }
//! ```

use std::time::Duration;

use super::{Access, Actor, CredentialScope};
use crate::error::{Error, Result};
use crate::types::{Id, Millis};

/// How recently a user must have signed in to change their second factor.
const RECENT: Duration = Duration::from_mins(10);

/// A permission check that passed: this user is signed in with a browser, and may see their second factor. The only
/// permission of users who must set one up first.
#[derive(Debug, Clone)]
#[must_use = "an unused grant is a permission check without effect"]
pub struct FactorGrant {
    user: Id,
    session: Id,
    is_recent: bool,
    is_required: bool,
}

impl FactorGrant {
    /// Returns the id of the user.
    pub fn user(&self) -> Id {
        self.user
    }

    /// Returns the session of the request.
    pub fn session(&self) -> Id {
        self.session
    }

    /// Returns true if the user signed in recently enough to change their second factor.
    pub fn is_recent(&self) -> bool {
        self.is_recent
    }

    /// Returns true if the site requires a second factor of this user, who has not signed in with one: the session can
    /// only set one up.
    pub fn is_required(&self) -> bool {
        self.is_required
    }
}

/// A permission check that passed: this user signed in with a browser a few minutes ago, and may change their second
/// factor.
#[derive(Debug, Clone)]
#[must_use = "an unused grant is a permission check without effect"]
pub struct FactorChangeGrant(FactorGrant);

impl FactorChangeGrant {
    /// Returns true if the site requires a second factor, with which the user has not signed in: the session can only
    /// set one up.
    pub fn is_required(&self) -> bool {
        self.0.is_required
    }

    /// Returns the id of the user.
    pub fn user(&self) -> Id {
        self.0.user
    }

    /// Returns the session of the request.
    pub fn session(&self) -> Id {
        self.0.session
    }
}

/// A permission check that passed: this user signed in with a browser a few minutes ago, with a second factor if the site
/// requires one, and may change the external accounts that they sign in with.
#[derive(Debug, Clone)]
#[must_use = "an unused grant is a permission check without effect"]
pub struct IdentityChangeGrant(FactorChangeGrant);

impl IdentityChangeGrant {
    /// Returns the id of the user.
    pub fn user(&self) -> Id {
        self.0.user()
    }

    /// Returns the session of the request.
    pub fn session(&self) -> Id {
        self.0.session()
    }

    /// Returns the permission to change the second factor, which is included.
    pub fn factor(&self) -> &FactorChangeGrant {
        &self.0
    }
}

/// Returns true if a sign-in was recent enough to change how the user signs in.
pub fn is_recent(since: Millis, now: Millis) -> bool {
    since.plus(RECENT) > now
}

/// Returns the error for a session that is too old for a change of how the user signs in.
pub fn sign_in_again() -> Error {
    Error::forbidden("sign in again to change how you sign in: that is possible for 10 minutes after signing in")
}

impl Actor {
    /// Checks that the actor is not a session that must set up a second factor first.
    ///
    /// # Errors
    /// Forbidden for such a session.
    pub fn expect_second_factor(&self) -> Result<()> {
        match self.limit {
            CredentialScope::Enrolment => Err(Error::forbidden(
                "this site requires two-factor authentication: set it up on your account page first",
            )),
            CredentialScope::Nothing
            | CredentialScope::Token(_)
            | CredentialScope::Claims(_)
            | CredentialScope::App(_) => Ok(()),
        }
    }

    /// Returns the user of a session that must set up a second factor first.
    pub fn enrolling(&self) -> Option<Id> {
        matches!(self.limit, CredentialScope::Enrolment).then(|| self.user()).flatten()
    }

    /// Returns the user and the browser session, if the actor has one.
    pub fn browser_session(&self) -> Option<(Id, Id)> {
        Some((self.user()?, self.session.as_ref()?.id))
    }
}

impl Access {
    /// Returns true if the site requires a second factor of this user, and the session was begun without. A user with an
    /// authenticator app has no session without its code; one with a passkey may have signed in otherwise.
    pub(super) async fn session_lacks_second_factor(&self, user: Id, admin: bool, amr: &str) -> Result<bool> {
        Ok(self.second_factor.is_required(admin)
            && !amr.split_ascii_whitespace().any(|method| method == "mfa")
            && !self.db.read().await?.has_second_factor(user).await?)
    }

    /// Returns true if the site requires a second factor of this user, who has none.
    async fn lacks_second_factor(&self, user: Id, admin: bool) -> Result<bool> {
        if !self.second_factor.is_required(admin) {
            return Ok(false);
        }
        let mut tx = self.db.read().await?;
        Ok(!tx.has_second_factor(user).await? && !tx.has_passkey(user).await?)
    }

    /// Returns true if a user has the rights of an administrator: where second factors are required, only with one.
    pub(super) async fn is_administrator(&self, user: Id, admin: bool) -> Result<bool> {
        Ok(admin && !self.lacks_second_factor(user, admin).await?)
    }

    /// Checks that the actor is signed in with a browser, and may see their second factor.
    ///
    /// # Errors
    /// Unauthenticated without credentials; forbidden for tokens.
    pub fn authorize_factors(&self, actor: &Actor) -> Result<FactorGrant> {
        let (user, _) = actor.account()?;
        let Some(session) = &actor.session else {
            return Err(Error::forbidden("sign in with a browser: tokens are not accepted here"));
        };
        let is_recent = is_recent(session.since, self.clock.now());
        Ok(FactorGrant { user, session: session.id, is_recent, is_required: actor.enrolling().is_some() })
    }

    /// Checks that the actor signed in with a browser a few minutes ago, and may change their second factor.
    ///
    /// # Errors
    /// As for [`Access::authorize_factors`]; forbidden if the session is older.
    pub fn authorize_factor_change(&self, actor: &Actor) -> Result<FactorChangeGrant> {
        let grant = self.authorize_factors(actor)?;
        if !grant.is_recent {
            return Err(sign_in_again());
        }
        Ok(FactorChangeGrant(grant))
    }

    /// Checks that the actor signed in with a browser a few minutes ago, with a second factor if the site requires one.
    ///
    /// # Errors
    /// As for [`Access::authorize_factor_change`]; forbidden if the second factor is missing.
    pub fn authorize_identity_change(&self, actor: &Actor) -> Result<IdentityChangeGrant> {
        actor.expect_second_factor()?;
        self.authorize_factor_change(actor).map(IdentityChangeGrant)
    }
}

/// A browser session, and the time of its sign-in.
#[derive(Debug, Clone, Copy)]
pub(super) struct BrowserSession {
    pub(super) id: Id,
    pub(super) since: Millis,
}
