//! Audiences: URIs of servers that accept access tokens.

use super::redirect::MAX_URLS;
use crate::error::{Error, Result};

/// Maximum length of an audience, in bytes.
const MAX_AUDIENCE_BYTES: usize = 255;

/// Checks an audience: an absolute URI without a fragment, which is not one of this server.
///
/// # Errors
/// Invalid; the message says why.
fn check_audience(audience: &str, issuer: &str) -> Result<()> {
    let refuse = |why: &str| Err(Error::invalid(format!("invalid audience `{}`: {why}", audience.escape_debug())));
    if audience.len() > MAX_AUDIENCE_BYTES {
        return refuse("it is longer than 255 bytes");
    }
    if !audience.bytes().all(|b| b.is_ascii_graphic() && !b"\"<>\\^`{|}#".contains(&b)) {
        return refuse("it must not contain spaces, fragments or special characters");
    }
    let has_host = |rest: &str| rest.split('/').next().is_some_and(|host| !host.is_empty() && !host.contains('@'));
    let is_uri = audience.starts_with("urn:")
        || ["https://", "http://"].iter().any(|scheme| audience.strip_prefix(scheme).is_some_and(has_host));
    if !is_uri {
        return refuse("use the URL of the server, such as https://api.example.org, or a URN");
    }
    let within = audience.strip_prefix(issuer).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    if within { refuse("it is a URL of this server") } else { Ok(()) }
}

/// Checks the audience of an application, and the audiences that it may ask for, on their own.
pub(super) fn check(audience: Option<&str>, resources: &[String], issuer: &str) -> Result<()> {
    if resources.len() > MAX_URLS {
        return Err(Error::invalid(format!("an application can have at most {MAX_URLS} resources")));
    }
    audience.into_iter().chain(resources.iter().map(String::as_str)).try_for_each(|it| check_audience(it, issuer))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn audiences_are_uris_of_other_servers() {
        let check = |audience: &str| check_audience(audience, "https://data.example.org");
        for good in ["https://api.example.org", "http://127.0.0.1:9000/v1", "urn:example:warehouse"] {
            assert!(check(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "api",
            "https://",
            "https:///x",
            "https://a@b",
            "https://api.example.org/#x",
            "https://api.example.org/ x",
            "https://data.example.org",
            "https://data.example.org/api",
            &format!("https://{}", "a".repeat(250)),
        ] {
            assert!(check(bad).is_err(), "{bad}");
        }
        assert!(check("https://data.example.org.example").is_ok());
    }
}
