//! A part of an object, for what the server itself has to know of it.

use std::ops::Range;

use bytes::{Bytes, BytesMut};
use futures::stream::BoxStream;
use futures::{Stream, StreamExt as _, TryStreamExt as _};
use lfs::Oid;

use super::stores::Store;
use super::{Storage, stores};
use crate::access::{Fetch, Grant};
use crate::db::datasets::DatasetRow;
use crate::error::{Error, Result};

impl Storage {
    /// These bytes of an object; fewer where it ends before. All of them are in memory, so ask for few.
    ///
    /// # Errors
    /// Not found if the dataset does not hold the object, or the store has lost it.
    pub async fn part(&self, grant: &Grant<Fetch>, oid: Oid, range: Range<u64>) -> Result<Bytes> {
        gathered(self.read(grant.dataset(), oid, range).await?).await
    }

    /// These bytes of an object that a dataset holds, in blocks, wherever they are kept. Who hands them out has looked
    /// that they may.
    ///
    /// # Errors
    /// As for [`Storage::part`].
    pub(crate) async fn read(&self, dataset: &DatasetRow, oid: Oid, range: Range<u64>) -> Result<Blocks> {
        let held = self.held(dataset.id, &[oid]).await?;
        let missing = || Error::not_found(format!("the dataset does not hold the object {oid}"));
        let found = held.get(&oid).ok_or_else(missing)?;
        Ok(match self.0.stores.named(&dataset.store)? {
            Store::Folder(folder) => folder.get(&oid).await?.stream(range).map_err(Error::from).boxed(),
            Store::Bucket(bucket) => {
                let blocks = bucket.read(&stores::key(&oid, &found.place)?, range).await?;
                blocks.ok_or_else(missing)?.map_err(Error::from).boxed()
            }
        })
    }

    /// The same for one who is sent them, as one of the transfers that run at one time.
    ///
    /// # Errors
    /// As for [`Storage::part`]; busy over the limit of transfers.
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

/// Bytes as they come from a store.
pub(crate) type Blocks = BoxStream<'static, Result<Bytes>>;

/// All bytes of a stream, of which there are few.
pub(crate) async fn gathered<E>(blocks: impl Stream<Item = Result<Bytes, E>>) -> Result<Bytes, E> {
    let add = async |mut whole: BytesMut, block: Bytes| {
        whole.extend_from_slice(&block);
        Ok(whole)
    };
    Ok(blocks.try_fold(BytesMut::new(), add).await?.freeze())
}
