//! What git and git-lfs ask of a server, in terms of drive and storage:
//! fetching, pushing with the rules of the house, locks.

mod infer;
mod locks;
pub use self::infer::TableFormat;
pub use self::locks::Locked;
mod rename;
mod rules;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use lfs::batch::BatchRequest;
use metastore::RefName;
use metastore::wire::{self, Outcome, Progress, Protocol, Push, PushHead, ReceiveLimits, Report, Service};
use tokio::io::AsyncRead;
use tokio::sync::Semaphore;

use crate::access::{Access, Creation, Fetch, Grant, Right, Target, Upload, Write};
use crate::clock::Clock;
use crate::config::{DEFAULT_STORE, Limits};
use crate::db::Db;
use crate::drive::land::Terms;
use crate::drive::{Drive, repo_key};
use crate::error::{Error, Kind, Result};
use crate::storage::Storage;
use crate::types::Visibility;

/// Git and LFS hosting. Cheap to clone.
#[derive(Clone)]
pub struct Hosting(Arc<Inner>);

struct Inner {
    access: Access,
    db: Db,
    drive: Drive,
    storage: Storage,
    clock: Clock,
    pack_bytes: u64,
    receiving: Arc<Semaphore>,
}

/// How long a push waits for its turn before it is told to come back.
const QUEUE: Duration = Duration::from_secs(30);

/// Bytes of a response as they come.
pub type ByteStream = futures::stream::BoxStream<'static, std::io::Result<Bytes>>;

impl Hosting {
    /// Puts it together.
    pub fn new(access: Access, db: Db, drive: Drive, storage: Storage, clock: Clock, limits: &Limits) -> Self {
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

    /// The refs, for who wants to fetch.
    pub async fn advertise_fetch(&self, grant: &Grant<Fetch>, protocol: Protocol) -> Result<Bytes> {
        let state = self.0.drive.state(&grant.narrow()).await?;
        Ok(wire::advertise(&state, Service::UploadPack, protocol))
    }

    /// The refs, for who wants to push; none yet for a dataset that this push will make.
    pub async fn advertise_push(&self, target: &Target<Write>, protocol: Protocol) -> Result<Bytes> {
        match target {
            Target::Existing(grant) => {
                let state = self.0.drive.state(&grant.narrow()).await?;
                Ok(wire::advertise(&state, Service::ReceivePack, protocol))
            }
            Target::New(_) => Ok(wire::advertise_empty(&RefName::branch("main")?, Service::ReceivePack, protocol)),
        }
    }

    /// Serves a fetch. `body` is the request, inflated. `share` is what the client needs of its own share of git
    /// processes; none if there is nothing left for it.
    pub async fn fetch<S: Send + Sync + 'static>(
        &self,
        grant: &Grant<Fetch>,
        protocol: Protocol,
        body: impl AsyncRead + Send + Unpin + 'static,
        share: impl Future<Output = Option<S>> + Send + 'static,
    ) -> Result<ByteStream> {
        let snapshot = self.0.drive.snapshot(&grant.narrow()).await?;
        let pack = wire::upload_pack(&snapshot, protocol, body, share).await?;
        Ok(Box::pin(pack))
    }

    /// Receives a push. The answer carries progress and the report; a refusal
    /// is part of the report, not an error.
    ///
    /// # Errors
    /// What is wrong before all of it is read, and busy over the limit of
    /// packs received at one time, or over the client's `share` of them.
    pub async fn push<S: Send + 'static>(
        &self,
        target: Target<Write>,
        mut body: impl AsyncRead + Send + Unpin + 'static,
        share: impl Future<Output = Option<S>> + Send,
    ) -> Result<ByteStream> {
        let push = match Push::read(&mut body).await? {
            // git tries its credentials with an empty request before it sends a big pack.
            PushHead::Probe => return Ok(Box::pin(futures::stream::empty())),
            PushHead::Push(push) => push,
        };
        // A client that sends slowly must not keep others from a place.
        let mut body = wire::read_ahead(self.0.drive.engine(), body, self.0.pack_bytes).await?;
        let share = share
            .await
            .ok_or_else(|| Error::busy("too many pushes at one time from your address; try again in a moment"))?;
        // git does not try again by itself, so a short wait is kinder than a refusal.
        let place = tokio::time::timeout(QUEUE, self.0.receiving.clone().acquire_owned()).await;
        let place = place.map_err(|_| Error::busy("too many pushes at one time; try again in a moment"))?;
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
                    // A client that is still sending does not listen.
                    wire::drain(&mut body).await;
                    Report::unpack_failed(&push, error.detail())
                }
            }
        });
        Ok(Box::pin(response.await))
    }

    async fn receive(
        &self,
        grant: &Grant<Write>,
        push: &Push,
        body: &mut (impl AsyncRead + Unpin),
        progress: &Progress,
    ) -> Result<Report> {
        let limits = ReceiveLimits { max_pack_bytes: self.0.pack_bytes };
        let snapshot = self.0.drive.snapshot(&grant.narrow()).await?;
        let quarantine = wire::receive(&snapshot, push, body, limits, progress).await?;
        let mut outcomes = quarantine.verdicts();
        let locks = self.apply_rules(grant, push, snapshot.state(), &quarantine, progress, &mut outcomes).await?;
        push.settle(&mut outcomes);
        if outcomes.iter().all(Result::is_err) {
            return Ok(Report::new(push, outcomes));
        }
        let landing = quarantine.into_landing(&outcomes)?;
        // A client that leaves now must not stop half way what may already be true.
        let (drive, landed_by, atomic) = (self.0.drive.clone(), grant.clone(), push.capabilities.atomic);
        let request = crate::request::id();
        let landing = tokio::spawn(crate::request::scope(request, async move {
            let _turn = drive.turn(&repo_key(landed_by.id())?).await?;
            drive.land(&landed_by, landing, Terms { atomic, locks: &locks, ..Terms::default() }).await
        }));
        let landed = landing.await.map_err(Error::internal)??;
        let mut landed = landed.into_iter();
        for outcome in outcomes.iter_mut().filter(|outcome| outcome.is_ok()) {
            *outcome = landed.next().unwrap_or_else(|| Err("not processed".into()));
        }
        Ok(Report::new(push, outcomes))
    }

    /// Answers an LFS batch that asks to download.
    pub async fn batch_download(&self, grant: &Grant<Fetch>, request: &BatchRequest, base: &str) -> Result<Vec<u8>> {
        self.0.storage.offer_downloads(grant, request, base).await
    }

    /// Answers an LFS batch that asks to upload; it comes before the push of
    /// the commits, so it may be what makes the dataset. `is_bare` is for clients that send a PUT without
    /// the headers that they are told.
    pub async fn batch_upload(
        &self,
        target: Target<Upload>,
        request: &BatchRequest,
        base: &str,
        is_bare: bool,
    ) -> Result<Vec<u8>> {
        if request.objects.iter().all(|object| object.wanted.is_err()) {
            return self.0.storage.offer_nothing(request).await;
        }
        let grant = self.existing(target).await?;
        self.0.storage.offer_uploads(&grant, request, base, is_bare).await
    }

    /// Makes the dataset that a push aims at, if it is not there.
    async fn existing<R: Right>(&self, target: Target<R>) -> Result<Grant<R>> {
        let creation: Creation = match target {
            Target::Existing(grant) => return Ok(grant),
            Target::New(creation) => creation,
        };
        match self.0.drive.create(&creation, Visibility::Private, DEFAULT_STORE).await {
            // Somebody else's first push made it at the same moment.
            Err(error) if error.kind() != Kind::Conflict => return Err(error),
            Ok(_) | Err(_) => {}
        }
        self.0.access.authorize(creation.actor(), creation.path()).await
    }
}

/// For messages: the first few of many.
fn some_of(mut names: Vec<String>) -> String {
    const SHOWN: usize = 3;
    let more = names.len().saturating_sub(SHOWN);
    names.truncate(SHOWN);
    let shown = names.join(", ");
    if more == 0 { shown } else { format!("{shown} and {more} more") }
}

/// One refusal for all commands that are still good.
fn refuse_all(outcomes: &mut [Outcome], is_concerned: impl Fn(usize) -> bool, reason: &str) {
    for (index, outcome) in outcomes.iter_mut().enumerate() {
        if outcome.is_ok() && is_concerned(index) {
            *outcome = Err(reason.to_owned());
        }
    }
}
