//! Schema diff: changes between two Table Schemas, and their compatibility for existing data and readers.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{changes::pair, get, member, resources};

mod field;
mod limit;

use field::Frame;

/// Compatibility of a change, ordered from best to worst. Several changes together have the worst of their verdicts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Existing data stays valid, and readers see no values in existing columns that were not possible before.
    #[default]
    Compatible,
    /// Existing data stays valid, but readers may see values that were not possible before.
    Widening,
    /// Existing data may become invalid or change its meaning, or readers may miss something; or this cannot
    /// be determined.
    Breaking,
}

/// One change of a schema.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SchemaChange {
    /// The name of the field; absent if the change concerns the whole table.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// The compatibility of the change.
    pub verdict: Verdict,
    /// The kind of the change and its details.
    #[serde(flatten)]
    pub edit: SchemaEdit,
}

/// The kind of a schema change. `old` or `new` is absent if there was or is no value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum SchemaEdit {
    /// A schema was added.
    SchemaAdded,
    /// The schema was removed.
    SchemaRemoved,
    /// The schema is not inline (a path or a URL), so it is not compared; or it is not a valid schema.
    SchemaReplaced,
    /// A field was added. A renamed field counts as one removed and one added field; renames are not guessed.
    FieldAdded {
        /// True if the field is required.
        required: bool,
    },
    /// A field was removed.
    FieldRemoved,
    /// The order of the fields in both schemas differs.
    FieldsReordered,
    /// The type of a field changed.
    TypeChanged {
        /// The old type; `any` if it was not specified.
        old: Value,
        /// The new type.
        new: Value,
    },
    /// The text representation of values changed: `format`, `decimalChar`, `trueValues` and so on.
    FormatChanged {
        /// The name of the property.
        property: String,
        /// The old value.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        old: Option<Value>,
        /// The new value.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        new: Option<Value>,
    },
    /// A constraint, or the categories, became stricter.
    ConstraintTightened(Constraint),
    /// A constraint, or the categories, became looser.
    ConstraintLoosened(Constraint),
    /// A constraint, or the categories, changed in a way that is neither stricter nor looser, or cannot be compared.
    ConstraintChanged(Constraint),
    /// The values that count as missing changed.
    MissingValues {
        /// The old missing values.
        old: Vec<String>,
        /// The new missing values.
        new: Vec<String>,
    },
    /// The primary key changed.
    PrimaryKey {
        /// The fields of the old key, sorted by name.
        old: Vec<String>,
        /// The fields of the new key.
        new: Vec<String>,
    },
    /// The unique keys or foreign keys changed.
    Keys {
        /// The name of the property.
        property: String,
        /// The added keys.
        added: Vec<Value>,
        /// The removed keys.
        removed: Vec<Value>,
    },
    /// The way in which fields of the schema are matched with columns of the data changed.
    FieldsMatch {
        /// The old mode.
        old: String,
        /// The new mode.
        new: String,
    },
    /// A property changed that does not affect values: titles, descriptions, non-standard properties.
    NoteChanged {
        /// The name of the property.
        property: String,
    },
}

/// A constraint before and after the change.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Constraint {
    /// The name of the constraint, or `categories`.
    pub constraint: String,
    /// The old value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub old: Option<Value>,
    /// The new value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub new: Option<Value>,
}

/// The changes between two schemas.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct SchemaDiff {
    /// The worst verdict of the changes; compatible without changes.
    pub verdict: Verdict,
    /// The changes of the table first, then those of its fields in the order of the old schema, followed by
    /// added fields.
    pub changes: Vec<SchemaChange>,
}

/// The schema changes of one resource.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ResourceSchema {
    /// The name of the resource in the new package, or in the old one if it was removed; its path if it has no name.
    pub resource: String,
    /// The changes.
    #[serde(flatten)]
    pub diff: SchemaDiff,
}

/// The schema changes of a package.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct SchemaReport {
    /// The worst verdict of the resources; compatible without changes.
    pub verdict: Verdict,
    /// The resources whose schema changed.
    pub resources: Vec<ResourceSchema>,
}

/// Compares the schemas of all resources, which are matched as in [`changes`](crate::changes()). A removed
/// resource with a schema is a breaking change, an added one is compatible.
pub fn package_schemas(old: &Value, new: &Value) -> SchemaReport {
    let (old, new) = (resources(old), resources(new));
    let pairs = pair(old, new);
    let mut report = SchemaReport::default();
    let mut add = |resource: &Value, diff: SchemaDiff| {
        if !diff.changes.is_empty() {
            let name = get(resource, "name").or(get(resource, "path")).and_then(Value::as_str);
            report.verdict = report.verdict.max(diff.verdict);
            report.resources.push(ResourceSchema { resource: name.unwrap_or_default().to_owned(), diff });
        }
    };
    let mut next = pairs.iter().peekable();
    let mut known = vec![false; new.len()];
    for (index, resource) in old.iter().enumerate() {
        if let Some((_, partner)) = next.next_if(|(old, _)| *old == index) {
            known[*partner] = true;
            let partner = &new[*partner];
            add(partner, schema_changes(get(resource, "schema"), get(partner, "schema")));
        } else if get(resource, "schema").is_some() {
            add(resource, SchemaDiff::of(vec![table(Verdict::Breaking, SchemaEdit::SchemaRemoved)]));
        }
    }
    for (resource, _) in new.iter().zip(known).filter(|(_, known)| !known) {
        add(resource, schema_changes(None, get(resource, "schema")));
    }
    report
}

/// Compares two schemas; `None` stands for no schema. There are no changes if and only if the schemas are
/// equivalent: `null` counts as absent, and so does an explicit default.
///
/// Columns are assumed to be identified by name, and absent ones to be empty. Values are compared by their
/// representation in a text file: the same text is the same value.
///
/// | change | verdict |
/// |---|---|
/// | schema added | compatible |
/// | schema removed, resource stays | widening |
/// | schema behind a path or URL replaced | breaking, since it is not compared |
/// | field added | compatible; breaking if it is required, unless fields may be missing (`superset`, `partial`) |
/// | field removed | breaking |
/// | fields reordered | compatible |
/// | any type → `any`, any type → `string` without format | widening |
/// | `integer` → `number`; `year` → `integer`, `number`; `geojson` → `object`; list → list of a wider type | widening |
/// | `geopoint` as array → `array`, as object → `object` | widening |
/// | every other type change | breaking |
/// | format → none, for strings; → `any`, for times | widening |
/// | other formats, decimal character, delimiter | breaking |
/// | group character added, `bareNumber` no longer required, more `trueValues` or `falseValues` | widening |
/// | constraint loosened: removed, a wider bound, a longer list | widening |
/// | constraint tightened, or changed otherwise | breaking |
/// | categories | as the constraint `enum`; other labels or order: compatible |
/// | more missing values | widening; breaking if a value is required |
/// | fewer missing values | breaking |
/// | primary, unique or foreign key removed | widening |
/// | key added or changed | breaking |
/// | `fieldsMatch` → a mode that allows more | widening |
/// | `fieldsMatch` → any other mode | breaking |
/// | title, description, example, `rdfType`, unknown properties | compatible |
pub fn schema_changes(old: Option<&Value>, new: Option<&Value>) -> SchemaDiff {
    let present = |schema: Option<&'_ Value>| schema.is_some_and(|schema| !schema.is_null());
    let (old, new) = match (old, new) {
        (old, new) if old == new || !present(old) && !present(new) => return SchemaDiff::default(),
        (Some(Value::Object(old)), Some(Value::Object(new))) => (old, new),
        (old, _) if !present(old) => {
            return SchemaDiff::of(vec![table(Verdict::Compatible, SchemaEdit::SchemaAdded)]);
        }
        (_, new) if !present(new) => {
            return SchemaDiff::of(vec![table(Verdict::Widening, SchemaEdit::SchemaRemoved)]);
        }
        _ => return SchemaDiff::of(vec![table(Verdict::Breaking, SchemaEdit::SchemaReplaced)]),
    };
    let mut found = Vec::new();
    let (old_fields, new_fields) = (fields(old), fields(new));
    let ties = tie(&old_fields, &new_fields);
    let (old_frame, new_frame) = (Frame::new(old), Frame::new(new));
    keys(old, new, &mut found);
    // In a required field, values that now count as missing become invalid.
    let strict = || new_fields.iter().map(|field| new_frame.field(field)).any(|it| it.inherits() && it.required());
    let missing = field::missing_change(old_frame.missing(), new_frame.missing(), strict);
    found.extend(missing.map(|(verdict, edit)| table(verdict, edit)));
    fields_match(old, new, &mut found);
    notes(old, new, &mut found);
    if !ties.iter().filter_map(|(_, new)| *new).is_sorted() {
        found.push(table(Verdict::Compatible, SchemaEdit::FieldsReordered));
    }
    let mut known = vec![false; new_fields.len()];
    for (old_index, new_index) in ties {
        let before = old_fields[old_index];
        match new_index {
            Some(new_index) => {
                known[new_index] = true;
                field::compare(&old_frame.field(before), &new_frame.field(new_fields[new_index]), &mut found);
            }
            None => found.push(of_field(before, Verdict::Breaking, SchemaEdit::FieldRemoved)),
        }
    }
    let lenient = matches!(mode(new), "superset" | "partial");
    for (field, _) in new_fields.iter().zip(known).filter(|(_, known)| !known) {
        let required = new_frame.field(field).required();
        let verdict = if required && !lenient { Verdict::Breaking } else { Verdict::Compatible };
        found.push(of_field(field, verdict, SchemaEdit::FieldAdded { required }));
    }
    SchemaDiff::of(found)
}

impl SchemaDiff {
    fn of(changes: Vec<SchemaChange>) -> Self {
        let verdict = changes.iter().map(|change| change.verdict).max().unwrap_or_default();
        Self { verdict, changes }
    }
}

fn table(verdict: Verdict, edit: SchemaEdit) -> SchemaChange {
    SchemaChange { field: None, verdict, edit }
}

fn of_field(field: &Value, verdict: Verdict, edit: SchemaEdit) -> SchemaChange {
    SchemaChange { field: Some(name(field).to_owned()), verdict, edit }
}

fn fields(schema: &Map<String, Value>) -> Vec<&Value> {
    member(schema, "fields").and_then(Value::as_array).into_iter().flatten().collect()
}

fn name(field: &Value) -> &str {
    get(field, "name").and_then(Value::as_str).unwrap_or_default()
}

/// Matches the fields of both schemas: by name, and among duplicates by order.
fn tie(old: &[&Value], new: &[&Value]) -> Vec<(usize, Option<usize>)> {
    let mut waiting: HashMap<&str, Vec<usize>> = HashMap::new();
    for (index, field) in new.iter().enumerate().rev() {
        waiting.entry(name(field)).or_default().push(index);
    }
    let partner = |field| waiting.get_mut(name(field)).and_then(Vec::pop);
    old.iter().copied().map(partner).enumerate().collect()
}

/// Returns the names of the fields in a key, which is a list or a single name.
fn key_names(key: Option<&Value>) -> Vec<String> {
    let listed = key.and_then(Value::as_array).into_iter().flatten();
    let mut names: Vec<String> = key.into_iter().chain(listed).filter_map(Value::as_str).map(str::to_owned).collect();
    names.sort_unstable();
    names
}

fn keys(old: &Map<String, Value>, new: &Map<String, Value>, found: &mut Vec<SchemaChange>) {
    let primary = |schema| key_names(member(schema, "primaryKey"));
    let (before, after) = (primary(old), primary(new));
    if before != after {
        let verdict = if after.is_empty() { Verdict::Widening } else { Verdict::Breaking };
        found.push(table(verdict, SchemaEdit::PrimaryKey { old: before, new: after }));
    }
    for property in ["uniqueKeys", "foreignKeys"] {
        let list = |schema| -> Vec<Value> {
            let keys = member(schema, property).and_then(Value::as_array).into_iter().flatten();
            keys.map(|key| settled(property, key)).collect()
        };
        let (before, after) = (list(old), list(new));
        let (added, removed) = (limit::without(&after, &before), limit::without(&before, &after));
        if !added.is_empty() || !removed.is_empty() {
            let verdict = if added.is_empty() { Verdict::Widening } else { Verdict::Breaking };
            let edit = SchemaEdit::Keys { property: property.to_owned(), added, removed };
            found.push(table(verdict, edit));
        }
    }
}

/// Normalises a key: a unique key has no order, a foreign key may be a single field without a list, and ""
/// means the same table.
fn settled(property: &str, key: &Value) -> Value {
    if property == "uniqueKeys" {
        return if key.as_array().is_some_and(|key| key.iter().all(Value::is_string)) {
            key_names(Some(key)).into()
        } else {
            key.clone()
        };
    }
    let mut key = key.clone();
    let listed = |object: &mut Map<String, Value>| {
        if let Some(fields) = object.get_mut("fields").filter(|fields| fields.is_string()) {
            *fields = vec![fields.take()].into();
        }
    };
    if let Value::Object(key) = &mut key {
        listed(key);
        if let Some(Value::Object(reference)) = key.get_mut("reference") {
            listed(reference);
            if reference.get("resource").is_some_and(|resource| resource.is_null() || resource.as_str() == Some("")) {
                reference.remove("resource");
            }
        }
    }
    key
}

fn mode(schema: &Map<String, Value>) -> &str {
    let mode = member(schema, "fieldsMatch");
    // The version 2 profile has a list here, the text of the standard a string.
    let mode = mode.and_then(Value::as_array).and_then(|list| list.first()).or(mode);
    mode.and_then(Value::as_str).unwrap_or("exact")
}

fn fields_match(old: &Map<String, Value>, new: &Map<String, Value>, found: &mut Vec<SchemaChange>) {
    let (before, after) = (mode(old), mode(new));
    if before != after {
        let wider = matches!(
            (before, after),
            ("exact", "equal" | "subset" | "superset" | "partial")
                | ("equal", "subset" | "superset" | "partial")
                | ("subset" | "superset", "partial")
        );
        let verdict = if wider { Verdict::Widening } else { Verdict::Breaking };
        found.push(table(verdict, SchemaEdit::FieldsMatch { old: before.to_owned(), new: after.to_owned() }));
    }
}

fn notes(old: &Map<String, Value>, new: &Map<String, Value>, found: &mut Vec<SchemaChange>) {
    const JUDGED: [&str; 6] = ["fields", "primaryKey", "uniqueKeys", "foreignKeys", "missingValues", "fieldsMatch"];
    for property in field::differing(old, new, |key| JUDGED.contains(&key)) {
        found.push(table(Verdict::Compatible, SchemaEdit::NoteChanged { property }));
    }
}

#[cfg(test)]
mod tests;
