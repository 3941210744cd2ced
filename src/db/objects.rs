//! What the store has, and which dataset may use it.

use std::collections::HashMap;

use lfs::Oid;

use super::{Tx, exec, run, signed, unsigned};
use crate::error::{Error, Result};
use crate::types::{Id, Millis};

impl Tx {
    /// Of these objects, those that the dataset holds and that are ready,
    /// with their sizes in bytes. One query, whatever the number.
    pub async fn held(&mut self, repo: Id, oids: &[Oid]) -> Result<HashMap<Oid, u64>> {
        let names: Vec<String> = oids.iter().map(ToString::to_string).collect();
        let rows: Vec<(String, i64)> = match self {
            Self::Sqlite(transaction) => {
                let names = serde_json::to_string(&names).map_err(Error::internal)?;
                // CROSS JOIN fixes the order: left to itself, SQLite walks all that the dataset holds.
                sqlx::query_as(
                    "SELECT h.oid, o.size FROM json_each($2) wanted
                     CROSS JOIN holding h ON h.repo_id = $1 AND h.oid = wanted.value
                     CROSS JOIN object o ON o.oid = h.oid WHERE o.state = 'ready'",
                )
                .bind(repo.to_string())
                .bind(names)
                .fetch_all(&mut **transaction)
                .await?
            }
            Self::Postgres(transaction) => {
                sqlx::query_as(
                    "SELECT h.oid, o.size FROM holding h JOIN object o ON o.oid = h.oid
                     WHERE h.repo_id = $1 AND h.oid = ANY($2) AND o.state = 'ready'",
                )
                .bind(repo.to_string())
                .bind(names)
                .fetch_all(&mut **transaction)
                .await?
            }
        };
        rows.into_iter().map(|(oid, size)| Ok((oid.parse::<Oid>().map_err(Error::internal)?, unsigned(size)))).collect()
    }

    /// Records proven bytes: the store has them, and this dataset holds them.
    /// Bytes that were quarantined are healed by the new proof.
    ///
    /// Not found if the dataset went away meanwhile.
    pub async fn hold(&mut self, repo: Id, oid: &Oid, size: u64, now: Millis) -> Result<()> {
        let query = "INSERT INTO object (oid, size, state, created_at) VALUES ($1, $2, 'ready', $3)
                     ON CONFLICT (oid) DO UPDATE SET state = 'ready', size = excluded.size";
        exec!(self, sqlx::query(query).bind(oid.to_string()).bind(signed(size)).bind(now))?;
        let query = "INSERT INTO holding (repo_id, oid, created_at) VALUES ($1, $2, $3)
                     ON CONFLICT (repo_id, oid) DO NOTHING";
        let held = exec!(self, sqlx::query(query).bind(repo.to_string()).bind(oid.to_string()).bind(now));
        held.map_err(|error| match error.as_database_error() {
            Some(told) if told.is_foreign_key_violation() => Error::not_found("the dataset was deleted"),
            _ => error.into(),
        })?;
        Ok(())
    }

    /// Takes an object out of use for everybody, because its bytes are not
    /// what its name says, or are gone; or back into use. A new upload heals it.
    pub async fn set_in_use(&mut self, oid: &Oid, ready: bool) -> Result<()> {
        let state = if ready { "ready" } else { "quarantined" };
        exec!(self, sqlx::query("UPDATE object SET state = $2 WHERE oid = $1").bind(oid.to_string()).bind(state))?;
        Ok(())
    }

    /// All objects that should be in the store, in order, after the given one:
    /// (oid, size, whether it is in use). Those out of use are left out where
    /// no dataset holds them.
    pub async fn objects_after(&mut self, after: &str, limit: i64) -> Result<Vec<(String, i64, bool)>> {
        let query = "SELECT o.oid, o.size, o.state = 'ready' AS ready FROM object o
                     WHERE o.oid > $1 AND (o.state = 'ready' OR EXISTS (SELECT 1 FROM holding h WHERE h.oid = o.oid))
                     ORDER BY o.oid LIMIT $2";
        Ok(run!(self, on => sqlx::query_as(query).bind(after).bind(limit).fetch_all(on))?)
    }
}
