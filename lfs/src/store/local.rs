use std::{
    fs::{self, File},
    io,
    ops::{Range, RangeInclusive},
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime},
};

use bytes::Bytes;
use futures::Stream;
use sha2::{Digest, Sha256};

use crate::{Error, Oid, blocking};

mod buffer_pool;
mod download;
mod file;
mod parts;
mod upload;
mod walk;
mod writer_task;

pub use download::Object;

/// File in the root that marks it as the store.
const MARK: &str = ".rutter-store";

/// Free space in bytes that an upload must leave: the database may be on the same disk.
const RESERVE: u64 = 1 << 20;

/// The identity of a stored file at one moment. Writing an object always creates a new file, so equal stamps mean
/// the same file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stat {
    /// Size in bytes.
    pub size: u64,
    modified: SystemTime,
    inode: u64,
}

impl Stat {
    /// Returns the modification time.
    pub fn modified(&self) -> SystemTime {
        self.modified
    }
}

/// Object store in a local directory.
///
/// The object `abcd…` is the file `ab/cd/abcd…`. Uploads are written to `ab/cd/.{oid}.{unique}.part` in the same
/// directory (in that of the empty object, if the oid is not known before) and renamed once they are complete, verified
/// and flushed to disk, so a visible object is always complete, even after a crash. Any number of processes may use one
/// directory.
///
/// Large objects can be uploaded in several requests, over several days: `begin_parts`, then `put_part` or
/// `append`, then `finish`.
#[derive(Clone, Debug)]
pub struct LocalStore {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    root: PathBuf,
    /// One bit for each directory `ab/cd` that this process knows to be on disk, together with its parents:
    /// flushing three directories for each small object would cost more than the object.
    durable: Box<[AtomicU64; 1024]>,
    /// Makes names of temporary files unique within this process.
    serial: AtomicU64,
}

impl LocalStore {
    /// Opens the store in a directory, which is created if it is missing.
    ///
    /// The directory gets a marker file. If the marker is missing later, the directory is not the store, most
    /// often because the disk is not mounted, and every operation returns [`Error::Away`]: an object that cannot
    /// be seen is not necessarily lost.
    pub fn open(root: PathBuf) -> io::Result<Self> {
        fs::create_dir_all(&root)?;
        // Absolute, so that it does not depend on the working directory.
        let root = fs::canonicalize(root)?;
        fs::write(
            root.join(MARK),
            "The object store of rutter. If this file is missing, its disk is assumed not to be mounted.\n",
        )?;
        // The process that created it may have crashed before flushing. Directories further up may belong to
        // others: one that cannot be opened was not created here.
        root.ancestors().skip(1).map(sync_folder).take_while(Result::is_ok).for_each(drop);
        let durable = Box::new([const { AtomicU64::new(0) }; 1024]);
        Ok(Self { shared: Arc::new(Shared { root, durable, serial: AtomicU64::new(0) }) })
    }

    /// Returns the directory.
    pub fn root(&self) -> &Path {
        &self.shared.root
    }

    /// Stores an object if the body has exactly the expected content; otherwise nothing changes.
    ///
    /// When this returns `Ok`, the object is on disk and survives a crash. The body is read to its end, or to the
    /// first excess byte. An existing object is rewritten, which repairs it if it was damaged. Concurrent uploads
    /// of the same object are independent. If the future is dropped, the temporary file is removed in the
    /// background.
    ///
    /// Errors: [`Error::WrongSize`], [`Error::WrongHash`], [`Error::Interrupted`] for an error of the body,
    /// [`Error::Full`], [`Error::Io`].
    pub async fn put<S, E>(&self, oid: &Oid, size: u64, body: S) -> Result<(), Error>
    where
        S: Stream<Item = Result<Bytes, E>> + Unpin + Send,
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        upload::receive(&self.shared, Some(*oid), size..=size, body).await.map(|_| ())
    }

    /// Stores an object whose oid is known only at its end, and returns it with the size in bytes. Otherwise like
    /// [`LocalStore::put`].
    ///
    /// Errors: as for [`LocalStore::put`], [`Error::WrongSize`] for a size outside of `sizes`.
    pub async fn add<S, E>(&self, sizes: RangeInclusive<u64>, body: S) -> Result<(Oid, u64), Error>
    where
        S: Stream<Item = Result<Bytes, E>> + Unpin + Send,
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        upload::receive(&self.shared, None, sizes, body).await
    }

    /// Opens an object for reading. It remains readable if it is removed in the meantime.
    pub async fn get(&self, oid: &Oid) -> Result<Object, Error> {
        let (path, oid) = (self.shared.object(oid), *oid);
        let shared = Arc::clone(&self.shared);
        blocking::run(move || Object::open(&path).map_err(|error| shared.or_not_found(error, oid))).await
    }

    /// Reads a range of an object into memory, shorter if the object ends before, and works on it on the same thread: the
    /// bytes are still in the processor's cache.
    pub async fn read<T: Send + 'static>(
        &self,
        oid: &Oid,
        range: Range<u64>,
        work: impl FnOnce(Bytes) -> T + Send + 'static,
    ) -> Result<T, Error> {
        let (path, oid) = (self.shared.object(oid), *oid);
        let shared = Arc::clone(&self.shared);
        blocking::run(move || match Object::open(&path) {
            Ok(object) => Ok(work(object.read(range)?)),
            Err(error) => Err(shared.or_not_found(error, oid)),
        })
        .await
    }

    /// Returns the stamp of an object, if it exists. The content is not verified.
    pub async fn stat(&self, oid: &Oid) -> Result<Option<Stat>, Error> {
        let (shared, path) = (Arc::clone(&self.shared), self.shared.object(oid));
        blocking::run(move || match stat(&path)? {
            None => shared.expect_mark().map(|()| None),
            found => Ok(found),
        })
        .await
    }

    /// Removes an object; returns `false` if it did not exist.
    pub async fn remove(&self, oid: &Oid) -> Result<bool, Error> {
        let path = self.shared.object(oid);
        blocking::run(move || match fs::remove_file(&path) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error.into()),
        })
        .await
    }

    /// Removes the existing ones of many objects, much faster than one by one.
    pub async fn remove_all(&self, oids: Vec<Oid>) -> Result<(), Error> {
        let paths: Vec<PathBuf> = oids.iter().map(|oid| self.shared.object(oid)).collect();
        blocking::run(move || {
            for path in paths {
                match fs::remove_file(&path) {
                    Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
                    _ => {}
                }
            }
            Ok(())
        })
        .await
    }

    /// Reads an object from disk and returns true if its hash matches its oid.
    pub async fn rehash(&self, oid: &Oid) -> Result<bool, Error> {
        use futures::TryStreamExt;

        let object = self.get(oid).await?;
        let whole = Range { start: 0, end: object.size() };
        let blocks = std::pin::pin!(object.stream(whole));
        let hasher = blocks
            .try_fold(Sha256::new(), |hasher, block| blocking::run(move || Ok(hasher.chain_update(&block))))
            .await?;
        Ok(Oid::from_bytes(hasher.finalize().into()) == *oid)
    }

    /// Removes temporary files of crashed uploads: those not written to for `older_than`, which must be longer
    /// than a running upload can pause. Returns their number.
    pub async fn reap(&self, older_than: Duration) -> io::Result<usize> {
        walk::reap(&self.shared, older_than).await
    }

    /// Lists the objects whose oids begin with this byte, in order. Other files are ignored.
    pub async fn list(&self, first: u8) -> Result<Vec<Oid>, Error> {
        let shared = Arc::clone(&self.shared);
        blocking::run(move || Ok(walk::objects(&shared, first)?)).await
    }
}

impl Shared {
    /// Returns `NotFound` for a missing object only if the store itself is there.
    fn or_not_found(&self, error: io::Error, oid: Oid) -> Error {
        match error.kind() {
            io::ErrorKind::NotFound => self.expect_mark().err().unwrap_or(Error::NotFound(oid)),
            _ => error.into(),
        }
    }

    fn expect_mark(&self) -> Result<(), Error> {
        if self.root.join(MARK).exists() { Ok(()) } else { Err(Error::Away) }
    }

    /// Fails if `size` more bytes would leave less than the reserve free. Blocks.
    fn expect_room(&self, size: u64) -> Result<(), Error> {
        self.expect_mark()?;
        let disk = rustix::fs::statvfs(&self.root).map_err(io::Error::from)?;
        let room = disk.f_bavail.saturating_mul(disk.f_frsize);
        if room >= size.saturating_add(RESERVE) { Ok(()) } else { Err(Error::Full) }
    }

    fn folder(&self, oid: &Oid) -> PathBuf {
        let [first, second, ..] = oid.as_bytes();
        let mut folder = self.root.join(format!("{first:02x}"));
        folder.push(format!("{second:02x}"));
        folder
    }

    fn object(&self, oid: &Oid) -> PathBuf {
        let mut path = self.folder(oid);
        path.push(oid.to_string());
        path
    }

    /// Returns the bits of all directories `ab/*` next to that of an object, and the word and bit of its own.
    fn shard(&self, oid: &Oid) -> (&[AtomicU64], usize, u64) {
        let &[first, second, ..] = oid.as_bytes();
        let words = &self.durable[usize::from(first) * 4..][..4];
        (words, usize::from(second / 64), 1 << (second % 64))
    }

    /// Creates the directory of an object and makes sure that it survives a crash. Blocks.
    fn make_folder(&self, oid: &Oid) -> io::Result<()> {
        let (words, own, bit) = self.shard(oid);
        let bits = |word: &AtomicU64| word.load(Ordering::Acquire);
        if bits(&words[own]) & bit != 0 {
            return Ok(());
        }
        let folder = self.folder(oid);
        fs::create_dir_all(&folder)?;
        folder.parent().map_or(Ok(()), sync_folder)?;
        // If one directory `ab/*` is known, so is `ab`.
        if words.iter().all(|word| bits(word) == 0) {
            sync_folder(&self.root)?;
        }
        words[own].fetch_or(bit, Ordering::Release);
        Ok(())
    }

    /// Records that the directory of an object was missing, and perhaps its parent.
    fn forget_folder(&self, oid: &Oid) {
        for word in self.shard(oid).0 {
            word.store(0, Ordering::Release);
        }
    }
}

/// Flushes the entries of a directory to disk. Blocks.
fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Returns the stamp of a regular file, if there is one. Blocks.
fn stat(path: &Path) -> io::Result<Option<Stat>> {
    match fs::symlink_metadata(path) {
        Ok(found) if found.is_file() => {
            Ok(Some(Stat { size: found.len(), modified: found.modified()?, inode: found.ino() }))
        }
        Ok(_) => Ok(None),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests;
