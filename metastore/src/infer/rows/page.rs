//! Rows on their way to somebody: JSON text, not values, which take many times the bytes.

use std::collections::HashMap;
use std::fmt;
use std::ops::Range;

use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, Visitor};

use crate::{Error, Result};

/// How much one page may hold. It ends at the row that goes beyond, but has at least one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageLimits {
    /// Its rows.
    pub rows: usize,
    /// Bytes of the table that its rows are written in.
    pub source_bytes: usize,
    /// Bytes of its rows as JSON. No row is longer.
    pub json_bytes: usize,
}

/// Rows of a table, as JSON: an array of a value for each column.
#[derive(Debug)]
pub struct RowPage {
    limits: PageLimits,
    /// The array of the rows, as yet without its end.
    json: Vec<u8>,
    rows: usize,
    source: usize,
    has_more: bool,
}

impl RowPage {
    /// One without rows.
    pub fn new(limits: PageLimits) -> Self {
        Self { limits, json: vec![b'['], rows: 0, source: 0, has_more: false }
    }

    /// How many rows it has.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Whether it is complete, and there is a row behind it.
    pub fn has_more(&self) -> bool {
        self.has_more
    }

    /// Its rows as a JSON array.
    pub fn into_json(self) -> String {
        let mut json = self.json;
        json.push(b']');
        // Only writers of JSON wrote here.
        String::from_utf8(json).unwrap_or_else(|_| "[]".to_owned())
    }

    /// Completes it before a row that cannot be read, if it has others. Tells whether it has.
    pub(super) fn end(&mut self) -> bool {
        self.has_more = self.rows > 0;
        self.has_more
    }

    /// Adds a row that takes so many bytes of the table, if there is room for it.
    ///
    /// [`Error::TooLarge`] if it alone is longer than a page may be.
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

/// Writes the values of a line that is a JSON object, in the order of the columns; null for what it does not have.
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

/// Where the values of a line are, once they are written as JSON.
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
            // The last one counts where a name stands twice.
            *cell = start..self.values.len();
        }
        Ok(())
    }
}

/// Writes a value as it is read.
struct Written<'a>(&'a mut Vec<u8>);

impl<'de> DeserializeSeed<'de> for Written<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        serde_transcode::transcode(deserializer, &mut serde_json::Serializer::new(self.0)).map_err(D::Error::custom)
    }
}
