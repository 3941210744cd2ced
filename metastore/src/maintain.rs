//! Pack consolidation (repacking many packs into one).

use std::{collections::HashSet, path::Path, sync::Arc};

use bytes::Bytes;

use crate::{
    Engine, Error, NewPack, Pack, PackId, Result, Snapshot, blocking,
    git::Git,
    pack::{PackFolder, index_ids},
};

/// Number of live packs above which packs are merged, whatever their size.
const MAX_PACKS: usize = 50;

/// Size in bytes below which a pack counts as small.
const SMALL: u64 = 1024 * 1024;

/// Number of small packs above which packs are merged.
const MAX_SMALL_PACKS: usize = 16;

/// Returns the packs that should be merged into one now, if any.
///
/// The choice is geometric, as in `git repack --geometric`: the smallest packs, up to the last one that is
/// smaller than twice the sum of those before it. The remaining packs grow at least threefold from one to the
/// next, so both the number of packs and the number of times an object is rewritten are logarithmic.
pub fn consolidation(packs: &[Pack]) -> Option<Vec<PackId>> {
    let small = packs.iter().filter(|pack| pack.pack_bytes < SMALL).count();
    if packs.len() <= MAX_PACKS && small <= MAX_SMALL_PACKS {
        return None;
    }
    let mut by_size: Vec<_> = packs.iter().collect();
    by_size.sort_by_key(|pack| (pack.pack_bytes, pack.id));
    let mut sum = 0;
    let mut merged = 0;
    for (index, pack) in by_size.iter().enumerate() {
        if pack.pack_bytes < 2 * sum {
            merged = index + 1;
        }
        sum += pack.pack_bytes;
    }
    (merged > 1).then(|| by_size[..merged].iter().map(|pack| pack.id).collect())
}

impl Engine {
    /// Merges packs of a snapshot into one with exactly the same objects. Unreachable objects are included,
    /// since a concurrent write may rely on them.
    ///
    /// To commit the result: in one transaction, check that all inputs are still live, insert the new pack,
    /// retire the inputs and increment the generation. (If one input contains all objects of the others, the
    /// result may be that same pack again: do not retire the pack you just inserted.)
    pub async fn consolidate(&self, snapshot: &Arc<Snapshot>, packs: &[PackId]) -> Result<NewPack> {
        let live: HashSet<_> = snapshot.state().packs.iter().map(|pack| pack.id).collect();
        if packs.is_empty() || packs.iter().any(|id| !live.contains(id)) {
            return Err(Error::Invalid("only live packs can be merged".to_owned()));
        }
        snapshot.whole(|| merge(snapshot, packs)).await
    }
}

async fn merge(snapshot: &Arc<Snapshot>, packs: &[PackId]) -> Result<NewPack> {
    let lease = Arc::clone(snapshot);
    let folder = blocking::run(move || lease.scratch()).await?;
    let git = snapshot.git();
    let _place = git.maintaining().await?;
    let mut command = git.command(snapshot.git_dir());
    command.args(["pack-objects", "--stdin-packs", "--delta-base-offset", "--quiet"]);
    command.arg(folder.path().join("pack"));
    let names: Vec<_> = packs.iter().map(|id| format!("pack-{id}.pack\n")).collect();
    let answer = Git::output(&mut command, Bytes::from(names.concat())).await?;
    let answer = String::from_utf8_lossy(&answer).trim().to_owned();
    let id: PackId = answer.parse().map_err(|_| Error::Git(format!("unexpected output: {answer:?}")))?;
    let (lease, inputs) = (Arc::clone(snapshot), packs.to_vec());
    blocking::run(move || {
        let result = PackFolder(folder.path().to_owned()).file(id);
        let objects = same_objects(lease.git_dir(), &inputs, &result.idx)?;
        NewPack::from_files(id, objects, Arc::new(folder), result.pack, result.idx)
    })
    .await
}

/// Counts the objects of the merged pack after checking that none is lost.
fn same_objects(git_dir: &Path, inputs: &[PackId], merged: &Path) -> Result<u64> {
    let source = PackFolder(git_dir.join("objects/pack"));
    let mut before = Vec::new();
    for id in inputs {
        before.extend(index_ids(&source.file(*id).idx)?);
    }
    before.sort_unstable();
    before.dedup();
    let after = index_ids(merged)?;
    if before == after { Ok(after.len() as u64) } else { Err(Error::Corrupt("a merged pack lacks objects".to_owned())) }
}

#[cfg(test)]
mod tests;
