//! Rows of tables that are made to be expensive.

use std::time::{Duration, Instant};

use rutter::config::Rates;
use rutter::types::Visibility;
use rutter_testing::{Engine, Server};
use serde_json::json;

use super::{get, put, rows_of, server};

/// Bytes of an answer at most: the rows, and what stands around them.
const ANSWER: usize = (8 << 20) + 1000;

#[tokio::test]
async fn pages_of_large_rows_end_early() {
    let (server, ada) = server().await;
    // Lists of small numbers, which take many times their bytes once they are values; and what no column has.
    let list = format!("{{\"a\":[1{}],\"i\":", ",1".repeat(150_000));
    let unknown = format!("{{\"x\":\"{}\",\"i\":", "x".repeat(700_000));
    for (name, row, rows) in [("list.jsonl", list, 40), ("unknown.jsonl", unknown, 30)] {
        let mut table = String::from("{\"a\":[],\"i\":-1}\n");
        // The columns are inferred from the first MiB, or rows.
        table.push_str(&"{\"i\":-1}\n".repeat(10_000));
        for index in 0..rows {
            table.push_str(&format!("{row}{index}}}\n"));
        }
        assert!(table.len() > 10 << 20);
        put(&server, &ada, name, table).await;
        let (mut offset, mut pages) = (10_001, 0);
        loop {
            let reply = get(&server, Some(&ada.token), &format!("rows/{name}?offset={offset}&limit=1000")).await;
            assert!(reply.status == 200 && reply.body.len() < ANSWER, "{name}: {} {}", reply.status, reply.body.len());
            let page = reply.json();
            let found = page["rows"].as_array().unwrap();
            for row in found {
                assert_eq!(row[1], offset - 10_001, "{name}");
                offset += 1;
            }
            pages += 1;
            if page["more"] == json!(false) {
                break;
            }
            assert!(!found.is_empty());
        }
        assert_eq!(offset, 10_001 + rows, "{name}: no row is left out");
        assert!(pages > 1 || name == "unknown.jsonl", "{name}: what is not returned takes no room");
    }
}

#[tokio::test]
async fn pages_of_rows_with_many_columns_end_early() {
    let (server, ada) = server().await;
    // Each row is two bytes here, and 25,000 in the answer.
    let header: Vec<String> = (0..5000).map(|column| format!("c{column}")).collect();
    put(&server, &ada, "wide.csv", format!("{}\n{}", header.join(","), "x\n".repeat(1000))).await;
    let reply = get(&server, Some(&ada.token), "rows/wide.csv?limit=1000").await;
    assert!(reply.status == 200 && reply.body.len() < ANSWER + (1 << 20), "{}", reply.body.len());
    let page = reply.json();
    assert_eq!((rows_of(&page).len() > 100, &page["more"]), (true, &json!(true)));
}

#[tokio::test]
async fn work_is_charged() {
    let server = Server::start_with(Engine::Sqlite, |config| {
        config.rates = Rates { address: 10, burst_seconds: 30, wait_seconds: 0, ..Rates::off() };
    })
    .await;
    let ada = server.person("ada").await;
    server.dataset("ada/data", Visibility::Private).await;
    // Ten points are a MiB of a table.
    put(&server, &ada, "tiny.csv", "1\n".repeat((48 << 20) / 2)).await;
    let reply = get(&server, Some(&ada.token), "rows/tiny.csv?offset=25165822&limit=5").await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    assert_eq!((&reply.json()["rows"], &reply.json()["more"]), (&json!([[1], [1]]), &json!(false)));
    let reply = get(&server, Some(&ada.token), "rows/tiny.csv?limit=1").await;
    assert_eq!(reply.status, 429, "what was read is paid for: {}", reply.text());
}

#[tokio::test]
async fn a_request_that_takes_too_long_ends_and_says_why() {
    let server = Server::start_with(Engine::Sqlite, |config| {
        config.rates = Rates::off();
        config.tables.seconds = 1;
    })
    .await;
    let ada = server.person("ada").await;
    server.dataset("ada/data", Visibility::Private).await;
    put(&server, &ada, "long.csv", "word\n".to_owned() + &"abcdefghijklmnopqrstuvwxyz\n".repeat(1_500_000)).await;
    // Each comparison goes back and forth.
    let slow = "regexp_like(repeat(word, 40), '(a|b|ab)*(z|yz)*[0-9]+$') OR regexp_like(repeat(word, 41), '(x+x+)+y')";
    let begin = Instant::now();
    let reply = get(&server, Some(&ada.token), &format!("rows/long.csv?{}", super::query(&[("where", slow)]))).await;
    assert_eq!(reply.status, 422, "{}", reply.text());
    assert!(reply.text().contains("tables.seconds"), "{}", reply.text());
    assert!(begin.elapsed() < Duration::from_secs(8), "{:?}", begin.elapsed());
    super::until("the engine has ended", || super::engines().is_empty()).await;
    let reply = get(&server, Some(&ada.token), "rows/long.csv?limit=1").await;
    assert_eq!(reply.status, 200, "the next request is served: {}", reply.text());
}
