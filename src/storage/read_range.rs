//! Range reads of objects, for the server's own use and for sending.

use std::ops::Range;

use bytes::{Bytes, BytesMut};
use futures::stream::BoxStream;
use futures::{Stream, StreamExt as _, TryStreamExt as _};
use lfs::Oid;

use super::stores::Store;
use super::{Storage, stores};
use crate::access::{DatasetGrant, Fetch};
use crate::db::datasets::DatasetRow;
use crate::error::{Error, Result};

impl Storage {
    /// Reads a range of an object; shorter if the object ends before. The range is held in memory, so it should be
    /// small.
    ///
    /// # Errors
    /// Not found if the dataset does not hold the object, or the store has lost it.
    pub async fn part(&self, grant: &DatasetGrant<Fetch>, oid: Oid, range: Range<u64>) -> Result<Bytes> {
        gathered(self.read(grant.dataset(), oid, range).await?).await
    }

    /// Streams a range of an object from a store; `None` if a bucket does not have it.
    pub(super) async fn read_from_store(
        &self,
        store: &str,
        oid: &Oid,
        place: &str,
        range: Range<u64>,
    ) -> Result<Option<Blocks>> {
        Ok(match self.0.stores.named(store)? {
            Store::Folder(folder) => Some(folder.get(oid).await?.stream(range).map_err(Error::from).boxed()),
            Store::Bucket(bucket) => {
                let blocks = bucket.read(&stores::key(oid, place)?, range).await?;
                blocks.map(|blocks| blocks.map_err(Error::from).boxed())
            }
        })
    }

    /// Reads a range of an object from a store into memory, as [`Storage::read_from_store`], and works on it in the
    /// blocking pool.
    pub(super) async fn load_from_store<T: Send + 'static>(
        &self,
        store: &str,
        oid: &Oid,
        place: &str,
        range: Range<u64>,
        work: impl FnOnce(Bytes) -> T + Send + 'static,
    ) -> Result<Option<T>> {
        match self.0.stores.named(store)? {
            Store::Folder(folder) => Ok(Some(folder.read(oid, range, work).await?)),
            Store::Bucket(bucket) => {
                let Some(blocks) = bucket.read(&stores::key(oid, place)?, range).await? else { return Ok(None) };
                let bytes = gathered(blocks).await?;
                Ok(Some(crate::blocking(move || work(bytes)).await?))
            }
        }
    }

    /// Like [`Storage::read`], for sending to a client: takes a transfer slot.
    ///
    /// # Errors
    /// As for [`Storage::part`]; busy over the limit of concurrent transfers.
    pub(crate) async fn send_part(&self, dataset: &DatasetRow, oid: Oid, range: Range<u64>) -> Result<Blocks> {
        let place = self.place()?;
        let sent = metrics::counter!("rutter_lfs_sent_bytes_total");
        let blocks = self.read(dataset, oid, range).await?;
        let counted = blocks.inspect_ok(move |block| {
            let _place = &place;
            sent.increment(block.len() as u64);
        });
        Ok(counted.boxed())
    }
}

/// A stream of bytes from a store.
pub(crate) type Blocks = BoxStream<'static, Result<Bytes>>;

/// Collects a short stream into memory.
pub(crate) async fn gathered<E>(blocks: impl Stream<Item = Result<Bytes, E>>) -> Result<Bytes, E> {
    let add = async |mut whole: BytesMut, block: Bytes| {
        whole.extend_from_slice(&block);
        Ok(whole)
    };
    Ok(blocks.try_fold(BytesMut::new(), add).await?.freeze())
}
