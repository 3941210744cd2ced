use std::{
    fs::{self, File},
    io,
    ops::Range,
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

mod block;
mod disk;
mod download;
mod parts;
mod pump;
mod upload;
mod walk;

pub use download::Object;

/// The file in the root that says that this is the store.
const MARK: &str = ".rutter-store";

/// Bytes that an upload must leave free: the database may be on the same disk.
const RESERVE: u64 = 1 << 20;

/// A file of the store, as it was at one moment. Whoever writes an object makes a new file, so that
/// equal stamps mean the same file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// In bytes.
    pub size: u64,
    modified: SystemTime,
    inode: u64,
}

impl Stamp {
    /// When it was written.
    pub fn modified(&self) -> SystemTime {
        self.modified
    }
}

/// Objects in a folder of a local file system.
///
/// The object `abcd…` is the file `ab/cd/abcd…`. Uploads are written to `ab/cd/.{oid}.{unique}.part`
/// beside their target and renamed when they are complete, right and on the disk, so that what is
/// visible is always whole, after a crash too. Any number of processes may use one folder.
///
/// Large objects may come in pieces, in any number of requests and over days: `begin_parts`, then
/// `put_part` or `append`, then `finish`.
#[derive(Clone, Debug)]
pub struct LocalStore {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    root: PathBuf,
    /// One bit for each folder `ab/cd` that this process knows to be on the disk, its parents
    /// included: flushing three folders for each small object would cost more than the object.
    durable: Box<[AtomicU64; 1024]>,
    /// Makes names of temporary files unique within this process.
    serial: AtomicU64,
}

impl LocalStore {
    /// Opens the store in a folder, which is made if it is missing.
    ///
    /// The folder gets a mark. Where the mark is missing later, the folder is another one than this,
    /// most often because the disk is not mounted, and everything is [`Error::Away`]: an object that
    /// cannot be seen is not an object that is lost.
    pub fn open(root: PathBuf) -> io::Result<Self> {
        fs::create_dir_all(&root)?;
        // Absolute, so that it does not move with the working directory.
        let root = fs::canonicalize(root)?;
        fs::write(
            root.join(MARK),
            "The objects of rutter. Without this file, they are taken to be on a disk that is away.\n",
        )?;
        // Who made it may have died before this. Folders above may belong to others: what cannot be
        // opened was not made here.
        root.ancestors().skip(1).map(sync_folder).take_while(Result::is_ok).for_each(drop);
        let durable = Box::new([const { AtomicU64::new(0) }; 1024]);
        Ok(Self { shared: Arc::new(Shared { root, durable, serial: AtomicU64::new(0) }) })
    }

    /// The folder.
    pub fn root(&self) -> &Path {
        &self.shared.root
    }

    /// Stores the object if the body has exactly its bytes; otherwise nothing changes.
    ///
    /// When this returns `Ok`, the object is on the disk and survives a crash. The body is read to its
    /// end, or to the first byte too many. An object that is here already is written anew, which heals
    /// it if it was damaged. Uploads of one object at the same time do not disturb each other. When the
    /// future is dropped, the temporary file is removed in the background.
    ///
    /// Errors: [`Error::WrongSize`], [`Error::WrongHash`], [`Error::Interrupted`] for an error of the
    /// body, [`Error::Full`], [`Error::Io`].
    pub async fn put<S, E>(&self, oid: &Oid, size: u64, body: S) -> Result<(), Error>
    where
        S: Stream<Item = Result<Bytes, E>> + Unpin + Send,
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        upload::receive(&self.shared, *oid, size, body).await
    }

    /// Opens an object for reading. It stays readable when it is removed meanwhile.
    pub async fn get(&self, oid: &Oid) -> Result<Object, Error> {
        let (path, oid) = (self.shared.object(oid), *oid);
        let shared = Arc::clone(&self.shared);
        blocking::run(move || Object::open(&path).map_err(|error| shared.or_not_found(error, oid))).await
    }

    /// What is here under this name. The content is not looked at.
    pub async fn stat(&self, oid: &Oid) -> Result<Option<Stamp>, Error> {
        let (shared, path) = (Arc::clone(&self.shared), self.shared.object(oid));
        blocking::run(move || match stat(&path)? {
            None => shared.expect_mark().map(|()| None),
            found => Ok(found),
        })
        .await
    }

    /// Removes an object; `false` if it was not here.
    pub async fn remove(&self, oid: &Oid) -> Result<bool, Error> {
        let path = self.shared.object(oid);
        blocking::run(move || match fs::remove_file(&path) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error.into()),
        })
        .await
    }

    /// Removes objects, as far as they are here: very many at once are much quicker than one by one.
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

    /// Reads an object from the disk and compares it with its name.
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

    /// Removes what uploads that died left behind: temporary files that nothing was written to for
    /// `older_than`, which must be longer than a living upload may pause. Returns their number.
    pub async fn reap(&self, older_than: Duration) -> io::Result<usize> {
        walk::reap(&self.shared, older_than).await
    }

    /// The objects whose names begin with this byte, in order. Other files are left out.
    pub async fn list(&self, first: u8) -> Result<Vec<Oid>, Error> {
        let shared = Arc::clone(&self.shared);
        blocking::run(move || Ok(walk::objects(&shared, first)?)).await
    }
}

impl Shared {
    /// An object that is not here is missing only if the store is.
    fn or_not_found(&self, error: io::Error, oid: Oid) -> Error {
        match error.kind() {
            io::ErrorKind::NotFound => self.expect_mark().err().unwrap_or(Error::NotFound(oid)),
            _ => error.into(),
        }
    }

    fn expect_mark(&self) -> Result<(), Error> {
        if self.root.join(MARK).exists() { Ok(()) } else { Err(Error::Away) }
    }

    /// Fails where `size` bytes more would leave nothing for anybody else. Blocks.
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

    /// The bits of all folders `ab/*` beside that of an object, and which word and bit is its own.
    fn shard(&self, oid: &Oid) -> (&[AtomicU64], usize, u64) {
        let &[first, second, ..] = oid.as_bytes();
        let words = &self.durable[usize::from(first) * 4..][..4];
        (words, usize::from(second / 64), 1 << (second % 64))
    }

    /// Makes the folder of an object and sees to it that it survives a crash. Blocks.
    fn make_folder(&self, oid: &Oid) -> io::Result<()> {
        let (words, own, bit) = self.shard(oid);
        let bits = |word: &AtomicU64| word.load(Ordering::Acquire);
        if bits(&words[own]) & bit != 0 {
            return Ok(());
        }
        let folder = self.folder(oid);
        fs::create_dir_all(&folder)?;
        folder.parent().map_or(Ok(()), sync_folder)?;
        // Where one folder `ab/*` is known, `ab` is.
        if words.iter().all(|word| bits(word) == 0) {
            sync_folder(&self.root)?;
        }
        words[own].fetch_or(bit, Ordering::Release);
        Ok(())
    }

    /// Notes that the folder of an object turned out to be missing, and perhaps the one around it.
    fn forget_folder(&self, oid: &Oid) {
        for word in self.shard(oid).0 {
            word.store(0, Ordering::Release);
        }
    }
}

/// Writes the entries of a folder to the disk. Blocks.
fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// A regular file, if there is one. Blocks.
fn stat(path: &Path) -> io::Result<Option<Stamp>> {
    match fs::symlink_metadata(path) {
        Ok(found) if found.is_file() => {
            Ok(Some(Stamp { size: found.len(), modified: found.modified()?, inode: found.ino() }))
        }
        Ok(_) => Ok(None),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests;
