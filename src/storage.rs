//! Object storage: the LFS objects of datasets, presigned URLs to transfer them, and the stores that verify them.

pub mod check;
pub mod collect;
mod download_url;
pub mod holdings;
mod holdings_writer;
pub mod inspect;
pub(crate) mod object_reader;
mod object_reuse;
mod packed;
pub mod quota;
pub(crate) mod read_range;
mod signed;
mod stores;
mod transfers;
pub mod upload_sessions;
pub mod xet;

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use lfs::Oid;
use lfs::batch::{self, BatchRequest, Disposition, Operation, RequestedObject, Transfer as Way, TransferOffer};
use lfs::sign::{SignedClaim, Signer, Step, Verb};
use lfs::store::SignedUrl;
use tokio::sync::Semaphore;

use self::holdings_writer::HoldingsWriter;
use self::packed::XorbCache;
pub use self::packed::{PackSummary, XetDownload, XetRange, XetTerm};
use self::stores::Store;
pub use self::stores::{Place, Stores};
use self::transfers::counted;
pub use self::transfers::{Sending, Transfer};
use self::upload_sessions::{BegunUpload, Turns, UploadSession, UploadTarget};
use crate::access::{DatasetGrant, Fetch, Upload};
use crate::clock::Clock;
use crate::config::{Config, DEFAULT_STORE, Quotas};
use crate::db::Db;
use crate::db::datasets::DatasetRow;
use crate::db::objects::Held;
use crate::error::{Error, Result};
use crate::quota::EffectiveQuota;
use crate::types::{Id, url_segment};

/// Temporary files not written to for this long are abandoned.
const ABANDONED: Duration = Duration::from_hours(6);

/// Maximum length of a file name in a download URL, in characters; longer names are cut.
const FILENAME: usize = 200;

/// The object storage service. Cheap to clone.
#[derive(Clone)]
pub struct Storage(Arc<Inner>);

struct Inner {
    db: Db,
    holdings_writer: HoldingsWriter,
    stores: Stores,
    signer: Signer,
    clock: Clock,
    lifetime: u32,
    object_bytes: Option<u64>,
    quotas: Quotas,
    hash_bytes: u64,
    offered: TransferOffer,
    upload_lifetime: Duration,
    turns: Turns,
    transfers: Arc<Semaphore>,
    /// Memory limit in MiB for parts on their way to a bucket.
    part_memory: Arc<Semaphore>,
    /// The lists of chunks of recently read xorbs.
    xorbs: XorbCache,
    /// Memory limit in MiB for shards. Never acquired after `part_memory`.
    shard_memory: Arc<Semaphore>,
}

impl Storage {
    /// Creates the service.
    pub fn new(config: &Config, stores: Stores, db: Db, clock: Clock, signing_key: [u8; 32]) -> Self {
        Self(Arc::new(Inner {
            holdings_writer: HoldingsWriter::new(db.clone(), clock.clone(), config.quotas),
            stores,
            db,
            signer: Signer::new(signing_key),
            clock,
            lifetime: config.ttl.action,
            object_bytes: config.limits.object_bytes,
            quotas: config.quotas,
            hash_bytes: config.limits.verify_before_commit_max,
            offered: TransferOffer {
                from: config.limits.multipart_threshold,
                multipart_basic: true,
                multipart: true,
                tus: true,
                xet: false,
            },
            upload_lifetime: Duration::from_secs(config.ttl.upload),
            turns: Turns::default(),
            transfers: Arc::new(Semaphore::new(config.limits.transfers)),
            part_memory: Arc::new(Semaphore::new(upload_sessions::PART_MEMORY_MIB)),
            xorbs: XorbCache::default(),
            shard_memory: Arc::new(Semaphore::new(xet::SHARD_MEMORY_MIB)),
        }))
    }

    /// Returns the location of the default store.
    pub fn default_place(&self) -> Result<Place<'_>> {
        self.0.stores.default_place()
    }

    /// Returns the public origins of the buckets (`https://host:port`).
    pub fn origins(&self) -> Vec<String> {
        self.0.stores.origins()
    }

    /// Checks that a store of this name is configured.
    ///
    /// # Errors
    /// Invalid if it is not.
    pub fn expect_store(&self, name: &str) -> Result<()> {
        if self.0.stores.names().any(|known| known == name) {
            return Ok(());
        }
        let known = self.0.stores.names().collect::<Vec<_>>().join(", ");
        Err(Error::invalid(format!("store `{name}` not found; configured stores: {known}")))
    }

    /// Answers a batch request for downloads: presigned URLs for the objects that the dataset holds.
    pub async fn batch_downloads(
        &self,
        grant: &DatasetGrant<Fetch>,
        request: &BatchRequest,
        base: &str,
    ) -> Result<Vec<u8>> {
        // Boxed: otherwise the state of its rare branches would enlarge the future of every request.
        Box::pin(self.batch_response(grant.id(), &grant.dataset().store, None, request, base, false, None)).await
    }

    /// Answers a batch request for uploads: presigned URLs for objects that the dataset does not hold yet. What other
    /// datasets hold makes no difference. `is_bare` is true for clients that send a PUT without the headers given in
    /// the response; `xet` is the upload action if the client can use Xet.
    pub async fn batch_uploads(
        &self,
        grant: &DatasetGrant<Upload>,
        request: &BatchRequest,
        base: &str,
        is_bare: bool,
        xet: Option<batch::Action>,
    ) -> Result<Vec<u8>> {
        let dataset = grant.dataset();
        Box::pin(self.batch_response(dataset.id, &dataset.store, Some(dataset), request, base, is_bare, xet)).await
    }

    /// Answers a batch request without a valid object: only errors, for which no dataset is needed.
    pub async fn empty_batch(&self, request: &BatchRequest) -> Result<Vec<u8>> {
        Box::pin(self.batch_response(Id::from_bytes([0; 16]), DEFAULT_STORE, None, request, "", false, None)).await
    }

    /// `uploader` is the dataset whose usage new objects count towards.
    #[expect(clippy::too_many_arguments, reason = "all of them are parts of the request")]
    async fn batch_response(
        &self,
        repo: Id,
        store: &str,
        uploader: Option<&DatasetRow>,
        request: &BatchRequest,
        base: &str,
        is_bare: bool,
        xet: Option<batch::Action>,
    ) -> Result<Vec<u8>> {
        let oids: Vec<Oid> =
            request.objects.iter().filter_map(|object| object.wanted.as_ref().ok()).map(|wanted| wanted.0).collect();
        let held = self.held(repo, &oids).await?;
        let sizes: HashMap<Oid, u64> = held.iter().map(|(oid, held)| (*oid, held.size)).collect();
        let bounded = uploader.filter(|dataset| EffectiveQuota::of(dataset, &self.0.quotas).is_some());
        let within = match bounded {
            Some(_) => Box::pin(self.within_quota(bounded, request, &sizes)).await?,
            None => Cow::Borrowed(request),
        };
        let request = &*within;
        let offered = match self.0.stores.named(store)? {
            // The client requires an ETag for each part, which Azure does not return.
            Store::Bucket(bucket) if !bucket.takes_bare_uploads() => {
                TransferOffer { multipart: false, ..self.0.offered }
            }
            Store::Bucket(_) | Store::Folder(_) => self.0.offered,
        };
        let offered = TransferOffer { xet: xet.is_some(), ..offered };
        let plan = request.negotiate(&offered, &sizes, self.0.object_bytes);
        let plan = plan.map_err(|error| Error::invalid(error.message))?;
        let begun = match uploader {
            Some(dataset) if !plan.begin.is_empty() => {
                Box::pin(self.begin_objects(dataset, store, &plan.begin, &request.objects)).await?
            }
            Some(_) | None => HashMap::new(),
        };
        let now = self.0.clock.now().seconds();
        // Rounded up, since the current time has a fraction.
        let urls = Urls { storage: self, repo, store, base, expires: now + 1 + u64::from(self.0.lifetime) };
        if let Some(xet) = xet.filter(|_| plan.transfer == Way::Xet) {
            let action = |_, _, _, _: &RequestedObject| xet.clone();
            return Ok(urls.answer(request, plan.transfer, &sizes, self.0.object_bytes, &begun, action, |_, _| None));
        }
        match self.0.stores.named(store)? {
            Store::Folder(_) => {
                let action = |verb, oid, size, object: &RequestedObject| match begun.get(&oid) {
                    Some(begun) => urls.own(verb, oid, size, begun.query()),
                    None if verb == Verb::Download => urls.own(verb, oid, size, presentation(object)),
                    None => urls.own(verb, oid, size, String::new()),
                };
                Ok(urls.answer(request, plan.transfer, &sizes, self.0.object_bytes, &begun, action, |_, _| None))
            }
            Store::Bucket(bucket) => {
                let signer = Box::pin(bucket.signer(now, self.0.lifetime)).await?;
                let direct = |url: SignedUrl| batch::Action {
                    href: url.href,
                    expires_in: signer.lifetime(),
                    headers: url.headers,
                };
                let is_bare = is_bare || request.may_ignore_headers();
                let mut targets = match bounded {
                    Some(dataset) => {
                        let mut wanted = request.news(&sizes, self.0.object_bytes);
                        wanted.retain(|(oid, size)| *size > 0 && !begun.contains_key(oid));
                        Box::pin(self.offer_direct(dataset, store, bucket, is_bare, &wanted)).await?
                    }
                    None => HashMap::new(),
                };
                let mut target =
                    |oid| *targets.entry(oid).or_insert_with(|| (UploadTarget::new(bucket, is_bare), None));
                let is_part = is_bare && !bucket.takes_bare_uploads();
                let action = |verb, oid, size, object: &RequestedObject| match (verb, begun.get(&oid)) {
                    (Verb::Verify, Some(begun)) => urls.own(verb, oid, size, begun.query()),
                    (Verb::Verify, None) => {
                        let (target, recorded) = target(oid);
                        urls.own(verb, oid, size, target.query(recorded))
                    }
                    (Verb::Upload, _) => direct(target(oid).0.upload(&signer, &oid, is_part)),
                    (Verb::Download, _) if held.get(&oid).is_some_and(|held| held.is_packed) => {
                        urls.own(verb, oid, size, presentation(object))
                    }
                    (Verb::Download, _) => {
                        let place = held.get(&oid).map(|held| Arc::clone(&held.place)).unwrap_or_default();
                        match stores::key(&oid, &place) {
                            Ok(key) => direct(signer.download(&key, content_disposition(object).as_deref())),
                            // The server wrote this key, so it parses; for any other, the URL ends in "not found".
                            Err(_) => urls.own(verb, oid, size, String::new()),
                        }
                    }
                };
                let part = |step, upload: &UploadSession| upload.part_url(bucket, &signer, step).map(direct);
                // Larger objects require a multipart upload.
                let most = bucket.largest_upload();
                let max = if plan.transfer == Way::Basic && request.operation == Operation::Upload {
                    Some(self.0.object_bytes.map_or(most, |max| max.min(most)))
                } else {
                    self.0.object_bytes
                };
                Ok(urls.answer(request, plan.transfer, &sizes, max, &begun, action, part))
            }
        }
    }

    /// Returns those of these objects that the dataset holds.
    pub(crate) async fn held(&self, repo: Id, oids: &[Oid]) -> Result<HashMap<Oid, Held>> {
        if oids.is_empty() {
            return Ok(HashMap::new());
        }
        self.0.db.held(repo, oids).await
    }

    /// Deletes abandoned uploads and temporary files, and the files of objects that were packed. Returns their number.
    pub async fn reap(&self) -> Result<usize> {
        Ok(self.delete_whole_copies().await?
            + self.0.stores.reap(ABANDONED, 2 * self.0.upload_lifetime).await?
            + self.sweep_uploads().await?)
    }
}

/// Creates signed URLs of this server.
struct Urls<'a> {
    storage: &'a Storage,
    repo: Id,
    store: &'a str,
    base: &'a str,
    expires: u64,
}

impl Urls<'_> {
    /// Builds the batch response. `part` can return the URL of a bucket for an upload step, which is used instead of
    /// ours.
    #[expect(clippy::too_many_arguments, reason = "all of them are parts of the response")]
    fn answer(
        &self,
        request: &BatchRequest,
        transfer: Way,
        sizes: &HashMap<Oid, u64>,
        max: Option<u64>,
        begun: &HashMap<Oid, BegunUpload>,
        mut action: impl FnMut(Verb, Oid, u64, &RequestedObject) -> batch::Action,
        part: impl Fn(Step, &UploadSession) -> Option<batch::Action>,
    ) -> Vec<u8> {
        let action = |verb, oid, size, object: &RequestedObject| {
            signed::count(verb);
            action(verb, oid, size, object)
        };
        if begun.is_empty() && transfer == Way::Basic {
            return batch::answer(request, sizes, max, action);
        }
        batch::answer_uploads(request, transfer, sizes, max, begun, action, |step, upload: &BegunUpload, _, size| {
            signed::count_step(step);
            part(step, &upload.session).unwrap_or_else(|| batch::Action {
                href: self.storage.upload_url(self, step, &upload.started, size),
                expires_in: self.storage.0.lifetime,
                headers: Vec::new(),
            })
        })
    }

    /// Creates a signed URL of this server, with its query.
    fn own(&self, verb: Verb, oid: Oid, size: u64, mut query: String) -> batch::Action {
        let Inner { signer, lifetime, .. } = &*self.storage.0;
        if self.store != DEFAULT_STORE {
            query.push_str(if query.is_empty() { "store=" } else { "&store=" });
            query.push_str(self.store);
        }
        let ticket = SignedClaim { verb, repository: *self.repo.as_bytes(), oid, size, expires: self.expires };
        let token = signer.seal(&ticket, &query);
        let mut href = String::with_capacity(self.base.len() + token.len() + query.len() + 8);
        href.push_str(self.base);
        href.push_str("/_lfs/");
        href.push_str(&token);
        if !query.is_empty() {
            href.push('?');
            href.push_str(&query);
        }
        batch::Action { href, expires_in: *lifetime, headers: Vec::new() }
    }
}

/// Returns the `Content-Disposition` of a download.
fn content_disposition(object: &RequestedObject) -> Option<String> {
    let inline = object.disposition == Some(Disposition::Inline);
    let filename = object.filename.as_deref().unwrap_or_default();
    let cut = filename.char_indices().nth(FILENAME).map_or(filename.len(), |(at, _)| at);
    (inline || !filename.is_empty()).then(|| lfs::range::content_disposition(&filename[..cut], inline))
}

/// Returns the query of a download URL: file name and disposition.
fn presentation(object: &RequestedObject) -> String {
    presented(object.filename.as_deref(), object.disposition == Some(Disposition::Inline))
}

fn presented(filename: Option<&str>, inline: bool) -> String {
    let mut query = String::new();
    if let Some(filename) = filename {
        query.push_str("filename=");
        // URLs have a maximum length; file names get a lower one.
        let cut = filename.char_indices().nth(FILENAME).map_or(filename.len(), |(at, _)| at);
        query.push_str(&url_segment(&filename[..cut]));
    }
    if inline {
        query.push_str(if query.is_empty() { "disposition=inline" } else { "&disposition=inline" });
    }
    query
}
