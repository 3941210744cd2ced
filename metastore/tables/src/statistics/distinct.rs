//! The number of different values: exact while they are few, then estimated (`HyperLogLog`).

use std::collections::HashSet;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::Arc;

use arrow::array::{ArrayRef, UInt64Array};
use arrow::datatypes::{DataType, Field, Schema};
use datafusion::common::ScalarValue;
use datafusion::functions_aggregate::approx_distinct::approx_distinct_udaf;
use datafusion::logical_expr::Accumulator;
use datafusion::physical_expr::aggregate::AggregateExprBuilder;
use datafusion::physical_expr::expressions::Column;

use crate::error::{Error, Result};

/// The hasher of tables whose keys are hashes.
#[derive(Default)]
pub(super) struct Hashed(u64);

impl Hasher for Hashed {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }
}

/// Counts different hashes.
pub(super) struct Distinct {
    exact: HashSet<u64, BuildHasherDefault<Hashed>>,
    maximum: usize,
    estimate: Option<Box<dyn Accumulator>>,
}

impl Distinct {
    /// Creates a counter that is exact for up to `maximum` values.
    pub(super) fn new(maximum: usize) -> Self {
        Self { exact: HashSet::default(), maximum, estimate: None }
    }

    /// Adds hashes of values.
    pub(super) fn add(&mut self, hashes: &[u64]) -> Result<()> {
        if let Some(estimate) = &mut self.estimate {
            return update(estimate, hashes.to_vec());
        }
        for (position, hash) in hashes.iter().enumerate() {
            self.exact.insert(*hash);
            if self.exact.len() > self.maximum {
                let mut estimate = estimator()?;
                update(&mut estimate, std::mem::take(&mut self.exact).into_iter().collect())?;
                update(&mut estimate, hashes[position + 1..].to_vec())?;
                self.estimate = Some(estimate);
                break;
            }
        }
        Ok(())
    }

    /// Returns the number of different values among `count`.
    pub(super) fn count(&mut self, count: u64) -> Result<u64> {
        let Some(estimate) = &mut self.estimate else { return Ok(self.exact.len() as u64) };
        match estimate.evaluate()? {
            ScalarValue::UInt64(Some(distinct)) => Ok(distinct.min(count)),
            other => Err(Error::internal(format!("approx_distinct returned {other}"))),
        }
    }
}

fn update(estimate: &mut Box<dyn Accumulator>, hashes: Vec<u64>) -> Result<()> {
    let hashes: ArrayRef = Arc::new(UInt64Array::from(hashes));
    Ok(estimate.update_batch(&[hashes])?)
}

fn estimator() -> Result<Box<dyn Accumulator>> {
    let schema = Arc::new(Schema::new(vec![Field::new("hash", DataType::UInt64, false)]));
    let expression = AggregateExprBuilder::new(approx_distinct_udaf(), vec![Arc::new(Column::new("hash", 0))])
        .schema(schema)
        .alias("distinct")
        .build()?;
    Ok(expression.create_accumulator()?)
}

#[cfg(test)]
#[expect(clippy::cast_precision_loss, reason = "the numbers are small")]
mod tests {
    use datafusion::common::hash_utils::HLL_RANDOM_STATE;
    use std::hash::BuildHasher as _;

    use super::*;

    #[test]
    fn few_values_are_counted_and_many_are_estimated() {
        for (values, tolerance) in [(0, 0.0), (1, 0.0), (1000, 0.0), (1001, 0.03), (200_000, 0.03)] {
            let hashes: Vec<_> = (0..values).map(|value: u64| HLL_RANDOM_STATE.hash_one(value)).collect();
            let mut distinct = Distinct::new(1000);
            for part in hashes.chunks(777).chain(hashes.chunks(8192)) {
                distinct.add(part).unwrap();
            }
            let counted = distinct.count(values * 2).unwrap();
            let error = (counted as f64 - values as f64).abs();
            assert!(error <= tolerance * values as f64, "{counted} instead of {values}");
        }
    }
}
