//! Schema inference for JSON Lines: one object per line.

use std::{
    collections::{BTreeSet, HashMap},
    fmt,
    io::Read,
};

use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, MapAccess, SeqAccess, Visitor},
};
use serde_json::{Map, Value, json};

use super::{COLUMN_LIMIT, Inferred, Limits, Sample, text, too_wide, type_inference::Column};
use crate::{Error, Result};

/// Infers the schema of JSON Lines (jsonlines.org) from their beginning.
///
/// Fields are in the order of their first appearance. A value that is an object or a list gives the field
/// that type, values of several types give it the type `any`. Dates and times are recognised in strings.
/// Null, or an absent field, is a missing value.
///
/// # Errors
///
/// [`Error::Invalid`] if a line is not a JSON object, or longer than the limit; [`Error::TooLarge`] beyond
/// 10,000 fields.
pub fn json_lines(reader: impl Read, limits: Limits) -> Result<Inferred> {
    let sample = Sample::read(reader, limits.bytes)?;
    let Sample { encoding, is_complete, .. } = sample;
    let mut table = Table::default();
    let (mut rows, mut read) = (0, 0);
    let mut lines = text::lines(&sample.bytes, is_complete);
    while rows < limits.rows
        && let Some(line) = lines.next()
    {
        read += 1;
        if line.trim_ascii().is_empty() {
            continue;
        }
        let row: Row = serde_json::from_str(&encoding.text(line))
            .map_err(|error| Error::Invalid(format!("line {read} is not a JSON object: {error}")))?;
        table.see(row)?;
        rows += 1;
    }
    if rows == 0 && rows < limits.rows && !is_complete {
        return Err(Error::Invalid(format!("line {} is longer than the sample", read + 1)));
    }
    let is_complete = is_complete && lines.all(|line| line.trim_ascii().is_empty());
    let rows = u64::try_from(rows).unwrap_or(u64::MAX);
    Ok(Inferred { schema: table.describe(), dialect: None, encoding: Some(encoding), rows, is_complete })
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
                None if self.fields.len() == COLUMN_LIMIT => return Err(too_wide()),
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
