//! The Table Schema of a table, told from its first bytes or from its footer.
//!
//! What is found are the types of Table Schema (Data Package 2.0, Table Schema § Field Types). A column
//! has a type only if every value that was looked at has it: a value further down may still be another.
//! Nothing here reads more than it is told to, and nothing of the input is believed: sizes, counts and
//! nesting are checked before they are followed.

mod cell;
mod csv;
mod json;
mod parquet;
mod rows;
#[cfg(test)]
mod tests;
mod thrift;

use std::io::{self, Read};

use serde_json::{Map, Value};

use crate::{Error, Result};

pub use self::csv::csv;
pub use self::rows::{PageLimits, RowPage, RowReader, Taken};
pub use json::json_lines;
pub use parquet::{ReadAt, parquet, parquet_footer, parquet_range};

/// The most columns that a table may have.
const COLUMN_LIMIT: usize = 10_000;

/// How much of a table is looked at, whichever comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes read, and kept in memory, a few times over at most.
    pub bytes: usize,
    /// Rows whose values are looked at.
    pub rows: usize,
}

impl Default for Limits {
    /// 1 MiB and 10,000 rows.
    fn default() -> Self {
        Self { bytes: 1024 * 1024, rows: 10_000 }
    }
}

/// What was found out about a table.
#[derive(Debug, Clone, PartialEq)]
pub struct Inferred {
    /// A Table Schema: `fields`, and `missingValues` where there are others than the empty text.
    pub schema: Map<String, Value>,
    /// A Table Dialect, for delimited text.
    pub dialect: Option<Map<String, Value>>,
    /// `utf-8`, `utf-16` or `iso-8859-1`, for text.
    pub encoding: Option<&'static str>,
    /// How many rows were looked at, the header not counted. Of Parquet, all that its footer tells of.
    pub rows: u64,
    /// Whether those were all rows there are.
    pub is_complete: bool,
}

/// The first bytes of a table.
struct Sample {
    bytes: Vec<u8>,
    /// Whether there is nothing after them.
    is_complete: bool,
}

impl Sample {
    fn read(reader: impl Read, limit: usize) -> Result<Self> {
        let mut bytes = Vec::new();
        let one_more = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
        reader.take(one_more).read_to_end(&mut bytes)?;
        let is_complete = bytes.len() <= limit;
        bytes.truncate(limit);
        Ok(Self { bytes, is_complete })
    }

    /// The text and its encoding. What cannot be UTF-8 is taken for Latin-1, which anything can be.
    fn decode(self) -> (String, &'static str) {
        let mut bytes = self.bytes;
        if let Some(order) = bytes.first_chunk().copied().and_then(byte_order) {
            let units = bytes[2..].chunks_exact(2).map(|pair| order([pair[0], pair[1]]));
            let text = char::decode_utf16(units).map(|letter| letter.unwrap_or(char::REPLACEMENT_CHARACTER));
            return (text.collect(), "utf-16");
        }
        if bytes.starts_with(b"\xef\xbb\xbf") {
            bytes.drain(..3);
        }
        if !self.is_complete
            && let Err(error) = std::str::from_utf8(&bytes)
            && error.error_len().is_none()
        {
            // A letter that the end of the sample cuts through.
            bytes.truncate(error.valid_up_to());
        }
        match String::from_utf8(bytes) {
            Ok(text) => (text, "utf-8"),
            Err(error) => (error.into_bytes().into_iter().map(char::from).collect(), "iso-8859-1"),
        }
    }
}

/// How the units of UTF-16 are read after this byte order mark.
fn byte_order(mark: [u8; 2]) -> Option<fn([u8; 2]) -> u16> {
    match mark {
        [0xff, 0xfe] => Some(u16::from_le_bytes),
        [0xfe, 0xff] => Some(u16::from_be_bytes),
        _ => None,
    }
}

/// Names for the columns, each different from the others: blank ones are called after their place,
/// others get a number.
fn unique_names(names: impl IntoIterator<Item = String>) -> Vec<String> {
    let mut next = std::collections::HashMap::new();
    let mut taken = std::collections::HashSet::new();
    let mut unique = Vec::new();
    for (index, name) in names.into_iter().enumerate() {
        let name = if name.is_empty() { format!("field{}", index + 1) } else { name };
        let mut candidate = name.clone();
        while !taken.insert(candidate.clone()) {
            let number = next.entry(name.clone()).or_insert(2_usize);
            candidate = format!("{name}{number}");
            *number += 1;
        }
        unique.push(candidate);
    }
    unique
}

fn too_wide() -> Error {
    Error::TooLarge(format!("the table has more than {COLUMN_LIMIT} columns"))
}

fn unreadable(error: io::Error) -> Error {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => Error::Invalid("the file ends too early".to_owned()),
        _ => Error::Io(error),
    }
}
