//! Packed objects: stored as ranges of chunks in xorbs, so that versions of a file share what they have in common.
//!
//! Reading works at any offset, and gives the same bytes as a file would. An object is packed only after it was put
//! together from its chunks and its SHA-256 was compared. Xorbs that a packed object needs are not deleted; if one turns
//! out to be damaged, the objects that need it are quarantined with it.

mod check;
mod download;
mod pack;
mod read;
mod savings;
mod xorbs;

use std::ops::Range;

use lfs::Oid;
use xet::Hash;
use xet::format::MAX_XORB_CHUNKS;

pub(super) use self::check::sha256;
pub(super) use self::download::signed_range;
pub use self::download::{XetDownload, XetRange, XetTerm};
pub use self::pack::PackSummary;
pub(super) use self::xorbs::{XorbCache, corrupt};
use super::Storage;
use crate::db::objects::{ReconstructionRow, XorbRow};
use crate::error::{Error, Result};

/// Maximum number of terms of a packed object, with which it takes 240 KB in the database. Objects with more are too
/// fragmented to be read fast.
pub(super) const MAX_TERMS: usize = 20_000;

/// Length of a term in a row, in bytes: the number of the xorb, the range of chunks, and the length of the bytes.
const TERM: usize = 12;

/// How an object is put together.
#[derive(Debug, Clone)]
pub(crate) struct Reconstruction {
    /// Hash of the file.
    pub(crate) hash: Hash,
    /// The xorbs that terms refer to by number.
    pub(crate) xorbs: Vec<XorbRow>,
    pub(crate) terms: Vec<Term>,
}

/// Chunks of a xorb that follow each other in an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Term {
    /// Number of the xorb.
    pub(crate) xorb: usize,
    /// The chunks, of at least one.
    pub(crate) chunks: Range<usize>,
    /// Where the term ends in the object, in bytes.
    pub(crate) end: u64,
}

impl Reconstruction {
    /// Returns the length of the object in bytes.
    pub(crate) fn len(&self) -> u64 {
        self.terms.last().map_or(0, |term| term.end)
    }

    /// Returns where a term starts in the object, in bytes.
    pub(crate) fn start_of(&self, term: usize) -> u64 {
        term.checked_sub(1).and_then(|before| self.terms.get(before)).map_or(0, |before| before.end)
    }

    /// Returns the number of the term with the byte at this offset.
    pub(crate) fn term_at(&self, offset: u64) -> usize {
        self.terms.partition_point(|term| term.end <= offset)
    }

    /// Adds chunks of a xorb, of `length` bytes, to the end of the object.
    pub(super) fn push(&mut self, xorb: usize, chunks: Range<usize>, length: u64) {
        let end = self.len() + length;
        match self.terms.last_mut() {
            Some(last) if last.xorb == xorb && last.chunks.end == chunks.start => {
                (last.chunks.end, last.end) = (chunks.end, end);
            }
            _ => self.terms.push(Term { xorb, chunks, end }),
        }
    }

    fn parse(row: ReconstructionRow) -> Result<Self> {
        let mut parsed = Self { hash: row.hash.parse().map_err(Error::internal)?, xorbs: row.xorbs, terms: Vec::new() };
        let (terms, rest) = row.terms.as_chunks::<TERM>();
        let mut end = 0;
        for term in terms {
            let [xorb, chunks, length] = [0, 4, 8].map(|at| {
                let bytes = [term[at], term[at + 1], term[at + 2], term[at + 3]];
                u32::from_le_bytes(bytes)
            });
            let (xorb, chunks) = (xorb as usize, (chunks & 0xffff) as usize..(chunks >> 16) as usize);
            end += u64::from(length);
            if xorb >= parsed.xorbs.len() || chunks.is_empty() || chunks.end > MAX_XORB_CHUNKS {
                return Err(corrupt("its object refers to chunks that do not exist"));
            }
            parsed.terms.push(Term { xorb, chunks, end });
        }
        if rest.is_empty() { Ok(parsed) } else { Err(corrupt("the list of its chunks was cut")) }
    }

    /// Returns the row; `None` if the object has too many terms to be packed.
    pub(super) fn row(&self) -> Result<Option<ReconstructionRow>> {
        if self.terms.len() > MAX_TERMS {
            return Ok(None);
        }
        let mut terms = Vec::with_capacity(self.terms.len() * TERM);
        for (number, term) in self.terms.iter().enumerate() {
            let number_of = |chunk: usize| u16::try_from(chunk).map_err(Error::internal);
            terms.extend(u32::try_from(term.xorb).map_err(Error::internal)?.to_le_bytes());
            terms.extend(number_of(term.chunks.start)?.to_le_bytes());
            terms.extend(number_of(term.chunks.end)?.to_le_bytes());
            let length = u32::try_from(term.end - self.start_of(number)).map_err(Error::internal)?;
            terms.extend(length.to_le_bytes());
        }
        Ok(Some(ReconstructionRow { hash: self.hash.to_string(), terms, xorbs: self.xorbs.clone() }))
    }
}

impl Storage {
    /// Returns how an object is put together; `None` if it is not packed.
    pub(crate) async fn reconstruction(&self, store: &str, oid: &Oid) -> Result<Option<Reconstruction>> {
        let row = self.0.db.read().await?.reconstruction(store, oid).await?;
        row.map(Reconstruction::parse).transpose()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn xorb(number: usize) -> XorbRow {
        XorbRow { hash: String::new(), store: String::new(), oid: number.to_string(), size: 0, place: String::new() }
    }

    fn reconstruction(terms: &[(usize, usize, usize, u32)]) -> Reconstruction {
        let xorbs = (0..4).map(xorb).collect();
        let mut built = Reconstruction { hash: Hash::of_chunk(b"x"), xorbs, terms: Vec::new() };
        for (xorb, start, count, length) in terms {
            built.push(*xorb, *start..start + count, u64::from(*length));
        }
        built
    }

    proptest! {
        #[test]
        fn a_row_has_the_same_terms(terms in prop::collection::vec((0..4_usize, 0..8000_usize, 1..100_usize, 1..100_000_u32), 0..40)) {
            let built = reconstruction(&terms);
            prop_assert_eq!(built.len(), terms.iter().map(|term| u64::from(term.3)).sum::<u64>());
            let read = Reconstruction::parse(built.row().unwrap().unwrap()).unwrap();
            prop_assert_eq!(&read.terms, &built.terms);
            for (number, term) in read.terms.iter().enumerate() {
                prop_assert_eq!(read.term_at(term.end - 1), number);
                prop_assert_eq!(read.term_at(read.start_of(number)), number);
            }
            prop_assert_eq!(read.term_at(read.len()), read.terms.len());
        }

        #[test]
        fn a_damaged_row_is_refused_without_a_panic(terms: Vec<u8>) {
            let row = ReconstructionRow { hash: Hash::of_chunk(b"x").to_string(), terms, xorbs: vec![xorb(0)] };
            let _ = Reconstruction::parse(row);
        }
    }

    #[test]
    fn chunks_that_follow_each_other_are_one_term() {
        let built = reconstruction(&[(0, 0, 2, 10), (0, 2, 1, 5), (1, 3, 1, 5), (0, 3, 1, 5)]);
        assert_eq!(built.terms.len(), 3);
        assert_eq!(built.terms[0], Term { xorb: 0, chunks: 0..3, end: 15 });
    }

    #[test]
    fn an_object_with_too_many_terms_is_not_packed() {
        let terms: Vec<_> = (0..=MAX_TERMS).map(|number| (number % 2, 0, 1, 1)).collect();
        assert!(reconstruction(&terms).row().unwrap().is_none());
        assert!(reconstruction(&terms[1..]).row().unwrap().is_some());
    }
}
