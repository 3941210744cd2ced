//! One of the two tables of a row diff, and how its rows are read.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Fields, Schema, SchemaRef};
use tables_wire::Column;

use crate::error::{Error, Result};
use crate::source::{Batches, OpenTable, TextFiles};

/// A table to compare.
#[derive(Clone)]
pub(super) struct Side {
    pub(super) table: Arc<OpenTable>,
    /// True if the cells of text are compared as they are written.
    is_written: bool,
    pub(super) schema: SchemaRef,
    pub(super) columns: Arc<[Column]>,
}

impl Side {
    /// Creates a side; `as_written` only matters for text.
    pub(super) fn new(table: Arc<OpenTable>, as_written: bool) -> Self {
        let is_written = as_written && table.as_text().is_some();
        let mut columns = table.columns().to_vec();
        let mut schema = Arc::clone(table.schema());
        if is_written {
            let field = |column: &Column| Field::new(&column.name, DataType::Utf8, true);
            schema = Arc::new(Schema::new(columns.iter().map(field).collect::<Fields>()));
            columns = columns.into_iter().map(|column| Column { format: None, ..column }).collect();
        }
        Self { table, is_written, schema, columns: columns.into() }
    }

    /// Reads rows: at most `limit` from `offset` on, with the columns at these positions.
    pub(super) fn rows(&self, offset: u64, limit: u64, columns: &[usize]) -> Result<Batches> {
        match self.table.as_text() {
            Some(files) if self.is_written => Ok(files.written(offset, limit, columns.to_vec())),
            _ => self.table.rows(offset, limit, columns),
        }
    }

    /// Returns the files and whether their cells stay as they are written, if they are text.
    pub(super) fn as_text(&self) -> Option<(&Arc<TextFiles>, bool)> {
        self.table.as_text().map(|files| (files, self.is_written))
    }

    /// Returns the types of the columns at these positions.
    pub(super) fn project(&self, columns: &[usize]) -> Result<SchemaRef> {
        Ok(Arc::new(self.schema.project(columns).map_err(Error::internal)?))
    }
}
