//! Requests to the confined program, over its standard input and output.

#![expect(clippy::unwrap_used, reason = "a panic fails the test")]

use std::fmt::Write as _;
use std::process::Stdio;

use bytes::Bytes;
use serde_json::{Value, json};
use tables_wire::{
    BLOCK, Done, Failure, FailureKind, Format, Frame, Kind, Output, Page, Read, Sort, Statistics, Table, TableFile,
    Task, Work, read_frame, write_frame,
};
use tokio::io::AsyncWriteExt as _;
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

struct Engine {
    _child: Child,
    input: ChildStdin,
    output: ChildStdout,
    _folder: tempfile::TempDir,
}

impl Engine {
    async fn start(memory: u64) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_rutter-tables"))
            .args(["serve", "--memory-bytes", &memory.to_string(), "--scratch-bytes", "104857600", "--threads", "2"])
            .env_clear()
            .current_dir(&folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let (input, mut output) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        assert_eq!(read_frame(&mut output).await.unwrap().unwrap().kind, Kind::Hello);
        Self { _child: child, input, output, _folder: folder }
    }

    async fn request(&mut self, csv: &str, task: Task) -> Result<(Done, Bytes), Failure> {
        let file = TableFile { name: "birds.csv".to_owned(), size: csv.len() as u64, compression: None };
        let table = Table { files: vec![file], format: Format::Csv, declared: serde_json::Map::new() };
        let work = serde_json::to_vec(&Work { tables: vec![table], task }).unwrap();
        write_frame(&mut self.input, &Frame::data(Kind::Work, 0, work)).await.unwrap();
        let mut result = Vec::new();
        loop {
            self.input.flush().await.unwrap();
            let frame = read_frame(&mut self.output).await.unwrap().expect("the engine ended");
            match frame.kind {
                Kind::Read => {
                    let read: Read = serde_json::from_slice(&frame.payload).unwrap();
                    let start = usize::try_from(read.offset).unwrap();
                    let bytes = &csv.as_bytes()[start..start + usize::try_from(read.length).unwrap()];
                    for part in bytes.chunks(BLOCK) {
                        let part = Frame::data(Kind::Bytes, frame.number, part.to_vec());
                        write_frame(&mut self.input, &part).await.unwrap();
                    }
                }
                Kind::Chunk => result.extend_from_slice(&frame.payload),
                Kind::Done => return Ok((serde_json::from_slice(&frame.payload).unwrap(), result.into())),
                Kind::Failed => return Err(serde_json::from_slice(&frame.payload).unwrap()),
                Kind::Index => {}
                other => panic!("{other:?}"),
            }
        }
    }
}

fn page(filter: Option<&str>, sort: &[(&str, bool)], output: Output) -> Task {
    let sort = sort.iter().map(|(column, descending)| Sort { column: (*column).to_owned(), descending: *descending });
    let filter = filter.map(str::to_owned);
    Task::Page(Page { offset: 0, limit: 100, columns: None, filter, sort: sort.collect(), output })
}

const BIRDS: &str = "id,name,seen,weight\r\n1,Wren,2024-05-01T10:00:00Z,9.5\r\n2,\"Robin, red\",2023-05-01T10:00:00Z,18\r\n\
                     3,,2024-05-02T10:00:00Z,\r\n";

#[tokio::test]
async fn rows_are_filtered_and_sorted() {
    let mut engine = Engine::start(64 << 20).await;
    for (filter, sort, ids) in [
        (Some("seen < now() AND weight > 9"), &[("id", true)][..], json!([2, 1])),
        (Some("seen >= '2024-01-01'"), &[], json!([1, 3])),
        (Some("seen AT TIME ZONE 'Europe/Berlin' > '2024-05-01'"), &[], json!([1, 3])),
        (None, &[("weight", true)], json!([2, 1, 3])),
        (None, &[("name", false), ("id", false)], json!([2, 1, 3])),
    ] {
        let (done, rows) = engine.request(BIRDS, page(filter, sort, Output::Json)).await.unwrap();
        let rows: Vec<Vec<Value>> = serde_json::from_slice(&rows).unwrap();
        let found: Vec<_> = rows.iter().map(|row| row[0].clone()).collect();
        assert_eq!(Value::from(found), ids, "{filter:?} {sort:?}");
        assert_eq!((done.rows, done.more), (rows.len() as u64, false));
        assert_eq!(done.is_volatile, filter.is_some_and(|filter| filter.contains("now")));
    }
    let (_, csv) = engine.request(BIRDS, page(Some("id = 2"), &[], Output::Csv)).await.unwrap();
    assert_eq!(csv, "id,name,seen,weight\r\n2,\"Robin, red\",2023-05-01T10:00:00Z,18.0\r\n");
}

#[tokio::test]
async fn an_engine_goes_on_after_a_failed_request() {
    let mut engine = Engine::start(64 << 20).await;
    for (filter, expected) in [
        ("nmae = 'Wren'", "similar names: \"name\""),
        ("id IN (SELECT 1)", "subqueries"),
        ("1 / (id - id) = 1", "division by zero"),
    ] {
        let failure = engine.request(BIRDS, page(Some(filter), &[], Output::Json)).await.unwrap_err();
        assert_eq!(failure.kind, FailureKind::Invalid, "{failure:?}");
        assert!(failure.message.to_lowercase().contains(expected), "{failure:?}");
    }
    let wrong = format!("{}x,Crow,,\r\n", "1,a,,1\r\n".repeat(20_000)).replacen("", "id,name,seen,weight\r\n", 1);
    let failure = engine.request(&wrong, page(Some("id = 5"), &[], Output::Json)).await.unwrap_err();
    assert!(failure.message.contains("birds.csv") && failure.message.contains("string"), "{failure:?}");
    assert!(engine.request(BIRDS, page(None, &[("id", false)], Output::Json)).await.is_ok());
}

#[tokio::test]
async fn columns_are_summarized() {
    let mut engine = Engine::start(64 << 20).await;
    let task = || Task::Statistics(Statistics { rows: 1_000_000 });
    let (_, statistics) = engine.request(BIRDS, task()).await.unwrap();
    let statistics: Value = serde_json::from_slice(&statistics).unwrap();
    assert_eq!((&statistics["rows"], &statistics["is_complete"]), (&json!(3), &json!(true)));
    let columns = statistics["columns"].as_array().unwrap();
    assert_eq!((&columns[0]["mean"], &columns[1]["nulls"], &columns[3]["max"]), (&json!(2.0), &json!(1), &json!(18.0)));
    assert_eq!((&columns[2]["type"], &columns[2]["max"]), (&json!("datetime"), &json!("2024-05-02T10:00:00Z")));
    // More than fits into memory: the file is read twice.
    let mut large = "id,text\r\n".to_owned();
    for row in 0..400_000 {
        write!(large, "{row},{} some text {}\r\n", row % 7, row % 1000).unwrap();
    }
    let (_, statistics) = engine.request(&large, task()).await.unwrap();
    let statistics: Value = serde_json::from_slice(&statistics).unwrap();
    let (id, text) = (&statistics["columns"][0], &statistics["columns"][1]);
    assert_eq!((&id["min"], &id["max"], &text["distinct"]), (&json!(0), &json!(399_999), &json!(7000)));
    assert_eq!(id["histogram"]["counts"], json!(vec![20_000; 20]));
}
