//! Rows that daff finds by their content alone.

use arrow::array::Array as _;
use futures::StreamExt as _;

use super::cells::{compared, missing};
use super::table::{Header, cell, texts};
use crate::blocking::blocking;
use crate::diff::bits::Bits;
use crate::diff::fingerprint::Secret;
use crate::diff::matching::Space;
use crate::diff::side::Side;
use crate::error::{Error, Result};

/// Number of columns that daff compares: those with the most different values.
const COMPARED: usize = 5;

/// The part of the memory that sorted records may use.
const RECORDS: usize = 8;

/// Returns the rows of the older table whose content is unique, in the columns that daff compares.
pub(super) async fn unique_rows(side: &Side, header: &Header, rows: u64, space: &Space) -> Result<Bits> {
    let secret = Secret::new()?;
    let mut columns: Vec<usize> = (0..side.columns.len()).collect();
    if columns.len() > COMPARED {
        columns = most_different(side, secret, space).await?;
    }
    let mut records = space.sorter::<3>(RECORDS);
    let mut batches = side.rows(0, u64::MAX, &columns)?;
    let mut row = 0;
    let names: Vec<&str> = columns.iter().map(|column| header.name(*column)).collect();
    let hash = |cells: &mut dyn Iterator<Item = &str>, start: &str| {
        let mut key = start.to_owned();
        for (place, cell) in cells.enumerate() {
            if place > 0 {
                key.push_str(" // ");
            }
            key.push_str(compared(cell));
        }
        secret.hash(key.as_bytes())
    };
    // The header is a row, too, and begins with an underscore.
    let [one, two] = hash(&mut names.iter().copied(), "_");
    records.push([one, two, rows])?;
    while let Some(batch) = batches.next().await {
        let batch = batch?;
        let (columns, rows) = (texts(&batch)?, batch.num_rows());
        for at in 0..rows {
            let [one, two] = hash(&mut columns.iter().map(|column| cell(column, at)), "");
            records.push([one, two, row])?;
            row += 1;
        }
    }
    blocking(move || {
        let mut unique = Bits::new(rows + 1);
        let mut records = records.finish().read()?;
        let (mut before, mut this) = (None, records.next()?);
        while let Some([one, two, row]) = this {
            let next = records.next()?;
            let is_same = |other: Option<[u64; 3]>| other.is_some_and(|other| other[..2] == [one, two]);
            if !is_same(before) && !is_same(next) {
                unique.insert(row);
            }
            (before, this) = (this, next);
        }
        Ok(unique)
    })
    .await
}

/// Returns the columns with the most different values.
async fn most_different(side: &Side, secret: Secret, space: &Space) -> Result<Vec<usize>> {
    let all: Vec<usize> = (0..side.columns.len()).collect();
    let mut cells = space.sorter::<2>(RECORDS);
    for (number, column) in (0..).zip(side.columns.iter()) {
        cells.push([number, secret.hash(column.name.as_bytes())[0]])?;
    }
    let mut batches = side.rows(0, u64::MAX, &all)?;
    while let Some(batch) = batches.next().await {
        for (number, column) in (0..).zip(&texts(&batch?)?) {
            for row in 0..column.len() {
                cells.push([number, secret.hash(missing(cell(column, row)).as_bytes())[0]])?;
            }
        }
    }
    blocking(move || {
        let mut counts = vec![0_u64; all.len()];
        let mut cells = cells.finish().read()?;
        let mut last = None;
        while let Some(cell) = cells.next()? {
            if last != Some(cell) {
                counts[usize::try_from(cell[0]).map_err(Error::internal)?] += 1;
            }
            last = Some(cell);
        }
        let mut columns = all;
        columns.sort_by_key(|column| (std::cmp::Reverse(counts[*column]), *column));
        columns.truncate(COMPARED);
        Ok(columns)
    })
    .await
}
