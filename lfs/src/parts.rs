//! Uploads in parts: one engine, three dialects.
//!
//! A [`Plan`] cuts an object into parts. What a store says that it has of them decides what is still
//! missing, whichever dialect the client speaks: `multipart-basic` of giftless, `multipart` of
//! Hugging Face ([`Completion`]), or [`tus`], where the parts are wherever the line breaks.
//!
//! A part is worth nothing alone: the whole object is hashed before it is visible.

use crate::{Error, MAX_SIZE};

mod checksum;
mod completion;
pub mod tus;

pub(crate) use checksum::Hasher;
pub use checksum::{Checksum, InvalidChecksum, WantDigest};
pub use completion::{CompletedPart, Completion};

/// No upload has more parts: the limit of S3.
pub const MAX_PARTS: u32 = 10_000;

/// Every part but the last has at least so many bytes (5 MiB): the limit of S3.
pub const MIN_PART: u64 = 5 << 20;

/// Objects up to 10 GB are cut into parts of so many bytes (10 MB).
///
/// Some clients send no larger request: ckan-client-js in Node at most 10 MiB. giftless takes 10,240,000. A part is what
/// an interruption costs, and what some clients hold in memory; a URL costs some 400 bytes in the answer to a batch, and
/// a request.
pub const DEFAULT_PART: u64 = 10_000_000;

/// Parts grow up to [`LARGE_PART`] so that there are at most so many.
const FEW: u64 = 1000;

/// Parts larger than this (640 MB) are made only where there would be more than [`MAX_PARTS`]: for
/// objects above 6.4 TB, which S3 takes no more.
const LARGE_PART: u64 = 64 * DEFAULT_PART;

/// How an object is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Plan {
    size: u64,
    part_size: u64,
}

/// A piece of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Part {
    /// From 1 to [`MAX_PARTS`].
    pub number: u32,
    /// Where it begins in the object, in bytes.
    pub position: u64,
    /// In bytes; never 0.
    pub size: u64,
}

/// What a store says of a part that has arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct StoredPart {
    /// As in [`Part::number`].
    pub number: u32,
    /// In bytes.
    pub size: u64,
}

impl Plan {
    /// Cuts an object of `size` bytes. The part size is [`DEFAULT_PART`], or twice that, and so on; up
    /// to 640 GB, there are at most 1,000 parts. A size above [`MAX_SIZE`] is cut to that. The empty
    /// object has no parts.
    pub fn new(size: u64) -> Self {
        let size = size.min(MAX_SIZE);
        let mut part_size = DEFAULT_PART;
        while size > part_size * FEW && (part_size < LARGE_PART || size > part_size * u64::from(MAX_PARTS)) {
            part_size *= 2;
        }
        Self { size, part_size }
    }

    /// The plan of an upload that was begun before, or with a part size of one's own.
    ///
    /// Errors: [`Error::Invalid`] if there were more than [`MAX_PARTS`], or parts below [`MIN_PART`] that
    /// are not the last.
    pub fn with_part_size(size: u64, part_size: u64) -> Result<Self, Error> {
        let most = u64::from(MAX_PARTS);
        if size > MAX_SIZE || part_size < MIN_PART || size.div_ceil(part_size) > most {
            return Err(Error::Invalid(format!(
                "{size} bytes cannot be cut into parts of {part_size}: a part has at least {MIN_PART} bytes, and \
                 there are at most {most}"
            )));
        }
        Ok(Self { size, part_size })
    }

    /// With parts of any size.
    #[cfg(test)]
    pub(crate) const fn for_tests(size: u64, part_size: u64) -> Self {
        Self { size, part_size }
    }

    /// Size of the object in bytes.
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// Size in bytes of each part but the last; never 0.
    pub const fn part_size(&self) -> u64 {
        self.part_size
    }

    /// Number of parts: 0 for the empty object.
    pub fn count(&self) -> u32 {
        u32::try_from(self.size.div_ceil(self.part_size)).expect("a plan has at most MAX_PARTS parts")
    }

    /// A part by its number, if the plan has it.
    pub fn part(&self, number: u32) -> Option<Part> {
        let position = u64::from(number.checked_sub(1)?).checked_mul(self.part_size)?;
        let left = self.size.checked_sub(position).filter(|left| *left > 0)?;
        Some(Part { number, position, size: left.min(self.part_size) })
    }

    /// All parts in order.
    pub fn parts(&self) -> impl Iterator<Item = Part> + use<> {
        let plan = *self;
        (1..=plan.count()).filter_map(move |number| plan.part(number))
    }

    /// The parts that have not arrived, in order. What is stored with another size than planned has
    /// not; of a number that is listed twice, the last one counts; numbers outside of the plan do not.
    pub fn missing(&self, stored: impl IntoIterator<Item = StoredPart>) -> Vec<Part> {
        let mut arrived = vec![false; self.count() as usize];
        for part in stored {
            if let Some(planned) = self.part(part.number) {
                arrived[part.number as usize - 1] = planned.size == part.size;
            }
        }
        self.parts().filter(|part| !arrived[part.number as usize - 1]).collect()
    }

    /// Whether all parts have arrived.
    pub fn is_complete(&self, stored: impl IntoIterator<Item = StoredPart>) -> bool {
        self.missing(stored).is_empty()
    }

    /// The part that somebody wants to send.
    ///
    /// Errors: [`Error::Invalid`] if there is no such part; [`Error::WrongSize`] if it has another size.
    pub fn expect(&self, number: u32, size: u64) -> Result<Part, Error> {
        match self.part(number) {
            None => Err(Error::Invalid(format!("this upload has {} parts, and no part {number}", self.count()))),
            Some(part) if part.size != size => Err(Error::WrongSize { expected: part.size, actual: size }),
            Some(part) => Ok(part),
        }
    }
}

#[cfg(test)]
mod tests;
