//! The commands that are clients of the API, with a server that answers as the test says: what only happens if
//! something takes long, breaks off or changes in between.

use std::collections::VecDeque;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, Method, Response, Uri};
use futures::stream::{self, StreamExt as _};
use rutter_testing::{eventually, text};
use serde_json::{Value, json};

use super::Cli;

/// What the server received.
#[derive(Debug, Clone)]
struct Received {
    method: Method,
    target: String,
    token: Option<String>,
    body: String,
}

impl Received {
    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    /// A parameter of the query.
    fn parameter(&self, name: &str) -> Option<String> {
        let url = reqwest::Url::parse(&format!("http://x{}", self.target)).unwrap();
        url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
    }
}

/// An answer of the server.
struct Answer {
    status: u16,
    headers: Vec<(&'static str, &'static str)>,
    body: Vec<u8>,
    end: End,
}

/// How the body of an answer ends.
#[derive(PartialEq)]
enum End {
    Regular,
    BrokenOff,
    Never,
}

impl Answer {
    fn new(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self { status, headers: Vec::new(), body: body.into(), end: End::Regular }
    }

    fn json(status: u16, body: &Value) -> Self {
        Self::new(status, body.to_string())
    }

    fn problem(status: u16, detail: &str) -> Self {
        Self::json(status, &json!({"status": status, "detail": detail}))
    }

    fn with(mut self, name: &'static str, value: &'static str) -> Self {
        self.headers.push((name, value));
        self
    }

    fn ending(mut self, end: End) -> Self {
        self.end = end;
        self
    }
}

#[derive(Clone, Default)]
struct Script {
    answers: Arc<Mutex<VecDeque<Answer>>>,
    received: Arc<Mutex<Vec<Received>>>,
    /// True once a client has closed a connection whose answer has no end.
    is_cancelled: Arc<AtomicBool>,
}

/// Reports that the body of an answer was dropped.
struct Dropped(Arc<AtomicBool>);

impl Drop for Dropped {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

async fn answer(
    State(script): State<Script>,
    method: Method,
    target: Uri,
    headers: HeaderMap,
    body: String,
) -> Response<Body> {
    let token = headers.get("authorization").map(|value| value.to_str().unwrap().to_owned());
    script.received.lock().unwrap().push(Received { method, target: target.to_string(), token, body });
    let answer = script.answers.lock().unwrap().pop_front();
    let answer = answer.unwrap_or_else(|| Answer::problem(500, "one request too many"));
    let mut response = Response::builder().status(answer.status);
    for (name, value) in answer.headers {
        response = response.header(name, value);
    }
    let begin = stream::iter([Ok::<_, std::io::Error>(Bytes::from(answer.body.clone()))]);
    let body = match answer.end {
        End::Regular => Body::from(answer.body),
        End::BrokenOff => Body::from_stream(begin.chain(stream::once(async {
            // The beginning is sent first.
            tokio::time::sleep(std::time::Duration::from_millis(200)).await;
            Err(std::io::Error::other("broken off"))
        }))),
        End::Never => {
            let dropped = Dropped(script.is_cancelled.clone());
            let rest = stream::pending().map(move |piece| {
                let _ = &dropped;
                piece
            });
            Body::from_stream(begin.chain(rest))
        }
    };
    response.body(body).unwrap()
}

/// A server, and a user with a home folder.
struct Scene {
    cli: Cli,
    url: String,
    script: Script,
}

impl Scene {
    async fn new(answers: impl IntoIterator<Item = Answer>) -> Self {
        let script = Script::default();
        script.answers.lock().unwrap().extend(answers);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let routes = axum::Router::new().fallback(answer).with_state(script.clone());
        tokio::spawn(async move { axum::serve(listener, routes).await });
        Self { cli: Cli { folder: tempfile::tempdir().unwrap(), database: None }, url, script }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.cli.command(arguments);
        command.env("RUTTER_SERVER", &self.url).env("RUTTER_TOKEN", "rut_x");
        command
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    fn received(&self) -> Vec<Received> {
        self.script.received.lock().unwrap().clone()
    }

    fn names(&self) -> Vec<String> {
        rutter_testing::names(self.cli.folder.path()).into_iter().collect()
    }

    /// Writes the saved logins: the address and the access token of each.
    fn log_in(&self, logins: &[(&str, &str)]) {
        let folder = self.cli.folder.path().join(".config/rutter");
        std::fs::create_dir_all(&folder).unwrap();
        let login = |token: &str| json!({"user": "ada", "refresh_token": "rrt_1", "access_token": token, "expires_at": 9_999_999_999_u64});
        let saved: serde_json::Map<String, Value> =
            logins.iter().map(|(url, token)| ((*url).to_owned(), login(token))).collect();
        std::fs::write(folder.join("logins.json"), Value::Object(saved).to_string()).unwrap();
    }
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

fn rows(rows: &Value) -> Value {
    let fields = json!([{"name": "id", "type": "integer"}, {"name": "name\u{1b}", "type": "string"}]);
    let source =
        json!({"dataset": "ada/birds", "revision": "main", "commit": "0123456789abcdef", "table": "birds.csv"});
    json!({"fields": fields, "rows": rows, "more": false, "sources": [source], "canonical": "SELECT"})
}

#[tokio::test(flavor = "multi_thread")]
async fn sql_shows_a_table_and_where_it_is_from() {
    let scene = Scene::new([Answer::json(200, &rows(&json!([[1, "a\u{1b}[2J\n"], [20, null]])))]).await;
    let query = ["sql", "SELECT 1", "--default", "ada/birds", "--param", "a=1", "--format", "table"];
    let output = scene.run(&query);
    assert!(output.status.success(), "{}", text(&output));
    let expected = "id  name\\u{1b}\n──  ────────────\n 1  a\\u{1b}[2J\\n\n20  NULL\n";
    assert_eq!(stdout(&output), expected);
    assert_eq!(stderr(&output), "2 rows from ada/birds@main (0123456789) birds.csv\n");
    let [received] = &scene.received()[..] else { panic!("{:?}", scene.received()) };
    assert_eq!((received.method.as_str(), received.target.as_str()), ("POST", "/api/v1/sql"));
    assert_eq!(received.token.as_deref(), Some("Bearer rut_x"));
    let body = json!({"query": "SELECT 1", "default": "ada/birds", "parameters": {"a": 1}, "format": "json"});
    assert_eq!(received.json(), body);
}

#[tokio::test(flavor = "multi_thread")]
async fn sql_passes_results_on_as_they_are() {
    let bytes: Vec<u8> = (0..=255).cycle().take(3_000_000).collect();
    let json = rows(&json!([[1.50, "x"]])).to_string();
    let answers = [
        Answer::new(200, "a\n\u{1b}1\n"),
        Answer::new(200, bytes.clone()),
        Answer::new(200, bytes.clone()),
        Answer::new(200, json.clone()),
    ];
    let scene = Scene::new(answers).await;
    let csv = scene.cli.run_with_input(&["sql", "-", "--server", &scene.url, "--limit", "7"], "SELECT 1\n");
    assert_eq!(stdout(&csv), "a\n\u{1b}1\n", "CSV, unless it is a terminal");
    let parquet = scene.run(&["sql", "SELECT 1", "-o", "a.parquet"]);
    assert!(parquet.status.success() && parquet.stdout.is_empty(), "{}", text(&parquet));
    assert!(std::fs::read(scene.cli.folder.path().join("a.parquet")).unwrap() == bytes);
    assert!(scene.run(&["sql", "SELECT 1", "--format", "arrow"]).stdout == bytes);
    assert_eq!(stdout(&scene.run(&["sql", "SELECT 1", "--format", "json"])), format!("{json}\n"));
    let formats: Vec<Value> = scene.received().iter().map(|received| received.json()["format"].clone()).collect();
    assert_eq!(formats, ["csv", "parquet", "arrow", "json"]);
    let first = scene.received()[0].clone();
    assert_eq!(first.json(), json!({"query": "SELECT 1\n", "limit": 7, "format": "csv"}));
    assert_eq!(first.token, None, "that user is anonymous");
    assert_eq!(scene.names(), ["a.parquet"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_are_what_the_server_says() {
    let cases = [
        (Answer::problem(422, "no column \"x\u{1b}\""), "rutter: no column \"x\\u{1b}\"\n"),
        (Answer::problem(429, "too many tables"), "rutter: too many tables\n"),
        (Answer::new(502, "<html>"), "answered 502 Bad Gateway: is it a rutter server"),
        (Answer::new(302, "").with("location", "https://example.org/"), "answered 302 Found"),
        (Answer::new(200, "<html>").ending(End::Regular), "is it a rutter server of this version?"),
    ];
    for (answer, says) in cases {
        let scene = Scene::new([answer]).await;
        let output = scene.run(&["sql", "SELECT 1", "--format", "json"]);
        assert_eq!(output.status.code(), Some(1), "{}", text(&output));
        assert!(stderr(&output).starts_with("rutter: ") && stderr(&output).contains(says), "{}", text(&output));
        assert!(output.stdout.is_empty());
    }
    let scene =
        Scene::new([Answer::problem(404, "there is no dataset"), Answer::problem(404, "there is no dataset")]).await;
    let known = scene.run(&["diff", "ada/birds", "v1", "main", "birds.csv"]);
    assert_eq!((known.status.code(), stderr(&known).as_str()), (Some(2), "rutter: there is no dataset\n"));
    let anonymous = scene.command(&["diff", "ada/birds", "v1", "main"]).env_remove("RUTTER_TOKEN").output().unwrap();
    let hint = format!("run `rutter login {}`, or set RUTTER_TOKEN", scene.url);
    assert!(anonymous.status.code() == Some(2) && stderr(&anonymous).contains(&hint), "{}", text(&anonymous));
    // What is wrong without a server.
    for (arguments, says, code) in [
        (&["sql", "  "][..], "the query is empty", 1),
        (&["sql", "SELECT 1", "-o", "none/a.csv"], "cannot write none/a.csv", 1),
        (&["sql", "SELECT 1", "--server", "http://data.example.org"], "use https", 1),
        (&["sql", "SELECT 1", "--server", "http://127.0.0.1:9"], "cannot reach http://127.0.0.1:9", 1),
        (&["diff", "ada/birds", "v1", "main", "--format", "csv"], "which table?", 2),
    ] {
        let output = scene.run(arguments);
        assert_eq!(output.status.code(), Some(code), "{}", text(&output));
        assert!(stderr(&output).starts_with("rutter: ") && stderr(&output).contains(says), "{}", text(&output));
    }
    assert_eq!(scene.received().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_server_and_the_token_are_those_of_the_login() {
    let refreshed = json!({"access_token": "rat_3", "refresh_token": "rrt_2", "expires_in": 900});
    let answers = [
        Answer::new(200, "a\n"),
        Answer::new(200, "b\n"),
        // The token is refused, the login is refreshed, and the request is repeated.
        Answer::problem(401, "the token has ended"),
        Answer::json(200, &refreshed),
        Answer::new(200, "c\n"),
        Answer::problem(401, "the token has ended"),
        Answer::json(400, &json!({"error": "invalid_grant"})),
    ];
    let scene = Scene::new(answers).await;
    let run = |more: &[(&str, &str)]| {
        let mut command = scene.cli.command(&["sql", "SELECT 1"]);
        command.envs(more.iter().copied()).output().unwrap()
    };
    let none = run(&[]);
    assert!(none.status.code() == Some(1) && stderr(&none).contains("rutter login URL"), "{}", text(&none));
    assert_eq!(scene.names(), [] as [&str; 0], "no folder for logins");

    scene.log_in(&[(&scene.url, "rat_1"), ("https://data.example.org", "rat_2")]);
    let two = run(&[]);
    assert!(stderr(&two).contains(&format!("{}, https://data.example.org: choose one", scene.url)), "{}", text(&two));
    assert_eq!(stdout(&run(&[("RUTTER_SERVER", &scene.url)])), "a\n");
    scene.log_in(&[(&scene.url, "rat_1")]);
    assert_eq!(stdout(&run(&[("RUTTER_TOKEN", "rut_y\n")])), "b\n");
    assert_eq!(stdout(&run(&[])), "c\n");
    let tokens = |received: &[Received]| received.iter().map(|one| one.token.clone()).collect::<Vec<_>>();
    let bearer = |token: &str| Some(format!("Bearer {token}"));
    let expected = [bearer("rat_1"), bearer("rut_y"), bearer("rat_1"), None, bearer("rat_3")];
    assert_eq!(tokens(&scene.received()), expected);
    assert_eq!(scene.received()[3].target, "/oauth/token");
    assert!(scene.received()[3].body.contains("refresh_token=rrt_1"));
    let saved = std::fs::read_to_string(scene.cli.folder.path().join(".config/rutter/logins.json")).unwrap();
    assert!(saved.contains("rat_3") && saved.contains("rrt_2") && !saved.contains("rat_1"), "{saved}");

    let ended = run(&[]);
    assert_eq!(ended.status.code(), Some(1));
    assert!(stderr(&ended).contains(&format!("has ended: run `rutter login {}`", scene.url)), "{}", text(&ended));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_busy_server_and_long_work_are_waited_for() {
    let running = || Answer::json(202, &json!({"state": "running", "progress": 0.4})).with("retry-after", "1");
    let same = json!({"from": "a", "to": "b", "summary": summary(0, &json!([])), "fields": [], "rows": [], "more": false, "total": 0});
    let answers =
        [running(), Answer::problem(429, "busy").with("retry-after", "1"), running(), Answer::json(200, &same)];
    let scene = Scene::new(answers).await;
    let begin = std::time::Instant::now();
    let output = scene.run(&["diff", "ada/birds", "v1", "main", "birds.csv"]);
    assert_eq!(
        (output.status.code(), stdout(&output).as_str()),
        (Some(0), "birds.csv: no differences\n"),
        "{}",
        text(&output)
    );
    assert_eq!(stderr(&output), "the server is busy: waiting 1 s\n", "no progress, unless it is a terminal");
    assert!(begin.elapsed().as_secs() >= 3, "{:?}", begin.elapsed());
    let received = scene.received();
    assert!(received.len() == 4 && received.iter().all(|one| one.target == received[0].target), "{received:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_download_that_breaks_off_leaves_nothing() {
    let scene = Scene::new([
        Answer::new(200, "a\n1\n").ending(End::BrokenOff),
        Answer::new(200, "a\n1\n").ending(End::BrokenOff),
    ])
    .await;
    std::fs::write(scene.cli.folder.path().join("old.csv"), "old").unwrap();
    for file in ["new.csv", "old.csv"] {
        let output = scene.run(&["sql", "SELECT 1", "-o", file]);
        assert_eq!(output.status.code(), Some(1), "{}", text(&output));
        assert!(stderr(&output).contains("broke off the response: run the command again"), "{}", text(&output));
    }
    assert_eq!(scene.names(), ["old.csv"]);
    assert_eq!(std::fs::read_to_string(scene.cli.folder.path().join("old.csv")).unwrap(), "old");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signal_cancels_the_request_and_leaves_nothing() {
    for signal in ["-INT", "-TERM"] {
        let scene = Scene::new([Answer::new(200, "a\n1\n").ending(End::Never)]).await;
        let mut command = scene.command(&["sql", "SELECT 1", "-o", "a.csv"]);
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        eventually("the download begins", async || scene.received().len() == 1 && scene.names().len() == 1).await;
        assert!(!scene.script.is_cancelled.load(Ordering::Relaxed));
        assert!(Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap().success());
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(130), "{}", text(&output));
        assert_eq!(scene.names(), [] as [&str; 0]);
        eventually("the server notices", async || scene.script.is_cancelled.load(Ordering::Relaxed)).await;
    }
}

/// The summary of a diff with some added rows.
fn summary(added: usize, columns: &Value) -> Value {
    json!({"from_rows": 1, "to_rows": 1, "added": added, "removed": 0, "changed": 0, "unchanged": 1, "key": ["id"],
        "key_source": "primary_key", "duplicate_keys": 0, "columns": columns, "is_complete": true})
}

/// A page of a diff with added rows, of `total` in all.
fn page(rows: std::ops::Range<usize>, total: usize) -> Answer {
    let column = json!({"name": "id", "change": "none", "from_type": "integer", "to_type": "integer", "from": "from_id",
        "to": "to_id", "changed_cells": 0});
    let field = |name: &str| json!({"name": name, "type": "integer"});
    let fields: Vec<Value> = ["change", "from_row", "to_row", "from_id", "to_id"].into_iter().map(field).collect();
    let (offset, more) = (rows.start, rows.end < total);
    let rows: Vec<Value> = rows.map(|row| json!(["added", null, row, null, row * 10])).collect();
    let summary = summary(total, &json!([column]));
    Answer::json(
        200,
        &json!({"from": "c1", "to": "c2", "summary": summary, "fields": fields, "rows": rows, "offset": offset,
            "more": more, "total": total}),
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn diff_reads_all_pages_of_the_same_commits() {
    let scene = Scene::new([page(0..100, 1500)]).await;
    let output = scene.run(&["diff", "m/s/birds", "v1", "main", "b.csv", "--key", "id", "--from-table", "a.csv"]);
    assert_eq!(output.status.code(), Some(1), "{}", text(&output));
    let shown = stdout(&output);
    assert!(shown.starts_with("a.csv → b.csv: 1500 added, 0 removed, 0 changed, key: id\n   row   id\n"), "{shown}");
    assert!(shown.contains("\n+   12  120\n") && shown.ends_with("\n… 1400 more rows: use --all\n"), "{shown}");
    let received = &scene.received()[0];
    assert!(received.target.starts_with("/api/v1/datasets/m%2Fs/birds/diff/rows?"), "{received:?}");
    for (name, value) in [
        ("from", "v1"),
        ("to", "main"),
        ("table", "b.csv"),
        ("from_table", "a.csv"),
        ("key", "id"),
        ("offset", "0"),
        ("limit", "100"),
        ("format", "json"),
    ] {
        assert_eq!(received.parameter(name).as_deref(), Some(value), "{name}");
    }

    for (arguments, lines) in [(&["--all"][..], 1503), (&["-o", "diff.txt"], 0), (&["--format", "json"], 1502)] {
        // A page may end early.
        let scene = Scene::new([page(0..700, 1500), page(700..1500, 1500)]).await;
        let output = scene.run(&[&["diff", "ada/birds", "v1", "main", "b.csv"], arguments].concat());
        assert_eq!((output.status.code(), stdout(&output).lines().count()), (Some(1), lines), "{}", text(&output));
        let received = scene.received();
        let parameters = |name: &str| received.iter().map(|one| one.parameter(name).unwrap()).collect::<Vec<_>>();
        assert_eq!(parameters("offset"), ["0", "700"]);
        assert_eq!(
            (parameters("from"), parameters("to")),
            (vec!["v1".into(), "c1".into()], vec!["main".into(), "c2".into()])
        );
        if lines == 0 {
            let written = std::fs::read_to_string(scene.cli.folder.path().join("diff.txt")).unwrap();
            assert_eq!(written.lines().count(), 1503);
        }
        if lines == 1502 {
            let document: Value = serde_json::from_slice(&output.stdout).unwrap();
            assert_eq!(document["rows"].as_array().unwrap().len(), 1500);
            assert_eq!(document["rows"][1499], json!(["added", null, 1499, null, 14990]));
            assert_eq!(
                (&document["more"], &document["total"], &document["from"]),
                (&json!(false), &json!(1500), &json!("c1"))
            );
        }
    }

    // CSV is put together from pages. It has a name with a line break.
    let part = |row: &str| Answer::new(200, format!("change,\"a\nb\"\n{row}\n"));
    let scene = Scene::new([page(0..1, 200_001), part("added,1"), part("added,2"), part("added,3")]).await;
    let output = scene.run(&["diff", "ada/birds", "v1", "main", "b.csv", "--format", "csv"]);
    let expected = "change,\"a\nb\"\nadded,1\nadded,2\nadded,3\n";
    assert_eq!((output.status.code(), stdout(&output).as_str()), (Some(1), expected));
    let offsets: Vec<_> = scene.received().iter().map(|one| one.parameter("offset").unwrap()).collect();
    assert_eq!(offsets, ["0", "0", "100000", "200000"]);
    let last = &scene.received()[3];
    assert_eq!((last.parameter("format").as_deref(), last.parameter("from").as_deref()), (Some("csv"), Some("c1")));
    // Files of other formats cannot.
    let scene = Scene::new([page(0..1, 100_001), page(0..1, 100_001), Answer::new(200, "@@\n")]).await;
    let run = |format| scene.run(&["diff", "ada/birds", "v1", "main", "b.csv", "-o", "a.diff", "--format", format]);
    let refused = run("parquet");
    assert_eq!(refused.status.code(), Some(2), "{}", text(&refused));
    assert!(stderr(&refused).contains("100001 rows differ") && scene.names().is_empty(), "{}", text(&refused));
    let daff = run("daff");
    assert_eq!((daff.status.code(), scene.names()), (Some(1), vec!["a.diff".to_owned()]));
    let last = scene.received()[2].clone();
    assert_eq!((last.parameter("limit"), last.parameter("format").as_deref()), (None, Some("daff")));
}

#[tokio::test(flavor = "multi_thread")]
async fn diff_compares_all_tables_that_differ() {
    let entry = |path: &str, id: &str| json!({"path": path, "id": id});
    let file = |before: Value, after: Value| json!({"path": "x", "change": "x", "before": before, "after": after});
    let first = json!({"from": "c1", "to": "c2", "files": 5, "next_cursor": "c1.c2.3", "items": [
        file(Value::Null, entry("new.csv", "1")),
        file(entry("README.md", "1"), entry("README.md", "2")),
        file(entry("broken.csv", "1"), entry("broken.csv", "2")),
    ]});
    let second = json!({"from": "c1", "to": "c2", "files": 5, "items": [
        file(entry("old.parquet", "1"), entry("data/new.parquet", "2")),
        file(entry("gone.tsv", "1"), Value::Null),
    ]});
    let answers = [
        Answer::json(200, &first),
        Answer::problem(422, "broken.csv, line 3: too many cells"),
        Answer::json(200, &second),
        page(0..1, 1),
    ];
    let scene = Scene::new(answers).await;
    let output = scene.run(&["diff", "ada/birds", "v1", "main"]);
    assert_eq!(output.status.code(), Some(2), "{}", text(&output));
    let expected = "\
new.csv: added

old.parquet → data/new.parquet: 1 added, 0 removed, 0 changed, key: id
   row  id
─  ───  ──
+    0   0

gone.tsv: removed
";
    assert_eq!(stdout(&output), expected);
    assert_eq!(stderr(&output), "rutter: broken.csv: broken.csv, line 3: too many cells\n");
    let received = scene.received();
    assert_eq!(received[0].parameter("from").as_deref(), Some("v1"));
    assert_eq!(received[2].parameter("cursor").as_deref(), Some("c1.c2.3"));
    assert_eq!(received[3].parameter("from_table").as_deref(), Some("old.parquet"));
    assert_eq!(received[3].parameter("to").as_deref(), Some("c2"));

    let nothing = json!({"from": "c1", "to": "c1", "files": 1, "items": [
        file(entry("README.md", "1"), entry("README.md", "2")),
        file(entry("mode.csv", "1"), entry("mode.csv", "1")),
    ]});
    let scene = Scene::new([Answer::json(200, &nothing)]).await;
    let output = scene.run(&["diff", "ada/birds", "v1", "main"]);
    assert!(output.status.success() && output.stdout.is_empty() && output.stderr.is_empty(), "{}", text(&output));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_stops_is_no_error() {
    let scene = Scene::new([Answer::new(200, "a\n".repeat(5_000_000))]).await;
    let program = env!("CARGO_BIN_EXE_rutter");
    let mut shell = Command::new("sh");
    shell.args(["-c", &format!("'{program}' sql 'SELECT 1' --server {}; echo $? >&2", scene.url)]);
    shell.env("HOME", scene.cli.folder.path()).stdout(Stdio::piped()).stderr(Stdio::piped()).stdin(Stdio::null());
    let mut child = shell.spawn().unwrap();
    drop(child.stdout.take());
    assert_eq!(stderr(&child.wait_with_output().unwrap()), "141\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn other_commands_ignore_the_variables_of_clients() {
    let scene = Scene::new([]).await;
    let output = scene.run(&["user", "list"]);
    assert!(output.status.success(), "{}", text(&output));
    assert!(Path::new(&scene.cli.folder.path().join("rutter-data")).exists());
}
