//! The messages, which are sent as JSON.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{Compression, Format};

/// The version of this protocol. A server ends engines with another one.
pub const PROTOCOL: u32 = 5;

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
    /// The tables to read, in the order in which the task names them. Their files are numbered in one sequence: those of
    /// the second table follow those of the first.
    pub tables: Vec<Table>,
    /// What to do with them.
    pub task: Task,
}

/// A table: files of one format, with the same columns, whose rows follow each other.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Table {
    /// The files, in the order of their numbers in frames.
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

/// What to do with tables.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Task {
    /// Infer the columns of a table. The result is a JSON object with `schema`, and `dialect`, `encoding`, `rows` and `is_complete`
    /// as in the API.
    Infer,
    /// Read rows of a table.
    Page(Page),
    /// Summarize each column of a table. The result is a JSON object with `rows`, `is_complete` and `columns` as in the API.
    Statistics(Statistics),
    /// Compare the rows of two tables, the older one first. The result is an Arrow IPC file with the columns `change`
    /// (`added`, `removed` or `changed`), `from_row` and `to_row` (numbers from 0), `from_*` and `to_*`, in the order of
    /// the newer table; [`Done::summary`] is a [`DiffSummary`].
    Diff(Diff),
    /// Write a row diff in the format of daff, as CSV. The tables: the older one, the newer one, and the result of their
    /// diff, which was made with [`Diff::text`].
    Daff,
    /// Convert a table to a Parquet file. [`Done::schema`] is its Table Schema.
    Convert(Convert),
    /// Find the tables that a query names. There are no tables yet. The result is [`References`], as JSON.
    References(Query),
    /// Run a query on the tables that it names, in the order of [`References::tables`].
    Sql(Sql),
    /// Make a small picture of an image, which is file 0. There are no tables. The result is a JPEG or WebP file.
    Picture(Picture),
}

/// How to make a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Picture {
    /// The length of the image file in bytes.
    pub size: u64,
    /// Maximum width and height of the picture, in pixels. Smaller images are not enlarged.
    pub side: u32,
    /// What the picture is for.
    pub kind: PictureKind,
}

/// What a picture is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PictureKind {
    /// A user: the middle of the image, as a square. The file must be a PNG, JPEG or WebP image and nothing else.
    Avatar,
    /// A file of a dataset: all of a PNG, JPEG, GIF or WebP image, whatever follows it in the file.
    Thumbnail,
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
    /// True to return what takes longer, too: [`Done::features`], and [`Done::total`] even if all rows must be read to
    /// count them, except those of very long text. With `filter` or `sort`, the result has one more column, the last one: the number of each row in the
    /// table, from 0.
    #[serde(default)]
    pub detailed: bool,
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

/// How to compare the rows of two tables.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Diff {
    /// The columns that identify a row. Default: the `primaryKey` of the newer schema, if both tables have its columns;
    /// otherwise rows are compared as wholes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<Vec<String>>,
    /// Maximum number of rows of the result. The counts of the summary are exact either way.
    pub rows: u64,
    /// True to compare the cells of CSV files as they are written, so that 1.0 and 1.00 differ.
    #[serde(default)]
    pub text: bool,
}

/// How to convert a table to Parquet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Convert {
    /// Metadata of the file, beside `rutter.schema`, its Table Schema.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub metadata: Map<String, Value>,
}

/// What differs between two tables.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DiffSummary {
    /// Number of rows of the older table.
    pub from_rows: u64,
    /// Number of rows of the newer table.
    pub to_rows: u64,
    /// Number of rows that only the newer table has.
    pub added: u64,
    /// Number of rows that only the older table has.
    pub removed: u64,
    /// Number of rows with at least one changed cell.
    pub changed: u64,
    /// Number of rows that are the same in both.
    pub unchanged: u64,
    /// The columns that identify a row; empty if rows were compared as wholes.
    pub key: Vec<String>,
    /// Where the key comes from.
    pub key_source: KeySource,
    /// Number of rows, of both tables, whose key another row of the same table has, too.
    pub duplicate_keys: u64,
    /// The columns of both tables: those of the newer one, then those that were removed.
    pub columns: Vec<DiffColumn>,
    /// True if the result has all rows that differ.
    pub is_complete: bool,
}

/// Where the key of a row diff comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeySource {
    /// The request.
    Request,
    /// The `primaryKey` of the newer schema.
    PrimaryKey,
    /// There is no key.
    None,
}

impl KeySource {
    /// Returns the name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Request => "request",
            Self::PrimaryKey => "primary_key",
            Self::None => "none",
        }
    }
}

/// A column of a row diff.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DiffColumn {
    /// The name of the column.
    pub name: String,
    /// Whether one of the tables lacks the column.
    pub change: ColumnChange,
    /// Its type in the older table.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from_type: Option<String>,
    /// Its type in the newer table.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to_type: Option<String>,
    /// The name of the result's column with the old values. Usually `from_` and the name; unique in any case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// The name of the result's column with the new values.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// Number of changed cells in changed rows; 0 for columns that only one table has.
    pub changed_cells: u64,
}

/// How a column changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ColumnChange {
    /// Both tables have it, with the same type.
    None,
    /// Only the newer table has it.
    Added,
    /// Only the older table has it.
    Removed,
    /// Both tables have it, with different types.
    Retyped,
}

impl ColumnChange {
    /// Returns the name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Added => "added",
            Self::Removed => "removed",
            Self::Retyped => "retyped",
        }
    }
}

/// A query in SQL.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Query {
    /// One `SELECT`, `EXPLAIN` or `DESCRIBE`.
    pub query: String,
}

/// The tables that a query names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct References {
    /// The names, each once.
    pub tables: Vec<TableName>,
    /// The query in normal form, in pieces: the server puts the commits of the tables between them.
    pub canonical: Vec<Piece>,
}

/// The name of a table in a query.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct TableName {
    /// `OWNER/DATASET[@REVISION]`. Default: where the request looks up names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dataset: Option<String>,
    /// The name of the table.
    pub table: String,
    /// True if the name of the table was in quotes. Otherwise, it also matches in another case, if that is unique.
    pub is_quoted: bool,
}

/// A piece of a query.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Piece {
    /// SQL as it is.
    Text(String),
    /// The name of this table in [`References::tables`], `"OWNER/DATASET@COMMIT"."TABLE"`.
    Table(usize),
    /// The dataset of this table as a string, `'OWNER/DATASET@COMMIT'`.
    Dataset(usize),
}

/// How to run a query.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sql {
    /// The query.
    pub query: String,
    /// The values of `$1` (an array) or `$name` (an object): null, booleans, numbers or strings.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub parameters: Value,
    /// Maximum number of rows. [`Done::more`] says whether there are more. With 0, the query is planned and not run, and
    /// there can always be more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u64>,
    /// The format of the result.
    pub output: Output,
    /// Metadata of a Parquet or Arrow result.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub metadata: Map<String, Value>,
    /// Maximum number of rows that `row_diff` returns.
    pub diff_rows: u64,
}

/// The end of a result.
#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
pub struct Done {
    /// The columns of the result; only of rows.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub columns: Vec<Column>,
    /// The types of the columns as features of the library `datasets` of Hugging Face, in JSON; only of [`Page::detailed`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub features: Vec<Value>,
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
    /// What differs; only of [`Task::Diff`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub summary: Option<Box<DiffSummary>>,
    /// The Table Schema of the result; only of [`Task::Convert`].
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub schema: Value,
}

/// How far a long request is.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// The part of the work that is done, from 0 to 1.
    pub fraction: f64,
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
