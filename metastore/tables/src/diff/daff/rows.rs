//! The rows of a diff in the format of daff, in sequence.

use std::sync::Arc;

use arrow::array::StringArray;
use futures::StreamExt as _;

use super::layout::Layout;
use super::table::{Line, Unit, texts};
use crate::connection::Connection;
use crate::diff::side::Side;
use crate::diff::sorter::Sorted;
use crate::error::{Error, Result};
use crate::source::Batches;

/// Number of encoded bytes that are sent together.
const PART: usize = 1 << 18;

/// The rows of a table, one after the other.
struct Lines {
    batches: Batches,
    columns: Arc<[StringArray]>,
    rows: usize,
    row: usize,
    /// The number of the next row.
    number: u64,
}

impl Lines {
    fn new(side: &Side) -> Result<Self> {
        let columns: Vec<usize> = (0..side.columns.len()).collect();
        let batches = side.rows(0, u64::MAX, &columns)?;
        Ok(Self { batches, columns: Vec::new().into(), rows: 0, row: 0, number: 0 })
    }

    async fn next(&mut self) -> Result<Option<Line>> {
        while self.row == self.rows {
            let Some(batch) = self.batches.next().await else { return Ok(None) };
            let batch = batch?;
            (self.columns, self.rows, self.row) = (texts(&batch)?.into(), batch.num_rows(), 0);
        }
        self.row += 1;
        self.number += 1;
        Ok(Some(Line { columns: Arc::clone(&self.columns), row: self.row - 1 }))
    }

    async fn expect(&mut self) -> Result<Line> {
        self.next().await?.ok_or_else(|| Error::internal("a row is missing"))
    }
}

/// Reads both tables, and sends the diff. Returns the number of its rows.
pub(super) async fn write(
    sides: &[Side; 2],
    kept: Sorted<3>,
    layout: &mut Layout,
    connection: &Connection,
) -> Result<u64> {
    let (mut from, mut to) = (Lines::new(&sides[0])?, Lines::new(&sides[1])?);
    let mut pairs = kept.read()?;
    loop {
        let pair = pairs.next()?;
        let [from_row, to_row, is_changed] = pair.unwrap_or([u64::MAX, u64::MAX, 0]);
        while from.number < from_row {
            let number = from.number;
            let Some(line) = from.next().await? else { break };
            layout.push(Unit::Removed { number, from: line })?;
            send(layout, connection).await?;
        }
        while to.number < to_row {
            let Some(line) = to.next().await? else { break };
            layout.push(Unit::Added { to: line })?;
            send(layout, connection).await?;
        }
        if pair.is_none() {
            break;
        }
        let is_changed = is_changed == 1;
        layout.push(Unit::Kept { number: from_row, from: from.expect().await?, to: to.expect().await?, is_changed })?;
        send(layout, connection).await?;
    }
    layout.finish()?;
    connection.chunk(layout.take()?.into()).await?;
    Ok(layout.rows())
}

async fn send(layout: &mut Layout, connection: &Connection) -> Result<()> {
    if layout.len() >= PART {
        connection.chunk(layout.take()?.into()).await?;
    }
    Ok(())
}
