//! What opening a bucket has in common for all clouds.

use std::{fmt, sync::Arc, time::Duration};

use object_store::{
    BackoffConfig, ClientOptions, ObjectStore, RetryConfig,
    client::{HttpConnector as _, ReqwestConnector},
};

use super::{
    Cloud, CloudStore, Inner,
    request::{LONG_PATIENCE, PATIENCE},
};
use crate::Error;

/// How long to try to reach a store.
const CONNECT: Duration = Duration::from_secs(5);

/// Where a store is: `https://host:port/path`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Address {
    /// `https://host:port`, as clients write it into `Host`: without a default port.
    pub(super) origin: String,
    /// With a slash in front, or empty.
    pub(super) path: String,
}

impl Address {
    pub(super) fn parse(text: &str) -> Result<Self, Error> {
        let (scheme, rest) = text
            .trim_end_matches('/')
            .split_once("://")
            .filter(|(scheme, rest)| matches!(*scheme, "http" | "https") && !rest.is_empty())
            .ok_or_else(|| Error::Invalid(format!("the endpoint `{text}` must begin with https:// or http://")))?;
        let (host, path) = rest.find('/').map_or((rest, ""), |at| rest.split_at(at));
        if host.is_empty() || host.contains(['@', '?', '#', ' ']) || path.contains(['?', '#', ' ']) {
            return Err(Error::Invalid(format!("`{text}` is not an endpoint: it is https://host:port")));
        }
        let default = if scheme == "https" { ":443" } else { ":80" };
        let host = host.strip_suffix(default).unwrap_or(host).to_ascii_lowercase();
        Ok(Self { origin: format!("{scheme}://{host}"), path: path.to_owned() })
    }

    /// The bucket's own, in its host name or in its path.
    pub(super) fn with_bucket(self, bucket: &str, in_host: bool) -> Result<Self, Error> {
        let Self { origin, path } = self;
        if !in_host {
            return Ok(Self { origin, path: format!("{path}/{bucket}") });
        }
        let (scheme, host) = origin.split_once("://").unwrap_or(("https", &origin));
        if host.starts_with('[') || host.split(':').next().is_some_and(|host| host.parse::<std::net::IpAddr>().is_ok())
        {
            return Err(Error::Invalid(format!("`{origin}` is an address: no bucket can stand in front of it")));
        }
        Ok(Self { origin: format!("{scheme}://{bucket}.{host}"), path })
    }

    /// Whether it is not encrypted.
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
    /// The store, whose bucket the server reaches at `address`.
    pub(super) fn open(
        name: String,
        objects: Arc<dyn ObjectStore>,
        cloud: Cloud,
        address: &Address,
        prefix: String,
    ) -> Result<CloudStore, Error> {
        // Each request has a limit of its own. Clients may reach the store without TLS though we do not.
        let options = ClientOptions::new().with_connect_timeout(CONNECT).with_timeout_disabled().with_allow_http(true);
        let http = ReqwestConnector::default().connect(&options).map_err(invalid)?;
        let base = address.to_string();
        Ok(CloudStore(Arc::new(Self { name, objects, http, cloud, base, prefix })))
    }
}

/// How often and for how long `object_store` tries. A store that says nothing is asked once.
pub(super) fn retry() -> RetryConfig {
    let backoff = BackoffConfig { max_backoff: Duration::from_secs(3), ..BackoffConfig::default() };
    RetryConfig { max_retries: 3, retry_timeout: PATIENCE, backoff }
}

/// How `object_store` talks to it. What moves bytes, or makes the store move some, may take long; for the rest see
/// [`in_time`](super::request::in_time).
pub(super) fn client(address: &Address) -> ClientOptions {
    ClientOptions::new().with_connect_timeout(CONNECT).with_timeout(LONG_PATIENCE).with_allow_http(address.is_plain())
}

/// The value of the first of these names that has one.
pub(super) fn value<'a>(environment: &'a [(String, String)], names: &[&str]) -> Option<&'a str> {
    names.iter().find_map(|wanted| {
        let found = environment.iter().find(|(name, value)| name.eq_ignore_ascii_case(wanted) && !value.is_empty())?;
        Some(found.1.as_str())
    })
}

/// What would become another key on the way through a URL is refused.
pub(super) fn check_names(bucket: &str, prefix: &str) -> Result<(), Error> {
    if bucket.is_empty() || !bucket.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte)) {
        return Err(Error::Invalid(format!("`{bucket}` is not the name of a bucket")));
    }
    let strange = |part: &str| {
        part.is_empty()
            || part.bytes().all(|byte| byte == b'.')
            || !part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte))
    };
    if !prefix.is_empty() && prefix.split('/').any(strange) {
        return Err(Error::Invalid(format!(
            "`{prefix}` cannot be the folder in a bucket: use letters, digits, `-`, `_` and `.`, with single slashes \
             between"
        )));
    }
    Ok(())
}

/// Options that cannot be.
#[expect(clippy::needless_pass_by_value, reason = "it is handed to `map_err`")]
pub(super) fn invalid(error: object_store::Error) -> Error {
    Error::Invalid(format!("the store cannot be opened: {error}"))
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
