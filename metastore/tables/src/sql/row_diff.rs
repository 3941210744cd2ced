//! The table function `row_diff`, which compares two tables when it is read.

use std::fmt;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use datafusion::catalog::{Session, TableFunctionArgs, TableFunctionImpl, TableProvider};
use datafusion::datasource::TableType;
use datafusion::error::{DataFusionError, Result as PlanResult};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::Expr;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::streaming::{PartitionStream, StreamingTableExec};
use datafusion::scalar::ScalarValue;
use futures::TryStreamExt as _;
use tables_wire::{Diff, TableName};

use super::references::RowDiffCall;
use crate::diff::RowDiff;
use crate::error::{Error, Result};
use crate::query::Context;
use crate::source::OpenTable;

/// The tables that can be compared.
pub(super) struct RowDiffs {
    pub(super) context: Context,
    pub(super) tables: Vec<(TableName, Arc<OpenTable>)>,
    /// Maximum number of rows of a comparison.
    pub(super) rows: u64,
}

impl fmt::Debug for RowDiffs {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("row_diff")
    }
}

impl RowDiffs {
    /// Returns the columns of the result of a call.
    pub(super) fn schema(&self, call: &RowDiffCall) -> Result<SchemaRef> {
        Ok(self.comparison(call)?.schema)
    }

    /// Returns the comparison that a call stands for.
    fn comparison(&self, call: &RowDiffCall) -> Result<Comparison> {
        let find = |name: &TableName| {
            let found = self.tables.iter().find(|(other, _)| other == name);
            found.map(|(_, table)| Arc::clone(table)).ok_or_else(|| Error::internal("a table of row_diff is missing"))
        };
        let [from, to] = call.tables();
        let options = Diff { key: call.key.as_deref().map(key).transpose()?, rows: self.rows, text: false };
        let mut comparison = Comparison {
            context: self.context,
            from: find(&from)?,
            to: find(&to)?,
            options,
            schema: SchemaRef::new(arrow::datatypes::Schema::empty()),
        };
        comparison.schema = Arc::clone(comparison.start()?.schema());
        Ok(comparison)
    }
}

/// Parses a list of columns, as in requests: `id,"a, b"`.
fn key(text: &str) -> Result<Vec<String>> {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(text.as_bytes());
    match reader.records().next() {
        Some(Ok(names)) => Ok(names.iter().map(str::to_owned).collect()),
        _ => Err(Error::invalid("the key of row_diff is malformed; write the names of columns, separated by commas")),
    }
}

impl TableFunctionImpl for RowDiffs {
    fn call_with_args(&self, arguments: TableFunctionArgs<'_, '_>) -> PlanResult<Arc<dyn TableProvider>> {
        let text = |argument: &Expr| match argument {
            Expr::Literal(ScalarValue::Utf8(Some(text)), _) => Some(text.clone()),
            _ => None,
        };
        let arguments = arguments.exprs().iter().map(text).collect::<Option<Vec<_>>>();
        let call = RowDiffCall::new(arguments.ok_or_else(|| Error::internal("an argument is no string"))?)?;
        Ok(Arc::new(self.comparison(&call)?))
    }
}

/// Two tables to compare.
#[derive(Clone)]
struct Comparison {
    context: Context,
    from: Arc<OpenTable>,
    to: Arc<OpenTable>,
    options: Diff,
    schema: SchemaRef,
}

impl Comparison {
    fn start(&self) -> Result<RowDiff> {
        RowDiff::new(self.context, Arc::clone(&self.from), Arc::clone(&self.to), self.options.clone())
    }
}

impl fmt::Debug for Comparison {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("row_diff")
    }
}

#[async_trait]
impl TableProvider for Comparison {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Temporary
    }

    async fn scan(
        &self,
        _: &dyn Session,
        projection: Option<&Vec<usize>>,
        _: &[Expr],
        limit: Option<usize>,
    ) -> PlanResult<Arc<dyn ExecutionPlan>> {
        let schema = Arc::clone(&self.schema);
        let parts: Vec<Arc<dyn PartitionStream>> = vec![Arc::new(self.clone())];
        Ok(Arc::new(StreamingTableExec::try_new(schema, parts, projection, Vec::new(), false, limit)?))
    }
}

impl PartitionStream for Comparison {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, _: Arc<TaskContext>) -> SendableRecordBatchStream {
        let comparison = self.clone();
        let rows = async move {
            let (_, rows) = comparison.start()?.run(|_| ()).await?;
            Ok::<_, Error>(rows)
        };
        let rows = futures::stream::once(rows).try_flatten().map_err(DataFusionError::from);
        Box::pin(RecordBatchStreamAdapter::new(Arc::clone(&self.schema), rows))
    }
}
