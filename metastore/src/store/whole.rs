//! Whether the files of a pack are whole.
//!
//! A pack ends with the SHA-1 of what comes before; its index ends with that checksum again and then
//! with its own (`gitformat-pack(5)`).

use std::{
    fs::File,
    io::{self, Read as _, Seek as _, SeekFrom},
    path::Path,
};

use gix::{ObjectId, hash::Hasher};

use crate::{Error, Pack, Result, snapshot::PackFile};

/// A SHA-1 checksum in bytes.
const CHECKSUM: usize = 20;

/// Bytes read at once.
const BLOCK: usize = 256 * 1024;

/// A cheap look that finds files cut short by a power failure: sizes, and the checksum that both end
/// with. A file that is missing is not whole.
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

/// Reads both files in full: they must be what the row says. Blocks.
pub(crate) fn verify(file: &PackFile, row: &Pack) -> Result<()> {
    let digest = |path: &Path| -> Result<Ending> {
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

/// Whether both files are what the row says.
pub(super) fn compare(row: &Pack, pack: &Ending, idx: &Ending) -> Result<()> {
    let id = row.id;
    if (pack.bytes, idx.bytes) != (row.pack_bytes, row.idx_bytes) {
        return Err(Error::Corrupt(format!("pack {id} has another size than its row says")));
    }
    if !pack.is_whole() || !idx.is_whole() {
        return Err(Error::Corrupt(format!("the bytes of pack {id} are damaged")));
    }
    if pack.trailer() != id.checksum() || idx.pack() != Some(id.checksum()) {
        return Err(Error::Corrupt(format!("there is another pack in the place of pack {id}")));
    }
    Ok(())
}

/// Hashes all but the last bytes of a file, which are its own checksum.
pub(super) struct Digest {
    hasher: Hasher,
    /// The last bytes so far: never more than those of two checksums.
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
        // Nearly all of a block is hashed where it lies; only its end is copied.
        let ready = (self.tail.len() + block.len()).saturating_sub(2 * CHECKSUM);
        let from_tail = ready.min(self.tail.len());
        let (old, rest) = (self.tail.drain(..from_tail).collect::<Vec<_>>(), ready - from_tail);
        self.hasher.update(&old);
        self.hasher.update(&block[..rest]);
        self.tail.extend_from_slice(&block[rest..]);
    }

    pub(super) fn finish(mut self) -> Result<Ending> {
        let own = self.tail.len().saturating_sub(CHECKSUM);
        self.hasher.update(&self.tail[..own]);
        let computed = self.hasher.try_finalize().map_err(|error| Error::Corrupt(error.to_string()))?;
        Ok(Ending { bytes: self.bytes, computed, tail: self.tail })
    }
}

/// How a file ended.
pub(super) struct Ending {
    pub(super) bytes: u64,
    computed: ObjectId,
    tail: Vec<u8>,
}

impl Ending {
    /// Whether the file ends with the checksum of what comes before.
    pub(super) fn is_whole(&self) -> bool {
        self.tail.ends_with(self.computed.as_slice())
    }

    /// The file's own checksum, as computed.
    pub(super) fn trailer(&self) -> ObjectId {
        self.computed
    }

    /// Of an index: the checksum of its pack.
    pub(super) fn pack(&self) -> Option<ObjectId> {
        let checksum = self.tail.get(..CHECKSUM).filter(|_| self.tail.len() == 2 * CHECKSUM)?;
        ObjectId::try_from(checksum).ok()
    }
}
