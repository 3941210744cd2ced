//! Files that come in parts through the server.

use sqlx::FromRow;

use super::{Tx, exec, run};
use crate::error::Result;
use crate::types::{Id, Millis};

/// A file that is coming in.
#[derive(Debug, Clone, FromRow)]
pub struct IntakeRow {
    /// 16 bytes, hex.
    pub id: String,
    /// The dataset.
    #[sqlx(try_from = "String")]
    pub repo_id: Id,
    /// Who sends it, as [`Actor::key`](crate::access::Actor::key).
    pub actor: String,
    /// Where it is to stand.
    pub path: String,
    /// Its bytes.
    pub size: i64,
    /// The object that it is to be, if that was told, or was found out.
    pub oid: Option<String>,
    /// Where its bytes go.
    pub store: String,
    /// What the bucket calls the upload; empty in a folder.
    pub remote: String,
    /// Bytes of each part but the last.
    pub part_bytes: i64,
    /// When it is given up.
    pub expires_at: Millis,
    /// When it became an object.
    pub kept_at: Option<Millis>,
    /// The revision that has it.
    pub revision: Option<String>,
}

impl Tx {
    /// The file of this id that comes to a dataset.
    pub async fn intake(&mut self, repo: Id, id: &str) -> Result<Option<IntakeRow>> {
        let query = "SELECT * FROM intake WHERE id = $1 AND repo_id = $2";
        Ok(run!(self, on => sqlx::query_as(query).bind(id).bind(repo.to_string()).fetch_optional(on))?)
    }

    /// Adds a file that is about to come.
    pub async fn insert_intake(&mut self, row: &IntakeRow) -> Result<()> {
        let query = "INSERT INTO intake (id, repo_id, actor, path, size, oid, store, remote, part_bytes, expires_at,
                                         reserved)
                     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $5)";
        exec!(
            self,
            sqlx::query(query)
                .bind(&row.id)
                .bind(row.repo_id.to_string())
                .bind(&row.actor)
                .bind(&row.path)
                .bind(row.size)
                .bind(&row.oid)
                .bind(&row.store)
                .bind(&row.remote)
                .bind(row.part_bytes)
                .bind(row.expires_at)
        )?;
        Ok(())
    }

    /// How many files this actor is sending to a dataset.
    pub async fn intakes_of(&mut self, repo: Id, actor: &str) -> Result<i64> {
        let query = "SELECT COUNT(*) FROM intake WHERE repo_id = $1 AND actor = $2 AND kept_at IS NULL";
        Ok(run!(self, on => sqlx::query_scalar(query).bind(repo.to_string()).bind(actor).fetch_one(on))?)
    }

    /// It goes on until then.
    pub async fn extend_intake(&mut self, id: &str, expires_at: Millis) -> Result<()> {
        exec!(self, sqlx::query("UPDATE intake SET expires_at = $2 WHERE id = $1").bind(id).bind(expires_at))?;
        Ok(())
    }

    /// What it was found to be.
    pub async fn name_intake(&mut self, id: &str, oid: &str) -> Result<()> {
        exec!(self, sqlx::query("UPDATE intake SET oid = $2 WHERE id = $1").bind(id).bind(oid))?;
        Ok(())
    }

    /// It became an object.
    pub async fn keep_intake(&mut self, id: &str, now: Millis) -> Result<()> {
        exec!(self, sqlx::query("UPDATE intake SET kept_at = $2, reserved = 0 WHERE id = $1").bind(id).bind(now))?;
        Ok(())
    }

    /// A revision has it. Its row stays for a while, for those who ask again.
    pub async fn end_intake(&mut self, id: &str, revision: &str) -> Result<()> {
        exec!(self, sqlx::query("UPDATE intake SET revision = $2 WHERE id = $1").bind(id).bind(revision))?;
        Ok(())
    }

    /// Forgets it.
    pub async fn delete_intake(&mut self, id: &str) -> Result<()> {
        exec!(self, sqlx::query("DELETE FROM intake WHERE id = $1").bind(id))?;
        Ok(())
    }

    /// Files that come to an owner's datasets and would expire before this, those first that nobody has gone on with for
    /// longest; and those that this actor sends to this path of a dataset, whenever they expire.
    pub async fn idle_intakes(
        &mut self,
        owner: Id,
        before: Millis,
        (repo, actor, path): (Id, &str, &str),
        limit: i64,
    ) -> Result<Vec<IntakeRow>> {
        let query = "SELECT i.* FROM dataset d JOIN intake i ON i.repo_id = d.id
                     WHERE d.owner_id = $1 AND i.kept_at IS NULL
                     AND (i.expires_at <= $2 OR (i.repo_id = $3 AND i.actor = $4 AND i.path = $5))
                     ORDER BY i.expires_at LIMIT $6";
        Ok(run!(self, on => sqlx::query_as(query)
            .bind(owner.to_string())
            .bind(before)
            .bind(repo.to_string())
            .bind(actor)
            .bind(path)
            .bind(limit)
            .fetch_all(on))?)
    }

    /// Forgets a file that is coming in, unless it came, or somebody went on with it after this; gives whether it did.
    pub async fn remove_idle_intake(&mut self, id: &str, before: Millis) -> Result<bool> {
        let query = "DELETE FROM intake WHERE id = $1 AND expires_at <= $2 AND kept_at IS NULL";
        Ok(exec!(self, sqlx::query(query).bind(id).bind(before))? > 0)
    }

    /// Those whose time is over.
    pub async fn expired_intakes(&mut self, now: Millis, limit: i64) -> Result<Vec<IntakeRow>> {
        let query = "SELECT * FROM intake WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2";
        Ok(run!(self, on => sqlx::query_as(query).bind(now).bind(limit).fetch_all(on))?)
    }
}
