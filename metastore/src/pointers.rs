//! Enumerates the LFS pointers of a repository, over all history.

use std::sync::Arc;

use futures::{Stream, stream};
use gix::ObjectId;
use lfs::Oid;
use tokio::{sync::mpsc, task::JoinHandle};

use crate::{Error, Result, Snapshot, blocking, reachability::Reach};

/// Number of pointers per batch.
const BATCH: usize = 4096;

/// Number of batches buffered for the consumer.
const WAITING: usize = 2;

/// The object that a pointer refers to, and its size in bytes.
pub type PointerTarget = (Oid, u64);

impl Snapshot {
    /// Streams the LFS objects of all pointers reachable from any ref or from `extra_roots`, in any commit.
    /// Unreachable pointers are left out, and missing `extra_roots` are ignored. An object may occur several
    /// times, with different sizes if pointers contradict each other.
    ///
    /// An error ends the stream as its last item: the result is complete only if the stream ends without an
    /// error. [`Error::Corrupt`] if an object reachable from a ref is missing. Dropping the stream stops the
    /// walk at its next batch. Memory use is small and independent of the number of objects.
    pub fn reachable_pointers(
        self: &Arc<Self>,
        extra_roots: Vec<ObjectId>,
    ) -> impl Stream<Item = Result<Vec<PointerTarget>>> + Send + Unpin + 'static {
        self.walked(move |lease| Reach::walk(lease, &extra_roots))
    }

    /// Like [`Snapshot::reachable_pointers`], for the newest commits of all branches, without their history.
    pub fn branch_pointers(
        self: &Arc<Self>,
    ) -> impl Stream<Item = Result<Vec<PointerTarget>>> + Send + Unpin + 'static {
        let branches = self.state().refs.iter().filter(|each| each.name.as_str().starts_with("refs/heads/"));
        let tips: Vec<ObjectId> = branches.map(|branch| branch.target).collect();
        self.walked(move |lease| Reach::walk_trees(lease, &tips))
    }

    /// Streams the pointers that a walk reaches.
    fn walked(
        self: &Arc<Self>,
        reach: impl Fn(&Arc<Self>) -> Result<Reach> + Send + Sync + 'static,
    ) -> impl Stream<Item = Result<Vec<PointerTarget>>> + Send + Unpin + 'static {
        let lease = Arc::clone(self);
        let (sender, receiver) = mpsc::channel(WAITING);
        let walk = tokio::spawn(async move {
            let place = lease.git().maintaining().await?;
            let reach = Arc::new(reach);
            let walk = || {
                let (lease, reach) = (Arc::clone(&lease), Arc::clone(&reach));
                blocking::run(move || reach(&lease))
            };
            let reach = lease.whole(walk).await?;
            // The consumer may need the slot for something else meanwhile.
            drop(place);
            blocking::run(move || tell(reach, &sender)).await
        });
        Box::pin(stream::unfold(Some(Batches { receiver, walk }), |batches| async {
            let mut batches = batches?;
            match batches.receiver.recv().await {
                Some(batch) => Some((Ok(batch), Some(batches))),
                // The result of the walk tells whether the stream is complete.
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
        self.walk.await.unwrap_or_else(|error| Err(Error::Internal(format!("the history walk panicked: {error}"))))
    }
}

fn tell(mut reach: Reach, sender: &mpsc::Sender<Vec<PointerTarget>>) -> Result<()> {
    let gone = || Error::Internal("the pointer stream was dropped".to_owned());
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
