//! Row reader for text tables: reads rows from blocks of bytes, so that a page of rows does not need the whole file.

mod page;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::Arc;

use csv::ByteRecord;
use serde_json::{Number, Value};

pub use self::page::{PageLimits, RowPage};
use super::Inferred;
use super::text::{self, Encoding, Records};
use crate::{Error, Result};

/// Integers beyond this are not exact in a browser, so they are strings.
const EXACT: u64 = 1 << 53;

/// How the rows of a table are read, based on its inferred schema.
#[derive(Debug, Clone)]
pub struct RowReader {
    columns: Vec<Column>,
    syntax: Syntax,
    encoding: Encoding,
    /// True if the first row is the header.
    has_header: bool,
}

#[derive(Debug, Clone)]
struct Column {
    name: String,
    /// The Table Schema type.
    r#type: String,
    kind: Kind,
    missing: Arc<[String]>,
    has_comma: bool,
}

/// The types that JSON has a notation for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Integer,
    Number,
    Boolean,
    Other,
}

#[derive(Debug, Clone)]
enum Syntax {
    Csv {
        delimiter: u8,
        skips_space: bool,
    },
    /// The column numbers by name.
    JsonLines(HashMap<String, usize>),
}

/// What was read from a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Taken {
    /// Number of rows that ended in the block, including skipped ones.
    pub rows: u64,
    /// Number of bytes up to the end of the last of these rows.
    pub bytes: usize,
}

impl RowReader {
    /// Creates a reader for a table with this inferred schema.
    pub fn of(inferred: &Inferred) -> Self {
        let list = |value: &Value| -> Arc<[String]> {
            value.as_array().into_iter().flatten().filter_map(|text| text.as_str().map(str::to_owned)).collect()
        };
        let common = inferred.schema.get("missingValues").map(list).unwrap_or_default();
        let fields = inferred.schema.get("fields").and_then(Value::as_array).into_iter().flatten();
        let columns: Vec<Column> = fields
            .map(|field| Column {
                name: field["name"].as_str().unwrap_or_default().to_owned(),
                r#type: field["type"].as_str().unwrap_or_default().to_owned(),
                kind: match field["type"].as_str().unwrap_or_default() {
                    "integer" => Kind::Integer,
                    "number" => Kind::Number,
                    "boolean" => Kind::Boolean,
                    _ => Kind::Other,
                },
                missing: if field["missingValues"].is_array() { list(&field["missingValues"]) } else { common.clone() },
                has_comma: field["decimalChar"] == ",",
            })
            .collect();
        let dialect_value = |key: &str| inferred.dialect.as_ref().and_then(|dialect| dialect.get(key));
        let flag = |key| dialect_value(key).and_then(Value::as_bool).unwrap_or_default();
        let syntax = match &inferred.dialect {
            None => {
                let names = columns.iter().enumerate().map(|(index, column)| (column.name.clone(), index));
                Syntax::JsonLines(names.collect())
            }
            Some(_) => Syntax::Csv {
                delimiter: dialect_value("delimiter")
                    .and_then(Value::as_str)
                    .and_then(|text| text.bytes().next())
                    .unwrap_or(b','),
                skips_space: flag("skipInitialSpace"),
            },
        };
        let encoding = inferred.encoding.unwrap_or(Encoding::Utf8);
        Self { columns, syntax, encoding, has_header: flag("header") }
    }

    /// Returns the name and Table Schema type of each column.
    pub fn fields(&self) -> impl Iterator<Item = (&str, &str)> {
        self.columns.iter().map(|column| (column.name.as_str(), column.r#type.as_str()))
    }

    /// Returns the approximate memory use in bytes.
    pub fn weight(&self) -> usize {
        // Names and types are stored twice, plus an entry in the name map.
        let column = |column: &Column| 2 * (size_of::<Column>() + column.name.len() + column.r#type.len());
        self.columns.iter().map(column).sum()
    }

    /// Returns the offset of the first row, given the start of the file: after a byte order mark and the header.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] if the header does not end within `head`.
    pub fn start(&self, head: &[u8], is_all: bool) -> Result<usize> {
        let mark = self.encoding.mark(head);
        if !self.has_header {
            return Ok(mark);
        }
        let mut none = RowPage::new(PageLimits { rows: 0, source_bytes: 0, json_bytes: 0 });
        let header = self.take(&head[mark..], is_all, 1, &mut none)?;
        Ok(mark + header.bytes)
    }

    /// Reads rows from a block that starts at a row: skips `skip` of them, then adds rows to `page` until it
    /// is full. A row truncated by the end of the block is left for the next block, unless `is_last`. A page
    /// ends before a row that is longer than the block.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] for a malformed row, or one that is longer than the block; [`Error::TooLarge`] for
    /// one that is longer than a page.
    pub fn take(&self, block: &[u8], is_last: bool, skip: u64, page: &mut RowPage) -> Result<Taken> {
        let split = self.encoding.splittable(block);
        let mut taken = match &self.syntax {
            Syntax::Csv { delimiter, skips_space } => {
                self.take_csv(&split, is_last, (*delimiter, *skips_space), skip, page)?
            }
            Syntax::JsonLines(columns) => self.take_lines(&split, is_last, columns, skip, page)?,
        };
        taken.bytes = self.encoding.source_len(&split[..taken.bytes]);
        if taken.bytes == 0 && !is_last && !page.has_more() && !page.end() {
            return Err(Error::Invalid(format!("a row is longer than {} bytes", block.len())));
        }
        Ok(taken)
    }

    fn take_csv(
        &self,
        block: &[u8],
        is_last: bool,
        (delimiter, skips_space): (u8, bool),
        skip: u64,
        page: &mut RowPage,
    ) -> Result<Taken> {
        let mut records = Records::new(block, delimiter, is_last);
        let mut record = ByteRecord::new();
        let mut taken = Taken { rows: 0, bytes: 0 };
        while !page.has_more()
            && let Some(end) = records.next(&mut record)?
        {
            if taken.rows >= skip {
                page.add(end - taken.bytes, |json| self.write_record(json, &record, skips_space))?;
                if page.has_more() {
                    break;
                }
            }
            taken = Taken { rows: taken.rows + 1, bytes: end };
        }
        Ok(taken)
    }

    fn write_record(&self, json: &mut Vec<u8>, record: &ByteRecord, skips_space: bool) -> serde_json::Result<()> {
        json.push(b'[');
        for (index, column) in self.columns.iter().enumerate() {
            if index > 0 {
                json.push(b',');
            }
            let Some(bytes) = record.get(index) else {
                json.extend_from_slice(b"null");
                continue;
            };
            let text = self.encoding.text(bytes);
            let text = if skips_space { text.trim_start_matches(' ') } else { &text };
            serde_json::to_writer(&mut *json, &column.value(text))?;
        }
        json.push(b']');
        Ok(())
    }

    fn take_lines(
        &self,
        block: &[u8],
        is_last: bool,
        columns: &HashMap<String, usize>,
        skip: u64,
        page: &mut RowPage,
    ) -> Result<Taken> {
        let mut taken = Taken { rows: 0, bytes: 0 };
        for line in text::lines(block, is_last) {
            let is_row = !line.trim_ascii().is_empty();
            if is_row && taken.rows >= skip {
                page.add(line.len(), |json| page::write_line(json, &self.encoding.text(line), columns))?;
                if page.has_more() {
                    break;
                }
            }
            taken.rows += u64::from(is_row);
            taken.bytes += line.len();
        }
        Ok(taken)
    }
}

impl Column {
    /// Converts a cell to JSON; a text that does not have the column's type stays a string.
    fn value(&self, text: &str) -> Value {
        if text.is_empty() || self.missing.iter().any(|missing| missing == text) {
            return Value::Null;
        }
        let typed = match self.kind {
            Kind::Integer => text.parse::<i64>().ok().filter(|number| is_exact(*number)).map(Value::from),
            Kind::Number if self.has_comma => number(&text.replace(',', ".")),
            Kind::Number => number(text),
            Kind::Boolean => text.to_ascii_lowercase().parse::<bool>().ok().map(Value::Bool),
            Kind::Other => None,
        };
        typed.unwrap_or_else(|| Value::String(text.to_owned()))
    }
}

fn is_exact(number: i64) -> bool {
    number.unsigned_abs() <= EXACT
}

fn number(text: &str) -> Option<Value> {
    text.parse::<f64>().ok().and_then(Number::from_f64).map(Value::Number)
}
