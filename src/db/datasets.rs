//! Datasets: owners and visibility.

use sqlx_macros::FromRow;

use super::objects::NewObject;
use super::query::query;
use super::{Tx, taken};
use crate::error::{Error, Result};
use crate::types::{Id, Millis, OwnerKind, RepoPath, Visibility};

/// A dataset with its owner.
#[derive(Debug, Clone, FromRow)]
pub struct DatasetRow {
    /// Stable id; also the key of the repository.
    pub id: Id,
    /// Id of the owner.
    pub owner_id: Id,
    /// User or organisation.
    pub owner_kind: OwnerKind,
    /// Name of the owner.
    pub owner_name: String,
    /// Name of the dataset.
    pub name: String,
    /// Visibility to users other than members.
    pub visibility: Visibility,
    /// Patterns of full names of refs whose history only owners can rewrite, as JSON.
    pub protected: String,
    /// Name of the store of its objects.
    pub store: String,
    /// Quota in bytes; `None` for the configured default, or [`BOUNDLESS`](super::usage::BOUNDLESS).
    pub quota_bytes: Option<i64>,
    /// Quota in bytes of all datasets of the owner together; `None` and [`BOUNDLESS`](super::usage::BOUNDLESS)
    /// likewise.
    pub owner_quota_bytes: Option<i64>,
    /// Creation time.
    pub created_at: Millis,
}

/// The destination of an uploaded object.
#[derive(Debug, Clone, FromRow)]
pub struct ObjectTargetRow {
    /// The dataset.
    #[sqlx(flatten)]
    pub dataset: DatasetRow,
    /// Size in bytes of the object according to the store, if it is known.
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
    /// Returns the dataset at this path.
    pub async fn dataset(&mut self, path: &RepoPath) -> Result<Option<DatasetRow>> {
        let sql = select!("WHERE o.name = $1 AND d.name = $2");
        Ok(query(sql).bind(path.owner.as_str()).bind(path.name.as_str()).fetch_optional(self).await?)
    }

    /// Returns the destination of an object; `None` if the dataset was deleted.
    pub async fn object_target(&mut self, arrival: &NewObject) -> Result<Option<ObjectTargetRow>> {
        let sql = select!(
            ", (SELECT b.size FROM object b WHERE b.store = $2 AND b.oid = $3) AS known_bytes",
            "WHERE d.id = $1"
        );
        let (repo, oid) = (arrival.repo.to_string(), arrival.oid.to_string());
        Ok(query(sql).bind(repo).bind(&arrival.store).bind(oid).fetch_optional(self).await?)
    }

    /// Returns all datasets by path.
    pub async fn datasets(&mut self) -> Result<Vec<DatasetRow>> {
        let sql = select!("ORDER BY o.name, d.name");
        Ok(query(sql).fetch_all(self).await?)
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
        let sql = "INSERT INTO dataset
                   (id, owner_id, name, visibility, head, protected, generation, gc_epoch, store, created_at)
                   VALUES ($1, $2, $3, $4, 'refs/heads/main', '[\"refs/heads/main\"]', 0, 0, $5, $6)";
        query(sql)
            .bind(id)
            .bind(owner)
            .bind(path.name.as_str())
            .bind(visibility.as_str())
            .bind(store)
            .bind(now)
            .execute(self)
            .await
            .map_err(|error| taken(error, || format!("`{path}` already exists")))?;
        Ok(())
    }

    /// Locks a name until the transaction ends, so that nothing else can take it: organisations and datasets with
    /// the same path are in two tables, which share no constraint.
    pub async fn lock_name(&mut self, name: &str) -> Result<()> {
        // On SQLite there is only one writer.
        if matches!(self, Self::Postgres(_)) {
            let sql = "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))";
            query(sql).bind(name).execute(self).await?;
        }
        Ok(())
    }

    /// Locks the name of a dataset until the transaction ends.
    ///
    /// # Errors
    /// Conflict if there is an organisation of that name.
    pub async fn lock_dataset_name(&mut self, path: &RepoPath) -> Result<()> {
        let path = path.to_string();
        self.lock_name(&path).await?;
        if let Ok(name) = path.parse()
            && self.owner(&name).await?.is_some()
        {
            return Err(Error::conflict(format!("the name `{path}` is taken by an organisation; choose another name")));
        }
        Ok(())
    }

    /// Changes the visibility of a dataset.
    pub async fn set_visibility(&mut self, id: Id, visibility: Visibility) -> Result<()> {
        let sql = "UPDATE dataset SET visibility = $2 WHERE id = $1";
        query(sql).bind(id).bind(visibility.as_str()).execute(self).await?;
        Ok(())
    }

    /// Moves a dataset to another path. Conflict if the path is taken; not found if the dataset is no longer at
    /// its path.
    pub async fn rename_dataset(&mut self, dataset: &DatasetRow, owner: Id, path: &RepoPath) -> Result<()> {
        let sql = "UPDATE dataset SET owner_id = $2, name = $3 WHERE id = $1 AND owner_id = $4 AND name = $5";
        let renamed = query(sql)
            .bind(dataset.id)
            .bind(owner)
            .bind(path.name.as_str())
            .bind(dataset.owner_id)
            .bind(&dataset.name)
            .execute(self)
            .await
            .map_err(|error| taken(error, || format!("`{path}` already exists")))?;
        if renamed == 0 { Err(Error::not_found("the dataset was renamed or deleted in the meantime")) } else { Ok(()) }
    }

    /// Sets the protected refs: a list of patterns, as JSON.
    pub async fn set_protected(&mut self, id: Id, protected: &str) -> Result<()> {
        let sql = "UPDATE dataset SET protected = $2 WHERE id = $1";
        query(sql).bind(id).bind(protected).execute(self).await?;
        Ok(())
    }

    /// Deletes a dataset's rows. Its packs remain recorded as uploads, so that the sweep deletes their files
    /// after the grace period.
    pub async fn delete_dataset(&mut self, id: Id, now: Millis) -> Result<()> {
        let sql = "INSERT INTO git_upload (object_key, repo_id, created_at)
                   SELECT object_key, repo_id, $2 FROM git_pack WHERE repo_id = $1 AND inline_pack IS NULL
                   ORDER BY object_key
                   ON CONFLICT (object_key) DO NOTHING";
        query(sql).bind(id).bind(now).execute(self).await?;
        query("DELETE FROM dataset WHERE id = $1").bind(id).execute(self).await?;
        Ok(())
    }
}
