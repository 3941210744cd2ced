//! What changed in the metadata between two packages, as a list that a page or a program can read.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

mod facts;
mod resource;

use facts::Facts;
pub(super) use resource::pair;

/// One change. In JSON `type` says what changed, `method` how, if there is more than one way.
///
/// The kinds are those of ckanext-versioning, for packages in either dialect: what CKAN calls `notes`, `tags` and `url`
/// is `description`, `keywords` and `homepage` in a data package. `resource_order` is ours: resources are a list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Change {
    /// The title.
    Title(TextChange),
    /// The name.
    Name(TextChange),
    /// The organization: `owner_org`, or `organization`.
    Org(Org),
    /// Whether only members see it: `private`, which is `false` where it is absent.
    Private {
        /// Whether they did.
        old: bool,
        /// Whether they do.
        new: bool,
    },
    /// Who looks after it: `maintainer`, or the first contributor with that role.
    Maintainer(TextChange),
    /// How to reach them.
    MaintainerEmail(TextChange),
    /// Who made it: `author`, or the first contributor with the role `author` or `creator`, or with none.
    Author(TextChange),
    /// How to reach them.
    AuthorEmail(TextChange),
    /// The description.
    Notes(TextChange),
    /// The keywords, in no order.
    Tags(Tags),
    /// The first licence: of `licenses`, or `license_id`, `license_title` and `license_url`.
    License {
        /// What it was.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        old: Option<License>,
        /// What it is.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        new: Option<License>,
    },
    /// The home page.
    Url(TextChange),
    /// The version.
    Version(TextChange),
    /// Properties that no standard knows, at the top or in CKAN's `extras`.
    ExtraFields(Fields),
    /// Properties that a standard knows and this list does not, and what stands beside the part that it knows: the third
    /// contributor, the second licence.
    ExtensionFields(Fields),
    /// A resource that was not there.
    NewResource {
        /// Which.
        resource: Named,
    },
    /// A resource that is not there any more.
    DeleteResource {
        /// Which.
        resource: Named,
    },
    /// A resource with another name.
    ResourceName {
        /// Which, by its new name.
        resource: Named,
        /// The name, and what it was.
        #[serde(flatten)]
        change: TextChange,
    },
    /// The format of a resource.
    ResourceFormat {
        /// Which.
        resource: Named,
        /// The format, and what it was.
        #[serde(flatten)]
        change: TextChange,
    },
    /// The description of a resource.
    ResourceDesc {
        /// Which.
        resource: Named,
        /// The description, and what it was.
        #[serde(flatten)]
        change: TextChange,
    },
    /// Other data: another path, another content, another size.
    NewFile {
        /// Which resource.
        resource: Named,
        /// What it was.
        old: File,
        /// What it is.
        new: File,
    },
    /// Other properties of a resource.
    ResourceExtras {
        /// Which.
        resource: Named,
        /// The properties.
        #[serde(flatten)]
        fields: Fields,
    },
    /// The resources that both have stand in another order.
    ResourceOrder,
    /// The packages say the same.
    NoChange,
}

/// A change of a text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "method", rename_all = "snake_case")]
pub enum TextChange {
    /// There was none.
    Add {
        /// What it is.
        new: String,
    },
    /// There is none any more.
    Remove {
        /// What it was.
        old: String,
    },
    /// There is another.
    Change {
        /// What it was.
        old: String,
        /// What it is.
        new: String,
    },
}

/// A change of the organization.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Org {
    /// The id, or the name where there is no id.
    #[serde(flatten)]
    pub change: TextChange,
    /// The title of the old one, if the package had it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub old_title: Option<String>,
    /// The title of the new one, if the package has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub new_title: Option<String>,
}

/// A change of the keywords.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "method", rename_all = "snake_case")]
pub enum Tags {
    /// One is new.
    AddOne {
        /// Which.
        tag: String,
    },
    /// More than one are new.
    AddMultiple {
        /// Which, in order.
        tags: Vec<String>,
    },
    /// One is gone.
    RemoveOne {
        /// Which.
        tag: String,
    },
    /// More than one are gone.
    RemoveMultiple {
        /// Which, in order.
        tags: Vec<String>,
    },
}

/// A licence, as far as the package describes it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct License {
    /// Its id, such as `CC0-1.0`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Its title.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Where its text is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
}

/// A change of properties.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "method", rename_all = "snake_case")]
pub enum Fields {
    /// One is new.
    AddOne {
        /// Its name.
        key: String,
        /// What it is.
        value: Value,
    },
    /// More than one are new.
    AddMultiple {
        /// What they are, by name.
        values: BTreeMap<String, Value>,
    },
    /// One is gone.
    RemoveOne {
        /// Its name.
        key: String,
        /// What it was.
        old_value: Value,
    },
    /// More than one are gone.
    RemoveMultiple {
        /// What they were, by name.
        old_values: BTreeMap<String, Value>,
    },
    /// One is another.
    ChangeWithOldValue {
        /// Its name.
        key: String,
        /// What it was.
        old_value: Value,
        /// What it is.
        new_value: Value,
    },
    /// One was empty and is not any more.
    ChangeNoOldValue {
        /// Its name.
        key: String,
        /// What it is.
        new_value: Value,
    },
    /// One is empty now and was not.
    ChangeNoNewValue {
        /// Its name.
        key: String,
        /// What it was.
        old_value: Value,
    },
}

/// A resource, as far as it says who it is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Named {
    /// Its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Its id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Its path or URL, if it is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
}

/// Where the data of a resource is, and what it is.
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
    /// Whether the data stands in the package itself.
    #[serde(default)]
    pub inline: bool,
}

/// The changes that lead from `old` to `new`: first those of the package, then those of its resources, in the order of
/// the old list, then that of the new. Just [`Change::NoChange`] if the two say the same.
///
/// Two packages say the same if they differ at most in the order of properties and keywords, in properties that are
/// `null`, in texts, keywords and licences that are empty instead of absent, in the dialect (CKAN's or that of data
/// packages), or in what CKAN counts for itself (`metadata_modified`, `revision_id`, `num_resources`, `num_tags`,
/// `isopen`, `position`, `datastore_active`, `tracking_summary`).
///
/// Resources are the same if they have one name; of the others, if they have one path; of the others, if they have one
/// id.
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

/// Takes the text `key` out of an object. An empty text is taken and counts as none; what is no text stays.
fn take_text(object: &mut Map<String, Value>, key: &str) -> Option<String> {
    match object.remove(key)? {
        Value::String(text) => (!text.is_empty()).then_some(text),
        other => {
            object.insert(key.to_owned(), other);
            None
        }
    }
}

/// Takes the first of some texts that is there. Empty ones are taken on the way, one behind the first stays.
fn take_first(object: &mut Map<String, Value>, keys: &[&str]) -> Option<String> {
    keys.iter().find_map(|key| take_text(object, key))
}

#[cfg(test)]
mod tests;
