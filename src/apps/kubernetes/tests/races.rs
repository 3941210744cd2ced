//! Several servers, late servers, and an API server that fails.

use std::sync::Arc;
use std::time::{Duration, Instant};

use hyper::Method;
use tokio::sync::Notify;

use super::fake_api::{FakeApi, Fault};
use super::{SITE, deployment_name, install, plan, run, settings, start};
use crate::apps::backend::{Backend, Phase, Target};
use crate::apps::kubernetes::Kubernetes;
use crate::error::Kind;

#[tokio::test]
async fn an_earlier_run_changes_nothing() {
    let (api, kubernetes) = start().await;
    let (later, _) = run(&api, &kubernetes, &plan(1, 5, Target::Running)).await;
    api.writes();
    let before = api.all();
    for wanted in [Target::Running, Target::Paused, Target::Stopped] {
        assert_eq!(kubernetes.apply(&plan(1, 4, wanted)).await.unwrap(), later);
    }
    assert_eq!(api.writes(), [""; 0]);
    assert_eq!(api.all(), before);
    // Also after the later run was stopped.
    kubernetes.apply(&plan(1, 5, Target::Stopped)).await.unwrap();
    api.controllers();
    kubernetes.apply(&plan(1, 5, Target::Stopped)).await.unwrap();
    let before = api.all();
    let observed = kubernetes.apply(&plan(1, 4, Target::Running)).await.unwrap();
    assert_eq!((observed.run, observed.phase), (5, Phase::Absent));
    assert_eq!(api.all(), before);
}

#[tokio::test]
async fn an_earlier_run_that_has_already_read_loses() {
    let (api, first) = start().await;
    run(&api, &first, &plan(1, 1, Target::Running)).await;
    let second = Kubernetes::with_client(api.client(), &settings(), SITE).unwrap();
    // The first server has read run 1, and is slow to write run 2; meanwhile, the second one writes run 3.
    let gate = Arc::new(Notify::new());
    api.fail(&Method::POST, "secrets", [Fault::Hold(gate.clone())]);
    let late = tokio::spawn(async move { first.apply(&plan(1, 2, Target::Running)).await });
    api.failed().await;
    let newer = second.apply(&plan(1, 3, Target::Running)).await.unwrap();
    gate.notify_one();
    assert_eq!(newer.run, 3);
    assert_eq!(late.await.unwrap().unwrap().run, 3);
    let deployment = api.get("deployments", &deployment_name(1)).unwrap();
    assert_eq!(deployment["metadata"]["labels"]["rutter.run"], "3");
    let from = &deployment["spec"]["template"]["spec"]["containers"][0]["envFrom"][0]["secretRef"]["name"];
    assert_eq!(*from, format!("{}-3", deployment_name(1)));
    // What the late one has created is removed with the next steps of the newer run.
    run(&api, &second, &plan(1, 3, Target::Running)).await;
    for kind in ["networkpolicies", "services", "secrets"] {
        assert_eq!(api.names(kind), [format!("{}-3", deployment_name(1))], "{kind}");
    }
}

#[tokio::test]
async fn two_servers_make_one_container() {
    for _ in 0..20 {
        let (api, first) = start().await;
        let second = Kubernetes::with_client(api.client(), &settings(), SITE).unwrap();
        let (one, two) = (plan(1, 1, Target::Running), plan(1, 1, Target::Running));
        let (one, two) = tokio::join!(first.apply(&one), second.apply(&two));
        assert_eq!((one.unwrap().phase, two.unwrap().phase), (Phase::Pending, Phase::Pending));
        for kind in ["deployments", "networkpolicies", "services", "secrets", "persistentvolumeclaims"] {
            assert_eq!(api.names(kind).len(), 1, "{kind}");
        }
        assert_eq!(api.controllers().len(), 1);
    }
}

#[tokio::test]
async fn the_later_of_two_concurrent_runs_wins() {
    for _ in 0..20 {
        let (api, first) = start().await;
        let second = Kubernetes::with_client(api.client(), &settings(), SITE).unwrap();
        let (one, two) = (plan(1, 1, Target::Running), plan(1, 2, Target::Running));
        let (one, two) = tokio::join!(first.apply(&one), second.apply(&two));
        assert_eq!(two.unwrap().run, 2);
        assert!(one.unwrap().run <= 2);
        run(&api, &second, &plan(1, 2, Target::Running)).await;
        let deployment = api.get("deployments", &deployment_name(1)).unwrap();
        assert_eq!(deployment["metadata"]["labels"]["rutter.run"], "2");
        assert_eq!(api.names("secrets"), [format!("{}-2", deployment_name(1))]);
    }
}

/// Every request of an install and of a stop fails once, in each way; trying again always ends well.
#[tokio::test]
async fn any_request_may_fail() {
    let faults = [Fault::Status(500, "etcd"), Fault::Status(503, "busy"), Fault::Reset, Fault::Lost];
    let (api, kubernetes) = start().await;
    kubernetes.apply(&plan(1, 1, Target::Running)).await.unwrap();
    let requests: Vec<_> = api.seen().into_iter().map(|seen| (seen.method, seen.what)).collect();
    assert!(requests.len() > 10);
    for (at, (method, what)) in requests.iter().enumerate() {
        // The same request for the second time, if it is there twice.
        let earlier = requests[..at].iter().filter(|earlier| *earlier == &(method.clone(), what.clone())).count();
        for fault in &faults {
            let (api, kubernetes) = start().await;
            let passing = std::iter::repeat_n(Fault::Delay(Duration::ZERO), earlier);
            api.fail(method, what, passing.chain([fault.clone()]));
            let wanted = plan(1, 1, Target::Running);
            // The client itself sends a request again if a reused connection was closed before the answer began.
            if let Err(error) = kubernetes.apply(&wanted).await {
                assert_eq!(error.kind(), Kind::Unavailable, "{method} {what} {fault:?}");
            }
            let (observed, _) = run(&api, &kubernetes, &wanted).await;
            assert_eq!(observed.phase, Phase::Running, "{method} {what} {fault:?}");
            assert_eq!((api.names("secrets").len(), api.names("pods").len()), (1, 1));
            kubernetes.remove(install(1)).await.unwrap();
            api.controllers();
            assert_eq!(kubernetes.observe().await.unwrap(), []);
        }
    }
}

#[tokio::test]
async fn a_server_that_does_not_answer_is_unavailable() {
    let api = FakeApi::start().await;
    let mut kubernetes = Kubernetes::with_client(api.client(), &settings(), SITE).unwrap();
    kubernetes.namespace = kubernetes.namespace.with_limits(500, Duration::from_millis(100));
    let kubernetes = Arc::new(kubernetes);
    for what in ["deployments", "pods"] {
        api.fail(&Method::GET, what, [Fault::Delay(Duration::from_secs(60))]);
        let begun = Instant::now();
        assert_eq!(kubernetes.observe().await.unwrap_err().kind(), Kind::Unavailable);
        assert!(begun.elapsed() < Duration::from_secs(5));
    }
    for (code, message) in [(401, "unauthorized"), (403, "deployments is forbidden"), (429, "slow down")] {
        api.fail(&Method::GET, "deployments", [Fault::Status(code, message)]);
        assert_eq!(kubernetes.observe().await.unwrap_err().kind(), Kind::Unavailable);
        api.fail(&Method::POST, "deployments", [Fault::Status(code, message)]);
        let error = kubernetes.apply(&plan(1, 1, Target::Running)).await.unwrap_err();
        // What Kubernetes says is for the log.
        assert!(error.kind() == Kind::Unavailable && !error.detail().contains(message), "{}", error.detail());
    }
    assert!(kubernetes.observe().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_conflict_that_does_not_end_is_reported() {
    let (api, kubernetes) = start().await;
    api.fail(&Method::PATCH, "deployments", (0..5).map(|_| Fault::Status(409, "modified")));
    assert_eq!(kubernetes.apply(&plan(1, 1, Target::Running)).await.unwrap_err().kind(), Kind::Unavailable);
    assert_eq!(kubernetes.apply(&plan(1, 1, Target::Running)).await.unwrap().phase, Phase::Pending);
}

#[tokio::test]
async fn lists_have_pages_and_begin_again_when_they_expire() {
    let (api, mut kubernetes) = start().await;
    kubernetes.namespace = kubernetes.namespace.with_limits(4, Duration::from_secs(5));
    for number in 0..9 {
        kubernetes.apply(&plan(number, 1, Target::Running)).await.unwrap();
    }
    api.controllers();
    api.seen();
    assert_eq!(kubernetes.observe().await.unwrap().len(), 9);
    assert_eq!(api.seen().len(), 6);
    api.expire(2);
    assert_eq!(kubernetes.observe().await.unwrap().len(), 9);
    api.expire(10);
    assert_eq!(kubernetes.observe().await.unwrap_err().kind(), Kind::Unavailable);
    api.expire(0);
    kubernetes.namespace = kubernetes.namespace.with_limits(500, Duration::from_secs(5));
    api.seen();
    assert_eq!(kubernetes.observe().await.unwrap().len(), 9);
    assert_eq!(api.seen().len(), 2);
}
