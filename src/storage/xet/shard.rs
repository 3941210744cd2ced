//! Shards: the files that a client has uploaded in xorbs, checked against the xorbs before any file is put together.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::Range;
use std::sync::Arc;

use lfs::Oid;
use tokio::sync::OwnedSemaphorePermit;
use xet::Hash;
use xet::merkle::Tree;
use xet::shard::{File, Shard, Term};
use xet::xorb::Xorb;

use super::malformed;
use crate::access::{DatasetGrant, Upload};
use crate::db::datasets::DatasetRow;
use crate::db::unsigned;
use crate::db::xorbs::{XorbFile, XorbRow};
use crate::error::{Error, Result};
use crate::storage::Storage;
use crate::storage::upload_sessions::UploadSession;

/// Number of xorbs whose lists of chunks are in memory for one shard, each of at most 330 KB.
const CACHED_XORBS: usize = 32;

/// Maximum number of chunks of a file that can be queried later.
const QUERYABLE_CHUNKS: usize = 10_000;

/// Files of a shard can be this many bytes together, or [`MAX_RATIO`] times the bytes of their xorbs: a small xorb of
/// zeros could be named a million times.
const MAX_REPEATED: u64 = 64 << 30;
const MAX_RATIO: u64 = 100;

/// The files of a shard, which agree with the xorbs of the dataset.
pub struct ShardPlan {
    files: Vec<FilePlan>,
    xorbs: Arc<HashMap<Hash, XorbRow>>,
    _memory: OwnedSemaphorePermit,
}

/// A file to put together.
pub(super) struct FilePlan {
    oid: Oid,
    size: u64,
    /// Its xorbs, in the order of their first use.
    xorbs: Vec<String>,
    /// Chunks that can be queried, with the number of the xorb of each.
    chunks: Vec<(String, i64)>,
    pub(super) terms: Vec<(Hash, Range<usize>)>,
}

/// The lists of chunks of the xorbs that were read last.
#[derive(Default)]
pub(super) struct XorbCache(Vec<Arc<Xorb>>);

impl XorbCache {
    pub(super) async fn get(
        &mut self,
        storage: &Storage,
        rows: &HashMap<Hash, XorbRow>,
        hash: Hash,
    ) -> Result<Arc<Xorb>> {
        let found = self.0.iter().position(|xorb| xorb.hash() == hash);
        let xorb = match found {
            Some(index) => self.0.remove(index),
            None => storage.xorb(rows.get(&hash).ok_or_else(|| unknown(hash))?).await?,
        };
        self.0.truncate(CACHED_XORBS - 1);
        self.0.insert(0, Arc::clone(&xorb));
        Ok(xorb)
    }
}

impl ShardPlan {
    /// Returns the number of files.
    pub fn len(&self) -> usize {
        self.files.len()
    }

    /// Returns true if there are no files.
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }
}

impl Storage {
    /// Checks a shard against the xorbs of the dataset, without reading their chunks. A third of its memory is kept for
    /// the files.
    ///
    /// # Errors
    /// Malformed for a file without SHA-256, with an unknown xorb, or with other hashes or lengths than its chunks have;
    /// too large.
    pub async fn plan_shard(
        &self,
        grant: &DatasetGrant<Upload>,
        shard: Shard,
        mut memory: OwnedSemaphorePermit,
    ) -> Result<ShardPlan> {
        let named: HashSet<Hash> = shard.files.iter().flat_map(|file| &file.terms).map(|term| term.xorb).collect();
        let hashes: Vec<String> = named.iter().map(Hash::to_string).collect();
        let mut xorbs = HashMap::with_capacity(named.len());
        for page in hashes.chunks(1000) {
            for (hash, row) in self.0.db.read().await?.xorbs(grant.id(), page).await? {
                xorbs.insert(hash.parse::<Hash>().map_err(Error::internal)?, row);
            }
        }
        if let Some(missing) = named.iter().find(|hash| !xorbs.contains_key(hash)) {
            // The client remembers xorbs of earlier uploads. With a new number in the URL, it sends them again.
            let mut tx = self.0.db.write().await?;
            tx.raise_xorb_epoch(grant.id()).await?;
            tx.commit().await?;
            return Err(unknown(*missing));
        }
        let total = shard.files.iter().fold(0_u64, |total, file| total.saturating_add(file.len()));
        let stored: u64 = xorbs.values().map(|row| unsigned(row.size)).sum();
        let limit = stored.saturating_mul(MAX_RATIO).max(MAX_REPEATED);
        if total > limit {
            return Err(Error::too_large(format!(
                "the files have {total} bytes, which is more than {limit} bytes from these xorbs; upload them with Git LFS"
            )));
        }
        let mut cache = XorbCache::default();
        let mut files = Vec::with_capacity(shard.files.len());
        for file in shard.files {
            if !file.terms.is_empty() {
                self.expect_size(file.len())?;
                files.push(self.plan_file(file, &xorbs, &mut cache).await?);
            }
        }
        let most = memory.num_permits();
        let kept = memory.split(most.div_ceil(3)).ok_or_else(|| Error::internal("a shard has no memory"))?;
        Ok(ShardPlan { files, xorbs: Arc::new(xorbs), _memory: kept })
    }

    async fn plan_file(&self, file: File, rows: &HashMap<Hash, XorbRow>, cache: &mut XorbCache) -> Result<FilePlan> {
        let (size, hash) = (file.len(), file.hash);
        let sha256 = file.sha256.ok_or_else(|| {
            Error::malformed(format!("file {hash} has no SHA-256; upload it with a client for repositories"))
        })?;
        let mut tree = Tree::new();
        let mut numbers: BTreeMap<Hash, i64> = BTreeMap::new();
        let mut plan =
            FilePlan { oid: Oid::from_bytes(sha256), size, xorbs: Vec::new(), chunks: Vec::new(), terms: Vec::new() };
        for (number, term) in file.terms.into_iter().enumerate() {
            let xorb = cache.get(self, rows, term.xorb).await?;
            let range = term.chunks.start as usize..term.chunks.end as usize;
            let (checked, leaves) = crate::blocking(move || check_term(hash, number, &term, &xorb, tree)).await??;
            tree = checked;
            let next = i64::try_from(plan.xorbs.len()).map_err(Error::internal)?;
            let xorb = *numbers.entry(leaves.xorb).or_insert_with(|| {
                plan.xorbs.push(leaves.xorb.to_string());
                next
            });
            let queryable = leaves.queryable.into_iter().take(QUERYABLE_CHUNKS.saturating_sub(plan.chunks.len()));
            plan.chunks.extend(queryable.map(|chunk| (chunk.to_string(), xorb)));
            plan.terms.push((leaves.xorb, range));
        }
        let found = tree.file_hash();
        if found != hash {
            return Err(Error::malformed(format!("the chunks are those of file {found}, not {hash}")));
        }
        Ok(plan)
    }

    /// Puts the files of a shard together, and adds them to the dataset. Calls `progress` with the number of files done.
    /// Returns false if the dataset had all of them.
    ///
    /// # Errors
    /// Invalid for another SHA-256 than the shard has, and then nothing of this file is stored; full if a quota is exceeded;
    /// busy over the limit of concurrent transfers.
    pub async fn store_shard(
        &self,
        grant: &DatasetGrant<Upload>,
        plan: ShardPlan,
        mut progress: impl FnMut(usize) + Send,
    ) -> Result<bool> {
        let dataset = grant.dataset();
        let _place = self.place()?;
        let mut is_new = false;
        for (done, file) in plan.files.into_iter().enumerate() {
            progress(done);
            let file = Arc::new(file);
            let held = self.held(dataset.id, &[file.oid]).await?;
            if held.get(&file.oid).is_none_or(|held| held.size != file.size) {
                self.store_file(dataset, &plan.xorbs, &file).await?;
                is_new = true;
            }
            let mut tx = self.0.db.write().await?;
            // Two uploads with the same xorbs take turns.
            tx.lock_repo(dataset.id).await?;
            let known = XorbFile { oid: file.oid, xorbs: &file.xorbs, chunks: &file.chunks };
            tx.put_xorb_file(dataset.id, &known, self.0.clock.now()).await?;
            tx.commit().await?;
        }
        Ok(is_new)
    }

    async fn store_file(
        &self,
        dataset: &DatasetRow,
        xorbs: &Arc<HashMap<Hash, XorbRow>>,
        file: &Arc<FilePlan>,
    ) -> Result<()> {
        let session = UploadSession::of_file(dataset, file.size);
        self.expect_room(&session.arrival(file.oid, String::new()), false).await?;
        let (bytes, failure) = self.rebuild(Arc::clone(xorbs), Arc::clone(file));
        match self.store_whole(session, Some(file.oid), bytes).await {
            Ok(_) => Ok(()),
            // A failure to read is not that of the client.
            Err(error) => Err(failure.take().unwrap_or(error)),
        }
    }
}

/// The chunks of a term.
struct Leaves {
    xorb: Hash,
    queryable: Vec<Hash>,
}

/// Compares a term with the chunks of its xorb, and adds them to the tree of the file.
fn check_term(file: Hash, number: usize, term: &Term, xorb: &Xorb, mut tree: Tree) -> Result<(Tree, Leaves)> {
    let wrong = |what: &str| Error::malformed(format!("term {number} of file {file} has a wrong {what}"));
    let range = term.chunks.start as usize..term.chunks.end as usize;
    let raw = xorb.raw_range(range.clone()).map_err(malformed)?;
    if raw.end - raw.start != term.raw_len {
        return Err(wrong("length"));
    }
    if term.verification != Some(xorb.verification_hash(range.clone()).map_err(malformed)?) {
        return Err(wrong("verification hash"));
    }
    let mut queryable = Vec::new();
    for (index, (chunk, length)) in xorb.leaves(range).map_err(malformed)?.enumerate() {
        if chunk.is_dedup_eligible() || (number == 0 && index == 0) {
            queryable.push(chunk);
        }
        tree.push(chunk, length);
    }
    Ok((tree, Leaves { xorb: xorb.hash(), queryable }))
}

fn unknown(xorb: Hash) -> Error {
    Error::malformed(format!("this dataset does not hold xorb {xorb}; start the upload again"))
}
