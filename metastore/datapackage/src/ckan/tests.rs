//! The rules one by one, then both round trips with arbitrary documents.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

mod losses;

fn object(value: Value) -> Object {
    match value {
        Value::Object(object) => object,
        other => panic!("not an object: {other}"),
    }
}

fn to_package(dataset: Value) -> Value {
    Value::Object(package_from_dataset(&object(dataset)).expect("a dataset"))
}

fn to_dataset(package: Value) -> Value {
    Value::Object(dataset_from_package(&object(package)).expect("a package"))
}

/// Removes the side records from a package or dataset and its resources.
fn without_records(mut document: Object) -> Object {
    let strip = |object: &mut Object| {
        object.remove(IN_PACKAGE);
        object.remove(IN_DATASET);
    };
    strip(&mut document);
    if let Some(Value::Array(resources)) = document.get_mut("resources") {
        resources.iter_mut().filter_map(Value::as_object_mut).for_each(strip);
    }
    if let Some(Value::Array(extras)) = document.get_mut("extras") {
        extras.retain(|extra| extra.get("key").and_then(Value::as_str) != Some(IN_DATASET));
        if extras.is_empty() {
            document.remove("extras");
        }
    }
    document
}

/// Converts a dataset by the rules alone, without side records.
fn package_of(dataset: Value) -> Value {
    Value::Object(without_records(object(to_package(dataset))))
}

/// Converts a package by the rules alone, without side records.
fn dataset_of(package: Value) -> Value {
    Value::Object(without_records(object(to_dataset(package))))
}

fn resource_of(resource: impl Into<Value>) -> Value {
    let resource = resource.into();
    package_of(json!({"resources": [resource]}))["resources"][0].take()
}

#[test]
fn the_fields_of_a_resource_change_their_names() {
    let ckan = json!({"name": "rain", "size": 1200, "mimetype": "text/csv", "url": "data/rain.csv", "format": "CSV", "hash": "ab12"});
    let frictionless = json!({"name": "rain", "bytes": 1200, "mediatype": "text/csv", "path": "data/rain.csv", "format": "CSV", "hash": "ab12"});
    assert_eq!(resource_of(ckan.clone()), frictionless);
    assert_eq!(dataset_of(json!({"resources": [frictionless]})), json!({"resources": [ckan]}));
}

#[test]
fn a_size_in_text_becomes_a_number_if_it_is_one() {
    assert_eq!(resource_of(json!({"name": "a", "size": "77"})), json!({"name": "a", "bytes": 77}));
    assert_eq!(resource_of(json!({"name": "a", "size": "big"})), json!({"name": "a", "size": "big"}));
    assert_eq!(resource_of(json!({"name": "a", "size": null})), json!({"name": "a"}));
}

#[test]
fn the_url_wins_over_a_path() {
    assert_eq!(resource_of(json!({"name": "a", "url": "new", "path": "old"})), json!({"name": "a", "path": "new"}));
    assert_eq!(resource_of(json!({"name": "a", "url": "", "path": "old"})), json!({"name": "a", "path": "old"}));
}

#[test]
fn names_of_resources_are_slugs() {
    for (name, slug) in [
        ("Rainfall 2020.csv", "rainfall-2020.csv"),
        ("Übersicht", "ubersicht"),
        ("  padded  ", "padded"),
        ("a||b", "a-b"),
        ("a -- b", "a-b"),
        ("under_score", "under_score"),
        ("(draft)", "-draft-"),
        ("Список", "spisok"),
    ] {
        assert_eq!(resource_of(json!({"name": name}))["name"], slug, "{name}");
    }
    assert_eq!(resource_of(json!({"name": "   "}))["name"], "unnamed-resource-1");
}

#[test]
fn types_are_lower_case_and_json_in_text_is_parsed() {
    let resource = json!({
        "name": "a",
        "type": "Table",
        "schema": " {\"fields\": [{\"name\": \"x\"}]}",
        "sample": "[1, 2]",
        "remark": "[not json",
        "description": "[1]",
        "flag": "true",
    });
    let expected = json!({
        "name": "a",
        "type": "table",
        "schema": {"fields": [{"name": "x"}]},
        "sample": [1, 2],
        "remark": "[not json",
        "description": "[1]",
        "flag": "true",
    });
    assert_eq!(resource_of(resource), expected);
}

#[test]
fn a_schema_is_not_made_text_again() {
    let resource = json!({"name": "a", "schema": {"fields": []}});
    assert_eq!(to_dataset(json!({"resources": [resource]}))["resources"][0], resource);
}

#[test]
fn states_positions_and_nulls_of_resources_are_dropped() {
    let resource = json!({"name": "a", "position": 0, "state": "active", "datastore_active": false, "cache_url": null});
    assert_eq!(resource_of(resource), json!({"name": "a"}));
}

#[test]
fn resources_of_one_name_are_numbered() {
    let names = |names: &[Value]| {
        let resources: Vec<Value> = names.iter().map(|name| json!({"name": name})).collect();
        let package = package_of(json!({"resources": resources}));
        let get = |resource: &Value| (resource["name"].clone(), resource["original_name"].clone());
        package["resources"].as_array().expect("a list").iter().map(get).collect::<Vec<_>>()
    };
    assert_eq!(
        names(&["Data".into(), "data".into(), "other".into()]),
        [("data-1".into(), "data".into()), ("data-2".into(), "data".into()), ("other".into(), Value::Null)]
    );
    assert_eq!(
        names(&["data".into(), "data-1".into(), "data".into()]),
        [("data-2".into(), "data".into()), ("data-1".into(), Value::Null), ("data-3".into(), "data".into())]
    );
    assert_eq!(
        names(&[Value::Null, "x".into(), "".into()]),
        [
            ("unnamed-resource-1".into(), Value::Null),
            ("x".into(), Value::Null),
            ("unnamed-resource-2".into(), Value::Null)
        ]
    );
}

#[test]
fn notes_and_url_are_description_and_homepage() {
    let ckan = json!({"name": "d", "notes": "text", "url": "https://example.org", "resources": []});
    let package = json!({"name": "d", "description": "text", "homepage": "https://example.org", "resources": []});
    assert_eq!(package_of(ckan.clone()), package);
    assert_eq!(to_dataset(package), ckan);
}

#[test]
fn there_are_always_resources() {
    assert_eq!(package_of(json!({"name": "d"})), json!({"name": "d", "resources": []}));
}

#[test]
fn extras_are_lifted_and_parsed() {
    let extras = json!([
        {"key": "list", "value": "[1, {\"a\": null}]"},
        {"key": "whole", "value": "5"},
        {"key": "truth", "value": "true"},
        {"key": "version_of_format", "value": "1.10"},
        {"key": "nothing", "value": "null"},
        {"key": "quoted", "value": "\"x\""},
        {"key": "plain", "value": "some words"},
        {"key": "broken", "value": "{\"a\":"},
        {"key": "raw", "value": {"already": "parsed"}},
        {"key": "title", "value": "never in place of the title"},
    ]);
    let package = package_of(json!({"title": "T", "extras": extras, "resources": []}));
    let expected = json!({
        "title": "T",
        "list": [1, {"a": null}],
        "whole": 5,
        "truth": true,
        "version_of_format": "1.10",
        "nothing": "null",
        "quoted": "x",
        "plain": "some words",
        "broken": "{\"a\":",
        "raw": {"already": "parsed"},
        "resources": [],
    });
    assert_eq!(package, expected);
}

#[test]
fn what_ckan_does_not_know_becomes_an_extra() {
    let package = json!({"name": "d", "version": "1", "profile": "tabular-data-package", "count": 3, "sources": [{"title": "s"}]});
    let extras = json!([
        {"key": "count", "value": "3"},
        {"key": "profile", "value": "tabular-data-package"},
        {"key": "sources", "value": "[{\"title\":\"s\"}]"},
    ]);
    let dataset = dataset_of(package);
    let mut found = dataset["extras"].as_array().expect("a list").clone();
    found.sort_by_key(|extra| extra["key"].to_string());
    assert_eq!(Value::Array(found), extras);
    assert_eq!((&dataset["name"], &dataset["version"]), (&json!("d"), &json!("1")));
}

#[test]
fn extras_that_a_package_has_are_handed_on() {
    let package = json!({"extras": [{"key": "a", "value": "1"}], "b": "2", "resources": []});
    let extras = json!([{"key": "a", "value": "1"}, {"key": "b", "value": "2"}]);
    assert_eq!(dataset_of(package)["extras"], extras);
}

#[test]
fn tags_are_keywords() {
    let tags = json!([{"name": "water", "id": "1"}, {"name": "Feuer"}]);
    assert_eq!(package_of(json!({"tags": tags}))["keywords"], json!(["water", "Feuer"]));
    let dataset = to_dataset(json!({"keywords": ["water", "Feuer"], "resources": []}));
    assert_eq!(dataset, json!({"tags": [{"name": "water"}, {"name": "Feuer"}], "resources": []}));
    assert_eq!(package_of(json!({"tags": []})), json!({"resources": []}));
}

#[test]
fn author_and_maintainer_are_contributors() {
    let dataset = json!({
        "author": "Ada", "author_email": "ada@example.org", "maintainer": "Max", "maintainer_email": null, "resources": [],
    });
    let contributors = json!([
        {"title": "Ada", "role": "author", "email": "ada@example.org"},
        {"title": "Max", "role": "maintainer"},
    ]);
    assert_eq!(package_of(dataset), json!({"contributors": contributors, "resources": []}));
    let dataset = to_dataset(json!({"contributors": contributors, "resources": []}));
    let expected = json!({"author": "Ada", "author_email": "ada@example.org", "maintainer": "Max", "resources": []});
    assert_eq!(dataset, expected);
    assert_eq!(package_of(json!({"author": "", "maintainer": null})), json!({"resources": []}));
}

#[test]
fn contributors_among_the_extras_win() {
    let dataset = json!({"author": "Ada", "extras": [{"key": "contributors", "value": "[{\"title\": \"Bo\"}]"}]});
    assert_eq!(package_of(dataset), json!({"contributors": [{"title": "Bo"}], "resources": []}));
}

#[test]
fn contributors_stay_an_extra_unless_the_fields_say_it_all() {
    let is_extra = |contributors: Value| {
        let dataset = dataset_of(json!({ "contributors": contributors }));
        (dataset.get("extras").is_some(), dataset["author"].clone(), dataset["maintainer"].clone())
    };
    let none = Value::Null;
    assert_eq!(is_extra(json!([{"title": "A"}])), (false, "A".into(), none.clone()));
    assert_eq!(is_extra(json!([{"title": "A", "role": "author"}])), (false, "A".into(), none.clone()));
    assert_eq!(is_extra(json!([{"title": "A", "roles": ["maintainer"]}])), (false, none.clone(), "A".into()));
    assert_eq!(is_extra(json!([{"title": "A", "role": "publisher"}])), (true, none.clone(), none.clone()));
    let two = |one: &str, other: &str| json!([{"title": "A", "role": one}, {"title": "B", "role": other}]);
    assert_eq!(is_extra(two("maintainer", "author")), (false, "B".into(), "A".into()));
    assert_eq!(is_extra(two("author", "author")), (true, "A".into(), none.clone()));
    assert_eq!(is_extra(two("author", "publisher")), (true, "A".into(), none.clone()));
    let three = json!([{"title": "A"}, {"title": "B", "role": "maintainer"}, {"title": "C"}]);
    assert_eq!(is_extra(three), (true, "A".into(), "B".into()));
}

#[test]
fn the_licence_is_the_first_of_the_licences() {
    let dataset = json!({"license_id": "cc-by", "license_title": "CC BY", "license_url": "https://l", "resources": []});
    let package = json!({"licenses": [{"name": "cc-by", "title": "CC BY", "path": "https://l"}], "resources": []});
    assert_eq!(package_of(dataset.clone()), package);
    assert_eq!(to_dataset(package), dataset);

    let blank = json!({"license_id": "cc-by", "license_title": "", "license_url": null});
    assert_eq!(package_of(blank), json!({"licenses": [{"name": "cc-by"}], "resources": []}));
    assert_eq!(package_of(json!({"license_id": ""})), json!({"resources": []}));

    let two = json!([{"name": "a"}, {"name": "b"}]);
    let dataset = dataset_of(json!({"licenses": two, "resources": []}));
    assert_eq!(dataset["license_id"], "a");
    assert_eq!(dataset["extras"][0]["key"], "licenses");
    assert_eq!(package_of(dataset), json!({"licenses": two, "resources": []}));
    let completed = json!({"license_title": "A", "extras": [{"key": "licenses", "value": two.to_string()}]});
    assert_eq!(package_of(completed)["licenses"], json!([{"name": "a", "title": "A"}, {"name": "b"}]));
}

#[test]
fn computed_fields_and_nulls_are_dropped() {
    let dataset = json!({
        "id": "1", "state": "active", "isopen": true, "num_resources": 0, "num_tags": 0,
        "organization": {"name": "o"}, "owner_org": "2", "groups": [], "revision_id": null, "resources": [],
    });
    assert_eq!(package_of(dataset), json!({"id": "1", "owner_org": "2", "groups": [], "resources": []}));
}

#[test]
fn lists_must_be_lists_of_the_right_things() {
    for (dataset, at) in [
        (json!({"resources": {}}), "/resources "),
        (json!({"resources": [1]}), "/resources/0 "),
        (json!({"extras": [{"key": "a", "value": 1}, {"value": 1}]}), "/extras/1 "),
        (json!({"tags": [{"label": "x"}]}), "/tags/0 "),
    ] {
        let error = package_from_dataset(&object(dataset)).expect_err("malformed");
        assert!(matches!(&error, Error::Invalid(what) if what.starts_with(at)), "{error}");
    }
    assert!(matches!(dataset_from_package(&object(json!({"resources": ["a.csv"]}))), Err(Error::Invalid(_))));
}

#[test]
fn nesting_has_a_limit() {
    let nest = |depth| (0..depth).fold(json!(1), |value, _| Value::Array(vec![value]));
    for (depth, fits) in [(63, true), (64, false), (5000, false)] {
        let document = Object::from_iter([("a".to_owned(), nest(depth))]);
        assert_eq!(dataset_from_package(&document).is_ok(), fits);
        assert_eq!(package_from_dataset(&document).is_ok(), fits);
        // Dropping the deepest one would overflow the stack of a test.
        std::mem::forget(document);
    }
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-c]{0,2}",
        Just("5".to_owned()),
        Just("1.10".to_owned()),
        Just("true".to_owned()),
        Just("null".to_owned()),
        Just("[1, 2]".to_owned()),
        Just(" {\"a\": [0.1, null]}".to_owned()),
        Just("\"q\"".to_owned()),
        Just("A b||Ü".to_owned()),
        Just("author".to_owned()),
        Just("maintainer".to_owned()),
        ".{0,6}",
    ]
}

const KEYS: &[&str] = &[
    "a",
    "name",
    "title",
    "notes",
    "description",
    "url",
    "homepage",
    "path",
    "tags",
    "keywords",
    "extras",
    "author",
    "author_email",
    "maintainer",
    "maintainer_email",
    "contributors",
    "license_id",
    "license_title",
    "license_url",
    "licenses",
    "state",
    "isopen",
    "organization",
    "groups",
    "type",
    "size",
    "bytes",
    "mimetype",
    "mediatype",
    "format",
    "hash",
    "schema",
    "datastore_active",
    "original_name",
    "version",
    "role",
    "roles",
    "email",
    "key",
    "value",
    "id",
    "profile",
    "fields",
    "resources_",
    "seen",
];

fn key() -> impl Strategy<Value = String> {
    prop_oneof![4 => proptest::sample::select(KEYS).prop_map(str::to_owned), 1 => "[a-z]{1,3}"]
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        2 => Just(Value::Null),
        1 => any::<bool>().prop_map(Value::from),
        1 => any::<i64>().prop_map(Value::from),
        1 => (0u64..4).prop_map(Value::from),
        1 => any::<f64>().prop_filter("finite", |number| number.is_finite()).prop_map(Value::from),
        6 => text().prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::btree_map(key(), inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

fn fields(size: usize) -> impl Strategy<Value = Object> {
    proptest::collection::btree_map(key(), value(), 0..size).prop_map(|map| map.into_iter().collect())
}

/// Either the list, an empty one, null, or nothing.
fn list(item: impl Strategy<Value = Object>) -> impl Strategy<Value = Option<Value>> {
    let items = proptest::collection::vec(item.prop_map(Value::Object), 0..4);
    prop_oneof![6 => items.prop_map(|items| Some(items.into())), 1 => Just(None), 1 => Just(Some(Value::Null))]
}

fn named(field: &'static str, name: impl Strategy<Value = String>) -> impl Strategy<Value = Object> {
    (fields(3), name, value()).prop_map(move |(mut object, name, value)| {
        object.entry("value").or_insert(value);
        object.insert(field.to_owned(), name.into());
        object
    })
}

fn set(object: &mut Object, key: &str, value: Option<Value>) {
    match value {
        Some(value) => object.insert(key.to_owned(), value),
        None => object.remove(key),
    };
}

fn dataset() -> impl Strategy<Value = Object> {
    let counts = (any::<bool>(), any::<bool>());
    let people = list(named("role", text()));
    (fields(8), list(fields(6)), list(named("key", key())), list(named("name", text())), people, counts).prop_map(
        |(mut dataset, resources, extras, tags, people, (count, position))| {
            let length = |list: &Option<Value>| list.as_ref().and_then(Value::as_array).map_or(0, Vec::len);
            if count {
                dataset.insert("num_resources".to_owned(), length(&resources).into());
                dataset.insert("num_tags".to_owned(), length(&tags).into());
            }
            set(&mut dataset, "resources", resources);
            set(&mut dataset, "extras", extras);
            set(&mut dataset, "tags", tags);
            if let Some(people) = people {
                dataset.insert("contributors".to_owned(), people);
            }
            for resource in record::resources(&dataset.clone()).iter().enumerate() {
                if position {
                    dataset["resources"][resource.0]["position"] = resource.0.into();
                }
            }
            dataset
        },
    )
}

fn package() -> impl Strategy<Value = Object> {
    let people = list(named("role", text()));
    let licenses = list(named("title", text()));
    let words = proptest::collection::vec(text(), 0..4);
    (fields(8), list(fields(6)), people, licenses, proptest::option::of(words)).prop_map(
        |(mut package, resources, people, licenses, words)| {
            set(&mut package, "resources", resources);
            for (key, value) in [("contributors", people), ("licenses", licenses), ("keywords", words.map(Value::from))]
            {
                if let Some(value) = value {
                    package.insert(key.to_owned(), value);
                }
            }
            package
        },
    )
}

/// The document after it was stored and parsed again.
fn stored(document: &Object) -> Object {
    serde_json::from_str(&serde_json::to_string(document).expect("JSON")).expect("JSON")
}

proptest! {
    #[test]
    fn a_dataset_comes_back(dataset in dataset()) {
        let package = stored(&package_from_dataset(&dataset).expect("a dataset"));
        prop_assert_eq!(stored(&dataset_from_package(&package).expect("a package")), dataset);
    }

    #[test]
    fn a_package_comes_back(package in package()) {
        let dataset = stored(&dataset_from_package(&package).expect("a package"));
        prop_assert_eq!(stored(&package_from_dataset(&dataset).expect("a dataset")), package);
    }

    #[test]
    fn a_package_with_any_record_comes_back(mut package in package(), own in value(), other in dataset(), of_resource in value()) {
        // Side records of another dataset, and made-up ones.
        let foreign = package_from_dataset(&other).expect("a dataset");
        set(&mut package, IN_PACKAGE, Some(foreign.get(IN_PACKAGE).cloned().unwrap_or(own)));
        package.insert(IN_DATASET.to_owned(), of_resource.clone());
        if let Some(Value::Array(resources)) = package.get_mut("resources") {
            for resource in resources {
                resource[IN_PACKAGE] = json!({"fields": {"name": {"value": of_resource}}});
                resource[IN_DATASET] = of_resource.clone();
            }
        }
        let dataset = stored(&dataset_from_package(&package).expect("a package"));
        prop_assert_eq!(stored(&package_from_dataset(&dataset).expect("a dataset")), package);
    }

    #[test]
    fn any_record_in_a_dataset_gives_a_package(mut dataset in dataset(), other in package(), made_up in value()) {
        let foreign = dataset_from_package(&other).expect("a package");
        let record = record::resources(&foreign).first().and_then(|resource| resource.get(IN_DATASET)).cloned();
        if let Some(Value::Array(resources)) = dataset.get_mut("resources") {
            for resource in resources {
                resource[IN_DATASET] = record.clone().unwrap_or_else(|| made_up.clone());
            }
        }
        let text = json!({"fields": {"resources": {"value": made_up}, "title": {"value": made_up}}}).to_string();
        dataset.insert("extras".to_owned(), json!([{"key": IN_DATASET, "value": text}]));
        let package = package_from_dataset(&dataset).expect("a dataset");
        let again = dataset_from_package(&package).expect("a package");
        prop_assert_eq!(package_from_dataset(&again).expect("a dataset"), package);
    }

    #[test]
    fn a_change_of_one_field_is_not_undone(dataset in dataset(), title in "[a-z]{5}", word in "[a-z]{5}") {
        let mut package = package_from_dataset(&dataset).expect("a dataset");
        package.insert("title".to_owned(), title.clone().into());
        package.insert("keywords".to_owned(), json!([word]));
        package.insert("description".to_owned(), "new".into());
        let changed = dataset_from_package(&package).expect("a package");
        prop_assert_eq!(&changed["title"], &Value::from(title));
        prop_assert_eq!(&changed["notes"], &Value::from("new"));
        prop_assert_eq!(&changed["tags"][0]["name"], &Value::from(word));
        prop_assert_eq!(changed["tags"].as_array().map(Vec::len), Some(1));
    }
}
