//! Presigned URLs: permissions to transfer one object.

use std::ops::Range;
use std::sync::Arc;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use object_store::aws::AwsCredential;

use super::{
    Cloud, CloudStore, Inner, Key, PartsId,
    azure::{self, Permission},
    gcs, s3,
    sigv4::{self, Moment, Request},
};
use crate::{Error, Oid};

/// Media type of every download, so that browsers do not guess one.
const MEDIA_TYPE: &str = "application/octet-stream";

/// A presigned URL to transfer one object, for a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedUrl {
    /// Absolute URL.
    pub href: String,
    /// Headers that the client must send unchanged.
    pub headers: Vec<(&'static str, String)>,
}

/// Presigns the URLs of one batch.
pub struct UrlSigner<'a> {
    store: &'a Inner,
    pen: SigningKey<'a>,
    start: Moment,
    end: Moment,
    lifetime: u32,
}

/// The signing key and algorithm of a provider.
enum SigningKey<'a> {
    Amazon(&'a s3::Access, Arc<AwsCredential>),
    Google(&'a gcs::Access),
    Microsoft(&'a azure::Access),
}

impl CloudStore {
    /// Returns a signer for URLs that are valid for `lifetime` seconds (at most seven days) from `now`, in Unix
    /// seconds. One signer is enough for a whole batch: it sends no request to the bucket, and one to the
    /// provider only when temporary credentials expire.
    pub async fn signer(&self, now: u64, lifetime: u32) -> Result<UrlSigner<'_>, Error> {
        let lifetime = lifetime.min(sigv4::MAX_LIFETIME_SECONDS);
        let pen = match &self.0.cloud {
            Cloud::S3(s3) => SigningKey::Amazon(s3, s3.credential().await?),
            Cloud::Gcs(gcs) => SigningKey::Google(gcs),
            Cloud::Azure(azure) => SigningKey::Microsoft(azure),
        };
        let (start, end) = (Moment::new(now), Moment::new(now + u64::from(lifetime)));
        Ok(UrlSigner { store: &self.0, pen, start, end, lifetime })
    }
}

impl UrlSigner<'_> {
    /// Returns the lifetime of the URLs in seconds.
    pub fn lifetime(&self) -> u32 {
        self.lifetime
    }

    /// Returns a URL to upload exactly the content of `oid`, if the store enforces that
    /// ([`CloudStore::proves_uploads`]); otherwise `None`. The checksum is a signed header, since a checksum in
    /// the query would be ignored if the header is missing; this way the store rejects other content and requests
    /// without the header.
    pub fn upload(&self, key: &Key, oid: &Oid) -> Option<SignedUrl> {
        const CHECKSUM: &str = "x-amz-checksum-sha256";
        if !self.store.proves_uploads() {
            return None;
        }
        let checksum = STANDARD.encode(oid.as_bytes());
        let href = self.sign("PUT", key, &[], &[(CHECKSUM, &checksum)]);
        Some(SignedUrl { href, headers: vec![(CHECKSUM, checksum)] })
    }

    /// Returns a URL to upload any content to a staging key. It can be used repeatedly until it expires: the
    /// content may change after it was verified, and only a copy ([`CloudStore::promote`]) is immutable.
    pub fn stage(&self, key: &Key) -> SignedUrl {
        let headers = match self.pen {
            SigningKey::Microsoft(_) => vec![("x-ms-blob-type", "BlockBlob".to_owned())],
            SigningKey::Amazon(..) | SigningKey::Google(_) => Vec::new(),
        };
        SignedUrl { href: self.sign("PUT", key, &[], &[]), headers }
    }

    /// Returns a URL to upload one part, from 1 to [`MAX_PARTS`](crate::parts::MAX_PARTS), of a multipart upload.
    /// On Azure it can also write the whole blob, even after completion: promote first, then verify the copy.
    pub fn part(&self, key: &Key, parts: &PartsId, number: u32) -> SignedUrl {
        let (block, number) = (parts.block(number), number.to_string());
        let query = match self.pen {
            SigningKey::Microsoft(_) => [("comp", "block"), ("blockid", block.as_str())],
            SigningKey::Amazon(..) | SigningKey::Google(_) => {
                [("partNumber", number.as_str()), ("uploadId", parts.as_str())]
            }
        };
        let href = self.sign("PUT", key, &query, &[]);
        SignedUrl { href, headers: Vec::new() }
    }

    /// Returns a URL to download an object. `disposition` is the `Content-Disposition` of the response (RFC
    /// 6266).
    pub fn download(&self, key: &Key, disposition: Option<&str>) -> SignedUrl {
        let href = if let SigningKey::Microsoft(azure) = self.pen {
            let answer = (disposition.unwrap_or_default(), MEDIA_TYPE);
            azure.sign(Permission::Read, key.as_str(), &[], answer, &self.end)
        } else {
            let disposition = disposition.map(|value| ("response-content-disposition", value));
            let query: Vec<_> = disposition.into_iter().chain([("response-content-type", MEDIA_TYPE)]).collect();
            self.sign("GET", key, &query, &[])
        };
        SignedUrl { href, headers: Vec::new() }
    }

    /// Returns a URL for a GET with exactly this range, in bytes; `None` for a provider that cannot limit a URL to a range.
    /// The client must send the header `Range: bytes=START-LAST`, with the last byte included.
    pub fn download_range(&self, key: &Key, range: &Range<u64>) -> Option<SignedUrl> {
        if matches!(self.pen, SigningKey::Microsoft(_)) {
            return None;
        }
        let range = format!("bytes={}-{}", range.start, range.end.saturating_sub(1));
        let query = [("response-content-type", MEDIA_TYPE)];
        Some(SignedUrl { href: self.sign("GET", key, &query, &[("range", &range)]), headers: Vec::new() })
    }

    fn sign(&self, method: &str, key: &Key, query: &[(&str, &str)], headers: &[(&str, &str)]) -> String {
        let v4 = match &self.pen {
            SigningKey::Microsoft(azure) => {
                return azure.sign(Permission::Write, key.as_str(), query, ("", ""), &self.end);
            }
            SigningKey::Amazon(s3, credential) => s3.signs(credential),
            SigningKey::Google(gcs) => gcs.signs(),
        };
        let path = format!("{}{key}", v4.root);
        let request = Request { method, path: &path, query, headers };
        v4.presigner.presign(&v4.credential, &request, &self.start, self.lifetime)
    }
}
