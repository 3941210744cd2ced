//! Packs: their names, files and database rows.

use std::{
    fmt, io,
    path::{Path, PathBuf},
    str::FromStr,
    sync::Arc,
};

use bytes::Bytes;
use gix::ObjectId;

use crate::{
    Error, Result,
    temp_dir::{TempDir, unique},
};

mod encode;

#[cfg(test)]
pub(crate) use encode::encode_repeated;
pub(crate) use encode::{Object, encode, hash_object, index_ids};

/// Inline limit in bytes: packs whose pack and index together are smaller are stored in their database row.
pub const INLINE_LIMIT: u64 = 64 * 1024;

/// A pack ID: the checksum at the end of a pack file, which is also its name. Equal IDs mean equal bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PackId(ObjectId);

impl PackId {
    /// Returns the checksum.
    pub fn checksum(&self) -> ObjectId {
        self.0
    }
}

impl From<ObjectId> for PackId {
    fn from(checksum: ObjectId) -> Self {
        Self(checksum)
    }
}

impl FromStr for PackId {
    type Err = Error;

    fn from_str(hex: &str) -> Result<Self> {
        ObjectId::from_hex(hex.as_bytes()).map(Self).map_err(|_| Error::Invalid(format!("{hex:?} is not a pack ID")))
    }
}

impl fmt::Display for PackId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

/// A live pack of a repository, as in its database row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pack {
    /// The pack's checksum.
    pub id: PackId,
    /// The unique part of its object keys `packs/<repo>/<key>.pack` and `.idx`.
    pub key: String,
    /// The size of the pack in bytes.
    pub pack_bytes: u64,
    /// The size of its index in bytes.
    pub idx_bytes: u64,
    /// Number of objects.
    pub objects: u64,
    /// True if its bytes are stored in the database row instead of the object store.
    pub inline: bool,
}

/// The two files of a stored pack: the pack and its index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PackFileKind {
    Pack,
    Idx,
}

impl PackFileKind {
    pub(crate) fn extension(self) -> &'static str {
        match self {
            Self::Pack => "pack",
            Self::Idx => "idx",
        }
    }
}

/// A folder with `pack-<id>.pack` and `pack-<id>.idx` files.
#[derive(Debug, Clone)]
pub(crate) struct PackFolder(pub(crate) PathBuf);

impl PackFolder {
    pub(crate) fn file(&self, id: PackId) -> PackFile {
        PackFile { pack: self.0.join(format!("pack-{id}.pack")), idx: self.0.join(format!("pack-{id}.idx")) }
    }
}

/// Paths of a pack and its index.
#[derive(Debug, Clone)]
pub(crate) struct PackFile {
    pub(crate) pack: PathBuf,
    pub(crate) idx: PathBuf,
}

/// The two files of a pack, in memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackBytes {
    /// The pack file.
    pub pack: Bytes,
    /// The version 2 index file.
    pub idx: Bytes,
}

/// A newly written pack without a database row.
#[derive(Debug, Clone)]
pub struct NewPack {
    /// The checksum of the pack.
    pub id: PackId,
    /// The unique part of its object keys: unique per attempt, not per content, so that a repeated identical
    /// push never shares an object with a retired pack that is about to be deleted.
    pub key: String,
    /// The size of the pack in bytes.
    pub pack_bytes: u64,
    /// The size of its index in bytes.
    pub idx_bytes: u64,
    /// Number of objects.
    pub objects: u64,
    /// The pack and index.
    pub data: PackData,
}

impl NewPack {
    /// Creates a pack held in memory.
    pub(crate) fn in_memory(id: PackId, objects: u64, bytes: PackBytes) -> Self {
        Self {
            id,
            key: unique(),
            pack_bytes: bytes.pack.len() as u64,
            idx_bytes: bytes.idx.len() as u64,
            objects,
            data: PackData::Memory(bytes),
        }
    }

    /// Creates a pack from files in a scratch folder. A small pack is read into memory, so that it can be
    /// [inline](Self::inline). Blocks.
    pub(crate) fn from_files(
        id: PackId,
        objects: u64,
        folder: Arc<TempDir>,
        pack: PathBuf,
        idx: PathBuf,
    ) -> Result<Self> {
        let pack_bytes = std::fs::metadata(&pack)?.len();
        let idx_bytes = std::fs::metadata(&idx)?.len();
        let data = if pack_bytes + idx_bytes < INLINE_LIMIT {
            PackData::Memory(PackBytes { pack: std::fs::read(&pack)?.into(), idx: std::fs::read(&idx)?.into() })
        } else {
            PackData::Files(PackFiles { pack, idx, _folder: folder })
        };
        Ok(Self { id, key: unique(), pack_bytes, idx_bytes, objects, data })
    }

    /// Returns the bytes to store in the database row if the pack is small enough (see [`INLINE_LIMIT`]).
    pub fn inline(&self) -> Option<&PackBytes> {
        match &self.data {
            PackData::Memory(bytes) if self.pack_bytes + self.idx_bytes < INLINE_LIMIT => Some(bytes),
            PackData::Memory(_) | PackData::Files(_) => None,
        }
    }

    /// Writes both files to `target`, the index last. Blocks.
    pub(crate) fn place(&self, target: &PackFile) -> io::Result<()> {
        match &self.data {
            PackData::Memory(bytes) => {
                std::fs::write(&target.pack, &bytes.pack)?;
                std::fs::write(&target.idx, &bytes.idx)
            }
            PackData::Files(files) => {
                link_or_copy(files.pack(), &target.pack)?;
                link_or_copy(files.idx(), &target.idx)
            }
        }
    }

    /// Returns the database row of this pack.
    pub fn row(&self) -> Pack {
        Pack {
            id: self.id,
            key: self.key.clone(),
            pack_bytes: self.pack_bytes,
            idx_bytes: self.idx_bytes,
            objects: self.objects,
            inline: self.inline().is_some(),
        }
    }
}

/// The data of a new pack.
#[derive(Debug, Clone)]
pub enum PackData {
    /// Both files in memory.
    Memory(PackBytes),
    /// Both files on disk.
    Files(PackFiles),
}

/// A pack and its index in a temporary folder that is removed with the last clone of this value.
#[derive(Debug, Clone)]
pub struct PackFiles {
    pack: PathBuf,
    idx: PathBuf,
    _folder: Arc<TempDir>,
}

impl PackFiles {
    /// Returns the path of the pack file.
    pub fn pack(&self) -> &Path {
        &self.pack
    }

    /// Returns the path of the index file.
    pub fn idx(&self) -> &Path {
        &self.idx
    }
}

/// Creates a hard link on the same file system, otherwise copies the file.
pub(crate) fn link_or_copy(source: &Path, target: &Path) -> io::Result<()> {
    match std::fs::hard_link(source, target) {
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::AlreadyExists) => Err(error),
        Err(_) => std::fs::copy(source, target).map(drop),
        Ok(()) => Ok(()),
    }
}
