//! The footer of a stored xorb (`XorbObjectInfoV1`, `CasObjectInfo`): hashes and ends of its chunks.
//!
//! Source: draft, "`CasObjectInfo` Footer".

use super::{CHUNK_HEADER, Chunk, Hash, MAX_CHUNK, MAX_PACKED_CHUNK, MAX_XORB_CHUNKS, Xorb};
use crate::Error;

const MAGIC: [u8; 8] = *b"XETBLOB\x01";
const HASHES: [u8; 8] = *b"XBLBHSH\x00";
const ENDS: [u8; 8] = *b"XBLBBND\x01";

/// Bytes of a footer besides those of the chunks.
const FIXED: usize = 3 * 8 + 32 + 2 * 4 + TRAILER;
/// Bytes after the two sections: three numbers, and 16 bytes that are ignored.
const TRAILER: usize = 3 * 4 + 16;
/// Bytes of a footer for each chunk.
const PER_CHUNK: usize = 32 + 4 + 4;

/// Length of the number after the footer, in bytes. It is the length of the footer without this number.
pub const FOOTER_LENGTH_BYTES: usize = 4;

/// Maximum length of a footer in bytes, including the number after it.
pub const MAX_FOOTER: usize = FIXED + MAX_XORB_CHUNKS * PER_CHUNK + FOOTER_LENGTH_BYTES;

pub(super) const WRONG_LENGTH: &str = "it has a wrong length";

/// Reports whether a footer begins here, and not the header of a chunk: its first byte is the version, which is 0.
pub(super) fn begins(bytes: [u8; CHUNK_HEADER]) -> bool {
    bytes[..7] == MAGIC[..7]
}

impl Xorb {
    /// Returns the footer, including the number after it. `nonce` may be anything; two copies of a xorb with different ones
    /// differ in their bytes, but not in their hash.
    #[expect(clippy::cast_possible_truncation, reason = "a footer has at most 320 KiB")]
    pub fn footer(&self, nonce: [u8; 4]) -> Vec<u8> {
        let count = (self.chunks.len() as u32).to_le_bytes();
        let ends_len = 8 + 4 + self.chunks.len() * 8 + TRAILER;
        let hashes_len = 8 + 4 + self.chunks.len() * 32 + ends_len;
        let length = FIXED + self.chunks.len() * PER_CHUNK;

        let mut footer = Vec::with_capacity(length + FOOTER_LENGTH_BYTES);
        footer.extend_from_slice(&MAGIC);
        footer.extend_from_slice(self.hash.as_bytes());
        footer.extend_from_slice(&HASHES);
        footer.extend_from_slice(&count);
        footer.extend(self.chunks.iter().flat_map(|chunk| *chunk.hash.as_bytes()));
        footer.extend_from_slice(&ENDS);
        footer.extend_from_slice(&count);
        footer.extend(self.chunks.iter().flat_map(|chunk| chunk.end.to_le_bytes()));
        footer.extend(self.chunks.iter().flat_map(|chunk| chunk.raw_end.to_le_bytes()));
        footer.extend_from_slice(&count);
        footer.extend_from_slice(&(hashes_len as u32).to_le_bytes());
        footer.extend_from_slice(&(ends_len as u32).to_le_bytes());
        footer.extend_from_slice(&nonce);
        footer.extend_from_slice(&[0; 12]);
        footer.extend_from_slice(&(length as u32).to_le_bytes());
        footer
    }

    /// Returns the length of a footer in bytes, including the number after it, from the last bytes of a stored xorb.
    pub fn footer_len(last: [u8; FOOTER_LENGTH_BYTES]) -> Result<usize, Error> {
        let length = u32::from_le_bytes(last) as usize;
        let count =
            length.checked_sub(FIXED).filter(|length| length.is_multiple_of(PER_CHUNK)).map(|len| len / PER_CHUNK);
        match count {
            Some(1..=MAX_XORB_CHUNKS) => Ok(length + FOOTER_LENGTH_BYTES),
            _ => Err(Error::XorbFooter(WRONG_LENGTH)),
        }
    }

    /// Parses a footer, including the number after it. Checks everything that can be checked without the chunks: also
    /// that the hash of the xorb is that of the hashes of its chunks.
    pub fn parse_footer(footer: &[u8]) -> Result<Self, Error> {
        let length =
            footer.last_chunk().map_or(Err(Error::XorbFooter(WRONG_LENGTH)), |last| Self::footer_len(*last))?;
        if footer.len() != length {
            return Err(Error::XorbFooter(WRONG_LENGTH));
        }
        let count = (length - FOOTER_LENGTH_BYTES - FIXED) / PER_CHUNK;
        let mut input = Input(footer);
        input.expect(MAGIC, "it does not begin with the magic number of version 1")?;
        let hash = Hash::from_bytes(input.take()?);
        input.expect(HASHES, "there are no hashes of version 0")?;
        input.count(count)?;
        let hashes = (0..count).map(|_| input.take().map(Hash::from_bytes)).collect::<Result<Vec<_>, _>>()?;
        input.expect(ENDS, "there are no ends of chunks of version 1")?;
        input.count(count)?;
        let ends = (0..count).map(|_| input.number()).collect::<Result<Vec<_>, _>>()?;
        let raw_ends = (0..count).map(|_| input.number()).collect::<Result<Vec<_>, _>>()?;
        input.count(count)?;
        let ends_len = 8 + 4 + count * 8 + TRAILER;
        let hashes_len = 8 + 4 + count * 32 + ends_len;
        if input.number()? as usize != hashes_len || input.number()? as usize != ends_len {
            return Err(Error::XorbFooter("its sections are elsewhere"));
        }

        let chunks = hashes.into_iter().zip(ends).zip(raw_ends);
        let chunks: Vec<Chunk> = chunks.map(|((hash, end), raw_end)| Chunk { hash, end, raw_end }).collect();
        let (mut start, mut raw_start) = (0, 0);
        for Chunk { end, raw_end, .. } in &chunks {
            let packed = end.checked_sub(start).and_then(|length| (length as usize).checked_sub(CHUNK_HEADER));
            let raw = raw_end.checked_sub(raw_start).map(|length| length as usize);
            if !matches!(packed, Some(1..=MAX_PACKED_CHUNK)) || !matches!(raw, Some(1..=MAX_CHUNK)) {
                return Err(Error::XorbFooter("it has a chunk of an impossible length"));
            }
            (start, raw_start) = (*end, *raw_end);
        }
        let xorb = Self::new(chunks);
        if xorb.hash == hash { Ok(xorb) } else { Err(Error::XorbFooter("its hash is not that of its chunks")) }
    }
}

/// The bytes that were not read yet.
struct Input<'f>(&'f [u8]);

impl Input<'_> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], Error> {
        let (taken, rest) = self.0.split_first_chunk().ok_or(Error::XorbFooter(WRONG_LENGTH))?;
        self.0 = rest;
        Ok(*taken)
    }

    fn number(&mut self) -> Result<u32, Error> {
        self.take().map(u32::from_le_bytes)
    }

    fn expect(&mut self, bytes: [u8; 8], reason: &'static str) -> Result<(), Error> {
        if self.take()? == bytes { Ok(()) } else { Err(Error::XorbFooter(reason)) }
    }

    fn count(&mut self, count: usize) -> Result<(), Error> {
        if self.number()? as usize == count { Ok(()) } else { Err(Error::XorbFooter("its numbers of chunks differ")) }
    }
}
