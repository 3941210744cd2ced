//! The columns of a row diff: which columns of two tables belong together, the key, and the columns of the result.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use serde_json::{Map, Value};
use tables_wire::{Column, ColumnChange, DiffColumn, KeySource};

use super::compared::Form;
use super::side::Side;
use crate::error::{Error, Result, shortened};
use crate::infer::{MAX_COLUMNS, too_wide};

/// How many names of columns a message lists.
const LISTED: usize = 20;

/// Maximum length of a name in a message, in characters.
const SHOWN: usize = 60;

/// The names of the columns of every result.
const FIXED: [&str; 3] = ["change", "from_row", "to_row"];

/// A column that both tables have.
#[derive(Debug, Clone)]
pub(super) struct Common {
    /// The position in the older table, and in the newer one.
    pub(super) from: usize,
    pub(super) to: usize,
    /// The position in [`Columns::described`].
    pub(super) described: usize,
    /// How values are compared.
    pub(super) form: Form,
}

impl Common {
    /// Returns the position in one of the tables.
    pub(super) fn position(&self, which: Which) -> usize {
        if which == Which::From { self.from } else { self.to }
    }
}

/// One of the tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Which {
    From,
    To,
}

/// The columns of a row diff.
#[derive(Debug)]
pub(super) struct Columns {
    /// The columns of both tables: those of the newer one, then those that were removed.
    pub(super) described: Vec<DiffColumn>,
    /// Where each value column of the result comes from.
    pub(super) values: Vec<Origin>,
    /// The columns that both tables have: those of the key, in its order, then the others.
    pub(super) common: Vec<Common>,
    /// Number of columns of the key; 0 without one.
    pub(super) keys: usize,
    pub(super) key_source: KeySource,
    /// The types and columns of the result.
    pub(super) schema: SchemaRef,
    pub(super) result: Vec<Column>,
}

/// The table and position of a value column of the result.
pub(super) type Origin = (Which, usize);

impl Columns {
    /// Decides which columns are compared, and how. `declared` is what the resource of the newer table declares.
    ///
    /// # Errors
    /// Invalid for an unknown column of the requested key; limit for too many columns.
    pub(super) fn new(from: &Side, to: &Side, key: Option<&[String]>, declared: &Map<String, Value>) -> Result<Self> {
        let mut places: HashMap<(&str, usize), usize> = HashMap::new();
        for (place, (name, nth)) in numbered(&from.columns).enumerate() {
            places.insert((name, nth), place);
        }
        let mut described = Vec::new();
        let mut values = Vec::new();
        let mut common = Vec::new();
        for (place, (name, nth)) in numbered(&to.columns).enumerate() {
            let column = &to.columns[place];
            let mut entry = DiffColumn {
                name: name.to_owned(),
                change: ColumnChange::Added,
                from_type: None,
                to_type: Some(column.r#type.clone()),
                from: None,
                to: Some(format!("to_{name}")),
                changed_cells: 0,
            };
            if let Some(older) = places.remove(&(name, nth)) {
                let other = &from.columns[older];
                let is_same = (&other.r#type, &other.format) == (&column.r#type, &column.format);
                entry.change = if is_same { ColumnChange::None } else { ColumnChange::Retyped };
                entry.from_type = Some(other.r#type.clone());
                entry.from = Some(format!("from_{name}"));
                let [one, other] = [from.schema.field(older), to.schema.field(place)].map(Field::data_type);
                let form = Form::of(one, other);
                common.push(Common { from: older, to: place, described: described.len(), form });
                values.push((Which::From, older));
            }
            values.push((Which::To, place));
            described.push(entry);
        }
        let mut removed: Vec<usize> = places.into_values().collect();
        removed.sort_unstable();
        for place in removed {
            let column = &from.columns[place];
            described.push(DiffColumn {
                name: column.name.clone(),
                change: ColumnChange::Removed,
                from_type: Some(column.r#type.clone()),
                to_type: None,
                from: Some(format!("from_{}", column.name)),
                to: None,
                changed_cells: 0,
            });
            values.push((Which::From, place));
        }
        if FIXED.len() + values.len() > 2 * MAX_COLUMNS {
            return Err(too_wide());
        }
        make_unique(&mut described);
        let (keys, key_source) = sort_by_key(&mut common, &described, key, declared)?;
        let (schema, result) = result_columns(from, to, &described, &values);
        Ok(Self { described, values, common, keys, key_source, schema, result })
    }

    /// Returns the positions of the common columns in one of the tables.
    pub(super) fn positions(&self, which: Which) -> Vec<usize> {
        self.common.iter().map(|common| common.position(which)).collect()
    }

    /// Returns the names of the key's columns.
    pub(super) fn key(&self) -> Vec<String> {
        self.common[..self.keys].iter().map(|common| self.described[common.described].name.clone()).collect()
    }
}

/// Returns the name of each column, and how many columns before it have the same name.
fn numbered(columns: &[Column]) -> impl Iterator<Item = (&str, usize)> {
    let mut seen: HashMap<&str, usize> = HashMap::new();
    columns.iter().map(move |column| {
        let count = seen.entry(&column.name).or_default();
        *count += 1;
        (column.name.as_str(), *count - 1)
    })
}

/// Appends `_` to names of columns of the result that are not unique.
fn make_unique(described: &mut [DiffColumn]) {
    let mut taken: HashSet<String> = FIXED.map(str::to_owned).into();
    // Names as they are have precedence over those that were changed.
    let wanted: Vec<String> =
        described.iter().flat_map(|column| [&column.from, &column.to]).flatten().cloned().collect();
    let mut counts: HashMap<&str, usize> = HashMap::new();
    for name in &wanted {
        *counts.entry(name).or_default() += 1;
    }
    taken.extend(counts.iter().filter(|(_, count)| **count == 1).map(|(name, _)| (*name).to_owned()));
    // How many `_` the last column of a name got, so that many columns of one name are not tried again.
    let mut appended: HashMap<String, usize> = HashMap::new();
    for column in described {
        for name in [&mut column.from, &mut column.to].into_iter().flatten() {
            let is_fixed = FIXED.contains(&name.as_str());
            if counts.get(name.as_str()) == Some(&1) && !is_fixed {
                continue;
            }
            let last = appended.entry(name.clone()).or_insert(0);
            let mut unique = format!("{name}{}", "_".repeat(*last));
            while !taken.insert(unique.clone()) {
                unique.push('_');
            }
            *last = unique.len() - name.len();
            *name = unique;
        }
    }
}

/// Moves the columns of the key to the front. Returns how many there are, and where the key comes from.
fn sort_by_key(
    common: &mut [Common],
    described: &[DiffColumn],
    key: Option<&[String]>,
    declared: &Map<String, Value>,
) -> Result<(usize, KeySource)> {
    let (names, source) = match key {
        Some(names) => (names.to_vec(), KeySource::Request),
        None => (primary_key(declared), KeySource::PrimaryKey),
    };
    let mut keys = 0;
    for name in &names {
        let is_wanted = |common: &Common| described[common.described].name == *name;
        if common[..keys].iter().any(is_wanted) {
            continue;
        }
        let Some(place) = common[keys..].iter().position(is_wanted) else {
            if source == KeySource::PrimaryKey {
                return Ok((0, KeySource::None));
            }
            return Err(unknown_key(name, common, described));
        };
        common[keys..=keys + place].rotate_right(1);
        keys += 1;
    }
    if keys == 0 {
        return Ok((0, KeySource::None));
    }
    // The others stay in the order of the newer table.
    common[keys..].sort_by_key(|common| common.described);
    Ok((keys, source))
}

/// Returns the primary key of a declared schema: a string, or a list of them.
fn primary_key(declared: &Map<String, Value>) -> Vec<String> {
    let key = declared.get("schema").and_then(|schema| schema.get("primaryKey"));
    let text = |value: &Value| value.as_str().map(str::to_owned);
    match key {
        Some(Value::Array(names)) => names.iter().map(text).collect::<Option<_>>().unwrap_or_default(),
        Some(name) => text(name).into_iter().collect(),
        None => Vec::new(),
    }
}

fn unknown_key(name: &str, common: &[Common], described: &[DiffColumn]) -> Error {
    let quoted = |name: &str| format!("\"{}\"", shortened(name, SHOWN));
    let mut names: Vec<(usize, String)> =
        common.iter().map(|common| (common.described, quoted(&described[common.described].name))).collect();
    names.sort_unstable();
    let more = if names.len() > LISTED { ", …" } else { "" };
    let names: Vec<String> = names.into_iter().take(LISTED).map(|(_, name)| name).collect();
    let there_are = if names.is_empty() {
        "the tables have no column in common".to_owned()
    } else {
        format!("both tables have {}{more}", names.join(", "))
    };
    let name_shown = quoted(name);
    let problem = match described.iter().find(|column| column.name == name).map(|column| column.change) {
        Some(ColumnChange::Added) => format!("the older table does not have the key column {name_shown}"),
        Some(ColumnChange::Removed) => format!("the newer table does not have the key column {name_shown}"),
        _ => format!("unknown key column {name_shown}"),
    };
    Error::invalid(format!("{problem}; {there_are}"))
}

/// Returns the types and columns of the result.
fn result_columns(from: &Side, to: &Side, described: &[DiffColumn], values: &[Origin]) -> (SchemaRef, Vec<Column>) {
    let plain = |name: &str, r#type: &str| Column { name: name.to_owned(), r#type: r#type.to_owned(), format: None };
    let [change, from_row, to_row] = FIXED;
    let mut fields = vec![
        Field::new(change, DataType::Utf8, false),
        Field::new(from_row, DataType::Int64, true),
        Field::new(to_row, DataType::Int64, true),
    ];
    let mut result = vec![plain(change, "string"), plain(from_row, "integer"), plain(to_row, "integer")];
    let names = described.iter().flat_map(|column| [&column.from, &column.to]).flatten();
    for ((which, place), name) in values.iter().zip(names) {
        let (side, place) = (if *which == Which::From { from } else { to }, *place);
        fields.push(side.schema.field(place).clone().with_name(name).with_nullable(true));
        result.push(Column { name: name.clone(), ..side.columns[place].clone() });
    }
    (Arc::new(Schema::new(fields)), result)
}
