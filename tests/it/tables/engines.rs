//! The processes of the table engine: whose they are, how many, and when they end.

use std::time::Duration;

use rutter::config::Rates;
use rutter::types::Visibility;
use rutter_testing::{Engine, Installation, Server};
use serde_json::json;

use super::{engines, engines_of, get, numbers, ok, put, query, rows_of, server, until};

/// A filter that takes minutes for a table of a million rows.
pub(super) const SLOW: &str = "length(regexp_replace(repeat(name, 200), '([a-z0-9]+)+', 'x', 'g')) < 0";

#[tokio::test]
async fn an_engine_serves_one_person_only() {
    let server = Server::start_with(Engine::Sqlite, |config| {
        config.rates = Rates::off();
        config.tables.engines = 4;
        config.tables.idle_seconds = 1;
    })
    .await;
    let (ada, ben) = (server.person("ada").await, server.person("ben").await);
    server.dataset("ada/data", Visibility::Public).await;
    put(&server, &ada, "t.csv", numbers(10)).await;
    assert_eq!(engines().len(), 0, "none before it is needed");
    ok(&server, &ada, "rows/t.csv?limit=1").await;
    let first = engines();
    assert_eq!(first.len(), 1);
    ok(&server, &ada, "rows/t.csv?limit=2").await;
    assert_eq!(engines(), first, "it is kept for her next request");
    ok(&server, &ben, "rows/t.csv?limit=3").await;
    let two = engines();
    assert!(two.len() == 2 && two.contains(&first[0]), "{first:?} {two:?}");
    assert_eq!(get(&server, None, "rows/t.csv?limit=4").await.status, 200);
    assert_eq!(engines().len(), 3);
    // What was computed before needs none.
    until("idle engines end", || engines().is_empty()).await;
    ok(&server, &ben, "rows/t.csv?limit=1").await;
    assert_eq!(engines().len(), 0);
}

#[tokio::test]
async fn a_client_that_leaves_ends_its_engine() {
    let (server, ada) = server().await;
    put(&server, &ada, "t.csv", numbers(1_000_000)).await;
    let url = format!("/api/v1/drive/ada/data/rows/t.csv?{}", query(&[("where", SLOW)]));
    let request = tokio::spawn(server.request("GET", &url, Some(&ada.token)).send());
    until("it starts", || engines().len() == 1).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    request.abort();
    let begin = std::time::Instant::now();
    until("it ends", || engines().is_empty()).await;
    assert!(begin.elapsed() < Duration::from_secs(2), "{:?}", begin.elapsed());
}

#[tokio::test]
async fn a_slow_query_does_not_hold_up_others_and_one_person_has_half_of_the_engines() {
    let server = Server::start_with(Engine::Sqlite, |config| {
        config.rates = Rates::off();
        config.tables.engines = 2;
        config.tables.wait_seconds = 1;
    })
    .await;
    let (ada, ben) = (server.person("ada").await, server.person("ben").await);
    server.dataset("ada/data", Visibility::Public).await;
    put(&server, &ada, "t.csv", numbers(1_000_000)).await;
    let url = format!("/api/v1/drive/ada/data/rows/t.csv?{}", query(&[("where", SLOW)]));
    let slow = tokio::spawn(server.request("GET", &url, Some(&ada.token)).send());
    until("it starts", || engines().len() == 1).await;
    let second = get(&server, Some(&ada.token), "rows/t.csv?limit=1").await;
    assert_eq!(second.status, 429, "{}", second.text());
    assert!(second.text().contains("tables.wait_seconds"), "{}", second.text());
    assert_eq!(ok(&server, &ben, "rows/t.csv?limit=1").await["rows"].as_array().unwrap().len(), 1);
    slow.abort();
    until("her engine ends", || engines().len() <= 1).await;
    ok(&server, &ada, "rows/t.csv?limit=2").await;
}

#[tokio::test]
async fn an_engine_that_is_killed_is_an_error_and_not_an_outage() {
    let (server, ada) = server().await;
    put(&server, &ada, "t.csv", numbers(1_000_000)).await;
    put(&server, &ada, "other.csv", numbers(5)).await;
    let slow = format!("rows/t.csv?{}", query(&[("where", SLOW)]));
    for round in 0..3 {
        let asked = get(&server, Some(&ada.token), &slow);
        let killing = async {
            until("it starts", || engines().len() == 1).await;
            tokio::time::sleep(Duration::from_millis(300)).await;
            kill(engines()[0]);
        };
        let reply = if round < 2 { tokio::join!(asked, killing).0 } else { asked.await };
        assert_eq!(reply.status, 422, "{round}: {}", reply.text());
        let says = if round < 2 { "broke off while" } else { "repeatedly" };
        assert!(reply.text().contains(says), "{round}: {}", reply.text());
    }
    assert_eq!(rows_of(&ok(&server, &ada, "rows/other.csv").await).len(), 5, "other tables can be read");
    // One that was killed while it was idle goes unnoticed.
    kill(engines()[0]);
    until("it has ended", || engines().is_empty()).await;
    assert_eq!(rows_of(&ok(&server, &ada, "rows/other.csv?limit=2").await).len(), 2);
}

#[tokio::test]
async fn a_query_that_ends_engines_does_not_keep_others_from_the_table() {
    let server = Server::start_with(Engine::Sqlite, |config| config.rates = Rates::off()).await;
    let ada = server.person("ada").await;
    server.dataset("ada/data", Visibility::Public).await;
    put(&server, &ada, "t.csv", numbers(1_000_000)).await;
    // All visitors are one actor.
    let sql = |query: String| server.call(None, "POST", "/api/v1/sql", json!({"query": query}));
    let slow = format!("SELECT id FROM \"ada/data\".\"t.csv\" WHERE {SLOW}");
    let page = format!("rows/t.csv?{}", query(&[("where", SLOW)]));
    for round in 0..2 {
        let killing = async || {
            until("it starts", || engines().len() == 1).await;
            tokio::time::sleep(Duration::from_millis(500)).await;
            kill(engines()[0]);
        };
        let (reply, ()) = tokio::join!(sql(slow.clone()), killing());
        assert!(reply.status == 422 && reply.text().contains("the query"), "{round}: {}", reply.text());
        until("it has ended", || engines().is_empty()).await;
        let (reply, ()) = tokio::join!(get(&server, None, &page), killing());
        assert_eq!(reply.status, 422, "{round}: {}", reply.text());
        until("it has ended", || engines().is_empty()).await;
    }
    assert!(sql(slow).await.text().contains("repeatedly"));
    assert!(get(&server, None, &page).await.text().contains("repeatedly"));
    let other = sql("SELECT count(*) FROM \"ada/data\".\"t.csv\"".to_owned()).await;
    assert_eq!((other.status, other.json()["rows"].clone()), (200, json!([[1_000_000]])), "{}", other.text());
    assert_eq!(get(&server, None, "rows/t.csv?limit=1").await.status, 200);
}

fn kill(id: u32) {
    let killed = std::process::Command::new("kill").args(["-9", &id.to_string()]).status().unwrap();
    assert!(killed.success());
}

#[tokio::test]
async fn without_the_program_everything_else_works() {
    let server =
        Server::start_with(Engine::Sqlite, |config| config.tables.program = Some("/none/rutter-tables".into())).await;
    let ada = server.person("ada").await;
    server.dataset("ada/data", Visibility::Private).await;
    put(&server, &ada, "t.csv", "a\n1\n").await;
    let reply = get(&server, Some(&ada.token), "rows/t.csv").await;
    assert_eq!(reply.status, 503, "{}", reply.text());
    let says = reply.json()["detail"].as_str().unwrap().to_owned();
    assert!(says.contains("rutter-tables") && !says.contains("/none"), "{says}");
    assert_eq!(get(&server, Some(&ada.token), "content/t.csv").await.status, 200);
    assert_eq!(get(&server, Some(&ada.token), "rows/none.csv").await.status, 404, "what does not exist, first");
}

#[tokio::test]
async fn a_server_that_is_killed_leaves_no_engine_and_no_files() {
    let installation = Installation::new(Engine::Sqlite).await;
    let first = installation.serve().await;
    let ada = installation.token.clone();
    let table = numbers(1_000_000);
    let url = |rest: &str| format!("{}/api/v1/drive/ada/drive/{rest}", installation.url);
    let put = installation.http.put(url("files/t.csv")).bearer_auth(&ada).body(table).send().await.unwrap();
    assert_eq!(put.status(), 201);
    let slow = installation.http.get(url(&format!("rows/t.csv?{}", query(&[("where", SLOW)])))).bearer_auth(&ada);
    let waiting = tokio::spawn(slow.send());
    let server = first.id();
    until("the engine starts", || engines_of(server).len() == 1).await;
    let engine = engines_of(server)[0];
    first.kill();
    until("the engine ends with the server", || !std::path::Path::new(&format!("/proc/{engine}")).exists()).await;
    assert!(waiting.await.unwrap().is_err());
    let _second = installation.serve().await;
    let folder = installation.data().join("cache/tables");
    let runs: Vec<String> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.starts_with("run-") && !name.contains('.'))
        .collect();
    assert_eq!(runs.len(), 1, "the folder of the server that was killed is deleted: {runs:?}");
    let files = rutter_testing::names(&folder.join(&runs[0]));
    assert_eq!(files.iter().filter(|name| !name.starts_with("results-")).count(), 0, "{files:?}");
    assert_eq!(
        json!(
            installation.http.get(url("rows/t.csv?limit=1")).bearer_auth(&ada).send().await.unwrap().status().as_u16()
        ),
        json!(200)
    );
}
