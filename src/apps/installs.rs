//! Installing apps, and what their owners do with them.

use globset::GlobMatcher;

use super::Apps;
use super::backend::{ImageRef, is_digest};
use super::manifest::{Kind, Manifest, Profile};
use crate::access::applications::application;
use crate::access::{DeveloperGrant, tokens};
use crate::db::Tx;
pub use crate::db::app_installs::InstallRow;
pub use crate::db::apps::VolumeRow;
use crate::error::{Error, Result};
use crate::jobs::{self, Kind as Job};
use crate::oauth::clients::{ClientSettings, FREE_QUERY, NO_PKCE, UncheckedSettings};
use crate::types::{Id, InstallState, OwnerKind, Slug, Visibility, WantedState};

/// Maximum number of installs of one owner.
const MAX_INSTALLS: usize = 50;
/// The longest label of a host name (RFC 1035).
pub(super) const MAX_LABEL: usize = 63;

/// What to install.
#[derive(Debug, Clone)]
pub enum Source {
    /// An app of the catalogue.
    App(String),
    /// An image without an entry in the catalogue.
    Image(ImageRef),
}

/// Returns the manifest of an install.
pub fn manifest(install: &InstallRow) -> Result<Manifest> {
    serde_json::from_str(&install.manifest).map_err(Error::internal)
}

impl Apps {
    /// Installs an app, and starts it. A container runs exactly the image with this digest.
    ///
    /// # Errors
    /// Invalid for a missing digest; conflict if the image has another one now, if the name is taken, if there are too
    /// many, or without a container engine; forbidden for images that are not allowed, and for services of others than
    /// administrators.
    pub async fn install(
        &self,
        grant: &DeveloperGrant,
        source: &Source,
        name: &Slug,
        digest: Option<&str>,
    ) -> Result<InstallRow> {
        self.expect_origin()?;
        let manifest = self.manifest_of(grant, source).await?;
        let image = self.pinned(&manifest, digest).await?;
        let row = self.new_install(grant, &manifest, name, image, WantedState::Running);
        self.add_install(grant, row, &manifest).await
    }

    fn expect_origin(&self) -> Result<()> {
        let missing = "this server has no apps: set `apps.url` (see docs/apps.md)";
        self.0.origin.as_ref().map(drop).ok_or_else(|| Error::conflict(missing))
    }

    async fn manifest_of(&self, grant: &DeveloperGrant, source: &Source) -> Result<Manifest> {
        match source {
            Source::App(name) => {
                let entry = self.catalogue_entry(name).await?;
                if !entry.enabled {
                    return Err(Error::forbidden(format!("`{name}` cannot be installed at the moment")));
                }
                if entry.manifest.kind == Kind::Service && !grant.is_administrator() {
                    return Err(Error::forbidden("only administrators can install a server that exists already"));
                }
                Ok(entry.manifest)
            }
            Source::Image(image) => {
                self.expect_allowed(image)?;
                Ok(Manifest::of_image(image))
            }
        }
    }

    /// Checks that an image may be installed without an entry of the catalogue.
    ///
    /// # Errors
    /// Forbidden if not.
    pub fn expect_allowed(&self, image: &ImageRef) -> Result<()> {
        let patterns = self.0.config.image_patterns()?;
        let name = image.to_string();
        let allows = |pattern: &GlobMatcher| pattern.is_match(&name) || pattern.is_match(image.name());
        if patterns.iter().any(allows) {
            return Ok(());
        }
        let why = format!("`{name}` is not in the catalogue, and this site does not allow its image (`apps.images`)");
        Err(Error::forbidden(why))
    }

    /// Returns the image of a container with the digest that was shown to the user.
    pub(super) async fn pinned(&self, manifest: &Manifest, digest: Option<&str>) -> Result<Option<String>> {
        let Some(image) = manifest.image.as_deref().filter(|_| manifest.kind == Kind::Container) else {
            return Ok(None);
        };
        let _ = self.backend()?;
        let image: ImageRef = image.parse()?;
        let Some(digest) = digest.filter(|digest| is_digest(digest)) else {
            return Err(Error::invalid(
                "`digest` is missing: send the one that `GET /api/v1/catalogue/{app}?resolve=true` shows",
            ));
        };
        let found = self.resolve(&image).await?;
        if found != digest {
            return Err(Error::conflict(format!("`{image}` is {found} now: look at it again before you install it")));
        }
        Ok(Some(image.pinned(digest)))
    }

    fn new_install(
        &self,
        grant: &DeveloperGrant,
        manifest: &Manifest,
        name: &Slug,
        image: Option<String>,
        wanted: WantedState,
    ) -> InstallRow {
        let (id, now, is_container) = (self.0.clock.id(), self.0.clock.now(), image.is_some());
        let runs = wanted == WantedState::Running;
        InstallRow {
            id,
            owner_id: grant.owner(),
            owner: grant.name().to_owned(),
            owner_kind: if grant.is_organisation() { OwnerKind::Organisation } else { OwnerKind::User },
            is_owner_barred: false,
            app: manifest.name.clone(),
            name: name.to_string(),
            label: label(name.as_str(), grant.name(), id),
            host: None,
            visibility: Visibility::Private,
            manifest: serde_json::to_string(manifest).unwrap_or_default(),
            image,
            image_id: None,
            volume_id: None,
            volume: None,
            client_id: None,
            wanted,
            state: if is_container && runs { InstallState::Installing } else { InstallState::Stopped },
            reason: String::new(),
            generation: 1,
            run: i64::from(runs),
            endpoint: None,
            keep_running: false,
            is_held: false,
            attempts: 0,
            started_at: None,
            last_used_at: now,
            created_at: now,
        }
    }

    async fn add_install(
        &self,
        grant: &DeveloperGrant,
        mut row: InstallRow,
        manifest: &Manifest,
    ) -> Result<InstallRow> {
        let mut tx = self.0.db.write().await?;
        // One at a time for each owner, so that limits hold.
        tx.lock_name(&format!("apps {}", row.owner_id)).await?;
        let owned = tx.installs_of(row.owner_id).await?;
        if owned.iter().any(|other| other.name == row.name) {
            return Err(Error::conflict(format!(
                "`{}` has an app `{}` already: choose another name",
                row.owner, row.name
            )));
        }
        if owned.len() >= MAX_INSTALLS {
            return Err(Error::conflict(format!("`{}` has {MAX_INSTALLS} apps: uninstall one first", row.owner)));
        }
        if row.image.is_some() && row.wanted == WantedState::Running {
            self.expect_room(&mut tx, row.owner_id).await?;
        }
        if tx.install_by_host(&row.label).await?.is_some() {
            row.label = unique_label(&row.name, row.id);
        }
        row.volume_id = self.take_volume(&mut tx, &row, manifest).await?;
        tx.insert_install(&row).await?;
        self.add_client(&mut tx, grant, &row, manifest).await?;
        self.enqueue(&mut tx, row.id).await?;
        let detail = row.image.clone().unwrap_or_else(|| manifest.name.clone());
        self.audit_by(&mut tx, grant.actor(), "app.install", &row, &detail).await?;
        let row = tx.install(row.id).await?.ok_or_else(|| Error::internal("the install is not there"))?;
        tx.commit().await?;
        self.0.queued.notify_one();
        Ok(row)
    }

    /// Returns the volume of an install, if its manifest has one: a new one, or the one that was kept.
    pub(super) async fn take_volume(&self, tx: &mut Tx, row: &InstallRow, manifest: &Manifest) -> Result<Option<Id>> {
        if manifest.volume.is_none() || row.volume_id.is_some() {
            return Ok(row.volume_id);
        }
        let id = self.0.clock.id();
        let volume = VolumeRow {
            id,
            owner_id: row.owner_id,
            owner: row.owner.clone(),
            // Another image must not find it.
            app: match row.image.as_deref().filter(|_| row.app.is_empty()) {
                Some(image) => image.split('@').next().unwrap_or_default().to_owned(),
                None => row.app.clone(),
            },
            install: row.name.clone(),
            name: format!("rutter-{}-{id}", self.0.site),
            created_at: self.0.clock.now(),
            released_at: None,
        };
        tx.take_volume(&volume).await.map(Some)
    }

    /// Adds the OAuth client of an install. That of a user's app can act for its owner without a browser, with
    /// what the owner allows it.
    async fn add_client(
        &self,
        tx: &mut Tx,
        grant: &DeveloperGrant,
        row: &InstallRow,
        manifest: &Manifest,
    ) -> Result<()> {
        let is_users = row.owner_kind == OwnerKind::User;
        let mut grants = vec!["authorization_code".to_owned(), "refresh_token".to_owned()];
        grants.extend((is_users && row.image.is_some()).then(|| crate::oauth::CLIENT_CREDENTIALS.to_owned()));
        let traits = match manifest.profile {
            // The library of Spaces sends no PKCE challenge, and adds a query to its redirect URL.
            Profile::Space => vec![NO_PKCE.to_owned(), FREE_QUERY.to_owned()],
            Profile::Rutter | Profile::Columbus => Vec::new(),
        };
        let settings = ClientSettings::new(UncheckedSettings {
            name: manifest.title.chars().take(60).collect(),
            home: self.url(row),
            redirects: self.redirects(row, manifest),
            grants,
            scopes: manifest.scopes.split_ascii_whitespace().map(str::to_owned).collect(),
            traits,
            ..UncheckedSettings::default()
        })?;
        // An application of the catalogue of data platforms lets in users by their platform roles.
        let application = Some(manifest.name.clone()).filter(|name| application(name).is_some());
        let settings = settings.with_platform(grant, application, Vec::new())?;
        let secret = tokens::hash(&self.client_secret(row.id, row.run));
        let acts_as = (is_users && row.image.is_some()).then_some(row.owner_id);
        self.0.oauth.register_for_install(tx, grant, settings, row.id, acts_as, secret).await
    }

    pub(super) fn redirects(&self, row: &InstallRow, manifest: &Manifest) -> Vec<String> {
        let base = self.base_of(row, manifest);
        let paths = manifest.redirects.iter().map(String::as_str);
        let redirects: Vec<String> = paths.map(|path| format!("{base}{path}")).collect();
        if redirects.is_empty() { vec![format!("{base}/oauth/callback")] } else { redirects }
    }

    /// Returns the base URL of an app, also of one outside.
    pub fn base_of(&self, row: &InstallRow, manifest: &Manifest) -> String {
        manifest.url.as_ref().map_or_else(|| self.url(row), |url| url.trim_end_matches('/').to_owned())
    }

    pub(super) async fn expect_room(&self, tx: &mut Tx, owner: Id) -> Result<()> {
        let (most, total) = (self.0.config.running_user, self.0.config.running_total);
        let (of_owner, all) = tx.count_active_installs(owner).await?;
        if of_owner >= i64::from(most) {
            return Err(Error::conflict(format!(
                "{most} apps run or are paused already: stop one first (`apps.running_user`)"
            )));
        }
        if total > 0 && all >= i64::from(total) {
            return Err(Error::conflict(format!(
                "{total} apps run on this server already: try again later (`apps.running_total`)"
            )));
        }
        Ok(())
    }

    pub(super) async fn enqueue(&self, tx: &mut Tx, install: Id) -> Result<()> {
        jobs::enqueue(tx, &self.0.clock, Job::ApplyInstall, &install.to_string(), std::time::Duration::ZERO).await
    }

    /// Installs the apps that each account has, without starting them.
    pub async fn preinstall(&self, user: Id) -> Result<()> {
        if self.0.origin.is_none() || self.0.backend.is_none() {
            return Ok(());
        }
        let Some(grant) = self.0.access.preinstalling(user).await? else { return Ok(()) };
        for entry in self.catalogue().await?.into_iter().filter(|entry| entry.enabled && entry.preinstalled) {
            let manifest = entry.manifest;
            let Some(image) = manifest.image.as_deref() else { continue };
            let (image, name): (ImageRef, Slug) = (image.parse()?, manifest.name.parse()?);
            let pinned = image.pinned(&self.resolve(&image).await?);
            let row = self.new_install(&grant, &manifest, &name, Some(pinned), WantedState::Stopped);
            match self.add_install(&grant, row, &manifest).await {
                // An earlier try of this job, or the user was faster.
                Err(error) if error.kind() == crate::error::Kind::Conflict => {}
                added => drop(added?),
            }
        }
        Ok(())
    }
}

/// Returns the host name of an install: `app--owner` if that is a label of the DNS, else a unique one.
fn label(name: &str, owner: &str, id: Id) -> String {
    plain_label(name, owner).unwrap_or_else(|| unique_label(name, id))
}

/// Returns `app--owner` if that is a label of the DNS.
pub(super) fn plain_label(name: &str, owner: &str) -> Option<String> {
    let is_plain = |part: &str| {
        part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
            && !part.contains("--")
            && !part.ends_with('-')
    };
    let label = format!("{name}--{owner}");
    (is_plain(name) && is_plain(owner) && label.len() <= MAX_LABEL).then_some(label)
}

fn unique_label(name: &str, id: Id) -> String {
    let plain: String =
        name.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' }).collect();
    let plain: String = plain.chars().take(MAX_LABEL - 10).collect();
    // The end of the id is random.
    format!("{}--{}", plain.trim_matches('-'), hex::encode(&id.as_bytes()[12..]))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::clock::Clock;

    #[test]
    fn labels_are_readable_where_possible() {
        let id = Clock::default().id();
        assert_eq!(label("notes", "ada", id), "notes--ada");
        for (name, owner) in
            [("notes", "a.b"), ("a--b", "c"), ("notes", "o/team"), ("n_1", "ada"), ("notes", &"x".repeat(60))]
        {
            let label = label(name, owner, id);
            assert!(label.len() <= MAX_LABEL && !label.ends_with(&format!("--{owner}")), "{label}");
        }
    }

    proptest! {
        #[test]
        fn labels_are_labels_of_the_dns(name in "[a-z0-9][a-z0-9._-]{0,95}", owner in "[a-z0-9][a-z0-9._/-]{0,95}") {
            let label = label(&name, &owner, Clock::default().id());
            prop_assert!(label.len() <= MAX_LABEL && !label.starts_with('-') && !label.ends_with('-'));
            prop_assert!(label.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-'));
            // A host name that an owner chooses cannot be one of these.
            prop_assert!(label.contains("--"));
        }
    }
}
