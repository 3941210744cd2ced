//! Mean and standard deviation (the method of Chan et al.) and quartiles (t-digest) in one scan.

use datafusion_functions_aggregate_common::tdigest::TDigest;

/// Size of the digest, in centroids. With 200, quartiles are exact to a thousandth of the rank.
const CENTROIDS: usize = 200;

/// Moments and quantiles of finite numbers.
pub(super) struct Numbers {
    count: u64,
    mean: f64,
    /// Sum of the squared distances from the mean.
    squares: f64,
    digest: TDigest,
    /// Numbers that are not in the digest yet: if they are all, quartiles are exact.
    buffer: Vec<f64>,
    capacity: usize,
}

impl Numbers {
    /// Starts without numbers. Quartiles of up to `capacity` numbers are exact.
    pub(super) fn new(capacity: usize) -> Self {
        Self { count: 0, mean: 0.0, squares: 0.0, digest: TDigest::new(CENTROIDS), buffer: Vec::new(), capacity }
    }

    /// Adds finite numbers.
    #[expect(clippy::cast_precision_loss, reason = "numbers of rows are far below 2^53")]
    pub(super) fn add(&mut self, numbers: &[f64]) {
        if numbers.is_empty() {
            return;
        }
        let added = numbers.len() as f64;
        let sum = numbers.iter().sum::<f64>();
        // The quotients add up to less than infinity, but not exactly to the mean of equal numbers.
        let mean = if sum.is_finite() { sum / added } else { numbers.iter().map(|number| number / added).sum::<f64>() };
        let squares = numbers.iter().map(|number| (number - mean).powi(2)).sum::<f64>();
        let before = self.count as f64;
        let distance = mean - self.mean;
        let total = before + added;
        self.mean += distance * (added / total);
        self.squares += squares + distance * distance * before * added / total;
        self.count += numbers.len() as u64;
        for part in numbers.chunks(self.capacity) {
            if self.buffer.len() + part.len() > self.capacity {
                self.digest = self.digest.merge_unsorted_f64(std::mem::take(&mut self.buffer));
            }
            self.buffer.extend_from_slice(part);
        }
    }

    /// Returns the mean.
    pub(super) fn mean(&self) -> Option<f64> {
        (self.count > 0).then_some(self.mean)
    }

    /// Returns the standard deviation of the sample.
    #[expect(clippy::cast_precision_loss, reason = "numbers of rows are far below 2^53")]
    pub(super) fn deviation(&self) -> Option<f64> {
        (self.count > 1).then(|| (self.squares / (self.count - 1) as f64).sqrt())
    }

    /// Returns the quartiles.
    pub(super) fn quartiles(&mut self) -> Option<[f64; 3]> {
        if self.count == 0 {
            return None;
        }
        let quantiles = [0.25, 0.5, 0.75];
        if self.digest.count() > 0.0 {
            self.digest = self.digest.merge_unsorted_f64(std::mem::take(&mut self.buffer));
            return Some(quantiles.map(|quantile| self.digest.estimate_quantile(quantile)));
        }
        self.buffer.sort_by(f64::total_cmp);
        Some(quantiles.map(|quantile| interpolated(&self.buffer, quantile)))
    }
}

/// Returns a quantile of sorted numbers, between the two that are nearest.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the rank is a position in the slice"
)]
fn interpolated(sorted: &[f64], quantile: f64) -> f64 {
    let rank = quantile * (sorted.len() - 1) as f64;
    let (low, part) = (sorted[rank.floor() as usize], rank.fract());
    let high = sorted[rank.ceil() as usize];
    // Without the difference, which may be infinite.
    if low.total_cmp(&high).is_eq() { low } else { low * (1.0 - part) + high * part }
}

#[cfg(test)]
#[expect(clippy::cast_precision_loss, clippy::float_cmp, reason = "the numbers are small, and quartiles of few exact")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn numbers(values: &[f64], capacity: usize, part: usize) -> Numbers {
        let mut numbers = Numbers::new(capacity);
        values.chunks(part).for_each(|part| numbers.add(part));
        numbers
    }

    proptest! {
        #[test]
        fn moments_and_quartiles_agree_with_the_definition(
            mut values in prop::collection::vec(-1e6_f64..1e6, 1..4000), capacity in 50_usize..5000, part in 1_usize..900,
        ) {
            let mut numbers = numbers(&values, capacity, part);
            let count = values.len() as f64;
            let mean = values.iter().sum::<f64>() / count;
            prop_assert!((numbers.mean().unwrap() - mean).abs() < 1e-6);
            let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (count - 1.0);
            prop_assert_eq!(numbers.deviation().is_none(), values.len() == 1);
            if let Some(deviation) = numbers.deviation() {
                prop_assert!((deviation - variance.sqrt()).abs() < 1e-6);
            }
            values.sort_by(f64::total_cmp);
            for (quartile, quantile) in numbers.quartiles().unwrap().into_iter().zip([0.25, 0.5, 0.75]) {
                if values.len() <= capacity {
                    prop_assert_eq!(quartile, interpolated(&values, quantile));
                }
                // Within one and a half per cent of the ranks, and two rows.
                let rank = values.partition_point(|value| *value < quartile) as f64;
                prop_assert!((rank - quantile * count).abs() <= 0.015 * count + 2.0, "{} of {}", rank, count);
            }
        }
    }

    #[test]
    fn the_mean_of_equal_numbers_is_exact() {
        assert_eq!(numbers(&[8.0; 1000], 10, 100).mean(), Some(8.0));
        assert_eq!(numbers(&[f64::MAX; 10], 10, 5).mean(), Some(f64::MAX));
    }

    #[test]
    fn quartiles_of_few_numbers_are_those_of_numpy() {
        assert_eq!(numbers(&[4.0, 1.0, 3.0, 2.0], 10, 3).quartiles(), Some([1.75, 2.5, 3.25]));
        assert_eq!(numbers(&[7.0], 10, 1).quartiles(), Some([7.0; 3]));
        assert_eq!(numbers(&[], 10, 1).quartiles(), None);
        assert_eq!(numbers(&[f64::MIN, f64::MAX], 10, 2).quartiles().unwrap()[1], 0.0);
    }
}
