//! Validation of text values in a package: paths and URLs, hashes, timestamps.

use crate::text::quoted;

/// The target of a `path`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Location {
    /// A URL.
    Url,
    /// A file of the dataset.
    File,
}

/// Parses a "URL or Path" of the standard (glossary): an `http`, `https`, `ftp` or `ftps` URL, or a relative
/// path that stays below the folder of the package and that the repository allows.
pub(crate) fn location(text: &str, is_path: fn(&str) -> bool) -> Result<Location, String> {
    let found = quoted(text);
    if text.is_empty() {
        return Err("the path is empty; expected a path or a URL".to_owned());
    }
    if let Some((scheme, rest)) = scheme(text) {
        let known = ["http", "https", "ftp", "ftps"].iter().any(|known| scheme.eq_ignore_ascii_case(known));
        if !known {
            return Err(format!("{found} has a URL scheme other than http, https or ftp"));
        }
        if rest.is_empty() || rest.starts_with(['/', '?', '#']) || text.contains(char::is_control) {
            return Err(format!("{found} is not a valid URL: expected one like \"https://example.com/data.csv\""));
        }
        return Ok(Location::Url);
    }
    let drive = text.as_bytes().get(1) == Some(&b':')
        && text.as_bytes()[0].is_ascii_alphabetic()
        && matches!(text.as_bytes().get(2), Some(b'/' | b'\\'));
    if text.starts_with(['/', '~']) || drive || text.get(..5).is_some_and(|head| head.eq_ignore_ascii_case("file:")) {
        return Err(format!("{found} is absolute; expected a path relative to datapackage.json"));
    }
    if text.split(['/', '\\']).any(|component| component == "..") {
        return Err(format!("{found} contains \"..\"; expected a path below the folder of datapackage.json"));
    }
    let why = if text.split('/').any(|component| component.is_empty() || component == ".") {
        "it contains an empty or \".\" component"
    } else if text.contains('\\') {
        "use \"/\" as separator, not a backslash"
    } else if !is_path(text) {
        "git cannot check it out on every system (too long, too deep, a control character, or a name like \".git\")"
    } else {
        return Ok(Location::File);
    };
    Err(format!("{found} is not a valid file path: {why}"))
}

/// Splits a text that starts like `scheme://` (RFC 3986, 3.1) into scheme and rest. For `http` and `https` a
/// single slash is enough, since joining paths collapses the slashes.
fn scheme(text: &str) -> Option<(&str, &str)> {
    let (scheme, rest) = text.split_once(':')?;
    let mut chars = scheme.chars();
    let formed =
        chars.next()?.is_ascii_alphabetic() && chars.all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'));
    let web = scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https");
    let rest = match rest.strip_prefix("//") {
        Some(rest) => rest,
        None if web && rest.starts_with('/') => "",
        None => return None,
    };
    formed.then_some((scheme, rest))
}

/// Returns a SHA-256 of 64 hexadecimal digits, in either case, in lower case.
pub(crate) fn digest(text: &str) -> Option<String> {
    let is_digest = text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_digest.then(|| text.to_ascii_lowercase())
}

/// Returns the digits of a `hash` with the prefix `sha256:`, without checking them.
pub(crate) fn named_sha256(hash: &str) -> Option<&str> {
    let (algorithm, digits) = hash.split_once(':')?;
    algorithm.eq_ignore_ascii_case("sha256").then_some(digits)
}

/// Checks a `hash`: `<algorithm>:<value>`, or a bare digest, which is MD5 according to the standard, but not
/// for many clients.
pub(crate) fn hash(text: &str) -> Result<(), String> {
    const LENGTHS: [(&str, usize); 6] =
        [("md5", 32), ("sha1", 40), ("sha224", 56), ("sha256", 64), ("sha384", 96), ("sha512", 128)];
    let is_hex = |text: &str| text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let Some((algorithm, value)) = text.split_once(':') else {
        let good = is_hex(text) && LENGTHS.iter().any(|(_, length)| *length == text.len());
        return if good {
            Ok(())
        } else {
            Err(format!(
                "{} is not a valid hash: expected \"sha256:<64 hexadecimal digits>\", or another algorithm and its digits",
                quoted(text)
            ))
        };
    };
    match LENGTHS.iter().find(|(known, _)| known.eq_ignore_ascii_case(algorithm)) {
        Some((known, length)) if value.len() != *length || !is_hex(value) => Err(format!(
            "{} is not a valid {known} hash: expected {length} hexadecimal digits after the colon",
            quoted(text)
        )),
        None if algorithm.is_empty() || value.is_empty() => {
            Err(format!("{} is not a valid hash: expected \"<algorithm>:<value>\"", quoted(text)))
        }
        _ => Ok(()),
    }
}

/// Returns true if a text is an RFC 3339 date-time (section 5.6).
pub(crate) fn is_instant(text: &str) -> bool {
    let Some((seconds, rest)) = text.split_at_checked(19) else { return false };
    let (fraction, offset) = match rest.strip_suffix(['Z', 'z']) {
        Some(fraction) => (fraction, "Z"),
        None => rest.len().checked_sub(6).and_then(|end| rest.split_at_checked(end)).unwrap_or_default(),
    };
    let at =
        |text: &str, index: usize, chars: &[u8]| text.as_bytes().get(index).is_some_and(|byte| chars.contains(byte));
    // The parser accepts more forms than RFC 3339; these positions rule them out.
    let shaped = at(seconds, 4, b"-") && at(seconds, 7, b"-") && at(seconds, 10, b"Tt ") && at(seconds, 13, b":");
    let shaped = shaped && at(seconds, 16, b":") && (offset == "Z" || at(offset, 0, b"+-") && at(offset, 3, b":"));
    // The parser accepts at most nine fractional digits. RFC 3339 allows more, and they do not affect validity.
    let fraction = fraction.is_empty()
        || fraction
            .strip_prefix('.')
            .is_some_and(|digits| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()));
    shaped && fraction && format!("{seconds}{offset}").parse::<jiff::Timestamp>().is_ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::check::tests::is_path;

    fn location(text: &str) -> Result<Location, String> {
        super::location(text, is_path)
    }

    #[test]
    fn urls_and_files_are_distinguished() {
        for url in ["http://a.example/x", "HTTPS://a.example", "ftp://a/b", "https://a/../b"] {
            assert_eq!(location(url), Ok(Location::Url), "{url}");
        }
        for file in [
            "a.csv",
            "data/a b.csv",
            "a:b.csv",
            "x/y#z?",
            "ünï.csv",
            "...",
            "a..b",
            "httpx",
            "http:a",
            "+ZT--Z--0-TZ T+Z+0Z",
        ] {
            assert_eq!(location(file), Ok(Location::File), "{file}");
        }
    }

    #[test]
    fn paths_that_leave_the_folder_are_refused() {
        for (bad, why) in [
            ("", "empty"),
            ("/etc/passwd", "absolute"),
            ("//host/share", "absolute"),
            ("~/a", "absolute"),
            ("C:/a", "absolute"),
            ("c:\\a", "absolute"),
            ("file:a", "absolute"),
            ("..", "\"..\""),
            ("../a", "\"..\""),
            ("a/..", "\"..\""),
            ("a/../b", "\"..\""),
            ("a\\..\\b", "\"..\""),
            ("s3://bucket/key", "http"),
            ("file:///etc/passwd", "http"),
            ("javascript://x", "http"),
            ("http://", "not a valid URL"),
            ("http:/a.example/x", "not a valid URL"),
            ("https://?", "not a valid URL"),
            ("./a", "component"),
            ("a//b", "component"),
            ("a/", "component"),
            ("a\\b", "backslash"),
            (".git/config", ".git"),
            ("a\nb", "control"),
        ] {
            let message = location(bad).unwrap_err();
            assert!(message.contains(why), "{bad}: {message}");
        }
    }

    #[test]
    fn hashes_have_the_length_of_their_algorithm() {
        for good in [
            "md5:d41d8cd98f00b204e9800998ecf8427e",
            "d41d8cd98f00b204e9800998ecf8427e",
            "sha1:8843d7f92416211de9ebb963ff4ce28125932878",
            "SHA256:E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855",
            "blake3:anything",
        ] {
            assert_eq!(hash(good), Ok(()), "{good}");
        }
        for bad in [
            "x",
            "sha1:",
            "sha256:e3b0",
            "md5:zz1d8cd98f00b204e9800998ecf8427e",
            ":a",
            "crc:",
            "é",
            "+ZT--Z--0-TZ T+Z+0Z",
        ] {
            assert!(hash(bad).is_err(), "{bad}");
        }
        assert_eq!(digest(&"aB".repeat(32)), Some("ab".repeat(32)));
        assert_eq!(digest(&"ag".repeat(32)), None);
        assert_eq!(digest(&"é".repeat(32)), None);
    }

    #[test]
    fn instants_are_those_of_rfc_3339() {
        for good in [
            "1985-04-12T23:20:50.52Z",
            "1996-12-19T16:39:57-08:00",
            "1990-12-31T23:59:60Z",
            "1937-01-01T12:00:27.87+00:20",
            "2024-02-29t00:00:00z",
            "2024-02-29 00:00:00.1234567890123Z",
        ] {
            assert!(is_instant(good), "{good}");
        }
        for bad in [
            "",
            "Z",
            "2024",
            "2024-01-26",
            "2024-01-26T15:00:00",
            "2023-02-29T00:00:00Z",
            "2024-13-01T00:00:00Z",
            "2024-01-26T25:00:00Z",
            "20240126T150000Z",
            "2024-01-26T15:00:00.Z",
            "2024-01-26T15:00:00+01",
            "2024-01-26T15:00:00+0100",
            "2024-01-26T15:00:00Z[UTC]",
            "2024-01-26T15:00:00é+1:00",
            "+02024-01-26T15:00Z",
            "+ZT--Z--0-TZ T+Z+0Z",
            "2024-01-26T15:00:00+9",
        ] {
            assert!(!is_instant(bad), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn no_text_upsets_the_readers(text in "\\PC{0,40}|[-0-9TZ:.+ ]{0,40}|[./\\\\a:htp]{0,12}|(sha256:)?[0-9a-f]{0,70}") {
            let _ = (is_instant(&text), hash(&text), digest(&text));
            if location(&text) == Ok(Location::File) {
                prop_assert!(!text.contains("://") && !text.split('/').any(|component| component == ".."));
            }
        }

        #[test]
        fn every_second_has_an_instant(
            (year, month, day) in (0..=9999, 1..=12, 1..=28), (hour, minute, second) in (0..=23, 0..=59, 0..=59),
            fraction in "(\\.[0-9]{1,12})?", offset in "Z|[+-](0[0-9]|1[0-9]|2[0-3]):[0-5][0-9]",
        ) {
            // The range of the parser's time line is one day smaller than that of the years 0 to 9999.
            prop_assume!(year > 0 && year < 9999);
            let text = format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}{fraction}{offset}");
            prop_assert!(is_instant(&text), "{}", text);
        }
    }
}
