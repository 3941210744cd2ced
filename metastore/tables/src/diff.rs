//! Row diffs: which rows of a table were added, removed or changed.
//!
//! Both tables are read twice. The first time, each row becomes a fingerprint of 24 or 40 bytes; sorted fingerprints show
//! which rows are the same, and with a key, which ones belong together. The second time, only rows that differ are kept.
//! Without a key, rows that were possibly changed are read in between, and compared.

mod bits;
mod columns;
mod compared;
mod daff;
mod file;
mod fingerprint;
mod join;
mod matching;
mod order;
mod progress;
mod result;
mod select;
mod side;
mod sorter;

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use tables_wire::{Column, Diff};

use self::columns::{Columns, Which};
pub(crate) use self::daff::daff;
pub(crate) use self::file::diff;
use self::fingerprint::{Secret, fingerprints};
use self::join::{Comparer, Join, Joined};
use self::matching::{Entries, Matches, Space, from_candidates, is_in_order, to_candidates};
use self::progress::{Report, Span};
pub(crate) use self::result::Outcome;
use self::select::select;
use self::side::Side;
use self::sorter::{Scratch, Sorted};
use crate::blocking::blocking;
use crate::error::{Error, Result};
use crate::query::Context;
use crate::source::{Batches, OpenTable};

/// The parts of the memory that fingerprints of each table, and other sorted records, may use.
const FINGERPRINTS: usize = 4;
const RECORDS: usize = 16;

/// A comparison of two tables.
pub(crate) struct RowDiff {
    context: Context,
    /// Memory for fingerprints and other records, in bytes.
    memory: usize,
    sides: [Side; 2],
    rows: u64,
    columns: Arc<Columns>,
}

impl RowDiff {
    /// Creates a comparison: decides the columns and the key. Reads nothing.
    ///
    /// # Errors
    /// Invalid for unknown columns of the key, and for columns that cannot be compared; limit for too many columns.
    pub(crate) fn new(context: Context, from: Arc<OpenTable>, to: Arc<OpenTable>, options: Diff) -> Result<Self> {
        let Diff { key, rows, text } = options;
        let [from, to] = [from, to].map(|table| Side::new(table, text));
        let columns = Columns::new(&from, &to, key.as_deref(), to.table.declared())?;
        let memory = context.memory;
        Ok(Self { context, memory, sides: [from, to], rows, columns: Arc::new(columns) })
    }

    /// Returns the types of the result.
    pub(crate) fn schema(&self) -> &SchemaRef {
        &self.columns.schema
    }

    /// Returns the columns of the result (Table Schema).
    pub(crate) fn columns(&self) -> &[Column] {
        &self.columns.result
    }

    /// Compares. The rows of the result are made while they are taken; after the last one, the outcome is known.
    /// `progress` is called with the fraction of the work that is done, now and then.
    pub(crate) async fn run(self, progress: impl Fn(f64) + Send + Sync + 'static) -> Result<(Outcome, Batches)> {
        let report: Report = Arc::new(progress);
        let space = Space { memory: self.memory, scratch: Scratch::new(self.context.scratch) };
        let mut matches = self.matches(&space, &report).await?;
        if self.columns.keys == 0 && !self.columns.common.is_empty() {
            let (found, runs) = {
                let space = space.clone();
                blocking(move || {
                    let runs = matches.candidates(&space)?;
                    Ok((matches, runs))
                })
                .await?
            };
            matches = found;
            let pairs = self.similar(&runs, &space, &report).await?;
            matches.change(pairs)?;
        }
        result::result(&self.context, &self.sides, self.columns, self.rows, matches, &space, &report).await
    }

    /// Reads both tables, and finds out which rows differ.
    async fn matches(&self, space: &Space, report: &Report) -> Result<Matches> {
        let secret = Secret::new()?;
        let span = Span::begin(report, &self.sides, 0.0..0.6);
        if self.columns.keys > 0 {
            let (from, to, rows) = self.fingerprints(secret, space, &span).await?;
            let space = space.clone();
            return blocking(move || Matches::with_key(&from, &to, rows, &space)).await;
        }
        let (from, to, rows) = self.fingerprints(secret, space, &span).await?;
        let (space, has_columns) = (space.clone(), !self.columns.common.is_empty());
        blocking(
            move || {
                if has_columns { Matches::without_key(&from, &to, rows, &space) } else { Matches::none(rows, &space) }
            },
        )
        .await
    }

    async fn fingerprints<const N: usize>(
        &self,
        secret: Secret,
        space: &Space,
        span: &Span,
    ) -> Result<(Sorted<N>, Sorted<N>, [u64; 2])> {
        let read = |side: &Side, which| {
            let (side, columns, span) = (side.clone(), Arc::clone(&self.columns), span.clone());
            let sorter = space.sorter(FINGERPRINTS);
            let read =
                async move { fingerprints(&side, which, &columns, secret, sorter, None, || span.report()).await };
            Task(tokio::spawn(read))
        };
        let [from, to] = &self.sides;
        let (from, to) = (read(from, Which::From), read(to, Which::To));
        let ((from, from_rows), (to, to_rows)) = futures::future::try_join(from.result(), to.result()).await?;
        Ok((from, to, [from_rows, to_rows]))
    }

    /// Compares candidates. Returns the pairs of which at least half of the cells are equal.
    async fn similar(&self, runs: &Sorted<3>, space: &Space, report: &Report) -> Result<Sorted<2>> {
        let mut pairs = space.sorter(RECORDS);
        let [from, to] = [Which::From, Which::To].map(|which| self.columns.positions(which));
        let comparer = Comparer::new(&self.columns.common, &from, &to)?;
        let span = Span::begin(report, &self.sides, 0.6..0.7);
        let entries = || from_candidates(runs);
        let to_entries = to_candidates(runs, space)?;
        let mut join = join(&self.context, &self.sides, [from, to], entries, to_entries, space, &span).await?;
        while let Some(joined) = join.next().await? {
            let mut equal = vec![0; joined.rows.len()];
            comparer.compare(&joined, |_, cells| {
                for (count, is_equal) in equal.iter_mut().zip(cells) {
                    *count += usize::from(*is_equal);
                }
            })?;
            let Joined { from: Some(from), to: Some(to), rows } = joined else { continue };
            for ((from_at, to_at), count) in rows.into_iter().zip(equal) {
                let (Some(from_at), Some(to_at)) = (from_at, to_at) else {
                    return Err(Error::internal("a candidate has no counterpart"));
                };
                if 2 * count >= self.columns.common.len() {
                    pairs.push([from.entries[from_at as usize].row, to.entries[to_at as usize].row])?;
                }
            }
        }
        blocking(move || Ok(pairs.finish())).await
    }
}

/// Reads rows that differ of both tables, in the order of the result.
async fn join(
    context: &Context,
    sides: &[Side; 2],
    columns: [Vec<usize>; 2],
    from_entries: impl Fn() -> Result<Entries>,
    to_entries: Entries,
    space: &Space,
    span: &Span,
) -> Result<Join> {
    let ([from, to], [from_columns, to_columns]) = (sides, columns);
    let schema = from.project(&from_columns)?;
    let entries = from_entries()?;
    let is_in_order = blocking(move || is_in_order(entries)).await?;
    let mut from = select(from, from_columns, from_entries()?, span)?;
    if !is_in_order {
        from = order::sort(from, &schema, context, space)?;
    }
    Ok(Join::new(from, select(to, to_columns, to_entries, span)?))
}

/// A task that ends when it is no longer needed.
struct Task<T>(tokio::task::JoinHandle<Result<T>>);

impl<T> Task<T> {
    async fn result(mut self) -> Result<T> {
        (&mut self.0).await.map_err(Error::internal)?
    }
}

impl<T> Drop for Task<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

#[cfg(test)]
mod tests;
