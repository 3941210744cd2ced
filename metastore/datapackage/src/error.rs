//! The error type.

/// The error of an operation on a document.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The document is malformed.
    #[error("{0}")]
    Invalid(String),
    /// The document exceeds a limit.
    #[error("{0}")]
    TooLarge(String),
    /// A bug.
    #[error("internal error: {0}")]
    Internal(String),
}

/// The result of an operation on a document.
pub type Result<T, E = Error> = std::result::Result<T, E>;
