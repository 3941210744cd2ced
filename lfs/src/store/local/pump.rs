//! Work on a stream of frames that blocks, in order, on the blocking pool.
//!
//! To wake another thread takes about as long as to hash 64 KiB, so a thread stays as long as there
//! are frames, and the stream goes on meanwhile. When there are none it leaves: a slow client holds
//! no thread.

use std::{
    io, mem,
    panic::{self, AssertUnwindSafe},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use bytes::Bytes;
use tokio::sync::Notify;

use crate::{Error, blocking};

/// The stream waits while so many bytes are not worked on yet.
const LIMIT: usize = 256 * 1024;

/// `T` works on frames, and is dropped on the blocking pool.
pub(super) struct Pump<T: Send + 'static> {
    shared: Arc<Shared<T>>,
}

struct Shared<T> {
    work: fn(&mut T, &[Bytes]) -> Result<(), Error>,
    queue: Mutex<Queue<T>>,
    /// Something of the queue is done.
    progress: Notify,
}

struct Queue<T> {
    frames: Vec<Bytes>,
    /// Of the frames that wait and those that are worked on.
    bytes: usize,
    worker: Worker<T>,
}

enum Worker<T> {
    Resting(T),
    Working,
    /// The error is told once.
    Failed(Option<Error>),
}

impl<T: Send + 'static> Pump<T> {
    pub(super) fn new(worker: T, work: fn(&mut T, &[Bytes]) -> Result<(), Error>) -> Self {
        let queue = Queue { frames: Vec::new(), bytes: 0, worker: Worker::Resting(worker) };
        Self { shared: Arc::new(Shared { work, queue: Mutex::new(queue), progress: Notify::new() }) }
    }

    /// Hands frames over, when there is room for them. Fails as soon as the work failed.
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

    /// Waits until all frames are worked on.
    pub(super) async fn finish(self) -> Result<T, Error> {
        let mut queue = self.when(|queue| matches!(queue.worker, Worker::Resting(_))).await?;
        match mem::replace(&mut queue.worker, Worker::Working) {
            Worker::Resting(worker) => Ok(worker),
            Worker::Working | Worker::Failed(_) => unreachable!("it rests, under the same lock"),
        }
    }

    /// Ends early. When this returns, the worker is gone.
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
                    return Err(error.take().unwrap_or_else(|| io::Error::other("the transfer failed before").into()));
                }
                if ready(&queue) {
                    return Ok(queue);
                }
            }
            self.shared.progress.notified().await;
        }
    }
}

impl<T: Send + 'static> Drop for Pump<T> {
    fn drop(&mut self) {
        let mut queue = self.shared.lock();
        queue.frames.clear();
        // A worker at work sees that it is not needed any more, and ends there.
        if let Worker::Resting(worker) = mem::replace(&mut queue.worker, Worker::Failed(None)) {
            blocking::detach(move || drop(worker));
        }
    }
}

impl<T> Shared<T> {
    fn lock(&self) -> MutexGuard<'_, Queue<T>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Blocks. Nobody waits for ever if this panics.
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
