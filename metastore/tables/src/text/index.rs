//! Row indexes: what is known of a text file from earlier requests. Servers keep them, and may return anything.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::charset::Charset;
use crate::error::Result;
use crate::infer::Inferred;
use crate::kept;

/// The version of the format, and of what inference finds.
const VERSION: u32 = 1;

/// Number of rows between two known offsets, at first.
pub(super) const STEP: u64 = 10_000;

/// Maximum number of offsets. With more, every second one is dropped.
const MAX_OFFSETS: usize = 4000;

/// The offsets of rows in a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Offsets {
    step: u64,
    /// The offset of each row whose number is a multiple of `step`.
    offsets: Vec<u64>,
}

/// The place of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    /// The number of the row, from 0.
    pub(crate) row: u64,
    pub(crate) offset: u64,
}

/// What is known of a text file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct FileIndex {
    version: u32,
    /// The length of the file.
    size: u64,
    /// What was declared, on which the description depends.
    declared: Map<String, Value>,
    pub(crate) inferred: Inferred,
    /// The name of the encoding, and the length of the byte order mark.
    charset: (String, u64),
    pub(crate) declared_charset: String,
    pub(crate) offsets: Offsets,
    pub(crate) total: Option<u64>,
}

impl Default for Offsets {
    fn default() -> Self {
        Self { step: STEP, offsets: Vec::new() }
    }
}

impl Offsets {
    /// Returns the last known place at or before this row.
    pub(crate) fn before(&self, row: u64) -> Option<Place> {
        let place = usize::try_from(row / self.step).unwrap_or(usize::MAX).min(self.offsets.len().checked_sub(1)?);
        Some(Place { row: place as u64 * self.step, offset: self.offsets[place] })
    }

    /// Returns true if the place of this row is wanted.
    pub(crate) fn wants(&self, row: u64) -> bool {
        row == self.offsets.len() as u64 * self.step
    }

    /// Adds the place of a row that is wanted.
    pub(crate) fn note(&mut self, place: Place) {
        if self.wants(place.row) && self.offsets.last().is_none_or(|last| *last < place.offset) {
            self.offsets.push(place.offset);
            if self.offsets.len() > MAX_OFFSETS {
                let mut number = 0;
                self.offsets.retain(|_| {
                    number += 1;
                    number % 2 == 1
                });
                self.step *= 2;
            }
        }
    }

    fn is_valid(&self, size: u64) -> bool {
        self.step >= STEP
            && self.offsets.len() <= MAX_OFFSETS
            && self.offsets.is_sorted_by(|one, next| one < next)
            && self.offsets.last().is_none_or(|last| *last <= size)
    }
}

impl FileIndex {
    pub(crate) fn new(
        size: u64,
        declared: &Map<String, Value>,
        inferred: Inferred,
        charset: Charset,
        name: String,
    ) -> Self {
        Self {
            version: VERSION,
            size,
            declared: declared.clone(),
            inferred,
            charset: (charset.name().to_owned(), charset.mark()),
            declared_charset: name,
            offsets: Offsets::default(),
            total: None,
        }
    }

    /// Returns the encoding.
    pub(crate) fn charset(&self) -> Option<Charset> {
        Charset::named(&self.charset.0, self.charset.1)
    }

    /// Parses an index; `None` if it is not one of this file, or is damaged.
    pub(crate) fn parse(payload: &[u8], size: u64, declared: &Map<String, Value>) -> Option<Self> {
        let index: Self = kept::open(payload)?;
        let is_valid = index.version == VERSION
            && index.size == size
            && index.declared == *declared
            && index.offsets.is_valid(size)
            && index.charset().is_some();
        is_valid.then_some(index)
    }

    /// Formats the index for the server.
    pub(crate) fn to_bytes(&self) -> Result<Bytes> {
        kept::seal(self)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn index() -> FileIndex {
        let inferred = Inferred {
            schema: json!({"fields": [{"name": "a", "type": "integer"}]}).as_object().cloned().unwrap(),
            dialect: None,
            nested: Map::new(),
            rows: 3,
            is_complete: false,
        };
        let mut index =
            FileIndex::new(1000, &Map::new(), inferred, Charset::named("utf-8", 3).unwrap(), "utf-8".to_owned());
        for row in 0..5 {
            index.offsets.note(Place { row: row * STEP, offset: 3 + row * 100 });
        }
        index
    }

    #[test]
    fn an_index_is_of_one_file() {
        let bytes = index().to_bytes().unwrap();
        assert_eq!(FileIndex::parse(&bytes, 1000, &Map::new()), Some(index()));
        assert_eq!(FileIndex::parse(&bytes, 1001, &Map::new()), None);
        let declared = json!({"encoding": "utf-8"});
        assert_eq!(FileIndex::parse(&bytes, 1000, declared.as_object().unwrap()), None);
        let mut wrong = index();
        wrong.offsets.offsets.swap(0, 1);
        assert_eq!(FileIndex::parse(&wrong.to_bytes().unwrap(), 1000, &Map::new()), None);
        wrong.offsets.offsets = vec![1001];
        assert_eq!(FileIndex::parse(&wrong.to_bytes().unwrap(), 1000, &Map::new()), None);
    }

    #[test]
    fn the_nearest_place_is_found() {
        let offsets = index().offsets;
        assert_eq!(offsets.before(0), Some(Place { row: 0, offset: 3 }));
        assert_eq!(offsets.before(STEP - 1), Some(Place { row: 0, offset: 3 }));
        assert_eq!(offsets.before(STEP), Some(Place { row: STEP, offset: 103 }));
        assert_eq!(offsets.before(u64::MAX), Some(Place { row: 4 * STEP, offset: 403 }));
        assert_eq!(Offsets::default().before(5), None);
    }

    #[test]
    fn an_index_of_a_long_file_is_small() {
        let mut offsets = Offsets::default();
        let mut row = 0;
        while row < 1_000_000_000 {
            offsets.note(Place { row, offset: row * 1_000_000 });
            row += STEP;
        }
        assert!(offsets.offsets.len() > MAX_OFFSETS / 2 && offsets.is_valid(u64::MAX));
        assert!(serde_json::to_vec(&offsets).unwrap().len() < 1 << 16);
        let place = offsets.before(987_654_321).unwrap();
        assert!(place.row + offsets.step > 987_654_321 && place.offset == place.row * 1_000_000);
    }

    proptest! {
        #[test]
        fn damaged_indexes_are_ignored(at: prop::sample::Index, byte: u8, cut: prop::sample::Index) {
            let bytes = index().to_bytes().unwrap();
            let mut damaged = bytes.to_vec();
            let at = at.index(damaged.len());
            damaged[at] = byte;
            let found = FileIndex::parse(&damaged, 1000, &Map::new());
            prop_assert_eq!(found.is_some(), damaged == bytes);
            prop_assert_eq!(FileIndex::parse(&bytes[..cut.index(bytes.len())], 1000, &Map::new()), None);
        }
    }
}
