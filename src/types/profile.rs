//! What users and organisations say about themselves.

use std::fmt;
use std::str::FromStr;

use crate::error::Error;

/// Maximum length of a bio, a web site and a place, in characters.
const BIO_MAX: usize = 300;
const WEBSITE_MAX: usize = 200;
const PLACE_MAX: usize = 100;

/// Maximum length of a README, in bytes.
const README_MAX: usize = 64 << 10;

/// Checks a line of text for people: without control characters, and without those that change the direction of writing.
fn line(text: &str, most: usize, field: &str) -> Result<String, Error> {
    let text = text.trim();
    let is_odd =
        |c: char| c.is_control() || matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}');
    if text.chars().count() > most || text.chars().any(is_odd) {
        return Err(Error::invalid(format!("`{field}` must be one line of at most {most} characters")));
    }
    Ok(text.to_owned())
}

/// What a user or an organisation does: a line of at most 300 characters; may be empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Bio(String);
text_newtype!(Bio);

impl FromStr for Bio {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        line(text, BIO_MAX, "bio").map(Self)
    }
}

/// Where a user or an organisation is: a line of at most 100 characters; may be empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Place(String);
text_newtype!(Place);

impl FromStr for Place {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        line(text, PLACE_MAX, "place").map(Self)
    }
}

/// The address of a web site, which pages link to: `http` or `https`; may be empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Website(String);
text_newtype!(Website);

impl FromStr for Website {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let text = line(text, WEBSITE_MAX, "website")?;
        if text.is_empty() {
            return Ok(Self(text));
        }
        let rest = text
            .split_once("://")
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("https") || scheme.eq_ignore_ascii_case("http"));
        let host = rest.map_or("", |(_, rest)| rest.split(['/', '?', '#']).next().unwrap_or_default());
        // Without a user name, which could look like another host.
        let is_host = host.chars().next().is_some_and(|c| c.is_alphanumeric() || c == '[')
            && host.chars().all(|c| c.is_alphanumeric() || ".-:[]".contains(c));
        if !is_host || text.chars().any(|c| c.is_whitespace() || "\"<>\\^`{|}".contains(c)) {
            return Err(Error::invalid("`website` must be an address such as `https://example.org`"));
        }
        Ok(Self(text))
    }
}

/// The README of a user or an organisation, in Markdown: at most 64 KiB; may be empty. It is stored and returned as it is; a
/// client that shows it as HTML must remove scripts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReadmeText(String);
text_newtype!(ReadmeText);

impl FromStr for ReadmeText {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        if text.len() > README_MAX {
            return Err(Error::too_large(format!("the README has more than {README_MAX} bytes; make it shorter")));
        }
        if text.contains('\0') {
            return Err(Error::invalid("the README must not contain NUL"));
        }
        Ok(Self(if text.trim().is_empty() { String::new() } else { text.to_owned() }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_web_site_is_an_http_address() {
        for good in
            ["", "https://example.org", " HTTP://example.org:8080/a?b#c ", "https://müller.example/ü", "https://[::1]/"]
        {
            assert!(good.parse::<Website>().is_ok(), "{good}");
        }
        for bad in [
            "example.org",
            "javascript://example.org/%0aalert(1)",
            "javascript:alert(1)",
            "data:text/html,x",
            "ftp://example.org",
            "https://",
            "https:///x",
            "https://example.org@evil.example",
            "https://a b.example",
            "https://example.org/\"onclick=x",
            "https://example.org/<script>",
            "https:\\\\example.org",
            "https://exa\u{202e}mple.org",
            &format!("https://{}", "a".repeat(WEBSITE_MAX)),
        ] {
            assert!(bad.parse::<Website>().is_err(), "{bad}");
        }
    }

    #[test]
    fn texts_are_bounded() {
        assert_eq!(" Birds of the coast \n".parse::<Bio>().unwrap().as_str(), "Birds of the coast");
        assert!("ü".repeat(BIO_MAX).parse::<Bio>().is_ok() && "ü".repeat(BIO_MAX + 1).parse::<Bio>().is_err());
        assert!("a\nb".parse::<Bio>().is_err() && "a\u{2067}b".parse::<Place>().is_err());
        assert!("x".repeat(PLACE_MAX + 1).parse::<Place>().is_err());
        assert_eq!(" \n ".parse::<ReadmeText>().unwrap().as_str(), "");
        assert_eq!("# A\n\n<script>".parse::<ReadmeText>().unwrap().as_str(), "# A\n\n<script>");
        assert!("x".repeat(README_MAX).parse::<ReadmeText>().is_ok());
        assert!("x".repeat(README_MAX + 1).parse::<ReadmeText>().is_err() && "a\0".parse::<ReadmeText>().is_err());
    }
}
