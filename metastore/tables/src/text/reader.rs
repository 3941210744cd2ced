//! Reading of text files: blocks of bytes, characters, and batches of rows.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use tables_wire::Compression;
use tokio::task::JoinHandle;

use super::charset::TextDecoder;
use super::index::Place;
use super::known::Known;
use super::unpack::Unpacker;
use crate::connection::Connection;
use crate::error::{Error, Result};
use crate::rows::{RowBuffer, Rows, Splitter, Step};

/// Length of the blocks that are read, in bytes.
const BLOCK: u64 = 1 << 20;

/// Number of blocks that are read ahead once a second one is needed.
const AHEAD: usize = 3;

/// Where the bytes of a file are.
pub(super) struct BlockSource {
    pub(super) connection: Connection,
    pub(super) number: u32,
    pub(super) size: u64,
    pub(super) compression: Option<Compression>,
}

impl BlockSource {
    /// Reads the decompressed bytes from this offset on; from 0 on if the file is compressed. The file begins with `head`.
    fn read(self, head: &Bytes, start: u64) -> Result<Plain> {
        let head = usize::try_from(start).ok().filter(|start| *start < head.len()).map(|start| head.slice(start..));
        let head = head.unwrap_or_default();
        let blocks = Blocks::new(self.connection, self.number, start + head.len() as u64..self.size);
        Plain::new(head, blocks, self.compression)
    }
}

/// Bytes of a file, read ahead.
struct Blocks {
    connection: Connection,
    file: u32,
    size: u64,
    /// Where the next read begins.
    at: u64,
    waiting: VecDeque<JoinHandle<Result<Bytes>>>,
    is_first: bool,
}

impl Blocks {
    fn new(connection: Connection, file: u32, range: Range<u64>) -> Self {
        Self { connection, file, size: range.end, at: range.start, waiting: VecDeque::new(), is_first: true }
    }

    /// Returns the next bytes; `None` at the end of the file.
    async fn next(&mut self) -> Result<Option<Bytes>> {
        let ahead = if self.is_first { 1 } else { AHEAD };
        self.is_first = false;
        while self.waiting.len() < ahead && self.at < self.size {
            let range = self.at..self.size.min(self.at + BLOCK);
            self.at = range.end;
            let (connection, file) = (self.connection.clone(), self.file);
            self.waiting.push_back(tokio::spawn(async move { connection.read(file, range).await }));
        }
        match self.waiting.pop_front() {
            Some(block) => Ok(Some(block.await.map_err(Error::internal)??)),
            None => Ok(None),
        }
    }
}

impl Drop for Blocks {
    fn drop(&mut self) {
        for block in &self.waiting {
            block.abort();
        }
    }
}

/// Decompressed bytes of a file.
struct Plain {
    blocks: Blocks,
    unpacker: Option<Unpacker>,
    /// Bytes that are there already; of a compressed file, those that the unpacker has not used.
    block: Bytes,
    is_finished: bool,
}

impl Plain {
    /// Creates a reader of what `head` and then `blocks` contain.
    fn new(head: Bytes, blocks: Blocks, compression: Option<Compression>) -> Result<Self> {
        let unpacker = compression.map(Unpacker::new).transpose()?;
        Ok(Self { blocks, unpacker, block: head, is_finished: false })
    }

    /// Returns the next bytes; `None` at the end of the file.
    async fn next(&mut self) -> Result<Option<Bytes>> {
        let Some(unpacker) = &mut self.unpacker else {
            let head = std::mem::take(&mut self.block);
            return if head.is_empty() { self.blocks.next().await } else { Ok(Some(head)) };
        };
        let mut output = Vec::new();
        while output.is_empty() && !self.is_finished {
            if self.block.is_empty() {
                let Some(block) = self.blocks.next().await? else {
                    unpacker.finish(&mut output)?;
                    self.is_finished = true;
                    break;
                };
                self.block = block;
            }
            let used = unpacker.step(&self.block, &mut output)?;
            self.block = self.block.slice(used..);
        }
        Ok((!output.is_empty()).then(|| output.into()))
    }
}

/// Reads the rows of a text file from a known place on.
pub(crate) struct RowReader {
    known: Arc<Known>,
    plain: Plain,
    decoder: TextDecoder,
    /// Text that is being split, and how much of it was used.
    text: String,
    used: usize,
    is_end: bool,
    splitter: Splitter,
    buffer: RowBuffer,
    /// Number of rows before the data that are still to be left out.
    header: u64,
    /// The number of the next row.
    row: u64,
    /// The offset in the file of a place in `text`; `None` in files that have no offsets.
    counted: Option<(u64, usize)>,
    /// Number of bytes of a byte order mark that are still to be left out.
    mark: usize,
}

impl RowReader {
    /// Creates a reader that begins with the data, or at a known place.
    pub(super) fn new(blocks: BlockSource, known: &Arc<Known>, place: Option<Place>) -> Result<Self> {
        let is_plain = blocks.compression.is_none();
        let place = place.filter(|_| is_plain);
        let mark = if place.is_some() { 0 } else { known.charset.mark() };
        let start = place.map_or(0, |place| place.offset);
        let mut reader = Self {
            plain: blocks.read(&known.head, start)?,
            decoder: known.charset.decoder(),
            text: String::new(),
            used: 0,
            is_end: false,
            splitter: known.splitter(),
            buffer: RowBuffer::default(),
            header: if place.is_some() { 0 } else { known.rows_before_data() },
            row: place.map_or(0, |place| place.row),
            counted: is_plain.then_some((start + mark, 0)),
            mark: usize::try_from(mark).map_err(Error::internal)?,
            known: Arc::clone(known),
        };
        if reader.header == 0 {
            reader.note_place();
        }
        Ok(reader)
    }

    /// Returns the number of the next row.
    pub(crate) fn row(&self) -> u64 {
        self.row
    }

    /// Reads up to this many rows; `None` at the end of the file.
    pub(crate) async fn next(&mut self, limit: usize) -> Result<Option<Rows>> {
        let first = self.row;
        loop {
            if self.used == self.text.len() && !self.is_end {
                self.fill().await?;
            }
            let step = self.splitter.step(&self.text.as_bytes()[self.used..], &mut self.buffer);
            match step.map_err(|error| Error { message: format!("row {}: {error}", self.row + 1), ..error })? {
                Step::More => self.used = self.text.len(),
                Step::End => {
                    self.known.note_total(self.row);
                    let rows = self.buffer.take(first)?;
                    return Ok((rows.len() > 0).then_some(rows));
                }
                Step::Row(used) if self.header > 0 => {
                    self.used += used;
                    self.header -= 1;
                    self.buffer.take(0)?;
                    if self.header == 0 {
                        self.note_place();
                    }
                }
                Step::Row(used) => {
                    self.used += used;
                    self.row += 1;
                    self.note_place();
                    if self.buffer.len() >= limit || self.buffer.is_full() {
                        return self.buffer.take(first).map(Some);
                    }
                }
            }
        }
    }

    /// Reads more text, after all of it was used. It stays empty only at the end.
    async fn fill(&mut self) -> Result<()> {
        self.count();
        self.text.clear();
        (self.used, self.counted) = (0, self.counted.map(|(offset, _)| (offset, 0)));
        while self.text.is_empty() && !self.is_end {
            if let Some(bytes) = self.plain.next().await? {
                let skipped = self.mark.min(bytes.len());
                self.mark -= skipped;
                self.decoder.decode(&bytes[skipped..], false, &mut self.text);
            } else {
                self.is_end = true;
                self.decoder.decode(&[], true, &mut self.text);
            }
        }
        if self.decoder.has_lost_count() {
            self.counted = None;
        }
        Ok(())
    }

    /// Moves the counted place to where the text was used.
    fn count(&mut self) {
        self.counted = self.counted.and_then(|(offset, length)| {
            Some((offset + self.known.charset.source_len(&self.text[length..self.used])?, self.used))
        });
    }

    /// Remembers the place of the next row, if that is wanted.
    fn note_place(&mut self) {
        if self.counted.is_some() && self.known.wants(self.row) {
            self.count();
            if let Some((offset, _)) = self.counted {
                self.known.note(Place { row: self.row, offset });
            }
        }
    }
}
