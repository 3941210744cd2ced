//! Tables for DataFusion.
//!
//! Of the statistics of files, only the number of rows is passed on, as an estimate for the order of joins, so that counts
//! and extremes are computed from rows. DataFusion reads only the columns that it needs, and in Parquet files skips row
//! groups and pages by their own statistics.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use datafusion::arrow::datatypes::{DataType, Field, SchemaRef};
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::stats::Precision;
use datafusion::common::{Column, ScalarValue, Statistics};
use datafusion::datasource::TableType;
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::parquet::ParquetFileReaderFactory;
use datafusion::datasource::physical_plan::{FileGroup, FileScanConfigBuilder, ParquetSource};
use datafusion::datasource::source::DataSourceExec;
use datafusion::datasource::table_schema::{TableSchema, TableSchemaBuilder};
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::metrics::ExecutionPlanMetricsSet;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::streaming::{PartitionStream, StreamingTableExec};
use datafusion::prelude::lit;
use futures::TryStreamExt as _;
use object_store::memory::InMemory;
use parquet::arrow::RowNumber;
use parquet::arrow::async_reader::AsyncFileReader;

use super::OpenTable;
use crate::error::Error;
use crate::parquet_file::ParquetFile;
use crate::query::{Numbered, unused_name};

/// The name of the store in plans. It is empty: files are read through the connection.
const STORE: &str = "table://files";

/// A table for DataFusion.
pub(super) struct Provider {
    table: Arc<OpenTable>,
    /// The columns. With numbered rows, the columns of the table are followed by two more: how many rows the files before
    /// this one have, and the number of the row in its file.
    schema: TableSchema,
}

impl Provider {
    /// Creates a table with its own columns.
    pub(super) fn new(table: Arc<OpenTable>) -> Self {
        let schema = TableSchema::from(table.schema());
        Self { table, schema }
    }

    /// Creates a table whose rows are numbered by the reader, so that a filter need not read the rows before; `None` if
    /// its files cannot do that.
    pub(super) fn numbered(table: Arc<OpenTable>) -> Option<Numbered> {
        table.as_parquet().filter(|files| files.iter().all(|file| file.has_numbered_groups()))?;
        let name = unused_name(table.schema());
        let [start, row] = ["start", "row"].map(|what| format!("{name}_{what}"));
        let field = |name: &str| Field::new(name, DataType::Int64, false);
        let schema = TableSchemaBuilder::new(Arc::clone(table.schema()))
            .with_table_partition_cols(vec![Arc::new(field(&start))])
            .with_virtual_columns(vec![Arc::new(field(&row).with_extension_type(RowNumber))])
            .build();
        let [start, row] = [start, row].map(|name| Expr::Column(Column::new_unqualified(name)));
        Some(Numbered { provider: Arc::new(Self { table, schema }), number: start + row + lit(1_i64) })
    }
}

impl fmt::Debug for Provider {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("table")
    }
}

#[async_trait]
impl TableProvider for Provider {
    fn schema(&self) -> SchemaRef {
        Arc::clone(self.schema.table_schema())
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> Result<Vec<TableProviderFilterPushDown>> {
        let support = match self.table.as_parquet() {
            Some(_) => TableProviderFilterPushDown::Inexact,
            None => TableProviderFilterPushDown::Unsupported,
        };
        Ok(vec![support; filters.len()])
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        _filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let Some(files) = self.table.as_parquet() else { return self.stream(projection, limit) };
        let url = ObjectStoreUrl::parse(STORE)?;
        state.runtime_env().register_object_store(url.as_ref(), Arc::new(InMemory::new()));
        let factory = Arc::new(Readers(files.to_vec()));
        let source = ParquetSource::new(self.schema.clone())
            .with_table_parquet_options(state.table_options().parquet.clone())
            .with_parquet_file_reader_factory(factory)
            .with_pushdown_filters(state.config_options().execution.parquet.pushdown_filters)
            .with_reorder_filters(state.config_options().execution.parquet.reorder_filters)
            .with_enable_page_index(true);
        let (mut rows, is_numbered) = (0, !self.schema.virtual_columns().is_empty());
        let mut parts = Vec::with_capacity(files.len());
        for (number, file) in files.iter().enumerate() {
            // Plans show the name.
            let mut part = PartitionedFile::new(file.name(), file.size()).with_extension(Number(number));
            if is_numbered {
                part.partition_values = vec![ScalarValue::Int64(i64::try_from(rows).ok())];
            }
            parts.push(part);
            rows += file.rows();
        }
        // In a single group, which is split if rows need not stay in the order of the files.
        let is_ordered = state.config().target_partitions() == 1;
        let config = FileScanConfigBuilder::new(url, Arc::new(source))
            .with_file_group(FileGroup::new(parts))
            .with_projection_indices(projection.cloned())?
            .with_preserve_order(is_ordered)
            .with_statistics(estimate(self.schema.table_schema(), rows))
            .with_limit(limit)
            .build();
        Ok(DataSourceExec::from_data_source(config))
    }
}

impl Provider {
    fn stream(&self, projection: Option<&Vec<usize>>, limit: Option<usize>) -> Result<Arc<dyn ExecutionPlan>> {
        let columns = projection.cloned().unwrap_or_else(|| (0..self.table.columns().len()).collect());
        let schema = self.table.project(&columns)?;
        let limit_rows = limit.map_or(u64::MAX, |limit| limit as u64);
        let part = Part { table: Arc::clone(&self.table), columns, schema: Arc::clone(&schema), limit: limit_rows };
        Ok(Arc::new(StreamingTableExec::try_new(schema, vec![Arc::new(part)], None, Vec::new(), false, limit)?))
    }
}

/// The rows of a table that is not Parquet.
struct Part {
    table: Arc<OpenTable>,
    columns: Vec<usize>,
    schema: SchemaRef,
    limit: u64,
}

impl fmt::Debug for Part {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("rows")
    }
}

impl PartitionStream for Part {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, _: Arc<TaskContext>) -> SendableRecordBatchStream {
        let rows = self.table.rows(0, self.limit, &self.columns);
        let rows = futures::stream::once(async move { rows }).try_flatten().map_err(DataFusionError::from);
        Box::pin(RecordBatchStreamAdapter::new(Arc::clone(&self.schema), rows))
    }
}

/// Returns statistics for decisions, but not for results.
fn estimate(schema: &SchemaRef, rows: u64) -> Statistics {
    let rows = usize::try_from(rows).unwrap_or(usize::MAX);
    Statistics { num_rows: Precision::Inexact(rows), ..Statistics::new_unknown(schema) }
}

/// The number of a file in its table.
struct Number(usize);

/// Readers of Parquet files by their number.
struct Readers(Vec<Arc<ParquetFile>>);

impl fmt::Debug for Readers {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("files")
    }
}

impl ParquetFileReaderFactory for Readers {
    fn create_reader(
        &self,
        _: usize,
        file: PartitionedFile,
        _: Option<usize>,
        _: &ExecutionPlanMetricsSet,
    ) -> Result<Box<dyn AsyncFileReader + Send>> {
        let found = file.extension::<Number>().and_then(|number| self.0.get(number.0));
        Ok(found.ok_or_else(|| Error::internal("there is no such file"))?.reader())
    }
}
