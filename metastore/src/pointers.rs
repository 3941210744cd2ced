//! Every LFS pointer of a repository, over all history.

use std::sync::Arc;

use futures::{Stream, stream};
use gix::ObjectId;
use lfs::Oid;
use tokio::{sync::mpsc, task::JoinHandle};

use crate::{Error, Result, Snapshot, blocking, reach::Reach};

/// How many pointers are handed over at once.
const BATCH: usize = 4096;

/// How many batches wait for whoever takes them.
const WAITING: usize = 2;

/// The object that a pointer names, and its size in bytes.
pub type PointerTarget = (Oid, u64);

impl Snapshot {
    /// Every LFS object that a pointer names which any ref, or one of `extra_roots`, reaches, in any
    /// commit; what nothing reaches is left out, and of `extra_roots` what is gone. One object may
    /// come several times, and with the sizes of contradicting pointers.
    ///
    /// Whatever ends the walk early is the last item, an error: only a stream that ended without one
    /// has told everything. [`Error::Corrupt`] where something that a ref reaches is missing.
    /// A stream that is dropped ends the walk at its next batch. Memory stays small, whatever the number of objects.
    pub fn reachable_pointers(
        self: &Arc<Self>,
        extra_roots: Vec<ObjectId>,
    ) -> impl Stream<Item = Result<Vec<PointerTarget>>> + Send + Unpin + 'static {
        let lease = Arc::clone(self);
        let (sender, receiver) = mpsc::channel(WAITING);
        let walk = tokio::spawn(async move {
            let place = lease.git().maintaining().await?;
            let extra_roots = Arc::new(extra_roots);
            let walk = || {
                let (lease, extra_roots) = (Arc::clone(&lease), Arc::clone(&extra_roots));
                blocking::run(move || Reach::walk(&lease, &extra_roots))
            };
            let reach = lease.whole(walk).await?;
            // Whoever takes the batches may want the place for something else meanwhile.
            drop(place);
            blocking::run(move || tell(reach, &sender)).await
        });
        Box::pin(stream::unfold(Some(Batches { receiver, walk }), |batches| async {
            let mut batches = batches?;
            match batches.receiver.recv().await {
                Some(batch) => Some((Ok(batch), Some(batches))),
                // The end of the walk says whether that was all.
                None => Some((Err(batches.end().await.err()?), None)),
            }
        }))
    }
}

struct Batches {
    receiver: mpsc::Receiver<Vec<PointerTarget>>,
    walk: JoinHandle<Result<()>>,
}

impl Batches {
    async fn end(self) -> Result<()> {
        self.walk.await.unwrap_or_else(|error| Err(Error::Internal(format!("a walk died: {error}"))))
    }
}

fn tell(mut reach: Reach, sender: &mpsc::Sender<Vec<PointerTarget>>) -> Result<()> {
    let gone = || Error::Internal("nobody waits for the pointers any more".to_owned());
    let mut batch = Vec::with_capacity(BATCH);
    reach.pointers(|pointer| {
        batch.push((pointer.oid, pointer.size));
        if batch.len() == BATCH {
            let full = std::mem::replace(&mut batch, Vec::with_capacity(BATCH));
            sender.blocking_send(full).map_err(|_| gone())?;
        }
        Ok(())
    })?;
    if batch.is_empty() { Ok(()) } else { sender.blocking_send(batch).map_err(|_| gone()) }
}
