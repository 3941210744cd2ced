//! Errors of the protocol (RFC 6749 §5.2), beside those of the server.

use crate::error::Error;

/// The result of a protocol request.
pub type Answer<T> = std::result::Result<T, Failure>;

/// Why a request of an application failed.
#[derive(Debug)]
pub enum Failure {
    /// An error code of the protocol, and a description for developers.
    Protocol(&'static str, String),
    /// The server failed.
    Server(Error),
}

impl Failure {
    /// Creates an error of the protocol.
    pub fn new(code: &'static str, description: impl Into<String>) -> Self {
        Self::Protocol(code, description.into())
    }

    /// Returns the error for a grant type that the application may not use.
    pub fn unauthorized_client() -> Self {
        Self::new("unauthorized_client", "the application is not registered for this grant type")
    }

    /// Returns the error for a grant that is unknown, expired, revoked or of another application.
    pub fn invalid_grant() -> Self {
        Self::new("invalid_grant", "the code or token is invalid, expired, revoked, or was issued to another client")
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Server(error)
    }
}
