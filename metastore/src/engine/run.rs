//! The folder that one engine owns inside a cache that several may share.

use std::{
    fs::{File, TryLockError},
    io,
    path::{Path, PathBuf},
};

use crate::{Result, scratch::unique};

const PREFIX: &str = "run-";

/// `cache/run-<unique>`: generation folders, quarantines and temporaries of one engine.
///
/// A lock on the file beside it says that its owner lives; the kernel drops the lock when the process
/// dies, however it dies. So an engine that opens the cache can tell what it may remove.
#[derive(Debug)]
pub(crate) struct RunFolder {
    path: PathBuf,
    lock_path: PathBuf,
    _lock: File,
}

impl RunFolder {
    /// Removes the folders of dead owners, then makes one of our own.
    pub(crate) fn create(cache: &Path) -> Result<Self> {
        std::fs::create_dir_all(cache)?;
        let cache = std::path::absolute(cache)?;
        // One at a time, or the folder of somebody who has not locked it yet looks dead.
        let door = File::create(cache.join("lock"))?;
        door.lock()?;
        bury_the_dead(&cache)?;
        let path = cache.join(format!("{PREFIX}{}", unique()));
        let lock_path = path.with_extension("lock");
        let lock = File::create_new(&lock_path)?;
        lock.lock()?;
        std::fs::create_dir(&path)?;
        Ok(Self { path, lock_path, _lock: lock })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for RunFolder {
    fn drop(&mut self) {
        // Scratch folders that are removed in the background at this moment may win the race for a file.
        let _ = std::fs::remove_dir_all(&self.path);
        let _ = std::fs::remove_file(&self.lock_path);
    }
}

fn bury_the_dead(cache: &Path) -> io::Result<()> {
    for entry in std::fs::read_dir(cache)? {
        let path = entry?.path();
        let ours = path.file_name().and_then(|name| name.to_str()).is_some_and(|name| name.starts_with(PREFIX));
        if !ours {
            continue;
        }
        let lock_path = path.with_extension("lock");
        if path == lock_path {
            if !path.with_extension("").exists() && is_free(&path) {
                let _ = std::fs::remove_file(&path);
            }
        } else if !lock_path.exists() || is_free(&lock_path) {
            let _ = std::fs::remove_dir_all(&path);
            let _ = std::fs::remove_file(&lock_path);
        }
    }
    Ok(())
}

fn is_free(lock: &Path) -> bool {
    match File::open(lock).map(|file| file.try_lock()) {
        Ok(Ok(())) => true,
        Ok(Err(TryLockError::WouldBlock | TryLockError::Error(_))) | Err(_) => false,
    }
}
