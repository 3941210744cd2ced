//! Points in time.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::Error;

/// A point in time, in milliseconds since the Unix epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, sqlx_macros::Type)]
#[serde(transparent)]
#[sqlx(transparent)]
pub struct Millis(pub i64);

impl Millis {
    /// Later than any time.
    pub const MAX: Self = Self(i64::MAX);

    /// Creates a time from seconds since the Unix epoch.
    pub fn from_seconds(seconds: u64) -> Self {
        Self(0).plus(std::time::Duration::from_secs(seconds))
    }

    /// Returns the whole seconds since the Unix epoch.
    pub fn seconds(self) -> u64 {
        u64::try_from(self.0 / 1000).unwrap_or(0)
    }

    /// Returns this time plus a duration.
    #[must_use]
    pub fn plus(self, span: std::time::Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(span.as_millis()).unwrap_or(i64::MAX)))
    }

    /// Returns this time minus a duration.
    #[must_use]
    pub fn minus(self, span: std::time::Duration) -> Self {
        Self(self.0.saturating_sub(i64::try_from(span.as_millis()).unwrap_or(i64::MAX)))
    }

    /// Formats the time as RFC 3339 in UTC with second precision, as in LFS and our API.
    pub fn rfc3339(self) -> String {
        let moment = jiff::Timestamp::from_second(self.0.div_euclid(1000)).unwrap_or(jiff::Timestamp::MAX);
        moment.strftime("%FT%TZ").to_string()
    }

    /// Formats the time for people, in UTC: `31 January 2026, 12:00 UTC`.
    pub fn in_words(self) -> String {
        let moment = jiff::Timestamp::from_millisecond(self.0).unwrap_or(jiff::Timestamp::MAX);
        moment.strftime("%-d %B %Y, %H:%M UTC").to_string()
    }
}

impl FromStr for Millis {
    type Err = Error;

    /// Parses a day (midnight in UTC), or a time with its zone (RFC 3339).
    fn from_str(text: &str) -> Result<Self, Error> {
        let whole = text.parse::<jiff::Timestamp>().ok().map(jiff::Timestamp::as_millisecond);
        let day = || text.parse::<jiff::civil::Date>().ok()?.to_zoned(jiff::tz::TimeZone::UTC).ok();
        // Without this check, a time without a zone would be parsed as its day.
        let is_day = text.len() == "2026-01-31".len();
        let millis = whole.or_else(|| is_day.then(day).flatten().map(|day| day.timestamp().as_millisecond()));
        millis.map(Self).ok_or_else(|| {
            Error::invalid(format!("`{}` is not a date: use 2026-01-31 or 2026-01-31T12:00:00Z", text.escape_debug()))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_print_as_rfc_3339() {
        assert_eq!(Millis(0).rfc3339(), "1970-01-01T00:00:00Z");
        assert_eq!(Millis(951_782_400_000).rfc3339(), "2000-02-29T00:00:00Z");
        assert_eq!(Millis(1_793_491_199_999).rfc3339(), "2026-10-31T23:59:59Z");
    }

    #[test]
    fn dates_are_days_or_moments() {
        assert_eq!("1970-01-02".parse::<Millis>().ok(), Some(Millis(86_400_000)));
        assert_eq!("1970-01-01T01:00:01+01:00".parse::<Millis>().ok(), Some(Millis(1000)));
        for no in ["", "yesterday", "2026-13-01", "2026-01-01T00:00:00", "99999999-01-01"] {
            assert!(no.parse::<Millis>().is_err(), "{no}");
        }
    }
}
