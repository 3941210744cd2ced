//! From install to removal.

use std::collections::{BTreeMap, BTreeSet};

use hyper::Method;
use serde_json::json;

use super::{SITE, deployment_name, digest, install, plan, run, settings, start};
use crate::apps::backend::{Backend, LogQuery, Observed, Phase, Target};
use crate::apps::kubernetes::{Kubernetes, KubernetesSettings};
use crate::error::Kind;

fn absent(number: u8) -> Observed {
    Observed {
        install: install(number),
        run: 0,
        phase: Phase::Absent,
        endpoint: None,
        image_id: None,
        reason: String::new(),
        last_log: None,
    }
}

#[tokio::test]
async fn an_app_is_started_and_a_second_request_changes_nothing() {
    let (api, kubernetes) = start().await;
    let wanted = plan(1, 1, Target::Running);
    let first = kubernetes.apply(&wanted).await.unwrap();
    assert_eq!((first.phase, first.run), (Phase::Pending, 1));
    let (deployment, of_run) = (deployment_name(1), format!("{}-1", deployment_name(1)));
    // The pod is wanted last: when everything that closes it in exists.
    assert_eq!(
        api.writes(),
        [
            "POST deployments".to_owned(),
            "POST persistentvolumeclaims".to_owned(),
            "POST networkpolicies".to_owned(),
            "POST services".to_owned(),
            "POST secrets".to_owned(),
            format!("PATCH deployments/{deployment}"),
        ]
    );
    let uid = &api.get("deployments", &deployment).unwrap()["metadata"]["uid"];
    for kind in ["networkpolicies", "services", "secrets"] {
        assert_eq!(&api.get(kind, &of_run).unwrap()["metadata"]["ownerReferences"][0]["uid"], uid, "{kind}");
    }
    let (observed, _) = run(&api, &kubernetes, &wanted).await;
    let endpoint = Some(format!("{of_run}.apps.svc:8000"));
    assert_eq!(observed, Observed { run: 1, phase: Phase::Running, endpoint, ..absent(1) });
    assert_eq!(kubernetes.apply(&wanted).await.unwrap(), observed);
    assert_eq!(kubernetes.observe().await.unwrap(), [observed]);
    assert_eq!(api.writes(), [""; 0]);
}

#[tokio::test]
async fn writes_have_our_name_and_preconditions() {
    let (api, kubernetes) = start().await;
    kubernetes.apply(&plan(1, 1, Target::Running)).await.unwrap();
    let seen = api.seen();
    let writes: Vec<_> = seen.iter().filter(|seen| seen.method != Method::GET).collect();
    assert!(writes.iter().all(|seen| seen.query["fieldManager"] == "rutter"));
    let patch = writes.iter().find(|seen| seen.method == Method::PATCH).unwrap();
    assert_eq!(patch.query["force"], "true");
    assert!(patch.body["metadata"]["resourceVersion"].is_string() && patch.body["metadata"]["uid"].is_string());
    // No Secret is ever read, and none is sent back.
    assert!(!seen.iter().any(|seen| seen.method == Method::GET && seen.what.starts_with("secrets/")));
    for seen in writes.iter().filter(|seen| seen.what != "secrets") {
        assert!(!seen.body.to_string().contains("cDRzc3cwcmQ"), "{}", seen.what);
    }
}

/// The role of the server, in `deploy/helm`, needs these permissions, and no others.
#[tokio::test]
async fn the_permissions_that_are_needed() {
    let (api, kubernetes) = start().await;
    let (_, pod) = run(&api, &kubernetes, &plan(1, 1, Target::Running)).await;
    api.log(&pod, false, &["hello"]);
    run(&api, &kubernetes, &plan(1, 2, Target::Running)).await;
    api.status(&api.names("pods")[0], &json!({"phase": "Pending"}));
    kubernetes.apply(&plan(1, 2, Target::Running)).await.unwrap();
    drop(kubernetes.logs(install(1), LogQuery { tail: 10, follow: false }).await.unwrap());
    kubernetes.observe().await.unwrap();
    kubernetes.remove(install(1)).await.unwrap();
    api.controllers();
    kubernetes.remove_volume("rutter-volume-1").await.unwrap();
    let mut verbs: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
    for seen in api.seen() {
        let parts: Vec<&str> = seen.what.split('/').collect();
        let verb = match (&seen.method, parts.len()) {
            (&Method::GET, 1) => "list",
            (&Method::GET, _) => "get",
            (&Method::POST, _) => "create",
            (&Method::PATCH, _) => "patch",
            (&Method::DELETE, 2) => "delete",
            other => panic!("{other:?}"),
        };
        let resource = if parts.len() == 3 { format!("{}/{}", parts[0], parts[2]) } else { parts[0].to_owned() };
        verbs.entry(resource).or_default().insert(verb);
    }
    let expected = [
        ("deployments", "create delete get list patch"),
        ("events", "list"),
        ("networkpolicies", "create delete list"),
        ("persistentvolumeclaims", "create delete get"),
        ("pods", "list"),
        ("pods/log", "get"),
        ("secrets", "create delete list"),
        ("services", "create delete list"),
    ];
    let found = verbs.into_iter().map(|(resource, verbs)| (resource, verbs.into_iter().collect::<Vec<_>>().join(" ")));
    assert_eq!(found.collect::<Vec<_>>(), expected.map(|(resource, verbs)| (resource.to_owned(), verbs.to_owned())));
}

#[tokio::test]
async fn a_paused_or_stopped_app_has_no_pod_and_keeps_its_run() {
    for wanted in [Target::Paused, Target::Stopped] {
        let (api, kubernetes) = start().await;
        assert!(!kubernetes.can_pause());
        // Nothing is made for an app that has never run.
        assert_eq!(kubernetes.apply(&plan(1, 1, wanted)).await.unwrap(), absent(1));
        assert_eq!(api.writes(), [""; 0]);
        let (_, pod) = run(&api, &kubernetes, &plan(1, 1, Target::Running)).await;
        api.log(&pod, false, &["hello", "bye"]);
        api.writes();

        let stopping = kubernetes.apply(&plan(1, 1, wanted)).await.unwrap();
        assert_eq!((stopping.phase, stopping.endpoint), (Phase::Running, None));
        assert_eq!(stopping.last_log.as_deref(), Some("hello\nbye\n"));
        // Until its pod is gone, its network stays closed.
        kubernetes.apply(&plan(1, 1, wanted)).await.unwrap();
        assert_eq!(api.writes(), [format!("PATCH deployments/{}", deployment_name(1))]);
        assert!(api.controllers().is_empty());
        assert_eq!(kubernetes.apply(&plan(1, 1, wanted)).await.unwrap(), absent(1));
        assert_eq!(kubernetes.observe().await.unwrap(), [absent(1)]);
        for kind in ["networkpolicies", "services", "secrets"] {
            assert_eq!(api.names(kind), [""; 0], "{kind}");
        }
        assert_eq!(api.writes().len(), 3);
        kubernetes.apply(&plan(1, 1, wanted)).await.unwrap();
        assert_eq!(api.writes(), [""; 0]);
        // The same run goes on.
        let (observed, _) = run(&api, &kubernetes, &plan(1, 1, Target::Running)).await;
        assert_eq!((observed.run, observed.phase), (1, Phase::Running));
    }
}

#[tokio::test]
async fn a_later_run_replaces_an_earlier_one() {
    let (api, kubernetes) = start().await;
    let (_, pod) = run(&api, &kubernetes, &plan(1, 1, Target::Running)).await;
    api.log(&pod, false, &["run one"]);
    let mut second = plan(1, 2, Target::Running);
    (second.port, second.volume) = (9000, None);
    let replaced = kubernetes.apply(&second).await.unwrap();
    assert_eq!((replaced.run, replaced.phase), (2, Phase::Pending));
    assert_eq!(replaced.reason, "the container before is stopping");
    assert_eq!(replaced.last_log.as_deref(), Some("run one\n"));
    // The objects of the run before stay while its pod does.
    kubernetes.apply(&second).await.unwrap();
    assert_eq!(api.names("networkpolicies").len(), 2);
    let (observed, _) = run(&api, &kubernetes, &second).await;
    assert_eq!(observed.endpoint, Some(format!("{}-2.apps.svc:9000", deployment_name(1))));
    for kind in ["networkpolicies", "services", "secrets"] {
        assert_eq!(api.names(kind), [format!("{}-2", deployment_name(1))], "{kind}");
    }
    // What only the run before had is gone.
    let deployment = api.get("deployments", &deployment_name(1)).unwrap();
    let pod = &deployment["spec"]["template"]["spec"];
    assert_eq!(pod["volumes"].as_array().unwrap().len(), 1);
    assert_eq!(pod["containers"][0]["ports"][0]["containerPort"], 9000);
    assert_eq!(api.names("persistentvolumeclaims"), ["rutter-volume-1"]);
}

#[tokio::test]
async fn what_others_change_is_changed_back() {
    let (api, kubernetes) = start().await;
    let wanted = plan(1, 1, Target::Running);
    run(&api, &kubernetes, &wanted).await;
    let name = deployment_name(1);
    let deployment = || api.get("deployments", &name).unwrap();
    api.edit("deployments", &name, |object| object["spec"]["replicas"] = json!(0));
    kubernetes.apply(&wanted).await.unwrap();
    assert_eq!(deployment()["spec"]["replicas"], 1);
    let image = "/spec/template/spec/containers/0/image";
    api.edit("deployments", &name, |object| *object.pointer_mut(image).unwrap() = json!("notes:latest"));
    kubernetes.apply(&wanted).await.unwrap();
    assert_eq!(*deployment().pointer(image).unwrap(), wanted.image);
    let of_run = format!("{name}-1");
    for kind in ["networkpolicies", "services", "secrets"] {
        api.remove(kind, &of_run);
        kubernetes.apply(&wanted).await.unwrap();
        assert!(api.get(kind, &of_run).is_some(), "{kind}");
    }
}

#[tokio::test]
async fn removal_leaves_the_volume() {
    let (api, kubernetes) = start().await;
    run(&api, &kubernetes, &plan(1, 1, Target::Running)).await;
    run(&api, &kubernetes, &plan(2, 1, Target::Running)).await;
    api.seen();
    kubernetes.remove(install(1)).await.unwrap();
    let seen = api.seen();
    let delete = seen.iter().find(|seen| seen.method == Method::DELETE).unwrap();
    assert_eq!(delete.body["propagationPolicy"], "Background");
    assert!(delete.body["preconditions"]["uid"].is_string());
    // Its pod is there until Kubernetes has deleted it.
    let observed = kubernetes.observe().await.unwrap();
    assert_eq!((observed.len(), observed[0].phase, &*observed[0].reason), (2, Phase::Running, "it is stopping"));
    kubernetes.remove(install(1)).await.unwrap();
    assert_eq!(api.writes(), [""; 0]);
    api.controllers();
    kubernetes.remove(install(1)).await.unwrap();
    assert_eq!(kubernetes.observe().await.unwrap().len(), 1);
    assert_eq!(api.names("secrets"), [format!("{}-1", deployment_name(2))]);
    assert_eq!(api.names("persistentvolumeclaims"), ["rutter-volume-1", "rutter-volume-2"]);
    let query = LogQuery { tail: 10, follow: false };
    assert_eq!(kubernetes.logs(install(1), query).await.err().unwrap().kind(), Kind::NotFound);
}

#[tokio::test]
async fn removal_finds_what_a_deleted_deployment_has_left() {
    let (api, kubernetes) = start().await;
    let (_, pod) = run(&api, &kubernetes, &plan(1, 1, Target::Running)).await;
    api.remove("deployments", &deployment_name(1));
    api.remove("pods", &pod);
    kubernetes.remove(install(1)).await.unwrap();
    for kind in ["networkpolicies", "services", "secrets"] {
        assert_eq!(api.names(kind), [""; 0], "{kind}");
    }
}

#[tokio::test]
async fn objects_of_a_deployment_that_was_deleted_by_hand_are_not_used() {
    let (api, kubernetes) = start().await;
    run(&api, &kubernetes, &plan(1, 1, Target::Running)).await;
    // Garbage collection is slow.
    api.remove("deployments", &deployment_name(1));
    kubernetes.apply(&plan(1, 1, Target::Running)).await.unwrap();
    api.controllers();
    for kind in ["networkpolicies", "services", "secrets"] {
        assert_eq!(api.names(kind), [format!("{}-1", deployment_name(1))], "{kind}");
    }
}

#[tokio::test]
async fn objects_of_others_are_not_touched() {
    let (api, ours) = start().await;
    let other = Kubernetes::with_client(api.client(), &settings(), "site-2").unwrap();
    run(&api, &other, &plan(1, 1, Target::Running)).await;
    let labels = json!({"app": "web"});
    let metadata = json!({"name": deployment_name(2), "labels": labels});
    api.put("deployments", json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": {}}));
    let metadata = json!({"name": "rutter-volume-3"});
    api.put(
        "persistentvolumeclaims",
        json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": metadata}),
    );
    let before = api.all();
    for number in [1, 2] {
        for wanted in [Target::Running, Target::Paused, Target::Stopped] {
            assert_eq!(ours.apply(&plan(number, 9, wanted)).await.unwrap_err().kind(), Kind::Conflict);
        }
        ours.remove(install(number)).await.unwrap();
        let logs = ours.logs(install(number), LogQuery { tail: 10, follow: false }).await;
        assert_eq!(logs.err().unwrap().kind(), Kind::NotFound);
    }
    for volume in ["rutter-volume-1", "rutter-volume-3"] {
        assert_eq!(ours.remove_volume(volume).await.unwrap_err().kind(), Kind::Conflict);
    }
    assert!(ours.observe().await.unwrap().is_empty());
    assert_eq!(api.all(), before);
    // Nor is a foreign volume ever used.
    assert_eq!(ours.apply(&plan(3, 1, Target::Running)).await.unwrap_err().kind(), Kind::Conflict);
    assert_eq!(api.get("deployments", &deployment_name(3)).unwrap()["spec"]["replicas"], 0);
    assert_eq!(other.observe().await.unwrap().len(), 1);
}

#[tokio::test]
async fn an_image_names_its_digest() {
    let (api, kubernetes) = start().await;
    let image = format!("registry.example/notes:1.4@{}", digest());
    assert_eq!(kubernetes.resolve(&image.parse().unwrap()).await.unwrap().digest, digest());
    let refused = kubernetes.resolve(&"registry.example/notes:1.4".parse().unwrap()).await.unwrap_err();
    assert_eq!(refused.kind(), Kind::Invalid);
    let detail = "with Kubernetes, an image names its digest: registry.example/notes@sha256:…";
    assert_eq!(refused.detail(), detail);
    let mut wanted = plan(1, 1, Target::Running);
    wanted.image = "registry.example/notes:1.4".to_owned();
    assert_eq!(kubernetes.apply(&wanted).await.unwrap_err().kind(), Kind::Invalid);
    let mut wanted = plan(1, 1, Target::Running);
    wanted.user = 0;
    assert_eq!(kubernetes.apply(&wanted).await.unwrap_err().kind(), Kind::Invalid);
    assert!(api.seen().is_empty());
}

#[tokio::test]
async fn settings_are_checked() {
    let (api, kubernetes) = start().await;
    drop(kubernetes);
    let with = |labels: &[(&str, &str)], site: &str| {
        let server_labels = labels.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect();
        let settings = KubernetesSettings { server_labels, ..settings() };
        Kubernetes::with_client(api.client(), &settings, site).err().map(|error| error.kind())
    };
    assert_eq!(with(&[("app", "rutter")], SITE), None);
    assert_eq!(with(&[], SITE), Some(Kind::Invalid));
    assert_eq!(with(&[("rutter.site", SITE)], SITE), Some(Kind::Invalid));
    assert_eq!(with(&[("app", "rutter")], "a,b"), Some(Kind::Invalid));

    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("config");
    let config = format!(
        "{{apiVersion: v1, kind: Config, current-context: c, clusters: [{{name: c, cluster: {{server: 'http://{}'}}}}],
          users: [], contexts: [{{name: c, context: {{cluster: c, user: u}}}}]}}",
        api.address
    );
    std::fs::write(&file, config).unwrap();
    let with_file = KubernetesSettings { kubeconfig: Some(file.clone()), ..settings() };
    let result = Kubernetes::connect(&with_file, SITE).await;
    assert!(result.unwrap().observe().await.unwrap().is_empty());
    std::fs::write(&file, "{}").unwrap();
    assert_eq!(Kubernetes::connect(&with_file, SITE).await.err().unwrap().kind(), Kind::Invalid);
    // Without a file, this program would have to run in a pod.
    assert_eq!(Kubernetes::connect(&settings(), SITE).await.err().unwrap().kind(), Kind::Invalid);
}
