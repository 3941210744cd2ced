//! Answers that are still true. SQLite keeps a counter of committed
//! transactions in shared memory; as long as it stands where it stood, every
//! answer stands too, whoever writes: this process or another. So hot look-ups
//! cost one `pread` instead of a query, and are never stale.
//!
//! The counter is in the header of the WAL index, 48 bytes at the start of
//! the `-shm` file ("WAL-Index File Format", §2.1 of SQLite's documentation).
//! PostgreSQL has nothing of the kind; there every look-up is a query.

use std::collections::HashMap;
use std::fs::File;
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};

use lfs::Oid;

use super::Db;
use super::accounts::TokenUserRow;
use super::datasets::DatasetRow;
use super::objects::Held;
use super::shares::SharedRow;
use crate::error::Result;
use crate::types::{Id, RepoPath, Role};

/// More answers than this are not kept; all are dropped then.
const LIMIT: usize = 50_000;

/// The WAL index header; equal bytes mean equal content of the database.
type Version = [u8; 48];

/// A dataset, and by what a user may have rights on it.
#[derive(Clone)]
pub(crate) struct Known {
    /// The dataset.
    pub(crate) dataset: Arc<DatasetRow>,
    /// What the user is in the organisation that owns it.
    pub(crate) role: Option<Role>,
    /// What is shared with the user of it; good or not, for that changes with time.
    pub(crate) shares: Arc<[SharedRow]>,
}

/// None if there is no such dataset.
pub(crate) type Standing = Option<Known>;

/// Remembered answers and the version that they are true for.
pub struct Memo {
    path: PathBuf,
    answers: Mutex<Answers>,
}

#[derive(Default)]
struct Answers {
    index: Option<File>,
    version: Option<Version>,
    tokens: HashMap<String, Option<TokenUserRow>>,
    standings: HashMap<(RepoPath, Option<Id>), Standing>,
    held: HashMap<(Id, Oid), Option<Held>>,
}

impl Memo {
    /// Watches the database in this file.
    pub(super) fn new(database: &Path) -> Self {
        let mut path = database.as_os_str().to_owned();
        path.push("-shm");
        Self { path: path.into(), answers: Mutex::default() }
    }

    /// The answers that are true now; the version says for how long.
    fn current(&self) -> (MutexGuard<'_, Answers>, Option<Version>) {
        let mut answers = self.answers.lock().expect("nobody panics while holding it");
        let version = answers.version_now(&self.path);
        if version.is_none() || answers.version != version || answers.len() > LIMIT {
            let index = answers.index.take();
            *answers = Answers { index, version, ..Answers::default() };
        }
        (answers, version)
    }

    /// Keeps an answer that was read after `version` was seen, unless
    /// something was committed meanwhile.
    fn keep(&self, version: Option<Version>, insert: impl FnOnce(&mut Answers)) {
        let (mut answers, now) = self.current();
        if version.is_some() && version == now {
            insert(&mut answers);
        }
    }
}

impl Answers {
    fn version_now(&mut self, path: &Path) -> Option<Version> {
        // A file without a name is that of an earlier life of the database.
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
        self.tokens.len() + self.standings.len() + self.held.len()
    }
}

impl Db {
    fn memo(&self) -> Option<&Memo> {
        match self {
            Self::Sqlite { memo, .. } => Some(memo),
            Self::Postgres(_) => None,
        }
    }

    /// The token with this hash and its user, good or not.
    pub async fn token_by_hash(&self, hash: &str) -> Result<Option<TokenUserRow>> {
        let mut version = None;
        if let Some(memo) = self.memo() {
            let (answers, now) = memo.current();
            if let Some(row) = answers.tokens.get(hash) {
                return Ok(row.clone());
            }
            version = now;
        }
        let row = self.read().await?.token_by_hash(hash).await?;
        if let Some(memo) = self.memo() {
            memo.keep(version, |answers| _ = answers.tokens.insert(hash.to_owned(), row.clone()));
        }
        Ok(row)
    }

    /// The dataset at this path, and by what the user may have rights on it.
    pub(crate) async fn standing(&self, path: &RepoPath, user: Option<Id>) -> Result<Standing> {
        let mut version = None;
        let key = (path.clone(), user);
        if let Some(memo) = self.memo() {
            let (answers, now) = memo.current();
            if let Some(standing) = answers.standings.get(&key) {
                return Ok(standing.clone());
            }
            version = now;
        }
        let mut tx = self.read().await?;
        let standing = match (tx.dataset(path).await?, user) {
            (None, _) => None,
            (Some(dataset), None) => Some(Known { dataset: Arc::new(dataset), role: None, shares: Arc::new([]) }),
            // Nothing is added to what its owner may.
            (Some(dataset), Some(user)) if dataset.owner_id == user => {
                Some(Known { dataset: Arc::new(dataset), role: None, shares: Arc::new([]) })
            }
            (Some(dataset), Some(user)) => {
                let role = tx.member_role(dataset.owner_id, user).await?;
                let shares = tx.shares_with(dataset.id, user).await?.into();
                Some(Known { dataset: Arc::new(dataset), role, shares })
            }
        };
        drop(tx);
        if let Some(memo) = self.memo() {
            memo.keep(version, |answers| _ = answers.standings.insert(key, standing.clone()));
        }
        Ok(standing)
    }

    /// Of these objects, those that the dataset holds and that are in use. At most one query, whatever
    /// the number.
    pub async fn held(&self, repo: Id, oids: &[Oid]) -> Result<HashMap<Oid, Held>> {
        let mut version = None;
        if let Some(memo) = self.memo() {
            let (answers, now) = memo.current();
            let known: Option<Vec<(Oid, Option<Held>)>> =
                oids.iter().map(|oid| answers.held.get(&(repo, *oid)).map(|held| (*oid, held.clone()))).collect();
            if let Some(known) = known {
                return Ok(known.into_iter().filter_map(|(oid, held)| held.map(|held| (oid, held))).collect());
            }
            version = now;
        }
        let held = self.read().await?.held(repo, oids).await?;
        if let Some(memo) = self.memo() {
            memo.keep(version, |answers| {
                for oid in oids {
                    answers.held.insert((repo, *oid), held.get(oid).cloned());
                }
            });
        }
        Ok(held)
    }
}
