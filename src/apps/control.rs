//! What owners do with installed apps: start, stop, change and uninstall them, and read their logs.

use futures::StreamExt as _;

use super::Apps;
use super::backend::{LogQuery, LogStream};
use super::installs::{InstallRow, MAX_LABEL, VolumeRow, manifest};
use super::manifest::Manifest;
use crate::access::app_tokens::AppScopes;
use crate::access::{AccountGrant, Actor, AdminGrant, InstallGrant, tokens};
use crate::db::Tx;
use crate::error::{Error, Kind as ErrorKind, Result};
use crate::types::{Id, InstallState, Visibility, WantedState};

/// Host names that users expect to belong to the site.
const RESERVED_HOSTS: [&str; 12] =
    ["account", "admin", "api", "apps", "auth", "login", "mail", "oauth", "rutter", "signin", "static", "www"];

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

impl Apps {
    /// Returns the apps of a user and of the user's organisations.
    pub async fn installs(&self, holder: &AccountGrant) -> Result<Vec<InstallRow>> {
        self.0.db.read().await?.installs_for(holder.user()).await
    }

    /// Returns an app of a user or of one of the user's organisations.
    ///
    /// # Errors
    /// Not found for any other app.
    pub async fn member_install(&self, holder: &AccountGrant, owner: &str, name: &str) -> Result<InstallRow> {
        let own = self.installs(holder).await?.into_iter().find(|row| row.owner == owner && row.name == name);
        own.ok_or_else(|| Error::not_found("there is no such app, or you cannot use it"))
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
            stopped +=
                usize::from(self.want_if(&install, WantedState::Stopped, grant.actor(), Some("app.stop")).await?);
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
        actor: &Actor,
        action: Option<&str>,
    ) -> Result<bool> {
        let now = self.0.clock.now();
        let mut tx = self.0.db.write().await?;
        tx.lock_name(&format!("apps {}", install.owner_id)).await?;
        let Some(current) = tx.install(install.id).await? else { return Ok(false) };
        // A decision about an idle app is about what it was; a person decides about what it is.
        if action.is_none() && current.generation != install.generation {
            return Ok(false);
        }
        let install = &current;
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
        if wanted == WantedState::Running && install.wanted == WantedState::Stopped {
            self.expect_room(&mut tx, install.owner_id).await?;
        }
        let is_held = wanted == WantedState::Stopped && action.is_some();
        if !tx.want_install(install.id, install.generation, wanted, new_run, is_held, now).await? {
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

    /// Sets the secret of the app's OAuth client for a run, its URLs and its scopes.
    pub(super) async fn set_client(&self, tx: &mut Tx, row: &InstallRow, run: i64, manifest: &Manifest) -> Result<()> {
        let secret = row.image.is_some().then(|| tokens::hash(&self.client_secret(row.id, run)));
        let redirects = serde_json::to_string(&self.redirects(row, manifest)).map_err(Error::internal)?;
        let (home, scopes) = (self.base_of(row, manifest), manifest.scopes.parse::<AppScopes>()?.to_string());
        tx.set_install_client(row.id, secret.as_deref(), &redirects, &home, &scopes).await
    }

    /// Changes the settings of an app. With another image, it is started anew.
    ///
    /// # Errors
    /// Invalid for a wider visibility than the app allows, or a host name that cannot be used; conflict for a host name
    /// that is taken, and for an image that has another digest now.
    pub async fn change(&self, grant: &InstallGrant, change: InstallChange) -> Result<InstallRow> {
        let install = grant.install();
        let frozen = manifest(install)?;
        let (image, manifest) = match &change.digest {
            // An update brings the manifest of the catalogue as it is now.
            Some(digest) => {
                let current = self.current_manifest(install, frozen).await?;
                (self.pinned(&current, Some(digest)).await?, current)
            }
            None => (None, frozen),
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
        let stored = serde_json::to_string(&manifest).map_err(Error::internal)?;
        let is_new = image.is_some() && (image != row.image || stored != row.manifest);
        if is_new {
            row.manifest = stored;
            row.visibility = row.visibility.min(manifest.widest);
            row.volume_id = self.take_volume(&mut tx, &row, &manifest).await?;
            row.image = image;
        }
        tx.set_install(&row).await?;
        let starts = is_new && row.wanted == WantedState::Running;
        self.set_client(&mut tx, &row, row.run + i64::from(starts), &manifest).await?;
        if is_new {
            // Also if it does not run: a step in progress is about the image before. A paused app would go on with that.
            let wanted = if starts { WantedState::Running } else { WantedState::Stopped };
            let state = starts.then_some(InstallState::Installing);
            if !tx.want_install(row.id, row.generation, wanted, state, row.is_held, self.0.clock.now()).await? {
                return Err(Error::conflict("the app was changed at the same time: try again"));
            }
            self.enqueue(&mut tx, row.id).await?;
        }
        let detail = row.image.as_deref().filter(|_| is_new).unwrap_or(row.visibility.as_str());
        self.audit_by(&mut tx, grant.actor(), "app.change", &row, detail).await?;
        tx.commit().await?;
        self.0.queued.notify_one();
        self.current(row.id).await
    }

    /// Returns the manifest of the catalogue as it is now, for an install that is updated.
    ///
    /// # Errors
    /// Forbidden if it could not be installed now.
    async fn current_manifest(&self, install: &InstallRow, frozen: Manifest) -> Result<Manifest> {
        if install.app.is_empty() {
            if let Some(image) = &frozen.image {
                self.expect_allowed(&image.parse()?)?;
            }
            return Ok(frozen);
        }
        let entry = self.catalogue_entry(&install.app).await?;
        if !entry.enabled {
            return Err(Error::forbidden(format!("`{}` cannot be installed at the moment", install.app)));
        }
        Ok(entry.manifest)
    }

    /// Uninstalls an app. Its volume is kept for an install of the same app under the same name, or deleted.
    pub async fn uninstall(&self, grant: &InstallGrant, keeps_volume: bool) -> Result<()> {
        let install = grant.install();
        let now = self.0.clock.now();
        let mut tx = self.0.db.write().await?;
        tx.lock_name(&format!("apps {}", install.owner_id)).await?;
        let Some(row) = tx.install(install.id).await?.filter(|row| row.wanted != WantedState::Removed) else {
            return Ok(());
        };
        if !tx.want_install(row.id, row.generation, WantedState::Removed, None, true, now).await? {
            return Err(Error::conflict("the app was changed at the same time: try again"));
        }
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
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                log => return log,
            }
        }
        let log = self.0.db.read().await?.last_log(install.id).await?;
        let lines = log.lines().rev().take(usize::try_from(query.tail).unwrap_or(usize::MAX)).collect::<Vec<_>>();
        let log: String = lines.into_iter().rev().flat_map(|line| [line, "\n"]).collect();
        Ok(futures::stream::once(async { Ok(log.into()) }).boxed())
    }

    /// Returns the volumes that were kept of uninstalled apps: of a user, and of organisations that the user owns.
    pub async fn volumes(&self, holder: &AccountGrant) -> Result<Vec<VolumeRow>> {
        self.0.db.read().await?.kept_volumes(holder.user()).await
    }

    /// Deletes a kept volume.
    ///
    /// # Errors
    /// Not found for volumes of others, and for one that an app uses.
    pub async fn delete_volume(&self, holder: &AccountGrant, id: Id) -> Result<()> {
        let missing = || Error::not_found("there is no such volume, or it is not yours");
        let mut tx = self.0.db.write().await?;
        let volumes = tx.kept_volumes(holder.user()).await?;
        let volume = volumes.into_iter().find(|volume| volume.id == id).ok_or_else(missing)?;
        if !tx.delete_volume(id).await? {
            return Err(Error::conflict("an app uses this volume: uninstall it first"));
        }
        let by = format!("user:{}", holder.user());
        self.audit(&mut tx, &by, "app.volume.delete", &format!("{}/{}", volume.owner, volume.install), "").await?;
        tx.commit().await
    }
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
    use super::*;

    #[test]
    fn host_names_are_labels_that_are_not_reserved() {
        for bad in ["ab", "www", "a--b", "-ab", "ab-", "a_b", "a.b", &"x".repeat(64)] {
            assert!(checked_host(bad).is_err(), "{bad}");
        }
        assert_eq!(checked_host("My-Plots").unwrap(), "my-plots");
    }
}
