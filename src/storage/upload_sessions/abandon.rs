//! Uploads that do not complete: cancelled, expired, or interrupted.

use lfs::store::{Key, PartsId};

use super::UploadSession;
use crate::db::upload_sessions::UploadSessionRow;
use crate::error::Result;
use crate::storage::Storage;
use crate::storage::stores::Store;
use crate::types::Millis;

impl Storage {
    /// Cancels an upload.
    pub async fn abandon_upload_session(&self, session: &UploadSession) -> Result<()> {
        self.discard_upload_session(&session.row.store, session.raw_id()?, session.remote()?).await?;
        let mut tx = self.0.db.write().await?;
        tx.delete_upload_session(session.id()).await?;
        tx.commit().await
    }

    /// Cancels an upload, unless it has been resumed since its row was read. Returns true if it was cancelled.
    pub(in crate::storage) async fn abort_upload_session(&self, row: UploadSessionRow) -> Result<bool> {
        let mut tx = self.0.db.write().await?;
        let is_idle = tx.remove_idle_upload_session(&row.id, row.expires_at).await?;
        tx.commit().await?;
        if is_idle {
            let session = UploadSession::of(row)?;
            if let Err(error) =
                self.discard_upload_session(&session.row.store, session.raw_id()?, session.remote()?).await
            {
                tracing::warn!(%error, upload = session.id(), "cannot delete upload parts; the next sweep retries");
            }
        }
        Ok(is_idle)
    }

    pub(super) async fn discard_upload_session(
        &self,
        store: &str,
        id: [u8; 16],
        remote: Option<PartsId>,
    ) -> Result<()> {
        match self.0.stores.named(store)? {
            Store::Folder(folder) => folder.discard(&id).await?,
            Store::Bucket(bucket) => {
                let staged = Key::staging(id);
                if let Some(remote) = remote {
                    bucket.abort_parts(&staged, &remote).await?;
                }
                bucket.remove(&staged).await?;
            }
        }
        Ok(())
    }

    /// Cancels expired uploads. Returns their number.
    pub(in crate::storage) async fn sweep_upload_sessions(&self, now: Millis) -> Result<usize> {
        let mut swept = 0;
        loop {
            let expired = self.0.db.read().await?.expired_upload_sessions(now, 100).await?;
            let before = swept;
            for row in expired {
                let session = UploadSession::of(row)?;
                match self.abandon_upload_session(&session).await {
                    Ok(()) => swept += 1,
                    // Its store may be down; the others need not wait.
                    Err(error) => {
                        tracing::warn!(%error, upload = session.id(), "cannot cancel an upload; the next sweep retries");
                    }
                }
            }
            if swept == before {
                return Ok(swept);
            }
        }
    }
}

/// Deletes what a request has stored when it ends, whether it succeeds or fails.
pub(super) struct CleanupGuard {
    pub(super) storage: Storage,
    pub(super) store: String,
    pub(super) id: [u8; 16],
    pub(super) remote: Option<PartsId>,
}

impl Drop for CleanupGuard {
    fn drop(&mut self) {
        let (storage, store, id, remote) =
            (self.storage.clone(), std::mem::take(&mut self.store), self.id, self.remote.take());
        tokio::spawn(async move {
            if let Err(error) = storage.discard_upload_session(&store, id, remote).await {
                tracing::warn!(%error, "cannot delete the remains of an upload; the next sweep retries");
            }
        });
    }
}
