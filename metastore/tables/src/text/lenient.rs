//! Rows of text for people: values of their column's type in one notation, and other values as they are in the file.

use std::borrow::Cow;
use std::io::{self, Write};
use std::ops::Range;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions, StringBuilder};
use arrow::datatypes::{DataType, Field, Fields, Schema};
use bytes::Bytes;
use jiff::Timestamp;
use serde_json::ser::{CompactFormatter, Formatter};

use super::batch::text;
use super::cell::{CellRules, Kind, Moment, year};
use super::json;
use super::table::TextTable;
use crate::error::{Error, Result};
use crate::rows::Rows;

/// Maximum length of a page, in bytes.
const MAX_PAGE: usize = 8 << 20;

/// Integers beyond this are not exact in a browser, so they are strings.
const EXACT: u64 = 1 << 53;

/// A value in the notation of JSON, or the text of a string.
enum Plain<'t> {
    Json(String),
    Text(Cow<'t, str>),
}

/// Returns the value of a text; the text itself if it does not have the column's type.
fn plain<'t>(rules: &CellRules, text: Cow<'t, str>) -> Plain<'t> {
    let found = match &rules.kind {
        Kind::Integer => rules.integer(&text).map(|number| {
            let digits = number.to_string();
            if number.unsigned_abs() <= EXACT { Plain::Json(digits) } else { Plain::Text(digits.into()) }
        }),
        Kind::Number => rules.number(&text).map(|number| match serde_json::Number::from_f64(number) {
            Some(number) => Plain::Json(number.to_string()),
            None if number.is_nan() => Plain::Text("NaN".into()),
            None => Plain::Text(if number > 0.0 { "INF" } else { "-INF" }.into()),
        }),
        Kind::Boolean => rules.boolean(&text).map(|truth| Plain::Json(truth.to_string())),
        Kind::Year => year(&text).map(|year| Plain::Json(year.to_string())),
        Kind::Moment(Moment::Date, pattern) => pattern.date(&text).and_then(|days| {
            let midnight = Timestamp::from_second(i64::from(days) * 86_400).ok()?;
            Some(Plain::Text(midnight.strftime("%Y-%m-%d").to_string().into()))
        }),
        Kind::Moment(Moment::Datetime, pattern) => pattern.datetime(&text).and_then(|micros| {
            let second = Timestamp::from_microsecond(micros).ok()?.strftime("%Y-%m-%dT%H:%M:%S").to_string();
            Some(Plain::Text(format!("{second}{}Z", fraction(micros)).into()))
        }),
        Kind::Moment(Moment::Time, pattern) => pattern.time(&text).map(|micros| {
            let seconds = micros / 1_000_000;
            let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
            Plain::Text(format!("{hour:02}:{minute:02}:{second:02}{}", fraction(micros)).into())
        }),
        Kind::Text | Kind::Json | Kind::Nested(_) => None,
    };
    found.unwrap_or(Plain::Text(text))
}

/// Formats the fraction of a second: none, milliseconds or microseconds.
fn fraction(micros: i64) -> String {
    match micros.rem_euclid(1_000_000) {
        0 => String::new(),
        micros if micros % 1000 == 0 => format!(".{:03}", micros / 1000),
        micros => format!(".{micros:06}"),
    }
}

/// Writes rows as a JSON array of arrays, up to the length of a page.
pub(crate) struct JsonWriter {
    buffer: Vec<u8>,
    /// Number of bytes that were taken from the buffer.
    taken: usize,
    rows: u64,
}

impl JsonWriter {
    /// Creates a writer of an empty page.
    pub(crate) fn new() -> Self {
        Self { buffer: vec![b'['], taken: 0, rows: 0 }
    }

    /// Adds rows with the columns that are needed; returns how many it took: fewer if the page is full.
    ///
    /// # Errors
    /// Limit for a first row that is longer than a page.
    pub(crate) fn write(
        &mut self,
        table: &TextTable,
        rows: Rows,
        range: Range<usize>,
        needed: &[usize],
    ) -> Result<usize> {
        let (rows, range) = table.cells(rows, range, needed)?;
        for (taken, row) in range.clone().enumerate() {
            let before = self.buffer.len();
            if self.rows > 0 {
                self.buffer.push(b',');
            }
            self.write_row(table, &rows, row, needed)?;
            if self.taken + self.buffer.len() >= MAX_PAGE {
                if self.rows == 0 {
                    return Err(Error::limit(format!(
                        "row {} is longer than {} MiB as JSON; read fewer columns, or another format",
                        rows.first + row as u64 + 1,
                        MAX_PAGE >> 20,
                    )));
                }
                self.buffer.truncate(before);
                return Ok(taken);
            }
            self.rows += 1;
        }
        Ok(range.len())
    }

    fn write_row(&mut self, table: &TextTable, rows: &Rows, row: usize, needed: &[usize]) -> Result<()> {
        self.buffer.push(b'[');
        for (at, index) in needed.iter().enumerate() {
            if at > 0 {
                self.buffer.push(b',');
            }
            let rules = &table.columns[*index].rules;
            let cell = rows.cell(row, table.place(needed, at));
            if table.is_json() && cell.is_some_and(|cell| is_written_as_is(rules, cell)) {
                transcode(cell.unwrap_or_default(), &mut self.buffer).map_err(|error| {
                    Error::invalid(format!("row {} is not a JSON object: {error}", rows.first + row as u64 + 1))
                })?;
                continue;
            }
            match text(rules, cell, table.is_json()).map(|text| plain(rules, text)) {
                None => self.buffer.extend_from_slice(b"null"),
                Some(Plain::Json(json)) => self.buffer.extend_from_slice(json.as_bytes()),
                Some(Plain::Text(text)) => serde_json::to_writer(&mut self.buffer, &text)?,
            }
        }
        self.buffer.push(b']');
        Ok(())
    }

    /// Takes what has been written so far, to be sent.
    pub(crate) fn take(&mut self) -> Bytes {
        self.taken += self.buffer.len();
        std::mem::take(&mut self.buffer).into()
    }

    /// Ends the page; returns the rest of it.
    pub(crate) fn finish(mut self) -> Bytes {
        self.buffer.push(b']');
        self.buffer.into()
    }
}

/// Returns true for JSON other than strings, which is written with its own type: an object in a column of numbers, too.
fn is_written_as_is(rules: &CellRules, json: &str) -> bool {
    let is_string = json.starts_with('"');
    !json.is_empty() && (!is_string || matches!(rules.kind, Kind::Json | Kind::Nested(_)))
}

/// Writes JSON in which all numbers are exact in a browser.
fn transcode(json: &str, buffer: &mut Vec<u8>) -> serde_json::Result<()> {
    let mut reader = serde_json::Deserializer::from_str(json);
    serde_transcode::transcode(&mut reader, &mut serde_json::Serializer::with_formatter(buffer, Exact))
}

/// Writes integers that are not exact in a browser as strings.
struct Exact;

impl Formatter for Exact {
    fn write_i64<W: ?Sized + Write>(&mut self, writer: &mut W, number: i64) -> io::Result<()> {
        let is_exact = number.unsigned_abs() <= EXACT;
        if is_exact { CompactFormatter.write_i64(writer, number) } else { write!(writer, "\"{number}\"") }
    }

    fn write_u64<W: ?Sized + Write>(&mut self, writer: &mut W, number: u64) -> io::Result<()> {
        if number <= EXACT { CompactFormatter.write_u64(writer, number) } else { write!(writer, "\"{number}\"") }
    }
}

/// Converts rows to columns of strings, for CSV.
pub(crate) fn strings(table: &TextTable, rows: Rows, range: Range<usize>, needed: &[usize]) -> Result<RecordBatch> {
    string_columns(table, rows, range, needed, |rules, cell, add| {
        match text(rules, cell, table.is_json()).map(|text| plain(rules, text)) {
            None => add(None),
            Some(Plain::Json(text)) => add(Some(&text)),
            Some(Plain::Text(text)) => add(Some(&text)),
        }
    })
}

/// Converts rows to columns of strings, with the cells of CSV as they are written. Only cells that a row lacks, and null in
/// JSON, are missing.
pub(crate) fn written(table: &TextTable, rows: Rows, range: Range<usize>, needed: &[usize]) -> Result<RecordBatch> {
    string_columns(table, rows, range, needed, |_, cell, add| {
        if table.is_json() { add(cell.and_then(json::text).as_deref()) } else { add(cell) }
    })
}

/// Converts rows to columns of strings. `write` adds the text of a cell.
fn string_columns(
    table: &TextTable,
    rows: Rows,
    range: Range<usize>,
    needed: &[usize],
    write: impl Fn(&CellRules, Option<&str>, &mut dyn FnMut(Option<&str>)),
) -> Result<RecordBatch> {
    let (rows, range) = table.cells(rows, range, needed)?;
    let column = |(at, index): (usize, &usize)| {
        let rules = &table.columns[*index].rules;
        let mut builder = StringBuilder::new();
        for row in range.clone() {
            let cell = rows.cell(row, table.place(needed, at));
            write(rules, cell, &mut |text| builder.append_option(text));
        }
        Arc::new(builder.finish()) as ArrayRef
    };
    let columns = needed.iter().enumerate().map(column).collect();
    let field = |index: &usize| Field::new(&table.columns[*index].column.name, DataType::Utf8, true);
    let schema = Arc::new(Schema::new(needed.iter().map(field).collect::<Fields>()));
    let options = RecordBatchOptions::new().with_row_count(Some(range.len()));
    Ok(RecordBatch::try_new_with_options(schema, columns, &options)?)
}
