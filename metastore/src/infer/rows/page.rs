//! Page of rows in JSON text, which takes a fraction of the memory of parsed values.

use std::collections::HashMap;
use std::fmt;
use std::io::{self, Write};
use std::ops::Range;

use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, Visitor};
use serde_json::ser::{CompactFormatter, Formatter};

use super::{EXACT, is_exact};
use crate::{Error, Result};

/// Page limits. A page ends at the row that exceeds a limit, but has at least one row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageLimits {
    /// Maximum number of rows.
    pub rows: usize,
    /// Maximum number of source bytes.
    pub source_bytes: usize,
    /// Maximum number of bytes of JSON output, also for a single row.
    pub json_bytes: usize,
}

/// Rows of a table as JSON: an array with one value per column for each row.
#[derive(Debug)]
pub struct RowPage {
    limits: PageLimits,
    /// The JSON array of rows, not yet closed.
    json: Vec<u8>,
    rows: usize,
    source: usize,
    has_more: bool,
}

impl RowPage {
    /// Creates an empty page.
    pub fn new(limits: PageLimits) -> Self {
        Self { limits, json: vec![b'['], rows: 0, source: 0, has_more: false }
    }

    /// Returns the number of rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Returns true if the page is full and another row follows.
    pub fn has_more(&self) -> bool {
        self.has_more
    }

    /// Returns the rows as a JSON array.
    pub fn into_json(self) -> String {
        let mut json = self.json;
        json.push(b']');
        // Only JSON was written here, so it is valid UTF-8.
        String::from_utf8(json).unwrap_or_else(|_| "[]".to_owned())
    }

    /// Ends the page before an unreadable row, if it has any rows. Returns true if it does.
    pub(super) fn end(&mut self) -> bool {
        self.has_more = self.rows > 0;
        self.has_more
    }

    /// Adds a row that takes `source_bytes` of the table, if there is capacity.
    ///
    /// # Errors
    ///
    /// [`Error::TooLarge`] if the row alone exceeds the limit of a page.
    pub(super) fn add(
        &mut self,
        source_bytes: usize,
        write: impl FnOnce(&mut Vec<u8>) -> serde_json::Result<()>,
    ) -> Result<()> {
        let PageLimits { rows, json_bytes, .. } = self.limits;
        if self.rows >= rows || self.rows > 0 && self.source + source_bytes > self.limits.source_bytes {
            self.has_more = true;
            return Ok(());
        }
        let before = self.json.len();
        if self.rows > 0 {
            self.json.push(b',');
        }
        write(&mut self.json).map_err(|error| Error::Invalid(format!("a line is not a JSON object: {error}")))?;
        if self.json.len() <= json_bytes {
            self.rows += 1;
            self.source += source_bytes;
        } else if self.rows > 0 {
            self.json.truncate(before);
            self.has_more = true;
        } else {
            return Err(Error::TooLarge(format!("a row is longer than {json_bytes} bytes of JSON")));
        }
        Ok(())
    }
}

/// Writes the values of a line, which is a JSON object, in column order; null for missing fields.
pub(super) fn write_line(json: &mut Vec<u8>, line: &str, columns: &HashMap<String, usize>) -> serde_json::Result<()> {
    let mut values = Vec::new();
    let mut cells = vec![0..0; columns.len()];
    let mut reader = serde_json::Deserializer::from_str(line);
    reader.deserialize_map(Fields { columns, values: &mut values, cells: &mut cells })?;
    reader.end()?;
    write_cells(json, cells.into_iter().map(|cell| values.get(cell).filter(|value| !value.is_empty())));
    Ok(())
}

fn write_cells<'a>(json: &mut Vec<u8>, cells: impl Iterator<Item = Option<&'a [u8]>>) {
    json.push(b'[');
    for (index, cell) in cells.enumerate() {
        if index > 0 {
            json.push(b',');
        }
        json.extend_from_slice(cell.unwrap_or(b"null"));
    }
    json.push(b']');
}

/// The positions of the values of a line in the JSON output.
struct Fields<'a> {
    columns: &'a HashMap<String, usize>,
    values: &'a mut Vec<u8>,
    cells: &'a mut [Range<usize>],
}

impl<'de> Visitor<'de> for Fields<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(name) = map.next_key::<String>()? {
            let Some(cell) = self.columns.get(&name).and_then(|column| self.cells.get_mut(*column)) else {
                map.next_value::<IgnoredAny>()?;
                continue;
            };
            let start = self.values.len();
            map.next_value_seed(Written(self.values))?;
            // For a duplicate name, the last value counts.
            *cell = start..self.values.len();
        }
        Ok(())
    }
}

/// Writes a value as JSON while it is read.
struct Written<'a>(&'a mut Vec<u8>);

impl<'de> DeserializeSeed<'de> for Written<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        let mut serializer = serde_json::Serializer::with_formatter(self.0, Exact);
        serde_transcode::transcode(deserializer, &mut serializer).map_err(D::Error::custom)
    }
}

/// Writes integers that are not exact in a browser as strings.
struct Exact;

impl Formatter for Exact {
    fn write_i64<W: ?Sized + Write>(&mut self, writer: &mut W, number: i64) -> io::Result<()> {
        if is_exact(number) { CompactFormatter.write_i64(writer, number) } else { write!(writer, "\"{number}\"") }
    }

    fn write_u64<W: ?Sized + Write>(&mut self, writer: &mut W, number: u64) -> io::Result<()> {
        if number <= EXACT { CompactFormatter.write_u64(writer, number) } else { write!(writer, "\"{number}\"") }
    }
}
