//! Encodings of text tables, and how their bytes are split into rows. Inference and the row reader share this, so that
//! both see the same rows.

use std::borrow::Cow;

use csv::{ByteRecord, ReaderBuilder};

use crate::{Error, Result};

/// Number of bytes at the beginning of a file that are searched for NUL, which text does not contain.
const BINARY_BYTES: usize = 8192;

/// The characters 0x80 to 0x9f of Windows-1252 (WHATWG Encoding); all others are those of Latin-1.
const WINDOWS_1252: [char; 32] = [
    '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž', '\u{8f}', '\u{90}', '‘', '’',
    '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}', 'ž', 'Ÿ',
];

/// The encoding of a text table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// UTF-8, with or without a byte order mark.
    Utf8,
    /// UTF-16 with a byte order mark, little-endian.
    Utf16Le,
    /// UTF-16 with a byte order mark, big-endian.
    Utf16Be,
    /// Latin-1: text that is not UTF-8.
    Latin1,
    /// Likewise, with characters that Latin-1 does not have.
    Windows1252,
}

impl Encoding {
    /// Detects the encoding from the beginning of a file, or from all of it.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] if the file is not text.
    pub(super) fn detect(head: &[u8], is_all: bool) -> Result<Self> {
        match head {
            [0xff, 0xfe, ..] => return Ok(Self::Utf16Le),
            [0xfe, 0xff, ..] => return Ok(Self::Utf16Be),
            _ => {}
        }
        if head.iter().take(BINARY_BYTES).any(|byte| *byte == 0) {
            return Err(Error::Invalid("the file is not text".to_owned()));
        }
        Ok(match std::str::from_utf8(head) {
            Ok(_) => Self::Utf8,
            // A character truncated by the end of `head`.
            Err(error) if error.error_len().is_none() && !is_all => Self::Utf8,
            Err(_) if head.iter().any(|byte| (0x80..0xa0).contains(byte)) => Self::Windows1252,
            Err(_) => Self::Latin1,
        })
    }

    /// Returns the name in a Data Package.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Utf8 => "utf-8",
            Self::Utf16Le | Self::Utf16Be => "utf-16",
            Self::Latin1 => "iso-8859-1",
            Self::Windows1252 => "windows-1252",
        }
    }

    /// Returns the length of the byte order mark.
    pub(super) fn mark(self, head: &[u8]) -> usize {
        match self {
            Self::Utf8 if head.starts_with(b"\xef\xbb\xbf") => 3,
            Self::Utf16Le | Self::Utf16Be => 2,
            Self::Utf8 | Self::Latin1 | Self::Windows1252 => 0,
        }
    }

    /// Returns bytes that can be split into rows: UTF-16 is converted to UTF-8.
    pub(super) fn splittable(self, bytes: &[u8]) -> Cow<'_, [u8]> {
        let order = match self {
            Self::Utf16Le => u16::from_le_bytes,
            Self::Utf16Be => u16::from_be_bytes,
            Self::Utf8 | Self::Latin1 | Self::Windows1252 => return Cow::Borrowed(bytes),
        };
        let units = bytes.chunks_exact(2).map(|pair| order([pair[0], pair[1]]));
        let text = char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER));
        Cow::Owned(text.collect::<String>().into_bytes())
    }

    /// Returns the length in the file of splittable bytes.
    pub(super) fn source_len(self, split: &[u8]) -> usize {
        match self {
            Self::Utf16Le | Self::Utf16Be => 2 * String::from_utf8_lossy(split).encode_utf16().count(),
            Self::Utf8 | Self::Latin1 | Self::Windows1252 => split.len(),
        }
    }

    /// Returns the text of splittable bytes.
    pub(super) fn text(self, split: &[u8]) -> Cow<'_, str> {
        match self {
            Self::Utf8 | Self::Utf16Le | Self::Utf16Be => String::from_utf8_lossy(split),
            Self::Latin1 | Self::Windows1252 => split.iter().copied().map(windows_1252).collect(),
        }
    }
}

fn windows_1252(byte: u8) -> char {
    WINDOWS_1252.get(usize::from(byte.wrapping_sub(0x80))).copied().unwrap_or(char::from(byte))
}

/// The rows of delimited text, from bytes that begin at a row. A row that the end of the bytes may truncate is left
/// out, unless they are the last of the file.
pub(super) struct Records<'a> {
    reader: csv::Reader<&'a [u8]>,
    length: usize,
    is_last: bool,
}

impl<'a> Records<'a> {
    pub(super) fn new(bytes: &'a [u8], delimiter: u8, is_last: bool) -> Self {
        let reader = ReaderBuilder::new().has_headers(false).flexible(true).delimiter(delimiter).from_reader(bytes);
        Self { reader, length: bytes.len(), is_last }
    }

    /// Reads the next row into `record`, and returns the offset of its end; `None` at the end of the table.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] for a malformed row.
    pub(super) fn next(&mut self, record: &mut ByteRecord) -> Result<Option<usize>> {
        let is_there = self.reader.read_byte_record(record);
        let is_there = is_there.map_err(|error| Error::Invalid(format!("not delimited text: {error}")))?;
        let end = usize::try_from(self.reader.position().byte()).unwrap_or(self.length);
        Ok((is_there && (end < self.length || self.is_last)).then_some(end))
    }
}

/// Returns the lines of JSON Lines, each with its line break; a line that may be truncated is left out likewise.
pub(super) fn lines(bytes: &[u8], is_last: bool) -> impl Iterator<Item = &[u8]> {
    bytes.split_inclusive(|byte| *byte == b'\n').take_while(move |line| is_last || line.ends_with(b"\n"))
}
