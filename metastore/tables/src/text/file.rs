//! One file of a text table.

use std::sync::Arc;

use bytes::Bytes;
use serde_json::{Map, Value};
use tables_wire::{Compression, Format, TableFile};
use tokio::sync::OnceCell;

use super::charset::Charset;
use super::index::FileIndex;
use super::known::Known;
use super::reader::{BlockSource, RowReader};
use super::unpack::Unpacker;
use crate::connection::Connection;
use crate::error::{Error, Result};
use crate::infer::{SAMPLE_BYTES, SAMPLE_ROWS, Sample, csv, json_lines};
use crate::rows::Dialect;

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
        self.known.get().map_or(Ok(None), |known| known.take_index())
    }

    /// Reads rows from the nearest known place at or before this row.
    pub(crate) async fn rows_before(&self, row: u64) -> Result<RowReader> {
        let known = self.known().await?;
        let blocks = BlockSource {
            connection: self.connection.clone(),
            number: self.number,
            size: self.size,
            compression: self.compression,
        };
        RowReader::new(blocks, known, known.before(row))
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
        Known::new(index, head).ok_or_else(|| Error::internal("an index that was just created is invalid"))
    }

    fn declared_dialect(&self) -> Result<Dialect> {
        match self.declared.get("dialect") {
            Some(Value::Object(properties)) => Dialect::declared(properties),
            Some(Value::Null) | None => Dialect::declared(&Map::new()),
            Some(_) => Err(Error::invalid("the property `dialect` of the resource must be an object")),
        }
    }
}
