//! SQL: the tables that a query names, and its rows.

mod columns;
mod message;
mod parameters;
mod parse;
mod references;
mod row_diff;
mod session;
mod titles;
mod tokens;

use std::collections::HashMap;
use std::sync::Arc;

use arrow::datatypes::{Field, Fields, Schema, SchemaRef};
use bytes::Bytes;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::error::DataFusionError;
use datafusion::execution::context::SQLOptions;
use datafusion::logical_expr::{LogicalPlan, LogicalPlanBuilder};
use datafusion::physical_plan::{ExecutionPlan, execute_stream};
use datafusion::prelude::SessionContext;
use datafusion::sql::parser::Statement;
use futures::StreamExt as _;
use serde_json::Value;
use tables_wire::{Column, Done, References, Sql};

use self::message::explained;
use self::row_diff::RowDiffs;
use self::session::{Tables, session};
use self::titles::Titles;
use crate::error::{Error, Result};
use crate::infer::MAX_COLUMNS;
use crate::output::Encoder;
use crate::query::{Context, Sink, is_volatile};
use crate::source::OpenTable;
use crate::types::columns_of;

/// Number of encoded bytes that are sent together.
const PART: usize = 1 << 18;

/// The memory is divided between at most this many comparisons.
const MAX_COMPARISONS: usize = 7;

/// Finds the tables that a query names.
///
/// # Errors
/// Invalid for anything but one query; limit.
pub(crate) fn references(query: &str) -> Result<References> {
    references::find(&mut parse::parse(query)?)
}

/// Runs a query on the tables that it names.
///
/// # Errors
/// Invalid; limit; read.
pub(crate) async fn sql(context: &Context, tables: &[Arc<OpenTable>], request: &Sql, sink: &impl Sink) -> Result<Done> {
    let mut statement = parse::parse(&request.query)?;
    let names = references::find(&mut statement)?.tables;
    if names.len() != tables.len() {
        return Err(Error::internal(format!("a query on {} tables with {}", names.len(), tables.len())));
    }
    let tables = Tables { names: &names, opened: tables };
    let opened = tables.iter().map(|(name, table)| (name.clone(), Arc::clone(table))).collect();
    // Comparisons do not use the memory of the session.
    let calls = references::calls(&mut statement)?;
    let context = context.divided(1 + calls.len().min(MAX_COMPARISONS));
    let diffs = Arc::new(RowDiffs { context, tables: opened, rows: request.diff_rows });
    let titles = Titles::of(&mut statement);
    parameters::set(&mut statement, &request.parameters)?;
    let compared = calls.iter().map(|call| diffs.schema(call)).collect::<Result<Vec<_>>>()?;
    let fields = tables.iter().map(|(name, table)| (name.table.as_str(), table.schema().fields()));
    let compared = compared.iter().map(|schema| (references::ROW_DIFF, schema.fields()));
    columns::resolve(&mut statement, fields.chain(compared))?;
    let query = Query { context, tables, diffs, statement, titles, request };
    match query.run(true, sink).await {
        // Hash joins keep one side in memory. Others can spill.
        Err(Stopped { error, is_repeatable: true }) if error.is_out_of_memory() => query.run(false, sink).await,
        result => result,
    }
    .map_err(|stopped| stopped.error)
}

/// A query that is ready to be planned.
struct Query<'a> {
    context: Context,
    tables: Tables<'a>,
    diffs: Arc<RowDiffs>,
    statement: Statement,
    titles: Titles,
    request: &'a Sql,
}

/// Why a query ended early.
struct Stopped {
    error: Error,
    /// True if it may succeed with other joins, and nothing was sent yet.
    is_repeatable: bool,
}

impl From<Error> for Stopped {
    fn from(error: Error) -> Self {
        Self { error, is_repeatable: false }
    }
}

impl Query<'_> {
    async fn run(&self, prefers_hash_joins: bool, sink: &impl Sink) -> Result<Done, Stopped> {
        let session = session(&self.context, self.tables, &self.diffs, prefers_hash_joins)?;
        let plan = self.plan(&session).await?;
        let is_volatile = is_volatile_plan(&plan);
        let names = plan.schema().fields().iter().map(|field| field.name().clone()).collect();
        let columns: Vec<Column> = {
            let types = columns_of(plan.schema().as_arrow());
            let names = self.titles.apply(names).into_iter();
            names.zip(types).map(|(name, column)| Column { name, ..column }).collect()
        };
        let schema = result_schema(&plan, self.request);
        let physical = session.state().create_physical_plan(&plan).await.map_err(explained)?;
        let mut encoder = Encoder::new(self.request.output, &schema, &columns)?;
        if self.request.limit == Some(0) {
            // Only the columns are wanted. To find out whether there are rows can take as long as the query.
            sink.send(encoder.finish()?).await?;
            return Ok(Done { columns, more: true, is_volatile, ..Done::default() });
        }
        let is_repeatable = prefers_hash_joins && has_hash_join(&physical);
        let mut batches = execute_stream(physical, session.task_ctx()).map_err(explained)?;

        let (mut rows, mut more) = (0_u64, false);
        let mut waiting = Vec::new();
        while let Some(batch) = batches.next().await {
            let batch = batch
                .map_err(|error| Stopped { error: explained(error), is_repeatable: is_repeatable && rows == 0 })?;
            let wanted = self.request.limit.map_or(u64::MAX, |limit| limit - rows);
            let wanted = usize::try_from(wanted).unwrap_or(usize::MAX).min(batch.num_rows());
            let taken = encoder.write(&batch.slice(0, wanted))?;
            rows += taken as u64;
            more = taken < batch.num_rows();
            waiting.extend_from_slice(&encoder.take());
            if waiting.len() >= PART {
                sink.send(Bytes::from(std::mem::take(&mut waiting))).await?;
            }
            if more {
                break;
            }
        }
        waiting.extend_from_slice(&encoder.finish()?);
        sink.send(waiting.into()).await?;
        Ok(Done { columns, rows, more, is_volatile, ..Done::default() })
    }

    /// Plans the query, with one row more than wanted.
    async fn plan(&self, session: &SessionContext) -> Result<LogicalPlan> {
        let state = session.state();
        let plan = match state.statement_to_plan(self.statement.clone()).await {
            Err(error) if is_duplicate(&error) => {
                let mut statement = self.statement.clone();
                Titles::make_unique(&mut statement);
                state.statement_to_plan(statement).await
            }
            result => result,
        };
        let plan = plan.map_err(explained)?;
        let options = SQLOptions::new().with_allow_ddl(false).with_allow_dml(false).with_allow_statements(false);
        options.verify_plan(&plan).map_err(explained)?;
        match plan.schema().fields().len() {
            0 => return Err(Error::invalid("the query selects no columns")),
            columns if columns > MAX_COLUMNS => {
                return Err(Error::limit(format!("the result has more than {MAX_COLUMNS} columns; select fewer")));
            }
            _ => {}
        }
        let limit = self.request.limit.and_then(|limit| usize::try_from(limit.saturating_add(1)).ok());
        match limit {
            Some(limit) if !matches!(plan, LogicalPlan::Explain(_) | LogicalPlan::DescribeTable(_)) => {
                let limited = LogicalPlanBuilder::from(plan).limit(0, Some(limit)).and_then(LogicalPlanBuilder::build);
                limited.map_err(explained)
            }
            _ => Ok(plan),
        }
    }
}

/// Returns the types of a result, with its metadata. Values may be missing everywhere: plans are not always right there.
fn result_schema(plan: &LogicalPlan, request: &Sql) -> SchemaRef {
    let fields = plan.schema().fields().iter().map(|field| field.as_ref().clone().with_nullable(true));
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let metadata: HashMap<_, _> = request.metadata.iter().map(|(key, value)| (key.clone(), text(value))).collect();
    Arc::new(Schema::new(fields.collect::<Vec<Field>>().into_iter().collect::<Fields>()).with_metadata(metadata))
}

/// Returns true if a plan was refused since two columns have the same name.
fn is_duplicate(error: &DataFusionError) -> bool {
    matches!(error.find_root(), DataFusionError::Plan(why) if why.contains("require unique expression names"))
}

/// Returns true if the same query may have another result at another time.
fn is_volatile_plan(plan: &LogicalPlan) -> bool {
    let mut found = false;
    let visited = plan.apply_with_subqueries(|plan| {
        plan.apply_expressions(|expr| {
            found |= is_volatile(expr);
            Ok(if found { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
        })
    });
    // An error cannot be; if there were one, the result would not be kept.
    found || visited.is_err()
}

fn has_hash_join(plan: &Arc<dyn ExecutionPlan>) -> bool {
    plan.name() == "HashJoinExec" || plan.children().into_iter().any(has_hash_join)
}

#[cfg(test)]
mod tests;
