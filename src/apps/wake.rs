//! Using an app: the permission, where the app is, and starting it on request.

use std::sync::Arc;

use serde::Deserialize;

use super::Apps;
use super::manifest::Prefix;
use super::reconcile::is_due;
use crate::access::{Actor, AppUseGrant};
use crate::db::app_installs::InstallRow;
use crate::error::{Error, Result};
use crate::types::{Id, InstallState, WantedState};

/// Where a request to an app goes.
#[derive(Debug, Clone)]
pub struct Route {
    /// `host:port`.
    pub endpoint: String,
    /// Path prefix that is removed; empty for none.
    pub strip: String,
    /// True to send the name of the user.
    pub sends_user: bool,
}

/// The part of a manifest that each request depends on.
#[derive(Deserialize)]
struct Routing {
    #[serde(default)]
    prefix: Prefix,
    #[serde(default)]
    identity: bool,
}

/// An app that cannot be used yet.
#[derive(Debug, Clone)]
pub struct NotReady {
    /// The state.
    pub state: InstallState,
    /// Why.
    pub reason: String,
    /// True if a person has stopped it.
    pub is_held: bool,
}

impl Apps {
    /// Returns the app with this label of a host name.
    pub async fn by_host(&self, label: &str) -> Result<Option<Arc<InstallRow>>> {
        self.0.db.install_by_host(label).await
    }

    /// Returns the app with this name of an owner.
    pub async fn by_name(&self, owner: &str, name: &str) -> Result<Option<Arc<InstallRow>>> {
        self.0.db.install_by_name(owner, name).await
    }

    /// Returns the app with this id.
    pub async fn by_id(&self, id: Id) -> Result<Option<Arc<InstallRow>>> {
        Ok(self.0.db.read().await?.install(id).await?.map(Arc::new))
    }

    /// Returns where requests to an app go, or its state if it does not run.
    ///
    /// # Errors
    /// Internal if its manifest cannot be read.
    pub fn route(&self, grant: &AppUseGrant) -> Result<std::result::Result<Route, NotReady>> {
        let install = grant.install();
        let (shows_reason, has_engine) = (grant.is_owner() || grant.is_member(), self.0.backend.is_some());
        let endpoint = install.endpoint.as_ref().filter(|_| has_engine || install.image.is_none());
        let (InstallState::Running, WantedState::Running, Some(endpoint)) = (install.state, install.wanted, endpoint)
        else {
            // It can name images and registries.
            let reason = if shows_reason { install.reason.clone() } else { String::new() };
            let state = install.state;
            return Ok(Err(NotReady { state, reason, is_held: install.is_held && !grant.is_owner() }));
        };
        let Routing { prefix, identity } = serde_json::from_str(&install.manifest).map_err(Error::internal)?;
        let strip = if prefix == Prefix::Strip { self.base_path(install) } else { String::new() };
        Ok(Ok(Route { endpoint: endpoint.clone(), strip, sends_user: identity }))
    }

    /// Starts an app that is paused or stopped, because it is used. One that has failed stays so until its owner starts
    /// it, and one that a person has stopped is started by its owner only.
    ///
    /// # Errors
    /// Conflict if too many apps of its owner run.
    pub async fn wake(&self, grant: &AppUseGrant) -> Result<()> {
        let install = grant.install();
        if install.state == InstallState::Failed || install.image.is_none() || (install.is_held && !grant.is_owner()) {
            return Ok(());
        }
        if install.wanted == WantedState::Removed {
            return Err(Error::not_found("this app is being uninstalled"));
        }
        self.want_if(install, WantedState::Running, &Actor::anonymous(), None).await.map(drop)
    }

    /// Returns an app as it is now.
    pub async fn reload(&self, install: &InstallRow) -> Result<Option<Arc<InstallRow>>> {
        self.0.db.install_by_name(&install.owner, &install.name).await
    }

    /// Records that an app was used, once a minute.
    pub fn used(&self, install: &InstallRow) {
        if is_due(install.last_used_at, self.0.clock.now()) {
            self.0.access.note_app_used(install.id);
        }
    }
}
