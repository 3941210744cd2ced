//! What users allow applications: scopes, and single files, folders and datasets.

use sqlx_macros::FromRow;

use super::Tx;
use super::query::query;
use crate::error::Result;
use crate::types::{Id, Millis, ShareRight};

/// What a user allowed an application.
#[derive(Debug, Clone, FromRow)]
pub struct ConsentRow {
    /// Stable id.
    pub id: Id,
    /// The application.
    pub client_id: Id,
    /// Name of the application.
    pub client: String,
    /// Name of the application's owner.
    pub owner: String,
    /// The scopes at this server, separated by spaces; empty for none.
    pub scopes: String,
    /// True if the application has scopes at other servers.
    pub has_resources: bool,
    /// When they were changed last.
    pub changed_at: Millis,
}

impl ConsentRow {
    /// Returns true if the user allows the application something.
    pub fn is_given(&self) -> bool {
        !self.scopes.is_empty() || self.has_resources
    }
}

/// A file, a folder or a dataset that a user gave to an application.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct ConsentPathRow {
    /// The dataset.
    pub repo_id: Id,
    /// Path in the dataset; empty for the whole dataset.
    pub path: String,
    /// Right to view or to edit.
    #[sqlx(rename = "level")]
    pub right: ShareRight,
}

/// A [`ConsentPathRow`] with the name of the dataset.
#[derive(Debug, Clone, FromRow)]
pub struct NamedConsentPathRow {
    /// The application.
    pub client_id: Id,
    /// Owner of the dataset.
    pub owner: String,
    /// Name of the dataset.
    pub dataset: String,
    /// Path in the dataset; empty for the whole dataset.
    pub path: String,
    /// Right to view or to edit.
    #[sqlx(rename = "level")]
    pub right: ShareRight,
}

macro_rules! consent {
    ($condition:literal) => {
        concat!(
            "SELECT s.id, s.client_id, c.name AS client, COALESCE(o.name, '') AS owner, s.scopes, s.changed_at,
                    EXISTS (SELECT 1 FROM consent_resource e WHERE e.consent_id = s.id) AS has_resources
             FROM consent s JOIN oauth_client c ON c.id = s.client_id LEFT JOIN owner o ON o.id = c.owner_id WHERE ",
            $condition
        )
    };
}

impl Tx {
    /// Returns what a user allows an application; `None` if they were never asked.
    pub async fn consent(&mut self, user: Id, client: Id) -> Result<Option<ConsentRow>> {
        Ok(query(consent!("s.user_id = $1 AND s.client_id = $2")).bind(user).bind(client).fetch_optional(self).await?)
    }

    /// Returns what a user allows applications, by their names.
    pub async fn consents(&mut self, user: Id) -> Result<Vec<ConsentRow>> {
        let sql = consent!(
            "s.user_id = $1
             AND (s.scopes <> '' OR EXISTS (SELECT 1 FROM consent_resource e WHERE e.consent_id = s.id))
             ORDER BY c.name, c.id"
        );
        Ok(query(sql).bind(user).fetch_all(self).await?)
    }

    /// Sets the scopes that a user allows an application.
    pub async fn put_consent(&mut self, id: Id, user: Id, client: Id, scopes: &str, now: Millis) -> Result<()> {
        let sql = "INSERT INTO consent (id, user_id, client_id, scopes, given_at, changed_at)
                   VALUES ($1, $2, $3, $4, $5, $5)
                   ON CONFLICT (user_id, client_id) DO UPDATE SET scopes = $4, changed_at = $5";
        query(sql).bind(id).bind(user).bind(client).bind(scopes).bind(now).execute(self).await?;
        Ok(())
    }

    /// Revokes what a user allows an application, and ends its logins. Returns false if it was allowed nothing.
    pub async fn end_consent(&mut self, user: Id, client: Id, now: Millis) -> Result<bool> {
        let sql = "UPDATE consent SET scopes = '', changed_at = $3
                   WHERE user_id = $1 AND client_id = $2 AND scopes <> ''";
        let had_scopes = query(sql).bind(user).bind(client).bind(now).execute(self).await? > 0;
        let sql = "DELETE FROM consent_path
                   WHERE consent_id IN (SELECT id FROM consent WHERE user_id = $1 AND client_id = $2)";
        query(sql).bind(user).bind(client).execute(self).await?;
        let sql = "DELETE FROM consent_resource
                   WHERE consent_id IN (SELECT id FROM consent WHERE user_id = $1 AND client_id = $2)";
        let had_resources = query(sql).bind(user).bind(client).execute(self).await? > 0;
        let sql = "UPDATE oauth_login SET ended_at = $3 WHERE user_id = $1 AND client_id = $2 AND ended_at IS NULL";
        query(sql).bind(user).bind(client).bind(now).execute(self).await?;
        Ok(had_scopes || had_resources)
    }

    /// Returns the files, folders and datasets of a consent.
    pub async fn consent_paths(&mut self, consent: Id) -> Result<Vec<ConsentPathRow>> {
        let sql = "SELECT repo_id, path, level FROM consent_path WHERE consent_id = $1";
        Ok(query(sql).bind(consent).fetch_all(self).await?)
    }

    /// Returns the files, folders and datasets that a user gave to applications, or to one of them, in order.
    pub async fn named_consent_paths(&mut self, user: Id, client: Option<Id>) -> Result<Vec<NamedConsentPathRow>> {
        let sql = "SELECT s.client_id, o.name AS owner, d.name AS dataset, p.path, p.level
                   FROM consent_path p JOIN consent s ON s.id = p.consent_id JOIN dataset d ON d.id = p.repo_id
                        JOIN owner o ON o.id = d.owner_id
                   WHERE s.user_id = $1 AND (CAST($2 AS TEXT) IS NULL OR s.client_id = $2) ORDER BY o.name, d.name, p.path";
        let client = client.map(|client| client.to_string());
        Ok(query(sql).bind(user).bind(client).fetch_all(self).await?)
    }

    /// Adds a file, folder or dataset to a consent, or changes its right.
    pub async fn put_consent_path(&mut self, consent: Id, path: &ConsentPathRow, now: Millis) -> Result<()> {
        let sql = "INSERT INTO consent_path (consent_id, repo_id, path, level, given_at) VALUES ($1, $2, $3, $4, $5)
                   ON CONFLICT (consent_id, repo_id, path) DO UPDATE SET level = $4, given_at = $5";
        query(sql)
            .bind(consent)
            .bind(path.repo_id)
            .bind(&path.path)
            .bind(path.right.as_str())
            .bind(now)
            .execute(self)
            .await?;
        Ok(())
    }

    /// Removes all files, folders and datasets from a consent.
    pub async fn clear_consent_paths(&mut self, consent: Id) -> Result<()> {
        query("DELETE FROM consent_path WHERE consent_id = $1").bind(consent).execute(self).await?;
        Ok(())
    }
}
