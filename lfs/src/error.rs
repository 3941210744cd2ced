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
