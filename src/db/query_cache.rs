//! Query cache for SQLite. SQLite keeps a counter of committed transactions in shared memory; as long as it does
//! not change, every cached result is valid, whichever process writes. So hot look-ups cost one `pread` instead
//! of a query, and are never stale.
//!
//! The counter is in the header of the WAL index, 48 bytes at the start of the `-shm` file ("WAL-Index File
//! Format", §2.1 of SQLite's documentation). PostgreSQL has nothing comparable; there every look-up is a query.

use std::collections::HashMap;
use std::fs::File;
use std::hash::Hash;
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};

use lfs::Oid;

use super::accounts::TokenUserRow;
use super::app_installs::{AppSessionRow, InstallRow};
use super::datasets::DatasetRow;
use super::oauth::{AppLoginRow, ClientRow};
use super::objects::Held;
use super::shares::SharedRow;
use super::{Db, Tx};
use crate::error::Result;
use crate::types::{Id, RepoPath, Role};

/// Maximum number of cached results; all are dropped when it is exceeded.
const LIMIT: usize = 50_000;

/// The WAL index header; equal bytes mean equal content of the database.
type Version = [u8; 48];

/// A dataset, and the facts from which a user's rights on it are derived.
#[derive(Clone)]
pub(crate) struct Known {
    /// The dataset.
    pub(crate) dataset: Arc<DatasetRow>,
    /// The user's role in the organisation that owns it.
    pub(crate) role: Option<Role>,
    /// Shares of it with the user, whether valid or not, because that depends on the time.
    pub(crate) shares: Arc<[SharedRow]>,
}

/// `None` if there is no such dataset.
pub(crate) type DatasetLookup = Option<Known>;

/// Cached results and the database version for which they are valid.
pub struct QueryCache {
    path: PathBuf,
    answers: Mutex<Entries>,
}

#[derive(Default)]
struct Entries {
    index: Option<File>,
    version: Option<Version>,
    tokens: HashMap<String, Option<TokenUserRow>>,
    datasets: HashMap<(RepoPath, Option<Id>), DatasetLookup>,
    held: HashMap<(Id, Oid), Option<Held>>,
    app_logins: HashMap<Id, Option<AppLoginRow>>,
    clients: HashMap<Id, Option<ClientRow>>,
    installs: HashMap<String, Option<Arc<InstallRow>>>,
    app_sessions: HashMap<String, Option<AppSessionRow>>,
}

impl QueryCache {
    /// Creates a cache for the database in this file.
    pub(super) fn new(database: &Path) -> Self {
        let mut path = database.as_os_str().to_owned();
        path.push("-shm");
        Self { path: path.into(), answers: Mutex::default() }
    }

    /// Returns the results that are valid now, and the current database version.
    fn current(&self) -> (MutexGuard<'_, Entries>, Option<Version>) {
        let mut answers = self.answers.lock().expect("no holder of the lock panics");
        let version = answers.version_now(&self.path);
        if version.is_none() || answers.version != version || answers.len() > LIMIT {
            let index = answers.index.take();
            *answers = Entries { index, version, ..Entries::default() };
        }
        (answers, version)
    }

    /// Caches a result that was read after `version`, unless something was committed in the meantime.
    fn keep(&self, version: Option<Version>, insert: impl FnOnce(&mut Entries)) {
        let (mut answers, now) = self.current();
        if version.is_some() && version == now {
            insert(&mut answers);
        }
    }
}

impl Entries {
    fn version_now(&mut self, path: &Path) -> Option<Version> {
        // A file without a name belongs to a former instance of the database.
        if self.index.as_ref().is_some_and(|index| !index.metadata().is_ok_and(|found| found.nlink() > 0)) {
            self.index = None;
        }
        if self.index.is_none() {
            self.index = File::open(path).ok();
        }
        let mut version = [0; 48];
        self.index.as_ref()?.read_exact_at(&mut version, 0).ok()?;
        Some(version)
    }

    fn len(&self) -> usize {
        let logins = self.tokens.len() + self.app_logins.len() + self.clients.len() + self.app_sessions.len();
        logins + self.datasets.len() + self.held.len() + self.installs.len()
    }
}

impl Db {
    fn cache(&self) -> Option<&QueryCache> {
        match self {
            Self::Sqlite { cache, .. } => Some(cache),
            Self::Postgres(_) => None,
        }
    }

    /// Returns a cached result, or reads it.
    async fn cached<K: Hash + Eq, T: Clone>(
        &self,
        map: fn(&mut Entries) -> &mut HashMap<K, T>,
        key: K,
        read: impl AsyncFnOnce(&K, &mut Tx) -> Result<T>,
    ) -> Result<T> {
        let mut version = None;
        if let Some(cache) = self.cache() {
            let (mut answers, now) = cache.current();
            if let Some(found) = map(&mut answers).get(&key) {
                return Ok(found.clone());
            }
            version = now;
        }
        let row = read(&key, &mut self.read().await?).await?;
        if let Some(cache) = self.cache() {
            cache.keep(version, |answers| _ = map(answers).insert(key, row.clone()));
        }
        Ok(row)
    }

    /// Returns the token with this hash and its user, whether valid or not.
    pub async fn token_by_hash(&self, hash: &str) -> Result<Option<TokenUserRow>> {
        let read = async |hash: &String, tx: &mut Tx| tx.token_by_hash(hash).await;
        self.cached(|answers| &mut answers.tokens, hash.to_owned(), read).await
    }

    /// Returns a login at an application, valid or not.
    pub async fn app_login(&self, id: Id) -> Result<Option<AppLoginRow>> {
        let read = async |id: &Id, tx: &mut Tx| tx.app_login(*id).await;
        self.cached(|answers| &mut answers.app_logins, id, read).await
    }

    /// Returns an application.
    pub async fn client(&self, id: Id) -> Result<Option<ClientRow>> {
        let read = async |id: &Id, tx: &mut Tx| tx.client(*id).await;
        self.cached(|answers| &mut answers.clients, id, read).await
    }

    /// Returns the installed app with this host name below that of all apps.
    pub async fn install_by_host(&self, label: &str) -> Result<Option<Arc<InstallRow>>> {
        let read = async |label: &String, tx: &mut Tx| Ok(tx.install_by_host(label).await?.map(Arc::new));
        self.cached(|answers| &mut answers.installs, label.to_owned(), read).await
    }

    /// Returns the installed app with this name of an owner.
    pub async fn install_by_name(&self, owner: &str, name: &str) -> Result<Option<Arc<InstallRow>>> {
        let read = async |key: &String, tx: &mut Tx| {
            let (owner, name) = key.trim_start_matches('/').rsplit_once('/').unwrap_or_default();
            Ok(tx.install_by_name(owner, name).await?.map(Arc::new))
        };
        // No host name begins with a slash.
        self.cached(|answers| &mut answers.installs, format!("/{owner}/{name}"), read).await
    }

    /// Returns a browser that may use an app, whether its session is valid or not.
    pub async fn app_session(&self, hash: &str) -> Result<Option<AppSessionRow>> {
        let read = async |hash: &String, tx: &mut Tx| tx.app_session(hash).await;
        self.cached(|answers| &mut answers.app_sessions, hash.to_owned(), read).await
    }

    /// Returns the dataset at this path, and the facts from which the user's rights are derived.
    pub(crate) async fn dataset(&self, path: &RepoPath, user: Option<Id>) -> Result<DatasetLookup> {
        let read = async |(path, user): &(RepoPath, Option<Id>), tx: &mut Tx| {
            Ok(match (tx.dataset(path).await?, *user) {
                (None, _) => None,
                (Some(dataset), None) => Some(Known { dataset: Arc::new(dataset), role: None, shares: Arc::new([]) }),
                // The owner has all rights anyway.
                (Some(dataset), Some(user)) if dataset.owner_id == user => {
                    Some(Known { dataset: Arc::new(dataset), role: None, shares: Arc::new([]) })
                }
                (Some(dataset), Some(user)) => {
                    let role = tx.member_role(dataset.owner_id, user).await?;
                    let shares = tx.shares_with(dataset.id, user).await?.into();
                    Some(Known { dataset: Arc::new(dataset), role, shares })
                }
            })
        };
        self.cached(|answers| &mut answers.datasets, (path.clone(), user), read).await
    }

    /// Returns those of the objects that the dataset holds and that are in use. At most one query, whatever the
    /// number.
    pub async fn held(&self, repo: Id, oids: &[Oid]) -> Result<HashMap<Oid, Held>> {
        let mut version = None;
        if let Some(cache) = self.cache() {
            let (answers, now) = cache.current();
            let known: Option<Vec<(Oid, Option<Held>)>> =
                oids.iter().map(|oid| answers.held.get(&(repo, *oid)).map(|held| (*oid, held.clone()))).collect();
            if let Some(known) = known {
                return Ok(known.into_iter().filter_map(|(oid, held)| held.map(|held| (oid, held))).collect());
            }
            version = now;
        }
        let held = self.read().await?.held(repo, oids).await?;
        if let Some(cache) = self.cache() {
            cache.keep(version, |answers| {
                for oid in oids {
                    answers.held.insert((repo, *oid), held.get(oid).cloned());
                }
            });
        }
        Ok(held)
    }
}
