//! Columns of a text table: those of its files, with what the resource declares.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use arrow::datatypes::{Field, Fields, Schema, SchemaRef};
use serde::Deserialize as _;
use serde_json::{Map, Value, json};
use tables_wire::Column;

use super::cell::{CellRules, Kind, texts};
use super::file::TextFile;
use super::json;
use super::known::Known;
use crate::error::{Error, Result};
use crate::infer::{MAX_COLUMNS, Shape, too_wide, unique_names};
use crate::rows::Rows;

/// The columns of a text table, by which its cells are converted.
pub(crate) struct TextTable {
    pub(crate) columns: Vec<TextColumn>,
    pub(crate) schema: SchemaRef,
    /// The Table Schema.
    pub(crate) description: Map<String, Value>,
    is_json: bool,
}

/// A column of a text table.
pub(crate) struct TextColumn {
    pub(crate) column: Column,
    pub(crate) rules: CellRules,
}

/// A field of the schema, as it was inferred.
struct Inferred {
    field: Map<String, Value>,
    missing: Option<Value>,
    shape: Option<Value>,
}

impl TextTable {
    /// Merges the columns of files, which were examined, with the declared schema.
    ///
    /// # Errors
    /// Invalid if the files have different columns, or if the declared schema is malformed; limit for too many columns.
    pub(crate) fn new(files: &[(&TextFile, &Arc<Known>)], declared: &Map<String, Value>) -> Result<Self> {
        let is_json = files.first().is_some_and(|(file, _)| file.is_json());
        let mut fields: Vec<Inferred> = Vec::new();
        for (number, (file, known)) in files.iter().enumerate() {
            let found = inferred_fields(known);
            if number == 0 {
                fields = found;
            } else if is_json {
                unite(&mut fields, found);
            } else {
                check_names(file, known, fields.iter().map(|one| name(&one.field)))?;
                for (one, other) in fields.iter_mut().zip(found) {
                    one.widen(&other);
                }
            }
        }
        let schema = match declared.get("schema") {
            Some(Value::Object(schema)) => Some(schema),
            Some(Value::Null) | None => None,
            Some(_) => return Err(Error::invalid("the property `schema` of the resource must be an object")),
        };
        let has_names = is_json || files.iter().any(|(_, known)| has_header(known));
        let missing = schema.and_then(|schema| schema.get("missingValues"));
        let fields = with_declared(fields, schema, has_names, is_json)?;
        if fields.len() > MAX_COLUMNS {
            return Err(too_wide());
        }
        let known = files.first().map(|(_, known)| *known);
        let dialect = known.and_then(|known| known.dialect.as_ref());
        let column = |(field, shape): &Declared| {
            let default = if is_json { Vec::new() } else { vec![String::new()] };
            let missing = missing.and_then(texts).unwrap_or(default);
            let mut rules = CellRules::of(field, &missing, is_json)?;
            rules = rules.skipping_space(dialect.is_some_and(|dialect| dialect.skips_space));
            if let Some(null) = dialect.and_then(|dialect| dialect.null.as_ref()) {
                rules.add_missing(null);
            }
            if let Some(shape) = shape.as_ref().and_then(|shape| Shape::deserialize(shape).ok()) {
                rules.kind = Kind::Nested(shape.data_type());
            }
            let r#type = field.get("type").and_then(Value::as_str).unwrap_or("any").to_owned();
            // Other values are returned in ISO 8601, whatever their format in the file.
            let format = field.get("format").and_then(Value::as_str).filter(|format| *format != "default");
            let format = format.filter(|_| matches!(rules.kind, Kind::Text | Kind::Json)).map(str::to_owned);
            Ok(TextColumn { column: Column { name: name(field).to_owned(), r#type, format }, rules })
        };
        let columns = fields.iter().map(column).collect::<Result<Vec<_>>>()?;
        let arrow = columns.iter().map(|column| Field::new(&column.column.name, column.rules.data_type(), true));
        let mut description = schema.cloned().unwrap_or_default();
        description.insert("fields".to_owned(), fields.into_iter().map(|(field, _)| Value::Object(field)).collect());
        Ok(Self { schema: Arc::new(Schema::new(arrow.collect::<Fields>())), columns, description, is_json })
    }

    /// Checks that a file that is examined late has the columns of the table.
    ///
    /// # Errors
    /// Invalid if it has others.
    pub(crate) fn check(&self, file: &TextFile, known: &Known) -> Result<()> {
        if self.is_json || !has_header(known) {
            return Ok(());
        }
        check_names(file, known, self.columns.iter().map(|column| column.column.name.as_str()))
    }

    /// Returns the cells of rows; of JSON lines the values of the columns that are needed, by their position.
    pub(crate) fn cells(&self, rows: Rows, range: Range<usize>, needed: &[usize]) -> Result<(Rows, Range<usize>)> {
        if !self.is_json {
            return Ok((rows, range));
        }
        let name = |index: &usize| self.columns.get(*index).map(|column| column.column.name.as_str());
        let names: HashMap<&str, usize> =
            needed.iter().enumerate().filter_map(|(place, index)| Some((name(index)?, place))).collect();
        let cells = json::cells(&rows, range, &names)?;
        let length = cells.len();
        Ok((cells, 0..length))
    }

    /// Returns the position of the cells of a column in what [`TextTable::cells`] returns.
    pub(crate) fn place(&self, needed: &[usize], at: usize) -> usize {
        if self.is_json { at } else { needed[at] }
    }

    /// Returns true for JSON lines.
    pub(crate) fn is_json(&self) -> bool {
        self.is_json
    }
}

/// Returns the name of a field.
fn name(field: &Map<String, Value>) -> &str {
    field.get("name").and_then(Value::as_str).unwrap_or_default()
}

fn has_header(known: &Known) -> bool {
    known.dialect.as_ref().is_some_and(|dialect| !dialect.header_rows.is_empty())
}

fn inferred_fields(known: &Known) -> Vec<Inferred> {
    let schema = &known.inferred.schema;
    let fields = schema.get("fields").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_object);
    let inferred = |field: &Map<String, Value>| Inferred {
        field: field.clone(),
        missing: field.get("missingValues").or_else(|| schema.get("missingValues")).cloned(),
        shape: known.inferred.nested.get(name(field)).cloned(),
    };
    fields.map(inferred).collect()
}

impl Inferred {
    /// Widens the type so that it has the values of another file, too.
    fn widen(&mut self, other: &Self) {
        let same = |key: &str| self.field.get(key) == other.field.get(key);
        if !(same("type") && same("format") && same("decimalChar")) {
            let is_number = |field: &Map<String, Value>| {
                ["integer", "number"].map(Value::from).contains(&field["type"]) && !field.contains_key("decimalChar")
            };
            let r#type = if is_number(&self.field) && is_number(&other.field) { "number" } else { "string" };
            self.field =
                Map::from_iter([("name".to_owned(), json!(name(&self.field))), ("type".to_owned(), json!(r#type))]);
        }
        let list = |missing: &Option<Value>| missing.as_ref().and_then(texts).unwrap_or_default();
        let mut missing = list(&self.missing);
        missing.extend(list(&other.missing));
        missing.push(String::new());
        missing.sort_unstable();
        missing.dedup();
        self.missing = (missing.len() > 1).then(|| json!(missing));
        if self.shape != other.shape {
            self.shape = None;
        }
    }
}

/// Adds the fields of another file of JSON lines.
fn unite(fields: &mut Vec<Inferred>, others: Vec<Inferred>) {
    let places: HashMap<String, usize> =
        fields.iter().enumerate().map(|(place, one)| (name(&one.field).to_owned(), place)).collect();
    for other in others {
        let Some(place) = places.get(name(&other.field)) else {
            fields.push(other);
            continue;
        };
        let one = &mut fields[*place];
        let is_text = |field: &Map<String, Value>| field["type"] == "string";
        if one.field["type"] != other.field["type"] && !(is_text(&one.field) && is_text(&other.field)) {
            one.widen(&other);
            if one.field["type"] == "string" {
                one.field.insert("type".to_owned(), json!("any"));
            }
        } else {
            one.widen(&other);
        }
        one.missing = None;
    }
}

fn check_names<'n>(file: &TextFile, known: &Known, names: impl Iterator<Item = &'n str>) -> Result<()> {
    let found = inferred_fields(known);
    let found: Vec<&str> = found.iter().map(|one| name(&one.field)).collect();
    let names: Vec<&str> = names.collect();
    if found == names || !has_header(known) {
        return Ok(());
    }
    let place = found.iter().zip(&names).position(|(one, other)| one != other);
    let why = match place {
        Some(place) => format!("column {} is {:?} instead of {:?}", place + 1, found[place], names[place]),
        None => format!("it has {} columns instead of {}", found.len(), names.len()),
    };
    Err(Error::invalid(format!("the files of the table have different columns: {why}")).in_file(file.name()))
}

/// A field of the schema, and the structure of its values if they are nested.
type Declared = (Map<String, Value>, Option<Value>);

/// Replaces inferred fields by declared ones: by name, or by position in a table without names.
fn with_declared(
    inferred: Vec<Inferred>,
    schema: Option<&Map<String, Value>>,
    has_names: bool,
    is_json: bool,
) -> Result<Vec<Declared>> {
    let declared: Vec<&Map<String, Value>> = match schema.and_then(|schema| schema.get("fields")) {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::Array(fields)) if fields.iter().all(Value::is_object) => {
            fields.iter().filter_map(Value::as_object).collect()
        }
        Some(_) => return Err(Error::invalid("the property `fields` of the schema must be a list of objects")),
    };
    if declared.len() > MAX_COLUMNS {
        return Err(too_wide());
    }
    let by_name: HashMap<&str, &Map<String, Value>> =
        declared.iter().rev().map(|field| (name(field), *field)).collect();
    let has_common = schema.is_some_and(|schema| schema.get("missingValues").is_some_and(Value::is_array));
    let count = inferred.len();
    let mut fields = Vec::new();
    let mut known = std::collections::HashSet::new();
    for (place, Inferred { mut field, missing, mut shape }) in inferred.into_iter().enumerate() {
        let own = if has_names { by_name.get(name(&field)).copied() } else { declared.get(place).copied() };
        let is_typed = own.is_some_and(|own| own.get("type").is_some_and(|value| !value.is_null()));
        if let Some(own) = own {
            if is_typed {
                let r#type = field.get("type").cloned();
                // A nested type is kept if the declaration agrees with it.
                shape = shape.filter(|_| r#type.as_ref() == own.get("type"));
                let name = field.get("name").cloned();
                field.clone_from(own);
                field.entry("name").or_insert_with(|| name.unwrap_or_default());
            } else {
                field.extend(
                    own.iter().filter(|(_, value)| !value.is_null()).map(|(key, value)| (key.clone(), value.clone())),
                );
            }
        }
        if !is_typed
            && !has_common
            && !field.contains_key("missingValues")
            && let Some(missing) = missing
        {
            field.insert("missingValues".to_owned(), missing);
        }
        known.insert(name(&field).to_owned());
        fields.push((field, shape));
    }
    // Columns that are not in the sample: further cells of rows without names, further fields of JSON lines.
    let rest = declared
        .iter()
        .enumerate()
        .filter(|(place, field)| if is_json { !known.contains(name(field)) } else { !has_names && *place >= count });
    fields.extend(rest.map(|(_, field)| ((*field).clone(), None)));
    if !has_names {
        let names = unique_names(fields.iter().map(|(field, _)| name(field).to_owned()));
        for ((field, _), name) in fields.iter_mut().zip(names) {
            field.insert("name".to_owned(), name.into());
        }
    }
    Ok(fields)
}
