//! Types inferred from text and JSON Lines; and arbitrary input.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::error::Result;
use crate::rows::Dialect;
use crate::text::Charset;

mod texts;

/// Maximum number of bytes and rows to examine.
#[derive(Clone, Copy)]
struct Limits {
    bytes: usize,
    rows: usize,
}

const ALL: Limits = Limits { bytes: 1 << 20, rows: 1000 };

/// Infers the schema of delimited text with a declared dialect.
fn csv_with(bytes: &[u8], limits: Limits, dialect: &Value) -> Result<Inferred> {
    let (text, is_all) = text(bytes, limits)?;
    let dialect = Dialect::declared(dialect.as_object().expect("an object"))?;
    super::csv(Sample { text: &text, is_all, rows: limits.rows }, &dialect)
}

fn csv(bytes: &[u8], limits: Limits) -> Result<Inferred> {
    csv_with(bytes, limits, &json!({}))
}

fn json_lines(bytes: &[u8], limits: Limits) -> Result<Inferred> {
    let (text, is_all) = text(bytes, limits)?;
    super::json_lines(Sample { text: &text, is_all, rows: limits.rows })
}

fn text(bytes: &[u8], limits: Limits) -> Result<(String, bool)> {
    let is_all = bytes.len() <= limits.bytes;
    let head = &bytes[..bytes.len().min(limits.bytes)];
    Ok((Charset::detect(head, is_all, None)?.decode(head, is_all), is_all))
}

/// Formats a field as `name:type`, with the format after a slash.
fn types(inferred: &Inferred) -> Vec<String> {
    let fields = inferred.schema["fields"].as_array().expect("a list");
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    fields
        .iter()
        .map(|field| match field.get("format") {
            Some(format) => format!("{}:{}/{}", text(&field["name"]), text(&field["type"]), text(format)),
            None => format!("{}:{}", text(&field["name"]), text(&field["type"])),
        })
        .collect()
}

proptest! {
    #[test]
    fn anything_is_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..400), limit in 0_usize..500, rows in 0_usize..5) {
        let limits = Limits { bytes: limit, rows };
        let _ = csv(&bytes, limits);
        let _ = json_lines(&bytes, limits);
    }

    #[test]
    fn any_text_is_read_or_refused(text in "[a,;|\t\"'0-9:.{}\\[\\] \r\n-]{0,300}", limit in 0_usize..400) {
        let inferred = csv(text.as_bytes(), Limits { bytes: limit, rows: 10 });
        if limit >= text.len() {
            prop_assert!(inferred.is_ok());
        }
        let _ = json_lines(text.as_bytes(), Limits { bytes: limit, rows: 10 });
    }
}
