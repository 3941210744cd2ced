//! Arrow Flight and Flight SQL: what clients read, and what is refused.

mod calls;
mod metadata;
mod rows;
mod tickets;

use arrow_array::cast::AsArray as _;
use arrow_array::types::Int64Type;
use arrow_array::{RecordBatch, StringArray};
use arrow_flight::sql::client::FlightSqlServiceClient;
use arrow_flight::{FlightClient, FlightDescriptor, FlightInfo, Ticket};
use futures::TryStreamExt as _;
use rutter::types::Visibility;
use rutter_testing::{Person, Server};
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Status};

use crate::tables::put;

/// A connection to a server.
pub(crate) async fn channel(url: &str) -> Channel {
    Endpoint::from_shared(url.to_owned()).unwrap().connect().await.unwrap()
}

/// A client with a token, or without.
pub(crate) async fn client(url: &str, token: Option<&str>) -> FlightClient {
    let mut client = FlightClient::new(channel(url).await);
    if let Some(token) = token {
        client.add_header("authorization", &format!("Bearer {token}")).unwrap();
    }
    client
}

/// A client for Flight SQL.
async fn sql_client(server: &Server, token: &str) -> FlightSqlServiceClient<Channel> {
    let mut client = FlightSqlServiceClient::new(channel(&server.url).await);
    client.set_token(token.to_owned());
    client
}

/// The path of a table.
fn path(dataset: &str, table: &str) -> FlightDescriptor {
    FlightDescriptor::new_path(vec![dataset.to_owned(), table.to_owned()])
}

/// The only ticket of a flight.
fn ticket(info: FlightInfo) -> Ticket {
    assert!(info.endpoint.len() == 1 && info.endpoint[0].location.is_empty(), "{info:?}");
    info.endpoint.into_iter().next().unwrap().ticket.unwrap()
}

/// The status that a call failed with.
fn status(error: arrow_flight::error::FlightError) -> Status {
    match error {
        arrow_flight::error::FlightError::Tonic(status) => *status,
        other => panic!("{other}"),
    }
}

/// Fetches the rows of a ticket.
async fn fetch(client: &mut FlightClient, ticket: Ticket) -> Result<Vec<RecordBatch>, Status> {
    client.do_get(ticket).await.map_err(status)?.try_collect().await.map_err(status)
}

/// The integers of the first column.
fn ids(batches: &[RecordBatch]) -> Vec<i64> {
    batches.iter().flat_map(|batch| batch.column(0).as_primitive::<Int64Type>().values().to_vec()).collect()
}

/// The texts of a column.
fn texts(batches: &[RecordBatch], column: &str) -> Vec<String> {
    let arrays = batches.iter().map(|batch| batch.column_by_name(column).unwrap().as_string::<i32>());
    let texts = |array: &StringArray| array.iter().map(|text| text.unwrap_or("null").to_owned()).collect::<Vec<_>>();
    arrays.flat_map(texts).collect()
}

/// The code of a failure.
fn code<T>(result: Result<T, Status>) -> Code {
    result.err().map_or(Code::Ok, |status| status.code())
}

/// ada's private dataset, with a table of three rows.
async fn with_table() -> (Server, Person) {
    let (server, ada) = crate::tables::server().await;
    put(&server, &ada, "t.csv", "id,name\n1,one\n2,two\n3,three\n").await;
    (server, ada)
}

/// Adds a dataset of a person with a table.
async fn add(server: &Server, owner: &Person, name: &str, visibility: Visibility) {
    let dataset = format!("{}/{name}", owner.name);
    server.dataset(&dataset, visibility).await;
    let url = format!("/api/v1/drive/{dataset}/files/{name}.csv");
    let sent = server.request("PUT", &url, Some(&owner.token)).body("id,at\n1,2026-01-02\n").send().await.unwrap();
    assert!(sent.status().is_success(), "{sent:?}");
}
