//! Object storage in a bucket (S3, Google Cloud Storage, Azure Blob Storage). The bytes go directly between the
//! client and the bucket: this side presigns URLs and verifies uploads.
//!
//! The providers differ in how requests and URLs are signed ([`s3`], [`gcs`], [`azure`]), in multipart uploads
//! ([`parts`]) and in copying ([`copy`]). Everything else goes through `object_store`.

use std::{fmt, sync::Arc};

use futures::{Stream, StreamExt as _, TryStreamExt as _, stream};
use http::Method;
use object_store::{ObjectMeta, ObjectStore, ObjectStoreExt as _, client::HttpClient, path::Path, prefix::PrefixStore};

use crate::Error;

mod azure;
mod check;
mod copy;
mod cors;
mod failure;
mod gcs;
mod key;
mod open;
mod parts;
mod read;
mod request;
mod s3;
mod signer;
mod sigv4;

use failure::Failure;
use request::{Call, in_time};

pub use azure::AzureContainer;
pub use check::{Check, Step, check};
pub use gcs::GcsBucket;
pub use key::Key;
pub use open::install_tls_provider;
pub use parts::{Part, PartsId};
pub use s3::S3Bucket;
pub use signer::{SignedUrl, UrlSigner};

/// A store of objects in a bucket. Cheap to clone.
#[derive(Clone)]
pub struct CloudStore(Arc<Inner>);

struct Inner {
    /// Name for messages, as in `s3://bucket/prefix`.
    name: String,
    /// The whole bucket.
    objects: Arc<dyn ObjectStore>,
    http: HttpClient,
    cloud: Cloud,
    /// URL of the bucket for the server itself.
    base: String,
    /// Key prefix without leading or trailing slashes; may be empty.
    prefix: String,
}

enum Cloud {
    S3(Box<s3::Access>),
    Gcs(Box<gcs::Access>),
    Azure(azure::Access),
}

/// The version of an object in the bucket at one moment. Equal stamps mean the same bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CloudStat {
    /// Size in bytes.
    pub size: u64,
    /// Version identifier assigned by the store.
    pub tag: String,
}

/// An entry of a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Key below the prefix of the store. Most are a [`Key`].
    pub key: String,
    /// Size in bytes.
    pub size: u64,
    /// Modification time in Unix seconds, by the clock of the store.
    pub modified: u64,
}

impl CloudStore {
    /// Returns true if [`UrlSigner::upload`] is supported, whose presigned URL accepts only the expected content.
    pub fn proves_uploads(&self) -> bool {
        self.0.proves_uploads()
    }

    /// Returns true if an object that was completed from parts cannot be changed with the URLs of its parts. On
    /// Azure these URLs can also write the whole object.
    pub fn completed_parts_stay(&self) -> bool {
        !matches!(self.0.cloud, Cloud::Azure(_))
    }

    /// Returns true if a PUT without headers can upload an object, and the response has an `ETag`. Azure requires
    /// a header, except for the blocks of a multipart upload, which get no `ETag`.
    pub fn takes_bare_uploads(&self) -> bool {
        !matches!(self.0.cloud, Cloud::Azure(_))
    }

    /// Returns the maximum size in bytes of an object uploaded in one `PUT`; larger ones must use parts.
    pub fn largest_upload(&self) -> u64 {
        match self.0.cloud {
            Cloud::S3(_) => 5 << 30,
            Cloud::Gcs(_) => 5 << 40,
            Cloud::Azure(_) => 5000 << 20,
        }
    }

    /// Returns the origin of presigned URLs, as `https://host:port`, which web pages must be allowed to access.
    pub fn public_origin(&self) -> &str {
        match &self.0.cloud {
            Cloud::S3(access) => access.origin(),
            Cloud::Gcs(access) => access.origin(),
            Cloud::Azure(access) => access.origin(),
        }
    }

    /// Returns the current version of the object at `key`, if there is one.
    pub async fn stat(&self, key: &Key) -> Result<Option<CloudStat>, Error> {
        Ok(self.0.head(key).await?.as_ref().map(stamp))
    }

    /// Deletes the object at `key`. A missing object is not an error.
    pub async fn remove(&self, key: &Key) -> Result<(), Error> {
        let path = self.0.in_bucket(key.as_str());
        match self.0.send(Call::new(Method::DELETE, &path)).await {
            Err(failure) if !failure.is_missing() => Err(failure.into()),
            _ => Ok(()),
        }
    }

    /// Deletes several objects, in as few requests as the store permits.
    pub async fn remove_all(&self, keys: &[Key]) -> Result<(), Error> {
        let locations: Vec<_> = keys.iter().map(|key| Ok(self.0.location(key))).collect();
        let mut removed = self.0.objects.delete_stream(stream::iter(locations).boxed());
        let mut missing = false;
        while let Some(end) = removed.next().await {
            match end {
                Ok(_) => {}
                Err(object_store::Error::NotFound { .. }) => missing = true,
                Err(error) => return Err(unavailable(error)),
            }
        }
        // The bucket itself may be missing.
        if let (true, Some(key)) = (missing, keys.first()) { self.0.head(key).await.map(drop) } else { Ok(()) }
    }

    /// Lists everything in a folder below the prefix of the store, recursively; the whole store if `folder` is
    /// empty. In the order of the keys.
    pub fn list(&self, folder: &str) -> impl Stream<Item = Result<Listed, Error>> + Send + use<> {
        let own = self.0.in_bucket("");
        let inside = Path::from(format!("{own}{folder}"));
        let root = own.len();
        let listed = stream::try_unfold(self.0.objects.list(Some(&inside)), |mut listed| async move {
            Ok(in_time(listed.try_next()).await?.map(|found| (found, listed)))
        });
        listed.map_err(unavailable).map_ok(move |found| Listed {
            key: found.location.as_ref().get(root..).unwrap_or_default().to_owned(),
            size: found.size,
            modified: found.last_modified.timestamp().try_into().unwrap_or_default(),
        })
    }

    /// Returns a folder of the store, for data other than Git LFS objects.
    pub fn folder(&self, name: &str) -> Arc<dyn ObjectStore> {
        let path = Path::from(self.0.in_bucket(name));
        Arc::new(PrefixStore::new(Arc::clone(&self.0.objects), path))
    }
}

impl Inner {
    fn proves_uploads(&self) -> bool {
        matches!(&self.cloud, Cloud::S3(s3) if s3.trust_checksums)
    }

    /// Returns the metadata of an object. A missing bucket is an error: its objects are unavailable, not deleted.
    async fn head(&self, key: &Key) -> Result<Option<ObjectMeta>, Error> {
        match in_time(self.objects.head(&self.location(key))).await {
            Ok(found) => return Ok(Some(found)),
            Err(object_store::Error::NotFound { .. }) => {}
            Err(error) => return Err(unavailable(error)),
        }
        // The response to HEAD has no body that says what is missing.
        let path = self.in_bucket(key.as_str());
        let first = Call { headers: &[("range", "bytes=0-0")], ..Call::new(Method::GET, &path) };
        match self.send(first).await {
            Err(failure) if failure.status == Some(404) && !failure.is_missing() => Err(failure.into()),
            // It may have been written in the meantime; a moment ago it did not exist.
            Ok(_) | Err(Failure { status: Some(404 | 416), .. }) => Ok(None),
            Err(failure) => Err(failure.into()),
        }
    }

    /// Returns the path of a key in the bucket.
    fn in_bucket(&self, key: &str) -> String {
        if self.prefix.is_empty() { key.to_owned() } else { format!("{}/{key}", self.prefix) }
    }

    fn location(&self, key: &Key) -> Path {
        Path::from(self.in_bucket(key.as_str()))
    }
}

fn stamp(found: &ObjectMeta) -> CloudStat {
    let tag = found.e_tag.as_deref().unwrap_or_default();
    CloudStat { size: found.size, tag: format!("{tag} {}", found.last_modified.timestamp()) }
}

fn unavailable(error: object_store::Error) -> Error {
    Failure::from(error).into()
}

impl fmt::Display for CloudStore {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0.name)
    }
}

impl fmt::Debug for CloudStore {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("CloudStore").field(&self.0.name).finish()
    }
}

#[cfg(test)]
mod tests;
