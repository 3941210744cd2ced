//! What Kubernetes says of an install, in our words. Pure functions of a Deployment, its pods and their events.

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{ContainerStateTerminated, ContainerStatus, Event, Pod, PodSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use super::objects;
use crate::apps::backend::{Observed, Phase};
use crate::types::Id;

/// The maximum length of a message of Kubernetes in a reason, in characters.
const MAX_MESSAGE: usize = 300;

/// What is in the messages of a registry that will not change its mind.
const REFUSALS: [&str; 8] = [
    "not found",
    "manifest unknown",
    "unauthorized",
    "denied",
    "authorization failed",
    "invalid reference",
    "no match for platform",
    "no matching manifest",
];

/// Returns the number of the run that an object belongs to; 0 if it has none.
pub(super) fn run(metadata: &ObjectMeta) -> i64 {
    label(metadata, objects::RUN).and_then(|run| run.parse().ok()).unwrap_or_default()
}

/// Returns the install that an object belongs to.
pub(super) fn install(metadata: &ObjectMeta) -> Option<Id> {
    label(metadata, objects::INSTALL)?.parse().ok()
}

/// Returns true if an object belongs to this site.
pub(super) fn is_of_site(metadata: &ObjectMeta, site: &str) -> bool {
    label(metadata, objects::SITE) == Some(site)
}

/// Returns true if the object with this id owns an object.
pub(super) fn has_owner(metadata: &ObjectMeta, uid: &str) -> bool {
    metadata.owner_references.iter().flatten().any(|owner| owner.uid == uid)
}

fn label<'a>(metadata: &'a ObjectMeta, key: &str) -> Option<&'a str> {
    metadata.labels.as_ref()?.get(key).map(String::as_str)
}

/// Returns how many pods a Deployment should have.
pub(super) fn replicas(deployment: &Deployment) -> i32 {
    deployment.spec.as_ref().and_then(|spec| spec.replicas).unwrap_or(1)
}

/// Returns what a Deployment makes pods of.
pub(super) fn template(deployment: &Deployment) -> Option<&PodSpec> {
    deployment.spec.as_ref()?.template.spec.as_ref()
}

/// Returns true if a pod uses a volume.
pub(super) fn uses_volume(pod: Option<&PodSpec>, name: &str) -> bool {
    let volumes = pod.and_then(|pod| pod.volumes.as_ref()).into_iter().flatten();
    let mut claims = volumes.filter_map(|volume| volume.persistent_volume_claim.as_ref());
    claims.any(|claim| claim.claim_name == name)
}

/// Returns the newest pod; one that is being deleted only if there is no other.
pub(super) fn newest<'a>(pods: impl IntoIterator<Item = &'a Pod>) -> Option<&'a Pod> {
    pods.into_iter().max_by_key(|pod| {
        let metadata = &pod.metadata;
        (metadata.deletion_timestamp.is_none(), metadata.creation_timestamp.clone(), metadata.name.clone())
    })
}

/// Returns the state of the container of a pod, once there is one.
pub(super) fn container(pod: &Pod) -> Option<&ContainerStatus> {
    let statuses = pod.status.as_ref()?.container_statuses.as_ref()?;
    statuses.iter().find(|status| status.name == objects::CONTAINER)
}

/// Returns how the container last ended; `None` while it runs, and if it never did.
pub(super) fn ending(container: &ContainerStatus) -> Option<&ContainerStateTerminated> {
    let now = container.state.as_ref()?;
    if now.running.is_some() {
        return None;
    }
    now.terminated.as_ref().or_else(|| before(container))
}

fn before(container: &ContainerStatus) -> Option<&ContainerStateTerminated> {
    container.last_state.as_ref()?.terminated.as_ref()
}

/// Returns what there is of an install. The events of its newest pod make reasons more exact.
pub(super) fn observed(
    install: Id,
    deployment: Option<&Deployment>,
    pods: &[Pod],
    events: &[Event],
    namespace: &str,
) -> Observed {
    let newest_run = || pods.iter().map(run_of).max();
    let run = deployment.map(|deployment| run(&deployment.metadata)).or_else(newest_run).unwrap_or_default();
    let wanted =
        deployment.filter(|deployment| deployment.metadata.deletion_timestamp.is_none() && replicas(deployment) > 0);
    let (phase, reason) = match (wanted, newest(pods.iter().filter(|pod| run_of(pod) == run))) {
        (Some(_), Some(pod)) => of_pod(pod, events),
        (Some(deployment), None) => without_pod(deployment, pods),
        // The container goes on until its pod has been deleted.
        (None, _) if pods.iter().any(is_alive) => (Phase::Running, "it is stopping".to_owned()),
        (None, _) => (Phase::Absent, String::new()),
    };
    let port = wanted.and_then(|deployment| deployment.metadata.annotations.as_ref()?.get(objects::PORT));
    let endpoint = port.filter(|_| phase == Phase::Running).map(|port| {
        let service = objects::run_name(install, run);
        format!("{service}.{namespace}.svc:{port}")
    });
    Observed {
        install,
        run: if phase == Phase::Absent { 0 } else { run },
        phase,
        endpoint,
        // Kubernetes does not report the digest of the image's configuration. The `imageID` of a pod is the digest of a
        // manifest: of the index or of one platform, as the node's runtime likes, so it cannot be compared with that of
        // the plan either. The runtime itself checks what it downloads against the digest in the plan's image.
        image_id: None,
        reason,
        last_log: None,
    }
}

fn run_of(pod: &Pod) -> i64 {
    run(&pod.metadata)
}

fn is_ending(pod: &Pod) -> bool {
    pod.metadata.deletion_timestamp.is_some()
}

/// Returns true unless all processes of a pod have ended. A pod that its node ended, to get disk space for example,
/// stays until Kubernetes deletes it, which may take weeks.
pub(super) fn is_alive(pod: &Pod) -> bool {
    let phase = pod.status.as_ref().and_then(|status| status.phase.as_deref());
    !matches!(phase, Some("Succeeded" | "Failed"))
}

/// The Deployment should have a pod, and has none of its run.
fn without_pod(deployment: &Deployment, pods: &[Pod]) -> (Phase, String) {
    if pods.iter().any(is_alive) {
        return (Phase::Pending, "the container before is stopping".to_owned());
    }
    let status = deployment.status.as_ref();
    let is_current = status.and_then(|status| status.observed_generation) >= deployment.metadata.generation;
    let conditions = status.and_then(|status| status.conditions.as_ref()).filter(|_| is_current);
    let failure = conditions
        .into_iter()
        .flatten()
        .find(|condition| condition.type_ == "ReplicaFailure" && condition.status == "True");
    let Some(message) = failure.map(|failure| failure.message.as_deref().unwrap_or_default()) else {
        return (Phase::Pending, "it is being created".to_owned());
    };
    if message.contains("exceeded quota") {
        return (Phase::Pending, "the cluster has no room for it: the quota of its namespace is used up".to_owned());
    }
    // Rules of the cluster, which do not change by waiting. Others, such as a webhook that does not answer, may.
    let phase = if message.contains("forbidden") { Phase::Failed } else { Phase::Pending };
    (phase, format!("the cluster refuses it: {}", short(message)))
}

fn of_pod(pod: &Pod, events: &[Event]) -> (Phase, String) {
    if is_ending(pod) {
        return (Phase::Pending, "it is being moved to another node".to_owned());
    }
    let status = pod.status.as_ref();
    if !is_alive(pod) && container(pod).is_none_or(|container| ending(container).is_none()) {
        // The node ended it: for its disk space or memory, or because it shuts down.
        let reason = status.and_then(|status| status.reason.as_deref()).unwrap_or("the node ended it");
        let message = status.and_then(|status| status.message.as_deref()).unwrap_or_default();
        return (Phase::Exited, format!("{reason}: {}", short(message)));
    }
    if let Some(container) = container(pod) {
        return of_container(pod, container, events);
    }
    let mut conditions = status.and_then(|status| status.conditions.as_ref()).into_iter().flatten();
    match conditions.find(|condition| condition.type_ == "PodScheduled" && condition.status == "False") {
        Some(condition) => (Phase::Pending, unscheduled(condition.message.as_deref().unwrap_or_default())),
        None => (Phase::Pending, "it is being created".to_owned()),
    }
}

/// Says why no node can run a pod.
fn unscheduled(message: &str) -> String {
    if message.contains("Insufficient memory") {
        "no node has enough free memory for it".to_owned()
    } else if message.contains("Insufficient cpu") {
        "no node has enough free CPU time for it".to_owned()
    } else if message.to_lowercase().contains("persistentvolumeclaim") {
        format!("its volume is not ready: {}", short(message))
    } else {
        format!("no node can run it yet: {}", short(message))
    }
}

fn of_container(pod: &Pod, container: &ContainerStatus, events: &[Event]) -> (Phase, String) {
    let limit = memory_limit(pod);
    let state = container.state.as_ref();
    if let Some(terminated) = state.and_then(|state| state.terminated.as_ref()) {
        return ended(terminated, limit);
    }
    if state.is_some_and(|state| state.running.is_some()) {
        if !container.ready {
            return (Phase::Pending, "it is starting".to_owned());
        }
        let reason = before(container).map(|before| {
            format!("it was started again, {} times so far: {}", container.restart_count, ended(before, limit).1)
        });
        return (Phase::Running, reason.unwrap_or_default());
    }
    let waiting = state.and_then(|state| state.waiting.as_ref());
    let message = waiting.and_then(|waiting| waiting.message.as_deref()).unwrap_or_default();
    match waiting.and_then(|waiting| waiting.reason.as_deref()).unwrap_or("ContainerCreating") {
        "CrashLoopBackOff" => match before(container) {
            Some(before) => ended(before, limit),
            None => (Phase::Exited, short(message)),
        },
        "InvalidImageName" | "ErrImageNeverPull" | "ImageInspectError" => {
            (Phase::Failed, format!("its image cannot be used: {}", short(message)))
        }
        "ErrImagePull" | "ImagePullBackOff" | "RegistryUnavailable" | "SignatureValidationFailed" => {
            let message = latest(events, "Failed").filter(|_| message.starts_with("Back-off")).unwrap_or(message);
            not_pulled(message)
        }
        // The Secret was deleted by hand: `apply` has created it anew.
        "CreateContainerConfigError" if message.contains("secret") && message.contains("not found") => {
            (Phase::Pending, "it is being created".to_owned())
        }
        "CreateContainerConfigError" => (Phase::Failed, format!("its container cannot be created: {}", short(message))),
        "CreateContainerError" | "RunContainerError" => {
            let phase = if message.contains("no command specified") { Phase::Failed } else { Phase::Pending };
            (phase, format!("its container cannot be created: {}", short(message)))
        }
        _ => (Phase::Pending, creating(events)),
    }
}

/// Says what a container that is being created waits for.
fn creating(events: &[Event]) -> String {
    let newest = events.iter().max_by_key(|event| time(event));
    match newest.and_then(|event| Some((event.reason.as_deref()?, event.message.as_deref().unwrap_or_default()))) {
        Some(("Pulling", _)) => "its image is being downloaded".to_owned(),
        Some(("FailedMount" | "FailedAttachVolume" | "FailedMapVolume", message)) => {
            format!("its volume is not ready: {}", short(message))
        }
        Some(("FailedCreatePodSandBox", message)) => format!("its network is not ready: {}", short(message)),
        _ => "it is being created".to_owned(),
    }
}

/// Returns the newest message of the events with this reason, without those that only repeat the name of an error.
fn latest<'a>(events: &'a [Event], reason: &str) -> Option<&'a str> {
    let events = events.iter().filter(|event| event.reason.as_deref() == Some(reason));
    let is_message = |event: &&Event| event.message.as_ref().is_some_and(|message| !message.starts_with("Error: "));
    events.filter(is_message).max_by_key(|event| time(event))?.message.as_deref()
}

fn time(event: &Event) -> Option<k8s_openapi::jiff::Timestamp> {
    let last = event.last_timestamp.as_ref().map(|time| time.0);
    last.or_else(|| event.event_time.as_ref().map(|time| time.0))
}

fn not_pulled(message: &str) -> (Phase, String) {
    let lower = message.to_lowercase();
    // A registry that does not answer may do so later.
    let phase = if REFUSALS.iter().any(|refusal| lower.contains(refusal)) { Phase::Failed } else { Phase::Pending };
    (phase, format!("its image cannot be downloaded: {}", short(message)))
}

fn ended(terminated: &ContainerStateTerminated, limit: Option<u64>) -> (Phase, String) {
    let message = terminated.message.as_deref().unwrap_or_default();
    match terminated.reason.as_deref() {
        Some("OOMKilled") => {
            let limit = limit.map(|limit| format!(": the limit is {limit} MB")).unwrap_or_default();
            (Phase::Exited, format!("out of memory{limit}"))
        }
        Some("StartError" | "ContainerCannotRun") => {
            (Phase::Failed, format!("its command cannot be run: {}", short(message)))
        }
        _ => match terminated.signal.filter(|&signal| signal != 0) {
            Some(signal) => (Phase::Exited, format!("it was ended by signal {signal}")),
            None => (Phase::Exited, format!("it ended with exit code {}", terminated.exit_code)),
        },
    }
}

/// Returns the memory limit of a pod, in megabytes.
fn memory_limit(pod: &Pod) -> Option<u64> {
    let limits = pod.spec.as_ref()?.containers.first()?.resources.as_ref()?.limits.as_ref()?;
    let text = limits.get("memory")?.0.as_str();
    // The API server writes a quantity with the largest unit: `1024Mi` becomes `1Gi`.
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let number = digits.parse::<u64>().ok()?;
    match &text[digits.len()..] {
        "Ki" => Some(number >> 10),
        "Mi" => Some(number),
        "Gi" => number.checked_mul(1 << 10),
        "Ti" => number.checked_mul(1 << 20),
        "" => Some(number >> 20),
        _ => None,
    }
}

/// Returns the first line of a message, at most [`MAX_MESSAGE`] characters.
pub(super) fn short(message: &str) -> String {
    message.lines().next().unwrap_or_default().chars().take(MAX_MESSAGE).collect()
}
