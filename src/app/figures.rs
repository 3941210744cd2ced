//! Figures that are looked up now and then, where others are counted as things happen.

use std::time::Duration;

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
        self.db.observe();
        self.worker.observe().await
    }
}
