//! Errors, and how they are reported to clients. [`Kind`] is the only place that maps a failure to an HTTP status;
//! bodies are problem details (RFC 9457).

use std::error::Error as StdError;
use std::fmt;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

/// `std::result::Result` with our [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The category of an error, which determines the HTTP status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Missing or invalid credentials (401).
    Unauthenticated,
    /// Not allowed (403).
    Forbidden,
    /// Does not exist, or is not visible to the caller (404).
    NotFound,
    /// The URL does not support the method (405).
    MethodNotAllowed,
    /// No media type that the client accepts (406).
    NotAcceptable,
    /// Already exists, or was changed concurrently (409).
    Conflict,
    /// A precondition does not match the current state (412).
    Precondition,
    /// Larger than the limit (413).
    TooLarge,
    /// Unsupported media type of the request (415).
    UnsupportedMedia,
    /// The request cannot be parsed (400).
    Malformed,
    /// The request can be parsed, but is invalid (422).
    Invalid,
    /// The request would change nothing (422).
    Unchanged,
    /// Over a rate or concurrency limit; retry later (429).
    Busy,
    /// A dependency, such as the database or a store, is unavailable (503).
    Unavailable,
    /// Out of space, or over quota (507).
    Full,
    /// Internal error (500).
    Internal,
}

impl Kind {
    /// Returns the HTTP status of this kind.
    pub fn status(self) -> StatusCode {
        match self {
            Self::Unauthenticated => StatusCode::UNAUTHORIZED,
            Self::Forbidden => StatusCode::FORBIDDEN,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::NotAcceptable => StatusCode::NOT_ACCEPTABLE,
            Self::Conflict => StatusCode::CONFLICT,
            Self::Precondition => StatusCode::PRECONDITION_FAILED,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::UnsupportedMedia => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Malformed => StatusCode::BAD_REQUEST,
            Self::Invalid | Self::Unchanged => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Busy => StatusCode::TOO_MANY_REQUESTS,
            Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            Self::Full => StatusCode::INSUFFICIENT_STORAGE,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// Returns a stable name for programs.
    pub fn code(self) -> &'static str {
        match self {
            Self::Unauthenticated => "unauthenticated",
            Self::Forbidden => "forbidden",
            Self::NotFound => "not-found",
            Self::MethodNotAllowed => "method-not-allowed",
            Self::NotAcceptable => "not-acceptable",
            Self::Conflict => "conflict",
            Self::Precondition => "precondition-failed",
            Self::TooLarge => "too-large",
            Self::UnsupportedMedia => "unsupported-media-type",
            Self::Malformed => "malformed",
            Self::Invalid => "invalid",
            Self::Unchanged => "unchanged",
            Self::Busy => "busy",
            Self::Unavailable => "unavailable",
            Self::Full => "full",
            Self::Internal => "internal",
        }
    }
}

/// A failure: its kind, a message for the client, and the cause for the log. The cause is never sent.
#[derive(Debug)]
pub struct Error {
    kind: Kind,
    detail: String,
    source: Option<Box<dyn StdError + Send + Sync>>,
    delay: Option<Box<Delay>>,
    ends_session: bool,
}

/// When to retry, and which limit was exceeded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Delay {
    /// Seconds to wait.
    pub seconds: u64,
    /// Name of the limit.
    pub limit: &'static str,
    /// Capacity of the limit.
    pub quota: u64,
    /// Window of the limit in seconds; `None` for a concurrency limit.
    pub window: Option<u64>,
}

macro_rules! constructors {
    ($($(#[$meta:meta])* $name:ident => $kind:ident),+ $(,)?) => {
        impl Error {
            $($(#[$meta])*
            pub fn $name(detail: impl Into<String>) -> Self {
                Self::of_kind(Kind::$kind, detail)
            })+
        }
    };
}

constructors! {
    /// Missing, invalid or expired credentials.
    unauthenticated => Unauthenticated,
    /// Authenticated, but not allowed.
    forbidden => Forbidden,
    /// Does not exist, or is not visible to the caller.
    not_found => NotFound,
    /// A method that the URL does not support.
    method_not_allowed => MethodNotAllowed,
    /// No media type in common.
    not_acceptable => NotAcceptable,
    /// Already taken, or changed concurrently.
    conflict => Conflict,
    /// The state that the caller expects is outdated.
    precondition => Precondition,
    /// Over a limit of size or number.
    too_large => TooLarge,
    /// An unsupported media type.
    unsupported_media => UnsupportedMedia,
    /// Cannot be parsed.
    malformed => Malformed,
    /// Parsed, but invalid.
    invalid => Invalid,
    /// Would change nothing.
    unchanged => Unchanged,
    /// Over a limit of rate or concurrency.
    busy => Busy,
    /// A dependency is unavailable.
    unavailable => Unavailable,
    /// Out of space.
    full => Full,
}

impl Error {
    /// Creates an error of a kind, such as that of another error.
    pub fn of_kind(kind: Kind, detail: impl Into<String>) -> Self {
        Self { kind, detail: detail.into(), source: None, delay: None, ends_session: false }
    }

    /// Creates an internal error. The source is for the log.
    pub fn internal(source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        let (kind, detail) = (Kind::Internal, "internal error".into());
        Self { kind, detail, source: Some(source.into()), delay: None, ends_session: false }
    }

    /// Adds the cause, for the log only.
    #[must_use]
    pub fn because(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// Adds which part of the request the error is about. Not found becomes invalid: the URL was found, but a value
    /// in the request refers to something that was not.
    #[must_use]
    pub fn of_part(mut self, place: &str) -> Self {
        if self.kind == Kind::NotFound {
            self.kind = Kind::Invalid;
        }
        self.detail = format!("{place}: {}", self.detail);
        self
    }

    /// Marks the session cookie of the request as invalid.
    #[must_use]
    pub fn ending_session(mut self) -> Self {
        self.ends_session = true;
        self
    }

    /// Adds when to retry.
    #[must_use]
    pub fn until(mut self, delay: Delay) -> Self {
        self.delay = Some(Box::new(delay));
        self
    }

    /// Returns the category of the error.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Returns the message for the client.
    pub fn detail(&self) -> &str {
        &self.detail
    }

    /// Returns true if the session cookie of the request is invalid.
    pub fn ends_session(&self) -> bool {
        self.ends_session
    }

    /// Logs internal errors and unavailable dependencies, once, with their causes.
    pub fn log(&self) {
        match self.kind {
            Kind::Internal | Kind::Unavailable | Kind::Full => {
                let mut causes = Vec::new();
                let mut next = StdError::source(self);
                while let Some(cause) = next {
                    causes.push(cause.to_string());
                    next = cause.source();
                }
                tracing::error!(code = self.kind.code(), detail = %self.detail, causes = ?causes, "request failed");
            }
            Kind::Unauthenticated
            | Kind::Forbidden
            | Kind::NotFound
            | Kind::MethodNotAllowed
            | Kind::NotAcceptable
            | Kind::Conflict
            | Kind::Precondition
            | Kind::TooLarge
            | Kind::UnsupportedMedia
            | Kind::Malformed
            | Kind::Invalid
            | Kind::Unchanged
            | Kind::Busy => {}
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.detail)?;
        // Printed on a terminal, for the operator: include the cause.
        if self.kind == Kind::Internal
            && let Some(source) = &self.source
        {
            write!(f, ": {source}")?;
        }
        Ok(())
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_deref().map(|source| source as &(dyn StdError + 'static))
    }
}

/// The client can rarely free space itself.
const NO_ROOM: &str = "the server is out of disk space; contact its operator";

/// Returns the kind of a database error code, if it is neither our fault nor the client's.
fn database_trouble(code: &str) -> Option<Kind> {
    match code {
        // PostgreSQL: disk_full. SQLite: SQLITE_FULL; SQLITE_IOERR_SHMSIZE, if the WAL index cannot grow
        // (sqlite.org/rescode.html).
        "53100" | "13" | "4874" => Some(Kind::Full),
        // PostgreSQL: out of memory or connections, shutting down, starting up (its documentation, appendix A);
        // serialization failure, deadlock; one of the timeouts of `db`.
        // SQLite: SQLITE_BUSY, and its extended codes.
        "53200" | "53300" | "57P01" | "57P02" | "57P03" | "40001" | "40P01" | "55P03" | "57014" | "25P03" | "5"
        | "261" | "517" | "773" => Some(Kind::Unavailable),
        _ => None,
    }
}

/// Returns true if a lack of space is among the causes.
fn is_full(error: &(dyn StdError + 'static)) -> bool {
    use std::io::ErrorKind::{QuotaExceeded, StorageFull};
    let mut next = Some(error);
    while let Some(cause) = next {
        let io = cause.downcast_ref::<std::io::Error>();
        if io.is_some_and(|io| matches!(io.kind(), StorageFull | QuotaExceeded)) {
            return true;
        }
        next = cause.source();
    }
    false
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        let trouble = match &error {
            sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed | sqlx::Error::Io(_) => Some(Kind::Unavailable),
            sqlx::Error::Database(database_error) => database_error.code().and_then(|code| database_trouble(&code)),
            _ => None,
        };
        match trouble {
            Some(Kind::Full) => {
                Self::full("the server's database is out of disk space; contact its operator").because(error)
            }
            Some(_) => Self::unavailable("the database is unavailable; try again in a moment").because(error),
            None => Self::internal(error),
        }
    }
}

impl From<lfs::Error> for Error {
    fn from(error: lfs::Error) -> Self {
        let detail = error.to_string();
        match error {
            lfs::Error::WrongHash { .. }
            | lfs::Error::WrongSize { .. }
            | lfs::Error::WrongChecksum
            | lfs::Error::Invalid(_) => Self::invalid(detail),
            lfs::Error::NotFound(_) | lfs::Error::UploadGone => Self::not_found(detail),
            lfs::Error::Incomplete(_) | lfs::Error::WrongOffset { .. } => Self::conflict(detail),
            lfs::Error::Finishing => Self::busy(detail),
            lfs::Error::Away => Self::unavailable("the server's store is unavailable; try again later"),
            lfs::Error::Unavailable(_) => {
                Self::unavailable("the server's store is unavailable; try again later").because(error)
            }
            lfs::Error::Full => Self::full(NO_ROOM),
            lfs::Error::Interrupted(cause) => match cause.downcast::<Self>() {
                Ok(own) => *own,
                Err(_) => Self::malformed(detail),
            },
            other => Self::internal(other),
        }
    }
}

impl From<metastore::Error> for Error {
    fn from(error: metastore::Error) -> Self {
        let detail = error.to_string();
        match error {
            metastore::Error::NotFound(_) => Self::not_found(detail),
            metastore::Error::Conflict(_) => Self::conflict(detail),
            metastore::Error::Invalid(_) | metastore::Error::Refused(_) => Self::invalid(detail),
            metastore::Error::Unchanged => Self::unchanged(detail),
            metastore::Error::TooLarge(_) => Self::too_large(detail),
            metastore::Error::Busy(_) => Self::busy(detail),
            metastore::Error::Unavailable(cause) if is_full(&*cause) => Self::full(NO_ROOM).because(cause),
            metastore::Error::Unavailable(_) => {
                Self::unavailable("the store is unavailable; try again later").because(error)
            }
            metastore::Error::Io(io) if ended_early(&io) => {
                Self::malformed("the request body is truncated, or does not match its headers").because(io)
            }
            metastore::Error::Io(io) => io.into(),
            other => Self::internal(other),
        }
    }
}

impl From<datapackage::Error> for Error {
    fn from(error: datapackage::Error) -> Self {
        match error {
            datapackage::Error::Invalid(detail) => Self::invalid(detail),
            datapackage::Error::TooLarge(detail) => Self::too_large(detail),
            other @ datapackage::Error::Internal(_) => Self::internal(other),
        }
    }
}

/// Returns true if the client's side of a stream failed.
fn ended_early(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{ConnectionAborted, InvalidData, TimedOut, UnexpectedEof};
    matches!(error.kind(), ConnectionAborted | InvalidData | TimedOut | UnexpectedEof)
}

impl From<std::io::Error> for Error {
    fn from(error: std::io::Error) -> Self {
        if is_full(&error) { Self::full(NO_ROOM).because(error) } else { Self::internal(error) }
    }
}

/// Seconds after which a client should retry a 429 or 503. Small, since git-lfs waits silently for as long as the
/// header says.
pub const RETRY_AFTER_SECONDS: u64 = 2;

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        self.log();
        let status = self.kind.status();
        let body = serde_json::json!({
            "type": "about:blank",
            "title": status.canonical_reason().unwrap_or_default(),
            "status": status.as_u16(),
            "code": self.kind.code(),
            "detail": self.detail,
            "request_id": crate::request::id(),
        });
        let mut response =
            (status, [(header::CONTENT_TYPE, "application/problem+json")], body.to_string()).into_response();
        decorate(self.kind, self.delay.as_deref(), response.headers_mut());
        let (kind, detail, ends_session) = (self.kind, self.detail, self.ends_session);
        response.extensions_mut().insert(ErrorDetails { kind, detail, ends_session });
        response
    }
}

/// The error of a response, as an extension of it, so that a group of routes can render it in the format of its own
/// protocol.
#[derive(Debug, Clone)]
pub struct ErrorDetails {
    /// The category of the error.
    pub kind: Kind,
    /// The message for the client.
    pub detail: String,
    /// True if the session cookie of the request is invalid.
    pub ends_session: bool,
}

/// Adds the headers of an error: a challenge for 401, `Retry-After` for 429 and 503, and those of a rate limit.
fn decorate(kind: Kind, delay: Option<&Delay>, headers: &mut axum::http::HeaderMap) {
    if kind == Kind::Unauthenticated {
        headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Basic realm=\"rutter\", charset=\"UTF-8\""));
    }
    if matches!(kind, Kind::Busy | Kind::Unavailable) {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(RETRY_AFTER_SECONDS));
    }
    if let Some(Delay { seconds, limit, quota, window }) = delay {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(*seconds));
        // draft-ietf-httpapi-ratelimit-headers-10, §3 and §4.
        let allows = match window {
            Some(window) => format!("\"{limit}\";q={quota};w={window}"),
            None => format!("\"{limit}\";q={quota};qu=\"concurrent-requests\""),
        };
        for (name, value) in [("ratelimit", format!("\"{limit}\";r=0;t={seconds}")), ("ratelimit-policy", allows)] {
            headers.insert(name, HeaderValue::from_str(&value).expect("names of limits are ASCII"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn database_error_codes_are_distinguished() {
        for (code, kind) in [
            ("53100", Some(Kind::Full)),
            ("13", Some(Kind::Full)),
            ("4874", Some(Kind::Full)),
            ("57P01", Some(Kind::Unavailable)),
            ("5", Some(Kind::Unavailable)),
            ("517", Some(Kind::Unavailable)),
            ("40P01", Some(Kind::Unavailable)),
            ("23505", None),
            ("1", None),
        ] {
            assert_eq!(database_trouble(code), kind, "{code}");
        }
    }

    #[test]
    fn a_full_disk_is_detected_in_nested_errors() {
        let within = |kind: std::io::ErrorKind| lfs::Error::Interrupted(std::io::Error::from(kind).into());
        assert!(is_full(&within(std::io::ErrorKind::StorageFull)));
        assert!(is_full(&std::io::Error::from(std::io::ErrorKind::QuotaExceeded)));
        assert!(!is_full(&within(std::io::ErrorKind::NotFound)));
    }
}
