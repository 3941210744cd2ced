//! Fingerprints of rows: keyed hashes (SipHash-1-3, 128 bits) of their common columns.
//!
//! The key is random for each comparison and never leaves it, so that it is impossible to prepare rows that collide.

use arrow::row::{RowConverter, Rows, SortField};
use futures::StreamExt as _;
use siphasher::sip128::{Hash128, SipHasher13};

use super::bits::Bits;
use super::columns::{Columns, Common, Which};
use super::side::Side;
use super::sorter::{Sorted, Sorter};
use crate::blocking::blocking;
use crate::error::{Error, Result};

/// Number of words of a record with a key: the hash of the key, that of the other columns, and the number of the row.
pub(super) const KEYED: usize = 5;

/// Number of words of a record without a key: the hash of the columns, and the number of the row.
pub(super) const KEYLESS: usize = 3;

/// The key of the hashes of a comparison.
#[derive(Clone, Copy)]
pub(super) struct Secret(SipHasher13);

impl Secret {
    /// Creates a random key.
    pub(super) fn new() -> Result<Self> {
        let mut key = [0; 16];
        #[expect(clippy::disallowed_methods, reason = "nothing else in this crate needs random bytes")]
        getrandom::fill(&mut key).map_err(Error::internal)?;
        Ok(Self(SipHasher13::new_with_key(&key)))
    }

    /// Returns the hash of bytes.
    pub(super) fn hash(&self, bytes: &[u8]) -> [u64; 2] {
        let Hash128 { h1, h2 } = self.0.hash(bytes);
        [h1, h2]
    }
}

/// Hashes some of the common columns.
struct Hasher<'c> {
    secret: Secret,
    common: &'c [Common],
    converter: RowConverter,
    rows: Rows,
}

impl<'c> Hasher<'c> {
    fn new(secret: Secret, common: &'c [Common]) -> Result<Self> {
        let fields = common.iter().flat_map(|common| common.form.types()).map(SortField::new).collect();
        let converter = RowConverter::new(fields)?;
        let rows = converter.empty_rows(0, 0);
        Ok(Self { secret, common, converter, rows })
    }

    /// Encodes the values of a batch.
    fn encode(&mut self, columns: &[arrow::array::ArrayRef]) -> Result<()> {
        let mut arrays = Vec::new();
        for (common, column) in self.common.iter().zip(columns) {
            arrays.extend(common.form.arrays(column)?);
        }
        self.rows.clear();
        if !arrays.is_empty() {
            self.converter.append(&mut self.rows, &arrays)?;
        }
        Ok(())
    }

    /// Returns the hash of a row that was encoded.
    fn hash(&self, row: usize) -> [u64; 2] {
        let data = if self.common.is_empty() { &[] } else { self.rows.row(row).data() };
        self.secret.hash(data)
    }
}

/// Reads a table. Returns a record for each row, but those to skip, sorted, and the number of rows.
pub(super) async fn fingerprints<const N: usize>(
    side: &Side,
    which: Which,
    columns: &Columns,
    secret: Secret,
    mut sorter: Sorter<N>,
    skip: Option<&Bits>,
    report: impl Fn(),
) -> Result<(Sorted<N>, u64)> {
    let (key, values) = columns.common.split_at(columns.keys);
    let (mut key, mut values) = (Hasher::new(secret, key)?, Hasher::new(secret, values)?);
    let mut batches = side.rows(0, u64::MAX, &columns.positions(which))?;
    let mut number = 0;
    while let Some(batch) = batches.next().await {
        let batch = batch?;
        let (key_columns, value_columns) = batch.columns().split_at(columns.keys);
        key.encode(key_columns)?;
        values.encode(value_columns)?;
        for row in 0..batch.num_rows() {
            number += 1;
            if skip.is_some_and(|skip| skip.contains(number - 1)) {
                continue;
            }
            let mut record = [0; N];
            if columns.keys > 0 {
                record[..2].copy_from_slice(&key.hash(row));
            }
            record[N - 3..N - 1].copy_from_slice(&values.hash(row));
            record[N - 1] = number - 1;
            sorter.push(record)?;
        }
        report();
    }
    Ok((blocking(move || Ok(sorter.finish())).await?, number))
}
