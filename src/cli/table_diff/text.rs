//! Row diffs as text.

use std::fmt::Write as _;

use clap::builder::styling::{AnsiColor, Style};
use rutter::error::{Error, Result};
use serde_json::Value;
use tables_wire::{Column, ColumnChange};

use super::response::Summary;
use crate::cli::output::Output;
use crate::cli::text_table::{Cell, HEADER, TextColumn, TextTable, fit, printable, value_text};

const ADDED: Style = AnsiColor::Green.on_default();
const REMOVED: Style = AnsiColor::Red.on_default();
const CHANGED: Style = AnsiColor::Yellow.on_default();

/// The number of terminal columns of the old, and of the new value of a changed cell.
const VALUE_WIDTH: usize = 18;

/// Returns what differs, in one line.
pub(super) fn summary_line(title: &str, summary: &Summary) -> String {
    if !summary.has_differences() {
        return format!("{title}: no differences\n");
    }
    let Summary { added, removed, changed, duplicate_keys, .. } = summary;
    let cells = match summary.cells() {
        0 => String::new(),
        1 => " (1 cell)".to_owned(),
        cells => format!(" ({cells} cells)"),
    };
    let mut line = format!("{title}: {added} added, {removed} removed, {changed} changed{cells}");
    if summary.key.is_empty() {
        line.push_str(", no key");
    } else {
        let names: Vec<String> = summary.key.iter().map(|name| printable(name)).collect();
        let _ = write!(line, ", key: {}", names.join(", "));
    }
    if *duplicate_keys > 0 {
        let _ = write!(line, ", rows with the key of another row: {duplicate_keys}");
    }
    line.push('\n');
    line
}

/// Returns how columns changed, a line each.
pub(super) fn schema_lines(summary: &Summary) -> String {
    let mut lines = String::new();
    for column in &summary.columns {
        let name = printable(&column.name);
        let from = printable(column.from_type.as_deref().unwrap_or("unknown"));
        let to = printable(column.to_type.as_deref().unwrap_or("unknown"));
        let _ = match column.change {
            ColumnChange::None => Ok(()),
            ColumnChange::Added => writeln!(lines, "column {name}: added ({to})"),
            ColumnChange::Removed => writeln!(lines, "column {name}: removed ({from})"),
            ColumnChange::Retyped => writeln!(lines, "column {name}: {from} → {to}"),
        };
    }
    lines
}

/// Returns what was left out.
pub(super) fn end_lines(summary: &Summary, shown: u64, more: bool, hidden: usize) -> String {
    let mut lines = String::new();
    let left = summary.rows().saturating_sub(shown);
    if more {
        let rows = if left == 1 { "1 more row".to_owned() } else { format!("{left} more rows") };
        let _ = writeln!(lines, "… {rows}: use --all");
    } else if !summary.is_complete && left > 0 {
        let _ = writeln!(lines, "… {left} more rows, which the server does not keep: the counts above are exact");
    }
    if hidden > 0 {
        let columns = if hidden == 1 { "1 more column".to_owned() } else { format!("{hidden} more columns") };
        let _ = writeln!(lines, "… {columns}: use --format csv");
    }
    lines
}

/// Rows of a diff as lines.
pub(super) struct TextRows {
    /// The positions of `change`, `from_row` and `to_row` in rows.
    change: usize,
    from_row: usize,
    to_row: usize,
    columns: Vec<DiffValues>,
    table: TextTable,
}

/// A column of the tables.
struct DiffValues {
    heading: TextColumn,
    /// The positions of its old and new values in rows.
    from: Option<usize>,
    to: Option<usize>,
    /// What is shown first where there is no room for all.
    rank: u8,
}

impl TextRows {
    /// Creates lines that are at most `room` terminal columns wide. The first rows decide the widths.
    pub(super) fn new(summary: &Summary, fields: &[Column], room: Option<usize>, first: &[Vec<Value>]) -> Result<Self> {
        let position = |name: &str| fields.iter().position(|field| field.name == name);
        let required = |name: &str| {
            position(name).ok_or_else(|| Error::unavailable(format!("the row diff of the server has no column {name}")))
        };
        let columns = summary.columns.iter().map(|column| {
            let kind = column.to_type.as_deref().or(column.from_type.as_deref()).unwrap_or_default();
            let is_key = summary.key.contains(&column.name);
            let differs = column.changed_cells > 0 || column.change != ColumnChange::None;
            DiffValues {
                heading: TextColumn::new(&column.name, kind),
                from: column.from.as_deref().and_then(position),
                to: column.to.as_deref().and_then(position),
                rank: if is_key { 0 } else { 2 - u8::from(differs) },
            }
        });
        let mut columns: Vec<DiffValues> = columns.collect();
        let mut rows = Self {
            change: required("change")?,
            from_row: required("from_row")?,
            to_row: required("to_row")?,
            table: TextTable::new(Self::headings(&columns), room),
            columns: Vec::new(),
        };
        std::mem::swap(&mut rows.columns, &mut columns);
        rows.measure(first);
        if rows.hidden() > 0 {
            rows.columns.sort_by_key(|column| column.rank);
            rows.table = TextTable::new(Self::headings(&rows.columns), room);
            rows.measure(first);
        }
        Ok(rows)
    }

    fn headings(columns: &[DiffValues]) -> Vec<TextColumn> {
        let before = [TextColumn::new("", "string"), TextColumn::new("row", "integer")];
        before.into_iter().chain(columns.iter().map(|column| column.heading.clone())).collect()
    }

    /// Makes the columns as wide as these rows need.
    pub(super) fn measure(&mut self, rows: &[Vec<Value>]) {
        let cells: Vec<Vec<Cell>> = rows.iter().map(|row| self.cells(row, &|style| style)).collect();
        self.table.measure(&cells);
    }

    /// Returns the number of columns for which there is no room.
    pub(super) fn hidden(&self) -> usize {
        self.table.hidden()
    }

    /// Returns the names of the columns.
    pub(super) fn header(&self, output: &Output) -> String {
        self.table.header(output.style(HEADER))
    }

    /// Returns rows, each as a line.
    pub(super) fn lines(&self, rows: &[Vec<Value>], output: &Output) -> String {
        let cells: Vec<Vec<Cell>> = rows.iter().map(|row| self.cells(row, &|style| output.style(style))).collect();
        self.table.lines(&cells)
    }

    fn cells(&self, row: &[Value], styled: &dyn Fn(Style) -> Style) -> Vec<Cell> {
        let at = |position: usize| row.get(position).unwrap_or(&Value::Null);
        let (sign, number, style) = match at(self.change).as_str() {
            Some("added") => ("+", at(self.to_row), ADDED),
            Some("removed") => ("-", at(self.from_row), REMOVED),
            _ => ("~", at(self.to_row), CHANGED),
        };
        let cell = |text: String, style: Style| Cell { text, style: styled(style) };
        let mut cells = vec![cell(sign.to_owned(), style), cell(value_text(number), Style::new())];
        for column in &self.columns {
            let (old, new) = (column.from.map(at), column.to.map(at));
            cells.push(match (sign, old, new) {
                ("+", _, Some(value)) | ("-", Some(value), _) => cell(value_text(value), style),
                ("~", Some(old), Some(new)) if is_same(old, new) => cell(value_text(new), Style::new()),
                ("~", Some(old), Some(new)) => {
                    let value = |value: &Value| fit(&value_text(value), VALUE_WIDTH);
                    cell(format!("{} → {}", value(old), value(new)), style)
                }
                ("~", Some(value), None) | ("~", None, Some(value)) => cell(value_text(value), Style::new()),
                // The table lacks the column.
                _ => Cell::default(),
            });
        }
        cells
    }
}

/// Returns true if two values are the same, also where the types of the columns differ: 1, 1.0 and "1".
fn is_same(old: &Value, new: &Value) -> bool {
    match (old, new) {
        (Value::Number(a), Value::Number(b)) => a == b || a.as_f64() == b.as_f64(),
        (Value::Null, other) | (other, Value::Null) => other.is_null(),
        _ => old == new || value_text(old) == value_text(new),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn summary(changes: &Value) -> Summary {
        let mut summary = json!({
            "from_rows": 10, "to_rows": 12, "added": 3, "removed": 1, "changed": 2, "unchanged": 7, "key": ["id"],
            "key_source": "request", "duplicate_keys": 0, "is_complete": true,
            "columns": [
                {"name": "id", "change": "none", "from_type": "integer", "to_type": "integer", "from": "from_id",
                    "to": "to_id", "changed_cells": 0},
                {"name": "species", "change": "none", "from_type": "string", "to_type": "string",
                    "from": "from_species", "to": "to_species", "changed_cells": 1},
                {"name": "count", "change": "retyped", "from_type": "string", "to_type": "integer",
                    "from": "from_count", "to": "to_count", "changed_cells": 3},
                {"name": "weight", "change": "added", "to_type": "number", "to": "to_weight", "changed_cells": 0},
                {"name": "note", "change": "removed", "from_type": "string", "from": "from_note", "changed_cells": 0}
            ]
        });
        for (name, value) in changes.as_object().unwrap() {
            summary[name] = value.clone();
        }
        serde_json::from_value(summary).unwrap()
    }

    fn fields() -> Vec<Column> {
        let names = ["change", "from_row", "to_row", "from_id", "to_id", "from_species", "to_species", "from_count"];
        let more = ["to_count", "to_weight", "from_note"];
        let field = |name: &&str| Column { name: (*name).to_owned(), r#type: "string".into(), format: None };
        names.iter().chain(&more).map(field).collect()
    }

    fn rows() -> Vec<Vec<Value>> {
        let rows = json!([
            ["added", null, 0, null, 12, null, "Parus major", null, 3, 0.5, null],
            ["removed", 4, null, 7, null, "Turdus merula", null, "1", null, null, "x\u{1b}[2J"],
            ["changed", 5, 4, 9, 9, "Sitta europaea", "Sitta europaea", "4", 5, null, "y"],
            ["changed", 6, 5, 10, 10, null, "Parus ater", "1", 1, null, null],
        ]);
        serde_json::from_value(rows).unwrap()
    }

    /// What is shown without colours.
    fn shown(room: Option<usize>) -> (String, usize) {
        let rows = rows();
        let table = TextRows::new(&summary(&json!({})), &fields(), room, &rows).unwrap();
        let output = Output::open(Some(std::path::Path::new("/dev/null"))).unwrap();
        (table.header(&output) + &table.lines(&rows, &output), table.hidden())
    }

    #[test]
    fn summaries_are_one_line() {
        for (changes, line) in [
            (json!({}), "t: 3 added, 1 removed, 2 changed (4 cells), key: id"),
            (json!({"key": []}), "t: 3 added, 1 removed, 2 changed (4 cells), no key"),
            (
                json!({"key": ["a", "b\u{1b}"], "duplicate_keys": 4, "columns": []}),
                "t: 3 added, 1 removed, 2 changed, key: a, b\\u{1b}, rows with the key of another row: 4",
            ),
            (json!({"added": 0, "removed": 0, "changed": 0, "columns": []}), "t: no differences"),
        ] {
            assert_eq!(summary_line("t", &summary(&changes)), format!("{line}\n"));
        }
        let expected = "column count: string → integer\ncolumn weight: added (number)\ncolumn note: removed (string)\n";
        assert_eq!(schema_lines(&summary(&json!({}))), expected);
    }

    #[test]
    fn rows_are_aligned_and_changed_cells_have_both_values() {
        let expected = "\
\x20  row  id  species            count  weight  note
─  ───  ──  ─────────────────  ─────  ──────  ──────────
+    0  12  Parus major            3     0.5
-    4   7  Turdus merula          1          x\\u{1b}[2J
~    4   9  Sitta europaea     4 → 5    NULL  y
~    5  10  NULL → Parus ater      1    NULL  NULL
";
        assert_eq!(shown(None), (expected.to_owned(), 0));
    }

    #[test]
    fn where_there_is_no_room_the_key_and_what_differs_are_first() {
        let (text, hidden) = shown(Some(30));
        assert!(hidden > 0);
        assert!(text.lines().next().unwrap().starts_with("   row  id"), "{text}");
        assert!(text.lines().all(|line| line.chars().count() <= 30), "{text}");
        let mut changed = summary(&json!({}));
        // Only the last column differs now.
        for column in &mut changed.columns[1..3] {
            (column.changed_cells, column.change) = (0, ColumnChange::None);
        }
        changed.columns.swap(0, 4);
        let table = TextRows::new(&changed, &fields(), Some(30), &rows()).unwrap();
        let names: Vec<&str> = table.columns.iter().map(|column| column.heading.name.as_str()).collect();
        assert_eq!(names, ["id", "note", "weight", "species", "count"]);
    }

    #[test]
    fn what_was_left_out_is_said() {
        let all = summary(&json!({}));
        assert_eq!(end_lines(&all, 6, false, 0), "");
        assert_eq!(end_lines(&all, 5, true, 0), "… 1 more row: use --all\n");
        assert_eq!(end_lines(&all, 4, true, 1), "… 2 more rows: use --all\n… 1 more column: use --format csv\n");
        let cut = summary(&json!({"is_complete": false}));
        assert!(end_lines(&cut, 4, false, 0).starts_with("… 2 more rows, which the server does not keep"));
    }

    #[test]
    fn values_of_different_types_can_be_the_same() {
        for (old, new) in
            [(json!(1), json!(1.0)), (json!("1"), json!(1)), (json!(null), json!(null)), (json!(-0.0), json!(0))]
        {
            assert!(is_same(&old, &new), "{old} {new}");
        }
        for (old, new) in [(json!(1), json!(2)), (json!(null), json!("NULL")), (json!("a"), json!("A"))] {
            assert!(!is_same(&old, &new), "{old} {new}");
        }
    }
}
