//! The catalogue of apps, and the volumes of installed apps.

use sqlx_macros::FromRow;

use super::Tx;
use super::query::{query, query_scalar};
use crate::error::Result;
use crate::types::{Id, Millis};

/// An app of the catalogue.
#[derive(Debug, Clone, FromRow)]
pub struct AppRow {
    /// Name.
    pub name: String,
    /// Manifest (TOML).
    pub manifest: String,
    /// True if it can be installed.
    pub enabled: bool,
    /// True if it is installed for each new account.
    pub preinstalled: bool,
    /// When it was changed last.
    pub updated_at: Millis,
}

/// A volume of an installed app, or of one that was uninstalled.
#[derive(Debug, Clone, FromRow)]
pub struct VolumeRow {
    /// Stable id.
    pub id: Id,
    /// The user or organisation that owns it.
    pub owner_id: Id,
    /// Name of the owner.
    pub owner: String,
    /// The app; empty for one that is not in the catalogue.
    pub app: String,
    /// Name of the install.
    pub install: String,
    /// Name at the container engine.
    pub name: String,
    /// Creation time.
    pub created_at: Millis,
    /// When the app was uninstalled.
    pub released_at: Option<Millis>,
}

impl Tx {
    /// Returns all apps of the catalogue, by name.
    pub async fn apps(&mut self) -> Result<Vec<AppRow>> {
        let sql = "SELECT name, manifest, enabled, preinstalled, updated_at FROM app ORDER BY name";
        Ok(query(sql).fetch_all(self).await?)
    }

    /// Returns an app of the catalogue.
    pub async fn app(&mut self, name: &str) -> Result<Option<AppRow>> {
        let sql = "SELECT name, manifest, enabled, preinstalled, updated_at FROM app WHERE name = $1";
        Ok(query(sql).bind(name).fetch_optional(self).await?)
    }

    /// Adds an app to the catalogue, or changes it.
    pub async fn put_app(&mut self, app: &AppRow) -> Result<()> {
        let sql = "INSERT INTO app (name, manifest, enabled, preinstalled, created_at, updated_at)
                   VALUES ($1, $2, $3, $4, $5, $5)
                   ON CONFLICT (name) DO UPDATE SET manifest = $2, enabled = $3, preinstalled = $4, updated_at = $5";
        query(sql)
            .bind(&app.name)
            .bind(&app.manifest)
            .bind(app.enabled)
            .bind(app.preinstalled)
            .bind(app.updated_at)
            .execute(self)
            .await?;
        Ok(())
    }

    /// Removes an app from the catalogue; returns false if it is not there.
    pub async fn delete_app(&mut self, name: &str) -> Result<bool> {
        Ok(query("DELETE FROM app WHERE name = $1").bind(name).execute(self).await? > 0)
    }

    /// Returns the volume of an install, or the one that was kept of an earlier one; adds it if there is none.
    pub async fn take_volume(&mut self, volume: &VolumeRow) -> Result<Id> {
        let sql = "INSERT INTO app_volume (id, owner_id, app, install, name, created_at)
                   VALUES ($1, $2, $3, $4, $5, $6)
                   ON CONFLICT (owner_id, app, install) DO UPDATE SET released_at = NULL
                   RETURNING id";
        let id: String = query_scalar(sql)
            .bind(volume.id)
            .bind(volume.owner_id)
            .bind(&volume.app)
            .bind(&volume.install)
            .bind(&volume.name)
            .bind(volume.created_at)
            .fetch_one(self)
            .await?;
        id.parse()
    }

    /// Returns the volumes that were kept of apps which were uninstalled, of a user and of the organisations that the user
    /// owns, newest first.
    pub async fn kept_volumes(&mut self, user: Id) -> Result<Vec<VolumeRow>> {
        let sql = "SELECT v.id, v.owner_id, o.name AS owner, v.app, v.install, v.name, v.created_at, v.released_at
                   FROM app_volume v JOIN owner o ON o.id = v.owner_id
                   WHERE v.released_at IS NOT NULL
                         AND (v.owner_id = $1 OR v.owner_id IN (SELECT organisation_id FROM member
                                                                WHERE user_id = $1 AND role = 'owner'))
                   ORDER BY v.released_at DESC, v.id";
        Ok(query(sql).bind(user).fetch_all(self).await?)
    }

    /// Records that the install of a volume was removed.
    pub async fn release_volume(&mut self, id: Id, now: Millis) -> Result<()> {
        query("UPDATE app_volume SET released_at = $2 WHERE id = $1").bind(id).bind(now).execute(self).await?;
        Ok(())
    }

    /// Deletes a volume here, and marks it for deletion at the container engine. Returns false if it is in use.
    pub async fn delete_volume(&mut self, id: Id) -> Result<bool> {
        let sql = "INSERT INTO deleted_volume (name) SELECT name FROM app_volume WHERE id = $1
                   AND NOT EXISTS (SELECT 1 FROM app_install i WHERE i.volume_id = app_volume.id)
                   ON CONFLICT (name) DO NOTHING";
        query(sql).bind(id).execute(self).await?;
        let sql = "DELETE FROM app_volume WHERE id = $1
                   AND NOT EXISTS (SELECT 1 FROM app_install i WHERE i.volume_id = app_volume.id)";
        Ok(query(sql).bind(id).execute(self).await? > 0)
    }

    /// Marks a volume for deletion at the container engine, while its app is being removed.
    pub async fn mark_volume_deleted(&mut self, id: Id) -> Result<()> {
        let sql = "INSERT INTO deleted_volume (name) SELECT name FROM app_volume WHERE id = $1
                   ON CONFLICT (name) DO NOTHING";
        query(sql).bind(id).execute(self).await?;
        query("DELETE FROM app_volume WHERE id = $1").bind(id).execute(self).await?;
        Ok(())
    }

    /// Marks the volumes of an owner for deletion at the container engine, before the owner is deleted.
    pub(super) async fn delete_volumes_of(&mut self, owner: Id) -> Result<()> {
        let sql = "INSERT INTO deleted_volume (name) SELECT name FROM app_volume WHERE owner_id = $1
                   ON CONFLICT (name) DO NOTHING";
        query(sql).bind(owner).execute(self).await?;
        Ok(())
    }

    /// Returns volumes that are to be deleted at the container engine.
    pub async fn deleted_volumes(&mut self, limit: i64) -> Result<Vec<String>> {
        let sql = "SELECT name FROM deleted_volume ORDER BY name LIMIT $1";
        Ok(query_scalar(sql).bind(limit).fetch_all(self).await?)
    }

    /// Records that a volume was deleted at the container engine.
    pub async fn forget_deleted_volume(&mut self, name: &str) -> Result<()> {
        query("DELETE FROM deleted_volume WHERE name = $1").bind(name).execute(self).await?;
        Ok(())
    }
}
