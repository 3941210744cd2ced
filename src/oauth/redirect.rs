//! Redirect URLs of applications: which can be registered, and which match a registered one.

use crate::error::{Error, Result};

/// Maximum length of a redirect URL, in bytes.
pub const MAX_BYTES: usize = 2048;
/// Maximum number of redirect URLs of an application.
pub const MAX_URLS: usize = 20;

/// Checks a redirect URL: `https`, or `http` on a loopback address, without fragment or credentials.
///
/// # Errors
/// Invalid; the message says why.
pub fn check(url: &str) -> Result<()> {
    let refuse = |why: &str| Err(Error::invalid(format!("invalid redirect URL `{}`: {why}", url.escape_debug())));
    if url.len() > MAX_BYTES {
        return refuse("it is too long");
    }
    if !url.bytes().all(|b| b.is_ascii_graphic() && !b"\"<>\\^`{|}#".contains(&b)) {
        return refuse("it must not contain spaces, fragments or special characters");
    }
    let Some((scheme, rest)) = url.split_once("://") else { return refuse("it must begin with https://") };
    let authority = rest.split(['/', '?']).next().unwrap_or_default();
    if authority.is_empty() || authority.contains('@') {
        return refuse("it must have a host, and no user name");
    }
    let host = if authority.starts_with('[') { authority } else { authority.split(':').next().unwrap_or_default() };
    // Names below `localhost` are of this machine, too (RFC 6761 §6.3).
    let is_local = host == "localhost" || host.ends_with(".localhost") || loopback(url).is_some();
    match scheme {
        "https" => Ok(()),
        "http" if is_local => Ok(()),
        _ => refuse("use https://; http:// is allowed for loopback addresses only"),
    }
}

/// Returns true if a requested redirect URL is one of the registered ones: the same, or on a loopback address the same
/// but for the port (RFC 8252 §7.3).
pub fn is_registered(requested: &str, registered: &[String]) -> bool {
    registered
        .iter()
        .any(|known| known == requested || loopback(known).is_some_and(|parts| loopback(requested) == Some(parts)))
}

/// Returns the URL without its query, which applications with the trait `free-query` can vary.
pub fn without_query(url: &str) -> &str {
    url.split('?').next().unwrap_or_default()
}

/// Returns true for a URL of a program on the user's own machine, which anyone may listen on.
pub fn is_loopback(url: &str) -> bool {
    let is_localhost = |rest: &str| rest.is_empty() || rest.starts_with([':', '/', '?']);
    loopback(url).is_some() || url.strip_prefix("http://localhost").is_some_and(is_localhost)
}

/// Returns the host of a URL on a loopback address, and what follows the port.
fn loopback(url: &str) -> Option<(&str, &str)> {
    let rest = url.strip_prefix("http://")?;
    let host = ["127.0.0.1", "[::1]"].into_iter().find(|host| rest.starts_with(host))?;
    let rest = &rest[host.len()..];
    let rest = match rest.strip_prefix(':') {
        Some(after) => {
            let digits = after.bytes().take_while(u8::is_ascii_digit).count();
            after[..digits].parse::<u16>().ok()?;
            &after[digits..]
        }
        None => rest,
    };
    (rest.is_empty() || rest.starts_with(['/', '?'])).then_some((host, rest))
}

/// Adds parameters to the query of a URL.
pub fn with_query(url: &str, pairs: &[(&str, &str)]) -> String {
    let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
    let separator = if url.contains('?') { '&' } else { '?' };
    format!("{url}{separator}{query}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn redirect_urls_are_https_or_local() {
        for good in
            ["https://app.example.org/cb?x=1", "http://127.0.0.1/cb", "http://[::1]:80/", "http://localhost:3000/cb"]
        {
            assert!(check(good).is_ok(), "{good}");
        }
        for bad in [
            "javascript:alert(1)",
            "http://app.example.org/",
            "https://",
            "https:///x",
            "https://a@b/",
            "https://a/#f",
            "https://a/\n",
            "data:text/html,x",
            "http://127.0.0.1.evil.example/",
            "http://[::2]/",
            "//app.example.org",
            "http://localhost.evil.example/",
            "https://a/\\b",
        ] {
            assert!(check(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn programs_on_the_users_machine_are_known() {
        for (url, expected) in [
            ("http://127.0.0.1:1/cb", true),
            ("http://[::1]", true),
            ("http://localhost", true),
            ("http://localhost:3000/cb", true),
            ("http://localhost.example.org/", false),
            ("https://localhost/", false),
        ] {
            assert_eq!(is_loopback(url), expected, "{url}");
        }
    }

    #[test]
    fn rule_3_redirect_urls_match_exactly_but_for_ports_of_loopback_addresses() {
        let known =
            ["https://app.example.org/cb".to_owned(), "http://127.0.0.1:1/cb".to_owned(), "http://[::1]".to_owned()];
        for good in [
            "https://app.example.org/cb",
            "http://127.0.0.1:1/cb",
            "http://127.0.0.1:65535/cb",
            "http://127.0.0.1/cb",
            "http://[::1]:9",
        ] {
            assert!(is_registered(good, &known), "{good}");
        }
        for bad in [
            "https://app.example.org/cb/",
            "https://app.example.org/Cb",
            "https://App.example.org/cb",
            "https://app.example.org:443/cb",
            "https://app.example.org/cb?",
            "http://app.example.org/cb",
            "https://app.example.org/c",
            "http://127.0.0.1:1/cb/",
            "http://127.0.0.1:99999/cb",
            "http://127.0.0.1:/cb",
            "https://127.0.0.1:1/cb",
            "http://127.0.0.2:1/cb",
            "http://127.0.0.1:1@evil.example/cb",
            "http://localhost/cb",
        ] {
            assert!(!is_registered(bad, &known), "{bad}");
        }
    }
}
