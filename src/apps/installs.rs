//! Installing apps, and what their owners do with them.

use futures::StreamExt as _;
use globset::GlobMatcher;

use super::Apps;
use super::backend::{ImageRef, LogQuery, LogStream, is_digest};
use super::manifest::{Kind, Manifest, Profile};
use crate::access::{AccountGrant, AdminGrant, DeveloperGrant, InstallGrant, tokens};
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
const MAX_LABEL: usize = 63;
/// Host names that users expect to belong to the site.
const RESERVED_HOSTS: [&str; 12] =
    ["account", "admin", "api", "apps", "auth", "login", "mail", "oauth", "rutter", "signin", "static", "www"];

/// What to install.
#[derive(Debug, Clone)]
pub enum Source {
    /// An app of the catalogue.
    App(String),
    /// An image without an entry in the catalogue.
    Image(ImageRef),
}

/// Changes of the settings of an install; `None` to leave one.
#[derive(Debug, Clone, Default)]
pub struct InstallChange {
    /// Who can use it.
    pub visibility: Option<Visibility>,
    /// Host name below that of all apps; `Some(None)` for none.
    pub host: Option<Option<String>>,
    /// True to keep it running while it is idle.
    pub keep_running: Option<bool>,
    /// Another version of its image: the digest that was shown.
    pub digest: Option<String>,
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
    async fn pinned(&self, manifest: &Manifest, digest: Option<&str>) -> Result<Option<String>> {
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
        if manifest.volume.is_some() {
            let id = self.0.clock.id();
            let volume = VolumeRow {
                id,
                owner_id: row.owner_id,
                app: row.app.clone(),
                install: row.name.clone(),
                name: format!("rutter-{}-{id}", self.0.site),
                created_at: row.created_at,
                released_at: None,
            };
            row.volume_id = Some(tx.take_volume(&volume).await?.id);
        }
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

    /// Adds the OAuth client of an install. That of a user's app can act for its owner by itself, with what the owner
    /// allows it.
    async fn add_client(
        &self,
        tx: &mut Tx,
        grant: &DeveloperGrant,
        row: &InstallRow,
        manifest: &Manifest,
    ) -> Result<()> {
        let is_users = row.owner_kind == OwnerKind::User;
        let mut grants = vec!["authorization_code".to_owned(), "refresh_token".to_owned()];
        grants.extend(is_users.then(|| crate::oauth::CLIENT_CREDENTIALS.to_owned()));
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
        let secret = tokens::hash(&self.client_secret(row.id, row.run));
        let acts_as = is_users.then_some(row.owner_id);
        self.0.oauth.register_for_install(tx, grant, settings, row.id, acts_as, secret).await
    }

    fn redirects(&self, row: &InstallRow, manifest: &Manifest) -> Vec<String> {
        let base = self.base_of(row, manifest);
        let paths = manifest.redirects.iter().map(String::as_str);
        let redirects: Vec<String> = paths.map(|path| format!("{base}{path}")).collect();
        if redirects.is_empty() { vec![format!("{base}/oauth/callback")] } else { redirects }
    }

    /// Returns the base URL of an app, also of one outside.
    pub fn base_of(&self, row: &InstallRow, manifest: &Manifest) -> String {
        manifest.url.as_ref().map_or_else(|| self.url(row), |url| url.trim_end_matches('/').to_owned())
    }

    async fn expect_room(&self, tx: &mut Tx, owner: Id) -> Result<()> {
        let most = self.0.config.running_user;
        if tx.count_wanted_running(owner).await? >= i64::from(most) {
            return Err(Error::conflict(format!("{most} apps run already: stop one first (`apps.running_user`)")));
        }
        Ok(())
    }

    pub(super) async fn enqueue(&self, tx: &mut Tx, install: Id) -> Result<()> {
        jobs::enqueue(tx, &self.0.clock, Job::ApplyInstall, &install.to_string(), std::time::Duration::ZERO).await
    }

    /// Returns the apps of a user and of the user's organisations.
    pub async fn installs(&self, holder: &AccountGrant) -> Result<Vec<InstallRow>> {
        self.0.db.read().await?.installs_for(holder.user()).await
    }

    /// Returns all apps of the site.
    pub async fn all_installs(&self, _: &AdminGrant) -> Result<Vec<InstallRow>> {
        self.0.db.read().await?.all_installs("", 10_000).await
    }

    /// Stops all apps of the site that run. Returns their number.
    pub async fn stop_all(&self, grant: &AdminGrant) -> Result<usize> {
        let mut stopped = 0;
        for install in self.all_installs(grant).await? {
            if install.image.is_none() || matches!(install.wanted, WantedState::Stopped | WantedState::Removed) {
                continue;
            }
            stopped += usize::from(self.want_if(&install, WantedState::Stopped, grant.actor(), None).await?);
        }
        Ok(stopped)
    }

    /// Changes what an app should be: starts, stops or pauses it. An app that cannot be paused is stopped.
    ///
    /// # Errors
    /// Conflict for an app that is not a container, and if too many run.
    pub async fn want(&self, grant: &InstallGrant, wanted: WantedState) -> Result<InstallRow> {
        let install = grant.install();
        if install.image.is_none() {
            return Err(Error::conflict("this app is not a container: it cannot be started or stopped here"));
        }
        let wanted = match wanted {
            WantedState::Removed => return Err(Error::invalid("to uninstall an app, delete it")),
            WantedState::Paused if !self.backend()?.can_pause() => WantedState::Stopped,
            WantedState::Paused if matches!(install.state, InstallState::Stopped | InstallState::Failed) => {
                return Err(Error::conflict("this app does not run: it cannot be paused"));
            }
            wanted => wanted,
        };
        let action = match wanted {
            WantedState::Running => "app.start",
            WantedState::Paused => "app.pause",
            WantedState::Stopped | WantedState::Removed => "app.stop",
        };
        self.want_if(install, wanted, grant.actor(), Some(action)).await?;
        self.current(install.id).await
    }

    async fn current(&self, id: Id) -> Result<InstallRow> {
        let row = self.0.db.read().await?.install(id).await?;
        row.ok_or_else(|| Error::not_found("the app was uninstalled"))
    }

    /// Asks for a state of an app, unless something else was asked for meanwhile. Returns true if that changed something.
    pub(super) async fn want_if(
        &self,
        install: &InstallRow,
        wanted: WantedState,
        actor: &crate::access::Actor,
        action: Option<&str>,
    ) -> Result<bool> {
        let has_failed = install.state == InstallState::Failed;
        if install.wanted == wanted && !(has_failed && wanted == WantedState::Running) {
            return Ok(false);
        }
        // An app that is paused goes on; each other start is a new run.
        let goes_on = install.wanted == WantedState::Paused
            && matches!(install.state, InstallState::Running | InstallState::Paused | InstallState::Starting);
        let is_new_run = wanted == WantedState::Running && !goes_on;
        let first = if install.image_id.is_some() { InstallState::Starting } else { InstallState::Installing };
        let new_run = is_new_run.then_some(first);
        let now = self.0.clock.now();
        let mut tx = self.0.db.write().await?;
        if wanted == WantedState::Running {
            tx.lock_name(&format!("apps {}", install.owner_id)).await?;
            if install.wanted != WantedState::Running {
                self.expect_room(&mut tx, install.owner_id).await?;
            }
        }
        if !tx.want_install(install.id, install.generation, wanted, new_run, now).await? {
            return Ok(false);
        }
        if is_new_run {
            let manifest = manifest(install)?;
            self.set_client(&mut tx, install, install.run + 1, &manifest).await?;
        }
        self.enqueue(&mut tx, install.id).await?;
        if let Some(action) = action {
            self.audit_by(&mut tx, actor, action, install, "").await?;
        }
        tx.commit().await?;
        self.0.queued.notify_one();
        Ok(true)
    }

    /// Sets the secret of the app's OAuth client for a run, and its URLs.
    pub(super) async fn set_client(&self, tx: &mut Tx, row: &InstallRow, run: i64, manifest: &Manifest) -> Result<()> {
        let secret = tokens::hash(&self.client_secret(row.id, run));
        let redirects = serde_json::to_string(&self.redirects(row, manifest)).map_err(Error::internal)?;
        tx.set_install_client(row.id, &secret, &redirects, &self.base_of(row, manifest)).await
    }

    /// Changes the settings of an app. With another image, it is started anew.
    ///
    /// # Errors
    /// Invalid for a wider visibility than the app allows, or a host name that cannot be used; conflict for a host name
    /// that is taken, and for an image that has another digest now.
    pub async fn change(&self, grant: &InstallGrant, change: InstallChange) -> Result<InstallRow> {
        let install = grant.install();
        let manifest = manifest(install)?;
        let image = match &change.digest {
            Some(digest) => self.pinned(&self.current_manifest(install, &manifest).await?, Some(digest)).await?,
            None => None,
        };
        let mut tx = self.0.db.write().await?;
        tx.lock_name(&format!("apps {}", install.owner_id)).await?;
        let Some(mut row) = tx.install(install.id).await?.filter(|row| row.wanted != WantedState::Removed) else {
            return Err(Error::not_found("the app was uninstalled"));
        };
        if let Some(visibility) = change.visibility {
            if visibility > manifest.widest {
                return Err(Error::invalid(format!("`{}` can be at most {}", manifest.title, manifest.widest)));
            }
            row.visibility = visibility;
        }
        if let Some(host) = change.host {
            row.host = host.map(|host| checked_host(&host)).transpose()?;
            if let Some(host) = &row.host
                && tx.install_by_host(host).await?.is_some_and(|other| other.id != row.id)
            {
                return Err(Error::conflict(format!("the host name `{host}` is taken")));
            }
        }
        row.keep_running = change.keep_running.unwrap_or(row.keep_running);
        let is_new = image.is_some() && image != row.image;
        if is_new {
            let current = self.current_manifest(install, &manifest).await?;
            row.manifest = serde_json::to_string(&current).map_err(Error::internal)?;
            (row.image, row.image_id) = (image, None);
        }
        tx.set_install(&row).await?;
        let starts = is_new && row.wanted == WantedState::Running;
        self.set_client(&mut tx, &row, row.run + i64::from(starts), &manifest).await?;
        if starts {
            let state = Some(InstallState::Installing);
            tx.want_install(row.id, row.generation, WantedState::Running, state, self.0.clock.now()).await?;
            self.enqueue(&mut tx, row.id).await?;
        }
        let detail = row.image.as_deref().filter(|_| is_new).unwrap_or(row.visibility.as_str());
        self.audit_by(&mut tx, grant.actor(), "app.change", &row, detail).await?;
        tx.commit().await?;
        self.0.queued.notify_one();
        self.current(row.id).await
    }

    /// Returns the manifest of the catalogue as it is now, for an install that is updated.
    async fn current_manifest(&self, install: &InstallRow, frozen: &Manifest) -> Result<Manifest> {
        if install.app.is_empty() { Ok(frozen.clone()) } else { Ok(self.catalogue_entry(&install.app).await?.manifest) }
    }

    /// Uninstalls an app. Its volume is kept for an install of the same app under the same name, or deleted.
    pub async fn uninstall(&self, grant: &InstallGrant, keeps_volume: bool) -> Result<()> {
        let install = grant.install();
        let now = self.0.clock.now();
        let mut tx = self.0.db.write().await?;
        let Some(row) = tx.install(install.id).await?.filter(|row| row.wanted != WantedState::Removed) else {
            return Ok(());
        };
        tx.want_install(row.id, row.generation, WantedState::Removed, None, now).await?;
        if let Some(volume) = row.volume_id {
            tx.release_volume(volume, now).await?;
            if !keeps_volume {
                tx.mark_volume_deleted(volume).await?;
            }
        }
        tx.end_install_client(row.id, now).await?;
        self.enqueue(&mut tx, row.id).await?;
        let detail = if row.volume_id.is_none() || keeps_volume { "" } else { "with its volume" };
        self.audit_by(&mut tx, grant.actor(), "app.uninstall", &row, detail).await?;
        tx.commit().await?;
        self.0.queued.notify_one();
        Ok(())
    }

    /// Returns the log of an app: of the current run, or else of the last one.
    pub async fn logs(&self, grant: &InstallGrant, query: LogQuery) -> Result<LogStream> {
        let install = grant.install();
        if let Some(backend) = self.0.backend.as_ref().filter(|_| install.image.is_some()) {
            match backend.logs(install.id, query).await {
                Err(error) if error.kind() == crate::error::Kind::NotFound => {}
                log => return log,
            }
        }
        let log = self.0.db.read().await?.last_log(install.id).await?;
        let lines = log.lines().rev().take(usize::try_from(query.tail).unwrap_or(usize::MAX)).collect::<Vec<_>>();
        let log: String = lines.into_iter().rev().flat_map(|line| [line, "\n"]).collect();
        Ok(futures::stream::once(async { Ok(log.into()) }).boxed())
    }

    /// Returns the volumes of a user that were kept of uninstalled apps.
    pub async fn volumes(&self, holder: &AccountGrant) -> Result<Vec<VolumeRow>> {
        self.0.db.read().await?.kept_volumes(holder.user()).await
    }

    /// Deletes a kept volume.
    ///
    /// # Errors
    /// Not found for volumes of others; conflict if an app uses it.
    pub async fn delete_volume(&self, holder: &AccountGrant, id: Id) -> Result<()> {
        let missing = || Error::not_found("there is no such volume, or it is not yours");
        let mut tx = self.0.db.write().await?;
        let volume = tx.volume(id).await?.filter(|volume| volume.owner_id == holder.user()).ok_or_else(missing)?;
        if !tx.delete_volume(id).await? {
            return Err(Error::conflict("an app uses this volume: uninstall it first"));
        }
        let by = format!("user:{}", holder.user());
        self.audit(&mut tx, &by, "app.volume.delete", &format!("{}/{}", holder.name(), volume.install), "").await?;
        tx.commit().await
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
    let is_plain = |part: &str| {
        part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
            && !part.contains("--")
            && !part.ends_with('-')
    };
    let label = format!("{name}--{owner}");
    if is_plain(name) && is_plain(owner) && label.len() <= MAX_LABEL { label } else { unique_label(name, id) }
}

fn unique_label(name: &str, id: Id) -> String {
    let plain: String =
        name.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' }).collect();
    let plain: String = plain.chars().take(MAX_LABEL - 10).collect();
    // The end of the id is random.
    format!("{}--{}", plain.trim_matches('-'), hex::encode(&id.as_bytes()[12..]))
}

fn checked_host(host: &str) -> Result<String> {
    let host = host.to_ascii_lowercase();
    let is_label = (3..=MAX_LABEL).contains(&host.len())
        && host.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        && !host.starts_with('-')
        && !host.ends_with('-')
        && !host.contains("--");
    if !is_label || RESERVED_HOSTS.contains(&host.as_str()) {
        return Err(Error::invalid(
            "a host name has 3 to 63 letters, digits and single hyphens, and is not reserved for the site",
        ));
    }
    Ok(host)
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
        for bad in ["ab", "www", "a--b", "-ab", "ab-", "a_b", "a.b", &"x".repeat(64)] {
            assert!(checked_host(bad).is_err(), "{bad}");
        }
        assert_eq!(checked_host("My-Plots").unwrap(), "my-plots");
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
