//! Which rows of two tables stay, in their order.

use std::sync::Arc;

use arrow::array::AsArray as _;
use arrow::datatypes::Int64Type;
use futures::StreamExt as _;

use crate::blocking::blocking;
use crate::diff::bits::Bits;
use crate::diff::columns::{Columns, Which};
use crate::diff::fingerprint::{KEYLESS, Secret, fingerprints};
use crate::diff::matching::{Space, zip};
use crate::diff::side::Side;
use crate::diff::sorter::{Sorted, Sorter};
use crate::error::{Error, Result};
use crate::source::OpenTable;

/// The parts of the memory that fingerprints of each table, and other sorted records, may use.
const FINGERPRINTS: usize = 8;
const RECORDS: usize = 16;

/// Rows that stay.
pub(super) struct Alignment {
    /// Pairs of rows, both in the order of their tables, and 1 if their cells differ.
    pub(super) kept: Sorted<3>,
    /// Number of rows of both tables.
    pub(super) rows: [u64; 2],
}

/// Finds the rows that stay: all but those that were added or removed, and a small number of those that were moved.
pub(super) async fn align(sides: &[Side; 2], columns: Columns, result: &OpenTable, space: &Space) -> Result<Alignment> {
    let mut pairs = space.sorter::<3>(RECORDS);
    let changes = changes(result, &mut pairs, space).await?;
    let secret = Secret::new()?;
    let columns = Arc::new(columns);
    let read = async |which: Which, skip: &Arc<Bits>| {
        let side = &sides[usize::from(which == Which::To)];
        let sorter = space.sorter::<KEYLESS>(FINGERPRINTS);
        fingerprints(side, which, &columns, secret, sorter, Some(skip), || ()).await
    };
    let ((from, from_rows), (to, to_rows)) =
        futures::future::try_join(read(Which::From, &changes[0]), read(Which::To, &changes[1])).await?;
    let is_compared = !columns.common.is_empty();
    let (space, rows) = (space.clone(), [from_rows, to_rows]);
    blocking(move || {
        if is_compared {
            zip(&from, &to, |from, to| match (from, to) {
                (Some([_, _, from]), Some([_, _, to])) => pairs.push([from, to, 0]),
                _ => Err(incomplete()),
            })?;
        }
        let pairs = pairs.finish();
        let kept = if is_in_order(&pairs)? { pairs } else { longest_in_order(&pairs, &space)? };
        Ok(Alignment { kept, rows })
    })
    .await
}

fn incomplete() -> Error {
    Error::limit(
        "the tables differ in more rows than `tables.diff_rows` allows, so there is no complete comparison; use another \
         format than daff",
    )
}

/// Reads the result of the comparison. Returns the rows of both tables that differ, and adds pairs of changed ones.
async fn changes(result: &OpenTable, pairs: &mut Sorter<3>, space: &Space) -> Result<[Arc<Bits>; 2]> {
    let mut found = [space.sorter::<1>(RECORDS), space.sorter::<1>(RECORDS)];
    let mut last = [0, 0];
    let mut batches = result.rows(0, u64::MAX, &[1, 2])?;
    while let Some(batch) = batches.next().await {
        let batch = batch?;
        let [from, to] = [0, 1].map(|column| batch.column(column).as_primitive_opt::<Int64Type>().cloned());
        let (Some(from), Some(to)) = (from, to) else { return Err(Error::internal("row numbers are integers")) };
        for (from, to) in from.iter().zip(&to) {
            let pair = [from, to].map(|row| row.and_then(|row| u64::try_from(row).ok()));
            for ((row, found), last) in pair.iter().zip(&mut found).zip(&mut last) {
                if let Some(row) = *row {
                    found.push([row])?;
                    *last = (row + 1).max(*last);
                }
            }
            if let [Some(from), Some(to)] = pair {
                pairs.push([from, to, 1])?;
            }
        }
    }
    let mut sets = Vec::new();
    for (found, last) in found.into_iter().zip(last) {
        let (mut rows, mut set) = (found.finish().read()?, Bits::new(last));
        while let Some([row]) = rows.next()? {
            set.insert(row);
        }
        sets.push(Arc::new(set));
    }
    sets.try_into().map_err(|_| Error::internal("there are two tables"))
}

fn is_in_order(pairs: &Sorted<3>) -> Result<bool> {
    let (mut pairs, mut next) = (pairs.read()?, 0);
    while let Some([_, to, _]) = pairs.next()? {
        if to < next {
            return Ok(false);
        }
        next = to;
    }
    Ok(true)
}

/// Returns the longest part of the pairs that is in the order of both tables.
fn longest_in_order(pairs: &Sorted<3>, space: &Space) -> Result<Sorted<3>> {
    let mut all = Vec::new();
    let mut read = pairs.read()?;
    while let Some(pair) = read.next()? {
        if (all.len() + 1) * 8 * size_of::<u64>() > space.memory / 2 {
            return Err(Error::limit(
                "rows were moved, and the tables are too large to find out which with `tables.memory_bytes`; use another \
                 format than daff",
            ));
        }
        all.push(pair);
    }
    let mut kept = space.sorter(RECORDS);
    for pair in longest_increasing(&all, |pair| pair[1]) {
        kept.push(pair)?;
    }
    Ok(kept.finish())
}

/// Returns the longest subsequence of items whose keys increase.
pub(super) fn longest_increasing<T: Copy, K: Ord>(all: &[T], key: impl Fn(&T) -> K) -> Vec<T> {
    // The last item of the best part of each length, and the item before each one.
    let mut ends: Vec<usize> = Vec::new();
    let mut before = vec![usize::MAX; all.len()];
    for (at, item) in all.iter().enumerate() {
        let length = ends.partition_point(|end| key(&all[*end]) < key(item));
        if let Some(previous) = length.checked_sub(1) {
            before[at] = ends[previous];
        }
        if length == ends.len() {
            ends.push(at);
        } else {
            ends[length] = at;
        }
    }
    let mut part = Vec::with_capacity(ends.len());
    let mut next = ends.last().copied();
    while let Some(at) = next {
        part.push(all[at]);
        next = Some(before[at]).filter(|before| *before != usize::MAX);
    }
    part.reverse();
    part
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::diff::sorter::Scratch;

    /// Returns the length of the longest part in order, by trying all.
    fn longest(order: &[u64]) -> usize {
        (0..1_u32 << order.len())
            .filter_map(|set| {
                let part: Vec<u64> =
                    order.iter().enumerate().filter(|(at, _)| set >> at & 1 == 1).map(|(_, to)| *to).collect();
                part.is_sorted().then_some(part.len())
            })
            .max()
            .unwrap_or(0)
    }

    proptest! {
        #[test]
        fn the_longest_part_stays(order in Just((0..10_u64).collect::<Vec<_>>()).prop_shuffle()) {
            let space = Space { memory: 1 << 20, scratch: Scratch::new(1 << 20) };
            let mut pairs = space.sorter(16);
            for (from, to) in (0..).zip(&order) {
                pairs.push([from, *to, 0]).unwrap();
            }
            let mut kept = longest_in_order(&pairs.finish(), &space).unwrap().read().unwrap();
            let kept: Vec<[u64; 3]> = std::iter::from_fn(|| kept.next().unwrap()).collect();
            prop_assert_eq!(kept.len(), longest(&order));
            prop_assert!(kept.is_sorted_by(|one, other| one[0] < other[0] && one[1] < other[1]));
            prop_assert!(kept.iter().all(|[from, to, _]| order[usize::try_from(*from).unwrap()] == *to));
        }
    }
}
