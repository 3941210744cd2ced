//! Row diffs of two versions of a table.
//!
//! An engine computes a diff as a whole, into a file of the cache; pages of it are read like those of any other table.
//! Requests for the same diff share one run (`runs.rs`).

use std::time::Duration;

use serde_json::Map;
use tables_wire::{Diff, DiffSummary, Format, Output, Page, Table, TableFile, Task};

use super::cache::CachedResult;
use super::names::LocatedTable;
use super::result::{TableResult, TableSource};
use super::runs::{MAX_WAIT, RunKind};
use super::source::TableContent;
use super::{Charge, Tables};
use crate::access::TableGrant;
use crate::error::{Error, Kind, Result};

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
        let found = match self.finished(request, RunKind::RowDiff, wait.min(MAX_WAIT), &charge).await? {
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
