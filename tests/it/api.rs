//! What tests of the API need beside the harness: people of other kinds,
//! answers that can be compared, a connection under full control.

use std::time::Duration;

use reqwest::header::HeaderMap;
use rutter::access::tokens::TokenScope;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::harness::{Person, Server};

/// The media type of the LFS API.
pub(crate) const LFS_JSON: &str = "application/vnd.git-lfs+json";

/// How long a test waits for what must come.
const PATIENCE: Duration = Duration::from_mins(1);

impl Server {
    /// Adds somebody who may administer the site.
    pub(crate) async fn administrator(&self, name: &str) -> Person {
        let email = format!("{name}@example.org").parse().unwrap();
        self.app.accounts.add_user(&name.parse().unwrap(), &email, None, true).await.unwrap();
        Person { name: name.to_owned(), token: self.token(name, &[]).await }
    }

    /// Makes a token that ends.
    pub(crate) async fn token_for(&self, name: &str, lifetime: Duration) -> String {
        let all = [TokenScope::ALL];
        let token = self
            .app
            .accounts
            .add_token(&name.parse().unwrap(), &"test".parse().unwrap(), &all, Some(lifetime))
            .await
            .unwrap();
        token.expose().to_owned()
    }

    /// Sends JSON to the LFS API of a dataset; `tail` comes after `/info/lfs/`.
    pub(crate) async fn lfs(&self, token: Option<&str>, path: &str, tail: &str, body: &Value) -> Reply {
        let request = self.request("POST", &format!("/{path}.git/info/lfs/{tail}"), token);
        let request = request.header("content-type", LFS_JSON).header("accept", LFS_JSON);
        Reply::of(request.body(body.to_string())).await
    }

    /// What an upload batch answers for one object: the signed URLs of upload and verify.
    pub(crate) async fn upload_urls(&self, token: &str, path: &str, bytes: &[u8]) -> (String, String) {
        let oid = lfs::Oid::of(bytes).to_string();
        let body = json!({"operation": "upload", "objects": [{"oid": oid, "size": bytes.len()}]});
        let (status, reply) = self.batch(Some(token), path, &body).await;
        let href = |verb: &str| reply["objects"][0]["actions"][verb]["href"].as_str().map(str::to_owned);
        let urls = href("upload").zip(href("verify"));
        urls.unwrap_or_else(|| panic!("no upload was offered: {status} {reply}"))
    }

    /// The signed URL of a download.
    pub(crate) async fn download_url(&self, token: &str, path: &str, bytes: &[u8]) -> String {
        self.download_url_of(token, path, &json!({"oid": lfs::Oid::of(bytes), "size": bytes.len()})).await
    }

    /// The same for an entry with further fields.
    pub(crate) async fn download_url_of(&self, token: &str, path: &str, object: &Value) -> String {
        let body = json!({"operation": "download", "objects": [object]});
        let (status, reply) = self.batch(Some(token), path, &body).await;
        let href = reply["objects"][0]["actions"]["download"]["href"].as_str();
        href.unwrap_or_else(|| panic!("no download was offered: {status} {reply}")).to_owned()
    }

    /// Where the object's bytes are in the store.
    pub(crate) fn stored(&self, oid: &str) -> std::path::PathBuf {
        self.app.config.data.join("store").join("objects").join(&oid[..2]).join(&oid[2..4]).join(oid)
    }
}

/// An answer, read to its end.
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Reply {
    pub(crate) async fn of(request: reqwest::RequestBuilder) -> Self {
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Self { status, headers, body: response.bytes().await.unwrap().to_vec() }
    }

    /// The value of a header; empty where it is missing.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("not JSON: {} {}", self.status, self.text()))
    }

    /// Status, media type and body in a form that is the same in every run.
    pub(crate) fn shape(&self) -> String {
        let body = if self.body.is_empty() { "(no body)".to_owned() } else { shape(&self.json()) };
        format!("{} {}\n{body}", self.status, self.header("content-type"))
    }
}

/// JSON as text, with everything that differs from run to run replaced.
pub(crate) fn shape(value: &Value) -> String {
    let mut value = value.clone();
    redact("", &mut value);
    serde_json::to_string_pretty(&value).unwrap()
}

fn redact(key: &str, value: &mut Value) {
    match value {
        Value::Object(fields) => fields.iter_mut().for_each(|(key, value)| redact(key, value)),
        Value::Array(items) => items.iter_mut().for_each(|item| redact(key, item)),
        Value::String(text) => match key {
            "href" => {
                let (base, token) = text.split_once("/_lfs/").expect("a signed URL");
                let (token, query) = token.split_at(token.find('?').unwrap_or(token.len()));
                assert_eq!(token.len(), 100, "{token}");
                let base = if base.starts_with("http://127.0.0.1:") { "[base]" } else { base };
                *text = format!("{base}/_lfs/[token]{query}");
            }
            "id" | "request_id" | "next_cursor" | "locked_at" => {
                assert!(!text.is_empty(), "{key}");
                *text = format!("[{key}]");
            }
            _ => {}
        },
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// One connection, of which a test decides every byte and every pause.
pub(crate) struct Wire {
    stream: TcpStream,
    host: String,
    unread: Vec<u8>,
}

impl Wire {
    pub(crate) async fn open(server: &Server) -> Self {
        Self::connect(&server.url).await
    }

    /// Connects to the server at a URL.
    pub(crate) async fn connect(url: &str) -> Self {
        let host = url.strip_prefix("http://").unwrap().to_owned();
        Self { stream: TcpStream::connect(&host).await.unwrap(), host, unread: Vec::new() }
    }

    pub(crate) async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).await.unwrap();
    }

    /// Sends bytes if the other end still takes them.
    pub(crate) async fn try_send(&mut self, bytes: &[u8]) -> bool {
        self.stream.write_all(bytes).await.is_ok()
    }

    /// Sends the head of a request; `headers` are whole lines without their ends.
    pub(crate) async fn request(&mut self, method: &str, url: &str, headers: &[&str]) {
        let path = url.strip_prefix("http://").map_or(url, |rest| &rest[rest.find('/').unwrap()..]);
        let mut head = format!("{method} {path} HTTP/1.1\r\nHost: {}\r\n", self.host);
        for header in headers {
            head.push_str(header);
            head.push_str("\r\n");
        }
        head.push_str("\r\n");
        self.send(head).await;
    }

    /// Waits for the head of an answer, a `100 Continue` included.
    pub(crate) async fn head(&mut self) -> (u16, String) {
        let end = loop {
            if let Some(end) = self.unread.windows(4).position(|window| window == b"\r\n\r\n") {
                break end + 4;
            }
            assert!(self.read().await, "the connection ended: {}", String::from_utf8_lossy(&self.unread));
        };
        let head = String::from_utf8(self.unread.drain(..end).collect()).unwrap();
        (head[9..12].parse().unwrap(), head.to_ascii_lowercase())
    }

    /// Waits for a whole answer with a `Content-Length`.
    pub(crate) async fn reply(&mut self) -> (u16, String, Vec<u8>) {
        let (status, head) = self.head().await;
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        let length: usize = length.map_or(0, |length| length.parse().unwrap());
        while self.unread.len() < length {
            assert!(self.read().await, "the connection ended");
        }
        (status, head, self.unread.drain(..length).collect())
    }

    /// Reads at least this much of a body, or to its end; gives how much it was.
    pub(crate) async fn some(&mut self, least: usize) -> usize {
        while self.unread.len() < least && self.read().await {}
        std::mem::take(&mut self.unread).len()
    }

    /// Reads until the connection ends, in whatever way; gives how much came.
    pub(crate) async fn rest(&mut self) -> usize {
        let read = tokio::time::timeout(PATIENCE, self.stream.read_to_end(&mut self.unread)).await;
        let _ = read.expect("the connection ends");
        std::mem::take(&mut self.unread).len()
    }

    async fn read(&mut self) -> bool {
        let read = tokio::time::timeout(PATIENCE, self.stream.read_buf(&mut self.unread)).await;
        read.expect("something comes in time").unwrap() > 0
    }
}
