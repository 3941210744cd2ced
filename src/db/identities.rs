//! Accounts at external identity providers that users sign in with.

use sqlx_macros::FromRow;

use super::query::{query, query_scalar};
use super::{Tx, taken};
use crate::error::Result;
use crate::types::{Id, Millis};

/// An account at an external identity provider.
#[derive(Debug, Clone, FromRow)]
pub struct IdentityRow {
    /// Name of the provider in the configuration.
    pub provider: String,
    /// URL of the provider.
    pub issuer: String,
    /// Address or name there when it was linked.
    pub label: String,
    /// When it was linked.
    pub created_at: Millis,
    /// Last sign-in with it.
    pub last_used_at: Option<Millis>,
}

/// The key of an account at an external identity provider.
#[derive(Debug, Clone, Copy)]
pub struct IdentityKey<'a> {
    /// Name of the provider in the configuration.
    pub provider: &'a str,
    /// URL of the provider.
    pub issuer: &'a str,
    /// Stable id of the user there.
    pub subject: &'a str,
}

impl Tx {
    /// Links an account at a provider to a user. Conflict if it is linked already, or if the user has another one there;
    /// one at another server of that name before is replaced.
    pub async fn insert_identity(&mut self, key: IdentityKey<'_>, user: Id, label: &str, now: Millis) -> Result<()> {
        let sql = "DELETE FROM identity WHERE user_id = $1 AND provider = $2 AND issuer <> $3";
        query(sql).bind(user).bind(key.provider).bind(key.issuer).execute(self).await?;
        let sql = "INSERT INTO identity (provider, issuer, subject, user_id, label, created_at)
                   VALUES ($1, $2, $3, $4, $5, $6)";
        query(sql)
            .bind(key.provider)
            .bind(key.issuer)
            .bind(key.subject)
            .bind(user)
            .bind(label)
            .bind(now)
            .execute(self)
            .await
            .map_err(|error| taken(error, || "this account is linked already".to_owned()))?;
        Ok(())
    }

    /// Returns the user that an account at a provider is linked to.
    pub async fn user_of_identity(&mut self, key: IdentityKey<'_>) -> Result<Option<Id>> {
        let sql = "SELECT user_id FROM identity WHERE provider = $1 AND issuer = $2 AND subject = $3";
        Ok(query_scalar(sql).bind(key.provider).bind(key.issuer).bind(key.subject).fetch_optional(self).await?)
    }

    /// Updates the time of the last sign-in.
    pub async fn touch_identity(&mut self, key: IdentityKey<'_>, now: Millis) -> Result<()> {
        let sql = "UPDATE identity SET last_used_at = $4 WHERE provider = $1 AND issuer = $2 AND subject = $3";
        query(sql).bind(key.provider).bind(key.issuer).bind(key.subject).bind(now).execute(self).await?;
        Ok(())
    }

    /// Returns the accounts that are linked to a user, by provider.
    pub async fn identities(&mut self, user: Id) -> Result<Vec<IdentityRow>> {
        let sql = "SELECT provider, issuer, label, created_at, last_used_at FROM identity
                   WHERE user_id = $1 ORDER BY provider";
        Ok(query(sql).bind(user).fetch_all(self).await?)
    }

    /// Removes the link of a user to a provider; returns false if there is none.
    pub async fn delete_identity(&mut self, user: Id, provider: &str) -> Result<bool> {
        let sql = "DELETE FROM identity WHERE user_id = $1 AND provider = $2";
        Ok(query(sql).bind(user).bind(provider).execute(self).await? > 0)
    }
}
