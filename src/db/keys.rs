//! Signing keys and the audit trail.

use super::Tx;
use super::query::query;
use crate::error::Result;
use crate::types::{Id, Millis};

impl Tx {
    /// Returns all signing keys, newest first: (kid, sealed private key, public JWK).
    pub async fn signing_keys(&mut self) -> Result<Vec<(String, String, String)>> {
        let sql = "SELECT kid, sealed, public FROM signing_key ORDER BY created_at DESC, kid";
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

    /// Adds a signing key.
    pub async fn insert_signing_key(&mut self, kid: &str, sealed: &str, public: &str, now: Millis) -> Result<()> {
        let sql = "INSERT INTO signing_key (kid, sealed, public, created_at) VALUES ($1, $2, $3, $4)";
        query(sql).bind(kid).bind(sealed).bind(public).bind(now).execute(self).await?;
        Ok(())
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
