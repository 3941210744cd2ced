//! Mapping rules from a data package to a CKAN dataset.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::{CORE, Object, record};

/// Applies the rules to a package. The properties in `top` become top-level fields instead of extras.
pub(super) fn from_package(package: &Object, top: &BTreeSet<String>) -> Object {
    let mut dataset = Object::new();
    // Sorted by key, as CKAN returns them; the package may have any order.
    let mut extras = BTreeMap::new();
    let mut rest = package.clone();
    rest.retain(|key, value| !record::is_reserved(key) && !value.is_null());

    for (from, to) in [("description", "notes"), ("homepage", "url")] {
        if let Some(value) = rest.remove(from) {
            rest.insert(to.to_owned(), value);
        }
    }
    if let Some(Value::Array(resources)) = rest.remove("resources") {
        let resources = resources.iter().filter_map(Value::as_object).map(resource).map(Value::Object).collect();
        dataset.insert("resources".to_owned(), Value::Array(resources));
    }
    license(&mut rest);
    contributors(&mut rest);
    keywords(&mut rest);
    let mut given = match rest.remove("extras") {
        Some(Value::Array(given)) => given,
        _ => Vec::new(),
    };
    given.retain(is_extra);
    for (key, value) in rest {
        if CORE.contains(&key.as_str()) || top.contains(&key) {
            if key != "tags" || is_tags(&value) {
                dataset.insert(key, value);
            }
        } else {
            let text = match value {
                Value::String(text) => text,
                value => value.to_string(),
            };
            extras.insert(key, text);
        }
    }
    given.extend(extras.into_iter().map(|(key, text)| json!({"key": key, "value": text})));
    if !given.is_empty() {
        dataset.insert("extras".to_owned(), given.into());
    }
    dataset
}

fn is_extra(extra: &Value) -> bool {
    let key = extra.get("key").and_then(Value::as_str);
    key.is_some_and(|key| !record::is_reserved(key)) && extra.get("value").is_some()
}

fn is_tags(value: &Value) -> bool {
    let is_tag = |tag: &Value| tag.get("name").is_some_and(Value::is_string);
    value.as_array().is_some_and(|tags| tags.iter().all(is_tag))
}

fn resource(resource: &Object) -> Object {
    let mut out = resource.clone();
    out.retain(|key, value| !record::is_reserved(key) && !value.is_null());
    for (from, to) in [("bytes", "size"), ("mediatype", "mimetype"), ("path", "url")] {
        if let Some(value) = out.remove(from) {
            out.insert(to.to_owned(), value);
        }
    }
    out
}

/// Returns the objects of a list, or `None` if it is empty or contains anything else.
fn objects<'a>(package: &'a Object, field: &str) -> Option<Vec<&'a Object>> {
    let list = package.get(field)?.as_array().filter(|list| !list.is_empty())?;
    list.iter().map(Value::as_object).collect()
}

/// Maps the first licence to CKAN's licence fields; the list is kept only if it has more.
fn license(rest: &mut Object) {
    let Some(licenses) = objects(rest, "licenses") else { return };
    let is_only = licenses.len() == 1;
    let fields = [("license_id", "name"), ("license_title", "title"), ("license_url", "path")]
        .map(|(field, name)| (field, licenses[0].get(name).filter(|value| value.is_string()).cloned()));
    if is_only {
        rest.remove("licenses");
    }
    for (field, value) in fields {
        set(rest, field, value);
    }
}

fn set(rest: &mut Object, field: &str, value: Option<Value>) {
    match value {
        Some(value) => rest.insert(field.to_owned(), value),
        None => rest.remove(field),
    };
}

/// Maps the first author and the first maintainer; the list is kept unless that is all it contains.
fn contributors(rest: &mut Object) {
    let Some(contributors) = objects(rest, "contributors") else { return };
    let roles: Vec<&str> = contributors.iter().map(|contributor| role(contributor)).collect();
    let first = |wanted: &str| roles.iter().position(|role| *role == wanted).map(|index| contributors[index]);
    let mut fields = Vec::new();
    for (wanted, email) in [("author", "author_email"), ("maintainer", "maintainer_email")] {
        if let Some(contributor) = first(wanted) {
            let text = |name: &str| contributor.get(name).filter(|value| value.is_string()).cloned();
            fields.push((wanted, text("title")));
            fields.push((email, text("email")));
        }
    }
    let is_known = |role: &&str| ["author", "maintainer"].contains(role);
    let is_said = match roles.as_slice() {
        [role] => is_known(role),
        [one, other] => is_known(one) && is_known(other) && one != other,
        _ => false,
    };
    if is_said {
        rest.remove("contributors");
    }
    for (field, value) in fields {
        set(rest, field, value);
    }
}

/// Returns the role of a contributor; the default is author.
fn role(contributor: &Object) -> &str {
    let first = || contributor.get("roles").and_then(|roles| roles.get(0));
    match contributor.get("role").filter(|role| !role.is_null()).or_else(first) {
        None => "author",
        Some(role) => role.as_str().unwrap_or_default(),
    }
}

fn keywords(rest: &mut Object) {
    let Some(Value::Array(keywords)) = rest.get("keywords") else { return };
    if !keywords.is_empty() && keywords.iter().all(Value::is_string) {
        let tags = keywords.iter().map(|keyword| json!({"name": keyword})).collect();
        rest.remove("keywords");
        rest.insert("tags".to_owned(), tags);
    }
}
