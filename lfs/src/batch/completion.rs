//! The request that completes a multipart upload.

use serde::Deserialize;

use super::{BatchError, BatchErrorKind};
use crate::{
    Oid,
    parts::{MAX_PARTS, Plan},
};

/// The parts that the client says it sent.
///
/// Hugging Face sends `{"oid": …, "parts": [{"partNumber": 1, "etag": …}, …]}`; in `multipart-basic` the body is
/// the one from the batch response, `{"oid": …, "size": …}`; the body may also be empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Completion {
    /// The object.
    pub oid: Option<Oid>,
    /// Its size in bytes.
    pub size: Option<u64>,
    /// The parts, ordered by their distinct numbers. Empty if the client sent none.
    pub parts: Vec<CompletedPart>,
}

/// A part as the client reports it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct CompletedPart {
    /// Part number, from 1.
    #[serde(rename = "partNumber")]
    pub number: u32,
    /// `ETag` of the response to its upload, unchanged: usually in quotes.
    pub etag: String,
}

#[derive(Deserialize)]
struct Body {
    #[serde(default)]
    oid: Option<String>,
    #[serde(default)]
    size: Option<i64>,
    #[serde(default)]
    parts: Option<Vec<CompletedPart>>,
}

impl Completion {
    /// Parses the body.
    pub fn parse(body: &[u8]) -> Result<Self, BatchError> {
        if body.trim_ascii().is_empty() {
            return Ok(Self::default());
        }
        let body: Body = serde_json::from_slice(body).map_err(|error| BatchError {
            kind: BatchErrorKind::Malformed,
            message: format!("the body is not a request to complete a multipart upload: {error}"),
        })?;
        let oid = match body.oid.as_deref() {
            None | Some("") => None,
            Some(text) => Some(text.parse().map_err(|error: crate::InvalidOid| unprocessable(error.to_string()))?),
        };
        let size = body.size.map(u64::try_from).transpose();
        let size = size.map_err(|_| unprocessable("\"size\" must not be negative"))?;
        let mut parts = body.parts.unwrap_or_default();
        if parts.len() > MAX_PARTS as usize {
            return Err(unprocessable(format!("an upload has at most {MAX_PARTS} parts")));
        }
        parts.sort_by_key(|part| part.number);
        if parts.windows(2).any(|pair| pair[0].number == pair[1].number) {
            return Err(unprocessable("a part is listed twice"));
        }
        if parts.iter().any(|part| part.etag.is_empty()) {
            return Err(unprocessable("a part has no \"etag\""));
        }
        Ok(Self { oid, size, parts })
    }

    /// Compares the request with the upload: the object, its size and all its parts, as far as the request has
    /// them.
    pub fn expect(&self, oid: &Oid, plan: &Plan) -> Result<(), BatchError> {
        if self.oid.is_some_and(|announced| announced != *oid) {
            return Err(unprocessable("this upload is for another object"));
        }
        if self.size.is_some_and(|announced| announced != plan.size()) {
            return Err(unprocessable(format!("this upload is for an object of {} bytes", plan.size())));
        }
        // The numbers are distinct and sorted, so these are all.
        let all = || self.parts.iter().map(|part| part.number).eq(1..=plan.count());
        if !self.parts.is_empty() && !all() {
            return Err(unprocessable(format!("this upload has the parts 1 to {}; list all of them", plan.count())));
        }
        Ok(())
    }
}

fn unprocessable(message: impl Into<String>) -> BatchError {
    BatchError { kind: BatchErrorKind::Unprocessable, message: message.into() }
}

#[cfg(test)]
mod tests;
