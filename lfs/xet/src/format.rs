//! Constants of the formats, each with its source: a page of <https://huggingface.co/docs/xet>, or a section of
//! draft-denis-xet-03 ("draft").

/// Minimum length of a chunk in bytes, except for the last one of a file. Source: `chunking`.
pub const MIN_CHUNK: usize = 8 << 10;

/// Maximum length of a chunk in bytes. Source: `chunking`.
pub const MAX_CHUNK: usize = 128 << 10;

/// A chunk ends where these bits of the gear hash are zero: every 64 KiB on average. Source: `chunking`.
pub const CUT_MASK: u64 = 0xffff << 48;

/// Number of bytes that the gear hash depends on: it has 64 bits, and each byte shifts it by one. Source: `chunking`.
pub const GEAR_WINDOW: usize = 64;

/// Maximum number of chunks in a xorb. Source: draft, "Size Constraints"; `MAX_XORB_CHUNKS` of xet-core.
pub const MAX_XORB_CHUNKS: usize = 8192;

/// Maximum length of all chunks of a xorb in bytes, before compression, where the official client begins another xorb.
/// Source: `MAX_XORB_BYTES` of xet-core.
pub const MAX_PACKED_TOGETHER: usize = 64 << 20;

/// Maximum length of the chunks of a xorb in bytes, with their headers, as serialized.
///
/// `xorb` has 64 MiB, including headers. But the official client compares the length *without* headers, so that a full
/// xorb of incompressible chunks may be longer by its headers.
pub const MAX_XORB_LEN: usize = MAX_PACKED_TOGETHER + MAX_XORB_CHUNKS * CHUNK_HEADER;

/// Length of a chunk's header in bytes. Source: `xorb`, "Chunk Header Structure".
pub const CHUNK_HEADER: usize = 8;

/// Maximum length of a serialized chunk without its header, in bytes.
///
/// The draft allows 128 KiB. `xorb` only recommends to store incompressible chunks as they are, and xet-core accepts twice
/// the maximum length of a chunk, as this crate does: LZ4 makes incompressible bytes longer.
pub const MAX_PACKED_CHUNK: usize = 2 * MAX_CHUNK;

/// Maximum length of a shard in bytes. Source: `upload-protocol`, "Shard Serialization and Upload".
pub const MAX_SHARD_LEN: usize = 64 << 20;

/// A chunk may be queried in other uploads if the last 8 bytes of its hash are divisible by this number. Source:
/// `deduplication`; draft, "Eligibility Criteria".
pub const DEDUP_MODULUS: u64 = 1024;

/// Mean number of children of a node in the hash tree. Source: draft, "Merkle Tree Construction".
pub const TREE_BRANCHES: u64 = 4;

/// Maximum number of children of a node in the hash tree. Source: draft, "Cut Point Determination".
pub const TREE_MAX_CHILDREN: usize = 2 * 4 + 1;

/// Minimum number of children of a node in the hash tree, except for the last node of a level. Source: draft, "Cut Point
/// Determination": the first two children are never the last ones.
pub const TREE_MIN_CHILDREN: usize = 3;

/// Key of chunk hashes. Source: `hashing`, `DATA_KEY`.
pub const CHUNK_KEY: [u8; 32] = [
    102, 151, 245, 119, 91, 149, 80, 222, 49, 53, 203, 172, 165, 151, 24, 28, 157, 228, 33, 16, 155, 235, 43, 88, 180,
    208, 176, 75, 147, 173, 242, 41,
];

/// Key of the hashes of nodes above the chunks. Source: `hashing`, `INTERNAL_NODE_KEY`.
pub const NODE_KEY: [u8; 32] = [
    1, 126, 197, 199, 165, 71, 41, 150, 253, 148, 102, 102, 180, 138, 2, 230, 93, 221, 83, 111, 55, 199, 109, 210, 248,
    99, 82, 230, 74, 83, 113, 63,
];

/// Key of file hashes. Source: `hashing`, "File Hashes".
pub const FILE_KEY: [u8; 32] = [0; 32];

/// Key of verification hashes. Source: `hashing`, `VERIFICATION_KEY`.
pub const VERIFICATION_KEY: [u8; 32] = [
    127, 24, 87, 214, 206, 86, 237, 102, 18, 127, 249, 19, 231, 165, 195, 243, 164, 205, 38, 213, 181, 219, 73, 230,
    65, 36, 152, 127, 40, 251, 148, 195,
];
