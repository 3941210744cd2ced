//! The Git LFS protocol and a verified object store.
//!
//! This crate knows bytes: what an object is called ([`Oid`]), how a pointer file names it
//! ([`Pointer`]), what clients and servers say about it ([`batch`], [`locks`], [`media`]), which part
//! of it a download asks for ([`range`]), how it is cut where it is large ([`parts`]), how a permission
//! to move it is frozen into a URL ([`sign`]) and how it is kept ([`store`]). It knows no users, no SQL and no web framework.
//!
//! Sources: the Git LFS specification and API documents of the git-lfs project
//! (`docs/spec.md`, `docs/api/*.md`), RFC 9110, RFC 6266, the `multipart-basic` specification of giftless, the tus protocol.

mod blocking;
mod error;
mod oid;
mod pointer;
mod wire;

pub mod batch;
pub mod locks;
pub mod media;
pub mod parts;
pub mod range;
pub mod sign;
pub mod store;

pub use error::Error;
pub use oid::{InvalidOid, Oid};
pub use pointer::{Extension, Pointer, PointerError};
pub use store::LocalStore;

/// The largest object this crate can name in a signed URL: 2^48 - 1 bytes (256 TiB).
pub const MAX_SIZE: u64 = (1 << 48) - 1;
