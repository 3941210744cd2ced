//! Pack cache on the local disk: each pack is downloaded once, verified, and shared by all snapshots through
//! hard links.

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use futures::{StreamExt as _, TryStreamExt as _};

use crate::{
    Error, InlinePacks, NewPack, Pack, PackStore, RepoKey, Result, blocking,
    pack::{PackFile, PackFolder},
    store::{looks_whole, verify},
};

mod object_cache;
mod process_dir;
mod spool_file;
mod stats;
mod trim;

use object_cache::ObjectMemory;
pub use process_dir::ProcessDir;
use spool_file::Budget;
pub(crate) use spool_file::{BLOCK, Spool};
pub use stats::CacheStats;
use stats::Counters;
use trim::CacheBudget;

/// The folder of the packs in the cache.
const PACKS: &str = "packs";

/// Number of concurrent pack downloads per snapshot.
const DOWNLOADS: usize = 8;

/// Maximum number of retries of a step that fails because cached files were deleted concurrently.
pub(crate) const MAX_RETRIES: usize = 20;

/// Maximum total size of the spools in bytes if the cache has no limit; otherwise a quarter of that limit.
const SPOOLS: u64 = 4 << 30;

/// `cache/packs/<repo>/pack-<id>.{pack,idx}`. Any file may be deleted at any time; hard links to it in
/// snapshot folders stay valid.
pub(crate) struct PackCache {
    packs: PathBuf,
    run: Arc<ProcessDir>,
    store: PackStore,
    inline: Arc<dyn InlinePacks>,
    room: CacheBudget,
    counters: Counters,
    memory: ObjectMemory,
    spools: Budget,
}

impl PackCache {
    /// Opens the pack cache in `cache`, a folder that several engines may share; `limit` is in bytes. Blocks.
    pub(crate) fn open(
        cache: &Path,
        run: ProcessDir,
        store: PackStore,
        inline: Arc<dyn InlinePacks>,
        limit: Option<u64>,
    ) -> Result<Self> {
        let cache = std::path::absolute(cache)?;
        let packs = cache.join(PACKS);
        std::fs::create_dir_all(&packs)?;
        let room = CacheBudget::open(cache, limit)?;
        Ok(Self {
            packs,
            run: Arc::new(run),
            store,
            inline,
            room,
            counters: Counters::default(),
            memory: ObjectMemory::default(),
            spools: Budget::new(limit.map_or(SPOOLS, |limit| limit / 4)),
        })
    }

    /// Returns the object memory shared by the readers of all snapshots.
    pub(crate) fn memory(&self) -> &ObjectMemory {
        &self.memory
    }

    pub(crate) fn run(&self) -> Arc<ProcessDir> {
        Arc::clone(&self.run)
    }

    /// Creates a spool. After a crash it is cleaned up together with the other folders of the run.
    pub(crate) async fn spool(&self) -> Result<Spool> {
        let (run, budget) = (self.run(), self.spools.clone());
        blocking::run(move || {
            let folder = run.scratch("spool-")?;
            let name = folder.path().join("bytes");
            let file = std::fs::File::options().read(true).write(true).create_new(true).open(name)?;
            folder.remove();
            Ok(Spool::new(file, budget))
        })
        .await
    }

    fn folder(&self, repo: &RepoKey) -> PackFolder {
        PackFolder(self.packs.join(repo.as_str()))
    }

    /// Links every pack into `target`, loading those that the cache lacks. Packs that are linked stay there
    /// even if the cache is deleted meanwhile.
    pub(crate) async fn collect_packs(&self, repo: &RepoKey, packs: &[Pack], target: &PackFolder) -> Result<()> {
        let (wanted, cached, place) = (packs.to_vec(), self.folder(repo), target.clone());
        let missing = blocking::run(move || {
            let mut missing = Vec::new();
            for pack in wanted {
                if !link_all(&cached.file(pack.id), &place.file(pack.id), &pack)? {
                    missing.push(pack);
                }
            }
            Ok(missing)
        })
        .await?;
        self.counters.packs(packs.len() - missing.len(), missing.len());
        let (inline, stored): (Vec<_>, Vec<_>) = missing.into_iter().partition(|pack| pack.inline);
        let downloads = futures::stream::iter(stored)
            .map(|pack| async move { self.download(repo, &pack, target).await })
            .buffer_unordered(DOWNLOADS)
            .try_collect::<()>();
        tokio::try_join!(self.load_inline(repo, &inline, target), downloads)?;
        Ok(())
    }

    async fn load_inline(&self, repo: &RepoKey, packs: &[Pack], target: &PackFolder) -> Result<()> {
        if packs.is_empty() {
            return Ok(());
        }
        let run = self.run();
        let scratch = blocking::run(move || run.scratch("tmp-")).await?;
        let temporary = PackFolder(scratch.path().to_owned());
        self.load_rows(repo, packs, &temporary).await?;
        let (packs, cached, target) = (packs.to_vec(), self.folder(repo), target.clone());
        let added = packs.iter().map(|pack| pack.pack_bytes + pack.idx_bytes).sum();
        blocking::run(move || {
            for pack in packs {
                install(&temporary.file(pack.id), &target.file(pack.id), &cached.file(pack.id))?;
            }
            drop(scratch);
            Ok(())
        })
        .await?;
        self.room.spend(added);
        Ok(())
    }

    /// Writes packs that are stored inline in their database rows to `target`, after verifying them.
    async fn load_rows(&self, repo: &RepoKey, packs: &[Pack], target: &PackFolder) -> Result<()> {
        let ids: Vec<_> = packs.iter().map(|pack| pack.id).collect();
        let mut loaded: std::collections::HashMap<_, _> = self.inline.load(repo, &ids).await?.into_iter().collect();
        let mut rows = Vec::with_capacity(packs.len());
        for pack in packs {
            let bytes = loaded.remove(&pack.id).ok_or_else(|| {
                Error::Corrupt(format!("the bytes of pack {} are missing from the database", pack.id))
            })?;
            rows.push((pack.clone(), bytes));
        }
        let target = target.clone();
        blocking::run(move || {
            for (pack, bytes) in rows {
                let file = target.file(pack.id);
                std::fs::write(&file.pack, &bytes.pack)?;
                std::fs::write(&file.idx, &bytes.idx)?;
                verify(&file, &pack)?;
            }
            Ok(())
        })
        .await
    }

    async fn download(&self, repo: &RepoKey, pack: &Pack, target: &PackFolder) -> Result<()> {
        let run = self.run();
        let scratch = blocking::run(move || run.scratch("tmp-")).await?;
        let temporary = PackFolder(scratch.path().to_owned()).file(pack.id);
        self.store.fetch(repo, pack, &temporary).await?;
        let (target, cached) = (target.file(pack.id), self.folder(repo).file(pack.id));
        blocking::run(move || {
            install(&temporary, &target, &cached)?;
            drop(scratch);
            Ok(())
        })
        .await?;
        let bytes = pack.pack_bytes + pack.idx_bytes;
        self.counters.downloaded(bytes);
        self.room.spend(bytes);
        Ok(())
    }

    /// Downloads a pack from the permanent store to `target` and verifies it, bypassing the cache.
    pub(crate) async fn fetch_anew(&self, repo: &RepoKey, pack: &Pack, target: &PackFolder) -> Result<()> {
        if pack.inline {
            self.load_rows(repo, std::slice::from_ref(pack), target).await
        } else {
            self.store.fetch(repo, pack, &target.file(pack.id)).await
        }
    }

    /// Moves the files of a pack that this process wrote into the cache.
    pub(crate) async fn cache_pack(&self, repo: &RepoKey, pack: &NewPack) -> Result<()> {
        let (cached, run, pack) = (self.folder(repo).file(pack.id), self.run(), pack.clone());
        let added = pack.pack_bytes + pack.idx_bytes;
        let once = move || -> Result<()> {
            let scratch = run.scratch("tmp-")?;
            let temporary = PackFolder(scratch.path().to_owned()).file(pack.id);
            pack.place(&temporary)?;
            Ok(store(&temporary, &cached)?)
        };
        blocking::run(move || with_retry(once)).await?;
        self.room.spend(added);
        Ok(())
    }

    pub(crate) async fn forget(&self, repo: &RepoKey) -> Result<()> {
        self.memory.forget(repo);
        let (folder, run) = (self.folder(repo).0, self.run());
        let once = move || -> Result<()> {
            // Renamed away in one step: concurrent writers start a new folder.
            let scratch = run.scratch("tmp-")?;
            if folder.exists() { Ok(std::fs::rename(&folder, scratch.path().join("forgotten"))?) } else { Ok(()) }
        };
        blocking::run(move || with_retry(once)).await
    }

    /// Returns true if enough bytes were added since the last count to make a [`trim`](Self::trim) due.
    pub(crate) fn is_trim_due(&self) -> bool {
        self.room.is_spent()
    }

    /// Evicts packs that no snapshot links to, least recently used first, until the cache is within its
    /// limit. Returns the number of bytes still above the limit. Blocks.
    pub(crate) fn trim(&self) -> Result<u64> {
        let trimmed = self.room.trim()?;
        self.counters.evicted(trimmed.evictions, trimmed.evicted_bytes);
        Ok(trimmed.excess)
    }

    pub(crate) fn count_snapshot(&self, at_hand: bool) {
        self.counters.snapshot(at_hand);
    }

    pub(crate) fn count_rebuild(&self) {
        self.counters.rebuilt();
    }

    pub(crate) fn stats(&self) -> CacheStats {
        self.counters.read(self.room.bytes())
    }
}

impl std::fmt::Debug for PackCache {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("PackCache").field("packs", &self.packs).finish_non_exhaustive()
    }
}

/// Runs `step`, and retries it if files were deleted concurrently.
pub(crate) fn with_retry<T>(mut step: impl FnMut() -> Result<T>) -> Result<T> {
    let mut attempts = 0;
    loop {
        attempts += 1;
        match step() {
            Err(Error::Io(error)) if error.kind() == io::ErrorKind::NotFound && attempts < MAX_RETRIES => {}
            done => return done,
        }
    }
}

/// Links both files, the index last, since git and gix find a pack by its index. Returns `false` if the
/// source is missing or truncated; then nothing is left at `to`, and a damaged source is removed.
fn link_all(from: &PackFile, to: &PackFile, row: &Pack) -> Result<bool> {
    for (source, target) in [(&from.pack, &to.pack), (&from.idx, &to.idx)] {
        match std::fs::hard_link(source, target) {
            Ok(()) => {}
            // Either the source or the whole target folder is missing; in the latter case loading the pack
            // reports it.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                remove(to);
                return Ok(false);
            }
            Err(error) => return Err(error.into()),
        }
    }
    let is_whole = looks_whole(to, row);
    if !is_whole {
        tracing::warn!(pack = %row.id, "removed a damaged pack from the cache");
        remove(to);
        remove(from);
    }
    Ok(is_whole)
}

/// Removes both files, ignoring errors: a missing file is what we want, and any other error will surface when
/// the next step writes there.
fn remove(file: &PackFile) {
    let _ = std::fs::remove_file(&file.idx);
    let _ = std::fs::remove_file(&file.pack);
}

/// Moves a verified pack to where it is needed now, and then links it into the cache.
fn install(from: &PackFile, to: &PackFile, cached: &PackFile) -> io::Result<()> {
    std::fs::hard_link(&from.pack, &to.pack)?;
    std::fs::hard_link(&from.idx, &to.idx)?;
    if let Err(error) = store(from, cached) {
        // Not an error: the next snapshot downloads the pack again.
        tracing::warn!(%error, "cannot store a pack in the cache");
    }
    Ok(())
}

/// Moves a pack into the cache, its index last. An existing file of the same name has the same content.
fn store(from: &PackFile, to: &PackFile) -> io::Result<()> {
    for (from, to) in [(&from.pack, &to.pack), (&from.idx, &to.idx)] {
        let mut attempts = 0;
        while let Err(error) = std::fs::rename(from, to) {
            attempts += 1;
            // The folder of the repository may be removed concurrently by `forget`.
            if error.kind() != io::ErrorKind::NotFound || attempts > MAX_RETRIES {
                return Err(error);
            }
            std::fs::create_dir_all(to.parent().ok_or(io::ErrorKind::InvalidInput)?)?;
        }
    }
    Ok(())
}
