//! Xorbs: chunks, compressed one by one, in one file.
//!
//! A xorb is uploaded without a footer. [`Decoder`] reads it, and returns a [`Xorb`]: the list of its chunks, from which
//! [`Xorb::footer`] creates the footer to store with it. [`Encoder`] writes xorbs. Source: `xorb`; draft, "Xorb Format".

mod compression;
mod decode;
mod encode;
mod footer;
mod lz4;

use std::ops::Range;

pub use compression::Scheme;
pub use decode::{Decoded, Decoder};
pub use encode::{Encoder, packed_len};
pub use footer::{FOOTER_LENGTH_BYTES, MAX_FOOTER};

use crate::format::{CHUNK_HEADER, MAX_CHUNK, MAX_PACKED_CHUNK, MAX_XORB_CHUNKS};
use crate::merkle::Tree;
use crate::{Error, Hash, Place};
use decode::{Header, Inflater};

/// A chunk of a xorb.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chunk {
    /// Hash of the chunk.
    pub hash: Hash,
    /// Where the chunk ends in the xorb, in bytes.
    pub end: u32,
    /// Where the chunk ends in the concatenation of all chunks, in bytes.
    pub raw_end: u32,
}

/// Where the bytes of a chunk are that [`Xorb::decode_range`] has decoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DecodedBytes {
    /// In the serialized chunks: it is not compressed.
    Packed(Range<usize>),
    /// In the buffer of decompressed chunks.
    Raw(Range<usize>),
}

/// The list of the chunks of a xorb, at least one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Xorb {
    hash: Hash,
    chunks: Vec<Chunk>,
}

impl Xorb {
    /// Returns the hash of the xorb, computed from its chunks.
    pub fn hash(&self) -> Hash {
        self.hash
    }

    /// Returns the chunks, in their order.
    pub fn chunks(&self) -> &[Chunk] {
        &self.chunks
    }

    /// Returns the length of the chunks as serialized, in bytes: the length of the xorb without its footer.
    pub fn packed_len(&self) -> u32 {
        self.chunks.last().map_or(0, |chunk| chunk.end)
    }

    /// Returns the length of all chunks in bytes, before compression.
    pub fn raw_len(&self) -> u32 {
        self.chunks.last().map_or(0, |chunk| chunk.raw_end)
    }

    /// Returns where the chunks of a range are in the xorb, in bytes. Fails if the range is empty or has other chunks.
    pub fn packed_range(&self, range: Range<usize>) -> Result<Range<u32>, Error> {
        let chunks = self.range(&range)?;
        let start = range.start.checked_sub(1).map_or(0, |before| self.chunks[before].end);
        Ok(start..chunks.last().map_or(start, |chunk| chunk.end))
    }

    /// Returns where the chunks of a range are in the concatenation of all chunks, in bytes. Fails like
    /// [`Xorb::packed_range`].
    pub fn raw_range(&self, range: Range<usize>) -> Result<Range<u32>, Error> {
        let chunks = self.range(&range)?;
        let start = range.start.checked_sub(1).map_or(0, |before| self.chunks[before].raw_end);
        Ok(start..chunks.last().map_or(start, |chunk| chunk.raw_end))
    }

    /// Returns the hashes of the chunks of a range, and their lengths in bytes before compression, of which a
    /// [`Tree`] grows. Fails like [`Xorb::packed_range`].
    pub fn leaves(&self, range: Range<usize>) -> Result<impl Iterator<Item = (Hash, u64)>, Error> {
        let start = self.raw_range(range.clone())?.start;
        Ok(leaves(&self.chunks[range], start))
    }

    /// Computes the verification hash of a range of chunks. Fails like [`Xorb::packed_range`].
    pub fn verification_hash(&self, range: Range<usize>) -> Result<Hash, Error> {
        Ok(Hash::of_range(self.range(&range)?.iter().map(|chunk| chunk.hash)))
    }

    /// Decodes the chunks of a range, compares their hashes and returns where their bytes are. `packed` has the bytes of
    /// the xorb at [`Xorb::packed_range`]; chunks that are compressed in it are appended to `raw`. A whole xorb may have
    /// 1 GiB; a range of one chunk has at most 128 KiB.
    pub fn decode_range(
        &self,
        range: Range<usize>,
        packed: &[u8],
        raw: &mut Vec<u8>,
    ) -> Result<Vec<DecodedBytes>, Error> {
        let start = self.packed_range(range.clone())?.start;
        let mut decoded = Vec::with_capacity(range.len());
        let mut offset = start;
        let mut inflater = Inflater::default();
        for (index, (_, length)) in range.clone().zip(self.leaves(range)?) {
            let place = Place { chunk: index, offset: offset as usize };
            let chunk = self.chunks[index];
            let bytes = packed.get((offset - start) as usize..(chunk.end - start) as usize);
            let (header, body) =
                bytes.and_then(<[u8]>::split_first_chunk::<CHUNK_HEADER>).ok_or(Error::XorbTruncated(place))?;
            let header = Header::parse(*header, place)?;
            if header.packed != body.len() || header.raw as u64 != length {
                return Err(Error::ChunkBounds(place));
            }
            let (found, bytes) = if header.is_stored() {
                let body_start = (offset - start) as usize + CHUNK_HEADER;
                (Hash::of_chunk(body), DecodedBytes::Packed(body_start..body_start + header.packed))
            } else {
                let raw_start = raw.len();
                let found = Hash::of_chunk(inflater.inflate(header, body, place, raw)?);
                (found, DecodedBytes::Raw(raw_start..raw.len()))
            };
            if found != chunk.hash {
                return Err(Error::ChunkHash { place, expected: chunk.hash, found });
            }
            decoded.push(bytes);
            offset = chunk.end;
        }
        Ok(decoded)
    }

    fn range(&self, range: &Range<usize>) -> Result<&[Chunk], Error> {
        let Range { start, end } = *range;
        let chunks = self.chunks.get(start..end).filter(|chunks| !chunks.is_empty());
        chunks.ok_or(Error::ChunkRange { start, end, count: self.chunks.len() })
    }

    /// Creates the list, which must have valid lengths, and computes the hash.
    fn new(chunks: Vec<Chunk>) -> Self {
        let hash = leaves(&chunks, 0).collect::<Tree>().xorb_hash();
        Self { hash, chunks }
    }
}

/// Returns the hashes and lengths of chunks, the first of which starts here in the concatenation of all chunks.
fn leaves(chunks: &[Chunk], start: u32) -> impl Iterator<Item = (Hash, u64)> {
    chunks.iter().scan(start, |start, chunk| {
        let length = chunk.raw_end - *start;
        *start = chunk.raw_end;
        Some((chunk.hash, u64::from(length)))
    })
}

#[cfg(test)]
mod tests;
