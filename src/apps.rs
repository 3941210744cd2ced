//! Installed apps: programs that run beside the data and act on it for their users. The database says what is wanted; a
//! container engine is asked to make it so, by jobs that any replica can run.
//!
//! Without a container engine, an app can be a server that exists (`service`), or an application outside (`external`).

pub mod backend;
pub mod catalogue;
pub mod check;
pub mod control;
pub mod docker;
mod engine;
pub mod installs;
pub mod kubernetes;
pub mod manifest;
pub mod open;
mod reconcile;
mod state_machine;
pub mod wake;

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use tokio::sync::{Notify, Semaphore};

use self::backend::Backend;
use crate::access::secret::ServerSecret;
use crate::access::{Access, Actor};
use crate::clock::Clock;
use crate::config::{AppBackend, AppsConfig, Config, Origin};
use crate::db::app_installs::InstallRow;
use crate::db::{Db, Tx};
use crate::error::{Error, Result};
use crate::oauth::OAuth;
use crate::types::{Id, Secret};

/// Installs that take a step at a time: half of the workers.
const STEPS: usize = 2;
/// Timeout of a health check.
const HEALTH_TIMEOUT: Duration = Duration::from_secs(2);

/// Installed apps. Cheap to clone.
#[derive(Clone)]
pub struct Apps(Arc<Services>);

/// What the feature uses.
struct Services {
    db: Db,
    clock: Clock,
    access: Access,
    oauth: OAuth,
    config: AppsConfig,
    origin: Option<Origin>,
    public_url: String,
    backend: Option<Arc<dyn Backend>>,
    secrets: Hmac<Sha256>,
    site: String,
    health: reqwest::Client,
    /// Limits how many installs take a step at a time.
    steps: Semaphore,
    /// Notified when a transaction has queued a job.
    queued: Arc<Notify>,
}

/// Returns the identifier by which a container engine tells the objects of this server from those of others.
pub fn site(secret: &ServerSecret) -> String {
    hex::encode(&secret.derive("site of apps")[..6])
}

impl Apps {
    /// Creates the service, with the container engine of the configuration.
    ///
    /// # Errors
    /// Invalid if there is a backend, but it cannot be used.
    pub fn new(
        config: &Config,
        (db, clock): (Db, Clock),
        (access, oauth): (Access, OAuth),
        secret: &ServerSecret,
        backend: Option<Arc<dyn Backend>>,
        queued: Arc<Notify>,
    ) -> Result<Self> {
        let secrets = Hmac::new_from_slice(&secret.derive("secrets of apps")).expect("HMAC takes keys of any length");
        // A redirect of an app is an answer, too.
        let health = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(HEALTH_TIMEOUT)
            .no_proxy()
            .build()
            .map_err(Error::internal)?;
        Ok(Self(Arc::new(Services {
            db,
            clock,
            access,
            oauth,
            config: config.apps.clone(),
            origin: config.apps.origin(),
            public_url: config.link_base(),
            backend,
            secrets,
            site: site(secret),
            health,
            steps: Semaphore::new(STEPS),
            queued,
        })))
    }

    /// Returns true if the container engine can pause apps.
    pub fn can_pause(&self) -> bool {
        self.0.backend.as_ref().is_some_and(|backend| backend.can_pause())
    }

    /// Returns the origin of apps; `None` if this server has no apps.
    pub fn origin(&self) -> Option<&Origin> {
        self.0.origin.as_ref()
    }

    /// Returns true if each app has a host name of its own.
    pub fn has_wildcard(&self) -> bool {
        self.0.config.wildcard
    }

    /// Returns why containers cannot be run; `None` if they can.
    pub fn missing_engine(&self) -> Option<&'static str> {
        match self.0.config.backend {
            _ if self.0.backend.is_some() => None,
            AppBackend::None => Some(
                "this server runs no containers: set `apps.backend` to `docker` or `kubernetes` (see docs/apps.md)",
            ),
            AppBackend::Docker | AppBackend::Kubernetes => Some("the container engine is not connected"),
        }
    }

    /// Returns the base URL of an app, for browsers, without a trailing slash.
    pub fn url(&self, install: &InstallRow) -> String {
        let Some(origin) = &self.0.origin else { return String::new() };
        match (self.0.config.wildcard, &install.host) {
            (true, Some(host)) => origin.below(host).to_string(),
            (true, None) => origin.below(&install.label).to_string(),
            (false, _) => format!("{origin}{}", self.base_path(install)),
        }
    }

    /// Returns the usual base URL of an app with this name, whether there is one or not; `None` if its host name would have
    /// another form.
    pub fn usual_url(&self, owner: &str, name: &str) -> Option<String> {
        let origin = self.0.origin.as_ref()?;
        if self.0.config.wildcard {
            return installs::plain_label(name, owner).map(|label| origin.below(&label).to_string());
        }
        Some(format!("{origin}/user/{owner}/{name}"))
    }

    /// Returns the path below which browsers find an app; empty with a host name of its own.
    pub fn base_path(&self, install: &InstallRow) -> String {
        if self.0.config.wildcard { String::new() } else { format!("/user/{}/{}", install.owner, install.name) }
    }

    fn backend(&self) -> Result<&Arc<dyn Backend>> {
        let missing = || Error::conflict(self.missing_engine().unwrap_or_default());
        self.0.backend.as_ref().ok_or_else(missing)
    }

    /// Returns the secret of the OAuth client of an install, which changes with each run.
    fn client_secret(&self, install: Id, run: i64) -> Secret {
        let mac = self.0.secrets.clone().chain_update(install.as_bytes()).chain_update(run.to_be_bytes());
        Secret::new(format!("rcs_{}", BASE64.encode(mac.finalize().into_bytes())))
    }

    async fn audit(&self, tx: &mut Tx, by: &str, action: &str, subject: &str, detail: &str) -> Result<()> {
        let (id, now, request) = (self.0.clock.id(), self.0.clock.now(), crate::request::id());
        tx.insert_audit(id, now, by, action, subject, detail, &request).await
    }

    async fn audit_by(
        &self,
        tx: &mut Tx,
        actor: &Actor,
        action: &str,
        install: &InstallRow,
        detail: &str,
    ) -> Result<()> {
        let subject = format!("{}/{}", install.owner, install.name);
        self.audit(tx, &actor.key(), action, &subject, detail).await
    }
}
