//! Shards: descriptions of files as ranges of chunks in xorbs, and of xorbs as lists of chunks.
//!
//! A client uploads one, without a footer, after its xorbs. The answer to a deduplication query is one as well, with a
//! footer and without files. All integers are little-endian; a shard is a header, entries of 48 bytes and the footer.
//! Source: `shard`; draft, "Shard Format".

mod read;
mod write;

use std::ops::Range;

use crate::Hash;

/// A shard in memory. It needs about twice the memory of its serialized form.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shard {
    /// Files.
    pub files: Vec<File>,
    /// Xorbs.
    pub xorbs: Vec<XorbChunks>,
}

/// A file: the concatenation of its terms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// Hash of the file: see [`crate::merkle::Tree::file_hash`].
    pub hash: Hash,
    /// Terms, in the order of the file.
    pub terms: Vec<Term>,
    /// SHA-256 of the content, in its usual order of bytes, which is not that of the serialized form. A claim of the sender.
    pub sha256: Option<[u8; 32]>,
}

impl File {
    /// Returns the length of the file in bytes, as the terms have it. A claim of the sender.
    pub fn len(&self) -> u64 {
        self.terms.iter().map(|term| u64::from(term.raw_len)).sum()
    }

    /// Reports whether the file has no bytes.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// A range of chunks of a xorb, which is a part of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Term {
    /// Hash of the xorb.
    pub xorb: Hash,
    /// Numbers of the chunks in the xorb: not empty, and not above the maximum number of chunks. The xorb may have fewer.
    pub chunks: Range<u32>,
    /// Length of the chunks in bytes, before compression. A claim of the sender.
    pub raw_len: u32,
    /// Hash of the chunks, by which the sender shows that it knows them: see [`Hash::of_range`].
    pub verification: Option<Hash>,
}

/// The chunks of a xorb.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct XorbChunks {
    /// Hash of the xorb. A claim of the sender.
    pub hash: Hash,
    /// Length of the xorb as serialized, in bytes. A claim of the sender, and often 0.
    pub packed_len: u32,
    /// Chunks, in the order of the xorb.
    pub chunks: Vec<ShardChunk>,
}

/// A chunk of a xorb.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShardChunk {
    /// Hash of the chunk.
    pub hash: Hash,
    /// Length of the chunk in bytes, before compression.
    pub raw_len: u32,
    /// Whether the chunk may be queried in other uploads although its hash does not say so, because a file begins with
    /// it.
    pub is_file_start: bool,
}

impl ShardChunk {
    /// Reports whether the chunk may be queried in other uploads.
    pub fn is_dedup_eligible(&self) -> bool {
        self.is_file_start || self.hash.is_dedup_eligible()
    }
}

/// The footer of a stored shard.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Footer {
    /// Key that the hashes of chunks were replaced with: see [`Hash::with_key`].
    pub key: Option<[u8; 32]>,
    /// When the shard was created, in seconds since 1970; 0 if unknown.
    pub created: u64,
    /// When the client must no longer use the shard, in seconds since 1970.
    pub expires: u64,
}

/// Length of an entry in bytes, and of the header.
const ENTRY: usize = 48;
/// Length of the footer in bytes.
const FOOTER: usize = 200;
/// Version of the header.
const VERSION: u64 = 2;
/// Version of the footer.
const FOOTER_VERSION: u64 = 1;
/// What every shard begins with.
const MAGIC: [u8; 32] = *b"HFRepoMetaData\0\x55\x69\x67\x45\x6a\x7b\x81\x57\x83\xa5\xbd\xd9\x5c\xcd\xd1\x4a\xa9";
/// The hash in the entry after the last file, and after the last xorb.
const END: [u8; 32] = [0xff; 32];

/// Flag of a file: there is a verification hash for each term.
const WITH_VERIFICATION: u32 = 1 << 31;
/// Flag of a file: there is a SHA-256.
const WITH_SHA256: u32 = 1 << 30;
/// Flag of a chunk: a file begins with it.
const FILE_START: u32 = 1 << 31;

#[cfg(test)]
mod tests;
