//! What is known of a text file: its columns, how it is read, and the places of its rows.

use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

use super::charset::Charset;
use super::index::{FileIndex, Place, STEP};
use crate::error::Result;
use crate::infer::Inferred;
use crate::rows::{Dialect, Splitter};

/// What is known of a file.
pub(crate) struct Known {
    pub(super) charset: Charset,
    /// The dialect, of delimited text.
    pub(crate) dialect: Option<Dialect>,
    pub(crate) inferred: Inferred,
    /// The name of the encoding for a Data Package.
    pub(crate) encoding: String,
    /// The beginning of the file, if it was read.
    pub(super) head: Bytes,
    index: Mutex<(FileIndex, IsChanged)>,
}

type IsChanged = bool;

impl Known {
    /// Returns what an index tells; `None` if it is malformed.
    pub(super) fn of(index: FileIndex) -> Option<Self> {
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

    /// Returns what is known of a file that was examined just now, and begins with `head`.
    pub(super) fn new(index: FileIndex, head: Bytes) -> Option<Self> {
        let mut known = Self::of(index)?;
        known.head = head;
        known.index().1 = true;
        Some(known)
    }

    /// Returns what the server should keep, if that is new.
    pub(super) fn take_index(&self) -> Result<Option<Bytes>> {
        let mut index = self.index();
        if !std::mem::take(&mut index.1) {
            return Ok(None);
        }
        index.0.to_bytes().map(Some)
    }

    /// Returns the nearest known place at or before this row.
    pub(super) fn before(&self, row: u64) -> Option<Place> {
        self.index().0.offsets.before(row)
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
