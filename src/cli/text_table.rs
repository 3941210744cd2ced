//! Tables as text, for terminals: aligned columns, cut cells, no control characters.

use std::fmt::Write as _;

use clap::builder::styling::Style;
use serde_json::Value;
use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

/// The number of terminal columns of the widest cell, and of a cell that is cut to make the table fit.
const MAX_WIDTH: usize = 40;
const MIN_WIDTH: usize = 8;

/// The space between columns.
const GAP: usize = 2;

/// The style of the names of columns.
pub(super) const HEADER: Style = Style::new().bold();

/// How a missing value is shown.
const NULL: &str = "NULL";

/// A column.
#[derive(Clone)]
pub(super) struct TextColumn {
    pub(super) name: String,
    /// True for numbers, which are aligned at the right.
    pub(super) is_right: bool,
}

impl TextColumn {
    /// Creates the column for values of a type (Table Schema).
    pub(super) fn new(name: &str, r#type: &str) -> Self {
        Self { name: name.to_owned(), is_right: matches!(r#type, "integer" | "number" | "year") }
    }
}

/// A cell.
#[derive(Clone, Default)]
pub(super) struct Cell {
    pub(super) text: String,
    pub(super) style: Style,
}

impl Cell {
    /// Creates a cell without a style.
    pub(super) fn plain(text: String) -> Self {
        Self { text, style: Style::new() }
    }
}

/// A table whose rows can arrive in pages: the columns keep their widths, or become wider.
pub(super) struct TextTable {
    columns: Vec<TextColumn>,
    widths: Vec<usize>,
    /// The maximum number of terminal columns of a line.
    room: Option<usize>,
}

impl TextTable {
    /// Creates a table that is at most `room` terminal columns wide.
    pub(super) fn new(columns: Vec<TextColumn>, room: Option<usize>) -> Self {
        let widths = columns.iter().map(|column| fit(&column.name, MAX_WIDTH).width()).collect();
        Self { columns, widths, room }
    }

    /// Makes the columns as wide as these rows need.
    pub(super) fn measure(&mut self, rows: &[Vec<Cell>]) {
        for row in rows {
            for (width, cell) in self.widths.iter_mut().zip(row) {
                *width = fit(&cell.text, MAX_WIDTH).width().max(*width);
            }
        }
    }

    /// Returns the number of columns for which there is no room.
    pub(super) fn hidden(&self) -> usize {
        self.columns.len() - self.shown().len()
    }

    /// Returns the widths of the columns that are shown.
    fn shown(&self) -> Vec<usize> {
        let Some(room) = self.room else { return self.widths.clone() };
        let mut widest = MAX_WIDTH;
        let total = |widest: usize| self.widths.iter().map(|width| *width.min(&widest) + GAP).sum::<usize>();
        while widest > MIN_WIDTH && total(widest) > room + GAP {
            widest -= 1;
        }
        let (mut used, mut shown) = (0, Vec::new());
        for width in &self.widths {
            let width = *width.min(&widest);
            if used + width > room && !shown.is_empty() {
                break;
            }
            used += width + GAP;
            shown.push(width);
        }
        shown
    }

    /// Returns the names of the columns, with a line below.
    pub(super) fn header(&self, style: Style) -> String {
        let names: Vec<Cell> = self.columns.iter().map(|column| Cell { text: column.name.clone(), style }).collect();
        let rule = |width: &usize| Cell::plain("─".repeat(*width));
        let rule: Vec<Cell> = self.shown().iter().map(rule).collect();
        self.lines(&[names, rule])
    }

    /// Returns rows, each as a line.
    pub(super) fn lines(&self, rows: &[Vec<Cell>]) -> String {
        let (widths, mut text) = (self.shown(), String::new());
        for row in rows {
            let mut space = 0;
            for ((cell, width), column) in row.iter().zip(&widths).zip(&self.columns) {
                let shown = fit(&cell.text, *width);
                let missing = width.saturating_sub(shown.width());
                let (before, after) = if column.is_right { (missing, 0) } else { (0, missing) };
                space += before;
                // No line ends with spaces.
                if !shown.is_empty() {
                    let style = cell.style;
                    let _ = write!(text, "{:space$}{style}{shown}{style:#}", "");
                    space = 0;
                }
                space += after + GAP;
            }
            text.push('\n');
        }
        text
    }
}

/// Returns the text of a JSON value.
pub(super) fn value_text(value: &Value) -> String {
    match value {
        Value::Null => NULL.to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// Returns a character as terminals may show it. Control characters could change what is on the screen, and marks of
/// direction the order in which it is read.
pub(super) fn escaped(c: char) -> impl Iterator<Item = char> {
    let is_mark = matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let (plain, escape) = if c.is_control() || is_mark { (None, Some(c.escape_default())) } else { (Some(c), None) };
    plain.into_iter().chain(escape.into_iter().flatten())
}

/// Returns a text of a server as terminals may show it, in one line.
pub(super) fn printable(text: &str) -> String {
    text.chars().flat_map(escaped).collect()
}

/// Returns a text that is at most `width` terminal columns wide, cut with `…`.
pub(super) fn fit(text: &str, width: usize) -> String {
    // Marks without a width could make a cell as long as they like.
    let longest = width.saturating_mul(16);
    let (mut fitting, mut used, mut cut_at) = (String::new(), 0, 0);
    for c in text.chars().flat_map(escaped) {
        used += c.width().unwrap_or(0);
        if used > width || fitting.len() > longest {
            fitting.truncate(cut_at);
            fitting.push('…');
            break;
        }
        fitting.push(c);
        if used < width {
            cut_at = fitting.len();
        }
    }
    fitting
}

#[cfg(test)]
mod tests {
    use clap::builder::styling::AnsiColor;
    use proptest::prelude::*;

    use super::*;

    fn table(columns: &[(&str, &str)], rows: &[&[&str]], room: Option<usize>) -> (String, usize) {
        let columns = columns.iter().map(|(name, kind)| TextColumn::new(name, kind)).collect();
        let cell = |text: &&str| Cell::plain((*text).to_owned());
        let rows: Vec<Vec<Cell>> = rows.iter().map(|row| row.iter().map(cell).collect()).collect();
        let mut table = TextTable::new(columns, room);
        table.measure(&rows);
        (table.header(Style::new()) + &table.lines(&rows), table.hidden())
    }

    #[test]
    fn columns_are_aligned_by_their_type() {
        let columns = [("id", "integer"), ("species", "string"), ("n", "number"), ("seen", "date")];
        let rows: [&[&str]; 3] =
            [&["1", "Parus major", "2.5", "2024-01-01"], &["10", "鳥", "", ""], &["", "", "-7", "2024-01-02"]];
        let expected = "\
id  species        n  seen
──  ───────────  ───  ──────────
 1  Parus major  2.5  2024-01-01
10  鳥
                  -7  2024-01-02
";
        assert_eq!(table(&columns, &rows, None), (expected.to_owned(), 0));
    }

    #[test]
    fn wide_tables_are_cut_to_the_terminal() {
        let columns = [("a", "string"), ("b", "string"), ("c", "string"), ("d", "string")];
        let long = "0123456789".repeat(6);
        let row: &[&str] = &[&long, &long, "short", &long];
        let (all, hidden) = table(&columns, &[row], None);
        assert_eq!(hidden, 0);
        assert!(all.contains(&format!("{}…", &long[..39])), "{all}");
        for room in [4, 8, 20, 30, 41, 60, 100] {
            let (shown, hidden) = table(&columns, &[row], Some(room));
            let widest = shown.lines().map(unicode_width::UnicodeWidthStr::width).max().unwrap();
            assert!(widest <= room.max(MIN_WIDTH), "{room}:\n{shown}");
            // The cells become narrower before columns are left out.
            assert_eq!(hidden > 0, room < 8 + 2 + 8 + 2 + 5 + 2 + 8, "{room}:\n{shown}");
        }
    }

    #[test]
    fn styles_are_around_the_text_only() {
        let style = AnsiColor::Red.on_default();
        let table = TextTable::new(vec![TextColumn::new("ab", "string"), TextColumn::new("c", "integer")], None);
        let cell = |text: &str| Cell { text: text.to_owned(), style };
        let line = table.lines(&[vec![cell("x"), cell("1")]]);
        assert_eq!(line, format!("{style}x{style:#}   {style}1{style:#}\n"));
    }

    #[test]
    fn control_characters_are_escaped() {
        assert_eq!(
            printable("a\u{1b}[2Jb\n\t\r\u{7f}\u{9b}\u{202e}é 鳥"),
            "a\\u{1b}[2Jb\\n\\t\\r\\u{7f}\\u{9b}\\u{202e}é 鳥"
        );
        assert_eq!(fit("a\u{1b}[2J", 4), "a\\u…");
        assert_eq!(fit("abcd", 4), "abcd");
        assert_eq!(fit("鳥鳥鳥", 5), "鳥鳥…");
        assert_eq!(fit("鳥鳥鳥", 6), "鳥鳥鳥");
        assert_eq!(fit("", 0), "");
        assert!(fit(&"e\u{301}".repeat(1_000_000), 10).len() < 200);
        assert!(fit(&"\u{301}".repeat(1_000_000), 10).len() < 200);
    }

    proptest! {
        #[test]
        fn what_is_shown_is_harmless_and_fits(text in any::<String>(), width in 1..60_usize) {
            let shown = fit(&text, width);
            prop_assert!(!shown.chars().any(char::is_control));
            let by_character: usize = shown.chars().map(|c| c.width().unwrap_or(0)).sum();
            prop_assert!(by_character <= width, "{shown:?}");
            prop_assert!(!printable(&text).chars().any(char::is_control));
        }
    }

    #[test]
    fn values_are_shown_as_they_are() {
        use serde_json::json;
        for (value, text) in [
            (json!(null), "NULL"),
            (json!(1.50), "1.5"),
            (json!(true), "true"),
            (json!("a b"), "a b"),
            (json!(["a", 1]), r#"["a",1]"#),
            (json!({"a": null}), r#"{"a":null}"#),
        ] {
            assert_eq!(value_text(&value), text);
        }
    }
}
