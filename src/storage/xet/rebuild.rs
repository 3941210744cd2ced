//! Files put together from the chunks of xorbs.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use futures::{Stream, StreamExt as _, TryStreamExt as _, stream};
use xet::Hash;
use xet::xorb::Xorb;

use super::corrupt;
use super::shard::{FilePlan, XorbCache};
use crate::db::xorbs::XorbRow;
use crate::error::{Error, Result};
use crate::storage::Storage;

/// Bytes of a file that are decoded at a time, and held in memory twice.
const PIECE: u32 = 2 << 20;

/// Chunks of a xorb that follow each other.
struct Piece {
    row: XorbRow,
    xorb: Arc<Xorb>,
    chunks: Range<usize>,
}

/// How far a file is cut into pieces.
struct Cursor {
    storage: Storage,
    xorbs: Arc<HashMap<Hash, XorbRow>>,
    file: Arc<FilePlan>,
    cache: XorbCache,
    term: usize,
    /// Chunks of the term that are done.
    done: usize,
}

impl Cursor {
    async fn next(&mut self) -> Result<Option<Piece>> {
        let Some((hash, range)) = self.file.terms.get(self.term).cloned() else { return Ok(None) };
        let row = self.xorbs.get(&hash).cloned().ok_or_else(|| corrupt("its row is missing"))?;
        let xorb = self.cache.get(&self.storage, &self.xorbs, hash).await?;
        let start = range.start + self.done;
        let origin = xorb.raw_range(start..range.end).map_err(corrupt)?.start;
        let rest = &xorb.chunks()[start..range.end];
        let count = rest.partition_point(|chunk| chunk.raw_end - origin <= PIECE).max(1);
        self.done += count;
        if start + count == range.end {
            (self.term, self.done) = (self.term + 1, 0);
        }
        Ok(Some(Piece { row, xorb, chunks: start..start + count }))
    }
}

/// The error that ended a stream, if one did.
#[derive(Clone, Default)]
pub(super) struct Failure(Arc<Mutex<Option<Error>>>);

impl Failure {
    pub(super) fn take(&self) -> Option<Error> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Keeps the error, and returns one with the same text.
    fn keep(&self, error: Error) -> Error {
        let copy = Error::internal(error.to_string());
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
        copy
    }
}

impl Storage {
    /// Returns the bytes of a file. The next piece is read while one is stored.
    pub(super) fn rebuild(
        &self,
        xorbs: Arc<HashMap<Hash, XorbRow>>,
        file: Arc<FilePlan>,
    ) -> (impl Stream<Item = Result<Bytes>> + Unpin + Send + use<>, Failure) {
        let (storage, failure) = (self.clone(), Failure::default());
        let cursor = Cursor { storage: self.clone(), xorbs, file, cache: XorbCache::default(), term: 0, done: 0 };
        let pieces =
            stream::try_unfold(
                cursor,
                |mut cursor| async move { Ok(cursor.next().await?.map(|piece| (piece, cursor))) },
            );
        let kept = failure.clone();
        let bytes = pieces
            .map_ok(move |piece| {
                let storage = storage.clone();
                async move { storage.read_piece(piece).await }
            })
            .try_buffered(2)
            .map_err(move |error| kept.keep(error));
        (bytes.boxed(), failure)
    }

    async fn read_piece(&self, piece: Piece) -> Result<Bytes> {
        let Piece { row, xorb, chunks } = piece;
        let packed = xorb.packed_range(chunks.clone()).map_err(corrupt)?;
        let bytes = self.read_xorb(&row, u64::from(packed.start)..u64::from(packed.end)).await?;
        crate::blocking(move || {
            let mut raw = Vec::new();
            xorb.decode_range(chunks, &bytes, &mut raw).map_err(corrupt)?;
            Ok(Bytes::from(raw))
        })
        .await?
    }
}
