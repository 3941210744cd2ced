use proptest::prelude::*;
use serde_json::json;

use super::*;

fn id(last: u8) -> Id {
    let mut bytes = [7; 16];
    bytes[15] = last;
    Id::from_bytes(bytes)
}

fn object(value: Value) -> Package {
    match value {
        Value::Object(object) => object,
        other => panic!("{other} is not an object"),
    }
}

fn row() -> DatasetRow {
    DatasetRow {
        id: id(1),
        owner_id: id(2),
        owner_kind: crate::types::OwnerKind::Organisation,
        owner_name: "org".into(),
        name: "birds".into(),
        visibility: Visibility::Private,
        protected: "[]".into(),
        store: "default".into(),
        quota_bytes: None,
        owner_quota_bytes: None,
        created_at: Millis(0),
    }
}

fn show(package: &Package) -> Record {
    let versioned = Versioned { revision: None, package: Some(package.clone()) };
    record(&row(), &versioned, View { base: "https://data.example.org", revision: None }).unwrap()
}

fn read(record: Record, current: Option<&Package>) -> Result<Package> {
    package(id(1), "birds", record, current, || id(9))
}

#[expect(clippy::needless_pass_by_value, reason = "callers pass the result of `json!` directly")]
fn paths(resources: Value) -> Vec<String> {
    let made = read(object(json!({"resources": resources})), None).unwrap();
    let resources = made["resources"].as_array().unwrap().clone();
    resources.iter().map(|resource| resource["path"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn paths_follow_the_rules_of_ckanext_versioning() {
    let sha256 = "a".repeat(64);
    for (resource, path) in [
        (json!({"url": "a.csv"}), "a.csv"),
        (json!({"url": "a.csv", "path": "data/b.csv"}), "data/b.csv"),
        (json!({"url": "/a//b/./c.csv"}), "a/b/c.csv"),
        (json!({"url": "../../c.csv"}), "c.csv"),
        (json!({"url": "a\\..\\c d.csv"}), "c d.csv"),
        (json!({"name": "My Data", "format": "CSV", "sha256": sha256}), "my data.csv"),
        (json!({"name": "a/b", "sha256": sha256}), "a-b"),
        (json!({"name": "n"}), "resource"),
        (json!({"url": ".."}), "resource"),
        (json!({"url": "https://example.org/a.csv"}), "https://example.org/a.csv"),
        (json!({"url": "https://ckan/dataset/a/resource/b/download/a.csv?x", "url_type": "upload"}), "a.csv"),
        (json!({"url": "datapackage.json"}), "datapackage-0.json"),
    ] {
        assert_eq!(paths(json!([resource])), [path], "{resource}");
    }
    let three = [json!({"url": "x/a.csv"}), json!({"url": "x/a.csv"}), json!({"url": "x/a.csv"})];
    let three: Vec<Value> = (0..)
        .zip(three)
        .map(|(number, mut one)| {
            one["id"] = json!(format!("r{number}"));
            one
        })
        .collect();
    assert_eq!(paths(json!(three)), ["x/a.csv", "x/a-1.csv", "x/a-2.csv"]);
}

#[test]
fn ids_stay_and_are_unique() {
    let package = object(json!({"resources": [
        {"name": "a", "path": "a"}, {"name": "b", "path": "b", "id": "own"}, {"path": "c", "id": "own"},
        {"path": "d", "id": "no id!"}, {"path": "d"},
    ]}));
    let ids = resource_ids(id(1), &package);
    assert_eq!(ids[1], "own");
    assert_eq!(ids.iter().collect::<HashSet<_>>().len(), 5, "{ids:?}");
    assert_eq!(ids, resource_ids(id(1), &package));
    let others = resource_ids(id(2), &package);
    assert_ne!(ids[0], others[0]);
    assert!(is_id(id(1), &ids[0]) && !is_id(id(2), &ids[0]), "a derived id belongs to its dataset");
    let stolen = object(json!({"resources": [{"name": "z", "path": "z", "id": ids[0]}]}));
    assert_ne!(resource_ids(id(2), &stolen)[0], ids[0]);
    assert_eq!(resource_ids(id(1), &stolen)[0], ids[0]);
}

#[test]
fn one_resource_changes_and_the_others_do_not() {
    let before = object(json!({"title": "T", "odd": null, "resources": [
        {"name": "a", "path": "a.csv", "bytes": 1, "rutter": {"x": [1.50]}},
        {"name": "b", "path": ["p", "q"], "id": "b"},
    ]}));
    let change = |change: ResourceChange| change_resource(id(1), "birds", Some(&before), &change, || id(9));
    let new = object(json!({"name": "A", "url": "a.csv", "id": "new"}));
    let (after, made) = change(ResourceChange::Create(new)).unwrap();
    assert_eq!(
        (made.as_str(), &after["resources"][0], &after["resources"][1]),
        ("new", &before["resources"][0], &before["resources"][1])
    );
    assert_eq!((&after["resources"][2]["path"], &after["odd"]), (&json!("a-2.csv"), &Value::Null));
    let first = resource_ids(id(1), &before)[0].clone();
    let patch = object(json!({"description": "counted by hand"}));
    let (after, _) = change(ResourceChange::Update(first.clone(), patch)).unwrap();
    assert_eq!(
        (&after["resources"][0]["path"], &after["resources"][0]["description"]),
        (&json!("a.csv"), &json!("counted by hand"))
    );
    assert_eq!(after["resources"][0]["id"], first);
    let (after, _) = change(ResourceChange::Delete(first)).unwrap();
    assert_eq!(after["resources"], json!([before["resources"][1]]));
    assert!(change(ResourceChange::Delete("none".into())).is_err());
    assert!(change(ResourceChange::Create(object(json!({"id": "b"})))).is_err());
}

proptest! {
    /// A record that is sent back unchanged changes nothing, except that ids are stored.
    #[test]
    fn showing_and_updating_is_the_identity(
        title in "\\PC{0,8}", extra in "\\PC{0,8}", names in prop::collection::btree_set("[a-z]{1,4}", 0..4), sized in any::<bool>(),
        prefix in any::<bool>(),
    ) {
        let resources: Vec<Value> = names.iter().map(|name| {
            let mut resource = json!({"name": name, "path": format!("{name}/ä {name}.csv"), "format": ""});
            if sized {
                resource["bytes"] = json!(3);
                resource["sha256"] = json!("b".repeat(64));
            }
            if prefix {
                resource["lfs_prefix"] = json!("old/place");
            }
            resource
        }).collect();
        let package = object(json!({"name": "p", "title": title, "odd key": extra, "private": true, "resources": resources}));
        let shown = show(&package);
        let mut back = read(shown.clone(), Some(&package)).unwrap();
        for resource in back["resources"].as_array_mut().unwrap() {
            prop_assert!(resource.as_object_mut().unwrap().remove("id").is_some());
        }
        // An empty title is removed.
        let mut expected = package.clone();
        if title.is_empty() {
            expected.remove("title");
        }
        prop_assert_eq!(&back, &expected);
        let with_ids = read(shown, Some(&package)).unwrap();
        prop_assert_eq!(&read(show(&with_ids), Some(&with_ids)).unwrap(), &with_ids);
    }

    #[test]
    fn no_path_leaves_the_dataset(url in "\\PC{0,20}", path in "[./a\\\\]{0,12}") {
        let record = object(json!({"resources": [{"url": url, "path": path}]}));
        if let Ok(made) = read(record, None) {
            let path = made["resources"][0]["path"].as_str().unwrap().to_owned();
            prop_assert!(is_url(&path) || !path.split('/').any(|part| part == ".." || part.is_empty()), "{}", path);
        }
    }
}
