//! Calls of Arrow Flight. Their statuses are shown as those of HTTP that mean the same.

use arrow_flight::flight_service_client::FlightServiceClient;
use arrow_flight::sql::{
    ActionCreatePreparedStatementRequest, CommandGetTables, CommandPreparedStatementQuery, ProstMessageExt as _,
};
use arrow_flight::utils::batches_to_flight_data;
use arrow_flight::{Action, Criteria, Empty, FlightDescriptor, HandshakeRequest, Ticket};
use futures::stream;
use prost::Message as _;
use tonic::transport::Channel;
use tonic::{Code, Request, Status};

use super::{Actor, Sample, World};

/// The route of all calls.
pub(super) const ROUTE: &str = "/arrow.flight.protocol.FlightService/{call}";

pub(super) const SAMPLES: &[Sample] = &[
    ("POST", ROUTE, "Handshake"),
    ("POST", ROUTE, "ListActions"),
    ("POST", ROUTE, "ListFlights"),
    ("POST", ROUTE, "GetFlightInfo"),
    ("POST", ROUTE, "GetSchema"),
    ("POST", ROUTE, "DoGet, own ticket"),
    ("POST", ROUTE, "DoGet, ticket lent by a writer"),
    ("POST", ROUTE, "DoGet, forged ticket"),
    ("POST", ROUTE, "DoGet, tables"),
    ("POST", ROUTE, "DoAction, prepared statement"),
    ("POST", ROUTE, "DoPut, parameters of a writer's statement"),
    ("POST", ROUTE, "DoExchange"),
    ("POST", ROUTE, "PollFlightInfo"),
    ("POST", ROUTE, "Unknown"),
];

type Calls = FlightServiceClient<Channel>;

impl World {
    /// The status of a call; `None` if what comes before it was refused.
    pub(super) async fn of_flight(&self, actor: &Actor, path: &str, variant: &str) -> Option<u16> {
        let mut calls = FlightServiceClient::new(crate::flight::channel(&self.server.url).await);
        let own = actor.token.as_deref();
        let table = || FlightDescriptor::new_path(vec![path.to_owned(), "seed/table.csv".to_owned()]);
        let query = format!("SELECT * FROM \"{path}\".\"seed/table.csv\"");
        let result = match variant {
            "Handshake" => calls.handshake(with(own, stream::iter([HandshakeRequest::default()]))).await.map(drop),
            "ListActions" => calls.list_actions(with(own, Empty {})).await.map(drop),
            "ListFlights" => calls.list_flights(with(own, Criteria::default())).await.map(drop),
            "GetFlightInfo" => calls.get_flight_info(with(own, table())).await.map(drop),
            "GetSchema" => calls.get_schema(with(own, table())).await.map(drop),
            "DoGet, own ticket" => {
                let ticket = ticket(&mut calls, own, table()).await?;
                calls.do_get(with(own, ticket)).await.map(drop)
            }
            "DoGet, ticket lent by a writer" => {
                let ticket = ticket(&mut calls, Some(&self.keeper.token), table()).await?;
                calls.do_get(with(own, ticket)).await.map(drop)
            }
            "DoGet, forged ticket" => {
                let command = CommandPreparedStatementQuery { prepared_statement_handle: vec![7; 100].into() };
                calls.do_get(with(own, Ticket::new(command.as_any().encode_to_vec()))).await.map(drop)
            }
            "DoGet, tables" => {
                let command = CommandGetTables::default().as_any().encode_to_vec();
                calls.do_get(with(own, Ticket::new(command))).await.map(drop)
            }
            "DoAction, prepared statement" => calls.do_action(with(own, prepare(&query))).await.map(drop),
            "DoPut, parameters of a writer's statement" => {
                let keeper = Some(self.keeper.token.as_str());
                let answer = calls.do_action(with(keeper, prepare(&query))).await.unwrap();
                let created = answer.into_inner().message().await.unwrap().unwrap();
                let created = arrow_flight::sql::Any::decode(&*created.body).unwrap();
                let created: arrow_flight::sql::ActionCreatePreparedStatementResult =
                    created.unpack().unwrap().unwrap();
                let handle = created.prepared_statement_handle;
                let command = CommandPreparedStatementQuery { prepared_statement_handle: handle }.as_any();
                let row = arrow_array::record_batch!(("0", Int64, [1])).unwrap();
                let mut data = batches_to_flight_data(&row.schema(), vec![row]).unwrap();
                data[0].flight_descriptor = Some(FlightDescriptor::new_cmd(command.encode_to_vec()));
                calls.do_put(with(own, stream::iter(data))).await.map(drop)
            }
            "DoExchange" => calls.do_exchange(with(own, stream::empty())).await.map(drop),
            "PollFlightInfo" => calls.poll_flight_info(with(own, table())).await.map(drop),
            _ => {
                let channel = crate::flight::channel(&self.server.url).await;
                let mut grpc = tonic::client::Grpc::new(channel);
                grpc.ready().await.unwrap();
                let call = "/arrow.flight.protocol.FlightService/Unknown".parse().unwrap();
                let codec = tonic_prost::ProstCodec::<Empty, Empty>::default();
                grpc.unary(with(own, Empty {}), call, codec).await.map(drop)
            }
        };
        Some(as_http(result))
    }
}

/// A request with the credentials of an actor.
fn with<T>(token: Option<&str>, message: T) -> Request<T> {
    let mut request = Request::new(message);
    if let Some(token) = token {
        let (name, value) = if token.starts_with("rus_") {
            ("cookie", format!("rutter={token}"))
        } else {
            ("authorization", format!("Bearer {token}"))
        };
        request.metadata_mut().insert(name, value.parse().unwrap());
    }
    request
}

async fn ticket(calls: &mut Calls, token: Option<&str>, table: FlightDescriptor) -> Option<Ticket> {
    calls.get_flight_info(with(token, table)).await.ok()?.into_inner().endpoint.remove(0).ticket
}

fn prepare(query: &str) -> Action {
    let request = ActionCreatePreparedStatementRequest { query: query.to_owned(), transaction_id: None };
    Action::new("CreatePreparedStatement", request.as_any().encode_to_vec())
}

fn as_http(result: Result<(), Status>) -> u16 {
    match result.map_err(|status| status.code()) {
        Ok(()) => 200,
        Err(Code::Unauthenticated) => 401,
        Err(Code::PermissionDenied) => 403,
        Err(Code::NotFound) => 404,
        Err(Code::InvalidArgument) => 422,
        Err(Code::Unimplemented) => 501,
        Err(other) => panic!("{other:?}"),
    }
}
