//! Signing keys and the audit trail.

use sqlx_macros::FromRow;

use super::Tx;
use super::query::query;
use crate::error::Result;
use crate::types::{Id, Millis};

/// A signing key of this installation.
#[derive(Clone, FromRow)]
pub struct SigningKeyRow {
    /// Key id (RFC 7638 thumbprint).
    pub kid: String,
    /// Private key, encrypted with the secret of the server.
    pub sealed: String,
    /// Public key (JWK, as JSON).
    pub public: String,
    /// Creation time.
    pub created_at: Millis,
    /// When it begins to sign.
    pub signs_from: Millis,
    /// When no valid token has its signature any more; `None` while there is no later key.
    pub retires_at: Option<Millis>,
}

impl Tx {
    /// Returns all signing keys, newest first.
    pub async fn signing_keys(&mut self) -> Result<Vec<SigningKeyRow>> {
        let sql = "SELECT kid, sealed, public, created_at, signs_from, retires_at FROM signing_key
                   ORDER BY signs_from DESC, created_at DESC, kid";
        Ok(query(sql).fetch_all(self).await?)
    }

    /// Locks the table of signing keys, so that no other process adds one.
    pub async fn lock_signing_keys(&mut self) -> Result<()> {
        // On SQLite there is only one writer.
        if matches!(self, Self::Postgres(_)) {
            query("LOCK TABLE signing_key IN SHARE ROW EXCLUSIVE MODE").execute(self).await?;
        }
        Ok(())
    }

    /// Adds a signing key that signs from the given time on.
    pub async fn insert_signing_key(
        &mut self,
        kid: &str,
        sealed: &str,
        public: &str,
        now: Millis,
        signs_from: Millis,
    ) -> Result<()> {
        let sql = "INSERT INTO signing_key (kid, sealed, public, created_at, signs_from) VALUES ($1, $2, $3, $4, $5)";
        query(sql).bind(kid).bind(sealed).bind(public).bind(now).bind(signs_from).execute(self).await?;
        Ok(())
    }

    /// Sets when the keys retire that have no such time yet, except the given one.
    pub async fn retire_signing_keys(&mut self, except: &str, at: Millis) -> Result<()> {
        let sql = "UPDATE signing_key SET retires_at = $2 WHERE retires_at IS NULL AND kid <> $1";
        query(sql).bind(except).bind(at).execute(self).await?;
        Ok(())
    }

    /// Deletes the signing keys that have retired. Returns their number.
    pub async fn forget_signing_keys(&mut self, now: Millis) -> Result<u64> {
        Ok(query("DELETE FROM signing_key WHERE retires_at <= $1").bind(now).execute(self).await?)
    }

    /// Adds an event to the audit trail.
    #[expect(clippy::too_many_arguments, reason = "one argument per column")]
    pub async fn insert_audit(
        &mut self,
        id: Id,
        at: Millis,
        actor: &str,
        action: &str,
        subject: &str,
        detail: &str,
        request_id: &str,
    ) -> Result<()> {
        let sql = "INSERT INTO audit (id, at, actor, action, subject, detail, request_id)
                   VALUES ($1, $2, $3, $4, $5, $6, $7)";
        query(sql)
            .bind(id)
            .bind(at)
            .bind(actor)
            .bind(action)
            .bind(subject)
            .bind(detail)
            .bind(request_id)
            .execute(self)
            .await?;
        Ok(())
    }

    /// Deletes denied requests before the given time from the audit trail. Returns their number.
    pub async fn forget_refusals(&mut self, before: Millis) -> Result<u64> {
        let sql = "DELETE FROM audit WHERE action = 'access.refused' AND at < $1";
        Ok(query(sql).bind(before).execute(self).await?)
    }

    /// Returns the audit trail of one subject, oldest first: (actor, action, detail).
    pub async fn audit(&mut self, subject: &str) -> Result<Vec<(String, String, String)>> {
        let sql = "SELECT actor, action, detail FROM audit WHERE subject = $1 ORDER BY id";
        Ok(query(sql).bind(subject).fetch_all(self).await?)
    }
}
