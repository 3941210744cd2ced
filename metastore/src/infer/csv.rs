//! Schema and dialect inference for delimited text (CSV, TSV).

use std::{
    collections::{BTreeSet, HashSet},
    io::Read,
};

use csv::ByteRecord;
use serde_json::{Map, Value, json};

use super::{
    COLUMN_LIMIT, Inferred, Limits, Sample,
    text::Records,
    too_wide,
    type_inference::{Column, is_year},
    unique_names,
};
use crate::{Error, Result};

/// Candidate delimiters, most likely first.
const DELIMITERS: &[u8] = b",;\t|";

/// Number of rows used to detect the delimiter.
const SHAPE_ROWS: usize = 100;

/// Number of rows per thousand that must have the most common number of cells.
const REGULAR: usize = 800;

/// Infers the schema of delimited text (RFC 4180, with `,`, `;`, a tab or `|`) from its beginning.
///
/// Detects the delimiter, the header, spaces after delimiters, the encoding, and type and format of each
/// column. Strings such as `NA` are missing values in a column that has a type apart from them. Numbers with
/// a leading zero or plus sign, and ambiguous dates, stay strings. An empty file has no fields.
///
/// # Errors
///
/// [`Error::Invalid`] if a row is longer than the limit; [`Error::TooLarge`] beyond 10,000 columns.
pub fn csv(reader: impl Read, limits: Limits) -> Result<Inferred> {
    let sample = Sample::read(reader, limits.bytes)?;
    let Sample { encoding, is_complete, .. } = sample;
    let (delimiter, skips_space) = delimiter(&sample);
    let clean = |cell: &[u8]| {
        let cell = encoding.text(cell);
        if skips_space { cell.trim_start_matches(' ').to_owned() } else { cell.into_owned() }
    };

    let mut records = Records::new(&sample.bytes, delimiter, is_complete);
    let mut record = ByteRecord::new();
    if records.next(&mut record)?.is_none() {
        if !is_complete {
            return Err(Error::Invalid("the first row is longer than the sample".to_owned()));
        }
        let schema = Map::from_iter([("fields".to_owned(), json!([]))]);
        return Ok(Inferred { schema, dialect: None, encoding: Some(encoding), rows: 0, is_complete });
    }
    let first: Vec<String> = record.iter().map(clean).collect();
    let mut columns = Vec::new();
    grow(&mut columns, first.len())?;
    let mut rows = 0;
    while rows < limits.rows && records.next(&mut record)?.is_some() {
        grow(&mut columns, record.len())?;
        for (column, cell) in columns.iter_mut().zip(&record) {
            column.see(&clean(cell));
        }
        rows += 1;
    }
    let is_complete = is_complete && records.next(&mut record)?.is_none();

    let has_header = is_header(&first, &columns, rows);
    if !has_header {
        for (column, cell) in columns.iter_mut().zip(&first) {
            column.see(cell);
        }
        rows += 1;
    }
    let names = if has_header { first } else { Vec::new() };
    let blanks = std::iter::repeat_n(String::new(), columns.len() - names.len());
    let names = unique_names(names.into_iter().chain(blanks));

    let mut dialect = Map::from_iter([
        ("delimiter".to_owned(), json!(char::from(delimiter).to_string())),
        ("header".to_owned(), json!(has_header)),
    ]);
    if skips_space {
        dialect.insert("skipInitialSpace".to_owned(), json!(true));
    }
    Ok(Inferred {
        schema: describe(&names, &columns),
        dialect: Some(dialect),
        encoding: Some(encoding),
        rows: u64::try_from(rows).unwrap_or(u64::MAX),
        is_complete,
    })
}

fn grow(columns: &mut Vec<Column>, width: usize) -> Result<()> {
    if width > COLUMN_LIMIT {
        return Err(too_wide());
    }
    if columns.len() < width {
        columns.resize_with(width, Column::new);
    }
    Ok(())
}

/// Detects the delimiter that splits most rows into the same number of cells, and whether a space follows it.
/// In a tie, the delimiter whose cells are more often numbers or dates wins (`1,5;2,5`), then the one with
/// more cells.
fn delimiter(sample: &Sample) -> (u8, bool) {
    let mut best: Option<((usize, usize, usize), u8, bool)> = None;
    for delimiter in DELIMITERS {
        let Some(shape) = Shape::of(sample, *delimiter) else { continue };
        let score = (shape.regular, shape.typed, shape.width);
        if best.is_none_or(|(found, ..)| score > found) {
            best = Some((score, *delimiter, shape.skips_space));
        }
    }
    best.map_or((b',', false), |(_, delimiter, skips_space)| (delimiter, skips_space))
}

/// Statistics of the first rows when split at one delimiter.
struct Shape {
    /// The most common number of cells per row.
    width: usize,
    /// Number of rows per thousand with that many cells.
    regular: usize,
    /// Number of cells per thousand with a type other than text.
    typed: usize,
    /// True if every cell except the first of a row starts with a space.
    skips_space: bool,
}

impl Shape {
    fn of(sample: &Sample, delimiter: u8) -> Option<Self> {
        let mut records = Records::new(&sample.bytes, delimiter, sample.is_complete);
        let mut record = ByteRecord::new();
        let mut widths: Vec<usize> = Vec::new();
        let (mut cells, mut typed, mut later, mut spaced) = (0_usize, 0_usize, 0_usize, 0_usize);
        while widths.len() < SHAPE_ROWS
            && let Ok(Some(_)) = records.next(&mut record)
        {
            widths.push(record.len());
            for (index, cell) in record.iter().enumerate().take(COLUMN_LIMIT).filter(|(_, cell)| !cell.is_empty()) {
                cells += 1;
                let mut alone = Column::new();
                alone.see(sample.encoding.text(cell).trim_start_matches(' '));
                typed += usize::from(!alone.is_text());
                later += usize::from(index > 0);
                spaced += usize::from(index > 0 && cell.starts_with(b" "));
            }
        }
        let rows = widths.len();
        widths.sort_unstable();
        let (width, count) = widths
            .chunk_by(PartialEq::eq)
            .map(|same| (same[0], same.len()))
            .max_by_key(|(width, count)| (*count, *width))?;
        let regular = count * 1000 / rows;
        (width > 1 && regular >= REGULAR).then_some(Self {
            width,
            regular,
            typed: typed * 1000 / cells.max(1),
            skips_space: later > 0 && spaced == later,
        })
    }
}

/// Returns true if the first row is a header. It is, unless one of its cells fits the type of the values
/// below it, or is a typed value with nothing below. Years are common column names, so they count as a header
/// if the values below are not all years.
fn is_header(first: &[String], columns: &[Column], rows: usize) -> bool {
    let distinct: HashSet<&String> = first.iter().collect();
    let values = first.iter().zip(columns).filter(|(cell, _)| {
        let mut alone = Column::new();
        alone.see(cell);
        !alone.is_text()
    });
    let mut has_values = false;
    for (cell, column) in values {
        has_values = true;
        let names_a_year = is_year(cell) && !column.has_only_years();
        if rows == 0 || column.is_blank() || (column.admits(cell) && !names_a_year) {
            return false;
        }
    }
    !has_values || distinct.len() == first.len()
}

fn describe(names: &[String], columns: &[Column]) -> Map<String, Value> {
    let texts = columns.iter().filter(|column| column.is_text() && !column.is_blank());
    // `NA` may be a country code in one column and a missing value in the next.
    let words: BTreeSet<&str> = texts.flat_map(|column| &column.missing).copied().collect();
    let mut missing: BTreeSet<&str> = BTreeSet::new();
    for column in columns.iter().filter(|column| !column.is_text()) {
        missing.extend(&column.missing);
    }
    let is_common = missing.is_disjoint(&words);
    let list = |texts: &BTreeSet<&str>| -> Value { std::iter::once(&"").chain(texts).copied().collect() };

    let mut fields = Vec::new();
    for (name, column) in names.iter().zip(columns) {
        let mut field = Map::from_iter([("name".to_owned(), json!(name))]);
        column.describe(&mut field);
        if !is_common && !column.is_text() && !column.missing.is_empty() {
            field.insert("missingValues".to_owned(), list(&column.missing));
        }
        fields.push(Value::Object(field));
    }
    let mut schema = Map::from_iter([("fields".to_owned(), fields.into())]);
    if is_common && !missing.is_empty() {
        schema.insert("missingValues".to_owned(), list(&missing));
    }
    schema
}
