//! Bytes of datasets: which objects a dataset holds, signed URLs to move
//! them, and the store that proves them.

mod record;

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::{Stream, TryStreamExt as _};
use lfs::batch::{self, BatchRequest, Disposition, RequestedObject};
use lfs::sign::{SignError, Signer, Ticket, Verb};
use lfs::store::{Object, Stamp};
use lfs::{LocalStore, Oid};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use self::record::Recorder;
use crate::access::{Fetch, Grant, Upload};
use crate::clock::Clock;
use crate::config::Config;
use crate::db::{Db, unsigned};
use crate::error::{Error, Result};
use crate::types::Id;

/// Temporary files that nothing was written to for this long are left-overs.
const ABANDONED: Duration = Duration::from_hours(6);

/// Longer names, in characters, are cut.
const FILENAME: usize = 200;

/// Objects and who holds them. Cheap to clone.
#[derive(Clone)]
pub struct Storage(Arc<Inner>);

struct Inner {
    db: Db,
    recorder: Recorder,
    objects: LocalStore,
    signer: Signer,
    clock: Clock,
    lifetime: u32,
    object_bytes: Option<u64>,
    transfers: Arc<Semaphore>,
}

/// A permission to move one object, read from a signed URL, and a place among
/// the transfers that run at one time.
pub struct Transfer {
    /// What was signed.
    pub ticket: Ticket,
    permit: OwnedSemaphorePermit,
}

impl Storage {
    /// Opens the store in the configured folder.
    ///
    /// # Errors
    /// Invalid if the folder is empty and the database knows of objects: a disk that is not mounted
    /// must not be taken for one that has lost everything.
    pub async fn open(config: &Config, db: Db, clock: Clock, signing_key: [u8; 32]) -> Result<Self> {
        let folder = config.store().join("objects");
        let is_empty = std::fs::read_dir(&folder).map_or(true, |mut files| files.next().is_none());
        if is_empty && !db.read().await?.objects_after("", 1).await?.is_empty() {
            return Err(Error::invalid(format!(
                "the database knows of objects, but {0} is empty: mount the disk that holds them, or restore them. If \
                 they are lost, make an empty file {0}/README; what people still have comes back with \
                 `git lfs push --all`",
                folder.display()
            )));
        }
        Ok(Self(Arc::new(Inner {
            recorder: Recorder::new(db.clone(), clock.clone()),
            db,
            objects: LocalStore::open(folder)?,
            signer: Signer::new(signing_key),
            clock,
            lifetime: config.lifetimes.action,
            object_bytes: config.limits.object_bytes,
            transfers: Arc::new(Semaphore::new(config.limits.transfers)),
        })))
    }

    /// Answers a batch that asks to download: signed URLs for what the dataset holds.
    pub async fn offer_downloads(&self, grant: &Grant<Fetch>, request: &BatchRequest, base: &str) -> Result<Vec<u8>> {
        self.offer(grant.id(), request, base).await
    }

    /// Answers a batch that asks to upload: signed URLs for what the dataset
    /// does not hold yet. What other datasets hold makes no difference.
    pub async fn offer_uploads(&self, grant: &Grant<Upload>, request: &BatchRequest, base: &str) -> Result<Vec<u8>> {
        self.offer(grant.id(), request, base).await
    }

    /// Answers a batch that names no object that can be: with errors alone, for which no dataset is needed.
    pub async fn offer_nothing(&self, request: &BatchRequest) -> Result<Vec<u8>> {
        self.offer(Id::from_bytes([0; 16]), request, "").await
    }

    async fn offer(&self, repo: Id, request: &BatchRequest, base: &str) -> Result<Vec<u8>> {
        let oids: Vec<Oid> =
            request.objects.iter().filter_map(|object| object.wanted.as_ref().ok()).map(|wanted| wanted.0).collect();
        let held = self.held(repo, &oids).await?;
        // Rounded up, for the moment has a fraction.
        let expires = self.0.clock.now().seconds() + 1 + u64::from(self.0.lifetime);
        Ok(batch::answer(request, &held, self.0.object_bytes, |verb, oid, size, object| {
            let ticket = Ticket { verb, repository: *repo.as_bytes(), oid, size, expires };
            let query = if verb == Verb::Download { presentation(object) } else { String::new() };
            let token = self.0.signer.seal(&ticket, &query);
            let mut href = String::with_capacity(base.len() + token.len() + query.len() + 8);
            href.push_str(base);
            href.push_str("/_lfs/");
            href.push_str(&token);
            if !query.is_empty() {
                href.push('?');
                href.push_str(&query);
            }
            batch::Action { href, expires_in: self.0.lifetime, headers: Vec::new() }
        }))
    }

    /// Of these objects, those that the dataset holds, with their sizes.
    pub(crate) async fn held(&self, repo: Id, oids: &[Oid]) -> Result<HashMap<Oid, u64>> {
        if oids.is_empty() {
            return Ok(HashMap::new());
        }
        self.0.db.held(repo, oids).await
    }

    /// For each of these many objects, in order: whether the dataset holds it, and it has that size.
    pub(crate) async fn holds(&self, repo: Id, wanted: &[(Oid, u64)]) -> Result<Vec<bool>> {
        let mut holds = Vec::with_capacity(wanted.len());
        for page in wanted.chunks(1000) {
            let oids: Vec<Oid> = page.iter().map(|(oid, _)| *oid).collect();
            // Past the answers that are kept: these are asked for once, and may be a million.
            let held = self.0.db.read().await?.held(repo, &oids).await?;
            holds.extend(page.iter().map(|(oid, size)| held.get(oid) == Some(size)));
        }
        Ok(holds)
    }

    /// Opens a signed URL. `query` is the URL's query as it came, which the
    /// signature covers.
    ///
    /// # Errors
    /// Forbidden for a token that is forged, expired, or made for another
    /// verb (git-lfs then asks for a new one); busy over the limit of
    /// transfers at one time.
    pub fn admit(&self, token: &str, query: &str, verb: Verb) -> Result<Transfer> {
        let ticket = self.ticket(token, query, verb)?;
        let permit = self.0.transfers.clone().try_acquire_owned();
        let permit = permit.map_err(|_| Error::busy("too many transfers at one time; try again in a moment"))?;
        Ok(Transfer { ticket, permit })
    }

    /// What a signed URL permits; like [`Storage::admit`], but for work that is done at once.
    pub fn ticket(&self, token: &str, query: &str, verb: Verb) -> Result<Ticket> {
        let ticket = self.0.signer.open(token, query, self.0.clock.now().seconds()).map_err(|error| match error {
            SignError::Expired => Error::forbidden("this URL has expired; ask the batch API for a new one"),
            SignError::Malformed | SignError::Forged => Error::forbidden("this URL was not made by this server"),
        })?;
        if ticket.verb != verb {
            return Err(Error::forbidden("this URL was made for another operation"));
        }
        Ok(ticket)
    }

    /// Takes the bytes of an object. It is visible only if they are what the
    /// ticket says, and only to the ticket's dataset.
    ///
    /// # Errors
    /// Invalid for wrong bytes or a wrong size, known early from
    /// `content_length`; not found if the dataset is gone; full.
    pub async fn receive<S, E>(&self, transfer: Transfer, content_length: Option<u64>, body: S) -> Result<()>
    where
        S: Stream<Item = Result<Bytes, E>> + Unpin + Send,
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let Ticket { repository, oid, size, .. } = transfer.ticket;
        if content_length.is_some_and(|length| length != size) {
            return Err(Error::invalid(format!("the object has {size} bytes, but other than that were announced")));
        }
        let repo = Id::from_bytes(repository);
        if self.0.db.read().await?.repo(repo).await?.is_none() {
            return Err(Error::not_found("the dataset was deleted"));
        }
        self.0.objects.put(&oid, size, body).await?;
        self.0.recorder.hold(repo, oid, size).await?;
        metrics::counter!("rutter_lfs_received_bytes_total").increment(size);
        Ok(())
    }

    /// Opens an object for sending. The transfer's place is taken until the
    /// answer is dropped.
    pub async fn send(&self, transfer: &Transfer) -> Result<Object> {
        let Ticket { repository, oid, .. } = transfer.ticket;
        if self.held(Id::from_bytes(repository), &[oid]).await?.is_empty() {
            return Err(Error::not_found(format!("the dataset does not hold the object {oid}")));
        }
        let seen = match self.0.objects.get(&oid).await {
            Ok(object) if object.size() == transfer.ticket.size => return Ok(object),
            Ok(_) | Err(lfs::Error::NotFound(_)) => self.0.objects.stat(&oid).await?,
            Err(error) => return Err(error.into()),
        };
        if seen.is_some_and(|stamp| stamp.size == transfer.ticket.size) {
            return Err(Error::busy("the object came back in this moment; ask again"));
        }
        tracing::error!(%oid, "an object is missing in the store, or has another size");
        self.quarantine(&oid, seen).await?;
        Err(Error::not_found(format!("the object {oid} is damaged; push it again with `git lfs push --all`")))
    }

    /// Takes an object out of use, so that the next batch asks for its bytes again and a push heals
    /// it; unless its file is another than the one that was `seen`, for then that has happened.
    async fn quarantine(&self, oid: &Oid, seen: Option<Stamp>) -> Result<()> {
        let mut tx = self.0.db.write().await?;
        tx.set_in_use(oid, false).await?;
        // Who writes the object records it afterwards, which waits for this transaction.
        if self.0.objects.stat(oid).await? == seen {
            tx.commit().await?;
        }
        Ok(())
    }

    /// Confirms that an upload arrived.
    ///
    /// # Errors
    /// Not found if it did not; invalid for another size or object than the URL was made for.
    pub async fn verify(&self, ticket: &Ticket, oid: Oid, size: u64) -> Result<()> {
        if ticket.oid != oid {
            return Err(Error::invalid("this URL was made for another object"));
        }
        let held = self.held(Id::from_bytes(ticket.repository), &[oid]).await?;
        match held.get(&oid) {
            None => Err(Error::not_found(format!("the object {oid} has not arrived"))),
            Some(&stored) if stored != size => {
                Err(Error::invalid(format!("the object {oid} has {stored} bytes, not {size}")))
            }
            Some(_) => Ok(()),
        }
    }

    /// Removes what dead uploads left behind.
    pub async fn reap(&self) -> Result<usize> {
        Ok(self.0.objects.reap(ABANDONED).await?)
    }

    /// Compares rows and store, and re-hashes every object if `rehash`; those out of use always.
    /// Gives a sentence for each problem. Damaged objects are taken out of use, so that an upload of
    /// the right bytes heals them; those that turn out to be sound are used again.
    pub async fn check(&self, rehash: bool) -> Result<Vec<String>> {
        let mut problems = Vec::new();
        let mut after = String::new();
        loop {
            let page = self.0.db.read().await?.objects_after(&after, 1000).await?;
            let Some(last) = page.last() else { break };
            after.clone_from(&last.0);
            for (name, size, ready) in page {
                let oid: Oid = name.parse().map_err(Error::internal)?;
                let seen = self.0.objects.stat(&oid).await?;
                let problem = match seen {
                    None => Some("is missing"),
                    Some(stamp) if stamp.size != unsigned(size) => Some("has another size"),
                    Some(_) if rehash || !ready => (!self.is_sound(&oid).await?).then_some("has other bytes"),
                    Some(_) => None,
                };
                match problem {
                    Some(problem) if ready => {
                        problems.push(format!("object {oid} {problem}"));
                        self.quarantine(&oid, seen).await?;
                    }
                    Some(_) => {
                        problems.push(format!("object {oid} is damaged, and out of use until it is pushed again"));
                    }
                    None if ready => {}
                    None => {
                        let mut tx = self.0.db.write().await?;
                        tx.set_in_use(&oid, true).await?;
                        tx.commit().await?;
                        tracing::info!(%oid, "an object that was out of use is sound, and used again");
                    }
                }
            }
        }
        Ok(problems)
    }

    /// Whether the bytes of an object are what its name says.
    async fn is_sound(&self, oid: &Oid) -> Result<bool> {
        match self.0.objects.rehash(oid).await {
            Err(lfs::Error::NotFound(_)) => Ok(false),
            outcome => Ok(outcome?),
        }
    }
}

impl Transfer {
    /// Keeps the transfer's place taken for as long as the stream lives, and counts its bytes.
    pub fn guard(
        self,
        body: impl Stream<Item = std::io::Result<Bytes>> + Send + 'static,
    ) -> impl Stream<Item = std::io::Result<Bytes>> + Send + 'static {
        let sent = metrics::counter!("rutter_lfs_sent_bytes_total");
        body.inspect_ok(move |block| {
            let _place = &self.permit;
            sent.increment(block.len() as u64);
        })
    }
}

/// The query of a download URL: how the file should be called and shown.
fn presentation(object: &RequestedObject) -> String {
    let mut query = String::new();
    if let Some(filename) = &object.filename {
        query.push_str("filename=");
        // A URL has a limit, and names of files have one that is lower.
        let cut = filename.char_indices().nth(FILENAME).map_or(filename.len(), |(at, _)| at);
        for byte in filename[..cut].bytes() {
            if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
                query.push(char::from(byte));
            } else {
                let _ = write!(query, "%{byte:02X}");
            }
        }
    }
    if object.disposition == Some(Disposition::Inline) {
        query.push_str(if query.is_empty() { "disposition=inline" } else { "&disposition=inline" });
    }
    query
}
