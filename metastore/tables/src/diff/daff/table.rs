//! The columns and rows of a diff in the format of daff.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{Array as _, RecordBatch, StringArray};

use super::align::longest_increasing;
use crate::diff::side::Side;
use crate::error::Result;
use crate::output::csv_cells;

/// A column of a diff: its positions in both tables, one of which may be missing.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Place {
    pub(super) name: String,
    pub(super) from: Option<usize>,
    pub(super) to: Option<usize>,
}

/// The columns of a diff. Columns that were moved are removed and added.
#[derive(Debug)]
pub(super) struct Header {
    pub(super) places: Vec<Place>,
    from_names: Vec<String>,
}

impl Header {
    /// Creates the columns of the diff of two tables.
    pub(super) fn new(sides: &[Side; 2]) -> Self {
        let [from, to] =
            sides.each_ref().map(|side| side.columns.iter().map(|column| column.name.clone()).collect::<Vec<_>>());
        let places = merge(&from, &to);
        Self { places, from_names: from }
    }

    /// Returns the name of a column of the older table.
    pub(super) fn name(&self, column: usize) -> &str {
        &self.from_names[column]
    }

    /// Returns true if the newer table has a column that the older one does not have in this place.
    pub(super) fn has_added(&self) -> bool {
        self.places.iter().any(|place| place.from.is_none())
    }
}

/// Returns the columns of both tables, in an order that agrees with both.
fn merge(from: &[String], to: &[String]) -> Vec<Place> {
    let kept = similar_columns(from, to);
    let mut places = Vec::new();
    let (mut from_at, mut to_at) = (0, 0);
    for (one, other) in kept.into_iter().chain([(from.len(), to.len())]) {
        let removed = (from_at..).zip(&from[from_at..one]);
        places.extend(removed.map(|(at, name)| Place { name: name.clone(), from: Some(at), to: None }));
        let added = (to_at..).zip(&to[to_at..other]);
        places.extend(added.map(|(at, name)| Place { name: name.clone(), from: None, to: Some(at) }));
        if let Some(name) = to.get(other) {
            places.push(Place { name: name.clone(), from: Some(one), to: Some(other) });
        }
        (from_at, to_at) = (one + 1, other + 1);
    }
    places
}

/// Returns pairs of columns with the same name that are in the order of both tables: the longest sequence of them.
fn similar_columns(from: &[String], to: &[String]) -> Vec<(usize, usize)> {
    let mut places = HashMap::new();
    for (at, name) in to.iter().enumerate() {
        places.entry(name).or_insert(at);
    }
    let pairs = from.iter().enumerate().filter_map(|(at, name)| Some((at, places.remove(name)?)));
    longest_increasing(&pairs.collect::<Vec<_>>(), |pair| pair.1)
}

/// A row of a table, as text.
#[derive(Debug, Clone)]
pub(super) struct Line {
    pub(super) columns: Arc<[StringArray]>,
    pub(super) row: usize,
}

impl Line {
    /// Returns a cell; a missing one is empty.
    pub(super) fn cell(&self, column: usize) -> &str {
        cell(&self.columns[column], self.row)
    }

    /// Returns the length of all cells in bytes, and a little for each of them.
    pub(super) fn size(&self) -> usize {
        self.columns.iter().map(|column| 16 + cell(column, self.row).len()).sum()
    }
}

/// Returns a cell; a missing one is empty.
pub(super) fn cell(column: &StringArray, row: usize) -> &str {
    if column.is_null(row) { "" } else { column.value(row) }
}

/// Returns the columns of a batch as text.
pub(super) fn texts(batch: &RecordBatch) -> Result<Vec<StringArray>> {
    batch.columns().iter().map(csv_cells).collect()
}

/// A row of the diff: the number of the row of the older table, and the rows of both.
#[derive(Debug, Clone)]
pub(super) enum Unit {
    /// A row that stays, and whether its cells differ.
    Kept {
        number: u64,
        from: Line,
        to: Line,
        is_changed: bool,
    },
    Removed {
        number: u64,
        from: Line,
    },
    Added {
        to: Line,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_keep_the_order_of_both_tables() {
        for (from, to, expected) in [
            ("a b c", "a b c", "a b c"),
            ("a b c", "a x c", "a -b +x c"),
            ("a b", "x a b y", "+x a b +y"),
            ("a b c", "c a b", "+c a b -c"),
            ("a", "b", "-a +b"),
            ("", "a", "+a"),
            ("a a b", "a a b", "a -a +a b"),
        ] {
            let [from, to] = [from, to].map(|names| names.split_whitespace().map(str::to_owned).collect::<Vec<_>>());
            let shown = |place: &Place| match (place.from, place.to) {
                (Some(_), None) => format!("-{}", place.name),
                (None, Some(_)) => format!("+{}", place.name),
                _ => place.name.clone(),
            };
            let found: Vec<String> = merge(&from, &to).iter().map(shown).collect();
            assert_eq!(found.join(" "), expected);
        }
    }
}
