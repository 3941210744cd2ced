//! CKAN API: maps packages to CKAN's dataset records and back, by `datapackage::ckan`, with URLs in place of paths and the
//! fields that the server adds. Sending a record back unchanged changes nothing.

use std::collections::{HashMap, HashSet};

use datapackage::ckan::{dataset_from_package, package_from_dataset};
use metastore::{ATTRIBUTES, LFS_CONFIG};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::Datasets;
use super::package::{Package, Versioned};
use crate::access::{DatasetGrant, Read};
use crate::db::datasets::DatasetRow;
use crate::error::{Error, Result};
use crate::types::{Id, Millis, Visibility, url_segment};

/// A dataset or resource in CKAN's format.
pub type Record = serde_json::Map<String, Value>;

/// Read-only fields of a dataset: set by the server and ignored in requests.
const READ_ONLY_FIELDS: &[&str] = &[
    "creator_user_id",
    "id",
    "isopen",
    "metadata_created",
    "metadata_modified",
    "num_resources",
    "num_tags",
    "organization",
    "owner_org",
    "private",
    "revision_id",
    "state",
    "tracking_summary",
];

/// Read-only fields of a resource. `lfs_prefix` follows from the dataset.
const READ_ONLY_RESOURCE_FIELDS: &[&str] =
    &["datastore_active", "lfs_prefix", "package_id", "position", "revision_id", "state"];

/// Fields that every CKAN dataset has, even if null.
const ALWAYS: &[&str] = &[
    "author",
    "author_email",
    "license_id",
    "license_title",
    "license_url",
    "maintainer",
    "maintainer_email",
    "notes",
    "title",
    "url",
    "version",
];

/// Maximum length of a resource id in bytes.
const ID_MAX: usize = 100;

/// Options for rendering a record.
#[derive(Clone, Copy)]
pub struct View<'a> {
    /// Base URL of this server.
    pub base: &'a str,
    /// The revision named in the request, if any.
    pub revision: Option<&'a str>,
}

/// Returns the record of a dataset at a revision.
///
/// # Errors
/// Invalid for an invalid package.
pub fn record(row: &DatasetRow, versioned: &Versioned, view: View<'_>) -> Result<Record> {
    let package = versioned.package.clone().unwrap_or_default();
    let ids = resource_ids(row.id, &package);
    let mut record = plain(&package)?;
    for key in ALWAYS {
        record.entry(*key).or_insert(Value::Null);
    }
    for key in ["extras", "groups", "resources", "tags"] {
        record.entry(key).or_insert_with(|| json!([]));
    }
    for tag in objects(&mut record, "tags") {
        let name = tag.get("name").cloned().unwrap_or_default();
        tag.insert("display_name".to_owned(), name);
    }
    record.entry("type").or_insert_with(|| "dataset".into());
    let count = |record: &Record, key: &str| record.get(key).and_then(Value::as_array).map_or(0, Vec::len);
    let (resources, tags) = (count(&record, "resources"), count(&record, "tags"));
    let changed = versioned.revision.as_ref();
    let modified = changed.map_or(row.created_at, |commit| Millis(commit.committer.seconds.saturating_mul(1000)));
    let server_fields = json!({
        "id": row.id.to_string(),
        "name": row.name,
        "owner_org": row.owner_id.to_string(),
        "organization": {
            "id": row.owner_id.to_string(), "name": row.owner_name, "title": row.owner_name,
            "type": "organization", "is_organization": true, "state": "active",
        },
        "private": row.visibility != Visibility::Public,
        "state": "active",
        "metadata_created": moment(row.created_at),
        "metadata_modified": moment(modified),
        "revision_id": changed.map(|commit| commit.id.to_string()),
        "num_resources": resources,
        "num_tags": tags,
    });
    if let Value::Object(server_fields) = server_fields {
        record.extend(server_fields);
    }
    let places = package.get("resources").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    for (position, resource) in objects(&mut record, "resources").enumerate() {
        let (Some(id), Some(place)) = (ids.get(position), places.get(position)) else { continue };
        tell_resource(resource, id, place, position, row, view);
    }
    record.sort_keys();
    Ok(record)
}

/// Formats a time as CKAN does: UTC, without a time zone.
pub fn moment(at: Millis) -> String {
    at.rfc3339().replace('Z', ".000000")
}

fn tell_resource(resource: &mut Record, id: &str, place: &Value, position: usize, row: &DatasetRow, view: View<'_>) {
    resource.insert("id".to_owned(), id.into());
    resource.insert("package_id".to_owned(), row.id.to_string().into());
    resource.insert("position".to_owned(), position.into());
    resource.insert("state".to_owned(), "active".into());
    resource.insert("datastore_active".to_owned(), false.into());
    for key in ["name", "description", "format", "url"] {
        resource.entry(key).or_insert_with(|| "".into());
    }
    let Some(path) = place.get("path").and_then(Value::as_str).filter(|path| !is_url(path)) else { return };
    let file = path.rsplit('/').next().unwrap_or_default();
    let mut url = format!("{}/dataset/{}/resource/{id}/download/{}", view.base, row.id, url_segment(file));
    if let Some(revision) = view.revision {
        url.push_str("?revision_ref=");
        url.push_str(&url_segment(revision));
    }
    resource.insert("url".to_owned(), url.into());
    if place.get("sha256").is_some_and(Value::is_string) {
        resource.insert("url_type".to_owned(), "upload".into());
        resource.insert("lfs_prefix".to_owned(), format!("{}/{}", row.owner_name, row.name).into());
    }
}

/// Maps a package without adding anything: paths stay paths.
fn plain(package: &Package) -> Result<Record> {
    dataset_from_package(package).map_err(Error::from)
}

/// Maps a record back to a package. `current` is the dataset's current package, and `fresh` generates resource ids.
///
/// # Errors
/// Invalid for an invalid dataset, and for invalid ids and names.
pub fn package(
    dataset: Id,
    name: &str,
    mut record: Record,
    current: Option<&Package>,
    fresh: impl Fn() -> Id,
) -> Result<Package> {
    record.retain(|key, value| {
        let is_empty = value.as_str() == Some("") && ALWAYS.contains(&key.as_str());
        let is_list = ["extras", "groups", "relationships_as_object", "relationships_as_subject", "tags"];
        let is_bare = is_list.contains(&key.as_str()) && value.as_array().is_some_and(Vec::is_empty);
        !value.is_null() && !is_empty && !is_bare && !READ_ONLY_FIELDS.contains(&key.as_str())
    });
    let is_said = |key: &str| current.is_some_and(|package| package.contains_key(key));
    if record.get("type").and_then(Value::as_str) == Some("dataset") && !is_said("type") {
        record.remove("type");
    }
    let own = current.and_then(|package| package.get("name")).cloned();
    record.insert("name".to_owned(), own.unwrap_or_else(|| name.into()));
    for tag in objects(&mut record, "tags") {
        tag.retain(|key, value| !value.is_null() && !["display_name", "id", "state"].contains(&key.as_str()));
    }
    let empty = Package::new();
    let current = current.unwrap_or(&empty);
    let ids = resource_ids(dataset, current);
    let known: HashMap<&str, &Value> = ids
        .iter()
        .map(String::as_str)
        .zip(current.get("resources").and_then(Value::as_array).into_iter().flatten())
        .collect();
    let mut taken = HashSet::from([datapackage::PACKAGE, ATTRIBUTES, LFS_CONFIG].map(str::to_owned));
    // Resources that have not moved keep their paths, whatever comes before them in the list now.
    let mut new = Vec::new();
    for (index, resource) in objects(&mut record, "resources").enumerate() {
        resource.retain(|key, value| !value.is_null() && !READ_ONLY_RESOURCE_FIELDS.contains(&key.as_str()));
        let place = resource.get("id").and_then(Value::as_str).and_then(|id| known.get(id));
        match place.and_then(|place| unmoved(resource, place)) {
            Some(path) => {
                taken.insert(path.clone());
                resource.remove("path");
                resource.insert("url".to_owned(), path.into());
            }
            None => new.push(index),
        }
        restore(resource, place.copied());
    }
    let mut seen = HashSet::new();
    for (index, resource) in objects(&mut record, "resources").enumerate() {
        identify(dataset, resource, &mut seen, &fresh)?;
        if new.contains(&index) {
            put(resource, index, &mut taken);
        }
    }
    let mut package = package_from_dataset(&record)?;
    // Read-only fields that the current package contains stay as they are.
    package.extend(READ_ONLY_FIELDS.iter().filter_map(|key| Some(((*key).to_owned(), current.get(*key)?.clone()))));
    Ok(package)
}

/// Returns the path of an existing resource if the record leaves it in place: its URL is the one that the server gave.
fn unmoved(resource: &Record, place: &Value) -> Option<String> {
    let path = place.get("path")?.as_str().filter(|path| !is_url(path))?;
    let id = resource.get("id")?.as_str()?;
    let url = resource.get("url").and_then(Value::as_str).unwrap_or_default();
    let url = url.split(['?', '#']).next().unwrap_or_default();
    let file = url_segment(path.rsplit('/').next().unwrap_or_default());
    let is_ours = url.ends_with(&format!("/resource/{id}/download/{file}")) || url == path;
    is_ours.then(|| path.to_owned())
}

/// Removes fields that the server added to the record and that the package does not have, and restores fields that only
/// the package has.
fn restore(resource: &mut Record, place: Option<&Value>) {
    let Some(place) = place.and_then(Value::as_object) else { return };
    if let Some(prefix) = place.get("lfs_prefix") {
        resource.insert("lfs_prefix".to_owned(), prefix.clone());
    }
    if !place.contains_key("url_type") && resource.get("url_type").and_then(Value::as_str) == Some("upload") {
        resource.remove("url_type");
    }
    for key in ["description", "format", "name", "url"] {
        if !place.contains_key(key) && resource.get(key).and_then(Value::as_str) == Some("") {
            resource.remove(key);
        }
    }
}

fn identify(dataset: Id, resource: &mut Record, seen: &mut HashSet<String>, fresh: impl Fn() -> Id) -> Result<()> {
    let id = match resource.get("id") {
        None => fresh().to_string(),
        Some(Value::String(id)) if is_id(dataset, id) => id.clone(),
        Some(other) => {
            return Err(Error::invalid(format!(
                "{other} is not a valid resource id; omit it, or use letters, digits, `-` and `_`"
            )));
        }
    };
    if !seen.insert(id.clone()) {
        return Err(Error::invalid(format!("two resources have the id `{id}`; resource ids must be unique")));
    }
    resource.insert("id".to_owned(), id.into());
    Ok(())
}

/// Chooses a path for a resource: its path, or its URL; otherwise from its name and format.
fn put(resource: &mut Record, index: usize, taken: &mut HashSet<String>) {
    let text = |key: &str| resource.get(key).and_then(Value::as_str).unwrap_or_default().trim();
    if resource.get("url").is_some_and(|url| !url.is_string()) {
        return;
    }
    let given = if text("path").is_empty() { text("url") } else { text("path") };
    if is_url(given) {
        let url = given.to_owned();
        // For an upload, CKAN's own clients send the download URL.
        if text("url_type") != "upload" {
            resource.remove("path");
            resource.insert("url".to_owned(), url.into());
            return;
        }
    }
    let last = given.split(['?', '#']).next().unwrap_or_default().rsplit('/').next().unwrap_or_default();
    let named = match (text("name"), text("format")) {
        ("", _) => String::new(),
        (name, "") => name.to_lowercase(),
        (name, format) => format!("{name}.{format}").to_lowercase(),
    };
    let mut path = below(if is_url(given) { last } else { given });
    if path.is_empty() && !text("sha256").is_empty() {
        path = below(&named.replace('/', "-"));
    }
    if path.is_empty() {
        "resource".clone_into(&mut path);
    }
    if taken.contains(&path) {
        let (folder, file) = path.rsplit_once('/').map_or(("", path.as_str()), |(folder, file)| (folder, file));
        let (stem, extension) = file.rfind('.').filter(|at| *at > 0).map_or((file, ""), |at| file.split_at(at));
        let folder = if folder.is_empty() { String::new() } else { format!("{folder}/") };
        let numbered = (index..).map(|number| format!("{folder}{stem}-{number}{extension}"));
        path = numbered.into_iter().find(|path| !taken.contains(path)).unwrap_or_default();
    }
    taken.insert(path.clone());
    resource.remove("path");
    resource.insert("url".to_owned(), path.into());
}

/// Returns a path that stays inside the folder of the package: no dots, no empty components.
fn below(text: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in text.split(['/', '\\']) {
        match part {
            "" | "." => {}
            ".." => _ = parts.pop(),
            part => parts.push(part),
        }
    }
    parts.join("/")
}

fn is_url(text: &str) -> bool {
    text.split_once(':').is_some_and(|(scheme, rest)| {
        rest.starts_with('/')
            && !scheme.is_empty()
            && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
    })
}

fn objects<'r>(record: &'r mut Record, key: &str) -> impl Iterator<Item = &'r mut Record> {
    record.get_mut(key).and_then(Value::as_array_mut).into_iter().flatten().filter_map(Value::as_object_mut)
}

/// A change of one resource.
#[derive(Debug, Clone)]
pub enum ResourceChange {
    /// Adds a resource.
    Create(Record),
    /// Replaces the resource with this id.
    Update(String, Record),
    /// Deletes the resource with this id.
    Delete(String),
}

/// Returns the package after a change of one resource, and the id of the resource. Other resources stay as they are.
///
/// # Errors
/// Not found if the resource does not exist; as for [`package`].
pub fn change_resource(
    dataset: Id,
    name: &str,
    current: Option<&Package>,
    change: &ResourceChange,
    fresh: impl Fn() -> Id,
) -> Result<(Package, String)> {
    let before = current.cloned().unwrap_or_default();
    let ids = resource_ids(dataset, &before);
    let find = |id: &str| {
        let place = ids.iter().position(|known| known == id);
        place.ok_or_else(|| Error::not_found(format!("resource `{}` not found", id.escape_debug())))
    };
    let (record, place) = match change {
        ResourceChange::Create(record) => {
            let mut record = record.clone();
            record.retain(|_, value| !value.is_null());
            record.entry("id").or_insert_with(|| fresh().to_string().into());
            if record.get("id").and_then(Value::as_str).is_some_and(|id| ids.iter().any(|known| known == id)) {
                return Err(Error::conflict(
                    "a resource with this id already exists; omit the id or choose another one",
                ));
            }
            (Some(record), ids.len())
        }
        ResourceChange::Update(id, record) => {
            let mut record = record.clone();
            let place = find(id)?;
            record.insert("id".to_owned(), id.as_str().into());
            let is_empty = |key| record.get(key).is_none_or(|value| value.is_null() || value.as_str() == Some(""));
            if is_empty("url") && is_empty("path") {
                // The record has no URL and no path: the file stays where it is.
                let path = before.get("resources").and_then(|list| list.get(place)?.get("path"));
                record.extend(path.map(|path| ("url".to_owned(), path.clone())));
            }
            (Some(record), place)
        }
        ResourceChange::Delete(id) => (None, find(id)?),
    };
    let mut after = before;
    if !after.contains_key("name") {
        after.insert("name".to_owned(), name.into());
    }
    let list = after.entry("resources").or_insert_with(|| json!([]));
    let Some(list) = list.as_array_mut() else {
        return Err(Error::invalid("`resources` of the package is not a list; fix datapackage.json first"));
    };
    let Some(record) = record else {
        list.remove(place);
        return Ok((after, ids[place].clone()));
    };
    let id = record.get("id").and_then(Value::as_str).unwrap_or_default().to_owned();
    // The mapper sees the resource among the others, whose names and paths it must not reuse.
    let mut whole = record_with(&after, ids, place, record)?;
    whole.remove("extras");
    let current = Value::Object(after.clone());
    let mapped = package(dataset, name, whole, current.as_object(), fresh)?;
    let new = mapped.get("resources").and_then(|list| list.get(place)).cloned();
    let new = new.ok_or_else(|| Error::internal("the mapped package lacks a resource"))?;
    let list = after
        .get_mut("resources")
        .and_then(Value::as_array_mut)
        .ok_or_else(|| Error::internal("the `resources` of a package are not a list"))?;
    if place < list.len() {
        list[place] = new;
    } else {
        list.push(new);
    }
    Ok((after, id))
}

/// Returns the record of a package with one resource replaced.
fn record_with(package: &Package, ids: Vec<String>, place: usize, resource: Record) -> Result<Record> {
    let mut whole = plain(package)?;
    let resources = whole.entry("resources").or_insert_with(|| json!([]));
    if let Some(list) = resources.as_array_mut() {
        for (known, id) in list.iter_mut().filter_map(Value::as_object_mut).zip(ids) {
            known.insert("id".to_owned(), id.into());
        }
        if place < list.len() {
            list[place] = Value::Object(resource);
        } else {
            list.push(Value::Object(resource));
        }
    }
    Ok(whole)
}

/// Returns the ids of a package's resources in order: the stored id, or else one derived from the dataset and the
/// resource name, so that resources pushed with git have ids too.
pub fn resource_ids(dataset: Id, package: &Package) -> Vec<String> {
    let mut seen = HashSet::new();
    let resources = package.get("resources").and_then(Value::as_array).into_iter().flatten();
    let ids = resources.enumerate().map(|(index, resource)| {
        let text = |key| resource.get(key).and_then(Value::as_str);
        let own = text("id").filter(|id| is_id(dataset, id) && !seen.contains(*id)).map(str::to_owned);
        let name = text("name").or_else(|| text("path")).map_or_else(|| index.to_string(), str::to_owned);
        let id = own.unwrap_or_else(|| derived(dataset, &name).to_string());
        let id = if seen.contains(&id) { derived(dataset, &format!("{name}\n{index}")).to_string() } else { id };
        seen.insert(id.clone());
        id
    });
    ids.collect()
}

/// Returns true if a resource of this dataset can have this id. Ids derived from another dataset are rejected.
fn is_id(dataset: Id, id: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    let foreign = |id: Id| {
        let (bytes, own) = (*id.as_bytes(), *derived(dataset, "").as_bytes());
        bytes[6] >> 4 == 8 && bytes[9..] != own[9..]
    };
    (1..=ID_MAX).contains(&id.len()) && id.bytes().all(is_plain) && !id.parse::<Id>().is_ok_and(foreign)
}

/// Derives a version 8 UUID (RFC 9562 §5.8): one half depends on the resource, the other on the dataset.
fn derived(dataset: Id, name: &str) -> Id {
    let digest = |parts: &[&[u8]]| Sha256::digest(parts.join(&0));
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&digest(&[b"resource", dataset.as_bytes(), name.as_bytes()])[..8]);
    bytes[8..].copy_from_slice(&digest(&[b"resources", dataset.as_bytes()])[..8]);
    bytes[6] = bytes[6] & 0x0f | 0x80;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    Id::from_bytes(bytes)
}

impl Datasets {
    /// Records the ids of a dataset's resources, so that each resource can be found by its id alone.
    pub async fn note_resources(&self, grant: &DatasetGrant<Read>, package: &Package) -> Result<()> {
        let ids = resource_ids(grant.id(), package);
        if ids.is_empty() {
            return Ok(());
        }
        let known: HashSet<String> = self.db.read().await?.resources(grant.id()).await?.into_iter().collect();
        let new: Vec<&String> = ids.iter().filter(|id| !known.contains(*id)).collect();
        if new.is_empty() {
            return Ok(());
        }
        let now = self.clock.now();
        let mut tx = self.db.write().await?;
        for id in new {
            tx.insert_resource(id, grant.id(), now).await?;
        }
        tx.commit().await
    }

    /// Generates a new id.
    pub fn fresh_id(&self) -> Id {
        self.clock.id()
    }
}

#[cfg(test)]
mod tests;
