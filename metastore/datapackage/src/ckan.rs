//! CKAN mapping: converts between CKAN datasets and data packages, in both directions without loss.
//!
//! The rules are those of frictionless-ckan-mapper 1.0.9, so that users see the dataset they know. These
//! rules are lossy: they drop nulls, computed fields, the original text of an extra that was parsed, and
//! contributors beyond two. What they lose is stored in a *side record*, an ordinary property that travels
//! with the document: [`IN_PACKAGE`] in a package converted from CKAN, [`IN_DATASET`] in a dataset converted
//! from a package. There is one in the document itself and one in each resource that needs it, so that a
//! resource keeps its own when it is moved.
//!
//! An entry of a side record stores a digest of what the rules made of a field, and the original value. On
//! the way back, an entry is applied only if the rules still produce the same value, so later edits are never
//! overwritten. A document without lossy fields has no side record, and removing the records
//! leaves the plain result of the rules.
//!
//! **A round trip is the identity**, for packages and for datasets, under these conditions: nesting is at
//! most 64 levels, a side record was created here for the document it is in, and the values of
//! `num_resources`, `num_tags` and a resource's `position` are correct. Numbers that do not fit into a JSON
//! double are as inexact as the parser that read the document. The order of object keys is not significant;
//! results are sorted, so that a document always has the same serialisation.
//!
//! # Differences from the mapper
//!
//! From CKAN to packages:
//! - A blank licence, contributor, e-mail address or `url` is left out; the mapper writes empty lists, empty
//!   strings, or words such as `no_license_title`, and fails if there is no licence field at all.
//! - An extra that contains JSON is parsed if it is an object or a list; a bare number or word only if it
//!   would be serialised to the same text. So `1.10` stays a string, and so does `null`.
//! - An extra with the name of a CKAN core field does not replace that field.
//! - In a resource, fields that are strings by definition (name, url, title, description, …) are not parsed,
//!   even if they start with a bracket. A `size` that is not an integer stays `size`.
//! - The number appended to the name of a resource makes it unique. Non-ASCII characters are transliterated
//!   with another table, which differs for some symbols (`№`, emoji).
//! - A field of the wrong type is kept as it is; the mapper fails.
//!
//! From packages to CKAN:
//! - Every extra is a string, as CKAN stores them; the mapper passes numbers and booleans on as such.
//! - A null field is omitted, and so is a missing title or e-mail address.
//! - A contributor without `role` gets the first of its `roles` (Data Package 2.0).
//! - The list of contributors stays an extra unless it is one author, one maintainer or one of each; the
//!   mapper also drops it, and with it a person, for an author and, say, a publisher.
//! - Extras are sorted by key, and JSON in them is written without whitespace.

mod dataset;
mod package;
mod record;
#[cfg(test)]
mod tests;

use serde_json::{Map, Value};

use crate::{Error, Result};
use record::Records;

/// Side record of a package and of its resources: the property that keeps what only CKAN knows, as a JSON object.
pub const IN_PACKAGE: &str = "rutter:ckan";

/// Side record of a dataset (an extra) and of its resources (a field): keeps what only the package knows, as
/// a JSON object in a string.
pub const IN_DATASET: &str = "rutter:package";

/// Maximum nesting depth of a document, side records not included.
const DEPTH_LIMIT: usize = 64;

/// Maximum nesting depth including side records, whose entries contain whole fields.
const FULL_DEPTH_LIMIT: usize = 96;

/// A JSON object.
type Object = Map<String, Value>;

/// The core fields of a CKAN dataset; any other property of a package becomes an extra.
const CORE: &[&str] = &[
    "author",
    "author_email",
    "creator_user_id",
    "groups",
    "id",
    "license_id",
    "license_title",
    "license_url",
    "maintainer",
    "maintainer_email",
    "metadata_created",
    "metadata_modified",
    "name",
    "notes",
    "owner_org",
    "private",
    "relationships_as_object",
    "relationships_as_subject",
    "resources",
    "revision_id",
    "state",
    "tags",
    "title",
    "tracking_summary",
    "type",
    "url",
    "version",
];

/// Computed or redundant fields of a dataset: states, counts, and data that is available elsewhere.
const COMPUTED: &[&str] = &["isopen", "num_resources", "num_tags", "organization", "state"];

/// Converts a CKAN dataset, as returned by `package_show`, to a data package.
///
/// # Errors
///
/// [`Error::Invalid`] if `resources`, `extras` or `tags` are not lists of the objects that CKAN has there;
/// [`Error::TooLarge`] if the nesting is deeper than 64 levels.
pub fn package_from_dataset(dataset: &Object) -> Result<Object> {
    check(dataset)?;
    check_dataset(dataset)?;
    let (bare, records) = record::take_from_dataset(dataset);
    check_depth(&bare, DEPTH_LIMIT)?;
    let package = lift(&bare);
    if records.is_empty() {
        return Ok(sorted(package));
    }
    let mut restored = package.clone();
    records.apply(&mut restored);
    // A foreign side record can contain anything. If applying it does not give a valid package, it is ignored.
    let sound = check(&restored).is_ok()
        && check_package(&restored).is_ok()
        && check_depth(&record::take_from_package(&restored).0, DEPTH_LIMIT).is_ok();
    Ok(sorted(if sound { restored } else { package }))
}

/// Converts a data package to a CKAN dataset, as accepted by `package_create`.
///
/// # Errors
///
/// [`Error::Invalid`] if `resources` is not a list of objects; [`Error::TooLarge`] if the nesting is deeper
/// than 64 levels.
pub fn dataset_from_package(package: &Object) -> Result<Object> {
    check(package)?;
    check_package(package)?;
    let (bare, records) = record::take_from_package(package);
    check_depth(&bare, DEPTH_LIMIT)?;
    // A handwritten side record can contradict itself; then it is only passed through.
    if !records.is_empty()
        && let Some(dataset) = lower(&bare, &records, package)
        && package_from_dataset(&dataset).is_ok_and(|again| again == *package)
    {
        return Ok(sorted(dataset));
    }
    lower(&bare, &Records::default(), package)
        .map(sorted)
        .ok_or_else(|| Error::Internal("the mapping produced a malformed dataset".to_owned()))
}

/// Sorts the fields of the document and of its resources by name; their values stay as they are.
fn sorted(mut document: Object) -> Object {
    if let Some(Value::Array(resources)) = document.get_mut("resources") {
        resources.iter_mut().filter_map(Value::as_object_mut).for_each(Object::sort_keys);
    }
    document.sort_keys();
    document
}

/// Applies the mapping rules to a dataset, and adds a side record of what they lose.
fn lift(dataset: &Object) -> Object {
    let mut package = package::from_dataset(dataset);
    let mut records = Records::default();
    records.keep_on_top(dataset);
    let again = dataset::from_package(&package, records.top());
    records.note(&again, dataset);
    records.put_into_package(&mut package);
    package
}

/// Returns the dataset that maps to `package`; `bare` is the package without `records`. `None` if applying
/// the records does not give a valid dataset.
fn lower(bare: &Object, records: &Records, package: &Object) -> Option<Object> {
    let mut dataset = dataset::from_package(bare, records.top());
    records.apply(&mut dataset);
    recount(&mut dataset);
    check_depth(&dataset, DEPTH_LIMIT).and_then(|()| check_dataset(&dataset)).ok()?;
    let mut lifted = lift(&dataset);
    if lifted == *package {
        return Some(dataset);
    }
    if dataset.get("extras").is_some_and(|extras| extras.as_array().is_none_or(Vec::is_empty)) {
        // The record becomes an extra itself, so an empty list would be indistinguishable from none.
        dataset.remove("extras");
        lifted = lift(&dataset);
    }
    if record::resources(&lifted).len() != record::resources(package).len() {
        return None;
    }
    let mut lost = Records::default();
    lost.note(&lifted, package);
    lost.put_into_dataset(&mut dataset);
    Some(dataset)
}

/// Recomputes counts: a record stores how many resources there were, not how many there are now.
fn recount(dataset: &mut Object) {
    for (count, list) in [("num_resources", "resources"), ("num_tags", "tags")] {
        let length = dataset.get(list).and_then(Value::as_array).map_or(0, Vec::len);
        if let Some(value @ Value::Number(_)) = dataset.get_mut(count) {
            *value = length.into();
        }
    }
    if let Some(Value::Array(resources)) = dataset.get_mut("resources") {
        for (index, resource) in resources.iter_mut().enumerate() {
            if let Some(value @ Value::Number(_)) = resource.get_mut("position") {
                *value = index.into();
            }
        }
    }
}

fn check(document: &Object) -> Result<()> {
    check_depth(document, FULL_DEPTH_LIMIT)
}

fn check_depth(document: &Object, limit: usize) -> Result<()> {
    if document.values().any(|value| !record::is_within(value, limit - 1)) {
        return Err(Error::TooLarge(format!("the document is nested more than {DEPTH_LIMIT} levels deep")));
    }
    Ok(())
}

fn check_package(package: &Object) -> Result<()> {
    check_list(package, "resources", |_| true, "an object")
}

fn check_dataset(dataset: &Object) -> Result<()> {
    check_list(dataset, "resources", |_| true, "an object")?;
    check_list(dataset, "tags", |tag| tag.get("name").is_some_and(Value::is_string), "an object with a name")?;
    let is_extra = |extra: &Object| extra.get("key").is_some_and(Value::is_string) && extra.contains_key("value");
    check_list(dataset, "extras", is_extra, "an object with a key and a value")
}

fn check_list(document: &Object, field: &str, fits: impl Fn(&Object) -> bool, what: &str) -> Result<()> {
    let items = match document.get(field) {
        None | Some(Value::Null) => return Ok(()),
        Some(Value::Array(items)) => items.as_slice(),
        Some(_) => return Err(Error::Invalid(format!("/{field} is not a list"))),
    };
    match items.iter().position(|item| !item.as_object().is_some_and(&fits)) {
        Some(index) => Err(Error::Invalid(format!("/{field}/{index} is invalid: expected {what}"))),
        None => Ok(()),
    }
}
