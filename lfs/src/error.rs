use std::io;

use crate::Oid;

/// An error of an object operation, by what the caller can do about it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The content does not match the expected hash. Nothing was stored.
    #[error("the content has SHA-256 {actual}, but {expected} was expected")]
    WrongHash {
        /// The oid under which the bytes were sent.
        expected: Oid,
        /// The actual oid of the bytes.
        actual: Oid,
    },
    /// The content does not have the expected size. Nothing was stored.
    #[error("the content has {} bytes, but {expected} were expected", AtLeast(*.actual, *.expected))]
    WrongSize {
        /// Expected size in bytes.
        expected: u64,
        /// Bytes received. Reading stops at the first excess byte, so a value above `expected` is a lower bound.
        actual: u64,
    },
    /// The store does not have the object.
    #[error("object {0} not found")]
    NotFound(Oid),
    /// The directory of the store is gone, most often because its disk is not mounted.
    #[error("the store is not available; check that its disk is mounted")]
    Away,
    /// No space or quota is left on the disk of the store.
    #[error("the store is full")]
    Full,
    /// The bucket does not respond, or denies access.
    #[error("the store is unavailable: {0}")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A multipart upload was completed, aborted or removed; it must be restarted.
    #[error("the upload no longer exists; start a new one")]
    UploadGone,
    /// Parts of an upload are missing. The stored ones are kept.
    #[error("{0} parts of the upload are missing")]
    Incomplete(u32),
    /// The offset of the request is not that of the upload: another request has continued it.
    #[error("the upload is at offset {actual}, not {claimed}")]
    WrongOffset {
        /// Offset that the client sent, in bytes.
        claimed: u64,
        /// Offset of the upload, in bytes.
        actual: u64,
    },
    /// The bytes of one request do not match the checksum sent with them. They were discarded.
    #[error("the content does not match its checksum")]
    WrongChecksum,
    /// Another request is completing the upload; the caller may retry.
    #[error("another request is completing this upload; retry later")]
    Finishing,
    /// The body ended with an error before it was complete, most often because the client disconnected.
    #[error("the upload was interrupted: {0}")]
    Interrupted(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A value that the protocol or the store does not accept; the text says which and why.
    #[error("{0}")]
    Invalid(String),
    /// Any other error of the file system.
    #[error("I/O error: {0}")]
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

/// Writes "at least N" if reading stopped early.
struct AtLeast(u64, u64);

impl std::fmt::Display for AtLeast {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.0 > self.1 {
            formatter.write_str("at least ")?;
        }
        self.0.fmt(formatter)
    }
}
