//! What the server keeps of files from one request to the next. It may return anything, so it has a checksum.

use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::Result;

/// Length of the checksum (BLAKE3) at the beginning.
const CHECKSUM: usize = 32;

/// Formats a value for the server.
pub(crate) fn seal(value: &impl Serialize) -> Result<Bytes> {
    let json = serde_json::to_vec(value)?;
    let mut bytes = blake3::hash(&json).as_bytes().to_vec();
    bytes.extend_from_slice(&json);
    Ok(bytes.into())
}

/// Parses a value that [`seal`] returned; `None` if it is damaged, or of another version.
pub(crate) fn open<T: DeserializeOwned>(payload: &[u8]) -> Option<T> {
    let (checksum, json) = payload.split_at_checked(CHECKSUM)?;
    if blake3::hash(json).as_bytes() != checksum {
        return None;
    }
    serde_json::from_slice(json).ok()
}
