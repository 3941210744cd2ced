//! External merge sort of records of fixed length: what does not fit into memory is sorted in runs, which are written to
//! scratch files and merged.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;
use std::fs::File;
use std::ops::Range;
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::error::{Error, Result};

/// A record of `N` words, which are compared in this order.
pub(super) type Record<const N: usize> = [u64; N];

/// Length of a word in bytes.
const WORD: usize = size_of::<u64>();

/// Number of runs that are merged at once. With more of them, the first ones are merged to a longer one.
const MAX_RUNS: usize = 64;

/// Length of the buffer of a run that is written or read, in bytes.
const BUFFER: usize = 64 << 10;

/// The smallest number of records that are kept in memory.
const MIN_CAPACITY: usize = 16;

/// Disk space for sorted runs, which several sorters share.
#[derive(Debug)]
pub(super) struct Scratch {
    used: AtomicU64,
    limit: u64,
}

impl Scratch {
    /// Creates space of this many bytes.
    pub(super) fn new(limit: u64) -> Arc<Self> {
        Arc::new(Self { used: AtomicU64::new(0), limit })
    }

    /// Returns how many bytes are left.
    pub(super) fn left(&self) -> u64 {
        self.limit.saturating_sub(self.used.load(Ordering::Relaxed))
    }

    fn take(&self, bytes: u64) -> Result<()> {
        if self.used.fetch_add(bytes, Ordering::Relaxed).saturating_add(bytes) > self.limit {
            return Err(Error::limit(
                "the comparison needs more disk space than `tables.scratch_bytes` allows; compare smaller tables",
            ));
        }
        Ok(())
    }

    fn free(&self, bytes: u64) {
        self.used.fetch_sub(bytes, Ordering::Relaxed);
    }
}

/// Sorts records.
pub(super) struct Sorter<const N: usize> {
    records: Vec<Record<N>>,
    /// Maximum number of records in memory.
    capacity: usize,
    scratch: Arc<Scratch>,
    spilled: Option<RunFile>,
}

/// A file with sorted runs, one after the other.
struct RunFile {
    file: File,
    runs: Vec<Range<u64>>,
    length: u64,
    buffer: Vec<u8>,
    scratch: Arc<Scratch>,
}

impl Drop for RunFile {
    fn drop(&mut self) {
        self.scratch.free(self.length);
    }
}

impl RunFile {
    fn new(scratch: &Arc<Scratch>) -> Result<Self> {
        // It has no name, so that nothing is left of it when the process ends.
        let file = tempfile::tempfile_in(".").map_err(Error::internal)?;
        Ok(Self { file, runs: Vec::new(), length: 0, buffer: Vec::new(), scratch: Arc::clone(scratch) })
    }

    fn push<const N: usize>(&mut self, record: &Record<N>) -> Result<()> {
        if self.buffer.len() + N * WORD > BUFFER {
            self.flush()?;
        }
        for word in record {
            self.buffer.extend_from_slice(&word.to_le_bytes());
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<()> {
        self.scratch.take(self.buffer.len() as u64)?;
        let start = self.length;
        self.length += self.buffer.len() as u64;
        self.file.write_all_at(&self.buffer, start).map_err(Error::internal)?;
        self.buffer.clear();
        Ok(())
    }

    fn end_run(&mut self) -> Result<()> {
        self.flush()?;
        let start = self.runs.last().map_or(0, |run| run.end);
        self.runs.push(start..self.length);
        Ok(())
    }
}

impl<const N: usize> Sorter<N> {
    /// Creates a sorter that keeps up to `memory` bytes in memory.
    pub(super) fn new(memory: usize, scratch: &Arc<Scratch>) -> Self {
        let capacity = (memory / size_of::<Record<N>>()).max(MIN_CAPACITY);
        Self { records: Vec::new(), capacity, scratch: Arc::clone(scratch), spilled: None }
    }

    /// Adds a record.
    ///
    /// # Errors
    /// Limit if there is no more disk space.
    pub(super) fn push(&mut self, record: Record<N>) -> Result<()> {
        if self.records.len() == self.records.capacity() {
            if self.records.len() >= self.capacity {
                self.spill()?;
            } else {
                let more = self.records.len().max(1024).min(self.capacity - self.records.len());
                self.records.reserve_exact(more);
            }
        }
        self.records.push(record);
        Ok(())
    }

    /// Sorts the records.
    pub(super) fn finish(mut self) -> Sorted<N> {
        sort(&mut self.records);
        Sorted(Arc::new(Contents { records: self.records, spilled: self.spilled }))
    }

    fn spill(&mut self) -> Result<()> {
        let mut spilled = match self.spilled.take() {
            Some(spilled) if spilled.runs.len() < MAX_RUNS => spilled,
            Some(spilled) => self.merge(spilled)?,
            None => RunFile::new(&self.scratch)?,
        };
        sort(&mut self.records);
        for record in &self.records {
            spilled.push(record)?;
        }
        spilled.end_run()?;
        self.records.clear();
        self.spilled = Some(spilled);
        Ok(())
    }

    /// Merges runs into one.
    fn merge(&self, spilled: RunFile) -> Result<RunFile> {
        let mut one = RunFile::new(&self.scratch)?;
        let mut merged = Merged::<N>::new(Arc::new(Contents { records: Vec::new(), spilled: Some(spilled) }))?;
        while let Some(record) = merged.next()? {
            one.push(&record)?;
        }
        one.end_run()?;
        Ok(one)
    }
}

/// Sorted records, which can be read several times.
#[derive(Clone)]
pub(super) struct Sorted<const N: usize>(Arc<Contents<N>>);

struct Contents<const N: usize> {
    records: Vec<Record<N>>,
    spilled: Option<RunFile>,
}

impl<const N: usize> Sorted<N> {
    /// Reads the records in their order.
    pub(super) fn read(&self) -> Result<Merged<N>> {
        Merged::new(Arc::clone(&self.0))
    }
}

/// Reads sorted records.
pub(super) struct Merged<const N: usize> {
    contents: Arc<Contents<N>>,
    /// The number of the next record of those in memory.
    at: usize,
    runs: Vec<RunReader>,
    /// The next record of each run, with its number; of those in memory, too, if there are runs.
    heads: BinaryHeap<Reverse<(Record<N>, usize)>>,
}

/// Sorts records in memory. The first word, a hash or the number of a row, nearly always decides.
fn sort<const N: usize>(records: &mut [Record<N>]) {
    records.sort_unstable_by(|one, other| one[0].cmp(&other[0]).then_with(|| one[1..].cmp(&other[1..])));
}

/// Reads a run.
struct RunReader {
    buffer: Vec<u8>,
    used: usize,
    rest: Range<u64>,
}

impl RunReader {
    fn next<const N: usize>(&mut self, file: &File) -> Result<Option<Record<N>>> {
        if self.used == self.buffer.len() {
            let rest = self.rest.end - self.rest.start;
            if rest == 0 {
                return Ok(None);
            }
            let record = N * WORD;
            let length = (BUFFER / record * record).min(usize::try_from(rest).unwrap_or(usize::MAX));
            self.buffer.resize(length, 0);
            file.read_exact_at(&mut self.buffer, self.rest.start).map_err(Error::internal)?;
            self.rest.start += length as u64;
            self.used = 0;
        }
        let mut record = [0; N];
        let (words, _) = self.buffer[self.used..].as_chunks::<WORD>();
        for (word, bytes) in record.iter_mut().zip(words) {
            *word = u64::from_le_bytes(*bytes);
        }
        self.used += N * WORD;
        Ok(Some(record))
    }
}

impl<const N: usize> Merged<N> {
    fn new(contents: Arc<Contents<N>>) -> Result<Self> {
        let mut merged = Self { contents, at: 0, runs: Vec::new(), heads: BinaryHeap::new() };
        if let Some(spilled) = &merged.contents.spilled {
            let reader = |run: &Range<u64>| RunReader { buffer: Vec::new(), used: 0, rest: run.clone() };
            merged.runs = spilled.runs.iter().map(reader).collect();
            for number in 0..=merged.runs.len() {
                merged.add_head(number)?;
            }
        }
        Ok(merged)
    }

    /// Returns the next record.
    pub(super) fn next(&mut self) -> Result<Option<Record<N>>> {
        if self.runs.is_empty() {
            let record = self.contents.records.get(self.at).copied();
            self.at += 1;
            return Ok(record);
        }
        let Some(Reverse((record, number))) = self.heads.peek().copied() else { return Ok(None) };
        let following = self.following(number)?;
        if let Some(mut head) = self.heads.peek_mut() {
            match following {
                Some(record) => *head = Reverse((record, number)),
                None => {
                    PeekMut::pop(head);
                }
            }
        }
        Ok(Some(record))
    }

    fn add_head(&mut self, number: usize) -> Result<()> {
        if let Some(record) = self.following(number)? {
            self.heads.push(Reverse((record, number)));
        }
        Ok(())
    }

    fn following(&mut self, number: usize) -> Result<Option<Record<N>>> {
        if let (Some(reader), Some(spilled)) = (self.runs.get_mut(number), &self.contents.spilled) {
            return reader.next(&spilled.file);
        }
        let record = self.contents.records.get(self.at).copied();
        self.at += 1;
        Ok(record)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use tables_wire::FailureKind;

    use super::*;

    fn sorted<const N: usize>(records: &[Record<N>], memory: usize, scratch: &Arc<Scratch>) -> Result<Sorted<N>> {
        let mut sorter = Sorter::new(memory, scratch);
        records.iter().try_for_each(|record| sorter.push(*record))?;
        Ok(sorter.finish())
    }

    fn all<const N: usize>(sorted: &Sorted<N>) -> Vec<Record<N>> {
        let mut merged = sorted.read().unwrap();
        std::iter::from_fn(|| merged.next().unwrap()).collect()
    }

    proptest! {
        #[test]
        fn records_are_sorted(mut records in prop::collection::vec(any::<[u64; 3]>(), 0..3000), memory in 0_usize..40_000) {
            let scratch = Scratch::new(1 << 30);
            let found = sorted(&records, memory, &scratch).unwrap();
            records.sort_unstable();
            prop_assert_eq!(&all(&found), &records);
            prop_assert_eq!(&all(&found), &records);
            drop(found);
            prop_assert_eq!(scratch.left(), 1 << 30);
        }
    }

    #[test]
    fn equal_records_and_many_runs() {
        let scratch = Scratch::new(1 << 30);
        let records: Vec<[u64; 2]> = (0..20_000).map(|number| [number * 7 % 13, number % 3]).collect();
        // More runs than are merged at once.
        let found = sorted(&records, 0, &scratch).unwrap();
        assert!(found.0.spilled.as_ref().unwrap().runs.len() <= MAX_RUNS);
        let mut expected = records;
        expected.sort_unstable();
        assert_eq!(all(&found), expected);
    }

    #[test]
    fn disk_space_is_limited() {
        let records = vec![[1; 5]; 10_000];
        let error = sorted(&records, 0, &Scratch::new(100_000)).err().unwrap();
        assert!(error.kind == FailureKind::Limit && error.message.contains("tables.scratch_bytes"), "{error}");
    }
}
