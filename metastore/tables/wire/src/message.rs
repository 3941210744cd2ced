//! The messages, which are sent as JSON.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{Compression, Format};

/// The version of this protocol. A server ends engines with another one.
pub const PROTOCOL: u32 = 1;

/// The first message of an engine, sent once it is confined.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// [`PROTOCOL`].
    pub protocol: u32,
    /// What the engine could not do to confine itself, for the server's log: "the kernel does not support Landlock".
    pub weaknesses: Vec<String>,
}

/// A request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Work {
    /// The table to read.
    pub table: Table,
    /// What to do with it.
    pub task: Task,
}

/// A table: files of one format, with the same columns, whose rows follow each other.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Table {
    /// The files. Their position is their number in frames.
    pub files: Vec<TableFile>,
    /// The format of all files.
    pub format: Format,
    /// The properties `schema`, `dialect` and `encoding` of the Data Package resource, as far as there are any. They
    /// take precedence over what is inferred.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub declared: Map<String, Value>,
}

/// A file of a table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableFile {
    /// Its name, for messages.
    pub name: String,
    /// Its length in bytes.
    pub size: u64,
    /// Its compression; only for text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compression: Option<Compression>,
}

/// What to do with a table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Task {
    /// Infer the columns. The result is a JSON object with `schema`, and `dialect`, `encoding`, `rows` and `is_complete`
    /// as in the API.
    Infer,
    /// Read rows.
    Page(Page),
    /// Summarize each column. The result is a JSON object with `rows`, `is_complete` and `columns` as in the API.
    Statistics(Statistics),
}

/// The rows to read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Page {
    /// The first row, from 0, of those that `filter` selects, in the order of `sort`.
    pub offset: u64,
    /// Maximum number of rows.
    pub limit: u64,
    /// The columns to return, in this order. Default: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub columns: Option<Vec<String>>,
    /// An SQL expression over the columns; only rows for which it is true are returned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filter: Option<String>,
    /// The order of the rows. Default: that of the table.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sort: Vec<Sort>,
    /// The format of the result.
    pub output: Output,
}

/// A column to sort by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sort {
    /// The name of the column.
    pub column: String,
    /// True for the largest values first. Missing values are last either way.
    pub descending: bool,
}

/// The format of rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Output {
    /// A JSON array of rows, each an array of values. Ends early at 8 MiB, with [`Done::more`] set.
    Json,
    /// RFC 4180, in UTF-8, with a header.
    Csv,
    /// A Parquet file.
    Parquet,
    /// An Arrow IPC stream.
    Arrow,
}

/// How to compute statistics.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Statistics {
    /// Maximum number of rows to examine.
    pub rows: u64,
}

/// The end of a result.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Done {
    /// The columns of the result; only of a page.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub columns: Vec<Column>,
    /// Number of rows in the result.
    pub rows: u64,
    /// True if more rows follow.
    pub more: bool,
    /// Number of rows of the table, or of those that the filter selects, if it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total: Option<u64>,
    /// True if the same request may have another result at another time: it uses `now()` or `random()`.
    #[serde(default)]
    pub is_volatile: bool,
}

/// A column of a result.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Column {
    /// The name of the column.
    pub name: String,
    /// The type (Table Schema).
    pub r#type: String,
    /// The format of the type, such as `binary`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<String>,
}

/// Bytes that the engine needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Read {
    /// The number of the file.
    pub file: u32,
    /// The first byte.
    pub offset: u64,
    /// How many bytes; within the file, and at least one.
    pub length: u64,
}

/// Why a request failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// The category.
    pub kind: FailureKind,
    /// A message for the client: what is wrong, and what to do.
    pub message: String,
}

/// The category of a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureKind {
    /// The table or the request is invalid.
    Invalid,
    /// A limit was exceeded. The message names it.
    Limit,
    /// A read failed; the server knows why.
    Read,
    /// A fault of the engine. The message is for the log.
    Internal,
}
