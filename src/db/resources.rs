//! Datasets and resources by the names and ids that CKAN clients use.

use super::Tx;
use super::query::{query, query_scalar};
use crate::error::{Error, Result};
use crate::types::{Id, Millis, OwnerName, RepoPath};

fn path((owner, name): (String, String)) -> Result<RepoPath> {
    // The stored names were validated when they were created.
    RepoPath::from_segments(&owner, &name).map_err(Error::internal)
}

impl Tx {
    /// Returns the path of the dataset with this id.
    pub async fn dataset_path(&mut self, id: Id) -> Result<Option<RepoPath>> {
        let sql = "SELECT o.name, d.name FROM dataset d JOIN owner o ON o.id = d.owner_id WHERE d.id = $1";
        let found = query(sql).bind(id).fetch_optional(self).await?;
        found.map(path).transpose()
    }

    /// Returns at most `limit` datasets with this name that a user can see, and some that they cannot; with
    /// `all`, those of every owner.
    pub async fn datasets_named(
        &mut self,
        name: &str,
        user: Option<Id>,
        all: bool,
        limit: i64,
    ) -> Result<Vec<RepoPath>> {
        let sql = "SELECT o.name, d.name FROM dataset d JOIN owner o ON o.id = d.owner_id
                   WHERE d.name = $1
                     AND ($3 OR d.visibility <> 'private' OR d.owner_id = $2
                          OR EXISTS (SELECT 1 FROM member m WHERE m.organisation_id = d.owner_id AND m.user_id = $2)
                          OR d.id IN (SELECT s.repo_id FROM share s WHERE s.path = '' AND (s.user_id = $2
                              OR s.email = (SELECT a.email FROM account a WHERE a.owner_id = $2)
                              OR s.group_id IN (SELECT tm.group_id FROM group_member tm WHERE tm.user_id = $2))))
                   ORDER BY o.name LIMIT $4";
        let found: Vec<(String, String)> =
            query(sql).bind(name).bind(user.map(|user| user.to_string())).bind(all).bind(limit).fetch_all(self).await?;
        found.into_iter().map(path).collect()
    }

    /// Returns the name of the owner with this id.
    pub async fn owner_name(&mut self, id: Id) -> Result<Option<OwnerName>> {
        let sql = "SELECT name FROM owner WHERE id = $1";
        let found: Option<String> = query_scalar(sql).bind(id).fetch_optional(self).await?;
        found.map(|name| name.parse().map_err(Error::internal)).transpose()
    }

    /// Returns at most `limit` datasets that have or had a resource with this id, oldest first.
    pub async fn datasets_with_resource(&mut self, resource: &str, limit: i64) -> Result<Vec<RepoPath>> {
        let sql = "SELECT o.name, d.name FROM resource r JOIN dataset d ON d.id = r.repo_id
                   JOIN owner o ON o.id = d.owner_id
                   WHERE r.id = $1 ORDER BY r.created_at, r.repo_id LIMIT $2";
        let found: Vec<(String, String)> = query(sql).bind(resource).bind(limit).fetch_all(self).await?;
        found.into_iter().map(path).collect()
    }

    /// Returns the known resource ids of a dataset.
    pub async fn resources(&mut self, repo: Id) -> Result<Vec<String>> {
        let sql = "SELECT id FROM resource WHERE repo_id = $1";
        Ok(query_scalar(sql).bind(repo).fetch_all(self).await?)
    }

    /// Records that a dataset has a resource with this id.
    pub async fn insert_resource(&mut self, resource: &str, repo: Id, now: Millis) -> Result<()> {
        let sql = "INSERT INTO resource (id, repo_id, created_at) VALUES ($1, $2, $3)
                   ON CONFLICT (id, repo_id) DO NOTHING";
        query(sql).bind(resource).bind(repo).bind(now).execute(self).await?;
        Ok(())
    }
}
