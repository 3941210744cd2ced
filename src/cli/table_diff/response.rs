//! Responses of the API: pages of a row diff, and the files that differ.

use rutter::error::{Error, Result};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use tables_wire::{Column, ColumnChange, DiffColumn, Format};

/// A page of a row diff. What is only passed on is not parsed.
#[derive(Deserialize)]
pub(super) struct DiffPage {
    pub(super) from: String,
    pub(super) to: String,
    summary: Box<RawValue>,
    fields: Box<RawValue>,
    pub(super) rows: Vec<Box<RawValue>>,
    pub(super) more: bool,
    pub(super) total: Option<u64>,
}

/// What differs.
#[derive(Deserialize)]
pub(super) struct Summary {
    pub(super) added: u64,
    pub(super) removed: u64,
    pub(super) changed: u64,
    pub(super) key: Vec<String>,
    pub(super) duplicate_keys: u64,
    pub(super) columns: Vec<DiffColumn>,
    pub(super) is_complete: bool,
}

impl DiffPage {
    pub(super) fn summary(&self) -> Result<Summary> {
        parse(&self.summary)
    }

    pub(super) fn fields(&self) -> Result<Vec<Column>> {
        parse(&self.fields)
    }

    pub(super) fn values(&self) -> Result<Vec<Vec<Value>>> {
        self.rows.iter().map(|row| parse(row)).collect()
    }

    /// Returns the document up to its rows.
    pub(super) fn head(&self) -> Result<String> {
        let text = |text: &String| serde_json::to_string(text).map_err(Error::internal);
        let (from, to, summary, fields) = (text(&self.from)?, text(&self.to)?, &self.summary, &self.fields);
        Ok(format!(r#"{{"from":{from},"to":{to},"summary":{summary},"fields":{fields}"#))
    }
}

fn parse<'a, T: Deserialize<'a>>(json: &'a RawValue) -> Result<T> {
    serde_json::from_str(json.get())
        .map_err(|error| Error::unavailable("unexpected response: is the server of this version?").because(error))
}

impl Summary {
    /// Returns true if rows or columns differ.
    pub(super) fn has_differences(&self) -> bool {
        self.rows() > 0 || self.columns.iter().any(|column| column.change != ColumnChange::None)
    }

    /// Returns the number of rows that differ.
    pub(super) fn rows(&self) -> u64 {
        self.added.saturating_add(self.removed).saturating_add(self.changed)
    }

    /// Returns the number of changed cells.
    pub(super) fn cells(&self) -> u64 {
        self.columns.iter().fold(0, |sum, column| sum.saturating_add(column.changed_cells))
    }
}

/// A page of the files that differ.
#[derive(Deserialize)]
pub(super) struct ChangedFiles {
    pub(super) from: Option<String>,
    pub(super) to: String,
    pub(super) items: Vec<ChangedFile>,
    pub(super) next_cursor: Option<String>,
}

/// A file that differs.
#[derive(Deserialize)]
pub(super) struct ChangedFile {
    before: Option<Entry>,
    after: Option<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    path: String,
    /// The git object id of the content.
    id: String,
}

/// How a table changed.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum FileChange<'a> {
    Added(&'a str),
    Removed(&'a str),
    Changed { from: &'a str, to: &'a str },
}

impl ChangedFile {
    /// Returns how the table changed; `None` for files that are no tables, and if only the mode changed.
    pub(super) fn change(&self) -> Option<FileChange<'_>> {
        let is_table = |entry: &&Entry| {
            let name = entry.path.rsplit('/').next().unwrap_or_default();
            Format::from_name(name).is_some()
        };
        let (before, after) = (self.before.as_ref().filter(is_table), self.after.as_ref().filter(is_table));
        match (before, after) {
            (None, None) => None,
            (None, Some(after)) => Some(FileChange::Added(&after.path)),
            (Some(before), None) => Some(FileChange::Removed(&before.path)),
            (Some(before), Some(after)) if (&before.path, &before.id) == (&after.path, &after.id) => None,
            (Some(before), Some(after)) => Some(FileChange::Changed { from: &before.path, to: &after.path }),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn documents_are_passed_on_as_they_are() {
        let text = r#"{"from": "a\"", "to": "b", "summary": {"added": 1, "removed": 0, "changed": 0, "from_rows": null,
            "key": [], "key_source": "none", "duplicate_keys": 0, "columns": [], "is_complete": true, "new": 1.00},
            "fields": [], "rows": [["added", 12345678901234567890.10]], "offset": 0, "more": false, "total": null}"#;
        let page: DiffPage = serde_json::from_str(text).unwrap();
        assert!(page.summary().unwrap().has_differences());
        let head = page.head().unwrap();
        assert!(head.starts_with(r#"{"from":"a\"","to":"b","summary":{"added": 1,"#) && head.contains("\"new\": 1.00"));
        let whole: Value = serde_json::from_str(&format!("{head}}}")).unwrap();
        assert_eq!(whole["from"], "a\"");
        assert_eq!(page.rows[0].get(), r#"["added", 12345678901234567890.10]"#);
        let empty: DiffPage = serde_json::from_str(&text.replace("\"added\": 1", "\"added\": 0")).unwrap();
        assert!(!empty.summary().unwrap().has_differences());
    }

    #[test]
    fn tables_are_known_by_their_names() {
        let file = |before: Option<(&str, &str)>, after: Option<(&str, &str)>| {
            let entry = |entry: Option<(&str, &str)>| entry.map(|(path, id)| json!({"path": path, "id": id}));
            let file = json!({"path": "x", "change": "changed", "before": entry(before), "after": entry(after)});
            serde_json::from_value::<ChangedFile>(file).unwrap()
        };
        for (before, after, expected) in [
            (None, Some(("a/b.csv", "1")), Some(FileChange::Added("a/b.csv"))),
            (Some(("b.parquet", "1")), None, Some(FileChange::Removed("b.parquet"))),
            (Some(("b.csv", "1")), Some(("b.csv", "2")), Some(FileChange::Changed { from: "b.csv", to: "b.csv" })),
            (
                Some(("b.csv", "1")),
                Some(("c.csv.gz", "1")),
                Some(FileChange::Changed { from: "b.csv", to: "c.csv.gz" }),
            ),
            (Some(("b.csv", "1")), Some(("b.csv", "1")), None),
            (Some(("b.txt", "1")), Some(("b.csv", "2")), Some(FileChange::Added("b.csv"))),
            (Some(("a.csv/b", "1")), Some(("a.csv/b", "2")), None),
            (None, Some(("README.md", "1")), None),
        ] {
            assert_eq!(file(before, after).change(), expected);
        }
    }
}
