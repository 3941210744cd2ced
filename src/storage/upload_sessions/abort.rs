//! Uploads that do not complete: cancelled, expired, idle or interrupted.

use std::time::Duration;

use tokio_util::task::AbortOnDropHandle;

use super::UploadSession;
use crate::db::datasets::DatasetRow;
use crate::error::Result;
use crate::storage::Storage;
use crate::storage::stores::Store;
use crate::types::Millis;

/// Number of uploads that are read at a time.
const PAGE: i64 = 100;

/// An upload is extended at most this often.
const EXTENSION_INTERVAL: Duration = Duration::from_secs(60);

impl Storage {
    /// Cancels an upload.
    pub async fn abort_upload(&self, session: &UploadSession) -> Result<()> {
        self.abort(session, Millis::MAX).await.map(drop)
    }

    /// Cancels an upload, unless it was extended beyond a given time. Returns true if nothing is left of it: if its
    /// bytes cannot be deleted now, the sweep tries again.
    pub(super) async fn abort(&self, session: &UploadSession, unless_after: Millis) -> Result<bool> {
        let mut tx = self.0.db.write().await?;
        let is_marked = tx.abort_upload_session(session.id(), unless_after).await?;
        tx.commit().await?;
        if !is_marked {
            return Ok(false);
        }
        if let Err(error) = self.discard(session).await {
            tracing::warn!(%error, upload = session.id(), "cannot delete the bytes of an upload; the next sweep retries");
            return Ok(false);
        }
        let mut tx = self.0.db.write().await?;
        tx.delete_upload_session(session.id()).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// Deletes the bytes of an upload, unless they are an object.
    pub(super) async fn discard(&self, session: &UploadSession) -> Result<()> {
        let bucket = match self.0.stores.named(&session.row.store)? {
            Store::Folder(folder) => return Ok(folder.discard(&session.raw_id()?).await?),
            // What is still at a staging key was sent after the object was copied from it.
            Store::Bucket(_) if session.is_finished() && !session.is_direct() => return Ok(()),
            Store::Bucket(bucket) => bucket,
        };
        let key = session.key(bucket)?;
        if let Some(remote) = session.remote()? {
            bucket.abort_parts(&key, &remote).await?;
        }
        if key.is_staging() || !self.without_rows(&session.row.store, vec![(key.clone(), ())]).await?.is_empty() {
            bucket.remove(&key).await?;
        }
        Ok(())
    }

    /// Cancels expired uploads, and deletes what is left of cancelled ones. Returns their number.
    pub(in crate::storage) async fn sweep_uploads(&self) -> Result<usize> {
        let mut swept = 0;
        loop {
            let page = self.0.db.read().await?.expired_upload_sessions(self.0.clock.now(), PAGE).await?;
            let before = swept;
            for row in page {
                let unless_after = row.expires_at;
                swept += usize::from(self.abort(&UploadSession::of(row)?, unless_after).await?);
            }
            if swept == before {
                return Ok(swept);
            }
        }
    }

    /// Cancels idle uploads to an owner's datasets: those for which all URLs have expired since the last step.
    /// One of the same actor to the same path as the new file `instead` is replaced by it. Returns the number of cancelled uploads.
    pub(in crate::storage) async fn abort_idle(
        &self,
        dataset: &DatasetRow,
        instead: Option<&UploadSession>,
    ) -> Result<usize> {
        let now = self.0.clock.now();
        // Each step sets the expiry to one whole lifetime from then.
        let urls = Duration::from_secs(u64::from(self.0.lifetime));
        let before = now.plus(self.0.upload_lifetime).minus(urls);
        let (actor, path) = instead.map(|new| (&*new.row.actor, new.path())).unwrap_or_default();
        let mut tx = self.0.db.read().await?;
        let idle = tx.idle_upload_sessions(dataset.owner_id, (before, now), (dataset.id, actor, path), PAGE).await?;
        drop(tx);
        let mut aborted = 0;
        for row in idle {
            let unless_after = row.expires_at;
            aborted += usize::from(self.abort(&UploadSession::of(row)?, unless_after).await?);
        }
        Ok(aborted)
    }

    /// Keeps an upload from expiring, now that some of its bytes have arrived.
    pub(super) async fn extend(&self, session: &UploadSession) -> Result<()> {
        let expires_at = self.expiry(session.row.kind);
        if session.row.expires_at > expires_at.minus(EXTENSION_INTERVAL) {
            return Ok(());
        }
        let mut tx = self.0.db.write().await?;
        tx.extend_upload_session(session.id(), expires_at).await?;
        tx.commit().await
    }

    /// Keeps an upload from expiring for as long as its bytes arrive, which may take longer than its URLs are valid.
    /// Stops when the returned handle is dropped.
    pub(super) fn renew(&self, session: &UploadSession) -> AbortOnDropHandle<()> {
        let (storage, session) = (self.clone(), session.clone());
        let pause = Duration::from_secs(u64::from(self.0.lifetime)) / 2;
        AbortOnDropHandle::new(tokio::spawn(async move {
            loop {
                tokio::time::sleep(pause).await;
                if let Err(error) = storage.extend(&session).await {
                    tracing::warn!(%error, upload = session.id(), "cannot extend an upload in progress");
                }
            }
        }))
    }
}

/// Deletes what a request has stored when it ends, whether it succeeds or fails.
pub(super) struct CleanupGuard {
    pub(super) storage: Storage,
    pub(super) session: UploadSession,
}

impl Drop for CleanupGuard {
    fn drop(&mut self) {
        let (storage, session) = (self.storage.clone(), self.session.clone());
        tokio::spawn(async move {
            if let Err(error) = storage.discard(&session).await {
                tracing::warn!(%error, "cannot delete the remains of an upload; the next sweep retries");
            }
        });
    }
}
