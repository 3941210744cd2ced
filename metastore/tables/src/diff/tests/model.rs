//! Random small tables, compared with a naive model.

use arrow::array::{Array as _, RecordBatchOptions};
use arrow::datatypes::{Field, Schema};
use proptest::prelude::*;

use super::*;

/// The type of a column.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Type {
    Integer,
    Number,
    Text,
}

/// A table: names and types of its columns, and cells as small numbers, 0 for a missing value.
#[derive(Debug, Clone)]
struct Random {
    columns: Vec<(usize, Type)>,
    rows: Vec<Vec<u8>>,
}

const NAMES: [&str; 4] = ["a", "b", "c", "row"];

impl Random {
    fn cell(&self, row: usize, column: usize) -> Cell {
        Cell::of(self.columns[column].1, self.rows[row][column])
    }

    fn batch(&self) -> RecordBatch {
        let column = |(index, (name, r#type)): (usize, &(usize, Type))| {
            let cells = (0..self.rows.len()).map(|row| self.cell(row, index));
            let array: ArrayRef = match r#type {
                Type::Integer => Arc::new(cells.map(|cell| cell.integer).collect::<Int64Array>()),
                Type::Number => Arc::new(cells.map(|cell| cell.number).collect::<Float64Array>()),
                Type::Text => Arc::new(cells.map(|cell| cell.text).collect::<StringArray>()),
            };
            (Field::new(NAMES[*name], array.data_type().clone(), true), array)
        };
        let (fields, columns): (Vec<_>, Vec<_>) = self.columns.iter().enumerate().map(column).unzip();
        let options = RecordBatchOptions::new().with_row_count(Some(self.rows.len()));
        RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), columns, &options).unwrap()
    }

    fn column(&self, name: usize) -> Option<usize> {
        self.columns.iter().position(|(other, _)| *other == name)
    }
}

/// A value of one of the types.
#[derive(Debug, Default, Clone)]
struct Cell {
    integer: Option<i64>,
    number: Option<f64>,
    text: Option<&'static str>,
}

impl Cell {
    fn of(r#type: Type, cell: u8) -> Self {
        let place = usize::from(cell).checked_sub(1);
        match r#type {
            Type::Integer => Self { integer: place.map(|at| [0, 1, (1 << 53) + 1, 7][at]), ..Self::default() },
            Type::Number => {
                Self { number: place.map(|at| [-0.0, 1.0, 9_007_199_254_740_992.0, f64::NAN][at]), ..Self::default() }
            }
            Type::Text => Self { text: place.map(|at| ["0", "1.0", "", "NaN"][at]), ..Self::default() },
        }
    }

    /// Returns true if the values are equal.
    fn equals(&self, other: &Self) -> bool {
        #[expect(clippy::cast_possible_truncation, reason = "these numbers have no fraction")]
        let exact = |cell: &Self| cell.integer.map(i128::from).or(cell.number.map(|number| number as i128));
        let is_nan = |cell: &Self| cell.number.is_some_and(f64::is_nan);
        let text = |cell: &Self| {
            let number = |number: f64| if number.is_nan() { "NaN".to_owned() } else { format!("{number:?}") };
            cell.text.map(str::to_owned).or(cell.integer.map(|integer| integer.to_string())).or(cell.number.map(number))
        };
        if self.text.is_some() || other.text.is_some() {
            return text(self) == text(other);
        }
        is_nan(self) == is_nan(other) && exact(self) == exact(other)
    }
}

/// What the model finds.
#[derive(Debug, Default, PartialEq)]
struct Expected {
    rows: Vec<(String, Option<i64>, Option<i64>)>,
    changed_cells: Vec<u64>,
    duplicate_keys: u64,
}

#[expect(clippy::needless_range_loop, reason = "the numbers of rows are what this is about")]
fn model(from: &Random, to: &Random, key: &[usize]) -> Expected {
    let common: Vec<(usize, usize)> =
        to.columns.iter().enumerate().filter_map(|(at, (name, _))| Some((from.column(*name)?, at))).collect();
    let keys: Vec<(usize, usize)> =
        key.iter().map(|name| (from.column(*name).unwrap(), to.column(*name).unwrap())).collect();
    let equal = |columns: &[(usize, usize)], one: usize, other: usize| {
        columns.iter().filter(|(left, right)| from.cell(one, *left).equals(&to.cell(other, *right))).count()
    };
    let is_same = |columns: &[(usize, usize)], one, other| equal(columns, one, other) == columns.len();
    let (from_rows, to_rows) = (from.rows.len(), to.rows.len());
    let mut partner = vec![None; from_rows];
    let mut is_taken = vec![false; to_rows];
    for one in 0..from_rows {
        let other = (0..to_rows).find(|other| !is_taken[*other] && !common.is_empty() && is_same(&common, one, *other));
        if let Some(other) = other {
            (partner[one], is_taken[other]) = (Some(other), true);
        }
    }
    let same = partner.clone();
    if keys.is_empty() && !common.is_empty() {
        let mut start = 0;
        while start < from_rows {
            let end = (start..from_rows).find(|row| same[*row].is_some()).unwrap_or(from_rows);
            let after = start.checked_sub(1).map_or(0, |before| same[before].unwrap() + 1);
            let before = if end < from_rows { same[end].unwrap() } else { to_rows };
            let taken = is_taken.clone();
            if end > start && before == after + end - start && (after..before).all(|row| !taken[row]) {
                for row in start..end {
                    let other = after + row - start;
                    if 2 * equal(&common, row, other) >= common.len() {
                        (partner[row], is_taken[other]) = (Some(other), true);
                    }
                }
            }
            start = end + 1;
        }
    } else if !keys.is_empty() {
        for one in 0..from_rows {
            let other = (0..to_rows).find(|other| !is_taken[*other] && is_same(&keys, one, *other));
            if let (None, Some(other)) = (partner[one], other) {
                (partner[one], is_taken[other]) = (Some(other), true);
            }
        }
    }
    let mut expected = Expected { changed_cells: vec![0; common.len()], ..Expected::default() };
    let number = |row: usize| Some(i64::try_from(row).unwrap());
    let mut removed_after: HashMap<Option<usize>, Vec<usize>> = HashMap::new();
    for row in (0..from_rows).filter(|row| partner[*row].is_none()) {
        let anchor = (0..row).rev().find_map(|before| partner[before]);
        removed_after.entry(anchor).or_default().push(row);
    }
    for place in std::iter::once(None).chain((0..to_rows).map(Some)) {
        if let Some(row) = place {
            match partner.iter().position(|partner| *partner == Some(row)) {
                None => expected.rows.push(("added".to_owned(), None, number(row))),
                Some(one) if same[one] != Some(row) => {
                    expected.rows.push(("changed".to_owned(), number(one), number(row)));
                    for (count, (left, right)) in expected.changed_cells.iter_mut().zip(&common) {
                        *count += u64::from(!from.cell(one, *left).equals(&to.cell(row, *right)));
                    }
                }
                Some(_) => {}
            }
        }
        for row in removed_after.remove(&place).unwrap_or_default() {
            expected.rows.push(("removed".to_owned(), number(row), None));
        }
    }
    // Keys of one table are compared in the common type, too, but here types within a table are the same.
    for (table, places) in [(from, 0), (to, 1)] {
        let columns: Vec<usize> = keys.iter().map(|pair| [pair.0, pair.1][places]).collect();
        let key = |row: usize| columns.iter().map(|column| table.cell(row, *column)).collect::<Vec<_>>();
        for row in 0..table.rows.len() {
            let is_duplicate = (0..table.rows.len())
                .any(|other| other != row && key(row).iter().zip(&key(other)).all(|(one, other)| one.equals(other)));
            expected.duplicate_keys += u64::from(is_duplicate && !keys.is_empty());
        }
    }
    expected
}

fn types() -> impl Strategy<Value = Type> {
    prop_oneof![Just(Type::Integer), Just(Type::Number), Just(Type::Text)]
}

/// Two tables, the second one usually made from the first by changes, and the columns of a key.
fn tables() -> impl Strategy<Value = (Random, Random, Vec<usize>)> {
    let columns = prop::collection::vec((types(), types(), 0_u8..8), 4);
    let cells = prop::collection::vec(prop::collection::vec(0_u8..5, 4), 0..40);
    let edits = prop::collection::vec((any::<prop::sample::Index>(), 0_u8..6, 0_usize..4, 0_u8..5), 0..12);
    (columns, cells, edits, any::<bool>(), 0_u8..16).prop_map(|(columns, rows, edits, is_retyped, key)| {
        let (mut one, mut other) = (Vec::new(), Vec::new());
        for (name, (r#type, retyped, presence)) in columns.into_iter().enumerate() {
            if presence != 0 {
                one.push((name, r#type));
            }
            if presence != 1 {
                other.push((name, if is_retyped { retyped } else { r#type }));
            }
        }
        let mut edited = rows.clone();
        for (place, kind, column, cell) in edits {
            let length = edited.len();
            match kind {
                0 => edited.insert(place.index(length + 1), vec![cell; 4]),
                1 if length > 0 => drop(edited.remove(place.index(length))),
                2 if length > 0 => edited.swap(place.index(length), column % length),
                3 if length > 0 => {
                    let row = edited[place.index(length)].clone();
                    edited.push(row);
                }
                _ if length > 0 => edited[place.index(length)][column] = cell,
                _ => {}
            }
        }
        let is_common = |name: &usize| one.iter().any(|(at, _)| at == name) && other.iter().any(|(at, _)| at == name);
        let key = (0..4).filter(|name| key >> name & 1 == 1).filter(is_common).collect();
        let select = |columns: &Vec<(usize, Type)>, rows: Vec<Vec<u8>>| {
            rows.into_iter().map(|row| columns.iter().map(|(name, _)| row[*name]).collect()).collect()
        };
        let (rows, edited) = (select(&one, rows), select(&other, edited));
        (Random { columns: one, rows }, Random { columns: other, rows: edited }, key)
    })
}

proptest! {
    #[test]
    fn comparisons_are_those_of_the_model(
        (from, to, keys) in tables(), spills: bool, is_arrow: bool, limit in prop::option::weighted(0.3, 0_u64..10),
    ) {
        let expected = model(&from, &to, &keys);
        let names: Vec<&str> = keys.iter().map(|name| NAMES[*name]).collect();
        let mut options = key(&names);
        if spills {
            options.memory = [400, 1 << 20];
        }
        options.rows = limit.unwrap_or(options.rows);
        let (one, other) = (from.batch(), to.batch());
        let file = |batch: &RecordBatch| if is_arrow { File::arrow(batch) } else { File::parquet(batch) };
        // Parquet does not store tables without columns.
        prop_assume!(is_arrow || one.num_columns() > 0 && other.num_columns() > 0);
        let found = compare(&file(&one), &file(&other), &options).unwrap();
        let shown = expected.rows.len().min(usize::try_from(options.rows).unwrap());
        prop_assert_eq!(&found.rows()[..], &expected.rows[..shown]);
        let summary = &found.summary;
        let count = |kind: &str| expected.rows.iter().filter(|row| row.0 == kind).count() as u64;
        prop_assert_eq!([summary.from_rows, summary.to_rows], [from.rows.len() as u64, to.rows.len() as u64]);
        prop_assert_eq!([summary.added, summary.removed, summary.changed], ["added", "removed", "changed"].map(count));
        prop_assert_eq!(summary.unchanged, summary.from_rows - summary.removed - summary.changed);
        prop_assert_eq!(summary.unchanged, summary.to_rows - summary.added - summary.changed);
        prop_assert_eq!(summary.duplicate_keys, expected.duplicate_keys);
        prop_assert_eq!(summary.is_complete, shown == expected.rows.len());
        prop_assert_eq!(&summary.key, &names);
        let is_common = |column: &&DiffColumn| column.from.is_some() && column.to.is_some();
        let cells: Vec<u64> = summary.columns.iter().filter(is_common).map(|column| column.changed_cells).collect();
        prop_assert_eq!(cells, expected.changed_cells);
        // The values are those of the tables.
        for column in &summary.columns {
            for (batch, name, rows) in [(&one, &column.from, 1), (&other, &column.to, 2)] {
                let Some(name) = name else { continue };
                let values = batch.column_by_name(&column.name).unwrap();
                let rows = found.batch.column(rows).as_primitive::<Int64Type>();
                let rows: arrow::array::UInt64Array = rows.iter().map(|row| u64::try_from(row?).ok()).collect();
                let expected = arrow::compute::take(values, &rows, None).unwrap();
                let found = found.batch.column_by_name(name).unwrap();
                prop_assert_eq!(format!("{:?}", found), format!("{:?}", expected));
            }
        }
    }
}
