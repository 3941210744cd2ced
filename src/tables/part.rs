//! What an engine sends: parts of a result, and how a request ends.

use bytes::Bytes;
use tables_wire::Done;

use crate::error::Error;

/// A part of a result.
#[derive(Debug)]
pub(super) enum Part {
    Chunk(Bytes),
    Done(Done),
}

/// Why an engine did not finish a request.
#[derive(Debug)]
pub(super) enum Ended {
    /// With an error for the client. The engine can serve another request.
    Failed(Error),
    /// The client is gone.
    Gone,
    /// It took too long.
    TimedOut,
    /// The engine broke off: it crashed, or did not follow the protocol.
    Crashed(String),
}

impl Ended {
    /// Returns the word for metrics.
    pub(super) fn reason(&self) -> &'static str {
        match self {
            Self::Failed(_) => "failed",
            Self::Gone => "cancelled",
            Self::TimedOut => "timeout",
            Self::Crashed(_) => "crashed",
        }
    }
}
