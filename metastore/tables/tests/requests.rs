//! Requests to the confined program, over its standard input and output.

#![expect(clippy::unwrap_used, reason = "a panic fails the test")]

use std::fmt::Write as _;
use std::process::Stdio;

use bytes::Bytes;
use serde_json::{Value, json};
use tables_wire::{
    BLOCK, Diff, Done, Failure, FailureKind, Format, Frame, Kind, Output, Page, Read, Sort, Statistics, Table,
    TableFile, Task, Work, read_frame, write_frame,
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
        self.request_all(&[(Format::Csv, csv.as_bytes())], task).await
    }

    async fn request_all(&mut self, tables: &[(Format, &[u8])], task: Task) -> Result<(Done, Bytes), Failure> {
        let table = |(format, file): &(Format, &[u8])| {
            let file = TableFile { name: "birds.csv".to_owned(), size: file.len() as u64, compression: None };
            Table { files: vec![file], format: *format, declared: serde_json::Map::new() }
        };
        let work = serde_json::to_vec(&Work { tables: tables.iter().map(table).collect(), task }).unwrap();
        write_frame(&mut self.input, &Frame::data(Kind::Work, 0, work)).await.unwrap();
        let mut result = Vec::new();
        loop {
            self.input.flush().await.unwrap();
            let frame = read_frame(&mut self.output).await.unwrap().expect("the engine ended");
            match frame.kind {
                Kind::Read => {
                    let read: Read = serde_json::from_slice(&frame.payload).unwrap();
                    let start = usize::try_from(read.offset).unwrap();
                    let file = tables[usize::try_from(read.file).unwrap()].1;
                    let bytes = &file[start..start + usize::try_from(read.length).unwrap()];
                    for part in bytes.chunks(BLOCK) {
                        let part = Frame::data(Kind::Bytes, frame.number, part.to_vec());
                        write_frame(&mut self.input, &part).await.unwrap();
                    }
                }
                Kind::Chunk => result.extend_from_slice(&frame.payload),
                Kind::Done => return Ok((serde_json::from_slice(&frame.payload).unwrap(), result.into())),
                Kind::Failed => return Err(serde_json::from_slice(&frame.payload).unwrap()),
                Kind::Index | Kind::Progress => {}
                other => panic!("{other:?}"),
            }
        }
    }
}

fn page(filter: Option<&str>, sort: &[(&str, bool)], output: Output) -> Task {
    let sort = sort.iter().map(|(column, descending)| Sort { column: (*column).to_owned(), descending: *descending });
    let filter = filter.map(str::to_owned);
    Task::Page(Page { offset: 0, limit: 100, columns: None, filter, sort: sort.collect(), output, detailed: false })
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

fn diff(key: &[&str], text: bool) -> Task {
    let key = key.iter().map(|name| (*name).to_owned()).collect();
    Task::Diff(Diff { key: Some(key), rows: 1_000_000, text })
}

#[tokio::test]
async fn rows_are_compared() {
    let mut engine = Engine::start(64 << 20).await;
    let newer = BIRDS.replace("Wren", "Robin") + "4,Crow,,\r\n";
    let tables = [(Format::Csv, BIRDS.as_bytes()), (Format::Csv, newer.as_bytes())];
    let (done, file) = engine.request_all(&tables, diff(&["id"], false)).await.unwrap();
    let summary = done.summary.unwrap();
    assert_eq!((summary.added, summary.removed, summary.changed, summary.unchanged), (1, 0, 1, 2));
    // The file is a table of its own.
    let task = page(Some("change = 'changed'"), &[], Output::Csv);
    let (page, rows) = engine.request_all(&[(Format::Arrow, &file)], task).await.unwrap();
    assert_eq!(page.columns, done.columns);
    let text = str::from_utf8(&rows).unwrap();
    assert!(text.starts_with("change,from_row,to_row,from_id,to_id,from_name,to_name"), "{text}");
    assert!(text.contains(",Wren,Robin,"), "{text}");
    let failure = engine.request_all(&tables, diff(&["ids"], false)).await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::Invalid);
    assert!(failure.message.contains("\"ids\"") && failure.message.contains("\"id\""), "{failure:?}");
}

/// Compares with the key `id`, unless one of the tables does not have it.
async fn daff(engine: &mut Engine, from: &str, to: &str) -> String {
    let key: &[&str] = if from.contains("id") && to.contains("id") { &["id"] } else { &[] };
    let [from, to] = [from, to].map(|text| (Format::Csv, text.as_bytes()));
    let (_, file) = engine.request_all(&[from, to], diff(key, true)).await.unwrap();
    let (_, text) = engine.request_all(&[from, to, (Format::Arrow, &file)], Task::Daff).await.unwrap();
    str::from_utf8(&text).unwrap().replace("\r\n", "\n")
}

#[tokio::test]
async fn row_diffs_have_the_format_of_daff() {
    let mut engine = Engine::start(64 << 20).await;
    let from = "id,n\n1,a\n2,b\n3,c\n4,d\n5,e\n6,f\n";
    for (to, expected) in [
        (from.to_owned(), "@@,id,n\n...,...,...\n"),
        (from.replace("3,c", "3,x"), "@@,id,n\n...,...,...\n,2,b\n->,3,c->x\n,4,d\n...,...,...\n"),
        (from.replace("3,c", "3,a->b"), "@@,id,n\n...,...,...\n,2,b\n-->,3,c-->a->b\n,4,d\n...,...,...\n"),
        (from.replace("1,a\n", ""), "@@,id,n\n---,1,a\n,2,b\n...,...,...\n"),
        (from.to_owned() + "7,g\n", "@@,id,n\n...,...,...\n,6,f\n+++,7,g\n"),
        // Cells that daff would misread.
        (from.replace("2,b", "2,NULL"), "@@,id,n\n,1,a\n->,2,b->NULL\n,3,c\n...,...,...\n"),
        (from.replace("2,b", "2,_NULL"), "@@,id,n\n,1,a\n->,2,b->__NULL\n,3,c\n...,...,...\n"),
        (from.replace("2,b", "2, b"), "@@,id,n\n,1,a\n---,2,b\n+++,2, b\n,3,c\n...,...,...\n"),
        // A row that was moved.
        (
            "id,n\n1,a\n3,c\n4,d\n5,e\n2,b\n6,f\n".to_owned(),
            "@@,id,n\n,1,a\n---,2,b\n,3,c\n...,...,...\n,5,e\n+++,2,b\n,6,f\n",
        ),
        // Columns: all rows have the new cells.
        (
            "id,m\n1,p\n2,q\n".to_owned(),
            "!,,---,+++\n@@,id,n,m\n+,1,a,p\n+,2,b,q\n---,3,c,\n---,4,d,\n---,5,e,\n---,6,f,\n",
        ),
        ("n\na\nx\nc\nd\ne\nf\n".to_owned(), "!,---,\n@@,id,n\n,1,a\n---,2,b\n+++,,x\n,3,c\n...,...,...\n"),
    ] {
        assert_eq!(daff(&mut engine, from, &to).await, expected, "{to}");
    }
    // Rows that are not unique follow two that are, and are removed before others are added.
    let from = "a,b\n1,1\n2,2\n3,3\n4,4\nx,x\nx,x\nx,x\n5,5\n";
    let to = "a,b\n1,1\n2,2\n3,3\n4,4\nx,x\nnew,1\nx,x\nx,y\n5,5\n";
    let expected = "@@,a,b\n...,...,...\n+,3,3\n+,4,4\n+,x,x\n---,x,x\n---,x,x\n+++,new,1\n+++,x,x\n+++,x,y\n,5,5\n";
    assert_eq!(daff(&mut engine, from, to).await, expected);
}
