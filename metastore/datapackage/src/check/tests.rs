use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::{PROBLEM_LIMIT, parse};

/// What a repository allows, in short.
pub(crate) fn is_path(path: &str) -> bool {
    !path.contains(char::is_control) && path.split('/').all(|name| name != ".git" && name.len() <= 255)
}

fn check(package: &Value) -> Vec<Problem> {
    super::check(package, is_path)
}

/// Returns the problems as `path: message` lines.
fn problems(package: &Value) -> Vec<(String, String)> {
    check(package).into_iter().map(|problem| (problem.path, problem.message)).collect()
}

#[track_caller]
fn good(package: &Value) {
    assert_eq!(problems(package), [], "{package}");
}

/// Expects exactly one problem, at `path`, whose message contains `words`.
#[track_caller]
fn bad(package: &Value, path: &str, words: &str) {
    match &problems(package)[..] {
        [(found, message)] if found == path && message.contains(words) => {}
        other => panic!("{package}\n{other:?}"),
    }
}

fn with(resource: &Value) -> Value {
    json!({ "resources": [resource] })
}

fn table(schema: &Value) -> Value {
    json!({ "resources": [{ "name": "t", "path": "t.csv", "schema": schema }] })
}

fn field(field: &Value) -> Value {
    table(&json!({ "fields": [field] }))
}

#[test]
fn packages_of_all_clients_pass() {
    good(&json!({}));
    good(&json!({"name": "mydataset", "resources": [{"path": "data/myresource.csv"}]}));
    good(&json!({"name": "a", "resources": [], "licenses": [], "contributors": [], "title": null, "private": false}));
    good(&json!({
        "$schema": "https://datapackage.org/profiles/2.0/datapackage.json",
        "name": "A Name", "id": "x", "title": "T", "created": "1985-04-12T23:20:50.52Z", "version": "1.0",
        "homepage": "https://example.com", "image": "images/a.png", "keywords": ["a", "b"],
        "licenses": [{"name": "CC0-1.0"}, {"path": "https://example.com/license"}],
        "sources": [{"title": "S", "path": "raw/a.csv", "version": "2"}],
        "contributors": [{"title": "Jo", "email": "jo@example.com", "roles": ["creator"], "organization": "O"}],
        "custom": {"deep": [1, 2, {"x": null}]},
        "resources": [
            {"name": "all of it", "path": ["a.csv", "b.csv"], "bytes": 12, "hash": "", "format": "csv"},
            {"name": "inline", "data": {"a": 1}},
            {"name": "text", "data": "a,b", "format": "csv"},
            {"name": "rows", "type": "table", "data": [[1, 2], {"a": 1}], "dialect": {"delimiter": ";", "headerRows": [1]}},
            {"name": "old", "url": "http://example.com/a.csv"},
            {"name": "ref", "path": "https://example.com/a.csv", "schema": "schemas/a.json", "dialect": "d.json"},
        ],
    }));
    good(&table(&json!({
        "$schema": "https://datapackage.org/profiles/2.0/tableschema.json",
        "fields": [
            {"name": "id", "type": "integer", "constraints": {"required": true, "unique": true, "minimum": 1, "maximum": "9"}},
            {"name": "day", "type": "date", "format": "%d.%m.%Y", "constraints": {"minimum": "01.01.2000"}},
            {"name": "kind", "categories": [{"value": 0, "label": "a"}, {"value": 1}], "categoriesOrdered": true},
            {"name": "list", "type": "list", "itemType": "datetime", "delimiter": ";", "missingValues": ["-"]},
            {"name": "any", "description": "x", "constraints": {"enum": ["a"], "pattern": "a", "minLength": 0, "jsonSchema": {}}},
        ],
        "missingValues": [{"value": "", "label": "none"}, {"value": "-99"}],
        "primaryKey": "id", "uniqueKeys": [["day"], ["day", "kind"]], "fieldsMatch": "subset",
        "foreignKeys": [
            {"fields": ["id"], "reference": {"resource": "", "fields": ["day"]}},
            {"fields": "id", "reference": {"fields": "day"}},
            {"fields": "id", "reference": {"resource": "t", "fields": "day"}},
            {"fields": "id", "reference": {"package": "https://example.com/datapackage.json", "resource": "u", "fields": "v"}},
        ],
    })));
}

#[test]
fn problems_of_a_package_say_what_and_where() {
    bad(&json!([]), "", "expected an object, not a list");
    bad(&json!({"name": 7}), "/name", "expected a string, not the number 7");
    bad(&json!({"name": ""}), "/name", "empty");
    bad(&json!({"name": "My Data"}), "/name", "\"My Data\" is not a valid name: expected lower-case letters");
    bad(&json!({"title": ["a"]}), "/title", "expected a string, not a list");
    bad(&json!({"version": 1.0}), "/version", "expected a string, not the number 1");
    bad(&json!({"created": "yesterday"}), "/created", "1985-04-12T23:20:50Z");
    bad(&json!({"created": 5}), "/created", "expected a string");
    bad(&json!({"keywords": "a, b"}), "/keywords", "expected a list");
    bad(&json!({"keywords": ["a", 1]}), "/keywords/1", "expected a string");
    bad(&json!({"image": "../a.png"}), "/image", "\"..\"");
    bad(&json!({"licenses": [{"title": "T"}]}), "/licenses/0", "\"name\" or a \"path\"");
    bad(&json!({"licenses": [{"path": "s3://a"}]}), "/licenses/0/path", "http");
    bad(&json!({"licenses": {"name": "x"}}), "/licenses", "expected a list, not an object");
    bad(&json!({"sources": [{}]}), "/sources/0", "title");
    bad(&json!({"contributors": ["Jo"]}), "/contributors/0", "expected an object, not the string \"Jo\"");
    bad(&json!({"contributors": [{"title": "Jo", "roles": "author"}]}), "/contributors/0/roles", "expected a list");
    bad(&json!({"resources": {}}), "/resources", "expected a list");
    bad(&json!({"resources": ["a.csv"]}), "/resources/0", "expected an object");
}

#[test]
fn problems_of_a_resource_say_what_and_where() {
    let at = |key: &str| format!("/resources/0{key}");
    let one = |resource: Value, key: &str, words: &str| bad(&with(&resource), &at(key), words);
    one(json!({"name": "a"}), "", "neither");
    one(json!({"path": "a", "data": []}), "", "both");
    one(json!({"path": 5}), "/path", "expected a path, a URL or a list");
    one(json!({"path": []}), "/path", "at least one");
    one(json!({"path": "/etc/passwd"}), "/path", "absolute");
    one(json!({"path": ["a", "b/../../c"]}), "/path/1", "\"..\"");
    one(json!({"path": ["a", "http://b/c"]}), "/path/1", "one kind");
    one(json!({"path": ["a", 3]}), "/path/1", "not the number 3");
    one(json!({"data": 5}), "/data", "expected a list, an object or a string");
    one(json!({"data": "x"}), "/data", "format");
    one(json!({"data": {}, "type": "table"}), "/data", "list of rows");
    one(json!({"data": [1], "profile": "tabular-data-resource"}), "/data/0", "row");
    one(json!({"path": "a", "bytes": "5"}), "/bytes", "not the string \"5\"");
    one(json!({"path": "a", "bytes": -1}), "/bytes", "non-negative integer");
    one(json!({"path": "a", "bytes": 1.5}), "/bytes", "non-negative integer");
    one(json!({"path": "a", "hash": "sha256:abc"}), "/hash", "64 hexadecimal");
    one(json!({"path": "a", "sha256": "abc"}), "/sha256", "64 hexadecimal");
    let (some, other) = ("0".repeat(64), "1".repeat(64));
    one(json!({"path": "a", "sha256": some, "hash": format!("sha256:{other}")}), "/sha256", "the same SHA-256 in both");
    one(json!({"path": "a", "dialect": {"header": "no"}}), "/dialect/header", "true or false");
    one(json!({"path": "a", "dialect": []}), "/dialect", "expected an object");
    one(json!({"path": "a", "schema": 1}), "/schema", "Table Schema");
    one(json!({"path": "a", "schema": "/s.json"}), "/schema", "absolute");
    bad(&json!({"resources": [{"name": "a", "path": "a"}, {"name": "a", "path": "b"}]}), "/resources/1/name", "unique");
}

#[test]
fn problems_of_a_schema_say_what_and_where() {
    let at = |key: &str| format!("/resources/0/schema{key}");
    let one = |schema: Value, key: &str, words: &str| bad(&table(&schema), &at(key), words);
    one(json!({}), "/fields", "list of fields");
    one(json!({"fields": [5]}), "/fields/0", "expected an object");
    one(json!({"fields": [{}]}), "/fields/0", "\"name\"");
    one(json!({"fields": [{"name": "a"}, {"name": "a"}]}), "/fields/1/name", "another field");
    one(json!({"fields": [], "missingValues": [1]}), "/missingValues/0", "expected a string");
    one(json!({"fields": [], "missingValues": ["", {"value": ""}]}), "/missingValues/1", "twice");
    one(json!({"fields": [], "fieldsMatch": "all"}), "/fieldsMatch", "exact, equal");
    one(json!({"fields": [{"name": "a"}], "primaryKey": "b"}), "/primaryKey", "there is no field \"b\"");
    one(json!({"fields": [{"name": "a"}], "primaryKey": ["a", "b"]}), "/primaryKey/1", "there is no field");
    one(json!({"fields": [{"name": "a"}], "primaryKey": ["a", "a"]}), "/primaryKey/1", "twice");
    one(json!({"fields": [{"name": "a"}], "primaryKey": []}), "/primaryKey", "at least one");
    one(json!({"fields": [{"name": "a"}], "uniqueKeys": ["a"]}), "/uniqueKeys/0", "list of field names");
    let foreign = |key: Value| json!({"fields": [{"name": "a"}], "foreignKeys": [key]});
    one(foreign(json!({"fields": "a"})), "/foreignKeys/0", "\"reference\"");
    one(foreign(json!({"reference": {"fields": "a"}})), "/foreignKeys/0", "\"fields\"");
    one(foreign(json!({"fields": "a", "reference": {}})), "/foreignKeys/0/reference", "\"fields\"");
    one(foreign(json!({"fields": "b", "reference": {"fields": "a"}})), "/foreignKeys/0/fields", "there is no field");
    let key = json!({"fields": "a", "reference": {"resource": "u", "fields": "a"}});
    one(foreign(key), "/foreignKeys/0/reference/resource", "there is no resource \"u\"");
    let key = json!({"fields": "a", "reference": {"resource": "t", "fields": "z"}});
    one(foreign(key), "/foreignKeys/0/reference/fields", "there is no field \"z\"");
    let key = json!({"fields": ["a"], "reference": {"package": "p", "fields": ["x", "y"]}});
    one(foreign(key), "/foreignKeys/0/reference/fields", "as many");
}

#[test]
fn problems_of_a_field_say_what_and_where() {
    let one = |value: Value, key: &str, words: &str| {
        bad(&field(&value), &format!("/resources/0/schema/fields/0{key}"), words);
    };
    one(json!({"name": 1}), "/name", "expected a string");
    one(json!({"name": "a", "type": "text"}), "/type", "expected one of string, number");
    one(json!({"name": "a", "type": "list", "itemType": "list"}), "/itemType", "expected one of");
    one(json!({"name": "a", "format": {}}), "/format", "expected a string");
    one(json!({"name": "a", "constraints": []}), "/constraints", "expected an object");
    one(json!({"name": "a", "constraints": {"required": "true"}}), "/constraints/required", "true or false");
    one(json!({"name": "a", "constraints": {"minLength": -1}}), "/constraints/minLength", "non-negative integer");
    one(json!({"name": "a", "type": "date", "constraints": {"minimum": []}}), "/constraints/minimum", "a number");
    one(json!({"name": "a", "constraints": {"maximum": 5}}), "/constraints/maximum", "\"type\"");
    one(json!({"name": "a", "constraints": {"enum": "a"}}), "/constraints/enum", "a list");
    one(json!({"name": "a", "constraints": {"enum": []}}), "/constraints/enum", "empty");
    one(json!({"name": "a", "trueValues": [true]}), "/trueValues/0", "expected a string");
    one(json!({"name": "a", "bareNumber": "yes"}), "/bareNumber", "true or false");
    one(json!({"name": "a", "categories": ["a", "a"]}), "/categories/1", "twice");
    one(json!({"name": "a", "categories": [{"label": "a"}]}), "/categories/0", "\"value\"");
}

#[test]
fn each_version_has_its_rules() {
    let twice = json!({"fields": [{"name": "a"}, {"name": "a"}]});
    let mut package = table(&twice);
    assert_eq!(problems(&package).len(), 1);
    package["profile"] = json!("tabular-data-package");
    good(&package);
    package["$schema"] = json!("https://datapackage.org/profiles/2.0/datapackage.json");
    assert_eq!(problems(&package).len(), 1);
    let second = "https://datapackage.org/profiles/2.0/datapackage.json";
    good(&json!({"$schema": second, "name": "Ein Name", "resources": [{"name": "Straße 1", "path": "a"}]}));
    bad(&json!({"$schema": second, "name": "a\u{7}"}), "/name", "control");
}

#[test]
fn the_fixtures_are_good() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/datasets");
    let mut seen = 0;
    for dataset in std::fs::read_dir(folder).unwrap() {
        let bytes = std::fs::read(dataset.unwrap().path().join("datapackage.json")).unwrap();
        good(&parse(&bytes).unwrap());
        seen += 1;
    }
    assert!(seen >= 3);
}

#[test]
fn only_the_first_problems_are_reported_and_quickly() {
    let many = vec![json!({"path": "/x", "bytes": "y".repeat(10_000)}); 100_000];
    let found = check(&json!({ "resources": many }));
    assert_eq!(found.len(), PROBLEM_LIMIT);
    assert!(found.iter().all(|problem| problem.message.len() < 1000));
    assert_eq!(check(&json!({ "keywords": vec![0; 1_000_000] })).len(), PROBLEM_LIMIT);
    let fields: Vec<_> = (0..100_000).map(|number| json!({"name": number.to_string()})).collect();
    let keys: Vec<_> = (0..100_000)
        .map(|number| json!({"fields": number.to_string(), "reference": {"resource": "t", "fields": "0"}}))
        .collect();
    good(&table(&json!({"fields": fields, "foreignKeys": keys})));
}

#[test]
fn documents_are_read_with_care() {
    assert_eq!(parse("\u{feff}{\"a\": 1}".as_bytes()).unwrap(), json!({"a": 1}));
    let problem = parse(b"{\n \"a\": }").unwrap_err();
    assert!(problem.path.is_empty() && problem.message.contains("line 2 column"), "{problem}");
    assert!(parse("[".repeat(1_000_000).as_bytes()).unwrap_err().message.contains("recursion"));
    assert!(parse(b"{\"a\": \"\xff\"}").is_err());
}

/// Arbitrary JSON, biased to names and values that mean something in a package.
pub(crate) fn any_json() -> impl Strategy<Value = Value> {
    let key = prop_oneof![
        4 => prop::sample::select(vec![
            "name", "path", "data", "resources", "schema", "fields", "type", "constraints", "enum", "bytes", "sha256",
            "hash", "primaryKey", "foreignKeys", "reference", "resource", "licenses", "contributors", "sources",
            "keywords", "tags", "extras", "key", "value", "title", "role", "roles", "missingValues", "created", "id",
            "categories", "dialect", "format", "description", "organization", "owner_org", "url", "size", "minimum",
        ])
        .prop_map(str::to_owned),
        1 => "\\PC{0,6}",
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "\\PC{0,12}".prop_map(Value::from),
        prop::sample::select(vec!["a.csv", "../x", "/x", "http://a/b", "integer", "string", "author", "a", ""])
            .prop_map(Value::from),
        Just(Value::from("0".repeat(64))),
    ];
    leaf.prop_recursive(6, 80, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::btree_map(key.clone(), inner, 0..6)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

/// An arbitrary JSON object with a list of resources.
pub(crate) fn any_package() -> impl Strategy<Value = Value> {
    (any_json(), prop::collection::vec(any_json(), 0..4)).prop_map(|(mut package, resources)| {
        if let Value::Object(package) = &mut package {
            package.insert("resources".to_owned(), Value::from(resources));
        }
        package
    })
}

proptest! {
    #[test]
    fn every_problem_points_into_the_package(package in any_package()) {
        for problem in check(&package) {
            // The place itself, or the object that lacks something.
            let parent = problem.path.rsplit_once('/').map_or("", |(parent, _)| parent);
            prop_assert!(package.pointer(&problem.path).or_else(|| package.pointer(parent)).is_some(), "{}", problem);
            prop_assert!(!problem.message.is_empty());
        }
    }

    #[test]
    fn null_counts_as_absent(package in any_package()) {
        fn strip(value: &Value) -> Value {
            match value {
                Value::Object(object) => object.iter()
                    .filter(|(_, value)| !value.is_null())
                    .map(|(key, value)| (key.clone(), strip(value))).collect(),
                Value::Array(list) => list.iter().map(strip).collect(),
                other => other.clone(),
            }
        }
        prop_assert_eq!(check(&package), check(&strip(&package)));
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
        if let Ok(package) = parse(&bytes) {
            check(&package);
        }
    }
}
