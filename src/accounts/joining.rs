//! How people come to have an account: they give an address, and what goes there lets them choose a password. The first
//! administrator gets a link from whoever started the server.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::sessions::{SignedIn, Visit, by};
use super::tickets::{self, Purpose};
use super::{Accounts, letters};
use crate::config::SignUp;
use crate::db::Tx;
use crate::error::{Error, Result};
use crate::mail::{self, Letter};
use crate::types::{DisplayName, Email, Id, OwnerKind, OwnerName, Secret};

/// For how long the link to choose a password is good.
const SIGN_UP: Duration = Duration::from_hours(24);
/// For how long the link to make the first administrator is good.
const SET_UP: Duration = Duration::from_hours(24);

/// How many e-mails of one kind strangers may have sent to one address within a time.
pub(super) type MailLimits = &'static [(Duration, i64)];
/// For those that their receiver may have asked for.
const ASKED: MailLimits = &[(Duration::from_hours(1), 5)];

/// What all transactions that make or remove administrators have in common.
const ADMINISTRATORS: &str = "administrators";

/// Somebody who is to have an account.
#[derive(Serialize, Deserialize)]
struct Newcomer {
    name: String,
    email: String,
    #[serde(default)]
    display_name: String,
}

/// A new account.
pub(super) struct NewUser<'a> {
    pub(super) name: &'a OwnerName,
    pub(super) email: &'a Email,
    pub(super) display_name: DisplayName,
    /// The hash; none for an account that signs in with tokens only.
    pub(super) password: Option<&'a str>,
    pub(super) admin: bool,
}

impl Accounts {
    /// Who may make an account.
    pub fn sign_up_rule(&self) -> SignUp {
        self.rules.sign_up
    }

    /// Sends whoever wants an account a link to choose a password. Whether the address has one already is told to the
    /// address alone.
    ///
    /// # Errors
    /// Forbidden unless everyone may sign up; conflict for a name that is taken, since names are public.
    pub async fn sign_up(&self, name: &OwnerName, email: &Email, display_name: &DisplayName) -> Result<()> {
        self.expect_sign_up()?;
        expect_user_name(name)?;
        let mut tx = self.db.write().await?;
        if tx.owner(name).await?.is_some() {
            return Err(Error::conflict(format!("the name `{name}` is taken")));
        }
        expect_unretired(&mut tx, name, None).await?;
        let letter = if let Some(known) = tx.login_by_email(email).await? {
            letters::known_already(&self.base, email, &known.name)
        } else {
            let newcomer =
                Newcomer { name: name.to_string(), email: email.to_string(), display_name: display_name.to_string() };
            let issued = tickets::issue(&mut tx, &self.clock, Purpose::SignUp, &newcomer, None, SIGN_UP).await?;
            letters::verify(&self.base, email, name, &issued.1)
        };
        if self.post_unasked(&mut tx, &letter).await? {
            tx.commit().await?;
        }
        Ok(())
    }

    /// # Errors
    /// Forbidden unless everyone may sign up.
    fn expect_sign_up(&self) -> Result<()> {
        match self.rules.sign_up {
            SignUp::Open => Ok(()),
            SignUp::Invitation => Err(Error::forbidden(
                "accounts are by invitation here: ask somebody who has one, or an administrator, to invite you",
            )),
            SignUp::Closed => Err(Error::forbidden("nobody can sign up here: ask an administrator for an account")),
        }
    }

    /// Posts an e-mail to an address because somebody says it is theirs, unless many like it went there lately: nobody
    /// must be able to fill a mailbox. False if not; then nothing else is to happen either.
    pub(super) async fn post_unasked(&self, tx: &mut Tx, letter: &Letter) -> Result<bool> {
        self.post_within(tx, letter, &letter.subject, ASKED).await
    }

    /// Posts an e-mail unless one of the limits is reached by those with a subject like this, a pattern of SQL.
    pub(super) async fn post_within(
        &self,
        tx: &mut Tx,
        letter: &Letter,
        subjects: &str,
        limits: MailLimits,
    ) -> Result<bool> {
        // Requests side by side would all count the same.
        tx.lock_name(&format!("mail to {}", letter.to)).await?;
        for (time, most) in limits {
            if tx.letters_like(&letter.to, subjects, self.clock.now().minus(*time)).await? >= *most {
                return Ok(false);
            }
        }
        mail::post(tx, &self.clock, letter).await?;
        Ok(true)
    }

    /// Makes the account of somebody who has the link that was sent to them, and begins a session.
    ///
    /// # Errors
    /// Not found for a link that is not good; invalid for a short password, conflict for a name or an address that was
    /// taken meanwhile: the link stays good then. Forbidden where not everyone may sign up any more.
    pub async fn verify(&self, ticket: &Secret, password: Secret, visit: &Visit) -> Result<SignedIn> {
        self.expect_sign_up()?;
        // Before the work of hashing: whoever has no link makes us do none.
        tickets::look::<Newcomer>(&mut self.db.read().await?, &self.clock, Purpose::SignUp, ticket).await?;
        let hash = self.passwords.hash(password).await?;
        let mut tx = self.db.write().await?;
        let newcomer: Newcomer = tickets::redeem(&mut tx, &self.clock, Purpose::SignUp, ticket).await?.subject;
        let Newcomer { name, email, display_name } = newcomer;
        let new = NewUser {
            name: &name.parse()?,
            email: &email.parse()?,
            display_name: display_name.parse()?,
            password: Some(&hash),
            admin: false,
        };
        let user = self.insert_user(&mut tx, new).await?;
        self.audit_by(&mut tx, &by(user), "user.add", &name).await?;
        let signed_in = self.begin_session(&mut tx, user, visit).await?;
        tx.commit().await?;
        Ok(signed_in)
    }

    /// Adds a user as part of a transaction. Links that make the first administrator end when there is one.
    ///
    /// # Errors
    /// Conflict for a name or an address in use.
    pub(super) async fn insert_user(&self, tx: &mut Tx, new: NewUser<'_>) -> Result<Id> {
        expect_user_name(new.name)?;
        if new.admin {
            lock_administrators(tx).await?;
            end_set_up(tx).await?;
        }
        expect_unretired(tx, new.name, None).await?;
        let id = self.clock.id();
        tx.insert_owner(id, new.name, OwnerKind::User, self.clock.now()).await?;
        tx.insert_account(id, new.email, new.password, new.admin).await?;
        if !new.display_name.as_str().is_empty() {
            tx.set_display_name(id, &new.display_name).await?;
        }
        Ok(id)
    }

    /// Whether there is no administrator yet.
    pub async fn needs_set_up(&self) -> Result<bool> {
        Ok(!self.db.read().await?.has_administrator().await?)
    }

    /// A link by which the first administrator is made, if there is none yet. For the terminal of whoever runs the server.
    pub async fn set_up_link(&self) -> Result<Option<Secret>> {
        let mut tx = self.db.write().await?;
        lock_administrators(&mut tx).await?;
        if tx.has_administrator().await? {
            return Ok(None);
        }
        let issued = tickets::issue(&mut tx, &self.clock, Purpose::SetUp, &(), None, SET_UP).await?;
        tx.commit().await?;
        Ok(Some(Secret::new(format!("{}/setup#{}", self.base, issued.1.expose()))))
    }

    /// Makes the first administrator, and begins a session.
    ///
    /// # Errors
    /// Not found for a link that is not good, as all are once there is an administrator; else as for
    /// [`Accounts::verify`].
    pub async fn set_up(
        &self,
        ticket: &Secret,
        (name, display_name): (&OwnerName, DisplayName),
        email: &Email,
        password: Secret,
        visit: &Visit,
    ) -> Result<SignedIn> {
        tickets::look::<()>(&mut self.db.read().await?, &self.clock, Purpose::SetUp, ticket).await?;
        let hash = self.passwords.hash(password).await?;
        let mut tx = self.db.write().await?;
        lock_administrators(&mut tx).await?;
        if tx.has_administrator().await? {
            return Err(tickets::gone());
        }
        tickets::redeem::<()>(&mut tx, &self.clock, Purpose::SetUp, ticket).await?;
        let new = NewUser { name, email, display_name, password: Some(&hash), admin: true };
        let user = self.insert_user(&mut tx, new).await?;
        self.audit_by(&mut tx, &by(user), "user.set-up", name.as_str()).await?;
        let signed_in = self.begin_session(&mut tx, user, visit).await?;
        tx.commit().await?;
        Ok(signed_in)
    }
}

/// # Errors
/// Invalid for the name of a nested organisation.
pub(super) fn expect_user_name(name: &OwnerName) -> Result<()> {
    if name.as_str().contains('/') {
        return Err(Error::invalid("a user's name has no `/`: only organisations may be nested"));
    }
    Ok(())
}

/// # Errors
/// Conflict for the name of an owner who is gone; `user` may use those of organisations that they deleted themselves.
pub(super) async fn expect_unretired(tx: &mut Tx, name: &OwnerName, user: Option<Id>) -> Result<()> {
    if tx.is_retired(name, user).await? {
        return Err(Error::conflict(format!(
            "the name `{name}` was used before, and old addresses still name it: choose another one, or ask the operator"
        )));
    }
    Ok(())
}

/// Holds off others who would make or remove administrators, until the transaction ends. To be asked for before any
/// other lock.
pub(super) async fn lock_administrators(tx: &mut Tx) -> Result<()> {
    tx.lock_name(ADMINISTRATORS).await
}

/// Ends the links that make the first administrator: there is one now.
pub(super) async fn end_set_up(tx: &mut Tx) -> Result<()> {
    tx.withdraw_tickets(Purpose::SetUp.as_str()).await
}
