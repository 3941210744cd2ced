//! Which objects are worth packing: those of which enough is stored already, or shared with others.

use std::collections::HashMap;

use xet::Hash;

/// An object is packed if this part of its bytes is saved, in percent.
const MIN_SAVED: u128 = 30;

/// The chunks of some objects.
#[derive(Default)]
pub(super) struct Savings {
    numbers: HashMap<Hash, u32>,
    chunks: Vec<Chunk>,
    objects: Vec<Object>,
}

/// A chunk that is not stored yet.
struct Chunk {
    /// Length in a xorb, in bytes.
    packed: u32,
    /// Number of objects that have it.
    objects: u32,
    /// The last one of them.
    last: usize,
}

#[derive(Default)]
struct Object {
    size: u64,
    /// Chunks that are not stored yet, each once.
    chunks: Vec<u32>,
}

impl Savings {
    /// Begins the next object.
    pub(super) fn begin(&mut self, size: u64) {
        self.objects.push(Object { size, chunks: Vec::new() });
    }

    /// Adds a chunk that is not stored yet to the object. `packed` computes its length in a xorb, in bytes.
    pub(super) fn push(&mut self, chunk: Hash, packed: impl FnOnce() -> usize) {
        let Some(number) = self.objects.len().checked_sub(1) else { return };
        let next = u32::try_from(self.chunks.len()).unwrap_or(u32::MAX);
        let chunk = *self.numbers.entry(chunk).or_insert_with(|| {
            let packed = u32::try_from(packed()).unwrap_or(u32::MAX);
            self.chunks.push(Chunk { packed, objects: 0, last: usize::MAX });
            next
        });
        let known = &mut self.chunks[chunk as usize];
        if known.last != number {
            known.objects += 1;
            known.last = number;
            self.objects[number].chunks.push(chunk);
        }
    }

    /// Returns for each object whether it is worth packing, together with the others that are.
    pub(super) fn worthwhile(mut self) -> Vec<bool> {
        let mut packed = vec![true; self.objects.len()];
        loop {
            let poor: Vec<usize> = (0..packed.len()).filter(|number| packed[*number] && !self.pays(*number)).collect();
            if poor.is_empty() {
                return packed;
            }
            for number in poor {
                packed[number] = false;
                for chunk in std::mem::take(&mut self.objects[number].chunks) {
                    self.chunks[chunk as usize].objects -= 1;
                }
            }
        }
    }

    /// Compares an object with its share of the chunks to store.
    fn pays(&self, number: usize) -> bool {
        let object = &self.objects[number];
        let shares = object.chunks.iter().map(|chunk| &self.chunks[*chunk as usize]);
        let cost: u64 = shares.map(|chunk| u64::from(chunk.packed) / u64::from(chunk.objects.max(1))).sum();
        u128::from(cost) * 100 <= u128::from(object.size) * (100 - MIN_SAVED)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LENGTH: u64 = 1000;

    /// Objects as lists of chunks that cannot be compressed.
    fn worthwhile(objects: &[&[u8]]) -> Vec<bool> {
        let mut savings = Savings::default();
        for chunks in objects {
            savings.begin(chunks.len() as u64 * LENGTH);
            for chunk in *chunks {
                savings.push(Hash::of_chunk(&[*chunk]), || 1000);
            }
        }
        savings.worthwhile()
    }

    #[test]
    fn versions_that_share_their_chunks_are_packed() {
        assert_eq!(worthwhile(&[&[1, 2, 3, 4]]), [false]);
        assert_eq!(worthwhile(&[&[1, 2, 3, 4], &[1, 2, 3, 5]]), [true, true]);
        assert_eq!(worthwhile(&[&[1, 2, 3, 4], &[5, 6, 7, 8], &[1, 2, 3, 9]]), [true, false, true]);
    }

    #[test]
    fn a_chunk_shared_with_an_object_that_stays_whole_saves_nothing() {
        // The second one alone shares two thirds with the first, which shares only a fifth.
        let large: Vec<u8> = (0..20).collect();
        assert_eq!(worthwhile(&[&large, &[0, 1, 30]]), [false, false]);
    }

    #[test]
    fn repeated_chunks_are_stored_once() {
        assert_eq!(worthwhile(&[&[1, 1, 1, 1]]), [true]);
        assert_eq!(worthwhile(&[]), [false; 0]);
    }

    proptest! {
        #[test]
        fn what_is_packed_saves_30_percent(objects in prop::collection::vec(prop::collection::vec(0..40_u8, 1..20), 0..12)) {
            let chosen = worthwhile(&objects.iter().map(Vec::as_slice).collect::<Vec<_>>());
            let packed: Vec<_> = objects.iter().zip(&chosen).filter(|(_, chosen)| **chosen).map(|(object, _)| object).collect();
            let size: usize = packed.iter().map(|object| object.len()).sum();
            let stored: std::collections::HashSet<u8> = packed.iter().flat_map(|object| object.iter().copied()).collect();
            // Shares are rounded down to bytes.
            prop_assert!(stored.len() * 100 <= size * 70 + size);
        }
    }
}
