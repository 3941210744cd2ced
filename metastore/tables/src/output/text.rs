//! CSV (RFC 4180). Cells are the values of JSON, strings without quotes, and missing values are empty.

use std::sync::Arc;

use arrow::array::{Array as _, ArrayRef, AsArray as _, RecordBatch, StringArray, StringBuilder};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::json::writer::NullableEncoder;
use csv::{Terminator, Writer, WriterBuilder};

use super::json::Cells;
use crate::error::{Error, Result};

/// A CSV file.
pub(super) struct Csv {
    cells: Cells,
    buffer: Vec<u8>,
}

impl Csv {
    /// Starts a file with a header.
    pub(super) fn new(schema: &SchemaRef) -> Result<Self> {
        let mut csv = Self { cells: Cells::new(schema), buffer: Vec::new() };
        let mut writer = csv_writer(&mut csv.buffer);
        writer.write_record(schema.fields().iter().map(|field| field.name())).map_err(Error::internal)?;
        finish(writer)?;
        Ok(csv)
    }

    /// Adds rows.
    pub(super) fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        let batch = self.cells.convert(batch)?;
        let mut encoders = self.cells.encoders(&batch)?;
        let mut writer = csv_writer(&mut self.buffer);
        let mut json = Vec::new();
        for row in 0..batch.num_rows() {
            for (column, encoder) in batch.columns().iter().zip(&mut encoders) {
                with_cell(column, encoder, row, &mut json, |cell| writer.write_field(cell.unwrap_or_default()))?
                    .map_err(Error::internal)?;
            }
            writer.write_record(None::<&[u8]>).map_err(Error::internal)?;
        }
        finish(writer)
    }

    /// Takes what has been written.
    pub(super) fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.buffer)
    }
}

/// Calls `write` with a cell; `None` for a missing value. `json` is a buffer.
fn with_cell<T>(
    column: &ArrayRef,
    encoder: &mut NullableEncoder<'_>,
    row: usize,
    json: &mut Vec<u8>,
    write: impl FnOnce(Option<&[u8]>) -> T,
) -> Result<T> {
    if encoder.is_null(row) {
        return Ok(write(None));
    }
    if *column.data_type() == DataType::Utf8 {
        return Ok(write(Some(column.as_string::<i32>().value(row).as_bytes())));
    }
    json.clear();
    encoder.encode(row, json);
    if json.first() == Some(&b'"') {
        let text: String = serde_json::from_slice(json)?;
        return Ok(write(Some(text.as_bytes())));
    }
    Ok(write(Some(json)))
}

/// Returns values as cells of CSV have them, and null for missing ones.
pub(crate) fn csv_cells(array: &ArrayRef) -> Result<StringArray> {
    if let Some(texts) = array.as_string_opt::<i32>() {
        return Ok(texts.clone());
    }
    let schema = Arc::new(Schema::new(vec![Field::new("cells", array.data_type().clone(), true)]));
    let cells = Cells::new(&schema);
    let batch = cells.convert(&RecordBatch::try_new(schema, vec![Arc::clone(array)])?)?;
    let mut encoder = cells.encoders(&batch)?.pop().ok_or_else(|| Error::internal("a column has an encoder"))?;
    let mut texts = StringBuilder::with_capacity(array.len(), 8 * array.len());
    let mut json = Vec::new();
    for row in 0..batch.num_rows() {
        with_cell(batch.column(0), &mut encoder, row, &mut json, |cell| match cell.map(str::from_utf8) {
            None => {
                texts.append_null();
                Ok(())
            }
            Some(text) => text.map(|text| texts.append_value(text)),
        })?
        .map_err(Error::internal)?;
    }
    Ok(texts.finish())
}

fn csv_writer(buffer: &mut Vec<u8>) -> Writer<&mut Vec<u8>> {
    WriterBuilder::new().terminator(Terminator::CRLF).from_writer(buffer)
}

fn finish(mut writer: Writer<&mut Vec<u8>>) -> Result<()> {
    writer.flush().map_err(Error::internal)
}
