//! Sizes and durations with units: `64MiB`, `10GB`, `90s`, `3d`. A plain number is in bytes or seconds, or in days if the
//! name of the key says so.

use std::fmt;
use std::marker::PhantomData;
use std::time::Duration;

use bytesize::ByteSize;
use jiff::{Span, SpanRelativeTo};
use serde::Deserializer;
use serde::de::{Error, Unexpected, Visitor};

/// Seconds per day.
const DAY: u64 = 86_400;

/// Parses a duration, such as `15m`, `12h`, `30d` or `1h 30m`. Returns `None` if it is invalid or negative. A day has 24
/// hours.
pub fn duration(text: &str) -> Option<Duration> {
    let span: Span = text.trim().parse().ok()?;
    let duration = span.to_duration(SpanRelativeTo::days_are_24_hours()).ok()?;
    Duration::try_from(duration).ok()
}

/// Deserializes a size in bytes.
pub(super) fn size<'de, D: Deserializer<'de>, T: TryFrom<u64>>(from: D) -> Result<T, D::Error> {
    let read = |text: &str| text.trim().parse().ok().map(|ByteSize(bytes)| bytes);
    from.deserialize_any(Amount::new("a size such as 64MiB or 10GB, or a number of bytes", read))
}

/// Deserializes an optional size in bytes.
pub(super) fn optional_size<'de, D: Deserializer<'de>, T: TryFrom<u64>>(from: D) -> Result<Option<T>, D::Error> {
    size(from).map(Some)
}

/// Deserializes a duration in whole seconds.
pub(super) fn seconds<'de, D: Deserializer<'de>, T: TryFrom<u64>>(from: D) -> Result<T, D::Error> {
    let read = |text: &str| whole(text, 1);
    from.deserialize_any(Amount::new(
        "a duration in whole seconds such as 90s, 12h or 3d, or a number of seconds",
        read,
    ))
}

/// Deserializes a duration in whole days.
pub(super) fn days<'de, D: Deserializer<'de>, T: TryFrom<u64>>(from: D) -> Result<T, D::Error> {
    let read = |text: &str| whole(text, DAY);
    from.deserialize_any(Amount::new("a duration in whole days such as 30d or 2w, or a number of days", read))
}

fn whole(text: &str, unit: u64) -> Option<u64> {
    if let Ok(number) = text.trim().parse() {
        return Some(number);
    }
    let duration = duration(text)?;
    let is_whole = duration.subsec_nanos() == 0 && duration.as_secs().is_multiple_of(unit);
    is_whole.then_some(duration.as_secs() / unit)
}

/// Visitor for a number, or a string with a unit.
struct Amount<T, F> {
    expected: &'static str,
    read: F,
    number: PhantomData<T>,
}

impl<T: TryFrom<u64>, F: Fn(&str) -> Option<u64>> Amount<T, F> {
    fn new(expected: &'static str, read: F) -> Self {
        Self { expected, read, number: PhantomData }
    }
}

impl<T: TryFrom<u64>, F: Fn(&str) -> Option<u64>> Visitor<'_> for Amount<T, F> {
    type Value = T;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.expected)
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<T, E> {
        T::try_from(number).map_err(|_| E::invalid_value(Unexpected::Unsigned(number), &self))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<T, E> {
        let unsigned = u64::try_from(number).ok().and_then(|number| T::try_from(number).ok());
        unsigned.ok_or_else(|| E::invalid_value(Unexpected::Signed(number), &self))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        let number = (self.read)(text).and_then(|number| T::try_from(number).ok());
        number.ok_or_else(|| E::invalid_value(Unexpected::Str(text), &self))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_units() {
        for (text, seconds) in
            [("90s", 90), ("15m", 900), ("12h", 43_200), ("3d", 3 * DAY), ("2w", 14 * DAY), ("1h 30m", 5400)]
        {
            assert_eq!(duration(text), Some(Duration::from_secs(seconds)), "{text}");
        }
        for bad in ["", "d", "30", "-1d", "1 month", "3y", "99999999999999999999d", "three days"] {
            assert_eq!(duration(bad), None, "{bad}");
        }
        assert_eq!((whole("36h", DAY), whole("48h", DAY), whole("7", DAY)), (None, Some(2), Some(7)));
        assert_eq!((whole("500ms", 1), whole("2000ms", 1)), (None, Some(2)));
    }
}
