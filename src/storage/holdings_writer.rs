//! Group commit of verified objects: uploads that finish at the same time share one transaction, since each transaction
//! costs a disk flush.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use lfs::{LocalStore, Oid};
use tokio::sync::oneshot;

use super::Storage;
use super::check::Damage;
use crate::clock::Clock;
use crate::config::Quotas;
use crate::db::objects::NewObject;
use crate::db::{Db, signed};
use crate::error::{Error, Kind, Result};
use crate::quota::{EffectiveQuota, QuotaUsage};
use crate::types::{Id, Millis};

/// Records which dataset holds which object. Cheap to clone.
#[derive(Clone)]
pub(super) struct HoldingsWriter(Arc<Inner>);

struct Inner {
    db: Db,
    clock: Clock,
    quotas: Quotas,
    waiting: Mutex<Vec<PendingHolding>>,
    turn: tokio::sync::Mutex<()>,
}

/// A verified object waiting to be recorded.
struct PendingHolding {
    arrival: NewObject,
    /// Id of its upload, if it is recorded: its bytes are reserved.
    upload: Option<String>,
    done: oneshot::Sender<Result<()>>,
}

impl HoldingsWriter {
    pub(super) fn new(db: Db, clock: Clock, quotas: Quotas) -> Self {
        Self(Arc::new(Inner { db, clock, quotas, waiting: Mutex::default(), turn: tokio::sync::Mutex::default() }))
    }

    /// Records that the dataset holds this object; durable once it returns. `upload` is the id of its upload, which has
    /// then finished.
    ///
    /// # Errors
    /// Not found if the dataset is gone, or if the upload was aborted; full if a quota is exceeded.
    pub(super) async fn hold(&self, arrival: NewObject, upload: Option<String>) -> Result<()> {
        let (done, outcome) = oneshot::channel();
        self.waiting().push(PendingHolding { arrival, upload, done });
        // In its own task: if a client disconnects, the objects of others in the same transaction must not be lost.
        let holdings_writer = self.clone();
        tokio::spawn(crate::request::scope(crate::request::id(), async move { holdings_writer.record().await }));
        outcome.await.map_err(Error::internal)?
    }

    /// Records all waiting objects; there may be none left if the previous call has recorded them.
    async fn record(&self) {
        let asked = Instant::now();
        let _turn = self.0.turn.lock().await;
        let mut holds = std::mem::take(&mut *self.waiting());
        // Sorted, so that two servers on one database cannot deadlock.
        holds.sort_by_key(|hold| (hold.arrival.oid, hold.arrival.repo));
        match holds.as_slice() {
            [] => return,
            [_] => {}
            many => match self.together(many, asked).await {
                Ok(outcomes) => {
                    for (hold, outcome) in holds.into_iter().zip(outcomes) {
                        // The receiver is gone if the client disconnected.
                        let _ = hold.done.send(outcome);
                    }
                    return;
                }
                // Each object alone would wait as long for the same error.
                Err(error) if matches!(error.kind(), Kind::Unavailable | Kind::Full) => {
                    for hold in holds {
                        let same = match error.kind() {
                            Kind::Full => Error::full(error.to_string()),
                            _ => Error::unavailable(error.to_string()),
                        };
                        let _ = hold.done.send(Err(same));
                    }
                    return;
                }
                Err(error) => tracing::debug!(%error, "recording a batch failed; recording its objects one by one"),
            },
        }
        for hold in holds {
            let outcome = self.together(std::slice::from_ref(&hold), asked).await;
            let _ = hold.done.send(outcome.and_then(|mut only| only.pop().unwrap_or(Ok(()))));
        }
    }

    /// Records objects in one transaction, and returns an outcome for each. Calls that waited while another one found
    /// that the database does not respond fail immediately instead of timing out again.
    async fn together(&self, holds: &[PendingHolding], asked: Instant) -> Result<Vec<Result<()>>> {
        self.0.db.expect_answers_since(asked)?;
        let mut tx = self.0.db.write().await?;
        let mut targets = Vec::with_capacity(holds.len());
        for PendingHolding { arrival, .. } in holds {
            targets.push(tx.object_target(arrival).await?);
        }
        let bounds = targets.iter().map(|target| EffectiveQuota::of(&target.as_ref()?.dataset, &self.0.quotas));
        let bounds: Vec<Option<EffectiveQuota<'_>>> = bounds.collect();
        let mut ledger = QuotaUsage::lock(&mut tx, &bounds.iter().flatten().collect::<Vec<_>>()).await?;
        let mut outcomes = Vec::with_capacity(holds.len());
        let mut more: BTreeMap<Id, (u64, i64)> = BTreeMap::new();
        for ((PendingHolding { arrival, upload, .. }, target), bounds) in holds.iter().zip(&targets).zip(&bounds) {
            let Some(target) = target else {
                outcomes.push(Err(Error::not_found("the dataset has been deleted")));
                continue;
            };
            if let Some(hash) = &arrival.xorb {
                tx.hold_xorb(arrival, hash, self.0.clock.now()).await?;
                outcomes.push(Ok(()));
                continue;
            }
            if let Some(bounds) = bounds
                && let Some(refusal) = ledger.admit(&mut tx, bounds, arrival, upload.is_some()).await?
            {
                outcomes.push(Err(refusal));
                continue;
            }
            if let Some(id) = upload
                && !tx.finish_upload_session(id, &arrival.oid.to_string()).await?
            {
                // Its bytes are being deleted.
                outcomes.push(Err(Error::not_found("this upload has ended; start it again")));
                continue;
            }
            if target.known_bytes.is_some_and(|known| known != signed(arrival.size)) {
                tx.resize(arrival).await?;
            }
            if tx.hold(arrival, self.0.clock.now()).await? {
                let (bytes, objects) = more.entry(arrival.repo).or_default();
                *bytes += arrival.size;
                *objects += 1;
                if let Some(bounds) = bounds {
                    ledger.add(bounds, arrival.size);
                }
            }
            outcomes.push(Ok(()));
        }
        for (repo, (bytes, objects)) in more {
            tx.add_usage(repo, signed(bytes), objects).await?;
        }
        tx.commit().await?;
        Ok(outcomes)
    }

    fn waiting(&self) -> std::sync::MutexGuard<'_, Vec<PendingHolding>> {
        self.0.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Storage {
    /// Records an object whose file is in a local store, and checks that the file still exists.
    ///
    /// # Errors
    /// As for [`HoldingsWriter::hold`]; unavailable if garbage collection deleted the file in the meantime, and its
    /// upload is aborted.
    pub(super) async fn record_in_folder(
        &self,
        folder: &LocalStore,
        arrival: NewObject,
        upload: Option<String>,
    ) -> Result<()> {
        let (store, oid) = (arrival.store.clone(), arrival.oid);
        if let Err(error) = self.0.holdings_writer.hold(arrival, upload.clone()).await {
            if error.kind() == Kind::Full && upload.is_none() {
                // Concurrent uploads have used up the quota: the file must not take space either. Reserved bytes are
                // already counted, so the file can stay for a retry.
                self.remove_stray(&store, folder, &oid).await?;
            }
            return Err(error);
        }
        if folder.stat(&oid).await?.is_some() {
            return Ok(());
        }
        // Garbage collection deleted the file after our write, and its row before ours was inserted.
        self.quarantine(&store, &oid, "", None, Damage::Missing).await?;
        if let Some(id) = upload {
            let mut tx = self.0.db.write().await?;
            tx.abort_upload_session(&id, Millis::MAX).await?;
            tx.commit().await?;
        }
        Err(Error::unavailable("the object was garbage-collected at the same time; upload it again"))
    }

    /// Deletes a file that no row references. A concurrent upload of the same object checks for it again.
    async fn remove_stray(&self, store: &str, folder: &LocalStore, oid: &Oid) -> Result<()> {
        let mut tx = self.0.db.write().await?;
        tx.lock_objects().await?;
        if tx.places(store, &[*oid]).await?.is_empty() {
            folder.remove(oid).await?;
        }
        tx.commit().await
    }
}
