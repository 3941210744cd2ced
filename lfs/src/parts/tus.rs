//! The resumable upload protocol tus 1.0.0, as pure functions over header values: the core protocol and the
//! extensions creation, expiration, checksum and termination.
//!
//! How git-lfs (with `lfs.tustransfers`) uses it: the URL of the upload action is that of an existing upload. It
//! requests the offset with HEAD and sends everything that is left in one PATCH. If the offset equals the size,
//! **git-lfs considers the object stored and sends nothing more, not even verify**: a server must report that
//! offset only when the object is stored, also for the empty object.
//! Source: <https://tus.io/protocols/resumable-upload>; `tq/tus_upload.go` of git-lfs.

use std::time::{Duration, SystemTime};

use super::{Checksum, InvalidChecksum};

/// The supported protocol version: value of `Tus-Resumable` and `Tus-Version`.
pub const VERSION: &str = "1.0.0";

/// Value of `Tus-Extension`.
pub const EXTENSIONS: &str = "creation,expiration,checksum,termination";

/// Content type of PATCH.
pub const CONTENT_TYPE: &str = "application/offset+octet-stream";

/// Header values of a request that matter to tus. Each field is named after its header.
#[derive(Clone, Copy, Debug, Default)]
pub struct Headers<'a> {
    /// `Tus-Resumable`.
    pub tus_resumable: Option<&'a str>,
    /// `Content-Type`.
    pub content_type: Option<&'a str>,
    /// `Content-Length`.
    pub content_length: Option<&'a str>,
    /// `Upload-Offset`.
    pub upload_offset: Option<&'a str>,
    /// `Upload-Length`.
    pub upload_length: Option<&'a str>,
    /// `Upload-Defer-Length`.
    pub upload_defer_length: Option<&'a str>,
    /// `Upload-Checksum`.
    pub upload_checksum: Option<&'a str>,
    /// `Upload-Metadata`.
    pub upload_metadata: Option<&'a str>,
}

/// A parsed PATCH request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patch {
    /// Offset of its first byte; equal to the offset of the upload.
    pub offset: u64,
    /// Length of the body in bytes, if known (it is, except with chunked encoding).
    pub length: Option<u64>,
    /// Checksum of the body. If it does not match, the whole body is discarded ([`TusError::Checksum`]).
    pub checksum: Option<Checksum>,
}

/// Why a request is rejected.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TusError {
    /// Missing or unsupported protocol version: 412. The response has `Tus-Version`.
    #[error("this server supports tus {VERSION}; send that version in Tus-Resumable")]
    Version,
    /// A PATCH with another content type: 415.
    #[error("the content type of a PATCH must be {CONTENT_TYPE}")]
    ContentType,
    /// The offset of the client is not that of the upload: 409.
    #[error("the upload is at offset {actual}, not {claimed}; request the offset with HEAD")]
    Offset {
        /// Offset that the client sent, in bytes.
        claimed: u64,
        /// Offset of the upload, in bytes.
        actual: u64,
    },
    /// The body does not match its checksum: 460.
    #[error("the content does not match its checksum")]
    Checksum,
    /// More bytes than the upload has: 413.
    #[error("the request exceeds the {0} bytes of the upload")]
    TooLong(u64),
    /// The length differs from the known length of the upload: 422.
    #[error("this upload has {0} bytes")]
    Length(u64),
    /// A header is missing or malformed: 400.
    #[error("{0}")]
    Malformed(&'static str),
}

impl TusError {
    /// Returns the HTTP status that the protocol assigns to it.
    pub const fn status(&self) -> u16 {
        match self {
            Self::Version => 412,
            Self::ContentType => 415,
            Self::Offset { .. } => 409,
            Self::Checksum => 460,
            Self::TooLong(_) => 413,
            Self::Length(_) => 422,
            Self::Malformed(_) => 400,
        }
    }
}

impl From<InvalidChecksum> for TusError {
    fn from(error: InvalidChecksum) -> Self {
        Self::Malformed(match error {
            InvalidChecksum::Malformed => "Upload-Checksum must be the name of an algorithm, a space and base64",
            InvalidChecksum::Unknown => "the algorithm of Upload-Checksum is not in Tus-Checksum-Algorithm",
        })
    }
}

impl Headers<'_> {
    /// Checks the protocol version, which every request but OPTIONS must have.
    pub fn expect_version(&self) -> Result<(), TusError> {
        if self.tus_resumable.map(str::trim) == Some(VERSION) { Ok(()) } else { Err(TusError::Version) }
    }

    /// Parses a PATCH request for an upload of `size` bytes, of which `stored` have been received.
    pub fn patch(&self, stored: u64, size: u64) -> Result<Patch, TusError> {
        self.expect_version()?;
        let content_type = self.content_type.unwrap_or_default();
        let essence = content_type.split(';').next().unwrap_or_default().trim();
        if !essence.eq_ignore_ascii_case(CONTENT_TYPE) {
            return Err(TusError::ContentType);
        }
        let offset = self.upload_offset.and_then(number);
        let offset = offset.ok_or(TusError::Malformed("Upload-Offset must be a number of bytes"))?;
        let checksum = self.upload_checksum.map(Checksum::from_upload_checksum).transpose()?;
        let length = match self.content_length {
            None => None,
            Some(text) => Some(number(text).ok_or(TusError::Malformed("Content-Length must be a number of bytes"))?),
        };
        if offset != stored {
            return Err(TusError::Offset { claimed: offset, actual: stored });
        }
        if length.is_some_and(|length| length > size - stored.min(size)) {
            return Err(TusError::TooLong(size));
        }
        Ok(Patch { offset, length, checksum })
    }

    /// Parses the POST request that creates an upload of an object of `size` bytes. The object is known from the
    /// URL, so the length must equal its size; metadata is not stored.
    pub fn create(&self, size: u64) -> Result<(), TusError> {
        self.expect_version()?;
        if self.upload_defer_length.is_some() {
            return Err(TusError::Malformed("deferring the length is not supported; send Upload-Length"));
        }
        let length = self.upload_length.and_then(number);
        let length = length.ok_or(TusError::Malformed("Upload-Length must be a number of bytes"))?;
        if !self.upload_metadata.is_none_or(is_metadata) {
            return Err(TusError::Malformed("Upload-Metadata must be pairs of a key and a base64 value"));
        }
        if length == size { Ok(()) } else { Err(TusError::Length(size)) }
    }
}

/// Returns true for `key base64,key2,key3 base64` with distinct, non-empty keys.
fn is_metadata(value: &str) -> bool {
    use base64::{Engine, engine::general_purpose::STANDARD};

    let mut keys = Vec::new();
    value.trim().is_empty()
        || value.split(',').all(|pair| {
            let pair = pair.trim();
            let (key, encoded) = pair.split_once(' ').unwrap_or((pair, ""));
            let sound = !key.is_empty() && key.is_ascii() && STANDARD.decode(encoded.trim()).is_ok();
            let new = !keys.contains(&key);
            keys.push(key);
            sound && new
        })
}

/// Parses a number of digits only: no sign, no inner space.
fn number(text: &str) -> Option<u64> {
    let text = text.trim_matches([' ', '\t']);
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

/// Headers of the response to OPTIONS (204), which lists the capabilities of the server.
pub const OPTIONS: [(&str, &str); 4] = [
    ("Tus-Resumable", VERSION),
    ("Tus-Version", VERSION),
    ("Tus-Extension", EXTENSIONS),
    ("Tus-Checksum-Algorithm", Checksum::TUS_ALGORITHMS),
];

/// The state of an upload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct State {
    /// Bytes that were received and are on disk.
    pub offset: u64,
    /// Size of the object in bytes.
    pub size: u64,
    /// Expiry of the upload in Unix seconds.
    pub expires: Option<u64>,
}

impl State {
    /// Returns the headers of the response to HEAD (200), to PATCH (204) and, with `Location`, to POST (201).
    pub fn headers(&self) -> Vec<(&'static str, String)> {
        let mut headers = vec![
            ("Tus-Resumable", VERSION.to_owned()),
            ("Upload-Offset", self.offset.to_string()),
            ("Upload-Length", self.size.to_string()),
            ("Cache-Control", "no-store".to_owned()),
        ];
        headers.extend(self.expires.map(|expires| ("Upload-Expires", self::expires(expires))));
        headers
    }
}

/// Formats the value of `Upload-Expires` for a time in Unix seconds: an HTTP date (RFC 9110 §5.6.7).
pub fn expires(unix_seconds: u64) -> String {
    // The format ends with the year 9999.
    let last = 253_402_300_799;
    httpdate::fmt_http_date(SystemTime::UNIX_EPOCH + Duration::from_secs(unix_seconds.min(last)))
}
