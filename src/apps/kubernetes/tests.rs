//! Kubernetes with an API server in memory (`fake_api`) and the real client.
//!
//! This proves which requests we send, and how we react to answers, statuses, races and failures. It does not prove
//! what a cluster makes of our objects: admission, defaults, scheduling, the rollout of a Deployment, garbage
//! collection, and whether its network enforces a `NetworkPolicy`.

mod fake_api;
mod lifecycle;
mod made;
mod races;
mod reasons;
mod volumes_and_logs;

use serde_json::{Value, json};

use self::fake_api::FakeApi;
use super::{Kubernetes, KubernetesSettings};
use crate::apps::backend::{Backend, Egress, Observed, Plan, RunLimits, Target, VolumeMount};
use crate::types::{Id, Secret};

const SITE: &str = "site-1";

fn install(number: u8) -> Id {
    let mut bytes = *b"\x01\x93\x00\x00\x00\x00\x70\x00\x80\x00\x00\x00\x00\x00\x00\x00";
    bytes[15] = number;
    Id::from_bytes(bytes)
}

fn digest() -> String {
    format!("sha256:{}", "0a".repeat(32))
}

fn settings() -> KubernetesSettings {
    KubernetesSettings { namespace: "apps".to_owned(), ..KubernetesSettings::default() }
}

/// A plan with everything.
fn plan(number: u8, run: i64, wanted: Target) -> Plan {
    let variable = |name: &str, value: &str| (name.to_owned(), Secret::new(value.to_owned()));
    Plan {
        install: install(number),
        run,
        wanted,
        image: format!("registry.example/notes@{}", digest()),
        image_id: None,
        port: 8000,
        environment: vec![variable("RUTTER_CLIENT_SECRET", "p4ssw0rd"), variable("RUTTER_USER", "ada")],
        volume: Some(VolumeMount {
            name: format!("rutter-volume-{number}"),
            path: "/storage".to_owned(),
            size_mb: 1024,
        }),
        egress: Egress::Server,
        limits: RunLimits { memory_mb: 512, cpu_millis: 500, pids: 128 },
        user: 10001,
        writable: false,
    }
}

async fn start() -> (FakeApi, Kubernetes) {
    let api = FakeApi::start().await;
    let kubernetes = Kubernetes::with_client(api.client(), &settings(), SITE).unwrap();
    (api, kubernetes)
}

fn deployment_name(number: u8) -> String {
    format!("rutter-{}", install(number))
}

/// Status of a pod whose container is in this state.
fn in_state(state: &Value) -> Value {
    let is_running = state["running"].is_object();
    json!({
        "phase": if is_running { "Running" } else { "Pending" },
        "containerStatuses": [{"name": "app", "ready": is_running, "restartCount": 0, "image": "notes",
            "imageID": format!("registry.example/notes@{}", digest()), "state": state}],
    })
}

fn running() -> Value {
    in_state(&json!({"running": {"startedAt": "2026-01-01T00:00:00Z"}}))
}

/// Applies a plan for a running app until it runs, and returns what there is then and the name of its pod.
async fn run(api: &FakeApi, kubernetes: &Kubernetes, plan: &Plan) -> (Observed, String) {
    kubernetes.apply(plan).await.unwrap();
    api.controllers();
    let name = format!("rutter-{}", plan.install);
    let pod = api.names("pods").into_iter().find(|pod| pod.starts_with(&name)).unwrap();
    api.status(&pod, &running());
    (kubernetes.apply(plan).await.unwrap(), pod)
}
