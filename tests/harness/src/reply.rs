//! Answers that can be compared.

use reqwest::header::HeaderMap;
use serde_json::Value;

/// An answer, read to its end.
#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Reply {
    pub async fn of(request: reqwest::RequestBuilder) -> Self {
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Self { status, headers, body: response.bytes().await.unwrap().to_vec() }
    }

    /// The value of a header; empty where it is missing.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("not JSON: {} {}", self.status, self.text()))
    }

    /// Status, media type and body in a form that is the same in every run.
    pub fn shape(&self) -> String {
        let body = if self.body.is_empty() { "(no body)".to_owned() } else { shape(&self.json()) };
        format!("{} {}\n{body}", self.status, self.header("content-type"))
    }
}

/// JSON as text, with everything that differs from run to run replaced.
pub fn shape(value: &Value) -> String {
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
