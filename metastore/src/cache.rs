//! Packs on the local disk: downloaded once, verified, shared by every generation through hard links.

use std::{
    fs::File,
    io::{self, Read as _, Seek as _, SeekFrom},
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use futures::{StreamExt as _, TryStreamExt as _};
use gix::ObjectId;

use crate::{
    Error, InlinePacks, NewPack, Pack, PackData, PackId, PackStore, RepoKey, Result, blocking,
    engine::RunFolder,
    scratch::Scratch,
    snapshot::{PackFile, PackFolder},
    store::{Half, link_or_copy},
};

/// How many packs are downloaded at once for one snapshot.
const DOWNLOADS: usize = 8;

/// How often a step is repeated because somebody removed cached files under it.
pub(crate) const PATIENCE: usize = 10;

/// A SHA-1 checksum in bytes.
const CHECKSUM: usize = 20;

/// `cache/packs/<repo>/pack-<id>.{pack,idx}`. Any file may vanish at any time; a folder of links
/// made from them does not care.
pub(crate) struct PackCache {
    root: PathBuf,
    run: Arc<RunFolder>,
    store: PackStore,
    inline: Arc<dyn InlinePacks>,
    limit: u64,
    /// Bytes that may be added before the next look at the whole cache.
    headroom: AtomicU64,
}

impl PackCache {
    pub(crate) fn open(
        root: &Path,
        run: Arc<RunFolder>,
        store: PackStore,
        inline: Arc<dyn InlinePacks>,
        limit: u64,
    ) -> Result<Self> {
        std::fs::create_dir_all(root)?;
        let root = std::path::absolute(root)?;
        Ok(Self { root, run, store, inline, limit, headroom: AtomicU64::new(0) })
    }

    fn folder(&self, repo: &RepoKey) -> PackFolder {
        PackFolder(self.root.join(repo.as_str()))
    }

    /// Makes sure that every pack is in the cache and whole, and says where.
    pub(crate) async fn ensure(&self, repo: &RepoKey, packs: &[Pack]) -> Result<Vec<PackFile>> {
        let folder = self.folder(repo);
        let files = packs.iter().map(|pack| folder.file(pack.id)).collect();
        let (wanted, place) = (packs.to_vec(), folder.clone());
        let missing = blocking::run(move || {
            std::fs::create_dir_all(&place.0)?;
            Ok(wanted.into_iter().filter(|pack| !looks_whole(&place.file(pack.id), pack)).collect::<Vec<_>>())
        })
        .await?;
        if !missing.is_empty() {
            let (inline, stored): (Vec<_>, Vec<_>) = missing.into_iter().partition(|pack| pack.inline);
            self.load_inline(repo, &inline).await?;
            futures::stream::iter(stored)
                .map(|pack| async move { self.download(repo, &pack).await })
                .buffer_unordered(DOWNLOADS)
                .try_collect::<()>()
                .await?;
        }
        Ok(files)
    }

    async fn load_inline(&self, repo: &RepoKey, packs: &[Pack]) -> Result<()> {
        if packs.is_empty() {
            return Ok(());
        }
        let ids: Vec<_> = packs.iter().map(|pack| pack.id).collect();
        let mut loaded: std::collections::HashMap<_, _> = self.inline.load(repo, &ids).await?.into_iter().collect();
        let mut rows = Vec::with_capacity(packs.len());
        for pack in packs {
            let bytes = loaded
                .remove(&pack.id)
                .ok_or_else(|| Error::NotFound(format!("the database has no pack {}", pack.id)))?;
            rows.push((pack.clone(), bytes));
        }
        let (folder, run) = (self.folder(repo), Arc::clone(&self.run));
        let added = blocking::run(move || {
            let scratch = Scratch::create(run.path(), "tmp-")?;
            let mut added = 0;
            for (pack, bytes) in rows {
                let temporary = PackFolder(scratch.path().to_owned()).file(pack.id);
                std::fs::write(&temporary.pack, &bytes.pack)?;
                std::fs::write(&temporary.idx, &bytes.idx)?;
                verify(&temporary, &pack)?;
                install(&temporary, &folder.file(pack.id))?;
                added += pack.pack_bytes + pack.idx_bytes;
            }
            Ok(added)
        })
        .await?;
        self.spend(added);
        Ok(())
    }

    async fn download(&self, repo: &RepoKey, pack: &Pack) -> Result<()> {
        let run = Arc::clone(&self.run);
        let scratch = blocking::run(move || Scratch::create(run.path(), "tmp-")).await?;
        let temporary = PackFolder(scratch.path().to_owned()).file(pack.id);
        self.store.fetch(repo, &pack.key, Half::Pack, &temporary.pack).await?;
        self.store.fetch(repo, &pack.key, Half::Idx, &temporary.idx).await?;
        let (row, target) = (pack.clone(), self.folder(repo).file(pack.id));
        blocking::run(move || {
            verify(&temporary, &row)?;
            install(&temporary, &target)?;
            drop(scratch);
            Ok(())
        })
        .await?;
        self.spend(pack.pack_bytes + pack.idx_bytes);
        Ok(())
    }

    /// Takes over the files of a pack that this process made itself.
    pub(crate) async fn adopt(&self, repo: &RepoKey, pack: &NewPack) -> Result<()> {
        let (folder, run, pack) = (self.folder(repo), Arc::clone(&self.run), pack.clone());
        let added = pack.pack_bytes + pack.idx_bytes;
        blocking::run(move || {
            std::fs::create_dir_all(&folder.0)?;
            let scratch = Scratch::create(run.path(), "tmp-")?;
            let temporary = PackFolder(scratch.path().to_owned()).file(pack.id);
            match &pack.data {
                PackData::Memory(bytes) => {
                    std::fs::write(&temporary.pack, &bytes.pack)?;
                    std::fs::write(&temporary.idx, &bytes.idx)?;
                }
                PackData::Files(files) => {
                    link_or_copy(files.pack(), &temporary.pack)?;
                    link_or_copy(files.idx(), &temporary.idx)?;
                }
            }
            Ok(install(&temporary, &folder.file(pack.id))?)
        })
        .await?;
        self.spend(added);
        Ok(())
    }

    pub(crate) async fn forget(&self, repo: &RepoKey) -> Result<()> {
        let (folder, run) = (self.folder(repo).0, Arc::clone(&self.run));
        blocking::run(move || {
            // Away in one step: whoever is writing there meanwhile begins a new folder.
            let scratch = Scratch::create(run.path(), "tmp-")?;
            match std::fs::rename(&folder, scratch.path().join("forgotten")) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error.into()),
                _ => Ok(()),
            }
        })
        .await
    }

    fn spend(&self, bytes: u64) {
        let _ =
            self.headroom.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| Some(left.saturating_sub(bytes)));
    }

    /// Evicts what is too much. Call it when the packs last asked for are linked, or they go first.
    pub(crate) async fn trim_if_due(&self) -> Result<()> {
        if self.headroom.load(Ordering::Relaxed) > 0 {
            return Ok(());
        }
        let (root, limit) = (self.root.clone(), self.limit);
        let kept = blocking::run(move || trim(&root, limit)).await?;
        // Look again after a tenth of the limit at the latest.
        self.headroom.store(limit.saturating_sub(kept).clamp(1, limit / 10 + 1), Ordering::Relaxed);
        Ok(())
    }
}

/// A cheap look that finds files cut short by a power failure: sizes, and the checksum that both end with.
fn looks_whole(file: &PackFile, row: &Pack) -> bool {
    let ends_with_id = |path: &Path, size: u64, from_end: u64| -> io::Result<bool> {
        let mut file = File::open(path)?;
        if file.metadata()?.len() != size || size < from_end {
            return Ok(false);
        }
        file.seek(SeekFrom::Start(size - from_end))?;
        let mut checksum = [0; CHECKSUM];
        file.read_exact(&mut checksum)?;
        Ok(checksum == row.id.checksum().as_slice())
    };
    let checksum = CHECKSUM as u64;
    // An index ends with the checksum of its pack and then its own.
    ends_with_id(&file.pack, row.pack_bytes, checksum).unwrap_or(false)
        && ends_with_id(&file.idx, row.idx_bytes, 2 * checksum).unwrap_or(false)
}

/// Reads both files in full: they must be what the row says.
fn verify(file: &PackFile, row: &Pack) -> Result<()> {
    let id: PackId = row.id;
    if !looks_whole(file, row) {
        return Err(Error::Corrupt(format!("pack {id} has another size or checksum than its row")));
    }
    for path in [&file.pack, &file.idx] {
        if !hash_matches_trailer(path)? {
            return Err(Error::Corrupt(format!("the bytes of pack {id} are damaged")));
        }
    }
    Ok(())
}

fn hash_matches_trailer(path: &Path) -> Result<bool> {
    let mut file = File::open(path)?;
    let mut left = file.metadata()?.len() - CHECKSUM as u64;
    let mut hasher = gix::hash::hasher(gix::hash::Kind::Sha1);
    let mut block = vec![0; 256 * 1024];
    while left > 0 {
        let want = block.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        file.read_exact(&mut block[..want])?;
        hasher.update(&block[..want]);
        left -= want as u64;
    }
    let mut trailer = [0; CHECKSUM];
    file.read_exact(&mut trailer)?;
    let computed = hasher.try_finalize().map_err(|error| Error::Corrupt(error.to_string()))?;
    Ok(computed == ObjectId::from(trailer))
}

/// Moves a pack into the cache, its index last. What is there under the same name has the same bytes.
fn install(from: &PackFile, to: &PackFile) -> io::Result<()> {
    for (from, to) in [(&from.pack, &to.pack), (&from.idx, &to.idx)] {
        let mut attempts = 0;
        while let Err(error) = std::fs::rename(from, to) {
            attempts += 1;
            // The folder of the repository may be forgotten at any moment.
            if error.kind() != io::ErrorKind::NotFound || attempts > PATIENCE {
                return Err(error);
            }
            std::fs::create_dir_all(to.parent().ok_or(io::ErrorKind::InvalidInput)?)?;
        }
    }
    Ok(())
}

/// Removes packs that nothing else links to, those unused longest first, until the rest fits.
/// Returns the bytes that such packs still take.
fn trim(root: &Path, limit: u64) -> Result<u64> {
    struct Idle {
        path: PathBuf,
        bytes: u64,
        last_use: (i64, i64),
    }
    let mut total = 0;
    let mut idle = Vec::new();
    for repo in std::fs::read_dir(root)? {
        let Ok(files) = std::fs::read_dir(repo?.path()) else { continue };
        for file in files {
            let file = file?;
            let Ok(metadata) = file.metadata() else { continue };
            // Each generation holds a link (so does a local store, where removing ours frees
            // nothing), and each link made or removed sets the change time: the file system keeps
            // our reference count and our clock.
            if metadata.nlink() == 1 {
                total += metadata.len();
                let last_use = (metadata.ctime(), metadata.ctime_nsec());
                idle.push(Idle { path: file.path(), bytes: metadata.len(), last_use });
            }
        }
    }
    idle.sort_by_key(|file| file.last_use);
    for file in idle {
        if total <= limit {
            break;
        }
        if std::fs::remove_file(&file.path).is_ok() {
            total -= file.bytes;
        }
    }
    Ok(total)
}
