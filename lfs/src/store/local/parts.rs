//! Receiving an object in pieces: parts in any order, or one piece after the other.
//!
//! All pieces are written to their place in one sparse file, `uploads/{id}`, which at the end gets the
//! name of the object: nothing is copied. Beside it lies `uploads/{id}.ledger`, which says what of the
//! file is on the disk. The rules that make a crash at any moment harmless:
//!
//! - a piece is flushed before the ledger says that it is here;
//! - where other bytes come for a part that is here, the ledger forgets it before the first of them is
//!   written;
//! - what the ledger does not speak of is worth nothing, whatever the file holds there;
//! - the whole is hashed when nobody can write any more, and only then gets its name.
//!
//! The last rule is kept with locks on the file (`flock`, which ends with its process). Whoever writes
//! takes the lock for a moment, and looks whether the file still has its name; whoever ends the upload
//! holds it alone from before the hash until after the name is changed. So a request that lingers on a
//! dead connection delays nobody, and cannot touch what has become an object.

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
    disk::Disk,
    pump::Pump,
    sync_folder,
    upload::{self, Source},
};
use crate::{
    Error, Oid, blocking,
    parts::{Checksum, MAX_PARTS, Part, Plan, StoredPart},
};

mod append;
mod finish;
mod ledger;
mod part;
mod reap;

use append::Appender;
use ledger::Ledger;
use part::PartWriter;

/// The folder of uploads in the root.
const UPLOADS: &str = "uploads";

/// So long it is tried to get a lock that others hold for moments.
const PATIENCE: Duration = Duration::from_secs(1);

/// Between two tries.
const PAUSE: Duration = Duration::from_millis(5);

/// An upload in pieces.
impl LocalStore {
    /// Makes place for an upload with this id, which must never have been used before, of an object of
    /// `size` bytes. An upload that goes on already stays as it is.
    ///
    /// Errors: [`Error::Full`] if there is no room for the whole object now; [`Error::Away`];
    /// [`Error::Io`].
    pub async fn begin_parts(&self, upload: &[u8; 16], size: u64) -> Result<(), Error> {
        let (shared, upload) = (Arc::clone(&self.shared), *upload);
        blocking::run(move || begin(&shared, upload, size)).await
    }

    /// Takes one part, if the body has exactly its size, and its checksum if there is one.
    ///
    /// When this returns `Ok`, the part is on the disk and survives a crash. A part that is here already
    /// is compared while it is read, and stays here if the bytes are the same, however the request ends;
    /// other bytes take its place, and it is missing until all of them have come.
    ///
    /// Errors: [`Error::UploadGone`], [`Error::WrongSize`], [`Error::WrongChecksum`],
    /// [`Error::Interrupted`] for an error of the body, [`Error::Finishing`], [`Error::Full`],
    /// [`Error::Away`], [`Error::Invalid`] for a part that no plan has, [`Error::Io`].
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
            return Err(Error::Invalid(format!("there is no part {} of {} bytes", part.number, part.size)));
        }
        let (shared, upload, part) = (Arc::clone(&self.shared), *upload, *part);
        let writer = blocking::run(move || PartWriter::open(&shared, upload, part, checksum)).await?;
        upload::expect_room(&self.shared, part.size).await?;
        let (writer, end) = pour(body, part.size, writer, PartWriter::write).await?;
        blocking::run(move || end.and_then(|()| writer.finish())).await
    }

    /// The parts that are here, in order. An upload that was finished still knows them until it is
    /// discarded.
    pub async fn parts(&self, upload: &[u8; 16]) -> Result<Vec<StoredPart>, Error> {
        let (shared, upload) = (Arc::clone(&self.shared), *upload);
        blocking::run(move || Ok(Ledger::open(&shared, upload)?.parts()?)).await
    }

    /// How many bytes from the beginning are here, when they came by [`LocalStore::append`].
    pub async fn offset(&self, upload: &[u8; 16]) -> Result<u64, Error> {
        let (shared, upload) = (Arc::clone(&self.shared), *upload);
        blocking::run(move || Ok(Ledger::open(&shared, upload)?.offset()?.value)).await
    }

    /// Takes bytes that begin at `offset`, which must be where the upload stands, and returns where it
    /// stands then. `size` is that of the whole object.
    ///
    /// Whatever of the body arrived stays, however the request ends: what [`LocalStore::offset`] says is
    /// on the disk. With a checksum, it stays only if the whole body came and has it. Of two requests at
    /// one time, the later one goes on.
    ///
    /// Errors: [`Error::WrongOffset`], at the begin or when another request took over;
    /// [`Error::WrongSize`] for more bytes than the object has; else as in [`LocalStore::put_part`].
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

    /// Makes the pieces the object, if all of them are here and they hash to its name.
    ///
    /// When this returns `Ok`, the object is on the disk and survives a crash. The upload is remembered
    /// until it is discarded: asked again, for the same object, this is `Ok` again. The bytes are read
    /// once, and not written.
    ///
    /// Errors: [`Error::Incomplete`], after which the upload goes on; [`Error::WrongHash`] and
    /// [`Error::WrongSize`], after which it is discarded; [`Error::UploadGone`]; [`Error::Finishing`] if
    /// another request is at it for long; [`Error::Away`], [`Error::Io`].
    pub async fn finish(&self, upload: &[u8; 16], oid: &Oid, plan: &Plan) -> Result<(), Error> {
        finish::finish(&self.shared, *upload, *oid, *plan).await
    }

    /// The name of the object that the pieces are, if all of them are here. Until it is finished, others may come in
    /// their place; [`LocalStore::finish`] looks again.
    ///
    /// Errors: as for [`LocalStore::finish`], but for a wrong hash.
    pub async fn hash_parts(&self, upload: &[u8; 16], plan: &Plan) -> Result<Oid, Error> {
        finish::hash(&self.shared, *upload, *plan).await
    }

    /// Forgets an upload. Requests that still send to it fail. What it became stays.
    pub async fn discard(&self, upload: &[u8; 16]) -> Result<(), Error> {
        let (shared, upload) = (Arc::clone(&self.shared), *upload);
        blocking::run(move || {
            shared.expect_mark()?;
            Ok(discard(&shared, upload)?)
        })
        .await
    }

    /// Forgets the uploads that nothing was written to for `older_than`. Returns their number.
    pub async fn reap_uploads(&self, older_than: Duration) -> Result<usize, Error> {
        let shared = Arc::clone(&self.shared);
        blocking::run(move || reap::reap(&shared, older_than)).await
    }
}

/// Hands a body to a writer. Gives the writer back with what became of the body, unless the writer
/// failed.
async fn pour<S, E, T>(
    body: S,
    size: u64,
    writer: T,
    work: fn(&mut T, &[Bytes]) -> Result<(), Error>,
) -> Result<(T, Result<(), Error>), Error>
where
    S: Stream<Item = Result<Bytes, E>> + Unpin + Send,
    E: Into<Box<dyn std::error::Error + Send + Sync>>,
    T: Send + 'static,
{
    let mut source = Source::new(body, size);
    let pump = Pump::new(writer, work);
    let end = loop {
        match source.batch().await {
            Err(error) => break Err(error),
            Ok((batch, last)) => {
                if let Err(error) = pump.push(batch).await {
                    pump.abandon().await;
                    return Err(error);
                }
                if last {
                    break Ok(());
                }
            }
        }
    };
    Ok((pump.finish().await?, end))
}

/// Blocks.
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
    // The content first: where there is a ledger, there is or was a content. Two may begin at one time.
    match OpenOptions::new().write(true).create_new(true).open(shared.content(upload)) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error.into()),
        _ => {}
    }
    Ledger::create(shared, upload)?;
    Ok(sync_folder(&folder)?)
}

/// Blocks. The content goes first, so that what is left after a crash is a ledger, which says nothing.
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

    /// An upload that is not here is gone only if the store is here.
    fn or_gone(&self, error: io::Error) -> Error {
        match error.kind() {
            io::ErrorKind::NotFound => self.expect_mark().err().unwrap_or(Error::UploadGone),
            _ => error.into(),
        }
    }
}

/// The file of an upload, open to be written. All of its methods block.
struct Content {
    disk: Arc<Disk>,
    path: PathBuf,
}

/// How a lock is shared.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    /// With others who write to other places.
    Shared,
    /// With nobody.
    Alone,
}

/// The moment in which one may write. Dropping it ends it.
struct Hold<'a>(&'a File);

impl Content {
    fn open(shared: &Shared, upload: [u8; 16]) -> Result<Self, Error> {
        let path = shared.content(upload);
        let file = OpenOptions::new().read(true).write(true).open(&path).map_err(|error| shared.or_gone(error))?;
        Ok(Self { disk: Disk::new(file), path })
    }

    /// Waits for the lock, for a moment.
    fn hold(&self, mode: Mode) -> Result<Hold<'_>, Error> {
        for _ in 0..PATIENCE.as_millis() / PAUSE.as_millis() {
            if let Some(hold) = self.try_hold(mode)? {
                return Ok(hold);
            }
            thread::sleep(PAUSE);
        }
        Err(Error::Finishing)
    }

    /// `None` if somebody else has the lock. Who has it may write, for the file still has its name: it is
    /// renamed and written under the lock only.
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
    /// Makes it last as long as the file is open.
    fn keep(self) {
        mem::forget(self);
    }
}

impl Drop for Hold<'_> {
    fn drop(&mut self) {
        if let Err(error) = self.0.unlock() {
            // It ends with the file at the latest.
            tracing::warn!(%error, "a lock of an upload is not released");
        }
    }
}

#[cfg(test)]
mod tests;
