//! Completion: the bytes are verified, and become an object of the dataset.

use std::sync::{Arc, PoisonError, Weak};
use std::time::Duration;

use lfs::store::{CloudStore, Key};
use lfs::{LocalStore, Oid, Pointer};

use super::object::ended;
use super::{UploadSession, gone};
use crate::clock;
use crate::db::objects::NewObject;
use crate::db::signed;
use crate::error::{Error, Kind as ErrorKind, Result};
use crate::jobs::{self, Kind};
use crate::quota::{EffectiveQuota, QuotaUsage};
use crate::storage::Storage;
use crate::storage::stores::Store;
use crate::types::{Millis, UploadKind};

/// How long a request waits for hashing to finish; hashing continues without the request.
const FINISH_TIMEOUT: Duration = Duration::from_secs(25);

/// How the SHA-256 of an upload to a bucket is verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Proof {
    /// The bucket has compared it, or this server has computed it, while the bytes arrived.
    Hashed,
    /// It is computed where the bytes are: no URL can change them any more.
    InPlace,
    /// It is computed from a copy that no URL can write to.
    Copy,
}

impl UploadSession {
    fn proof(&self, key: &Key) -> Proof {
        match self.row.kind {
            UploadKind::Direct => Proof::Hashed,
            UploadKind::File if self.recorded().is_none() => Proof::Hashed,
            UploadKind::File => Proof::InPlace,
            UploadKind::Parts if !key.is_staging() => Proof::InPlace,
            UploadKind::Parts | UploadKind::Staged => Proof::Copy,
        }
    }

    /// Nothing has been uploaded.
    fn missing(&self) -> Error {
        match &self.row.oid {
            Some(oid) if self.is_direct() => {
                Error::not_found(format!("object {oid} has not been uploaded; upload it and verify again"))
            }
            _ => gone(),
        }
    }
}

impl Storage {
    /// Completes an upload whose parts have all been uploaded. Idempotent.
    ///
    /// # Errors
    /// Conflict if parts are missing; invalid if the bytes are not the promised object, in which case an upload in parts
    /// is deleted; full if a quota is exceeded; unavailable if hashing takes long: it continues in the background, so
    /// the client should retry.
    pub async fn finish_upload(&self, session: &UploadSession) -> Result<Pointer> {
        let (storage, session) = (self.clone(), session.clone());
        let turn = self.turn(session.id());
        // Continues if the client disconnects.
        let work = tokio::spawn(crate::request::scope(crate::request::id(), async move {
            let _turn = turn.lock().await;
            storage.finish_now(&session).await
        }));
        match tokio::time::timeout(FINISH_TIMEOUT, work).await {
            Ok(done) => done.map_err(Error::internal)?,
            Err(_) => Err(Error::unavailable("the upload is still being hashed; try again in a moment")),
        }
    }

    fn turn(&self, id: &str) -> Arc<tokio::sync::Mutex<()>> {
        let mut turns = self.0.turns.lock().unwrap_or_else(PoisonError::into_inner);
        turns.retain(|_, turn| turn.strong_count() > 0);
        if let Some(turn) = turns.get(id).and_then(Weak::upgrade) {
            return turn;
        }
        let turn = Arc::default();
        turns.insert(id.to_owned(), Arc::downgrade(&turn));
        turn
    }

    /// Completes a recorded upload within this request.
    pub(super) async fn finish_now(&self, asked: &UploadSession) -> Result<Pointer> {
        // The row protects the uploaded bytes: it must not expire while they are verified.
        let mut tx = self.0.db.write().await?;
        let row = tx.extend_upload_session(asked.id(), self.expiry(asked.row.kind)).await?.ok_or_else(ended)?;
        tx.commit().await?;
        let session = UploadSession { row, plan: asked.plan, xorb: None };
        if let (Some(oid), true) = (session.oid()?, session.is_finished()) {
            return Ok(Pointer::new(oid, session.size()));
        }
        let outcome = self.finish_in_store(&session).await;
        if let Err(error) = &outcome
            && error.kind() == ErrorKind::Invalid
            && !session.is_direct()
        {
            // The content is wrong: none of it can be used. A URL to a bucket can still be used until it expires.
            self.abort(&session, Millis::MAX).await?;
        }
        outcome.map(|oid| Pointer::new(oid, session.size()))
    }

    /// Verifies the bytes of an upload and records the object.
    pub(super) async fn finish_in_store(&self, session: &UploadSession) -> Result<Oid> {
        match self.0.stores.named(&session.row.store)? {
            Store::Folder(folder) => self.finish_in_folder(folder, session).await,
            Store::Bucket(bucket) => self.finish_in_bucket(bucket, session).await,
        }
    }

    async fn finish_in_folder(&self, folder: &LocalStore, session: &UploadSession) -> Result<Oid> {
        let (raw_id, known) = (session.raw_id()?, session.oid()?);
        self.expect_room(&session.arrival(known.unwrap_or(Oid::EMPTY), String::new()), true).await?;
        let oid = if let Some(oid) = known {
            oid
        } else {
            let oid = folder.hash_parts(&raw_id, &session.plan).await?;
            // Recorded first: a repeated request needs it when the parts are gone.
            let mut tx = self.0.db.write().await?;
            tx.set_upload_session_oid(session.id(), &oid.to_string()).await?;
            tx.commit().await?;
            oid
        };
        folder.finish(&raw_id, &oid, &session.plan).await?;
        self.record_in_folder(folder, session.arrival(oid, String::new()), session.recorded()).await?;
        Ok(oid)
    }

    /// A staged object is moved to its final key.
    async fn finish_in_bucket(&self, bucket: &CloudStore, session: &UploadSession) -> Result<Oid> {
        let (key, size, known) = (session.key(bucket)?, session.size(), session.oid()?);
        let (proof, id) = (session.proof(&key), session.recorded());
        if proof != Proof::Hashed {
            // Before anything is copied or hashed.
            self.expect_room(&session.arrival(known.unwrap_or(Oid::EMPTY), String::new()), id.is_some()).await?;
        }
        self.assemble(bucket, session, &key).await?;
        let (oid, found) = match (proof, known) {
            (Proof::Hashed | Proof::Copy, Some(oid)) => {
                (oid, bucket.stat(&key).await?.ok_or_else(|| session.missing())?.size)
            }
            _ => bucket.hash(&key).await?.ok_or_else(|| session.missing())?,
        };
        // A presigned URL covers the checksum at most, and the limits were checked with the size.
        if found != size {
            bucket.remove(&key).await?;
            return Err(Error::invalid(format!("wrong size: expected {size} bytes, got {found}; upload it again")));
        }
        if let Some(known) = known.filter(|known| *known != oid) {
            bucket.remove(&key).await?;
            return Err(mismatch(&known));
        }
        let (place, staged) = if key.is_staging() {
            (hex::encode(clock::random::<8>()), Some(key))
        } else {
            (session.row.place.clone(), None)
        };
        let arrival = session.arrival(oid, place);
        let key = crate::storage::stores::key(&oid, &arrival.place)?;
        if let Some(staged) = &staged
            && !bucket.promote(staged, &key).await?
        {
            return Err(session.missing());
        }
        let recorded = async {
            if proof == Proof::Copy {
                let is_large = session.row.kind == UploadKind::Staged && size > self.0.hash_bytes;
                if is_large && self.record_unproven(&arrival, id.as_deref()).await? {
                    return Ok(());
                }
                if bucket.hash(&key).await? != Some((oid, size)) {
                    bucket.remove_all(&staged.iter().chain([&key]).cloned().collect::<Vec<_>>()).await?;
                    return Err(mismatch(&oid));
                }
            }
            self.0.holdings_writer.hold(arrival.clone(), id.clone()).await
        };
        if let Err(error) = recorded.await {
            if error.kind() == ErrorKind::Full && staged.is_some() {
                // The copy is not referenced by anything. The staged object stays for another attempt, until it is
                // swept.
                bucket.remove(&key).await?;
            }
            return Err(error);
        }
        if let Some(staged) = &staged {
            bucket.remove(staged).await?;
        }
        if session.row.kind != UploadKind::File {
            metrics::counter!("rutter_lfs_direct_bytes_total").increment(size);
        }
        Ok(oid)
    }

    /// Completes the multipart upload in a bucket, if there is one.
    async fn assemble(&self, bucket: &CloudStore, session: &UploadSession, key: &Key) -> Result<()> {
        let Some(remote) = session.remote()? else { return Ok(()) };
        // `None`: it was completed, in an attempt that failed later.
        let Some(mut parts) = bucket.parts(key, &remote).await? else { return Ok(()) };
        if session.is_direct() {
            // Its only part, unless it was sent whole.
            if !parts.is_empty() {
                bucket.complete_parts(key, &remote, &parts).await?;
            }
            return Ok(());
        }
        parts.retain(|part| session.is_planned(part.number, part.size));
        let missing = (session.plan.count() as usize).saturating_sub(parts.len());
        if missing == 0 {
            bucket.complete_parts(key, &remote, &parts).await?;
        } else if bucket.stat(key).await?.is_none_or(|found| found.size != session.size()) {
            // Azure lists no parts of a completed upload.
            return Err(Error::conflict(format!("{missing} parts are missing; upload them, then complete again")));
        }
        Ok(())
    }

    /// Accepts a large object without hashing it; a job verifies it later. Returns false if other datasets use the
    /// object, or might: for them it must be verified first.
    async fn record_unproven(&self, arrival: &NewObject, id: Option<&str>) -> Result<bool> {
        let mut tx = self.0.db.write().await?;
        let Some(target) = tx.object_target(arrival).await? else {
            return Err(Error::not_found("the dataset has been deleted"));
        };
        if let Some(bounds) = EffectiveQuota::of(&target.dataset, &self.0.quotas) {
            let mut ledger = QuotaUsage::lock(&mut tx, &[&bounds]).await?;
            if let Some(refusal) = ledger.admit(&mut tx, &bounds, arrival, id.is_some()).await? {
                return Err(refusal);
            }
        }
        if let Some(id) = id
            && !tx.finish_upload_session(id, &arrival.oid.to_string()).await?
        {
            return Err(ended());
        }
        if target.known_bytes.is_some_and(|known| known != signed(arrival.size)) {
            tx.resize(arrival).await?;
        }
        let Some(is_new) = tx.hold_unproven(arrival, self.0.clock.now()).await? else { return Ok(false) };
        if is_new {
            tx.add_usage(arrival.repo, signed(arrival.size), 1).await?;
        }
        let subject = format!("{}/{}", arrival.store, arrival.oid);
        jobs::enqueue(&mut tx, &self.0.clock, Kind::VerifyObject, &subject, Duration::ZERO).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// Verifies an object that was accepted by size. `subject` is `store/oid`.
    pub async fn prove(&self, subject: &str) -> Result<()> {
        let (name, oid) = subject.split_once('/').ok_or_else(|| Error::internal("a verification job has no object"))?;
        let oid = crate::db::oid(oid)?;
        let Some((_, state, place)) = self.0.db.read().await?.object(name, &oid).await? else { return Ok(()) };
        if state != "unproven" {
            return Ok(());
        }
        let is_sound = self.0.stores.named(name)?.is_sound(&oid, &place).await?;
        let mut tx = self.0.db.write().await?;
        tx.set_in_use(name, &oid, &place, is_sound).await?;
        if !is_sound {
            let (id, now, request) = (self.0.clock.id(), self.0.clock.now(), crate::request::id());
            tx.insert_audit(id, now, "rutter", "object.quarantined", subject, "SHA-256 mismatch", &request).await?;
            tracing::error!(store = name, %oid, "SHA-256 mismatch: an object is corrupt and must be uploaded again");
            metrics::counter!("rutter_objects_quarantined_total").increment(1);
        }
        tx.commit().await
    }
}

pub(in crate::storage) fn mismatch(oid: &Oid) -> Error {
    Error::invalid(format!("SHA-256 mismatch: the uploaded bytes are not object {oid}; upload it again"))
}
