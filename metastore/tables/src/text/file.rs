//! One file of a text table.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use serde_json::{Map, Value};
use tables_wire::{Compression, Format, TableFile};
use tokio::sync::OnceCell;

use super::charset::Charset;
use super::dialect::Dialect;
use super::index::{FileIndex, Place, STEP};
use super::reader::{Blocks, Plain, RowReader};
use super::split::Splitter;
use super::unpack::Unpacker;
use crate::connection::Connection;
use crate::error::{Error, Result};
use crate::infer::{Inferred, SAMPLE_BYTES, SAMPLE_ROWS, Sample, csv, json_lines};

/// A file, which is examined when it is first needed.
pub(crate) struct TextFile {
    connection: Connection,
    number: u32,
    name: String,
    size: u64,
    compression: Option<Compression>,
    format: Format,
    /// The properties of the resource.
    declared: Arc<Map<String, Value>>,
    /// What the server kept of an earlier request.
    kept: Option<Bytes>,
    known: OnceCell<Arc<Known>>,
}

/// What is known of a file.
pub(crate) struct Known {
    pub(super) charset: Charset,
    /// The dialect, of delimited text.
    pub(crate) dialect: Option<Dialect>,
    pub(crate) inferred: Inferred,
    /// The name of the encoding for a Data Package.
    pub(crate) encoding: String,
    /// The beginning of the file, if it was read.
    head: Bytes,
    index: Mutex<(FileIndex, IsChanged)>,
}

type IsChanged = bool;

impl TextFile {
    /// Creates a file that was not examined yet. `kept` is what the server kept of an earlier request.
    pub(crate) fn new(
        connection: &Connection,
        number: u32,
        file: &TableFile,
        format: Format,
        declared: &Arc<Map<String, Value>>,
        kept: Option<Bytes>,
    ) -> Self {
        Self {
            connection: connection.clone(),
            number,
            name: file.name.clone(),
            size: file.size,
            compression: file.compression,
            format,
            declared: Arc::clone(declared),
            kept,
            known: OnceCell::new(),
        }
    }

    /// Returns the name, for messages.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn compression(&self) -> Option<Compression> {
        self.compression
    }

    /// Returns true for JSON lines.
    pub(crate) fn is_json(&self) -> bool {
        self.format == Format::JsonLines
    }

    /// Examines the file, unless it is known.
    pub(crate) async fn known(&self) -> Result<&Arc<Known>> {
        let known = self.known.get_or_try_init(|| async {
            let kept = self.kept.as_ref().and_then(|kept| FileIndex::parse(kept, self.size, &self.declared));
            let known = match kept.and_then(Known::of) {
                Some(known) => known,
                None => self.examine().await?,
            };
            Ok(Arc::new(known))
        });
        known.await.map_err(|error: Error| error.in_file(&self.name))
    }

    /// Returns what is known of the file, if it was examined.
    pub(crate) fn examined(&self) -> Option<&Arc<Known>> {
        self.known.get()
    }

    /// Returns the number of rows, if it is known without reading them.
    pub(crate) fn total(&self) -> Option<u64> {
        self.known.get()?.total()
    }

    /// Returns what the server should keep, if that is new.
    pub(crate) fn take_index(&self) -> Result<Option<Bytes>> {
        let Some(known) = self.known.get() else { return Ok(None) };
        let mut index = known.index();
        if !std::mem::take(&mut index.1) {
            return Ok(None);
        }
        index.0.to_bytes().map(Some)
    }

    /// Reads rows from the nearest known place at or before this row.
    pub(crate) async fn rows_before(&self, row: u64) -> Result<RowReader> {
        let known = self.known().await?;
        let place = known.index().0.offsets.before(row);
        RowReader::new(self, known, place)
    }

    /// Returns the decompressed bytes from this offset on; from 0 on if the file is compressed.
    pub(super) fn plain(&self, known: &Known, start: u64) -> Result<Plain> {
        let head = usize::try_from(start).ok().filter(|start| *start < known.head.len());
        let head = head.map(|start| known.head.slice(start..)).unwrap_or_default();
        let blocks = Blocks::new(self.connection.clone(), self.number, start + head.len() as u64..self.size);
        Plain::new(head, blocks, self.compression)
    }

    /// Reads the beginning of the file, and infers its columns.
    async fn examine(&self) -> Result<Known> {
        let limit = SAMPLE_BYTES as u64;
        let head = self.connection.read(self.number, 0..self.size.min(limit + 1)).await?;
        let is_all_read = head.len() as u64 == self.size;
        let (mut bytes, mut is_all) = (head.clone(), is_all_read);
        if let Some(compression) = self.compression {
            let mut unpacker = Unpacker::new(compression)?;
            let (mut output, mut used) = (Vec::new(), 0);
            while used < head.len() && output.len() <= SAMPLE_BYTES {
                used += unpacker.step(&head[used..], &mut output)?;
            }
            is_all = is_all_read && used == head.len();
            if is_all {
                unpacker.finish(&mut output)?;
            }
            bytes = output.into();
        }
        if bytes.len() > SAMPLE_BYTES {
            bytes.truncate(SAMPLE_BYTES);
            is_all = false;
        }
        let declared = self.declared.get("encoding").and_then(Value::as_str);
        let charset = Charset::detect(&bytes, is_all, declared)?;
        let mut text = String::new();
        let mark = usize::try_from(charset.mark()).map_err(Error::internal)?;
        charset.decoder().decode(&bytes[mark..], is_all, &mut text);
        let sample = Sample { text: &text, is_all, rows: SAMPLE_ROWS };
        let mut inferred = if self.is_json() { json_lines(sample)? } else { csv(sample, &self.declared_dialect()?)? };
        if !self.is_json() && inferred.dialect.is_none() {
            inferred.dialect = Some(self.declared_dialect()?.describe());
        }
        let total = inferred.is_complete.then_some(inferred.rows);
        let declared = declared.filter(|_| charset.mark() == 0).map(str::to_ascii_lowercase);
        let name = declared.unwrap_or_else(|| charset.declared_name(&bytes));
        let mut index = FileIndex::new(self.size, &self.declared, inferred, charset, name);
        index.total = total;
        let mut known = Known::of(index).ok_or_else(|| Error::internal("an index that was just created is invalid"))?;
        known.head = head;
        known.index.get_mut().unwrap_or_else(PoisonError::into_inner).1 = true;
        Ok(known)
    }

    fn declared_dialect(&self) -> Result<Dialect> {
        match self.declared.get("dialect") {
            Some(Value::Object(properties)) => Dialect::declared(properties),
            Some(Value::Null) | None => Dialect::declared(&Map::new()),
            Some(_) => Err(Error::invalid("the property `dialect` of the resource must be an object")),
        }
    }
}

impl Known {
    fn of(index: FileIndex) -> Option<Self> {
        let dialect = match &index.inferred.dialect {
            Some(properties) => Some(Dialect::declared(properties).ok()?),
            None => None,
        };
        Some(Self {
            charset: index.charset()?,
            dialect,
            inferred: index.inferred.clone(),
            encoding: index.declared_charset.clone(),
            head: Bytes::new(),
            index: Mutex::new((index, false)),
        })
    }

    pub(super) fn splitter(&self) -> Splitter {
        self.dialect.as_ref().map_or_else(Splitter::lines, Splitter::delimited)
    }

    pub(super) fn rows_before_data(&self) -> u64 {
        self.dialect.as_ref().map_or(0, Dialect::rows_before_data)
    }

    /// Returns the number of rows, if it is known.
    pub(crate) fn total(&self) -> Option<u64> {
        self.index().0.total
    }

    pub(super) fn wants(&self, row: u64) -> bool {
        row.is_multiple_of(STEP) && self.index().0.offsets.wants(row)
    }

    pub(super) fn note(&self, place: Place) {
        let mut index = self.index();
        index.0.offsets.note(place);
        index.1 = true;
    }

    pub(super) fn note_total(&self, total: u64) {
        let mut index = self.index();
        if index.0.total != Some(total) {
            index.0.total = Some(total);
            index.1 = true;
        }
    }

    fn index(&self) -> MutexGuard<'_, (FileIndex, IsChanged)> {
        self.index.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
