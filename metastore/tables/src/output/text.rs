//! CSV (RFC 4180). Cells are the values of JSON, strings without quotes, and missing values are empty.

use arrow::array::{Array as _, AsArray as _, RecordBatch};
use arrow::datatypes::{DataType, SchemaRef};
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
                json.clear();
                let written = if encoder.is_null(row) {
                    writer.write_field("")
                } else if *column.data_type() == DataType::Utf8 {
                    writer.write_field(column.as_string::<i32>().value(row))
                } else {
                    encoder.encode(row, &mut json);
                    if json.first() == Some(&b'"') {
                        writer.write_field(serde_json::from_slice::<String>(&json)?)
                    } else {
                        writer.write_field(&json)
                    }
                };
                written.map_err(Error::internal)?;
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

fn csv_writer(buffer: &mut Vec<u8>) -> Writer<&mut Vec<u8>> {
    WriterBuilder::new().terminator(Terminator::CRLF).from_writer(buffer)
}

fn finish(mut writer: Writer<&mut Vec<u8>>) -> Result<()> {
    writer.flush().map_err(Error::internal)
}
