//! Per-process folder inside a shared cache, with a lock file that marks its owner as alive.

use std::{
    fs::{File, TryLockError},
    io,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use crate::{
    Result,
    temp_dir::{TempDir, unique},
};

pub(super) const PREFIX: &str = "run-";

/// `cache/run-<unique>`: the temporary files of one process, such as the generation folders and quarantines of an engine.
///
/// A lock on the file beside it marks its owner as alive; the kernel releases the lock when the process dies,
/// however it dies. So an engine that opens the cache knows which folders it may remove. If the folder is
/// deleted while in use, it is created again.
#[derive(Debug)]
pub struct ProcessDir {
    cache: PathBuf,
    path: PathBuf,
    lock_path: PathBuf,
    lock: Mutex<File>,
}

impl ProcessDir {
    /// Removes the folders of dead processes in `cache`, then creates a new one. Blocks.
    pub fn create(cache: &Path) -> Result<Self> {
        std::fs::create_dir_all(cache)?;
        let cache = std::path::absolute(cache)?;
        let door = lock_cache(&cache)?;
        remove_stale(&cache)?;
        let path = cache.join(format!("{PREFIX}{}", unique()));
        let lock_path = path.with_extension("lock");
        let lock = Mutex::new(settle(&path, &lock_path)?);
        drop(door);
        Ok(Self { cache, path, lock_path, lock })
    }

    /// Creates a new folder in it, removed on drop. Blocks.
    pub fn scratch(&self, prefix: &str) -> Result<TempDir> {
        self.settle_again()?;
        TempDir::create(&self.path, prefix)
    }

    /// Recreates the lock file as well: without it, a recreated folder would look dead to the next engine.
    fn settle_again(&self) -> Result<()> {
        let mut lock = self.lock.lock().unwrap_or_else(PoisonError::into_inner);
        let ours = lock.metadata()?;
        match std::fs::metadata(&self.lock_path) {
            Ok(there) if (there.dev(), there.ino()) == (ours.dev(), ours.ino()) => return Ok(()),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error.into()),
        }
        std::fs::create_dir_all(&self.cache)?;
        let _door = lock_cache(&self.cache)?;
        *lock = settle(&self.path, &self.lock_path)?;
        Ok(())
    }
}

/// Takes the lock of the whole cache. Startup is serialised, otherwise a folder that is not locked yet would
/// look dead.
fn lock_cache(cache: &Path) -> io::Result<File> {
    let door = File::create(cache.join("lock"))?;
    door.lock()?;
    Ok(door)
}

/// Creates the lock file, then the folder.
fn settle(path: &Path, lock_path: &Path) -> io::Result<File> {
    let lock = File::create(lock_path)?;
    lock.lock()?;
    std::fs::create_dir_all(path)?;
    Ok(lock)
}

impl Drop for ProcessDir {
    fn drop(&mut self) {
        // Scratch folders that are being removed in the background may race with this removal.
        let _ = std::fs::remove_dir_all(&self.path);
        let _ = std::fs::remove_file(&self.lock_path);
    }
}

fn remove_stale(cache: &Path) -> io::Result<()> {
    for entry in std::fs::read_dir(cache)? {
        let path = entry?.path();
        let ours = path.file_name().and_then(|name| name.to_str()).is_some_and(|name| name.starts_with(PREFIX));
        if !ours {
            continue;
        }
        let lock_path = path.with_extension("lock");
        if path == lock_path {
            if !path.with_extension("").exists() && try_lock(&path) {
                let _ = std::fs::remove_file(&path);
            }
        } else if !lock_path.exists() || try_lock(&lock_path) {
            let _ = std::fs::remove_dir_all(&path);
            let _ = std::fs::remove_file(&lock_path);
        }
    }
    Ok(())
}

fn try_lock(lock: &Path) -> bool {
    match File::open(lock).map(|file| file.try_lock()) {
        Ok(Ok(())) => true,
        Ok(Err(TryLockError::WouldBlock | TryLockError::Error(_))) | Err(_) => false,
    }
}
