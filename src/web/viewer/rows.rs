//! Rows: `/first-rows`, `/rows`, `/search` and `/filter`.

use axum::extract::State;
use metastore::ObjectId;
use serde::ser::SerializeMap as _;
use serde::{Serialize, Serializer};
use serde_json::Value;
use serde_json::value::{RawValue, to_raw_value};

use super::order;
use super::request::{Answer, MAX_LENGTH, SplitName, Visitor, required, with_revision};
use crate::app::App;
use crate::error::{Error, Result};
use crate::tables::{Column, Done, Output, Page, Split};

/// Limits of `/first-rows`, as on the Hub: bytes of all rows, the number of rows whose cells are cut rather than left out, and
/// the length of a cut cell in bytes.
const FIRST_BYTES: usize = 1_000_000;
const FIRST_ROWS: usize = 10;
const CUT_CELL: usize = 100;

/// Maximum length of a text to search for, in bytes.
const MAX_QUERY: usize = 1000;

/// Maximum length of an expression, in bytes: that of the table engine.
const MAX_EXPRESSION: usize = 64 << 10;

/// A page of rows.
#[expect(clippy::struct_field_names, reason = "names of the Hub")]
#[derive(Serialize)]
struct Rows<'a> {
    features: Vec<Feature<'a>>,
    rows: Vec<RowItem<'a>>,
    num_rows_total: u64,
    num_rows_per_page: u64,
    /// True if `num_rows_total` is only the number of rows that are known.
    partial: bool,
}

/// The first rows of a split.
#[derive(Serialize)]
struct FirstRows<'a> {
    #[serde(flatten)]
    name: SplitName,
    features: Vec<Feature<'a>>,
    rows: Vec<RowItem<'a>>,
    truncated: bool,
}

/// A column.
#[expect(clippy::struct_field_names, reason = "names of the Hub")]
#[derive(Serialize)]
struct Feature<'a> {
    feature_idx: usize,
    name: &'a str,
    r#type: &'a Value,
}

/// A row.
#[derive(Serialize)]
struct RowItem<'a> {
    row_idx: u64,
    row: Row<'a>,
    truncated_cells: Vec<&'a str>,
}

/// The cells of a row by the names of their columns.
struct Row<'a> {
    columns: &'a [Column],
    cells: Vec<Cell<'a>>,
}

impl Serialize for Row<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.cells.len()))?;
        for (column, cell) in self.columns.iter().zip(&self.cells) {
            map.serialize_entry(&column.name, cell.json())?;
        }
        map.end()
    }
}

/// A value in JSON.
enum Cell<'a> {
    Read(&'a RawValue),
    Changed(Box<RawValue>),
}

impl<'a> Cell<'a> {
    /// Returns a value as the Hub writes it: integers are numbers however large they are, and what is no number is null.
    fn new(value: &'a RawValue, column: &Column) -> Self {
        let quoted = || value.get().strip_prefix('"')?.strip_suffix('"');
        let changed = match column.r#type.as_str() {
            "integer" => quoted().filter(|text| text.parse::<i128>().is_ok_and(|number| number.to_string() == *text)),
            "number" => quoted().filter(|text| ["NaN", "INF", "-INF"].contains(text)).map(|_| "null"),
            _ => None,
        };
        let changed = changed.and_then(|text| RawValue::from_string(text.to_owned()).ok());
        changed.map_or(Self::Read(value), Self::Changed)
    }

    fn json(&self) -> &RawValue {
        match self {
            Self::Read(value) => value,
            Self::Changed(value) => value,
        }
    }

    /// Cuts a long value: the beginning of its JSON, as a string. Returns false if it is short.
    fn cut(&mut self) -> Result<bool> {
        let text = self.json().get();
        if text.len() <= CUT_CELL {
            return Ok(false);
        }
        let end = (0..=CUT_CELL).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
        let cut = to_raw_value(&text[..end]).map_err(Error::internal)?;
        *self = Self::Changed(cut);
        Ok(true)
    }
}

fn features(done: &Done) -> Vec<Feature<'_>> {
    let columns = done.columns.iter().zip(&done.features).enumerate();
    columns.map(|(feature_idx, (Column { name, .. }, r#type))| Feature { feature_idx, name, r#type }).collect()
}

/// Parses rows that the engine wrote. The number of each is in the last cell, or else follows from that of the first one.
fn rows<'a>(json: &'a [u8], columns: &'a [Column], first: Option<u64>) -> Result<Vec<RowItem<'a>>> {
    let rows: Vec<Vec<&RawValue>> = serde_json::from_slice(json).map_err(Error::internal)?;
    let item = |(place, cells): (u64, Vec<&'a RawValue>)| {
        let row_idx = match first {
            Some(first) => first + place,
            None => cells.last().and_then(|cell| cell.get().parse().ok()).unwrap_or_default(),
        };
        let cells = columns.iter().zip(cells).map(|(column, cell)| Cell::new(cell, column)).collect();
        RowItem { row_idx, row: Row { columns, cells }, truncated_cells: Vec::new() }
    };
    Ok((0..).zip(rows).map(item).collect())
}

fn page(offset: u64, limit: u64) -> Page {
    Page { offset, limit, columns: None, filter: None, sort: Vec::new(), output: Output::Json, detailed: true }
}

/// Returns the first rows of a split, shortened if they are long.
pub(super) async fn first_rows(State(app): State<App>, mut visitor: Visitor) -> Answer {
    let (commit, split) = visitor.split(&app).await?;
    let (json, done) = visitor.read(&app, commit, &split, page(0, MAX_LENGTH)).await?.gather().await?;
    let (rows, is_cut) = shortened(rows(&json, &done.columns, Some(0))?)?;
    let truncated = is_cut || done.more;
    Ok(with_revision(commit, &FirstRows { name: visitor.name(&split), features: features(&done), rows, truncated }))
}

/// Leaves out rows that are too many bytes. If the first ones are already, their cells are cut, from the last row on.
fn shortened(mut rows: Vec<RowItem<'_>>) -> Result<(Vec<RowItem<'_>>, bool)> {
    let size = |row: &RowItem| serde_json::to_string(row).map(|text| text.len()).map_err(Error::internal);
    let sizes = rows.iter().map(size).collect::<Result<Vec<_>>>()?;
    let mut total = 0;
    let fitting = sizes.iter().take_while(|size| {
        total += *size;
        total < FIRST_BYTES
    });
    let kept = fitting.count().max(FIRST_ROWS).min(rows.len());
    let is_cut = kept < rows.len();
    rows.truncate(kept);
    let mut total: usize = sizes[..kept].iter().sum();
    for (row, size_before) in rows.iter_mut().zip(&sizes).rev() {
        if total < FIRST_BYTES {
            break;
        }
        for (column, cell) in row.row.columns.iter().zip(&mut row.row.cells) {
            if cell.cut()? {
                row.truncated_cells.push(&column.name);
            }
        }
        total = total - size_before + size(row)?;
    }
    Ok((rows, is_cut))
}

/// Returns a page of rows.
async fn respond(app: &App, visitor: &Visitor, at: (ObjectId, Split), page: Page) -> Answer {
    let (commit, split) = at;
    let (offset, is_plain) = (page.offset, page.filter.is_none() && page.sort.is_empty());
    let (json, done) = visitor.read(app, commit, &split, page).await?.gather().await?;
    let rows = rows(&json, &done.columns, is_plain.then_some(offset))?;
    let known = offset.saturating_add(rows.len() as u64) + u64::from(done.more);
    let body = Rows {
        features: features(&done),
        rows,
        num_rows_total: done.total.unwrap_or(known),
        num_rows_per_page: MAX_LENGTH,
        partial: done.total.is_none(),
    };
    Ok(with_revision(commit, &body))
}

/// Returns rows of a split by their numbers.
pub(super) async fn by_number(State(app): State<App>, mut visitor: Visitor) -> Answer {
    let (offset, length) = visitor.range()?;
    let at = visitor.split(&app).await?;
    respond(&app, &visitor, at, page(offset, length)).await
}

/// Returns the rows for which an expression is true, in an order.
pub(super) async fn filter(State(app): State<App>, mut visitor: Visitor) -> Answer {
    let (offset, length) = visitor.range()?;
    let filter = visitor.query.r#where.take().filter(|filter| !filter.trim().is_empty());
    let sort = visitor.query.orderby.as_deref().map(order::parse).transpose()?.unwrap_or_default();
    let at = visitor.split(&app).await?;
    respond(&app, &visitor, at, Page { filter, sort, ..page(offset, length) }).await
}

/// Returns the rows in which a text occurs, in any column of strings and in any case.
pub(super) async fn search(State(app): State<App>, mut visitor: Visitor) -> Answer {
    let (offset, length) = visitor.range()?;
    let query = required(&mut visitor.query.query, "query")?;
    if query.len() > MAX_QUERY {
        return Err(Error::invalid(format!("`query` must have at most {MAX_QUERY} bytes")).into());
    }
    let (commit, split) = visitor.split(&app).await?;
    let columns = Page { detailed: false, ..page(0, 0) };
    let (_, Done { columns, .. }) = visitor.read(&app, commit, &split, columns).await?.gather().await?;
    let filter = Some(occurs(&query, &columns)?);
    respond(&app, &visitor, (commit, split), Page { filter, ..page(offset, length) }).await
}

/// Returns the expression that a text occurs in one of the columns of strings.
fn occurs(query: &str, columns: &[Column]) -> Result<String> {
    let text = query.to_lowercase().replace('\'', "''");
    let is_text = |column: &&Column| column.r#type == "string" && column.format.as_deref() != Some("binary");
    let terms = columns.iter().filter(is_text);
    let terms = terms.map(|column| format!("contains(lower(\"{}\"), '{text}')", column.name.replace('"', "\"\"")));
    let expression = terms.collect::<Vec<_>>().join(" OR ");
    if expression.len() > MAX_EXPRESSION {
        return Err(Error::invalid("the table has too many columns to search all for this text; use /filter"));
    }
    Ok(if expression.is_empty() { "false".to_owned() } else { expression })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn column(name: &str, r#type: &str) -> Column {
        Column { name: name.into(), r#type: r#type.into(), format: None }
    }

    #[test]
    fn values_are_written_as_on_the_hub() {
        let columns = [column("id", "integer"), column("x", "number"), column("s", "string")];
        let json = br#"[["9007199254740993", "NaN", "NaN"], ["abc", 1.5, "17"], ["01", "INF", null]]"#;
        let rows = rows(json, &columns, Some(7)).unwrap();
        let text = serde_json::to_string(&rows.iter().map(|row| &row.row).collect::<Vec<_>>()).unwrap();
        let expected = r#"[{"id":9007199254740993,"x":null,"s":"NaN"},{"id":"abc","x":1.5,"s":"17"},"#.to_owned();
        assert_eq!(text, expected + r#"{"id":"01","x":null,"s":null}]"#);
        assert_eq!(rows.iter().map(|row| row.row_idx).collect::<Vec<_>>(), [7, 8, 9]);
    }

    #[test]
    fn first_rows_are_shortened() {
        let columns = [column("id", "integer"), column("text", "string")];
        let sized = |count: usize, length: usize| {
            let rows: Vec<_> = (0..count).map(|id| json!([id, "é".repeat(length / 2)])).collect();
            serde_json::to_vec(&rows).unwrap()
        };
        for (count, length, kept, cut, has_less) in [
            (100, 1000, 100, 0, false),
            (100, 20_000, 49, 0, true),
            (30, 200_000, 10, 6, true),
            (2, 600_000, 2, 1, false),
        ] {
            let json = sized(count, length);
            let (rows, is_cut) = shortened(rows(&json, &columns, Some(0)).unwrap()).unwrap();
            let cells = rows.iter().filter(|row| !row.truncated_cells.is_empty()).count();
            assert_eq!((rows.len(), cells, is_cut), (kept, cut, has_less), "{count} {length}");
            if let Some(last) = rows.last().filter(|_| cut > 0) {
                assert_eq!(last.truncated_cells, ["text"]);
                assert_eq!(last.row.cells[1].json().get().len(), CUT_CELL + 2);
            }
        }
    }

    #[test]
    fn a_text_to_search_for_is_a_literal() {
        let columns = [column("a\"b", "string"), column("n", "integer"), column("c", "string")];
        let expected = r#"contains(lower("a""b"), '''; drop') OR contains(lower("c"), '''; drop')"#;
        assert_eq!(occurs("'; DROP", &columns).unwrap(), expected);
        assert_eq!(occurs("x", &columns[1..2]).unwrap(), "false");
        assert!(occurs(&"x".repeat(1000), &vec![column("c", "string"); 100]).is_err());
    }
}
