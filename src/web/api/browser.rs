//! Browsers that sign in: their attempts are limited, and pages of other sites cannot make them.

use axum::extract::FromRequestParts;
use axum::http::HeaderMap;
use axum::http::request::Parts;

use crate::access::SessionGrant;
use crate::accounts::external_sign_in::EXTERNAL_SIGN_IN;
use crate::accounts::sessions::{ClientInfo, SignIn, SignedIn};
use crate::app::App;
use crate::error::{Error, Kind, Result};
use crate::types::{Email, Secret};
pub(super) use crate::web::http::session_cookie::take_cookie;
use crate::web::http::session_cookie::{self, SameOrigin, SignInCookie};
use crate::web::http::{BaseUrl, Client, ClientDescription, PasswordAttempt};

/// A client that signs in or requests an e-mail. Requests from pages of other sites are rejected: they could sign the
/// browser in to another account (login CSRF).
pub(super) struct BrowserClient {
    /// Recorded in the list of sessions.
    pub(super) visit: ClientInfo,
    is_secure: bool,
    client: Option<Client>,
    sign_up: Option<Secret>,
}

impl FromRequestParts<App> for BrowserClient {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self> {
        let BaseUrl(base) = BaseUrl::of(parts, app)?;
        if session_cookie::origin(&parts.headers, &base) == SameOrigin::Other {
            return Err(Error::forbidden("cross-site request rejected: use a page of this server"));
        }
        let ClientDescription { agent, address } = ClientDescription::of(parts, app);
        let client = parts.extensions.get::<Client>().cloned();
        let is_secure = base.starts_with("https://");
        let sign_up = SignInCookie::SignUp.read(is_secure, &parts.headers);
        let visit = session_cookie::visit(is_secure, &parts.headers, (agent, address));
        Ok(Self { visit, is_secure, client, sign_up })
    }
}

impl BrowserClient {
    /// Signs in with a password, with rate-limited attempts. User name and e-mail address of an account count as one.
    pub(super) async fn sign_in(&self, app: &App, login: &str, password: Secret) -> Result<SignIn> {
        let of = match app.accounts.whose(login).await? {
            Some(user) => format!("password of {user}"),
            None => format!("password of {}", login.trim().to_lowercase()),
        };
        let guess = self.guess(&of)?;
        let outcome = app.accounts.sign_in(login, password, &self.visit).await;
        match &outcome {
            Ok(SignIn::Done(_)) => settle(guess, Ok(())),
            // The password was right, but an address is trusted only after the code.
            Ok(SignIn::SecondStep(_)) => drop(guess.map(PasswordAttempt::forget)),
            Err(error) => settle(guess, Err(error)),
        }
        outcome
    }

    /// Signs in with a code, for the token that a password was exchanged for. Wrong codes count as wrong passwords.
    pub(super) async fn sign_in_with_code(&self, app: &App, ticket: &Secret, code: &Secret) -> Result<SignedIn> {
        let user = app.accounts.user_of_second_step(ticket).await?;
        let guess = self.guess(&format!("password of {user}"))?;
        let outcome = app.accounts.sign_in_with_code(ticket, code, &self.visit).await;
        settle(guess, outcome.as_ref().map(drop));
        outcome
    }

    /// Runs an action that requires a session and its password, with rate-limited attempts. Only attempts from sessions
    /// of the account count, so others cannot lock the owner out.
    pub(super) async fn confirm<T>(&self, seat: &SessionGrant, done: impl Future<Output = Result<T>>) -> Result<T> {
        let guess = self.guess(&format!("confirmation by {}", seat.user()))?;
        let outcome = done.await;
        if let Some(guess) = guess
            && !outcome.as_ref().is_err_and(|error| error.kind() == Kind::Forbidden)
        {
            guess.forget();
        }
        outcome
    }

    /// Counts an e-mail requested by an anonymous client against a rate limit.
    ///
    /// # Errors
    /// Busy if there were too many.
    pub(super) fn request_email(&self, to: &Email) -> Result<()> {
        self.guess(&format!("e-mails to {to}")).map(drop)
    }

    fn guess(&self, of: &str) -> Result<Option<PasswordAttempt>> {
        self.client.as_ref().map(|client| client.guess(of)).transpose()
    }

    /// Returns the one-time token of a new user of an external provider, which this browser was given.
    pub(super) fn sign_up_token(&self) -> Option<&Secret> {
        self.sign_up.as_ref()
    }

    /// Sets the cookie that binds a sign-in with an external provider to this browser.
    pub(super) fn give_state(&self, headers: &mut HeaderMap, state: &Secret) {
        SignInCookie::External.give(self.is_secure, headers, state, EXTERNAL_SIGN_IN.as_secs());
    }

    /// Deletes the one-time token of a new user.
    pub(super) fn take_sign_up_token(&self, headers: &mut HeaderMap) {
        SignInCookie::SignUp.take(self.is_secure, headers);
    }

    /// Sets the cookies of a user who has signed in.
    pub(super) fn give_cookies(&self, headers: &mut HeaderMap, signed_in: &SignedIn) {
        session_cookie::give_cookies(self.is_secure, headers, signed_in);
    }
}

/// Ends an attempt to sign in: a correct one is refunded, and makes the address known.
fn settle(guess: Option<PasswordAttempt>, outcome: Result<(), &Error>) {
    match (guess, outcome) {
        (Some(guess), Ok(())) => guess.remember(),
        (Some(guess), Err(error)) if error.kind() != Kind::Unauthenticated => guess.forget(),
        (_, Ok(()) | Err(_)) => {}
    }
}
