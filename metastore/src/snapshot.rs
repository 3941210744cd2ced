//! One generation of one repository as a bare git folder that never changes.
//!
//! The folder holds hard links of exactly that generation's packs. So a lookup can never meet a pack
//! that appeared later (gix cannot take more packs than it saw when it opened the folder), a pack
//! that never landed is never visible, and a pack that is retired and deleted elsewhere stays
//! readable here until the last lease ends.

use std::{
    any::{Any, TypeId},
    collections::HashMap,
    io,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError, RwLock,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use crate::{
    Error, PackId, Reader, Result, State, blocking,
    cache::{PATIENCE, PackCache},
    effort::Watch,
    git::{Git, Place},
    scratch::Scratch,
};

mod memory;

pub(crate) use memory::ObjectMemory;

/// What every snapshot says to git. Memory: a 200 MB push must not cost hundreds of megabytes.
/// `allowAnySHA1InWant`: the rounds of one fetch may meet different generations. `refs/internal` is
/// the engine's own. `allocLimit` is for our own readers: what an object, small as it may be, is a delta
/// of can have any size. Packs are mapped in windows, so that the limit on the memory of a child can be
/// lower than the size of a pack.
const CONFIG: &str = "\
[core]
\trepositoryformatversion = 0
\tbare = true
\tbigFileThreshold = 4m
[uploadpack]
\tallowFilter = true
\tallowAnySHA1InWant = true
\thideRefs = refs/internal
[gc]
\tauto = 0
[pack]
\tthreads = 2
\twindowMemory = 64m
\twriteReverseIndex = false
";

/// How long a long reading waits for its turn, and how long it may take.
const TURN: Duration = Duration::from_secs(30);
const LONGEST: Duration = Duration::from_secs(120);

/// A lease on one generation. Its folder lives as long as any clone of the `Arc`; where somebody
/// deletes it, it is built again.
#[derive(Debug)]
pub struct Snapshot {
    state: Arc<State>,
    opened: RwLock<gix::ThreadSafeRepository>,
    folder: Scratch,
    cache: Arc<PackCache>,
    mending: tokio::sync::Mutex<()>,
    /// Counts when the folder begins to be built again, and when that ends: odd in between.
    mended: AtomicU64,
    git: Git,
    derived: Mutex<HashMap<TypeId, Arc<dyn Any + Send + Sync>>>,
}

impl Snapshot {
    /// Lays out and opens the folder, with packs from the cache or, through it, from the store.
    pub(crate) async fn build(state: State, cache: Arc<PackCache>, git: Git) -> Result<Self> {
        let state = Arc::new(state);
        let folder = furnish(&state, &cache, &format!("{}-{}-", state.repo, state.generation)).await?;
        blocking::run(move || {
            let opened = open_whole(folder.path(), &state)?;
            let mending = tokio::sync::Mutex::default();
            let (opened, mended) = (RwLock::new(opened), AtomicU64::new(0));
            let derived = Mutex::default();
            Ok(Self { state, opened, folder, cache, mending, mended, git, derived })
        })
        .await
    }

    /// The refs and packs that this snapshot shows.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// The bare repository, for git processes. Valid while the lease is held.
    pub fn git_dir(&self) -> &Path {
        self.folder.path()
    }

    /// Runs `work` with a reader on the blocking pool, holding the lease until it ends. Where the
    /// folder was deleted meanwhile, it is run again on a new one.
    ///
    /// What the reader does is counted by the [`Effort`](crate::Effort) of the task; where the future is dropped, it soon
    /// ends.
    pub async fn read<T, F>(self: &Arc<Self>, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: Fn(&Reader) -> Result<T> + Send + Sync + 'static,
    {
        self.read_watched(work, Watch::new(None), None).await
    }

    /// As [`Snapshot::read`], for work that grows with a whole tree or a whole history: only some of it runs at one time,
    /// and none longer than two minutes.
    ///
    /// [`Error::Busy`] where its turn does not come, [`Error::TooLarge`] where it takes longer.
    pub async fn read_long<T, F>(self: &Arc<Self>, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: Fn(&Reader) -> Result<T> + Send + Sync + 'static,
    {
        let place = tokio::time::timeout(TURN, self.git.reading()).await;
        let place = place.map_err(|_| Error::Busy("too many long requests at one time; try again later".to_owned()))?;
        self.read_watched(work, Watch::new(Some(LONGEST)), Some(Arc::new(place?))).await
    }

    async fn read_watched<T, F>(self: &Arc<Self>, work: F, watch: Watch, place: Option<Arc<Place>>) -> Result<T>
    where
        T: Send + 'static,
        F: Fn(&Reader) -> Result<T> + Send + Sync + 'static,
    {
        let work = Arc::new(work);
        let _waiting = watch.waiting();
        self.whole(|| {
            let (lease, work, watch) = (Arc::clone(self), Arc::clone(&work), watch.clone());
            // Also where nobody waits any more, until the work has ended.
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

    /// What `work` makes of a reader, made once for each type: a generation never changes. As [`Snapshot::read_long`].
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

    /// Does `attempt` with the folder whole; again, where the folder was deleted under it, whatever
    /// came of it: an object that nobody finds looks like one that does not exist.
    pub(crate) async fn whole<T, A>(self: &Arc<Self>, mut attempt: impl FnMut() -> A) -> Result<T>
    where
        A: Future<Output = Result<T>>,
    {
        let mut attempts = 0;
        loop {
            // What was deleted before the first attempt is noticed after it.
            let mended = match self.mended.load(Ordering::Acquire) {
                mended if attempts == 0 && mended.is_multiple_of(2) => mended,
                _ => self.mend().await?,
            };
            let done = attempt().await;
            attempts += 1;
            if attempts == PATIENCE || self.untouched() == Some(mended) {
                return done;
            }
            tracing::info!(folder = %self.git_dir().display(), "a snapshot was deleted while it was read");
        }
    }

    /// How often the folder was built again, if nothing is missing in it.
    fn untouched(&self) -> Option<u64> {
        let mended = self.mended.load(Ordering::Acquire);
        (mended.is_multiple_of(2) && is_whole(self.git_dir(), &self.state)).then_some(mended)
    }

    /// Builds the folder again where somebody has deleted it or something in it, at the same place.
    async fn mend(self: &Arc<Self>) -> Result<u64> {
        if let Some(mended) = self.untouched() {
            return Ok(mended);
        }
        let snapshot = Arc::clone(self);
        // On a task, so that it is not left half done where the caller leaves.
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
                    Err(Error::Io(error)) if error.kind() == io::ErrorKind::NotFound && attempts < PATIENCE => {}
                    done => return done.map(|()| mended),
                }
            }
        });
        mending.await.map_err(|error| Error::Internal(format!("mending a snapshot died: {error}")))?
    }

    async fn rebuild(&self) -> Result<()> {
        self.cache.count_rebuild();
        let new = furnish(&self.state, &self.cache, "tmp-").await?;
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
        // gix remembers which files it did not find.
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

    /// Whether the folder is still there.
    pub(crate) fn is_on_disk(&self) -> bool {
        self.git_dir().join("HEAD").exists()
    }

    /// Removes the folder now, not in the background. Blocks.
    pub(crate) fn discard(self) {
        self.folder.remove();
    }

    /// Where the packs lie.
    pub(crate) fn pack_folder(&self) -> PackFolder {
        PackFolder(self.git_dir().join("objects/pack"))
    }

    /// A private copy of this snapshot's folder, in which a child may add a pack that nobody else
    /// sees. Removed on drop. Open it with [`open`] once the pack is there.
    pub(crate) async fn quarantine(self: &Arc<Self>) -> Result<Scratch> {
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

    /// An empty folder beside the snapshots, removed on drop.
    pub(crate) fn scratch(&self) -> Result<Scratch> {
        self.cache.run().scratch("tmp-")
    }
}

/// Whether nothing is missing in a folder that [`furnish`] made.
fn is_whole(folder: &Path, state: &State) -> bool {
    let is_there = |name: &str| folder.join(name).exists();
    let packs = || std::fs::read_dir(folder.join("objects/pack")).map_or(0, Iterator::count);
    ["HEAD", "config", "packed-refs", "refs", "objects/info"].into_iter().all(is_there)
        && packs() == 2 * state.packs.len()
}

/// Opens a folder that [`furnish`] made; not found where it was deleted before that, which is no
/// fault of the packs.
fn open_whole(folder: &Path, state: &State) -> Result<gix::ThreadSafeRepository> {
    let opened = open(folder);
    if is_whole(folder, state) { opened } else { Err(io::Error::from(io::ErrorKind::NotFound).into()) }
}

/// A new folder with everything of `state` in it.
async fn furnish(state: &Arc<State>, cache: &PackCache, prefix: &str) -> Result<Scratch> {
    let (run, prefix, shown) = (cache.run(), prefix.to_owned(), Arc::clone(state));
    let folder = blocking::run(move || {
        let folder = run.scratch(&prefix)?;
        lay_out(folder.path(), &shown, &[])?;
        Ok(folder)
    })
    .await?;
    cache.gather(&state.repo, &state.packs, &PackFolder(folder.path().join("objects/pack"))).await?;
    Ok(folder)
}

/// A folder with `pack-<id>.pack` and `pack-<id>.idx` files.
#[derive(Debug, Clone)]
pub(crate) struct PackFolder(pub(crate) PathBuf);

impl PackFolder {
    pub(crate) fn file(&self, id: PackId) -> PackFile {
        PackFile { pack: self.0.join(format!("pack-{id}.pack")), idx: self.0.join(format!("pack-{id}.idx")) }
    }
}

/// Where the two halves of a pack are.
#[derive(Debug, Clone)]
pub(crate) struct PackFile {
    pub(crate) pack: PathBuf,
    pub(crate) idx: PathBuf,
}

/// Opens a folder that [`lay_out`] made: no configuration but its own, no search for another one.
pub(crate) fn open(folder: &Path) -> Result<gix::ThreadSafeRepository> {
    open_with(folder, None)
}

/// As [`open`], with so many bytes of memory for an object and all that it is a delta of.
pub(crate) fn open_with(folder: &Path, alloc_limit: Option<usize>) -> Result<gix::ThreadSafeRepository> {
    let limit = alloc_limit.map(|limit| format!("gitoxide.objects.allocLimit={limit}"));
    let options = gix::open::Options::isolated().open_path_as_is(true).strict_config(true).config_overrides(limit);
    let repository = gix::ThreadSafeRepository::open_opts(folder, options)?;
    // Counting loads every index now, and not while threads that share them look objects up: one that
    // looks while another still loads may find nothing, and never looks again.
    repository.to_thread_local().objects.packed_object_count()?;
    Ok(repository)
}

/// Writes a bare repository: `HEAD`, `config`, `packed-refs`, and hard links of `packs`.
pub(crate) fn lay_out(folder: &Path, state: &State, packs: &[PackFile]) -> io::Result<()> {
    let target = PackFolder(folder.join("objects/pack"));
    std::fs::create_dir_all(&target.0)?;
    std::fs::create_dir(folder.join("objects/info"))?;
    std::fs::create_dir(folder.join("refs"))?;
    std::fs::write(folder.join("HEAD"), format!("ref: {}\n", state.head))?;
    std::fs::write(folder.join("config"), CONFIG)?;
    std::fs::write(folder.join("packed-refs"), packed_refs(state))?;
    for pack in packs {
        // git and gix find a pack by its index, so that comes last.
        for half in [&pack.pack, &pack.idx] {
            let name = half.file_name().ok_or(io::ErrorKind::InvalidInput)?;
            std::fs::hard_link(half, target.0.join(name))?;
        }
    }
    Ok(())
}

/// The `packed-refs` file as git writes it: sorted bytewise, with what every annotated tag peels to,
/// and a header that says so.
fn packed_refs(state: &State) -> String {
    let mut refs: Vec<_> = state.refs.iter().collect();
    refs.sort_by(|left, right| left.name.as_str().as_bytes().cmp(right.name.as_str().as_bytes()));
    let mut text = String::from("# pack-refs with: peeled fully-peeled sorted \n");
    let mut hex = gix::hash::Kind::hex_buf();
    for each in refs {
        text.extend([each.target.hex_to_buf(&mut hex), " ", each.name.as_str(), "\n"]);
        if let Some(peeled) = each.peeled {
            text.extend(["^", peeled.hex_to_buf(&mut hex), "\n"]);
        }
    }
    text
}
