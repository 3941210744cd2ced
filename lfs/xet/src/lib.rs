//! Xet: the formats, hashes and content-defined chunking by which Hugging Face's clients upload differences.
//!
//! A file is cut into *chunks* of about 64 KiB ([`chunk`]), at places that depend only on the bytes around them. Chunks
//! are packed into *xorbs* of up to 64 MiB ([`xorb`]). A *shard* ([`shard`]) describes files as lists of chunk ranges in
//! xorbs. Chunks, xorbs and files are named by keyed BLAKE3 hashes ([`hash`], [`merkle`]).
//!
//! This crate reads and writes bytes in memory only. All input is considered hostile: lengths are checked before they are
//! used, and nothing that a sender claims about a chunk is believed.
//!
//! Sources: the [specification] of Hugging Face 1.1.0, and draft-denis-xet-03, which has more detail. Where the clients
//! differ from both, `format.rs` says so.
//!
//! [specification]: https://huggingface.co/docs/xet

pub mod chunk;
mod error;
pub mod format;
pub mod hash;
pub mod merkle;
pub mod shard;
pub mod xorb;

pub use error::{Error, Place};
pub use hash::Hash;
