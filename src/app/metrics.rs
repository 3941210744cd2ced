//! Metrics that are polled; others are counted as events happen.

use std::time::Duration;

use metastore::CacheStats;
use tokio_util::sync::CancellationToken;

use super::App;
use crate::error::{Error, Result};

/// Interval of the updates, which is also their timeout.
const AGE: Duration = Duration::from_secs(5);

impl App {
    /// Updates the polled metrics until `stop` is cancelled. Scrapes, however frequent, cause no queries.
    pub async fn observe(&self, stop: CancellationToken) {
        let mut failing = false;
        loop {
            let looked = tokio::time::timeout(AGE, self.look());
            match looked.await.unwrap_or_else(|_| Err(Error::unavailable("the database timed out"))) {
                Ok(()) => failing = false,
                Err(error) if !failing => {
                    tracing::warn!(%error, "cannot update some metrics");
                    failing = true;
                }
                Err(_) => {}
            }
            if stop.run_until_cancelled(tokio::time::sleep(AGE)).await.is_none() {
                return;
            }
        }
    }

    async fn look(&self) -> Result<()> {
        observe_cache(&self.datasets.engine().cache_stats());
        self.db.observe();
        self.apps.observe_metrics().await?;
        self.worker.observe().await
    }
}

/// The cache keeps its own counters, since its crate does not depend on metrics.
fn observe_cache(stats: &CacheStats) {
    let asked = |what, outcome, number| {
        metrics::counter!("rutter_git_cache_total", "what" => what, "outcome" => outcome).absolute(number);
    };
    asked("snapshot", "hit", stats.snapshot_hits);
    asked("snapshot", "miss", stats.snapshot_misses);
    asked("snapshot", "rebuilt", stats.rebuilds);
    asked("pack", "hit", stats.pack_hits);
    asked("pack", "miss", stats.pack_misses);
    metrics::counter!("rutter_git_cache_downloaded_bytes_total").absolute(stats.downloaded_bytes);
    metrics::counter!("rutter_git_cache_evicted_bytes_total").absolute(stats.evicted_bytes);
    #[expect(clippy::cast_precision_loss, reason = "a cache has less than 2^53 bytes")]
    metrics::gauge!("rutter_git_cache_bytes").set(stats.bytes as f64);
}
