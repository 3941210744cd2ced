//! External sort of rows, for tables whose rows were moved (DataFusion).

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::{ArrayRef, AsArray as _, BooleanArray, RecordBatch, UInt64Array};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, UInt64Type};
use datafusion::error::DataFusionError;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_expr::{LexOrdering, PhysicalSortExpr};
use datafusion::physical_plan::sorts::sort::SortExec;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::streaming::{PartitionStream, StreamingTableExec};
use datafusion::physical_plan::{ExecutionPlan, execute_stream};
use futures::StreamExt as _;

use super::matching::{Entry, Space};
use super::select::{Selected, SelectedRows};
use crate::error::{Error, Result};
use crate::query::{BATCH_ROWS, Context};

/// Number of columns that are added for the sort: position, whether the row is a removed one, and its number.
const ADDED: usize = 3;

/// Sorts rows into the order of the result. `schema` is the type of their batches.
pub(super) fn sort(rows: SelectedRows, schema: &SchemaRef, context: &Context, space: &Space) -> Result<SelectedRows> {
    let mut fields = schema.fields().to_vec();
    // The names only matter for messages.
    for (name, r#type) in [("position", DataType::UInt64), ("is_removed", DataType::Boolean), ("row", DataType::UInt64)]
    {
        fields.push(Arc::new(Field::new(name, r#type, false)));
    }
    let (width, schema) = (schema.fields().len(), Arc::new(Schema::new(fields)));
    let keys = (width..width + ADDED)
        .map(|index| PhysicalSortExpr::new_default(Arc::new(Column::new(schema.field(index).name(), index))));
    let order = LexOrdering::new(keys).ok_or_else(|| Error::internal("an order has columns"))?;
    let part = Part { schema: Arc::clone(&schema), rows: Mutex::new(Some(rows)) };
    let input = StreamingTableExec::try_new(schema, vec![Arc::new(part)], None, Vec::new(), false, None)?;
    let plan: Arc<dyn ExecutionPlan> = Arc::new(SortExec::new(order, Arc::new(input)));
    let context = Context { memory: context.memory / 2, scratch: space.scratch.left(), ..*context };
    let task = TaskContext::from(&context.session(BATCH_ROWS)?.state());
    // What is set aside for merging, by default 10 MiB.
    let config = task.session_config().clone().with_sort_spill_reservation_bytes(context.memory / 8);
    let sorted = execute_stream(plan, Arc::new(task.with_session_config(config)))?;
    Ok(sorted.map(move |batch| from_batch(&batch?, width)).boxed())
}

fn to_batch(selected: &Selected, schema: &SchemaRef) -> Result<RecordBatch> {
    let mut columns = selected.batch.columns().to_vec();
    let numbers =
        |of: fn(&Entry) -> u64| Arc::new(UInt64Array::from_iter_values(selected.entries.iter().map(of))) as ArrayRef;
    columns.push(numbers(|entry| entry.position));
    columns.push(Arc::new(selected.entries.iter().map(|entry| Some(entry.is_removed)).collect::<BooleanArray>()));
    columns.push(numbers(|entry| entry.row));
    Ok(RecordBatch::try_new(Arc::clone(schema), columns)?)
}

fn from_batch(batch: &RecordBatch, width: usize) -> Result<Selected> {
    let positions = batch.column(width).as_primitive::<UInt64Type>();
    let removed = batch.column(width + 1).as_boolean();
    let rows = batch.column(width + 2).as_primitive::<UInt64Type>();
    let entry = |at| Entry { row: rows.value(at), position: positions.value(at), is_removed: removed.value(at) };
    let entries = (0..batch.num_rows()).map(entry).collect();
    let values: Vec<usize> = (0..width).collect();
    Ok(Selected { entries, batch: batch.project(&values)? })
}

/// The rows, for DataFusion.
struct Part {
    schema: SchemaRef,
    rows: Mutex<Option<SelectedRows>>,
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
        let rows = self.rows.lock().unwrap_or_else(PoisonError::into_inner).take();
        let schema = Arc::clone(&self.schema);
        let batches = futures::stream::iter(rows).flatten().map(move |selected| {
            selected.and_then(|selected| to_batch(&selected, &schema)).map_err(DataFusionError::from)
        });
        Box::pin(RecordBatchStreamAdapter::new(Arc::clone(&self.schema), batches))
    }
}
