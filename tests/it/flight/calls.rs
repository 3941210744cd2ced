//! Calls that are refused: by whom they come, what they contain, and how many there are.

use arrow_flight::flight_service_client::FlightServiceClient;
use arrow_flight::sql::{
    ActionBeginTransactionRequest, ActionCreatePreparedStatementRequest, CommandPreparedStatementQuery,
    CommandStatementIngest, CommandStatementQuery, CommandStatementSubstraitPlan, CommandStatementUpdate,
    ProstMessageExt,
};
use arrow_flight::{Action, FlightData, FlightDescriptor, HandshakeRequest, Ticket};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use futures::{StreamExt as _, stream};
use prost::Message as _;
use rutter::config::Rates;
use rutter::types::Visibility;
use rutter_testing::{Engine, Server};
use tonic::{Code, Request, Status};

use super::{channel, client, code, fetch, path, status, ticket, with_table};

/// A request with headers.
fn with<T>(message: T, headers: &[(&'static str, String)]) -> Request<T> {
    let mut request = Request::new(message);
    for (name, value) in headers {
        if name.ends_with("-bin") {
            let value = tonic::metadata::MetadataValue::from_bytes(value.as_bytes());
            request.metadata_mut().insert_bin(*name, value);
        } else {
            request.metadata_mut().insert(*name, value.parse().unwrap());
        }
    }
    request
}

#[tokio::test]
async fn tokens_are_accepted_where_clients_send_them() {
    let (server, ada) = with_table().await;
    let cookie = server.cookie("ada").await;
    let token = ada.token.clone();
    let basic = |user: &str, password: &str| format!("Basic {}", BASE64.encode(format!("{user}:{password}")));
    let mut calls = FlightServiceClient::new(channel(&server.url).await);
    for (expected, headers) in [
        (Code::Ok, vec![("authorization", format!("Bearer {token}"))]),
        (Code::Ok, vec![("authorization", basic("ada", &token))]),
        (Code::Ok, vec![("auth-token-bin", token.clone())]),
        // One that is wrong is not as good as none.
        (Code::Unauthenticated, vec![("authorization", "Bearer rut_wrong".to_owned())]),
        (Code::Unauthenticated, vec![("authorization", basic("ada", "wrong"))]),
        (Code::Unauthenticated, vec![("auth-token-bin", "wrong".to_owned())]),
        (Code::Unauthenticated, vec![("authorization", "Negotiate x".to_owned())]),
        // No browser calls: a cookie is no credential.
        (Code::Unauthenticated, vec![("cookie", format!("rutter={cookie}"))]),
        (Code::Unauthenticated, vec![]),
    ] {
        let info = calls.get_flight_info(with(path("ada/data", "t.csv"), &headers)).await;
        assert_eq!(code(info), expected, "{headers:?}");
    }
    let hello = || stream::iter([HandshakeRequest::default()]);
    let answer = calls.handshake(with(hello(), &[("authorization", basic("ada", &token))])).await.unwrap();
    assert_eq!(answer.metadata().get("authorization").unwrap().to_str().unwrap(), format!("Bearer {token}"));
    assert_eq!(answer.into_inner().message().await.unwrap().unwrap().payload, token.as_bytes());
    for headers in
        [vec![], vec![("authorization", basic("ada", "wrong"))], vec![("cookie", format!("rutter={cookie}"))]]
    {
        assert_eq!(code(calls.handshake(with(hello(), &headers)).await), Code::Unauthenticated, "{headers:?}");
    }
}

#[tokio::test]
async fn what_cannot_be_understood_is_refused() {
    let (server, ada) = with_table().await;
    let mut client = client(&server.url, Some(&ada.token)).await;
    let garbage = [&b""[..], b"x", &[0xff; 1000], &[0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f]];
    for bytes in garbage {
        let bytes = bytes.to_vec();
        let descriptor = FlightDescriptor::new_cmd(bytes.clone());
        let refused = client.get_flight_info(descriptor).await.map_err(status).unwrap_err();
        assert!(matches!(refused.code(), Code::InvalidArgument | Code::Unimplemented), "{refused:?}");
        let refused = fetch(&mut client, Ticket::new(bytes.clone())).await.unwrap_err();
        assert!(matches!(refused.code(), Code::InvalidArgument | Code::Unimplemented), "{refused:?}");
        let refused = client.do_action(Action::new("CreatePreparedStatement", bytes)).await.map(drop).map_err(status);
        assert_eq!(code(refused), Code::InvalidArgument);
    }
    let refused = client.do_action(Action::new("n".repeat(100_000), "")).await.map(drop).map_err(status);
    assert_eq!(code(refused), Code::Unimplemented);
    for path in [vec![], vec!["ada/data"], vec!["ada/data", "t.csv", "x"]] {
        let path = FlightDescriptor::new_path(path.into_iter().map(ToOwned::to_owned).collect());
        assert_eq!(code(client.get_flight_info(path).await.map_err(status)), Code::InvalidArgument);
    }
    for query in ["", "SELECT", "DROP TABLE x", "INSERT INTO \"ada/data\".\"t.csv\" VALUES (1)", "SELECT 1; SELECT 2"] {
        let refused = info(&mut client, &CommandStatementQuery { query: query.to_owned(), transaction_id: None }).await;
        assert_eq!(code(refused), Code::InvalidArgument, "{query}");
        let create = ActionCreatePreparedStatementRequest { query: query.to_owned(), transaction_id: None };
        assert_eq!(code(act(&mut client, "CreatePreparedStatement", &create).await), Code::InvalidArgument, "{query}");
    }
    let long = "é".repeat(3_000_000);
    let refused = info(&mut client, &CommandStatementQuery { query: long, transaction_id: None }).await.unwrap_err();
    assert_eq!(refused.code(), Code::OutOfRange, "more than a message may have: {refused:?}");
    let long = format!("SELECT '{}'", "é".repeat(40_000));
    let refused = info(&mut client, &CommandStatementQuery { query: long, transaction_id: None }).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument, "{refused:?}");
    // The connection can still be used.
    let info = client.get_flight_info(path("ada/data", "t.csv")).await.unwrap();
    assert_eq!(fetch(&mut client, ticket(info)).await.unwrap()[0].num_rows(), 3);
    // Another form of HTTP.
    let url = "/arrow.flight.protocol.FlightService/ListActions";
    let reply = server.request("POST", url, Some(&ada.token)).header("content-type", "application/grpc").send();
    let reply = reply.await.unwrap();
    assert_eq!(reply.headers()["grpc-status"], "3");
    assert!(reply.headers()["grpc-message"].to_str().unwrap().contains("HTTP/2"), "{reply:?}");
}

async fn info(client: &mut arrow_flight::FlightClient, command: &impl ProstMessageExt) -> Result<(), Status> {
    let descriptor = FlightDescriptor::new_cmd(command.as_any().encode_to_vec());
    client.get_flight_info(descriptor).await.map(drop).map_err(status)
}

async fn act(client: &mut arrow_flight::FlightClient, name: &str, body: &impl ProstMessageExt) -> Result<(), Status> {
    let mut results = client.do_action(Action::new(name, body.as_any().encode_to_vec())).await.map_err(status)?;
    while let Some(result) = results.next().await {
        result.map_err(status)?;
    }
    Ok(())
}

async fn put(client: &mut arrow_flight::FlightClient, data: Vec<FlightData>) -> Result<(), Status> {
    let mut results = client.do_put(stream::iter(data.into_iter().map(Ok))).await.map_err(status)?;
    while let Some(result) = results.next().await {
        result.map_err(status)?;
    }
    Ok(())
}

#[tokio::test]
async fn nothing_is_changed_over_flight() {
    let (server, ada) = with_table().await;
    let mut client = client(&server.url, Some(&ada.token)).await;
    let update = CommandStatementUpdate { query: "DELETE FROM t".to_owned(), transaction_id: None };
    let commands = [
        update.as_any(),
        CommandStatementIngest::default().as_any(),
        CommandStatementSubstraitPlan::default().as_any(),
    ];
    for command in commands {
        let descriptor = FlightDescriptor::new_cmd(command.encode_to_vec());
        let data = vec![FlightData::new().with_descriptor(descriptor.clone())];
        assert_eq!(code(put(&mut client, data).await), Code::Unimplemented, "{}", command.type_url);
        assert_eq!(code(client.get_flight_info(descriptor).await.map_err(status)), Code::Unimplemented);
    }
    assert_eq!(
        code(act(&mut client, "BeginTransaction", &ActionBeginTransactionRequest {}).await),
        Code::Unimplemented
    );
    let within = CommandStatementQuery { query: "SELECT 1".to_owned(), transaction_id: Some("x".into()) };
    assert_eq!(code(info(&mut client, &within).await), Code::Unimplemented);
    let exchanged = client.do_exchange(stream::empty()).await.map(drop).map_err(status);
    assert_eq!(code(exchanged), Code::Unimplemented);
    let polled = client.poll_flight_info(path("ada/data", "t.csv")).await.map(drop).map_err(status);
    assert_eq!(code(polled), Code::Unimplemented);
}

#[tokio::test]
async fn parameters_have_a_limit() {
    let (server, ada) = with_table().await;
    let mut client = client(&server.url, Some(&ada.token)).await;
    let descriptor = || {
        let command = CommandPreparedStatementQuery { prepared_statement_handle: "x".into() };
        FlightDescriptor::new_cmd(command.as_any().encode_to_vec())
    };
    let first = || FlightData::new().with_descriptor(descriptor());
    let many: Vec<_> = std::iter::once(first()).chain(std::iter::repeat_n(FlightData::new(), 20)).collect();
    for data in [
        vec![],
        vec![FlightData::new()],
        vec![first()],
        vec![first().with_data_header(vec![7; 100])],
        vec![first().with_data_header(vec![0; 60_000]), FlightData::new().with_data_body(vec![0; 6000])],
        many,
    ] {
        let refused = put(&mut client, data).await;
        assert_eq!(code(refused), Code::InvalidArgument);
    }
    // What is not used also takes memory.
    let unused = || FlightData::new().with_app_metadata(vec![0; 600_000]);
    let refused = put(&mut client, vec![first(), unused(), unused()]).await.unwrap_err();
    assert!(refused.message().contains("at most 65536 bytes"), "{refused:?}");
}

#[tokio::test]
async fn calls_count_for_the_rate_limits() {
    let server = Server::start_with(Engine::Sqlite, |config| {
        // Slow to refill: the calls below may take seconds.
        config.rates = Rates { user: 1, burst_seconds: 400, wait_seconds: 0, ..Rates::off() };
    })
    .await;
    let ada = server.person("ada").await;
    super::add(&server, &ada, "data", Visibility::Public).await;
    let mut caller = client(&server.url, Some(&ada.token)).await;
    let mut codes = Vec::new();
    for _ in 0..12 {
        codes.push(code(caller.get_flight_info(path("ada/data", "data.csv")).await.map_err(status)));
    }
    assert_eq!((codes[0], codes[11]), (Code::Ok, Code::ResourceExhausted), "{codes:?}");
    // Others are not affected.
    let mut other = client(&server.url, None).await;
    assert_eq!(code(other.get_flight_info(path("ada/data", "data.csv")).await.map_err(status)), Code::Ok);
    let metrics = server.request("GET", "/metrics", None).send().await.unwrap().text().await.unwrap();
    assert!(metrics.contains("rutter_flight_calls_total{call=\"GetFlightInfo\",code=\"0\"}"), "{metrics}");
}
