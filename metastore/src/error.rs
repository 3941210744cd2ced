//! The error type, with variants by what a caller can do about them.

use std::io;

/// The error of an operation of this crate.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The named revision, path, object or pack does not exist.
    #[error("{0}")]
    NotFound(String),
    /// The request conflicts with the current state: a ref moved, or a file exists where a folder is needed.
    #[error("{0}")]
    Conflict(String),
    /// The request would change nothing.
    #[error("nothing would change")]
    Unchanged,
    /// The request is malformed: an invalid path, name or revision expression.
    #[error("{0}")]
    Invalid(String),
    /// The request is well formed but not allowed.
    #[error("{0}")]
    Refused(String),
    /// The request or its response exceeds a limit.
    #[error("{0}")]
    TooLarge(String),
    /// Too many concurrent requests; retry later.
    #[error("{0}")]
    Busy(String),
    /// The pack store or the database does not respond. Nothing is known to be lost; a retry may succeed.
    #[error("unavailable: {0}")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A git process failed; the text is the end of its stderr.
    #[error("git: {0}")]
    Git(String),
    /// Stored data does not match its name or its database row, or a required object is missing.
    #[error("corrupt data: {0}")]
    Corrupt(String),
    /// A file, pipe or folder operation failed.
    #[error("I/O error: {0}")]
    Io(#[from] io::Error),
    /// A bug, or the process ran out of resources.
    #[error("internal error: {0}")]
    Internal(String),
}

impl Error {
    /// Adds the name of the corrupt file to the message.
    pub(crate) fn about(self, name: &str) -> Self {
        match self {
            Self::Corrupt(what) => Self::Corrupt(format!("{name}: {what}")),
            other => other,
        }
    }
}

/// The result of an operation of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// gix erases the type of its errors. Whatever a user can cause is classified before calling gix (`try_*`
/// look-ups, validated names), so any remaining error means that an object which must exist is missing from a
/// snapshot.
impl From<gix::Error> for Error {
    fn from(error: gix::Error) -> Self {
        if error.is_resource_exhausted() {
            return Self::TooLarge("the object takes too much memory to read".to_owned());
        }
        Self::Corrupt(format!("{error:#}"))
    }
}
