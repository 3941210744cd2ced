//! JSON arrays of rows, each an array of values.
//!
//! Differences from arrow-json's own values: integers that a double does not hold, NaN and infinities are strings, binary
//! values are base64, and decimals are numbers only if a double keeps all their digits.

mod values;

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use arrow::json::EncoderOptions;
use arrow::json::writer::{NullableEncoder, make_encoder};

use crate::error::{Error, Result};
use crate::types::{text_schema, to_schema};

/// Maximum length of a page, in bytes.
pub(crate) const MAX_PAGE: usize = 8 << 20;

/// Writes single values as JSON.
pub(super) struct Cells {
    schema: SchemaRef,
    options: EncoderOptions,
}

impl Cells {
    /// Prepares for batches with this schema.
    pub(super) fn new(schema: &SchemaRef) -> Self {
        let options =
            EncoderOptions::default().with_explicit_nulls(true).with_encoder_factory(Arc::new(values::Factory));
        Self { schema: text_schema(schema), options }
    }

    /// Converts a batch to the types that have encoders.
    pub(super) fn convert(&self, batch: &RecordBatch) -> Result<RecordBatch> {
        to_schema(batch, &self.schema)
    }

    /// Returns an encoder for each column of a batch that was converted.
    pub(super) fn encoders<'a>(&'a self, batch: &'a RecordBatch) -> Result<Vec<NullableEncoder<'a>>> {
        let fields = self.schema.fields().iter().zip(batch.columns());
        Ok(fields.map(|(field, column)| make_encoder(field, column, &self.options)).collect::<Result<_, _>>()?)
    }
}

/// A page of rows.
pub(super) struct Json {
    cells: Cells,
    buffer: Vec<u8>,
    /// Length of the page so far, with what has been taken from the buffer.
    length: usize,
    rows: u64,
    is_full: bool,
}

impl Json {
    /// Starts a page.
    pub(super) fn new(schema: &SchemaRef) -> Self {
        Self { cells: Cells::new(schema), buffer: vec![b'['], length: 1, rows: 0, is_full: false }
    }

    /// Adds rows; returns how many fitted in the page.
    pub(super) fn write(&mut self, batch: &RecordBatch) -> Result<usize> {
        let batch = self.cells.convert(batch)?;
        let mut encoders = self.cells.encoders(&batch)?;
        for row in 0..batch.num_rows() {
            if self.is_full {
                return Ok(row);
            }
            let start = self.buffer.len();
            if self.rows > 0 {
                self.buffer.push(b',');
            }
            self.buffer.push(b'[');
            for (column, encoder) in encoders.iter_mut().enumerate() {
                if column > 0 {
                    self.buffer.push(b',');
                }
                if encoder.is_null(row) {
                    self.buffer.extend_from_slice(b"null");
                } else {
                    encoder.encode(row, &mut self.buffer);
                }
            }
            self.buffer.push(b']');
            let added = self.buffer.len() - start;
            // One more for the bracket at the end.
            if self.length + added + 1 > MAX_PAGE {
                if self.rows == 0 {
                    return Err(Error::limit(
                        "the row is larger than a page of 8 MiB; select fewer columns with `columns`, or read it with \
                         `format=csv`",
                    ));
                }
                self.buffer.truncate(start);
                self.is_full = true;
                return Ok(row);
            }
            self.length += added;
            self.rows += 1;
        }
        Ok(batch.num_rows())
    }

    /// Takes the rows so far.
    pub(super) fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.buffer)
    }

    /// Ends the page; returns the rest of it.
    pub(super) fn finish(mut self) -> Vec<u8> {
        self.buffer.push(b']');
        self.buffer
    }
}
