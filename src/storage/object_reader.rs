//! Reading ranges of an object, whole or packed, wherever it is stored.

use std::ops::Range;
use std::sync::Arc;

use lfs::Oid;
use tokio::sync::OnceCell;

use super::Storage;
use super::packed::Reconstruction;
use super::read_range::Blocks;
use crate::db::datasets::DatasetRow;
use crate::error::{Error, Kind, Result};

impl Storage {
    /// Streams a range of an object that a dataset holds, from any store. The caller has checked access.
    ///
    /// # Errors
    /// As for [`Storage::part`].
    pub(crate) async fn read(&self, dataset: &DatasetRow, oid: Oid, range: Range<u64>) -> Result<Blocks> {
        self.reader(dataset, oid).await?.read(range).await
    }

    /// Looks up where an object is that a dataset holds, to read several ranges of it. The caller has checked access.
    ///
    /// # Errors
    /// Not found if the dataset does not hold the object.
    pub(crate) async fn reader(&self, dataset: &DatasetRow, oid: Oid) -> Result<ObjectReader> {
        let held = self.held(dataset.id, &[oid]).await?;
        let found = held.get(&oid).ok_or_else(|| missing(oid))?;
        let (storage, store) = (self.clone(), dataset.store.clone());
        let place = (!found.is_packed).then(|| found.place.clone());
        Ok(ObjectReader { storage, store, oid, place, packed: OnceCell::new() })
    }
}

/// An object that a dataset held when it was looked up.
pub(crate) struct ObjectReader {
    storage: Storage,
    store: String,
    oid: Oid,
    /// Where it is, unless it was packed.
    place: Option<Arc<str>>,
    packed: OnceCell<Arc<Reconstruction>>,
}

impl ObjectReader {
    /// Streams a range of the object.
    ///
    /// # Errors
    /// Not found if the store has lost it.
    pub(crate) async fn read(&self, range: Range<u64>) -> Result<Blocks> {
        let Self { storage, store, oid, .. } = self;
        if let Some(place) = &self.place
            && self.packed.get().is_none()
        {
            match storage.read_from_store(store, oid, place, range.clone()).await {
                Ok(Some(blocks)) => return Ok(blocks),
                Err(error) if error.kind() != Kind::NotFound => return Err(error),
                // Perhaps packed since it was looked up.
                Ok(None) | Err(_) => {}
            }
        }
        let find = || async { storage.reconstruction(store, oid).await?.map(Arc::new).ok_or_else(|| missing(*oid)) };
        let object = self.packed.get_or_try_init(find).await?;
        Ok(storage.read_packed(Arc::clone(object), range))
    }
}

fn missing(oid: Oid) -> Error {
    Error::not_found(format!("object {oid} not found in this dataset; upload it with `git lfs push --all`"))
}
