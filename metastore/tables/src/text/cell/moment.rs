//! Dates, times and both, in ISO 8601 or with a format of `strptime`.

use jiff::civil::{Date, DateTime, Time, date};
use jiff::fmt::strtime;
use jiff::tz::Offset;

/// What a text tells of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Moment {
    Date,
    Datetime,
    Time,
}

/// How it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Pattern {
    /// ISO 8601.
    Default,
    /// ISO 8601, with a space or a `T`.
    Any,
    /// A format of `strptime`.
    Format(String),
}

/// The days of 1970-01-01 in the calendar of civil days.
const EPOCH: Date = date(1970, 1, 1);

impl Pattern {
    /// Returns the pattern for the `format` of a field.
    pub(crate) fn of(format: Option<&str>) -> Self {
        match format {
            None => Self::Default,
            Some("any") => Self::Any,
            Some(format) => Self::Format(format.strip_prefix("fmt:").unwrap_or(format).to_owned()),
        }
    }

    /// Parses a date; returns the days since 1970.
    pub(crate) fn date(&self, text: &str) -> Option<i32> {
        let date = match self {
            Self::Default | Self::Any => iso_date(text.as_bytes())?,
            Self::Format(format) => strtime::parse(format, text).ok()?.to_date().ok()?,
        };
        days(date)
    }

    /// Parses a date and time; returns the microseconds since 1970 in UTC, which is also assumed if no zone is given.
    pub(crate) fn datetime(&self, text: &str) -> Option<i64> {
        match self {
            Self::Default => iso_datetime(text, b"T"),
            Self::Any => iso_datetime(text, b"T "),
            Self::Format(format) => {
                let parsed = strtime::parse(format, text).ok()?;
                if let Ok(timestamp) = parsed.to_timestamp() {
                    return Some(timestamp.as_microsecond());
                }
                let datetime =
                    parsed.to_datetime().or_else(|_| parsed.to_date().map(|date| date.to_datetime(Time::midnight())));
                micros(datetime.ok()?)
            }
        }
    }

    /// Parses a time; returns the microseconds since midnight.
    pub(crate) fn time(&self, text: &str) -> Option<i64> {
        match self {
            Self::Default | Self::Any => {
                let (time, rest) = iso_time(text.as_bytes())?;
                rest.is_empty().then_some(time)
            }
            Self::Format(format) => {
                let time = strtime::parse(format, text).ok()?.to_time().ok()?;
                Some(of_day(time))
            }
        }
    }
}

fn of_day(time: Time) -> i64 {
    let seconds = (i64::from(time.hour()) * 60 + i64::from(time.minute())) * 60 + i64::from(time.second());
    seconds * 1_000_000 + i64::from(time.subsec_nanosecond()) / 1000
}

fn days(date: Date) -> Option<i32> {
    date.duration_since(EPOCH).as_secs().checked_div(86_400).and_then(|days| i32::try_from(days).ok())
}

fn micros(datetime: DateTime) -> Option<i64> {
    Some(i64::from(days(datetime.date())?) * 86_400_000_000 + of_day(datetime.time()))
}

/// Parses `2024-12-31`; years before 0 and after 9999 have a sign and six digits.
fn iso_date(text: &[u8]) -> Option<Date> {
    let (year, rest) = match text.first()? {
        sign @ (b'-' | b'+') => {
            let year = i16::try_from(digits(text.get(1..7)?)?).ok()?;
            (if *sign == b'-' { -year } else { year }, &text[7..])
        }
        _ => (i16::try_from(digits(text.get(..4)?)?).ok()?, &text[4..]),
    };
    let [b'-', month @ .., b'-', _, _] = rest else { return None };
    if month.len() != 2 {
        return None;
    }
    let [month, day] = [month, &rest[4..]].map(|part| digits(part).and_then(|number| i8::try_from(number).ok()));
    Date::new(year, month?, day?).ok()
}

/// Parses `23:59:59.999`, and returns what follows. Second 60, a leap second, is the next minute.
fn iso_time(text: &[u8]) -> Option<(i64, &[u8])> {
    let [h1, h2, b':', m1, m2, b':', s1, s2, rest @ ..] = text else { return None };
    let [hour, minute, second] = [[*h1, *h2], [*m1, *m2], [*s1, *s2]].map(|pair| digits(&pair));
    let (hour, minute, second) = (hour?, minute?, second?);
    if hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    // Of a leap second at the end of the day, there is no time of day.
    let micros = (((hour * 60 + minute) * 60 + second) * 1_000_000).min(86_399_999_999);
    let Some(fraction) = rest.strip_prefix(b".").or_else(|| rest.strip_prefix(b",")) else {
        return Some((micros, rest));
    };
    let length = fraction.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (fraction, rest) = fraction.split_at(length);
    let kept = digits(&fraction[..length.min(6)])?;
    let scale = 10_i64.pow(6 - u32::try_from(length.min(6)).ok()?);
    Some(((micros + kept * scale).min(86_399_999_999), rest))
}

fn iso_datetime(text: &str, separators: &[u8]) -> Option<i64> {
    let text = text.as_bytes();
    let place = text.iter().position(|byte| separators.contains(byte))?;
    let date = iso_date(&text[..place])?;
    let (time, zone) = iso_time(&text[place + 1..])?;
    let local = i64::from(days(date)?) * 86_400_000_000 + time;
    let offset = match zone {
        [] | b"Z" => return Some(local),
        [sign @ (b'+' | b'-'), h1, h2, b':', m1, m2] | [sign @ (b'+' | b'-'), h1, h2, m1, m2] => {
            let (hours, minutes) = (digits(&[*h1, *h2])?, digits(&[*m1, *m2])?);
            let seconds = i32::try_from((hours * 60 + minutes) * 60).ok().filter(|_| minutes < 60)?;
            Offset::from_seconds(if *sign == b'-' { -seconds } else { seconds }).ok()?
        }
        _ => return None,
    };
    Some(local - i64::from(offset.seconds()) * 1_000_000)
}

/// Parses at least one digit.
fn digits(text: &[u8]) -> Option<i64> {
    if text.is_empty() {
        return None;
    }
    text.iter().try_fold(0_i64, |number, byte| byte.is_ascii_digit().then(|| number * 10 + i64::from(byte - b'0')))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn texts_in_iso_8601() {
        let plain = Pattern::of(None);
        assert_eq!(plain.date("1970-01-02"), Some(1));
        assert_eq!(plain.date("1969-12-31"), Some(-1));
        assert_eq!(plain.date("2024-02-29"), Some(19_782));
        assert_eq!(plain.date("+002024-02-29"), Some(19_782));
        assert_eq!(plain.datetime("1970-01-01T00:00:01.5Z"), Some(1_500_000));
        assert_eq!(plain.datetime("1970-01-01T01:00:00+01:00"), Some(0));
        assert_eq!(plain.datetime("1970-01-01T01:00:00-0130"), Some(9_000_000_000));
        assert_eq!(plain.datetime("1970-01-01T00:00:00.123456789"), Some(123_456));
        assert_eq!(plain.time("00:00:00.000001"), Some(1));
        assert_eq!(plain.time("23:59:60"), Some(86_399_999_999));
        for text in
            ["", "2024-2-9", "2023-02-29", "2024-01-01T", "24-01-01", "2024-01-011", "2024-é1-01", "-2024-01-01"]
        {
            assert_eq!(plain.date(text), None, "{text}");
        }
        for text in
            ["2024-01-01", "2024-01-01 00:00:00", "2024-01-01T24:00:00", "2024-01-01T00:00:00+1", "2024-01-01T00:00"]
        {
            assert_eq!(plain.datetime(text), None, "{text}");
        }
        for text in ["", "1:00:00", "00:60:00", "00:00:00Z", "00:00:00.", "00:00:61"] {
            assert_eq!(plain.time(text), None, "{text}");
        }
    }

    #[test]
    fn texts_with_a_format() {
        let pattern = |format| Pattern::of(Some(format));
        assert_eq!(pattern("%d.%m.%Y").date("31.12.1970"), Some(364));
        assert_eq!(pattern("%m/%d/%Y").date("13/01/1970"), None);
        assert_eq!(pattern("%H:%M").time("01:30"), Some(5_400_000_000));
        assert_eq!(pattern("%Y-%m-%d %H:%M:%S").datetime("1970-01-01 00:00:02"), Some(2_000_000));
        assert_eq!(pattern("%Y-%m-%d %H:%M:%S%z").datetime("1970-01-01 01:00:00+0100"), Some(0));
        assert_eq!(pattern("any").datetime("1970-01-01 00:00:00.5+0000"), Some(500_000));
        assert_eq!(pattern("any").datetime("1970-01-01T00:00:00"), Some(0));
        assert_eq!(pattern("%d/%m/%Y").datetime("02/01/1970"), Some(86_400_000_000));
        assert_eq!(pattern("%").date("x"), None);
    }

    proptest! {
        #[test]
        fn what_was_written_is_read(days in -700_000_i32..2_900_000, of_day in 0_i64..86_400_000_000, zone in -1439_i32..1440) {
            let offset = Offset::from_seconds(zone * 60).unwrap();
            let micros = i64::from(days) * 86_400_000_000 + of_day;
            let timestamp = jiff::Timestamp::from_microsecond(micros).unwrap();
            let local = offset.to_datetime(timestamp);
            let plain = Pattern::of(None);
            prop_assume!((0..=9999).contains(&local.year()) && (0..=9999).contains(&Offset::UTC.to_datetime(timestamp).year()));
            let sign = if zone < 0 { '-' } else { '+' };
            let text = format!("{local}{sign}{:02}:{:02}", zone.abs() / 60, zone.abs() % 60);
            prop_assert_eq!(plain.datetime(&text), Some(micros), "{}", text);
            prop_assert_eq!(plain.datetime(&format!("{timestamp}")), Some(micros));
            let utc = Offset::UTC.to_datetime(timestamp);
            prop_assert_eq!(plain.date(&utc.date().to_string()), Some(days));
            prop_assert_eq!(plain.time(&utc.time().to_string()), Some(of_day));
        }

        #[test]
        fn no_text_upsets_the_parsers(text in "\\PC{0,20}|[-0-9T:.+Z ]{0,30}", format in "\\PC{0,10}|(%[a-zA-Z]){0,4}") {
            for pattern in [Pattern::Default, Pattern::Any, Pattern::Format(format)] {
                let _ = (pattern.date(&text), pattern.datetime(&text), pattern.time(&text));
            }
        }
    }
}
