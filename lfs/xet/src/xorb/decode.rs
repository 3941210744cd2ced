//! Reading chunks: headers, decompression, and a decoder of an uploaded xorb that arrives in pieces.

use super::compression::{Scheme, ungroup};
use super::{
    CHUNK_HEADER, Chunk, FOOTER_LENGTH_BYTES, MAX_CHUNK, MAX_FOOTER, MAX_PACKED_CHUNK, MAX_XORB_CHUNKS, Xorb, footer,
    lz4,
};
use crate::format::MAX_XORB_LEN;
use crate::{Error, Hash, Place};

/// The header of a chunk, with valid lengths.
#[derive(Clone, Copy, Debug)]
pub(super) struct Header {
    scheme: Scheme,
    /// Length of the chunk as serialized, without this header, in bytes.
    pub(super) packed: usize,
    /// Length of the chunk in bytes.
    pub(super) raw: usize,
}

impl Header {
    /// Parses a header. Lengths of zero are refused: draft, "Size Fields".
    pub(super) fn parse(bytes: [u8; CHUNK_HEADER], place: Place) -> Result<Self, Error> {
        let [version, p0, p1, p2, scheme, r0, r1, r2] = bytes;
        if version != 0 {
            return Err(Error::ChunkVersion { place, version });
        }
        let scheme = Scheme::from_number(scheme).ok_or(Error::ChunkScheme { place, scheme })?;
        let packed = u32::from_le_bytes([p0, p1, p2, 0]) as usize;
        let raw = u32::from_le_bytes([r0, r1, r2, 0]) as usize;
        if raw == 0 || raw > MAX_CHUNK {
            return Err(Error::ChunkLength { place, length: raw });
        }
        if packed == 0 || packed > MAX_PACKED_CHUNK {
            return Err(Error::PackedLength { place, length: packed });
        }
        if scheme == Scheme::None && packed != raw {
            return Err(Error::StoredLength { place, raw, packed });
        }
        Ok(Self { scheme, packed, raw })
    }

    /// Returns true if the chunk is not compressed.
    pub(super) fn is_stored(self) -> bool {
        self.scheme == Scheme::None
    }

    /// Returns the bytes of a header; the lengths are at most those of a chunk.
    pub(super) fn bytes(scheme: Scheme, packed: usize, raw: usize) -> [u8; CHUNK_HEADER] {
        let [p0, p1, p2, ..] = packed.to_le_bytes();
        let [r0, r1, r2, ..] = raw.to_le_bytes();
        [0, p0, p1, p2, scheme as u8, r0, r1, r2]
    }
}

/// A buffer for the decompression of chunks, of at most the maximum length of a chunk.
#[derive(Clone, Debug, Default)]
pub(super) struct Inflater {
    grouped: Vec<u8>,
}

impl Inflater {
    /// Decompresses a chunk, appends it to `raw` and returns it.
    pub(super) fn inflate<'r>(
        &mut self,
        header: Header,
        packed: &[u8],
        place: Place,
        raw: &'r mut Vec<u8>,
    ) -> Result<&'r [u8], Error> {
        let start = raw.len();
        if header.scheme == Scheme::None {
            raw.extend_from_slice(packed);
            return Ok(&raw[start..]);
        }
        raw.resize(start + header.raw, 0);
        let chunk = &mut raw[start..];
        let failed = |reason| Error::Lz4 { place, reason };
        if header.scheme == Scheme::GroupedLz4 {
            self.grouped.resize(header.raw, 0);
            lz4::decompress(packed, &mut self.grouped).map_err(failed)?;
            ungroup(&self.grouped, chunk);
        } else {
            lz4::decompress(packed, chunk).map_err(failed)?;
        }
        Ok(chunk)
    }
}

/// A chunk that a [`Decoder`] has read.
#[derive(Debug)]
pub struct Decoded<'d> {
    /// The chunk, decompressed.
    pub data: &'d [u8],
    /// Its hash, computed from `data`.
    pub hash: Hash,
}

/// Reads an uploaded xorb that arrives in pieces. It keeps one chunk at a time, and 40 bytes for each chunk.
///
/// A footer is allowed, and is compared with the chunks.
#[derive(Clone, Debug, Default)]
pub struct Decoder {
    /// The beginning of a chunk, or of the footer.
    begun: Vec<u8>,
    is_footer: bool,
    inflater: Inflater,
    /// The last chunk, decompressed.
    raw: Vec<u8>,
    chunks: Vec<Chunk>,
}

impl Decoder {
    /// Creates a decoder at the beginning of a xorb.
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads up to the end of the next chunk, removes what was read from `piece`, and returns the chunk. Returns `None`
    /// when the piece is empty. The decoder cannot continue after an error.
    pub fn next_chunk(&mut self, piece: &mut &[u8]) -> Result<Option<Decoded<'_>>, Error> {
        // Most chunks are in one piece: they need not be copied.
        if self.begun.is_empty()
            && let Some((header, body)) = piece.split_first_chunk()
            && !footer::begins(*header)
        {
            let header = self.check(*header)?;
            if let Some((packed, rest)) = body.split_at_checked(header.packed) {
                *piece = rest;
                return self.add(header, packed).map(Some);
            }
        }
        self.fill(CHUNK_HEADER, piece);
        let Some(header) = self.begun.first_chunk().copied() else { return Ok(None) };
        if self.is_footer || footer::begins(header) {
            self.is_footer = true;
            self.fill(MAX_FOOTER, piece);
            let is_too_long = !piece.is_empty();
            return if is_too_long { Err(Error::XorbFooter(footer::WRONG_LENGTH)) } else { Ok(None) };
        }
        let header = self.check(header)?;
        self.fill(CHUNK_HEADER + header.packed, piece);
        if self.begun.len() < CHUNK_HEADER + header.packed {
            return Ok(None);
        }
        let mut begun = std::mem::take(&mut self.begun);
        self.add_only(header, &begun[CHUNK_HEADER..])?;
        begun.clear();
        self.begun = begun;
        Ok(self.last())
    }

    /// Returns how many of the bytes that were read certainly belong to chunks. The others, fewer than the header of a
    /// chunk has, may also be the beginning of a footer, or they are a footer.
    pub fn chunk_bytes(&self) -> usize {
        let begun = if self.is_footer || self.begun.len() < CHUNK_HEADER { 0 } else { self.begun.len() };
        self.place().offset + begun
    }

    /// Ends the xorb, and returns the list of its chunks. Fails if it has none, ends within a chunk, or has a footer that
    /// describes other chunks.
    pub fn finish(self) -> Result<Xorb, Error> {
        let place = self.place();
        if self.chunks.is_empty() {
            return Err(if self.begun.is_empty() || self.is_footer {
                Error::XorbEmpty
            } else {
                Error::XorbTruncated(place)
            });
        }
        let xorb = Xorb::new(self.chunks);
        if self.is_footer {
            if Xorb::parse_footer(&self.begun)? != xorb {
                return Err(Error::XorbFooterDiffers);
            }
        } else if !self.begun.is_empty() {
            return Err(Error::XorbTruncated(place));
        }
        Ok(xorb)
    }

    /// Parses a header, and checks that the xorb may have one more chunk of this length.
    fn check(&self, header: [u8; CHUNK_HEADER]) -> Result<Header, Error> {
        let place = self.place();
        let header = Header::parse(header, place)?;
        if self.chunks.len() == MAX_XORB_CHUNKS {
            return Err(Error::XorbChunks);
        }
        if place.offset + CHUNK_HEADER + header.packed > MAX_XORB_LEN {
            return Err(Error::XorbLength(place));
        }
        Ok(header)
    }

    fn add(&mut self, header: Header, packed: &[u8]) -> Result<Decoded<'_>, Error> {
        self.add_only(header, packed)?;
        Ok(self.last().expect("a chunk was added"))
    }

    #[expect(clippy::cast_possible_truncation, reason = "8,192 chunks have at most 1 GiB")]
    fn add_only(&mut self, header: Header, packed: &[u8]) -> Result<(), Error> {
        let place = self.place();
        self.raw.clear();
        let hash = Hash::of_chunk(self.inflater.inflate(header, packed, place, &mut self.raw)?);
        let end = (place.offset + CHUNK_HEADER + header.packed) as u32;
        let raw_start = self.chunks.last().map_or(0, |chunk| chunk.raw_end);
        self.chunks.push(Chunk { hash, end, raw_end: raw_start + header.raw as u32 });
        Ok(())
    }

    fn last(&self) -> Option<Decoded<'_>> {
        self.chunks.last().map(|chunk| Decoded { data: &self.raw, hash: chunk.hash })
    }

    /// Returns the place of the chunk after those that were read.
    fn place(&self) -> Place {
        Place { chunk: self.chunks.len(), offset: self.chunks.last().map_or(0, |chunk| chunk.end as usize) }
    }

    /// Moves bytes from the piece to `begun`, up to this length.
    fn fill(&mut self, length: usize, piece: &mut &[u8]) {
        let missing = length.saturating_sub(self.begun.len()).min(piece.len());
        let (taken, rest) = piece.split_at(missing);
        self.begun.extend_from_slice(taken);
        *piece = rest;
    }
}

const _: () = assert!(MAX_FOOTER > FOOTER_LENGTH_BYTES + CHUNK_HEADER);
