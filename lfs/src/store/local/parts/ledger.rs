//! What of an upload is on the disk.
//!
//! A file of slots of 32 bytes, none of which lies across two sectors: slot 0 for the bytes from the
//! beginning, slot *n* for part *n*, and one for the proof that the whole was hashed. A slot is value
//! (8), turn (8), both big-endian, and the first 16 bytes of a SHA-256 over these and all that it is
//! about, so that a slot that was half written, or never, says nothing.

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

/// All of its methods block.
pub(super) struct Ledger {
    file: File,
    upload: [u8; 16],
}

/// What a slot says. An empty one says zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Slot {
    /// In bytes.
    pub(super) value: u64,
    /// Of the requests that append, which one.
    pub(super) turn: u64,
}

impl Ledger {
    pub(super) fn exists(shared: &Shared, upload: [u8; 16]) -> io::Result<bool> {
        shared.ledger(upload).try_exists()
    }

    /// An empty one, unless there is one.
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

    /// Whether it was proven that the upload is this object.
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

    /// Reads as much as there is.
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

/// Tells "zero bytes are proven" from "nothing is".
fn proof(size: u64) -> Slot {
    Slot { value: size, turn: 1 }
}
