//! Changes of a field.

use std::collections::{BTreeSet, HashSet};

use serde_json::{Map, Value, json};

use super::{
    Constraint, SchemaChange, SchemaEdit, Verdict, get,
    limit::{self, Direction},
    member, name, of_field,
};

/// The properties of a schema that apply to all its fields.
pub(super) struct Frame<'s> {
    key: HashSet<&'s str>,
    missing: Vec<String>,
}

impl<'s> Frame<'s> {
    pub(super) fn new(schema: &'s Map<String, Value>) -> Self {
        let key = member(schema, "primaryKey");
        let listed = key.and_then(Value::as_array).into_iter().flatten();
        let key = key.into_iter().chain(listed).filter_map(Value::as_str).collect();
        let missing = missing_values(schema).unwrap_or_else(|| vec![String::new()]);
        Self { key, missing }
    }

    /// Returns the missing values of fields that do not define their own.
    pub(super) fn missing(&self) -> &[String] {
        &self.missing
    }

    pub(super) fn field<'f>(&'f self, field: &'f Value) -> Field<'f> {
        Field { frame: self, field }
    }
}

/// A field in its schema.
pub(super) struct Field<'f> {
    frame: &'f Frame<'f>,
    field: &'f Value,
}

impl<'f> Field<'f> {
    fn get(&self, key: &str) -> Option<&'f Value> {
        get(self.field, key)
    }

    fn text(&self, key: &str, default: &'static str) -> &'f str {
        self.get(key).map_or(default, |value| value.as_str().unwrap_or_default())
    }

    fn kind(&self) -> &'f str {
        self.text("type", "any")
    }

    fn format(&self) -> &'f str {
        self.text("format", "default")
    }

    /// Returns true if the field must have a value: it is required, or part of the primary key.
    pub(super) fn required(&self) -> bool {
        let said = self.get("constraints").and_then(|constraints| get(constraints, "required"));
        said == Some(&Value::Bool(true)) || self.frame.key.contains(name(self.field))
    }

    fn own_missing(&self) -> Option<Vec<String>> {
        self.field.as_object().and_then(missing_values)
    }

    /// Returns true if the field uses the missing values of the schema.
    pub(super) fn inherits(&self) -> bool {
        self.own_missing().is_none()
    }

    fn missing(&self) -> Vec<String> {
        self.own_missing().unwrap_or_else(|| self.frame.missing.clone())
    }
}

/// Properties of a field that are compared individually.
const JUDGED: [&str; 13] = [
    "name",
    "type",
    "format",
    "constraints",
    "categories",
    "missingValues",
    "decimalChar",
    "delimiter",
    "groupChar",
    "bareNumber",
    "trueValues",
    "falseValues",
    "itemType",
];

pub(super) fn compare(old: &Field<'_>, new: &Field<'_>, found: &mut Vec<SchemaChange>) {
    if old.field == new.field {
        return;
    }
    let mut add = |verdict, edit| found.push(of_field(new.field, verdict, edit));
    let (before, after) = (old.kind(), new.kind());
    if before != after || old.get("type").is_some_and(|kind| !kind.is_string()) {
        let verdict = widening(before, old.format(), after, new.format());
        let shown = |field: &Field<'_>| field.get("type").cloned().unwrap_or_else(|| json!("any"));
        let (old, new) = (shown(old), shown(new));
        if old != new {
            add(verdict, SchemaEdit::TypeChanged { old, new });
        }
    }
    // The old text representation does not matter if values are now plain strings.
    let moot = before != after && matches!(after, "string" | "any");
    for (property, verdict) in forms(old, new) {
        let verdict = if moot { Verdict::Compatible } else { verdict };
        let (old, new) = (old.get(property).cloned(), new.get(property).cloned());
        add(verdict, SchemaEdit::FormatChanged { property: property.to_owned(), old, new });
    }
    let plain = old.format() == "default" && new.format() == "default";
    let (before, after) = (old.get("constraints"), new.get("constraints"));
    let keys = [before, after].into_iter().flatten().filter_map(Value::as_object).flat_map(Map::keys);
    for key in keys.collect::<BTreeSet<_>>() {
        let side = |constraints: Option<&Value>| constraints.and_then(|constraints| get(constraints, key)).cloned();
        let (before, after) = (side(before), side(after));
        if let Some(turn) = limit::turn(key, before.as_ref(), after.as_ref(), after_kind(old, new), plain) {
            let (verdict, edit) = constraint(turn, key, before, after);
            add(verdict, edit);
        }
    }
    let (before, after) = (categories(old), categories(new));
    if let Some(turn) = limit::turn("enum", before.as_ref(), after.as_ref(), "any", true) {
        let (verdict, edit) = constraint(turn, "categories", before, after);
        add(verdict, edit);
    } else if old.get("categories") != new.get("categories") {
        add(Verdict::Compatible, SchemaEdit::NoteChanged { property: "categories".to_owned() });
    }
    if !(old.inherits() && new.inherits())
        && let Some((verdict, edit)) = missing_change(&old.missing(), &new.missing(), || new.required())
    {
        add(verdict, edit);
    }
    if let (Some(old), Some(new)) = (old.field.as_object(), new.field.as_object()) {
        for property in differing(old, new, |key| JUDGED.contains(&key)) {
            add(Verdict::Compatible, SchemaEdit::NoteChanged { property });
        }
    }
}

/// Returns the type by which bounds are compared, if both sides agree on it.
fn after_kind<'f>(old: &Field<'f>, new: &Field<'f>) -> &'f str {
    let numeric = |kind| matches!(kind, "integer" | "number" | "year");
    if old.kind() == new.kind() || (numeric(old.kind()) && numeric(new.kind())) { new.kind() } else { "any" }
}

fn constraint(turn: Direction, name: &str, old: Option<Value>, new: Option<Value>) -> (Verdict, SchemaEdit) {
    let constraint = Constraint { constraint: name.to_owned(), old, new };
    match turn {
        Direction::Tightened => (Verdict::Breaking, SchemaEdit::ConstraintTightened(constraint)),
        Direction::Loosened => (Verdict::Widening, SchemaEdit::ConstraintLoosened(constraint)),
        Direction::Changed => (Verdict::Breaking, SchemaEdit::ConstraintChanged(constraint)),
    }
}

/// Returns the verdict on a type change: widening if every text of the old type is valid for the new one.
fn widening(old: &str, old_format: &str, new: &str, new_format: &str) -> Verdict {
    let wider = match (old, new) {
        (_, "string") => new_format == "default",
        (_, "any") | ("integer" | "year", "number") | ("year", "integer") | ("geojson", "object") => true,
        ("geopoint", "array" | "object") => old_format == new,
        _ => false,
    };
    if wider { Verdict::Widening } else { Verdict::Breaking }
}

/// Returns the differing properties of the text representation, each with its verdict for the new type.
fn forms(old: &Field<'_>, new: &Field<'_>) -> Vec<(&'static str, Verdict)> {
    let judge = |wider| if wider { Verdict::Widening } else { Verdict::Breaking };
    let mut found = Vec::new();
    let (before, after) = (old.format(), new.format());
    if before != after {
        let wider = match new.kind() {
            "string" => after == "default",
            "date" | "time" | "datetime" => after == "any",
            _ => false,
        };
        found.push(("format", judge(wider)));
    }
    for (property, default) in [("decimalChar", "."), ("delimiter", ",")] {
        if old.text(property, default) != new.text(property, default) {
            found.push((property, Verdict::Breaking));
        }
    }
    if old.get("groupChar") != new.get("groupChar") {
        found.push(("groupChar", judge(old.get("groupChar").is_none())));
    }
    let bare = |field: &Field<'_>| field.get("bareNumber") != Some(&Value::Bool(false));
    if bare(old) != bare(new) {
        found.push(("bareNumber", judge(bare(old))));
    }
    for (property, default) in
        [("trueValues", ["true", "True", "TRUE", "1"]), ("falseValues", ["false", "False", "FALSE", "0"])]
    {
        let list = |field: &Field<'_>| -> Vec<Value> {
            let said = field.get(property).and_then(Value::as_array);
            said.cloned().unwrap_or_else(|| default.map(Value::from).to_vec())
        };
        if let Some(turn) = limit::lists(&list(old), &list(new)) {
            found.push((property, judge(turn == Direction::Loosened)));
        }
    }
    let (before, after) = (old.text("itemType", "string"), new.text("itemType", "string"));
    if before != after {
        found.push(("itemType", widening(before, "default", after, "default")));
    }
    found
}

/// Returns the values of the categories.
fn categories(field: &Field<'_>) -> Option<Value> {
    let list = field.get("categories")?.as_array()?;
    let value = |category: &Value| match category {
        Value::Object(category) => category.get("value").cloned().unwrap_or_default(),
        value => value.clone(),
    };
    Some(list.iter().map(value).collect())
}

/// Returns the missing values of a schema or a field, sorted; `None` if it does not define any.
fn missing_values(owner: &Map<String, Value>) -> Option<Vec<String>> {
    let list = member(owner, "missingValues")?.as_array()?;
    let text = |value: &Value| value.as_str().or_else(|| get(value, "value")?.as_str()).map(str::to_owned);
    let values: BTreeSet<String> = list.iter().filter_map(text).collect();
    Some(values.into_iter().collect())
}

/// Compares missing values; `strict` tells whether a value is required.
pub(super) fn missing_change(
    old: &[String],
    new: &[String],
    strict: impl FnOnce() -> bool,
) -> Option<(Verdict, SchemaEdit)> {
    if old == new {
        return None;
    }
    let known: HashSet<&String> = new.iter().collect();
    let fewer = old.iter().any(|value| !known.contains(value));
    let verdict = if fewer || strict() { Verdict::Breaking } else { Verdict::Widening };
    Some((verdict, SchemaEdit::MissingValues { old: old.to_vec(), new: new.to_vec() }))
}

/// Returns the names of the differing properties, except those in `skip`.
pub(super) fn differing(
    old: &Map<String, Value>,
    new: &Map<String, Value>,
    skip: impl Fn(&str) -> bool,
) -> Vec<String> {
    let keys: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    let differs = |key: &&String| !skip(key) && member(old, key) != member(new, key);
    keys.into_iter().filter(differs).cloned().collect()
}
