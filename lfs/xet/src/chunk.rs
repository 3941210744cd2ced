//! Content-defined chunking (gear hash): cuts a stream where its content decides, so that a change moves few boundaries.
//!
//! Source: `chunking`; draft, "Content-Defined Chunking".

mod table;

use crate::format::{CUT_MASK, GEAR_WINDOW, MAX_CHUNK, MIN_CHUNK};
use table::TABLE;

/// Cuts a stream into chunks. The boundaries do not depend on the pieces in which the stream arrives.
#[derive(Clone, Debug, Default)]
pub struct Chunker {
    /// The gear hash of the last bytes of the chunk.
    hash: u64,
    /// Length of the chunk so far, in bytes.
    length: usize,
    /// The chunk so far, if it began in an earlier piece.
    begun: Vec<u8>,
}

impl Chunker {
    /// Creates a chunker at the beginning of a stream.
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads the next piece of the stream, and calls `sink` with each chunk that ends in it.
    ///
    /// An error of `sink` is returned; the chunker cannot continue after it.
    pub fn push<E>(&mut self, mut piece: &[u8], mut sink: impl FnMut(&[u8]) -> Result<(), E>) -> Result<(), E> {
        while let Some(end) = self.next_cut(piece) {
            let (last, rest) = piece.split_at(end);
            piece = rest;
            if self.begun.is_empty() {
                sink(last)?;
            } else {
                self.begun.extend_from_slice(last);
                sink(&self.begun)?;
                self.begun.clear();
            }
        }
        self.begun.extend_from_slice(piece);
        Ok(())
    }

    /// Ends the stream: calls `sink` with the last chunk, unless the stream is empty or ended with the chunk before.
    pub fn finish<E>(self, mut sink: impl FnMut(&[u8]) -> Result<(), E>) -> Result<(), E> {
        if self.begun.is_empty() { Ok(()) } else { sink(&self.begun) }
    }

    /// Reads bytes up to the end of the chunk: returns how many belong to it, or `None` if all do and it continues.
    fn next_cut(&mut self, piece: &[u8]) -> Option<usize> {
        // The first boundary is tested at the minimum length, and depends only on the window before it.
        let mut at = (MIN_CHUNK - GEAR_WINDOW).saturating_sub(self.length).min(piece.len());
        let untested = (MIN_CHUNK - 1).saturating_sub(self.length).min(piece.len());
        for byte in &piece[at..untested.max(at)] {
            self.hash = roll(self.hash, *byte);
        }
        at = untested.max(at);
        let end = (MAX_CHUNK - self.length).min(piece.len());
        let found = self.scan(&piece[at..end]);
        at = found.map_or(end, |length| at + length);
        self.length += at;
        if found.is_none() && self.length < MAX_CHUNK {
            return None;
        }
        self.hash = 0;
        self.length = 0;
        Some(at)
    }

    /// Returns the number of bytes up to the first boundary.
    fn scan(&mut self, bytes: &[u8]) -> Option<usize> {
        let mut hash = self.hash;
        let (groups, rest) = bytes.as_chunks::<4>();
        for (index, group) in groups.iter().enumerate() {
            // The same as `roll` four times, but the next group waits for two additions instead of four.
            let [first, second, third, fourth] = group.map(|byte| TABLE[usize::from(byte)]);
            let one = (hash << 1).wrapping_add(first);
            let two = (hash << 2).wrapping_add((first << 1).wrapping_add(second));
            let three = (two << 1).wrapping_add(third);
            let four = (two << 2).wrapping_add((third << 1).wrapping_add(fourth));
            for (hash, length) in [(one, 1), (two, 2), (three, 3), (four, 4)] {
                if hash & CUT_MASK == 0 {
                    return Some(index * 4 + length);
                }
            }
            hash = four;
        }
        for (offset, byte) in rest.iter().enumerate() {
            hash = roll(hash, *byte);
            if hash & CUT_MASK == 0 {
                return Some(groups.len() * 4 + offset + 1);
            }
        }
        self.hash = hash;
        None
    }
}

/// Adds a byte to the gear hash.
fn roll(hash: u64, byte: u8) -> u64 {
    (hash << 1).wrapping_add(TABLE[usize::from(byte)])
}

#[cfg(test)]
mod tests;
