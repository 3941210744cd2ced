//! Schema inference for JSON Lines: one object per line.

use std::collections::{BTreeSet, HashMap};
use std::fmt;

use serde::de::{IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value, json};

use super::type_inference::Column;
use super::{Inferred, MAX_COLUMNS, Sample, too_wide};
use crate::error::{Error, Result};
use crate::rows::{Splitter, all_rows};

/// Infers the schema of JSON Lines (jsonlines.org) from their beginning.
///
/// Fields are in the order of their first appearance. A value that is an object or a list gives the field that type,
/// values of several types give it the type `any`. Dates and times are recognised in strings. Null, or an absent field,
/// is a missing value.
///
/// # Errors
/// Invalid if a line is not a JSON object, or longer than the sample; limit beyond 10,000 fields.
pub(crate) fn json_lines(sample: Sample<'_>) -> Result<Inferred> {
    let limit = sample.rows.saturating_add(1);
    let lines = all_rows(&mut Splitter::lines(), sample.text, sample.is_all, limit)?;
    let rows = lines.len().min(sample.rows);
    let mut table = Table::default();
    for row in 0..rows {
        let line: Row = serde_json::from_str(lines.cell(row, 0).unwrap_or_default())
            .map_err(|error| Error::invalid(format!("row {} is not a JSON object: {error}", row + 1)))?;
        table.see(line)?;
    }
    if rows == 0 && sample.rows > 0 && !sample.is_all {
        return Err(Error::invalid("the first row is longer than the sample of 1 MiB"));
    }
    let is_complete = sample.is_all && lines.len() == rows;
    let schema = table.describe();
    let nested = super::nested::shapes(&lines, rows, &schema)?;
    Ok(Inferred { schema, dialect: None, nested, rows: rows as u64, is_complete })
}

#[derive(Default)]
struct Table {
    fields: Vec<(String, Field)>,
    places: HashMap<String, usize>,
}

/// The values of a field seen so far.
#[derive(Default)]
struct Field {
    /// The types that occurred, except strings.
    types: BTreeSet<&'static str>,
    texts: Option<Column>,
}

impl Table {
    fn see(&mut self, row: Row) -> Result<()> {
        for (name, kind) in row.0 {
            let place = match self.places.get(&name) {
                Some(place) => *place,
                None if self.fields.len() == MAX_COLUMNS => return Err(too_wide()),
                None => {
                    self.places.insert(name.clone(), self.fields.len());
                    self.fields.push((name, Field::default()));
                    self.fields.len() - 1
                }
            };
            let field = &mut self.fields[place].1;
            let name = match kind {
                Kind::Null => continue,
                Kind::Text(text) => {
                    field.texts.get_or_insert_with(Column::new).see_text(&text);
                    continue;
                }
                Kind::Boolean => "boolean",
                Kind::Integer => "integer",
                Kind::Number => "number",
                Kind::Object => "object",
                Kind::List => "array",
            };
            field.types.insert(name);
        }
        Ok(())
    }

    fn describe(self) -> Map<String, Value> {
        let fields: Vec<Value> = self.fields.into_iter().map(|(name, field)| field.describe(&name).into()).collect();
        Map::from_iter([("fields".to_owned(), fields.into())])
    }
}

impl Field {
    fn describe(&self, name: &str) -> Map<String, Value> {
        let mut properties = Map::from_iter([("name".to_owned(), json!(name))]);
        let mut types = self.types.iter().filter(|name| **name != "integer" || !self.types.contains("number"));
        match (types.next(), types.next(), &self.texts) {
            (None, _, Some(texts)) => texts.describe(&mut properties),
            (Some(name), None, None) => {
                properties.insert("type".to_owned(), json!(name));
            }
            // Several types, or only null.
            _ => {
                properties.insert("type".to_owned(), "any".into());
            }
        }
        properties
    }
}

/// The fields of a line in order, each with the kind of its value.
struct Row(Vec<(String, Kind)>);

/// The kind of a JSON value. Nested values are skipped, not stored.
enum Kind {
    Null,
    Boolean,
    Integer,
    Number,
    Text(String),
    Object,
    List,
}

impl<'de> Deserialize<'de> for Row {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(RowVisitor)
    }
}

struct RowVisitor;

impl<'de> Visitor<'de> for RowVisitor {
    type Value = Row;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Row, A::Error> {
        let mut fields = Vec::new();
        while let Some(field) = map.next_entry()? {
            fields.push(field);
        }
        Ok(Row(fields))
    }
}

impl<'de> Deserialize<'de> for Kind {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(KindVisitor)
    }
}

struct KindVisitor;

impl<'de> Visitor<'de> for KindVisitor {
    type Value = Kind;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Kind, E> {
        Ok(Kind::Null)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Kind, E> {
        Ok(Kind::Boolean)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Kind, E> {
        Ok(Kind::Integer)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Kind, E> {
        Ok(Kind::Integer)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Kind, E> {
        Ok(Kind::Number)
    }

    fn visit_str<E>(self, text: &str) -> Result<Kind, E> {
        Ok(Kind::Text(text.to_owned()))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Kind, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Kind::Object)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Kind, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Kind::List)
    }
}
