//! Work accounting: counts what a request reads, and stops reads that are cancelled or time out.

use std::{
    cell::Cell,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use crate::{Error, Result};

/// Cost of reading one object, where looking at one tree entry costs 1.
const OBJECT: u64 = 32;

/// Number of file bytes that cost as much as one tree entry.
const BYTES: u64 = 1024;

tokio::task_local! {
    static CURRENT: Effort;
}

/// Counts the work of all readers of one request, in tree entries looked at; reading one object costs as much
/// as 32 entries. Clones share the counter.
#[derive(Debug, Clone, Default)]
pub struct Effort(Arc<AtomicU64>);

impl Effort {
    /// Counts the work of all readers that `work` uses in the same task.
    pub async fn scope<F: Future>(&self, work: F) -> F::Output {
        CURRENT.scope(self.clone(), work).await
    }

    /// Returns the work counted so far.
    pub fn spent(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    fn current() -> Self {
        CURRENT.try_with(Clone::clone).unwrap_or_default()
    }
}

/// Stops a reader early if the caller is gone or the time limit has passed.
#[derive(Debug, Clone, Default)]
pub(crate) struct Watch {
    effort: Effort,
    is_abandoned: Arc<AtomicBool>,
    until: Option<(Instant, Duration)>,
}

impl Watch {
    /// Creates a watch for work started by the current task, with an optional time limit.
    pub(crate) fn new(limit: Option<Duration>) -> Self {
        let until = limit.map(|limit| (Instant::now() + limit, limit));
        Self { effort: Effort::current(), is_abandoned: Arc::default(), until }
    }

    /// Returns a guard that the caller holds while it waits for the work; dropping it cancels the work.
    pub(crate) fn waiting(&self) -> Waiting {
        Waiting(Arc::clone(&self.is_abandoned))
    }

    /// Checks whether to go on.
    ///
    /// # Errors
    ///
    /// [`Error::Busy`] if the caller is gone, [`Error::TooLarge`] if the time limit has passed.
    pub(crate) fn check(&self) -> Result<()> {
        if self.is_abandoned.load(Ordering::Relaxed) {
            return Err(Error::Busy("the client closed the connection".to_owned()));
        }
        match self.until {
            Some((until, limit)) if Instant::now() > until => {
                let seconds = limit.as_secs();
                Err(Error::TooLarge(format!(
                    "the request takes more than {seconds} seconds; request less data at a time"
                )))
            }
            _ => Ok(()),
        }
    }
}

/// Guard that keeps the work running. See [`Watch::waiting`].
#[derive(Debug)]
pub(crate) struct Waiting(Arc<AtomicBool>);

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Counts the work of one reader, and adds it to the effort of its request when dropped.
#[derive(Debug, Default)]
pub(crate) struct Meter {
    watch: Watch,
    spent: Cell<u64>,
}

impl Meter {
    pub(crate) fn new(watch: Watch) -> Self {
        Self { watch, spent: Cell::new(0) }
    }

    /// Returns the watch, for another reader of the same work.
    pub(crate) fn watch(&self) -> Watch {
        self.watch.clone()
    }

    /// Counts an object that is about to be read.
    pub(crate) fn object(&self) -> Result<()> {
        self.add(OBJECT);
        self.watch.check()
    }

    /// Counts tree entries that were looked at.
    pub(crate) fn entries(&self, count: usize) {
        self.add(count as u64);
    }

    /// Counts the bytes of a file.
    pub(crate) fn bytes(&self, count: u64) {
        self.add(count / BYTES);
    }

    /// See [`Watch::check`].
    pub(crate) fn check(&self) -> Result<()> {
        self.watch.check()
    }

    fn add(&self, cost: u64) {
        self.spent.set(self.spent.get().saturating_add(cost));
    }
}

impl Drop for Meter {
    fn drop(&mut self) {
        self.watch.effort.0.fetch_add(self.spent.get(), Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_readers_do_is_counted_for_the_request_that_asked() {
        let effort = Effort::default();
        effort
            .scope(async {
                let meter = Meter::new(Watch::new(None));
                meter.object().unwrap();
                meter.entries(3);
                meter.bytes(2048);
            })
            .await;
        Meter::new(Watch::new(None)).entries(1000);
        assert_eq!(effort.spent(), 32 + 3 + 2);
    }

    #[test]
    fn work_ends_when_the_client_is_gone_or_the_time_is_up() {
        let watch = Watch::new(None);
        let waiting = watch.waiting();
        assert!(watch.check().is_ok());
        drop(waiting);
        assert!(matches!(watch.check(), Err(Error::Busy(_))));
        assert!(matches!(Watch::new(Some(Duration::ZERO)).check(), Err(Error::TooLarge(_))));
    }
}
