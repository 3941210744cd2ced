//! Paginated table preview: only the part of a file that a page needs is read, and row offsets are cached.

mod places;

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use datapackage::infer::{PageLimits, RowPage, RowReader};
use quick_cache::Weighter;
use quick_cache::sync::Cache;
use serde_json::value::RawValue;
use tokio::sync::{Semaphore, SemaphorePermit};

use self::places::{PLACES, Place, Places};
use super::infer::head_len;
use super::{Files, Opened, TableFormat};
use crate::access::share_links::DownloadCounted;
use crate::access::{Fetch, Grant};
use crate::error::{Error, Result};
use crate::storage::read_range::gathered;

/// Bytes of a table that are read at a time; the maximum length of a row.
const BLOCK: usize = 1 << 20;

/// Maximum bytes that one request reads to find a row without a known offset nearby, or the end of a page.
const MAX_READ_BYTES: u64 = 64 << 20;

/// Maximum number of rows per page.
pub const MAX_ROWS: usize = 1000;

/// Maximum source bytes of the rows of one page, and maximum bytes of those rows as JSON.
const SOURCE: usize = 8 << 20;
const JSON: usize = 4 << 20;

/// Approximate number of tables in the cache, and its maximum size in bytes.
const TABLES: usize = 500;
const REMEMBERED: u64 = 64 << 20;

/// Maximum number of blocks that are parsed at the same time: each takes a core, and a multiple of its size in memory.
const READ_CONCURRENCY: usize = 8;

/// How long a request waits for its turn to read a block.
const QUEUE_TIMEOUT: Duration = Duration::from_secs(30);

/// Cache of row indexes, keyed by content and format.
pub(super) struct RowIndexCache {
    known: Cache<(String, TableFormat), Arc<Table>, Weight>,
    reading: Semaphore,
}

impl Default for RowIndexCache {
    fn default() -> Self {
        Self { known: Cache::with_weighter(TABLES, REMEMBERED, Weight), reading: Semaphore::new(READ_CONCURRENCY) }
    }
}

impl RowIndexCache {
    /// Waits for a turn to read a block. Requests take turns block by block, so that a long one does not hold up the
    /// others.
    async fn turn(&self) -> Result<SemaphorePermit<'_>> {
        let turn = tokio::time::timeout(QUEUE_TIMEOUT, self.reading.acquire()).await;
        let turn = turn.map_err(|_| Error::busy("too many tables are being read; try again in a moment"))?;
        turn.map_err(Error::internal)
    }
}

struct Table {
    reader: RowReader,
    places: Mutex<Places>,
    /// Number of rows; empty until the end of the table was read.
    total: OnceLock<u64>,
}

/// Weighs a table by the bytes that it takes once its index is full.
#[derive(Clone)]
struct Weight;

impl Weighter<(String, TableFormat), Arc<Table>> for Weight {
    fn weight(&self, (name, _): &(String, TableFormat), table: &Arc<Table>) -> u64 {
        (name.len() + table.reader.weight() + PLACES * size_of::<Place>()) as u64
    }
}

/// The requested rows.
#[derive(Debug, Clone, Copy)]
pub struct Section {
    /// The first row, from 0.
    pub offset: u64,
    /// Maximum number of rows.
    pub limit: usize,
}

/// The work done by a request, reported in steps.
#[derive(Debug, Clone, Copy)]
pub struct Work {
    /// Bytes read.
    pub bytes: u64,
    /// Rows parsed: tiny rows take longer than their bytes suggest.
    pub rows: u64,
}

/// A page of rows.
#[derive(Debug)]
pub struct Rows {
    /// Name and Table Schema type of each column.
    pub fields: Vec<(String, String)>,
    /// The rows: a JSON array of arrays with a value for each column.
    pub rows: Box<RawValue>,
    /// True if there are more rows.
    pub more: bool,
    /// Number of rows of the table; `None` until its end was read.
    pub total: Option<u64>,
}

impl Files {
    /// Reads rows of the table at the path of the grant; fewer than requested if they exceed the size of a page. `count`
    /// is called with the bytes about to be read, and with the rows skipped or read.
    ///
    /// # Errors
    /// Unsupported media type for a file that is not a text table; invalid for one that cannot be parsed, and for rows
    /// too far beyond the indexed part; not found; busy.
    pub async fn rows(
        &self,
        grant: &Grant<Fetch>,
        revision: Option<&str>,
        section: Section,
        taken: &DownloadCounted,
        count: &(dyn Fn(Work) + Send + Sync),
    ) -> Result<Rows> {
        let Section { offset, limit } = section;
        let file = self.open(grant, revision, taken).await?;
        let format = text_format(&file.name)?;
        let key = (format!("{}/{}", grant.id(), file.tag()), format);
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
            if read >= MAX_READ_BYTES {
                is_cut = page.rows() > 0;
                if is_cut {
                    break;
                }
                return Err(Error::invalid(format!(
                    "row {offset} is too far down for one request; repeat the request to continue from row {row}"
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
            let (taken, filled) = looked.await?.map_err(|error| describe(&file.name, error))?;
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
        if !more {
            let _ = table.total.set(row);
        }
        let total = table.total.get().copied();
        let fields = table.reader.fields().map(|(name, kind)| (name.to_owned(), kind.to_owned())).collect();
        Ok(Rows { fields, more, total, rows: RawValue::from_string(page.into_json()).map_err(Error::internal)? })
    }

    /// Infers columns and format details from the beginning of a table.
    async fn look_at(&self, file: &Opened, format: TableFormat, count: &(dyn Fn(Work) + Send + Sync)) -> Result<Table> {
        let _turn = self.0.tables.turn().await?;
        count(Work { bytes: head_len(file), rows: 0 });
        let head = self.head(file).await?;
        let looked = crate::blocking(move || {
            let inferred = head.infer(format)?;
            let reader = RowReader::of(&inferred);
            let start = reader.start(&head.bytes, head.is_all)?;
            let total = inferred.is_complete.then_some(inferred.rows).map(OnceLock::from).unwrap_or_default();
            Ok(Table { reader, places: Mutex::new(Places::from(start as u64)), total })
        });
        looked.await?.map_err(|error| describe(&file.name, error))
    }
}

impl Table {
    fn places(&self) -> MutexGuard<'_, Places> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn text_format(name: &str) -> Result<TableFormat> {
    let extension = name.rsplit_once('.').map(|(_, extension)| extension).unwrap_or_default();
    match extension.parse() {
        Ok(TableFormat::Parquet) => Err(Error::unsupported_media(
            "row preview does not support Parquet; download the file, or use `infer` for its columns",
        )),
        Ok(format) => Ok(format),
        Err(_) => {
            Err(Error::unsupported_media(format!("row preview supports csv, tsv, jsonl and ndjson, not {name:?}")))
        }
    }
}

/// Adds the name of the table to an error.
fn describe(name: &str, error: datapackage::Error) -> Error {
    match error {
        datapackage::Error::Invalid(why) => Error::invalid(format!("the rows of {name} cannot be read: {why}")),
        datapackage::Error::TooLarge(why) => {
            Error::invalid(format!("the rows of {name} cannot be read: {why}; download the file"))
        }
        other @ datapackage::Error::Internal(_) => other.into(),
    }
}
