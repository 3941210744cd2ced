//! Features: the types of columns as the library `datasets` of Hugging Face names them, in JSON.

use arrow::datatypes::{DataType, TimeUnit};
use serde_json::{Map, Value, json};
use tables_wire::Column;

use crate::error::{Error, Result};
use crate::names;
use crate::source::OpenTable;

/// Maximum nesting of a feature.
const MAX_DEPTH: usize = 24;

/// Maximum length of the features of a table, in bytes of JSON.
const MAX_LENGTH: usize = 4 << 20;

/// Returns the features of these columns of a table, or of all.
///
/// # Errors
/// Invalid for unknown columns; limit if they are too long, or nested too deeply.
pub(crate) fn features(table: &OpenTable, columns: Option<&[String]>) -> Result<Vec<Value>> {
    let positions = names::positions(table.columns(), columns)?;
    let written = table.written_features().and_then(|text| written(text, table.columns()));
    let is_json = table.as_text().is_some_and(|files| files.table().is_json());
    let mut length = 0;
    let mut features = Vec::with_capacity(positions.len());
    for position in positions {
        let (column, field) = (&table.columns()[position], table.schema().field(position));
        let feature = match &written {
            Some(written) => written[&column.name].clone(),
            // As text, because its values have different types.
            None if is_json && is_any(column) && *field.data_type() == DataType::Utf8 => json!({"_type": "Json"}),
            None => feature(field.data_type(), MAX_DEPTH).ok_or_else(|| {
                Error::limit(format!("the column {:?} is nested more than {MAX_DEPTH} levels deep", column.name))
            })?,
        };
        length += feature.to_string().len();
        if length > MAX_LENGTH {
            return Err(Error::limit(format!("the types of the columns have more than {} MiB", MAX_LENGTH >> 20)));
        }
        features.push(feature);
    }
    Ok(features)
}

/// Returns true for a column whose values in JSON lines may have any type.
fn is_any(column: &Column) -> bool {
    matches!(column.r#type.as_str(), "any" | "array" | "object" | "geojson")
}

/// Parses the features that the library wrote into a file; `None` unless they are those of all columns. They distinguish
/// more than types of Arrow do, such as images and class labels.
fn written(text: &str, columns: &[Column]) -> Option<Map<String, Value>> {
    if text.len() > MAX_LENGTH {
        return None;
    }
    let mut document: Value = serde_json::from_str(text).ok()?;
    let Value::Object(features) = document.get_mut("info")?.get_mut("features")?.take() else { return None };
    let is_known = |column: &Column| features.get(&column.name).is_some_and(|feature| is_shallow(feature, MAX_DEPTH));
    columns.iter().all(is_known).then_some(features)
}

fn is_shallow(value: &Value, depth: usize) -> bool {
    let Some(below) = depth.checked_sub(1) else { return false };
    match value {
        Value::Object(fields) => fields.values().all(|value| is_shallow(value, below)),
        Value::Array(items) => items.iter().all(|value| is_shallow(value, below)),
        _ => true,
    }
}

/// Returns the feature of a type; `None` if it is nested deeper than `depth`.
fn feature(r#type: &DataType, depth: usize) -> Option<Value> {
    let below = depth.checked_sub(1)?;
    Some(match r#type {
        DataType::List(item) => json!({"feature": feature(item.data_type(), below)?, "_type": "List"}),
        DataType::FixedSizeList(item, length) => {
            json!({"feature": feature(item.data_type(), below)?, "length": length, "_type": "List"})
        }
        DataType::LargeList(item) => json!({"feature": feature(item.data_type(), below)?, "_type": "LargeList"}),
        DataType::Struct(fields) => {
            let fields = fields.iter().map(|field| Some((field.name().clone(), feature(field.data_type(), below)?)));
            Value::Object(fields.collect::<Option<_>>()?)
        }
        // The library has no type for these.
        DataType::Map(..) | DataType::Union(..) => json!({"_type": "Json"}),
        other => json!({"dtype": dtype(other), "_type": "Value"}),
    })
}

/// Returns the name of a type that is not nested.
fn dtype(r#type: &DataType) -> String {
    match r#type {
        DataType::Null => "null".to_owned(),
        DataType::Boolean => "bool".to_owned(),
        DataType::Float16 => "float16".to_owned(),
        DataType::Float32 => "float32".to_owned(),
        DataType::Float64 => "float64".to_owned(),
        DataType::Date32 => "date32".to_owned(),
        DataType::Date64 => "date64".to_owned(),
        DataType::Time32(of) => format!("time32[{}]", unit(*of)),
        DataType::Time64(of) => format!("time64[{}]", unit(*of)),
        DataType::Timestamp(of, None) => format!("timestamp[{}]", unit(*of)),
        DataType::Timestamp(of, Some(zone)) => format!("timestamp[{}, tz={zone}]", unit(*of)),
        DataType::Duration(of) => format!("duration[{}]", unit(*of)),
        DataType::Decimal32(precision, scale)
        | DataType::Decimal64(precision, scale)
        | DataType::Decimal128(precision, scale) => format!("decimal128({precision}, {scale})"),
        DataType::Decimal256(precision, scale) => format!("decimal256({precision}, {scale})"),
        DataType::Binary | DataType::BinaryView => "binary".to_owned(),
        DataType::LargeBinary => "large_binary".to_owned(),
        DataType::FixedSizeBinary(length) => format!("fixed_size_binary[{length}]"),
        DataType::LargeUtf8 => "large_string".to_owned(),
        DataType::Dictionary(_, values) => dtype(values),
        integer if integer.is_integer() => integer.to_string().to_ascii_lowercase(),
        // Texts, and what is shown as text.
        _ => "string".to_owned(),
    }
}

fn unit(unit: TimeUnit) -> &'static str {
    match unit {
        TimeUnit::Second => "s",
        TimeUnit::Millisecond => "ms",
        TimeUnit::Microsecond => "us",
        TimeUnit::Nanosecond => "ns",
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::datatypes::Field;

    use super::*;

    fn list(item: DataType) -> DataType {
        DataType::List(Arc::new(Field::new("item", item, true)))
    }

    #[test]
    fn types_have_the_names_of_the_library() {
        for (r#type, name) in [
            (DataType::Int8, "int8"),
            (DataType::UInt64, "uint64"),
            (DataType::Float32, "float32"),
            (DataType::Utf8, "string"),
            (DataType::Date32, "date32"),
            (DataType::Timestamp(TimeUnit::Microsecond, None), "timestamp[us]"),
            (DataType::Timestamp(TimeUnit::Nanosecond, Some("Europe/Paris".into())), "timestamp[ns, tz=Europe/Paris]"),
            (DataType::Time64(TimeUnit::Microsecond), "time64[us]"),
            (DataType::Decimal128(10, 2), "decimal128(10, 2)"),
        ] {
            assert_eq!(feature(&r#type, 1).unwrap(), json!({"dtype": name, "_type": "Value"}));
        }
        let nested = DataType::Struct(vec![Field::new("a", list(DataType::Int64), true)].into());
        let expected = json!({"a": {"feature": {"dtype": "int64", "_type": "Value"}, "_type": "List"}});
        assert_eq!(feature(&nested, 3), Some(expected));
        assert_eq!(feature(&nested, 2), None, "nested too deeply");
    }

    #[test]
    fn written_features_must_be_those_of_the_columns() {
        let columns = [Column { name: "a".into(), r#type: "integer".into(), format: None }];
        let label = r#"{"info": {"features": {"a": {"names": ["no", "yes"], "_type": "ClassLabel"}}}}"#;
        assert_eq!(written(label, &columns).unwrap()["a"]["_type"], "ClassLabel");
        let deep = format!(r#"{{"info": {{"features": {{"a": {}1{}}}}}}}"#, "[".repeat(100), "]".repeat(100));
        for bad in ["", "{", "[]", "{}", r#"{"info": {"features": {"b": 1}}}"#, r#"{"info": {"features": 1}}"#, &deep] {
            assert_eq!(written(bad, &columns), None, "{bad}");
        }
    }
}
