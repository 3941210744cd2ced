//! Conversion of rows of text to Arrow arrays.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanBuilder, Date32Builder, Float64Builder, Int32Builder, Int64Builder, RecordBatch,
    RecordBatchOptions, StringBuilder, Time64MicrosecondBuilder, TimestampMicrosecondBuilder,
};
use arrow::datatypes::SchemaRef;
use serde_json::Value;

use super::cell::{CellRules, Kind, Moment, year};
use super::json::{self, Mismatch};
use super::table::{TextColumn, TextTable};
use crate::error::{Error, Result, shortened};
use crate::rows::Rows;

/// Number of characters of a value in a message.
const SHOWN: usize = 60;

/// Converts rows to the types of the columns that are needed; `schema` has these columns.
///
/// # Errors
/// Invalid for a value that does not have the type of its column.
pub(crate) fn convert(
    table: &TextTable,
    rows: Rows,
    range: Range<usize>,
    needed: &[usize],
    schema: &SchemaRef,
) -> Result<RecordBatch> {
    let (rows, range) = table.cells(rows, range, needed)?;
    let (rows, range) = (&rows, &range);
    let column = |(at, index): (usize, &usize)| {
        let column = table.columns.get(*index).ok_or_else(|| Error::internal("there is no such column"))?;
        let cells = Cells { rows, range, place: table.place(needed, at), is_json: table.is_json() };
        cells.array(&column.rules).map_err(|Mismatch(row)| mismatch(&cells, column, row))
    };
    let columns = needed.iter().enumerate().map(column).collect::<Result<Vec<_>>>()?;
    let options = RecordBatchOptions::new().with_row_count(Some(range.len()));
    Ok(RecordBatch::try_new_with_options(Arc::clone(schema), columns, &options)?)
}

/// Returns the text of a cell; `None` if the value is missing.
pub(super) fn text<'c>(rules: &CellRules, cell: Option<&'c str>, is_json: bool) -> Option<Cow<'c, str>> {
    if !is_json {
        return rules.text(cell?).map(Cow::Borrowed);
    }
    match json::text(cell?)? {
        Cow::Borrowed(text) => rules.text(text).map(Cow::Borrowed),
        Cow::Owned(text) => rules.text(&text).is_some().then_some(Cow::Owned(text)),
    }
}

/// The cells of a column.
struct Cells<'c> {
    rows: &'c Rows,
    range: &'c Range<usize>,
    place: usize,
    is_json: bool,
}

impl<'c> Cells<'c> {
    fn text(&self, rules: &CellRules, row: usize) -> Option<Cow<'c, str>> {
        text(rules, self.rows.cell(row, self.place), self.is_json)
    }

    /// Calls `add` with each value that `parse` returns.
    fn each<T>(
        &self,
        rules: &CellRules,
        parse: impl Fn(&str) -> Option<T>,
        mut add: impl FnMut(Option<T>),
    ) -> Result<(), Mismatch> {
        for row in self.range.clone() {
            match self.text(rules, row) {
                None => add(None),
                Some(text) => add(Some(parse(&text).ok_or(Mismatch(row))?)),
            }
        }
        Ok(())
    }

    fn array(&self, rules: &CellRules) -> Result<ArrayRef, Mismatch> {
        let length = self.range.len();
        Ok(match &rules.kind {
            Kind::Integer => {
                let mut builder = Int64Builder::with_capacity(length);
                self.each(rules, |text| rules.integer(text), |value| builder.append_option(value))?;
                Arc::new(builder.finish())
            }
            Kind::Number => {
                let mut builder = Float64Builder::with_capacity(length);
                self.each(rules, |text| rules.number(text), |value| builder.append_option(value))?;
                Arc::new(builder.finish())
            }
            Kind::Boolean => {
                let mut builder = BooleanBuilder::with_capacity(length);
                self.each(rules, |text| rules.boolean(text), |value| builder.append_option(value))?;
                Arc::new(builder.finish())
            }
            Kind::Moment(Moment::Date, pattern) => {
                let mut builder = Date32Builder::with_capacity(length);
                self.each(rules, |text| pattern.date(text), |value| builder.append_option(value))?;
                Arc::new(builder.finish())
            }
            Kind::Moment(Moment::Datetime, pattern) => {
                let mut builder = TimestampMicrosecondBuilder::with_capacity(length).with_timezone("UTC");
                self.each(rules, |text| pattern.datetime(text), |value| builder.append_option(value))?;
                Arc::new(builder.finish())
            }
            Kind::Moment(Moment::Time, pattern) => {
                let mut builder = Time64MicrosecondBuilder::with_capacity(length);
                self.each(rules, |text| pattern.time(text), |value| builder.append_option(value))?;
                Arc::new(builder.finish())
            }
            Kind::Year => {
                let mut builder = Int32Builder::with_capacity(length);
                self.each(rules, year, |value| builder.append_option(value))?;
                Arc::new(builder.finish())
            }
            Kind::Text | Kind::Json => {
                let mut builder = StringBuilder::with_capacity(length, 8 * length);
                for row in self.range.clone() {
                    builder.append_option(self.text(rules, row));
                }
                Arc::new(builder.finish())
            }
            Kind::Nested(data_type) => {
                let value = |row: usize| match self.rows.cell(row, self.place) {
                    None | Some("") => Ok(None),
                    Some(json) => serde_json::from_str::<Value>(json).map(Some).map_err(|_| Mismatch(row)),
                };
                let values = self.range.clone().map(value).collect::<Result<Vec<_>, _>>()?;
                let values: Vec<Option<&Value>> = values.iter().map(Option::as_ref).collect();
                json::array(&values, data_type).map_err(|Mismatch(row)| Mismatch(self.range.start + row))?
            }
        })
    }
}

fn mismatch(cells: &Cells<'_>, column: &TextColumn, row: usize) -> Error {
    let value = cells.rows.cell(row, cells.place).unwrap_or_default();
    // JSON text has its own quotes.
    let shown = if cells.is_json { shortened(value, SHOWN) } else { format!("{:?}", shortened(value, SHOWN)) };
    let tables_wire::Column { name, r#type, .. } = &column.column;
    let instead = if matches!(column.rules.kind, Kind::Nested(_)) { "any" } else { "string" };
    Error::invalid(format!(
        "row {}, column {name:?}: {shown} does not fit the type {type} of the column; declare the column as {instead} in \
         datapackage.json",
        cells.rows.first + row as u64 + 1,
    ))
}
