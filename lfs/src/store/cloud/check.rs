//! Bucket self-test: tries every operation that rutter uses and explains failures.

use std::time::{Duration, Instant, UNIX_EPOCH};

use bytes::Bytes;
use futures::TryStreamExt as _;
use http::{HeaderMap, Method, StatusCode};
use object_store::ObjectStoreExt as _;

use super::{
    Cloud, CloudStore, Inner, Key, Part, SignedUrl, UrlSigner,
    failure::Failure,
    request::{REQUEST_TIMEOUT, exchange, plain},
};
use crate::{Error, Oid};

mod browser;

/// Maximum clock difference in seconds. Signatures are valid for hours, but S3 rejects requests with a difference
/// of more than 15 minutes.
const SKEW: u64 = 300;

/// Lifetime in seconds of the URLs signed for the check.
const LIFETIME: u32 = 900;

/// Size in bytes of a test part: large enough for one that is not the last.
const PART: usize = 5 << 20;

/// Options of [`check`].
pub struct Check {
    /// Current time in Unix seconds.
    pub now: u64,
    /// Makes the keys of this check unique: 16 random bytes.
    pub id: [u8; 16],
    /// Origin of the web pages that access the bucket, as in `https://data.example`.
    pub origin: Option<String>,
}

/// One operation that was tried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Short name of the operation.
    pub name: &'static str,
    /// What was observed, or what failed and what to do.
    pub outcome: Result<String, String>,
}

/// Tries every operation in order. If the bucket is not writable, the others are skipped. Everything that was
/// written is removed.
pub async fn check(store: &CloudStore, options: &Check) -> Vec<Step> {
    let trial = BucketProbe::new(store, options);
    let mut steps = Vec::new();
    let mut note = |name, outcome| {
        let failed = Result::is_err(&outcome);
        steps.push(Step { name, outcome });
        !failed
    };
    if note("write", trial.write().await) {
        note("read a range", trial.read().await);
        note("clock", trial.clock().await);
        note("list", trial.list().await);
        note("signed upload", trial.upload().await);
        if store.proves_uploads() {
            note("signed upload of wrong bytes", trial.wrong_bytes().await);
            note("signed upload without the checksum", trial.no_checksum().await);
        }
        note("signed upload turned into a copy", trial.copy_header_attack().await);
        note("signed download", trial.download().await);
        note("copy", trial.copy().await);
        note("multipart upload", trial.parts().await);
        if let Some(origin) = &options.origin {
            note("browser", trial.browser(origin).await);
        }
        note("delete", trial.delete().await);
    }
    steps
}

/// The keys and bytes of one check.
struct BucketProbe<'a> {
    store: &'a CloudStore,
    now: u64,
    begin: Instant,
    bytes: Bytes,
    /// Oid of `bytes`.
    oid: Oid,
    staged: Key,
    copied: Key,
    uploaded: Key,
    refused: Key,
    parts: Key,
}

impl<'a> BucketProbe<'a> {
    fn new(store: &'a CloudStore, options: &Check) -> Self {
        let bytes = Bytes::from([options.id.as_slice(), b": a check of this bucket; it may be deleted\n"].concat());
        let (oid, other) = (Oid::of(&bytes), Oid::of(&options.id));
        let [mut parts, mut place] = [options.id, options.id];
        parts[0] ^= 1;
        place.rotate_left(8);
        let place: [u8; 8] = std::array::from_fn(|index| place[index]);
        Self {
            store,
            now: options.now,
            begin: Instant::now(),
            staged: Key::staging(options.id),
            copied: Key::new(&oid, place.map(|byte| !byte)),
            uploaded: Key::new(&oid, place),
            refused: Key::new(&other, place),
            parts: Key::staging(parts),
            bytes,
            oid,
        }
    }

    fn inner(&self) -> &Inner {
        &self.store.0
    }

    async fn signer(&self) -> Result<UrlSigner<'_>, String> {
        let now = self.now + self.begin.elapsed().as_secs();
        self.store.signer(now, LIFETIME).await.map_err(said)
    }

    async fn write(&self) -> Result<String, String> {
        let inner = self.inner();
        let written = inner.objects.put(&inner.location(&self.staged), self.bytes.clone().into()).await;
        written.map_err(|error| format!("cannot write to the bucket: {}", Failure::from(error)))?;
        Ok(format!("{} bytes at {}", self.bytes.len(), inner.in_bucket(self.staged.as_str())))
    }

    async fn read(&self) -> Result<String, String> {
        let inner = self.inner();
        let range = inner.objects.get_range(&inner.location(&self.staged), 4..20).await;
        let range = range.map_err(|error| format!("cannot read the new object: {}", Failure::from(error)))?;
        if range != self.bytes[4..20] {
            return Err("the bytes read differ from those written".into());
        }
        let hashed = self.store.hash(&self.staged).await.map_err(said)?;
        if hashed != Some((self.oid, self.bytes.len() as u64)) {
            return Err("the bytes read differ from those written".into());
        }
        Ok("read the bytes that were written".into())
    }

    async fn clock(&self) -> Result<String, String> {
        let url = self.signer().await?.download(&self.staged, None);
        let (_, headers, _) = self.ask(Method::GET, &url.href, &[], Bytes::new()).await?;
        let date = headers.get("date").and_then(|value| httpdate::parse_http_date(value.to_str().ok()?).ok());
        let Some(theirs) = date.and_then(|date| date.duration_since(UNIX_EPOCH).ok()) else {
            return Ok("the store does not report its time".into());
        };
        let (theirs, ours) = (theirs.as_secs(), self.now + self.begin.elapsed().as_secs());
        let difference = theirs.abs_diff(ours);
        let direction = if theirs > ours { "behind" } else { "ahead of" };
        if difference > SKEW {
            return Err(format!(
                "the clock of this machine is {difference} seconds {direction} that of the store: use NTP"
            ));
        }
        Ok(if difference <= 2 {
            "agrees".into()
        } else {
            format!("{difference} seconds {direction} that of the store")
        })
    }

    async fn list(&self) -> Result<String, String> {
        let listed: Vec<_> = self.store.list("staging").try_collect().await.map_err(said)?;
        let key = self.staged.to_string();
        if listed.iter().any(|found| found.key == key && found.size == self.bytes.len() as u64) {
            return Ok(format!("{} objects in staging", listed.len()));
        }
        Err("the object that was written is not listed: the store is not consistent, or lists another folder".into())
    }

    async fn upload(&self) -> Result<String, String> {
        let signer = self.signer().await?;
        let url = signer.upload(&self.uploaded, &self.oid).unwrap_or_else(|| signer.stage(&self.uploaded));
        self.sent(&url, self.bytes.clone()).await?;
        match self.store.hash(&self.uploaded).await.map_err(said)? {
            Some((oid, _)) if oid == self.oid => {}
            _ => return Err("the store accepted the upload but does not have the bytes that were sent".into()),
        }
        Ok(match (url.headers.as_slice(), self.store.proves_uploads()) {
            ([], _) => "accepted; the server verifies uploads by hashing them".into(),
            ([(name, _), ..], true) => format!("accepted with {name}"),
            ([(name, _), ..], false) => format!("accepted with {name}; the server verifies uploads by hashing them"),
        })
    }

    async fn wrong_bytes(&self) -> Result<String, String> {
        let url = self.signer().await?.upload(&self.refused, &self.oid).expect("it proves uploads");
        let mut wrong = self.bytes.to_vec();
        wrong[0] ^= 1;
        let (status, ..) = self.send(&url, wrong.into()).await?;
        self.expect_nothing(status, "bytes that do not match the signed checksum").await
    }

    async fn no_checksum(&self) -> Result<String, String> {
        let url = self.signer().await?.upload(&self.refused, &self.oid).expect("it proves uploads");
        let bare = SignedUrl { headers: Vec::new(), ..url };
        let (status, ..) = self.send(&bare, self.bytes.clone()).await?;
        self.expect_nothing(status, "an upload without the signed checksum").await
    }

    /// Headers that are not signed must not turn an upload into another operation: a client with write access to
    /// one key could read everything.
    async fn copy_header_attack(&self) -> Result<String, String> {
        let name = match self.inner().cloud {
            Cloud::S3(_) => "x-amz-copy-source",
            Cloud::Gcs(_) => "x-goog-copy-source",
            Cloud::Azure(_) => "x-ms-copy-source",
        };
        let inner = self.inner();
        let path = inner.in_bucket(self.staged.as_str());
        let source = match &inner.cloud {
            Cloud::S3(s3) => format!("/{}/{path}", s3.bucket),
            Cloud::Gcs(_) | Cloud::Azure(_) => format!("{}/{path}", inner.base),
        };
        let mut url = self.signer().await?.stage(&self.refused);
        url.headers.push((name, source));
        let (status, ..) = self.send(&url, Bytes::new()).await?;
        match self.store.hash(&self.refused).await.map_err(said)? {
            Some((oid, _)) if oid == self.oid => Err(format!(
                "the store lets any client with an upload URL copy any object in the bucket ({name}): do not use it \
                 for data that is not public"
            )),
            _ => Ok(format!("rejected with status {}", status.as_u16())),
        }
    }

    async fn expect_nothing(&self, status: StatusCode, what: &str) -> Result<String, String> {
        if status.is_success() || self.store.stat(&self.refused).await.map_err(said)?.is_some() {
            return Err(format!(
                "the store accepts {what}: set trust_checksums = false, so that uploads are verified by hashing"
            ));
        }
        Ok(format!("rejected with status {}", status.as_u16()))
    }

    async fn download(&self) -> Result<String, String> {
        const DISPOSITION: &str = "attachment; filename=\"check it.txt\"; filename*=UTF-8''check%20it%C3%A4.txt";
        let url = self.signer().await?.download(&self.staged, Some(DISPOSITION));
        let (status, headers, body) = self.ask(Method::GET, &url.href, &[], Bytes::new()).await?;
        if !status.is_success() {
            return Err(answered(status, &body));
        }
        if body != self.bytes {
            return Err("the bytes downloaded differ from those written".into());
        }
        let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        if header("content-disposition") != DISPOSITION {
            return Err(format!(
                "the store ignores response-content-disposition (it sends `{}`): downloads would have no filename",
                header("content-disposition")
            ));
        }
        if header("content-type") != "application/octet-stream" {
            return Err(format!(
                "the store ignores response-content-type (it sends `{}`): browsers could render uploads as web pages",
                header("content-type")
            ));
        }
        Ok("with its filename".into())
    }

    async fn copy(&self) -> Result<String, String> {
        let copied = self.store.promote(&self.staged, &self.copied).await.map_err(said)?;
        let found = self.store.hash(&self.copied).await.map_err(said)?;
        match found {
            Some((oid, _)) if copied && oid == self.oid => Ok("within the bucket".into()),
            _ => Err("a copy within the bucket is missing or differs".into()),
        }
    }

    async fn parts(&self) -> Result<String, String> {
        let id = self.store.begin_parts(&self.parts).await.map_err(said)?;
        let end = async {
            let first = Bytes::from(vec![b'-'; PART]);
            let url = self.signer().await?.part(&self.parts, &id, 1);
            self.sent(&url, first.clone()).await?;
            self.store.put_part(&self.parts, &id, 2, self.bytes.clone()).await.map_err(said)?;
            let parts = self.store.parts(&self.parts, &id).await.map_err(said)?.unwrap_or_default();
            let sizes: Vec<_> = parts.iter().map(|&Part { number, size, .. }| (number, size)).collect();
            if sizes != [(1, PART as u64), (2, self.bytes.len() as u64)] {
                return Err(format!("two parts were uploaded, but the store lists {sizes:?}"));
            }
            self.store.complete_parts(&self.parts, &id, &parts).await.map_err(said)?;
            let expected = Oid::of(&[&first[..], &self.bytes].concat());
            match self.store.hash(&self.parts).await.map_err(said)? {
                Some((oid, _)) if oid == expected => Ok("two parts were combined".into()),
                _ => Err("the combined object differs from the parts that were sent".into()),
            }
        };
        let end = end.await;
        if end.is_err() {
            // The parts may take up space until then. A failure of the abort adds nothing to the error.
            let _ = self.store.abort_parts(&self.parts, &id).await;
        }
        end
    }

    async fn delete(&self) -> Result<String, String> {
        let keys = [&self.staged, &self.copied, &self.uploaded, &self.refused, &self.parts];
        for key in keys {
            self.store.remove(key).await.map_err(said)?;
            if self.store.stat(key).await.map_err(said)?.is_some() {
                return Err(format!("{key} was deleted but still exists"));
            }
        }
        Ok("all objects of this check were deleted".into())
    }

    /// Sends a signed request, which must be accepted.
    async fn sent(&self, url: &SignedUrl, bytes: Bytes) -> Result<(), String> {
        let (status, _, body) = self.send(url, bytes).await?;
        if status.is_success() { Ok(()) } else { Err(answered(status, &body)) }
    }

    async fn send(&self, url: &SignedUrl, bytes: Bytes) -> Result<(StatusCode, HeaderMap, Bytes), String> {
        self.ask(Method::PUT, &url.href, &url.headers, bytes).await
    }

    /// Sends a request as a client would, with nothing but a URL.
    async fn ask(
        &self,
        method: Method,
        url: &str,
        headers: &[(&'static str, String)],
        bytes: Bytes,
    ) -> Result<(StatusCode, HeaderMap, Bytes), String> {
        let request = plain(method, url, headers, bytes).map_err(|failure| failure.to_string())?;
        exchange(&self.inner().http, request, REQUEST_TIMEOUT + Duration::from_secs(60)).await.map_err(|failure| {
            let host = url.split('/').take(3).collect::<Vec<_>>().join("/");
            format!("clients use {host}, which cannot be reached from this machine: {failure}; check public_endpoint")
        })
    }
}

/// Describes an error response of the store.
fn answered(status: StatusCode, body: &[u8]) -> String {
    Failure::answered(status.as_u16(), &String::from_utf8_lossy(body)).to_string()
}

/// Describes an error.
fn said(error: Error) -> String {
    match error {
        Error::Unavailable(cause) => cause.to_string(),
        error => error.to_string(),
    }
}
