//! Validation of Table Schemas and table dialects.

use std::collections::HashSet;

use serde_json::{Map, Value};

use super::{Checker, Edition};
use crate::{
    get, member,
    text::{JsonPointer, quoted, shown},
};

/// The field types of both versions.
const TYPES: [&str; 16] = [
    "string",
    "number",
    "integer",
    "boolean",
    "object",
    "array",
    "list",
    "datetime",
    "date",
    "time",
    "year",
    "yearmonth",
    "duration",
    "geopoint",
    "geojson",
    "any",
];

/// The item types of a list. One of them is misspelt in the standard.
const ITEM_TYPES: [&str; 7] = ["string", "integer", "boolean", "number", "datetime", "date", "time"];

const FIELD_TEXTS: [&str; 7] = ["title", "description", "format", "rdfType", "decimalChar", "groupChar", "delimiter"];

/// The expected type of a property.
#[derive(Debug, Clone, Copy)]
enum KeyForm {
    Text,
    Bool,
    Count,
    Bound,
    Object,
    List,
    Counts,
}

const CONSTRAINTS: [(&str, KeyForm); 11] = [
    ("required", KeyForm::Bool),
    ("unique", KeyForm::Bool),
    ("minLength", KeyForm::Count),
    ("maxLength", KeyForm::Count),
    ("minimum", KeyForm::Bound),
    ("maximum", KeyForm::Bound),
    ("exclusiveMinimum", KeyForm::Bound),
    ("exclusiveMaximum", KeyForm::Bound),
    ("jsonSchema", KeyForm::Object),
    ("pattern", KeyForm::Text),
    ("enum", KeyForm::List),
];

const DIALECT: [(&str, KeyForm); 18] = [
    ("$schema", KeyForm::Text),
    ("header", KeyForm::Bool),
    ("headerRows", KeyForm::Counts),
    ("headerJoin", KeyForm::Text),
    ("commentRows", KeyForm::Counts),
    ("commentChar", KeyForm::Text),
    ("delimiter", KeyForm::Text),
    ("lineTerminator", KeyForm::Text),
    ("quoteChar", KeyForm::Text),
    ("doubleQuote", KeyForm::Bool),
    ("escapeChar", KeyForm::Text),
    ("nullSequence", KeyForm::Text),
    ("skipInitialSpace", KeyForm::Bool),
    ("caseSensitiveHeader", KeyForm::Bool),
    ("property", KeyForm::Text),
    ("itemType", KeyForm::Text),
    ("itemKeys", KeyForm::List),
    ("table", KeyForm::Text),
];

impl KeyForm {
    fn fits(self, value: &Value) -> bool {
        match self {
            Self::Text => value.is_string(),
            Self::Bool => value.is_boolean(),
            Self::Count => value.is_u64(),
            Self::Bound => value.is_number() || value.is_string(),
            Self::Object => value.is_object(),
            Self::List => value.is_array(),
            Self::Counts => value.as_array().is_some_and(|list| list.iter().all(Value::is_u64)),
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Bool => "a boolean (true or false)",
            Self::Count => "a non-negative integer",
            Self::Bound => "a number, or a value of the field as a string",
            Self::Object => "an object",
            Self::List => "a list",
            Self::Counts => "a list of non-negative integers",
        }
    }
}

/// Returns the names of the fields of a resource; `None` if its schema is not inline.
pub(super) fn field_names(resource: &Value) -> Option<HashSet<&str>> {
    let fields = get(get(resource, "schema")?, "fields")?.as_array()?;
    Some(fields.iter().filter_map(|field| get(field, "name")?.as_str()).collect())
}

impl<'v> Checker<'v> {
    pub(super) fn dialect(&mut self, place: JsonPointer<'_>, dialect: &'v Map<String, Value>) {
        self.forms(place, dialect, &DIALECT);
    }

    pub(super) fn schema(&mut self, place: JsonPointer<'_>, schema: &'v Map<String, Value>) {
        self.texts(place, schema, &["$schema"]);
        let at = place.key("fields");
        let mut names = HashSet::new();
        let fields = member(schema, "fields");
        if fields.is_none() {
            self.problems.add(at, "a schema requires a list of fields");
        }
        for (index, field) in self.list(at, fields).iter().enumerate() {
            if self.problems.full() {
                return;
            }
            let at = at.index(index);
            let Some(field) = self.object(at, field) else { continue };
            match member(field, "name") {
                Some(Value::String(name)) => {
                    if !names.insert(name.as_str()) && self.edition != Edition::First {
                        let message = format!("another field is also called {}; names must be unique", quoted(name));
                        self.problems.add(at.key("name"), message);
                    }
                }
                Some(other) => self.problems.add(at.key("name"), format!("expected a string, not {}", shown(other))),
                None => self.problems.add(at, "a field requires a \"name\""),
            }
            self.field(at, field);
        }
        self.missing_values(place, schema);
        let modes = ["exact", "equal", "subset", "superset", "partial"];
        // The text of the standard has a string here, its profile a list.
        let matching = member(schema, "fieldsMatch");
        let matching = matching.and_then(Value::as_array).and_then(|list| list.first()).or(matching);
        if let Some(mode) = matching
            && !mode.as_str().is_some_and(|mode| modes.contains(&mode))
        {
            let message = format!("expected one of {}, not {}", modes.join(", "), shown(mode));
            self.problems.add(place.key("fieldsMatch"), message);
        }
        if let Some(key) = member(schema, "primaryKey") {
            self.key(place.key("primaryKey"), key, Some(&names), true);
        }
        let at = place.key("uniqueKeys");
        for (index, key) in self.list(at, member(schema, "uniqueKeys")).iter().enumerate() {
            self.key(at.index(index), key, Some(&names), false);
        }
        let at = place.key("foreignKeys");
        for (index, key) in self.list(at, member(schema, "foreignKeys")).iter().enumerate() {
            if self.problems.full() {
                return;
            }
            if let Some(key) = self.object(at.index(index), key) {
                self.foreign_key(at.index(index), key, &names);
            }
        }
    }

    fn field(&mut self, place: JsonPointer<'_>, field: &'v Map<String, Value>) {
        self.texts(place, field, &FIELD_TEXTS);
        for (key, known) in [("type", &TYPES[..]), ("itemType", &ITEM_TYPES)] {
            if let Some(kind) = member(field, key)
                && !kind.as_str().is_some_and(|kind| known.contains(&kind))
            {
                let message = format!("expected one of {}, not {}", known.join(", "), shown(kind));
                self.problems.add(place.key(key), message);
            }
        }
        self.forms(place, field, &[("bareNumber", KeyForm::Bool), ("categoriesOrdered", KeyForm::Bool)]);
        for key in ["trueValues", "falseValues"] {
            self.list_of_texts(place.key(key), member(field, key));
        }
        self.missing_values(place, field);
        self.categories(place, field);
        let at = place.key("constraints");
        let Some(constraints) = member(field, "constraints") else { return };
        let Some(constraints) = self.object(at, constraints) else { return };
        self.forms(at, constraints, &CONSTRAINTS);
        if let Some(Value::Array(values)) = member(constraints, "enum")
            && values.is_empty()
        {
            self.problems.add(at.key("enum"), "the list is empty, so no value would be valid");
        }
        if member(field, "type").is_none() {
            for key in ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"] {
                if member(constraints, key).is_some() {
                    self.problems.add(at.key(key), "a field with a minimum or maximum requires a \"type\"");
                }
            }
        }
    }

    /// Checks `categories`: values, or objects with a `value` and optionally a `label`, without duplicates.
    fn categories(&mut self, place: JsonPointer<'_>, field: &'v Map<String, Value>) {
        let at = place.key("categories");
        let (mut values, mut labels) = (HashSet::new(), HashSet::new());
        for (index, category) in self.list(at, member(field, "categories")).iter().enumerate() {
            if self.problems.full() {
                return;
            }
            let at = at.index(index);
            let mut value = category;
            if let Value::Object(category) = category {
                let Some(found) = member(category, "value") else {
                    self.problems.add(at, "a category that is an object requires a \"value\"");
                    continue;
                };
                value = found;
                self.texts(at, category, &["label"]);
                if !member(category, "label").is_none_or(|label| labels.insert(label)) {
                    self.problems.add(at.key("label"), "duplicate label");
                }
            }
            if !values.insert(value) {
                self.problems.add(at, format!("{} occurs twice", shown(value)));
            }
        }
    }

    /// Checks the `missingValues` of a schema or a field: strings, or objects with a `value`, without duplicates.
    fn missing_values(&mut self, place: JsonPointer<'_>, owner: &'v Map<String, Value>) {
        let at = place.key("missingValues");
        let mut seen = HashSet::new();
        for (index, missing) in self.list(at, member(owner, "missingValues")).iter().enumerate() {
            if self.problems.full() {
                return;
            }
            let at = at.index(index);
            let value = match missing {
                Value::Object(object) => {
                    self.texts(at, object, &["label"]);
                    member(object, "value")
                }
                value => Some(value),
            };
            match value.and_then(Value::as_str) {
                None => {
                    let message = "expected a string, or an object whose \"value\" is a string; also for numbers, such as \"-99\"";
                    self.problems.add(at, message);
                }
                Some(value) if !seen.insert(value) => {
                    self.problems.add(at, format!("{} occurs twice", quoted(value)));
                }
                Some(_) => {}
            }
        }
    }

    /// Checks a list of fields, or if `lone` is set a single field, each of which must be in `names` if those
    /// are known. Returns the number of fields.
    fn key(
        &mut self,
        place: JsonPointer<'_>,
        key: &'v Value,
        names: Option<&HashSet<&str>>,
        lone: bool,
    ) -> Option<usize> {
        let list = match key {
            Value::Array(list) => list.as_slice(),
            Value::String(_) if lone => return self.named(place, key, names).then_some(1),
            other => {
                self.problems.add(place, format!("expected a list of field names, not {}", shown(other)));
                return None;
            }
        };
        if list.is_empty() {
            self.problems.add(place, "the list is empty; expected at least one field name");
        }
        let mut seen = HashSet::new();
        for (index, name) in list.iter().enumerate() {
            if self.problems.full() {
                return None;
            }
            if self.named(place.index(index), name, names) && !seen.insert(name.as_str()) {
                self.problems.add(place.index(index), format!("{} occurs twice", shown(name)));
            }
        }
        Some(list.len())
    }

    fn named(&mut self, place: JsonPointer<'_>, name: &Value, names: Option<&HashSet<&str>>) -> bool {
        let Value::String(name) = name else {
            self.problems.add(place, format!("expected the name of a field, not {}", shown(name)));
            return false;
        };
        let known = names.is_none_or(|names| names.contains(name.as_str()));
        if !known {
            self.problems.add(place, format!("there is no field {}", quoted(name)));
        }
        known
    }

    fn foreign_key(&mut self, place: JsonPointer<'_>, key: &'v Map<String, Value>, names: &HashSet<&'v str>) {
        let mut own = None;
        match member(key, "fields") {
            Some(fields) => own = self.key(place.key("fields"), fields, Some(names), true),
            None => self.problems.add(place, "a foreign key requires \"fields\""),
        }
        let at = place.key("reference");
        let Some(reference) = member(key, "reference") else {
            return self.problems.add(place, "a foreign key requires a \"reference\"");
        };
        let Some(reference) = self.object(at, reference) else { return };
        self.texts(at, reference, &["resource", "package"]);
        let resource = member(reference, "resource").and_then(Value::as_str).unwrap_or_default();
        // The field names are moved out, since the checker is borrowed mutably while they are used.
        let elsewhere = member(reference, "package").is_some();
        let target = if elsewhere || resource.is_empty() { None } else { self.tables.remove_entry(resource) };
        let known = match &target {
            _ if elsewhere => None,
            None if resource.is_empty() => Some(names),
            None => {
                self.problems.add(at.key("resource"), format!("there is no resource {}", quoted(resource)));
                None
            }
            Some((_, fields)) => fields.as_ref(),
        };
        match member(reference, "fields") {
            Some(fields) => {
                let theirs = self.key(at.key("fields"), fields, known, true);
                if let (Some(own), Some(theirs)) = (own, theirs)
                    && own != theirs
                {
                    let message = format!("expected as many fields as in the key ({own}), not {theirs}");
                    self.problems.add(at.key("fields"), message);
                }
            }
            None => self.problems.add(at, "a reference requires \"fields\""),
        }
        self.tables.extend(target);
    }

    fn forms(&mut self, place: JsonPointer<'_>, object: &'v Map<String, Value>, forms: &[(&str, KeyForm)]) {
        for (key, form) in forms {
            if let Some(value) = member(object, key)
                && !form.fits(value)
            {
                self.problems.add(place.key(key), format!("expected {}, not {}", form.name(), shown(value)));
            }
        }
    }
}
