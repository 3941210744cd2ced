//! Side record: stores what the mapping rules lose of a document, entry by entry.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::{COMPUTED, CORE, IN_DATASET, IN_PACKAGE, Object};

/// The side records of a document: its own, and one for each resource.
#[derive(Default)]
pub(super) struct Records {
    own: Record,
    resources: Vec<Record>,
}

/// What the rules lose of one object.
#[derive(Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Record {
    /// Fields beyond CKAN's core that are in the dataset itself, not among its extras.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    top: BTreeSet<String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    fields: BTreeMap<String, Change>,
}

/// What the rules lose of one field.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Change {
    Whole(Whole),
    Items(Items),
}

/// A field that the rules change.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Whole {
    /// Digest of the mapped value; `None` if the rules drop the field.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    seen: Option<String>,
    /// The original value; `None` if there was no such field. Null is a value.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    value: Option<Value>,
}

/// A list of named items, compared item by item, so that a change of one item does not invalidate the entries
/// of the others.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Items {
    items: BTreeMap<String, BTreeMap<String, Whole>>,
    /// The names in their original order, unless it can be derived.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    order: Vec<String>,
}

fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

impl Records {
    pub(super) fn is_empty(&self) -> bool {
        self.own.is_empty() && self.resources.iter().all(Record::is_empty)
    }

    /// Returns the top-level fields of a dataset that are neither core fields nor extras.
    pub(super) fn top(&self) -> &BTreeSet<String> {
        &self.own.top
    }

    /// Records the top-level fields of `dataset` that are not core fields.
    pub(super) fn keep_on_top(&mut self, dataset: &Object) {
        let is_known =
            |key: &str| CORE.contains(&key) || COMPUTED.contains(&key) || is_reserved(key) || key == "extras";
        self.own.top = dataset.keys().filter(|key| !is_known(key)).cloned().collect();
    }

    /// Records the differences between the mapped document `made` and the original `truth`, resource by
    /// resource. Both have the same number of resources.
    pub(super) fn note(&mut self, made: &Object, truth: &Object) {
        let both = [made, truth].iter().all(|document| document.get("resources").is_some_and(Value::is_array));
        self.own.note(made, truth, both.then_some("resources"));
        if both {
            self.resources.clear();
            for (made, truth) in resources(made).iter().zip(resources(truth)) {
                let mut record = Record::default();
                if let (Value::Object(made), Value::Object(truth)) = (made, truth) {
                    record.note(made, truth, None);
                }
                self.resources.push(record);
            }
        }
    }

    /// Restores the recorded values in `document` where the current value is still the one that the rules produced.
    pub(super) fn apply(&self, document: &mut Object) {
        if let Some(Value::Array(resources)) = document.get_mut("resources") {
            for (resource, record) in resources.iter_mut().zip(&self.resources) {
                if let Value::Object(resource) = resource {
                    record.apply(resource);
                }
            }
        }
        self.own.apply(document);
    }

    pub(super) fn put_into_package(&self, package: &mut Object) {
        for (resource, record) in resources_mut(package).zip(&self.resources) {
            record.put(resource, IN_PACKAGE, |record| record);
        }
        self.own.put(package, IN_PACKAGE, |record| record);
    }

    pub(super) fn put_into_dataset(&self, dataset: &mut Object) {
        let text = |record: Value| Value::String(record.to_string());
        for (resource, record) in resources_mut(dataset).zip(&self.resources) {
            record.put(resource, IN_DATASET, text);
        }
        let mut extra = Object::new();
        self.own.put(&mut extra, "value", text);
        if !extra.is_empty() {
            extra.insert("key".to_owned(), IN_DATASET.into());
            push_extra(dataset, extra);
        }
    }
}

/// Appends an extra to those of a dataset.
fn push_extra(dataset: &mut Object, extra: Object) {
    if let Value::Array(extras) = dataset.entry("extras").or_insert_with(|| Value::Array(Vec::new())) {
        extras.push(Value::Object(extra));
    }
}

/// Splits a package into the document without side records, and the records.
pub(super) fn take_from_package(package: &Object) -> (Object, Records) {
    let mut bare = package.clone();
    let resources = resources_mut(&mut bare).map(|resource| Record::read(resource.remove(IN_PACKAGE))).collect();
    let own = Record::read(bare.remove(IN_PACKAGE));
    (bare, Records { own, resources })
}

/// Splits a dataset into the document without side records, and the records. Anything else under their names is kept.
pub(super) fn take_from_dataset(dataset: &Object) -> (Object, Records) {
    let mut bare = dataset.clone();
    let parse = |value: &Value| serde_json::from_str::<Record>(value.as_str()?).ok();
    let mut resources = Vec::new();
    for resource in resources_mut(&mut bare) {
        let record = resource.get(IN_DATASET).and_then(parse);
        if record.is_some() {
            resource.remove(IN_DATASET);
        }
        resources.push(record.unwrap_or_default());
    }
    let mut own = None;
    if let Some(Value::Array(extras)) = bare.get_mut("extras") {
        let found = extras.iter().enumerate().find_map(|(index, extra)| {
            let named = extra.get("key").and_then(Value::as_str) == Some(IN_DATASET);
            Some((index, extra.get("value").filter(|_| named).and_then(parse)?))
        });
        if let Some((index, record)) = found {
            extras.remove(index);
            own = Some(record);
            if extras.is_empty() {
                bare.remove("extras");
            }
        }
    }
    (bare, Records { own: own.unwrap_or_default(), resources })
}

impl Record {
    fn is_empty(&self) -> bool {
        self.top.is_empty() && self.fields.is_empty()
    }

    fn read(value: Option<Value>) -> Self {
        value.and_then(|value| serde_json::from_value(value).ok()).unwrap_or_default()
    }

    fn put(&self, object: &mut Object, key: &str, form: impl Fn(Value) -> Value) {
        if !self.is_empty() {
            let record = serde_json::to_value(self).expect("a record is made of JSON values");
            object.insert(key.to_owned(), form(record));
        }
    }

    fn note(&mut self, made: &Object, truth: &Object, except: Option<&str>) {
        let keys: BTreeSet<&String> = made.keys().chain(truth.keys()).collect();
        for key in keys {
            let (made, truth) = (made.get(key), truth.get(key));
            if made != truth && except != Some(key) {
                self.fields.insert(key.clone(), Change::between(key, made, truth));
            }
        }
    }

    fn apply(&self, object: &mut Object) {
        for (key, change) in &self.fields {
            match change {
                Change::Whole(whole) => whole.apply(object, key),
                Change::Items(items) => items.apply(object, key),
            }
        }
    }
}

impl Change {
    fn between(field: &str, made: Option<&Value>, truth: Option<&Value>) -> Self {
        match (made.and_then(|list| named(field, list)), truth.and_then(|list| named(field, list))) {
            (Some(made), Some(truth)) => Self::Items(Items::between(field, &made, &truth)),
            _ => Self::Whole(Whole::of(made, truth)),
        }
    }
}

impl Whole {
    fn of(made: Option<&Value>, truth: Option<&Value>) -> Self {
        Self { seen: made.map(digest), value: truth.cloned() }
    }

    fn apply(&self, object: &mut Object, key: &str) {
        if object.get(key).map(digest) == self.seen {
            match &self.value {
                Some(value) => object.insert(key.to_owned(), value.clone()),
                None => object.remove(key),
            };
        }
    }
}

/// The items of a list in order, each with its name.
type Named<'a> = Vec<(&'a str, &'a Object)>;

/// Returns the field that identifies the items of a list, if there is one.
fn name_field(field: &str) -> Option<&'static str> {
    match field {
        "extras" => Some("key"),
        "tags" => Some("name"),
        _ => None,
    }
}

/// Returns the items of a list with their names; `None` unless each has a unique name.
fn named<'a>(field: &str, list: &'a Value) -> Option<Named<'a>> {
    let name_field = name_field(field)?;
    let mut seen = HashSet::new();
    let item = |item: &'a Value| {
        let item = item.as_object()?;
        let name = item.get(name_field)?.as_str()?;
        seen.insert(name).then_some((name, item))
    };
    list.as_array()?.iter().map(item).collect()
}

impl Items {
    fn between(field: &str, made: &Named<'_>, truth: &Named<'_>) -> Self {
        let none = Object::new();
        let before: HashMap<_, _> = made.iter().copied().collect();
        let after: HashMap<_, _> = truth.iter().copied().collect();
        let mut items = BTreeMap::new();
        for name in before.keys().chain(after.keys()) {
            let before = before.get(name).copied().unwrap_or(&none);
            let after = after.get(name).copied().unwrap_or(&none);
            let keys = before.keys().chain(after.keys()).filter(|key| before.get(*key) != after.get(*key));
            let changes: BTreeMap<_, _> =
                keys.map(|key| (key.clone(), Whole::of(before.get(key), after.get(key)))).collect();
            if !changes.is_empty() {
                items.insert((*name).to_owned(), changes);
            }
        }
        let mut items = Self { items, order: Vec::new() };
        let followed = items.follow(field, made);
        let order = truth.iter().map(|(name, _)| (*name).to_owned());
        if !followed.iter().map(|(name, _)| name.clone()).eq(order.clone()) {
            items.order = order.collect();
        }
        items
    }

    fn apply(&self, object: &mut Object, field: &str) {
        let empty = Value::Array(Vec::new());
        let Some(made) = named(field, object.get(field).unwrap_or(&empty)) else { return };
        let followed = self.follow(field, &made);
        if followed.is_empty() && !object.contains_key(field) {
            return;
        }
        let list = followed.into_iter().map(|(_, item)| Value::Object(item)).collect();
        object.insert(field.to_owned(), Value::Array(list));
    }

    /// Applies the entries to the items: changed, removed, then added ones, in the recorded order if there is
    /// one, with items not named in it at the end.
    fn follow(&self, field: &str, made: &Named<'_>) -> Vec<(String, Object)> {
        let name_field = name_field(field).unwrap_or_default();
        let mut items: Vec<(String, Object)> =
            made.iter().map(|(name, item)| ((*name).to_owned(), (*item).clone())).collect();
        for (name, item) in &mut items {
            for (key, whole) in self.items.get(name).into_iter().flatten() {
                whole.apply(item, key);
            }
        }
        items.retain(|(_, item)| item.contains_key(name_field));
        let known: HashSet<&str> = made.iter().map(|(name, _)| *name).collect();
        for (name, changes) in &self.items {
            // An item that was removed since is not restored by entries about its other fields.
            let is_added = changes.get(name_field).is_some_and(|whole| whole.seen.is_none());
            if is_added && !known.contains(name.as_str()) {
                let mut item = Object::new();
                for (key, whole) in changes {
                    whole.apply(&mut item, key);
                }
                items.push((name.clone(), item));
            }
        }
        if !self.order.is_empty() {
            let places: HashMap<&str, usize> =
                self.order.iter().enumerate().map(|(place, name)| (name.as_str(), place)).collect();
            items.sort_by_key(|(name, _)| places.get(name.as_str()).copied().unwrap_or(usize::MAX));
        }
        items
    }
}

/// Returns the resources of a package or dataset; empty if they are not a list.
pub(super) fn resources(document: &Object) -> &[Value] {
    document.get("resources").and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn resources_mut(document: &mut Object) -> impl Iterator<Item = &mut Object> {
    document.get_mut("resources").and_then(Value::as_array_mut).into_iter().flatten().filter_map(Value::as_object_mut)
}

/// Returns true if the field holds a side record, which the rules never see.
pub(super) fn is_reserved(key: &str) -> bool {
    key == IN_PACKAGE || key == IN_DATASET
}

/// Returns true if a value is nested at most `limit` levels deep; a list of strings has depth 1.
pub(super) fn is_within(value: &Value, limit: usize) -> bool {
    match value {
        Value::Array(items) => limit > 0 && items.iter().all(|item| is_within(item, limit - 1)),
        Value::Object(fields) => limit > 0 && fields.values().all(|value| is_within(value, limit - 1)),
        _ => true,
    }
}

/// Returns the first 64 bits of the SHA-256 of a value, in hexadecimal, independent of the order of object keys.
fn digest(value: &Value) -> String {
    let mut hasher = Sha256::new();
    feed(value, &mut hasher);
    hex::encode(&hasher.finalize()[..8])
}

fn feed(value: &Value, hasher: &mut Sha256) {
    let length = |length: usize| u64::try_from(length).unwrap_or(u64::MAX).to_be_bytes();
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => {
            hasher.update(b"=");
            hasher.update(value.to_string());
            hasher.update(b"\n");
        }
        Value::String(text) => {
            hasher.update(b"\"");
            hasher.update(length(text.len()));
            hasher.update(text);
        }
        Value::Array(items) => {
            hasher.update(b"[");
            hasher.update(length(items.len()));
            for item in items {
                feed(item, hasher);
            }
        }
        Value::Object(fields) => {
            hasher.update(b"{");
            hasher.update(length(fields.len()));
            let sorted: BTreeMap<_, _> = fields.iter().collect();
            for (key, value) in sorted {
                hasher.update(length(key.len()));
                hasher.update(key);
                feed(value, hasher);
            }
        }
    }
}
