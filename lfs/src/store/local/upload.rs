//! Receiving an object: the network fills one block while the block before is hashed and written.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    mem,
    path::PathBuf,
    process,
    sync::{Arc, Mutex, PoisonError, atomic::Ordering},
};

use bytes::{Bytes, BytesMut};
use futures::{Stream, StreamExt};
use sha2::{Digest, Sha256};

use super::{Put, Shared, size_of, sync_folder};
use crate::{Error, Oid, blocking};

/// Small frames of the network are gathered to blocks of this length, in bytes. One transfer holds
/// two blocks: one that is filled and one that is written.
const BLOCK: usize = 256 * 1024;

/// A frame of this length is a block by itself: gathering would only copy it.
const LARGE: usize = 64 * 1024;

/// After so many bytes the disk is asked to begin writing, so that little is left to do at the end.
const FLUSH_EVERY: u64 = 16 * 1024 * 1024;

pub(super) async fn receive<S, E>(shared: &Arc<Shared>, oid: Oid, size: u64, body: S) -> Result<Put, Error>
where
    S: Stream<Item = Result<Bytes, E>> + Unpin + Send,
    E: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let mut source = Source { body, rest: Bytes::new(), seen: 0, size };
    let mut running: Option<blocking::Task<Result<Courier, Error>>> = None;
    loop {
        let block = source.block().await;
        let mut incoming = match running.take() {
            Some(task) => task.join().await?.unpack(),
            None => Incoming::new(Arc::clone(shared), oid, size),
        };
        // From here to the next task nothing is awaited: `incoming` is never dropped on a thread of
        // the runtime, which removing a large file would stall.
        let (block, last) = match block {
            Ok(block) => block,
            Err(error) => {
                let give_up = move || {
                    drop(incoming);
                    Err(error)
                };
                return blocking::run(give_up).await;
            }
        };
        if last {
            let end = move || {
                incoming.absorb(&block)?;
                incoming.finish()
            };
            return blocking::run(end).await;
        }
        running = Some(blocking::spawn(move || {
            incoming.absorb(&block)?;
            Ok(Courier(Some(incoming)))
        }));
    }
}

/// The body, cut into blocks.
struct Source<S> {
    body: S,
    /// What did not fit into the last block.
    rest: Bytes,
    seen: u64,
    size: u64,
}

impl<S, E> Source<S>
where
    S: Stream<Item = Result<Bytes, E>> + Unpin,
    E: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    /// The next block, and whether it is the last one.
    async fn block(&mut self) -> Result<(Bytes, bool), Error> {
        let mut block = BytesMut::new();
        loop {
            if block.is_empty() && self.rest.len() >= LARGE {
                return Ok((mem::take(&mut self.rest), false));
            }
            if block.is_empty() && !self.rest.is_empty() {
                let left = self.size - self.seen + self.rest.len() as u64;
                block.reserve(usize::try_from(left).map_or(BLOCK, |left| left.min(BLOCK)));
            }
            let part = self.rest.len().min(BLOCK - block.len());
            block.extend_from_slice(&self.rest.split_to(part));
            if block.len() == BLOCK {
                return Ok((block.freeze(), false));
            }
            match self.body.next().await {
                None => return Ok((block.freeze(), true)),
                Some(Err(error)) => return Err(Error::Interrupted(error.into())),
                Some(Ok(frame)) => self.rest = frame,
            }
            self.seen += self.rest.len() as u64;
            if self.seen > self.size {
                return Err(Error::WrongSize { expected: self.size, actual: self.seen });
            }
        }
    }
}

/// Brings an upload from the blocking pool to the runtime. When nobody is left to take it, it goes
/// back to the pool to be dropped there.
struct Courier(Option<Incoming>);

impl Courier {
    fn unpack(mut self) -> Incoming {
        self.0.take().expect("a courier is unpacked once")
    }
}

impl Drop for Courier {
    fn drop(&mut self) {
        if let Some(incoming) = self.0.take() {
            blocking::detach(move || drop(incoming));
        }
    }
}

/// An upload so far. All of its methods block.
struct Incoming {
    shared: Arc<Shared>,
    oid: Oid,
    size: u64,
    received: u64,
    hasher: Sha256,
    target: Target,
}

/// Where the bytes go.
enum Target {
    /// Not looked at yet.
    Unknown,
    /// Nowhere: the object is here, the bytes are only checked.
    Existing,
    /// Into a temporary file.
    Part(Part),
}

impl Incoming {
    fn new(shared: Arc<Shared>, oid: Oid, size: u64) -> Self {
        Self { shared, oid, size, received: 0, hasher: Sha256::new(), target: Target::Unknown }
    }

    fn absorb(&mut self, block: &[u8]) -> Result<(), Error> {
        if let Target::Unknown = self.target {
            self.target = match size_of(&self.shared.object(&self.oid))? {
                Some(size) if size == self.size => Target::Existing,
                _ => Target::Part(Part::create(&self.shared, &self.oid)?),
            };
        }
        self.received += block.len() as u64;
        self.hasher.update(block);
        if let Target::Part(part) = &mut self.target {
            part.write(block)?;
        }
        Ok(())
    }

    fn finish(self) -> Result<Put, Error> {
        if self.received != self.size {
            return Err(Error::WrongSize { expected: self.size, actual: self.received });
        }
        let actual = Oid::from_bytes(self.hasher.finalize().into());
        if actual != self.oid {
            return Err(Error::WrongHash { expected: self.oid, actual });
        }
        match self.target {
            Target::Part(part) => {
                part.publish(self.shared.object(&self.oid))?;
                sync_folder(&self.shared.folder(&self.oid))?;
                Ok(Put::Stored)
            }
            // The upload that made it visible may not have made it durable yet.
            Target::Existing | Target::Unknown => {
                if size_of(&self.shared.object(&self.oid))? != Some(self.size) {
                    return Err(Error::NotFound(self.oid));
                }
                self.shared.make_folder(&self.oid)?;
                sync_folder(&self.shared.folder(&self.oid))?;
                Ok(Put::Existed)
            }
        }
    }
}

/// A temporary file. Dropping it removes it.
struct Part {
    disk: Arc<Disk>,
    path: PathBuf,
    /// Bytes written since the disk was last asked to begin.
    unflushed: u64,
    published: bool,
}

/// A file that may be flushed by another thread while it is written.
struct Disk {
    file: File,
    /// What early flushes met. The system reports a failed write once per open file: the final flush
    /// would not hear of it again.
    early: Mutex<io::Result<()>>,
}

impl Part {
    fn create(shared: &Shared, oid: &Oid) -> io::Result<Self> {
        shared.make_folder(oid)?;
        let folder = shared.folder(oid);
        let mut folder_was_missing = false;
        loop {
            let serial = shared.serial.fetch_add(1, Ordering::Relaxed);
            let path = folder.join(format!(".{oid}.{}-{serial}.part", process::id()));
            match OpenOptions::new().write(true).create_new(true).open(&path) {
                Ok(file) => {
                    let disk = Arc::new(Disk { file, early: Mutex::new(Ok(())) });
                    return Ok(Self { disk, path, unflushed: 0, published: false });
                }
                // Left by a process that had the same id.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                // Somebody tidied up empty folders.
                Err(error) if error.kind() == io::ErrorKind::NotFound && !folder_was_missing => {
                    folder_was_missing = true;
                    shared.forget_folder(oid);
                    shared.make_folder(oid)?;
                }
                Err(error) => return Err(error),
            }
        }
    }

    fn write(&mut self, block: &[u8]) -> io::Result<()> {
        (&self.disk.file).write_all(block)?;
        self.unflushed += block.len() as u64;
        if self.unflushed >= FLUSH_EVERY {
            self.unflushed = 0;
            let disk = Arc::clone(&self.disk);
            blocking::detach(move || disk.flush_early());
        }
        Ok(())
    }

    /// Flushes the file and gives it its name.
    fn publish(mut self, target: PathBuf) -> io::Result<()> {
        self.disk.flush()?;
        fs::rename(&self.path, target)?;
        self.published = true;
        Ok(())
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        if !self.published
            && let Err(error) = fs::remove_file(&self.path)
        {
            tracing::warn!(path = %self.path.display(), %error, "a temporary file stays until it is reaped");
        }
    }
}

impl Disk {
    /// Does nothing if an earlier flush still runs or failed.
    fn flush_early(&self) {
        if let Ok(mut early) = self.early.try_lock()
            && early.is_ok()
        {
            *early = self.file.sync_data();
        }
    }

    fn flush(&self) -> io::Result<()> {
        let mut early = self.early.lock().unwrap_or_else(PoisonError::into_inner);
        mem::replace(&mut *early, Ok(()))?;
        self.file.sync_all()
    }
}
