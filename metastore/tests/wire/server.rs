//! The server under test: hyper, the engine, and an in-memory database with compare-and-swap.

use std::{
    collections::HashMap,
    convert::Infallible,
    io,
    net::SocketAddr,
    path::PathBuf,
    pin::Pin,
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use async_compression::tokio::bufread::GzipDecoder;
use async_trait::async_trait;
use bytes::Bytes;
use futures::{StreamExt, TryStreamExt};
use http_body_util::{BodyExt, Full, StreamBody, combinators::UnsyncBoxBody};
use hyper::{
    Method, Request, Response, StatusCode,
    body::{Frame, Incoming},
    header,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use metastore::{
    Engine, Error, InlinePacks, Options, PackBytes, PackId, PackStore, Ref, RefName, RefTransaction, RepoKey, Snapshot,
    State, judge_edits,
    wire::{self, Outcome, Progress, Protocol, Push, PushHead, Quarantine, ReceiveLimits, Report, Service},
};
use tokio::{io::AsyncRead, net::TcpListener, task::JoinHandle};
use tokio_util::io::StreamReader;

type Body = UnsyncBoxBody<Bytes, io::Error>;

/// Options that a test may set before the start.
pub(crate) struct Rules {
    pub(crate) head: &'static str,
    pub(crate) max_pack_bytes: u64,
    pub(crate) max_concurrent_packs: usize,
    pub(crate) git_object_bytes: u64,
    pub(crate) git: &'static str,
    pub(crate) cache_bytes: Option<u64>,
    /// Rejects non-fast-forward updates.
    pub(crate) protect_history: bool,
    /// Rejects every LFS pointer, naming its path, as if no object had been uploaded.
    pub(crate) refuse_pointers: bool,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            head: "main",
            max_pack_bytes: 1 << 30,
            max_concurrent_packs: 4,
            git_object_bytes: 512 << 20,
            git: "git",
            cache_bytes: None,
            protect_history: false,
            refuse_pointers: false,
        }
    }
}

/// One request as received.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) method: String,
    pub(crate) target: String,
    pub(crate) headers: HashMap<String, String>,
}

impl Seen {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }
}

/// A push that was committed.
#[derive(Clone, Debug)]
pub(crate) struct Landed {
    pub(crate) options: Vec<String>,
    pub(crate) pack_objects: Option<u64>,
    pub(crate) pointers: Vec<lfs::Pointer>,
    /// Time from the commands to the commit.
    pub(crate) taken: Duration,
}

/// A git process of the server.
#[derive(Debug)]
pub(crate) struct Child {
    /// `/proc/<pid>`.
    folder: PathBuf,
    /// Its process group.
    pub(crate) group: i32,
    /// Its command line.
    pub(crate) line: String,
}

impl Child {
    /// Returns its peak memory in KiB.
    pub(crate) fn peak_kib(&self) -> Option<u64> {
        let status = std::fs::read_to_string(self.folder.join("status")).ok()?;
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
        peak.trim().trim_end_matches(" kB").parse().ok()
    }
}

pub(crate) struct Server {
    pub(crate) app: Arc<App>,
    address: SocketAddr,
    accept: JoinHandle<()>,
    folder: tempfile::TempDir,
}

type Hook = Box<dyn FnOnce(&App) + Send>;

pub(crate) struct App {
    pub(crate) engine: Engine,
    pub(crate) rules: Rules,
    database: Arc<Database>,
    seen: Mutex<Vec<Seen>>,
    landed: Mutex<Vec<Landed>>,
    before_fetch: Mutex<Option<Hook>>,
    pub(crate) in_flight: AtomicU64,
}

#[derive(Default)]
struct Database {
    state: Mutex<Option<State>>,
    inline: Mutex<HashMap<PackId, PackBytes>>,
}

#[async_trait]
impl InlinePacks for Database {
    async fn load(&self, _: &RepoKey, ids: &[PackId]) -> Result<Vec<(PackId, PackBytes)>, Error> {
        let inline = self.inline.lock().expect("no panic");
        Ok(ids.iter().filter_map(|id| Some((*id, inline.get(id)?.clone()))).collect())
    }
}

impl Server {
    pub(crate) async fn start() -> Self {
        Self::with(Rules::default()).await
    }

    pub(crate) async fn with(rules: Rules) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let database = Arc::new(Database::default());
        let head = RefName::branch(rules.head).expect("a name");
        *database.state.lock().expect("no panic") = Some(State::empty("demo".parse().expect("a key"), head));
        let store = PackStore::local(&folder.path().join("store")).expect("a store");
        let inline: Arc<dyn InlinePacks> = Arc::<Database>::clone(&database);
        let mut options = Options::new(folder.path().join("cache"), store, inline);
        options.max_concurrent_packs = rules.max_concurrent_packs;
        options.git_object_bytes = rules.git_object_bytes;
        options.git = rules.git.into();
        options.cache_bytes = rules.cache_bytes;
        let app = Arc::new(App {
            engine: Engine::open(options).expect("an engine"),
            rules,
            database,
            seen: Mutex::default(),
            landed: Mutex::default(),
            before_fetch: Mutex::default(),
            in_flight: AtomicU64::new(0),
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let accept = tokio::spawn(serve(listener, Arc::clone(&app)));
        Self { app, address, accept, folder }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/demo.git", self.address)
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn state(&self) -> State {
        self.app.state()
    }

    /// Returns the target of a branch or tag, in hexadecimal.
    pub(crate) fn target(&self, name: &str) -> Option<String> {
        self.app.state().refs.iter().find(|each| each.name.as_str() == name).map(|each| each.target.to_string())
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.app.seen.lock().expect("no panic").clone()
    }

    /// Returns every committed push, in order.
    pub(crate) fn landed(&self) -> Vec<Landed> {
        self.app.landed.lock().expect("no panic").clone()
    }

    pub(crate) fn engine(&self) -> &Engine {
        &self.app.engine
    }

    pub(crate) async fn snapshot(&self) -> Arc<Snapshot> {
        self.app.engine.snapshot(self.state()).await.expect("a snapshot")
    }

    /// Runs `hook` once, at the next `POST git-upload-pack`.
    pub(crate) fn before_fetch(&self, hook: impl FnOnce(&App) + Send + 'static) {
        *self.app.before_fetch.lock().expect("no panic") = Some(Box::new(hook));
    }

    /// Returns every git process that works in the cache of this server.
    pub(crate) fn children(&self) -> Vec<Child> {
        let cache = self.folder.path().canonicalize().expect("the folder");
        let mut found = Vec::new();
        for process in std::fs::read_dir("/proc").expect("/proc").flatten() {
            // `pid (name) state parent group`: none of our names has a parenthesis.
            let stat = std::fs::read_to_string(process.path().join("stat")).unwrap_or_default();
            let fields = stat.rsplit(") ").next().unwrap_or_default();
            let Some(group) = fields.split(' ').nth(2).and_then(|group| group.parse().ok()) else { continue };
            let inside = std::fs::read_link(process.path().join("cwd")).is_ok_and(|cwd| cwd.starts_with(&cache));
            let line = std::fs::read(process.path().join("cmdline")).unwrap_or_default();
            // A zombie has no command line.
            if inside && !line.is_empty() {
                let line = String::from_utf8_lossy(&line).replace('\0', " ");
                found.push(Child { folder: process.path(), group, line });
            }
        }
        found
    }

    /// Returns the folders of pushes in progress.
    pub(crate) fn quarantines(&self) -> Vec<PathBuf> {
        let mut found = Vec::new();
        let mut folders = vec![self.folder.path().join("cache")];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
                let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
                if is_folder && entry.file_name().to_string_lossy().starts_with("q-") {
                    found.push(entry.path());
                } else if is_folder {
                    folders.push(entry.path());
                }
            }
        }
        found
    }

    /// Waits until nothing of any request is left: no handler, no process, no quarantine.
    pub(crate) async fn settle(&self) {
        for _ in 0..400 {
            let idle = self.app.in_flight.load(Ordering::SeqCst) == 0;
            if idle && self.children().is_empty() && self.quarantines().is_empty() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        panic!(
            "left behind: {} requests, {:?}, {:?}",
            self.app.in_flight.load(Ordering::SeqCst),
            self.children(),
            self.quarantines()
        );
    }

    /// Ends every test: nothing is left of any request, and the repository is intact.
    pub(crate) async fn finish(self) {
        self.settle().await;
        let snapshot = self.snapshot().await;
        let output = tokio::process::Command::new("git")
            .args(["fsck", "--strict", "--full", "--no-dangling"])
            .env("GIT_DIR", snapshot.git_dir())
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .output()
            .await
            .expect("git");
        let words = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        // An empty repository has an unborn HEAD, which is not damage.
        let damage: Vec<_> = words.lines().filter(|line| !line.starts_with("notice:")).collect();
        assert!(output.status.success() && damage.is_empty(), "fsck: {words}");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.accept.abort();
    }
}

async fn serve(listener: TcpListener, app: Arc<App>) {
    let mut connections = tokio::task::JoinSet::new();
    loop {
        let Ok((stream, _)) = listener.accept().await else { return };
        let app = Arc::clone(&app);
        connections.spawn(async move {
            let service = service_fn(move |request| {
                let app = Arc::clone(&app);
                async move { Ok::<_, Infallible>(app.answer(request).await) }
            });
            // A client that disconnects is not a failure of the server.
            let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

/// Counts a request as in flight until its response is sent or dropped.
struct InFlight(Arc<App>);

impl InFlight {
    fn new(app: &Arc<App>) -> Self {
        app.in_flight.fetch_add(1, Ordering::SeqCst);
        Self(Arc::clone(app))
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::SeqCst);
    }
}

type Input = Pin<Box<dyn AsyncRead + Send>>;

impl App {
    pub(crate) fn state(&self) -> State {
        self.lock_state().clone().expect("a repository")
    }

    fn lock_state(&self) -> MutexGuard<'_, Option<State>> {
        self.database.state.lock().expect("no panic")
    }

    /// Changes the refs directly in the database, as another replica would.
    pub(crate) fn change_refs(&self, change: impl FnOnce(&mut Vec<Ref>)) {
        let mut guard = self.lock_state();
        let state = guard.as_mut().expect("a repository");
        change(&mut state.refs);
        state.generation += 1;
    }

    async fn answer(self: Arc<Self>, request: Request<Incoming>) -> Response<Body> {
        let in_flight = InFlight::new(&self);
        self.seen.lock().expect("no panic").push(Seen {
            method: request.method().to_string(),
            target: request.uri().to_string(),
            headers: request
                .headers()
                .iter()
                .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
                .collect(),
        });
        let response = match self.route(request).await {
            Ok(response) => response,
            Err(error) => {
                let status = match error {
                    Error::Invalid(_) | Error::Refused(_) => StatusCode::BAD_REQUEST,
                    Error::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
                    Error::NotFound(_) => StatusCode::NOT_FOUND,
                    _ => StatusCode::INTERNAL_SERVER_ERROR,
                };
                let mut response = Response::new(full(error.to_string()));
                *response.status_mut() = status;
                response
            }
        };
        response.map(|body| {
            let body = body.into_data_stream().map_ok(move |block| {
                let _ = &in_flight;
                Frame::data(block)
            });
            StreamBody::new(body).boxed_unsync()
        })
    }

    async fn route(self: &Arc<Self>, request: Request<Incoming>) -> Result<Response<Body>, Error> {
        let header = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let protocol = Protocol::from_header(header("git-protocol").as_deref());
        let gzip = header("content-encoding").as_deref() == Some("gzip");
        let path = request.uri().path().to_owned();
        let query = request.uri().query().unwrap_or_default().to_owned();
        match (request.method(), path.as_str()) {
            (&Method::GET, "/demo.git/info/refs") => {
                let name = query.strip_prefix("service=").unwrap_or_default();
                let service = Service::from_name(name).ok_or_else(|| Error::Invalid("dumb protocol".to_owned()))?;
                let kind = format!("application/x-{}-advertisement", service.name());
                Ok(typed(kind, full(wire::advertise(&self.state(), service, protocol))))
            }
            (&Method::POST, "/demo.git/git-upload-pack") => {
                if let Some(hook) = self.before_fetch.lock().expect("no panic").take() {
                    hook(self);
                }
                let body = input(request.into_body(), gzip);
                let snapshot = self.engine.snapshot(self.state()).await?;
                let answer = wire::upload_pack(&snapshot, protocol, body, crate::raw::anybody()).await?;
                Ok(typed("application/x-git-upload-pack-result", streamed(answer)))
            }
            (&Method::POST, "/demo.git/git-receive-pack") => {
                let mut body = input(request.into_body(), gzip);
                let kind = "application/x-git-receive-pack-result";
                let push = match Push::read(&mut body).await? {
                    PushHead::Probe => return Ok(typed(kind, full(""))),
                    PushHead::Push(push) => push,
                };
                let app = Arc::clone(self);
                let answer = wire::respond(push.capabilities.clone(), |progress| async move {
                    app.receive(&push, &mut body, &progress)
                        .await
                        .unwrap_or_else(|error| Report::unpack_failed(&push, error.to_string()))
                });
                Ok(typed(kind, streamed(answer.await)))
            }
            _ => Err(Error::NotFound("nothing here".to_owned())),
        }
    }

    /// The steps of the server between those of the wire protocol, reduced to what the tests need.
    async fn receive(&self, push: &Push, body: &mut Input, progress: &Progress) -> Result<Report, Error> {
        let started = Instant::now();
        let snapshot = self.engine.snapshot(self.state()).await?;
        let limits = ReceiveLimits { max_pack_bytes: self.rules.max_pack_bytes };
        let quarantine = wire::receive(&snapshot, push, body, limits, progress).await?;
        let mut outcomes = quarantine.check_ref_edits();
        if self.rules.protect_history {
            for (outcome, rewrites) in outcomes.iter_mut().zip(quarantine.rewrites().await?) {
                if outcome.is_ok() && rewrites {
                    *outcome = Err("non-fast-forward".to_owned());
                }
            }
        }
        let pointers = quarantine.pointers().await?;
        if self.rules.refuse_pointers && !pointers.is_empty() {
            self.refuse_pointers(&quarantine, &pointers, &mut outcomes, progress).await?;
        }
        push.settle(&mut outcomes);
        let landing = quarantine.into_transaction(&outcomes)?;
        if !landing.edits.is_empty() {
            if let Some(pack) = &landing.pack {
                self.engine.store(&snapshot.state().repo, pack).await?;
            }
            self.land(&landing, push, &mut outcomes);
            if let Some(pack) = &landing.pack {
                self.engine.cache_pack(&snapshot.state().repo, pack).await?;
            }
            self.landed.lock().expect("no panic").push(Landed {
                options: push.options.clone(),
                pack_objects: landing.pack.as_ref().map(|pack| pack.objects),
                pointers: pointers.into_iter().map(|(_, pointer)| pointer).collect(),
                taken: started.elapsed(),
            });
        }
        Ok(Report::new(push, outcomes))
    }

    async fn refuse_pointers(
        &self,
        quarantine: &Quarantine,
        pointers: &[(metastore::ObjectId, lfs::Pointer)],
        outcomes: &mut [Outcome],
        progress: &Progress,
    ) -> Result<(), Error> {
        let blobs: Vec<_> = pointers.iter().map(|(blob, _)| *blob).collect();
        for (_, path) in quarantine.paths_of(&blobs).await? {
            progress.say(&format!("missing object of {path}"));
        }
        for outcome in outcomes.iter_mut().filter(|outcome| outcome.is_ok()) {
            *outcome = Err("LFS objects are missing; run git lfs push --all".to_owned());
        }
        Ok(())
    }

    /// One transaction: compare, swap, insert.
    fn land(&self, landing: &RefTransaction, push: &Push, outcomes: &mut [Outcome]) {
        let mut guard = self.lock_state();
        let state = guard.as_mut().expect("a repository");
        assert_eq!(state.epoch, landing.epoch);
        let mut edits = landing.edits.clone();
        let verdicts = judge_edits(&state.refs, &edits);
        for (edit, verdict) in landing.edits.iter().zip(&verdicts) {
            if let Err(error) = verdict {
                let index = push.commands.iter().position(|command| command.name == edit.name.as_str());
                outcomes[index.expect("its command")] = Err(error.to_string());
            }
        }
        let mut verdicts = verdicts.iter();
        edits.retain(|_| verdicts.next().expect("one for each").is_ok());
        push.settle(outcomes);
        if push.capabilities.atomic && outcomes.iter().any(Result::is_err) {
            return;
        }
        if let Some(pack) = &landing.pack {
            if let Some(bytes) = pack.inline() {
                self.database.inline.lock().expect("no panic").insert(pack.id, bytes.clone());
            }
            state.packs.retain(|row| row.id != pack.id);
            state.packs.push(pack.row());
        }
        for edit in edits {
            state.refs.retain(|each| each.name != edit.name);
            if let Some(target) = edit.new {
                state.refs.push(Ref { name: edit.name, target, peeled: edit.peeled });
            }
        }
        state.generation += 1;
    }
}

fn input(body: Incoming, gzip: bool) -> Input {
    let reader = StreamReader::new(body.into_data_stream().map_err(io::Error::other));
    if gzip { Box::pin(GzipDecoder::new(reader)) } else { Box::pin(reader) }
}

fn full(bytes: impl Into<Bytes>) -> Body {
    Full::new(bytes.into()).map_err(|never| match never {}).boxed_unsync()
}

fn streamed(blocks: impl futures::Stream<Item = io::Result<Bytes>> + Send + 'static) -> Body {
    StreamBody::new(blocks.map(|block| block.map(Frame::data))).boxed_unsync()
}

fn typed(kind: impl Into<String>, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    let kind = kind.into().parse().expect("a media type");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response.headers_mut().insert(header::CACHE_CONTROL, header::HeaderValue::from_static("no-cache"));
    response
}
