//! Row index of a table: byte offsets of rows, as far as the table has been read.

/// Maximum number of offsets stored per table.
pub(super) const PLACES: usize = 8192;

/// Initial minimum distance in bytes between two offsets.
const STRIDE: u64 = 1 << 20;

/// The byte offset of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    /// Row number, from 0.
    pub row: u64,
    /// Offset in bytes from the beginning of the file.
    pub at: u64,
}

/// Offsets spread over a table, in order. The distance between them grows with the table, so that they cover all of it.
#[derive(Debug)]
pub(super) struct Places {
    /// Minimum distance between two offsets in bytes.
    stride: u64,
    /// The first row is always included.
    known: Vec<Place>,
}

impl From<u64> for Places {
    /// Creates the index of a table whose first row starts at this offset.
    fn from(at: u64) -> Self {
        Self { stride: STRIDE, known: vec![Place { row: 0, at }] }
    }
}

impl Places {
    /// Returns the last known offset at or before a row.
    pub(super) fn before(&self, row: u64) -> Place {
        let next = self.known.partition_point(|place| place.row <= row);
        // The first row precedes all others.
        self.known[next.saturating_sub(1)]
    }

    /// Adds an offset, unless another one is near it.
    pub(super) fn note(&mut self, place: Place) {
        let next = self.known.partition_point(|known| known.at < place.at);
        let before = next.checked_sub(1).map(|before| self.known[before].at);
        let is_near = |at: Option<u64>| at.is_some_and(|at| at.abs_diff(place.at) < self.stride);
        if is_near(before) || is_near(self.known.get(next).map(|after| after.at)) {
            return;
        }
        self.known.insert(next, place);
        while self.known.len() > PLACES {
            self.stride *= 2;
            let mut last = None;
            self.known.retain(|place| {
                let is_kept = last.is_none_or(|last| place.at - last >= self.stride);
                if is_kept {
                    last = Some(place.at);
                }
                is_kept
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn recorded_offsets_reach_the_end_of_the_table() {
        // Rows of 64 bytes, read one MiB at a time.
        const READ: u64 = 1 << 20;
        const END: u64 = 200 << 30;
        let mut places = Places::from(0);
        for at in (READ..=END).step_by(usize::try_from(READ).unwrap()) {
            places.note(Place { row: at / 64, at });
        }
        assert!((PLACES / 2 - 1..=PLACES).contains(&places.known.len()));
        assert!(places.stride <= super::super::MAX_READ_BYTES / 2, "{}", places.stride);
        for row in [1, END / 64 / 2, END / 64] {
            let found = places.before(row);
            assert!(found.row <= row && (row - found.row) * 64 <= 2 * places.stride, "{row}: {found:?}");
        }
    }

    proptest! {
        #[test]
        fn recorded_offsets_are_ordered_and_spaced(noted in prop::collection::vec(1_u64..5000, 0..200)) {
            let mut places = Places::from(7);
            for at in &noted {
                places.note(Place { row: at * 10, at: 7 + (at << 18) });
            }
            prop_assert_eq!(places.known[0], Place { row: 0, at: 7 });
            let pairs = || places.known.iter().zip(&places.known[1..]);
            prop_assert!(pairs().all(|(one, next)| one.row < next.row && next.at - one.at >= STRIDE));
            for row in [0, 10, 5000, 60_000] {
                let found = places.before(row);
                prop_assert!(found.row <= row);
                prop_assert!(places.known.iter().all(|place| place.row <= found.row || place.row > row));
            }
        }
    }
}
