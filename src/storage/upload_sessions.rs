//! Uploads: one engine for LFS objects in parts (three transfer protocols), files in parts by path, and objects that
//! clients send directly to a bucket. Parts go to a local store or, for files, to a bucket through this server; those
//! of LFS objects go to a bucket directly. The whole is hashed before it becomes an object.
//!
//! A row in `upload_session` is *open* while bytes may arrive: it reserves them in the quota. The transaction that
//! records the object makes it *finished*; it is kept until it expires, for clients that repeat the request. To cancel
//! it, or after its expiry, it is marked *aborted* before its bytes are deleted, and deleted after: a transaction that
//! records the object is refused from then on, and the sweep repeats what a crash has interrupted.

mod abort;
mod body;
mod direct;
mod file;
mod finish;
mod object;
mod tus;
mod xorb;

use std::collections::HashMap;
use std::ops::RangeInclusive;
use std::sync::{Mutex, Weak};
use std::time::Duration;

use bytes::Bytes;
use futures::Stream;
use lfs::Oid;
use lfs::parts::{Checksum, Plan, StoredPart};
use lfs::store::{CloudStore, Key, PartsId};
use tokio::sync::OwnedSemaphorePermit;

pub(crate) use self::body::interrupted;
use self::body::{ended_early, expect_end, next_part};
pub(super) use self::direct::UploadTarget;
pub(super) use self::finish::mismatch;
pub(super) use self::object::BegunUpload;
pub(super) use self::xorb::malformed;
use super::stores::{self, Store};
use super::{Storage, counted};
use crate::clock;
use crate::db::datasets::DatasetRow;
use crate::db::objects::NewObject;
use crate::db::upload_sessions::UploadSessionRow;
use crate::db::{Tx, oid, signed, unsigned};
use crate::error::{Error, Kind, Result};
use crate::quota::{EffectiveQuota, QuotaUsage};
use crate::types::{Id, Millis, UploadKind, UploadState};

/// Memory limit in MiB for parts on their way to buckets.
pub(super) const PART_MEMORY_MIB: usize = 256;

/// Maximum number of uploads in parts in progress per owner.
const MAX_OPEN_UPLOADS: i64 = 5000;

/// Locks by upload id, held while an upload is completed.
pub(super) type Turns = Mutex<HashMap<String, Weak<tokio::sync::Mutex<()>>>>;

/// An upload in progress.
#[derive(Debug, Clone)]
pub struct UploadSession {
    row: UploadSessionRow,
    plan: Plan,
    /// Hash of the xorb that it becomes, if it does not become an object of the dataset.
    xorb: Option<String>,
}

impl UploadSession {
    fn of(row: UploadSessionRow) -> Result<Self> {
        let plan = match row.kind {
            UploadKind::Parts | UploadKind::File => Plan::with_part_size(unsigned(row.size), unsigned(row.part_bytes))?,
            UploadKind::Direct | UploadKind::Staged => Plan::new(unsigned(row.size)),
        };
        Ok(Self { row, plan, xorb: None })
    }

    /// Creates an upload that is not recorded.
    fn new(kind: UploadKind, repo: Id, store: &str, size: u64) -> Self {
        let plan = Plan::new(size);
        let row = UploadSessionRow {
            id: hex::encode(clock::random::<16>()),
            repo_id: repo,
            kind,
            state: UploadState::Open,
            actor: String::new(),
            path: String::new(),
            oid: None,
            size: signed(size),
            store: store.to_owned(),
            place: String::new(),
            remote: String::new(),
            part_bytes: signed(plan.part_size()),
            expires_at: Millis(0),
            revision: None,
        };
        Self { row, plan, xorb: None }
    }

    /// Creates an upload of a xorb of at most this size in one request, which is not recorded.
    pub(super) fn of_xorb(dataset: &DatasetRow, hash: String, most: u64) -> Self {
        Self { xorb: Some(hash), ..Self::new(UploadKind::File, dataset.id, &dataset.store, most) }
    }

    /// Creates an upload of a file in one request, which is not recorded.
    pub(super) fn of_file(dataset: &DatasetRow, size: u64) -> Self {
        Self::new(UploadKind::File, dataset.id, &dataset.store, size)
    }

    /// Returns the id of the upload.
    pub fn id(&self) -> &str {
        &self.row.id
    }

    /// Returns the target path of a file.
    pub fn path(&self) -> &str {
        &self.row.path
    }

    /// Returns the total size in bytes.
    pub fn size(&self) -> u64 {
        self.plan.size()
    }

    /// Returns the sizes in bytes that it may have at its end: that of a xorb is known only then.
    fn sizes(&self) -> RangeInclusive<u64> {
        let most = self.size();
        if self.xorb.is_some() { 1..=most } else { most..=most }
    }

    /// Sets the size in bytes that an upload of unknown size has at its end.
    fn set_size(&mut self, size: u64) -> Result<()> {
        self.row.size = signed(size);
        self.plan = Plan::with_part_size(size, self.plan.part_size())?;
        Ok(())
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

    /// Returns true if the upload has become an object.
    pub fn is_finished(&self) -> bool {
        self.row.state == UploadState::Finished
    }

    fn is_direct(&self) -> bool {
        matches!(self.row.kind, UploadKind::Direct | UploadKind::Staged)
    }

    /// Returns the id of the upload if it has a row: not for a file in one request, which is hashed while it arrives, nor
    /// for a direct upload where there is no quota.
    fn recorded(&self) -> Option<String> {
        (self.row.expires_at > Millis(0)).then(|| self.row.id.clone())
    }

    fn raw_id(&self) -> Result<[u8; 16]> {
        let id = hex::decode(&self.row.id).ok().and_then(|id| id.try_into().ok());
        id.ok_or_else(|| Error::internal("the id of an upload is corrupt in the database"))
    }

    fn oid(&self) -> Result<Option<Oid>> {
        self.row.oid.as_deref().map(oid).transpose()
    }

    /// Returns the bucket's multipart upload id, if there is one.
    fn remote(&self) -> Result<Option<PartsId>> {
        let remote = Some(&self.row.remote).filter(|remote| !remote.is_empty());
        Ok(remote.map(|remote| remote.parse()).transpose()?)
    }

    /// Returns the key under which a bucket receives the bytes.
    fn key(&self, bucket: &CloudStore) -> Result<Key> {
        match self.oid()? {
            Some(oid) if !self.row.place.is_empty() && bucket.completed_parts_stay() => {
                stores::key(&oid, &self.row.place)
            }
            _ => Ok(Key::staging(self.raw_id()?)),
        }
    }

    /// Returns the object that it becomes; in a local store, if `place` is empty.
    pub(super) fn arrival(&self, oid: Oid, place: String) -> NewObject {
        let (store, xorb) = (self.row.store.clone(), self.xorb.clone());
        NewObject { repo: self.row.repo_id, oid, size: self.size(), store, place, xorb, packed: None }
    }

    /// Returns true for a part of the planned size.
    fn is_planned(&self, number: u32, size: u64) -> bool {
        self.plan.part(number).is_some_and(|planned| planned.size == size)
    }
}

impl Storage {
    /// Reserves memory for a part.
    async fn part_memory(&self, bytes: u64) -> Result<OwnedSemaphorePermit> {
        let blocks = bytes.div_ceil(1 << 20).clamp(1, PART_MEMORY_MIB as u64);
        let blocks = u32::try_from(blocks).map_err(Error::internal)?;
        self.0.part_memory.clone().acquire_many_owned(blocks).await.map_err(Error::internal)
    }

    /// Starts an upload in parts, and cancels idle uploads of the same owner if it needs their room. Returns `None` if
    /// there is one of the same object.
    ///
    /// # Errors
    /// Full if a quota is exceeded; busy if too many uploads are in progress.
    async fn start(&self, dataset: &DatasetRow, mut session: UploadSession) -> Result<Option<UploadSession>> {
        let mut tx = self.0.db.read().await?;
        let admitted = self.admit_upload(&mut tx, dataset, &session).await;
        drop(tx);
        match admitted {
            Err(error) if matches!(error.kind(), Kind::Full | Kind::Busy) => {
                if self.abort_idle(dataset, Some(&session)).await? == 0 {
                    return Err(error);
                }
            }
            admitted => admitted?,
        }
        session.row.expires_at = self.expiry(session.row.kind);
        self.create_parts(&mut session).await?;
        let recorded = async {
            let mut tx = self.0.db.write().await?;
            tx.lock_usage(dataset.owner_id).await?;
            self.admit_upload(&mut tx, dataset, &session).await?;
            let row = tx.add_upload_session(&session.row).await?;
            tx.commit().await?;
            Ok(row.id == session.row.id)
        };
        let recorded: Result<bool> = recorded.await;
        if !matches!(recorded, Ok(true)) {
            self.discard(&session).await?;
        }
        Ok(recorded?.then_some(session))
    }

    /// Checks whether an upload can start. In a transaction that has locked the usage, this is final.
    async fn admit_upload(&self, tx: &mut Tx, dataset: &DatasetRow, session: &UploadSession) -> Result<()> {
        if tx.open_uploads(dataset.owner_id).await? >= MAX_OPEN_UPLOADS {
            let owner = &dataset.owner_name;
            return Err(Error::busy(format!(
                "{MAX_OPEN_UPLOADS} uploads to the datasets of {owner} are in progress; complete or cancel some"
            )));
        }
        let Some(bounds) = EffectiveQuota::of(dataset, &self.0.quotas) else { return Ok(()) };
        let mut ledger = QuotaUsage::read(tx, &[&bounds]).await?;
        let refusal = match (session.row.kind, session.oid()?) {
            // A dataset has one upload of an object at a time, and one that it already holds is not counted again.
            (UploadKind::Parts, Some(oid)) => {
                ledger.refusal_of_news(tx, &bounds, &mut vec![(oid, session.size())], 0).await?
            }
            // A file counts whatever it is announced to be.
            _ => ledger.refusal(&bounds, 1, session.size(), 0),
        };
        refusal.map_or(Ok(()), |refusal| Err(Error::full(refusal)))
    }

    /// Creates the place of the parts in the store.
    async fn create_parts(&self, session: &mut UploadSession) -> Result<()> {
        match self.0.stores.named(&session.row.store)? {
            Store::Folder(folder) => folder.begin_parts(&session.raw_id()?, session.size()).await?,
            Store::Bucket(bucket) => {
                session.row.remote = bucket.begin_parts(&session.key(bucket)?).await?.to_string();
            }
        }
        Ok(())
    }

    /// Returns when an upload expires that is used now: after the configured time, or when all URLs of a direct upload
    /// have expired, that of the upload and then that of its verification.
    fn expiry(&self, kind: UploadKind) -> Millis {
        self.0.clock.now().plus(match kind {
            UploadKind::Parts | UploadKind::File => self.0.upload_lifetime,
            UploadKind::Direct | UploadKind::Staged => 2 * Duration::from_secs(u64::from(self.0.lifetime)),
        })
    }

    /// Returns the numbers of the uploaded parts.
    ///
    /// # Errors
    /// Not found if the store no longer knows the upload.
    pub async fn uploaded_parts(&self, session: &UploadSession) -> Result<Vec<u32>> {
        if session.is_finished() {
            return Ok(session.plan.parts().map(|part| part.number).collect());
        }
        let stored = self.stored_parts(session).await?.ok_or_else(gone)?;
        let whole = stored.iter().filter(|part| session.is_planned(part.number, part.size));
        Ok(whole.map(|part| part.number).collect())
    }

    /// Returns the uploaded parts, of any size; `None` if the store does not know the upload.
    async fn stored_parts(&self, session: &UploadSession) -> Result<Option<Vec<StoredPart>>> {
        match self.0.stores.named(&session.row.store)? {
            Store::Folder(folder) => match folder.parts(&session.raw_id()?).await {
                Err(lfs::Error::UploadGone) => Ok(None),
                parts => Ok(Some(parts?)),
            },
            Store::Bucket(bucket) => {
                let Some(remote) = session.remote()? else { return Ok(None) };
                let parts = bucket.parts(&session.key(bucket)?, &remote).await?;
                Ok(parts.map(|parts| {
                    parts.iter().map(|part| StoredPart { number: part.number, size: part.size }).collect()
                }))
            }
        }
    }

    /// Receives a part. `length` is the `Content-Length` of the request.
    ///
    /// # Errors
    /// Invalid for a part that does not exist, has the wrong size or does not match its checksum; not found if the
    /// upload has ended.
    pub async fn receive_part<S, E>(
        &self,
        session: &UploadSession,
        number: u32,
        length: Option<u64>,
        checksum: Option<Checksum>,
        body: S,
    ) -> Result<()>
    where
        S: Stream<Item = Result<Bytes, E>> + Unpin + Send,
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let part = session.plan.part(number).ok_or_else(|| {
            Error::invalid(format!("invalid part number; this upload has parts 1 to {}", session.plan.count()))
        })?;
        if length.is_some_and(|length| length != part.size) {
            return Err(Error::invalid(format!(
                "Content-Length does not match the size of part {number}, which is {} bytes",
                part.size
            )));
        }
        let _place = self.place()?;
        let _renewing = self.renew(session);
        let mut body = counted(body);
        match self.0.stores.named(&session.row.store)? {
            Store::Folder(folder) => folder.put_part(&session.raw_id()?, &part, checksum, body).await?,
            Store::Bucket(bucket) => {
                let _memory = self.part_memory(part.size).await?;
                let mut rest = Bytes::new();
                let bytes = next_part(part.size, &mut rest, &mut body).await?;
                if bytes.len() as u64 != part.size {
                    return Err(ended_early());
                }
                expect_end(&rest, &mut body).await?;
                if checksum.is_some_and(|checksum| !checksum.matches(&bytes)) {
                    return Err(lfs::Error::WrongChecksum.into());
                }
                let remote = session.remote()?.ok_or_else(gone)?;
                bucket.put_part(&session.key(bucket)?, &remote, number, bytes).await?;
            }
        }
        self.extend(session).await
    }
}

fn gone() -> Error {
    Error::not_found("the store no longer knows this upload; start it again")
}
