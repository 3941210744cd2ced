//! Temporary folders that are removed on drop.

use std::path::{Path, PathBuf};

use crate::{Result, blocking};

/// A temporary folder, removed with its content on drop.
///
/// After a crash it remains in the run folder of the dead process, which the next
/// [`Engine::open`](crate::Engine::open) on the same cache removes.
#[derive(Debug)]
pub struct TempDir(PathBuf);

impl TempDir {
    /// Creates `parent/<prefix><unique>`, including missing parent folders.
    pub fn create(parent: &Path, prefix: &str) -> Result<Self> {
        let path = parent.join(format!("{prefix}{}", unique()));
        std::fs::create_dir_all(&path)?;
        Ok(Self(path))
    }

    /// Returns the path of the folder.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Removes the folder synchronously instead of in the background. Blocks.
    pub(crate) fn remove(mut self) {
        remove(&std::mem::take(&mut self.0));
    }
}

fn remove(path: &Path) {
    if let Err(error) = std::fs::remove_dir_all(path)
        && error.kind() != std::io::ErrorKind::NotFound
    {
        tracing::warn!(path = %path.display(), %error, "cannot remove a scratch folder");
    }
}

/// Returns a unique name of 32 characters (`a-z`, `0-9`); names sort by creation time.
#[expect(clippy::disallowed_methods, reason = "the one place of this crate that makes ids; no result depends on them")]
pub(crate) fn unique() -> String {
    uuid::Uuid::now_v7().simple().to_string()
}

impl Drop for TempDir {
    fn drop(&mut self) {
        let path = std::mem::take(&mut self.0);
        // Empty after `remove`: nothing left to do.
        if path != Path::new("") {
            blocking::detach(move || remove(&path));
        }
    }
}
