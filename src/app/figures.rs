//! Figures that are looked up now and then, where others are counted as things happen.

use std::time::Duration;

use metastore::CacheStats;
use tokio_util::sync::CancellationToken;

use super::App;
use crate::error::{Error, Result};

/// How old these figures may be.
const AGE: Duration = Duration::from_secs(5);

impl App {
    /// Keeps the figures up to date, until it is told to stop: whoever asks for them, however often, keeps nobody busy.
    pub async fn observe(&self, stop: CancellationToken) {
        let mut failing = false;
        loop {
            let looked = tokio::time::timeout(AGE, self.look());
            match looked.await.unwrap_or_else(|_| Err(Error::unavailable("the database does not answer in time"))) {
                Ok(()) => failing = false,
                Err(error) if !failing => {
                    tracing::warn!(%error, "some figures could not be brought up to date");
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
        observe_cache(&self.drive.engine().cache_stats());
        self.db.observe();
        self.worker.observe().await
    }
}

/// The cache counts by itself, for it knows no figures of ours.
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
    #[expect(clippy::cast_precision_loss, reason = "no cache has 2^53 bytes")]
    metrics::gauge!("rutter_git_cache_bytes").set(stats.bytes as f64);
}
