//! Removal of abandoned uploads.

use std::{collections::BTreeMap, fs, io, time::Duration};

use super::{Content, Mode, UPLOADS, discard};
use crate::{Error, store::local::Shared};

/// Removes old uploads. Blocks.
#[expect(clippy::disallowed_methods, reason = "the age of a file depends on the system clock, which set its time")]
pub(super) fn reap(shared: &Shared, older_than: Duration) -> Result<usize, Error> {
    shared.expect_mark()?;
    let folder = match fs::read_dir(shared.root.join(UPLOADS)) {
        Ok(folder) => folder,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
        Err(error) => return Err(error.into()),
    };
    // The newer of the two files counts.
    let mut ages = BTreeMap::<[u8; 16], Duration>::new();
    for entry in folder {
        let entry = entry?;
        let name = entry.file_name();
        let Some(upload) = name.to_str().and_then(upload_of) else { continue };
        let modified = match entry.metadata() {
            Ok(metadata) => metadata.modified()?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(error.into()),
        };
        // A file with a time in the future counts as new.
        let age = modified.elapsed().unwrap_or_default();
        ages.entry(upload).and_modify(|youngest| *youngest = age.min(*youngest)).or_insert(age);
    }
    let mut reaped = 0;
    for (upload, _) in ages.into_iter().filter(|(_, age)| *age >= older_than) {
        // Hashing a large upload takes long and writes nothing.
        let is_busy = match Content::open(shared, upload) {
            Ok(content) => content.try_hold(Mode::Alone).is_ok_and(|hold| hold.is_none()),
            Err(Error::UploadGone) => false,
            Err(error) => return Err(error),
        };
        if !is_busy {
            discard(shared, upload)?;
            reaped += 1;
        }
    }
    Ok(reaped)
}

/// Returns the upload that a file belongs to.
fn upload_of(name: &str) -> Option<[u8; 16]> {
    let digits = name.strip_suffix(".ledger").unwrap_or(name);
    let mut upload = [0; 16];
    hex::decode_to_slice(digits, &mut upload).ok()?;
    Some(upload)
}
