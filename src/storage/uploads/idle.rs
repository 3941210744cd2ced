//! Idle uploads are cancelled to make room for others.

use std::time::Duration;

use lfs::sign::Step;
use tokio_util::task::AbortOnDropHandle;

use super::Upload;
use crate::db::datasets::DatasetRow;
use crate::error::Result;
use crate::storage::Storage;
use crate::types::Id;

/// Number of uploads of each kind that are cancelled at a time.
const PAGE: i64 = 100;

impl Storage {
    /// Cancels idle uploads to an owner's datasets: those for which all URLs have expired since the last step.
    /// `instead` is an actor and a path of this dataset: an upload by the same actor to the same path is replaced by
    /// the new one. Returns the number of cancelled uploads.
    pub(in crate::storage) async fn abort_idle(
        &self,
        dataset: &DatasetRow,
        instead: Option<(&str, &str)>,
    ) -> Result<usize> {
        let now = self.0.clock.now();
        let mut given_up = self.sweep_direct(now).await?;
        // Each step sets the expiry to one whole lifetime from then.
        let urls = Duration::from_secs(u64::from(self.0.lifetime));
        let before = now.plus(self.0.upload_lifetime).minus(urls);
        let owner = dataset.owner_id;
        let uploads = self.0.db.read().await?.idle_uploads(owner, before, PAGE).await?;
        for row in uploads {
            let mut tx = self.0.db.write().await?;
            let is_idle = tx.remove_idle_upload(&row.id, before).await?;
            tx.commit().await?;
            if is_idle {
                given_up += 1;
                let upload = Upload::new(row, Step::Abort)?;
                if let Err(error) = self.discard(&upload).await {
                    tracing::warn!(%error, upload = upload.row.id, "cannot delete upload parts; the next sweep retries");
                }
            }
        }
        let (actor, path) = instead.unwrap_or_default();
        let sessions =
            self.0.db.read().await?.idle_upload_sessions(owner, before, (dataset.id, actor, path), PAGE).await?;
        for row in sessions {
            given_up += usize::from(self.abort_upload_session(row).await?);
        }
        Ok(given_up)
    }

    /// Keeps an upload from expiring for as long as its bytes arrive, which may take longer than its URLs are valid.
    /// Stops when the returned handle is dropped.
    pub(super) fn renew(&self, upload: &Upload) -> AbortOnDropHandle<()> {
        let (storage, repo, oid) = (self.clone(), upload.row.repo_id, upload.row.oid.clone());
        let pause = Duration::from_secs(u64::from(self.0.lifetime)) / 2;
        AbortOnDropHandle::new(tokio::spawn(async move {
            loop {
                tokio::time::sleep(pause).await;
                if let Err(error) = storage.renew_now(repo, &oid).await {
                    tracing::warn!(%error, %oid, "cannot extend an upload in progress");
                }
            }
        }))
    }

    async fn renew_now(&self, repo: Id, oid: &str) -> Result<()> {
        let mut tx = self.0.db.write().await?;
        tx.resume_upload(repo, oid, self.0.clock.now().plus(self.0.upload_lifetime)).await?;
        tx.commit().await
    }
}
