//! Objects in a bucket. Their bytes go straight between the client and the bucket: this side signs
//! URLs, and looks at what has arrived.

use std::{fmt, str::FromStr, sync::Arc, time::Duration};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use futures::TryStreamExt as _;
use object_store::{
    ClientOptions, ObjectStore, ObjectStoreExt as _, RetryConfig,
    aws::{AmazonS3Builder, AwsCredential, AwsCredentialProvider},
    path::Path,
};
use sha2::{Digest as _, Sha256};

use crate::{Error, Oid};

mod sigv4;

use sigv4::{Credential, Moment, Presigner, Request};

/// How long one request to the bucket may take, tries included.
const PATIENCE: Duration = Duration::from_secs(20);

/// Objects in a bucket. Cheap to clone.
#[derive(Clone)]
pub struct CloudStore(Arc<Inner>);

struct Inner {
    objects: Arc<dyn ObjectStore>,
    credentials: AwsCredentialProvider,
    presigner: Presigner,
    /// What stands before each key in a signed path: a slash, the bucket where it is not in the host
    /// name, the prefix.
    signed_root: String,
    prefix: String,
}

/// A bucket of Amazon S3, or of anything that speaks its protocol.
pub struct S3Bucket {
    /// Its name.
    pub bucket: String,
    /// Folder of the keys in the bucket, without slashes at its ends; may be empty.
    pub prefix: String,
    /// As in `eu-central-1`.
    pub region: String,
    /// `https://host[:port]` of a store that is not Amazon's.
    pub endpoint: Option<String>,
    /// The same store as clients reach it, where that differs.
    pub public_endpoint: Option<String>,
    /// Whether the bucket is part of the host name rather than of the path.
    pub virtual_host: bool,
    /// Credentials and whatever else the cloud's own tools read from the environment: `AWS_*`.
    pub environment: Vec<(String, String)>,
}

/// Where an object lies: `ab/cd/<oid>.<place>`. Each dataset that uploads an object uploads to a place
/// of its own, so that what has arrived there was sent by somebody who may write to that dataset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key(String);

impl Key {
    /// The place of one dataset's upload.
    pub fn new(oid: &Oid, place: [u8; 8]) -> Self {
        let oid = oid.to_string();
        Self(format!("{}/{}/{oid}.{}", &oid[..2], &oid[2..4], hex::encode(place)))
    }
}

impl fmt::Display for Key {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl FromStr for Key {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let parsed = || {
            let (oid, place) = text.get(6..)?.split_once('.')?;
            let place: [u8; 8] = hex::decode(place).ok()?.try_into().ok()?;
            Some(Self::new(&oid.parse().ok()?, place))
        };
        parsed()
            .filter(|key| key.0 == text)
            .ok_or_else(|| Error::Invalid(format!("`{text}` is not the key of an object")))
    }
}

/// Permission to move one object, to be handed to a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedUrl {
    /// Absolute URL.
    pub href: String,
    /// A header that the client must send with it, as it is.
    pub header: Option<(&'static str, String)>,
}

impl CloudStore {
    /// Opens a bucket. Nothing is asked of it yet.
    ///
    /// # Errors
    /// [`Error::Invalid`] for options that cannot be.
    pub fn s3(options: S3Bucket) -> Result<Self, Error> {
        let S3Bucket { bucket, prefix, region, endpoint, public_endpoint, virtual_host, environment } = options;
        let invalid = |error: object_store::Error| Error::Invalid(format!("bucket `{bucket}`: {error}"));
        let mut builder = AmazonS3Builder::new();
        for (name, value) in environment {
            if let Ok(key) = name.to_ascii_lowercase().parse() {
                builder = builder.with_config(key, value);
            }
        }
        builder =
            builder.with_bucket_name(&bucket).with_region(&region).with_virtual_hosted_style_request(virtual_host);
        if let Some(endpoint) = &endpoint {
            let in_host = if virtual_host { with_bucket_in_host(endpoint, &bucket)? } else { endpoint.clone() };
            builder = builder.with_endpoint(in_host).with_allow_http(endpoint.starts_with("http://"));
        }
        let retry = RetryConfig { max_retries: 3, retry_timeout: PATIENCE, ..RetryConfig::default() };
        let s3 = builder
            .with_retry(retry)
            .with_client_options(ClientOptions::new().with_connect_timeout(Duration::from_secs(5)))
            .build()
            .map_err(invalid)?;
        let credentials = Arc::clone(s3.credentials());

        let amazon = || format!("https://s3.{region}.amazonaws.com");
        let public = public_endpoint.or(endpoint).unwrap_or_else(amazon);
        let public = public.trim_end_matches('/');
        let origin = if virtual_host { with_bucket_in_host(public, &bucket)? } else { public.to_owned() };
        let mut signed_root = String::from("/");
        for part in [(!virtual_host).then_some(&bucket), (!prefix.is_empty()).then_some(&prefix)].into_iter().flatten()
        {
            signed_root.push_str(part);
            signed_root.push('/');
        }
        let presigner = Presigner::new(region, origin);
        Ok(Self(Arc::new(Inner { objects: Arc::new(s3), credentials, presigner, signed_root, prefix })))
    }

    /// Signs for `lifetime` seconds from `now`, in seconds since the Unix epoch. One for a whole batch:
    /// nothing is asked of the bucket, and of the cloud only when temporary credentials end.
    pub async fn signer(&self, now: u64, lifetime: u32) -> Result<UrlSigner<'_>, Error> {
        let credential = self.0.credentials.get_credential().await.map_err(unreachable)?;
        Ok(UrlSigner { store: &self.0, credential, now: Moment::new(now), lifetime })
    }

    /// The size of what lies at `key`, in bytes.
    pub async fn size(&self, key: &Key) -> Result<Option<u64>, Error> {
        match self.0.objects.head(&self.path(key)).await {
            Ok(found) => Ok(Some(found.size)),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(unreachable(error)),
        }
    }

    /// What lies at `key`, by its bytes: all of them are read.
    pub async fn hash(&self, key: &Key) -> Result<Option<(Oid, u64)>, Error> {
        let answer = match self.0.objects.get(&self.path(key)).await {
            Ok(answer) => answer,
            Err(object_store::Error::NotFound { .. }) => return Ok(None),
            Err(error) => return Err(unreachable(error)),
        };
        let (mut blocks, mut hasher, mut size) = (answer.into_stream(), Sha256::new(), 0);
        while let Some(block) = blocks.try_next().await.map_err(unreachable)? {
            size += block.len() as u64;
            hasher.update(&block);
        }
        Ok(Some((Oid::from_bytes(hasher.finalize().into()), size)))
    }

    /// Removes what lies at `key`; nothing there is no error.
    pub async fn remove(&self, key: &Key) -> Result<(), Error> {
        match self.0.objects.delete(&self.path(key)).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(unreachable(error)),
        }
    }

    fn path(&self, key: &Key) -> Path {
        let separator = if self.0.prefix.is_empty() { "" } else { "/" };
        Path::from(format!("{}{separator}{key}", self.0.prefix))
    }
}

/// Signs the URLs of one batch.
pub struct UrlSigner<'a> {
    store: &'a Inner,
    credential: Arc<AwsCredential>,
    now: Moment,
    lifetime: u32,
}

impl UrlSigner<'_> {
    /// For how long, in seconds.
    pub fn lifetime(&self) -> u32 {
        self.lifetime.min(sigv4::LONGEST)
    }

    /// To upload exactly the bytes that `oid` names. The checksum is signed as a header, for one in the
    /// query would be ignored if it is not sent: the store then refuses other bytes, and none at all.
    pub fn upload(&self, key: &Key, oid: &Oid) -> SignedUrl {
        const CHECKSUM: &str = "x-amz-checksum-sha256";
        let checksum = STANDARD.encode(oid.as_bytes());
        let href = self.sign("PUT", key, &[], &[(CHECKSUM, &checksum)]);
        SignedUrl { href, header: Some((CHECKSUM, checksum)) }
    }

    /// To download. `disposition` is the value of `Content-Disposition` in the answer (RFC 6266).
    pub fn download(&self, key: &Key, disposition: Option<&str>) -> SignedUrl {
        let disposition = disposition.map(|value| ("response-content-disposition", value));
        let query: Vec<_> =
            disposition.into_iter().chain([("response-content-type", "application/octet-stream")]).collect();
        SignedUrl { href: self.sign("GET", key, &query, &[]), header: None }
    }

    fn sign(&self, method: &str, key: &Key, query: &[(&str, &str)], headers: &[(&str, &str)]) -> String {
        let path = format!("{}{key}", self.store.signed_root);
        let credential = Credential {
            key_id: &self.credential.key_id,
            secret: &self.credential.secret_key,
            token: self.credential.token.as_deref(),
        };
        let request = Request { method, path: &path, query, headers };
        self.store.presigner.presign(&credential, &request, &self.now, self.lifetime())
    }
}

/// `https://host` becomes `https://bucket.host`.
fn with_bucket_in_host(endpoint: &str, bucket: &str) -> Result<String, Error> {
    let (scheme, host) = endpoint
        .split_once("://")
        .ok_or_else(|| Error::Invalid(format!("the endpoint `{endpoint}` must begin with https:// or http://")))?;
    Ok(format!("{scheme}://{bucket}.{host}"))
}

fn unreachable(error: object_store::Error) -> Error {
    Error::Unavailable(Box::new(error))
}

impl fmt::Debug for CloudStore {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("CloudStore").field("root", &self.0.signed_root).finish_non_exhaustive()
    }
}
