//! Tickets and prepared statements: whose they are, how long, and at which server.

use std::time::Duration;

use arrow_flight::sql::{
    ActionCreatePreparedStatementRequest, ActionCreatePreparedStatementResult, Any, CommandPreparedStatementQuery,
    ProstMessageExt as _, TicketStatementQuery,
};
use arrow_flight::{Action, FlightClient, Ticket};
use futures::TryStreamExt as _;
use prost::Message as _;
use rutter::app::App;
use rutter::config::{Config, Rates};
use rutter::types::Visibility;
use rutter_testing::{Server, story};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use tonic::Code;

use super::{client, code, fetch, ids, path, status, ticket, with_table};
use crate::tables::put;

/// The bytes that are encrypted in a ticket.
fn sealed(ticket: &Ticket) -> Vec<u8> {
    let any = Any::decode(&*ticket.ticket).unwrap();
    any.unpack::<TicketStatementQuery>().unwrap().unwrap().statement_handle.to_vec()
}

fn of_query(handle: Vec<u8>) -> Ticket {
    Ticket::new(TicketStatementQuery { statement_handle: handle.into() }.as_any().encode_to_vec())
}

fn of_statement(handle: Vec<u8>) -> Ticket {
    Ticket::new(CommandPreparedStatementQuery { prepared_statement_handle: handle.into() }.as_any().encode_to_vec())
}

/// Prepares a query; returns its handle.
async fn prepare(client: &mut FlightClient, query: &str) -> Vec<u8> {
    let request = ActionCreatePreparedStatementRequest { query: query.to_owned(), transaction_id: None };
    let action = Action::new("CreatePreparedStatement", request.as_any().encode_to_vec());
    let results: Vec<_> = client.do_action(action).await.unwrap().try_collect().await.unwrap();
    let any = Any::decode(&*results[0]).unwrap();
    let result: ActionCreatePreparedStatementResult = any.unpack().unwrap().unwrap();
    result.prepared_statement_handle.to_vec()
}

#[tokio::test]
async fn a_ticket_is_of_use_to_its_owner_only_and_not_for_long() {
    let (server, ada) = with_table().await;
    let ben = server.person("ben").await;
    server.share(&ada, "ada/data", json!({"with": {"user": "ben"}, "right": "view"})).await;
    let (mut ada, mut ben) = (client(&server.url, Some(&ada.token)).await, client(&server.url, Some(&ben.token)).await);
    let mut anonymous = client(&server.url, None).await;
    let issued = ticket(ada.get_flight_info(path("ada/data", "t.csv")).await.unwrap());
    let handle = prepare(&mut ada, "SELECT * FROM \"ada/data\".\"t.csv\"").await;
    let query = sealed(&issued);
    for bytes in [&query, &handle] {
        let hidden =
            [&b"ada"[..], b"SELECT", b"data"].into_iter().all(|word| !bytes.windows(word.len()).any(|at| at == word));
        assert!(hidden, "a ticket can be read");
        for ticket in [of_query(bytes.clone()), of_statement(bytes.clone())] {
            assert_eq!(ids(&fetch(&mut ada, ticket.clone()).await.unwrap()), [1, 2, 3]);
            // He may read the table, but not with her ticket.
            assert_eq!(code(fetch(&mut ben, ticket.clone()).await), Code::PermissionDenied);
            assert_eq!(code(fetch(&mut anonymous, ticket).await), Code::PermissionDenied);
        }
        for at in [0, 10, 24, 40, bytes.len() - 1] {
            let mut modified = bytes.clone();
            modified[at] ^= 1;
            assert_eq!(code(fetch(&mut ada, of_query(modified)).await), Code::Unauthenticated, "{at}");
        }
        for forged in [vec![], bytes[..20].to_vec(), bytes[..bytes.len() - 1].to_vec(), vec![0; 100]] {
            assert_eq!(code(fetch(&mut ada, of_query(forged)).await), Code::Unauthenticated);
        }
    }
    server.clock.advance(Duration::from_secs(599));
    assert_eq!(ids(&fetch(&mut ada, issued.clone()).await.unwrap()), [1, 2, 3]);
    server.clock.advance(Duration::from_secs(1));
    for ticket in [issued, of_statement(handle)] {
        let expired = fetch(&mut ada, ticket).await.unwrap_err();
        assert_eq!(expired.code(), Code::Unauthenticated);
        assert!(expired.message().contains("expired"), "{expired:?}");
    }
}

#[tokio::test]
async fn a_ticket_gives_no_rights() {
    let (server, ada) = with_table().await;
    let ben = server.person("ben").await;
    let share = server.share(&ada, "ada/data", json!({"with": {"user": "ben"}, "right": "view"})).await;
    let mut caller = client(&server.url, Some(&ben.token)).await;
    let issued = ticket(caller.get_flight_info(path("ada/data", "t.csv")).await.unwrap());
    let handle = prepare(&mut caller, "SELECT * FROM \"ada/data\".\"t.csv\"").await;
    // The result is in the cache now.
    assert_eq!(ids(&fetch(&mut caller, issued.clone()).await.unwrap()), [1, 2, 3]);
    let url = format!("/api/v1/datasets/ada/data/shares/{}", share["id"].as_str().unwrap());
    let ended = server.call(Some(&ada.token), "DELETE", &url, Value::Null).await;
    assert!(ended.status < 300, "{}", ended.text());
    for ticket in [issued, of_statement(handle)] {
        assert_eq!(code(fetch(&mut caller, ticket).await), Code::NotFound);
    }
    let info = caller.get_flight_info(path("ada/data", "t.csv")).await.map_err(status);
    assert_eq!(code(info), Code::NotFound);
}

/// Starts another server of the same database, with a cache of its own.
async fn another(server: &Server, change: impl FnOnce(&mut Config)) -> String {
    let mut config = server.app.config.clone();
    config.cache = Some(server.folder.path().join("another cache"));
    change(&mut config);
    let app = App::open_at(config, server.clock.clone()).await.unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(rutter::web::serve(app, vec![listener], CancellationToken::new()));
    url
}

story! {
    async fn every_server_of_a_database_honours_tickets(engine: Engine) {
        let server = Server::start_with(engine, |config| config.rates = Rates::off()).await;
        let ada = server.person("ada").await;
        server.dataset("ada/data", Visibility::Private).await;
        put(&server, &ada, "t.csv", "id\n1\n2\n").await;
        let other = another(&server, |_| {}).await;
        let (mut here, mut there) =
            (client(&server.url, Some(&ada.token)).await, client(&other, Some(&ada.token)).await);
        let issued = ticket(here.get_flight_info(path("ada/data", "t.csv")).await.unwrap());
        let handle = prepare(&mut here, "SELECT id FROM \"ada/data\".\"t.csv\" ORDER BY id DESC").await;
        assert_eq!(ids(&fetch(&mut there, issued).await.unwrap()), [1, 2]);
        assert_eq!(ids(&fetch(&mut there, of_statement(handle)).await.unwrap()), [2, 1]);
    }
}
