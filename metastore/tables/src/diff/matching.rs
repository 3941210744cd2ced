//! Which rows of two tables are the same, and which ones belong together although they differ.

use std::cmp::Ordering;
use std::sync::Arc;

use super::bits::Bits;
use super::fingerprint::{KEYED, KEYLESS};
use super::sorter::{Merged, Record, Scratch, Sorted, Sorter};
use crate::error::{Error, Result};

/// Memory and disk space of sorted records.
#[derive(Clone)]
pub(super) struct Space {
    /// Memory of the comparison, in bytes.
    pub(super) memory: usize,
    pub(super) scratch: Arc<Scratch>,
}

impl Space {
    /// Creates a sorter that uses this part of the memory.
    pub(super) fn sorter<const N: usize>(&self, part: usize) -> Sorter<N> {
        Sorter::new(self.memory / part, &self.scratch)
    }
}

/// The rows that differ, and where they belong. Pairs are sorted by the row of the older table.
pub(super) struct Matches {
    /// Number of rows of the older and of the newer table.
    pub(super) rows: [u64; 2],
    /// Rows of the older table without a counterpart.
    pub(super) removed: Bits,
    /// Rows of the newer table without a counterpart.
    pub(super) added: Bits,
    /// Rows of the newer table whose counterpart differs.
    pub(super) changed: Bits,
    /// Pairs of rows that belong together, but differ.
    pub(super) changed_pairs: Sorted<2>,
    /// Pairs of rows that are the same and next to removed ones.
    pub(super) neighbours: Sorted<2>,
    /// Number of rows whose key another row of the same table has, too.
    pub(super) duplicate_keys: u64,
}

/// A row that differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) row: u64,
    /// Where the row is in the result: one more than the row of the newer table that it is, or that it follows; 0 before
    /// all of them.
    pub(super) position: u64,
    pub(super) is_removed: bool,
}

impl Entry {
    /// Returns the place in the order of the result. Counterparts have the same one.
    pub(super) fn place(&self) -> (u64, bool) {
        (self.position, self.is_removed)
    }
}

/// Rows of a table that differ, in their order.
pub(super) type Entries = Box<dyn Iterator<Item = Result<Entry>> + Send>;

impl Matches {
    /// Finds the same rows, and then those with the same key.
    pub(super) fn with_key(from: &Sorted<KEYED>, to: &Sorted<KEYED>, rows: [u64; 2], space: &Space) -> Result<Self> {
        let [mut removed, mut added, mut changed] = sets(rows, space)?;
        let (mut left, mut right) = (space.sorter::<3>(16), space.sorter::<3>(16));
        let mut duplicates = [Duplicates::default(), Duplicates::default()];
        zip(from, to, |from, to| {
            for (record, duplicates) in [from, to].into_iter().zip(&mut duplicates) {
                if let Some([one, two, ..]) = record {
                    duplicates.add([one, two]);
                }
            }
            match (from, to) {
                (Some([one, two, _, _, row]), None) => left.push([one, two, row]),
                (None, Some([one, two, _, _, row])) => right.push([one, two, row]),
                _ => Ok(()),
            }
        })?;
        let mut pairs = space.sorter::<2>(16);
        zip(&left.finish(), &right.finish(), |from, to| {
            match (from, to) {
                (Some([_, _, from]), Some([_, _, to])) => {
                    pairs.push([from, to])?;
                    changed.insert(to);
                }
                (Some([_, _, from]), None) => removed.insert(from),
                (None, Some([_, _, to])) => added.insert(to),
                (None, None) => {}
            }
            Ok(())
        })?;
        let is_neighbour = |from: u64| removed.contains(from + 1);
        let neighbours = neighbours(from, to, &removed, is_neighbour, space)?;
        let duplicate_keys = duplicates.into_iter().map(Duplicates::finish).sum();
        let changed_pairs = pairs.finish();
        Ok(Self { rows, removed, added, changed, changed_pairs, neighbours, duplicate_keys })
    }

    /// Finds the same rows.
    pub(super) fn without_key(
        from: &Sorted<KEYLESS>,
        to: &Sorted<KEYLESS>,
        rows: [u64; 2],
        space: &Space,
    ) -> Result<Self> {
        let [mut removed, mut added, changed] = sets(rows, space)?;
        zip(from, to, |from, to| {
            match (from, to) {
                (Some([_, _, from]), None) => removed.insert(from),
                (None, Some([_, _, to])) => added.insert(to),
                _ => {}
            }
            Ok(())
        })?;
        let is_neighbour = |from: u64| removed.contains(from + 1) || from > 0 && removed.contains(from - 1);
        let neighbours = neighbours(from, to, &removed, is_neighbour, space)?;
        let changed_pairs = space.sorter(16).finish();
        Ok(Self { rows, removed, added, changed, changed_pairs, neighbours, duplicate_keys: 0 })
    }

    /// Returns the comparison of tables that have no column in common: all rows differ.
    pub(super) fn none(rows: [u64; 2], space: &Space) -> Result<Self> {
        let [mut removed, mut added, changed] = sets(rows, space)?;
        (0..rows[0]).for_each(|row| removed.insert(row));
        (0..rows[1]).for_each(|row| added.insert(row));
        let [changed_pairs, neighbours] = [space.sorter(16).finish(), space.sorter(16).finish()];
        Ok(Self { rows, removed, added, changed, changed_pairs, neighbours, duplicate_keys: 0 })
    }

    /// Finds rows that may be changed ones: as many in both tables, without a counterpart, between the same rows that have
    /// one. Returns the first row of each run in both tables, and its length.
    pub(super) fn candidates(&self, space: &Space) -> Result<Sorted<3>> {
        let mut runs = space.sorter(16);
        let mut neighbours = self.neighbours.read()?;
        let (mut before, mut next) = (None, neighbours.next()?);
        let mut start = self.removed.next(0);
        while let Some(first) = start {
            let end = self.removed.end_of_run(first);
            while let Some(pair) = next.filter(|[from, _]| *from < end) {
                before = Some(pair);
                next = neighbours.next()?;
            }
            let to_first = before.map_or(0, |[_, to]| to + 1);
            let to_end = if end == self.rows[0] { Some(self.rows[1]) } else { next.map(|[_, to]| to) };
            if to_end.and_then(|end| end.checked_sub(to_first)) == Some(end - first)
                && Some(self.added.end_of_run(to_first)) == to_end
            {
                runs.push([first, to_first, end - first])?;
            }
            start = self.removed.next(end);
        }
        Ok(runs.finish())
    }

    /// Makes rows, which are pairs of these candidates, changed ones.
    pub(super) fn change(&mut self, pairs: Sorted<2>) -> Result<()> {
        let mut all = pairs.read()?;
        while let Some([from, to]) = all.next()? {
            self.removed.remove(from);
            self.added.remove(to);
            self.changed.insert(to);
        }
        self.changed_pairs = pairs;
        Ok(())
    }

    /// Returns the rows of the older table that differ.
    pub(super) fn from_entries(self: &Arc<Self>) -> Result<Entries> {
        let (mut neighbours, mut pairs) = (self.neighbours.read()?, self.changed_pairs.read()?);
        let entries = FromEntries {
            matches: Arc::clone(self),
            removed: self.removed.next(0),
            neighbour: neighbours.next()?,
            neighbours,
            pair: pairs.next()?,
            pairs,
            before: None,
        };
        Ok(Box::new(entries))
    }

    /// Returns the rows of the newer table that differ.
    pub(super) fn to_entries(self: &Arc<Self>) -> Entries {
        let (matches, mut row) = (Arc::clone(self), 0);
        Box::new(std::iter::from_fn(move || {
            let found = [&matches.added, &matches.changed].into_iter().filter_map(|set| set.next(row)).min()?;
            row = found + 1;
            Some(Ok(Entry { row: found, position: found + 1, is_removed: false }))
        }))
    }
}

/// Rows of the older table that differ, in their order.
struct FromEntries {
    matches: Arc<Matches>,
    /// The next removed row, the next row that is the same, and the next changed one.
    removed: Option<u64>,
    neighbour: Option<Record<2>>,
    neighbours: Merged<2>,
    pair: Option<Record<2>>,
    pairs: Merged<2>,
    /// The last row that has a counterpart.
    before: Option<Record<2>>,
}

impl FromEntries {
    fn following(&mut self) -> Result<Option<Entry>> {
        if let Some([row, to]) = self.pair.filter(|[row, _]| self.removed.is_none_or(|removed| *row < removed)) {
            self.pair = self.pairs.next()?;
            self.before = self.before.max(Some([row, to]));
            return Ok(Some(Entry { row, position: to + 1, is_removed: false }));
        }
        let Some(row) = self.removed else { return Ok(None) };
        while let Some(pair) = self.neighbour.filter(|[from, _]| *from < row) {
            self.before = self.before.max(Some(pair));
            self.neighbour = self.neighbours.next()?;
        }
        self.removed = self.matches.removed.next(row + 1);
        Ok(Some(Entry { row, position: self.before.map_or(0, |[_, to]| to + 1), is_removed: true }))
    }
}

impl Iterator for FromEntries {
    type Item = Result<Entry>;

    fn next(&mut self) -> Option<Self::Item> {
        self.following().transpose()
    }
}

/// Returns the rows of the older table that are candidates, each with the place of its possible counterpart.
pub(super) fn from_candidates(runs: &Sorted<3>) -> Result<Entries> {
    let mut runs = runs.read()?;
    let mut run = [0; 3];
    Ok(Box::new(std::iter::from_fn(move || {
        while run[2] == 0 {
            match runs.next() {
                Ok(next) => run = next?,
                Err(error) => return Some(Err(error)),
            }
        }
        let [row, to, length] = run;
        run = [row + 1, to + 1, length - 1];
        Some(Ok(Entry { row, position: to + 1, is_removed: false }))
    })))
}

/// Returns the rows of the newer table that are candidates.
pub(super) fn to_candidates(runs: &Sorted<3>, space: &Space) -> Result<Entries> {
    let mut sorter = space.sorter::<2>(16);
    let mut all = runs.read()?;
    while let Some([_, to, length]) = all.next()? {
        sorter.push([to, length])?;
    }
    let mut runs = sorter.finish().read()?;
    let mut run = [0; 2];
    Ok(Box::new(std::iter::from_fn(move || {
        while run[1] == 0 {
            match runs.next() {
                Ok(next) => run = next?,
                Err(error) => return Some(Err(error)),
            }
        }
        let [row, length] = run;
        run = [row + 1, length - 1];
        Some(Ok(Entry { row, position: row + 1, is_removed: false }))
    })))
}

/// Returns true if rows are in the order of the result.
pub(super) fn is_in_order(entries: Entries) -> Result<bool> {
    let mut last = None;
    for entry in entries {
        let place = Some(entry?.place());
        if place < last {
            return Ok(false);
        }
        last = place;
    }
    Ok(true)
}

/// Creates sets of removed, added and changed rows.
fn sets(rows: [u64; 2], space: &Space) -> Result<[Bits; 3]> {
    let [from, to] = rows;
    if (from + 2 * to) / 8 > space.memory as u64 / 4 {
        return Err(Error::limit(
            "the tables have more rows than can be compared with `tables.memory_bytes`; compare smaller tables",
        ));
    }
    Ok([Bits::new(from), Bits::new(to), Bits::new(to)])
}

/// Returns the pairs of rows that are the same whose row of the older table is a neighbour of removed ones.
fn neighbours<const N: usize>(
    from: &Sorted<N>,
    to: &Sorted<N>,
    removed: &Bits,
    is_neighbour: impl Fn(u64) -> bool,
    space: &Space,
) -> Result<Sorted<2>> {
    let mut neighbours = space.sorter(16);
    if removed.count() > 0 {
        zip(from, to, |from, to| match (from, to) {
            (Some(from), Some(to)) if is_neighbour(from[N - 1]) => neighbours.push([from[N - 1], to[N - 1]]),
            _ => Ok(()),
        })?;
    }
    Ok(neighbours.finish())
}

/// Calls `visit` with each pair of records that are the same but for the row in their last word, k-th with k-th, and with
/// the records that are left over.
pub(super) fn zip<const N: usize>(
    from: &Sorted<N>,
    to: &Sorted<N>,
    mut visit: impl FnMut(Option<Record<N>>, Option<Record<N>>) -> Result<()>,
) -> Result<()> {
    let (mut from, mut to) = (from.read()?, to.read()?);
    let (mut left, mut right) = (from.next()?, to.next()?);
    loop {
        let order = match (&left, &right) {
            (Some(left), Some(right)) => left[0].cmp(&right[0]).then_with(|| left[..N - 1].cmp(&right[..N - 1])),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (None, None) => return Ok(()),
        };
        visit(left.filter(|_| order.is_le()), right.filter(|_| order.is_ge()))?;
        if order.is_le() {
            left = from.next()?;
        }
        if order.is_ge() {
            right = to.next()?;
        }
    }
}

/// Counts rows whose key is not unique, in the order of their keys.
#[derive(Default)]
struct Duplicates {
    last: Option<[u64; 2]>,
    /// Number of rows with this key.
    length: u64,
    total: u64,
}

impl Duplicates {
    fn add(&mut self, key: [u64; 2]) {
        if self.last == Some(key) {
            self.length += 1;
            return;
        }
        self.end();
        (self.last, self.length) = (Some(key), 1);
    }

    fn end(&mut self) {
        if self.length > 1 {
            self.total += self.length;
        }
    }

    fn finish(mut self) -> u64 {
        self.end();
        self.total
    }
}
