//! Rows of tables, in pages: what is read of a file is what a page needs, and where rows begin is remembered.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use metastore::infer::{self, Inferred, Limits, RowReader};
use quick_cache::sync::Cache;
use serde_json::Value;

use super::{Files, Opened};
use crate::access::links::Taken;
use crate::access::{Fetch, Spot};
use crate::error::{Error, Result};
use crate::storage::part::gathered;

/// Bytes that are read of a table at one time; no row is longer.
const BLOCK: usize = 1 << 20;

/// Bytes that are read to find a row that nobody has come near yet.
const FURTHEST: u64 = 256 << 20;

/// Rows of one page at most.
pub const MOST: usize = 1000;

/// Between two places that are remembered, in rows.
const STRIDE: u64 = 10_000;

/// Tables of which places are remembered, and places of each.
const TABLES: usize = 500;
const PLACES: usize = 5000;

/// What is known of tables: by what their bytes are called, and how they are read.
pub(super) struct Tables(Cache<(String, Format), Arc<Table>>);

impl Default for Tables {
    fn default() -> Self {
        Self(Cache::new(TABLES))
    }
}

/// What a table is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Format {
    Csv,
    JsonLines,
}

struct Table {
    inferred: Inferred,
    reader: RowReader,
    /// Where rows begin, in bytes, by their number from 0.
    places: Mutex<BTreeMap<u64, u64>>,
}

/// A page of a table.
#[derive(Debug, Clone)]
pub struct Rows {
    /// Name and type of each column, in the words of Table Schema.
    pub fields: Vec<(String, String)>,
    /// The rows: a value for each column.
    pub rows: Vec<Vec<Value>>,
    /// Whether there are more behind them.
    pub more: bool,
}

impl Files {
    /// Rows of the table at a spot, `limit` of them from the row `offset` on, counted from 0.
    ///
    /// # Errors
    /// Unsupported media for what is no text table; invalid for one that cannot be read, and for rows that are much
    /// further down than anybody has read; not found.
    pub async fn rows(
        &self,
        spot: &Spot<Fetch>,
        revision: Option<&str>,
        offset: u64,
        limit: usize,
        taken: &Taken,
    ) -> Result<Rows> {
        let file = self.open(spot, revision, taken).await?;
        let format = format(&file.name)?;
        let key = (format!("{}/{}", spot.id(), file.tag()), format);
        let table = if let Some(table) = self.0.tables.0.get(&key) {
            table
        } else {
            let table = Arc::new(self.look_at(&file, format).await?);
            self.0.tables.0.insert(key, Arc::clone(&table));
            table
        };
        let fields = fields(&table.inferred);
        let (mut at_row, mut at) = table.near(offset);
        let (mut rows, mut read) = (Vec::new(), 0);
        // One more, which tells that there is more.
        let wanted = limit + 1;
        let mut ends = None;
        while at < file.size && rows.len() < wanted {
            if read > FURTHEST {
                return Err(Error::invalid(format!(
                    "row {offset} is too far down to be found at once: ask for row {at_row} first"
                )));
            }
            let end = file.size.min(at + BLOCK as u64);
            let block = gathered(self.read(&file, at..end).await?).await?;
            if block.is_empty() {
                break;
            }
            read += block.len() as u64;
            let (is_last, passed) = (end == file.size, Arc::clone(&table));
            let (skip, before) = (offset.saturating_sub(at_row), rows.len());
            // Places far down are noted on the way.
            let skip = skip.min(STRIDE);
            let limit = if offset > at_row + skip { before } else { wanted };
            let mut found = std::mem::take(&mut rows);
            let (taken, found) = crate::blocking(move || {
                let taken = passed.reader.take(&block, is_last, skip, limit, &mut found);
                (taken, found)
            })
            .await?;
            let taken = taken.map_err(|error| told(&file.name, error))?;
            rows = found;
            if taken.bytes == 0 {
                break;
            }
            at += taken.bytes as u64;
            at_row += taken.rows;
            if rows.len() == wanted {
                ends = Some(at_row);
            } else {
                table.note(at_row, at);
            }
        }
        if ends.is_some() {
            rows.truncate(limit);
        }
        Ok(Rows { fields, rows, more: ends.is_some() })
    }

    /// What the beginning of a table tells of it.
    async fn look_at(&self, file: &Opened, format: Format) -> Result<Table> {
        let limits = Limits::default();
        let end = file.size.min(limits.bytes as u64 + 1);
        let head = gathered(self.read(file, 0..end).await?).await?;
        let is_all = end == file.size;
        let looked = crate::blocking(move || {
            let inferred = match format {
                Format::Csv => infer::csv(&head[..], limits)?,
                Format::JsonLines => infer::json_lines(&head[..], limits)?,
            };
            let reader = RowReader::of(&inferred)?;
            let start = reader.start(&head, is_all)?;
            Ok(Table { inferred, reader, places: Mutex::new(BTreeMap::from([(0, start as u64)])) })
        });
        looked.await?.map_err(|error| told(&file.name, error))
    }
}

impl Table {
    /// The last place that is known before a row.
    fn near(&self, row: u64) -> (u64, u64) {
        let places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        places.range(..=row).next_back().map(|(row, at)| (*row, *at)).unwrap_or_default()
    }

    fn note(&self, row: u64, at: u64) {
        let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        if places.len() < PLACES {
            places.insert(row, at);
        }
    }
}

fn format(name: &str) -> Result<Format> {
    let extension = name.rsplit_once('.').map(|(_, extension)| extension.to_ascii_lowercase()).unwrap_or_default();
    match extension.as_str() {
        "csv" | "tsv" | "tab" => Ok(Format::Csv),
        "jsonl" | "ndjson" | "jsonlines" => Ok(Format::JsonLines),
        "parquet" => Err(Error::unsupported_media(
            "rows of Parquet are not read here: download the file; its columns are told by `infer`",
        )),
        _ => {
            Err(Error::unsupported_media(format!("rows are read of csv, tsv, jsonl and ndjson, and {name:?} is none")))
        }
    }
}

fn fields(inferred: &Inferred) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let fields = inferred.schema.get("fields").and_then(Value::as_array).into_iter().flatten();
    fields.map(|field| (text(&field["name"]), text(&field["type"]))).collect()
}

/// What is wrong with a table, and which.
fn told(name: &str, error: metastore::Error) -> Error {
    match error {
        metastore::Error::Invalid(why) => Error::invalid(format!("the rows of {name} cannot be read: {why}")),
        metastore::Error::TooLarge(why) => Error::invalid(format!("the rows of {name} are not read: {why}")),
        other => other.into(),
    }
}
