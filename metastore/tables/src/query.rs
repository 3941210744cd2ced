//! Rows that match an expression, and sorted rows (DataFusion).

mod filter;

pub(crate) use self::filter::is_volatile;

use std::collections::HashSet;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Fields, Schema, SchemaRef};
use bytes::Bytes;
use datafusion::catalog::TableProvider;
use datafusion::common::Column as ColumnName;
use datafusion::execution::SessionStateBuilder;
use datafusion::execution::disk_manager::{DiskManagerBuilder, DiskManagerMode};
use datafusion::execution::memory_pool::FairSpillPool;
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::functions_window::expr_fn::row_number;
use datafusion::logical_expr::{Expr, SortExpr};
use datafusion::physical_plan::{ExecutionPlan, ExecutionPlanProperties as _, execute_stream};
use datafusion::prelude::{DataFrame, SessionConfig, SessionContext, cast, lit};
use futures::StreamExt as _;
use tables_wire::{Column, Done, Page, Sort};

use crate::error::{Error, Result, shortened};
use crate::names;
use crate::output::Encoder;
use crate::types::columns_of;

/// Maximum of offset and limit together, with a filter or an order.
const MAX_ROWS: u64 = 100_000;

/// Number of rows that are read at once.
pub(crate) const BATCH_ROWS: usize = 8192;

/// The limits of requests.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Context {
    /// Memory, in bytes.
    pub(crate) memory: usize,
    /// Disk space for spilled rows, in bytes.
    pub(crate) scratch: u64,
    /// Number of threads.
    pub(crate) threads: usize,
}

impl Context {
    /// Creates a session of DataFusion for one request, which keeps to the limits and has no tables.
    ///
    /// Plans have a single partition, so that rows stay in the order of the table.
    pub(crate) fn session(&self, batch_rows: usize) -> Result<SessionContext> {
        let config = SessionConfig::new().with_batch_size(batch_rows).with_target_partitions(1);
        self.start(config.with_repartition_file_scans(false))
    }

    /// Creates a session for one request which uses all threads, so that rows have no order.
    fn unordered_session(&self) -> Result<SessionContext> {
        self.start(SessionConfig::new().with_batch_size(BATCH_ROWS).with_target_partitions(self.threads))
    }

    /// Creates a session of DataFusion for a query in SQL, which uses all threads, so that rows have no order. `names` are
    /// its catalog and its schema.
    pub(crate) fn sql_session(&self, names: (&str, &str), prefers_hash_joins: bool) -> Result<SessionContext> {
        // Joins that can spill need several partitions.
        let threads = if prefers_hash_joins { self.threads } else { self.threads.max(2) };
        let mut config = SessionConfig::new()
            .with_batch_size(BATCH_ROWS)
            .with_target_partitions(threads)
            .with_default_catalog_and_schema(names.0, names.1);
        let options = &mut config.options_mut().optimizer;
        options.prefer_hash_join = prefers_hash_joins;
        // Measured: most joins keep most rows, and pay for a filter on each of them.
        options.enable_join_dynamic_filter_pushdown = false;
        self.start(config)
    }

    /// Returns the limits of each of several parts of a request, which have memory and disk space together.
    pub(crate) fn divided(&self, parts: usize) -> Self {
        Self { memory: self.memory / parts, scratch: self.scratch / parts as u64, ..*self }
    }

    fn start(&self, config: SessionConfig) -> Result<SessionContext> {
        let mut config = config.with_information_schema(false).with_collect_statistics(false);
        let options = config.options_mut();
        options.execution.time_zone = Some("+00:00".to_owned());
        options.execution.parquet.pushdown_filters = true;
        options.execution.parquet.reorder_filters = true;
        options.execution.parquet.schema_force_view_types = false;
        options.sql_parser.map_string_types_to_utf8view = false;
        let disk = DiskManagerBuilder::default()
            .with_mode(DiskManagerMode::Directories(vec![".".into()]))
            .with_max_temp_directory_size(self.scratch);
        let runtime = RuntimeEnvBuilder::new()
            .with_memory_pool(Arc::new(FairSpillPool::new(self.memory)))
            .with_disk_manager_builder(disk)
            .build_arc()?;
        let state =
            SessionStateBuilder::new().with_config(config).with_runtime_env(runtime).with_default_features().build();
        Ok(SessionContext::new_with_state(state))
    }
}

/// A table to query.
pub(crate) struct Source {
    /// Its rows, in their order.
    pub(crate) provider: Arc<dyn TableProvider>,
    /// The same with numbers of rows, if the files have them.
    pub(crate) numbered: Option<Numbered>,
    /// Its columns, one for each of the provider.
    pub(crate) columns: Vec<Column>,
    /// Number of rows, if it is known.
    pub(crate) total: Option<u64>,
}

/// A table with numbered rows.
pub(crate) struct Numbered {
    /// Its columns are followed by others, of which the number is made.
    pub(crate) provider: Arc<dyn TableProvider>,
    /// The number of a row, from 1.
    pub(crate) number: Expr,
}

/// Where parts of a result go.
pub(crate) trait Sink: Sync {
    /// Sends a part of the result.
    fn send(&self, part: Bytes) -> impl Future<Output = Result<()>> + Send;
}

/// Writes a page of the rows that match the filter, in the order requested.
pub(crate) async fn page(context: &Context, source: &Source, page: &Page, sink: &impl Sink) -> Result<Done> {
    let last = page.offset.saturating_add(page.limit);
    if last > MAX_ROWS {
        return Err(Error::limit(format!(
            "with `where` or `sort`, `offset` and `limit` together must be at most {MAX_ROWS}; narrow down `where`"
        )));
    }
    let schema = source.provider.schema();
    let selected = names::positions(&source.columns, page.columns.as_deref())?;
    let columns: Vec<_> = selected.iter().map(|position| source.columns[*position].clone()).collect();
    let session =
        if is_unordered(source, &page.sort) { context.unordered_session()? } else { context.session(BATCH_ROWS)? };
    check_unique(&schema)?;
    let filter = page.filter.as_ref().map(|filter| filter::parse(&session.state(), filter, &schema)).transpose()?;
    let is_volatile = filter.as_ref().is_some_and(filter::is_volatile);
    let number = page.detailed.then(|| unused_name(&schema));
    let rows = Selection { filter, sort: &page.sort, columns: &selected, number: number.as_deref(), limit: last + 1 };
    let plan = plan(&session, source, &rows).await?;
    let mut batches = execute_stream(plan, session.task_ctx())?;
    let (mut result, mut written) = (schema.project(&selected)?, columns.clone());
    if let Some(name) = &number {
        let field = Field::new(name, DataType::UInt64, true);
        written.extend(columns_of(&Schema::new(vec![field.clone()])));
        result = Schema::new(result.fields().iter().cloned().chain([Arc::new(field)]).collect::<Fields>());
    }
    let mut encoder = Encoder::new(page.output, &Arc::new(result), &written)?;

    let (mut seen, mut count, mut more) = (0, 0, false);
    while let Some(batch) = batches.next().await {
        let batch = batch?;
        let available = batch.num_rows();
        let start = usize::try_from(page.offset.saturating_sub(seen)).unwrap_or(usize::MAX).min(available);
        let wanted = usize::try_from(page.limit - count).unwrap_or(usize::MAX).min(available - start);
        let written = encoder.write(&batch.slice(start, wanted))?;
        sink.send(encoder.take()).await?;
        seen += available as u64;
        count += written as u64;
        more = start + written < available;
        if more {
            break;
        }
    }
    sink.send(encoder.finish()?).await?;
    drop(batches);
    let known = if more { source.total.filter(|_| page.filter.is_none()) } else { Some(seen) };
    let total = match known {
        None if page.detailed => Some(rows.count(context, source).await?),
        known => known,
    };
    Ok(Done { columns, rows: count, more, total, is_volatile, ..Done::default() })
}

/// Rows to select.
struct Selection<'a> {
    filter: Option<Expr>,
    sort: &'a [Sort],
    /// The positions of the columns.
    columns: &'a [usize],
    /// The name of a column with the number of each row in the table, if there is to be one.
    number: Option<&'a str>,
    /// Maximum number of rows.
    limit: u64,
}

impl Selection<'_> {
    /// Counts all rows that match the filter.
    async fn count(&self, context: &Context, source: &Source) -> Result<u64> {
        let frame = context.unordered_session()?.read_table(source.provider.clone())?;
        let frame = self.filter.iter().try_fold(frame, |frame, filter| frame.filter(filter.clone()))?;
        Ok(frame.count().await? as u64)
    }
}

/// Returns true if rows may be read in any order: those that are equal are sorted by their numbers, which the files have.
fn is_unordered(source: &Source, sort: &[Sort]) -> bool {
    source.numbered.is_some() && !sort.is_empty()
}

/// Plans a page.
async fn plan(session: &SessionContext, source: &Source, rows: &Selection<'_>) -> Result<Arc<dyn ExecutionPlan>> {
    let schema = source.provider.schema();
    let is_unordered = is_unordered(source, rows.sort);
    let mut number = rows.number.map(str::to_owned);
    let mut frame = match &source.numbered {
        Some(numbered) if number.is_some() || is_unordered => {
            let name = number.get_or_insert_with(|| unused_name(&schema));
            let frame = session.read_table(numbered.provider.clone())?;
            frame.with_column(name, cast(numbered.number.clone(), DataType::UInt64))?
        }
        _ => {
            let frame = session.read_table(source.provider.clone())?;
            if let Some(name) = &number { numbered(frame, name)? } else { frame }
        }
    };
    if let Some(filter) = &rows.filter {
        frame = frame.filter(filter.clone())?;
    }
    if !rows.sort.is_empty() {
        frame = sorted(frame, &schema, rows.sort, number.as_deref())?;
    }
    frame = frame.limit(0, Some(usize::try_from(rows.limit).unwrap_or(usize::MAX)))?;
    let columns = rows.columns.iter().map(|position| column(schema.field(*position).name()));
    // Those of DataFusion begin with 1.
    let number = rows.number.map(|number| (column(number) - lit(1_u64)).alias(number));
    frame = frame.select(columns.chain(number))?;
    let plan = frame.create_physical_plan().await?;
    if !is_unordered {
        check_partitions(&plan)?;
    }
    Ok(plan)
}

/// Returns a name that no column has.
pub(crate) fn unused_name(schema: &SchemaRef) -> String {
    let mut name = "row".to_owned();
    while schema.column_with_name(&name).is_some() {
        name.push('_');
    }
    name
}

/// Adds a column with the number of each row, from 1.
fn numbered(frame: DataFrame, name: &str) -> Result<DataFrame> {
    Ok(frame.window(vec![row_number().alias(name)])?)
}

/// Sorts rows. Ties keep the order of the table, by the number of the row, which the column `number` has, if it exists.
fn sorted(frame: DataFrame, schema: &SchemaRef, sort: &[Sort], number: Option<&str>) -> Result<DataFrame> {
    let names = schema.fields().iter().map(|field| field.name().as_str());
    let mut order = Vec::with_capacity(sort.len() + 1);
    for Sort { column: name, descending } in sort {
        names::position(names.clone(), name)?;
        order.push(SortExpr::new(column(name), !descending, false));
    }
    let (frame, number) = if let Some(number) = number {
        (frame, number.to_owned())
    } else {
        let number = unused_name(schema);
        (numbered(frame, &number)?, number)
    };
    order.push(SortExpr::new(column(&number), true, false));
    Ok(frame.sort(order)?)
}

fn column(name: &str) -> Expr {
    Expr::Column(ColumnName::new_unqualified(name))
}

/// Checks that expressions can tell the columns apart.
fn check_unique(schema: &SchemaRef) -> Result<()> {
    let mut names = HashSet::new();
    for field in schema.fields() {
        if !names.insert(field.name()) {
            let name = shortened(field.name(), 60);
            return Err(Error::invalid(format!(
                "several columns are named \"{name}\": the table cannot be filtered or sorted; rename them"
            )));
        }
    }
    Ok(())
}

/// Checks that the rows are read in their order.
fn check_partitions(plan: &Arc<dyn ExecutionPlan>) -> Result<()> {
    if plan.output_partitioning().partition_count() != 1 {
        return Err(Error::internal(format!("{} has several partitions, which have no order", plan.name())));
    }
    plan.children().into_iter().try_for_each(check_partitions)
}

#[cfg(test)]
pub(crate) mod tests;
