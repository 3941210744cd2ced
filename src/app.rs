//! The composition root: builds all services from the configuration, for `main` and the tests alike.

mod backends;
mod job_handlers;
mod metrics;

use std::collections::HashSet;
use std::iter;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use lfs::store::Key;
use metastore::{Engine, Options, PackStore};
use tokio::sync::{Mutex, Notify, Semaphore, mpsc};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use self::job_handlers::JobHandlers;
use crate::access::jwt::Keys;
use crate::access::secret::ServerSecret;
use crate::access::{Access, AuditEvent, AuditRateLimit};
use crate::accounts::Accounts;
use crate::accounts::close_account::AccountCloser;
use crate::apps::Apps;
use crate::apps::backend::Backend;
use crate::check::Checker;
use crate::clock::Clock;
use crate::collect::Collector;
use crate::config::{Config, private_folder};
use crate::datasets::{Datasets, SqlInlinePacks};
use crate::db::Db;
use crate::discussions::Discussions;
use crate::error::{Error, Kind as ErrorKind, Result};
use crate::files::Files;
use crate::git_service::GitService;
use crate::jobs::{Duty, Wakers, Worker};
use crate::mail::Mailer;
use crate::oauth::OAuth;
use crate::pack::Packer;
use crate::share::Shares;
use crate::storage::{Place, Storage, Stores};
use crate::tables::{Conversions, Tables};

/// Capacity of the queue of audit notes; when it is full, notes are dropped.
const MAX_QUEUED_EVENTS: usize = 1024;

/// Concurrent background jobs, beside a derivation. Garbage collection, the scrub and hashing a large object can each
/// take long, and must not block each other or short jobs.
const WORKERS: usize = 4;

/// Timeout of each readiness probe.
const PROBE: Duration = Duration::from_secs(2);

/// Cache lifetime of the readiness result, so that frequent requests do not load the server.
const PROBE_AGE: Duration = Duration::from_secs(1);

/// All services of a server, or of one command. Cheap to clone.
#[derive(Clone)]
pub struct App(Arc<Services>);

/// The services of an [`App`].
pub struct Services {
    /// The configuration.
    pub config: Config,
    /// The clock.
    pub clock: Clock,
    /// The database.
    pub db: Db,
    /// Access control.
    pub access: Access,
    /// Users, organisations and tokens.
    pub accounts: Accounts,
    /// Closes accounts.
    pub departures: AccountCloser,
    /// Applications that act for users.
    pub oauth: OAuth,
    /// Installed apps.
    pub apps: Apps,
    /// Shares.
    pub shares: Shares,
    /// Datasets.
    pub datasets: Datasets,
    /// Discussions and proposals.
    pub discussions: Discussions,
    /// LFS objects.
    pub storage: Storage,
    /// Git and LFS protocols.
    pub git_service: GitService,
    /// Files for the browser.
    pub files: Files,
    /// Rows of tables.
    pub tables: Tables,
    /// Conversions of tables to Parquet.
    pub conversions: Conversions,
    /// Garbage collection.
    pub collector: Collector,
    /// Integrity checks.
    pub checker: Checker,
    /// Packing of old versions.
    pub packer: Packer,
    /// Runs background jobs.
    pub worker: Worker,
    notes: std::sync::Mutex<Option<mpsc::Receiver<AuditEvent>>>,
    readiness: Readiness,
}

/// Cached result of the readiness probes.
struct Readiness {
    last: Mutex<Option<(Instant, Vec<String>)>>,
    /// Limits store and cache to one probe at a time: a probe that hangs, for example on a dead network file system,
    /// blocks a thread until it ends.
    folders: [Arc<Semaphore>; 2],
}

impl std::ops::Deref for App {
    type Target = Services;

    fn deref(&self) -> &Services {
        &self.0
    }
}

impl App {
    /// Opens the database, the stores and the cache.
    pub async fn open(config: Config) -> Result<Self> {
        Self::open_at(config, Clock::default()).await
    }

    /// Like [`App::open`], with a clock that tests can advance.
    pub async fn open_at(config: Config, clock: Clock) -> Result<Self> {
        private_folder(&config.data)?;
        let secret = Arc::new(ServerSecret::load(&config)?);
        let backend = backends::connect(&config, &secret).await?;
        Self::open_with(config, clock, backend).await
    }

    /// Like [`App::open_at`], with a container engine that tests provide.
    pub async fn open_with(config: Config, clock: Clock, backend: Option<Arc<dyn Backend>>) -> Result<Self> {
        private_folder(&config.data)?;
        let secret = Arc::new(ServerSecret::load(&config)?);
        let (connections, query_timeout) = (config.limits.database_connections, config.limits.database_seconds);
        let db = Db::connect_with(&config.database_url(), connections, Duration::from_secs(query_timeout)).await?;
        let keys = Arc::new(Keys::load(&config, &db, &secret, &clock).await?);
        let (sender, notes) = mpsc::channel(MAX_QUEUED_EVENTS);
        let access = Access::new(db.clone(), keys, clock.clone(), sender, &config.accounts);

        let stores = Stores::open(&config, &db).await?;
        let packs = match stores.default_place()? {
            Place::Folder(root) => PackStore::local(root)?,
            Place::Bucket(bucket) => PackStore::remote(bucket.folder("")),
        };
        let mut options = Options::new(config.cache(), packs, Arc::new(SqlInlinePacks(db.clone())));
        options.git.clone_from(&config.git);
        options.max_concurrent_packs = config.limits.git_processes;
        options.git_object_bytes = config.limits.git_object_bytes;
        options.cache_bytes = Some(config.limits.cache_bytes);
        let engine = Engine::open(options)?;
        let queued = Arc::new(Notify::new());
        let drive =
            Datasets::new(db.clone(), engine, clock.clone(), config.public_url.clone(), config.quotas, queued.clone());
        let storage = Storage::new(&config, stores, db.clone(), clock.clone(), secret.derive("signed transfer URLs"));
        let hosting =
            GitService::new(access.clone(), db.clone(), drive.clone(), storage.clone(), clock.clone(), &config.limits);
        let signed = secret.derive("signed downloads");
        let files = Files::new(&config, db.clone(), drive.clone(), storage.clone(), clock.clone(), signed);
        let tables = Tables::new(&config, drive.clone(), files.clone(), clock.clone(), &secret)?;
        let wakers = Wakers { others: queued.clone(), ..Wakers::default() };
        let conversions = Conversions::new(
            tables.clone(),
            access.clone(),
            storage.clone(),
            (db.clone(), clock.clone()),
            wakers.derivations.clone(),
        );
        let collector = Collector::new(db.clone(), drive.clone(), storage.clone(), clock.clone(), config.grace());
        let round = config.scrub_round();
        let checker = Checker::new(db.clone(), drive.clone(), storage.clone(), clock.clone(), round);
        let packer = Packer::new(db.clone(), drive.clone(), storage.clone());
        let accounts = Accounts::new(&config, db.clone(), clock.clone(), secret.clone())?;
        let departures = AccountCloser::new(accounts.clone(), access.clone(), drive.clone());
        let oauth = OAuth::new(&config, db.clone(), clock.clone(), access.clone());
        let apps =
            Apps::new(&config, (db.clone(), clock.clone()), (access.clone(), oauth.clone()), &secret, backend, queued)?;
        let discussions = Discussions::new(&config, db.clone(), clock.clone(), access.clone(), drive.clone());
        let shares = Shares::new(&config, db.clone(), clock.clone(), access.clone(), secret);
        let work = JobHandlers {
            access: access.clone(),
            accounts: accounts.clone(),
            departures: departures.clone(),
            drive: drive.clone(),
            discussions: discussions.clone(),
            shares: shares.clone(),
            storage: storage.clone(),
            collector: collector.clone(),
            checker: checker.clone(),
            packer: packer.clone(),
            oauth: oauth.clone(),
            apps: apps.clone(),
            conversions: conversions.clone(),
            mailer: Mailer::new(&config, db.clone(), clock.clone())?,
            grace: config.grace(),
            collects: config.gc.enabled,
        };
        let worker = Worker::new(db.clone(), clock.clone(), wakers, work.performing());
        Ok(Self(Arc::new(Services {
            accounts,
            departures,
            oauth,
            apps,
            discussions,
            shares,
            config,
            clock,
            db,
            access,
            datasets: drive,
            storage,
            git_service: hosting,
            files,
            tables,
            conversions,
            collector,
            checker,
            packer,
            worker,
            notes: std::sync::Mutex::new(Some(notes)),
            readiness: Readiness { last: Mutex::new(None), folders: [(); 2].map(|()| Arc::new(Semaphore::new(1))) },
        })))
    }

    /// Starts the background tasks; they end soon after `stop`.
    pub fn start(&self, tasks: &TaskTracker, stop: &CancellationToken) {
        for duty in iter::once(Duty::Derivations).chain(iter::repeat_n(Duty::Others, WORKERS)) {
            let (app, token) = (self.clone(), stop.clone());
            tasks.spawn(async move { app.worker.run(duty, token).await });
        }
        let (app, token) = (self.clone(), stop.clone());
        tasks.spawn(async move { app.access.keys().ours().keep_current(token).await });
        let notes = self.notes.lock().expect("no panic while it is locked").take();
        if let Some(notes) = notes {
            let (app, token) = (self.clone(), stop.clone());
            tasks.spawn(async move { app.write_notes(notes, token).await });
        }
    }

    /// Checks that the server is ready: the database can be queried, the store and the cache can be written to, and
    /// git can be run.
    ///
    /// # Errors
    /// Unavailable; the message names all parts that fail, the log has their causes.
    pub async fn ready(&self) -> Result<()> {
        // Concurrent requests wait for the same probe.
        let mut last = self.readiness.last.lock().await;
        let failing = match last.take() {
            Some((at, failing)) if at.elapsed() < PROBE_AGE => last.insert((at, failing)),
            _ => last.insert((Instant::now(), self.failing().await)),
        };
        match failing.1.as_slice() {
            [] => Ok(()),
            parts => Err(Error::unavailable(format!("not ready: {}", parts.join("; ")))),
        }
    }

    /// Probes all parts, and returns a message for each one that fails.
    async fn failing(&self) -> Vec<String> {
        let cache = self.config.cache();
        let [store_turn, cache_turn] = &self.readiness.folders;
        let database = async { self.db.read().await?.ping().await };
        let git = async { self.datasets.engine().git_version().await.map(drop).map_err(Error::from) };
        let parts = tokio::join!(
            probe("the database", "cannot be queried", database),
            probe("the store", "is not writable", self.store_works(store_turn)),
            // The cache may be deleted at any time, and is created again.
            probe("the cache", "is not writable", writable(cache_turn, cache, true)),
            probe("git", "cannot be run", git),
        );
        [parts.0, parts.1, parts.2, parts.3].into_iter().flatten().collect()
    }

    async fn store_works(&self, turn: &Arc<Semaphore>) -> Result<()> {
        match self.storage.default_place()? {
            Place::Folder(root) => writable(turn, root.to_owned(), false).await,
            // This object does not exist: any response shows that the bucket works.
            Place::Bucket(bucket) => Ok(bucket.stat(&Key::staging([0; 16])).await.map(drop)?),
        }
    }

    /// Writes queued audit notes in batches.
    async fn write_notes(&self, mut notes: mpsc::Receiver<AuditEvent>, stop: CancellationToken) {
        let (mut bundle, mut quota) = (Vec::new(), AuditRateLimit::default());
        loop {
            let received = tokio::select! {
                received = notes.recv_many(&mut bundle, MAX_QUEUED_EVENTS) => received,
                () = stop.cancelled() => 0,
            };
            if received == 0 {
                return;
            }
            if let Err(error) = self.write_bundle(bundle.drain(..), &mut quota).await {
                tracing::warn!(%error, "cannot write audit notes");
            }
            // Wait, so that a burst becomes one transaction instead of a thousand.
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    async fn write_bundle(&self, notes: impl Iterator<Item = AuditEvent>, quota: &mut AuditRateLimit) -> Result<()> {
        let (now, mut apps_used) = (self.clock.now(), HashSet::new());
        let mut tx = self.db.write().await?;
        for note in notes {
            match note {
                AuditEvent::AppUsed(install) if !apps_used.insert(install) => {}
                AuditEvent::Used(token) => tx.touch_token(token, now).await?,
                AuditEvent::Seen(session) => tx.touch_session(session, now).await?,
                AuditEvent::AppUsed(install) => tx.touch_install(install, now).await?,
                AuditEvent::Shared(share) => tx.touch_share(share, now).await?,
                // Not counted if the share was revoked or changed meanwhile.
                AuditEvent::Downloaded { opening, share, subject } => {
                    let _: bool = tx.count_download(&opening, share, &subject, now).await?;
                }
                AuditEvent::Refused { actor, right, path, request } => {
                    if quota.admits(&actor, now) {
                        tx.insert_audit(self.clock.id(), now, &actor, "access.refused", &path, right, &request).await?;
                    }
                }
            }
        }
        tx.commit().await
    }
}

/// Runs a probe. Returns what is wrong, without the cause, which may contain paths.
async fn probe(part: &str, wrong: &str, works: impl Future<Output = Result<()>>) -> Option<String> {
    let error = match tokio::time::timeout(PROBE, works).await {
        Ok(Ok(())) => return None,
        Ok(Err(error)) => error,
        Err(_) => Error::unavailable(format!("{part} is unavailable")),
    };
    tracing::error!(part, ?error, "readiness probe failed");
    Some(match error.kind() {
        ErrorKind::Full => format!("{part} is full"),
        ErrorKind::Unavailable => format!("{part} is unavailable"),
        _ => format!("{part} {wrong}"),
    })
}

async fn writable(turn: &Arc<Semaphore>, folder: PathBuf, make: bool) -> Result<()> {
    let turn = turn.clone().acquire_owned().await.map_err(Error::internal)?;
    crate::blocking(move || {
        let _turn = turn;
        if make {
            private_folder(&folder)?;
        }
        // Cleaned up at the next start if the server crashes here.
        let file = folder.join(format!("tmp-ready-{}", std::process::id()));
        std::fs::write(&file, "ready")?;
        Ok(std::fs::remove_file(&file)?)
    })
    .await?
}
