//! Metadata diff: a machine-readable list of changes between two data packages.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

mod facts;
mod resource;

use facts::Facts;
pub(super) use resource::pair;

/// A metadata change. In JSON, `type` is the kind of change, and `method` tells how, if there is more than one way.
///
/// The kinds are those of ckanext-versioning, for packages in either dialect: CKAN's `notes`, `tags` and
/// `url` are `description`, `keywords` and `homepage` in a data package. `resource_order` is an addition,
/// since resources are a list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Change {
    /// The title changed.
    Title(TextChange),
    /// The name changed.
    Name(TextChange),
    /// The organization changed: `owner_org`, or `organization`.
    Org(Org),
    /// The visibility changed: `private`, which defaults to `false`.
    Private {
        /// The old value.
        old: bool,
        /// The new value.
        new: bool,
    },
    /// The maintainer changed: `maintainer`, or the first contributor with that role.
    Maintainer(TextChange),
    /// The maintainer's e-mail address changed.
    MaintainerEmail(TextChange),
    /// The author changed: `author`, or the first contributor with the role `author` or `creator`, or without a role.
    Author(TextChange),
    /// The author's e-mail address changed.
    AuthorEmail(TextChange),
    /// The description changed.
    Notes(TextChange),
    /// The keywords changed; their order is ignored.
    Tags(Tags),
    /// The first licence changed: of `licenses`, or `license_id`, `license_title` and `license_url`.
    License {
        /// The old licence; absent if the package had no licence.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        old: Option<License>,
        /// The new licence; absent if the package has no licence.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        new: Option<License>,
    },
    /// The home page changed.
    Url(TextChange),
    /// The version changed.
    Version(TextChange),
    /// Non-standard properties changed, at the top level or in CKAN's `extras`.
    ExtraFields(Fields),
    /// Standard properties without a kind of their own changed, or parts not covered by their kind, such as
    /// the third contributor or the second licence.
    ExtensionFields(Fields),
    /// A resource was added.
    NewResource {
        /// The resource.
        resource: Named,
    },
    /// A resource was removed.
    DeleteResource {
        /// The resource.
        resource: Named,
    },
    /// A resource was renamed.
    ResourceName {
        /// The resource, with its new name.
        resource: Named,
        /// The old and new name.
        #[serde(flatten)]
        change: TextChange,
    },
    /// The format of a resource changed.
    ResourceFormat {
        /// The resource.
        resource: Named,
        /// The old and new format.
        #[serde(flatten)]
        change: TextChange,
    },
    /// The description of a resource changed.
    ResourceDesc {
        /// The resource.
        resource: Named,
        /// The old and new description.
        #[serde(flatten)]
        change: TextChange,
    },
    /// The data of a resource changed: its path, content or size.
    NewFile {
        /// The resource.
        resource: Named,
        /// The old data.
        old: File,
        /// The new data.
        new: File,
    },
    /// Other properties of a resource changed.
    ResourceExtras {
        /// The resource.
        resource: Named,
        /// The properties.
        #[serde(flatten)]
        fields: Fields,
    },
    /// The order of the resources in both packages differs.
    ResourceOrder,
    /// The packages are equivalent.
    NoChange,
}

/// A change of a text property.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "method", rename_all = "snake_case")]
pub enum TextChange {
    /// The property was added.
    Add {
        /// The new value.
        new: String,
    },
    /// The property was removed.
    Remove {
        /// The old value.
        old: String,
    },
    /// The property was changed.
    Change {
        /// The old value.
        old: String,
        /// The new value.
        new: String,
    },
}

/// A change of the organization.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Org {
    /// The old and new ID, or the name if there is no ID.
    #[serde(flatten)]
    pub change: TextChange,
    /// The old title, if the package has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub old_title: Option<String>,
    /// The new title, if the package has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub new_title: Option<String>,
}

/// A change of the keywords.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "method", rename_all = "snake_case")]
pub enum Tags {
    /// One keyword was added.
    AddOne {
        /// The keyword.
        tag: String,
    },
    /// Several keywords were added.
    AddMultiple {
        /// The keywords, sorted.
        tags: Vec<String>,
    },
    /// One keyword was removed.
    RemoveOne {
        /// The keyword.
        tag: String,
    },
    /// Several keywords were removed.
    RemoveMultiple {
        /// The keywords, sorted.
        tags: Vec<String>,
    },
}

/// A licence as described in the package.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct License {
    /// The licence ID, such as `CC0-1.0`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The title of the licence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The URL or path of the licence text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
}

/// A change of properties.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "method", rename_all = "snake_case")]
pub enum Fields {
    /// One property was added.
    AddOne {
        /// The name of the property.
        key: String,
        /// The new value.
        value: Value,
    },
    /// Several properties were added.
    AddMultiple {
        /// The new values by name.
        values: BTreeMap<String, Value>,
    },
    /// One property was removed.
    RemoveOne {
        /// The name of the property.
        key: String,
        /// The old value.
        old_value: Value,
    },
    /// Several properties were removed.
    RemoveMultiple {
        /// The old values by name.
        old_values: BTreeMap<String, Value>,
    },
    /// One property was changed.
    ChangeWithOldValue {
        /// The name of the property.
        key: String,
        /// The old value.
        old_value: Value,
        /// The new value.
        new_value: Value,
    },
    /// One property was changed from empty to a value.
    ChangeNoOldValue {
        /// The name of the property.
        key: String,
        /// The new value.
        new_value: Value,
    },
    /// One property was changed to empty.
    ChangeNoNewValue {
        /// The name of the property.
        key: String,
        /// The old value.
        old_value: Value,
    },
}

/// The identification of a resource.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Named {
    /// The name of the resource.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The ID of the resource.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The path or URL of the resource, if there is exactly one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
}

/// The data of a resource: location, size and hash.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct File {
    /// The path, the URL or the list of them: `path`, or CKAN's `url`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<Value>,
    /// The size in bytes: `bytes`, or CKAN's `size`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// The hash as `algorithm:digits`: `sha256`, or `hash`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hash: Option<String>,
    /// True if the data is inline in the package.
    #[serde(default)]
    pub inline: bool,
}

/// Returns the changes from `old` to `new`: first those of the package, then those of its resources in the
/// order of the old list, followed by those only in the new list. A single [`Change::NoChange`] if the
/// packages are equivalent.
///
/// Packages are equivalent if they differ at most in the order of properties and keywords, in `null`
/// properties, in texts, keywords and licences that are empty instead of absent, in the dialect (CKAN or data
/// package), or in values that CKAN computes (`metadata_modified`, `revision_id`, `num_resources`,
/// `num_tags`, `isopen`, `position`, `datastore_active`, `tracking_summary`).
///
/// Resources are matched by name, then by path, then by ID.
pub fn changes(old: &Value, new: &Value) -> Vec<Change> {
    let (old_facts, new_facts) = (Facts::of(old), Facts::of(new));
    let mut found = Vec::new();
    old_facts.compare(&new_facts, &mut found);
    resource::compare(old, new, &mut found);
    if found.is_empty() {
        found.push(Change::NoChange);
    }
    found
}

impl TextChange {
    fn between(old: Option<&str>, new: Option<&str>) -> Option<Self> {
        match (old.map(str::to_owned), new.map(str::to_owned)) {
            (Some(old), Some(new)) => (old != new).then_some(Self::Change { old, new }),
            (Some(old), None) => Some(Self::Remove { old }),
            (None, Some(new)) => Some(Self::Add { new }),
            (None, None) => None,
        }
    }
}

impl Fields {
    fn between(old: &Map<String, Value>, new: &Map<String, Value>) -> Vec<Self> {
        let mut found = Vec::new();
        let only = |these: &Map<String, Value>, those: &Map<String, Value>| -> BTreeMap<String, Value> {
            let rest = these.iter().filter(|(key, _)| !those.contains_key(*key));
            rest.map(|(key, value)| (key.clone(), value.clone())).collect()
        };
        let mut values = only(new, old);
        match values.pop_first() {
            Some((key, value)) if values.is_empty() => found.push(Self::AddOne { key, value }),
            Some((key, value)) => {
                values.insert(key, value);
                found.push(Self::AddMultiple { values });
            }
            None => {}
        }
        let mut old_values = only(old, new);
        match old_values.pop_first() {
            Some((key, old_value)) if old_values.is_empty() => found.push(Self::RemoveOne { key, old_value }),
            Some((key, old_value)) => {
                old_values.insert(key, old_value);
                found.push(Self::RemoveMultiple { old_values });
            }
            None => {}
        }
        for (key, old_value) in old {
            let Some(new_value) = new.get(key).filter(|new_value| *new_value != old_value) else { continue };
            let (key, old_value, new_value) = (key.clone(), old_value.clone(), new_value.clone());
            found.push(match (is_empty(&old_value), is_empty(&new_value)) {
                (true, false) => Self::ChangeNoOldValue { key, new_value },
                (false, true) => Self::ChangeNoNewValue { key, old_value },
                _ => Self::ChangeWithOldValue { key, old_value, new_value },
            });
        }
        found
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::String(text) => text.is_empty(),
        Value::Array(list) => list.is_empty(),
        Value::Object(object) => object.is_empty(),
        _ => false,
    }
}

/// Removes the string `key` from an object and returns it. An empty string is removed and returned as `None`;
/// a value of another type stays.
fn take_text(object: &mut Map<String, Value>, key: &str) -> Option<String> {
    match object.remove(key)? {
        Value::String(text) => (!text.is_empty()).then_some(text),
        other => {
            object.insert(key.to_owned(), other);
            None
        }
    }
}

/// Removes and returns the first non-empty string of `keys`. Empty strings before it are removed too, later
/// ones stay.
fn take_first(object: &mut Map<String, Value>, keys: &[&str]) -> Option<String> {
    keys.iter().find_map(|key| take_text(object, key))
}

#[cfg(test)]
mod tests;
