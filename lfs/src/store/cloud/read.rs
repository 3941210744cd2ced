//! Reads from the bucket: for hashing, and for downloads that pass through the server.

use std::{ops::Range, sync::Arc};

use bytes::{Bytes, BytesMut};
use futures::{Stream, StreamExt as _, TryStreamExt as _, stream};
use object_store::{GetOptions, GetRange};
use sha2::{Digest as _, Sha256};

use super::{CloudStore, Key, request::in_time, unavailable};
use crate::{Error, Oid, blocking};

/// Size of one request in bytes. Each has its own timeout and retries, however long the whole read takes and
/// however slow the reader is.
const PIECE: u64 = 4 << 20;

/// Number of concurrent requests of one reader.
const READ_AHEAD: usize = 3;

impl CloudStore {
    /// Streams the bytes of the object at `key` in order; the range is truncated to the size. Returns `None` if
    /// there is no object. An object that is replaced while it is read is [`Error::Unavailable`].
    pub async fn read(
        &self,
        key: &Key,
        range: Range<u64>,
    ) -> Result<Option<impl Stream<Item = Result<Bytes, Error>> + Send + use<>>, Error> {
        let Some(found) = self.0.head(key).await? else { return Ok(None) };
        let location = self.0.location(key);
        let end = range.end.min(found.size);
        let inner = Arc::clone(&self.0);
        let pieces = pieces(range.start..end).map(move |piece| {
            let (inner, location) = (Arc::clone(&inner), location.clone());
            let if_match = found.e_tag.clone();
            let length = usize::try_from(piece.end - piece.start).unwrap_or_default();
            async move {
                let options = GetOptions { range: Some(GetRange::Bounded(piece)), if_match, ..GetOptions::default() };
                let mut blocks = in_time(inner.objects.get_opts(&location, options)).await?.into_stream();
                let mut piece = BytesMut::with_capacity(length);
                while let Some(block) = in_time(blocks.try_next()).await? {
                    piece.extend_from_slice(&block);
                }
                Ok(piece.freeze())
            }
        });
        Ok(Some(stream::iter(pieces).buffered(READ_AHEAD).map_err(unavailable)))
    }

    /// Returns the oid and the size of the object at `key`, by reading and hashing all of it.
    pub async fn hash(&self, key: &Key) -> Result<Option<(Oid, u64)>, Error> {
        let Some(pieces) = self.read(key, 0..u64::MAX).await? else { return Ok(None) };
        let (hasher, size) = pieces
            .try_fold((Sha256::new(), 0), |(hasher, size), piece| {
                blocking::run(move || Ok((hasher.chain_update(&piece), size + piece.len() as u64)))
            })
            .await?;
        Ok(Some((Oid::from_bytes(hasher.finalize().into()), size)))
    }
}

/// Splits a range into pieces of one request each.
fn pieces(range: Range<u64>) -> impl Iterator<Item = Range<u64>> + Send {
    let Range { start, end } = range;
    (0..end.saturating_sub(start).div_ceil(PIECE)).map(move |index| {
        let start = start + index * PIECE;
        start..end.min(start + PIECE)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn chunks_form_the_requested_range(start in 0..PIECE * 3, length in 0..PIECE * 4) {
            let mut at = start;
            for piece in pieces(start..start + length) {
                prop_assert_eq!(piece.start, at);
                prop_assert!(piece.end > at && piece.end - at <= PIECE);
                at = piece.end;
            }
            prop_assert_eq!(at, start + length);
        }
    }
}
