//! Browser uploads through this server, addressed by path: their SHA-256 is not known before they are uploaded, so they
//! are hashed on the way in. The result is an LFS object like any other.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures::{Stream, TryStreamExt as _};
use lfs::parts::Plan;
use lfs::store::{CloudStore, Key, Part, PartsId};
use lfs::{Oid, Pointer};
use sha2::{Digest as _, Sha256};
use tokio::sync::OwnedSemaphorePermit;

mod abandon;
mod body;

use self::abandon::CleanupGuard;
pub(crate) use self::body::interrupted;
use self::body::{ended_early, expect_end, whole_part};
use super::quota::Begins;
use super::stores::Store;
use super::{Storage, counted};
use crate::access::{Grant, Write};
use crate::clock;
use crate::db::datasets::DatasetRow;
use crate::db::objects::NewObject;
use crate::db::upload_sessions::UploadSessionRow;
use crate::db::usage::Reservation;
use crate::db::{oid, signed, unsigned};
use crate::error::{Error, Kind, Result};
use crate::types::{Id, Millis};

/// Memory limit in MiB for parts on their way to buckets.
pub(super) const PART_MEMORY_MIB: usize = 256;

/// Maximum number of multipart uploads in progress per actor and dataset.
const MAX_OPEN_SESSIONS: i64 = 1000;

/// How long a request waits for hashing to finish; hashing continues without the request.
const FINISH_TIMEOUT: Duration = Duration::from_secs(25);

/// A multipart upload of a file in progress.
#[derive(Debug, Clone)]
pub struct UploadSession {
    row: UploadSessionRow,
    plan: Plan,
}

impl UploadSession {
    fn of(row: UploadSessionRow) -> Result<Self> {
        Ok(Self { plan: Plan::with_part_size(unsigned(row.size), unsigned(row.part_bytes))?, row })
    }

    /// Returns the id of the upload.
    pub fn id(&self) -> &str {
        &self.row.id
    }

    /// Returns the target path.
    pub fn path(&self) -> &str {
        &self.row.path
    }

    /// Returns the total size in bytes.
    pub fn size(&self) -> u64 {
        self.plan.size()
    }

    /// Returns the size in bytes of each part but the last.
    pub fn part_bytes(&self) -> u64 {
        self.plan.part_size()
    }

    /// Returns the time at which the upload expires.
    pub fn expires(&self) -> Millis {
        self.row.expires_at
    }

    /// Returns the revision that contains the file, once there is one.
    pub fn revision(&self) -> Option<&str> {
        self.row.revision.as_deref()
    }

    fn raw_id(&self) -> Result<[u8; 16]> {
        let id = hex::decode(&self.row.id).ok().and_then(|id| id.try_into().ok());
        id.ok_or_else(|| Error::internal("the id of an upload is corrupt in the database"))
    }

    fn known(&self) -> Result<Option<Oid>> {
        self.row.oid.as_deref().map(oid).transpose()
    }

    /// Returns the bucket's multipart upload id; `None` for a local store.
    fn remote(&self) -> Result<Option<PartsId>> {
        let remote = Some(&self.row.remote).filter(|remote| !remote.is_empty());
        Ok(remote.map(|remote| remote.parse()).transpose()?)
    }

    fn reservation(&self) -> Reservation {
        Reservation::Intake(self.row.id.clone())
    }

    fn arrival(&self, oid: Oid) -> NewObject {
        let UploadSessionRow { repo_id: repo, store, .. } = &self.row;
        NewObject { repo: *repo, oid, size: self.size(), store: store.clone(), place: String::new() }
    }
}

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
        let DatasetRow { id: repo, store, .. } = grant.dataset();
        self.expect_size(size)?;
        self.expect_room(&unnamed(*repo, store, size), false).await?;
        let _place = self.place()?;
        let id = clock::random::<16>();
        let plan = Plan::new(size);
        let hasher = Arc::new(Mutex::new(Sha256::new()));
        let hashing = Arc::clone(&hasher);
        let body = counted(body).inspect_ok(move |block| {
            hashing.lock().unwrap_or_else(PoisonError::into_inner).update(block);
        });
        let oid = || {
            let hasher = hasher.lock().unwrap_or_else(PoisonError::into_inner).clone();
            Oid::from_bytes(hasher.finalize().into())
        };
        let arrival = |oid| NewObject { repo: *repo, oid, size, store: store.clone(), place: String::new() };
        // Deleted at the end of the request, however it ends: an incomplete file is of no use.
        let left_over = |remote| CleanupGuard { storage: self.clone(), store: store.clone(), id, remote };
        match self.0.stores.named(store)? {
            Store::Folder(folder) => {
                let _left_over = left_over(None);
                folder.begin_parts(&id, size).await?;
                if folder.append(&id, 0, size, None, body).await? != size {
                    return Err(ended_early());
                }
                let oid = oid();
                folder.finish(&id, &oid, &plan).await?;
                self.record_in_folder(folder, arrival(oid), None).await?;
                Ok(Pointer::new(oid, size))
            }
            Store::Bucket(bucket) => {
                let staged = Key::staging(id);
                let parts = bucket.begin_parts(&staged).await?;
                let _left_over = left_over(Some(parts.clone()));
                let sent = self.send_parts(bucket, &staged, &parts, &plan, body).await?;
                bucket.complete_parts(&staged, &parts, &sent).await?;
                let oid = oid();
                self.settle(bucket, &staged, arrival(oid), None).await?;
                Ok(Pointer::new(oid, size))
            }
        }
    }

    /// Sends a body to a bucket part by part, holding one part in memory.
    async fn send_parts<S, E>(
        &self,
        bucket: &CloudStore,
        key: &Key,
        id: &PartsId,
        plan: &Plan,
        mut body: S,
    ) -> Result<Vec<Part>>
    where
        S: Stream<Item = Result<Bytes, E>> + Unpin,
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let (mut sent, mut rest) = (Vec::new(), Bytes::new());
        for part in plan.parts() {
            let _room = self.room(part.size).await?;
            let bytes = whole_part(part.size, &mut rest, &mut body).await?;
            sent.push(bucket.put_part(key, id, part.number, bytes).await?);
        }
        expect_end(&rest, &mut body).await?;
        Ok(sent)
    }

    /// Moves a staged file whose hash is known to its final key. No client has a URL of the staged file, so it cannot
    /// change.
    async fn settle(
        &self,
        bucket: &CloudStore,
        staged: &Key,
        arrival: NewObject,
        reservation: Option<Reservation>,
    ) -> Result<()> {
        let found = bucket.stat(staged).await?;
        if found.is_none_or(|found| found.size != arrival.size) {
            return Err(Error::unavailable("the store has lost the uploaded file; upload it again"));
        }
        let place = clock::random::<8>();
        let key = Key::new(&arrival.oid, place);
        if !bucket.promote(staged, &key).await? {
            return Err(Error::unavailable("the store has lost the uploaded file; upload it again"));
        }
        let recorded =
            self.0.holdings_writer.hold(NewObject { place: hex::encode(place), ..arrival }, reservation).await;
        if let Err(error) = recorded {
            if error.kind() == Kind::Full {
                bucket.remove(&key).await?;
            }
            return Err(error);
        }
        bucket.remove(staged).await?;
        Ok(())
    }

    /// Reserves memory for a part.
    async fn room(&self, bytes: u64) -> Result<OwnedSemaphorePermit> {
        let blocks = bytes.div_ceil(1 << 20).clamp(1, PART_MEMORY_MIB as u64);
        let blocks = u32::try_from(blocks).map_err(Error::internal)?;
        self.0.part_memory.clone().acquire_many_owned(blocks).await.map_err(Error::internal)
    }

    fn expect_size(&self, size: u64) -> Result<()> {
        match self.0.object_bytes {
            Some(most) if size > most => Err(Error::too_large(format!(
                "the file has {size} bytes, but the limit is {most} bytes; split it, or ask the operator for more"
            ))),
            _ => Ok(()),
        }
    }

    /// Starts a multipart upload of a file. `promised` is its oid, if the client knows it.
    ///
    /// # Errors
    /// Full if a quota is exceeded; too large; busy if the actor has too many uploads in progress.
    pub async fn begin_upload_session(
        &self,
        grant: &Grant<Write>,
        size: u64,
        promised: Option<Oid>,
    ) -> Result<UploadSession> {
        let DatasetRow { id: repo, store, .. } = grant.dataset();
        let path = grant.path().ok_or_else(|| Error::invalid("the path of a file is required"))?;
        if size == 0 {
            return Err(Error::invalid(
                "an empty file cannot be uploaded in parts; upload it with a single PUT request",
            ));
        }
        self.expect_size(size)?;
        let actor = grant.actor().key();
        self.expect_upload(grant.dataset(), Begins::File(size), Some((&actor, path.as_str()))).await?;
        let id = clock::random::<16>();
        let plan = Plan::new(size);
        if self.0.db.read().await?.upload_sessions_of(*repo, &actor).await? >= MAX_OPEN_SESSIONS {
            return Err(Error::busy("too many uploads in progress; complete or cancel some"));
        }
        let remote = match self.0.stores.named(store)? {
            Store::Folder(folder) => {
                folder.begin_parts(&id, size).await?;
                String::new()
            }
            Store::Bucket(bucket) => bucket.begin_parts(&Key::staging(id)).await?.to_string(),
        };
        let row = UploadSessionRow {
            id: hex::encode(id),
            repo_id: *repo,
            actor,
            path: path.to_string(),
            size: signed(size),
            oid: promised.map(|oid| oid.to_string()),
            store: store.clone(),
            remote,
            part_bytes: signed(plan.part_size()),
            expires_at: self.0.clock.now().plus(self.0.upload_lifetime),
            kept_at: None,
            revision: None,
        };
        let session = UploadSession::of(row)?;
        if let Err(error) = self.record_upload_session(grant.dataset(), &session.row).await {
            self.discard_upload_session(store, id, session.remote()?).await?;
            return Err(error);
        }
        Ok(session)
    }

    /// Records a new upload if the quota allows it.
    async fn record_upload_session(&self, dataset: &DatasetRow, row: &UploadSessionRow) -> Result<()> {
        let mut tx = self.0.db.write().await?;
        tx.lock_usage(dataset.owner_id).await?;
        self.admit_upload(&mut tx, dataset, Begins::File(unsigned(row.size))).await?;
        tx.insert_upload_session(row).await?;
        tx.commit().await
    }

    /// Finds an upload in progress by its id; only for the actor who started it. The caller must check that the actor
    /// can still write to its path.
    ///
    /// # Errors
    /// Not found.
    pub async fn upload_session(&self, repo: Id, actor: &str, id: &str) -> Result<UploadSession> {
        let row = self.0.db.read().await?.upload_session(repo, id).await?;
        let row = row.filter(|row| row.actor == actor);
        UploadSession::of(row.ok_or_else(|| Error::not_found("upload not found, or it has ended; start it again"))?)
    }

    /// Returns the numbers of the uploaded parts.
    ///
    /// # Errors
    /// Not found if the store no longer knows the upload.
    pub async fn upload_session_parts(&self, session: &UploadSession) -> Result<Vec<u32>> {
        if session.row.kept_at.is_some() {
            return Ok(session.plan.parts().map(|part| part.number).collect());
        }
        let id = session.raw_id()?;
        let stored: Vec<(u32, u64)> = match self.0.stores.named(&session.row.store)? {
            Store::Folder(folder) => folder.parts(&id).await?.iter().map(|part| (part.number, part.size)).collect(),
            Store::Bucket(bucket) => {
                let parts = bucket.parts(&Key::staging(id), &session.row.remote.parse()?).await?;
                parts.ok_or_else(gone)?.iter().map(|part| (part.number, part.size)).collect()
            }
        };
        let whole = stored
            .into_iter()
            .filter(|(number, size)| session.plan.part(*number).is_some_and(|part| part.size == *size));
        Ok(whole.map(|(number, _)| number).collect())
    }

    /// Receives a part. `length` is the `Content-Length` of the request.
    ///
    /// # Errors
    /// Invalid for a part that does not exist or has the wrong size; conflict if the upload is already complete.
    pub async fn receive_session_part<S, E>(
        &self,
        session: &UploadSession,
        number: u32,
        length: Option<u64>,
        body: S,
    ) -> Result<()>
    where
        S: Stream<Item = Result<Bytes, E>> + Unpin + Send,
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        if session.row.kept_at.is_some() {
            return Err(Error::conflict("all parts of this upload have already been received; complete it"));
        }
        let part = session.plan.part(number);
        let part = part.ok_or_else(|| {
            Error::invalid(format!("invalid part number; this upload has parts 1 to {}", session.plan.count()))
        })?;
        if length.is_some_and(|length| length != part.size) {
            return Err(Error::invalid(format!(
                "Content-Length does not match the size of part {number}, which is {} bytes",
                part.size
            )));
        }
        let _place = self.place()?;
        let id = session.raw_id()?;
        let mut body = counted(body);
        match self.0.stores.named(&session.row.store)? {
            Store::Folder(folder) => folder.put_part(&id, &part, None, body).await?,
            Store::Bucket(bucket) => {
                let _room = self.room(part.size).await?;
                let mut rest = Bytes::new();
                let bytes = whole_part(part.size, &mut rest, &mut body).await?;
                expect_end(&rest, &mut body).await?;
                bucket.put_part(&Key::staging(id), &session.row.remote.parse()?, number, bytes).await?;
            }
        }
        let mut tx = self.0.db.write().await?;
        tx.extend_upload_session(session.id(), self.0.clock.now().plus(self.0.upload_lifetime)).await?;
        tx.commit().await
    }

    /// Completes an upload whose parts have all been uploaded. Idempotent.
    ///
    /// # Errors
    /// Conflict if parts are missing; invalid if the file does not match the announced oid, in which case the upload is
    /// deleted; full if a quota is exceeded; unavailable if hashing takes long: it continues in the background, so the
    /// client should retry.
    pub async fn finish_upload_session(&self, session: &UploadSession) -> Result<Pointer> {
        let (storage, session) = (self.clone(), session.clone());
        let turn = self.turn(session.id());
        // Continues if the client disconnects.
        let work = tokio::spawn(crate::request::scope(crate::request::id(), async move {
            let _turn = turn.lock().await;
            storage.finish_upload_session_now(&session).await
        }));
        match tokio::time::timeout(FINISH_TIMEOUT, work).await {
            Ok(done) => done.map_err(Error::internal)?,
            Err(_) => Err(Error::unavailable("the file is still being hashed; try again in a moment")),
        }
    }

    async fn finish_upload_session_now(&self, asked: &UploadSession) -> Result<Pointer> {
        let row = self.0.db.read().await?.upload_session(asked.row.repo_id, asked.id()).await?;
        let session = UploadSession::of(row.ok_or_else(gone)?)?;
        let known = session.known()?;
        if let (Some(oid), true) = (known, session.row.kept_at.is_some()) {
            return Ok(Pointer::new(oid, session.size()));
        }
        self.expect_room(&session.arrival(known.unwrap_or(Oid::EMPTY)), true).await?;
        let outcome = match self.0.stores.named(&session.row.store)? {
            Store::Folder(folder) => {
                let id = session.raw_id()?;
                let oid = if let Some(oid) = known {
                    oid
                } else {
                    let oid = folder.hash_parts(&id, &session.plan).await?;
                    let mut tx = self.0.db.write().await?;
                    tx.set_upload_session_oid(session.id(), &oid.to_string()).await?;
                    tx.commit().await?;
                    oid
                };
                match folder.finish(&id, &oid, &session.plan).await {
                    Ok(()) => {
                        let recorded =
                            self.record_in_folder(folder, session.arrival(oid), Some(session.reservation())).await;
                        recorded.map(|()| oid)
                    }
                    Err(error) => Err(error.into()),
                }
            }
            Store::Bucket(bucket) => self.finish_upload_session_in_bucket(bucket, &session, known).await,
        };
        let mut tx = self.0.db.write().await?;
        match &outcome {
            Ok(oid) => {
                tx.set_upload_session_oid(session.id(), &oid.to_string()).await?;
                tx.finish_upload_session(session.id(), self.0.clock.now()).await?;
            }
            // The content is wrong: none of it can be used.
            Err(error) if error.kind() == Kind::Invalid => tx.delete_upload_session(session.id()).await?,
            Err(_) => {}
        }
        tx.commit().await?;
        outcome.map(|oid| Pointer::new(oid, session.size()))
    }

    async fn finish_upload_session_in_bucket(
        &self,
        bucket: &CloudStore,
        session: &UploadSession,
        known: Option<Oid>,
    ) -> Result<Oid> {
        let staged = Key::staging(session.raw_id()?);
        let remote: PartsId = session.row.remote.parse()?;
        if let Some(parts) = bucket.parts(&staged, &remote).await? {
            let wanted: Vec<Part> = parts
                .into_iter()
                .filter(|part| session.plan.part(part.number).is_some_and(|planned| planned.size == part.size))
                .collect();
            let missing = (session.plan.count() as usize).saturating_sub(wanted.len());
            if missing == 0 {
                bucket.complete_parts(&staged, &remote, &wanted).await?;
            } else if bucket.stat(&staged).await?.is_none_or(|found| found.size != session.size()) {
                // Azure lists no parts of a completed upload.
                return Err(Error::conflict(format!(
                    "{missing} parts of the upload are missing; upload them, then complete it again"
                )));
            }
        }
        let (oid, size) = bucket.hash(&staged).await?.ok_or_else(gone)?;
        if size != session.size() || known.is_some_and(|known| known != oid) {
            bucket.remove(&staged).await?;
            return Err(Error::invalid(
                "SHA-256 mismatch: the uploaded file does not match the announced `oid`; upload it again",
            ));
        }
        self.settle(bucket, &staged, session.arrival(oid), Some(session.reservation())).await?;
        Ok(oid)
    }

    /// Records the revision that contains the file.
    pub async fn end_upload_session(&self, session: &UploadSession, revision: &str) -> Result<()> {
        let mut tx = self.0.db.write().await?;
        tx.end_upload_session(session.id(), revision).await?;
        tx.commit().await
    }
}

/// An arrival whose oid is not known yet.
fn unnamed(repo: Id, store: &str, size: u64) -> NewObject {
    NewObject { repo, oid: Oid::EMPTY, size, store: store.to_owned(), place: String::new() }
}

fn gone() -> Error {
    Error::not_found("the store no longer knows this upload; start it again")
}
