//! What is reported of pods, in the words for their owners.

use hyper::Method;
use serde_json::{Value, json};

use super::fake_api::{FakeApi, Fault};
use super::{deployment_name, in_state, plan, run, running, start};
use crate::apps::backend::{Backend, Observed, Phase, Target};
use crate::apps::kubernetes::Kubernetes;

async fn with_status(status: &Value) -> (FakeApi, Kubernetes, String, Observed) {
    let (api, kubernetes) = start().await;
    let (_, pod) = run(&api, &kubernetes, &plan(1, 1, Target::Running)).await;
    api.status(&pod, status);
    api.writes();
    let observed = kubernetes.apply(&plan(1, 1, Target::Running)).await.unwrap();
    assert_eq!(api.writes(), [""; 0]);
    let listed = kubernetes.observe().await.unwrap();
    assert_eq!((listed.len(), listed[0].phase), (1, observed.phase));
    (api, kubernetes, pod, observed)
}

async fn reason(status: Value) -> (Phase, String) {
    let observed = with_status(&status).await.3;
    assert_eq!(observed.endpoint.is_some(), observed.phase == Phase::Running);
    assert_eq!(observed.image_id, None);
    (observed.phase, observed.reason)
}

fn waiting(why: &str, message: &str) -> Value {
    in_state(&json!({"waiting": {"reason": why, "message": message}}))
}

fn ended(why: &str, code: i32) -> Value {
    json!({"terminated": {"reason": why, "exitCode": code}})
}

fn crashed(terminated: &Value, restarts: u32) -> Value {
    let mut status = waiting("CrashLoopBackOff", "back-off 10s restarting failed container");
    status["containerStatuses"][0]["lastState"] = terminated.clone();
    status["containerStatuses"][0]["restartCount"] = json!(restarts);
    status
}

#[tokio::test]
async fn images_that_cannot_be_pulled() {
    for (why, message, phase) in [
        ("InvalidImageName", "couldn't parse image name", Phase::Failed),
        ("ErrImagePull", "failed to resolve reference \"x\": x: not found", Phase::Failed),
        ("ImagePullBackOff", "Back-off pulling image \"x\": ErrImagePull: manifest unknown", Phase::Failed),
        ("ErrImagePull", "pull access denied, repository does not exist", Phase::Failed),
        ("ErrImagePull", "failed to authorize: 401 Unauthorized", Phase::Failed),
        ("ErrImagePull", "no match for platform in manifest", Phase::Failed),
        ("ErrImagePull", "dial tcp 192.0.2.1:443: i/o timeout", Phase::Pending),
        ("ErrImagePull", "lookup registry.example: no such host", Phase::Pending),
        ("ImagePullBackOff", "Back-off pulling image \"x\"", Phase::Pending),
    ] {
        let (found, text) = reason(waiting(why, message)).await;
        assert_eq!(found, phase, "{why} {message}");
        assert!(text.starts_with("its image cannot be ") && text.ends_with(message), "{text}");
    }
}

#[tokio::test]
async fn events_say_what_a_pod_waits_for() {
    let (api, kubernetes, pod, observed) = with_status(&waiting("ContainerCreating", "")).await;
    assert_eq!((observed.phase, &*observed.reason), (Phase::Pending, "it is being created"));
    let event = |number: u32, of: &str, why: &str, message: &str| {
        let metadata = json!({"name": format!("event-{number}")});
        let time = format!("2026-01-01T00:00:{number:02}Z");
        api.put(
            "events",
            json!({"apiVersion": "v1", "kind": "Event", "metadata": metadata, "reason": why,
            "message": message, "lastTimestamp": time, "involvedObject": {"kind": "Pod", "name": of}}),
        );
    };
    let reason = async || {
        let observed = kubernetes.apply(&plan(1, 1, Target::Running)).await.unwrap();
        (observed.phase, observed.reason)
    };
    event(1, &pod, "Scheduled", "Successfully assigned");
    event(2, &pod, "Pulling", "Pulling image \"x\"");
    event(9, "another", "FailedMount", "of another");
    assert_eq!(reason().await, (Phase::Pending, "its image is being downloaded".to_owned()));
    event(3, &pod, "FailedMount", "Unable to attach or mount volumes: timed out\nmore");
    let text = "its volume is not ready: Unable to attach or mount volumes: timed out";
    assert_eq!(reason().await, (Phase::Pending, text.to_owned()));
    // The status of older releases does not say why the image cannot be pulled.
    event(4, &pod, "Failed", "Failed to pull image \"x\": not found");
    event(5, &pod, "Failed", "Error: ErrImagePull");
    api.status(&pod, &waiting("ImagePullBackOff", "Back-off pulling image \"x\""));
    let text = "its image cannot be downloaded: Failed to pull image \"x\": not found";
    assert_eq!(reason().await, (Phase::Failed, text.to_owned()));
    // Without the permission to read events, the state is the same.
    api.fail(&Method::GET, "events", [Fault::Status(403, "events is forbidden")]);
    assert_eq!(reason().await.0, Phase::Pending);
}

#[tokio::test]
async fn containers_that_cannot_be_created() {
    let message = "secret \"rutter-1\" not found";
    assert_eq!(reason(waiting("CreateContainerConfigError", message)).await.0, Phase::Pending);
    let (phase, text) = reason(waiting("CreateContainerConfigError", "invalid variable names")).await;
    assert_eq!((phase, &*text), (Phase::Failed, "its container cannot be created: invalid variable names"));
    assert_eq!(reason(waiting("CreateContainerError", "no command specified")).await.0, Phase::Failed);
    assert_eq!(reason(waiting("CreateContainerError", "context deadline exceeded")).await.0, Phase::Pending);
    let mut status = crashed(&ended("StartError", 128), 1);
    status["containerStatuses"][0]["lastState"]["terminated"]["message"] = json!("exec: \"x\": not found");
    let (phase, text) = reason(status).await;
    assert_eq!((phase, &*text), (Phase::Failed, "its command cannot be run: exec: \"x\": not found"));
}

#[tokio::test]
async fn containers_that_have_ended() {
    for (state, text) in [
        (ended("Error", 3), "it ended with exit code 3"),
        (ended("Completed", 0), "it ended with exit code 0"),
        (ended("OOMKilled", 137), "out of memory: the limit is 512 MB"),
        (json!({"terminated": {"exitCode": 0, "signal": 11}}), "it was ended by signal 11"),
    ] {
        assert_eq!(reason(in_state(&state)).await, (Phase::Exited, text.to_owned()));
        assert_eq!(reason(crashed(&state, 4)).await, (Phase::Exited, text.to_owned()));
    }
    // The API server writes quantities with the largest unit.
    let (api, kubernetes, pod, _) = with_status(&in_state(&ended("OOMKilled", 137))).await;
    for (quantity, limit) in [("1Gi", "1024"), ("536870912", "512"), ("2048Ki", "2")] {
        api.edit("pods", &pod, |pod| {
            *pod.pointer_mut("/spec/containers/0/resources/limits/memory").unwrap() = json!(quantity);
        });
        let observed = kubernetes.apply(&plan(1, 1, Target::Running)).await.unwrap();
        assert_eq!(observed.reason, format!("out of memory: the limit is {limit} MB"));
    }
    let evicted = json!({"phase": "Failed", "reason": "Evicted", "message": "The node was low on resource: disk"});
    let text = "Evicted: The node was low on resource: disk";
    assert_eq!(reason(evicted).await, (Phase::Exited, text.to_owned()));
}

#[tokio::test]
async fn a_container_that_was_started_again_runs() {
    let mut status = running();
    status["containerStatuses"][0]["lastState"] = ended("Error", 1);
    status["containerStatuses"][0]["restartCount"] = json!(2);
    let text = "it was started again, 2 times so far: it ended with exit code 1";
    assert_eq!(reason(status.clone()).await, (Phase::Running, text.to_owned()));
    status["containerStatuses"][0]["ready"] = json!(false);
    assert_eq!(reason(status).await, (Phase::Pending, "it is starting".to_owned()));
}

#[tokio::test]
async fn pods_that_no_node_can_run() {
    for (message, text) in [
        ("0/3 nodes are available: 3 Insufficient memory.", "no node has enough free memory for it"),
        ("0/3 nodes are available: 3 Insufficient cpu.", "no node has enough free CPU time for it"),
        (
            "pod has unbound immediate PersistentVolumeClaims",
            "its volume is not ready: pod has unbound immediate PersistentVolumeClaims",
        ),
        ("3 node(s) had untolerated taint", "no node can run it yet: 3 node(s) had untolerated taint"),
    ] {
        let condition =
            json!({"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": message});
        let status = json!({"phase": "Pending", "conditions": [condition]});
        assert_eq!(reason(status).await, (Phase::Pending, text.to_owned()));
    }
    assert_eq!(reason(json!({"phase": "Pending"})).await, (Phase::Pending, "it is being created".to_owned()));
}

#[tokio::test]
async fn a_pod_that_is_moved_is_pending() {
    let (api, kubernetes, pod, _) = with_status(&running()).await;
    api.edit("pods", &pod, |pod| pod["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:00Z"));
    let observed = kubernetes.apply(&plan(1, 1, Target::Running)).await.unwrap();
    assert_eq!((observed.phase, &*observed.reason), (Phase::Pending, "it is being moved to another node"));
    // The pod that takes its place counts.
    let metadata = api.get("pods", &pod).unwrap()["metadata"].clone();
    let metadata = json!({"name": "zz", "labels": metadata["labels"], "creationTimestamp": "2025-01-01T00:00:00Z"});
    api.put("pods", json!({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "status": running()}));
    let observed = kubernetes.apply(&plan(1, 1, Target::Running)).await.unwrap();
    assert_eq!((observed.phase, &*observed.reason), (Phase::Running, ""));
}

#[tokio::test]
async fn pods_that_the_cluster_refuses() {
    let (api, kubernetes) = start().await;
    kubernetes.apply(&plan(1, 1, Target::Running)).await.unwrap();
    let quota = "the cluster has no room for it: the quota of its namespace is used up";
    for (message, phase, text) in [
        ("pods \"x\" is forbidden: exceeded quota: apps", Phase::Pending, quota),
        (
            "pods \"x\" is forbidden: violates PodSecurity",
            Phase::Failed,
            "the cluster refuses it: pods \"x\" is forbidden: violates PodSecurity",
        ),
        ("failed calling webhook", Phase::Pending, "the cluster refuses it: failed calling webhook"),
    ] {
        for (generation, is_current) in [(1_000, true), (0, false)] {
            api.edit("deployments", &deployment_name(1), |deployment| {
                deployment["status"] = json!({"observedGeneration": generation, "conditions":
                    [{"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": message}]});
            });
            let observed = kubernetes.apply(&plan(1, 1, Target::Running)).await.unwrap();
            // A status of before the last change says nothing.
            let expected = if is_current { (phase, text) } else { (Phase::Pending, "it is being created") };
            assert_eq!((observed.phase, &*observed.reason), expected);
        }
    }
}

#[tokio::test]
async fn objects_that_kubernetes_refuses() {
    for what in ["deployments", "persistentvolumeclaims", "networkpolicies", "services", "secrets"] {
        let (api, kubernetes) = start().await;
        api.fail(&Method::POST, what, [Fault::Status(422, "spec.x: Invalid value")]);
        let observed = kubernetes.apply(&plan(1, 1, Target::Running)).await.unwrap();
        assert_eq!((observed.phase, observed.run), (Phase::Failed, 1), "{what}");
        assert_eq!(observed.reason, "Kubernetes refuses it: spec.x: Invalid value");
        // Its pod is never made.
        assert!(api.controllers().is_empty());
    }
}
