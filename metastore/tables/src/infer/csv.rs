//! Schema and dialect inference for delimited text (CSV, TSV).

use std::collections::{BTreeSet, HashSet};

use serde_json::{Map, Value, json};

use super::type_inference::{Column, is_year};
use super::{Inferred, MAX_COLUMNS, Sample, too_wide, unique_names};
use crate::error::{Error, Result};
use crate::rows::{Dialect, Rows, Splitter, all_rows};

/// Candidate delimiters, most likely first.
const DELIMITERS: &[u8] = b",;\t|";

/// Number of rows used to detect the delimiter.
const SHAPE_ROWS: usize = 100;

/// Number of rows per thousand that must have the most common number of cells.
const REGULAR: usize = 800;

/// Infers the schema of delimited text (RFC 4180, with `,`, `;`, a tab or `|`) from its beginning.
///
/// Detects the delimiter, the header and spaces after delimiters, unless the dialect declares them, and type and format
/// of each column. Strings such as `NA` are missing values in a column that has a type apart from them. Numbers with a
/// leading zero or plus sign, and ambiguous dates, stay strings. An empty file has no fields.
///
/// # Errors
/// Invalid if a row is longer than the sample; limit beyond 10,000 columns.
pub(crate) fn csv(sample: Sample<'_>, declared: &Dialect) -> Result<Inferred> {
    let mut dialect = declared.clone();
    let shape = if declared.declares("delimiter") {
        Shape::of(sample, declared)
    } else {
        let (delimiter, shape) = delimiter(sample, declared);
        dialect = dialect.with_delimiter(delimiter);
        shape
    };
    if !declared.declares("skipInitialSpace") {
        dialect.skips_space = shape.is_some_and(|shape| shape.skips_space);
    }
    let skips_space = dialect.skips_space;
    let clean = |cell: &str| if skips_space { cell.trim_start_matches(' ') } else { cell }.to_owned();

    // The header, and one row more, which shows whether there are any.
    let header_rows = usize::try_from(dialect.rows_before_data().max(1)).map_err(Error::internal)?;
    let limit = sample.rows.saturating_add(header_rows).saturating_add(1);
    let records = all_rows(&mut Splitter::delimited(&dialect), sample.text, sample.is_all, limit)?;
    if records.len() == 0 {
        if !sample.is_all {
            return Err(Error::invalid("the first row is longer than the sample of 1 MiB"));
        }
        let schema = Map::from_iter([("fields".to_owned(), json!([]))]);
        return Ok(Inferred { schema, dialect: None, nested: Map::new(), rows: 0, is_complete: true });
    }
    let first = header(&records, &dialect, clean);
    let mut columns = Vec::new();
    grow(&mut columns, first.len())?;
    let data = header_rows.min(records.len())..records.len().min(header_rows.saturating_add(sample.rows));
    let mut rows = data.len();
    for row in data {
        grow(&mut columns, records.width(row))?;
        for (index, column) in columns.iter_mut().enumerate().take(records.width(row)) {
            column.see(&clean(records.cell(row, index).unwrap_or_default()));
        }
    }
    let is_complete = sample.is_all && records.len() <= header_rows + rows;

    let has_header = if declared.declares("header") || declared.declares("headerRows") {
        !declared.header_rows.is_empty()
    } else {
        is_header(&first, &columns, rows)
    };
    if !has_header {
        for (column, cell) in columns.iter_mut().zip(&first) {
            column.see(cell);
        }
        rows += 1;
        dialect.header_rows.clear();
    }
    let names = if has_header { first } else { Vec::new() };
    let blanks = std::iter::repeat_n(String::new(), columns.len() - names.len());
    let names = unique_names(names.into_iter().chain(blanks));
    Ok(Inferred {
        schema: describe(&names, &columns),
        dialect: Some(dialect.describe()),
        nested: Map::new(),
        rows: rows as u64,
        is_complete,
    })
}

/// Returns the cells of the header: of the first row, or of the declared rows, joined.
pub(crate) fn header(records: &Rows, dialect: &Dialect, clean: impl Fn(&str) -> String) -> Vec<String> {
    let first = [1];
    let numbers = if dialect.header_rows.is_empty() { &first[..] } else { &dialect.header_rows };
    let mut names: Vec<String> = Vec::new();
    for row in numbers.iter().filter_map(|number| usize::try_from(number - 1).ok()).filter(|row| *row < records.len()) {
        for column in 0..records.width(row) {
            let cell = clean(records.cell(row, column).unwrap_or_default());
            match names.get_mut(column) {
                None => names.push(cell),
                Some(name) if name.is_empty() => *name = cell,
                Some(_) if cell.is_empty() => {}
                Some(name) => {
                    name.push_str(&dialect.header_join);
                    name.push_str(&cell);
                }
            }
        }
    }
    names
}

fn grow(columns: &mut Vec<Column>, width: usize) -> Result<()> {
    if width > MAX_COLUMNS {
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
fn delimiter(sample: Sample<'_>, dialect: &Dialect) -> (u8, Option<Shape>) {
    let mut best: Option<(u8, Shape)> = None;
    for delimiter in DELIMITERS {
        let Some(shape) = Shape::of(sample, &dialect.with_delimiter(*delimiter)) else { continue };
        if best.as_ref().is_none_or(|(_, found)| shape.score() > found.score()) {
            best = Some((*delimiter, shape));
        }
    }
    best.map_or((b',', None), |(delimiter, shape)| (delimiter, Some(shape)))
}

/// Statistics of the first rows when split at one delimiter.
#[derive(Clone, Copy)]
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
    fn of(sample: Sample<'_>, dialect: &Dialect) -> Option<Self> {
        let before = usize::try_from(dialect.rows_before_data()).ok()?.saturating_sub(1);
        let limit = before + SHAPE_ROWS;
        let records = all_rows(&mut Splitter::delimited(dialect), sample.text, sample.is_all, limit).ok()?;
        let mut widths: Vec<usize> = Vec::new();
        let (mut cells, mut typed, mut later, mut spaced) = (0_usize, 0_usize, 0_usize, 0_usize);
        for row in before..records.len() {
            widths.push(records.width(row));
            for index in 0..records.width(row).min(MAX_COLUMNS) {
                let Some(cell) = records.cell(row, index).filter(|cell| !cell.is_empty()) else { continue };
                cells += 1;
                let mut alone = Column::new();
                alone.see(cell.trim_start_matches(' '));
                typed += usize::from(!alone.is_text());
                later += usize::from(index > 0);
                spaced += usize::from(index > 0 && cell.starts_with(' '));
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

    fn score(self) -> (usize, usize, usize) {
        (self.regular, self.typed, self.width)
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
