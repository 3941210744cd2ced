//! Files by path: their SHA-256 need not be known before they are uploaded.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use futures::{Stream, TryStreamExt as _};
use lfs::{LocalStore, Oid, Pointer};
use sha2::{Digest as _, Sha256};

use super::UploadSession;
use super::abort::CleanupGuard;
use super::body::ended_early;
use super::finish::mismatch;
use crate::access::{Grant, Write};
use crate::error::{Error, Result};
use crate::storage::stores::Store;
use crate::storage::{Storage, counted};
use crate::types::{Id, UploadKind};

/// Maximum number of uploads of files in progress per actor and dataset.
const MAX_OPEN_FILES: i64 = 1000;

impl Storage {
    /// Stores a file of `size` bytes. It becomes an object of the dataset only once all of its bytes have arrived.
    ///
    /// # Errors
    /// Full if a quota is exceeded or the disk is full; too large; malformed if the body ends early; invalid if it is
    /// longer than announced.
    pub async fn keep<S, E>(&self, grant: &Grant<Write>, size: u64, body: S) -> Result<Pointer>
    where
        S: Stream<Item = Result<Bytes, E>> + Unpin + Send,
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        self.expect_size(size)?;
        let session = UploadSession::of_file(grant.dataset(), size);
        self.expect_room(&session.arrival(Oid::EMPTY, String::new()), false).await?;
        let _place = self.place()?;
        let (oid, size) = self.store_whole(session, None, counted(body)).await?;
        Ok(Pointer::new(oid, size))
    }

    /// Stores the bytes of an upload that is not recorded, as an object of the dataset or as a xorb, if its SHA-256 is the
    /// expected one. Returns its SHA-256 and its size in bytes. The error of a body is returned as it is.
    ///
    /// # Errors
    /// As for [`Storage::keep`]; invalid for another SHA-256.
    pub(in crate::storage) async fn store_whole<S, E>(
        &self,
        mut session: UploadSession,
        expected: Option<Oid>,
        body: S,
    ) -> Result<(Oid, u64)>
    where
        S: Stream<Item = Result<Bytes, E>> + Unpin + Send,
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let bucket = match self.0.stores.named(&session.row.store)? {
            Store::Folder(folder) => return self.store_in_folder(folder, session, expected, body).await,
            Store::Bucket(bucket) => bucket,
        };
        let hasher = Arc::new(Mutex::new(Sha256::new()));
        let hashing = Arc::clone(&hasher);
        let body = body.inspect_ok(move |block| {
            hashing.lock().unwrap_or_else(PoisonError::into_inner).update(block);
        });
        self.create_parts(&mut session).await?;
        // Deleted at the end of the request, however it ends: an incomplete file is of no use.
        let _cleanup = CleanupGuard { storage: self.clone(), session: session.clone() };
        let reached = self.send_parts(bucket, &session, 0, None, body).await??;
        if !session.sizes().contains(&reached) {
            return Err(ended_early());
        }
        session.set_size(reached)?;
        let oid = Oid::from_bytes(hasher.lock().unwrap_or_else(PoisonError::into_inner).clone().finalize().into());
        if let Some(expected) = expected.filter(|expected| *expected != oid) {
            return Err(mismatch(&expected));
        }
        session.row.oid = Some(oid.to_string());
        Ok((self.finish_in_store(&session).await?, reached))
    }

    async fn store_in_folder<S, E>(
        &self,
        folder: &LocalStore,
        mut session: UploadSession,
        expected: Option<Oid>,
        body: S,
    ) -> Result<(Oid, u64)>
    where
        S: Stream<Item = Result<Bytes, E>> + Unpin + Send,
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let most = session.size();
        let stored = match expected {
            Some(oid) => folder.put(&oid, most, body).await.map(|()| (oid, most)),
            None => folder.add(session.sizes(), body).await,
        };
        let (oid, size) = stored.map_err(|error| match error {
            lfs::Error::WrongHash { expected, .. } => mismatch(&expected),
            lfs::Error::WrongSize { actual, .. } if actual < most => ended_early(),
            error => error.into(),
        })?;
        session.set_size(size)?;
        self.record_in_folder(folder, session.arrival(oid, String::new()), None).await?;
        Ok((oid, size))
    }

    /// Starts an upload of a file in parts. `promised` is its oid, if the client knows it.
    ///
    /// # Errors
    /// Full if a quota is exceeded; too large; busy if the actor has too many uploads in progress.
    pub async fn begin_file(&self, grant: &Grant<Write>, size: u64, promised: Option<Oid>) -> Result<UploadSession> {
        let dataset = grant.dataset();
        let path = grant.path().ok_or_else(|| Error::invalid("the path of a file is required"))?;
        if size == 0 {
            return Err(Error::invalid(
                "an empty file cannot be uploaded in parts; upload it with a single PUT request",
            ));
        }
        self.expect_size(size)?;
        let mut session = UploadSession::new(UploadKind::File, dataset.id, &dataset.store, size);
        session.row.actor = grant.actor().key();
        session.row.path = path.to_string();
        session.row.oid = promised.map(|oid| oid.to_string());
        if self.0.db.read().await?.open_files(dataset.id, &session.row.actor).await? >= MAX_OPEN_FILES {
            return Err(Error::busy("too many uploads in progress; complete or cancel some"));
        }
        let started = self.start(dataset, session).await?;
        started.ok_or_else(|| Error::internal("a new upload of a file was found to be another one"))
    }

    /// Finds the upload of a file by its id; only for the actor who started it. The caller must check that the actor
    /// can still write to its path.
    ///
    /// # Errors
    /// Not found.
    pub async fn upload_of_file(&self, repo: Id, actor: &str, id: &str) -> Result<UploadSession> {
        let row = self.0.db.read().await?.upload_session(id).await?;
        let row = row.filter(|row| row.kind == UploadKind::File && row.repo_id == repo && row.actor == actor);
        UploadSession::of(row.ok_or_else(|| Error::not_found("upload not found, or it has ended; start it again"))?)
    }

    /// Records the revision that contains the file of an upload.
    pub async fn set_upload_revision(&self, session: &UploadSession, revision: &str) -> Result<()> {
        let mut tx = self.0.db.write().await?;
        tx.set_upload_session_revision(session.id(), revision).await?;
        tx.commit().await
    }

    /// Checks the size of a file.
    pub(in crate::storage) fn expect_size(&self, size: u64) -> Result<()> {
        match self.0.object_bytes {
            Some(most) if size > most => Err(Error::too_large(format!(
                "the file has {size} bytes, but the limit is {most} bytes; split it, or ask the operator for more"
            ))),
            _ => Ok(()),
        }
    }
}
