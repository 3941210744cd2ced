//! Mapping rules from a CKAN dataset to a data package.

use std::collections::{HashMap, HashSet};

use serde_json::Value;

use super::{COMPUTED, CORE, Object, record};

/// Maximum nesting depth of JSON in a string that is parsed.
const TEXT_DEPTH_LIMIT: usize = 32;

/// The fields of a resource that are strings by definition and never parsed.
const TEXTS: &[&str] =
    &["description", "format", "hash", "id", "mediatype", "mimetype", "name", "path", "title", "type", "url"];

/// Computed fields of a resource.
const RESOURCE_COMPUTED: &[&str] = &["datastore_active", "position", "state"];

/// The name given to a resource without a name.
const UNNAMED: &str = "unnamed-resource";

/// Applies the rules to a dataset, whose lists must have CKAN's form.
pub(super) fn from_dataset(dataset: &Object) -> Object {
    let mut package = Object::new();
    for (key, value) in dataset {
        let is_handled = ["extras", "resources", "tags"].contains(&key.as_str());
        if !is_handled && !COMPUTED.contains(&key.as_str()) && !record::is_reserved(key) && !value.is_null() {
            package.insert(key.clone(), value.clone());
        }
    }
    for extra in list(dataset, "extras") {
        if let (Some(key), Some(value)) = (extra.get("key").and_then(Value::as_str), extra.get("value")) {
            let is_field = CORE.contains(&key) || COMPUTED.contains(&key) || key == "extras";
            if !is_field && !record::is_reserved(key) && !value.is_null() {
                package.insert(key.to_owned(), value.as_str().and_then(parse).unwrap_or_else(|| value.clone()));
            }
        }
    }
    for (from, to) in [("notes", "description"), ("url", "homepage")] {
        if let Some(value) = package.remove(from) {
            package.insert(to.to_owned(), value);
        }
    }
    let mut resources: Vec<Object> =
        list(dataset, "resources").iter().filter_map(Value::as_object).map(resource).collect();
    number(&mut resources);
    package.insert("resources".to_owned(), resources.into_iter().map(Value::Object).collect());
    let keywords: Vec<Value> = list(dataset, "tags").iter().filter_map(|tag| tag.get("name").cloned()).collect();
    if !keywords.is_empty() {
        package.insert("keywords".to_owned(), keywords.into());
    }
    contributors(&mut package);
    license(&mut package);
    package
}

fn list<'a>(document: &'a Object, field: &str) -> &'a [Value] {
    document.get(field).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// Parses the value of an extra; `None` if it stays a string.
fn parse(text: &str) -> Option<Value> {
    let value = parse_nested(text);
    if value.is_some() {
        return value;
    }
    match serde_json::from_str(text).ok()? {
        // `1.10` may be a version, and a number of forty digits an identifier.
        value @ (Value::Number(_) | Value::Bool(_)) => {
            let written = value.to_string();
            (written == text).then_some(value)
        }
        Value::String(text) => Some(Value::String(text)),
        _ => None,
    }
}

/// Parses an object or list from a string.
fn parse_nested(text: &str) -> Option<Value> {
    if !text.trim_start().starts_with(['{', '[']) {
        return None;
    }
    serde_json::from_str(text).ok().filter(|value| record::is_within(value, TEXT_DEPTH_LIMIT))
}

fn resource(resource: &Object) -> Object {
    let mut out = Object::new();
    for (key, value) in resource {
        let is_dropped = RESOURCE_COMPUTED.contains(&key.as_str()) || record::is_reserved(key) || value.is_null();
        if is_dropped {
            continue;
        }
        let value = match (key.as_str(), value) {
            ("type", Value::String(text)) => text.to_lowercase().into(),
            ("name", Value::String(text)) => slug(text).into(),
            ("url", Value::String(text)) if text.is_empty() => continue,
            (key, Value::String(text)) if !TEXTS.contains(&key) => parse_nested(text).unwrap_or_else(|| value.clone()),
            _ => value.clone(),
        };
        out.insert(key.clone(), value);
    }
    let bytes = match out.get("size") {
        Some(Value::String(text)) => text.trim().parse::<u64>().ok().map(Value::from),
        Some(size @ Value::Number(_)) => Some(size.clone()),
        _ => None,
    };
    if let Some(bytes) = bytes {
        out.remove("size");
        out.insert("bytes".to_owned(), bytes);
    }
    for (from, to) in [("mimetype", "mediatype"), ("url", "path")] {
        if let Some(value) = out.remove(from) {
            out.insert(to.to_owned(), value);
        }
    }
    if !out.get("name").is_some_and(Value::is_string) {
        out.insert("name".to_owned(), UNNAMED.into());
    }
    out
}

/// Converts the name of a resource to the characters allowed in a package: each run of characters other than
/// ASCII letters, digits, underscores and dots becomes a hyphen.
fn slug(name: &str) -> String {
    let ascii = deunicode::deunicode(name).to_lowercase();
    let mut slug = String::new();
    for c in ascii.trim().chars() {
        if c.is_ascii_alphanumeric() || c == '_' || c == '.' {
            slug.push(c);
        } else if !slug.ends_with('-') {
            slug.push('-');
        }
    }
    if slug.is_empty() { UNNAMED.to_owned() } else { slug }
}

/// Numbers resources with missing or duplicate names; their original names are kept.
fn number(resources: &mut [Object]) {
    let name = |resource: &Object| resource.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
    let mut count: HashMap<String, usize> = HashMap::new();
    for resource in &*resources {
        *count.entry(name(resource)).or_default() += 1;
    }
    let mut taken: HashSet<String> = count.keys().cloned().collect();
    let mut next: HashMap<String, usize> = HashMap::new();
    for resource in resources {
        let name = name(resource);
        let is_shared = count.get(&name).is_some_and(|count| *count > 1);
        if !is_shared && name != UNNAMED {
            continue;
        }
        let next = next.entry(name.clone()).or_insert(1);
        let numbered = loop {
            let numbered = format!("{name}-{next}");
            *next += 1;
            if taken.insert(numbered.clone()) {
                break numbered;
            }
        };
        resource.insert("name".to_owned(), numbered.into());
        if name != UNNAMED {
            resource.insert("original_name".to_owned(), name.into());
        }
    }
}

/// Converts author and maintainer to contributors, unless there are contributors already.
fn contributors(package: &mut Object) {
    let mut contributors = Vec::new();
    let is_listed = package.get("contributors").is_some_and(|contributors| match contributors {
        Value::Array(list) => !list.is_empty(),
        _ => true,
    });
    for (role, email) in [("author", "author_email"), ("maintainer", "maintainer_email")] {
        if [role, email].iter().any(|key| package.get(*key).is_some_and(|value| !value.is_string())) {
            continue;
        }
        let text = |value: Value| value.as_str().filter(|text| !text.is_empty()).map(str::to_owned);
        let title = package.remove(role).and_then(text);
        let email = package.remove(email).and_then(text);
        if let Some(title) = title {
            let mut contributor = Object::new();
            contributor.insert("title".to_owned(), title.into());
            contributor.insert("role".to_owned(), role.into());
            if let Some(email) = email {
                contributor.insert("email".to_owned(), email.into());
            }
            contributors.push(Value::Object(contributor));
        }
    }
    if !is_listed && !contributors.is_empty() {
        package.insert("contributors".to_owned(), contributors.into());
    }
}

/// Converts the three licence fields to the first item of `licenses`, or completes that item.
fn license(package: &mut Object) {
    const FIELDS: [(&str, &str); 3] = [("license_id", "name"), ("license_title", "title"), ("license_url", "path")];
    let is_plain = FIELDS.iter().all(|(field, _)| package.get(*field).is_none_or(Value::is_string));
    let first_is_object = match package.get("licenses") {
        None => true,
        Some(Value::Array(licenses)) => licenses.first().is_none_or(Value::is_object),
        Some(_) => false,
    };
    if !is_plain || !first_is_object {
        return;
    }
    let license_fields: Vec<_> = FIELDS
        .iter()
        .filter_map(|(field, name)| Some((*name, package.remove(*field)?)))
        .filter(|(_, value)| value.as_str() != Some(""))
        .collect();
    if license_fields.is_empty() {
        return;
    }
    let licenses = package.entry("licenses").or_insert_with(|| Value::Array(Vec::new()));
    if let Value::Array(licenses) = licenses {
        if licenses.is_empty() {
            licenses.push(Value::Object(Object::new()));
        }
        if let Some(Value::Object(first)) = licenses.first_mut() {
            first.extend(license_fields.into_iter().map(|(name, value)| (name.to_owned(), value)));
        }
    }
}
