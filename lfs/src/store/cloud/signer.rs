//! Permissions to move one thing, frozen into URLs.

use std::sync::Arc;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use object_store::aws::AwsCredential;

use super::{
    Cloud, CloudStore, Inner, Key, PartsId,
    azure::{self, Permission},
    gcs, s3,
    sigv4::{self, Credential, Moment, Presigner, Request},
};
use crate::{Error, Oid};

/// What a browser must not guess.
const MEDIA_TYPE: &str = "application/octet-stream";

/// Permission to move one object, to be handed to a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedUrl {
    /// Absolute URL.
    pub href: String,
    /// Headers that the client must send with it, as they are.
    pub headers: Vec<(&'static str, String)>,
}

/// Signs the URLs of one batch.
pub struct UrlSigner<'a> {
    store: &'a Inner,
    pen: Pen<'a>,
    start: Moment,
    end: Moment,
    lifetime: u32,
}

/// Who signs.
enum Pen<'a> {
    Amazon(&'a s3::Access, Arc<AwsCredential>),
    Google(&'a gcs::Access),
    Microsoft(&'a azure::Access),
}

/// What signs by version 4 of Amazon's and Google's signatures.
pub(super) struct V4<'a> {
    pub(super) presigner: &'a Presigner,
    pub(super) credential: Credential<'a>,
    /// What stands before each key.
    pub(super) root: &'a str,
}

impl CloudStore {
    /// Signs for `lifetime` seconds from `now`, in seconds since the Unix epoch; seven days at most. One
    /// for a whole batch: nothing is asked of the bucket, and of the cloud only when temporary
    /// credentials end.
    pub async fn signer(&self, now: u64, lifetime: u32) -> Result<UrlSigner<'_>, Error> {
        let lifetime = lifetime.min(sigv4::LONGEST);
        let pen = match &self.0.cloud {
            Cloud::S3(s3) => Pen::Amazon(s3, s3.credential().await?),
            Cloud::Gcs(gcs) => Pen::Google(gcs),
            Cloud::Azure(azure) => Pen::Microsoft(azure),
        };
        let (start, end) = (Moment::new(now), Moment::new(now + u64::from(lifetime)));
        Ok(UrlSigner { store: &self.0, pen, start, end, lifetime })
    }
}

impl UrlSigner<'_> {
    /// For how long, in seconds.
    pub fn lifetime(&self) -> u32 {
        self.lifetime
    }

    /// To upload exactly the bytes that `oid` names, where the store sees to that
    /// ([`CloudStore::proves_uploads`]); `None` elsewhere. The checksum is signed as a header, for one in
    /// the query would be ignored if it is not sent: the store then refuses other bytes, and none at all.
    pub fn upload(&self, key: &Key, oid: &Oid) -> Option<SignedUrl> {
        const CHECKSUM: &str = "x-amz-checksum-sha256";
        if !self.store.proves_uploads() {
            return None;
        }
        let checksum = STANDARD.encode(oid.as_bytes());
        let href = self.sign("PUT", key, &[], &[(CHECKSUM, &checksum)]);
        Some(SignedUrl { href, headers: vec![(CHECKSUM, checksum)] })
    }

    /// To upload whatever it is, to a key in staging. Until the URL ends, it can be used again: what lies
    /// there may change after it was looked at, and only a copy ([`CloudStore::promote`]) stays what it
    /// is.
    pub fn stage(&self, key: &Key) -> SignedUrl {
        let headers = match self.pen {
            Pen::Microsoft(_) => vec![("x-ms-blob-type", "BlockBlob".to_owned())],
            Pen::Amazon(..) | Pen::Google(_) => Vec::new(),
        };
        SignedUrl { href: self.sign("PUT", key, &[], &[]), headers }
    }

    /// To upload one part, from 1 to [`MAX_PARTS`](super::parts::MAX_PARTS), of an upload in parts. On
    /// Azure it can also write the whole blob, after the completion too: promote, then look at the copy.
    pub fn part(&self, key: &Key, parts: &PartsId, number: u32) -> SignedUrl {
        let (block, number) = (parts.block(number), number.to_string());
        let query = match self.pen {
            Pen::Microsoft(_) => [("comp", "block"), ("blockid", block.as_str())],
            Pen::Amazon(..) | Pen::Google(_) => [("partNumber", number.as_str()), ("uploadId", parts.as_str())],
        };
        let href = self.sign("PUT", key, &query, &[]);
        SignedUrl { href, headers: Vec::new() }
    }

    /// To download. `disposition` is the value of `Content-Disposition` in the answer (RFC 6266).
    pub fn download(&self, key: &Key, disposition: Option<&str>) -> SignedUrl {
        let href = if let Pen::Microsoft(azure) = self.pen {
            let answer = (disposition.unwrap_or_default(), MEDIA_TYPE);
            azure.sign(Permission::Read, key.as_str(), &[], answer, &self.end)
        } else {
            let disposition = disposition.map(|value| ("response-content-disposition", value));
            let query: Vec<_> = disposition.into_iter().chain([("response-content-type", MEDIA_TYPE)]).collect();
            self.sign("GET", key, &query, &[])
        };
        SignedUrl { href, headers: Vec::new() }
    }

    fn sign(&self, method: &str, key: &Key, query: &[(&str, &str)], headers: &[(&str, &str)]) -> String {
        let v4 = match &self.pen {
            Pen::Microsoft(azure) => {
                return azure.sign(Permission::Write, key.as_str(), query, ("", ""), &self.end);
            }
            Pen::Amazon(s3, credential) => s3.signs(credential),
            Pen::Google(gcs) => gcs.signs(),
        };
        let path = format!("{}{key}", v4.root);
        let request = Request { method, path: &path, query, headers };
        v4.presigner.presign(&v4.credential, &request, &self.start, self.lifetime)
    }
}
