//! Tables of text files.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use bytes::Bytes;
use futures::StreamExt as _;
use futures::future::try_join_all;
use futures::stream::try_unfold;
use serde_json::{Map, Value, json};
use tables_wire::Table;

use super::Batches;
use crate::connection::Connection;
use crate::error::{Error, Result};
use crate::rows::Rows;
use crate::text::{RowReader, TextFile, TextTable, convert, written};

/// Number of files from whose beginning the columns are inferred. The others must have the same.
const EXAMINED: usize = 8;

/// Maximum number of rows of a batch.
const BATCH_ROWS: u64 = 8192;

/// The files of a table, and their columns.
pub(crate) struct TextFiles {
    files: Vec<TextFile>,
    table: TextTable,
}

impl TextFiles {
    pub(super) async fn open(connection: &Connection, table: &Table, indexes: &HashMap<u32, Bytes>) -> Result<Self> {
        let declared = Arc::new(table.declared.clone());
        let mut files = Vec::new();
        for (number, file) in table.files.iter().enumerate() {
            let number = u32::try_from(number).map_err(Error::internal)?;
            let kept = indexes.get(&number).cloned();
            files.push(TextFile::new(connection, number, file, table.format, &declared, kept));
        }
        let examined = files.iter().take(EXAMINED);
        let examined = try_join_all(examined.map(|file| async move { Ok::<_, Error>((file, file.known().await?)) }));
        let table = TextTable::new(&examined.await?, &declared)?;
        Ok(Self { files, table })
    }

    /// Returns the columns.
    pub(crate) fn table(&self) -> &TextTable {
        &self.table
    }

    pub(super) fn total(&self) -> Option<u64> {
        self.files.iter().map(TextFile::total).sum()
    }

    pub(super) fn indexes(&self) -> Result<Vec<(u32, Bytes)>> {
        let mut found = Vec::new();
        for (number, file) in (0..).zip(&self.files) {
            found.extend(file.take_index()?.map(|index| (number, index)));
        }
        Ok(found)
    }

    pub(super) fn describe(&self) -> Map<String, Value> {
        let known: Vec<_> = self.files.iter().filter_map(TextFile::examined).collect();
        let rows: u64 = known.iter().map(|known| known.inferred.rows).sum();
        let is_complete = known.len() == self.files.len() && known.iter().all(|known| known.inferred.is_complete);
        let mut description = Map::from_iter([("schema".to_owned(), json!(self.table.description))]);
        if let Some(first) = known.first() {
            if let Some(dialect) = &first.dialect {
                description.insert("dialect".to_owned(), json!(dialect.describe()));
            }
            description.insert("encoding".to_owned(), json!(first.encoding));
        }
        description.insert("rows".to_owned(), json!(rows));
        description.insert("is_complete".to_owned(), json!(is_complete));
        description
    }

    /// Reads rows as cells: at most `limit` from `offset` on.
    pub(crate) fn rows(self: &Arc<Self>, offset: u64, limit: u64) -> TextRows {
        TextRows { files: Arc::clone(self), number: 0, reader: None, skip: offset, rest: limit }
    }

    pub(super) fn batches(
        self: &Arc<Self>,
        offset: u64,
        limit: u64,
        columns: Vec<usize>,
        schema: SchemaRef,
    ) -> Batches {
        let rows = self.rows(offset, limit);
        try_unfold((rows, columns, schema), |(mut rows, columns, schema)| async move {
            let Some(Part { rows: cells, range, file }) = rows.next().await? else { return Ok(None) };
            let batch = convert(&rows.files.table, cells, range, &columns, &schema);
            let batch = batch.map_err(|error| error.in_file(rows.files.files[file].name()))?;
            Ok(Some((batch, (rows, columns, schema))))
        })
        .boxed()
    }

    /// Reads rows as strings, with their cells as they are in the files.
    pub(crate) fn written(self: &Arc<Self>, offset: u64, limit: u64, columns: Vec<usize>) -> Batches {
        let rows = self.rows(offset, limit);
        try_unfold((rows, columns), |(mut rows, columns)| async move {
            let Some(Part { rows: cells, range, file }) = rows.next().await? else { return Ok(None) };
            let batch = written(&rows.files.table, cells, range, &columns);
            let batch = batch.map_err(|error| error.in_file(rows.files.files[file].name()))?;
            Ok(Some((batch, (rows, columns))))
        })
        .boxed()
    }
}

/// Reads the rows of text files.
pub(crate) struct TextRows {
    files: Arc<TextFiles>,
    /// The number of the file that is being read.
    number: usize,
    reader: Option<RowReader>,
    /// Number of rows still to be left out, and to be read.
    skip: u64,
    rest: u64,
}

/// Rows of one file.
pub(crate) struct Part {
    pub(crate) rows: Rows,
    /// Those of them that were asked for.
    pub(crate) range: Range<usize>,
    /// The position of the file.
    pub(crate) file: usize,
}

impl TextRows {
    /// Reads the next rows; `None` after the last one.
    pub(crate) async fn next(&mut self) -> Result<Option<Part>> {
        while self.rest > 0 {
            let Some(file) = self.files.files.get(self.number) else { return Ok(None) };
            if self.reader.is_none() {
                let known = file.known().await?;
                self.files.table.check(file, known)?;
                if let Some(total) = file.total().filter(|total| *total <= self.skip) {
                    self.skip -= total;
                    self.number += 1;
                    continue;
                }
                let reader = file.rows_before(self.skip).await?;
                self.skip -= reader.row();
                self.reader = Some(reader);
            }
            let Some(reader) = &mut self.reader else { continue };
            let limit = self.skip.saturating_add(self.rest).min(BATCH_ROWS);
            let limit = usize::try_from(limit).map_err(Error::internal)?;
            let Some(rows) = reader.next(limit).await.map_err(|error| error.in_file(file.name()))? else {
                self.reader = None;
                self.number += 1;
                continue;
            };
            let count = rows.len();
            let start = usize::try_from(self.skip).unwrap_or(usize::MAX).min(count);
            let end = start + usize::try_from(self.rest).unwrap_or(usize::MAX).min(count - start);
            self.skip -= start as u64;
            self.rest -= (end - start) as u64;
            if start < end {
                return Ok(Some(Part { rows, range: start..end, file: self.number }));
            }
        }
        Ok(None)
    }

    /// Converts some of the rows of a part, with the columns at these positions, whose types are those of `schema`.
    /// `as_written` leaves cells as they are in the file.
    pub(crate) fn take(
        &self,
        part: Part,
        indexes: &[usize],
        columns: &[usize],
        schema: &SchemaRef,
        as_written: bool,
    ) -> Result<RecordBatch> {
        let Part { rows, range, file } = part;
        let table = &self.files.table;
        let convert = |rows, range| {
            if as_written { written(table, rows, range, columns) } else { convert(table, rows, range, columns, schema) }
        };
        let mut batch = Err(Error::internal("nothing was converted"));
        if indexes.len() < range.len() {
            batch = convert(rows.select(indexes.iter().map(|index| range.start + index)), 0..indexes.len());
        }
        // Messages about invalid cells need the numbers of the rows in the file.
        batch.or_else(|_| convert(rows, range)).map_err(|error| self.describe(error, file))
    }

    /// Adds the name of a file to an error.
    pub(crate) fn describe(&self, error: Error, file: usize) -> Error {
        match self.files.files.get(file) {
            Some(file) => error.in_file(file.name()),
            None => error,
        }
    }
}
