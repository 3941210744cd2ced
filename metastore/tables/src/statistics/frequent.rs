//! The most frequent values in two scans: candidates with bounded memory (Misra–Gries), then their exact counts.

use std::collections::HashMap;
use std::hash::BuildHasherDefault;

use super::distinct::Hashed;

type Counts<T> = HashMap<u64, T, BuildHasherDefault<Hashed>>;

/// Maximum length of a value, in characters. Longer ones are cut.
pub(super) const MAX_TEXT: usize = 256;

/// How many values are listed.
const LISTED: usize = 10;

/// Finds at most `2 * size` candidates. Among `n` values, each that occurs more than `n / size` times becomes one.
#[derive(Default)]
pub(super) struct Candidates {
    counts: Counts<u64>,
    size: usize,
}

impl Candidates {
    /// Starts without values.
    pub(super) fn new(size: usize) -> Self {
        Self { counts: Counts::default(), size }
    }

    /// Adds the hash of a value.
    pub(super) fn add(&mut self, hash: u64) {
        *self.counts.entry(hash).or_default() += 1;
        if self.counts.len() > self.size * 2 {
            self.shrink();
        }
    }

    /// Subtracts from all counts the largest one that does not matter, so that at most `size` remain.
    fn shrink(&mut self) {
        let mut counts: Vec<_> = self.counts.values().copied().collect();
        let (_, subtracted, _) = counts.select_nth_unstable_by(self.size, |a, b| b.cmp(a));
        let subtracted = *subtracted;
        self.counts.retain(|_, count| {
            *count = count.saturating_sub(subtracted);
            *count > 0
        });
    }

    /// Starts to count the candidates.
    pub(super) fn into_frequent(self) -> Frequent {
        Frequent(self.counts.into_keys().map(|hash| (hash, Counted::default())).collect())
    }
}

/// Counts candidates.
#[derive(Default)]
pub(super) struct Frequent(Counts<Counted>);

#[derive(Default)]
struct Counted {
    count: u64,
    text: String,
}

impl Frequent {
    /// Adds a value with its hash.
    pub(super) fn add(&mut self, hash: u64, text: &str) {
        if let Some(counted) = self.0.get_mut(&hash) {
            if counted.count == 0 {
                cut(text).clone_into(&mut counted.text);
            }
            counted.count += 1;
        }
    }

    /// Returns the most frequent values, in descending order.
    pub(super) fn top(&mut self) -> Vec<(String, u64)> {
        let mut values: Vec<_> =
            std::mem::take(&mut self.0).into_values().map(|value| (value.text, value.count)).collect();
        values.sort_by(|(text, count), (other_text, other)| other.cmp(count).then_with(|| text.cmp(other_text)));
        values.truncate(LISTED);
        values
    }
}

/// Cuts a text to the length of a value.
pub(super) fn cut(text: &str) -> &str {
    text.char_indices().nth(MAX_TEXT).map_or(text, |(end, _)| &text[..end])
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::hash::BuildHasher as _;

    use datafusion::common::hash_utils::HLL_RANDOM_STATE;
    use proptest::prelude::*;

    use super::*;

    fn hash(text: &str) -> u64 {
        HLL_RANDOM_STATE.hash_one(text)
    }

    fn top(values: &[String], size: usize) -> Vec<(String, u64)> {
        let mut candidates = Candidates::new(size);
        for value in values {
            candidates.add(hash(value));
        }
        let mut frequent = candidates.into_frequent();
        for value in values {
            frequent.add(hash(value), value);
        }
        frequent.top()
    }

    proptest! {
        #[test]
        fn frequent_values_are_found_and_counted(numbers in prop::collection::vec(0_u32..400, 0..3000), size in 12_usize..80) {
            // Small numbers are frequent.
            let values: Vec<_> = numbers.iter().map(|number| (number * number / 700).to_string()).collect();
            let mut counts = BTreeMap::<_, u64>::new();
            for value in &values {
                *counts.entry(value.clone()).or_default() += 1;
            }
            let top = top(&values, size);
            prop_assert!(top.len() <= LISTED);
            prop_assert!(counts.len() > size * 2 || top.len() == counts.len().min(LISTED));
            for (value, count) in &top {
                prop_assert_eq!(counts[value], *count);
            }
            for (value, count) in counts {
                let must_be_found = count > (values.len() / size) as u64;
                let is_less = top.len() == LISTED && top.iter().all(|(_, other)| *other >= count);
                prop_assert!(!must_be_found || is_less || top.contains(&(value, count)));
            }
        }
    }

    #[test]
    fn values_are_cut_between_characters() {
        let long = "ä".repeat(300);
        assert_eq!(top(&[long.clone(), long.clone() + "b"], 10), [("ä".repeat(256), 1), ("ä".repeat(256), 1)]);
        assert_eq!(cut("short"), "short");
    }
}
