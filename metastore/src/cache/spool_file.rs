//! Spool files: bytes on disk on their way to or from a slow client.

use std::{fs::File, os::unix::fs::FileExt as _, sync::Arc};

use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::{Result, blocking};

/// Number of bytes moved at once, the capacity of a pipe.
pub(crate) const BLOCK: usize = 64 * 1024;

/// The disk space that all spools of an engine may use.
#[derive(Clone)]
pub(crate) struct Budget(Arc<Semaphore>);

impl Budget {
    pub(crate) fn new(bytes: u64) -> Self {
        let blocks = usize::try_from(bytes / BLOCK as u64).unwrap_or(usize::MAX);
        Self(Arc::new(Semaphore::new(blocks.min(Semaphore::MAX_PERMITS))))
    }
}

/// An unnamed temporary file, first in, first out.
pub(crate) struct Spool {
    file: Arc<File>,
    budget: Budget,
    room: Option<OwnedSemaphorePermit>,
    pub(crate) written: u64,
    read: u64,
}

impl Spool {
    /// Creates a spool. `file` is empty and deleted when closed.
    pub(crate) fn new(file: File, budget: Budget) -> Self {
        Self { file: Arc::new(file), budget, room: None, written: 0, read: 0 }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.read == self.written
    }

    /// Appends a block. Returns false, without appending anything, if there is no space.
    pub(crate) async fn push(&mut self, block: &Bytes) -> Result<bool> {
        if self.is_empty() && self.written > 0 {
            let file = Arc::clone(&self.file);
            blocking::run(move || Ok(file.set_len(0)?)).await?;
            (self.written, self.read, self.room) = (0, 0, None);
        }
        let end = self.written + block.len() as u64;
        let has = self.room.as_ref().map_or(0, OwnedSemaphorePermit::num_permits) as u64;
        let missing = end.div_ceil(BLOCK as u64).saturating_sub(has);
        let Ok(missing) = u32::try_from(missing) else { return Ok(false) };
        if missing > 0 {
            let Ok(more) = Arc::clone(&self.budget.0).try_acquire_many_owned(missing) else { return Ok(false) };
            match &mut self.room {
                Some(room) => room.merge(more),
                None => self.room = Some(more),
            }
        }
        let (file, block, at) = (Arc::clone(&self.file), block.clone(), self.written);
        let written = blocking::run(move || Ok(file.write_all_at(&block, at))).await?;
        if let Err(error) = written {
            tracing::warn!(%error, "cannot spool data for a slow client to disk");
            return Ok(false);
        }
        self.written = end;
        Ok(true)
    }

    /// Returns the next block; `None` if the spool is empty.
    pub(crate) async fn next(&mut self) -> Result<Option<Bytes>> {
        let length = usize::try_from(self.written - self.read).unwrap_or(BLOCK).min(BLOCK);
        if length == 0 {
            return Ok(None);
        }
        let (file, at) = (Arc::clone(&self.file), self.read);
        let block = blocking::run(move || {
            let mut block = vec![0; length];
            file.read_exact_at(&mut block, at)?;
            Ok(Bytes::from(block))
        })
        .await?;
        self.read += length as u64;
        Ok(Some(block))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spool(budget: u64) -> Spool {
        Spool::new(tempfile::tempfile().expect("a file"), Budget::new(budget))
    }

    #[tokio::test]
    async fn what_went_in_comes_out_in_order_and_room_is_given_back() {
        let mut spool = spool(4 * BLOCK as u64);
        for round in 0..3_u8 {
            assert!(spool.next().await.expect("read").is_none());
            for number in 0..4 {
                assert!(spool.push(&Bytes::from(vec![round * 10 + number; BLOCK])).await.expect("written"));
            }
            assert!(!spool.push(&Bytes::from_static(b"more")).await.expect("no failure"), "there is no room");
            for number in 0..4 {
                let block = spool.next().await.expect("read").expect("a block");
                assert_eq!(
                    (block.len(), block[0], block[BLOCK - 1]),
                    (BLOCK, round * 10 + number, round * 10 + number)
                );
            }
        }
        let budget = spool.budget.clone();
        drop(spool);
        assert_eq!(budget.0.available_permits(), 4);
    }
}
