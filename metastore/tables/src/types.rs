//! Arrow types: their Table Schema types, and the plain types that results have.

use std::sync::Arc;

use arrow::array::{RecordBatch, RecordBatchOptions};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{DataType, Field, FieldRef, Fields, IntervalUnit, Schema, SchemaRef, TimeUnit};
use tables_wire::Column;

use crate::error::Result;

/// The format of a column with bytes, which are base64 in JSON and CSV.
pub(crate) const BINARY: &str = "binary";

/// Returns the columns (Table Schema) of a schema.
pub(crate) fn columns_of(schema: &Schema) -> Vec<Column> {
    schema
        .fields()
        .iter()
        .map(|field| {
            let (r#type, format) = type_of(field.data_type());
            Column { name: field.name().clone(), r#type: r#type.to_owned(), format: format.map(str::to_owned) }
        })
        .collect()
}

/// Returns type and format (Table Schema) of an Arrow type.
pub(crate) fn type_of(r#type: &DataType) -> (&'static str, Option<&'static str>) {
    let name = match r#type {
        DataType::Boolean => "boolean",
        DataType::Int8
        | DataType::Int16
        | DataType::Int32
        | DataType::Int64
        | DataType::UInt8
        | DataType::UInt16
        | DataType::UInt32
        | DataType::UInt64 => "integer",
        DataType::Float16
        | DataType::Float32
        | DataType::Float64
        | DataType::Decimal32(..)
        | DataType::Decimal64(..)
        | DataType::Decimal128(..)
        | DataType::Decimal256(..) => "number",
        DataType::Date32 | DataType::Date64 => "date",
        DataType::Timestamp(..) => "datetime",
        DataType::Time32(_) | DataType::Time64(_) => "time",
        DataType::Duration(_) => "duration",
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View | DataType::Interval(_) => "string",
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView | DataType::FixedSizeBinary(_) => {
            return ("string", Some(BINARY));
        }
        DataType::List(_)
        | DataType::LargeList(_)
        | DataType::ListView(_)
        | DataType::LargeListView(_)
        | DataType::FixedSizeList(..) => "array",
        DataType::Struct(_) | DataType::Map(..) => "object",
        DataType::Dictionary(_, value) => return type_of(value),
        DataType::RunEndEncoded(_, values) => return type_of(values.data_type()),
        DataType::Null | DataType::Union(..) => "any",
    };
    (name, None)
}

/// Returns the type that values of this type have in results: no views, dictionaries or run-end encoding, which old
/// clients cannot read, and dates in days.
pub(crate) fn plain_type(r#type: &DataType) -> DataType {
    match r#type {
        DataType::Utf8View => DataType::Utf8,
        DataType::BinaryView => DataType::Binary,
        DataType::Date64 => DataType::Date32,
        DataType::Dictionary(_, value) => plain_type(value),
        DataType::RunEndEncoded(_, values) => plain_type(values.data_type()),
        DataType::List(field) | DataType::ListView(field) => DataType::List(plain_field(field)),
        DataType::LargeList(field) | DataType::LargeListView(field) => DataType::LargeList(plain_field(field)),
        DataType::FixedSizeList(field, size) => DataType::FixedSizeList(plain_field(field), *size),
        DataType::Map(entries, sorted) => DataType::Map(plain_field(entries), *sorted),
        DataType::Struct(fields) => DataType::Struct(fields.iter().map(plain_field).collect()),
        other => other.clone(),
    }
}

fn plain_field(field: &FieldRef) -> FieldRef {
    // Run-end encoded values have nulls, whatever their field says.
    let nullable = field.is_nullable() || matches!(field.data_type(), DataType::RunEndEncoded(..));
    Arc::new(Field::new(field.name(), plain_type(field.data_type()), nullable).with_metadata(field.metadata().clone()))
}

/// Returns the schema that results of a table with this schema have. Metadata of the file is left out: it describes
/// the file, such as its index for pandas.
pub(crate) fn plain_schema(schema: &Schema) -> SchemaRef {
    Arc::new(Schema::new(schema.fields().iter().map(plain_field).collect::<Fields>()))
}

/// Returns the schema for JSON and CSV: that of results, with all time zones as UTC, so that values end with `Z`.
pub(crate) fn text_schema(schema: &SchemaRef) -> SchemaRef {
    Arc::new(Schema::new(schema.fields().iter().map(utc_field).collect::<Fields>()))
}

fn utc_field(field: &FieldRef) -> FieldRef {
    let r#type = match field.data_type() {
        DataType::Timestamp(unit, Some(_)) => DataType::Timestamp(*unit, Some("+00:00".into())),
        DataType::List(field) => DataType::List(utc_field(field)),
        DataType::LargeList(field) => DataType::LargeList(utc_field(field)),
        DataType::FixedSizeList(field, size) => DataType::FixedSizeList(utc_field(field), *size),
        DataType::Map(entries, sorted) => DataType::Map(utc_field(entries), *sorted),
        DataType::Struct(fields) => DataType::Struct(fields.iter().map(utc_field).collect()),
        _ => return field.clone(),
    };
    Arc::new(field.as_ref().clone().with_data_type(r#type))
}

/// Converts a batch to the types of a schema with the same number of columns, such as [`plain_schema`].
pub(crate) fn to_schema(batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch> {
    let options = CastOptions { safe: false, ..CastOptions::default() };
    let columns = batch
        .columns()
        .iter()
        .zip(schema.fields())
        .map(|(column, field)| {
            if column.data_type() == field.data_type() {
                return Ok(column.clone());
            }
            cast_with_options(column, field.data_type(), &options)
        })
        .collect::<Result<Vec<_>, _>>()?;
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    Ok(RecordBatch::try_new_with_options(schema.clone(), columns, &options)?)
}

/// Returns true if Parquet has a type for these values.
pub(crate) fn is_parquet(r#type: &DataType) -> bool {
    match r#type {
        DataType::Union(..) | DataType::Interval(IntervalUnit::MonthDayNano) => false,
        DataType::List(field)
        | DataType::LargeList(field)
        | DataType::FixedSizeList(field, _)
        | DataType::Map(field, _) => is_parquet(field.data_type()),
        DataType::Struct(fields) => !fields.is_empty() && fields.iter().all(|field| is_parquet(field.data_type())),
        _ => true,
    }
}

/// Returns the schema for Parquet files: timestamps in seconds, which Parquet does not have, are in milliseconds.
pub(crate) fn parquet_schema(schema: &SchemaRef) -> SchemaRef {
    let fields = schema.fields().iter().map(|field| match field.data_type() {
        DataType::Timestamp(TimeUnit::Second, zone) => {
            let r#type = DataType::Timestamp(TimeUnit::Millisecond, zone.clone());
            Arc::new(field.as_ref().clone().with_data_type(r#type))
        }
        _ => field.clone(),
    });
    Arc::new(Schema::new(fields.collect::<Fields>()).with_metadata(schema.metadata().clone()))
}

#[cfg(test)]
mod tests {
    use arrow::array::{Array as _, ArrayRef, AsArray as _, DictionaryArray, Int32Array, ListArray, StringArray};
    use arrow::array::{RunArray, StringViewArray, StructArray};
    use arrow::datatypes::{Int32Type, Int64Type};

    use super::*;

    #[test]
    fn results_have_plain_types() {
        let texts = ["a", "b", "a"];
        let dictionary: DictionaryArray<Int32Type> = texts.into_iter().collect();
        let views = StringViewArray::from_iter_values(texts);
        let runs: RunArray<Int32Type> = texts.into_iter().collect();
        let lists = ListArray::from_iter_primitive::<Int64Type, _, _>([Some(vec![Some(1)]), None, Some(vec![])]);
        let nested = StructArray::from(vec![(
            Arc::new(Field::new("d", dictionary.data_type().clone(), true)),
            Arc::new(dictionary.clone()) as ArrayRef,
        )]);
        let batch = RecordBatch::try_from_iter_with_nullable([
            ("dictionary", Arc::new(dictionary) as ArrayRef, true),
            ("views", Arc::new(views), true),
            ("runs", Arc::new(runs), true),
            ("lists", Arc::new(lists), true),
            ("nested", Arc::new(nested), true),
            ("numbers", Arc::new(Int32Array::from(vec![Some(1), None, Some(3)])), true),
        ])
        .unwrap();
        let schema = plain_schema(&batch.schema());
        let plain = to_schema(&batch, &schema).unwrap();
        for name in ["dictionary", "views", "runs"] {
            let column = plain.column_by_name(name).unwrap();
            assert_eq!(column.as_string::<i32>(), &StringArray::from(texts.to_vec()), "{name}");
        }
        let nested = plain.column_by_name("nested").unwrap().as_struct();
        assert_eq!(nested.column(0).as_string::<i32>(), &StringArray::from(texts.to_vec()));
        assert_eq!(plain.column_by_name("lists").unwrap(), batch.column_by_name("lists").unwrap());

        let types: Vec<_> = columns_of(&batch.schema()).into_iter().map(|column| column.r#type).collect();
        assert_eq!(types, ["string", "string", "string", "array", "object", "integer"]);
        assert_eq!(columns_of(&schema), columns_of(&batch.schema()));
    }
}
