//! Histograms with bins of equal width.

/// Maximum number of bins.
const BINS: usize = 20;

/// Counts of values between edges: a bin has its lower edge, and the last one both.
pub(super) struct Histogram<T> {
    pub(super) edges: Vec<T>,
    pub(super) counts: Vec<u64>,
}

impl Histogram<i128> {
    /// Creates bins for integers: of as many of them each, so that no bin is fuller for its width.
    pub(super) fn of_integers(min: i128, max: i128) -> Option<Self> {
        let values = max.checked_sub(min)?.checked_add(1)?;
        if values < 2 {
            return None;
        }
        let bins = i128::try_from(BINS).ok()?;
        let width = (values + bins - 1) / bins;
        let bins = (values + width - 1) / width;
        let edges: Vec<_> = (0..=bins).map(|bin| min + bin * width).collect();
        Some(Self { counts: vec![0; edges.len() - 1], edges })
    }
}

impl Histogram<f64> {
    /// Creates bins for finite numbers.
    #[expect(clippy::cast_precision_loss, reason = "there are few bins")]
    pub(super) fn of_numbers(min: f64, max: f64) -> Option<Self> {
        let part = |bin: usize| bin as f64 / BINS as f64;
        // Without their difference, which may be infinite.
        let mut edges: Vec<_> = (0..=BINS).map(|bin| min * (1.0 - part(bin)) + max * part(bin)).collect();
        edges[0] = min;
        edges[BINS] = max;
        // Neighbouring numbers may have no others between them.
        edges.dedup();
        (edges.len() > 1 && edges.is_sorted()).then(|| Self { counts: vec![0; edges.len() - 1], edges })
    }
}

impl<T: PartialOrd> Histogram<T> {
    /// Adds a value.
    pub(super) fn add(&mut self, value: &T) {
        let bin = self.edges.partition_point(|edge| edge <= value).saturating_sub(1);
        let last = self.counts.len() - 1;
        self.counts[bin.min(last)] += 1;
    }
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "edges are exactly the extremes")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn each_integer_is_in_its_bin(values in prop::collection::vec(any::<i64>(), 1..50), shift in 0_u32..63) {
            let values: Vec<_> = values.into_iter().map(|value| i128::from(value >> shift)).collect();
            let (min, max) = (*values.iter().min().unwrap(), *values.iter().max().unwrap());
            match Histogram::of_integers(min, max) {
                None => prop_assert_eq!(min, max),
                Some(mut histogram) => {
                    for value in &values {
                        histogram.add(value);
                    }
                    prop_assert!(histogram.counts.len() <= BINS && histogram.edges[0] == min);
                    prop_assert!(*histogram.edges.last().unwrap() > max);
                    for (bin, count) in histogram.counts.iter().enumerate() {
                        let range = histogram.edges[bin]..histogram.edges[bin + 1];
                        prop_assert_eq!(*count, values.iter().filter(|value| range.contains(value)).count() as u64);
                    }
                }
            }
        }

        #[test]
        fn each_number_is_in_its_bin(values in prop::collection::vec(prop::num::f64::NORMAL | prop::num::f64::ZERO, 1..50)) {
            let (min, max) = values.iter().fold((f64::MAX, f64::MIN), |(min, max), value| (min.min(*value), max.max(*value)));
            match Histogram::of_numbers(min, max) {
                None => prop_assert_eq!(min, max),
                Some(mut histogram) => {
                    for value in &values {
                        histogram.add(value);
                    }
                    prop_assert_eq!(histogram.counts.iter().sum::<u64>(), values.len() as u64);
                    prop_assert!(histogram.edges.iter().all(|edge| edge.is_finite()));
                    prop_assert!(histogram.edges[0] == min && *histogram.edges.last().unwrap() == max);
                    let last = histogram.counts.len() - 1;
                    for (bin, count) in histogram.counts.iter().enumerate() {
                        let (low, high) = (histogram.edges[bin], histogram.edges[bin + 1]);
                        let inside = |value: &&f64| **value >= low && (**value < high || (bin == last && **value <= high));
                        prop_assert_eq!(*count, values.iter().filter(inside).count() as u64);
                    }
                }
            }
        }
    }

    #[test]
    fn small_ranges_have_fewer_bins() {
        let histogram = Histogram::of_integers(3, 7).unwrap();
        assert_eq!(histogram.edges, [3, 4, 5, 6, 7, 8]);
        assert_eq!(Histogram::of_integers(0, 19).unwrap().counts.len(), 20);
        assert_eq!(Histogram::of_integers(0, 20).unwrap().edges.last(), Some(&22));
        assert!(Histogram::of_integers(5, 5).is_none() && Histogram::of_numbers(1.5, 1.5).is_none());
        assert_eq!(Histogram::of_numbers(1.0, 3.0).unwrap().counts.len(), 20);
    }
}
