//! Snapshots: one generation of a repository as an immutable bare git repository.
//!
//! The folder holds hard links to exactly the packs of that generation. So a look-up never sees a pack that
//! was added later (gix cannot load more packs than it saw when it opened the folder), a pack that was never
//! committed is never visible, and a pack that was retired and deleted elsewhere stays readable here until
//! the last holder drops the snapshot.

use std::{
    any::{Any, TypeId},
    collections::HashMap,
    io,
    path::Path,
    sync::{
        Arc, Mutex, PoisonError, RwLock,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use crate::{
    Error, Reader, Result, State, blocking,
    cache::{MAX_RETRIES, PackCache},
    effort::Watch,
    git::{Git, Place},
    pack::PackFolder,
    repository::{lay_out, open},
    temp_dir::TempDir,
};

/// Work on a snapshot, whatever it returns.
type Work = dyn Fn(&Reader) -> Result<Box<dyn Any + Send>> + Send + Sync;

/// How long a long read waits for a slot, and how long it may run.
const QUEUE_TIMEOUT: Duration = Duration::from_secs(30);
const READ_TIMEOUT: Duration = Duration::from_secs(120);

/// A snapshot of one generation. Its folder exists as long as any clone of the `Arc`; if it is deleted while
/// in use, it is rebuilt.
#[derive(Debug)]
pub struct Snapshot {
    state: Arc<State>,
    opened: RwLock<gix::ThreadSafeRepository>,
    folder: TempDir,
    cache: Arc<PackCache>,
    mending: tokio::sync::Mutex<()>,
    /// Incremented when a rebuild of the folder starts and when it ends, so it is odd during a rebuild.
    mended: AtomicU64,
    git: Git,
    derived: Mutex<HashMap<TypeId, Arc<dyn Any + Send + Sync>>>,
}

impl Snapshot {
    /// Creates and opens the folder, with packs from the cache, which downloads missing ones from the store.
    pub(crate) async fn build(state: State, cache: Arc<PackCache>, git: Git) -> Result<Self> {
        let state = Arc::new(state);
        let folder = populate(&state, &cache, &format!("{}-{}-", state.repo, state.generation)).await?;
        blocking::run(move || {
            let opened = open_whole(folder.path(), &state)?;
            let mending = tokio::sync::Mutex::default();
            let (opened, mended) = (RwLock::new(opened), AtomicU64::new(0));
            let derived = Mutex::default();
            Ok(Self { state, opened, folder, cache, mending, mended, git, derived })
        })
        .await
    }

    /// Returns the refs and packs of this snapshot.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// Returns the path of the bare repository, for git processes. Valid while the snapshot is held.
    pub fn git_dir(&self) -> &Path {
        self.folder.path()
    }

    /// Runs `work` with a reader on the blocking pool, holding the snapshot until it returns. If the folder
    /// was deleted meanwhile, it is rebuilt and `work` runs again.
    ///
    /// The work of the reader is counted by the [`Effort`](crate::Effort) of the task. Dropping the future
    /// cancels the read soon after.
    pub async fn read<T, F>(self: &Arc<Self>, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: Fn(&Reader) -> Result<T> + Send + Sync + 'static,
    {
        self.read_watched(work, Watch::new(None), None).await
    }

    /// Like [`Snapshot::read`], for work that grows with a whole tree or history: concurrency is limited, and
    /// the time limit is two minutes.
    ///
    /// # Errors
    ///
    /// [`Error::Busy`] if no slot becomes free in time, [`Error::TooLarge`] if the time limit has passed.
    pub async fn read_long<T, F>(self: &Arc<Self>, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: Fn(&Reader) -> Result<T> + Send + Sync + 'static,
    {
        let place = tokio::time::timeout(QUEUE_TIMEOUT, self.git.reading()).await;
        let place =
            place.map_err(|_| Error::Busy("too many long requests at the same time; try again later".to_owned()))?;
        self.read_watched(work, Watch::new(Some(READ_TIMEOUT)), Some(Arc::new(place?))).await
    }

    async fn read_watched<T, F>(self: &Arc<Self>, work: F, watch: Watch, place: Option<Arc<Place>>) -> Result<T>
    where
        T: Send + 'static,
        F: Fn(&Reader) -> Result<T> + Send + Sync + 'static,
    {
        let work = Arc::new(move |reader: &Reader| Ok(Box::new(work(reader)?) as Box<dyn Any + Send>));
        let done = self.read_dynamic(work, watch, place).await?;
        Ok(*done.downcast().expect("the type that `work` returns"))
    }

    /// Like [`Snapshot::read_watched`], with erased types: compiled once, not for every caller.
    async fn read_dynamic(
        self: &Arc<Self>,
        work: Arc<Work>,
        watch: Watch,
        place: Option<Arc<Place>>,
    ) -> Result<Box<dyn Any + Send>> {
        let _waiting = watch.waiting();
        self.whole(|| {
            let (lease, work, watch) = (Arc::clone(self), Arc::clone(&work), watch.clone());
            // Held until the work has ended, even if the caller is gone.
            let place = place.clone();
            blocking::run(move || {
                let _place = place;
                watch.check()?;
                let mut repository = lease.opened.read().unwrap_or_else(PoisonError::into_inner).to_thread_local();
                lease.cache.memory().lend(&mut repository, &lease.state);
                work(&Reader::new(repository, Arc::clone(&lease.state)).watched(watch))
            })
        })
        .await
    }

    /// Returns a value that `work` derives from this generation, computed once per type since a generation
    /// never changes. Otherwise like [`Snapshot::read_long`].
    pub async fn derive<T, F>(self: &Arc<Self>, work: F) -> Result<Arc<T>>
    where
        T: Send + Sync + 'static,
        F: Fn(&Reader) -> Result<T> + Send + Sync + 'static,
    {
        let known = || self.derived.lock().unwrap_or_else(PoisonError::into_inner).get(&TypeId::of::<T>()).cloned();
        if let Some(known) = known().and_then(|known| known.downcast().ok()) {
            return Ok(known);
        }
        let made = Arc::new(self.read_long(work).await?);
        let mut derived = self.derived.lock().unwrap_or_else(PoisonError::into_inner);
        derived.insert(TypeId::of::<T>(), made.clone());
        Ok(made)
    }

    /// Runs `attempt` on an intact folder. If the folder was deleted meanwhile, rebuilds it and retries
    /// whatever the result was: an object that cannot be found looks like one that does not exist.
    pub(crate) async fn whole<T, A>(self: &Arc<Self>, mut attempt: impl FnMut() -> A) -> Result<T>
    where
        A: Future<Output = Result<T>>,
    {
        let mut attempts = 0;
        loop {
            // A deletion before the first attempt is noticed after it.
            let mended = match self.mended.load(Ordering::Acquire) {
                mended if attempts == 0 && mended.is_multiple_of(2) => mended,
                _ => self.repair().await?,
            };
            let done = attempt().await;
            attempts += 1;
            if attempts == MAX_RETRIES || self.untouched() == Some(mended) {
                return done;
            }
            tracing::info!(folder = %self.git_dir().display(), "rebuilding a deleted snapshot folder");
        }
    }

    /// Returns the rebuild counter, if nothing is missing in the folder.
    fn untouched(&self) -> Option<u64> {
        let mended = self.mended.load(Ordering::Acquire);
        (mended.is_multiple_of(2) && is_whole(self.git_dir(), &self.state)).then_some(mended)
    }

    /// Rebuilds the folder in place if it, or a file in it, was deleted.
    async fn repair(self: &Arc<Self>) -> Result<u64> {
        if let Some(mended) = self.untouched() {
            return Ok(mended);
        }
        let snapshot = Arc::clone(self);
        // On a task of its own, so that it completes even if the caller is cancelled.
        let mending = tokio::spawn(async move {
            let _turn = snapshot.mending.lock().await;
            let mut attempts = 0;
            loop {
                if let Some(mended) = snapshot.untouched() {
                    return Ok(mended);
                }
                attempts += 1;
                snapshot.mended.fetch_add(1, Ordering::AcqRel);
                let rebuilt = snapshot.rebuild().await;
                let mended = snapshot.mended.fetch_add(1, Ordering::AcqRel) + 1;
                match rebuilt {
                    Err(Error::Io(error)) if error.kind() == io::ErrorKind::NotFound && attempts < MAX_RETRIES => {}
                    done => return done.map(|()| mended),
                }
            }
        });
        mending.await.map_err(|error| Error::Internal(format!("rebuilding a snapshot panicked: {error}")))?
    }

    async fn rebuild(&self) -> Result<()> {
        self.cache.count_rebuild();
        let new = populate(&self.state, &self.cache, "tmp-").await?;
        let (place, cache, state) = (self.git_dir().to_owned(), Arc::clone(&self.cache), Arc::clone(&self.state));
        let repository = blocking::run(move || {
            let old = cache.run().scratch("tmp-")?;
            match std::fs::rename(&place, old.path().join("old")) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
                _ => {}
            }
            std::fs::rename(new.path(), &place)?;
            open_whole(&place, &state)
        })
        .await?;
        // Reopened, since gix remembers which files were missing.
        *self.opened.write().unwrap_or_else(PoisonError::into_inner) = repository;
        Ok(())
    }

    pub(crate) fn git(&self) -> &Git {
        &self.git
    }

    pub(crate) fn shared_cache(&self) -> Arc<PackCache> {
        Arc::clone(&self.cache)
    }

    pub(crate) fn shared_state(&self) -> Arc<State> {
        Arc::clone(&self.state)
    }

    /// Returns true if the folder still exists.
    pub(crate) fn is_on_disk(&self) -> bool {
        self.git_dir().join("HEAD").exists()
    }

    /// Removes the folder synchronously instead of in the background. Blocks.
    pub(crate) fn discard(self) {
        self.folder.remove();
    }

    /// Returns the folder of the packs.
    pub(crate) fn pack_folder(&self) -> PackFolder {
        PackFolder(self.git_dir().join("objects/pack"))
    }

    /// Creates a private copy of this snapshot's folder (a quarantine), to which a git process may add a pack
    /// that is visible there only. Removed on drop. Open it with [`open`] once the pack is complete.
    pub(crate) async fn quarantine(self: &Arc<Self>) -> Result<TempDir> {
        self.whole(|| {
            let lease = Arc::clone(self);
            blocking::run(move || {
                let folder = lease.cache.run().scratch("q-")?;
                let source = lease.pack_folder();
                let packs: Vec<_> = lease.state.packs.iter().map(|pack| source.file(pack.id)).collect();
                lay_out(folder.path(), &lease.state, &packs)?;
                Ok(folder)
            })
        })
        .await
    }

    /// Creates an empty folder on the same file system as the snapshots, removed on drop.
    pub(crate) fn scratch(&self) -> Result<TempDir> {
        self.cache.run().scratch("tmp-")
    }
}

/// Returns true if nothing is missing in a folder created by [`populate`].
fn is_whole(folder: &Path, state: &State) -> bool {
    let is_there = |name: &str| folder.join(name).exists();
    let packs = || std::fs::read_dir(folder.join("objects/pack")).map_or(0, Iterator::count);
    ["HEAD", "config", "packed-refs", "refs", "objects/info"].into_iter().all(is_there)
        && packs() == 2 * state.packs.len()
}

/// Opens a folder created by [`populate`]. Returns a not-found error if it was deleted, so that this is not
/// mistaken for a damaged pack.
fn open_whole(folder: &Path, state: &State) -> Result<gix::ThreadSafeRepository> {
    let opened = open(folder);
    if is_whole(folder, state) { opened } else { Err(io::Error::from(io::ErrorKind::NotFound).into()) }
}

/// Creates a folder with the complete repository of `state`.
async fn populate(state: &Arc<State>, cache: &PackCache, prefix: &str) -> Result<TempDir> {
    let (run, prefix, shown) = (cache.run(), prefix.to_owned(), Arc::clone(state));
    let folder = blocking::run(move || {
        let folder = run.scratch(&prefix)?;
        lay_out(folder.path(), &shown, &[])?;
        Ok(folder)
    })
    .await?;
    cache.collect_packs(&state.repo, &state.packs, &PackFolder(folder.path().join("objects/pack"))).await?;
    Ok(folder)
}
