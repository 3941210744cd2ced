//! The result of a row diff: its rows, and the summary.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray, UInt32Array};
use arrow::compute::take;
use futures::StreamExt as _;
use futures::stream::try_unfold;
use tables_wire::DiffSummary;

use super::columns::{Columns, Which};
use super::join::{Comparer, Join, Joined};
use super::matching::{Entries, Matches, Space};
use super::progress::{Report, Span};
use super::select::Selected;
use super::side::Side;
use crate::error::{Error, Result};
use crate::query::Context;
use crate::source::Batches;

/// Batches are split if they take more memory than this, in bytes.
const BATCH_BYTES: usize = 4 << 20;

/// What a comparison found. The numbers of changed cells are known after the last row of the result.
pub(crate) struct Outcome(Arc<Mutex<Found>>);

struct Found {
    summary: DiffSummary,
    is_finished: bool,
}

impl Outcome {
    /// Returns the summary.
    ///
    /// # Errors
    /// Internal if not all rows of the result were taken.
    pub(crate) fn summary(self) -> Result<DiffSummary> {
        let found = lock(&self.0);
        if !found.is_finished {
            return Err(Error::internal("not all rows of the comparison were taken"));
        }
        Ok(found.summary.clone())
    }
}

fn lock(found: &Mutex<Found>) -> MutexGuard<'_, Found> {
    found.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Reads the rows that differ.
pub(super) async fn result(
    context: &Context,
    sides: &[Side; 2],
    columns: Arc<Columns>,
    limit: u64,
    matches: Matches,
    space: &Space,
    report: &Report,
) -> Result<(Outcome, Batches)> {
    let matches = Arc::new(matches);
    let summary = summary(&columns, &matches, limit);
    let found = Arc::new(Mutex::new(Found { summary, is_finished: false }));
    let read = [Which::From, Which::To].map(|which| {
        let places = columns.values.iter().filter(|(from, _)| *from == which);
        places.map(|(_, place)| *place).collect::<Vec<_>>()
    });
    let comparer = Comparer::new(&columns.common, &read[0], &read[1])?;
    let span = Span::begin(report, sides, 0.7..1.0);
    // Changed rows are needed in any case, for the numbers of changed cells.
    let to_entries = first(matches.to_entries(), limit, {
        let matches = Arc::clone(&matches);
        move |row| matches.changed.contains(row)
    });
    let from_entries = || matches.from_entries();
    let join = super::join(context, sides, read, from_entries, to_entries, space, &span).await?;
    let collector = Collector { columns, comparer, join, left: limit, found: Arc::clone(&found), waiting: Vec::new() };
    let batches =
        try_unfold(
            collector,
            |mut collector| async move { Ok(collector.next().await?.map(|batch| (batch, collector))) },
        );
    Ok((Outcome(found), batches.boxed()))
}

fn summary(columns: &Columns, matches: &Matches, limit: u64) -> DiffSummary {
    let [from_rows, to_rows] = matches.rows;
    let [added, removed, changed] = [&matches.added, &matches.removed, &matches.changed].map(super::bits::Bits::count);
    DiffSummary {
        from_rows,
        to_rows,
        added,
        removed,
        changed,
        unchanged: from_rows - removed - changed,
        key: columns.key(),
        key_source: columns.key_source,
        duplicate_keys: matches.duplicate_keys,
        columns: columns.described.clone(),
        is_complete: added + removed + changed <= limit,
    }
}

/// Leaves out rows after the first ones, unless they are always needed.
fn first(entries: Entries, limit: u64, is_needed: impl Fn(u64) -> bool + Send + 'static) -> Entries {
    let mut number = 0;
    Box::new(entries.filter(move |entry| {
        number += 1;
        number <= limit || entry.as_ref().map_or(true, |entry| is_needed(entry.row))
    }))
}

/// Makes batches of the result.
struct Collector {
    columns: Arc<Columns>,
    comparer: Comparer,
    join: Join,
    /// Number of rows that the result may still have.
    left: u64,
    found: Arc<Mutex<Found>>,
    /// Parts of a batch that was too long, the last one first.
    waiting: Vec<RecordBatch>,
}

impl Collector {
    async fn next(&mut self) -> Result<Option<RecordBatch>> {
        loop {
            if let Some(batch) = self.waiting.pop() {
                return Ok(Some(batch));
            }
            let Some(mut joined) = self.join.next().await? else {
                lock(&self.found).is_finished = true;
                return Ok(None);
            };
            self.count(&joined)?;
            joined.rows.truncate(usize::try_from(self.left).unwrap_or(usize::MAX));
            self.left -= joined.rows.len() as u64;
            if !joined.rows.is_empty() {
                let batch = self.batch(&joined)?;
                let parts = batch.get_array_memory_size().div_ceil(BATCH_BYTES).clamp(1, batch.num_rows());
                let rows = batch.num_rows().div_ceil(parts);
                let starts = (0..batch.num_rows()).step_by(rows);
                let part = |start: usize| batch.slice(start, rows.min(batch.num_rows() - start));
                self.waiting = starts.map(part).rev().collect();
            }
        }
    }

    /// Counts changed cells.
    fn count(&self, joined: &Joined) -> Result<()> {
        let mut found = lock(&self.found);
        self.comparer.compare(joined, |index, cells| {
            let changed = cells.iter().filter(|is_equal| !**is_equal).count();
            found.summary.columns[self.columns.common[index].described].changed_cells += changed as u64;
        })
    }

    fn batch(&self, joined: &Joined) -> Result<RecordBatch> {
        let kind = |(from, to): &(Option<u32>, Option<u32>)| match (from, to) {
            (None, _) => "added",
            (_, None) => "removed",
            _ => "changed",
        };
        let kinds = StringArray::from_iter_values(joined.rows.iter().map(kind));
        let indexes = [
            joined.rows.iter().map(|(from, _)| *from).collect::<UInt32Array>(),
            joined.rows.iter().map(|(_, to)| *to).collect::<UInt32Array>(),
        ];
        let mut columns: Vec<ArrayRef> = vec![Arc::new(kinds)];
        for (selected, indexes) in [&joined.from, &joined.to].into_iter().zip(&indexes) {
            let row = |index: u32| i64::try_from(selected.as_ref()?.entries.get(index as usize)?.row).ok();
            columns.push(Arc::new(indexes.iter().map(|index| row(index?)).collect::<Int64Array>()));
        }
        let mut places = [0, 0];
        for ((which, _), field) in self.columns.values.iter().zip(&self.columns.schema.fields()[columns.len()..]) {
            let side = usize::from(*which == Which::To);
            let selected: &Option<Selected> = [&joined.from, &joined.to][side];
            columns.push(match selected {
                Some(selected) => take(selected.batch.column(places[side]), &indexes[side], None)?,
                None => arrow::array::new_null_array(field.data_type(), joined.rows.len()),
            });
            places[side] += 1;
        }
        Ok(RecordBatch::try_new(Arc::clone(&self.columns.schema), columns)?)
    }
}
