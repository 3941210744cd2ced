//! Every service, built from the configuration: the only composition root.
//! `main` and the tests use the same one.

mod figures;
mod work;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use lfs::store::Key;
use metastore::{Engine, Options, PackStore};
use tokio::sync::{Mutex, Semaphore, mpsc};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use self::work::Work;
use crate::access::jwt::Keys;
use crate::access::secret::ServerSecret;
use crate::access::{Access, Note, RefusalQuota};
use crate::accounts::Accounts;
use crate::accounts::leaving::Departures;
use crate::check::Checker;
use crate::clock::Clock;
use crate::collect::Collector;
use crate::config::{Config, private_folder};
use crate::db::Db;
use crate::drive::{Drive, Rows};
use crate::error::{Error, Kind as ErrorKind, Result};
use crate::files::Files;
use crate::hosting::Hosting;
use crate::jobs::Worker;
use crate::mail::Mailer;
use crate::share::Shares;
use crate::storage::{Place, Storage, Stores};

/// Notes that wait to be written down; more are lost.
const NOTES: usize = 1024;

/// Jobs at one time: collecting garbage, the scrub and hashing a large object may each take long, and none of them must
/// keep the others, or what is quick, from being done.
const WORKERS: usize = 4;

/// How long each part may take to show that it works.
const PROBE: Duration = Duration::from_secs(2);

/// For how long it is believed: nobody can keep the server busy by asking.
const PROBE_AGE: Duration = Duration::from_secs(1);

/// The whole of a server, or of one command. Cheap to clone.
#[derive(Clone)]
pub struct App(Arc<Services>);

/// What is in an [`App`].
pub struct Services {
    /// What the operator decided.
    pub config: Config,
    /// Time.
    pub clock: Clock,
    /// The database.
    pub db: Db,
    /// Who may do what.
    pub access: Access,
    /// Users, organisations, tokens.
    pub accounts: Accounts,
    /// How accounts end.
    pub departures: Departures,
    /// Shares.
    pub shares: Shares,
    /// Datasets.
    pub drive: Drive,
    /// Objects.
    pub storage: Storage,
    /// Git and LFS.
    pub hosting: Hosting,
    /// Files as the browser shows them.
    pub files: Files,
    /// Collecting garbage.
    pub collector: Collector,
    /// Checking what is stored.
    pub checker: Checker,
    /// Background work.
    pub worker: Worker,
    notes: std::sync::Mutex<Option<mpsc::Receiver<Note>>>,
    readiness: Readiness,
}

/// What was last known about the parts that a server needs.
struct Readiness {
    last: Mutex<Option<(Instant, Vec<String>)>>,
    /// One probe at a time for store and cache: one that hangs, as on a dead
    /// network file system, holds a thread until it ends.
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

    /// Like [`App::open`], with a clock that the caller can move.
    pub async fn open_at(config: Config, clock: Clock) -> Result<Self> {
        private_folder(&config.data)?;
        let secret = Arc::new(ServerSecret::load(&config)?);
        let (connections, patience) = (config.limits.database_connections, config.limits.database_seconds);
        let db = Db::connect_with(&config.database_url(), connections, Duration::from_secs(patience)).await?;
        let keys = Arc::new(Keys::load(&config, &db, &secret, &clock).await?);
        let (sender, notes) = mpsc::channel(NOTES);
        let access = Access::new(db.clone(), keys, clock.clone(), sender, config.accounts.session_idle());

        let stores = Stores::open(&config, &db).await?;
        let packs = match stores.default_place()? {
            Place::Folder(root) => PackStore::local(root)?,
            Place::Bucket(bucket) => PackStore::remote(bucket.folder("")),
        };
        let mut options = Options::new(config.cache(), packs, Arc::new(Rows(db.clone())));
        options.git.clone_from(&config.git);
        options.max_concurrent_packs = config.limits.git_processes;
        options.git_object_bytes = config.limits.git_object_bytes;
        options.cache_bytes = Some(config.limits.cache_bytes);
        let engine = Engine::open(options)?;
        let drive = Drive::new(db.clone(), engine, clock.clone(), config.public_url.clone(), config.quotas);
        let storage = Storage::new(&config, stores, db.clone(), clock.clone(), secret.derive("signed transfer URLs"));
        let hosting =
            Hosting::new(access.clone(), db.clone(), drive.clone(), storage.clone(), clock.clone(), &config.limits);
        let signed = secret.derive("signed downloads");
        let files = Files::new(&config, db.clone(), drive.clone(), storage.clone(), clock.clone(), signed);
        let collector = Collector::new(db.clone(), drive.clone(), storage.clone(), clock.clone(), config.grace());
        let round = config.scrub_round();
        let checker = Checker::new(db.clone(), drive.clone(), storage.clone(), clock.clone(), round);
        let accounts = Accounts::new(&config, db.clone(), clock.clone());
        let departures = Departures::new(accounts.clone(), access.clone(), drive.clone(), hosting.clone());
        let work = Work {
            access: access.clone(),
            accounts: accounts.clone(),
            departures: departures.clone(),
            drive: drive.clone(),
            storage: storage.clone(),
            collector: collector.clone(),
            checker: checker.clone(),
            mailer: Mailer::new(&config, db.clone(), clock.clone())?,
            grace: config.grace(),
            collects: config.gc.enabled,
        };
        let worker = Worker::new(db.clone(), clock.clone(), work.performing());
        Ok(Self(Arc::new(Services {
            accounts,
            departures,
            shares: Shares::new(&config, db.clone(), clock.clone(), access.clone(), secret),
            config,
            clock,
            db,
            access,
            drive,
            storage,
            hosting,
            files,
            collector,
            checker,
            worker,
            notes: std::sync::Mutex::new(Some(notes)),
            readiness: Readiness { last: Mutex::new(None), folders: [(); 2].map(|()| Arc::new(Semaphore::new(1))) },
        })))
    }

    /// Starts background work; it ends soon after `stop`.
    pub fn start(&self, tasks: &TaskTracker, stop: &CancellationToken) {
        for _ in 0..WORKERS {
            let (app, token) = (self.clone(), stop.clone());
            tasks.spawn(async move { app.worker.run(token).await });
        }
        let notes = self.notes.lock().expect("nobody panics while holding it").take();
        if let Some(notes) = notes {
            let (app, token) = (self.clone(), stop.clone());
            tasks.spawn(async move { app.write_notes(notes, token).await });
        }
    }

    /// Whether the server can do its work: the database answers, store and
    /// cache can be written, git can be run.
    ///
    /// # Errors
    /// Unavailable; the sentence names all parts that fail, the log their causes.
    pub async fn ready(&self) -> Result<()> {
        // Those who come meanwhile wait for the same look.
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

    /// A sentence for each part that fails.
    async fn failing(&self) -> Vec<String> {
        let cache = self.config.cache();
        let [store_turn, cache_turn] = &self.readiness.folders;
        let database = async { self.db.read().await?.ping().await };
        let git = async { self.drive.engine().git_version().await.map(drop).map_err(Error::from) };
        let parts = tokio::join!(
            probe("the database", "cannot be read", database),
            probe("the store", "cannot be written", self.store_works(store_turn)),
            // It may be deleted at any time, and is made again.
            probe("the cache", "cannot be written", writable(cache_turn, cache, true)),
            probe("git", "cannot be run", git),
        );
        [parts.0, parts.1, parts.2, parts.3].into_iter().flatten().collect()
    }

    async fn store_works(&self, turn: &Arc<Semaphore>) -> Result<()> {
        match self.storage.default_place()? {
            Place::Folder(root) => writable(turn, root.to_owned(), false).await,
            // Nothing lies there: an answer is all that is wanted.
            Place::Bucket(bucket) => Ok(bucket.stat(&Key::staging([0; 16])).await.map(drop)?),
        }
    }

    /// Writes down, in bundles, what requests should not wait for.
    async fn write_notes(&self, mut notes: mpsc::Receiver<Note>, stop: CancellationToken) {
        let (mut bundle, mut quota) = (Vec::new(), RefusalQuota::default());
        loop {
            let received = tokio::select! {
                received = notes.recv_many(&mut bundle, NOTES) => received,
                () = stop.cancelled() => 0,
            };
            if received == 0 {
                return;
            }
            if let Err(error) = self.write_bundle(bundle.drain(..), &mut quota).await {
                tracing::warn!(%error, "notes could not be written down");
            }
            // A burst becomes one transaction, not a thousand.
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    async fn write_bundle(&self, notes: impl Iterator<Item = Note>, quota: &mut RefusalQuota) -> Result<()> {
        let now = self.clock.now();
        let mut tx = self.db.write().await?;
        for note in notes {
            match note {
                Note::Used(token) => tx.touch_token(token, now).await?,
                Note::Seen(session) => tx.touch_session(session, now).await?,
                Note::Shared(share) => tx.touch_share(share, now).await?,
                // Not counted where what was opened is closed again.
                Note::Downloaded { opening, share, subject } => {
                    let _: bool = tx.count_download(&opening, share, &subject, now).await?;
                }
                Note::Refused { actor, right, path, request } => {
                    if quota.admits(&actor, now) {
                        tx.insert_audit(self.clock.id(), now, &actor, "access.refused", &path, right, &request).await?;
                    }
                }
            }
        }
        tx.commit().await
    }
}

/// What is wrong with a part, without the cause: that may name paths.
async fn probe(part: &str, wrong: &str, works: impl Future<Output = Result<()>>) -> Option<String> {
    let error = match tokio::time::timeout(PROBE, works).await {
        Ok(Ok(())) => return None,
        Ok(Err(error)) => error,
        Err(_) => Error::unavailable(format!("{part} does not answer")),
    };
    tracing::error!(part, ?error, "a part that the server needs does not work");
    Some(match error.kind() {
        ErrorKind::Full => format!("{part} is full"),
        ErrorKind::Unavailable => format!("{part} does not answer"),
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
        // A name that is cleaned away at the next start, should we die here.
        let file = folder.join(format!("tmp-ready-{}", std::process::id()));
        std::fs::write(&file, "ready")?;
        Ok(std::fs::remove_file(&file)?)
    })
    .await?
}
