//! Minimal reader of Thrift's compact protocol, for Parquet footers.
//!
//! Source: `doc/specs/thrift-compact-protocol.md` of Apache Thrift. Every element that is read or skipped
//! takes at least one byte of input, so the time is bounded by the input length regardless of the counts in
//! it; no memory is allocated according to a count.

use crate::{Error, Result};

/// Maximum nesting depth of skipped structures.
const DEPTH_LIMIT: u8 = 32;

/// The type of a field or element.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Type {
    True,
    False,
    Byte,
    /// An integer of 16, 32 or 64 bits.
    Integer,
    Double,
    Binary,
    List,
    Map,
    Struct,
    Uuid,
}

impl Type {
    fn of(nibble: u8) -> Result<Self> {
        Ok(match nibble {
            1 => Self::True,
            2 => Self::False,
            3 => Self::Byte,
            4..=6 => Self::Integer,
            7 => Self::Double,
            8 => Self::Binary,
            // A set is encoded like a list.
            9 | 10 => Self::List,
            11 => Self::Map,
            12 => Self::Struct,
            13 => Self::Uuid,
            _ => return Err(malformed()),
        })
    }
}

/// What the caller did with a field.
pub(super) enum Step {
    /// It was read; continue.
    Next,
    /// It was not read; skip it.
    Skip,
    /// It was read, and no further field is needed.
    Stop,
}

/// Reads values from a byte slice.
pub(super) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// Reads a structure, calling `read` with the ID and type of each field.
    pub(super) fn structure(&mut self, mut read: impl FnMut(&mut Self, i64, Type) -> Result<Step>) -> Result<()> {
        self.fields(DEPTH_LIMIT, &mut read)
    }

    fn fields(&mut self, depth: u8, read: &mut dyn FnMut(&mut Self, i64, Type) -> Result<Step>) -> Result<()> {
        let mut last = 0_i64;
        loop {
            let header = self.byte()?;
            if header == 0 {
                return Ok(());
            }
            let delta = i64::from(header >> 4);
            last = if delta == 0 { self.integer()? } else { last.checked_add(delta).ok_or_else(malformed)? };
            let kind = Type::of(header & 0x0f)?;
            match read(self, last, kind)? {
                Step::Next => {}
                Step::Skip => self.skip(kind, depth, true)?,
                Step::Stop => return Ok(()),
            }
        }
    }

    /// Reads a list header: the number and type of the elements that follow.
    pub(super) fn list(&mut self) -> Result<(u64, Type)> {
        let header = self.byte()?;
        let short = u64::from(header >> 4);
        let count = if short == 15 { self.varint()? } else { short };
        Ok((count, Type::of(header & 0x0f)?))
    }

    /// Reads an integer of any width.
    pub(super) fn integer(&mut self) -> Result<i64> {
        let zigzag = self.varint()?;
        let magnitude = i64::try_from(zigzag >> 1).map_err(|_| malformed())?;
        Ok(if zigzag & 1 == 0 { magnitude } else { !magnitude })
    }

    /// Reads a byte string.
    pub(super) fn binary(&mut self) -> Result<&'a [u8]> {
        let length = self.varint()?;
        self.take(length)
    }

    /// Skips a value. A boolean takes a byte only as a list element.
    fn skip(&mut self, kind: Type, depth: u8, is_field: bool) -> Result<()> {
        let Some(deeper) = depth.checked_sub(1) else { return Err(malformed()) };
        match kind {
            Type::True | Type::False if is_field => {}
            Type::True | Type::False | Type::Byte => {
                self.byte()?;
            }
            Type::Integer => {
                self.varint()?;
            }
            Type::Double => {
                self.take(8)?;
            }
            Type::Uuid => {
                self.take(16)?;
            }
            Type::Binary => {
                self.binary()?;
            }
            Type::List => {
                let (count, kind) = self.list()?;
                for _ in 0..count {
                    self.skip(kind, deeper, false)?;
                }
            }
            Type::Map => {
                let count = self.varint()?;
                if count > 0 {
                    let kinds = self.byte()?;
                    let (key, value) = (Type::of(kinds >> 4)?, Type::of(kinds & 0x0f)?);
                    for _ in 0..count {
                        self.skip(key, deeper, false)?;
                        self.skip(value, deeper, false)?;
                    }
                }
            }
            Type::Struct => self.fields(deeper, &mut |_, _, _| Ok(Step::Skip))?,
        }
        Ok(())
    }

    fn byte(&mut self) -> Result<u8> {
        let (byte, rest) = self.rest.split_first().ok_or_else(malformed)?;
        self.rest = rest;
        Ok(*byte)
    }

    fn take(&mut self, length: u64) -> Result<&'a [u8]> {
        let length = usize::try_from(length).map_err(|_| malformed())?;
        let (taken, rest) = self.rest.split_at_checked(length).ok_or_else(malformed)?;
        self.rest = rest;
        Ok(taken)
    }

    fn varint(&mut self) -> Result<u64> {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let part = u64::from(byte & 0x7f);
            if shift == 63 && part > 1 {
                return Err(malformed());
            }
            value |= part << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(malformed())
    }
}

pub(super) fn malformed() -> Error {
    Error::Invalid("the footer of the Parquet file is malformed".to_owned())
}
