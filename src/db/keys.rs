//! Signing keys and the audit trail.

use super::{Tx, exec, run};
use crate::error::Result;
use crate::types::{Id, Millis};

impl Tx {
    /// Returns all signing keys, newest first: (kid, sealed private key, public JWK).
    pub async fn signing_keys(&mut self) -> Result<Vec<(String, String, String)>> {
        let query = "SELECT kid, sealed, public FROM signing_key ORDER BY created_at DESC, kid";
        Ok(run!(self, on => sqlx::query_as(query).fetch_all(on))?)
    }

    /// Locks the table of signing keys, so that no other process adds one.
    pub async fn lock_signing_keys(&mut self) -> Result<()> {
        // On SQLite there is only one writer.
        if matches!(self, Self::Postgres(_)) {
            exec!(self, sqlx::query("LOCK TABLE signing_key IN SHARE ROW EXCLUSIVE MODE"))?;
        }
        Ok(())
    }

    /// Adds a signing key.
    pub async fn insert_signing_key(&mut self, kid: &str, sealed: &str, public: &str, now: Millis) -> Result<()> {
        let query = "INSERT INTO signing_key (kid, sealed, public, created_at) VALUES ($1, $2, $3, $4)";
        exec!(self, sqlx::query(query).bind(kid).bind(sealed).bind(public).bind(now))?;
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
        let query = "INSERT INTO audit (id, at, actor, action, subject, detail, request_id)
                     VALUES ($1, $2, $3, $4, $5, $6, $7)";
        exec!(
            self,
            sqlx::query(query)
                .bind(id.to_string())
                .bind(at)
                .bind(actor)
                .bind(action)
                .bind(subject)
                .bind(detail)
                .bind(request_id)
        )?;
        Ok(())
    }

    /// Deletes denied requests before the given time from the audit trail. Returns their number.
    pub async fn forget_refusals(&mut self, before: Millis) -> Result<u64> {
        let query = "DELETE FROM audit WHERE action = 'access.refused' AND at < $1";
        Ok(exec!(self, sqlx::query(query).bind(before))?)
    }

    /// Returns the audit trail of one subject, oldest first: (actor, action, detail).
    pub async fn audit(&mut self, subject: &str) -> Result<Vec<(String, String, String)>> {
        let query = "SELECT actor, action, detail FROM audit WHERE subject = $1 ORDER BY id";
        Ok(run!(self, on => sqlx::query_as(query).bind(subject).fetch_all(on))?)
    }
}
