//! Configuration of signing keys and of the OAuth provider.

use std::time::Duration;

use serde::Deserialize;

use super::accounts::Makers;
use super::units;
use crate::error::{Error, Result};

/// Who can register applications with the protocol (RFC 7591).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Registration {
    /// No one.
    Off,
    /// Programs with a personal token that has all rights of its user.
    Token,
}

/// Signing keys, and applications that act for users (OAuth 2.1).
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct OAuthConfig {
    /// Days after which a new signing key replaces the newest one; 0: never. Default: 90.
    #[serde(deserialize_with = "units::days")]
    pub key_days: u32,
    /// Lifetime of access tokens, in seconds. Default: 15 minutes.
    #[serde(deserialize_with = "units::seconds")]
    pub access_seconds: u64,
    /// Days without a refresh after which a login at an application ends. Default: 30.
    #[serde(deserialize_with = "units::days")]
    pub refresh_days: u32,
    /// Days after which a login at an application ends. Default: 90.
    #[serde(deserialize_with = "units::days")]
    pub refresh_most_days: u32,
    /// Time in which a replaced refresh token may be used again, in seconds: the response may have been lost.
    /// Default: 30.
    #[serde(deserialize_with = "units::seconds")]
    pub grace_seconds: u64,
    /// Hours that the secret before stays valid after an application gets a new one. Default: 24.
    pub overlap_hours: u32,
    /// Who can register applications: `users` or `admins`. Default: `users`.
    pub developers: Makers,
    /// Dynamic client registration: `off` or `token`. Default: `off`.
    pub registration: Registration,
}

impl Default for OAuthConfig {
    fn default() -> Self {
        Self {
            key_days: 90,
            access_seconds: 900,
            refresh_days: 30,
            refresh_most_days: 90,
            grace_seconds: 30,
            overlap_hours: 24,
            developers: Makers::Users,
            registration: Registration::Off,
        }
    }
}

impl OAuthConfig {
    /// Returns the age at which a signing key is replaced; `None` for never.
    pub fn key_age(&self) -> Option<Duration> {
        (self.key_days > 0).then(|| Duration::from_secs(u64::from(self.key_days) * 86_400))
    }

    /// Returns the lifetime of access tokens.
    pub fn access(&self) -> Duration {
        Duration::from_secs(self.access_seconds)
    }

    /// Returns the time without a refresh after which a login ends.
    pub fn refresh_idle(&self) -> Duration {
        Duration::from_secs(u64::from(self.refresh_days) * 86_400)
    }

    /// Returns the maximum lifetime of a login.
    pub fn refresh_longest(&self) -> Duration {
        Duration::from_secs(u64::from(self.refresh_most_days) * 86_400)
    }

    /// Returns how long a replaced refresh token may be used again.
    pub fn grace(&self) -> Duration {
        Duration::from_secs(self.grace_seconds)
    }

    /// Returns how long a replaced secret of an application stays valid.
    pub fn overlap(&self) -> Duration {
        Duration::from_secs(u64::from(self.overlap_hours) * 3600)
    }

    /// Checks the bounds.
    ///
    /// # Errors
    /// Invalid; the message names the key.
    pub(super) fn check(&self) -> Result<()> {
        let bounds = [
            ("oauth.key_days", u64::from(self.key_days), 0, 3650),
            ("oauth.access_seconds", self.access_seconds, 60, 86_400),
            ("oauth.refresh_days", u64::from(self.refresh_days), 1, 400),
            ("oauth.refresh_most_days", u64::from(self.refresh_most_days), 1, 3650),
            ("oauth.grace_seconds", self.grace_seconds, 0, 600),
            ("oauth.overlap_hours", u64::from(self.overlap_hours), 0, 24 * 400),
        ];
        for (key, value, least, most) in bounds {
            if !(least..=most).contains(&value) {
                return Err(Error::invalid(format!("{key} is {value}, but must be between {least} and {most}")));
            }
        }
        Ok(())
    }
}
