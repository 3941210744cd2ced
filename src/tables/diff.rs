//! Row diffs of two versions of a table.
//!
//! An engine computes a diff as a whole, into a file of the cache; pages of it are read like those of any other table.
//! Requests for the same diff share one run, which goes on for a minute after the last of them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use metrics::counter;
use serde_json::Map;
use tables_wire::{Diff, DiffSummary, Format, Output, Page, Table, TableFile, Task};
use tokio::sync::watch;
use tokio::time::Instant;

use super::cache::{CachedResult, Key};
use super::names::LocatedTable;
use super::pool::Owner;
use super::result::{TableResult, TableSource};
use super::source::TableContent;
use super::{Charge, Request, Tables};
use crate::access::TableGrant;
use crate::error::{Error, Kind, Result};

/// How long a request waits at most for a diff before it returns how far that is.
pub const MAX_WAIT: Duration = Duration::from_secs(20);

/// How long a diff goes on after the last request for it.
const UNWANTED: Duration = Duration::from_mins(1);

/// Maximum number of diffs that are computed for an actor, or wait for an engine. They go on without a connection, so the
/// number of connections does not limit them.
const MAX_RUNS: usize = 16;

/// A diff to compute.
#[derive(Debug, Clone)]
pub struct RowDiffRequest {
    /// The older revision. Default: the first parent of `to`.
    pub from: Option<String>,
    /// The newer revision. Default: the newest revision.
    pub to: Option<String>,
    /// The name of the table in the newer revision.
    pub table: String,
    /// The name of the table in the older revision. Default: the same.
    pub from_table: Option<String>,
    /// The columns that identify a row.
    pub key: Option<Vec<String>>,
    /// What to return of it.
    pub output: RowDiffOutput,
    /// How long to wait for it, up to [`MAX_WAIT`].
    pub wait: Duration,
}

/// What to return of a row diff.
#[derive(Debug, Clone)]
pub enum RowDiffOutput {
    /// Rows of it.
    Rows {
        /// The first row, from 0.
        offset: u64,
        /// Maximum number of rows.
        limit: u64,
        /// Only rows with one of these changes; all if empty.
        changes: Vec<RowChange>,
        /// The format.
        output: Output,
    },
    /// All of it in the format of daff, as CSV.
    Daff,
}

/// How a row changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowChange {
    /// Only the newer table has it.
    Added,
    /// Only the older table has it.
    Removed,
    /// At least one cell differs.
    Changed,
}

impl RowChange {
    /// All changes.
    pub const ALL: [Self; 3] = [Self::Added, Self::Removed, Self::Changed];

    /// Returns the name, as it is in the diff.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Removed => "removed",
            Self::Changed => "changed",
        }
    }

    /// Returns how many rows of a diff have this change.
    fn count(self, summary: &DiffSummary) -> u64 {
        match self {
            Self::Added => summary.added,
            Self::Removed => summary.removed,
            Self::Changed => summary.changed,
        }
    }
}

/// A row diff, as far as it is known.
pub enum RowDiff {
    /// It is being computed.
    Running {
        /// The fraction of the work that is done, from 0 to 1.
        progress: f64,
    },
    /// The files are the same, so nothing was read; only for JSON.
    Same {
        /// Both versions of the table, the older one first.
        sources: Vec<TableSource>,
    },
    /// It is computed.
    Done {
        /// What differs.
        summary: Box<DiffSummary>,
        /// The rows. Its sources are both versions of the table, the older one first.
        result: TableResult,
        /// Number of rows with the changes that were asked for, as far as it is known.
        total: Option<u64>,
    },
}

/// The diffs that are being computed.
#[derive(Default)]
pub(super) struct DiffRuns(Mutex<HashMap<Key, Arc<DiffRun>>>);

/// A diff that is being computed.
struct DiffRun {
    /// Whose engine computes it.
    owner: Owner,
    state: watch::Sender<State>,
    /// When it was last asked for.
    wanted: Mutex<Instant>,
}

#[derive(Clone)]
enum State {
    Running(f64),
    Done(CachedResult),
    Failed(Kind, String),
}

impl DiffRuns {
    fn all(&self) -> MutexGuard<'_, HashMap<Key, Arc<DiffRun>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl DiffRun {
    fn wanted(&self) -> MutexGuard<'_, Instant> {
        self.wanted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until there was no request for the diff for a while.
    async fn unwanted(&self) {
        loop {
            let until = *self.wanted() + UNWANTED;
            if until <= Instant::now() {
                return;
            }
            tokio::time::sleep_until(until).await;
        }
    }
}

impl Tables {
    /// Compares two versions of a table row by row.
    ///
    /// # Errors
    /// As for [`Tables::rows`]; if a version does not exist, the message says which.
    pub async fn row_diff(&self, grant: &TableGrant, request: RowDiffRequest, charge: Charge) -> Result<RowDiff> {
        let RowDiffRequest { from, to, table, from_table, key, output, wait } = request;
        let to = to.unwrap_or_else(|| "HEAD".to_owned());
        let newer = self.find(grant, &to, &table).await.map_err(|error| on_side("to", error))?;
        let from = from.unwrap_or_else(|| format!("{}~1", newer.source.commit));
        let name = from_table.as_deref().unwrap_or(&table);
        let older = self.find(grant, &from, name).await.map_err(|error| on_side("from", error))?;
        let sources = vec![older.source.clone(), newer.source.clone()];
        // Other formats need the columns.
        let is_json = matches!(output, RowDiffOutput::Rows { output: Output::Json, .. });
        if is_json && is_same(&older, &newer) {
            return Ok(RowDiff::Same { sources });
        }
        // daff compares the cells of CSV files as they are written, and so must its patches.
        let text = matches!(output, RowDiffOutput::Daff);
        let task = Task::Diff(Diff { key, rows: self.0.diff_rows, text });
        let versions = [older.clone(), newer.clone()];
        let (request, _) = self.request(grant.actor(), versions.into(), task).await?;
        let found = match self.finished_diff(request, wait.min(MAX_WAIT), charge.clone()).await? {
            Ok(found) => found,
            Err(progress) => return Ok(RowDiff::Running { progress }),
        };
        let summary = found.done.summary.clone().ok_or_else(|| Error::internal("a row diff without a summary"))?;
        let rows = found.done.rows;
        let diff = table_of(found, sources[1].clone());
        let (tables, task, total) = match output {
            RowDiffOutput::Daff => (vec![older, newer, diff], Task::Daff, None),
            RowDiffOutput::Rows { offset, limit, changes, output } => {
                let (filter, total) = selection(&changes, &summary, rows);
                let page = Page { offset, limit, columns: None, filter, sort: Vec::new(), output, detailed: false };
                (vec![diff], Task::Page(page), total)
            }
        };
        let mut result = self.start(grant.actor(), tables, task, charge).await?;
        result.sources = sources;
        Ok(RowDiff::Done { summary, result, total })
    }

    /// Waits for a diff, and returns its file; if it takes long, how far it is.
    async fn finished_diff(
        &self,
        mut request: Request,
        wait: Duration,
        charge: Charge,
    ) -> Result<Result<CachedResult, f64>> {
        if let Some(cached) = self.0.cache.open(&request.key).await {
            counter!("rutter_table_cache_total", "outcome" => "hit").increment(1);
            return Ok(Ok(cached));
        }
        let until = Instant::now() + wait;
        loop {
            let (run, unused) = self.join(request, &charge)?;
            let mut state = run.state.subscribe();
            let ended = state.wait_for(|state| !matches!(state, State::Running(_)));
            let ended = tokio::time::timeout_at(until, ended).await.map(|ended| ended.map(|state| state.clone()));
            match ended.unwrap_or_else(|_| Ok(state.borrow().clone())).map_err(Error::internal)? {
                State::Done(result) => return Ok(Ok(result)),
                State::Running(progress) => return Ok(Err(progress)),
                State::Failed(kind, detail) => match unused {
                    // The one who began it has no engine for it. This actor may have one.
                    Some(own) if kind == Kind::Busy && own.owner != run.owner => request = own,
                    _ => return Err(Error::of_kind(kind, detail)),
                },
            }
        }
    }

    /// Returns the run of a diff, starting it if necessary. If it was running already, also returns the request.
    ///
    /// # Errors
    /// Busy if there are too many of this actor.
    fn join(&self, request: Request, charge: &Charge) -> Result<(Arc<DiffRun>, Option<Request>)> {
        let mut runs = self.0.diffs.all();
        if let Some(run) = runs.get(&request.key) {
            *run.wanted() = Instant::now();
            return Ok((Arc::clone(run), Some(request)));
        }
        if runs.values().filter(|run| run.owner == request.owner).count() >= MAX_RUNS {
            return Err(Error::busy("too many row diffs are being computed for you; try again in a moment"));
        }
        counter!("rutter_table_cache_total", "outcome" => "miss").increment(1);
        let run = Arc::new(DiffRun {
            owner: request.owner.clone(),
            state: watch::channel(State::Running(0.0)).0,
            wanted: Mutex::new(Instant::now()),
        });
        runs.insert(request.key.clone(), Arc::clone(&run));
        tokio::spawn(self.clone().drive(request, Arc::clone(&run), Arc::clone(charge)));
        Ok((run, None))
    }

    /// Computes a diff, until there are no more requests for it.
    async fn drive(self, request: Request, run: Arc<DiffRun>, charge: Charge) {
        let key = request.key.clone();
        let result = tokio::select! {
            result = self.drain(request, &run, charge) => result,
            () = run.unwanted() => Err(Error::unavailable("the row diff was given up, because there were no requests for it")),
        };
        self.0.diffs.all().remove(&key);
        run.state.send_replace(match result {
            Ok(found) => State::Done(found),
            Err(error) => {
                error.log();
                State::Failed(error.kind(), error.detail().to_owned())
            }
        });
    }

    /// Computes a diff into the cache.
    async fn drain(&self, request: Request, run: &DiffRun, charge: Charge) -> Result<CachedResult> {
        let progress = |fraction| {
            run.state.send_replace(State::Running(fraction));
        };
        self.compute_file(request, charge, progress).await?.ok_or_else(|| {
            Error::invalid(format!(
                "the row diff does not fit into the cache: it has more than {} bytes, half of `tables.cache_bytes`; lower \
                 `tables.diff_rows`, or raise `tables.cache_bytes`",
                self.0.cache.file_limit()
            ))
        })
    }
}

/// Adds which version of the table an error is about.
fn on_side(side: &str, error: Error) -> Error {
    match error.kind() {
        Kind::NotFound | Kind::UnsupportedMedia | Kind::Invalid => {
            Error::of_kind(error.kind(), format!("{side}: {}", error.detail()))
        }
        _ => error,
    }
}

/// Returns true if both tables have the same rows for sure.
fn is_same(older: &LocatedTable, newer: &LocatedTable) -> bool {
    let tags = |table: &LocatedTable| -> Vec<String> { table.files.iter().map(TableContent::tag).collect() };
    let read_as = |table: &LocatedTable| {
        let compressions: Vec<_> = table.table.files.iter().map(|file| file.compression).collect();
        (table.table.format, table.table.declared.clone(), compressions)
    };
    tags(older) == tags(newer) && read_as(older) == read_as(newer)
}

/// Returns a diff as a table.
fn table_of(result: CachedResult, source: TableSource) -> LocatedTable {
    let file = TableFile { name: "the row diff".to_owned(), size: result.size, compression: None };
    let table = Table { files: vec![file], format: Format::Arrow, declared: Map::new() };
    LocatedTable { source, files: vec![TableContent::Result(result)], table }
}

/// Returns the filter for rows with these changes, and how many there are.
fn selection(changes: &[RowChange], summary: &DiffSummary, rows: u64) -> (Option<String>, Option<u64>) {
    let wanted: Vec<RowChange> = RowChange::ALL.into_iter().filter(|change| changes.contains(change)).collect();
    if wanted.is_empty() || wanted.len() == RowChange::ALL.len() {
        return (None, Some(rows));
    }
    let names: Vec<String> = wanted.iter().map(|change| format!("'{}'", change.as_str())).collect();
    let total = wanted.iter().map(|change| change.count(summary)).sum();
    (Some(format!("\"change\" IN ({})", names.join(", "))), summary.is_complete.then_some(total))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_diff_is_given_up_a_minute_after_the_last_request() {
        let run = DiffRun {
            owner: Owner { actor: String::new(), is_visitor: true },
            state: watch::channel(State::Running(0.0)).0,
            wanted: Mutex::new(Instant::now()),
        };
        let begin = Instant::now();
        let asking = async {
            for _ in 0..3 {
                tokio::time::sleep(Duration::from_secs(40)).await;
                *run.wanted() = Instant::now();
            }
        };
        tokio::join!(asking, run.unwanted());
        assert_eq!(begin.elapsed().as_secs(), 180);
    }
}
