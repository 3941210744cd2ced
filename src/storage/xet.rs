//! Uploads by Xet: xorbs, and files as lists of chunks in them.
//!
//! A xorb is verified while it arrives, and stored as an object that no dataset holds. A file becomes an object only
//! after its bytes were put together and its SHA-256 was compared: what a shard says is a claim. It can name only xorbs
//! that were uploaded to the same dataset, so that knowing a hash gives no access to the data of others. Xorbs are kept for
//! some weeks after their last use, so that the next version of a file needs only its new chunks.

mod shard;

use std::time::Duration;

use bytes::Bytes;
use futures::Stream;
use tokio::sync::OwnedSemaphorePermit;
use xet::Hash;
use xet::format::MAX_XORB_LEN;
use xet::shard::{Footer, Shard, ShardChunk, XorbChunks};
use xet::xorb::MAX_FOOTER;

pub use self::shard::ShardPlan;
use super::collect::GcOptions;
use super::packed::corrupt;
use super::{Storage, counted};
use crate::access::{DatasetGrant, Upload};
use crate::clock;
use crate::db::datasets::DatasetRow;
use crate::db::{signed, unsigned};
use crate::error::{Error, Result};
use crate::quota::EffectiveQuota;
use crate::types::Id;

/// Maximum length in bytes of a xorb as clients send it.
pub const MAX_XORB_BODY: usize = MAX_XORB_LEN + MAX_FOOTER;

/// Memory limit in MiB for shards, of all requests.
pub(super) const SHARD_MEMORY_MIB: usize = 128;

/// How long a xorb is kept after its last use. Clients remember what they uploaded for three weeks.
const XORB_LIFETIME: Duration = Duration::from_hours(21 * 24);

/// If the quota is used up, xorbs are deleted this long after their last use.
const XORB_MIN_LIFETIME: Duration = Duration::from_hours(24);

/// How long an answer about a chunk is valid.
const ANSWER_LIFETIME: Duration = Duration::from_hours(24);

/// Maximum number of xorbs in an answer about a chunk: about 2 GiB of a file.
const ANSWER_XORBS: i64 = 32;

/// Number of rows per transaction.
const PAGE: i64 = 500;

impl Storage {
    /// Returns the number that is part of the URLs of a dataset's uploads: clients remember xorbs by URL.
    pub async fn xorb_epoch(&self, repo: Id) -> Result<i64> {
        self.0.db.read().await?.xorb_epoch(repo).await
    }

    /// Receives a xorb of `length` bytes: it is verified while it arrives. Returns true if the dataset did not have it.
    ///
    /// # Errors
    /// Malformed if it is not the xorb of this hash, with the first chunk that is wrong; full if a quota is
    /// exceeded; busy over the limit of concurrent transfers.
    pub async fn put_xorb<S, E>(&self, grant: &DatasetGrant<Upload>, hash: Hash, length: usize, body: S) -> Result<bool>
    where
        S: Stream<Item = Result<Bytes, E>> + Unpin + Send,
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let dataset = grant.dataset();
        let _place = self.place()?;
        self.expect_room_for_xorb(dataset, length).await?;
        let is_new = self.0.db.read().await?.xorbs(dataset.id, &[hash.to_string()]).await?.is_empty();
        self.receive_xorb(dataset, hash, (length + MAX_FOOTER) as u64, counted(body)).await?;
        Ok(is_new)
    }

    /// Reserves memory for a shard of this length in bytes, before it is parsed and after.
    pub async fn shard_memory(&self, length: usize) -> Result<OwnedSemaphorePermit> {
        let blocks = length.saturating_mul(3).div_ceil(1 << 20).clamp(1, SHARD_MEMORY_MIB);
        let blocks = u32::try_from(blocks).map_err(Error::internal)?;
        self.0.shard_memory.clone().acquire_many_owned(blocks).await.map_err(Error::internal)
    }

    /// Checks that the xorbs of an owner do not take more than the quota allows for objects. Those that were not used for
    /// a day are dropped first.
    async fn expect_room_for_xorb(&self, dataset: &DatasetRow, more: usize) -> Result<()> {
        let Some(quota) = EffectiveQuota::of(dataset, &self.0.quotas).map(|quota| quota.smallest()) else {
            return Ok(());
        };
        let is_over = |held: i64| unsigned(held).saturating_add(more as u64) > quota;
        let owner = dataset.owner_id;
        if !is_over(self.0.db.read().await?.xorb_bytes(owner).await?) {
            return Ok(());
        }
        let now = self.0.clock.now();
        let mut tx = self.0.db.write().await?;
        tx.expire_xorbs(Some(owner), now.minus(XORB_MIN_LIFETIME), now, PAGE).await?;
        tx.commit().await?;
        if !is_over(self.0.db.read().await?.xorb_bytes(owner).await?) {
            return Ok(());
        }
        Err(Error::full(format!(
            "the uploads of the last day to the datasets of {} have reached the quota of {quota} bytes; delete data, or \
             ask the operator for more",
            dataset.owner_name
        )))
    }

    /// Answers a deduplication query: the xorbs of the dataset that have this chunk and those after it, as a shard.
    pub async fn find_chunk(&self, grant: &DatasetGrant<Upload>, chunk: Hash) -> Result<Option<Vec<u8>>> {
        let rows = self.0.db.read().await?.xorbs_of_chunk(grant.id(), &chunk.to_string(), ANSWER_XORBS).await?;
        let mut xorbs = Vec::with_capacity(rows.len());
        for row in &rows {
            let xorb = self.xorb(row).await?;
            let leaves = xorb.leaves(0..xorb.chunks().len()).map_err(corrupt)?;
            let chunks = leaves.map(|(hash, length)| ShardChunk {
                hash,
                raw_len: u32::try_from(length).unwrap_or(u32::MAX),
                is_file_start: hash == chunk,
            });
            xorbs.push(XorbChunks { hash: xorb.hash(), packed_len: xorb.packed_len(), chunks: chunks.collect() });
        }
        if xorbs.is_empty() {
            return Ok(None);
        }
        let now = self.0.clock.now();
        let footer =
            Footer { key: Some(clock::random()), created: now.seconds(), expires: now.plus(ANSWER_LIFETIME).seconds() };
        Shard { files: Vec::new(), xorbs }.write(Some(&footer)).map(Some).map_err(corrupt)
    }

    /// Expires xorbs that were not used for long, and deletes those that expired before the grace period.
    pub(super) async fn collect_xorbs(&self, terms: GcOptions) -> Result<()> {
        loop {
            let mut tx = self.0.db.write_long().await?;
            let deleted = tx.delete_expired_xorbs(terms.before, PAGE).await?;
            let expired = tx.expire_xorbs(None, terms.now.minus(XORB_LIFETIME), terms.now, PAGE).await?;
            tx.commit().await?;
            if signed(deleted.max(expired) as u64) < PAGE {
                return Ok(());
            }
        }
    }
}
