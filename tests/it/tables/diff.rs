//! Row diffs of two versions of a table.

use std::fmt::Write as _;

use rutter::config::Rates;
use rutter::types::Visibility;
use rutter_testing::{Engine, Person, Reply, Server, eventually};
use serde_json::{Value, json};

use super::engines::SLOW;
use super::{engines, numbers, put, query, rows_of, server, until};

async fn diff(server: &Server, who: &Person, pairs: &[(&str, &str)]) -> Reply {
    let url = format!("/api/v1/datasets/ada/data/diff/rows?{}", query(pairs));
    server.call(Some(&who.token), "GET", &url, Value::Null).await
}

/// The JSON of a successful diff.
async fn ok(server: &Server, who: &Person, pairs: &[(&str, &str)]) -> Value {
    let reply = diff(server, who, pairs).await;
    assert_eq!(reply.status, 200, "{pairs:?}: {}", reply.text());
    reply.json()
}

#[tokio::test]
async fn rows_are_compared_by_key_or_as_wholes() {
    let (server, ada) = server().await;
    put(&server, &ada, "t.csv", "id,name,count\n1,owl,10\n2,kite,20\n3,wren,30\n4,tit,40\n").await;
    put(&server, &ada, "t.csv", "id,name,count,seen\n1,owl,10,x\n3,wren,31,x\n5,crow,50,x\n4,tit,40,x\n").await;
    let table = [("table", "t.csv"), ("key", "id")];
    let page = ok(&server, &ada, &table).await;
    let summary = &page["summary"];
    let counts = ["from_rows", "to_rows", "added", "removed", "changed", "unchanged", "duplicate_keys"];
    let counts: Vec<_> = counts.iter().map(|name| summary[name].as_u64().unwrap()).collect();
    assert_eq!(counts, [4, 4, 1, 1, 1, 2, 0], "{summary}");
    assert_eq!((&summary["key"], &summary["key_source"]), (&json!(["id"]), &json!("request")));
    let names: Vec<_> =
        page["fields"].as_array().unwrap().iter().map(|field| field["name"].as_str().unwrap()).collect();
    let place =
        |name: &str| names.iter().position(|other| *other == name).unwrap_or_else(|| panic!("{name}: {names:?}"));
    let shown: Vec<_> = rows_of(&page)
        .iter()
        .map(|row| {
            ["change", "from_row", "to_row", "from_id", "to_id", "from_count", "to_count"]
                .map(|name| row[place(name)].clone())
        })
        .collect();
    // In the order of the newer table; what was removed follows what was before it.
    assert_eq!(
        json!(shown),
        json!([
            ["removed", 1, null, 2, null, 20, null],
            ["changed", 2, 1, 3, 3, 30, 31],
            ["added", null, 2, null, 5, null, 50],
        ])
    );
    let column =
        |name: &str| summary["columns"].as_array().unwrap().iter().find(|column| column["name"] == name).unwrap();
    assert_eq!((&column("seen")["change"], &column("count")["changed_cells"]), (&json!("added"), &json!(1)));

    // Each kind alone, and pages.
    for (kind, rows) in [("added", vec![2]), ("removed", vec![0]), ("changed,added", vec![1, 2])] {
        let part = ok(&server, &ada, &[("table", "t.csv"), ("key", "id"), ("change", kind)]).await;
        let expected: Vec<_> = rows.iter().map(|row| rows_of(&page)[*row].clone()).collect();
        assert_eq!((&part["rows"], &part["total"]), (&json!(expected), &json!(rows.len())), "{kind}");
    }
    let second = ok(&server, &ada, &[("table", "t.csv"), ("key", "id"), ("offset", "1"), ("limit", "1")]).await;
    assert_eq!((rows_of(&second).len(), &second["more"], &second["total"]), (1, &json!(true), &json!(3)));
    assert_eq!(rows_of(&second)[0], rows_of(&page)[1]);
    // The primary key of the newer version is the default.
    let package = json!({"resources": [{"name": "birds", "path": "t.csv", "schema": {"primaryKey": "id", "fields": [
        {"name": "id", "type": "integer"}, {"name": "name", "type": "string"}, {"name": "count", "type": "integer"},
        {"name": "seen", "type": "string"}]}}]});
    put(&server, &ada, "datapackage.json", package.to_string()).await;
    let keyed = ok(&server, &ada, &[("from", "HEAD~2"), ("table", "birds"), ("from_table", "t.csv")]).await;
    assert_eq!((&keyed["summary"]["key_source"], &keyed["rows"]), (&json!("primary_key"), &page["rows"]));
    // Without a key, the edited row is still found.
    let whole = ok(&server, &ada, &[("from", "HEAD~2"), ("to", "HEAD~1"), ("table", "t.csv")]).await;
    assert_eq!(whole["summary"]["key"], json!([]));
    assert_eq!((&whole["summary"]["unchanged"], &whole["summary"]["from_rows"]), (&json!(2), &json!(4)), "{whole}");
    // The same files are not read.
    let same = ok(&server, &ada, &[("from", "HEAD~1"), ("table", "t.csv"), ("to", "HEAD~1")]).await;
    assert_eq!((&same["rows"], &same["summary"]["to_rows"]), (&json!([]), &json!(null)));
    let csv = diff(&server, &ada, &[("from", "HEAD"), ("to", "HEAD"), ("table", "t.csv"), ("format", "csv")]).await;
    assert_eq!((csv.status, csv.text().lines().count()), (200, 1), "{}", csv.text());
}

#[tokio::test]
async fn errors_say_which_side_and_what_to_do() {
    let (server, ada) = server().await;
    let mallory = server.person("mallory").await;
    put(&server, &ada, "old.csv", "id,a\n1,2\n").await;
    put(&server, &ada, "t.csv", "id,a\n1,2\n").await;
    put(&server, &ada, "t.csv", "id,a\n1,3\n").await;
    put(&server, &ada, "x.bin", "x").await;
    for (pairs, status, says) in [
        (vec![("table", "none.csv")], 404, "to: "),
        (vec![("table", "t.csv"), ("from", "HEAD~3")], 404, "from: "),
        (vec![("table", "t.csv"), ("from", "v9")], 404, "v9"),
        (vec![("table", "x.bin")], 415, "x.bin"),
        (vec![("table", "t.csv"), ("from", "HEAD~2"), ("key", "nothing")], 422, "nothing"),
        (vec![("table", "t.csv"), ("change", "moved")], 422, "moved"),
        (vec![("table", "t.csv"), ("format", "daff"), ("limit", "3")], 422, "whole"),
        (vec![("table", "t.csv"), ("limit", "0")], 422, "limit"),
        (vec![], 422, "table"),
    ] {
        let reply = diff(&server, &ada, &pairs).await;
        assert_eq!(reply.status, status, "{pairs:?}: {}", reply.text());
        assert!(reply.text().contains(says), "{pairs:?}: {}", reply.text());
    }
    let renamed = ok(&server, &ada, &[("table", "t.csv"), ("from_table", "old.csv"), ("key", "id")]).await;
    assert_eq!(renamed["summary"]["changed"], 1, "{renamed}");
    for token in [Some(mallory.token.as_str()), None] {
        let reply = server.call(token, "GET", "/api/v1/datasets/ada/data/diff/rows?table=t.csv", Value::Null).await;
        assert_eq!(reply.status, if token.is_some() { 404 } else { 401 });
    }
}

#[tokio::test]
async fn those_who_ask_for_the_same_diff_wait_for_one_run() {
    let (server, ada) = server().await;
    let table = |changed: i64| {
        let mut text = "id,name,value\n".to_owned();
        for id in 0..150_000 {
            let value = if id % 100 == 0 { id + changed } else { id };
            writeln!(text, "{id},n{id},{value}").unwrap();
        }
        text
    };
    put(&server, &ada, "t.csv", table(0)).await;
    put(&server, &ada, "t.csv", table(1)).await;
    let url = "/api/v1/datasets/ada/data/diff/rows?table=t.csv&key=id&limit=3";
    let hurried = async || Reply::of(server.request("GET", url, Some(&ada.token)).header("prefer", "wait=0")).await;
    let first = hurried().await;
    assert_eq!(first.status, 202, "{}", first.text());
    assert_eq!(first.header("retry-after"), "1");
    let progress = first.json()["progress"].as_f64().unwrap();
    assert!((0.0..=1.0).contains(&progress), "{progress}");
    let waiting = || ok(&server, &ada, &[("table", "t.csv"), ("key", "id"), ("limit", "3")]);
    let (one, two) = tokio::join!(waiting(), waiting());
    assert_eq!(one, two);
    assert_eq!((&one["summary"]["changed"], &one["total"]), (&json!(1500), &json!(1500)));
    assert_eq!(one["rows"][1][1], json!(100), "{one}");
    eventually("it is there at once", async || hurried().await.status == 200).await;
}

#[tokio::test]
async fn one_who_has_no_engine_left_does_not_keep_others_from_a_diff() {
    let server = Server::start_with(Engine::Sqlite, |config| {
        config.rates = Rates::off();
        config.tables.engines = 4;
        config.tables.wait_seconds = 3;
    })
    .await;
    let (ada, ben, mallory) = (server.person("ada").await, server.person("ben").await, server.person("mallory").await);
    server.dataset("ada/data", Visibility::Private).await;
    for user in ["ben", "mallory"] {
        server.share(&ada, "ada/data", json!({"with": {"user": user}, "right": "view"})).await;
    }
    put(&server, &ada, "slow.csv", numbers(1_000_000)).await;
    put(&server, &ada, "t.csv", "id,a\n1,2\n").await;
    put(&server, &ada, "t.csv", "id,a\n1,3\n").await;
    // Both engines that mallory can have are busy.
    let mut busy = Vec::new();
    for number in 0..2 {
        let filter = format!("{SLOW} AND id > {number}");
        let url = format!("/api/v1/drive/ada/data/rows/slow.csv?{}", query(&[("where", &filter)]));
        busy.push(tokio::spawn(server.request("GET", &url, Some(&mallory.token)).send()));
    }
    until("they start", || engines().len() == 2).await;
    let url = "/api/v1/datasets/ada/data/diff/rows?table=t.csv&key=id";
    let first = Reply::of(server.request("GET", url, Some(&mallory.token)).header("prefer", "wait=0")).await;
    assert_eq!(first.status, 202, "{}", first.text());
    // More of them cannot wait for her, although she holds no connection.
    let mut last = first;
    for number in 1..=16 {
        let url = format!("{url}{}", ",id".repeat(number));
        last = Reply::of(server.request("GET", &url, Some(&mallory.token)).header("prefer", "wait=0")).await;
        assert_eq!(last.status, if number < 16 { 202 } else { 429 }, "{number}: {}", last.text());
    }
    assert!(last.text().contains("row diffs"), "{}", last.text());
    let page = ok(&server, &ben, &[("table", "t.csv"), ("key", "id")]).await;
    assert_eq!(page["summary"]["changed"], 1, "{page}");
    for request in busy {
        request.abort();
    }
    // What was computed for others is not for those without access.
    let eve = server.person("eve").await;
    for (token, status) in [(Some(eve.token.as_str()), 404), (None, 401)] {
        assert_eq!(server.call(token, "GET", url, Value::Null).await.status, status);
    }
}
