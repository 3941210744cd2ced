//! The scheme, host and port of a URL.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use crate::error::{Error, Result};

/// Scheme, host and port of a URL (RFC 6454).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    is_secure: bool,
    host: String,
    port: Option<u16>,
}

impl Origin {
    /// Returns the origin of a URL with any path; `None` for something else.
    pub fn of(url: &str) -> Option<Self> {
        let (scheme, rest) = url.split_once("://")?;
        let authority = rest.split(['/', '?', '#']).next()?;
        format!("{scheme}://{authority}").parse().ok()
    }

    /// Returns true for https.
    pub fn is_secure(&self) -> bool {
        self.is_secure
    }

    /// Returns the host in lower case, without the port.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Returns the scheme.
    pub fn scheme(&self) -> &'static str {
        if self.is_secure { "https" } else { "http" }
    }

    /// Returns true for a name that browsers resolve to this machine, and for loopback addresses.
    pub fn is_local(&self) -> bool {
        let is_loopback = |ip: IpAddr| ip.is_loopback();
        self.host == "localhost" || self.host.ends_with(".localhost") || self.address().is_some_and(is_loopback)
    }

    /// Returns true for an IP address.
    pub fn is_address(&self) -> bool {
        self.address().is_some()
    }

    /// Returns `host:port`, also for the default port.
    pub fn endpoint(&self) -> String {
        format!("{}:{}", self.host, self.port.unwrap_or(if self.is_secure { 443 } else { 80 }))
    }

    fn address(&self) -> Option<IpAddr> {
        self.host.trim_matches(['[', ']']).parse().ok()
    }

    /// Returns the origin of a host name below this one, on the same port.
    #[must_use]
    pub fn below(&self, label: &str) -> Self {
        Self { host: format!("{label}.{}", self.host), ..self.clone() }
    }

    /// Returns the label of a host name directly below this one.
    pub fn label<'a>(&self, host: &'a str) -> Option<&'a str> {
        let label = host.strip_suffix(self.host.as_str())?.strip_suffix('.')?;
        let is_label = label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        (!label.is_empty() && is_label).then_some(label)
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme(), self.host)?;
        self.port.iter().try_for_each(|port| write!(f, ":{port}"))
    }
}

impl FromStr for Origin {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let invalid =
            || Error::invalid(format!("`{}` is not an origin such as https://host:port", text.escape_debug()));
        let (is_secure, rest) = match text.split_once("://") {
            Some(("https", rest)) => (true, rest),
            Some(("http", rest)) => (false, rest),
            _ => return Err(invalid()),
        };
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        let (host, port) = match rest.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => (host, Some(port.parse::<u16>().map_err(|_| invalid())?)),
            _ => (rest, None),
        };
        let is_name = !host.is_empty()
            && host.split('.').all(|label| {
                !label.is_empty() && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
            });
        let is_v6 = host.starts_with('[') && host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok();
        if !is_name && !is_v6 {
            return Err(invalid());
        }
        // As browsers write it: without the default port.
        let port = port.filter(|port| *port != if is_secure { 443 } else { 80 });
        Ok(Self { is_secure, host: host.to_ascii_lowercase(), port })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_are_parsed() {
        for (text, shown) in [
            ("https://apps.example.org", "https://apps.example.org"),
            ("https://Apps.example.org:443/", "https://apps.example.org"),
            ("http://apps.localhost:8080", "http://apps.localhost:8080"),
            ("http://[::1]:80", "http://[::1]"),
        ] {
            assert_eq!(text.parse::<Origin>().unwrap().to_string(), shown);
        }
        for bad in
            ["", "apps.example.org", "ftp://x", "https://", "https://a/b", "https://a..b", "http://a:x", "http://u@a"]
        {
            assert!(bad.parse::<Origin>().is_err(), "{bad}");
        }
        let endpoint = |text: &str| Origin::of(text).map(|origin| origin.endpoint());
        assert_eq!(endpoint("https://data.example.org/x"), Some("data.example.org:443".into()));
        assert_eq!(endpoint("http://[::1]"), Some("[::1]:80".into()));
        let apps: Origin = "http://apps.localhost:8080".parse().unwrap();
        assert_eq!(apps.label("notes--ada.apps.localhost"), Some("notes--ada"));
        for host in [
            "apps.localhost",
            ".apps.localhost",
            "ada/notes.apps.localhost",
            "a.b.apps.localhost",
            "xapps.localhost",
            "localhost",
        ] {
            assert_eq!(apps.label(host), None, "{host}");
        }
        assert!(apps.is_local() && apps.below("a").to_string() == "http://a.apps.localhost:8080");
    }
}
