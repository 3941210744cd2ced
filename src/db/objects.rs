//! What the store has, and which dataset may use it.

use std::collections::HashMap;
use std::sync::Arc;

use lfs::Oid;
use sqlx::FromRow;

use super::{Tx, exec, run, signed, unsigned};
use crate::error::{Error, Result};
use crate::types::{Id, Millis};

/// An object that a dataset holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// In bytes.
    pub size: u64,
    /// Which of its keys in a bucket it lies at; empty in a folder, where it has only one.
    pub place: Arc<str>,
}

/// An object as it was found where a dataset may have put it.
#[derive(Debug, Clone)]
pub struct Arrival {
    /// Of the dataset.
    pub repo: Id,
    /// What it is.
    pub oid: Oid,
    /// In bytes.
    pub size: u64,
    /// In which store.
    pub store: String,
    /// As in [`Held`].
    pub place: String,
}

/// An object that should be in a store.
#[derive(Debug, Clone, FromRow)]
pub struct ObjectRow {
    /// Its oid.
    pub oid: String,
    /// In bytes.
    pub size: i64,
    /// Whether it is in use.
    pub ready: bool,
    /// As in [`Held`].
    pub place: String,
}

impl Tx {
    /// Of these objects, those that the dataset holds and that are in use. One query, whatever the
    /// number.
    pub async fn held(&mut self, repo: Id, oids: &[Oid]) -> Result<HashMap<Oid, Held>> {
        let names: Vec<String> = oids.iter().map(ToString::to_string).collect();
        let rows: Vec<(String, i64, String)> = match self {
            Self::Sqlite(transaction) => {
                let names = serde_json::to_string(&names).map_err(Error::internal)?;
                // CROSS JOIN fixes the order: left to itself, SQLite walks all that the dataset holds.
                sqlx::query_as(
                    "SELECT h.oid, o.size, o.place FROM json_each($2) wanted
                     CROSS JOIN holding h ON h.repo_id = $1 AND h.oid = wanted.value AND h.released_at IS NULL
                     CROSS JOIN object o ON o.store = h.store AND o.oid = h.oid WHERE o.state <> 'quarantined'",
                )
                .bind(repo.to_string())
                .bind(names)
                .fetch_all(&mut **transaction)
                .await?
            }
            Self::Postgres(session) => {
                let query = "SELECT h.oid, o.size, o.place FROM holding h
                     JOIN object o ON o.store = h.store AND o.oid = h.oid WHERE h.repo_id = $1 AND h.oid = ANY($2)
                     AND h.released_at IS NULL AND o.state <> 'quarantined'";
                let query = sqlx::query_as(query).bind(repo.to_string()).bind(names);
                session.answer(async |on| query.fetch_all(on).await).await?
            }
        };
        // Most stores are folders, whose objects share the empty place.
        let nowhere: Arc<str> = Arc::default();
        let held = rows.into_iter().map(|(oid, size, place)| {
            let place = if place.is_empty() { Arc::clone(&nowhere) } else { place.into() };
            Ok((oid.parse::<Oid>().map_err(Error::internal)?, Held { size: unsigned(size), place }))
        });
        held.collect()
    }

    /// Records bytes that are proven: the store has them, and this dataset holds them. They heal what was
    /// quarantined, and take the place of what was not proven. Gives whether the dataset holds one more.
    ///
    /// Not found if the dataset went away meanwhile.
    pub async fn hold(&mut self, arrival: &Arrival, now: Millis) -> Result<bool> {
        let query =
            "INSERT INTO object (store, oid, size, state, place, created_at) VALUES ($1, $2, $3, 'ready', $4, $5)
                     ON CONFLICT (store, oid) DO UPDATE
                     SET state = 'ready', size = excluded.size, place = excluded.place, orphaned_at = NULL
                     WHERE object.state <> 'ready' OR object.orphaned_at IS NOT NULL";
        exec!(
            self,
            sqlx::query(query)
                .bind(&arrival.store)
                .bind(arrival.oid.to_string())
                .bind(signed(arrival.size))
                .bind(&arrival.place)
                .bind(now)
        )?;
        self.link(arrival, now).await
    }

    /// Like [`Tx::hold`], for bytes of which only the number is known. They must not become those of
    /// other datasets: `None`, and nothing is changed, if the object is in use or if others hold it.
    pub async fn hold_unproven(&mut self, arrival: &Arrival, now: Millis) -> Result<Option<bool>> {
        let query = "INSERT INTO object (store, oid, size, state, place, created_at)
                     VALUES ($1, $2, $3, 'unproven', $4, $5)
                     ON CONFLICT (store, oid) DO UPDATE
                     SET state = 'unproven', size = excluded.size, place = excluded.place, orphaned_at = NULL
                     WHERE object.state = 'quarantined' AND NOT EXISTS (
                         SELECT 1 FROM holding h WHERE h.store = $1 AND h.oid = $2 AND h.repo_id <> $6)";
        let changed = exec!(
            self,
            sqlx::query(query)
                .bind(&arrival.store)
                .bind(arrival.oid.to_string())
                .bind(signed(arrival.size))
                .bind(&arrival.place)
                .bind(now)
                .bind(arrival.repo.to_string())
        )?;
        if changed == 0 { Ok(None) } else { self.link(arrival, now).await.map(Some) }
    }

    async fn link(&mut self, arrival: &Arrival, now: Millis) -> Result<bool> {
        let (repo, oid) = (arrival.repo.to_string(), arrival.oid.to_string());
        let query = "INSERT INTO holding (repo_id, oid, store, created_at) VALUES ($1, $2, $3, $4)
                     ON CONFLICT (repo_id, oid) DO UPDATE
                     SET created_at = excluded.created_at, unused_since = NULL, released_at = NULL
                     WHERE holding.released_at IS NOT NULL";
        let linked = exec!(self, sqlx::query(query).bind(&repo).bind(&oid).bind(&arrival.store).bind(now));
        let linked = linked.map_err(|error| match error.as_database_error() {
            Some(told) if told.is_foreign_key_violation() => Error::not_found("the dataset was deleted"),
            _ => error.into(),
        })?;
        if linked == 0 {
            // Who sends it again is about to use it.
            let query = "UPDATE holding SET created_at = $3, unused_since = NULL
                         WHERE repo_id = $1 AND oid = $2 AND unused_since IS NOT NULL";
            exec!(self, sqlx::query(query).bind(&repo).bind(&oid).bind(now))?;
        }
        Ok(linked > 0)
    }

    /// Takes an object out of use for everybody, because its bytes are not what its name says, or are
    /// gone; or says that they are proven. Nothing happens if it lies at another place by now. A new
    /// upload heals it. Gives whether anything was changed.
    pub async fn set_in_use(&mut self, store: &str, oid: &Oid, place: &str, ready: bool) -> Result<bool> {
        let state = if ready { "ready" } else { "quarantined" };
        let query = "UPDATE object SET state = $4 WHERE store = $1 AND oid = $2 AND place = $3 AND state <> $4";
        Ok(exec!(self, sqlx::query(query).bind(store).bind(oid.to_string()).bind(place).bind(state))? > 0)
    }

    /// All objects that should be in a store, in order, after the given oid. Those out of use are left
    /// out where no dataset holds them.
    pub async fn objects_after(&mut self, store: &str, after: &str, limit: i64) -> Result<Vec<ObjectRow>> {
        let query = "SELECT o.oid, o.size, o.state <> 'quarantined' AS ready, o.place FROM object o
                     WHERE o.store = $1 AND o.oid > $2 AND (o.state <> 'quarantined' OR EXISTS (
                         SELECT 1 FROM holding h WHERE h.store = o.store AND h.oid = o.oid))
                     ORDER BY o.oid LIMIT $3";
        Ok(run!(self, on => sqlx::query_as(query).bind(store).bind(after).bind(limit).fetch_all(on))?)
    }

    /// The row of one object, whoever holds it: its size in bytes, its state and its place.
    pub async fn object(&mut self, store: &str, oid: &Oid) -> Result<Option<(i64, String, String)>> {
        let query = "SELECT size, state, place FROM object WHERE store = $1 AND oid = $2";
        Ok(run!(self, on => sqlx::query_as(query).bind(store).bind(oid.to_string()).fetch_optional(on))?)
    }
}
