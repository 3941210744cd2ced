//! The logins of this user at servers, in a file that only this user can read: `$XDG_CONFIG_HOME/rutter/logins.json`, by
//! default in `~/.config`.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use rutter::error::{Error, Result};
use serde::{Deserialize, Serialize};

/// Maximum size of the file, in bytes.
const MAX_BYTES: u64 = 1 << 20;

/// A login at a server.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct SavedLogin {
    pub(super) user: String,
    pub(super) refresh_token: String,
    /// The newest access token; `None` once it was refused.
    pub(super) access_token: Option<String>,
    /// Its expiry, in seconds since 1970.
    pub(super) expires_at: u64,
}

/// The saved logins, locked against other processes: of two that refresh a token at the same time, the second must see
/// the result of the first.
pub(super) struct SavedLogins {
    folder: PathBuf,
    pub(super) by_url: BTreeMap<String, SavedLogin>,
    _lock: File,
}

impl SavedLogins {
    /// Returns true if there can be saved logins. Does not create the folder, which may be impossible.
    pub(super) fn exist() -> bool {
        folder().is_ok_and(|folder| folder.join("logins.json").exists())
    }

    /// Reads the file, if there is one; waits for other processes that use it.
    pub(super) fn open() -> Result<Self> {
        let folder = folder()?;
        let failed = |error: std::io::Error| Error::invalid(format!("cannot open {}: {error}", folder.display()));
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&folder).map_err(failed)?;
        let lock = private(&folder.join("logins.lock")).map_err(failed)?;
        lock.lock().map_err(failed)?;
        let mut text = String::new();
        match File::open(folder.join("logins.json")) {
            Ok(file) => {
                file.take(MAX_BYTES).read_to_string(&mut text).map_err(failed)?;
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => text.push_str("{}"),
            Err(error) => return Err(failed(error)),
        }
        let by_url = serde_json::from_str(&text).map_err(|error| {
            let file = folder.join("logins.json");
            Error::invalid(format!("{} is damaged ({error}): delete it and log in again", file.display()))
        })?;
        Ok(Self { folder, by_url, _lock: lock })
    }

    /// Writes the file. A crash leaves the old or the new one.
    pub(super) fn save(&self) -> Result<()> {
        let (new, file) = (self.folder.join("logins.new"), self.folder.join("logins.json"));
        let write = || {
            let mut out = private(&new)?;
            out.set_len(0)?;
            out.write_all(&serde_json::to_vec_pretty(&self.by_url)?)?;
            out.sync_all()?;
            std::fs::rename(&new, &file)
        };
        write().map_err(|error| Error::invalid(format!("cannot write {}: {error}", file.display())))
    }
}

#[expect(clippy::disallowed_methods, reason = "these commands have no configuration")]
fn folder() -> Result<PathBuf> {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let base = set("XDG_CONFIG_HOME").or_else(|| Some(set("HOME")?.join(".config")));
    Ok(base.ok_or_else(|| Error::invalid("set HOME: your login is saved there"))?.join("rutter"))
}

fn private(path: &Path) -> std::io::Result<File> {
    OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path)
}
