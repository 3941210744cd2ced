//! Tables: files of one format with the same columns, whose rows follow each other.

mod provider;
mod text;

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{FieldRef, Schema, SchemaRef};
use bytes::Bytes;
use datafusion::catalog::TableProvider;
use futures::stream::BoxStream;
use futures::{StreamExt as _, TryStreamExt as _};
use serde_json::{Map, Value, json};
use tables_wire::{Column, Format, Table, TableFile};

use self::provider::Provider;
pub(crate) use self::text::{Part, TextFiles, TextRows};
use crate::arrow_file::ArrowFile;
use crate::connection::Connection;
use crate::error::{Error, Result};
use crate::parquet_file::ParquetFile;
use crate::query::Source;
use crate::types::{columns_of, plain_schema, to_schema};

/// Number of files that are opened at the same time.
const CONCURRENT: usize = 8;

/// The key of the metadata of a schema that describes its columns for the library `datasets`.
const FEATURES: &str = "huggingface";

/// Batches of rows.
pub(crate) type Batches = BoxStream<'static, Result<RecordBatch>>;

/// A table whose columns are known.
pub(crate) struct OpenTable {
    files: Files,
    columns: Vec<Column>,
    schema: SchemaRef,
    /// The properties of the resource.
    declared: Map<String, Value>,
    /// Length of all files in bytes.
    size: u64,
    connection: Connection,
}

enum Files {
    Text(Arc<TextFiles>),
    Parquet(Vec<Arc<ParquetFile>>),
    Arrow(Vec<Arc<ArrowFile>>),
}

impl OpenTable {
    /// Opens a table. `indexes` are what the server kept of its files; `memory` limits what is read at once, in bytes.
    ///
    /// # Errors
    /// Invalid if a file is malformed, or if the files have different columns; limit; read.
    pub(crate) async fn open(
        connection: &Connection,
        table: &Table,
        indexes: &HashMap<u32, Bytes>,
        memory: usize,
    ) -> Result<Arc<Self>> {
        let open_parquet = |number, file| ParquetFile::open(connection.clone(), number, file, memory);
        let open_arrow =
            |number, file| ArrowFile::open(connection.clone(), number, file, memory, indexes.get(&number).cloned());
        let (files, columns, schema) = match table.format {
            _ if table.files.is_empty() => return Err(Error::invalid("the table has no files")),
            Format::Csv | Format::JsonLines => {
                let files = Arc::new(TextFiles::open(connection, table, indexes).await?);
                let columns = files.table().columns.iter().map(|column| column.column.clone()).collect();
                let schema = Arc::clone(&files.table().schema);
                (Files::Text(files), columns, schema)
            }
            Format::Parquet => {
                let files = all(&table.files, open_parquet).await?;
                let schema = common(files.iter().map(|file| (file.name(), &**file.schema())))?;
                (Files::Parquet(files), columns_of(&schema), schema)
            }
            Format::Arrow => {
                let files = all(&table.files, open_arrow).await?;
                let schema = common(files.iter().map(|file| (file.name(), &**file.schema())))?;
                (Files::Arrow(files), columns_of(&schema), schema)
            }
        };
        let size = table.files.iter().map(|file| file.size).sum();
        let (declared, connection) = (table.declared.clone(), connection.clone());
        Ok(Arc::new(Self { files, columns, schema, declared, size, connection }))
    }

    /// Returns the columns (Table Schema).
    pub(crate) fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// Returns the types of the rows.
    pub(crate) fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// Returns the properties `schema`, `dialect` and `encoding` of the resource, as far as there are any.
    pub(crate) fn declared(&self) -> &Map<String, Value> {
        &self.declared
    }

    /// Returns the length of all files in bytes.
    pub(crate) fn size(&self) -> u64 {
        self.size
    }

    /// Returns how many bytes of the files were read, some of them more than once.
    pub(crate) fn bytes_read(&self) -> u64 {
        self.connection.bytes_read()
    }

    /// Returns the features (JSON) that the library `datasets` of Hugging Face wrote into the first file.
    pub(crate) fn written_features(&self) -> Option<&str> {
        match &self.files {
            Files::Text(_) => None,
            Files::Parquet(files) => files.first()?.metadata_value(FEATURES),
            Files::Arrow(files) => files.first()?.schema().metadata().get(FEATURES).map(String::as_str),
        }
    }

    /// Returns the number of rows, if it is known without reading them.
    pub(crate) fn total(&self) -> Option<u64> {
        match &self.files {
            Files::Text(files) => files.total(),
            Files::Parquet(files) => Some(files.iter().map(|file| file.rows()).sum()),
            Files::Arrow(files) => Some(files.iter().map(|file| file.rows()).sum()),
        }
    }

    /// Returns the files, if they are text.
    pub(crate) fn as_text(&self) -> Option<&Arc<TextFiles>> {
        match &self.files {
            Files::Text(files) => Some(files),
            Files::Parquet(_) | Files::Arrow(_) => None,
        }
    }

    /// Returns the files, if they are Parquet.
    fn as_parquet(&self) -> Option<&[Arc<ParquetFile>]> {
        match &self.files {
            Files::Parquet(files) => Some(files),
            Files::Text(_) | Files::Arrow(_) => None,
        }
    }

    /// Returns the table for filters, orders and statistics.
    pub(crate) fn provider(self: &Arc<Self>) -> Arc<dyn TableProvider> {
        Arc::new(Provider::new(Arc::clone(self)))
    }

    /// Returns the table for queries.
    pub(crate) fn as_source(self: &Arc<Self>) -> Source {
        let numbered = Provider::numbered(Arc::clone(self));
        Source { provider: self.provider(), numbered, columns: self.columns.clone(), total: self.total() }
    }

    /// Reads rows: at most `limit` from `offset` on, with the columns at these positions.
    pub(crate) fn rows(&self, offset: u64, limit: u64, columns: &[usize]) -> Result<Batches> {
        let schema = self.project(columns)?;
        let parts: Vec<Batches> = match &self.files {
            Files::Text(files) => return Ok(files.batches(offset, limit, columns.to_vec(), schema)),
            Files::Parquet(files) => ranges(files.iter().map(|file| file.rows()), offset, limit)
                .map(|(number, offset, limit)| files[number].batches(offset, limit, columns))
                .collect(),
            Files::Arrow(files) => ranges(files.iter().map(|file| file.rows()), offset, limit)
                .map(|(number, offset, limit)| files[number].batches(offset, limit, columns))
                .collect(),
        };
        let rows = futures::stream::iter(parts).flatten();
        Ok(rows.map(move |batch| to_schema(&batch?, &schema)).boxed())
    }

    /// Returns the types of the columns at these positions.
    pub(crate) fn project(&self, columns: &[usize]) -> Result<SchemaRef> {
        Ok(Arc::new(self.schema.project(columns)?))
    }

    /// Describes the columns as inference does: a JSON object with `schema`, `rows` and `is_complete`, and for text with
    /// `dialect` and `encoding`.
    pub(crate) fn describe(&self) -> Map<String, Value> {
        if let Files::Text(files) = &self.files {
            return files.describe();
        }
        let field = |(column, field): (&Column, &FieldRef)| {
            let mut described = json!({"name": column.name, "type": column.r#type});
            if let Some(format) = &column.format {
                described["format"] = json!(format);
            }
            if !field.is_nullable() {
                described["constraints"] = json!({"required": true});
            }
            described
        };
        let fields: Vec<Value> = self.columns.iter().zip(self.schema.fields()).map(field).collect();
        Map::from_iter([
            ("schema".to_owned(), json!({"fields": fields})),
            ("rows".to_owned(), json!(self.total())),
            ("is_complete".to_owned(), json!(true)),
        ])
    }

    /// Returns what the server should keep of each file, as far as it is new.
    pub(crate) fn indexes(&self) -> Result<Vec<(u32, Bytes)>> {
        match &self.files {
            Files::Text(files) => files.indexes(),
            Files::Parquet(_) => Ok(Vec::new()),
            Files::Arrow(files) => {
                let index = |(number, file): (u32, &Arc<ArrowFile>)| Ok(file.index()?.map(|index| (number, index)));
                (0..).zip(files).map(index).filter_map(Result::transpose).collect()
            }
        }
    }
}

/// Opens all files.
async fn all<T, F>(files: &[TableFile], open: impl Fn(u32, TableFile) -> F) -> Result<Vec<Arc<T>>>
where
    F: Future<Output = Result<T>>,
{
    let opened: Vec<_> = (0..)
        .zip(files)
        .map(|(number, file)| {
            let (opened, name) = (open(number, file.clone()), file.name.clone());
            async move { opened.await.map(Arc::new).map_err(|error| error.in_file(&name)) }
        })
        .collect();
    futures::stream::iter(opened).buffered(CONCURRENT).try_collect().await
}

/// Returns the schema of files that all have the same columns.
fn common<'f>(mut files: impl Iterator<Item = (&'f str, &'f Schema)>) -> Result<SchemaRef> {
    let Some((_, first)) = files.next() else { return Err(Error::internal("a table has files")) };
    let mut schema = Arc::unwrap_or_clone(plain_schema(first));
    for (name, other) in files {
        let other = plain_schema(other);
        let different = schema
            .fields()
            .iter()
            .zip(other.fields())
            .find(|(one, other)| one.name() != other.name() || one.data_type() != other.data_type());
        let why = match different {
            Some((one, other)) if one.name() != other.name() => {
                format!("it has the column {:?} instead of {:?}", other.name(), one.name())
            }
            Some((one, _)) => format!("the column {:?} has another type", one.name()),
            None if schema.fields().len() != other.fields().len() => {
                format!("it has {} columns instead of {}", other.fields().len(), schema.fields().len())
            }
            None => {
                // Values may be missing if they may in one of the files.
                let nullable = schema.fields().iter().zip(other.fields()).map(|(one, other)| {
                    let is_nullable = one.is_nullable() || other.is_nullable();
                    Arc::new(one.as_ref().clone().with_nullable(is_nullable))
                });
                schema = Schema::new(nullable.collect::<Vec<_>>());
                continue;
            }
        };
        return Err(Error::invalid(format!("the files of the table have different columns: {why}")).in_file(name));
    }
    Ok(Arc::new(schema))
}

/// Returns the rows to read of each file: its position, offset and limit.
fn ranges(rows: impl Iterator<Item = u64>, offset: u64, limit: u64) -> impl Iterator<Item = (usize, u64, u64)> {
    let end = offset.saturating_add(limit);
    let mut start = 0_u64;
    rows.enumerate().filter_map(move |(number, rows)| {
        let first = start;
        start += rows;
        let from = offset.max(first);
        let to = end.min(start);
        (from < to).then(|| (number, from - first, to - from))
    })
}

#[cfg(test)]
mod tests;
