//! Connects the container engine of the configuration.

use std::sync::Arc;

use crate::access::secret::ServerSecret;
use crate::apps::backend::Backend;
use crate::apps::docker::{Docker, DockerSettings};
use crate::apps::kubernetes::{Kubernetes, KubernetesSettings};
use crate::apps::site;
use crate::config::{AppBackend, Config};
use crate::error::Result;

/// Returns the container engine; `None` without one.
///
/// # Errors
/// Invalid if its address cannot be used. One that does not answer yet is no error.
pub(super) async fn connect(config: &Config, secret: &ServerSecret) -> Result<Option<Arc<dyn Backend>>> {
    let (apps, site) = (&config.apps, site(secret));
    Ok(match apps.backend {
        AppBackend::None => None,
        AppBackend::Docker => Some(Arc::new(Docker::new(&DockerSettings::from(&apps.docker), &site)?)),
        AppBackend::Kubernetes => {
            let kubernetes = &apps.kubernetes;
            let settings = KubernetesSettings {
                namespace: kubernetes.namespace.clone(),
                storage_class: kubernetes.storage_class.clone(),
                pull_secret: kubernetes.pull_secret.clone(),
                server_labels: kubernetes.server_labels.clone(),
                server_namespace: kubernetes.server_namespace.clone(),
                server_port: apps.listen.unwrap_or(config.listen).port(),
                kubeconfig: kubernetes.kubeconfig.clone(),
            };
            Some(Arc::new(Kubernetes::connect(&settings, &site).await?))
        }
    })
}
