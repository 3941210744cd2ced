//! Accounts: users, organisations and personal tokens. Users manage their own; the operator at the terminal manages
//! all.

pub mod admin;
pub mod close_account;
mod emails;
pub mod external_sign_in;
pub mod identities;
pub mod invitations;
mod known_browsers;
pub mod one_time_tokens;
pub mod organisations;
pub mod passkeys;
mod password_reset;
mod passwords;
mod people;
pub mod platform_roles;
pub mod profiles;
mod providers;
pub mod role_file;
pub mod second_factor;
pub mod sessions;
mod signup;
mod totp;

use std::sync::Arc;
use std::time::Duration;

use self::known_browsers::KnownBrowsers;
use self::passkeys::RelyingParty;
use self::passwords::Passwords;
use self::providers::Providers;
use self::sessions::by;
use self::signup::NewUser;
use crate::access::secret::ServerSecret;
use crate::access::tokens::{self, TokenName, TokenScope};
use crate::access::{AccountGrant, Actor};
use crate::clock::Clock;
use crate::config::{AccountRules, Config};
use crate::db::accounts::OwnerRow;
pub use crate::db::accounts::{TokenRow, UserRow};
pub use crate::db::people::SuggestedRow;
pub use crate::db::sessions::SessionRow;
use crate::db::{Db, Tx};
use crate::error::{Error, Result};
use crate::types::{DisplayName, Email, Id, OwnerKind, OwnerName, Role, Secret};

/// How long expired links are kept in the database.
const ENDED_LINK_TTL: Duration = Duration::from_hours(7 * 24);

/// Accounts of this installation. Cheap to clone.
#[derive(Clone)]
pub struct Accounts {
    db: Db,
    clock: Clock,
    rules: AccountRules,
    /// Base URL of links.
    base: String,
    passwords: Passwords,
    /// External identity providers.
    providers: Providers,
    /// For passkeys.
    relying_party: RelyingParty,
    known_browsers: KnownBrowsers,
    /// Seals secrets in the database.
    secret: Arc<ServerSecret>,
    /// True if new accounts may get apps.
    has_apps: bool,
}

impl Accounts {
    /// Creates the service on this database.
    ///
    /// # Errors
    /// Invalid if the secret of an external identity provider cannot be read.
    pub fn new(config: &Config, db: Db, clock: Clock, secret: Arc<ServerSecret>) -> Result<Self> {
        let (rules, base) = (config.accounts.clone(), config.link_base());
        let (providers, relying_party) = (Providers::new(config, &clock)?, RelyingParty::new(config));
        let (passwords, known_browsers) = (Passwords::default(), KnownBrowsers::new(&secret));
        let has_apps = config.apps.url.is_some();
        Ok(Self { db, clock, rules, base, passwords, providers, relying_party, known_browsers, secret, has_apps })
    }

    /// Adds a user. Without a password the user can sign in with tokens only, until they reset the password by
    /// e-mail.
    ///
    /// # Errors
    /// Conflict for a name or address in use; invalid for a short password.
    pub async fn add_user(&self, name: &OwnerName, email: &Email, password: Option<Secret>, admin: bool) -> Result<Id> {
        signup::expect_user_name(name)?;
        let password = match password {
            Some(password) => Some(self.passwords.hash(password).await?),
            None => None,
        };
        let mut tx = self.db.write().await?;
        // The operator may reuse a retired name.
        tx.release_name(name).await?;
        let new = NewUser { name, email, display_name: DisplayName::default(), password: password.as_deref(), admin };
        let id = self.insert_user(&mut tx, new).await?;
        self.audit(&mut tx, "user.add", name.as_str()).await?;
        tx.commit().await?;
        Ok(id)
    }

    /// Returns all users, by name.
    pub async fn users(&self) -> Result<Vec<UserRow>> {
        self.db.read().await?.users().await
    }

    /// Suspends a user: tokens of every kind are rejected at once, and all sessions end.
    ///
    /// # Errors
    /// Not found for an unknown user; conflict if they are suspended already.
    pub async fn suspend(&self, name: &OwnerName) -> Result<()> {
        self.set_suspension(name, true).await
    }

    /// Ends a suspension.
    ///
    /// # Errors
    /// As for [`Accounts::suspend`].
    pub async fn resume(&self, name: &OwnerName) -> Result<()> {
        self.set_suspension(name, false).await
    }

    async fn set_suspension(&self, name: &OwnerName, suspended: bool) -> Result<()> {
        let mut tx = self.db.write().await?;
        let user = self.known(&mut tx, name).await?;
        if user.suspended_at.is_some() == suspended {
            let state = if suspended { "suspended already" } else { "not suspended" };
            return Err(Error::conflict(format!("`{name}` is {state}")));
        }
        self.suspend_in(&mut tx, user.id, suspended.then(|| self.clock.now())).await?;
        let action = if suspended { "user.suspend" } else { "user.resume" };
        self.audit(&mut tx, action, name.as_str()).await?;
        tx.commit().await
    }

    /// Returns a user who can sign in.
    ///
    /// # Errors
    /// Not found for an unknown user; conflict if the account is suspended or closed.
    pub async fn active(&self, name: &OwnerName) -> Result<UserRow> {
        self.active_in(&mut self.db.read().await?, name).await
    }

    /// Adds an organisation.
    ///
    /// # Errors
    /// Conflict for a name in use, by an owner or by a dataset of the parent organisation: `a/b` must be unambiguous.
    pub async fn add_organisation(&self, name: &OwnerName) -> Result<Id> {
        let id = self.clock.id();
        let mut tx = self.db.write().await?;
        tx.release_name(name).await?;
        self.insert_organisation(&mut tx, id, name, None).await?;
        self.audit(&mut tx, "organisation.add", name.as_str()).await?;
        tx.commit().await?;
        Ok(id)
    }

    /// Returns the names of all organisations, sorted.
    pub async fn organisations(&self) -> Result<Vec<String>> {
        self.db.read().await?.organisations().await
    }

    /// Adds a user as a reader, unless they are a member already. Returns the role.
    pub async fn join(&self, organisation: &OwnerName, user: &OwnerName) -> Result<Role> {
        let mut tx = self.db.write().await?;
        let owner = self.organisation(&mut tx, organisation).await?;
        let member = self.known(&mut tx, user).await?;
        if let Some(role) = tx.member_role(owner.id, member.id).await? {
            return Ok(role);
        }
        tx.put_member(owner.id, member.id, Role::Reader).await?;
        self.audit(&mut tx, "organisation.member", &format!("{organisation} {user} {}", Role::Reader)).await?;
        tx.commit().await?;
        Ok(Role::Reader)
    }

    /// Adds a member or changes their role; `None` ends the membership.
    ///
    /// # Errors
    /// Not found for an unknown organisation or user; conflict if the organisation would lose its last owner.
    pub async fn set_member(&self, organisation: &OwnerName, user: &OwnerName, role: Option<Role>) -> Result<()> {
        let mut tx = self.db.write().await?;
        let owner = self.organisation(&mut tx, organisation).await?;
        let member = self.known(&mut tx, user).await?;
        if role != Some(Role::Owner) {
            organisations::expect_other_owner(&mut tx, (owner.id, organisation), &member).await?;
        }
        match role {
            Some(role) => tx.put_member(owner.id, member.id, role).await?,
            None if tx.delete_member(owner.id, member.id).await? => {}
            None => return Err(Error::not_found(format!("`{user}` is not a member of `{organisation}`"))),
        }
        let change = role.map_or("removed", Role::as_str);
        self.audit(&mut tx, "organisation.member", &format!("{organisation} {user} {change}")).await?;
        tx.commit().await
    }

    /// Returns the members of an organisation: (name, role).
    pub async fn members(&self, organisation: &OwnerName) -> Result<Vec<(String, String)>> {
        let mut tx = self.db.read().await?;
        let owner = self.organisation(&mut tx, organisation).await?;
        tx.members(owner.id).await
    }

    /// Returns the organisations of a user, with the user's role: (name, role).
    pub async fn memberships(&self, user: Id) -> Result<Vec<(String, String)>> {
        self.db.read().await?.memberships(user).await
    }

    /// Creates a personal token. The return value is the only copy of it.
    ///
    /// # Errors
    /// Not found for an unknown user; conflict if the account is suspended or closed.
    pub async fn add_token(
        &self,
        user: &OwnerName,
        name: &TokenName,
        scopes: &[TokenScope],
        lifetime: Option<Duration>,
    ) -> Result<Secret> {
        let mut tx = self.db.write().await?;
        let user = self.active_in(&mut tx, user).await?;
        let (row, token) = self.insert_token(&mut tx, user.id, name, scopes, lifetime).await?;
        self.audit(&mut tx, "token.add", &format!("{} {}", user.name, row.scopes)).await?;
        tx.commit().await?;
        Ok(token)
    }

    /// Creates a personal token for the user's own account. Returns its row, too.
    pub async fn add_own_token(
        &self,
        holder: &AccountGrant,
        name: &TokenName,
        scopes: &[TokenScope],
        lifetime: Option<Duration>,
    ) -> Result<(TokenRow, Secret)> {
        let mut tx = self.db.write().await?;
        let user = self.myself(&mut tx, holder).await?;
        let made = self.insert_token(&mut tx, user.id, name, scopes, lifetime).await?;
        let detail = format!("{} {}", user.name, made.0.scopes);
        self.audit_by(&mut tx, &by(user.id), "token.add", &detail).await?;
        tx.commit().await?;
        Ok(made)
    }

    async fn insert_token(
        &self,
        tx: &mut Tx,
        user: Id,
        name: &TokenName,
        scopes: &[TokenScope],
        lifetime: Option<Duration>,
    ) -> Result<(TokenRow, Secret)> {
        let token = tokens::generate();
        let now = self.clock.now();
        let scopes: Vec<String> = match scopes {
            [] => vec![TokenScope::ALL.to_string()],
            some => some.iter().map(ToString::to_string).collect(),
        };
        let row = TokenRow {
            id: self.clock.id(),
            name: name.as_str().to_owned(),
            scopes: scopes.join(" "),
            created_at: now,
            expires_at: lifetime.map(|span| now.plus(span)),
            last_used_at: None,
            revoked_at: None,
        };
        let hash = tokens::hash(&token);
        tx.insert_token(row.id, user, &row.name, &hash, &row.scopes, now, row.expires_at).await?;
        Ok((row, token))
    }

    /// Returns the user's own tokens, newest first.
    pub async fn own_tokens(&self, holder: &AccountGrant) -> Result<Vec<TokenRow>> {
        self.db.read().await?.tokens(holder.user()).await
    }

    /// Revokes one of the user's own tokens. Takes effect at once, and cannot be undone.
    ///
    /// # Errors
    /// Not found if the user has no such active token.
    pub async fn revoke_own_token(&self, holder: &AccountGrant, id: Id) -> Result<()> {
        let mut tx = self.db.write().await?;
        if !tx.revoke_token_of(holder.user(), id, self.clock.now()).await? {
            return Err(Error::not_found("token not found, or already revoked"));
        }
        self.audit_by(&mut tx, &by(holder.user()), "token.revoke", &id.to_string()).await?;
        tx.commit().await
    }

    /// Returns a user's tokens, newest first.
    pub async fn tokens(&self, user: &OwnerName) -> Result<Vec<TokenRow>> {
        let mut tx = self.db.read().await?;
        let user = self.known(&mut tx, user).await?;
        tx.tokens(user.id).await
    }

    /// Revokes a token. Takes effect at once, and cannot be undone.
    pub async fn revoke_token(&self, id: Id) -> Result<()> {
        let mut tx = self.db.write().await?;
        if !tx.revoke_token(id, self.clock.now()).await? {
            return Err(Error::not_found(format!("there is no token `{id}`, or it is already revoked")));
        }
        self.audit(&mut tx, "token.revoke", &id.to_string()).await?;
        tx.commit().await
    }

    async fn known(&self, tx: &mut Tx, user: &OwnerName) -> Result<UserRow> {
        tx.user(user).await?.ok_or_else(|| Error::not_found(format!("there is no user `{user}`")))
    }

    /// Reads the current row of the user who sends the request.
    async fn myself(&self, tx: &mut Tx, holder: &AccountGrant) -> Result<UserRow> {
        let user = tx.user_by_id(holder.user()).await?.filter(UserRow::is_active);
        user.ok_or_else(|| Error::unauthenticated("the account is suspended, closed or deleted"))
    }

    async fn active_in(&self, tx: &mut Tx, user: &OwnerName) -> Result<UserRow> {
        let known = self.known(tx, user).await?;
        if known.suspended_at.is_some() {
            return Err(Error::conflict(format!(
                "`{user}` is suspended; to end the suspension, run `rutter user resume {user}`"
            )));
        }
        if known.closed_at.is_some() {
            return Err(Error::conflict(format!("`{user}` has closed the account; signing in reopens it")));
        }
        Ok(known)
    }

    async fn organisation(&self, tx: &mut Tx, name: &OwnerName) -> Result<OwnerRow> {
        let owner = tx.owner(name).await?.filter(|owner| owner.kind == OwnerKind::Organisation);
        owner.ok_or_else(|| Error::not_found(format!("there is no organisation `{name}`")))
    }

    /// Adds an entry to the audit trail for an action of this request's actor.
    async fn note(&self, tx: &mut Tx, actor: &Actor, action: &str, subject: &str, detail: &str) -> Result<()> {
        let (id, now, request) = (self.clock.id(), self.clock.now(), crate::request::id());
        tx.insert_audit(id, now, &actor.key(), action, subject, detail, &request).await
    }

    async fn audit(&self, tx: &mut Tx, action: &str, detail: &str) -> Result<()> {
        tx.insert_audit(self.clock.id(), self.clock.now(), "operator", action, "site", detail, "").await
    }

    async fn audit_by(&self, tx: &mut Tx, actor: &str, action: &str, detail: &str) -> Result<()> {
        let (id, now, request) = (self.clock.id(), self.clock.now(), crate::request::id());
        tx.insert_audit(id, now, actor, action, "site", detail, &request).await
    }

    /// Deletes expired sessions, links and invitations.
    pub async fn forget(&self) -> Result<()> {
        let now = self.clock.now();
        let mut tx = self.db.write().await?;
        tx.forget_sessions(now, self.idle_since(now)).await?;
        tx.forget_tickets(now.minus(ENDED_LINK_TTL)).await?;
        // Anyone can begin these, so they are not kept.
        for purpose in [one_time_tokens::Purpose::ExternalSignIn, one_time_tokens::Purpose::PasskeySignIn] {
            tx.forget_tickets_of(purpose.as_str(), now).await?;
        }
        tx.forget_invitations(now).await?;
        tx.commit().await
    }
}
