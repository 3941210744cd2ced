//! Objects in a bucket. Their bytes go straight between the client and the bucket: this side signs
//! URLs, and looks at what has arrived.
//!
//! Three clouds, and what differs between them: how a request and a URL are permitted
//! ([`s3`], [`gcs`], [`azure`]), what an upload in parts is called ([`parts`]), and who copies
//! ([`copy`]). All else goes through `object_store`.

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
pub use parts::{LARGEST_PART, MAX_PARTS, Part, PartsId, SMALLEST_PART};
pub use s3::S3Bucket;
pub use signer::{SignedUrl, UrlSigner};

/// Objects in a bucket. Cheap to clone.
#[derive(Clone)]
pub struct CloudStore(Arc<Inner>);

struct Inner {
    /// As in `s3://bucket/prefix`.
    name: String,
    /// All of the bucket.
    objects: Arc<dyn ObjectStore>,
    http: HttpClient,
    cloud: Cloud,
    /// The URL of the bucket for the server itself.
    base: String,
    /// Without slashes at its ends; may be empty.
    prefix: String,
}

enum Cloud {
    S3(Box<s3::Access>),
    Gcs(Box<gcs::Access>),
    Azure(azure::Access),
}

/// What lay at a key at one moment. Equal ones mean the same bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CloudStamp {
    /// In bytes.
    pub size: u64,
    /// What the store calls this version of it.
    pub tag: String,
}

/// One line of a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Below the prefix of the store. Most are a [`Key`].
    pub key: String,
    /// In bytes.
    pub size: u64,
    /// When it was written, in seconds since the Unix epoch, by the clock of the store.
    pub modified: u64,
}

impl CloudStore {
    /// Whether [`UrlSigner::upload`] can be had, whose URL takes nothing but the right bytes.
    pub fn proves_uploads(&self) -> bool {
        self.0.proves_uploads()
    }

    /// Whether what was completed from parts stays what it is, whatever is done with the URLs of its parts.
    /// On Azure these can also write the whole.
    pub fn completed_parts_stay(&self) -> bool {
        !matches!(self.0.cloud, Cloud::Azure(_))
    }

    /// Whether a PUT without headers can bring an object, and is answered with an `ETag`. Azure wants a
    /// header, save for the blocks of an upload in parts, which it gives no `ETag`.
    pub fn takes_bare_uploads(&self) -> bool {
        !matches!(self.0.cloud, Cloud::Azure(_))
    }

    /// The largest object that one `PUT` can bring, in bytes; what is larger must come in parts.
    pub fn largest_upload(&self) -> u64 {
        match self.0.cloud {
            Cloud::S3(_) => 5 << 30,
            Cloud::Gcs(_) => 5 << 40,
            Cloud::Azure(_) => 5000 << 20,
        }
    }

    /// Where signed URLs lead, as `https://host:port`: what web pages must be permitted to reach.
    pub fn public_origin(&self) -> &str {
        match &self.0.cloud {
            Cloud::S3(access) => access.origin(),
            Cloud::Gcs(access) => access.origin(),
            Cloud::Azure(access) => access.origin(),
        }
    }

    /// What lies at `key` now.
    pub async fn stat(&self, key: &Key) -> Result<Option<CloudStamp>, Error> {
        Ok(self.0.head(key).await?.as_ref().map(stamp))
    }

    /// Removes what lies at `key`; nothing there is no error.
    pub async fn remove(&self, key: &Key) -> Result<(), Error> {
        let path = self.0.in_bucket(key.as_str());
        match self.0.send(Call::new(Method::DELETE, &path)).await {
            Err(failure) if !failure.is_missing() => Err(failure.into()),
            _ => Ok(()),
        }
    }

    /// Removes many, in as few requests as the store permits.
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
        // It may be the bucket that is missing.
        if let (true, Some(key)) = (missing, keys.first()) { self.0.head(key).await.map(drop) } else { Ok(()) }
    }

    /// Everything in a folder below the prefix of the store, and in its folders; all of the store for an
    /// empty one. In the order of the keys.
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

    /// A folder of the store, for what is not an object of Git LFS.
    pub fn folder(&self, name: &str) -> Arc<dyn ObjectStore> {
        let path = Path::from(self.0.in_bucket(name));
        Arc::new(PrefixStore::new(Arc::clone(&self.0.objects), path))
    }
}

impl Inner {
    fn proves_uploads(&self) -> bool {
        matches!(&self.cloud, Cloud::S3(s3) if s3.trust_checksums)
    }

    /// What the store knows of it. A bucket that is not there has lost nothing: it is away.
    async fn head(&self, key: &Key) -> Result<Option<ObjectMeta>, Error> {
        match in_time(self.objects.head(&self.location(key))).await {
            Ok(found) => return Ok(Some(found)),
            Err(object_store::Error::NotFound { .. }) => {}
            Err(error) => return Err(unavailable(error)),
        }
        // The answer to HEAD has no words that say what is missing.
        let path = self.in_bucket(key.as_str());
        let first = Call { headers: &[("range", "bytes=0-0")], ..Call::new(Method::GET, &path) };
        match self.send(first).await {
            Err(failure) if failure.status == Some(404) && !failure.is_missing() => Err(failure.into()),
            // Somebody may have written it meanwhile; a moment ago it was not there.
            Ok(_) | Err(Failure { status: Some(404 | 416), .. }) => Ok(None),
            Err(failure) => Err(failure.into()),
        }
    }

    /// The path of a key in the bucket.
    fn in_bucket(&self, key: &str) -> String {
        if self.prefix.is_empty() { key.to_owned() } else { format!("{}/{key}", self.prefix) }
    }

    fn location(&self, key: &Key) -> Path {
        Path::from(self.in_bucket(key.as_str()))
    }
}

fn stamp(found: &ObjectMeta) -> CloudStamp {
    let tag = found.e_tag.as_deref().unwrap_or_default();
    CloudStamp { size: found.size, tag: format!("{tag} {}", found.last_modified.timestamp()) }
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
