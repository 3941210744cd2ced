//! The objects that are made of a plan.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{SITE, deployment_name, digest, install, plan, settings};
use crate::apps::backend::{Egress, Plan, Target};
use crate::apps::kubernetes::KubernetesSettings;
use crate::apps::kubernetes::objects::{self, Objects};

/// The objects of a plan, by kind.
fn made(plan: &Plan, settings: &KubernetesSettings) -> BTreeMap<&'static str, Value> {
    let objects = Objects { plan, settings, site: SITE };
    let mut deployment = objects.deployment(1);
    deployment.metadata.uid = Some("11111111-2222-3333-4444-555555555555".to_owned());
    let owner = objects::owner(&deployment);
    deployment.metadata.uid = None;
    let mut made = BTreeMap::from([
        ("deployment", json!(deployment)),
        ("anchor", json!(objects.anchor())),
        ("service", json!(objects.service(&owner))),
        ("secret", json!(objects.secret(&owner))),
        ("policy", json!(objects.network_policy(&owner))),
    ]);
    made.extend(objects.volume_claim().map(|claim| ("claim", json!(claim))));
    made
}

#[test]
fn pods_meet_the_restricted_standard() {
    let made = made(&plan(1, 3, Target::Running), &settings());
    for kind in ["deployment", "anchor"] {
        let pod = &made[kind]["spec"]["template"]["spec"];
        assert_eq!(
            pod["securityContext"],
            json!({"runAsNonRoot": true, "runAsUser": 10001, "runAsGroup": 10001, "fsGroup": 10001,
                "fsGroupChangePolicy": "OnRootMismatch", "seccompProfile": {"type": "RuntimeDefault"}}),
            "{kind}"
        );
        assert_eq!(
            pod["containers"][0]["securityContext"],
            json!({"allowPrivilegeEscalation": false, "capabilities": {"drop": ["ALL"]}, "privileged": false,
                "readOnlyRootFilesystem": true, "runAsNonRoot": true, "seccompProfile": {"type": "RuntimeDefault"}}),
            "{kind}"
        );
        assert_eq!(pod["automountServiceAccountToken"], false, "{kind}");
        for field in ["hostNetwork", "hostPID", "hostIPC", "serviceAccountName", "initContainers"] {
            assert!(pod.get(field).is_none(), "{field}");
        }
        assert_eq!(pod["containers"].as_array().unwrap().len(), 1);
        assert!(pod["containers"][0]["ports"][0].get("hostPort").is_none());
    }
    let pod = &made["deployment"]["spec"]["template"]["spec"];
    assert_eq!(pod["enableServiceLinks"], false);
    assert_eq!(pod["terminationGracePeriodSeconds"], 10);
    assert_eq!(
        pod["volumes"],
        json!([{"name": "tmp", "emptyDir": {"medium": "Memory", "sizeLimit": "256Mi"}},
            {"name": "volume", "persistentVolumeClaim": {"claimName": "rutter-volume-1"}}])
    );
    let container = &pod["containers"][0];
    assert_eq!(
        container["volumeMounts"],
        json!([{"name": "tmp", "mountPath": "/tmp"}, {"name": "volume", "mountPath": "/storage"}])
    );
    assert_eq!(
        container["resources"],
        json!({"limits": {"memory": "512Mi", "cpu": "500m", "ephemeral-storage": "1Gi"},
            "requests": {"memory": "512Mi", "cpu": "50m", "ephemeral-storage": "64Mi"}})
    );
    assert_eq!(container["image"], format!("registry.example/notes@{}", digest()));
}

#[test]
fn a_deployment_has_at_most_one_pod() {
    let made = made(&plan(1, 3, Target::Running), &settings());
    let deployment = &made["deployment"];
    assert_eq!(deployment["metadata"]["name"], deployment_name(1));
    let labels = json!({"rutter.site": SITE, "rutter.install": install(1).to_string(), "rutter.run": "3"});
    assert_eq!(deployment["metadata"]["labels"], labels);
    assert_eq!(deployment["metadata"]["annotations"], json!({"rutter.port": "8000"}));
    let spec = &deployment["spec"];
    assert_eq!(spec["strategy"], json!({"type": "Recreate"}));
    assert_eq!((&spec["replicas"], &spec["revisionHistoryLimit"]), (&json!(1), &json!(0)));
    // The selector cannot be changed: without the run. A pod of an app has no label of other kinds of pods.
    let selector = json!({"rutter.site": SITE, "rutter.install": install(1).to_string()});
    assert_eq!(spec["selector"], json!({"matchLabels": selector}));
    assert_eq!(spec["template"]["metadata"]["labels"], labels);
    // What is created first has no field that the whole Deployment could lack: such a field would stay.
    let mut bare = plan(1, 3, Target::Running);
    (bare.volume, bare.environment) = (None, vec![]);
    let (anchor, bare) = (&made["anchor"], &self::made(&bare, &settings())["deployment"]);
    assert_eq!(anchor["spec"]["replicas"], 0);
    is_part(anchor, bare, "");
}

fn is_part(part: &Value, whole: &Value, path: &str) {
    match (part, whole) {
        (Value::Object(part), Value::Object(whole)) => {
            for (key, value) in part {
                is_part(value, whole.get(key).unwrap_or_else(|| panic!("{path}/{key}")), &format!("{path}/{key}"));
            }
        }
        (Value::Array(part), Value::Array(whole)) => {
            assert_eq!(part.len(), whole.len(), "{path}");
            part.iter().zip(whole).for_each(|(part, whole)| is_part(part, whole, path));
        }
        _ => {}
    }
}

#[test]
fn secrets_are_in_the_secret_alone() {
    let made = made(&plan(1, 3, Target::Running), &settings());
    let name = format!("rutter-{}-3", install(1));
    let secret = &made["secret"];
    assert_eq!(secret["metadata"]["name"], name);
    assert_eq!(secret["data"], json!({"RUTTER_CLIENT_SECRET": "cDRzc3cwcmQ=", "RUTTER_USER": "YWRh"}));
    assert_eq!(secret["immutable"], true);
    let container = &made["deployment"]["spec"]["template"]["spec"]["containers"][0];
    assert_eq!(container["envFrom"], json!([{"secretRef": {"name": name, "optional": false}}]));
    assert!(container.get("env").is_none());
    for (kind, object) in made.iter().filter(|(kind, _)| **kind != "secret") {
        let text = object.to_string();
        assert!(!text.contains("p4ssw0rd") && !text.contains("cDRzc3cwcmQ"), "{kind}");
    }
}

#[test]
fn objects_of_a_run_belong_to_the_deployment() {
    let made = made(&plan(1, i64::MAX, Target::Running), &settings());
    for kind in ["service", "secret", "policy"] {
        let metadata = &made[kind]["metadata"];
        let name = metadata["name"].as_str().unwrap();
        assert!(name.len() <= 63 && name.starts_with(&deployment_name(1)), "{name}");
        assert_eq!(
            metadata["ownerReferences"],
            json!([{"apiVersion": "apps/v1", "kind": "Deployment", "name": deployment_name(1),
                "uid": "11111111-2222-3333-4444-555555555555"}])
        );
        assert_eq!(metadata["labels"]["rutter.run"], i64::MAX.to_string());
    }
    let service = &made["service"]["spec"];
    assert_eq!((&service["type"], &service["ports"][0]["port"]), (&json!("ClusterIP"), &json!(8000)));
    assert_eq!(service["selector"], made["deployment"]["spec"]["template"]["metadata"]["labels"]);
    // A volume stays.
    let claim = &made["claim"];
    assert!(claim["metadata"].get("ownerReferences").is_none());
    assert_eq!(claim["metadata"]["labels"], json!({"rutter.site": SITE}));
    let requests = json!({"requests": {"storage": "1024Mi"}});
    assert_eq!(claim["spec"], json!({"accessModes": ["ReadWriteOnce"], "resources": requests}));
}

#[test]
fn the_network_is_closed_except_for_what_the_plan_says() {
    let mut plan = plan(1, 3, Target::Running);
    let server = json!({"podSelector": {"matchLabels": {"app.kubernetes.io/name": "rutter"}}});
    let dns = json!({
        "to": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "kube-system"}},
            "podSelector": {"matchLabels": {"k8s-app": "kube-dns"}}}],
        "ports": [{"port": 53, "protocol": "UDP"}, {"port": 53, "protocol": "TCP"}],
    });
    let to_server = json!({"to": [server], "ports": [{"port": 8080, "protocol": "TCP"}]});
    for egress in [Egress::None, Egress::Server, Egress::Internet] {
        plan.egress = egress;
        let policy = &made(&plan, &settings())["policy"]["spec"];
        assert_eq!(policy["policyTypes"], json!(["Ingress", "Egress"]));
        assert_eq!(policy["podSelector"]["matchLabels"]["rutter.install"], install(1).to_string());
        assert_eq!(policy["ingress"], json!([{"from": [server], "ports": [{"port": 8000, "protocol": "TCP"}]}]));
        let rules = policy["egress"].as_array().unwrap();
        match egress {
            Egress::None => assert!(rules.is_empty()),
            Egress::Server => assert_eq!(*rules, [dns.clone(), to_server.clone()]),
            Egress::Internet => {
                assert_eq!(rules[..2], [dns.clone(), to_server.clone()]);
                let block = &rules[2]["to"][0]["ipBlock"];
                assert_eq!(block["cidr"], "0.0.0.0/0");
                let except = block["except"].as_array().unwrap();
                for private in ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "100.64.0.0/10"] {
                    assert!(except.contains(&json!(private)), "{private}");
                }
            }
        }
    }
    let elsewhere = KubernetesSettings { server_namespace: Some("rutter".to_owned()), ..settings() };
    let peer = &made(&plan, &elsewhere)["policy"]["spec"]["ingress"][0]["from"][0];
    assert_eq!(peer["podSelector"], server["podSelector"]);
    let namespace = json!({"matchLabels": {"kubernetes.io/metadata.name": "rutter"}});
    assert_eq!(peer["namespaceSelector"], namespace);
}

#[test]
fn settings_and_plans_change_their_fields() {
    let mut plan = plan(1, 3, Target::Running);
    (plan.writable, plan.volume) = (true, None);
    let settings = KubernetesSettings {
        pull_secret: Some("registry".to_owned()),
        storage_class: Some("fast".to_owned()),
        ..settings()
    };
    let bare = made(&plan, &settings);
    let pod = &bare["deployment"]["spec"]["template"]["spec"];
    assert_eq!(pod["imagePullSecrets"], json!([{"name": "registry"}]));
    assert_eq!(pod["containers"][0]["securityContext"]["readOnlyRootFilesystem"], false);
    assert_eq!(pod["volumes"].as_array().unwrap().len(), 1);
    assert!(!bare.contains_key("claim"));
    let made = made(&super::plan(1, 3, Target::Running), &settings);
    assert_eq!(made["claim"]["spec"]["storageClassName"], "fast");
}

/// All objects of a plan with everything and of one with as little as possible. `tests/deploy` validates the snapshot
/// with the schemas of several versions of Kubernetes.
#[test]
fn all_objects() {
    let full = KubernetesSettings {
        pull_secret: Some("registry".to_owned()),
        storage_class: Some("fast".to_owned()),
        server_namespace: Some("rutter".to_owned()),
        ..settings()
    };
    let mut everything = plan(1, 3, Target::Running);
    everything.egress = Egress::Internet;
    let mut little = plan(2, 1, Target::Running);
    (little.egress, little.volume, little.environment, little.writable) = (Egress::None, None, vec![], true);
    let objects = BTreeMap::from([("everything", made(&everything, &full)), ("little", made(&little, &settings()))]);
    insta::with_settings!({prepend_module_to_snapshot => false}, {
        insta::assert_json_snapshot!("kubernetes_objects", objects);
    });
}
