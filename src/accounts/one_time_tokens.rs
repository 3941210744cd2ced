//! One-time tokens for the links in e-mails, for the second step of signing in, and for sign-ins with external
//! providers and passkeys. Each is valid for one purpose, once, for a limited time. Only the hash
//! is stored; having the link is enough to use it, and allows nothing else.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::access::tokens;
use crate::clock::{Clock, random};
use crate::db::Tx;
use crate::error::{Error, Result};
use crate::types::{Id, Millis, Secret};

const PREFIX: &str = "ruk_";

/// The purpose of a ticket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Choose a password for a new account.
    SignUp,
    /// Choose a new password.
    Reset,
    /// Confirm an e-mail address.
    Email,
    /// Create the first administrator.
    SetUp,
    /// Join an organisation, or the site.
    Invitation,
    /// Enter a code after the first step of signing in.
    SecondFactor,
    /// Come back from an external identity provider.
    ExternalSignIn,
    /// Choose the name of a new account after that.
    ExternalSignUp,
    /// Answer a challenge with a passkey.
    PasskeySignIn,
    /// Register a passkey.
    NewPasskey,
}

impl Purpose {
    /// Returns the name in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::SignUp => "sign-up",
            Self::Reset => "reset",
            Self::Email => "email",
            Self::SetUp => "set-up",
            Self::Invitation => "invitation",
            Self::SecondFactor => "second-factor",
            Self::ExternalSignIn => "external-sign-in",
            Self::ExternalSignUp => "external-sign-up",
            Self::PasskeySignIn => "passkey-sign-in",
            Self::NewPasskey => "new-passkey",
        }
    }
}

/// A valid ticket.
#[derive(Debug)]
pub struct OneTimeToken<S> {
    /// Stable id.
    pub id: Id,
    /// Data of the ticket.
    pub subject: S,
    /// Expiry time.
    pub expires_at: Millis,
}

/// Creates a ticket with this subject. With a `user`, it is deleted together with that user. The return value is the
/// only copy of the ticket itself.
pub async fn issue<S: Serialize>(
    tx: &mut Tx,
    clock: &Clock,
    purpose: Purpose,
    subject: &S,
    user: Option<Id>,
    lifetime: Duration,
) -> Result<(Id, Secret)> {
    let ticket = generate();
    let id = insert(tx, clock, purpose, &ticket, subject, user, lifetime).await?;
    Ok((id, ticket))
}

/// Generates a ticket for [`insert`].
pub(super) fn generate() -> Secret {
    Secret::new(format!("{PREFIX}{}", BASE64.encode(random::<32>())))
}

/// Creates a ticket, as [`issue`] does, from one that was generated before. Returns its id.
pub(super) async fn insert<S: Serialize>(
    tx: &mut Tx,
    clock: &Clock,
    purpose: Purpose,
    ticket: &Secret,
    subject: &S,
    user: Option<Id>,
    lifetime: Duration,
) -> Result<Id> {
    let (id, now) = (clock.id(), clock.now());
    let subject = serde_json::to_string(subject).map_err(Error::internal)?;
    tx.insert_ticket(id, purpose.as_str(), &tokens::hash(ticket), &subject, user, now, now.plus(lifetime)).await?;
    Ok(id)
}

/// Uses a ticket, as part of the transaction of the action that it allows: if the transaction fails, the ticket stays
/// valid.
///
/// # Errors
/// Not found for a ticket that is unknown, used or expired, with the same message for all.
pub async fn redeem<S: DeserializeOwned>(
    tx: &mut Tx,
    clock: &Clock,
    purpose: Purpose,
    ticket: &Secret,
) -> Result<OneTimeToken<S>> {
    let row = tx.use_ticket(purpose.as_str(), &tokens::hash(ticket), clock.now()).await?;
    let row = row.ok_or_else(gone)?;
    let subject = serde_json::from_str(&row.subject).map_err(Error::internal)?;
    Ok(OneTimeToken { id: row.id, subject, expires_at: row.expires_at })
}

/// Reads a ticket without using it.
///
/// # Errors
/// As for [`redeem`].
pub async fn look<S: DeserializeOwned>(
    tx: &mut Tx,
    clock: &Clock,
    purpose: Purpose,
    ticket: &Secret,
) -> Result<OneTimeToken<S>> {
    let row = tx.ticket(purpose.as_str(), &tokens::hash(ticket), clock.now()).await?;
    let row = row.ok_or_else(gone)?;
    let subject = serde_json::from_str(&row.subject).map_err(Error::internal)?;
    Ok(OneTimeToken { id: row.id, subject, expires_at: row.expires_at })
}

/// Returns the error for every ticket that is not valid.
pub fn gone() -> Error {
    Error::not_found("this link is invalid, already used or expired")
}
