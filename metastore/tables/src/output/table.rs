//! Parquet files and Arrow IPC streams.

use arrow::array::{Array as _, RecordBatch};
use arrow::datatypes::{DataType, SchemaRef};
use arrow::ipc::writer::StreamWriter;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::metadata::KeyValue;
use parquet::file::properties::{CdcOptions, WriterProperties};

use crate::error::{Error, Result, shortened};
use crate::types::{is_parquet, parquet_schema, to_schema};

/// Maximum number of rows of a row group.
const GROUP_ROWS: usize = 131_072;

/// A row group ends when its rows take this many bytes of memory.
const GROUP_BYTES: usize = 64 << 20;

/// Batches of more rows than one are split if they are longer than this, in bytes: a server that passes one on has it in
/// memory, and many clients of gRPC accept only 4 MiB.
const BATCH_BYTES: usize = 2 << 20;

/// What a Parquet file is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Use {
    /// A response.
    Result,
    /// A file of a dataset. Its pages end at places that depend on the rows, so that versions of it share most of them.
    Dataset,
}

/// A Parquet file.
pub(crate) struct Parquet {
    schema: SchemaRef,
    writer: ArrowWriter<Vec<u8>>,
}

impl Parquet {
    /// Starts a file with the metadata of the schema.
    pub(crate) fn new(schema: &SchemaRef, r#use: Use) -> Result<Self> {
        let schema = parquet_schema(schema);
        // The writer would panic.
        if let Some(field) = schema.fields().iter().find(|field| !is_parquet(field.data_type())) {
            let name = shortened(field.name(), 60);
            return Err(Error::invalid(format!(
                "Parquet has no type for the column \"{name}\"; leave it out with `columns`, or use `format=arrow`"
            )));
        }
        // In the file, too, where clients that do not know Arrow look.
        let metadata = schema.metadata().iter().map(|(key, value)| KeyValue::new(key.clone(), value.clone()));
        let properties = WriterProperties::builder()
            .set_key_value_metadata(Some(metadata.collect()))
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
            .set_max_row_group_row_count(Some(GROUP_ROWS))
            .set_content_defined_chunking((r#use == Use::Dataset).then(CdcOptions::default))
            .build();
        let writer = ArrowWriter::try_new(Vec::new(), schema.clone(), Some(properties))?;
        Ok(Self { schema, writer })
    }

    /// Adds rows.
    pub(crate) fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        self.writer.write(&to_schema(batch, &self.schema)?)?;
        if self.writer.memory_size() > GROUP_BYTES {
            self.writer.flush()?;
        }
        Ok(())
    }

    /// Takes the row groups that are complete.
    pub(crate) fn take(&mut self) -> Vec<u8> {
        std::mem::take(self.writer.inner_mut())
    }

    /// Ends the file; returns the rest of it.
    pub(crate) fn finish(self) -> Result<Vec<u8>> {
        Ok(self.writer.into_inner()?)
    }
}

/// An Arrow IPC stream.
pub(super) struct Arrow(StreamWriter<Vec<u8>>);

impl Arrow {
    /// Starts a stream.
    pub(super) fn new(schema: &SchemaRef) -> Result<Self> {
        Ok(Self(StreamWriter::try_new(Vec::new(), schema)?))
    }

    /// Adds rows.
    pub(super) fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        // A part of a nested column does not know how long it is.
        let nested = bytes(batch, DataType::is_nested)? / batch.num_rows().max(1);
        self.write_parts(batch, nested)
    }

    /// Adds rows, whose nested values take `nested` bytes in each row.
    fn write_parts(&mut self, batch: &RecordBatch, nested: usize) -> Result<()> {
        let rows = batch.num_rows();
        let length = bytes(batch, |r#type| !r#type.is_nested())?.saturating_add(nested.saturating_mul(rows));
        if rows < 2 || length <= BATCH_BYTES {
            return Ok(self.0.write(batch)?);
        }
        self.write_parts(&batch.slice(0, rows / 2), nested)?;
        self.write_parts(&batch.slice(rows / 2, rows - rows / 2), nested)
    }

    /// Takes what has been written.
    pub(super) fn take(&mut self) -> Vec<u8> {
        std::mem::take(self.0.get_mut())
    }

    /// Ends the stream; returns the rest of it.
    pub(super) fn finish(self) -> Result<Vec<u8>> {
        Ok(self.0.into_inner()?)
    }
}

/// Returns the length of the columns with these types.
fn bytes(batch: &RecordBatch, is_counted: impl Fn(&DataType) -> bool) -> Result<usize> {
    let counted = batch.columns().iter().filter(|column| is_counted(column.data_type()));
    let mut lengths = counted.map(|column| Ok(column.to_data().get_slice_memory_size()?));
    lengths.try_fold(0_usize, |sum, length: Result<usize>| Ok(sum.saturating_add(length?)))
}
