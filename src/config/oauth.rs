//! Configuration of signing keys and of the OAuth provider.

use std::time::Duration;

use serde::Deserialize;

use super::units;
use crate::error::{Error, Result};

/// Signing keys, and applications that act for users (OAuth 2.1).
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct OAuthConfig {
    /// Days after which a new signing key replaces the newest one; 0: never. Default: 90.
    #[serde(deserialize_with = "units::days")]
    pub key_days: u32,
}

impl Default for OAuthConfig {
    fn default() -> Self {
        Self { key_days: 90 }
    }
}

impl OAuthConfig {
    /// Returns the age at which a signing key is replaced; `None` for never.
    pub fn key_age(&self) -> Option<Duration> {
        (self.key_days > 0).then(|| Duration::from_secs(u64::from(self.key_days) * 86_400))
    }

    /// Checks the bounds.
    ///
    /// # Errors
    /// Invalid; the message names the key.
    pub(super) fn check(&self) -> Result<()> {
        if self.key_days > 3650 {
            return Err(Error::invalid(format!("oauth.key_days is {}, but must be at most 3650", self.key_days)));
        }
        Ok(())
    }
}
