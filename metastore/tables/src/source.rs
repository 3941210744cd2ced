//! Tables: files of one format with the same columns, whose rows follow each other.

mod text;

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{Schema, SchemaRef};
use bytes::Bytes;
use futures::stream::BoxStream;
use serde_json::{Map, Value};
use tables_wire::{Column, Format, Table};

pub(crate) use self::text::TextFiles;
use crate::connection::Connection;
use crate::error::{Error, Result};

/// Batches of rows.
pub(crate) type Batches = BoxStream<'static, Result<RecordBatch>>;

/// A table whose columns are known.
pub(crate) struct OpenTable {
    files: Files,
    columns: Vec<Column>,
    schema: SchemaRef,
}

enum Files {
    Text(Arc<TextFiles>),
}

impl OpenTable {
    /// Opens a table. `indexes` are what the server kept of its files.
    ///
    /// # Errors
    /// Invalid if a file is malformed, or if the files have different columns; limit; read.
    pub(crate) async fn open(
        connection: &Connection,
        table: &Table,
        indexes: &HashMap<u32, Bytes>,
    ) -> Result<Arc<Self>> {
        if table.files.is_empty() {
            return Err(Error::invalid("the table has no files"));
        }
        let (files, columns, schema) = match table.format {
            Format::Csv | Format::JsonLines => {
                let files = Arc::new(TextFiles::open(connection, table, indexes).await?);
                let columns = files.table().columns.iter().map(|column| column.column.clone()).collect();
                let schema = Arc::clone(&files.table().schema);
                (Files::Text(files), columns, schema)
            }
            Format::Parquet | Format::Arrow => return Err(Error::invalid("not supported")),
        };
        Ok(Arc::new(Self { files, columns, schema }))
    }

    /// Returns the columns (Table Schema).
    pub(crate) fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// Returns the types of the rows.
    pub(crate) fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// Returns the number of rows, if it is known without reading them.
    pub(crate) fn total(&self) -> Option<u64> {
        match &self.files {
            Files::Text(files) => files.total(),
        }
    }

    /// Returns the files, if they are text.
    pub(crate) fn as_text(&self) -> Option<&Arc<TextFiles>> {
        match &self.files {
            Files::Text(files) => Some(files),
        }
    }

    /// Reads rows: at most `limit` from `offset` on, with the columns at these positions.
    pub(crate) fn rows(&self, offset: u64, limit: u64, columns: &[usize]) -> Result<Batches> {
        let schema = self.project(columns)?;
        Ok(match &self.files {
            Files::Text(files) => files.batches(offset, limit, columns.to_vec(), schema),
        })
    }

    /// Returns the types of the columns at these positions.
    pub(crate) fn project(&self, columns: &[usize]) -> Result<SchemaRef> {
        let fields = columns.iter().map(|index| {
            Ok(Arc::clone(self.schema.fields().get(*index).ok_or_else(|| Error::internal("there is no such column"))?))
        });
        Ok(Arc::new(Schema::new(fields.collect::<Result<Vec<_>>>()?)))
    }

    /// Describes the columns as inference does: a JSON object with `schema`, `rows` and `is_complete`, and for text with
    /// `dialect` and `encoding`.
    pub(crate) fn describe(&self) -> Map<String, Value> {
        match &self.files {
            Files::Text(files) => files.describe(),
        }
    }

    /// Returns what the server should keep of each file, as far as it is new.
    pub(crate) fn indexes(&self) -> Result<Vec<(u32, Bytes)>> {
        match &self.files {
            Files::Text(files) => files.indexes(),
        }
    }
}
