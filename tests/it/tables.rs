//! Rows, statistics and columns of tables, which the table engine reads.

mod confinement;
mod convert;
mod describe;
mod diff;
mod engines;
mod expensive;
mod hostile;
mod infer;
mod names;
mod rows;
mod sql;
mod viewer;

use rutter::config::Rates;
use rutter::types::Visibility;
use rutter_testing::{Engine, Person, Reply, Server};
use serde_json::{Value, json};

/// A server without rate limits, with a dataset of ada's.
pub(crate) async fn server() -> (Server, Person) {
    let server = Server::start_with(Engine::Sqlite, |config| config.rates = Rates::off()).await;
    let ada = server.person("ada").await;
    server.dataset("ada/data", Visibility::Private).await;
    (server, ada)
}

/// Writes a file over the drive API.
pub(crate) async fn put(server: &Server, who: &Person, path: &str, bytes: impl Into<Vec<u8>>) {
    let request = server.request("PUT", &format!("/api/v1/drive/ada/data/files/{path}"), Some(&who.token));
    let reply = Reply::of(request.body(bytes.into())).await;
    assert!(reply.status < 300, "{path}: {} {}", reply.status, reply.text());
}

/// Asks for something of a file, by a token or anonymously.
async fn get(server: &Server, token: Option<&str>, rest: &str) -> Reply {
    server.call(token, "GET", &format!("/api/v1/drive/ada/data/{rest}"), Value::Null).await
}

/// The JSON of a successful request.
async fn ok(server: &Server, who: &Person, rest: &str) -> Value {
    let reply = get(server, Some(&who.token), rest).await;
    assert_eq!(reply.status, 200, "{rest}: {}", reply.text());
    reply.json()
}

/// Encodes a query.
fn query(pairs: &[(&str, &str)]) -> String {
    let mut url = reqwest::Url::parse("http://x").unwrap();
    url.query_pairs_mut().extend_pairs(pairs);
    url.query().unwrap().to_owned()
}

/// The process ids of the table engines that this process started.
pub(crate) fn engines() -> Vec<u32> {
    engines_of(std::process::id())
}

/// The process ids of the table engines that a server started.
fn engines_of(server: u32) -> Vec<u32> {
    let server = server.to_string();
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        let Some(id) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        let Ok(stat) = std::fs::read_to_string(entry.path().join("stat")) else { continue };
        // id (command) state parent
        let Some((command, rest)) = stat.rsplit_once(") ") else { continue };
        let mut rest = rest.split(' ');
        let (state, parent) = (rest.next(), rest.next());
        if command.contains("(rutter-tables") && state != Some("Z") && parent == Some(server.as_str()) {
            found.push(id);
        }
    }
    found
}

/// Waits until a condition holds; panics after ten seconds.
pub(crate) async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    for _ in 0..1000 {
        if holds() {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("{what}");
}

/// A table with numbers from 0, as CSV: id, its name, its square, and whether it is even.
pub(crate) fn numbers(rows: usize) -> String {
    let mut text = "id,name,square,even\n".to_owned();
    for id in 0..rows {
        text.push_str(&format!("{id},n{id:07},{},{}\n", id * id, id % 2 == 0));
    }
    text
}

/// The rows of a page.
fn rows_of(page: &Value) -> &Vec<Value> {
    page["rows"].as_array().unwrap()
}

/// The first values of the rows of a page.
fn ids(page: &Value) -> Vec<i64> {
    rows_of(page).iter().map(|row| row[0].as_i64().unwrap()).collect()
}

fn empty() -> Value {
    json!([])
}
