//! Tickets: what a link in a letter carries. Each is good for one thing, once, for a time. Only the hash is stored; who
//! has the link may do what it is for, and nothing else.

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

/// What a ticket is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// To choose a password for a new account.
    SignUp,
    /// To choose a new password.
    Reset,
    /// To show that an address is one's own.
    Email,
    /// To make the first administrator.
    SetUp,
    /// To join an organisation, or the site.
    Invitation,
}

impl Purpose {
    /// As it is stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::SignUp => "sign-up",
            Self::Reset => "reset",
            Self::Email => "email",
            Self::SetUp => "set-up",
            Self::Invitation => "invitation",
        }
    }
}

/// A ticket that is good.
#[derive(Debug)]
pub struct Ticket<S> {
    /// Stable id.
    pub id: Id,
    /// What it is about.
    pub subject: S,
    /// When it ends.
    pub expires_at: Millis,
}

/// Makes a ticket that is about something, and, where it is for a user, goes with that user. The ticket itself is in the
/// answer and nowhere else.
pub async fn issue<S: Serialize>(
    tx: &mut Tx,
    clock: &Clock,
    purpose: Purpose,
    subject: &S,
    user: Option<Id>,
    lifetime: Duration,
) -> Result<(Id, Secret)> {
    let ticket = Secret::new(format!("{PREFIX}{}", BASE64.encode(random::<32>())));
    let (id, now) = (clock.id(), clock.now());
    let subject = serde_json::to_string(subject).map_err(Error::internal)?;
    let hash = tokens::hash(&ticket);
    tx.insert_ticket(id, purpose.as_str(), &hash, &subject, user, now, now.plus(lifetime)).await?;
    Ok((id, ticket))
}

/// Uses a ticket, as part of the transaction that does what it is for: where that fails, it stays good.
///
/// # Errors
/// Not found for a ticket that is not known, was used, or has ended: one sentence for all.
pub async fn redeem<S: DeserializeOwned>(
    tx: &mut Tx,
    clock: &Clock,
    purpose: Purpose,
    ticket: &Secret,
) -> Result<Ticket<S>> {
    let row = tx.use_ticket(purpose.as_str(), &tokens::hash(ticket), clock.now()).await?;
    let row = row.ok_or_else(gone)?;
    let subject = serde_json::from_str(&row.subject).map_err(Error::internal)?;
    Ok(Ticket { id: row.id, subject, expires_at: row.expires_at })
}

/// What a ticket is about; it stays good.
///
/// # Errors
/// As for [`redeem`].
pub async fn look<S: DeserializeOwned>(
    tx: &mut Tx,
    clock: &Clock,
    purpose: Purpose,
    ticket: &Secret,
) -> Result<Ticket<S>> {
    let row = tx.ticket(purpose.as_str(), &tokens::hash(ticket), clock.now()).await?;
    let row = row.ok_or_else(gone)?;
    let subject = serde_json::from_str(&row.subject).map_err(Error::internal)?;
    Ok(Ticket { id: row.id, subject, expires_at: row.expires_at })
}

/// What is said of every ticket that is not good.
pub fn gone() -> Error {
    Error::not_found("this link is not good, or not any more: it was used, or its time is over")
}
