//! Background work: a queue in the database. A feature enqueues in the
//! transaction that makes the work necessary, so nothing is forgotten; any
//! replica may do it; doing it twice is harmless.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::db::jobs::Claimed;
use crate::db::{Db, Tx};
use crate::error::{Error, Result};
use crate::types::Millis;

/// How often an idle replica looks for work.
const POLL: Duration = Duration::from_secs(2);
/// A job whose replica died is taken over after this long.
const LEASE: Duration = Duration::from_mins(15);

/// What there is to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Merge a repository's many small packs. Subject: dataset id.
    Consolidate,
    /// Hash an object that was taken on its size. Subject: `store/oid`.
    Prove,
    /// Send a letter. Subject: its id.
    Mail,
    /// Write to whoever forgot the password, if there is somebody. Subject: an address.
    Reset,
    /// Remove an account that was closed. Subject: user id.
    Remove,
    /// Collect garbage. Recurring.
    Collect,
    /// Delete what nobody needs any more from the stores. Recurring.
    Sweep,
    /// Read a little of all that is stored, and see whether it is sound. Recurring.
    Scrub,
    /// Look at what datasets say now, where nobody has since they changed, so that they are found by it. Recurring.
    Look,
}

impl Kind {
    const ALL: [Self; 9] = [
        Self::Consolidate,
        Self::Prove,
        Self::Mail,
        Self::Reset,
        Self::Remove,
        Self::Collect,
        Self::Sweep,
        Self::Scrub,
        Self::Look,
    ];

    fn as_str(self) -> &'static str {
        match self {
            Self::Consolidate => "consolidate",
            Self::Prove => "prove",
            Self::Mail => "mail",
            Self::Reset => "reset",
            Self::Remove => "remove",
            Self::Collect => "collect",
            Self::Sweep => "sweep",
            Self::Scrub => "scrub",
            Self::Look => "look",
        }
    }

    /// How long after its end a recurring job runs again.
    fn every(self) -> Option<Duration> {
        match self {
            Self::Consolidate | Self::Prove | Self::Mail | Self::Reset | Self::Remove => None,
            Self::Collect => Some(Duration::from_hours(24)),
            Self::Sweep => Some(Duration::from_mins(10)),
            Self::Scrub => Some(Duration::from_mins(2)),
            Self::Look => Some(Duration::from_mins(1)),
        }
    }
}

/// Queues a job as part of a transaction, unless it waits already.
pub async fn enqueue(tx: &mut Tx, clock: &Clock, kind: Kind, subject: &str, delay: Duration) -> Result<()> {
    tx.enqueue(clock.id(), kind.as_str(), subject, clock.now().plus(delay)).await
}

/// Does a job; given by the composition root, which knows the features.
pub type Perform = Box<dyn Fn(Kind, String) -> BoxFuture<'static, Result<()>> + Send + Sync>;

/// Takes jobs one after another.
pub struct Worker {
    db: Db,
    clock: Clock,
    perform: Perform,
    /// Of those who work at one time, one looks for the next job. The others need not ask the database as well.
    looking: tokio::sync::Mutex<()>,
}

impl Worker {
    /// Works on this database.
    pub fn new(db: Db, clock: Clock, perform: Perform) -> Self {
        Self { db, clock, perform, looking: tokio::sync::Mutex::default() }
    }

    /// Works until it is told to stop; a job under way is finished first.
    pub async fn run(&self, stop: CancellationToken) {
        let recurring = async {
            let mut tx = self.db.write().await?;
            for kind in Kind::ALL.into_iter().filter(|kind| kind.every().is_some()) {
                enqueue(&mut tx, &self.clock, kind, "", Duration::ZERO).await?;
            }
            tx.commit().await
        };
        if let Err(error) = recurring.await {
            tracing::warn!(%error, "recurring jobs could not be queued");
        }
        while let Some(looking) = stop.run_until_cancelled(self.looking.lock()).await {
            let done = match self.claim().await {
                Ok(Some(claimed)) => {
                    drop(looking);
                    self.work(claimed).await
                }
                Ok(None) => {
                    stop.run_until_cancelled(tokio::time::sleep(POLL)).await;
                    Ok(())
                }
                Err(error) => Err(error),
            };
            if let Err(error) = done {
                tracing::warn!(%error, "the job queue does not answer");
                stop.run_until_cancelled(tokio::time::sleep(POLL * 5)).await;
            }
        }
    }

    /// Brings the figures of the queue up to date; it is one queue for all replicas.
    pub async fn observe(&self) -> Result<()> {
        let now = self.clock.now();
        let queue = self.db.read().await?.queue(now).await?;
        for kind in Kind::ALL.map(Kind::as_str) {
            let of_kind = queue.iter().find(|(name, ..)| name == kind);
            let (waiting, running) = of_kind.map_or((0, 0), |(_, waiting, running, _)| (*waiting, *running));
            let oldest = of_kind.and_then(|(.., since)| *since).map_or(0, |since| now.0.saturating_sub(since.0));
            metrics::gauge!("rutter_jobs", "kind" => kind, "state" => "waiting").set(figure(waiting));
            metrics::gauge!("rutter_jobs", "kind" => kind, "state" => "running").set(figure(running));
            metrics::gauge!("rutter_jobs_oldest_seconds", "kind" => kind).set(figure(oldest) / 1000.0);
        }
        Ok(())
    }

    /// Does everything that is due. For tests and for commands.
    pub async fn run_due(&self) -> Result<usize> {
        let mut done = 0;
        while let Some(claimed) = self.claim().await? {
            self.work(claimed).await?;
            done += 1;
        }
        Ok(done)
    }

    /// Keeps others from a job for as long as it is done here.
    async fn kept<T>(&self, id: &str, done: impl Future<Output = T>) -> T {
        let mut done = std::pin::pin!(done);
        loop {
            tokio::select! {
                done = &mut done => return done,
                () = tokio::time::sleep(LEASE / 3) => {}
            }
            let renewed = async {
                let mut tx = self.db.write().await?;
                tx.renew_job(id, self.clock.now().plus(LEASE)).await?;
                tx.commit().await
            };
            if let Err(error) = renewed.await {
                tracing::warn!(%error, "a job under way may be taken over");
            }
        }
    }

    /// The job that has been due longest, and since when it is this worker's.
    async fn claim(&self) -> Result<Option<(Claimed, Millis)>> {
        let now = self.clock.now();
        if !self.db.read().await?.job_due(now).await? {
            return Ok(None);
        }
        let mut tx = self.db.write().await?;
        let Some(claimed) = tx.claim_job(now, now.plus(LEASE)).await? else { return Ok(None) };
        tx.commit().await?;
        Ok(Some((claimed, now)))
    }

    async fn work(&self, ((id, name, subject, attempts), since): (Claimed, Millis)) -> Result<()> {
        let outcome = match Kind::ALL.into_iter().find(|kind| kind.as_str() == name) {
            Some(kind) => {
                // A panic must not end all background work.
                let done = AssertUnwindSafe((self.perform)(kind, subject.clone())).catch_unwind();
                let done = self.kept(&id, done).await;
                let done = done.unwrap_or_else(|_| Err(Error::internal("the job panicked")));
                done.map(|()| kind.every())
            }
            // Queued by a newer replica: leave it to that one.
            None => Ok(Some(Duration::from_mins(10))),
        };
        let mut tx = self.db.write().await?;
        match outcome {
            Ok(None) => tx.finish_job(&id, since).await?,
            Ok(Some(again)) => tx.postpone_job(&id, self.clock.now().plus(again), "").await?,
            Err(error) => {
                tracing::warn!(job = name, subject, attempts, %error, "a job failed and will be tried again");
                let later: Millis = self.clock.now().plus(backoff(attempts));
                tx.postpone_job(&id, later, &error.to_string()).await?;
            }
        }
        tx.commit().await
    }
}

#[expect(clippy::cast_precision_loss, reason = "nobody counts jobs or milliseconds beyond 2^53")]
fn figure(number: i64) -> f64 {
    number as f64
}

/// Doubles from 5 seconds to about an hour.
fn backoff(attempts: i64) -> Duration {
    let doublings = u32::try_from(attempts.clamp(1, 10) - 1).unwrap_or(0);
    Duration::from_secs(5) * 2u32.pow(doublings)
}
