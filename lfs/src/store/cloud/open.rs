//! What opening a bucket has in common for all providers: endpoints, timeouts, retries.

use std::{fmt, sync::Arc, time::Duration};

use object_store::{
    BackoffConfig, ClientOptions, ObjectStore, RetryConfig,
    client::{HttpConnector as _, ReqwestConnector},
};

use super::{
    Cloud, CloudStore, Inner,
    request::{LONG_TIMEOUT, REQUEST_TIMEOUT},
};
use crate::Error;

/// Connect timeout.
const CONNECT: Duration = Duration::from_secs(5);

/// The address of a store: `https://host:port/path`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Address {
    /// `https://host:port`, as in the `Host` header: without a default port.
    pub(super) origin: String,
    /// Path with a leading slash, or empty.
    pub(super) path: String,
}

impl Address {
    pub(super) fn parse(text: &str) -> Result<Self, Error> {
        let (scheme, rest) = text
            .trim_end_matches('/')
            .split_once("://")
            .filter(|(scheme, rest)| matches!(*scheme, "http" | "https") && !rest.is_empty())
            .ok_or_else(|| Error::Invalid(format!("the endpoint `{text}` must start with https:// or http://")))?;
        let (host, path) = rest.find('/').map_or((rest, ""), |at| rest.split_at(at));
        if host.is_empty() || host.contains(['@', '?', '#', ' ']) || path.contains(['?', '#', ' ']) {
            return Err(Error::Invalid(format!("`{text}` is not an endpoint; use https://host:port")));
        }
        let default = if scheme == "https" { ":443" } else { ":80" };
        let host = host.strip_suffix(default).unwrap_or(host).to_ascii_lowercase();
        Ok(Self { origin: format!("{scheme}://{host}"), path: path.to_owned() })
    }

    /// Returns the address of a bucket, with its name in the host or in the path.
    pub(super) fn with_bucket(self, bucket: &str, in_host: bool) -> Result<Self, Error> {
        let Self { origin, path } = self;
        if !in_host {
            return Ok(Self { origin, path: format!("{path}/{bucket}") });
        }
        let (scheme, host) = origin.split_once("://").unwrap_or(("https", &origin));
        if host.starts_with('[') || host.split(':').next().is_some_and(|host| host.parse::<std::net::IpAddr>().is_ok())
        {
            return Err(Error::Invalid(format!("`{origin}` is an IP address: it cannot have a bucket prefix")));
        }
        Ok(Self { origin: format!("{scheme}://{bucket}.{host}"), path })
    }

    /// Returns true if the connection is not encrypted.
    pub(super) fn is_plain(&self) -> bool {
        self.origin.starts_with("http://")
    }
}

impl fmt::Display for Address {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}{}", self.origin, self.path)
    }
}

impl Inner {
    /// Creates the store for the bucket that the server reaches at `address`.
    pub(super) fn open(
        name: String,
        objects: Arc<dyn ObjectStore>,
        cloud: Cloud,
        address: &Address,
        prefix: String,
    ) -> Result<CloudStore, Error> {
        // Each request has its own timeout. Clients may use the store without TLS even if we do not.
        let options = options().with_timeout_disabled().with_allow_http(true);
        let http = ReqwestConnector::default().connect(&options).map_err(invalid)?;
        let base = address.to_string();
        Ok(CloudStore(Arc::new(Self { name, objects, http, cloud, base, prefix })))
    }
}

/// Retry policy of `object_store`. A request that times out is not retried.
pub(super) fn retry() -> RetryConfig {
    let backoff = BackoffConfig { max_backoff: Duration::from_secs(3), ..BackoffConfig::default() };
    RetryConfig { max_retries: 3, retry_timeout: REQUEST_TIMEOUT, backoff }
}

/// HTTP options of `object_store`. Requests that transfer bytes, or make the store copy some, may take long; for
/// the others see [`in_time`](super::request::in_time).
pub(super) fn client(address: &Address) -> ClientOptions {
    options().with_timeout(LONG_TIMEOUT).with_allow_http(address.is_plain())
}

/// Chooses the cryptography of TLS, for all clients of the process that do not bring their own. Creating an HTTP client
/// panics before this was called; it may be called again.
pub fn install_tls_provider() {
    let _ = rustls::crypto::ring::default_provider().install_default();
}

fn options() -> ClientOptions {
    install_tls_provider();
    ClientOptions::new().with_connect_timeout(CONNECT)
}

/// Returns the value of the first of these names that is set.
pub(super) fn value<'a>(environment: &'a [(String, String)], names: &[&str]) -> Option<&'a str> {
    names.iter().find_map(|wanted| {
        let found = environment.iter().find(|(name, value)| name.eq_ignore_ascii_case(wanted) && !value.is_empty())?;
        Some(found.1.as_str())
    })
}

/// Rejects names that percent-encoding or path normalization in a URL would change.
pub(super) fn check_names(bucket: &str, prefix: &str) -> Result<(), Error> {
    if bucket.is_empty() || !bucket.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte)) {
        return Err(Error::Invalid(format!("`{bucket}` is not a valid bucket name")));
    }
    let strange = |part: &str| {
        part.is_empty()
            || part.bytes().all(|byte| byte == b'.')
            || !part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte))
    };
    if !prefix.is_empty() && prefix.split('/').any(strange) {
        return Err(Error::Invalid(format!(
            "`{prefix}` is not a valid key prefix: use letters, digits, `-`, `_` and `.`, with single slashes \
             in between"
        )));
    }
    Ok(())
}

/// Returns the error for invalid options.
#[expect(clippy::needless_pass_by_value, reason = "passed to `map_err`")]
pub(super) fn invalid(error: object_store::Error) -> Error {
    Error::Invalid(format!("cannot open the store: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_what_clients_write_into_host() {
        for (text, bucket, in_host, expected) in [
            ("https://s3.eu-central-1.amazonaws.com/", "data", true, "https://data.s3.eu-central-1.amazonaws.com"),
            ("https://s3.eu-central-1.amazonaws.com:443", "data", false, "https://s3.eu-central-1.amazonaws.com/data"),
            ("http://127.0.0.1:3900", "data", false, "http://127.0.0.1:3900/data"),
            ("http://Store:80/account/", "data", false, "http://store/account/data"),
            ("https://store:8443", "data", true, "https://data.store:8443"),
        ] {
            let address = Address::parse(text).unwrap().with_bucket(bucket, in_host).unwrap();
            assert_eq!(address.to_string(), expected);
        }
        for wrong in ["", "store", "ftp://store", "https://", "https:///a", "https://user@store", "https://a?b"] {
            assert!(Address::parse(wrong).is_err(), "{wrong}");
        }
        for wrong in ["http://127.0.0.1:3900", "http://[::1]:3900"] {
            assert!(Address::parse(wrong).unwrap().with_bucket("data", true).is_err(), "{wrong}");
        }
    }

    #[test]
    fn folders_that_a_url_would_change_are_refused() {
        for right in ["", "a", "a/b.c/d-e_f"] {
            check_names("bucket", right).unwrap();
        }
        for wrong in ["/", "/a", "a/", "a//b", "a/../b", ".", "a b", "ä", "a%b", "a?b"] {
            assert!(check_names("bucket", wrong).is_err(), "{wrong}");
        }
        assert!(check_names("", "a").is_err());
        assert!(check_names("a/b", "a").is_err());
    }
}
