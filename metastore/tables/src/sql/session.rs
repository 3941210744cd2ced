//! The session of a query: its tables, under the names that the query gives them.

use std::sync::Arc;

use datafusion::catalog::{MemorySchemaProvider, TableProvider};
use datafusion::common::TableReference;
use datafusion::execution::FunctionRegistry as _;
use datafusion::prelude::SessionContext;
use tables_wire::TableName;

use super::references::ROW_DIFF;
use super::row_diff::RowDiffs;
use crate::error::{Error, Result};
use crate::query::Context;
use crate::source::OpenTable;

/// Where names without a dataset are looked up. Names of datasets have a slash, so no dataset is called like that.
pub(super) const CATALOG: &str = "rutter";
pub(super) const DEFAULT_SCHEMA: &str = "default";

/// The tables of a query.
#[derive(Clone, Copy)]
pub(super) struct Tables<'a> {
    pub(super) names: &'a [TableName],
    pub(super) opened: &'a [Arc<OpenTable>],
}

impl Tables<'_> {
    /// Returns each table with its name.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&TableName, &Arc<OpenTable>)> {
        self.names.iter().zip(self.opened)
    }
}

/// Creates a session. `prefers_hash_joins` is false for joins that can spill.
pub(super) fn session(
    context: &Context,
    tables: Tables<'_>,
    diffs: &Arc<RowDiffs>,
    prefers_hash_joins: bool,
) -> Result<SessionContext> {
    let session = context.sql_session((CATALOG, DEFAULT_SCHEMA), prefers_hash_joins)?;
    // It would say which library this is.
    session.state_ref().write().deregister_udf("version")?;
    let catalog = session.catalog(CATALOG).ok_or_else(|| Error::internal("the session has no catalog"))?;
    for (name, table) in tables.iter() {
        let reference = match &name.dataset {
            None => TableReference::bare(name.table.as_str()),
            Some(dataset) => {
                if catalog.schema(dataset).is_none() {
                    catalog.register_schema(dataset, Arc::new(MemorySchemaProvider::new()))?;
                }
                TableReference::partial(dataset.as_str(), name.table.as_str())
            }
        };
        // Names with and without quotes can be the same here: then they are the same table.
        if !session.table_exist(reference.clone())? {
            session.register_table(reference, leaf(table))?;
        }
    }
    session.register_udtf(ROW_DIFF, Arc::clone(diffs) as _);
    Ok(session)
}

/// Returns a table as a leaf of plans. All that queries read goes through here.
fn leaf(table: &Arc<OpenTable>) -> Arc<dyn TableProvider> {
    table.provider()
}
