//! Issuers of JSON Web Tokens that are accepted besides our own.

use std::path::PathBuf;

use serde::Deserialize;

use super::units;
use crate::error::{Error, Result};

/// The `iss` claim of our own JSON Web Tokens, reserved for them.
pub const OUR_ISSUER: &str = "rutter";

/// An issuer of JSON Web Tokens, such as a CKAN site.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Issuer {
    /// The `iss` claim.
    pub issuer: String,
    /// PEM file of its public key (RSA, EC or Ed25519).
    pub public_key_file: Option<PathBuf>,
    /// URL of its public keys (JWK Set, RFC 7517).
    pub jwks_url: Option<String>,
    /// The required `aud` claim. Default: none.
    pub audience: Option<String>,
    /// Tolerated clock difference, in seconds. Default: 10.
    #[serde(default = "default_leeway", deserialize_with = "units::seconds")]
    pub leeway: u64,
}

fn default_leeway() -> u64 {
    10
}

impl Issuer {
    /// Checks the issuer. `own` is the base URL of this server.
    ///
    /// # Errors
    /// Invalid without exactly one source of keys, for a reserved name or our own, and for keys that others could
    /// replace.
    pub(super) fn check(&self, own: &str) -> Result<()> {
        if self.public_key_file.is_some() == self.jwks_url.is_some() {
            return Err(Error::invalid(format!(
                "issuer `{}` needs exactly one of public_key_file and jwks_url",
                self.issuer
            )));
        }
        if self.issuer.is_empty() || self.issuer == OUR_ISSUER {
            return Err(Error::invalid(format!("an issuer cannot be named `{}`", self.issuer)));
        }
        if self.issuer.trim_end_matches('/').eq_ignore_ascii_case(own) {
            return Err(Error::invalid(format!(
                "an issuer cannot be named `{}`: that is the URL of this server",
                self.issuer
            )));
        }
        if self.jwks_url.as_deref().is_some_and(|url| !is_safe(url)) {
            return Err(Error::invalid(format!(
                "jwks_url of issuer `{}` must begin with https://, because anyone who can change the response can \
                 forge tokens; http:// is allowed for loopback addresses only",
                self.issuer
            )));
        }
        Ok(())
    }
}

/// Returns true if the response of this URL cannot be changed on the network: HTTPS, or HTTP on a loopback address.
pub(crate) fn is_safe(url: &str) -> bool {
    let Some((scheme, rest)) = url.split_once("://") else { return false };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = match authority.strip_prefix('[') {
        Some(address) => address.split(']').next().unwrap_or_default(),
        None => authority.split(':').next().unwrap_or_default(),
    };
    let here = host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback());
    !host.is_empty() && !authority.contains('@') && (scheme == "https" || (scheme == "http" && here))
}
