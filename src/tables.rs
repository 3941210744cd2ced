//! Tables: rows, statistics and columns of CSV, JSON Lines, Parquet and Arrow files at any revision.
//!
//! The files are parsed by the table engine, a program of its own (`metastore/tables`): a hostile file can at worst end a
//! process that has no privileges. The server finds out which files a table has, checks access, and sends their bytes.

mod cache;
mod convert;
mod describe;
mod diff;
mod list;
mod names;
mod part;
mod picture;
mod pool;
mod process;
mod result;
mod runs;
mod source;
mod splits;
mod sql;
mod ticket;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use metastore::{FilePath, ProcessDir};
use metrics::{counter, histogram};
use tables_wire::{Statistics, Table, Task, Work};
use tracing::Instrument as _;

pub use tables_wire::{Column, DiffSummary, Done, Format, Output, Page, Sort};

pub use crate::db::derivations::DerivationRow;

pub use self::convert::{Conversions, ConvertRequest, MAX_OPEN};
pub use self::describe::{DescribeReport, DescribeRequest, DescribedConflict, DescribedProperty, MAX_DESCRIBED};
pub use self::diff::{RowChange, RowDiff, RowDiffOutput, RowDiffRequest};

use self::cache::{CachedResult, Key, ResultCache};
pub use self::list::{ListedTable, MAX_LISTED, TableList};
use self::names::LocatedTable;
use self::part::{Ended, Part};
pub use self::picture::{MAX_IMAGE, Thumbnail};
use self::pool::{Lease, Owner, Pool};
use self::process::Usage;
pub(crate) use self::result::limit_above;
use self::result::{Receiver, Sink};
pub use self::result::{TableResult, TableSource};
pub use self::runs::MAX_WAIT;
use self::runs::Runs;
use self::source::Source;
pub use self::splits::{Split, SplitFiles, Splits};
pub use self::sql::{MAX_QUERY, SqlRequest, SqlResult, SqlText, quoted_name};
pub use self::ticket::PreparedQuery;
use self::ticket::Tickets;
use crate::access::secret::ServerSecret;
use crate::access::share_links::DownloadCounted;
use crate::access::{Actor, TableGrant};
use crate::clock::Clock;
use crate::config::Config;
use crate::datasets::Datasets;
use crate::error::{Error, Result};
use crate::files::Files;

/// How long an actor cannot repeat what has crashed engines of theirs, and after how many crashes.
const CRASH_MEMORY: Duration = Duration::from_mins(10);
const MAX_CRASHES: u32 = 2;

/// Maximum size of what one request remembers of all its files together, in bytes.
const MAX_INDEX_BYTES: usize = 64 << 20;

/// Maximum number of crashes that are remembered.
const MAX_REMEMBERED: usize = 1000;

/// The cost of a second of work, and of a MiB that is read, in points of the rate limits.
const SECOND_COST: u64 = 100;
const MIB_COST: u64 = 10;

/// Charges the client for work, in points of the rate limits.
pub type Charge = Arc<dyn Fn(usize) + Send + Sync>;

/// Tables of datasets. Cheap to clone.
#[derive(Clone)]
pub struct Tables(Arc<Inner>);

struct Inner {
    datasets: Datasets,
    files: Files,
    pool: Pool,
    cache: ResultCache,
    runs: Runs,
    tickets: Tickets,
    crashes: Mutex<HashMap<Suspect, Crashes>>,
    timeout: TimeLimit,
    convert_timeout: TimeLimit,
    rows: Option<u64>,
    statistics_rows: u64,
    diff_rows: u64,
}

/// What may be to blame for a crash: an actor, and the tags of the files that it reads, or the key of its query.
///
/// A query must not be able to keep others from the files that it reads: all visitors without credentials are one actor.
type Suspect = (String, Vec<String>);

/// How many engines crashed, and when the last one did.
type Crashes = (u32, Instant);

impl Tables {
    /// Creates the service, with a folder in the cache. Blocks.
    ///
    /// # Errors
    /// If the folder cannot be created.
    pub fn new(config: &Config, datasets: Datasets, files: Files, clock: Clock, secret: &ServerSecret) -> Result<Self> {
        let folder = config.cache().join("tables");
        let run = Arc::new(ProcessDir::create(&folder)?);
        let unfinished = run.scratch("results-")?;
        let options = &config.tables;
        let results = folder.join("results");
        let tickets = Tickets::new(secret, clock.clone(), options.ticket_seconds);
        let cache = ResultCache::new(results, unfinished, options.cache_bytes, options.result_bytes, clock);
        Ok(Self(Arc::new(Inner {
            datasets,
            files,
            pool: Pool::new(options, run),
            cache,
            runs: Runs::default(),
            tickets,
            crashes: Mutex::default(),
            timeout: TimeLimit { time: options.timeout(), key: "tables.seconds" },
            convert_timeout: TimeLimit { time: options.convert_timeout(), key: "tables.convert_seconds" },
            rows: options.rows,
            statistics_rows: options.statistics_rows,
            diff_rows: options.diff_rows,
        })))
    }

    /// Reads rows of a table by its name: a resource of the Data Package, the path of a file, or of a folder.
    ///
    /// # Errors
    /// Not found; unsupported media type for files that are no tables; invalid for a table or an expression that cannot be
    /// read; busy; unavailable without the engine.
    pub async fn rows(
        &self,
        grant: &TableGrant,
        revision: &str,
        name: &str,
        page: Page,
        charge: Charge,
    ) -> Result<TableResult> {
        let found = self.find(grant, revision, name).await?;
        self.start(grant.actor(), vec![found], Task::Page(page), charge).await
    }

    /// Reads rows of the table in the file of the grant, in a revision or in the newest one.
    ///
    /// # Errors
    /// As for [`Tables::rows`].
    pub async fn rows_of_file(
        &self,
        grant: &TableGrant,
        revision: Option<&str>,
        page: Page,
        _: &DownloadCounted,
        charge: Charge,
    ) -> Result<TableResult> {
        let found = self.find_file(grant, revision, None).await?;
        self.start(grant.actor(), vec![found], Task::Page(page), charge).await
    }

    /// Computes statistics of each column of a table by its name.
    ///
    /// # Errors
    /// As for [`Tables::rows`].
    pub async fn statistics(
        &self,
        grant: &TableGrant,
        revision: &str,
        name: &str,
        charge: Charge,
    ) -> Result<TableResult> {
        let found = self.find(grant, revision, name).await?;
        self.start(grant.actor(), vec![found], self.statistics_task(), charge).await
    }

    /// Computes statistics of each column of the table in the file of the grant.
    ///
    /// # Errors
    /// As for [`Tables::rows`].
    pub async fn statistics_of_file(
        &self,
        grant: &TableGrant,
        revision: Option<&str>,
        _: &DownloadCounted,
        charge: Charge,
    ) -> Result<TableResult> {
        let found = self.find_file(grant, revision, None).await?;
        self.start(grant.actor(), vec![found], self.statistics_task(), charge).await
    }

    fn statistics_task(&self) -> Task {
        Task::Statistics(Statistics { rows: self.0.statistics_rows })
    }

    /// Infers the columns of the table in a file, whatever its resource declares.
    ///
    /// # Errors
    /// As for [`Tables::rows`].
    pub async fn infer(
        &self,
        grant: &TableGrant,
        revision: &str,
        path: &FilePath,
        format: Option<Format>,
        charge: Charge,
    ) -> Result<(Format, TableResult)> {
        let found = self.find_undeclared(grant, revision, path, format).await?;
        let format = found.table.format;
        Ok((format, self.start(grant.actor(), vec![found], Task::Infer, charge).await?))
    }

    /// Runs a task, and waits for the first part of its result, or takes it from the cache. Access has been checked.
    async fn start(&self, actor: &Actor, tables: Vec<LocatedTable>, task: Task, charge: Charge) -> Result<TableResult> {
        let (request, sources) = self.request(actor, tables, task).await?;
        if let Some(cached) = self.0.cache.result(&request.key).await {
            counter!("rutter_table_cache_total", "outcome" => "hit").increment(1);
            return TableResult::new(sources, cached).await;
        }
        counter!("rutter_table_cache_total", "outcome" => "miss").increment(1);
        let result = self.compute(request, self.0.cache.result_limit(), charge).await?;
        TableResult::new(sources, result.parts).await
    }

    /// Prepares a request.
    async fn request(
        &self,
        actor: &Actor,
        tables: Vec<LocatedTable>,
        task: Task,
    ) -> Result<(Request, Vec<TableSource>)> {
        let engine = self.engine_version().await?;
        let kind = match &task {
            Task::Infer => "infer",
            Task::Page(_) => "page",
            Task::Statistics(_) => "statistics",
            Task::Diff(_) => "diff",
            Task::Daff => "daff",
            Task::Convert(_) => "convert",
            Task::References(_) => "references",
            Task::Sql(_) => "sql",
            Task::Picture(_) => "picture",
        };
        let (mut work, mut files, mut sources) = (Work { tables: Vec::new(), task }, Vec::new(), Vec::new());
        for table in tables {
            work.tables.push(table.table);
            files.extend(table.files);
            sources.push(table.source);
        }
        let source = Source::new(self.0.files.clone(), files, MAX_INDEX_BYTES);
        let json = serde_json::to_vec(&work).map_err(Error::internal)?;
        let tags: Vec<String> = source.tags().collect();
        let mut parts = vec![&b"result"[..], &engine, &json];
        parts.extend(tags.iter().map(String::as_bytes));
        let key = Key::of(&parts);
        let owner = Owner { actor: actor.key(), is_visitor: !actor.is_identified() };
        Ok((Request { work, source, engine, key, owner, kind, timeout: self.0.timeout, is_job: false }, sources))
    }

    /// Begins a request, whose result is cached if it has at most `cached_bytes`.
    async fn compute(&self, request: Request, cached_bytes: u64, charge: Charge) -> Result<Receiver> {
        self.refuse_crashing(&request)?;
        let lease =
            if request.is_job { self.0.pool.start_extra().await? } else { self.0.pool.take(&request.owner).await? };
        let (sink, result) = Sink::new(self.0.cache.writer(&request.key, cached_bytes).await);
        let run = self.clone().run(request, lease, sink, charge);
        tokio::spawn(run.instrument(tracing::Span::current()));
        Ok(result)
    }

    /// Computes a result into the cache. Returns it; `None` if it does not fit. `progress` is called with the fraction of the
    /// work that is done.
    async fn compute_file(
        &self,
        request: Request,
        charge: Charge,
        progress: impl Fn(f64) + Send,
    ) -> Result<Option<CachedResult>> {
        let key = request.key.clone();
        let mut receiver = self.compute(request, self.0.cache.file_limit(), charge).await?;
        loop {
            tokio::select! {
                part = receiver.parts.recv() => match part.transpose()? {
                    Some(Part::Chunk(_)) => {}
                    Some(Part::Done(_)) => return Ok(self.0.cache.open(&key).await),
                    None => return Err(Error::internal("a result without end")),
                },
                Ok(()) = receiver.progress.changed() => progress(*receiver.progress.borrow_and_update()),
            }
        }
    }

    async fn run(self, request: Request, mut lease: Lease, mut sink: Sink, charge: Charge) {
        let Request { work, source, engine, kind, timeout, .. } = &request;
        let keys = index_keys(engine, work, source);
        let (mut indexes, mut room) = (Vec::new(), MAX_INDEX_BYTES);
        for (number, key) in (0..).zip(&keys) {
            if let Some(index) = self.0.cache.get(key).await {
                let Some(left) = room.checked_sub(index.len()) else { break };
                room = left;
                indexes.push((number, index));
            }
        }
        let mut usage = Usage::default();
        let ended = match lease.process() {
            Ok(process) => process.run(work, indexes, source, &mut sink, timeout.time, &mut usage).await,
            Err(error) => Err(Ended::Failed(error)),
        };
        charge(usize::try_from(cost(usage)).unwrap_or(usize::MAX));
        histogram!("rutter_table_seconds", "kind" => *kind).record(usage.time.as_secs_f64());
        counter!("rutter_table_read_bytes_total").increment(usage.bytes);
        let outcome = ended.as_ref().map_or_else(Ended::reason, |_| "done");
        counter!("rutter_table_requests_total", "kind" => *kind, "outcome" => outcome).increment(1);
        let done = match ended {
            Ok(done) => {
                lease.give_back();
                Ok(done)
            }
            Err(Ended::Failed(error)) => {
                lease.give_back();
                self.remember_failure(&request, &error).await;
                Err(error)
            }
            Err(Ended::Gone) => return,
            Err(Ended::TimedOut) => {
                // Of a query, it is not known here which tables it reads.
                let is_text = |table: &Table| matches!(table.format, Format::Csv | Format::JsonLines);
                let advice = match work.task {
                    Task::Picture(_) => "make the image smaller",
                    _ if work.tables.is_empty() || work.tables.iter().any(is_text) => {
                        "read fewer rows, or convert the table to Parquet"
                    }
                    _ => "read fewer rows or columns",
                };
                let (seconds, key) = (timeout.time.as_secs(), timeout.key);
                Err(Error::invalid(format!("the request takes longer than {seconds} s (`{key}`); {advice}")))
            }
            Err(Ended::Crashed(why)) => {
                let exit = match lease.process() {
                    Ok(process) => process.exit().await.unwrap_or_default(),
                    Err(_) => String::new(),
                };
                tracing::error!(%why, %exit, kind, "a table engine broke off");
                self.remember_crash(request.suspect());
                let file = work.tables.iter().flat_map(|table| &table.files).next();
                let files = file.map_or("the image", |file| file.name.as_str());
                Err(Error::invalid(if request.has_query() {
                    "the table engine broke off while it ran the query: it takes more memory than `tables.memory_bytes` \
                     allows, or a file is damaged"
                        .to_owned()
                } else {
                    format!(
                        "the table engine broke off while it read {files}: the file is damaged, or takes more memory than \
                         `tables.memory_bytes` allows"
                    )
                }))
            }
        };
        for (number, index) in source.indexes() {
            if let Some(key) = keys.get(number as usize) {
                self.0.cache.put(key, &index).await;
            }
        }
        sink.end(done).await;
    }

    /// Returns what distinguishes versions of the engine: results of another one are not used.
    ///
    /// # Errors
    /// Unavailable if the program is missing; the message says what to do.
    async fn engine_version(&self) -> Result<Vec<u8>> {
        let program: PathBuf = self.0.pool.program().to_owned();
        let missing = || {
            Error::unavailable(
                "tables and images cannot be read here yet: the program `rutter-tables` is missing. It is installed beside `rutter` \
                 (`tables.program` names another place); after `make run`, it is ready some minutes later",
            )
        };
        let metadata = tokio::fs::metadata(program).await.map_err(|error| missing().because(error))?;
        let modified = metadata.modified().map_err(Error::internal)?;
        let since = modified.duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        Ok(format!("{} {}", metadata.len(), since.as_nanos()).into_bytes())
    }

    /// # Errors
    /// Invalid if the same has crashed engines before.
    fn refuse_crashing(&self, request: &Request) -> Result<()> {
        let crashes = self.0.crashes.lock().unwrap_or_else(PoisonError::into_inner);
        match crashes.get(&request.suspect()) {
            Some((count, last)) if *count >= MAX_CRASHES && last.elapsed() < CRASH_MEMORY => {
                Err(Error::invalid(if request.has_query() {
                    "the table engine broke off repeatedly while it ran this query, so it is not run again for ten minutes; \
                     it probably needs too much memory"
                } else {
                    "the table engine broke off repeatedly while it read this file, so it is not read again for ten \
                     minutes; it is probably damaged"
                }))
            }
            _ => Ok(()),
        }
    }

    fn remember_crash(&self, subject: Suspect) {
        let mut crashes = self.0.crashes.lock().unwrap_or_else(PoisonError::into_inner);
        crashes.retain(|_, (_, last)| last.elapsed() < CRASH_MEMORY);
        if crashes.len() >= MAX_REMEMBERED {
            crashes.clear();
        }
        let (count, last) = crashes.entry(subject).or_insert((0, Instant::now()));
        *count += 1;
        *last = Instant::now();
    }
}

/// A request to an engine.
struct Request {
    work: Work,
    source: Source,
    engine: Vec<u8>,
    /// The key of its result.
    key: Key,
    owner: Owner,
    kind: &'static str,
    timeout: TimeLimit,
    /// True for a background job, which has an engine beside those of the pool.
    is_job: bool,
}

/// How long a request may take, and the configuration key that says so.
#[derive(Debug, Clone, Copy)]
struct TimeLimit {
    time: Duration,
    key: &'static str,
}

impl Request {
    /// Returns true if it has an expression of the client, which may be to blame for a crash.
    fn has_query(&self) -> bool {
        match &self.work.task {
            Task::References(_) | Task::Sql(_) => true,
            Task::Page(page) => page.filter.is_some(),
            _ => false,
        }
    }

    /// Returns what is to blame if it crashes an engine.
    fn suspect(&self) -> Suspect {
        let what = if self.has_query() { vec![self.key.as_str().to_owned()] } else { self.source.tags().collect() };
        (self.owner.actor.clone(), what)
    }
}

/// Returns the keys of what engines found out about each file, which depends on how they read it.
fn index_keys(engine: &[u8], work: &Work, source: &Source) -> Vec<Key> {
    let read_as = work.tables.iter().flat_map(|table| {
        let read_as = serde_json::to_vec(&(table.format, &table.declared)).unwrap_or_default();
        std::iter::repeat_n(read_as, table.files.len())
    });
    read_as.zip(source.tags()).map(|(read_as, tag)| Key::of(&[b"index", engine, &read_as, tag.as_bytes()])).collect()
}

fn cost(usage: Usage) -> u64 {
    let milliseconds = u64::try_from(usage.time.as_millis()).unwrap_or(u64::MAX);
    milliseconds.saturating_mul(SECOND_COST) / 1000 + (usage.bytes.saturating_mul(MIB_COST) >> 20)
}
