//! Folders that vanish with their owner.

use std::path::{Path, PathBuf};

use crate::{Result, blocking};

/// A folder of our own making, removed with everything in it when the value is dropped.
///
/// A crash leaves the folder behind; it lies in the run folder of a dead process, which the next
/// [`Engine::open`](crate::Engine::open) on the same cache removes.
#[derive(Debug)]
pub(crate) struct Scratch(PathBuf);

impl Scratch {
    /// Makes `parent/<prefix><unique>`, with its parents.
    pub(crate) fn create(parent: &Path, prefix: &str) -> Result<Self> {
        let path = parent.join(format!("{prefix}{}", unique()));
        std::fs::create_dir_all(&path)?;
        Ok(Self(path))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// Removes it now, not in the background. Blocks.
    pub(crate) fn remove(mut self) {
        remove(&std::mem::take(&mut self.0));
    }
}

fn remove(path: &Path) {
    if let Err(error) = std::fs::remove_dir_all(path)
        && error.kind() != std::io::ErrorKind::NotFound
    {
        tracing::warn!(path = %path.display(), %error, "a scratch folder stays behind");
    }
}

/// A name that nothing else has: 32 letters and digits, later ones sorting behind earlier ones.
#[expect(clippy::disallowed_methods, reason = "the one place of this crate that makes ids; no result depends on them")]
pub(crate) fn unique() -> String {
    uuid::Uuid::now_v7().simple().to_string()
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let path = std::mem::take(&mut self.0);
        // Taken by `remove`, there is nothing left to do.
        if path != Path::new("") {
            blocking::detach(move || remove(&path));
        }
    }
}
