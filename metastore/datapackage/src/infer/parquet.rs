//! Schema inference for Parquet files, from the footer alone.
//!
//! Source: `README.md`, `LogicalTypes.md` and `src/main/thrift/parquet.thrift` of Apache parquet-format. Only
//! the schema and the number of rows are read, which are at the start of the footer: the statistics of the
//! row groups, by far the largest part, are neither fetched nor parsed. The existing Parquet libraries parse
//! all of it, and allocate memory and recurse as deep as the untrusted file demands.

use std::ops::Range;

use serde_json::{Map, Value, json};

use super::{
    COLUMN_LIMIT, Inferred,
    thrift::{Reader, Step, Type, malformed},
    too_wide, unique_names,
};
use crate::{Error, Result};

/// Size in bytes of the end of a file: the footer length, then `PAR1`.
const TAIL: usize = 8;

/// Maximum number of bytes read from the start of the footer; more than 10,000 columns need.
const FOOTER_LIMIT: u64 = 4 * 1024 * 1024;

/// Returns the range of the footer that [`parquet_footer`] needs, at most 4 MiB, for a file of `size` bytes
/// that ends with `tail`.
///
/// # Errors
///
/// [`Error::Invalid`] if it is not a Parquet file, or has an encrypted footer.
pub fn parquet_range(tail: [u8; TAIL], size: u64) -> Result<Range<u64>> {
    let [a, b, c, d, magic @ ..] = tail;
    match &magic {
        b"PAR1" => {}
        b"PARE" => return Err(no_parquet("has an encrypted footer")),
        _ => return Err(no_parquet("does not end with PAR1")),
    }
    let length = u64::from(u32::from_le_bytes([a, b, c, d]));
    let end = size.checked_sub(TAIL as u64).ok_or_else(|| no_parquet("is too short"))?;
    let start = end.checked_sub(length).ok_or_else(malformed)?;
    Ok(start..end.min(start + FOOTER_LIMIT))
}

/// Infers the schema from the start of a footer; everything after the schema and the number of rows may be truncated.
/// A column that cannot be null is `required`; a nested one is an `object` or an `array`.
///
/// # Errors
///
/// [`Error::Invalid`] if the footer is malformed; [`Error::TooLarge`] beyond 10,000 columns.
pub fn parquet_footer(footer: &[u8]) -> Result<Inferred> {
    let (mut columns, mut rows) = (None, None);
    Reader::new(footer).structure(|reader, field, kind| {
        match (field, kind) {
            (2, Type::List) => columns = Some(schema(reader)?),
            (3, Type::Integer) => rows = Some(reader.integer()?),
            _ => return Ok(Step::Skip),
        }
        Ok(if columns.is_some() && rows.is_some() { Step::Stop } else { Step::Next })
    })?;
    let (Some(columns), Some(rows)) = (columns, rows) else { return Err(malformed()) };
    let rows = u64::try_from(rows).map_err(|_| malformed())?;
    let names = unique_names(columns.iter().map(|column| column.name.clone()));
    let fields: Vec<Value> = names.iter().zip(&columns).map(|(name, column)| column.describe(name)).collect();
    let schema = Map::from_iter([("fields".to_owned(), fields.into())]);
    Ok(Inferred { schema, dialect: None, encoding: None, rows, is_complete: true })
}

/// Reads the columns: the children of the root, without their nested elements. The elements are in
/// depth-first order, each with its number of children.
fn schema(reader: &mut Reader<'_>) -> Result<Vec<Element>> {
    let (count, kind) = reader.list()?;
    if kind != Type::Struct || count == 0 {
        return Err(malformed());
    }
    let mut columns = Vec::new();
    // Number of children still to be read, for the root and each open element.
    let mut open = vec![Element::read(reader)?.children];
    for _ in 1..count {
        while open.last() == Some(&0) {
            open.pop();
        }
        let depth = open.len();
        *open.last_mut().ok_or_else(malformed)? -= 1;
        let element = Element::read(reader)?;
        if element.children > 0 {
            open.push(element.children);
        }
        if depth == 1 {
            if columns.len() == COLUMN_LIMIT {
                return Err(too_wide());
            }
            columns.push(element);
        }
    }
    if open.iter().any(|children| *children > 0) {
        return Err(malformed());
    }
    Ok(columns)
}

/// A `SchemaElement` of parquet.thrift; the numbers are those of its enumerations.
#[derive(Default)]
struct Element {
    name: String,
    children: u64,
    physical: Option<i64>,
    repetition: Option<i64>,
    converted: Option<i64>,
    logical: Option<i64>,
}

impl Element {
    fn read(reader: &mut Reader<'_>) -> Result<Self> {
        let mut element = Self::default();
        reader.structure(|reader, field, kind| {
            match (field, kind) {
                (1, Type::Integer) => element.physical = Some(reader.integer()?),
                (3, Type::Integer) => element.repetition = Some(reader.integer()?),
                (4, Type::Binary) => element.name = String::from_utf8_lossy(reader.binary()?).into_owned(),
                (5, Type::Integer) => {
                    element.children = u64::try_from(reader.integer()?).map_err(|_| malformed())?;
                }
                (6, Type::Integer) => element.converted = Some(reader.integer()?),
                (10, Type::Struct) => {
                    // A union: a structure with a single field, whose number is the variant.
                    reader.structure(|_, which, _| {
                        element.logical = Some(which);
                        Ok(Step::Skip)
                    })?;
                }
                _ => return Ok(Step::Skip),
            }
            Ok(Step::Next)
        })?;
        Ok(element)
    }

    fn describe(&self, name: &str) -> Value {
        let (kind, format) = match self.repetition {
            Some(2) => ("array", None),
            _ => self.kind(),
        };
        let mut field = Map::from_iter([("name".to_owned(), json!(name)), ("type".to_owned(), json!(kind))]);
        if let Some(format) = format {
            field.insert("format".to_owned(), json!(format));
        }
        if self.repetition == Some(0) {
            field.insert("constraints".to_owned(), json!({"required": true}));
        }
        Value::Object(field)
    }

    /// Returns the Table Schema type and format.
    fn kind(&self) -> (&'static str, Option<&'static str>) {
        let binary = ("string", Some("binary"));
        // The logical type, as the number in the union; older files have only the converted type.
        let logical = self.logical.or_else(|| {
            Some(match self.converted? {
                0 => 1,
                1 | 2 => 2,
                3 => 3,
                4 => 4,
                5 => 5,
                6 => 6,
                7 | 8 => 7,
                9 | 10 => 8,
                11..=18 => 10,
                19 => 12,
                20 => 13,
                21 => 9,
                _ => return None,
            })
        });
        match (logical, self.physical) {
            (Some(1 | 4), _) => ("string", None),
            (Some(2), _) => ("object", None),
            (Some(3), _) => ("array", None),
            (Some(5 | 15), _) => ("number", None),
            (Some(6), _) => ("date", None),
            (Some(7), _) => ("time", None),
            (Some(8), _) | (_, Some(3)) => ("datetime", None),
            (Some(9), _) => ("duration", None),
            (Some(10), _) => ("integer", None),
            // Only nulls; any JSON; a variant.
            (Some(11 | 12 | 16), _) => ("any", None),
            (Some(14), _) => ("string", Some("uuid")),
            (_, Some(0)) => ("boolean", None),
            (_, Some(1 | 2)) => ("integer", None),
            (_, Some(4 | 5)) => ("number", None),
            (_, Some(6 | 7)) => binary,
            (_, None) if self.children > 0 => ("object", None),
            _ => ("any", None),
        }
    }
}

fn no_parquet(why: &str) -> Error {
    Error::Invalid(format!("not a readable Parquet file: it {why}"))
}
