//! The program with a server: requests, indexes, errors, and the end.

#![expect(clippy::unwrap_used, reason = "a panic fails the test")]

use std::collections::HashMap;
use std::io::{Read as _, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tables_wire::{BLOCK, Kind, PROTOCOL};

const PROGRAM: &str = env!("CARGO_BIN_EXE_rutter-tables");

/// A running engine, as a server sees it.
struct Engine {
    child: Child,
    input: Option<ChildStdin>,
    output: ChildStdout,
    _scratch: tempfile::TempDir,
}

/// The end of a request, its result, and what the server keeps.
struct Answer {
    kind: u8,
    end: Value,
    result: Vec<u8>,
    indexes: HashMap<u32, Vec<u8>>,
    reads: Vec<Value>,
}

impl Engine {
    fn start() -> Self {
        let scratch = tempfile::tempdir().unwrap();
        let mut command = Command::new(PROGRAM);
        command.args(["serve", "--memory-bytes", "268435456", "--scratch-bytes", "1048576", "--threads", "1"]);
        command.env_clear().current_dir(scratch.path()).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let (input, output) = (child.stdin.take(), child.stdout.take().unwrap());
        let mut engine = Self { child, input, output, _scratch: scratch };
        let (kind, _, hello) = engine.receive();
        assert_eq!((kind, parse(&hello)["protocol"].as_u64()), (Kind::Hello as u8, Some(u64::from(PROTOCOL))));
        engine
    }

    fn send(&mut self, kind: Kind, number: u32, payload: &[u8]) {
        let mut frame = u32::try_from(payload.len()).unwrap().to_le_bytes().to_vec();
        frame.push(kind as u8);
        frame.extend(number.to_le_bytes());
        frame.extend(payload);
        self.input.as_mut().unwrap().write_all(&frame).unwrap();
    }

    fn receive(&mut self) -> (u8, u32, Vec<u8>) {
        let mut header = [0; 9];
        self.output.read_exact(&mut header).unwrap();
        let [a, b, c, d, kind, number @ ..] = header;
        let mut payload = vec![0; u32::from_le_bytes([a, b, c, d]) as usize];
        self.output.read_exact(&mut payload).unwrap();
        (kind, u32::from_le_bytes(number), payload)
    }

    fn request(&mut self, format: &str, file: &[u8], task: &Value, indexes: &HashMap<u32, Vec<u8>>) {
        for (number, index) in indexes {
            self.send(Kind::Index, *number, index);
        }
        let files = json!([{"name": format!("file.{format}"), "size": file.len()}]);
        let work = json!({"tables": [{"files": files, "format": format}], "task": task});
        self.send(Kind::Work, 0, work.to_string().as_bytes());
    }

    fn answer(&mut self, format: &str, file: &[u8], task: &Value, indexes: &HashMap<u32, Vec<u8>>) -> Answer {
        self.request(format, file, task, indexes);
        let mut answer =
            Answer { kind: 0, end: Value::Null, result: Vec::new(), indexes: HashMap::new(), reads: Vec::new() };
        loop {
            let (kind, number, payload) = self.receive();
            if kind == Kind::Read as u8 {
                let read = parse(&payload);
                let [start, length] =
                    ["offset", "length"].map(|key| usize::try_from(read[key].as_u64().unwrap()).unwrap());
                for part in file[start..start + length].chunks(BLOCK) {
                    self.send(Kind::Bytes, number, part);
                }
                answer.reads.push(read);
            } else if kind == Kind::Chunk as u8 {
                answer.result.extend(payload);
            } else if kind == Kind::Index as u8 {
                answer.indexes.insert(number, payload);
            } else {
                (answer.kind, answer.end) = (kind, parse(&payload));
                return answer;
            }
        }
    }

    /// Closes standard input, and waits for the end of the process.
    fn end(mut self) -> (ExitStatus, Duration) {
        let start = Instant::now();
        self.input = None;
        (self.child.wait().unwrap(), start.elapsed())
    }
}

fn parse(payload: &[u8]) -> Value {
    serde_json::from_slice(payload).unwrap()
}

fn page(offset: u64, limit: u64) -> Value {
    json!({"page": {"offset": offset, "limit": limit, "output": "json"}})
}

fn table(rows: usize) -> Vec<u8> {
    (0..rows).fold("n,word\n".to_owned(), |text, row| text + &format!("{row},w{}\n", row % 7)).into_bytes()
}

#[test]
fn requests_are_answered_one_after_the_other() {
    let mut engine = Engine::start();
    let (file, none) = (table(150_000), HashMap::new());
    let first = engine.answer("csv", &file, &page(0, 2), &none);
    assert_eq!((first.kind, parse(&first.result)), (Kind::Done as u8, json!([[0, "w0"], [1, "w1"]])));
    assert_eq!(first.end["columns"], json!([{"name": "n", "type": "integer"}, {"name": "word", "type": "string"}]));
    let far = engine.answer("csv", &file, &page(149_999, 2), &first.indexes);
    assert_eq!((parse(&far.result), &far.end["total"]), (json!([[149_999, "w3"]]), &json!(150_000)));
    let again = engine.answer("csv", &file, &page(149_999, 2), &far.indexes);
    assert_eq!((parse(&again.result), again.reads.len()), (json!([[149_999, "w3"]]), 1));
    assert!(again.indexes.is_empty());

    let failed = engine.answer("parquet", &file, &page(0, 2), &none);
    assert_eq!((failed.kind, &failed.end["kind"]), (Kind::Failed as u8, &json!("invalid")));
    assert!(failed.end["message"].as_str().unwrap().starts_with("file.parquet: not a readable Parquet file"));
    let unknown = json!({"page": {"offset": 0, "limit": 1, "output": "csv", "columns": ["N"]}});
    assert_eq!(engine.answer("csv", &file, &unknown, &none).kind, Kind::Failed as u8);

    let inferred = parse(&engine.answer("csv", &file, &json!("infer"), &none).result);
    assert_eq!((&inferred["dialect"]["delimiter"], &inferred["is_complete"]), (&json!(","), &json!(false)));
    let filtered = json!({"page": {"offset": 0, "limit": 2, "output": "json", "filter": "n > 100000 AND word = 'w0'"}});
    assert_eq!(parse(&engine.answer("csv", &file, &filtered, &none).result), json!([[100_002, "w0"], [100_009, "w0"]]));
    let statistics = parse(&engine.answer("csv", &file, &json!({"statistics": {"rows": 1000}}), &none).result);
    assert_eq!((&statistics["rows"], &statistics["columns"][0]["max"]), (&json!(1000), &json!(999)));
    let (status, _) = engine.end();
    assert!(status.success());
}

#[test]
fn the_end_of_the_input_ends_the_process_at_once() {
    let file = table(400_000);
    // While it waits for bytes.
    let mut engine = Engine::start();
    engine.request("csv", &file, &page(0, 2), &HashMap::new());
    assert_eq!(engine.receive().0, Kind::Read as u8);
    let (status, duration) = engine.end();
    assert!(status.success() && duration < Duration::from_secs(1), "{status} {duration:?}");
    // While its only worker computes: a part of the answers is enough for seconds of work.
    let mut engine = Engine::start();
    let wide = format!("{}\n", "1,".repeat(9_999)).repeat(150).into_bytes();
    engine.request("csv", &wide, &json!({"statistics": {"rows": 5_000_000}}), &HashMap::new());
    let (_, number, read) = engine.receive();
    let length = usize::try_from(parse(&read)["length"].as_u64().unwrap()).unwrap();
    for part in wide[..length].chunks(BLOCK) {
        engine.send(Kind::Bytes, number, part);
    }
    let (status, duration) = engine.end();
    assert!(status.success() && duration < Duration::from_secs(1), "{status} {duration:?}");
}
