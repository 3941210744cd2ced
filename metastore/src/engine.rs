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
    cache::{PATIENCE, PackCache},
    git::Git,
    store::Half,
};

mod run;
mod shelf;

pub(crate) use run::RunFolder;
use shelf::Shelf;

/// The pauses between attempts to make room while everything is in use.
const SHORTEST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// How the engine is set up.
pub struct Options {
    /// A folder that may be deleted at any time. Several engines may share it.
    pub cache: PathBuf,
    /// How many bytes the cache folder may take; `None` for any number. What snapshots in use need is
    /// there in any case.
    pub cache_bytes: Option<u64>,
    /// The permanent home of packs.
    pub store: PackStore,
    /// The database side of small packs.
    pub inline: Arc<dyn InlinePacks>,
    /// The git binary: a name to look up, or an absolute path.
    pub git: PathBuf,
    /// How many children may build packs for clients at once.
    pub max_concurrent_packs: usize,
    /// The most bytes of an object that git handles as a whole: files that come as deltas, and lists of objects. Other
    /// files may have any size. The memory of each child is limited to some multiple of it.
    pub git_object_bytes: u64,
    /// How many repositories keep their newest snapshot open while nobody uses it.
    pub max_idle_snapshots: usize,
}

impl Options {
    /// The defaults for everything that has one.
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
    shelf: Mutex<Shelf>,
    /// When a snapshot could last not be built because store or database were away, and why.
    outage: Mutex<Option<(Instant, String)>>,
    builds: Turns,
    writes: Turns,
}

impl Engine {
    /// Opens the cache, makes it if missing, and removes what dead processes left in it. Blocks.
    pub fn open(options: Options) -> Result<Self> {
        let run = RunFolder::create(&options.cache)?;
        let packs = PackCache::open(&options.cache, run, options.store.clone(), options.inline, options.cache_bytes)?;
        Ok(Self(Arc::new(Shared {
            git: Git::new(&options.git, options.max_concurrent_packs, options.git_object_bytes),
            store: options.store,
            packs: Arc::new(packs),
            trimming: AtomicBool::new(false),
            shelf: Mutex::new(Shelf::new(options.max_idle_snapshots)),
            outage: Mutex::default(),
            builds: Turns::default(),
            writes: Turns::default(),
        })))
    }

    /// The version of the git program; an error where it cannot be run.
    pub async fn git_version(&self) -> Result<String> {
        let mut command = self.0.git.command(Path::new("/"));
        let version = Git::output(command.arg("--version"), Bytes::new()).await?;
        Ok(String::from_utf8_lossy(&version).trim_end().to_owned())
    }

    /// The snapshot of that generation, if this process has it.
    pub fn cached(&self, repo: &RepoKey, generation: u64) -> Option<Arc<Snapshot>> {
        let found = self.shelf().find(repo, generation);
        if found.is_some() {
            self.0.packs.count_snapshot(true);
        }
        found
    }

    /// The snapshot of `state`: the one at hand, or one built now. Whoever asks for it meanwhile
    /// waits for the same build, which goes on even if the first caller leaves.
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
            // Those who wait in line for a store that is away learn it together, not one after the other.
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
        build.await.map_err(|error| Error::Internal(format!("a snapshot build died: {error}")))?
    }

    async fn build(&self, state: State) -> Result<Arc<Snapshot>> {
        let mut attempts = 0;
        loop {
            attempts += 1;
            match Snapshot::build(state.clone(), Arc::clone(&self.0.packs), self.0.git.clone()).await {
                // Somebody deleted the cache under it.
                Err(Error::Io(error)) if error.kind() == ErrorKind::NotFound && attempts < PATIENCE => {}
                done => return done.map(Arc::new),
            }
        }
    }

    /// Evicts in the background what is too much; whoever asked for something does not wait for it.
    /// Where everything is in use, it is tried again until something is not.
    fn trim_if_due(&self) {
        if !self.0.packs.is_trim_due() || self.0.trimming.swap(true, Ordering::AcqRel) {
            return;
        }
        let engine = Arc::downgrade(&self.0);
        tokio::spawn(async move {
            let mut pause = SHORTEST_PAUSE;
            while let Some(engine) = engine.upgrade().map(Engine) {
                let fits = blocking::run({
                    let engine = engine.clone();
                    move || engine.trim()
                });
                match fits.await {
                    Ok(false) => {}
                    Ok(true) => return engine.0.trimming.store(false, Ordering::Release),
                    Err(error) => tracing::warn!(%error, "the cache is not trimmed"),
                }
                drop(engine);
                tokio::time::sleep(pause).await;
                pause = LONGEST_PAUSE.min(pause * 2);
            }
        });
    }

    /// Packs that nothing uses go first, then snapshots that nobody holds, with their packs; in each
    /// case those unused longest. Gives whether the rest fits. Blocks.
    fn trim(&self) -> Result<bool> {
        loop {
            let excess = self.0.packs.trim()?;
            let idle = self.shelf().take_idle(excess);
            if idle.is_empty() {
                return Ok(excess == 0);
            }
            // Whoever got one in this moment keeps it.
            idle.into_iter().filter_map(Arc::into_inner).for_each(Snapshot::discard);
        }
    }

    /// What the cache has done so far.
    pub fn cache_stats(&self) -> CacheStats {
        self.0.packs.stats()
    }

    /// Waits for this process's turn to write to `repo`, first come first served. An optimisation:
    /// writers that take turns never lose the compare-and-swap to each other; correctness rests on
    /// the swap alone.
    pub async fn writer(&self, repo: &RepoKey) -> Turn {
        self.0.writes.take(repo).await
    }

    /// Puts a new pack into the permanent store, pack first and index last. Does nothing for a pack
    /// that goes into its row. Safe to repeat.
    pub async fn store(&self, repo: &RepoKey, pack: &NewPack) -> Result<()> {
        if pack.inline().is_some() {
            return Ok(());
        }
        let store = &self.0.store;
        match &pack.data {
            PackData::Memory(bytes) => {
                store.put_bytes(repo, &pack.key, Half::Pack, bytes.pack.clone()).await?;
                store.put_bytes(repo, &pack.key, Half::Idx, bytes.idx.clone()).await
            }
            PackData::Files(files) => {
                let stored = async {
                    store.put_file(repo, &pack.key, Half::Pack, files.pack()).await?;
                    store.put_file(repo, &pack.key, Half::Idx, files.idx()).await
                };
                match stored.await {
                    Err(Error::Io(_)) if !files.pack().exists() || !files.idx().exists() => {
                        Err(Error::Busy("the cache was deleted under this change; try again".to_owned()))
                    }
                    done => done,
                }
            }
        }
    }

    /// Puts a landed pack into the local cache, so that the next snapshot need not download it.
    pub async fn adopt(&self, repo: &RepoKey, pack: &NewPack) -> Result<()> {
        self.0.packs.adopt(repo, pack).await?;
        self.trim_if_due();
        Ok(())
    }

    /// Removes a retired or never landed pack from the permanent store, whose grace period is over.
    pub async fn delete_pack(&self, repo: &RepoKey, key: &str) -> Result<()> {
        self.0.store.delete(repo, key).await
    }

    /// Every file that the permanent store holds for `repo`.
    pub async fn list_packs(&self, repo: &RepoKey) -> Result<Vec<StoredFile>> {
        self.0.store.list(repo).await
    }

    /// Every file that the permanent store holds for any repository, in no order: to be compared with
    /// the rows. What was stored a moment ago may not have a row yet.
    pub fn list_all_packs(&self) -> impl Stream<Item = Result<(RepoKey, StoredFile)>> + Send + Unpin + 'static {
        self.0.store.list_all()
    }

    /// Drops everything local about a repository that was deleted. Leases that are still held stay
    /// valid.
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

    fn shelf(&self) -> MutexGuard<'_, Shelf> {
        self.0.shelf.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The right to be the one in this process that writes to (or builds) a repository; ends on drop.
pub type Turn = OwnedMutexGuard<()>;

/// A fair lock per repository, which exists only while somebody wants it.
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
