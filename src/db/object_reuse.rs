//! Reuse of objects between datasets of one store, without uploading their bytes again.

use lfs::Oid;

use super::query::{query, query_scalar};
use super::{Tx, dataset_deleted, listed};
use crate::error::Result;
use crate::types::{Id, Millis};

impl Tx {
    /// Returns the paths of some datasets of a store that have a verified object and are visible to a user by
    /// account alone, public ones first.
    pub async fn reuse_sources(
        &mut self,
        store: &str,
        oid: &Oid,
        user: Option<Id>,
        all: bool,
    ) -> Result<Vec<(String, String)>> {
        let sql = "SELECT w.name, d.name FROM holding h JOIN object o ON o.store = h.store AND o.oid = h.oid
                   JOIN dataset d ON d.id = h.repo_id JOIN owner w ON w.id = d.owner_id
                   WHERE h.store = $1 AND h.oid = $2 AND h.released_at IS NULL AND o.state = 'ready'
                   AND (d.visibility = 'public' OR $4 OR ($3 <> '' AND (
                       d.visibility = 'internal' OR d.owner_id = $3 OR EXISTS (
                           SELECT 1 FROM member m WHERE m.organisation_id = d.owner_id AND m.user_id = $3)
                       OR d.id IN (SELECT s.repo_id FROM share s WHERE s.path = '' AND (s.user_id = $3
                           OR s.email = (SELECT a.email FROM account a WHERE a.owner_id = $3)
                           OR s.group_id IN (SELECT tm.group_id FROM group_member tm WHERE tm.user_id = $3))))))
                   ORDER BY CASE d.visibility WHEN 'public' THEN 0 ELSE 1 END, h.repo_id LIMIT 20";
        let (oid, user) = (oid.to_string(), user.map(|user| user.to_string()).unwrap_or_default());
        Ok(query(sql).bind(store).bind(&oid).bind(&user).bind(all).fetch_all(self).await?)
    }

    /// Returns those of the objects that a dataset holds and that are verified, with their sizes in bytes.
    pub async fn reusable_objects(&mut self, repo: Id, oids: &[Oid]) -> Result<Vec<(String, i64)>> {
        let sql = match self {
            Self::Sqlite(_) => {
                "SELECT h.oid, o.size FROM json_each($2) wanted
                 CROSS JOIN holding h ON h.repo_id = $1 AND h.oid = wanted.value AND h.released_at IS NULL
                 CROSS JOIN object o ON o.store = h.store AND o.oid = h.oid WHERE o.state = 'ready'"
            }
            Self::Postgres(_) => {
                "SELECT h.oid, o.size FROM holding h JOIN object o ON o.store = h.store AND o.oid = h.oid
                 WHERE h.repo_id = $1 AND h.oid = ANY($2)
                 AND h.released_at IS NULL AND o.state = 'ready'"
            }
        };
        Ok(query(sql).bind(repo).bind(oids).fetch_all(self).await?)
    }

    /// Adds objects of one dataset to another. Returns those that it did not have before.
    ///
    /// Not found if the dataset was deleted in the meantime.
    pub async fn reuse_object(&mut self, from: Id, to: Id, oids: &[Oid], now: Millis) -> Result<Vec<String>> {
        // In a fixed order, so that two servers on one database do not deadlock. `WHERE` keeps SQLite from
        // parsing ON CONFLICT as part of a join.
        let sql = listed!(
            self,
            "INSERT INTO holding (repo_id, oid, store, created_at)
             SELECT $2, h.oid, h.store, $4 FROM holding h WHERE h.repo_id = $1 AND h.oid",
            "$3",
            "AND h.released_at IS NULL ORDER BY h.oid
             ON CONFLICT (repo_id, oid) DO UPDATE
             SET created_at = excluded.created_at, unused_since = NULL, released_at = NULL
             WHERE holding.released_at IS NOT NULL RETURNING oid"
        );
        let new = query_scalar(sql).bind(from).bind(to).bind(oids).bind(now).fetch_all(self).await;
        let new = new.map_err(dataset_deleted)?;
        // Objects that it already has are about to be used.
        let sql = listed!(
            self,
            "UPDATE holding SET created_at = $3, unused_since = NULL
             WHERE repo_id = $1 AND unused_since IS NOT NULL AND oid",
            "$2",
            ""
        );
        query(sql).bind(to).bind(oids).bind(now).execute(self).await?;
        Ok(new)
    }
}
