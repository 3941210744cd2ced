//! Bytes of one file, for who is sent them.

use std::ops::Range;

use futures::{StreamExt as _, TryStreamExt as _, stream};
use lfs::Oid;
use metastore::EntryKind;

use super::Files;
use crate::access::links::Taken;
use crate::access::{Fetch, Spot};
use crate::db::datasets::DatasetRow;
use crate::drive::browse::Located;
use crate::drive::is_empty;
use crate::error::{Error, Result};
use crate::storage::part::Blocks;

/// A file of a revision, about to be sent.
#[derive(Clone)]
pub struct Opened {
    pub(super) dataset: DatasetRow,
    pub(super) located: Located,
    /// Its name.
    pub name: String,
    /// Its bytes.
    pub size: u64,
    /// The object that it stands for, if Git LFS keeps it.
    pub oid: Option<Oid>,
}

impl Opened {
    /// # Errors
    /// Not found for what is no file.
    pub(super) fn of(dataset: &DatasetRow, located: Located) -> Result<Self> {
        let entry = &located.entry;
        let name = entry.path.rsplit('/').next().unwrap_or(&entry.path).to_owned();
        let size = entry.pointer.as_ref().map(|pointer| pointer.size).or(entry.size);
        let size = size.filter(|_| !matches!(entry.kind, EntryKind::Folder | EntryKind::Submodule));
        let size = size.ok_or_else(|| Error::not_found(format!("{} is not a file", entry.path)))?;
        let oid = entry.pointer.as_ref().filter(|pointer| !is_empty(pointer)).map(|pointer| pointer.oid);
        Ok(Self { dataset: dataset.clone(), name, size, oid, located })
    }

    /// Names the bytes: another tag means other bytes.
    pub fn tag(&self) -> String {
        self.oid.map_or_else(|| self.located.entry.id.to_string(), |oid| oid.to_string())
    }
}

impl Files {
    /// The file at a spot, in a revision or the newest one.
    ///
    /// # Errors
    /// Not found.
    pub async fn open(&self, spot: &Spot<Fetch>, revision: Option<&str>, _: &Taken) -> Result<Opened> {
        let located = self.0.drive.locate_at(&spot.narrow(), revision).await?;
        Opened::of(spot.dataset(), located)
    }

    /// A part of its bytes, in blocks, wherever they are kept.
    ///
    /// # Errors
    /// Busy if too many others are being sent; too large for what git keeps and should not.
    pub async fn send(&self, file: &Opened, range: Range<u64>) -> Result<Blocks> {
        match file.oid {
            Some(oid) => self.0.storage.send_part(&file.dataset, oid, range).await,
            // The empty object, which nobody holds.
            None if file.located.entry.pointer.is_some() => Ok(stream::empty().boxed()),
            None => Ok(self.0.drive.open(&file.located).await?.stream(range).map_err(Error::from).boxed()),
        }
    }

    /// The same, for what the server itself looks at.
    pub(super) async fn read(&self, file: &Opened, range: Range<u64>) -> Result<Blocks> {
        match file.oid {
            Some(oid) => self.0.storage.read(&file.dataset, oid, range).await,
            None => self.send(file, range).await,
        }
    }

    /// Where the bytes of an object are to be had for some minutes, to be saved under the file's name; none for a file
    /// that git keeps.
    pub async fn link(&self, file: &Opened, base: &str) -> Result<Option<String>> {
        let Some(oid) = file.oid else { return Ok(None) };
        self.0.storage.link_in(&file.dataset, oid, &file.name, false, base).await.map(Some)
    }
}
