//! A worker task: blocking work on a stream of frames, in order, on the blocking pool.
//!
//! Waking another thread takes about as long as hashing 64 KiB, so a thread keeps working as long as there are
//! frames, and the stream continues in the meantime. Without frames the thread returns to the pool: a slow client
//! does not occupy a thread.

use std::{
    io, mem,
    panic::{self, AssertUnwindSafe},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use bytes::Bytes;
use tokio::sync::Notify;

use crate::{Error, blocking};

/// The stream waits while this many bytes or more are queued. With 256 KiB, the two sides woke each other for nearly
/// every batch: four times as many context switches.
const LIMIT: usize = 1024 * 1024;

/// Passes frames to `T`, which is dropped on the blocking pool.
pub(super) struct WriterTask<T: Send + 'static> {
    shared: Arc<Shared<T>>,
}

struct Shared<T> {
    work: fn(&mut T, &[Bytes]) -> Result<(), Error>,
    queue: Mutex<Queue<T>>,
    /// Notified when the worker has taken frames from the queue or ended.
    progress: Notify,
}

struct Queue<T> {
    frames: Vec<Bytes>,
    /// Bytes of the frames in the queue and in progress.
    bytes: usize,
    worker: Worker<T>,
}

enum Worker<T> {
    Resting(T),
    Working,
    /// The error is returned once.
    Failed(Option<Error>),
}

impl<T: Send + 'static> WriterTask<T> {
    pub(super) fn new(worker: T, work: fn(&mut T, &[Bytes]) -> Result<(), Error>) -> Self {
        let queue = Queue { frames: Vec::new(), bytes: 0, worker: Worker::Resting(worker) };
        Self { shared: Arc::new(Shared { work, queue: Mutex::new(queue), progress: Notify::new() }) }
    }

    /// Queues frames, waiting for space. Fails as soon as the work has failed.
    pub(super) async fn push(&self, frames: impl IntoIterator<Item = Bytes>) -> Result<(), Error> {
        let mut queue = self.when(|queue| queue.bytes < LIMIT).await?;
        let waiting = queue.frames.len();
        queue.frames.extend(frames);
        queue.bytes += queue.frames[waiting..].iter().map(Bytes::len).sum::<usize>();
        if let Worker::Resting(worker) = mem::replace(&mut queue.worker, Worker::Working) {
            let shared = Arc::clone(&self.shared);
            drop(queue);
            drop(blocking::spawn(move || shared.work_on(worker)));
        }
        Ok(())
    }

    /// Waits until all frames are processed.
    pub(super) async fn finish(self) -> Result<T, Error> {
        let mut queue = self.when(|queue| matches!(queue.worker, Worker::Resting(_))).await?;
        match mem::replace(&mut queue.worker, Worker::Working) {
            Worker::Resting(worker) => Ok(worker),
            Worker::Working | Worker::Failed(_) => unreachable!("it rests, under the same lock"),
        }
    }

    /// Ends early. When this returns, the worker was dropped.
    pub(super) async fn abandon(self) {
        self.shared.lock().frames.clear();
        if let Ok(worker) = self.finish().await {
            let end = move || {
                drop(worker);
                Ok::<_, Error>(())
            };
            let _ = blocking::run(end).await;
        }
    }

    async fn when(&self, ready: impl Fn(&Queue<T>) -> bool) -> Result<MutexGuard<'_, Queue<T>>, Error> {
        loop {
            {
                let mut queue = self.shared.lock();
                if let Worker::Failed(error) = &mut queue.worker {
                    return Err(error
                        .take()
                        .unwrap_or_else(|| io::Error::other("the transfer has already failed").into()));
                }
                if ready(&queue) {
                    return Ok(queue);
                }
            }
            self.shared.progress.notified().await;
        }
    }
}

impl<T: Send + 'static> Drop for WriterTask<T> {
    fn drop(&mut self) {
        let mut queue = self.shared.lock();
        queue.frames.clear();
        // A running worker notices that it is no longer needed and stops.
        if let Worker::Resting(worker) = mem::replace(&mut queue.worker, Worker::Failed(None)) {
            blocking::detach(move || drop(worker));
        }
    }
}

impl<T> Shared<T> {
    fn lock(&self) -> MutexGuard<'_, Queue<T>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs the worker and records its result. Blocks. Waiting callers are woken even if it panics.
    fn work_on(&self, worker: T) {
        let end = panic::catch_unwind(AssertUnwindSafe(|| self.work_while_frames_come(worker)));
        if let Err(error) = end.unwrap_or_else(|_| Err(io::Error::other("a thread of the upload panicked").into())) {
            self.lock().worker = Worker::Failed(Some(error));
        }
        self.progress.notify_one();
    }

    fn work_while_frames_come(&self, mut worker: T) -> Result<(), Error> {
        let mut done = 0;
        loop {
            let frames = {
                let mut queue = self.lock();
                queue.bytes -= done;
                if queue.frames.is_empty() {
                    if let Worker::Working = queue.worker {
                        queue.worker = Worker::Resting(worker);
                    }
                    return Ok(());
                }
                mem::take(&mut queue.frames)
            };
            self.progress.notify_one();
            (self.work)(&mut worker, &frames)?;
            done = frames.iter().map(Bytes::len).sum();
        }
    }
}
