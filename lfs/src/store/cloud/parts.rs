//! Multipart uploads: those of S3, which Google's XML API supports too, and blocks of Azure.

use std::{
    fmt::{self, Write as _},
    str::FromStr,
    time::Duration,
};

use bytes::Bytes;
use http::Method;
use quick_xml::escape::escape;
use serde::Deserialize;

use super::{
    Cloud, CloudStore, Inner, Key,
    failure::Failure,
    request::{Call, LONG_TIMEOUT, REQUEST_TIMEOUT},
    sigv4::Moment,
};
use crate::Error;

mod blocks;

/// The id of a multipart upload. It is valid together with its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartsId(String);

/// A part that the store has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// Part number, from 1.
    pub number: u32,
    /// Size in bytes.
    pub size: u64,
    /// Identifier of its content, assigned by the store.
    pub etag: String,
}

impl PartsId {
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for PartsId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl FromStr for PartsId {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(Error::Invalid(format!("`{}` is not the id of a multipart upload", text.escape_default())));
        }
        Ok(Self(text.to_owned()))
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Begun {
    upload_id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Page {
    #[serde(default)]
    is_truncated: bool,
    next_part_number_marker: Option<u32>,
    #[serde(default, rename = "Part")]
    parts: Vec<PagePart>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Unfinished {
    #[serde(default)]
    is_truncated: bool,
    #[serde(default)]
    next_key_marker: String,
    #[serde(default)]
    next_upload_id_marker: String,
    #[serde(default, rename = "Upload")]
    uploads: Vec<UnfinishedUpload>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct UnfinishedUpload {
    key: String,
    upload_id: String,
    initiated: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct PagePart {
    part_number: u32,
    size: u64,
    #[serde(rename = "ETag")]
    etag: String,
}

impl CloudStore {
    /// Starts an upload to a staging key. On Azure this sends no request.
    pub async fn begin_parts(&self, key: &Key) -> Result<PartsId, Error> {
        match self.0.cloud {
            Cloud::Azure(_) => Ok(blocks::begin()),
            Cloud::S3(_) | Cloud::Gcs(_) => Ok(self.0.begin(&self.0.in_bucket(key.as_str())).await?),
        }
    }

    /// Returns the stored parts, by number. `None` if the upload was completed or aborted; on Azure, which does
    /// not report that, the list is empty.
    pub async fn parts(&self, key: &Key, id: &PartsId) -> Result<Option<Vec<Part>>, Error> {
        let path = self.0.in_bucket(key.as_str());
        let found = match self.0.cloud {
            Cloud::Azure(_) => self.0.blocks(&path, id).await,
            Cloud::S3(_) | Cloud::Gcs(_) => self.0.list_parts(&path, id).await,
        };
        match found {
            Ok(parts) => Ok(Some(parts)),
            Err(failure) if failure.is_missing() => Ok(None),
            Err(failure) => Err(failure.into()),
        }
    }

    /// Uploads one part from this server.
    pub async fn put_part(&self, key: &Key, id: &PartsId, number: u32, bytes: Bytes) -> Result<Part, Error> {
        let path = self.0.in_bucket(key.as_str());
        let (block, number_text, size) = (id.block(number), number.to_string(), bytes.len() as u64);
        let query = match self.0.cloud {
            Cloud::Azure(_) => [("comp", "block"), ("blockid", block.as_str())],
            Cloud::S3(_) | Cloud::Gcs(_) => [("partNumber", number_text.as_str()), ("uploadId", id.as_str())],
        };
        // Allow one second per MiB.
        let max_duration = REQUEST_TIMEOUT + Duration::from_secs(size >> 20);
        let call = Call { query: &query, body: bytes, max_duration, ..Call::new(Method::PUT, &path) };
        let answer = self.0.send(call).await.map_err(refused)?;
        let etag = if matches!(self.0.cloud, Cloud::Azure(_)) { block } else { answer.header("etag").to_owned() };
        Ok(Part { number, size, etag })
    }

    /// Completes an upload from its parts, which must be in order and as returned by [`parts`](Self::parts). It
    /// may be repeated if a response was lost.
    ///
    /// # Errors
    /// [`Error::Invalid`] for parts that the store rejects, [`Error::UploadGone`].
    pub async fn complete_parts(&self, key: &Key, id: &PartsId, parts: &[Part]) -> Result<(), Error> {
        let path = self.0.in_bucket(key.as_str());
        let end = match self.0.cloud {
            Cloud::Azure(_) => self.0.commit_blocks(&path, id, parts).await,
            Cloud::S3(_) | Cloud::Gcs(_) => self.0.complete(&path, id, parts).await,
        };
        match end {
            Ok(()) => Ok(()),
            Err(failure) if failure.is_missing() && self.stat(key).await?.is_some() => Ok(()),
            Err(failure) => Err(refused(failure)),
        }
    }

    /// Aborts an upload and removes its parts. Repeating it is not an error. A part that is being uploaded at the
    /// same time may still be stored.
    pub async fn abort_parts(&self, key: &Key, id: &PartsId) -> Result<(), Error> {
        let path = self.0.in_bucket(key.as_str());
        let end = match self.0.cloud {
            Cloud::Azure(_) => self.0.discard_blocks(&path).await,
            Cloud::S3(_) | Cloud::Gcs(_) => self.0.abort(&path, id).await,
        };
        match end {
            Err(failure) if !failure.is_missing() => Err(failure.into()),
            _ => Ok(()),
        }
    }
}

impl CloudStore {
    /// Aborts every upload to this store that was started before the given time (Unix seconds), and returns their
    /// number: an orphaned upload would take up space forever. Azure removes its own after a week.
    pub async fn abort_forgotten(&self, begun_before: u64) -> Result<usize, Error> {
        if matches!(self.0.cloud, Cloud::Azure(_)) {
            return Ok(0);
        }
        let forgotten = self.0.unfinished(&Moment::new(begun_before)).await?;
        for (path, id) in &forgotten {
            match self.0.abort(path, id).await {
                Err(failure) if !failure.is_missing() => return Err(failure.into()),
                _ => {}
            }
        }
        Ok(forgotten.len())
    }
}

/// `CreateMultipartUpload`, `ListParts`, `CompleteMultipartUpload` and `AbortMultipartUpload` of S3, and the same
/// calls of Google's XML API.
impl Inner {
    pub(super) async fn begin(&self, path: &str) -> Result<PartsId, Failure> {
        let call = Call { query: &[("uploads", "")], ..Call::new(Method::POST, path) };
        let begun: Begun = self.send(call).await?.xml()?;
        Ok(PartsId(begun.upload_id))
    }

    async fn list_parts(&self, path: &str, id: &PartsId) -> Result<Vec<Part>, Failure> {
        let (mut parts, mut marker) = (Vec::new(), 0);
        loop {
            let after = marker.to_string();
            let query = [("part-number-marker", after.as_str()), ("uploadId", id.as_str())];
            let page: Page = self.send(Call { query: &query, ..Call::new(Method::GET, path) }).await?.xml()?;
            let found = page.parts.into_iter();
            parts.extend(found.map(|part| Part { number: part.part_number, size: part.size, etag: part.etag }));
            match page.next_part_number_marker {
                // Without progress the loop would not end.
                Some(next) if page.is_truncated && next > marker => marker = next,
                _ => return Ok(parts),
            }
        }
    }

    /// Lists the paths and ids of older uploads (`ListMultipartUploads`).
    async fn unfinished(&self, than: &Moment) -> Result<Vec<(String, PartsId)>, Failure> {
        // Both are UTC with the same number of digits: they sort by time.
        let than = than.rfc3339();
        let than = than.trim_end_matches('Z');
        let prefix = self.in_bucket("");
        let (mut found, mut key, mut upload) = (Vec::new(), String::new(), String::new());
        loop {
            let query =
                [("key-marker", key.as_str()), ("prefix", &prefix), ("upload-id-marker", &upload), ("uploads", "")];
            let query = if key.is_empty() { &[query[1], query[3]] } else { &query[..] };
            let page: Unfinished = self.send(Call { query, ..Call::new(Method::GET, "") }).await?.xml()?;
            let old = page.uploads.into_iter().filter(|upload| upload.initiated.as_str() < than);
            found.extend(old.map(|upload| (upload.key, PartsId(upload.upload_id))));
            let next = (page.next_key_marker, page.next_upload_id_marker);
            if !page.is_truncated || next.0.is_empty() || next == (key, upload) {
                return Ok(found);
            }
            (key, upload) = next;
        }
    }

    pub(super) async fn complete(&self, path: &str, id: &PartsId, parts: &[Part]) -> Result<(), Failure> {
        let mut body = String::from("<CompleteMultipartUpload>");
        for Part { number, etag, .. } in parts {
            let _ = write!(body, "<Part><PartNumber>{number}</PartNumber><ETag>{}</ETag></Part>", escape(etag));
        }
        body += "</CompleteMultipartUpload>";
        let query = [("uploadId", id.as_str())];
        let call =
            Call { query: &query, body: body.into(), max_duration: LONG_TIMEOUT, ..Call::new(Method::POST, path) };
        self.send(call).await.map(drop)
    }

    pub(super) async fn abort(&self, path: &str, id: &PartsId) -> Result<(), Failure> {
        let call = Call { query: &[("uploadId", id.as_str())], ..Call::new(Method::DELETE, path) };
        self.send(call).await.map(drop)
    }
}

/// Distinguishes errors of the request from an unavailable store.
fn refused(failure: Failure) -> Error {
    match failure.status {
        _ if failure.is_missing() => Error::UploadGone,
        Some(400 | 409 | 413) => Error::Invalid(format!("the store rejected the upload: {failure}")),
        _ => failure.into(),
    }
}
