//! Conversion of tables to Parquet.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::datatypes::{Schema, SchemaRef};
use bytes::Bytes;
use futures::StreamExt as _;
use serde_json::{Map, Value};
use tables_wire::{Convert, Done};

use crate::connection::Connection;
use crate::error::Result;
use crate::output::{Parquet, Use};
use crate::source::OpenTable;
use crate::types::{plain_schema, to_schema};

/// Number of encoded bytes that are sent together.
const PART: usize = 1 << 18;

/// How much more of the work is done at the next progress that is sent.
const STEP: f64 = 0.01;

/// The metadata of the file with its Table Schema.
const SCHEMA: &str = "rutter.schema";

/// Properties of schemas and fields that say how values are written in text.
const LEXICAL: [&str; 6] = ["bareNumber", "decimalChar", "falseValues", "groupChar", "missingValues", "trueValues"];

/// The types whose values are not text in Parquet, so that their format means nothing there.
const TYPED: [&str; 7] = ["boolean", "date", "datetime", "integer", "number", "time", "year"];

/// Sends the table as a Parquet file.
///
/// # Errors
/// Invalid for malformed files, for values that do not fit their column, and for types that Parquet does not have; limit;
/// read.
pub(crate) async fn convert(table: &OpenTable, options: &Convert, sink: &Connection) -> Result<Done> {
    let columns: Vec<usize> = (0..table.columns().len()).collect();
    let description = typed(table.describe().remove("schema"));
    let schema = with_metadata(&plain_schema(table.schema()), &description, &options.metadata);
    let mut file = Parquet::new(&schema, Use::Dataset)?;
    let mut batches = table.rows(0, u64::MAX, &columns)?;
    let (mut rows, mut waiting, mut next) = (0, Vec::new(), STEP);
    while let Some(batch) = batches.next().await {
        let batch = to_schema(&batch?, &schema)?;
        file.write(&batch)?;
        rows += batch.num_rows() as u64;
        waiting.extend_from_slice(&file.take());
        if waiting.len() >= PART {
            sink.chunk(Bytes::from(std::mem::take(&mut waiting))).await?;
        }
        #[expect(clippy::cast_precision_loss, reason = "a fraction need not be exact")]
        let fraction = (table.bytes_read() as f64 / table.size().max(1) as f64).min(1.0);
        if fraction >= next {
            next = fraction + STEP;
            sink.progress(fraction).await?;
        }
    }
    waiting.extend_from_slice(&file.finish()?);
    sink.chunk(waiting.into()).await?;
    Ok(Done {
        columns: table.columns().to_vec(),
        rows,
        total: Some(rows),
        schema: description.into(),
        ..Done::default()
    })
}

/// Returns a Table Schema for a file that has types, without what describes text.
fn typed(schema: Option<Value>) -> Map<String, Value> {
    let Some(Value::Object(mut schema)) = schema else { return Map::new() };
    schema.retain(|key, _| !LEXICAL.contains(&key.as_str()));
    for field in schema.get_mut("fields").and_then(Value::as_array_mut).into_iter().flatten() {
        let Value::Object(field) = field else { continue };
        field.retain(|key, _| !LEXICAL.contains(&key.as_str()));
        if field.get("type").and_then(Value::as_str).is_some_and(|r#type| TYPED.contains(&r#type)) {
            field.shift_remove("format");
        }
    }
    schema
}

fn with_metadata(schema: &SchemaRef, description: &Map<String, Value>, metadata: &Map<String, Value>) -> SchemaRef {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let mut all: HashMap<_, _> = metadata.iter().map(|(key, value)| (key.clone(), text(value))).collect();
    all.insert(SCHEMA.to_owned(), Value::Object(description.clone()).to_string());
    Arc::new(Schema::clone(schema).with_metadata(all))
}

#[cfg(test)]
mod tests;
