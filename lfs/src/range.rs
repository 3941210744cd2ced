//! Byte ranges, conditional requests and filenames of downloads.
//!
//! Pure functions over header values: RFC 9110 §13 (conditional requests) and §14 (range requests), RFC 6266
//! (`Content-Disposition`).

use std::ops::Range;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::Oid;

/// Header values of a GET or HEAD request that determine what is sent.
#[derive(Clone, Copy, Debug, Default)]
pub struct Conditions<'a> {
    /// `Range`.
    pub range: Option<&'a str>,
    /// `If-Range`.
    pub if_range: Option<&'a str>,
    /// `If-None-Match`.
    pub if_none_match: Option<&'a str>,
}

/// The response to a download request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// 200 with the whole object.
    Full,
    /// 206 with these bytes (never empty) and `Content-Range: bytes {start}-{end - 1}/{size}`.
    Partial(Range<u64>),
    /// 304 without a body.
    NotModified,
    /// 416 with `Content-Range: bytes */{size}`.
    Unsatisfiable,
}

/// Returns the strong entity tag of an object: its oid in quotes.
pub fn etag(oid: &Oid) -> String {
    format!("\"{oid}\"")
}

/// Evaluates the preconditions and the range in the order of RFC 9110 §13.2.2.
///
/// A single byte range is supported, in the forms `a-b`, `a-` and `-n`. Several ranges, other units and invalid
/// syntax are ignored, as §14.2 allows: the whole object is sent. The same applies to an empty object, which has
/// no satisfiable range. `If-Range` is matched only against the strong tag: objects have no modification date.
pub fn evaluate(oid: &Oid, size: u64, conditions: &Conditions<'_>) -> Answer {
    evaluate_tagged(&oid.to_string(), size, conditions)
}

/// Evaluates a request for anything else that has a strong entity tag, given without its quotes.
pub fn evaluate_tagged(tag: &str, size: u64, conditions: &Conditions<'_>) -> Answer {
    if conditions.if_none_match.is_some_and(|tags| any_tag_is(tags, tag)) {
        return Answer::NotModified;
    }
    if conditions.if_range.is_some_and(|asked| asked.trim() != format!("\"{tag}\"")) {
        return Answer::Full;
    }
    match conditions.range.and_then(single_range) {
        None => Answer::Full,
        Some(_) if size == 0 => Answer::Full,
        Some(Wanted::From(first, last)) if first < size => {
            Answer::Partial(first..last.map_or(size, |last| last.saturating_add(1).min(size)))
        }
        Some(Wanted::Last(length)) if length > 0 => Answer::Partial(size.saturating_sub(length)..size),
        Some(_) => Answer::Unsatisfiable,
    }
}

/// A parsed byte range.
enum Wanted {
    /// From the first byte to the last one, inclusive, or to the end.
    From(u64, Option<u64>),
    /// The last bytes, by number.
    Last(u64),
}

/// Returns the only range of the header; `None` for several, for other units and for invalid syntax.
fn single_range(header: &str) -> Option<Wanted> {
    let (unit, set) = header.split_once('=')?;
    if !unit.trim().eq_ignore_ascii_case("bytes") {
        return None;
    }
    // A list may contain empty elements (RFC 9110 §5.6.1.2).
    let mut ranges = set.split(',').map(|range| range.trim_matches([' ', '\t']));
    let mut ranges = ranges.by_ref().filter(|range| !range.is_empty());
    let (first, last) = ranges.next()?.split_once('-')?;
    if ranges.next().is_some() {
        return None;
    }
    match (first, last) {
        ("", length) => Some(Wanted::Last(number(length)?)),
        (first, "") => Some(Wanted::From(number(first)?, None)),
        (first, last) => {
            let (first, last) = (number(first)?, number(last)?);
            (first <= last).then_some(Wanted::From(first, Some(last)))
        }
    }
}

/// Parses digits only. An overflow is treated as the maximum, because no object is that long.
fn number(digits: &str) -> Option<u64> {
    let valid = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    valid.then(|| digits.parse().unwrap_or(u64::MAX))
}

/// Returns true if `If-None-Match` contains this tag, by weak comparison (RFC 9110 §8.8.3.2). Parsing stops at
/// the first element that is not an entity tag.
fn any_tag_is(header: &str, wanted: &str) -> bool {
    if header.trim() == "*" {
        return true;
    }
    let mut rest = header;
    loop {
        rest = rest.trim_start_matches([' ', '\t', ',']);
        rest = rest.strip_prefix("W/").unwrap_or(rest);
        let Some((tag, after)) = rest.strip_prefix('"').and_then(|rest| rest.split_once('"')) else {
            return false;
        };
        if tag == wanted {
            return true;
        }
        rest = after;
    }
}

/// Maximum length of a filename in characters; longer ones are truncated.
const MAX_NAME: usize = 200;

/// All but attr-char (RFC 8187 §3.2.1).
const NO_ATTR_CHAR: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'!')
    .remove(b'#')
    .remove(b'$')
    .remove(b'&')
    .remove(b'+')
    .remove(b'-')
    .remove(b'.')
    .remove(b'^')
    .remove(b'_')
    .remove(b'`')
    .remove(b'|')
    .remove(b'~');

/// Returns the value of `Content-Disposition` for an untrusted filename.
///
/// The name is given twice: as plain ASCII for old clients, and exactly in UTF-8 (RFC 8187). Path separators,
/// control characters and bidirectional formatting characters become `_`, a name that is too long is truncated,
/// and a name of dots and spaces only is left out. The value contains only visible ASCII and spaces, so it cannot
/// inject another header.
pub fn content_disposition(filename: &str, inline: bool) -> String {
    let mut value = String::from(if inline { "inline" } else { "attachment" });
    let name: String = filename.chars().take(MAX_NAME).map(harmless).collect();
    let name = name.trim();
    if name.trim_matches(['.', ' ']).is_empty() {
        return value;
    }
    value.push_str("; filename=\"");
    // The percent sign is replaced too: some clients decode it here (RFC 6266 appendix D).
    value.extend(name.chars().map(|c| match c {
        '"' | '\\' | '%' => '_',
        ' '..='~' => c,
        _ => '_',
    }));
    value.push_str("\"; filename*=UTF-8''");
    value.extend(utf8_percent_encode(name, NO_ATTR_CHAR));
    value
}

fn harmless(c: char) -> char {
    let separates = matches!(c, '/' | '\\');
    let turns = matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    if separates || turns || c.is_control() { '_' } else { c }
}

#[cfg(test)]
mod tests;
