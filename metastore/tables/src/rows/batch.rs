//! Rows of text: the cells of a batch of rows, in one buffer.

use crate::error::{Error, Result};

/// Maximum number of rows of a batch.
pub(crate) const BATCH_ROWS: usize = 8192;

/// Limits of a batch that many cells, or long ones, reach before.
const BATCH_BYTES: usize = 4 << 20;
const BATCH_CELLS: usize = 1 << 20;

/// The cells of consecutive rows.
#[derive(Debug, Default)]
pub(crate) struct Rows {
    /// The number of the first row, from 0, in its file.
    pub(crate) first: u64,
    text: String,
    /// The end of each cell in the text; it begins where the one before ends.
    cells: Vec<u32>,
    /// The number of cells at the end of each row.
    ends: Vec<u32>,
}

impl Rows {
    /// Returns the number of rows.
    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    /// Returns the number of cells of a row.
    pub(crate) fn width(&self, row: usize) -> usize {
        let (start, end) = self.range(row);
        end - start
    }

    /// Returns a cell; `None` if the row has fewer.
    pub(crate) fn cell(&self, row: usize, column: usize) -> Option<&str> {
        let (start, end) = self.range(row);
        let place = start + column;
        if place >= end {
            return None;
        }
        let from = if place == 0 { 0 } else { self.cells[place - 1] as usize };
        self.text.get(from..self.cells[place] as usize)
    }

    /// Returns some of the rows, as if they were consecutive.
    pub(crate) fn select(&self, rows: impl Iterator<Item = usize>) -> Self {
        let mut selected = Self { first: self.first, ..Self::default() };
        for row in rows {
            let (start, end) = self.range(row);
            let from = if start == 0 { 0 } else { self.cells[start - 1] };
            // The text is not longer than that of all rows.
            let length = u32::try_from(selected.text.len()).unwrap_or(u32::MAX);
            selected.cells.extend(self.cells[start..end].iter().map(|cell| cell - from + length));
            let to = if end > start { self.cells[end - 1] } else { from };
            selected.text.push_str(&self.text[from as usize..to as usize]);
            selected.ends.push(u32::try_from(selected.cells.len()).unwrap_or(u32::MAX));
        }
        selected
    }

    fn range(&self, row: usize) -> (usize, usize) {
        let start = if row == 0 { 0 } else { self.ends[row - 1] as usize };
        (start, self.ends[row] as usize)
    }
}

/// Rows that are being added, and the beginning of the next one.
#[derive(Debug, Default)]
pub(crate) struct RowBuffer {
    /// UTF-8, since rows are split at ASCII characters only. Checked once for the whole batch.
    text: Vec<u8>,
    /// How much of the text is in use. The rest is room, so that it need not be cleared for each row.
    length: usize,
    cells: Vec<u32>,
    rows: Vec<u32>,
}

impl RowBuffer {
    /// Returns the length of the text in bytes.
    pub(crate) fn text_len(&self) -> usize {
        self.length
    }

    /// Returns room for more text: at least one byte.
    pub(crate) fn room(&mut self) -> &mut [u8] {
        if self.length == self.text.len() {
            self.text.resize((2 * self.length).max(1 << 16), 0);
        }
        &mut self.text[self.length..]
    }

    /// Adds the text that was written to the room.
    pub(crate) fn advance(&mut self, length: usize) {
        self.length += length;
    }

    /// Adds text.
    pub(crate) fn push(&mut self, text: &[u8]) {
        self.text.truncate(self.length);
        self.text.extend_from_slice(text);
        self.length = self.text.len();
    }

    /// Returns the text from this place on.
    pub(crate) fn tail(&self, start: usize) -> &[u8] {
        &self.text[start..self.length]
    }

    /// Removes the text from this place on.
    pub(crate) fn truncate(&mut self, length: usize) {
        self.length = length;
    }

    /// Ends a cell at this place of the text.
    pub(crate) fn end_cell(&mut self, end: usize) {
        // A batch is much shorter than 4 GiB.
        self.cells.push(u32::try_from(end).unwrap_or(u32::MAX));
    }

    /// Ends a row after the last cell.
    pub(crate) fn end_row(&mut self) {
        self.rows.push(u32::try_from(self.cells.len()).unwrap_or(u32::MAX));
    }

    /// Returns the number of rows.
    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    /// Returns true if the batch should end.
    pub(crate) fn is_full(&self) -> bool {
        self.rows.len() >= BATCH_ROWS || self.length >= BATCH_BYTES || self.cells.len() >= BATCH_CELLS
    }

    /// Takes the rows, the first of which has this number. The beginning of a row after them stays.
    pub(crate) fn take(&mut self, first: u64) -> Result<Rows> {
        let Self { mut text, length, cells, rows } = std::mem::take(self);
        text.truncate(length);
        let end = cells.last().map_or(0, |end| *end as usize);
        self.push(&text[end..]);
        text.truncate(end);
        Ok(Rows { first, text: String::from_utf8(text).map_err(Error::internal)?, cells, ends: rows })
    }
}
