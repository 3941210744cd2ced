//! The engine: a disposable cache of packs, and the snapshots built from it.

use std::{
    collections::HashMap,
    io::ErrorKind,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use bytes::Bytes;
use futures::Stream;
use tokio::sync::OwnedMutexGuard;

use crate::{
    CacheStats, Error, InlinePacks, NewPack, PackData, PackStore, RepoKey, Result, Snapshot, State, StoredFile,
    blocking,
    cache::{MAX_RETRIES, PackCache, ProcessDir},
    git::Git,
    pack::PackFileKind,
};

mod snapshot_cache;

use snapshot_cache::SnapshotCache;

/// Shortest and longest pause between attempts to trim the cache while everything in it is in use.
const MIN_TRIM_INTERVAL: Duration = Duration::from_millis(100);
const MAX_TRIM_INTERVAL: Duration = Duration::from_secs(10);

/// Options of an [`Engine`].
pub struct Options {
    /// The cache folder. It may be deleted at any time, and several engines may share it.
    pub cache: PathBuf,
    /// Maximum size of the cache folder in bytes; `None` for unlimited. Snapshots in use are kept even above
    /// the limit.
    pub cache_bytes: Option<u64>,
    /// The permanent store of packs.
    pub store: PackStore,
    /// Access to the small packs that are stored in the database.
    pub inline: Arc<dyn InlinePacks>,
    /// The git executable: a name to look up in `PATH`, or an absolute path.
    pub git: PathBuf,
    /// Maximum number of concurrent git processes that build packs for clients.
    pub max_concurrent_packs: usize,
    /// Maximum size in bytes of objects that git holds in memory as a whole: deltified files, and trees.
    /// Other files may have any size. The memory limit of each git process is a multiple of it.
    pub git_object_bytes: u64,
    /// Number of repositories whose newest snapshot stays open while unused.
    pub max_idle_snapshots: usize,
}

impl Options {
    /// Creates options with the defaults.
    pub fn new(cache: PathBuf, store: PackStore, inline: Arc<dyn InlinePacks>) -> Self {
        Self {
            cache,
            cache_bytes: Some(16 << 30),
            store,
            inline,
            git: "git".into(),
            max_concurrent_packs: 4,
            git_object_bytes: 512 << 20,
            max_idle_snapshots: 256,
        }
    }
}

/// The git engine of one process. Cheap to clone.
#[derive(Clone)]
pub struct Engine(Arc<Shared>);

struct Shared {
    git: Git,
    store: PackStore,
    packs: Arc<PackCache>,
    trimming: AtomicBool,
    shelf: Mutex<SnapshotCache>,
    /// When a snapshot last could not be built because the store or the database was unavailable, and the error.
    outage: Mutex<Option<(Instant, String)>>,
    builds: Turns,
    writes: Turns,
}

impl Engine {
    /// Opens the cache, creates it if missing, and removes files left by dead processes. Blocks.
    pub fn open(options: Options) -> Result<Self> {
        let run = ProcessDir::create(&options.cache)?;
        let packs = PackCache::open(&options.cache, run, options.store.clone(), options.inline, options.cache_bytes)?;
        Ok(Self(Arc::new(Shared {
            git: Git::new(&options.git, options.max_concurrent_packs, options.git_object_bytes),
            store: options.store,
            packs: Arc::new(packs),
            trimming: AtomicBool::new(false),
            shelf: Mutex::new(SnapshotCache::new(options.max_idle_snapshots)),
            outage: Mutex::default(),
            builds: Turns::default(),
            writes: Turns::default(),
        })))
    }

    /// Returns the version of the git executable, or an error if it cannot be run.
    pub async fn git_version(&self) -> Result<String> {
        let mut command = self.0.git.command(Path::new("/"));
        let version = Git::output(command.arg("--version"), Bytes::new()).await?;
        Ok(String::from_utf8_lossy(&version).trim_end().to_owned())
    }

    /// Returns the snapshot of this generation if it is open in this process.
    pub fn cached(&self, repo: &RepoKey, generation: u64) -> Option<Arc<Snapshot>> {
        let found = self.shelf().find(repo, generation);
        if found.is_some() {
            self.0.packs.count_snapshot(true);
        }
        found
    }

    /// Returns the snapshot of `state`, building it if it is not open. Concurrent callers wait for the same
    /// build, which continues even if the first caller is cancelled.
    pub async fn snapshot(&self, state: State) -> Result<Arc<Snapshot>> {
        if let Some(found) = self.shelf().find_exact(&state) {
            self.0.packs.count_snapshot(true);
            return Ok(found);
        }
        let asked = Instant::now();
        let turn = self.0.builds.take(&state.repo).await;
        let engine = self.clone();
        let build = tokio::spawn(async move {
            let _turn = turn;
            // Fail fast: callers queued while the store is unavailable share one error instead of each
            // waiting for a timeout.
            if let Some((when, why)) = engine.outage().clone()
                && when > asked
            {
                return Err(Error::Unavailable(why.into()));
            }
            if let Some(found) = engine.shelf().find_exact(&state) {
                engine.0.packs.count_snapshot(true);
                return Ok(found);
            }
            engine.0.packs.count_snapshot(false);
            let built = engine.build(state).await.inspect_err(|error| {
                if matches!(error, Error::Unavailable(_)) {
                    *engine.outage() = Some((Instant::now(), error.to_string()));
                }
            })?;
            engine.shelf().put(&built);
            engine.trim_if_due();
            Ok(built)
        });
        build.await.map_err(|error| Error::Internal(format!("a snapshot build panicked: {error}")))?
    }

    async fn build(&self, state: State) -> Result<Arc<Snapshot>> {
        let mut attempts = 0;
        loop {
            attempts += 1;
            match Snapshot::build(state.clone(), Arc::clone(&self.0.packs), self.0.git.clone()).await {
                // The cache was deleted during the build.
                Err(Error::Io(error)) if error.kind() == ErrorKind::NotFound && attempts < MAX_RETRIES => {}
                done => return done.map(Arc::new),
            }
        }
    }

    /// Starts eviction in the background if due; the caller does not wait for it. While everything is in use,
    /// it is retried until the cache fits.
    fn trim_if_due(&self) {
        if !self.0.packs.is_trim_due() || self.0.trimming.swap(true, Ordering::AcqRel) {
            return;
        }
        let engine = Arc::downgrade(&self.0);
        tokio::spawn(async move {
            let mut pause = MIN_TRIM_INTERVAL;
            while let Some(engine) = engine.upgrade().map(Engine) {
                let fits = blocking::run({
                    let engine = engine.clone();
                    move || engine.trim()
                });
                match fits.await {
                    Ok(false) => {}
                    Ok(true) => return engine.0.trimming.store(false, Ordering::Release),
                    Err(error) => tracing::warn!(%error, "cannot trim the cache"),
                }
                drop(engine);
                tokio::time::sleep(pause).await;
                pause = MAX_TRIM_INTERVAL.min(pause * 2);
            }
        });
    }

    /// Evicts unused packs first, then snapshots without holders together with their packs; least recently
    /// used first in both cases. Returns true if the cache is within its limit. Blocks.
    fn trim(&self) -> Result<bool> {
        loop {
            let excess = self.0.packs.trim()?;
            let idle = self.shelf().take_idle(excess);
            if idle.is_empty() {
                return Ok(excess == 0);
            }
            // A caller that obtained a snapshot concurrently keeps it.
            idle.into_iter().filter_map(Arc::into_inner).for_each(Snapshot::discard);
        }
    }

    /// Returns the cache statistics.
    pub fn cache_stats(&self) -> CacheStats {
        self.0.packs.stats()
    }

    /// Waits for this process's turn to write to `repo`, in first-come, first-served order. This is only an
    /// optimisation: writers that take turns do not fail each other's compare-and-swap. Correctness depends
    /// on the compare-and-swap alone.
    pub async fn writer(&self, repo: &RepoKey) -> Turn {
        self.0.writes.take(repo).await
    }

    /// Uploads a new pack to the permanent store, the pack first and the index last. Does nothing for an
    /// inline pack, which goes into its database row. Idempotent.
    pub async fn store(&self, repo: &RepoKey, pack: &NewPack) -> Result<()> {
        if pack.inline().is_some() {
            return Ok(());
        }
        let store = &self.0.store;
        match &pack.data {
            PackData::Memory(bytes) => {
                store.put_bytes(repo, &pack.key, PackFileKind::Pack, bytes.pack.clone()).await?;
                store.put_bytes(repo, &pack.key, PackFileKind::Idx, bytes.idx.clone()).await
            }
            PackData::Files(files) => {
                let stored = async {
                    store.put_file(repo, &pack.key, PackFileKind::Pack, files.pack()).await?;
                    store.put_file(repo, &pack.key, PackFileKind::Idx, files.idx()).await
                };
                match stored.await {
                    Err(Error::Io(_)) if !files.pack().exists() || !files.idx().exists() => {
                        Err(Error::Busy("the cache was deleted during this change; try again".to_owned()))
                    }
                    done => done,
                }
            }
        }
    }

    /// Moves a stored pack into the local cache, so that the next snapshot need not download it.
    pub async fn cache_pack(&self, repo: &RepoKey, pack: &NewPack) -> Result<()> {
        self.0.packs.cache_pack(repo, pack).await?;
        self.trim_if_due();
        Ok(())
    }

    /// Deletes a pack from the permanent store. The pack is retired or was never committed, and its grace
    /// period is over.
    pub async fn delete_pack(&self, repo: &RepoKey, key: &str) -> Result<()> {
        self.0.store.delete(repo, key).await
    }

    /// Lists every file of `repo` in the permanent store.
    pub async fn list_packs(&self, repo: &RepoKey) -> Result<Vec<StoredFile>> {
        self.0.store.list(repo).await
    }

    /// Lists every file of all repositories in the permanent store, unordered, to compare with the database
    /// rows. A recently stored file may not have a row yet.
    pub fn list_all_packs(&self) -> impl Stream<Item = Result<(RepoKey, StoredFile)>> + Send + Unpin + 'static {
        self.0.store.list_all()
    }

    /// Drops everything local about a deleted repository. Snapshots still held stay valid.
    pub async fn forget(&self, repo: &RepoKey) -> Result<()> {
        self.shelf().forget(repo);
        self.0.packs.forget(repo).await
    }

    pub(crate) fn git(&self) -> &Git {
        &self.0.git
    }

    pub(crate) fn packs(&self) -> &PackCache {
        &self.0.packs
    }

    fn outage(&self) -> MutexGuard<'_, Option<(Instant, String)>> {
        self.0.outage.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn shelf(&self) -> MutexGuard<'_, SnapshotCache> {
        self.0.shelf.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The exclusive right within this process to write to (or build) a repository; released on drop.
pub type Turn = OwnedMutexGuard<()>;

/// A fair lock per repository, which exists only while it is in use.
#[derive(Default)]
struct Turns(Mutex<HashMap<RepoKey, Weak<tokio::sync::Mutex<()>>>>);

impl Turns {
    async fn take(&self, repo: &RepoKey) -> Turn {
        let lock = {
            let mut locks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(lock) = locks.get(repo).and_then(Weak::upgrade) {
                lock
            } else {
                locks.retain(|_, lock| lock.strong_count() > 0);
                let lock = Arc::default();
                locks.insert(repo.clone(), Arc::downgrade(&lock));
                lock
            }
        };
        lock.lock_owned().await
    }
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Engine").field("packs", &self.0.packs).finish_non_exhaustive()
    }
}
