//! Shards: the files that a client has uploaded in xorbs, checked against the xorbs before any file is put together.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use futures::{StreamExt as _, TryStreamExt as _, stream};
use lfs::Oid;
use tokio::sync::OwnedSemaphorePermit;
use xet::Hash;
use xet::merkle::Tree;
use xet::shard::{File, Shard, Term};
use xet::xorb::Xorb;

use crate::access::{DatasetGrant, Upload};
use crate::config::PackPolicy;
use crate::db::datasets::DatasetRow;
use crate::db::objects::{NewObject, XorbRow};
use crate::db::unsigned;
use crate::db::xorbs::XorbFile;
use crate::error::{Error, Result};
use crate::storage::Storage;
use crate::storage::packed::{Reconstruction, sha256};
use crate::storage::upload_sessions::{UploadSession, malformed, mismatch};

/// Maximum number of chunks of a file that can be queried later.
const QUERYABLE_CHUNKS: usize = 10_000;

/// Files of a shard that are put together at the same time: each waits for the disk at its end.
const FILES_AT_A_TIME: usize = 4;

/// Files of a shard can be this many bytes together, or [`MAX_RATIO`] times the bytes of their xorbs: a small xorb of
/// zeros could be named a million times.
const MAX_REPEATED: u64 = 64 << 30;
const MAX_RATIO: u64 = 100;

/// The files of a shard, which agree with the xorbs of the dataset.
pub struct ShardPlan {
    files: Vec<FilePlan>,
    _memory: OwnedSemaphorePermit,
}

/// A file to put together.
struct FilePlan {
    oid: Oid,
    /// Its xorbs are in the order of their first use.
    content: Arc<Reconstruction>,
    /// Chunks that can be queried, with the number of the xorb of each.
    chunks: Vec<(String, i64)>,
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
        let mut files = Vec::with_capacity(shard.files.len());
        for file in shard.files {
            if !file.terms.is_empty() {
                self.expect_size(file.len())?;
                files.push(self.plan_file(file, &xorbs).await?);
            }
        }
        let most = memory.num_permits();
        let kept = memory.split(most.div_ceil(3)).ok_or_else(|| Error::internal("a shard has no memory"))?;
        Ok(ShardPlan { files, _memory: kept })
    }

    async fn plan_file(&self, file: File, rows: &HashMap<Hash, XorbRow>) -> Result<FilePlan> {
        let hash = file.hash;
        let sha256 = file.sha256.ok_or_else(|| {
            Error::malformed(format!("file {hash} has no SHA-256; upload it with a client for repositories"))
        })?;
        let mut tree = Tree::new();
        let mut numbers: BTreeMap<Hash, usize> = BTreeMap::new();
        let mut content = Reconstruction { hash, xorbs: Vec::new(), terms: Vec::new() };
        let mut chunks = Vec::new();
        for (number, term) in file.terms.into_iter().enumerate() {
            let row = rows.get(&term.xorb).ok_or_else(|| unknown(term.xorb))?;
            let xorb = self.xorb(row).await?;
            let (range, length) = (term.chunks.start as usize..term.chunks.end as usize, u64::from(term.raw_len));
            let (checked, queryable) = crate::blocking(move || check_term(hash, number, &term, &xorb, tree)).await??;
            tree = checked;
            let xorb = *numbers.entry(row.hash.parse().map_err(Error::internal)?).or_insert_with(|| {
                content.xorbs.push(row.clone());
                content.xorbs.len() - 1
            });
            let named = i64::try_from(xorb).map_err(Error::internal)?;
            let queryable = queryable.into_iter().take(QUERYABLE_CHUNKS.saturating_sub(chunks.len()));
            chunks.extend(queryable.map(|chunk| (chunk.to_string(), named)));
            content.push(xorb, range, length);
        }
        let found = tree.file_hash();
        if found != hash {
            return Err(Error::malformed(format!("the chunks are those of file {found}, not {hash}")));
        }
        Ok(FilePlan { oid: Oid::from_bytes(sha256), content: Arc::new(content), chunks })
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
        let files = stream::iter(plan.files.into_iter().map(|file| self.add_file(dataset, file)));
        let mut files = files.buffer_unordered(FILES_AT_A_TIME);
        let (mut done, mut is_new) = (0, false);
        while let Some(is_added) = files.try_next().await? {
            done += 1;
            is_new |= is_added;
            progress(done);
        }
        Ok(is_new)
    }

    /// Adds a file to the dataset, and records where its chunks are. Returns false if the dataset had it.
    async fn add_file(&self, dataset: &DatasetRow, file: FilePlan) -> Result<bool> {
        let held = self.held(dataset.id, &[file.oid]).await?;
        let is_new = held.get(&file.oid).is_none_or(|held| held.size != file.content.len());
        if is_new {
            self.store_file(dataset, &file).await?;
        }
        let xorbs: Vec<String> = file.content.xorbs.iter().map(|xorb| xorb.hash.clone()).collect();
        let known = XorbFile { oid: file.oid, xorbs: &xorbs, chunks: &file.chunks };
        let mut tx = self.0.db.write().await?;
        // Two uploads with the same xorbs take turns.
        tx.lock_repo(dataset.id).await?;
        tx.put_xorb_file(dataset.id, &known, self.0.clock.now()).await?;
        tx.commit().await?;
        Ok(is_new)
    }

    /// Puts a file together and compares its SHA-256. In a store that packs everything, its bytes are not written again.
    async fn store_file(&self, dataset: &DatasetRow, file: &FilePlan) -> Result<()> {
        let session = UploadSession::of_file(dataset, file.content.len());
        let arrival = session.arrival(file.oid, String::new());
        self.expect_room(&arrival, false).await?;
        let bytes = self.read_packed(Arc::clone(&file.content), 0..file.content.len());
        let is_packed = self.0.stores.pack(&dataset.store)? == PackPolicy::All;
        if let Some(packed) = file.content.row()?.filter(|_| is_packed) {
            if sha256(bytes).await? != file.oid {
                return Err(mismatch(&file.oid));
            }
            return self.0.holdings_writer.hold(NewObject { packed: Some(Arc::new(packed)), ..arrival }, None).await;
        }
        self.store_whole(session, Some(file.oid), bytes).await.map(|_| ())
    }
}

/// Compares a term with the chunks of its xorb, and adds them to the tree of the file. Returns the tree, and the chunks that
/// can be queried.
fn check_term(file: Hash, number: usize, term: &Term, xorb: &Xorb, mut tree: Tree) -> Result<(Tree, Vec<Hash>)> {
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
    Ok((tree, queryable))
}

fn unknown(xorb: Hash) -> Error {
    Error::malformed(format!("this dataset does not hold xorb {xorb}; start the upload again"))
}
