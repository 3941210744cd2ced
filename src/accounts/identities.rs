//! The ways in which a user can sign in: passkeys, linked accounts at external providers, and the password. The last one
//! cannot be removed.

use super::{Accounts, emails};
use crate::access::{FactorGrant, IdentityChangeGrant};
use crate::db::Tx;
pub use crate::db::identities::IdentityRow;
pub use crate::db::passkeys::PasskeyRow;
use crate::db::sessions::LoginRow;
use crate::error::{Error, Result};
use crate::mail;
use crate::types::Id;

/// How a user can sign in.
pub struct SignInWays {
    /// True if the user has a password, and the site accepts passwords.
    pub password: bool,
    /// Linked accounts at the providers of the configuration.
    pub identities: Vec<IdentityRow>,
    /// Passkeys for the host of the site.
    pub passkeys: Vec<PasskeyRow>,
}

impl SignInWays {
    /// Returns the number of ways.
    pub fn count(&self) -> usize {
        usize::from(self.password) + self.identities.len() + self.passkeys.len()
    }
}

impl Accounts {
    /// Returns how the user can sign in.
    pub async fn sign_in_ways(&self, grant: &FactorGrant) -> Result<SignInWays> {
        self.ways_of(&mut self.db.read().await?, grant.user()).await
    }

    async fn ways_of(&self, tx: &mut Tx, user: Id) -> Result<SignInWays> {
        let password = tx.login(user).await?.is_some_and(|row| self.usable_password(&row).is_some());
        let configured = |row: &IdentityRow| {
            self.providers.get(&row.provider).is_some_and(|provider| provider.config.issuer() == row.issuer)
        };
        let identities = tx.identities(user).await?.into_iter().filter(configured).collect();
        let passkeys = match self.relying_party.host() {
            Some(host) => tx.passkeys(user, host).await?,
            None => Vec::new(),
        };
        Ok(SignInWays { password, identities, passkeys })
    }

    /// # Errors
    /// Conflict if the user has no way to sign in.
    pub(super) async fn expect_way_in(&self, tx: &mut Tx, user: Id) -> Result<()> {
        if self.ways_of(tx, user).await?.count() == 0 {
            return Err(Error::conflict("this is your last way to sign in: add another one first"));
        }
        Ok(())
    }

    /// Returns the hash of the password that the user can sign in with.
    pub(super) fn usable_password(&self, row: &LoginRow) -> Option<String> {
        row.password.clone().filter(|_| self.rules.passwords)
    }

    /// Unlinks the user's account at a provider.
    ///
    /// # Errors
    /// Not found if none is linked; conflict if the user could not sign in any more.
    pub async fn unlink(&self, grant: &IdentityChangeGrant, provider: &str) -> Result<()> {
        let mut tx = self.db.write().await?;
        let user = self.still_signed_in(&mut tx, grant.factor()).await?;
        if !tx.delete_identity(user.id, provider).await? {
            return Err(Error::not_found("no account there is linked"));
        }
        self.expect_way_in(&mut tx, user.id).await?;
        self.audit_by(&mut tx, &super::by(user.id), "identity.remove", &format!("{} {provider}", user.name)).await?;
        let label = self.providers.get(provider).map_or(provider, |provider| provider.config.label());
        let notice = emails::sign_in_removed(&self.base, &user.email.parse()?, &user.name, label);
        mail::enqueue_email(&mut tx, &self.clock, &notice).await?;
        tx.commit().await
    }
}
