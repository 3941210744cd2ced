//! A writer for one part.

use std::os::unix::fs::FileExt as _;

use bytes::Bytes;

use super::{Content, Ledger, Mode};
use crate::{
    Error,
    parts::{Checksum, Hasher, Part},
    store::local::Shared,
};

/// Writes a part. All methods block.
pub(super) struct PartWriter {
    content: Content,
    ledger: Ledger,
    part: Part,
    received: u64,
    /// True while all received bytes equal those already stored.
    is_known: bool,
    checksum: Option<(Checksum, Hasher)>,
    /// Buffer for reading stored bytes.
    memory: Vec<u8>,
}

impl PartWriter {
    pub(super) fn open(
        shared: &Shared,
        upload: [u8; 16],
        part: Part,
        checksum: Option<Checksum>,
    ) -> Result<Self, Error> {
        let content = Content::open(shared, upload)?;
        let ledger = Ledger::open(shared, upload)?;
        let is_known = ledger.part(part.number)? == part.size;
        let checksum = checksum.map(|checksum| (checksum, checksum.hasher()));
        Ok(Self { content, ledger, part, received: 0, is_known, checksum, memory: Vec::new() })
    }

    pub(super) fn write(&mut self, batch: &[Bytes]) -> Result<(), Error> {
        for frame in batch {
            if let Some((_, hasher)) = &mut self.checksum {
                hasher.update(frame);
            }
            let position = self.part.position + self.received;
            if self.is_known && !self.is_here(frame, position)? {
                self.ledger.forget_part(self.part.number)?;
                self.is_known = false;
            }
            if !self.is_known {
                self.place(frame, position)?;
            }
            self.received += frame.len() as u64;
        }
        Ok(())
    }

    fn place(&mut self, frame: &[u8], position: u64) -> Result<(), Error> {
        let _hold = self.content.hold(Mode::Shared)?;
        Ok(self.content.disk.write(frame, position)?)
    }

    fn is_here(&mut self, frame: &[u8], position: u64) -> Result<bool, Error> {
        self.memory.resize(frame.len(), 0);
        self.content.disk.file.read_exact_at(&mut self.memory, position)?;
        Ok(self.memory == frame)
    }

    pub(super) fn finish(self) -> Result<(), Error> {
        if self.received != self.part.size {
            return Err(Error::WrongSize { expected: self.part.size, actual: self.received });
        }
        if self.checksum.is_some_and(|(expected, hasher)| hasher.finish() != expected) {
            if self.is_known {
                // The stored part does not match the checksum either.
                self.ledger.forget_part(self.part.number)?;
            }
            return Err(Error::WrongChecksum);
        }
        if !self.is_known {
            self.content.disk.flush()?;
            self.ledger.set_part(self.part.number, self.part.size)?;
        }
        Ok(())
    }
}
