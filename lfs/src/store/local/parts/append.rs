//! Sequential appends to an upload.

use bytes::Bytes;

use super::{Content, Ledger, Mode, part_index::Slot};
use crate::{
    Error,
    parts::{Checksum, Hasher},
    store::local::Shared,
};

/// Number of bytes after which received data is flushed and recorded: the maximum lost in a crash of the machine
/// or the process. Smaller in tests.
const NOTE_EVERY: u64 = if cfg!(test) { 1024 * 1024 } else { 32 * 1024 * 1024 };

/// A request that appends. It may write until another request takes over. All methods block.
pub(super) struct Appender {
    content: Content,
    ledger: Ledger,
    turn: u64,
    position: u64,
    /// The offset recorded in the ledger.
    noted: u64,
    /// A body with a checksum is recorded as a whole or not at all.
    checksum: Option<(Checksum, Hasher)>,
}

impl Appender {
    pub(super) fn open(
        shared: &Shared,
        upload: [u8; 16],
        offset: u64,
        checksum: Option<Checksum>,
    ) -> Result<Self, Error> {
        let content = Content::open(shared, upload)?;
        let ledger = Ledger::open(shared, upload)?;
        let hold = content.hold(Mode::Alone)?;
        let Slot { value, turn } = ledger.offset()?;
        if value != offset {
            return Err(Error::WrongOffset { claimed: offset, actual: value });
        }
        let turn = turn.wrapping_add(1);
        ledger.set_offset(Slot { value, turn })?;
        drop(hold);
        let checksum = checksum.map(|checksum| (checksum, checksum.hasher()));
        Ok(Self { content, ledger, turn, position: offset, noted: offset, checksum })
    }

    pub(super) fn write(&mut self, batch: &[Bytes]) -> Result<(), Error> {
        {
            let _hold = self.content.hold(Mode::Alone)?;
            self.expect_turn()?;
            for frame in batch {
                self.content.disk.write(frame, self.position)?;
                self.position += frame.len() as u64;
                if let Some((_, hasher)) = &mut self.checksum {
                    hasher.update(frame);
                }
            }
        }
        if self.checksum.is_none() && self.position - self.noted >= NOTE_EVERY {
            self.note()?;
        }
        Ok(())
    }

    /// Checks that no other request has taken over: it would write to the same range.
    fn expect_turn(&self) -> Result<(), Error> {
        let Slot { value, turn } = self.ledger.offset()?;
        if turn == self.turn { Ok(()) } else { Err(Error::WrongOffset { claimed: self.position, actual: value }) }
    }

    fn note(&mut self) -> Result<(), Error> {
        if self.noted < self.position {
            self.content.disk.flush()?;
            let _hold = self.content.hold(Mode::Alone)?;
            self.expect_turn()?;
            self.ledger.set_offset(Slot { value: self.position, turn: self.turn })?;
            self.noted = self.position;
        }
        Ok(())
    }

    /// Returns the offset of the upload, given how the body ended.
    pub(super) fn finish(mut self, body: Result<(), Error>) -> Result<u64, Error> {
        if let Some((expected, hasher)) = self.checksum.take() {
            // From here on there is nothing to record.
            let whole =
                body.and_then(|()| if hasher.finish() == expected { Ok(()) } else { Err(Error::WrongChecksum) });
            if let Err(error) = whole {
                self.position = self.noted;
                return Err(error);
            }
            self.note()?;
            return Ok(self.position);
        }
        self.note()?;
        body.map(|()| self.position)
    }
}

/// Keeps what was received even if the request was cancelled.
impl Drop for Appender {
    fn drop(&mut self) {
        if self.checksum.is_none()
            && let Err(error) = self.note()
        {
            tracing::debug!(%error, "could not record the end of an append");
        }
    }
}
