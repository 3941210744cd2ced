//! Compares all installed apps with what the container engine has. A crash between any two steps is an ordinary case of
//! this. Also pauses and stops apps that are idle, and deletes volumes.

use std::collections::HashMap;
use std::time::Duration;

use super::Apps;
use super::backend::{Observed, Phase};
use crate::access::Actor;
use crate::db::app_installs::InstallRow;
use crate::error::{Kind as ErrorKind, Result};
use crate::types::{Id, InstallState, Millis, WantedState};

/// The number of installs that are read at a time.
const PAGE: i64 = 1000;
/// The number of volumes that are deleted in a run.
const MAX_VOLUMES: i64 = 100;

impl Apps {
    /// Compares all installs with what there is, and queues the next step for those that differ.
    pub async fn reconcile(&self) -> Result<()> {
        // Before the rows are read: a container that has no row then belongs to nothing.
        let mut found: HashMap<Id, Observed> = HashMap::new();
        let backend = self.0.backend.clone();
        if let Some(backend) = &backend {
            found.extend(backend.observe().await?.into_iter().map(|observed| (observed.install, observed)));
        }
        let mut after = String::new();
        loop {
            let page = self.0.db.read().await?.all_installs(&after, PAGE).await?;
            let Some(last) = page.last() else { break };
            after = last.id.to_string();
            for install in &page {
                let observed = found.remove(&install.id);
                self.reconcile_install(install, observed.as_ref(), backend.is_some()).await?;
            }
        }
        if let Some(backend) = &backend {
            for orphan in found.into_keys() {
                tracing::info!(install = %orphan, "removing a container that belongs to no installed app");
                if let Err(error) = backend.remove(orphan).await {
                    tracing::warn!(install = %orphan, %error, "cannot remove it; trying again later");
                }
            }
            self.delete_volumes().await?;
        }
        Ok(())
    }

    async fn reconcile_install(
        &self,
        install: &InstallRow,
        observed: Option<&Observed>,
        has_engine: bool,
    ) -> Result<()> {
        if let Some(wanted) = self.wanted_now(install) {
            let changed = self.want_if(install, wanted, &Actor::operator(), None).await?;
            tracing::info!(install = %install.id, %wanted, changed, "an app is idle, or its owner is suspended");
            return Ok(());
        }
        let differs = match (install.image.is_some(), has_engine) {
            (false, _) => install.wanted == WantedState::Removed || install.state != InstallState::Running,
            (true, false) => false,
            (true, true) => differs(install, observed),
        };
        if differs {
            let mut tx = self.0.db.write().await?;
            self.enqueue(&mut tx, install.id).await?;
            tx.commit().await?;
            self.0.queued.notify_one();
        }
        Ok(())
    }

    /// Returns what to ask for because of the time or the owner; `None` to leave it.
    fn wanted_now(&self, install: &InstallRow) -> Option<WantedState> {
        if install.image.is_none() || !matches!(install.wanted, WantedState::Running | WantedState::Paused) {
            return None;
        }
        if install.is_owner_barred {
            return Some(WantedState::Stopped);
        }
        if install.keep_running || install.state == InstallState::Failed {
            return None;
        }
        let now = self.0.clock.now();
        let is_idle = |after: Option<Duration>| after.is_some_and(|after| install.last_used_at.plus(after) <= now);
        let runs = install.wanted == WantedState::Running && install.state == InstallState::Running;
        if is_idle(self.0.config.stop_after()) && (runs || install.state == InstallState::Paused) {
            return Some(WantedState::Stopped);
        }
        if is_idle(self.0.config.pause_after()) && runs {
            return Some(if self.can_pause() { WantedState::Paused } else { WantedState::Stopped });
        }
        None
    }

    /// Deletes volumes at the container engine.
    async fn delete_volumes(&self) -> Result<()> {
        let backend = self.backend()?;
        let names = self.0.db.read().await?.deleted_volumes(MAX_VOLUMES).await?;
        for name in names {
            match backend.remove_volume(&name).await {
                Ok(()) => {
                    let mut tx = self.0.db.write().await?;
                    tx.forget_deleted_volume(&name).await?;
                    tx.commit().await?;
                }
                // Its container is being removed.
                Err(error) if error.kind() == ErrorKind::Conflict => {}
                Err(error) => tracing::warn!(volume = name, %error, "cannot delete a volume; trying again later"),
            }
        }
        Ok(())
    }

    /// Updates the metrics.
    pub async fn observe_metrics(&self) -> Result<()> {
        if self.0.origin.is_none() {
            return Ok(());
        }
        let counts = self.0.db.read().await?.count_installs().await?;
        for state in ["installing", "stopped", "starting", "running", "paused", "failed"] {
            let count = counts.iter().find(|(name, _)| name == state).map_or(0, |(_, count)| *count);
            metrics::gauge!("rutter_apps", "state" => state).set(f64::from(i32::try_from(count).unwrap_or(i32::MAX)));
        }
        Ok(())
    }
}

/// Returns true if there is a next step for an install.
fn differs(install: &InstallRow, observed: Option<&Observed>) -> bool {
    let phase = observed.map_or(Phase::Absent, |observed| observed.phase);
    let is_current = observed.is_none_or(|observed| observed.run == install.run);
    let same_endpoint = observed.is_none_or(|observed| observed.endpoint == install.endpoint);
    let settled = match install.wanted {
        WantedState::Removed => false,
        _ if install.state == InstallState::Failed => phase == Phase::Absent,
        WantedState::Running => {
            install.state == InstallState::Running && phase == Phase::Running && is_current && same_endpoint
        }
        WantedState::Paused => match install.state {
            InstallState::Paused => phase == Phase::Paused && is_current,
            InstallState::Stopped => phase == Phase::Absent,
            _ => false,
        },
        WantedState::Stopped => install.state == InstallState::Stopped && phase == Phase::Absent,
    };
    !settled
}

/// Returns true if an app has not been used since, to the minute.
pub(super) fn is_due(last: Millis, now: Millis) -> bool {
    now.0 - last.0 >= 60_000
}
