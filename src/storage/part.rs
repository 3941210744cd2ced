//! A part of an object, for what the server itself has to know of it.

use std::ops::Range;

use bytes::{Bytes, BytesMut};
use futures::{Stream, TryStreamExt as _};
use lfs::Oid;

use super::stores::Store;
use super::{Storage, stores};
use crate::access::{Fetch, Grant};
use crate::error::{Error, Result};

impl Storage {
    /// These bytes of an object; fewer where it ends before. All of them are in memory, so ask for few.
    ///
    /// # Errors
    /// Not found if the dataset does not hold the object, or the store has lost it.
    pub async fn part(&self, grant: &Grant<Fetch>, oid: Oid, range: Range<u64>) -> Result<Bytes> {
        let held = self.held(grant.id(), &[oid]).await?;
        let missing = || Error::not_found(format!("the dataset does not hold the object {oid}"));
        let found = held.get(&oid).ok_or_else(missing)?;
        Ok(match self.0.stores.named(&grant.dataset().store)? {
            Store::Folder(folder) => gathered(folder.get(&oid).await?.stream(range)).await?,
            Store::Bucket(bucket) => {
                let blocks = bucket.read(&stores::key(&oid, &found.place)?, range).await?;
                gathered(blocks.ok_or_else(missing)?).await?
            }
        })
    }
}

/// All bytes of a stream, of which there are few.
pub(crate) async fn gathered<E>(blocks: impl Stream<Item = Result<Bytes, E>>) -> Result<Bytes, E> {
    let add = async |mut whole: BytesMut, block: Bytes| {
        whole.extend_from_slice(&block);
        Ok(whole)
    };
    Ok(blocks.try_fold(BytesMut::new(), add).await?.freeze())
}
