//! Queries: their schemas, tickets and rows.

use std::sync::Arc;

use arrow_flight::FlightData;
use arrow_flight::sql::{Any, ProstMessageExt as _, TicketStatementQuery};
use bytes::Bytes;
use futures::future::BoxFuture;
use futures::stream::BoxStream;
use futures::{StreamExt as _, TryStreamExt as _};
use prost::Message as _;
use serde_json::Value;

use super::caller::Caller;
use super::ipc::{self, Message, messages};
use crate::error::{Error, Kind, Result};
use crate::tables::{Charge, Output, PreparedQuery, SqlRequest, SqlText, quoted_name};

/// The cost of a query in points of the rate limits, besides its work.
const COST: usize = 50;

/// A query of a caller.
pub(super) struct Queries {
    caller: Arc<Caller>,
}

/// The rows of a query.
pub(super) type Rows = BoxStream<'static, Result<FlightData>>;

/// A query that can be fetched.
pub(super) struct Fetchable {
    /// The schema, as an IPC message with its prefix.
    pub(super) schema: Bytes,
    /// The ticket.
    pub(super) ticket: Bytes,
}

impl Queries {
    pub(super) fn new(caller: Arc<Caller>) -> Self {
        Self { caller }
    }

    /// Returns the schema and the ticket of a query.
    ///
    /// # Errors
    /// As for [`Tables::sql`](crate::tables::Tables::sql).
    pub(super) fn describe(self, query: String) -> BoxFuture<'static, Result<Fetchable>> {
        Box::pin(async move { self.describe_prepared(PreparedQuery { query, parameters: Value::Null }).await })
    }

    /// Returns the schema and the ticket of a prepared statement.
    ///
    /// # Errors
    /// As for [`Queries::prepared`] and [`Queries::describe`].
    pub(super) fn describe_handle(self, handle: Bytes) -> BoxFuture<'static, Result<Fetchable>> {
        Box::pin(async move { self.describe_prepared(self.prepared(&handle)?).await })
    }

    async fn describe_prepared(&self, prepared: PreparedQuery) -> Result<Fetchable> {
        let parameters = prepared.parameters.clone();
        self.caller.charge(COST);
        let (query, schema) = self.schema(prepared).await?;
        let statement_handle = self.seal(query, parameters)?;
        let ticket = TicketStatementQuery { statement_handle }.as_any().encode_to_vec().into();
        Ok(Fetchable { schema, ticket })
    }

    /// Returns the normal form and the schema of a query. Only its work is charged.
    ///
    /// # Errors
    /// As for [`Queries::describe`].
    pub(super) async fn schema(&self, PreparedQuery { query, parameters }: PreparedQuery) -> Result<(String, Bytes)> {
        let request = request(query, parameters, Some(0));
        let result =
            self.caller.app.tables.sql(&self.caller.app.access, self.caller.actor(), request, self.charge()).await?;
        let (stream, _) = result.rows.gather().await?;
        Ok((result.canonical, ipc::schema(&stream)?))
    }

    /// Prepares a statement. Returns its handle and its schema, which is empty if it depends on the parameters.
    ///
    /// # Errors
    /// As for [`Queries::describe`].
    pub(super) fn prepare(self, query: String) -> BoxFuture<'static, Result<(Bytes, Bytes)>> {
        Box::pin(async move { self.prepare_query(query).await })
    }

    async fn prepare_query(&self, query: String) -> Result<(Bytes, Bytes)> {
        self.caller.charge(COST);
        let (app, actor) = (&self.caller.app, self.caller.actor());
        let query = app.tables.canonical(&app.access, actor, query, self.charge()).await?;
        let schema = self.schema(PreparedQuery { query: query.clone(), parameters: Value::Null }).await;
        let schema = match schema {
            Ok((_, schema)) => schema,
            Err(error) if error.kind() == Kind::Invalid && query.contains('$') => Bytes::new(),
            Err(error) => return Err(error),
        };
        Ok((self.seal(query, Value::Null)?, schema))
    }

    /// Returns the handle of a prepared statement with these parameters.
    ///
    /// # Errors
    /// As for [`Queries::prepared`].
    pub(super) fn bind(&self, handle: &[u8], parameters: Value) -> Result<Bytes> {
        self.seal(self.prepared(handle)?.query, parameters)
    }

    /// Returns the statement of a handle or ticket.
    ///
    /// # Errors
    /// As for [`Tables::query_of_ticket`](crate::tables::Tables::query_of_ticket).
    pub(super) fn prepared(&self, handle: &[u8]) -> Result<PreparedQuery> {
        self.caller.app.tables.query_of_ticket(self.caller.actor(), handle)
    }

    /// Runs the query of a ticket or of a prepared statement; access is checked again.
    ///
    /// # Errors
    /// As for [`Queries::prepared`] and [`Queries::describe`].
    pub(super) fn run(self, handle: Bytes) -> BoxFuture<'static, Result<Rows>> {
        Box::pin(async move { self.run_query(&handle).await })
    }

    async fn run_query(&self, handle: &[u8]) -> Result<Rows> {
        self.caller.charge(COST);
        let PreparedQuery { query, parameters } = self.prepared(handle)?;
        let request = request(query, parameters, None);
        let result =
            self.caller.app.tables.sql(&self.caller.app.access, self.caller.actor(), request, self.charge()).await?;
        let data = |Message { header, body }| FlightData::new().with_data_header(header).with_data_body(body);
        Ok(messages(result.rows.stream()).map_ok(data).boxed())
    }

    fn seal(&self, query: String, parameters: Value) -> Result<Bytes> {
        self.caller.app.tables.ticket(self.caller.actor(), PreparedQuery { query, parameters }).map(Bytes::from)
    }

    /// Returns what charges for the work of a query.
    fn charge(&self) -> Charge {
        let caller = self.caller.clone();
        Arc::new(move |points| caller.charge(points))
    }
}

fn request(query: String, parameters: Value, limit: Option<u64>) -> SqlRequest {
    SqlRequest { query: SqlText::Given(query), default: None, parameters, limit, output: Output::Arrow }
}

/// Returns the query of a path: the dataset with its revision, and the table.
///
/// # Errors
/// Invalid for any other path.
pub(super) fn query_of_path(path: &[String]) -> Result<String> {
    match path {
        [dataset, table] => Ok(format!("SELECT * FROM {}", quoted_name(dataset, table))),
        _ => Err(Error::invalid(
            "the path of a flight has two parts: OWNER/DATASET or OWNER/DATASET@REVISION, and the name of a table",
        )),
    }
}

/// Parses a command.
///
/// # Errors
/// Malformed if it is no message of Flight SQL.
pub(super) fn command(bytes: &[u8]) -> Result<arrow_flight::sql::Command> {
    let invalid = "the command is no message of Flight SQL";
    let any = Any::decode(bytes).map_err(|_| Error::malformed(invalid))?;
    any.try_into().map_err(|_| Error::malformed(invalid))
}
