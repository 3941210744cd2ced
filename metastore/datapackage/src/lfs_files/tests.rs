use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::check::tests::is_path;

const A: &str = "0f1128046248f83dc9b9ab187e16fad0ff596128f1524d05a9a77c4ad932f10a";
const B: &str = "08419486253228102a04995a0376ffdaec0bf1dbaf9cff3669f34d29ad483a02";

fn package(resources: &Value) -> Value {
    json!({ "name": "p", "resources": resources })
}

fn resource(path: &str, sha256: &str, bytes: u64) -> Value {
    json!({ "path": path, "sha256": sha256, "bytes": bytes })
}

fn paths_of(list: &[LfsFile]) -> Vec<&str> {
    list.iter().map(|file| file.path.as_str()).collect()
}

fn plan(old: Option<&Value>, new: &Value) -> Plan {
    super::plan(old, new, is_path)
}

#[test]
fn files_have_a_path_a_hash_and_a_size() {
    let package = package(&json!([
        resource("data/myresource.csv", A, 1744),
        {"path": "hashed.csv", "hash": format!("sha256:{B}"), "bytes": 5},
        {"path": "capitals.csv", "sha256": B.to_uppercase(), "bytes": 6},
        {"path": "empty.csv", "sha256": EMPTY, "bytes": 0},
        {"path": "https://example.com/a", "sha256": A, "bytes": 1},
        {"path": ["a", "b"], "sha256": A, "bytes": 1},
        {"path": "size.csv", "sha256": A, "size": 1},
        {"path": "text.csv", "sha256": A, "bytes": "1"},
        {"path": "float.csv", "sha256": A, "bytes": 1.0},
        {"path": "number.csv", "sha256": 5, "bytes": 1},
        {"path": "/no/hash", "bytes": 1},
        {"path": "md5.csv", "hash": "md5:d41d8cd98f00b204e9800998ecf8427e", "bytes": 1},
        {"data": [], "sha256": A, "bytes": 1},
        "nonsense",
    ]));
    let plan = plan(None, &package);
    assert_eq!(plan.kept, []);
    assert_eq!(plan.stale, []);
    let found: Vec<_> = plan.puts.iter().map(|file| (file.path.as_str(), file.sha256.as_str(), file.bytes)).collect();
    let expected =
        [("capitals.csv", B, 6), ("data/myresource.csv", A, 1744), ("empty.csv", EMPTY, 0), ("hashed.csv", B, 5)];
    assert_eq!(found, expected);
}

#[test]
fn a_save_changes_what_changed() {
    let old = package(&json!([
        resource("same", A, 1),
        resource("other", A, 2),
        resource("moved", B, 3),
        resource("gone", B, 4)
    ]));
    let new = package(&json!([resource("same", A, 1), resource("other", B, 2), resource("moved/here", B, 3)]));
    let plan = plan(Some(&old), &new);
    assert_eq!(paths_of(&plan.kept), ["same"]);
    assert_eq!(paths_of(&plan.puts), ["moved/here", "other"]);
    assert_eq!(paths_of(&plan.stale), ["gone", "moved"]);
}

#[test]
fn a_resource_that_stays_named_keeps_its_file() {
    let old = package(&json!([resource("a.csv", A, 1), resource("b.csv", A, 1)]));
    let new = package(&json!([{"path": "a.csv"}, {"path": ["b.csv", "c.csv"]}]));
    assert_eq!(plan(Some(&old), &new), Plan::default());
}

#[test]
fn what_leaves_no_right_files_is_refused() {
    let refused = |resources: Value, path: &str, words: &str| {
        let problems = crate::check(&package(&resources), is_path);
        assert_eq!(problems.len(), 1, "{problems:?}");
        assert!(problems[0].path == path && problems[0].message.contains(words), "{problems:?}");
    };
    refused(json!([resource("a", A, 1), resource("b", A, 1), resource("a", B, 2)]), "/resources/2/path", "resource 0");
    refused(json!([resource("a/b/c", A, 1), resource("a/b", A, 1)]), "/resources/0/path", "folder");
    for (path, words) in [
        ("/foo/someresource.csv", "absolute"),
        ("foo/../../someresource.csv", "\"..\""),
        ("../foo/someresource.csv", "\"..\""),
        ("a/..", "\"..\""),
        ("..", "\"..\""),
        ("s3://bucket/a", "http"),
        ("file:///a", "http"),
        ("http:/example.com/a", "not a valid URL"),
        (".git/config", ".git"),
        (&"x".repeat(256), "too long"),
    ] {
        refused(json!([resource(path, A, 1)]), "/resources/0/path", words);
    }
    refused(json!([resource("a", "abc", 1)]), "/resources/0/sha256", "64 hexadecimal");
    refused(json!([{"path": "a", "hash": "sha256:abc", "bytes": 1}]), "/resources/0/hash", "64 hexadecimal");
    refused(
        json!([{"path": "a", "sha256": A, "hash": format!("sha256:{B}"), "bytes": 1}]),
        "/resources/0/sha256",
        "same",
    );
    refused(json!([{"path": "a", "sha256": A, "bytes": -1}]), "/resources/0/bytes", "not the number -1");
    refused(json!([resource("a", A, u64::MAX)]), "/resources/0/bytes", "281474976710655");
    refused(json!([resource("a", A, 0)]), "/resources/0/bytes", "empty file");
    refused(json!([resource("a", EMPTY, 1)]), "/resources/0/bytes", "empty file");
}

#[test]
fn a_broken_old_package_is_no_obstacle() {
    let old = json!({"resources": [resource("/x", A, 1), resource("a", A, 1), resource("a", B, 2), 5]});
    let plan = plan(Some(&old), &package(&json!([])));
    assert_eq!(paths_of(&plan.stale), ["a"]);
    assert_eq!(super::plan(Some(&json!([1])), &json!("x"), is_path), Plan::default());
}

#[test]
fn ten_thousand_resources_are_quick() {
    let many: Vec<Value> = (0..10_000).map(|number| resource(&format!("d/{number}.csv"), A, number + 1)).collect();
    let old = package(&Value::from(many));
    let plan = plan(Some(&old), &old);
    assert_eq!((plan.puts.len(), plan.kept.len(), plan.stale.len()), (0, 10_000, 0));
}

fn any_resource() -> impl Strategy<Value = Value> {
    let path = prop_oneof!["[ab]{1,2}", "[ab]/[ab]", "[./ab]{1,4}", Just("http://a/b".to_owned())];
    (path, prop::sample::select(vec![A, B, "x"]), 0_u64..4)
        .prop_map(|(path, sha256, bytes)| resource(&path, sha256, bytes))
}

proptest! {
    #[test]
    fn a_plan_leads_from_the_old_tree_to_the_new(
        old in prop::collection::vec(any_resource(), 0..6), new in prop::collection::vec(any_resource(), 0..6),
    ) {
        let (old, new) = (package(&old.into()), package(&new.into()));
        if [&old, &new].into_iter().any(|package| !crate::check(package, is_path).is_empty()) {
            return Ok(());
        }
        let (before, after) = (plan(None, &old), plan(None, &new));
        let plan = plan(Some(&old), &new);
        let by_path = |file: LfsFile| (file.path.clone(), file);
        let mut tree: BTreeMap<_, _> = before.puts.into_iter().map(by_path).collect();
        for file in &plan.stale {
            let removed = tree.remove(&file.path);
            prop_assert_eq!(removed.as_ref(), Some(file));
        }
        tree.extend(plan.puts.into_iter().map(by_path));
        prop_assert_eq!(&tree, &after.puts.into_iter().map(by_path).collect::<BTreeMap<_, _>>());
        for path in tree.keys() {
            let is_inside = |other: &String| path.starts_with(&(other.clone() + "/"));
            prop_assert!(!tree.keys().any(is_inside));
        }
    }
}
