//! Schema inference: derives a Table Schema from the first bytes of a table, or from the footer of a Parquet file.
//!
//! The field types are those of Table Schema (Data Package 2.0, Table Schema § Field Types). A column gets a
//! type only if every sampled value has it; values further down may still differ. The input is untrusted: no
//! more is read than the limits allow, and sizes, counts and nesting are checked before use.

mod csv;
mod json;
mod parquet;
mod rows;
#[cfg(test)]
mod tests;
mod text;
mod thrift;
mod type_inference;

use serde_json::{Map, Value};

use crate::{Error, Result};

pub use self::csv::csv;
pub use self::rows::{PageLimits, RowPage, RowReader, Taken};
pub use self::text::Encoding;
pub use json::json_lines;
pub use parquet::{parquet_footer, parquet_range};

/// Maximum number of columns of a table.
const COLUMN_LIMIT: usize = 10_000;

/// Sample limits; sampling stops at whichever is reached first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Number of bytes to examine. They are held in memory, a few times over at most.
    pub bytes: usize,
    /// Number of rows whose values are examined.
    pub rows: usize,
}

impl Default for Limits {
    /// Default limits: 1 MiB and 10,000 rows.
    fn default() -> Self {
        Self { bytes: 1024 * 1024, rows: 10_000 }
    }
}

/// The result of schema inference.
#[derive(Debug, Clone, PartialEq)]
pub struct Inferred {
    /// A Table Schema: `fields`, and `missingValues` unless the empty string is the only one.
    pub schema: Map<String, Value>,
    /// A Table Dialect, for delimited text.
    pub dialect: Option<Map<String, Value>>,
    /// The encoding, for text formats.
    pub encoding: Option<Encoding>,
    /// Number of rows examined, without the header. For Parquet, the number of rows according to the footer.
    pub rows: u64,
    /// True if the table has no further rows.
    pub is_complete: bool,
}

/// The first bytes of a table, in a form that can be split into rows.
struct Sample {
    bytes: Vec<u8>,
    encoding: Encoding,
    /// True if the sample is the whole table.
    is_complete: bool,
}

impl Sample {
    /// Takes at most `limit` bytes of the beginning of a table, which has more bytes than that if the table has.
    fn of(head: &[u8], limit: usize) -> Result<Self> {
        let is_complete = head.len() <= limit;
        let bytes = &head[..head.len().min(limit)];
        let encoding = Encoding::detect(bytes, is_complete)?;
        let bytes = encoding.splittable(&bytes[encoding.mark(bytes)..]).into_owned();
        Ok(Self { bytes, encoding, is_complete })
    }
}

/// Makes column names unique: blank names are derived from the column number, duplicates get a number.
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
