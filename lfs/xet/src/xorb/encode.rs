//! Writing xorbs.

use super::compression::Scheme;
use super::decode::Header;
use super::{CHUNK_HEADER, Chunk, Hash, MAX_CHUNK, MAX_XORB_CHUNKS, Xorb};
use crate::format::MAX_PACKED_TOGETHER;
use crate::{Error, Place};

/// Returns the length in bytes that a chunk would have in a xorb, with its header.
pub fn packed_len(chunk: &[u8]) -> usize {
    Scheme::choose(chunk).compress(chunk).1.len() + CHUNK_HEADER
}

/// Packs chunks into a xorb, each compressed with the scheme that fits it.
#[derive(Clone, Debug, Default)]
pub struct Encoder {
    bytes: Vec<u8>,
    chunks: Vec<Chunk>,
}

impl Encoder {
    /// Creates a xorb without chunks.
    pub fn new() -> Self {
        Self::default()
    }

    /// Reports whether a chunk of this length in bytes may be added, however little it can be compressed: the xorb then has
    /// at most 64 MiB, including headers.
    pub fn has_room(&self, length: usize) -> bool {
        self.chunks.len() < MAX_XORB_CHUNKS
            && self.bytes.len().saturating_add(CHUNK_HEADER).saturating_add(length) <= MAX_PACKED_TOGETHER
    }

    /// Returns the number of chunks so far.
    pub fn chunk_count(&self) -> usize {
        self.chunks.len()
    }

    /// Returns the length of the xorb so far, in bytes, without a footer.
    pub fn packed_len(&self) -> usize {
        self.bytes.len()
    }

    /// Adds a chunk, and returns its hash. Fails if it is empty or too long, or if [`Encoder::has_room`] says no.
    #[expect(clippy::cast_possible_truncation, reason = "8,192 chunks have at most 1 GiB")]
    pub fn push(&mut self, chunk: &[u8]) -> Result<Hash, Error> {
        let place = Place { chunk: self.chunks.len(), offset: self.bytes.len() };
        if chunk.is_empty() || chunk.len() > MAX_CHUNK {
            return Err(Error::ChunkLength { place, length: chunk.len() });
        }
        if self.chunks.len() >= MAX_XORB_CHUNKS {
            return Err(Error::XorbChunks);
        }
        if !self.has_room(chunk.len()) {
            return Err(Error::XorbLength(place));
        }
        let hash = Hash::of_chunk(chunk);
        let (scheme, packed) = Scheme::choose(chunk).compress(chunk);
        self.bytes.extend_from_slice(&Header::bytes(scheme, packed.len(), chunk.len()));
        self.bytes.extend_from_slice(&packed);
        let raw_start = self.chunks.last().map_or(0, |chunk| chunk.raw_end);
        self.chunks.push(Chunk { hash, end: self.bytes.len() as u32, raw_end: raw_start + chunk.len() as u32 });
        Ok(hash)
    }

    /// Returns the bytes of the xorb without a footer, and the list of its chunks. Fails without chunks.
    pub fn finish(self) -> Result<(Vec<u8>, Xorb), Error> {
        if self.chunks.is_empty() { Err(Error::XorbEmpty) } else { Ok((self.bytes, Xorb::new(self.chunks))) }
    }
}
