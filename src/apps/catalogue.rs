//! The catalogue: the apps that can be installed by name.

use super::Apps;
use super::backend::ImageRef;
use super::manifest::{Kind, Manifest};
use crate::access::AdminGrant;
use crate::access::applications::{application, application_names};
use crate::db::apps::AppRow;
use crate::error::{Error, Result};

/// Maximum number of apps in the catalogue.
const MAX_APPS: usize = 500;

/// An app of the catalogue.
#[derive(Debug, Clone)]
pub struct CatalogueEntry {
    /// What it is.
    pub manifest: Manifest,
    /// The manifest as it was written.
    pub source: String,
    /// True if it can be installed.
    pub enabled: bool,
    /// True if it is installed for each new account.
    pub preinstalled: bool,
}

impl TryFrom<AppRow> for CatalogueEntry {
    type Error = Error;

    fn try_from(row: AppRow) -> Result<Self> {
        let manifest = Manifest::parse(&row.manifest)?;
        Ok(Self { manifest, source: row.manifest, enabled: row.enabled, preinstalled: row.preinstalled })
    }
}

impl Apps {
    /// Returns all apps of the catalogue, by name.
    pub async fn catalogue(&self) -> Result<Vec<CatalogueEntry>> {
        let rows = self.0.db.read().await?.apps().await?;
        // An entry of a newer version of this server may not be readable.
        let entries = rows.into_iter().filter_map(|row| {
            let name = row.name.clone();
            CatalogueEntry::try_from(row)
                .inspect_err(|error| tracing::warn!(app = name, %error, "cannot read an app of the catalogue"))
                .ok()
        });
        Ok(entries.collect())
    }

    /// Returns an app of the catalogue.
    ///
    /// # Errors
    /// Not found.
    pub async fn catalogue_entry(&self, name: &str) -> Result<CatalogueEntry> {
        let row = self.0.db.read().await?.app(name).await?;
        row.ok_or_else(|| no_entry(name))?.try_into()
    }

    /// Returns the digest that an install of an image would pin.
    ///
    /// # Errors
    /// Not found if its registry does not have it; conflict without a container engine.
    pub async fn resolve(&self, image: &ImageRef) -> Result<String> {
        if let Some(digest) = image.digest() {
            return Ok(digest.to_owned());
        }
        Ok(self.backend()?.resolve(image).await?.digest)
    }

    /// Adds an app to the catalogue, or changes it. Installs keep the manifest that they were installed with.
    ///
    /// # Errors
    /// Invalid for a bad manifest, or one with another name; conflict if there are too many.
    pub async fn put_catalogue_entry(
        &self,
        grant: &AdminGrant,
        name: &str,
        text: &str,
        enabled: bool,
        preinstalled: bool,
    ) -> Result<CatalogueEntry> {
        let manifest = Manifest::parse(text)?;
        if manifest.name != name {
            return Err(Error::invalid(format!("the manifest is of `{}`, not of `{name}`", manifest.name)));
        }
        if application(name).is_some() && manifest.kind != Kind::External {
            let names = application_names().join(", ");
            return Err(Error::invalid(format!("the names {names} are of external applications: choose another name")));
        }
        if preinstalled && manifest.kind != Kind::Container {
            return Err(Error::invalid("only containers can be preinstalled"));
        }
        let (name, text) = (name.to_owned(), text.to_owned());
        let row = AppRow { name, manifest: text, enabled, preinstalled, updated_at: self.0.clock.now() };
        let mut tx = self.0.db.write().await?;
        if tx.app(&row.name).await?.is_none() && tx.apps().await?.len() >= MAX_APPS {
            return Err(Error::conflict(format!("the catalogue has {MAX_APPS} apps: remove one first")));
        }
        tx.put_app(&row).await?;
        self.audit(&mut tx, &grant.actor().key(), "app.catalogue", &row.name, "put").await?;
        tx.commit().await?;
        row.try_into()
    }

    /// Removes an app from the catalogue. Installs of it stay.
    ///
    /// # Errors
    /// Not found.
    pub async fn delete_catalogue_entry(&self, grant: &AdminGrant, name: &str) -> Result<()> {
        let mut tx = self.0.db.write().await?;
        if !tx.delete_app(name).await? {
            return Err(no_entry(name));
        }
        self.audit(&mut tx, &grant.actor().key(), "app.catalogue", name, "delete").await?;
        tx.commit().await
    }
}

fn no_entry(name: &str) -> Error {
    let name: String = name.chars().take(100).collect();
    Error::not_found(format!("there is no app `{}` in the catalogue", name.escape_debug()))
}
