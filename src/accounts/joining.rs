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
use crate::types::{Email, Id, OwnerKind, OwnerName, Secret};

/// For how long the link to choose a password is good.
const SIGN_UP: Duration = Duration::from_hours(24);
/// For how long the link to make the first administrator is good.
const SET_UP: Duration = Duration::from_hours(24);

/// Letters of one kind that strangers may have written to one address in an hour.
const LETTERS: i64 = 5;

/// Who is to have an account.
#[derive(Serialize, Deserialize)]
struct Newcomer {
    name: String,
    email: String,
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
    pub async fn sign_up(&self, name: &OwnerName, email: &Email) -> Result<()> {
        match self.rules.sign_up {
            SignUp::Open => {}
            SignUp::Invitation => {
                return Err(Error::forbidden(
                    "accounts are by invitation here: ask somebody who has one, or an administrator, to invite you",
                ));
            }
            SignUp::Closed => {
                return Err(Error::forbidden("nobody can sign up here: ask an administrator for an account"));
            }
        }
        expect_user_name(name)?;
        let mut tx = self.db.write().await?;
        if tx.owner(name).await?.is_some() {
            return Err(Error::conflict(format!("the name `{name}` is taken")));
        }
        let letter = if let Some(known) = tx.login_by_email(email).await? {
            letters::known_already(&self.base, email, &known.name)
        } else {
            let newcomer = Newcomer { name: name.to_string(), email: email.to_string() };
            let issued = tickets::issue(&mut tx, &self.clock, Purpose::SignUp, &newcomer, None, SIGN_UP).await?;
            letters::verify(&self.base, email, name, &issued.1)
        };
        if self.post_unasked(&mut tx, &letter).await? {
            tx.commit().await?;
        }
        Ok(())
    }

    /// Posts a letter to an address because somebody says it is theirs, unless many like it went there lately: nobody
    /// must be able to fill a mailbox. False if not; then nothing else is to happen either.
    pub(super) async fn post_unasked(&self, tx: &mut Tx, letter: &Letter) -> Result<bool> {
        let hour = self.clock.now().minus(Duration::from_hours(1));
        if tx.letters_like(letter, hour).await? >= LETTERS {
            return Ok(false);
        }
        mail::post(tx, &self.clock, letter).await?;
        Ok(true)
    }

    /// Makes the account of somebody who has the link that was sent to them, and begins a session.
    ///
    /// # Errors
    /// Not found for a link that is not good; invalid for a short password, conflict for a name or an address that was
    /// taken meanwhile: the link stays good then.
    pub async fn verify(&self, ticket: &Secret, password: Secret, visit: &Visit) -> Result<SignedIn> {
        // Before the work of hashing: whoever has no link makes us do none.
        tickets::look::<Newcomer>(&mut self.db.read().await?, &self.clock, Purpose::SignUp, ticket).await?;
        let hash = self.passwords.hash(password).await?;
        let mut tx = self.db.write().await?;
        let Newcomer { name, email } = tickets::redeem(&mut tx, &self.clock, Purpose::SignUp, ticket).await?.subject;
        let user = self.insert_user(&mut tx, &name.parse()?, &email.parse()?, Some(&hash), false).await?;
        self.audit_by(&mut tx, &by(user), "user.add", &name).await?;
        let signed_in = self.begin_session(&mut tx, user, visit).await?;
        tx.commit().await?;
        Ok(signed_in)
    }

    /// Adds a user as part of a transaction; the password is hashed already.
    ///
    /// # Errors
    /// Conflict for a name or an address in use.
    pub(super) async fn insert_user(
        &self,
        tx: &mut Tx,
        name: &OwnerName,
        email: &Email,
        password: Option<&str>,
        admin: bool,
    ) -> Result<Id> {
        expect_user_name(name)?;
        let id = self.clock.id();
        tx.insert_owner(id, name, OwnerKind::User, self.clock.now()).await?;
        tx.insert_account(id, email, password, admin).await?;
        Ok(id)
    }

    /// Whether there is no administrator yet.
    pub async fn needs_set_up(&self) -> Result<bool> {
        Ok(!self.db.read().await?.has_administrator().await?)
    }

    /// A link by which the first administrator is made, if there is none yet. For the terminal of whoever runs the server.
    pub async fn set_up_link(&self) -> Result<Option<Secret>> {
        if !self.needs_set_up().await? {
            return Ok(None);
        }
        let mut tx = self.db.write().await?;
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
        name: &OwnerName,
        email: &Email,
        password: Secret,
        visit: &Visit,
    ) -> Result<SignedIn> {
        tickets::look::<()>(&mut self.db.read().await?, &self.clock, Purpose::SetUp, ticket).await?;
        let hash = self.passwords.hash(password).await?;
        let mut tx = self.db.write().await?;
        tickets::redeem::<()>(&mut tx, &self.clock, Purpose::SetUp, ticket).await?;
        tx.withdraw_tickets(Purpose::SetUp.as_str()).await?;
        let user = self.insert_user(&mut tx, name, email, Some(&hash), true).await?;
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
