//! Structure of nested JSON values: Arrow types of columns with objects and lists.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Fields};
use serde::de::{IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::error::Result;
use crate::rows::Rows;

/// Maximum depth of a nested column, and maximum number of its parts. Others are JSON text.
const MAX_DEPTH: usize = 16;
const MAX_PARTS: usize = 1000;

/// The structure of the values of a column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Shape {
    /// Only null.
    Null,
    Boolean,
    Integer,
    Number,
    Text,
    List(Box<Shape>),
    Struct(Vec<(String, Shape)>),
}

impl Shape {
    /// Returns the structure of one value; `None` if it is too deep.
    fn of(value: &Value, depth: usize) -> Option<Self> {
        if depth > MAX_DEPTH {
            return None;
        }
        Some(match value {
            Value::Null => Self::Null,
            Value::Bool(_) => Self::Boolean,
            Value::Number(number) if number.is_i64() => Self::Integer,
            Value::Number(_) => Self::Number,
            Value::String(_) => Self::Text,
            Value::Array(items) => {
                let mut shape = Self::Null;
                for item in items {
                    shape = shape.with(Self::of(item, depth + 1)?)?;
                }
                Self::List(Box::new(shape))
            }
            Value::Object(fields) => {
                let field = |(name, value): (&String, &Value)| Some((name.clone(), Self::of(value, depth + 1)?));
                Self::Struct(fields.iter().map(field).collect::<Option<_>>()?)
            }
        })
    }

    /// Returns the structure that both kinds of values have; `None` if there is none.
    fn with(self, other: Self) -> Option<Self> {
        Some(match (self, other) {
            (shape, Self::Null) | (Self::Null, shape) => shape,
            (Self::Integer, Self::Number) | (Self::Number, Self::Integer) => Self::Number,
            (Self::List(one), Self::List(other)) => Self::List(Box::new(one.with(*other)?)),
            (Self::Struct(mut fields), Self::Struct(others)) => {
                let places: HashMap<String, usize> =
                    fields.iter().enumerate().map(|(place, (name, _))| (name.clone(), place)).collect();
                for (name, shape) in others {
                    match places.get(&name) {
                        Some(place) => {
                            let before = std::mem::replace(&mut fields[*place].1, Self::Null);
                            fields[*place].1 = before.with(shape)?;
                        }
                        None => fields.push((name, shape)),
                    }
                }
                if fields.len() > MAX_PARTS {
                    return None;
                }
                Self::Struct(fields)
            }
            (one, other) if one == other => one,
            _ => return None,
        })
    }

    /// Returns the number of parts.
    fn parts(&self) -> usize {
        match self {
            Self::List(item) => 1 + item.parts(),
            Self::Struct(fields) => 1 + fields.iter().map(|(_, shape)| shape.parts()).sum::<usize>(),
            _ => 1,
        }
    }

    /// Returns true if every part has a type, and every object a field, which Parquet needs.
    fn is_typed(&self) -> bool {
        match self {
            Self::Null => false,
            Self::List(item) => item.is_typed(),
            Self::Struct(fields) => !fields.is_empty() && fields.iter().all(|(_, shape)| shape.is_typed()),
            _ => true,
        }
    }

    /// Returns the Arrow type.
    pub(crate) fn data_type(&self) -> DataType {
        match self {
            Self::Null | Self::Text => DataType::Utf8,
            Self::Boolean => DataType::Boolean,
            Self::Integer => DataType::Int64,
            Self::Number => DataType::Float64,
            Self::List(item) => DataType::List(Arc::new(Field::new("item", item.data_type(), true))),
            Self::Struct(fields) => DataType::Struct(
                fields.iter().map(|(name, shape)| Field::new(name, shape.data_type(), true)).collect::<Fields>(),
            ),
        }
    }
}

/// Returns the structure of each column of objects or lists, as far as its values agree on one.
pub(super) fn shapes(lines: &Rows, rows: usize, schema: &Map<String, Value>) -> Result<Map<String, Value>> {
    let fields = schema.get("fields").and_then(Value::as_array).into_iter().flatten();
    let nested = fields.filter(|field| field["type"] == "object" || field["type"] == "array");
    let mut wanted: HashSet<&str> = nested.filter_map(|field| field["name"].as_str()).collect();
    let mut shapes: HashMap<String, Shape> = HashMap::new();
    for row in 0..rows {
        if wanted.is_empty() {
            break;
        }
        let cells = parse(lines.cell(row, 0).unwrap_or_default(), &wanted)?;
        for (name, value) in cells {
            let before = shapes.remove(&name).unwrap_or(Shape::Null);
            match Shape::of(&value, 0).and_then(|shape| before.with(shape)) {
                Some(shape) => {
                    shapes.insert(name, shape);
                }
                None => {
                    wanted.remove(name.as_str());
                }
            }
        }
    }
    let typed = shapes.into_iter().filter(|(_, shape)| shape.is_typed() && shape.parts() <= MAX_PARTS);
    typed.map(|(name, shape)| Ok((name, serde_json::to_value(shape)?))).collect()
}

/// Returns the values of these fields of a line; those that are too deep to parse are null.
fn parse(line: &str, wanted: &HashSet<&str>) -> Result<HashMap<String, Value>> {
    let mut reader = serde_json::Deserializer::from_str(line);
    Ok(reader.deserialize_map(Wanted(wanted))?)
}

struct Wanted<'w>(&'w HashSet<&'w str>);

impl<'de> Visitor<'de> for Wanted<'_> {
    type Value = HashMap<String, Value>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut found = HashMap::new();
        while let Some(name) = map.next_key::<String>()? {
            if self.0.contains(name.as_str()) {
                let raw = map.next_value::<&RawValue>()?;
                found.insert(name, serde_json::from_str(raw.get()).unwrap_or_default());
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(found)
    }
}
