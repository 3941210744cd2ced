use std::io;

use crate::Oid;

/// What can go wrong with an object, in the terms a caller can act on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The bytes are not the object that they claim to be. Nothing was stored.
    #[error("the content has sha256 {actual}, but {expected} was announced")]
    WrongHash {
        /// The oid under which the bytes were sent.
        expected: Oid,
        /// The oid that the bytes have.
        actual: Oid,
    },
    /// The number of bytes is not the one announced. Nothing was stored.
    #[error("the content has {} bytes, but {expected} were announced", AtLeast(*.actual, *.expected))]
    WrongSize {
        /// Announced size in bytes.
        expected: u64,
        /// Bytes seen. Reading stops at the first byte too many, so that a value above `expected`
        /// is a lower bound.
        actual: u64,
    },
    /// The store does not have the object.
    #[error("object {0} is not here")]
    NotFound(Oid),
    /// The store is not where it was: most often its disk is not mounted.
    #[error("the store is away")]
    Away,
    /// No space or quota is left on the disk of the store.
    #[error("the store is full")]
    Full,
    /// The bucket does not answer, or refuses us.
    #[error("the store does not answer: {0}")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// An upload in parts was completed, aborted or forgotten: it begins anew.
    #[error("the upload is no longer known to the store")]
    UploadGone,
    /// Parts of an upload have not arrived. What has stays.
    #[error("{0} parts of the upload are missing")]
    Incomplete(u32),
    /// An upload does not stand where the client thinks: another request went on with it.
    #[error("the upload stands at {actual} bytes, not at {claimed}")]
    WrongOffset {
        /// Where the client wanted to go on, in bytes.
        claimed: u64,
        /// Where the upload stands, in bytes.
        actual: u64,
    },
    /// The bytes of one request do not have the checksum that came with them. They were not taken.
    #[error("the bytes do not have the checksum that was sent with them")]
    WrongChecksum,
    /// Another request is just ending the upload; it is worth to ask again.
    #[error("another request is ending this upload")]
    Finishing,
    /// The body ended with an error before it was complete: most often the client went away.
    #[error("the upload was interrupted: {0}")]
    Interrupted(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A value that the protocol or the store cannot accept; the text says which and why.
    #[error("{0}")]
    Invalid(String),
    /// Everything else that the file system may refuse.
    #[error("input or output failed: {0}")]
    Io(#[source] io::Error),
}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::Full,
            _ => Self::Io(error),
        }
    }
}

/// Writes "at least N" where reading stopped early.
struct AtLeast(u64, u64);

impl std::fmt::Display for AtLeast {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.0 > self.1 {
            formatter.write_str("at least ")?;
        }
        self.0.fmt(formatter)
    }
}
