//! LFS objects in parts: the common part of all LFS transfer protocols.

use std::borrow::Borrow;
use std::collections::HashMap;

use futures::{StreamExt as _, TryStreamExt as _, stream};
use lfs::Oid;
use lfs::batch::Completion;
use lfs::batch::{RequestedObject, StartedUpload};
use lfs::parts::StoredPart;
use lfs::sign::{SignError, SignedUploadClaim, Step};
use lfs::store::{CloudStore, SignedUrl, UrlSigner};

use super::UploadSession;
use crate::clock;
use crate::db::datasets::DatasetRow;
use crate::error::{Error, Result};
use crate::retry::retry_on_conflict;
use crate::storage::stores::Store;
use crate::storage::{Storage, Urls};
use crate::types::{Id, Millis, UploadKind};

/// Number of uploads that one batch starts concurrently.
const BEGIN_CONCURRENCY: usize = 8;

/// Number of attempts to start an upload that another request starts too.
const BEGIN_ATTEMPTS: u32 = 3;

/// An upload that a batch has started or resumed, with what the response says of it.
pub(in crate::storage) struct BegunUpload {
    pub(in crate::storage) session: UploadSession,
    pub(in crate::storage) started: StartedUpload,
}

impl BegunUpload {
    /// Returns the query of its URLs other than those of its steps.
    pub(in crate::storage) fn query(&self) -> String {
        format!("upload={}", hex::encode(self.started.upload))
    }
}

impl Borrow<StartedUpload> for BegunUpload {
    fn borrow(&self) -> &StartedUpload {
        &self.started
    }
}

impl UploadSession {
    /// Returns the presigned URL of a part in the bucket.
    pub(in crate::storage) fn part_url(
        &self,
        bucket: &CloudStore,
        signer: &UrlSigner<'_>,
        step: Step,
    ) -> Option<SignedUrl> {
        let Step::Part(number) = step else { return None };
        Some(signer.part(&self.key(bucket).ok()?, &self.remote().ok()??, number))
    }
}

impl Storage {
    /// Starts uploads of LFS objects in parts, or resumes existing ones.
    pub(in crate::storage) async fn begin_objects(
        &self,
        dataset: &DatasetRow,
        store: &str,
        wanted: &[(Oid, u64)],
        objects: &[RequestedObject],
    ) -> Result<HashMap<Oid, BegunUpload>> {
        let begun = stream::iter(wanted.iter().copied().map(|(oid, size)| async move {
            let (session, stored) = self.begin_object(dataset, store, oid, size).await?;
            let asked = objects.iter().find(|object| object.wanted.as_ref().is_ok_and(|wanted| wanted.0 == oid));
            let want_digest = match self.0.stores.named(store)? {
                Store::Folder(_) => asked.and_then(|object| object.want_digest),
                // Presigned part URLs do not cover the digest, so it would not be checked.
                Store::Bucket(_) => None,
            };
            let started = StartedUpload { upload: session.raw_id()?, plan: session.plan, stored, want_digest };
            Ok::<_, Error>((oid, BegunUpload { session, started }))
        }));
        begun.buffer_unordered(BEGIN_CONCURRENCY).try_collect().await
    }

    async fn begin_object(
        &self,
        dataset: &DatasetRow,
        store: &str,
        oid: Oid,
        size: u64,
    ) -> Result<(UploadSession, Vec<StoredPart>)> {
        retry_on_conflict(BEGIN_ATTEMPTS, || async {
            let mut tx = self.0.db.write().await?;
            let known = tx.resume_upload(dataset.id, &oid.to_string(), self.expiry(UploadKind::Parts)).await?;
            tx.commit().await?;
            if let Some(row) = known {
                let session = UploadSession::of(row)?;
                // `None`: the store no longer knows the upload.
                if session.size() == size
                    && session.row.store == store
                    && let Some(stored) = self.stored_parts(&session).await?
                {
                    return Ok(Some((session, stored)));
                }
                self.abort(&session, Millis::MAX).await?;
            }
            let mut session = UploadSession::new(UploadKind::Parts, dataset.id, store, size);
            session.row.oid = Some(oid.to_string());
            session.row.place = hex::encode(clock::random::<8>());
            // `None`: another request started the same upload at the same moment.
            Ok(self.start(dataset, session).await?.map(|session| (session, Vec::new())))
        })
        .await
    }

    /// Creates a signed URL for a step of an upload of an object.
    pub(in crate::storage) fn upload_url(
        &self,
        urls: &Urls<'_>,
        step: Step,
        upload: &StartedUpload,
        size: u64,
    ) -> String {
        let ticket = SignedUploadClaim {
            step,
            repository: *urls.repo.as_bytes(),
            upload: upload.upload,
            size,
            expires: urls.expires,
        };
        format!("{}/_lfs/uploads/{}", urls.base, self.0.signer.seal_upload(&ticket, ""))
    }

    /// Verifies a signed URL. Returns the upload of the object and the step that the URL permits.
    ///
    /// # Errors
    /// Forbidden for a forged or expired token; not found if the upload has ended.
    pub async fn upload_of_object(&self, token: &str) -> Result<(UploadSession, Step)> {
        let opened = self.0.signer.open_upload(token, "", self.0.clock.now().seconds());
        let ticket = opened.map_err(|error| match error {
            SignError::Expired => Error::forbidden("this URL has expired; request a new one from the batch API"),
            SignError::Malformed | SignError::Forged => Error::forbidden("invalid signed URL; request a new one"),
        })?;
        let repo = Id::from_bytes(ticket.repository);
        Ok((self.upload_by_id(repo, &hex::encode(ticket.upload)).await?, ticket.step))
    }

    /// Finds the upload of an object by its id.
    pub(super) async fn upload_by_id(&self, repo: Id, id: &str) -> Result<UploadSession> {
        let row = self.0.db.read().await?.upload_session(id).await?;
        let row = row.filter(|row| row.kind != UploadKind::File && row.repo_id == repo);
        UploadSession::of(row.ok_or_else(ended)?)
    }

    /// Completes an upload of an object whose parts have all been uploaded. Idempotent.
    ///
    /// # Errors
    /// Invalid if the client completes another object; otherwise as for [`Storage::finish_upload`].
    pub async fn commit_upload(&self, session: &UploadSession, completion: &Completion) -> Result<()> {
        let oid = session.oid()?.unwrap_or(Oid::EMPTY);
        completion.expect(&oid, &session.plan).map_err(|error| Error::invalid(error.message))?;
        self.finish_upload(session).await.map(drop)
    }
}

pub(super) fn ended() -> Error {
    Error::not_found("this upload has ended; request the object from the batch API again")
}
