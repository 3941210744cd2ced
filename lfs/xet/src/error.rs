//! Why bytes are refused.

use std::fmt;

use crate::Hash;

/// Where a chunk is in a xorb.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Number of the chunk, from 0.
    pub chunk: usize,
    /// Offset in bytes of the chunk's header.
    pub offset: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "chunk {} at byte {}", self.chunk, self.offset)
    }
}

/// Why bytes, or a request to write some, are refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The header of a chunk has an unknown version.
    #[error("{place} has version {version}, but only version 0 is known")]
    ChunkVersion {
        /// The chunk.
        place: Place,
        /// The version in its header.
        version: u8,
    },
    /// The header of a chunk names an unknown compression scheme.
    #[error("{place} has the unknown compression scheme {scheme}")]
    ChunkScheme {
        /// The chunk.
        place: Place,
        /// The number in its header.
        scheme: u8,
    },
    /// A chunk is empty or too long.
    #[error("{place} has {length} bytes, but a chunk has 1 to {}", crate::format::MAX_CHUNK)]
    ChunkLength {
        /// The chunk.
        place: Place,
        /// Its length in bytes.
        length: usize,
    },
    /// A chunk is empty or too long as serialized.
    #[error("{place} is serialized in {length} bytes, but 1 to {} are allowed", crate::format::MAX_PACKED_CHUNK)]
    PackedLength {
        /// The chunk.
        place: Place,
        /// Its length in bytes, without the header.
        length: usize,
    },
    /// A chunk is stored as it is, with two different lengths.
    #[error("{place} is not compressed, but has {packed} bytes instead of {raw}")]
    StoredLength {
        /// The chunk.
        place: Place,
        /// Its length in bytes.
        raw: usize,
        /// Its length as serialized, in bytes.
        packed: usize,
    },
    /// The compressed bytes of a chunk are not an LZ4 frame of its length.
    #[error("{place}: {reason}")]
    Lz4 {
        /// The chunk.
        place: Place,
        /// What is wrong with the frame.
        reason: &'static str,
    },
    /// A chunk is not the expected one.
    #[error("{place} has the hash {found}, but {expected} was expected")]
    ChunkHash {
        /// The chunk.
        place: Place,
        /// The hash that the footer has.
        expected: Hash,
        /// The hash of the bytes.
        found: Hash,
    },
    /// A chunk does not have the length that the footer has.
    #[error("{0} does not have the length that the footer of its xorb has")]
    ChunkBounds(Place),
    /// The xorb has no chunks.
    #[error("the xorb has no chunks")]
    XorbEmpty,
    /// The xorb would have too many chunks.
    #[error("a xorb has at most {} chunks", crate::format::MAX_XORB_CHUNKS)]
    XorbChunks,
    /// The xorb would be too long.
    #[error("{0} ends after the maximum length of a xorb, {len} bytes", len = crate::format::MAX_XORB_LEN)]
    XorbLength(Place),
    /// The xorb ends within a chunk.
    #[error("the xorb ends within {0}")]
    XorbTruncated(Place),
    /// The footer of a xorb is not valid.
    #[error("the footer of the xorb is not valid: {0}")]
    XorbFooter(&'static str),
    /// The footer of a xorb contradicts its chunks.
    #[error("the footer of the xorb does not describe its chunks")]
    XorbFooterDiffers,
    /// The range is not a range of chunks of this xorb.
    #[error("there are no chunks {start} to {end} in a xorb of {count}")]
    ChunkRange {
        /// First chunk.
        start: usize,
        /// The chunk after the last one.
        end: usize,
        /// Number of chunks in the xorb.
        count: usize,
    },
    /// The shard is too long.
    #[error("the shard has {0} bytes or more, but at most {max} are allowed", max = crate::format::MAX_SHARD_LEN)]
    ShardLength(usize),
    /// The header of the shard is not valid.
    #[error("the header of the shard is not valid: {0}")]
    ShardHeader(&'static str),
    /// The shard ends too early.
    #[error("the entry at byte {offset} needs {needed} bytes, but the shard has only {found} there")]
    ShardTruncated {
        /// Offset in bytes.
        offset: usize,
        /// Bytes that the entry and those that it announces need.
        needed: u64,
        /// Bytes from the offset to the end.
        found: usize,
    },
    /// An entry of the shard is not valid.
    #[error("the entry at byte {offset} is not valid: {reason}")]
    ShardEntry {
        /// Offset in bytes.
        offset: usize,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The footer of the shard is not valid.
    #[error("the footer of the shard is not valid: {0}")]
    ShardFooter(&'static str),
    /// Only some terms of a file have a verification hash, which cannot be written.
    #[error("only some terms of the file {0} have a verification hash")]
    ShardVerification(Hash),
}
