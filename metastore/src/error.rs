//! What can go wrong, in the words of what a caller can do about it.

use std::io;

/// Why an operation of this crate failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The named revision, path, object or pack does not exist here.
    #[error("{0}")]
    NotFound(String),
    /// The request contradicts what is there: a moved ref, a file where a folder is needed.
    #[error("{0}")]
    Conflict(String),
    /// The request would leave everything as it is.
    #[error("nothing would change")]
    Unchanged,
    /// The request is malformed by itself: a bad path, name or revision expression.
    #[error("{0}")]
    Invalid(String),
    /// The request is well formed but not permitted by the rules of the engine.
    #[error("{0}")]
    Refused(String),
    /// The request or its answer exceeds a limit.
    #[error("{0}")]
    TooLarge(String),
    /// Too many others want the same at this moment; trying again later helps.
    #[error("{0}")]
    Busy(String),
    /// The store of packs, or the database behind inline packs, does not answer; nothing is known to
    /// be lost, and trying again later may help.
    #[error("not available: {0}")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A git child process failed; the text is the end of what it wrote to stderr.
    #[error("git: {0}")]
    Git(String),
    /// Stored data is not what its name or its row says it is, or an object that must exist is missing.
    #[error("corrupt data: {0}")]
    Corrupt(String),
    /// A file, pipe or folder failed.
    #[error("input or output: {0}")]
    Io(#[from] io::Error),
    /// A bug or an exhausted process.
    #[error("internal: {0}")]
    Internal(String),
}

impl Error {
    /// Says of which file it is that something is corrupt.
    pub(crate) fn about(self, name: &str) -> Self {
        match self {
            Self::Corrupt(what) => Self::Corrupt(format!("{name}: {what}")),
            other => other,
        }
    }
}

/// The result of an operation of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// gix erases its errors. Whatever the user can cause is classified before gix is asked (`try_*`
/// look-ups, validated names), so what remains is an object that a snapshot must hold and does not.
impl From<gix::Error> for Error {
    fn from(error: gix::Error) -> Self {
        if error.is_resource_exhausted() {
            return Self::TooLarge("an object takes too much memory to be read".to_owned());
        }
        Self::Corrupt(format!("{error:#}"))
    }
}
