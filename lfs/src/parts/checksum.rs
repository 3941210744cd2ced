//! Checksums that a client sends along with a piece of an object.

use base64::{Engine, engine::general_purpose::STANDARD};
use md5::Md5;
use sha1::Sha1;
use sha2::{Digest, Sha256};

/// What the bytes of one request must hash to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Checksum {
    /// CRC-32 as in zlib (RFC 1952 §8), big-endian.
    Crc32([u8; 4]),
    /// MD5 (RFC 1321): against faults of the line, not against people.
    Md5([u8; 16]),
    /// SHA-1: likewise.
    Sha1([u8; 20]),
    /// SHA-256.
    Sha256([u8; 32]),
}

/// Why a header with a checksum cannot be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidChecksum {
    /// Not of the form that its specification gives.
    #[error("the checksum header is damaged")]
    Malformed,
    /// An algorithm that is not known here.
    #[error("the checksum header names no algorithm that is known here")]
    Unknown,
}

/// The digest that the client of a `multipart-basic` upload is told to send with each part
/// (`want_digest`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum WantDigest {
    /// `Content-MD5` (RFC 1864), the only one that giftless' client can do.
    ContentMd5,
    /// `Digest: MD5=…` (RFC 3230).
    Md5,
    /// `Digest: SHA-256=…` (RFC 3230, RFC 5843).
    Sha256,
}

impl WantDigest {
    /// Its text in an answer.
    pub const fn text(self) -> &'static str {
        match self {
            Self::ContentMd5 => "contentMD5",
            Self::Md5 => "md5",
            Self::Sha256 => "sha-256",
        }
    }

    /// The best of those that a client says it can do: `contentMD5`, or a list with weights like
    /// `sha-256;q=1.0, md5;q=0.5` (RFC 3230 §4.3.1). Others are passed over.
    pub fn negotiate(wanted: &str) -> Option<Self> {
        let mut best = None;
        for choice in wanted.split(',') {
            let (name, weight) = match choice.split_once(';') {
                None => (choice, 1000),
                Some((name, parameter)) => (name, weight(parameter).unwrap_or(0)),
            };
            let known = match name.trim() {
                name if name.eq_ignore_ascii_case("sha-256") => Self::Sha256,
                name if name.eq_ignore_ascii_case("md5") => Self::Md5,
                name if name.eq_ignore_ascii_case("contentMD5") => Self::ContentMd5,
                _ => continue,
            };
            // Where two weigh the same, the one with the longer hash.
            let rank = (weight, known == Self::Sha256);
            if weight > 0 && best.is_none_or(|(of_best, _)| rank > of_best) {
                best = Some((rank, known));
            }
        }
        best.map(|(_, known)| known)
    }
}

/// Thousandths of `q=0.5`.
fn weight(parameter: &str) -> Option<u32> {
    let (name, value) = parameter.split_once('=')?;
    let value = value.trim();
    let (whole, fraction) = value.split_once('.').unwrap_or((value, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if !name.trim().eq_ignore_ascii_case("q") || fraction.len() > 3 || !digits(fraction) {
        return None;
    }
    match whole {
        "0" => format!("{fraction:0<3}").parse().ok(),
        "1" => Some(1000),
        _ => None,
    }
}

impl Checksum {
    /// Algorithms that tus clients may use, as `Tus-Checksum-Algorithm` lists them.
    pub const TUS_ALGORITHMS: &'static str = "sha1,sha256,md5,crc32";

    /// Reads `Upload-Checksum` of tus: `sha1 Kq5sNclPz7QV2+lfQIuc6R7oRu0=`.
    pub fn from_upload_checksum(value: &str) -> Result<Self, InvalidChecksum> {
        let (name, digest) = value.trim().split_once(' ').ok_or(InvalidChecksum::Malformed)?;
        Self::read(name, digest)
    }

    /// Reads `Content-MD5`: the digest in base64.
    pub fn from_content_md5(value: &str) -> Result<Self, InvalidChecksum> {
        Self::read("md5", value)
    }

    /// Reads `Digest`: `SHA-256=…, MD5=…`. The strongest that is known counts.
    pub fn from_digest(value: &str) -> Result<Self, InvalidChecksum> {
        let mut best: Option<Self> = None;
        for digest in value.split(',') {
            let (name, digest) = digest.trim().split_once('=').ok_or(InvalidChecksum::Malformed)?;
            let known = match Self::read(name, digest) {
                Err(InvalidChecksum::Unknown) => continue,
                known => known?,
            };
            if best.is_none_or(|best| best.as_bytes().len() < known.as_bytes().len()) {
                best = Some(known);
            }
        }
        best.ok_or(InvalidChecksum::Unknown)
    }

    fn read(name: &str, digest: &str) -> Result<Self, InvalidChecksum> {
        // In any case and with any dashes: `SHA-256` of RFC 5843 is `sha256` of tus.
        let name: String = name.chars().filter(|letter| *letter != '-').collect();
        let make: fn(&[u8]) -> Option<Self> = match name.to_ascii_lowercase().as_str() {
            "crc32" => |bytes| bytes.try_into().ok().map(Self::Crc32),
            "md5" => |bytes| bytes.try_into().ok().map(Self::Md5),
            "sha1" | "sha" => |bytes| bytes.try_into().ok().map(Self::Sha1),
            "sha256" => |bytes| bytes.try_into().ok().map(Self::Sha256),
            _ => return Err(InvalidChecksum::Unknown),
        };
        let bytes = STANDARD.decode(digest.trim()).map_err(|_| InvalidChecksum::Malformed)?;
        make(&bytes).ok_or(InvalidChecksum::Malformed)
    }

    fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Crc32(bytes) => bytes,
            Self::Md5(bytes) => bytes,
            Self::Sha1(bytes) => bytes,
            Self::Sha256(bytes) => bytes,
        }
    }

    /// Begins to compute what this is compared with.
    pub(crate) fn hasher(&self) -> Hasher {
        match self {
            Self::Crc32(_) => Hasher::Crc32(crc32fast::Hasher::new()),
            Self::Md5(_) => Hasher::Md5(Md5::new()),
            Self::Sha1(_) => Hasher::Sha1(Sha1::new()),
            Self::Sha256(_) => Hasher::Sha256(Sha256::new()),
        }
    }

    /// Whether these bytes have this checksum.
    pub fn matches(&self, content: &[u8]) -> bool {
        let mut hasher = self.hasher();
        hasher.update(content);
        hasher.finish() == *self
    }
}

/// A checksum in the making.
pub(crate) enum Hasher {
    Crc32(crc32fast::Hasher),
    Md5(Md5),
    Sha1(Sha1),
    Sha256(Sha256),
}

impl Hasher {
    pub(crate) fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Crc32(hasher) => hasher.update(bytes),
            Self::Md5(hasher) => hasher.update(bytes),
            Self::Sha1(hasher) => hasher.update(bytes),
            Self::Sha256(hasher) => hasher.update(bytes),
        }
    }

    pub(crate) fn finish(self) -> Checksum {
        match self {
            Self::Crc32(hasher) => Checksum::Crc32(hasher.finalize().to_be_bytes()),
            Self::Md5(hasher) => Checksum::Md5(hasher.finalize().into()),
            Self::Sha1(hasher) => Checksum::Sha1(hasher.finalize().into()),
            Self::Sha256(hasher) => Checksum::Sha256(hasher.finalize().into()),
        }
    }
}
