//! Password reset, and changes of the password and the e-mail address.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::one_time_tokens::{self, Purpose};
use super::sessions::by;
use super::{Accounts, emails};
use crate::access::{SessionGrant, is_recent, sign_in_again};
use crate::db::Tx;
use crate::db::accounts::UserRow;
use crate::error::{Error, Result};
use crate::jobs::{self, Kind};
use crate::mail;
use crate::types::{Email, Id, Millis, OwnerName, Secret};

/// How long a password reset link is valid.
const RESET: Duration = Duration::from_hours(1);
/// How long a link to confirm an e-mail address is valid.
const EMAIL: Duration = Duration::from_hours(24);

/// Subject of a password reset ticket.
#[derive(Serialize, Deserialize)]
struct ResetRequest {
    user: String,
}

/// Subject of a ticket for a change of e-mail address.
#[derive(Serialize, Deserialize)]
struct EmailChange {
    user: String,
    from: String,
    to: String,
}

/// A password that was verified, by its hash; `None` for a user without one who signed in recently. It is checked again
/// in the transaction of the action that it allows.
#[must_use = "the password may have changed since: see `Accounts::still_seated`"]
pub(super) struct CheckedPassword(Option<String>);

impl Accounts {
    /// Withdraws all links that could still change the password or the e-mail address of a user, and the tokens of those
    /// who have entered the password and not yet a code. Must be called by
    /// every action that locks an intruder out of the account: a link that they requested before must not work after
    /// it.
    pub(super) async fn withdraw_links(&self, tx: &mut Tx, user: Id) -> Result<()> {
        tx.lock_account(user).await?;
        for purpose in [Purpose::Reset, Purpose::Email, Purpose::SecondFactor, Purpose::NewPasskey] {
            tx.withdraw_tickets_of(purpose.as_str(), user).await?;
        }
        Ok(())
    }

    /// Suspends a user as of `since`, and ends all sessions and links; `None` ends the suspension.
    pub(super) async fn suspend_in(&self, tx: &mut Tx, user: Id, since: Option<Millis>) -> Result<()> {
        tx.lock_account(user).await?;
        tx.set_suspended(user, since).await?;
        if since.is_some() {
            tx.end_sessions(user, None).await?;
            tx.end_app_logins(user, self.clock.now()).await?;
            self.withdraw_links(tx, user).await?;
        }
        Ok(())
    }

    /// Queues a password reset e-mail to this address, if it has an account. The work is done in the background, so
    /// the response time does not reveal whether it has.
    ///
    /// # Errors
    /// Forbidden if the site accepts no passwords.
    pub async fn forgot(&self, email: &Email) -> Result<()> {
        self.expect_passwords()?;
        let mut tx = self.db.write().await?;
        jobs::enqueue(&mut tx, &self.clock, Kind::SendPasswordReset, email.as_str(), Duration::ZERO).await?;
        tx.commit().await
    }

    /// Sends a password reset link to this address, if it has an account.
    pub async fn send_reset(&self, email: &Email) -> Result<()> {
        let mut tx = self.db.write().await?;
        let known = tx.login_by_email(email).await?.filter(|row| row.is_open(self.clock.now()));
        let Some(known) = known else { return Ok(()) };
        tx.lock_account(known.id).await?;
        // The address may have changed while waiting for the lock.
        if tx.login_by_email(email).await?.is_none_or(|row| row.id != known.id) {
            return Ok(());
        }
        let subject = ResetRequest { user: known.id.to_string() };
        let issued =
            one_time_tokens::issue(&mut tx, &self.clock, Purpose::Reset, &subject, Some(known.id), RESET).await?;
        if self.post_unasked(&mut tx, &emails::reset(&self.base, email, &known.name, &issued.1)).await? {
            tx.commit().await?;
        }
        Ok(())
    }

    /// Sets a new password for the user of a reset link, and ends all sessions.
    ///
    /// # Errors
    /// Not found for an invalid link; invalid for a short password, and the link stays valid then.
    pub async fn reset(&self, ticket: &Secret, password: Secret) -> Result<()> {
        self.expect_passwords()?;
        let known =
            one_time_tokens::look::<ResetRequest>(&mut self.db.read().await?, &self.clock, Purpose::Reset, ticket)
                .await?;
        let user: Id = known.subject.user.parse()?;
        let hash = self.passwords.hash(password).await?;
        let mut tx = self.db.write().await?;
        tx.lock_account(user).await?;
        _ = one_time_tokens::redeem::<ResetRequest>(&mut tx, &self.clock, Purpose::Reset, ticket).await?;
        let known =
            tx.login(user).await?.filter(|row| row.is_open(self.clock.now())).ok_or_else(one_time_tokens::gone)?;
        tx.set_password(user, &hash).await?;
        tx.end_sessions(user, None).await?;
        tx.end_app_logins(user, self.clock.now()).await?;
        self.withdraw_links(&mut tx, user).await?;
        self.audit_by(&mut tx, &by(user), "user.reset-password", &known.name).await?;
        let email = emails::password_changed(&self.base, &known.email.parse()?, &known.name);
        mail::enqueue_email(&mut tx, &self.clock, &email).await?;
        tx.commit().await
    }

    /// Sets a new password for a user and ends all sessions, for the operator at the terminal.
    ///
    /// # Errors
    /// Not found for an unknown user; invalid for a short password.
    pub async fn set_password(&self, name: &OwnerName, password: Secret) -> Result<()> {
        let hash = self.passwords.hash(password).await?;
        let mut tx = self.db.write().await?;
        let user = self.known(&mut tx, name).await?;
        tx.lock_account(user.id).await?;
        tx.set_password(user.id, &hash).await?;
        tx.end_sessions(user.id, None).await?;
        tx.end_app_logins(user.id, self.clock.now()).await?;
        self.withdraw_links(&mut tx, user.id).await?;
        self.audit(&mut tx, "user.set-password", name.as_str()).await?;
        tx.commit().await
    }

    /// Checks that the site accepts passwords.
    ///
    /// # Errors
    /// Forbidden if not.
    pub(super) fn expect_passwords(&self) -> Result<()> {
        if self.rules.passwords {
            return Ok(());
        }
        let labels: Vec<&str> = self.providers().map(|(_, label)| label).collect();
        Err(Error::forbidden(format!("this site accepts no passwords: sign in with {}", labels.join(" or "))))
    }

    /// Checks the password of the signed-in user. For a user without one, a recent sign-in takes its place.
    ///
    /// # Errors
    /// Forbidden if it is wrong or missing, or if the sign-in was too long ago.
    pub(super) async fn expect_password(
        &self,
        seat: &SessionGrant,
        password: Option<Secret>,
    ) -> Result<CheckedPassword> {
        let row = self.db.read().await?.login(seat.user()).await?;
        let stored = row.and_then(|row| self.usable_password(&row));
        let Some(stored) = stored else {
            return if is_recent(seat.since(), self.clock.now()) {
                Ok(CheckedPassword(None))
            } else {
                Err(sign_in_again())
            };
        };
        let password = password.ok_or_else(|| Error::forbidden("the password is missing"))?;
        if self.passwords.verify(password, Some(stored.clone())).await? {
            return Ok(CheckedPassword(Some(stored)));
        }
        Err(Error::forbidden("the password is wrong"))
    }

    /// Returns the signed-in user, if the session and the password are still valid. Locks the account: until the
    /// transaction ends, no other one can change the password or the e-mail address, end sessions, or withdraw links.
    ///
    /// # Errors
    /// Unauthenticated if the session ended or the password changed since it was checked.
    pub(super) async fn still_seated(
        &self,
        tx: &mut Tx,
        seat: &SessionGrant,
        checked: &CheckedPassword,
    ) -> Result<UserRow> {
        tx.lock_account(seat.user()).await?;
        let user = self.myself(tx, seat.holder()).await?;
        let same = tx.login(user.id).await?.is_some_and(|row| self.usable_password(&row) == checked.0);
        if !same || !tx.has_session(user.id, seat.session()).await? {
            return Err(Error::unauthenticated("the password was changed or the session has ended; sign in again"));
        }
        Ok(user)
    }

    /// Changes the password, and ends all other sessions.
    ///
    /// # Errors
    /// Forbidden if `current` is not the password, or if the site accepts none; invalid for a short new one.
    pub async fn change_password(&self, seat: &SessionGrant, current: Option<Secret>, new: Secret) -> Result<()> {
        self.expect_passwords()?;
        let checked = self.expect_password(seat, current).await?;
        let hash = self.passwords.hash(new).await?;
        let mut tx = self.db.write().await?;
        let user = self.still_seated(&mut tx, seat, &checked).await?;
        tx.set_password(user.id, &hash).await?;
        tx.end_app_logins(seat.user(), self.clock.now()).await?;
        tx.end_sessions(user.id, Some(seat.session())).await?;
        self.withdraw_links(&mut tx, user.id).await?;
        self.audit_by(&mut tx, &by(user.id), "user.change-password", &user.name).await?;
        let email = emails::password_changed(&self.base, &user.email.parse()?, &user.name);
        mail::enqueue_email(&mut tx, &self.clock, &email).await?;
        tx.commit().await
    }

    /// Sends a confirmation link to a new e-mail address, and notifies the old one. The address changes when the link
    /// is opened.
    ///
    /// # Errors
    /// Forbidden if the password is wrong. Whether the new address already has an account is revealed only in the
    /// e-mail to it.
    pub async fn change_email(&self, seat: &SessionGrant, to: &Email, password: Option<Secret>) -> Result<()> {
        let checked = self.expect_password(seat, password).await?;
        let mut tx = self.db.write().await?;
        let user = self.still_seated(&mut tx, seat, &checked).await?;
        if user.email == to.as_str() {
            return Err(Error::conflict("this already is your address"));
        }
        tx.withdraw_tickets_of(Purpose::Email.as_str(), user.id).await?;
        let email = if let Some(known) = tx.login_by_email(to).await? {
            emails::known_already(&self.base, to, &known.name)
        } else {
            let subject = EmailChange { user: user.id.to_string(), from: user.email.clone(), to: to.to_string() };
            let issued = one_time_tokens::issue(&mut tx, &self.clock, Purpose::Email, &subject, Some(user.id), EMAIL);
            emails::confirm_email(&self.base, to, &user.name, &issued.await?.1)
        };
        if !self.post_unasked(&mut tx, &email).await? {
            return Ok(());
        }
        let notice = emails::email_to_change(&self.base, &user.email.parse()?, &user.name, to);
        mail::enqueue_email(&mut tx, &self.clock, &notice).await?;
        self.audit_by(&mut tx, &by(user.id), "user.ask-email", &user.name).await?;
        tx.commit().await
    }

    /// Changes the e-mail address of a user to the one that the link confirms.
    ///
    /// # Errors
    /// Not found for an invalid link; conflict if another account has taken the address meanwhile.
    pub async fn confirm_email(&self, ticket: &Secret) -> Result<()> {
        let mut tx = self.db.write().await?;
        let known = one_time_tokens::look::<EmailChange>(&mut tx, &self.clock, Purpose::Email, ticket).await?;
        let user: Id = known.subject.user.parse()?;
        tx.lock_account(user).await?;
        let redeemed = one_time_tokens::redeem::<EmailChange>(&mut tx, &self.clock, Purpose::Email, ticket).await?;
        let EmailChange { from, to, .. } = redeemed.subject;
        let same = |row: &UserRow| row.is_active() && row.email == from;
        let user = tx.user_by_id(user).await?.filter(same).ok_or_else(one_time_tokens::gone)?;
        tx.set_email(user.id, &to.parse()?).await?;
        // These links were sent to the old address.
        self.withdraw_links(&mut tx, user.id).await?;
        self.audit_by(&mut tx, &by(user.id), "user.change-email", &user.name).await?;
        mail::enqueue_email(&mut tx, &self.clock, &emails::email_changed(&self.base, &from.parse()?, &user.name))
            .await?;
        tx.commit().await
    }

    /// Returns the user with this id.
    pub async fn profile(&self, user: Id) -> Result<UserRow> {
        let user = self.db.read().await?.user_by_id(user).await?;
        user.ok_or_else(|| Error::not_found("the account was deleted"))
    }
}
