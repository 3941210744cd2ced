//! Checksums that a client sends with a part of an object.

use base64::{Engine, engine::general_purpose::STANDARD};
use md5::Md5;
use sha1::Sha1;
use sha2::{Digest, Sha256};

/// The expected checksum of the bytes of one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Checksum {
    /// CRC-32 as in zlib (RFC 1952 §8), big-endian.
    Crc32([u8; 4]),
    /// MD5 (RFC 1321): protects against transmission errors, not against attackers.
    Md5([u8; 16]),
    /// SHA-1: protects against transmission errors, not against attackers.
    Sha1([u8; 20]),
    /// SHA-256.
    Sha256([u8; 32]),
}

/// Why a checksum header cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidChecksum {
    /// The header does not conform to its specification.
    #[error("the checksum header is malformed")]
    Malformed,
    /// The algorithm is not supported.
    #[error("the checksum header names no supported algorithm")]
    Unknown,
}

/// The digest that the client of a `multipart-basic` upload must send with each part (`want_digest`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum WantDigest {
    /// `Content-MD5` (RFC 1864), the only one that the client of Giftless supports.
    ContentMd5,
    /// `Digest: MD5=…` (RFC 3230).
    Md5,
    /// `Digest: SHA-256=…` (RFC 3230, RFC 5843).
    Sha256,
}

impl WantDigest {
    /// Returns its name in a batch response.
    pub const fn text(self) -> &'static str {
        match self {
            Self::ContentMd5 => "contentMD5",
            Self::Md5 => "md5",
            Self::Sha256 => "sha-256",
        }
    }

    /// Returns the preferred digest among those that a client supports: `contentMD5`, or a list with weights like
    /// `sha-256;q=1.0, md5;q=0.5` (RFC 3230 §4.3.1). Unknown ones are ignored.
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
            // With equal weights, the one with the longer hash wins.
            let rank = (weight, known == Self::Sha256);
            if weight > 0 && best.is_none_or(|(of_best, _)| rank > of_best) {
                best = Some((rank, known));
            }
        }
        best.map(|(_, known)| known)
    }
}

/// Parses a weight such as `q=0.5`, in thousandths.
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
    /// Algorithms that tus clients may use, as listed in `Tus-Checksum-Algorithm`.
    pub const TUS_ALGORITHMS: &'static str = "sha1,sha256,md5,crc32";

    /// Parses `Upload-Checksum` of tus: `sha1 Kq5sNclPz7QV2+lfQIuc6R7oRu0=`.
    pub fn from_upload_checksum(value: &str) -> Result<Self, InvalidChecksum> {
        let (name, digest) = value.trim().split_once(' ').ok_or(InvalidChecksum::Malformed)?;
        Self::read(name, digest)
    }

    /// Parses `Content-MD5`: the digest in base64.
    pub fn from_content_md5(value: &str) -> Result<Self, InvalidChecksum> {
        Self::read("md5", value)
    }

    /// Parses `Digest`: `SHA-256=…, MD5=…`. The strongest supported algorithm is used.
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
        // Case and dashes are ignored: `SHA-256` of RFC 5843 is `sha256` in tus.
        let name: String = name.chars().filter(|c| *c != '-').collect();
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

    /// Returns a hasher of the same algorithm.
    pub(crate) fn hasher(&self) -> Hasher {
        match self {
            Self::Crc32(_) => Hasher::Crc32(crc32fast::Hasher::new()),
            Self::Md5(_) => Hasher::Md5(Md5::new()),
            Self::Sha1(_) => Hasher::Sha1(Sha1::new()),
            Self::Sha256(_) => Hasher::Sha256(Sha256::new()),
        }
    }

    /// Returns true if the content has this checksum.
    pub fn matches(&self, content: &[u8]) -> bool {
        let mut hasher = self.hasher();
        hasher.update(content);
        hasher.finish() == *self
    }
}

/// A checksum computation in progress.
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
