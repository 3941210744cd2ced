//! Type inference for columns of text.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

/// Strings that stand for a missing value, besides the empty string.
const MISSING: &[&str] = &["NA", "N/A", "n/a", "#N/A", "NULL", "null", "None", "none", "-", "--", "."];

/// Text formats of typed values, most specific first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum CellType {
    Boolean,
    Integer,
    Number,
    /// A number with a decimal comma.
    CommaNumber,
    Date,
    /// `2024/12/31`
    SlashDate,
    /// `31.12.2024`
    DotDate,
    /// `31/12/2024`
    DayFirstDate,
    /// `12/31/2024`
    MonthFirstDate,
    /// ISO 8601 with `T`.
    DateTime,
    /// With a space instead of `T`, to the second.
    SpaceDateTime,
    /// With a space, and a fraction or a time zone.
    OtherDateTime,
    Time,
    /// A time to the minute.
    ShortTime,
}

const FORMS: &[CellType] = &[
    CellType::Boolean,
    CellType::Integer,
    CellType::Number,
    CellType::CommaNumber,
    CellType::Date,
    CellType::SlashDate,
    CellType::DotDate,
    CellType::DayFirstDate,
    CellType::MonthFirstDate,
    CellType::DateTime,
    CellType::SpaceDateTime,
    CellType::OtherDateTime,
    CellType::Time,
    CellType::ShortTime,
];

/// The values of a column examined so far.
#[derive(Debug, Clone)]
pub(super) struct Column {
    forms: Vec<CellType>,
    /// True if any value was not missing.
    has_values: bool,
    only_years: bool,
    /// The missing-value strings that occurred.
    pub(super) missing: BTreeSet<&'static str>,
}

impl Column {
    pub(super) fn new() -> Self {
        Self { forms: FORMS.to_vec(), has_values: false, only_years: true, missing: BTreeSet::new() }
    }

    /// Examines the text of one cell.
    pub(super) fn see(&mut self, text: &str) {
        if text.is_empty() {
            return;
        }
        if let Some(missing) = MISSING.iter().find(|missing| **missing == text) {
            self.missing.insert(missing);
            return;
        }
        self.has_values = true;
        self.only_years &= is_year(text);
        self.forms.retain(|form| form.fits(text));
    }

    /// Examines a value that is known to be a string, such as a JSON string: only dates and times, which are
    /// written as strings there, are recognised.
    pub(super) fn see_text(&mut self, text: &str) {
        self.has_values = true;
        self.forms.retain(|form| !form.is_plain() && form.fits(text));
    }

    /// Returns true if the values have no type other than text.
    pub(super) fn is_text(&self) -> bool {
        self.form().is_none()
    }

    /// Returns true if all values are missing.
    pub(super) fn is_blank(&self) -> bool {
        !self.has_values
    }

    /// Returns true if every value is a year from 1500 to 2199.
    pub(super) fn has_only_years(&self) -> bool {
        self.has_values && self.only_years
    }

    /// Returns true if `text` is a value of this column's type, if that is not text.
    pub(super) fn admits(&self, text: &str) -> bool {
        self.form().is_some_and(|form| form.fits(text))
    }

    fn form(&self) -> Option<CellType> {
        let form = self.has_values.then(|| self.forms.first().copied()).flatten()?;
        // 3/4/2024 is ambiguous (March or April), so it is not treated as a date.
        let is_open = form == CellType::DayFirstDate && self.forms.contains(&CellType::MonthFirstDate);
        (!is_open).then_some(form)
    }

    /// Adds the properties of the field: `type`, and what is needed to parse it.
    pub(super) fn describe(&self, field: &mut Map<String, Value>) {
        let Some(form) = self.form() else {
            field.insert("type".to_owned(), "string".into());
            return;
        };
        let (name, format) = form.describe();
        field.insert("type".to_owned(), name.into());
        if let Some(format) = format {
            field.insert("format".to_owned(), format.into());
        }
        if form == CellType::CommaNumber {
            field.insert("decimalChar".to_owned(), json!(","));
        }
    }
}

impl CellType {
    fn describe(self) -> (&'static str, Option<&'static str>) {
        match self {
            Self::Boolean => ("boolean", None),
            Self::Integer => ("integer", None),
            Self::Number | Self::CommaNumber => ("number", None),
            Self::Date => ("date", None),
            Self::SlashDate => ("date", Some("%Y/%m/%d")),
            Self::DotDate => ("date", Some("%d.%m.%Y")),
            Self::DayFirstDate => ("date", Some("%d/%m/%Y")),
            Self::MonthFirstDate => ("date", Some("%m/%d/%Y")),
            Self::DateTime => ("datetime", None),
            Self::SpaceDateTime => ("datetime", Some("%Y-%m-%d %H:%M:%S")),
            Self::OtherDateTime => ("datetime", Some("any")),
            Self::Time => ("time", None),
            Self::ShortTime => ("time", Some("%H:%M")),
        }
    }

    /// Returns true if JSON has a notation of its own for this format.
    fn is_plain(self) -> bool {
        matches!(self, Self::Boolean | Self::Integer | Self::Number | Self::CommaNumber)
    }

    fn fits(self, text: &str) -> bool {
        match self {
            Self::Boolean => ["true", "false", "True", "False", "TRUE", "FALSE"].contains(&text),
            Self::Integer => is_integer(text),
            Self::Number => is_number(text, '.'),
            Self::CommaNumber => is_number(text, ','),
            Self::Date => date(text, '-', [2, 1, 0]),
            Self::SlashDate => date(text, '/', [2, 1, 0]),
            Self::DotDate => date(text, '.', [0, 1, 2]),
            Self::DayFirstDate => date(text, '/', [0, 1, 2]),
            Self::MonthFirstDate => date(text, '/', [1, 0, 2]),
            Self::DateTime => date_time(text, 'T', true),
            Self::SpaceDateTime => date_time(text, ' ', false),
            Self::OtherDateTime => date_time(text, ' ', true),
            Self::Time => time(text, true),
            Self::ShortTime => time(text, false),
        }
    }
}

/// Returns true if the text is a year from 1500 to 2199.
pub(super) fn is_year(text: &str) -> bool {
    text.len() == 4 && text.parse::<u16>().is_ok_and(|year| (1500..2200).contains(&year))
}

/// Returns true if the text consists of digits and is not empty.
fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Returns true for an integer as a program would write it. Leading zeros, plus signs and more than 38 digits
/// are rejected, since the postcode 01067 or a telephone number would be damaged by conversion to a number.
fn is_integer(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    is_digits(digits) && digits.len() <= 38 && (digits.len() == 1 || !digits.starts_with('0'))
}

fn is_number(text: &str, point: char) -> bool {
    if point == '.' && ["NaN", "INF", "-INF"].contains(&text) {
        return true;
    }
    let (mantissa, exponent) = text.split_once(['e', 'E']).map_or((text, None), |(one, other)| (one, Some(other)));
    let is_exponent = |text: &str| is_digits(text.strip_prefix(['-', '+']).unwrap_or(text)) && text.len() <= 5;
    if exponent.is_some_and(|exponent| !is_exponent(exponent)) {
        return false;
    }
    let Some((whole, fraction)) = mantissa.split_once(point) else { return is_integer(mantissa) };
    let is_whole = is_integer(whole) || ["", "-"].contains(&whole);
    is_whole && is_digits(fraction)
}

/// Returns true for a calendar date in three parts; `order` gives the positions of day, month and year.
fn date(text: &str, separator: char, order: [usize; 3]) -> bool {
    let mut parts = text.split(separator);
    let (Some(one), Some(two), Some(three), None) = (parts.next(), parts.next(), parts.next(), parts.next()) else {
        return false;
    };
    let parts = [one, two, three];
    let part = |index: usize, length: usize| {
        let text = parts[order[index]];
        (text.len() == length && is_digits(text)).then(|| text.parse::<u32>().ok()).flatten()
    };
    let (Some(day), Some(month), Some(year)) = (part(0, 2), part(1, 2), part(2, 4)) else { return false };
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        2 if is_leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => 0,
    };
    (1..=days).contains(&day)
}

/// Returns true for `hh:mm` and, with `to_seconds`, `hh:mm:ss`.
fn time(text: &str, to_seconds: bool) -> bool {
    let limits: &[u32] = if to_seconds { &[24, 60, 61] } else { &[24, 60] };
    let mut parts = text.split(':');
    let fits = |limit: &u32| {
        parts.next().is_some_and(|part| {
            part.len() == 2 && is_digits(part) && part.parse::<u32>().is_ok_and(|number| number < *limit)
        })
    };
    limits.iter().all(fits) && parts.next().is_none()
}

/// Returns true for a date and time to the second; with `more`, a fraction and a time zone may follow.
fn date_time(text: &str, separator: char, more: bool) -> bool {
    let Some((day, clock)) = text.split_once(separator) else { return false };
    if !date(day, '-', [2, 1, 0]) {
        return false;
    }
    let Some((seconds, rest)) = clock.split_at_checked(8) else { return false };
    if !time(seconds, true) {
        return false;
    }
    if !more {
        return rest.is_empty();
    }
    let zone = match rest.strip_prefix('.') {
        None => rest,
        Some(fraction) => {
            let zone = fraction.trim_start_matches(|letter: char| letter.is_ascii_digit());
            if zone.len() == fraction.len() {
                return false;
            }
            zone
        }
    };
    match zone.strip_prefix(['+', '-']) {
        None => ["", "Z"].contains(&zone),
        Some(offset) => time(offset, false) || (offset.len() == 4 && is_digits(offset)),
    }
}
