//! What changed between two Table Schemas, and what it means for those who have the old data or read it.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{changes::pair, get, member, resources};

mod field;
mod limit;

use field::Frame;

/// What a change means. The verdict of several is the worst of them, which is the greatest.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Old data is valid, and who reads the new data meets nothing in the columns they know that could not be there
    /// before.
    #[default]
    Compatible,
    /// Old data is valid, but readers may meet values that could not be there before.
    Widening,
    /// Old data may be invalid, or means something else, or readers miss what they had; or nobody can tell.
    Breaking,
}

/// One change of a schema.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SchemaChange {
    /// The name of the field; absent for what concerns the whole table.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// What it means.
    pub verdict: Verdict,
    /// What it is.
    #[serde(flatten)]
    pub edit: SchemaEdit,
}

/// What changed. Where there was nothing or is nothing, `old` or `new` is absent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum SchemaEdit {
    /// There was no schema.
    SchemaAdded,
    /// There is none any more.
    SchemaRemoved,
    /// The schema stands elsewhere (a path or a URL), where it is not looked at, or is none.
    SchemaReplaced,
    /// A field that was not there. One with another name counts as new, and the old one as removed: names are not
    /// guessed at.
    FieldAdded {
        /// Whether it must have a value.
        required: bool,
    },
    /// A field that is not there any more.
    FieldRemoved,
    /// The fields that both have stand in another order.
    FieldsReordered,
    /// The type.
    TypeChanged {
        /// What it was; `any` where it said nothing.
        old: Value,
        /// What it is.
        new: Value,
    },
    /// How values are written: `format`, `decimalChar`, `trueValues` and the like.
    FormatChanged {
        /// Which property.
        property: String,
        /// What it was.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        old: Option<Value>,
        /// What it is.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        new: Option<Value>,
    },
    /// A constraint, or the categories, which allow less than before.
    ConstraintTightened(Constraint),
    /// One that allows more than before.
    ConstraintLoosened(Constraint),
    /// One of which nobody can say whether it allows more or less.
    ConstraintChanged(Constraint),
    /// The values that count as missing.
    MissingValues {
        /// What they were.
        old: Vec<String>,
        /// What they are.
        new: Vec<String>,
    },
    /// The primary key.
    PrimaryKey {
        /// The fields it had, in the order of their names.
        old: Vec<String>,
        /// The fields it has.
        new: Vec<String>,
    },
    /// Unique keys or foreign keys.
    Keys {
        /// Which of the two properties.
        property: String,
        /// Those that are new.
        added: Vec<Value>,
        /// Those that are gone.
        removed: Vec<Value>,
    },
    /// How the fields of the schema and those of the data belong together.
    FieldsMatch {
        /// What it was.
        old: String,
        /// What it is.
        new: String,
    },
    /// Something that changes no value: titles, descriptions, properties of nobody's standard.
    NoteChanged {
        /// Which property.
        property: String,
    },
}

/// A constraint, before and after.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Constraint {
    /// Its name, or `categories`.
    pub constraint: String,
    /// What it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub old: Option<Value>,
    /// What it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub new: Option<Value>,
}

/// What changed between two schemas.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct SchemaDiff {
    /// The worst of the changes; compatible if there are none.
    pub verdict: Verdict,
    /// Those of the table first, then those of the fields, in the order of the old schema, then of the new.
    pub changes: Vec<SchemaChange>,
}

/// What changed in the schema of one resource.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ResourceSchema {
    /// The name of the resource in the new package, or in the old one if it is gone; its path if it has no name.
    pub resource: String,
    /// The changes.
    #[serde(flatten)]
    pub diff: SchemaDiff,
}

/// What changed in the schemas of a package.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct SchemaReport {
    /// The worst of the resources; compatible if there are none.
    pub verdict: Verdict,
    /// The resources whose schema changed.
    pub resources: Vec<ResourceSchema>,
}

/// Compares the schemas of all resources. Resources belong together as in [`changes`](super::changes()). A resource that
/// went away with its schema breaks what reads it; one that is new breaks nothing.
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

/// Compares two schemas; `None` where there is none. No changes if and only if they say the same, where `null` is
/// absent, and so is a default that is spelt out.
///
/// Columns are taken to be found by their names, and an absent one to be empty. Values are taken as text files have
/// them: what is written the same is the same.
///
/// | change | verdict |
/// |---|---|
/// | schema added | compatible |
/// | schema removed, resource stays | widening |
/// | schema behind a path or URL replaced | breaking: it is not looked at |
/// | field added | compatible; breaking if it is required, unless fields may be missing (`superset`, `partial`) |
/// | field removed | breaking |
/// | fields in another order | compatible |
/// | any type → `any`, any type → `string` without format | widening |
/// | `integer` → `number`; `year` → `integer`, `number`; `geojson` → `object`; list → list of a wider type | widening |
/// | `geopoint` as array → `array`, as object → `object` | widening |
/// | every other type | breaking |
/// | format → none, for text; → `any`, for times | widening |
/// | other formats, decimal character, delimiter | breaking |
/// | group character added, `bareNumber` no longer asked for, more `trueValues` or `falseValues` | widening |
/// | constraint loosened: gone, a wider bound, a longer list | widening |
/// | constraint tightened, or changed otherwise | breaking |
/// | categories | as the constraint `enum`; other labels or order: compatible |
/// | more missing values | widening; breaking where a value is required |
/// | fewer missing values | breaking |
/// | primary, unique or foreign key gone | widening |
/// | key added or changed | breaking |
/// | `fieldsMatch` → one that allows more | widening |
/// | `fieldsMatch` → any other | breaking |
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
    // A field that must have a value loses some of those it could have.
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

/// Which field of the old schema is which of the new: by name, and of several with one name, by their order.
fn tie(old: &[&Value], new: &[&Value]) -> Vec<(usize, Option<usize>)> {
    let mut waiting: HashMap<&str, Vec<usize>> = HashMap::new();
    for (index, field) in new.iter().enumerate().rev() {
        waiting.entry(name(field)).or_default().push(index);
    }
    let partner = |field| waiting.get_mut(name(field)).and_then(Vec::pop);
    old.iter().copied().map(partner).enumerate().collect()
}

/// The names in a key: a list, or one name.
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

/// A key in one form: a unique key has no order, a foreign key may name one field without a list, and itself by "".
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
    // The profile of version 2 has a list, its text a string.
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
