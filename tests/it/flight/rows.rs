//! Rows of tables and queries, and how long an engine works for them.

use std::time::Duration;

use arrow_array::{ArrayRef, BooleanArray, Date32Array, Float64Array, Int64Array, RecordBatch, StringArray};
use arrow_flight::FlightClient;
use futures::StreamExt as _;
use rutter::config::Rates;
use rutter::types::Visibility;
use rutter_testing::{Engine, Server};
use serde_json::json;
use std::sync::Arc;
use tonic::Code;

use super::{client, code, fetch, ids, path, sql_client, status, texts, ticket, with_table};
use crate::tables::{engines, numbers, put, server, until};

/// A filter that takes minutes for a table of a million rows.
const SLOW: &str = "SELECT id FROM \"ada/data\".\"t.csv\" WHERE \
                    length(regexp_replace(repeat(name, 200), '([a-z0-9]+)+', 'x', 'g')) < 0";

#[tokio::test]
async fn a_table_is_read_by_its_path() {
    let (server, ada) = with_table().await;
    let tags = "/api/v1/datasets/ada/data/tags";
    assert_eq!(server.call(Some(&ada.token), "POST", tags, json!({"name": "v1"})).await.status, 201);
    let mut client = client(&server.url, Some(&ada.token)).await;
    let info = client.get_flight_info(path("ada/data", "t.csv")).await.unwrap();
    let schema = info.clone().try_decode_schema().unwrap();
    let names: Vec<_> = schema.fields().iter().map(|field| field.name().as_str()).collect();
    assert_eq!(names, ["id", "name"]);
    assert_eq!(client.get_schema(path("ada/data", "t.csv")).await.unwrap().fields(), schema.fields());
    let old = ticket(info);
    let rows = fetch(&mut client, old.clone()).await.unwrap();
    assert_eq!((ids(&rows), texts(&rows, "name").join(" ")), (vec![1, 2, 3], "one two three".to_owned()));
    assert_eq!(rows[0].schema().fields(), schema.fields());
    // A ticket is for the commits of the time at which it was issued.
    put(&server, &ada, "t.csv", "id,name\n9,nine\n").await;
    assert_eq!(ids(&fetch(&mut client, old).await.unwrap()), [1, 2, 3]);
    let tagged = client.get_flight_info(path("ada/data@v1", "t.csv")).await.unwrap();
    assert_eq!(ids(&fetch(&mut client, ticket(tagged)).await.unwrap()), [1, 2, 3]);
    let newest = client.get_flight_info(path("ada/data", "t.csv")).await.unwrap();
    assert_eq!(ids(&fetch(&mut client, ticket(newest)).await.unwrap()), [9]);
    for missing in [path("ada/data", "no.csv"), path("ada/data@v9", "t.csv"), path("ada/none", "t\"; --.csv")] {
        let refused = client.get_flight_info(missing.clone()).await.map_err(status);
        assert_eq!(code(refused), Code::NotFound, "{missing:?}");
    }
}

#[tokio::test]
async fn a_query_is_run_with_its_parameters() {
    let (server, ada) = with_table().await;
    let mut client = sql_client(&server, &ada.token).await;
    let query = "SELECT id, name FROM \"ada/data\".\"t.csv\" WHERE id > 1 ORDER BY id DESC".to_owned();
    let info = client.execute(query, None).await.unwrap();
    let mut plain = super::client(&server.url, Some(&ada.token)).await;
    assert_eq!(ids(&fetch(&mut plain, ticket(info)).await.unwrap()), [3, 2]);

    let query = "SELECT id, name FROM \"ada/data\".\"t.csv\" WHERE id >= $1 AND name <> $2 ORDER BY id";
    let mut prepared = client.prepare(query.to_owned(), None).await.unwrap();
    for (least, name, expected) in [(1, "two", vec![1, 3]), (3, "x' OR 1=1 --", vec![3]), (4, "", vec![])] {
        let columns: [(&str, ArrayRef); 2] =
            [("0", Arc::new(Int64Array::from(vec![least]))), ("1", Arc::new(StringArray::from(vec![name])))];
        prepared.set_parameters(RecordBatch::try_from_iter(columns).unwrap()).unwrap();
        let info = prepared.execute().await.unwrap();
        assert_eq!(ids(&fetch(&mut plain, ticket(info)).await.unwrap()), expected);
    }
    prepared.close().await.unwrap();
    // The schema is known if it does not depend on parameters.
    let fixed = client.prepare("SELECT id FROM \"ada/data\".\"t.csv\"".to_owned(), None).await.unwrap();
    assert_eq!(fixed.dataset_schema().unwrap().fields().len(), 1);
    // Named parameters, and other types.
    let mut named = client.prepare("SELECT $a AS a, $b AS b, $c AS c, $d AS d".to_owned(), None).await.unwrap();
    let columns: [(&str, ArrayRef); 4] = [
        ("a", Arc::new(Int64Array::from(vec![7]))),
        ("b", Arc::new(BooleanArray::from(vec![true]))),
        ("c", Arc::new(Float64Array::from(vec![0.5]))),
        ("d", Arc::new(Date32Array::from(vec![0]))),
    ];
    named.set_parameters(RecordBatch::try_from_iter(columns).unwrap()).unwrap();
    let info = named.execute().await.unwrap();
    let rows = fetch(&mut plain, ticket(info)).await.unwrap();
    assert_eq!((ids(&rows), texts(&rows, "d").join("")), (vec![7], "1970-01-01".to_owned()));
}

async fn slow(client: &mut FlightClient, query: &str) -> arrow_flight::Ticket {
    use arrow_flight::sql::{CommandStatementQuery, ProstMessageExt as _};
    use prost::Message as _;
    let command = CommandStatementQuery { query: query.to_owned(), transaction_id: None };
    let descriptor = arrow_flight::FlightDescriptor::new_cmd(command.as_any().encode_to_vec());
    ticket(client.get_flight_info(descriptor).await.unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_leaves_ends_its_engine() {
    let (server, ada) = server().await;
    put(&server, &ada, "t.csv", numbers(1_000_000)).await;
    let mut caller = client(&server.url, Some(&ada.token)).await;
    let ticket = slow(&mut caller, SLOW).await;
    let call = tokio::spawn(async move { fetch(&mut caller, ticket).await });
    until("it starts", || engines().len() == 1).await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert!(!call.is_finished(), "{:?}", call.await);
    call.abort();
    let begin = std::time::Instant::now();
    until("it ends", || engines().is_empty()).await;
    assert!(begin.elapsed() < Duration::from_secs(2), "{:?}", begin.elapsed());
}

#[tokio::test]
async fn more_rows_than_the_maximum_are_an_error() {
    let server = Server::start_with(Engine::Sqlite, |config| {
        config.rates = Rates::off();
        config.tables.rows = Some(3);
    })
    .await;
    let ada = server.person("ada").await;
    server.dataset("ada/data", Visibility::Private).await;
    put(&server, &ada, "t.csv", numbers(100_000)).await;
    let mut caller = client(&server.url, Some(&ada.token)).await;
    for (query, is_allowed) in
        [("SELECT id FROM \"ada/data\".\"t.csv\" LIMIT 3", true), ("SELECT id FROM \"ada/data\".\"t.csv\"", false)]
    {
        let ticket = slow(&mut caller, query).await;
        match fetch(&mut caller, ticket).await {
            Ok(rows) => assert!(is_allowed && ids(&rows) == [0, 1, 2], "{rows:?}"),
            Err(error) => {
                assert_eq!((error.code(), is_allowed), (Code::InvalidArgument, false), "{error}");
                assert!(error.message().contains("tables.rows"), "{error}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_reads_slowly_holds_only_a_little() {
    let (server, ada) = server().await;
    put(&server, &ada, "t.csv", numbers(1_000_000)).await;
    let mut caller = client(&server.url, Some(&ada.token)).await;
    // Not in the cache: it is larger than its maximum.
    let all = "SELECT a.*, repeat(a.name, 20) AS long, random() AS other FROM \"ada/data\".\"t.csv\" a";
    let ticket = slow(&mut caller, all).await;
    let mut rows = caller.do_get(ticket.clone()).await.unwrap();
    let first = rows.next().await.unwrap().unwrap();
    assert!(first.num_rows() > 0);
    let before = resident();
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(engines().len(), 1, "it waits");
    let grown = resident().saturating_sub(before);
    assert!(grown < 32 << 20, "{grown} bytes more");
    let mut count = first.num_rows();
    while let Some(batch) = rows.next().await {
        count += batch.unwrap().num_rows();
    }
    assert_eq!(count, 1_000_000);
    // One that does not read on, and leaves.
    let mut rows = caller.do_get(ticket).await.unwrap();
    rows.next().await.unwrap().unwrap();
    drop(rows);
    drop(caller);
    until("it ends", || engines().is_empty()).await;
}

/// The memory of this process, with the server in it, in bytes.
fn resident() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    statm.split(' ').nth(1).unwrap().parse::<usize>().unwrap() * 4096
}
