//! Garbage collection: repacks without unreachable objects.

use std::{collections::HashSet, fs::File, io::Write as _, path::Path, process::Stdio, sync::Arc};

use bytes::Bytes;
use gix::ObjectId;

use crate::{
    Engine, Error, NewPack, PackId, Reader, Result, Snapshot, State, blocking,
    git::{Git, finish},
    pack::{PackFolder, index_ids},
    reachability::Reach,
    repository::{self, lay_out},
};

/// Roots that a collection keeps in addition to the refs.
#[derive(Debug, Clone, Default)]
pub struct Keep {
    /// Objects to keep with everything reachable from them, such as entries of the ref log. Missing ones are ignored.
    pub roots: Vec<ObjectId>,
    /// Packs that are too recent to collect: all their objects, and everything reachable from them, are kept.
    pub packs: Vec<PackId>,
}

/// The unreachable objects of a snapshot.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Garbage {
    /// Number of objects; a copy in another pack counts again.
    pub objects: u64,
    /// Their size in their packs, in bytes. A collection may save less if one of them is the delta base of a
    /// live object.
    pub bytes: u64,
    /// The packs that contain them.
    pub packs: Vec<PackId>,
}

/// The result of a collection, to be committed by the caller.
///
/// In one transaction: compare the generation with [`Repacked::generation`] (see [`Engine::still_garbage`] if
/// it has changed), check that all of `garbage.packs` are still live, insert the new pack, retire those
/// packs, and increment the generation **and the epoch**. The new epoch invalidates every write that was
/// prepared before, since it may depend on an object that is dropped here.
#[derive(Debug, Clone)]
pub struct Repacked {
    /// The dropped objects and the packs that are replaced.
    pub garbage: Garbage,
    /// A pack with the live objects of the replaced packs; `None` if there are no such objects, or if other
    /// packs have them too.
    pub pack: Option<NewPack>,
    /// The generation of the snapshot.
    pub generation: u64,
    /// The epoch of the snapshot.
    pub epoch: u64,
    /// The ref targets of the snapshot; they do not need the garbage.
    tips: Vec<ObjectId>,
}

impl Engine {
    /// Counts the objects that [`collect_garbage`](Self::collect_garbage) would drop.
    pub async fn find_garbage(&self, snapshot: &Arc<Snapshot>, keep: &Keep) -> Result<Garbage> {
        let keep = Arc::new(keep.clone());
        let count = || {
            let (lease, keep) = (Arc::clone(snapshot), Arc::clone(&keep));
            blocking::run(move || Ok(Marked::new(&lease, &keep)?.garbage))
        };
        snapshot.whole(count).await
    }

    /// Writes a pack with the live objects of those packs of the snapshot that contain garbage; `None` if
    /// there is no garbage. All other packs stay as they are.
    ///
    /// # Errors
    ///
    /// [`Error::Corrupt`] if an object reachable from a ref is missing: nothing is dropped from a damaged repository.
    pub async fn collect_garbage(&self, snapshot: &Arc<Snapshot>, keep: &Keep) -> Result<Option<Repacked>> {
        snapshot.whole(|| collect(snapshot, keep)).await
    }

    /// Returns true if a collection may still be committed although the repository has moved on to `newer`:
    /// nothing reachable from a ref or from `roots` (new entries of the ref log) is among the objects it
    /// drops. Reads only what was written since. If false, the collection must be repeated.
    pub async fn still_garbage(&self, repacked: &Repacked, newer: &Arc<Snapshot>, roots: &[ObjectId]) -> Result<bool> {
        newer.whole(|| recheck(repacked, newer, roots)).await
    }
}

async fn collect(snapshot: &Arc<Snapshot>, keep: &Keep) -> Result<Option<Repacked>> {
    let git = snapshot.git();
    let _place = git.maintaining().await?;
    let (lease, keep) = (Arc::clone(snapshot), keep.clone());
    let marked = blocking::run(move || {
        let marked = Marked::new(&lease, &keep)?;
        let folder = lease.scratch()?;
        let live = marked.write_live(&folder.path().join("live"))?;
        Ok((marked.garbage, folder, live))
    });
    let (garbage, folder, live) = marked.await?;
    if garbage.objects == 0 {
        return Ok(None);
    }
    let State { generation, epoch, refs, .. } = snapshot.state();
    let tips = refs.iter().map(|each| each.target).collect();
    let mut repacked = Repacked { garbage, pack: None, generation: *generation, epoch: *epoch, tips };
    if live.is_empty() {
        return Ok(Some(repacked));
    }
    let list = folder.path().join("live");
    let list = blocking::run(move || Ok(File::open(list)?)).await?;
    let mut command = git.command(snapshot.git_dir());
    command.args(["pack-objects", "--delta-base-offset", "--quiet"]).arg(folder.path().join("pack"));
    command.stdin(Stdio::from(list));
    let answer = Git::output(&mut command, Bytes::new()).await?;
    let answer = String::from_utf8_lossy(&answer).trim().to_owned();
    let id: PackId = answer.parse().map_err(|_| Error::Git(format!("unexpected output: {answer:?}")))?;
    let pack = blocking::run(move || {
        let made = PackFolder(folder.path().to_owned()).file(id);
        if index_ids(&made.idx)? != live {
            return Err(Error::Corrupt("the repacked pack lacks live objects".to_owned()));
        }
        NewPack::from_files(id, live.len() as u64, Arc::new(folder), made.pack, made.idx)
    });
    repacked.pack = Some(pack.await?);
    Ok(Some(repacked))
}

async fn recheck(repacked: &Repacked, newer: &Arc<Snapshot>, roots: &[ObjectId]) -> Result<bool> {
    let state = newer.state();
    let live: HashSet<_> = state.packs.iter().map(|pack| pack.id).collect();
    let replaced = &repacked.garbage.packs;
    if state.epoch != repacked.epoch || !replaced.iter().all(|id| live.contains(id)) {
        return Ok(false);
    }
    let (lease, made, replaced, roots) = (Arc::clone(newer), repacked.pack.clone(), replaced.clone(), roots.to_owned());
    let prepared = blocking::run(move || {
        let folder = lease.scratch()?;
        let state = lease.state();
        let packs = lease.pack_folder();
        let kept = state.packs.iter().filter(|pack| !replaced.contains(&pack.id));
        let kept: Vec<_> = kept.map(|pack| packs.file(pack.id)).collect();
        lay_out(folder.path(), state, &kept)?;
        if let Some(made) = made {
            made.place(&PackFolder(folder.path().join("objects/pack")).file(made.id))?;
        }
        // Objects named in the ref log may have been collected long ago.
        let reader = Reader::new(repository::open(lease.git_dir())?.to_thread_local(), lease.shared_state());
        let mut tips: Vec<_> = state.refs.iter().map(|each| each.target).collect();
        for root in roots {
            if reader.contains(root)? {
                tips.push(root);
            }
        }
        Ok((folder, tips))
    });
    let (folder, tips) = prepared.await?;
    let mut question = String::new();
    for (sign, ids) in [("", &tips), ("^", &repacked.tips)] {
        question.extend(ids.iter().map(|id| format!("{sign}{id}\n")));
    }
    let git = newer.git();
    let _place = git.maintaining().await?;
    let mut command = git.command(folder.path());
    command.args(["rev-list", "--objects", "--quiet", "--stdin"]);
    Ok(finish(&mut command, Bytes::from(question)).await?.success)
}

/// A snapshot whose reachable objects are marked.
struct Marked {
    reach: Reach,
    garbage: Garbage,
}

impl Marked {
    fn new(lease: &Arc<Snapshot>, keep: &Keep) -> Result<Self> {
        let mut reach = Reach::walk(lease, &keep.roots)?;
        reach.mark_packs(&keep.packs)?;
        let mut garbage = Garbage::default();
        for (number, pack) in reach.packs().iter().enumerate() {
            let dead: Vec<u32> = reach.unreached(number).collect();
            if dead.is_empty() {
                continue;
            }
            garbage.packs.push(pack.id);
            garbage.objects += dead.len() as u64;
            let mut order: Vec<u32> = (0..pack.count()).collect();
            order.sort_unstable_by_key(|&at| pack.offset(at));
            let ends = order.iter().skip(1).map(|&at| pack.offset(at)).chain([pack.end()]);
            let sizes = order.iter().zip(ends).filter(|(at, _)| dead.binary_search(at).is_ok());
            garbage.bytes += sizes.map(|(&at, end)| end - pack.offset(at)).sum::<u64>();
        }
        Ok(Self { reach, garbage })
    }

    /// Lists the live objects that are only in packs with garbage: in a file in pack order, as input for git;
    /// and as the sorted IDs that the new pack must have.
    fn write_live(&self, path: &Path) -> Result<Vec<ObjectId>> {
        let packs = self.reach.packs();
        let is_replaced = |pack: PackId| self.garbage.packs.contains(&pack);
        let staying: Vec<_> = packs.iter().filter(|pack| !is_replaced(pack.id)).collect();
        let mut file = std::io::BufWriter::new(File::create(path)?);
        let mut live = Vec::new();
        for (number, pack) in packs.iter().enumerate().filter(|(_, pack)| is_replaced(pack.id)) {
            let mut dead = self.reach.unreached(number).peekable();
            let mut kept = Vec::new();
            for at in 0..pack.count() {
                let is_dead = dead.next_if_eq(&at).is_some();
                if !is_dead && !staying.iter().any(|other| other.holds(pack.id_at(at))) {
                    kept.push(at);
                }
            }
            kept.sort_unstable_by_key(|&at| pack.offset(at));
            for at in kept {
                writeln!(file, "{}", pack.id_at(at))?;
                live.push(pack.id_at(at).to_owned());
            }
        }
        file.flush()?;
        live.sort_unstable();
        live.dedup();
        Ok(live)
    }
}
