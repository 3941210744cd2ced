//! Rows of tables, in pages: what is read of a file is what a page needs, and where rows begin is remembered.

mod places;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use metastore::infer::{self, Limits, PageLimits, RowPage, RowReader};
use quick_cache::Weighter;
use quick_cache::sync::Cache;
use serde_json::value::RawValue;
use tokio::sync::{Semaphore, SemaphorePermit};

use self::places::{PLACES, Place, Places};
use super::{Files, Opened};
use crate::access::links::Taken;
use crate::access::{Fetch, Spot};
use crate::error::{Error, Result};
use crate::storage::part::gathered;

/// Bytes that are read of a table at one time; no row is longer.
const BLOCK: usize = 1 << 20;

/// Bytes that are read in one request to find a row that nobody has come near yet, or the end of a page.
const FURTHEST: u64 = 64 << 20;

/// Rows of one page at most.
pub const MOST: usize = 1000;

/// Bytes of a table that the rows of one page are written in, and bytes of those rows as JSON.
const SOURCE: usize = 8 << 20;
const JSON: usize = 4 << 20;

/// Tables of which places are remembered, roughly, and bytes of all that is remembered.
const TABLES: usize = 500;
const REMEMBERED: u64 = 64 << 20;

/// Blocks that are read and looked through at one time: each takes a core, and some times its bytes of memory.
const READING: usize = 8;

/// How long a request waits for its turn to read a block.
const QUEUE: Duration = Duration::from_secs(30);

/// What is known of tables: by what their bytes are called, and how they are read.
pub(super) struct Tables {
    known: Cache<(String, Format), Arc<Table>, Weight>,
    reading: Semaphore,
}

impl Default for Tables {
    fn default() -> Self {
        Self { known: Cache::with_weighter(TABLES, REMEMBERED, Weight), reading: Semaphore::new(READING) }
    }
}

impl Tables {
    /// A turn to read a block. Requests take turns block by block: one that reads much does not hold up the others.
    async fn turn(&self) -> Result<SemaphorePermit<'_>> {
        let turn = tokio::time::timeout(QUEUE, self.reading.acquire()).await;
        let turn = turn.map_err(|_| Error::busy("too many tables are read at one time; try again in a moment"))?;
        turn.map_err(Error::internal)
    }
}

/// What is written in which way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Format {
    Csv,
    JsonLines,
}

struct Table {
    reader: RowReader,
    places: Mutex<Places>,
}

/// A table weighs the bytes that it takes, in the end.
#[derive(Clone)]
struct Weight;

impl Weighter<(String, Format), Arc<Table>> for Weight {
    fn weight(&self, (name, _): &(String, Format), table: &Arc<Table>) -> u64 {
        (name.len() + table.reader.weight() + PLACES * size_of::<Place>()) as u64
    }
}

/// Which rows are asked for.
#[derive(Debug, Clone, Copy)]
pub struct Section {
    /// The first one, counted from 0.
    pub offset: u64,
    /// At most that many.
    pub limit: usize,
}

/// What a request takes, bit by bit.
#[derive(Debug, Clone, Copy)]
pub struct Work {
    /// Bytes of a table that are read.
    pub bytes: u64,
    /// Rows that are told apart: where they are tiny, they take longer than their bytes.
    pub rows: u64,
}

/// A page of a table.
#[derive(Debug)]
pub struct Rows {
    /// Name and type of each column, in the words of Table Schema.
    pub fields: Vec<(String, String)>,
    /// The rows: a JSON array of arrays, which have a value for each column.
    pub rows: Box<RawValue>,
    /// Whether there are more behind them.
    pub more: bool,
}

impl Files {
    /// Rows of the table at a spot: fewer than asked for where they take too many bytes for one page. `count` is told
    /// of bytes that are about to be read, and of rows that were passed over or read.
    ///
    /// # Errors
    /// Unsupported media for what is no text table; invalid for one that cannot be read, and for rows that are much
    /// further down than anybody has read; not found; busy.
    pub async fn rows(
        &self,
        spot: &Spot<Fetch>,
        revision: Option<&str>,
        section: Section,
        taken: &Taken,
        count: &(dyn Fn(Work) + Send + Sync),
    ) -> Result<Rows> {
        let Section { offset, limit } = section;
        let file = self.open(spot, revision, taken).await?;
        let format = format(&file.name)?;
        let key = (format!("{}/{}", spot.id(), file.tag()), format);
        let tables = &self.0.tables;
        let table = if let Some(table) = tables.known.get(&key) {
            table
        } else {
            let table = Arc::new(self.look_at(&file, format, count).await?);
            tables.known.insert(key, Arc::clone(&table));
            table
        };
        let Place { mut row, mut at } = table.places().before(offset);
        let mut page = RowPage::new(PageLimits { rows: limit, source_bytes: SOURCE, json_bytes: JSON });
        let (mut read, mut is_cut) = (0, false);
        while at < file.size && !page.has_more() {
            if read >= FURTHEST {
                is_cut = page.rows() > 0;
                if is_cut {
                    break;
                }
                return Err(Error::invalid(format!(
                    "row {offset} is too far down to be found at once: ask again, which goes on from row {row}"
                )));
            }
            let _turn = tables.turn().await?;
            let end = file.size.min(at + BLOCK as u64);
            count(Work { bytes: end - at, rows: 0 });
            let block = gathered(self.read(&file, at..end).await?).await?;
            if block.is_empty() {
                break;
            }
            read += block.len() as u64;
            let (is_last, skip, passed) = (end == file.size, offset.saturating_sub(row), Arc::clone(&table));
            let looked = crate::blocking(move || {
                let taken = passed.reader.take(&block, is_last, skip, &mut page);
                taken.map(|taken| (taken, page))
            });
            let (taken, filled) = looked.await?.map_err(|error| told(&file.name, error))?;
            page = filled;
            count(Work { bytes: 0, rows: taken.rows });
            if taken.bytes == 0 {
                break;
            }
            at += taken.bytes as u64;
            row += taken.rows;
            table.places().note(Place { row, at });
        }
        let more = page.has_more() || is_cut;
        let fields = table.reader.fields().map(|(name, kind)| (name.to_owned(), kind.to_owned())).collect();
        Ok(Rows { fields, more, rows: RawValue::from_string(page.into_json()).map_err(Error::internal)? })
    }

    /// What the beginning of a table tells of it.
    async fn look_at(&self, file: &Opened, format: Format, count: &(dyn Fn(Work) + Send + Sync)) -> Result<Table> {
        let limits = Limits::default();
        let end = file.size.min(limits.bytes as u64 + 1);
        let _turn = self.0.tables.turn().await?;
        count(Work { bytes: end, rows: 0 });
        let head = gathered(self.read(file, 0..end).await?).await?;
        let is_all = end == file.size;
        let looked = crate::blocking(move || {
            let inferred = match format {
                Format::Csv => infer::csv(&head[..], limits)?,
                Format::JsonLines => infer::json_lines(&head[..], limits)?,
            };
            let reader = RowReader::of(&inferred)?;
            let start = reader.start(&head, is_all)?;
            Ok(Table { reader, places: Mutex::new(Places::from(start as u64)) })
        });
        looked.await?.map_err(|error| told(&file.name, error))
    }
}

impl Table {
    fn places(&self) -> MutexGuard<'_, Places> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
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

/// What is wrong with a table, and which.
fn told(name: &str, error: metastore::Error) -> Error {
    match error {
        metastore::Error::Invalid(why) => Error::invalid(format!("the rows of {name} cannot be read: {why}")),
        metastore::Error::TooLarge(why) => Error::invalid(format!("the rows of {name} are not read: {why}")),
        other => other.into(),
    }
}
