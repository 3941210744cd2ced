//! Adding to a resource what was found out about its files. Nothing that is there is changed.

use serde_json::{Map, Value};

use crate::{
    get, member,
    text::JsonPointer,
    values::{digest, named_sha256},
};

/// A property that a resource lacked.
#[derive(Debug, Clone, PartialEq)]
pub struct Addition {
    /// Where it was added: a JSON pointer (RFC 6901) into the resource.
    pub property: String,
    /// Its value.
    pub value: Value,
}

/// A property of a resource that differs from what was found.
#[derive(Debug, Clone, PartialEq)]
pub struct Conflict {
    /// The property: a JSON pointer (RFC 6901) into the resource.
    pub property: String,
    /// What the resource says.
    pub existing: Value,
    /// What was found.
    pub found: Value,
}

/// What was found out about the files of a resource, as properties of it.
pub type Found = Map<String, Value>;

/// A resource with what was found, and how it differs from the one before.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Described {
    /// The resource.
    pub resource: Map<String, Value>,
    /// What was added.
    pub added: Vec<Addition>,
    /// What was left as it is.
    pub conflicts: Vec<Conflict>,
}

/// Adds what was found to a resource: properties that it lacks, also those of its schema, of the fields of its schema and
/// of its dialect. Fields are only added to if they have the names of those that were found. A schema or dialect that is
/// elsewhere stays as it is.
pub fn describe(resource: &Map<String, Value>, found: &Found) -> Described {
    let mut described = Described { resource: resource.clone(), ..Described::default() };
    let Described { resource, added, conflicts } = &mut described;
    let mut merge = Merge { added, conflicts };
    for (key, value) in found {
        let place = JsonPointer::ROOT.key(key);
        match key.as_str() {
            "hash" => merge.hash(resource, value, found.get("bytes")),
            _ => merge.property(place, resource, key, value),
        }
    }
    described
}

/// Returns a name for a new resource with a file at this path: that of the file without its extension. `is_taken` says
/// whether another resource has a name.
pub fn resource_name(path: &str, is_taken: impl Fn(&str) -> bool) -> String {
    let file = path.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
    let file = [".gz", ".zst"].iter().find_map(|end| file.strip_suffix(end)).unwrap_or(file);
    let (stem, extension) = file.rsplit_once('.').filter(|(stem, _)| !stem.is_empty()).unwrap_or((file, ""));
    let plain = |text: &str| -> String {
        let ascii = deunicode::deunicode(text).to_lowercase();
        let usual = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-') { c } else { '-' };
        ascii.trim().chars().map(usual).collect()
    };
    let (stem, extension) = (plain(stem), plain(extension));
    let stem = if stem.is_empty() { "table".to_owned() } else { stem };
    let mut name = stem.clone();
    if is_taken(&name) && !extension.is_empty() {
        name = format!("{stem}-{extension}");
    }
    let mut number = 2;
    while is_taken(&name) {
        name = format!("{stem}-{number}");
        number += 1;
    }
    name
}

struct Merge<'d> {
    added: &'d mut Vec<Addition>,
    conflicts: &'d mut Vec<Conflict>,
}

impl Merge<'_> {
    fn property(&mut self, place: JsonPointer<'_>, object: &mut Map<String, Value>, key: &str, found: &Value) {
        match (object.get_mut(key), found) {
            (None | Some(Value::Null), _) => self.add(place, object, key, found),
            (Some(Value::Object(existing)), Value::Object(found)) => {
                for (key, value) in found {
                    self.property(place.key(key), existing, key, value);
                }
            }
            (Some(Value::Array(existing)), Value::Array(found)) if key == "fields" => {
                self.fields(place, existing, found);
            }
            // It is a path or a URL.
            (Some(Value::String(_)), Value::Object(_)) => {}
            (Some(Value::String(existing)), Value::String(found)) if is_same(key, existing, found) => {}
            (Some(existing), found) if existing == found => {}
            (Some(existing), found) => self.conflict(place, existing.clone(), found.clone()),
        }
    }

    fn fields(&mut self, place: JsonPointer<'_>, existing: &mut [Value], found: &[Value]) {
        let names = |fields: &[Value]| -> Vec<Value> {
            fields.iter().map(|field| get(field, "name").cloned().unwrap_or_default()).collect()
        };
        let (old, new) = (names(existing), names(found));
        if old != new {
            return self.conflict(place, old.into(), new.into());
        }
        for (index, (field, found)) in existing.iter_mut().zip(found).enumerate() {
            let (Value::Object(field), Value::Object(found)) = (field, found) else { continue };
            let place = place.index(index);
            let is_other = |key| member(field, key).is_some_and(|value| Some(value) != found.get(key));
            // The other properties belong to the type.
            let keys: &[&str] = if is_other("type") { &["type"] } else { &[] };
            for (key, value) in found.iter().filter(|(key, _)| keys.is_empty() || keys.contains(&key.as_str())) {
                self.property(place.key(key), field, key, value);
            }
        }
    }

    /// A SHA-256 may be in `sha256`, too. Digests of other algorithms cannot be compared. None is added to a resource with
    /// another size: together they stand for an object that does not exist.
    fn hash(&mut self, resource: &mut Map<String, Value>, found: &Value, bytes: Option<&Value>) {
        let digits = found.as_str().and_then(named_sha256).unwrap_or_default();
        let own = |key| member(resource, key).filter(|value| value.as_str() != Some(""));
        let known = match (own("sha256"), own("hash")) {
            (Some(sha256), _) => Some(("sha256", sha256.as_str().and_then(digest))),
            (None, Some(hash)) => Some(("hash", hash.as_str().and_then(named_sha256).and_then(digest))),
            (None, None) => None,
        };
        let place = |key| JsonPointer::ROOT.key(key).to_string();
        match known {
            None if member(resource, "bytes").is_some_and(|own| Some(own) != bytes) => {}
            None => self.add(JsonPointer::ROOT.key("hash"), resource, "hash", found),
            Some((key, Some(known))) if known != digits => {
                let existing = resource.get(key).cloned().unwrap_or_default();
                self.conflicts.push(Conflict { property: place(key), existing, found: found.clone() });
            }
            Some(_) => {}
        }
    }

    fn add(&mut self, place: JsonPointer<'_>, object: &mut Map<String, Value>, key: &str, value: &Value) {
        object.insert(key.to_owned(), value.clone());
        self.added.push(Addition { property: place.to_string(), value: value.clone() });
    }

    fn conflict(&mut self, place: JsonPointer<'_>, existing: Value, found: Value) {
        self.conflicts.push(Conflict { property: place.to_string(), existing, found });
    }
}

/// Returns true if two values of a property mean the same.
fn is_same(key: &str, one: &str, other: &str) -> bool {
    let plain = |text: &str| match key {
        "encoding" => text.to_ascii_lowercase().replace(['-', '_'], ""),
        "format" => text.to_ascii_lowercase(),
        _ => text.to_owned(),
    };
    plain(one) == plain(other)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn map(value: Value) -> Map<String, Value> {
        let Value::Object(map) = value else { panic!("{value} is not an object") };
        map
    }

    fn found() -> Found {
        map(json!({
            "schema": {"fields": [{"name": "id", "type": "integer"}, {"name": "day", "type": "date", "format": "%d.%m.%Y"}],
                "missingValues": ["", "NA"]},
            "dialect": {"delimiter": ";", "header": true},
            "encoding": "utf-8", "format": "csv", "bytes": 12, "hash": format!("sha256:{}", "ab".repeat(32)),
        }))
    }

    fn places(described: &Described) -> (Vec<&str>, Vec<&str>) {
        let added = described.added.iter().map(|added| added.property.as_str()).collect();
        (added, described.conflicts.iter().map(|conflict| conflict.property.as_str()).collect())
    }

    #[test]
    fn what_is_missing_is_added() {
        let described = describe(&map(json!({"name": "a", "x": 1, "bytes": null})), &found());
        assert_eq!(
            places(&described),
            (vec!["/schema", "/dialect", "/encoding", "/format", "/bytes", "/hash"], vec![])
        );
        let keys: Vec<&str> = described.resource.keys().map(String::as_str).collect();
        assert_eq!(keys, ["name", "x", "bytes", "schema", "dialect", "encoding", "format", "hash"]);
        assert_eq!(described.resource["bytes"], 12);
        let again = describe(&described.resource, &found());
        assert_eq!((places(&again), &again.resource), ((vec![], vec![]), &described.resource));
    }

    #[test]
    fn what_is_there_stays_and_is_reported() {
        let resource = map(json!({
            "schema": {"fields": [{"name": "id", "title": "Id"}, {"name": "day", "type": "string"}], "primaryKey": "id"},
            "dialect": {"delimiter": ","}, "encoding": "UTF8", "format": "CSV", "bytes": 13, "sha256": "cd".repeat(32),
        }));
        let described = describe(&resource, &found());
        let added = vec!["/schema/fields/0/type", "/schema/missingValues", "/dialect/header"];
        let conflicts = vec!["/schema/fields/1/type", "/dialect/delimiter", "/bytes", "/sha256"];
        assert_eq!(places(&described), (added, conflicts));
        assert_eq!(described.resource["schema"]["fields"][1], json!({"name": "day", "type": "string"}));
        let first = &described.conflicts[0];
        assert_eq!((&first.existing, &first.found), (&json!("string"), &json!("date")));

        let other = map(json!({"schema": {"fields": [{"name": "day"}]}, "hash": "md5:".to_owned() + &"0".repeat(32)}));
        let described = describe(&other, &found());
        assert_eq!(places(&described).1, ["/schema/fields"], "digests of other algorithms are not compared");
        assert_eq!(described.conflicts[0].found, json!(["id", "day"]));
        let elsewhere = describe(&map(json!({"schema": "schema.json", "dialect": "https://a/b"})), &found());
        assert_eq!(places(&elsewhere), (vec!["/encoding", "/format", "/bytes", "/hash"], vec![]));
    }

    #[test]
    fn a_resource_of_another_size_gets_no_hash() {
        let described = describe(&map(json!({"bytes": 1})), &found());
        assert_eq!((described.resource.get("hash"), places(&described).1), (None, vec!["/bytes"]));
        assert!(describe(&map(json!({"bytes": 12})), &found()).resource.contains_key("hash"));
    }

    #[test]
    fn resources_are_named_after_their_files() {
        for (path, taken, expected) in [
            ("data/Birds 2024.csv", &[][..], "birds-2024"),
            ("birds.csv.gz", &[], "birds"),
            ("birds.parquet", &["birds"], "birds-parquet"),
            ("birds.parquet", &["birds", "birds-parquet"], "birds-2"),
            ("data/2024/", &[], "2024"),
            ("Vögel.tsv", &[], "vogel"),
            (".csv", &[], ".csv"),
        ] {
            assert_eq!(resource_name(path, |name| taken.contains(&name)), expected, "{path}");
        }
    }

    proptest! {
        #[test]
        fn nothing_that_is_there_changes(
            keys in prop::collection::btree_set("schema|dialect|encoding|format|bytes|hash|name", 0..7),
            value in prop_oneof![Just(json!(null)), Just(json!(7)), Just(json!("x")), Just(json!({})), Just(json!([])),
                Just(json!({"fields": 5})), Just(json!({"fields": [1, {"name": 2}]}))],
        ) {
            let resource: Map<String, Value> = keys.iter().map(|key| (key.clone(), value.clone())).collect();
            let described = describe(&resource, &found());
            for (key, value) in &resource {
                let now = &described.resource[key];
                prop_assert!(value.is_null() || value.is_object() || now == value, "{} {} {}", key, value, now);
            }
        }
    }
}
