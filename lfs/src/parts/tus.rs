//! The resumable upload protocol tus 1.0.0, as pure functions over header values: core, and the
//! extensions creation, expiration, checksum and termination.
//!
//! What git-lfs (with `lfs.tustransfers`) makes of it: the upload action's URL is that of an upload
//! which exists already. It asks HEAD for the offset, and sends all that is left in one PATCH. Where
//! the offset is the size, **it takes the object for stored and asks no more, not even to verify**: a
//! server must say so only when that is true, also of the empty object.
//!
//! Source: <https://tus.io/protocols/resumable-upload>; `tq/tus_upload.go` of git-lfs.

use std::time::{Duration, SystemTime};

use super::{Checksum, InvalidChecksum};

/// The version spoken here: value of `Tus-Resumable` and `Tus-Version`.
pub const VERSION: &str = "1.0.0";

/// Value of `Tus-Extension`.
pub const EXTENSIONS: &str = "creation,expiration,checksum,termination";

/// Content type of PATCH.
pub const CONTENT_TYPE: &str = "application/offset+octet-stream";

/// Header values of a request, as far as tus looks at them. The names are those of the headers.
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

/// A PATCH that was understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patch {
    /// Where its first byte belongs: equal to what the server has.
    pub offset: u64,
    /// Bytes of the body, if the client told (it does unless it sends in chunks of HTTP).
    pub length: Option<u64>,
    /// What the body must hash to. If it does not, the whole body is discarded ([`TusError::Checksum`]).
    pub checksum: Option<Checksum>,
}

/// Why a request is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TusError {
    /// Another version of the protocol, or none: 412. The answer has `Tus-Version`.
    #[error("this server speaks tus {VERSION}; send it in Tus-Resumable")]
    Version,
    /// A PATCH with another content type: 415.
    #[error("the content type of a PATCH must be {CONTENT_TYPE}")]
    ContentType,
    /// The client is not where the server is: 409.
    #[error("the upload stands at {actual} bytes, not at {claimed}; ask with HEAD")]
    Offset {
        /// What the client thinks.
        claimed: u64,
        /// What has arrived.
        actual: u64,
    },
    /// The body is not what its checksum says: 460.
    #[error("the bytes do not have the checksum that was sent with them")]
    Checksum,
    /// More bytes than the upload has: 413.
    #[error("this is more than the {0} bytes of the upload")]
    TooLong(u64),
    /// The upload has a known length, and another one was told: 422.
    #[error("this upload has {0} bytes")]
    Length(u64),
    /// A header is missing or damaged: 400.
    #[error("{0}")]
    Malformed(&'static str),
}

impl TusError {
    /// The HTTP status that the protocol has for it.
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
            InvalidChecksum::Malformed => "Upload-Checksum must be the name of an algorithm, a space, and base64",
            InvalidChecksum::Unknown => "the algorithm of Upload-Checksum is not in Tus-Checksum-Algorithm",
        })
    }
}

impl Headers<'_> {
    /// Every request but OPTIONS must name the version.
    pub fn expect_version(&self) -> Result<(), TusError> {
        if self.tus_resumable.map(str::trim) == Some(VERSION) { Ok(()) } else { Err(TusError::Version) }
    }

    /// Reads PATCH of an upload of `size` bytes of which `stored` have arrived.
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

    /// Reads POST that creates an upload of an object of `size` bytes. The object is known from the
    /// URL, so that the length can only be that, and metadata are not kept.
    pub fn create(&self, size: u64) -> Result<(), TusError> {
        self.expect_version()?;
        if self.upload_defer_length.is_some() {
            return Err(TusError::Malformed("the length of an upload cannot be told later; send Upload-Length"));
        }
        let length = self.upload_length.and_then(number);
        let length = length.ok_or(TusError::Malformed("Upload-Length must be a number of bytes"))?;
        if !self.upload_metadata.is_none_or(is_metadata) {
            return Err(TusError::Malformed("Upload-Metadata must be pairs of a key and base64"));
        }
        if length == size { Ok(()) } else { Err(TusError::Length(size)) }
    }
}

/// `key base64,key2,key3 base64`: keys are not empty and distinct.
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

/// Digits only: no sign, no space inside.
fn number(text: &str) -> Option<u64> {
    let text = text.trim_matches([' ', '\t']);
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

/// Headers of the answer to OPTIONS, which tells what the server can do (204).
pub const OPTIONS: [(&str, &str); 4] = [
    ("Tus-Resumable", VERSION),
    ("Tus-Version", VERSION),
    ("Tus-Extension", EXTENSIONS),
    ("Tus-Checksum-Algorithm", Checksum::TUS_ALGORITHMS),
];

/// Where an upload stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct State {
    /// Bytes that have arrived, and are on the disk.
    pub offset: u64,
    /// Bytes of the object.
    pub size: u64,
    /// When the upload is given up, in Unix seconds.
    pub expires: Option<u64>,
}

impl State {
    /// Headers of the answer to HEAD (200), to PATCH (204) and, with `Location`, to POST (201).
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

/// Value of `Upload-Expires` for a moment in Unix seconds: an HTTP date (RFC 9110 §5.6.7).
pub fn expires(unix_seconds: u64) -> String {
    // The format ends with the year 9999.
    let last = 253_402_300_799;
    httpdate::fmt_http_date(SystemTime::UNIX_EPOCH + Duration::from_secs(unix_seconds.min(last)))
}
