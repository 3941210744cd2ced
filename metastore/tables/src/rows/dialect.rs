//! Table dialects (Data Package, Table Dialect): how delimited text is split into rows and cells.

use csv_core::{Reader, ReaderBuilder, Terminator};
use serde_json::{Map, Value, json};

use crate::error::{Error, Result};

/// Maximum number of rows before the data.
const MAX_HEADER: u64 = 1000;

/// A dialect of delimited text.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Dialect {
    pub(crate) delimiter: u8,
    quote: Option<u8>,
    double_quote: bool,
    escape: Option<u8>,
    comment: Option<u8>,
    terminator: Option<u8>,
    pub(crate) skips_space: bool,
    /// The numbers, from 1, of the rows whose cells are the names of the columns; none if there are no names.
    pub(crate) header_rows: Vec<u64>,
    pub(crate) header_join: String,
    /// A text that stands for a missing value.
    pub(crate) null: Option<String>,
    declared: Map<String, Value>,
}

impl Dialect {
    /// Parses the declared properties. The others have their defaults, and may be found out.
    ///
    /// # Errors
    /// Invalid for a property of the wrong type, or one that is not supported.
    pub(crate) fn declared(properties: &Map<String, Value>) -> Result<Self> {
        let present = |key: &str| properties.get(key).filter(|value| !value.is_null());
        let character = |key: &str| match present(key) {
            None => Ok(None),
            Some(Value::String(text)) if text.is_empty() => Ok(None),
            Some(Value::String(text)) => match text.as_bytes() {
                [byte] if byte.is_ascii() => Ok(Some(*byte)),
                _ => Err(property(key, "one ASCII character")),
            },
            Some(_) => Err(property(key, "one ASCII character")),
        };
        let flag = |key: &str, default| match present(key) {
            None => Ok(default),
            Some(value) => value.as_bool().ok_or_else(|| property(key, "true or false")),
        };
        let text = |key: &str| match present(key) {
            None => Ok(None),
            Some(value) => value.as_str().map(|text| Some(text.to_owned())).ok_or_else(|| property(key, "a string")),
        };
        let numbers = |key: &str| match present(key) {
            None => Ok(None),
            Some(value) => value
                .as_array()
                .and_then(|list| list.iter().map(Value::as_u64).collect::<Option<Vec<u64>>>())
                .filter(|list| list.iter().all(|number| (1..=MAX_HEADER).contains(number)))
                .map(Some)
                .ok_or_else(|| property(key, "a list of numbers from 1 to 1000")),
        };
        let mut header_rows = numbers("headerRows")?.unwrap_or_else(|| vec![1]);
        header_rows.sort_unstable();
        if !flag("header", true)? {
            header_rows.clear();
        }
        let last = header_rows.last().copied().unwrap_or_default();
        let comments = numbers("commentRows")?.unwrap_or_default();
        header_rows.retain(|row| !comments.contains(row));
        if comments.iter().any(|row| *row > last) {
            return Err(Error::invalid(
                "the dialect has `commentRows` below the header, which is not supported; use `commentChar`",
            ));
        }
        let quote = if properties.get("quoteChar").is_some_and(|value| value.is_null() || value == "") {
            None
        } else {
            Some(character("quoteChar")?.unwrap_or(b'"'))
        };
        Ok(Self {
            delimiter: character("delimiter")?.unwrap_or(b','),
            quote,
            double_quote: flag("doubleQuote", true)?,
            escape: character("escapeChar")?,
            comment: character("commentChar")?,
            // A line break in any notation is the default.
            terminator: match text("lineTerminator")?.as_deref() {
                None | Some("" | "\r\n" | "\n" | "\r") => None,
                Some(_) => character("lineTerminator")?,
            },
            skips_space: flag("skipInitialSpace", false)?,
            header_rows,
            header_join: text("headerJoin")?.unwrap_or_else(|| " ".to_owned()),
            null: text("nullSequence")?,
            declared: properties.clone(),
        })
    }

    /// Returns true if a property is declared, so that it need not be found out.
    pub(crate) fn declares(&self, key: &str) -> bool {
        self.declared.get(key).is_some_and(|value| !value.is_null())
    }

    /// Returns the number of rows before the data.
    pub(crate) fn rows_before_data(&self) -> u64 {
        self.header_rows.last().copied().unwrap_or_default()
    }

    /// Returns the same dialect with another delimiter.
    pub(crate) fn with_delimiter(&self, delimiter: u8) -> Self {
        Self { delimiter, ..self.clone() }
    }

    /// Returns the properties for a Data Package.
    pub(crate) fn describe(&self) -> Map<String, Value> {
        let mut properties = self.declared.clone();
        properties.insert("delimiter".to_owned(), json!(char::from(self.delimiter).to_string()));
        properties.insert("header".to_owned(), json!(!self.header_rows.is_empty()));
        if self.skips_space {
            properties.insert("skipInitialSpace".to_owned(), json!(true));
        }
        properties
    }

    pub(super) fn reader(&self) -> Reader {
        let mut builder = ReaderBuilder::new();
        builder.delimiter(self.delimiter).double_quote(self.double_quote).escape(self.escape).comment(self.comment);
        match self.quote {
            Some(quote) => builder.quote(quote),
            None => builder.quoting(false),
        };
        if let Some(terminator) = self.terminator {
            builder.terminator(Terminator::Any(terminator));
        }
        builder.build()
    }
}

fn property(key: &str, expected: &str) -> Error {
    Error::invalid(format!("the property `{key}` of the dialect must be {expected}"))
}
