//! Recording proven objects: uploads that end at the same time share one
//! transaction, since a transaction costs a flush of the disk.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use lfs::{LocalStore, Oid};
use tokio::sync::oneshot;

use super::Storage;
use super::check::Damage;
use crate::clock::Clock;
use crate::config::Quotas;
use crate::db::objects::Arrival;
use crate::db::usage::Reservation;
use crate::db::{Db, signed};
use crate::error::{Error, Kind, Result};
use crate::quota::{Bounds, Ledger};
use crate::types::Id;

/// Records who holds what. Cheap to clone.
#[derive(Clone)]
pub(super) struct Recorder(Arc<Inner>);

struct Inner {
    db: Db,
    clock: Clock,
    quotas: Quotas,
    waiting: Mutex<Vec<Hold>>,
    turn: tokio::sync::Mutex<()>,
}

/// A proven object that waits to be recorded.
struct Hold {
    arrival: Arrival,
    reservation: Option<Reservation>,
    done: oneshot::Sender<Result<()>>,
}

impl Recorder {
    pub(super) fn new(db: Db, clock: Clock, quotas: Quotas) -> Self {
        Self(Arc::new(Inner { db, clock, quotas, waiting: Mutex::default(), turn: tokio::sync::Mutex::default() }))
    }

    /// Records that the dataset holds this object, for good when it returns. What was reserved for it is free again.
    ///
    /// # Errors
    /// Not found if the dataset is gone; full over a quota.
    pub(super) async fn hold(&self, arrival: Arrival, reservation: Option<Reservation>) -> Result<()> {
        let (done, outcome) = oneshot::channel();
        self.waiting().push(Hold { arrival, reservation, done });
        // In a task of its own: a client that leaves must not take the holds of others along.
        let recorder = self.clone();
        tokio::spawn(crate::request::scope(crate::request::id(), async move { recorder.record().await }));
        outcome.await.map_err(Error::internal)?
    }

    /// Records everything that waits; that may be nothing, if the one before took it along.
    async fn record(&self) {
        let asked = Instant::now();
        let _turn = self.0.turn.lock().await;
        let mut holds = std::mem::take(&mut *self.waiting());
        // Always in one order, so that two servers on one database do not wait for each other.
        holds.sort_by_key(|hold| (hold.arrival.oid, hold.arrival.repo));
        match holds.as_slice() {
            [] => return,
            [_] => {}
            many => match self.together(many, asked).await {
                Ok(outcomes) => {
                    for (hold, outcome) in holds.into_iter().zip(outcomes) {
                        // Who has left does not want to know.
                        let _ = hold.done.send(outcome);
                    }
                    return;
                }
                // Each would wait as long for the same answer.
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
                Err(error) => tracing::debug!(%error, "what failed together is recorded one by one"),
            },
        }
        for hold in holds {
            let outcome = self.together(std::slice::from_ref(&hold), asked).await;
            let _ = hold.done.send(outcome.and_then(|mut only| only.pop().unwrap_or(Ok(()))));
        }
    }

    /// One transaction; an outcome for each. Who waited while another found that the database is silent does not wait
    /// for it once more.
    async fn together(&self, holds: &[Hold], asked: Instant) -> Result<Vec<Result<()>>> {
        self.0.db.expect_answers_since(asked)?;
        let mut tx = self.0.db.write().await?;
        let mut landings = Vec::with_capacity(holds.len());
        for Hold { arrival, .. } in holds {
            landings.push(tx.landing(arrival).await?);
        }
        let bounds = landings.iter().map(|landing| Bounds::of(&landing.as_ref()?.dataset, &self.0.quotas));
        let bounds: Vec<Option<Bounds<'_>>> = bounds.collect();
        let mut ledger = Ledger::lock(&mut tx, &bounds.iter().flatten().collect::<Vec<_>>()).await?;
        let mut outcomes = Vec::with_capacity(holds.len());
        let mut more: BTreeMap<Id, (u64, i64)> = BTreeMap::new();
        for ((Hold { arrival, reservation, .. }, landing), bounds) in holds.iter().zip(&landings).zip(&bounds) {
            let Some(landing) = landing else {
                outcomes.push(Err(Error::not_found("the dataset was deleted")));
                continue;
            };
            if let Some(bounds) = bounds
                && let Some(refusal) = ledger.admit(&mut tx, bounds, arrival, reservation.is_some()).await?
            {
                outcomes.push(Err(refusal));
                continue;
            }
            if landing.known_bytes.is_some_and(|known| known != signed(arrival.size)) {
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
            if let Some(reservation) = reservation {
                tx.end_reservation(arrival.repo, &arrival.oid, reservation).await?;
            }
            outcomes.push(Ok(()));
        }
        for (repo, (bytes, objects)) in more {
            tx.add_usage(repo, signed(bytes), objects).await?;
        }
        tx.commit().await?;
        Ok(outcomes)
    }

    fn waiting(&self) -> std::sync::MutexGuard<'_, Vec<Hold>> {
        self.0.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Storage {
    /// Records an object whose file is in a folder, and looks whether it still is.
    ///
    /// # Errors
    /// As for [`Recorder::hold`]; unavailable if a collection deleted the file meanwhile.
    pub(super) async fn record_in_folder(
        &self,
        folder: &LocalStore,
        arrival: Arrival,
        reservation: Option<Reservation>,
    ) -> Result<()> {
        let (store, oid, is_reserved) = (arrival.store.clone(), arrival.oid, reservation.is_some());
        if let Err(error) = self.0.recorder.hold(arrival, reservation).await {
            if error.kind() == Kind::Full && !is_reserved {
                // Others used what room there was meanwhile: it must not take any either. What was reserved is counted, and
                // need not be sent again.
                self.remove_stray(&store, folder, &oid).await?;
            }
            return Err(error);
        }
        if folder.stat(&oid).await?.is_some() {
            return Ok(());
        }
        // A collection was about to delete the same object, and its row was gone when ours came.
        self.quarantine(&store, &oid, "", None, Damage::Missing).await?;
        Err(Error::unavailable("the object was being collected; send it again"))
    }

    /// Deletes a file that no row names. Who uploads the same object at this moment looks for it again.
    async fn remove_stray(&self, store: &str, folder: &LocalStore, oid: &Oid) -> Result<()> {
        let mut tx = self.0.db.write().await?;
        if tx.places(store, &[*oid]).await?.is_empty() {
            folder.remove(oid).await?;
        }
        tx.commit().await
    }
}
