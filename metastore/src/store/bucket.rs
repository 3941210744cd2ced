//! Pack store in a bucket (object store), with timeouts, retries and fail-fast while it is unavailable.

use std::{
    io::Write as _,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, SystemTime},
};

use bytes::Bytes;
use futures::{StreamExt as _, TryStreamExt as _, stream::BoxStream};
use object_store::{
    GetOptions, GetRange, ObjectMeta, ObjectStore, ObjectStoreExt, PutPayload, WriteMultipart, path::Path as ObjectPath,
};
use tokio::{
    io::AsyncReadExt,
    sync::{Semaphore, mpsc},
    time::Instant,
};

use super::{
    StoredFile, stored_file,
    verify::{Digest, Trailer},
};
use crate::{Error, RepoKey, Result, blocking};

/// Part size of a multipart upload in bytes; together with [`PARTS`] it bounds memory use.
const PART: usize = 8 * 1024 * 1024;

/// Maximum number of parts in flight.
const PARTS: usize = 2;

/// Minimum time allowed for the upload of one part.
const PART_TIMEOUT: Duration = Duration::from_secs(60);

/// Maximum number of concurrent downloads in this process.
const DOWNLOADS: usize = 16;

/// Number of blocks buffered for the disk.
const WAITING: usize = 4;

/// Default timeout for a bucket that does not respond.
const STALL: Duration = Duration::from_secs(10);

/// Time for which the bucket counts as unavailable after a failed request.
const OUTAGE_TTL: Duration = Duration::from_secs(5);

/// A key that does not exist, used as a liveness probe.
const NOTHING: &str = "packs/nothing";

/// Initial pause between attempts; it doubles with each attempt.
const RETRY_DELAY: Duration = Duration::from_millis(50);

#[derive(Debug, Clone)]
pub(super) struct Bucket {
    objects: Arc<dyn ObjectStore>,
    downloads: Arc<Semaphore>,
    timeout: Duration,
    /// Time until which the bucket counts as unavailable.
    away: Arc<Mutex<Option<Instant>>>,
}

impl Bucket {
    pub(super) fn new(objects: Arc<dyn ObjectStore>) -> Self {
        let downloads = Arc::new(Semaphore::new(DOWNLOADS));
        Self { objects, downloads, timeout: STALL, away: Arc::default() }
    }

    pub(super) fn with_timeout(self, timeout: Duration) -> Self {
        Self { timeout, ..self }
    }

    pub(super) async fn put(&self, name: &str, bytes: Bytes) -> Result<()> {
        let target = ObjectPath::from(name);
        let mut timeout = StallTimeout::of(self).with_steps_of(PART_TIMEOUT);
        loop {
            let put = self.objects.put(&target, PutPayload::from_bytes(bytes.clone()));
            match timeout.wait(put).await {
                Ok(_) => return self.is_back(),
                Err(error) => timeout.pause_or_fail(error).await?,
            }
        }
    }

    pub(super) async fn put_file(&self, name: &str, source: &Path) -> Result<()> {
        let mut file = tokio::fs::File::open(source).await?;
        let bytes = file.metadata().await?.len();
        if bytes <= PART as u64 {
            let mut all = Vec::new();
            file.read_to_end(&mut all).await?;
            return self.put(name, all.into()).await;
        }
        let timeout = StallTimeout::of(self).with_steps_of(PART_TIMEOUT);
        let target = ObjectPath::from(name);
        let begun = timeout.wait(self.objects.put_multipart(&target)).await.map_err(|error| self.failed(error))?;
        let mut upload = WriteMultipart::new_with_chunk_size(begun, PART);
        let sent: Result<()> = async {
            loop {
                let mut part = Vec::with_capacity(PART);
                if (&mut file).take(PART as u64).read_to_end(&mut part).await? == 0 {
                    return Ok(());
                }
                let room = timeout.wait(upload.wait_for_capacity(PARTS)).await;
                room.map_err(|error| self.failed(error))?;
                upload.put(part.into());
            }
        }
        .await;
        match sent {
            Ok(()) => {
                // Covers all parts in flight and the assembly of the object by the bucket.
                let timeout = timeout.with_steps_of(3 * PART_TIMEOUT);
                timeout.wait(upload.finish()).await.map_err(|error| self.failed(error))?;
                self.is_back()
            }
            Err(error) => {
                // Best effort: unfinished uploads are removed by a lifecycle rule of the bucket.
                let _ = timeout.wait(upload.abort()).await;
                Err(error)
            }
        }
    }

    /// Downloads a file of `bytes` bytes to `target` and returns its trailer.
    pub(super) async fn fetch(&self, name: &str, bytes: u64, target: &Path) -> Result<Trailer> {
        let place = self.downloads.acquire().await;
        let _place = place.map_err(|_| Error::Internal("the store is shutting down".to_owned()))?;
        let mut second_chance = true;
        loop {
            match self.fetch_once(name, bytes, target).await {
                Ok(ending) if ending.bytes == bytes && ending.is_whole() => return Ok(ending),
                // Damaged in transit or in the bucket? If it happens twice, assume the bucket.
                Ok(_) if second_chance => second_chance = false,
                Ok(_) => return Err(Error::Corrupt(format!("{name} is damaged in the store"))),
                Err(error) => return Err(error),
            }
        }
    }

    /// Downloads once. A separate thread writes and hashes the bytes while more are received.
    async fn fetch_once(&self, name: &str, bytes: u64, target: &Path) -> Result<Trailer> {
        let (sender, mut receiver) = mpsc::channel::<Bytes>(WAITING);
        let target = target.to_owned();
        let writer = blocking::run(move || {
            let mut file = std::fs::File::create(target)?;
            let mut digest = Digest::default();
            while let Some(block) = receiver.blocking_recv() {
                file.write_all(&block)?;
                digest.update(&block);
            }
            digest.finish()
        });
        let (sent, written) = tokio::join!(self.stream(name, bytes, sender), writer);
        // First: if the disk is full, this is the cause of the failed download.
        let ending = written?;
        sent?;
        Ok(ending)
    }

    /// Streams the bytes, and resumes after a lost connection as long as there is progress.
    async fn stream(&self, name: &str, bytes: u64, sender: mpsc::Sender<Bytes>) -> Result<()> {
        let source = ObjectPath::from(name);
        let mut timeout = StallTimeout::of(self);
        let mut done = 0;
        loop {
            let range = (done > 0).then_some(GetRange::Offset(done));
            let attempt: Result<(), object_store::Error> = async {
                let answer =
                    timeout.wait(self.objects.get_opts(&source, GetOptions { range, ..Default::default() })).await?;
                let mut blocks = answer.into_stream();
                while let Some(block) = timeout.wait(blocks.try_next()).await? {
                    done += block.len() as u64;
                    timeout.renew();
                    if done > bytes || sender.send(block).await.is_err() {
                        break;
                    }
                }
                Ok(())
            }
            .await;
            match attempt {
                Ok(()) if done == bytes || sender.is_closed() => return self.is_back(),
                Ok(()) => return Err(Error::Corrupt(format!("the size of {name} in the store differs from its row"))),
                Err(object_store::Error::NotFound { .. }) => {
                    return Err(Error::Corrupt(format!("{name} is missing from the store")));
                }
                Err(_) if done == bytes => return self.is_back(),
                Err(error) => timeout.pause_or_fail(error).await?,
            }
        }
    }

    pub(super) async fn delete(&self, name: &str) -> Result<()> {
        let target = ObjectPath::from(name);
        let mut timeout = StallTimeout::of(self);
        loop {
            match timeout.wait(self.objects.delete(&target)).await {
                Ok(()) | Err(object_store::Error::NotFound { .. }) => return self.is_back(),
                Err(error) => timeout.pause_or_fail(error).await?,
            }
        }
    }

    pub(super) async fn list(&self, repo: &RepoKey) -> Result<Vec<StoredFile>> {
        let prefix = ObjectPath::from(format!("packs/{repo}"));
        self.files(&prefix).map_ok(|(_, file)| file).try_collect().await
    }

    pub(super) fn list_all(self) -> BoxStream<'static, Result<(RepoKey, StoredFile)>> {
        self.files(&ObjectPath::from("packs"))
    }

    fn files(&self, prefix: &ObjectPath) -> BoxStream<'static, Result<(RepoKey, StoredFile)>> {
        let listed = self.objects.list(Some(prefix));
        let bucket = self.clone();
        let found = futures::stream::try_unfold((bucket, listed), |(bucket, mut listed)| async move {
            let next = StallTimeout::of(&bucket).wait(listed.try_next()).await;
            match next.map_err(|error| bucket.failed(error))? {
                Some(meta) => Ok(Some((meta, (bucket, listed)))),
                None => Ok(None),
            }
        });
        found.try_filter_map(|meta| std::future::ready(Ok(file_of(&meta)))).boxed()
    }

    /// Records that the bucket is unavailable, so that following requests fail fast.
    fn failed(&self, error: object_store::Error) -> Error {
        *self.away.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now() + OUTAGE_TTL);
        Error::Unavailable(error.into())
    }

    /// Records that the bucket is available after a successful request.
    #[expect(clippy::unnecessary_wraps, reason = "it is the last call of fallible functions")]
    fn is_back(&self) -> Result<()> {
        *self.away.lock().unwrap_or_else(PoisonError::into_inner) = None;
        Ok(())
    }

    fn is_away(&self) -> bool {
        self.away.lock().unwrap_or_else(PoisonError::into_inner).is_some_and(|until| Instant::now() < until)
    }
}

fn file_of(meta: &ObjectMeta) -> Option<(RepoKey, StoredFile)> {
    let mut parts = meta.location.parts().map(|part| part.as_ref().to_owned()).skip(1);
    let (repo, name) = (parts.next()?, parts.next()?);
    let stored: SystemTime = meta.last_modified.into();
    Some((repo.parse().ok()?, stored_file(&name, meta.size, stored)?)).filter(|_| parts.next().is_none())
}

/// Timeout and retry state of one request to the bucket.
struct StallTimeout<'bucket> {
    bucket: &'bucket Bucket,
    /// Maximum time without progress.
    limit: Duration,
    /// Maximum time for one step.
    step: Duration,
    last_sign: Instant,
    pause: Duration,
}

impl<'bucket> StallTimeout<'bucket> {
    fn of(bucket: &'bucket Bucket) -> Self {
        let limit = if bucket.is_away() { bucket.timeout / 10 } else { bucket.timeout };
        Self { bucket, limit, step: limit, last_sign: Instant::now(), pause: RETRY_DELAY }
    }

    /// Extends the limit of steps that transfer many bytes without visible progress, as long as the bucket
    /// responds to other requests. No extension while the bucket is unavailable.
    fn with_steps_of(self, step: Duration) -> Self {
        if self.bucket.is_away() { self } else { Self { step: self.step.max(step), ..self } }
    }

    /// Resets the timeout after progress.
    fn renew(&mut self) {
        self.last_sign = Instant::now();
        self.pause = RETRY_DELAY;
    }

    /// Waits for one step. If it may take longer than the usual timeout, probes the bucket meanwhile to
    /// distinguish a slow bucket from one that does not respond.
    async fn wait<T>(&self, step: impl Future<Output = object_store::Result<T>>) -> object_store::Result<T> {
        let mut step = std::pin::pin!(step);
        let begun = Instant::now();
        let nothing = |waited: Duration| {
            let source = format!("no response for {} seconds", waited.as_secs_f32()).into();
            Err(object_store::Error::Generic { store: "bucket", source })
        };
        loop {
            let left = self.step.saturating_sub(begun.elapsed());
            if let Ok(end) = tokio::time::timeout(self.limit.min(left), step.as_mut()).await {
                return end;
            }
            if begun.elapsed() >= self.step {
                return nothing(self.step);
            }
            let small = ObjectPath::from(NOTHING);
            let sign = tokio::time::timeout(self.limit / 2, self.bucket.objects.head(&small));
            tokio::select! {
                end = step.as_mut() => return end,
                // "Not found" is a response too.
                sign = sign => if sign.is_err() { return nothing(begun.elapsed()) },
            }
        }
    }

    /// Pauses before the next attempt, or fails if there should be none.
    async fn pause_or_fail(&mut self, error: object_store::Error) -> Result<()> {
        use object_store::Error::{NotImplemented, NotSupported, PermissionDenied, Unauthenticated};
        let is_final = matches!(
            error,
            PermissionDenied { .. } | Unauthenticated { .. } | NotSupported { .. } | NotImplemented { .. }
        );
        if is_final || self.last_sign.elapsed() + self.pause >= self.limit {
            return Err(self.bucket.failed(error));
        }
        tracing::debug!(%error, "retrying the request to the bucket");
        tokio::time::sleep(self.pause).await;
        self.pause = (self.pause * 2).min(Duration::from_secs(1));
        Ok(())
    }
}
