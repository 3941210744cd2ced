//! Signing in with a browser, and browser sessions.

use std::time::Duration;

use super::{Accounts, emails, known_browsers};
use crate::access::{AccountGrant, Actor, sessions, tokens};
use crate::db::Tx;
use crate::db::accounts::UserRow;
use crate::db::sessions::{LoginRow, SessionRow};
use crate::error::{Error, Result};
use crate::mail;
use crate::types::{Email, Id, Millis, Secret};

/// The age until which an account has no browser that could be known.
const NEW_ACCOUNT: Duration = Duration::from_mins(10);

/// The browser that signs in, as shown in the user's list of sessions.
#[derive(Clone, Default)]
pub struct ClientInfo {
    /// `User-Agent` of the browser.
    pub agent: String,
    /// IP address of the client.
    pub address: String,
    /// Session cookie that it has already, valid or not.
    pub session: Option<Secret>,
    /// Cookie that names the users who have signed in with it before.
    pub known_users: Option<Secret>,
}

/// How a user has signed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SignInMethod {
    /// With the password, or a link that proves as much.
    Password,
    /// With the password and a code.
    PasswordAndCode,
    /// At an external identity provider.
    External,
    /// At an external identity provider, and with a code.
    ExternalAndCode,
    /// With a passkey, which is two factors.
    Passkey,
}

impl SignInMethod {
    /// Returns the methods as in the database (RFC 8176). That has no name for a sign-in elsewhere; `fed` is what others
    /// use.
    pub(super) fn amr(self) -> &'static str {
        match self {
            Self::Password => "pwd",
            Self::PasswordAndCode => "pwd otp",
            Self::External => "fed",
            Self::ExternalAndCode => "fed otp",
            // Proof of possession of a key, by a user who was verified.
            Self::Passkey => "pop mfa",
        }
    }

    /// Returns the method with a code in addition.
    pub(super) fn with_code(self) -> Self {
        match self {
            Self::Password | Self::PasswordAndCode => Self::PasswordAndCode,
            Self::External | Self::ExternalAndCode => Self::ExternalAndCode,
            Self::Passkey => Self::Passkey,
        }
    }
}

/// The result of a correct password.
pub enum SignIn {
    /// The user is signed in.
    Done(Box<SignedIn>),
    /// The user has a second factor, and gets a session for this one-time token and a code.
    SecondStep(Secret),
}

/// The result of signing in.
pub struct SignedIn {
    /// The user.
    pub user: UserRow,
    /// Value of the session cookie.
    pub cookie: Secret,
    /// Maximum lifetime of the session in seconds.
    pub seconds: u64,
    /// Value of the cookie that names the users of the browser.
    pub known_users: Secret,
}

impl Accounts {
    /// Starts a session for the user with this name or e-mail address, unless they have a second factor. Reopens a
    /// closed account.
    ///
    /// # Errors
    /// Unauthenticated, with the same message after the same time, whatever is wrong; forbidden if the site accepts no
    /// passwords.
    pub async fn sign_in(&self, login: &str, password: Secret, visit: &ClientInfo) -> Result<SignIn> {
        self.expect_passwords()?;
        let wrong = || Error::unauthenticated("wrong user name or password");
        let found = self.find_login(login).await?;
        let hash = found.as_ref().and_then(|row| row.password.clone());
        let fits = self.passwords.verify(password, hash).await?;
        let found = found.filter(|row| fits && row.is_open(self.clock.now())).ok_or_else(wrong)?;
        let mut tx = self.db.write().await?;
        tx.lock_account(found.id).await?;
        // A password that was changed meanwhile must not start a session.
        let same = |row: &LoginRow| row.password == found.password && row.is_open(self.clock.now());
        let row = tx.login(found.id).await?.filter(same).ok_or_else(wrong)?;
        if tx.has_second_factor(row.id).await? {
            let ticket = self.issue_second_step(&mut tx, row.id, SignInMethod::Password).await?;
            tx.commit().await?;
            return Ok(SignIn::SecondStep(ticket));
        }
        if row.closed_at.is_some() {
            self.reopen(&mut tx, &row).await?;
        }
        let signed_in = self.begin_session(&mut tx, row.id, visit, SignInMethod::Password).await?;
        tx.commit().await?;
        Ok(SignIn::Done(Box::new(signed_in)))
    }

    /// Reopens a closed account, as part of the transaction that signs its user in.
    pub(super) async fn reopen(&self, tx: &mut Tx, row: &LoginRow) -> Result<()> {
        tx.set_closed(row.id, None).await?;
        self.audit_by(tx, &by(row.id), "user.reopen", &row.name).await
    }

    /// Returns the id of the user with this name or e-mail address, even if they cannot sign in.
    pub async fn whose(&self, login: &str) -> Result<Option<Id>> {
        Ok(self.find_login(login).await?.map(|row| row.id))
    }

    async fn find_login(&self, login: &str) -> Result<Option<LoginRow>> {
        let login = login.trim();
        let mut tx = self.db.read().await?;
        if login.contains('@') {
            let Ok(email) = login.parse::<Email>() else { return Ok(None) };
            return tx.login_by_email(&email).await;
        }
        tx.login_by_name(&login.to_ascii_lowercase()).await
    }

    /// Starts a session of a user as part of a transaction. If the browser has a session of this user, it is continued,
    /// with a new cookie: applications that depend on it stay signed in. A sign-in with a new browser is announced by
    /// e-mail.
    pub(super) async fn begin_session(
        &self,
        tx: &mut Tx,
        user: Id,
        visit: &ClientInfo,
        method: SignInMethod,
    ) -> Result<SignedIn> {
        let cookie = sessions::generate();
        let (now, longest) = (self.clock.now(), self.rules.session_longest());
        let current = match &visit.session {
            Some(cookie) => tx.session_by_hash(&tokens::hash(cookie)).await?,
            None => None,
        };
        let idle = self.idle_since(now);
        if let Some(other) = current.as_ref().filter(|row| row.user_id != user) {
            // Its cookie is replaced.
            tx.end_session(other.user_id, other.session_id).await?;
        }
        let current = current.filter(|row| row.user_id == user && row.expires_at > now && row.last_used_at > idle);
        let session = SessionRow {
            id: current.as_ref().map_or_else(|| self.clock.id(), |row| row.session_id),
            created_at: now,
            last_used_at: now,
            expires_at: now.plus(longest),
            agent: visit.agent.clone(),
            address: visit.address.clone(),
            amr: method.amr().to_owned(),
        };
        let row = tx.user_by_id(user).await?.ok_or_else(|| Error::not_found("the account was deleted"))?;
        if current.is_none() {
            self.report_new_browser(tx, &row, visit).await?;
        }
        tx.put_session(&session, user, &tokens::hash(&cookie)).await?;
        let (known_users, user) = (self.known_browsers.with(visit.known_users.as_ref(), user), row);
        self.audit_by(tx, &by(user.id), "session.begin", &format!("{} {}", user.name, visit.address)).await?;
        Ok(SignedIn { user, cookie, seconds: longest.as_secs(), known_users })
    }

    /// Queues an e-mail to a user who signs in with a browser for the first time, unless the account is new. A program that
    /// keeps no cookies is known by its sessions.
    async fn report_new_browser(&self, tx: &mut Tx, user: &UserRow, visit: &ClientInfo) -> Result<()> {
        let now = self.clock.now();
        if self.known_browsers.knows(visit.known_users.as_ref(), user.id) || user.created_at.plus(NEW_ACCOUNT) > now {
            return Ok(());
        }
        let sessions = tx.sessions(user.id, now, self.idle_since(now)).await?;
        if sessions.iter().any(|known| known.agent == visit.agent && known.address == visit.address) {
            return Ok(());
        }
        let browser = (known_browsers::described(&visit.agent), visit.address.as_str());
        let notice = emails::new_browser(&self.base, &user.email.parse()?, &user.name, browser, now);
        mail::enqueue_email(tx, &self.clock, &notice).await
    }

    /// Ends the session of the request, if it has one.
    pub async fn sign_out(&self, actor: &Actor) -> Result<()> {
        let Some((user, session)) = actor.browser_session() else { return Ok(()) };
        let mut tx = self.db.write().await?;
        tx.lock_account(user).await?;
        tx.end_session(user, session).await?;
        tx.commit().await
    }

    /// Returns the sessions of a user, newest first.
    pub async fn sessions(&self, holder: &AccountGrant) -> Result<Vec<SessionRow>> {
        let now = self.clock.now();
        self.db.read().await?.sessions(holder.user(), now, self.idle_since(now)).await
    }

    /// Ends a session of a user, and withdraws the links that may have been requested from it.
    ///
    /// # Errors
    /// Not found if there is no such session.
    pub async fn end_session(&self, holder: &AccountGrant, id: Id) -> Result<()> {
        let mut tx = self.db.write().await?;
        tx.lock_account(holder.user()).await?;
        if !tx.end_session(holder.user(), id).await? {
            return Err(Error::not_found("session not found, or already ended"));
        }
        // An intruder may have requested links from this session.
        self.withdraw_links(&mut tx, holder.user()).await?;
        self.audit_by(&mut tx, &by(holder.user()), "session.end", holder.name()).await?;
        tx.commit().await
    }

    /// Ends all sessions of a user except that of the request, and withdraws the links that were requested from them.
    pub async fn end_other_sessions(&self, holder: &AccountGrant) -> Result<()> {
        let mut tx = self.db.write().await?;
        tx.lock_account(holder.user()).await?;
        tx.end_sessions(holder.user(), holder.session()).await?;
        self.withdraw_links(&mut tx, holder.user()).await?;
        self.audit_by(&mut tx, &by(holder.user()), "session.end", holder.name()).await?;
        tx.commit().await
    }

    /// Returns the idle cutoff: sessions last used before it have ended.
    pub(super) fn idle_since(&self, now: Millis) -> Millis {
        now.minus(self.rules.session_idle())
    }
}

/// Returns the key of a user in the audit trail.
pub(super) fn by(user: Id) -> String {
    format!("user:{user}")
}
