//! The background job queue.

use super::Tx;
use super::query::{query, query_scalar};
use crate::error::Result;
use crate::types::{Id, Millis};

/// A claimed job: (id, kind, subject, attempts so far).
pub type ClaimedJob = (String, String, String, i64);

/// Queue statistics of one kind of job: (kind, due and unclaimed, running, due time of the oldest unclaimed one).
pub type QueuedJob = (String, i64, i64, Option<Millis>);

impl Tx {
    /// Enqueues a job unless the same one is already queued. A running job may miss the change that makes it
    /// necessary now, so it runs once more.
    pub async fn enqueue(&mut self, id: Id, kind: &str, subject: &str, run_at: Millis) -> Result<()> {
        let sql = "INSERT INTO job (id, kind, subject, run_at, attempts) VALUES ($1, $2, $3, $4, 0)
                   ON CONFLICT (kind, subject) DO UPDATE SET run_at = excluded.run_at + 1
                   WHERE job.leased_until IS NOT NULL";
        query(sql).bind(id).bind(kind).bind(subject).bind(run_at).execute(self).await?;
        Ok(())
    }

    /// Claims the oldest job that is due, for the duration of the lease: one of a kind, or of all others.
    pub async fn claim_job(
        &mut self,
        now: Millis,
        leased_until: Millis,
        kind: &str,
        of_kind: bool,
    ) -> Result<Option<ClaimedJob>> {
        let sql = match self {
            Self::Sqlite(_) => {
                "UPDATE job SET run_at = $1, leased_until = $2, attempts = attempts + 1 WHERE id = (
                     SELECT id FROM job WHERE run_at <= $1 AND (leased_until IS NULL OR leased_until < $1)
                         AND (kind = $3) = $4
                     ORDER BY run_at, id LIMIT 1)
                 RETURNING id, kind, subject, attempts"
            }
            Self::Postgres(_) => {
                "UPDATE job SET run_at = $1, leased_until = $2, attempts = attempts + 1 WHERE id = (
                     SELECT id FROM job WHERE run_at <= $1 AND (leased_until IS NULL OR leased_until < $1)
                         AND (kind = $3) = $4
                     ORDER BY run_at, id LIMIT 1 FOR UPDATE SKIP LOCKED)
                 RETURNING id, kind, subject, attempts"
            }
        };
        Ok(query(sql).bind(now).bind(leased_until).bind(kind).bind(of_kind).fetch_optional(self).await?)
    }

    /// Extends the lease of a claimed job.
    pub async fn renew_job(&mut self, id: &str, leased_until: Millis) -> Result<()> {
        query("UPDATE job SET leased_until = $2 WHERE id = $1").bind(id).bind(leased_until).execute(self).await?;
        Ok(())
    }

    /// Removes a completed job that was claimed at the given time; it stays if it was enqueued again since.
    pub async fn finish_job(&mut self, id: &str, claimed: Millis) -> Result<()> {
        query("DELETE FROM job WHERE id = $1 AND run_at <= $2").bind(id).bind(claimed).execute(self).await?;
        let sql = "UPDATE job SET leased_until = NULL, attempts = 0 WHERE id = $1";
        query(sql).bind(id).execute(self).await?;
        Ok(())
    }

    /// Schedules the next run of a recurring job that succeeded.
    pub async fn repeat_job(&mut self, id: &str, run_at: Millis) -> Result<()> {
        let sql = "UPDATE job SET run_at = $2, leased_until = NULL, attempts = 0, last_error = '' WHERE id = $1";
        query(sql).bind(id).bind(run_at).execute(self).await?;
        Ok(())
    }

    /// Reschedules a job that failed or needs to run again later.
    pub async fn postpone_job(&mut self, id: &str, run_at: Millis, error: &str) -> Result<()> {
        let sql = "UPDATE job SET run_at = $2, leased_until = NULL, last_error = $3 WHERE id = $1";
        query(sql).bind(id).bind(run_at).bind(error).execute(self).await?;
        Ok(())
    }

    /// Counts the jobs that are due and those that are running, by kind.
    pub async fn queue(&mut self, now: Millis) -> Result<Vec<QueuedJob>> {
        let sql = "SELECT kind, COUNT(CASE WHEN leased_until IS NULL OR leased_until < $1 THEN 1 END),
                   COUNT(CASE WHEN leased_until >= $1 THEN 1 END),
                   MIN(CASE WHEN leased_until IS NULL OR leased_until < $1 THEN run_at END)
                   FROM job WHERE run_at <= $1 GROUP BY kind";
        Ok(query(sql).bind(now).fetch_all(self).await?)
    }

    /// Returns when the next job is due, of a kind or of all others; `None` if all are running. A cheap read, so that an
    /// idle server writes nothing.
    pub async fn next_job(&mut self, now: Millis, kind: &str, of_kind: bool) -> Result<Option<Millis>> {
        let sql = "SELECT run_at FROM job WHERE (leased_until IS NULL OR leased_until < $1) AND (kind = $2) = $3
                   ORDER BY run_at LIMIT 1";
        Ok(query_scalar(sql).bind(now).bind(kind).bind(of_kind).fetch_optional(self).await?)
    }
}
