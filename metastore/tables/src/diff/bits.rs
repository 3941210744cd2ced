//! Sets of row numbers.

/// A set of row numbers below a limit, with a bit for each.
#[derive(Debug, Clone, Default)]
pub(super) struct Bits {
    words: Vec<u64>,
    count: u64,
}

impl Bits {
    /// Creates an empty set of numbers below this.
    pub(super) fn new(limit: u64) -> Self {
        let words = usize::try_from(limit.div_ceil(64)).unwrap_or(usize::MAX);
        Self { words: vec![0; words], count: 0 }
    }

    /// Returns how many numbers are in the set.
    pub(super) fn count(&self) -> u64 {
        self.count
    }

    /// Adds a number below the limit.
    pub(super) fn insert(&mut self, number: u64) {
        if let Some(word) = self.words.get_mut(place(number)) {
            self.count += u64::from(*word & bit(number) == 0);
            *word |= bit(number);
        }
    }

    /// Removes a number.
    pub(super) fn remove(&mut self, number: u64) {
        if let Some(word) = self.words.get_mut(place(number)) {
            self.count -= u64::from(*word & bit(number) != 0);
            *word &= !bit(number);
        }
    }

    /// Returns true if the number is in the set.
    pub(super) fn contains(&self, number: u64) -> bool {
        self.words.get(place(number)).is_some_and(|word| word & bit(number) != 0)
    }

    /// Returns the smallest number of the set that is at least this.
    pub(super) fn next(&self, from: u64) -> Option<u64> {
        let first = place(from);
        let masked = self.words.get(first)? & (u64::MAX << (from % 64));
        let found = |index: usize, word: u64| index as u64 * 64 + u64::from(word.trailing_zeros());
        if masked != 0 {
            return Some(found(first, masked));
        }
        let rest = self.words[first + 1..].iter().position(|word| *word != 0)?;
        let index = first + 1 + rest;
        Some(found(index, self.words[index]))
    }

    /// Returns the smallest number, at least this, that is not in the set.
    pub(super) fn end_of_run(&self, from: u64) -> u64 {
        let mut number = from;
        while let Some(word) = self.words.get(place(number)) {
            let ones = u64::from((word >> (number % 64)).trailing_ones());
            let left = 64 - number % 64;
            number += ones.min(left);
            if ones < left {
                break;
            }
        }
        number
    }
}

fn place(number: u64) -> usize {
    usize::try_from(number / 64).unwrap_or(usize::MAX)
}

fn bit(number: u64) -> u64 {
    1 << (number % 64)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn sets_are_those_of_the_library(
            inserted in prop::collection::vec(0_u64..200, 0..300),
            removed in prop::collection::vec(0_u64..200, 0..30),
        ) {
            let (mut bits, mut set) = (Bits::new(200), BTreeSet::new());
            for number in inserted {
                bits.insert(number);
                set.insert(number);
            }
            for number in removed {
                bits.remove(number);
                set.remove(&number);
            }
            prop_assert_eq!(bits.count(), set.len() as u64);
            for from in 0..300 {
                prop_assert_eq!(bits.contains(from), set.contains(&from));
                prop_assert_eq!(bits.next(from), set.range(from..).next().copied());
                let end = (from..=300).find(|number| !set.contains(number));
                prop_assert_eq!(Some(bits.end_of_run(from)), end);
            }
        }
    }
}
