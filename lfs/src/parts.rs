//! Multipart uploads: one engine for three protocols.
//!
//! A [`Plan`] splits an object into parts. The parts that a store already has determine which are still missing,
//! whichever protocol the client uses: `multipart-basic` of Giftless, `multipart` of Hugging Face
//! ([`Completion`](crate::batch::Completion)), or [`tus`], where a part ends wherever the connection breaks.
//!
//! A part is not verified on its own: the whole object is hashed before it becomes visible.

use crate::{Error, MAX_SIZE};

mod checksum;
pub mod tus;

pub(crate) use checksum::Hasher;
pub use checksum::{Checksum, InvalidChecksum, WantDigest};

/// Maximum number of parts of an upload: the limit of S3.
pub const MAX_PARTS: u32 = 10_000;

/// Minimum size in bytes of every part but the last (5 MiB): the limit of S3.
pub const MIN_PART: u64 = 5 << 20;

/// Part size in bytes for objects of up to 10 GB (10 MB).
///
/// Some clients limit the size of a request: ckan-client-js in Node sends at most 10 MiB, Giftless uses
/// 10,240,000 bytes. A part is what must be resent after an interruption, and what some clients buffer in memory;
/// on the other hand, each part costs a request and a URL of about 400 bytes in the batch response.
pub const DEFAULT_PART: u64 = 10_000_000;

/// Number of parts to which uploads are limited while parts can still grow up to [`LARGE_PART`].
const TARGET_PARTS: u64 = 1000;

/// Part size in bytes (640 MB) that is exceeded only if there would be more than [`MAX_PARTS`] parts: for objects
/// above 6.4 TB, which S3 does not accept.
const LARGE_PART: u64 = 64 * DEFAULT_PART;

/// How an object is split into parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Plan {
    size: u64,
    part_size: u64,
}

/// A part of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Part {
    /// Part number, from 1 to [`MAX_PARTS`].
    pub number: u32,
    /// Offset in the object, in bytes.
    pub position: u64,
    /// Size in bytes; never 0.
    pub size: u64,
}

/// A part that a store has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct StoredPart {
    /// Part number, as in [`Part::number`].
    pub number: u32,
    /// Size in bytes.
    pub size: u64,
}

impl Plan {
    /// Splits an object of `size` bytes. The part size is [`DEFAULT_PART`], doubled as often as necessary; up to
    /// 640 GB there are at most 1,000 parts. A size above [`MAX_SIZE`] is reduced to it. The empty object has no
    /// parts.
    pub fn new(size: u64) -> Self {
        let size = size.min(MAX_SIZE);
        let mut part_size = DEFAULT_PART;
        while size > part_size * TARGET_PARTS && (part_size < LARGE_PART || size > part_size * u64::from(MAX_PARTS)) {
            part_size *= 2;
        }
        Self { size, part_size }
    }

    /// Returns the plan of an existing upload, or one with a custom part size.
    ///
    /// Errors: [`Error::Invalid`] if there would be more than [`MAX_PARTS`], or parts below [`MIN_PART`] other
    /// than the last one.
    pub fn with_part_size(size: u64, part_size: u64) -> Result<Self, Error> {
        let most = u64::from(MAX_PARTS);
        if size > MAX_SIZE || part_size < MIN_PART || size.div_ceil(part_size) > most {
            return Err(Error::Invalid(format!(
                "{size} bytes cannot be split into parts of {part_size}: a part has at least {MIN_PART} bytes, and \
                 there are at most {most}"
            )));
        }
        Ok(Self { size, part_size })
    }

    /// Returns a plan with parts of any size.
    #[cfg(test)]
    pub(crate) const fn for_tests(size: u64, part_size: u64) -> Self {
        Self { size, part_size }
    }

    /// Returns the size of the object in bytes.
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// Returns the size in bytes of each part but the last; never 0.
    pub const fn part_size(&self) -> u64 {
        self.part_size
    }

    /// Returns the number of parts: 0 for the empty object.
    pub fn count(&self) -> u32 {
        u32::try_from(self.size.div_ceil(self.part_size)).expect("a plan has at most MAX_PARTS parts")
    }

    /// Returns a part by its number, if the plan has it.
    pub fn part(&self, number: u32) -> Option<Part> {
        let position = u64::from(number.checked_sub(1)?).checked_mul(self.part_size)?;
        let left = self.size.checked_sub(position).filter(|left| *left > 0)?;
        Some(Part { number, position, size: left.min(self.part_size) })
    }

    /// Iterates over all parts in order.
    pub fn parts(&self) -> impl Iterator<Item = Part> + use<> {
        let plan = *self;
        (1..=plan.count()).filter_map(move |number| plan.part(number))
    }

    /// Returns the missing parts in order. A part that is stored with another size than planned is missing; if a
    /// number is listed twice, the last entry counts; numbers outside of the plan are ignored.
    pub fn missing(&self, stored: impl IntoIterator<Item = StoredPart>) -> Vec<Part> {
        let mut arrived = vec![false; self.count() as usize];
        for part in stored {
            if let Some(planned) = self.part(part.number) {
                arrived[part.number as usize - 1] = planned.size == part.size;
            }
        }
        self.parts().filter(|part| !arrived[part.number as usize - 1]).collect()
    }

    /// Returns true if all parts are stored.
    pub fn is_complete(&self, stored: impl IntoIterator<Item = StoredPart>) -> bool {
        self.missing(stored).is_empty()
    }

    /// Returns the part that a client wants to send.
    ///
    /// Errors: [`Error::Invalid`] if there is no such part; [`Error::WrongSize`] if its size differs.
    pub fn expect(&self, number: u32, size: u64) -> Result<Part, Error> {
        match self.part(number) {
            None => Err(Error::Invalid(format!("this upload has {} parts; there is no part {number}", self.count()))),
            Some(part) if part.size != size => Err(Error::WrongSize { expected: part.size, actual: size }),
            Some(part) => Ok(part),
        }
    }
}

#[cfg(test)]
mod tests;
