//! Background jobs: a queue in the database. Features enqueue a job in the transaction that requires it, so none is
//! lost; any replica can run it; jobs are idempotent.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use tokio::sync::{Mutex, Notify};
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::db::jobs::ClaimedJob;
use crate::db::{Db, Tx};
use crate::error::{Error, Result};
use crate::types::Millis;

/// Interval at which an idle worker polls the queue.
const POLL: Duration = Duration::from_secs(2);
/// Lease of a running job: if its replica dies, another one takes over after this time.
const LEASE: Duration = Duration::from_mins(15);
/// Lease of a job that users wait for.
const SHORT_LEASE: Duration = Duration::from_secs(30);

/// Kind of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Merge a repository's many small packs. Subject: dataset id.
    RepackPacks,
    /// Hash an object that was accepted by its size alone. Subject: `store/oid`.
    VerifyObject,
    /// Send an e-mail. Subject: its id.
    Mail,
    /// Send a password reset e-mail, if the address has an account. Subject: an e-mail address.
    SendPasswordReset,
    /// Remove a closed account. Subject: user id.
    PurgeAccount,
    /// Update the search index for a dataset. Subject: dataset id.
    IndexDataset,
    /// Compute a file from others. Subject: id of the derivation.
    Derive,
    /// Take the next step with an installed app. Subject: its id.
    ApplyInstall,
    /// Notify users of an event in a discussion. Subject: id of the event, or of a new discussion.
    NotifyDiscussion,
    /// Notify users of new versions and releases of a dataset. Subject: dataset id.
    NotifyVersions,
    /// Notify the creator of a share link that it was used. Subject: id of the share.
    NotifyLink,
    /// Install apps for a new account. Subject: user id.
    PreinstallApps,
    /// Compare installed apps with what runs, and pause those that are idle. Recurring.
    ReconcileApps,
    /// Collect garbage. Recurring.
    Collect,
    /// Pack old versions of files. Recurring.
    PackObjects,
    /// Delete unreferenced data from the stores. Recurring.
    Sweep,
    /// Verify a part of all stored data. Recurring.
    Scrub,
    /// Update the search index for datasets that changed since they were indexed. Recurring.
    ReindexSearch,
    /// Add a signing key when the newest is old, and delete retired ones. Recurring.
    RotateKeys,
    /// Notify applications of logins that have ended. Recurring.
    NotifyLogouts,
}

impl Kind {
    const ALL: [Self; 20] = [
        Self::RepackPacks,
        Self::VerifyObject,
        Self::Mail,
        Self::SendPasswordReset,
        Self::PurgeAccount,
        Self::IndexDataset,
        Self::Derive,
        Self::ApplyInstall,
        Self::NotifyDiscussion,
        Self::NotifyVersions,
        Self::NotifyLink,
        Self::PreinstallApps,
        Self::ReconcileApps,
        Self::Collect,
        Self::PackObjects,
        Self::Sweep,
        Self::Scrub,
        Self::ReindexSearch,
        Self::RotateKeys,
        Self::NotifyLogouts,
    ];

    fn as_str(self) -> &'static str {
        match self {
            Self::RepackPacks => "consolidate",
            Self::VerifyObject => "prove",
            Self::Mail => "mail",
            Self::SendPasswordReset => "reset",
            Self::PurgeAccount => "remove",
            Self::IndexDataset => "index",
            Self::Derive => "derive",
            Self::ApplyInstall => "install",
            Self::NotifyDiscussion => "discussion",
            Self::NotifyVersions => "versions",
            Self::NotifyLink => "link",
            Self::PreinstallApps => "preinstall",
            Self::ReconcileApps => "apps",
            Self::Collect => "collect",
            Self::PackObjects => "pack",
            Self::Sweep => "sweep",
            Self::Scrub => "scrub",
            Self::ReindexSearch => "look",
            Self::RotateKeys => "keys",
            Self::NotifyLogouts => "logouts",
        }
    }

    /// Returns the lease of the job named so.
    fn lease(name: &str) -> Duration {
        let is_awaited =
            [Self::Derive, Self::ApplyInstall, Self::ReconcileApps].iter().any(|kind| kind.as_str() == name);
        if is_awaited { SHORT_LEASE } else { LEASE }
    }

    /// Returns the interval of a recurring job, counted from the end of the last run.
    fn every(self) -> Option<Duration> {
        match self {
            Self::RepackPacks
            | Self::VerifyObject
            | Self::Mail
            | Self::SendPasswordReset
            | Self::PurgeAccount
            | Self::IndexDataset
            | Self::Derive
            | Self::ApplyInstall
            | Self::NotifyDiscussion
            | Self::NotifyVersions
            | Self::NotifyLink
            | Self::PreinstallApps => None,
            Self::Collect | Self::RotateKeys => Some(Duration::from_hours(24)),
            Self::PackObjects | Self::Sweep => Some(Duration::from_mins(10)),
            Self::Scrub => Some(Duration::from_mins(2)),
            Self::ReindexSearch => Some(Duration::from_mins(1)),
            Self::ReconcileApps => Some(Duration::from_secs(30)),
            Self::NotifyLogouts => Some(Duration::from_secs(15)),
        }
    }
}

/// Which jobs a worker runs. Those that may take an hour have workers of their own, so that no other job waits for them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Duty {
    /// [`Kind::Derive`].
    Derivations,
    /// All other jobs.
    Others,
}

/// Wakes workers when a transaction of this process has queued a job.
#[derive(Clone, Default)]
pub struct Wakers {
    /// For derivations.
    pub derivations: Arc<Notify>,
    /// For all other jobs.
    pub others: Arc<Notify>,
}

impl Wakers {
    fn of(&self, duty: Duty) -> &Notify {
        match duty {
            Duty::Derivations => &self.derivations,
            Duty::Others => &self.others,
        }
    }
}

/// Queues a job as part of a transaction, unless it is queued already.
pub async fn enqueue(tx: &mut Tx, clock: &Clock, kind: Kind, subject: &str, delay: Duration) -> Result<()> {
    tx.enqueue(clock.id(), kind.as_str(), subject, clock.now().plus(delay)).await
}

/// Runs a job; provided by the composition root, which knows the features.
pub type Perform = Box<dyn Fn(Kind, String) -> BoxFuture<'static, Result<()>> + Send + Sync>;

/// A claimed job with the time of the claim; if no job is due, how long to wait before the next poll.
type Claim = std::result::Result<(ClaimedJob, Millis), Duration>;

/// Runs jobs of the queue, one after another.
pub struct Worker {
    db: Db,
    clock: Clock,
    perform: Perform,
    wakers: Wakers,
    /// Only one of the concurrent workers of a duty polls the queue; the others need not query the database as well.
    looking: [Mutex<()>; 2],
}

impl Worker {
    /// Creates a worker on this database. Notify `wakers` to have jobs run without waiting for the next poll.
    pub fn new(db: Db, clock: Clock, wakers: Wakers, perform: Perform) -> Self {
        Self { db, clock, perform, wakers, looking: Default::default() }
    }

    /// Runs jobs until `stop` is cancelled; a running job is finished first.
    pub async fn run(&self, duty: Duty, stop: CancellationToken) {
        let recurring = async {
            let mut tx = self.db.write().await?;
            for kind in Kind::ALL.into_iter().filter(|kind| kind.every().is_some()) {
                enqueue(&mut tx, &self.clock, kind, "", Duration::ZERO).await?;
            }
            tx.commit().await
        };
        if let Err(error) = recurring.await {
            tracing::warn!(%error, "cannot queue the recurring jobs");
        }
        while let Some(looking) = stop.run_until_cancelled(self.looking[duty as usize].lock()).await {
            let done = match self.claim(duty).await {
                Ok(Ok(claimed)) => {
                    drop(looking);
                    self.work(claimed).await
                }
                Ok(Err(pause)) => {
                    let queued = tokio::time::timeout(pause, self.wakers.of(duty).notified());
                    stop.run_until_cancelled(queued).await;
                    Ok(())
                }
                Err(error) => Err(error),
            };
            if let Err(error) = done {
                tracing::warn!(%error, "cannot access the job queue; retrying");
                stop.run_until_cancelled(tokio::time::sleep(POLL * 5)).await;
            }
        }
    }

    /// Updates the metrics of the queue, which all replicas share.
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

    /// Runs all jobs that are due. For tests and commands.
    pub async fn run_due(&self) -> Result<usize> {
        let mut done = 0;
        for duty in [Duty::Others, Duty::Derivations] {
            while let Ok(claimed) = self.claim(duty).await? {
                self.work(claimed).await?;
                done += 1;
            }
        }
        Ok(done)
    }

    /// Renews the lease of a job while it runs.
    async fn kept<T>(&self, id: &str, lease: Duration, done: impl Future<Output = T>) -> T {
        let mut done = std::pin::pin!(done);
        loop {
            tokio::select! {
                done = &mut done => return done,
                () = tokio::time::sleep(lease / 3) => {}
            }
            let renewed = async {
                let mut tx = self.db.write().await?;
                tx.renew_job(id, self.clock.now().plus(lease)).await?;
                tx.commit().await
            };
            if let Err(error) = renewed.await {
                tracing::warn!(%error, "cannot renew the lease of a running job; another replica may run it, too");
            }
        }
    }

    /// Claims the job of a duty that has been due longest.
    async fn claim(&self, duty: Duty) -> Result<Claim> {
        let now = self.clock.now();
        let derives = duty == Duty::Derivations;
        match self.db.read().await?.next_job(now, Kind::Derive.as_str(), derives).await? {
            Some(due) if due <= now => {}
            Some(due) => return Ok(Err(POLL.min(Duration::from_millis(due.0.abs_diff(now.0))))),
            None => return Ok(Err(POLL)),
        }
        let mut tx = self.db.write().await?;
        // Another replica may have been faster.
        let Some(claimed) = tx.claim_job(now, now.plus(LEASE), Kind::Derive.as_str(), derives).await? else {
            return Ok(Err(POLL));
        };
        let (id, name, ..) = &claimed;
        if Kind::lease(name) < LEASE {
            tx.renew_job(id, now.plus(Kind::lease(name))).await?;
        }
        tx.commit().await?;
        Ok(Ok((claimed, now)))
    }

    async fn work(&self, ((id, name, subject, attempts), since): (ClaimedJob, Millis)) -> Result<()> {
        let kind = Kind::ALL.into_iter().find(|kind| kind.as_str() == name);
        let outcome = match kind {
            Some(kind) => {
                // A panic must not end all background work.
                let done = AssertUnwindSafe((self.perform)(kind, subject.clone())).catch_unwind();
                let done = self.kept(&id, Kind::lease(&name), done).await;
                let done = done.unwrap_or_else(|_| Err(Error::internal("the job panicked")));
                done.map(|()| kind.every())
            }
            // Queued by a newer replica: leave it to that one.
            None => Ok(Some(Duration::from_mins(10))),
        };
        let mut tx = self.db.write().await?;
        match outcome {
            Ok(None) => tx.finish_job(&id, since).await?,
            Ok(Some(again)) => tx.repeat_job(&id, self.clock.now().plus(again)).await?,
            Err(error) => {
                tracing::warn!(job = name, subject, attempts, %error, "job failed; it will be retried");
                // A recurring job is due again anyway.
                let most = kind.and_then(Kind::every).unwrap_or(Duration::MAX);
                let later: Millis = self.clock.now().plus(backoff(attempts).min(most));
                tx.postpone_job(&id, later, &error.to_string()).await?;
            }
        }
        tx.commit().await
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts of jobs and milliseconds stay below 2^53")]
fn figure(number: i64) -> f64 {
    number as f64
}

/// Returns the delay before a retry: doubles from 5 seconds to about an hour.
fn backoff(attempts: i64) -> Duration {
    let doublings = u32::try_from(attempts.clamp(1, 10) - 1).unwrap_or(0);
    Duration::from_secs(5) * 2u32.pow(doublings)
}
