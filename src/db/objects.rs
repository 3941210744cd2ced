//! Objects in the stores, and the datasets that hold them.

use std::collections::HashMap;
use std::sync::Arc;

use lfs::Oid;
use sqlx_macros::FromRow;

use super::query::query;
use super::{Db, Tx, dataset_deleted, signed, unsigned};
use crate::error::{Error, Result};
use crate::types::{Id, Millis};

/// An object that a dataset holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// Size in bytes.
    pub size: u64,
    /// Its place in a bucket, which selects one of several keys; empty in a local store, which has only one.
    pub place: Arc<str>,
    /// True if it is put together from chunks of xorbs.
    pub is_packed: bool,
}

/// An object that was uploaded to a dataset.
#[derive(Debug, Clone)]
pub struct NewObject {
    /// Id of the dataset.
    pub repo: Id,
    /// Oid of the object.
    pub oid: Oid,
    /// Size in bytes.
    pub size: u64,
    /// Name of the store.
    pub store: String,
    /// Its place, as in [`Held`].
    pub place: String,
    /// Hash of the xorb that it is; `None` for an object of the dataset.
    pub xorb: Option<String>,
    /// How it is put together; `None` if it has a file of its own.
    pub packed: Option<Arc<ReconstructionRow>>,
}

/// How a packed object is put together.
#[derive(Debug, Clone, FromRow)]
pub struct ReconstructionRow {
    /// Hash of the file, as in URLs of the Xet protocol.
    pub hash: String,
    /// Ranges of chunks, as the storage service encodes them.
    pub terms: Vec<u8>,
    /// Its xorbs, by number.
    #[sqlx(skip)]
    pub xorbs: Vec<XorbRow>,
}

/// A xorb of a dataset. Its bytes are an object.
#[derive(Debug, Clone, FromRow)]
pub struct XorbRow {
    /// Hash of the xorb, as in URLs of the protocol.
    pub hash: String,
    /// Name of the store.
    pub store: String,
    /// The object.
    pub oid: String,
    /// Size of the object in bytes.
    pub size: i64,
    /// Place of the object in a bucket; empty in a local store.
    pub place: String,
}

/// An object that should be in a store.
#[derive(Debug, Clone, FromRow)]
pub struct ObjectRow {
    /// Its oid.
    pub oid: String,
    /// Size in bytes.
    pub size: i64,
    /// True if it is in use.
    pub ready: bool,
    /// Its place, as in [`Held`].
    pub place: String,
    /// True if it is put together from chunks of xorbs.
    pub is_packed: bool,
}

impl Db {
    /// Returns for each of these objects, in order, whether the dataset holds it with that size.
    pub async fn holds(&self, repo: Id, wanted: &[(Oid, u64)]) -> Result<Vec<bool>> {
        let mut holds = Vec::with_capacity(wanted.len());
        for page in wanted.chunks(1000) {
            let oids: Vec<Oid> = page.iter().map(|(oid, _)| *oid).collect();
            // Bypasses the query cache: these are read only once, and may be a million.
            let held = self.read().await?.held(repo, &oids).await?;
            holds.extend(page.iter().map(|(oid, size)| held.get(oid).is_some_and(|held| held.size == *size)));
        }
        Ok(holds)
    }
}

impl Tx {
    /// Returns those of the objects that the dataset holds and that are in use. One query, whatever the number.
    pub async fn held(&mut self, repo: Id, oids: &[Oid]) -> Result<HashMap<Oid, Held>> {
        let sql = match self {
            // CROSS JOIN fixes the order: otherwise SQLite scans everything that the dataset holds.
            Self::Sqlite(_) => {
                "SELECT h.oid, o.size, o.place, o.form = 'packed' FROM json_each($2) wanted
                 CROSS JOIN holding h ON h.repo_id = $1 AND h.oid = wanted.value AND h.released_at IS NULL
                 CROSS JOIN object o ON o.store = h.store AND o.oid = h.oid WHERE o.state <> 'quarantined'"
            }
            Self::Postgres(_) => {
                "SELECT h.oid, o.size, o.place, o.form = 'packed' FROM holding h
                 JOIN object o ON o.store = h.store AND o.oid = h.oid WHERE h.repo_id = $1 AND h.oid = ANY($2)
                 AND h.released_at IS NULL AND o.state <> 'quarantined'"
            }
        };
        let rows: Vec<(String, i64, String, bool)> = query(sql).bind(repo).bind(oids).fetch_all(self).await?;
        // Most stores are local directories, whose objects share the empty place.
        let nowhere: Arc<str> = Arc::default();
        let held = rows.into_iter().map(|(oid, size, place, is_packed)| {
            let place = if place.is_empty() { Arc::clone(&nowhere) } else { place.into() };
            Ok((oid.parse::<Oid>().map_err(Error::internal)?, Held { size: unsigned(size), place, is_packed }))
        });
        held.collect()
    }

    /// Records a verified object: the store has it, and this dataset holds it. It replaces a quarantined or
    /// unverified one. Returns true if the dataset did not hold it before.
    ///
    /// Not found if the dataset was deleted in the meantime.
    pub async fn hold(&mut self, arrival: &NewObject, now: Millis) -> Result<bool> {
        let is_inserted = self.insert_object(arrival, now).await?;
        if let Some(packed) = arrival.packed.as_deref().filter(|_| is_inserted) {
            self.put_reconstruction(&arrival.store, &arrival.oid, packed, None).await?;
        }
        self.link(arrival, now).await
    }

    /// Records a verified object that the store has. Returns false if it is recorded already. A xorb is never packed, even
    /// if the same bytes are an object of a dataset.
    pub(super) async fn insert_object(&mut self, arrival: &NewObject, now: Millis) -> Result<bool> {
        let sql = "INSERT INTO object (store, oid, size, state, place, created_at, form)
                   VALUES ($1, $2, $3, 'ready', $4, $5, $6)
                   ON CONFLICT (store, oid) DO UPDATE
                   SET state = 'ready', size = excluded.size, place = excluded.place, orphaned_at = NULL,
                       form = excluded.form
                   WHERE object.state <> 'ready' OR object.orphaned_at IS NOT NULL
                      OR (excluded.form = 'xorb' AND object.form <> 'xorb')";
        let form = match arrival {
            NewObject { packed: Some(_), .. } => "packed",
            NewObject { xorb: Some(_), .. } => "xorb",
            NewObject { .. } => "whole",
        };
        let changed = query(sql)
            .bind(&arrival.store)
            .bind(arrival.oid)
            .bind(signed(arrival.size))
            .bind(&arrival.place)
            .bind(now)
            .bind(form)
            .execute(self)
            .await?;
        Ok(changed > 0)
    }

    /// Like [`Tx::hold`], for an object of which only the size was checked. It must not become available to other
    /// datasets: returns `None` without changes if the object is in use or held by others.
    pub async fn hold_unproven(&mut self, arrival: &NewObject, now: Millis) -> Result<Option<bool>> {
        let sql = "INSERT INTO object (store, oid, size, state, place, created_at)
                   VALUES ($1, $2, $3, 'unproven', $4, $5)
                   ON CONFLICT (store, oid) DO UPDATE
                   SET state = 'unproven', size = excluded.size, place = excluded.place, orphaned_at = NULL,
                       form = 'whole'
                   WHERE object.state = 'quarantined' AND NOT EXISTS (
                       SELECT 1 FROM holding h WHERE h.store = $1 AND h.oid = $2 AND h.repo_id <> $6)";
        let changed = query(sql)
            .bind(&arrival.store)
            .bind(arrival.oid)
            .bind(signed(arrival.size))
            .bind(&arrival.place)
            .bind(now)
            .bind(arrival.repo)
            .execute(self)
            .await?;
        if changed == 0 { Ok(None) } else { self.link(arrival, now).await.map(Some) }
    }

    async fn link(&mut self, arrival: &NewObject, now: Millis) -> Result<bool> {
        let (repo, oid) = (arrival.repo.to_string(), arrival.oid.to_string());
        let sql = "INSERT INTO holding (repo_id, oid, store, created_at) VALUES ($1, $2, $3, $4)
                   ON CONFLICT (repo_id, oid) DO UPDATE
                   SET created_at = excluded.created_at, unused_since = NULL, released_at = NULL
                   WHERE holding.released_at IS NOT NULL";
        let linked = query(sql).bind(&repo).bind(&oid).bind(&arrival.store).bind(now).execute(self).await;
        let linked = linked.map_err(dataset_deleted)?;
        if linked == 0 {
            // A client that uploads it again is about to use it.
            let sql = "UPDATE holding SET created_at = $3, unused_since = NULL
                       WHERE repo_id = $1 AND oid = $2 AND unused_since IS NOT NULL";
            query(sql).bind(&repo).bind(&oid).bind(now).execute(self).await?;
        }
        Ok(linked > 0)
    }

    /// Quarantines an object for all datasets, because its content does not match its oid or is missing; or marks
    /// it as verified. No-op if the object has another place by now, or is packed. A new upload replaces a quarantined object.
    /// Returns true if anything was changed.
    pub async fn set_in_use(&mut self, store: &str, oid: &Oid, place: &str, ready: bool) -> Result<bool> {
        let state = if ready { "ready" } else { "quarantined" };
        let sql = "UPDATE object SET state = $4 WHERE store = $1 AND oid = $2 AND place = $3 AND form <> 'packed' AND state <> $4";
        Ok(query(sql).bind(store).bind(oid).bind(place).bind(state).execute(self).await? > 0)
    }

    /// Returns all objects that should be in a store, in order, after the given oid. Quarantined ones that no
    /// dataset holds are left out.
    pub async fn objects_after(&mut self, store: &str, after: &str, limit: i64) -> Result<Vec<ObjectRow>> {
        let sql = "SELECT o.oid, o.size, o.state <> 'quarantined' AS ready, o.place,
                          o.form = 'packed' AS is_packed FROM object o
                   WHERE o.store = $1 AND o.oid > $2 AND (o.state <> 'quarantined' OR EXISTS (
                       SELECT 1 FROM holding h WHERE h.store = o.store AND h.oid = o.oid))
                   ORDER BY o.oid LIMIT $3";
        Ok(query(sql).bind(store).bind(after).bind(limit).fetch_all(self).await?)
    }

    /// Returns the row of an object, independent of datasets: size in bytes, state and place.
    pub async fn object(&mut self, store: &str, oid: &Oid) -> Result<Option<(i64, String, String)>> {
        let sql = "SELECT size, state, place FROM object WHERE store = $1 AND oid = $2";
        Ok(query(sql).bind(store).bind(oid).fetch_optional(self).await?)
    }
}
