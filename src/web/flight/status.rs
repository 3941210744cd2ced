//! Errors as gRPC statuses.

use arrow_flight::error::FlightError;
use tonic::{Code, Status};

use crate::error::{Error, Kind};

/// Maximum length of a message, in bytes. It is sent in a header, of which clients accept 8 KiB, and up to three times as
/// long there.
const MAX_MESSAGE: usize = 2000;

/// Logs an error if it is ours, and returns it as a status.
pub(super) fn status(error: &Error) -> Status {
    error.log();
    of(error.kind(), error.detail())
}

/// Returns the status of an error.
pub(super) fn of(kind: Kind, detail: &str) -> Status {
    let code = match kind {
        Kind::Unauthenticated => Code::Unauthenticated,
        Kind::Forbidden => Code::PermissionDenied,
        Kind::NotFound => Code::NotFound,
        Kind::MethodNotAllowed => Code::Unimplemented,
        Kind::Conflict => Code::Aborted,
        Kind::Precondition => Code::FailedPrecondition,
        Kind::NotAcceptable
        | Kind::TooLarge
        | Kind::UnsupportedMedia
        | Kind::Malformed
        | Kind::Invalid
        | Kind::Unchanged => Code::InvalidArgument,
        Kind::Busy | Kind::Full => Code::ResourceExhausted,
        Kind::Unavailable => Code::Unavailable,
        Kind::Internal => Code::Internal,
    };
    let detail = &detail[..detail.floor_char_boundary(MAX_MESSAGE)];
    if kind == Kind::Internal {
        // The operator will need the ID.
        return Status::new(code, format!("{detail} (request {})", crate::request::id()));
    }
    Status::new(code, detail)
}

/// Returns the status of an error while metadata are encoded, which is ours.
pub(super) fn of_encoding(error: FlightError) -> Status {
    status(&Error::internal(error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn internal_errors_have_no_details() {
        let status = status(&Error::internal("the secret"));
        assert!(status.code() == Code::Internal && !status.message().contains("secret"), "{status:?}");
        let status = of(Kind::NotFound, "no table");
        assert_eq!((status.code(), status.message()), (Code::NotFound, "no table"));
        assert_eq!(of(Kind::Invalid, &"ü€".repeat(1000)).message().len(), 2000);
    }
}
