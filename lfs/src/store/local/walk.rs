//! Traversal of the stored files. The directories of one first byte are read in one task on the blocking pool.

use std::{
    fs::{self, DirEntry},
    io,
    path::Path,
    sync::Arc,
    time::Duration,
};

use super::Shared;
use crate::{Oid, blocking};

pub(super) async fn reap(shared: &Arc<Shared>, older_than: Duration) -> io::Result<usize> {
    let mut removed = 0;
    for first in 0..=u8::MAX {
        let shared = Arc::clone(shared);
        removed += blocking::run(move || reap_in(&shared, first, older_than)).await?;
    }
    Ok(removed)
}

/// Returns the objects whose first byte is `first`, in order. Blocks.
pub(super) fn objects(shared: &Shared, first: u8) -> io::Result<Vec<Oid>> {
    let mut objects = Vec::new();
    visit(shared, first, |entry| {
        if let Some(oid) = entry.file_name().to_str().and_then(|name| name.parse::<Oid>().ok())
            && entry.path() == shared.object(&oid)
            && entry.file_type()?.is_file()
        {
            objects.push(oid);
        }
        Ok(())
    })?;
    objects.sort_unstable();
    Ok(objects)
}

#[expect(clippy::disallowed_methods, reason = "the age of a file depends on the system clock, which set its time")]
fn reap_in(shared: &Shared, first: u8, older_than: Duration) -> io::Result<usize> {
    let mut removed = 0;
    visit(shared, first, |entry| {
        let name = entry.file_name();
        let is_part = name.to_str().and_then(|name| name.strip_prefix('.')?.strip_suffix(".part")).is_some();
        if !is_part {
            return Ok(());
        }
        // An upload may end and remove its file at any moment.
        let Some(metadata) = found(entry.metadata())? else {
            return Ok(());
        };
        // A file with a time in the future counts as new.
        let age = metadata.modified()?.elapsed().unwrap_or_default();
        if metadata.is_file() && age >= older_than && found(fs::remove_file(entry.path()))?.is_some() {
            removed += 1;
        }
        Ok(())
    })?;
    Ok(removed)
}

/// Visits all entries of the directories `first/*`.
fn visit(shared: &Shared, first: u8, mut show: impl FnMut(&DirEntry) -> io::Result<()>) -> io::Result<()> {
    for folder in entries(&shared.root.join(format!("{first:02x}")))? {
        let folder = folder?;
        if folder.file_type()?.is_dir() {
            for entry in entries(&folder.path())? {
                show(&entry?)?;
            }
        }
    }
    Ok(())
}

/// Lists the entries of a directory; none if it is missing or not a directory.
fn entries(folder: &Path) -> io::Result<impl Iterator<Item = io::Result<DirEntry>> + use<>> {
    match fs::read_dir(folder) {
        Ok(entries) => Ok(Some(entries).into_iter().flatten()),
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            Ok(None.into_iter().flatten())
        }
        Err(error) => Err(error),
    }
}

/// Maps a "not found" error to `None`.
fn found<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}
