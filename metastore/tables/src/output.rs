//! Encodes rows as JSON, CSV, Parquet or an Arrow IPC stream.

mod json;
mod table;
mod text;

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch};
use arrow::datatypes::{Field, FieldRef, Fields, Schema, SchemaRef};
use bytes::Bytes;
use serde_json::Value;
use tables_wire::{Column, Output};

pub(crate) use self::table::{Parquet, Use};
pub(crate) use self::text::csv_cells;
use crate::error::{Error, Result};
use crate::types::{plain_schema, to_schema};

/// Writes the rows of a result.
pub(crate) struct Encoder {
    /// The types of the result.
    schema: SchemaRef,
    format: Format,
}

enum Format {
    Json(json::Json),
    Csv(text::Csv),
    Parquet(Parquet),
    Arrow(table::Arrow),
}

impl Encoder {
    /// Creates an encoder of batches with this schema, whose metadata Parquet and Arrow results have. The columns give the
    /// names.
    pub(crate) fn new(output: Output, schema: &SchemaRef, columns: &[Column]) -> Result<Self> {
        if schema.fields().len() != columns.len() {
            return Err(Error::internal("a result has as many columns as its schema"));
        }
        let named = plain_schema(schema).fields().iter().zip(columns).map(renamed).collect::<Fields>();
        let schema = Arc::new(Schema::new(named).with_metadata(schema.metadata().clone()));
        let format = match output {
            Output::Json => Format::Json(json::Json::new(&schema)),
            Output::Csv => Format::Csv(text::Csv::new(&schema)?),
            Output::Parquet => Format::Parquet(Parquet::new(&schema, Use::Result)?),
            Output::Arrow => Format::Arrow(table::Arrow::new(&schema)?),
        };
        Ok(Self { schema, format })
    }

    /// Adds rows; returns how many it took: fewer if a JSON page is full (8 MiB).
    pub(crate) fn write(&mut self, batch: &RecordBatch) -> Result<usize> {
        let batch = to_schema(batch, &self.schema)?;
        match &mut self.format {
            Format::Json(json) => return json.write(&batch),
            Format::Csv(csv) => csv.write(&batch)?,
            Format::Parquet(parquet) => parquet.write(&batch)?,
            Format::Arrow(arrow) => arrow.write(&batch)?,
        }
        Ok(batch.num_rows())
    }

    /// Takes what has been encoded so far, to be sent.
    pub(crate) fn take(&mut self) -> Bytes {
        match &mut self.format {
            Format::Json(json) => json.take(),
            Format::Csv(csv) => csv.take(),
            Format::Parquet(parquet) => parquet.take(),
            Format::Arrow(arrow) => arrow.take(),
        }
        .into()
    }

    /// Ends the result; returns the rest of it.
    pub(crate) fn finish(self) -> Result<Bytes> {
        Ok(match self.format {
            Format::Json(json) => json.finish(),
            Format::Csv(mut csv) => csv.take(),
            Format::Parquet(parquet) => parquet.finish()?,
            Format::Arrow(arrow) => arrow.finish()?,
        }
        .into())
    }
}

/// Returns the values of an array as in JSON rows.
pub(crate) fn json_values(array: ArrayRef) -> Result<Vec<Value>> {
    let schema = Arc::new(Schema::new(vec![Field::new("values", array.data_type().clone(), true)]));
    let cells = json::Cells::new(&schema);
    let batch = cells.convert(&RecordBatch::try_new(schema, vec![array])?)?;
    let mut encoder = cells.encoders(&batch)?.pop().ok_or_else(|| Error::internal("a column has an encoder"))?;
    let mut text = Vec::new();
    let value = |row| {
        if encoder.is_null(row) {
            return Ok(Value::Null);
        }
        text.clear();
        encoder.encode(row, &mut text);
        Ok(serde_json::from_slice(&text)?)
    };
    (0..batch.num_rows()).map(value).collect()
}

fn renamed((field, column): (&FieldRef, &Column)) -> FieldRef {
    Arc::new(field.as_ref().clone().with_name(&column.name))
}

#[cfg(test)]
mod tests;
