//! Passwords and addresses: forgotten, and changed.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::sessions::by;
use super::tickets::{self, Purpose};
use super::{Accounts, letters};
use crate::access::{Holder, Seat};
use crate::db::Tx;
use crate::db::accounts::UserRow;
use crate::error::{Error, Result};
use crate::jobs::{self, Kind};
use crate::mail;
use crate::types::{DisplayName, Email, Id, Millis, OwnerName, Secret};

/// For how long the link to choose another password is good.
const RESET: Duration = Duration::from_hours(1);
/// For how long the link is good that shows that an address is one's own.
const EMAIL: Duration = Duration::from_hours(24);

/// Whose password is to be chosen anew.
#[derive(Serialize, Deserialize)]
struct Forgetful {
    user: String,
}

/// Whose address is to be another.
#[derive(Serialize, Deserialize)]
struct Move {
    user: String,
    from: String,
    to: String,
}

/// A password that was right, by its hash: what it allows is checked again in the transaction that does it.
#[must_use = "the password may have changed since: see `Accounts::still_seated`"]
pub(super) struct CheckedPassword(String);

impl Accounts {
    /// Withdraws each link that could still change the password or the address of a user. For everything that a user or
    /// an operator does to keep somebody out of the account: what an intruder asked for before must not take effect
    /// after it.
    pub(super) async fn withdraw_links(&self, tx: &mut Tx, user: Id) -> Result<()> {
        lock_account(tx, user).await?;
        for purpose in [Purpose::Reset, Purpose::Email] {
            tx.withdraw_tickets_of(purpose.as_str(), user).await?;
        }
        Ok(())
    }

    /// Suspends a user as of `since`, and ends all sessions and links; none ends the suspension.
    pub(super) async fn suspend_in(&self, tx: &mut Tx, user: Id, since: Option<Millis>) -> Result<()> {
        lock_account(tx, user).await?;
        tx.set_suspended(user, since).await?;
        if since.is_some() {
            tx.end_sessions(user, None).await?;
            self.withdraw_links(tx, user).await?;
        }
        Ok(())
    }

    /// Has whoever has this address written to, if there is somebody: later, so that nobody learns from the time that it
    /// takes.
    pub async fn forgot(&self, email: &Email) -> Result<()> {
        let mut tx = self.db.write().await?;
        jobs::enqueue(&mut tx, &self.clock, Kind::Reset, email.as_str(), Duration::ZERO).await?;
        tx.commit().await
    }

    /// Sends a link to choose another password to this address, if it is somebody's.
    pub async fn send_reset(&self, email: &Email) -> Result<()> {
        let mut tx = self.db.write().await?;
        let known = tx.login_by_email(email).await?.filter(|row| row.is_open(self.clock.now()));
        let Some(known) = known else { return Ok(()) };
        lock_account(&mut tx, known.id).await?;
        // It may have changed while the lock was waited for.
        if tx.login_by_email(email).await?.is_none_or(|row| row.id != known.id) {
            return Ok(());
        }
        let subject = Forgetful { user: known.id.to_string() };
        let issued = tickets::issue(&mut tx, &self.clock, Purpose::Reset, &subject, Some(known.id), RESET).await?;
        if self.post_unasked(&mut tx, &letters::reset(&self.base, email, &known.name, &issued.1)).await? {
            tx.commit().await?;
        }
        Ok(())
    }

    /// Gives whoever has the link another password, and ends all sessions.
    ///
    /// # Errors
    /// Not found for a link that is not good; invalid for a short password, and the link stays good then.
    pub async fn reset(&self, ticket: &Secret, password: Secret) -> Result<()> {
        let known = tickets::look::<Forgetful>(&mut self.db.read().await?, &self.clock, Purpose::Reset, ticket).await?;
        let user: Id = known.subject.user.parse()?;
        let hash = self.passwords.hash(password).await?;
        let mut tx = self.db.write().await?;
        lock_account(&mut tx, user).await?;
        _ = tickets::redeem::<Forgetful>(&mut tx, &self.clock, Purpose::Reset, ticket).await?;
        let known = tx.login(user).await?.filter(|row| row.is_open(self.clock.now())).ok_or_else(tickets::gone)?;
        tx.set_password(user, &hash).await?;
        tx.end_sessions(user, None).await?;
        self.withdraw_links(&mut tx, user).await?;
        self.audit_by(&mut tx, &by(user), "user.reset-password", &known.name).await?;
        let letter = letters::password_changed(&self.base, &known.email.parse()?, &known.name);
        mail::post(&mut tx, &self.clock, &letter).await?;
        tx.commit().await
    }

    /// Gives a user another password and ends all sessions, for the operator at the terminal.
    ///
    /// # Errors
    /// Not found for an unknown user; invalid for a short password.
    pub async fn set_password(&self, name: &OwnerName, password: Secret) -> Result<()> {
        let hash = self.passwords.hash(password).await?;
        let mut tx = self.db.write().await?;
        let user = self.known(&mut tx, name).await?;
        lock_account(&mut tx, user.id).await?;
        tx.set_password(user.id, &hash).await?;
        tx.end_sessions(user.id, None).await?;
        self.withdraw_links(&mut tx, user.id).await?;
        self.audit(&mut tx, "user.set-password", name.as_str()).await?;
        tx.commit().await
    }

    /// Whether it is the password of whoever sits there.
    ///
    /// # Errors
    /// Forbidden if it is not.
    pub(super) async fn expect_password(&self, seat: &Seat, password: Secret) -> Result<CheckedPassword> {
        let stored = self.db.read().await?.login(seat.user()).await?.and_then(|row| row.password);
        if self.passwords.fits(password, stored.clone()).await?
            && let Some(stored) = stored
        {
            return Ok(CheckedPassword(stored));
        }
        Err(Error::forbidden("the password is wrong"))
    }

    /// Whoever sits there, if the session and the password are still good. Until the transaction ends nobody else
    /// changes the password or the address, ends sessions, or withdraws links.
    ///
    /// # Errors
    /// Unauthenticated if the session has ended or the password has changed since it was checked.
    pub(super) async fn still_seated(&self, tx: &mut Tx, seat: &Seat, checked: &CheckedPassword) -> Result<UserRow> {
        lock_account(tx, seat.user()).await?;
        let user = self.myself(tx, seat.holder()).await?;
        let same = tx.login(user.id).await?.is_some_and(|row| row.password.as_ref() == Some(&checked.0));
        if !same || !tx.has_session(user.id, seat.session()).await? {
            return Err(Error::unauthenticated("the password was changed, or the session ended; sign in again"));
        }
        Ok(user)
    }

    /// Changes the password; all other sessions end.
    ///
    /// # Errors
    /// Forbidden if `current` is not the password; invalid for a short new one.
    pub async fn change_password(&self, seat: &Seat, current: Secret, new: Secret) -> Result<()> {
        let checked = self.expect_password(seat, current).await?;
        let hash = self.passwords.hash(new).await?;
        let mut tx = self.db.write().await?;
        let user = self.still_seated(&mut tx, seat, &checked).await?;
        tx.set_password(user.id, &hash).await?;
        tx.end_sessions(user.id, Some(seat.session())).await?;
        self.withdraw_links(&mut tx, user.id).await?;
        self.audit_by(&mut tx, &by(user.id), "user.change-password", &user.name).await?;
        let letter = letters::password_changed(&self.base, &user.email.parse()?, &user.name);
        mail::post(&mut tx, &self.clock, &letter).await?;
        tx.commit().await
    }

    /// Sends a link to a new address, and tells the one before. The address changes when the link is opened.
    ///
    /// # Errors
    /// Forbidden if it is not the password. Whether the address has an account is told to the address alone.
    pub async fn change_email(&self, seat: &Seat, to: &Email, password: Secret) -> Result<()> {
        let checked = self.expect_password(seat, password).await?;
        let mut tx = self.db.write().await?;
        let user = self.still_seated(&mut tx, seat, &checked).await?;
        if user.email == to.as_str() {
            return Err(Error::conflict("this is your address already"));
        }
        tx.withdraw_tickets_of(Purpose::Email.as_str(), user.id).await?;
        let letter = if let Some(known) = tx.login_by_email(to).await? {
            letters::known_already(&self.base, to, &known.name)
        } else {
            let subject = Move { user: user.id.to_string(), from: user.email.clone(), to: to.to_string() };
            let issued = tickets::issue(&mut tx, &self.clock, Purpose::Email, &subject, Some(user.id), EMAIL);
            letters::confirm_email(&self.base, to, &user.name, &issued.await?.1)
        };
        if !self.post_unasked(&mut tx, &letter).await? {
            return Ok(());
        }
        let told = letters::email_to_change(&self.base, &user.email.parse()?, &user.name, to);
        mail::post(&mut tx, &self.clock, &told).await?;
        self.audit_by(&mut tx, &by(user.id), "user.ask-email", &user.name).await?;
        tx.commit().await
    }

    /// Makes the address of the link that of its user.
    ///
    /// # Errors
    /// Not found for a link that is not good; conflict if somebody else has the address meanwhile.
    pub async fn confirm_email(&self, ticket: &Secret) -> Result<()> {
        let mut tx = self.db.write().await?;
        let known = tickets::look::<Move>(&mut tx, &self.clock, Purpose::Email, ticket).await?;
        let user: Id = known.subject.user.parse()?;
        lock_account(&mut tx, user).await?;
        let redeemed = tickets::redeem::<Move>(&mut tx, &self.clock, Purpose::Email, ticket).await?;
        let Move { from, to, .. } = redeemed.subject;
        let same = |row: &UserRow| row.is_active() && row.email == from;
        let user = tx.user_by_id(user).await?.filter(same).ok_or_else(tickets::gone)?;
        tx.set_email(user.id, &to.parse()?).await?;
        // Links that were sent to the address before.
        self.withdraw_links(&mut tx, user.id).await?;
        self.audit_by(&mut tx, &by(user.id), "user.change-email", &user.name).await?;
        mail::post(&mut tx, &self.clock, &letters::email_changed(&self.base, &from.parse()?, &user.name)).await?;
        tx.commit().await
    }

    /// Changes what people know a user as.
    pub async fn set_display_name(&self, holder: &Holder, name: &DisplayName) -> Result<()> {
        let mut tx = self.db.write().await?;
        tx.set_display_name(holder.user(), name).await?;
        tx.commit().await
    }

    /// The user who asks.
    pub async fn profile(&self, user: Id) -> Result<UserRow> {
        let user = self.db.read().await?.user_by_id(user).await?;
        user.ok_or_else(|| Error::not_found("the account is gone"))
    }
}

/// Holds off others who would change how a user comes in, until the transaction ends. To be asked for before the rows
/// are touched, so that no two wait for each other. No owner's name has a space.
pub(super) async fn lock_account(tx: &mut Tx, user: Id) -> Result<()> {
    tx.lock_name(&format!("account {user}")).await
}
