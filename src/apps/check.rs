//! `rutter app check`: whether apps can be run, and what they reach.

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::Apps;
use super::backend::Egress;
use super::docker::check::{Reach, Step};
use super::docker::{Docker, DockerSettings};
use super::manifest::Manifest;
use crate::config::{AppBackend, Origin};
use crate::error::{Error, Result};

/// What a check of the configuration found.
#[derive(Debug)]
pub struct AppsCheck {
    /// The URL of apps.
    pub url: String,
    /// True if each app has a host name of its own.
    pub has_wildcard: bool,
    /// The number of containers; or why there can be none.
    pub containers: std::result::Result<usize, String>,
}

/// An app like others, that reaches as much as the site allows.
const MANIFEST: &str = "name = \"check\"\ntitle = \"Check\"\nimage = \"check\"\negress = \"internet\"\n";

impl Apps {
    /// Checks that apps can be run.
    ///
    /// # Errors
    /// Conflict if this server has no apps.
    pub async fn check(&self) -> Result<AppsCheck> {
        let Some(origin) = &self.0.origin else {
            return Err(Error::conflict("this server has no apps: set `apps.url` (see docs/apps.md)"));
        };
        let containers = match &self.0.backend {
            None => Err(self.missing_engine().unwrap_or_default().to_owned()),
            Some(backend) => {
                backend.observe().await.map(|found| found.len()).map_err(|error| error.detail().to_owned())
            }
        };
        Ok(AppsCheck { url: origin.to_string(), has_wildcard: self.0.config.wildcard, containers })
    }

    /// Tries from inside of containers what apps reach; returns `None` if the container engine is not Docker. Ends early,
    /// but leaves nothing, if `stop` is cancelled.
    ///
    /// # Errors
    /// Unavailable if a container cannot be run.
    pub async fn check_from_inside(&self, stop: &CancellationToken) -> Result<Option<Vec<Step>>> {
        let config = &self.0.config;
        if config.backend != AppBackend::Docker {
            return Ok(None);
        }
        let docker = Docker::new(&DockerSettings::from(&config.docker), &format!("check-{}", self.0.site))?;
        // If no server runs, there must be something to connect to.
        let _listener = match config.listen {
            Some(address) => TcpListener::bind(address).await.ok(),
            None => None,
        };
        let manifest = Manifest::parse(MANIFEST)?;
        let all = match manifest.allowed_egress(config) {
            Egress::Internet => &[Egress::Server, Egress::Internet][..],
            Egress::Server => &[Egress::Server],
            Egress::None => &[Egress::None],
        };
        let server = |egress| Origin::of(&self.api_url(egress)).map(|origin| origin.endpoint());
        let reaches: Vec<_> = all.iter().map(|egress| Reach { egress: *egress, server: server(*egress) }).collect();
        docker.check(&self.0.clock, &reaches, manifest.run_limits(config), stop).await.map(Some)
    }
}
