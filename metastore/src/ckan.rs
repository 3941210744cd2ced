//! Datasets as CKAN writes them, and data packages: each as the other, and back without loss.
//!
//! The rules are those of frictionless-ckan-mapper 1.0.9, so that a dataset looks here as it looks to
//! its users. Those rules lose things: nulls, computed fields, the text that an extra had before it was
//! parsed, contributors beyond two. What they lose is kept in a *side record*, an ordinary property that
//! travels with the document: [`IN_PACKAGE`] in a package that came from CKAN, [`IN_DATASET`] in a
//! dataset that came from a package. One stands in the document itself, one in each resource that needs
//! it, so that a resource that moves takes its own along.
//!
//! An entry of a side record says what the rules made of a field (a digest) and what it truly was. Going
//! back, an entry is followed only where the rules still make the same, so what somebody changed in the
//! meantime is never overwritten. A document without oddities has no side record at all, and taking the
//! records away ([`without_records`]) leaves what the rules alone would give.
//!
//! **Back and forth is the identity**, for packages and for datasets, up to this: nesting is at most 64
//! deep, a side record is one that was made here for the document it is in, and the numbers in
//! `num_resources`, `num_tags` and a resource's `position` are the true ones. Numbers that JSON's
//! doubles cannot hold are as inexact as the parser that read the document. The order of an object's
//! keys means nothing; the results are sorted, so that one document is written in one way.
//!
//! # Where the rules here differ from the mapper's
//!
//! Toward packages:
//! - A blank licence, contributor, e-mail address or `url` is left out; the mapper writes empty lists,
//!   empty strings, or words such as `no_license_title`, and fails if there is no licence field at all.
//! - An extra that is JSON is parsed if it is an object or a list; a bare number or word only if it is
//!   written as it would be written again. `1.10` stays a text and so does `null`.
//! - An extra named as one of CKAN's own fields does not replace that field.
//! - In a resource, fields that are text by definition (name, url, title, description, …) are not
//!   parsed, even if they begin with a bracket. A `size` that is no whole number stays `size`.
//! - The number added to a resource's name is one that makes it unique. Letters beyond ASCII are written
//!   in ASCII by another table, which differs for some signs (`№`, emoji).
//! - A field of the wrong shape is carried as it is; the mapper fails.
//!
//! Toward CKAN:
//! - Every extra is a text, as CKAN stores them; the mapper hands numbers and truth values over as such.
//! - A null is no field, and neither is a missing title or e-mail address.
//! - A contributor without `role` has the first of its `roles` (Data Package 2.0).
//! - The list of contributors stays an extra unless it is one author, one maintainer or one of each; the
//!   mapper also drops it, and with it a person, for an author and, say, a publisher.
//! - Extras come in the order of their keys, and JSON in them is written compactly.

mod dataset;
mod package;
mod record;
#[cfg(test)]
mod tests;

use serde_json::{Map, Value};

use crate::{Error, Result};
use record::Records;

/// The property of a package, and of its resources, that keeps what only CKAN knows: a JSON object.
pub const IN_PACKAGE: &str = "rutter:ckan";

/// The extra of a dataset, and the field of its resources, that keeps what only the package knows: a
/// JSON object as text.
pub const IN_DATASET: &str = "rutter:package";

/// How deep a document may be nested, its side records left out.
const DEPTH_LIMIT: usize = 64;

/// The same with its side records, whose entries hold whole fields.
const FULL_DEPTH_LIMIT: usize = 96;

/// A JSON object.
type Object = Map<String, Value>;

/// The fields of a CKAN dataset that are its own; any other property of a package becomes an extra.
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

/// Fields of a dataset that say nothing about it: states, counts, and what is told elsewhere.
const COMPUTED: &[&str] = &["isopen", "num_resources", "num_tags", "organization", "state"];

/// The data package that a CKAN dataset is, as `package_show` gives the dataset.
///
/// [`Error::Invalid`] if `resources`, `extras` or `tags` are not lists of what CKAN has there;
/// [`Error::TooLarge`] if the nesting is deeper than 64.
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
    // A record from elsewhere may ask for anything; what is no package any more, it does not get.
    let sound = check(&restored).is_ok()
        && check_package(&restored).is_ok()
        && check_depth(&record::take_from_package(&restored).0, DEPTH_LIMIT).is_ok();
    Ok(sorted(if sound { restored } else { package }))
}

/// The CKAN dataset that a data package is, as `package_create` takes it.
///
/// [`Error::Invalid`] if `resources` is not a list of objects; [`Error::TooLarge`] if the nesting is
/// deeper than 64.
pub fn dataset_from_package(package: &Object) -> Result<Object> {
    check(package)?;
    check_package(package)?;
    let (bare, records) = record::take_from_package(package);
    check_depth(&bare, DEPTH_LIMIT)?;
    // A record that somebody wrote by hand can stand in the way of itself; then it is only carried.
    if !records.is_empty()
        && let Some(dataset) = lower(&bare, &records, package)
        && package_from_dataset(&dataset).is_ok_and(|again| again == *package)
    {
        return Ok(sorted(dataset));
    }
    lower(&bare, &Records::default(), package)
        .map(sorted)
        .ok_or_else(|| Error::Internal("the rules made a malformed dataset".to_owned()))
}

/// A package or a dataset, and its resources, without their side records.
pub fn without_records(mut document: Object) -> Object {
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

/// The fields of the document and of its resources in the order of their names; what is in them as it is.
fn sorted(mut document: Object) -> Object {
    if let Some(Value::Array(resources)) = document.get_mut("resources") {
        resources.iter_mut().filter_map(Value::as_object_mut).for_each(Object::sort_keys);
    }
    document.sort_keys();
    document
}

/// What the rules make of a dataset, with the record of what they lose.
fn lift(dataset: &Object) -> Object {
    let mut package = package::from_dataset(dataset);
    let mut records = Records::default();
    records.keep_on_top(dataset);
    let again = dataset::from_package(&package, records.top());
    records.note(&again, dataset);
    records.put_into_package(&mut package);
    package
}

/// The dataset that gives `package` back, `bare` being the package without `records`; `None` if the
/// records lead to something that is no dataset.
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
        // The record is about to be an extra itself: then nobody could tell this list from none.
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

/// What can be counted is counted: a record knows how many resources there were, not how many there are.
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
        return Err(Error::TooLarge(format!("the document is nested more than {DEPTH_LIMIT} deep")));
    }
    Ok(())
}

fn check_package(package: &Object) -> Result<()> {
    check_list(package, "resources", |_| true, "objects")
}

fn check_dataset(dataset: &Object) -> Result<()> {
    check_list(dataset, "resources", |_| true, "objects")?;
    check_list(dataset, "tags", |tag| tag.get("name").is_some_and(Value::is_string), "objects with a name")?;
    let is_extra = |extra: &Object| extra.get("key").is_some_and(Value::is_string) && extra.contains_key("value");
    check_list(dataset, "extras", is_extra, "objects with a key and a value")
}

fn check_list(document: &Object, field: &str, fits: impl Fn(&Object) -> bool, what: &str) -> Result<()> {
    let items = match document.get(field) {
        None | Some(Value::Null) => return Ok(()),
        Some(Value::Array(items)) => items.as_slice(),
        Some(_) => return Err(Error::Invalid(format!("/{field} is not a list"))),
    };
    match items.iter().position(|item| !item.as_object().is_some_and(&fits)) {
        Some(index) => Err(Error::Invalid(format!("/{field}/{index} is not one of {what}"))),
        None => Ok(()),
    }
}
