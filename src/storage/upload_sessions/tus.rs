//! The tus protocol: bytes in order, from where the upload is.

use std::collections::HashMap;

use bytes::Bytes;
use futures::Stream;
use lfs::parts::tus::{Headers, TusError};

use super::{UploadSession, gone};
use crate::error::{Kind, Result};
use crate::storage::stores::Store;
use crate::storage::{Storage, counted};

impl Storage {
    /// Returns how many bytes of an upload have been received in order.
    pub async fn offset(&self, session: &UploadSession) -> Result<u64> {
        if session.is_finished() {
            return Ok(session.size());
        }
        let offset = self.offset_in_store(session).await?;
        if offset == session.size() {
            // git-lfs treats this as a complete upload and sends no further request.
            self.finish_upload(session).await?;
        }
        Ok(offset)
    }

    async fn offset_in_store(&self, session: &UploadSession) -> Result<u64> {
        if let Store::Folder(folder) = self.0.stores.named(&session.row.store)? {
            return Ok(folder.offset(&session.raw_id()?).await?);
        }
        let stored = self.stored_parts(session).await?.ok_or_else(gone)?;
        let sizes: HashMap<u32, u64> = stored.iter().map(|part| (part.number, part.size)).collect();
        let whole = session.plan.parts().take_while(|part| sizes.get(&part.number) == Some(&part.size));
        Ok(whole.map(|part| part.size).sum())
    }

    /// Receives bytes of an upload, and returns the new offset.
    pub async fn append<S, E>(
        &self,
        session: &UploadSession,
        headers: &Headers<'_>,
        body: S,
    ) -> Result<std::result::Result<u64, TusError>>
    where
        S: Stream<Item = Result<Bytes, E>> + Unpin + Send,
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let offset = self.offset(session).await?;
        let patch = match headers.patch(offset, session.size()) {
            Ok(patch) => patch,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let place = self.place()?;
        let renewing = self.renew(session);
        let body = counted(body);
        let reached = match self.0.stores.named(&session.row.store)? {
            Store::Folder(folder) => {
                folder.append(&session.raw_id()?, patch.offset, session.size(), patch.checksum, body).await
            }
            Store::Bucket(bucket) => {
                self.send_parts(bucket, session, patch.offset, patch.checksum.as_ref(), body).await?
            }
        };
        drop((place, renewing));
        let offset = match reached {
            Ok(offset) => offset,
            Err(lfs::Error::WrongChecksum) => return Ok(Err(TusError::Checksum)),
            Err(lfs::Error::WrongOffset { claimed, actual }) => return Ok(Err(TusError::Offset { claimed, actual })),
            Err(error) => return Err(error.into()),
        };
        if offset == session.size() {
            match self.finish_upload(session).await {
                // Hashing continues; a later request for the object waits for it.
                Err(error) if error.kind() == Kind::Unavailable => {}
                finished => drop(finished?),
            }
        }
        Ok(Ok(offset))
    }
}
