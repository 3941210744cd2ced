//! Types inferred from text, JSON Lines and footers; and arbitrary input.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::Result;

mod footers;
mod texts;

const ALL: Limits = Limits { bytes: 1 << 20, rows: 1000 };

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

/// Infers the schema of a whole file, as the callers do it.
fn parquet(bytes: &[u8]) -> Result<Inferred> {
    let tail = *bytes.last_chunk().ok_or_else(|| Error::Invalid("the file is too short".to_owned()))?;
    let range = parquet_range(tail, bytes.len() as u64)?;
    let [start, end] = [range.start, range.end].map(|at| usize::try_from(at).expect("small"));
    parquet_footer(&bytes[start..end])
}

proptest! {
    #[test]
    fn anything_is_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..400), limit in 0_usize..500, rows in 0_usize..5) {
        let limits = Limits { bytes: limit, rows };
        let _ = csv(&bytes, limits);
        let _ = json_lines(&bytes, limits);
        let _ = parquet(&bytes);
        let _ = parquet_footer(&bytes);
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
