//! Two-factor authentication: one-time codes of an authenticator app, and recovery codes. Users with a confirmed secret
//! get a one-time token for their password, and a session only for that token and a code.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::one_time_tokens::{self, Purpose};
use super::sessions::{ClientInfo, SignInMethod, SignedIn, by};
use super::totp::{self, Code, TotpSecret};
use super::{Accounts, emails};
use crate::access::{AdminGrant, FactorChangeGrant, FactorGrant, tokens};
use crate::db::Tx;
use crate::db::accounts::UserRow;
use crate::db::second_factors::TotpRow;
use crate::error::{Error, Result};
use crate::mail;
use crate::types::{Id, Millis, OwnerName, Secret};

/// How long the second step of signing in may take.
const SECOND_STEP: Duration = Duration::from_mins(10);
/// Codes that can be tried before the password is required again.
const ATTEMPTS: i64 = 5;
/// Wrong codes of an account per hour, after which only recovery codes are accepted: someone who has the password would
/// otherwise guess a code within weeks. Counted in the database, for all replicas together.
const WRONG_PER_HOUR: i64 = 20;

/// Action of audit entries for wrong codes.
const WRONG: &str = "factor.wrong";

/// Subject of the token for the second step.
#[derive(Serialize, Deserialize)]
struct SecondStep {
    user: String,
    /// True if the first step was at an external identity provider.
    #[serde(default)]
    external: bool,
}

/// The second factor of a user.
#[derive(Debug, Clone)]
pub struct FactorState {
    /// When it was set up; `None` without one.
    pub since: Option<Millis>,
    /// Number of unused recovery codes.
    pub recovery_codes: usize,
}

/// A new secret for an authenticator app.
pub struct NewTotp {
    /// The secret as text (base32).
    pub secret: Secret,
    /// The `otpauth:` URL, for a QR code.
    pub url: Secret,
}

impl Accounts {
    /// Creates the token for the second step of signing in. Nothing else accepts it.
    pub(super) async fn issue_second_step(&self, tx: &mut Tx, user: Id, first: SignInMethod) -> Result<Secret> {
        let external = first == SignInMethod::External;
        let (clock, subject) = (&self.clock, SecondStep { user: user.to_string(), external });
        let issued =
            one_time_tokens::issue(tx, clock, Purpose::SecondFactor, &subject, Some(user), SECOND_STEP).await?;
        Ok(issued.1)
    }

    /// Returns the user who is signing in with this token.
    ///
    /// # Errors
    /// Not found for an invalid token.
    pub async fn user_of_second_step(&self, ticket: &Secret) -> Result<Id> {
        self.second_step(ticket).await?.user.parse()
    }

    async fn second_step(&self, ticket: &Secret) -> Result<SecondStep> {
        let mut tx = self.db.read().await?;
        let found = one_time_tokens::look(&mut tx, &self.clock, Purpose::SecondFactor, ticket).await;
        Ok(found.map_err(|error| if error.kind().status().is_server_error() { error } else { over() })?.subject)
    }

    /// Starts a session for the user who has taken the first step, and entered a code. Reopens a closed account.
    ///
    /// # Errors
    /// Unauthenticated for a wrong code; not found for a token that is invalid, or was tried too often: the first step is
    /// required again; busy after too many wrong codes.
    pub async fn sign_in_with_code(&self, ticket: &Secret, code: &Secret, visit: &ClientInfo) -> Result<SignedIn> {
        let SecondStep { user, external } = self.second_step(ticket).await?;
        let user: Id = user.parse()?;
        let first = if external { SignInMethod::External } else { SignInMethod::Password };
        let (purpose, hash, now) = (Purpose::SecondFactor.as_str(), tokens::hash(ticket), self.clock.now());
        let mut tx = self.db.write().await?;
        tx.lock_account(user).await?;
        tx.try_ticket(purpose, &hash, now, ATTEMPTS).await?.ok_or_else(over)?;
        let row = tx.login(user).await?.filter(|row| row.is_open(now)).ok_or_else(over)?;
        let stored = tx.totp(user).await?.filter(|stored| stored.confirmed_at.is_some()).ok_or_else(over)?;
        let code = Code::parse(code);
        if !matches!(code, Some(Code::Recovery(_))) {
            self.expect_few_wrong_codes(&mut tx, user).await?;
        }
        let fits = match code {
            Some(Code::Totp(digits)) => self.use_totp(&mut tx, user, &stored, digits).await?,
            Some(Code::Recovery(code)) => self.use_recovery_code(&mut tx, user, &stored, &code).await?,
            None => false,
        };
        if !fits {
            self.audit_by(&mut tx, &by(user), WRONG, &format!("{} {}", row.name, visit.address)).await?;
            // Keeps the count of attempts.
            tx.commit().await?;
            return Err(Error::unauthenticated("the code is wrong, has expired or was used before"));
        }
        tx.use_ticket(purpose, &hash, now).await?.ok_or_else(over)?;
        if row.closed_at.is_some() {
            self.reopen(&mut tx, &row).await?;
        }
        let signed_in = self.begin_session(&mut tx, user, visit, first.with_code()).await?;
        tx.commit().await?;
        Ok(signed_in)
    }

    /// # Errors
    /// Busy after too many wrong codes in an hour.
    async fn expect_few_wrong_codes(&self, tx: &mut Tx, user: Id) -> Result<()> {
        let hour = self.clock.now().minus(Duration::from_hours(1));
        if tx.count_audit(&by(user), WRONG, hour).await? >= WRONG_PER_HOUR {
            return Err(Error::busy(
                "there were too many wrong codes for this account: try again in an hour, or use a recovery code. If \
                 they were not yours, someone knows your password: reset it",
            ));
        }
        Ok(())
    }

    async fn use_totp(&self, tx: &mut Tx, user: Id, stored: &TotpRow, digits: [u8; 6]) -> Result<bool> {
        let secret = self.open_totp(user, &stored.secret)?;
        match secret.step_of(digits, self.clock.now()) {
            Some(step) => tx.use_totp_step(user, step).await,
            None => Ok(false),
        }
    }

    async fn use_recovery_code(&self, tx: &mut Tx, user: Id, stored: &TotpRow, code: &Secret) -> Result<bool> {
        let mut hashes = hashes(stored)?;
        let hash = tokens::hash(code);
        // Hashes, which are not secret enough for their comparison to matter.
        let Some(at) = hashes.iter().position(|known| *known == hash) else { return Ok(false) };
        hashes.remove(at);
        let left = hashes.len();
        let hashes = serde_json::to_string(&hashes).map_err(Error::internal)?;
        if !tx.set_recovery_codes(user, &stored.codes, &hashes).await? {
            return Ok(false);
        }
        let user = tx.user_by_id(user).await?.ok_or_else(over)?;
        self.audit_by(tx, &by(user.id), "factor.recovery", &format!("{} {left} left", user.name)).await?;
        let notice = emails::recovery_code_used(&self.base, &user.email.parse()?, &user.name, left);
        mail::enqueue_email(tx, &self.clock, &notice).await?;
        Ok(true)
    }

    fn open_totp(&self, user: Id, sealed: &str) -> Result<TotpSecret> {
        // The error is for the operator.
        let bytes = self.secret.open(&context(user), sealed).map_err(|error| Error::internal(error.to_string()))?;
        TotpSecret::from_bytes(&bytes).ok_or_else(|| Error::internal("a TOTP secret has a wrong length"))
    }

    /// Returns the second factor of a user.
    pub async fn factors(&self, grant: &FactorGrant) -> Result<FactorState> {
        let stored = self.db.read().await?.totp(grant.user()).await?;
        match stored {
            Some(stored) if stored.confirmed_at.is_some() => {
                Ok(FactorState { since: stored.confirmed_at, recovery_codes: hashes(&stored)?.len() })
            }
            _ => Ok(FactorState { since: None, recovery_codes: 0 }),
        }
    }

    /// Creates a secret for an authenticator app. It is in use after [`Accounts::confirm_totp`]; a further call replaces
    /// it before that.
    ///
    /// # Errors
    /// Conflict if the user has a second factor.
    pub async fn begin_totp(&self, grant: &FactorChangeGrant) -> Result<NewTotp> {
        let secret = TotpSecret::generate();
        let sealed = self.secret.seal(&context(grant.user()), secret.as_bytes())?;
        let mut tx = self.db.write().await?;
        let user = self.still_signed_in(&mut tx, grant).await?;
        if !tx.put_totp(user.id, &sealed).await? {
            return Err(Error::conflict("two-factor authentication is on already: turn it off to use another app"));
        }
        tx.commit().await?;
        let site = self.base.split_once("://").map_or(self.base.as_str(), |(_, rest)| rest);
        let site = site.split('/').next().unwrap_or_default();
        Ok(NewTotp { secret: secret.base32(), url: secret.url(site, &user.name) })
    }

    /// Turns two-factor authentication on, with the first code of the app. Ends all other sessions, which were begun
    /// without one. Returns the recovery codes; this is the only copy.
    ///
    /// # Errors
    /// Forbidden for a wrong code; conflict if no secret was created before.
    pub async fn confirm_totp(&self, grant: &FactorChangeGrant, code: &Secret) -> Result<Vec<Secret>> {
        let (codes, hashes) = recovery_codes()?;
        let mut tx = self.db.write().await?;
        let user = self.still_signed_in(&mut tx, grant).await?;
        let stored = tx.totp(user.id).await?.filter(|stored| stored.confirmed_at.is_none());
        let stored = stored.ok_or_else(|| Error::conflict("there is nothing to confirm: create a secret first"))?;
        let step = match Code::parse(code) {
            Some(Code::Totp(digits)) => self.open_totp(user.id, &stored.secret)?.step_of(digits, self.clock.now()),
            Some(Code::Recovery(_)) | None => None,
        };
        let step = step.ok_or_else(|| {
            Error::forbidden("the code is wrong or has expired; check that the clock of the device is right")
        })?;
        if !tx.confirm_totp(user.id, step, &hashes, self.clock.now()).await? {
            return Err(Error::conflict("two-factor authentication is on already"));
        }
        tx.add_session_amr(grant.session(), "otp").await?;
        tx.end_sessions(user.id, Some(grant.session())).await?;
        self.withdraw_links(&mut tx, user.id).await?;
        self.audit_by(&mut tx, &by(user.id), "factor.add", &user.name).await?;
        let notice = emails::second_factor_added(&self.base, &user.email.parse()?, &user.name);
        mail::enqueue_email(&mut tx, &self.clock, &notice).await?;
        tx.commit().await?;
        Ok(codes)
    }

    /// Turns two-factor authentication off.
    ///
    /// # Errors
    /// Not found if it is off.
    pub async fn remove_totp(&self, grant: &FactorChangeGrant) -> Result<()> {
        let mut tx = self.db.write().await?;
        let user = self.still_signed_in(&mut tx, grant).await?;
        self.remove_factor(&mut tx, &user, false).await?;
        self.audit_by(&mut tx, &by(user.id), "factor.remove", &user.name).await?;
        tx.commit().await
    }

    /// Replaces the recovery codes, and returns the new ones; this is the only copy.
    ///
    /// # Errors
    /// Conflict if two-factor authentication is off.
    pub async fn renew_recovery_codes(&self, grant: &FactorChangeGrant) -> Result<Vec<Secret>> {
        let (codes, hashes) = recovery_codes()?;
        let mut tx = self.db.write().await?;
        let user = self.still_signed_in(&mut tx, grant).await?;
        let off = || Error::conflict("two-factor authentication is off: set it up first");
        let stored = tx.totp(user.id).await?.ok_or_else(off)?;
        if !tx.set_recovery_codes(user.id, &stored.codes, &hashes).await? {
            return Err(off());
        }
        self.audit_by(&mut tx, &by(user.id), "factor.codes", &user.name).await?;
        tx.commit().await?;
        Ok(codes)
    }

    /// Turns two-factor authentication off for a user who lost it, and removes their passkeys.
    ///
    /// # Errors
    /// Not found for an unknown user, or if it is off; conflict for the administrator's own account, for which a recent
    /// sign-in is required.
    pub async fn remove_factor_of(&self, admin: &AdminGrant, name: &OwnerName) -> Result<()> {
        let mut tx = self.db.write().await?;
        let user = self.known(&mut tx, name).await?;
        if admin.actor().user() == Some(user.id) {
            return Err(Error::conflict("turn off your own two-factor authentication on your account page"));
        }
        self.remove_factor(&mut tx, &user, true).await?;
        self.note(&mut tx, admin.actor(), "factor.remove", name.as_str(), "").await?;
        tx.commit().await
    }

    /// Turns two-factor authentication off for a user, and removes their passkeys, for the operator at the terminal.
    ///
    /// # Errors
    /// Not found for an unknown user, or if it is off.
    pub async fn remove_second_factor(&self, name: &OwnerName) -> Result<()> {
        let mut tx = self.db.write().await?;
        let user = self.known(&mut tx, name).await?;
        self.remove_factor(&mut tx, &user, true).await?;
        self.audit(&mut tx, "factor.remove", name.as_str()).await?;
        tx.commit().await
    }

    async fn remove_factor(&self, tx: &mut Tx, user: &UserRow, with_passkeys: bool) -> Result<()> {
        // Also ends the second steps of those who are signing in.
        self.withdraw_links(tx, user.id).await?;
        let was_on = tx.has_second_factor(user.id).await?;
        let had_passkeys = with_passkeys && tx.delete_passkeys(user.id).await? > 0;
        let had_totp = tx.delete_totp(user.id).await? && was_on;
        if !had_totp && !had_passkeys {
            return Err(Error::not_found(format!("two-factor authentication of `{}` is off", user.name)));
        }
        let notice = emails::second_factor_removed(&self.base, &user.email.parse()?, &user.name);
        mail::enqueue_email(tx, &self.clock, &notice).await
    }

    /// Locks the account, and returns its user if the session is still valid.
    ///
    /// # Errors
    /// Unauthenticated if the session has ended.
    pub(super) async fn still_signed_in(&self, tx: &mut Tx, grant: &FactorChangeGrant) -> Result<UserRow> {
        let ended = || Error::unauthenticated("your session has ended; sign in again");
        tx.lock_account(grant.user()).await?;
        if !tx.has_session(grant.user(), grant.session()).await? {
            return Err(ended());
        }
        // Otherwise someone who knows the password alone could add a second factor of their own.
        if grant.is_required() && tx.has_passkey(grant.user()).await? {
            return Err(Error::forbidden("sign in with your passkey: this site requires two-factor authentication"));
        }
        tx.user_by_id(grant.user()).await?.filter(UserRow::is_active).ok_or_else(ended)
    }
}

/// Returns the context that a secret is sealed for.
fn context(user: Id) -> String {
    format!("totp of {user}")
}

fn hashes(stored: &TotpRow) -> Result<Vec<String>> {
    serde_json::from_str(&stored.codes).map_err(Error::internal)
}

/// Generates recovery codes. Returns them, and the JSON list of their hashes.
fn recovery_codes() -> Result<(Vec<Secret>, String)> {
    let (codes, hashes) = totp::recovery_codes();
    Ok((codes, serde_json::to_string(&hashes).map_err(Error::internal)?))
}

fn over() -> Error {
    Error::not_found("this sign-in is no longer valid: begin again")
}
