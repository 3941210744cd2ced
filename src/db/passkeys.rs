//! Passkeys (WebAuthn credentials).

use sqlx_macros::FromRow;

use super::query::{query, query_scalar};
use super::{Tx, taken};
use crate::error::Result;
use crate::types::{Id, Millis};

/// A passkey.
#[derive(Debug, Clone, FromRow)]
pub struct PasskeyRow {
    /// Stable id.
    pub id: Id,
    /// The user.
    pub user_id: Id,
    /// Name that the user chose.
    pub name: String,
    /// The host that it works at (relying party id).
    pub host: String,
    /// Public key, counter and flags, as JSON of the library.
    pub key: String,
    /// Creation time.
    pub created_at: Millis,
    /// Last sign-in with it.
    pub last_used_at: Option<Millis>,
}

impl Tx {
    /// Adds a passkey. Conflict if the credential is registered already.
    pub async fn insert_passkey(&mut self, row: &PasskeyRow, credential: &str) -> Result<()> {
        let sql = "INSERT INTO passkey (id, credential, host, user_id, name, key, created_at)
                   VALUES ($1, $2, $3, $4, $5, $6, $7)";
        query(sql)
            .bind(row.id)
            .bind(credential)
            .bind(&row.host)
            .bind(row.user_id)
            .bind(&row.name)
            .bind(&row.key)
            .bind(row.created_at)
            .execute(self)
            .await
            .map_err(|error| taken(error, || "this passkey is registered already".to_owned()))?;
        Ok(())
    }

    /// Returns the passkeys of a user at a host, oldest first.
    pub async fn passkeys(&mut self, user: Id, host: &str) -> Result<Vec<PasskeyRow>> {
        let sql = "SELECT id, user_id, name, host, key, created_at, last_used_at FROM passkey
                   WHERE user_id = $1 AND host = $2 ORDER BY id";
        Ok(query(sql).bind(user).bind(host).fetch_all(self).await?)
    }

    /// Returns the passkey with this credential id, base64url.
    pub async fn passkey_by_credential(&mut self, credential: &str) -> Result<Option<PasskeyRow>> {
        let sql = "SELECT id, user_id, name, host, key, created_at, last_used_at FROM passkey WHERE credential = $1";
        Ok(query(sql).bind(credential).fetch_optional(self).await?)
    }

    /// Returns true if the user has a passkey.
    pub async fn has_passkey(&mut self, user: Id) -> Result<bool> {
        let sql = "SELECT COUNT(*) FROM passkey WHERE user_id = $1";
        let found: i64 = query_scalar(sql).bind(user).fetch_one(self).await?;
        Ok(found > 0)
    }

    /// Records a sign-in with a passkey, with its new counter, unless the key has changed since `before`.
    pub async fn use_passkey(&mut self, id: Id, before: &str, after: &str, now: Millis) -> Result<bool> {
        let sql = "UPDATE passkey SET key = $3, last_used_at = $4 WHERE id = $1 AND key = $2";
        Ok(query(sql).bind(id).bind(before).bind(after).bind(now).execute(self).await? > 0)
    }

    /// Renames a passkey of a user; returns false if there is none.
    pub async fn rename_passkey(&mut self, user: Id, id: Id, name: &str) -> Result<bool> {
        let sql = "UPDATE passkey SET name = $3 WHERE user_id = $1 AND id = $2";
        Ok(query(sql).bind(user).bind(id).bind(name).execute(self).await? > 0)
    }

    /// Removes all passkeys of a user. Returns their number.
    pub async fn delete_passkeys(&mut self, user: Id) -> Result<u64> {
        Ok(query("DELETE FROM passkey WHERE user_id = $1").bind(user).execute(self).await?)
    }

    /// Removes a passkey of a user. Returns its name, or `None` if there is none.
    pub async fn delete_passkey(&mut self, user: Id, id: Id) -> Result<Option<String>> {
        let sql = "DELETE FROM passkey WHERE user_id = $1 AND id = $2 RETURNING name";
        Ok(query_scalar(sql).bind(user).bind(id).fetch_optional(self).await?)
    }
}
