//! Volumes, and logs of containers that run and that have ended.

use bytes::Bytes;
use futures::TryStreamExt;
use hyper::Method;
use serde_json::json;

use super::fake_api::Fault;
use super::{deployment_name, in_state, install, plan, run, start};
use crate::apps::backend::{Backend, LAST_LOG_BYTES, LogQuery, Phase, Target};
use crate::apps::kubernetes::Kubernetes;
use crate::error::Kind;

async fn text(kubernetes: &Kubernetes, tail: u32) -> String {
    let log = kubernetes.logs(install(1), LogQuery { tail, follow: false }).await.unwrap();
    let chunks: Vec<Bytes> = log.try_collect().await.unwrap();
    String::from_utf8(chunks.concat()).unwrap()
}

#[tokio::test]
async fn a_volume_is_deleted_when_no_container_uses_it() {
    let (api, kubernetes) = start().await;
    kubernetes.remove_volume("rutter-volume-1").await.unwrap();
    let kind =
        async |kubernetes: &Kubernetes| kubernetes.remove_volume("rutter-volume-1").await.err().map(|e| e.kind());
    kubernetes.apply(&plan(1, 1, Target::Running)).await.unwrap();
    // Before its pod exists, while it does, and while it stops.
    assert_eq!(kind(&kubernetes).await, Some(Kind::Conflict));
    run(&api, &kubernetes, &plan(1, 1, Target::Running)).await;
    assert_eq!(kind(&kubernetes).await, Some(Kind::Conflict));
    kubernetes.apply(&plan(1, 1, Target::Stopped)).await.unwrap();
    assert_eq!(kind(&kubernetes).await, Some(Kind::Conflict));
    api.controllers();
    api.seen();
    assert_eq!(kind(&kubernetes).await, None);
    assert!(api.names("persistentvolumeclaims").is_empty());
    let seen = api.seen();
    assert!(seen.iter().any(|seen| seen.method == Method::DELETE && seen.body["preconditions"]["uid"].is_string()));
    assert_eq!(kind(&kubernetes).await, None);
}

/// Such a pod stays for a long time.
#[tokio::test]
async fn a_pod_that_its_node_has_ended_uses_nothing() {
    let (api, kubernetes) = start().await;
    let (_, pod) = run(&api, &kubernetes, &plan(1, 1, Target::Running)).await;
    api.status(&pod, &json!({"phase": "Failed", "reason": "Evicted"}));
    kubernetes.apply(&plan(1, 1, Target::Stopped)).await.unwrap();
    assert_eq!(kubernetes.apply(&plan(1, 1, Target::Stopped)).await.unwrap().phase, Phase::Absent);
    assert!(api.names("secrets").is_empty() && api.names("networkpolicies").is_empty());
    kubernetes.remove_volume("rutter-volume-1").await.unwrap();
    assert!(api.names("persistentvolumeclaims").is_empty());
}

#[tokio::test]
async fn a_volume_that_is_being_deleted_is_waited_for() {
    let (api, kubernetes) = start().await;
    run(&api, &kubernetes, &plan(1, 1, Target::Running)).await;
    api.edit("persistentvolumeclaims", "rutter-volume-1", |claim| {
        claim["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:00Z");
    });
    let error = kubernetes.apply(&plan(1, 2, Target::Running)).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Unavailable);
    // A volume is used again as it is, whatever its size.
    api.remove("persistentvolumeclaims", "rutter-volume-1");
    kubernetes.apply(&plan(1, 2, Target::Running)).await.unwrap();
    let before = api.get("persistentvolumeclaims", "rutter-volume-1");
    let mut larger = plan(1, 3, Target::Running);
    larger.volume.as_mut().unwrap().size_mb = 4096;
    kubernetes.apply(&larger).await.unwrap();
    assert_eq!(api.get("persistentvolumeclaims", "rutter-volume-1"), before);
}

#[tokio::test]
async fn logs_have_an_end_or_are_followed() {
    let (api, kubernetes) = start().await;
    kubernetes.apply(&plan(1, 1, Target::Running)).await.unwrap();
    let missing = kubernetes.logs(install(1), LogQuery { tail: 9, follow: false }).await;
    assert_eq!(missing.err().unwrap().kind(), Kind::NotFound);
    let (_, pod) = run(&api, &kubernetes, &plan(1, 1, Target::Running)).await;
    assert_eq!(text(&kubernetes, 9).await, "");
    api.log(&pod, false, &["one", "two", "three"]);
    assert_eq!(text(&kubernetes, 9).await, "one\ntwo\nthree\n");
    assert_eq!(text(&kubernetes, 2).await, "two\nthree\n");
    assert_eq!(text(&kubernetes, 0).await, "");

    let more = api.log_more(&pod);
    let mut log = kubernetes.logs(install(1), LogQuery { tail: 1, follow: true }).await.unwrap();
    assert_eq!(log.try_next().await.unwrap().unwrap(), "three\n");
    more.send(Bytes::from_static(b"four\n")).unwrap();
    assert_eq!(log.try_next().await.unwrap().unwrap(), "four\n");
    drop(more);
    assert_eq!(log.try_next().await.unwrap(), None);
    // The pod may be gone between the two requests.
    api.fail(&Method::GET, "/log", [Fault::Status(404, "not found")]);
    let mut log = kubernetes.logs(install(1), LogQuery { tail: 1, follow: true }).await.unwrap();
    assert_eq!(log.try_next().await.unwrap_err().kind(), Kind::NotFound);
}

#[tokio::test]
async fn the_log_of_a_container_that_has_ended_is_kept() {
    let (api, kubernetes) = start().await;
    let (_, pod) = run(&api, &kubernetes, &plan(1, 1, Target::Running)).await;
    let mut status = in_state(&json!({"waiting": {"reason": "CrashLoopBackOff"}}));
    status["containerStatuses"][0]["lastState"] = json!({"terminated": {"exitCode": 1}});
    api.status(&pod, &status);
    api.log(&pod, true, &["panic!"]);
    assert_eq!(text(&kubernetes, 9).await, "panic!\n");
    let query = LogQuery { tail: 9, follow: true };
    let chunks: Vec<Bytes> = kubernetes.logs(install(1), query).await.unwrap().try_collect().await.unwrap();
    assert_eq!(chunks.concat(), b"panic!\n");
    let observed = kubernetes.apply(&plan(1, 1, Target::Running)).await.unwrap();
    assert_eq!(observed.last_log.as_deref(), Some("panic!\n"));
    // A list of all apps has no logs.
    assert_eq!(kubernetes.observe().await.unwrap()[0].last_log, None);

    let line = "ä".repeat(1000);
    api.log(&pod, true, &vec![&*line; 300]);
    let last = kubernetes.apply(&plan(1, 1, Target::Stopped)).await.unwrap().last_log.unwrap();
    assert!(last.len() <= LAST_LOG_BYTES && last.len() > LAST_LOG_BYTES - 8, "{}", last.len());
    assert!(last.ends_with("ä\n"));
    // Without its log, an app is stopped nevertheless.
    run(&api, &kubernetes, &plan(2, 1, Target::Running)).await;
    api.fail(&Method::GET, "/log", [Fault::Status(500, "the node does not answer")]);
    assert_eq!(kubernetes.apply(&plan(2, 1, Target::Stopped)).await.unwrap().last_log, None);
    assert_eq!(api.get("deployments", &deployment_name(2)).unwrap()["spec"]["replicas"], 0);
}
