//! The steps of one installed app: compares what is wanted with what the container engine has, and takes the next step.
//! Every step can be repeated, and a server can die between any two.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::Apps;
use super::backend::{Backend, Egress, Observed, Phase, Plan, Target, VolumeMount};
use super::installs::manifest;
use super::manifest::{Manifest, Profile};
use super::state_machine::{Recorded, Step, step};
use crate::config::{AppBackend, Origin};
use crate::db::Tx;
use crate::db::app_installs::{InstallProgress, InstallRow};
use crate::error::{Kind as ErrorKind, Result};
use crate::jobs::{self, Kind as Job};
use crate::types::{Id, InstallState, Secret, WantedState};

/// How long a step waits for an app to answer before it is repeated by another job.
const PROBE_TIME: Duration = Duration::from_secs(1);
/// Interval of health checks within a step.
const PROBE_INTERVAL: Duration = Duration::from_millis(100);
/// Pause before the next step while an app starts.
const NEXT_STEP: Duration = Duration::from_secs(1);
/// Pause before another try after the container engine did not answer.
const ENGINE_RETRY: Duration = Duration::from_secs(10);
/// Maximum length of a reason, in characters.
const MAX_REASON: usize = 500;

impl Apps {
    /// Takes the next step with an install.
    pub async fn apply_install(&self, id: Id) -> Result<()> {
        // Slow apps must not keep all workers from other jobs.
        let Ok(_turn) = self.0.steps.try_acquire() else { return self.again(id, NEXT_STEP).await };
        let Some(install) = self.0.db.read().await?.install(id).await? else { return Ok(()) };
        if install.image.is_none() {
            return self.apply_server(&install).await;
        }
        let Some(backend) = self.0.backend.clone() else {
            // There may be a container; what removes it is the engine that is not connected.
            return self.record_reason(&install, self.missing_engine().unwrap_or_default()).await;
        };
        let manifest = manifest(&install)?;
        let observed = match self.advance(&*backend, &install, &manifest).await {
            Ok(observed) => observed,
            Err(error) => {
                tracing::warn!(install = %id, %error, "cannot take the next step with an app");
                let shown = match error.kind() {
                    ErrorKind::Internal => "internal error",
                    _ => error.detail(),
                };
                self.record_reason(&install, shown).await?;
                return self.again(id, ENGINE_RETRY).await;
            }
        };
        if observed.run > install.run {
            // The database is older than the container, as after a backup was restored: a later run replaces it.
            let adopted = InstallProgress {
                state: install.state,
                reason: "",
                run: observed.run + 1,
                endpoint: None,
                image_id: install.image_id.as_deref(),
                attempts: install.attempts,
                started_at: None,
                last_log: None,
            };
            return self.record(&install, &adopted, Some(Duration::ZERO)).await;
        }
        let recorded = Recorded {
            wanted: install.wanted,
            state: install.state,
            run: install.run,
            attempts: install.attempts,
            started_at: install.started_at,
            start_timeout: Duration::from_secs(u64::from(manifest.start_seconds)),
        };
        let answers = self.answers(&install, &manifest, &observed).await;
        let step = step(&recorded, &observed, answers, self.0.clock.now());
        self.take(&*backend, &install, &observed, step).await
    }

    async fn advance(&self, backend: &dyn Backend, install: &InstallRow, manifest: &Manifest) -> Result<Observed> {
        if install.wanted == WantedState::Removed {
            backend.remove(install.id).await?;
            return Ok(absent(install.id));
        }
        let mut plan = self.plan(install, manifest);
        // Failed apps have no container.
        if install.state == InstallState::Failed {
            plan.wanted = Target::Stopped;
        }
        backend.apply(&plan).await
    }

    /// Returns true if the app answers its health check, waiting a little. One that ran already is not checked again.
    async fn answers(&self, install: &InstallRow, manifest: &Manifest, observed: &Observed) -> bool {
        let is_wanted = install.wanted == WantedState::Running && install.state != InstallState::Failed;
        let Some(endpoint) = observed.endpoint.as_deref().filter(|_| is_wanted && observed.phase == Phase::Running)
        else {
            return false;
        };
        let ran = matches!(install.state, InstallState::Running | InstallState::Paused);
        if ran && install.run == observed.run && install.endpoint.as_deref() == Some(endpoint) {
            return true;
        }
        let until = Instant::now() + PROBE_TIME;
        let base =
            if manifest.prefix == super::manifest::Prefix::Keep { self.base_path(install) } else { String::new() };
        let url = format!("http://{endpoint}{base}{}", manifest.health);
        loop {
            if self.0.health.get(&url).send().await.is_ok_and(|reply| !reply.status().is_server_error()) {
                return true;
            }
            if Instant::now() >= until {
                return false;
            }
            sleep(PROBE_INTERVAL).await;
        }
    }

    async fn take(&self, backend: &dyn Backend, install: &InstallRow, observed: &Observed, step: Step) -> Result<()> {
        let runs = observed.phase == Phase::Running;
        let started_at = install.started_at.or_else(|| runs.then(|| self.0.clock.now()));
        let progress = InstallProgress {
            state: install.state,
            reason: "",
            run: install.run,
            endpoint: observed.endpoint.as_deref(),
            image_id: observed.image_id.as_deref().or(install.image_id.as_deref()),
            attempts: install.attempts,
            started_at,
            last_log: observed.last_log.as_deref(),
        };
        match step {
            Step::Delete => {
                let mut tx = self.0.db.write().await?;
                tx.delete_install(install.id).await?;
                tx.commit().await
            }
            Step::Settle(state, reason) => {
                let kept = if state == InstallState::Failed { install.reason.clone() } else { reason };
                let endpoint = progress.endpoint.filter(|_| state == InstallState::Paused);
                self.record(install, &InstallProgress { state, reason: &kept, endpoint, ..progress }, None).await
            }
            Step::Wait(state, reason) => {
                self.record(install, &InstallProgress { state, reason: &reason, ..progress }, Some(NEXT_STEP)).await
            }
            Step::Ready => {
                let state = InstallState::Running;
                self.record(install, &InstallProgress { state, ..progress }, None).await
            }
            Step::Restart(reason, attempts) => {
                // The container of the run before is replaced by the next step.
                let (state, run) = (InstallState::Starting, install.run + 1);
                let restarted = InstallProgress {
                    state,
                    reason: &reason,
                    run,
                    attempts,
                    started_at: None,
                    endpoint: None,
                    ..progress
                };
                self.record(install, &restarted, Some(NEXT_STEP * 2)).await
            }
            Step::Fail(reason) => {
                let plan = Plan { wanted: Target::Stopped, ..self.plan(install, &manifest(install)?) };
                let last_log = backend.apply(&plan).await?.last_log;
                let failed = InstallProgress {
                    state: InstallState::Failed,
                    reason: &reason,
                    endpoint: None,
                    attempts: install.attempts + 1,
                    last_log: last_log.as_deref().or(progress.last_log),
                    ..progress
                };
                self.record(install, &failed, None).await
            }
        }
    }

    async fn renew_client(&self, tx: &mut Tx, install: &InstallRow, run: i64) -> Result<()> {
        self.set_client(tx, install, run, &manifest(install)?).await
    }

    /// Records progress, unless something else was asked for meanwhile: then the job runs again for that.
    async fn record(
        &self,
        install: &InstallRow,
        progress: &InstallProgress<'_>,
        again: Option<Duration>,
    ) -> Result<()> {
        let reason: String = progress.reason.chars().take(MAX_REASON).collect();
        // PostgreSQL stores no NUL.
        let log = progress.last_log.map(|log| log.replace('\0', "\u{fffd}"));
        let progress = InstallProgress { reason: &reason, last_log: log.as_deref(), ..progress.clone() };
        let mut tx = self.0.db.write().await?;
        let is_current = tx.record_install(install.id, (install.generation, install.run), &progress).await?;
        if is_current && progress.run != install.run {
            self.renew_client(&mut tx, install, progress.run).await?;
        }
        if !is_current && let Some(log) = &log {
            tx.keep_last_log(install.id, log).await?;
        }
        if let Some(delay) = if is_current { again } else { Some(Duration::ZERO) } {
            jobs::enqueue(&mut tx, &self.0.clock, Job::ApplyInstall, &install.id.to_string(), delay).await?;
        }
        if is_current && progress.state == InstallState::Failed && install.state != InstallState::Failed {
            let subject = format!("{}/{}", install.owner, install.name);
            self.audit(&mut tx, "operator", "app.failed", &subject, &reason).await?;
        }
        tx.commit().await
    }

    async fn record_reason(&self, install: &InstallRow, reason: &str) -> Result<()> {
        if install.reason == reason {
            return Ok(());
        }
        let progress = InstallProgress {
            state: install.state,
            reason,
            run: install.run,
            endpoint: install.endpoint.as_deref(),
            image_id: install.image_id.as_deref(),
            attempts: install.attempts,
            started_at: install.started_at,
            last_log: None,
        };
        self.record(install, &progress, None).await
    }

    async fn again(&self, id: Id, delay: Duration) -> Result<()> {
        let mut tx = self.0.db.write().await?;
        jobs::enqueue(&mut tx, &self.0.clock, Job::ApplyInstall, &id.to_string(), delay).await?;
        tx.commit().await
    }

    /// Settles an app that is not a container: it is where its manifest says.
    async fn apply_server(&self, install: &InstallRow) -> Result<()> {
        if install.wanted == WantedState::Removed {
            let mut tx = self.0.db.write().await?;
            tx.delete_install(install.id).await?;
            return tx.commit().await;
        }
        let manifest = manifest(install)?;
        let endpoint = manifest.upstream.as_deref().and_then(Origin::of).map(|origin| origin.endpoint());
        let progress = InstallProgress {
            state: InstallState::Running,
            reason: "",
            run: install.run,
            endpoint: endpoint.as_deref(),
            image_id: None,
            attempts: 0,
            started_at: Some(install.created_at),
            last_log: None,
        };
        self.record(install, &progress, None).await
    }

    /// Returns what a container engine needs to know of an install.
    fn plan(&self, install: &InstallRow, manifest: &Manifest) -> Plan {
        let wanted = match install.wanted {
            WantedState::Running => Target::Running,
            WantedState::Paused => Target::Paused,
            WantedState::Stopped | WantedState::Removed => Target::Stopped,
        };
        let volume = install.volume.clone().zip(manifest.volume.clone());
        Plan {
            install: install.id,
            run: install.run,
            wanted,
            image: install.image.clone().unwrap_or_default(),
            image_id: install.image_id.clone(),
            port: manifest.port,
            environment: self.environment(install, manifest),
            volume: volume.map(|(name, path)| VolumeMount { name, path, size_mb: manifest.volume_mb }),
            egress: manifest.allowed_egress(&self.0.config),
            limits: manifest.run_limits(&self.0.config),
            user: manifest.user,
            writable: manifest.writable,
        }
    }

    /// Returns the URL at which containers reach this server.
    pub(super) fn api_url(&self, egress: Egress) -> String {
        if egress == Egress::None {
            return String::new();
        }
        let config = &self.0.config;
        match config.backend {
            AppBackend::Kubernetes => config.kubernetes.api_url.clone().unwrap_or_else(|| self.0.public_url.clone()),
            AppBackend::Docker | AppBackend::None => match config.listen {
                Some(address) => format!("http://rutter:{}", address.port()),
                None => self.0.public_url.clone(),
            },
        }
    }

    fn environment(&self, install: &InstallRow, manifest: &Manifest) -> Vec<(String, Secret)> {
        let api_address = self.api_url(manifest.allowed_egress(&self.0.config));
        let client_id = install.client_id.map(|id| id.to_string()).unwrap_or_default();
        let secret = self.client_secret(install.id, install.run).expose().to_owned();
        let app_url = self.url(install);
        let host = app_url.split_once("://").map_or("", |(_, host)| host).to_owned();
        let public_url = self.0.public_url.clone();
        let mut variables = vec![
            ("PORT", manifest.port.to_string()),
            ("RUTTER_API_URL", api_address),
            ("RUTTER_PUBLIC_URL", public_url.clone()),
            ("RUTTER_APP_URL", app_url),
            ("RUTTER_BASE_PATH", self.base_path(install)),
            ("RUTTER_USER", install.owner.clone()),
            ("RUTTER_CLIENT_ID", client_id.clone()),
            ("RUTTER_CLIENT_SECRET", secret.clone()),
            ("RUTTER_SCOPES", manifest.scopes.clone()),
        ];
        match manifest.profile {
            Profile::Rutter => {}
            Profile::Columbus => variables.extend([
                ("COLUMBUS_USERNAME", install.owner.clone()),
                ("COLUMBUS_CLIENT_ID", client_id),
                ("COLUMBUS_CLIENT_SECRET", secret),
            ]),
            Profile::Space => variables.extend([
                ("OAUTH_CLIENT_ID", client_id),
                ("OAUTH_CLIENT_SECRET", secret),
                ("OAUTH_SCOPES", manifest.scopes.clone()),
                ("OPENID_PROVIDER_URL", public_url),
                ("SPACE_ID", format!("{}/{}", install.owner, install.name)),
                ("SPACE_HOST", host),
            ]),
        }
        let own = manifest.environment.iter().map(|(name, value)| (name.clone(), Secret::new(value.clone())));
        variables.into_iter().map(|(name, value)| (name.to_owned(), Secret::new(value))).chain(own).collect()
    }
}

fn absent(install: Id) -> Observed {
    Observed {
        install,
        run: 0,
        phase: Phase::Absent,
        endpoint: None,
        image_id: None,
        reason: String::new(),
        last_log: None,
    }
}
