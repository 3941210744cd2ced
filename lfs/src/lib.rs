//! The Git LFS protocol and a verified object store.
//!
//! The crate handles bytes: the name of an object ([`Oid`]), pointer files ([`Pointer`]), the messages of clients
//! and servers ([`batch`], [`locks`], [`media`]), byte ranges of downloads ([`range`]), multipart uploads of
//! large objects ([`parts`]), signed URLs that carry a permission ([`sign`]) and storage ([`store`]). It knows
//! nothing of users, SQL or web frameworks.
//!
//! Sources: the Git LFS specification and API documents of the git-lfs project (`docs/spec.md`, `docs/api/*.md`),
//! RFC 9110, RFC 6266, the `multipart-basic` specification of Giftless, and the tus protocol.

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

/// Maximum size of an object in a signed URL: 2^48 - 1 bytes (256 TiB).
pub const MAX_SIZE: u64 = (1 << 48) - 1;
