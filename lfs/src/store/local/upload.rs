//! Uploads of whole objects: while the network receives, another thread hashes and writes the previous bytes.

use std::{
    fs::{self, OpenOptions},
    io,
    ops::RangeInclusive,
    path::PathBuf,
    process,
    sync::{Arc, atomic::Ordering},
};

use bytes::{Bytes, BytesMut};
use futures::{Stream, StreamExt};
use sha2::{Digest, Sha256};

use super::{Shared, file::Disk, sync_folder, writer_task::WriterTask};
use crate::{Error, Oid, blocking};

/// Minimum size of a batch of network frames in bytes.
const BATCH: usize = 128 * 1024;

/// Frames shorter than this many bytes are merged, so that a batch has few.
const SHORT: usize = 4 * 1024;

/// Minimum size in bytes of bodies for which free space is checked first.
const LARGE: u64 = 1024 * 1024;

/// Stores a body as an object, whose oid is compared if it is expected to be one. Returns the oid and the size in bytes.
pub(super) async fn receive<S, E>(
    shared: &Arc<Shared>,
    expected: Option<Oid>,
    sizes: RangeInclusive<u64>,
    body: S,
) -> Result<(Oid, u64), Error>
where
    S: Stream<Item = Result<Bytes, E>> + Unpin + Send,
    E: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let most = *sizes.end();
    expect_room(shared, most).await?;
    let mut incoming = Incoming::new(Arc::clone(shared), expected, sizes);
    if most < BATCH as u64 {
        // Small objects are frequent: one task on the blocking pool for each.
        let mut source = Source::new(body, most);
        let (everything, last) = source.batch().await?;
        if !last {
            // It broke off, and the next batch is the error.
            source.batch().await?;
        }
        return blocking::run(move || {
            incoming.write(&everything)?;
            incoming.finish()
        })
        .await;
    }
    let (incoming, end) = pour(body, most, incoming, Incoming::write).await?;
    // When the caller gets an error, the temporary file is gone.
    blocking::run(move || {
        end?;
        incoming.finish()
    })
    .await
}

/// Passes a body to a writer. Returns the writer together with the result of the body, unless the writer failed.
pub(super) async fn pour<S, E, T>(
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
    let writing = WriterTask::new(writer, work);
    let end = loop {
        match source.batch().await {
            Err(error) => break Err(error),
            Ok((batch, last)) => {
                if let Err(error) = writing.push(batch).await {
                    writing.abandon().await;
                    return Err(error);
                }
                if last {
                    break Ok(());
                }
            }
        }
    };
    Ok((writing.finish().await?, end))
}

/// Checks free space before a large body is read: a client that waits for `100 Continue` does not send it in
/// vain.
pub(super) async fn expect_room(shared: &Arc<Shared>, size: u64) -> Result<(), Error> {
    if size <= LARGE {
        return Ok(());
    }
    let shared = Arc::clone(shared);
    blocking::run(move || shared.expect_room(size)).await
}

/// The body, split into batches of frames.
struct Source<S> {
    body: S,
    seen: u64,
    size: u64,
    /// The error that ended it, returned after the preceding frames.
    failed: Option<Error>,
}

impl<S, E> Source<S>
where
    S: Stream<Item = Result<Bytes, E>> + Unpin,
    E: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    fn new(body: S, size: u64) -> Self {
        Self { body, seen: 0, size, failed: None }
    }

    /// Returns the next batch, and true if it is the last one. An error is returned after everything that
    /// preceded it.
    async fn batch(&mut self) -> Result<(Vec<Bytes>, bool), Error> {
        if let Some(error) = self.failed.take() {
            return Err(error);
        }
        let (mut batch, mut length, mut short) = (Vec::new(), 0, BytesMut::new());
        let last = loop {
            if length >= BATCH {
                break false;
            }
            let frame = match self.body.next().await {
                None => break true,
                Some(Ok(frame)) => frame,
                Some(Err(error)) => {
                    let error = Error::Interrupted(error.into());
                    if length == 0 {
                        return Err(error);
                    }
                    self.failed = Some(error);
                    break false;
                }
            };
            length += frame.len();
            self.seen += frame.len() as u64;
            if self.seen > self.size {
                return Err(Error::WrongSize { expected: self.size, actual: self.seen });
            }
            if frame.len() < SHORT {
                short.extend_from_slice(&frame);
            } else {
                batch.extend((!short.is_empty()).then(|| short.split().freeze()));
                batch.push(frame);
            }
        };
        batch.extend((!short.is_empty()).then(|| short.freeze()));
        Ok((batch, last))
    }
}

/// An upload in progress. All methods block.
struct Incoming {
    shared: Arc<Shared>,
    expected: Option<Oid>,
    sizes: RangeInclusive<u64>,
    received: u64,
    hasher: Sha256,
    /// Created by the first batch, even if the object exists: the existing file may be damaged, and these bytes
    /// repair it.
    part: Option<Part>,
}

impl Incoming {
    fn new(shared: Arc<Shared>, expected: Option<Oid>, sizes: RangeInclusive<u64>) -> Self {
        Self { shared, expected, sizes, received: 0, hasher: Sha256::new(), part: None }
    }

    fn write(&mut self, batch: &[Bytes]) -> Result<(), Error> {
        let part = match &mut self.part {
            Some(part) => part,
            None => self.part.insert(self.create()?),
        };
        for frame in batch {
            self.received += frame.len() as u64;
            // While the bytes are in the processor's cache.
            self.hasher.update(frame);
            part.write(frame)?;
        }
        Ok(())
    }

    fn create(&self) -> Result<Part, Error> {
        Part::create(&self.shared, &self.expected.unwrap_or(Oid::EMPTY))
    }

    fn finish(mut self) -> Result<(Oid, u64), Error> {
        if !self.sizes.contains(&self.received) {
            return Err(Error::WrongSize { expected: *self.sizes.end(), actual: self.received });
        }
        let oid = Oid::from_bytes(self.hasher.finalize_reset().into());
        if let Some(expected) = self.expected.filter(|expected| *expected != oid) {
            return Err(Error::WrongHash { expected, actual: oid });
        }
        let part = match self.part.take() {
            Some(part) => part,
            None => self.create()?,
        };
        part.publish(&self.shared, &oid)?;
        Ok((oid, self.received))
    }
}

/// A temporary file. It is removed when dropped.
struct Part {
    disk: Arc<Disk>,
    path: PathBuf,
    written: u64,
    published: bool,
}

impl Part {
    /// Creates a file in the directory of an object, which need not be the one that it becomes.
    fn create(shared: &Shared, oid: &Oid) -> Result<Self, Error> {
        shared.expect_mark()?;
        in_folder(shared, oid, || {
            loop {
                let serial = shared.serial.fetch_add(1, Ordering::Relaxed);
                let path = shared.folder(oid).join(format!(".{oid}.{}-{serial}.part", process::id()));
                match OpenOptions::new().write(true).create_new(true).open(&path) {
                    // Left behind by a process with the same id.
                    Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                    file => return Ok(Self { disk: Disk::new(file?), path, written: 0, published: false }),
                }
            }
        })
        .map_err(Error::from)
    }

    fn write(&mut self, frame: &[u8]) -> io::Result<()> {
        self.disk.write(frame, self.written)?;
        self.written += frame.len() as u64;
        Ok(())
    }

    /// Flushes the file and renames it to its final path.
    fn publish(mut self, shared: &Shared, oid: &Oid) -> io::Result<()> {
        self.disk.flush()?;
        in_folder(shared, oid, || fs::rename(&self.path, shared.object(oid)))?;
        self.published = true;
        sync_folder(&shared.folder(oid))
    }
}

/// Creates the directory of an object for some work, again if it was removed since: empty ones may be cleaned up.
fn in_folder<T>(shared: &Shared, oid: &Oid, mut work: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    shared.make_folder(oid)?;
    match work() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            shared.forget_folder(oid);
            shared.make_folder(oid)?;
            work()
        }
        done => done,
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        if !self.published
            && let Err(error) = fs::remove_file(&self.path)
        {
            tracing::warn!(path = %self.path.display(), %error, "cannot remove a temporary file");
        }
    }
}
