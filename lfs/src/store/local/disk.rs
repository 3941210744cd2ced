//! A file that may be flushed by another thread while it is written.

use std::{
    fs::File,
    io, mem,
    os::unix::fs::FileExt as _,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use crate::blocking;

/// After so many bytes the disk is asked to begin writing, so that little is left to do at the end.
const FLUSH_EVERY: u64 = 16 * 1024 * 1024;

/// All of its methods block.
pub(super) struct Disk {
    pub(super) file: File,
    /// Bytes written since the disk was last asked to begin.
    unflushed: AtomicU64,
    /// What early flushes met. The system reports a failed write once per open file: the final flush
    /// would not hear of it again.
    early: Mutex<io::Result<()>>,
}

impl Disk {
    pub(super) fn new(file: File) -> Arc<Self> {
        Arc::new(Self { file, unflushed: AtomicU64::new(0), early: Mutex::new(Ok(())) })
    }

    pub(super) fn write(self: &Arc<Self>, bytes: &[u8], position: u64) -> io::Result<()> {
        self.file.write_all_at(bytes, position)?;
        let length = bytes.len() as u64;
        if self.unflushed.fetch_add(length, Ordering::Relaxed) + length >= FLUSH_EVERY {
            self.unflushed.store(0, Ordering::Relaxed);
            let disk = Arc::clone(self);
            blocking::detach(move || disk.flush_early());
        }
        Ok(())
    }

    /// Does nothing if an earlier flush still runs or failed.
    fn flush_early(&self) {
        if let Ok(mut early) = self.early.try_lock()
            && early.is_ok()
        {
            *early = self.file.sync_data();
        }
    }

    pub(super) fn flush(&self) -> io::Result<()> {
        let mut early = self.early.lock().unwrap_or_else(PoisonError::into_inner);
        mem::replace(&mut *early, Ok(()))?;
        self.file.sync_all()
    }
}
