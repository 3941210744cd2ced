//! One generation of one repository as a bare git folder that never changes.
//!
//! The folder holds hard links of exactly that generation's packs. So a lookup can never meet a pack
//! that appeared later (gix cannot take more packs than it saw when it opened the folder), a pack
//! that never landed is never visible, and a pack that is retired and deleted elsewhere stays
//! readable here until the last lease ends.

use std::{
    fmt::Write as _,
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use crate::{
    PackId, Reader, Result, State, blocking,
    cache::{PATIENCE, PackCache},
    git::Git,
    scratch::Scratch,
};

/// What every snapshot says to git. Memory: a 200 MB push must not cost hundreds of megabytes.
/// `allowAnySHA1InWant`: the rounds of one fetch may meet different generations. `refs/internal` is
/// the engine's own.
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

/// A lease on one generation. Its folder lives as long as any clone of the `Arc`; where somebody
/// deletes it, it is built again.
#[derive(Debug)]
pub struct Snapshot {
    state: Arc<State>,
    repository: gix::ThreadSafeRepository,
    folder: Scratch,
    cache: Arc<PackCache>,
    mending: tokio::sync::Mutex<()>,
    git: Git,
}

impl Snapshot {
    /// Lays out and opens the folder, with packs from the cache or, through it, from the store.
    pub(crate) async fn build(state: State, cache: Arc<PackCache>, git: Git) -> Result<Self> {
        let state = Arc::new(state);
        let folder = furnish(&state, &cache, &format!("{}-{}-", state.repo, state.generation)).await?;
        blocking::run(move || {
            let repository = open(folder.path())?;
            Ok(Self { state, repository, folder, cache, mending: tokio::sync::Mutex::default(), git })
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

    /// Runs `work` with a reader on the blocking pool, holding the lease until it ends. Where it fails
    /// because the folder was deleted meanwhile, it is run again on a new one.
    pub async fn read<T, F>(self: &Arc<Self>, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: Fn(&Reader) -> Result<T> + Send + Sync + 'static,
    {
        let work = Arc::new(work);
        self.whole(|| {
            let (lease, work) = (Arc::clone(self), Arc::clone(&work));
            blocking::run(move || work(&Reader::new(&lease.repository, Arc::clone(&lease.state))))
        })
        .await
    }

    /// Does `attempt` with the folder whole; again, where it fails and the folder was deleted under it.
    pub(crate) async fn whole<T, A>(&self, mut attempt: impl FnMut() -> A) -> Result<T>
    where
        A: Future<Output = Result<T>>,
    {
        let mut attempts = 0;
        loop {
            self.mend().await?;
            attempts += 1;
            match attempt().await {
                Err(error) if attempts < PATIENCE && !self.is_whole() => {
                    tracing::info!(%error, "a snapshot was deleted while it was read");
                }
                done => return done,
            }
        }
    }

    /// Builds the folder again where somebody has deleted it or something in it: the same bytes at
    /// the same place, so that whoever has it open finds them.
    async fn mend(&self) -> Result<()> {
        if self.is_whole() {
            return Ok(());
        }
        let _turn = self.mending.lock().await;
        if self.is_whole() {
            return Ok(());
        }
        self.cache.count_rebuild();
        let new = furnish(&self.state, &self.cache, "tmp-").await?;
        let place = self.git_dir().to_owned();
        let cache = Arc::clone(&self.cache);
        blocking::run(move || {
            let old = cache.run().scratch("tmp-")?;
            match std::fs::rename(&place, old.path().join("old")) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
                _ => {}
            }
            Ok(std::fs::rename(new.path(), &place)?)
        })
        .await
    }

    pub(crate) fn git(&self) -> &Git {
        &self.git
    }

    pub(crate) fn shared_state(&self) -> Arc<State> {
        Arc::clone(&self.state)
    }

    /// Whether the folder is still there.
    pub(crate) fn is_on_disk(&self) -> bool {
        self.git_dir().join("HEAD").exists()
    }

    /// Whether nothing in the folder is missing.
    pub(crate) fn is_whole(&self) -> bool {
        let is_there = |name: &str| self.git_dir().join(name).exists();
        let packs = || std::fs::read_dir(self.pack_folder().0).map_or(0, Iterator::count);
        ["HEAD", "config", "packed-refs", "refs", "objects/info"].into_iter().all(is_there)
            && packs() == 2 * self.state.packs.len()
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
    let options = gix::open::Options::isolated().open_path_as_is(true).strict_config(true);
    Ok(gix::ThreadSafeRepository::open_opts(folder, options)?)
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
    for each in refs {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{} {}", each.target, each.name);
        if let Some(peeled) = each.peeled {
            let _ = writeln!(text, "^{peeled}");
        }
    }
    text
}
