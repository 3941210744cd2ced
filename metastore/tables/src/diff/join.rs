//! Rows of both tables side by side, and which of their cells are equal.

use std::cmp::Ordering;

use arrow::array::{RecordBatch, UInt32Array};
use arrow::compute::take_record_batch;
use arrow::row::{RowConverter, SortField};
use futures::StreamExt as _;

use super::columns::{Common, Which};
use super::matching::Entry;
use super::select::{Selected, SelectedRows};
use crate::error::{Error, Result};

/// Maximum number of rows that are returned at once.
const ROWS: usize = 8192;

/// Two streams of rows in the order of the result.
pub(super) struct Join {
    from: Cursor,
    to: Cursor,
}

/// The place in a stream.
struct Cursor {
    rows: SelectedRows,
    current: Option<Selected>,
    at: usize,
    is_end: bool,
}

/// Rows of the result: batches of both tables, and the indexes in them.
pub(super) struct Joined {
    pub(super) from: Option<Selected>,
    pub(super) to: Option<Selected>,
    /// The rows in both batches; `None` where one of the tables has no counterpart.
    pub(super) rows: Vec<(Option<u32>, Option<u32>)>,
}

impl Cursor {
    fn new(rows: SelectedRows) -> Self {
        Self { rows, current: None, at: 0, is_end: false }
    }

    fn entry(&self) -> Option<&Entry> {
        self.current.as_ref()?.entries.get(self.at)
    }

    /// Returns true if the next row is not there yet.
    fn is_used_up(&self) -> bool {
        !self.is_end && self.entry().is_none()
    }

    async fn fill(&mut self) -> Result<()> {
        while self.is_used_up() {
            self.at = 0;
            self.current = self.rows.next().await.transpose()?;
            self.is_end = self.current.is_none();
        }
        Ok(())
    }

    /// Takes the next row.
    fn advance(&mut self) -> Result<Option<u32>> {
        self.at += 1;
        u32::try_from(self.at - 1).map(Some).map_err(Error::internal)
    }
}

impl Join {
    pub(super) fn new(from: SelectedRows, to: SelectedRows) -> Self {
        Self { from: Cursor::new(from), to: Cursor::new(to) }
    }

    /// Returns the next rows; `None` after the last ones.
    pub(super) async fn next(&mut self) -> Result<Option<Joined>> {
        futures::future::try_join(self.from.fill(), self.to.fill()).await?;
        let mut rows = Vec::new();
        while rows.len() < ROWS && !self.from.is_used_up() && !self.to.is_used_up() {
            let order = match (self.from.entry(), self.to.entry()) {
                (Some(from), Some(to)) => from.place().cmp(&to.place()),
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (None, None) => break,
            };
            let from = if order.is_le() { self.from.advance()? } else { None };
            let to = if order.is_ge() { self.to.advance()? } else { None };
            rows.push((from, to));
        }
        if rows.is_empty() {
            return Ok(None);
        }
        Ok(Some(Joined { from: self.from.current.clone(), to: self.to.current.clone(), rows }))
    }
}

/// Compares the cells of two rows.
pub(super) struct Comparer {
    columns: Vec<Compared>,
}

struct Compared {
    common: Common,
    /// The positions of the column in the batches of both tables.
    from: usize,
    to: usize,
    converter: RowConverter,
}

impl Comparer {
    /// Creates a comparer of batches that have these columns of both tables.
    pub(super) fn new(common: &[Common], from: &[usize], to: &[usize]) -> Result<Self> {
        let compared = |common: &Common| {
            let place = |columns: &[usize], which| {
                let place = columns.iter().position(|column| *column == common.position(which));
                place.ok_or_else(|| Error::internal("a common column was not read"))
            };
            let fields = common.form.types().into_iter().map(SortField::new).collect();
            Ok(Compared {
                common: common.clone(),
                from: place(from, Which::From)?,
                to: place(to, Which::To)?,
                converter: RowConverter::new(fields)?,
            })
        };
        Ok(Self { columns: common.iter().map(compared).collect::<Result<_>>()? })
    }

    /// Calls `visit` with the index of each common column, and whether its cells are equal, in each of the rows that both
    /// tables have.
    pub(super) fn compare(&self, joined: &Joined, mut visit: impl FnMut(usize, &[bool])) -> Result<()> {
        let (Some(from), Some(to)) = (&joined.from, &joined.to) else { return Ok(()) };
        let (from_rows, to_rows): (Vec<u32>, Vec<u32>) =
            joined.rows.iter().filter_map(|(from, to)| Some(((*from)?, (*to)?))).unzip();
        if from_rows.is_empty() {
            return Ok(());
        }
        let columns = |batch: &RecordBatch, columns: Vec<usize>, rows: Vec<u32>| {
            Ok::<_, Error>(take_record_batch(&batch.project(&columns)?, &UInt32Array::from(rows))?)
        };
        let from = columns(&from.batch, self.columns.iter().map(|column| column.from).collect(), from_rows)?;
        let to = columns(&to.batch, self.columns.iter().map(|column| column.to).collect(), to_rows)?;
        for (index, column) in self.columns.iter().enumerate() {
            let [from, to] = [&from, &to]
                .map(|batch| column.converter.convert_columns(&column.common.form.arrays(batch.column(index))?));
            let equal: Vec<bool> = from?.iter().zip(&to?).map(|(from, to)| from == to).collect();
            visit(index, &equal);
        }
        Ok(())
    }
}
