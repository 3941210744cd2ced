//! A file that another thread may flush while it is being written.

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

/// Number of bytes after which a flush is started in the background, so that little is left for the final one.
const FLUSH_EVERY: u64 = 16 * 1024 * 1024;

/// A file being written. All methods block.
pub(super) struct Disk {
    pub(super) file: File,
    /// Bytes written since the last background flush was started.
    unflushed: AtomicU64,
    /// Result of the background flushes. The system reports a failed write once per open file: the final flush
    /// would not report it again.
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

    /// Does nothing if an earlier flush is still running or has failed.
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
