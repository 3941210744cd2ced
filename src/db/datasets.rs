//! Datasets: who owns them and who sees them.

use sqlx::FromRow;

use super::objects::Arrival;
use super::{Tx, exec, run, taken};
use crate::error::{Error, Result};
use crate::types::{Id, Millis, OwnerKind, RepoPath, Visibility};

/// A dataset with its owner.
#[derive(Debug, Clone, FromRow)]
pub struct DatasetRow {
    /// Stable id; also the key of its repository.
    #[sqlx(try_from = "String")]
    pub id: Id,
    /// Its owner's id.
    #[sqlx(try_from = "String")]
    pub owner_id: Id,
    /// User or organisation.
    #[sqlx(try_from = "String")]
    pub owner_kind: OwnerKind,
    /// Its owner's name.
    pub owner_name: String,
    /// Its own name.
    pub name: String,
    /// Who sees it without being a member.
    #[sqlx(try_from = "String")]
    pub visibility: Visibility,
    /// Patterns of full ref names whose history only owners rewrite, json.
    pub protected: String,
    /// Where its objects are kept.
    pub store: String,
    /// Bytes that it may hold; `None` for what is configured, or [`BOUNDLESS`](super::usage::BOUNDLESS).
    pub quota_bytes: Option<i64>,
    /// Bytes that all datasets of its owner may hold together; likewise.
    pub owner_quota_bytes: Option<i64>,
    /// When it was made.
    pub created_at: Millis,
}

/// Where an object arrives.
#[derive(Debug, Clone, FromRow)]
pub struct LandingRow {
    /// The dataset.
    #[sqlx(flatten)]
    pub dataset: DatasetRow,
    /// Bytes that the store takes the object to have, if it knows it.
    pub known_bytes: Option<i64>,
}

macro_rules! select {
    ($rest:literal) => {
        select!("", $rest)
    };
    ($more:literal, $rest:literal) => {
        concat!(
            "SELECT d.id, d.owner_id, o.kind AS owner_kind, o.name AS owner_name, d.name, d.visibility,
                    d.protected, d.store, d.quota_bytes, o.quota_bytes AS owner_quota_bytes, d.created_at",
            $more,
            " FROM dataset d JOIN owner o ON o.id = d.owner_id ",
            $rest
        )
    };
}

impl Tx {
    /// The dataset at this path.
    pub async fn dataset(&mut self, path: &RepoPath) -> Result<Option<DatasetRow>> {
        let query = select!("WHERE o.name = $1 AND d.name = $2");
        Ok(run!(self, on => sqlx::query_as(query).bind(path.owner.as_str()).bind(path.name.as_str())
            .fetch_optional(on))?)
    }

    /// Where an object arrives; none if the dataset is gone.
    pub async fn landing(&mut self, arrival: &Arrival) -> Result<Option<LandingRow>> {
        let query = select!(
            ", (SELECT b.size FROM object b WHERE b.store = $2 AND b.oid = $3) AS known_bytes",
            "WHERE d.id = $1"
        );
        let (repo, oid) = (arrival.repo.to_string(), arrival.oid.to_string());
        Ok(run!(self, on => sqlx::query_as(query).bind(repo).bind(&arrival.store).bind(oid).fetch_optional(on))?)
    }

    /// All datasets by path.
    pub async fn datasets(&mut self) -> Result<Vec<DatasetRow>> {
        let query = select!("ORDER BY o.name, d.name");
        Ok(run!(self, on => sqlx::query_as(query).fetch_all(on))?)
    }

    /// Adds an empty dataset. Conflict if the name is taken.
    pub async fn insert_dataset(
        &mut self,
        id: Id,
        owner: Id,
        path: &RepoPath,
        visibility: Visibility,
        store: &str,
        now: Millis,
    ) -> Result<()> {
        let query = "INSERT INTO dataset
                     (id, owner_id, name, visibility, head, protected, generation, gc_epoch, store, created_at)
                     VALUES ($1, $2, $3, $4, 'refs/heads/main', '[\"refs/heads/main\"]', 0, 0, $5, $6)";
        exec!(
            self,
            sqlx::query(query)
                .bind(id.to_string())
                .bind(owner.to_string())
                .bind(path.name.as_str())
                .bind(visibility.as_str())
                .bind(store)
                .bind(now)
        )
        .map_err(|error| taken(error, || format!("`{path}` exists already")))?;
        Ok(())
    }

    /// Holds off others who would give something this name until the transaction ends: an
    /// organisation and a dataset of one path are in two tables, which share no constraint.
    pub async fn lock_name(&mut self, name: &str) -> Result<()> {
        // A SQLite writer is alone already.
        if matches!(self, Self::Postgres(_)) {
            let query = "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))";
            exec!(self, sqlx::query(query).bind(name))?;
        }
        Ok(())
    }

    /// Changes who sees a dataset.
    pub async fn set_visibility(&mut self, id: Id, visibility: Visibility) -> Result<()> {
        let query = "UPDATE dataset SET visibility = $2 WHERE id = $1";
        exec!(self, sqlx::query(query).bind(id.to_string()).bind(visibility.as_str()))?;
        Ok(())
    }

    /// Gives a dataset another path. Conflict if that is taken; not found if the dataset is gone from where it was.
    pub async fn rename_dataset(&mut self, dataset: &DatasetRow, owner: Id, path: &RepoPath) -> Result<()> {
        let query = "UPDATE dataset SET owner_id = $2, name = $3 WHERE id = $1 AND owner_id = $4 AND name = $5";
        let renamed = exec!(
            self,
            sqlx::query(query)
                .bind(dataset.id.to_string())
                .bind(owner.to_string())
                .bind(path.name.as_str())
                .bind(dataset.owner_id.to_string())
                .bind(&dataset.name)
        )
        .map_err(|error| taken(error, || format!("`{path}` exists already")))?;
        if renamed == 0 { Err(Error::not_found("the dataset was renamed or deleted meanwhile")) } else { Ok(()) }
    }

    /// Changes which refs are protected: a list of patterns, json.
    pub async fn set_protected(&mut self, id: Id, protected: &str) -> Result<()> {
        let query = "UPDATE dataset SET protected = $2 WHERE id = $1";
        exec!(self, sqlx::query(query).bind(id.to_string()).bind(protected))?;
        Ok(())
    }

    /// Removes a dataset's rows. Its packs stay known as uploads, so that the
    /// sweep deletes their files after the grace period.
    pub async fn delete_dataset(&mut self, id: Id, now: Millis) -> Result<()> {
        let query = "INSERT INTO git_upload (object_key, repo_id, created_at)
                     SELECT object_key, repo_id, $2 FROM git_pack WHERE repo_id = $1 AND inline_pack IS NULL
                     ORDER BY object_key
                     ON CONFLICT (object_key) DO NOTHING";
        exec!(self, sqlx::query(query).bind(id.to_string()).bind(now))?;
        exec!(self, sqlx::query("DELETE FROM dataset WHERE id = $1").bind(id.to_string()))?;
        Ok(())
    }
}
