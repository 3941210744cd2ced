//! Reading packed objects, at any offset.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use xet::xorb::Xorb;

use super::{Reconstruction, corrupt};
use crate::db::objects::XorbRow;
use crate::error::Result;
use crate::storage::Storage;
use crate::storage::read_range::Blocks;

/// Bytes of an object that are read and decoded at a time.
const PIECE: u64 = 2 << 20;

/// Chunks of a xorb that follow each other, and the bytes of them that are wanted.
struct Piece {
    row: XorbRow,
    xorb: Arc<Xorb>,
    chunks: Range<usize>,
    wanted: Range<usize>,
}

/// How far a range is cut into pieces.
struct Cursor {
    storage: Storage,
    object: Arc<Reconstruction>,
    /// What is left of the range.
    range: Range<u64>,
}

impl Cursor {
    async fn next(&mut self) -> Result<Option<Piece>> {
        if self.range.is_empty() {
            return Ok(None);
        }
        let number = self.object.term_at(self.range.start);
        let Some(term) = self.object.terms.get(number) else { return Ok(None) };
        let row = self.object.xorbs.get(term.xorb).ok_or_else(|| corrupt("its row is missing"))?;
        let xorb = self.storage.xorb(row).await?;
        let term_start = self.object.start_of(number);
        let raw = xorb.raw_range(term.chunks.clone()).map_err(corrupt)?;
        if u64::from(raw.end - raw.start) != term.end - term_start {
            return Err(corrupt("its chunks have other lengths"));
        }
        // From here on, offsets are those in the decoded xorb.
        let start = u64::from(raw.start) + (self.range.start - term_start);
        let end = u64::from(raw.start) + (self.range.end.min(term.end) - term_start);
        let ends = &xorb.chunks()[term.chunks.clone()];
        let skipped = ends.partition_point(|chunk| u64::from(chunk.raw_end) <= start);
        let first_start = skipped.checked_sub(1).map_or(raw.start, |before| ends[before].raw_end);
        let most = end.min(u64::from(first_start) + PIECE);
        let whole = ends[skipped..].partition_point(|chunk| u64::from(chunk.raw_end) < most);
        let last = (skipped + whole + 1).min(ends.len());
        let piece_end = u64::from(ends[last - 1].raw_end).min(end);
        let offset = |at: u64| usize::try_from(at - u64::from(first_start)).map_err(corrupt);
        let piece = Piece {
            row: row.clone(),
            chunks: term.chunks.start + skipped..term.chunks.start + last,
            wanted: offset(start)?..offset(piece_end)?,
            xorb,
        };
        self.range.start += piece_end - start;
        Ok(Some(piece))
    }
}

impl Storage {
    /// Streams a range of an object that is put together from xorbs; shorter if the object ends before. The next piece is
    /// read while one is sent.
    pub(in crate::storage) fn read_packed(&self, object: Arc<Reconstruction>, range: Range<u64>) -> Blocks {
        let range = range.start..range.end.min(object.len());
        let cursor = Cursor { storage: self.clone(), object, range };
        let next = |mut cursor: Cursor| async move { Ok(cursor.next().await?.map(|piece| (piece, cursor))) };
        let storage = self.clone();
        let read = move |piece| {
            let storage = storage.clone();
            async move { storage.read_piece(piece).await }
        };
        let pieces = stream::try_unfold(cursor, next).map_ok(read).try_buffered(2);
        pieces.map_ok(|chunks| stream::iter(chunks).map(Ok)).try_flatten().boxed()
    }

    /// Returns the wanted bytes of a piece, in slices.
    async fn read_piece(&self, piece: Piece) -> Result<Vec<Bytes>> {
        let Piece { row, xorb, chunks, wanted } = piece;
        let mut chunks = self.read_chunks(&row, xorb, chunks).await?;
        let mut offset = 0;
        for chunk in &mut chunks {
            let length = chunk.len();
            let cut = |at: usize| at.saturating_sub(offset).min(length);
            *chunk = chunk.slice(cut(wanted.start)..cut(wanted.end));
            offset += length;
        }
        if wanted.end > offset {
            return Err(corrupt("its chunks are shorter"));
        }
        chunks.retain(|chunk| !chunk.is_empty());
        Ok(chunks)
    }
}
