//! Schema inference: derives a Table Schema from the first rows of a text table.
//!
//! The field types are those of Table Schema (Data Package 2.0, Table Schema § Field Types). A column gets a type only if
//! every sampled value has it; values further down may still differ.

mod csv;
mod json;
mod nested;
#[cfg(test)]
mod tests;
mod type_inference;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::error::Error;

pub(crate) use self::csv::csv;
pub(crate) use self::json::json_lines;
pub(crate) use self::nested::Shape;

/// Maximum number of columns of a table.
pub(crate) const MAX_COLUMNS: usize = 10_000;

/// Maximum number of bytes of a table, and of rows, that are examined.
pub(crate) const SAMPLE_BYTES: usize = 1 << 20;
pub(crate) const SAMPLE_ROWS: usize = 10_000;

/// The result of schema inference.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Inferred {
    /// A Table Schema: `fields`, and `missingValues` unless the empty string is the only one.
    pub(crate) schema: Map<String, Value>,
    /// A Table Dialect, for delimited text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) dialect: Option<Map<String, Value>>,
    /// The structure of the values of each nested column, for JSON lines.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub(crate) nested: Map<String, Value>,
    /// Number of rows examined, without the header.
    pub(crate) rows: u64,
    /// True if the table has no further rows.
    pub(crate) is_complete: bool,
}

/// The beginning of a table.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sample<'t> {
    pub(crate) text: &'t str,
    /// True if it is the whole table.
    pub(crate) is_all: bool,
    /// Maximum number of rows to examine.
    pub(crate) rows: usize,
}

/// Makes column names unique: blank names are derived from the column number, duplicates get a number.
pub(crate) fn unique_names(names: impl IntoIterator<Item = String>) -> Vec<String> {
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

/// Returns the error of a table with too many columns.
pub(crate) fn too_wide() -> Error {
    Error::limit(format!("the table has more than {MAX_COLUMNS} columns"))
}
