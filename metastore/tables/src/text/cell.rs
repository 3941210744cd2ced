//! Conversion of cells of text to the type of their column (Table Schema § Field Types).

mod moment;

use std::borrow::Cow;

use arrow::datatypes::{DataType, TimeUnit};
use serde_json::{Map, Value};

pub(crate) use self::moment::{Moment, Pattern};
use crate::error::{Error, Result};

/// How the cells of a column are converted.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct CellRules {
    pub(crate) kind: Kind,
    /// Texts that stand for a missing value.
    missing: Vec<String>,
    decimal: char,
    group: Option<String>,
    /// False if a number may have other characters around it: `95%`.
    is_bare: bool,
    true_values: Vec<String>,
    false_values: Vec<String>,
    skips_space: bool,
}

/// The type of a column.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Kind {
    Integer,
    Number,
    Boolean,
    Moment(Moment, Pattern),
    Year,
    /// Any other type, as it is in the file.
    Text,
    /// JSON of any type, as text; only in JSON lines.
    Json,
    /// JSON of a known type; only in JSON lines.
    Nested(DataType),
}

impl CellRules {
    /// Creates the rules for a field of a Table Schema; `missing` applies unless the field has its own.
    ///
    /// # Errors
    /// Invalid for a property of the wrong type.
    pub(crate) fn of(field: &Map<String, Value>, missing: &[String], is_json: bool) -> Result<Self> {
        let name = field.get("name").and_then(Value::as_str).unwrap_or_default();
        let wrong = |key: &str, expected: &str| {
            Error::invalid(format!("the property `{key}` of the field {name:?} in the schema must be {expected}"))
        };
        let present = |key: &str| field.get(key).filter(|value| !value.is_null());
        let text = |key: &str| match present(key) {
            None => Ok(None),
            Some(value) => value.as_str().map(Some).ok_or_else(|| wrong(key, "a string")),
        };
        let list = |key: &str, default: [&str; 4]| match present(key) {
            None => Ok(default.map(str::to_owned).to_vec()),
            Some(value) => texts(value).ok_or_else(|| wrong(key, "a list of strings")),
        };
        let mut decimal = text("decimalChar")?.unwrap_or(".").chars();
        let (Some(decimal), None) = (decimal.next(), decimal.next()) else {
            return Err(wrong("decimalChar", "one character"));
        };
        let format = text("format")?.filter(|format| *format != "default");
        let pattern = Pattern::of(format);
        let kind = match text("type")?.unwrap_or("any") {
            "integer" => Kind::Integer,
            "number" => Kind::Number,
            "boolean" => Kind::Boolean,
            "date" => Kind::Moment(Moment::Date, pattern),
            "datetime" => Kind::Moment(Moment::Datetime, pattern),
            "time" => Kind::Moment(Moment::Time, pattern),
            "year" => Kind::Year,
            "any" | "object" | "array" | "list" | "geojson" | "geopoint" if is_json => Kind::Json,
            _ => Kind::Text,
        };
        Ok(Self {
            kind,
            missing: match present("missingValues") {
                None => missing.to_vec(),
                Some(value) => texts(value).ok_or_else(|| wrong("missingValues", "a list of strings"))?,
            },
            decimal,
            group: text("groupChar")?.filter(|group| !group.is_empty()).map(str::to_owned),
            is_bare: present("bareNumber").and_then(Value::as_bool).unwrap_or(true),
            true_values: list("trueValues", ["true", "True", "TRUE", "1"])?,
            false_values: list("falseValues", ["false", "False", "FALSE", "0"])?,
            skips_space: false,
        })
    }

    /// Creates the rules for cells that follow a space.
    #[must_use]
    pub(crate) fn skipping_space(self, skips_space: bool) -> Self {
        Self { skips_space, ..self }
    }

    /// Adds a text that stands for a missing value.
    pub(crate) fn add_missing(&mut self, text: &str) {
        self.missing.push(text.to_owned());
    }

    /// Returns the Arrow type of the column.
    pub(crate) fn data_type(&self) -> DataType {
        match &self.kind {
            Kind::Integer => DataType::Int64,
            Kind::Number => DataType::Float64,
            Kind::Boolean => DataType::Boolean,
            Kind::Moment(Moment::Date, _) => DataType::Date32,
            Kind::Moment(Moment::Datetime, _) => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
            Kind::Moment(Moment::Time, _) => DataType::Time64(TimeUnit::Microsecond),
            Kind::Year => DataType::Int32,
            Kind::Text | Kind::Json => DataType::Utf8,
            Kind::Nested(data_type) => data_type.clone(),
        }
    }

    /// Returns the text of a cell; `None` if it stands for a missing value. Only strings may be empty.
    pub(crate) fn text<'c>(&self, cell: &'c str) -> Option<&'c str> {
        let cell = if self.skips_space { cell.trim_start_matches(' ') } else { cell };
        let is_missing =
            cell.is_empty() && self.kind != Kind::Text || self.missing.iter().any(|missing| missing == cell);
        (!is_missing).then_some(cell)
    }

    /// Parses an integer.
    pub(crate) fn integer(&self, text: &str) -> Option<i64> {
        if self.group.is_none() && self.is_bare {
            return text.parse().ok();
        }
        self.digits(text, |c| c.is_ascii_digit()).parse().ok()
    }

    /// Parses a number.
    pub(crate) fn number(&self, text: &str) -> Option<f64> {
        if self.group.is_none() && self.is_bare && self.decimal == '.' {
            return number(text);
        }
        let text = self.digits(text, |c| c.is_ascii_digit() || c == self.decimal);
        if self.decimal == '.' {
            return number(&text);
        }
        // With another decimal mark, a point is no part of a number.
        if text.contains('.') {
            return None;
        }
        number(&text.replace(self.decimal, "."))
    }

    /// Parses a boolean.
    pub(crate) fn boolean(&self, text: &str) -> Option<bool> {
        if self.true_values.iter().any(|value| value == text) {
            return Some(true);
        }
        self.false_values.iter().any(|value| value == text).then_some(false)
    }

    /// Returns the digits of a number without group marks, and without what surrounds them if that is allowed.
    fn digits<'t>(&self, text: &'t str, is_part: impl Fn(char) -> bool) -> Cow<'t, str> {
        let mut text = Cow::Borrowed(text);
        if let Some(group) = self.group.as_ref().filter(|group| text.contains(*group)) {
            text = Cow::Owned(text.replace(group, ""));
        }
        if self.is_bare || ["NaN", "INF", "-INF"].contains(&&*text) {
            return text;
        }
        let Some(first) = text.find(&is_part) else { return text };
        let end = text
            .rfind(&is_part)
            .map_or(text.len(), |last| last + text[last..].chars().next().map_or(1, char::len_utf8));
        let sign = text[..first].trim_end().ends_with('-') || text[..first].starts_with('-');
        Cow::Owned(format!("{}{}", if sign { "-" } else { "" }, &text[first..end]))
    }
}

/// Parses a number as XML Schema defines it: with `NaN`, `INF` and `-INF`.
fn number(text: &str) -> Option<f64> {
    match text.as_bytes().first()? {
        b'0'..=b'9' | b'.' => text.parse().ok(),
        b'-' | b'+' if text.as_bytes().get(1).is_some_and(|byte| byte.is_ascii_digit() || *byte == b'.') => {
            text.parse().ok()
        }
        _ => match text {
            "NaN" => Some(f64::NAN),
            "INF" => Some(f64::INFINITY),
            "-INF" => Some(f64::NEG_INFINITY),
            _ => None,
        },
    }
    .filter(|number: &f64| number.is_finite() || text.ends_with(['N', 'F']))
}

/// Parses a year.
pub(crate) fn year(text: &str) -> Option<i32> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    (digits.len() >= 4 && digits.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.parse().ok()).flatten()
}

/// Returns missing values, or values of booleans: strings, or objects with a `value`.
pub(crate) fn texts(list: &Value) -> Option<Vec<String>> {
    let text = |value: &Value| value.as_str().or_else(|| value.get("value")?.as_str()).map(str::to_owned);
    list.as_array()?.iter().map(text).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn rules(field: &Value) -> CellRules {
        CellRules::of(field.as_object().unwrap(), &[String::new()], false).unwrap()
    }

    #[test]
    fn numbers_follow_their_field() {
        let plain = rules(&json!({"type": "number"}));
        for (text, expected) in [("1", 1.0), ("-2.5e3", -2500.0), (".5", 0.5), ("+1", 1.0), ("INF", f64::INFINITY)] {
            assert_eq!(plain.number(text), Some(expected), "{text}");
        }
        assert!(plain.number("NaN").unwrap().is_nan());
        for text in ["", "x", "1,5", "inf", "nan", "infinity", "1e999", "--1", "-", "1 "] {
            assert_eq!(plain.number(text), None, "{text}");
        }
        let german = rules(&json!({"type": "number", "decimalChar": ",", "groupChar": "."}));
        assert_eq!(german.number("1.234.567,5"), Some(1_234_567.5));
        assert_eq!(rules(&json!({"type": "number", "decimalChar": ","})).number("1.5"), None);
        let price = rules(&json!({"type": "number", "bareNumber": false, "groupChar": ","}));
        for (text, expected) in [("€1,000.5", 1000.5), ("95%", 95.0), ("-$3", -3.0), ("USD -3", -3.0), ("7 €", 7.0)]
        {
            assert_eq!(price.number(text), Some(expected), "{text}");
        }
        assert_eq!(price.number("none"), None);
    }

    #[test]
    fn integers_and_booleans_follow_their_field() {
        let plain = rules(&json!({"type": "integer"}));
        assert_eq!((plain.integer("-9223372036854775808"), plain.integer("1.0")), (Some(i64::MIN), None));
        let grouped = rules(&json!({"type": "integer", "groupChar": " ", "bareNumber": false}));
        assert_eq!((grouped.integer("1 000 m"), grouped.integer("-5%")), (Some(1000), Some(-5)));
        let plain = rules(&json!({"type": "boolean"}));
        assert_eq!(["TRUE", "0", "yes"].map(|text| plain.boolean(text)), [Some(true), Some(false), None]);
        let own = rules(&json!({"type": "boolean", "trueValues": ["yes"], "falseValues": ["no"]}));
        assert_eq!(["yes", "no", "true"].map(|text| own.boolean(text)), [Some(true), Some(false), None]);
        assert_eq!(["2024", "-0044", "99", "20x4"].map(year), [Some(2024), Some(-44), None, None]);
    }

    #[test]
    fn missing_values_follow_field_then_schema() {
        assert_eq!(rules(&json!({"type": "string"})).text(""), None);
        assert_eq!(rules(&json!({"type": "string", "missingValues": ["NA"]})).text(""), Some(""));
        assert_eq!(rules(&json!({"type": "integer", "missingValues": ["NA"]})).text(""), None);
        let labelled = rules(&json!({"type": "string", "missingValues": [{"value": "-9", "label": "refused"}]}));
        assert_eq!((labelled.text("-9"), labelled.text("9")), (None, Some("9")));
        assert_eq!(rules(&json!({"type": "string"})).skipping_space(true).text("  a "), Some("a "));
    }

    #[test]
    fn malformed_fields_are_refused() {
        for field in [
            json!({"type": 5}),
            json!({"decimalChar": ",,"}),
            json!({"decimalChar": ""}),
            json!({"missingValues": "NA"}),
            json!({"trueValues": [1]}),
        ] {
            assert!(CellRules::of(field.as_object().unwrap(), &[], false).is_err(), "{field}");
        }
    }

    proptest! {
        #[test]
        fn written_numbers_are_read(number: f64, integer: i64) {
            prop_assume!(number.is_finite());
            prop_assert_eq!(rules(&json!({"type": "number"})).number(&format!("{number:?}")), Some(number));
            prop_assert_eq!(rules(&json!({"type": "integer"})).integer(&integer.to_string()), Some(integer));
        }

        #[test]
        fn no_text_upsets_the_parsers(text in "\\PC{0,12}|[-+0-9.,eE€ ]{0,8}") {
            for field in [
                json!({"type": "number"}),
                json!({"type": "number", "decimalChar": ",", "groupChar": ".", "bareNumber": false}),
            ] {
                let rules = rules(&field);
                let _ = (rules.number(&text), rules.integer(&text), rules.boolean(&text), year(&text));
            }
        }
    }
}
