//! Users, organisations and tokens, for the operator at the terminal.

pub mod admin;
pub mod invitations;
pub mod organisations;
pub mod tickets;

use std::time::Duration;

use argon2::{Argon2, PasswordHasher as _};

use crate::access::Actor;
use crate::access::tokens::{self, TokenName, TokenScope};
use crate::clock::Clock;
use crate::db::accounts::{OwnerRow, TokenRow, UserRow};
use crate::db::{Db, Tx};
use crate::error::{Error, Result};
use crate::types::{Email, Id, OwnerKind, OwnerName, Role, Secret};

/// Shortest password that is taken, in characters (NIST SP 800-63B §5.1.1.2).
const PASSWORD_MIN: usize = 8;

/// Accounts of this installation. Cheap to clone.
#[derive(Clone)]
pub struct Accounts {
    db: Db,
    clock: Clock,
}

impl Accounts {
    /// Works on this database.
    pub fn new(db: Db, clock: Clock) -> Self {
        Self { db, clock }
    }

    /// Adds a user. Without a password the account signs in with tokens only.
    ///
    /// # Errors
    /// Conflict for a name or address in use; invalid for a short password.
    pub async fn add_user(&self, name: &OwnerName, email: &Email, password: Option<Secret>, admin: bool) -> Result<Id> {
        if name.as_str().contains('/') {
            return Err(Error::invalid("a user's name has no `/`: only organisations may be nested"));
        }
        let password = match password {
            Some(password) => Some(hash_password(password).await?),
            None => None,
        };
        let id = self.clock.id();
        let mut tx = self.db.write().await?;
        tx.insert_owner(id, name, OwnerKind::User, self.clock.now()).await?;
        tx.insert_account(id, email, password.as_deref(), admin).await?;
        self.audit(&mut tx, "user.add", name.as_str()).await?;
        tx.commit().await?;
        Ok(id)
    }

    /// All users by name.
    pub async fn users(&self) -> Result<Vec<UserRow>> {
        self.db.read().await?.users().await
    }

    /// Lets nobody in as this user: tokens of every kind are refused at once.
    ///
    /// # Errors
    /// Not found for an unknown user; conflict if it is so already.
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
        tx.set_suspended(user.id, suspended.then(|| self.clock.now())).await?;
        let action = if suspended { "user.suspend" } else { "user.resume" };
        self.audit(&mut tx, action, name.as_str()).await?;
        tx.commit().await
    }

    /// A user who is let in.
    ///
    /// # Errors
    /// Not found for an unknown user, conflict for a suspended one.
    pub async fn active(&self, name: &OwnerName) -> Result<UserRow> {
        self.active_in(&mut self.db.read().await?, name).await
    }

    /// Adds an organisation.
    ///
    /// # Errors
    /// Conflict for a name in use, by an owner or by a dataset of the
    /// organisation above: `a/b` must mean one thing.
    pub async fn add_organisation(&self, name: &OwnerName) -> Result<Id> {
        let id = self.clock.id();
        let mut tx = self.db.write().await?;
        self.insert_organisation(&mut tx, id, name).await?;
        self.audit(&mut tx, "organisation.add", name.as_str()).await?;
        tx.commit().await?;
        Ok(id)
    }

    /// All organisations by name.
    pub async fn organisations(&self) -> Result<Vec<String>> {
        self.db.read().await?.organisations().await
    }

    /// Makes a user a reader, or leaves a member what they are; gives the role.
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

    /// Makes a user a member, or changes the role; `None` ends the membership.
    pub async fn set_member(&self, organisation: &OwnerName, user: &OwnerName, role: Option<Role>) -> Result<()> {
        let mut tx = self.db.write().await?;
        let owner = self.organisation(&mut tx, organisation).await?;
        let member = self.known(&mut tx, user).await?;
        match role {
            Some(role) => tx.put_member(owner.id, member.id, role).await?,
            None if tx.delete_member(owner.id, member.id).await? => {}
            None => return Err(Error::not_found(format!("`{user}` is not a member of `{organisation}`"))),
        }
        let change = role.map_or("removed", Role::as_str);
        self.audit(&mut tx, "organisation.member", &format!("{organisation} {user} {change}")).await?;
        tx.commit().await
    }

    /// The members of an organisation: (name, role).
    pub async fn members(&self, organisation: &OwnerName) -> Result<Vec<(String, String)>> {
        let mut tx = self.db.read().await?;
        let owner = self.organisation(&mut tx, organisation).await?;
        tx.members(owner.id).await
    }

    /// The organisations of a user, with what the user is there: (name, role).
    pub async fn memberships(&self, user: Id) -> Result<Vec<(String, String)>> {
        self.db.read().await?.memberships(user).await
    }

    /// Makes a personal token. The token itself is in the answer and nowhere else.
    ///
    /// # Errors
    /// Not found for an unknown user, conflict for a suspended one.
    pub async fn add_token(
        &self,
        user: &OwnerName,
        name: &TokenName,
        scopes: &[TokenScope],
        lifetime: Option<Duration>,
    ) -> Result<Secret> {
        let token = tokens::generate();
        let now = self.clock.now();
        let scopes: Vec<String> = match scopes {
            [] => vec![TokenScope::ALL.to_string()],
            some => some.iter().map(ToString::to_string).collect(),
        };
        let mut tx = self.db.write().await?;
        let user = self.active_in(&mut tx, user).await?;
        tx.insert_token(
            self.clock.id(),
            user.id,
            name.as_str(),
            &tokens::hash(&token),
            &scopes.join(" "),
            now,
            lifetime.map(|span| now.plus(span)),
        )
        .await?;
        self.audit(&mut tx, "token.add", &format!("{} {}", user.name, scopes.join(" "))).await?;
        tx.commit().await?;
        Ok(token)
    }

    /// A user's tokens, newest first.
    pub async fn tokens(&self, user: &OwnerName) -> Result<Vec<TokenRow>> {
        let mut tx = self.db.read().await?;
        let user = self.known(&mut tx, user).await?;
        tx.tokens(user.id).await
    }

    /// Revokes a token, at once and for good.
    pub async fn revoke_token(&self, id: Id) -> Result<()> {
        let mut tx = self.db.write().await?;
        if !tx.revoke_token(id, self.clock.now()).await? {
            return Err(Error::not_found(format!("there is no token `{id}`, or it is revoked already")));
        }
        self.audit(&mut tx, "token.revoke", &id.to_string()).await?;
        tx.commit().await
    }

    async fn known(&self, tx: &mut Tx, user: &OwnerName) -> Result<UserRow> {
        tx.user(user).await?.ok_or_else(|| Error::not_found(format!("there is no user `{user}`")))
    }

    async fn active_in(&self, tx: &mut Tx, user: &OwnerName) -> Result<UserRow> {
        let known = self.known(tx, user).await?;
        if known.suspended_at.is_some() {
            return Err(Error::conflict(format!("`{user}` is suspended; `rutter user resume {user}` ends that")));
        }
        Ok(known)
    }

    async fn organisation(&self, tx: &mut Tx, name: &OwnerName) -> Result<OwnerRow> {
        let owner = tx.owner(name).await?.filter(|owner| owner.kind == OwnerKind::Organisation);
        owner.ok_or_else(|| Error::not_found(format!("there is no organisation `{name}`")))
    }

    /// A line in the audit trail, of what somebody does by a request.
    async fn note(&self, tx: &mut Tx, actor: &Actor, action: &str, subject: &str, detail: &str) -> Result<()> {
        let (id, now, request) = (self.clock.id(), self.clock.now(), crate::request::id());
        tx.insert_audit(id, now, &actor.key(), action, subject, detail, &request).await
    }

    async fn audit(&self, tx: &mut Tx, action: &str, detail: &str) -> Result<()> {
        tx.insert_audit(self.clock.id(), self.clock.now(), "operator", action, "site", detail, "").await
    }
}

/// argon2id with the library's recommended cost, off the async threads.
async fn hash_password(password: Secret) -> Result<String> {
    if password.expose().chars().count() < PASSWORD_MIN {
        return Err(Error::invalid(format!("a password needs at least {PASSWORD_MIN} characters")));
    }
    crate::blocking(move || {
        let hashed = Argon2::default().hash_password(password.expose().as_bytes());
        hashed.map(|hash| hash.to_string()).map_err(|error| Error::internal(error.to_string()))
    })
    .await?
}

#[cfg(test)]
mod tests {
    use argon2::PasswordVerifier as _;
    use argon2::password_hash::phc::PasswordHash;

    use super::*;

    #[tokio::test]
    async fn passwords_are_salted_and_can_be_checked() {
        let secret = || Secret::new("correct horse".into());
        let hash = hash_password(secret()).await.unwrap();
        assert!(hash.starts_with("$argon2id$"));
        assert_ne!(hash, hash_password(secret()).await.unwrap());
        let fits = |password: &str| {
            Argon2::default().verify_password(password.as_bytes(), &PasswordHash::new(&hash).unwrap()).is_ok()
        };
        assert!(fits("correct horse") && !fits("wrong"));
        assert!(hash_password(Secret::new("short".into())).await.is_err());
    }
}
