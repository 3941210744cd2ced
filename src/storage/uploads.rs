//! Multipart uploads: the common part of all LFS transfer protocols. Parts go to a local store through this server, or
//! directly to a bucket; the whole object is hashed before it becomes visible.

mod append;
mod idle;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use bytes::Bytes;
use futures::{Stream, StreamExt as _, TryStreamExt as _, stream};
use lfs::batch::{RequestedObject, StartedUpload};
use lfs::parts::tus::{Headers, TusError};
use lfs::parts::{Checksum, Completion, Plan, StoredPart};
use lfs::sign::{SignError, SignedClaim, SignedUploadClaim, Step, Verb};
use lfs::store::{CloudStore, Key, PartsId, SignedUrl, UrlSigner};
use lfs::{LocalStore, Oid};

use super::quota::Begins;
use super::stores::{self, Store};
use super::{Storage, Urls, counted};
use crate::clock;
use crate::db::datasets::DatasetRow;
use crate::db::objects::NewObject;
use crate::db::uploads::UploadRow;
use crate::db::usage::Reservation;
use crate::db::{oid, signed, unsigned};
use crate::error::{Error, Result};
use crate::retry::retry_on_conflict;
use crate::types::{Id, Millis};

/// Number of uploads that one batch starts concurrently.
const BEGIN_CONCURRENCY: usize = 8;

/// Number of attempts to start an upload that other requests start at the same time.
const START_ATTEMPTS: u32 = 3;

/// How long a request waits for hashing to finish; hashing continues without the request.
const FINISH_TIMEOUT: Duration = Duration::from_secs(25);

/// Locks by upload id, held while an upload is completed.
pub(super) type Turns = Mutex<HashMap<String, Weak<tokio::sync::Mutex<()>>>>;

/// A multipart upload, and the step that a signed URL permits.
pub struct Upload {
    row: UploadRow,
    oid: Oid,
    plan: Plan,
    step: Step,
}

impl Upload {
    fn new(row: UploadRow, step: Step) -> Result<Self> {
        let plan = Plan::with_part_size(unsigned(row.size), unsigned(row.part_bytes))?;
        Ok(Self { oid: oid(&row.oid)?, plan, step, row })
    }

    /// Returns the total size in bytes.
    pub fn size(&self) -> u64 {
        self.plan.size()
    }

    /// Returns when the upload expires, in seconds since the Unix epoch.
    pub fn expires(&self) -> u64 {
        self.row.expires_at.seconds()
    }

    /// Returns the presigned URL of a part in the bucket.
    pub(super) fn part_url(&self, bucket: &CloudStore, signer: &UrlSigner<'_>, step: Step) -> Option<SignedUrl> {
        let Step::Part(number) = step else { return None };
        Some(signer.part(&self.key(bucket).ok()?, &self.parts_id().ok()?, number))
    }

    fn id(&self) -> Result<[u8; 16]> {
        let id = hex::decode(&self.row.id).ok().and_then(|id| id.try_into().ok());
        id.ok_or_else(|| Error::internal("the id of an upload is corrupt in the database"))
    }

    /// Returns the object that it becomes in a local store.
    fn arrival(&self) -> NewObject {
        let UploadRow { repo_id: repo, store, .. } = &self.row;
        NewObject { repo: *repo, oid: self.oid, size: self.size(), store: store.clone(), place: String::new() }
    }

    fn reservation(&self) -> Reservation {
        Reservation::Upload(self.row.id.clone())
    }

    fn parts_id(&self) -> Result<PartsId> {
        Ok(self.row.remote.parse()?)
    }

    /// Returns the key under which the bucket assembles the parts.
    fn key(&self, bucket: &CloudStore) -> Result<Key> {
        if bucket.completed_parts_stay() {
            stores::key(&self.oid, &self.row.place)
        } else {
            Ok(Key::staging(self.id()?))
        }
    }
}

impl Storage {
    /// Starts uploads, or resumes existing ones.
    pub(super) async fn begin_uploads(
        &self,
        dataset: &DatasetRow,
        store: &str,
        wanted: &[(Oid, u64)],
        objects: &[RequestedObject],
    ) -> Result<HashMap<Oid, (Upload, StartedUpload)>> {
        let begun = stream::iter(wanted.iter().copied().map(|(oid, size)| async move {
            let (upload, stored) = self.begin_upload(dataset, store, oid, size).await?;
            let asked = objects.iter().find(|object| object.wanted.as_ref().is_ok_and(|wanted| wanted.0 == oid));
            let want_digest = match self.0.stores.named(store)? {
                Store::Folder(_) => asked.and_then(|object| object.want_digest),
                // Presigned part URLs do not cover the digest, so it would not be checked.
                Store::Bucket(_) => None,
            };
            let begun = StartedUpload { upload: upload.id()?, plan: upload.plan, stored, want_digest };
            Ok::<_, Error>((oid, (upload, begun)))
        }));
        begun.buffer_unordered(BEGIN_CONCURRENCY).try_collect().await
    }

    async fn begin_upload(
        &self,
        dataset: &DatasetRow,
        store: &str,
        oid: Oid,
        size: u64,
    ) -> Result<(Upload, Vec<StoredPart>)> {
        let repo = dataset.id;
        retry_on_conflict(START_ATTEMPTS, || async {
            let expires_at = self.0.clock.now().plus(self.0.upload_lifetime);
            let mut tx = self.0.db.write().await?;
            let known = tx.resume_upload(repo, &oid.to_string(), expires_at).await?;
            tx.commit().await?;
            if let Some(row) = known {
                let upload = Upload::new(row, Step::Commit)?;
                if upload.size() == size && upload.row.store == store {
                    match self.stored_parts(&upload).await {
                        Ok(Some(stored)) => return Ok(Some((upload, stored))),
                        // The store no longer knows the upload.
                        Ok(None) => {}
                        Err(error) => return Err(error),
                    }
                }
                self.abandon(&upload).await?;
            }
            let id = clock::random::<16>();
            self.expect_upload(dataset, Begins::Object(oid, size), None).await?;
            let plan = Plan::new(size);
            let place = clock::random::<8>();
            let mut row = UploadRow {
                id: hex::encode(id),
                repo_id: repo,
                oid: oid.to_string(),
                size: signed(size),
                store: store.to_owned(),
                place: hex::encode(place),
                remote: String::new(),
                part_bytes: signed(plan.part_size()),
                expires_at,
                finished_at: None,
            };
            match self.0.stores.named(store)? {
                Store::Folder(folder) => folder.begin_parts(&id, size).await?,
                Store::Bucket(bucket) => {
                    let key = Upload::new(row.clone(), Step::Commit)?.key(bucket)?;
                    row.remote = bucket.begin_parts(&key).await?.to_string();
                }
            }
            let upload = Upload::new(row, Step::Commit)?;
            let recorded = self.record_upload(dataset, &upload).await;
            if !matches!(recorded, Ok(true)) {
                self.discard(&upload).await?;
            }
            // Not recorded if another request started the same upload at the same moment.
            Ok(recorded?.then_some((upload, Vec::new())))
        })
        .await
    }

    /// Records a new upload if the quota allows it. Returns false if an upload of the same object is already in
    /// progress.
    async fn record_upload(&self, dataset: &DatasetRow, upload: &Upload) -> Result<bool> {
        let mut tx = self.0.db.write().await?;
        tx.lock_usage(dataset.owner_id).await?;
        self.admit_upload(&mut tx, dataset, Begins::Object(upload.oid, upload.size())).await?;
        let inserted = tx.add_upload(&upload.row).await?;
        tx.commit().await?;
        Ok(inserted)
    }

    /// Returns the uploaded parts; `None` if the store does not know the upload.
    async fn stored_parts(&self, upload: &Upload) -> Result<Option<Vec<StoredPart>>> {
        match self.0.stores.named(&upload.row.store)? {
            Store::Folder(folder) => match folder.parts(&upload.id()?).await {
                Err(lfs::Error::UploadGone) => Ok(None),
                parts => Ok(Some(parts?)),
            },
            Store::Bucket(bucket) => {
                let parts = bucket.parts(&upload.key(bucket)?, &upload.parts_id()?).await?;
                Ok(parts.map(|parts| {
                    parts.iter().map(|part| StoredPart { number: part.number, size: part.size }).collect()
                }))
            }
        }
    }

    /// Creates a signed URL for a step of an upload.
    pub(super) fn upload_url(&self, urls: &Urls<'_>, step: Step, upload: &StartedUpload, size: u64) -> String {
        let ticket = SignedUploadClaim {
            step,
            repository: *urls.repo.as_bytes(),
            upload: upload.upload,
            size,
            expires: urls.expires,
        };
        format!("{}/_lfs/uploads/{}", urls.base, self.0.signer.seal_upload(&ticket, ""))
    }

    /// Verifies a signed URL of an upload.
    ///
    /// # Errors
    /// Forbidden for a forged or expired token; not found if the upload has ended.
    pub async fn upload(&self, token: &str) -> Result<Upload> {
        let opened = self.0.signer.open_upload(token, "", self.0.clock.now().seconds());
        let ticket = opened.map_err(|error| match error {
            SignError::Expired => Error::forbidden("this URL has expired; request a new one from the batch API"),
            SignError::Malformed | SignError::Forged => Error::forbidden("invalid signed URL; request a new one"),
        })?;
        let row = self.0.db.read().await?.upload(&hex::encode(ticket.upload)).await?;
        match row.filter(|row| row.repo_id == Id::from_bytes(ticket.repository)) {
            Some(row) => Upload::new(row, ticket.step),
            None => Err(Error::not_found("this upload has ended; request the object from the batch API again")),
        }
    }

    /// Receives a part for a local store. `length` is the `Content-Length` of the request.
    pub async fn receive_part<S, E>(
        &self,
        upload: &Upload,
        length: Option<u64>,
        checksum: Option<Checksum>,
        body: S,
    ) -> Result<()>
    where
        S: Stream<Item = Result<Bytes, E>> + Unpin + Send,
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let Step::Part(number) = upload.step else { return Err(wrong_step()) };
        let part = upload.plan.part(number).ok_or_else(|| Error::invalid("invalid part number; request new URLs"))?;
        if length.is_some_and(|length| length != part.size) {
            return Err(Error::invalid(format!(
                "Content-Length does not match the part's size of {} bytes; send exactly that many bytes",
                part.size
            )));
        }
        let _place = self.place()?;
        let _renewing = self.renew(upload);
        Ok(self.folder_of(upload)?.put_part(&upload.id()?, &part, checksum, counted(body)).await?)
    }

    fn folder_of(&self, upload: &Upload) -> Result<&LocalStore> {
        match self.0.stores.named(&upload.row.store)? {
            Store::Folder(folder) => Ok(folder),
            Store::Bucket(_) => Err(Error::forbidden("upload the parts to the bucket, with the URLs of the batch API")),
        }
    }

    /// Completes an upload whose parts have all been uploaded. Idempotent.
    ///
    /// # Errors
    /// Conflict if parts are missing; invalid if the bytes are not the promised object, in which case the upload is
    /// deleted; unavailable if hashing takes long: it continues in the background, so the client should retry.
    pub async fn commit_upload(&self, upload: &Upload, completion: &Completion) -> Result<()> {
        if upload.step != Step::Commit {
            return Err(wrong_step());
        }
        completion.expect(&upload.oid, &upload.plan).map_err(|error| Error::invalid(error.message))?;
        self.finish(&upload.row.id).await
    }

    /// Cancels an upload.
    pub async fn abort_upload(&self, upload: &Upload) -> Result<()> {
        if !matches!(upload.step, Step::Abort | Step::Tus) {
            return Err(wrong_step());
        }
        self.abandon(upload).await
    }

    pub(super) async fn finish(&self, id: &str) -> Result<()> {
        let (storage, id) = (self.clone(), id.to_owned());
        let turn = self.turn(&id);
        // Continues if the client disconnects.
        let work = tokio::spawn(crate::request::scope(crate::request::id(), async move {
            let _turn = turn.lock().await;
            storage.finish_now(&id).await
        }));
        match tokio::time::timeout(FINISH_TIMEOUT, work).await {
            Ok(done) => done.map_err(Error::internal)?,
            Err(_) => Err(Error::unavailable("the object is still being hashed; try again in a moment")),
        }
    }

    pub(super) fn turn(&self, id: &str) -> Arc<tokio::sync::Mutex<()>> {
        let mut turns = self.0.turns.lock().unwrap_or_else(PoisonError::into_inner);
        turns.retain(|_, turn| turn.strong_count() > 0);
        if let Some(turn) = turns.get(id).and_then(Weak::upgrade) {
            return turn;
        }
        let turn = Arc::default();
        turns.insert(id.to_owned(), Arc::downgrade(&turn));
        turn
    }

    async fn finish_now(&self, id: &str) -> Result<()> {
        let row = self.0.db.read().await?.upload(id).await?;
        let row =
            row.ok_or_else(|| Error::not_found("this upload has ended; request the object from the batch API again"))?;
        if row.finished_at.is_some() {
            return Ok(());
        }
        // The row protects the uploaded bytes: it must not expire while they are verified.
        let mut tx = self.0.db.write().await?;
        tx.resume_upload(row.repo_id, &row.oid, self.0.clock.now().plus(self.0.upload_lifetime)).await?;
        tx.commit().await?;
        let upload = Upload::new(row, Step::Commit)?;
        self.expect_room(&upload.arrival(), true).await?;
        let outcome = match self.0.stores.named(&upload.row.store)? {
            Store::Folder(folder) => self.finish_in_folder(folder, &upload).await,
            Store::Bucket(bucket) => self.finish_in_bucket(bucket, &upload).await,
        };
        let mut tx = self.0.db.write().await?;
        match &outcome {
            Ok(()) => tx.finish_upload(id, self.0.clock.now()).await?,
            // The content is wrong: none of it can be used.
            Err(error) if error.kind() == crate::error::Kind::Invalid => tx.remove_upload(id).await?,
            Err(_) => {}
        }
        tx.commit().await?;
        outcome
    }

    async fn finish_in_folder(&self, folder: &LocalStore, upload: &Upload) -> Result<()> {
        folder.finish(&upload.id()?, &upload.oid, &upload.plan).await?;
        self.record_in_folder(folder, upload.arrival(), Some(upload.reservation())).await
    }

    async fn finish_in_bucket(&self, bucket: &CloudStore, upload: &Upload) -> Result<()> {
        let key = upload.key(bucket)?;
        if let Some(parts) = bucket.parts(&key, &upload.parts_id()?).await? {
            let stored = parts.iter().map(|part| StoredPart { number: part.number, size: part.size });
            let missing = upload.plan.missing(stored).len();
            if missing == 0 {
                let wanted: Vec<_> = parts.into_iter().filter(|part| upload.plan.part(part.number).is_some()).collect();
                bucket.complete_parts(&key, &upload.parts_id()?, &wanted).await?;
            } else if bucket.stat(&key).await?.is_none_or(|found| found.size != upload.size()) {
                // Azure lists no parts of a completed upload, as after an attempt that failed later.
                return Err(Error::conflict(format!("{missing} parts are missing; upload them, then complete again")));
            }
        }
        let (repo, size) = (upload.row.repo_id, upload.size());
        let gone = || Error::not_found("the store no longer knows this upload; start it again through the batch API");
        if key.is_staging() {
            let ticket =
                SignedClaim { verb: Verb::Upload, repository: *repo.as_bytes(), oid: upload.oid, size, expires: 0 };
            self.admit_staged(&ticket, &upload.row.store, bucket, &key, u64::MAX, Some(upload.reservation()))
                .await?
                .ok_or_else(gone)?;
        } else {
            let found = bucket.hash(&key).await?.ok_or_else(gone)?;
            if found != (upload.oid, size) {
                bucket.remove(&key).await?;
                return Err(Error::invalid(format!(
                    "SHA-256 mismatch: the uploaded bytes are not object {}; upload it again",
                    upload.oid
                )));
            }
            let arrival = NewObject { place: upload.row.place.clone(), ..upload.arrival() };
            self.0.holdings_writer.hold(arrival, Some(upload.reservation())).await?;
        }
        metrics::counter!("rutter_lfs_direct_bytes_total").increment(size);
        Ok(())
    }

    /// Deletes an upload and its parts.
    async fn abandon(&self, upload: &Upload) -> Result<()> {
        self.discard(upload).await?;
        let mut tx = self.0.db.write().await?;
        tx.remove_upload(&upload.row.id).await?;
        tx.commit().await
    }

    async fn discard(&self, upload: &Upload) -> Result<()> {
        match self.0.stores.named(&upload.row.store)? {
            Store::Folder(folder) => Ok(folder.discard(&upload.id()?).await?),
            Store::Bucket(_) if upload.row.finished_at.is_some() => Ok(()),
            Store::Bucket(bucket) => Ok(bucket.abort_parts(&upload.key(bucket)?, &upload.parts_id()?).await?),
        }
    }

    /// Cancels expired uploads. Returns their number.
    pub(super) async fn sweep_uploads(&self, now: Millis) -> Result<usize> {
        let mut swept = 0;
        loop {
            let page = self.0.db.read().await?.expired_uploads(now, 100).await?;
            let before = swept;
            for row in page {
                let upload = Upload::new(row, Step::Abort)?;
                match self.abandon(&upload).await {
                    Ok(()) => swept += 1,
                    // Its store may be down; the others need not wait.
                    Err(error) => tracing::warn!(%error, upload = upload.row.id, "cannot cancel an upload; will retry"),
                }
            }
            if swept == before {
                return Ok(swept);
            }
        }
    }

    /// Returns how many bytes of a tus upload have been received.
    pub async fn offset(&self, upload: &Upload) -> Result<u64> {
        if upload.step != Step::Tus {
            return Err(wrong_step());
        }
        if upload.row.finished_at.is_some() {
            return Ok(upload.size());
        }
        let offset = self.offset_in_store(upload).await?;
        if offset == upload.size() {
            // git-lfs treats this as a complete upload and sends no further request.
            self.finish(&upload.row.id).await?;
        }
        Ok(offset)
    }

    async fn offset_in_store(&self, upload: &Upload) -> Result<u64> {
        if let Store::Folder(folder) = self.0.stores.named(&upload.row.store)? {
            return Ok(folder.offset(&upload.id()?).await?);
        }
        let stored = self.stored_parts(upload).await?;
        let stored = stored.ok_or_else(|| {
            Error::not_found("the store no longer knows this upload; start it again through the batch API")
        })?;
        let sizes: HashMap<u32, u64> = stored.iter().map(|part| (part.number, part.size)).collect();
        let whole = upload.plan.parts().take_while(|part| sizes.get(&part.number) == Some(&part.size));
        Ok(whole.map(|part| part.size).sum())
    }

    /// Receives bytes of a tus upload, and returns the new offset.
    pub async fn append<S, E>(
        &self,
        upload: &Upload,
        headers: &Headers<'_>,
        body: S,
    ) -> Result<std::result::Result<u64, TusError>>
    where
        S: Stream<Item = Result<Bytes, E>> + Unpin + Send,
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let offset = self.offset(upload).await?;
        let patch = match headers.patch(offset, upload.size()) {
            Ok(patch) => patch,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let place = self.place()?;
        let renewing = self.renew(upload);
        let body = counted(body);
        let reached = match self.0.stores.named(&upload.row.store)? {
            Store::Folder(folder) => {
                folder.append(&upload.id()?, patch.offset, upload.size(), patch.checksum, body).await
            }
            Store::Bucket(bucket) => append::to_bucket(bucket, upload, &patch, body).await,
        };
        drop((place, renewing));
        let offset = match reached {
            Ok(offset) => offset,
            Err(lfs::Error::WrongChecksum) => return Ok(Err(TusError::Checksum)),
            Err(lfs::Error::WrongOffset { claimed, actual }) => return Ok(Err(TusError::Offset { claimed, actual })),
            Err(error) => return Err(error.into()),
        };
        if offset == upload.size() {
            match self.finish(&upload.row.id).await {
                // Hashing continues; a later request for the object waits for it.
                Err(error) if error.kind() == crate::error::Kind::Unavailable => {}
                finished => finished?,
            }
        }
        Ok(Ok(offset))
    }
}

fn wrong_step() -> Error {
    Error::forbidden("this URL is for another operation; request a new one from the batch API")
}
