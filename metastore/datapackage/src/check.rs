//! Validation of data packages.

use std::collections::{HashMap, HashSet};

use serde_json::{Map, Value};

use crate::{
    get, lfs_files, member,
    text::{JsonPointer, Problem, Problems, quoted, shown},
    values::{self, Location, digest, location, named_sha256},
};

mod table;

/// The string properties of a package, a resource, a field and so on.
const PACKAGE_TEXTS: [&str; 8] = ["$schema", "profile", "id", "title", "description", "homepage", "version", "image"];
const RESOURCE_TEXTS: [&str; 9] =
    ["$schema", "profile", "type", "title", "description", "homepage", "format", "mediatype", "encoding"];
const CONTRIBUTOR_TEXTS: [&str; 7] = ["title", "givenName", "familyName", "path", "email", "role", "organization"];

/// Validates a `datapackage.json`. Returns at most the first [`PROBLEM_LIMIT`](crate::PROBLEM_LIMIT)
/// problems; empty if the package is valid. `is_path` tells whether the repository allows a path.
///
/// Checks the requirements of the standard, not its recommendations: unknown properties are ignored, and so
/// are e-mail addresses and version numbers of unusual form. `null` counts as absent. Four requirements are
/// relaxed, because common clients violate them: `resources` may be absent or empty and a resource may have
/// no `name` (metastore-lib), the list of licences of a package may be empty (CKAN), and `hash` may be empty
/// or a bare digest of any usual length.
///
/// A package whose `$schema` is a version 2 profile is checked against version 2, which allows any characters
/// in names. One that declares version 1 may have two fields of the same name. Without a declaration, neither
/// is allowed.
pub fn check(package: &Value, is_path: fn(&str) -> bool) -> Vec<Problem> {
    let (edition, tables) = (Edition::of(package), HashMap::new());
    let mut checker = Checker { problems: Problems::default(), edition, is_path, tables };
    match package {
        Value::Object(package) => checker.package(package),
        other => checker.problems.add(JsonPointer::ROOT, format!("expected an object, not {}", shown(other))),
    }
    checker.problems.into_vec()
}

/// The version of the standard that a package declares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Edition {
    First,
    Second,
    Unsaid,
}

impl Edition {
    fn of(package: &Value) -> Self {
        let text = |key| get(package, key).and_then(Value::as_str);
        match (text("$schema"), text("profile")) {
            (Some(schema), _) if schema.contains("/profiles/2.") => Self::Second,
            (Some(schema), _) if schema.contains("/profiles/1.") => Self::First,
            (None, Some(_)) => Self::First,
            _ => Self::Unsaid,
        }
    }
}

struct Checker<'v> {
    problems: Problems,
    edition: Edition,
    is_path: fn(&str) -> bool,
    /// The field names of each resource that has a name and lists its fields.
    tables: HashMap<&'v str, Option<HashSet<&'v str>>>,
}

impl<'v> Checker<'v> {
    fn package(&mut self, package: &'v Map<String, Value>) {
        let root = JsonPointer::ROOT;
        self.texts(root, package, &PACKAGE_TEXTS);
        if let Some(name) = member(package, "name") {
            self.name(root.key("name"), name);
        }
        if let Some(Value::String(image)) = member(package, "image") {
            self.url_or_path(root.key("image"), image);
        }
        if let Some(Value::String(created)) = member(package, "created") {
            if !values::is_instant(created) {
                let found = quoted(created);
                let message = format!("{found} is not a date and time with offset, such as \"1985-04-12T23:20:50Z\"");
                self.problems.add(root.key("created"), message);
            }
        } else {
            self.texts(root, package, &["created"]);
        }
        self.list_of_texts(root.key("keywords"), member(package, "keywords"));
        self.parties(root, package);
        let place = root.key("resources");
        let resources = self.list(place, member(package, "resources"));
        for resource in resources {
            if let Some(name) = get(resource, "name").and_then(Value::as_str) {
                self.tables.entry(name).or_insert_with(|| table::field_names(resource));
            }
        }
        let mut names = HashMap::new();
        for (index, resource) in resources.iter().enumerate() {
            if self.problems.full() {
                return;
            }
            let place = place.index(index);
            let Some(resource) = self.object(place, resource) else { continue };
            self.resource(place, resource);
            if let Some(name) = member(resource, "name").and_then(Value::as_str)
                && let Some(first) = names.insert(name, index)
            {
                names.insert(name, first);
                let message = format!("resource {first} is also called {}; names must be unique", quoted(name));
                self.problems.add(place.key("name"), message);
            }
        }
        lfs_files::check(place, resources, self.is_path, &mut self.problems);
    }

    /// Checks `licenses`, `sources` and `contributors` of a package or resource.
    fn parties(&mut self, place: JsonPointer<'_>, owner: &'v Map<String, Value>) {
        for (key, texts) in [
            ("licenses", &["name", "path", "title"][..]),
            ("sources", &["title", "path", "email", "version"]),
            ("contributors", &CONTRIBUTOR_TEXTS),
        ] {
            let place = place.key(key);
            for (index, party) in self.list(place, member(owner, key)).iter().enumerate() {
                if self.problems.full() {
                    return;
                }
                let place = place.index(index);
                let Some(party) = self.object(place, party) else { continue };
                self.texts(place, party, texts);
                if let Some(Value::String(path)) = member(party, "path")
                    && key != "contributors"
                {
                    self.url_or_path(place.key("path"), path);
                }
                if key == "licenses" && member(party, "name").is_none() && member(party, "path").is_none() {
                    self.problems.add(place, "a licence requires a \"name\" or a \"path\", or both");
                } else if party.values().all(Value::is_null) {
                    self.problems.add(place, "the object is empty; expected at least a \"title\"");
                }
                self.list_of_texts(place.key("roles"), member(party, "roles"));
            }
        }
    }

    fn resource(&mut self, place: JsonPointer<'_>, resource: &'v Map<String, Value>) {
        self.texts(place, resource, &RESOURCE_TEXTS);
        if let Some(name) = member(resource, "name") {
            self.name(place.key("name"), name);
        }
        self.content(place, resource);
        if let Some(bytes) = member(resource, "bytes")
            && !bytes.is_u64()
        {
            let message = format!("expected a non-negative integer number of bytes, not {}", shown(bytes));
            self.problems.add(place.key("bytes"), message);
        }
        self.hashes(place, resource);
        self.parties(place, resource);
        match member(resource, "dialect") {
            None => {}
            Some(Value::String(path)) => self.url_or_path(place.key("dialect"), path),
            Some(Value::Object(dialect)) => self.dialect(place.key("dialect"), dialect),
            Some(other) => {
                let message = format!("expected an object, or the URL or path of one, not {}", shown(other));
                self.problems.add(place.key("dialect"), message);
            }
        }
        match member(resource, "schema") {
            None => {}
            Some(Value::String(path)) => self.url_or_path(place.key("schema"), path),
            Some(Value::Object(schema)) => self.schema(place.key("schema"), schema),
            Some(other) => {
                let message = format!("expected a Table Schema, or the URL or path of one, not {}", shown(other));
                self.problems.add(place.key("schema"), message);
            }
        }
    }

    /// Checks where the data is: at `path`, in `data`, or at `url`, the name of `path` before version 1.
    fn content(&mut self, place: JsonPointer<'_>, resource: &'v Map<String, Value>) {
        match (member(resource, "path"), member(resource, "data")) {
            (Some(_), Some(_)) => {
                self.problems.add(place, "the resource has both \"path\" and \"data\"; expected one of them");
            }
            (None, None) if member(resource, "url").is_none_or(|url| !url.is_string()) => {
                self.problems.add(place, "the resource has neither \"path\" nor \"data\"");
            }
            _ => {}
        }
        let at = place.key("path");
        match member(resource, "path") {
            None => {}
            Some(Value::String(path)) => self.url_or_path(at, path),
            Some(Value::Array(paths)) => self.paths(at, paths),
            Some(other) => {
                self.problems.add(at, format!("expected a path, a URL or a list of them, not {}", shown(other)));
            }
        }
        let says = |key| member(resource, key).is_some();
        let tabular = matches!(member(resource, "type").and_then(Value::as_str), Some("table"))
            || member(resource, "profile").and_then(Value::as_str) == Some("tabular-data-resource");
        let at = place.key("data");
        match member(resource, "data") {
            Some(Value::Array(rows)) if tabular => {
                for (index, row) in rows.iter().enumerate() {
                    if !row.is_array() && !row.is_object() {
                        let message = format!("expected a list or an object as table row, not {}", shown(row));
                        self.problems.add(at.index(index), message);
                    }
                    if self.problems.full() {
                        return;
                    }
                }
            }
            None | Some(Value::Array(_)) => {}
            Some(other) if tabular => {
                self.problems.add(at, format!("expected a list of rows as table data, not {}", shown(other)));
            }
            Some(Value::String(_)) if !says("format") && !says("mediatype") => {
                self.problems.add(at, "string data requires a \"format\" or a \"mediatype\"");
            }
            Some(Value::String(_) | Value::Object(_)) => {}
            Some(other) => {
                self.problems.add(at, format!("expected a list, an object or a string, not {}", shown(other)));
            }
        }
    }

    fn paths(&mut self, place: JsonPointer<'_>, paths: &'v [Value]) {
        if paths.is_empty() {
            self.problems.add(place, "the list is empty; expected at least one path or URL");
        }
        let mut first = None;
        for (index, path) in paths.iter().enumerate() {
            if self.problems.full() {
                return;
            }
            let place = place.index(index);
            let Value::String(path) = path else {
                self.problems.add(place, format!("expected a path or a URL, not {}", shown(path)));
                continue;
            };
            self.url_or_path(place, path);
            let url = matches!(location(path, self.is_path), Ok(Location::Url));
            if *first.get_or_insert(url) != url {
                self.problems.add(place, "the list contains both paths and URLs; expected one kind only");
            }
        }
    }

    fn hashes(&mut self, place: JsonPointer<'_>, resource: &'v Map<String, Value>) {
        self.texts(place, resource, &["hash", "sha256"]);
        let text = |key| member(resource, key).and_then(Value::as_str).filter(|text| !text.is_empty());
        let hash = text("hash");
        if let Some(Err(message)) = hash.map(values::hash) {
            self.problems.add(place.key("hash"), message);
        }
        if let Some(sha256) = text("sha256") {
            let named = hash.and_then(named_sha256);
            match digest(sha256) {
                None => {
                    let message = format!("expected 64 hexadecimal digits, not {}", quoted(sha256));
                    self.problems.add(place.key("sha256"), message);
                }
                Some(_) if named.is_some_and(|named| !named.eq_ignore_ascii_case(sha256)) => {
                    self.problems
                        .add(place.key("sha256"), "\"sha256\" and \"hash\" differ; expected the same SHA-256 in both");
                }
                Some(_) => {}
            }
        }
    }

    fn name(&mut self, place: JsonPointer<'_>, name: &Value) {
        let Value::String(name) = name else {
            return self.problems.add(place, format!("expected a string, not {}", shown(name)));
        };
        // The version 1 profile allows the slash too, although the text of the standard does not.
        let usual = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '_' | '-' | '/');
        if name.is_empty() {
            self.problems.add(place, "the name is empty");
        } else if name.contains(char::is_control) {
            self.problems.add(place, format!("the name {} contains a control character", quoted(name)));
        } else if self.edition != Edition::Second && !name.chars().all(usual) {
            let message = format!(
                "{} is not a valid name: expected lower-case letters, digits, \".\", \"_\" and \"-\"",
                quoted(name)
            );
            self.problems.add(place, message);
        }
    }

    fn url_or_path(&mut self, place: JsonPointer<'_>, text: &str) {
        if let Err(message) = location(text, self.is_path) {
            self.problems.add(place, message);
        }
    }

    fn texts(&mut self, place: JsonPointer<'_>, object: &Map<String, Value>, keys: &[&str]) {
        for key in keys {
            match member(object, key) {
                None | Some(Value::String(_)) => {}
                Some(other) => self.problems.add(place.key(key), format!("expected a string, not {}", shown(other))),
            }
        }
    }

    fn list_of_texts(&mut self, place: JsonPointer<'_>, list: Option<&'v Value>) {
        for (index, item) in self.list(place, list).iter().enumerate() {
            if self.problems.full() {
                return;
            }
            if !item.is_string() {
                self.problems.add(place.index(index), format!("expected a string, not {}", shown(item)));
            }
        }
    }

    fn list(&mut self, place: JsonPointer<'_>, value: Option<&'v Value>) -> &'v [Value] {
        match value {
            None => &[],
            Some(Value::Array(list)) => list,
            Some(other) => {
                self.problems.add(place, format!("expected a list, not {}", shown(other)));
                &[]
            }
        }
    }

    fn object(&mut self, place: JsonPointer<'_>, value: &'v Value) -> Option<&'v Map<String, Value>> {
        if !value.is_object() {
            self.problems.add(place, format!("expected an object, not {}", shown(value)));
        }
        value.as_object()
    }
}

#[cfg(test)]
pub(crate) mod tests;
