//! Writing the search index.

use sqlx_macros::FromRow;

use crate::db::Tx;
use crate::db::query::{query, query_scalar};
use crate::error::Result;
use crate::types::{Id, Millis};

/// The state of a dataset before it is indexed.
#[derive(Debug, Clone, FromRow)]
pub struct SubjectRow {
    /// Name of the owner.
    pub owner_name: String,
    /// Kind of the owner: user or organisation.
    pub owner_kind: String,
    /// Name of the dataset.
    pub name: String,
    /// Creation time.
    pub created_at: Millis,
    /// Generation that was indexed last; `None` if it never was.
    pub generation: Option<i64>,
    /// Time of its newest revision when it was indexed.
    pub changed_at: Option<Millis>,
    /// Digest of the index entry.
    pub digest: Option<String>,
}

/// The values of an index entry, for [`Tx::put_search`].
pub struct SearchInsert<'a> {
    /// True if it can be found.
    pub is_listed: bool,
    /// Generation that was indexed.
    pub generation: i64,
    /// Its number in the order of changes; if taken, the next free number below is used.
    pub number: i64,
    /// Time of its newest revision.
    pub changed_at: Millis,
    /// Digest of everything in the entry.
    pub digest: &'a str,
    /// What is displayed of it, as JSON.
    pub card: &'a str,
    /// Facet values.
    pub facets: &'a str,
    /// Its distinct words, separated by spaces.
    pub words: &'a str,
    /// The text that results quote.
    pub passages: &'a str,
}

impl Tx {
    /// Returns the state of a dataset before it is indexed.
    pub async fn search_subject(&mut self, id: Id) -> Result<Option<SubjectRow>> {
        // Without the text that results quote, it is indexed again.
        let sql = "SELECT o.name AS owner_name, o.kind AS owner_kind, d.name, d.created_at, c.generation, c.changed_at,
                          CASE WHEN s.repo_id IS NULL THEN NULL ELSE c.digest END AS digest
                   FROM dataset d JOIN owner o ON o.id = d.owner_id LEFT JOIN search_card c ON c.repo_id = d.id
                   LEFT JOIN search_source s ON s.repo_id = d.id
                   WHERE d.id = $1";
        Ok(query(sql).bind(id).fetch_optional(self).await?)
    }

    /// Returns datasets that changed since they were indexed, in order, after this one.
    pub async fn search_stale(&mut self, after: &str, limit: i64) -> Result<Vec<String>> {
        let sql = "SELECT d.id FROM dataset d LEFT JOIN search_card c ON c.repo_id = d.id
                   LEFT JOIN search_source s ON s.repo_id = c.repo_id
                   WHERE d.id > $1 AND (c.generation IS NULL OR c.generation <> d.generation OR s.repo_id IS NULL)
                   ORDER BY d.id LIMIT $2";
        Ok(query_scalar(sql).bind(after).bind(limit).fetch_all(self).await?)
    }

    /// Records that a dataset was indexed without changes to its entry.
    pub async fn touch_search(&mut self, id: Id, generation: i64) -> Result<()> {
        let sql = "UPDATE search_card SET generation = $2 WHERE repo_id = $1 AND generation < $2";
        query(sql).bind(id).bind(generation).execute(self).await?;
        Ok(())
    }

    /// Replaces the index entry of a dataset, unless the existing one is newer. The caller must hold the lock of
    /// the dataset ([`Tx::lock_repo`]).
    pub async fn put_search(&mut self, id: Id, insert: &SearchInsert<'_>) -> Result<()> {
        let sql = "SELECT generation FROM search_card WHERE repo_id = $1";
        let known: Option<i64> = query_scalar(sql).bind(id).fetch_optional(self).await?;
        if known.is_some_and(|known| known > insert.generation) {
            return Ok(());
        }
        query("DELETE FROM search_card WHERE repo_id = $1").bind(id).execute(self).await?;
        let sql = "SELECT COUNT(*) FROM search_card WHERE number = $1";
        let mut number = insert.number;
        while query_scalar(sql).bind(number).fetch_one::<i64>(self).await? > 0 {
            number -= 1;
        }
        let sql = "INSERT INTO search_card (repo_id, number, generation, changed_at, digest, card)
                   VALUES ($1, $2, $3, $4, $5, $6)";
        query(sql)
            .bind(id)
            .bind(number)
            .bind(insert.generation)
            .bind(insert.changed_at)
            .bind(insert.digest)
            .bind(insert.card)
            .execute(self)
            .await?;
        let passages = if insert.is_listed { insert.passages } else { "" };
        let sql = "INSERT INTO search_source (repo_id, passages) VALUES ($1, $2)";
        query(sql).bind(id).bind(passages).execute(self).await?;
        if !insert.is_listed {
            return Ok(());
        }
        if let Self::Sqlite(_) = self {
            let sql = "INSERT INTO search (number, owner_id, visibility, facets)
                       SELECT $2, owner_id, visibility, $3 FROM dataset WHERE id = $1";
            query(sql).bind(id).bind(number).bind(insert.facets).execute(self).await?;
            let sql = "INSERT INTO search_text (rowid, words) VALUES ($1, $2)";
            query(sql).bind(number).bind(insert.words).execute(self).await?;
        } else {
            let sql = "INSERT INTO search (number, owner_id, visibility, facets, words)
                       SELECT $2, owner_id, visibility, $3, array_to_tsvector(string_to_array($4, ' '))
                       FROM dataset WHERE id = $1";
            query(sql).bind(id).bind(number).bind(insert.facets).bind(insert.words).execute(self).await?;
        }
        Ok(())
    }
}
