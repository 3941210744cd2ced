use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::check::tests::any_package;

/// Returns the changes as JSON.
fn describe(old: &Value, new: &Value) -> Value {
    serde_json::to_value(changes(old, new)).unwrap()
}

/// Returns the change from `{}`, which must be a single one.
#[track_caller]
fn one(old: &Value, new: &Value, change: &Value) {
    assert_eq!(describe(old, new), json!([change]), "{old} {new}");
}

#[track_caller]
fn none(old: &Value, new: &Value) {
    one(old, new, &json!({"type": "no_change"}));
}

fn resource(old: &Value, new: &Value) -> Value {
    let mut found = describe(&json!({ "resources": [old] }), &json!({ "resources": [new] }));
    for change in found.as_array_mut().unwrap() {
        change.as_object_mut().unwrap().remove("resource");
    }
    found
}

#[test]
fn texts_are_added_removed_and_changed() {
    for (key, kind) in [
        ("title", "title"),
        ("name", "name"),
        ("description", "notes"),
        ("notes", "notes"),
        ("homepage", "url"),
        ("url", "url"),
        ("version", "version"),
        ("author", "author"),
        ("author_email", "author_email"),
        ("maintainer", "maintainer"),
        ("maintainer_email", "maintainer_email"),
        ("owner_org", "org"),
        ("organization", "org"),
    ] {
        one(&json!({}), &json!({key: "b"}), &json!({"type": kind, "method": "add", "new": "b"}));
        one(&json!({key: "a"}), &json!({}), &json!({"type": kind, "method": "remove", "old": "a"}));
        one(&json!({key: "a"}), &json!({key: ""}), &json!({"type": kind, "method": "remove", "old": "a"}));
        one(&json!({key: "a"}), &json!({key: "b"}), &json!({"type": kind, "method": "change", "old": "a", "new": "b"}));
        none(&json!({key: null}), &json!({key: ""}));
    }
    one(&json!({}), &json!({"private": true}), &json!({"type": "private", "old": false, "new": true}));
    none(&json!({}), &json!({"private": false}));
}

#[test]
fn contributors_are_authors_and_maintainers() {
    let people = |list: Value| json!({ "contributors": list });
    let old =
        people(json!([{"title": "A", "role": "author", "email": "a@x"}, {"title": "M", "roles": ["maintainer"]}]));
    none(&old, &json!({"author": "A", "author_email": "a@x", "maintainer": "M"}));
    none(&old, &people(json!([{"title": "M", "role": "maintainer"}, {"title": "A", "email": "a@x"}])));
    let new = people(json!([{"title": "B", "email": "a@x"}, {"title": "M", "role": "maintainer", "email": "m@x"}]));
    assert_eq!(
        describe(&old, &new),
        json!([
            {"type": "maintainer_email", "method": "add", "new": "m@x"},
            {"type": "author", "method": "change", "old": "A", "new": "B"},
        ])
    );
    // More than the two kinds can express.
    let more = people(json!([{"title": "A", "email": "a@x"}, {"title": "M", "role": "maintainer"}, {"title": "C"}]));
    one(
        &old,
        &more,
        &json!({
            "type": "extension_fields", "method": "change_with_old_value", "key": "contributors",
            "old_value": old["contributors"], "new_value": more["contributors"],
        }),
    );
    let apart = people(json!([{"title": "A"}, {"path": "http://a"}]));
    assert_ne!(describe(&people(json!([{"title": "A", "path": "http://a"}])), &apart), json!([{"type": "no_change"}]));
    assert_ne!(
        describe(&people(json!([{"title": "A", "role": "creator"}])), &people(json!([{"title": "A"}]))),
        json!([{"type": "no_change"}])
    );
}

#[test]
fn tags_are_a_set() {
    let tags = |list: &[&str]| json!({ "keywords": list });
    one(&tags(&["a"]), &tags(&["b", "a"]), &json!({"type": "tags", "method": "add_one", "tag": "b"}));
    one(&tags(&[]), &tags(&["b", "a"]), &json!({"type": "tags", "method": "add_multiple", "tags": ["a", "b"]}));
    one(&tags(&["a", "c"]), &tags(&["a"]), &json!({"type": "tags", "method": "remove_one", "tag": "c"}));
    one(&tags(&["c", "b"]), &json!({}), &json!({"type": "tags", "method": "remove_multiple", "tags": ["b", "c"]}));
    none(&tags(&["c", "b"]), &json!({"tags": [{"name": "b", "id": "1", "display_name": "B"}, {"name": "c"}]}));
    none(&tags(&["a", "b", "a"]), &tags(&["b", "a"]));
}

#[test]
fn licence_changes_are_reported_in_both_dialects() {
    let cc0 = json!({"name": "CC0-1.0", "path": "https://x"});
    none(&json!({"licenses": [cc0]}), &json!({"license_id": "CC0-1.0", "license_url": "https://x"}));
    let new = json!({"licenses": [{"name": "MIT"}]});
    one(&json!({"licenses": [cc0]}), &new, &json!({"type": "license", "old": cc0, "new": {"name": "MIT"}}));
    one(&json!({"licenses": []}), &new, &json!({"type": "license", "new": {"name": "MIT"}}));
    let two = json!({"licenses": [{"name": "MIT"}, {"name": "CC0-1.0"}]});
    one(
        &new,
        &two,
        &json!({
            "type": "extension_fields", "method": "change_with_old_value", "key": "licenses",
            "old_value": new["licenses"], "new_value": two["licenses"],
        }),
    );
}

#[test]
fn organizations_have_titles() {
    let org = |id: &str, title: &str| json!({"owner_org": id, "organization": {"id": id, "title": title}});
    one(
        &org("1", "A"),
        &org("2", "B"),
        &json!({
            "type": "org", "method": "change", "old": "1", "new": "2", "old_title": "A", "new_title": "B",
        }),
    );
    one(
        &org("1", "A"),
        &org("1", "B"),
        &json!({
            "type": "org", "method": "change", "old": "1", "new": "1", "old_title": "A", "new_title": "B",
        }),
    );
    none(&org("1", "A"), &json!({"organization": {"id": "1", "title": "A"}}));
}

#[test]
fn custom_properties_are_extra_fields() {
    let extra = |change: Value| {
        let mut all = json!({"type": "extra_fields"});
        all.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        all
    };
    one(&json!({}), &json!({"x": 1}), &extra(json!({"method": "add_one", "key": "x", "value": 1})));
    one(&json!({}), &json!({"x": 1, "y": 2}), &extra(json!({"method": "add_multiple", "values": {"x": 1, "y": 2}})));
    one(&json!({"x": 1}), &json!({}), &extra(json!({"method": "remove_one", "key": "x", "old_value": 1})));
    one(
        &json!({"x": 1, "y": 2}),
        &json!({}),
        &extra(json!({"method": "remove_multiple", "old_values": {"x": 1, "y": 2}})),
    );
    one(
        &json!({"x": 1}),
        &json!({"x": [2]}),
        &extra(json!({
            "method": "change_with_old_value", "key": "x", "old_value": 1, "new_value": [2],
        })),
    );
    one(
        &json!({"x": ""}),
        &json!({"x": 2}),
        &extra(json!({"method": "change_no_old_value", "key": "x", "new_value": 2})),
    );
    one(
        &json!({"x": 1}),
        &json!({"x": []}),
        &extra(json!({"method": "change_no_new_value", "key": "x", "old_value": 1})),
    );
    none(&json!({"x": "1"}), &json!({"extras": [{"key": "x", "value": "1", "id": "7"}]}));
    one(
        &json!({"id": "a"}),
        &json!({"id": "b"}),
        &json!({
            "type": "extension_fields", "method": "change_with_old_value", "key": "id", "old_value": "a", "new_value": "b",
        }),
    );
    none(&json!({"metadata_modified": "1", "num_tags": 3}), &json!({"metadata_modified": "2"}));
}

#[test]
fn resources_come_go_and_change() {
    let (a, b) = (json!({"name": "a", "path": "a.csv"}), json!({"name": "b", "path": "b.csv"}));
    let named = json!({"name": "b", "path": "b.csv"});
    one(&json!({"resources": [a]}), &json!({"resources": [a, b]}), &json!({"type": "new_resource", "resource": named}));
    one(
        &json!({"resources": [b, a]}),
        &json!({"resources": [a]}),
        &json!({"type": "delete_resource", "resource": named}),
    );
    one(&json!({"resources": [b, a]}), &json!({"resources": [a, b]}), &json!({"type": "resource_order"}));
    assert_eq!(
        resource(&a, &json!({"name": "z", "path": "a.csv"})),
        json!([{"type": "resource_name", "method": "change", "old": "a", "new": "z"}])
    );
    assert_eq!(
        resource(&json!({"name": "a", "id": "1"}), &json!({"name": "z", "id": "1"})),
        json!([{"type": "resource_name", "method": "change", "old": "a", "new": "z"}])
    );
    let text = |kind: &str, key: &str| {
        assert_eq!(
            resource(&json!({"name": "a"}), &json!({"name": "a", key: "x"})),
            json!([{"type": kind, "method": "add", "new": "x"}])
        );
    };
    text("resource_format", "format");
    text("resource_desc", "description");
    assert_eq!(
        resource(&json!({"name": "a", "x": 1}), &json!({"name": "a", "x": 2, "y": 3})),
        json!([
            {"type": "resource_extras", "method": "add_one", "key": "y", "value": 3},
            {"type": "resource_extras", "method": "change_with_old_value", "key": "x", "old_value": 1, "new_value": 2},
        ])
    );
    one(
        &json!({"resources": [a]}),
        &json!({"resources": [{"name": "a", "path": "a.csv", "x": 1}]}),
        &json!({
            "type": "resource_extras", "method": "add_one", "key": "x", "value": 1,
            "resource": {"name": "a", "path": "a.csv"},
        }),
    );
}

#[test]
fn file_changes_are_reported_in_both_dialects() {
    let zeros = "0".repeat(64);
    let old =
        json!({"name": "a", "path": "a.csv", "bytes": 5, "hash": format!("sha256:{zeros}"), "mediatype": "text/csv"});
    let ckan =
        json!({"name": "a", "url": "a.csv", "size": "5", "sha256": zeros, "mimetype": "text/csv", "position": 3});
    none(&json!({"resources": [old]}), &json!({"resources": [ckan]}));
    let mut new = old.clone();
    new["bytes"] = json!(6);
    assert_eq!(
        resource(&old, &new),
        json!([{
            "type": "new_file",
            "old": {"path": "a.csv", "bytes": 5, "hash": format!("sha256:{zeros}"), "inline": false},
            "new": {"path": "a.csv", "bytes": 6, "hash": format!("sha256:{zeros}"), "inline": false},
        }])
    );
    assert_eq!(
        resource(&json!({"name": "a", "data": [1]}), &json!({"name": "a", "data": [2]})),
        json!([{"type": "new_file", "old": {"inline": true}, "new": {"inline": true}}])
    );
}

#[test]
fn resources_are_paired_by_name_then_path_then_id() {
    let list = |value: Value| value.as_array().unwrap().clone();
    let old = list(json!([
        {"name": "a", "path": "1"}, {"name": "b", "path": "2", "id": "x"}, {"name": "c", "path": "3", "id": "y"}, 5, {},
    ]));
    let new = list(json!([
        {}, 5, {"name": "q", "path": "9", "id": "y"}, {"name": "z", "path": "2"}, {"name": "a", "path": "2"},
    ]));
    assert_eq!(pair(&old, &new), [(0, 4), (1, 3), (2, 2), (3, 1), (4, 0)]);
    let twice = list(json!([{"name": "a", "x": 1}, {"name": "a", "x": 2}]));
    assert_eq!(pair(&twice, &twice), [(0, 0), (1, 1)]);
}

#[test]
fn many_resources_are_quick() {
    let many: Vec<Value> = (0..50_000).map(|n| json!({"name": n.to_string(), "path": format!("{n}.csv")})).collect();
    let renamed: Vec<Value> =
        (0..50_000).map(|n| json!({"name": format!("x{n}"), "path": format!("{n}.csv")})).collect();
    assert_eq!(changes(&json!({"resources": many}), &json!({"resources": renamed})).len(), 50_000);
}

/// A data package without duplicate, empty or `null` values.
fn plain() -> impl Strategy<Value = Value> {
    let text = "[abc]{1,2}";
    let texts = prop::collection::btree_map(
        prop::sample::select(vec![
            "title",
            "name",
            "description",
            "homepage",
            "version",
            "owner_org",
            "x",
            "y",
            "id",
            "image",
        ]),
        text.prop_map(Value::from),
        0..5,
    );
    let person = (
        text,
        prop::option::of("[mn]@x"),
        prop::option::of(prop::sample::select(vec!["creator", "author", "maintainer", "editor"])),
    )
        .prop_map(|(title, email, role)| {
            let mut person = json!({ "title": title });
            person.as_object_mut().unwrap().extend(email.map(|email| ("email".to_owned(), email.into())));
            person.as_object_mut().unwrap().extend(role.map(|role| ("role".to_owned(), role.into())));
            person
        });
    let resource = (
        prop::sample::select(vec!["a", "b", "c"]),
        prop::collection::btree_map(
            prop::sample::select(vec!["path", "format", "description", "mediatype", "hash", "z", "title"]),
            text.prop_map(Value::from),
            0..3,
        ),
        prop::option::of(0_u64..3),
    )
        .prop_map(|(name, texts, bytes)| {
            let mut resource = json!({ "name": name });
            let object = resource.as_object_mut().unwrap();
            object.extend(texts.into_iter().map(|(key, value)| (key.to_owned(), value)));
            object.extend(bytes.map(|bytes| ("bytes".to_owned(), bytes.into())));
            resource
        });
    (
        texts,
        prop::collection::btree_set(text, 0..3),
        prop::collection::vec(person, 0..3),
        prop::collection::vec(("[ab]", prop::option::of("[ab]")), 0..3),
        prop::collection::vec(resource, 0..3),
        any::<bool>(),
    )
        .prop_map(|(texts, keywords, people, licenses, resources, private)| {
            let mut package: Map<String, Value> =
                texts.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
            let mut list = |key: &str, values: Vec<Value>| {
                if !values.is_empty() {
                    package.insert(key.to_owned(), values.into());
                }
            };
            list("keywords", keywords.into_iter().map(Value::from).collect());
            list("contributors", people);
            list(
                "licenses",
                licenses
                    .into_iter()
                    .map(|(name, path)| {
                        path.map_or_else(|| json!({"name": name}), |path| json!({"name": name, "path": path}))
                    })
                    .collect(),
            );
            list("resources", resources);
            if private {
                package.insert("private".to_owned(), true.into());
            }
            Value::Object(package)
        })
}

/// The same package in CKAN's dialect, as far as possible, with more `null`s and another order of keywords.
fn as_ckan(package: &Value) -> Value {
    let mut ckan = package.as_object().unwrap().clone();
    let mut rename = |ours: &str, theirs: &str| {
        if let Some(value) = ckan.remove(ours) {
            ckan.insert(theirs.to_owned(), value);
            ckan.insert(ours.to_owned(), Value::Null);
        }
    };
    rename("description", "notes");
    rename("homepage", "url");
    if let Some(Value::Array(keywords)) = ckan.remove("keywords") {
        let tags: Vec<Value> = keywords.iter().rev().map(|name| json!({"name": name, "state": "active"})).collect();
        ckan.insert("tags".to_owned(), tags.into());
    }
    let extras: Vec<Value> =
        ["x", "y"].iter().filter_map(|key| Some(json!({"key": key, "value": ckan.remove(*key)?}))).collect();
    ckan.insert("extras".to_owned(), extras.into());
    if let Some(Value::Array(licenses)) = ckan.get("licenses").cloned()
        && let [license] = &licenses[..]
    {
        ckan.remove("licenses");
        ckan.insert("license_id".to_owned(), license["name"].clone());
        ckan.insert("license_url".to_owned(), license["path"].clone());
    }
    for resource in ckan.get_mut("resources").and_then(Value::as_array_mut).into_iter().flatten() {
        let resource = resource.as_object_mut().unwrap();
        for (ours, theirs) in [("path", "url"), ("mediatype", "mimetype")] {
            if let Some(value) = resource.remove(ours) {
                resource.insert(theirs.to_owned(), value);
            }
        }
        if let Some(bytes) = resource.remove("bytes") {
            resource.insert("size".to_owned(), bytes.to_string().into());
        }
    }
    Value::Object(ckan)
}

/// The only ambiguity of plain packages: the first author and the first maintainer. Normalises both,
/// in the same way in equal packages.
fn settle(package: &Value) -> Value {
    let mut package = package.clone();
    let mut firsts = Vec::new();
    if let Some(list) = package.get_mut("contributors").and_then(Value::as_array_mut) {
        for (roles, name) in [(&["author", "creator"][..], "author"), (&["maintainer"], "maintainer")] {
            let fits = |person: &Value| match person.get("role").and_then(Value::as_str) {
                None => name == "author",
                Some(role) => roles.contains(&role),
            };
            if let Some(index) = list.iter().position(fits) {
                let mut person = list.remove(index);
                if person.get("role").is_none() {
                    person["role"] = name.into();
                }
                firsts.push(person);
            }
        }
        list.splice(0..0, firsts);
    }
    package
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]
    #[test]
    fn there_is_no_change_exactly_if_two_packages_are_equal(old in plain(), new in plain()) {
        let same = changes(&old, &new) == [Change::NoChange];
        prop_assert_eq!(same, settle(&old) == settle(&new), "{} {}", old, new);
    }

    #[test]
    fn every_property_is_seen(package in plain(), pick in any::<prop::sample::Index>()) {
        // Removes one leaf.
        fn leaves(value: &Value, place: String, found: &mut Vec<String>) {
            match value {
                Value::Object(object) => for (key, value) in object { leaves(value, format!("{place}/{key}"), found) },
                Value::Array(list) => for (index, value) in list.iter().enumerate() { leaves(value, format!("{place}/{index}"), found) },
                _ => found.push(place),
            }
        }
        let mut places = Vec::new();
        leaves(&package, String::new(), &mut places);
        prop_assume!(!places.is_empty());
        let place = &places[pick.index(places.len())];
        let mut other = package.clone();
        *other.pointer_mut(place).unwrap() = "something else".into();
        // A licence or contributor may occur elsewhere too, but the whole differs.
        prop_assert_ne!(changes(&package, &other), [Change::NoChange], "{} at {}", package, place);
        prop_assert_ne!(changes(&other, &package), [Change::NoChange]);
    }

    #[test]
    fn the_dialects_say_the_same(package in plain()) {
        let ckan = as_ckan(&package);
        prop_assert_eq!(changes(&package, &ckan), [Change::NoChange], "{} {}", package, ckan);
        prop_assert_eq!(changes(&ckan, &package), [Change::NoChange]);
    }

    #[test]
    fn nothing_changes_between_a_package_and_itself(package in any_package()) {
        prop_assert_eq!(changes(&package, &package), [Change::NoChange]);
    }

    #[test]
    fn any_two_packages_have_changes_that_survive_json(old in any_package(), new in any_package()) {
        let found = changes(&old, &new);
        let back = changes(&new, &old);
        prop_assert_eq!(found == [Change::NoChange], back == [Change::NoChange]);
        prop_assert!(!found.is_empty());
        prop_assert!(found.len() == 1 || !found.contains(&Change::NoChange));
        let text = serde_json::to_string(&found).unwrap();
        prop_assert_eq!(serde_json::from_str::<Vec<Change>>(&text).unwrap(), found);
    }
}
