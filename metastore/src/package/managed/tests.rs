use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::package::check::tests::any_package;

const A: &str = "0f1128046248f83dc9b9ab187e16fad0ff596128f1524d05a9a77c4ad932f10a";
const B: &str = "08419486253228102a04995a0376ffdaec0bf1dbaf9cff3669f34d29ad483a02";

fn package(resources: &Value) -> Value {
    json!({ "name": "p", "resources": resources })
}

fn resource(path: &str, sha256: &str, bytes: u64) -> Value {
    json!({ "path": path, "sha256": sha256, "bytes": bytes })
}

fn paths_of(list: &[(FilePath, ManagedContent)]) -> Vec<&str> {
    list.iter().map(|(path, _)| path.as_str()).collect()
}

/// Returns the edits, one word each.
fn describe(edits: &[Edit]) -> Vec<String> {
    edits
        .iter()
        .map(|edit| match edit {
            Edit::Put { path, content: Content::Pointer(pointer), executable: false } => {
                format!("pointer {path} {}", pointer.size)
            }
            Edit::Put { path, content: Content::Bytes(bytes), executable: false } => {
                format!("bytes {path} {}", bytes.len())
            }
            Edit::Delete { path } => format!("delete {path}"),
            other => panic!("{other:?}"),
        })
        .collect()
}

fn bytes<'e>(edits: &'e [Edit], name: &str) -> &'e str {
    let found = edits.iter().find_map(|edit| match edit {
        Edit::Put { path, content: Content::Bytes(bytes), .. } if path.as_str() == name => Some(bytes),
        _ => None,
    });
    str::from_utf8(found.unwrap()).unwrap()
}

#[test]
fn only_what_lfs_keeps_is_written() {
    let package = package(&json!([
        resource("data/myresource.csv", A, 1744),
        {"path": "hashed.csv", "hash": format!("sha256:{B}"), "bytes": 5},
        {"path": "capitals.csv", "sha256": B.to_uppercase(), "bytes": 6},
        {"path": "empty.csv", "sha256": Oid::EMPTY.to_string(), "bytes": 0},
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
    let plan = plan(None, &package).unwrap();
    assert_eq!(plan.kept, []);
    assert_eq!(plan.stale, []);
    let beside = ManagedState { lfs_url: Some("https://lfs.example.com/foo/bar"), ..ManagedState::default() };
    let edits = plan.edits(&beside).unwrap();
    assert_eq!(
        describe(&edits)[..5],
        [
            "pointer capitals.csv 6",
            "pointer data/myresource.csv 1744",
            "bytes empty.csv 0",
            "pointer hashed.csv 5",
            format!("bytes .gitattributes {}", bytes(&edits, ATTRIBUTES).len()).as_str(),
        ]
    );
    assert!(bytes(&edits, ATTRIBUTES).contains("\ndata/myresource.csv filter=lfs diff=lfs merge=lfs -text\n"));
    assert_eq!(bytes(&edits, CONFIG), "[remote \"origin\"]\n\tlfsurl = https://lfs.example.com/foo/bar");
    assert_eq!(edits.len(), 6);
}

#[test]
fn without_such_resources_nothing_is_written() {
    let beside =
        ManagedState { lfs_url: Some("https://lfs.example.com"), attributes: Some(b"* text"), config: Some(b"[a]") };
    let plan = plan(None, &package(&json!([{"path": "a.csv"}]))).unwrap();
    assert_eq!(describe(&plan.edits(&beside).unwrap()), Vec::<String>::new());
    assert_eq!(describe(&plan.edits(&ManagedState::default()).unwrap()), Vec::<String>::new());
}

#[test]
fn a_save_writes_what_changed() {
    let old = package(&json!([
        resource("same", A, 1),
        resource("other", A, 2),
        resource("moved", B, 3),
        resource("gone", B, 4)
    ]));
    let new = package(&json!([resource("same", A, 1), resource("other", B, 2), resource("moved/here", B, 3)]));
    let first = plan(None, &old).unwrap().edits(&ManagedState::default()).unwrap();
    let attributes = bytes(&first, ATTRIBUTES).to_owned();
    let plan = plan(Some(&old), &new).unwrap();
    assert_eq!(paths_of(&plan.kept), ["same"]);
    let beside = ManagedState { attributes: Some(attributes.as_bytes()), ..ManagedState::default() };
    let edits = plan.edits(&beside).unwrap();
    let size = bytes(&edits, ATTRIBUTES).len();
    let expected = ["delete gone", "delete moved", "pointer moved/here 3", "pointer other 2"];
    assert_eq!(describe(&edits)[..4], expected);
    assert_eq!(describe(&edits)[4..], [format!("bytes .gitattributes {size}")]);
    let lines: Vec<&str> = bytes(&edits, ATTRIBUTES).lines().filter_map(|line| line.split(" filter").next()).collect();
    assert_eq!(lines[1..4], ["/other", "/same", "moved/here"]);
}

#[test]
fn a_resource_that_stays_named_keeps_its_pointer_and_its_line() {
    let old = package(&json!([resource("a.csv", A, 1), resource("b.csv", A, 1)]));
    let new = package(&json!([{"path": "a.csv"}, {"path": ["b.csv", "c.csv"]}]));
    let first = plan(None, &old).unwrap().edits(&ManagedState::default()).unwrap();
    let plan = plan(Some(&old), &new).unwrap();
    assert_eq!(plan, Plan::default());
    let beside = ManagedState { attributes: Some(bytes(&first, ATTRIBUTES).as_bytes()), ..ManagedState::default() };
    assert_eq!(describe(&plan.edits(&beside).unwrap()), Vec::<String>::new());
}

#[test]
fn files_pushed_in_between_stay() {
    let old = package(&json!([resource("a.csv", A, 1)]));
    let first = plan(None, &old).unwrap().edits(&ManagedState::default()).unwrap();
    let mut plan = plan(Some(&old), &package(&json!([]))).unwrap();
    let beside = ManagedState { attributes: Some(bytes(&first, ATTRIBUTES).as_bytes()), ..ManagedState::default() };
    assert_eq!(describe(&plan.edits(&beside).unwrap()), ["delete a.csv", "delete .gitattributes"]);
    plan.stale.clear();
    assert_eq!(describe(&plan.edits(&beside).unwrap()), Vec::<String>::new());
}

#[test]
fn what_leaves_no_right_files_is_refused() {
    let refused = |resources: Value, path: &str, words: &str| {
        let problems = plan(None, &package(&resources)).unwrap_err();
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
        ("datapackage.json", "reserved"),
        (".gitattributes", "reserved"),
        (".lfsconfig", "reserved"),
        (&vec!["x".repeat(250); 9].join("/"), "too long"),
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
    refused(json!([resource("a", &Oid::EMPTY.to_string(), 1)]), "/resources/0/bytes", "empty file");
}

#[test]
fn a_broken_old_package_is_no_obstacle() {
    let old = json!({"resources": [resource("/x", A, 1), resource("a", A, 1), resource("a", B, 2), 5]});
    let plan = plan(Some(&old), &package(&json!([]))).unwrap();
    assert_eq!(paths_of(&plan.stale), ["a"]);
    assert_eq!(super::plan(Some(&json!([1])), &json!("x")), Ok(Plan::default()));
}

#[test]
fn ten_thousand_resources_are_quick() {
    let many: Vec<Value> = (0..10_000).map(|number| resource(&format!("d/{number}.csv"), A, number + 1)).collect();
    let old = package(&Value::from(many));
    let plan = plan(Some(&old), &old).unwrap();
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
        let (Ok(before), Ok(after)) = (plan(None, &old), plan(None, &new)) else { return Ok(()) };
        let plan = plan(Some(&old), &new).unwrap();
        let mut tree: BTreeMap<_, _> = before.puts.into_iter().collect();
        for (path, content) in &plan.stale {
            let removed = tree.remove(path);
            prop_assert_eq!(removed.as_ref(), Some(content));
        }
        tree.extend(plan.puts.iter().cloned());
        prop_assert_eq!(&tree, &after.puts.into_iter().collect::<BTreeMap<_, _>>());
        for path in tree.keys() {
            prop_assert!(!tree.keys().any(|other| path.is_inside(other)));
        }
        // The attributes follow, and saving the same package again writes nothing.
        let first = super::plan(None, &old).unwrap().edits(&ManagedState::default()).unwrap();
        let attributes = (!first.is_empty()).then(|| bytes(&first, ATTRIBUTES).to_owned());
        let beside = ManagedState { attributes: attributes.as_deref().map(str::as_bytes), ..ManagedState::default() };
        let second = plan.edits(&beside).unwrap();
        if !plan.puts.is_empty() && second.iter().any(|edit| edit.paths().any(|path| path.as_str() == ATTRIBUTES)) {
            let attributes = bytes(&second, ATTRIBUTES);
            let ours = attributes.lines().filter(|line| line.ends_with("-text")).count();
            prop_assert_eq!(ours, tree.len());
            let beside = ManagedState { attributes: Some(attributes.as_bytes()), ..ManagedState::default() };
            prop_assert!(super::plan(Some(&new), &new).unwrap().edits(&beside).unwrap().is_empty());
        }
    }

    #[test]
    fn any_packages_have_a_plan_or_problems(old in any_package(), new in any_package()) {
        match plan(Some(&old), &new) {
            Ok(plan) => {
                let beside = ManagedState { lfs_url: Some("https://a.example"), ..ManagedState::default() };
                prop_assert!(plan.edits(&beside).is_ok());
            }
            Err(problems) => for problem in problems {
                prop_assert!(new.pointer(&problem.path).is_some());
            },
        }
    }
}
