//! Signing in with an external identity provider, and linking accounts there. Accounts are found by the provider's id of
//! the user, never by an address: control of an address at a provider must not give an account that was here before.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::one_time_tokens::{self, Purpose};
use super::providers::{ExternalUser, Handshake, Provider, ProviderError};
use super::sessions::{ClientInfo, SignInMethod, SignedIn, by};
use super::signup::NewUser;
use super::{Accounts, emails, invitations};
use crate::access::IdentityChangeGrant;
use crate::config::SignUp;
use crate::db::Tx;
use crate::db::identities::IdentityKey;
use crate::error::{Error, Kind, Result};
use crate::mail;
use crate::types::{DisplayName, Email, Id, OwnerName, Secret};

/// How long signing in at the provider may take, and how long choosing a name after it.
pub const EXTERNAL_SIGN_IN: Duration = Duration::from_mins(10);

/// Maximum length of an authorization code, in bytes.
const MAX_CODE_BYTES: usize = 4096;

/// Subject of the token that is the `state` of a request to a provider.
#[derive(Serialize, Deserialize)]
struct PendingSignIn {
    provider: String,
    #[serde(flatten)]
    handshake: Handshake,
    next: String,
    /// User and session that link an account; `None` to sign in.
    link: Option<(String, String)>,
}

/// Subject of the token of a new user who has to choose a name.
#[derive(Serialize, Deserialize)]
struct PendingAccount {
    provider: String,
    issuer: String,
    subject: String,
    email: String,
    login: String,
    name: String,
}

/// The beginning of a sign-in.
pub struct ExternalRequest {
    /// URL at the provider.
    pub location: String,
    /// Value of `state`, which must also come back as a cookie of the same browser.
    pub state: Secret,
}

/// What the provider sends back with the browser (RFC 6749 §4.1.2).
#[derive(Debug, Default, Deserialize)]
pub struct ExternalResponse {
    /// The state of the request.
    #[serde(default)]
    pub state: String,
    /// The authorization code.
    pub code: Option<String>,
    /// Why there is none.
    pub error: Option<String>,
    /// The provider that answers (RFC 9207).
    pub iss: Option<String>,
}

/// Why a sign-in or a link failed, as a code for the page that explains it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExternalProblem {
    /// It was begun in another browser, took too long, or was finished before.
    State,
    /// The user, or the provider, refused.
    Denied,
    /// The provider cannot be reached.
    Unavailable,
    /// The provider's answer is not valid.
    Provider,
    /// The provider has not verified an address of the user.
    Email,
    /// The domain of the address may not have accounts here.
    Domain,
    /// The address has an account, whose owner must link it.
    Taken,
    /// New users cannot sign up.
    Closed,
    /// The account is suspended.
    Suspended,
    /// The account at the provider is linked to another account here.
    Linked,
}

impl ExternalProblem {
    /// Returns the code in the URL of the page.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::State => "state",
            Self::Denied => "denied",
            Self::Unavailable => "unavailable",
            Self::Provider => "provider",
            Self::Email => "email",
            Self::Domain => "domain",
            Self::Taken => "taken",
            Self::Closed => "closed",
            Self::Suspended => "suspended",
            Self::Linked => "linked",
        }
    }
}

/// The result of signing in with a provider.
pub enum ExternalSignIn {
    /// The user is signed in.
    Done(Box<SignedIn>),
    /// The user has a second factor, and gets a session for this one-time token and a code.
    SecondStep(Secret),
    /// The user is new, and chooses a name with this one-time token.
    NewUser(Secret),
    /// The account at the provider was linked.
    Linked,
    /// Nothing changed. True if the user wanted to link an account.
    Refused(ExternalProblem, bool),
}

/// A new user who has to choose a name.
pub struct NewExternalUser {
    /// Name of the provider, for people.
    pub provider: String,
    /// The verified address.
    pub email: String,
    /// User name at the provider; may be empty.
    pub login: String,
    /// Display name at the provider; may be empty.
    pub name: String,
}

impl From<&ProviderError> for ExternalProblem {
    fn from(error: &ProviderError) -> Self {
        match error {
            ProviderError::Unavailable(_) => Self::Unavailable,
            ProviderError::Invalid(_) => Self::Provider,
        }
    }
}

impl Accounts {
    /// Returns the providers that users can sign in with: name and label.
    pub fn providers(&self) -> impl Iterator<Item = (&str, &str)> {
        self.providers.iter().map(|provider| (provider.config.name.as_str(), provider.config.label()))
    }

    fn provider(&self, name: &str) -> Result<&Provider> {
        self.providers.get(name).ok_or_else(|| Error::not_found("this site has no such way to sign in"))
    }

    /// Begins a sign-in at a provider. `next` is the page to open after it. With `again`, the provider should not accept
    /// a session of its own.
    ///
    /// # Errors
    /// Not found for an unknown provider; unavailable if it cannot be reached.
    pub async fn begin_external_sign_in(&self, provider: &str, next: &str, again: bool) -> Result<ExternalRequest> {
        self.begin_external(provider, next, again, None).await
    }

    /// Begins to link the user's account at a provider.
    ///
    /// # Errors
    /// As for [`Accounts::begin_external_sign_in`]; conflict if another one there is linked.
    pub async fn begin_link(&self, grant: &IdentityChangeGrant, provider: &str) -> Result<ExternalRequest> {
        let issuer = self.provider(provider)?.config.issuer();
        let linked = self.db.read().await?.identities(grant.user()).await?;
        if linked.iter().any(|row| row.provider == provider && row.issuer == issuer) {
            return Err(Error::conflict("your account there is linked already: unlink it first"));
        }
        self.begin_external(provider, "/account", false, Some(grant)).await
    }

    async fn begin_external(
        &self,
        name: &str,
        next: &str,
        again: bool,
        link: Option<&IdentityChangeGrant>,
    ) -> Result<ExternalRequest> {
        let provider = self.provider(name)?;
        let state = one_time_tokens::generate();
        let (location, handshake) = provider.begin(&state, again).await.map_err(|error| {
            tracing::warn!(provider = name, %error, "cannot begin a sign-in");
            Error::unavailable(format!("{} cannot be reached: try again in a moment", provider.config.label()))
        })?;
        let subject = PendingSignIn {
            provider: name.to_owned(),
            handshake,
            next: next.to_owned(),
            link: link.map(|grant| (grant.user().to_string(), grant.session().to_string())),
        };
        let (clock, user) = (&self.clock, link.map(IdentityChangeGrant::user));
        let mut tx = self.db.write().await?;
        one_time_tokens::insert(&mut tx, clock, Purpose::ExternalSignIn, &state, &subject, user, EXTERNAL_SIGN_IN)
            .await?;
        tx.commit().await?;
        Ok(ExternalRequest { location, state })
    }

    /// Finishes a sign-in at a provider, or a link. `cookie` is the state that the browser was given, and `session` the
    /// user and the session of the request. Returns the page to open next, too.
    ///
    /// # Errors
    /// Not found for an unknown provider.
    pub async fn finish_external_sign_in(
        &self,
        name: &str,
        response: &ExternalResponse,
        cookie: Option<&Secret>,
        session: Option<(Id, Id)>,
        visit: &ClientInfo,
    ) -> Result<(ExternalSignIn, String)> {
        let provider = self.provider(name)?;
        let foreign = || Ok((ExternalSignIn::Refused(ExternalProblem::State, false), "/".to_owned()));
        // Both must come back: an attacker could send the user here with a sign-in of their own.
        let Some(state) = cookie.filter(|cookie| cookie.expose() == response.state) else { return foreign() };
        let mut tx = self.db.write().await?;
        let redeemed =
            one_time_tokens::redeem::<PendingSignIn>(&mut tx, &self.clock, Purpose::ExternalSignIn, state).await;
        let pending = match redeemed {
            Ok(redeemed) => redeemed.subject,
            Err(error) if error.kind() == Kind::NotFound => return foreign(),
            Err(error) => return Err(error),
        };
        // Whatever comes of it, the state was used.
        tx.commit().await?;
        if pending.provider != name {
            return foreign();
        }
        let is_link = pending.link.is_some();
        let refused = |problem| Ok((ExternalSignIn::Refused(problem, is_link), pending.next.clone()));
        if response.iss.as_deref().is_some_and(|iss| iss != provider.config.issuer()) {
            return refused(ExternalProblem::State);
        }
        let code = response.code.as_deref().filter(|code| !code.is_empty() && code.len() <= MAX_CODE_BYTES);
        let (Some(code), None) = (code, &response.error) else {
            return refused(ExternalProblem::Denied);
        };
        let user = match provider.finish(code, &pending.handshake).await {
            Ok(user) => user,
            Err(error) => {
                tracing::warn!(provider = name, %error, "cannot finish a sign-in");
                return refused(ExternalProblem::from(&error));
            }
        };
        let outcome = match pending.link {
            Some(link) => self.link(provider, &user, link, session).await?,
            None => self.sign_in_externally(provider, &user, visit).await?,
        };
        Ok((outcome, pending.next))
    }

    /// Signs in the user that an account at the provider is linked to, or lets a new user choose a name.
    async fn sign_in_externally(
        &self,
        provider: &Provider,
        user: &ExternalUser,
        visit: &ClientInfo,
    ) -> Result<ExternalSignIn> {
        let key = key(provider, user);
        let refused = |problem| Ok(ExternalSignIn::Refused(problem, false));
        let mut tx = self.db.write().await?;
        let Some(id) = tx.user_of_identity(key).await? else {
            let Some(email) = &user.email else { return refused(ExternalProblem::Email) };
            if let Err(problem) = self.admits(&mut tx, provider, email).await? {
                return refused(problem);
            }
            let subject = PendingAccount {
                provider: key.provider.to_owned(),
                issuer: key.issuer.to_owned(),
                subject: user.subject.clone(),
                email: email.to_string(),
                login: user.login.chars().take(100).collect(),
                name: user.name.chars().take(100).collect(),
            };
            let (clock, purpose) = (&self.clock, Purpose::ExternalSignUp);
            let issued = one_time_tokens::issue(&mut tx, clock, purpose, &subject, None, EXTERNAL_SIGN_IN).await?;
            tx.commit().await?;
            return Ok(ExternalSignIn::NewUser(issued.1));
        };
        tx.lock_account(id).await?;
        // It may have been unlinked while this waited for the lock.
        if tx.user_of_identity(key).await? != Some(id) {
            return refused(ExternalProblem::State);
        }
        let row = tx.login(id).await?.filter(|row| row.is_open(self.clock.now()));
        let Some(row) = row else { return refused(ExternalProblem::Suspended) };
        tx.touch_identity(key, self.clock.now()).await?;
        // The provider's own second factor, if it has one, is not known here.
        if tx.has_second_factor(id).await? {
            let ticket = self.issue_second_step(&mut tx, id, SignInMethod::External).await?;
            tx.commit().await?;
            return Ok(ExternalSignIn::SecondStep(ticket));
        }
        if row.closed_at.is_some() {
            self.reopen(&mut tx, &row).await?;
        }
        let signed_in = self.begin_session(&mut tx, id, visit, SignInMethod::External).await?;
        tx.commit().await?;
        Ok(ExternalSignIn::Done(Box::new(signed_in)))
    }

    /// Returns whether a user of a provider with this verified address may create an account.
    async fn admits(
        &self,
        tx: &mut Tx,
        provider: &Provider,
        email: &Email,
    ) -> Result<std::result::Result<(), ExternalProblem>> {
        if !provider.admits(email) {
            return Ok(Err(ExternalProblem::Domain));
        }
        if tx.login_by_email(email).await?.is_some() {
            return Ok(Err(ExternalProblem::Taken));
        }
        let is_open = provider.config.create
            || match self.rules.sign_up {
                SignUp::Open => true,
                SignUp::Invitation => invitations::is_invited(tx, email, self.clock.now()).await?,
                SignUp::Closed => false,
            };
        Ok(if is_open { Ok(()) } else { Err(ExternalProblem::Closed) })
    }

    /// Links an account at a provider, if the browser still has the session that began it.
    async fn link(
        &self,
        provider: &Provider,
        user: &ExternalUser,
        (id, session): (String, String),
        current: Option<(Id, Id)>,
    ) -> Result<ExternalSignIn> {
        let (id, session): (Id, Id) = (id.parse()?, session.parse()?);
        let refused = |problem| Ok(ExternalSignIn::Refused(problem, true));
        let mut tx = self.db.write().await?;
        tx.lock_account(id).await?;
        let row = tx.user_by_id(id).await?.filter(crate::db::accounts::UserRow::is_active);
        let (Some(row), true) = (row, current == Some((id, session)) && tx.has_session(id, session).await?) else {
            return refused(ExternalProblem::State);
        };
        let key = key(provider, user);
        let label = user.email.as_ref().map_or(user.login.as_str(), Email::as_str);
        let label: String = label.chars().filter(|c| !c.is_control()).take(254).collect();
        match tx.insert_identity(key, id, &label, self.clock.now()).await {
            Ok(()) => {}
            Err(error) if error.kind() == Kind::Conflict => return refused(ExternalProblem::Linked),
            Err(error) => return Err(error),
        }
        self.audit_by(&mut tx, &by(id), "identity.add", &format!("{} {}", row.name, key.provider)).await?;
        let notice = emails::sign_in_added(&self.base, &row.email.parse()?, &row.name, provider.config.label());
        mail::enqueue_email(&mut tx, &self.clock, &notice).await?;
        tx.commit().await?;
        Ok(ExternalSignIn::Linked)
    }

    /// Returns what is known of a new user who has to choose a name.
    ///
    /// # Errors
    /// Not found for an invalid token.
    pub async fn new_external_user(&self, ticket: &Secret) -> Result<NewExternalUser> {
        let mut tx = self.db.read().await?;
        let found =
            one_time_tokens::look::<PendingAccount>(&mut tx, &self.clock, Purpose::ExternalSignUp, ticket).await;
        let PendingAccount { provider, email, login, name, .. } = found.map_err(over)?.subject;
        let provider = self.provider(&provider)?.config.label().to_owned();
        Ok(NewExternalUser { provider, email, login, name })
    }

    /// Creates the account of a new user of a provider, and starts a session. The account has no password.
    ///
    /// # Errors
    /// Not found for an invalid token; conflict if the name or the address was taken meanwhile: the token stays valid
    /// then. Forbidden if new users cannot sign up any more.
    pub async fn create_external(
        &self,
        ticket: &Secret,
        name: &OwnerName,
        display_name: DisplayName,
        visit: &ClientInfo,
    ) -> Result<SignedIn> {
        let mut tx = self.db.write().await?;
        let redeemed =
            one_time_tokens::redeem::<PendingAccount>(&mut tx, &self.clock, Purpose::ExternalSignUp, ticket).await;
        let pending = redeemed.map_err(over)?.subject;
        let provider = self.provider(&pending.provider)?;
        let email: Email = pending.email.parse()?;
        match self.admits(&mut tx, provider, &email).await? {
            Ok(()) => {}
            Err(ExternalProblem::Taken) => {
                return Err(Error::conflict(format!("the address `{email}` already has an account")));
            }
            Err(_) => return Err(Error::forbidden("new users cannot sign up here any more")),
        }
        let user =
            self.insert_user(&mut tx, NewUser { name, email: &email, display_name, password: None, admin: false });
        let user = user.await?;
        let key = IdentityKey { provider: &pending.provider, issuer: &pending.issuer, subject: &pending.subject };
        tx.insert_identity(key, user, email.as_str(), self.clock.now()).await?;
        tx.touch_identity(key, self.clock.now()).await?;
        self.audit_by(&mut tx, &by(user), "user.add", &format!("{name} by {}", pending.provider)).await?;
        let signed_in = self.begin_session(&mut tx, user, visit, SignInMethod::External).await?;
        tx.commit().await?;
        Ok(signed_in)
    }
}

fn key<'a>(provider: &'a Provider, user: &'a ExternalUser) -> IdentityKey<'a> {
    IdentityKey { provider: &provider.config.name, issuer: provider.config.issuer(), subject: &user.subject }
}

fn over(error: Error) -> Error {
    match error.kind() {
        Kind::NotFound => Error::not_found("this sign-up is no longer valid: sign in with the provider again"),
        _ => error,
    }
}
