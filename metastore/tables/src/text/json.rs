//! JSON lines: the values of lines by column, and Arrow arrays of nested values.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Float64Array, Int64Array, ListArray, StringArray, StructArray, new_null_array,
};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::datatypes::{DataType, FieldRef};
use serde::de::{Deserializer as _, IgnoredAny, MapAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::error::{Error, Result};
use crate::rows::{RowBuffer, Rows};

/// Splits lines into the JSON of their fields, in the order of the columns; it is empty for an absent field.
///
/// # Errors
/// Invalid for a line that is not a JSON object.
pub(super) fn cells(lines: &Rows, range: Range<usize>, columns: &HashMap<&str, usize>) -> Result<Rows> {
    let mut buffer = RowBuffer::default();
    let mut found: Vec<Option<&str>> = Vec::new();
    for row in range.clone() {
        found.clear();
        found.resize(columns.len(), None);
        let line = lines.cell(row, 0).unwrap_or_default();
        let mut reader = serde_json::Deserializer::from_str(line);
        let parsed = reader.deserialize_map(Fields { columns, found: &mut found }).and_then(|()| reader.end());
        parsed.map_err(|error| {
            Error::invalid(format!("row {} is not a JSON object: {error}", lines.first + row as u64 + 1))
        })?;
        for json in &found {
            buffer.push(json.unwrap_or_default().as_bytes());
            buffer.end_cell(buffer.text_len());
        }
        buffer.end_row();
    }
    buffer.take(lines.first + range.start as u64)
}

/// The JSON of the fields of a line.
struct Fields<'a, 'de> {
    columns: &'a HashMap<&'a str, usize>,
    found: &'a mut [Option<&'de str>],
}

impl<'de> Visitor<'de> for Fields<'_, 'de> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(Name(name)) = map.next_key()? {
            match self.columns.get(&*name).and_then(|column| self.found.get_mut(*column)) {
                // For a duplicate name, the last value counts.
                Some(found) => *found = Some(map.next_value::<&RawValue>()?.get()),
                None => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(())
    }
}

/// The name of a field, which is copied only if it has escapes.
#[derive(serde::Deserialize)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

/// Returns the text of JSON: of a string its characters, of other values their JSON; `None` for null, and for an absent
/// value.
pub(super) fn text(json: &str) -> Option<Cow<'_, str>> {
    match json.as_bytes().first()? {
        b'n' => None,
        b'"' => match serde_json::from_str::<Name<'_>>(json) {
            Ok(Name(text)) => Some(text),
            // A surrogate without its pair, which is no character.
            Err(_) => Some(Cow::Borrowed(json)),
        },
        _ => Some(Cow::Borrowed(json)),
    }
}

/// A value that does not have the type of its column: the row, from 0.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Mismatch(pub(super) usize);

/// Converts values to an array. Integers are numbers where numbers are expected.
///
/// # Errors
/// The position of the first value that does not have the type.
pub(super) fn array(values: &[Option<&Value>], data_type: &DataType) -> Result<ArrayRef, Mismatch> {
    /// Returns each value as `take` does, which returns `None` for another type.
    fn each<'v, T>(
        values: &[Option<&'v Value>],
        take: impl Fn(&'v Value) -> Option<T>,
    ) -> Result<Vec<Option<T>>, Mismatch> {
        let value = |(row, value): (usize, Option<&'v Value>)| match value {
            None | Some(Value::Null) => Ok(None),
            Some(value) => take(value).map(Some).ok_or(Mismatch(row)),
        };
        values.iter().copied().enumerate().map(value).collect()
    }
    Ok(match data_type {
        DataType::Boolean => Arc::new(BooleanArray::from(each(values, Value::as_bool)?)),
        DataType::Int64 => Arc::new(Int64Array::from(each(values, Value::as_i64)?)),
        DataType::Float64 => Arc::new(Float64Array::from(each(values, Value::as_f64)?)),
        DataType::Utf8 => Arc::new(StringArray::from(each(values, Value::as_str)?)),
        DataType::List(item) => {
            let lists = each(values, Value::as_array)?;
            let mut rows = Vec::new();
            let mut items = Vec::new();
            for (row, list) in lists.iter().enumerate() {
                for value in list.iter().flat_map(|list| list.iter()) {
                    rows.push(row);
                    items.push(Some(value));
                }
            }
            let items = array(&items, item.data_type()).map_err(|Mismatch(at)| Mismatch(rows[at]))?;
            let offsets = OffsetBuffer::from_lengths(lists.iter().map(|list| list.map_or(0, Vec::len)));
            let nulls = lists.iter().map(Option::is_some).collect::<NullBuffer>();
            Arc::new(ListArray::new(Arc::clone(item), offsets, items, Some(nulls)))
        }
        DataType::Struct(fields) => {
            let objects = each(values, Value::as_object)?;
            let names: HashSet<&str> = fields.iter().map(|field| field.name().as_str()).collect();
            for (row, object) in objects.iter().enumerate() {
                if object.is_some_and(|object| object.keys().any(|name| !names.contains(name.as_str()))) {
                    return Err(Mismatch(row));
                }
            }
            let column = |field: &FieldRef| {
                let values: Vec<Option<&Value>> =
                    objects.iter().map(|object| object.and_then(|object| object.get(field.name()))).collect();
                array(&values, field.data_type())
            };
            let columns = fields.iter().map(column).collect::<Result<Vec<_>, _>>()?;
            let nulls = objects.iter().map(Option::is_some).collect::<NullBuffer>();
            Arc::new(StructArray::new(fields.clone(), columns, Some(nulls)))
        }
        // No other type is inferred.
        other => new_null_array(other, values.len()),
    })
}

#[cfg(test)]
mod tests {
    use arrow::array::{Array as _, AsArray as _};
    use arrow::datatypes::{Field, Fields, Float64Type};
    use serde_json::json;

    use super::*;
    use crate::rows::{Splitter, all_rows};

    fn split(text: &str, columns: &[&str]) -> Result<Vec<Vec<String>>> {
        let lines = all_rows(&mut Splitter::lines(), text, true, 100)?;
        let columns: HashMap<&str, usize> = columns.iter().enumerate().map(|(index, name)| (*name, index)).collect();
        let rows = cells(&lines, 0..lines.len(), &columns)?;
        let row = |row| (0..columns.len()).map(|column| rows.cell(row, column).unwrap().to_owned()).collect();
        Ok((0..rows.len()).map(row).collect())
    }

    #[test]
    fn fields_are_found_by_name() {
        let text = "{\"a\": 1, \"x\": {\"a\": 2}, \"b\": [1, {}]}\n\n{\"b\": null, \"\\u0061\": \"x\", \"a\": \"y\"}\n";
        assert_eq!(split(text, &["b", "a"]).unwrap(), [["[1, {}]", "1"], ["null", "\"y\""]]);
        assert_eq!(split("{}", &["a"]).unwrap(), [[""]]);
        for bad in ["[1]", "{\"a\": 1} 2", "{\"a\": 1", "{\"a\": tru}", "{a: 1}"] {
            assert!(split(bad, &["a"]).unwrap_err().message.starts_with("row 1 is not a JSON object"), "{bad}");
        }
    }

    #[test]
    fn texts_of_values() {
        for (json, expected) in [
            ("", None),
            ("null", None),
            ("\"a\\nb\"", Some("a\nb")),
            ("\"\"", Some("")),
            ("1.50", Some("1.50")),
            ("{\"a\": 1}", Some("{\"a\": 1}")),
            ("\"\\ud800\"", Some("\"\\ud800\"")),
        ] {
            assert_eq!(text(json).as_deref(), expected, "{json}");
        }
    }

    #[test]
    fn nested_values_become_arrays() {
        let fields = Fields::from(vec![
            Field::new("n", DataType::Float64, true),
            Field::new("l", DataType::List(Arc::new(Field::new("item", DataType::Utf8, true))), true),
        ]);
        let data_type = DataType::Struct(fields);
        let values = [json!({"n": 1, "l": ["a", null]}), json!(null), json!({"l": []}), json!({"n": 2.5})];
        let values: Vec<Option<&Value>> = values.iter().map(Some).chain([None]).collect();
        let found = array(&values, &data_type).unwrap();
        assert_eq!((found.len(), found.null_count(), found.data_type()), (5, 2, &data_type));
        let numbers = found.as_struct().column(0).as_primitive::<Float64Type>();
        assert_eq!(numbers.iter().collect::<Vec<_>>(), [Some(1.0), None, None, Some(2.5), None]);
        assert_eq!(found.as_struct().column(1).as_list::<i32>().value_length(0), 2);
        for (row, bad) in [json!({"x": 1}), json!([1]), json!({"n": "1"}), json!({"l": ["a", 1]})].iter().enumerate() {
            let mut values = vec![None; row];
            values.push(Some(bad));
            assert_eq!(array(&values, &data_type), Err(Mismatch(row)), "{bad}");
        }
    }
}
