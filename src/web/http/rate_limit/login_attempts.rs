//! Login attempt limits (brute-force protection): slows down guessing, without locking out recently used credentials.

use std::time::Duration;

use super::rate_limiter::{Key, Nanos, nanos};
use super::{Account, Client, Subject};
use crate::access::{Access, Actor, Credentials, app_tokens, share_links, tokens};
use crate::error::{Error, Kind, Result};
use crate::types::Secret;

/// How long a credential that logged in is not blocked by failed attempts of others behind the same address.
const KNOWN: Duration = Duration::from_hours(1);

/// How long an address that logged in with a password is not blocked by failed attempts at this account elsewhere.
const KNOWN_CLIENT_TTL: Duration = Duration::from_hours(30 * 24);

/// A password attempt. It is counted as failed in advance, so that concurrent guesses have no advantage over sequential
/// ones.
pub(crate) struct PasswordAttempt {
    client: Client,
    /// The bucket that was charged.
    of: Key,
    /// The bucket of this address.
    known: Key,
}

impl Client {
    /// Counts an attempt at a password.
    ///
    /// If it was recently entered correctly from this address, attempts are counted separately: otherwise strangers
    /// could lock the user out.
    ///
    /// # Errors
    /// Busy if there were too many, from this address or at this password.
    pub(crate) fn guess(&self, of: &str) -> Result<PasswordAttempt> {
        let Self { limits, address, now, .. } = self;
        let of = limits.keys.of(Subject::Account(of));
        let known = limits.keys.of(Subject::Known(of, *address));
        self.count(if limits.known.get(known) > *now { known } else { of }, known)
    }

    fn count(&self, of: Key, known: Key) -> Result<PasswordAttempt> {
        self.count_failure(Some(of))?;
        Ok(PasswordAttempt { client: self.clone(), of, known })
    }

    /// Counts a failed attempt from this address, and at an account.
    fn count_failure(&self, account: Option<Key>) -> Result<()> {
        let Self { limits, address, now, .. } = self;
        limits.failures_address.take(*address, 1, *now, 0)?;
        let taken = account.map_or(Ok(0), |account| limits.failures_account.take(account, 1, *now, 0));
        taken.inspect_err(|_| limits.failures_address.refund(*address, 1, *now)).map(drop)
    }

    fn refund_failure(&self, account: Option<Key>) {
        let Self { limits, address, now, .. } = self;
        limits.failures_address.refund(*address, 1, *now);
        account.inspect(|account| limits.failures_account.refund(*account, 1, *now));
    }

    /// Authenticates a request, unless there were too many failed attempts, and charges the token and the user.
    ///
    /// # Errors
    /// As for [`Access::authenticate`]; busy if a limit is exceeded.
    pub(crate) async fn sign_in(&self, access: &Access, credentials: Credentials) -> Result<(Actor, Account)> {
        let Some(attempt) = LoginAttempt::begin(self, &credentials)? else {
            let actor = access.authenticate(credentials).await?;
            return Ok((actor, Account { client: self.clone(), token: None, user: None }));
        };
        let actor = access.authenticate(credentials).await;
        attempt.settle(actor.as_ref());
        let actor = actor?;
        let account = self.account(attempt.token, &actor);
        account.take().await?;
        Ok((actor, account))
    }

    /// Counts an attempt at a password that many people use, only for this address, so that an attacker cannot lock
    /// others out.
    ///
    /// # Errors
    /// As for [`Client::guess`].
    pub(crate) fn guess_from_here(&self, of: &str) -> Result<PasswordAttempt> {
        let of = self.limits.keys.of(Subject::Account(of));
        let known = self.limits.keys.of(Subject::Known(of, self.address));
        self.count(known, known)
    }
}

impl PasswordAttempt {
    /// Refunds the attempt: it was correct, or not a guess at all.
    pub(crate) fn forget(self) {
        self.client.refund_failure(Some(self.of));
    }

    /// Refunds a correct attempt and trusts the address for a while.
    pub(crate) fn remember(self) {
        let Client { limits, now, .. } = &self.client;
        limits.known.change(self.known, *now, |until| *until = *now + nanos(KNOWN_CLIENT_TTL));
        self.forget();
    }
}

/// An authentication attempt whose outcome is not known yet.
pub(super) struct LoginAttempt<'a> {
    client: &'a Client,
    pub(super) token: Key,
    /// The account that a password belongs to.
    account: Option<Key>,
    known: Key,
    known_until: Nanos,
    /// True if a failure was counted in advance, so that concurrent guesses have no advantage over sequential ones.
    counted: bool,
}

impl<'a> LoginAttempt<'a> {
    /// Starts an attempt. Returns `None` for a request without credentials.
    pub(super) fn begin(client: &'a Client, credentials: &Credentials) -> Result<Option<Self>> {
        let Some(secret) = credentials.secret() else { return Ok(None) };
        let (limits, now) = (&client.limits, client.now);
        // With a token, the user name has no meaning: counting by it would only lock users out.
        let account = match credentials {
            Credentials::Basic { user, .. } if is_password(secret) => {
                Some(limits.keys.of(Subject::Account(&user.expose().to_lowercase())))
            }
            Credentials::None | Credentials::Bearer(_) | Credentials::Session(_) | Credentials::Basic { .. } => None,
        };
        let token = limits.keys.of(Subject::Secret(secret.expose(), account));
        let known = limits.keys.of(Subject::Known(token, client.address));
        let known_until = limits.known.get(known);
        let counted = known_until <= now;
        if counted {
            client.count_failure(account)?;
        }
        Ok(Some(Self { client, token, account, known, known_until, counted }))
    }

    pub(super) fn settle(&self, outcome: Result<&Actor, &Error>) {
        let Client { limits, address, now, .. } = self.client;
        let failed = outcome.is_err_and(|error| error.kind() == Kind::Unauthenticated);
        if failed && !self.counted {
            // The credential is no longer valid.
            limits.known.change(self.known, *now, |until| *until = 0);
            limits.failures_address.charge(*address, 1, *now);
            self.account.inspect(|account| limits.failures_account.charge(*account, 1, *now));
        }
        if !failed && self.counted {
            self.client.refund_failure(self.account);
        }
        if outcome.is_ok() && self.known_until < now + nanos(KNOWN) / 2 {
            limits.known.change(self.known, *now, |until| *until = now + nanos(KNOWN));
        }
    }
}

/// Returns true if the secret can be guessed: anything that is neither one of our tokens nor signed.
fn is_password(secret: &Secret) -> bool {
    let is_ours = tokens::looks_personal(secret) || share_links::looks_opened(secret);
    !is_ours && !tokens::looks_signed(secret) && !app_tokens::looks_like_access(secret)
}
