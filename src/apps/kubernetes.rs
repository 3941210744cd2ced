//! Apps in Kubernetes: a Deployment, a Service, a Secret, a `NetworkPolicy` and a `PersistentVolumeClaim` per install,
//! all in one namespace.
//!
//! There is no controller: each [`Backend::apply`] reads what there is and takes the next steps. The Deployment is the
//! lock of an install. It bears the number of its run, and is changed only if nothing has changed it since it was read
//! (`resourceVersion`), so a late server with an earlier run loses. It stays, without a pod, while the install is
//! stopped: otherwise nothing would tell that server that its run is over.

mod api;
mod log;
mod objects;
mod phase;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use async_trait::async_trait;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{Event, PersistentVolumeClaim, Pod, Secret, Service};
use k8s_openapi::api::networking::v1::NetworkPolicy;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};

use self::api::{Answer, Namespace};
use self::objects::{INSTALL, Objects, SITE};
use super::backend::{Backend, ImageRef, LogQuery, LogStream, Observed, Phase, PinnedImage, Plan, Target, is_digest};
use crate::error::{Error, Result};
use crate::types::Id;

/// How often `apply` begins again after another server was faster.
const ATTEMPTS: u32 = 5;

/// Where and how apps run in Kubernetes.
#[derive(Debug, Clone)]
pub struct KubernetesSettings {
    /// The namespace of all objects of apps.
    pub namespace: String,
    /// The storage class of volumes. Default: that of the cluster.
    pub storage_class: Option<String>,
    /// The name of a Secret in the namespace with credentials of registries.
    pub pull_secret: Option<String>,
    /// The labels of the pods of this server: only they reach apps, and apps reach only them. Never empty, which would
    /// be all pods. Default: `app.kubernetes.io/name` is `rutter`.
    pub server_labels: BTreeMap<String, String>,
    /// The namespace of the pods of this server. Default: that of the pod that this server runs in, and with a
    /// kubeconfig file, that of the apps.
    pub server_namespace: Option<String>,
    /// The port at which the pods of this server listen for apps.
    pub server_port: u16,
    /// A file that says how to reach the cluster. Default: the service account of the pod that this server runs in.
    pub kubeconfig: Option<PathBuf>,
}

impl Default for KubernetesSettings {
    fn default() -> Self {
        Self {
            namespace: "rutter-apps".to_owned(),
            storage_class: None,
            pull_secret: None,
            server_labels: BTreeMap::from([("app.kubernetes.io/name".to_owned(), "rutter".to_owned())]),
            server_namespace: None,
            server_port: 8080,
            kubeconfig: None,
        }
    }
}

/// Runs apps in a namespace of a Kubernetes cluster.
pub struct Kubernetes {
    namespace: Namespace,
    settings: KubernetesSettings,
    site: String,
}

/// The metadata of the objects of all runs of an install.
struct Parts {
    policies: Vec<ObjectMeta>,
    services: Vec<ObjectMeta>,
    secrets: Vec<ObjectMeta>,
}

impl Kubernetes {
    /// Reads how to reach the cluster. Sends no request: the cluster may be unavailable when this server starts.
    ///
    /// # Errors
    /// Invalid if the cluster is not described as expected, or a setting is invalid.
    pub async fn connect(settings: &KubernetesSettings, site: &str) -> Result<Self> {
        let mut settings = settings.clone();
        let mut config = if let Some(path) = &settings.kubeconfig {
            let shown = path.display();
            let invalid = || Error::invalid(format!("`{shown}` is not a usable kubeconfig file"));
            let file = path.clone();
            let read = crate::blocking(move || Kubeconfig::read_from(file)).await?;
            let file = read.map_err(|error| invalid().because(error))?;
            let options = KubeConfigOptions::default();
            Config::from_custom_kubeconfig(file, &options).await.map_err(|error| invalid().because(error))?
        } else {
            let config = Config::incluster().map_err(|error| {
                Error::invalid(
                    "this server does not run in a Kubernetes pod with a service account: set a kubeconfig file",
                )
                .because(error)
            })?;
            settings.server_namespace.get_or_insert_with(|| config.default_namespace.clone());
            config
        };
        // Jobs try again, with a delay of their own.
        config.default_retry = false;
        let client = Client::try_from(config)
            .map_err(|error| Error::invalid("the description of the Kubernetes cluster is invalid").because(error))?;
        Self::with_client(client, &settings, site)
    }

    /// Uses an existing client.
    ///
    /// # Errors
    /// Invalid if a setting is.
    pub fn with_client(client: Client, settings: &KubernetesSettings, site: &str) -> Result<Self> {
        if settings.server_labels.is_empty() {
            return Err(Error::invalid(
                "set the labels of the pods of this server: without, apps would reach all pods",
            ));
        }
        if [SITE, INSTALL].iter().any(|&label| settings.server_labels.contains_key(label)) {
            return Err(Error::invalid("the labels of the pods of this server must not be those of apps"));
        }
        let is_label = |text: &str| {
            (1..=63).contains(&text.len())
                && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
                && text.starts_with(|c: char| c.is_ascii_alphanumeric())
                && text.ends_with(|c: char| c.is_ascii_alphanumeric())
        };
        if !is_label(site) {
            return Err(Error::invalid("the id of a site must be a label value of Kubernetes"));
        }
        let namespace = Namespace::new(client, settings.namespace.clone());
        Ok(Self { namespace, settings: settings.clone(), site: site.to_owned() })
    }

    fn labels(&self, install: Id) -> String {
        format!("{SITE}={},{INSTALL}={install}", self.site)
    }

    fn is_ours(&self, metadata: &ObjectMeta) -> bool {
        phase::is_of_site(metadata, &self.site)
    }

    /// Takes the next steps; `None` if another server was faster at one of them.
    async fn step(&self, plan: &Plan) -> Result<Option<Observed>> {
        let objects = Objects { plan, settings: &self.settings, site: &self.site };
        let name = objects::name(plan.install);
        let found = self.namespace.get::<Deployment>(&name).await?;
        let Some(deployment) = found else {
            if plan.wanted != Target::Running {
                return Ok(Some(self.observed(plan.install, None, &[], &[])));
            }
            return Ok(match self.namespace.create(&objects.anchor()).await? {
                // Read it again, and go on.
                Answer::Done(_) | Answer::Conflict => None,
                Answer::Invalid(why) => Some(refused(plan, &why)),
                other @ Answer::NotFound => return other.done().map(|_| None),
            });
        };
        if !self.is_ours(&deployment.metadata) {
            return Err(Error::conflict(format!("the Deployment `{name}` does not belong to this site")));
        }
        let pods = self.namespace.list::<Pod>(&self.labels(plan.install)).await?;
        let run = phase::run(&deployment.metadata);
        if run > plan.run || deployment.metadata.deletion_timestamp.is_some() {
            let observed = self.observed(plan.install, Some(&deployment), &pods, &[]);
            // A later run is reported even if it has no container, so that the caller sees that its own is over.
            return Ok(Some(Observed { run: run.max(observed.run), ..observed }));
        }
        let parts = self.parts(plan.install).await?;
        let wanted = i32::from(plan.wanted == Target::Running);
        if wanted == 1
            && let Some(refused) = self.complete(&objects, &deployment, &parts).await?
        {
            return Ok(Some(refused));
        }
        if !is_current(&deployment, plan, wanted) {
            // The log is gone with the pod.
            let last_log = self.last_log(&pods).await;
            return Ok(match self.namespace.apply(objects.deployment(wanted), &deployment.metadata).await? {
                Answer::Done(changed) => {
                    let observed = self.observed(plan.install, Some(&changed), &pods, &[]);
                    Some(Observed { last_log, ..observed })
                }
                Answer::Conflict | Answer::NotFound => None,
                Answer::Invalid(why) => Some(refused(plan, &why)),
            });
        }
        // Only when the pods of earlier runs have ended: until then, their NetworkPolicy closes the network to them.
        let obsolete = plan.run + i64::from(wanted == 0);
        if !pods.iter().any(|pod| phase::is_alive(pod) && phase::run(&pod.metadata) < obsolete) {
            self.clean(&parts, obsolete).await?;
        }
        Ok(Some(self.explained(plan.install, &deployment, &pods).await))
    }

    /// Returns what belongs to the runs of an install.
    async fn parts(&self, install: Id) -> Result<Parts> {
        let labels = self.labels(install);
        let (policies, services, secrets) = futures::try_join!(
            self.namespace.list_metadata::<NetworkPolicy>(&labels),
            self.namespace.list_metadata::<Service>(&labels),
            self.namespace.list_metadata::<Secret>(&labels),
        )?;
        Ok(Parts { policies, services, secrets })
    }

    /// Creates what the pod of a run needs, as far as it does not exist. Returns what the app looks like if Kubernetes
    /// refuses one of the objects.
    async fn complete(
        &self,
        objects: &Objects<'_>,
        deployment: &Deployment,
        parts: &Parts,
    ) -> Result<Option<Observed>> {
        let plan = objects.plan;
        let owner = objects::owner(deployment);
        if let Some(claim) = objects.volume_claim() {
            let name = claim.metadata.name.as_deref().unwrap_or_default();
            match self.namespace.metadata::<PersistentVolumeClaim>(name).await? {
                None => {
                    if let Some(refused) = created(plan, self.namespace.create(&claim).await?)? {
                        return Ok(Some(refused));
                    }
                }
                Some(metadata) if !self.is_ours(&metadata) => {
                    return Err(Error::conflict(format!("the volume `{name}` does not belong to this site")));
                }
                Some(metadata) if metadata.deletion_timestamp.is_some() => {
                    return Err(Error::unavailable(format!("the volume `{name}` is being deleted; try again")));
                }
                Some(_) => {}
            }
        }
        // The `NetworkPolicy` is the first, and the Secret, without which no container starts, the last.
        let policy = objects.network_policy(&owner);
        if let Some(refused) = self.ensure(plan, &parts.policies, &policy, &owner.uid).await? {
            return Ok(Some(refused));
        }
        if let Some(refused) = self.ensure(plan, &parts.services, &objects.service(&owner), &owner.uid).await? {
            return Ok(Some(refused));
        }
        self.ensure(plan, &parts.secrets, &objects.secret(&owner), &owner.uid).await
    }

    /// Creates an object of a run, if it does not exist. One of an earlier Deployment of the same name, which was
    /// deleted by hand, is replaced: Kubernetes is about to delete it.
    async fn ensure<K: api::Object>(
        &self,
        plan: &Plan,
        found: &[ObjectMeta],
        object: &K,
        owner: &str,
    ) -> Result<Option<Observed>> {
        if let Some(metadata) = found.iter().find(|metadata| phase::run(metadata) == plan.run) {
            if phase::has_owner(metadata, owner) {
                return Ok(None);
            }
            self.namespace.delete::<K>(metadata).await?;
        }
        created(plan, self.namespace.create(object).await?)
    }

    /// Deletes the objects of runs before this one.
    async fn clean(&self, parts: &Parts, before: i64) -> Result<()> {
        self.clean_kind::<Secret>(&parts.secrets, before).await?;
        self.clean_kind::<Service>(&parts.services, before).await?;
        self.clean_kind::<NetworkPolicy>(&parts.policies, before).await
    }

    async fn clean_kind<K: api::Object>(&self, found: &[ObjectMeta], before: i64) -> Result<()> {
        for metadata in found.iter().filter(|metadata| phase::run(metadata) < before) {
            self.namespace.delete::<K>(metadata).await?;
        }
        Ok(())
    }

    /// Returns what there is, with reasons from events, and with the log of a container that has ended.
    async fn explained(&self, install: Id, deployment: &Deployment, pods: &[Pod]) -> Observed {
        let mut observed = self.observed(install, Some(deployment), pods, &[]);
        let pod = phase::newest(pods);
        match (observed.phase, pod) {
            (Phase::Pending | Phase::Failed, Some(pod)) if pod.metadata.deletion_timestamp.is_none() => {
                let name = pod.metadata.name.as_deref().unwrap_or_default();
                let fields = format!("involvedObject.kind=Pod,involvedObject.name={name}");
                // They only explain: without them, the reason is less exact.
                if let Ok(events) = self.namespace.select::<Event>(&fields).await {
                    observed = self.observed(install, Some(deployment), pods, &events);
                }
            }
            (Phase::Exited, _) => observed.last_log = self.last_log(pods).await,
            _ => {}
        }
        observed
    }

    async fn last_log(&self, pods: &[Pod]) -> Option<String> {
        log::last(&self.namespace, phase::newest(pods)?).await
    }

    fn observed(&self, install: Id, deployment: Option<&Deployment>, pods: &[Pod], events: &[Event]) -> Observed {
        phase::observed(install, deployment, pods, events, self.namespace.name())
    }
}

/// Returns true if a Deployment is what the plan wants. Only the number of pods, the run and the image are compared:
/// the rest of a run never changes, also if a new release of this server writes it in another way.
fn is_current(deployment: &Deployment, plan: &Plan, replicas: i32) -> bool {
    phase::replicas(deployment) == replicas
        && phase::run(&deployment.metadata) == plan.run
        && phase::template(deployment).is_some_and(|pod| {
            pod.containers.iter().all(|container| container.image.as_deref() == Some(plan.image.as_str()))
        })
}

/// Returns what an app looks like if Kubernetes refuses an object; `None` if it exists now.
fn created(plan: &Plan, answer: Answer<ObjectMeta>) -> Result<Option<Observed>> {
    match answer {
        // A conflict: another server has created it.
        Answer::Done(_) | Answer::Conflict => Ok(None),
        Answer::Invalid(why) => Ok(Some(refused(plan, &why))),
        other @ Answer::NotFound => other.done().map(|_| None),
    }
}

fn refused(plan: &Plan, why: &str) -> Observed {
    Observed {
        install: plan.install,
        run: plan.run,
        phase: Phase::Failed,
        endpoint: None,
        image_id: None,
        reason: format!("Kubernetes refuses it: {}", phase::short(why)),
        last_log: None,
    }
}

#[async_trait]
impl Backend for Kubernetes {
    /// Kubernetes has no pause: an app is stopped instead.
    fn can_pause(&self) -> bool {
        false
    }

    async fn resolve(&self, image: &ImageRef) -> Result<PinnedImage> {
        let digest = image.digest().ok_or_else(|| {
            Error::invalid(format!("with Kubernetes, an image names its digest: {}@sha256:…", image.name()))
        })?;
        Ok(PinnedImage { digest: digest.to_owned() })
    }

    async fn apply(&self, plan: &Plan) -> Result<Observed> {
        if !plan.image.split_once('@').is_some_and(|(_, digest)| is_digest(digest)) {
            return Err(Error::invalid("with Kubernetes, an image names its digest"));
        }
        if plan.user == 0 {
            return Err(Error::invalid("an app never runs as root"));
        }
        for attempt in 0..ATTEMPTS {
            if let Some(observed) = self.step(plan).await? {
                return Ok(observed);
            }
            tokio::time::sleep(Duration::from_millis(20) * attempt).await;
        }
        Err(Error::unavailable("another server changes this app at the same time; try again"))
    }

    async fn observe(&self) -> Result<Vec<Observed>> {
        let labels = format!("{SITE}={}", self.site);
        let (deployments, pods) =
            futures::try_join!(self.namespace.list::<Deployment>(&labels), self.namespace.list::<Pod>(&labels))?;
        let mut found: BTreeMap<Id, (Option<Deployment>, Vec<Pod>)> = BTreeMap::new();
        for deployment in deployments {
            if let Some(install) = phase::install(&deployment.metadata) {
                found.entry(install).or_default().0 = Some(deployment);
            }
        }
        for pod in pods {
            if let Some(install) = phase::install(&pod.metadata) {
                found.entry(install).or_default().1.push(pod);
            }
        }
        let observed =
            found.iter().map(|(&install, (deployment, pods))| self.observed(install, deployment.as_ref(), pods, &[]));
        Ok(observed.collect())
    }

    async fn remove(&self, install: Id) -> Result<()> {
        if let Some(metadata) = self.namespace.metadata::<Deployment>(&objects::name(install)).await? {
            // What it owns, and its pod, are deleted by Kubernetes.
            return if self.is_ours(&metadata) { self.namespace.delete::<Deployment>(&metadata).await } else { Ok(()) };
        }
        // It may have been deleted by hand, without what it owned. Pods that remain are being deleted.
        let pods = self.namespace.list::<Pod>(&self.labels(install)).await?;
        if !pods.iter().any(phase::is_alive) {
            self.clean(&self.parts(install).await?, i64::MAX).await?;
        }
        Ok(())
    }

    async fn logs(&self, install: Id, query: LogQuery) -> Result<LogStream> {
        let pods = self.namespace.list::<Pod>(&self.labels(install)).await?;
        let pod = phase::newest(&pods).ok_or_else(|| Error::not_found("there is no container"))?;
        log::log(&self.namespace, pod, query).await
    }

    async fn remove_volume(&self, name: &str) -> Result<()> {
        let Some(metadata) = self.namespace.metadata::<PersistentVolumeClaim>(name).await? else {
            return Ok(());
        };
        if !self.is_ours(&metadata) {
            return Err(Error::conflict(format!("the volume `{name}` does not belong to this site")));
        }
        let labels = format!("{SITE}={}", self.site);
        let (deployments, pods) =
            futures::try_join!(self.namespace.list::<Deployment>(&labels), self.namespace.list::<Pod>(&labels))?;
        let is_wanted = deployments
            .iter()
            .any(|deployment| phase::replicas(deployment) > 0 && phase::uses_volume(phase::template(deployment), name));
        let is_used = pods.iter().any(|pod| phase::is_alive(pod) && phase::uses_volume(pod.spec.as_ref(), name));
        if is_wanted || is_used {
            return Err(Error::conflict(format!("the volume `{name}` is in use; stop the app first")));
        }
        self.namespace.delete::<PersistentVolumeClaim>(&metadata).await
    }
}
