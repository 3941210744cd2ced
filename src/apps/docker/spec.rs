//! How an install looks at the engine: names, labels, and the limits of its container.

use std::collections::HashMap;

use bollard::models::{
    ContainerCreateBody, HealthConfig, HostConfig, HostConfigLogConfig, ImageInspect, Mount, MountType,
    MountVolumeOptions, NetworkCreateRequest, RestartPolicy, RestartPolicyNameEnum, VolumeCreateRequest,
};
use tar::{EntryType, Header};

use super::engine::Connection;
use crate::apps::backend::{Egress, Plan, VolumeMount};
use crate::types::Id;

const SITE: &str = "rutter.site";
const INSTALL: &str = "rutter.install";
const RUN: &str = "rutter.run";
const PORT: &str = "rutter.port";

/// The host name by which a container reaches this server.
pub(super) const SERVER: &str = "rutter";

/// Where the volume is in the container that sets its owner.
pub(super) const OWNER_MOUNT: &str = ".rutter-volume";

/// Longest text of the engine in a reason, in characters.
const MAX_REASON: usize = 300;

pub(super) type Labels = HashMap<String, String>;

/// A site: what is not labelled with it belongs to others.
pub(super) struct Site(String);

impl Site {
    pub(super) fn new(site: &str) -> Self {
        Self(site.to_owned())
    }

    /// Returns the name of the container and of the network of an install. It is the same at all replicas, so that two
    /// of them do not create two.
    pub(super) fn name(&self, install: Id) -> String {
        format!("rutter-{}-{install}", self.0)
    }

    /// Returns the label of all objects of this site.
    pub(super) fn label(&self) -> String {
        format!("{SITE}={}", self.0)
    }

    /// Returns the filter for objects of this site.
    pub(super) fn filter(&self) -> HashMap<String, Vec<String>> {
        HashMap::from([("label".to_owned(), vec![self.label()])])
    }

    /// Returns the filter for objects of an install.
    pub(super) fn filter_for(&self, install: Id) -> HashMap<String, Vec<String>> {
        let labels = vec![self.label(), format!("{INSTALL}={install}")];
        HashMap::from([("label".to_owned(), labels)])
    }

    /// Returns true if an object is of this site.
    pub(super) fn owns(&self, labels: Option<&Labels>) -> bool {
        labels.and_then(|labels| labels.get(SITE)) == Some(&self.0)
    }

    /// Returns true if an object belongs to this install of this site.
    pub(super) fn owns_for(&self, install: Id, labels: Option<&Labels>) -> bool {
        self.owns(labels) && labels.and_then(install_of) == Some(install)
    }

    fn labels(&self, install: Id) -> Labels {
        Labels::from([(SITE.to_owned(), self.0.clone()), (INSTALL.to_owned(), install.to_string())])
    }

    /// Returns the labels of a container that is no run, whatever labels its image has.
    fn owner_labels(&self, install: Id) -> Labels {
        let mut labels = self.labels(install);
        labels.insert(RUN.to_owned(), String::new());
        labels
    }

    fn run_labels(&self, plan: &Plan) -> Labels {
        let mut labels = self.labels(plan.install);
        labels.insert(RUN.to_owned(), plan.run.to_string());
        labels
    }

    /// Returns the network of a run. Its bridge has a name by which a firewall finds it; the engine also refuses two
    /// networks with one bridge.
    pub(super) fn network(&self, plan: &Plan) -> NetworkCreateRequest {
        NetworkCreateRequest {
            name: self.name(plan.install),
            driver: Some("bridge".to_owned()),
            internal: Some(plan.egress != Egress::Internet),
            enable_ipv6: Some(false),
            options: Some(HashMap::from([("com.docker.network.bridge.name".to_owned(), bridge(plan.install))])),
            labels: Some(self.run_labels(plan)),
            ..NetworkCreateRequest::default()
        }
    }

    /// Returns a volume. It is kept across runs, so it has no run.
    pub(super) fn volume(&self, install: Id, volume: &VolumeMount) -> VolumeCreateRequest {
        VolumeCreateRequest {
            name: Some(volume.name.clone()),
            driver: Some("local".to_owned()),
            labels: Some(self.labels(install)),
            ..VolumeCreateRequest::default()
        }
    }

    /// Returns the container that sets the owner of a volume. It is never started.
    pub(super) fn owner(&self, plan: &Plan, volume: &VolumeMount) -> ContainerCreateBody {
        ContainerCreateBody {
            image: Some(plan.image.clone()),
            // An image may have no command, which the engine would refuse.
            entrypoint: Some(vec!["/never".to_owned()]),
            // A label of the image must not make it look like a run.
            labels: Some(self.owner_labels(plan.install)),
            host_config: Some(HostConfig {
                network_mode: Some("none".to_owned()),
                mounts: Some(vec![mount(volume, format!("/{OWNER_MOUNT}"))]),
                ..HostConfig::default()
            }),
            ..ContainerCreateBody::default()
        }
    }

    /// Returns the container of a run. `gateway` is the address at which this server is reached, if it is the host's.
    pub(super) fn container(
        &self,
        plan: &Plan,
        image: &ImageInspect,
        engine: &Connection,
        gateway: Option<&str>,
    ) -> ContainerCreateBody {
        let mut labels = self.run_labels(plan);
        labels.insert(PORT.to_owned(), plan.port.to_string());
        let environment = plan.environment.iter().map(|(name, value)| format!("{name}={}", value.expose()));
        ContainerCreateBody {
            image: Some(plan.image.clone()),
            user: Some(format!("{0}:{0}", plan.user)),
            env: Some(environment.collect()),
            labels: Some(labels),
            // This server asks the app itself.
            healthcheck: Some(HealthConfig { test: Some(vec!["NONE".to_owned()]), ..HealthConfig::default() }),
            host_config: Some(HostConfig {
                network_mode: Some(self.name(plan.install)),
                extra_hosts: gateway.map(|address| vec![format!("{SERVER}:{address}")]),
                // The engine forwards questions for other names itself, from the host's network: data could leave in
                // them. With this server for names, it asks in the container, where none listens.
                dns: (plan.egress != Egress::Internet).then(|| vec!["127.0.0.1".to_owned()]),
                // The engine does not say that it has found nothing.
                dns_options: (plan.egress != Egress::Internet).then(|| vec!["timeout:1".into(), "attempts:1".into()]),
                mounts: plan.volume.as_ref().map(|volume| vec![mount(volume, volume.path.clone())]),
                tmpfs: Some(temporary(plan, image)),
                readonly_rootfs: Some(!plan.writable),
                ..confined(plan, engine)
            }),
            ..ContainerCreateBody::default()
        }
    }
}

/// What is the same for all apps.
fn confined(plan: &Plan, engine: &Connection) -> HostConfig {
    let memory = i64::from(plan.limits.memory_mb) << 20;
    let text = |pairs: &[(&str, &str)]| pairs.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect();
    HostConfig {
        cap_drop: Some(vec!["ALL".to_owned()]),
        security_opt: Some(vec!["no-new-privileges:true".to_owned()]),
        privileged: Some(false),
        publish_all_ports: Some(false),
        memory: Some(memory),
        // Memory and swap together: no swap.
        memory_swap: Some(memory),
        // The engine refuses more than it has.
        nano_cpus: Some(i64::from(plan.limits.cpu_millis.clamp(10, engine.cpus.saturating_mul(1000))) * 1_000_000),
        pids_limit: Some(i64::from(plan.limits.pids.max(1))),
        init: engine.has_init.then_some(true),
        ipc_mode: Some("private".to_owned()),
        restart_policy: Some(RestartPolicy { name: Some(RestartPolicyNameEnum::NO), maximum_retry_count: None }),
        log_config: Some(HostConfigLogConfig {
            typ: Some("json-file".to_owned()),
            config: Some(text(&[("max-size", "5m"), ("max-file", "2")])),
        }),
        ..HostConfig::default()
    }
}

/// Returns the folders in memory: `/tmp`, and those that the image declares as volumes. For the latter, the engine would
/// create volumes without a name, which can be written to and are on its disk.
fn temporary(plan: &Plan, image: &ImageInspect) -> HashMap<String, String> {
    // Its content counts as memory of the container.
    let size = (plan.limits.memory_mb / 2).clamp(1, 512);
    let folder = |mode: &str| format!("rw,exec,nosuid,nodev,size={size}m,mode={mode},uid={0},gid={0}", plan.user);
    let declared = image.config.iter().flat_map(|config| config.volumes.iter().flatten());
    let volume = plan.volume.as_ref().map(|volume| volume.path.trim_end_matches('/'));
    let mut folders: HashMap<_, _> = declared
        .filter(|path| Some(path.trim_end_matches('/')) != volume)
        .map(|path| (path.clone(), folder("0700")))
        .collect();
    if !plan.writable {
        folders.insert("/tmp".to_owned(), folder("1777"));
    }
    folders
}

fn mount(volume: &VolumeMount, target: String) -> Mount {
    Mount {
        typ: Some(MountType::VOLUME),
        source: Some(volume.name.clone()),
        target: Some(target),
        // A volume begins empty, as with other engines.
        volume_options: Some(MountVolumeOptions { no_copy: Some(true), ..MountVolumeOptions::default() }),
        ..Mount::default()
    }
}

/// Returns the name of the network's bridge: at most 15 characters, from the random end of the id.
fn bridge(install: Id) -> String {
    let hex = hex::encode(install.as_bytes());
    format!("rtr-{}", &hex[hex.len() - 11..])
}

/// Returns the install that an object belongs to.
pub(super) fn install_of(labels: &Labels) -> Option<Id> {
    labels.get(INSTALL)?.parse().ok()
}

/// Returns the run that a container belongs to; `None` if it is the one that sets the owner of a volume.
pub(super) fn run_of(labels: &Labels) -> Option<i64> {
    labels.get(RUN)?.parse().ok()
}

/// Returns the port that the app listens on.
pub(super) fn port_of(labels: &Labels) -> Option<u16> {
    labels.get(PORT)?.parse().ok()
}

/// Returns what is wrong with a plan, whatever the engine says about it.
pub(super) fn problem(plan: &Plan) -> Option<String> {
    if plan.user == 0 {
        return Some("an app cannot run as root: set another `user` than 0".to_owned());
    }
    // The engine would repeat such a variable in its message, with its value.
    let is_valid = |(name, value): &&(String, crate::types::Secret)| {
        !name.is_empty() && !name.contains(['=', '\0']) && !value.expose().contains('\0')
    };
    let refused = plan.environment.iter().find(|variable| !is_valid(variable));
    refused.map(|(name, _)| {
        let name = name.split(['=', '\0']).next().unwrap_or_default();
        format!("the environment variable `{name}` is invalid")
    })
}

/// Returns a message of the engine for the owner, without values of environment variables.
pub(super) fn reason(plan: &Plan, message: &str) -> String {
    let reveals = |(_, value): &(String, crate::types::Secret)| {
        let value = value.expose();
        value.len() >= 6 && message.contains(value)
    };
    if plan.environment.iter().any(reveals) {
        return "the container engine refuses the container".to_owned();
    }
    message.trim().chars().take(MAX_REASON).collect()
}

/// Returns a tar archive with the folder [`OWNER_MOUNT`], which belongs to this user alone.
pub(super) fn owner_archive(user: u32) -> Vec<u8> {
    let mut archive = tar::Builder::new(Vec::new());
    let added = archive.append_data(&mut header(EntryType::Directory, 0o700, user, 0), OWNER_MOUNT, &[][..]);
    added.and_then(|()| archive.into_inner()).expect("writing to memory does not fail")
}

/// Returns the header of a file or folder of this user in a tar archive.
pub(super) fn header(kind: EntryType, mode: u32, user: u32, size: u64) -> Header {
    let mut header = Header::new_gnu();
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_uid(user.into());
    header.set_gid(user.into());
    header.set_mtime(0);
    header.set_size(size);
    header
}
