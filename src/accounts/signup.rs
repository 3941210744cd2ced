//! Sign-up: users give an e-mail address, and choose a password through a link sent to it. The first administrator
//! gets a link from the operator of the server.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::one_time_tokens::{self, Purpose};
use super::sessions::{ClientInfo, SignInMethod, SignedIn, by};
use super::{Accounts, emails};
use crate::config::SignUp;
use crate::db::Tx;
use crate::error::{Error, Result};
use crate::jobs::{self, Kind};
use crate::mail::{self, OutgoingEmail};
use crate::types::{DisplayName, Email, Id, OwnerKind, OwnerName, Secret};

/// How long the link to choose a password is valid.
const SIGN_UP: Duration = Duration::from_hours(24);
/// How long the link to create the first administrator is valid.
const SET_UP: Duration = Duration::from_hours(24);

/// Limits on unsolicited e-mails of one kind to one address: (period, maximum count).
pub(super) type MailLimits = &'static [(Duration, i64)];
/// For e-mails that their recipient may have requested.
const ASKED: MailLimits = &[(Duration::from_hours(1), 5)];

/// Lock name for transactions that add or remove administrators.
const ADMINISTRATORS: &str = "administrators";

/// Subject of a sign-up ticket: the account to create.
#[derive(Serialize, Deserialize)]
struct PendingSignup {
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
    /// Hash of the password; `None` for an account that signs in with tokens, or elsewhere.
    pub(super) password: Option<&'a str>,
    pub(super) admin: bool,
}

impl Accounts {
    /// Returns who can create an account.
    pub fn sign_up_rule(&self) -> SignUp {
        self.rules.sign_up
    }

    /// Sends a link to choose a password to the address of a new user. Whether the address already has an account is
    /// revealed only in the e-mail to that address.
    ///
    /// # Errors
    /// Forbidden unless everyone can sign up; conflict if the name is taken, since names are public.
    pub async fn sign_up(&self, name: &OwnerName, email: &Email, display_name: &DisplayName) -> Result<()> {
        self.expect_sign_up()?;
        self.expect_passwords()?;
        expect_user_name(name)?;
        let mut tx = self.db.write().await?;
        if tx.owner(name).await?.is_some() {
            return Err(Error::conflict(format!("the name `{name}` is taken")));
        }
        expect_unretired(&mut tx, name, None).await?;
        let email = if let Some(known) = tx.login_by_email(email).await? {
            emails::known_already(&self.base, email, &known.name)
        } else {
            let signup = PendingSignup {
                name: name.to_string(),
                email: email.to_string(),
                display_name: display_name.to_string(),
            };
            let issued = one_time_tokens::issue(&mut tx, &self.clock, Purpose::SignUp, &signup, None, SIGN_UP).await?;
            emails::verify(&self.base, email, name, &issued.1)
        };
        if self.post_unasked(&mut tx, &email).await? {
            tx.commit().await?;
        }
        Ok(())
    }

    /// # Errors
    /// Forbidden unless everyone can sign up.
    fn expect_sign_up(&self) -> Result<()> {
        match self.rules.sign_up {
            SignUp::Open => Ok(()),
            SignUp::Invitation => Err(Error::forbidden(
                "sign-up is by invitation only: ask an organisation owner or an administrator to invite you",
            )),
            SignUp::Closed => Err(Error::forbidden("sign-up is disabled: ask an administrator for an account")),
        }
    }

    /// Sends an e-mail to an address that someone claims to own, unless it got too many like it recently: sign-up
    /// must not be a way to flood a mailbox. Returns false if it was not sent; the caller must then not commit
    /// either.
    pub(super) async fn post_unasked(&self, tx: &mut Tx, email: &OutgoingEmail) -> Result<bool> {
        self.post_within(tx, email, &email.subject, ASKED).await
    }

    /// Sends an e-mail unless the e-mails to this address whose subject matches the SQL LIKE pattern reached one of
    /// the limits.
    pub(super) async fn post_within(
        &self,
        tx: &mut Tx,
        email: &OutgoingEmail,
        subjects: &str,
        limits: MailLimits,
    ) -> Result<bool> {
        // Serializes concurrent requests, which would otherwise all read the same count.
        tx.lock_name(&format!("mail to {}", email.to)).await?;
        for (time, most) in limits {
            if tx.emails_like(&email.to, subjects, self.clock.now().minus(*time)).await? >= *most {
                return Ok(false);
            }
        }
        mail::enqueue_email(tx, &self.clock, email).await?;
        Ok(true)
    }

    /// Creates the account of a user who opened the link that was sent to them, and starts a session.
    ///
    /// # Errors
    /// Not found for an invalid link; invalid for a short password; conflict if the name or the address was taken
    /// meanwhile. The link stays valid after these errors. Forbidden if sign-up is no longer open.
    pub async fn verify(&self, ticket: &Secret, password: Secret, visit: &ClientInfo) -> Result<SignedIn> {
        self.expect_sign_up()?;
        self.expect_passwords()?;
        // Check first: hashing is expensive, so it requires a valid link.
        one_time_tokens::look::<PendingSignup>(&mut self.db.read().await?, &self.clock, Purpose::SignUp, ticket)
            .await?;
        let hash = self.passwords.hash(password).await?;
        let mut tx = self.db.write().await?;
        let signup: PendingSignup =
            one_time_tokens::redeem(&mut tx, &self.clock, Purpose::SignUp, ticket).await?.subject;
        let PendingSignup { name, email, display_name } = signup;
        let new = NewUser {
            name: &name.parse()?,
            email: &email.parse()?,
            display_name: display_name.parse()?,
            password: Some(&hash),
            admin: false,
        };
        let user = self.insert_user(&mut tx, new).await?;
        self.audit_by(&mut tx, &by(user), "user.add", &name).await?;
        let signed_in = self.begin_session(&mut tx, user, visit, SignInMethod::Password).await?;
        tx.commit().await?;
        Ok(signed_in)
    }

    /// Adds a user as part of a transaction. Adding an administrator invalidates the links to create the first one.
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
        if self.has_apps {
            jobs::enqueue(tx, &self.clock, Kind::PreinstallApps, &id.to_string(), Duration::ZERO).await?;
        }
        Ok(id)
    }

    /// Returns true if there is no administrator yet.
    pub async fn needs_set_up(&self) -> Result<bool> {
        Ok(!self.db.read().await?.has_administrator().await?)
    }

    /// Creates a link to create the first administrator, if none exists yet. It is printed on the server's
    /// terminal.
    pub async fn set_up_link(&self) -> Result<Option<Secret>> {
        let mut tx = self.db.write().await?;
        lock_administrators(&mut tx).await?;
        if tx.has_administrator().await? {
            return Ok(None);
        }
        let issued = one_time_tokens::issue(&mut tx, &self.clock, Purpose::SetUp, &(), None, SET_UP).await?;
        tx.commit().await?;
        Ok(Some(Secret::new(format!("{}/setup#{}", self.base, issued.1.expose()))))
    }

    /// Creates the first administrator, and starts a session.
    ///
    /// # Errors
    /// Not found for an invalid link, as all are once there is an administrator; otherwise as for
    /// [`Accounts::verify`].
    pub async fn set_up(
        &self,
        ticket: &Secret,
        (name, display_name): (&OwnerName, DisplayName),
        email: &Email,
        password: Secret,
        visit: &ClientInfo,
    ) -> Result<SignedIn> {
        one_time_tokens::look::<()>(&mut self.db.read().await?, &self.clock, Purpose::SetUp, ticket).await?;
        let hash = self.passwords.hash(password).await?;
        let mut tx = self.db.write().await?;
        lock_administrators(&mut tx).await?;
        if tx.has_administrator().await? {
            return Err(one_time_tokens::gone());
        }
        one_time_tokens::redeem::<()>(&mut tx, &self.clock, Purpose::SetUp, ticket).await?;
        let new = NewUser { name, email, display_name, password: Some(&hash), admin: true };
        let user = self.insert_user(&mut tx, new).await?;
        self.audit_by(&mut tx, &by(user), "user.set-up", name.as_str()).await?;
        let signed_in = self.begin_session(&mut tx, user, visit, SignInMethod::Password).await?;
        tx.commit().await?;
        Ok(signed_in)
    }
}

/// # Errors
/// Invalid for the name of a nested organisation.
pub(super) fn expect_user_name(name: &OwnerName) -> Result<()> {
    if name.as_str().contains('/') {
        return Err(Error::invalid("a user name cannot contain `/`: only organisations can be nested"));
    }
    Ok(())
}

/// # Errors
/// Conflict for the name of a deleted owner; `user` may reuse the names of organisations that they deleted
/// themselves.
pub(super) async fn expect_unretired(tx: &mut Tx, name: &OwnerName, user: Option<Id>) -> Result<()> {
    if tx.is_retired(name, user).await? {
        return Err(Error::conflict(format!(
            "the name `{name}` was used before, and old URLs may still refer to it: choose another one, or ask the \
             operator"
        )));
    }
    Ok(())
}

/// Serializes transactions that add or remove administrators. Must be taken before any other lock.
pub(super) async fn lock_administrators(tx: &mut Tx) -> Result<()> {
    tx.lock_name(ADMINISTRATORS).await
}

/// Invalidates the links to create the first administrator, once there is one.
pub(super) async fn end_set_up(tx: &mut Tx) -> Result<()> {
    tx.withdraw_tickets(Purpose::SetUp.as_str()).await
}
