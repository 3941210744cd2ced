//! One piece after the other.

use bytes::Bytes;

use super::{Content, Ledger, Mode, ledger::Slot};
use crate::{
    Error,
    parts::{Checksum, Hasher},
    store::local::Shared,
};

/// After so many bytes, what has come is flushed and noted: what a crash of the machine or the process
/// costs. Tests are shorter.
const NOTE_EVERY: u64 = if cfg!(test) { 1024 * 1024 } else { 32 * 1024 * 1024 };

/// A request that appends. It has the turn until another one comes. All of its methods block.
pub(super) struct Appender {
    content: Content,
    ledger: Ledger,
    turn: u64,
    position: u64,
    /// Where the ledger says that the upload stands.
    noted: u64,
    /// What has a checksum is noted as a whole or not at all.
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

    /// Another request would write to the same place.
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

    /// Where the upload stands, after a body that ended so.
    pub(super) fn finish(mut self, body: Result<(), Error>) -> Result<u64, Error> {
        if let Some((expected, hasher)) = self.checksum.take() {
            // From here on there is nothing to be noted.
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

/// Also when nobody waits for the end of the request any more, what has come stays.
impl Drop for Appender {
    fn drop(&mut self) {
        if self.checksum.is_none()
            && let Err(error) = self.note()
        {
            tracing::debug!(%error, "the end of a piece is not kept");
        }
    }
}
