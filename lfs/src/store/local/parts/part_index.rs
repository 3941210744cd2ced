//! The ledger: an index of what is on disk of an upload.
//!
//! The file consists of slots of 32 bytes, none of which crosses a sector boundary: slot 0 for the append offset,
//! slot *n* for part *n*, and one that records that the whole was hashed. A slot is value (8), turn (8), both
//! big-endian, and the first 16 bytes of a SHA-256 over these and everything they refer to, so that a slot that
//! was written partially, or never, is ignored.

use std::{
    fs::{File, OpenOptions},
    io,
    os::unix::fs::FileExt as _,
};

use sha2::{Digest, Sha256};

use super::Shared;
use crate::{
    Error, Oid,
    parts::{MAX_PARTS, StoredPart},
};

const SLOT: usize = 32;
const FILLED: usize = 16;

const OFFSET: u32 = 0;
const PROOF: u32 = MAX_PARTS + 1;

/// The ledger of an upload. All methods block.
pub(super) struct Ledger {
    file: File,
    upload: [u8; 16],
}

/// The content of a slot; zero if it is empty.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Slot {
    /// Number of bytes.
    pub(super) value: u64,
    /// Number of the append request that may write.
    pub(super) turn: u64,
}

impl Ledger {
    pub(super) fn exists(shared: &Shared, upload: [u8; 16]) -> io::Result<bool> {
        shared.ledger(upload).try_exists()
    }

    /// Creates an empty ledger, unless there is one.
    pub(super) fn create(shared: &Shared, upload: [u8; 16]) -> io::Result<()> {
        OpenOptions::new().write(true).create(true).truncate(false).open(shared.ledger(upload))?.sync_all()
    }

    pub(super) fn open(shared: &Shared, upload: [u8; 16]) -> Result<Self, Error> {
        let file = OpenOptions::new().read(true).write(true).open(shared.ledger(upload));
        Ok(Self { file: file.map_err(|error| shared.or_gone(error))?, upload })
    }

    pub(super) fn offset(&self) -> io::Result<Slot> {
        self.read(OFFSET, b"")
    }

    pub(super) fn set_offset(&self, slot: Slot) -> io::Result<()> {
        self.write(OFFSET, slot, b"")
    }

    pub(super) fn part(&self, number: u32) -> io::Result<u64> {
        Ok(self.read(number, b"")?.value)
    }

    pub(super) fn set_part(&self, number: u32, size: u64) -> io::Result<()> {
        self.write(number, Slot { value: size, turn: 0 }, b"")
    }

    pub(super) fn forget_part(&self, number: u32) -> io::Result<()> {
        self.file.write_all_at(&[0; SLOT], place(number))?;
        self.file.sync_data()
    }

    pub(super) fn parts(&self) -> io::Result<Vec<StoredPart>> {
        let mut parts = Vec::new();
        let mut slots = vec![0; SLOT * (MAX_PARTS as usize + 1)];
        let length = self.fill(&mut slots, 0)?;
        for (number, bytes) in (0..).zip(slots[..length].chunks_exact(SLOT)).skip(1) {
            let size = self.understand(number, bytes, b"").value;
            if size > 0 {
                parts.push(StoredPart { number, size });
            }
        }
        Ok(parts)
    }

    /// Returns true if the upload was verified to be this object.
    pub(super) fn is_proven(&self, oid: &Oid, size: u64) -> io::Result<bool> {
        Ok(self.read(PROOF, oid.as_bytes())? == proof(size))
    }

    pub(super) fn set_proven(&self, oid: &Oid, size: u64) -> io::Result<()> {
        self.write(PROOF, proof(size), oid.as_bytes())
    }

    fn read(&self, number: u32, about: &[u8]) -> io::Result<Slot> {
        let mut bytes = [0; SLOT];
        let length = self.fill(&mut bytes, place(number))?;
        Ok(if length == SLOT { self.understand(number, &bytes, about) } else { Slot::default() })
    }

    /// Reads as many bytes as there are.
    fn fill(&self, bytes: &mut [u8], position: u64) -> io::Result<usize> {
        let mut length = 0;
        while length < bytes.len() {
            match self.file.read_at(&mut bytes[length..], position + length as u64) {
                Ok(0) => break,
                Ok(more) => length += more,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(length)
    }

    fn understand(&self, number: u32, bytes: &[u8], about: &[u8]) -> Slot {
        // Most slots of a ledger were never written.
        if bytes.iter().all(|byte| *byte == 0) {
            return Slot::default();
        }
        let word = |at: usize| u64::from_be_bytes(bytes[at..at + 8].try_into().expect("a slot has 32 bytes"));
        let slot = Slot { value: word(0), turn: word(8) };
        if self.encode(number, slot, about) == bytes { slot } else { Slot::default() }
    }

    fn write(&self, number: u32, slot: Slot, about: &[u8]) -> io::Result<()> {
        self.file.write_all_at(&self.encode(number, slot, about), place(number))?;
        self.file.sync_data()
    }

    fn encode(&self, number: u32, slot: Slot, about: &[u8]) -> [u8; SLOT] {
        let mut bytes = [0; SLOT];
        bytes[..8].copy_from_slice(&slot.value.to_be_bytes());
        bytes[8..FILLED].copy_from_slice(&slot.turn.to_be_bytes());
        let hasher = Sha256::new().chain_update(self.upload).chain_update(number.to_be_bytes());
        let digest = hasher.chain_update(&bytes[..FILLED]).chain_update(about).finalize();
        bytes[FILLED..].copy_from_slice(&digest[..SLOT - FILLED]);
        bytes
    }
}

fn place(number: u32) -> u64 {
    u64::from(number) * SLOT as u64
}

/// Distinguishes "verified, with zero bytes" from an empty slot.
fn proof(size: u64) -> Slot {
    Slot { value: size, turn: 1 }
}
