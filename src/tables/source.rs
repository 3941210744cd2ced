//! The files of a table, as its engine reads them.

use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use futures::{StreamExt as _, stream};
use tables_wire::Read;
use tokio::sync::OnceCell;

use super::cache::CachedResult;
use crate::error::{Error, Result};
use crate::files::{FileReader, Files, Opened};
use crate::storage::read_range::Blocks;

/// A file of a table.
#[derive(Clone)]
pub(super) enum TableContent {
    /// A file of a dataset.
    File(Box<Opened>),
    /// A result of an engine.
    Result(CachedResult),
    /// An image in memory.
    Bytes { bytes: Bytes, tag: String },
}

impl TableContent {
    pub(super) fn size(&self) -> u64 {
        match self {
            Self::File(file) => file.size,
            Self::Result(result) => result.size,
            Self::Bytes { bytes, .. } => bytes.len() as u64,
        }
    }

    /// Returns the tag of the content: different content has a different tag.
    pub(super) fn tag(&self) -> String {
        match self {
            Self::File(file) => file.tag(),
            Self::Result(result) => result.tag.clone(),
            Self::Bytes { tag, .. } => tag.clone(),
        }
    }
}

/// The files that one request may read, by their number.
pub(super) struct Source {
    files: Files,
    opened: Vec<TableContent>,
    /// Where their content is, once it was looked up.
    readers: Vec<OnceCell<FileReader>>,
    indexes: Mutex<Indexes>,
}

/// What the engine found out about the files.
struct Indexes {
    found: Vec<(u32, Bytes)>,
    /// How many bytes more it may remember.
    room: usize,
}

impl Source {
    /// Creates the source. The engine may remember `room` bytes of the files.
    pub(super) fn new(files: Files, opened: Vec<TableContent>, room: usize) -> Self {
        let readers = opened.iter().map(|_| OnceCell::new()).collect();
        Self { files, opened, readers, indexes: Mutex::new(Indexes { found: Vec::new(), room }) }
    }

    /// Returns true if the file exists and has these bytes.
    pub(super) fn has(&self, read: &Read) -> bool {
        let size = self.opened.get(read.file as usize).map(TableContent::size);
        read.length > 0 && size.is_some_and(|size| read.offset.checked_add(read.length).is_some_and(|end| end <= size))
    }

    /// Reads from a file.
    ///
    /// # Errors
    /// Not found if the store has lost it; whatever the store returns.
    pub(super) async fn read(&self, read: &Read) -> Result<Blocks> {
        let number = read.file as usize;
        let range = read.offset..read.offset.saturating_add(read.length);
        match self.opened.get(number).ok_or_else(|| Error::internal("an unknown file"))? {
            TableContent::File(file) => {
                let reader = self.readers[number].get_or_try_init(|| self.files.reader(file)).await?;
                reader.read(range).await
            }
            TableContent::Result(result) => Ok(result.read(range)),
            TableContent::Bytes { bytes, .. } => {
                let at = |offset: u64| usize::try_from(offset).unwrap_or(usize::MAX).min(bytes.len());
                let part = bytes.slice(at(range.start)..at(range.end));
                Ok(stream::once(async move { Ok(part) }).boxed())
            }
        }
    }

    /// Takes what the engine wants to know of a file at the next request.
    pub(super) fn remember(&self, file: u32, index: Bytes) {
        let mut indexes = self.indexes.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(room) = indexes.room.checked_sub(index.len())
            && indexes.found.len() < self.opened.len()
        {
            indexes.room = room;
            indexes.found.push((file, index));
        }
    }

    /// Returns what the engine found out, by the number of the file.
    pub(super) fn indexes(&self) -> Vec<(u32, Bytes)> {
        let mut indexes = self.indexes.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut indexes.found)
    }

    /// Returns the tags of the files.
    pub(super) fn tags(&self) -> impl Iterator<Item = String> {
        self.opened.iter().map(TableContent::tag)
    }
}
