//! Queries to the confined program, also those without an end.

#![expect(clippy::unwrap_used, reason = "a panic fails the test")]

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use serde_json::{Map, Value, json};
use tables_wire::{
    BLOCK, Done, Failure, FailureKind, Format, Frame, Kind, Output, Query, Read, References, Sql, Table, TableFile,
    Task, Work, read_frame, write_frame,
};
use tokio::io::AsyncWriteExt as _;
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::time::timeout;

const MEMORY: u64 = 64 << 20;

struct Engine {
    child: Child,
    input: ChildStdin,
    output: ChildStdout,
    folder: tempfile::TempDir,
}

/// How a request ended.
#[derive(Debug)]
enum End {
    Done(Done, Vec<u8>),
    Failed(Failure),
    /// The process ended.
    Exit,
}

impl Engine {
    async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_rutter-tables"))
            .args(["serve", "--memory-bytes", &MEMORY.to_string(), "--scratch-bytes", "16777216", "--threads", "2"])
            .env_clear()
            .current_dir(&folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let (input, mut output) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        assert_eq!(read_frame(&mut output).await.unwrap().unwrap().kind, Kind::Hello);
        Self { child, input, output, folder }
    }

    async fn request(&mut self, tables: &[&str], task: Task) -> End {
        let table = |csv: &&str| Table {
            files: vec![TableFile { name: "birds.csv".to_owned(), size: csv.len() as u64, compression: None }],
            format: Format::Csv,
            declared: Map::new(),
        };
        let work = Work { tables: tables.iter().map(table).collect(), task };
        let frame = Frame::message(Kind::Work, 0, &work).unwrap();
        write_frame(&mut self.input, &frame).await.unwrap();
        let mut result = Vec::new();
        loop {
            self.input.flush().await.unwrap();
            let Ok(Some(frame)) = read_frame(&mut self.output).await else { return End::Exit };
            match frame.kind {
                Kind::Read => {
                    let read: Read = frame.parse().unwrap();
                    let start = usize::try_from(read.offset).unwrap();
                    let file = tables[read.file as usize].as_bytes();
                    for part in file[start..start + usize::try_from(read.length).unwrap()].chunks(BLOCK) {
                        let part = Frame::data(Kind::Bytes, frame.number, part.to_vec());
                        write_frame(&mut self.input, &part).await.unwrap();
                    }
                }
                Kind::Chunk => result.extend_from_slice(&frame.payload),
                Kind::Done => return End::Done(frame.parse().unwrap(), result),
                Kind::Failed => return End::Failed(frame.parse().unwrap()),
                Kind::Index => {}
                other => panic!("{other:?}"),
            }
        }
    }

    async fn sql(&mut self, tables: &[&str], query: &str, output: Output, limit: Option<u64>) -> End {
        let parameters = Value::Null;
        let metadata = Map::new();
        let task = Sql { query: query.to_owned(), parameters, limit, output, metadata, diff_rows: 1000 };
        self.request(tables, Task::Sql(task)).await
    }
}

fn files(folder: &Path) -> usize {
    let count = |entry: std::fs::DirEntry| if entry.path().is_dir() { files(&entry.path()) } else { 1 };
    std::fs::read_dir(folder).unwrap().map(|entry| count(entry.unwrap())).sum()
}

#[tokio::test]
async fn names_then_rows() {
    let mut engine = Engine::start().await;
    let query = "SELECT o.id, n.name FROM \"ada/birds@v1\".birds o RIGHT JOIN birds n ON o.id = n.id ORDER BY n.id";
    let End::Done(_, found) = engine.request(&[], Task::References(Query { query: query.to_owned() })).await else {
        panic!()
    };
    let found: References = serde_json::from_slice(&found).unwrap();
    let names: Vec<_> = found.tables.iter().map(|table| (table.dataset.as_deref(), &*table.table)).collect();
    assert_eq!(names, [(Some("ada/birds@v1"), "birds"), (None, "birds")]);
    let tables = ["id,name\n1,Wren\n", "id,name\n1,Wren\n2,Crow\n"];
    let End::Done(done, rows) = engine.sql(&tables, query, Output::Json, None).await else { panic!() };
    assert_eq!(serde_json::from_slice::<Value>(&rows).unwrap(), json!([[1, "Wren"], [null, "Crow"]]));
    assert_eq!(done.columns.len(), 2);
    let End::Failed(failure) = engine.request(&[], Task::References(Query { query: "DROP TABLE x".to_owned() })).await
    else {
        panic!()
    };
    assert_eq!(failure.kind, FailureKind::Invalid);
    // The server's mistake: the tables are not those of the query.
    let End::Failed(failure) = engine.sql(&tables[..1], query, Output::Json, None).await else { panic!() };
    assert_eq!(failure.kind, FailureKind::Internal);
}

/// Queries that need more than the limits allow: they fail, or end the process, but do not go on.
#[tokio::test]
async fn large_values_end_by_limits() {
    for query in [
        "SELECT repeat('x', 2000000000)",
        "SELECT length(repeat(repeat('x', 100000), 100000))",
        "SELECT lpad('x', 2000000000)",
        "SELECT cardinality(range(0, 1000000000000))",
        "SELECT cardinality(generate_series(0, 1000000000000))",
        "SELECT array_agg(a) FROM (SELECT repeat('x', 100000) AS a, unnest(range(0, 100000)))",
        "SELECT a, count(*) FROM (SELECT unnest(range(0, 20000000)) AS a) GROUP BY a ORDER BY count(*), a LIMIT 1",
    ] {
        let mut engine = Engine::start().await;
        let end = engine.sql(&[], query, Output::Json, Some(10));
        match timeout(Duration::from_secs(60), end).await.unwrap_or_else(|_| panic!("{query} goes on")) {
            End::Done(_, rows) => panic!("{query}: {} bytes", rows.len()),
            End::Failed(failure) => {
                assert_ne!(failure.kind, FailureKind::Internal, "{query}: {failure:?}");
                assert_eq!(files(engine.folder.path()), 0, "{query}");
            }
            End::Exit => {
                let status = engine.child.wait().await.unwrap();
                assert!(!status.success(), "{query}: {status}");
            }
        }
    }
}

/// Queries without an end, which only the server's timeout stops: it kills the process.
#[tokio::test]
async fn endless_queries_use_little_memory_until_they_are_killed() {
    for query in [
        "WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i FROM n) SELECT count(*) FROM n",
        "SELECT count(*) FROM birds a, birds b, birds c, birds d WHERE a.id + b.id < c.id - d.id",
    ] {
        let mut engine = Engine::start().await;
        let mut birds = "id\n".to_owned();
        birds.extend((0..3000).map(|id| format!("{id}\n")));
        let tables: &[&str] = if query.contains("birds") { &[&birds] } else { &[] };
        let pid = engine.child.id().unwrap();
        let end = timeout(Duration::from_secs(3), engine.sql(tables, query, Output::Json, Some(10))).await;
        if let Ok(End::Failed(failure)) = &end {
            assert_eq!(failure.kind, FailureKind::Limit, "{query}: {failure:?}");
            continue;
        }
        assert!(end.is_err(), "{query}: {end:?}");
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        let peak: u64 = peak.trim().trim_end_matches(" kB").parse().unwrap();
        assert!(peak << 10 < MEMORY + (256 << 20), "{query}: {peak} kB");
        let start = std::time::Instant::now();
        engine.child.kill().await.unwrap();
        assert!(start.elapsed() < Duration::from_secs(1));
    }
    // A client that wants few rows of them gets those.
    let mut engine = Engine::start().await;
    let query = "WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n) SELECT i FROM n";
    let end = timeout(Duration::from_secs(30), engine.sql(&[], query, Output::Json, Some(3))).await.unwrap();
    let End::Done(done, rows) = end else { panic!("{end:?}") };
    assert_eq!((done.more, rows.as_slice()), (true, &b"[[1],[2],[3]]"[..]));
}

#[tokio::test]
async fn an_engine_goes_on_after_a_failed_query() {
    let mut engine = Engine::start().await;
    for _ in 0..3 {
        let End::Failed(failure) = engine.sql(&["id\n1\n"], "SELECT nme FROM birds", Output::Csv, None).await else {
            panic!()
        };
        assert_eq!(failure.kind, FailureKind::Invalid, "{failure:?}");
        let End::Done(_, rows) = engine.sql(&["id\n1\n"], "SELECT id FROM birds", Output::Csv, None).await else {
            panic!()
        };
        assert_eq!(rows, b"id\r\n1\r\n");
    }
    assert_eq!(files(engine.folder.path()), 0);
}
