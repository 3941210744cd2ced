//! Multipart and resumable uploads: parts in any order, or sequential appends.
//!
//! All parts are written at their offsets to one sparse file, `uploads/{id}`, which is finally renamed to the
//! object: nothing is copied. Next to it is `uploads/{id}.ledger`, which records what is on disk. These rules
//! make a crash at any moment harmless:
//!
//! - a part is flushed before it is recorded in the ledger;
//! - if other bytes are sent for a stored part, its record is removed before the first of them is written;
//! - bytes that are not in the ledger are ignored, whatever the file contains there;
//! - the whole object is hashed when it can no longer be written to, and only then renamed.
//!
//! The last rule is enforced with locks on the file (`flock`, which ends with the process). A writer takes the
//! lock for each write and checks that the file still has its name; completing the upload holds the lock
//! exclusively from before hashing until after renaming. So a request that lingers on a dead connection delays no
//! other request and cannot modify a finished object.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io, mem,
    os::unix::fs::MetadataExt as _,
    path::PathBuf,
    sync::Arc,
    thread,
    time::Duration,
};

use bytes::Bytes;
use futures::Stream;

use super::{
    LocalStore, Shared,
    file::Disk,
    sync_folder,
    upload::{self, pour},
};
use crate::{
    Error, Oid, blocking,
    parts::{Checksum, MAX_PARTS, Part, Plan, StoredPart},
};

mod append;
mod finish;
mod gc;
mod part;
mod part_index;

use append::Appender;
use part::PartWriter;
use part_index::Ledger;

/// Directory of uploads in the root.
const UPLOADS: &str = "uploads";

/// How long to wait for a lock that is held only briefly.
const LOCK_TIMEOUT: Duration = Duration::from_secs(1);

/// Pause between two attempts.
const LOCK_RETRY_DELAY: Duration = Duration::from_millis(5);

/// Multipart and resumable uploads.
impl LocalStore {
    /// Creates an upload of an object of `size` bytes with this id, which must never have been used before. An
    /// existing upload is left as it is.
    ///
    /// Errors: [`Error::Full`] if there is currently no space for the whole object; [`Error::Away`];
    /// [`Error::Io`].
    pub async fn begin_parts(&self, upload: &[u8; 16], size: u64) -> Result<(), Error> {
        let (shared, upload) = (Arc::clone(&self.shared), *upload);
        blocking::run(move || begin(&shared, upload, size)).await
    }

    /// Stores one part, if the body has exactly its size, and its checksum if there is one.
    ///
    /// When this returns `Ok`, the part is on disk and survives a crash. If the part is already stored, the body
    /// is compared with it while it is received, and the part is kept if the bytes are equal, however the request
    /// ends; different bytes replace it, and it is missing until all of them were received.
    ///
    /// Errors: [`Error::UploadGone`], [`Error::WrongSize`], [`Error::WrongChecksum`], [`Error::Interrupted`] for
    /// an error of the body, [`Error::Finishing`], [`Error::Full`], [`Error::Away`], [`Error::Invalid`] for an
    /// impossible part, [`Error::Io`].
    pub async fn put_part<S, E>(
        &self,
        upload: &[u8; 16],
        part: &Part,
        checksum: Option<Checksum>,
        body: S,
    ) -> Result<(), Error>
    where
        S: Stream<Item = Result<Bytes, E>> + Unpin + Send,
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        if !(1..=MAX_PARTS).contains(&part.number) || part.size == 0 {
            return Err(Error::Invalid(format!("there can be no part {} of {} bytes", part.number, part.size)));
        }
        let (shared, upload, part) = (Arc::clone(&self.shared), *upload, *part);
        let writer = blocking::run(move || PartWriter::open(&shared, upload, part, checksum)).await?;
        upload::expect_room(&self.shared, part.size).await?;
        let (writer, end) = pour(body, part.size, writer, PartWriter::write).await?;
        blocking::run(move || end.and_then(|()| writer.finish())).await
    }

    /// Returns the stored parts in order. A completed upload still has them until it is discarded.
    pub async fn parts(&self, upload: &[u8; 16]) -> Result<Vec<StoredPart>, Error> {
        let (shared, upload) = (Arc::clone(&self.shared), *upload);
        blocking::run(move || Ok(Ledger::open(&shared, upload)?.parts()?)).await
    }

    /// Returns the number of contiguous bytes stored by [`LocalStore::append`].
    pub async fn offset(&self, upload: &[u8; 16]) -> Result<u64, Error> {
        let (shared, upload) = (Arc::clone(&self.shared), *upload);
        blocking::run(move || Ok(Ledger::open(&shared, upload)?.offset()?.value)).await
    }

    /// Appends bytes at `offset`, which must be the offset of the upload, and returns the new offset. `size` is
    /// that of the whole object.
    ///
    /// Everything received is kept, however the request ends: the bytes up to [`LocalStore::offset`] are on disk.
    /// With a checksum, they are kept only if the whole body was received and matches it. Of two concurrent
    /// requests, the later one continues.
    ///
    /// Errors: [`Error::WrongOffset`], at the start or when another request took over; [`Error::WrongSize`] for
    /// more bytes than the object has; otherwise as in [`LocalStore::put_part`].
    pub async fn append<S, E>(
        &self,
        upload: &[u8; 16],
        offset: u64,
        size: u64,
        checksum: Option<Checksum>,
        body: S,
    ) -> Result<u64, Error>
    where
        S: Stream<Item = Result<Bytes, E>> + Unpin + Send,
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let (shared, upload, left) = (Arc::clone(&self.shared), *upload, size.saturating_sub(offset));
        upload::expect_room(&self.shared, left).await?;
        let appender = blocking::run(move || Appender::open(&shared, upload, offset, checksum)).await?;
        let (appender, end) = pour(body, left, appender, Appender::write).await?;
        let end = end.map_err(|error| match error {
            Error::WrongSize { actual, .. } => Error::WrongSize { expected: size, actual: offset + actual },
            error => error,
        });
        blocking::run(move || appender.finish(end)).await
    }

    /// Completes an upload, if all its parts are stored and their hash is the oid.
    ///
    /// When this returns `Ok`, the object is on disk and survives a crash. The upload is remembered until it is
    /// discarded: repeating the call for the same object returns `Ok` again. The bytes are read once and not
    /// rewritten.
    ///
    /// Errors: [`Error::Incomplete`], after which the upload can continue; [`Error::WrongHash`] and
    /// [`Error::WrongSize`], after which it is discarded; [`Error::UploadGone`]; [`Error::Finishing`] if another
    /// request takes long to complete it; [`Error::Away`], [`Error::Io`].
    pub async fn finish(&self, upload: &[u8; 16], oid: &Oid, plan: &Plan) -> Result<(), Error> {
        finish::finish(&self.shared, *upload, *oid, *plan).await
    }

    /// Returns the oid of the content, if all parts are stored. Until the upload is completed, parts may still be
    /// replaced; [`LocalStore::finish`] verifies it again.
    ///
    /// Errors: as for [`LocalStore::finish`], except for a wrong hash.
    pub async fn hash_parts(&self, upload: &[u8; 16], plan: &Plan) -> Result<Oid, Error> {
        finish::hash(&self.shared, *upload, *plan).await
    }

    /// Removes an upload. Requests that still send to it fail. The object it became is kept.
    pub async fn discard(&self, upload: &[u8; 16]) -> Result<(), Error> {
        let (shared, upload) = (Arc::clone(&self.shared), *upload);
        blocking::run(move || {
            shared.expect_mark()?;
            Ok(discard(&shared, upload)?)
        })
        .await
    }

    /// Removes the uploads that were not written to for `older_than`. Returns their number.
    pub async fn reap_uploads(&self, older_than: Duration) -> Result<usize, Error> {
        let shared = Arc::clone(&self.shared);
        blocking::run(move || gc::reap(&shared, older_than)).await
    }
}

/// Creates the files of an upload. Blocks.
fn begin(shared: &Shared, upload: [u8; 16], size: u64) -> Result<(), Error> {
    shared.expect_mark()?;
    if Ledger::exists(shared, upload)? {
        return Ok(());
    }
    shared.expect_room(size)?;
    let folder = shared.root.join(UPLOADS);
    match fs::create_dir(&folder) {
        Ok(()) => sync_folder(&shared.root)?,
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(error.into()),
    }
    // The content first: where there is a ledger, there is or was a content. Two requests may start the same
    // upload at once.
    match OpenOptions::new().write(true).create_new(true).open(shared.content(upload)) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error.into()),
        _ => {}
    }
    Ledger::create(shared, upload)?;
    Ok(sync_folder(&folder)?)
}

/// Removes the files of an upload. Blocks. The content goes first, so that a crash leaves only a ledger, which
/// means nothing on its own.
fn discard(shared: &Shared, upload: [u8; 16]) -> io::Result<()> {
    for path in [shared.content(upload), shared.ledger(upload)] {
        match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

impl Shared {
    fn content(&self, upload: [u8; 16]) -> PathBuf {
        self.root.join(UPLOADS).join(hex::encode(upload))
    }

    fn ledger(&self, upload: [u8; 16]) -> PathBuf {
        self.root.join(UPLOADS).join(format!("{}.ledger", hex::encode(upload)))
    }

    /// Returns `UploadGone` for a missing upload only if the store itself is there.
    fn or_gone(&self, error: io::Error) -> Error {
        match error.kind() {
            io::ErrorKind::NotFound => self.expect_mark().err().unwrap_or(Error::UploadGone),
            _ => error.into(),
        }
    }
}

/// The file of an upload, opened for writing. All methods block.
struct Content {
    disk: Arc<Disk>,
    path: PathBuf,
}

/// The mode of a lock.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    /// Shared with writers to other parts of the file.
    Shared,
    /// Exclusive.
    Alone,
}

/// The lock, held while writing. Dropping it releases it.
struct Hold<'a>(&'a File);

impl Content {
    fn open(shared: &Shared, upload: [u8; 16]) -> Result<Self, Error> {
        let path = shared.content(upload);
        let file = OpenOptions::new().read(true).write(true).open(&path).map_err(|error| shared.or_gone(error))?;
        Ok(Self { disk: Disk::new(file), path })
    }

    /// Acquires the lock, waiting briefly.
    fn hold(&self, mode: Mode) -> Result<Hold<'_>, Error> {
        for _ in 0..LOCK_TIMEOUT.as_millis() / LOCK_RETRY_DELAY.as_millis() {
            if let Some(hold) = self.try_hold(mode)? {
                return Ok(hold);
            }
            thread::sleep(LOCK_RETRY_DELAY);
        }
        Err(Error::Finishing)
    }

    /// Returns `None` if the lock is held elsewhere. The holder may write, because the file still has its name:
    /// it is renamed and written only under the lock.
    fn try_hold(&self, mode: Mode) -> Result<Option<Hold<'_>>, Error> {
        let file = &self.disk.file;
        let locked = if mode == Mode::Alone { file.try_lock() } else { file.try_lock_shared() };
        match locked {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(error)) => return Err(error.into()),
        }
        let hold = Hold(file);
        let mine = file.metadata()?;
        match fs::symlink_metadata(&self.path) {
            Ok(found) if (found.dev(), found.ino()) == (mine.dev(), mine.ino()) => Ok(Some(hold)),
            Ok(_) => Err(Error::UploadGone),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Err(Error::UploadGone),
            Err(error) => Err(error.into()),
        }
    }
}

impl Hold<'_> {
    /// Holds the lock until the file is closed.
    fn keep(self) {
        mem::forget(self);
    }
}

impl Drop for Hold<'_> {
    fn drop(&mut self) {
        if let Err(error) = self.0.unlock() {
            // The lock is released when the file is closed at the latest.
            tracing::warn!(%error, "could not release the lock of an upload");
        }
    }
}

#[cfg(test)]
mod tests;
