//! The objects of an install in Kubernetes. Pure functions of a [`Plan`].
//!
//! A Deployment with the name of the install, with 0 or 1 replicas, is the only object that is ever changed. The
//! Service, the Secret and the `NetworkPolicy` belong to one run, by their name and in what they select: they are
//! created and deleted, never changed. So a late server with an earlier run cannot overwrite those of a later one. A
//! `PersistentVolumeClaim` stays when the install is removed.
//!
//! Everything in a pod meets the restricted pod security standard.

use std::collections::BTreeMap;

use k8s_openapi::ByteString;
use k8s_openapi::api::apps::v1::{Deployment, DeploymentSpec, DeploymentStrategy};
use k8s_openapi::api::core::v1::{
    Capabilities, Container, ContainerPort, EmptyDirVolumeSource, EnvFromSource, LocalObjectReference,
    PersistentVolumeClaim, PersistentVolumeClaimSpec, PersistentVolumeClaimVolumeSource, PodSecurityContext, PodSpec,
    PodTemplateSpec, ResourceRequirements, SeccompProfile, Secret, SecretEnvSource, SecurityContext, Service,
    ServicePort, ServiceSpec, Volume, VolumeMount, VolumeResourceRequirements,
};
use k8s_openapi::api::networking::v1::{
    IPBlock, NetworkPolicy, NetworkPolicyEgressRule, NetworkPolicyIngressRule, NetworkPolicyPeer, NetworkPolicyPort,
    NetworkPolicySpec,
};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, ObjectMeta, OwnerReference};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use super::KubernetesSettings;
use crate::apps::backend::{Egress, Plan};
use crate::types::Id;

/// The label with the site. Objects without it are never changed or deleted.
pub(super) const SITE: &str = "rutter.site";

/// The label with the install.
pub(super) const INSTALL: &str = "rutter.install";

/// The label with the number of the run.
pub(super) const RUN: &str = "rutter.run";

/// The annotation with the port of the app.
pub(super) const PORT: &str = "rutter.port";

/// The name of the container in its pod.
pub(super) const CONTAINER: &str = "app";

/// Seconds between the request to end and the end, for a process that does not end.
const STOP_SECONDS: i64 = 10;

/// What a container may write to the node's disk: its log, and the root file system if that can be written to.
const DISK: &str = "1Gi";

/// Addresses that are not the internet: private networks (RFC 1918), the shared ones of providers (RFC 6598), the
/// host itself, link-local ones with the metadata services of clouds, those for tests, multicast and reserved ones.
const NOT_INTERNET: [&str; 9] = [
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "198.18.0.0/15",
    "224.0.0.0/3",
];

/// Returns the name of the Deployment of an install.
pub(super) fn name(install: Id) -> String {
    format!("rutter-{install}")
}

/// Returns the name of the Service, the Secret and the `NetworkPolicy` of a run; at most 63 characters, so that it is a
/// DNS label.
pub(super) fn run_name(install: Id, run: i64) -> String {
    format!("rutter-{install}-{run}")
}

/// Makes the objects of a plan.
#[derive(Clone, Copy)]
pub(super) struct Objects<'a> {
    /// What to run.
    pub(super) plan: &'a Plan,
    /// Settings of the site.
    pub(super) settings: &'a KubernetesSettings,
    /// The value of the label [`SITE`].
    pub(super) site: &'a str,
}

impl Objects<'_> {
    /// Returns the Deployment without what differs between plans, with no replica: the owner of the objects of a run,
    /// which are there before its pod. It has only fields that [`Self::deployment`] also has, so that it can be created
    /// with a plain request, which fails if it exists.
    pub(super) fn anchor(&self) -> Deployment {
        let mut deployment = self.deployment(0);
        let template = deployment.spec.as_mut().map(|spec| &mut spec.template);
        if let Some(pod) = template.and_then(|template| template.spec.as_mut()) {
            let container = &pod.containers[0];
            let container = Container {
                name: container.name.clone(),
                image: container.image.clone(),
                security_context: container.security_context.clone(),
                ..Container::default()
            };
            *pod = PodSpec {
                containers: vec![container],
                automount_service_account_token: Some(false),
                security_context: pod.security_context.clone(),
                ..PodSpec::default()
            };
        }
        deployment
    }

    /// Returns the Deployment.
    pub(super) fn deployment(&self, replicas: i32) -> Deployment {
        let mut metadata = self.metadata(name(self.plan.install), None);
        metadata.annotations = Some(BTreeMap::from([(PORT.to_owned(), self.plan.port.to_string())]));
        Deployment {
            metadata,
            spec: Some(DeploymentSpec {
                replicas: Some(replicas),
                // Never two pods at a time: they would share the volume.
                strategy: Some(DeploymentStrategy { type_: Some("Recreate".to_owned()), rolling_update: None }),
                revision_history_limit: Some(0),
                // Without the run, because it cannot be changed.
                selector: LabelSelector { match_labels: Some(self.install_labels()), match_expressions: None },
                template: PodTemplateSpec {
                    // Only our own labels: no pod of an app may be taken for a pod of this server.
                    metadata: Some(ObjectMeta { labels: Some(self.run_labels()), ..ObjectMeta::default() }),
                    spec: Some(self.pod()),
                },
                ..DeploymentSpec::default()
            }),
            status: None,
        }
    }

    fn pod(&self) -> PodSpec {
        let user = i64::from(self.plan.user);
        let mut volumes = vec![Volume {
            name: "tmp".to_owned(),
            // In memory, which counts toward the limit of the container.
            empty_dir: Some(EmptyDirVolumeSource {
                medium: Some("Memory".to_owned()),
                size_limit: Some(megabytes((self.plan.limits.memory_mb / 2).max(1))),
            }),
            ..Volume::default()
        }];
        if let Some(volume) = &self.plan.volume {
            volumes.push(Volume {
                name: "volume".to_owned(),
                persistent_volume_claim: Some(PersistentVolumeClaimVolumeSource {
                    claim_name: volume.name.clone(),
                    read_only: None,
                }),
                ..Volume::default()
            });
        }
        let pull_secret = self.settings.pull_secret.iter().map(|name| LocalObjectReference { name: name.clone() });
        PodSpec {
            containers: vec![self.container()],
            volumes: Some(volumes),
            automount_service_account_token: Some(false),
            // The variables of services would tell each app about all others.
            enable_service_links: Some(false),
            image_pull_secrets: Some(pull_secret.collect::<Vec<_>>()).filter(|secrets| !secrets.is_empty()),
            termination_grace_period_seconds: Some(STOP_SECONDS),
            security_context: Some(PodSecurityContext {
                run_as_non_root: Some(true),
                run_as_user: Some(user),
                run_as_group: Some(user),
                fs_group: Some(user),
                fs_group_change_policy: Some("OnRootMismatch".to_owned()),
                seccomp_profile: Some(runtime_default()),
                ..PodSecurityContext::default()
            }),
            ..PodSpec::default()
        }
    }

    /// Returns the container. It has no probe: the server asks for its health through the Service, with the whole path
    /// that requests of users take.
    fn container(&self) -> Container {
        let mount = |name: &str, path: &str| VolumeMount {
            name: name.to_owned(),
            mount_path: path.to_owned(),
            ..VolumeMount::default()
        };
        let mut mounts = vec![mount("tmp", "/tmp")];
        mounts.extend(self.plan.volume.iter().map(|volume| mount("volume", &volume.path)));
        let limits = self.plan.limits;
        // The memory is reserved; the CPU is shared, since most apps are idle most of the time.
        let cpu_request = (limits.cpu_millis / 10).clamp(1, 100);
        let resources = |cpu: u32, disk: &str| {
            Some(BTreeMap::from([
                ("memory".to_owned(), megabytes(limits.memory_mb)),
                ("cpu".to_owned(), Quantity(format!("{cpu}m"))),
                ("ephemeral-storage".to_owned(), Quantity(disk.to_owned())),
            ]))
        };
        Container {
            name: CONTAINER.to_owned(),
            image: Some(self.plan.image.clone()),
            image_pull_policy: Some("IfNotPresent".to_owned()),
            ports: Some(vec![ContainerPort {
                container_port: i32::from(self.plan.port),
                name: Some("app".to_owned()),
                protocol: Some("TCP".to_owned()),
                ..ContainerPort::default()
            }]),
            // All variables are in the Secret, so that no secret is in the Deployment or its pod.
            env_from: Some(vec![EnvFromSource {
                secret_ref: Some(SecretEnvSource {
                    name: run_name(self.plan.install, self.plan.run),
                    optional: Some(false),
                }),
                ..EnvFromSource::default()
            }]),
            // The maximum number of processes cannot be set per pod: it is the setting `podPidsLimit` of the node's
            // kubelet, and applies to all pods. `RunLimits::pids` has no effect here.
            resources: Some(ResourceRequirements {
                limits: resources(limits.cpu_millis.max(1), DISK),
                requests: resources(cpu_request, "64Mi"),
                claims: None,
            }),
            volume_mounts: Some(mounts),
            security_context: Some(SecurityContext {
                allow_privilege_escalation: Some(false),
                capabilities: Some(Capabilities { add: None, drop: Some(vec!["ALL".to_owned()]) }),
                privileged: Some(false),
                read_only_root_filesystem: Some(!self.plan.writable),
                run_as_non_root: Some(true),
                seccomp_profile: Some(runtime_default()),
                ..SecurityContext::default()
            }),
            ..Container::default()
        }
    }

    /// Returns the Service, through which this server reaches the pod.
    pub(super) fn service(&self, owner: &OwnerReference) -> Service {
        Service {
            metadata: self.metadata(run_name(self.plan.install, self.plan.run), Some(owner)),
            spec: Some(ServiceSpec {
                type_: Some("ClusterIP".to_owned()),
                selector: Some(self.run_labels()),
                ports: Some(vec![ServicePort {
                    name: Some("app".to_owned()),
                    port: i32::from(self.plan.port),
                    target_port: Some(IntOrString::String("app".to_owned())),
                    protocol: Some("TCP".to_owned()),
                    ..ServicePort::default()
                }]),
                ..ServiceSpec::default()
            }),
            status: None,
        }
    }

    /// Returns the Secret with the environment.
    pub(super) fn secret(&self, owner: &OwnerReference) -> Secret {
        let value = |(name, value): &(String, crate::types::Secret)| {
            (name.clone(), ByteString(value.expose().as_bytes().to_vec()))
        };
        Secret {
            metadata: self.metadata(run_name(self.plan.install, self.plan.run), Some(owner)),
            type_: Some("Opaque".to_owned()),
            data: Some(self.plan.environment.iter().map(value).collect()),
            // The environment of a run never changes.
            immutable: Some(true),
            string_data: None,
        }
    }

    /// Returns the `NetworkPolicy`: the server reaches the port of the app, and the app what its plan says.
    pub(super) fn network_policy(&self, owner: &OwnerReference) -> NetworkPolicy {
        let server = NetworkPolicyPeer {
            pod_selector: Some(labels_are(self.settings.server_labels.clone())),
            namespace_selector: self.settings.server_namespace.as_ref().map(|name| is_namespace(name)),
            ip_block: None,
        };
        let port = |number: u16, protocol: &str| NetworkPolicyPort {
            port: Some(IntOrString::Int(i32::from(number))),
            protocol: Some(protocol.to_owned()),
            end_port: None,
        };
        let to = |peer: NetworkPolicyPeer, ports: Vec<NetworkPolicyPort>| NetworkPolicyEgressRule {
            to: Some(vec![peer]),
            ports: Some(ports).filter(|ports| !ports.is_empty()),
        };
        let dns = NetworkPolicyPeer {
            pod_selector: Some(labels_are(BTreeMap::from([("k8s-app".to_owned(), "kube-dns".to_owned())]))),
            namespace_selector: Some(is_namespace("kube-system")),
            ip_block: None,
        };
        // Only IPv4: without a rule, nothing is reached by IPv6.
        let internet = NetworkPolicyPeer {
            ip_block: Some(IPBlock {
                cidr: "0.0.0.0/0".to_owned(),
                except: Some(NOT_INTERNET.iter().map(|&network| network.to_owned()).collect()),
            }),
            ..NetworkPolicyPeer::default()
        };
        let mut egress = match self.plan.egress {
            Egress::None => vec![],
            Egress::Server | Egress::Internet => vec![
                to(dns, vec![port(53, "UDP"), port(53, "TCP")]),
                to(server.clone(), vec![port(self.settings.server_port, "TCP")]),
            ],
        };
        if self.plan.egress == Egress::Internet {
            egress.push(to(internet, vec![]));
        }
        NetworkPolicy {
            metadata: self.metadata(run_name(self.plan.install, self.plan.run), Some(owner)),
            spec: Some(NetworkPolicySpec {
                pod_selector: Some(labels_are(self.run_labels())),
                // Both, so that a direction without a rule is closed.
                policy_types: Some(vec!["Ingress".to_owned(), "Egress".to_owned()]),
                ingress: Some(vec![NetworkPolicyIngressRule {
                    from: Some(vec![server]),
                    ports: Some(vec![port(self.plan.port, "TCP")]),
                }]),
                egress: Some(egress),
            }),
        }
    }

    /// Returns the `PersistentVolumeClaim`, if the plan has a volume. It has no owner, and no label of an install: it
    /// outlives them.
    pub(super) fn volume_claim(&self) -> Option<PersistentVolumeClaim> {
        let volume = self.plan.volume.as_ref()?;
        let size = BTreeMap::from([("storage".to_owned(), megabytes(volume.size_mb.max(1)))]);
        Some(PersistentVolumeClaim {
            metadata: ObjectMeta {
                name: Some(volume.name.clone()),
                labels: Some(BTreeMap::from([(SITE.to_owned(), self.site.to_owned())])),
                ..ObjectMeta::default()
            },
            spec: Some(PersistentVolumeClaimSpec {
                access_modes: Some(vec!["ReadWriteOnce".to_owned()]),
                resources: Some(VolumeResourceRequirements { requests: Some(size), limits: None }),
                storage_class_name: self.settings.storage_class.clone(),
                ..PersistentVolumeClaimSpec::default()
            }),
            status: None,
        })
    }

    fn install_labels(&self) -> BTreeMap<String, String> {
        BTreeMap::from([(SITE.to_owned(), self.site.to_owned()), (INSTALL.to_owned(), self.plan.install.to_string())])
    }

    fn run_labels(&self) -> BTreeMap<String, String> {
        let mut labels = self.install_labels();
        labels.insert(RUN.to_owned(), self.plan.run.to_string());
        labels
    }

    fn metadata(&self, name: String, owner: Option<&OwnerReference>) -> ObjectMeta {
        ObjectMeta {
            name: Some(name),
            labels: Some(self.run_labels()),
            owner_references: owner.map(|owner| vec![owner.clone()]),
            ..ObjectMeta::default()
        }
    }
}

/// Returns a reference to the Deployment that owns the other objects: they are deleted with it.
pub(super) fn owner(deployment: &Deployment) -> OwnerReference {
    OwnerReference {
        api_version: "apps/v1".to_owned(),
        kind: "Deployment".to_owned(),
        name: deployment.metadata.name.clone().unwrap_or_default(),
        uid: deployment.metadata.uid.clone().unwrap_or_default(),
        // Setting it needs a permission on finalizers, and would only delay a deletion in the foreground.
        block_owner_deletion: None,
        controller: None,
    }
}

fn megabytes(count: u32) -> Quantity {
    Quantity(format!("{count}Mi"))
}

fn runtime_default() -> SeccompProfile {
    SeccompProfile { type_: "RuntimeDefault".to_owned(), localhost_profile: None }
}

fn labels_are(labels: BTreeMap<String, String>) -> LabelSelector {
    LabelSelector { match_labels: Some(labels), match_expressions: None }
}

/// Selects a namespace by the label that Kubernetes sets itself.
fn is_namespace(name: &str) -> LabelSelector {
    labels_are(BTreeMap::from([("kubernetes.io/metadata.name".to_owned(), name.to_owned())]))
}
