//! The calls of Arrow Flight.
//!
//! Nothing large may be in the futures of these methods while they wait: the compiler proves for each method of an
//! asynchronous trait anew that its future can be sent to another thread. So [`Queries`] and [`Catalogue`] return boxed
//! futures, which own them.

use std::sync::Arc;

use arrow_flight::flight_descriptor::DescriptorType;
use arrow_flight::flight_service_server::FlightService;
use arrow_flight::sql::{
    ActionClosePreparedStatementRequest, ActionCreatePreparedStatementRequest, ActionCreatePreparedStatementResult,
    Any, Command, DoPutPreparedStatementResult, ProstMessageExt as _,
};
use arrow_flight::{
    Action, ActionType, Criteria, Empty, FlightData, FlightDescriptor, FlightEndpoint, FlightInfo, HandshakeRequest,
    HandshakeResponse, PollInfo, PutResult, Result as ActionResult, SchemaResult, Ticket,
};
use bytes::Bytes;
use futures::stream::{self, BoxStream};
use futures::{StreamExt as _, TryStreamExt as _};
use prost::Message as _;
use tonic::{Extensions, Request, Response, Status, Streaming};

use super::caller::Caller;
use super::catalogue::{Catalogue, Listing};
use super::parameters;
use super::queries::{Fetchable, Queries, command, query_of_path};
use super::status::{of_encoding, status};
use crate::error::{Error, Result};

const CREATE: &str = "CreatePreparedStatement";
const CLOSE: &str = "ClosePreparedStatement";

/// Maximum number of messages with parameters.
const MAX_MESSAGES: usize = 8;

/// Maximum size of these messages as a whole, with the handle of the statement, in bytes.
const MAX_PUT: usize = 1 << 20;

const READ_ONLY: &str = "tables cannot be changed by queries; commit a new version of the file instead";

/// The calls. Each finds the server, too, in its [`Caller`].
pub(super) struct Service;

type Answer<T> = Result<Response<T>, Status>;
type Answers<T> = BoxStream<'static, Result<T, Status>>;

impl Service {
    /// Returns the schema of what a descriptor names, and the ticket for its rows.
    async fn describe(request: &Request<FlightDescriptor>) -> Result<Fetchable, Status> {
        let descriptor = request.get_ref();
        let queries = || caller(request.extensions()).map(Queries::new);
        let described = match descriptor.r#type() {
            DescriptorType::Path => match query_of_path(&descriptor.path) {
                Ok(query) => queries()?.describe(query).await,
                Err(error) => Err(error),
            },
            DescriptorType::Cmd => match command(&descriptor.cmd) {
                Ok(Command::CommandStatementQuery(query)) => {
                    refuse_transaction(query.transaction_id.as_ref())?;
                    queries()?.describe(query.query).await
                }
                Ok(Command::CommandPreparedStatementQuery(query)) => {
                    queries()?.describe_handle(query.prepared_statement_handle).await
                }
                Ok(command) => {
                    let listing = Listing::of(command).ok_or_else(unknown)?;
                    let schema = listing.schema().map_err(|error| status(&error))?;
                    // There is nothing to hide in the command, and it is authorized when it is run.
                    Ok(Fetchable { schema, ticket: descriptor.cmd.clone() })
                }
                Err(error) => Err(error),
            },
            DescriptorType::Unknown => Err(Error::invalid("a flight is named by a path or a command")),
        };
        described.map_err(|error| status(&error))
    }
}

#[tonic::async_trait]
impl FlightService for Service {
    type HandshakeStream = Answers<HandshakeResponse>;
    type ListFlightsStream = Answers<FlightInfo>;
    type DoGetStream = Answers<FlightData>;
    type DoPutStream = Answers<PutResult>;
    type DoExchangeStream = Answers<FlightData>;
    type DoActionStream = Answers<ActionResult>;
    type ListActionsStream = Answers<ActionType>;

    /// Returns the token of the caller as a bearer token, in the headers of the response.
    async fn handshake(&self, request: Request<Streaming<HandshakeRequest>>) -> Answer<Self::HandshakeStream> {
        let caller = caller(request.extensions())?;
        let missing = || Status::unauthenticated("send a user name and a token by `authorization: Basic`");
        let secret = caller.secret.as_ref().ok_or_else(missing)?;
        let bearer = format!("Bearer {}", secret.expose()).parse();
        let mut bearer: tonic::metadata::MetadataValue<_> = bearer.map_err(|_| missing())?;
        bearer.set_sensitive(true);
        let payload = Bytes::copy_from_slice(secret.expose().as_bytes());
        let mut response = Response::new(once(HandshakeResponse { protocol_version: 0, payload }));
        response.metadata_mut().insert("authorization", bearer);
        Ok(response)
    }

    /// Lists tables by their paths. The criteria are a pattern for datasets, such as `ada/%`.
    async fn list_flights(&self, request: Request<Criteria>) -> Answer<Self::ListFlightsStream> {
        let pattern = std::str::from_utf8(&request.get_ref().expression);
        let pattern = pattern.map_err(|_| Status::invalid_argument("the criteria must be UTF-8 text"))?;
        let pattern = Some(pattern).filter(|pattern| !pattern.is_empty());
        let catalogue = caller(request.extensions()).map(Catalogue::new)?;
        let tables = catalogue.tables(pattern.map(str::to_owned)).await.map_err(|error| status(&error))?;
        let info = |(dataset, table): (String, String)| {
            Ok(FlightInfo::new().with_descriptor(FlightDescriptor::new_path(vec![dataset, table])))
        };
        Ok(Response::new(stream::iter(tables.into_iter().map(info)).boxed()))
    }

    async fn get_flight_info(&self, request: Request<FlightDescriptor>) -> Answer<FlightInfo> {
        let Fetchable { schema, ticket } = Self::describe(&request).await?;
        let endpoint = FlightEndpoint::new().with_ticket(Ticket { ticket });
        let info = FlightInfo { schema, ..FlightInfo::new() };
        Ok(Response::new(info.with_descriptor(request.into_inner()).with_endpoint(endpoint)))
    }

    async fn poll_flight_info(&self, _: Request<FlightDescriptor>) -> Answer<PollInfo> {
        Err(Status::unimplemented("use GetFlightInfo: it returns before the query runs"))
    }

    async fn get_schema(&self, request: Request<FlightDescriptor>) -> Answer<SchemaResult> {
        let Fetchable { schema, .. } = Self::describe(&request).await?;
        Ok(Response::new(SchemaResult { schema }))
    }

    async fn do_get(&self, request: Request<Ticket>) -> Answer<Self::DoGetStream> {
        let handle = match command(&request.get_ref().ticket).map_err(|error| status(&error))? {
            Command::TicketStatementQuery(query) => query.statement_handle,
            Command::CommandPreparedStatementQuery(query) => query.prepared_statement_handle,
            command => {
                let listing = Listing::of(command).ok_or_else(unknown)?;
                let catalogue = caller(request.extensions()).map(Catalogue::new)?;
                let rows = catalogue.read(listing).await.map_err(|error| status(&error))?;
                return Ok(Response::new(rows.map_err(of_encoding).boxed()));
            }
        };
        let queries = caller(request.extensions()).map(Queries::new)?;
        let rows = queries.run(handle).await.map_err(|error| status(&error))?;
        Ok(Response::new(rows.map_err(|error| status(&error)).boxed()))
    }

    /// Binds the parameters of a prepared statement.
    async fn do_put(&self, request: Request<Streaming<FlightData>>) -> Answer<Self::DoPutStream> {
        let (_, extensions, mut sent) = request.into_parts();
        let (mut all, mut size, mut whole) = (Vec::new(), 0, 0);
        let mut handle = None;
        while let Some(data) = sent.message().await? {
            if handle.is_none() {
                let descriptor = data.flight_descriptor.as_ref();
                let descriptor = descriptor.ok_or_else(|| Status::invalid_argument("a descriptor is missing"))?;
                match command(&descriptor.cmd).map_err(|error| status(&error))? {
                    Command::CommandPreparedStatementQuery(query) => handle = Some(query.prepared_statement_handle),
                    _ => return Err(Status::unimplemented(READ_ONLY)),
                }
            }
            size += data.data_header.len() + data.data_body.len();
            // Each message stays in memory as a whole, also with the parts of it that are not used.
            whole += data.encoded_len();
            if size > parameters::MAX_BYTES || whole > MAX_PUT || all.len() == MAX_MESSAGES {
                let most = parameters::MAX_BYTES;
                return Err(Status::invalid_argument(format!("parameters must have at most {most} bytes, in one row")));
            }
            all.push(data);
        }
        let handle = handle.ok_or_else(|| Status::invalid_argument("the stream is empty"))?;
        let queries = caller(&extensions).map(Queries::new)?;
        let bound = parameters::values(&all).and_then(|values| queries.bind(&handle, values));
        let prepared_statement_handle = Some(bound.map_err(|error| status(&error))?);
        let result = DoPutPreparedStatementResult { prepared_statement_handle };
        Ok(Response::new(once(PutResult { app_metadata: result.encode_to_vec().into() })))
    }

    async fn do_exchange(&self, _: Request<Streaming<FlightData>>) -> Answer<Self::DoExchangeStream> {
        Err(Status::unimplemented(READ_ONLY))
    }

    async fn do_action(&self, request: Request<Action>) -> Answer<Self::DoActionStream> {
        let Action { r#type: name, body } = request.get_ref();
        let malformed = || Status::invalid_argument("the body of the action is malformed");
        let any = || Any::decode(body.as_ref()).map_err(|_| malformed());
        match name.as_str() {
            CREATE => {
                let create: Option<ActionCreatePreparedStatementRequest> = any()?.unpack().map_err(|_| malformed())?;
                let create = create.ok_or_else(malformed)?;
                refuse_transaction(create.transaction_id.as_ref())?;
                let queries = caller(request.extensions()).map(Queries::new)?;
                let prepared = queries.prepare(create.query).await;
                let (prepared_statement_handle, dataset_schema) = prepared.map_err(|error| status(&error))?;
                let result = ActionCreatePreparedStatementResult {
                    prepared_statement_handle,
                    dataset_schema,
                    // Their types follow from the values.
                    parameter_schema: Bytes::new(),
                };
                Ok(Response::new(once(ActionResult::new(result.as_any().encode_to_vec()))))
            }
            // The server has not kept anything.
            CLOSE => {
                let close: Option<ActionClosePreparedStatementRequest> = any()?.unpack().map_err(|_| malformed())?;
                close.ok_or_else(malformed)?;
                Ok(Response::new(stream::empty().boxed()))
            }
            _ => Err(Status::unimplemented(format!(
                "unsupported action; there are {CREATE} and {CLOSE}. To cancel a query, cancel the call"
            ))),
        }
    }

    async fn list_actions(&self, _: Request<Empty>) -> Answer<Self::ListActionsStream> {
        let actions = [(CREATE, "Prepares a query."), (CLOSE, "Ends the use of a prepared statement.")];
        let actions = actions
            .map(|(name, description)| Ok(ActionType { r#type: name.to_owned(), description: description.to_owned() }));
        Ok(Response::new(stream::iter(actions).boxed()))
    }
}

/// Returns the caller, whom the handler has authenticated.
fn caller(extensions: &Extensions) -> Result<Arc<Caller>, Status> {
    let caller = extensions.get::<Arc<Caller>>().cloned();
    caller.ok_or_else(|| status(&Error::internal("a call without a caller")))
}

fn once<T: Send + 'static>(answer: T) -> Answers<T> {
    stream::iter([Ok(answer)]).boxed()
}

fn unknown() -> Status {
    Status::unimplemented("unsupported command; GetSqlInfo lists what is supported")
}

fn refuse_transaction(id: Option<&Bytes>) -> Result<(), Status> {
    match id {
        Some(id) if !id.is_empty() => Err(Status::unimplemented("there are no transactions")),
        _ => Ok(()),
    }
}
