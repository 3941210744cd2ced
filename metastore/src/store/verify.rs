//! Verification of pack files.
//!
//! A pack ends with the SHA-1 of its preceding bytes; its index ends with the same pack checksum followed by
//! a checksum of its own (`gitformat-pack(5)`).

use std::{
    fs::File,
    io::{self, Read as _, Seek as _, SeekFrom},
    path::Path,
};

use gix::{ObjectId, hash::Hasher};

use crate::{Error, Pack, Result, pack::PackFile};

/// Size of a SHA-1 checksum in bytes.
const CHECKSUM: usize = 20;

/// Read block size in bytes.
const BLOCK: usize = 256 * 1024;

/// Checks a pack cheaply, to detect files truncated by a power failure: compares the sizes and the pack
/// checksum at the end of both files. Returns false if a file is missing.
pub(crate) fn looks_whole(file: &PackFile, row: &Pack) -> bool {
    let ends_with_id = |path: &Path, size: u64, from_end: u64| -> io::Result<bool> {
        let mut file = File::open(path)?;
        if file.metadata()?.len() != size || size < from_end {
            return Ok(false);
        }
        file.seek(SeekFrom::Start(size - from_end))?;
        let mut checksum = [0; CHECKSUM];
        file.read_exact(&mut checksum)?;
        Ok(checksum == row.id.checksum().as_slice())
    };
    let checksum = CHECKSUM as u64;
    ends_with_id(&file.pack, row.pack_bytes, checksum).unwrap_or(false)
        && ends_with_id(&file.idx, row.idx_bytes, 2 * checksum).unwrap_or(false)
}

/// Reads both files in full and verifies them against the row. Blocks.
pub(crate) fn verify(file: &PackFile, row: &Pack) -> Result<()> {
    let digest = |path: &Path| -> Result<Trailer> {
        let mut file = File::open(path)?;
        let mut digest = Digest::default();
        let mut block = vec![0; BLOCK];
        loop {
            match file.read(&mut block)? {
                0 => return digest.finish(),
                count => digest.update(&block[..count]),
            }
        }
    };
    compare(row, &digest(&file.pack)?, &digest(&file.idx)?)
}

/// Compares both files with the row.
pub(super) fn compare(row: &Pack, pack: &Trailer, idx: &Trailer) -> Result<()> {
    let id = row.id;
    if (pack.bytes, idx.bytes) != (row.pack_bytes, row.idx_bytes) {
        return Err(Error::Corrupt(format!("the size of pack {id} differs from its row")));
    }
    if !pack.is_whole() || !idx.is_whole() {
        return Err(Error::Corrupt(format!("pack {id} is damaged")));
    }
    if pack.trailer() != id.checksum() || idx.pack() != Some(id.checksum()) {
        return Err(Error::Corrupt(format!("the file of pack {id} contains another pack")));
    }
    Ok(())
}

/// Hashes a file except for its last bytes, which are its own checksum.
pub(super) struct Digest {
    hasher: Hasher,
    /// The last bytes so far: at most two checksums.
    tail: Vec<u8>,
    bytes: u64,
}

impl Default for Digest {
    fn default() -> Self {
        Self { hasher: gix::hash::hasher(gix::hash::Kind::Sha1), tail: Vec::new(), bytes: 0 }
    }
}

impl Digest {
    pub(super) fn update(&mut self, block: &[u8]) {
        self.bytes += block.len() as u64;
        // Most of a block is hashed in place; only its end is copied.
        let ready = (self.tail.len() + block.len()).saturating_sub(2 * CHECKSUM);
        let from_tail = ready.min(self.tail.len());
        let (old, rest) = (self.tail.drain(..from_tail).collect::<Vec<_>>(), ready - from_tail);
        self.hasher.update(&old);
        self.hasher.update(&block[..rest]);
        self.tail.extend_from_slice(&block[rest..]);
    }

    pub(super) fn finish(mut self) -> Result<Trailer> {
        let own = self.tail.len().saturating_sub(CHECKSUM);
        self.hasher.update(&self.tail[..own]);
        let computed = self.hasher.try_finalize().map_err(|error| Error::Corrupt(error.to_string()))?;
        Ok(Trailer { bytes: self.bytes, computed, tail: self.tail })
    }
}

/// The size and trailing checksums of a file.
pub(super) struct Trailer {
    pub(super) bytes: u64,
    computed: ObjectId,
    tail: Vec<u8>,
}

impl Trailer {
    /// Returns true if the checksum at the end of the file matches its content.
    pub(super) fn is_whole(&self) -> bool {
        self.tail.ends_with(self.computed.as_slice())
    }

    /// Returns the computed checksum of the file.
    pub(super) fn trailer(&self) -> ObjectId {
        self.computed
    }

    /// Returns the pack checksum stored in an index.
    pub(super) fn pack(&self) -> Option<ObjectId> {
        let checksum = self.tail.get(..CHECKSUM).filter(|_| self.tail.len() == 2 * CHECKSUM)?;
        ObjectId::try_from(checksum).ok()
    }
}
