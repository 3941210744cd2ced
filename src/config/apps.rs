//! Configuration of installed apps.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use globset::{GlobBuilder, GlobMatcher};
use serde::Deserialize;

use super::origin::Origin;
use crate::error::{Error, Result};

/// The container engine that runs apps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AppBackend {
    /// No engine: only apps that are servers of their own.
    None,
    /// Docker Engine on this machine.
    Docker,
    /// A Kubernetes cluster.
    Kubernetes,
}

/// What containers can reach at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MaxEgress {
    /// Nothing.
    None,
    /// This server.
    Server,
    /// This server and the internet.
    Internet,
}

/// Apps that run beside the data.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AppsConfig {
    /// The container engine: `none`, `docker` or `kubernetes`. Default: `none`.
    pub backend: AppBackend,
    /// URL of the host that serves apps, another one than that of `public_url`. Default: none; required for apps.
    pub url: Option<String>,
    /// True if each app has a host name of its own below that of `url`. Default: false.
    pub wildcard: bool,
    /// Second address to listen on, for containers. Default: none.
    pub listen: Option<SocketAddr>,
    /// Patterns of images that can be installed without an entry of the catalogue. Default: none.
    pub images: Vec<String>,
    /// Maximum number of running apps of each user or organisation. Default: 3.
    pub running_user: u32,
    /// Maximum number of running apps of the site; 0: no limit. Default: 100.
    pub running_total: u32,
    /// Maximum memory of each app, in megabytes. Default: 1024.
    pub memory_mb: u32,
    /// Maximum CPU time of each app, in cores. Default: 1.0.
    pub cpus: f64,
    /// Maximum number of processes of each app. Default: 256.
    pub pids: u32,
    /// What apps can reach at most: `none`, `server` or `internet`. Default: `server`.
    pub egress: MaxEgress,
    /// Minutes without use after which an app is paused; 0: never. Default: 30.
    pub pause_minutes: u32,
    /// Minutes without use after which an app is stopped; 0: never. Default: 240.
    pub stop_minutes: u32,
    /// Docker Engine.
    pub docker: DockerConfig,
    /// Kubernetes.
    pub kubernetes: KubernetesConfig,
}

/// Docker Engine.
#[derive(Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DockerConfig {
    /// Its socket. Default: `/var/run/docker.sock`.
    pub socket: Option<PathBuf>,
    /// The name of the container that this server runs in, to be attached to the networks of apps. Default: none.
    pub join: Option<String>,
}

/// Kubernetes.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct KubernetesConfig {
    /// The namespace of apps. Default: `rutter-apps`.
    pub namespace: String,
    /// Storage class of volumes. Default: that of the cluster.
    pub storage_class: Option<String>,
    /// Secret for pulling images. Default: none.
    pub pull_secret: Option<String>,
    /// URL of this server for apps, such as `http://rutter.rutter.svc:8080`. Default: none.
    pub api_url: Option<String>,
    /// Namespace of the pods of this server. Default: that of its own pod.
    pub server_namespace: Option<String>,
    /// A file that says how to reach the cluster. Default: the service account of the pod of this server.
    pub kubeconfig: Option<PathBuf>,
    /// Labels of the pods of this server, for network policies. Default: `app.kubernetes.io/name = rutter`.
    pub server_labels: BTreeMap<String, String>,
}

impl Default for KubernetesConfig {
    fn default() -> Self {
        Self {
            namespace: "rutter-apps".into(),
            storage_class: None,
            pull_secret: None,
            api_url: None,
            server_namespace: None,
            kubeconfig: None,
            server_labels: BTreeMap::from([("app.kubernetes.io/name".into(), "rutter".into())]),
        }
    }
}

impl Default for AppsConfig {
    fn default() -> Self {
        Self {
            backend: AppBackend::None,
            url: None,
            wildcard: false,
            listen: None,
            images: Vec::new(),
            running_user: 3,
            running_total: 100,
            memory_mb: 1024,
            cpus: 1.0,
            pids: 256,
            egress: MaxEgress::Server,
            pause_minutes: 30,
            stop_minutes: 240,
            docker: DockerConfig::default(),
            kubernetes: KubernetesConfig::default(),
        }
    }
}

fn minutes(minutes: u32) -> Option<Duration> {
    (minutes > 0).then(|| Duration::from_secs(u64::from(minutes) * 60))
}

impl AppsConfig {
    /// Returns the idle time after which an app is paused; `None` for never.
    pub fn pause_after(&self) -> Option<Duration> {
        minutes(self.pause_minutes)
    }

    /// Returns the idle time after which an app is stopped; `None` for never.
    pub fn stop_after(&self) -> Option<Duration> {
        minutes(self.stop_minutes)
    }

    /// Returns the origin of apps; `None` if there are no apps.
    pub fn origin(&self) -> Option<Origin> {
        self.url.as_deref().and_then(|url| url.parse().ok())
    }

    /// Returns the patterns of images that need no entry of the catalogue.
    pub fn image_patterns(&self) -> Result<Vec<GlobMatcher>> {
        // `*` is within a segment of the path, `**` is any path.
        let compile = |pattern: &String| {
            GlobBuilder::new(pattern).literal_separator(true).build().map(|glob| glob.compile_matcher())
        };
        self.images.iter().map(compile).collect::<std::result::Result<_, _>>().map_err(|error| {
            Error::invalid(format!("apps.images: {error}; use patterns such as registry.example.org/team/*"))
        })
    }

    /// Checks values and bounds.
    ///
    /// # Errors
    /// Invalid; the message names the key.
    pub(super) fn check(&self, public_url: Option<&str>) -> Result<()> {
        let invalid = |why: String| Err(Error::invalid(why));
        if let Some(url) = &self.url {
            let Ok(origin) = url.parse::<Origin>() else {
                return invalid(format!("apps.url `{url}` must look like https://apps.example.org, without a path"));
            };
            let Some(public) = public_url.and_then(Origin::of) else {
                return invalid("apps.url requires public_url: pages and apps must have different hosts".into());
            };
            if !origin.is_secure() && !origin.is_local() {
                return invalid(format!("apps.url `{url}` must begin with https://; http:// is for loopback only"));
            }
            if origin.host() == public.host() || public.host().ends_with(&format!(".{}", origin.host())) {
                return invalid("apps.url must have another host than public_url, and not one above it".into());
            }
            if public.is_secure() != origin.is_secure() {
                return invalid("apps.url and public_url must both use https, or both http".into());
            }
            if self.wildcard && origin.is_address() {
                return invalid("apps.wildcard requires a host name in apps.url, not an IP address".into());
            }
        } else if self.backend != AppBackend::None {
            return invalid("apps.backend requires apps.url, such as http://apps.localhost:8080".into());
        }
        self.image_patterns()?;
        let bounds = [
            ("apps.running_user", self.running_user, 0, 10_000),
            ("apps.running_total", self.running_total, 0, 1_000_000),
            ("apps.memory_mb", self.memory_mb, 16, 4 << 20),
            ("apps.pids", self.pids, 8, 1 << 20),
            ("apps.pause_minutes", self.pause_minutes, 0, 525_600),
            ("apps.stop_minutes", self.stop_minutes, 0, 525_600),
        ];
        for (key, value, least, most) in bounds {
            if !(least..=most).contains(&value) {
                return invalid(format!("{key} is {value}, but must be between {least} and {most}"));
            }
        }
        if !(0.01..=1024.0).contains(&self.cpus) {
            return invalid(format!("apps.cpus is {}, but must be between 0.01 and 1024", self.cpus));
        }
        Ok(())
    }
}
