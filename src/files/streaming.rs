//! Sending the bytes of one file.

use std::ops::Range;

use futures::{StreamExt as _, TryStreamExt as _, stream};
use lfs::Oid;
use metastore::{EntryKind, FilePath, ObjectId};

use super::Files;
use crate::access::share_links::DownloadCounted;
use crate::access::{DatasetGrant, Fetch, Grant, TableGrant};
use crate::datasets::browse::{BlobStream, ResolvedEntry};
use crate::datasets::{content_tag, is_empty};
use crate::db::datasets::DatasetRow;
use crate::error::{Error, Result};
use crate::storage::object_reader::ObjectReader;
use crate::storage::read_range::Blocks;

/// The content of a file, to read ranges of it.
pub(crate) enum FileReader {
    Object(ObjectReader),
    /// The whole file, which is stored in git.
    Blob(BlobStream),
}

impl FileReader {
    /// Streams a range of the file.
    ///
    /// # Errors
    /// As for [`ObjectReader::read`].
    pub(crate) async fn read(&self, range: Range<u64>) -> Result<Blocks> {
        match self {
            Self::Object(object) => object.read(range).await,
            Self::Blob(blob) => Ok(stream::iter([Ok(blob.slice(range))]).boxed()),
        }
    }
}

/// A file of a revision, opened for sending.
#[derive(Clone)]
pub struct Opened {
    pub(super) dataset: DatasetRow,
    pub(super) located: ResolvedEntry,
    /// File name.
    pub name: String,
    /// Size in bytes.
    pub size: u64,
    /// Its LFS object, if it is stored in Git LFS.
    pub oid: Option<Oid>,
}

impl Opened {
    /// # Errors
    /// Not found if the entry is not a file.
    pub(super) fn of(dataset: &DatasetRow, located: ResolvedEntry) -> Result<Self> {
        let entry = &located.entry;
        let name = entry.path.rsplit('/').next().unwrap_or(&entry.path).to_owned();
        let size = entry.pointer.as_ref().map(|pointer| pointer.size).or(entry.size);
        let size = size.filter(|_| !matches!(entry.kind, EntryKind::Folder | EntryKind::Submodule));
        let size = size.ok_or_else(|| Error::not_found(format!("{} is not a file", entry.path)))?;
        let oid = entry.pointer.as_ref().filter(|pointer| !is_empty(pointer)).map(|pointer| pointer.oid);
        Ok(Self { dataset: dataset.clone(), name, size, oid, located })
    }

    /// Returns the commit id of the revision.
    pub fn revision(&self) -> ObjectId {
        self.located.revision
    }

    /// Returns the entity tag of the content: different content has a different tag.
    pub fn tag(&self) -> String {
        content_tag(&self.located.entry)
    }
}

impl Files {
    /// Opens the file at the path of the grant, in a revision or in the newest one.
    ///
    /// # Errors
    /// Not found.
    pub async fn open(&self, grant: &Grant<Fetch>, revision: Option<&str>, _: &DownloadCounted) -> Result<Opened> {
        let located = self.0.drive.locate(&grant.narrow(), revision).await?;
        Opened::of(grant.dataset(), located)
    }

    /// Opens a file of a table.
    ///
    /// # Errors
    /// Not found.
    pub(crate) async fn open_for_table(&self, grant: &TableGrant, path: &FilePath, revision: &str) -> Result<Opened> {
        let located = self.0.drive.locate(&grant.at(path)?, Some(revision)).await?;
        Opened::of(grant.dataset(), located)
    }

    /// Looks up where the content of a file is, to read several ranges of it.
    ///
    /// # Errors
    /// Not found if the dataset does not hold the object; for a file in git those of
    /// [`Datasets::open`](crate::datasets::Datasets::open).
    pub(crate) async fn reader(&self, file: &Opened) -> Result<FileReader> {
        Ok(match file.oid {
            Some(oid) => FileReader::Object(self.0.storage.reader(&file.dataset, oid).await?),
            None => FileReader::Blob(self.0.drive.open(&file.located).await?),
        })
    }

    /// Reads a small file as a whole. The caller has checked its size.
    ///
    /// # Errors
    /// As for [`Files::reader`].
    pub(crate) async fn read_all(&self, file: &Opened) -> Result<Vec<u8>> {
        if file.size == 0 {
            return Ok(Vec::new());
        }
        let mut blocks = self.reader(file).await?.read(0..file.size).await?;
        let mut content = Vec::new();
        while let Some(block) = blocks.next().await {
            content.extend_from_slice(&block?);
        }
        Ok(content)
    }

    /// Opens a file that was found before. Only links have a download limit, and they never get a [`DatasetGrant`].
    ///
    /// # Errors
    /// Not found if the entry is not a file.
    pub fn open_entry(&self, grant: &DatasetGrant<Fetch>, located: ResolvedEntry) -> Result<Opened> {
        Opened::of(grant.dataset(), located)
    }

    /// Streams a range of the file, wherever it is stored.
    ///
    /// # Errors
    /// Busy if too many files are being sent; too large for a file in git that belongs in Git LFS.
    pub async fn send(&self, file: &Opened, range: Range<u64>) -> Result<Blocks> {
        match file.oid {
            Some(oid) => self.0.storage.send_part(&file.dataset, oid, range).await,
            // The empty object, which is not stored.
            None if file.located.entry.pointer.is_some() => Ok(stream::empty().boxed()),
            None => Ok(self.0.drive.open(&file.located).await?.stream(range).map_err(Error::from).boxed()),
        }
    }

    /// Returns a short-lived download URL of the object, under which a browser saves it as the file's name, or with
    /// `inline` displays it if it can; `None` for a file stored in git.
    pub async fn download_url(&self, file: &Opened, inline: bool, base: &str) -> Result<Option<String>> {
        let Some(oid) = file.oid else { return Ok(None) };
        self.0.storage.download_url_in(&file.dataset, oid, &file.name, inline, base).await.map(Some)
    }
}
