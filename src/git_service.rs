//! Git and Git LFS hosting on top of datasets and storage: fetching, pushing with server-side rules, and file locks.

mod locks;
pub use self::locks::Locked;
pub use self::xet::XetAccess;
mod rules;
mod xet;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use lfs::batch::BatchRequest;
use metastore::RefName;
use metastore::wire::{self, Progress, Protocol, Push, PushHead, ReceiveLimits, Report, Service};
use tokio::io::AsyncRead;
use tokio::sync::Semaphore;

use crate::access::{Access, CreateGrant, DatasetGrant, Fetch, Right, Target, Upload, Write};
use crate::clock::Clock;
use crate::config::{DEFAULT_STORE, Limits};
use crate::datasets::ref_transaction::TransactionOptions;
use crate::datasets::{Datasets, repo_key};
use crate::db::Db;
use crate::error::{Error, Kind, Result};
use crate::storage::Storage;
use crate::types::Visibility;

/// Git and Git LFS hosting. Cheap to clone.
#[derive(Clone)]
pub struct GitService(Arc<Inner>);

struct Inner {
    access: Access,
    db: Db,
    drive: Datasets,
    storage: Storage,
    clock: Clock,
    pack_bytes: u64,
    receiving: Arc<Semaphore>,
}

/// How long a push waits for a free slot before it is refused as busy.
const QUEUE_TIMEOUT: Duration = Duration::from_secs(30);

/// The body of a response as a stream of bytes.
pub type ByteStream = futures::stream::BoxStream<'static, std::io::Result<Bytes>>;

impl GitService {
    /// Creates the service.
    pub fn new(access: Access, db: Db, drive: Datasets, storage: Storage, clock: Clock, limits: &Limits) -> Self {
        Self(Arc::new(Inner {
            access,
            db,
            drive,
            storage,
            clock,
            pack_bytes: limits.pack_bytes,
            receiving: Arc::new(Semaphore::new(limits.git_processes)),
        }))
    }

    /// Returns the ref advertisement for a fetch.
    pub async fn advertise_fetch(&self, grant: &DatasetGrant<Fetch>, protocol: Protocol) -> Result<Bytes> {
        let state = self.0.drive.state(&grant.narrow()).await?;
        Ok(wire::advertise(&state, Service::UploadPack, protocol))
    }

    /// Returns the ref advertisement for a push; without refs for a dataset that this push will create.
    pub async fn advertise_push(&self, target: &Target<Write>, protocol: Protocol) -> Result<Bytes> {
        match target {
            Target::Existing(grant) => {
                let state = self.0.drive.state(&grant.narrow()).await?;
                Ok(wire::advertise(&state, Service::ReceivePack, protocol))
            }
            Target::New(_) => Ok(wire::advertise_empty(&RefName::branch("main")?, Service::ReceivePack, protocol)),
        }
    }

    /// Serves a fetch. `body` is the request, decompressed. `share` resolves to the client's slot among the git
    /// processes; `None` if the client already uses all of its slots.
    pub async fn fetch<S: Send + Sync + 'static>(
        &self,
        grant: &DatasetGrant<Fetch>,
        protocol: Protocol,
        body: impl AsyncRead + Send + Unpin + 'static,
        share: impl Future<Output = Option<S>> + Send + 'static,
    ) -> Result<ByteStream> {
        let snapshot = self.0.drive.snapshot(&grant.narrow()).await?;
        let pack = wire::upload_pack(&snapshot, protocol, body, share).await?;
        Ok(Box::pin(pack))
    }

    /// Receives a push. The response carries progress and the report; a refusal is part of the report, not an error.
    ///
    /// # Errors
    /// Errors found before the whole body is read; busy if too many packs are being received, in total or from this
    /// client (`share`).
    pub async fn push<S: Send + 'static>(
        &self,
        target: Target<Write>,
        mut body: impl AsyncRead + Send + Unpin + 'static,
        share: impl Future<Output = Option<S>> + Send,
    ) -> Result<ByteStream> {
        let push = match Push::read(&mut body).await? {
            // git tests its credentials with an empty request before it sends a large pack.
            PushHead::Probe => return Ok(Box::pin(futures::stream::empty())),
            PushHead::Push(push) => push,
        };
        // A slow client must not block a slot: its pack is read before it takes one.
        let mut body = wire::read_ahead(self.0.drive.engine(), body, self.0.pack_bytes).await?;
        let share = share
            .await
            .ok_or_else(|| Error::busy("too many concurrent pushes from your address; try again in a moment"))?;
        // git does not retry, so a short wait is better than a refusal.
        let place = tokio::time::timeout(QUEUE_TIMEOUT, self.0.receiving.clone().acquire_owned()).await;
        let place = place.map_err(|_| Error::busy("too many concurrent pushes; try again in a moment"))?;
        let place = place.map_err(Error::internal)?;
        let grant = self.existing(target).await?;
        let hosting = self.clone();
        let request = crate::request::id();
        let response = wire::respond(push.capabilities.clone(), |progress| async move {
            let report = crate::request::scope(request, hosting.receive(&grant, &push, &mut body, &progress)).await;
            drop((place, share));
            match report {
                Ok(report) => report,
                Err(error) => {
                    error.log();
                    // A client that is still sending does not read the response yet.
                    wire::drain(&mut body).await;
                    Report::unpack_failed(&push, error.detail())
                }
            }
        });
        Ok(Box::pin(response.await))
    }

    async fn receive(
        &self,
        grant: &DatasetGrant<Write>,
        push: &Push,
        body: &mut (impl AsyncRead + Unpin),
        progress: &Progress,
    ) -> Result<Report> {
        let limits = ReceiveLimits { max_pack_bytes: self.0.pack_bytes };
        let snapshot = self.0.drive.snapshot(&grant.narrow()).await?;
        let quarantine = wire::receive(&snapshot, push, body, limits, progress).await?;
        let mut outcomes = quarantine.check_ref_edits();
        let locks = self.apply_rules(grant, push, snapshot.state(), &quarantine, progress, &mut outcomes).await?;
        push.settle(&mut outcomes);
        if outcomes.iter().all(Result::is_err) {
            return Ok(Report::new(push, outcomes));
        }
        let transaction = quarantine.into_transaction(&outcomes)?;
        // If the client disconnects now, the transaction must still complete.
        let (drive, landed_by, atomic) = (self.0.drive.clone(), grant.clone(), push.capabilities.atomic);
        let request = crate::request::id();
        let transaction = tokio::spawn(crate::request::scope(request, async move {
            let _turn = drive.write_lock(&repo_key(landed_by.id())?).await?;
            drive
                .apply_ref_transaction(
                    &landed_by,
                    transaction,
                    TransactionOptions { atomic, locks: &locks, ..TransactionOptions::default() },
                )
                .await
        }));
        let landed = transaction.await.map_err(Error::internal)??;
        let mut landed = landed.into_iter();
        for outcome in outcomes.iter_mut().filter(|outcome| outcome.is_ok()) {
            *outcome = landed.next().unwrap_or_else(|| Err("not processed".into()));
        }
        Ok(Report::new(push, outcomes))
    }

    /// Answers an LFS batch request for downloads.
    pub async fn batch_download(
        &self,
        grant: &DatasetGrant<Fetch>,
        request: &BatchRequest,
        base: &str,
    ) -> Result<Vec<u8>> {
        self.0.storage.batch_downloads(grant, request, base).await
    }

    /// Answers an LFS batch request for uploads. It precedes the push of the commits, so it may create the dataset.
    /// `is_bare` is true for clients that send a PUT without the headers given in the response.
    pub async fn batch_upload(
        &self,
        target: Target<Upload>,
        request: &BatchRequest,
        base: &str,
        is_bare: bool,
    ) -> Result<Vec<u8>> {
        if request.objects.iter().all(|object| object.wanted.is_err()) {
            return self.0.storage.empty_batch(request).await;
        }
        let grant = self.existing(target).await?;
        let xet = if request.offers_xet() { self.xet_action(&grant, base).await? } else { None };
        self.0.storage.batch_uploads(&grant, request, base, is_bare, xet).await
    }

    /// Returns the grant of a push, creating the dataset if it does not exist.
    async fn existing<R: Right>(&self, target: Target<R>) -> Result<DatasetGrant<R>> {
        let creation: CreateGrant = match target {
            Target::Existing(grant) => return Ok(grant),
            Target::New(creation) => creation,
        };
        match self.0.drive.create(&creation, Visibility::Private, DEFAULT_STORE).await {
            // Another first push created it at the same moment.
            Err(error) if error.kind() != Kind::Conflict => return Err(error),
            Ok(_) | Err(_) => {}
        }
        self.0.access.authorize(creation.actor(), creation.path()).await
    }
}
