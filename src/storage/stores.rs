//! The stores that an operator configured, by name.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use lfs::store::{CloudStamp, CloudStore, Key};
use lfs::{LocalStore, Oid};

use crate::config::{Config, DEFAULT_STORE, StorePlace};
use crate::db::Db;
use crate::error::{Error, Result};

/// All stores.
pub struct Stores(BTreeMap<String, (Store, Option<PathBuf>)>);

/// Where a store is, for those that keep more in it than objects.
pub enum Place<'a> {
    /// A folder.
    Folder(&'a Path),
    /// A bucket.
    Bucket(&'a CloudStore),
}

/// One of them.
#[derive(Clone)]
pub(super) enum Store {
    /// A folder: bytes pass through this server, which hashes them.
    Folder(LocalStore),
    /// A bucket: clients talk to it themselves.
    Bucket(CloudStore),
}

/// A file in a store as it was at one moment. Whoever writes an object makes another.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Stamp {
    Folder(lfs::store::Stamp),
    Bucket(CloudStamp),
}

impl Stamp {
    /// In bytes.
    pub(super) fn size(&self) -> u64 {
        match self {
            Self::Folder(stamp) => stamp.size,
            Self::Bucket(stamp) => stamp.size,
        }
    }
}

impl Stores {
    /// Opens all of them. Nothing is asked of buckets yet.
    ///
    /// # Errors
    /// Invalid for options that cannot be, and for a folder that is empty where the database knows of
    /// objects: a disk that is not mounted must not be taken for one that has lost everything.
    pub async fn open(config: &Config, db: &Db) -> Result<Self> {
        let mut stores = BTreeMap::new();
        for options in config.store_options()? {
            let named = match options.place {
                StorePlace::Folder(root) => {
                    let folder = root.join("objects");
                    let mut tx = db.read().await?;
                    let mut expected = Vec::new();
                    if !tx.objects_after(&options.name, "", 1).await?.is_empty() {
                        expected.push((
                            &folder,
                            "objects",
                            "what people still have comes back with `git lfs push --all`",
                        ));
                    }
                    let packs = root.join("packs");
                    if options.name == DEFAULT_STORE && tx.has_stored_packs().await? {
                        expected.push((&packs, "packs", "who has a complete clone can push it to a new dataset"));
                    }
                    drop(tx);
                    for (folder, what, remedy) in expected {
                        if std::fs::read_dir(folder).map_or(true, |mut files| files.next().is_none()) {
                            return Err(Error::invalid(format!(
                                "the database knows of {what}, but {0} is empty: mount the disk that holds them, or \
                                 restore them. If they are lost, make an empty file {0}/README; {remedy}",
                                folder.display()
                            )));
                        }
                    }
                    (Store::Folder(LocalStore::open(folder)?), Some(root))
                }
                StorePlace::S3(bucket) => (Store::Bucket(CloudStore::s3(bucket)?), None),
                StorePlace::Gcs(bucket) => (Store::Bucket(CloudStore::gcs(bucket)?), None),
                StorePlace::Azure(container) => (Store::Bucket(CloudStore::azure(container)?), None),
            };
            stores.insert(options.name, named);
        }
        Ok(Self(stores))
    }

    /// The store of this name.
    ///
    /// # Errors
    /// Unavailable if the configuration has it no more.
    pub(super) fn named(&self, name: &str) -> Result<&Store> {
        self.0.get(name).map(|(store, _)| store).ok_or_else(|| {
            tracing::error!(store = name, "datasets belong to a store that is not configured");
            Error::unavailable(format!("the store `{name}` is not configured on this server; tell its operator"))
        })
    }

    /// Where the store of datasets that name no other is.
    pub fn default_place(&self) -> Result<Place<'_>> {
        match self.0.get(DEFAULT_STORE) {
            Some((Store::Folder(_), Some(root))) => Ok(Place::Folder(root)),
            Some((Store::Bucket(bucket), _)) => Ok(Place::Bucket(bucket)),
            _ => Err(Error::internal("there is no default store")),
        }
    }

    /// Where clients of the buckets are sent, as `https://host:port`.
    pub(super) fn origins(&self) -> Vec<String> {
        let buckets = self.0.values().filter_map(|(store, _)| match store {
            Store::Folder(_) => None,
            Store::Bucket(bucket) => Some(bucket.public_origin().to_owned()),
        });
        let mut origins: Vec<String> = buckets.collect();
        origins.sort_unstable();
        origins.dedup();
        origins
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// Removes what dead uploads left behind in folders: temporary files of this age, and uploads in parts
    /// that no row names any more.
    pub(super) async fn reap(&self, older_than: Duration, parts_older_than: Duration) -> Result<usize> {
        let mut reaped = 0;
        for (store, _) in self.0.values() {
            if let Store::Folder(folder) = store {
                reaped += folder.reap(older_than).await?;
                reaped += folder.reap_uploads(parts_older_than).await?;
            }
        }
        Ok(reaped)
    }
}

impl Store {
    /// What is there under this name; the content is not looked at.
    pub(super) async fn stat(&self, oid: &Oid, place: &str) -> Result<Option<Stamp>> {
        Ok(match self {
            Self::Folder(folder) => folder.stat(oid).await?.map(Stamp::Folder),
            Self::Bucket(bucket) => bucket.stat(&key(oid, place)?).await?.map(Stamp::Bucket),
        })
    }

    /// Whether the bytes are what their name says; all of them are read.
    pub(super) async fn is_sound(&self, oid: &Oid, place: &str) -> Result<bool> {
        match self {
            Self::Folder(folder) => match folder.rehash(oid).await {
                Err(lfs::Error::NotFound(_)) => Ok(false),
                outcome => Ok(outcome?),
            },
            Self::Bucket(bucket) => {
                let found = bucket.hash(&key(oid, place)?).await?;
                Ok(found.is_some_and(|(found, _)| found == *oid))
            }
        }
    }
}

/// Where an object of a bucket lies, by what its row says.
pub(super) fn key(oid: &Oid, place: &str) -> Result<Key> {
    format!("{}/{}/{oid}.{place}", &oid.to_string()[..2], &oid.to_string()[2..4]).parse().map_err(Error::from)
}
