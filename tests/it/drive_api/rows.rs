//! Rows of tables that are made to be expensive.

use rutter::config::Rates;
use rutter_testing::{Engine, Server};
use serde_json::json;

use super::{DriveClient, ada};

/// Bytes of an answer at most: the rows, and what stands around them.
const ANSWER: usize = (4 << 20) + 1000;

#[tokio::test]
async fn pages_of_large_rows_end_early() {
    let server = Server::start_with(Engine::Sqlite, |config| config.rates = Rates::off()).await;
    let ada = ada(&server).await;
    let drive = DriveClient::new(&server, &ada, "ada/data");
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
        assert_eq!(drive.put(name, table).await.status, 201);
        let (mut offset, mut pages) = (10_001, 0);
        loop {
            let reply = drive.get(&format!("/rows/{name}?offset={offset}&limit=1000")).await;
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
        assert!(pages > 1, "{name}");
    }
}

#[tokio::test]
async fn pages_of_rows_with_many_columns_end_early() {
    let server = Server::start_with(Engine::Sqlite, |config| config.rates = Rates::off()).await;
    let ada = ada(&server).await;
    let drive = DriveClient::new(&server, &ada, "ada/data");
    // Each row is two bytes here, and 25,000 in the answer.
    let header: Vec<String> = (0..5000).map(|column| format!("c{column}")).collect();
    drive.put("wide.csv", format!("{}\n{}", header.join(","), "x\n".repeat(1000))).await;
    let reply = drive.get("/rows/wide.csv?limit=1000").await;
    assert!(reply.status == 200 && reply.body.len() < ANSWER + (1 << 20), "{}", reply.body.len());
    let page = reply.json();
    assert_eq!((page["rows"].as_array().unwrap().len() > 100, &page["more"]), (true, &json!(true)));
}

#[tokio::test]
async fn far_offsets_in_tiny_rows_are_fast_and_charged() {
    let server = Server::start_with(Engine::Sqlite, |config| {
        // A hundred points are a MiB of a table.
        config.rates = Rates { address: 10, burst_seconds: 30, wait_seconds: 0, ..Rates::off() };
    })
    .await;
    let ada = ada(&server).await;
    let drive = DriveClient::new(&server, &ada, "ada/data");
    let rows = (6 << 20) / 2;
    assert_eq!(drive.put("tiny.csv", "1\n".repeat(rows)).await.status, 201);
    let reply = drive.get(&format!("/rows/tiny.csv?offset={}&limit=5", rows - 2)).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    assert_eq!((&reply.json()["rows"], &reply.json()["more"]), (&json!([[1], [1]]), &json!(false)));
    let reply = drive.get("/rows/tiny.csv?limit=1").await;
    assert_eq!(reply.status, 429, "what was read is paid for: {}", reply.text());
}

#[tokio::test]
async fn a_preview_has_the_types_of_the_schema_and_counts_rows() {
    let server = Server::start_with(Engine::Sqlite, |config| config.rates = Rates::off()).await;
    let ada = ada(&server).await;
    let drive = DriveClient::new(&server, &ada, "ada/data");
    let utf_16: Vec<u8> =
        "\u{feff}größe;note\r\n1,5;\"a\r\nb\"\r\n2;€\r\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let lines = "{\"id\":9007199254740993,\"seen\":\"2025-01-02\",\"tags\":[18446744073709551615]}\n";
    for (name, bytes, rows) in [
        ("utf-16.csv", utf_16, json!([[1.5, "a\r\nb"], [2.0, "€"]])),
        ("windows.tsv", b"note\tn\n\x80 \x93x\x94\t1\n".to_vec(), json!([["€ “x”", 1]])),
        ("lines.jsonl", lines.into(), json!([["9007199254740993", "2025-01-02", ["18446744073709551615"]]])),
    ] {
        assert_eq!(drive.put(name, bytes).await.status, 201);
        let page = drive.get(&format!("/rows/{name}?limit=1000&revision=main")).await.json();
        assert_eq!((&page["rows"], &page["total"]), (&rows, &json!(rows.as_array().unwrap().len())), "{name}");
        let infer = server.request("POST", "/api/v1/datasets/ada/data/infer", Some(&ada.token));
        let infer = infer.header("content-type", "application/json").body(json!({"path": name}).to_string());
        let inferred = rutter_testing::Reply::of(infer).await.json();
        let types = |fields: &serde_json::Value| -> Vec<String> {
            fields.as_array().unwrap().iter().map(|field| format!("{}: {}", field["name"], field["type"])).collect()
        };
        assert_eq!(types(&page["fields"]), types(&inferred["schema"]["fields"]), "{name}");
    }
    // The rows of a large table are counted when its end was read.
    drive.put("large.csv", "id\n".to_owned() + &"1\n".repeat(20_000)).await;
    assert_eq!(drive.get("/rows/large.csv").await.json()["total"], json!(null));
    assert_eq!(drive.get("/rows/large.csv?offset=19999").await.json()["total"], 20_000);
    assert_eq!(drive.get("/rows/large.csv").await.json()["total"], 20_000);
    drive.put("archive.csv", b"PK\x03\x04\0\0\0\0".to_vec()).await;
    let reply = drive.get("/rows/archive.csv").await;
    assert_eq!((reply.status, reply.text().contains("not text")), (422, true), "{}", reply.text());
}
