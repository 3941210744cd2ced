//! The configured object stores, by name.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use lfs::store::{CloudStat, CloudStore, Key};
use lfs::{LocalStore, Oid};

use crate::config::{Config, DEFAULT_STORE, PackPolicy, StorePlace};
use crate::db::Db;
use crate::error::{Error, Result};

/// All configured stores.
pub struct Stores(BTreeMap<String, ConfiguredStore>);

struct ConfiguredStore {
    store: Store,
    /// The folder, if it is one.
    root: Option<PathBuf>,
    pack: PackPolicy,
}

/// The location of a store, for other data that is kept in it.
pub enum Place<'a> {
    /// A local folder.
    Folder(&'a Path),
    /// A bucket.
    Bucket(&'a CloudStore),
}

/// An object store.
#[derive(Clone)]
pub(super) enum Store {
    /// A local folder: bytes pass through this server, which hashes them.
    Folder(LocalStore),
    /// A bucket: clients connect to it directly.
    Bucket(CloudStore),
}

/// The state of a file in a store at one moment. Writing an object changes it.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Stat {
    Folder(lfs::store::Stat),
    Bucket(CloudStat),
}

impl Stat {
    /// Returns the size in bytes.
    pub(super) fn size(&self) -> u64 {
        match self {
            Self::Folder(stamp) => stamp.size,
            Self::Bucket(stamp) => stamp.size,
        }
    }
}

impl Stores {
    /// Opens all stores. Does not contact buckets yet.
    ///
    /// # Errors
    /// Invalid for invalid options, and for an empty folder if the database has objects: a disk that is not mounted
    /// must not be mistaken for one that has lost everything.
    pub async fn open(config: &Config, db: &Db) -> Result<Self> {
        let mut stores = BTreeMap::new();
        for options in config.store_options()? {
            let (store, root) = match options.place {
                StorePlace::Folder(root) => {
                    let folder = root.join("objects");
                    let mut tx = db.read().await?;
                    let mut expected = Vec::new();
                    if !tx.objects_after(&options.name, "", 1).await?.is_empty() {
                        expected.push((
                            &folder,
                            "objects",
                            "users who still have them can restore them with `git lfs push --all`",
                        ));
                    }
                    let packs = root.join("packs");
                    if options.name == DEFAULT_STORE && tx.has_stored_packs().await? {
                        expected.push((
                            &packs,
                            "packs",
                            "users who have a complete clone can push it to a new dataset",
                        ));
                    }
                    drop(tx);
                    for (folder, what, remedy) in expected {
                        if std::fs::read_dir(folder).map_or(true, |mut files| files.next().is_none()) {
                            return Err(Error::invalid(format!(
                                "the database has {what}, but {0} is empty: mount the disk that holds them, or \
                                 restore them. If they are lost, create an empty file {0}/README; {remedy}",
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
            stores.insert(options.name, ConfiguredStore { store, root, pack: options.pack });
        }
        Ok(Self(stores))
    }

    /// Returns the store of this name.
    ///
    /// # Errors
    /// Unavailable if it is no longer configured.
    pub(super) fn named(&self, name: &str) -> Result<&Store> {
        self.configured(name).map(|configured| &configured.store)
    }

    /// Returns which objects of a store are packed.
    ///
    /// # Errors
    /// As for [`Stores::named`].
    pub(super) fn pack(&self, name: &str) -> Result<PackPolicy> {
        self.configured(name).map(|configured| configured.pack)
    }

    fn configured(&self, name: &str) -> Result<&ConfiguredStore> {
        self.0.get(name).ok_or_else(|| {
            tracing::error!(store = name, "a dataset uses a store that is not configured");
            Error::unavailable(format!("the store `{name}` is not configured on this server; contact its operator"))
        })
    }

    /// Returns the location of the default store.
    pub fn default_place(&self) -> Result<Place<'_>> {
        match self.0.get(DEFAULT_STORE) {
            Some(ConfiguredStore { store: Store::Folder(_), root: Some(root), .. }) => Ok(Place::Folder(root)),
            Some(ConfiguredStore { store: Store::Bucket(bucket), .. }) => Ok(Place::Bucket(bucket)),
            _ => Err(Error::internal("the default store is not configured")),
        }
    }

    /// Returns the public origins of the buckets (`https://host:port`).
    pub(super) fn origins(&self) -> Vec<String> {
        let buckets = self.0.values().filter_map(|configured| match &configured.store {
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

    /// Deletes abandoned files in local stores: temporary files of this age, and multipart uploads without a row.
    /// Returns their number.
    pub(super) async fn reap(&self, older_than: Duration, parts_older_than: Duration) -> Result<usize> {
        let mut reaped = 0;
        for configured in self.0.values() {
            if let Store::Folder(folder) = &configured.store {
                reaped += folder.reap(older_than).await?;
                reaped += folder.reap_uploads(parts_older_than).await?;
            }
        }
        Ok(reaped)
    }
}

impl Store {
    /// Returns the state of an object's file, without reading its content.
    pub(super) async fn stat(&self, oid: &Oid, place: &str) -> Result<Option<Stat>> {
        Ok(match self {
            Self::Folder(folder) => folder.stat(oid).await?.map(Stat::Folder),
            Self::Bucket(bucket) => bucket.stat(&key(oid, place)?).await?.map(Stat::Bucket),
        })
    }

    /// Re-hashes an object; returns true if its SHA-256 matches its oid. Reads all of its bytes.
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

/// Returns the key of an object in a bucket, from the values in its row.
pub(super) fn key(oid: &Oid, place: &str) -> Result<Key> {
    format!("{}/{}/{oid}.{place}", &oid.to_string()[..2], &oid.to_string()[2..4]).parse().map_err(Error::from)
}
